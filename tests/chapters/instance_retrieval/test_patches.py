"""Patches: they cover the picture; distances against loops; pooling of maps."""

import numpy as np
import pytest
import torch

from lecture_lib.chapters.instance_retrieval import patches
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.datasets.retrieval import Query
from lecture_lib.encoders import augment


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(60, 60), (40, 100)])
def test_a_level_has_n_squared_patches_that_cover_the_picture(n, size):
    numbered = torch.arange(size[0] * size[1]).reshape(1, *size)
    cut = [augment.cut(numbered, view) for view in patches.grid(n)]
    assert len(cut) == n * n
    assert len({(x.shape, int(x[0, 0, 0])) for x in cut}) == n * n
    assert torch.cat([x.flatten() for x in cut]).unique().numel() == size[0] * size[1]


def test_mop_has_patches_of_half_and_a_quarter_in_steps_of_an_eighth():
    at = [sorted({view.at[0] * (1 - view.side) for view in patches.MOP[level]}) for level in (2, 3)]
    np.testing.assert_allclose(at[0], np.arange(5) / 8)
    np.testing.assert_allclose(at[1], np.arange(7) / 8)


def test_distance_is_the_mean_over_the_querys_patches_of_the_nearest():
    rng = np.random.default_rng(0)
    query, references = rng.random((3, 6)), rng.random((70, 4, 6))
    expected = [np.mean([min(np.linalg.norm(q - r) for r in rs) for q in query]) for rs in references]
    np.testing.assert_allclose(patches.spatial_distances(query, references), expected, rtol=1e-4)
    # one patch each: the distance of whole pictures
    one = patches.spatial_distances(query[:1], references[:, :1])
    np.testing.assert_allclose(one, np.linalg.norm(references[:, 0] - query[0], axis=1), rtol=1e-4)


def test_whitened_vectors_have_variance_one_and_powers_keep_signs():
    x = torch.randn(400, 8, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 9)
    whitening = patches.fit_whitening(x, 5)
    np.testing.assert_allclose(torch.cov(whitening(x).T), np.eye(5), atol=1e-3)
    unit = x / x.norm(dim=1, keepdim=True)
    whitening = patches.fit_whitening(unit, 5)
    z = whitening(unit)
    z = z / z.norm(dim=1, keepdim=True)
    np.testing.assert_allclose(patches.augmented(x, whitening), torch.where(z > 0, z * z, -z * z), atol=1e-5)


def test_orderless_vlad_shares_each_patch_out_to_its_nearest_words(monkeypatch):
    monkeypatch.setattr(patches, "NEAREST", 2)
    x = torch.randn(90, 6, generator=torch.Generator().manual_seed(0))
    level = patches.learn_level(x, words=4, axes=3)
    z, means = level.pca(x[:7]).numpy(), level.means.numpy()
    V = np.zeros((4, 3))
    for z_i in z:
        squares = ((z_i - means) ** 2).sum(1)
        two = squares.argsort()[:2]
        weights = np.exp(-squares[two] / (2 * level.width))
        for k, w in zip(two, weights / weights.sum(), strict=True):
            V[k] += w * (z_i - means[k])
    V = np.sign(V) * np.sqrt(np.abs(V))
    np.testing.assert_allclose(patches.orderless(x[:7], level), (V / np.linalg.norm(V)).ravel(), atol=1e-4)
    squares = ((level.pca(x).numpy()[:, None] - means) ** 2).sum(2)
    assert level.width == pytest.approx(squares.min(1).mean(), rel=1e-4)


def test_a_query_is_cut_to_its_box():
    pictures = np.arange(2 * 3 * 8 * 10).astype(np.uint8).reshape(2, 3, 8, 10)
    images = ImageCollection("two", "twin", ArrayImages(pictures), ("a",), np.zeros(2, np.int64))
    box, none = np.array([2.4, 1, 6.2, 5]), np.zeros(0)
    queries = [Query(1, box, none, none, none, "a"), Query(0, None, none, none, none, "b")]
    cut = patches.query_boxes(images, queries)
    assert (cut.tensor(0).numpy() == pictures[1, :, 1:5, 2:7]).all()
    assert (cut.tensor(1).numpy() == pictures[0]).all()
    other = patches.query_boxes(images, queries[::-1])
    assert cut.images.fingerprint != other.images.fingerprint


def test_pooling_of_maps():
    x = torch.zeros(2, 3, 4, 6)
    x[:, 0], x[0, 1, 2, 3], x[0, 2, 0, 0] = 1, 4, 2
    np.testing.assert_allclose(patches.mac(x)[0], np.array([1, 4, 2]) / 21**0.5, rtol=1e-5)
    np.testing.assert_allclose(patches.spoc(x)[0], np.array([24, 4, 2]) / 596**0.5, rtol=1e-5)
    np.testing.assert_allclose(patches.gem(x, 1), patches.spoc(x), atol=1e-4)
    np.testing.assert_allclose(patches.gem(x, 40), patches.mac(x), atol=0.08)
    # one level of a square map is its mac
    np.testing.assert_allclose(patches.rmac(x[..., :4], 1), patches.mac(x[..., :4]), rtol=1e-5)


def test_rmac_sums_over_squares_that_reach_all_edges():
    for at in [(0, 0), (4, 5), (4, 0), (2, 3)]:
        x = torch.zeros(1, 2, 5, 6)
        x[0, 0], x[0, 1, at[0], at[1]] = 0.001, 1
        assert patches.rmac(x)[0, 1] > 0
    x = torch.zeros(1, 2, 4, 6)
    x[0, 0], x[0, 1, 0, 0] = 1, 1
    # squares of side 4 at 0 and 2, of which one contains the corner
    mac = torch.tensor([1, 1]) / 2**0.5
    expected = mac + torch.tensor([1.0, 0])
    np.testing.assert_allclose(patches.rmac(x, 1)[0], expected / expected.norm(), rtol=1e-5)
