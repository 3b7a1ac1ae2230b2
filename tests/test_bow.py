"""Bag of words and VLAD: worked by hand, against loops, and their regions against parts."""

import numpy as np
import pytest
import torch

from lecture_lib.encoders.bow import bow, chi2_map, nearest, vlad

WORDS = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
# nearest: 0, 1, 0, 1 or 2, 2
X = torch.tensor([[1.0, 0.0], [3.0, 1.0], [0.0, -1.0], [5.0, 5.0], [-1.0, 3.0]])


def drawn(N=2500, D=7, K=11):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(N, D, generator=generator) + 3, torch.randn(K, D, generator=generator) + 3


def close(a, b, tolerance=1e-6):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=0, atol=tolerance)


def test_words_are_counted():
    close(bow(X, WORDS), [0.4, 0.4, 0.2])
    x, means = drawn()
    words = torch.cdist(x.double(), means.double()).argmin(1)
    close(bow(x, means), torch.bincount(words, minlength=11) / 2500)
    assert torch.equal(nearest(x, means), words)


def test_of_words_equally_near_the_first_counts():
    assert nearest(X[3:4], WORDS).tolist() == [1]
    assert nearest(X[3:4], WORDS[[0, 2, 1]]).tolist() == [1]
    assert nearest(X, torch.ones(3, 2)).tolist() == [0] * 5


def test_residuals_are_summed():
    close(vlad(X, WORDS), [1, -1, 0, 6, -1, -1])
    x, means = drawn()
    expected = np.zeros((11, 7))
    for x_i in x.double().numpy():
        k = ((x_i - means.double().numpy()) ** 2).sum(1).argmin()
        expected[k] += x_i - means[k].double().numpy()
    close(vlad(x, means), expected.ravel(), 1e-3)
    assert vlad(x, means).dtype == bow(x, means).dtype == torch.float32


@pytest.mark.parametrize(("encode", "tolerance"), [(bow, 1e-6), (vlad, 1e-3)])
def test_regions_equal_encodings_of_their_own_descriptors(encode, tolerance):
    x, means = drawn()
    regions = torch.rand(6, 2500, generator=torch.Generator().manual_seed(1)) < 0.3
    regions[2], regions[3] = False, True
    found = encode(x, means, regions)
    close(found, torch.stack([encode(x[region], means) for region in regions]), tolerance)
    assert not found[2].any()
    close(found[3], encode(x, means), tolerance)


def test_no_descriptors_give_zeros():
    assert torch.equal(bow(X[:0], WORDS), torch.zeros(3))
    assert torch.equal(vlad(X[:0], WORDS), torch.zeros(6))


def test_inner_products_of_mapped_histograms_are_near_the_chi2_kernel():
    generator = torch.Generator().manual_seed(2)
    h = torch.rand(20, 50, generator=generator).pow(4)
    h = h / h.sum(1, keepdim=True)
    mapped = chi2_map(h)
    assert mapped.shape == (20, 150)
    assert mapped.dtype == torch.float32
    a, b = h[:, None], h[None]
    kernel = (2 * a * b / (a + b)).sum(2)
    error = (mapped @ mapped.T - kernel).abs()
    assert error.max() < 0.04
    assert (h @ h.T - kernel).abs().min() > 0.2  # as they are, they are far from it
    close(mapped.norm(dim=1), np.ones(20), 0.02)
