"""Fine-tuning: a network gets a new head and is trained further, its pre-trained layers slower than the head."""

import copy
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from lecture_lib import checks
from lecture_lib.backbones import Backbone
from lecture_lib.encoders import l2_normalise
from lecture_lib.metrics import measure
from lecture_lib.training import sgd
from lecture_lib.training.crops import Pictures, random_crops, score
from lecture_lib.training.sgd import Diverged, Loss, Recipe


class L2Normalise(nn.Module):
    """Divide each vector of a batch [B, d] by its Euclidean length."""

    def forward(self, x: Tensor) -> Tensor:
        """Return float [B, d]; a vector of length 0 stays 0."""
        return l2_normalise(x)


def with_head(net: Backbone, classes: Sequence[str], seed: int = 0) -> Backbone:
    """Return a copy of a network with a new last stage, `head`, that scores other classes: s_c = w_c . phi(I) + b_c.

    phi(I) is the output of the penultimate layer, layer net.decaf[7], divided by its length, as it is for the SVMs of
    Chatfield et al. 2014: |w_c| is then one over the margin, whatever the network. Where that output is a map (as in
    SqueezeNet) it is averaged first, with a dropout of 0.5 in training, as before SqueezeNet's own classifier.
    Weights are drawn from `seed`, normal with deviation 0.01, biases are 0.
    """
    layers = net.layers[: net.layers.index(net.decaf[7]) + 1]
    kept = copy.deepcopy(net.stages[: len(layers)]).eval()
    with torch.inference_mode():
        shape = kept(torch.zeros(1, 3, net.input_size, net.input_size, device=net.device)).shape[1:]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        linear = nn.Linear(shape[0], len(classes))
        nn.init.normal_(linear.weight, std=0.01)
        nn.init.zeros_(linear.bias)
    to_vector = {"mean": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "dropout": nn.Dropout(0.5)}
    to_scores = {"l2": L2Normalise(), "linear": linear}
    head = nn.Sequential(OrderedDict((to_vector if len(shape) == 3 else {}) | to_scores))
    stages = nn.Sequential(
        OrderedDict([*zip(layers, kept, strict=True), ("head", head.to(net.device))])
    ).eval()
    weights = f"{net.weights}, new head of seed {seed}"
    return replace(net, stages=stages, classes=tuple(classes), weights=weights)


@dataclass(frozen=True, eq=False)
class Tuned:
    """A trained network, in eval mode, and its curve.

    curve  one dict an epoch: lr of the head at its end, loss (mean over batches), validation (mAP or mean class
           accuracy, %) if there was one
    """

    net: Backbone
    curve: list[dict]


def fine_tune(
    net: Backbone,
    train: Pictures,
    validation: Pictures | None,
    loss: Loss,
    recipe: Recipe,
    *,
    progress: bool = True,
) -> Tuned:
    """Train a copy of a network, whose last stage is its head, on random crops of pictures.

    The weights that were best in validation are kept; without validation pictures, the last ones. After every epoch
    the state goes into a file in the cache folder: after an interrupt the same call goes on from there (see
    `sgd.train`), if the loss is the same, with all that it reads: one that fills a list is another one each time.

    Raises Diverged as soon as a loss or a score is not finite, KeyError for a layer `frozen` that is not there,
    TypeError for a loss that reads what has no name, such as an open file.
    """
    for name, part in {"train": train, "validation": validation}.items():
        if part is not None:
            _check(part, name, len(net.classes))
    about = {
        "net": net.fingerprint,
        "train": train.fingerprint,
        "validation": None if validation is None else validation.fingerprint,
        "device": net.device.type,
    }
    file = sgd.checkpoint_file(recipe, loss, **about)
    loss = copy.deepcopy(loss) if isinstance(loss, nn.Module) else loss  # its buffers stay as they are
    net = replace(net, stages=copy.deepcopy(net.stages), weights=f"{net.weights}, fine-tuned")

    def samples(batch: Tensor) -> tuple[Tensor, Tensor]:
        return random_crops(net, train, batch), train.labels[batch].to(net.device)

    def validate() -> dict:
        scores = score(net, validation)
        if not np.isfinite(scores).all():
            raise Diverged("Scores in validation are not finite: take a lower learning rate.")
        return {"validation": 100 * measure(scores, validation.labels.numpy())}

    curve = sgd.train(
        net.stages,
        len(train),
        samples,
        loss,
        recipe,
        groups=groups(net, recipe),
        validate=None if validation is None else validate,
        checkpoint=file,
        label=getattr(loss, "__name__", type(loss).__name__) if progress else None,
    )
    return Tuned(net, curve)


def _check(pictures: Pictures, name: str, n_classes: int) -> None:
    """Raise ValueError for no pictures, and for labels that are not of the network's classes."""
    if not len(pictures):
        raise ValueError(f"{name}: there are no pictures. For a training without validation give None.")
    labels = checks.labels(pictures.labels.cpu(), f"labels of {name}", len(pictures), several=True)
    if labels.shape[1] != n_classes if labels.ndim == 2 else labels.max() >= n_classes:
        found = labels.shape[1] if labels.ndim == 2 else labels.max() + 1
        raise ValueError(f"labels of {name}: they are of {found} classes, the network's head of {n_classes}.")


def groups(net: Backbone, recipe: Recipe) -> list[dict]:
    """Freeze what is to stay, and part the other weights by their learning rate: the last group is the head."""
    layers = net.layers
    if recipe.frozen is not None and recipe.frozen not in layers[:-1]:
        raise KeyError(
            f"{net.name} cannot be frozen up to {recipe.frozen!r}; it can up to {', '.join(layers[:-1])}."
        )
    learning = layers.index(recipe.frozen) + 1 if recipe.frozen is not None else 0
    net.stages[:learning].requires_grad_(False)
    net.stages[learning:].requires_grad_(True)
    body = list(net.stages[learning:-1].parameters())
    head = {"params": list(net.stages[-1].parameters()), "lr": recipe.lr}
    return [{"params": body, "lr": recipe.ratio * recipe.lr}, head] if body else [head]
