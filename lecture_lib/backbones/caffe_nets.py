"""The networks of 2014 that were trained with Caffe: CaffeNet, and CNN-F, CNN-M, CNN-S of Chatfield et al.

Table 1 of "Return of the Devil in the Details" (BMVC 2014) and, for CaffeNet, Yosinski's training file: five
convolutions and three fully connected layers, ReLU after each but the last, dropout after fc6 and fc7,
weights as they were published for MatConvNet (`matconvnet`). Where a map is not a whole number of
strides wide, pooling rounds up, as in Caffe; the files say the same as a padding at the right and the bottom.

Side of the maps after each layer (pictures of 224 pixels, of CaffeNet 227):

               conv1 pool1 conv2 pool2 conv3-5 pool5   weights
    cnn-f        54    27    27    13     13     6      60.8 million
    cnn-m       109    54    26    13     13     6     102.9 million
    cnn-s       109    37    33    17     17     6     102.9 million
    caffenet     55    27    27    13     13     6      61.0 million

Table 1 (from memory) prints "pad 1" for conv2 of CNN-S, which would make its maps 35 wide and pool5 6 all the
same. The definition in MatConvNet and the ports of the published Caffe net have no padding there, nor has what is
built here; like the table and the ports, it has no normalisation after conv2, which MatConvNet's has.

A layer convN or fcN is taken after its ReLU. Local response normalisation belongs to poolN, before the
maximum in CNN-F, -M and -S and after it in CaffeNet, so poolN is what the next convolution takes.

Pictures, in 0..255: the paper brings the shorter side to 256 pixels, CaffeNet both sides; both subtract a mean
picture. Here it is the shorter side, and the average colour of the mean, which with random weights moves scores
by one to ten per cent of the largest.
"""

import copy
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from lecture_lib.backbones import matconvnet
from lecture_lib.backbones.backbone import Backbone, fetch_weights
from lecture_lib.download import RemoteFile

RESIZE = 256
MEAN = (123.68, 116.779, 103.939)  # average colour of ImageNet in 0..255; a file brings its own
DECAF = {1: "pool1", 5: "pool5", 6: "fc6", 7: "fc7"}


class Conv(NamedTuple):
    """A convolution with its ReLU."""

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1


def pool(kernel: int, stride: int) -> nn.MaxPool2d:
    """A max-pooling that rounds up, as Caffe's does."""
    return nn.MaxPool2d(kernel, stride, ceil_mode=True)


# layer -> what it is made of; of a fully connected one, its units
Plan = Mapping[str, Conv | tuple[nn.LocalResponseNorm | nn.MaxPool2d, ...] | int]

LRN = nn.LocalResponseNorm(
    5, alpha=5e-4, beta=0.75, k=2
)  # of Chatfield et al.; alpha is divided by 5, as in Caffe
LRN_CAFFENET = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1)
CNN_F: Plan = {
    "conv1": Conv(64, 11, stride=4),
    "pool1": (LRN, pool(3, 2)),
    "conv2": Conv(256, 5, padding=2),
    "pool2": (LRN, pool(3, 2)),
    **dict.fromkeys(("conv3", "conv4", "conv5"), Conv(256, 3, padding=1)),
    "pool5": (pool(3, 2),),
    "fc6": 4096,
    "fc7": 4096,
    "fc8": 1000,
}
CNN_M: Plan = CNN_F | {
    "conv1": Conv(96, 7, stride=2),
    "conv2": Conv(256, 5, stride=2, padding=1),
    **dict.fromkeys(("conv3", "conv4", "conv5"), Conv(512, 3, padding=1)),
}
CNN_S: Plan = CNN_M | {
    "pool1": (LRN, pool(3, 3)),
    "conv2": Conv(256, 5),
    "pool2": (pool(2, 2),),
    "pool5": (pool(3, 3),),
}
CAFFENET: Plan = CNN_F | {
    "conv1": Conv(96, 11, stride=4),
    "pool1": (pool(3, 2), LRN_CAFFENET),
    "conv2": Conv(256, 5, padding=2, groups=2),
    "pool2": (pool(3, 2), LRN_CAFFENET),
    "conv3": Conv(384, 3, padding=1),
    "conv4": Conv(384, 3, padding=1, groups=2),
    "conv5": Conv(256, 3, padding=1, groups=2),
}
# name -> plan, side of the picture, file of MatConvNet's models
NETS: dict[str, tuple[Plan, int, str]] = {
    "caffenet": (CAFFENET, 227, "imagenet-caffe-ref.mat"),
    "cnn-f": (CNN_F, 224, "imagenet-vgg-f.mat"),
    "cnn-m": (CNN_M, 224, "imagenet-vgg-m.mat"),
    "cnn-s": (CNN_S, 224, "imagenet-vgg-s.mat"),
    "cnn-m-2048": (CNN_M | {"fc7": 2048}, 224, "imagenet-vgg-m-2048.mat"),
    "cnn-m-1024": (CNN_M | {"fc7": 1024}, 224, "imagenet-vgg-m-1024.mat"),
    "cnn-m-128": (CNN_M | {"fc7": 128}, 224, "imagenet-vgg-m-128.mat"),
}
SITE = "https://www.vlfeat.org/matconvnet"


def build(plan: Plan, input_size: int) -> nn.Sequential:
    """Build the stages of a network, in order and named by layer, on device "meta": with shapes, without numbers.

    They map float32 [B, 3, input_size, input_size] to scores [B, plan["fc8"]]. From pictures of other sizes
    fc6 takes pool5 averaged to its grid, as torchvision's AlexNet does.
    """
    stages, x = OrderedDict(), torch.empty(1, 3, input_size, input_size, device="meta")
    with torch.device("meta"):
        for layer, part in plan.items():
            if isinstance(part, Conv):
                conv = nn.Conv2d(x.shape[1], *part[:4], groups=part.groups)
                stage = {"conv": conv, "relu": nn.ReLU(inplace=True)}
            elif isinstance(part, int):
                stage = (
                    {"grid": nn.AdaptiveAvgPool2d(x.shape[2:]), "flatten": nn.Flatten()}
                    if x.ndim == 4
                    else {}
                )
                stage["linear"] = nn.Linear(x[0].numel(), part)
                if layer != "fc8":
                    stage |= {"relu": nn.ReLU(inplace=True), "dropout": nn.Dropout(0.5)}
            else:
                stage = {"pool" if isinstance(m, nn.MaxPool2d) else "norm": copy.deepcopy(m) for m in part}
            stages[layer] = nn.Sequential(OrderedDict(stage))
            x = stages[layer](x)
    return nn.Sequential(stages)


def draw_weights(stages: nn.Sequential) -> None:
    """Give stages of device "meta" memory and fresh weights from torch's generator: He et al.'s, uniform.

    Uniform numbers of that variance, since normal ones take several times as long to draw.
    """
    stages.to_empty(device="cpu")
    for module in stages.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)


def backbone(name: str, file: Path | None, weights: str) -> Backbone:
    """Build a network with the weights in a file of MatConvNet or random ones."""
    plan, input_size, _ = NETS[name]
    stages = build(plan, input_size)
    if file:
        given = matconvnet.read(file)
        stages.load_state_dict(matconvnet.weights_for(stages, given.layers), assign=True)
        mean, classes = given.mean, given.classes
    else:
        draw_weights(stages)
        mean, classes = MEAN, tuple(f"class {i}" for i in range(plan["fc8"]))
    mean = tuple(float(value) / 255 for value in mean)
    std = (1 / 255,) * 3  # pixels stay in 0..255
    return Backbone(name, stages, RESIZE, input_size, mean, std, classes, weights, DECAF)


def published(name: str) -> RemoteFile:
    """Return where MatConvNet publishes the weights."""
    file = NETS[name][2]
    # No hash: the site gave the files new MD5 sums with each release.
    return RemoteFile(file, (f"{SITE}/models/{file}",), page=f"{SITE}/pretrained/")


def find_published(name: str) -> Path:
    """Return MatConvNet's file of weights; see `fetch_weights`."""
    return fetch_weights(name, published(name))
