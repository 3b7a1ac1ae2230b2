"""Parts and what is made of them: DPD's two forms, points that are predicted."""

import numpy as np
import pytest

from lecture_lib.chapters.parts_and_attributes import dpd, parts
from lecture_lib.datasets.collection import Boxes, ImageCollection
from lecture_lib.datasets.images import ArrayImages

RNG = np.random.default_rng(0)
BOX, PARTS = RNG.random((5, 4)).astype(np.float32), RNG.random((5, 2, 4)).astype(np.float32)
SEEN = np.ones((5, 2), bool)
NAMES = ("beak", "tail", "left eye", "belly")


def birds(points, boxes):
    n = len(points)
    images = ArrayImages(np.zeros((n, 3, 8, 8), np.uint8))
    boxes = [Boxes([box], [0], [False], [False]) for box in boxes]
    return ImageCollection("b", "twin", images, ("a",), [0] * n, boxes=boxes, parts=points, part_names=NAMES)


def test_weak_pooling_with_one_part_a_region_is_the_strong_form():
    one_hot = np.repeat(np.eye(2, dtype=np.float32)[:, :, None], 3, axis=2)
    component = np.array([0, 1, 2, 1, 0])
    assert np.allclose(
        dpd.weak(BOX, PARTS, SEEN, one_hot, component), dpd.strong(BOX, PARTS, SEEN), atol=1e-6
    )


def test_each_picture_is_pooled_by_the_weights_of_its_own_component():
    W = np.stack([np.eye(2), np.eye(2)[::-1]], 2).astype(np.float32)
    weak = dpd.weak(BOX, PARTS, SEEN, W, np.array([0, 1, 0, 1, 1]))
    swapped = dpd.strong(BOX, PARTS[:, ::-1], SEEN)
    assert np.allclose(weak[1], swapped[1], atol=1e-6)
    assert np.allclose(weak[0], dpd.strong(BOX, PARTS, SEEN)[0], atol=1e-6)


def test_swapped_parts_permute_blocks():
    there, back = dpd.strong(BOX, PARTS, SEEN), dpd.strong(BOX, PARTS[:, ::-1], SEEN[:, ::-1])
    assert np.array_equal(there[:, 4:8], back[:, 8:])
    assert np.array_equal(there[:, :4], back[:, :4])


def test_a_bird_without_a_visible_part_is_its_box_alone():
    x = dpd.strong(BOX, PARTS, ~SEEN)
    assert not x[:, 4:].any()
    assert np.allclose(x[:, :4], BOX / np.linalg.norm(BOX, axis=1, keepdims=True))
    weak = dpd.weak(BOX, PARTS, ~SEEN, np.full((2, 2, 1), 0.5, np.float32), np.zeros(5, int))
    assert np.array_equal(weak, x)


def test_pooling_weights_count_the_points_of_a_region_in_each_part():
    points = np.zeros((2, 4, 3), np.float32)
    points[0] = [[1, 1, 1], [9, 9, 1], [2, 2, 1], [8, 8, 0]]  # the belly is not visible
    points[1] = [[9, 1, 1], [1, 9, 1], [2, 9, 1], [1, 8, 1]]
    boxes = np.array([[[0, 0, 5, 5], [5, 5, 10, 10]], [[0, 5, 5, 10], [5, 0, 10, 5]]], np.float32)
    regions = {"head": ("beak", "left eye"), "body": ("tail", "belly")}
    W = parts.pooling_weights(points, NAMES, regions, boxes, np.ones((2, 2), bool), np.array([0, 1]))
    assert W[..., 0].tolist() == [[1, 0], [0, 1]]
    assert W[..., 1].tolist() == [
        [0.5, 0.5],
        [1, 0],
    ]  # its eye lies in the first part, the beak in the second


def test_birds_that_look_left_have_their_head_on_the_left():
    names = (*parts.BIRD["head"], *parts.BIRD["body"])
    points = np.zeros((3, len(names), 3))
    points[:, names.index("beak")] = [[1, 5, 1], [9, 5, 1], [0, 0, 0]]
    points[:, names.index("tail")] = [[5, 5, 1]] * 3
    assert parts.faces_left(points, names).tolist() == [True, False, False]


def linear_birds(n=60):
    """Birds whose points are a linear function of their features, in boxes that stand and measure what they like."""
    x = RNG.normal(size=(n, 6))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    corner, side = RNG.uniform(0, 40, (n, 1, 2)), RNG.uniform(20, 60, (n, 1, 2))
    boxes = np.concatenate([corner, corner + side], 2)[:, 0].astype(np.float32)
    where = 0.5 + 0.1 * (x @ RNG.normal(size=(6, 8))).reshape(n, 4, 2)
    seen = (x[:, :1] > 0) | np.array([[True, True, True, False]])
    points = np.concatenate([where * side + corner, np.ones((n, 4, 1))], 2) * seen[..., None]
    return x, birds(points.astype(np.float32), boxes), seen


def test_points_are_predicted_in_the_frame_of_the_box():
    x, images, seen = linear_birds()
    train = np.arange(50)
    found = parts.predict_points(x, images, train)
    assert parts.point_error(found, images, np.arange(50, 60)) < 0.02
    assert (found[50:, :3, 2] == 1).all()
    assert (found[50:, 3, 2] == seen[50:, 3]).mean() > 0.7


def test_test_pictures_points_are_not_looked_at_and_training_points_are_not_repeated():
    x, images, _ = linear_birds()
    train, points = np.arange(50), images.parts.copy()
    found = parts.predict_points(x, images, train)
    points[50:] = 0
    blind = birds(points, [boxes.xyxy[0] for boxes in images.boxes])
    assert np.array_equal(parts.predict_points(x, blind, train), found)
    noise = RNG.normal(
        size=(60, 80)
    )  # of more dimensions than pictures: a fit would repeat what it was taught
    guessed = parts.predict_points(noise / np.linalg.norm(noise, axis=1, keepdims=True), images, train)
    ratio = parts.point_error(guessed, images, train) / parts.point_error(guessed, images, np.arange(50, 60))
    assert ratio > 0.6


def test_an_unknown_number_of_boxes_is_named():
    from lecture_lib.datasets.regions import object_boxes

    _, images, _ = linear_birds(6)
    two = Boxes([[0, 0, 3, 3]] * 2, [0, 0], [False] * 2, [False] * 2)
    images = ImageCollection("b", "twin", images.images, ("a",), [0] * 6, boxes=[*images.boxes[:5], two])
    with pytest.raises(ValueError, match="twin 5 has 2 boxes"):
        object_boxes(images)
