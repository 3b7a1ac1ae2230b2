"""The exercises of 01_decaf_tsne."""

from typing import Any

import numpy as np

from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong
from lecture_lib.exercises.texts import with_texts

_NEAREST = np.array([[1, 2, 3], [0, 2, 4], [3, 0, 1], [2, 0, 4], [0, 1, 2]])
_LABELS, _WORDS = np.array([0, 0, 1, 1, 2]), np.array(["bird", "fish", "bird"])

PURITY = Exercise(
    "01.1",
    tries=(
        ("the purity of each picture", _NEAREST, _LABELS),
        ("the purity with words for labels", np.array([[2, 1], [0, 2], [0, 1]]), _WORDS),
    ),
)

MULTIPLY_ADDS = Exercise(
    "01.2",
    tries=(  # the first two are AlexNet's (Krizhevsky et al. 2012), the last has an output that is no square
        ("AlexNet's conv1 (3 to 96 channels, 11x11, output 55x55)", 3, 96, 11, 55, 55),
        ("AlexNet's conv2 (96 to 256 channels, 5x5, output 27x27, groups=2)", 96, 256, 5, 27, 27, 2),
        ("a convolution from 16 to 32 channels, 3x3, with output 20x30", 16, 32, 3, 20, 30),
    ),
    tolerance=0,
)

_WHY_NOT = {
    "b": "the gap between two islands is kept in part: which of two is larger, a map gets wrong one time in four (b)",
    "c": "the size of an island is kept in part only, as t-SNE evens out densities (c)",
    "e": "the target's classes were not in the training set, and their islands lie apart all the same (e)",
}


def _check_supported(supported: Any) -> None:
    letters = {letter for part in supported for letter in str(part).lower() if letter.isalnum()}
    if unknown := letters - set("abcde"):
        raise Wrong(f"{min(unknown)!r} is none of the letters a to e.")
    for letter, reason in _WHY_NOT.items():
        if letter in letters:
            raise Wrong(f"{reason}.")
    if "a" not in letters:
        raise Wrong("one about neighbours is missing: being neighbours is what t-SNE tries to keep.")
    if "d" not in letters:
        raise Wrong("one is missing: t-SNE was given no labels, so what put the groups together?")


SUPPORTED = Exercise("01.3", check=_check_supported)

_rng = np.random.default_rng(0)
_PHI = (_rng.normal(size=(12, 4)) + 2 * np.eye(4).repeat(3, 0)) * _rng.uniform(0.2, 5, (12, 1)) * [1, 1, 9, 9]

BUGS = Exercise(
    "01.4",
    tries=(
        ("the purity of the pictures of four classes", _PHI, np.arange(4).repeat(3), 2),
        ("the purity of the pictures of two classes", _PHI, np.arange(12) % 2, 5),
    ),
)

EXERCISES = with_texts(__file__, PURITY, MULTIPLY_ADDS, SUPPORTED, BUGS)

check, hint, solution = commands(EXERCISES)
