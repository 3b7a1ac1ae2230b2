"""The exercises of 04_fine_tuning."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from lecture_lib.chapters.fine_tuning.more_exercises import QUESTIONS, REPORTED, WITHOUT_PAIR
from lecture_lib.exercises.comparing import crossed, finite, unpack
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong
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


_ONLY_GRADIENT = "the number is right, but its gradient is"
_SIGN, _MARGIN = "a sign is wrong: the slack is", "the margin, the 1 in the formula, is missing."
_SQUARED = "the slack is squared; the hinge is linear."
_OVER_CLASSES = "it is a mean over classes; sum over them: each class is a problem of its own."
_NO_PICTURE, _NO_PAIR = (
    f"NaN in a batch where a class has no {what}: 0 / 0. Divide by at least 1."
    for what in ("picture that counts", "pair")
)

# Wrong slacks, in every way to make one number of them.
_Y, _MEAN = "torch.where(labels == 1, 1, -1)", "(slack.sum(0) / counted.sum(0))"
_CLS = "(slack.sum(0) / counted.sum(0).clamp(min=1))"
_EVERYTHING = "slack.mean(0).sum() | slack.mean()"
_REDUCED = f"{_MEAN}.sum() | {_MEAN}.mean() | slack.sum() / counted.sum() | slack.sum() | {_EVERYTHING}"
_WITH_DIFFICULT = (
    "* counted -> ; slack.mean(0).sum() | * counted -> ; slack.mean() | * counted -> ; slack.sum()"
)
_SLACKS = {
    f"{_SIGN} 1 - y s, below 0 where s has the sign of y.": "1 - y -> 1 + y",
    _MARGIN: "(1 - y -> (-y",
    "slacks below 0 have to become 0: a picture beyond the margin costs nothing.": ").clamp(min=0) -> )",
    _SQUARED: "clamp(min=0) -> clamp(min=0).square()",
    "it takes the labels for y; y is -1 where a class is absent, and not 0.": f"{_Y} -> labels",
    "only positives count; negatives have to be below -1.": "* counted -> * (labels == 1) * counted",
    "only negatives count; positives have to be above 1.": "* counted -> * (labels != 1) * counted",
}
_DIFFICULT = {
    "difficult pictures (-1) count as negatives; they are neither.": "* counted -> ",
    "difficult pictures (-1) count as positives; they are neither.": f"{_Y} -> 2 * labels.abs() - 1; * counted -> ",
    "difficult pictures count: 2 * labels - 1 makes y = -3 of their -1.": f"{_Y} -> 2 * labels - 1; * counted -> ",
    "difficult pictures are in the number to divide by; they do not count there either.": "counted -> counted",
}

CLASSIFICATION_HINGE = Exercise(
    number="04.1",
    question="TUNE-CLS, the one-vs-rest classification hinge loss of a batch.",
    hints=(
        "y = torch.where(labels == 1, 1, -1) has a sign for each picture and class; labels >= 0 is what counts.",
        "(1 - y * scores).clamp(min=0) is [B, C]; times (labels >= 0), slacks that do not count are 0.",
        "Divide .sum(0) by (labels >= 0).sum(0).clamp(min=1), then sum over classes.",
    ),
    solution="""
def classification_hinge(scores, labels):
    counted = labels >= 0
    y = torch.where(labels == 1, 1, -1)
    slack = (1 - y * scores).clamp(min=0) * counted
    return (slack.sum(0) / counted.sum(0).clamp(min=1)).sum()
""",
    mistakes={
        f"{_ONLY_GRADIENT} {_NO_PICTURE}": f"torch.where(counted.any(0), {_MEAN}, 0).sum()",
        f"it is {_NO_PICTURE}": ".clamp(min=1) -> ",
        "a class that no picture shows has negatives: they count.": f"({_CLS} * (labels == 1).any(0)).sum()",
        "no pair is needed here: positives count without negatives, and so do negatives.": (
            f"({_CLS} * (labels == 1).any(0) * (labels == 0).any(0)).sum()"
        ),
        **crossed(_SLACKS, f"{_REDUCED} | {_WITH_DIFFICULT}"),
        **crossed(_DIFFICULT, _EVERYTHING),
        _OVER_CLASSES: f"{_MEAN}.mean()",
        "it is one mean over everything; first a mean in each class, then their sum.": "slack.sum() / counted.sum()",
        "it sums over pictures; take the mean over each class's that count.": "slack.sum() | slack.sum(0).mean()",
        "it has a number for each class; they are still to be summed.": _MEAN,
        "it has a number for each picture and class; the means are still to be taken.": "slack",
    },
    tries=(("", _SCORES, _LABELS), (" of a batch with a class that is not there", *_LONELY)),
    parts=_loss_and_gradient,
)

# Likewise, with the slacks of pairs.
_OF_CLASS = "slack.sum() / max(slack.numel(), 1)"
_PAIR, _SLACK = "(labels == 1)[:, None] & (labels == 0)", "(1 - scores[:, None] + scores).relu()"
_TOTAL = f"{_OF_CLASS} -> slack.sum(); total"
_POOLED = f"{_OF_CLASS} -> slack.new_tensor([slack.sum(), slack.numel()]); total[0] / total[1]"
_MEANS = "total | total / scores.shape[1]"
_PAIRS = {
    f"{_SIGN} 1 - s_pos + s_neg.": "1 - s[y == 1][:, None] + s -> 1 + s[y == 1][:, None] - s",
    _MARGIN: "1 - s -> -s",
    "slacks below 0 have to become 0: a pair beyond the margin costs nothing.": ").clamp(min=0) -> )",
    _SQUARED: "clamp(min=0) -> clamp(min=0).square()",
    "difficult pictures (-1) count as negatives in pairs.": "y == 0 -> y != 1",
    "difficult pictures (-1) count as positives in pairs.": "y == 1 -> y != 0",
    "only the worst pair of each class counts; take the mean over all.": "clamp(min=0) -> clamp(min=0).max()",
    "it forms one pair, of their means; form all pairs.": "1][:, None] -> 1].mean(); 0] -> 0].mean()",
}
_RANKED = {"it ranks the classes of a picture; rank the pictures of a class.": ".T -> "}
_WITH_A_SLACK = {
    "it divides by the pairs with a slack; divide by all pairs.": "slack.numel() -> (slack > 0).sum()"
}

RANKING_HINGE = Exercise(
    number="04.2",
    question="TUNE-RNK, the ranking hinge loss of a batch.",
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
    mistakes={
        f"{_ONLY_GRADIENT} {_NO_PAIR}": (
            f"torch.where(({_PAIR}).any(0).any(0), ({_SLACK} * ({_PAIR})).sum((0, 1)) / ({_PAIR}).sum((0, 1)), 0).sum()"
        ),
        f"it is {_NO_PAIR}": f"{_OF_CLASS} -> slack.mean()",
        **crossed(_PAIRS, f"{_MEANS} | {_TOTAL} | {_POOLED}"),
        # 4 of the pictures have a pair
        **crossed(_RANKED, f"{_MEANS} | {_TOTAL} | {_POOLED} | total / len(scores) | total / 4"),
        **crossed(_WITH_A_SLACK, _MEANS),
        "it pairs positives of one class with negatives of another; each class has a ranking of its own.": (
            "(1 - scores[labels == 1][:, None] + scores[labels == 0]).relu().mean()"
        ),
        "it is one mean over the pairs of all classes; first a mean in each class, then their sum.": _POOLED,
        "each class's sum is to be divided by the number of its pairs, positives times negatives.": (
            " | ".join(f"{_TOTAL} / {n}" for n in (1, 3, 6, 18, 36, 108))
        ),
        _OVER_CLASSES: "total / scores.shape[1]",
        "it has a number for each class; they are still to be summed.": (
            f"total = 0 -> total = []; total = total + {_OF_CLASS} -> total.append({_OF_CLASS}); "
            "scores.new_tensor(total)"
        ),
    },
    tries=(("", _SCORES, _LABELS), (" of a batch with a class without a pair", *_LONELY)),
    parts=_loss_and_gradient,
)

_LAYERS = ("conv1", "conv2", "conv3", "fc6", "fc7", "head")
_FEW = ("conv1", "fc2", "head")
_FROZEN = "layers[: layers.index(frozen) + 1]"


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
    number="04.3",
    question="Learning rates that fall from the new head down to the pictures, and frozen layers.",
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
    mistakes={
        "the head is new: it learns at lr itself, not at ratio x lr.": (
            "layers[-1]: lr -> layers[-1]: lr * ratio; rate = lr * ratio -> rate = lr * ratio**2"
        ),
        "decay is missing: each layer learns at decay times the rate above it.": "rate * decay -> rate",
        "ratio is missing: the layer before the head learns at ratio x lr.": "* ratio -> * 1 | * ratio -> * decay",
        "decay begins one layer too high: that before the head learns at ratio x lr.": "* ratio -> * ratio * decay",
        "it divides by ratio; multiply with it.": "lr * ratio -> lr / ratio",
        "it divides by decay; multiply with it.": "rate * decay -> rate / decay",
        "the first layer learns fastest; rates fall from the head down to the pictures.": "[-2::-1] -> [:-1]",
        "the order is upside down: the last layer is the head.": "{layers[-1] -> {layers[0]; [-2::-1] -> [1:]",
        "frozen names the last layer that is frozen: it is frozen itself, too.": "(frozen) + 1 -> (frozen)",
        "all layers before the one that frozen names are frozen, too.": f"{_FROZEN} -> [frozen]",
        "the layers up to the one that frozen names are frozen, those after it learn.": (
            f"{_FROZEN} -> layers[layers.index(frozen) + 1 : -1] | {_FROZEN} -> layers[layers.index(frozen) :]"
        ),
        "frozen layers have rate 0.": "rates[layer] = 0 -> pass",
    },
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


TWO_CLASSIFIERS = Exercise(
    number="04.4",
    question="Two classifiers: A is more often right, B has the higher average precision.",
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
    check=_check_disagreement,
)

EXERCISES = (
    *(CLASSIFICATION_HINGE, RANKING_HINGE, LEARNING_RATES, TWO_CLASSIFIERS),
    *(WITHOUT_PAIR, REPORTED, QUESTIONS),
)

check, hint, solution = commands(EXERCISES)
