"""How much layers changed: by hand, against the definition of HSIC, and what must not count as a change."""

import copy
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lecture_lib.backbones import Backbone
from lecture_lib.chapters.fine_tuning.weight_change import linear_cka, relative_change


def network():
    stages = nn.Sequential(
        OrderedDict(
            conv1=nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3), bn=nn.BatchNorm2d(4))),
            pool1=nn.MaxPool2d(2),
            fc7=nn.Linear(4, 3),
            head=nn.Linear(3, 2),
        )
    )
    return Backbone("tiny", stages, 8, 8, (0.5,) * 3, (0.25,) * 3, ("a", "b"), "none", {7: "fc7"})


def copied(net):
    return replace(net, stages=copy.deepcopy(net.stages))


# weights


def test_the_change_is_that_of_weights_and_biases_together():
    before = network()
    after = copied(before)
    with torch.no_grad():
        before.stages.fc7.weight.zero_()
        before.stages.fc7.bias.copy_(torch.tensor([0.0, 3, 4]))  # length 5
        after.stages.fc7.weight.zero_()[0, 1] = 2
        after.stages.fc7.bias.copy_(torch.tensor([1.0, 3, 6]))  # moved by 2, 1 and 2: 3
        after.stages.head.weight.mul_(3)
        after.stages.head.bias.mul_(3)
    found = relative_change(before, after)
    assert list(found) == ["conv1", "fc7", "head"]  # a pooling has no weights
    assert found == pytest.approx({"conv1": 0, "fc7": 3 / 5, "head": 2})
    assert relative_change(after, before)["fc7"] == pytest.approx(3 / (4 + 1 + 9 + 36) ** 0.5)
    assert relative_change(before, before) == {"conv1": 0, "fc7": 0, "head": 0}


def test_averages_of_batchnorm_are_no_weights_which_may_lie_channels_last_in_memory():
    before = network()
    after = copied(before)
    after.stages.conv1.bn.running_mean += 5
    assert relative_change(before, after)["conv1"] == 0
    with torch.no_grad():
        for weight in after.stages.conv1.parameters():
            weight.mul_(3)
    after.stages.to(memory_format=torch.channels_last)
    assert relative_change(before, after)["conv1"] == pytest.approx(2)


def test_small_movements_are_not_lost_in_rounding():
    before = network()
    with torch.no_grad():
        before.stages.fc7.weight.fill_(1.0)
        before.stages.fc7.bias.fill_(1.0)
        after = copied(before)
        after.stages.fc7.bias[0] += 2.0**-20
    assert relative_change(before, after)["fc7"] == pytest.approx(2.0**-20 / 15**0.5, rel=1e-9)


def test_only_layers_of_both_are_compared():
    before = network()
    stages = OrderedDict(before.stages.named_children())
    stages["fc8"] = stages.pop("head")
    after = replace(before, stages=nn.Sequential(stages))
    assert list(relative_change(before, after)) == ["conv1", "fc7"]
    assert list(relative_change(after, before)) == ["conv1", "fc7"]


# features


def draw(N, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, d)) @ rng.standard_normal((d, d)) + 7 * rng.standard_normal(d)


def rotation(d, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


def cka_by_hsic(x, y):
    """tr(K H L H) / (N - 1)^2 of the linear kernels K and L, over that of each with itself."""
    N = len(x)
    H = np.eye(N) - np.ones((N, N)) / N

    def hsic(K, L):
        return np.trace(K @ H @ L @ H) / (N - 1) ** 2

    K, L = x @ x.T, y @ y.T
    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


@pytest.mark.parametrize(("N", "p", "q"), [(30, 5, 8), (12, 40, 50), (2, 1, 1)])
def test_cka_is_defined_by_hsic(N, p, q):
    x = draw(N, p)
    y = draw(N, q, seed=1)
    y[:, 0] += x[:, 0]
    assert linear_cka(x, y) == pytest.approx(cka_by_hsic(x, y), rel=1e-6)
    assert linear_cka(y, x) == pytest.approx(linear_cka(x, y), rel=1e-12)
    assert 0 <= linear_cka(x, y) <= 1 + 1e-12


@pytest.mark.parametrize("d", [6, 60])
def test_turned_scaled_and_shifted_features_are_the_same(d):
    x, y = draw(25, d), draw(25, 9, seed=1)
    assert linear_cka(x, x) == pytest.approx(1)
    same = -3.7 * x @ rotation(d) + np.arange(d)
    assert linear_cka(x, same) == pytest.approx(1)
    assert linear_cka(same, y) == pytest.approx(linear_cka(x, y))
    wider = np.concatenate([x, np.zeros((25, 3))], 1) @ rotation(d + 3)
    assert linear_cka(wider, y) == pytest.approx(linear_cka(x, y))


def test_half_precision_is_no_trouble():
    x, y = draw(20, 5).astype(np.float16), draw(20, 50, seed=1)
    assert linear_cka(x * np.float16(100), x) == pytest.approx(1, abs=1e-5)
    assert linear_cka(torch.tensor(x), y) == linear_cka(x, y)


@pytest.mark.parametrize("constant", [np.full((8, 3), 0.1), np.full((8, 3), np.nan)])
def test_features_that_do_not_vary_cannot_be_compared(constant):
    for pair in [(constant, draw(8, 4)), (draw(8, 4), constant)]:
        with pytest.raises(ValueError, match=r"\[8, 3\] are the same for all pictures, or not finite"):
            linear_cka(*pair)
