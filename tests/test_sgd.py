"""Fine-tuning goes on where it stopped, keeps its best weights and leaves everything else as it was."""

import copy
import errno
import math
import os
import random
import subprocess
import sys
import time
from collections import OrderedDict
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lecture_lib import settings, store
from lecture_lib.backbones import Backbone, normalise
from lecture_lib.chapters.fine_tuning.losses import softmax, tune_cls, tune_rnk
from lecture_lib.training import Diverged, Pictures, Recipe, fine_tune
from lecture_lib.training import sgd as training

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
    return Pictures(list(x), torch.from_numpy(labels), f"drawn {n} {seed}")


TRAIN, VALIDATION = draw(30, 1), draw(21, 2)
at_call = {}  # number of a call of `watched` -> what happens in it
calls = []


def watched(scores, labels):
    """Softmax that does as `at_call` says; its code, and so the checkpoint's name, stays the same."""
    calls.append(len(labels))
    return softmax(scores, labels) * at_call.get(len(calls), lambda: 1)()


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


def train(net=None, loss=watched, **changes):
    return fine_tune(net or tiny(), TRAIN, VALIDATION, loss, replace(RECIPE, **changes), progress=False)


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
    assert all(math.isfinite(value) for line in tuned.curve for value in line.values())


def test_labels_of_several_classes_are_measured_by_map():
    labels = nn.functional.one_hot(TRAIN.labels, CLASSES).to(torch.int8)
    labels[::4] = torch.where(labels[::4] == 1, 1, -1)
    pictures = Pictures(TRAIN.images, labels, "several")
    tuned = fine_tune(tiny(), pictures, pictures, tune_rnk, RECIPE, progress=False)
    from lecture_lib.metrics import mean_average_precision
    from lecture_lib.training import score

    best = max(line["validation"] for line in tuned.curve)
    assert best == pytest.approx(100 * mean_average_precision(score(tuned.net, pictures), labels.numpy()))


def test_one_step_is_the_one_worked_out_by_hand():
    # pictures of one colour are the same wherever they are cut, and batch 1 of 2 has half the learning rate
    colours = torch.arange(0, 240, 20, dtype=torch.uint8).view(12, 1, 1, 1).expand(12, 3, 18, 18)
    pictures = Pictures(list(colours), torch.arange(12) % CLASSES, "colours")
    net = tiny(dropout=0)
    recipe = Recipe(epochs=2, batch=12, lr=0.2, ratio=0.25, frozen="conv1", weight_decay=0.1)
    tuned = fine_tune(net, pictures, pictures, softmax, recipe, progress=False).net
    by_hand = copy.deepcopy(net.stages).train()
    by_hand.conv1.eval()
    softmax(by_hand(normalise(net, colours[..., :SIDE, :SIDE])), pictures.labels).backward()
    lr = {"conv1": 0, "conv2": 0.2 * 0.25 / 2, "fc7": 0.2 * 0.25 / 2, "head": 0.2 / 2}
    after = dict(tuned.stages.named_parameters())
    for name, w in by_hand.named_parameters():
        expected = w.detach() - lr[name.partition(".")[0]] * (w.grad + 0.1 * w.detach())
        torch.testing.assert_close(
            after[name], expected, rtol=1e-4, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_the_learning_rate_falls_along_a_half_cosine(whole):
    expected = [0.05 * (1 + math.cos(math.pi * done / 4)) for done in (1, 2, 3, 4)]
    assert [line["lr"] for line in whole.curve] == pytest.approx(expected)


def test_every_epoch_sees_each_picture_once_in_batches_of_one_size_and_an_order_of_its_own(monkeypatch):
    seen, cut = [], training.random_crops

    def spy(net, pictures, batch):
        seen.append(batch.tolist())
        return cut(net, pictures, batch)

    monkeypatch.setattr(training, "random_crops", spy)
    train(batch=28, epochs=3)
    assert [len(batch) for batch in seen] == [15] * 6
    epochs = [seen[i] + seen[i + 1] for i in range(0, 6, 2)]
    assert all(sorted(order) == list(range(30)) for order in epochs)
    assert len({tuple(order) for order in epochs}) == 3


def test_crops_and_orders_differ_between_seeds(whole):
    assert train().curve == whole.curve
    assert train(seed=4).curve[0]["loss"] != whole.curve[0]["loss"]


# what stays as it is


@pytest.mark.parametrize(("frozen", "kept"), [(None, 0), ("conv1", 1), ("conv2", 2), ("fc7", 3)])
def test_frozen_layers_keep_every_bit_and_the_others_learn(frozen, kept):
    net = tiny()
    before, after = weights(net), weights(train(net, frozen=frozen, epochs=2).net)
    for name in before:  # BatchNorm's averages included
        still = net.taps.index(name.partition(".")[0]) < kept
        assert torch.equal(before[name], after[name]) == still, name


@pytest.mark.parametrize("frozen", ["fc8", "head", "conv", ""])
def test_a_tap_that_cannot_be_frozen_is_named(frozen):
    with pytest.raises(
        KeyError, match=f"tiny cannot be frozen up to '{frozen}'; it can up to conv1, conv2, fc7"
    ):
        train(frozen=frozen)
    assert not calls


def test_the_network_that_is_given_stays_as_it_is():
    net = tiny()
    net.stages.conv2.requires_grad_(False)
    before, learns, mark = weights(net), [p.requires_grad for p in net.stages.parameters()], net.fingerprint
    tuned = train(net, frozen="conv1").net
    assert same(weights(net), before)
    assert [p.requires_grad for p in net.stages.parameters()] == learns
    assert not any(module.training for module in net.stages.modules())
    assert net.fingerprint == mark != tuned.fingerprint
    assert all(p.grad is None for p in net.stages.parameters())
    assert net.stages.fc7.dropout.p == 0.5


def test_the_random_numbers_of_the_caller_go_on_as_if_nothing_had_been():
    settings.use(seed=11, quiet=True)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    train(dropout=0.5)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert np.random.get_state()[1].tolist() == before[2]  # noqa: NPY002


def test_random_numbers_of_the_caller_do_not_matter(whole):
    torch.rand(5)
    assert same(weights(train().net), weights(whole.net))


def test_the_rate_of_dropout_is_the_recipes():
    none, half = train(dropout=0.0), train(dropout=0.5)
    assert none.net.stages.fc7.dropout.p == 0
    assert half.net.stages.fc7.dropout.p == 0.5
    assert none.curve[0]["loss"] != half.curve[0]["loss"]
    assert train(tiny(dropout=0.2), dropout=0.0).curve == none.curve


def test_bfloat16_computes_less_precisely_and_keeps_weights_in_float32(whole):
    low = train(bfloat16=True)
    assert low.curve[0]["loss"] == pytest.approx(whole.curve[0]["loss"], rel=0.05)
    assert low.curve[0]["loss"] != whole.curve[0]["loss"]
    assert {p.dtype for p in low.net.stages.parameters()} == {torch.float32}


# the best weights


def scripted(monkeypatch, values):
    """Let validation find these values; return the list that takes the weights of every epoch."""
    states = []

    def validate(net, pictures):
        states.append(weights(net))
        return values[len(states) - 1]

    monkeypatch.setattr(training, "validate", validate)
    return states


@pytest.mark.parametrize(
    ("values", "best"), [([1, 5, 3, 2], 1), ([4, 3, 2, 1], 0), ([1, 5, 2, 5], 1), ([1, 2, 3, 4], 3)]
)
def test_the_first_of_the_best_weights_are_kept(monkeypatch, values, best):
    states = scripted(monkeypatch, values)
    tuned = train()
    assert same(weights(tuned.net), states[best])
    assert [line["validation"] for line in tuned.curve] == values
    assert same(weights(train().net), states[best])
    assert len(states) == 4


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 6), (3, 9), (4, 9)])
def test_training_stops_when_nothing_better_has_come_for_so_long(monkeypatch, patience, epochs):
    states = scripted(monkeypatch, [1, 5, 3, 6, 6, 6, 7, 6, 6])
    assert len(train(epochs=9, patience=patience).curve) == epochs
    assert len(train(epochs=9, patience=patience).curve) == len(states) == epochs


def test_a_network_with_the_best_weights_is_ready_for_use(whole):
    assert not any(module.training for module in whole.net.stages.modules())
    assert whole.net.weights == "none, fine-tuned"


# interrupted and taken up again


def test_a_finished_training_is_only_read(cache, monkeypatch):
    first = train()
    (file,) = (cache / "finetuning").iterdir()
    content, n = file.read_bytes(), len(calls)
    assert set(torch.load(file, weights_only=True)) == {"curve", "best"}
    monkeypatch.setattr(training, "save", interrupt)
    again = train()
    assert len(calls) == n == 4 * BATCHES
    assert same(weights(again.net), weights(first.net))
    assert again.curve == first.curve
    assert again.net.fingerprint == first.net.fingerprint
    assert not any(module.training for module in again.net.stages.modules())
    assert file.read_bytes() == content


@pytest.mark.parametrize("stop", [1, BATCHES, BATCHES + 2, 3 * BATCHES, 4 * BATCHES])
def test_resumed_training_equals_uninterrupted_training(whole, stop):
    at_call[stop] = interrupt
    with pytest.raises(KeyboardInterrupt):
        train()
    torch.rand(7)  # whatever happens in between must not matter
    tuned = train()
    done = (stop - 1) // BATCHES * BATCHES  # epochs that were finished are not trained again
    assert len(calls) == stop + 4 * BATCHES - done
    assert tuned.curve == whole.curve
    assert same(weights(tuned.net), weights(whole.net))


def test_it_does_not_matter_how_often_a_training_is_interrupted(whole):
    # dropout, BatchNorm's averages, momentum and the best weights have all to be brought back
    at_call.update({BATCHES + 1: interrupt, BATCHES + 4: interrupt, 2 * BATCHES + 5: interrupt})
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            train()
    assert same(weights(train().net), weights(whole.net))


def test_resumed_training_has_the_same_best_weights(monkeypatch):
    states = scripted(monkeypatch, [1, 5, 3, 2])
    at_call[3 * BATCHES + 2] = interrupt
    with pytest.raises(KeyboardInterrupt):
        train()
    assert same(weights(train().net), states[1])


def test_a_killed_process_is_taken_up_by_another(tmp_path, whole):
    mark, result = tmp_path / "in the middle of an epoch", tmp_path / "result.pt"
    command = [sys.executable, __file__, tmp_path / "cache", result]
    child = subprocess.Popen([*command, mark], cwd=settings.REPOSITORY)
    try:
        wait_until = time.monotonic() + 300
        while not mark.exists() and child.poll() is None and time.monotonic() < wait_until:
            time.sleep(0.02)
        assert mark.exists(), "the child did not come to its third epoch"
    finally:
        child.kill()
        child.wait()
    assert not result.exists()
    (file,) = (tmp_path / "cache" / "finetuning").iterdir()
    assert len(torch.load(file, weights_only=True)["curve"]) == 2
    subprocess.run(command, cwd=settings.REPOSITORY, check=True)
    found = torch.load(result, weights_only=True)
    assert found["calls"] == 2 * BATCHES
    assert found["curve"] == whole.curve
    assert same(found["weights"], weights(whole.net))


def child(cache, result, mark=None):
    """Train as `whole` does; with a mark: make it in the middle of the third epoch, and wait to be killed."""

    def wait():
        Path(mark).touch()
        time.sleep(600)

    settings.use(cache=cache, device="cpu", quiet=True)
    if mark:
        at_call[2 * BATCHES + 2] = wait
    tuned = train()
    torch.save({"calls": len(calls), "curve": tuned.curve, "weights": weights(tuned.net)}, result)


@pytest.mark.parametrize(
    "damage",
    [lambda c: b"", lambda c: b"not a checkpoint", lambda c: c[: len(c) // 2], lambda c: c[:-20]],
    ids=["empty", "foreign", "half", "end missing"],
)
def test_a_damaged_checkpoint_is_named(cache, damage):
    train(epochs=1)
    (file,) = (cache / "finetuning").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ValueError, match=rf"{file.name} is damaged \(\w+\): delete it, and train again"):
        train(epochs=1)
    file.unlink()
    train(epochs=1)


# a loss that is not finite


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_the_place_and_the_best_weights_before(monkeypatch, value):
    states = scripted(monkeypatch, [1, 5, 3, 2])
    at_call[3 * BATCHES + 2] = lambda: value
    with pytest.raises(Diverged, match=rf"loss is {value} in epoch 4, batch 2 of 4: .* lr=0\.1\.") as caught:
        train()
    good = caught.value.last_good
    assert [line["validation"] for line in good.curve] == [1, 5, 3]
    assert same(weights(good.net), states[1])
    assert not any(module.training for module in good.net.stages.modules())
    assert isinstance(caught.value, FloatingPointError)
    assert len(train().curve) == 4  # the epochs before were kept
    assert len(calls) == 3 * BATCHES + 2 + BATCHES


def test_nothing_good_is_claimed_in_the_first_epoch(cache):
    at_call[2] = lambda: math.nan
    with pytest.raises(Diverged, match="epoch 1, batch 2 of 4") as caught:
        train()
    assert caught.value.last_good is None
    assert not (cache / "finetuning").exists()


def test_a_network_that_diverges_is_noticed_in_validation_at_the_latest(monkeypatch):
    states, score = [], training.score

    def broken(net, pictures):
        states.append(weights(net))
        return score(net, pictures) * (math.nan if len(states) == 3 else 1)

    monkeypatch.setattr(training, "score", broken)
    with pytest.raises(Diverged, match="validation are not finite") as caught:
        train()
    found = [line["validation"] for line in caught.value.last_good.curve]
    assert len(found) == 2
    assert same(weights(caught.value.last_good.net), states[found.index(max(found))])


def test_a_learning_rate_far_too_high_is_noticed():
    with pytest.raises(Diverged, match="take a lower learning rate"):
        train(loss=tune_rnk, lr=1e30, ratio=1)


# the name of a checkpoint


def named(source, **names):
    """A loss of this source code."""
    exec(source, names)
    return names["loss"]


def name(loss=softmax, net=None, train=TRAIN, validation=VALIDATION, **changes):
    return training.checkpoint(net or tiny(), train, validation, loss, replace(RECIPE, **changes)).name


LOSSES = """
def loss(s, y): return softmax(s, y)
def loss(s, y): return 2 * softmax(s, y)
def loss(s, y): return 3 * softmax(s, y)
def loss(s, y): return softmax(s, -y)
def loss(s, y): return tune_cls(s, y)
def loss(y, s): return softmax(s, y)
def loss(s, y, a=2): return a * softmax(s, y)
def loss(s, y, a=3): return a * softmax(s, y)
def loss(s, y, *, a=2): return a * softmax(s, y)
def loss(s, y, *, a=3): return a * softmax(s, y)
def loss(s, y): return (lambda x: 2 * x)(softmax(s, y))
def loss(s, y): return (lambda x: 3 * x)(softmax(s, y))
def loss(s, y): return (lambda x: x.exp())(softmax(s, y))
def loss(s, y): return (lambda x: x.log())(softmax(s, y))
""".strip().splitlines()


def scaled(factor):
    def loss(scores, labels):
        return factor * softmax(scores, labels)

    return loss


def test_another_loss_has_another_checkpoint():
    found = [name(named(source)) for source in LOSSES]
    found += [name(scaled(2)), name(scaled(3)), name(softmax), name(tune_cls), name(tune_rnk)]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("source", LOSSES)
def test_the_same_loss_has_the_same_checkpoint(source):
    assert name(named(source)) == name(named("\n\n" + source))
    assert name(scaled(2)) == name(scaled(2))


def test_another_network_or_other_pictures_or_another_recipe_have_another_checkpoint():
    other = tiny()
    with torch.no_grad():
        other.stages.head.linear.bias += 1
    found = [name(), name(net=other), name(train=draw(30, 5)), name(validation=draw(21, 5))]
    found.append(name(train=VALIDATION, validation=TRAIN))
    changed = {
        "epochs": 5, "batch": 9, "lr": 0.2, "ratio": 0.6, "frozen": "conv1", "dropout": 0.1, "patience": 9,
        "weight_decay": 0.0, "seed": 4, "bfloat16": True,
    }  # fmt: skip
    assert changed.keys() == asdict(RECIPE).keys()
    found += [name(**{field: value}) for field, value in changed.items()]
    assert len(set(found)) == len(found)
    assert name() == name()


# a cache that takes nothing


def test_a_folder_that_cannot_be_written_is_named(cache):
    cache.mkdir()
    (cache / "finetuning").write_text("a file where the folder should be")
    with pytest.raises(store.StoreError, match=r"finetuning cannot be written .*LECTURE_CACHE"):
        train()


def test_a_full_disk_keeps_the_epochs_before(whole, monkeypatch):
    normal, written = os.replace, []

    def full(*arguments):
        written.append(arguments)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return normal(*arguments)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(store.StoreError, match=r"disk is full.*finetuning"):
        train()
    assert len(calls) == 3 * BATCHES
    assert same(weights(train().net), weights(whole.net))
    assert len(calls) == 5 * BATCHES


if __name__ == "__main__":
    child(*sys.argv[1:])
