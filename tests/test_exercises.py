"""The checkers are checked: untouched stub, typical wrong answers, solution, and oddities."""

import importlib
import re

import numpy as np
import pytest
import torch

from lecture_lib import exercises
from lecture_lib.exercises import judging
from lecture_lib.exercises.judging import Exercise, Wrong, compare, judge
from lecture_lib.settings import REPOSITORY

# For every exercise: wrong answers as source, each with a piece of the reason that the student must read.
WRONG_ANSWERS = {
    "00.1": [
        ("def to_unit(picture): return picture", "float32"),
        ("def to_unit(picture): return picture.double() / 255", "float64"),
        ("def to_unit(picture): return (picture // 255).float()", r"is 0 at \[0, 0, 1\]"),
        ("def to_unit(picture): return picture.float() / 256", "255, became 0.9961"),
        ("def to_unit(picture): return picture.float().permute(1, 2, 0) / 255", r"shape \[4, 5, 3\]"),
        ("def to_unit(picture): return picture.numpy() / 255", "ndarray"),
        ("def to_unit(picture):\n    x = picture.float() / 255", "is a `return` missing"),
        ("def to_unit(picture): return picture.mean()", "floating point"),
        (
            "def to_unit(picture):\n    x = picture.float() / 255\n    picture[:] = 0\n    return x",
            "changes the picture",
        ),
        ("def to_unit(): return 1", "TypeError"),
        ("to_unit = 255", "of type int cannot be used"),
    ],
    "01.1": [
        ("def purity(nearest, labels): return (labels[nearest] == labels[:, None]).mean()", "one number"),
        ("def purity(nearest, labels): return (labels[nearest] == labels[:, None]).sum(1)", "divided by k"),
        ("def purity(nearest, labels): return (labels[nearest] == labels).mean(1)", "stops"),
        ("def purity(nearest, labels): return (nearest == labels[:, None]).mean(1)", "it should be"),
    ],
    "01.2": [
        ("def multiply_adds(c_in, c_out, k, h, w, groups=1): return c_in * c_out * k * h * w", "square"),
        ("def multiply_adds(c_in, c_out, k, h, w, groups=1): return c_in * c_out * k * k", "weights"),
        ("def multiply_adds(c_in, c_out, k, h, w, groups=1): return c_in*c_out*k*k*h*w", "groups=2"),
        ("def multiply_adds(c_in, c_out, k, h, w, groups=1): return 2*c_in*c_out*k*k*h*w", "it should be"),
    ],
    "01.3": [
        ("supported = 'abd'", "gap between two islands"),
        ("supported = {'a', 'c', 'd'}", "size of an island"),
        ("supported = ['d']", "neighbours is missing"),
        ("supported = {'a'}", "given no labels"),
        ("supported = {'a', 'd', 'e'}", "not in the training set"),
        ("supported = 'xyz'", "none of the letters"),
        ("supported = 5", "of type int cannot be used"),
    ],
}


def every_exercise():
    for notebook, module in judging.MODULES.items():
        if not (REPOSITORY / f"lecture_lib/exercises/{module}.py").exists():
            continue
        for exercise in importlib.import_module(f"lecture_lib.exercises.{module}").EXERCISES:
            assert exercise.number.startswith(f"{notebook}.")
            yield exercise


def run(source, name):
    namespace = {}
    exec(compile(source, "<answer>", "exec"), namespace)
    return namespace[name]


numbered = pytest.mark.parametrize("exercise", list(every_exercise()), ids=lambda exercise: exercise.number)


@numbered
def test_the_solution_shown_to_students_is_right(exercise):
    outcome = judge(exercise, run(exercise.solution, exercise.answer))
    assert outcome.verdict == "right", outcome


@numbered
@pytest.mark.parametrize(
    "body",
    [
        "...",
        "pass",
        '"""Explained."""',
        "raise NotImplementedError",
        "return ...",
        "x = ...\n    return x + 1",
    ],
)
def test_an_untouched_stub_is_not_called_wrong(exercise, body):
    if "def " not in exercise.solution:
        pytest.skip("the answer is not a function")
    assert judge(exercise, run(f"def stub(*_, **__):\n    {body}", "stub")).verdict == "not tried"


@numbered
@pytest.mark.parametrize("nothing", [None, ...])
def test_nothing_is_not_called_wrong(exercise, nothing):
    assert judge(exercise, nothing).verdict == "not tried"


@numbered
def test_wrong_answers_are_told_why(exercise):
    wrong = WRONG_ANSWERS.get(exercise.number, [])
    assert len(wrong) >= 2, f"add typical wrong answers to {exercise.number} in WRONG_ANSWERS"
    for source, reason in wrong:
        outcome = judge(exercise, run(source, exercise.answer))
        assert outcome.verdict == "wrong", f"taken as {outcome.verdict}: {source}"
        assert re.search(reason, outcome.reason), f"{source}\n{outcome.reason}"


@numbered
@pytest.mark.parametrize(
    "oddity", [0, "text", [], {}, object(), np.zeros(0), torch.zeros(2, 2), int, lambda *_: "x"]
)
def test_no_answer_raises(exercise, oddity):
    assert judge(exercise, oddity).verdict == "wrong"


@numbered
def test_every_exercise_has_hints_and_a_question(exercise):
    assert exercise.question
    assert exercise.hints


def test_numbers_are_not_used_twice():
    numbers = [exercise.number for exercise in every_exercise()]
    assert len(numbers) == len(set(numbers))


def test_an_exception_is_told_with_the_students_own_line():
    source = "def scale(x):\n    total = 0\n    return x / total\n"
    exercise = Exercise("09.1", "?", "scale", lambda scale: scale(1), ("h",), "")
    outcome = judge(exercise, run(source, "scale"))
    assert outcome.verdict == "wrong"
    assert "scale stops at line 3" in outcome.reason
    assert "ZeroDivisionError: division by zero" in outcome.reason


def test_an_interrupt_gets_through():
    def endless(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(Exercise("09.1", "?", "f", lambda f: f(1), ("h",), ""), endless)


def test_check_prints_one_of_three_sentences(capsys):
    exercises.check("00.1", ...)
    exercises.check("00.1", lambda picture: picture)
    exercises.check("00.1", lambda picture: picture.float() / 255)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Exercise 00.1: not tried yet.")
    assert lines[1].startswith("Exercise 00.1: not right yet, because ")
    assert lines[2] == 'For help: hint("00.1")'
    assert lines[3] == "Exercise 00.1: right."


def test_each_call_gives_the_next_hint(capsys, monkeypatch):
    monkeypatch.setattr(judging, "_given", {})
    n = len(judging.find("00.1").hints)
    for _ in range(n + 1):
        exercises.hint("00.1")
    out = capsys.readouterr().out
    shown = re.findall(r"Hint (\d) of", out)
    assert shown == [*map(str, range(1, n + 1)), str(n)]
    assert out.count('solution("00.1")') == 2


def test_the_solution_is_printed_with_its_question(capsys):
    exercises.solution("00.1")
    assert capsys.readouterr().out.startswith("# 00.1  Turn a picture")


@pytest.mark.parametrize("number", ["00.9", "77.1", "zero"])
def test_an_unknown_number_is_answered_with_the_known_ones(number):
    with pytest.raises(KeyError, match="there is no exercise"):
        exercises.check(number, 1)


@pytest.mark.parametrize(
    ("answer", "expected", "reason"),
    [
        (0.25, 0.5, "is 0.25; it should be 0.5"),
        ([1.0, 2.0, 4.0], [1, 2, 3], r"is 4 at \[2\]; it should be 3"),
        ([1.0, float("nan")], [1, 2], "contains nan"),
        ([1.0], [1, 2], r"shape \[1\]; it should be \[2\]"),
        ("a", 1, "of type str, not numbers"),
        (torch.ones(2, requires_grad=True), [1.0, 1.5], r"is 1 at \[1\]"),
        ([[1, 2], [3]], [1, 2], "of type list, not numbers"),
    ],
)
def test_compare_says_how_an_answer_differs(answer, expected, reason):
    with pytest.raises(Wrong, match=reason):
        compare(answer, expected)


def test_compare_accepts_rounding_but_no_more():
    compare(1 / 3 + 1e-7, 1 / 3)
    compare(torch.tensor([1e6 + 1.0]), [1e6])
    compare([], np.zeros(0))
    with pytest.raises(Wrong):
        compare(1 / 3 + 1e-3, 1 / 3)
