"""The first two exercises of 04: the losses TUNE-CLS and TUNE-RNK, whose gradients are judged, too."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from lecture_lib.exercises.judging import Exercise
from lecture_lib.exercises.running import Wrong

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

_Y, _MEAN = "torch.where(labels == 1, 1, -1)", "(slack.sum(0) / counted.sum(0))"
_CLS = "(slack.sum(0) / counted.sum(0).clamp(min=1))"
_OF_EVERY = "* counted -> ; slack.mean(0).sum()"  # difficult pictures count as others do

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
        f"{_SIGN} 1 - y s, below 0 where s has the sign of y.": "1 - y -> 1 + y",
        _MARGIN: "(1 - y -> (-y",
        "slacks below 0 have to become 0: a picture beyond the margin costs nothing.": ").clamp(min=0) -> )",
        _SQUARED: "clamp(min=0) -> clamp(min=0).square()",
        "it takes the labels for y; y is -1 where a class is absent, and not 0.": f"{_Y} -> labels",
        "only positives count; negatives have to be below -1.": "* counted -> * (labels == 1)",
        "only negatives count; positives have to be above 1.": "* counted -> * (labels == 0)",
        "difficult pictures (-1) count as negatives; they are neither.": f"{_OF_EVERY} | * counted -> ",
        "difficult pictures (-1) count as positives; they are neither.": (
            f"{_Y} -> 2 * labels.abs() - 1; {_OF_EVERY}"
        ),
        "difficult pictures count: 2 * labels - 1 makes y = -3 of their -1.": f"{_Y} -> 2 * labels - 1; {_OF_EVERY}",
        "difficult pictures are in the number to divide by; they do not count there either.": "slack.mean(0).sum()",
        _OVER_CLASSES: f"{_MEAN}.mean()",
        "it is one mean over everything; first a mean in each class, then their sum.": "slack.sum() / counted.sum()",
        "it sums over pictures; take the mean over each class's that count.": "slack.sum()",
        "it has a number for each class; they are still to be summed.": _MEAN,
        "it has a number for each picture and class; the means are still to be taken.": "slack",
    },
    tries=(("", _SCORES, _LABELS), (" of a batch with a class that is not there", *_LONELY)),
    parts=_loss_and_gradient,
)

_OF_CLASS = "slack.sum() / max(slack.numel(), 1)"
_TOTAL = f"{_OF_CLASS} -> slack.sum(); total"
_PAIR, _SLACK = "(labels == 1)[:, None] & (labels == 0)", "(1 - scores[:, None] + scores).relu()"

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
        f"{_SIGN} 1 - s_pos + s_neg.": "1 - s[y == 1][:, None] + s -> 1 + s[y == 1][:, None] - s",
        _MARGIN: "1 - s -> -s",
        "slacks below 0 have to become 0: a pair beyond the margin costs nothing.": ").clamp(min=0) -> )",
        _SQUARED: "clamp(min=0) -> clamp(min=0).square()",
        "difficult pictures (-1) count as negatives in pairs.": "y == 0 -> y != 1",
        "difficult pictures (-1) count as positives in pairs.": "y == 1 -> y != 0",
        "only the worst pair of each class counts; take the mean over all.": f"{_OF_CLASS} -> slack.max()",
        "it forms one pair, of their means; form all pairs.": "1][:, None] -> 1].mean(); 0] -> 0].mean()",
        "it ranks the classes of a picture; rank the pictures of a class.": ".T -> ",
        "it divides by the pairs with a slack; divide by all pairs.": "slack.numel() -> (slack > 0).sum()",
        "it pairs positives of one class with negatives of another; each class has a ranking of its own.": (
            "(1 - scores[labels == 1][:, None] + scores[labels == 0]).relu().mean()"
        ),
        "it is one mean over the pairs of all classes; first a mean in each class, then their sum.": (
            f"{_OF_CLASS} -> slack.new_tensor([slack.sum(), slack.numel()]); total[0] / total[1]"
        ),
        "each class's sum is to be divided by the number of its pairs, positives times negatives.": (
            f"{_TOTAL} | {_TOTAL} / len(scores)"
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
