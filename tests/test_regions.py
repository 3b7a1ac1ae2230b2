"""Pictures cut together with their marks: what is marked stays where it is in the picture."""

import numpy as np
import pytest
import torch

from lecture_lib.datasets import regions
from lecture_lib.datasets.collection import Boxes, ImageCollection
from lecture_lib.datasets.images import ArrayImages

NAMES = ("beak", "left eye", "right eye", "tail")
AT = np.array([[12, 10, 1], [20, 30, 1], [0, 0, 0], [39, 5, 1]], np.float64)  # in a picture of 40 x 50 pixels


def marked(points):
    """A black picture with a white square of 3 pixels about each visible point."""
    picture = torch.zeros(3, 50, 40, dtype=torch.uint8)
    for x, y, seen in points.astype(int):
        if seen:
            picture[:, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = 255
    return picture


def box(*xyxy):
    return Boxes([xyxy], [7], [True], [False])


def centre_of_light(picture):
    light = picture.float().mean(0)
    rows, columns = light.shape
    y, x = (torch.arange(n) + 0.5 for n in (rows, columns))
    return np.array([(light.sum(0) @ x) / light.sum(), (light.sum(1) @ y) / light.sum()])


@pytest.mark.parametrize("angle", [0, 15, -40, 90])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("side", [None, 64])
def test_a_point_goes_where_its_pixels_go(angle, mirrored, side):
    point = np.array([[18, 27, 1]])
    given = (4, 8, 36, 44)
    cut, _, (found,) = regions.cut_marked(
        marked(point), given, box(2, 3, 9, 9), point, ["tail"], angle=angle, mirrored=mirrored, side=side
    )
    # the square's centre is half a pixel right of and below the pixel's corner
    scale = 1 if side is None else np.array([64 / 32, 64 / 36])
    assert found[2] == 1
    assert np.abs(centre_of_light(cut) - found[:2]).max() < 0.9 * np.max(scale)


def test_mirrored_twice_is_as_before_and_a_left_part_becomes_a_right_one():
    picture, whole = marked(AT), (0, 0, 40, 50)
    once = regions.cut_marked(picture, whole, box(5, 6, 17, 20), AT, NAMES, mirrored=True)
    assert once[2][2].tolist() == [20, 30, 1]  # 40 - 20, under the other name
    assert once[2][1].tolist() == [0, 0, 0]
    assert once[1].xyxy.tolist() == [[23, 6, 35, 20]]
    twice = regions.cut_marked(once[0], whole, once[1], once[2], NAMES, mirrored=True)
    assert torch.equal(twice[0], picture)
    assert np.array_equal(twice[2], AT)
    assert twice[1].xyxy.tolist() == [[5, 6, 17, 20]]


def test_a_quarter_turn_moves_pixels_boxes_and_points_alike():
    square = torch.randint(0, 256, (3, 40, 40), dtype=torch.uint8)
    turned, boxes, points = regions.cut_marked(
        square, (0, 0, 40, 40), box(30, 10, 36, 12), AT, NAMES, angle=90
    )
    assert torch.equal(turned, square.rot90(1, (1, 2)))  # anticlockwise: the right side comes up
    assert np.allclose(points[0], [10, 28, 1])
    assert np.allclose(boxes.xyxy, [[10, 4, 12, 10]], atol=1e-4)


def test_what_lies_outside_is_not_visible_and_what_is_cut_is_truncated():
    _, boxes, points = regions.cut_marked(marked(AT), (10, 8, 30, 28), box(5, 6, 17, 20), AT, NAMES)
    assert points[:, 2].tolist() == [1, 0, 0, 0]  # the eye is at y = 30
    assert points[0].tolist() == [2, 2, 1]
    assert boxes.xyxy.tolist() == [[0, 0, 7, 12]]
    assert boxes.truncated.tolist() == [True]
    assert boxes.difficult.tolist() == [True]
    assert len(regions.cut_marked(marked(AT), (20, 8, 30, 28), box(5, 6, 17, 20), AT, NAMES)[1]) == 0


def test_beyond_the_picture_its_border_is_repeated():
    cut, _, points = regions.cut_marked(marked(AT), (-10, -5, 20, 20), box(5, 6, 17, 20), AT, NAMES)
    assert cut.shape == (3, 25, 30)
    assert points[0].tolist() == [22, 15, 1]


def test_a_window_beside_the_picture_says_so():
    with pytest.raises(ValueError, match="is not inside the picture, which is 40 x 50 pixels"):
        regions.cut_marked(marked(AT), (50, 8, 60, 28), box(5, 6, 17, 20), AT, NAMES)


def test_a_part_is_bounded_by_its_visible_points_alone():
    points = np.stack([AT, AT * [[1, 1, 0]] * 1]).astype(np.float32)
    boxes = np.array([[0, 0, 40, 40], [0, 0, 20, 20]], np.float32)
    found, visible = regions.part_boxes(points, NAMES, [["beak", "left eye", "right eye"], ["tail"]], boxes)
    assert visible.tolist() == [[True, True], [False, False]]
    # x 12 .. 20 is narrower than a quarter of 40, y 10 .. 30 grows by a fifth
    assert found[0].tolist() == [[11, 8, 21, 32], [34, 0, 44, 10]]
    assert found[1].tolist() == [boxes[1].tolist()] * 2
    with pytest.raises(ValueError, match="no part point wing; there are beak"):
        regions.part_boxes(points, NAMES, [["wing"]], boxes)


def test_region_crops_show_the_region_of_the_picture_they_belong_to():
    pictures = np.zeros((2, 3, 30, 30), np.uint8)
    pictures[0, 0, :10, :10], pictures[1, 1, 20:, 20:] = 200, 100
    images = ImageCollection("two", "twin", ArrayImages(pictures), ("a", "b"), [0, 1])
    given = np.array([[[0, 0, 10, 10], [20, 20, 30, 30]]] * 2)
    crops = regions.region_crops(images, given, ["top", "bottom"])
    assert [int(crops.tensor(i).amax()) for i in range(4)] == [200, 0, 0, 100]
    assert crops.labels.tolist() == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="twin 1 has a region without area"):
        regions.region_crops(images, np.where(np.arange(2)[:, None, None] == 1, 3, given), ["top", "bottom"])
