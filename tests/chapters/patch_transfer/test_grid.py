"""Where patches lie and what they are labelled, against literal loops and hand-worked cases."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lecture_lib.chapters.patch_transfer.grid import LAMBDAS, LONGEST, OVERLAP, grid
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS, label_patches
from lecture_lib.datasets import Boxes

LATTICES = [(224, 16), (64, 8), (224, 32), (227, 16), (224, 12)]  # side, cell


def literal(height, width, side, cell, overlap):
    """Boxes and scales patch by patch, in Python's floats."""
    boxes, numbers = [], []
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
        boxes += [(x, y, x + s, y + s) for y in starts[0] for x in starts[1]]
        numbers += [number] * len(starts[0]) * len(starts[1])
    return boxes, numbers


@settings(max_examples=40)
@given(
    st.integers(1, 700), st.integers(1, 700), st.sampled_from(LATTICES), st.sampled_from([0.5, OVERLAP, 0.8])
)
@example(375, 500, (224, 16), OVERLAP)
@example(50, 700, (64, 8), 0.5)
@example(1, 1, (227, 16), 0.8)
def test_a_grid_is_that_of_a_literal_loop_its_patches_overlap_and_cover_the_picture(
    height, width, lattice, overlap
):
    assume(max(height, width) <= LONGEST * min(height, width))
    found, (side, cell) = grid(height, width, *lattice, overlap), lattice
    boxes, numbers = literal(height, width, *lattice, overlap)
    slack = 1e-6 * max(height, width)
    assert len(found) == len(boxes) == sum(map(len, found.scales))
    np.testing.assert_allclose(found.xyxy, boxes, atol=slack, rtol=1e-6)
    assert found.scale.tolist() == numbers
    assert found.xyxy.min() >= 0
    assert (found.xyxy[:, 2:] <= np.array([width, height]) + slack).all()
    for number, lam in enumerate(LAMBDAS):
        s, xyxy = min(height, width) / lam, found.xyxy[found.scale == number].astype(np.float64)
        strip = (cell // 2 + 1) * s / side + slack
        for low, high, length in ((0, 2, width), (1, 3, height)):
            starts = np.unique(xyxy[:, low])
            assert starts[0] <= strip
            assert length - xyxy[:, high].max() <= strip
            shared = 1 - np.diff(starts) / s
            assert not len(shared) or shared.min() >= max(0.5, overlap - cell / side) - 1e-4
            assert not len(shared) or shared.mean() >= overlap - 1e-4


def test_patches_of_a_voc_picture_are_as_many_as_the_paper_says():
    assert len(grid(375, 500, 224, 16, overlap=0.5)) == 275
    assert len(grid(500, 375, 224, 16, overlap=0.5)) == 275
    assert 450 <= len(grid(375, 500)) <= 550  # "about 500"
    assert np.bincount(grid(64, 64, 64, 8).scale)[0] == 1


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (10, 10 * LONGEST + 1), (10 * LONGEST + 1, 10)])
def test_pictures_without_pixels_or_of_extreme_proportions_are_refused(size):
    with pytest.raises(ValueError, match=f"{size[1]} x {size[0]} pixels has no grid"):
        grid(*size)


@pytest.mark.parametrize("overlap", [0.49, 0.93, float("nan")])
def test_overlaps_out_of_range_or_finer_than_the_cells_are_refused(overlap):
    with pytest.raises(ValueError, match=r"overlap by 0.5 to 0.929 .* not by"):
        grid(100, 100, 224, 16, overlap)
    assert len(grid(100, 100, 224, 16, 1 - 16 / 224)) > len(grid(100, 100))


def boxes_of(*objects):
    """Each object is x0, y0, x1, y1, class and, if so, "difficult"."""
    difficult = [len(o) == 6 for o in objects]
    return Boxes([o[:4] for o in objects], [o[4] for o in objects], difficult, np.zeros(len(objects), bool))


def label(patch, *objects, size=(100, 100)):
    return label_patches(np.array([patch], np.float32), boxes_of(*objects), 3, size).tolist()[0]


def literally_labelled(patch, objects, size):
    """The rule for one patch, object after object, in whole numbers."""
    (height, width), (px0, py0, px1, py1) = size, patch
    overlapped, contained = 0, []
    for x0, y0, x1, y1, c, *difficult in objects:
        x0, x1, y0, y1 = max(x0, 0), min(x1, width), max(y0, 0), min(y1, height)
        shared = max(0, min(px1, x1) - max(px0, x0)) * max(0, min(py1, y1) - max(py0, y0))
        overlapped += shared > 0
        of_patch, of_object = (px1 - px0) * (py1 - py0), (x1 - x0) * (y1 - y0)
        if shared > 0 and 5 * shared >= of_patch and 5 * shared >= 3 * of_object:
            contained.append(AMBIGUOUS if difficult else c)
    if not contained:
        return 3
    return contained[0] if overlapped == 1 else AMBIGUOUS


def box(low, high, longest, least):
    """Boxes of whole numbers that begin at `low` to `high`; `least` below 0 lets their ends be swapped."""
    start, side = st.integers(low, high), st.integers(least, longest)
    return st.builds(lambda x, y, w, h: (x, y, x + w, y + h), start, start, side, side)


some_objects = st.builds(
    lambda xyxy, c, difficult: (*xyxy, c, *["difficult"] * difficult),
    box(-10, 50, 25, -1),  # outside, partly or wholly; some without area
    st.integers(0, 2),
    st.booleans(),
)


@given(
    st.lists(box(0, 40, 30, 2), min_size=1, max_size=20), st.lists(some_objects, max_size=3),
    st.tuples(st.integers(10, 60), st.integers(10, 60)),
)  # fmt: skip
def test_labels_are_those_of_the_literal_rule(patches, objects, size):
    found = label_patches(np.array(patches), boxes_of(*objects), 3, size)
    assert found.tolist() == [literally_labelled(patch, objects, size) for patch in patches]
    assert found.dtype == np.int64


ONE = (10, 10, 40, 40, 0)
PATCH = (0, 0, 50, 50)


@pytest.mark.parametrize(
    ("wanted", "patch", "objects"),
    [
        # a fifth of the patch and three fifths of the object are enough
        (1, (0, 0, 10, 10), [(0, 0, 4, 5, 1)]),
        (3, (0, 0, 10, 10), [(0, 0, 4, 4.99, 1)]),
        (2, (0, 0, 10, 10), [(4, 0, 14, 10, 2)]),
        (3, (0, 0, 10, 10), [(4.01, 0, 14.01, 10, 2)]),
        (3, (40, 40, 60, 60), [(0, 0, 100, 100, 1)]),  # inside a large object
        # another object that is touched, of the same class, too
        (AMBIGUOUS, PATCH, [ONE, (49, 49, 90, 90, 1)]),
        (AMBIGUOUS, PATCH, [ONE, (49, 49, 90, 90, 0)]),
        (0, PATCH, [ONE, (50, 0, 90, 90, 1)]),  # shares a border, no area
        (3, PATCH, [(49, 49, 90, 90, 1)]),
        # difficult ones count as touched, never as positive
        (AMBIGUOUS, PATCH, [(*ONE, "difficult")]),
        (AMBIGUOUS, PATCH, [ONE, (45, 45, 90, 90, 1, "difficult")]),
        (3, PATCH, [(45, 45, 90, 90, 1, "difficult")]),
        # boxes end at the border of the picture, of 100 x 100 pixels
        (1, (50, 0, 100, 50), [(70, 0, 120, 50, 1)]),
        (2, (60, 0, 100, 40), [(60, -500, 900, 40, 2)]),
        (1, (50, 0, 100, 50), [(60, 10, 90, 40, 1), (100, 0, 150, 50, 2)]),
        # without area there is no object
        (3, PATCH, [(20, 20, 20, 40, 1)]),
        (0, PATCH, [ONE, (20, 20, 40, 20, 1)]),
        (3, PATCH, []),
    ],
)
def test_labels_by_hand(wanted, patch, objects):
    assert label(patch, *objects) == wanted
