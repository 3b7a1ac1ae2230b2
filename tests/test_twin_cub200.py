"""The twin of CUB-200-2011: species told apart by shape and marks alone, boxes and part points that sit on the bird."""

import numpy as np
import pytest
import torch

from lecture_lib.datasets import twin
from lecture_lib.twins import anatomy, canvas, frames, paints, skeleton, species, world
from lecture_lib.twins.chance import Chance

CUB_PARTS = (
    "back", "beak", "belly", "breast", "crown", "forehead", "left eye", "left leg", "left wing", "nape", "right eye",
    "right leg", "right wing", "tail", "throat",
)  # fmt: skip
EVERY = list(species.CLASSES) * 2
KEYS = world.keys("test of cub200", len(EVERY))
SIZE = 128


@pytest.fixture(scope="module")
def cub(small_twin):
    return small_twin("cub200")


@pytest.fixture(scope="module")
def drawn():
    return species.draw(EVERY, KEYS, SIZE)


@pytest.fixture(scope="module")
def on_bird():
    """What the bird covers, bool [N, H, W]: where pictures with and without it differ, but for shadow and camera."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(species, "cast_shadow", lambda picture, *_: picture)
        patch.setattr(species, "expose", lambda picture, *_: (picture * 255).to(torch.uint8))  # no halo
        with_bird = species.draw(EVERY, KEYS, SIZE)[0]
        patch.setattr(anatomy, "draw", lambda *_: None)
        without = species.draw(EVERY, KEYS, SIZE)[0]
    return (with_bird != without).any(1)


def column(name: str) -> int:
    return skeleton.PARTS.index(name)


def near_parts(points: np.ndarray) -> dict[str, np.ndarray]:
    """Coordinates [N, 2] by name; `eye`, `wing`: of the side that is seen."""
    found = {name: points[:, i, :2] for i, name in enumerate(skeleton.PARTS)}
    for name in ("eye", "wing"):
        found[name] = found[f"left {name}"] + found[f"right {name}"]  # the unseen one is 0, 0
    return found


def differ(a: np.ndarray, b: np.ndarray) -> float:
    """Share of values more than one grey level apart (vectorised sin and exp may round differently)."""
    return float((np.abs(a.astype(int) - b.astype(int)) > 1).mean())


def test_boxes_and_parts_belong_to_their_species(cub):
    assert all(name.split()[-1].lower() == group for name, group in zip(cub.classes, cub.groups, strict=True))
    assert {cub.groups.count(group) for group in cub.groups} == {4}
    assert cub.parts.shape == (576, 15, 3)
    assert cub.part_names == CUB_PARTS
    assert [boxes.labels.tolist() for boxes in cub.boxes] == cub.labels[:, None].tolist()


def test_species_differ_and_wear_marks_that_are_drawn():
    looks = {
        (name.split()[-1], *sorted(marks.split()), *sorted(build.items()))
        for name, (marks, build) in species.SPECIES.items()
    }
    assert len(looks) == len(species.SPECIES)
    worn = {mark for marks, _ in species.SPECIES.values() for mark in marks.split()}
    assert worn == set(anatomy.MARKS)
    build, _ = species.genes(species.CLASSES)
    assert all(float(gene.min()) >= 0 and float(gene.max()) <= 1 for gene in build.values())
    for _, changes in species.SPECIES.values():
        assert changes.keys() <= set(skeleton.BUILD)


@pytest.mark.parametrize("mark", anatomy.MARKS)
def test_a_mark_changes_the_paint_of_every_family_and_the_shape_of_none(mark):
    names = [name for name in species.CLASSES if species.CLASSES.index(name) % 4 == 0]
    build, _ = species.genes(names)
    n = len(names)
    keys = world.keys("marks", n)
    one = torch.ones(n)
    pose = frames.Pose(one / 2, one / 2, one / 3, one * 0, one, one, one * 0)
    sketches = []
    for worn in (0.0, 1.0):
        r = Chance(keys)
        bird = skeleton.grow(build, r)
        sketch = canvas.Sketch(frames.Window.square(60), anatomy.plumage(r), r, pose)
        anatomy.draw(sketch, bird, {m: one * worn * (m == mark) for m in anatomy.MARKS})
        sketches.append(sketch)
    plain, marked = sketches
    assert torch.equal(plain.cover, marked.cover)
    assert torch.equal(plain.height, marked.height)
    changed = (plain.colour - marked.colour).abs().amax(1) > 0.25
    share = changed.sum((1, 2)) / (plain.cover > 0.5).sum((1, 2))
    assert (share > 0.005).all(), dict(zip(names, share.tolist(), strict=True))
    assert (share < 0.4).all()
    assert not (changed & (plain.cover == 0)).any()


def test_points_of_a_pose_are_where_its_sketch_has_them():
    n, size = 40, 200
    r = Chance(torch.arange(n))
    pose = frames.Pose(
        x=r(0.3, 0.7), y=r(0.3, 0.7), scale=r(0.1, 0.3), angle=r(-3, 3), mirror=1 - 2 * r.chance(0.5),
        stretch=r(0.7, 1.4), shear=r(-0.4, 0.4),
    )  # fmt: skip
    x, y = r(-0.5, 0.5), r(-0.5, 0.5)
    u, v = (t[:, 0] for t in pose.to_picture(x[:, None], y[:, None]))
    sketch = canvas.Sketch(frames.Window.square(size), paints.palette(r), r, pose)
    at = torch.arange(n), (v * size).long(), (u * size).long()
    pixel = (1.5 / size) / pose.scale  # a pixel's diagonal, in object units and sheared
    assert ((sketch.x[at] - x).abs() < 1.5 * pixel).all()
    assert ((sketch.y[at] - y).abs() < pixel).all()


def test_a_picture_does_not_depend_on_its_batch(drawn):
    again = species.draw(EVERY, KEYS, SIZE)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True))
    for i in (0, 17, 40, 71):
        picture, box, points = species.draw(EVERY[i : i + 1], KEYS[i : i + 1], SIZE)
        assert differ(picture[0], drawn[0][i]) < 1e-3
        assert np.array_equal(box[0], drawn[1][i])
        assert np.allclose(points[0], drawn[2][i], atol=1e-3)


def test_box_and_points_are_doubled_in_a_picture_of_twice_the_size(cub):
    rows = np.arange(0, 576, 48)
    keys = torch.cat([world.keys(f"cub200/{name}", 16) for name in cub.classes])[rows]
    _, boxes, points = species.draw([cub.classes[c] for c in cub.labels[rows]], keys, 448)
    assert np.allclose(points, cub.parts[rows] * (2, 2, 1), atol=1e-3)
    assert np.abs(boxes - 2 * np.concatenate([cub.boxes[i].xyxy for i in rows])).max() <= 3


def test_boxes_are_tight_about_what_the_bird_covers(drawn, on_bird):
    _, boxes, _ = drawn
    gaps = []
    for mask, box in zip(on_bird, boxes, strict=True):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        gaps.append(np.abs(box - (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)))
    assert (np.array(gaps) <= 1).mean() > 0.9  # the mask has pixels of which less than half is covered, too
    assert np.max(gaps) <= 5  # several in a row where a tail ends in a point
    assert (boxes[:, :2] > 0).all()
    assert (boxes[:, 2:] < SIZE).all()
    longer = (boxes[:, 2:] - boxes[:, :2]).max(1) / SIZE
    assert longer.min() > 0.32
    assert longer.max() < 0.77


@pytest.mark.parametrize("name", skeleton.PARTS)
def test_a_part_point_is_on_the_bird_and_in_its_box(name, drawn, on_bird):
    _, boxes, points = drawn
    x, y, seen = points[:, column(name)].T
    rows = np.flatnonzero(seen)
    assert set(seen) <= {0, 1}
    assert (points[seen == 0][:, column(name)] == 0).all()
    x, y, boxes = x[rows], y[rows], boxes[rows]
    assert ((x >= boxes[:, 0]) & (x <= boxes[:, 2]) & (y >= boxes[:, 1]) & (y <= boxes[:, 3])).all()
    assert on_bird[rows, y.astype(int), x.astype(int)].mean() > 0.97  # a paint may equal what is behind it


def test_the_pupil_is_at_the_eye():
    size, names = 384, EVERY[::3]
    pictures, _, points = species.draw(names, KEYS[::3], size)
    eye = near_parts(points)["eye"].astype(int)
    grey = pictures.astype(float).mean(1)
    pupil = np.array([g[y - 1 : y + 2, x - 1 : x + 2].mean() for g, (x, y) in zip(grey, eye, strict=True)])
    ring = np.array([g[y - 12 : y + 13, x - 12 : x + 13].max() for g, (x, y) in zip(grey, eye, strict=True)])
    assert (pupil < 70).mean() > 0.95
    assert (ring - pupil > 80).mean() > 0.95


def test_the_side_that_is_seen_agrees_with_the_way_the_bird_looks(drawn):
    points = drawn[2]
    seen = points[:, :, 2] > 0
    right = points[:, column("beak"), 0] > points[:, column("tail"), 0]
    assert 0.3 < right.mean() < 0.7
    for name in ("eye", "wing"):
        assert np.array_equal(
            seen[:, column(f"right {name}")], right
        )  # heading right, its right side is ours
        assert np.array_equal(seen[:, column(f"left {name}")], ~right)
    either = [i for i, name in enumerate(skeleton.PARTS) if not name.endswith(("eye", "wing"))]
    assert seen[:, either].all()


def test_parts_are_in_the_order_of_a_bird(drawn):
    _, boxes, points = drawn
    at = near_parts(points)
    facing = np.where(at["beak"][:, 0] > at["tail"][:, 0], 1, -1)
    ahead = {name: xy[:, 0] * facing for name, xy in at.items()}
    for front, behind in (
        ("beak", "eye"),
        ("eye", "nape"),
        ("forehead", "eye"),
        ("breast", "belly"),
        ("nape", "tail"),
    ):
        assert (ahead[front] > ahead[behind]).all(), (front, behind)
    for upper, lower in (
        ("crown", "throat"),
        ("back", "belly"),
        ("belly", "left leg"),
        ("belly", "right leg"),
    ):
        assert (at[upper][:, 1] < at[lower][:, 1]).all(), (upper, lower)
    longer = (boxes[:, 2:] - boxes[:, :2]).max(1)
    for end in ("beak", "tail"):
        gaps = np.abs(np.concatenate([at[end] - boxes[:, :2], boxes[:, 2:] - at[end]], 1)).min(1)
        assert (gaps < 0.15 * longer).all(), end


def test_place_size_and_mean_colour_of_the_box_vary_alike_in_every_species(cub):
    boxes = np.concatenate([b.xyxy for b in cub.boxes]).astype(int)
    pictures = cub.stack().numpy()
    mean = [p[:, y0:y1, x0:x1].mean((1, 2)) for p, (x0, y0, x1, y1) in zip(pictures, boxes, strict=True)]
    longer = (boxes[:, 2:] - boxes[:, :2]).max(1, keepdims=True)
    x = np.concatenate([boxes[:, :2] + boxes[:, 2:], longer, mean], 1).reshape(36, 16, -1)  # class by class
    between = 16 * ((x.mean(1) - x.mean((0, 1))) ** 2).sum(0)
    share = between / ((x - x.mean((0, 1))) ** 2).sum((0, 1))
    # at random a Beta(35 / 2, 540 / 2) variable: mean 0.0609, standard deviation 0.0141
    assert (share < 0.0609 + 4 * 0.0141).all(), share


def test_some_birds_are_the_first_of_each_species_with_their_boxes(cub):
    some = twin.some_birds(per_class=2)
    rows = [row for c in range(len(cub.classes)) for row in np.flatnonzero(cub.labels == c)[:2]]
    assert np.array_equal(some.labels, cub.labels[rows])
    for i, row in enumerate(rows):
        assert (some.images[i].int() - cub.images[row].int()).abs().max() <= 1  # rounded in another batch
        assert np.allclose(some.boxes[i].xyxy, cub.boxes[row].xyxy, atol=0.01)
