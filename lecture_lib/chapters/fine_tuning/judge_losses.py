"""What 04.1 and 04.2 of 04_fine_tuning are checked with: two hinge losses, and mistakes that are made in them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lecture_lib.exercises.comparing import Reference, compare, refuse
from lecture_lib.exercises.running import Wrong

# Slacks are at least 0.02 away from their kink, and the classes have 6, 5, 4 pictures that count.

_SCORES = torch.tensor(
    [[0.7, -1.6, 0.4, -0.2, 1.5, -0.9], [-0.45, 0.35, 1.8, -1.3, 0.9, 0.5], [1.3, -0.3, 0.15, 0.6, -2.1, 0.8]]
).T
_LABELS = torch.tensor([[1, 0, 1, 0, 0, 1], [0, -1, 1, 0, 1, 0], [1, 0, -1, 1, 0, -1]], dtype=torch.int8).T
# The first class as others are; one that no picture shows, one that every picture shows, one only difficult.
_LONELY = torch.tensor([[1, 0, 1, -1], [0, 0, 1, -1], [0, -1, 1, -1]], dtype=torch.int8)
_LONELY_SCORES = torch.tensor([[0.3, -0.4, 0.9, 1.7], [0.6, 0.2, -0.8, 0.4], [-1.9, 0.6, 0.1, -0.7]])

_SIGN, _MARGIN = "a sign is wrong: the slack is", "the margin, the 1 in the formula, is missing."
_SQUARED = "the slack is squared; the hinge is linear."
_OVER_CLASSES = "it is a mean over classes; sum over them: each class is a problem of its own."

# 04.1: wrong slacks, in every way to make one number of them; then right ones.

_Y, _MEAN = "torch.where(labels == 1, 1, -1)", "(slack.sum(0) / counted.sum(0))"
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
    "difficult pictures (-1) count as negatives; they are neither.": "* counted -> * 1",
    "difficult pictures (-1) count as positives; they are neither.": (
        f"{_Y} -> 2 * labels.abs() - 1; * counted -> * 1"
    ),
    "difficult pictures count: 2 * labels - 1 makes y = -3 of their -1.": (
        f"{_Y} -> 2 * labels - 1; * counted -> * 1"
    ),
    "difficult pictures are in the number to divide by; they do not count there either.": "* counted -> * counted",
}
_EVERYTHING = ("slack.mean(0).sum()", "slack.mean()")
CLASSIFICATION = {
    **{
        reason: tuple(
            f"{change}; {reduced}"
            for reduced in (
                *(f"{_MEAN}.sum()", f"{_MEAN}.mean()", "slack.sum() / counted.sum()", "slack.sum()"),
                *_EVERYTHING,
                *(f"* counted -> * 1; {reduced}" for reduced in (*_EVERYTHING, "slack.sum()")),
            )
        )
        for reason, change in _SLACKS.items()
    },
    **{reason: tuple(f"{change}; {r}" for r in _EVERYTHING) for reason, change in _DIFFICULT.items()},
    _OVER_CLASSES: f"{_MEAN}.mean()",
    "it is one mean over everything; first a mean in each class, then their sum.": "slack.sum() / counted.sum()",
    "it sums over pictures; take the mean over those of each class that count.": (
        "slack.sum()",
        "slack.sum(0).mean()",
    ),
    "it has a number for each class; they are still to be summed.": _MEAN,
    "it has a number for each picture and class; the means are still to be taken.": "slack",
}

# 04.2: likewise, with the slacks of pairs.

_OF_CLASS = "slack.sum() / max(slack.numel(), 1)"
_TOTAL, _POOLED = (
    f"{_OF_CLASS} -> slack.sum()",
    f"{_OF_CLASS} -> slack.new_tensor([slack.sum(), slack.numel()])",
)
_PAIRS = {
    f"{_SIGN} 1 - s_pos + s_neg.": "1 - s[y == 1][:, None] + s -> 1 + s[y == 1][:, None] - s",
    _MARGIN: "1 - s -> -s",
    "slacks below 0 have to become 0: a pair beyond the margin costs nothing.": ").clamp(min=0) -> )",
    _SQUARED: "clamp(min=0) -> clamp(min=0).square()",
    "difficult pictures (-1) count as negatives in pairs.": "y == 0 -> y != 1",
    "difficult pictures (-1) count as positives in pairs.": "y == 1 -> y != 0",
    "only the worst pair of each class counts; take the mean over all.": "clamp(min=0) -> clamp(min=0).max()",
    "it takes the means of positives and negatives, and one pair of them; form all pairs.": (
        "[y == 1][:, None] -> [y == 1].mean(); [y == 0] -> [y == 0].mean()"
    ),
}
_REDUCED = ("total", "total / scores.shape[1]", f"{_TOTAL}; total", f"{_POOLED}; total[0] / total[1]")
RANKING = {
    **{reason: tuple(f"{change}; {reduced}" for reduced in _REDUCED) for reason, change in _PAIRS.items()},
    "it ranks the classes of a picture; rank the pictures of a class.": tuple(
        f"zip(scores.T, labels.T) -> zip(scores, labels); {reduced}"
        for reduced in (*_REDUCED, "total / len(scores)", "total / 4")  # 4 of the pictures have a pair
    ),
    "it divides by the pairs with a slack; divide by all pairs.": tuple(
        f"max(slack.numel(), 1) -> (slack > 0).sum(); {reduced}"
        for reduced in ("total", "total / scores.shape[1]")
    ),
    "it pairs positives of one class with negatives of another; each class has a ranking of its own.": (
        "(1 - scores[labels == 1][:, None] + scores[labels == 0]).relu().mean()"
    ),
    "it is one mean over the pairs of all classes; first a mean in each class, then their sum.": (
        f"{_POOLED}; total[0] / total[1]"
    ),
    "each class's sum is to be divided by the number of its pairs, positives times negatives.": tuple(
        f"{_TOTAL}; total / {n}" for n in (1, 3, 6, 18, 36, 108)
    ),
    _OVER_CLASSES: "total / scores.shape[1]",
    "it has a number for each class; they are still to be summed.": (
        f"total = 0 -> total = []; total = total + {_OF_CLASS} -> total.append({_OF_CLASS}); scores.new_tensor(total)"
    ),
}


def check_classification(loss: Callable, right: Reference) -> None:
    """Check 04.1, TUNE-CLS."""
    _check_loss(loss, right, _SCORES, _LABELS, "the loss")
    first, everywhere = (right(_LONELY_SCORES[:, [c]], _LONELY[:, [c]]) for c in (0, 2))
    typical = {
        "a class that no picture shows has negatives: they count.": first + everywhere,
        "no pair is needed here: positives count without negatives, and so do negatives.": first,
    }
    refuse(loss(_LONELY_SCORES, _LONELY), typical)
    what = "the loss of a batch with a class that is not there"
    _check_loss(loss, right, _LONELY_SCORES, _LONELY, what, "picture that counts")


def check_ranking(loss: Callable, right: Reference) -> None:
    """Check 04.2, TUNE-RNK."""
    _check_loss(loss, right, _SCORES, _LABELS, "the loss")
    _check_loss(
        loss, right, _LONELY_SCORES, _LONELY, "the loss of a batch with a class without a pair", "pair"
    )


def _check_loss(
    loss: Callable, right: Reference, scores: Tensor, labels: Tensor, what: str, lacking: str = ""
) -> None:
    """Compare a loss and its gradient with the right ones; a class of the batch may lack something."""
    x, x_right = scores.clone().requires_grad_(), scores.clone().requires_grad_()
    value = loss(x, labels)
    right(x_right, labels).backward()
    if not isinstance(value, Tensor):
        raise Wrong(f"it gives a {type(value).__name__}; only a torch.Tensor has gradients to train with.")
    if value.dtype != scores.dtype:
        raise Wrong(f"the result is {value.dtype}, the scores are {scores.dtype}; stay with their type.")
    empty = f"NaN in a batch where a class has no {lacking}: 0 / 0. Divide by at least 1."
    if lacking and value.isnan().any():
        raise Wrong(f"it is {empty}")
    right.compare(value, what, scores, labels)
    if not value.requires_grad:
        raise Wrong("the number is right, but no gradient leads back to the scores: stay with their tensor.")
    value.backward()
    if lacking and x.grad.isnan().any():
        raise Wrong(f"the number is right, but its gradient is {empty}")
    compare(x.grad, x_right.grad, f"the gradient of {what}")
