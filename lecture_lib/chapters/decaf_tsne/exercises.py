"""The exercises of 01_decaf_tsne."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lecture_lib.exercises.judging import Exercise, NotTried, Wrong, compare


def _check_purity(purity: Callable) -> None:
    labels = np.array([0, 0, 1, 1, 2])
    nearest = np.array([[1, 2, 3], [0, 2, 4], [3, 0, 1], [2, 0, 4], [0, 1, 2]])
    share = np.asarray(purity(nearest, labels))
    if share.ndim == 0:
        raise Wrong("purity gives one number; give one for each picture, the mean comes later.")
    if share.shape == (5,) and np.allclose(share, [1, 1, 1, 1, 0]):
        raise Wrong("it counts the neighbours of the same class; their share is the count divided by k.")
    compare(share, [1 / 3, 1 / 3, 1 / 3, 1 / 3, 0], "the purity of each picture")
    names = np.array(["bird", "fish", "bird"])  # classes may be words
    compare(
        purity(np.array([[2, 1], [0, 2], [0, 1]]), names), [0.5, 0, 0.5], "the purity with words for labels"
    )


def _check_multiply_adds(multiply_adds: Callable) -> None:
    # AlexNet's conv1 and conv2 (Krizhevsky et al. 2012), per picture
    first = multiply_adds(3, 96, 11, 55, 55)
    if first == 3 * 96 * 11 * 55 * 55:
        raise Wrong("a kernel is a square: it has k * k weights for each input channel, not k.")
    if first == 3 * 96 * 11 * 11:
        raise Wrong("this counts the weights; each of them is used at every place of the output.")
    compare(first, 105_415_200, "AlexNet's conv1 (3 to 96 channels, 11x11, output 55x55)")
    second = multiply_adds(96, 256, 5, 27, 27, groups=2)
    if second == 96 * 256 * 25 * 27 * 27:
        raise Wrong("with groups=2 each output channel sees only half of the input channels.")
    compare(second, 223_948_800, "AlexNet's conv2 (96 to 256 channels, 5x5, output 27x27, groups=2)")


_WHY_NOT = {
    "b": "the gap between two islands depends on perplexity and start, as the four maps have shown (b)",
    "c": "t-SNE evens out densities: the size of an island follows from the number of its points (c)",
    "e": "the target's classes were not in the training set, and their islands lie apart all the same (e)",
}


def _check_supported(supported: Any) -> None:
    letters = {str(letter).strip().lower() for letter in supported}
    if "ellipsis" in letters:
        raise NotTried
    if unknown := letters - set("abcde"):
        raise Wrong(f"{sorted(unknown)[0]!r} is none of the letters a to e.")
    for letter, reason in _WHY_NOT.items():
        if letter in letters:
            raise Wrong(f"{reason}.")
    if "a" not in letters:
        raise Wrong("one about neighbours is missing: being neighbours is what t-SNE tries to keep.")
    if "d" not in letters:
        raise Wrong("one is missing: t-SNE was given no labels, so what put the groups together?")


EXERCISES = (
    Exercise(
        number="01.1",
        question="The share of each picture's nearest neighbours that have its label.",
        answer="purity",
        check=_check_purity,
        hints=(
            "labels[nearest] has the labels of all neighbours at once, in the shape of nearest.",
            "Compare them with labels[:, None], which is one column: NumPy repeats it k times.",
            "The mean over the neighbours of a table of True and False is a share: .mean(1).",
        ),
        solution="""
def purity(nearest, labels):
    return (labels[nearest] == labels[:, None]).mean(1)
""",
    ),
    Exercise(
        number="01.2",
        question="The number of multiply-adds of a convolution for one picture.",
        answer="multiply_adds",
        check=_check_multiply_adds,
        hints=(
            "How many numbers does the output have? Each is one dot product.",
            "A dot product is as long as a kernel: k * k places times the input channels it sees.",
            "With groups, an output channel sees c_in / groups input channels.",
        ),
        solution="""
def multiply_adds(c_in, c_out, k, h, w, groups=1):
    return c_out * h * w * (c_in // groups) * k * k
""",
    ),
    Exercise(
        number="01.3",
        question="What one t-SNE map supports.",
        answer="supported",
        check=_check_supported,
        hints=(
            "What does KL(P || Q) punish: losing a neighbour, or a wrong distance between far points?",
            "Look again at the four maps of one set of features: what did all of them agree on?",
            "Two letters are right; neither of them is about a size or a far distance.",
        ),
        solution="""
supported = {"a", "d"}
""",
    ),
)
