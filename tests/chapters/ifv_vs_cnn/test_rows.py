"""Shallow against deep: what all rows share, and the runs that were recorded."""

import numpy as np
import pandas as pd
import pytest

from lecture_lib import linear
from lecture_lib.chapters.ifv_vs_cnn import drawings as tables
from lecture_lib.chapters.ifv_vs_cnn import photographs
from lecture_lib.chapters.ifv_vs_cnn.photographs import shared_training
from lecture_lib.datasets.collection import ArrayImages, ImageCollection
from lecture_lib.datasets.protocols import few_shot
from lecture_lib.linear import classify, kernel
from lecture_lib.linear.kernels import products
from lecture_lib.metrics import average_precision, by_class, mean_class_accuracy
from lecture_lib.results import average


def clouds(n=90, d=40, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    x = rng.standard_normal((classes, d))[labels] + 1.5 * rng.standard_normal((n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), labels


def collection(n, labels, **more):
    images = ArrayImages(np.zeros((n, 3, 2, 2), np.uint8))
    return ImageCollection("small", "twin", images, tuple("abc"), labels, **more)


def test_each_class_has_its_own_number():
    scores, labels = np.random.default_rng(0).standard_normal((50, 3)), np.arange(50) % 3
    assert by_class(scores, labels).mean() == pytest.approx(
        100 * mean_class_accuracy(scores.argmax(1), labels)
    )
    several = (np.random.default_rng(1).random((50, 3)) < 0.4).astype(np.int8)
    assert by_class(scores, several) == pytest.approx(100 * average_precision(scores, several))


def test_a_codebook_for_all_splits_sees_no_test_picture_of_any():
    images = collection(120, np.arange(120) % 3, protocol=few_shot)
    shared = shared_training(images, range(3), train_per_class=30)
    assert len(shared) > 10
    for seed in range(3):
        assert not np.intersect1d(shared, images.split_indices(seed, train_per_class=30)[1]).size


def test_windows_cover_the_picture_at_three_sizes():
    views = tables.windows()
    assert len(views) == 42
    assert sorted({view.side for view in views}) == [0.5, 2 / 3, 1]
    assert sum(view.mirrored for view in views) == 21
    assert {view.at for view in views if view.side == 0.5 and not view.mirrored} >= {
        (0, 0),
        (1, 1),
        (1, 0),
        (0, 1),
    }


def test_a_row_of_the_table_is_trained_on_trainval_and_tested_on_test():
    x, labels = clouds(n=120)
    several = np.eye(3, dtype=np.int8)[labels]
    parts = np.arange(60), np.arange(60, 120)
    table = tables.Table(collection(120, several, protocol=lambda images, seed: parts))
    table.add("plain", table.kernel(x), 40)
    own, _ = classify(kernel(x[:60], x[60:]), several[:60])
    assert table.ap["plain"] == pytest.approx(by_class(own, several[60:]))
    views = np.stack([x, x], 1)
    table.add("views", table.kernel(views, x), 40, like="plain")
    assert table.C["views"] == table.C["plain"]
    assert table.ap["views"] == pytest.approx(table.ap["plain"], abs=1.5)


def test_photographs_are_split_trained_and_judged():
    x, labels = clouds(n=150)
    images = collection(150, labels, protocol=few_shot)
    shares = photographs.accuracies(images, products(x), 0)
    train, test = images.split_indices(0, train_per_class=30, test_per_class=None)
    best = [
        100 * mean_class_accuracy(p.predict(x[test]), labels[test])
        for p in linear.svm(x[train], labels[train], photographs.CS)
    ]
    assert shares.shape == (3,)
    assert min(best) - 4 <= shares.mean() <= max(best) + 4


def test_the_summary_of_photographs():
    rng = np.random.default_rng(0)
    rows = (
        "FK, spm",
        "FK IN, spm",
        "FK, no geometry",
        "FK, (x,y)",
        "FK IN, (x,y)",
        "CNN",
        "FK IN, (x,y), + CNN",
    )
    shares = {row: 60 + 4 * i + rng.standard_normal((3, 20)) for i, row in enumerate(rows)}
    results, found = photographs.summarise(shares, "real", 0)
    found_rows = average(pd.DataFrame(results))
    assert found_rows.method.tolist() == ["FK", "FK IN", "FK", "FK", "FK IN", "CNN", "FK IN + CNN"]
    assert found_rows.value[2] == pytest.approx(shares["FK, no geometry"].mean())
    assert found_rows.spread[2] == pytest.approx(shares["FK, no geometry"].mean(1).std(ddof=1))
    verdicts = {claim.id: claim.verdict for claim in found}
    assert verdicts["photographs: deep"] == "held"
    assert verdicts["photographs: both"] == "did not hold"
