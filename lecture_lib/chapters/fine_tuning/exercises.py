"""The exercises of 04_fine_tuning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lecture_lib.chapters.fine_tuning import judge_losses
from lecture_lib.exercises.comparing import Reference, finite, numbers
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong
from lecture_lib.metrics import average_precision

# 04.3

_LAYERS = ("conv1", "conv2", "conv3", "fc6", "fc7", "head")
_FROZEN = "layers[: layers.index(frozen) + 1]"
_RATES = {
    "the head is new: it learns at lr itself, not at ratio x lr.": (
        "layers[-1]: lr -> layers[-1]: lr * ratio; rate = lr * ratio -> rate = lr * ratio**2"
    ),
    "decay is missing: each layer learns at decay times the rate above it.": "rate * decay -> rate",
    "ratio is missing: the last layer before the head learns at ratio x lr.": (
        "lr * ratio -> lr",
        "lr * ratio -> lr * decay",
    ),
    "decay begins one layer too high: the layer before the head learns at ratio x lr.": "* ratio -> * ratio * decay",
    "it divides by ratio; multiply with it.": "lr * ratio -> lr / ratio",
    "it divides by decay; multiply with it.": "rate * decay -> rate / decay",
    "the first layer learns fastest; rates fall from the head down to the pictures.": "layers[-2::-1] -> layers[:-1]",
    "the order is upside down: the last layer is the head.": (
        "layers[-1]: lr -> layers[0]: lr; layers[-2::-1] -> layers[1:]"
    ),
    "frozen names the last layer that is frozen: it is frozen itself, too.": "(frozen) + 1 -> (frozen)",
    "all layers before the one that frozen names are frozen, too.": f"{_FROZEN} -> [frozen]",
    "the layers up to the one that frozen names are frozen, those after it learn.": (
        f"{_FROZEN} -> layers[layers.index(frozen) + 1 : -1]",
        f"{_FROZEN} -> layers[layers.index(frozen) :]",
    ),
    "frozen layers have rate 0.": "rates[layer] = 0 -> pass",
}


def _check_rates(learning_rates: Callable, right: Reference) -> None:
    few = ("conv1", "fc2", "head")
    for layers, frozen in ((_LAYERS, None), (_LAYERS, "conv2"), (_LAYERS, "fc7"), (few, "conv1")):
        given = layers, 0.1, 0.2, 0.5, frozen
        rates = learning_rates(*given)
        case = f"with layers={layers}, lr=0.1, ratio=0.2, decay=0.5, frozen={frozen!r}"
        if not isinstance(rates, dict):
            raise Wrong(f"it gives a {type(rates).__name__}; it should give a dict, layer -> learning rate.")
        if missing := [layer for layer in layers if layer not in rates]:
            raise Wrong(f"there is no rate for {missing[0]}, {case}; frozen layers have rate 0.")
        if more := [layer for layer in rates if layer not in layers]:
            raise Wrong(f"there is a rate for {more[0]!r}, which is none of the layers, {case}.")
        for layer in layers:
            finite(rates[layer], f"the rate of {layer}, {case},", ())

        def in_order(rates: dict, layers: tuple = layers) -> list:
            return [float(rates[layer]) for layer in layers]

        right.compare(in_order(rates), f"the rate, {case},", *given, part=in_order)


# 04.4


def _check_disagreement(two_classifiers: Callable, _: Reference) -> None:
    for n, positives in ((10, 2), (8, 4)):
        labels = np.repeat([1, 0], [positives, n - positives])
        case = f"where {positives} of {n} pictures show the class"
        try:
            a, b = map(numbers, two_classifiers(labels))
        except (TypeError, ValueError):
            raise Wrong("it should give two lists of numbers: the scores of A, the scores of B.") from None
        for scores, name in ((a, "A"), (b, "B")):
            if scores.shape != (n,):
                has = f"the scores of {name} have shape {list(scores.shape)}"
                raise Wrong(f"{has}; there are {n} pictures, [{n}].")
            finite(scores, f"the list of scores of {name}", (n,))
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


# 04.5

_WITHOUT_PAIR = {
    "a batch in which every picture shows the class has no pair either.": "(1 - p) ** B",
    "that is a batch full of positives; one without any has no pair either.": "p**B",
    "that is the probability of a pair.": "1 - (1 - p) ** B - p**B",
    "that is the probability of a positive.": "1 - (1 - p) ** B",
    "no batch is without positives and without negatives at once; add the two probabilities.": "+ p -> * p",
    "probabilities of independent pictures are multiplied, not added.": ("(1 - p) * B", "1 - p * B"),
}


def _check_without_pair(without_pair: Callable, right: Reference) -> None:
    for p, B in ((0.9, 4), (0.05, 32), (0.3, 1)):
        right.compare(without_pair(p, B), f"the probability for p = {p}, B = {B}", p, B)


EXERCISES = (
    Exercise(
        number="04.1",
        question="TUNE-CLS, the one-vs-rest classification hinge loss of a batch.",
        check=judge_losses.check_classification,
        hints=(
            "y = torch.where(labels == 1, 1, -1) has a sign for each picture and class; labels >= 0 is what counts.",
            "(1 - y * scores).clamp(min=0) is [B, C]; times (labels >= 0), slacks that do not count are 0.",
            "Divide .sum(0) by (labels >= 0).sum(0).clamp(min=1), then sum over classes.",
        ),
        solution="""
import torch


def classification_hinge(scores, labels):
    counted = labels >= 0
    y = torch.where(labels == 1, 1, -1)
    slack = (1 - y * scores).clamp(min=0) * counted
    return (slack.sum(0) / counted.sum(0).clamp(min=1)).sum()
""",
        mistakes=judge_losses.CLASSIFICATION,
    ),
    Exercise(
        number="04.2",
        question="TUNE-RNK, the ranking hinge loss of a batch.",
        check=judge_losses.check_ranking,
        hints=(
            "A loop over classes is fine: scores[:, c][labels[:, c] == 1] are the scores of class c's positives.",
            "positives[:, None] - negatives is [P, N]: each positive with each negative.",
            "Of a class without a pair, slack.sum() is 0 and slack.numel() is 0: divide by max(slack.numel(), 1).",
        ),
        solution="""
def ranking_hinge(scores, labels):
    total = 0
    for s, y in zip(scores.T, labels.T):
        slack = (1 - s[y == 1][:, None] + s[y == 0]).clamp(min=0)  # [P, N]
        total = total + slack.sum() / max(slack.numel(), 1)
    return total
""",
        mistakes=judge_losses.RANKING,
    ),
    Exercise(
        number="04.3",
        question="Learning rates that fall from the new head down to the pictures, and frozen layers.",
        check=_check_rates,
        hints=(
            "Count layers down from the head: layers[::-1] has the head first, enumerate numbers it 0.",
            "Layer k = 1, 2, ... below the head has lr * ratio * decay ** (k - 1).",
            "layers.index(frozen) is where the last frozen layer is; at and before it, the rate is 0.",
        ),
        solution="""
# The head is random and has to go a long way: lr. Below it a large step would destroy what was learned before: ratio.
# The lower a layer, the more general it is (edges and colours serve every task), and the less it has to move: decay.
def learning_rates(layers, lr, ratio, decay, frozen=None):
    rates = {layers[-1]: lr}
    rate = lr * ratio
    for layer in layers[-2::-1]:
        rates[layer] = rate
        rate = rate * decay
    if frozen is not None:
        for layer in layers[: layers.index(frozen) + 1]:
            rates[layer] = 0
    return rates
""",
        mistakes=_RATES,
    ),
    Exercise(
        number="04.4",
        question="Two classifiers: A is more often right, B has the higher average precision.",
        check=_check_disagreement,
        hints=(
            "Adding 100 to all scores does not change their order, and so not the AP. What does it do to accuracy?",
            "B: a perfect order, with every score above 0. A: every sign right but one.",
            "Which single mistake harms the order most? A negative with the highest score of all.",
        ),
        solution="""
# Accuracy asks on which side of 0 a score is, AP only which of two scores is higher. TUNE-CLS moves scores to the
# right side of 0, TUNE-RNK positives above negatives: the second is what AP measures.
def two_classifiers(labels):
    a = 2.0 * labels - 1  # every sign is right ...
    a[labels.argmin()] = 10  # ... but that of one negative, which comes first
    b = labels + 1.0  # a perfect order, and "yes" to every picture
    return a, b
""",
    ),
    Exercise(
        number="04.5",
        question="How often a batch has no pair of a class, and TUNE-RNK learns nothing about it.",
        check=_check_without_pair,
        hints=(
            "A pair needs a positive and a negative. What are the two ways of having none?",
            "All B pictures are negatives with probability (1 - p)^B; what is it for all positives?",
        ),
        solution="""
# For p = 0.05 and B = 32: 19 %. Such a class adds 0 to the loss, and its w_c gets no gradient. TUNE-CLS still learns
# from its negatives.
def without_pair(p, B):
    return (1 - p) ** B + p**B
""",
        mistakes=_WITHOUT_PAIR,
    ),
)

check, hint, solution = commands(EXERCISES)
