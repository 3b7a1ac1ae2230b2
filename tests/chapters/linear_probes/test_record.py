"""DeCAF's few-shot table and the record of linear probes: their pieces on small collections."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from lecture_lib import backbones, encoders, settings
from lecture_lib.chapters.linear_probes import record, tables
from lecture_lib.datasets import ArrayImages, ImageCollection, protocols
from lecture_lib.linear import choose, logistic_regression, svm
from lecture_lib.metrics import mean_average_precision, mean_class_accuracy

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


def run(few, layers, methods=("SVM",)):
    return pd.DataFrame(tables.few_shot(few, layers, [0], 3, methods))


def test_pooling_is_chosen_by_validation_alone(few):
    train = few.split_indices()[0]
    clear, blurred = vectors(few.labels, 0.05), vectors(few.labels, 1.5)
    good_for_test, good_for_training = clear.copy(), blurred.copy()
    good_for_test[train], good_for_training[train] = blurred[train], clear[train]
    # what tells the classes apart in training pictures wins, though test pictures say otherwise
    (row,) = run(few, {"DeCAF5": {"a": good_for_test, "b": good_for_training}}).to_dict("records")
    assert row["pooling"] == "b"
    assert row["value"] < run(few, {"DeCAF5": {"a": good_for_test}}).value.item()


def test_rows_are_what_classifiers_trained_by_hand_say(few):
    x = vectors(few.labels, 0.5)
    rows = run(few, {"DeCAF5": {"a": x}, "DeCAF6": {"a": x}}, tables.METHODS)
    train, test = few.split_indices()
    fold = protocols.few_shot_split(few.labels[train], 5, 3, 0)
    first, second = rows[rows.layer == "DeCAF5"], rows[rows.layer == "DeCAF6"].set_index("method").value
    assert list(first.method) == ["LogReg", "SVM"]  # the first layer is tried without dropout
    for method, learner in (("SVM", svm), ("LogReg", logistic_regression)):
        probe = choose(learner, x[train], few.labels[train], tables.CS[method], [fold]).probe
        dropped = learner(x[train], few.labels[train], [probe.C], dropout=0.5, seed=0)[0]
        for name, one in ((method, probe), (f"{method} with Dropout", dropped)):
            expected = 100 * mean_class_accuracy(one.predict(x[test]), few.labels[test])
            assert second[name] == pytest.approx(expected)


def test_no_test_picture_changes_what_is_chosen(few):
    x = vectors(few.labels, 0.7)
    test = few.split_indices()[1]
    other = x.copy()
    other[test] = np.random.default_rng(3).normal(size=(len(test), 12))
    one, two = (run(few, {"DeCAF5": {"a": v, "b": v[:, ::2]}}) for v in (x, other))
    assert list(one.pooling) == list(two.pooling)
    assert (one.value != two.value).any()


def test_views_that_are_all_alike_train_what_one_of_them_does(few):
    x = vectors(few.labels, 0.8)
    once = svm(x, few.labels, [3.0])[0]
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
    assert claim.n == 16
    # by hand: sixteen pictures for one
    layer = net.decaf[6]
    x = encoders.encode(net, encoders.expand(squares), [layer], pool=4, l2=True)[layer].astype(np.float32)
    alone = encoders.encode(net, squares, [layer], pool=4, l2=True)[layer]
    np.testing.assert_allclose(x[::16], alone, atol=1e-3)  # the first view is the picture itself
    labels, test = squares.labels, np.arange(16, 32)
    C = choose(svm, x[: 16 * 16 : 16], labels[:16], tables.CS["SVM"]).probe.C
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
