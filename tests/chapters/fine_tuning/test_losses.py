"""The three losses of fine-tuning: against loops over pictures and pairs, by hand, and on batches with gaps."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lecture_lib.chapters.fine_tuning.losses import softmax, tune_cls, tune_rnk

LOSSES = [softmax, tune_cls, tune_rnk]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)


def draw(B=9, C=5, seed=0):
    """Scores float64 [B, C], and labels int8 [B, C] with gaps: class 0 absent, class 1 nowhere absent."""
    generator = torch.Generator().manual_seed(seed)
    scores = 1.5 * torch.randn(B, C, dtype=torch.float64, generator=generator)
    labels = torch.randint(-1, 2, (B, C), generator=generator)
    labels[:, 0] = labels[:, 0].clamp(max=0)
    labels[:, 1] = 2 * labels[:, 1].abs() - 1  # present or difficult
    return scores, labels.to(torch.int8)


def gradient(loss, scores, labels):
    """Value float [] and gradient [B, C] of a loss."""
    leaf = scores.clone().requires_grad_()
    value = loss(leaf, labels)
    assert value.shape == ()
    value.backward()
    return value.detach(), leaf.grad


# the same by loops


def softmax_by_loops(scores, labels):
    values = []
    for s, y in zip(scores, labels, strict=True):
        present = [c for c in range(len(s)) if y[c] == 1]
        total = sum(np.exp(s[c]) for c in range(len(s)) if y[c] >= 0)
        if present:
            values.append(-np.mean([np.log(np.exp(s[c]) / total) for c in present]))
    return np.mean(values) if values else 0.0


def tune_cls_by_loops(scores, labels):
    total = 0.0
    for s, y in zip(scores.T, labels.T, strict=True):
        slack = [max(0.0, 1 - s[i]) if y[i] == 1 else max(0.0, 1 + s[i]) for i in range(len(s)) if y[i] >= 0]
        total += np.mean(slack) if slack else 0.0
    return total


def tune_rnk_by_loops(scores, labels):
    total = 0.0
    for s, y in zip(scores.T, labels.T, strict=True):
        slack = []
        for i in range(len(s)):
            for j in range(len(s)):
                if y[i] == 1 and y[j] == 0:
                    slack.append(max(0.0, 1 - s[i] + s[j]))
        total += np.mean(slack) if slack else 0.0
    return total


BY_LOOPS = {softmax: softmax_by_loops, tune_cls: tune_cls_by_loops, tune_rnk: tune_rnk_by_loops}


@every_loss
@pytest.mark.parametrize("seed", range(3))
def test_several_classes_a_picture_as_by_loops(loss, seed):
    scores, labels = draw(seed=seed)
    assert float(loss(scores, labels)) == pytest.approx(
        BY_LOOPS[loss](scores.numpy(), labels.numpy()), abs=1e-12
    )


@every_loss
def test_one_class_a_picture_as_by_loops(loss):
    scores, _ = draw(B=11)
    labels = torch.randint(0, 4, (11,), generator=torch.Generator().manual_seed(1))  # class 4 is absent
    expected = BY_LOOPS[loss](scores.numpy(), F.one_hot(labels, 5).numpy())
    assert float(loss(scores, labels)) == pytest.approx(expected, abs=1e-12)
    assert torch.equal(loss(scores, labels), loss(scores, labels.int()))


# by hand


@pytest.mark.parametrize(
    ("loss", "scores", "labels", "value", "slope"),
    [
        # a margin kept, one missed on the right side, one on the wrong side; difficult; class 1 in one picture only
        (tune_cls, [[2.0, 9.0], [0.5, 9.0], [0.25, -3.0], [7.0, 9.0]], [[1, -1], [1, -1], [0, 0], [-1, -1]],
         (0 + 0.5 + 1.25) / 3 + 0, [[0, 0], [-1 / 3, 0], [1 / 3, 0], [0, 0]]),
        # class 0: positives 2 and 0.5, negatives 1.75 and -1: pairs 0.75, 0, 2.25, 0; class 1 has no pair
        (tune_rnk, [[2.0, 5.0], [0.5, 6.0], [1.75, 7.0], [-1.0, 8.0]], [[1, 0], [1, 0], [0, 0], [0, -1]],
         (0.75 + 0 + 2.25 + 0) / 4, [[-0.25, 0], [-0.25, 0], [0.5, 0], [0, 0]]),
        # two classes share the target; the difficult one is out of the sum; a picture without a class counts nothing
        (softmax, [[0.0, 0.0, 50.0], [1.0, 2.0, 3.0], [3.0, 3.0, 3.0]], [[1, 1, -1], [0, 0, 0], [0, 1, 0]],
         (np.log(2) + np.log(3)) / 2, [[0, 0, 0], [0, 0, 0], [1 / 6, -1 / 3, 1 / 6]]),
    ],
)  # fmt: skip
def test_value_and_gradient_by_hand(loss, scores, labels, value, slope):
    found, gradients = gradient(loss, torch.tensor(scores), torch.tensor(labels, dtype=torch.int8))
    assert float(found) == pytest.approx(value)
    torch.testing.assert_close(gradients, torch.tensor(slope, dtype=torch.float32))


# gradients


@every_loss
def test_gradients_are_those_of_finite_differences(loss):
    scores, labels = draw(B=7, C=5)
    kinks = [(1 - scores.abs()).abs(), (1 - (scores[:, None] - scores).abs()).abs()]
    assert min(float(distance.min()) for distance in kinks) > 1e-4  # a hinge has no slope at its kink
    assert torch.autograd.gradcheck(lambda s: loss(s, labels), scores.requires_grad_(), eps=1e-6, atol=1e-8)


# what must not matter


@every_loss
def test_difficult_scores_change_nothing(loss):
    scores, labels = draw(B=12)
    value, slope = gradient(loss, scores, labels)
    assert (labels < 0).sum() > 10
    assert not slope[labels < 0].any()
    for other in (-1e4, 1e4):
        changed, changed_slope = gradient(loss, scores.masked_fill(labels < 0, other), labels)
        assert torch.equal(changed, value)
        assert torch.equal(changed_slope, slope)


# batches with gaps


@every_loss
@pytest.mark.parametrize("C", [1, 4])
@pytest.mark.parametrize("B", [1, 6])
@pytest.mark.parametrize("kind", [-1, 0, 1])
def test_batches_of_one_kind_are_no_trouble(loss, kind, B, C):
    scores = torch.linspace(-0.9, 0.9, B * C + 1, dtype=torch.float64)[1:].view(B, C)
    labels = torch.full((B, C), kind, dtype=torch.int8)
    value, slope = gradient(loss, scores, labels)
    assert torch.isfinite(value)
    assert torch.isfinite(slope).all()
    nothing_to_learn = {softmax: kind < 1 or C == 1, tune_cls: kind < 0, tune_rnk: True}[loss]
    assert (float(value) == 0) == nothing_to_learn
    assert bool(slope.any()) != nothing_to_learn


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_large_scores_stay_finite(loss, dtype):
    scores, labels = draw(B=64, C=20)
    scores = (1e4 * scores.sign()).to(dtype)  # 64 slacks of 2e4 are more than float16 holds
    value, slope = gradient(loss, scores, labels)
    expected = BY_LOOPS[loss](scores.double().numpy(), labels.numpy()) if loss is not softmax else None
    assert torch.isfinite(value)
    assert torch.isfinite(slope).all()
    assert slope.any()
    if expected:
        assert float(value) == pytest.approx(expected, rel=1e-5)


# what does not fit


@pytest.mark.parametrize(
    ("scores", "labels"), [([4], [4]), ([4, 3], [3]), ([4, 3], [4, 1]), ([4, 3], [4, 3, 1])]
)
def test_shapes_that_do_not_fit_are_named(scores, labels):
    with pytest.raises(ValueError, match=r"Scores \[.*\] for labels \[.*\]; give"):
        tune_cls(torch.zeros(scores), torch.zeros(labels, dtype=torch.int8))


@pytest.mark.parametrize("labels", [[0, 1, 3], [-1, 0, 1]])
def test_labels_of_no_class_are_named(labels):
    with pytest.raises(ValueError, match=f"Labels {min(labels)} to {max(labels)} for 3 classes"):
        tune_rnk(torch.zeros(3, 3), torch.tensor(labels))
