"""The exercises of 06_how_transferable."""

from collections.abc import Callable, Iterator

import numpy as np

from lecture_lib.exercises.comparing import finite, unpack
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong
from lecture_lib.exercises.texts import with_texts

_RNG = np.random.default_rng(0)
_W, _G, _V = _RNG.normal(size=(3, 8, 4))  # eight layers of four weights


def _step(step: Callable, *given: object) -> Iterator[tuple]:
    names = "the weights", "the velocities"
    yield from zip(names, unpack(step(*given), *names, shape=(8, 4)), strict=True)


FREEZE = Exercise(
    "06.1",
    tries=tuple((f" with n = {n}", _W, _G, _V, n, 0.1, 0.9, 0.05) for n in (3, 1, 7, 0)),
    parts=_step,
)

_X = _RNG.normal(3, 2, (6, 5))
_MEAN, _VAR = np.linspace(-1, 2, 5), np.linspace(0.5, 4, 5)

BATCHNORM = Exercise(
    "06.2",
    tries=(("the result", _X, _MEAN, _VAR, np.linspace(0.5, 1.5, 5), np.linspace(1, -1, 5), 0.1),),
)


def _losses(decompose: Callable, *given: object) -> Iterator[tuple]:
    names = "C", "S"
    yield from zip(names, unpack(decompose(*given), *names), strict=True)


_BASE = np.array([62.0, 55.0, 58.5])
_BNB = np.array([[62.5, 60, 61], [55.5, 52, 54], [58, 55, 58.5]])
_ANB = np.array([[62.0, 58, 50], [56, 50, 44], [57, 54, 46.5]])

DECOMPOSE = Exercise(
    "06.3",
    tries=(
        ("(n) of three splits and three cuts", _BASE, _BNB, _ANB),
        ("(n) of two splits and three cuts", _BASE[:2], _ANB[:2], _BNB[:2]),
    ),
    parts=_losses,
)

_HALVES = {
    "the paper's": [0.13, 0, -0.11, -0.6, -1.69, -3.92, -8.24],
    "a sudden": [0, 0, -6, -6, -6, -6, -6],
    "an even": [-1, -2, -3, -4, -5, -6, -7],
    "an early": [-6, -7, -7, -7.5, -8, -8, -8],
    "a restless": [-1, -5, -2, -3, -6, -7, -8],
    "a recovering": [-1, -4, -9, -8, -7, -8, -6],
}

HALF_LAYER = Exercise(
    "06.4",
    tries=tuple((f"the half-layer of {name} fall", np.array(S, float)) for name, S in _HALVES.items()),
)


def _check_halves(halves: Callable) -> None:
    seen = []
    for n, size in ((20, 10), (21, 10), (100, 30)):
        case = f"of {n} classes, {size} a half,"
        a, b = unpack(halves(n, size, np.random.default_rng(3)), "A", "B")
        a, b = (finite(one, f"half {name} {case}", (size,)) for one, name in ((a, "A"), (b, "B")))
        for one, name in ((a, "A"), (b, "B")):
            if not np.isin(one, np.arange(n)).all():
                raise Wrong(f"half {name} {case} has numbers that are no class, 0 to {n - 1}.")
            if len(np.unique(one)) < size:
                raise Wrong(f"half {name} {case} has a class twice.")
        if both := np.intersect1d(a, b).astype(int).tolist():
            raise Wrong(
                f"{case} {len(both)} are in both halves, the first is {both[0]}: A is to know nothing of B."
            )
        seen.append((a, b))
    again = unpack(halves(20, 10, np.random.default_rng(4)), "A", "B")
    if np.array_equal(np.sort(again[0]), np.sort(seen[0][0])):
        raise Wrong("another rng gives the same halves: draw them from rng.")
    in_a = np.zeros(20)
    for seed in range(200):
        in_a[np.asarray(halves(20, 10, np.random.default_rng(seed))[0], int)] += 1
    if in_a.min() < 60 or in_a.max() > 140:  # six standard deviations of a fair draw
        raise Wrong(
            f"class {in_a.argmax()} is in A {in_a.max():.0f} times of 200; each should be in half of all draws."
        )


HALVES = Exercise("06.5", check=_check_halves)

EXERCISES = with_texts(__file__, FREEZE, BATCHNORM, DECOMPOSE, HALF_LAYER, HALVES)

check, hint, solution = commands(EXERCISES)
