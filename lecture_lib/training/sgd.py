"""Fine-tuning: a network is trained further on another task, its pre-trained layers slower than its new head."""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import CodeType

import numpy as np
import torch
from torch import Tensor, nn

from lecture_lib import store
from lecture_lib.backbones import Backbone
from lecture_lib.metrics import measure
from lecture_lib.training.crops import Pictures, random_crops, score

Loss = Callable[[Tensor, Tensor], Tensor]
VERSION = 1  # part of every checkpoint's name: raise it when the same recipe would give other weights


@dataclass(frozen=True)
class Recipe:
    """What decides the outcome of a training, besides the network, the pictures and the loss.

    lr        of the new head, the last stage; it falls to 0 along a half cosine over all epochs
    ratio     the other layers learn at ratio x lr
    frozen    the last tap that keeps its weights, with all before it; None: all layers learn
    dropout   rate of the network's dropout layers; few pictures seen a few times need little
    patience  training stops after so many epochs without a better validation
    bfloat16  compute the forward pass in bfloat16, on a processor that is fast in it; a GPU takes float16 anyway
    """

    epochs: int = 30
    batch: int = 32
    lr: float = 0.01
    ratio: float = 0.1
    frozen: str | None = None
    dropout: float = 0.0
    patience: int = 10
    weight_decay: float = 5e-4
    seed: int = 0
    bfloat16: bool = False


@dataclass(frozen=True, eq=False)
class Tuned:
    """A trained network with its best weights, in eval mode, and its curve.

    curve  one dict an epoch: lr of the head at its end, loss (mean over batches), validation (mAP or mean class
           accuracy, %)
    """

    net: Backbone
    curve: list[dict]


class Diverged(FloatingPointError):
    """A loss or a score is not finite; `last_good` is the Tuned of the epochs before, or None in the first."""

    last_good: Tuned | None = None


def fine_tune(
    net: Backbone, train: Pictures, validation: Pictures, loss: Loss, recipe: Recipe, *, progress: bool = True
) -> Tuned:
    """Train a copy of a network, whose last stage is its head, and keep the weights that were best in validation.

    After every epoch the state goes into a file in the cache folder (finetuning/). After an interrupt the same call
    goes on from there and ends with the numbers of a training that nobody stopped; a finished one is only read.
    Raises Diverged as soon as a loss is not finite, KeyError for a tap `frozen` that is not there.
    """
    from tqdm.auto import tqdm

    file = checkpoint(net, train, validation, loss, recipe)
    net = replace(net, stages=copy.deepcopy(net.stages), weights=f"{net.weights}, fine-tuned")
    for module in net.stages.modules():
        if isinstance(module, nn.Dropout):
            module.p = recipe.dropout
    optimizer = torch.optim.SGD(groups(net, recipe), momentum=0.9, weight_decay=recipe.weight_decay)
    # float16 would round small gradients to 0
    scaler = torch.amp.GradScaler(enabled=net.device.type == "cuda")
    curve, best = resume(file, net, optimizer, scaler)
    bar = tqdm(total=recipe.epochs, initial=len(curve), desc=loss.__name__, disable=not progress, leave=False)
    while not over(curve, recipe):
        try:
            line = train_epoch(net, train, loss, optimizer, scaler, recipe, epoch=len(curve))
            line["validation"] = validate(net, validation)
        except Diverged as error:
            net.stages.load_state_dict(best)
            net.stages.eval()
            error.last_good = Tuned(net, curve) if curve else None
            raise
        if not curve or line["validation"] > max(past["validation"] for past in curve):
            best = copy.deepcopy(net.stages.state_dict())
        curve.append(line)
        # what is over needs nothing to go on with
        parts = {} if over(curve, recipe) else {"net": net.stages, "optimizer": optimizer, "scaler": scaler}
        save(file, curve, best, **parts)
        bar.update()
        bar.set_postfix(loss=f"{line['loss']:.3f}", validation=f"{line['validation']:.1f} %")
    bar.close()
    net.stages.load_state_dict(best)
    net.stages.eval()
    return Tuned(net, curve)


def train_epoch(
    net: Backbone,
    train: Pictures,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    recipe: Recipe,
    epoch: int,
) -> dict:
    """Train on every picture once, in random crops and a random order; return the line of the curve."""
    device = net.device
    low = torch.float16 if device.type == "cuda" else torch.bfloat16
    set_mode(net)
    total = 0.0
    # every epoch has its own seed, so that a resumed training draws what an uninterrupted one draws
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed * 100_003 + epoch)
        # of nearly one size: a last batch of one picture would weigh as much as all others
        batches = torch.randperm(len(train)).tensor_split(math.ceil(len(train) / recipe.batch))
        for i, batch in enumerate(batches):
            done = (epoch + (i + 1) / len(batches)) / recipe.epochs
            for group in optimizer.param_groups:
                group["lr"] = group["highest"] * 0.5 * (1 + math.cos(math.pi * done))
            x, y = random_crops(net, train, batch), train.labels[batch].to(device)
            with torch.autocast(device.type, low, enabled=recipe.bfloat16 or device.type == "cuda"):
                scores = net.stages(x)
            value = loss(scores.float(), y)
            if not torch.isfinite(value):
                raise Diverged(
                    f"The loss is {value.item()} in epoch {epoch + 1}, batch {i + 1} of {len(batches)}: take a lower "
                    f"learning rate than lr={recipe.lr:g}. What was reached before is in this error's last_good."
                )
            optimizer.zero_grad()
            scaler.scale(value).backward()
            scaler.step(optimizer)
            scaler.update()
            total += value.item()
    return {"lr": optimizer.param_groups[-1]["lr"], "loss": total / len(batches)}


def validate(net: Backbone, pictures: Pictures) -> float:
    """Return mAP, or for one class a picture mean class accuracy, of the scores of the pictures' centres: in %."""
    scores = score(net, pictures)
    if not np.isfinite(scores).all():
        raise Diverged("Scores in validation are not finite: take a lower learning rate.")
    return 100 * measure(scores, pictures.labels.numpy())


def over(curve: list[dict], recipe: Recipe) -> bool:
    """Say whether all epochs are done, or the best validation lies `patience` of them back."""
    seen = [line["validation"] for line in curve]
    since_best = len(seen) - 1 - seen.index(max(seen)) if seen else -1
    return len(seen) >= recipe.epochs or since_best >= recipe.patience


def groups(net: Backbone, recipe: Recipe) -> list[dict]:
    """Freeze what is to stay, and part the other weights by their learning rate: the last group is the head."""
    taps = net.taps
    if recipe.frozen is not None and recipe.frozen not in taps[:-1]:
        raise KeyError(
            f"{net.name} cannot be frozen up to {recipe.frozen!r}; it can up to {', '.join(taps[:-1])}."
        )
    learning = taps.index(recipe.frozen) + 1 if recipe.frozen else 0
    net.stages.requires_grad_(False)
    for stage in net.stages[learning:]:
        stage.requires_grad_(True)
    body = [p for stage in net.stages[learning:-1] for p in stage.parameters()]
    head = list(net.stages[-1].parameters())
    body_group = [{"params": body, "lr": recipe.ratio * recipe.lr}] if body else []
    parts = [*body_group, {"params": head, "lr": recipe.lr}]
    return [part | {"highest": part["lr"]} for part in parts]


def set_mode(net: Backbone) -> None:
    """Put the network in training mode, all but the BatchNorm of frozen layers: its averages are theirs."""
    net.stages.train()
    for module in net.stages.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d) and not module.weight.requires_grad:
            module.eval()


def checkpoint(net: Backbone, train: Pictures, validation: Pictures, loss: Loss, recipe: Recipe) -> Path:
    """Name the file of a training by all that decides its outcome, the code of the loss included.

    Of the loss count its own code, its default arguments and what it closes over; not functions that it calls.
    """
    made_from = {
        "version": VERSION,
        "net": net.fingerprint,
        "train": train.fingerprint,
        "validation": validation.fingerprint,
        "loss": [
            loss.__name__,
            written(loss.__code__),
            repr((loss.__defaults__, loss.__kwdefaults__)),
            [repr(cell.cell_contents) for cell in loss.__closure__ or ()],
        ],
        "recipe": asdict(recipe),
        "device": net.device.type,
    }
    return store.folder("finetuning") / f"{store.fingerprint(made_from)[:20]}.pt"


def written(code: CodeType) -> list:
    """Return what a function computes as plain values: instructions, names and constants, functions in it included."""
    constants = [written(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code, code.co_names, constants]


def save(file: Path, curve: list[dict], best: dict, **parts) -> None:
    """Write the state of a training, or with no parts that of a finished one, whole or not at all."""
    buffer = io.BytesIO()
    torch.save(
        {"curve": curve, "best": best} | {name: part.state_dict() for name, part in parts.items()}, buffer
    )
    store.write_atomically(file, buffer.getvalue())


def resume(file: Path, net: Backbone, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler):
    """Read the state of a training, if there is one: its curve and the best weights so far."""
    if not file.exists():
        return [], copy.deepcopy(net.stages.state_dict())
    try:
        saved = torch.load(file, map_location=net.device, weights_only=True)
    except Exception as error:  # a damaged file fails in many ways
        raise ValueError(f"{file} is damaged ({type(error).__name__}): delete it, and train again.") from None
    if "optimizer" in saved:
        net.stages.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        scaler.load_state_dict(saved["scaler"])
    return saved["curve"], saved["best"]
