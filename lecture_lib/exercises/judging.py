"""Look at a student's answer and say: not tried yet, not right because ..., or right.

The exercises of a notebook are a tuple of `Exercise` in its chapter, which makes `check`, `hint` and `solution` of
them with `commands`. A checker tries the answer on small inputs, and raises `Wrong("the sentence that follows
'because'")`; returning means right. Whatever the answer does (no `return`, a division by zero, a loop without end, a
list for an array) ends in one of the three outcomes: a notebook with unsolved exercises runs from top to bottom.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from unittest import mock

from lecture_lib.exercises.comparing import Reference
from lecture_lib.exercises.running import NotTried, Wrong, examine, exception, watched, within

SECONDS = 10
"""So long an answer may take, all calls together; a right one takes less than one."""

SHOWN = 2_000  # characters of what an answer prints


@dataclass(frozen=True)
class Exercise:
    """One exercise; the notebook asks it, its chapter describes it.

    number    "01.2": the second of notebook 01
    question  one line that says what is asked
    check     gets an answer and the reference, and raises Wrong. Functions arrive as ones that can be called without
              care: they get copies of their arguments, and None, an exception or a forgotten `...` becomes an outcome
    hints     from a nudge to nearly everything
    solution  source code that needs nothing from the notebook; the last name that it defines is the answer's
    mistakes  the reason to give to a typical wrong answer -> how it comes of the solution, as in `Reference`
    """

    number: str
    question: str
    check: Callable[[Any, Reference], None]
    hints: tuple[str, ...]
    solution: str
    mistakes: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def reference(self) -> Reference:
        """The solution as what answers are compared with."""
        return Reference(self.solution, self.mistakes)


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


def commands(exercises: Iterable[Exercise]) -> tuple[Callable, Callable, Callable]:
    """Return check, hint and solution for a chapter's exercises; each raises KeyError for a number not among them."""
    by_number = {exercise.number: exercise for exercise in exercises}
    hints_given = dict.fromkeys(by_number, 0)

    def find(number: str) -> Exercise:
        if number not in by_number:
            raise KeyError(f"there is no exercise {number!r} here: there are {', '.join(by_number)}")
        return by_number[number]

    def check(number: str, answer: Any) -> None:
        """Say what is to be said about `answer` to exercise `number`, for example check("00.1", to_unit)."""
        try:
            print(judge(find(number), answer))
        except KeyboardInterrupt:
            print(f"Exercise {number}: you interrupted the check; run the cell again.")

    def hint(number: str) -> None:
        """Print the next hint to an exercise; after the last one, the last again."""
        hints = find(number).hints
        hints_given[number] = i = min(hints_given[number] + 1, len(hints))
        print(f"Hint {i} of {len(hints)} to exercise {number}: {hints[i - 1]}")
        if i == len(hints):
            print(f'That is the last one; solution("{number}") shows an answer.')

    def solution(number: str) -> None:
        """Print one right answer to an exercise."""
        print(f"# {number}  {find(number).question}\n{find(number).solution.strip()}")

    return check, hint, solution


def judge(exercise: Exercise, answer: Any, seconds: float = SECONDS) -> Outcome:
    """Check an answer, whatever it is; only an interrupt by the user gets through.

    The check runs in a thread of its own, which is stopped after `seconds`. What the answer prints comes after it.
    """

    def verdict() -> Outcome:
        try:
            examine(answer, "your answer")
            exercise.check(watched(answer, printed) if callable(answer) else answer, exercise.reference)
        except NotTried as reason:
            return Outcome(exercise.number, "not tried", str(reason))
        except Wrong as reason:
            return Outcome(exercise.number, "wrong", str(reason))
        except Exception as error:  # the checker tripped over an answer of an unforeseen kind
            reason = f"an answer of type {type(answer).__name__} cannot be used here ({exception(error)})."
            return Outcome(exercise.number, "wrong", reason)
        return Outcome(exercise.number, "right")

    if answer is None:
        return Outcome(exercise.number, "not tried")
    asked = Wrong("it asks with input(); all that it needs comes as arguments.")
    with redirect_stdout(io.StringIO()) as printed, mock.patch("builtins.input", side_effect=asked):
        outcome = within(seconds, verdict)
    text = printed.getvalue()
    print(text if len(text) <= SHOWN else f"{text[:SHOWN]} ...\n", end="")
    endless = f"it has not ended after {seconds:g} seconds: is there a loop that never ends?"
    return outcome or Outcome(exercise.number, "wrong", endless)
