"""Train twin-alexnet on the source task, the twin of ILSVRC-2012.

    python -m lecture_lib.training.pretrain

writes `data/weights/twin-alexnet.safetensors` (float16) and beside it `twin-alexnet.json`: command, seed,
versions, checksum, and the curve. After every epoch a checkpoint goes into the cache folder; the same command
then goes on from it, and ends with the numbers of a run that nobody stopped. On one machine, with one number
of threads, the same seed gives the same weights.
"""

import argparse
import datetime
import hashlib
import io
import json
import math
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from lecture_lib import settings, store
from lecture_lib.backbones import twin_alexnet
from lecture_lib.backbones.cost import bfloat16_is_faster


@dataclass(frozen=True)
class Recipe:
    """What decides the outcome of a training, besides the images.

    The learning rate rises linearly over the first 5 % of all steps and falls to zero along a half cosine.
    Label smoothing is off by default: it helps the source task, but pulls the pictures of a class
    together in fc6 and fc7, and other tasks need what it removes (Kornblith et al. 2021).
    """

    epochs: int = 12
    batch: int = 128
    lr: float = 0.1
    weight_decay: float = 5e-4
    smoothing: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Pictures:
    """Images uint8 [N, 3, 64, 64] and labels int64 [N], on the device that trains."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def train(
    pictures: Pictures,
    validation: Pictures,
    n_classes: int,
    recipe: Recipe,
    checkpoint: Path,
    *,
    bfloat16: bool = False,
    report: Callable[[dict], None] = lambda epoch: None,
) -> tuple[nn.Sequential, list[dict]]:
    """Train and return the folded net (eval mode) and one dict an epoch: its curve.

    checkpoint   file written after every epoch; if it is there, training goes on from it
    bfloat16     compute the forward pass in bfloat16 where autocast says so
    report       called with every epoch's dict

    Raises FloatingPointError as soon as a loss is not finite; the checkpoint stays at the epoch before.
    """
    device = pictures.images.device
    torch.manual_seed(recipe.seed)
    net = twin_alexnet.build(n_classes, batchnorm=True).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(_decay_groups(net, recipe.weight_decay), recipe.lr, 0.9, nesterov=True)
    curve = []
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        curve = saved["curve"]
    for epoch in range(len(curve) + 1, recipe.epochs + 1):
        start = time.perf_counter()
        # every epoch has its own seed, so that a resumed run draws what an uninterrupted one draws
        torch.manual_seed(recipe.seed * 100_003 + epoch)
        line = {"epoch": epoch} | _train_epoch(net, optimizer, pictures, recipe, epoch, bfloat16)
        line |= {f"val_{key}": value for key, value in evaluate(net, validation).items()}
        line["seconds"] = round(time.perf_counter() - start, 1)
        curve.append(line)
        state = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "curve": curve}
        _save_checkpoint(state, checkpoint)
        report(line)
    return twin_alexnet.fold_batchnorm(net), curve


def _train_epoch(
    net: nn.Sequential,
    optimizer: torch.optim.Optimizer,
    pictures: Pictures,
    recipe: Recipe,
    epoch: int,
    bfloat16: bool,
) -> dict:
    device = pictures.images.device
    net.train()
    total = {"loss": 0.0, "top1": 0.0, "top5": 0.0}
    order = torch.randperm(len(pictures)).to(device)
    # of nearly one size: BatchNorm cannot learn from a last batch of one image
    batches = order.tensor_split(math.ceil(len(pictures) / recipe.batch))
    for i, batch in enumerate(tqdm(batches, f"epoch {epoch}", leave=False, disable=None)):
        lr = recipe.lr * _rate((epoch - 1) * len(batches) + i, recipe.epochs * len(batches))
        for group in optimizer.param_groups:
            group["lr"] = lr
        x, y = augment(pictures.images[batch]), pictures.labels[batch]
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            scores = net(x.contiguous(memory_format=torch.channels_last)).float()
        loss = F.cross_entropy(scores, y, label_smoothing=recipe.smoothing)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} in epoch {epoch}, batch {i + 1} of {len(batches)}: "
                f"the learning rate {recipe.lr:g} is too high for these images, take a lower one (--lr)."
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total["loss"] += loss.item() * len(batch)
        for key, n in _count_right(scores.detach(), y).items():
            total[key] += n
    # on augmented images and with dropout, so lower than the same net's accuracy on the images themselves
    return {"lr": lr} | {f"train_{key}": value / len(pictures) for key, value in total.items()}


@torch.inference_mode()
def evaluate(net: nn.Sequential, pictures: Pictures) -> dict:
    """Return mean loss, top-1 and top-5 accuracy of a net on pictures as they are."""
    net.eval()
    total = {"loss": 0.0, "top1": 0.0, "top5": 0.0}
    for x, y in zip(pictures.images.split(256), pictures.labels.split(256), strict=True):
        scores = net(normalise(x).contiguous(memory_format=torch.channels_last))
        total["loss"] += F.cross_entropy(scores, y, reduction="sum").item()
        for key, n in _count_right(scores, y).items():
            total[key] += n
    return {key: value / len(pictures) for key, value in total.items()}


def augment(images: Tensor) -> Tensor:
    """Draw one variant of each image: uint8 [B, 3, H, W] to normalised float32 [B, 3, H, W].

    Geometry in one affine map (mirror, zoom 0.8 to 1.25, aspect +-10 %, turn +-10 degrees, shift +-12 %),
    then gain and brightness of each colour, then, in a quarter of the images, a flat box over a part of it.
    """
    n, _, height, width = images.shape
    device = images.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return (torch.rand(n, *shape) * (high - low) + low).to(device)  # CPU's generator on every device

    zoom, aspect, angle = uniform(-0.22, 0.22).exp(), uniform(-0.1, 0.1).exp(), uniform(-0.17, 0.17)
    mirror = uniform(-1, 1).sign()
    cos, sin = angle.cos(), angle.sin()
    rows = [cos * zoom * aspect * mirror, -sin * zoom, sin * zoom * mirror, cos * zoom / aspect]
    turn = torch.stack(rows, 1).view(n, 2, 2)
    affine = torch.cat([turn, uniform(-0.24, 0.24, 2, 1)], 2)
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    x = F.grid_sample(images.float().div(255), grid, padding_mode="reflection", align_corners=False)

    x = x * uniform(0.8, 1.2, 1, 1, 1) * uniform(0.9, 1.1, 3, 1, 1) + uniform(-0.1, 0.1, 1, 1, 1)
    size, centre = uniform(0.1, 0.4, 2, 1), uniform(0, 1, 2, 1)
    size = size * (uniform(0, 1, 1, 1) < 0.25)
    down = (torch.arange(height, device=device) / height - centre[:, 0]).abs() < size[:, 0] / 2
    across = (torch.arange(width, device=device) / width - centre[:, 1]).abs() < size[:, 1] / 2
    covered = (down[:, :, None] & across[:, None, :])[:, None]
    return _standardise(torch.where(covered, uniform(0, 1, 3, 1, 1), x))


def normalise(images: Tensor) -> Tensor:
    """Map uint8 [B, 3, H, W] to what the net takes, float32 of mean about 0 and deviation about 1."""
    return _standardise(images.float().div(255))


def _standardise(x: Tensor) -> Tensor:
    mean, std = (
        torch.tensor(v, device=x.device).view(3, 1, 1) for v in (twin_alexnet.MEAN, twin_alexnet.STD)
    )
    return (x - mean) / std


def _count_right(scores: Tensor, y: Tensor) -> dict:
    ranked = scores.topk(min(5, scores.shape[1]), dim=1).indices == y[:, None]
    return {"top1": ranked[:, 0].sum().item(), "top5": ranked.sum().item()}


def _decay_groups(net: nn.Sequential, weight_decay: float) -> list[dict]:
    # biases and BatchNorm's scales carry no weight decay: shrinking them regularises nothing
    kernels = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim == 1]
    return [{"params": kernels, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def _rate(step: int, steps: int) -> float:
    warm = max(1, round(0.05 * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _save_checkpoint(state: dict, path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    store.write_atomically(path, buffer.getvalue())


def main(arguments: list[str] | None = None) -> None:
    """Run the training described at the top of this file."""
    parser = argparse.ArgumentParser(prog="python -m lecture_lib.training.pretrain", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for name, default in asdict(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--per-class", type=int, default=250, help="pictures drawn of each source class")
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--out", type=Path, default=twin_alexnet.WEIGHTS)
    given = vars(parser.parse_args(arguments))
    out, precision, per_class = (given.pop(name) for name in ("out", "precision", "per_class"))
    recipe = Recipe(**given)
    chosen = settings.use("demo", seed=recipe.seed)

    from lecture_lib.datasets import twin

    source = twin.ilsvrc2012("train", per_class)
    pictures, validation = (_pictures(part, chosen.device) for part in (source, twin.ilsvrc2012("val")))
    bfloat16 = bfloat16_is_faster(chosen.device) if precision == "auto" else precision == "bfloat16"
    made_from = {
        "recipe": asdict(recipe),
        "images": source.fingerprint,
        "precision": "bfloat16" if bfloat16 else "float32",
        "code": store.fingerprint([Path(m).read_bytes() for m in (__file__, twin_alexnet.__file__)]),
    }
    checkpoint = store.folder("pretrain") / f"{store.fingerprint(made_from)[:20]}.pt"
    print(f"{len(pictures):,} images of {len(source.classes)} classes, checkpoint {checkpoint}")

    def report(line: dict) -> None:
        print("  ".join(f"{key} {value:.4g}" for key, value in line.items()), flush=True)

    net, curve = train(
        pictures, validation, len(source.classes), recipe, checkpoint, bfloat16=bfloat16, report=report
    )
    twin_alexnet.save_weights(net, source.classes, out)
    published = twin_alexnet.load_weights(out)[0].to(chosen.device)  # as users will read it: float16
    log = {
        "net": twin_alexnet.NAME,
        "command": shlex.join(
            ["python", "-m", "lecture_lib.training.pretrain", *(arguments or sys.argv[1:])]
        ),
        "date": datetime.date.today().isoformat(),
        "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
        "parameters": sum(p.numel() for p in published.parameters()),
        "classes": len(source.classes),
        "train_images": len(pictures),
        "val_images": len(validation),
        **made_from,
        "device": str(chosen.device),
        "threads": chosen.threads,
        "versions": {"python": sys.version.split()[0], "torch": torch.__version__, "numpy": np.__version__},
        "seconds": round(sum(line["seconds"] for line in curve), 1),
        "published": evaluate(published, validation),
        "curve": curve,
    }
    store.write_atomically(out.with_suffix(".json"), (json.dumps(log, indent=1) + "\n").encode())
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, top-1 {log['published']['top1']:.1%} on val")


def _pictures(part, device: torch.device) -> Pictures:
    return Pictures(part.stack().to(device), torch.tensor(part.labels, device=device))


if __name__ == "__main__":
    main()
