"""Shallow against deep: how rows are trained and tested, and the whole record on a handful of pictures."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lecture_lib import datasets
from lecture_lib.chapters.ifv_vs_cnn import record, rows
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.encoders.ifv import Dense
from lecture_lib.linear import classify, kernel
from lecture_lib.metrics import by_class
from lecture_lib.results import papers


def clouds(n=120, d=40, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    x = rng.standard_normal((classes, d))[labels] + 1.5 * rng.standard_normal((n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), labels


SPLIT = (np.r_[:30, 60:90], np.r_[30:60, 90:120])


def table_of(labels):
    images = ArrayImages(np.zeros((len(labels), 3, 2, 2), np.uint8))
    images = ImageCollection("small", "twin", images, tuple("abc"), labels)
    return rows.Table(images, SPLIT, Dense(), 1000, (0.1, 1.0, 10.0), {}, 0)


def test_a_row_learns_from_training_pictures_and_views_take_the_c_of_their_row():
    x, labels = clouds()
    table = table_of(labels)
    table.train("plain", x)
    plain, (train, test) = table.rows["plain"], SPLIT
    expected, C = classify(kernel(x[train], x[test]), labels[train])
    assert plain.scores == pytest.approx(by_class(expected, labels[test]), abs=1e-6)
    assert plain.C == C
    table.train("views", np.stack([x, x], 1), x, like="plain")
    assert table.rows["views"].C == plain.C
    assert table.rows["views"].scores == pytest.approx(plain.scores, abs=5)


def test_joined_rows_are_those_of_joined_vectors():
    (x, labels), (y, _) = clouds(), clouds(seed=1)
    table = table_of(labels)
    table.train("x", x)
    table.train("y", y)
    table.join("both", "x", "y")
    table.train("vectors", np.concatenate([x, y], 1) / np.sqrt(2, dtype=np.float32))
    both, vectors = table.rows["both"], table.rows["vectors"]
    assert both.scores == pytest.approx(vectors.scores, abs=1e-6)
    assert both.length == vectors.length == 80


def test_a_codebook_sees_no_test_picture(monkeypatch):
    seen = []
    monkeypatch.setattr(rows, "learn", lambda images, *args, **options: seen.append(images))
    table_of(np.arange(120) % 3).codebook(4)
    assert seen[0].images.names == tuple(f"twin {row}" for row in SPLIT[0])


def test_windows_cover_the_picture_at_three_sizes():
    views = rows.windows()
    assert len(views) == 42
    assert sum(view.mirrored for view in views) == 21
    for side, n in ((1, 3), (2 / 3, 6), (1 / 2, 12)):
        places = {view.at for view in views if view.side == side}
        assert len(places) == n
        assert side == 1 or places >= {(0, 0), (1, 1), (1, 0), (0, 1)}


@pytest.fixture
def few_gaussians(monkeypatch):
    """Learns with a 64th of the Gaussians."""

    def learn(images, dense, K, *, learn=rows.learn, **options):
        return learn(images, dense, max(1, K // 64), **options | {"n": 4000})

    def normalised(phi, K, *, normalised=rows.normalised, **options):
        return normalised(phi, max(1, K // 64), **options)

    monkeypatch.setattr(rows, "learn", learn)
    monkeypatch.setattr(rows, "normalised", normalised)


def test_the_whole_table_on_a_few_twins(monkeypatch, few_gaussians):
    images, parts = datasets.load("voc2007"), (np.arange(15), np.arange(15, 30))
    frequent = np.argsort(-np.min([(images.labels[part] == 1).sum(0) for part in parts], axis=0))[:3]
    classes, labels = tuple(images.classes[c] for c in frequent), images.labels[:30, frequent]
    part = replace(images[:30], classes=classes, labels=labels, groups=(), boxes=None)
    written = []
    monkeypatch.setattr(record.datasets, "load", lambda name, **_: replace(part, protocol=lambda *_: parts))
    monkeypatch.setattr(record.records, "write", lambda *args, **about: written.extend(args))
    record.main()
    name, measured, claims = written
    assert name == "ifv_vs_cnn"
    assert [claim.id for claim in claims] == [f"devil/{id}" for id, *_ in record.TABLE]
    assert [claim.n for claim in claims] == [3] * len(claims)
    measured = pd.DataFrame(measured)
    lettered = papers.table("devil/voc2007").index
    lettered = [row for row in lettered if row[:2] == "(I" or row[1] in "abcdefghijklmnα"]
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
