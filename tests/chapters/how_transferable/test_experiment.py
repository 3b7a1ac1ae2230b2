"""One net of the experiment: what is frozen, what is computed once, and what both must not change."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lecture_lib.chapters.how_transferable import experiment, halves
from lecture_lib.chapters.how_transferable.experiment import accuracy, fixed_modules, learn, predict, rounded
from lecture_lib.chapters.how_transferable.nets import NotFrozen, build, glue, layers
from lecture_lib.training import sgd

RECIPE = replace(experiment.RECIPE, epochs=2, batch=8, lr=0.05)


@pytest.fixture(scope="module")
def collections(made_up, made_up_test):
    return made_up, made_up_test


@pytest.fixture
def task(collections):
    return halves.task(*collections, np.arange(1, 8, 2))


@pytest.fixture
def donor():
    """A net whose BatchNorm has averages of its own."""
    torch.manual_seed(0)
    net = build(4, 1)
    net(torch.randn(16, 3, 64, 64))
    return net


def states(net):
    return [copy.deepcopy(layer.state_dict()) for layer in layers(net)]


def same(one, other):
    return [all(torch.equal(a[name], b[name]) for name in a) for a, b in zip(one, other, strict=True)]


# halves


@pytest.mark.parametrize("seed", [0, 1])
def test_halves_share_no_class_and_are_equally_many(made_up, seed):
    a, b = halves.split(made_up, seed)
    assert sorted([*a, *b]) == list(range(8))
    a, b = halves.split(made_up, seed, 3)
    assert (len(a), len(b), len(np.intersect1d(a, b))) == (3, 3, 0)


def test_dissimilar_halves_are_natural_and_man_made_classes_as_many_of_each(made_up):
    fewer = made_up[made_up.labels != 0]
    fewer = replace(fewer, groups=("vessel", *made_up.groups[1:]))  # three birds among eight
    a, b = halves.dissimilar(fewer, 0)
    assert a.tolist() == [2, 4, 6]
    assert len(b) == 3
    assert {made_up.groups[c] for c in b} <= {"vessel", "bird"} - ({"bird"} if 0 not in b else set())


def test_a_task_has_the_pictures_of_its_classes_under_labels_from_0(collections, task):
    train, test = collections
    assert (len(task.train), len(task.test)) == (48, 24)
    rows = np.flatnonzero(np.isin(train.labels, task.classes))
    for k, i in enumerate(rows):
        assert task.classes[task.y_train[k]] == train.labels[i]
        assert torch.equal(task.train[k], train.tensor(i))
    assert halves.task(train, test, np.array([0, 2])).fingerprint != task.fingerprint
    with pytest.raises(ValueError, match="no picture of class 3"):
        halves.task(train, test[test.labels != 3], task.classes)


# trainings


@pytest.mark.parametrize("n", [1, 3, 5, 6, 7])
def test_frozen_layers_are_bit_equal_after_training_and_all_above_have_moved(task, donor, n):
    net = glue(donor, n, build(4, 3))
    before = states(net)
    learn(net, n, task, RECIPE)
    assert same(before, states(net)) == [True] * n + [False] * (8 - n)
    assert same(before[:n], states(donor)[:n]) == [True] * n
    assert not any(module.training for module in net.modules())


def test_copied_layers_of_a_plus_net_learn(task, donor):
    net = glue(donor, 5, build(4, 3))
    before = states(net)
    learn(net, 0, task, RECIPE)
    assert not any(same(before, states(net)))


def test_nothing_copied_and_nothing_frozen_is_the_base_net(task, donor):
    base, other = build(4, 3), glue(donor, 0, build(4, 3))
    learn(base, 0, task, RECIPE)
    learn(other, 0, task, RECIPE)
    assert all(same(states(base), states(other)))


@pytest.mark.parametrize("n", [1, 4, 5, 6, 7])
def test_what_is_computed_once_is_what_is_computed_in_every_step(task, donor, n, monkeypatch, tmp_path):
    found = []
    for kept in (1e9, 0):
        monkeypatch.setattr(experiment, "KEPT", kept)
        monkeypatch.setattr(sgd, "checkpoint_file", lambda *_, kept=kept, **__: tmp_path / f"{n} {kept}")
        net = glue(donor, n, build(4, 3))
        learn(net, n, task, RECIPE)
        found.append(experiment.say(net, task.see(task.test)))
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)


def test_in_bfloat16_what_is_kept_is_what_the_frozen_layers_say_in_it(task, donor):
    lower = nn.Sequential(*[module for layer in layers(donor.eval())[:2] for module in layer])
    kept = experiment.features(lower, task.train, task.see, True)(torch.tensor([5, 0]))
    assert kept.dtype == torch.bfloat16
    expected = experiment.say(lower, task.see(task.train[[5, 0]]))
    torch.testing.assert_close(kept.float(), expected, rtol=0.05, atol=0.05)


def test_dropout_stays_on_in_frozen_layers_while_they_are_trained_upon(task, donor):
    net, seen = glue(donor, 7, build(4, 3)), []
    for layer in ("fc6", "fc7"):
        dropout = net.get_submodule(f"{layer}.dropout")
        dropout.register_forward_hook(
            lambda module, _, out: seen.append((module.training, (out == 0).float().mean()))
        )
    learn(net, 7, task, RECIPE)
    assert [training for training, _ in seen] == [True] * 2 * 2 * 6  # two layers, two epochs of six batches
    assert [fixed_modules(net, n) for n in (5, 6, 7)] == [18, 23, 23]  # up to the first dropout


def test_a_net_whose_last_layer_alone_learns_is_a_linear_probe(task, donor):
    """The same steps on what fc7 says: without dropout, as a mask would be drawn in another place."""
    recipe = replace(RECIPE, dropout=0.0, epochs=4)
    net = glue(donor, 7, build(4, 3))
    probe = copy.deepcopy(net.fc8.linear)
    learn(net, 7, task, recipe)
    below = nn.Sequential(*list(net.children())[:-1])
    x, x_test = (experiment.say(below, task.see(pictures)) for pictures in (task.train, task.test))
    groups = [{"params": [probe.weight]}, {"params": [probe.bias], "weight_decay": 0.0}]
    samples = lambda batch: (x[batch], task.y_train[batch])  # noqa: E731
    sgd.train(probe, len(x), samples, nn.functional.cross_entropy, recipe, groups=groups)
    torch.testing.assert_close(experiment.say(net, task.see(task.test)), probe(x_test), rtol=1e-4, atol=1e-5)


def test_a_frozen_layer_that_moves_stops_the_training(task, donor, monkeypatch):
    net = glue(donor, 7, build(4, 3))
    train = sgd.train

    def careless(upper, *given, **how):
        how["groups"] = [{"params": list(net.parameters())}]
        net.fc7.linear.requires_grad_(True)
        return train(upper, *given, **how)

    monkeypatch.setattr(sgd, "train", careless)
    with pytest.raises(NotFrozen, match="has changed"):
        learn(net, 7, task, RECIPE)


def test_a_finished_training_is_read_and_computes_nothing(task, donor, monkeypatch):
    nets = [glue(donor, 5, build(4, 3)) for _ in range(2)]
    curve = learn(nets[0], 5, task, RECIPE)
    monkeypatch.setattr(experiment, "say", None)
    assert learn(nets[1], 5, task, RECIPE) == curve
    assert all(same(*map(states, nets)))


def test_another_donor_is_another_training(task, donor):
    nets = [glue(of, 5, build(4, 3)) for of in (donor, build(4, 2))]
    curves = [learn(net, 5, task, RECIPE) for net in nets]
    assert curves[0] != curves[1]


def test_accuracy_is_counted_class_by_class(task, monkeypatch):
    answers = task.y_test.numpy().copy()
    answers[:3] = 1  # half of the first class is taken for the second
    monkeypatch.setattr(experiment, "predict", lambda net, of: answers)
    assert accuracy(None, task).tolist() == [50, 100, 100, 100]


def test_predictions_are_those_of_the_whole_net_in_eval_mode(task, donor):
    expected = donor.eval()(task.see(task.test)).argmax(1)
    assert predict(donor.train(), task).tolist() == expected.tolist()


def test_shipped_weights_are_those_that_were_chopped(donor):
    net = rounded(donor)
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, tensor.half().to(tensor.dtype)), name
