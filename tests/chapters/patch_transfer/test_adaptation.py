"""FCa and FCb on phi: which patches they learn from, and training against gradients written out by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lecture_lib.chapters.patch_transfer import adaptation
from lecture_lib.chapters.patch_transfer.adaptation import (
    RECIPE,
    adaptation_layers,
    probabilities,
    resample,
    train,
)
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS

PLAIN = replace(RECIPE, epochs=6, schedule=(2, 4), lr=0.1, batch=64, dropout=0.0, weight_decay=0.01, seed=3)


@pytest.fixture(autouse=True)
def few_units(monkeypatch):
    monkeypatch.setattr(adaptation, "HIDDEN", 32)


def clouds(n=300, classes=3, d=8, seed=0):
    """Points about a corner for each class, as float16, read-only, as `encode` gives them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    x = (4 * np.eye(classes, d)[y] + rng.normal(size=(n, d))).astype(np.float16)
    x.flags.writeable = False
    return x, y


def test_all_positives_a_part_of_the_background_and_nothing_ambiguous_are_kept():
    rng = np.random.default_rng(0)
    K = 4
    labels = [rng.integers(AMBIGUOUS, K + 1, 600) for _ in range(20)]
    labels += [np.full(500, K), np.full(50, AMBIGUOUS), np.zeros(3, np.int64), np.zeros(0, np.int64)]
    chosen = resample(labels, K, seed=0, kept=0.1)
    assert len(chosen) == len(labels)
    for of_picture, some in zip(labels, chosen, strict=True):
        kept = of_picture[some]
        assert (np.diff(some) > 0).all()
        assert (np.flatnonzero((of_picture >= 0) & (of_picture < K)) == some[kept < K]).all()
        assert AMBIGUOUS not in kept
    background = sum((of_picture == K).sum() for of_picture in labels)
    kept = sum((of_picture[some] == K).sum() for of_picture, some in zip(labels, chosen, strict=True))
    assert abs(kept - background / 10) < 4 * np.sqrt(background * 0.1 * 0.9)
    assert 20 < len(chosen[20]) < 80  # of 500
    assert [len(some) for some in chosen[21:]] == [0, 3, 0]


def test_the_draw_follows_the_seed_and_differs_between_pictures():
    labels = [np.full(400, 2)] * 2
    (one, two), (again, _), (other, _) = (resample(labels, 2, seed) for seed in (5, 5, 6))
    assert one.tolist() == again.tolist()
    assert one.tolist() not in (two.tolist(), other.tolist())
    assert [len(some) for kept in (0, 1) for some in resample(labels, 2, 0, kept)] == [0, 0, 400, 400]


def test_shares_of_classes_teach_as_labels_do():
    x, y = clouds(40)
    one, other = train(x, y, 4, PLAIN), train(x, np.eye(4)[y], 4, PLAIN)
    torch.testing.assert_close(one.fca.weight, other.fca.weight)
    long = replace(PLAIN, epochs=60, schedule=(50,), weight_decay=0.0)
    halves = probabilities(train(x, (np.eye(4)[y] + np.eye(4)[3]) / 2, 4, long), x)
    assert halves[:, 3].mean() == pytest.approx(0.5, abs=0.05)
    assert halves[np.arange(40), y].mean() == pytest.approx(0.5, abs=0.05)


def test_a_separable_problem_is_learned_and_a_class_that_no_patch_has_loses():
    x, y = clouds()
    before = x.copy()
    layers = train(x, y, 4, replace(RECIPE, epochs=15, lr=0.05))
    assert x.tobytes() == before.tobytes()
    assert not layers.training
    new, truth = clouds(seed=1)
    found = probabilities(layers, new)
    assert (found.argmax(1) == truth).mean() > 0.95
    assert found[:, 3].mean() < 0.05


def test_the_same_arguments_give_the_same_layers_and_leave_the_generator_alone():
    x, y = clouds(60)
    recipe = replace(RECIPE, epochs=2)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    one = train(x, y, 3, recipe)
    assert torch.equal(torch.rand(3), expected)
    two = train(x, y, 3, recipe)
    other = train(x, y, 3, replace(recipe, seed=1))
    assert torch.equal(one.fca.weight, two.fca.weight)
    assert torch.equal(one.fcb.bias, two.fcb.bias)
    assert not torch.equal(one.fca.weight, other.fca.weight)


def test_probabilities_are_the_softmax_without_dropout():
    torch.manual_seed(0)
    layers = adaptation_layers(8, 4).eval()
    x = np.random.default_rng(0).normal(size=(9000, 8)).astype(np.float16)  # more than one part
    found = probabilities(layers, x)
    w, b, v, c = (parameter.detach().double().numpy() for parameter in layers.parameters())
    scores = np.exp(np.maximum(x.astype(np.float64) @ w.T + b, 0) @ v.T + c)
    np.testing.assert_allclose(found, scores / scores.sum(1, keepdims=True), atol=1e-6)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)


def test_no_patches_or_other_counts_are_refused():
    x, y = clouds(6)
    with pytest.raises(ValueError, match="not 5 for 6 patches"):
        train(x, y[:5], 3)
    with pytest.raises(ValueError, match="not 0 for 0 patches"):
        train(x[:0], y[:0], 3)
