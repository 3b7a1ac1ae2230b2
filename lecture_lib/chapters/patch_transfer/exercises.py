"""The exercises of 05_patch_transfer."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import softmax

from lecture_lib.chapters.patch_transfer.questions import QUESTIONS
from lecture_lib.exercises.comparing import unpack
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong

# Boxes for a patch at 0: a fifth of the patch, or 60 % of the object; the last is enough only if it had a pixel more.
_EDGES = (4, 3, 8, 8), (4, 0, 14, 10), (0, 3, 10, 13), (0, -6, 10, 4), (6, 0, 13, 10)
_INSIDE = (0, 0, 10, 10), (2, 2, 8, 8), (5, 5, 10, 10)
_TOO_LITTLE = (3, 3, 7, 7), (-10, -10, 20, 20), (8, 8, 18, 18)  # of the patch, of the object, of both
_APART = (10, 0, 20, 10), (18, 19, 24, 25), (17, 2, 22, 8), (2, 17, 8, 22)  # touching; in x and y, in x, in y
_PATCHES_AND_BOXES = (
    *(((0, 0, 10, 10), box) for box in (*_EDGES, *_INSIDE, *_TOO_LITTLE, *_APART)),
    *(((20, 30, 60, 70), box) for box in ((30, 10, 50, 60), (30, 5, 50, 60), (10, 40, 60, 60))),
)


def _labels(label: Callable, *pairs: tuple) -> Iterator[tuple]:
    labels = {}
    for patch, box in pairs:
        call, got = f"label({patch}, {box})", label(patch, box)
        if np.ndim(got) or got not in (0, 1):
            raise Wrong(f"{call} is {got!r}; it should be True or False.")
        w, h = (max(0, min(patch[j + 2], box[j + 2]) - max(patch[j], box[j])) for j in (0, 1))
        of_patch, of_box = ((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (patch, box))
        areas = f"where the patch has {of_patch} pixels, the object {of_box}, and they share {w * h},"
        labels[f"{call}, {areas}"] = bool(got)
    yield "", labels


_W, _H = "max(x1 - x0, 0)", "max(y1 - y0, 0)"
_PATCH, _BOX, _UNION = "0.2 * area(*patch)", "0.6 * area(*box)", "(area(*patch) + area(*box) - shared)"

LABEL = Exercise(
    number="05.1",
    question="The labelling rule: does a patch show an object?",
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
    mistakes={
        "where patch and object lie apart in x and in y, both differences are negative, and their product is "
        "positive: neither may go below 0.": (
            f"{_W} * {_H} -> (x1 - x0) * (y1 - y0) | {_W} * {_H} -> max((x1 - x0) * (y1 - y0), 0)"
        ),
        "a negative difference means apart, in x as in y; it becomes 0, not |.|.": (
            f"{_W} * {_H} -> abs((x1 - x0) * (y1 - y0)) | {_W} -> abs(x1 - x0) | {_H} -> abs(y1 - y0)"
        ),
        "one condition is enough for it; both must hold.": " and shared ->  or shared",
        "the second condition is missing: a patch inside a large object shows a part of it.": f"shared >= {_PATCH}",
        "the first condition is missing: in a large patch a small object is hardly to be seen.": f"shared >= {_BOX}",
        "0.2 and 0.6 are exchanged: 0.2 of the patch, 0.6 of the object.": (
            "shared >= 0.6 * area(*patch) and shared >= 0.2 * area(*box)"
        ),
        "exactly 0.2 |P|, or 0.6 |B|, is enough: >=, not >.": ">= -> > | >= 0.2 -> > 0.2 | >= 0.6 -> > 0.6",
        "it compares with the area of the union; compare with that of the patch, and with that of the object.": (
            f"shared >= 0.5 * {_UNION} | shared >= 0.2 * {_UNION} | shared >= 0.6 * {_UNION}"
        ),
        "every overlap is enough for it; two conditions must hold.": "shared > 0",
        "a pixel too many each way: x1 and y1 are exclusive, w = x1 - x0.": "- x0 -> - x0 + 1; - y0 -> - y0 + 1",
        "it takes the object's last two numbers for its width and height; they are x1 and y1.": (
            "*box -> bx0, by0, bx1, by1; = patch, box -> = patch, (*box[:2], box[0] + box[2], box[1] + box[3])"
        ),
        "True and False are exchanged.": f"not (shared >= {_PATCH} and shared >= {_BOX})",
    },
    tries=(("", *_PATCHES_AND_BOXES),),
    parts=_labels,
)

# With the background in the last column; numbers large enough for their fifth powers to differ.
_SCORES = np.array([[82, 6, 3, 9], [11, 71, 13, 5], [4, 2, 31, 63], [58, 27, 7, 8], [2, 93, 1, 4]]) / 100

SCORE = Exercise(
    number="05.2",
    question="From patches to the picture: the mean of k-th powers.",
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
    mistakes={
        "background is no class: leave its column, the last one, out.": "y[:, :-1] -> y",
        "it leaves out the first column; background is the last.": ":-1 -> 1:",
        "it divides by the sum over classes; what background takes from them is to stay away.": (
            "y[:, :-1] -> (y[:, :-1] / y[:, :-1].sum(1, keepdims=True))"
        ),
        "it takes the power of the mean; first the power of each patch, then the mean.": "y[:, :-1].mean(0) ** k",
        "1/M is missing: a picture of more patches would score higher.": ".mean(0) -> .sum(0)",
        "it divides by the classes; M is the number of patches.": ".mean(0) -> .sum(0) / 3 | .mean(0) -> .sum(0) / 4",
        "it takes a root at the end; the score is the mean itself.": ".mean(0) -> .mean(0) ** (1 / k)",
        "only the best patch counts; take the mean over all patches.": "y[:, :-1].max(0) | y[:, :-1].max(0) ** k",
        "k is missing: this is the plain mean.": "y[:, :-1].mean(0)",
        "it multiplies by k; y is to be raised to the power k.": "** k -> * k",
        "it has a number for each patch; the mean over patches is still to be taken.": "y[:, :-1] ** k",
        "it takes the mean over classes; take that over patches (axis 0).": ".mean(0) -> .mean(1)",
        "it is one number; each class has a score of its own.": ".mean(0) -> .mean()",
        "k is given to you; it is not always 5.": "** k -> ** 5",
        "it divides scores by their sum; the score is the mean itself.": (
            ".mean(0) -> .mean(0) / (y[:, :-1] ** k).mean(0).sum()"
        ),
    },
    tries=(
        ("the score with k = 5", _SCORES, 5),
        ("the score with k = 1", _SCORES, 1),
        ("the score of a single patch, with k = 3,", _SCORES[1:2], 3),
    ),
)

_LENGTH, _STEP, _UP = "(n - s)", "((1 - overlap) * s)", "math.ceil"
_FLOOR = f"{_UP} -> math.floor; - 1e-9) + 1 -> + 1e-9)"
_SIZES = (500, 375, 0.65), (375, 500, 0.5), (300, 300, 0.7), (333, 500, 0.6), (480, 360, 0.8)

N_PATCHES = Exercise(
    number="05.3",
    question="How many patches a picture has, at nine scales.",
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
    mistakes={
        "these are the numbers at each scale; they are still to be summed.": (
            "total = 0 -> total = []; total += columns * rows -> total.append(columns * rows)"
        ),
        "it rounds down: a row ends before the border; with one more, they overlap a little more.": f"{_FLOOR} + 1",
        "it rounds to the nearest; where that is down, steps become too long.": (
            f"{_UP} -> round; - 1e-9 -> - 0 | {_FLOOR} + 1; + 1e-9 -> + 0.5 + 1e-9"
        ),
        "it counts the steps between patches; n patches have n - 1.": f"1e-9) + 1 -> 1e-9) | {_FLOOR}",
        "where a whole number of steps fits exactly, it takes one more.": f"{_FLOOR} + 2",
        "patches lie side by side; neighbours overlap.": "1 - overlap -> 1",
        "it steps by overlap x s; neighbours are (1 - overlap) x s apart.": "1 - overlap -> overlap",
        "it divides the whole length by the step; the first patch takes s of it, w - s is left for steps.": (
            f"{_LENGTH} -> n; 1e-9) + 1 -> 1e-9) | {_LENGTH} -> n; {_FLOOR}"
        ),
        "it makes patches of the longer side; s is the shorter one divided by lambda.": "min(width -> max(width",
        "it counts the rows as it does the columns, but the picture is no square.": (
            "in (width, height)) -> in 2 * [max(width, height)]) | in (width, height)) -> in 2 * [min(width, height)])"
        ),
        "it adds the numbers of rows and columns; multiply them.": "columns * rows -> columns + rows",
        "one scale is missing: LAMBDAS has nine.": "LAMBDAS: -> LAMBDAS[1:]: | LAMBDAS: -> LAMBDAS[:-1]:",
        "it is the number at the first scale; sum over all nine.": "LAMBDAS: -> LAMBDAS[:1]:",
        "of rounding: a number of steps that is whole comes out a trifle larger, as 0.6 / (1 - 0.8) does, and is "
        "rounded up to one more. Take 1e-9 away first.": (
            f"- 1e-9 -> - 0 | - 1e-9 -> - 0; {_STEP} -> (s - overlap * s)"
            f" | - 1e-9 -> - 0; {_LENGTH} / {_STEP} -> (n / s - 1) / (1 - overlap)"
        ),
    },
    tries=tuple((f"the number for {w} x {h} at {overlap:.0%}", w, h, overlap) for w, h, overlap in _SIZES),
    tolerance=0,
)

_DOG, _BACKGROUND = 0, 3


def _check_two_pictures(two_pictures: Callable) -> None:
    for M in (10, 300):
        dog, empty = unpack(two_pictures(M), f"`dog` for M = {M}", f"`empty` for M = {M}", shape=(M, 4))
        shows_something = empty[:, :_BACKGROUND].max(1) >= empty[:, _BACKGROUND]
        if shows_something.any():
            i = shows_something.argmax()
            logits = f"patch {i} of `empty` has the logits {empty[i].tolist()} for M = {M}"
            raise Wrong(f"{logits}; background, the last, should be the highest.")
        if not (dog[:, _DOG] > np.delete(dog, _DOG, axis=1).max(1)).any():
            raise Wrong(
                f"no patch of `dog` shows it for M = {M}; in one at least the first logit should be the highest."
            )
        (dog_with, empty_with), (dog_without, empty_without) = (
            [(softmax(logits[:, :n], 1)[:, _DOG] ** 5).mean() for logits in (dog, empty)] for n in (4, 3)
        )
        scores = f"background, `dog` scores {{:.3g}} and `empty` {{:.3g}} for M = {M}"
        if not dog_with > empty_with:
            raise Wrong(f"with {scores.format(dog_with, empty_with)}; `dog` should score higher.")
        if not empty_without > dog_without:
            raise Wrong(
                f"without {scores.format(dog_without, empty_without)}; `empty` should score higher. The softmax does "
                "not see the last column then: what do the other three say?"
            )


TWO_PICTURES = Exercise(
    number="05.4",
    question="Two pictures that a network without background ranks the wrong way round.",
    hints=(
        "What does the softmax make of a row of logits (0, 0, 0, 10), with its last column and without?",
        "`empty`: every patch is background, and what little it resembles a class, it resembles a dog (grass).",
        "`dog`: one patch shows the dog, the others are background, and what little they resemble is a cat.",
    ),
    solution="""
# Probabilities of K classes sum to 1 on every patch, also where there is nothing: some class has to be it. A little
# grass that resembles a dog then counts like a dog, and there are more patches of grass. Background is the answer
# "none of these": it takes the 1 away, and leaves the classes next to nothing.
def two_pictures(M):
    empty = np.tile([4.0, 0, 0, 10], (M, 1))  # dog, cat, bird, background
    dog = np.tile([0.0, 4, 0, 10], (M, 1))
    dog[0] = 10, 0, 0, 0
    return dog, empty
""",
    check=_check_two_pictures,
)

_LABELS = np.array([2, -1, 0, 3, 3, -1, 1])

TARGETS = Exercise(
    number="05.5",
    question="A bug to find: the targets of the patches that are trained on.",
    stub="""
def targets(labels, K):
    return np.eye(K + 1)[labels]
""",
    hints=(
        "Call it with np.array([0, -1]) and K = 2. How many rows should it return, and which does it?",
        "-1 as an index is no error: it is the last row of a matrix. What does the last column stand for?",
        "Leave ambiguous patches out first: labels[labels >= 0].",
    ),
    solution="""
# -1 is the last row of np.eye(K + 1), that of background: every ambiguous patch taught that its objects are nothing.
# No error, and a loss that falls as it should: only the count of rows tells.
def targets(labels, K):
    return np.eye(K + 1)[labels[labels >= 0]]
""",
    mistakes={
        "ambiguous patches have become background: -1 is the last row of np.eye. They are to be left out.": (
            "labels[labels >= 0] -> labels"
        ),
        "background is missing: only ambiguous patches, -1, are to be left out.": (
            "labels >= 0 -> (labels >= 0) & (labels < K)"
        ),
        "the first class is missing: 0 is a class, -1 is ambiguous.": ">= 0 -> > 0",
        "ambiguous patches have a row of zeros; they are to have no row at all.": (
            "np.eye(K + 1)[labels[labels >= 0]] -> np.eye(K + 1)[labels] * (labels >= 0)[:, None]"
        ),
        "these are labels; each is to become a row with a single 1.": (
            "np.eye(K + 1)[labels[labels >= 0]] -> labels[labels >= 0]"
        ),
    },
    tries=(
        ("the targets of 7 patches", _LABELS, 3),
        ("the targets where all are ambiguous", _LABELS[1:2], 3),
    ),
)

EXERCISES = (LABEL, SCORE, N_PATCHES, TWO_PICTURES, TARGETS, QUESTIONS)

check, hint, solution = commands(EXERCISES)
