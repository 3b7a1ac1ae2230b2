"""Slim networks: what is trained, what stays, and what is refused."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from lecture_lib import backbones
from lecture_lib.backbones import features
from lecture_lib.chapters.fine_tuning.narrow_fc7 import WEIGHT_DECAY, slim

CLASSES, D = 5, 768


def clouds(n=400, seed=0):
    """Vectors around one random direction a class, float16 [n, 768] and not negative, and labels [n]."""
    centres = np.random.default_rng(1).random((CLASSES, D)) < 0.1
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, n)
    x = centres[labels] + rng.normal(size=(n, D)) * 0.5
    return np.maximum(x, 0).astype(np.float16), labels


@pytest.fixture(scope="module")
def net():
    random = backbones.load("twin-alexnet", weights="random", seed=3)
    return dataclasses.replace(random, classes=tuple("abcde"))


@pytest.fixture(scope="module")
def slim_net(net):
    return slim(net, *clouds(), 24)


@torch.inference_mode()
def accuracy(net, x, labels):
    scores = net.stages.fc8(net.stages.fc7(torch.from_numpy(x.astype(np.float32))))
    return (scores.argmax(1).numpy() == labels).mean()


def test_fc7_has_the_width_and_learns_the_task(slim_net):
    found = features(slim_net, torch.rand(2, 3, 64, 64), ["fc7", "fc8"])
    assert found["fc7"].shape == (2, 24)
    assert found["fc7"].min() >= 0
    assert found["fc8"].shape == (2, CLASSES)
    assert found["fc8"].min() < 0  # raw scores
    assert accuracy(slim_net, *clouds(seed=7)) > 0.95  # chance is 0.2


def test_everything_up_to_fc6_is_the_networks(net, slim_net):
    x = torch.rand(2, 3, 64, 64)
    before, after = (features(n, x, ["conv1", "pool5", "fc6"]) for n in (net, slim_net))
    for tap in before:
        assert torch.equal(before[tap], after[tap])
    assert slim_net.taps == net.taps
    assert slim_net.decaf == net.decaf
    assert (slim_net.resize, slim_net.mean, slim_net.std) == (net.resize, net.mean, net.std)
    assert not any(layer.training for layer in slim_net.stages.modules())


def test_the_network_itself_is_left_alone(net):
    kept = net.fingerprint
    made = slim(net, *clouds(), 8, epochs=1)
    with torch.no_grad():
        for weight in made.stages.parameters():
            weight.zero_()
    assert net.fingerprint == kept
    assert all(weight.grad is None for weight in net.stages.parameters())


def test_the_name_and_fingerprint_tell_width_and_seed(net, slim_net):
    assert slim_net.name == "twin-alexnet-24"
    assert slim_net.weights == "random seed 3, fc7 and fc8 retrained from seed 0"
    others = [slim(net, *clouds(), width, epochs=1, seed=seed) for width, seed in ((24, 0), (24, 1), (8, 0))]
    assert len({n.fingerprint for n in (net, slim_net, *others)}) == 5


def test_a_seed_decides_the_weights_and_draws_from_no_one_elses_generator(net, slim_net):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    again = slim(net, *clouds(), 24)
    assert torch.equal(torch.rand(3), expected)
    assert again.fingerprint == slim_net.fingerprint


def test_the_training_is_nesterovs_by_hand(net):
    # two epochs of two batches, 101 vectors and 100, in the order that the seed draws; in NumPy
    x, labels = clouds(201)
    torch.manual_seed(0)
    weights = [layer for stage in ("fc7", "fc8") for layer in (_first(stage, 12), np.zeros(12))]
    weights[-1] = np.zeros(CLASSES)
    speed = [np.zeros_like(w) for w in weights]
    rates = iter(0.1 * (1 + np.cos(np.pi * np.arange(4) / 4)) / 2)
    for _ in range(2):
        order = torch.randperm(len(x)).numpy()
        for part in (order[:101], order[101:]):
            rate = next(rates)
            for i, gradient in enumerate(_gradients(weights, x[part].astype(np.float64), labels[part])):
                gradient = gradient + WEIGHT_DECAY * weights[i]
                speed[i] = 0.9 * speed[i] + gradient
                weights[i] = weights[i] - rate * (gradient + 0.9 * speed[i])
    made = slim(net, x, labels, 12, epochs=2, lr=0.1)
    found = [made.stages.fc7.linear.weight, made.stages.fc7.linear.bias]
    found += [made.stages.fc8.linear.weight, made.stages.fc8.linear.bias]
    for expected, tensor in zip(weights, found, strict=True):
        np.testing.assert_allclose(tensor.detach(), expected, atol=2e-5)


def _first(stage, width):
    """The fresh weights of He et al.: normal, variance 2 / inputs."""
    inputs, outputs = (D, width) if stage == "fc7" else (width, CLASSES)
    nn.Linear(inputs, outputs)  # draws, too
    return (torch.randn(outputs, inputs) * (2 / inputs) ** 0.5).double().numpy()


def _gradients(weights, x, labels):
    """Of the mean cross-entropy of a network with one hidden layer, by the chain rule."""
    w7, b7, w8, b8 = weights
    hidden = x @ w7.T + b7
    h = np.maximum(hidden, 0)
    e = np.exp(h @ w8.T + b8)
    slope = (e / e.sum(1, keepdims=True) - np.eye(CLASSES)[labels]) / len(x)
    back = slope @ w8 * (hidden > 0)
    return back.T @ x, back.sum(0), slope.T @ h, slope.sum(0)


def test_torchvisions_alexnet_keeps_its_dropout_in_its_places():
    net = backbones.load("alexnet", weights="random")
    net = dataclasses.replace(net, classes=("a", "b"))
    rng = np.random.default_rng(0)
    made = slim(net, rng.random((4, 4096)).astype(np.float32), np.array([0, 1, 0, 1]), 6, epochs=1)
    assert [type(layer) for layer in made.stages.fc7] == [nn.Dropout, nn.Linear, nn.ReLU]
    assert made.stages.fc7[1].weight.shape == (6, 4096)
    assert made.stages.fc8.weight.shape == (2, 6)
    assert features(made, torch.rand(1, 3, 224, 224), ["fc7"])["fc7"].shape == (1, 6)


def test_a_network_without_fc6_is_refused():
    squeezenet = backbones.load("squeezenet1_1", weights="random")
    with pytest.raises(ValueError, match="squeezenet1_1 ends with fire9, conv10, pool10"):
        slim(squeezenet, *clouds(), 24)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "at least one unit, not 0"),
        ({"x": np.zeros((400, 128))}, r"\[400, 128\] for labels \[400\]; twin-alexnet takes \[N, 768\]"),
        ({"x": np.zeros((399, D))}, r"\[399, 768\] for labels \[400\]"),
        ({"x": np.zeros((0, D)), "labels": np.zeros(0, int)}, r"\[0, 768\]"),
        ({"labels": np.full(400, 5)}, "Labels 5 to 5, but twin-alexnet has 5 classes"),
        ({"labels": np.full(400, -1)}, "Labels -1 to -1"),
    ],
)
def test_what_does_not_belong_to_the_network_is_refused(net, change, message):
    x, labels = clouds()
    given = {"x": x, "labels": labels, "width": 24} | change
    with pytest.raises(ValueError, match=message):
        slim(net, *given.values())


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_loss_that_is_not_finite_stops_with_the_epoch(net):
    with pytest.raises(FloatingPointError, match="in epoch 1 of 8: take a lower learning rate than lr=1e"):
        slim(net, *clouds(), 24, lr=1e30)
