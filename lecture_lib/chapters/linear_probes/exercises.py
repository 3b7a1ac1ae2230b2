"""The exercises of 02_linear_probes."""

from collections.abc import Callable, Iterator

import numpy as np

from lecture_lib.exercises.comparing import agree, compare, finite, unpack
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong
from lecture_lib.exercises.texts import with_texts

# All pictures are at least 0.55 from their kink, y (w.x + b) = 1, where the value has no gradient; steps reach 0.4.
_X = np.array([[2, 0, 1], [0, 1, -1], [1, 1, 0], [-1, 2, 0], [0, -2, 1], [-1, 0, -2.0]])
_Y = np.array([1, 1, -1, -1, 1, 1])  # three beyond the margin, one inside it, two wrong
_W, _B, _C = np.array([0.5, -1, 0.25]), 0.3, 0.3


def _value_and_gradient(hinge: Callable, w: np.ndarray, b: float, *rest: object) -> Iterator[tuple]:
    def both(at: np.ndarray) -> list:
        return unpack(hinge(at[:-1], float(at[-1]), *rest), "value", "gradient_w", "gradient_b")

    at, h = np.append(w, b), 0.2
    value, gradient_w, gradient_b = both(at)
    yield "the value", value
    ends = [[float(both(end)[0]) for end in (at - step, at + step)] for step in h * np.eye(len(at))]
    slopes = np.diff(ends)[:, 0] / (2 * h)  # exact for a function of second degree
    yield "gradient_w, checked by finite differences of your value,", gradient_w, slopes[:-1]
    yield "gradient_b, checked by finite differences of your value,", gradient_b, slopes[-1]


HINGE = Exercise(
    "02.1",
    tries=(("", _W, _B, _X, _Y, _C), ("", 10 * _W, 10 * _B, _X, np.sign(_X @ _W + _B), _C)),
    parts=_value_and_gradient,
    tolerance=1e-4,
)

_PREDICTED = (  # and labels; in the second there is none of class 1, nor of 3
    ([0, 0, 0, 0, 1, 2, 1, 1, 0, 2], [0, 0, 0, 0, 0, 0, 1, 1, 1, 2]),
    ([0, 1, 2, 2, 3, 2], [0, 0, 2, 2, 2, 2]),
)

MEAN_CLASS_ACCURACY = Exercise(
    "02.2",
    tries=(
        *((f"the result for labels {y}, predicted {p},", np.array(p), np.array(y)) for p, y in _PREDICTED),
        (
            "the result for the classes 5, 40 and 1200 (labels tell which classes there are)",
            np.repeat([5, 40, 5, 1200], [2, 1, 3, 4]),
            np.repeat([5, 40, 1200], [2, 3, 5]),
        ),
    ),
)


def _ranked(ranking: list[int], what: str) -> tuple:
    """A try with labels given from the highest score down; the pictures come in another order."""
    mixed = np.argsort(np.arange(len(ranking)) * 0.618 % 1)
    return f"the AP of {what}", np.linspace(2, -2, len(ranking))[mixed], np.array(ranking)[mixed]


def _ap(eleven_point_ap: Callable, *given: np.ndarray) -> Iterator[tuple]:
    try:
        yield "", eleven_point_ap(*given)
    except Wrong as stop:
        none = " Some recall is reached by no picture: is it >= (neither > nor ==) that it is compared with?"
        raise Wrong(f"{stop}{none if 'zero-size' in str(stop) else ''}") from None


ELEVEN_POINT_AP = Exercise(
    "02.3",
    tries=(  # each with one trap
        _ranked([0, 1, 1, 0, 1], "the ranking 0 1 1 0 1, where precision rises on the way,"),
        _ranked([1, 0, 1, 0, 0, 1], "the ranking 1 0 1 0 0 1"),
        _ranked([1, -1, 0, 1, -1, 1, 0], "the ranking 1 -1 0 1 -1 1 0, where the -1 do not count,"),
        _ranked([1, 1, 1, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1, 1], "a ranking with ten positives (3/10 is 0.3)"),
        _ranked(np.random.default_rng(0).choice([-1, 0, 1], 60, p=[0.1, 0.6, 0.3]), "60 pictures at random"),
    ),
    parts=_ap,
)


def _check_dropout(dropout: Callable) -> None:
    x = np.linspace(-2, 2, 200 * 150, dtype=np.float32).reshape(200, 150)  # none of them is 0
    rate, rng = 0.3, np.random.default_rng(1)
    first = dropout(x, rate, rng)
    if not isinstance(first, np.ndarray):
        raise Wrong(f"dropout gives a {type(first).__name__}; it should give an array.")
    finite(first, "the result", x.shape)
    _check_dropped(first == 0, rate)
    kept = (first != 0) * x
    for reason, mistaken in (
        ("what is kept is not divided by 1 - rate, so that the expectation is not x.", kept),
        ("what is kept is multiplied by the rate; divide it by 1 - rate.", kept * rate),
        ("what is kept is multiplied by 1 - rate; divide by it.", kept * (1 - rate)),
        ("what is kept is divided by the rate, but it was kept with probability 1 - rate.", kept / rate),
    ):
        if agree(first, mistaken, 1e-5):
            raise Wrong(reason)
    compare(first, kept / (1 - rate), f"the result at rate {rate} for x from -2 to 2")
    more = [dropout(x, rate, rng) for _ in range(3)]
    if np.array_equal(first, more[0]):
        raise Wrong("a second call drops the same numbers; a fresh draw from rng would not.")
    if len({np.count_nonzero(result) for result in (first, *more)}) == 1:  # by chance once in ten million
        raise Wrong(f"every call drops as many; {_ON_ITS_OWN}")
    if not np.array_equal(first, dropout(x, rate, np.random.default_rng(1))):
        raise Wrong("rng with the same seed drops other numbers: draw from rng, not from np.random.")
    every = x[:2].astype(np.float64)
    at_zero = dropout(every, 0.0, rng)
    compare(at_zero, every, "the result at rate 0")
    for given, result in ((x, first), (every, at_zero)):
        if result.dtype != given.dtype:
            advice = "keep the type; `mask / (1 - rate)` alone is float64"
            raise Wrong(f"x is {given.dtype}, the result {result.dtype}: {advice}.")


_ON_ITS_OWN = "each number is dropped or kept on its own, so that this varies."


def _check_dropped(dropped: np.ndarray, rate: float) -> None:
    """Raise Wrong unless about `rate` of the mask [N, d] is set, independently of each other."""
    # Seven standard deviations of a binomial: a right answer fails here with probability 3e-12.
    share, slack = dropped.mean(), 7 * np.sqrt(rate * (1 - rate) / dropped.size)
    for wrong, reason in (
        (dropped.all(), "everything is dropped."),
        (not dropped.any(), "nothing is dropped."),
        (
            (dropped == dropped[0]).all(),
            "one mask serves all rows: a feature is gone for every picture or for none.",
        ),
        (
            (dropped == dropped[:, :1]).all(),
            "one draw serves a whole row: a picture keeps all of its features or none.",
        ),
        (
            abs(share - (1 - rate)) < slack,
            "it keeps a number with probability rate, and drops it with 1 - rate.",
        ),
        (abs(share - rate) > slack, f"at rate {rate} a share of {share:.3f} is dropped."),
        (np.ptp(dropped.sum(1)) == 0, f"every row loses as many; {_ON_ITS_OWN}"),
        (np.ptp(dropped.sum(0)) == 0, f"every column loses as many; {_ON_ITS_OWN}"),
    ):
        if wrong:
            raise Wrong(reason)


DROPOUT = Exercise("02.4", check=_check_dropout)

_FEATURES = np.abs(np.random.default_rng(0).normal(size=(9, 4))) * [1, 3, 9, 27]
_FEATURES[6:] += [5, 0, 9, 40]  # the test pictures are unlike
_TRAIN, _TEST = np.arange(6), np.arange(6, 9)


def _parts(prepare: Callable, *given: np.ndarray) -> Iterator[tuple]:
    yield from zip(_PARTS, unpack(prepare(*given), *_PARTS), strict=True)


_PARTS = ("the training features", "the test features")

PREPARE = Exercise(
    "02.5", tries=((" of nine pictures, six of them for training,", _FEATURES, _TRAIN, _TEST),), parts=_parts
)

EXERCISES = with_texts(__file__, HINGE, MEAN_CLASS_ACCURACY, ELEVEN_POINT_AP, DROPOUT, PREPARE)

check, hint, solution = commands(EXERCISES)
