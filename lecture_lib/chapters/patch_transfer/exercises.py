"""The exercises of 05_patch_transfer."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import softmax

from lecture_lib.exercises.comparing import unpack
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong
from lecture_lib.exercises.texts import with_texts

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


LABEL = Exercise("05.1", tries=(("", *_PATCHES_AND_BOXES),), parts=_labels)

# With the background in the last column; numbers large enough for their fifth powers to differ.
_SCORES = np.array([[82, 6, 3, 9], [11, 71, 13, 5], [4, 2, 31, 63], [58, 27, 7, 8], [2, 93, 1, 4]]) / 100

SCORE = Exercise(
    "05.2",
    tries=(
        ("the score with k = 5", _SCORES, 5),
        ("the score with k = 1", _SCORES, 1),
        ("the score of a single patch, with k = 3,", _SCORES[1:2], 3),
    ),
)

_SIZES = (500, 375, 0.65), (375, 500, 0.5), (300, 300, 0.7), (333, 500, 0.6), (480, 360, 0.8)

N_PATCHES = Exercise(
    "05.3",
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


TWO_PICTURES = Exercise("05.4", check=_check_two_pictures)

_LABELS = np.array([2, -1, 0, 3, 3, -1, 1])

TARGETS = Exercise(
    "05.5",
    tries=(
        ("the targets of 7 patches", _LABELS, 3),
        ("the targets where all are ambiguous", _LABELS[1:2], 3),
    ),
)

EXERCISES = with_texts(__file__, LABEL, SCORE, N_PATCHES, TWO_PICTURES, TARGETS)

check, hint, solution = commands(EXERCISES)
