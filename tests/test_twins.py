"""The twin world: reproducible, same at any size, and telling its labels by shape alone."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier

from lecture_lib.datasets import twin
from lecture_lib.datasets.protocols import ProtocolError
from lecture_lib.twins import backdrop, canvas, frames, indoor, paints, places, repeats, voc, world
from lecture_lib.twins.chance import Chance, hash64, unit
from lecture_lib.twins.compose import Sprite, lay
from lecture_lib.twins.kinds import figures

# --- chance and the classes --------------------------------------------------------------------------------


def test_hash_is_splitmix64():
    # the published first outputs of SplitMix64 for seed 1234567, as signed 64-bit integers
    want = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    golden = -7046029254386353131
    state = torch.tensor(1234567) + torch.arange(5) * golden  # wraps, as int64 does
    assert hash64(state.numpy().view(np.uint64)).tolist() == want


def test_draws_are_uniform_and_streams_are_independent():
    keys = torch.arange(20_000)
    a, b = Chance(keys)(), Chance(keys, stream=1)()
    assert abs(float(a.mean()) - 0.5) < 0.01
    assert abs(float(a.var()) - 1 / 12) < 0.005
    assert abs(float(torch.corrcoef(torch.stack([a, b]))[0, 1])) < 0.03
    assert abs(float(torch.corrcoef(torch.stack([a[1:], a[:-1]]))[0, 1])) < 0.03  # neighbours' keys
    assert float(unit(keys.numpy().view(np.uint64)).max()) < 1


def test_world_has_the_promised_classes():
    names = [c.name for c in world.OBJECTS]
    assert len(names) == len(set(names))
    assert len(world.SOURCE) >= 120
    assert len({c.group for c in world.SOURCE}) >= 10
    assert len(world.TARGET) >= 40
    assert {c.group for c in world.TARGET} <= {c.group for c in world.SOURCE}
    assert not {c.name for c in world.TARGET} & {c.name for c in world.SOURCE}
    assert len(places.CLASSES) >= 16
    assert set(places.GROUPS) == {places.INDOOR, places.NATURAL, places.MAN_MADE}
    assert len(voc.CLASSES) == 20
    assert all(len(c.genes) == len(c.kind.GENES) and all(0 <= g <= 1 for g in c.genes) for c in world.OBJECTS)
    things = {name for _, _, props in indoor.SCENES.values() for prop in props for name in prop.names}
    assert things <= set(world.BY_NAME)


@pytest.mark.parametrize("c", world.OBJECTS, ids=lambda c: c.name)
def test_every_class_fills_its_box_and_stays_inside(c):
    size, n = 64, 6
    one = torch.ones(n)
    pose = frames.Pose(one / 2, one / 2, one / 3, one * 0, one, one, one * 0)  # box [-1, 1] is the middle 2/3
    r = Chance(torch.arange(n))
    sketch = canvas.Sketch(frames.Window.square(size), paints.palette(r), r, pose)
    c.kind.draw(sketch, world.genes_of([c] * n), r)
    seen = sketch.cover > 0.5
    rows = seen.any(2).float().mean(0).nonzero()[:, 0] / size * 3 - 1.5
    columns = seen.any(1).float().mean(0).nonzero()[:, 0] / size * 3 - 1.5
    low, high = min(rows.min(), columns.min()), max(rows.max(), columns.max())
    assert low > -1.2, f"{c.name} leaves its box"
    assert high < 1.2, f"{c.name} leaves its box"
    assert max(rows.max() - rows.min(), columns.max() - columns.min()) > 1.2, f"{c.name} is too small"
    assert abs(float(rows.max() + rows.min())) < 0.6, f"{c.name} is not centred"
    assert abs(float(columns.max() + columns.min())) < 0.6, f"{c.name} is not centred"
    assert torch.isfinite(sketch.colour).all()


def test_every_prop_has_its_ranges_the_right_way_round_and_fits():
    for name, (_, _, props) in indoor.SCENES.items():
        for prop in props:
            for low, high in (prop.count, prop.x, prop.base, prop.scale):
                assert 0 <= low <= high, (name, prop)
            assert prop.x[1] <= 1, (name, prop)
            assert prop.base[0] - 2 * prop.scale[1] > 0, f"{name}: {prop.names} reaches above the picture"
            assert prop.base[1] <= 1.05, f"{name}: {prop.names} stands below the picture"


@pytest.mark.parametrize("name", indoor.CLASSES)
def test_a_ground_covers_what_any_camera_sees_of_it(name):
    keys = world.keys("test", 40)
    pose = places.Camera.draw(Chance(keys, 9)).pose(Chance(keys, 12)(-0.06, 0.06))
    r = Chance(keys, 10)
    sketch = canvas.Sketch(frames.Window.square(24), places.paints(r), r, pose)
    indoor.SCENES[name][1](sketch, r)
    assert torch.isfinite(sketch.colour).all()
    assert torch.isfinite(sketch.height).all()
    assert (sketch.cover > 0.99).all(), f"{name} leaves part of the picture unpainted"


def test_a_fold_repeats_and_stops():
    x = torch.tensor([-0.9, -0.3, 0.0, 0.31, 0.5, 1.4])
    assert torch.allclose(repeats.fold(x, 0.3), torch.tensor([0.0, 0.0, 0.0, 0.01, -0.1, -0.1]), atol=1e-6)
    once = repeats.fold(x, 0.3, 0, 1)  # two places: 0 and 0.3
    assert torch.allclose(once, torch.tensor([-0.9, -0.3, 0.0, 0.01, 0.2, 1.1]), atol=1e-6)


def inside(shape, points: list[tuple[float, float]], *sizes: float) -> list[bool]:
    return (shape(*torch.tensor(points).T, *sizes) < 0).tolist()


def test_folded_shapes_have_the_signs_of_their_outlines():
    assert inside(repeats.block, [(0, 0.09), (0.19, 0), (0.21, 0)], 0.2, 0.1) == [True, True, False]
    assert inside(repeats.oval, [(0, 0.09), (0.19, 0), (0.15, 0.09)], 0.2, 0.1) == [True, True, False]
    assert inside(repeats.rounded, [(0.198, 0.098), (0.19, 0)], 0.2, 0.1, 0.05) == [False, True]
    # an equilateral arch over two units: its point is sqrt(3) over the springing
    arch = [(0, 1.72), (0, 1.74), (0.99, -0.5), (0.99, 0.5)]
    assert inside(repeats.pointed, arch, -1.0, 0.0, 1.0) == [True, False, True, False]


# --- pictures ----------------------------------------------------------------------------------------------

SIZES = {  # pictures, classes, groups, and how many of a class, or in all, are in the two parts
    "caltech101": (1080, 54, 13, (10, 10)),
    "sun397": (630, 21, 3, (15, 15)),
    "mit67": (800, 25, 5, (24, 8)),
    "cub200": (576, 36, 9, (8, 8)),
    "h3d": (120, 9, 1, (60, 60)),
    "voc2007": (220, 20, 4, (110, 110)),
    "voc2012_action": (160, 8, 1, (80, 80)),
}


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether pictures are the same but for rounding (vectorised sin and exp may round differently)."""
    return float((np.abs(a.astype(int) - b.astype(int)) > 1).mean()) < 1e-3


@pytest.mark.parametrize("name", SIZES)
def test_a_collection_has_the_classes_and_splits_it_promises(small_twin, name):
    images, (n, classes, groups, per_class) = small_twin(name), SIZES[name]
    assert (images.name, images.source) == (name, "twin")
    assert (len(images), len(set(images.classes)), len(set(images.groups))) == (n, classes, groups)
    parts = images.split_indices(**({"train_per_class": 10} if name == "caltech101" else {}))
    assert sorted(np.concatenate(parts)) == list(range(n))
    for part, count in zip(parts, per_class, strict=True):
        counts = [len(part)] if images.multi_label else np.bincount(images.labels[part])
        assert set(counts) == {count}
    if name in ("mit67", "cub200"):
        with pytest.raises(ProtocolError, match="one official split"):
            images.split_indices(seed=1)


def test_scenes_are_in_the_groups_of_their_published_names(small_twin):
    scenes = small_twin("mit67")
    group_of = dict(zip(scenes.classes, scenes.groups, strict=True))
    found = [group_of[name] for name in ("bakery", "stairscase", "church_inside", "bowling", "greenhouse")]
    assert found == ["store", "home", "public spaces", "leisure", "working place"]


def test_no_picture_is_there_twice(small_twin):
    pictures = small_twin("mit67").stack().numpy().reshape(800, -1)
    assert len(np.unique(pictures[:, ::7], axis=0)) == len(pictures)


@pytest.mark.parametrize("name", [*SIZES, "office31"])
def test_a_picture_depends_neither_on_its_batch_nor_on_its_size(small_twin, name):
    images = small_twin(name).images
    rows = np.array([3, len(images) // 2, len(images) - 1])
    width = images[0].shape[2]
    cached = images.take(rows)
    together = images.draw(rows, width)
    alone = np.concatenate([images.draw(rows[i : i + 1], width) for i in range(3)])
    assert close(together, alone)
    assert close(np.stack([cached[i] for i in range(3)]), alone)
    small, other = cached[1].float(), cached[2].float()
    large = torch.from_numpy(images.draw(rows[1:2], 4 * width)[0]).float()
    again = torch.nn.functional.avg_pool2d(large[None], 4)[0]
    assert (again - small).abs().mean() < 0.35 * (other - small).abs().mean()
    # the grain is one of each pixel, the rest agrees
    assert (again - small).abs().median() < 12
    # finer: edges drawn at the pixels of the small picture would be four pixels wide
    blown_up = torch.nn.functional.interpolate(small[None], scale_factor=4, mode="bilinear")[0]
    steepest = [(p[:, :, 1:] - p[:, :, :-1]).abs().flatten().topk(500).values for p in (large, blown_up)]
    assert steepest[0].mean() > 2 * steepest[1].mean()


def test_noise_is_the_same_at_any_size():
    keys = torch.arange(3)
    small, large = (backdrop.noise(Chance(keys), frames.Window.square(s), 5) for s in (32, 128))
    again = torch.nn.functional.avg_pool2d(large[:, None], 4)[:, 0]
    assert (again - small).abs().max() < 0.02


def test_a_background_class_changes_no_picture(small_twin):
    plain, more = (small_twin("caltech101", background, CALTECH_PER_CLASS=2) for background in (False, True))
    assert more.classes == (*plain.classes, twin.BACKGROUND)
    assert more.labels.tolist() == plain.labels.tolist() + [54] * 2
    assert torch.equal(more.stack()[: len(plain)], plain.stack())


# --- what carries no label ---------------------------------------------------------------------------------


def colours(pictures: list[np.ndarray]) -> np.ndarray:
    """Joint colour histograms, 4 x 4 x 4 bins, [N, 64]."""
    codes = [(p // 64).astype(np.int64).reshape(3, -1).T @ (16, 4, 1) for p in pictures]
    return np.stack([np.bincount(code, minlength=64) / len(code) for code in codes])


def colours_of_the_middle(images) -> np.ndarray:
    return colours(images.stack().numpy()[:, :, 12:-12, 12:-12])


def corners(images) -> np.ndarray:
    """The one box of each picture, int64 [N, 4]."""
    return np.concatenate([marked.xyxy for marked in images.boxes]).astype(int)


def colours_of_the_box(images) -> np.ndarray:
    pictures = images.stack().numpy()
    return colours(
        [p[:, y0:y1, x0:x1] for p, (x0, y0, x1, y1) in zip(pictures, corners(images), strict=True)]
    )


def place_of_the_box(images) -> np.ndarray:
    """Centre and longer side."""
    xyxy = corners(images)
    return np.concatenate([xyxy[:, :2] + xyxy[:, 2:], (xyxy[:, 2:] - xyxy[:, :2]).max(1, keepdims=True)], 1)


def border(images) -> np.ndarray:
    """The outermost two pixels all around, [N, d]."""
    pictures = images.stack().numpy()
    outside = np.ones(pictures.shape[2:], bool)
    outside[2:-2, 2:-2] = False
    return pictures[:, :, outside].reshape(len(pictures), -1)[:, ::3] / 255


def centre_of_what_differs(images) -> np.ndarray:
    """The centre of what differs from the backdrop's median: it would give away a class that sits low."""
    x = images.stack().float()
    salience = (x - x.flatten(2).median(2).values[:, :, None, None]).abs().sum(1) ** 2
    axis, mass = torch.linspace(-1, 1, x.shape[-1]), salience.sum((1, 2))
    return torch.stack(
        [(salience.sum(1) * axis).sum(1) / mass, (salience.sum(2) * axis).sum(1) / mass], 1
    ).numpy()


@pytest.mark.parametrize(
    ("name", "look", "times"),
    [
        ("caltech101", colours_of_the_middle, None),
        ("caltech101", border, None),
        ("caltech101", centre_of_what_differs, None),
        ("cub200", colours_of_the_middle, None),
        ("cub200", border, None),
        ("cub200", colours_of_the_box, None),
        ("cub200", place_of_the_box, None),
        ("mit67", colours_of_the_middle, None),
        # a place reaches the border, and a skyline has more colours than a dune: near chance, not at it
        ("mit67", border, 3),
        ("sun397", colours_of_the_middle, 2),
        ("sun397", border, 3),
    ],
)
def test_neither_colour_nor_place_nor_border_tells_the_class(small_twin, name, look, times):
    images = small_twin(name)
    x = look(images)
    train, test = images.split_indices(**({"train_per_class": 10} if name == "caltech101" else {}))
    x = (x - x.mean(0)) / (x.std(0) + 1e-6)
    accuracy = (
        RidgeClassifier(alpha=300).fit(x[train], images.labels[train]).score(x[test], images.labels[test])
    )
    chance = 1 / len(images.classes)
    # guessing exceeds four standard deviations above chance once in 30,000 times
    assert accuracy < (times * chance if times else chance + 4 * (chance / len(test)) ** 0.5)


# --- several objects a picture -----------------------------------------------------------------------------


def square(left: int, top: int, side: int = 8) -> Sprite:
    ones = torch.ones(side, side)
    return Sprite(torch.ones(3, side, side), ones, ones, left, top, side * side)


def test_boxes_of_a_whole_a_cut_and_a_hidden_object():
    picture = torch.zeros(3, 30, 40)
    sprites = [square(4, 6), square(36, 10), square(5, 7, 8), square(20, 26)]
    seen = lay(picture, sprites)
    marks = [voc.mark(s, v, 30, 40, label=3) for s, v in zip(sprites, seen, strict=True)]
    # the third lies over the first but for a row above it and a column left of it: 15 of 64 pixels seen
    assert marks[0] == (4, 6, 12, 14, 3, True, False)
    assert marks[1][:4] == (36, 10, 40, 18)
    assert marks[1][6], "half of it is outside the picture"
    assert marks[2] == (5, 7, 13, 15, 3, False, False)
    assert marks[3][:4] == (20, 26, 28, 30)
    assert (picture[:, 6:14, 4:12] == 1).all()


@pytest.mark.parametrize(
    ("name", "least", "difficult", "truncated"),
    [("voc2007", 2, (0.02, 0.35), (0.05, 0.5)), ("voc2012_action", 7, (0.01, 0.2), (0.05, 0.4))],
)
def test_labels_agree_with_boxes_and_no_class_is_rare(small_twin, name, least, difficult, truncated):
    images = small_twin(name)
    height, width = images.tensor(0).shape[1:]
    for labels, boxes in zip(images.labels, images.boxes, strict=True):
        sure = set(boxes.labels[~boxes.difficult].tolist())
        assert set(np.flatnonzero(labels == 1).tolist()) == sure
        assert set(np.flatnonzero(labels == -1).tolist()) == set(boxes.labels.tolist()) - sure
        x0, y0, x1, y1 = boxes.xyxy.T
        assert ((x0 >= 0) & (y0 >= 0) & (x1 <= width) & (y1 <= height) & (x1 > x0) & (y1 > y0)).all()
    for split in images.split_indices():
        assert (images.labels[split] == 1).sum(0).min() >= least  # enough to learn and to score each class
    assert difficult[0] < np.concatenate([b.difficult for b in images.boxes]).mean() < difficult[1]
    assert truncated[0] < np.concatenate([b.truncated for b in images.boxes]).mean() < truncated[1]


def test_boxes_find_their_object_in_the_pixels(small_twin):
    # an oracle that knows nothing of sprites: there are more edges inside the boxes than outside them, as there
    # are, but not always, in photographs
    images = small_twin("voc2007")
    inside, outside = [], []
    for i in range(200):
        grey = images.tensor(i).float().mean(0)
        edges = (grey[1:, 1:] - grey[:-1, 1:]).abs() + (grey[1:, 1:] - grey[1:, :-1]).abs()
        mask = torch.zeros_like(edges, dtype=torch.bool)
        for x0, y0, x1, y1 in images.boxes[i].xyxy.astype(int):
            mask[max(y0 - 1, 0) : y1, max(x0 - 1, 0) : x1] = True
        if mask.any() and not mask.all():
            inside.append(float(edges[mask].mean()))
            outside.append(float(edges[~mask].mean()))
    assert np.mean(np.array(inside) > np.array(outside)) > 0.8


def test_whoever_has_an_action_is_drawn_in_that_pose_and_nobody_else_is_a_person(small_twin):
    assert small_twin("voc2012_action").classes == tuple(figures.CLASSES)
    keys = world.keys("test", 300)
    placed, label = voc.arrange(keys, voc.ACTIONS)
    names = [c.name for c in placed.classes]
    people = label.numpy() >= 0
    assert [n for n, p in zip(names, people, strict=True) if p] == [
        list(figures.CLASSES)[c] for c in label[people].tolist()
    ]
    clutter = {n for n, p in zip(names, people, strict=True) if not p}
    assert not clutter & set(figures.CLASSES)
    assert clutter & {"car", "sofa", "poodle", "horse"}  # labelled in the object task, mere clutter here
    assert set(np.bincount(placed.picture[people], minlength=300).tolist()) == {1, 2, 3}
    lowest, highest = voc.ACTIONS.scales
    assert placed.scale[people].min() >= lowest
    assert placed.scale[people].max() <= highest


def test_boxes_of_a_pose_have_its_shape(small_twin):
    # an oracle that knows nothing of arrangements: who jumps or runs is wide, who stands is narrow
    actions = small_twin("voc2012_action")
    whole = [b.xyxy[~b.difficult & ~b.truncated] for b in actions.boxes]
    width, height = np.concatenate([xyxy[:, 2:] - xyxy[:, :2] for xyxy in whole]).T
    label = np.concatenate([b.labels[~b.difficult & ~b.truncated] for b in actions.boxes])
    shape = {name: np.median((width / height)[label == c]) for c, name in enumerate(actions.classes)}
    order = sorted(shape, key=shape.get)
    assert order[0] == "standing"
    assert set(order[-3:]) == {"jumping", "running", "kneeling"}
    assert shape["standing"] < 0.85 * sorted(shape.values())[1]
    assert np.median(height) > 50, "too small to see a pose"


def test_a_picture_of_actions_is_decided_by_its_name(small_twin):
    actions = small_twin("voc2012_action")
    pictures, marks = voc.draw(world.keys("voc2012_action/val", 3)[1:], 160, voc.ACTIONS)
    i = actions.splits["val"][1]
    assert close(actions.tensor(i).numpy(), pictures[0])
    assert np.array_equal(marks[0][~np.isnan(marks[0, :, 0]), :4], actions.boxes[i].xyxy)
