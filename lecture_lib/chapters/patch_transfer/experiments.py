"""The paper's experiments on one pair of training and test pictures: scores of patches, and of what they compete with.

Rows of patches take score(C) = 1/M sum_i y(C | P_i)^k with the paper's k = 5.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from lecture_lib import datasets
from lecture_lib.backbones import twin_nets
from lecture_lib.chapters.patch_transfer import baselines
from lecture_lib.chapters.patch_transfer.adaptation import (
    RECIPE,
    gather,
    probabilities,
    resample,
    train,
    train_all,
)
from lecture_lib.chapters.patch_transfer.encode import PatchNet, cut_patches, encode_patches
from lecture_lib.chapters.patch_transfer.grid import Grid
from lecture_lib.chapters.patch_transfer.inference import K, by_picture, picture_scores
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS, label_all
from lecture_lib.datasets import ImageCollection
from lecture_lib.training import sgd

FROM_SCRATCH = replace(RECIPE, epochs=8, schedule=(5, 7), lr=0.1)
CENTRED = 120  # object-centred pictures a class

PATCHES, NO_BACKGROUND, NO_TRANSFER = "patches", "patches, no background", "patches, no transfer"
SVM, WHOLE, WHOLE_ON_PATCHES = "whole pictures, SVM", "whole pictures", "whole pictures, tested on patches"
WINDOWS = "windows, SVM"
CENTRED_WHOLE = "centred pictures, tested on wholes"
CENTRED_ON_PATCHES = "centred pictures, tested on patches"
SOURCE_WHOLE, SOURCE_PATCHES = "source labels, wholes", "source labels, patches"
TESTED = [  # (id, statement, row, row, margin): the first is over so many points of mAP ahead of the second
    ("transfer", "transfer is over 10 points of mAP ahead of no transfer", PATCHES, NO_TRANSFER, 10),
    ("wholes", "training on patches beats training on whole pictures", PATCHES, WHOLE, 0),
    ("background", "a background class raises mAP", PATCHES, NO_BACKGROUND, 0),
    ("svm", "training on patches beats SVMs on whole pictures", PATCHES, SVM, 0),
    ("windows", "training on patches beats SVMs on windows, without boxes", PATCHES, WINDOWS, 0),
    ("windows/wholes", "SVMs on windows beat SVMs on whole pictures", WINDOWS, SVM, 0),
    ("tested on patches", "training on patches beats training on whole pictures where both are tested on patches",
     PATCHES, WHOLE_ON_PATCHES, 0),
    ("k/mean", "k = 5 beats the mean over patches, k = 1", "k = 5", "k = 1", 0),
    ("k/max", "k = 5 beats the best patch alone", "k = 5", "k = inf", 0),
    ("capture", "training on patches beats training on centred pictures", PATCHES, CENTRED_ON_PATCHES, 0),
    ("labels", "new layers beat the source task's own labels", PATCHES, SOURCE_PATCHES, 0),
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Part:
    """Pictures to train on, or to test with, and the network that sees their patches.

    recipe  of the layers that learn from patches
    """

    net: PatchNet
    images: ImageCollection
    recipe: sgd.Recipe = RECIPE

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

    @cached_property
    def phi(self) -> np.ndarray:
        """phi of all patches: float16 [n, d]."""
        return encode_patches(self.net, self.images, self.grids)

    @cached_property
    def phi_of_crops(self) -> np.ndarray:
        """phi of whole pictures in ten crops: float32 [N, 10, d]."""
        return baselines.phi_of_crops(self.net.backbone, self.images)

    def cut(self, chosen: Sequence[np.ndarray]) -> Iterator[Tensor]:
        """Cut the chosen patches out, picture after picture: uint8 [n_i, 3, S, S]."""
        for i, (grid, of_picture) in enumerate(zip(self.grids, chosen, strict=True)):
            yield cut_patches(self.net, self.images.tensor(i), grid, of_picture)

    def choose(self, seed: int, labels: Sequence[np.ndarray] | None = None) -> tuple[list, np.ndarray]:
        """Choose patches to train on, of each picture int64 [n_i], as `resample` does; also their labels [n].

        labels  of all patches of each picture, int64 [M], if not `self.labels`
        """
        labels = self.labels if labels is None else labels
        chosen = resample(labels, self.n_classes, seed)
        return chosen, gather(labels, chosen)

    def learn(self, seed: int, labels: Sequence[np.ndarray]) -> nn.Sequential:
        """Train FCa and FCb, with background, on patches that are chosen by these labels, int64 [M] a picture."""
        chosen, y = self.choose(seed, labels)
        x = gather(by_picture(self.phi, self.grids), chosen)
        return train(x, y, self.n_classes + 1, replace(self.recipe, seed=seed))

    def score(self, y: np.ndarray, k: float = K) -> np.ndarray:
        """Score the pictures: y [n, >= C] of all their patches to [N, C]; background has no score."""
        return picture_scores(y[:, : self.n_classes], self.grids, k)


def score_patches(train_part: Part, test_part: Part, seeds: Sequence[int]) -> dict[str, list[np.ndarray]]:
    """Score by FCa and FCb on patches, with and without background: row -> y float32 [n, C + 1] or [n, C], one a seed.

    All seeds train on the same patches, drawn by the first.
    """
    chosen, y = train_part.choose(seeds[0])
    x, n_classes = gather(by_picture(train_part.phi, train_part.grids), chosen), train_part.n_classes
    shows, scores = y < n_classes, {PATCHES: [], NO_BACKGROUND: []}
    for recipe in (replace(train_part.recipe, seed=seed) for seed in seeds):
        scores[PATCHES].append(probabilities(train(x, y, n_classes + 1, recipe), test_part.phi))
        without = train(x[shows], y[shows], n_classes, recipe)
        scores[NO_BACKGROUND].append(probabilities(without, test_part.phi))
    return scores


def no_transfer(train_part: Part, test_part: Part, seed: int) -> np.ndarray:
    """Train all layers of a twin network on patches alone (the paper's 4.1), and score: y float32 [n, C + 1].

    With batch normalisation, as its pre-training was; without, it hardly learns from so few pictures.
    """
    net = train_part.net.backbone
    chosen, y = train_part.choose(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stages = twin_nets.build(net.name, len(net.classes), batchnorm=True).eval()
    start = replace(net, stages=stages.to(memory_format=torch.channels_last), weights=f"random seed {seed}")
    patches, recipe = torch.cat([*train_part.cut(chosen)]), replace(FROM_SCRATCH, seed=seed)
    own, layers = train_all(start, patches, y, train_part.n_classes + 1, recipe)
    folded = twin_nets.fold_batchnorm(own.stages.to(memory_format=torch.contiguous_format))
    own = PatchNet(replace(own, stages=folded.to(memory_format=torch.channels_last)))
    return probabilities(layers, replace(test_part, net=own).phi)


def whole_pictures(train_part: Part, test_part: Part, seeds: Sequence[int]) -> dict[str, list[np.ndarray]]:
    """Score by FCa and FCb on ten crops of whole pictures, tested on such and on patches: row -> [m, C], one a seed.

    A picture of several classes has an equal share of each as its target.
    """
    crops, targets = train_part.phi_of_crops, baselines.shares(train_part.images.labels)
    shows = targets.any(1)
    y = np.repeat(targets[shows], crops.shape[1], axis=0)
    x, n_classes = crops[shows].reshape(len(y), -1), train_part.n_classes
    layers = [train(x, y, n_classes, replace(train_part.recipe, seed=seed)) for seed in seeds]
    return _on_both(layers, test_part, WHOLE, WHOLE_ON_PATCHES)


def svms(train_part: Part, test_part: Part, rows: np.ndarray | slice = slice(None)) -> dict[str, np.ndarray]:
    """Score by SVMs on whole pictures, and on windows, both without boxes, from all pictures or some: row -> [m, C]."""
    labels = train_part.images.labels[rows]
    windows = [baselines.phi_of_windows(part.phi, part.grids) for part in (train_part, test_part)]
    crops = train_part.phi_of_crops, test_part.phi_of_crops
    pairs = {SVM: crops, WINDOWS: windows}
    return {row: baselines.svm_scores(x[rows], labels, of_test) for row, (x, of_test) in pairs.items()}


def fewer_pictures(train_part: Part, test_part: Part, n: int, seed: int) -> dict[str, np.ndarray]:
    """Learn from n of the training pictures by patches, and by SVMs on whole pictures and on windows: row -> [m, C]."""
    rows = evenly(len(train_part.images), n)
    labels = [np.full_like(of_picture, AMBIGUOUS) for of_picture in train_part.labels]
    for i in rows:
        labels[i] = train_part.labels[i]
    y = probabilities(train_part.learn(seed, labels), test_part.phi)
    return {PATCHES: test_part.score(y)} | svms(train_part, test_part, rows)


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
    net, crops = test_part.net.backbone, test_part.phi_of_crops
    members = datasets.source_classes(test_part.images, net.classes)
    wholes = baselines.source_probabilities(net, crops.reshape(-1, crops.shape[-1]), members)
    patches = baselines.source_probabilities(net, test_part.phi, members)
    return {
        SOURCE_WHOLE: wholes.reshape(*crops.shape[:2], -1).mean(1),
        SOURCE_PATCHES: test_part.score(patches),
    }


def _on_both(layers: Sequence[nn.Sequential], test_part: Part, whole: str, on_patches: str) -> dict:
    return {
        whole: [_on_crops(of_seed, test_part.phi_of_crops) for of_seed in layers],
        on_patches: [test_part.score(probabilities(of_seed, test_part.phi)) for of_seed in layers],
    }


def _on_crops(layers: nn.Sequential, crops: np.ndarray) -> np.ndarray:
    """Average y over the crops of each picture: phi [N, V, d] to [N, C]."""
    return probabilities(layers, crops.reshape(-1, crops.shape[-1])).reshape(*crops.shape[:2], -1).mean(1)
