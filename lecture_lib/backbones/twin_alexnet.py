"""AlexNet's plan for small pictures: five convolutions, three max-poolings, three fully connected layers.

A 64x64 picture goes through these stages (channels x height x width after each):

    conv1  7x7/2  64x32x32    pool1  64x16x16
    conv2  5x5    96x16x16    pool2  96x 8x 8
    conv3  3x3   192x 8x 8    conv4 192x 8x 8    conv5 128x 8x 8    pool5 128x4x4
    fc6   768                 fc7   768          fc8   one score a class

about 97 million multiply-adds and 3.1 million weights. A stage named convN or fcN ends with its ReLU,
as Caffe's in-place blobs do; fc8 is raw scores. What is published is this plain net; batch normalisation
exists only while it is trained and is then folded into the weights.

Pictures of any size from 64 pixels go in. The convolutional stages grow with the picture; pooling is
placed so that unit (i, j) of pool5 looks at the pixels around (16 j + 8, 16 i + 8). From a larger pool5,
fc6 takes the average over its 4x4 grid (as torchvision's AlexNet does over 6x6); for a 64x64 picture that
changes nothing.
"""

import copy
import json
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from lecture_lib import settings, store
from lecture_lib.backbones.backbone import Backbone, WeightsNotFound

NAME = "twin-alexnet"
INPUT_SIZE = 64
MEAN = (0.5, 0.5, 0.5)
STD = (0.25, 0.25, 0.25)
GRID = 4  # side of pool5 for a picture of INPUT_SIZE
CHANNELS = {"conv1": 64, "conv2": 96, "conv3": 192, "conv4": 192, "conv5": 128}
KERNELS = {"conv1": 7, "conv2": 5, "conv3": 3, "conv4": 3, "conv5": 3}
FC = 768
DECAF = {1: "pool1", 5: "pool5", 6: "fc6", 7: "fc7"}
WEIGHTS = settings.PACKAGE_DATA / "weights" / f"{NAME}.safetensors"


def build(n_classes: int, batchnorm: bool = False) -> nn.Sequential:
    """Build the stages of the net, in order and named by layer, with fresh weights from torch's generator.

    batchnorm adds a BatchNorm before every ReLU, for training; see `fold_batchnorm`.
    The net maps float32 [B, 3, H, W], H and W >= 64, to scores float32 [B, n_classes].
    """
    stages, before = OrderedDict(), 3
    for layer, channels in CHANNELS.items():
        kernel, stride = KERNELS[layer], 2 if layer == "conv1" else 1
        conv = nn.Conv2d(before, channels, kernel, stride, kernel // 2)
        bn = {"bn": nn.BatchNorm2d(channels)} if batchnorm else {}
        stages[layer] = _stage(conv=conv, **bn, relu=nn.ReLU(inplace=True))
        before = channels
        if layer in ("conv1", "conv2"):
            stages["pool" + layer[-1]] = nn.MaxPool2d(3, stride=2, padding=1)
    # Caffe's rounding here, padding above: the shifts of the two cancel, and pool5 is centred on the picture.
    stages["pool5"] = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    for layer, inputs in (("fc6", before * GRID**2), ("fc7", FC)):
        to_vector = {"grid": nn.AdaptiveAvgPool2d(GRID), "flatten": nn.Flatten()} if layer == "fc6" else {}
        bn = {"bn": nn.BatchNorm1d(FC)} if batchnorm else {}
        rest = {"relu": nn.ReLU(inplace=True), "dropout": nn.Dropout(0.5)}
        stages[layer] = _stage(**to_vector, linear=nn.Linear(inputs, FC), **bn, **rest)
    stages["fc8"] = _stage(linear=nn.Linear(FC, n_classes))
    net = _stage(**stages)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    nn.init.normal_(net.fc8.linear.weight, std=0.01)
    return net


def _stage(**parts: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(parts))


def fold_batchnorm(net: nn.Sequential) -> nn.Sequential:
    """Return a copy of the net in eval mode, with each BatchNorm folded into the layer before it.

    BatchNorm at test time is the affine map y -> gamma (y - mean) / sqrt(var + eps) + beta of every channel,
    so it goes into the weights (times the scale) and the bias of that linear. Computed in float64.
    """
    folded = {}
    for layer, stage in net.named_children():
        stage = copy.deepcopy(stage)
        parts = dict(stage.named_children())
        bn = parts.pop("bn", None)
        if bn is not None:
            name, fuse = ("conv", fuse_conv_bn_eval) if "conv" in parts else ("linear", fuse_linear_bn_eval)
            parts[name] = fuse(parts[name].double().eval(), bn.double().eval()).float()
            stage = _stage(**parts)
        folded[layer] = stage
    return _stage(**folded).eval()


def backbone(name: str, file: Path | None, weights: str) -> Backbone:
    """Give the net its place among the networks, with the weights in a file or random ones.

    A random net has the scores of the published one, so that the two differ in their weights only.
    """
    if file:
        net, classes = load_weights(file)
    else:
        classes = read_classes(WEIGHTS) if WEIGHTS.exists() else tuple(f"class {i}" for i in range(120))
        net = build(len(classes))
    return Backbone(name, net, INPUT_SIZE, INPUT_SIZE, MEAN, STD, classes, weights, DECAF)


def find_published(name: str) -> Path:
    """Return the file of weights that belongs to this project; raises WeightsNotFound if it is gone."""
    if WEIGHTS.exists():
        return WEIGHTS
    raise WeightsNotFound(
        f"{name}: {WEIGHTS} is missing. It belongs to this project: check the repository out again, or train it "
        "with python -m lecture_lib.training.pretrain."
    )


def save_weights(net: nn.Sequential, classes: tuple[str, ...], path: Path) -> None:
    """Write a folded net as float16 safetensors, with the names of its classes in the header.

    Raises ValueError where a weight is not finite in float16.
    """
    from safetensors.torch import save

    half = {name: tensor.cpu().half().contiguous() for name, tensor in net.state_dict().items()}
    for name, tensor in half.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{NAME}: {name} is not finite in float16; nothing was written.")
    store.write_atomically(path, save(half, metadata={"net": NAME, "classes": json.dumps(list(classes))}))


def load_weights(path: Path) -> tuple[nn.Sequential, tuple[str, ...]]:
    """Read what `save_weights` wrote: the net (float32, eval mode) and the names of its classes."""
    from safetensors.torch import load_file

    classes = read_classes(path)
    net = build(len(classes))
    net.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    return net.eval(), classes


def read_classes(path: Path) -> tuple[str, ...]:
    """Read the names of the classes from the header of what `save_weights` wrote."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return tuple(json.loads(file.metadata()["classes"]))
