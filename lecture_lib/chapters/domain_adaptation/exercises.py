"""The exercises of 07_domain_adaptation."""

import numpy as np

from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.texts import with_texts

_RNG = np.random.default_rng(0)
_X = _RNG.normal(size=(5, 3))
_TARGET = np.array([False, False, True, False, True])

AUGMENT = Exercise(
    "07.1",
    tries=(
        ("the features for five pictures, two of them of the target,", _X, _TARGET),
        ("the features for target pictures alone", _X, np.ones(5, bool)),
    ),
)


def _subspace(seed: int, d: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(7, d)))[0]


def _turned(P: np.ndarray, theta: float) -> np.ndarray:
    """P [7, 2] with its first axis turned by theta out of the subspace."""
    beside = _subspace(5, 7)[:, 3]
    beside = beside - P @ (P.T @ beside)
    first = np.cos(theta) * P[:, 0] + np.sin(theta) * beside / np.linalg.norm(beside)
    return np.stack([first, P[:, 1]], 1)


_PLANE = _subspace(1, 2)

ANGLES = Exercise(
    "07.2",
    tries=(
        ("the angles of two subspaces of three dimensions", _subspace(2, 3), _subspace(3, 3)),
        ("the angles of a subspace with itself", _PLANE, _PLANE),
        ("the angles of a subspace one of whose axes is turned by 0.3", _PLANE, _turned(_PLANE, 0.3)),
    ),
    tolerance=1e-4,
)

_SOURCE = _RNG.normal(size=(40, 3)) * [1, 2, 0.5]
_OTHER = _RNG.normal(size=(60, 3)) @ np.array([[2, 0.5, 0], [0, 1, 0.7], [0.3, 0, 1]])

CORAL = Exercise(
    "07.3",
    tries=(("the source's vectors", _SOURCE, _OTHER), ("those of few pictures", _SOURCE[:3], _OTHER)),
    tolerance=1e-4,
)

_LABELS = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 1])
_TEST = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 1], bool)
_VECTORS = _RNG.normal(size=(10, 2)) + np.eye(3)[_LABELS] @ np.array([[4, 0], [0, 4], [-3, -3]])
_WITHOUT_A_CLASS = _TEST | (_LABELS == 1)

CENTRE = Exercise(
    "07.4",
    tries=(
        ("the centred vectors", _VECTORS, _LABELS, _TEST),
        (
            "the centred vectors, where a class has no labelled picture,",
            _VECTORS,
            _LABELS,
            _WITHOUT_A_CLASS,
        ),
    ),
)

EXERCISES = with_texts(__file__, AUGMENT, ANGLES, CORAL, CENTRE)

check, hint, solution = commands(EXERCISES)
