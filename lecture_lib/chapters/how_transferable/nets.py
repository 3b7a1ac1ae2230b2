"""Networks chopped, glued and frozen, as in Yosinski et al. 2014, section 2; layers are counted from 1, as there.

A layer is a stage with weights and the pooling behind it: conv1 with pool1 is layer 1, fc8 layer 8. So it is in every
network here, the drawn world's, AlexNet or SqueezeNet, whose layers are its fires.
"""

import copy
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from lecture_lib.backbones import caffe_nets, twin_nets
from lecture_lib.backbones.backbone import WeightsNotFound
from lecture_lib.backbones.caffe_nets import Conv

# The plan of twin-alexnet, so small that 22 trainings of it take about an hour; see `record`.
SIDE = 80  # pixels of a picture
CHANNELS, UNITS = (32, 48, 96, 96, 64), 384  # of conv1 to conv5, of fc6 and fc7; half of twin-alexnet's
BATCHNORM = (nn.BatchNorm1d, nn.BatchNorm2d)


class NotFrozen(AssertionError):
    """A layer that should be frozen has moved, or works in another way than while it was learned."""


def build(n_classes: int, seed: int) -> nn.Sequential:
    """Build the stages of a net, named by layer, with BatchNorm and with weights of He et al. drawn from `seed`.

    It maps float32 [B, 3, SIDE, SIDE] to scores [B, n_classes].
    """
    channels = iter(CHANNELS)
    plan = {
        layer: part._replace(channels=next(channels)) if isinstance(part, Conv) else part
        for layer, part in twin_nets.ALEXNET.items()
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = caffe_nets.build(plan | {"fc6": UNITS, "fc7": UNITS, "fc8": n_classes}, SIDE)
        caffe_nets.draw_weights(net)
        nn.init.normal_(net.fc8.linear.weight, std=0.01)  # as of the twin networks: scores begin near 0
    stages = OrderedDict((layer, twin_nets._normalised(stage)) for layer, stage in net.named_children())
    return nn.Sequential(stages).to(memory_format=torch.channels_last)


def base_file(target: str) -> Path:
    """Where the record keeps base net "A" or "B" of its first two halves, in float16."""
    return twin_nets.FOLDER / f"how-transferable-{target.lower()}.safetensors"


def load_base(target: str) -> tuple[nn.Sequential, tuple[str, ...]]:
    """Read what the record kept: base net "A" or "B" (eval mode), and the names of its classes.

    Raises WeightsNotFound where it is missing.
    """
    from safetensors.torch import load_file

    file = base_file(target)
    if not file.exists():
        raise WeightsNotFound(
            f"{file} is missing. It belongs to this project: check the repository out again."
        )
    classes = twin_nets.read_classes(file)
    net = build(len(classes), 0)
    net.load_state_dict(load_file(file))
    return net.eval(), classes


def layers(net: nn.Sequential) -> list[nn.Sequential]:
    """Return the layers of a net, each as a flat sequence of modules that it shares with the net."""
    found: list[list[nn.Module]] = []
    for stage in net.children():
        if not found or list(stage.parameters()):
            found.append([])
        found[-1] += _flat(stage)
    return [nn.Sequential(*modules) for modules in found]


def _flat(module: nn.Module) -> list[nn.Module]:
    if not isinstance(module, nn.Sequential):
        return [module]
    return [part for child in module for part in _flat(child)]


def glue(donor: nn.Sequential, n: int, fresh: nn.Sequential) -> nn.Sequential:
    """Return a net whose first n layers are copies of the donor's; those above, and the plan, are of `fresh`.

    Of one `fresh` the layers above a cut are the same for every donor: the two nets of a pair differ in nothing else.
    Raises ValueError unless 0 <= n < the number of layers, as the last layer is the task's own.
    """
    net = copy.deepcopy(fresh)
    below = layers(net)
    if not 0 <= n < len(below):
        raise ValueError(f"A net of {len(below)} layers is cut after 0 to {len(below) - 1} of them, not {n}.")
    for mine, theirs in zip(below[:n], layers(donor), strict=False):
        mine.load_state_dict(theirs.state_dict())
    return net


@torch.no_grad()
def averaged(net: nn.Sequential, seen: Tensor) -> nn.Sequential:
    """Return a copy of a net with random weights whose BatchNorm has the averages of pictures; in eval mode.

    seen  float32 [B, 3, S, S], as the net takes it

    Without them a frozen random layer passes on numbers many times as large as a learned one, and what is trained
    above would fail for that reason.
    """
    net = copy.deepcopy(net).eval()
    every = [module for module in net.modules() if isinstance(module, BATCHNORM)]
    for bn in every:
        bn.momentum = 1.0  # the averages become those of this batch
        bn.train()
    net(seen)
    for bn in every:
        bn.momentum = 0.1
        bn.eval()
    return net


def freeze(net: nn.Sequential, n: int) -> Callable[[], None]:
    """Freeze the first n layers; return a check that they are, to be called in every step and after the last.

    Frozen is what gets no gradient: then torch's SGD leaves it alone, weight decay and momentum included, which a
    learning rate of 0, or a gradient of 0, does not do everywhere. The averages of BatchNorm move without any gradient,
    so it has to be in eval mode; dropout stays on in training, as in the paper. The check raises NotFrozen where a
    number differs in a single bit, and where BatchNorm or dropout is in the wrong mode for the mode of the last layer.
    """
    *_, last = every = layers(net)
    lower = nn.ModuleList(every[:n])
    lower.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in lower.state_dict().items()}
    head = last[-1]

    def check() -> None:
        for name, tensor in lower.state_dict().items():
            if not torch.equal(tensor, before[name]):
                raise NotFrozen(f"{name} of the first {n} layers has changed: something still moves it.")
        for module in lower.modules():
            if isinstance(module, BATCHNORM) and module.training:
                raise NotFrozen(f"A frozen {module} is in training mode: its averages will move.")
            if isinstance(module, nn.Dropout) and module.training != head.training:
                raise NotFrozen(f"The dropout of a frozen layer is {'on' if module.training else 'off'}.")

    return check
