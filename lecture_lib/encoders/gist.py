"""GIST: how much of each orientation and size there is in each of 4 x 4 cells of a scene (Oliva and Torralba 2001).

Constants and steps are those of the authors' LMgist.m: a square of 256 pixels, brightness and contrast evened out,
Gabor filters made in the Fourier plane, and the mean length of their responses in each cell.
"""

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.v2.functional import center_crop, resize

from lecture_lib.encoders.sift import grey

SIDE, CELLS, ORIENTATIONS = 256, 4, 8  # pixels of the square; cells and orientations
FREQUENCIES = tuple(0.3 / 1.85**scale for scale in range(4))  # cycles a pixel: the centres of the four scales
# pixels between the places where a scale's responses are taken: filters have less than a thousandth beyond what such a
# grid holds, and means over fewer places are 1 % off on noise; without, a picture takes twice as long
STEPS = (1, 1, 2, 4)
BORDER = 32  # pixels continued by reflection before filtering, so that borders are no edges
CUT, EVEN_BORDER = 4.0, 5  # of the filter that evens out brightness and contrast: cycles a picture; pixels
DIM = len(FREQUENCIES) * ORIENTATIONS * CELLS**2


@torch.inference_mode()
def gist(picture: Tensor) -> Tensor:
    """Describe a picture, uint8 [3, H, W], by its GIST: float32 [512], in the order [4 scales, 8 orientations, 4, 4].

    Scales run from fine to coarse. Filter o answers most to waves that run along o eighths of half a turn, from left to
    right at o = 0 and from top to bottom at o = 4; cells are rows from the top, columns from the left. Of a picture
    that is not square the centre is taken, as in LMgist.m. ValueError: not a picture, see `grey`.
    """
    image = 255 * grey(picture)
    square = center_crop(resize(image[None], [SIDE], antialias=True), [SIDE, SIDE])[0]
    padded = _reflect(even_out(square), BORDER)
    spectrum = torch.fft.fft2(padded)
    cells = []
    for step, filters in zip(STEPS, gabor_filters(SIDE + 2 * BORDER), strict=True):
        n, border = filters.shape[-1], BORDER // step
        few = torch.fft.ifftshift(_centre(torch.fft.fftshift(spectrum), n))
        response = (
            torch.fft.ifft2(few * filters).abs() / step**2
        )  # ifft2 divides by the smaller number of places
        cells.append(F.avg_pool2d(response[:, border:-border, border:-border], SIDE // CELLS // step))
    return torch.cat(cells).flatten()


def even_out(image: Tensor) -> Tensor:
    """Even out the brightness and then the contrast of an image [H, W] of values 0 .. 255: its logarithm, filtered.

    From the logarithm its frequencies below CUT cycles a picture are taken away; what is left is divided by 0.2 plus
    its local root mean square.
    """
    log = _reflect((image + 1).log(), EVEN_BORDER)
    side = log.shape[-1]
    frequency = torch.fft.fftfreq(side) * side
    low = torch.exp(-(frequency[:, None].square() + frequency.square()) * math.log(2) / CUT**2)

    def smooth(x: Tensor) -> Tensor:
        return torch.fft.ifft2(torch.fft.fft2(x) * low).real

    detail = log - smooth(log)
    contrast = smooth(detail.square()).abs().sqrt()
    return (detail / (0.2 + contrast))[EVEN_BORDER:-EVEN_BORDER, EVEN_BORDER:-EVEN_BORDER]


@functools.cache
def gabor_filters(side: int) -> tuple[Tensor, ...]:
    """Make the filters of each scale as spectra for `side` pixels: float32 [8, n, n], n = side / step, 0 at [0, 0]."""
    scales = []
    for frequency, step in zip(FREQUENCIES, STEPS, strict=True):
        f = torch.fft.fftfreq(side // step, d=step)  # cycles a pixel of the whole
        radius = torch.hypot(f[:, None], f)
        angle = torch.atan2(f[:, None].expand_as(radius), f.expand_as(radius))
        orientation = torch.arange(ORIENTATIONS)[:, None, None] * math.pi / ORIENTATIONS
        turn = torch.remainder(angle - orientation + math.pi, 2 * math.pi) - math.pi
        scales.append(torch.exp(-3.5 * (radius / frequency - 1) ** 2 - 2 * math.pi * turn**2))
    return tuple(scales)


def _reflect(image: Tensor, border: int) -> Tensor:
    """Continue an image [H, W] by its mirror image; the outermost pixels come twice, as in MATLAB's padarray."""
    rows, columns = (
        torch.cat([torch.arange(border).flip(0), torch.arange(n), n - 1 - torch.arange(border)])
        for n in image.shape
    )
    return image[rows[:, None], columns]


def _centre(spectrum: Tensor, n: int) -> Tensor:
    start = (len(spectrum) - n) // 2
    return spectrum[start : start + n, start : start + n]
