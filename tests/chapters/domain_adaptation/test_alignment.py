"""What maps between domains must be, by other means: integrals, kernels, covariances."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from lecture_lib.chapters.domain_adaptation import alignment, films
from lecture_lib.chapters.domain_adaptation.shifts import Shift, principal_axes


def subspace(seed, D=30, d=6):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(D, d)))[0]


def integral(source, target, steps=4000):
    """G by Simpson's rule over the flow itself."""
    ts = np.linspace(0, 1, steps + 1)
    weights = np.where(np.arange(steps + 1) % 2, 4, 2) / (3 * steps)
    weights[[0, -1]] /= 2
    total = np.zeros((len(source),) * 2)
    for t, weight in zip(ts, weights, strict=True):
        Phi = alignment.flow(source, target, t)
        total += weight * Phi @ Phi.T
    return total


def test_the_closed_form_of_gfk_is_its_integral():
    source, target = subspace(0), subspace(1)
    M = alignment.gfk(source, target)
    np.testing.assert_allclose(M @ M.T, integral(source, target), atol=1e-8)


def test_the_flow_starts_in_the_source_ends_in_the_target_and_stays_orthonormal():
    source, target = subspace(0), subspace(1)
    for t, P in ((0, source), (1, target)):
        Phi = alignment.flow(source, target, t)
        np.testing.assert_allclose(Phi @ Phi.T, P @ P.T, atol=1e-10)
    middle = alignment.flow(source, target, 0.5)
    np.testing.assert_allclose(middle.T @ middle, np.eye(6), atol=1e-10)


def test_gfk_of_one_subspace_is_its_projection_and_no_angle_is_no_trouble():
    source = subspace(0)
    M = alignment.gfk(source, source @ subspace(3, 6, 6))  # the same subspace, by other axes
    np.testing.assert_allclose(M @ M.T, source @ source.T, atol=1e-7)
    half = np.hstack([source[:, :3], subspace(1)[:, :3]])
    M = alignment.gfk(source, np.linalg.qr(half)[0])  # three angles of 0
    np.testing.assert_allclose(M @ M.T, integral(source, np.linalg.qr(half)[0]), atol=1e-6)


def test_a_right_angle_is_half_in_and_half_out():
    M = alignment.gfk(np.eye(4)[:, :1], np.eye(4)[:, 1:2])
    G = M @ M.T
    np.testing.assert_allclose(np.diag(G), [0.5, 0.5, 0, 0], atol=1e-12)
    assert G[0, 1] == pytest.approx(1 / np.pi)


def test_daumes_features_have_the_multi_task_kernel():
    rng = np.random.default_rng(0)
    x, of_target = rng.normal(size=(9, 5)), rng.random(9) < 0.5
    features = alignment.daume(x, of_target)
    same = of_target[:, None] == of_target
    np.testing.assert_allclose(features @ features.T, (1 + same) * (x @ x.T))


def test_coral_gives_the_source_the_targets_covariance():
    rng = np.random.default_rng(0)
    source, target = (
        rng.normal(size=(4000, 5)) * [1, 2, 3, 4, 5],
        rng.normal(size=(3000, 5)) @ subspace(0, 5, 5),
    )
    moved = source @ alignment.coral(source, target)
    I = np.eye(5)  # noqa: E741
    A = alignment.coral(source, target)
    # C_S + 1 is turned into C_T + 1, so that cov(moved) = C_T + 1 - A^T A
    np.testing.assert_allclose(np.cov(moved.T) + A.T @ A, np.cov(target.T) + I, atol=1e-6)
    np.testing.assert_allclose(alignment.coral(target, target), I, atol=1e-8)


def test_subspace_alignment_of_a_domain_with_itself_changes_no_inner_product():
    P = subspace(0)
    source, target = alignment.subspace_alignment(P, P)
    np.testing.assert_allclose(source @ source.T, target @ target.T, atol=1e-10)


def trial(us, ut):
    none = np.zeros((0, us.shape[1])), np.zeros(0, int)
    return Shift(*none, *none, *none, us, ut)


def test_domains_disagree_about_the_first_axis_that_they_do_not_share():
    rng = np.random.default_rng(0)
    scale = np.array([50, 40, 30, 0.1, 0.1, 0.1, 0.1, 0.1])  # three axes in common
    us, ut = (rng.normal(size=(400, 8)) * scale for _ in range(2))
    us[:, 5] += 5 * rng.normal(size=400)  # then each has one of its own, at right angles to the other's
    ut[:, 6] += 6 * rng.normal(size=400)
    D = alignment.disagreement(trial(us, ut), 4)
    assert (D[:3] < 0.2).all()
    assert D[3] > 0.45  # both together have one of the two
    assert alignment.subspace_dimension(trial(us, us), 4) == 4  # nothing to disagree about: the most


def test_principal_axes_are_those_of_the_covariance():
    x = np.random.default_rng(0).normal(size=(200, 6)) * [3, 1, 2, 0.1, 0.2, 0.3] + 7
    P = principal_axes(x, 2)
    np.testing.assert_allclose(np.abs(P[[0, 2], [0, 1]]), 1, atol=0.02)


def test_a_film_begins_with_the_picture_and_goes_from_the_source_s_pca_to_the_target_s():
    rng = np.random.default_rng(4)
    shape = (90, 3 * films.SIDE**2)
    source, target = rng.random(shape) * 0.3 + 0.2, rng.random(shape) * 0.3 + 0.5
    frames = films.film(source[:2], source, target, (0, 0.5, 1), d=5)
    assert frames.shape == (2, 4, films.SIDE, films.SIDE, 3)
    flat = frames.transpose(0, 1, 4, 2, 3).reshape(2, 4, -1).astype(int)
    assert np.abs(flat[:, 0] - 255 * source[:2]).max() <= 1
    for frame, domain in ((1, source), (3, target)):
        pca = PCA(5, svd_solver="full").fit(domain)
        seen = pca.inverse_transform(pca.transform(source[:2]))
        assert np.abs(flat[:, frame] - 255 * seen.clip(0, 1)).max() <= 1.5
