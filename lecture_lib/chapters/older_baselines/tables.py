"""The older baselines of the lecture's tables, one function a table: accuracies of each class on one split.

Every function takes a collection and the number of a split, and returns method -> float64 [classes], the share of each
class's test pictures that are right, in %. Words, filters and means come from the split's training pictures.
"""

from dataclasses import replace

import numpy as np
import torch

from lecture_lib import datasets, encoders
from lecture_lib.backbones import Backbone
from lecture_lib.chapters.older_baselines import kernel_sets, two_stages
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.protocols import Split
from lecture_lib.encoders.augment import PYRAMID, WHOLE, View
from lecture_lib.encoders.bow import chi2_map
from lecture_lib.encoders.gist import gist
from lecture_lib.encoders.ifv import encode, learn, normalised
from lecture_lib.encoders.normalise import l2_normalise
from lecture_lib.encoders.whole import encode_whole
from lecture_lib.linear import Kernel, classify, kernel, logistic_regression
from lecture_lib.linear.kernels import to_span
from lecture_lib.metrics import by_class

Accuracies = dict[str, np.ndarray]

RANDOM, LEARNED = "random filters", "k-means filters"
NEITHER = "random filters, no rectification, no normalisation"
VARIANTS = {  # method -> filters, stages, and the steps that are left out
    RANDOM: ("random", 2, {}),
    LEARNED: ("k-means", 2, {}),
    "random filters, one stage": ("random", 1, {}),
    "k-means filters, one stage": ("k-means", 1, {}),
    NEITHER: ("random", 2, {"rectify": False, "normalise": False}),
}
# of logistic regression, for numbers of deviation 1. In threefold validation on 15 training photographs a class of
# Caltech-101 random filters have .53 right with it, .51 with a tenth
FILTERS_C = 1e-2
MEAN, BY_ACCURACY, ALIGNED = "kernel mean", "kernels weighted by accuracy", "group-aligned kernels"
GIST, IFV, OBJECTS = "GIST, Gaussian kernel", "IFV", "object-bank-like"
SIFT_COLOUR = "Sift+Color+SVM"
GAUSSIANS = 64
CELLS = tuple(
    View(f"cell {x} {y} of {n} x {n}", 1 / n, (x / max(n - 1, 1), y / max(n - 1, 1)))
    for n in (1, 2, 4)
    for y in range(n)
    for x in range(n)
)


def filters(images: ImageCollection, split: int, method: str, **protocol: int) -> np.ndarray:
    """One of the VARIANTS of Jarrett et al. 2009: numbers brought to deviation 1, multinomial logistic regression.

    protocol  of `split_indices`
    """
    train, test = images.split_indices(split, **protocol)
    kind, n, steps = VARIANTS[method]
    stages = two_stages.make_stages(images[train], kind, n=n, seed=split, **steps)
    x = two_stages.encode(images, stages)
    mean, deviation = (getattr(x[train], of)(0, dtype=np.float32) for of in ("mean", "std"))
    own, other = ((x[rows] - mean) / np.maximum(deviation, 1e-6) for rows in (train, test))
    both = kernel(own, other)  # of more numbers than pictures: the same scores from inner products
    own, other = to_span(both.train, both.test)
    (trained,) = logistic_regression(own, images.labels[train], [FILTERS_C])
    return by_class(trained.scores(other), images.labels[test])


def kernels(images: ImageCollection, split: int, **protocol: int) -> Accuracies:
    """Each description's kernel, and all together: their mean, weights by accuracy (Xiao), by group (after Yang)."""
    train, test = images.split_indices(split, **protocol)
    labels = images.labels[train]
    single = kernel_sets.kernel_set(kernel_sets.descriptions(images, train, seed=split), train, test)
    judged = {method: kernel_sets.validated(one, labels) for method, one in single.items()}
    several = list(single.values())
    joined = {
        MEAN: kernel_sets.mean_kernel(several),
        BY_ACCURACY: kernel_sets.by_accuracy(several, [accuracy for _, accuracy in judged.values()]),
        ALIGNED: kernel_sets.group_aligned(several, labels, seed=split),
    }
    found = {method: by_class(scores, images.labels[test]) for method, (scores, _) in judged.items()}
    return found | {method: _classified(one, images, (train, test)) for method, one in joined.items()}


def scenes(images: ImageCollection, net: Backbone) -> Accuracies:
    """MIT-67's rows: GIST with a Gaussian kernel, Fisher vectors, and pooled scores of the network's source classes."""
    split = train, test = images.split_indices()
    given = {"GIST": encode_whole(images, gist)}
    found = {GIST: _classified(kernel_sets.kernel_set(given, train, test)["GIST"], images, split)}
    codebook = learn(images[train], kernel_sets.DENSE, GAUSSIANS, xy=True, n=kernel_sets.DESCRIPTORS)
    phi = normalised(encode(images, codebook, (WHOLE,)), codebook.K, intra=True)[:, 0]
    found[IFV] = _classified(kernel(phi[train], phi[test]), images, split)
    phi = object_bank(images, net)
    found[OBJECTS] = _classified(kernel(phi[train], phi[test]), images, split)
    return found


def object_bank(images: ImageCollection, net: Backbone) -> np.ndarray:
    """Score each of 1 + 4 + 16 cells for the network's classes, as Li et al. 2010 do with detectors: float32 [N, 21 C].

    A cell's scores are brought to length 1, less their mean over the classes, and then joined to length 1.
    """
    scores = encoders.encode(net, encoders.expand(images, CELLS), [net.layers[-1]], progress=False)
    scores = scores[net.layers[-1]].reshape(len(images), len(CELLS), -1).astype(np.float32)
    return l2_normalise(l2_normalise(scores - scores.mean(2, keepdims=True)).reshape(len(images), -1))


def birds(images: ImageCollection) -> Accuracies:
    """CUB's row of Wah et al. 2011: words of SIFT and of colour in the bird's box, and a linear SVM (chi2 map)."""
    split = train, test = images.split_indices()
    boxes = datasets.box_crops(images, context=1.0)
    joined: list[Kernel] = []
    for dense in (kernel_sets.DENSE, replace(kernel_sets.DENSE, colour=True)):
        codebook = learn(boxes[train], dense, kernel_sets.WORDS, kind="kmeans", n=kernel_sets.DESCRIPTORS)
        words = encode(boxes, codebook, PYRAMID, "bow")
        mapped = chi2_map(torch.from_numpy(words.astype(np.float32))).flatten(1).numpy()
        joined.append(kernel(l2_normalise(mapped[train]), l2_normalise(mapped[test])))
    both = {"SIFT": joined[0], "colour": joined[1], SIFT_COLOUR: joined[0] + joined[1]}
    return {method: _classified(one, images, split) for method, one in both.items()}


def _classified(given: Kernel, images: ImageCollection, split: Split) -> np.ndarray:
    train, test = split
    return by_class(classify(given, images.labels[train])[0], images.labels[test])
