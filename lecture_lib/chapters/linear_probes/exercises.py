"""The exercises of 02_linear_probes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lecture_lib import metrics
from lecture_lib.exercises.judging import Exercise, NotTried, Wrong, call, compare, numbers

# 02.1. All pictures are at least 0.55 from their kink, y (w.x + b) = 1, where the value has no gradient.

_X = np.array([[2, 0, 1], [0, 1, -1], [1, 1, 0], [-1, 2, 0], [0, -2, 1], [-1, 0, -2.0]])
_Y = np.array([1, 1, -1, -1, 1, 1])  # three beyond the margin, one inside it, two wrong
_W, _B, _C = np.array([0.5, -1, 0.25]), 0.3, 0.3


def _check_hinge(hinge: Callable) -> None:
    _check_hinge_at(hinge, _W, _B, _X, _Y, _C)
    _check_hinge_at(hinge, 10 * _W, 10 * _B, _X, np.sign(_X @ _W + _B), _C)  # every picture beyond the margin


def _check_hinge_at(hinge: Callable, w: np.ndarray, b: float, x: np.ndarray, y: np.ndarray, c: float) -> None:
    value, gradient_w, gradient_b = _three(call(hinge, w, b, x, y, c))
    right = w @ w / 2 + c * np.maximum(0, 1 - y * (x @ w + b)).sum()
    compare(value, right, "the value", typical=_typical_objectives(w, b, x, y, c))
    slopes = _slopes(lambda w, b: _three(hinge(w, b, x, y, c))[0], w, b)
    for name, got, part in (("w", gradient_w, slice(-1)), ("b", gradient_b, -1)):
        what = f"gradient_{name}, checked by finite differences of your value,"
        typical = [(mistaken[part], reason) for mistaken, reason in _typical_gradients(w, b, x, y, c)]
        compare(got, slopes[part], what, tolerance=1e-3, typical=typical)


def _three(result: Any) -> tuple:
    try:
        value, gradient_w, gradient_b = result
    except (TypeError, ValueError):
        raise Wrong("hinge should give three things: value, gradient_w, gradient_b.") from None
    if any(part is ... for part in (value, gradient_w, gradient_b)):
        raise NotTried(": there is still a ... to replace")
    return value, gradient_w, gradient_b


def _slopes(objective: Callable, w: np.ndarray, b: float, h: float = 0.01) -> np.ndarray:
    """Return the central differences [d + 1] of objective(w, b) in every weight, and last in b."""
    at = np.append(w, b)
    steps = h * np.eye(len(at))
    ends = [[numbers(objective(end[:-1], float(end[-1]))) for end in (at - s, at + s)] for s in steps]
    return np.diff(ends)[:, 0] / (2 * h)


def _typical_objectives(w: np.ndarray, b: float, x: np.ndarray, y: np.ndarray, c: float) -> Iterator:
    scores, half = x @ w + b, w @ w / 2
    loss = np.maximum(0, 1 - y * scores)
    yield half + loss.sum(), "C is missing: it multiplies the sum of the losses."
    yield half + c * loss.mean(), "it takes the mean of the losses; the formula has their sum."
    yield half + b * b / 2 + c * loss.sum(), "b is penalised; 1/2 |w|^2 is about w alone."
    yield half + c * loss, "it gives a value for each picture; their losses are still to be summed."
    yield c * loss.sum(), "1/2 |w|^2 is missing."
    yield 2 * half + c * loss.sum(), "|w|^2 comes with a factor 1/2."
    falling = "a sign is wrong: the loss should fall as y_i (w.x_i + b) grows."
    yield half + c * np.maximum(0, 1 + y * scores).sum(), falling
    yield half + c * (1 - y * scores).sum(), "losses below 0 are counted: max(0, ...) is missing."
    yield half + c * np.maximum(0, -y * scores).sum(), "the margin, 1 in the formula, is missing."
    yield half + c * (loss**2).sum(), "the losses are squared: that is the squared hinge, another loss."
    yield half + c * np.maximum(0, 1 - y * (x @ w)).sum(), "b is missing in w.x_i + b."
    for y_of_bits in (2 * y - 1, np.where(y == 0, -1, 1)):
        loss = np.maximum(0, 1 - y_of_bits * scores)
        yield half + c * loss.sum(), "it takes the labels to be 0 and 1; y is -1 or +1 already."


def _typical_gradients(w: np.ndarray, b: float, x: np.ndarray, y: np.ndarray, c: float) -> Iterator:
    yx, margin = y[:, None] * np.column_stack([x, np.ones(len(x))]), y * (x @ w + b)
    half, pull = np.append(w, 0), c * (margin < 1) @ yx
    yield -pull, "the gradient of 1/2 |w|^2, which is w, is missing in gradient_w."
    yield 2 * half - pull, "the gradient of 1/2 |w|^2 is w, not 2 w."
    yield np.append(w, b) - pull, "gradient_b has a part of its own for b, but b is not penalised."
    yield half - pull / c, "C is in the value, but missing in the gradient."
    yield half - pull / len(x), "the value has the sum over pictures, the gradient their mean."
    yield half + pull, "a sign is wrong: a loss changes with w by -y_i x_i, with b by -y_i."
    yield half - c * yx.sum(0), "pictures beyond the margin, whose loss is 0, are in the gradient, too."
    yield half - c * ((margin < 1) * y) @ yx, "y_i is missing: a loss changes with w by -y_i x_i."
    inside = "only pictures on the wrong side are in the gradient; those inside the margin lose, too."
    yield half - c * (margin < 0) @ yx, inside


# 02.2


def _check_mean_class_accuracy(mean_class_accuracy: Callable) -> None:
    def given(predicted: Any, labels: Any) -> Any:
        return call(mean_class_accuracy, np.array(predicted), np.array(labels))

    labels, predicted = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2], [0, 0, 0, 0, 1, 2, 1, 1, 0, 2]
    hits, precision = [4 / 6, 2 / 3, 1], np.mean([4 / 5, 2 / 3, 1 / 2])
    typical = [
        (0.7, "every picture counts the same; here every class should, however few pictures it has."),
        (precision, "it divides by the pictures taken for a class (precision), not by those in it."),
        (hits, "it gives the accuracy of each class; their mean is still to be taken."),
        (100 * np.mean(hits), "it is in per cent; give a fraction from 0 to 1."),
        (1 - np.mean(hits), "it gives the share of mistakes; 1 minus it is the accuracy."),
    ]
    what = f"the result for labels {labels}, predicted {predicted},"
    compare(given(predicted, labels), np.mean(hits), what, typical=typical)

    labels, predicted = [0, 0, 2, 2, 2, 2], [0, 1, 2, 2, 3, 2]  # no picture of class 1, none of class 3
    got = given(predicted, labels)
    if np.shape(got) == () and np.isnan(float(got)):
        raise Wrong("a class without a picture gives 0 / 0 = NaN; only classes in labels should count.")
    hits = np.array([1 / 2, 3 / 4])
    absent = "a class that is predicted, but is not in labels, counts as one with accuracy"
    typical = [(hits.sum() / n, f"{absent} 0; it has none.") for n in (3, 4)]
    typical += [((hits.sum() + n) / (2 + n), f"{absent} 1; it has none.") for n in (1, 2)]
    typical += [(1.0, "pictures taken for a class not in labels are left out; they are mistakes.")]
    what = f"the result for labels {labels}, predicted {predicted},"
    compare(got, hits.mean(), what, typical=typical)

    labels = np.repeat([5, 40, 1200], [2, 3, 5])
    predicted = np.repeat([5, 40, 5, 1200], [2, 1, 3, 4])
    what = "the result for the classes 5, 40 and 1200 (labels tell which classes there are)"
    compare(given(predicted, labels), np.mean([1, 1 / 3, 4 / 5]), what)


# 02.3

_RANKINGS = (  # from the highest score down, each with one trap
    ([1, 0, 1, 0, 0, 1], "the AP of the ranking 1 0 1 0 0 1"),
    ([0, 1, 1, 0, 1], "the AP of the ranking 0 1 1 0 1, where precision rises on the way,"),
    ([1, -1, 0, 1, -1, 1, 0], "the AP of the ranking 1 -1 0 1 -1 1 0, where the -1 do not count,"),
    ([1, 1, 1, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1, 1], "the AP of a ranking with ten positives (3/10 is 0.3)"),
    (np.random.default_rng(0).choice([-1, 0, 1], 60, p=[0.1, 0.6, 0.3]), "the AP of 60 pictures by lot"),
)


def _check_eleven_point_ap(eleven_point_ap: Callable) -> None:
    for ranked, what in _RANKINGS:
        n = len(ranked)
        mixed = np.argsort(np.arange(n) * 0.618 % 1)  # the pictures do not come in the order of their scores
        scores, labels = np.linspace(2, -2, n)[mixed], np.array(ranked)[mixed]
        right = metrics.average_precision(scores, labels)
        ap = call(eleven_point_ap, scores, labels)
        compare(ap, right, what, typical=_typical_aps(scores, labels))


def _typical_aps(scores: np.ndarray, labels: np.ndarray) -> Iterator:
    ranked = labels[np.argsort(-scores)]
    ranked = ranked[ranked >= 0]
    true = np.cumsum(ranked)
    precision, recall = true / np.arange(1, len(ranked) + 1), true / true[-1]
    highest = [precision[recall >= t / 10].max() for t in range(11)]
    yield metrics.average_precision(-scores, labels), "the lowest score comes first in its ranking."
    unsorted = metrics.average_precision(-np.arange(len(labels)), labels)
    yield unsorted, "the pictures are not put in the order of their scores."
    negative = metrics.average_precision(scores, np.maximum(labels, 0))
    yield negative, "difficult pictures (-1) are counted as negative; they should be left out."
    positive = metrics.average_precision(scores, np.abs(labels))
    yield positive, "difficult pictures (-1) are counted as positive; they should be left out."
    for points in (highest[1:], highest[:-1]):
        yield np.mean(points), "it takes ten recalls; 0, 0.1, ..., 1 are eleven."
    area = "this is the area under the curve (VOC 2010, scikit-learn); VOC 2007 takes eleven recalls."
    yield metrics.average_precision(scores, labels, "voc2010"), area
    yield (precision * ranked).sum() / true[-1], area
    yield 100 * np.mean(highest), "it is in per cent; give a fraction from 0 to 1."
    exactly = [precision[recall == t / 10].max(initial=0) for t in range(11)]
    yield np.mean(exactly), "it takes the precision at exactly that recall; take the highest at it or more."
    reached = [precision[recall >= t / 10][0] for t in range(11)]
    yield np.mean(reached), "it takes the precision where a recall is reached, not the highest from there on."
    carelessly = [precision[recall >= t].max() for t in np.linspace(0, 1, 11)]
    above = "np.linspace(0, 1, 11)[3] (or np.arange's) is above 3/10; compare whole numbers: 10 TP >= 3 P."
    yield np.mean(carelessly), above


# 02.4


def _check_dropout(dropout: Callable) -> None:
    x = np.linspace(-2, 2, 200 * 150, dtype=np.float32).reshape(200, 150)  # none of them is 0
    rate, rng = 0.3, np.random.default_rng(1)
    first = call(dropout, x, rate, rng)
    if not isinstance(first, np.ndarray):
        raise Wrong(f"dropout gives a {type(first).__name__}; it should give an array.")
    if first.shape != x.shape:
        raise Wrong(f"x of shape {list(x.shape)} became an array of shape {list(first.shape)}.")
    if first.dtype != x.dtype:
        raise Wrong(f"x is {x.dtype}, the result {first.dtype} (`mask / (1 - rate)` alone is float64).")
    _check_dropped(first == 0, rate)
    kept = first != 0
    typical = [
        (x, "what is kept is not divided by 1 - rate, so that the expectation is not x."),
        (x * rate, "what is kept is multiplied by the rate; divide it by 1 - rate."),
        (x * (1 - rate), "what is kept is multiplied by 1 - rate; divide by it."),
        (x / rate, "what is kept is divided by the rate, but it was kept with probability 1 - rate."),
    ]
    typical = [(kept * wrong, reason) for wrong, reason in typical]
    compare(first, kept * x / (1 - rate), f"the result at rate {rate} for x from -2 to 2", typical=typical)
    if np.array_equal(first, call(dropout, x, rate, rng)):
        raise Wrong("a second call drops the same numbers; a fresh draw from rng would not.")
    if not np.array_equal(first, call(dropout, x, rate, np.random.default_rng(1))):
        raise Wrong("rng with the same seed drops other numbers: draw from rng, not from np.random.")
    every = x[:2].astype(np.float64)
    at_zero = call(dropout, every, 0.0, rng)
    compare(at_zero, every, "the result at rate 0")
    if at_zero.dtype != every.dtype:
        raise Wrong(f"x of type {every.dtype} became {at_zero.dtype}; it should keep its type.")


def _check_dropped(dropped: np.ndarray, rate: float) -> None:
    """Raise Wrong unless about `rate` of the mask [N, d] is set, and neither whole rows nor columns are."""
    if dropped.all() or not dropped.any():
        raise Wrong(f"{'everything' if dropped.all() else 'nothing'} is dropped.")
    if (dropped == dropped[0]).all():
        raise Wrong("one mask serves all rows: a feature is gone for every picture or for none.")
    if (dropped == dropped[:, :1]).all():
        raise Wrong("one draw serves a whole row: a picture keeps all of its features or none.")
    # Seven standard deviations of a binomial: a right answer fails here with probability 3e-12.
    share, slack = dropped.mean(), 7 * np.sqrt(rate * (1 - rate) / dropped.size)
    if abs(share - (1 - rate)) < slack:
        raise Wrong("it keeps a number with probability rate, and drops it with 1 - rate.")
    if abs(share - rate) > slack:
        raise Wrong(f"at rate {rate} a share of {share:.3f} is dropped.")


EXERCISES = (
    Exercise(
        number="02.1",
        question="The objective of one linear SVM, and its gradient.",
        answer="hinge",
        check=_check_hinge,
        hints=(
            "x @ w + b has the scores of all pictures; np.maximum(0, ...) works on all of them at once.",
            "A picture whose loss is 0 has no gradient. Each of the others gives -C y_i x_i to w, -C y_i to b.",
            "With pull = y * (loss > 0): gradient_w = w - C * pull @ x, gradient_b = -C * pull.sum().",
        ),
        solution="""
import numpy as np


def hinge(w, b, x, y, C):
    loss = np.maximum(0, 1 - y * (x @ w + b))
    pull = y * (loss > 0)  # 0 beyond the margin
    return w @ w / 2 + C * loss.sum(), w - C * pull @ x, -C * pull.sum()
""",
    ),
    Exercise(
        number="02.2",
        question="The mean over classes of the share of pictures that are classified right.",
        answer="mean_class_accuracy",
        check=_check_mean_class_accuracy,
        hints=(
            "Accuracy is a mean over pictures. Take it for each class by itself, then the mean of those.",
            "np.unique(labels) has the classes that have a picture; labels == c picks those of class c.",
            "The accuracy of class c is (predicted[labels == c] == c).mean().",
        ),
        solution="""
import numpy as np


def mean_class_accuracy(predicted, labels):
    return np.mean([(predicted[labels == c] == c).mean() for c in np.unique(labels)])
""",
    ),
    Exercise(
        number="02.3",
        question="The average precision of VOC 2007, at eleven recalls.",
        answer="eleven_point_ap",
        check=_check_eleven_point_ap,
        hints=(
            "Put the labels in the order of falling scores, np.argsort(-scores), and take out the -1.",
            "np.cumsum(labels) is TP at every rank. Precision is TP / rank, recall TP / P (P is the last TP).",
            "For t = 0 ... 10 take precision[10 * TP >= t * P].max(), whole numbers on both sides; then the mean.",
        ),
        solution="""
import numpy as np


def eleven_point_ap(scores, labels):
    labels = labels[np.argsort(-scores)]
    labels = labels[labels >= 0]  # without the difficult ones
    true = np.cumsum(labels)
    precision = true / np.arange(1, len(labels) + 1)
    return np.mean([precision[10 * true >= t * true[-1]].max() for t in range(11)])
""",
    ),
    Exercise(
        number="02.4",
        question="Dropout on features, for training: some become 0, the others make up for it.",
        answer="dropout",
        check=_check_dropout,
        hints=(
            "Each number of x needs a draw of its own: rng.random(x.shape) is uniform in [0, 1).",
            "rng.random(x.shape) >= rate is true with probability 1 - rate, and True counts as 1.",
            "Multiply x by that mask, divide by 1 - rate, and return it: x itself stays as it was.",
        ),
        solution="""
def dropout(x, rate, rng):
    kept = rng.random(x.shape) >= rate
    return x * kept / (1 - rate)
""",
    ),
)
