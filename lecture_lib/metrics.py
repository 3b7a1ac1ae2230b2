"""Measures of the lecture: mean class accuracy, top-k error, average precision.

Every function takes first what the model says, then the truth, and returns fractions from 0 to 1
(the papers print per cent). Scores may be any real numbers; higher means more certain.
"""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from lecture_lib import checks


def confusion_matrix(predicted: ArrayLike, labels: ArrayLike, n_classes: int | None = None) -> np.ndarray:
    """Count how often each class is taken for each other.

    predicted  [N] int  class index 0 .. C-1 that the model says
    labels     [N] int  true class index
    n_classes           C; by default the largest index in either, plus one
    returns    [C, C] int64, row = true class, column = predicted class

    Raises ValueError for no images, different lengths, or an index outside 0 .. C-1.
    """
    predicted, labels = checks.labels(predicted, "predicted"), checks.labels(labels, "labels")
    if predicted.shape != labels.shape:
        raise ValueError(f"{len(predicted)} predictions for {len(labels)} labels; give one for each image.")
    if len(labels) == 0:
        raise ValueError("There are no images to count (0 labels).")
    largest = int(max(predicted.max(), labels.max()))
    c = largest + 1 if n_classes is None else n_classes
    if largest >= c:
        raise ValueError(f"Class index {largest} in {c} classes; indices run from 0 to {c - 1}.")
    return np.bincount(labels * c + predicted, minlength=c * c).reshape(c, c)


def mean_class_accuracy(predicted: ArrayLike, labels: ArrayLike) -> float:
    """Return the mean of the diagonal of the confusion matrix with rows normalised: each class counts once.

    predicted  [N] int  class index that the model says
    labels     [N] int  true class index

    A class without an image in `labels` has no accuracy and is left out of the mean. A picture taken
    for such a class still counts as an error of its own class. Raises as `confusion_matrix`.
    """
    matrix = confusion_matrix(predicted, labels)
    images = matrix.sum(axis=1)
    present = images > 0
    return float((matrix.diagonal()[present] / images[present]).mean())


def top_k_error(scores: ArrayLike, labels: ArrayLike, k: int = 5) -> float:
    """Return the fraction of images whose true class is not among the k highest scores.

    scores  [N, C] float  one score for each class
    labels  [N] int       true class index

    Ties count against the model: the true class is among the first k only if fewer than k other
    classes score as much or more. So a model that says the same for every class is always wrong (for
    k < C), whatever the order of the classes. Raises ValueError for NaN scores and wrong shapes.
    """
    scores, labels = _scores(scores), checks.labels(labels, "labels")
    if scores.ndim != 2 or len(scores) != len(labels) or len(labels) == 0:
        raise ValueError(f"Scores {scores.shape} for {len(labels)} labels; give scores [N, C], labels [N].")
    n, c = scores.shape
    if not 1 <= k <= c:
        raise ValueError(f"k = {k} with {c} classes; k runs from 1 to {c}.")
    if labels.max() >= c:
        raise ValueError(f"Class index {labels.max()} in {c} classes; indices run from 0 to {c - 1}.")
    own = scores[np.arange(n), labels][:, None]
    place = (scores >= own).sum(axis=1)  # 1 = alone at the top; its own score is counted, too
    return float((place > k).mean())


def average_precision(scores: ArrayLike, labels: ArrayLike) -> float | np.ndarray:
    """Return the average precision (VOC 2007) of one ranking, or of one ranking a class.

    scores  [N] or [N, C] float
    labels  same shape: 1 the class is there, 0 it is not, -1 only as `difficult` objects.
            VOC's own ImageSets files write 1, -1 and 0 for these, the last two the other way round
    returns float, or float64 [C]: the mean over the recalls 0, 0.1, ..., 1 of the highest precision at that recall
            or more; NaN for a class without a positive

    `difficult` images are taken out of the ranking: they neither help nor hurt. Images with the same
    score enter together, as no threshold can part them (so does scikit-learn; VOC's development kit
    leaves them in file order, which makes the result depend on that order). "recall >= 0.3" is decided
    in whole numbers, 10 TP >= 3 P, as 0.3 has no exact floating-point form.
    Raises ValueError for NaN scores, wrong shapes and other labels.
    """
    scores, labels = _scores(scores), np.asarray(labels)
    if scores.shape != labels.shape or scores.ndim not in (1, 2) or len(scores) == 0:
        raise ValueError(f"Scores {scores.shape} for labels {labels.shape}; give both as [N] or as [N, C].")
    if not np.isin(labels, (-1, 0, 1)).all():
        raise ValueError(f"Label {labels[~np.isin(labels, (-1, 0, 1))][0]}; give 1, 0 or -1 (difficult).")
    ranking = _rank(np.atleast_2d(scores.T), np.atleast_2d(labels.T))
    ap = _average_precision(*ranking, np.ones(len(scores), int))
    return ap if scores.ndim == 2 else float(ap[0])


def mean_average_precision(scores: ArrayLike, labels: ArrayLike) -> float:
    """Return the mean over classes of `average_precision`, for scores and labels [N, C].

    Classes without a positive have no AP; they are left out, and a warning says how many and which.
    Raises ValueError if that leaves none, and as `average_precision`.
    """
    ap = np.atleast_1d(average_precision(scores, labels))
    absent = np.flatnonzero(np.isnan(ap))
    if len(absent) == len(ap):
        raise ValueError(f"None of the {len(ap)} classes has a positive image: there is nothing to average.")
    if len(absent):
        which = ", ".join(map(str, absent))
        warnings.warn(
            f"mAP over {len(ap) - len(absent)} of {len(ap)} classes: no positive image of class {which}.",
            stacklevel=2,
        )
    return float(np.nanmean(ap))


def resampled(scores: ArrayLike, labels: ArrayLike) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that gives `average_precision` of resamples, sorting the pictures only once.

    scores, labels  [N, C], as in `average_precision`
    returns         int64 [n], rows drawn from 0 .. N-1, any number of times each -> float64 [C]
    """
    ranking = _rank(_scores(scores).T, np.asarray(labels).T)
    n = len(np.asarray(labels))
    return lambda drawn: _average_precision(*ranking, np.bincount(drawn, minlength=n))


def _rank(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, ...]:
    """Sort each class [C, N]: the order, where it is there, where it counts, and where equal scores end."""
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(labels, order, axis=1)
    ranked_scores = np.take_along_axis(scores, order, axis=1)
    ends = np.ones(order.shape, bool)
    ends[:, :-1] = ranked_scores[:, :-1] != ranked_scores[:, 1:]
    return order, ranked == 1, ranked >= 0, ends  # difficult images (-1) leave both counts as they are


def _average_precision(
    order: np.ndarray, hits: np.ndarray, known: np.ndarray, ends: np.ndarray, times: np.ndarray
) -> np.ndarray:
    # [C, N] as `_rank` gives them; each picture counts so many times, [N]
    times = times[order]
    hits, known = hits * times, known * times
    true, counted = np.cumsum(hits, axis=1), np.cumsum(known, axis=1)
    # The curve has a point only behind the last of equal scores. Inside, precision is set to 0: the
    # highest precision from there on is then that of the group's end.
    precision = np.where(ends, true / np.maximum(counted, 1), 0)
    highest = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    positives, total = true[:, -1], np.zeros(len(order))
    for tenth in range(11):
        first = (10 * true >= tenth * positives[:, None]).argmax(axis=1)
        total += highest[np.arange(len(order)), first]
    return np.where(positives > 0, total / 11, np.nan)


def _scores(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    bad = np.isnan(array)
    if bad.any():
        where = ", ".join(map(str, np.argwhere(bad)[0]))
        raise ValueError(
            f"{bad.sum()} of {array.size} scores are NaN (the first at [{where}]), and NaN has no rank. "
            "Has training diverged, or a vector of length zero been normalised?"
        )
    return array


def measure(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean class accuracy of scores [N, C] for labels [N], or their mAP for labels [N, C]."""
    scores, labels = _scores(scores), np.asarray(labels)
    if labels.ndim == 1:
        return mean_class_accuracy(scores.argmax(1), labels)
    seen = (labels == 1).any(0)
    return mean_average_precision(scores[:, seen], labels[:, seen])


def by_class(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return AP of each class for labels [m, classes], else each class's share of right answers: float64, in %."""
    scores, labels = _scores(scores), np.asarray(labels)
    if labels.ndim == 2:
        return 100 * average_precision(scores, labels)
    matrix = confusion_matrix(scores.argmax(1), labels, scores.shape[1])
    with np.errstate(invalid="ignore"):  # a class without a picture has no share: NaN
        return 100 * matrix.diagonal() / matrix.sum(1)
