"""How much of each colour there is in a picture, in CIE L*a*b*, as in Xiao et al. 2010 (section 3)."""

import torch
from torch import Tensor

BINS = (4, 14, 14)  # of L* from 0 to 100, of a* and of b* from -100 to 100
DIM = BINS[0] * BINS[1] * BINS[2]
TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
WHITE = (0.95047, 1.0, 1.08883)  # D65


def colour_histogram(picture: Tensor) -> Tensor:
    """Return the share of a picture's pixels, uint8 [3, H, W], in each of 4 x 14 x 14 bins: float32 [784], of sum 1.

    What lies outside the bins, more saturated than screens show but for a few blues, counts in the outermost.
    """
    low, high = torch.tensor([0.0, -100, -100]), torch.tensor([100.0, 100, 100])
    bins = torch.tensor(BINS)
    place = (lab(picture).flatten(1).T - low) / (high - low) * bins
    lightness, a, b = place.long().clamp(min=0).minimum(bins - 1).unbind(1)
    number = (lightness * BINS[1] + a) * BINS[2] + b
    return torch.bincount(number, minlength=DIM).float() / len(number)


def lab(picture: Tensor) -> Tensor:
    """Turn sRGB, uint8 [3, H, W], into CIE L*a*b* under D65: float32 [3, H, W]."""
    rgb = picture.float() / 255
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = torch.einsum("ij,jhw->ihw", torch.tensor(TO_XYZ), linear) / torch.tensor(WHITE)[:, None, None]
    x, y, z = torch.where(xyz > 0.008856, xyz.clamp(min=0) ** (1 / 3), 7.787 * xyz + 16 / 116)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])
