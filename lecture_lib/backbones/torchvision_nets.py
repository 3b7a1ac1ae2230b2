"""torchvision's ImageNet networks as stages named by layer: AlexNet, VGG-16, SqueezeNet, ResNet, MobileNet.

torchvision's AlexNet is that of "One weird trick" (64-192-384-256-256 channels, no local normalisation, no
groups), with dropout before fc6 and fc7, not after them; at test time dropout does nothing.

Networks after AlexNet have no fc6 and fc7. What plays DeCAF_5, _6, _7 in them (`Backbone.decaf`):

* SqueezeNet: fire7, fire8, fire9. fire9 is the last layer before the classifier, as fc7 is in AlexNet;
  conv10 is the classifier: one map a class, whose mean (pool10) is the score.
* MobileNet: block13, block17, conv18: the last layers of 1/16 and of 1/32 of the picture's side, and the 1280 maps
  whose means (pool18) the scores are computed from.
* ResNet: layer4, pool5, pool5. A single vector, the mean of layer4 over the picture, precedes the scores.
"""

from collections import OrderedDict
from pathlib import Path
from urllib.parse import urlsplit

import torch
from torch import nn
from torchvision import models

from lecture_lib.backbones.backbone import Backbone, fetch_weights, weights_folder
from lecture_lib.download import RemoteFile

Stages = dict[str, nn.Module]


def alexnet(model: models.AlexNet) -> Stages:
    """conv1 pool1 conv2 pool2 conv3 conv4 conv5 pool5 fc6 fc7 fc8."""
    f, c = model.features, model.classifier
    convolutions = {"conv1": f[:2], "pool1": f[2], "conv2": f[3:5], "pool2": f[5]}
    convolutions |= {"conv3": f[6:8], "conv4": f[8:10], "conv5": f[10:12], "pool5": f[12]}
    fc6 = nn.Sequential(model.avgpool, nn.Flatten(), *c[:3])
    return convolutions | {"fc6": fc6, "fc7": c[3:6], "fc8": c[6]}


def vgg16(model: models.VGG) -> Stages:
    """conv1_1 conv1_2 pool1 conv2_1 ... conv5_3 pool5 fc6 fc7 fc8."""
    f, c, stages = model.features, model.classifier, {}
    block, number = 1, 1
    for i, layer in enumerate(f):
        if isinstance(layer, nn.Conv2d):
            stages[f"conv{block}_{number}"] = f[i : i + 2]
            number += 1
        elif isinstance(layer, nn.MaxPool2d):
            stages[f"pool{block}"] = layer
            block, number = block + 1, 1
    fc6 = nn.Sequential(model.avgpool, nn.Flatten(), *c[:3])
    return stages | {"fc6": fc6, "fc7": c[3:6], "fc8": c[6]}


def squeezenet(model: models.SqueezeNet) -> Stages:
    """conv1 pool1 fire2 ... fire9 conv10 pool10, where 1_0 has pool4 and pool8, and 1_1 pool3 and pool5.

    A pooling has the number of the layer before it.
    """
    stages, number = {"conv1": model.features[:2]}, 1
    for layer in model.features[2:]:
        if isinstance(layer, nn.MaxPool2d):
            stages[f"pool{number}"] = layer
        else:
            number += 1
            stages[f"fire{number}"] = layer
    classifier = model.classifier
    return stages | {"conv10": classifier[:3], "pool10": nn.Sequential(classifier[3], nn.Flatten())}


def mobilenet(model: models.MobileNetV2) -> Stages:
    """conv1 block1 ... block17 conv18 pool18 fc."""
    first, *blocks, last = model.features
    stages = {"conv1": first} | {f"block{i}": block for i, block in enumerate(blocks, start=1)}
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return stages | {f"conv{len(blocks) + 1}": last, f"pool{len(blocks) + 1}": pool, "fc": model.classifier}


def resnet(model: models.ResNet) -> Stages:
    """conv1 pool1 layer1 layer2 layer3 layer4 pool5 fc."""
    stages = {"conv1": nn.Sequential(model.conv1, model.bn1, model.relu), "pool1": model.maxpool}
    stages |= {f"layer{i}": getattr(model, f"layer{i}") for i in (1, 2, 3, 4)}
    return stages | {"pool5": nn.Sequential(model.avgpool, nn.Flatten()), "fc": model.fc}


DECAF_ALEXNET = {1: "pool1", 5: "pool5", 6: "fc6", 7: "fc7"}
DECAF_SQUEEZENET = {1: "pool1", 5: "fire7", 6: "fire8", 7: "fire9"}
DECAF_MOBILENET = {1: "conv1", 5: "block13", 6: "block17", 7: "conv18"}
DECAF_RESNET = {1: "pool1", 5: "layer4", 6: "pool5", 7: "pool5"}
NETS = {
    "alexnet": (alexnet, DECAF_ALEXNET),
    "squeezenet1_0": (squeezenet, DECAF_SQUEEZENET),
    "squeezenet1_1": (squeezenet, DECAF_SQUEEZENET),
    "vgg16": (vgg16, DECAF_ALEXNET),
    "mobilenet_v2": (mobilenet, DECAF_MOBILENET),
    "resnet18": (resnet, DECAF_RESNET),
    "resnet50": (resnet, DECAF_RESNET),
}


def backbone(name: str, file: Path | None, weights: str) -> Backbone:
    """Build a network with the weights in a file (a state dict as torchvision publishes it) or random ones."""
    walk, decaf = NETS[name]
    # VGG draws 138 million normal numbers, several seconds, which a file would only overwrite
    options = {"init_weights": False} if name == "vgg16" and file else {}
    model = models.get_model(name, weights=None, **options)
    if file:
        model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    published = models.get_model_weights(name).IMAGENET1K_V1
    preset = published.transforms()
    return Backbone(
        name=name,
        stages=nn.Sequential(OrderedDict(walk(model))),
        resize=preset.resize_size[0],
        input_size=preset.crop_size[0],
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        classes=tuple(published.meta["categories"]),
        weights=weights,
        decaf=decaf,
    )


def published(name: str) -> RemoteFile:
    """Return where torchvision publishes the ImageNet weights; the file's name ends in the start of its hash."""
    url = models.get_model_weights(name).IMAGENET1K_V1.url
    file = Path(urlsplit(url).path)
    return RemoteFile(file.name, (url,), file.stem.rpartition("-")[2])


def find_published(name: str) -> Path:
    """Return torchvision's file of ImageNet weights; see `fetch_weights`.

    One that is there already is taken as it is, as torchvision does: people keep converted weights under its names.
    """
    file = published(name)
    there = weights_folder() / file.name
    return there if there.is_file() else fetch_weights(name, file)
