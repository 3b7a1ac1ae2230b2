"""Give a chapter's exercises their texts, which lie beside their code, in `exercises.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lecture_lib.exercises.choosing import choices
from lecture_lib.exercises.judging import Exercise

STRING, STRINGS = ("a string", str, str), ("an array of strings", list, str)
ANSWERED = {
    "question": STRING,
    "hints": STRINGS,
    "solution": STRING,
    "mistakes": ("a table of strings", dict, str),
    "stub": STRING,
}
CHOSEN = {"right": STRING, "reasons": ("an array of tables", list, dict)}
OPTIONAL = {"mistakes", "stub"}


def with_texts(module: str, *coded: Exercise) -> tuple[Exercise, ...]:
    """Return a chapter's exercises, in the order of their texts.

    module  the `__file__` of its exercises.py; exercises.toml beside it has a table of texts for each number:
            `question`, `hints`, `solution`, and, where there are any, `mistakes` and `stub`, as in `Exercise`; or, for
            multiple-choice questions, which need no code, `right` and `reasons`, as in `choices`
    coded   exercises with their numbers and what judges answers, but still without texts

    Raises ValueError, which names the exercise and the key, for a key that is missing, unknown, empty or of another
    kind, for a table without its exercise, and for an exercise without its table.
    """
    code = {exercise.number: exercise for exercise in coded}
    tables = tomllib.loads(Path(module).with_suffix(".toml").read_text(encoding="utf-8"))
    if lost := code.keys() - tables.keys():
        raise ValueError(f"exercise {min(lost)} has no table in exercises.toml.")
    exercises = []
    for number, table in tables.items():
        if number in code:
            _look_at(number, table, ANSWERED)
            exercises.append(replace(code[number], **table | {"hints": tuple(table["hints"])}))
        elif isinstance(table, dict) and "reasons" in table:
            _look_at(number, table, CHOSEN)
            exercises.append(choices(number, **table))
        else:
            raise ValueError(f"exercises.toml has a table {number}, but exercises.py has no such exercise.")
    return tuple(exercises)


def _look_at(number: str, table: Mapping[str, Any], keys: Mapping[str, tuple]) -> None:
    if missing := keys.keys() - OPTIONAL - set(table):
        raise ValueError(f"exercise {number} has no `{min(missing)}` in exercises.toml.")
    for key, value in table.items():
        if key not in keys:
            raise ValueError(f"exercise {number} has `{key}`, which is none of {', '.join(keys)}.")
        kind, whole, part = keys[key]
        parts = value.values() if isinstance(value, dict) else value
        if not (isinstance(value, whole) and value and all(isinstance(each, part) for each in parts)):
            raise ValueError(f"exercise {number}: `{key}` should be {kind}, and not empty.")
