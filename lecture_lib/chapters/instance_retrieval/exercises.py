"""The exercises of 08_instance_retrieval."""

import numpy as np

from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.texts import with_texts

_RNG = np.random.default_rng(0)
_ORDER = np.array([3, 7, 0, 5, 2, 6, 1, 4])

AVERAGE_PRECISION = Exercise(
    "08.1",
    tries=(
        ("the AP of a ranking that begins with a positive", _ORDER, np.array([3, 5, 1]), np.array([8])),
        ("the AP of one that does not", _ORDER, np.array([7, 2]), np.array([8])),
        ("the AP with two pictures of junk", _ORDER, np.array([5, 2]), np.array([3, 0])),
        ("the AP with junk between positives", _ORDER, np.array([3, 5, 1]), np.array([7, 6])),
    ),
)

_CODES = _RNG.integers(0, 2**63, 6, dtype=np.uint64)
_QUERY = _CODES[0] ^ np.uint64(0b1011)
_NEAR = _QUERY ^ np.array([0, 1, (1 << 10) - 1, (1 << 24) - 1, (1 << 25) - 1, (1 << 40) - 1], dtype=np.uint64)

HAMMING = Exercise(
    "08.2",
    tries=(
        ("the votes of codes at distances 0, 1, 10, 24, 25 and 40", _QUERY, _NEAR, 1.0),
        ("the votes of codes drawn at random", _QUERY, _CODES, 1.0),
        ("the votes for a word with idf 2.5", _QUERY, _NEAR, 2.5),
    ),
)

_MEANS = np.array([[0.0, 0], [4, 0], [0, 4]])
_X = np.array([[0.5, 0.2], [-0.3, 0.1], [4.4, -0.2], [3.6, 1.0], [4.1, 0.3]])

VLAD = Exercise(
    "08.3",
    tries=(
        ("the VLAD of five descriptors, where a word has none,", _X, _MEANS),
        ("the VLAD of descriptors of all words", np.concatenate([_X, [[0.2, 3.0]]]), _MEANS),
        ("the VLAD of one descriptor", _X[3:4], _MEANS),
    ),
)

_SCORES = np.array([[9.0, 3, 5, 1, 2, 0], [4, 9, 10, 1, 0, 2], [1, 2, 9, 8, 3, 0], [2, 8, 7, 9, 0, 3]])
_LABELS = np.array([0, 0, 1, 1, 2, 2])

FIRST = Exercise(
    "08.4",
    tries=(
        ("the share of queries whose best match is right", _SCORES, _LABELS, np.array([0, 1, 2, 3])),
        (
            "the share where queries stand elsewhere among the pictures",
            _SCORES[:, ::-1].copy(),
            _LABELS[::-1].copy(),
            np.array([5, 4, 3, 2]),
        ),
    ),
)

EXERCISES = with_texts(__file__, AVERAGE_PRECISION, HAMMING, VLAD, FIRST)

check, hint, solution = commands(EXERCISES)
