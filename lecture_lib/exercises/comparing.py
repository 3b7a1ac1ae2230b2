"""Compare an answer with the right one, and make of a solution those to which typical mistakes lead."""

from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
import torch

from lecture_lib.exercises.running import Wrong

DIGITS = {"float32": 7, "float16": 3, "bfloat16": 2}
GIVEN = {"np": (np, "import numpy as np"), "torch": (torch, "import torch")}


def define(source: str) -> Any:
    """Run source code that may use np and torch, and return what has the last of the names that it defines."""
    names: dict[str, Any] = {name: module for name, (module, _) in GIVEN.items()}
    exec(source, names)
    return list(names.values())[-1]


def varied(solution: str, variation: str) -> str:
    """Return a solution with a variation made; ValueError for one that it has no place for.

    "old -> new" replaces a piece of it, anything else what its last `return` returns; "; " joins several changes.
    """
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
    """Raise Wrong where a number, an array or a dict of numbers differs from `expected`, and say how.

    Shapes must agree, then values, within `tolerance` times the largest expected value.
    """
    want = numbers(expected)
    got = finite(answer, what, want.shape)
    differs = np.abs(got - want) > _allowed(want, tolerance)
    if differs.any():
        where = tuple(np.argwhere(differs)[0].tolist())
        place = f" at [{', '.join(map(str, where))}]" if where else ""
        if isinstance(expected, dict):
            what, place = f"{list(expected)[where[0]]}{what}", ""
        is_bool = isinstance(expected, dict) and isinstance(list(expected.values())[where[0]], bool)
        digits = 6 if f"{got[where]:.6g}" != f"{want[where]:.6g}" else 15
        x, right = (bool(a[where]) if is_bool else f"{a[where]:.{digits}g}" for a in (got, want))
        dtype = getattr(answer, "dtype", None)
        name = str(dtype).removeprefix("torch.")
        few = name in DIGITS and dtype != getattr(expected, "dtype", None)  # which may be all that is wrong
        coarse = f" (It is {name}, of {DIGITS[name]} digits; compute in float64.)" if few else ""
        raise Wrong(f"{what} is {x}{place}; it should be {right}.{coarse}")


def finite(answer: Any, what: str, shape: Iterable[int]) -> np.ndarray:
    """Return an answer as float64; raise Wrong unless it is numbers of that shape, and none of them NaN or infinite."""
    try:
        got = numbers(answer)
    except (TypeError, ValueError):
        raise Wrong(f"{what} is of type {type(answer).__name__}, not numbers.") from None
    if got.shape != tuple(shape):
        raise Wrong(f"{what} has shape {list(got.shape)}; it should be {list(shape)}.")
    if not np.isfinite(got).all():
        raise Wrong(f"{what} contains {got[~np.isfinite(got)][0]}.")
    return got


def agree(a: Any, b: Any, tolerance: float) -> bool:
    """Whether a and b are numbers as near to each other as `compare` asks; NaN is like NaN, wherever it is."""
    try:
        a, b = numbers(a), numbers(b)
    except (TypeError, ValueError):
        return False
    if np.isnan(b).any():
        return bool(np.isnan(a).any())
    return a.shape == b.shape and bool(
        np.isfinite(b).all() and (np.abs(a - b) <= _allowed(b, tolerance)).all()
    )


def unpack(result: Any, *names: str, shape: tuple[int, ...] | None = None) -> list:
    """Return the parts of a result; raise Wrong unless there are as many as names, and all are `finite` of a shape."""
    try:
        parts = list(result)
    except TypeError:
        parts = []
    if len(parts) != len(names):
        raise Wrong(f"it should give {len(names)} things: {', '.join(names)}.")
    return (
        parts
        if shape is None
        else [finite(part, name, shape) for part, name in zip(parts, names, strict=True)]
    )


def numbers(value: Any) -> np.ndarray:
    """Return a number, a sequence, an array, a tensor or dict values as float64; TypeError or ValueError if none."""
    value = list(value.values()) if isinstance(value, dict) else value
    array = np.asarray(value.detach().double() if isinstance(value, torch.Tensor) else value)
    if array.dtype.kind not in "biuf" and not all(isinstance(part, Real) for part in array.flat):
        raise TypeError("None and words are no numbers, and NumPy would make some of them")
    return array.astype(np.float64)


def _allowed(want: np.ndarray, tolerance: float) -> float:
    return tolerance * max(1.0, np.abs(want).max(initial=0))
