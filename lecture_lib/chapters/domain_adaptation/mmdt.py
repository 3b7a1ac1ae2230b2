"""MMDT: maximum margin domain transforms (Hoffman et al. 2013), SVMs and a map of the target together.

    J(A, W, b) = 1/2 stay |A - I|^2 + 1/2 |W|^2 + C_s sum over source h + C_t sum over target h,
    h = sum over classes k max(0, 1 - y_k (w_k . z + b_k))^2

with z = x for the source, z = A [x; 1] for the target. Half steps in turn: SVMs for a fixed A, then A for fixed SVMs.
The authors' code has a weight gamma of its own for the errors in the second; stay = 2 C_t / gamma makes both one J.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from lecture_lib.linear import Linear, svm

ROUNDS = 2  # as released


class Constants(NamedTuple):
    """C_s, C_t: the weight of an error in the source and in the target; stay: the weight of A's distance from I."""

    C_s: float
    C_t: float
    stay: float


RELEASED = Constants(0.05, 1, 2e4)  # gamma = 1e-4
MOVING = Constants(0.05, 0.05, 0.1)  # gamma = 1


@dataclass(frozen=True, eq=False)
class Transfer:
    """What MMDT learns: SVMs, A [d, d + 1], and J after every half step."""

    svms: Linear
    A: np.ndarray
    objective: list[float]

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the class of target vectors [N, d]: int64 [N]."""
        return self.svms.predict(moved(x, self.A))


def moved(x: np.ndarray, A: np.ndarray) -> np.ndarray:
    """A [x; 1] for vectors [N, d]: [N, d]."""
    return x @ A[:, :-1].T + A[:, -1]


def mmdt(xs: np.ndarray, ys: np.ndarray, xt: np.ndarray, yt: np.ndarray, given: Constants) -> Transfer:
    """Learn from source vectors [n, d] and a few of the target [m, d], with labels int64."""
    A = np.eye(xt.shape[1], xt.shape[1] + 1)
    weights, labels = np.repeat([given.C_s, given.C_t], [len(xs), len(xt)]), np.concatenate([ys, yt])
    objective = []

    def note() -> None:
        z = np.concatenate([xs, moved(xt, A)])
        loss = hinges(svms.scores(z), labels).sum(1) @ weights
        stay = given.stay * np.square(A - np.eye(*A.shape)).sum()
        objective.append(float(loss + (stay + np.square(svms.weights).sum()) / 2))

    for half in range(1 + 2 * ROUNDS):
        if half % 2 == 0:
            (svms,) = svm(np.concatenate([xs, moved(xt, A)]), labels, [1.0], weights=weights)
        elif given.C_t:
            A = best_map(svms, xt, yt, given.C_t / given.stay, A)
        note()
    return Transfer(svms, A, objective)


def best_map(svms: Linear, x: np.ndarray, labels: np.ndarray, weight: float, A: np.ndarray) -> np.ndarray:
    """Minimise 1/2 |A - I|^2 + weight sum h over A, from A on: L-BFGS."""
    ones, I = np.hstack([x, np.ones((len(x), 1))]), np.eye(*A.shape)  # noqa: E741

    def value_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        A = flat.reshape(I.shape)
        scores = ones @ A.T @ svms.weights.T + svms.bias
        y = signs(labels, scores.shape[1])
        short = (1 - y * scores).clip(0)
        gradient = A - I - 2 * weight * svms.weights.T @ (short * y).T @ ones
        return np.square(A - I).sum() / 2 + weight * np.square(short).sum(), gradient.ravel()

    return minimize(value_and_gradient, A.ravel(), jac=True, method="L-BFGS-B").x.reshape(I.shape)


def signs(labels: np.ndarray, classes: int) -> np.ndarray:
    """y [N, classes]: 1 for a picture's class, -1 for the others."""
    return np.where(labels[:, None] == np.arange(classes), 1, -1)


def hinges(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The squared hinge of each picture and class, [N, classes]."""
    return np.square((1 - signs(labels, scores.shape[1]) * scores).clip(0))
