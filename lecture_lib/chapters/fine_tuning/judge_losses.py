"""What 04.1 and 04.2 of 04_fine_tuning are checked with: two hinge losses, and mistakes that are made in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from lecture_lib.exercises.judging import Wrong, call, compare

# Slacks are at least 0.02 away from their kink, and the classes have 6, 5, 4 pictures that count.

_SCORES = torch.tensor(
    [
        [0.7, -0.45, 1.3],
        [-1.6, 0.35, -0.3],
        [0.4, 1.8, 0.15],
        [-0.2, -1.3, 0.6],
        [1.5, 0.9, -2.1],
        [-0.9, 0.5, 0.8],
    ]
)
_LABELS = torch.tensor(
    [[1, 0, 1], [0, -1, 0], [1, 1, -1], [0, 0, 1], [0, 1, 0], [1, 0, -1]], dtype=torch.int8
)
# The first class as others are; one that no picture shows, one that every picture shows, one only difficult.
_LONELY = torch.tensor([[1, 0, 1, -1], [0, 0, 1, -1], [0, -1, 1, -1]], dtype=torch.int8)
_LONELY_SCORES = torch.tensor([[0.3, -0.4, 0.9, 1.7], [0.6, 0.2, -0.8, 0.4], [-1.9, 0.6, 0.1, -0.7]])

_EMPTY = "NaN in a batch where a class has no {}: 0 / 0. Divide by at least 1"
_OVER_CLASSES = "it is a mean over classes; sum over them: each class is a problem of its own."


def check_classification(loss: Callable) -> None:
    """Check 04.1, TUNE-CLS."""
    _check_loss(loss, _classification, _SCORES, _LABELS, "the loss", _typical_classifications())
    slack = (1 - (2 * _LONELY - 1) * _LONELY_SCORES).relu() * (_LONELY >= 0)
    per_class = slack.sum(0) / (_LONELY >= 0).sum(0).clamp(min=1)
    typical = [
        (per_class[[0, 2]].sum(), "a class that no picture shows has negatives: they count."),
        (per_class[0], "no pair is needed here: positives count without negatives, and so do negatives."),
    ]
    what = "the loss of a batch with a class that is not there"
    _check_loss(loss, _classification, _LONELY_SCORES, _LONELY, what, typical, "picture that counts")


def check_ranking(loss: Callable) -> None:
    """Check 04.2, TUNE-RNK."""
    _check_loss(loss, _ranking, _SCORES, _LABELS, "the loss", _typical_rankings())
    what = "the loss of a batch with a class without a pair"
    _check_loss(loss, _ranking, _LONELY_SCORES, _LONELY, what, (), "pair")


def _check_loss(
    loss: Callable,
    right: Callable,
    scores: Tensor,
    labels: Tensor,
    what: str,
    typical: Iterable,
    lacking: str = "",
) -> None:
    """Compare a loss and its gradient with the right ones; a class of the batch may lack something."""
    x, x_right = scores.clone().requires_grad_(), scores.clone().requires_grad_()
    value, expected = call(loss, x, labels.clone()), right(x_right, labels)
    expected.backward()
    if not isinstance(value, Tensor):
        raise Wrong(f"it gives a {type(value).__name__}; only a torch.Tensor has gradients to train with.")
    if lacking and value.isnan().any():
        raise Wrong(f"it is {_EMPTY.format(lacking)}.")
    compare(value, expected, what, typical=typical)
    if not value.requires_grad:
        raise Wrong("the number is right, but no gradient leads back to the scores: stay with their tensor.")
    value.backward()
    if lacking and x.grad.isnan().any():
        raise Wrong(f"the number is right, but its gradient is {_EMPTY.format(lacking)}.")
    compare(x.grad, x_right.grad, f"the gradient of {what}")


def _classification(scores: Tensor, labels: Tensor) -> Tensor:
    counted = labels >= 0
    slack = (1 - (2 * labels - 1) * scores).relu() * counted
    return (slack.sum(0) / counted.sum(0).clamp(min=1)).sum()


def _typical_classifications() -> Iterator:
    s, counted, there = _SCORES, _LABELS >= 0, _LABELS == 1
    everything = torch.ones_like(counted)
    y = torch.where(there, 1, -1)
    slack = (1 - y * s).relu()
    for mistaken, reason in (
        ((1 + y * s).relu(), "a sign is wrong: the slack is 1 - y s, below 0 where s has the sign of y."),
        ((-y * s).relu(), "the margin, the 1 in the formula, is missing."),
        (1 - y * s, "slacks below 0 have to become 0: a picture beyond the margin costs nothing."),
        (slack**2, "the slack is squared; the hinge is linear."),
        ((1 - _LABELS * s).relu(), "it takes the labels for y; y is -1 where a class is absent, and not 0."),
        (slack * there, "only positives count; negatives have to be below -1."),
        (slack * ~there, "only negatives count; positives have to be above 1."),
    ):
        yield from _reduced(mistaken, counted, reason)
        yield from _reduced(mistaken, everything, reason)
    for mistaken, reason in (
        (slack, "difficult pictures (-1) count as negatives; they are neither."),
        (
            (1 - (2 * abs(_LABELS) - 1) * s).relu(),
            "difficult pictures (-1) count as positives; they are neither.",
        ),
        (
            (1 - (2 * _LABELS - 1) * s).relu(),
            "difficult pictures count: 2 * labels - 1 makes y = -3 of their -1.",
        ),
        (
            slack * counted,
            "difficult pictures are in the number to divide by; they do not count there either.",
        ),
    ):
        yield mistaken.mean(0).sum(), reason
        yield mistaken.mean(), reason
    per_class = (slack * counted).sum(0) / counted.sum(0)
    yield per_class.mean(), _OVER_CLASSES
    yield slack[counted].mean(), "it is one mean over everything; first a mean in each class, then their sum."
    for n in (1, s.shape[1]):
        yield (
            slack[counted].sum() / n,
            "it sums over pictures; take the mean over those of each class that count.",
        )
    yield per_class, "it has a number for each class; they are still to be summed."
    yield slack * counted, "it has a number for each picture and class; the means are still to be taken."


def _reduced(slack: Tensor, kept: Tensor, reason: str) -> Iterator:
    """Give a wrong slack [B, C] in every way that makes one number of those that are kept, bool [B, C]."""
    total = (slack * kept).sum(0)
    for per_class in (total / kept.sum(0), total / len(kept)):
        yield per_class.sum(), reason
        yield per_class.mean(), reason
    yield slack[kept].mean(), reason
    yield total.sum(), reason


def _ranking(scores: Tensor, labels: Tensor) -> Tensor:
    slacks = [_pairs(s, y == 1, y == 0).relu() for s, y in zip(scores.T, labels.T, strict=True)]
    return sum(slack.sum() / max(slack.numel(), 1) for slack in slacks)


def _pairs(scores: Tensor, positive: Tensor, negative: Tensor, margin: float = 1, sign: int = 1) -> Tensor:
    """The slack of each pair, before it is cut at 0: [P, N]."""
    return margin - sign * (scores[positive][:, None] - scores[negative])


def _typical_rankings() -> Iterator:
    classes = list(zip(_SCORES.T, _LABELS.T == 1, _LABELS.T == 0, strict=True))
    pictures = zip(_SCORES, _LABELS == 1, _LABELS == 0, strict=True)
    slacks = [_pairs(*c).relu() for c in classes]
    for mistaken, reason in (
        ([_pairs(*c, sign=-1).relu() for c in classes], "a sign is wrong: the slack is 1 - s_pos + s_neg."),
        ([_pairs(*c, margin=0).relu() for c in classes], "the margin, the 1 in the formula, is missing."),
        (
            [_pairs(*c) for c in classes],
            "slacks below 0 have to become 0: a pair beyond the margin costs nothing.",
        ),
        ([slack**2 for slack in slacks], "the slack is squared; the hinge is linear."),
        (
            [_pairs(s, p, ~p).relu() for s, p, _ in classes],
            "difficult pictures (-1) count as negatives in pairs.",
        ),
        (
            [_pairs(s, ~n, n).relu() for s, _, n in classes],
            "difficult pictures (-1) count as positives in pairs.",
        ),
        (
            [slack.max() for slack in slacks],
            "only the worst pair of each class counts; take the mean over all.",
        ),
        (
            [(1 - s[p].mean() + s[n].mean()).relu() for s, p, n in classes],
            "it takes the means of positives and negatives, and one pair of them; form all pairs.",
        ),
        (
            [_pairs(*p).relu() for p in pictures],
            "it ranks the classes of a picture; rank the pictures of a class.",
        ),
    ):
        means = torch.stack([m.mean() for m in mistaken if m.numel()])
        for value in (means.sum(), means.mean(), means.sum() / len(mistaken), *_pooled(mistaken)):
            yield value, reason
    violated = torch.stack([slack[slack > 0].mean() for slack in slacks])
    for value in (violated.sum(), violated.mean()):
        yield value, "it divides by the pairs with a slack; divide by all pairs."
    across = "it pairs positives of one class with negatives of another; each class has a ranking of its own."
    yield _pairs(_SCORES, _LABELS == 1, _LABELS == 0).relu().mean(), across
    mean, total = _pooled(slacks)
    yield mean, "it is one mean over the pairs of all classes; first a mean in each class, then their sum."
    for n in (1, 3, 6, 18, 36, 108):
        yield (
            total / n,
            "each class's sum is to be divided by the number of its pairs, positives times negatives.",
        )
    means = torch.stack([slack.mean() for slack in slacks])
    yield means.mean(), _OVER_CLASSES
    yield means, "it has a number for each class; they are still to be summed."


def _pooled(slacks: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The mean and the sum of all slacks, whatever their class."""
    everything = torch.cat([slack.flatten() for slack in slacks])
    return everything.mean(), everything.sum()
