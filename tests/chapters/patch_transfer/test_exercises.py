"""The exercises of 05: what wrong answers are told, other right answers, and what the solutions agree with."""

from fractions import Fraction

import numpy as np
import torch
from answers import exercise_tests

from lecture_lib import datasets
from lecture_lib.chapters.patch_transfer.exercises import EXERCISES
from lecture_lib.chapters.patch_transfer.grid import grid
from lecture_lib.chapters.patch_transfer.inference import picture_score
from lecture_lib.chapters.patch_transfer.labelling import label_patches

SOLUTIONS = {exercise.number: exercise.right for exercise in EXERCISES}

LABEL = """def label(patch, box):
    (a, b, c, d), (e, f, g, i) = patch, box
    w, h = min(c, g) - max(a, e), min(d, i) - max(b, f)
    S, P, B = max(w, 0) * max(h, 0), (c - a) * (d - b), (g - e) * (i - f)
    return """
RULE = "S >= 0.2 * P and S >= 0.6 * B"
P = "y[:, :-1]"
UP = "math.ceil((n - s) / ((1 - overlap) * s) - 1e-9) + 1"
PICTURES = """import numpy as np

def two_pictures(M):
    dog = np.array([[10, 0, 0, 0]] + [[0, 4, 0, 10]] * (M - 1))
    empty = np.array([[4, 0, 0, 10]] * M)
    return """
DOG, REST, EMPTY = "[10, 0, 0, 0]", "[0, 4, 0, 10]", "[4, 0, 0, 10]"


def pictures(**rows):
    source = f"{PICTURES}dog, empty"
    for name, row in rows.items():
        source = source.replace({"dog": DOG, "rest": REST, "empty": EMPTY}[name], row)
    return source


WRONG = {
    "05.1": {
        LABEL.replace("max(w, 0) * max(h, 0)", "w * h") + RULE: "product is positive",
        LABEL.replace("max(w, 0)", "abs(w)") + RULE: "in x as in y",
        f"{LABEL}S / (P + B - S) >= 0.5": "area of the union",
        "area(x0, y0, x1, y1): -> area(x0, y0, x1, y1, *_):\n        x1, y1 = x1 + 1, y1 + 1": "are exclusive",
        LABEL.replace("patch, box\n", "patch, (*box[:2], box[0] + box[2], box[1] + box[3])\n")
        + RULE: "width and height",
        f"{LABEL}S": "is 20; it should be True or False",
        f"{LABEL}'positive'": "is 'positive'; it should be True or False",
        f"{LABEL}[True]": "is [True]; it should be",
        f"{LABEL}S >= 0.3 * P and S >= 0.6 * B": "the object 20, and they share 20, is False; it should be True",
    },
    "05.2": {
        f"({P}**k).sum(0) / y.shape[1]": "M is the number of patches",
        f"np.linalg.norm({P}, k, axis=0)": "is 0.8",
        f"({P}**k).sum(0) / 5": "of a single patch, with k = 3",
        "y.shape": "shape [2]; it should be [3]",
    },
    "05.3": {
        f"{UP} -> int((n - s) / ((1 - overlap) * s) + 1e-9) + 1": "it rounds down",
        "(n - s) -> (min(width, height) - s)": "no square",
        "275": "for 500 x 375 at 65% is 275; it should be 488",
        "((1 - overlap) * s) -> (s / 2)": "at 65% is 275",
    },
    "05.4": {
        f"{PICTURES}empty, dog": "patch 0 of `empty` has the logits [10.0, 0.0, 0.0, 0.0] for M = 10; background",
        f"{PICTURES}dog[:5], empty": "`dog` for M = 10 has shape [5, 4]; it should be [10, 4]",
        f"{PICTURES}dog, empty[:, :3]": "`empty` for M = 10 has shape [10, 3]",
        f"{PICTURES}dog, np.log(np.eye(4)[[3] * M])": "`empty` for M = 10 contains -inf",
        f"{PICTURES}dog, 0 * empty": "background, the last, should be the highest",
        f"{PICTURES}dog, np.where(np.arange(M)[:, None] == 2, dog[:1], empty)": "patch 2 of `empty`",
        pictures(dog="[4, 0, 0, 10]"): "no patch of `dog` shows it",
        pictures(dog="[4, 4, 0, 0]"): "no patch of `dog` shows it",
        pictures(empty="[0, 0, 0, 10]"): "without background, `dog` scores",
        pictures(empty="[.04, .03, .03, .9]"): "without background, `dog` scores",
        pictures(rest="[4, 0, 0, 10]"): "`empty` should score higher",
        pictures(empty="[9.8, 0, 0, 10]"): "for M = 300; `dog` should score higher",
    },
    "05.5": {
        "def targets(labels, K):\n    return 1 * np.eye(K + 1)[labels]": "ambiguous patches have become background",
        "def targets(labels, K):\n    return np.eye(K + 1)[np.abs(labels)]": "shape [7, 4]; it should be [5, 4]",
        "labels >= 0 -> labels > 0": "0 is a class",
        "K + 1)[labels[labels >= 0]] -> K)[labels[(labels >= 0) & (labels < K)]]": "shape [3, 3]",
    },
    "05.6": {
        "b b d a e": "question 5 has the letters a b c d, and no e",
        "b c d a c": "2 c: ambiguous is what contains",
    },
}

RIGHT = {
    "05.1": [
        f"{LABEL}S / P >= 0.2 and S / B >= 0.6",
        f"{LABEL}S and 10 * S >= max(2 * P, 6 * B)",
        """import torch
from torchvision.ops import box_area

def label(patch, box):
    p, b = torch.tensor([patch, box]).float()
    both = torch.cat([torch.max(p, b)[:2], torch.min(p, b)[2:]])
    shared = (both[2:] - both[:2]).clamp(min=0).prod()
    return (shared >= 0.2 * box_area(p[None]))[0] & (shared / box_area(b[None]) >= 0.6)[0]
""",
        """import numpy as np

def label(patch, box):
    y, x = np.mgrid[-30:100, -30:100]
    p, b = ((x >= x0) & (x < x1) & (y >= y0) & (y < y1) for x0, y0, x1, y1 in (patch, box))
    return (p & b).sum() >= max(0.2 * p.sum(), 0.6 * b.sum())
""",
    ],
    "05.2": [
        f"np.power({P}, k).sum(0) / len(y)",
        f"[sum(value**k for value in column) / len(y) for column in {P}.T.tolist()]",
    ],
    "05.3": [
        f"{UP} -> math.ceil(round((n / s - 1) / (1 - overlap), 6)) + 1",
        "float(total)",
    ],
    "05.4": [
        pictures(rest="[0, 0, 0, 10]"),
        f"{PICTURES}dog.tolist(), empty.tolist()",
        f"import torch\n{PICTURES}torch.tensor(dog[::-1].copy()), torch.from_numpy(empty)",
        f"{PICTURES}dog + 1000, empty - 1000",
    ],
    "05.5": [
        "def targets(labels, K):\n    return np.eye(K + 1)[labels][labels != -1]",
        "def targets(labels, K):\n    return (np.arange(K + 1) == labels[labels >= 0, None]) * 1",
    ],
}


test_wrong_answers, test_right_answers = exercise_tests(EXERCISES, WRONG, RIGHT)


def test_the_solutions_are_the_labels_and_the_scores_of_the_library():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 8, (1000, 2, 2))  # of a patch and of a box
    pairs = np.concatenate([corners, corners + rng.integers(4, 16, corners.shape)], axis=2)
    no = np.zeros(1, bool)
    verdicts = [SOLUTIONS["05.1"](*pair) for pair in pairs.tolist()]
    boxes = [datasets.Boxes(box[None].astype(np.float32), np.zeros(1, int), no, no) for _, box in pairs]
    expected = [
        label_patches(patch[None], box, 1, (99, 99))[0] == 0
        for (patch, _), box in zip(pairs, boxes, strict=True)
    ]
    assert verdicts == expected
    assert 100 < sum(verdicts) < 900
    for M in (1, 7, 300):
        y = rng.dirichlet([0.3] * 21, M)
        for k in (1, 5, 20):
            np.testing.assert_allclose(SOLUTIONS["05.2"](y, k), picture_score(y, k)[:20])


def slow_number(width, height, overlap):
    """Add patches to a row until neighbours overlap enough; in fractions, without rounding."""
    number = 0
    for lam in ["1", "1.3", "1.6", "2", "2.4", "2.8", "3.2", "3.6", "4"]:
        s = min(width, height) / Fraction(lam)
        of_axis = []
        for length in (width, height):
            n = 1
            while length > s and (n == 1 or s - (length - s) / (n - 1) < Fraction(overlap) * s):
                n += 1
            of_axis.append(n)
        number += of_axis[0] * of_axis[1]
    return number


def test_the_solution_has_as_many_patches_as_laying_them_one_by_one():
    n_patches = SOLUTIONS["05.3"]
    for width, height in ((500, 375), (375, 500), (300, 300), (333, 500), (480, 360), (1000, 70), (224, 97)):
        for overlap in ["0", "0.1", "0.35", "0.5", "0.6", "0.65", "0.7", "0.75", "0.8", "0.9"]:
            assert n_patches(width, height, float(overlap)) == slow_number(width, height, overlap)
    for overlap, number in ((0.5, 275), (0.65, 488)):
        assert n_patches(500, 375, overlap) == number == len(grid(375, 500, overlap=overlap))


def test_the_two_pictures_change_places_when_the_softmax_loses_its_background():
    for M in (2, 30, 500):
        dog, empty = (torch.tensor(logits) for logits in SOLUTIONS["05.4"](M))
        with_it, without = (
            [picture_score(z[:, :n].softmax(1).numpy())[0] for z in (dog, empty)] for n in (4, 3)
        )
        assert with_it[0] > 100 * with_it[1]
        if M > 2:  # of two patches, one with a dog is half of them
            assert without[1] > 2 * without[0]
