"""Train twin-alexnet on the source task, the twin of ILSVRC-2012.

    python -m lecture_lib.training.pretrain

writes `data/weights/twin-alexnet.safetensors` (float16) and beside it `twin-alexnet.json`: command, seed,
versions, checksum, and the curve. After every epoch a checkpoint goes into the cache folder; the same command
then goes on from it, and ends with the numbers of a run that nobody stopped. On one machine, with one number
of threads, the same seed gives the same weights.
"""

import datetime
import hashlib
import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms.v2.functional import normalize

from lecture_lib import settings, store
from lecture_lib.backbones import twin_alexnet
from lecture_lib.backbones.cost import bfloat16_is_faster
from lecture_lib.metrics import top_k_error
from lecture_lib.training import sgd
from lecture_lib.training.crops import Pictures

# No label smoothing: it helps the source task, but pulls the pictures of a class together in fc6 and fc7, and other
# tasks need what it removes (Kornblith et al. 2021). Epochs counted from 1 when the published weights were made.
RECIPE = sgd.Recipe(
    epochs=12, batch=128, lr=0.1, schedule="warm cosine", nesterov=True, dropout=None, reseed=1
)
PER_CLASS = 250  # pictures drawn of each source class


def train(
    pictures: Pictures, validation: Pictures, n_classes: int, recipe: sgd.Recipe, checkpoint: Path
) -> tuple[nn.Sequential, list[dict]]:
    """Train on pictures uint8 [N, 3, 64, 64]; return the folded net (eval mode) and its curve, one dict an epoch.

    checkpoint   file written after every epoch; if it is there, training goes on from it

    Raises Diverged as soon as a loss is not finite; the checkpoint stays at the epoch before.
    """
    device = pictures.images.device
    torch.manual_seed(recipe.seed)
    net = twin_alexnet.build(n_classes, batchnorm=True).to(device, memory_format=torch.channels_last)
    # biases and BatchNorm's scales carry no weight decay: shrinking them regularises nothing
    kernels = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim == 1]

    def samples(batch: Tensor) -> tuple[Tensor, Tensor]:
        batch = batch.to(device)
        x = augment(pictures.images[batch])
        return x.contiguous(memory_format=torch.channels_last), pictures.labels[batch]

    def validate() -> dict:
        return {f"val_{key}": value for key, value in evaluate(net, validation).items()}

    curve = sgd.train(
        net,
        len(pictures),
        samples,
        F.cross_entropy,
        recipe,
        groups=[{"params": kernels}, {"params": others, "weight_decay": 0.0}],
        validate=validate,
        checkpoint=checkpoint,
        label="pre-training",
    )
    return twin_alexnet.fold_batchnorm(net), curve


@torch.inference_mode()
def evaluate(net: nn.Sequential, pictures: Pictures) -> dict:
    """Return mean loss, top-1 and top-5 accuracy of a net on pictures as they are."""
    net.eval()
    batches = (
        standardise(x).contiguous(memory_format=torch.channels_last) for x in pictures.images.split(256)
    )
    scores, labels = torch.cat([net(x) for x in batches]).cpu(), pictures.labels.cpu()
    right = {f"top{k}": 1 - top_k_error(scores, labels, min(k, scores.shape[1])) for k in (1, 5)}
    return {"loss": F.cross_entropy(scores, labels).item()} | right


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
    x = torch.where(covered, uniform(0, 1, 3, 1, 1), x)
    return normalize(x, twin_alexnet.MEAN, twin_alexnet.STD)


def standardise(images: Tensor) -> Tensor:
    """Map uint8 [B, 3, H, W] to what the net takes, float32 of mean about 0 and deviation about 1."""
    return normalize(images.float().div(255), twin_alexnet.MEAN, twin_alexnet.STD)


def main() -> None:
    """Run the training described at the top of this file."""
    from lecture_lib.datasets import twin

    started, chosen = time.perf_counter(), settings.use("demo")
    recipe = replace(RECIPE, seed=chosen.seed, bfloat16=bfloat16_is_faster(chosen.device))
    source, val = twin.ilsvrc2012("train", PER_CLASS), twin.ilsvrc2012("val")
    pictures, validation = (
        Pictures(part.stack().to(chosen.device), torch.tensor(part.labels, device=chosen.device))
        for part in (source, val)
    )
    code = store.fingerprint([Path(m).read_bytes() for m in (__file__, sgd.__file__, twin_alexnet.__file__)])
    checkpoint = sgd.checkpoint_file(recipe, F.cross_entropy, images=source.images.fingerprint, code=code)
    print(f"{len(pictures):,} images of {len(source.classes)} classes, checkpoint {checkpoint}")
    net, curve = train(pictures, validation, len(source.classes), recipe, checkpoint)
    out = twin_alexnet.WEIGHTS
    twin_alexnet.save_weights(net, source.classes, out)
    published = twin_alexnet.load_weights(out)[0].to(chosen.device)  # as users will read it: float16
    log = {
        "net": twin_alexnet.NAME,
        "command": "python -m lecture_lib.training.pretrain",
        "date": datetime.date.today().isoformat(),
        "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
        "parameters": sum(p.numel() for p in published.parameters()),
        "classes": len(source.classes),
        "train_images": len(pictures),
        "val_images": len(validation),
        "recipe": asdict(recipe),
        "images": source.images.fingerprint,
        "code": code,
        "device": str(chosen.device),
        "threads": chosen.threads,
        "versions": {"python": sys.version.split()[0], "torch": torch.__version__, "numpy": np.__version__},
        "seconds": round(time.perf_counter() - started, 1),
        "published": evaluate(published, validation),
        "curve": curve,
    }
    store.write_atomically(out.with_suffix(".json"), (json.dumps(log, indent=1) + "\n").encode())
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, top-1 {log['published']['top1']:.1%} on val")


if __name__ == "__main__":
    main()
