"""The exercises of 02: what wrong answers are told, other right answers, and what the solutions agree with."""

import numpy as np
import pytest
from answers import exercise_tests
from scipy.stats import binom
from sklearn.svm import SVC

from lecture_lib import metrics
from lecture_lib.chapters.linear_probes import exercises
from lecture_lib.chapters.linear_probes.exercises import EXERCISES

SOLUTIONS = {exercise.number: exercise.right for exercise in EXERCISES}

MACRO = "import sklearn.metrics as skm\ndef accuracy(p, labels): return skm."
AREA = "from {} as ap\ndef area(scores, labels):\n    kept = labels >= 0\n    return ap({})"
KEPT = "kept = rng.random(x.shape) >= rate"

WRONG = {
    "02.1": {
        "w @ w / 2 + C * (loss**2).sum(), w - 2 * C * (loss * y) @ x, 0.0": "squared",
        "loss > 0 -> y * (x @ w + b) < 0": "those inside the margin",
        "w @ w / 2 + C * loss.sum(), w, -C * pull.sum()": "finite differences of your value, is 0.5",
        "w @ w / 2 + C * loss.sum(), w[None] - C * pull @ x, 0.0": "shape [1, 3]",
        "w @ w / 2 + C * loss.sum(), w - C * pull @ x, '0'": "of type str, not numbers",
        "w @ w / 2 + C * loss.sum(), None, None": "of type NoneType",
        "w @ w / 2 + C * loss.sum()": "3 things",
        "w @ w / 2 + C * loss.sum(), w.__isub__(C * pull @ x), -C * pull.sum()": "its input `w`",
    },
    "02.2": {
        f"{MACRO}precision_score(labels, p, average='macro')": "precision",
        f"{MACRO}recall_score(labels, p, average='macro', zero_division=0)": "with accuracy 0",
        f"{MACRO}recall_score(labels, p, average='macro', zero_division=1)": "with accuracy 1",
        "np.unique(labels) -> range(3) if c in labels": "of no class",
        "np.unique(labels) -> range(102) if c in labels": "labels tell",
        "predicted.sort() or 1.0": "its input `predicted`",
    },
    "02.3": {
        "10 * true >= t * true[-1]].max() -> true / true[-1] >= t / 10][0]": "where a recall is reached",
        "10 * true >= t * true[-1] -> true / true[-1] >= t; range(11) -> np.arange(0, 1.1, 0.1)": "above 3/10",
        "10 * true >= t -> 10 * true == t": "is it >=",
        "10 * true >= t -> 10 * true > t": "is it >=",
        "10 * true >= t -> 10 * true == t; .max() -> .mean()": "contains nan",
        "labels = labels[labels >= 0] -> labels = labels; .max() -> .max(initial=0)": "the -1 do not count",
        "labels = labels[np -> labels.sort()\n    labels = labels[np": "its input `labels`",
        AREA.format(
            "sklearn.metrics import average_precision_score", "labels[kept], scores[kept]"
        ): "under the curve",
    },
    "02.4": {
        f"{KEPT} -> kept = rng.random(x.shape) < rate": "keeps a number with probability rate",
        f"{KEPT} -> kept = rng.random(x.shape) < 0.5": "a share of 0.499",
        "x * kept": "not divided by 1 - rate",
        "x * kept * 2": "x from -2 to 2 is -4",
        "x * np.where(kept, 1, x.dtype.type('nan'))": "contains nan",
        f"{KEPT} -> kept = rng.random(x.shape[1]) >= rate": "one mask serves all rows",
        f"{KEPT} -> kept = rng.random((len(x), 1)) >= rate": "a whole row",
        f"{KEPT} -> kept = rng.random() >= rate": "nothing is dropped",
        f"{KEPT} -> kept = np.argsort(rng.random(x.shape), 1) >= rate * x.shape[1]": "every row loses as many",
        f"{KEPT} -> kept = np.argsort(rng.random(x.shape), 0) >= rate * len(x)": "every column loses as many",
        f"{KEPT} -> kept = rng.permutation(x.size).reshape(x.shape) >= rate * x.size": "every call drops as many",
        "x * (kept / (1 - rate))": "the result float64",
        "(x * kept / (1 - rate)).astype(np.float32)": "the result float32",
        "x.__imul__(kept) / np.float32(1 - rate)": "its input `x`",
        f"{KEPT} -> kept = np.random.random(x.shape) >= rate": "not from np.random",
        f"{KEPT} -> kept = np.random.default_rng(0).random(x.shape) >= rate": "drops the same",
        f"{KEPT} -> rate = max(rate, 0.3)\n    {KEPT}": "the result at rate 0",
        "(x * kept / (1 - rate))[rng.random(len(x)) > 0.5]": "shape",
        "__import__('torch').from_numpy(x)": "Tensor",
    },
    "02.5": {
        "x[train].mean(0), x[train].std(0) -> x.mean(0), x.std(0)": "leak into training",
        "axis=1, keepdims=True -> axis=0": "not to each picture",
        "x = (x - mean) / deviation -> x -= mean\n    x /= deviation": "its input `x`",
        "axis=1, keepdims=True -> axis=1, keepdims=True, ord=1": "it should be",
        "x[train]": "2 things",
    },
    "02.6": {
        "a a b d b": "1 a: The best of nine",
        "c b a d b": "2 of 5 letters are wrong",
        "c a b d": "4 letters",
    },
}

RIGHT = {
    "02.1": [
        "loss > 0 -> y * (x @ w + b) <= 1",
        """import torch

def hinge(w, b, x, y, C):
    w, b, x, y = (torch.tensor(a, dtype=torch.float32) for a in (w, b, x, y))
    value = w.requires_grad_() @ w / 2 + C * (1 - y * (x @ w + b.requires_grad_())).clamp(min=0).sum()
    return value, *torch.autograd.grad(value, (w, b))
""",
    ],
    "02.2": [
        f"{MACRO}balanced_accuracy_score(labels, p)",
        "from lecture_lib.metrics import mean_class_accuracy",
    ],
    "02.3": [
        "10 * true >= t * true[-1] -> true / true[-1] >= t / 10",
        "from lecture_lib.metrics import average_precision",
    ],
    "02.4": [
        "import numpy as np\ndef f(x, rate, rng): return np.where(rng.random(x.shape) < rate, 0, x) / (1 - rate)",
        f"{KEPT} -> kept = rng.binomial(1, 1 - rate, x.shape).astype(x.dtype)",
        f"{KEPT} -> kept = rng.choice([False, True], x.shape, p=[rate, 1 - rate])",
        f"{KEPT} -> kept = rng.uniform(size=x.size).reshape(x.shape) > rate",
        "x if rate == 0 else x * (rng.random(x.shape, x.dtype) >= rate) / (1 - rate)",
    ],
    "02.5": [
        """from sklearn.preprocessing import StandardScaler, normalize

def prepare(x, train, test):
    scaler = StandardScaler().fit(x[train])
    return tuple(normalize(scaler.transform(x[part])) for part in (train, test))
""",
    ],
    "02.6": ["c a b d b", ["C", "A", "B", "D", "B"]],
}


test_wrong_answers, test_right_answers = exercise_tests(EXERCISES, WRONG, RIGHT)


def test_the_solutions_are_the_measures_of_the_lecture():
    rng = np.random.default_rng(0)
    for n in rng.integers(1, 200, 100):
        predicted, labels = rng.integers(0, 9, (2, n)) ** 2  # with gaps between the numbers of the classes
        mine = SOLUTIONS["02.2"](predicted, labels)
        assert mine == pytest.approx(metrics.mean_class_accuracy(predicted, labels))
        labels, scores = rng.permutation([1, *rng.choice([-1, 0, 1], n)]), rng.normal(size=n + 1)
        mine = SOLUTIONS["02.3"](scores, labels)
        assert mine == pytest.approx(metrics.average_precision(scores, labels))


def test_the_solution_of_the_hinge_has_the_value_of_libsvms_dual_at_the_optimum():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 4)), rng.choice([-1, 1], 300)
    svm = SVC(kernel="linear", C=0.02, tol=1e-8).fit(x, y)
    w, b = svm.coef_[0], svm.intercept_[0]
    value, _, _ = SOLUTIONS["02.1"](w, b, x, y, 0.02)
    assert value == pytest.approx(np.abs(svm.dual_coef_).sum() - w @ w / 2)


def test_gradients_are_checked_away_from_kinks():
    scores = exercises._X @ exercises._W + exercises._B
    assert np.abs(1 - exercises._Y * scores).min() > 0.5
    assert np.abs(10 * scores).min() > 1.5  # the same for the second case, where every picture is right


def test_right_dropout_is_not_called_wrong_by_bad_luck():
    dropped = binom(200 * 150, 0.3)
    slack = 7 * dropped.std()
    assert dropped.cdf(dropped.mean() - slack) + dropped.sf(dropped.mean() + slack) < 1e-10
    counts = dropped.pmf(np.arange(8_000, 10_000))
    assert (counts**4).sum() < 1e-7  # as many in four calls
