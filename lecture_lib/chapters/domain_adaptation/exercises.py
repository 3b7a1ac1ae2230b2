"""The exercises of 07_domain_adaptation."""

import numpy as np

from lecture_lib.chapters.domain_adaptation.questions import QUESTIONS
from lecture_lib.exercises.judging import Exercise, commands

_RNG = np.random.default_rng(0)
_X = _RNG.normal(size=(5, 3))
_TARGET = np.array([False, False, True, False, True])

AUGMENT = Exercise(
    number="07.1",
    question="Daume's features: a shared copy, and one for each domain.",
    hints=(
        "Every picture has its vector in the first d numbers; what follows depends on its domain.",
        "np.where(of_target[:, None], a, b) takes rows of a for target pictures, of b for the others.",
        "np.hstack of x, of x with 0 in the target's rows, and of x with 0 in the source's rows.",
    ),
    solution="""
def augment(x, of_target):
    own = of_target[:, None]
    return np.hstack([x, np.where(own, 0, x), np.where(own, x, 0)])
""",
    mistakes={
        "the copies of source and target have changed places: [x, x, 0] is the source's.": (
            "np.where(own, 0, x), np.where(own, x, 0) -> np.where(own, x, 0), np.where(own, 0, x)"
        ),
        "the shared copy comes last; in the formula it is first.": (
            "[x, np.where(own, 0, x), np.where(own, x, 0)] -> [np.where(own, 0, x), np.where(own, x, 0), x]"
        ),
        "every picture has all three copies, so a classifier cannot tell the domains apart.": (
            "np.where(own, 0, x), np.where(own, x, 0) -> x, x"
        ),
        "the shared copy is missing: nothing learned in one domain would reach the other.": "[x, np -> [0 * x, np",
    },
    tries=(
        (" for five pictures, two of them of the target,", _X, _TARGET),
        (" for target pictures alone", _X, np.ones(5, bool)),
    ),
    parts=lambda answer, *given: [("the features", answer(*given))],
)


def _subspace(seed: int, d: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(7, d)))[0]


def _turned(P: np.ndarray, theta: float) -> np.ndarray:
    """P [7, 2] with its first axis turned by theta out of the subspace."""
    beside = _subspace(5, 7)[:, 3]
    beside = beside - P @ (P.T @ beside)
    first = np.cos(theta) * P[:, 0] + np.sin(theta) * beside / np.linalg.norm(beside)
    return np.stack([first, P[:, 1]], 1)


ANGLES = Exercise(
    number="07.2",
    question="The principal angles between two subspaces.",
    hints=(
        "P.T @ Q has the cosines between all axes of the one and all of the other, but the axes do not meet yet.",
        "The singular values of P.T @ Q are the cosines of the principal angles.",
        "np.linalg.svd(P.T @ Q, compute_uv=False) gives them, the largest first; rounding may make one 1.0000000002.",
    ),
    solution="""
def principal_angles(P, Q):
    cosines = np.linalg.svd(P.T @ Q, compute_uv=False)
    return np.arccos(np.clip(cosines, 0, 1))
""",
    mistakes={
        "these are the cosines of the angles; the angles themselves are asked for.": "np.clip(cosines, 0, 1)",
        "they are in degrees; give radians.": "return np.arccos -> return 180 / np.pi * np.arccos",
        "the largest comes first; the smallest should.": "np.arccos(np.clip(cosines, 0, 1))[::-1]",
        "np.arcsin takes sines; the singular values are cosines.": "np.arccos -> np.arcsin",
        "eigenvalues of P.T @ P or Q.T @ Q say nothing of how the two lie to each other.": (
            "P.T @ Q -> P.T @ P | P.T @ Q -> Q.T @ Q"
        ),
        "these are angles between the axes as they are given; the principal ones are the best that turned axes have.": (
            "np.linalg.svd(P.T @ Q, compute_uv=False) -> np.diag(P.T @ Q)"
            " | np.linalg.svd(P.T @ Q, compute_uv=False) -> np.sort(np.diag(P.T @ Q))[::-1]"
        ),
        "it is NaN where two axes agree: a cosine of 1.0000000002 has no angle. Clip it.": (
            "np.clip(cosines, 0, 1) -> cosines * (1 + 1e-9)"
        ),
    },
    tries=(
        ("the angles of two subspaces of three dimensions", _subspace(2, 3), _subspace(3, 3)),
        ("the angles of a subspace with itself", _subspace(1, 2), _subspace(1, 2)),
        (
            "the angles of a subspace one of whose axes is turned by 0.3",
            _subspace(1, 2),
            _turned(_subspace(1, 2), 0.3),
        ),
    ),
    tolerance=1e-4,
)

_SOURCE, _OTHER = (
    _RNG.normal(size=(40, 3)) * [1, 2, 0.5],
    _RNG.normal(size=(60, 3)) @ np.array([[2, 0.5, 0], [0, 1, 0.7], [0.3, 0, 1]]),
)

CORAL = Exercise(
    number="07.3",
    question="CORAL: give the source the target's covariance.",
    hints=(
        "np.cov wants pictures in columns: np.cov(x.T). Add np.eye(d) to both covariances.",
        "np.linalg.eigh(C) gives squares and axes; axes * squares**p @ axes.T is C to the power p.",
        "First whiten, x C_S^(-1/2), then colour again, C_T^(1/2): x is multiplied from the right.",
    ),
    solution="""
def coral(source, target):
    def power(x, p):
        squares, axes = np.linalg.eigh(np.cov(x.T) + np.eye(x.shape[1]))
        return axes * squares**p @ axes.T

    return source @ power(source, -0.5) @ power(target, 0.5)
""",
    mistakes={
        "the target is mapped to the source; it is the source that moves.": (
            "source @ power(source, -0.5) @ power(target, 0.5) -> target @ power(target, -0.5) @ power(source, 0.5)"
        ),
        "it is only whitened: C_T^(1/2) is missing.": " @ power(target, 0.5) -> ",
        "it is not whitened first: C_S^(-1/2) is missing.": "source @ power(source, -0.5) @ -> source @",
        "the powers are -1 and 1; they are -1/2 and 1/2.": "-0.5 -> -1; 0.5 -> 1",
        "the unit matrix is missing in C: with few pictures C_S has no inverse.": " + np.eye(x.shape[1]) -> ",
        "the two powers have changed places: whiten first, then colour.": (
            "power(source, -0.5) @ power(target, 0.5) -> power(target, 0.5) @ power(source, -0.5)"
        ),
    },
    tries=(("the source's vectors", _SOURCE, _OTHER), ("those of few pictures", _SOURCE[:3], _OTHER)),
    tolerance=1e-4,
)

_LABELS = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 1])
_TEST = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 1], bool)
_VECTORS = _RNG.normal(size=(10, 2)) + np.eye(3)[_LABELS] @ np.array([[4, 0], [0, 4], [-3, -3]])

CENTRE = Exercise(
    number="07.4",
    question="A leak to find in how the target domain is centred.",
    stub="""
def centre(x, labels, test):
    means = [x[labels == c].mean(0) for c in np.unique(labels)]
    return x - np.mean(means, 0)
""",
    hints=(
        "Which pictures' labels does nobody have, outside of an experiment?",
        "~test picks the pictures whose labels are known.",
        "Inside the list, x[(labels == c) & ~test] are the labelled pictures of class c.",
    ),
    solution="""
def centre(x, labels, test):
    means = [x[(labels == c) & ~test].mean(0) for c in np.unique(labels[~test])]
    return x - np.mean(means, 0)
""",
    mistakes={
        "labels of test pictures still say where the middle is.": "(labels == c) & ~test -> labels == c",
        "it is now the test pictures alone whose labels are used.": "~test -> test",
        "no label is used any more; a class with many labelled pictures pulls the middle towards it.": (
            "np.mean(means, 0) -> x[~test].mean(0)"
        ),
        "no label is used any more, but all pictures of the domain: that is allowed, and transductive, yet classes "
        "that are frequent pull the middle towards them.": "np.mean(means, 0) -> x.mean(0)",
        "only the labelled pictures come back; all are to be centred.": "return x - -> return x[~test] -",
    },
    tries=(
        ("the centred vectors", _VECTORS, _LABELS, _TEST),
        (
            "the centred vectors, where a class has no labelled picture,",
            _VECTORS,
            _LABELS,
            _TEST | (_LABELS == 1),
        ),
    ),
)

EXERCISES = (AUGMENT, ANGLES, CORAL, CENTRE, QUESTIONS)

check, hint, solution = commands(EXERCISES)
