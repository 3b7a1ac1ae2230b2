"""The adaptation layers FCa and FCb, trained on phi of patches while phi stays (Oquab et al. 2014, 3.2, 3.3)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS

BACKGROUND_KEPT = 0.1
ROWS = 8192  # patches at once


@dataclass(frozen=True)
class Recipe:
    """How FCa and FCb are trained, by stochastic gradient descent with momentum 0.9.

    steps   after these epochs the learning rate falls to a tenth
    hidden  units of FCa
    """

    epochs: int = 15
    steps: tuple[int, ...] = (10, 13)
    lr: float = 0.01
    batch: int = 128
    hidden: int = 2048
    dropout: float = 0.5
    weight_decay: float = 5e-4
    seed: int = 0


def resample(
    labels: Sequence[np.ndarray], n_classes: int, seed: int, kept: float = BACKGROUND_KEPT
) -> list[np.ndarray]:
    """Choose the patches to train on: all positives, a part of the background, drawn at random, nothing ambiguous.

    labels   for each picture int64 [M], from `label_patches`
    kept     of the background; the paper keeps a tenth, so that background does not outweigh the classes
    returns  for each picture int64 [n_i], rising indices of patches
    """
    rng = np.random.default_rng(seed)
    chosen = []
    for of_picture in labels:
        drawn = rng.random(len(of_picture)) < kept
        wanted = np.where(of_picture == n_classes, drawn, of_picture != AMBIGUOUS)
        chosen.append(np.flatnonzero(wanted))
    return chosen


def adaptation_layers(d: int, n_outputs: int, hidden: int, dropout: float) -> nn.Sequential:
    """Build FCa and FCb: phi [B, d] to FCa [B, hidden], with ReLU and dropout, to scores FCb [B, n_outputs]."""
    return nn.Sequential(
        OrderedDict(
            fca=nn.Linear(d, hidden),
            relu=nn.ReLU(),
            dropout=nn.Dropout(dropout),
            fcb=nn.Linear(hidden, n_outputs),
        )
    )


def train(x: np.ndarray, y: np.ndarray, n_outputs: int, recipe: Recipe = Recipe()) -> nn.Sequential:
    """Train FCa and FCb on patches, in eval mode when done; the same arguments give the same weights.

    x          float16 or float32 [n, d], phi
    y          int64 [n], 0 .. n_outputs - 1; or float [n, n_outputs], rows that sum to 1, where a sample shows several
    n_outputs  K + 1 with background, K without; a class that no patch has only ever loses

    Raises ValueError for no patches, a label out of range, or a loss that is not finite.
    """
    if not len(y) or len(x) != len(y):
        raise ValueError(
            f"Training takes a label a patch, and one at least, not {len(y)} for {len(x)} patches."
        )
    if y.ndim == 1 and not 0 <= y.min() <= y.max() < n_outputs:
        raise ValueError(f"Labels are 0 to {n_outputs - 1}, not {y.min()} to {y.max()}.")
    x = torch.from_numpy(np.array(x, np.float32))
    y = torch.from_numpy(np.array(y, np.int64 if y.ndim == 1 else np.float32))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        layers = adaptation_layers(x.shape[1], n_outputs, recipe.hidden, recipe.dropout).train()
        optimizer = torch.optim.SGD(
            layers.parameters(), recipe.lr, momentum=0.9, weight_decay=recipe.weight_decay
        )
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, recipe.steps)
        for epoch in range(recipe.epochs):
            for batch in torch.randperm(len(x)).split(recipe.batch):
                loss = F.cross_entropy(layers(x[batch]), y[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            if not torch.isfinite(loss):
                raise ValueError(
                    f"The loss is {loss.item()} in epoch {epoch + 1}: take lr below {recipe.lr:g}."
                )
            schedule.step()
    return layers.eval()


@torch.inference_mode()
def probabilities(layers: nn.Sequential, x: np.ndarray) -> np.ndarray:
    """Apply FCa, FCb and the softmax: phi [n, d] to y(C | P), float32 [n, n_outputs], rows that sum to 1."""
    device = layers.fca.weight.device
    found = [
        layers(torch.from_numpy(np.array(x[start : start + ROWS], np.float32)).to(device)).softmax(1).cpu()
        for start in range(0, len(x), ROWS)
    ]
    return torch.cat(found).numpy()
