"""Linear probes on photographs: the experiment's pieces on small twins, and the numbers that were recorded."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.chapters.linear_probes import photographs
from lecture_lib.datasets import protocols
from lecture_lib.datasets.collection import ArrayImages, ImageCollection
from lecture_lib.linear import choose, logistic_regression, svm
from lecture_lib.metrics import average_precision, mean_average_precision, mean_class_accuracy
from lecture_lib.results import average
from lecture_lib.results.intervals import bootstrap

BUILD_CACHE = os.environ.get("LECTURE_CACHE")


@pytest.fixture(autouse=True)
def demo(monkeypatch, tmp_path):
    """The demo profile with a cache of its own."""
    monkeypatch.setattr(settings, "_chosen", {"profile": "demo", "cache": tmp_path / "cache"})
    monkeypatch.setattr(settings, "_settings", None)


N_CLASSES, EACH = 4, 14


@pytest.fixture(scope="module")
def few():
    """Pictures that nobody looks at, 14 of each of four classes, under Caltech-101's protocol."""
    pixels = np.zeros((N_CLASSES * EACH, 3, 2, 2), np.uint8)
    labels = np.repeat(np.arange(N_CLASSES), EACH)
    names = tuple("abcd")
    return ImageCollection("few", "twin", ArrayImages(pixels), names, labels, protocol=protocols.few_shot)


def vectors(labels, noise, seed=0):
    """A direction for each class, noise around it, length 1: float32 [N, 12]."""
    rng = np.random.default_rng(seed)
    x = np.eye(12)[labels] + noise * rng.normal(size=(len(labels), 12))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def run(few, found, **options):
    return pd.DataFrame(photographs.recognise(few, found, 0, **{"per_class": 8, "held": 3} | options))


# Caltech-101


def test_pooling_is_chosen_by_validation_alone(few):
    train = few.split_indices(0, train_per_class=8, test_per_class=None)[0]
    clear, blurred = vectors(few.labels, 0.05), vectors(few.labels, 1.5)
    good_for_test, good_for_training = clear.copy(), blurred.copy()
    good_for_test[train], good_for_training[train] = blurred[train], clear[train]
    # what tells the classes apart in training pictures wins, though test pictures say otherwise
    lines = run(few, {"fire9": {"mean": good_for_test, 2: good_for_training}}).set_index("pool")
    assert lines.chosen.to_dict() == {"mean": False, 2: True}
    assert lines.validation[2] == 100 > lines.validation["mean"]
    assert lines.test["mean"] > lines.test[2]


def test_lines_are_what_an_svm_trained_by_hand_says(few):
    x = vectors(few.labels, 0.5)
    lines = run(few, {"fire9": {"mean": x}}, logistic=["fire9"], dropout=["fire9"], curve=(2, 5))
    train, test = few.split_indices(0, train_per_class=8, test_per_class=None)
    assert len(train) == 32
    assert len(test) == N_CLASSES * (EACH - 8)
    svms = lines[lines.method == "SVM"].set_index("per_class")
    assert list(svms.index) == [8, 2, 5]
    assert len(set(svms.C)) == 1
    for n, line in svms.iterrows():
        part = few.split_indices(0, train_per_class=n, test_per_class=None)[0]
        assert len(part) == n * N_CLASSES
        assert set(part) <= set(train)
        probe = svm(x[part], few.labels[part], [line.C])[0]
        expected = 100 * mean_class_accuracy(probe.predict(x[test]), few.labels[test])
        assert line.test == pytest.approx(expected)
        assert np.isnan(line.validation) == (n < 8)
    assert set(lines.method) == {"SVM", "SVM with Dropout", "LogReg", "LogReg with Dropout"}
    for method in ("SVM", "LogReg"):  # dropout keeps the C that was chosen without it
        both = lines[lines.method.str.startswith(method) & (lines.per_class == 8)]
        assert len(set(both.C)) == 1


def test_no_test_picture_changes_what_is_chosen(few):
    x = vectors(few.labels, 0.7)
    test = few.split_indices(0, train_per_class=8, test_per_class=None)[1]
    other = x.copy()
    other[test] = np.random.default_rng(3).normal(size=(len(test), 12))
    one, two = (run(few, {"t": {"mean": v, 2: v[:, ::2]}}, logistic=["t"], dropout=["t"]) for v in (x, other))
    kept = ["pool", "chosen", "method", "C", "validation"]
    pd.testing.assert_frame_equal(one[kept], two[kept])
    assert (one.test != two.test).any()


def test_validation_holds_back_some_of_each_class_s_training_pictures(few):
    x = vectors(few.labels, 0.9)
    lines = run(few, {"t": {"mean": x}}, logistic=["t"]).set_index("method")
    train = few.split_indices(0, train_per_class=8, test_per_class=None)[0]
    kept, held = (train[part] for part in protocols.few_shot_split(few.labels[train], 5, 3, 0))
    assert (len(kept), len(held)) == (20, 12)
    for method, learner, Cs in (
        ("SVM", svm, photographs.SVM_CS),
        ("LogReg", logistic_regression, photographs.LOGISTIC_CS),
    ):
        probes = learner(x[kept], few.labels[kept], Cs)
        right = [(probe.predict(x[held]) == few.labels[held]).mean() for probe in probes]
        assert lines.validation[method] == pytest.approx(100 * max(right))
        assert lines.C[method] == Cs[int(np.argmax(right))]


def test_methods_are_tried_only_where_asked(few):
    found = {layer: {"mean": vectors(few.labels, 0.3)} for layer in ("fire7", "fire9")}
    lines = run(few, found, logistic=["fire7"], dropout=["fire9"])
    tried = {layer: set(some.method) for layer, some in lines.groupby("layer")}
    assert tried == {"fire7": {"SVM", "LogReg"}, "fire9": {"SVM", "SVM with Dropout"}}


def line(**changed):
    fields = {"weights": "pretrained", "layer": "fire9", "pool": 2, "chosen": True, "method": "SVM"}
    return fields | {"per_class": 30, "seed": 0, "C": 1.0, "validation": 70.0, "test": 80.0} | changed


DECAF = {"fire7": "DeCAF5", "fire9": "DeCAF7"}


def test_summary_averages_over_splits_and_puts_each_number_in_its_place():
    lines = [
        *(line(seed=s, test=80.0 + 2 * s, validation=70.0 + s) for s in range(3)),
        *(line(seed=s, pool="mean", chosen=False, test=50.0, validation=40.0) for s in range(3)),
        *(line(seed=s, per_class=5, test=60.0, validation=np.nan) for s in range(3)),
        *(line(seed=s, method="LogReg", layer="fire7", test=77.0) for s in range(3)),
        *(line(seed=s, weights="random", test=20.0) for s in range(3)),
        *(line(seed=s, layer="conv10", pool="mean", test=81.0) for s in range(3)),
    ]
    found = average(photographs.rows_of(pd.DataFrame(lines), DECAF, "real"))
    keys = ["method", "layer", "weights", "per_class", "pooling", "metric"]
    found = found.fillna({"weights": "", "pooling": ""}).set_index(keys)
    accuracy = "mean class accuracy"
    assert {place: (line.value, line.spread, line.n_splits) for place, line in found.iterrows()} == {
        ("SVM", "DeCAF7", "", 30, "", accuracy): (82.0, 2.0, 3),
        ("SVM", "DeCAF7", "", 5, "", accuracy): (60.0, 0.0, 3),
        ("LogReg", "DeCAF5", "", 30, "", accuracy): (77.0, 0.0, 3),
        ("SVM", "DeCAF7", "random", 30, "", accuracy): (20.0, 0.0, 3),
        ("SVM", "DeCAF7", "", 30, "2 x 2 means", "validation"): (71.0, 1.0, 3),
        ("SVM", "DeCAF7", "", 30, "2 x 2 means", accuracy): (82.0, 2.0, 3),
        ("SVM", "DeCAF7", "", 30, "mean of the map", "validation"): (40.0, 0.0, 3),
        ("SVM", "DeCAF7", "", 30, "mean of the map", accuracy): (50.0, 0.0, 3),
        ("SVM", "conv10", "", 30, "mean of the map", "validation"): (70.0, 0.0, 3),
        ("SVM", "conv10", "", 30, "mean of the map", accuracy): (81.0, 0.0, 3),
    }


def test_claims_pair_the_splits():
    jitter = [3.0, -2.0, 0.0, 5.0, 1.0]  # much wider than the differences
    lines = [line(seed=seed, test=70.0 + jitter[seed]) for seed in (4, 2, 0, 1, 3)]  # in an order of its own
    for seed, j in enumerate(jitter):
        lines += [
            line(seed=seed, layer="fire7", test=69.0 + j + 0.01 * seed),
            line(seed=seed, weights="random", test=72.0 + j),
            line(seed=seed, method="SVM with Dropout", test=70.5 + j),
            line(seed=seed, per_class=5, test=10.0),
            line(seed=seed, pool="mean", chosen=False, test=90.0),
        ]
    deeper, trained, dropout = photographs.compare_layers(pd.DataFrame(lines), "fire7", "fire9", "real", 0)
    assert (deeper.effect, trained.effect, dropout.effect) == pytest.approx((0.98, -2.0, 0.5))
    assert [c.verdict for c in (deeper, trained, dropout)] == ["held", "did not hold", "held"]
    assert all(claim.n == 5 for claim in (deeper, trained, dropout))
    assert trained.low == trained.high == pytest.approx(-2)


# VOC's layout


@pytest.fixture(scope="module")
def squares():
    """64 x 64 pictures of up to three bright squares, one class a colour, 16 to train and 16 to validate.

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
        protocol=lambda images, seed, *, train, test: (images.splits[train], images.splits[test]),
    )


def test_augmentation_sums_scores_of_all_views_and_counts_classes_with_positives(squares):
    net = backbones.load()
    results, (claim,) = photographs.augment(net, squares, "pool5", 2, 0, n_boot=60)
    assert {*zip(results.dataset, results.n, results.n_test, results.n_classes, strict=True)} == {
        ("squares", 16, 16, 3)
    }
    found = results[results["class"].isna()].set_index(["method", "metric"]).value
    for method in ("CNN-SVM", "CNNaug-SVM"):
        low, high = found[method, "mAP low"], found[method, "mAP high"]
        assert 0 < low < high <= 100
    gain = found["CNNaug-SVM", "mAP"] - found["CNN-SVM", "mAP"]
    assert claim.effect == pytest.approx(gain)
    assert claim.n == 3

    # by hand: sixteen pictures for one
    views, alone = (
        encoders.encode(net, some, ["pool5"], pool=2, l2=True)["pool5"].astype(np.float32)
        for some in (encoders.expand(squares), squares)
    )
    whole = views[::16]
    np.testing.assert_allclose(whole, alone, atol=1e-3)  # the first view is the picture itself
    labels, val = squares.labels, np.arange(16, 32)
    c = choose(svm, whole[:16], labels[:16]).probe.C
    many = svm(views[: 16 * 16], np.repeat(labels[:16], 16, 0), [c / 16])[0]
    scores = {
        "CNN-SVM": svm(whole[:16], labels[:16], [c])[0].scores(whole[16:]),
        "CNNaug-SVM": sum(many.scores(views[val * 16 + v]) for v in range(16)),
    }
    for method, score in scores.items():
        score, truth = score[:, :3], labels[val, :3]
        assert found[method, "mAP"] == pytest.approx(100 * mean_average_precision(score, truth))

        def mean_ap(rows, score=score, truth=truth):
            return 100 * np.nanmean(average_precision(score[rows], truth[rows]))

        interval = bootstrap(mean_ap, 16, seed=0, n_boot=60)
        assert (found[method, "mAP low"], found[method, "mAP high"]) == pytest.approx(
            (interval.low, interval.high)
        )


def test_missing_photographs_are_named_and_nothing_is_written(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(settings, "PACKAGE_DATA", tmp_path / "recorded")
    monkeypatch.setattr(settings, "_chosen", {"data": tmp_path / "nothing"})
    monkeypatch.setattr(photographs.backbones, "load", lambda: None)
    with pytest.raises(SystemExit, match="set LECTURE_DATA"):
        photographs.main()
    said = capsys.readouterr().out
    for part in ("caltech101", "coco_as_voc", "voc2012"):
        assert any(part in text for text in said.splitlines() if text.startswith("left out"))
    assert "datasets.fetch" in said
    assert not (tmp_path / "recorded").exists()


# photographs


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
    images = datasets.load("caltech101")  # its vectors are computed once a clone
    found = photographs.encode(net, images, ["fire9"], [2])
    lines = pd.DataFrame(photographs.recognise(images, found, 0))
    assert len(lines) == 1
    assert lines.test[0] > 80
