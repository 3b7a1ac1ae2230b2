"""The exercises of 07: what wrong answers are told, other right answers, and what the solutions agree with."""

import numpy as np
from answers import exercise_tests
from scipy.linalg import fractional_matrix_power, subspace_angles

from lecture_lib.chapters.domain_adaptation import alignment, exercises
from lecture_lib.chapters.domain_adaptation.exercises import EXERCISES

SOLUTIONS = {exercise.number: exercise.right for exercise in EXERCISES}

WRONG = {
    "07.1": {
        "np.hstack([x, x * of_target[:, None], x * ~of_target[:, None]])": "changed places",
        "np.hstack([x, x])": "shape [5, 6]",
        "x.__imul__(2)": "its input `x`",
        "np.hstack([x, x, x])": "cannot tell the domains apart",
        "np.vstack([x, np.where(own, 0, x), np.where(own, x, 0)])": "shape [15, 3]",
    },
    "07.2": {
        "cosines": "these are the cosines",
        "np.degrees(np.arccos(np.clip(cosines, 0, 1)))": "give radians",
        "np.arccos(cosines * (1 + 1e-12))": "Clip it",
        "np.arccos(np.clip(cosines, 0, 1)).sum()": "shape",
        "np.arccos(np.clip(np.diag(P.T @ Q), 0, 1))": "best that turned axes have",
    },
    "07.3": {
        "source @ np.linalg.cholesky(np.linalg.inv(np.cov(source.T) + np.eye(3)))": "it should be",
        "source @ power(source, 0.5) @ power(target, -0.5)": "it should be",
        "np.cov(x.T) -> np.cov(x)": "shapes",
        "(source @ power(source, -0.5) @ power(target, 0.5)).T": "shape [3, 40]",
        "source @ power(source, -0.5)": "only whitened",
    },
    "07.4": {
        "for c in np.unique(labels[~test]) -> for c in np.unique(labels)": "contains nan",
        "x - x[~test].mean(0)": "pulls the middle",
        "x - x.mean(0)": "transductive",
        "x[~test] - np.mean(means, 0)": "only the labelled pictures come back",
        "x.__isub__(np.mean(means, 0))": "its input `x`",
    },
    "07.5": {
        "a c a d b": "1 a: (S) has no label",
        "b c d d b": "3 d: 20 components",
        "b c a d": "it has 4 letters",
    },
}
RIGHT = {
    "07.1": [
        "np.concatenate([x, x * ~own, x * own], axis=1)",
        "np.hstack([x, x - x * own, x * own]).astype('f4')",
    ],
    "07.2": [
        "np.sort(__import__('scipy.linalg').linalg.subspace_angles(P, Q))",
        "list(np.arccos(np.minimum(cosines, 1)))",
    ],
    "07.3": [
        "def coral(s, t):\n    from scipy.linalg import sqrtm\n"
        "    C = [np.cov(a.T) + np.eye(a.shape[1]) for a in (s, t)]\n"
        "    return s @ np.linalg.inv(sqrtm(C[0])).real @ sqrtm(C[1]).real",
    ],
    "07.4": [
        "def centre(x, labels, test):\n    known, of = x[~test], labels[~test]\n"
        "    return x - sum(known[of == c].mean(0) for c in set(of)) / len(set(of))",
    ],
    "07.5": ["BCADB", "b, c, a, d, b"],
}

test_wrong_answers_are_told_why, test_other_right_answers_are_right = exercise_tests(EXERCISES, WRONG, RIGHT)


def test_solutions_are_what_the_library_and_scipy_do():
    rng = np.random.default_rng(0)
    x, of_target = rng.normal(size=(8, 4)), rng.random(8) < 0.5
    np.testing.assert_array_equal(SOLUTIONS["07.1"](x, of_target), alignment.daume(x, of_target))
    P, Q = exercises._subspace(8, 3), exercises._subspace(9, 3)
    np.testing.assert_allclose(SOLUTIONS["07.2"](P, Q), np.sort(subspace_angles(P, Q)), atol=1e-7)
    np.testing.assert_allclose(SOLUTIONS["07.2"](P, Q), alignment.angles(P, Q)[0], atol=1e-7)
    source, target = exercises._SOURCE, exercises._OTHER
    C_s, C_t = (np.cov(a.T) + np.eye(3) for a in (source, target))
    by_scipy = source @ fractional_matrix_power(C_s, -0.5) @ fractional_matrix_power(C_t, 0.5)
    np.testing.assert_allclose(SOLUTIONS["07.3"](source, target), by_scipy, atol=1e-8)
    np.testing.assert_allclose(
        SOLUTIONS["07.3"](source, target), source @ alignment.coral(source, target), atol=1e-8
    )


def test_the_leak_is_a_leak_and_the_repair_is_none():
    from lecture_lib.exercises.comparing import define

    leaky = define(EXERCISES[3].stub)
    x, test = exercises._VECTORS, exercises._TEST
    other = np.where(test, (exercises._LABELS + 1) % 3, exercises._LABELS)
    assert not np.allclose(leaky(x, exercises._LABELS, test), leaky(x, other, test))
    repaired = SOLUTIONS["07.4"]
    np.testing.assert_allclose(repaired(x, exercises._LABELS, test), repaired(x, other, test))
