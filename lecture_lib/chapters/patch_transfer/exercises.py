"""The exercises of 05_patch_transfer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import softmax

from lecture_lib.chapters.patch_transfer import judge_geometry
from lecture_lib.exercises.comparing import Reference, finite, numbers
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong

# 05.2. With the background in the last column; numbers large enough for their fifth powers to differ.

_Y = np.array(
    [
        [0.82, 0.06, 0.03, 0.09],
        [0.11, 0.71, 0.13, 0.05],
        [0.04, 0.02, 0.31, 0.63],
        [0.58, 0.27, 0.07, 0.08],
        [0.02, 0.93, 0.01, 0.04],
    ]
)
_COLUMN = "background is no class: leave its column, the last one, out."
_OF_CLASSES = {
    "it takes the power of the mean; first the power of each patch, then the mean.": "y[:, :-1].mean(0) ** k",
    "1/M is missing: a picture of more patches would score higher.": ".mean(0) -> .sum(0)",
    "it divides by the number of classes; M is the number of patches.": (
        "(y[:, :-1] ** k).sum(0) / 3",
        "(y[:, :-1] ** k).sum(0) / 4",
    ),
    "it takes a root at the end; the score is the mean itself.": ".mean(0) -> .mean(0) ** (1 / k)",
    "only the best patch counts; take the mean over all patches.": (
        "y[:, :-1].max(0)",
        "y[:, :-1].max(0) ** k",
    ),
    "k is missing: this is the plain mean.": "y[:, :-1].mean(0)",
    "it multiplies by k; y is to be raised to the power k.": "** k -> * k",
    "it has a number for each patch; the mean over patches is still to be taken.": "y[:, :-1] ** k",
    "it takes the mean over classes; take that over patches (axis 0).": ".mean(0) -> .mean(1)",
    "it is one number; each class has a score of its own.": ".mean(0) -> .mean()",
}


def _with_background(variations: str | tuple[str, ...]) -> tuple[str, ...]:
    variations = (variations,) if isinstance(variations, str) else variations
    return tuple(f"{variation}; y[:, :-1] -> y" for variation in variations)


_SCORES = {
    _COLUMN: "y[:, :-1] -> y",
    "it leaves out the first column; background is the last.": ":-1 -> 1:",
    "it divides by the sum over classes; what background takes from them is to stay away.": (
        "y[:, :-1] -> (y[:, :-1] / y[:, :-1].sum(1, keepdims=True))"
    ),
    **_OF_CLASSES,
    **{f"{reason} And {_COLUMN}": _with_background(wrong) for reason, wrong in _OF_CLASSES.items()},
    "k is given to you; it is not always 5.": "** k -> ** 5",
    "it divides scores by their sum; the score is the mean itself.": (
        ".mean(0) -> .mean(0) / (y[:, :-1] ** k).mean(0).sum()"
    ),
}


def _check_score(score: Callable, right: Reference) -> None:
    for y, k, case in (
        (_Y, 5, "with k = 5"),
        (_Y, 1, "with k = 1"),
        (_Y[1:2], 3, "of a single patch, with k = 3,"),
    ):
        right.compare(score(y, k), f"the score {case}", y, k)


# 05.4

_DOG, _BACKGROUND = 0, 3


def _check_two_pictures(two_pictures: Callable, _: Reference) -> None:
    for M in (10, 300):
        try:
            dog, empty = map(numbers, two_pictures(M))
        except (TypeError, ValueError):
            wanted = "of the picture of a dog, of the empty one"
            raise Wrong(f"it should give two arrays of logits: {wanted}.") from None
        for logits, name in ((dog, "dog"), (empty, "empty")):
            if logits.shape != (M, 4):
                raise Wrong(f"`{name}` has shape {list(logits.shape)} for M = {M}; it should be {[M, 4]}.")
            finite(logits, f"`{name}`", (M, 4))
        _check_pair(dog, empty, f"for M = {M}")


def _check_pair(dog: np.ndarray, empty: np.ndarray, case: str) -> None:
    shows_something = empty[:, :_BACKGROUND].max(1) >= empty[:, _BACKGROUND]
    if shows_something.any():
        i = shows_something.argmax()
        logits = f"patch {i} of `empty` has the logits {empty[i].tolist()} {case}"
        raise Wrong(f"{logits}; background, the last, should be the highest.")
    if not (dog[:, _DOG] > np.delete(dog, _DOG, axis=1).max(1)).any():
        raise Wrong(
            f"no patch of `dog` shows it {case}; in one at least the first logit should be the highest."
        )
    (dog_with, empty_with), (dog_without, empty_without) = (
        [(softmax(logits[:, :n], 1)[:, _DOG] ** 5).mean() for logits in (dog, empty)] for n in (4, 3)
    )
    scores = "background, `dog` scores {:.3g} and `empty` {:.3g} " + case
    if not dog_with > empty_with:
        raise Wrong(f"with {scores.format(dog_with, empty_with)}; `dog` should score higher.")
    if not empty_without > dog_without:
        raise Wrong(
            f"without {scores.format(dog_without, empty_without)}; `empty` should score higher. The softmax does not "
            "see the last column then: what do the other three say?"
        )


EXERCISES = (
    Exercise(
        number="05.1",
        question="The labelling rule: does a patch show an object?",
        check=judge_geometry.check_label,
        hints=(
            "They share the columns from max(x0, x0') to min(x1, x1'). How many are there if they lie apart?",
            "max(0, min(x1, x1') - max(x0, x0')) is the shared width, and 0 if there is none; so for the height.",
            "|P n B| is shared width times shared height; compare it with 0.2 |P| and with 0.6 |B|, joined by `and`.",
        ),
        solution="""
def label(patch, box):
    def area(x0, y0, x1, y1):
        return max(x1 - x0, 0) * max(y1 - y0, 0)

    (px0, py0, px1, py1), (bx0, by0, bx1, by1) = patch, box
    shared = area(max(px0, bx0), max(py0, by0), min(px1, bx1), min(py1, by1))
    return shared >= 0.2 * area(*patch) and shared >= 0.6 * area(*box)
""",
        mistakes=judge_geometry.LABELS,
    ),
    Exercise(
        number="05.2",
        question="From patches to the picture: the mean of k-th powers.",
        check=_check_score,
        hints=(
            "y[:, :-1] is y without its last column, background.",
            "y**k raises each number to the power k; .mean(0) is the mean over rows, which are patches.",
        ),
        solution="""
# A dog on 5 of 300 patches, y = 1 there and 0 elsewhere, scores 5/300 = 0.017 for every k. A picture of 300 doubtful
# patches, y = 0.1, scores 0.1 for k = 1, and 0.00001 for k = 5.
def score(y, k):
    return (y[:, :-1] ** k).mean(0)
""",
        mistakes=_SCORES,
    ),
    Exercise(
        number="05.3",
        question="How many patches a picture has, at nine scales.",
        check=judge_geometry.check_n_patches,
        hints=(
            "One row first: a patch takes s of the width w, the others begin one step further each.",
            "w - s is left for steps of at most (1 - overlap) * s: math.ceil of their ratio, and one patch more.",
            "Where the ratio is whole, floating point may give 3.0000000000000004: take 1e-9 away before math.ceil.",
        ),
        solution="""
import math

from lecture_lib.chapters.patch_transfer.grid import LAMBDAS


# 500 x 375: 275 patches at 0.5, 488 at 0.65. The paper's "about 500" is an overlap of nearly two thirds.
def n_patches(width, height, overlap):
    total = 0
    for lam in LAMBDAS:
        s = min(width, height) / lam
        columns, rows = (math.ceil((n - s) / ((1 - overlap) * s) - 1e-9) + 1 for n in (width, height))
        total += columns * rows
    return total
""",
        mistakes=judge_geometry.NUMBERS,
    ),
    Exercise(
        number="05.4",
        question="Two pictures that a network without background ranks the wrong way round.",
        check=_check_two_pictures,
        hints=(
            "What does the softmax make of a row of logits (0, 0, 0, 10), with its last column and without?",
            "`empty`: every patch is background, and what little it resembles a class, it resembles a dog (grass).",
            "`dog`: one patch shows the dog, the others are background, and what little they resemble is a cat.",
        ),
        solution="""
import numpy as np


# Probabilities of K classes sum to 1 on every patch, also where there is nothing: some class has to be it. A little
# grass that resembles a dog then counts like a dog, and there are more patches of grass. Background is the answer
# "none of these": it takes the 1 away, and leaves the classes next to nothing.
def two_pictures(M):
    empty = np.tile([4.0, 0, 0, 10], (M, 1))  # dog, cat, bird, background
    dog = np.tile([0.0, 4, 0, 10], (M, 1))
    dog[0] = 10, 0, 0, 0
    return dog, empty
""",
    ),
)

check, hint, solution = commands(EXERCISES)
