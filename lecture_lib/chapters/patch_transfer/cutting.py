"""Patches as pictures of their own: for a training that moves the convolutions, and to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lecture_lib.chapters.patch_transfer.encode import PatchNet, resized
from lecture_lib.chapters.patch_transfer.grid import Grid
from lecture_lib.datasets import ImageCollection


def cut(net: PatchNet, picture: Tensor, grid: Grid, chosen: np.ndarray) -> Tensor:
    """Cut patches of one picture, at the size that the network takes: uint8 [3, H, W] to [n, 3, S, S].

    chosen  int64 [n], which patches of the grid; the result is in their order
    """
    found = torch.empty(len(chosen), 3, net.side, net.side, dtype=torch.uint8)
    begin = 0
    for number, scale in enumerate(grid.scales):
        here = np.flatnonzero(grid.scale[chosen] == number)
        rows, columns = np.divmod(chosen[here] - begin, len(scale.columns))
        begin += len(scale)
        if not len(here):
            continue
        large = resized(picture[None], scale)[0]
        top, left = (
            corner + net.cell * places[at]
            for corner, places, at in zip(
                scale.corner, (scale.rows, scale.columns), (rows, columns), strict=True
            )
        )
        for i, y, x in zip(here, top, left, strict=True):
            found[i] = large[:, y : y + net.side, x : x + net.side]
    return found


def cut_all(
    net: PatchNet, images: ImageCollection, grids: Sequence[Grid], chosen: Sequence[np.ndarray]
) -> Tensor:
    """Cut the chosen patches of all pictures, picture after picture: uint8 [n, 3, S, S]."""
    return torch.cat(
        [
            cut(net, images.tensor(i), grid, some)
            for i, (grid, some) in enumerate(zip(grids, chosen, strict=True))
        ]
    )
