"""The tables on a few drawings: by other libraries, by hand, and what must not change with the test pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from lecture_lib import backbones, encoders, settings
from lecture_lib.chapters.older_baselines import kernel_sets, record, tables, two_stages
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders.gist import gist
from lecture_lib.encoders.whole import encode_whole
from lecture_lib.metrics import by_class

CLASSES, TRAIN, TEST = 3, 9, 3
DATASETS = ("caltech101", "sun397", "mit67", "cub200")


@pytest.fixture
def few(small_twin, monkeypatch, tmp_path):
    """Three classes of a twin, 9 + 3 pictures of each, few patches, words and Gaussians, and a cache of its own."""
    monkeypatch.setattr(two_stages, "SAMPLE", 6)
    monkeypatch.setattr(kernel_sets, "WORDS", 8)
    monkeypatch.setattr(kernel_sets, "DESCRIPTORS", 2000)
    monkeypatch.setattr(kernel_sets, "GROUPS", 2)
    monkeypatch.setattr(tables, "GAUSSIANS", 4)

    def draw(name):
        images = small_twin(name)
        settings.use("demo", cache=tmp_path, backbone="twin-alexnet", quiet=True)
        of_class = [np.flatnonzero(images.labels == c)[: TRAIN + TEST] for c in range(CLASSES)]
        part = images[np.concatenate(of_class)]
        place = np.arange(len(part)).reshape(CLASSES, -1)
        parts = place[:, :TRAIN].ravel(), place[:, TRAIN:].ravel()
        return replace(
            part, classes=part.classes[:CLASSES], groups=(), splits={}, protocol=lambda *_, **__: parts
        )

    yield draw
    settings.reset()


def test_filters_are_judged_as_scikit_learn_would(few):
    images = few("caltech101")
    train, test = images.split_indices()
    stages = two_stages.make_stages(images[train], "random", seed=0)
    x = two_stages.encode(images, stages).astype(np.float64)
    scale = StandardScaler().fit(x[train])
    theirs = LogisticRegression(C=tables.FILTERS_C, max_iter=2000, tol=1e-8).fit(
        scale.transform(x[train]), images.labels[train]
    )
    expected = by_class(theirs.decision_function(scale.transform(x[test])), images.labels[test])
    np.testing.assert_allclose(tables.filters(images, 0, tables.RANDOM), expected)


def test_words_come_from_training_pictures_only(few):
    images = few("sun397")
    train, _ = images.split_indices()
    whole = kernel_sets.descriptions(images, train, seed=0)
    assert {name: x.shape[1] for name, x in whole.items()} == {
        "GIST": 512, "dense SIFT pyramid": 64, "HOG": 1764, "colour histogram": 784
    }  # fmt: skip
    alone = kernel_sets.descriptions(images[train], np.arange(len(train)), seed=0)
    for name, x in whole.items():
        np.testing.assert_allclose(x[train], alone[name], atol=1e-3, err_msg=name)


def test_the_kernel_of_gist_is_gaussian_and_the_others_are_chi2():
    rng = np.random.default_rng(0)
    x = {name: rng.dirichlet(np.ones(20), 12).astype(np.float32) for name in ("GIST", "HOG")}
    made = kernel_sets.kernel_set(x, np.arange(8), np.arange(8, 12))
    a, b = x["GIST"], x["HOG"].astype(np.float64)
    euclidean = ((a[:, None] - a) ** 2).sum(2)
    chi2 = ((b[:, None] - b) ** 2 / (b[:, None] + b)).sum(2)
    for name, d, tolerance in (("GIST", euclidean, 1e-3), ("HOG", chi2, 0.03)):
        expected = np.exp(-d / d[:8, :8].mean())
        np.testing.assert_allclose(made[name].train, expected[:8, :8], atol=tolerance)
        np.testing.assert_allclose(made[name].test, expected[8:, :8], atol=tolerance)


def test_the_object_bank_joins_scores_of_cells(few):
    images, net = few("mit67"), backbones.load("twin-alexnet")
    phi = tables.object_bank(images, net)
    cells = phi.reshape(len(images), 21, -1)
    np.testing.assert_allclose(np.linalg.norm(cells, axis=2), 21**-0.5, rtol=1e-3)
    np.testing.assert_allclose(cells.mean(2), 0, atol=1e-5)
    top = net.layers[-1]
    scores = encoders.encode(net, images, [top], progress=False)[top].astype(np.float32)
    for i in (0, 20):
        assert np.corrcoef(cells[i, 0], scores[i])[0, 1] == pytest.approx(1, abs=1e-3)


def test_vectors_of_whole_pictures_are_kept(few, monkeypatch):
    images = few("sun397")
    x = encode_whole(images, gist)
    np.testing.assert_allclose(x[7], gist(images.tensor(7)), rtol=1e-4)
    monkeypatch.setattr(ImageCollection, "tensor", None)  # whatever opens a picture fails now
    np.testing.assert_array_equal(encode_whole(images, gist), x)


def test_the_whole_record_on_a_few_drawings(few, monkeypatch):
    written = []
    monkeypatch.setattr(record.datasets, "load_available", lambda *names: {name: few(name) for name in names})
    monkeypatch.setattr(record, "SPLITS", dict.fromkeys(record.SPLITS, range(1)))
    monkeypatch.setattr(record.records, "write", lambda *args, **_: written.extend(args) or Path(args[0]))
    monkeypatch.setattr(record, "verdicts", lambda claims: None)
    record.main()
    name, rows, claims = written
    assert name == "older_baselines"
    methods = {dataset: {r["method"] for r in rows if r["dataset"] == dataset} for dataset in DATASETS}
    kernels = {"GIST", "dense SIFT pyramid", "HOG", "colour histogram"}
    kernels |= {tables.MEAN, tables.BY_ACCURACY, tables.ALIGNED}
    assert methods == {
        "caltech101": kernels | set(tables.VARIANTS),
        "sun397": kernels,
        "mit67": {tables.GIST, tables.IFV, tables.OBJECTS},
        "cub200": {"SIFT", "colour", tables.SIFT_COLOUR},
    }
    assert all(0 <= r["value"] <= 100 for r in rows)
    best = {dataset: max(r["value"] for r in rows if r["dataset"] == dataset) for dataset in DATASETS}
    assert min(best.values()) > 100 / CLASSES
    assert len({c.id for c in claims}) == len(claims) == 3 + 3 + 3 + 1
