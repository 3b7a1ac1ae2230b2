"""Look at a student's answer and say: not tried yet, not right because ..., or right.

The exercises of a notebook are a module of this folder with a tuple EXERCISES. Its checkers get the
answer, try it on small inputs, and raise `Wrong("the sentence that follows 'because'")`; returning
means right. Whatever the answer does (no `return`, a division by zero, a list for an array) ends in
one of the three outcomes, so that a notebook with unsolved exercises runs from top to bottom.
"""

from __future__ import annotations

import dis
import functools
import importlib
import linecache
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

# number of the notebook -> module of its exercises
MODULES = {
    "00": "start_here",
    "01": "decaf_tsne",
    "02": "linear_probes",
    "03": "ifv_vs_cnn",
    "04": "fine_tuning",
    "05": "patch_transfer",
}


class Wrong(Exception):
    """The answer is not right; the message completes the sentence "not right yet, because ..."."""


class NotTried(Exception):
    """The answer is still the stub, or a part of it."""


@dataclass(frozen=True)
class Exercise:
    """One exercise; the notebook asks it, a module of this folder describes it.

    number    "01.2": the second of notebook 01
    question  one line that says what is asked
    answer    the name under which the notebook's stub and the solution define the answer
    check     looks at an answer and raises Wrong; functions arrive as ones that can be called
              without care: None, an exception or a forgotten `...` in them becomes an outcome
    hints     from a nudge to nearly everything
    solution  source code that defines `answer` and needs nothing from the notebook
    """

    number: str
    question: str
    answer: str
    check: Callable[[Any], None]
    hints: tuple[str, ...]
    solution: str


@dataclass(frozen=True)
class Outcome:
    """What came of an answer: "not tried", "wrong" or "right", and why."""

    number: str
    verdict: str
    reason: str = ""

    def __str__(self) -> str:
        if self.verdict == "right":
            return f"Exercise {self.number}: right."
        if self.verdict == "wrong":
            help_line = f'For help: hint("{self.number}")'
            return f"Exercise {self.number}: not right yet, because {self.reason}\n{help_line}"
        return (
            f"Exercise {self.number}: not tried yet{self.reason}. Write your answer, then run the cell again."
        )


def check(number: str, answer: Any) -> None:
    """Say what is to be said about `answer` to exercise `number`, for example check("00.1", to_unit)."""
    print(judge(find(number), answer))


_given: dict[str, int] = {}  # how many hints of each exercise were asked for


def hint(number: str) -> None:
    """Print the next hint to an exercise; after the last one, the last again."""
    exercise = find(number)
    i = min(_given.get(number, 0), len(exercise.hints) - 1)
    _given[number] = i + 1
    print(f"Hint {i + 1} of {len(exercise.hints)} to exercise {number}: {exercise.hints[i]}")
    if i == len(exercise.hints) - 1:
        print(f'That is the last one; solution("{number}") shows an answer.')


def solution(number: str) -> None:
    """Print one right answer to an exercise."""
    exercise = find(number)
    print(f"# {number}  {exercise.question}\n{exercise.solution.strip()}")


def find(number: str) -> Exercise:
    """Return the exercise of that number; KeyError names the ones there are."""
    notebook = str(number).partition(".")[0]
    if notebook not in MODULES:
        known = ", ".join(MODULES)
        raise KeyError(f"there is no exercise {number!r}: the notebooks with exercises are {known}")
    exercises = importlib.import_module(f"lecture_lib.chapters.{MODULES[notebook]}.exercises").EXERCISES
    for exercise in exercises:
        if exercise.number == number:
            return exercise
    raise KeyError(f"there is no exercise {number!r}: there are {', '.join(e.number for e in exercises)}")


def judge(exercise: Exercise, answer: Any) -> Outcome:
    """Check an answer, whatever it is; only an interrupt gets through."""
    try:
        if answer is None or answer is ...:
            raise NotTried
        exercise.check(_watched(answer) if isinstance(answer, FunctionType) else answer)
    except NotTried as reason:
        return Outcome(exercise.number, "not tried", str(reason))
    except Wrong as reason:
        return Outcome(exercise.number, "wrong", str(reason))
    except Exception as error:  # the checker tripped over an answer of an unforeseen kind
        reason = f"an answer of type {type(answer).__name__} cannot be used here ({_name(error)})."
        return Outcome(exercise.number, "wrong", reason)
    return Outcome(exercise.number, "right")


def compare(
    answer: Any,
    expected: Any,
    what: str = "your answer",
    tolerance: float = 1e-5,
    typical: Iterable[tuple[Any, str]] = (),
) -> None:
    """Raise Wrong where a number, an array or a tensor differs from `expected`, and say how.

    Shapes must agree, then values, within `tolerance` times the largest expected value. `typical` has
    what typical mistakes lead to, each with the reason to give to a wrong answer that agrees with it.
    """
    for mistaken, reason in typical:
        if _agree(answer, mistaken, tolerance) and not _agree(mistaken, expected, tolerance):
            raise Wrong(reason)
    try:
        got = numbers(answer)
    except (TypeError, ValueError):
        raise Wrong(f"{what} is of type {type(answer).__name__}, not numbers.") from None
    want = numbers(expected)
    if got.shape != want.shape:
        raise Wrong(f"{what} has shape {list(got.shape)}; it should be {list(want.shape)}.")
    if not np.isfinite(got).all():
        raise Wrong(f"{what} contains {got[~np.isfinite(got)][0]}.")
    differs = np.abs(got - want) > tolerance * max(1.0, np.abs(want).max(initial=0))
    if differs.any():
        where = tuple(np.argwhere(differs)[0].tolist())
        place = f" at [{', '.join(map(str, where))}]" if where else ""
        raise Wrong(f"{what} is {got[where]:.6g}{place}; it should be {want[where]:.6g}.")


def numbers(value: Any) -> np.ndarray:
    """Return a number, a sequence, an array or a tensor as float64; TypeError or ValueError if it is none."""
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value, dtype=np.float64)


def _agree(a: Any, b: Any, tolerance: float) -> bool:
    try:
        compare(a, b, tolerance=tolerance)
    except Wrong:
        return False
    return True


def call(function: Callable, *inputs: Any) -> Any:
    """Return function(*inputs); raise Wrong if it has written into one of the arrays or tensors among them."""
    arrays = [given for given in inputs if hasattr(given, "shape")]
    before = [numbers(array).copy() for array in arrays]
    result = function(*inputs)
    if not all(map(np.array_equal, map(numbers, arrays), before)):
        raise Wrong("it writes into an array it was given, as `x -= 1` or `x[0] = 1` do; make a new one.")
    return result


def _watched(function: FunctionType) -> Callable:
    """The student's function, with every way of failing turned into NotTried or Wrong."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            result = function(*args, **options)
        except Exception as error:
            if isinstance(error, NotImplementedError) and _raised_by_hand(error):
                raise NotTried from None
            if "ellipsis" in str(error):
                raise NotTried(": there is still a ... to replace") from None
            raise Wrong(f"{function.__name__} stops{_place(error, function)} with {_name(error)}.") from None
        if result is ...:
            raise NotTried
        if result is None:
            if _has_no_body(function):
                raise NotTried
            raise Wrong(f"{function.__name__} gives None: is a `return` missing?")
        return result

    return call


def _has_no_body(function: FunctionType) -> bool:
    # what is left of `...`, `pass` or a docstring once compiled
    nothing = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    return all(instruction.opname in nothing for instruction in dis.get_instructions(function))


def _raised_by_hand(error: Exception) -> bool:
    # torch, too, raises NotImplementedError, for example from the mean of bytes; a stub has a `raise`
    last = error.__traceback__
    while last.tb_next:
        last = last.tb_next
    return last.tb_frame.f_code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def _place(error: Exception, function: FunctionType) -> str:
    """The line where an exception left the file or cell of the student's function."""
    file = function.__code__.co_filename
    lines = [n for frame, n in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    if not lines:  # it was called with arguments it does not take, and never began
        return ""
    source = linecache.getline(file, lines[-1]).strip()
    return f" at line {lines[-1]}{f', `{source}`,' if source else ''}"


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ").splitlines()[0].rstrip(".")
