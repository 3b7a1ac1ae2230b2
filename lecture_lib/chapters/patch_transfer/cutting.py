"""Patches as pictures of their own: to encode them one by one, and for a training that moves the convolutions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lecture_lib.backbones import standardise
from lecture_lib.chapters.patch_transfer.encode import PatchNet, resized
from lecture_lib.chapters.patch_transfer.grid import Grid


def cut_patches(net: PatchNet, picture: Tensor, grid: Grid, chosen: np.ndarray) -> Tensor:
    """Cut patches of one picture, at the size that the network takes: uint8 [3, H, W] to [n, 3, S, S].

    chosen  int64 [n], which patches of the grid; the result is in their order
    """
    patches = torch.empty(len(chosen), 3, net.side, net.side, dtype=torch.uint8)
    for scale, here, rows, columns in grid.by_scale(chosen):
        large, (top, left) = resized(picture[None], scale)[0], scale.corner
        for i, y, x in zip(here, top + net.cell * rows, left + net.cell * columns, strict=True):
            patches[i] = large[:, y : y + net.side, x : x + net.side]
    return patches


@torch.inference_mode()
def phi_one_by_one(net: PatchNet, patches: Tensor, batch: int = 1) -> Tensor:
    """Encode patches that are cut out, with zeros around each as around any picture: uint8 [n, 3, S, S] to [n, d]."""
    encoder = nn.Sequential(*net.shared, *net.rest)
    return torch.cat([encoder(standardise(net.backbone, part)) for part in patches.split(batch)])
