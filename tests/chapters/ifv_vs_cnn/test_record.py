"""Shallow against deep: how rows are trained and tested, and the whole record on a handful of pictures."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lecture_lib import datasets
from lecture_lib.chapters.ifv_vs_cnn import record, rows
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.datasets.protocols import few_shot
from lecture_lib.encoders.ifv import Dense
from lecture_lib.linear import classify, kernel
from lecture_lib.metrics import by_class
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
    table = table_of(labels, first, second)
    table.train("plain", x)
    plain = table.rows["plain"]
    for split, (train, test) in enumerate((first, second)):
        expected, C = classify(kernel(x[train], x[test]), labels[train])
        assert plain.scores[split] == pytest.approx(by_class(expected, labels[test]), abs=1e-6)
        assert plain.C[split] == C
    table.train("views", np.stack([x, x], 1), x, like="plain")
    assert table.rows["views"].C == plain.C
    assert table.rows["views"].scores == pytest.approx(plain.scores, abs=5)


def test_joined_rows_are_those_of_joined_vectors():
    (x, labels), (y, _) = clouds(), clouds(seed=1)
    table = table_of(labels, (np.arange(60), np.arange(60, 120)))
    table.train("x", x)
    table.train("y", y)
    table.join("both", "x", "y")
    table.train("vectors", np.concatenate([x, y], 1) / np.sqrt(2, dtype=np.float32))
    both, vectors = table.rows["both"], table.rows["vectors"]
    assert both.scores == pytest.approx(vectors.scores, abs=1e-6)
    assert both.length == vectors.length == 80


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
        places = {view.at for view in views if view.side == side}
        assert len(places) == n
        assert side == 1 or places >= {(0, 0), (1, 1), (1, 0), (0, 1)}


@pytest.fixture
def tiny(monkeypatch):
    """Records a handful of pictures, with a 64th of the Gaussians; returns a function of pictures and what is run."""

    def learn(images, dense, K, *, learn=rows.learn, **options):
        return learn(images, dense, max(1, K // 64), **options | {"n": 4000})

    def normalised(phi, K, *, normalised=rows.normalised, **options):
        return normalised(phi, max(1, K // 64), **options)

    def run(images, plan):
        written = []
        monkeypatch.setattr(rows, "learn", learn)
        monkeypatch.setattr(rows, "normalised", normalised)
        monkeypatch.setitem(record.RUNS, "demo", plan)
        monkeypatch.setattr(record.datasets, "load", lambda name: images)
        monkeypatch.setattr(record.records, "write", lambda *args, **about: written.extend(args))
        record.main()
        name, measured, claims = written
        assert name == "ifv_vs_cnn"
        assert [claim.id for claim in claims] == [f"devil/{id}" for id, *_ in plan.tested]
        assert [claim.n for claim in claims] == [len(images.classes)] * len(claims)
        return pd.DataFrame(measured)

    return run


def test_the_whole_table_on_a_few_twins(tiny):
    images, parts = datasets.load("voc2007"), (np.arange(15), np.arange(15, 30))
    frequent = np.argsort(-np.min([(images.labels[part] == 1).sum(0) for part in parts], axis=0))[:3]
    classes, labels = tuple(images.classes[c] for c in frequent), images.labels[:30, frequent]
    part = replace(images[:30], classes=classes, labels=labels, groups=(), boxes=None)
    measured = tiny(replace(part, protocol=lambda *_: parts), record.RUNS["demo"])
    lettered = papers.table("devil/voc2007").index
    lettered = [row for row in lettered if row[:2] == "(I" or row[1] in "abcdefghijklmα"]
    of_table = measured[measured.letter.notna() & (measured.metric == "mAP")]
    assert set(of_table.method) == set(lettered)
    assert of_table.value.between(0, 100).all()
    length = measured[measured.metric == "numbers in a vector"].set_index("method").value
    assert length["(a) FK"] == 8 * 2 * 4 * 80
    assert length["(d) FK IN"] == 2 * 4 * 82
    assert length["(l) FK IN 512 COL+"] == length["(k) FK IN 512 COL+"]
    assert length["(α) FK+CNN F"] == length["(h) FK IN 512"] + length["(m) CNN F"]
    assert (measured[measured.metric.str.startswith("ms")].value > 0).sum() == 6
    family = of_table.set_index("method").family
    assert [family[row] for row in ("(II) DECAF", "(k) FK IN 512 COL+", "(α) FK+CNN F")] == [
        "CNN", "IFV", "IFV + CNN",
    ]  # fmt: skip


def test_the_run_for_photographs_gives_a_number_for_each_of_its_splits(tiny):
    rng, labels = np.random.default_rng(0), np.arange(24) % 3
    turn, (y, x) = labels[:, None, None] * np.pi / 3, np.indices((64, 64)) / 2
    grey = 60 * np.sin(x * np.cos(turn) + y * np.sin(turn)) + rng.normal(128, 10, (24, 64, 64))
    stripes = ArrayImages(np.stack([grey.astype(np.uint8)] * 3, 1))
    stripes = ImageCollection("stripes", "twin", stripes, tuple("abc"), labels, protocol=few_shot)
    plan = replace(record.RUNS["real"], options={"train_per_class": 5, "test_per_class": None})
    measured = tiny(stripes, plan)
    accuracy = measured[measured.metric == "mean class accuracy"]
    assert accuracy.groupby("method").split.apply(list).tolist() == [[0, 1, 2]] * 7
    assert set(measured.per_class) == {5}
    assert average(accuracy).value.min() > 90  # stripes of three directions
