"""The exercises of 08: what wrong answers are told, other right answers, and what the solutions agree with."""

import numpy as np
from answers import exercise_tests

from lecture_lib.chapters.instance_retrieval import exercises, measures, vectors
from lecture_lib.chapters.instance_retrieval.exercises import EXERCISES

SOLUTIONS = {exercise.number: exercise.right for exercise in EXERCISES}

WRONG = {
    "08.1": {
        "order[~np.isin(order, junk)] -> order": "it counts as wrong",
        "else 1.0 -> else 0.5": "it should be",
        "np.isin(kept, positives) -> np.isin(kept, positives[:1])": "it should be",
        "total / len(kept)": "it should be",
    },
    "08.2": {
        "np.where(h < 24, idf**2 * np.exp(-(h**2) / 16**2), 0)": "exactly 24",
        "idf**2 * np.exp(-(h**2) / 16**2)": "farther than 24 bits",
        "np.where(h <= 24, np.exp(-(h**2) / 16**2), 0)": "it should be",
    },
    "08.3": {
        "V = np.divide(V, lengths, out=np.zeros_like(V), where=lengths > 0) -> V = V / lengths": "0 divided by 0",
        "V": "shape",
        "V.sum(0)": "shape",
    },
    "08.4": {
        "def f(scores, labels, queries):\n    scores[np.arange(len(queries)), queries] = -np.inf\n"
        "    return np.mean(labels[scores.argmax(1)] == labels[queries])": "its input `scores`",
        "def f(s, labels, queries):\n    return np.mean(labels[s.argmax(1)] == labels[queries])": "finds itself",
    },
    "08.5": {"a c a b d": "1 a: that is classification", "b c a b": "it has 4 letters"},
}
RIGHT = {
    "08.1": [
        "def f(order, positives, junk):\n    r = np.flatnonzero(np.isin(order[~np.isin(order, junk)], positives))\n"
        "    j = np.arange(len(r))\n"
        "    return (np.where(r > 0, j / np.maximum(r, 1), 1) + (j + 1) / (r + 1)).sum() / 2 / len(positives)",
    ],
    "08.2": [
        "def f(query, codes, idf):\n    h = np.array([bin(int(query) ^ int(c)).count('1') for c in codes])\n"
        "    return idf * idf * np.exp(-h * h / 256.0) * (h <= 24)",
    ],
    "08.3": [
        "def f(x, means):\n    V = np.zeros_like(means)\n    for one in x:\n"
        "        k = np.linalg.norm(means - one, axis=1).argmin()\n        V[k] += one - means[k]\n"
        "    V /= np.maximum(np.linalg.norm(V, axis=1, keepdims=True), 1e-12)\n"
        "    return V.flatten() / np.linalg.norm(V)",
    ],
    "08.4": [
        "def f(scores, labels, queries):\n    found = []\n    for row, q in zip(scores, queries):\n"
        "        found.append(labels[max((s, -i) for i, s in enumerate(row) if i != q)[1] * -1] == labels[q])\n"
        "    return np.mean(found)",
    ],
    "08.5": ["BCABD", "b, c, a, b, d"],
}

test_wrong_answers_are_told_why, test_other_right_answers_are_right = exercise_tests(EXERCISES, WRONG, RIGHT)


def test_solutions_are_what_the_library_does():
    for _, order, positives, junk in exercises.AVERAGE_PRECISION.tries:
        found = SOLUTIONS["08.1"](order, positives, junk)
        np.testing.assert_allclose(found, measures.average_precision(order, positives, junk))
    rng = np.random.default_rng(1)
    means, x = rng.random((4, 128), np.float32), rng.integers(0, 200, (30, 128)).astype(np.uint8)
    one = vectors.Features(x, np.zeros((30, 2)), np.ones(30), np.zeros(30), np.array([0, 30]))
    np.testing.assert_allclose(
        SOLUTIONS["08.3"](one.root, means), vectors.vlad_vectors(one, means)[0], atol=1e-5
    )
