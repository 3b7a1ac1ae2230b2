import hashlib
import json
from dataclasses import replace

import pytest
import torch

from lecture_lib import settings
from lecture_lib.backbones import cost, twin_alexnet
from lecture_lib.datasets import ArrayImages, ImageCollection, twin
from lecture_lib.training import Diverged, Pictures, pretrain

CLASSES = 4
RECIPE = replace(pretrain.RECIPE, epochs=2, batch=8, lr=0.02, seed=3)


def draw(n, seed):
    """Smooth random patterns, one a class, under noise: uint8 [n, 3, 64, 64] and labels."""
    patterns = torch.rand(CLASSES, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    patterns = torch.nn.functional.interpolate(patterns, size=64, mode="bilinear")
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (n,), generator=generator)
    x = patterns[labels] + 0.1 * torch.randn(n, 3, 64, 64, generator=generator)
    return Pictures((x.clamp(0, 1) * 255).byte(), labels)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    checkpoint = tmp_path_factory.mktemp("trained") / "checkpoint.pt"
    return pretrain.train(draw(113, 1), draw(64, 2), CLASSES, RECIPE, checkpoint)


def test_training_learns_patterns_it_is_shown(trained):
    _, curve = trained
    assert curve[-1]["val_top1"] > 0.9
    assert curve[-1]["loss"] < curve[0]["loss"]


def test_resumed_training_equals_uninterrupted_training(trained, tmp_path, monkeypatch):
    def diverge(images):
        calls.append(images)
        return normal(images) * (float("nan") if len(calls) == 20 else 1)

    normal, calls, checkpoint = pretrain.augment, [], tmp_path / "checkpoint.pt"
    monkeypatch.setattr(pretrain, "augment", diverge)
    with pytest.raises(Diverged, match=r"loss is nan in epoch 2, batch 5 of 15.*lr=0\.02"):
        pretrain.train(draw(113, 1), draw(64, 2), CLASSES, RECIPE, checkpoint)
    assert len(torch.load(checkpoint, weights_only=True)["curve"]) == 1
    torch.rand(7)  # whatever the process did in between must not matter
    net, curve = pretrain.train(draw(113, 1), draw(64, 2), CLASSES, RECIPE, checkpoint)
    assert curve == trained[1]
    for name, tensor in trained[0].state_dict().items():
        assert torch.equal(tensor, net.state_dict()[name]), name


def test_only_kernels_decay(tmp_path):
    # with one class the loss is 0 whatever the scores: what changes is decay, in Nesterov's first step 1.9 times lr
    recipe = replace(RECIPE, epochs=1, batch=64, lr=0.1, weight_decay=0.5, schedule=())
    torch.manual_seed(recipe.seed)
    start = twin_alexnet.build(1, batchnorm=True).state_dict()
    images = draw(16, 1).images
    pictures = Pictures(images, torch.zeros(16, dtype=torch.int64))
    pretrain.train(pictures, pictures, 1, recipe, tmp_path / "checkpoint.pt")
    after = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["best"]
    torch.testing.assert_close(after["conv2.conv.weight"], start["conv2.conv.weight"] * (1 - 1.9 * 0.1 * 0.5))
    assert torch.equal(after["conv2.bn.weight"], start["conv2.bn.weight"])


def test_folding_batchnorm_leaves_the_outputs_as_they_were():
    torch.manual_seed(0)
    net = twin_alexnet.build(CLASSES, batchnorm=True).train()
    x = torch.randn(16, 3, 64, 64)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.uniform_(module.bias, -1, 1)
    for _ in range(3):
        net(3 * x + 1)
    folded = twin_alexnet.fold_batchnorm(net)
    for (layer, stage), plain in zip(net.eval().named_children(), folded, strict=True):
        expected = stage(x)
        torch.testing.assert_close(
            plain(x), expected, rtol=1e-4, atol=1e-4, msg=lambda m, layer=layer: f"{layer}: {m}"
        )
        x = expected
    assert not [m for m in folded.modules() if "BatchNorm" in type(m).__name__]


def test_augmentation_keeps_shape_and_range_and_draws_anew():
    images = draw(16, 5).images
    torch.manual_seed(0)
    one, other = pretrain.augment(images), pretrain.augment(images)
    torch.manual_seed(0)
    again = pretrain.augment(images)
    assert one.shape == (16, 3, 64, 64)
    assert one.dtype == torch.float32
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    low, high = pretrain.standardise(torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1))[:, 0, 0, 0]
    assert one.min() > low - 1.5
    assert one.max() < high + 2.5


def test_augmentation_keeps_the_picture_recognisable():
    # a wrong affine matrix (transposed, or in pixels) throws the object out of the frame
    images = torch.zeros(200, 3, 64, 64, dtype=torch.uint8)
    images[:, :, 24:40, 24:40] = 255
    bright = (pretrain.augment(images).mean(1) > 0).float()
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    weight = bright.sum((1, 2))
    centre = torch.stack([(bright * rows).sum((1, 2)), (bright * columns).sum((1, 2))], 1) / weight[:, None]
    inside = ((centre - 31.5).abs() < 16).all(1) & (weight > 100) & (weight < 700)
    assert inside.float().mean() > 0.85  # the rest lies under a random box


def test_float16_is_refused_where_it_overflows(tmp_path):
    net = twin_alexnet.build(CLASSES)
    with torch.no_grad():
        net.fc7.linear.weight[0, 0] = 1e6
    with pytest.raises(ValueError, match=r"fc7\.linear\.weight is not finite"):
        twin_alexnet.save_weights(net, ("a", "b", "c", "d"), tmp_path / "net.safetensors")
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

    monkeypatch.setattr(cost.time, "perf_counter", clock)
    assert cost.bfloat16_is_faster(torch.device("cpu")) is expected


def test_the_command_writes_weights_and_a_log_that_agree(tmp_path, monkeypatch):
    pictures = draw(96, 1)
    names = tuple(f"pattern {i}" for i in range(CLASSES))

    def load(split, per_class=None):
        rows = slice(0, 64) if split == "train" else slice(64, 96)
        images = ArrayImages(pictures.images[rows].numpy())
        return ImageCollection("ilsvrc2012", "twin", images, names, pictures.labels[rows].numpy())

    monkeypatch.setattr(twin, "ilsvrc2012", load)
    settings.use("demo", cache=tmp_path / "cache", quiet=True)
    out = tmp_path / "net.safetensors"
    monkeypatch.setattr(twin_alexnet, "WEIGHTS", out)
    monkeypatch.setattr(pretrain, "RECIPE", replace(pretrain.RECIPE, epochs=1, batch=32))
    try:
        pretrain.main()
    finally:
        settings.reset()
    log = json.loads(out.with_suffix(".json").read_text())
    assert log["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert log["recipe"]["epochs"] == 1
    assert (log["train_images"], log["val_images"]) == (64, 32)
    assert len(log["curve"]) == 1
    net, classes = twin_alexnet.load_weights(out)
    assert classes == names
    assert sum(p.numel() for p in net.parameters()) == log["parameters"]
    validation = Pictures(pictures.images[64:], pictures.labels[64:])
    assert pretrain.evaluate(net, validation) == pytest.approx(log["published"])
