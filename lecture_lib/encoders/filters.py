"""Grey pictures, and linear filters over their pixels."""

from __future__ import annotations

import math

import torch
from torch import Tensor

ROWS = (
    16  # filtered at once: with more, most products are with zeros; with fewer, products of matrices are slow
)


def grey(picture: Tensor) -> Tensor:
    """Return luminance, float32 [H, W] in 0..1, of a picture [3, H, W] or [H, W], uint8 or float in 0..1.

    ITU-R 601 weights, those of Pillow's "L", not rounded. ValueError: another shape or dtype, numbers outside 0..1.
    """
    colour = picture.ndim == 3 and picture.shape[0] == 3
    if not (colour or picture.ndim == 2) or not picture.numel():
        raise ValueError(f"A picture is [3, H, W] or [H, W], not {list(picture.shape)}.")
    if picture.dtype != torch.uint8 and not picture.is_floating_point():
        raise ValueError(f"A picture is uint8 or float, not {str(picture.dtype).removeprefix('torch.')}.")
    image = picture.float()
    if picture.dtype == torch.uint8:
        image = image / 255
    else:
        low, high = torch.aminmax(image)
        if not (low >= 0 and high <= 1):  # also where a number is NaN
            raise ValueError(f"A float picture has numbers from 0 to 1, not from {low:g} to {high:g}.")
    return 0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2] if colour else image


def smooth(image: Tensor, sigma: float) -> Tensor:
    """Smooth an image [H, W] with a Gaussian, sigma in pixels, cut at 4 sigma, the border continued.

    As VLFeat's `vl_imsmooth`.
    """
    reach = math.ceil(4 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=image.device) / sigma) ** 2)
    kernel /= kernel.sum()
    height, width = image.shape
    down = filter_columns(image, kernel, range(height))
    return filter_columns(down.T, kernel, range(width)).T.contiguous()


def filter_columns(x: Tensor, kernel: Tensor, at: range) -> Tensor:
    """Filter the columns of x [n, m] with a kernel [2 r + 1], the border continued: [len(at), m], only its rows `at`.

    No gradients. Blocks of a banded matrix are multiplied with blocks of x, which is quicker than a convolution of
    narrow columns and needs no padded copy.
    """
    n, reach = len(x), len(kernel) // 2
    tap = torch.arange(-reach, reach + 1, device=x.device)
    row = torch.arange(at.start, at.stop, at.step, device=x.device)
    matrix = x.new_zeros(len(at), n)
    matrix.scatter_add_(1, (row[:, None] + tap).clamp_(0, n - 1), kernel.expand(len(at), -1))
    out = x.new_empty(len(at), x.shape[1])
    for i in range(0, len(at), ROWS):
        rows = at[i : i + ROWS]
        used = slice(max(0, rows[0] - reach), rows[-1] + reach + 1)
        torch.mm(matrix[i : i + ROWS, used], x[used], out=out[i : i + ROWS])
    return out
