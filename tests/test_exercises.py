"""What judges the answers: three outcomes whatever an answer does, and no harm to the checker. For all exercises."""

import importlib
import itertools
import re
import signal
import sys
import threading
import time

import numpy as np
import pytest
import torch

from lecture_lib.chapters.start_here.exercises import EXERCISES as WARM_UP
from lecture_lib.chapters.start_here.exercises import check
from lecture_lib.exercises import running
from lecture_lib.exercises.choosing import choices
from lecture_lib.exercises.comparing import compare, define, varied
from lecture_lib.exercises.judging import Exercise, Outcome, commands, judge
from lecture_lib.exercises.running import Wrong
from lecture_lib.exercises.texts import with_texts
from lecture_lib.settings import REPOSITORY

CHAPTERS = sorted(path.parent.name for path in REPOSITORY.glob("lecture_lib/chapters/*/exercises.py"))
EVERY = [
    exercise
    for chapter in CHAPTERS
    for exercise in importlib.import_module(f"lecture_lib.chapters.{chapter}.exercises").EXERCISES
]
numbered = pytest.mark.parametrize("exercise", EVERY, ids=lambda exercise: exercise.number)
functions = pytest.mark.parametrize(
    "exercise", [e for e in EVERY if callable(e.right)], ids=lambda exercise: exercise.number
)
quiet = pytest.mark.filterwarnings("ignore")  # it is the answers that warn


def test_every_chapter_has_exercises_with_numbers_of_their_own():
    numbers = [exercise.number for exercise in EVERY]
    assert len(CHAPTERS) >= 6
    assert len(set(numbers)) == len(numbers) >= 21
    assert all(exercise.question and exercise.hints for exercise in EVERY)


@numbered
def test_the_solution_shown_to_students_is_right(exercise):
    names = {}
    exec(exercise.shown, names)  # with nothing there
    outcome = judge(exercise, list(names.values())[-1])
    assert outcome.verdict == "right", outcome


@quiet
@numbered
def test_each_typical_mistake_is_given_its_own_reason(exercise):
    for reason, mistaken in exercise.mistaken:
        # in a function of its own, as one may be the bug that the notebook gives to find
        assert judge(exercise, lambda *given, mistaken=mistaken: mistaken(*given)).reason == reason


@quiet
@functions
def test_an_answer_that_spoils_its_input_is_told_so_and_spoils_nothing(exercise):
    spoiled = []

    def spoil(*inputs):
        result = exercise.right(*map(running._copy, inputs))
        for x in inputs:
            if isinstance(x, (np.ndarray, torch.Tensor)):
                spoiled.append(x)
                x[...] = x.reshape(-1)[-1]
        return result

    outcome = judge(exercise, spoil)
    assert outcome.verdict == ("wrong" if spoiled else "right"), outcome
    assert not spoiled or "changes its input" in outcome.reason
    assert judge(exercise, exercise.right).verdict == "right"


@functions
@pytest.mark.parametrize(
    "body",
    ["...", "pass", '"""Explained."""', "raise NotImplementedError", "return ...", "x = ...; return x + 1"],
)
def test_an_untouched_stub_is_not_called_wrong(exercise, body):
    assert judge(exercise, define(f"def stub(*_): {body}")).verdict == "not tried"


@quiet
@pytest.mark.parametrize("exercise", [e for e in EVERY if e.stub], ids=lambda exercise: exercise.number)
def test_a_bug_to_find_is_not_tried_as_it_is_given_and_wrong_if_it_is_only_written_in_another_way(exercise):
    source = f"\n\n# moved, and explained\n{exercise.stub.strip()}  # as before"
    assert judge(exercise, define(source)).verdict == "not tried"
    buggy = define(exercise.stub)
    assert judge(exercise, lambda *given: buggy(*given)).verdict == "wrong"


def test_code_is_compared_without_its_lines_also_within():
    source = "def f(x):\n    return [x + y for y in (1, 2) if (lambda z: z > 1)(y)]"
    assert running.steps(define(source)) == running.steps(define(f"\n\n{source}"))
    assert running.steps(define(source)) != running.steps(define(source.replace("z > 1", "z > 2")))
    assert running.steps(len) is running.steps("text") is None


@numbered
def test_nothing_is_not_called_wrong(exercise):
    assert judge(exercise, None).verdict == judge(exercise, ...).verdict == "not tried"


@quiet
@numbered
@pytest.mark.parametrize(
    "oddity", [0, "text", [], {}, object(), np.zeros(0), torch.zeros(2, 2), int, lambda *_: "x"]
)
def test_no_answer_raises(exercise, oddity):
    assert judge(exercise, oddity).verdict == "wrong"


@functions
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda *_: sys.exit(), "exit()"),
        (lambda *_: input("a number: "), "input()"),
        (lambda *_: print(1.5), "prints its result"),
        (lambda *_: (i for i in range(3)), "gives a generator"),
        (lambda *_: map(str, range(3)), "gives a map"),
        (lambda *_: np.matrix([[1.0]]), "np.matrix"),
        (lambda *_: (torch.zeros(2, device="meta"), 1), "the device meta"),
        (lambda: 1, "TypeError"),
        (lambda *_: None if _ else 1, "`return` missing"),
    ],
)
def test_what_is_no_result_has_its_message(exercise, answer, reason):
    outcome = judge(exercise, answer)
    assert outcome.verdict == "wrong"
    assert reason in outcome.reason


ONE = Exercise("09.1", "?", ("h",), "def f(x): return x", tries=(("it", 1.0),))


def stubborn(_):
    while True:
        try:  # noqa: SIM105
            time.sleep(0.01)
        except:  # noqa: E722
            pass


@pytest.mark.parametrize(
    "endless", [define("def f(x):\n    while True: pass"), lambda _: time.sleep(600), stubborn]
)
@pytest.mark.parametrize("main_thread", [True, False])
def test_an_answer_that_never_ends_is_stopped(endless, main_thread):
    outcomes, began = [], time.perf_counter()
    thread = threading.Thread(target=lambda: outcomes.append(judge(ONE, endless, seconds=0.3)))
    thread.run() if main_thread else (thread.start(), thread.join())
    assert "not ended after 0.3 seconds" in outcomes[0].reason
    assert time.perf_counter() - began < 5
    assert judge(ONE, lambda x: x).verdict == "right"


def counting():
    count = itertools.count()

    def endless(_):
        while True:
            next(count)

    return endless, count


def goes_on(count):
    at = next(count)
    time.sleep(0.1)
    return next(count) != at + 1


def test_a_stopped_answer_does_not_go_on():
    endless, count = counting()
    judge(ONE, endless, seconds=0.2)
    assert not goes_on(count)


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a thread are POSIX's")
def test_an_interrupt_is_one_line_and_stops_the_answer(capsys):
    endless, count = counting()
    main = threading.main_thread().ident
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, where a shell runs it behind
    threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT)).start()
    check("00.1", endless)
    signal.signal(signal.SIGINT, before)
    out = capsys.readouterr().out
    assert "interrupted" in out
    assert out.count("\n") == 1
    assert not goes_on(count)


def test_what_an_answer_prints_is_shown_but_not_without_end(capsys):
    assert judge(ONE, lambda x: print("debug") or x).verdict == "right"
    assert capsys.readouterr().out == "debug\n"
    judge(ONE, lambda x: print("debug" * 10_000) or x)
    assert len(capsys.readouterr().out) < 3_000


def test_an_exception_is_told_with_the_students_own_line():
    outcome = judge(ONE, define("def scale(x):\n    total = 0\n    return x / total\n"))
    assert "scale stops at line 3" in outcome.reason
    assert "ZeroDivisionError: float division by zero" in outcome.reason


@pytest.mark.parametrize("result", ["(x, ...)", "{...: None}", "{'a': ...}", "[..., 1]"])
def test_dots_within_an_answer_are_not_called_wrong(result):
    assert "still a ..." in str(judge(ONE, define(f"def f(x): return {result}")))


def test_check_shows_one_of_three_sentences_with_a_mark(capsys):
    check("00.1", ...)
    check("00.1", lambda picture: picture)
    check("00.1", lambda picture: picture.float() / 255)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("○ Exercise 00.1: not tried yet.")
    assert lines[1].startswith("✗ Exercise 00.1: not right yet, because ")
    assert lines[2] == 'For help: hint("00.1")'
    assert lines[3] == "✓ Exercise 00.1: right."


def test_in_a_notebook_the_verdicts_differ_in_colour_and_code_stays_code():
    shown = [
        Outcome("00.1", verdict, ": `a<b>` & c")._repr_html_() for verdict in ("right", "wrong", "not tried")
    ]
    assert len({re.search("background: (#[0-9a-f]{6})", html)[1] for html in shown}) == 3
    assert all("<code>a&lt;b&gt;</code> &amp; c" in html for html in shown[1:])


def test_each_call_gives_the_next_hint_and_the_solution_comes_with_its_question(capsys):
    _, hint, solution = commands(WARM_UP)
    for _ in range(4):
        hint("00.1")
    out = capsys.readouterr().out
    assert re.findall(r"Hint (\d) of 3", out) == ["1", "2", "3", "3"]
    assert out.count('solution("00.1")') == 2
    solution("00.1")
    assert capsys.readouterr().out.startswith("# 00.1  Turn a picture")


THREE = choices(
    "09.3",
    "b a c",
    [
        {"a": "Too few.", "b": "It is two.", "c": "Too many."},
        {"a": "It is red.", "b": "That is the sky."},
        {"a": "It rains.", "b": "It snows.", "c": "It is dry."},
    ],
)
TWO = commands([ONE, THREE])


@pytest.mark.parametrize("command", [lambda number: TWO[0](number, 1), *TWO[1:]])
@pytest.mark.parametrize(
    ("number", "meant"),
    [
        ("1", "09.1"),
        (3, "09.3"),
        (09.1, "09.1"),
        ("9.3", "09.3"),
        ("09.9", ""),
        ("01.1", ""),
        (None, ""),
        ([], ""),
    ],
)
def test_an_unknown_number_is_answered_with_the_known_ones_and_the_one_that_is_meant(
    command, number, meant, capsys
):
    command(number)
    known, _, guess = capsys.readouterr().out.strip().partition(" in quotes.")
    assert known == 'The exercises here are "09.1", "09.3",'
    assert guess == (f' You mean "{meant}"?' if meant else "")


@pytest.mark.parametrize(
    ("answer", "expected", "reason"),
    [
        (0.25, 0.5, "is 0.25; it should be 0.5"),
        ([1.0, 2.0, 4.0], [1, 2, 3], r"is 4 at \[2\]; it should be 3"),
        (105_415_300, 105_415_200, "is 105415300; it should be 105415200"),
        ([1.0, float("nan")], [1, 2], "contains nan"),
        ([1.0], [1, 2], r"shape \[1\]; it should be \[2\]"),
        ("1.5", 1.5, "of type str, not numbers"),
        ([None, 1], [0, 1], "of type list, not numbers"),
        (torch.ones(2, requires_grad=True), [1.0, 1.5], r"is 1 at \[1\].* float32, of 7 digits"),
        (torch.ones(2, dtype=torch.bfloat16), [1.0, 1.5], "bfloat16, of 2 digits"),
        ([[1, 2], [3]], [1, 2], "of type list, not numbers"),
    ],
)
def test_compare_says_how_an_answer_differs(answer, expected, reason):
    with pytest.raises(Wrong, match=reason):
        compare(answer, expected, tolerance=1e-9)


def test_compare_accepts_rounding_but_no_more():
    compare(1 / 3 + 1e-7, 1 / 3)
    compare(torch.tensor([1e6 + 1.0]), [1e6])
    compare([], np.zeros(0))
    with pytest.raises(Wrong):
        compare(1 / 3 + 1e-3, 1 / 3)


def test_a_mistake_is_a_variation_of_the_solution():
    source = "def f(x):\n    y = 2 * x\n    return y + 1  # the successor\n"
    assert define(varied(source, "2 * x -> 3 * x; y - 1"))(5) == 14
    with pytest.raises(ValueError, match="to replace"):
        varied(source, "4 * x -> x")
    mistakes = {"it stops": "1 / 0", "it is 7": "7 | 8", "it is NaN": "float('nan')"}
    exercise = Exercise("09.2", "?", ("h",), source, mistakes, tries=(("it", 5),))
    said = {7: "it is 7", 8: "it is 7", np.nan: "it is NaN", 3: "it is 3; it should be 11.", 11: ""}
    for answer, reason in said.items():
        assert judge(exercise, lambda x, answer=answer: answer).reason == reason


@pytest.mark.parametrize("answer", ["b a c", "BAC", "b, a,c", "1b 2a 3c", ["b", "A", "c"], ("b", "a", "c")])
def test_letters_are_read_however_they_are_written(answer):
    assert judge(THREE, answer).verdict == "right"


@pytest.mark.parametrize("stub", [None, ..., "", "  ", ["b", ..., "c"]])
def test_letters_not_yet_chosen_are_not_called_wrong(stub):
    assert judge(THREE, stub).verdict == "not tried"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("b a", "2 letters; there are 3"),
        ("b a c a", "4 letters; there are 3"),
        ("b c c", "question 2 has the letters a b, and no c"),
        (2, "of type int"),
        (["b", 1, "c"], "of type list"),
    ],
)
def test_what_is_no_letter_a_question_has_its_message(answer, reason):
    assert reason in judge(THREE, answer).reason


def test_each_wrong_letter_is_told_why_and_a_right_one_is_not():
    reason = judge(THREE, "c a b").reason
    assert reason.splitlines()[1:] == ["1 c: Too many.", "3 b: It snows."]
    assert "It is" not in reason


def test_hints_to_questions_rule_out_a_wrong_letter_and_the_solution_says_why_each_is_right():
    assert [hint.split(": it is not ")[1] for hint in THREE.hints] == [
        "a. Too few.",
        "b. That is the sky.",
        "a. It rains.",
    ]
    assert THREE.right == "b a c"
    assert all(f": {why}" in THREE.shown for why in ("It is two.", "It is red.", "It is dry."))


ASKED = """
["09.2"]
question = "Twice a number."
hints = ["What is x + x?"]
solution = "def twice(x): return 2 * x"
["09.2".mistakes]
"it is squared." = "x**2"
"two is added." = "x + 2"
"""
CHOSEN = """
["09.1"]
right = "b"
[["09.1".reasons]]
a = "Too few."
b = "It is two."
"""
TWICE = Exercise("09.2", tries=(("it", 2), ("it", 5)))


def read(folder, texts, *coded):
    (folder / "exercises.toml").write_text(texts, encoding="utf-8")
    return with_texts(str(folder / "exercises.py"), *coded)


def test_texts_go_to_the_exercise_of_their_number_in_the_order_of_the_file(tmp_path):
    letters, twice = read(tmp_path, CHOSEN + ASKED, TWICE)
    assert (letters.number, judge(letters, "b").verdict) == ("09.1", "right")
    assert (twice.number, twice.question, twice.hints) == ("09.2", "Twice a number.", ("What is x + x?",))
    assert judge(twice, lambda x: x + x).verdict == "right"
    assert [reason for reason, _ in twice.mistaken] == ["it is squared.", "two is added."]


@pytest.mark.parametrize(
    ("texts", "old", "new", "key"),
    [
        (ASKED, "question", "questoin", "question"),
        (ASKED, 'hints = ["What is x + x?"]', "", "hints"),
        (ASKED, '["What is x + x?"]', '"What is x + x?"', "hints"),
        (ASKED, '["What is x + x?"]', "[]", "hints"),
        (ASKED, '["What is x + x?"]', "[1]", "hints"),
        (ASKED, '["09.2".mistakes]', '["09.2".mistake]', "mistake"),
        (ASKED, '"x**2"', "2", "mistakes"),
        (ASKED, "solution", "tolerance = 1\nsolution", "tolerance"),
        (CHOSEN, 'right = "b"', "", "right"),
        (CHOSEN, '"b"', '"c"', "right"),
        (CHOSEN, '"b"', '"b a"', "right"),
        (CHOSEN, 'a = "Too few."', "", "reasons"),
        (CHOSEN, '"b"', '"b"\nhints = ["It is more."]', "hints"),
    ],
)
def test_a_key_that_an_exercise_lacks_or_cannot_have_is_named_with_it(tmp_path, texts, old, new, key):
    assert old in texts
    number, coded = ("09.2", [TWICE]) if texts is ASKED else ("09.1", [])
    with pytest.raises(ValueError, match=f"exercise {number}.*`{key}`"):
        read(tmp_path, texts.replace(old, new), *coded)


def test_a_table_without_its_exercise_and_an_exercise_without_its_table_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"table 09\.2"):
        read(tmp_path, ASKED + CHOSEN)
    with pytest.raises(ValueError, match=r"exercise 09\.2"):
        read(tmp_path, CHOSEN, TWICE)
