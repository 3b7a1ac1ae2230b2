"""From inner products, the SVM finds what it finds from the vectors themselves."""

import numpy as np
import pytest

from lecture_lib import linear
from lecture_lib.linear import classify, kernel, kernels, svm
from lecture_lib.linear.kernels import COLUMNS, ROWS, products, to_span


def vectors(n, d, seed=0):
    x = np.random.default_rng(seed).standard_normal((n, d), np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def clouds(n=90, d=40, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    x = rng.standard_normal((classes, d))[labels] + 1.5 * rng.standard_normal((n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize("d", [5, COLUMNS, COLUMNS + 3])
def test_products_are_those_of_all_dimensions(d):
    x, y = vectors(6, d), vectors(4, d, seed=1)
    assert products(x) == pytest.approx(x.astype(float) @ x.T.astype(float), abs=1e-6)
    assert products(x, y) == pytest.approx(x.astype(float) @ y.T.astype(float), abs=1e-6)


def test_products_of_many_vectors_are_the_same_on_both_sides_of_the_diagonal():
    x = vectors(2 * ROWS + 5, 7)
    np.testing.assert_allclose(products(x), x.astype(float) @ x.T.astype(float), rtol=0, atol=1e-6)


def test_products_of_float16_are_not_summed_in_float16():
    x = np.full((2, 3000), 0.02, np.float16)  # the sum stalls in float16
    assert products(x)[0, 1] == pytest.approx(3000 * float(np.float16(0.02)) ** 2, rel=1e-6)


def test_inner_products_are_kept():
    x, y = vectors(40, 300), vectors(15, 300, seed=1)
    inner, outer = to_span(products(x), products(y, x))
    assert inner.shape == (40, 40)
    assert outer.shape == (15, 40)
    assert inner @ inner.T == pytest.approx(x @ x.T, abs=1e-5)
    assert outer @ inner.T == pytest.approx(y @ x.T, abs=1e-5)


def test_repeated_vectors_are_no_trouble():
    x = vectors(10, 50)[np.arange(30) % 10]
    (inner,) = to_span(products(x))
    assert inner @ inner.T == pytest.approx(x @ x.T, abs=1e-5)
    assert svm(inner, np.arange(30) % 2, [1.0])[0].scores(inner)[:10] == pytest.approx(
        svm(x, np.arange(30) % 2, [1.0])[0].scores(x)[:10], abs=1e-2
    )


def test_more_vectors_than_dimensions_are_no_trouble():
    # all in one corner: the largest eigenvalue is near 1500, 1480 of them are rounding
    x = np.abs(vectors(1500, 20))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float16)
    (inner,) = to_span(products(x))
    np.testing.assert_allclose(inner @ inner.T, x.astype(float) @ x.astype(float).T, rtol=0, atol=2e-4)


def test_what_are_no_inner_products_is_refused():
    with pytest.raises(ValueError, match="no inner products"):
        to_span(np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_scores_are_those_of_the_svm_on_the_vectors():
    x, labels = clouds()
    ours, C = classify(kernel(x[:60], x[60:]), labels[:60])
    choice = linear.choose(linear.svm, x[:60], labels[:60], linear.KERNEL_CS)
    assert choice.probe.C == C
    assert ours == pytest.approx(choice.probe.scores(x[60:]), abs=0.02)


def test_joined_kernels_are_those_of_joined_vectors():
    (x, _), (y, _) = clouds(), clouds(seed=1)
    both = np.concatenate([x, y], 1) / np.sqrt(2)
    ours, theirs = kernel(x[:60], x[60:]) + kernel(y[:60], y[60:]), kernel(both[:60], both[60:])
    assert ours.train == pytest.approx(theirs.train, abs=1e-5)
    assert ours.test == pytest.approx(theirs.test, abs=1e-5)


def test_views_weigh_as_one_picture():
    x, labels = clouds()
    views = np.repeat(x[:60, None], 4, axis=1)  # all alike: four samples of a quarter of the weight
    once, C = classify(kernel(x[:60], x[60:]), labels[:60])
    ours, same = classify(kernel(views, x[60:]), labels[:60])
    assert same == C
    assert ours == pytest.approx(once, abs=0.02)


def test_views_of_a_picture_stay_in_one_fold(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 200)).astype(np.float32)  # nothing to learn, but copies can be remembered
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    labels = rng.permutation(30) % 2
    views = np.repeat(x[:, None], 3, axis=1)
    measured = []

    def keep(learner, x, labels, Cs, parts):
        honest, split = (linear.choose(learner, x, labels, Cs, p) for p in (parts, linear.folds(labels)))
        measured.extend([honest.scores.mean(), split.scores.mean()])
        return honest

    monkeypatch.setattr(kernels, "choose", keep)
    classify(kernel(views, x), labels)
    honest, split = measured
    assert honest < 0.7 < 0.95 < split  # folds that tear a picture's views apart seem to know everything
