"""Shallow against deep: how rows are trained and tested, and the whole record on a handful of pictures."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lecture_lib import backbones, datasets, settings
from lecture_lib.chapters.ifv_vs_cnn import record, rows
from lecture_lib.datasets.collection import ArrayImages, ImageCollection
from lecture_lib.datasets.protocols import few_shot
from lecture_lib.encoders.ifv import Dense
from lecture_lib.linear import classify, kernel
from lecture_lib.metrics import average_precision, by_class, mean_class_accuracy
from lecture_lib.results import average, papers


def clouds(n=120, d=40, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    x = rng.standard_normal((classes, d))[labels] + 1.5 * rng.standard_normal((n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), labels


def table_of(labels, *splits):
    images = ArrayImages(np.zeros((len(labels), 3, 2, 2), np.uint8))
    images = ImageCollection("small", "twin", images, tuple("abc"), labels)
    return rows.Table(images, splits, Dense(), 1000, (0.1, 1.0, 10.0), None, 0)


def test_a_row_is_trained_and_tested_on_each_split_and_views_take_the_c_of_their_row():
    x, labels = clouds()
    first, second = (np.arange(60), np.arange(60, 120)), (np.arange(30, 90), np.r_[:30, 90:120])
    both, one = table_of(labels, first, second), table_of(labels, second)
    both.train("plain", x)
    one.train("plain", x)
    assert both.scores["plain"].shape == (2, 3)
    assert both.scores["plain"][1] == pytest.approx(one.scores["plain"][0], abs=1e-6)
    expected, C = classify(kernel(x[:60], x[60:]), labels[:60])
    assert both.scores["plain"][0] == pytest.approx(by_class(expected, labels[60:]), abs=1e-6)
    both.train("views", np.stack([x, x], 1), x, like="plain")
    assert both.C["views"] == both.C["plain"]
    assert both.C["plain"][0] == C
    assert both.scores["views"] == pytest.approx(both.scores["plain"], abs=5)


def test_each_class_has_its_own_number():
    scores, labels = np.random.default_rng(0).standard_normal((50, 3)), np.arange(50) % 3
    assert by_class(scores, labels).mean() == pytest.approx(
        100 * mean_class_accuracy(scores.argmax(1), labels)
    )
    several = (np.random.default_rng(1).random((50, 3)) < 0.4).astype(np.int8)
    assert by_class(scores, several) == pytest.approx(100 * average_precision(scores, several))


def test_joined_rows_are_those_of_joined_vectors():
    (x, labels), (y, _) = clouds(), clouds(seed=1)
    table = table_of(labels, (np.arange(60), np.arange(60, 120)))
    table.train("x", x)
    table.train("y", y)
    table.join("both", "x", "y")
    table.train("vectors", np.concatenate([x, y], 1) / np.sqrt(2, dtype=np.float32))
    assert table.scores["both"] == pytest.approx(table.scores["vectors"], abs=1e-6)
    assert table.length["both"] == table.length["vectors"] == 80


def test_a_codebook_for_all_splits_sees_no_test_picture_of_any(monkeypatch):
    splits = [(np.r_[:40, 50:90], np.r_[40:50, 90:120]), (np.r_[10:90], np.r_[:10, 90:120])]
    seen = []
    monkeypatch.setattr(rows, "learn", lambda images, *args, **options: seen.append(images))
    table_of(np.arange(120) % 3, *splits).codebook(4)
    shared = set(splits[0][0]) & set(splits[1][0])
    assert seen[0].images.names == tuple(f"twin {row}" for row in sorted(shared))


def test_windows_cover_the_picture_at_three_sizes():
    views = rows.windows()
    assert len(views) == 42
    assert sum(view.mirrored for view in views) == 21
    for side, n in ((1, 3), (2 / 3, 6), (1 / 2, 12)):
        places = {view.at for view in views if view.side == side and not view.mirrored}
        assert len(places) == n
        assert {x for x, _ in places} >= {0, 1}
        assert side == 1 or places >= {(0, 0), (1, 1), (1, 0), (0, 1)}


def choose_profile(monkeypatch, profile):
    monkeypatch.setattr(settings, "_chosen", {"profile": profile})
    monkeypatch.setattr(settings, "_settings", None)


@pytest.fixture
def tiny(monkeypatch):
    """Records a handful of pictures, with a 64th of the Gaussians; returns a function of profile and pictures."""

    def small(K):
        return max(1, K // 64)

    learn, normalised, written = rows.learn, rows.normalised, []

    def run(profile, images):
        choose_profile(monkeypatch, profile)
        monkeypatch.setattr(
            rows, "learn", lambda images, dense, K, **o: learn(images, dense, small(K), **o | {"n": 4000})
        )
        monkeypatch.setattr(rows, "normalised", lambda phi, K, **o: normalised(phi, small(K), **o))
        monkeypatch.setattr(record.datasets, "load", lambda name: images)
        monkeypatch.setattr(record.records, "write", lambda *args, **about: written.extend(args))
        record.main()
        name, found, claims = written
        assert name == "ifv_vs_cnn"
        return pd.DataFrame(found), claims

    return run


def test_the_whole_table_on_a_few_twins(tiny):
    images = datasets.load("voc2007")
    some, parts = images[:30], (np.arange(15), np.arange(15, 30))
    columns = np.argsort(-np.min([(some.labels[part] == 1).sum(0) for part in parts], axis=0))[:3]
    shown = {"classes": tuple(images.classes[c] for c in columns), "labels": some.labels[:, columns]}
    found, claims = tiny("demo", replace(some, **shown, groups=(), boxes=None, protocol=lambda *_: parts))
    table = papers.table("devil/voc2007").index
    lettered = [row for row in table if row.startswith(("(I", *(f"({c})" for c in "abcdefghijklm"), "(α)"))]
    of_table = found[found.letter.notna() & (found.metric == "mAP")]
    assert set(of_table.method) == set(lettered)
    assert of_table.value.between(0, 100).all()
    length = found[found.metric == "numbers in a vector"].set_index("method").value
    assert length["(a) FK"] == 8 * 2 * 4 * 80
    assert length["(d) FK IN"] == 2 * 4 * 82
    assert length["(α) FK+CNN F"] == length["(h) FK IN 512"] + length["(m) CNN F"]
    assert (found[found.metric.str.startswith("ms")].value > 0).all()
    assert [claim.id for claim in claims] == [f"devil/{id}" for id, *_ in record.RUNS["demo"].tested]


@pytest.mark.real
def test_the_rows_on_place_and_the_cnn_on_a_few_photographs(tiny, monkeypatch):
    choose_profile(monkeypatch, "real")
    try:
        images = datasets.load("caltech101")
        backbones.load()
    except (datasets.DatasetNotFound, backbones.WeightsNotFound) as missing:
        pytest.skip(str(missing))
    kept = np.concatenate([np.flatnonzero(images.labels == c)[:8] for c in (0, 1, 3)])
    some = images[kept]
    some = replace(
        some, classes=tuple(images.classes[c] for c in (0, 1, 3)), labels=np.repeat([0, 1, 2], 8), groups=()
    )
    plan = replace(record.RUNS["real"], options={"train_per_class": 5, "test_per_class": None})
    monkeypatch.setitem(record.RUNS, "real", plan)
    found, claims = tiny("real", replace(some, protocol=few_shot))
    means = average(found[found.metric == "mean class accuracy"])
    assert means.n_splits.tolist() == [3] * 7
    assert set(means.per_class) == {5}
    assert means.value.max() > 60
    assert [claim.n for claim in claims] == [3] * 5
