"""The exercises of 03_ifv_vs_cnn."""

import warnings
from collections.abc import Callable, Iterator

import numpy as np

from lecture_lib.exercises.comparing import agree, finite, unpack
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong
from lecture_lib.exercises.texts import with_texts

# No row's length is 1, before the root or after it; no two rows or columns have the same.
_PHI = np.array([[0.09, -0.25, 0, 4, -0.01], [-1, 0.36, 2.25, -0.04, 0.49], [16, -9, 0.16, -0.64, 1.21]])


def _without_warning(improve: Callable, phi: np.ndarray) -> Iterator[tuple]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        z = improve(phi)
    yield "the result", z
    if numpys := [warning.message for warning in caught if issubclass(warning.category, RuntimeWarning)]:
        raise Wrong(f"the numbers are right, but NumPy warns on the way: {numpys[0]}.")


IMPROVE = Exercise(
    "03.1",
    tries=(
        ("", _PHI),
        (" for numbers of about 1e-6, to whose length nothing may be added,", 1e-6 * _PHI),
        (" for a matrix with a row of zeros", _PHI * [[1], [0], [1]]),
    ),
    parts=_without_warning,
)

_X = np.array([[1, 0.5, -2], [0, 1.5, 1], [2, -1, 0.5], [-1, 3, 0], [0.5, 0.25, 4]])
_Q = np.array([0.9, 0.2, 0.6, 0.05, 0.35])
_GAUSSIAN = np.array([0.25, 1, -0.5]), np.array([0.5, 2, 1.5]), 0.16

FIRST_ORDER = Exercise(
    "03.2",
    tries=(
        ("u", _X, _Q, *_GAUSSIAN),
        ("u of a single descriptor", _X[:1], _Q[:1], *_GAUSSIAN),
        ("u where no descriptor is given to the Gaussian (all q are 0)", _X, 0 * _Q, *_GAUSSIAN),
    ),
)

_NEAR = (
    np.array([[0.5, 0, -1], [2, 1, 0.5], [-1, 0.25, 1], [0, 2, 0.75], [1, 1, 1]]),
    np.array([0.5, 0.2, 0.2, 0.1]),
    np.array([[0, 0, 0], [1, 1, 0.5], [-1, 0.5, 1], [0.5, 1, -1.0]]),
    np.array([[1, 0.5, 2], [0.6, 0.8, 0.4], [2, 1.5, 1], [1.2, 0.3, 0.7]]),
)
# One near, three far away, along an axis in which two Gaussians do not differ, and the third is narrower: its q
# is 0, and the other axes decide between the two.
_FAR = (
    np.array([[0.5, 0, -1], [0.1, 60, 0], [-0.3, -60, 0.2], [0.2, 1000, 0]]),
    np.array([0.5, 0.3, 0.2]),
    np.array([[0.5, 0, 0], [-0.5, 0, 0], [0, 0, 1]]),
    np.array([[1, 1, 1], [1, 1, 1], [1, 0.25, 1]]),
)
_RNG = np.random.default_rng(0)
_MANY_MU, _MANY_VAR = 1e-4 * _RNG.normal(size=(3, 80)), 1e-6 * _RNG.uniform(0.9, 1.1, (3, 80))  # they overlap
_MANY = 1e-3 * _RNG.normal(size=(4, 80)), _FAR[1], _MANY_MU, _MANY_VAR

SOFT_ASSIGNMENT = Exercise(
    "03.3",
    tries=(
        ("q", *_NEAR),
        ("q of descriptors near and far", *_FAR),
        ("q for D = 80 and variances of 1e-6", *_MANY),
    ),
    tolerance=1e-4,
)


def _pyramid_and_positions(dimensions: Callable, K: int, D: int) -> Iterator[tuple]:
    names = "the dimension with the spatial pyramid", "the dimension with (x, y)"
    both = unpack(dimensions(K, D), *names)
    if agree(both, [2 * K * (D + 2), 16 * K * D], 0):
        raise Wrong("the two are exchanged: first the spatial pyramid, then (x, y).")
    yield from zip(names, both, strict=True)


DIMENSIONS = Exercise(
    "03.4",
    tries=((" for K = 256, D = 80", 256, 80), (" for K = 3, D = 5", 3, 5)),
    parts=_pyramid_and_positions,
    tolerance=0,
)


def _keeps_views_together(fold_of: Callable) -> None:
    for n, views, folds in ((30, 10, 3), (14, 2, 4)):
        case = f"for {n} pictures with {views} views each and {folds} folds"
        given = finite(fold_of(n, views, folds), f"what it gives {case}", [n * views])
        if not np.isin(given, range(folds)).all():
            raise Wrong(f"{case} it names other folds than 0 to {folds - 1}.")
        for i, of_picture in enumerate(given.reshape(n, views)):
            if (apart := np.unique(of_picture).astype(int)).size > 1:
                raise Wrong(
                    f"{case} the views of picture {i} lie in folds {apart[0]} and {apart[1]}: one is trained on, and "
                    "the other is to tell how well pictures are known that were never seen."
                )
        sizes = np.bincount(given.astype(int), minlength=folds) // views
        if np.ptp(sizes) > 1:
            raise Wrong(
                f"{case} the folds have {', '.join(map(str, sizes))} pictures; take equally many, or nearly."
            )


LEAK = Exercise("03.5", check=_keeps_views_together)

EXERCISES = with_texts(__file__, IMPROVE, FIRST_ORDER, SOFT_ASSIGNMENT, DIMENSIONS, LEAK)

check, hint, solution = commands(EXERCISES)
