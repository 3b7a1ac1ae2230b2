"""The exercises of 04_fine_tuning."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from lecture_lib.exercises.comparing import finite, unpack
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong
from lecture_lib.exercises.texts import with_texts
from lecture_lib.metrics import average_precision

# Slacks are at least 0.02 away from their kink, and the classes have 6, 5, 4 pictures that count.
_SCORES = torch.tensor(
    [[0.7, -1.6, 0.4, -0.2, 1.5, -0.9], [-0.45, 0.35, 1.8, -1.3, 0.9, 0.5], [1.3, -0.3, 0.15, 0.6, -2.1, 0.8]]
).T
_LABELS = torch.tensor([[1, 0, 1, 0, 0, 1], [0, -1, 1, 0, 1, 0], [1, 0, -1, 1, 0, -1]], dtype=torch.int8).T
# The first class as others are; one that no picture shows, one that every picture shows, one only difficult.
_LONELY = (
    torch.tensor([[0.3, -0.4, 0.9, 1.7], [0.6, 0.2, -0.8, 0.4], [-1.9, 0.6, 0.1, -0.7]]),
    torch.tensor([[1, 0, 1, -1], [0, 0, 1, -1], [0, -1, 1, -1]], dtype=torch.int8),
)


def _loss_and_gradient(loss: Callable, scores: Tensor, labels: Tensor) -> Iterator[tuple]:
    x = scores.clone().requires_grad_()
    value = loss(x, labels)
    if not isinstance(value, Tensor):
        raise Wrong(f"it gives a {type(value).__name__}; only a torch.Tensor has gradients to train with.")
    if value.dtype != scores.dtype:
        raise Wrong(f"the result is {value.dtype}, the scores are {scores.dtype}; stay with their type.")
    yield "the loss", value
    if not value.requires_grad:
        raise Wrong("the number is right, but no gradient leads back to the scores: stay with their tensor.")
    value.backward()
    yield "the gradient of the loss", x.grad


CLASSIFICATION_HINGE = Exercise(
    "04.1",
    tries=(("", _SCORES, _LABELS), (" of a batch with a class that is not there", *_LONELY)),
    parts=_loss_and_gradient,
)
RANKING_HINGE = Exercise(
    "04.2",
    tries=(("", _SCORES, _LABELS), (" of a batch with a class without a pair", *_LONELY)),
    parts=_loss_and_gradient,
)

_LAYERS = ("conv1", "conv2", "conv3", "fc6", "fc7", "head")
_FEW = ("conv1", "fc2", "head")


def _rates(learning_rates: Callable, layers: tuple[str, ...], frozen: str | None) -> Iterator[tuple]:
    rates = learning_rates(layers, 0.1, 0.2, 0.5, frozen)
    case = f"with layers={layers}, lr=0.1, ratio=0.2, decay=0.5, frozen={frozen!r}"
    if not isinstance(rates, dict):
        raise Wrong(f"it gives a {type(rates).__name__}; it should give a dict, layer -> learning rate.")
    if missing := [layer for layer in layers if layer not in rates]:
        raise Wrong(f"there is no rate for {missing[0]}, {case}; frozen layers have rate 0.")
    if more := [layer for layer in rates if layer not in layers]:
        raise Wrong(f"there is a rate for {more[0]!r}, which is none of the layers, {case}.")
    what = {layer: f"the rate of {layer}, {case}," for layer in layers}
    yield "", {what[layer]: float(finite(rates[layer], what[layer], ())) for layer in layers}


LEARNING_RATES = Exercise(
    "04.3",
    tries=(("", _LAYERS, None), ("", _LAYERS, "conv2"), ("", _LAYERS, "fc7"), ("", _FEW, "conv1")),
    parts=_rates,
)


def _check_disagreement(two_classifiers: Callable) -> None:
    for n, positives in ((10, 2), (8, 4)):
        labels = np.repeat([1, 0], [positives, n - positives])
        case = f"where {positives} of {n} pictures show the class"
        a, b = unpack(two_classifiers(labels), "the scores of A", "the scores of B", shape=(n,))
        right_a, right_b = (int(((scores > 0) == labels).sum()) for scores in (a, b))
        ap_a, ap_b = (average_precision(scores, labels) for scores in (a, b))
        if right_a < right_b and ap_a > ap_b:
            raise Wrong(f"the two are exchanged {case}: A should be the one of higher accuracy and lower AP.")
        if right_a <= right_b:
            times = f"A is right {right_a} times of {n} and B {right_b} times"
            raise Wrong(f"{case}, {times}; A should be more often.")
        if ap_a >= ap_b:
            aps = f"A has an AP of {ap_a:.3f} and B of {ap_b:.3f}; that of A should be lower."
            raise Wrong(f"{case}, {aps} Only the order of the scores counts for it.")


TWO_CLASSIFIERS = Exercise("04.4", check=_check_disagreement)

_CURVES = np.random.default_rng(1)

WITHOUT_PAIR = Exercise(
    "04.5",
    tries=tuple((f"the probability for p = {p}, B = {B}", p, B) for p, B in ((0.9, 4), (0.05, 32), (0.3, 1))),
)

REPORTED = Exercise(
    "04.6",
    tries=tuple(
        (f"the mAP of {r} trainings with {e} epochs", *_CURVES.uniform(40, 60, (2, r, e)).round(1))
        for r, e in ((6, 4), (3, 3), (9, 5))
    ),
)

EXERCISES = with_texts(
    __file__, CLASSIFICATION_HINGE, RANKING_HINGE, LEARNING_RATES, TWO_CLASSIFIERS, WITHOUT_PAIR, REPORTED
)

check, hint, solution = commands(EXERCISES)
