"""The training loop: stochastic gradient descent with momentum 0.9, for pictures, patches and features alike.

Pre-training, fine-tuning, adaptation layers, a narrow fc7 and trainings from scratch all call `train`. What they learn
from is a function, `samples`, which gives those of a batch by their numbers: crops cut anew each time, or rows of
features that were computed once.
"""

import copy
import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from lecture_lib import checks, progress, store

Schedule = Literal["cosine", "cosine to zero", "warm cosine"]
Loss = Callable[[Tensor, Tensor], Tensor]
SAVE_EVERY = 120  # seconds: what an interrupt can lose of a long epoch
VERSION = 2  # part of every checkpoint's name: raise it when the same recipe would give other weights


@dataclass(frozen=True)
class Recipe:
    """What decides the outcome of a training, besides the network, the samples and the loss.

    batch     samples in a step
    even      batches of nearly one size, as a last one of few samples would weigh as much as all others; False: of
              `batch` samples, what is left over last (or, if it is a single one, not at all in this epoch)
    lr        highest learning rate; of the head, where a network is fine-tuned
    ratio     fine-tuning: the layers below the head learn at ratio x lr
    frozen    fine-tuning: the last layer that keeps its weights, with all before it; None: all layers learn
    schedule  "cosine": rates fall along half a cosine, to nearly 0 in the last step; "cosine to zero": a step ahead of
              it; "warm cosine": they first rise over 5 % of all steps; or epochs after which they fall to a tenth
    dropout   rate of all dropout layers; few pictures seen a few times need little. None: the layers' own rates
    patience  training stops after so many epochs without a better validation
    reseed    epoch e (from 0) draws from a seed of its own, seed * 100_003 + reseed + e, so that a resumed training
              draws what an uninterrupted one draws; None: from where torch's generator stands (not to be resumed)
    bfloat16  compute the forward pass in bfloat16, on a device that is fast in it
    """

    epochs: int = 30
    batch: int = 32
    even: bool = True
    lr: float = 0.01
    ratio: float = 0.1
    frozen: str | None = None
    schedule: Schedule | tuple[int, ...] = "cosine to zero"
    nesterov: bool = False
    weight_decay: float = 5e-4
    dropout: float | None = 0.0
    patience: int = 10
    seed: int = 0
    reseed: int | None = 0
    bfloat16: bool = False

    def __post_init__(self):
        if not isinstance(self.schedule, tuple):
            checks.option(self.schedule, Schedule, "schedule")
        checks.above_zero([self.epochs, self.batch, self.lr], "epochs, batch and lr")


class Diverged(FloatingPointError):
    """A loss or a score is not finite."""


def train(
    net: nn.Module,
    n: int,
    samples: Callable[[Tensor], tuple[Tensor, Tensor]],
    loss: Loss,
    recipe: Recipe,
    *,
    groups: Sequence[dict] | None = None,
    begin: Callable[[int], None] | None = None,
    validate: Callable[[], dict] | None = None,
    checkpoint: Path | None = None,
    label: str | None = None,
) -> list[dict]:
    """Train a network in place, leave it in eval mode, and return its curve: one dict an epoch, with lr and loss.

    n           number of samples, at least 1
    samples     gives samples by their numbers, int64 [B]: what `net` takes and what `loss` takes, on net's device
    loss        takes scores in float32, and what `samples` gives with them; a mean over the batch
    groups      parameters with learning rates of their own, as torch.optim.SGD takes them; by default all at recipe.lr.
                lr in the curve is that of the last group
    begin       called with the number of every epoch, from 0, before it starts or is taken up in its middle
    validate    called after every epoch; what it returns joins the curve. If that has a number `validation`, the
                weights of the first epoch where it is highest are kept, and `patience` counts; else the last weights
    checkpoint  file written after every epoch, and within one every SAVE_EVERY seconds. If it is there the training
                goes on from it, and ends with the numbers of one that nobody stopped; a finished one is only read
    label       of the progress bar; None: there is none

    Modules of which no parameter learns (requires_grad) are in eval mode: averages of a frozen BatchNorm stay.
    Raises Diverged as soon as a loss is not finite; the checkpoint stays at the epoch before.
    """
    if n < 1:
        raise ValueError("There is nothing to train on (0 samples).")
    for module in net.modules():
        if isinstance(module, nn.Dropout) and recipe.dropout is not None:
            module.p = recipe.dropout
    options = {"momentum": 0.9, "nesterov": recipe.nesterov, "weight_decay": recipe.weight_decay}
    optimizer = torch.optim.SGD(groups or net.parameters(), recipe.lr, **options)
    highest = [group["lr"] for group in optimizer.param_groups]
    with_state = {"loss": loss} if isinstance(loss, nn.Module) else {}  # such as an average over batches
    curve, best, part = _resume(checkpoint, net, {"optimizer": optimizer} | with_state)

    def save(part: dict | None = None) -> None:
        if checkpoint:
            # what is over needs nothing to go on with
            parts = {} if _is_over(curve, recipe) else {"net": net, "optimizer": optimizer} | with_state
            states = {name: of.state_dict() for name, of in parts.items()} | ({"part": part} if part else {})
            buffer = io.BytesIO()
            torch.save({"curve": curve, "best": best} | states, buffer)
            store.write_atomically(checkpoint, buffer.getvalue())

    bar = progress.bar(total=recipe.epochs, initial=len(curve), desc=label, disable=label is None)
    while not _is_over(curve, recipe):
        if begin:
            begin(len(curve))
        line = _train_epoch(net, n, samples, loss, recipe, optimizer, highest, len(curve), part, save)
        part = None
        line |= validate() if validate else {}
        curve.append(line)
        if _since_best(curve) == 0:
            best = copy.deepcopy(net.state_dict())
        save()
        bar.update()
        bar.set_postfix({name: f"{value:.3g}" for name, value in line.items()})
    bar.close()
    net.load_state_dict(best)
    net.eval()
    return curve


def _train_epoch(
    net: nn.Module,
    n: int,
    samples: Callable[[Tensor], tuple[Tensor, Tensor]],
    loss: Loss,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
    highest: Sequence[float],
    epoch: int,
    part: dict | None,
    save: Callable[[dict], None],
) -> dict:
    """Show every sample once, in a random order; return the line of the curve, loss being the mean over batches.

    part  what `save` was last given in this epoch: the batches done, the sum of their losses, the generators' states
    """
    device = next(net.parameters()).device
    generators = [torch, *([getattr(torch, device.type)] if device.type != "cpu" else [])]
    net.train()
    for module in net.modules():
        learns = [weight.requires_grad for weight in module.parameters()]
        if learns and not any(learns):
            module.eval()
    done, total, saved = 0, 0.0, time.monotonic()
    with torch.random.fork_rng(enabled=recipe.reseed is not None):
        if recipe.reseed is not None:
            torch.manual_seed(recipe.seed * 100_003 + recipe.reseed + epoch)
        order = torch.randperm(n)
        if recipe.even:
            batches = order.tensor_split(math.ceil(n / recipe.batch))
        else:  # BatchNorm cannot learn from a batch of one
            batches = [batch for batch in order.split(recipe.batch) if len(batch) > 1 or n == 1]
        if part:
            done, total = part["done"], part["total"]
            for generator, state in zip(generators, part["states"], strict=False):
                generator.set_rng_state(state.cpu())
        for i, batch in enumerate(batches[done:], start=done):
            factor = _factor(recipe, epoch * len(batches) + i, recipe.epochs * len(batches))
            for group, lr in zip(optimizer.param_groups, highest, strict=True):
                group["lr"] = lr * factor
            x, y = samples(batch)
            with torch.autocast(device.type, torch.bfloat16, enabled=recipe.bfloat16):
                scores = net(x)
            value = loss(scores.float(), y)
            if not torch.isfinite(value):
                raise Diverged(
                    f"The loss is {value.item()} in epoch {epoch + 1}, batch {i + 1} of {len(batches)}: take a lower "
                    f"learning rate than lr={recipe.lr:g}, and check that what is learned from is finite."
                )
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            total += value.item()
            if time.monotonic() - saved >= SAVE_EVERY:
                states = [generator.get_rng_state() for generator in generators]
                save({"done": i + 1, "total": total, "states": states})
                saved = time.monotonic()
    return {"lr": optimizer.param_groups[-1]["lr"], "loss": total / len(batches)}


def _factor(recipe: Recipe, step: int, steps: int) -> float:
    """Return what learning rates are multiplied by in a step, 0 .. steps - 1 of the whole training."""
    if isinstance(recipe.schedule, tuple):
        return 0.1 ** sum(step * recipe.epochs >= epoch * steps for epoch in recipe.schedule)
    warm = max(1, round(0.05 * steps)) if recipe.schedule == "warm cosine" else 0
    if step < warm:
        return (step + 1) / warm
    ahead = int(recipe.schedule == "cosine to zero")
    return 0.5 * (1 + math.cos(math.pi * (step - warm + ahead) / max(1, steps - warm)))


def _since_best(curve: Sequence[dict]) -> int:
    """Count the epochs since the first with the best validation; 0 where there is no validation."""
    values = [line["validation"] for line in curve if "validation" in line]
    return len(values) - 1 - values.index(max(values)) if values else 0


def _is_over(curve: Sequence[dict], recipe: Recipe) -> bool:
    return len(curve) >= recipe.epochs or _since_best(curve) >= recipe.patience


def _resume(
    file: Path | None, net: nn.Module, others: Mapping[str, nn.Module | torch.optim.Optimizer]
) -> tuple[list[dict], dict[str, Tensor], dict | None]:
    """Read the state of a training, if there is one; return its curve, the weights to keep, an epoch's part."""
    if file is None or not file.exists():
        return [], net.state_dict(), None
    try:
        saved = torch.load(file, map_location=next(net.parameters()).device, weights_only=True)
    except Exception as error:  # a damaged file fails in many ways
        raise ValueError(f"{file} is damaged ({type(error).__name__}): delete it, and train again.") from None
    if "optimizer" in saved:
        for name, part in {"net": net, **others}.items():
            part.load_state_dict(saved[name])
    return saved["curve"], saved["best"], saved.get("part")


def checkpoint_file(recipe: Recipe, loss: Loss, **fingerprints: object) -> Path:
    """Name the checkpoint of a training by all that decides its outcome.

    fingerprints  of the network, the samples and whatever else does, as plain values

    Of a loss counts all that it reads; see `store.fingerprint`, which raises TypeError for what it cannot name.
    """
    made_from = fingerprints | {"version": VERSION, "recipe": asdict(recipe), "loss": loss}
    return store.folder("training") / f"{store.fingerprint(made_from)[:20]}.pt"
