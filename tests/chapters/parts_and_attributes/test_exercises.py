"""The exercises of 09: what wrong answers are told, other right answers, and what the solutions agree with."""

import numpy as np
import torch
from answers import exercise_tests
from sklearn.metrics import average_precision_score

from lecture_lib.chapters.parts_and_attributes import poof
from lecture_lib.chapters.parts_and_attributes.exercises import EXERCISES
from lecture_lib.datasets import regions
from lecture_lib.datasets.collection import Boxes

SOLUTIONS = {exercise.number: exercise.right for exercise in EXERCISES}

WRONG = {
    "09.1": {
        "np.column_stack([R, -t])": "it should be",
        "R": "shape [2, 2]",
        "[-d[1], d[0]] -> [d[1], -d[0]]": "also mirrors",
        "64 / (d @ d) -> 64 / (d @ d) ** 0.5": "64 pixels apart",
    },
    "09.2": {
        "labels >= 0 -> labels != 2": "still take places",
        "precision[hit].sum()": "it should be",
        "np.argsort(-scores[known]) -> np.argsort(scores[known])": "lowest scores",
        "hit.mean()": "chance",
    },
    "09.3": {
        "W[:, :, 0] @ phi": "first component",
        "phi.T @ W[:, :, c].T": "shape [4, 2]",
        "W.sum(2) @ phi": "one component",
    },
    "09.4": {
        "mirrored": "left and right have not changed places",
        "mirrored[::-1]": "it should be",
        "width - points[:, 0] -> width - 1 - points[:, 0]": "without a further 1",
    },
    "09.5": {
        "a d a c b": "1 a: whole pictures",
        "b d a c a": "5 a: a wider box",
        "b d a c": "it has 4 letters",
    },
}
RIGHT = {
    "09.2": ["float(sum(precision[hit]) / hit.sum())"],
    "09.3": ["np.einsum('rp,pd->rd', W[..., c], phi)"],
}

test_wrong_answers_are_told_why, test_other_right_answers_are_right = exercise_tests(EXERCISES, WRONG, RIGHT)


def test_align_is_what_poof_aligns_by():
    f, a = np.array([100.0, 30.0]), np.array([60.0, 110.0])
    M = SOLUTIONS["09.1"](f, a)
    assert np.allclose(M @ [*f, 1], poof.PLACES[0])
    assert np.allclose(M @ [*a, 1], poof.PLACES[1])
    picture = torch.zeros(1, 3, 160, 160, dtype=torch.uint8)
    spot = np.array([85.0, 66.0])
    picture[0, 0, 64:69, 83:88] = 255
    row, column = divmod(int(poof.align(picture, f[None], a[None])[0, 0].argmax()), poof.WIDTH)
    assert np.abs(M @ [*spot, 1] - [column + 0.5, row + 0.5]).max() < 4


def test_average_precision_is_scikit_learns_on_those_who_are_known():
    rng = np.random.default_rng(1)
    scores, labels = rng.random(60), rng.integers(-1, 2, 60)
    known = labels >= 0
    assert np.isclose(
        SOLUTIONS["09.2"](scores, labels), average_precision_score(labels[known], scores[known])
    )


def test_the_mirror_is_that_of_cut_marked():
    names = ("beak", "left eye", "right eye")
    points = np.array([[3.0, 4, 1], [10, 12, 1], [0, 0, 0]])
    picture = torch.zeros(3, 20, 30, dtype=torch.uint8)
    none = Boxes(np.zeros((0, 4)), [], [], [])
    _, _, found = regions.cut_marked(picture, (0, 0, 30, 20), none, points, names, mirrored=True)
    assert np.allclose(found, SOLUTIONS["09.4"](points, 30, names))
