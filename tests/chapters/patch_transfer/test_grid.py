"""Where patches lie and what they are labelled, against literal loops and hand-worked cases."""

import math

import numpy as np
import pytest

from lecture_lib.chapters.patch_transfer.grid import LAMBDAS, LONGEST, OVERLAP, grid
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS, areas, intersections, label_patches
from lecture_lib.datasets import Boxes

SIZES = [(375, 500), (500, 375), (120, 160), (64, 64), (3, 3), (1, 1), (50, 700)]  # height, width
LATTICES = [(224, 16), (64, 8), (224, 32), (227, 16), (224, 12)]  # side, cell


def literal(height, width, side, cell, overlap):
    """Boxes and scales patch by patch, in Python's floats."""
    found = []
    for number, lam in enumerate(LAMBDAS):
        s = min(height, width) / lam
        starts = []  # of rows, of columns: in pixels of the picture
        for length in (height, width):
            pixels = math.floor(length / s * side + 1e-6)
            cells = (pixels - side) // cell
            left_over = pixels - side - cells * cell
            moves = 0
            while moves * (1 - overlap) * side < cell * cells - 1e-6 or moves * (side // (2 * cell)) < cells:
                moves += 1
            places = [round(i * (cells / moves)) for i in range(moves + 1)] if moves else [0]
            starts.append([(left_over // 2 + cell * place) * s / side for place in places])
        found += [((x, y, x + s, y + s), number) for y in starts[0] for x in starts[1]]
    return [box for box, _ in found], [number for _, number in found]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lattice", LATTICES)
def test_grid_is_that_of_a_literal_loop(size, lattice):
    for overlap in (0.5, OVERLAP, 0.8):
        boxes, numbers = literal(*size, *lattice, overlap)
        found = grid(*size, *lattice, overlap)
        assert len(found) == len(boxes) == sum(map(len, found.scales))
        np.testing.assert_allclose(found.xyxy, boxes, atol=1e-6 * max(size), rtol=1e-6)
        assert found.scale.tolist() == numbers
        assert found.xyxy.dtype == np.float32


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lattice", LATTICES)
def test_neighbours_overlap_and_patches_are_squares_inside_the_picture_that_they_cover(size, lattice):
    (height, width), (side, cell) = size, lattice
    slack = 1e-6 * max(size)
    for overlap in (0.5, OVERLAP, 0.85):
        found = grid(*size, *lattice, overlap)
        for number, lam in enumerate(LAMBDAS):
            xyxy = found.xyxy[found.scale == number].astype(np.float64)
            s = min(size) / lam
            np.testing.assert_allclose(xyxy[:, 2:] - xyxy[:, :2], s, rtol=1e-5, atol=slack)
            assert xyxy.min() >= 0
            assert (xyxy[:, 2:] <= np.array([width, height]) + slack).all()
            strip = (cell // 2 + 1) * s / side + slack
            for low, high, length in ((0, 2, width), (1, 3, height)):
                starts = np.unique(xyxy[:, low])
                assert starts[0] <= strip
                assert length - xyxy[:, high].max() <= strip
                shared = 1 - np.diff(starts) / s
                if len(shared):
                    assert shared.min() >= max(0.5, overlap - cell / side) - 1e-4
                    assert shared.mean() >= overlap - 1e-4


def test_patches_of_a_voc_picture_are_as_many_as_the_paper_says():
    assert len(grid(375, 500, 224, 16, overlap=0.5)) == 275
    assert len(grid(500, 375, 224, 16, overlap=0.5)) == 275
    assert 450 <= len(grid(375, 500)) <= 550  # "about 500"
    assert np.bincount(grid(64, 64, 64, 8).scale)[0] == 1


def test_mean_overlap_is_near_the_one_asked_for_where_there_are_many_patches():
    for overlap in (0.5, 0.65, 0.8):
        found = grid(100, 1600, 224, 16, overlap)
        x = np.unique(found.xyxy[found.scale == 8, 0])  # s = 25: more than a hundred side by side
        shared = 1 - np.diff(x) / 25
        assert overlap - 1e-4 <= shared.mean() < overlap + 0.02


def test_rows_come_before_columns_and_the_wide_side_has_more():
    found = grid(120, 160, 64, 8)
    wide = found.scales[-1]
    assert len(wide.columns) > len(wide.rows)
    last = found.xyxy[found.scale == 8]
    assert (last[: len(wide.columns), 1] == last[0, 1]).all()
    assert (np.diff(last[: len(wide.columns), 0]) > 0).all()
    assert wide.resized[1] > wide.resized[0]


def test_the_same_size_gives_the_same_grid():
    one, two = grid(120, 161, 64, 8), grid(120, 161, 64, 8)
    assert one.xyxy.tobytes() == two.xyxy.tobytes()
    assert (one.scale == two.scale).all()


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0), (10, 10 * LONGEST + 1), (10 * LONGEST + 1, 10)])
def test_pictures_without_pixels_or_of_extreme_proportions_are_refused(size):
    with pytest.raises(ValueError, match=f"{size[1]} x {size[0]} pixels has no grid"):
        grid(*size)
    assert len(grid(10, 10 * LONGEST)) > 0


@pytest.mark.parametrize("overlap", [0.49, 0.93, 1.0, -1, float("nan")])
def test_overlaps_out_of_range_or_finer_than_the_cells_are_refused(overlap):
    with pytest.raises(ValueError, match=r"overlap by 0.5 to 0.929 .* not by"):
        grid(100, 100, 224, 16, overlap)
    assert len(grid(100, 100, 224, 16, 1 - 16 / 224)) > len(grid(100, 100))


def boxes_of(*objects):
    """Each object is x0, y0, x1, y1, class and, if so, "difficult"."""
    n = len(objects)
    difficult = [len(o) == 6 for o in objects]
    return Boxes([o[:4] for o in objects], [o[4] for o in objects], difficult, np.zeros(n, bool))


def label(patch, *objects, size=(100, 100)):
    return label_patches(np.array([patch], np.float32), boxes_of(*objects), 3, size).tolist()[0]


def literally_labelled(patches, boxes, n_classes, size):
    """The rule, one patch and one object after the other, in whole numbers."""
    height, width = size
    objects = []
    for (x0, y0, x1, y1), c, difficult in zip(
        boxes.xyxy.tolist(), boxes.labels, boxes.difficult, strict=True
    ):
        x0, x1, y0, y1 = max(x0, 0), min(x1, width), max(y0, 0), min(y1, height)
        if x0 < x1 and y0 < y1:
            objects.append((x0, y0, x1, y1, int(c), bool(difficult)))
    found = []
    for px0, py0, px1, py1 in patches.tolist():
        overlapped, contained = [], []
        for x0, y0, x1, y1, c, difficult in objects:
            shared = max(0, min(px1, x1) - max(px0, x0)) * max(0, min(py1, y1) - max(py0, y0))
            if shared > 0:
                overlapped.append(c)
            whole = 5 * shared >= (px1 - px0) * (py1 - py0) and 5 * shared >= 3 * (x1 - x0) * (y1 - y0)
            if whole and shared > 0:
                contained.append((c, difficult))
        if not contained:
            found.append(n_classes)
        elif len(overlapped) == 1 and not contained[0][1]:
            found.append(contained[0][0])
        else:
            found.append(AMBIGUOUS)
    return found


def test_labels_are_those_of_the_literal_rule_on_random_boxes():
    rng = np.random.default_rng(0)
    seen = np.zeros(6, int)
    for _ in range(1500):
        height, width = size = tuple(rng.integers(10, 60, 2).tolist())
        s = rng.integers(2, min(size) + 1, 40)
        x, y = rng.integers(0, width - s + 1), rng.integers(0, height - s + 1)
        patches = np.stack([x, y, x + s, y + s], 1)
        n = rng.integers(0, 4)
        # some outside, partly or wholly; some without area; some whose ends are swapped
        a = rng.integers(-10, 50, (n, 2))
        b = a + rng.integers(-1, 25, (n, 2))
        boxes = Boxes(np.hstack([a, b]), rng.integers(0, 4, n), rng.random(n) < 0.2, rng.random(n) < 0.5)
        found = label_patches(patches, boxes, 4, size)
        assert found.tolist() == literally_labelled(patches, boxes, 4, size)
        assert found.dtype == np.int64
        seen += np.bincount(found + 1, minlength=6)
    assert (seen > 100).all()  # ambiguous, each class, background


def test_a_fifth_of_the_patch_and_three_fifths_of_the_object_are_enough():
    patch = (0, 0, 10, 10)
    assert label(patch, (0, 0, 4, 5, 1)) == 1  # 20 of 100
    assert label(patch, (0, 0, 4, 4.99, 1)) == 3
    assert label(patch, (4, 0, 14, 10, 2)) == 2  # 60 of 100 of both
    assert label(patch, (4.01, 0, 14.01, 10, 2)) == 3
    assert label(patch, (0, 0, 10, 10, 0)) == 0


def test_a_patch_inside_a_large_object_is_background():
    assert label((40, 40, 60, 60), (0, 0, 100, 100, 1)) == 3
    assert label((0, 0, 78, 78), (0, 0, 100, 100, 1)) == 1


def test_a_patch_that_touches_another_object_is_ambiguous():
    one = (10, 10, 40, 40, 0)
    assert label((0, 0, 50, 50), one, (49, 49, 90, 90, 1)) == AMBIGUOUS
    assert label((0, 0, 50, 50), one, (49, 49, 90, 90, 0)) == AMBIGUOUS  # of the same class, too
    assert label((0, 0, 50, 50), one, (50, 0, 90, 90, 1)) == 0  # shares a border, no area
    assert label((0, 0, 50, 50), (49, 49, 90, 90, 1)) == 3  # contains none


def test_difficult_objects_count_as_overlapped_and_never_as_positive():
    assert label((0, 0, 50, 50), (10, 10, 40, 40, 0, "difficult")) == AMBIGUOUS
    assert label((0, 0, 50, 50), (10, 10, 40, 40, 0), (45, 45, 90, 90, 1, "difficult")) == AMBIGUOUS
    assert label((0, 0, 50, 50), (45, 45, 90, 90, 1, "difficult")) == 3


def test_boxes_end_at_the_border_of_the_picture():
    # 30 of 50 pixels of its width lie in the picture, all of them in the patch
    assert label((50, 0, 100, 50), (70, 0, 120, 50, 1)) == 1
    # the part of 60 x 40 pixels in the picture is an object of 60 x 40
    assert label((60, 0, 100, 40), (60, -500, 900, 40, 2)) == 2
    # wholly outside: overlaps nothing, though the patch reaches to the border
    assert label((50, 0, 100, 50), (60, 10, 90, 40, 1), (100, 0, 150, 50, 2)) == 1
    # height and width are not swapped
    assert label((100, 0, 140, 40), (100, 0, 140, 40, 1), size=(50, 200)) == 1


def test_objects_without_area_are_none():
    assert label((0, 0, 50, 50), (20, 20, 20, 40, 1)) == 3
    assert label((0, 0, 50, 50), (10, 10, 40, 40, 0), (20, 20, 40, 20, 1)) == 0


def test_a_picture_without_objects_is_background():
    patches = grid(100, 100).xyxy
    assert (label_patches(patches, boxes_of(), 7, (100, 100)) == 7).all()
    assert label_patches(patches[:0], boxes_of((0, 0, 9, 9, 1)), 7, (100, 100)).shape == (0,)


@pytest.mark.parametrize("c", [-1, 3])
def test_a_class_out_of_range_is_refused(c):
    with pytest.raises(ValueError, match=rf"outside 0 \.\. 2: \[0, {c}\]"):
        label((0, 0, 50, 50), (0, 0, 9, 9, 0), (0, 0, 9, 9, c))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_box_that_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match="not finite"):
        label((0, 0, 50, 50), (0, 0, 9, 9, 0), (0, value, 9, 9, 0))


def test_intersections_and_areas_by_hand():
    a = np.array([[0, 0, 4, 2], [10, 10, 12, 13]], np.float64)
    b = np.array([[1, 1, 9, 9], [4, 0, 5, 2], [-1, -1, 20, 20]], np.float64)
    assert areas(a).tolist() == [8, 6]
    assert intersections(a, b).tolist() == [[3, 0, 8], [0, 0, 6]]
