"""The networks of the drawn world: AlexNet and CNN-S for pictures of half their sides.

The papers' layers with half of conv1's stride and fewer channels. From pool1 on their maps are as wide as the papers'
(`caffe_nets`), for pictures of 112 x 112 pixels instead of 224 x 224:

                   conv1 pool1 conv2 pool2 conv3-5 pool5   channels of conv1-5        weights        multiply-adds
    twin-alexnet     55    27    27    13     13     6      64  96 192 192 128        5.1 million     266 million
    twin-cnn-s      110    37    33    17     17     6      48 128 256 256 128        5.6 million     556 million

CNN-S is the slow one: smaller strides, more channels. A stage named convN or fcN ends with its ReLU, as Caffe's
in-place blobs do; fc8 is raw scores, one a class. What is published is this plain net; batch normalisation exists only
while it is trained, in place of the papers' local response normalisation, and is then folded into the weights.

A picture goes in whole, squashed to the square, as windows of it were in training. Pictures of any size from 64 pixels
go in: maps grow with them, and fc6 takes pool5 averaged to its 6 x 6 grid, as torchvision's AlexNet does.
"""

import copy
import json
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from lecture_lib import settings, store
from lecture_lib.backbones import caffe_nets
from lecture_lib.backbones.backbone import Backbone, WeightsNotFound
from lecture_lib.backbones.caffe_nets import Conv, Plan, pool

INPUT_SIZE = 112
MEAN = (0.5, 0.5, 0.5)
STD = (0.25, 0.25, 0.25)
ALEXNET: Plan = {
    "conv1": Conv(64, 7, stride=2, padding=2),
    "pool1": (pool(3, 2),),
    "conv2": Conv(96, 5, padding=2),
    "pool2": (pool(3, 2),),
    "conv3": Conv(192, 3, padding=1),
    "conv4": Conv(192, 3, padding=1),
    "conv5": Conv(128, 3, padding=1),
    "pool5": (pool(3, 2),),
    "fc6": 768,
    "fc7": 768,
}
CNN_S: Plan = ALEXNET | {
    "conv1": Conv(48, 5, padding=1),
    "pool1": (pool(3, 3),),
    "conv2": Conv(128, 5),
    "pool2": (pool(2, 2),),
    "conv3": Conv(256, 3, padding=1),
    "conv4": Conv(256, 3, padding=1),
    "pool5": (pool(3, 3),),
}
NETS = {"twin-alexnet": ALEXNET, "twin-cnn-s": CNN_S}
FOLDER = settings.PACKAGE_DATA / "weights"


def build(name: str, n_classes: int, batchnorm: bool = False) -> nn.Sequential:
    """Build the stages of a net, in order and named by layer, with fresh weights from torch's generator.

    batchnorm adds a BatchNorm before every ReLU, for training; see `fold_batchnorm`.
    The net maps float32 [B, 3, H, W], H and W >= 64, to scores float32 [B, n_classes].
    """
    net = caffe_nets.build(NETS[name] | {"fc8": n_classes}, INPUT_SIZE).to_empty(device="cpu")
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    nn.init.normal_(net.fc8.linear.weight, std=0.01)
    if batchnorm:
        net = nn.Sequential(OrderedDict((layer, _normalised(stage)) for layer, stage in net.named_children()))
    return net


def _normalised(stage: nn.Sequential) -> nn.Sequential:
    """Put a BatchNorm before the ReLU of a stage, if it has one."""
    parts = dict(stage.named_children())
    before = OrderedDict()
    for name, part in parts.items():
        if name == "relu":
            bn = {"conv": nn.BatchNorm2d, "linear": nn.BatchNorm1d}
            (kind,) = bn.keys() & parts
            before["bn"] = bn[kind](len(parts[kind].bias))
        before[name] = part
    return nn.Sequential(before)


def fold_batchnorm(net: nn.Sequential) -> nn.Sequential:
    """Return a copy of the net in eval mode, with each BatchNorm folded into the layer before it.

    BatchNorm at test time is the affine map y -> gamma (y - mean) / sqrt(var + eps) + beta of every channel,
    so it goes into the weights (times the scale) and the bias of that linear. Computed in float64.
    """
    folded = OrderedDict()
    for layer, stage in net.named_children():
        stage = copy.deepcopy(stage)
        parts = OrderedDict(stage.named_children())
        bn = parts.pop("bn", None)
        if bn is not None:
            name, fuse = ("conv", fuse_conv_bn_eval) if "conv" in parts else ("linear", fuse_linear_bn_eval)
            parts[name] = fuse(parts[name].double().eval(), bn.double().eval()).float()
            stage = nn.Sequential(parts)
        folded[layer] = stage
    return nn.Sequential(folded).eval()


def backbone(name: str, file: Path | None, weights: str) -> Backbone:
    """Give a net its place among the networks, with the weights in a file or random ones.

    A random net has the scores of the published one, so that the two differ in their weights only.
    """
    if file:
        net, classes = load_weights(name, file)
    else:
        there = weights_file(name)
        classes = read_classes(there) if there.exists() else tuple(f"class {i}" for i in range(120))
        net = build(name, len(classes))
    return Backbone(name, net, None, INPUT_SIZE, MEAN, STD, classes, weights, caffe_nets.DECAF)


def weights_file(name: str) -> Path:
    """Where the weights of a net are kept; its log is beside them."""
    return FOLDER / f"{name}.safetensors"


def find_published(name: str) -> Path:
    """Return the file of weights that belongs to this project; raises WeightsNotFound if it is gone."""
    file = weights_file(name)
    if file.exists():
        return file
    raise WeightsNotFound(
        f"{name}: {file} is missing. It belongs to this project: check the repository out again, or train it "
        f"with python -m lecture_lib.training.pretrain {name}."
    )


def save_weights(name: str, net: nn.Sequential, classes: tuple[str, ...], path: Path) -> None:
    """Write a folded net as float16 safetensors, with the names of its classes in the header.

    Raises ValueError where a weight is not finite in float16.
    """
    from safetensors.torch import save

    half = {key: tensor.cpu().half().contiguous() for key, tensor in net.state_dict().items()}
    for key, tensor in half.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name}: {key} is not finite in float16; nothing was written.")
    store.write_atomically(path, save(half, metadata={"net": name, "classes": json.dumps(list(classes))}))


def load_weights(name: str, path: Path) -> tuple[nn.Sequential, tuple[str, ...]]:
    """Read what `save_weights` wrote: the net (float32, eval mode) and the names of its classes."""
    from safetensors.torch import load_file

    classes = read_classes(path)
    net = build(name, len(classes))
    net.load_state_dict({key: tensor.float() for key, tensor in load_file(path).items()})
    return net.eval(), classes


def read_classes(path: Path) -> tuple[str, ...]:
    """Read the names of the classes from the header of what `save_weights` wrote."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return tuple(json.loads(file.metadata()["classes"]))
