"""A slim network: one whose penultimate layer, fc7, has fewer units, retrained on the source task.

CNN-M 2048, 1024 and 128 of Chatfield et al. 2014 (rows x, y, z of the lecture's table) are CNN-M with so many units
in the penultimate layer instead of 4096. Its last two layers were made anew and trained on ILSVRC-2012; those before
them stayed as they were. So fc7 and fc8 can be trained on vectors of fc6, computed once. On twin-alexnet, whose fc7
has 768 units, the same fractions are 384, 192 and 24, and 768 is what to compare them with.
"""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lecture_lib.backbones import Backbone

BATCH = 128
WEIGHT_DECAY = 5e-4


def slim(
    net: Backbone,
    fc6: np.ndarray,
    labels: np.ndarray,
    width: int,
    *,
    epochs: int = 8,
    lr: float = 0.1,
    seed: int = 0,
) -> Backbone:
    """Return a copy of a network whose fc7 has `width` units; its fc7 and fc8 are trained anew, by softmax.

    fc6      float [N, d], the net's fc6 of the source task's training pictures, as `encode` gives it
    labels   int [N], the class of each, 0 <= label < len(net.classes)
    lr       of SGD with Nesterov momentum 0.9; it falls to 0 along a half cosine. It is chosen, as is no dropout,
             by twin-alexnet's top-1 on validation pictures of the source task
    returns  "<name>-<width>", in eval mode; its stages up to fc6 have the net's weights

    Takes twin-alexnet, CaffeNet, CNN-F, -M, -S, AlexNet and VGG-16. Raises ValueError for a network without fc6, fc7
    and fc8, for features or labels that are not the net's and a width below 1; FloatingPointError where the loss is
    not finite.
    """
    labels = np.asarray(labels)
    _check(net, fc6, labels, width)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        fc7 = _with_units(net.stages.fc7, fc6.shape[1], width)
        fc8 = _with_units(net.stages.fc8, width, len(net.classes))
        head = nn.Sequential(fc7, fc8).to(net.device)
        _train(head, fc6, labels, epochs, lr)
    below = copy.deepcopy(OrderedDict(list(net.stages.named_children())[: net.taps.index("fc7")]))
    return replace(
        net,
        name=f"{net.name}-{width}",
        stages=nn.Sequential(below | {"fc7": fc7, "fc8": fc8}).eval(),
        weights=f"{net.weights}, fc7 and fc8 retrained from seed {seed}",
    )


def _train(head: nn.Sequential, x: np.ndarray, labels: np.ndarray, epochs: int, lr: float) -> None:
    """Train layers on vectors [N, d] and labels [N] by softmax, in place."""
    device = next(head.parameters()).device
    steps = math.ceil(len(x) / BATCH)
    optimizer = torch.optim.SGD(head.parameters(), lr, 0.9, weight_decay=WEIGHT_DECAY, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    head.eval()  # no dropout: with it, 24 units of twin-alexnet learn 41 % of the source task instead of 96 %
    for epoch in range(epochs):
        for part in np.array_split(torch.randperm(len(x)).numpy(), steps):
            # vectors may be a file of many gigabytes: only a batch is ever in memory
            scores = head(torch.from_numpy(x[part]).float().to(device))
            loss = F.cross_entropy(scores, torch.from_numpy(labels[part]).long().to(device))
            if not torch.isfinite(loss):
                raise FloatingPointError(
                    f"The loss is {loss.item()} in epoch {epoch + 1} of {epochs}: take a lower learning rate than "
                    f"lr={lr:g}, and check that the vectors of fc6 are finite."
                )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def _with_units(stage: nn.Module, inputs: int, outputs: int) -> nn.Module:
    """Copy a stage with fresh weights (He et al. 2015) in its one linear layer, of other sizes."""
    linear = nn.Linear(inputs, outputs)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    nn.init.zeros_(linear.bias)
    if isinstance(stage, nn.Linear):
        return linear
    layers = stage.named_children()
    return nn.Sequential(
        OrderedDict((k, linear if isinstance(m, nn.Linear) else copy.deepcopy(m)) for k, m in layers)
    )


def _check(net: Backbone, fc6: np.ndarray, labels: np.ndarray, width: int) -> None:
    if net.taps[-3:] != ("fc6", "fc7", "fc8"):
        raise ValueError(
            f"{net.name} ends with {', '.join(net.taps[-3:])}: a slim network is made of one that ends with fc6, fc7, "
            "fc8, as twin-alexnet and CNN-M do."
        )
    inputs = next(layer for layer in net.stages.fc7.modules() if isinstance(layer, nn.Linear)).in_features
    if fc6.ndim != 2 or fc6.shape[1] != inputs or len(fc6) == 0 or labels.shape != fc6.shape[:1]:
        raise ValueError(
            f"Vectors {list(fc6.shape)} for labels {list(labels.shape)}; {net.name} takes [N, {inputs}] of tap fc6 "
            "and [N]."
        )
    if not 0 <= labels.min() <= labels.max() < len(net.classes):
        raise ValueError(
            f"Labels {labels.min()} to {labels.max()}, but {net.name} has {len(net.classes)} classes: "
            "take the task that it was trained on."
        )
    if width < 1:
        raise ValueError(f"fc7 needs at least one unit, not {width}.")
