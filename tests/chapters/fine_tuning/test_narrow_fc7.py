"""Networks with a narrow fc7: what is trained, what stays, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lecture_lib import backbones
from lecture_lib.backbones import features
from lecture_lib.chapters.fine_tuning.narrow_fc7 import RECIPE, narrow_fc7

CLASSES, D = 5, 768
SHORT = replace(RECIPE, epochs=1)


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
    return replace(random, classes=tuple("abcde"))


@pytest.fixture(scope="module")
def narrow(net):
    return narrow_fc7(net, *clouds(), 24)


@torch.inference_mode()
def accuracy(net, x, labels):
    scores = net.stages.fc8(net.stages.fc7(torch.from_numpy(x.astype(np.float32))))
    return (scores.argmax(1).numpy() == labels).mean()


def test_fc7_has_the_width_and_learns_the_task(narrow):
    found = features(narrow, torch.rand(2, 3, 64, 64), ["fc7", "fc8"])
    assert found["fc7"].shape == (2, 24)
    assert found["fc7"].min() >= 0
    assert found["fc8"].shape == (2, CLASSES)
    assert found["fc8"].min() < 0  # raw scores
    assert accuracy(narrow, *clouds(seed=7)) > 0.95  # chance is 0.2


def test_everything_up_to_fc6_is_the_networks(net, narrow):
    x = torch.rand(2, 3, 64, 64)
    before, after = (features(n, x, ["conv1", "pool5", "fc6"]) for n in (net, narrow))
    for layer in before:
        assert torch.equal(before[layer], after[layer])
    assert narrow.layers == net.layers
    assert narrow.decaf == net.decaf
    assert (narrow.resize, narrow.mean, narrow.std) == (net.resize, net.mean, net.std)
    assert not any(module.training for module in narrow.stages.modules())


def test_the_network_itself_is_left_alone(net):
    kept = net.fingerprint
    trained = narrow_fc7(net, *clouds(), 8, SHORT)
    with torch.no_grad():
        for weight in trained.stages.parameters():
            weight.zero_()
    assert net.fingerprint == kept
    assert all(weight.grad is None for weight in net.stages.parameters())


def test_name_and_seed_are_told_and_a_seed_draws_from_no_one_elses_generator(net, narrow):
    assert narrow.name == "twin-alexnet-24"
    assert narrow.weights == "random seed 3, fc7 and fc8 retrained from seed 0"
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    again = narrow_fc7(net, *clouds(), 24)
    assert torch.equal(torch.rand(3), expected)
    assert again.fingerprint == narrow.fingerprint
    assert narrow_fc7(net, *clouds(), 24, replace(RECIPE, seed=1)).fingerprint != narrow.fingerprint


def test_the_training_is_nesterovs_by_hand(net):
    # two epochs of two batches, 101 vectors and 100, in the order that the seed draws
    x, labels = clouds(201)
    x, y = torch.from_numpy(x).double(), torch.from_numpy(labels)
    torch.manual_seed(0)
    weights = []
    for inputs, outputs in ((D, 12), (12, CLASSES)):
        nn.Linear(inputs, outputs)  # draws, too
        he = torch.randn(outputs, inputs) * (2 / inputs) ** 0.5  # fresh weights of He et al.
        weights += [he.double().requires_grad_(), torch.zeros(outputs).double().requires_grad_()]
    speed = [0] * 4
    rates = iter(0.1 * (1 + np.cos(np.pi * np.arange(4) / 4)) / 2)
    for _ in range(2):
        for part in torch.randperm(len(x)).tensor_split(2):
            w7, b7, w8, b8 = weights
            scores = (x[part] @ w7.T + b7).relu() @ w8.T + b8
            slopes = torch.autograd.grad(nn.functional.cross_entropy(scores, y[part]), weights)
            rate = next(rates)
            for i, (w, slope) in enumerate(zip(weights, slopes, strict=True)):
                slope = slope + RECIPE.weight_decay * w.detach()
                speed[i] = 0.9 * speed[i] + slope
                weights[i] = (w.detach() - rate * (slope + 0.9 * speed[i])).requires_grad_()
    stages = narrow_fc7(net, x.numpy(), labels, 12, replace(SHORT, epochs=2)).stages
    for expected, found in zip(weights, (*stages.fc7.parameters(), *stages.fc8.parameters()), strict=True):
        np.testing.assert_allclose(found.detach(), expected.detach(), atol=2e-5)


def test_torchvisions_alexnet_keeps_its_dropout_in_its_places():
    net = backbones.load("alexnet", weights="random")
    net = replace(net, classes=("a", "b"))
    x = np.random.default_rng(0).random((4, 4096)).astype(np.float32)
    trained = narrow_fc7(net, x, np.array([0, 1, 0, 1]), 6, SHORT)
    assert [type(layer) for layer in trained.stages.fc7] == [nn.Dropout, nn.Linear, nn.ReLU]
    assert trained.stages.fc7[1].weight.shape == (6, 4096)
    assert trained.stages.fc8.weight.shape == (2, 6)
    assert features(trained, torch.rand(1, 3, 224, 224), ["fc7"])["fc7"].shape == (1, 6)


def test_a_network_without_fc6_is_refused():
    squeezenet = backbones.load("squeezenet1_1", weights="random")
    with pytest.raises(ValueError, match="squeezenet1_1 ends with fire9, conv10, pool10"):
        narrow_fc7(squeezenet, *clouds(), 24)
