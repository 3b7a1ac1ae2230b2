"""Chopped, glued and frozen: which layers are copied, and what unfreezes them."""

import copy

import pytest
import torch
from torch import nn

from lecture_lib import backbones
from lecture_lib.chapters.how_transferable import nets
from lecture_lib.chapters.how_transferable.nets import NotFrozen, averaged, build, freeze, glue, layers


def kinds(layer):
    return [type(module).__name__ for module in layer]


def test_layers_are_counted_as_in_the_paper():
    every = layers(build(5, 0))
    conv, pooled = ["Conv2d", "BatchNorm2d", "ReLU"], ["MaxPool2d"]
    convs = [conv + pooled, conv + pooled, conv, conv, conv + pooled]
    assert [kinds(layer) for layer in every[:5]] == convs
    assert [kinds(layer)[-1] for layer in every[5:]] == ["Dropout", "Dropout", "Linear"]
    walked, x = build(5, 0).eval(), torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(nn.Sequential(*layers(walked))(x), walked(x))


@pytest.mark.parametrize(("name", "n"), [("squeezenet1_1", 10), ("resnet18", 6)])
def test_published_networks_are_cut_behind_their_stages(name, n):
    net = backbones.load(name, "random").stages
    assert len(layers(net)) == n
    x = torch.randn(1, 3, 112, 112)
    torch.testing.assert_close(nn.Sequential(*layers(net))(x), net(x))


@pytest.mark.parametrize("n", [0, 2, 7])
def test_the_first_n_layers_are_the_donors_and_those_above_the_same_for_every_donor(n):
    a, b, fresh = build(5, 1), build(5, 2), build(5, 3)
    nn.init.normal_(a.get_submodule("conv1.bn").running_mean)
    states = [[layer.state_dict() for layer in layers(net)] for net in (glue(a, n, fresh), glue(b, n, fresh))]
    for k, (of_a, of_b, donor, own) in enumerate(
        zip(*states, layers(a), layers(fresh), strict=True), start=1
    ):
        for name, tensor in (donor if k <= n else own).state_dict().items():
            assert torch.equal(of_a[name], tensor)
        shared = all(torch.equal(of_a[name], of_b[name]) for name in of_a)
        assert shared == (k > n)


def test_gluing_changes_neither_net_and_the_last_layer_is_never_the_donors():
    donor, fresh = build(5, 1), build(5, 3)
    before = [copy.deepcopy(net.state_dict()) for net in (donor, fresh)]
    net = glue(donor, 3, fresh)
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(1)
    for state, of in zip(before, (donor, fresh), strict=True):
        assert all(torch.equal(tensor, of.state_dict()[name]) for name, tensor in state.items())
    with pytest.raises(ValueError, match="0 to 7 of them, not 8"):
        glue(donor, 8, fresh)


def step(net, **how):
    """One step of SGD with momentum and a strong decay on random pictures."""
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=0.1, **how)
    net(torch.randn(4, 3, 64, 64)).square().sum().backward()
    optimizer.step()


def train_as_frozen(net, n):
    net.train()
    for layer in layers(net)[:n]:
        for module in layer:
            module.train(not isinstance(module, nets.BATCHNORM))


def test_frozen_layers_stay_to_the_last_bit_under_momentum_and_decay():
    net = build(5, 0)
    check = freeze(net, 6)
    before = copy.deepcopy(net.state_dict())
    train_as_frozen(net, 6)
    step(net)
    step(net)
    check()
    moved = {
        name.split(".")[0]
        for name, tensor in net.state_dict().items()
        if not torch.equal(tensor, before[name])
    }
    assert moved == {"fc7", "fc8"}


def thaw(net):
    """A gradient of 0 is no frozen layer: decay moves it."""
    net.requires_grad_(True)
    for weight in net.parameters():
        weight.grad = torch.zeros_like(weight)
    torch.optim.SGD(net.parameters(), 0.1, weight_decay=0.1).step()


UNFREEZE = {
    "has changed": thaw,
    "in training mode": lambda net: net.get_submodule("conv2.bn").train(),
    "running_mean of the first 6 layers has changed": lambda net: net.get_submodule(
        "fc6.bn"
    ).running_mean.add_(1e-7),
    "dropout of a frozen layer is off": lambda net: net.get_submodule("fc6.dropout").eval(),
}


@pytest.mark.parametrize("what", UNFREEZE)
def test_what_unfreezes_a_layer_is_found(what):
    net = build(5, 0)
    check = freeze(net, 6)
    train_as_frozen(net, 6)
    check()
    UNFREEZE[what](net)
    with pytest.raises(NotFrozen, match=what):
        check()


def test_random_layers_get_the_averages_of_pictures_and_keep_their_weights():
    torch.manual_seed(0)
    fresh, seen, said = build(5, 0), 5 + 3 * torch.randn(64, 3, 64, 64), []
    net = averaged(fresh, seen)
    for name, weight in fresh.named_parameters():
        assert torch.equal(weight, net.get_parameter(name))
    assert not any(module.training for module in net.modules())
    for module in net.modules():
        if isinstance(module, nets.BATCHNORM):
            module.register_forward_hook(
                lambda *given: said.append(given[2].transpose(0, 1).flatten(1).clone())
            )
    net(seen)
    for x in said:
        # of 64 vectors the averages are those of a variance 1/63 larger, so layers above see 0.8 % less
        torch.testing.assert_close(x.mean(1), torch.zeros(len(x)), rtol=0, atol=0.05)
        torch.testing.assert_close(x.std(1), torch.ones(len(x)), rtol=0, atol=0.05)
