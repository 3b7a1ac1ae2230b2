"""Local colour statistics: which colours the sixteen cells of a frame have, and how much they vary in each.

Sums over a rectangle are differences of a summed-area table (Crow, SIGGRAPH 1984), here of half pixels.
"""

from dataclasses import replace

import torch
from torch import Tensor

from lecture_lib.encoders.sift import Local

MIRROR_COLOUR = torch.arange(96).view(4, 4, 2, 3).flip(1).flatten()
"""int64 [96]: if d has the statistics of a frame, d[MIRROR_COLOUR] has those of its left-right mirror image."""


def colour_statistics(picture: Tensor, frames: Local) -> Local:
    """Return the mean and the variance of red, green and blue in each of the 4 x 4 cells of every frame.

    picture  uint8 [3, H, W]
    frames   xy [N, 2], size [N] and picture (H, W) say where; their x is not looked at
    returns  the same frames with x float32 [N, 96], in the order [4 rows, 4 columns, (mean, variance), RGB]. Pixels
             count from 0 to 1, so that means lie in [0, 1] and variances (about the cell's own mean) in [0, 0.25]

    The cells are SIFT's: squares with sides of `size`, 4 x 4 of them about (x, y). Centre and size are rounded to
    half pixels, and a pixel of which half lies in a cell counts half. A cell is clipped to the picture; where nothing
    is left, the nearest half pixels are taken.

    Clinchant et al. 2007 ("LCS") take standard deviations; these are variances, their squares.
    """
    _, height, width = picture.shape
    halves = picture.permute(1, 2, 0).long().repeat_interleave(2, 0).repeat_interleave(2, 1)
    table = torch.zeros(2 * height + 1, 2 * width + 1, 6, dtype=torch.int64)
    table[1:, 1:] = torch.cat([halves, halves * halves], 2).cumsum(0).cumsum(1)
    centres = (2 * frames.xy + 1).round().long()  # in half pixels from the left and the upper edge
    sides = (2 * frames.size).round().long().clamp(min=1)[:, None, None]
    start = centres[:, :, None] + sides * torch.arange(-2, 2)
    end = 2 * torch.tensor([[width], [height]])
    low, high = start.clamp(min=0).minimum(end - 1), (start + sides).clamp(min=1).minimum(end)
    (left, top), (right, bottom) = (
        low.unbind(1),
        high.unbind(1),
    )  # [N, 4] each, of columns and of rows of cells

    def above_left(y: Tensor, x: Tensor) -> Tensor:
        return table[y[:, :, None], x[:, None, :]]

    sums = (
        above_left(bottom, right) - above_left(top, right) - above_left(bottom, left) + above_left(top, left)
    )
    total, squares = sums.split(3, 3)
    area = ((bottom - top)[:, :, None] * (right - left)[:, None, :])[..., None]
    # in whole numbers up to the last division: no cancellation, a cell of one colour has variance 0
    mean = total / (255 * area)
    variance = (squares * area - total * total) / (255 * area).square()
    return replace(frames, x=torch.cat([mean, variance], 3).flatten(1))
