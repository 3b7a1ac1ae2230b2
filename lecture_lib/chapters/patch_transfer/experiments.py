"""The paper's experiments on one pair of training and test pictures: scores of patches, and of what they compete with.

Rows of patches take score(C) = 1/M sum_i y(C | P_i)^k with the paper's k = 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from lecture_lib import datasets
from lecture_lib.backbones import normalise, twin_alexnet
from lecture_lib.chapters.patch_transfer import baselines
from lecture_lib.chapters.patch_transfer.adaptation import RECIPE, probabilities, resample, train
from lecture_lib.chapters.patch_transfer.cutting import cut, cut_all
from lecture_lib.chapters.patch_transfer.encode import PatchNet, encode, lay
from lecture_lib.chapters.patch_transfer.from_scratch import FROM_SCRATCH, train_all
from lecture_lib.chapters.patch_transfer.grid import Grid
from lecture_lib.chapters.patch_transfer.inference import K, picture_scores
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS, label_all
from lecture_lib.datasets import ImageCollection

CENTRED = 120  # object-centred pictures a class

PATCHES, NO_BACKGROUND, NO_TRANSFER = "patches", "patches, no background", "patches, no transfer"
SVM, WHOLE, WHOLE_ON_PATCHES = "whole pictures, SVM", "whole pictures", "whole pictures, tested on patches"
CENTRED_WHOLE, CENTRED_ON_PATCHES = (
    "centred pictures, tested on wholes",
    "centred pictures, tested on patches",
)
SOURCE_WHOLE, SOURCE_PATCHES = "source labels, wholes", "source labels, patches"
CUT, TWO_OBJECTS = "patches, each cut out", "patches, ambiguous as background"


@dataclass(frozen=True, eq=False)
class Part:
    """Pictures to train on, or to test with, and their patches."""

    images: ImageCollection
    grids: list[Grid]

    @property
    def n_classes(self) -> int:
        """Classes, without background."""
        return len(self.images.classes)

    def first(self, n: int) -> Part:
        """Return the first n pictures."""
        return Part(self.images[:n], self.grids[:n])

    def score(self, y: np.ndarray, k: float = K) -> np.ndarray:
        """Score the pictures: y [n, >= C] of all their patches to [N, C]; background has no score."""
        return picture_scores(y[:, : self.n_classes], self.grids, k)


def load_parts(net: PatchNet, name: str) -> tuple[Part, Part]:
    """Read a collection and lay its patches: training part, test part."""
    return tuple(Part(images, lay(net, images)) for images in datasets.load(name).split())


def score_patches(
    net: PatchNet, train_part: Part, test_part: Part, seeds: Sequence[int]
) -> dict[str, list[np.ndarray]]:
    """Score by FCa and FCb on patches, with and without background: row -> y float32 [n, C + 1] or [n, C], one a seed.

    All seeds train on the same patches, drawn by the first.
    """
    labels, n_classes = label_all(train_part.images, train_part.grids), train_part.n_classes
    chosen = resample(labels, n_classes, seeds[0])
    x, y = encode(net, train_part.images, train_part.grids, chosen), gather(labels, chosen)
    of_test, some = encode(net, test_part.images, test_part.grids), y < n_classes
    found = {PATCHES: [], NO_BACKGROUND: []}
    for recipe in (replace(RECIPE, seed=seed) for seed in seeds):
        found[PATCHES].append(probabilities(train(x, y, n_classes + 1, recipe), of_test))
        found[NO_BACKGROUND].append(probabilities(train(x[some], y[some], n_classes, recipe), of_test))
    return found


def gather(values: Sequence[np.ndarray], chosen: Sequence[np.ndarray]) -> np.ndarray:
    """Take what is known of the chosen patches of each picture, one after the other."""
    return np.concatenate([of_picture[some] for of_picture, some in zip(values, chosen, strict=True)])


def other_readings(net: PatchNet, train_part: Part, test_part: Part, seed: int) -> dict[str, np.ndarray]:
    """Score by patches that are cut out one by one, and with ambiguous ones as background: row -> y [n, C + 1]."""
    labels, n_classes = label_all(train_part.images, train_part.grids), train_part.n_classes
    chosen, recipe = resample(labels, n_classes, seed), replace(RECIPE, seed=seed)
    layers = train(cut_out(net, train_part, chosen), gather(labels, chosen), n_classes + 1, recipe)
    every = [np.arange(len(grid)) for grid in test_part.grids]
    found = {CUT: probabilities(layers, cut_out(net, test_part, every))}
    labels = [np.where(of_picture == AMBIGUOUS, n_classes, of_picture) for of_picture in labels]
    chosen = resample(labels, n_classes, seed)
    x = encode(net, train_part.images, train_part.grids, chosen)
    layers = train(x, gather(labels, chosen), n_classes + 1, recipe)
    return found | {TWO_OBJECTS: probabilities(layers, encode(net, test_part.images, test_part.grids))}


@torch.inference_mode()
def cut_out(net: PatchNet, part: Part, chosen: Sequence[np.ndarray]) -> np.ndarray:
    """Encode patches that are cut out, with zeros around them: float16 [n, d]."""
    encoder, found = nn.Sequential(*net.shared, *net.rest), []
    for i, (grid, some) in enumerate(zip(part.grids, chosen, strict=True)):
        for batch in cut(net, part.images.tensor(i), grid, some).split(64):
            found.append(encoder(normalise(net.backbone, batch)).half().cpu().numpy())
    return np.concatenate(found)


def no_transfer(net: PatchNet, train_part: Part, test_part: Part, seed: int, bfloat16: bool) -> np.ndarray:
    """Train all layers of twin-alexnet on patches alone, and score: y float32 [n, C + 1].

    With batch normalisation, as its pre-training was; without, it hardly learns from so few pictures.
    """
    labels, n_classes = label_all(train_part.images, train_part.grids), train_part.n_classes
    chosen = resample(labels, n_classes, seed)
    recipe = replace(FROM_SCRATCH, seed=seed, bfloat16=bfloat16)
    patches = cut_all(net, train_part.images, train_part.grids, chosen)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stages = twin_alexnet.build(len(net.backbone.classes), batchnorm=True).eval()
    start = replace(
        net.backbone, stages=stages.to(memory_format=torch.channels_last), weights=f"random seed {seed}"
    )
    own, layers = train_all(start, patches, gather(labels, chosen), n_classes + 1, recipe)
    folded = twin_alexnet.fold_batchnorm(own.backbone.stages.to(memory_format=torch.contiguous_format))
    own = PatchNet(replace(own.backbone, stages=folded.to(memory_format=torch.channels_last)))
    return probabilities(layers, encode(own, test_part.images, test_part.grids))


def whole_pictures(net: PatchNet, train_part: Part, test_part: Part, seed: int) -> dict[str, np.ndarray]:
    """Score by FCa and FCb on ten crops of whole pictures, tested on such and on patches: row -> [m, C].

    A picture of several classes has an equal share of each as its target.
    """
    crops = baselines.phi_of_crops(net.backbone, train_part.images)
    targets = baselines.shares(train_part.images.labels)
    some = targets.any(1)
    y = np.repeat(targets[some], crops.shape[1], axis=0)
    layers = train(crops[some].reshape(len(y), -1), y, train_part.n_classes, replace(RECIPE, seed=seed))
    return _on_both(net, layers, test_part, WHOLE, WHOLE_ON_PATCHES)


def whole_pictures_svm(net: PatchNet, train_part: Part, test_part: Part) -> np.ndarray:
    """Score by SVMs on phi of whole pictures, ten crops each, without adaptation layers: [m, C]."""
    crops, tests = (baselines.phi_of_crops(net.backbone, part.images) for part in (train_part, test_part))
    return baselines.svm_scores(crops, train_part.images.labels, tests)


def centred_pictures(net: PatchNet, test_part: Part, seed: int) -> tuple[dict[str, np.ndarray], float]:
    """Score by layers that learned from pictures of single, centred objects: row -> [m, C].

    They are of the source task, with the target's labels; a class that has none there is never seen. Also returns the
    accuracy in % on other such pictures.
    """
    (x, y), (x_val, y_val) = (
        (baselines.phi_of_crops(net.backbone, images), labels)
        for images, labels in (relabelled(split, test_part.images) for split in ("train", "val"))
    )
    layers = train(
        x.reshape(-1, x.shape[-1]), np.repeat(y, x.shape[1]), test_part.n_classes, replace(RECIPE, seed=seed)
    )
    accuracy = 100 * (_on_crops(layers, x_val).argmax(1) == y_val).mean()
    return _on_both(net, layers, test_part, CENTRED_WHOLE, CENTRED_ON_PATCHES), accuracy


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


def source_labels(net: PatchNet, test_part: Part) -> dict[str, np.ndarray]:
    """Score by the source task's own labels, nothing learned from the target: row -> [m, C]."""
    crops = baselines.phi_of_crops(net.backbone, test_part.images)
    members = datasets.source_classes(test_part.images, net.backbone.classes)
    wholes = baselines.source_probabilities(net.backbone, crops.reshape(-1, crops.shape[-1]), members)
    patches = baselines.source_probabilities(
        net.backbone, encode(net, test_part.images, test_part.grids), members
    )
    return {
        SOURCE_WHOLE: wholes.reshape(*crops.shape[:2], -1).mean(1),
        SOURCE_PATCHES: test_part.score(patches),
    }


def _on_both(net: PatchNet, layers: nn.Sequential, test_part: Part, whole: str, on_patches: str) -> dict:
    tests = baselines.phi_of_crops(net.backbone, test_part.images)
    y = probabilities(layers, encode(net, test_part.images, test_part.grids))
    return {whole: _on_crops(layers, tests), on_patches: test_part.score(y)}


def _on_crops(layers: nn.Sequential, crops: np.ndarray) -> np.ndarray:
    """Average y over the crops of each picture: phi [N, V, d] to [N, C]."""
    return probabilities(layers, crops.reshape(-1, crops.shape[-1])).reshape(*crops.shape[:2], -1).mean(1)
