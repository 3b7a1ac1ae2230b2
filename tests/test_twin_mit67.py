"""The twin of MIT-67: its groups and split, and scenes that neither colours nor borders give away."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from lecture_lib import backbones, encoders
from lecture_lib.datasets.protocols import ProtocolError
from lecture_lib.twins import canvas, indoor, places, repeats, world
from lecture_lib.twins.chance import Chance


@pytest.fixture(scope="module")
def scenes(small_twin):
    return small_twin("mit67")


def differ(a: np.ndarray, b: np.ndarray) -> float:
    """Share of values more than one grey level apart (vectorised sin and exp may round differently)."""
    return float((np.abs(a.astype(int) - b.astype(int)) > 1).mean())


def accuracy(model, x: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Test accuracy of a linear classifier of x [N, d]."""
    x = (x - x.mean(0)) / (x.std(0) + 1e-6)
    return float(model.fit(x[train], labels[train]).score(x[test], labels[test]))


def test_five_groups_of_five_classes_under_their_published_names(scenes):
    assert len(scenes.classes) == len(set(scenes.classes)) == 25
    groups, sizes = np.unique(scenes.groups, return_counts=True)
    assert set(groups) == {"store", "home", "public spaces", "leisure", "working place"}
    assert (sizes == 5).all()
    group_of = dict(zip(scenes.classes, scenes.groups, strict=True))
    for name, group in (
        ("bakery", "store"),
        ("stairscase", "home"),
        ("church_inside", "public spaces"),
        ("bowling", "leisure"),
        ("greenhouse", "working place"),
    ):
        assert group_of[name] == group


def test_four_fifths_of_each_class_are_to_train_on(scenes):
    train, test = scenes.split_indices()
    assert sorted([*train, *test]) == list(range(len(scenes)))
    assert (np.bincount(scenes.labels[train]) == 32).all()
    assert (np.bincount(scenes.labels[test]) == 8).all()
    with pytest.raises(ProtocolError, match="one official split"):
        scenes.split_indices(seed=1)


def test_no_picture_is_there_twice(scenes):
    pictures = scenes.stack().numpy().reshape(len(scenes.labels), -1)
    assert len(np.unique(pictures[:, ::7], axis=0)) == len(pictures)


def test_every_thing_that_stands_in_a_scene_exists():
    things = {name for _, _, props in indoor.SCENES.values() for prop in props for name in prop.names}
    assert things <= set(world.BY_NAME)


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
    sketch = canvas.Sketch(canvas.Window.square(24), pose, places.paints(r), r)
    indoor.SCENES[name][1](sketch, r)
    assert torch.isfinite(sketch.colour).all()
    assert torch.isfinite(sketch.height).all()
    assert (sketch.cover > 0.99).all(), f"{name} leaves part of the picture unpainted"


def test_a_picture_does_not_depend_on_what_is_drawn_beside_it(scenes):
    rows = np.array([3, 250, 777, 999])
    alone = np.concatenate([scenes.images.draw(rows[i : i + 1], 64) for i in range(len(rows))])
    again = scenes.images.draw(rows, 64)
    assert differ(again, alone) < 1e-3
    assert differ(scenes[rows].stack().numpy(), alone) < 1e-3


def test_colours_tell_little(scenes):
    bins = (scenes.stack().numpy()[:, :, 12:-12, 12:-12] // 64).astype(np.int64)
    code = bins[:, 0] * 16 + bins[:, 1] * 4 + bins[:, 2]
    histogram = np.stack([np.bincount(c.ravel(), minlength=64) for c in code]) / code[0].size
    model = LogisticRegression(C=0.1, max_iter=300)
    # 4 % by guessing; of 200 test pictures, guessing exceeds this once in 30,000 times
    assert accuracy(model, histogram, scenes.labels, *scenes.split_indices()) < 0.04 + 4 * (0.04 / 200) ** 0.5


def test_borders_tell_little(scenes):
    pictures = scenes.stack().numpy()
    edge = np.ones(pictures.shape[2:], bool)
    edge[2:-2, 2:-2] = False
    border = pictures[:, :, edge].reshape(len(pictures), -1) / 255
    model = RidgeClassifier(alpha=1000)
    assert accuracy(model, border, scenes.labels, *scenes.split_indices()) < 3 / len(scenes.classes)


def test_trained_features_tell_scenes_apart_and_random_ones_far_less(scenes):
    few = scenes[np.flatnonzero(np.arange(len(scenes)) % 2 == 0)]  # 20 a class
    train = np.arange(len(few)) % 4 > 0
    found = {}
    for weights in ("pretrained", "random"):
        net = backbones.load("twin-alexnet", weights=weights)
        features = encoders.encode(net, few, ["fc6"], progress=False)["fc6"].astype(np.float32)
        found[weights] = accuracy(RidgeClassifier(alpha=1000), features, few.labels, train, ~train)
    assert found["pretrained"] > 0.5
    assert found["pretrained"] > 2 * found["random"]


def test_a_fold_repeats_and_stops():
    x = torch.tensor([-0.9, -0.3, 0.0, 0.31, 0.5, 1.4])
    assert torch.allclose(repeats.fold(x, 0.3), torch.tensor([0.0, 0.0, 0.0, 0.01, -0.1, -0.1]), atol=1e-6)
    once = repeats.fold(x, 0.3, 0, 1)  # two places: 0 and 0.3
    assert torch.allclose(once, torch.tensor([-0.9, -0.3, 0.0, 0.01, 0.2, 1.1]), atol=1e-6)


def test_folded_shapes_have_the_signs_of_their_outlines():
    at = lambda *values: torch.tensor(values)  # noqa: E731
    assert (repeats.block(at(0.0, 0.19, 0.21), at(0.09, 0.0, 0.0), 0.2, 0.1) < 0).tolist() == [
        True,
        True,
        False,
    ]
    assert (repeats.oval(at(0.0, 0.19, 0.15), at(0.09, 0.0, 0.09), 0.2, 0.1) < 0).tolist() == [
        True,
        True,
        False,
    ]
    corner = (at(0.198, 0.19), at(0.098, 0.0))
    assert (repeats.rounded(*corner, 0.2, 0.1, 0.05) < 0).tolist() == [False, True]
    # an equilateral arch over two units: its point is sqrt(3) over the springing
    arch = repeats.pointed(at(0.0, 0.0, 0.99, 0.99), at(1.72, 1.74, -0.5, 0.5), -1.0, 0.0, 1.0)
    assert (arch < 0).tolist() == [True, False, True, False]
