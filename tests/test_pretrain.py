import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from narrow import plans

from lecture_lib import settings
from lecture_lib.backbones import cost, twin_nets
from lecture_lib.datasets import ArrayImages, ImageCollection, twin
from lecture_lib.training import Diverged, Pictures, pretrain, sgd

NAME, CLASSES = "twin-alexnet", 4
RECIPE = replace(pretrain.RECIPE, epochs=3, batch=8, lr=0.02, seed=3)


@pytest.fixture(scope="module", autouse=True)
def narrowed():
    """Let the nets be narrow, and settings be those of the demo."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(twin_nets, "NETS", plans(channels=16, units=32))
        settings.use("demo", device="cpu", quiet=True)
        yield
        settings.reset()


def draw(n, seed):
    """Smooth random patterns, one a class, under noise: uint8 [n, 3, 64, 64] and labels."""
    patterns = torch.rand(CLASSES, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    patterns = torch.nn.functional.interpolate(patterns, size=64, mode="bilinear")
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (n,), generator=generator)
    x = patterns[labels] + 0.1 * torch.randn(n, 3, 64, 64, generator=generator)
    return Pictures((x.clamp(0, 1) * 255).byte(), labels)


def train(checkpoint):
    net, curve = pretrain.train(NAME, draw(113, 1), draw(64, 2), CLASSES, RECIPE, checkpoint)
    return net, [{key: value for key, value in line.items() if key != "seconds"} for line in curve]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train(tmp_path_factory.mktemp("trained") / "checkpoint.pt")


def test_training_learns_patterns_it_is_shown(trained):
    _, curve = trained
    assert curve[-1]["top1"] > 0.6  # three short epochs: processors differ, by rounding, between 0.75 and 1
    assert curve[-1]["loss"] < curve[0]["loss"]


def test_windows_grow_to_the_size_of_the_input(trained):
    assert [line["side"] for line in trained[1]] == [80, 96, 112]


@pytest.mark.parametrize(("seconds", "done"), [(120, 0), (0, 4)])
def test_resumed_training_equals_uninterrupted_training(trained, tmp_path, monkeypatch, seconds, done):
    def diverge(images):
        calls.append(images.shape[-1])
        return normal(images) * (float("nan") if len(calls) == 20 else 1)

    normal, calls, checkpoint = pretrain.recolour, [], tmp_path / "checkpoint.pt"
    monkeypatch.setattr(pretrain, "recolour", diverge)
    monkeypatch.setattr(sgd, "SAVE_EVERY", seconds)
    with pytest.raises(Diverged, match=r"loss is nan in epoch 2, batch 5 of 15.*lr=0\.02"):
        train(checkpoint)
    saved = torch.load(checkpoint, weights_only=True)
    assert (len(saved["curve"]), saved.get("part", {"done": 0})["done"]) == (1, done)
    torch.rand(7)  # whatever the process did in between must not matter
    net, curve = train(checkpoint)
    assert calls == 15 * [80] + 5 * [96] + (15 - done) * [96] + 15 * [112]
    assert curve == trained[1]
    for name, tensor in trained[0].state_dict().items():
        assert torch.equal(tensor, net.state_dict()[name]), name


def test_only_kernels_decay(tmp_path):
    # with one class the loss is 0 whatever the scores: what changes is decay, in Nesterov's first step 1.9 times lr
    recipe = replace(RECIPE, epochs=1, batch=64, lr=0.1, weight_decay=0.5, schedule=())
    torch.manual_seed(recipe.seed)
    start = twin_nets.build(NAME, 1, batchnorm=True).state_dict()
    images = draw(16, 1).images
    pictures = Pictures(images, torch.zeros(16, dtype=torch.int64))
    pretrain.train(NAME, pictures, pictures, 1, recipe, tmp_path / "checkpoint.pt")
    after = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["best"]
    torch.testing.assert_close(after["conv2.conv.weight"], start["conv2.conv.weight"] * (1 - 1.9 * 0.1 * 0.5))
    assert torch.equal(after["conv2.bn.weight"], start["conv2.bn.weight"])


@pytest.mark.parametrize("name", twin_nets.NETS)
def test_folding_batchnorm_leaves_the_outputs_as_they_were(name):
    torch.manual_seed(0)
    net = twin_nets.build(name, CLASSES, batchnorm=True).train()
    x = torch.randn(16, 3, 64, 64)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.uniform_(module.bias, -1, 1)
    for _ in range(3):
        net(3 * x + 1)
    folded = twin_nets.fold_batchnorm(net)
    for (layer, stage), plain in zip(net.eval().named_children(), folded, strict=True):
        expected = stage(x)
        torch.testing.assert_close(
            plain(x), expected, rtol=1e-4, atol=1e-4, msg=lambda m, layer=layer: f"{layer}: {m}"
        )
        x = expected
    assert not [m for m in folded.modules() if "BatchNorm" in type(m).__name__]


def shown(height, width):
    """A picture whose red is x and green y, from 0 at one edge to 255 at the other: float32 [3, height, width]."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([255 * x / width, 255 * y / height, torch.zeros(height, width)]).round().byte()


def test_windows_have_the_area_and_proportions_asked_for_lie_anywhere_and_half_are_mirrored():
    torch.manual_seed(0)
    cut = pretrain.windows([shown(120, 160)] * 2000, 32).float() / 255
    assert cut.shape == (2000, 3, 32, 32)
    # a window's middle row and column say where it begins and ends, as parts of the picture
    x, y = cut[:, 0, 16], cut[:, 1, :, 16]
    across, down = ((line[:, -2] - line[:, 1]).abs() * 32 / 29 for line in (x, y))
    area, aspect = across * down, across / down
    assert area.min() == pytest.approx(0.3, abs=0.02)
    assert area.max() == pytest.approx(1, abs=0.03)
    assert area.mean() == pytest.approx(0.64, abs=0.03)
    assert (aspect.min(), aspect.max()) == (pytest.approx(3 / 4, abs=0.03), pytest.approx(4 / 3, abs=0.05))
    assert (x[:, 1] > x[:, -2]).float().mean() == pytest.approx(0.5, abs=0.04)
    assert (y[:, 1] < y[:, -2]).all()
    for line, side in ((x, across), (y, down)):
        # how much of the room for it is before it
        before = (line.min(1).values - side / 64) / (1 - side)
        before = before[side < 0.8]
        assert before.min() == pytest.approx(0, abs=0.06)
        assert before.max() == pytest.approx(1, abs=0.06)
        assert before.mean() == pytest.approx(0.5, abs=0.03)


def test_variants_of_pictures_are_drawn_anew_and_again_from_the_same_seed():
    images = list(draw(16, 5).images)

    def variant():
        return pretrain.recolour(pretrain.windows(images, 48))

    torch.manual_seed(0)
    one, other = variant(), variant()
    torch.manual_seed(0)
    again = variant()
    assert one.shape == (16, 3, 48, 48)
    assert one.dtype == torch.float32
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    low, high = pretrain.standardise(torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1))[:, 0, 0, 0]
    assert one.min() > low - 1.5
    assert one.max() < high + 2.5


def test_float16_is_refused_where_it_overflows(tmp_path):
    net = twin_nets.build(NAME, CLASSES)
    with torch.no_grad():
        net.fc7.linear.weight[0, 0] = 1e6
    with pytest.raises(ValueError, match=r"fc7\.linear\.weight is not finite"):
        twin_nets.save_weights(NAME, net, ("a", "b", "c", "d"), tmp_path / "net.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("bfloat16_seconds", "expected"), [(100.0, False), (0.9, False), (0.5, True)])
def test_bfloat16_is_taken_only_where_it_is_clearly_faster(monkeypatch, bfloat16_seconds, expected):
    # 5 timings of two clock readings each: first those with bfloat16, then those without
    durations = iter([bfloat16_seconds] * 5 + [1.0] * 5)
    readings = []

    def clock():
        if not readings:
            readings.extend([0.0, next(durations)])
        return readings.pop(0)

    monkeypatch.setattr(cost.time, "process_time", clock)
    assert cost.bfloat16_is_faster(torch.device("cpu")) is expected


@pytest.mark.parametrize("name", ["twin-alexnet", "twin-cnn-s"])
def test_the_command_writes_weights_and_a_log_that_agree(name, tmp_path, monkeypatch):
    pictures = draw(96, 1)
    names = tuple(f"pattern {i}" for i in range(CLASSES))

    def load(split="val", per_class=None, width=None):
        rows = slice(0, 64) if split == "train" else slice(64, 96)
        labels = pictures.labels[rows].numpy() if split == "val" else np.arange(64) % CLASSES
        images = ArrayImages(pictures.images[rows].numpy())
        return ImageCollection("ilsvrc2012", "twin", images, names, labels)

    monkeypatch.setattr(twin, "ilsvrc2012", load)
    monkeypatch.setattr(twin_nets, "FOLDER", tmp_path)
    monkeypatch.setattr(pretrain, "RECIPE", replace(pretrain.RECIPE, epochs=1, batch=32))
    monkeypatch.setattr(pretrain, "PER_CLASS", 16)
    pretrain.main([name, "--checkpoint", str(tmp_path / "checkpoint.pt")])
    out = twin_nets.weights_file(name)
    log = json.loads(out.with_suffix(".json").read_text())
    assert log["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert log["recipe"]["epochs"] == 1
    assert [log[f"{part}_images"] for part in ("train", "held_out", "val")] == [24, 40, 32]
    assert [line["side"] for line in log["curve"]] == [112]
    net, classes = twin_nets.load_weights(name, out)
    assert classes == names
    assert sum(p.numel() for p in net.parameters()) == log["parameters"]
    validation = Pictures(pictures.images[64:], pictures.labels[64:])
    assert pretrain.evaluate(net, validation) == pytest.approx(log["published"])
    assert len(torch.load(tmp_path / "checkpoint.pt", weights_only=True)["curve"]) == 1
