"""The twin world: reproducible, same at any size, and telling its labels by shape alone."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from lecture_lib.datasets import twin
from lecture_lib.twins import backdrop, canvas, places, voc, world
from lecture_lib.twins.chance import Chance, hash64, unit
from lecture_lib.twins.compose import Sprite, lay


@pytest.fixture(scope="module")
def caltech(small_twin):
    return small_twin("caltech101")


def differ(a: np.ndarray, b: np.ndarray) -> float:
    """Share of values more than one grey level apart (vectorised sin and exp may round differently)."""
    return float((np.abs(a.astype(int) - b.astype(int)) > 1).mean())


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
    assert [v % 2**64 for v in hash64(state).tolist()] == want


def test_draws_are_uniform_and_streams_are_independent():
    keys = torch.arange(20_000)
    a, b = Chance(keys)(), Chance(keys, stream=1)()
    assert abs(float(a.mean()) - 0.5) < 0.01
    assert abs(float(a.var()) - 1 / 12) < 0.005
    assert abs(float(torch.corrcoef(torch.stack([a, b]))[0, 1])) < 0.03
    assert abs(float(torch.corrcoef(torch.stack([a[1:], a[:-1]]))[0, 1])) < 0.03  # neighbours' keys
    assert float(unit(keys).max()) < 1


def test_world_has_the_promised_classes():
    names = [c.name for c in world.OBJECTS]
    assert len(names) == len(set(names))
    assert len(world.SOURCE) >= 120
    assert len({c.group for c in world.SOURCE}) >= 10
    assert len(world.TARGET) >= 40
    assert {c.group for c in world.TARGET} <= {c.group for c in world.SOURCE}
    assert len(places.CLASSES) >= 16
    assert set(places.GROUPS) == {places.INDOOR, places.NATURAL, places.MAN_MADE}
    assert len(voc.CLASSES) == 20
    assert all(len(c.genes) == len(c.kind.GENES) and all(0 <= g <= 1 for g in c.genes) for c in world.OBJECTS)


@pytest.mark.parametrize("c", world.OBJECTS, ids=lambda c: c.name)
def test_every_class_fills_its_box_and_stays_inside(c):
    size, n = 64, 6
    one = torch.ones(n)
    pose = canvas.Pose(one / 2, one / 2, one / 3, one * 0, one, one, one * 0)  # box [-1, 1] is the middle 2/3
    r = Chance(torch.arange(n))
    sketch = canvas.Sketch(canvas.Window.square(size), pose, canvas.palette(r), r)
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


def test_a_picture_does_not_depend_on_its_batch():
    classes = [world.TARGET[i % len(world.TARGET)] for i in range(40)]
    keys = world.keys("test", 40)
    together = world.portraits(classes, keys, 64)
    alone = np.concatenate([world.portraits(classes[i : i + 1], keys[i : i + 1], 64) for i in (0, 7, 39)])
    assert differ(together[[0, 7, 39]], alone) < 1e-3


@pytest.mark.parametrize("name", ["caltech101", "sun397", "mit67", "voc2007", "voc2012_action"])
def test_a_slide_is_the_same_picture_only_finer(small_twin, name):
    images = small_twin(name).images
    for i in (0, len(images) // 2):
        small = images[i].float()
        large = torch.from_numpy(np.array(images.slide(i, 4 * small.shape[2]))).permute(2, 0, 1).float()
        again = torch.nn.functional.avg_pool2d(large[None], 4)[0]
        other = images[(i + 1) % len(images)].float()
        assert (again - small).abs().mean() < 0.35 * (other - small).abs().mean()
        # the grain is one of each pixel, the rest agrees
        assert (again - small).abs().median() < 12
        # finer: edges drawn at the pixels of the small picture would be four pixels wide
        blown_up = torch.nn.functional.interpolate(small[None], scale_factor=4, mode="bilinear")[0]
        steepest = [
            float((p[:, :, 1:] - p[:, :, :-1]).abs().flatten().topk(500).values.mean())
            for p in (large, blown_up)
        ]
        assert steepest[0] > 2.0 * steepest[1]


def histogram(pictures: np.ndarray) -> np.ndarray:
    """Joint colour histograms of the middle, where the object is: 4 x 4 x 4 bins, [N, 64]."""
    bins = (pictures[:, :, 12:-12, 12:-12] // 64).astype(np.int64)
    code = bins[:, 0] * 16 + bins[:, 1] * 4 + bins[:, 2]
    return np.stack([np.bincount(c.ravel(), minlength=64) for c in code]) / code[0].size


def border(pictures: np.ndarray) -> np.ndarray:
    """The outermost two pixels all around, [N, d]."""
    inside = np.zeros(pictures.shape[2:], bool)
    inside[2:-2, 2:-2] = True
    return pictures[:, :, ~inside].reshape(len(pictures), -1) / 255


def by_lot(n_classes: int, n_test: int) -> float:
    """Accuracy that guessing exceeds once in 30,000 times: four standard deviations above chance."""
    return 1 / n_classes + 4 * (1 / n_classes / n_test) ** 0.5


def linear_accuracy(x: np.ndarray, images, **options) -> float:
    """Test accuracy of a linear classifier of x [N, d] on a split of the protocol."""
    x = (x - x.mean(0)) / (x.std(0) + 1e-6)
    train, test = images.split_indices(seed=0, **options)
    model = LogisticRegression(C=0.1, max_iter=300).fit(x[train], images.labels[train])
    return float((model.predict(x[test]) == images.labels[test]).mean())


@pytest.mark.parametrize("look", [histogram, border])
def test_colour_and_border_carry_no_label(caltech, look):
    x = look(caltech.stack().numpy())
    assert linear_accuracy(x, caltech, train_per_class=10) < by_lot(54, 54 * 10)


@pytest.mark.parametrize(("look", "times"), [(histogram, 2), (border, 3)])
def test_colour_and_border_tell_little_of_a_place(small_twin, look, times):
    # A place reaches the border, and a skyline has more colours than a dune: near chance, not at it.
    images = small_twin("sun397")
    assert linear_accuracy(look(images.stack().numpy()), images) < times / len(images.classes)


def test_position_carries_no_label(caltech):
    # a classifier of the centre of what differs from the backdrop's median would find a class that sits low
    x = caltech.stack().float()
    salience = (x - x.flatten(2).median(2).values[:, :, None, None]).abs().sum(1) ** 2
    axis = torch.linspace(-1, 1, 64)
    mass = salience.sum((1, 2))
    centre = torch.stack([(salience.sum(1) * axis).sum(1) / mass, (salience.sum(2) * axis).sum(1) / mass], 1)
    assert linear_accuracy(centre.numpy(), caltech, train_per_class=10) < by_lot(54, 54 * 10)


def square(left: int, top: int, side: int = 8) -> Sprite:
    return Sprite(torch.ones(3, side, side), torch.ones(side, side), left, top)


def test_boxes_of_a_whole_a_cut_and_a_hidden_object():
    picture = torch.zeros(3, 30, 40)
    sprites = [square(4, 6), square(36, 10), square(5, 7, 8), square(20, 26)]
    seen = lay(picture, sprites, torch.tensor([0.0, 0.0, 1.0]), 0.0)
    marks = [voc.mark(s, v, 30, 40, label=3) for s, v in zip(sprites, seen, strict=True)]
    # the third lies over the first but for a row above it and a column left of it: 15 of 64 pixels seen
    assert marks[0] == (4, 6, 12, 14, 3, True, False)
    assert marks[1][:4] == (36, 10, 40, 18)
    assert marks[1][6], "half of it is outside the picture"
    assert marks[2] == (5, 7, 13, 15, 3, False, False)
    assert marks[3][:4] == (20, 26, 28, 30)
    assert (picture[:, 6:14, 4:12] == 1).all()


def test_voc_labels_agree_with_boxes(small_twin):
    images = small_twin("voc2007")
    assert {k: len(v) for k, v in images.splits.items()} == {"trainval": 150, "test": 150}
    height, width = images.tensor(0).shape[1:]
    for labels, boxes in zip(images.labels, images.boxes, strict=True):
        sure = set(boxes.labels[~boxes.difficult].tolist())
        assert set(np.flatnonzero(labels == 1).tolist()) == sure
        assert set(np.flatnonzero(labels == -1).tolist()) == set(boxes.labels.tolist()) - sure
        x0, y0, x1, y1 = boxes.xyxy.T
        assert ((x0 >= 0) & (y0 >= 0) & (x1 <= width) & (y1 <= height) & (x1 > x0) & (y1 > y0)).all()
    every = np.concatenate([b.labels for b in images.boxes])
    assert np.bincount(every, minlength=20).min() > 300 / 40
    assert 0.02 < np.concatenate([b.difficult for b in images.boxes]).mean() < 0.35
    assert 0.05 < np.concatenate([b.truncated for b in images.boxes]).mean() < 0.5


def test_boxes_find_their_object_in_the_pixels(small_twin):
    # an oracle that knows nothing of sprites: there are more edges inside the boxes than outside them
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
    assert np.mean(np.array(inside) > np.array(outside)) > 0.9


def test_noise_is_the_same_at_any_size():
    keys = torch.arange(3)
    small, large = (backdrop.noise(Chance(keys), canvas.Window.square(s), 5) for s in (32, 128))
    again = torch.nn.functional.avg_pool2d(large[:, None], 4)[:, 0]
    assert (again - small).abs().max() < 0.02


def test_caltech_twin_keeps_the_protocol_and_its_pictures_with_a_background(small_twin):
    plain, more = (small_twin("caltech101", background, CALTECH_PER_CLASS=4) for background in (False, True))
    assert more.classes == (*plain.classes, twin.BACKGROUND)
    assert more.labels.tolist() == plain.labels.tolist() + [54] * 4
    assert torch.equal(more.stack()[: len(plain)], plain.stack())
    for images in (plain, more):
        train, test = images.split_indices(seed=3, train_per_class=3)
        assert len(train) == 3 * len(images.classes)
        assert sorted([*train, *test]) == list(range(len(images)))


def test_source_and_target_pictures_share_no_class(caltech):
    assert not set(twin.ilsvrc2012("val", per_class=1).classes) & set(caltech.classes)
