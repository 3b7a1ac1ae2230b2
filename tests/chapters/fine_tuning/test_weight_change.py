"""How much weights changed: by hand, and what must not count as a change."""

import copy
from collections import OrderedDict
from dataclasses import replace

import pytest
import torch
from torch import nn

from lecture_lib.backbones import Backbone
from lecture_lib.chapters.fine_tuning.weight_change import relative_change


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
