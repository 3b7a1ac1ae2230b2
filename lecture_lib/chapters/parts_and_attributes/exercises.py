"""The exercises of 09_parts_and_attributes."""

import numpy as np

from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.texts import with_texts

_RNG = np.random.default_rng(0)

ALIGN = Exercise(
    "09.1",
    tries=(
        ("the map for a bird that lies level,", np.array([10.0, 20.0]), np.array([42.0, 20.0])),
        ("the map for a bird that stands on its head,", np.array([50.0, 30.0]), np.array([40.0, 94.0])),
        ("the map for a bird that looks the other way,", np.array([80.0, 55.0]), np.array([31.0, 41.0])),
    ),
    tolerance=1e-5,
)

_SCORES = np.array([0.9, 0.2, 0.7, 0.5, 0.1, 0.8, 0.3])
_LABELS = np.array([0, 1, 1, 0, 0, -1, 1])

PRECISION = Exercise(
    "09.2",
    tries=(
        ("the average precision with one unspecified person", _SCORES, _LABELS),
        ("the average precision with many unspecified people", _SCORES, np.array([-1, 1, -1, 0, -1, -1, 1])),
        ("the average precision of a perfect ranking", _SCORES, np.array([1, 0, 1, 0, 0, 1, -1])),
    ),
    tolerance=1e-6,
)

_PARTS = _RNG.normal(size=(3, 4))
_W = _RNG.random((2, 3, 2))

POOLING = Exercise(
    "09.3",
    tries=(
        ("the regions of a bird that looks left,", _PARTS, _W, 1),
        ("the regions of a bird that looks right,", _PARTS, _W, 0),
    ),
    tolerance=1e-6,
)

_NAMES = ("beak", "left eye", "left wing", "right eye", "right wing")
_POINTS = np.array([[10, 20, 1], [14, 18, 1], [0, 0, 0], [0, 0, 0], [30, 33, 1]], float)

MIRROR = Exercise(
    "09.4",
    tries=(
        ("the points of a mirrored bird", _POINTS, 64, _NAMES),
        (
            "the points where every part is seen",
            np.column_stack([_RNG.random((5, 2)) * 50, np.ones(5)]),
            50,
            _NAMES,
        ),
    ),
    tolerance=1e-6,
)

EXERCISES = with_texts(__file__, ALIGN, PRECISION, POOLING, MIRROR)

check, hint, solution = commands(EXERCISES)
