"""Vectors of photographs: what is shipped is what the encoders make, to a byte a number, with labels and splits."""

import os
from functools import partial

import numpy as np
import pytest

from lecture_lib import datasets, features, settings
from lecture_lib.datasets import DatasetNotFound, vectors
from lecture_lib.datasets.cub200 import REGIONS_OF_BIRDS
from lecture_lib.datasets.vectors import SHIPPED, Vectors, read, write

PARTS = tuple(f"squeezenet1_1 DeCAF7, {region}" for region in REGIONS_OF_BIRDS)  # not visible in all pictures
NAMES = ("voc2007", "caltech101", "office31", "cub200", "clothing")


def test_what_is_written_is_read_to_half_a_step_with_boxes_and_splits(tmp_path):
    images = datasets.load("voc2007")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(len(images), 7)).astype(np.float32) * 10.0 ** np.arange(-3, 4, dtype=np.float32)
    x[:, 3] = 0.25
    some = np.where(np.arange(len(x)) % 3 > 0, 1, np.nan).astype(np.float32)[:, None] * x
    write(Vectors(images, {"a": x, "some": some}, {"encodings": {"a": {}, "some": {}}}), tmp_path / "v")
    again = read(tmp_path / "v")
    near = np.ptp(x, axis=0) / 255 * 0.501 + 1e-6 * np.abs(x)
    assert (np.abs(again.x["a"] - x) <= near).all()
    assert ((np.abs(again.x["some"] - some) <= near) == np.isfinite(some)).all()
    assert (np.isnan(again.x["some"]) == np.isnan(some)).all()
    assert (again.labels == images.labels).all()
    assert again.classes == images.classes
    for ours, theirs in zip(again.split_indices(), images.split_indices(), strict=True):
        assert (ours == theirs).all()
    for ours, theirs in zip(again.images.boxes, images.boxes, strict=True):
        assert (ours.xyxy == theirs.xyxy).all()
        assert (ours.difficult == theirs.difficult).all()


def test_the_few_pictures_a_class_are_the_same_as_of_the_collection(tmp_path):
    images = datasets.load("caltech101")
    write(Vectors(images, {}, {"encodings": {}}), tmp_path / "v")
    again = read(tmp_path / "v")
    for seed in (0, 3):
        for ours, theirs in zip(again.split_indices(seed), images.split_indices(seed), strict=True):
            assert (ours == theirs).all()


def test_components_keep_inner_products_and_do_not_look_at_test_pictures():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(60, 10)) @ rng.normal(size=(10, 900))).astype(np.float32)  # of rank 10
    train = np.arange(40)
    kept, share = features.components(x, train, 12)
    assert kept.shape == (60, 10)
    assert share == pytest.approx(1)
    np.testing.assert_allclose(kept @ kept.T, x @ x.T, rtol=1e-3, atol=1e-2)
    changed = x.copy()
    changed[50] *= -3
    np.testing.assert_array_equal(
        np.delete(features.components(changed, train, 12)[0], 50, 0), np.delete(kept, 50, 0)
    )


def test_components_are_the_directions_of_most_of_the_training_vectors_length():
    x = np.random.default_rng(0).normal(size=(50, 30)).astype(np.float32) * np.linspace(
        3, 0.1, 30, dtype=np.float32
    )
    kept, share = features.components(x, np.arange(50), 5)
    singular = np.linalg.svd(x, compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(kept, axis=0), singular[:5], rtol=1e-4)
    assert share == pytest.approx((singular[:5] ** 2).sum() / (singular**2).sum(), rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_shipped_vectors_are_finite_of_length_one_or_less_and_say_what_made_them(name):
    voc = vectors(name)
    assert voc.source == "photographs"
    assert voc.x.keys() == voc.about["encodings"].keys()
    for encoding, x in voc.x.items():
        assert x.shape == (len(voc.labels), voc.about["encodings"][encoding]["numbers"])
        if encoding == "points":
            continue
        lengths = np.linalg.norm(x, axis=1)
        if voc.about["encodings"][encoding].get("training pictures a class") or encoding in PARTS:
            lengths = lengths[np.isfinite(lengths)]
        assert lengths.min() > 0.1, encoding
        assert lengths.max() < 1.03, encoding  # not NaN, either
    assert {"command", "date", "versions", "weights", "seed", "fingerprint"} <= voc.about.keys()
    with pytest.raises(DatasetNotFound, match=r"not part of the project.*use\(.real"):
        voc.images.tensor(0)


def test_points_of_birds_lie_in_their_boxes_and_a_part_without_one_has_no_vector():
    cub = vectors("cub200")
    points, boxes = cub.x["points"].reshape(len(cub.labels), -1, 3), [of.xyxy[0] for of in cub.images.boxes]
    names = cub.about["encodings"]["points"]["made"].partition(" of ")[2].split(", ")
    assert len(names) == points.shape[1] == 15
    seen = points[..., 2] > 0.5
    for own, there, (x0, y0, x1, y1) in zip(points, seen, boxes, strict=True):
        around = [x0 - 12, y0 - 12], [x1 + 12, y1 + 12]  # some are annotated just outside
        assert np.array_equal(own[there, :2], own[there, :2].clip(*around))
    for region, of in REGIONS_OF_BIRDS.items():
        some = seen[:, [names.index(name) for name in of]].any(1)
        x = cub.x[f"squeezenet1_1 DeCAF7, {region}"]
        assert np.array_equal(np.isfinite(x).all(1), some)


def test_all_shipped_vectors_together_are_small_enough_to_be_cloned():
    sizes = [file.stat().st_size for file in SHIPPED.rglob("*.*")]
    assert sum(sizes) < 37e6  # 12 of them Office's at most
    assert max(sizes) < 8e6


def test_a_dataset_without_vectors_is_named_with_those_that_have_some():
    with pytest.raises(
        ValueError,
        match="no vectors of 'sun397'; there are some of caltech101, clothing, cub200, office31, voc2007",
    ):
        vectors("sun397")


@pytest.fixture
def real_profile():
    settings.use("real", quiet=True)
    yield
    settings.reset()


@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
def test_all_shipped_vectors_are_of_the_photographs_in_their_order(name, real_profile, monkeypatch):
    shipped, images = read(SHIPPED / name), datasets.load(name)
    if not os.environ.get("TORCH_HOME") or tuple(images.names) != tuple(shipped.images.names):
        pytest.skip("other photographs than those of the shipped vectors, or no weights")
    monkeypatch.setattr(features, "K", 16)  # codebooks of some pictures: near to those of all, not the same
    monkeypatch.setattr(features, "WORDS", 64)
    monkeypatch.setattr(features.ifv, "learn", partial(features.ifv.learn, n=20_000))
    some = np.arange(0, len(images), len(images) // 24)
    left = set(shipped.x)
    for encoding, x, most, *_ in features.ENCODINGS[name](images[some], np.arange(len(some))):
        here, made = shipped.x[encoding][some], np.asarray(x, np.float32)
        known = np.isfinite(here[:, 0])
        here, made = here[known], made[known]
        if most is None and "DeCAF" in encoding:  # words are others here
            every = shipped.x[encoding]
            step = (np.nanmax(every, axis=0) - np.nanmin(every, axis=0)) / 255
            assert (np.abs(made - here) <= step + 2e-3).all(), encoding
        pairs = np.triu_indices(len(here), 1)
        alike = np.corrcoef((made @ made.T)[pairs], (here @ here.T)[pairs])[0, 1]
        assert alike > (0.9 if "DeCAF" in encoding else 0.5), f"{encoding}: {alike:.2f}"
        left.discard(encoding)
    assert not left
