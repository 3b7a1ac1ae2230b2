"""BoB: a bag of boundaries (Arandjelovic and Zisserman 2011), for things that have a shape and no texture.

Of a mask, not of a photograph: the segmentation that the paper learns is not part of it. 48 points on the boundary, a
window about each in three sizes relative to the object, in it the histogram of the silhouette's gradients; words and
tf-idf as of any features (`vectors.bag_of_words`).
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.encoders.normalise import l2_normalise

POINTS, SCALES = 48, (0.25, 0.5, 1.0)  # sides of a window by that of the object
CELLS, ORIENTATIONS, SIDE = 4, 8, 32  # pixels of a window after it is brought to one size


def boundary(mask: np.ndarray) -> np.ndarray:
    """48 points in even steps along the longest boundary of a mask, bool [H, W]: float32 [48, 2], x then y.

    Raises ValueError for a mask without a boundary.
    """
    from skimage.measure import find_contours  # here, as it takes a second

    # a frame of background closes what the picture's edge cuts off
    lines = find_contours(np.pad(mask, 1).astype(np.float32), 0.5)
    if not lines:
        raise ValueError("The mask is empty.")
    line = max(lines, key=len)[:, ::-1] - 1
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.linspace(0, along[-1], POINTS, endpoint=False)
    return np.stack([np.interp(at, along, axis) for axis in line.T], 1).astype(np.float32)


def describe_boundary(mask: np.ndarray) -> np.ndarray:
    """Descriptors of a mask, bool [H, W]: float32 [144, 128], of length 1; all points of one scale after the other.

    Each is a histogram of gradients in 4 x 4 cells and 8 orientations, in SIFT's order, without its Gaussian window.
    """
    points = torch.from_numpy(boundary(mask))
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    size = math.sqrt((np.ptp(rows) + 1) * (np.ptp(columns) + 1))
    return torch.cat([_histograms(_windows(mask, points, scale * size)) for scale in SCALES]).numpy()


def _windows(mask: np.ndarray, points: Tensor, side: float) -> Tensor:
    """Windows about points, outside of the picture background: float32 [n, SIDE, SIDE]."""
    height, width = mask.shape
    # a window larger than SIDE is made from a smaller picture, without aliasing
    small = min(1.0, SIDE / side)
    shape = [max(1, round(n * small)) for n in mask.shape]
    image = F.interpolate(torch.from_numpy(mask)[None, None].float(), shape, mode="bilinear", antialias=True)
    step = (torch.arange(SIDE) + 0.5) / SIDE - 0.5
    across = torch.stack(torch.meshgrid(step, step, indexing="xy"), -1) * side
    at = (points[:, None, None] + across + 0.5) / torch.tensor([width, height]) * 2 - 1
    return F.grid_sample(image.expand(len(points), -1, -1, -1), at, align_corners=False)[:, 0]


def _histograms(windows: Tensor) -> Tensor:
    dy, dx = torch.gradient(windows, dim=(1, 2))
    turn = torch.atan2(dy, dx) * (ORIENTATIONS / (2 * math.pi))
    # a gradient is shared between the two orientations next to its own
    apart = (turn[:, None] - torch.arange(ORIENTATIONS)[:, None, None]).abs() % ORIENTATIONS
    share = (1 - torch.minimum(apart, ORIENTATIONS - apart)).clamp(min=0)
    votes = F.avg_pool2d(share * torch.hypot(dx, dy)[:, None], SIDE // CELLS)
    return l2_normalise(l2_normalise(votes.permute(0, 2, 3, 1).flatten(1)).clamp(max=0.2))
