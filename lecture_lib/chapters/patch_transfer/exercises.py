"""The exercises of 05_patch_transfer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from lecture_lib.chapters.patch_transfer.judge_geometry import check_label, check_n_patches
from lecture_lib.exercises.judging import Exercise, NotTried, Wrong, call, compare, numbers

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


def _check_score(score: Callable) -> None:
    for y, k, case in (
        (_Y, 5, "with k = 5"),
        (_Y, 1, "with k = 1"),
        (_Y[1:2], 3, "of a single patch, with k = 3,"),
    ):
        compare(call(score, y, k), _score(y, k), f"the score {case}", typical=_typical_scores(y, k))


def _score(y: np.ndarray, k: float) -> np.ndarray:
    return (y[:, :-1] ** k).mean(0)


def _typical_scores(y: np.ndarray, k: float) -> Iterator:
    classes = y[:, :-1]
    power = classes**k
    column = "background is no class: leave its column, the last one, out."
    yield (y**k).mean(0), column
    yield (y[:, 1:] ** k).mean(0), "it leaves out the first column; background is the last."
    yield (
        ((classes / classes.sum(1, keepdims=True)) ** k).mean(0),
        "it divides by the sum over classes; what background takes from them is to stay away.",
    )
    for p, more in ((classes, ""), (y, f" And {column}")):
        yield (
            p.mean(0) ** k,
            f"it takes the power of the mean; first the power of each patch, then the mean.{more}",
        )
        yield (p**k).sum(0), f"1/M is missing: a picture of more patches would score higher.{more}"
        for n in {p.shape[1], y.shape[1]} - {len(y)}:
            yield (p**k).sum(0) / n, f"it divides by the number of classes; M is the number of patches.{more}"
        yield (p**k).mean(0) ** (1 / k), f"it takes a root at the end; the score is the mean itself.{more}"
        yield p.max(0), f"only the best patch counts; take the mean over all patches.{more}"
        yield p.max(0) ** k, f"only the best patch counts; take the mean over all patches.{more}"
        yield p.mean(0), f"k is missing: this is the plain mean.{more}"
        yield (k * p).mean(0), f"it multiplies by k; y is to be raised to the power k.{more}"
        yield p**k, f"it has a number for each patch; the mean over patches is still to be taken.{more}"
        if len(y) > 1:
            yield (p**k).mean(1), f"it takes the mean over classes; take that over patches (axis 0).{more}"
        yield (p**k).mean(), f"it is one number; each class has a score of its own.{more}"
    yield (classes**5).mean(0), "k is given to you; it is not always 5."
    yield power.mean(0) / power.mean(0).sum(), "it divides scores by their sum; the score is the mean itself."


# 05.4

_DOG, _BACKGROUND = 0, 3


def _check_two_pictures(two_pictures: Callable) -> None:
    for M in (10, 300):
        try:
            both = tuple(call(two_pictures, M))
            if any(part is ... for part in both):
                raise NotTried(": there is still a ... to replace")
            dog, empty = (numbers(logits) for logits in both)
        except (TypeError, ValueError):
            raise Wrong(
                "it should give two arrays of logits: of the picture of a dog, of the empty one."
            ) from None
        for logits, name in ((dog, "dog"), (empty, "empty")):
            if logits.shape != (M, 4):
                raise Wrong(f"`{name}` has shape {list(logits.shape)} for M = {M}; it should be {[M, 4]}.")
            if not np.isfinite(logits).all():
                raise Wrong(f"`{name}` contains {logits[~np.isfinite(logits)][0]}.")
        _check_pair(dog, empty, f"for M = {M}")


def _check_pair(dog: np.ndarray, empty: np.ndarray, case: str) -> None:
    something = empty[:, :_BACKGROUND].max(1) >= empty[:, _BACKGROUND]
    if something.any():
        i = something.argmax()
        raise Wrong(
            f"patch {i} of `empty` has the logits {empty[i].tolist()} {case}; background, the last, should be the "
            "highest."
        )
    if not (dog[:, _DOG] > np.delete(dog, _DOG, axis=1).max(1)).any():
        raise Wrong(
            f"no patch of `dog` shows it {case}; in one at least the first logit should be the highest."
        )
    (dog_with, empty_with), (dog_without, empty_without) = (
        [(_softmax(logits[:, :n])[:, _DOG] ** 5).mean() for logits in (dog, empty)] for n in (4, 3)
    )
    if not dog_with > empty_with:
        raise Wrong(
            f"with background, `dog` scores {dog_with:.3g} and `empty` {empty_with:.3g} {case}; "
            "`dog` should score higher."
        )
    if not empty_without > dog_without:
        raise Wrong(
            f"without background, `dog` scores {dog_without:.3g} and `empty` {empty_without:.3g} {case}; "
            "`empty` should score higher. The softmax does not see the last column then: what do the other three say?"
        )


def _softmax(logits: np.ndarray) -> np.ndarray:
    p = np.exp(logits - logits.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


EXERCISES = (
    Exercise(
        number="05.1",
        question="The labelling rule: does a patch show an object?",
        answer="label",
        check=check_label,
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
    ),
    Exercise(
        number="05.2",
        question="From patches to the picture: the mean of k-th powers.",
        answer="score",
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
    ),
    Exercise(
        number="05.3",
        question="How many patches a picture has, at nine scales.",
        answer="n_patches",
        check=check_n_patches,
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
    ),
    Exercise(
        number="05.4",
        question="Two pictures that a network without background ranks the wrong way round.",
        answer="two_pictures",
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
