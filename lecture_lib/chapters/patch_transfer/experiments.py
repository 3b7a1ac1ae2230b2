"""The paper's experiments on one pair of training and test pictures: scores of patches, and of what they compete with.

Rows of patches take score(C) = 1/M sum_i y(C | P_i)^k with the paper's k = 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from lecture_lib import datasets
from lecture_lib.backbones import twin_alexnet
from lecture_lib.chapters.patch_transfer import baselines
from lecture_lib.chapters.patch_transfer.adaptation import (
    BACKGROUND_KEPT,
    RECIPE,
    gather,
    probabilities,
    resample,
    train,
)
from lecture_lib.chapters.patch_transfer.cutting import cut_patches, phi_one_by_one
from lecture_lib.chapters.patch_transfer.encode import PatchNet, encode_patches
from lecture_lib.chapters.patch_transfer.from_scratch import FROM_SCRATCH, train_all
from lecture_lib.chapters.patch_transfer.grid import Grid
from lecture_lib.chapters.patch_transfer.inference import K, picture_scores
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS, label_all
from lecture_lib.datasets import ImageCollection
from lecture_lib.training.sgd import Recipe

CENTRED = 120  # object-centred pictures a class

PATCHES, NO_BACKGROUND, NO_TRANSFER = "patches", "patches, no background", "patches, no transfer"
SVM, WHOLE, WHOLE_ON_PATCHES = "whole pictures, SVM", "whole pictures", "whole pictures, tested on patches"
WINDOWS = "windows, SVM"
CENTRED_WHOLE, CENTRED_ON_PATCHES = (
    "centred pictures, tested on wholes",
    "centred pictures, tested on patches",
)
SOURCE_WHOLE, SOURCE_PATCHES = "source labels, wholes", "source labels, patches"
CUT, TWO_OBJECTS = "patches, each cut out", "patches, ambiguous as background"


@dataclass(frozen=True, eq=False)
class Part:
    """Pictures to train on, or to test with, and the network that sees their patches.

    recipe  of the layers that learn from patches
    kept    of the background, for training
    """

    net: PatchNet
    images: ImageCollection
    recipe: Recipe = RECIPE
    kept: float = BACKGROUND_KEPT

    @property
    def n_classes(self) -> int:
        """Classes, without background."""
        return len(self.images.classes)

    @cached_property
    def grids(self) -> list[Grid]:
        """The patches of each picture."""
        return self.net.grids(self.images)

    @cached_property
    def labels(self) -> list[np.ndarray]:
        """Labels of all patches, as of `label_all`."""
        return label_all(self.images, self.grids)

    def phi(self, chosen: Sequence[np.ndarray] | None = None) -> np.ndarray:
        """Encode all patches, and take the chosen ones of each picture, or all: float16 [n, d]."""
        phi = encode_patches(self.net, self.images, self.grids)
        if chosen is None:
            return phi
        starts = np.cumsum([0, *map(len, self.grids)])
        here = [start + of_picture for start, of_picture in zip(starts[:-1], chosen, strict=True)]
        return phi[np.concatenate(here)]

    def phi_of_crops(self) -> np.ndarray:
        """Encode whole pictures in ten crops: float32 [N, 10, d]."""
        return baselines.phi_of_crops(self.net.backbone, self.images)

    def phi_of_windows(self) -> np.ndarray:
        """Sum phi of each picture's larger patches, of length 1 each: float32 [N, 1, d]."""
        chosen = [baselines.windows(of_picture) for of_picture in self.grids]
        return baselines.sum_by_picture(self.phi(chosen), chosen)[:, None]

    def phi_cut_out(self, chosen: Sequence[np.ndarray]) -> np.ndarray:
        """Encode patches that are cut out, with zeros around them: float16 [n, d]."""
        vectors = [phi_one_by_one(self.net, patches, 64).half().cpu() for patches in self.cut(chosen)]
        return torch.cat(vectors).numpy()

    def cut(self, chosen: Sequence[np.ndarray]) -> Iterator[Tensor]:
        """Cut the chosen patches out, picture after picture: uint8 [n_i, 3, S, S]."""
        for i, (grid, of_picture) in enumerate(zip(self.grids, chosen, strict=True)):
            yield cut_patches(self.net, self.images.tensor(i), grid, of_picture)

    def score(self, y: np.ndarray, k: float = K) -> np.ndarray:
        """Score the pictures: y [n, >= C] of all their patches to [N, C]; background has no score."""
        return picture_scores(y[:, : self.n_classes], self.grids, k)


def score_patches(train_part: Part, test_part: Part, seeds: Sequence[int]) -> dict[str, list[np.ndarray]]:
    """Score by FCa and FCb on patches, with and without background: row -> y float32 [n, C + 1] or [n, C], one a seed.

    All seeds train on the same patches, drawn by the first.
    """
    labels, n_classes = train_part.labels, train_part.n_classes
    chosen = resample(labels, n_classes, seeds[0], train_part.kept)
    x, y, of_test = train_part.phi(chosen), gather(labels, chosen), test_part.phi()
    shows, scores = y < n_classes, {PATCHES: [], NO_BACKGROUND: []}
    for recipe in (replace(train_part.recipe, seed=seed) for seed in seeds):
        scores[PATCHES].append(probabilities(train(x, y, n_classes + 1, recipe), of_test))
        without = train(x[shows], y[shows], n_classes, recipe)
        scores[NO_BACKGROUND].append(probabilities(without, of_test))
    return scores


def other_readings(train_part: Part, test_part: Part, seed: int) -> dict[str, np.ndarray]:
    """Score by patches that are cut out one by one, and with ambiguous ones as background: row -> y [n, C + 1]."""
    labels, n_classes = train_part.labels, train_part.n_classes
    recipe = replace(train_part.recipe, seed=seed)
    chosen = resample(labels, n_classes, seed, train_part.kept)
    of_cut = train(train_part.phi_cut_out(chosen), gather(labels, chosen), n_classes + 1, recipe)
    all_of_test = [np.arange(len(grid)) for grid in test_part.grids]
    labels = [np.where(of_picture == AMBIGUOUS, n_classes, of_picture) for of_picture in labels]
    chosen = resample(labels, n_classes, seed, train_part.kept)
    with_two = train(train_part.phi(chosen), gather(labels, chosen), n_classes + 1, recipe)
    return {
        CUT: probabilities(of_cut, test_part.phi_cut_out(all_of_test)),
        TWO_OBJECTS: probabilities(with_two, test_part.phi()),
    }


def no_transfer(train_part: Part, test_part: Part, seed: int, bfloat16: bool) -> np.ndarray:
    """Train all layers of twin-alexnet on patches alone, and score: y float32 [n, C + 1].

    With batch normalisation, as its pre-training was; without, it hardly learns from so few pictures.
    """
    net, labels, n_classes = train_part.net, train_part.labels, train_part.n_classes
    chosen = resample(labels, n_classes, seed, train_part.kept)
    recipe = replace(FROM_SCRATCH, seed=seed, bfloat16=bfloat16)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stages = twin_alexnet.build(len(net.backbone.classes), batchnorm=True).eval()
    start = replace(
        net.backbone, stages=stages.to(memory_format=torch.channels_last), weights=f"random seed {seed}"
    )
    patches = torch.cat([*train_part.cut(chosen)])
    own, layers = train_all(start, patches, gather(labels, chosen), n_classes + 1, recipe)
    folded = twin_alexnet.fold_batchnorm(own.backbone.stages.to(memory_format=torch.contiguous_format))
    own = PatchNet(replace(own.backbone, stages=folded.to(memory_format=torch.channels_last)))
    return probabilities(layers, replace(test_part, net=own).phi())


def whole_pictures(train_part: Part, test_part: Part, seeds: Sequence[int]) -> dict[str, list[np.ndarray]]:
    """Score by FCa and FCb on ten crops of whole pictures, tested on such and on patches: row -> [m, C], one a seed.

    A picture of several classes has an equal share of each as its target.
    """
    crops, targets = train_part.phi_of_crops(), baselines.shares(train_part.images.labels)
    shows = targets.any(1)
    y = np.repeat(targets[shows], crops.shape[1], axis=0)
    x, n_classes = crops[shows].reshape(len(y), -1), train_part.n_classes
    layers = [train(x, y, n_classes, replace(train_part.recipe, seed=seed)) for seed in seeds]
    return _on_both(layers, test_part, WHOLE, WHOLE_ON_PATCHES)


def windows_svm(train_part: Part, test_part: Part) -> np.ndarray:
    """Score by SVMs on phi of the larger patches of each picture, summed: no boxes, [m, C]."""
    train, test = train_part.phi_of_windows(), test_part.phi_of_windows()
    return baselines.svm_scores(train, train_part.images.labels, test)


def fewer_pictures(
    train_part: Part, test_part: Part, crops: tuple[np.ndarray, np.ndarray], n: int, seed: int
) -> dict[str, np.ndarray]:
    """Learn from n of the training pictures by patches, and by SVMs on windows and on whole pictures: row -> [m, C].

    crops  float [N, 10, d] of the training pictures and [m, 10, d] of the test pictures
    """
    rows, n_classes = evenly(len(train_part.images), n), train_part.n_classes
    labels = [np.full(len(of_picture), AMBIGUOUS) for of_picture in train_part.labels]
    for i in rows:
        labels[i] = train_part.labels[i]
    chosen = resample(labels, n_classes, seed, train_part.kept)
    recipe = replace(train_part.recipe, seed=seed)
    layers = train(train_part.phi(chosen), gather(labels, chosen), n_classes + 1, recipe)
    scores = {PATCHES: test_part.score(probabilities(layers, test_part.phi()))}
    windows = train_part.phi_of_windows(), test_part.phi_of_windows()
    for row, (of_train, of_test) in {WINDOWS: windows, SVM: crops}.items():
        scores[row] = baselines.svm_scores(of_train[rows], train_part.images.labels[rows], of_test)
    return scores


def evenly(N: int, n: int) -> np.ndarray:
    """Choose n of N pictures, evenly spread: int64 [n]."""
    return np.arange(n) * N // n


def centred_pictures(
    test_part: Part, seeds: Sequence[int]
) -> tuple[dict[str, list[np.ndarray]], list[float]]:
    """Score by layers that learned from pictures of single, centred objects: row -> [m, C], one a seed.

    They are of the source task, with the target's labels; a class that has none there is never seen. Also returns the
    accuracy in % on other such pictures, of each seed.
    """
    (x, y), (x_val, y_val) = (
        (baselines.phi_of_crops(test_part.net.backbone, images), labels)
        for images, labels in (relabelled(split, test_part.images) for split in ("train", "val"))
    )
    x, y, n_classes = x.reshape(-1, x.shape[-1]), np.repeat(y, x.shape[1]), test_part.n_classes
    layers = [train(x, y, n_classes, replace(test_part.recipe, seed=seed)) for seed in seeds]
    accuracies = [100 * (_on_crops(of_seed, x_val).argmax(1) == y_val).mean() for of_seed in layers]
    return _on_both(layers, test_part, CENTRED_WHOLE, CENTRED_ON_PATCHES), accuracies


def relabelled(split: str, target: ImageCollection) -> tuple[ImageCollection, np.ndarray]:
    """Take pictures of the source task whose class belongs to one of the target's, CENTRED of each or all there are.

    returns the pictures, and their labels as indices of `target.classes`, int64 [n]
    """
    images = datasets.load("ilsvrc2012", split=split, per_class=CENTRED if split == "train" else 20)
    new = np.full(len(images.classes), -1)
    for c, members in enumerate(datasets.source_classes(target, images.classes)):
        new[members] = c
    labels = new[images.labels]
    rng = np.random.default_rng(0)
    rows = [rng.permutation(np.flatnonzero(labels == c))[:CENTRED] for c in range(len(target.classes))]
    rows = np.sort(np.concatenate(rows))
    return images[rows], labels[rows]


def source_labels(test_part: Part) -> dict[str, np.ndarray]:
    """Score by the source task's own labels, nothing learned from the target: row -> [m, C]."""
    net, crops = test_part.net.backbone, test_part.phi_of_crops()
    members = datasets.source_classes(test_part.images, net.classes)
    wholes = baselines.source_probabilities(net, crops.reshape(-1, crops.shape[-1]), members)
    patches = baselines.source_probabilities(net, test_part.phi(), members)
    return {
        SOURCE_WHOLE: wholes.reshape(*crops.shape[:2], -1).mean(1),
        SOURCE_PATCHES: test_part.score(patches),
    }


def _on_both(layers: Sequence[nn.Sequential], test_part: Part, whole: str, on_patches: str) -> dict:
    crops, patches = test_part.phi_of_crops(), test_part.phi()
    return {
        whole: [_on_crops(of_seed, crops) for of_seed in layers],
        on_patches: [test_part.score(probabilities(of_seed, patches)) for of_seed in layers],
    }


def _on_crops(layers: nn.Sequential, crops: np.ndarray) -> np.ndarray:
    """Average y over the crops of each picture: phi [N, V, d] to [N, C]."""
    return probabilities(layers, crops.reshape(-1, crops.shape[-1])).reshape(*crops.shape[:2], -1).mean(1)
