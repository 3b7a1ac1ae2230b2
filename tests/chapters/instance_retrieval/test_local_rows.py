"""Every row by local features finds what was planted; tracks follow what moved."""

from types import SimpleNamespace

import numpy as np
import pytest

from lecture_lib.chapters.instance_retrieval import local_rows
from lecture_lib.chapters.instance_retrieval.features import Features
from lecture_lib.chapters.instance_retrieval.local_rows import Local, same_spots
from lecture_lib.chapters.instance_retrieval.tables import Search, judge
from lecture_lib.datasets.retrieval import Query

N, EACH = 24, 60


@pytest.fixture(scope="module")
def planted():
    """Pictures 2k and 2k + 1 share 30 things, at places that one map takes into another, and have 30 of their own."""
    rng = np.random.default_rng(0)
    shared = rng.integers(0, 120, (N // 2, EACH // 2, 128)).repeat(2, 0)
    x = np.concatenate([shared, rng.integers(0, 120, (N, EACH // 2, 128))], 1)
    x = np.clip(x + rng.integers(-9, 9, x.shape), 0, 255).astype(np.uint8).reshape(-1, 128)
    places = rng.uniform(0, 100, (N // 2, EACH, 2)).repeat(2, 0)
    places[1::2] = places[1::2] * 0.8 + [12, 3]
    places[:, EACH // 2 :] = rng.uniform(0, 100, (N, EACH // 2, 2))
    angle = rng.uniform(-3, 3, (N // 2, EACH)).repeat(2, 0).ravel().astype(np.float32)
    xy = places.reshape(-1, 2).astype(np.float32)
    return Features(x, xy, np.full(N * EACH, 3, np.float32), angle, np.arange(N + 1) * EACH)


@pytest.fixture
def local(planted, monkeypatch):
    monkeypatch.setattr(local_rows, "extract", lambda *_: planted)
    monkeypatch.setattr(local_rows, "OF_VLAD", 16)
    monkeypatch.setattr(local_rows, "OF_CVLAD", 8)
    images = SimpleNamespace(name="oxford5k", source="real", labels=np.arange(N) // 2)
    queries = tuple(Query(i, None, [i + 1], [], [i], str(i)) for i in range(0, N, 2))
    return Local(Search(images, queries, images, np.arange(N)), "DoG")


ROWS = ["by_words", "by_vectors", "by_codes", "by_kernels", "by_fine_words", "verified"]


@pytest.mark.parametrize("name", ROWS)
def test_every_row_finds_the_other_picture_of_a_pair(name, local):
    for row in getattr(local_rows, name)(local):
        assert judge(local.task, row).values.mean() > 75, row.method
        assert 0 < row.bytes < 1e6


def test_rows_go_by_the_lectures_names(local):
    names = [row.method for name in ROWS for row in getattr(local_rows, name)(local)]
    assert len(set(names)) == len(names)
    assert {"BoW", "IFV", "VLAD", "CVLAD", "HE+burst", "AHE+burst", "Fine vocab", "ASMK*+MA", "ASMK+MA"} < {
        *names
    }


def test_a_query_asks_with_what_is_in_its_box(local):
    box = np.array([0, 0, 50, 50], np.float32)
    boxed = Query(0, box, [1], [], [0], "0")
    other = local.of(
        local.features, Search(local.task.images, (boxed,), local.task.apart, local.task.unjudged)
    )
    xy = local.features.xy[:EACH]
    assert len(other.asked(0).x) == ((xy >= 0) & (xy < 50)).all(1).sum() < EACH


def test_another_collection_of_the_same_words_is_indexed_anew(local):
    index = local.index
    other = local.of(local.features[np.arange(4)], local.task)
    assert other.means is local.means
    assert len(other.index.length) == 4
    assert local.index is index


def test_the_same_spots_are_near_both_ways_and_of_like_size_and_angle():
    xy = np.array([[10, 10], [40, 10], [10, 40], [40, 40], [70, 70]], np.float32)
    mine = Features(
        np.zeros((5, 128), np.uint8), xy, np.full(5, 4, np.float32), np.zeros(5, np.float32), np.array([0, 5])
    )
    to = xy.astype(np.float64) * 2
    to[4] = np.nan  # hidden there
    theirs = np.array([[20, 23], [80, 21], [20, 80], [80, 80], [140, 140], [21, 20]], np.float32)
    scale = np.array([8, 8, 16, 8, 8, 8], np.float32)  # the third is too large
    angle = np.array([0, 2 * np.pi, 0, 1, 0, 0], np.float32)  # the second is a whole turn, the fourth turned
    other = Features(np.zeros((6, 128), np.uint8), theirs, scale, angle, np.array([0, 6]))
    assert same_spots(mine, other, to).tolist() == [[0, 5], [1, 1]]
    assert same_spots(mine, other, to * np.nan).shape == (0, 2)
