"""The exercises of 01_decaf_tsne."""

from __future__ import annotations

from typing import Any

import numpy as np

from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong

_NEAREST = np.array([[1, 2, 3], [0, 2, 4], [3, 0, 1], [2, 0, 4], [0, 1, 2]])
_LABELS, _WORDS = np.array([0, 0, 1, 1, 2]), np.array(["bird", "fish", "bird"])

PURITY = Exercise(
    number="01.1",
    question="The share of each picture's nearest neighbours that have its label.",
    hints=(
        "labels[nearest] has the labels of all neighbours at once, in the shape of nearest.",
        "Compare them with labels[:, None], which is one column: NumPy repeats it k times.",
        "The mean over the neighbours of a table of True and False is a share: .mean(1).",
    ),
    solution="""
def purity(nearest, labels):
    return (labels[nearest] == labels[:, None]).mean(1)
""",
    mistakes={
        "it counts the neighbours of the same class; their share is the count divided by k.": ".mean(1) -> .sum(1)",
        "purity gives one number; give one for each picture, the mean comes later.": ".mean(1) -> .mean()",
    },
    tries=(
        ("the purity of each picture", _NEAREST, _LABELS),
        ("the purity with words for labels", np.array([[2, 1], [0, 2], [0, 1]]), _WORDS),
    ),
)

MULTIPLY_ADDS = Exercise(
    number="01.2",
    question="The number of multiply-adds of a convolution for one picture.",
    hints=(
        "How many numbers does the output have? Each is one dot product.",
        "A dot product is as long as a kernel: k * k places times the input channels it sees.",
        "With groups, an output channel sees c_in / groups input channels.",
    ),
    solution="""
def multiply_adds(c_in, c_out, k, h, w, groups=1):
    return c_out * h * w * (c_in // groups) * k * k
""",
    mistakes={
        "a kernel is a square: it has k * k weights for each input channel, not k.": "* k * k -> * k",
        "this counts the weights; each of them is used at every place of the output.": "h * w * (c_in -> (c_in",
        "with groups=2 each output channel sees only half of the input channels.": "c_in // groups -> c_in",
        "the output has h * w places; h and w may differ.": "h * w -> h * h | h * w -> w * w",
    },
    tries=(  # the first two are AlexNet's (Krizhevsky et al. 2012), the last has an output that is no square
        ("AlexNet's conv1 (3 to 96 channels, 11x11, output 55x55)", 3, 96, 11, 55, 55),
        ("AlexNet's conv2 (96 to 256 channels, 5x5, output 27x27, groups=2)", 96, 256, 5, 27, 27, 2),
        ("a convolution from 16 to 32 channels, 3x3, with output 20x30", 16, 32, 3, 20, 30),
    ),
    tolerance=0,
)

_WHY_NOT = {
    "b": "the gap between two islands depends on perplexity and start, as the four maps have shown (b)",
    "c": "t-SNE evens out densities: the size of an island follows from the number of its points (c)",
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


SUPPORTED = Exercise(
    number="01.3",
    question="What one t-SNE map supports.",
    hints=(
        "What does KL(P || Q) punish: losing a neighbour, or a wrong distance between far points?",
        "Look again at the four maps of one set of features: what did all of them agree on?",
        "Two letters are right; neither of them is about a size or a far distance.",
    ),
    solution="""
supported = {"a", "d"}
""",
    check=_check_supported,
)

EXERCISES = (PURITY, MULTIPLY_ADDS, SUPPORTED)

check, hint, solution = commands(EXERCISES)
