"""What is known in one trial from a source domain to a target domain, and how its vectors are made comparable."""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

from lecture_lib.datasets import ImageCollection, Vectors
from lecture_lib.datasets.trials import domains, drawn_trial, published_trial, trial_name


@dataclass(frozen=True, eq=False)
class Shift:
    """Vectors float32 of one trial: what a method may learn from, and what it is tested on.

    xs, ys  [n, d], int64 [n]: the source pictures with their labels (S)
    xt, yt  [m, d], int64 [m]: the few labelled target pictures (T)
    test    [k, d], the other target pictures, and their labels `truth`, which no method may use
    us, ut  all vectors of either domain, without labels; those of the test pictures, too: who uses them is transductive
    """

    xs: np.ndarray
    ys: np.ndarray
    xt: np.ndarray
    yt: np.ndarray
    test: np.ndarray
    truth: np.ndarray
    us: np.ndarray
    ut: np.ndarray

    @cached_property
    def x(self) -> np.ndarray:
        """Source and target together (ST): [n + m, d]."""
        return np.concatenate([self.xs, self.xt])

    @cached_property
    def y(self) -> np.ndarray:
        """Labels of `x`."""
        return np.concatenate([self.ys, self.yt])

    @cached_property
    def of_target(self) -> np.ndarray:
        """Which of `x` are of the target: bool [n + m]."""
        return np.arange(len(self.x)) >= len(self.xs)

    def mapped(self, source: np.ndarray, target: np.ndarray) -> "Shift":
        """Multiply the vectors of each domain by a matrix [d, d'] of its own."""
        of = {key: getattr(self, key) @ (source if key in ("xs", "us") else target) for key in VECTORS}
        return replace(self, **of)


VECTORS = ("xs", "xt", "test", "us", "ut")


def shift(
    x: np.ndarray,
    images: ImageCollection | Vectors,
    source: str,
    target: str,
    seed: int,
    labelled: int | None = None,
) -> Shift:
    """Take one trial's vectors from those of all pictures, x [N, d].

    labelled  target pictures a class with labels, of a trial drawn here; None: trial `seed` of the published ones where
              the collection has them, else one drawn with 3
    """
    collection = images.images if isinstance(images, Vectors) else images
    trial = drawn_trial if labelled is None else partial(drawn_trial, labelled=labelled)
    if labelled is None and trial_name(source, target, seed) in collection.splits:
        trial = published_trial
    train, test = trial(collection, seed, source=source, target=target)
    return of_rows(x, collection, source, target, train, test)


def of_rows(
    x: np.ndarray, images: ImageCollection, source: str, target: str, train: np.ndarray, test: np.ndarray
) -> Shift:
    """Take the vectors of training pictures of both domains, and of test pictures of the target: int64 rows of x."""
    us, ut, labels = images.splits[source], images.splits[target], images.labels
    s, t = np.intersect1d(train, us), np.intersect1d(train, ut)
    return Shift(x[s], labels[s], x[t], labels[t], x[test], labels[test], x[us], x[ut])


def standardised(x: np.ndarray, images: ImageCollection | Vectors, order: int) -> np.ndarray:
    """Scale each picture's vector to length 1, then each number to mean 0 and deviation 1 within its domain: [N, d].

    order  of the length: 2 in Hoffman et al.'s protocol, 1 (the sum) in Gong et al.'s

    Mean and deviation are those of the whole domain, test pictures included: the protocol is transductive.
    """
    collection = images.images if isinstance(images, Vectors) else images
    x = np.asarray(x, np.float32)
    x = x / np.maximum(np.linalg.norm(x, order, axis=1, keepdims=True), 1e-12)
    for domain in domains(collection):
        rows = collection.splits[domain]
        deviation = x[rows].std(0)
        x[rows] = (x[rows] - x[rows].mean(0)) / np.where(deviation > 0, deviation, 1)
    return x


def principal_axes(x: np.ndarray, most: int) -> np.ndarray:
    """The first principal axes of vectors [N, d], orthonormal columns [d, `most`]; fewer if N - 1 or d is less.

    By the smaller of the two symmetric eigenproblems, of x^T x [d, d] or x x^T [N, N].
    """
    x = (x - x.mean(0)).astype(np.float64)
    wide = x.shape[1] > len(x)
    products = x @ x.T if wide else x.T @ x
    most = min(most, len(x) - 1, x.shape[1])
    # by one thread: the many small steps wait for all of them, fifty times as long beside a busy process
    with threadpool_limits(1, "blas"):
        _, axes = eigh(products, subset_by_index=[len(products) - most, len(products) - 1])
    axes = axes[:, ::-1]  # they come in rising order
    if wide:
        axes = x.T @ axes
        axes /= np.linalg.norm(axes, axis=0)
    return axes.astype(np.float32)


def reduced(given: Shift, most: int = 20) -> Shift:
    """Hoffman et al.'s vectors: the first principal components of source, target and test pictures together.

    Transductive again. Centred on their mean.
    """
    together = np.concatenate([given.x, given.test])
    axes = principal_axes(together, most)
    centred = {key: getattr(given, key) - together.mean(0) for key in VECTORS}
    return replace(given, **centred).mapped(axes, axes)
