"""The experiments of patch transfer and what they are made of, on small pictures and a narrow network."""

import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from narrow import plans
from torch import nn
from torchvision.transforms.v2.functional import resize

from lecture_lib import datasets, settings
from lecture_lib.backbones import Backbone, standardise, twin_nets
from lecture_lib.backbones.caffe_nets import DECAF
from lecture_lib.chapters.patch_transfer import adaptation, baselines, experiments
from lecture_lib.chapters.patch_transfer.adaptation import RECIPE, gather, probabilities, resample, train
from lecture_lib.chapters.patch_transfer.encode import PatchNet, cut_patches, phi_one_by_one, phi_shared
from lecture_lib.chapters.patch_transfer.experiments import NO_BACKGROUND, PATCHES, Part
from lecture_lib.chapters.patch_transfer.inference import by_picture, picture_score
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS, label_all
from lecture_lib.datasets import ArrayImages, Boxes, ImageCollection
from lecture_lib.encoders import TEN_CROPS
from lecture_lib.encoders.augment import cut as cut_view
from lecture_lib.metrics import average_precision

CLASSES = ("bus", "cat", "sofa")
SOURCE = ("cat", "stone", "bus", "boulder")  # a sofa is none of them
SIDE = twin_nets.INPUT_SIZE
SHORT = replace(RECIPE, epochs=1, batch=16)


def collect(n, seed):
    """Squares of 16 pixels, one class a colour: one in the even pictures, two in the odd; difficult in the third."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 60, (n, 3, 44, 52), dtype=np.uint8)
    boxes, labels = [], np.zeros((n, 3), np.int8)
    for i in range(n):
        present = [i % 3, (i + 1) % 3][: 1 + i % 2]
        x0, y0 = rng.integers(0, 5, len(present)) + [0, 24][: len(present)], rng.integers(0, 20, len(present))
        for c, x, y in zip(present, x0, y0, strict=True):
            pictures[i, c, y : y + 16, x : x + 16] = 250
        labels[i, present] = -1 if i == 2 else 1
        xyxy = np.stack([x0, y0, x0 + 16, y0 + 16], axis=1)
        boxes.append(Boxes(xyxy, present, [i == 2] * len(present), [False] * len(present)))
    return ImageCollection("drawn", "twin", ArrayImages(pictures), CLASSES, labels, boxes=tuple(boxes))


def narrow(patch):
    """Build twin-alexnet with few channels from here on."""
    patch.setattr(twin_nets, "NETS", plans(channels=8, units=24))


def backbone(batchnorm=False):
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        narrow(patch)
        torch.manual_seed(0)
        stages = twin_nets.build("twin-alexnet", len(SOURCE), batchnorm).eval()
    about = twin_nets.MEAN, twin_nets.STD, SOURCE, "random seed 0", DECAF
    return Backbone("twin-alexnet", stages, None, SIDE, *about)


@pytest.fixture(scope="module")
def net():
    return PatchNet(backbone())


@pytest.fixture(scope="module")
def parts(net):
    """Six pictures to train on and four to test with."""
    return tuple(Part(net, images, replace(RECIPE, epochs=2)) for images in (collect(6, 0), collect(4, 1)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def demo(monkeypatch, folder):
    """The demo profile with a cache of its own, and a narrow FCa."""
    settings.use("demo", cache=folder, quiet=True)
    monkeypatch.setattr(adaptation, "HIDDEN", 16)
    yield
    settings.reset()


@pytest.fixture
def trained(monkeypatch):
    """What FCa and FCb are trained on: (x, y, n_outputs, recipe), one a training."""
    calls = []

    def spy(*given):
        calls.append(given)
        return train(*given)

    monkeypatch.setattr(experiments, "train", spy)
    return calls


def first(part, n):
    return replace(part, images=part.images[:n])


def in_body(net, pixels):
    with torch.inference_mode():
        return net.stages[:-1](standardise(net, pixels))


def same_phi(a, b):
    """Equal but for the rounding to float16, and of sums in another order."""
    a, b = (np.asarray(x, np.float32) for x in (a, b))
    np.testing.assert_allclose(a, b, atol=0.01 * b.std(), strict=True)


# patches as pictures


def test_a_cut_patch_shows_what_is_in_its_box(net):
    coarse = torch.randint(0, 256, (1, 3, 8, 8), generator=torch.Generator().manual_seed(0)).float()
    picture = nn.functional.interpolate(coarse, (120, 150), mode="bilinear")[0].to(torch.uint8)
    grid = net.grid(120, 150)
    chosen = np.random.default_rng(1).permutation(len(grid))[:60]
    found = cut_patches(net, picture, grid, chosen)
    for patch, (x0, y0, x1, y1) in zip(found, grid.xyxy[chosen].round().astype(int), strict=True):
        seen = resize(picture[:, y0:y1, x0:x1], [SIDE, SIDE], antialias=True)
        assert (patch.float() - seen.float()).abs().mean() < 4


def test_a_picture_that_is_one_patch_has_its_phi(net):
    """At the largest scale of a square nothing lies beyond the patch: cut out or not, it is surrounded by zeros."""
    picture, first = collect(1, 3).tensor(0)[:, :40, :40], np.array([0])
    grid = net.grid(40, 40)
    alone = phi_one_by_one(net, cut_patches(net, picture, grid, first))
    same_phi(alone, phi_shared(net, picture, grid)[:1])


# all layers, trained on patches


def colours(n, seed):
    """Pictures of two colours, and which."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    pixels = rng.integers(0, 120, (n, 3, SIDE, SIDE), dtype=np.uint8)
    pixels[np.arange(n), y] += 100
    return torch.from_numpy(pixels), y


def test_all_layers_learn_and_the_start_stays():
    start, (patches, y) = backbone(batchnorm=True), colours(48, 0)
    before = copy.deepcopy(start.stages.state_dict())
    recipe = replace(SHORT, epochs=5, lr=0.05, dropout=0.1)
    net, layers = adaptation.train_all(start, patches, y, 2, recipe)
    assert all(torch.equal(kept, before[name]) for name, kept in start.stages.state_dict().items())
    assert not start.stages.training
    for name, weight in net.stages[:-1].state_dict().items():
        idle = name.endswith(("conv.bias", "linear.bias"))  # BatchNorm takes away what a bias adds
        assert idle or not torch.equal(weight, before[name]), name
    assert not any(module.training for module in (*net.stages.modules(), *layers.modules()))
    assert net.weights == "random seed 0, trained on patches alone"
    new, truth = colours(40, 1)
    assert (probabilities(layers, in_body(net, new).numpy()).argmax(1) == truth).mean() > 0.9
    folded = replace(net, stages=twin_nets.fold_batchnorm(net.stages))
    np.testing.assert_allclose(in_body(folded, new), in_body(net, new), atol=1e-3)


def test_the_seed_decides_all_and_the_generator_is_left_alone():
    start, (patches, y) = backbone(), colours(9, 0)

    def weights(recipe):
        net, layers = adaptation.train_all(start, patches, y, 2, recipe)
        return torch.cat([p.detach().ravel() for p in (*net.stages[:-1].parameters(), *layers.parameters())])

    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    one = weights(SHORT)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one, weights(SHORT))
    assert not torch.equal(one, weights(replace(SHORT, seed=1)))


def test_half_of_the_patches_are_mirrored_anew_in_each_epoch_and_keep_their_labels(monkeypatch):
    patches = torch.arange(40, dtype=torch.uint8)[:, None, None, None].repeat(1, 3, SIDE, SIDE)
    patches[..., 32:] += 200
    shown, labels = [], []
    loss = torch.nn.functional.cross_entropy
    monkeypatch.setattr(
        adaptation, "standardise", lambda net, x: shown.append(x.clone()) or standardise(net, x)
    )
    monkeypatch.setattr(adaptation.F, "cross_entropy", lambda s, y: labels.extend(y.tolist()) or loss(s, y))
    adaptation.train_all(backbone(), patches, np.arange(40), 40, replace(SHORT, epochs=3))
    left, right = (torch.cat(shown)[:, 0, 0, at].int() for at in (0, -1))
    number, mirrored = torch.minimum(left, right), left > right
    assert labels == number.tolist()
    assert 40 < mirrored.sum() < 80  # of 120
    assert len(torch.zeros(40).index_add_(0, number, mirrored.float()).unique()) == 4


# what patches are compared with


def test_present_classes_share_a_target():
    labels = np.array([[1, 0, 0, 1], [0, 1, -1, 0], [0, -1, 0, 0], [1, 1, 1, 1]], np.int8)
    expected = [[0.5, 0, 0, 0.5], [0, 1, 0, 0], [0] * 4, [0.25] * 4]
    assert baselines.shares(labels).tolist() == expected
    assert baselines.shares(labels).dtype == np.float32


def test_the_length_of_a_crop_does_not_count_for_the_svms():
    rng = np.random.default_rng(0)
    labels = np.zeros((30, 2), np.int8)
    labels[:10, 0] = labels[5:20, 1] = 1
    means = 3 * np.stack([labels[:, 0], labels[:, 1], np.ones(30), np.zeros(30)], axis=1)
    crops, tests = ((means[:, None] + rng.normal(size=(30, 3, 4))).astype(np.float32) for _ in range(2))
    found = baselines.svm_scores(crops, labels, tests)
    assert average_precision(found, labels).min() > 0.9
    crops[:, 1] *= 50
    tests[4] *= 0.01
    np.testing.assert_allclose(baselines.svm_scores(crops, labels, tests), found, atol=5e-3)


def test_the_sources_own_labels_by_hand(net):
    own = copy.deepcopy(net.backbone.stages)
    own[-1].linear.weight.data *= 100
    x = np.abs(np.random.default_rng(0).normal(size=(17_000, 24))).astype(np.float16)  # more than one part
    w, b = (p.detach().double().numpy() for p in own[-1].linear.parameters())
    y = np.exp(x.astype(np.float64) @ w.T + b)
    cat, _, bus, boulder = (y / y.sum(1, keepdims=True)).T
    found = baselines.source_probabilities(replace(net.backbone, stages=own), x, [[], [0, 3], [2]])
    np.testing.assert_allclose(found, np.stack([0 * cat, cat + boulder, bus], axis=1), atol=1e-5)
    assert found.dtype == np.float32


def ten_crops(net, images):
    """Crops of all pictures as the network takes them, one by one: uint8 [10 N, 3, 64, 64]."""
    pictures = [images.tensor(i) for i in range(len(images))]
    return torch.stack(
        [resize(cut_view(p, view), [SIDE, SIDE], antialias=True) for p in pictures for view in TEN_CROPS]
    )


def test_phi_of_ten_crops_is_the_mean_of_a_map(net, parts):
    images = parts[1].images
    found = baselines.phi_of_crops(replace(net.backbone, decaf={7: "conv2"}), images)
    with torch.inference_mode():
        maps = net.backbone.stages[:3](standardise(net.backbone, ten_crops(net, images)))
    same_phi(found.reshape(40, 8), maps.mean((2, 3)))


# windows without boxes


def test_windows_are_the_patches_half_as_wide_as_the_picture_or_wider_and_count_alike_whatever_their_length(
    net,
):
    grids = [net.grid(120, 150), net.grid(60, 60)]
    phi = np.random.default_rng(0).random((sum(map(len, grids)), 2)).astype(np.float16)
    phi[0] = 0
    for found, grid, of_picture in zip(
        baselines.phi_of_windows(phi, grids), grids, by_picture(phi, grids), strict=True
    ):
        wide = of_picture[np.ptp(grid.xyxy[:, ::2], axis=1) >= min(grid.size) / 2 - 0.01].astype(np.float32)
        directions = wide / np.maximum(np.hypot(*wide.T), 1e-9)[:, None]
        np.testing.assert_allclose(found, [directions.sum(0)], rtol=1e-3)


# experiments


def test_fewer_pictures_are_all_that_is_learned_from(parts, trained):
    train_part, test_part = replace(parts[0], images=collect(12, 2)), parts[1]
    found = experiments.fewer_pictures(train_part, test_part, 6, 4)
    ((x, y, n_outputs, recipe),) = trained
    labels = [labels if i % 2 == 0 else 0 * labels + AMBIGUOUS for i, labels in enumerate(train_part.labels)]
    chosen = resample(labels, 3, 4)
    np.testing.assert_array_equal(x, gather(by_picture(train_part.phi, train_part.grids), chosen))
    np.testing.assert_array_equal(y, gather(labels, chosen))
    assert (n_outputs, recipe.seed) == (4, 4)
    few = replace(train_part, images=train_part.images[::2])
    for row, alone in experiments.svms(few, test_part).items():
        np.testing.assert_allclose(found[row], alone, atol=0.02)


def test_background_has_no_score(parts):
    _, part = parts
    counts = [len(grid) for grid in part.grids]
    y = np.random.default_rng(0).random((sum(counts), 4))
    for k, power in (({}, 5), ({"k": 2}, 2)):
        expected = [(y[i:j, :3] ** power).mean(0) for i, j in pairwise(np.cumsum([0, *counts]))]
        np.testing.assert_allclose(part.score(y, **k), expected)


def test_seeds_share_patches_and_without_background_none_is_seen(net, parts, trained):
    train_part, test_part = parts
    found = experiments.score_patches(*parts, [4, 5])
    labels = label_all(train_part.images, train_part.grids)
    every = np.concatenate(labels)
    begin = np.cumsum([0, *map(len, labels)])
    rows = np.concatenate([n + kept for n, kept in zip(begin, resample(labels, 3, 4), strict=False)])
    x, y = train_part.phi[rows], every[rows]
    assert set(y) == {0, 1, 2, 3}
    of_test = test_part.phi
    for n, (own_x, own_y, n_outputs, recipe) in enumerate(trained):
        row, some, outputs = ((PATCHES, y >= 0, 4), (NO_BACKGROUND, y < 3, 3))[n % 2]
        same_phi(own_x, x[some])
        np.testing.assert_array_equal(own_y, y[some])
        assert (n_outputs, recipe.seed) == (outputs, 4 + n // 2)
        expected = probabilities(train(own_x, own_y, n_outputs, recipe), of_test)
        np.testing.assert_array_equal(found[row][n // 2], expected)
    assert [len(of_row) for of_row in found.values()] == [2, 2]


def one_by_one(net, part):
    """phi of each patch, cut out."""
    patches = part.cut([np.arange(len(grid)) for grid in part.grids])
    return in_body(net.backbone, torch.cat([*patches])).half().numpy()


def test_no_transfer_trains_all_layers_on_cut_patches_and_folds(parts, monkeypatch):
    narrow(monkeypatch)
    monkeypatch.setattr(experiments, "FROM_SCRATCH", replace(SHORT, lr=0.05))
    calls = []

    def spy(*given):
        calls.append((given, adaptation.train_all(*given)))
        return calls[-1][1]

    monkeypatch.setattr(experiments, "train_all", spy)
    train_part, test_part = first(parts[0], 2), first(parts[1], 1)
    y = experiments.no_transfer(train_part, test_part, 3)
    experiments.no_transfer(train_part, test_part, 4)
    ((start, patches, labels, n_outputs, recipe), (own, layers)), ((other, *_, later), _) = calls
    chosen = resample(train_part.labels, 3, 3)
    assert torch.equal(patches, torch.cat([*train_part.cut(chosen)]))
    assert labels.tolist() == gather(train_part.labels, chosen).tolist()
    assert (n_outputs, recipe.seed, later.seed) == (4, 3, 4)
    assert any(isinstance(module, nn.BatchNorm2d) for module in start.stages.modules())
    weights = [one.stages.conv1.conv.weight for one in (start, other, train_part.net.backbone)]
    assert not any(torch.equal(one, another) for one, another in pairwise(weights))
    np.testing.assert_allclose(y, probabilities(layers, replace(test_part, net=PatchNet(own)).phi), atol=5e-3)


def on_both(net, layers, part):
    """Score pictures by the mean of y over ten crops, and by their patches."""
    n = len(part.images)
    crops = in_body(net.backbone, ten_crops(net, part.images)).half().numpy()
    ends = np.cumsum([0, *map(len, part.grids)])
    y = probabilities(layers, part.phi)
    return (
        probabilities(layers, crops).reshape(n, 10, -1).mean(1),
        np.stack([picture_score(y[i:j]) for i, j in pairwise(ends)]),
    )


def test_whole_pictures_teach_the_classes_they_certainly_show(net, parts, trained):
    found = experiments.whole_pictures(*parts, [5, 6])
    (x, y, n_outputs, recipe), (*_, second) = trained
    shown = np.array([[1, 0, 0], [0, 0.5, 0.5], [0.5, 0.5, 0], [0, 1, 0], [0.5, 0, 0.5]])  # the third: none
    np.testing.assert_array_equal(y, np.repeat(shown, 10, axis=0))
    certain = parts[0].images[[0, 1, 3, 4, 5]]
    same_phi(x, in_body(net.backbone, ten_crops(net, certain)))
    assert (n_outputs, recipe.seed, second.seed) == (3, 5, 6)
    whole, patches = on_both(net, train(*trained[0]), parts[1])
    np.testing.assert_allclose(found[experiments.WHOLE][0], whole, atol=1e-3)
    np.testing.assert_allclose(found[experiments.WHOLE_ON_PATCHES][0], patches, atol=1e-6)


def test_no_test_label_changes_a_score(net, parts):
    train_part, test_part = parts[0], first(parts[1], 2)
    images = test_part.images
    others = replace(images, labels=1 - images.labels, boxes=images.boxes[::-1])
    both = []
    for of_test in (test_part, Part(net, others)):
        both.append(
            [
                *(found[0] for found in experiments.score_patches(train_part, of_test, [0]).values()),
                *(found[0] for found in experiments.whole_pictures(train_part, of_test, [0]).values()),
                *experiments.source_labels(of_test).values(),
            ]
        )
    for one, other in zip(*both, strict=True):
        np.testing.assert_array_equal(one, other)


def test_pictures_of_the_source_take_labels_of_the_target(monkeypatch):
    asked = []
    names = ("cat", "stone", "canoe", "bus", "sailing boat")

    def load(name, *, split, per_class):
        asked.append((name, split, per_class))
        pixels = np.arange(5 * per_class, dtype=np.uint8)[:, None, None, None].repeat(3, 1)
        labels = np.repeat(np.arange(5), per_class)
        return ImageCollection("source", "twin", ArrayImages(pixels), names, labels)

    monkeypatch.setattr(datasets, "load", load)
    monkeypatch.setattr(experiments, "CENTRED", 4)
    nothing = ArrayImages(np.empty((0, 3, 1, 1), np.uint8))
    target = ImageCollection("target", "twin", nothing, ("boat", "bus", "cow", "cat"), [])
    of_name = {"cat": 3, "stone": -1, "canoe": 0, "bus": 1, "sailing boat": 0}  # of boat, bus, cow, cat
    for split, per_class in (("train", 4), ("val", 20)):
        images, labels = experiments.relabelled(split, target)
        number = np.array([images.tensor(i)[0, 0, 0].item() for i in range(len(images))])
        shown = [names[n // per_class] for n in number]
        assert labels.tolist() == [of_name[name] for name in shown]
        assert np.bincount(labels, minlength=4).tolist() == [4, 4, 0, 4]
        assert {"canoe", "sailing boat"} <= set(shown)
        assert len(set(number)) == 12
        assert asked[-1] == ("ilsvrc2012", split, per_class)


def test_centred_pictures_teach_one_class_each(net, parts, trained, monkeypatch):
    learned, validated = collect(4, 5), collect(5, 6)
    given = {"train": (learned, np.array([0, 1, 2, 0])), "val": (validated, np.array([0, 1, 2, 0, 1]))}
    monkeypatch.setattr(experiments, "relabelled", lambda split, target: given[split])
    found, (accuracy,) = experiments.centred_pictures(parts[1], [6])
    ((x, y, n_outputs, recipe),) = trained
    same_phi(x, in_body(net.backbone, ten_crops(net, learned)))
    assert y.tolist() == [c for c in (0, 1, 2, 0) for _ in range(10)]
    assert (n_outputs, recipe.seed) == (3, 6)
    layers = train(*trained[0])
    whole, patches = on_both(net, layers, parts[1])
    np.testing.assert_allclose(found[experiments.CENTRED_WHOLE][0], whole, atol=1e-3)
    np.testing.assert_allclose(found[experiments.CENTRED_ON_PATCHES][0], patches, atol=1e-6)
    of_val, _ = on_both(net, layers, Part(net, validated))
    assert accuracy == pytest.approx(100 * (of_val.argmax(1) == [0, 1, 2, 0, 1]).mean())


def test_the_sources_labels_score_wholes_and_patches(net, parts):
    _, part = parts
    found = experiments.source_labels(part)
    whole, patches = (scores[:, [2, 0]] for scores in on_both(net, net.backbone.stages[-1], part))  # bus, cat
    np.testing.assert_allclose(found[experiments.SOURCE_WHOLE], np.pad(whole, ((0, 0), (0, 1))), atol=1e-4)
    np.testing.assert_allclose(
        found[experiments.SOURCE_PATCHES], np.pad(patches, ((0, 0), (0, 1))), atol=1e-6
    )
