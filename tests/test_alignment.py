"""How alike layers are: against the definition of HSIC, and what must not make a difference."""

import numpy as np
import pytest
import torch

from lecture_lib.linear.alignment import linear_cka


def draw(N, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, d)) @ rng.standard_normal((d, d)) + 7 * rng.standard_normal(d)


def rotation(d, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


def cka_by_hsic(x, y):
    """tr(K H L H) / (N - 1)^2 of the linear kernels K and L, over that of each with itself."""
    N = len(x)
    H = np.eye(N) - np.ones((N, N)) / N

    def hsic(K, L):
        return np.trace(K @ H @ L @ H) / (N - 1) ** 2

    K, L = x @ x.T, y @ y.T
    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


@pytest.mark.parametrize(("N", "p", "q"), [(30, 5, 8), (12, 40, 50), (2, 1, 1)])
def test_cka_is_defined_by_hsic(N, p, q):
    x = draw(N, p)
    y = draw(N, q, seed=1)
    y[:, 0] += x[:, 0]
    assert linear_cka(x, y) == pytest.approx(cka_by_hsic(x, y), rel=1e-6)
    assert linear_cka(y, x) == pytest.approx(linear_cka(x, y), rel=1e-12)
    assert 0 <= linear_cka(x, y) <= 1 + 1e-12


@pytest.mark.parametrize("d", [6, 60])
def test_turned_scaled_and_shifted_features_are_the_same(d):
    x, y = draw(25, d), draw(25, 9, seed=1)
    assert linear_cka(x, x) == pytest.approx(1)
    same = -3.7 * x @ rotation(d) + np.arange(d)
    assert linear_cka(x, same) == pytest.approx(1)
    assert linear_cka(same, y) == pytest.approx(linear_cka(x, y))
    wider = np.concatenate([x, np.zeros((25, 3))], 1) @ rotation(d + 3)
    assert linear_cka(wider, y) == pytest.approx(linear_cka(x, y))


def test_half_precision_is_no_trouble():
    x, y = draw(20, 5).astype(np.float16), draw(20, 50, seed=1)
    assert linear_cka(x * np.float16(100), x) == pytest.approx(1, abs=1e-5)
    assert linear_cka(torch.tensor(x), y) == linear_cka(x, y)


@pytest.mark.parametrize("constant", [np.full((8, 3), 0.1), np.full((8, 3), np.nan)])
def test_features_that_do_not_vary_cannot_be_compared(constant):
    for pair in [(constant, draw(8, 4)), (draw(8, 4), constant)]:
        with pytest.raises(ValueError, match=r"\[8, 3\] are the same for all pictures, or not finite"):
            linear_cka(*pair)
