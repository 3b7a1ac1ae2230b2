"""The recorded tables of linear probes: the functions on small collections, and what was recorded."""

import json

import numpy as np
import pytest

from lecture_lib import linear, metrics, settings
from lecture_lib.chapters.linear_probes import drawings as tables
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.datasets.protocols import few_shot, few_shot_split
from lecture_lib.results import claims, papers


@pytest.fixture(scope="module")
def collection():
    """Four classes of 40 pictures whose features [160, 12] overlap."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 40)
    x = rng.normal(size=(4, 12))[labels] + 1.2 * rng.normal(size=(160, 12))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    images = ArrayImages(np.zeros((160, 3, 2, 2), np.uint8))
    return ImageCollection("small", "twin", images, tuple("abcd"), labels, protocol=few_shot), x


def test_a_table_is_the_mean_over_splits_of_what_a_plain_loop_finds(collection):
    images, x = collection
    results = tables.decaf_table(images, {"DeCAF6": x}, "decaf/caltech101", {"SVM": linear.svm}, 5, range(3))
    shares = []
    for seed in range(3):
        train, test = images.split_indices(seed)
        fold = few_shot_split(images.labels[train], 25, 5, seed)
        probe = linear.choose(linear.svm, x[train], images.labels[train], tables.CS, [fold]).probe
        shares.append(100 * metrics.mean_class_accuracy(probe.predict(x[test]), images.labels[test]))
    whole, first = results
    assert (whole.row, whole.column, whole.n_splits) == ("SVM", "DeCAF6", 3)
    assert whole.mean == pytest.approx(np.mean(shares))
    assert whole.spread == pytest.approx(np.std(shares))
    assert (first.table, first.mean, first.spread) == (None, pytest.approx(shares[0]), None)
    assert 25 < whole.mean < 100  # a case in which something is learned and something is not


def test_dropout_is_not_tried_on_pool5_as_in_the_paper(collection):
    images, x = collection
    both = {"DeCAF5": x, "DeCAF6": x}
    rows = {row: tables.LEARNERS[row] for row in ("SVM", "SVM with Dropout")}
    results = tables.decaf_table(images, both, "decaf/caltech101", rows, 5, range(1))
    cells = [(r.row, r.column) for r in results if r.table]
    assert cells == [("SVM", "DeCAF5"), ("SVM", "DeCAF6"), ("SVM with Dropout", "DeCAF6")]


def test_views_that_are_all_alike_train_what_one_of_them_does(collection):
    images, x = collection
    once = linear.svm(x, images.labels, [3.0], tol=1e-6)[0]
    views = tables.train_on_views(np.repeat(x[:, None], 5, axis=1), images.labels, 3.0)
    new = np.random.default_rng(1).normal(size=(500, 12)).astype(np.float32)
    assert (views.predict(new) == once.predict(new)).mean() > 0.98


def test_views_of_a_picture_keep_its_label(collection):
    images, x = collection
    views = np.stack([x, x[::-1].copy()], axis=1)  # the second view of a picture looks like another class
    single = tables.train_on_views(np.stack([x, x], axis=1), images.labels, 3.0)
    mixed = tables.train_on_views(views, images.labels, 3.0)
    right = (single.predict(x) == images.labels).mean()
    assert (mixed.predict(x) == images.labels).mean() < right - 0.1


def test_the_record_fills_the_tables_and_says_what_made_it():
    path = settings.PACKAGE_DATA / "results" / f"{tables.NAME}.demo.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told["command"] == "python -m lecture_lib.chapters.linear_probes.drawings"
    assert {"seed", "versions", "date", "network"} <= set(told)
    run = claims.read_run(tables.NAME, "demo")
    cells = {(r.table, r.row, r.column): r for r in run.results}
    assert all(r.source == "twin" for r in run.results)
    for row in tables.LEARNERS:
        for column in ("DeCAF5", "DeCAF6", "DeCAF7"):
            printed = not np.isnan(papers.value("decaf/caltech101", row, column)[0])
            assert (("decaf/caltech101", row, column) in cells) == printed
    caltech = cells["decaf/caltech101", "SVM", "DeCAF6"]
    assert (caltech.n_splits, caltech.spread > 0, 80 < caltech.mean < 100) == (5, True, True)
    for table in ("offtheshelf/mit67", "offtheshelf/cub200"):
        assert {(table, row, "mean Accuracy") for row in ("CNN-SVM", "CNNaug-SVM")} <= set(cells)
    assert cells["decaf/sun397", "SVM", "DeCAF7"].n_splits == 5


def test_a_missing_record_names_those_there_are():
    with pytest.raises(FileNotFoundError, match=r"no recorded run nothing\.demo; there are: .*linear_probes"):
        claims.read_run("nothing", "demo")
