"""The record of linear probes: its pieces on small collections, and one split of the photographs."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.chapters.linear_probes import record
from lecture_lib.datasets import ArrayImages, ImageCollection, protocols
from lecture_lib.linear import choose, logistic_regression, svm
from lecture_lib.metrics import mean_average_precision, mean_class_accuracy

BUILD_CACHE = os.environ.get("LECTURE_CACHE")
N_CLASSES, EACH = 4, 14


@pytest.fixture(autouse=True)
def demo(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "_chosen", {"profile": "demo", "cache": tmp_path / "cache"})
    monkeypatch.setattr(settings, "_settings", None)


@pytest.fixture(scope="module")
def few():
    """Pictures that nobody looks at, 14 of each of four classes, 8 to train."""
    pixels = np.zeros((N_CLASSES * EACH, 3, 2, 2), np.uint8)
    labels = np.repeat(np.arange(N_CLASSES), EACH)

    def protocol(images, split, train_per_class=8):
        return protocols.few_shot(images, split, train_per_class=train_per_class, test_per_class=None)

    return ImageCollection("few", "twin", ArrayImages(pixels), tuple("abcd"), labels, protocol=protocol)


def vectors(labels, noise, seed=0):
    """A direction for each class, noise around it, length 1: float32 [N, 12]."""
    rng = np.random.default_rng(seed)
    x = np.eye(12)[labels] + noise * rng.normal(size=(len(labels), 12))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def run(few, layers, **options):
    return pd.DataFrame(record.few_shot(few, layers, 0, 3, **options)).fillna({"pooling": ""})


def test_pooling_is_chosen_by_validation_alone(few):
    train = few.split_indices()[0]
    clear, blurred = vectors(few.labels, 0.05), vectors(few.labels, 1.5)
    good_for_test, good_for_training = clear.copy(), blurred.copy()
    good_for_test[train], good_for_training[train] = blurred[train], clear[train]
    # what tells the classes apart in training pictures wins, though test pictures say otherwise
    rows = run(few, {"DeCAF5": {"a": good_for_test, "b": good_for_training}}, learners={"SVM": svm})
    value = rows.set_index(["pooling", "metric"]).value
    assert value["b", "validation"] == 100 > value["a", "validation"]
    assert value["", "mean class accuracy"] == value["b", "mean class accuracy"]
    assert value["a", "mean class accuracy"] > value["b", "mean class accuracy"]


def test_rows_are_what_an_svm_trained_by_hand_says(few):
    x = vectors(few.labels, 0.5)
    rows = run(few, {"DeCAF5": {"a": x}}, curve=(2, 5))
    train, test = few.split_indices()
    fold = protocols.few_shot_split(few.labels[train], 5, 3, 0)
    assert list(rows.method) == ["SVM", "LogReg", "SVM", "SVM"]  # the first layer is tried without dropout
    for method, learner in (("SVM", svm), ("LogReg", logistic_regression)):
        probe = choose(learner, x[train], few.labels[train], record.CS[method], [fold]).probe
        expected = 100 * mean_class_accuracy(probe.predict(x[test]), few.labels[test])
        assert rows[rows.method == method].value.iloc[0] == pytest.approx(expected)
    C = choose(svm, x[train], few.labels[train], record.CS["SVM"], [fold]).probe.C
    for n, value in rows[rows.per_class < 8].set_index("per_class").value.items():
        part = few.split_indices(train_per_class=n)[0]
        assert set(part) <= set(train)
        probe = svm(x[part], few.labels[part], [C])[0]
        assert value == pytest.approx(100 * mean_class_accuracy(probe.predict(x[test]), few.labels[test]))


def test_no_test_picture_changes_what_is_chosen(few):
    x = vectors(few.labels, 0.7)
    test = few.split_indices()[1]
    other = x.copy()
    other[test] = np.random.default_rng(3).normal(size=(len(test), 12))
    one, two = (run(few, {"DeCAF5": {"a": v, "b": v[:, ::2]}}) for v in (x, other))
    validated = one.metric == "validation"
    pd.testing.assert_frame_equal(one[validated], two[validated])
    assert (one.value != two.value).any()


def test_claims_pair_the_splits():
    jitter = [3.0, -2.0, 0.0, 5.0, 1.0]  # much wider than the differences
    row = {"dataset": "few", "per_class": 30, "method": "SVM", "layer": "DeCAF7"}
    rows = [row | {"split": s, "value": 70.0 + jitter[s]} for s in (4, 2, 0, 1, 3)]  # in an order of its own
    for s, j in enumerate(jitter):
        rows += [
            row | {"split": s, "layer": "DeCAF5", "value": 69.0 + j + 0.01 * s},
            row | {"split": s, "weights": "random", "value": 72.0 + j},
            row | {"split": s, "method": "SVM with Dropout", "value": 70.5 + j},
            row | {"split": s, "per_class": 5, "value": 10.0},
            row | {"split": s, "pooling": "mean of the map", "value": 90.0},
        ]
    deeper, trained, dropout = record.few_shot_claims(pd.DataFrame(rows), "real", 0)
    assert (deeper.effect, trained.effect, dropout.effect) == pytest.approx((0.98, -2.0, 0.5))
    assert [c.verdict for c in (deeper, trained, dropout)] == ["held", "did not hold", "held"]
    assert trained.low == trained.high == pytest.approx(-2)


def test_views_that_are_all_alike_train_what_one_of_them_does(few):
    x = vectors(few.labels, 0.8)
    once = svm(x, few.labels, [3.0], tol=1e-6)[0]
    views = record.train_on_views(np.repeat(x[:, None], 5, axis=1), few.labels, 3.0)
    new = np.random.default_rng(1).normal(size=(500, 12)).astype(np.float32)
    assert (views.predict(new) == once.predict(new)).mean() > 0.98


def test_views_of_a_picture_keep_its_label(few):
    x = vectors(few.labels, 0.5)
    views = np.stack([x, x[::-1].copy()], axis=1)  # the second view of a picture looks like another class
    alone = record.train_on_views(np.stack([x, x], axis=1), few.labels, 3.0)
    mixed = record.train_on_views(views, few.labels, 3.0)
    right = (alone.predict(x) == few.labels).mean()
    assert (mixed.predict(x) == few.labels).mean() < right - 0.1


@pytest.fixture(scope="module")
def squares():
    """64 x 64 pictures of up to three bright squares, one class a colour, 16 to train and 16 to test.

    The last class is in training pictures only.
    """
    rng = np.random.default_rng(0)
    labels = (rng.random((32, 4)) < 0.4).astype(np.int8)
    labels[16:, 3] = 0
    labels[5, 2] = -1
    pixels = rng.integers(0, 60, (32, 3, 64, 64), dtype=np.uint8)
    for i, label in enumerate(labels):
        for c in np.flatnonzero(label[:3] == 1):
            y, x = rng.integers(0, 40, 2)
            pixels[i, c, y : y + 24, x : x + 24] = 250
    return ImageCollection(
        *("squares", "twin", ArrayImages(pixels), tuple("rgbx"), labels),
        splits={"train": np.arange(16), "val": np.arange(16, 32)},
        protocol=partial(protocols.official_split, train="train", test="val"),
    )


def test_sixteen_views_sum_scores_and_count_classes_with_positives(squares):
    net = backbones.load()
    scores = record.sixteen_views(net, squares, 4)
    rows, (claim,) = record.rows_of_views(squares, scores, 0)
    rows = pd.DataFrame(rows)
    assert {*zip(rows.n, rows.n_test, rows.n_classes, strict=True)} == {(16, 16, 3)}
    value = rows[rows["class"].isna()].set_index(["method", "metric"]).value
    assert claim.effect == pytest.approx(value["CNNaug-SVM", "mAP"] - value["CNN-SVM", "mAP"])
    assert claim.n == 3
    # by hand: sixteen pictures for one
    layer = net.decaf[6]
    x = encoders.encode(net, encoders.expand(squares), [layer], pool=4, l2=True)[layer].astype(np.float32)
    alone = encoders.encode(net, squares, [layer], pool=4, l2=True)[layer]
    np.testing.assert_allclose(x[::16], alone, atol=1e-3)  # the first view is the picture itself
    labels, test = squares.labels, np.arange(16, 32)
    C = choose(svm, x[: 16 * 16 : 16], labels[:16], record.CS["SVM"]).probe.C
    many = svm(x[: 16 * 16], np.repeat(labels[:16], 16, 0), [C / 16])[0]
    summed = sum(many.scores(x[test * 16 + v]) for v in range(16))
    expected = 100 * mean_average_precision(summed[:, :3], labels[test, :3])
    assert value["CNNaug-SVM", "mAP"] == pytest.approx(expected)


def test_without_photographs_what_is_missing_is_named_and_nothing_is_written(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(settings, "PACKAGE_DATA", tmp_path / "recorded")
    monkeypatch.setattr(settings, "_chosen", {"profile": "real", "data": tmp_path / "nothing"})
    monkeypatch.setattr(record.backbones, "load", lambda **_: None)
    with pytest.raises(SystemExit, match="LECTURE_DATA"):
        record.main()
    printed = capsys.readouterr().out
    for name in ("caltech101", "cub200", "voc2012"):
        assert f"left out: {name}" in printed
    assert not (tmp_path / "recorded").exists()


@pytest.mark.real
def test_one_split_of_caltech_reaches_eighty_per_cent(monkeypatch):
    root = Path(os.environ["LECTURE_DATA"]).absolute()
    if not (root / "caltech101").is_dir():
        pytest.skip("no caltech101 under LECTURE_DATA")
    monkeypatch.setattr(settings, "_chosen", {"profile": "real", "data": root, "cache": BUILD_CACHE})
    monkeypatch.setattr(settings, "_settings", None)
    try:
        net = backbones.load()
    except backbones.WeightsNotFound as missing:
        pytest.skip(str(missing))
    images = datasets.load("caltech101")
    layers = {"DeCAF7": {"2 x 2": encoders.encode(net, images, ["fire9"], pool=2, l2=True)["fire9"]}}
    (row,) = record.few_shot(images, layers, 0, 5, learners={"SVM": svm})
    assert row["value"] > 80
