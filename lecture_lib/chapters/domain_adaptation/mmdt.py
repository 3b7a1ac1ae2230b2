"""MMDT: maximum margin domain transforms (Hoffman et al. 2013), SVMs and a map of the target together.

    J(A, W) = 1/2 stay |A - I|^2 + 1/2 |W|^2 + C_s sum over source h + C_t sum over target h,
    h = sum over classes k max(0, 1 - y_k w_k . z)^2

with z = [x; 1] for the source, z = A [x; 1] for the target. Half steps in turn: SVMs for a fixed A, then A for fixed
SVMs. The authors' code has a weight gamma of its own for the errors in the second; stay = 2 C_t / gamma makes one J of
both.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from lecture_lib.chapters.domain_adaptation import liblinear

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
    """What MMDT learns: W [classes, d + 1], A [d + 1, d + 1], and J after every half step."""

    W: np.ndarray
    A: np.ndarray
    objective: list[float]

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the class of target vectors [N, d]: int64 [N]."""
        return (with_one(x) @ self.A.T @ self.W.T).argmax(1)

    def moved(self, x: np.ndarray) -> np.ndarray:
        """Where A takes target vectors [N, d]: [N, d]."""
        return (with_one(x) @ self.A.T)[:, :-1]


def with_one(x: np.ndarray) -> np.ndarray:
    """[x; 1] for vectors [N, d]: float64 [N, d + 1]."""
    return np.hstack([x, np.ones((len(x), 1))])


def mmdt(xs: np.ndarray, ys: np.ndarray, xt: np.ndarray, yt: np.ndarray, given: Constants) -> Transfer:
    """Learn from source vectors [n, d] and a few of the target [m, d], with labels int64."""
    xs, xt = with_one(xs), with_one(xt)
    weights, labels = np.repeat([given.C_s, given.C_t], [len(xs), len(xt)]), np.concatenate([ys, yt])
    A, I, objective = np.eye(xt.shape[1]), np.eye(xt.shape[1]), []  # noqa: E741
    for half in range(1 + 2 * ROUNDS):
        if half % 2 == 0:
            W = liblinear.svm(np.concatenate([xs, xt @ A.T]), labels, weights, bias=False).weights
        elif given.C_t:
            A = best_map(W, xt, yt, given.C_t / given.stay)
        errors = weights @ hinges(np.concatenate([xs, xt @ A.T]) @ W.T, labels).sum(1)
        objective.append(float(errors + (given.stay * np.square(A - I).sum() + np.square(W).sum()) / 2))
    return Transfer(W, A, objective)


def best_map(W: np.ndarray, x: np.ndarray, labels: np.ndarray, weight: float) -> np.ndarray:
    """Minimise 1/2 |A - I|^2 + weight sum h over A, from I on: L-BFGS. x [m, d + 1].

    The gradient of h is W^T (...) x, so the best A is I + Q_W B Q_x^T, with axes Q_W of W's rows and Q_x of x's:
    what is to be found is B, of at most classes x m numbers and not of (d + 1)^2.
    """
    (Q_W, R_W), (Q_x, R_x), y = np.linalg.qr(W.T), np.linalg.qr(x.T), signs(labels, len(W))

    def value_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        B = flat.reshape(len(R_W), len(R_x))
        short = (1 - y * (x @ W.T + R_x.T @ B.T @ R_W)).clip(0)
        gradient = B - 2 * weight * R_W @ (short * y).T @ R_x.T
        return np.square(B).sum() / 2 + weight * np.square(short).sum(), gradient.ravel()

    found = minimize(value_and_gradient, np.zeros(len(R_W) * len(R_x)), jac=True, method="L-BFGS-B").x
    return np.eye(x.shape[1]) + Q_W @ found.reshape(len(R_W), len(R_x)) @ Q_x.T


def signs(labels: np.ndarray, classes: int) -> np.ndarray:
    """y [N, classes]: 1 for a picture's class, -1 for the others."""
    return np.where(labels[:, None] == np.arange(classes), 1, -1)


def hinges(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The squared hinge of each picture and class, [N, classes]."""
    return np.square((1 - signs(labels, scores.shape[1]) * scores).clip(0))
