"""Linear SVMs from inner products: on vectors that are much longer than there are pictures, and on joined encodings.

The span of n training vectors has n dimensions. Turned into it, they have n numbers each, and the same inner
products: a linear classifier with |w|^2 in its objective is the same there (the representer theorem), and so are
its scores. So 3,000 Fisher vectors of 327,680 numbers are trained on as 3,000 of 3,000. Encodings that are joined
add their inner products, which is what joining the vectors does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lecture_lib import checks
from lecture_lib.linear.learners import svm
from lecture_lib.linear.selection import KERNEL_CS, choose, folds

COLUMNS = 2**14  # dimensions multiplied at once: what is read as float16 is float32 only so long
ROWS = 1024  # vectors whose products are computed at once
RIDGES = (1e-6, 1e-5, 1e-4)  # parts of a vector's squared length, above the rounding of float32 products


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

    def __add__(self, other: "Kernel") -> "Kernel":
        """Join two encodings of length 1 to one of length 1: [phi_1; phi_2] / sqrt 2."""
        return Kernel((self.train + other.train) / 2, (self.test + other.test) / 2, self.views)


def kernel(train: np.ndarray, test: np.ndarray) -> Kernel:
    """Return the inner products of training vectors [n, d], or [n, V, d], and of test vectors [m, d]."""
    views = train.shape[1] if train.ndim == 3 else 1
    train = train.reshape(-1, train.shape[-1])
    return Kernel(products(train), products(test, train), views)


def classify(
    given: Kernel, labels: np.ndarray, C: float | None = None, Cs: Sequence[float] = KERNEL_CS
) -> tuple[np.ndarray, float]:
    """Train one-vs-rest linear SVMs and score the test pictures: float32 [m, classes], and the C a picture.

    labels  of the n training pictures: [n], or [n, classes]. Each of a picture's V views is a sample with its labels,
            and has C / V, so that a picture's errors weigh the same
    C       None: chosen among Cs by threefold validation, all views of a picture in the same fold
    """
    labels = checks.labels(labels, n=len(given.train) // given.views, several=True)
    checks.features(given.train, "train")
    checks.features(given.test, "test")
    train, test = to_span(given.train, given.test)
    v = given.views
    samples = np.repeat(labels, v, axis=0)
    if C is not None:
        return svm(train, samples, [C / v])[0].scores(test), C
    rows = np.arange(len(train)).reshape(-1, v)
    parts = [(rows[kept].ravel(), rows[held].ravel()) for kept, held in folds(labels)]
    choice = choose(svm, train, samples, [c / v for c in Cs], parts)
    return choice.probe.scores(test), choice.probe.C * v


def products(x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
    """Return the inner products of vectors [n, d] with each other, or with others [m, d]: float32 [n, n] or [n, m].

    Any real dtype; products are taken in float32, and summed in float64 over blocks of dimensions.
    """
    total = np.zeros((len(x), len(x if y is None else y)))
    for start in range(0, x.shape[1], COLUMNS):
        block = torch.from_numpy(x[:, start : start + COLUMNS].astype(np.float32))
        if y is not None:
            total += (block @ torch.from_numpy(y[:, start : start + COLUMNS].astype(np.float32)).T).numpy()
            continue
        for row in range(0, len(x), ROWS):  # up to the diagonal: the rest is the same
            total[row : row + ROWS, : row + ROWS] += (block[row : row + ROWS] @ block[: row + ROWS].T).numpy()
    if y is None:
        total = np.tril(total) + np.tril(total, -1).T
    return total.astype(np.float32)


def to_span(train: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Turn vectors into the span of the training vectors, given all their inner products with these.

    train    [n, n], of the training vectors with each other
    others   [m, n] each, of other vectors with the training vectors
    returns  [n, n] and [m, n] each, float32: the same inner products with any of the training vectors

    By Cholesky's decomposition L L^T of `train`: its rows are the training vectors. To the diagonal a millionth is
    added, as though each training vector had a tiny number of its own, so that repeated vectors are no trouble; ten or
    a hundred times as much where the rounding of many products asks for it. Raises ValueError for what are no inner
    products.
    """
    square = torch.from_numpy(np.array(train, np.float64))
    level = square.diagonal().mean()
    for ridge in RIDGES:
        lower, failed = torch.linalg.cholesky_ex(
            square + ridge * level * torch.eye(len(square), dtype=torch.float64)
        )
        if not failed:
            break
    else:
        raise ValueError(
            "These are no inner products of vectors with each other: the matrix has an eigenvalue well below 0."
        )
    turned = [
        torch.linalg.solve_triangular(lower, torch.from_numpy(np.asarray(other, np.float64)).T, upper=False).T
        for other in others
    ]
    return [x.float().contiguous().numpy() for x in (lower, *turned)]
