import hashlib
import os
import warnings
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import models

from lecture_lib import backbones, settings
from lecture_lib.backbones import torchvision_nets, twin_nets
from lecture_lib.backbones.cost import layer_costs

# layer -> the module of torchvision's own network whose output it should be, read off torchvision's sources
FIRES_1_0 = {
    f"fire{i}": f"features.{j}" for i, j in zip(range(2, 10), (3, 4, 5, 7, 8, 9, 10, 12), strict=True)
}
FIRES_1_1 = {
    f"fire{i}": f"features.{j}" for i, j in zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True)
}
RESNET = {"conv1": "relu", "pool1": "maxpool", "pool5": "avgpool", "fc": "fc"}
ORIGINAL = {
    "alexnet": {
        **{"conv1": "features.1", "pool1": "features.2", "conv2": "features.4", "pool2": "features.5"},
        **{"conv3": "features.7", "conv4": "features.9", "conv5": "features.11", "pool5": "features.12"},
        **{"fc6": "classifier.2", "fc7": "classifier.5", "fc8": "classifier.6"},
    },
    "vgg16": {
        **{"conv1_1": "features.1", "conv1_2": "features.3", "pool1": "features.4", "conv2_1": "features.6"},
        **{"pool2": "features.9", "conv3_3": "features.15", "pool3": "features.16", "conv4_2": "features.20"},
        **{"pool4": "features.23", "conv5_3": "features.29", "pool5": "features.30"},
        **{"fc6": "classifier.1", "fc7": "classifier.4", "fc8": "classifier.6"},
    },
    "squeezenet1_0": FIRES_1_0
    | {"conv1": "features.1", "pool1": "features.2", "pool4": "features.6", "pool8": "features.11"}
    | {"conv10": "classifier.2", "pool10": "classifier.3"},
    "squeezenet1_1": FIRES_1_1
    | {"conv1": "features.1", "pool1": "features.2", "pool3": "features.5", "pool5": "features.8"}
    | {"conv10": "classifier.2", "pool10": "classifier.3"},
    "mobilenet_v2": {
        **{"conv1": "features.0", **{f"block{i}": f"features.{i}" for i in range(1, 18)}},
        **{"conv18": "features.18", "fc": "classifier.1"},
    },
    "resnet18": RESNET | {f"layer{i}": f"layer{i}" for i in range(1, 5)},
    "resnet50": RESNET | {f"layer{i}": f"layer{i}" for i in range(1, 5)},
}


def pattern(side):
    """A picture of stripes, uint8 [3, side, side], which any machine draws alike."""
    i = torch.arange(side)
    stripes = [(i[:, None] * down + i * across) % 256 for down, across in ((3, 5), (7, 2), (1, 11))]
    return torch.stack(stripes).to(torch.uint8)


@pytest.fixture(scope="module")
def twin():
    return backbones.load("twin-alexnet", "random", seed=0)


@pytest.mark.parametrize("name", torchvision_nets.NETS)
def test_layers_are_the_original_networks_activations_after_relu(name):
    torch.manual_seed(0)
    model = models.get_model(name, weights=None).eval()
    x = torch.randn(2, 3, 96, 96)
    kept = {}

    def keep(layer):
        # a copy at once: the in-place ReLU that follows a convolution would overwrite a reference, and so
        # would one that followed a layer
        return lambda module, inputs, output: kept.setdefault(layer, output.clone())

    for layer, module in ORIGINAL[name].items():
        model.get_submodule(module).register_forward_hook(keep(layer))
    with torch.no_grad():
        scores = model(x)
    stages = torch.nn.Sequential(OrderedDict(torchvision_nets.NETS[name][0](model))).eval()
    net = backbones.Backbone(name, stages, 256, 224, (0, 0, 0), (1, 1, 1), (), "", {})
    found = backbones.features(net, x, net.layers)
    for layer, expected in kept.items():
        torch.testing.assert_close(found[layer], expected.reshape(found[layer].shape), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[net.layers[-1]], scores, rtol=1e-5, atol=1e-6)
    assert set(ORIGINAL[name]) <= set(net.layers)
    if name not in ("vgg16", "mobilenet_v2"):  # of which some layers are left out there, or no module here
        assert set(ORIGINAL[name]) == set(net.layers)


@pytest.mark.parametrize("name", ["twin-alexnet", "twin-cnn-s", "squeezenet1_1", "resnet18", "cnn-f"])
def test_two_passes_and_any_choice_of_layers_agree(name):
    net = backbones.load(name, "random")
    x = backbones.standardise(net, pattern(64)[None])
    everything = backbones.features(net, x, net.layers)
    again = backbones.features(net, x, net.layers)
    assert list(everything) == list(net.layers)
    for layer in net.layers:
        assert torch.equal(everything[layer], again[layer])
    for layer in net.decaf.values():
        assert torch.equal(everything[layer], backbones.features(net, x, [layer])[layer])
    assert all(layer in net.layers for layer in net.decaf.values())
    order = [net.layers.index(net.decaf[k]) for k in (1, 5, 6, 7)]
    assert order == sorted(order)


def test_walk_stops_after_the_last_layer_needed(twin):
    called = []
    hook = twin.stages.conv2.register_forward_hook(lambda *_: called.append("conv2"))
    backbones.features(twin, torch.zeros(1, 3, 64, 64), ["pool1", "conv1"])
    hook.remove()
    assert called == []


def test_training_mode_is_refused(twin):
    twin.stages.fc6.dropout.train()
    try:
        with pytest.raises(ValueError, match=r"training mode.*stages\.eval"):
            backbones.features(twin, torch.zeros(1, 3, 64, 64), ["fc6"])
    finally:
        twin.stages.eval()


def test_unknown_layer_and_unprepared_pictures_are_named(twin):
    with pytest.raises(KeyError, match=r"no layer 'fc9'; it has conv1, pool1"):
        backbones.features(twin, torch.zeros(1, 3, 64, 64), ["fc9"])
    with pytest.raises(ValueError, match=r"not uint8 \[3, 64, 64\]"):
        backbones.features(twin, pattern(64), ["fc6"])
    with pytest.raises(ValueError, match=r"picture is uint8 \[3, H, W\], not float32 \[1, 3, 64, 64\]"):
        backbones.to_square(twin, torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize("size", [(300, 200), (200, 301), (64, 48), (640, 480), (256, 256), (500, 97)])
def test_preprocessing_is_that_of_the_published_weights(size):
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (size[1] // 8, size[0] // 8, 3), np.uint8))
    picture = coarse.resize(size, Image.Resampling.BICUBIC)
    net = backbones.load("squeezenet1_1", "random")
    transforms = models.SqueezeNet1_1_Weights.IMAGENET1K_V1.transforms()
    tensor = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    ours = backbones.preprocess(net, tensor).cpu()
    for theirs in (transforms(picture), transforms(tensor)):
        levels = (ours - theirs).abs() * torch.tensor(net.std).view(3, 1, 1) * 255
        # Pillow rounds after each of its two passes, torch's float path once at the end
        assert levels.max() < 1.01
        assert levels.mean() < 0.3


def test_random_weights_follow_the_seed_and_leave_the_generator_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    one = backbones.load("twin-alexnet", "random", seed=4)
    assert torch.equal(torch.rand(3), expected)
    assert one.weights == "random seed 4"
    assert one.classes == backbones.load("twin-alexnet").classes
    assert one.fingerprint == backbones.load("twin-alexnet", "random", seed=4).fingerprint
    assert one.fingerprint != backbones.load("twin-alexnet", "random", seed=5).fingerprint


# side of the maps from conv1 to pool5, as in torchvision's AlexNet and, but for conv1's 109, in CNN-S; million weights
# and multiply-adds
PLANS = {
    "twin-alexnet": ([55, 27, 27, 13, 13, 13, 13, 6], 5.12, 266),
    "twin-cnn-s": ([110, 37, 33, 17, 17, 17, 17, 6], 5.57, 556),
}


@pytest.mark.parametrize("name", twin_nets.NETS)
def test_twin_networks_have_the_maps_of_the_papers(name):
    net, (sides, weights, mmacs) = backbones.load(name, "random"), PLANS[name]
    maps = backbones.features(net, torch.zeros(1, 3, 112, 112), net.layers)
    assert [maps[layer].shape[2:] for layer in net.layers[:8]] == [(side, side) for side in sides]
    assert [maps[layer].shape[1] for layer in ("pool5", "fc6", "fc7")] == [128, 768, 768]
    costs = layer_costs(net, repeats=1)
    own = costs[costs["layer"] != "fc8"]  # as many as there are classes
    fc8 = 768 * 135 + 135
    assert (own["parameters"].sum() + fc8) / 1e6 == pytest.approx(weights, abs=0.01)
    assert own["mmac"].sum() == pytest.approx(mmacs, abs=0.5)


@pytest.mark.parametrize("name", twin_nets.NETS)
def test_twin_networks_are_small_enough_to_ship_and_survive_float16(tmp_path, name):
    path, twin = tmp_path / "net.safetensors", backbones.load(name, "random")
    names = tuple(f"class {i}" for i in range(len(twin.classes)))
    twin_nets.save_weights(name, twin.stages, names, path)
    assert path.stat().st_size < 12e6
    loaded = backbones.load(name, path)
    assert loaded.classes == names
    assert loaded.weights.startswith("net.safetensors sha256 ")
    assert loaded.weights.endswith(hashlib.sha256(path.read_bytes()).hexdigest()[:8])
    x = torch.randn(4, 3, 64, 64)
    a, b = (backbones.features(net, x, ["fc7"])["fc7"] for net in (twin, loaded))
    assert torch.nn.functional.cosine_similarity(a, b).min() > 0.9999


@pytest.mark.parametrize("name", twin_nets.NETS)
def test_twin_networks_see_the_whole_picture(name):
    net, picture = backbones.load(name, "random"), torch.zeros(3, 120, 160, dtype=torch.uint8)
    picture[0, :, :8] = picture[1, :, -8:] = 255  # a central crop would lose both
    seen = backbones.to_square(net, picture)
    assert seen.shape == (3, 112, 112)
    assert seen[0, :, :5].min() > 200 < seen[1, :, -5:].min()


def test_weights_that_cannot_be_had_say_which_file_from_where_into_which_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    settings.use(offline=True, quiet=True)
    try:
        with pytest.raises(backbones.WeightsNotFound) as caught:
            backbones.load("alexnet")
    finally:
        settings.use(offline=False, quiet=True)
    for part in ("alexnet-owt-7be5be79.pth", "https://download.pytorch.org/models", str(tmp_path / "hub")):
        assert part in str(caught.value)
    with pytest.raises(backbones.WeightsNotFound, match=r"no file of weights .*nowhere\.safetensors"):
        backbones.load("twin-alexnet", tmp_path / "nowhere.safetensors")


def test_damaged_or_foreign_weights_are_named(tmp_path):
    page = tmp_path / "page.pth"
    page.write_text("<html>404</html>")
    other = tmp_path / "other.pth"
    torch.save({"some": torch.zeros(1)}, other)
    for file in (page, other):
        with pytest.raises(ValueError, match=rf"squeezenet1_1: .*{file.name} does not hold the weights"):
            backbones.load("squeezenet1_1", file)
    with pytest.raises(
        ValueError, match="no network 'alexnett'; there are twin-alexnet, twin-cnn-s, alexnet"
    ):
        backbones.load("alexnett")


@pytest.mark.real
@pytest.mark.parametrize("name", ["squeezenet1_0", "squeezenet1_1"])
def test_published_weights_recognise_photographs(name):
    folder = Path(os.environ["LECTURE_DATA"]) / "caltech101" / "101_ObjectCategories"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    try:
        net = backbones.load(name)
    except backbones.WeightsNotFound as error:
        pytest.skip(str(error))
    from lecture_lib.datasets.reading import decode_picture

    right = []
    for category in ("grand_piano", "trilobite", "strawberry", "dalmatian"):
        files = sorted((folder / category).glob("*.jpg"))[:6]
        x = torch.stack(
            [backbones.preprocess(net, decode_picture(file.read_bytes(), file.name)) for file in files]
        )
        best = backbones.features(net, x, ["pool10"])["pool10"].argmax(1)
        right += [net.classes[i] == category.replace("_", " ") for i in best]
    assert np.mean(right) > 0.75


def test_a_file_under_torchvision_s_name_is_taken_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    file.parent.mkdir(parents=True)
    torch.save(models.squeezenet1_1().state_dict(), file)  # converted, say: not the published bytes
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torchvision_nets.find_published("squeezenet1_1") == file
