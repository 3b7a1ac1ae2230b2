"""No transfer: the same network, all layers trained on patches of the target task alone (Oquab et al. 2014, 4.1)."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lecture_lib import checks
from lecture_lib.backbones import Backbone, standardise
from lecture_lib.chapters.patch_transfer.adaptation import RECIPE, adaptation_layers
from lecture_lib.chapters.patch_transfer.encode import PatchNet
from lecture_lib.training import sgd

FROM_SCRATCH = replace(RECIPE, epochs=8, schedule=(5, 7), lr=0.1)


def train_all(
    start: Backbone, patches: Tensor, y: np.ndarray, n_outputs: int, recipe: sgd.Recipe = FROM_SCRATCH
) -> tuple[PatchNet, nn.Sequential]:
    """Train all layers up to phi, and FCa and FCb on it; return what `encode_patches` and `probabilities` take.

    start     with random weights; a copy of it is trained
    patches   uint8 [n, 3, S, S], from `cut_patches`; half of them are mirrored, anew each time
    y         int64 [n], 0 .. n_outputs - 1

    Raises Diverged if a loss is not finite.
    """
    body = replace(
        start, stages=copy.deepcopy(start.stages), weights=f"{start.weights}, trained on patches alone"
    )
    net = PatchNet(body)
    labels = torch.from_numpy(checks.labels(y, n=len(patches)))

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
    return net, layers.eval()
