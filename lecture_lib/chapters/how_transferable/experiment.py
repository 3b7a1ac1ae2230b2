"""One net of the experiment: what its frozen layers say is computed once, what is above them is trained."""

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lecture_lib import settings, store
from lecture_lib.chapters.how_transferable.halves import Task
from lecture_lib.chapters.how_transferable.nets import freeze, layers
from lecture_lib.training import pretrain, sgd

# for all nets; nothing is held out: the last weights are kept
RECIPE = replace(pretrain.RECIPE, epochs=12)
KEPT = 800e6  # bytes: what frozen layers say of all pictures is kept if it takes less, else computed in each step
BATCH = 256  # pictures at once, where nothing is learned


def learn(
    net: nn.Sequential, frozen: int, task: Task, recipe: sgd.Recipe = RECIPE, label: str | None = None
) -> list[dict]:
    """Train a net in place, its first `frozen` layers as they are; leave it in eval mode, and return its curve.

    A finished training is read from its checkpoint, an unfinished one goes on from it; see `sgd.train`. Raises
    NotFrozen as soon as a frozen layer moves, Diverged as soon as a loss is not finite.
    """
    made_from = {"net": store.fingerprint(net), "frozen": frozen, "task": task.fingerprint}
    checkpoint = sgd.checkpoint_file(recipe, F.cross_entropy, **made_from)
    device = settings.current().device
    net.to(device).eval()
    check = freeze(net, frozen)
    fixed, every = fixed_modules(net, frozen), [module for layer in layers(net) for module in layer]
    lower, upper = nn.Sequential(*every[:fixed]), nn.Sequential(*every[fixed:])
    # not computed for a training that is over
    feature = functools.cache(lambda: features(lower, task.train, task.see, recipe.bfloat16))
    y = task.y_train.to(device)

    def samples(batch: Tensor) -> tuple[Tensor, Tensor]:
        check()
        return feature()(batch), y[batch.to(device)]

    learning = [weight for weight in upper.parameters() if weight.requires_grad]
    kernels, others = ([w for w in learning if (w.ndim > 1) == kernel] for kernel in (True, False))
    groups = [{"params": kernels}, {"params": others, "weight_decay": 0.0}]  # as in pretrain
    curve = sgd.train(
        upper, len(y), samples, F.cross_entropy, recipe, groups=groups, checkpoint=checkpoint, label=label
    )
    check()
    return curve


def fixed_modules(net: nn.Sequential, frozen: int) -> int:
    """Count the modules, from the picture up, whose output never changes: of frozen layers, before any dropout."""
    below = [module for layer in layers(net)[:frozen] for module in layer]
    drops = (i for i, module in enumerate(below) if isinstance(module, nn.Dropout))
    return next(drops, len(below))


def features(
    lower: nn.Sequential, pictures: Tensor, see: Callable[[Tensor], Tensor], bfloat16: bool
) -> Callable[[Tensor], Tensor]:
    """Return a function that gives what `lower` says of pictures by their numbers, int64 [B] to float [B, ...].

    It looks it up, where that of all pictures takes less than KEPT bytes. In bfloat16 they are what the layer above
    would round them to.
    """
    device = settings.current().device

    def compute(batch: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            return say(lower, see(pictures[batch].to(device)))

    if not len(lower) or compute(torch.arange(1)).nbytes * len(pictures) > KEPT:
        return compute
    kept = torch.cat([compute(batch) for batch in torch.arange(len(pictures)).split(BATCH)])
    return lambda batch: kept[batch.to(kept.device)]


@torch.no_grad()
def say(modules: nn.Sequential, x: Tensor) -> Tensor:
    """Return what layers say of what they take, without gradients."""
    return modules(x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x)


def predict(net: nn.Sequential, task: Task) -> np.ndarray:
    """Name the test pictures by the highest score: int64 [m]."""
    device = settings.current().device
    scores = [say(net.eval(), task.see(pictures.to(device))) for pictures in task.test.split(BATCH)]
    return torch.cat(scores).argmax(1).cpu().numpy()


def accuracy(net: nn.Sequential, task: Task) -> np.ndarray:
    """Return the share of each class's test pictures that a net names right, in %: float64 [K]."""
    y = task.y_test.numpy()
    return 100 * np.bincount(y, predict(net, task) == y) / np.bincount(y)


@torch.no_grad()
def rounded(net: nn.Sequential) -> nn.Sequential:
    """Round the weights of a net in place to float16, as they are shipped: so every reader glues the same."""
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half())
    return net
