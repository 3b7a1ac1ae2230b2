"""The twins of the retrieval sets: what the renderer says of its pictures is what is in their pixels."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lecture_lib import datasets, settings
from lecture_lib.datasets import twin_retrieval
from lecture_lib.twins import landmarks, sculptures, world

N = 8  # pictures of a landmark that are drawn here
WIDTH = 256


@pytest.fixture(autouse=True, scope="module")
def few():
    """A few landmarks, sculptures, places and objects, in a cache of their own."""
    counts = {"LANDMARKS": 3, "QUERIES": 2, "OTHERS": N - 2, "SCULPTURES": 3, "SCULPTURE_DISTRACTORS": 4}
    counts |= {"PLACES": 6, "OBJECTS": 6}
    with pytest.MonkeyPatch.context() as patch:
        for name, count in counts.items():
            patch.setattr(twin_retrieval, name, count)
        settings.use("demo", cache=Path(os.environ["LECTURE_CACHE"]) / "small", quiet=True)
        yield
        settings.reset()


@pytest.fixture(scope="module")
def buildings(few):
    return datasets.load("oxford5k", distractors=6)


def keys_of(landmark):
    individual = int(world.keys("oxford5k/individual", landmark + 1)[landmark])
    return individual, world.keys(f"oxford5k/landmark {landmark + 1}", N).tolist()


def unlit(individual, key, clear):
    """A picture with the same light from everywhere and nothing in front: grey [H, W]."""
    even = landmarks.Light(np.array([0, 0, 1.0]), np.zeros(3), np.full(3, 0.8), np.full((2, 3), 0.5))
    scene = replace(landmarks.Scene.draw(individual, key, clear), light=even, things=())
    return landmarks.render([scene], torch.tensor([key]), WIDTH)[0][0].mean(0)


def sampled(picture, points):
    """Brightness of [H, W] at points [..., 2] in pixels."""
    height, width = picture.shape
    at = torch.tensor(points / [width, height] * 2 - 1, dtype=torch.float32).view(1, 1, -1, 2)
    return F.grid_sample(picture[None, None], at, align_corners=False).view(points.shape[:-1]).numpy()


def correlation(a, b):
    return ((a - a.mean()) * (b - b.mean())).mean() / (a.std() * b.std() + 1e-9)


def test_a_point_of_a_front_is_found_where_transfer_says_and_not_beside_it():
    found, beside = [], []
    dx, dy = np.meshgrid(np.arange(-5, 6), np.arange(-5, 6))
    patch = np.stack([dx, dy], 2).reshape(-1, 2)
    for landmark in range(3):
        individual, keys = keys_of(landmark)
        one, other = unlit(individual, keys[0], True), unlit(individual, keys[1], True)
        x, y = np.meshgrid(np.arange(8, 248, 6) + 0.5, np.arange(8, 184, 6) + 0.5)
        points = np.stack([x.ravel(), y.ravel()], 1)[:, None] + patch
        there = landmarks.transfer(individual, (keys[0], True), (keys[1], True), points.reshape(-1, 2), WIDTH)
        for here, seen in zip(points, there.reshape(points.shape), strict=True):
            a = sampled(one, here)
            if not np.isnan(seen).any() and a.std() > 0.06:
                found.append(correlation(a, sampled(other, seen)))
                beside.append(correlation(a, sampled(other, seen + np.array([3, 2]))))
    assert len(found) > 100
    assert np.median(found) > 0.85, np.median(found)
    assert np.mean(np.array(found) > beside) > 0.95


def test_transfer_there_and_back_is_the_same_point_and_of_another_building_none(buildings):
    x, y = np.meshgrid(np.arange(4, 256, 8) + 0.5, np.arange(4, 192, 8) + 0.5)
    points = np.stack([x.ravel(), y.ravel()], 1)
    there = twin_retrieval.transfer(buildings, 0, 1, points)
    seen = ~np.isnan(there).any(1)
    assert 20 < seen.sum() < len(points)
    back = twin_retrieval.transfer(buildings, 1, 0, there[seen])
    assert np.nanmax(np.abs(back - points[seen])) < 1e-6
    assert np.isnan(back).any(1).mean() < 0.05  # a rim may belong to another plane
    part = buildings[[1, 0]]
    assert np.array_equal(twin_retrieval.transfer(part, 1, 0, points), there, equal_nan=True)
    assert np.isnan(twin_retrieval.transfer(buildings, 0, N, points)).all()
    with pytest.raises(ValueError, match="twins of buildings only"):
        twin_retrieval.transfer(datasets.load("ukbench"), 0, 1, points)


def test_visible_share_counts_what_is_in_the_picture_and_not_hidden():
    individual, keys = keys_of(0)
    scene = landmarks.Scene.draw(individual, keys[0], True)
    nothing, left = np.zeros((192, 256)), np.zeros((192, 256))
    left[:, :128] = 1
    whole = landmarks.visible_share(scene, nothing)
    cover = landmarks.render([scene], torch.tensor([keys[0]]), WIDTH)[1][0].numpy()
    assert whole > 0.9
    # pixels are the witness of the points that shares are counted on
    assert landmarks.visible_share(scene, left) == pytest.approx(
        whole * cover[:, 128:].sum() / cover.sum(), abs=0.03
    )
    assert landmarks.visible_share(scene, nothing + 1) == 0
    zoomed = np.diag([3.0, 3.0, 1.0]) @ scene.view.matrix
    closer = replace(scene, view=replace(scene.view, matrix=zoomed))
    assert landmarks.visible_share(closer, nothing) < 0.5 * whole


def test_good_ok_and_junk_part_a_landmarks_pictures_by_their_share(buildings):
    keys = torch.cat([torch.tensor(keys_of(k)[1]) for k in range(3)])
    individuals = torch.tensor([keys_of(k)[0] for k in range(3) for _ in range(N)])
    _, marks = landmarks.draw(individuals, keys, np.tile(np.arange(N) < 2, 3), WIDTH)
    for query in buildings.queries:
        rows = np.concatenate([query.good, query.ok, query.junk])
        assert sorted(rows) == list(np.flatnonzero(buildings.labels == buildings.labels[query.picture]))
        assert (marks[query.good, 4] > 0.75).all()
        assert ((marks[query.ok, 4] > 0.25) & (marks[query.ok, 4] <= 0.75)).all()
        assert (marks[query.junk, 4] <= 0.25).all()
    assert sum(len(q.good) for q in buildings.queries) > sum(len(q.junk) for q in buildings.queries)


def test_boxes_hold_what_is_visible_of_the_building(buildings):
    points = np.stack(np.meshgrid(np.arange(256) + 0.5, np.arange(192) + 0.5), 2).reshape(-1, 2)
    for query in buildings.queries:
        x0, y0, x1, y1 = query.box
        own = twin_retrieval.transfer(buildings, query.picture, query.picture, points)
        own = own[~np.isnan(own).any(1)]
        assert (abs(own.min(0) - [x0, y0]) < 2).all()
        assert (abs(own.max(0) - [x1, y1]) < 2).all()


def test_more_distractors_change_no_picture(buildings):
    more = datasets.load("oxford5k", distractors=9)
    assert (len(buildings), len(more)) == (3 * N + 6, 3 * N + 9)
    assert more.splits["others"].tolist() == list(range(3 * N, 3 * N + 9))
    before, after = buildings.stack().numpy().astype(int), more.stack().numpy()[: len(buildings)]
    assert (np.abs(before - after) > 1).mean() < 1e-3


def test_individuals_differ_and_two_pictures_of_one_are_of_one():
    one, other = keys_of(0)[0], keys_of(1)[0]
    a, b = (landmarks.building(individual)[2].sheets[0] for individual in (one, other))
    landmarks.building.cache_clear()
    assert torch.equal(landmarks.building(one)[2].sheets[0], a)
    assert a.shape != b.shape or (a - b).abs().mean() > 0.05


@pytest.mark.parametrize("kind", ["buildings", "sculptures"])
def test_two_threads_draw_the_same_bytes(kind):
    individuals, keys = world.keys("test/individual", 3).repeat_interleave(16), world.keys("test", 48)
    drawn = {}
    for threads in (1, 2):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        if kind == "buildings":
            drawn[threads] = landmarks.draw(individuals[:32], keys[:32], np.ones(32, bool), 96)[0]
        else:
            drawn[threads] = sculptures.draw(individuals, keys, 96)[0]
        torch.set_num_threads(before)
    assert np.array_equal(drawn[1], drawn[2])


def test_sculptures_are_smooth_clutter_is_not_and_masks_tell_them_apart():
    images = datasets.load("sculptures6k")
    masks = twin_retrieval.masks(images)
    assert len(images) == 3 * 15 + 4
    assert [len(q.good) for q in images.queries] == [15] * 21
    grey = images.stack().float().mean(1)
    edges = (grey[:, 1:, 1:] - grey[:, 1:, :-1]).abs().numpy()
    inner = -F.max_pool2d(-torch.tensor(masks).float()[:, None], 9, 1, 4)[:, 0].numpy()[:, 1:, 1:] > 0
    outer = F.max_pool2d(torch.tensor(masks).float()[:, None], 9, 1, 4)[:, 0].numpy()[:, 1:, 1:] == 0
    assert (edges[inner] > 30).mean() < 0.4 * (edges[outer] > 30).mean()  # corners and edges, not shading
    for query in images.queries:
        y, x = masks[query.picture].nonzero()
        assert query.box.tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
    assert np.array_equal(twin_retrieval.masks(images[[7, 3]]), masks[[7, 3]])
    other = datasets.load("sculptures6k", split="train")
    assert not set(map(bytes, images.stack().numpy())) & set(map(bytes, other.stack().numpy()))
    with pytest.raises(ValueError, match="no split 'val'"):
        datasets.load("sculptures6k", split="val")


def test_the_four_pictures_of_an_object_share_their_table():
    images = datasets.load("ukbench")
    border = np.stack([images.tensor(i)[:, :6].float().mean((1, 2)).numpy() for i in range(len(images))])
    hue = (border / border.sum(1, keepdims=True)).reshape(
        -1, 4, 3
    )  # light differs, the table's colour does not
    assert (hue.std(1).mean(0) < 0.5 * hue.mean(1).std(0)).all()


def test_holidays_takes_the_query_out_and_ukbench_counts_it():
    places, objects = datasets.load("holidays"), datasets.load("ukbench")
    assert len(places.queries) == 6
    for query in places.queries:
        rows = np.flatnonzero(places.labels == places.labels[query.picture])
        assert 2 <= len(rows) <= 4
        assert query.junk.tolist() == [query.picture] == [rows[0]]
        assert query.positives.tolist() == rows[1:].tolist()
    assert len(objects) == len(objects.queries) == 24
    for i, query in enumerate(objects.queries):
        assert query.picture == i
        assert i in query.positives
        assert query.positives.tolist() == list(range(i // 4 * 4, i // 4 * 4 + 4))
