"""Networks as an ordered walk of layers with the papers' names, their weights, their preprocessing.

What is called a layer here, a stage whose output can be taken, is a *node* in torchvision's feature extraction.
"""

import hashlib
from pathlib import Path

import torch

from lecture_lib import settings
from lecture_lib.backbones import caffe_nets, torchvision_nets, twin_nets
from lecture_lib.backbones.backbone import (
    Backbone,
    WeightsNotFound,
    features,
    preprocess,
    standardise,
    to_square,
)

_MODULES = {
    **dict.fromkeys(twin_nets.NETS, twin_nets),
    **dict.fromkeys(torchvision_nets.NETS, torchvision_nets),
    **dict.fromkeys(caffe_nets.NETS, caffe_nets),
}
NAMES = tuple(_MODULES)
PUBLISHED = {name: module for name, module in _MODULES.items() if module is not twin_nets}  # elsewhere


def load(name: str | None = None, weights: str | Path = "pretrained", seed: int = 0) -> Backbone:
    """Load a network, in eval mode, onto the device of the settings.

    name     one of NAMES; by default that of the settings
    weights  "pretrained": this project's own weights for the twin networks, ImageNet's for the others;
             "random": as a training would begin, drawn from `seed`; or a file (safetensors of the twin networks, a
             state dict of torchvision's networks, a .mat of MatConvNet of CaffeNet and the CNN-F, -M, -S)

    Raises ValueError for an unknown name or a file that does not fit, WeightsNotFound for a missing file.
    """
    chosen = settings.current()
    name = name or chosen.backbone
    if name not in NAMES:
        raise ValueError(f"There is no network {name!r}; there are {', '.join(NAMES)}.")
    module = _MODULES[name]
    if weights == "random":
        with torch.random.fork_rng(devices=[]):  # the weights are drawn before they go to a device
            torch.manual_seed(seed)
            net = module.backbone(name, None, f"random seed {seed}")
    else:
        file = module.find_published(name) if weights == "pretrained" else Path(weights)
        try:
            with open(file, "rb") as content:
                label = f"{file.name} sha256 {hashlib.file_digest(content, 'sha256').hexdigest()[:8]}"
            net = module.backbone(name, file, label)
        except FileNotFoundError:
            raise WeightsNotFound(f"{name}: there is no file of weights {file}.") from None
        except Exception as error:  # a damaged or foreign file fails in many ways
            raise ValueError(
                f"{name}: {file} does not hold the weights of this network, or is damaged "
                f"({str(error).splitlines()[0]}). Delete it, so that it is fetched or made again."
            ) from None
    net.stages.eval().to(chosen.device, memory_format=torch.channels_last)
    return net
