"""Choosing C on training pictures only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from lecture_lib import checks
from lecture_lib.linear.learners import Linear
from lecture_lib.metrics import measure

CS = (0.01, 0.1, 1.0, 10.0, 100.0)  # of `choose`
KERNEL_CS = (0.1, 1.0, 10.0)  # of `classify`
Learner = Callable[[np.ndarray, np.ndarray, Sequence[float]], list[Linear]]
Fold = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Choice:
    """A probe with the C that was best in validation, and how all were: scores float64 [F, K], folds by Cs."""

    probe: Linear
    Cs: tuple[float, ...]
    scores: np.ndarray


def folds(labels: np.ndarray, n: int = 3, seed: int = 0) -> list[Fold]:
    """Part pictures into n folds: n pairs (train, validation) of int64 indices.

    labels [N]: every class is spread evenly over the folds, and needs n pictures. Labels [N, C], where a picture
    can show several classes, are parted at random.
    """
    labels = checks.labels(labels, several=True)
    if len(labels) < n or n < 2:
        raise ValueError(
            f"{n} folds of {len(labels)} pictures: take 2 folds or more, and no more than pictures."
        )
    if labels.ndim == 1:
        counts = np.bincount(labels)
        few = np.flatnonzero((counts > 0) & (counts < n))
        if len(few):
            raise ValueError(
                f"Class {few[0]} has {counts[few[0]]} training pictures, too few for {n} folds. Take at most "
                f"{counts[few].min()} folds, or a fixed C."
            )
    kind = StratifiedKFold if labels.ndim == 1 else KFold
    return list(kind(n, shuffle=True, random_state=seed).split(labels, labels))


def choose(
    learner: Learner,
    x: np.ndarray,
    labels: np.ndarray,
    Cs: Sequence[float] = CS,
    parts: Sequence[Fold] | None = None,
) -> Choice:
    """Choose C by validation within the training pictures, then train on all of them.

    x, labels  training pictures only: features [N, d], labels [N] or [N, C]
    Cs         values to choose from; of equally good ones the smallest is taken
    parts      (train, validation) index pairs; default: three folds
    """
    checks.features(x)
    x = np.asarray(x)
    labels = checks.labels(labels, n=len(x), several=True)
    checks.above_zero(Cs, "Cs")
    parts = folds(labels) if parts is None else parts
    if not parts or not all(len(kept) and len(held) for kept, held in parts):
        raise ValueError("parts: one has no picture to train on, or none to validate with.")
    Cs = tuple(sorted(Cs))
    scores = np.array(
        [
            [measure(probe.scores(x[held]), labels[held]) for probe in learner(x[kept], labels[kept], Cs)]
            for kept, held in parts
        ]
    )
    best = Cs[int(scores.mean(0).round(9).argmax())]  # the order of the sum is not to decide
    return Choice(learner(x, labels, [best])[0], Cs, scores)
