"""Several multiple-choice questions as one exercise, answered by a letter each."""

from collections.abc import Mapping, Sequence
from typing import Any

from lecture_lib.exercises.judging import Exercise
from lecture_lib.exercises.running import NotTried, Wrong


def choices(number: str, right: str, reasons: Sequence[Mapping[str, str]]) -> Exercise:
    """Return the exercise of questions that the notebook asks, each with its letters.

    number   "01.6": the sixth of notebook 01
    right    "b d a c b": the right letter of each question
    reasons  for each question: each of its letters -> a sentence why that is wrong, or why it is right. They are shown
             after the letter, and should make sense without the question

    An answer is the letters in a string, in either case, with or without blanks and commas, or in a list. Raises
    ValueError unless each question has a right letter, with a reason, and another one.
    """
    key = _letters(right)
    fits = [ours in why and len(why) > 1 for ours, why in zip(key, reasons, strict=False)]
    if not all(fits) or len(key) != len(reasons):
        needed = "`right` should have a letter of each of `reasons`, and those two letters or more each."
        raise ValueError(f"exercise {number}: {needed}")

    def check(answer: Any) -> None:
        if isinstance(answer, str) and not answer.strip():
            raise NotTried
        chosen = _letters(answer)
        if len(chosen) != len(key):
            raise Wrong(f"it has {len(chosen)} letters; there are {len(key)} questions, with one each.")
        for i, (letter, why) in enumerate(zip(chosen, reasons, strict=True), 1):
            if letter not in why:
                raise Wrong(f"question {i} has the letters {' '.join(sorted(why))}, and no {letter}.")
        wrong = [i for i, (letter, ours) in enumerate(zip(chosen, key, strict=True)) if letter != ours]
        if wrong:
            lines = [f"{i + 1} {chosen[i]}: {reasons[i][chosen[i]]}" for i in wrong]
            raise Wrong("\n".join([f"{len(wrong)} of {len(key)} letters are wrong:", *lines]))

    hints, solution = [], [f'answer = "{" ".join(key)}"']
    for i, (ours, why) in enumerate(zip(key, reasons, strict=True), 1):
        other = next(letter for letter in sorted(why) if letter != ours)
        hints.append(f"Question {i}: it is not {other}. {why[other]}")
        solution.append(f"# {i} {ours}: {why[ours]}")
    return Exercise(
        number=number,
        question=f"{len(key)} questions, a letter each.",
        hints=tuple(hints),
        solution="\n".join(solution),
        check=check,
    )


def _letters(answer: Any) -> list[str]:
    parts = [answer] if isinstance(answer, str) else answer
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise Wrong(f'the answer is letters, such as "a b c", not of type {type(answer).__name__}.')
    return [character for character in "".join(parts).lower() if character.isalpha()]
