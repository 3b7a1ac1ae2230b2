"""Exercises at the end of each notebook: `check` an answer, ask for a `hint`, read the `solution`."""

from lecture_lib.exercises.judging import check, hint, solution

__all__ = ["check", "hint", "solution"]
