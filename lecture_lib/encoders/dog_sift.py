"""SIFT where a detector finds something: extrema of differences of Gaussians (Lowe 2004), by scikit-image.

The detector chooses place, size and orientation, so the same spot of a thing is found again when its picture is taken
from nearer by, or turned. The papers of instance retrieval take Hessian-affine regions, which no package has that may
be installed here: numbers made with these say "DoG instead of Hessian-affine".
"""

import torch
from torch import Tensor

from lecture_lib.encoders.sift import DIM, Local, grey

UNIT = 512  # SIFT is kept as bytes: 512 x, at most 255, as Lowe's program writes it
LEAST = 12  # pixels of a picture's shorter side: what scikit-image looks in at all
BIN = 3.0  # sides of a descriptor's bin in sigmas of its keypoint: four of them are 12 sigma wide (Lowe 2004)


def dog_sift(picture: Tensor) -> tuple[Local, Tensor]:
    """Describe the keypoints of a picture, uint8 [3, H, W]: N descriptors, and the angle of each, float32 [N].

    Angles are those of scikit-image, in radians: descriptors are relative to them. A spot with two orientations comes
    twice. A picture in which nothing is found, or that is too small to look in, has N = 0.

    `upsampling=1`: the picture is not doubled first, as by default. That gives a third of the keypoints, in a fifth of
    the time; the smallest are lost.
    """
    from skimage.feature import SIFT  # here, as it takes a second

    image, sift = grey(picture), SIFT(upsampling=1)
    none = torch.zeros(0)
    nothing = Local(torch.zeros(0, DIM), torch.zeros(0, 2), none, tuple(image.shape)), none
    if min(image.shape) < LEAST:
        return nothing
    try:
        sift.detect_and_extract(image.numpy())
    except RuntimeError:  # nothing found
        return nothing
    x = torch.from_numpy(sift.descriptors).float() / UNIT
    xy = torch.from_numpy(sift.positions[:, ::-1].copy()).float()
    size, angle = (torch.from_numpy(a).float() for a in (BIN * sift.sigmas, sift.orientations))
    return Local(x, xy, size, tuple(image.shape)), angle
