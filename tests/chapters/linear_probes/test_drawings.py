"""The recorded tables of linear probes: the functions on small collections, and what was recorded."""

import numpy as np
import pytest

from lecture_lib import linear, metrics
from lecture_lib.chapters.linear_probes import drawings as tables
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.datasets.protocols import few_shot, few_shot_split


@pytest.fixture(scope="module")
def collection():
    """Four classes of 40 pictures whose features [160, 12] overlap."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 40)
    x = rng.normal(size=(4, 12))[labels] + 1.2 * rng.normal(size=(160, 12))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    images = ArrayImages(np.zeros((160, 3, 2, 2), np.uint8))
    return ImageCollection("small", "twin", images, tuple("abcd"), labels, protocol=few_shot), x


def test_a_table_has_for_each_split_what_a_plain_loop_finds(collection):
    images, x = collection
    results = tables.decaf_table(images, {"DeCAF6": x}, {"SVM": linear.svm}, 5, range(3))
    shares = []
    for seed in range(3):
        train, test = images.split_indices(seed)
        fold = few_shot_split(images.labels[train], 25, 5, seed)
        probe = linear.choose(linear.svm, x[train], images.labels[train], tables.CS, [fold]).probe
        shares.append(100 * metrics.mean_class_accuracy(probe.predict(x[test]), images.labels[test]))
    assert [(r["method"], r["layer"], r["split"]) for r in results] == [
        ("SVM", "DeCAF6", s) for s in range(3)
    ]
    assert [r["value"] for r in results] == pytest.approx(shares)
    assert 25 < np.mean(shares) < 100  # a case in which something is learned and something is not


def test_dropout_is_not_tried_on_pool5_as_in_the_paper(collection):
    images, x = collection
    both = {"DeCAF5": x, "DeCAF6": x}
    rows = {row: tables.LEARNERS[row] for row in ("SVM", "SVM with Dropout")}
    results = tables.decaf_table(images, both, rows, 5, range(1))
    cells = [(r["method"], r["layer"]) for r in results]
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
