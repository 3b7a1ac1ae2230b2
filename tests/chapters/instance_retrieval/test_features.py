"""Local features: kept once, cut by boxes, in pixels of the picture, and the same for a turned picture."""

import numpy as np
import pytest
import torch

from lecture_lib.chapters.instance_retrieval import features as module
from lecture_lib.chapters.instance_retrieval.features import extract
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.encoders.dog_sift import dog_sift


def blobs(height, width, seed=0):
    """Dark and light spots of several sizes, uint8 [3, H, W]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    image = np.full((height, width), 128.0)
    for _ in range(25):
        cy, cx, s = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(3, 9)
        image += rng.choice([-90, 90]) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * s**2))
    return torch.from_numpy(image.clip(0, 255).astype(np.uint8)).expand(3, -1, -1)


@pytest.fixture(scope="module")
def images():
    pictures = np.stack([blobs(90, 120), np.full((3, 90, 120), 7, np.uint8), blobs(90, 120, 1)])
    return ImageCollection("spots", "twin", ArrayImages(pictures), ("spot",), np.zeros(3, np.int64))


@pytest.mark.parametrize("kind", ["DoG", "dense"])
def test_features_are_those_of_each_picture_and_computed_once(images, kind, monkeypatch):
    found = extract(images, kind, most=200)
    assert len(found) == 3
    assert np.diff(found.offsets)[1] == 0 < np.diff(found.offsets)[[0, 2]].min()
    local, angle = (dog_sift if kind == "DoG" else module.dense)(images.tensor(2))
    own = found[[2]]
    np.testing.assert_allclose(own.x / 512, local.x.clamp(max=255 / 512), atol=1.01 / 1024)
    np.testing.assert_allclose(own.xy, local.xy, atol=1e-4)
    np.testing.assert_allclose(own.angle, angle, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(own.root, axis=1), 1, rtol=1e-5)
    monkeypatch.setattr(module, "_one", None)
    np.testing.assert_array_equal(extract(images, kind, most=200).x, found.x)


def test_places_are_in_pixels_of_the_picture_before_it_was_reduced(images):
    whole, half = extract(images, "DoG", most=200), extract(images, "DoG", side=60, most=200)
    near = np.linalg.norm(half[[0]].xy[:, None] - whole[[0]].xy, axis=2).min(1)
    assert np.median(near) < 1
    assert np.median(half.scale) > 0.9 * np.median(whole.scale)


def test_of_too_many_features_the_largest_are_kept_in_their_order(images):
    whole, few = extract(images, "DoG", most=200)[[0]], extract(images, "DoG", most=10)[[0]]
    assert len(few.x) == 10
    assert few.scale.min() >= np.sort(whole.scale)[-10] - 1e-4
    at = [
        int(np.flatnonzero((whole.xy == xy).all(1) & (whole.angle == a))[0])
        for xy, a in zip(few.xy, few.angle, strict=True)
    ]
    assert at == sorted(at)


def test_a_box_keeps_the_features_whose_centres_lie_in_it(features):
    box = np.array([20, 10, 60, 90], np.float32)
    inside = features[[1]].inside(box)
    rows = [j for j in range(7, 19) if 20 <= features.xy[j, 0] < 60 and 10 <= features.xy[j, 1] < 90]
    assert 0 < len(rows) < 12
    np.testing.assert_array_equal(inside.x, features.x[rows])
    assert inside.offsets.tolist() == [0, len(rows)]
    assert features[[1]].inside(None).xy.shape == (12, 2)


def test_some_pictures_keep_their_features(features):
    some = features[[5, 4, 0]]
    assert some.picture.tolist() == [0] * 11 + [2] * 7
    np.testing.assert_array_equal(some.x, features.x[[*range(29, 40), *range(7)]])


def test_a_turned_picture_has_the_same_descriptors_and_turned_angles():
    picture = blobs(100, 100)
    (a, angle_a), (b, angle_b) = dog_sift(picture), dog_sift(picture.rot90(1, (1, 2)))
    where = torch.stack([a.xy[:, 1], 99 - a.xy[:, 0]], 1)  # anticlockwise
    distances = torch.cdist(where, b.xy) + 99 * torch.cdist(a.x, b.x)
    pairs = distances.min(1)
    assert (pairs.values < 20).float().mean() > 0.8
    near = pairs.values < 20
    turn = (angle_b[pairs.indices[near]] - angle_a[near]) / (np.pi / 2)
    assert len((turn.round() % 4).unique()) == 1
    assert turn.round()[0] % 4 != 0


@pytest.mark.parametrize("shape", [(3, 40, 40), (3, 12, 12), (3, 11, 90)])
def test_a_picture_without_keypoints_has_none(shape):
    local, angle = dog_sift(torch.zeros(shape, dtype=torch.uint8))
    assert local.x.shape == (0, 128)
    assert len(angle) == len(local.xy) == 0
