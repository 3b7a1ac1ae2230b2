"""Probes in the span of the training vectors find what they find among the vectors themselves."""

import numpy as np
import pytest

from lecture_lib.linear import svm
from lecture_lib.linear.kernels import COLUMNS, ROWS, products, to_span


def vectors(n, d, seed=0):
    x = np.random.default_rng(seed).standard_normal((n, d), np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


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


def test_an_svm_gives_the_same_scores():
    x, y = vectors(60, 2000), vectors(30, 2000, seed=1)
    labels = np.arange(60) % 3
    inner, outer = to_span(products(x), products(y, x))
    direct, turned = svm(x, labels, [10.0], tol=1e-6)[0], svm(inner, labels, [10.0], tol=1e-6)[0]
    assert turned.scores(outer) == pytest.approx(direct.scores(y), abs=2e-3)


def test_repeated_vectors_are_no_trouble():
    x = vectors(10, 50)[np.arange(30) % 10]
    (inner,) = to_span(products(x))
    assert inner @ inner.T == pytest.approx(x @ x.T, abs=1e-5)
    assert svm(inner, np.arange(30) % 2, [1.0])[0].scores(inner)[:10] == pytest.approx(
        svm(x, np.arange(30) % 2, [1.0])[0].scores(x)[:10], abs=1e-2
    )


def test_more_vectors_than_dimensions_are_no_trouble():
    x = np.abs(
        vectors(1500, 20)
    )  # all in one corner: the largest eigenvalue is near 1500, 1480 of them are rounding
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float16)
    (inner,) = to_span(products(x))
    np.testing.assert_allclose(inner @ inner.T, x.astype(float) @ x.astype(float).T, rtol=0, atol=2e-4)


def test_what_are_no_inner_products_is_refused():
    with pytest.raises(ValueError, match="no inner products"):
        to_span(np.array([[1.0, 2.0], [2.0, 1.0]]))
