"""A narrow fc7: networks whose penultimate layer has fewer units, retrained on the source task.

CNN-M 2048, 1024 and 128 of Chatfield et al. 2014 (rows x, y, z of the lecture's table) are CNN-M with so many units
in the penultimate layer instead of 4096. Its last two layers were made anew and trained on ILSVRC-2012; those before
them stayed as they were. So fc7 and fc8 can be trained on vectors of fc6, computed once. On twin-alexnet, whose fc7
has 768 units, the same fractions are 384, 192 and 24, and 768 is what to compare them with.
"""

import copy
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lecture_lib import checks
from lecture_lib.backbones import Backbone
from lecture_lib.training import sgd

# Learning rate and dropout chosen by twin-alexnet's top-1 on validation pictures of the source task: with dropout, 24
# units learn 41 % of it instead of 96 %
RECIPE = sgd.Recipe(epochs=8, batch=128, lr=0.1, schedule="cosine", nesterov=True, dropout=0.0, reseed=None)


def narrow_fc7(
    net: Backbone, fc6: np.ndarray, labels: np.ndarray, width: int, recipe: sgd.Recipe = RECIPE
) -> Backbone:
    """Return a copy of a network whose fc7 has `width` units; its fc7 and fc8 are trained anew, by softmax.

    fc6      float [N, d], the net's fc6 of the source task's training pictures, as `encode` gives it
    labels   int [N], the class of each, 0 <= label < len(net.classes)
    returns  "<name>-<width>", in eval mode; its stages up to fc6 have the net's weights

    Takes twin-alexnet, CaffeNet, CNN-F, -M, -S, AlexNet and VGG-16. Raises ValueError for a network without fc6, fc7
    and fc8; Diverged where the loss is not finite.
    """
    if net.layers[-3:] != ("fc6", "fc7", "fc8"):
        raise ValueError(
            f"{net.name} ends with {', '.join(net.layers[-3:])}: a narrow fc7 is for one that ends with fc6, fc7, fc8, "
            "as twin-alexnet and CNN-M do."
        )
    labels = torch.from_numpy(checks.labels(labels, n=len(fc6)))

    def samples(batch: Tensor) -> tuple[Tensor, Tensor]:
        # vectors may be a file of many gigabytes: only a batch is ever in memory
        return torch.from_numpy(fc6[batch.numpy()]).float().to(net.device), labels[batch].to(net.device)

    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        fc7 = _with_units(net.stages.fc7, fc6.shape[1], width)
        fc8 = _with_units(net.stages.fc8, width, len(net.classes))
        sgd.train(nn.Sequential(fc7, fc8).to(net.device), len(fc6), samples, F.cross_entropy, recipe)
    below = copy.deepcopy(OrderedDict(list(net.stages.named_children())[: net.layers.index("fc7")]))
    return replace(
        net,
        name=f"{net.name}-{width}",
        stages=nn.Sequential(below | {"fc7": fc7, "fc8": fc8}).eval(),
        weights=f"{net.weights}, fc7 and fc8 retrained from seed {recipe.seed}",
    )


def _with_units(stage: nn.Module, inputs: int, outputs: int) -> nn.Module:
    """Copy a stage with fresh weights (He et al. 2015) in its one linear layer, of other sizes."""
    linear = nn.Linear(inputs, outputs)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    nn.init.zeros_(linear.bias)
    if isinstance(stage, nn.Linear):
        return linear
    layers = stage.named_children()
    return nn.Sequential(
        OrderedDict((k, linear if isinstance(m, nn.Linear) else copy.deepcopy(m)) for k, m in layers)
    )
