"""Look at a student's answer and say: not tried yet, not right because ..., or right.

The exercises of a notebook are a tuple of `Exercise` in its chapter, which makes `check`, `hint` and `solution` of
them with `commands`. Most are data: an answer is called with small inputs, and what it gives is compared with what the
solution gives, and, where it differs, with what typical mistakes lead to. Whatever the answer does (no `return`, a
division by zero, a loop without end, a list for an array) ends in one of the three outcomes: a notebook with unsolved
exercises runs from top to bottom.
"""

import html
import io
import json
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any
from unittest import mock

from IPython.display import display

from lecture_lib.exercises import progress
from lecture_lib.exercises.comparing import GIVEN, agree, compare, define, varied
from lecture_lib.exercises.running import NotTried, Wrong, examine, exception, steps, watched, within

SECONDS = 10
"""So long an answer may take, all calls together; a right one takes less than one."""

MARKS = {"right": ("✓", "#087a4e"), "wrong": ("✗", "#c2281d"), "not tried": ("○", "#666666")}
"""Told apart without colours, too; white letters have a contrast of 5 or more on each of them."""

SHOWN = 2_000  # characters of what an answer prints


@dataclass(frozen=True)
class Exercise:
    """One exercise; the notebook asks it, its chapter describes it, in code and in the texts of exercises.toml.

    number     "01.2": the second of notebook 01
    question   one line that says what is asked
    hints      from a nudge to nearly everything
    solution   source code that may use np and torch; the last name that it defines is the answer's
    mistakes   the reason to give to a typical wrong answer -> how it comes of the solution, as in `varied`, and with
               " | " between several ways; of those that lead to the same result, the first is told
    tries      what is compared, as a message names it, and the arguments that the answer is called with
    parts      calls an answer, and yields what of its result to compare, by default all: a name to put before that of
               the try, the value, and the right one if it is not the solution's. Wrong for what cannot be compared
    tolerance  as in `compare`
    check      gets an answer that is right in its tries, and raises Wrong: where there are many right ones
    stub       source code with a bug to find, where the notebook gives that instead of dots: not tried as it stands
    """

    number: str
    question: str = ""
    hints: tuple[str, ...] = ()
    solution: str = ""
    mistakes: Mapping[str, str] = field(default_factory=dict)
    tries: tuple[tuple, ...] = ()
    parts: Callable[..., Iterable[tuple]] = lambda answer, *given: [("", answer(*given))]
    tolerance: float = 1e-5
    check: Callable[[Any], None] = lambda answer: None
    stub: str = ""

    @cached_property
    def right(self) -> Any:
        """The solution."""
        return define(self.solution)

    @property
    def shown(self) -> str:
        """The solution as a student may run it, with the imports that it needs."""
        imports = [line for name, (_, line) in GIVEN.items() if f"{name}." in self.solution]
        return "\n\n\n".join([*imports, self.solution.strip()])

    @cached_property
    def mistaken(self) -> list[tuple[str, Callable]]:
        """Each reason with a function that makes the mistake."""
        ways = [(reason, way) for reason, ways in self.mistakes.items() for way in ways.split(" | ")]
        return [(reason, define(varied(self.solution, way))) for reason, way in ways]

    def look(self, answer: Any) -> None:
        """Raise Wrong("the sentence that follows 'because'") unless an answer is right.

        A function is to be one that can be called without care, as `watched` makes it.
        """
        for what, *given in self.tries:
            both = zip(self.parts(answer, *given), self.parts(self.right, *given), strict=True)
            for i, ((name, got, *expected), (_, right, *_)) in enumerate(both):
                right = expected[0] if expected else right
                if not agree(got, right, self.tolerance):
                    if reason := self._mistake(got, right, i, *given):
                        raise Wrong(reason)
                    compare(got, right, f"{name}{what}", self.tolerance)
        self.check(answer)

    def _mistake(self, got: Any, right: Any, i: int, *given: Any) -> str | None:
        """Return the reason of the first mistake that leads to what an answer gave as its part i."""
        for reason, mistaken in self.mistaken:
            with suppress(Exception), warnings.catch_warnings(action="ignore"):  # it may stop on the way
                _, value, *_ = next(islice(self.parts(mistaken, *given), i, None))
                if agree(got, value, self.tolerance) and not agree(value, right, self.tolerance):
                    return reason
        return None


@dataclass(frozen=True, repr=False)
class Outcome:
    """What came of an answer: "not tried", "wrong" or "right", and why. A notebook shows it in colour."""

    number: str
    verdict: str
    reason: str = ""

    def __repr__(self) -> str:
        return f"{MARKS[self.verdict][0]} {''.join(self._sentence())}"

    def _repr_html_(self) -> str:
        (mark, colour), (verdict, rest) = MARKS[self.verdict], self._sentence()
        rest = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(rest, quote=False))
        label = f"padding: 1px 6px; background: {colour}; color: white"
        box = f"border-left: 4px solid {colour}; padding-left: 8px; white-space: pre-wrap"
        return f'<div style="{box}"><b style="{label}">{mark} {verdict}</b>{rest}</div>'

    def _sentence(self) -> tuple[str, str]:
        verdict, rest = {
            "right": ("right", "."),
            "wrong": ("not right yet", f', because {self.reason}\nFor help: hint("{self.number}")'),
            "not tried": ("not tried yet", f"{self.reason}. Write your answer, then run the cell again."),
        }[self.verdict]
        return f"Exercise {self.number}: {verdict}", rest


def commands(exercises: Iterable[Exercise]) -> tuple[Callable, Callable, Callable]:
    """Return check, hint and solution for a chapter's exercises; a number not among them gets a sentence."""
    by_number = {exercise.number: exercise for exercise in exercises}
    hints_given = dict.fromkeys(by_number, 0)

    def known(number: Any) -> bool:
        if isinstance(number, str) and number in by_number:
            return True
        bare = str(number).lstrip("0")  # Python reads 00.1 as the number 0.1
        meant = [f' You mean "{n}"?' for n in by_number if bare in (n.lstrip("0"), n.partition(".")[2])]
        print(f"The exercises here are {', '.join(map(json.dumps, by_number))}, in quotes.{''.join(meant)}")
        return False

    def check(number: str, answer: Any) -> None:
        """Say what is to be said about `answer` to exercise `number`, for example check("00.1", to_unit)."""
        try:
            if known(number):
                outcome = judge(by_number[number], answer)
                display(outcome)
                progress.note(number, outcome.verdict)
        except KeyboardInterrupt:
            print(f"Exercise {number}: you interrupted the check; run the cell again.")

    def hint(number: str) -> None:
        """Print the next hint to an exercise; after the last one, the last again."""
        if known(number):
            hints = by_number[number].hints
            hints_given[number] = i = min(hints_given[number] + 1, len(hints))
            print(f"Hint {i} of {len(hints)} to exercise {number}: {hints[i - 1]}")
            if i == len(hints):
                print(f'That is the last one; solution("{number}") shows an answer.')

    def solution(number: str) -> None:
        """Print one right answer to an exercise."""
        if known(number):
            print(f"# {number}  {by_number[number].question}\n{by_number[number].shown}")

    return check, hint, solution


def judge(exercise: Exercise, answer: Any, seconds: float = SECONDS) -> Outcome:
    """Check an answer, whatever it is; only an interrupt by the user gets through.

    The check runs in a thread of its own, which is stopped after `seconds`. What the answer prints comes after it.
    """

    def verdict() -> tuple[str, str]:
        try:
            examine(answer, "your answer")
            if exercise.stub and steps(answer) == steps(define(exercise.stub)):
                raise NotTried
            exercise.look(watched(answer, printed) if callable(answer) else answer)
        except NotTried as reason:
            return "not tried", str(reason)
        except Wrong as reason:
            return "wrong", str(reason)
        except Exception as error:  # an answer of an unforeseen kind
            kind = type(answer).__name__
            return "wrong", f"an answer of type {kind} cannot be used here ({exception(error)})."
        return "right", ""

    if answer is None:
        return Outcome(exercise.number, "not tried")
    asked = Wrong("it asks with input(); all that it needs comes as arguments.")
    with redirect_stdout(io.StringIO()) as printed, mock.patch("builtins.input", side_effect=asked):
        outcome = within(seconds, verdict)
    text = printed.getvalue()
    print(text if len(text) <= SHOWN else f"{text[:SHOWN]} ...\n", end="")
    endless = f"it has not ended after {seconds:g} seconds: is there a loop that never ends?"
    return Outcome(exercise.number, *(outcome or ("wrong", endless)))
