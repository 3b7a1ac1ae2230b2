"""The checkers are checked: untouched stub, typical wrong answers, solution, and oddities."""

import importlib
import re

import numpy as np
import pytest
import torch
from scipy.stats import binom
from sklearn.svm import SVC

from lecture_lib import exercises, metrics
from lecture_lib.exercises import judging, linear_probes
from lecture_lib.exercises.judging import Exercise, Wrong, compare, judge
from lecture_lib.settings import REPOSITORY

RIGHT_HINGE = "w @ w / 2 + C * loss.sum(), w - C * pull @ x, -C * pull.sum()"


def hinge(result, reason="", loss="np.maximum(0, 1 - y * (x @ w + b))", pull="y * (loss > 0)"):
    source = f"def hinge(w, b, x, y, C):\n    loss = {loss}\n    pull = {pull}\n    return {result}"
    return f"import numpy as np\n{source}", reason


def mean_class(result, reason=""):
    imports = "import numpy as np\nimport sklearn.metrics as skm\n"
    return f"{imports}def mean_class_accuracy(p, labels): return {result}", reason


def eleven_point(
    point, reason="", recalls="range(11)", order="-scores", difficult="labels = labels[labels >= 0]"
):
    source = f"""
import numpy as np

def eleven_point_ap(scores, given):
    labels = given[np.argsort({order})]
    {difficult}
    true = np.cumsum(labels)
    precision, recall = true / np.arange(1, len(labels) + 1), true / (labels == 1).sum()
    at_least = lambda r: precision[recall >= r]
    return np.mean([{point} for t in {recalls}])
"""
    return source, reason


def dropout(result, reason=""):
    return f"import numpy as np, torch\ndef dropout(x, rate, rng): return {result}", reason


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
    "02.1": [
        hinge("w @ w / 2 + loss.sum(), w - pull @ x, -pull.sum()", "C is missing"),
        hinge(
            "w @ w / 2 + C * loss.mean(), w - C * pull @ x / len(x), -C * pull.mean()", "mean of the losses"
        ),
        hinge("(w @ w + b * b) / 2 + C * loss.sum(), w - C * pull @ x, b - C * pull.sum()", "b is penalised"),
        hinge("C * loss.sum(), -C * pull @ x, -C * pull.sum()", r"1/2 \|w\|\^2 is missing"),
        hinge("w @ w + C * loss.sum(), 2 * w - C * pull @ x, -C * pull.sum()", "factor 1/2"),
        hinge("w @ w / 2 + C * (loss**2).sum(), w - 2 * C * (loss * y) @ x, 0.0", "squared"),
        hinge("w @ w / 2 + C * loss, w - C * pull @ x, -C * pull.sum()", "still to be summed"),
        hinge(RIGHT_HINGE, "a sign is wrong: the loss", loss="np.maximum(0, 1 + y * (x @ w + b))"),
        hinge(RIGHT_HINGE, "losses below 0", loss="1 - y * (x @ w + b)"),
        hinge(RIGHT_HINGE, "b is missing", loss="np.maximum(0, 1 - y * (x @ w))"),
        hinge(RIGHT_HINGE, "labels to be 0 and 1", loss="np.maximum(0, 1 - (2 * y - 1) * (x @ w + b))"),
        hinge(
            RIGHT_HINGE,
            "labels to be 0 and 1",
            loss="np.maximum(0, 1 - np.where(y == 0, -1, 1) * (x @ w + b))",
        ),
        hinge(RIGHT_HINGE, "margin, 1 in the formula", loss="np.maximum(0, -y * (x @ w + b))"),
        hinge("w @ w / 2 + C * loss.sum(), -C * pull @ x, -C * pull.sum()", "which is w, is missing"),
        hinge("w @ w / 2 + C * loss.sum(), 2 * w - C * pull @ x, -C * pull.sum()", "is w, not 2 w"),
        hinge("w @ w / 2 + C * loss.sum(), w - C * pull @ x, b - C * pull.sum()", "b is not penalised"),
        hinge("w @ w / 2 + C * loss.sum(), w - pull @ x, -pull.sum()", "missing in the gradient"),
        hinge("w @ w / 2 + C * loss.sum(), w - C * pull @ x, -pull.sum()", "missing in the gradient"),
        hinge("w @ w / 2 + C * loss.sum(), w - C * pull @ x / len(x), 0.0", "the gradient their mean"),
        hinge("w @ w / 2 + C * loss.sum(), w + C * pull @ x, C * pull.sum()", "by -y_i x_i"),
        hinge("w @ w / 2 + C * loss.sum(), w - C * pull @ x, C * pull.sum()", "by -y_i x_i"),
        hinge(RIGHT_HINGE, "beyond the margin", pull="y"),
        hinge(RIGHT_HINGE, "y_i is missing", pull="1 * (loss > 0)"),
        hinge(RIGHT_HINGE, "those inside the margin", pull="y * (loss > 1)"),
        hinge("w @ w / 2 + C * loss.sum(), w, -C * pull.sum()", "finite differences of your value, is 0.5"),
        hinge("w @ w / 2 + C * loss.sum(), w[None] - C * pull @ x, 0.0", r"shape \[1, 3\]"),
        hinge("w @ w / 2 + C * loss.sum()", "three things"),
        hinge("w @ w / 2 + C * loss.sum(), w.__isub__(C * pull @ x), -C * pull.sum()", "make a new one"),
    ],
    "02.2": [
        ("def mean_class_accuracy(p, labels): return (p == labels).mean()", "every picture counts the same"),
        mean_class("np.mean([(labels[p == c] == c).mean() for c in np.unique(p)])", "precision"),
        mean_class("[(p[labels == c] == c).mean() for c in np.unique(labels)]", "mean is still to be taken"),
        mean_class("100 * np.mean([(p[labels == c] == c).mean() for c in set(labels)])", "per cent"),
        mean_class("np.mean([(p[labels == c] != c).mean() for c in set(labels)])", "share of mistakes"),
        mean_class("skm.recall_score(labels, p, average='macro', zero_division=0)", "with accuracy 0"),
        mean_class("skm.recall_score(labels, p, average='macro', zero_division=1)", "with accuracy 1"),
        mean_class("skm.precision_score(labels, p, average='macro')", "precision"),
        mean_class("np.mean([(p[labels == c] == c).mean() for c in range(max(p) + 1)])", "NaN"),
        mean_class(
            "np.mean([(p[labels == c] == c).sum() / max(1, (labels == c).sum()) for c in range(max(labels) + 1)])",
            "with accuracy 0",
        ),
        mean_class(
            "np.mean([(p[(labels == c) & np.isin(p, labels)] == c).mean() for c in set(labels)])",
            "they are mistakes",
        ),
        mean_class(
            "np.mean([(p[labels == c] == c).mean() for c in range(102) if c in labels])", "labels tell"
        ),
        mean_class("np.mean([(p[labels == c] == c).mean() for c in range(3) if c in labels])", "labels tell"),
        mean_class("np.mean([(p[labels == c] == c).mean() for c in range(3)])", "NaN"),
        mean_class("p.sort() or 1.0", "make a new one"),
    ],
    "02.3": [
        eleven_point("at_least(t / 10).max()", "eleven", recalls="range(1, 11)"),
        eleven_point("at_least(t / 10).max()", "eleven", recalls="range(10)"),
        eleven_point("at_least(t).max()", "is above 3/10", recalls="np.linspace(0, 1, 11)"),
        eleven_point("at_least(t).max()", "is above 3/10", recalls="np.arange(0, 1.1, 0.1)"),
        eleven_point("at_least(t / 10)[0]", "where a recall is reached"),
        eleven_point("precision[recall == t / 10].max(initial=0)", "at exactly that recall"),
        eleven_point("precision[recall == t / 10].max()", "stops at line"),
        eleven_point("precision[recall == t / 10].mean()", "contains nan"),
        eleven_point("100 * at_least(t / 10).max()", "per cent"),
        eleven_point("at_least(t / 10).max()", "lowest score comes first", order="scores"),
        eleven_point("at_least(t / 10).max()", "not put in the order", order="np.arange(len(scores))"),
        eleven_point("at_least(t / 10).max()", "counted as negative", difficult="labels = labels.clip(0)"),
        eleven_point("at_least(t / 10).max()", "counted as positive", difficult="labels = abs(labels)"),
        eleven_point("at_least(t / 10).max(initial=0)", "where the -1 do not count", difficult="pass"),
        eleven_point("at_least(t / 10).max()", "make a new one", difficult="given.sort()"),
        (
            "from lecture_lib.metrics import average_precision\n"
            "def eleven_point_ap(scores, labels): return average_precision(scores, labels, 'voc2010')",
            "area under the curve",
        ),
        (
            "from sklearn.metrics import average_precision_score\n"
            "def eleven_point_ap(scores, labels):\n"
            "    kept = labels >= 0\n"
            "    return average_precision_score(labels[kept], scores[kept])",
            "area under the curve",
        ),
    ],
    "02.4": [
        dropout("x * (rng.random(x.shape) < rate) / rate", "keeps a number with probability rate"),
        dropout("x * (rng.random(x.shape) < rate) / (1 - rate)", "keeps a number with probability rate"),
        dropout("x * (rng.random(x.shape) < 0.5) / (1 - rate)", "at rate 0.3 a share of 0.499"),
        dropout("x * (rng.random(x.shape) >= rate)", "not divided by 1 - rate"),
        dropout("x * (rng.random(x.shape) >= rate) * rate", "multiplied by the rate"),
        dropout("x * (rng.random(x.shape) >= rate) * (1 - rate)", "multiplied by 1 - rate"),
        dropout("x * (rng.random(x.shape) >= rate) / rate", "divided by the rate"),
        dropout("x * (rng.random(x.shape) >= rate) * 2", "x from -2 to 2 is -4"),
        dropout("np.where(rng.random(x.shape) < rate, np.nan, x)", "nothing is dropped"),
        dropout("x * (rng.random(x.shape[1]) >= rate) / (1 - rate)", "one mask serves all rows"),
        dropout("x * (rng.random((len(x), 1)) >= rate) / (1 - rate)", "a whole row"),
        dropout("x * (rng.random() >= rate) / (1 - rate)", "nothing is dropped|one mask"),
        dropout("x * (1 - rate)", "nothing is dropped"),
        dropout("x * ((rng.random(x.shape) >= rate) / (1 - rate))", "the result float64"),
        dropout("(x * (rng.random(x.shape) >= rate) / (1 - rate)).astype(np.float32)", "became float32"),
        dropout("x.__imul__(rng.random(x.shape) >= rate) / np.float32(1 - rate)", "make a new one"),
        dropout("x * (np.random.random(x.shape) >= rate) / (1 - rate)", "not from np.random"),
        dropout("x * (np.random.default_rng(0).random(x.shape) >= rate) / (1 - rate)", "drops the same"),
        dropout("x * (rng.random(x.shape) >= max(rate, 0.3)) / (1 - max(rate, 0.3))", "the result at rate 0"),
        dropout("(x * (rng.random(x.shape) >= rate) / (1 - rate))[rng.random(len(x)) > 0.5]", "shape"),
        dropout("torch.from_numpy(x)", "Tensor"),
    ],
}

# Right answers that look unlike the solution: a checker that turned one away would be worse than none.
RIGHT_ANSWERS = {
    "02.1": [
        hinge(RIGHT_HINGE, pull="y * (y * (x @ w + b) <= 1)")[0],
        """
import torch

def hinge(w, b, x, y, C):
    w, b, x, y = (torch.tensor(a, dtype=torch.float32) for a in (w, b, x, y))
    value = w.requires_grad_() @ w / 2 + C * (1 - y * (x @ w + b.requires_grad_())).clamp(min=0).sum()
    return value, *torch.autograd.grad(value, (w, b))
""",
        """
def hinge(w, b, x, y, C):
    value, gradient_w, gradient_b = sum(w**2) / 2, w.tolist(), 0
    for xi, yi in zip(x, y):
        if yi * (sum(w * xi) + b) < 1:
            value += C * (1 - yi * (sum(w * xi) + b))
            gradient_w = [g - C * yi * a for g, a in zip(gradient_w, xi)]
            gradient_b -= C * yi
    return [value, gradient_w, gradient_b]
""",
    ],
    "02.2": [
        mean_class("skm.balanced_accuracy_score(labels, p)")[0],
        mean_class("np.nanmean([(p[labels == c] == c).mean() for c in set(labels.tolist())])")[0],
        """
import numpy as np

def mean_class_accuracy(predicted, labels):
    n = max(predicted.max(), labels.max()) + 1
    table = np.zeros((n, n))
    np.add.at(table, (labels, predicted), 1)
    there = table.sum(1) > 0
    return (np.diag(table)[there] / table.sum(1)[there]).mean()
""",
    ],
    "02.3": [
        eleven_point("at_least(t / 10).max()")[0],
        eleven_point("at_least(t - 1e-9).max()", recalls="np.linspace(0, 1, 11)")[0],
        "from lecture_lib.metrics import average_precision as eleven_point_ap",
        """
def eleven_point_ap(scores, labels):
    pairs = sorted(((s, l) for s, l in zip(scores, labels) if l != -1), reverse=True)
    points, true, positives = [0] * 11, 0, sum(l for _, l in pairs)
    for rank, (_, label) in enumerate(pairs, 1):
        true += label
        for t in range(true * 10 // positives + 1):
            points[t] = max(points[t], true / rank)
    return sum(points) / 11
""",
    ],
    "02.4": [
        dropout("np.where(rng.random(x.shape) < rate, 0, x / (1 - rate)).astype(x.dtype)")[0],
        dropout("x * rng.binomial(1, 1 - rate, x.shape).astype(x.dtype) / (1 - rate)")[0],
        dropout("(x / (1 - rate)) * rng.choice([False, True], x.shape, p=[rate, 1 - rate])")[0],
        dropout("x * (rng.uniform(size=x.size).reshape(x.shape) > rate) / (1 - rate)")[0],
        dropout("x if rate == 0 else x * (rng.random(x.shape, x.dtype) >= rate) / (1 - rate)")[0],
        dropout("x * (np.argsort(rng.random(x.shape), 1) >= rate * x.shape[1]) / (1 - rate)")[0],
        """
def dropout(x, rate, rng):
    out = x.copy()
    for row in out:
        for i in range(len(row)):
            row[i] = 0 if rng.random() < rate else row[i] / (1 - rate)
    return out
""",
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
@pytest.mark.filterwarnings("ignore")  # it is the answers that warn
def test_wrong_answers_are_told_why(exercise):
    wrong = WRONG_ANSWERS.get(exercise.number, [])
    assert len(wrong) >= 2, f"add typical wrong answers to {exercise.number} in WRONG_ANSWERS"
    for source, reason in wrong:
        outcome = judge(exercise, run(source, exercise.answer))
        assert outcome.verdict == "wrong", f"taken as {outcome.verdict}: {source}"
        assert re.search(reason, outcome.reason), f"{source}\n{outcome.reason}"


@numbered
@pytest.mark.filterwarnings("ignore")  # it is the answers that warn
def test_other_right_answers_are_right(exercise):
    for source in RIGHT_ANSWERS.get(exercise.number, []):
        outcome = judge(exercise, run(source, exercise.answer))
        assert outcome.verdict == "right", f"{source}\n{outcome.reason}"


def solved(number):
    exercise = judging.find(number)
    return run(exercise.solution, exercise.answer)


def test_the_solutions_are_the_measures_of_the_lecture():
    mean_class_accuracy, eleven_point_ap = solved("02.2"), solved("02.3")
    rng = np.random.default_rng(0)
    for n in rng.integers(1, 200, 100):
        predicted, labels = rng.integers(0, 9, (2, n)) ** 2  # with gaps between the numbers of the classes
        assert mean_class_accuracy(predicted, labels) == pytest.approx(
            metrics.mean_class_accuracy(predicted, labels)
        )
        labels = rng.permutation([1, *rng.choice([-1, 0, 1], n)])
        scores = rng.normal(size=n + 1)
        assert eleven_point_ap(scores, labels) == pytest.approx(metrics.average_precision(scores, labels))


def test_the_solution_of_the_hinge_has_the_value_of_libsvms_dual_at_the_optimum():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 4)), rng.choice([-1, 1], 300)
    svm = SVC(kernel="linear", C=0.02, tol=1e-8).fit(x, y)
    w, b = svm.coef_[0], svm.intercept_[0]
    value, _, _ = solved("02.1")(w, b, x, y, 0.02)
    assert value == pytest.approx(np.abs(svm.dual_coef_).sum() - w @ w / 2)


def test_a_value_without_its_gradient_yet_is_not_called_wrong():
    half_done, _ = hinge("w @ w / 2 + C * loss.sum(), ..., ...")
    assert judge(judging.find("02.1"), run(half_done, "hinge")).verdict == "not tried"


def test_gradients_are_checked_away_from_kinks():
    scores = linear_probes._X @ linear_probes._W + linear_probes._B
    assert np.abs(1 - linear_probes._Y * scores).min() > 0.5
    assert np.abs(10 * scores).min() > 1.5  # the same for the second case, where every picture is right


def test_right_dropout_is_not_called_wrong_by_bad_luck():
    dropped = binom(200 * 150, 0.3)
    slack = 7 * dropped.std()
    assert dropped.cdf(dropped.mean() - slack) + dropped.sf(dropped.mean() + slack) < 1e-10


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
