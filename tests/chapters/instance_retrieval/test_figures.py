"""Figures, examples and truth of retrieval: what they say is what is so, by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.text import Text

from lecture_lib.chapters.instance_retrieval import examples, figures, truth, widget
from lecture_lib.chapters.instance_retrieval.features import Features
from lecture_lib.chapters.instance_retrieval.hamming import Matches
from lecture_lib.chapters.instance_retrieval.patches import grid
from lecture_lib.datasets import ArrayImages, twin
from lecture_lib.datasets.retrieval import Query, RetrievalCollection
from lecture_lib.datasets.twin_retrieval import transfer

QUERY = Query(0, [10, 20, 50, 60], [0, 1], [2], [3], "tower")


@pytest.fixture(scope="module")
def images():
    pixels = np.random.default_rng(0).integers(0, 255, (6, 3, 96, 128), dtype=np.uint8)
    labels = np.array([0, 0, 0, 0, -1, -1])
    return RetrievalCollection("few", "twin", ArrayImages(pixels), ("tower",), labels, queries=(QUERY,))


@pytest.fixture(scope="module")
def oxford():
    return twin.oxford5k(distractors=0)


def words(figure):
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text)]


def features_at(xy, offsets, scale=2.0):
    n = len(xy)
    return Features(
        np.zeros((n, 128), np.uint8), np.float32(xy), np.full(n, scale, np.float32), np.zeros(n), offsets
    )


def test_a_ranked_list_says_what_each_picture_is(images):
    kinds = [figures.judged(QUERY, row) for row in (1, 2, 3, 5)]
    assert kinds == ["good", "ok", "junk, taken out", "wrong"]
    said = words(figures.ranked_lists(images, QUERY, {"BoW": np.array([5, 1, 3, 2, 0, 4])}, most=4))
    signs = [word for word in said if word in {frame.sign for frame in figures.FRAMES.values()}]
    assert signs[:4] == [figures.FRAMES[kind].sign for kind in ("wrong", "good", "junk, taken out", "ok")]


def test_lines_of_true_matches_are_green_and_end_where_the_features_are(images):
    pair = truth.Pair(
        2, *np.float32([[[9, 19], [29, 39]], [[0, 0], [63, 7]]]), np.array([True, False]), np.float32([4, 2])
    )
    figure = figures.matches(images, QUERY, {"same word": [pair]})
    assert "same word: 2 matches, 1 true, votes 6" in words(figure)
    _, red, green = (of for of in figure.findobj(LineCollection) if of.axes)
    [[start, end]] = green.get_segments()
    assert np.allclose(
        end - start, [figures.LARGE - 2 * 9, -2 * 19]
    )  # both pictures are shown twice as large
    assert green.get_colors()[0, 1] > green.get_colors()[0, 0]
    assert red.get_colors()[0, 3] < green.get_colors()[0, 3]  # half the votes


def test_photographs_show_matches_without_a_verdict(images):
    pair = truth.Pair(2, np.float32([[9, 19]]), np.float32([[0, 0]]), None, np.float32([4]))
    said = words(figures.matches(images, QUERY, {"same word": [pair]}))
    assert "same word: 1 matches, votes 4" in said
    assert not any("true," in word for word in said)


def test_a_view_of_a_box_lies_within_it():
    top_left, *_, bottom_right = grid(2)
    assert np.allclose(figures.within_box(top_left, (10, 20, 40, 50)), (10, 20, 30, 40))
    assert np.allclose(figures.within_box(bottom_right, (10, 20, 40, 50)), (20, 30, 40, 50))


def test_patches_with_the_same_nearest_share_a_box(images):
    a, b, c, _ = grid(2)
    said = words(figures.patches_that_meet(images, QUERY, {1: [(a, c), (b, c)], 4: [(a, a), (b, b)]}))
    assert said.count("1 2") == 1
    assert said.count("1") == 3
    assert {"good", "wrong"} <= set(said)


def test_costs_name_the_rows_of_the_table_and_leave_others_without(images):
    rows = pd.DataFrame({"method": ["BoW", "BoW+MA"], "value": [30.0, 31], "bytes": [700.0, 700]})
    said = words(figures.costs(rows, "bytes", paper=True))
    assert said.count("BoW") == 2  # ours and the paper's
    assert "BoW+MA" not in said


def test_what_the_renderer_says_is_there_is_true_and_all_else_is_not(oxford):
    start = np.float32([[128, 96], [100, 80], [120, 100]])
    for i, j in ((0, 1), (0, 3)):
        there = transfer(oxford, i, j, start + 0.5) - 0.5
        seen = np.flatnonzero(np.isfinite(there[:, 0]))
        end = np.nan_to_num(there, nan=50)
        found = Matches(np.arange(3), 3 + np.arange(3), np.full(3, j), np.zeros(3), np.ones(3))
        asked = features_at(start, np.array([0, 3]))
        every = features_at(np.concatenate([start, end]), np.array([0, 3, 6]))
        pair = truth.pair(oxford, i, asked, every, found, j)
        assert set(np.flatnonzero(pair.true)) == set(seen)
        moved = features_at(
            np.concatenate([start, end + 3]), np.array([0, 3, 6])
        )  # 4.2 pixels off, 4 are allowed
        assert not truth.pair(oxford, i, asked, moved, found, j).true.any()
        assert seen.size
        assert not truth.pair(oxford, 26, asked, every, found, j).true.any()  # of another landmark


def test_some_matches_keep_all_they_have():
    found = Matches(*(np.arange(5) * k for k in range(1, 6)))
    some = truth.part(found, np.array([4, 0]))
    assert [list(of) for of in vars(some).values()] == [[4 * k, 0] for k in range(1, 6)]


def test_the_gain_is_of_a_right_picture_and_the_wrong_one_is_the_firsts_best():
    before = np.array([9, 1, 2, 8.5, 3, 8])  # 0 asks, 3 is junk: 5 is the best wrong one
    after = np.array([9, 7, 4, 8, 5, 1])
    assert examples.gain(QUERY, before, after) == (1, 5)


def test_the_burst_is_the_wrong_picture_that_loses_most(monkeypatch):
    """Ten matches of one feature with picture 4, of which 1 vote is left, and three of as many features with 1."""
    query = np.concatenate([np.zeros(10), [1, 2, 3]]).astype(int)
    picture = np.concatenate([np.full(10, 4), [1, 1, 1]])
    matches = Matches(query, query, picture, np.zeros(13), np.ones(13))
    monkeypatch.setattr(examples, "hamming_matches", lambda *_: matches)
    monkeypatch.setattr(examples, "assign", lambda *_: None)
    index = SimpleNamespace(length=np.ones(6))
    asked = SimpleNamespace(root=None, x=None)
    task = SimpleNamespace(queries=[QUERY])
    local = SimpleNamespace(task=task, asked=lambda _: asked, index=index, means=None, cells={64: None})
    found = examples.burst(local)
    assert (found.query, found.same, found.other) == (0, 1, 4)
    assert list(found.ranks[:, 4]) == [0, 1]


def test_a_part_of_the_box_is_asked_with_and_nothing_beyond_it(images):
    asked = []
    methods = {"BoW": lambda query: asked.append(query.box) or np.arange(6.0)}
    explorer = widget.search_explorer(images, methods)
    assert np.allclose(asked[0], [20, 30, 40, 50])  # half of it, in its middle
    explorer.children[1].children[1].value = "top left"
    assert len(asked) == 2
    corner = widget.part(QUERY, 0.25, (1, 1)).box
    assert np.allclose(corner, [40, 50, 50, 60])  # a quarter as wide and high, at the lower right
