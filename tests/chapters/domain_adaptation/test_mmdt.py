"""MMDT: one objective that falls, and its limits: the source's SVM, the weighted SVM, a shift that A undoes."""

import numpy as np
import pytest
from scipy.linalg import expm

from lecture_lib.chapters.domain_adaptation import mmdt
from lecture_lib.chapters.domain_adaptation.liblinear import svm
from lecture_lib.chapters.domain_adaptation.mmdt import MOVING, RELEASED, Constants


@pytest.fixture(scope="module")
def domains():
    """Three classes in five dimensions; the target is turned, stretched and moved."""
    rng = np.random.default_rng(0)
    means = rng.normal(size=(3, 5)) * 2
    ys, yt, y = np.repeat(np.arange(3), 20), np.repeat(np.arange(3), 3), np.repeat(np.arange(3), 60)
    turn = rng.normal(size=(5, 5))
    turn = expm(0.8 * (turn - turn.T))

    def target(labels):
        return (means[labels] + rng.normal(size=(len(labels), 5))) @ turn + 1.5

    return means[ys] + rng.normal(size=(60, 5)), ys, target(yt), yt, target(y), y


def test_the_objective_falls_at_every_half_step(domains):
    for given in (MOVING, Constants(0.05, 1, 1.0), Constants(1, 1, 100)):
        values = np.array(mmdt.mmdt(*domains[:4], given).objective)
        assert len(values) == 1 + 2 * mmdt.ROUNDS
        assert (np.diff(values) <= 1e-4 * values[:-1]).all(), values
        assert values[1] < values[0]


def test_without_target_errors_it_is_the_sources_svm(domains):
    xs, ys, xt, yt, x, _ = domains
    learned = mmdt.mmdt(xs, ys, xt, yt, Constants(0.05, 0.0, 1.0))
    alone = svm(xs, ys, 0.05)
    np.testing.assert_allclose(mmdt.with_one(x) @ learned.W.T, alone.scores(x), atol=1e-3)
    np.testing.assert_array_equal(learned.A, np.eye(6))


def test_with_the_released_constants_A_stays_and_the_weighted_svm_is_left(domains):
    xs, ys, xt, yt, x, _ = domains
    learned = mmdt.mmdt(xs, ys, xt, yt, RELEASED)
    assert np.abs(learned.A - np.eye(6)).max() < 1e-3
    weights = np.repeat([RELEASED.C_s, RELEASED.C_t], [len(xs), len(xt)])
    weighted = svm(np.concatenate([xs, xt]), np.concatenate([ys, yt]), weights)
    np.testing.assert_array_equal(learned.predict(x), weighted.predict(x))


def test_a_free_A_is_worth_more_than_none_where_the_target_is_turned(domains):
    xs, ys, xt, yt, x, y = domains
    learned = mmdt.mmdt(xs, ys, xt, yt, MOVING)
    both = svm(np.concatenate([xs, xt]), np.concatenate([ys, yt]), 0.05)
    assert (learned.predict(x) == y).mean() > (both.predict(x) == y).mean() + 0.05


def test_the_map_is_the_best_of_all_and_not_of_those_alone_that_it_is_looked_for_among(domains):
    xs, ys, xt, yt, *_ = domains
    svms = svm(xs, ys)
    W, x, y = np.hstack([svms.weights, svms.bias[:, None]]), mmdt.with_one(xt), mmdt.signs(yt, 3)

    def value(A):
        return np.square(A - np.eye(6)).sum() / 2 + 0.7 * mmdt.hinges(x @ A.T @ W.T, yt).sum()

    A = mmdt.best_map(W, x, yt, 0.7)
    gradient = A - np.eye(6) - 1.4 * W.T @ ((1 - y * (x @ A.T @ W.T)).clip(0) * y).T @ x
    assert np.abs(gradient).max() < 1e-3 * value(np.eye(6))
    rng = np.random.default_rng(1)
    assert all(
        value(A + step * rng.normal(size=(6, 6))) > value(A) for step in (0.01, 0.1) for _ in range(20)
    )
