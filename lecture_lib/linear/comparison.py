"""What all rows of the table share: from vectors to inner products, from these to scores, from scores to classes.

Every row ends in the same linear SVM, so rows differ in phi alone; rows that join two encodings add their inner
products, which is what joining the vectors does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lecture_lib.linear.kernels import products, to_span
from lecture_lib.linear.learners import svm
from lecture_lib.linear.selection import choose, folds

CS = (0.1, 1.0, 10.0)


@dataclass(frozen=True, eq=False)
class Kernel:
    """Inner products of the vectors of n training pictures, V of each, and of m test pictures.

    train  float32 [n V, n V]
    test   float32 [m, n V]
    views  V
    """

    train: np.ndarray
    test: np.ndarray
    views: int = 1

    def __add__(self, other: Kernel) -> Kernel:
        """Join two encodings of length 1 to one of length 1: [phi_1; phi_2] / sqrt 2."""
        return Kernel((self.train + other.train) / 2, (self.test + other.test) / 2, self.views)


def kernel(train: np.ndarray, test: np.ndarray) -> Kernel:
    """Return the inner products of training vectors [n, d], or [n, V, d], and of test vectors [m, d]."""
    views = train.shape[1] if train.ndim == 3 else 1
    train = train.reshape(-1, train.shape[-1])
    return Kernel(products(train), products(test, train), views)


def classify(
    found: Kernel, labels: np.ndarray, C: float | None = None, Cs: Sequence[float] = CS
) -> tuple[np.ndarray, float]:
    """Train one-vs-rest linear SVMs and score the test pictures: float32 [m, classes], and the C a picture.

    labels  of the n training pictures: [n], or [n, classes]. Each of a picture's V views is a sample with its labels,
            and has C / V, so that a picture's errors weigh the same
    C       None: chosen among Cs by threefold validation, all views of a picture in the same fold
    """
    train, test = to_span(found.train, found.test)
    v = found.views
    samples = np.repeat(labels, v, axis=0)
    if C is not None:
        return svm(train, samples, [C / v])[0].scores(test), C
    rows = np.arange(len(train)).reshape(-1, v)
    parts = [(rows[kept].ravel(), rows[held].ravel()) for kept, held in folds(labels)]
    choice = choose(svm, train, samples, [c / v for c in Cs], parts)
    return choice.probe.scores(test), choice.probe.C * v
