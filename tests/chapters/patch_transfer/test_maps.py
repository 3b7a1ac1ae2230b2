"""Scores and maps of pictures from scores of patches, against literal loops and hand-worked cases."""

import numpy as np
import pytest

from lecture_lib.chapters.patch_transfer.grid import grid
from lecture_lib.chapters.patch_transfer.inference import (
    TOLERANCE,
    by_picture,
    localisation_map,
    peak,
    picture_score,
    picture_scores,
    pointing_game,
    points_at,
)
from lecture_lib.chapters.patch_transfer.labelling import label_all, label_patches
from lecture_lib.datasets import Boxes, ImageCollection
from lecture_lib.datasets.collection import ArrayImages


def test_a_pictures_score_by_hand():
    y = np.array([[0.5, 0.1], [0.25, 0.9], [0.0, 0.2]])
    assert picture_score(y, 1).tolist() == pytest.approx([0.25, 0.4])
    assert picture_score(y, 2).tolist() == pytest.approx([0.3125 / 3, 0.86 / 3])
    assert picture_score(y, np.inf).tolist() == [0.5, 0.9]
    assert picture_score(y).tolist() == picture_score(y, 5).tolist()  # the paper's k
    assert picture_score(np.stack([y, y[::-1]]), 3).shape == (2, 2)


def test_large_k_goes_to_the_maximum_and_scores_fall_with_k():
    y = np.random.default_rng(0).random((300, 4))
    scores = np.stack([picture_score(y, k) for k in (1, 2, 5, 20, 400)])
    assert (np.diff(scores, axis=0) < 0).all()
    np.testing.assert_allclose(picture_score(y, 20_000) ** (1 / 20_000), picture_score(y, np.inf), rtol=1e-3)
    more = y.copy()
    more[7] += 0.1
    assert (picture_score(more) > picture_score(y)).all()


@pytest.mark.parametrize("k", [0.5, 0, -1, np.nan])
def test_k_below_one_is_refused(k):
    with pytest.raises(ValueError, match="k is at least 1"):
        picture_score(np.ones((2, 3)), k)


@pytest.mark.parametrize("shape", [(0, 3), (4,), (2, 0, 3)])
def test_scores_without_patches_are_refused(shape):
    with pytest.raises(ValueError, match=r"Scores of patches are \[\.\.\., M, C\]"):
        picture_score(np.ones(shape))


def literal_map(y, patches, size, k, mean):
    """Pixel after pixel, patch after patch."""
    height, width = size
    found = np.zeros((height, width, y.shape[1]))
    for i in range(height):
        for j in range(width):
            covering = [
                y[n] ** k
                for n, (x0, y0, x1, y1) in enumerate(patches)
                if x0 <= j + 0.5 < x1 and y0 <= i + 0.5 < y1
            ]
            if covering:
                found[i, j] = np.sum(covering, axis=0) / (len(covering) if mean else 1)
    return found


@pytest.mark.parametrize("mean", [False, True])
def test_maps_are_those_of_a_literal_loop_over_pixels(mean):
    rng = np.random.default_rng(0)
    for turn in range(6):
        size = tuple(rng.integers(1, 25, 2).tolist())
        start = rng.uniform(-12, 22, (20, 2))
        patches = np.hstack([start, start + rng.uniform(0.1, 20, (20, 2))]).astype(np.float32)
        patches[::3] = patches[::3].round() + 0.5 * (turn % 2)  # ends on borders and centres of pixels
        y = rng.random((20, 3))
        y[::5] = 0
        found = localisation_map(y, patches, size, k=1 + turn, mean=mean)
        np.testing.assert_allclose(found, literal_map(y, patches, size, 1 + turn, mean), atol=1e-12)
        assert found.dtype == np.float64
        one = localisation_map(y[:, 1], patches, size, 1 + turn, mean)
        assert one.shape == size
        np.testing.assert_allclose(one, found[..., 1], atol=1e-12)


def test_maps_of_the_scales_add_up_and_their_sum_is_that_of_the_patches():
    found = grid(60, 81, 64, 8)
    y = np.random.default_rng(0).random((len(found), 2))
    parts = [
        localisation_map(y[found.scale == n], found.xyxy[found.scale == n], found.size) for n in range(9)
    ]
    whole = localisation_map(y, found.xyxy, found.size)
    np.testing.assert_allclose(sum(parts), whole, atol=1e-9)
    largest = localisation_map(y, np.array([[0, 0, 81, 60]] * len(y)), found.size)
    np.testing.assert_allclose(largest, (y**5).sum(0)[None, None].repeat(60, 0).repeat(81, 1), rtol=1e-9)


def test_the_mean_of_equal_scores_is_flat_where_their_sum_is_not():
    found = grid(60, 81, 64, 8)
    y = np.full(len(found), 0.5)
    mean = localisation_map(y, found.xyxy, found.size, k=1, mean=True)
    np.testing.assert_allclose(mean[mean > 0], 0.5)
    assert (mean > 0).mean() > 0.9
    total = localisation_map(y, found.xyxy, found.size, k=1)
    assert total[30, 40] > 2 * total[2, 2]


def test_as_many_scores_as_patches_are_wanted():
    with pytest.raises(ValueError, match="3 scores for 2 patches"):
        localisation_map(np.ones(3), np.ones((2, 4)), (5, 5))


def test_the_peak_is_x_and_y_of_the_middle_of_the_highest():
    localisation = np.zeros((4, 9))
    localisation[1, 7] = 2.0
    assert peak(localisation) == (7.5, 1.5)
    localisation[:] = 0
    localisation[1:4, 2:7] = 0.3
    localisation[2, 3] *= 1 + 1e-12  # as cumulative sums round
    assert peak(localisation) == (4.5, 2.5)
    localisation[:] = 0
    localisation[0, 0] = localisation[0, 1] = localisation[0, 8] = 1  # never between two hills
    assert peak(localisation) == (1.5, 0.5)
    assert peak(np.zeros((5, 3))) == (1.5, 2.5)


def test_one_hot_patch_is_where_the_map_peaks():
    found = grid(60, 81, 64, 8)
    y = np.full(len(found), 0.01)
    for hot in (5, len(found) // 2, len(found) - 1):
        scores = y.copy()
        scores[hot] = 1
        x0, y0, x1, y1 = found.xyxy[hot]
        x, y_ = peak(localisation_map(scores, found.xyxy, found.size))
        assert x0 <= x <= x1
        assert y0 <= y_ <= y1


def test_a_point_is_in_a_box_or_near_it():
    boxes = np.array([[10, 20, 30, 25], [50, 0, 60, 5]])
    assert points_at((11, 21), boxes, 0)
    assert not points_at((21, 11), boxes, 0)
    assert points_at((55, 2), boxes, 0)
    assert points_at((30, 25), boxes, 0)
    assert not points_at((31, 25), boxes, 0.5)
    assert points_at((31, 26), boxes, 1)
    assert not points_at((20, 18.5), boxes, 1)
    assert not points_at((8.5, 22), boxes, 1)
    assert not points_at((20, 26.5), boxes, 1)
    assert not points_at((40, 2), boxes, 0)  # in the rows of one, the columns of none
    assert points_at((1, 1), np.zeros((0, 4)), 100) is False


CLASSES = ("a", "b", "c")


def marked(*pictures, labels):
    """Pictures of 60 x 40 pixels with (x0, y0, x1, y1, class, difficult) for each object."""
    boxes = [
        Boxes(
            [o[:4] for o in objects], [o[4] for o in objects], [o[5] for o in objects], [False] * len(objects)
        )
        for objects in pictures
    ]
    array = np.zeros((len(pictures), 3, 40, 60), np.uint8)
    return ImageCollection(
        "marked", "twin", ArrayImages(array), CLASSES, np.array(labels, np.int8), boxes=boxes
    )


def test_the_pointing_game_by_hand():
    images = marked(
        [(0, 0, 20, 20, 0, False), (40, 20, 60, 40, 1, False)],
        [(0, 0, 20, 20, 0, False), (40, 20, 60, 40, 0, True)],
        [],
        labels=[[1, 1, 0], [1, 0, -1], [0, 0, 0]],
    )
    found = grid(40, 60, 64, 8)
    corners = {"left": (0, 0, 20, 20), "right": (40, 20, 60, 40)}
    hot = {side: np.abs(found.xyxy - np.array(corner)).sum(1).argmin() for side, corner in corners.items()}
    y = np.full((3, len(found), 4), 0.01)
    y[0, hot["left"], 0] = y[0, hot["left"], 1] = 1  # right for class 0, wrong for class 1
    y[1, hot["right"], 0] = 1  # on the difficult one
    game = pointing_game(y.reshape(-1, 4), [found] * 3, images)
    np.testing.assert_array_equal(game, [[1, 0, np.nan], [0, np.nan, np.nan], [np.nan] * 3])
    assert TOLERANCE * 500 == 15


def test_scores_of_all_pictures_are_those_of_each():
    grids = [grid(40, 60, 64, 8), grid(9, 9, 64, 8), grid(40, 60, 64, 8)]
    rng = np.random.default_rng(0)
    each = [rng.random((len(g), 2)) for g in grids]
    parted = by_picture(np.concatenate(each), grids)
    for part, want in zip(parted, each, strict=True):
        np.testing.assert_array_equal(part, want)
    scores = picture_scores(np.concatenate(each), grids, 3)
    np.testing.assert_allclose(scores, [(of_picture**3).mean(0) for of_picture in each])


def test_labels_of_all_pictures_are_those_of_each_and_errors_name_the_picture():
    images = marked([(40, 0, 60, 20, 0, False)], [], labels=[[1, 0, 0], [0, 0, 0]])  # beyond 40, as width
    grids = [grid(40, 60, 64, 8)] * 2
    one, two = label_all(images, grids)
    assert one.tolist() == label_patches(grids[0].xyxy, images.boxes[0], 3, (40, 60)).tolist()
    assert {0, 3} <= set(one.tolist())
    assert (two == 3).all()
    broken = marked([], [(0, np.nan, 5, 5, 0, False)], labels=[[0, 0, 0], [1, 0, 0]])
    with pytest.raises(ValueError, match="marked, twin 1: A box is not finite"):
        label_all(broken, grids)
    bare = ImageCollection("bare", "twin", images.images, CLASSES, images.labels)
    with pytest.raises(ValueError, match="bare has no boxes"):
        label_all(bare, grids)
