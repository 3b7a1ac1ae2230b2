"""Three losses of the scores s_c = w_c . phi(I) + b_c (Chatfield et al. 2014, section 3.3; softmax for comparison).

All take float [B, C] scores of a batch of B pictures and their labels: int64 [B], one class a picture, or int8
[B, C] as in VOC, where a picture can show several: 1 present, 0 absent, -1 only as `difficult` objects, which count
neither as positive nor as negative. All return one number, float [], and have finite gradients for every batch, also
for one without a positive. Half precision is summed up in float32.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def softmax(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy between softmax of scores [B, C] and the classes present, a mean over pictures.

    A picture of several classes shares its target equally among them; a class that is only `difficult` in it is left
    out of its softmax, and a picture without a class present is left out of the mean.
    """
    scores, labels = _one_column_a_class(scores, labels)
    log_p = scores.masked_fill(labels < 0, -torch.inf).log_softmax(1)
    i, c = (labels == 1).nonzero(as_tuple=True)
    present = (labels == 1).sum(1)
    return -(log_p[i, c] / present[i]).sum() / (present > 0).sum().clamp(min=1)


def tune_cls(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the one-vs-rest hinge loss of scores [B, C]: a mean over the pictures of each class, summed over classes.

    w_c . phi(I_pos) > 1 - xi and w_c . phi(I_neg) < -1 + xi, so a picture's slack is xi = max(0, 1 - y s_c), with
    y = 1 where class c is present and -1 where it is absent. A class without a picture in the batch adds 0.
    """
    scores, labels = _one_column_a_class(scores, labels)
    counted = labels >= 0
    slack = F.relu(1 - (2 * labels - 1) * scores) * counted
    return (slack.sum(0) / counted.sum(0).clamp(min=1)).sum()


def tune_rnk(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the ranking hinge loss of scores [B, C]: a mean over the pairs of each class, summed over classes.

    w_c . phi(I_pos) > w_c . phi(I_neg) + 1 - xi, so a pair's slack is xi = max(0, 1 - s_c(I_pos) + s_c(I_neg)), for
    every picture of the batch that shows class c with every one that does not. A class without a pair adds 0.
    """
    scores, labels = _one_column_a_class(scores, labels)
    # P positives, picture i[p] of class c[p], each against all B pictures
    i, c = (labels == 1).nonzero(as_tuple=True)
    negative = (labels == 0).T[c]
    slack = F.relu(1 - scores[i, c][:, None] + scores.T[c]) * negative
    pairs = (labels == 1).sum(0) * (labels == 0).sum(0)
    return (slack.sum(1) / pairs[c].clamp(min=1)).sum()


def _one_column_a_class(scores: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Bring labels to [B, C] and scores to float32 at least; raise ValueError where they do not belong together."""
    if scores.ndim != 2 or labels.shape not in (scores.shape, scores.shape[:1]):
        raise ValueError(
            f"Scores {list(scores.shape)} for labels {list(labels.shape)}; give [B, C] and [B], or [B, C]."
        )
    if labels.ndim == 1:
        if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < scores.shape[1]:
            raise ValueError(
                f"Labels {int(labels.min())} to {int(labels.max())} for {scores.shape[1]} classes."
            )
        labels = F.one_hot(labels.long(), scores.shape[1])
    # the sums of a batch are more than float16 holds, and than bfloat16 tells apart
    return scores.to(torch.promote_types(scores.dtype, torch.float32)), labels
