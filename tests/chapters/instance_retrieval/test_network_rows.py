"""The rows by a network on a few drawings: who is compared with whom."""

from types import SimpleNamespace

import numpy as np
import pytest

from lecture_lib import backbones
from lecture_lib.chapters.instance_retrieval import network_rows
from lecture_lib.chapters.instance_retrieval.network_rows import (
    ASKED,
    LEVELS,
    asked,
    by_boundaries,
    by_maps,
    by_patches,
    mop,
    patches,
)
from lecture_lib.chapters.instance_retrieval.patches import learn_level
from lecture_lib.chapters.instance_retrieval.tables import Search, judge
from lecture_lib.datasets import ArrayImages, ImageCollection, twin_retrieval
from lecture_lib.datasets.retrieval import Query


@pytest.fixture(scope="module")
def net():
    return backbones.load()


def collection(seed, n):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (n, 3, 8, 8), dtype=np.uint8).repeat(16, 2).repeat(16, 3)
    return ImageCollection("few", "twin", ArrayImages(coarse), ("a",), np.zeros(n, np.int64))


@pytest.fixture(scope="module")
def task():
    queries = tuple(Query(i, None, [i], [], [], str(i)) for i in range(5))
    return Search(collection(0, 5), queries, collection(1, 10), np.arange(10))


def test_pictures_without_a_box_ask_with_their_own_patches(task, net):
    own = patches(net, task.images, LEVELS)
    assert own.shape == (5, 30, 768)
    np.testing.assert_allclose(asked(net, task, LEVELS[:ASKED]), own[:, :14], atol=2e-3)


def test_a_box_asks_with_what_is_in_it_and_a_box_of_all_is_the_picture(task, net):
    boxes = [np.array(b, np.float32) for b in ([0, 0, 128, 128], [32, 0, 128, 96])]
    queries = tuple(Query(i, box, [i], [], [], str(i)) for i, box in enumerate(boxes))
    q = asked(net, Search(task.images, queries, task.apart, task.unjudged), LEVELS[:1])[:, 0]
    whole = patches(net, task.images, LEVELS[:1])[:, 0]
    np.testing.assert_allclose(q[0], whole[0], atol=2e-3)
    assert np.abs(q[1] - whole[1]).max() > 0.01


@pytest.mark.parametrize("rows_of", [by_patches, by_maps, mop])
def test_a_picture_is_most_like_itself(rows_of, task, net, monkeypatch):
    monkeypatch.setattr(network_rows, "SHORT", 32)
    monkeypatch.setattr(network_rows, "learn_level", lambda x, axes: learn_level(x, 4, 16))
    names = []
    for row in rows_of(task, net):
        assert judge(task, row).values.tolist() == [100] * 5, row.method
        assert row.bytes > 0
        assert row.numbers
        names.append(row.method)
    assert len(set(names)) == len(names)


def test_bytes_and_numbers_of_spatial_search_are_those_of_its_patches(task, net):
    rows = {row.method: row for row in by_patches(task, net)}
    assert rows["CNN"].numbers == 768
    assert rows["CNN-ss"].bytes == 2 * rows["CNN-ss"].numbers == 2 * 30 * 768
    assert rows["CNNaug-ss"].numbers == 30 * network_rows.WHITENED
    assert rows["CNN-ss, 128 numbers"].numbers == 30 * 128


def test_boundaries_find_a_silhouette_in_another_place(monkeypatch):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:60, :80]

    def star(points, depth, at):
        angle, radius = np.arctan2(y - at[1], x - at[0]), np.hypot(y - at[1], x - at[0])
        return radius < 16 * (1 + depth * np.cos(points * angle))

    shapes = [(2, 0.4), (3, 0.4), (5, 0.5), (7, 0.2)]
    masks = np.stack([star(*shapes[i // 2], rng.uniform(28, 34, 2)) for i in range(8)])
    monkeypatch.setattr(twin_retrieval, "masks", lambda _: masks)
    monkeypatch.setattr(network_rows, "BOUNDARIES", 40)
    queries = tuple(Query(i, None, [i ^ 1], [], [i], str(i // 2)) for i in range(8))
    images = SimpleNamespace(name="sculptures6k", source="twin")
    [row] = by_boundaries(Search(images, queries, None, None))
    assert judge(Search(images, queries, None, None), row).values.mean() > 90
