"""Train a network of the drawn world on the source task, the twin of ILSVRC-2012.

    python -m lecture_lib.training.pretrain twin-alexnet
    python -m lecture_lib.training.pretrain twin-cnn-s

writes `data/weights/NAME.safetensors` (float16) and beside it `NAME.json`: command, seed, versions, checksum, and the
curve. A checkpoint is written after every epoch, and every two minutes within one; the same command then goes on from
it, and ends with the numbers of a run that nobody stopped. On one machine, with one number of threads, the same seed
gives the same weights. The checkpoint lies in the cache folder, under a name made of all that decides the outcome;
--checkpoint FILE takes another place, from where it may be carried to another machine, or past a change of the code.
"""

import argparse
import datetime
import hashlib
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms.v2.functional import normalize, resize, resized_crop

from lecture_lib import settings, store
from lecture_lib.backbones import caffe_nets, twin_nets
from lecture_lib.backbones.cost import bfloat16_is_faster
from lecture_lib.metrics import top_k_error
from lecture_lib.training import sgd
from lecture_lib.training.crops import Pictures

# No label smoothing: it helps the source task, but pulls the pictures of a class together in fc6 and fc7, and other
# tasks need what it removes (Kornblith et al. 2021).
RECIPE = sgd.Recipe(
    epochs=10, batch=128, lr=0.1, schedule="warm cosine", nesterov=True, dropout=None, patience=5, reseed=1
)
SIDES = (
    80,
    96,
    twin_nets.INPUT_SIZE,
)  # pixels, for a third of the epochs each: half and three quarters of the work
AREA, ASPECT = (0.3, 1.0), 4 / 3  # of a window, in those of its picture
PER_CLASS, HELD_OUT = (
    250,
    10,
)  # pictures drawn of each source class; of these, not trained on: they choose the epoch


def train(
    name: str, pictures: Pictures, held_out: Pictures, n_classes: int, recipe: sgd.Recipe, checkpoint: Path
) -> tuple[nn.Sequential, list[dict]]:
    """Train on windows of pictures that grow; return the folded net (eval mode) and its curve, one dict an epoch.

    pictures     on the processor: uint8 [3, h, w] each
    held_out     after every epoch the net names these, as large as the windows were: the best epoch's weights are kept
    checkpoint   file written after every epoch and within; if it is there, training goes on from it

    `seconds` of the curve are those since the epoch was begun, or last taken up. Raises Diverged as soon as a loss is
    not finite; the checkpoint stays where it was before.
    """
    device = settings.current().device
    torch.manual_seed(recipe.seed)
    net = twin_nets.build(name, n_classes, batchnorm=True).to(device, memory_format=torch.channels_last)
    # biases and BatchNorm's scales carry no weight decay: shrinking them regularises nothing
    kernels = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim == 1]
    side = started = None

    def begin(epoch: int) -> None:
        nonlocal side, started
        side = SIDES[-1 - (recipe.epochs - 1 - epoch) * len(SIDES) // recipe.epochs]
        started = time.perf_counter()

    def samples(batch: Tensor) -> tuple[Tensor, Tensor]:
        x = recolour(windows([pictures.images[i] for i in batch.tolist()], side).to(device))
        return x.contiguous(memory_format=torch.channels_last), pictures.labels[batch].to(device)

    def validate() -> dict:
        found = {"side": side, "seconds": time.perf_counter() - started, **evaluate(net, held_out, side)}
        print(name, *(f"{key} {value:.4g}" for key, value in found.items()), flush=True)
        return found | {"validation": found["top1"]}

    curve = sgd.train(
        net,
        len(pictures),
        samples,
        F.cross_entropy,
        recipe,
        groups=[{"params": kernels}, {"params": others, "weight_decay": 0.0}],
        begin=begin,
        validate=validate,
        checkpoint=checkpoint,
        label=name,
    )
    return twin_nets.fold_batchnorm(net), curve


@torch.inference_mode()
def evaluate(net: nn.Sequential, pictures: Pictures, side: int = twin_nets.INPUT_SIZE) -> dict:
    """Return mean loss, top-1 and top-5 accuracy of a net on whole pictures, squashed to side x side."""
    net.eval()
    device, scores = next(net.parameters()).device, []
    for batch in torch.arange(len(pictures)).split(64):
        squares = [resize(pictures.images[i], [side, side], antialias=True) for i in batch.tolist()]
        x = standardise(torch.stack(squares).to(device))
        scores.append(net(x.contiguous(memory_format=torch.channels_last)).cpu())
    scores = torch.cat(scores)
    right = {f"top{k}": 1 - top_k_error(scores, pictures.labels, min(k, scores.shape[1])) for k in (1, 5)}
    return {"loss_held_out": F.cross_entropy(scores, pictures.labels).item()} | right


def windows(images: Sequence[Tensor], side: int) -> Tensor:
    """Cut a window at random out of each picture, uint8 [3, h, w], and mirror half of them: uint8 [B, 3, side, side].

    Windows have an area in AREA and proportions up to ASPECT, in those of the picture (Szegedy et al. 2015).
    """
    area, aspect, y, x, mirror = torch.rand(5, len(images))
    area = AREA[0] + (AREA[1] - AREA[0]) * area
    aspect = ((2 * aspect - 1) * math.log(ASPECT)).exp()
    across, down = ((area * r).sqrt().clamp(max=1).tolist() for r in (aspect, 1 / aspect))
    cut = []
    for i, image in enumerate(images):
        _, height, width = image.shape
        h, w = round(down[i] * height), round(across[i] * width)
        top, left = int(y[i] * (height - h + 1)), int(x[i] * (width - w + 1))
        window = resized_crop(image, top, left, h, w, [side, side], antialias=True)
        cut.append(window.flip(2) if mirror[i] < 0.5 else window)
    return torch.stack(cut)


def recolour(images: Tensor) -> Tensor:
    """Draw one variant of each image: uint8 [B, 3, H, W] to normalised float32 [B, 3, H, W].

    Gain and brightness of each colour, then, in a quarter of the images, a flat box over a part of it.
    """
    n, _, height, width = images.shape
    device = images.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return (torch.rand(n, *shape) * (high - low) + low).to(device)  # CPU's generator on every device

    x = images.float().div(255)
    x = x * uniform(0.8, 1.2, 1, 1, 1) * uniform(0.9, 1.1, 3, 1, 1) + uniform(-0.1, 0.1, 1, 1, 1)
    size, centre = uniform(0.1, 0.4, 2, 1), uniform(0, 1, 2, 1)
    size = size * (uniform(0, 1, 1, 1) < 0.25)
    down = (torch.arange(height, device=device) / height - centre[:, 0]).abs() < size[:, 0] / 2
    across = (torch.arange(width, device=device) / width - centre[:, 1]).abs() < size[:, 1] / 2
    covered = (down[:, :, None] & across[:, None, :])[:, None]
    x = torch.where(covered, uniform(0, 1, 3, 1, 1), x)
    return normalize(x, twin_nets.MEAN, twin_nets.STD)


def standardise(images: Tensor) -> Tensor:
    """Map uint8 [B, 3, H, W] to what the net takes, float32 of mean about 0 and deviation about 1."""
    return normalize(images.float().div(255), twin_nets.MEAN, twin_nets.STD)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the training described at the top of this file."""
    from lecture_lib.datasets import twin
    from lecture_lib.datasets.protocols import few_shot_split

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("net", choices=twin_nets.NETS)
    parser.add_argument(
        "--checkpoint", type=Path, help="file to go on from and to write; by default in the cache"
    )
    asked = parser.parse_args(arguments)
    chosen = settings.use("demo")
    recipe = replace(RECIPE, seed=chosen.seed)
    source, val = (twin.ilsvrc2012(*part) for part in (("train", PER_CLASS), ("val",)))
    parts = few_shot_split(source.labels, PER_CLASS - HELD_OUT, seed=chosen.seed)
    pictures, held_out, test = (
        Pictures(part.images, torch.tensor(part.labels)) for part in (*(source[rows] for rows in parts), val)
    )
    modules = (__file__, *(module.__file__ for module in (sgd, twin_nets, caffe_nets)))
    code = store.fingerprint([Path(module).read_bytes() for module in modules])
    # by its name a checkpoint is found again on any machine, whether it is fast in bfloat16 or not
    made_from = {"net": asked.net, "images": source.images.fingerprint, "code": code}
    checkpoint = asked.checkpoint or sgd.checkpoint_file(recipe, F.cross_entropy, **made_from)
    recipe = replace(recipe, bfloat16=bfloat16_is_faster(chosen.device))
    print(
        f"{asked.net}: {len(pictures):,} pictures of {len(source.classes)} classes, {chosen.threads} threads, "
        f"{'bfloat16' if recipe.bfloat16 else 'float32'}, checkpoint {checkpoint}",
        flush=True,
    )
    net, curve = train(asked.net, pictures, held_out, len(source.classes), recipe, checkpoint)
    out = twin_nets.weights_file(asked.net)
    twin_nets.save_weights(asked.net, net, source.classes, out)
    published = twin_nets.load_weights(asked.net, out)[0].to(chosen.device)  # as users will read it: float16
    log = {
        "net": asked.net,
        "command": f"python -m lecture_lib.training.pretrain {asked.net}",
        "date": datetime.date.today().isoformat(),
        "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
        "parameters": sum(p.numel() for p in published.parameters()),
        "classes": len(source.classes),
        "train_images": len(pictures),
        "held_out_images": len(held_out),
        "val_images": len(test),
        "recipe": asdict(recipe),
        "sides": SIDES,
        "images": source.images.fingerprint,
        "code": code,
        "device": str(chosen.device),
        "threads": chosen.threads,
        "versions": {"python": sys.version.split()[0], "torch": torch.__version__, "numpy": np.__version__},
        "seconds": round(sum(line["seconds"] for line in curve), 1),
        "published": evaluate(published, test),
        "curve": curve,
    }
    store.write_atomically(out.with_suffix(".json"), (json.dumps(log, indent=1) + "\n").encode())
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, top-1 {log['published']['top1']:.1%} on val")


if __name__ == "__main__":
    main()
