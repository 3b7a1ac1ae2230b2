"""The learners: linear SVM and logistic regression, on features that stay as they are.

Every learner here takes features, labels and several values of C, and returns one `Linear` for each of them:

svm                  one-vs-rest linear SVMs, by our own solver (solver.py), all classes and values of C together
logistic_regression  softmax over the classes, all values of C together (softmax.py)

C is the weight of the training error against 1/2 |w|^2: a small C means much regularisation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lecture_lib import checks, settings
from lecture_lib.linear import softmax
from lecture_lib.linear.solver import solve

COPIES = 4  # of each training picture, under dropout masks of their own


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear classifier of several classes: scores = x weights^T + bias.

    weights  float32 [classes, d]
    bias     float32 [classes]
    C        the one that it was trained with
    """

    weights: np.ndarray
    bias: np.ndarray
    C: float

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Score features [N, d], or [N, V, d] of V views: float32 [N, C] or [N, V, C].

        The SVM's are margins, those of logistic regression log-odds.
        """
        x = np.asarray(x, np.float32)
        checks.features(x.reshape(-1, x.shape[-1]))
        return x @ self.weights.T + self.bias

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the class with the highest score for features [N, d]: int64 [N]."""
        return self.scores(x).argmax(1)


def svm(
    x: np.ndarray, labels: np.ndarray, Cs: Sequence[float], *, dropout: float = 0.0, seed: int = 0
) -> list[Linear]:
    """Train one-vs-rest linear SVMs: 1/2 |w_c|^2 + C sum_i max(0, 1 - y_ic (w_c . x_i + b_c))^2 for each class c.

    The squared hinge of LIBLINEAR and scikit-learn's LinearSVC; unlike theirs, the bias b_c is free.

    x        [N, d] real, any length; the papers scale each x_i to length 1
    labels   int64 [N], one class a picture; or int8 [N, C] as in VOC: 1 present, 0 absent, -1 only as `difficult`,
             which leaves the picture out of that class's problem
    Cs       values of C, each > 0
    dropout  part of the features that is dropped while training; see `drop_features`
    returns  a `Linear` for each C, in the order of Cs

    Raises ValueError for wrong shapes, labels, NaN, or C <= 0; warns if a problem was not solved (see `solve`).
    """
    x, labels = _checked(x, labels, Cs)
    present = labels == np.arange(labels.max() + 1)[:, None] if labels.ndim == 1 else labels.T == 1
    known = np.ones_like(present) if labels.ndim == 1 else labels.T >= 0
    copies = COPIES if dropout else 1
    device = _device()
    arrays = np.where(present, np.float32(1), np.float32(-1)), known.astype(np.float32) / copies
    arrays = drop_features(x, dropout, copies, seed), *(np.tile(one, copies) for one in arrays)
    solved = solve(*(torch.from_numpy(one).to(device) for one in arrays), Cs)
    weights, bias = solved.weights.cpu().numpy(), solved.bias.cpu().numpy()
    return [Linear(*one) for one in zip(weights, bias, Cs, strict=True)]


def logistic_regression(
    x: np.ndarray, labels: np.ndarray, Cs: Sequence[float], *, dropout: float = 0.0, seed: int = 0
) -> list[Linear]:
    """Train multinomial logistic regression: 1/2 |W|^2 - C sum_i log softmax(W x_i + b)_{y_i}; b is free.

    As `svm`, for labels int64 [N] with one class a picture, every class from 0 to the highest present.
    """
    x, labels = _checked(x, labels, Cs)
    if labels.ndim != 1:
        raise ValueError("Softmax knows one class a picture; for several (labels [N, C]) take svm.")
    missing = np.setdiff1d(np.arange(max(labels.max() + 1, 2)), labels)
    if len(missing):
        raise ValueError(
            f"No training picture of class {', '.join(map(str, missing[:5]))}: logistic regression needs two classes "
            "or more, and a picture of every class from 0 to the highest label."
        )
    copies = COPIES if dropout else 1
    arrays = drop_features(x, dropout, copies, seed), np.tile(labels, copies)
    trained = softmax.solve(
        *(torch.from_numpy(one).to(_device()) for one in arrays), [c / copies for c in Cs]
    )
    return [Linear(w.cpu().numpy(), b.cpu().numpy(), c) for (w, b), c in zip(trained, Cs, strict=True)]


def drop_features(x: np.ndarray, rate: float, copies: int, seed: int) -> np.ndarray:
    """Return [copies N, d]: each picture's features `copies` times, each number set to 0 with probability `rate`.

    What is kept is divided by 1 - rate, so that the mean over masks is x and nothing changes for test pictures
    (DeCAF multiplies them by 1 - rate instead, which is the same). At rate 0, x once for each copy.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"dropout is {rate}; it is the part that is dropped, from 0 to below 1.")
    x = np.tile(x, (copies, 1))
    if rate:
        x *= (np.random.default_rng(seed).random(x.shape, np.float32) >= rate) / np.float32(1 - rate)
    return x


def _device() -> str:
    return "cuda" if settings.current().device.type == "cuda" else "cpu"  # Apple's is untried


def _checked(x: np.ndarray, labels: np.ndarray, Cs: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    x = np.asarray(checks.features(x), np.float32)
    checks.above_zero(Cs, "Cs")
    return x, checks.labels(labels, n=len(x), several=True)
