"""PCA, mixtures of Gaussians and visual words: against scikit-learn and SciPy, and what they must refuse."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn import decomposition

from lecture_lib.encoders import codebook
from lecture_lib.encoders.codebook import FLOOR, LEAST, TOL, fit_gmm, fit_kmeans, fit_pca


def spread(N=600, D=12, seed=0):
    """Descriptors of falling variance along turned axes, far from 0."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((D, D)))[0]
    x = rng.standard_normal((N, D)) * np.geomspace(1, 0.01, D) @ axes + 5
    return torch.from_numpy(x.astype(np.float32))


def groups(N=2000, seed=0):
    """Descriptors of three groups: weights, means, standard deviations, and float32 [N, 2]."""
    weights = np.array([0.5, 0.3, 0.2])
    means = np.array([[0.0, 0.0], [6.0, 1.0], [0.0, 8.0]])
    sigmas = np.array([[1.0, 0.5], [0.3, 1.5], [0.7, 0.7]])
    rng = np.random.default_rng(seed)
    made_by = rng.choice(3, N, p=weights)
    x = means[made_by] + sigmas[made_by] * rng.standard_normal((N, 2))
    return weights, means, sigmas, torch.from_numpy(x.astype(np.float32))


def close(a, b, tolerance):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=0, atol=tolerance)


# --- PCA -------------------------------------------------------------------------------------------------------------


def test_pca_is_that_of_scikit_learn():
    x = spread()
    pca, other = fit_pca(x, 7), decomposition.PCA(7).fit(x.double().numpy())
    close(pca.mean, x.mean(0), 1e-5)
    signs = np.sign((pca.components.numpy() * other.components_).sum(1, keepdims=True))
    close(pca.components, signs * other.components_, 1e-4)
    close(pca(x), other.transform(x.double().numpy()) * signs[:, 0], 1e-4)
    assert pca.components.dtype == pca.mean.dtype == torch.float32


def test_signs_of_axes_do_not_hang_on_rounding():
    x = spread()
    x = torch.cat([x, x.flip(1)])  # with mirror images, components come in pairs of the same size
    axes = fit_pca(x, 12).components
    rng = np.random.default_rng(1)
    for _ in range(5):
        noisy = x * (1 + 1e-6 * torch.from_numpy(rng.standard_normal(x.shape).astype(np.float32)))
        close(fit_pca(noisy[torch.randperm(len(x))], 12).components, axes, 1e-3)
    assert (axes.amax(1) >= 0.98 * axes.abs().amax(1)).all()


def test_pca_says_how_many_descriptors_it_needs():
    with pytest.raises(ValueError, match="5 principal axes need at least 6 descriptors, but there are 5"):
        fit_pca(spread(5), 5)
    fit_pca(spread(6), 5)
    for dim in (0, 13):
        with pytest.raises(ValueError, match=f"1 to 12 principal axes, not {dim}"):
            fit_pca(spread(), dim)


# --- mixtures of Gaussians -------------------------------------------------------------------------------------------


def log_density(gmm, x):
    """Mean ln p(x) by SciPy, in float64."""
    weights, means, variances = (a.double().numpy() for a in (gmm.weights, gmm.means, gmm.variances))
    each = norm.logpdf(x.double().numpy()[:, None], means, np.sqrt(variances)).sum(2)
    return logsumexp(each + np.log(weights), axis=1).mean()


def test_gaussians_that_made_the_descriptors_are_found():
    weights, means, sigmas, x = groups(5000)
    gmm = fit_gmm(x, 3)
    order = [int((gmm.means - torch.tensor(mean)).norm(dim=1).argmin()) for mean in means]
    close(gmm.weights[order], weights, 0.03)
    close(gmm.means[order], means, 0.1)
    close(gmm.variances[order].sqrt(), sigmas, 0.05)
    assert gmm.weights.dtype == gmm.means.dtype == gmm.variances.dtype == torch.float32


def test_log_likelihood_rises_to_that_of_the_mixture(monkeypatch):
    x = groups()[3]
    gmm = fit_gmm(x, 6)
    assert gmm.log_likelihood.dtype == torch.float64
    assert 3 < len(gmm.log_likelihood) <= 20
    assert gmm.log_likelihood.diff().min() > -1e-4
    # the last value is that of the mixture before the last step, which gained little
    assert gmm.log_likelihood[-1] - 1e-4 < log_density(gmm, x) < gmm.log_likelihood[-1] + 5 * TOL
    close(gmm.weights.sum(), 1, 1e-5)
    monkeypatch.setattr(codebook, "ITERATIONS", 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that it has not converged is no news
        close(log_density(fit_gmm(x, 6), x), gmm.log_likelihood[3], 1e-4)


def test_a_constant_dimension_keeps_the_least_variance():
    x = torch.cat([groups()[3], torch.full((2000, 1), 0.25)], 1)
    gmm = fit_gmm(x, 3)
    floor = FLOOR * float(x.var(0).max())
    close(gmm.variances[:, 2] / floor, np.ones(3), 0.05)
    assert (gmm.variances[:, :2] > floor).all()
    assert torch.isfinite(gmm.log_likelihood).all()


def test_equal_descriptors_do_not_break_it():
    x = groups()[3]
    x[:700] = torch.tensor([3.0, -2.0])  # as descriptors without contrast are
    gmm = fit_gmm(x, 8)
    assert all(torch.isfinite(a).all() for a in (gmm.weights, gmm.means, gmm.variances, gmm.log_likelihood))
    assert gmm.variances.min() > 0


@pytest.mark.parametrize(("fit", "what"), [(fit_gmm, "Gaussians"), (fit_kmeans, "words")])
def test_too_few_descriptors_are_counted(fit, what):
    x = groups()[3]
    with pytest.raises(
        ValueError, match=f"7 {what} need at least {7 * LEAST}.*there are {7 * LEAST - 1}.*more pict"
    ):
        fit(x[: 7 * LEAST - 1], 7)
    fit(x[: 7 * LEAST], 7)


@pytest.mark.parametrize("fit", [fit_pca, fit_gmm, fit_kmeans])
def test_descriptors_are_rows_of_finite_floats(fit):
    for x, words in [
        (spread().long(), r"float \[N, D\], not int64"),
        (spread().flatten(), r"float32 \[7200\]"),
    ]:
        with pytest.raises(ValueError, match=words):
            fit(x, 2)
    for value in (math.nan, math.inf):
        x = spread()
        x[17, 3] = value
        with pytest.raises(ValueError, match="Descriptor 17 of 600 is not finite"):
            fit(x, 2)


# --- visual words ----------------------------------------------------------------------------------------------------


def test_words_are_the_means_of_what_is_nearest_to_them():
    x = groups()[3]
    means = fit_kmeans(x, 4)
    assert means.shape == (4, 2)
    assert means.dtype == torch.float32
    nearest = torch.cdist(x, means).argmin(1)
    close(torch.stack([x[nearest == k].mean(0) for k in range(4)]), means, 0.02)
