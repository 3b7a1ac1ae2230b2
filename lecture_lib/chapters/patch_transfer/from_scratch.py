"""No transfer: the same network, all layers trained on patches of the target task alone (Oquab et al. 2014, 4.1)."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lecture_lib.backbones import Backbone, normalise
from lecture_lib.chapters.patch_transfer.adaptation import Recipe, adaptation_layers
from lecture_lib.chapters.patch_transfer.encode import PatchNet


def train_all(
    start: Backbone,
    patches: Tensor,
    y: np.ndarray,
    n_outputs: int,
    recipe: Recipe,
    *,
    bfloat16: bool = False,
    progress: bool = True,
) -> tuple[PatchNet, nn.Sequential]:
    """Train all layers up to phi, and FCa and FCb on it; return what `encode` and `probabilities` take.

    start     with random weights; a copy of it is trained
    patches   uint8 [n, 3, S, S], from `cut_all`; half of them are mirrored, anew each time; one that is left over
              for a last batch of its own waits for the next epoch
    y         int64 [n], 0 .. n_outputs - 1
    bfloat16  compute the forward pass in it, on a processor that is fast in it

    Raises ValueError if a loss is not finite.
    """
    from tqdm.auto import tqdm

    body = replace(
        start, stages=copy.deepcopy(start.stages), weights=f"{start.weights}, trained on patches alone"
    )
    net = PatchNet(body)
    labels = torch.from_numpy(np.array(y, np.int64))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        d = net.rest(net.shared(torch.zeros(1, 3, net.side, net.side, device=body.device))).shape[1]
        layers = adaptation_layers(d, n_outputs, recipe.hidden, recipe.dropout).to(body.device)
        whole = nn.Sequential(*net.shared, *net.rest, *layers)
        optimizer = torch.optim.SGD(
            whole.parameters(), recipe.lr, momentum=0.9, weight_decay=recipe.weight_decay
        )
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, recipe.steps)
        bar = tqdm(range(recipe.epochs), desc="no transfer", disable=not progress, leave=False)
        for epoch in bar:
            whole.train()
            total = 0.0
            for batch in torch.randperm(len(patches)).split(recipe.batch):
                if len(batch) == 1:  # BatchNorm needs two
                    continue
                x = patches[batch]
                mirrored = (torch.rand(len(batch)) < 0.5)[:, None, None, None]
                x = normalise(body, torch.where(mirrored, x.flip(3), x))
                with torch.autocast(x.device.type, torch.bfloat16, enabled=bfloat16):
                    scores = whole(x)
                loss = F.cross_entropy(scores.float(), labels[batch].to(scores.device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * len(batch)
            if not np.isfinite(total):
                raise ValueError(f"The loss is not finite in epoch {epoch + 1}: take lr below {recipe.lr:g}.")
            schedule.step()
            bar.set_postfix(loss=f"{total / len(patches):.3f}")
    whole.eval()
    return net, layers.eval()
