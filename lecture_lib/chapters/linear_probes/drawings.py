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
from lecture_lib.results import claims
from lecture_lib.results.claims import Result

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
    table: str,
    rows: Mapping[str, Learner],
    held: int,
    splits: Iterable[int] = SPLITS,
    seed: int = 0,
) -> list[Result]:
    """Fill a table of DeCAF's: mean class accuracy in %, mean and standard deviation over splits.

    phi   column of the table -> features [N, d] of all pictures
    rows  row of the table -> learner; those with dropout are not tried on DeCAF5, as in the paper
    held  of a class's training pictures, those that validate C (5 of 30 for Caltech-101, 8 of 50 for SUN-397)
    """
    found: dict[tuple[str, str], list[float]] = {}
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
                found.setdefault((row, column), []).append(share)
    results = []
    for (row, column), shares in found.items():
        said = np.mean(shares), np.std(shares), len(shares), seed, images.source
        results.append(Result(table, row, column, "mean class accuracy, %", *said))
        first = shares[0], None, 1, seed, images.source
        results.append(Result(None, row, f"{table}: {column}, split 0", "mean class accuracy, %", *first))
    return results


def train_on_views(x: np.ndarray, labels: np.ndarray, C: float) -> Linear:
    """Train an SVM on views [N, V, d], each a sample with the labels of its picture and 1/V of its weight."""
    n_views = x.shape[1]
    return svm(x.reshape(-1, x.shape[2]), np.repeat(labels, n_views, axis=0), [C / n_views])[0]


def off_the_shelf(
    net: backbones.Backbone, images: ImageCollection, tap: str, seed: int = 0
) -> tuple[float, float]:
    """Mean class accuracy in % of CNN-SVM and of CNNaug-SVM (sixteen views, summed scores), on the official split."""
    x = encoders.encode(net, encoders.expand(images), [tap], l2=True)[tap].reshape(len(images), 16, -1)
    train, test = images.split_indices(seed)
    labels = images.labels
    whole = choose(svm, x[train, 0], labels[train], CS).probe  # view 0 is the picture as it is
    views = train_on_views(x[train], labels[train], whole.C)
    scores = whole.scores(x[test, 0]), views.scores(x[test]).sum(1)
    plain, augmented = (100 * mean_class_accuracy(score.argmax(1), labels[test]) for score in scores)
    return plain, augmented


def main() -> None:
    """Run what is described at the top of this file."""
    clock = claims.Stopwatch()
    seed = settings.use("demo").seed
    net = backbones.load()
    columns = {f"DeCAF{k}": tap for k, tap in net.decaf.items() if k >= 5}
    results = []
    for name, table, rows, held, skip in (
        ("caltech101", "decaf/caltech101", LEARNERS, 5, ()),
        # DeCAF's rows for SUN-397 are those with dropout
        (
            "sun397",
            "decaf/sun397",
            {r.split()[0]: f for r, f in LEARNERS.items() if "Drop" in r},
            8,
            ("DeCAF5",),
        ),
    ):
        images = datasets.load(name)
        phi = encoders.encode(net, images, list(columns.values()), pool=4, l2=True)
        features = {column: phi[tap] for column, tap in columns.items() if column not in skip}
        results += decaf_table(images, features, table, rows, held, seed=seed)
        print(f"{name}: {clock.seconds:.0f} s", flush=True)
    birds = datasets.load("cub200")
    for images, table in (
        (datasets.load("mit67"), "offtheshelf/mit67"),
        (birds, None),
        (datasets.box_crops(birds, context=1.5), "offtheshelf/cub200"),
    ):
        for row, share in zip(
            ("CNN-SVM", "CNNaug-SVM"), off_the_shelf(net, images, columns["DeCAF6"]), strict=True
        ):
            column = "mean Accuracy" if table else f"{images.name}, whole pictures"
            results.append(
                Result(table, row, column, "mean class accuracy, %", share, None, 1, seed, images.source)
            )
        print(f"{images.name}: {clock.seconds:.0f} s", flush=True)
    command = "python -m lecture_lib.chapters.linear_probes.drawings"
    spent = clock.seconds, claims.peak_mb()
    path = claims.write_run(NAME, *spent, results, [], command=command, seed=seed, network=net.name)
    for result in results:
        spread = "" if result.spread is None else f" ± {result.spread:.1f}"
        print(f"{result.table or '':20} {result.row:20} {result.column:40} {result.mean:5.1f}{spread}")
    print(f"{path.name}, {clock.seconds:.0f} s")


if __name__ == "__main__":
    main()
