"""Compare an answer with the right one, and with those to which typical mistakes lead."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
import torch

from lecture_lib.exercises.running import Wrong


def whole(result: Any) -> Any:
    """The result itself: the part that `Reference.compare` looks at where no other is named."""
    return result


class Reference:
    """The solution of an exercise, to be called and to be compared with, and typical mistakes as variations of it.

    solution  source code; the last name that it defines is the answer's
    mistakes  the reason to give -> what makes the mistake of the solution, or a tuple where there are several ways:
              "old -> new" replaces a piece of it, anything else what its last `return` returns; "; " joins changes
    """

    def __init__(self, solution: str, mistakes: Mapping[str, str | tuple[str, ...]]):
        self.solution, self._variations, self.right = solution, mistakes, define(solution)

    def __call__(self, *given: Any) -> Any:
        """Return what the solution returns."""
        return self.right(*given)

    @cached_property
    def mistakes(self) -> list[tuple[str, Callable]]:
        """Each reason with a function that makes the mistake."""
        return [
            (reason, define(varied(self.solution, variation)))
            for reason, variations in self._variations.items()
            for variation in ((variations,) if isinstance(variations, str) else variations)
        ]

    def mistaken(self, *given: Any, part: Callable = whole) -> Iterator[tuple[str, Any]]:
        """Each reason with a part of what its mistake leads to; without those that stop on the way."""
        for reason, function in self.mistakes:
            try:
                with warnings.catch_warnings(action="ignore"):
                    yield reason, part(function(*given))
            except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
                continue

    def compare(
        self,
        answer: Any,
        what: str,
        *given: Any,
        part: Callable = whole,
        expected: Any = None,
        tolerance: float = 1e-5,
    ) -> None:
        """Raise Wrong where an answer differs from a part of the solution's, or from `expected`, for what was given."""
        right = part(self(*given)) if expected is None else expected
        if not agree(answer, right, tolerance):
            for reason, value in self.mistaken(*given, part=part):
                if agree(answer, value, tolerance) and not agree(value, right, tolerance):
                    raise Wrong(reason)
        compare(answer, right, what, tolerance)


def define(source: str) -> Any:
    """Run source code, and return what has the last of the names that it defines."""
    names: dict[str, Any] = {}
    exec(source, names)
    return list(names.values())[-1]


def varied(solution: str, variation: str) -> str:
    """Return a solution with the changes of a variation made; ValueError for one that it has no place for."""
    for change in variation.split("; "):
        old, arrow, new = change.partition(" -> ")
        if not arrow:
            last = solution.rindex("return ") + len("return ")
            solution = solution[:last] + change + "\n"
        elif old in solution:
            solution = solution.replace(old, new)
        else:
            raise ValueError(f"there is no {old!r} to replace in\n{solution}")
    return solution


def compare(answer: Any, expected: Any, what: str = "your answer", tolerance: float = 1e-5) -> None:
    """Raise Wrong where a number, an array or a tensor differs from `expected`, and say how.

    Shapes must agree, then values, within `tolerance` times the largest expected value.
    """
    got, want = finite(answer, what, np.shape(expected)), numbers(expected)
    differs = np.abs(got - want) > _allowed(want, tolerance)
    if differs.any():
        where = tuple(np.argwhere(differs)[0].tolist())
        place = f" at [{', '.join(map(str, where))}]" if where else ""
        digits = 6 if f"{got[where]:.6g}" != f"{want[where]:.6g}" else 15
        values = f"is {got[where]:.{digits}g}{place}; it should be {want[where]:.{digits}g}"
        raise Wrong(f"{what} {values}.{_coarse(answer)}")


def refuse(answer: Any, mistaken: Mapping[str, Any], tolerance: float = 1e-5) -> None:
    """Raise Wrong with the first reason for whose mistaken value, within `tolerance`, the answer is."""
    for reason, value in mistaken.items():
        if agree(answer, value, tolerance):
            raise Wrong(reason)


def finite(answer: Any, what: str, shape: Iterable[int]) -> np.ndarray:
    """Return an answer as float64; raise Wrong unless it is numbers of that shape, and none of them NaN or infinite."""
    try:
        got = numbers(answer)
    except (TypeError, ValueError):
        raise Wrong(f"{what} is of type {type(answer).__name__}, not numbers.") from None
    if got.shape != tuple(shape):
        raise Wrong(f"{what} has shape {list(got.shape)}; it should be {list(shape)}.")
    if not np.isfinite(got).all():
        raise Wrong(f"{what} contains {got[~np.isfinite(got)][0]}.{_coarse(answer)}")
    return got


def numbers(value: Any) -> np.ndarray:
    """Return a number, a sequence, an array or a tensor as float64; TypeError or ValueError if it is none."""
    array = np.asarray(value.detach().double() if isinstance(value, torch.Tensor) else value)
    if array.dtype.kind not in "biuf" and not all(isinstance(part, Real) for part in array.flat):
        raise TypeError("None and words are no numbers, and NumPy would make some of them")
    return array.astype(np.float64)


def has_nan(answer: Any) -> bool:
    """Whether an answer is numbers, and NaN among them."""
    try:
        return bool(np.isnan(numbers(answer)).any())
    except (TypeError, ValueError):
        return False


def agree(a: Any, b: Any, tolerance: float) -> bool:
    """Whether a and b are numbers of one shape, all finite, and as near to each other as `compare` asks."""
    try:
        a, b = numbers(a), numbers(b)
    except (TypeError, ValueError):
        return False
    if a.shape != b.shape or not np.isfinite([a, b]).all():
        return False
    return bool((np.abs(a - b) <= _allowed(b, tolerance)).all())


def _allowed(want: np.ndarray, tolerance: float) -> float:
    return tolerance * max(1.0, np.abs(want).max(initial=0))


def _coarse(answer: Any) -> str:
    """A sentence about numbers of few digits, which may be all that is wrong with them."""
    dtype = str(getattr(answer, "dtype", "")).removeprefix("torch.")
    few = {"float32": 7, "float16": 3, "bfloat16": 2}
    return f" (It is {dtype}, of {few[dtype]} digits; compute in float64.)" if dtype in few else ""
