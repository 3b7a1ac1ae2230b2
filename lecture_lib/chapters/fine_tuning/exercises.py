"""The exercises of 04_fine_tuning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lecture_lib.chapters.fine_tuning.judge_losses import check_classification, check_ranking
from lecture_lib.exercises.judging import Exercise, NotTried, Wrong, call, compare, numbers
from lecture_lib.metrics import average_precision

# 04.3

_TAPS = ("conv1", "conv2", "conv3", "fc6", "fc7", "head")


def _check_rates(learning_rates: Callable) -> None:
    for taps, frozen in (
        (_TAPS, None),
        (_TAPS, "conv2"),
        (_TAPS, "fc7"),
        (("conv1", "fc2", "head"), "conv1"),
    ):
        rates = call(learning_rates, taps, 0.1, 0.2, 0.5, frozen)
        case = f"with taps={taps}, lr=0.1, ratio=0.2, decay=0.5, frozen={frozen!r}"
        if not isinstance(rates, dict):
            raise Wrong(f"it gives a {type(rates).__name__}; it should give a dict, tap -> learning rate.")
        if any(rate is ... for rate in rates.values()):
            raise NotTried(": there is still a ... to replace")
        if missing := [tap for tap in taps if tap not in rates]:
            raise Wrong(f"there is no rate for {missing[0]}, {case}; frozen layers have rate 0.")
        if more := [tap for tap in rates if tap not in taps]:
            raise Wrong(f"there is a rate for {more[0]!r}, which is none of the taps, {case}.")
        found, right = [rates[tap] for tap in taps], _rates(taps, frozen)
        compare(found, right, f"the rate, {case},", typical=_typical_rates(taps, frozen))


def _rates(taps: tuple[str, ...], frozen: str | None, below: float = 0.02, decay: float = 0.5) -> np.ndarray:
    depth = np.arange(len(taps))[::-1]  # 0 is the head
    rates = np.where(depth == 0, 0.1, below * decay ** (depth - 1.0))
    return rates * (np.arange(len(taps)) > (taps.index(frozen) if frozen else -1))


def _typical_rates(taps: tuple[str, ...], frozen: str | None) -> Iterator:
    free, right = _rates(taps, None), _rates(taps, frozen)
    learning = right > 0
    last = taps.index(frozen) if frozen else -1
    index = np.arange(len(taps))
    yield right * 0.2, "the head is new: it learns at lr itself, not at ratio x lr."
    yield (
        _rates(taps, frozen, 0.02, 1),
        "decay is missing: each layer learns at decay times the rate above it.",
    )
    yield _rates(taps, frozen, 0.1), "ratio is missing: the last layer before the head learns at ratio x lr."
    yield _rates(taps, frozen, 0.05), "ratio is missing: the last layer before the head learns at ratio x lr."
    yield (
        _rates(taps, frozen, 0.01),
        "decay begins one layer too high: the layer before the head learns at ratio x lr.",
    )
    yield _rates(taps, frozen, 0.1 / 0.2), "it divides by ratio; multiply with it."
    yield _rates(taps, frozen, 0.02, 2), "it divides by decay; multiply with it."
    upside_down = np.append(free[:-1][::-1], 0.1) * learning
    yield upside_down, "the first layer learns fastest; rates fall from the head down to the pictures."
    yield free[::-1] * learning, "the order is upside down: the last tap is the head."
    yield free * (index >= last), f"{frozen} itself is frozen, too."
    yield free * (index != last), f"all layers before {frozen} are frozen, too."
    yield (
        free * ((index <= last) | (index == index[-1])),
        f"the layers up to {frozen} are frozen, those after it learn.",
    )
    yield free * (index < last), f"the layers up to {frozen} are frozen, those after it learn."
    yield free, "frozen layers have rate 0."


# 04.4


def _check_disagreement(two_classifiers: Callable) -> None:
    for n, positives, case in ((10, 2, "2 of 10"), (8, 4, "4 of 8")):
        labels = np.repeat([1, 0], [positives, n - positives])
        case = f"where {case} pictures show the class"
        try:
            a, b = (numbers(_tried(scores)) for scores in call(two_classifiers, labels))
        except (TypeError, ValueError):
            raise Wrong("it should give two lists of numbers: the scores of A, the scores of B.") from None
        for scores, name in ((a, "A"), (b, "B")):
            if scores.shape != (n,):
                raise Wrong(
                    f"the scores of {name} have shape {list(scores.shape)}; there are {n} pictures, [{n}]."
                )
            if not np.isfinite(scores).all():
                raise Wrong(f"the scores of {name} contain {scores[~np.isfinite(scores)][0]}.")
        right_a, right_b = (int(((scores > 0) == labels).sum()) for scores in (a, b))
        ap_a, ap_b = (average_precision(scores, labels) for scores in (a, b))
        if right_a < right_b and ap_a > ap_b:
            raise Wrong(f"the two are exchanged {case}: A should be the one of higher accuracy and lower AP.")
        if right_a <= right_b:
            raise Wrong(
                f"{case}, A is right {right_a} times of {n} and B {right_b} times; A should be more often."
            )
        if ap_a >= ap_b:
            raise Wrong(
                f"{case}, A has an AP of {ap_a:.3f} and B of {ap_b:.3f}; that of A should be lower. Only the order "
                "of the scores counts for it."
            )


def _tried(value: Any) -> Any:
    if value is ...:
        raise NotTried(": there is still a ... to replace")
    return value


# 04.5


def _check_without_pair(without_pair: Callable) -> None:
    for p, batch in ((0.9, 4), (0.05, 32), (0.3, 1)):
        none, all_ = (1 - p) ** batch, p**batch
        typical = (
            (none, "a batch in which every picture shows the class has no pair either."),
            (all_, "that is a batch full of positives; one without any has no pair either."),
            (1 - none - all_, "that is the probability of a pair."),
            (1 - none, "that is the probability of a positive."),
            (
                none * all_,
                "no batch is without positives and without negatives at once; add the two probabilities.",
            ),
            ((1 - p) * batch, "probabilities of independent pictures are multiplied, not added."),
            (1 - p * batch, "probabilities of independent pictures are multiplied, not added."),
        )
        compare(
            call(without_pair, p, batch),
            none + all_,
            f"the probability for p = {p}, B = {batch}",
            typical=typical,
        )


EXERCISES = (
    Exercise(
        number="04.1",
        question="TUNE-CLS, the one-vs-rest classification hinge loss of a batch.",
        answer="classification_hinge",
        check=check_classification,
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
    ),
    Exercise(
        number="04.2",
        question="TUNE-RNK, the ranking hinge loss of a batch.",
        answer="ranking_hinge",
        check=check_ranking,
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
    ),
    Exercise(
        number="04.3",
        question="Learning rates that fall from the new head down to the pictures, and frozen layers.",
        answer="learning_rates",
        check=_check_rates,
        hints=(
            "Count layers down from the head: taps[::-1] has the head first, enumerate numbers it 0.",
            "Layer k = 1, 2, ... below the head has lr * ratio * decay ** (k - 1).",
            "taps.index(frozen) is where the last frozen layer is; at and before it, the rate is 0.",
        ),
        solution="""
# The head is random and has to go a long way: lr. Below it a large step would destroy what was learned before: ratio.
# The lower a layer, the more general it is (edges and colours serve every task), and the less it has to move: decay.
def learning_rates(taps, lr, ratio, decay, frozen=None):
    rates = {taps[-1]: lr}
    rate = lr * ratio
    for tap in taps[-2::-1]:
        rates[tap] = rate
        rate = rate * decay
    if frozen is not None:
        for tap in taps[: taps.index(frozen) + 1]:
            rates[tap] = 0
    return rates
""",
    ),
    Exercise(
        number="04.4",
        question="Two classifiers: A is more often right, B has the higher average precision.",
        answer="two_classifiers",
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
        answer="without_pair",
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
    ),
)
