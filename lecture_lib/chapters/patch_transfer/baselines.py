"""What patches are compared with: the same phi of whole pictures, and the source task's own labels."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lecture_lib.backbones import Backbone
from lecture_lib.chapters.patch_transfer.adaptation import probabilities
from lecture_lib.chapters.patch_transfer.grid import LAMBDAS, Grid
from lecture_lib.chapters.patch_transfer.inference import by_picture
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders import TEN_CROPS, encode, expand, l2_normalise
from lecture_lib.linear import classify, kernel


def phi_of_crops(net: Backbone, images: ImageCollection) -> np.ndarray:
    """Encode ten crops of whole pictures at layer decaf[7], a map by its mean: float32 [N, 10, d]."""
    squares, layer = replace(net, resize=net.input_size), net.decaf[7]
    vectors = encode(squares, expand(images, TEN_CROPS), [layer], pool="mean")[layer]
    return vectors.reshape(len(images), len(TEN_CROPS), -1).astype(np.float32)


def phi_of_windows(phi: np.ndarray, grids: Sequence[Grid]) -> np.ndarray:
    """Sum phi of the larger patches of each picture, of length 1 each: [n, d] of all patches to float32 [N, 1, d].

    Those are half as wide as the picture or wider, lambda up to 2: 42 of a picture of 500 x 375.
    """
    large = [np.take(LAMBDAS, grid.scale) <= 2 for grid in grids]
    pairs = zip(by_picture(phi, grids), large, strict=True)
    return np.stack([l2_normalise(of_picture[rows]).sum(0, keepdims=True) for of_picture, rows in pairs])


def svm_scores(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Score pictures by one-vs-rest SVMs on phi, crops [N, V, d] of length 1 summed and that again: float32 [m, C]."""
    train, test = (l2_normalise(l2_normalise(x).sum(1)) for x in (train, test))
    return classify(kernel(train, test), labels)[0]


def shares(labels: np.ndarray) -> np.ndarray:
    """Turn labels int8 [N, C] into targets of a softmax, float32: each class that is present has an equal share.

    Pictures that show no class for certain have a row of zeros.
    """
    present = (labels == 1).astype(np.float32)
    return present / np.maximum(present.sum(1, keepdims=True), 1)


def source_probabilities(net: Backbone, phi: np.ndarray, members: Sequence[Sequence[int]]) -> np.ndarray:
    """Score phi [n, d] by the source's own labels: float32 [n, C], the sum over the source classes of each target.

    members  of each target class, the source classes that belong to it, as `datasets.source_classes` gives them; a
             target class without any has probability 0

    For networks whose phi a linear layer follows, the last.
    """
    of_source = probabilities(net.stages[-1], phi)
    return np.stack([of_source[:, of_target].sum(1) for of_target in members], axis=1)
