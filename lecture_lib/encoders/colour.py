"""Local colour statistics: which colours the sixteen cells of a frame have, and how much they vary in each.

Sums over a rectangle are differences of a summed-area table (Crow, SIGGRAPH 1984). They are taken once for each cell,
not for each frame: on a grid most cells belong to several frames. (Frames strewn about cost more memory and time:
all rows of cells are crossed with all columns.)
"""

from __future__ import annotations

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
    if not len(frames):
        return replace(frames, x=torch.empty(0, 96, device=picture.device))
    height, width = picture.shape[1:]
    centres = (2 * frames.xy + 1).round().long()  # in half pixels from the left and the upper edge
    sides = (2 * frames.size).round().long().clamp(min=1)
    groups = [(side, (sides == side).nonzero()[:, 0]) for side in sides.unique().tolist()]
    across = [_cells(centres[at, 0], side, 2 * width) for side, at in groups]
    down = [_cells(centres[at, 1], side, 2 * height) for side, at in groups]
    columns, rows = (torch.cat([borders for borders, _ in cells], 1).unique() for cells in (across, down))
    table = _summed_areas(picture, rows, columns)
    x = torch.empty(len(frames), 16, 6, device=picture.device)
    for (_, at), (up_down, row), (left_right, column) in zip(groups, down, across, strict=True):
        statistics = _statistics(table, rows, columns, up_down, left_right)
        which = row[:, :, None] * left_right.shape[1] + column[:, None, :]
        x.index_copy_(0, at, statistics.index_select(0, which.flatten()).view(-1, 16, 6))
    return replace(frames, x=x.flatten(1))


def _cells(centres: Tensor, side: int, end: int) -> tuple[Tensor, Tensor]:
    """Return the borders [2, C] of all different cells along an axis, in half pixels, and each frame's four [N, 4]."""
    middles, frame = centres.unique(return_inverse=True)
    offsets = side * torch.arange(-2, 2, device=centres.device)
    start, cell = (middles[:, None] + offsets).unique(return_inverse=True)
    return torch.stack([start.clamp(0, end - 1), (start + side).clamp(1, end)]), cell[frame]


def _summed_areas(picture: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return int64 [R, C, 6]: sums of R, G, B and of their squares above a row and left of a column, times four.

    Rows and columns count in half pixels. Within a pixel the table is linear, so that at half of it it has the mean
    of its two neighbours, and all numbers stay whole.
    """
    _, height, width = picture.shape
    table = torch.zeros(height + 1, width + 1, 6, dtype=torch.int64, device=picture.device)
    colours = picture.permute(1, 2, 0).long()
    table[1:, 1:, :3] = colours
    table[1:, 1:, 3:] = colours * colours
    table = table.cumsum(0).cumsum(1)
    for axis, at in ((0, rows), (1, columns)):
        table = table.index_select(axis, at // 2) + table.index_select(axis, (at + 1) // 2)
    return table


def _statistics(table: Tensor, rows: Tensor, columns: Tensor, up_down: Tensor, left_right: Tensor) -> Tensor:
    """Return float32 [Cy Cx, 6]: mean and variance of R, G, B in the cells with all these borders."""
    for axis, at, borders in ((0, rows, up_down), (1, columns, left_right)):
        low, high = torch.searchsorted(at, borders)
        table = table.index_select(axis, high).sub_(table.index_select(axis, low))
    total, squares = table.split(3, 2)
    # in quarters of a pixel, as the sums are
    area = (up_down.diff(dim=0).T * left_right.diff(dim=0))[:, :, None]
    # in whole numbers up to the last division: no cancellation, a cell of one colour has variance 0
    mean = total / (255 * area)
    variance = (squares * area - total * total) / (255 * area).square()
    return torch.cat([mean, variance], 2).flatten(0, 1)
