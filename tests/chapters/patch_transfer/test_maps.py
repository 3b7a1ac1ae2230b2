"""Scores and maps of pictures from scores of patches, against literal loops and hand-worked cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lecture_lib.chapters.patch_transfer.grid import Grid, grid
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
from lecture_lib.datasets import ArrayImages, Boxes, ImageCollection


def test_a_pictures_score_by_hand():
    y = np.array([[0.5, 0.1], [0.25, 0.9], [0.0, 0.2]])
    assert picture_score(y, 1).tolist() == pytest.approx([0.25, 0.4])
    assert picture_score(y, 2).tolist() == pytest.approx([0.3125 / 3, 0.86 / 3])
    assert picture_score(y, np.inf).tolist() == [0.5, 0.9]
    assert picture_score(y).tolist() == picture_score(y, 5).tolist()  # the paper's k


@given(arrays(float, (9, 2), elements=st.floats(0.05, 1)), st.floats(1, 30), st.floats(1, 30))
def test_scores_fall_with_k_rise_with_y_and_their_roots_go_to_the_maximum(y, k, more):
    assert (picture_score(y, k + more) <= picture_score(y, k) * (1 + 1e-12)).all()
    assert (picture_score(np.minimum(1, y + 0.1), k) >= picture_score(y, k)).all()
    roots = picture_score(y, k) ** (1 / k)
    assert (roots <= picture_score(y, np.inf) * (1 + 1e-12)).all()
    assert (roots >= picture_score(y, np.inf) * 9 ** (-1 / k) * (1 - 1e-12)).all()


@pytest.mark.parametrize("k", [0.5, np.nan])
def test_k_below_one_is_refused(k):
    with pytest.raises(ValueError, match="k is at least 1"):
        picture_score(np.ones((2, 3)), k)


def literal_map(y, grid, k, mean):
    """Pixel after pixel, patch after patch."""
    height, width = grid.size
    found = np.zeros((height, width, y.shape[1]))
    for i in range(height):
        for j in range(width):
            covers = [x0 <= j + 0.5 < x1 and y0 <= i + 0.5 < y1 for x0, y0, x1, y1 in grid.xyxy]
            if any(covers):
                found[i, j] = (y[covers] ** k).sum(0) / (sum(covers) if mean else 1)
    return found


halves = st.integers(-24, 88).map(lambda n: n / 4)  # borders and centres of pixels, and between
squares = st.builds(
    lambda x, y, s: (x, y, x + s, y + s), halves, halves, st.integers(1, 80).map(lambda n: n / 4)
)


@settings(max_examples=40)
@given(
    st.tuples(st.integers(1, 20), st.integers(1, 20)), st.lists(squares, min_size=1, max_size=12),
    st.integers(1, 6), st.booleans(), st.integers(0, 9),
)  # fmt: skip
def test_maps_are_those_of_a_literal_loop_over_pixels(size, patches, k, mean, seed):
    at_random = Grid(size, np.array(patches, np.float32), np.zeros(len(patches), int), ())
    y = np.random.default_rng(seed).random((len(patches), 3)) * (np.arange(len(patches)) % 5 > 0)[:, None]
    found = localisation_map(y, at_random, k, mean=mean)
    np.testing.assert_allclose(found, literal_map(y, at_random, k, mean), atol=1e-12)
    assert found.dtype == np.float64
    np.testing.assert_allclose(localisation_map(y[:, 1], at_random, k, mean=mean), found[..., 1], atol=1e-12)


def test_maps_of_the_scales_add_up():
    found = grid(60, 81, 64, 8)
    y = np.random.default_rng(0).random((len(found), 2))
    parts = [localisation_map(y, found, scale=scale) for scale in range(9)]
    np.testing.assert_allclose(sum(parts), localisation_map(y, found), atol=1e-9)


def test_as_many_scores_as_patches_are_wanted():
    with pytest.raises(ValueError, match="3 scores for 4 patches"):
        localisation_map(np.ones(3), Grid((5, 5), np.ones((4, 4)), np.zeros(4), ()))


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
    tables = [np.reshape(objects, (-1, 6)) for objects in pictures]
    boxes = [Boxes(t[:, :4], t[:, 4].astype(int), t[:, 5] == 1, t[:, 5] > 1) for t in tables]
    array = ArrayImages(np.zeros((len(pictures), 3, 40, 60), np.uint8))
    return ImageCollection("marked", "twin", array, CLASSES, np.array(labels, np.int8), boxes=boxes)


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


def test_labels_of_all_pictures_are_those_of_each_and_take_boxes():
    images = marked([(40, 0, 60, 20, 0, False)], [], labels=[[1, 0, 0], [0, 0, 0]])  # beyond 40, as width
    grids = [grid(40, 60, 64, 8)] * 2
    one, two = label_all(images, grids)
    assert one.tolist() == label_patches(grids[0].xyxy, images.boxes[0], 3, (40, 60)).tolist()
    assert {0, 3} <= set(one.tolist())
    assert (two == 3).all()
    bare = ImageCollection("bare", "twin", images.images, CLASSES, images.labels)
    with pytest.raises(ValueError, match="bare has no boxes"):
        label_all(bare, grids)
