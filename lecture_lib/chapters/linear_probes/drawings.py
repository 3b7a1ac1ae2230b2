"""The lecture's tables of linear probes on the twins, in full: all splits, all views. Some minutes.

    python -m lecture_lib.chapters.linear_probes.drawings

takes the demo profile and writes `data/results/linear_probes.demo.json`, which notebook 02 shows beside the papers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.protocols import few_shot_split
from lecture_lib.linear.learners import Linear, logistic_regression, svm
from lecture_lib.linear.selection import Learner, choose
from lecture_lib.metrics import mean_class_accuracy
from lecture_lib.results import records

NAME = "linear_probes"
CS = (1.0, 10.0)
SPLITS = range(5)
LEARNERS: dict[str, Learner] = {
    "LogReg": logistic_regression,
    "LogReg with Dropout": partial(logistic_regression, dropout=0.5),
    "SVM": svm,
    "SVM with Dropout": partial(svm, dropout=0.5),
}


def decaf_table(
    images: ImageCollection,
    phi: Mapping[str, np.ndarray],
    rows: Mapping[str, Learner],
    held: int,
    splits: Iterable[int] = SPLITS,
) -> list[dict]:
    """Fill a table of DeCAF's: mean class accuracy in %, a row of the record for each split.

    phi   column of the table -> features [N, d] of all pictures
    rows  row of the table -> learner; those with dropout are not tried on DeCAF5, as in the paper
    held  of a class's training pictures, those that validate C (5 of 30 for Caltech-101, 8 of 50 for SUN-397)
    """
    found = []
    for split in splits:
        train, test = images.split_indices(split)
        labels = images.labels[train]
        fold = few_shot_split(labels, np.bincount(labels).min() - held, held, seed=split)
        for row, learner in rows.items():
            for column, x in phi.items():
                if learner not in (svm, logistic_regression) and column == "DeCAF5":
                    continue
                probe = choose(learner, x[train], labels, CS, [fold]).probe
                share = 100 * mean_class_accuracy(probe.predict(x[test]), images.labels[test])
                found.append(line(images, row, column, share, split=split))
    return found


def line(images: ImageCollection, method: str, layer: str, share: float, **more: object) -> dict:
    """Return a row of the record."""
    about = {"dataset": images.name, "source": images.source, "method": method, "layer": layer}
    return about | more | {"metric": "mean class accuracy", "value": share}


def train_on_views(x: np.ndarray, labels: np.ndarray, C: float) -> Linear:
    """Train an SVM on views [N, V, d], each a sample with the labels of its picture and 1/V of its weight."""
    n_views = x.shape[1]
    return svm(x.reshape(-1, x.shape[2]), np.repeat(labels, n_views, axis=0), [C / n_views])[0]


def off_the_shelf(
    net: backbones.Backbone, images: ImageCollection, layer: str, seed: int = 0
) -> tuple[float, float]:
    """Mean class accuracy in % of CNN-SVM and of CNNaug-SVM (sixteen views, summed scores), on the official split."""
    x = encoders.encode(net, encoders.expand(images), [layer], l2=True)[layer].reshape(len(images), 16, -1)
    train, test = images.split_indices(seed)
    labels = images.labels
    whole = choose(svm, x[train, 0], labels[train], CS).probe  # view 0 is the picture as it is
    views = train_on_views(x[train], labels[train], whole.C)
    scores = whole.scores(x[test, 0]), views.scores(x[test]).sum(1)
    plain, augmented = (100 * mean_class_accuracy(score.argmax(1), labels[test]) for score in scores)
    return plain, augmented


def main() -> None:
    """Run what is described at the top of this file."""
    seed = settings.use("demo").seed
    net = backbones.load()
    columns = {f"DeCAF{k}": layer for k, layer in net.decaf.items() if k >= 5}
    results = []
    for name, rows, held, skip in (
        ("caltech101", LEARNERS, 5, ()),
        # DeCAF's rows for SUN-397 are those with dropout
        (
            "sun397",
            {r.split()[0]: f for r, f in LEARNERS.items() if "Drop" in r},
            8,
            ("DeCAF5",),
        ),
    ):
        images = datasets.load(name)
        phi = encoders.encode(net, images, list(columns.values()), pool=4, l2=True)
        features = {column: phi[layer] for column, layer in columns.items() if column not in skip}
        results += decaf_table(images, features, rows, held)
        print(name, flush=True)
    birds = datasets.load("cub200")
    for images, region in (
        (datasets.load("mit67"), {}),
        (birds, {"region": "whole picture"}),
        (datasets.box_crops(birds, context=1.5), {"region": "box", "dataset": birds.name}),
    ):
        shares = off_the_shelf(net, images, columns["DeCAF6"])
        for row, share in zip(("CNN-SVM", "CNNaug-SVM"), shares, strict=True):
            results.append(line(images, row, "DeCAF6", share, seed=seed, **region))
        print(images.name, flush=True)
    command = "python -m lecture_lib.chapters.linear_probes.drawings"
    print(records.write(NAME, results, [], command=command, network=net.name).name)


if __name__ == "__main__":
    main()
