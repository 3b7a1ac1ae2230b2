"""Kernels that are joined: what must come out with one, with equal weights, and with a useless one."""

import numpy as np
import pytest

from lecture_lib.chapters.older_baselines import kernel_sets as k
from lecture_lib.linear import classify


@pytest.fixture
def some():
    """Labels of 40 + 20 pictures, and a kernel that follows them, one of noise, and one that is 1 nearly everywhere."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 4
    good = np.eye(4)[labels] + 0.3 * rng.random((60, 4))
    train, test = np.arange(40), np.arange(40, 60)
    flat = 1 + 1e-3 * rng.random((60, 3))
    made = [
        k.exponential(k.distances(x.astype(np.float32), chi2=True), train, test)
        for x in (good, rng.random((60, 5)), flat)
    ]
    return labels, made


def test_chi2_is_that_of_the_definition_and_the_mean_is_of_training_pairs():
    x = np.random.default_rng(1).dirichlet(np.ones(40), 7).astype(np.float32)
    d = k.distances(x, chi2=True)
    exact = [[sum((a - b) ** 2 / (a + b)) for b in x] for a in x]
    apart = ~np.eye(7, dtype=bool)
    assert np.corrcoef(d[apart], np.array(exact)[apart])[0, 1] > 0.995
    np.testing.assert_allclose(d[apart], np.array(exact)[apart], rtol=0.2)
    assert k.distances(x, chi2=False)[1, 2] == pytest.approx(sum((x[1] - x[2]) ** 2), rel=1e-3)
    made = k.exponential(d, np.array([0, 2, 3]), np.array([6]))
    assert made.test[0, 1] == pytest.approx(np.exp(-d[6, 2] / d[np.ix_([0, 2, 3], [0, 2, 3])].mean()))


def test_one_kernel_is_the_plain_svm_and_equal_weights_are_the_mean(some):
    labels, kernels = some
    groups = np.arange(40) % 3, np.arange(20) % 3
    alone = k.weighted(kernels[:1], k.group_weights(kernels[:1], labels[:40], groups[0]), *groups)
    np.testing.assert_array_equal(
        classify(alone, labels[:40], 1.0)[0], classify(kernels[0], labels[:40], 1.0)[0]
    )
    equal, mean = k.weighted(kernels, np.full((3, 3), 1 / 3), *groups), k.mean_kernel(kernels)
    np.testing.assert_allclose(equal.train, mean.train, rtol=1e-5)
    np.testing.assert_allclose(equal.test, mean.test, rtol=1e-5)


def test_accuracy_is_of_training_pictures_and_counts_to_the_fourth_power(some):
    labels, kernels = some
    scores, accuracy = k.validated(kernels[0], labels[:40])
    np.testing.assert_array_equal(scores, classify(kernels[0], labels[:40])[0])
    assert accuracy > 0.95
    assert k.validated(kernels[1], labels[:40])[1] < 0.6
    a, b, _ = kernels
    joined = k.by_accuracy([a, b], [0.8, 0.4])
    np.testing.assert_allclose(joined.train, (16 * a.train + b.train) / 17, atol=1e-6)
    np.testing.assert_allclose(joined.test, (16 * a.test + b.test) / 17, atol=1e-6)


def test_kernels_weighted_by_groups_stay_kernels(some):
    _, kernels = some
    groups = np.arange(40) % 2
    joined = k.weighted(kernels, np.array([[0.9, 0.1, 0], [0, 0.2, 0.8]]), groups, groups[:20])
    assert np.linalg.eigvalsh(joined.train.astype(np.float64)).min() > -1e-5


def test_a_kernel_of_noise_or_of_ones_gets_little_weight(some):
    labels, kernels = some
    weights = k.group_weights(kernels, labels[:40], np.arange(40) % 2)
    assert weights.sum(1) == pytest.approx(1)
    assert weights[:, 0].min() > 0.6
    ideal = (labels[:40, None] == labels[:40]).astype(float)
    assert k.alignment(3 * ideal + 5, labels[:40], np.arange(40)) == pytest.approx(1)


def test_groups_that_want_different_kernels_get_them():
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(6), 10)
    half = labels >= 3  # one description tells the first three classes apart, the other the last three
    told = [
        np.eye(7)[np.where(half == side, labels, 6)] + 0.05 * rng.random((60, 7)) for side in (False, True)
    ]
    kernels = [
        k.exponential(k.distances(x.astype(np.float32), chi2=True), np.arange(60), np.arange(60))
        for x in told
    ]
    weights = k.group_weights(kernels, labels, half.astype(int))
    assert weights[0, 0] > weights[0, 1]
    assert weights[1, 1] > weights[1, 0]
    joined = k.group_aligned(kernels, labels, seed=0)
    np.testing.assert_allclose(
        joined.train, joined.test, atol=1e-5
    )  # test pictures are given the groups of training
