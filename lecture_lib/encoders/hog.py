"""HOG: histograms of oriented gradients of a rigid grid, as one vector a picture (Dalal and Triggs 2005)."""

import math

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import resize

SIDE, CELL, BINS = 128, 16, 9  # pixels of the square, pixels of a cell, orientations in half a turn
DIM = (SIDE // CELL - 1) ** 2 * 4 * BINS


@torch.inference_mode()
def hog(picture: Tensor) -> Tensor:
    """Describe a picture, uint8 [3, H, W], warped to 128 x 128 pixels: float32 [1764], [7, 7 blocks, 2, 2 cells, 9].

    Each pixel votes for the orientation of its gradient, undirected, with its length, both of the colour in which it
    is longest; a block's four cells are normalised together: L2, numbers clipped at 0.2, L2 again.
    """
    image = resize(picture.float() / 255, [SIDE, SIDE], antialias=True)
    dy, dx = torch.zeros_like(image), torch.zeros_like(image)
    dy[:, 1:-1] = image[:, 2:] - image[:, :-2]
    dx[:, :, 1:-1] = image[:, :, 2:] - image[:, :, :-2]
    length, colour = torch.hypot(dy, dx).max(0)
    dy, dx = (d.gather(0, colour[None])[0] for d in (dy, dx))
    turn = torch.remainder(torch.atan2(dy, dx), math.pi)
    # a float just below pi, or remainder's pi itself, is the last bin
    bins = (turn * (BINS / math.pi)).long().clamp_(max=BINS - 1)
    votes = torch.zeros(SIDE, SIDE, BINS).scatter_(2, bins[..., None], length[..., None])
    n = SIDE // CELL
    cells = votes.view(n, CELL, n, CELL, BINS).mean((1, 3))
    blocks = cells.unfold(0, 2, 1).unfold(1, 2, 1).permute(0, 1, 3, 4, 2).flatten(2)
    blocks = _scaled(_scaled(blocks).clamp_(max=0.2))
    return blocks.flatten()


def _scaled(blocks: Tensor) -> Tensor:
    return blocks / (blocks.square().sum(-1, keepdim=True) + 1e-10).sqrt()
