"""The exercises of 02_linear_probes."""

from collections.abc import Callable, Iterator

import numpy as np

from lecture_lib.exercises.choosing import choices
from lecture_lib.exercises.comparing import agree, compare, finite, unpack
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong

# All pictures are at least 0.55 from their kink, y (w.x + b) = 1, where the value has no gradient; steps reach 0.4.
_X = np.array([[2, 0, 1], [0, 1, -1], [1, 1, 0], [-1, 2, 0], [0, -2, 1], [-1, 0, -2.0]])
_Y = np.array([1, 1, -1, -1, 1, 1])  # three beyond the margin, one inside it, two wrong
_W, _B, _C = np.array([0.5, -1, 0.25]), 0.3, 0.3


def _value_and_gradient(hinge: Callable, w: np.ndarray, b: float, *rest: object) -> Iterator[tuple]:
    def both(at: np.ndarray) -> list:
        return unpack(hinge(at[:-1], float(at[-1]), *rest), "value", "gradient_w", "gradient_b")

    at, h = np.append(w, b), 0.2
    value, gradient_w, gradient_b = both(at)
    yield "the value", value
    ends = [[float(both(end)[0]) for end in (at - step, at + step)] for step in h * np.eye(len(at))]
    slopes = np.diff(ends)[:, 0] / (2 * h)  # exact for a function of second degree
    yield "gradient_w, checked by finite differences of your value,", gradient_w, slopes[:-1]
    yield "gradient_b, checked by finite differences of your value,", gradient_b, slopes[-1]


HINGE = Exercise(
    number="02.1",
    question="The objective of one linear SVM, and its gradient.",
    hints=(
        "x @ w + b has the scores of all pictures; np.maximum(0, ...) works on all of them at once.",
        "A picture whose loss is 0 has no gradient. Each of the others gives -C y_i x_i to w, -C y_i to b.",
        "With pull = y * (loss > 0): gradient_w = w - C * pull @ x, gradient_b = -C * pull.sum().",
    ),
    solution="""
def hinge(w, b, x, y, C):
    loss = np.maximum(0, 1 - y * (x @ w + b))
    pull = y * (loss > 0)  # 0 beyond the margin
    return w @ w / 2 + C * loss.sum(), w - C * pull @ x, -C * pull.sum()
""",
    mistakes={  # those in the gradient alone come first: the others have a wrong gradient, too
        "the gradient of 1/2 |w|^2, which is w, is missing in gradient_w.": "w - C -> -C",
        "the gradient of 1/2 |w|^2 is w, not 2 w.": "w - C -> 2 * w - C",
        "gradient_b has a part of its own for b, but b is not penalised.": ", -C -> , b - C",
        "C is in the value, but missing in the gradient.": "w - C * pull -> w - pull; -C * pull -> -pull",
        "the value has the sum over pictures, the gradient their mean.": "(loss > 0) -> (loss > 0) / len(x)",
        "a sign is wrong: a loss changes with w by -y_i x_i, with b by -y_i.": "w - C -> w + C; , -C -> , C",
        "pictures beyond the margin, whose loss is 0, are in the gradient, too.": "y * (loss > 0) -> y",
        "y_i is missing: a loss changes with w by -y_i x_i.": "y * (loss > 0) -> 1 * (loss > 0)",
        "only the wrong side is in the gradient; those inside the margin lose, too.": "loss > 0 -> loss > 1",
        "C is missing: it multiplies the sum of the losses.": "C * loss -> loss",
        "it takes the mean of the losses; the formula has their sum.": "loss.sum() -> loss.mean()",
        "b is penalised; 1/2 |w|^2 is about w alone.": "w @ w / 2 -> (w @ w + b * b) / 2",
        "it gives a value for each picture; their losses are still to be summed.": "loss.sum() -> loss",
        "1/2 |w|^2 is missing.": "w @ w / 2 + C -> C",
        "|w|^2 comes with a factor 1/2.": "w @ w / 2 -> w @ w",
        "a sign is wrong: the loss should fall as y_i (w.x_i + b) grows.": "1 - y -> 1 + y",
        "losses below 0 are counted: max(0, ...) is missing.": "np.maximum(0, -> (",
        "the margin, 1 in the formula, is missing.": "1 - y -> -y",
        "the losses are squared: that is the squared hinge, another loss.": "loss.sum() -> (loss**2).sum()",
        "b is missing in w.x_i + b.": "x @ w + b -> x @ w",
        "it takes the labels to be 0 and 1; y is -1 or +1 already.": "1 - y -> 1 - (2 * y - 1) | 1 - y -> 1 - 1",
    },
    tries=(("", _W, _B, _X, _Y, _C), ("", 10 * _W, 10 * _B, _X, np.sign(_X @ _W + _B), _C)),
    parts=_value_and_gradient,
    tolerance=1e-4,
)

_PREDICTED = (  # and labels; in the second there is none of class 1, nor of 3
    ([0, 0, 0, 0, 1, 2, 1, 1, 0, 2], [0, 0, 0, 0, 0, 0, 1, 1, 1, 2]),
    ([0, 1, 2, 2, 3, 2], [0, 0, 2, 2, 2, 2]),
)
_EVERY_CLASS = "np.unique(labels) -> range(max(labels) + 1) | np.unique(labels) -> range(max(predicted) + 1)"
_ABSENT = "a class that is predicted, but is not in labels, counts as one with accuracy"

MEAN_CLASS_ACCURACY = Exercise(
    number="02.2",
    question="The mean over classes of the share of pictures that are classified right.",
    hints=(
        "Accuracy is a mean over pictures. Take it for each class by itself, then the mean of those.",
        "np.unique(labels) has the classes that have a picture; labels == c picks those of class c.",
        "The accuracy of class c is (predicted[labels == c] == c).mean().",
    ),
    solution="""
def mean_class_accuracy(predicted, labels):
    return np.mean([(predicted[labels == c] == c).mean() for c in np.unique(labels)])
""",
    mistakes={
        "every picture counts the same; every class should, however few its pictures.": (
            "(predicted == labels).mean()"
        ),
        "0 / 0 = NaN, of a class without a picture or of no class: those in labels should count.": _EVERY_CLASS,
        "it divides by the pictures taken for a class (precision), not by those in it.": (
            "predicted[labels -> labels[predicted; np.unique(labels) -> np.unique(predicted)"
        ),
        "it gives the accuracy of each class; their mean is still to be taken.": "np.mean([ -> ([",
        "it is in per cent; give a fraction from 0 to 1.": "return -> return 100 *",
        "it gives the share of mistakes; 1 minus it is the accuracy.": "== c).mean -> != c).mean",
        f"{_ABSENT} 0; it has none.": (
            "np.unique(labels) -> range(max(predicted) + 1); .mean() for -> .sum() / max(1, (labels == c).sum()) for"
        ),
        f"{_ABSENT} 1; it has none.": (
            "np.unique(labels) -> range(max(predicted) + 1); .mean() for -> .mean() if c in labels else 1 for"
        ),
        "pictures taken for a class not in labels are left out; they are mistakes.": (
            "labels == c] -> (labels == c) & np.isin(predicted, labels)]"
        ),
    },
    tries=(
        *((f"the result for labels {y}, predicted {p},", np.array(p), np.array(y)) for p, y in _PREDICTED),
        (
            "the result for the classes 5, 40 and 1200 (labels tell which classes there are)",
            np.repeat([5, 40, 5, 1200], [2, 1, 3, 4]),
            np.repeat([5, 40, 1200], [2, 3, 5]),
        ),
    ),
)


def _ranked(ranking: list[int], what: str) -> tuple:
    """A try with labels given from the highest score down; the pictures come in another order."""
    mixed = np.argsort(np.arange(len(ranking)) * 0.618 % 1)
    return f"the AP of {what}", np.linspace(2, -2, len(ranking))[mixed], np.array(ranking)[mixed]


def _ap(eleven_point_ap: Callable, *given: np.ndarray) -> Iterator[tuple]:
    try:
        yield "", eleven_point_ap(*given)
    except Wrong as stop:
        none = " Some recall is reached by no picture: is it >= (neither > nor ==) that it is compared with?"
        raise Wrong(f"{stop}{none if 'zero-size' in str(stop) else ''}") from None


_CARELESS = "range(11) -> np.linspace(0, 1, 11); 10 * true >= t * true[-1] -> true / true[-1]"

ELEVEN_POINT_AP = Exercise(
    number="02.3",
    question="The average precision of VOC 2007, at eleven recalls.",
    hints=(
        "Put the labels in the order of falling scores, np.argsort(-scores), and take out the -1.",
        "np.cumsum(labels) is TP at every rank. Precision is TP / rank, recall TP / P (P is the last TP).",
        "For t = 0 ... 10 take precision[10 * TP >= t * P].max(), whole numbers on both sides; then the mean.",
    ),
    solution="""
def eleven_point_ap(scores, labels):
    labels = labels[np.argsort(-scores)]
    labels = labels[labels >= 0]  # without the difficult ones
    true = np.cumsum(labels)
    precision = true / np.arange(1, len(labels) + 1)
    return np.mean([precision[10 * true >= t * true[-1]].max() for t in range(11)])
""",
    mistakes={
        "the lowest score comes first in its ranking.": "-scores -> scores",
        "the pictures are not put in the order of their scores.": "labels[np.argsort(-scores)] -> labels",
        "difficult pictures (-1) count as negative; leave them out.": "[labels >= 0] -> .clip(0)",
        "difficult pictures (-1) count as positive; leave them out.": "labels[labels >= 0] -> abs(labels)",
        "it takes ten recalls; 0, 0.1, ..., 1 are eleven.": "range(11) -> range(1, 11) | range(11) -> range(10)",
        "this is the area under the curve (VOC 2010, scikit-learn); VOC 2007 takes eleven recalls.": (
            "precision[labels == 1].mean() | np.maximum.accumulate(precision[::-1])[::-1][labels == 1].mean()"
        ),
        "it is in per cent; give a fraction from 0 to 1.": "return -> return 100 *",
        "it takes the precision at exactly that recall; take the highest at it or more.": (
            "true >= t -> true == t; .max() -> .max(initial=0)"
        ),
        "it takes the precision where a recall is reached, not the highest from there on.": ".max() -> [0]",
        "it takes recalls above t (>); one of exactly t counts, too: >=.": (
            f"true >= t -> true > t; .max() -> .max(initial=0) | {_CARELESS} > t; .max() -> .max(initial=0)"
        ),
        "np.linspace(0, 1, 11)[3], or np.arange's, is above 3/10: compare 10 TP >= 3 P.": f"{_CARELESS} >= t",
    },
    tries=(  # each with one trap
        _ranked([0, 1, 1, 0, 1], "the ranking 0 1 1 0 1, where precision rises on the way,"),
        _ranked([1, 0, 1, 0, 0, 1], "the ranking 1 0 1 0 0 1"),
        _ranked([1, -1, 0, 1, -1, 1, 0], "the ranking 1 -1 0 1 -1 1 0, where the -1 do not count,"),
        _ranked([1, 1, 1, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1, 1], "a ranking with ten positives (3/10 is 0.3)"),
        _ranked(np.random.default_rng(0).choice([-1, 0, 1], 60, p=[0.1, 0.6, 0.3]), "60 pictures at random"),
    ),
    parts=_ap,
)


def _check_dropout(dropout: Callable) -> None:
    x = np.linspace(-2, 2, 200 * 150, dtype=np.float32).reshape(200, 150)  # none of them is 0
    rate, rng = 0.3, np.random.default_rng(1)
    first = dropout(x, rate, rng)
    if not isinstance(first, np.ndarray):
        raise Wrong(f"dropout gives a {type(first).__name__}; it should give an array.")
    finite(first, "the result", x.shape)
    _check_dropped(first == 0, rate)
    kept = (first != 0) * x
    for reason, mistaken in (
        ("what is kept is not divided by 1 - rate, so that the expectation is not x.", kept),
        ("what is kept is multiplied by the rate; divide it by 1 - rate.", kept * rate),
        ("what is kept is multiplied by 1 - rate; divide by it.", kept * (1 - rate)),
        ("what is kept is divided by the rate, but it was kept with probability 1 - rate.", kept / rate),
    ):
        if agree(first, mistaken, 1e-5):
            raise Wrong(reason)
    compare(first, kept / (1 - rate), f"the result at rate {rate} for x from -2 to 2")
    more = [dropout(x, rate, rng) for _ in range(3)]
    if np.array_equal(first, more[0]):
        raise Wrong("a second call drops the same numbers; a fresh draw from rng would not.")
    if len({np.count_nonzero(result) for result in (first, *more)}) == 1:  # by chance once in ten million
        raise Wrong(f"every call drops as many; {_ON_ITS_OWN}")
    if not np.array_equal(first, dropout(x, rate, np.random.default_rng(1))):
        raise Wrong("rng with the same seed drops other numbers: draw from rng, not from np.random.")
    every = x[:2].astype(np.float64)
    at_zero = dropout(every, 0.0, rng)
    compare(at_zero, every, "the result at rate 0")
    for given, result in ((x, first), (every, at_zero)):
        if result.dtype != given.dtype:
            advice = "keep the type; `mask / (1 - rate)` alone is float64"
            raise Wrong(f"x is {given.dtype}, the result {result.dtype}: {advice}.")


_ON_ITS_OWN = "each number is dropped or kept on its own, so that this varies."


def _check_dropped(dropped: np.ndarray, rate: float) -> None:
    """Raise Wrong unless about `rate` of the mask [N, d] is set, independently of each other."""
    # Seven standard deviations of a binomial: a right answer fails here with probability 3e-12.
    share, slack = dropped.mean(), 7 * np.sqrt(rate * (1 - rate) / dropped.size)
    for wrong, reason in (
        (dropped.all(), "everything is dropped."),
        (not dropped.any(), "nothing is dropped."),
        (
            (dropped == dropped[0]).all(),
            "one mask serves all rows: a feature is gone for every picture or for none.",
        ),
        (
            (dropped == dropped[:, :1]).all(),
            "one draw serves a whole row: a picture keeps all of its features or none.",
        ),
        (
            abs(share - (1 - rate)) < slack,
            "it keeps a number with probability rate, and drops it with 1 - rate.",
        ),
        (abs(share - rate) > slack, f"at rate {rate} a share of {share:.3f} is dropped."),
        (np.ptp(dropped.sum(1)) == 0, f"every row loses as many; {_ON_ITS_OWN}"),
        (np.ptp(dropped.sum(0)) == 0, f"every column loses as many; {_ON_ITS_OWN}"),
    ):
        if wrong:
            raise Wrong(reason)


DROPOUT = Exercise(
    number="02.4",
    question="Dropout on features, for training: some become 0, the others make up for it.",
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
    check=_check_dropout,
)

_FEATURES = np.abs(np.random.default_rng(0).normal(size=(9, 4))) * [1, 3, 9, 27]
_FEATURES[6:] += [5, 0, 9, 40]  # the test pictures are unlike
_TRAIN, _TEST = np.arange(6), np.arange(6, 9)
_LEAK = "x[train].mean(0), x[train].std(0) -> x.mean(0), x.std(0)"
_AXIS = "axis=1, keepdims=True -> axis=0"


def _parts(prepare: Callable, *given: np.ndarray) -> Iterator[tuple]:
    yield from zip(_PARTS, unpack(prepare(*given), *_PARTS), strict=True)


_PARTS = ("the training features", "the test features")

PREPARE = Exercise(
    number="02.5",
    question="Two bugs in what is done to features before they are classified.",
    stub="""
def prepare(x, train, test):
    x = (x - x.mean(0)) / x.std(0)
    x = x / np.linalg.norm(x, axis=0, keepdims=True)
    return x[train], x[test]
""",
    hints=(
        "Which pictures may say what the mean and the standard deviation of a feature are?",
        "Rows are pictures. Whose length is 1 in the end: a row's or a column's?",
        "x[train].mean(0) and x[train].std(0); np.linalg.norm(x, axis=1, keepdims=True).",
    ),
    solution="""
def prepare(x, train, test):
    mean, deviation = x[train].mean(0), x[train].std(0)
    x = (x - mean) / deviation
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    return x[train], x[test]
""",
    mistakes={
        "mean and standard deviation are still those of all pictures: test pictures leak into training.": _LEAK,
        "length 1 is still given to each feature over all pictures, not to each picture.": _AXIS,
        "test pictures are standardised by their own mean and deviation, so they are no longer comparable.": (
            "x = (x - mean) / deviation -> "
            "x = np.concatenate([(x[p] - x[p].mean(0)) / x[p].std(0) for p in (train, test)])"
        ),
        "the features are not standardised any more.": "(x - mean) / deviation -> x",
        "the pictures' vectors do not have the length 1 any more.": (
            "np.linalg.norm(x, axis=1, keepdims=True) -> 1"
        ),
    },
    tries=((" of nine pictures, six of them for training,", _FEATURES, _TRAIN, _TEST),),
    parts=_parts,
)

QUESTIONS = choices(
    "02.6",
    "c a b d b",
    (
        {
            "a": "The best of nine tries on the test pictures is higher than any one of them deserves.",
            "b": "On its own training pictures a large C is always best.",
            "c": "Only training pictures have a say, and those that validate did not train.",
            "d": "The mean of several test sets has been looked at nine times, too.",
        },
        {
            "a": "90 % of one class and 50 % of the other have the mean 70 %.",
            "b": "86 % is the share of all pictures, of which the large class has nine in ten.",
            "c": "50 % is the small class alone.",
            "d": "90 % is the large class alone.",
        },
        {
            "a": "Such a picture would then be a mistake wherever it stands, though nobody could see the object.",
            "b": "It takes no part in that class's ranking; in the others it does.",
            "c": "It would be a reward to find what hardly anybody sees.",
            "d": "The other classes of the same picture are known as well as ever.",
        },
        {
            "a": "Views of one picture are alike; sixteen of them say less than sixteen pictures.",
            "b": "That is what would happen with C itself, and C would not mean the same any more.",
            "c": "Nothing is done about such views: they keep the labels of their picture.",
            "d": "Sixteen samples at C / 16 weigh as much as one at C.",
        },
        {
            "a": "Zero is inside the interval: the data allow a loss as well.",
            "b": "The interval has zero inside, and so the data allow a gain and a loss.",
            "c": "That would need the whole interval below zero.",
            "d": "A gain of 2.8 is inside the interval, so equality is not shown.",
        },
    ),
)

EXERCISES = (HINGE, MEAN_CLASS_ACCURACY, ELEVEN_POINT_AP, DROPOUT, PREPARE, QUESTIONS)

check, hint, solution = commands(EXERCISES)
