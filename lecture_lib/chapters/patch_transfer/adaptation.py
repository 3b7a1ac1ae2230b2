"""The adaptation layers FCa and FCb, trained on phi of patches (Oquab et al. 2014, 3.2, 3.3), or with all layers."""

import copy
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lecture_lib import checks
from lecture_lib.backbones import Backbone, standardise
from lecture_lib.chapters.patch_transfer.encode import PatchNet
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS
from lecture_lib.training import sgd

BACKGROUND_KEPT = 0.01
HIDDEN = 2048  # units of FCa, the paper's
ROWS = 8192  # patches at once
RECIPE = sgd.Recipe(epochs=15, schedule=(10, 13), lr=0.01, batch=128, even=False, dropout=0.5, reseed=None)


def resample(
    labels: Sequence[np.ndarray], n_classes: int, seed: int, kept: float = BACKGROUND_KEPT
) -> list[np.ndarray]:
    """Choose the patches to train on: all positives, a part of the background, drawn at random, nothing ambiguous.

    labels   for each picture int64 [M], from `label_patches`
    kept     of the background, so that it does not outweigh the classes; the paper keeps a tenth
    returns  for each picture int64 [n_i], rising indices of patches
    """
    rng = np.random.default_rng(seed)
    chosen = []
    for of_picture in labels:
        drawn = rng.random(len(of_picture)) < kept
        wanted = np.where(of_picture == n_classes, drawn, of_picture != AMBIGUOUS)
        chosen.append(np.flatnonzero(wanted))
    return chosen


def gather(values: Sequence[np.ndarray], chosen: Sequence[np.ndarray]) -> np.ndarray:
    """Take what is known of the chosen patches, picture by picture: values [M, ..], numbers [n_i], to [n, ..]."""
    return np.concatenate([of_picture[kept] for of_picture, kept in zip(values, chosen, strict=True)])


def adaptation_layers(d: int, n_outputs: int) -> nn.Sequential:
    """Build FCa and FCb: phi [B, d] to FCa [B, HIDDEN], with ReLU and dropout, to scores FCb [B, n_outputs]."""
    return nn.Sequential(
        OrderedDict(
            fca=nn.Linear(d, HIDDEN),
            relu=nn.ReLU(),
            dropout=nn.Dropout(0.5),
            fcb=nn.Linear(HIDDEN, n_outputs),
        )
    )


def train(x: np.ndarray, y: np.ndarray, n_outputs: int, recipe: sgd.Recipe = RECIPE) -> nn.Sequential:
    """Train FCa and FCb on patches, in eval mode when done; the same arguments give the same weights.

    x          float16 or float32 [n, d], phi
    y          int64 [n], 0 .. n_outputs - 1; or float [n, n_outputs], rows that sum to 1, where a sample shows several
    n_outputs  K + 1 with background, K without; a class that no patch has only ever loses

    Raises ValueError for no patches, Diverged where the loss is not finite.
    """
    if not len(y) or len(x) != len(y):
        raise ValueError(
            f"Training takes a label a patch, and one at least, not {len(y)} for {len(x)} patches."
        )
    x = torch.from_numpy(np.array(x, np.float32))
    y = torch.from_numpy(checks.labels(y) if np.ndim(y) == 1 else np.array(y, np.float32))

    def samples(batch: Tensor) -> tuple[Tensor, Tensor]:
        return x[batch], y[batch]

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        layers = adaptation_layers(x.shape[1], n_outputs)
        sgd.train(layers, len(x), samples, F.cross_entropy, recipe)
    return layers


def train_all(
    start: Backbone, patches: Tensor, y: np.ndarray, n_outputs: int, recipe: sgd.Recipe
) -> tuple[Backbone, nn.Sequential]:
    """Train all layers up to phi, and FCa and FCb on it; return both.

    start     with random weights; a copy of it is trained
    patches   uint8 [n, 3, S, S], from `cut_patches`; half of them are mirrored, anew each time
    y         int64 [n], 0 .. n_outputs - 1

    Raises Diverged if a loss is not finite.
    """
    weights = f"{start.weights}, trained on patches alone"
    body = replace(start, stages=copy.deepcopy(start.stages), weights=weights)
    net, labels = PatchNet(body), torch.from_numpy(checks.labels(y, n=len(patches)))

    def samples(batch: Tensor) -> tuple[Tensor, Tensor]:
        mirrored = (torch.rand(len(batch)) < 0.5)[:, None, None, None]
        x = torch.where(mirrored, patches[batch].flip(3), patches[batch])
        return standardise(body, x), labels[batch].to(body.device)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        with torch.no_grad():
            d = net.rest(net.shared(torch.zeros(1, 3, net.side, net.side, device=body.device))).shape[1]
        layers = adaptation_layers(d, n_outputs).to(body.device)
        whole = nn.Sequential(*net.shared, *net.rest, *layers)
        sgd.train(whole, len(patches), samples, F.cross_entropy, recipe, label="no transfer")
    return body, layers.eval()


@torch.inference_mode()
def probabilities(layers: nn.Module, x: np.ndarray) -> np.ndarray:
    """Apply layers to scores, as FCa and FCb, and the softmax: phi [n, d] to y(C | P), float32 [n, n_outputs]."""
    device = next(layers.parameters()).device
    parts = [
        layers(torch.from_numpy(np.array(x[start : start + ROWS], np.float32)).to(device)).softmax(1).cpu()
        for start in range(0, len(x), ROWS)
    ]
    return torch.cat(parts).numpy()
