"""The training loop, alone and through fine-tuning: what it learns, what it leaves alone, and how it goes on."""

import copy
import math
import subprocess
import sys
from collections import OrderedDict
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch import nn

from lecture_lib import settings
from lecture_lib.backbones import Backbone, standardise
from lecture_lib.chapters.fine_tuning.losses import softmax, tune_cls, tune_rnk
from lecture_lib.metrics import mean_average_precision
from lecture_lib.training import Diverged, Pictures, Recipe, fine_tune, fine_tuning, score, sgd

RECIPE = Recipe(epochs=4, batch=8, lr=0.1, ratio=0.5, seed=3)
SIDE, CLASSES, BATCHES = 16, 3, 4


def stage(**layers):
    return nn.Sequential(OrderedDict(layers))


def tiny(seed=0, dropout=0.5):
    """A network of four stages, with BatchNorm and dropout, for pictures of 16 x 16."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        stages = stage(
            conv1=stage(conv=nn.Conv2d(3, 6, 3, 2, 1), bn=nn.BatchNorm2d(6), relu=nn.ReLU(inplace=True)),
            conv2=stage(conv=nn.Conv2d(6, 8, 3, 2, 1), bn=nn.BatchNorm2d(8), relu=nn.ReLU(inplace=True)),
            fc7=stage(flatten=nn.Flatten(), linear=nn.Linear(128, 16), relu=nn.ReLU(inplace=True),
                      dropout=nn.Dropout(dropout)),
            head=stage(linear=nn.Linear(16, CLASSES)),
        )  # fmt: skip
    decaf = {1: "conv1", 5: "conv2", 6: "conv2", 7: "fc7"}
    return Backbone(
        "tiny", stages.eval(), SIDE, SIDE, (0.5,) * 3, (0.25,) * 3, ("a", "b", "c"), "none", decaf
    )


def draw(n, seed):
    """Pictures of 18 x 21, a colour a class under noise."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % CLASSES)
    x = 60 * np.eye(CLASSES)[labels][..., None, None] + 98 + 40 * rng.standard_normal((n, 3, 18, 21))
    x = torch.from_numpy(x.clip(0, 255).astype(np.uint8))
    return Pictures(list(x), torch.from_numpy(labels))


TRAIN, VALIDATION = draw(30, 1), draw(21, 2)
at_call = {}  # number of a call of `watched` -> what happens in it
calls = []


class Watched:
    """Softmax that does as `at_call` says; the checkpoint's name stays the same, whatever that is."""

    def __call__(self, scores, labels):
        calls.append(len(labels))
        return softmax(scores, labels) * at_call.get(len(calls), lambda: 1)()

    def __reduce__(self):
        return "watched"


watched = Watched()


def interrupt():
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "_chosen", {})
    monkeypatch.setattr(settings, "_settings", None)
    at_call.clear()
    calls.clear()
    folder = tmp_path / "cache"
    settings.use(cache=folder, device="cpu", quiet=True)
    return folder


def train(net=None, loss=watched, validation=VALIDATION, **changes):
    return fine_tune(net or tiny(), TRAIN, validation, loss, replace(RECIPE, **changes), progress=False)


def weights(net):
    return {name: tensor.clone() for name, tensor in net.stages.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The training that nobody interrupts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "_chosen", {})
        patch.setattr(settings, "_settings", None)
        settings.use(cache=tmp_path_factory.mktemp("whole"), device="cpu", quiet=True)
        return train()


# what is learnt


@pytest.mark.parametrize("loss", [softmax, tune_cls, tune_rnk])
def test_the_loss_falls_and_the_classes_are_told_apart(loss):
    tuned = train(loss=loss, epochs=8)
    assert tuned.curve[-1]["loss"] < 0.7 * tuned.curve[0]["loss"]
    assert max(line["validation"] for line in tuned.curve) > 80


def test_labels_of_several_classes_are_measured_by_map():
    labels = nn.functional.one_hot(TRAIN.labels, CLASSES).to(torch.int8)
    labels[::4] = torch.where(labels[::4] == 1, 1, -1)
    pictures = Pictures(TRAIN.images, labels)
    tuned = fine_tune(tiny(), pictures, pictures, tune_rnk, RECIPE, progress=False)
    best = max(line["validation"] for line in tuned.curve)
    assert best == pytest.approx(100 * mean_average_precision(score(tuned.net, pictures), labels.numpy()))


def test_one_step_is_the_one_worked_out_by_hand():
    # pictures of one colour are the same wherever they are cut, and batch 1 of 2 has half the learning rate
    colours = torch.arange(0, 240, 20, dtype=torch.uint8).view(12, 1, 1, 1).expand(12, 3, 18, 18)
    pictures = Pictures(list(colours), torch.arange(12) % CLASSES)
    net = tiny(dropout=0)
    recipe = Recipe(epochs=2, batch=12, lr=0.2, ratio=0.25, frozen="conv1", weight_decay=0.1)
    tuned = fine_tune(net, pictures, pictures, softmax, recipe, progress=False).net
    by_hand = copy.deepcopy(net.stages).train()
    by_hand.conv1.eval()
    softmax(by_hand(standardise(net, colours[..., :SIDE, :SIDE])), pictures.labels).backward()
    lr = {"conv1": 0, "conv2": 0.2 * 0.25 / 2, "fc7": 0.2 * 0.25 / 2, "head": 0.2 / 2}
    after = dict(tuned.stages.named_parameters())
    for name, w in by_hand.named_parameters():
        expected = w.detach() - lr[name.partition(".")[0]] * (w.grad + 0.1 * w.detach())
        torch.testing.assert_close(
            after[name], expected, rtol=1e-4, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [  # four epochs of ten steps
        ("cosine", [(1 + math.cos(math.pi * i / 40)) / 2 for i in range(40)]),
        ("cosine to zero", [(1 + math.cos(math.pi * i / 40)) / 2 for i in range(1, 41)]),
        ("warm cosine", [0.5, 1, *((1 + math.cos(math.pi * i / 38)) / 2 for i in range(38))]),
        ((1, 3), [1] * 10 + [0.1] * 20 + [0.01] * 10),
    ],
)
def test_the_learning_rate_of_every_group_follows_the_schedule(schedule, factors, monkeypatch):
    rates, step = [], torch.optim.SGD.step

    def recorded(self, *given, **options):
        rates.append([group["lr"] for group in self.param_groups])
        return step(self, *given, **options)

    monkeypatch.setattr(torch.optim.SGD, "step", recorded)
    net, recipe = nn.Linear(2, 2), Recipe(epochs=4, batch=1, lr=0.5, schedule=schedule)
    groups = [{"params": [net.weight], "lr": 0.25}, {"params": [net.bias]}]
    curve = sgd.train(net, 10, lambda batch: (torch.ones(1, 2), batch % 2), softmax, recipe, groups=groups)
    np.testing.assert_allclose(rates, np.outer(factors, [0.25, 0.5]), atol=1e-12)
    assert [line["lr"] for line in curve] == pytest.approx([rates[i][1] for i in (9, 19, 29, 39)])


def shown(n, **changes):
    """The numbers of the samples in every batch of a training of three epochs."""
    seen = []

    def samples(batch):
        seen.append(batch.tolist())
        return torch.ones(len(batch), 2), torch.zeros(len(batch), dtype=torch.int64)

    sgd.train(nn.Linear(2, 2), n, samples, softmax, Recipe(epochs=3, batch=28, **changes))
    return seen


@pytest.mark.parametrize(
    ("n", "even", "sizes"),
    [(30, True, [15, 15]), (30, False, [28, 2]), (29, True, [15, 14]), (29, False, [28]), (1, False, [1])],
)
def test_every_epoch_shows_each_sample_once_in_an_order_of_its_own(n, even, sizes):
    batches = shown(n, even=even)
    assert [len(batch) for batch in batches] == 3 * sizes
    epochs = np.split(np.concatenate(batches), 3)
    assert all(len(set(order)) == sum(sizes) for order in epochs)
    assert n == 1 or len({tuple(order) for order in epochs}) == 3


def test_seeds_decide_the_order_or_else_the_generator_of_the_caller():
    torch.manual_seed(8)
    assert shown(9) == shown(9) != shown(9, seed=1)
    torch.manual_seed(8)
    nn.Linear(2, 2)
    expected = [torch.randperm(9).tolist() for _ in range(3)]
    torch.manual_seed(8)
    assert shown(9, reseed=None) == expected


# what stays as it is


@pytest.mark.parametrize(("frozen", "kept"), [(None, 0), ("conv1", 1), ("fc7", 3)])
def test_frozen_layers_keep_every_bit_and_the_others_learn(frozen, kept):
    net = tiny()
    before, after = weights(net), weights(train(net, frozen=frozen, epochs=2).net)
    for name in before:  # BatchNorm's averages included
        still = net.layers.index(name.partition(".")[0]) < kept
        assert torch.equal(before[name], after[name]) == still, name


def test_a_layer_that_cannot_be_frozen_is_named():
    with pytest.raises(KeyError, match="tiny cannot be frozen up to 'head'; it can up to conv1, conv2, fc7"):
        train(frozen="head")


def test_the_network_that_is_given_stays_as_it_is():
    net = tiny()
    net.stages.conv2.requires_grad_(False)
    before, learns, mark = weights(net), [p.requires_grad for p in net.stages.parameters()], net.fingerprint
    tuned = train(net, frozen="conv1").net
    assert same(weights(net), before)
    assert [p.requires_grad for p in net.stages.parameters()] == learns
    assert not any(module.training for module in net.stages.modules())
    assert net.fingerprint == mark != tuned.fingerprint
    assert net.stages.fc7.dropout.p == 0.5


def test_random_numbers_of_the_caller_do_not_matter_and_go_on_as_if_nothing_had_been(whole):
    settings.use(seed=11, quiet=True)
    before = torch.get_rng_state()
    assert same(weights(train().net), weights(whole.net))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_rate_of_dropout_is_the_recipes_or_else_the_layers_own():
    none, half = train(dropout=0.0), train(dropout=0.5)
    assert (none.net.stages.fc7.dropout.p, half.net.stages.fc7.dropout.p) == (0, 0.5)
    assert none.curve[0]["loss"] != half.curve[0]["loss"]
    assert train(tiny(dropout=0.2), dropout=0.0).curve == none.curve
    assert train(tiny(dropout=0.5), dropout=None).curve == half.curve


def test_bfloat16_computes_less_precisely_and_keeps_weights_in_float32(whole):
    low = train(bfloat16=True)
    assert low.curve[0]["loss"] == pytest.approx(whole.curve[0]["loss"], rel=0.05)
    assert low.curve[0]["loss"] != whole.curve[0]["loss"]
    assert {p.dtype for p in low.net.stages.parameters()} == {torch.float32}


# the weights that are kept


def scripted(monkeypatch, values):
    """Let validation find these values; return the list that takes the weights of every epoch."""
    states = []
    monkeypatch.setattr(fine_tuning, "score", lambda net, _: states.append(weights(net)) or np.zeros(1))
    monkeypatch.setattr(fine_tuning, "measure", lambda *_: values[len(states) - 1] / 100)
    return states


@pytest.mark.parametrize(
    ("values", "best"), [([1, 5, 3, 2], 1), ([4, 3, 2, 1], 0), ([1, 5, 2, 5], 1), ([1, 2, 3, 4], 3)]
)
def test_the_first_of_the_best_weights_are_kept(monkeypatch, values, best):
    states = scripted(monkeypatch, values)
    tuned = train()
    assert same(weights(tuned.net), states[best])
    assert [line["validation"] for line in tuned.curve] == values
    assert not any(module.training for module in tuned.net.stages.modules())
    assert same(weights(train().net), states[best])  # read from the checkpoint
    assert len(states) == 4


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 6), (4, 9)])
def test_training_stops_when_nothing_better_has_come_for_so_long(monkeypatch, patience, epochs):
    states = scripted(monkeypatch, [1, 5, 3, 6, 6, 6, 7, 6, 6])
    assert len(train(epochs=9, patience=patience).curve) == epochs
    assert len(train(epochs=9, patience=patience).curve) == len(states) == epochs


def test_without_validation_all_epochs_are_trained_and_the_last_weights_kept(monkeypatch):
    states = scripted(monkeypatch, [1, 2, 3, 4])
    expected = train(patience=1)
    alone = train(validation=None, patience=1)
    assert len(states) == len(alone.curve) == 4
    assert same(weights(alone.net), weights(expected.net))
    assert [set(line) for line in alone.curve] == [{"lr", "loss"}] * 4


# interrupted and taken up again


def test_a_finished_training_is_only_read(cache):
    first = train()
    (file,) = (cache / "training").iterdir()
    content, n = file.read_bytes(), len(calls)
    assert set(torch.load(file, weights_only=True)) == {"curve", "best"}
    again = train()
    assert len(calls) == n == 4 * BATCHES
    assert same(weights(again.net), weights(first.net))
    assert again.curve == first.curve
    assert again.net.fingerprint == first.net.fingerprint
    assert file.read_bytes() == content


# dropout, BatchNorm's averages, momentum and the best weights have all to be brought back, more than once
@pytest.mark.parametrize("stops", [[1], [4 * BATCHES], [BATCHES + 1, BATCHES + 4, 2 * BATCHES + 5]])
@pytest.mark.parametrize("validation", [VALIDATION, None], ids=["best", "last"])
@pytest.mark.parametrize("seconds", [120, 0], ids=["epochs", "batches"])
def test_resumed_training_equals_uninterrupted_training(stops, validation, seconds, monkeypatch):
    uninterrupted = train(validation=validation, dropout=0.5)
    monkeypatch.setattr(sgd, "SAVE_EVERY", seconds)
    for file in (settings.current().cache / "training").iterdir():
        file.unlink()
    calls.clear()
    at_call.update(dict.fromkeys(stops, interrupt))
    for _ in stops:
        with pytest.raises(KeyboardInterrupt):
            train(validation=validation, dropout=0.5)
        torch.rand(7)  # whatever happens in between must not matter
    tuned = train(validation=validation, dropout=0.5)
    assert tuned.curve == uninterrupted.curve
    assert same(weights(tuned.net), weights(uninterrupted.net))
    if len(stops) == 1:  # what was finished, epochs or batches, is not trained again
        finished = (stops[0] - 1) // BATCHES * BATCHES if seconds else stops[0] - 1
        assert len(calls) == stops[0] + 4 * BATCHES - finished


def test_a_damaged_checkpoint_is_named(cache):
    train(epochs=1)
    (file,) = (cache / "training").iterdir()
    file.write_bytes(file.read_bytes()[:999])
    with pytest.raises(ValueError, match=rf"{file.name} is damaged \(\w+\): delete it, and train again"):
        train(epochs=1)


# a loss that is not finite


def test_a_loss_that_is_not_finite_stops_with_the_place_and_keeps_the_epochs_before():
    at_call[3 * BATCHES + 2] = lambda: math.nan
    with pytest.raises(Diverged, match=r"loss is nan in epoch 4, batch 2 of 4: .* lr=0\.1,"):
        train()
    assert len(train().curve) == 4
    assert len(calls) == 3 * BATCHES + 2 + BATCHES


def test_a_network_that_diverges_is_noticed_in_validation_at_the_latest(monkeypatch):
    monkeypatch.setattr(fine_tuning, "score", lambda *given: score(*given) * math.nan)
    with pytest.raises(Diverged, match="validation are not finite"):
        train()


# the name of a checkpoint


def name(**changes):
    return sgd.checkpoint_file(replace(RECIPE, **changes), softmax).name


def test_another_process_finds_the_checkpoint():
    code = "from lecture_lib.chapters.fine_tuning import losses; from lecture_lib.training import sgd; "
    code += "print(sgd.checkpoint_file(sgd.Recipe(lr=0.5), losses.tune_cls, net='a').name)"
    there = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.REPOSITORY, capture_output=True, check=True
    )
    assert sgd.checkpoint_file(Recipe(lr=0.5), tune_cls, net="a").name == there.stdout.decode().strip()


def test_another_recipe_has_another_checkpoint():
    others = {bool: "the other", int: 77, float: 0.77, str: "warm cosine", type(None): 7}
    changed = [{key: others[type(value)]} for key, value in asdict(RECIPE).items()]
    assert len({name(), *(name(**change) for change in changed)}) == 1 + len(changed)


def test_another_network_or_other_pictures_have_another_checkpoint(cache):
    other = tiny()
    with torch.no_grad():
        other.stages.head.linear.bias += 1
    pairs = [(TRAIN, VALIDATION), (draw(30, 5), VALIDATION), (TRAIN, draw(21, 5)), (VALIDATION, TRAIN)]
    for net, pair in [(tiny(), pair) for pair in pairs] + [(other, pairs[0]), (tiny(), (TRAIN, None))]:
        fine_tune(net, *pair, softmax, replace(RECIPE, epochs=1), progress=False)
    assert len([*(cache / "training").iterdir()]) == 6
