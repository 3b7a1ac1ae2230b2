"""The recorded run of fine-tuning: end to end on small collections in both profiles, and its pieces."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from lecture_lib import backbones, datasets, results, settings
from lecture_lib.backbones import standardise
from lecture_lib.chapters.fine_tuning import narrow_fc7, record, statements, tasks
from lecture_lib.chapters.fine_tuning.losses import tune_cls
from lecture_lib.chapters.fine_tuning.statements import (
    CLS,
    FROZEN,
    OF_CALTECH,
    ON_PHI,
    RNK,
    SCRATCH,
    SOFTMAX,
    TESTED,
    Record,
    claims_of_accuracy,
)
from lecture_lib.chapters.fine_tuning.tasks import Task, from_scratch
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.encoders.augment import TEN_CROPS, cut
from lecture_lib.metrics import average_precision
from lecture_lib.results.claims import DID_NOT_HOLD, HELD
from lecture_lib.training import Recipe, Tuned, prepare, sgd, to_scores, with_head


@pytest.fixture(autouse=True)
def short(monkeypatch, tmp_path):
    """Folders of its own, and trainings of one epoch."""
    monkeypatch.setattr(settings, "_chosen", {"cache": tmp_path / "cache", "backbone": "twin-alexnet"})
    monkeypatch.setattr(settings, "_settings", None)
    monkeypatch.setattr(settings, "PACKAGE_DATA", tmp_path / "data")

    for name in ("METHODS", "CALTECH"):
        methods = getattr(record, name).items()
        short = {name: (loss, replace(recipe, epochs=1, batch=8)) for name, (loss, recipe) in methods}
        monkeypatch.setattr(record, name, short)
    changed = {"TRIED": (0.001, 0.1), "FEWER": 10, "FREEZE": (None, "conv4", "fc7"), "PER_CLASS": 1}
    changed["FROM_SCRATCH"] = {"twin": 1, "real": 1}
    for name, value in changed.items():
        monkeypatch.setattr(record, name, value)
    monkeypatch.setattr(narrow_fc7, "RECIPE", replace(narrow_fc7.RECIPE, epochs=1))
    # what is timed differs from run to run on a busy machine, and with it the checkpoint's name
    monkeypatch.setattr(record, "bfloat16_is_faster", lambda device: False)
    for name in ("ap_rows", "ap_claims"):
        monkeypatch.setattr(statements, name, partial(getattr(statements, name), n_boot=50))


@pytest.fixture(scope="module")
def net():
    return backbones.load("twin-alexnet")


def halves(images, seed=0):
    return np.arange(18), np.arange(18, 36)


def squares(name, source):
    """64 x 64 pictures of bright squares, one class a colour: 18 of 36 to train. No test picture has the last class."""
    rng = np.random.default_rng(0)
    labels = (rng.random((36, 4)) < 0.4).astype(np.int8)
    labels[:2, :3] = labels[18:20, :3] = np.array([[1, 1, 1], [0, 0, 0]])
    labels[18:, 3] = 0
    labels[5, 2] = -1
    pixels = rng.integers(0, 60, (36, 3, 64, 64), dtype=np.uint8)
    for i, label in enumerate(labels):
        for c in np.flatnonzero(label[:3] == 1):
            y, x = rng.integers(0, 40, 2)
            pixels[i, c, y : y + 24, x : x + 24] = 250
    parts = {"train": np.arange(9), "val": np.arange(9, 18)}
    about = {"splits": parts, "protocol": halves}
    return ImageCollection(name, source, ArrayImages(pixels), tuple("rgbx"), labels, **about)


def one_class_a_picture(name, n_classes, source="twin"):
    """Ten pictures a class, split anew by every seed, eight to train."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 250, (10 * n_classes, 3, 64, 64), dtype=np.uint8)
    labels = np.arange(10 * n_classes) % n_classes

    def protocol(images, seed):
        last = np.random.default_rng(seed).permutation(10)[:2]
        test = np.isin(np.arange(len(labels)) // n_classes, last)
        return np.flatnonzero(~test), np.flatnonzero(test)

    classes = tuple(f"class {c}" for c in range(n_classes))
    return ImageCollection(name, source, ArrayImages(pixels), classes, labels, protocol=protocol)


@pytest.fixture
def load(monkeypatch):
    """Small collections in the place of the twins and of the photographs."""

    source = {"demo": "twin", "real": "real"}
    small = {
        "voc2007": lambda pictures=None: squares("voc2007", source[settings.current().profile]),
        "caltech101": lambda: one_class_a_picture("caltech101", 3),
        "ilsvrc2012": lambda split, per_class=None: one_class_a_picture("ilsvrc2012", 2),
    }
    monkeypatch.setattr(datasets, "load", lambda name, **how: small[name](**how))


def read(profile):
    record.main()
    return results.read("fine_tuning", profile)


# the run


def test_the_twins_run_from_end_to_end_and_finished_trainings_are_not_done_again(load, monkeypatch):
    epochs, train_epoch = [], sgd._train_epoch
    monkeypatch.setattr(sgd, "_train_epoch", lambda *given: epochs.append(1) or train_epoch(*given))
    settings.use("demo", quiet=True)
    rows, n = read("demo"), len(epochs)
    assert set(rows.experiment) == {"recipe", "table", "epochs", "training pictures", "narrow fc7"}
    table = rows.query("experiment == 'table' and metric in ['mAP', 'mean class accuracy']")
    found = table.groupby("dataset").method.agg(sorted)
    assert found.voc2007 == sorted((FROZEN, CLS, CLS + ON_PHI, RNK, RNK + ON_PHI, SCRATCH))
    assert found.caltech101 == sorted((FROZEN, SOFTMAX))
    ap = rows.query(f"metric == 'AP' and method == '{CLS}'").value
    assert len(ap) == 3  # a class without a test picture counts nothing
    assert ap.mean() == pytest.approx(table.query(f"dataset == 'voc2007' and method == '{CLS}'").value.item())
    tried = rows.query(
        f"experiment == 'recipe' and method == '{CLS}' and metric.str.startswith('validation mAP')"
    )
    assert list(zip(tried.frozen, tried.ratio, strict=True)) == [
        ("none", 0.001), ("none", 0.1), ("conv4", 0.001), ("conv4", 0.1), ("fc7", 0),
    ]  # fmt: skip
    widths = rows.query("experiment == 'narrow fc7'").groupby("width").size()
    assert widths.to_dict() == dict.fromkeys(record.WIDTHS, 3)
    claims = results.claims_of("fine_tuning", "demo")
    assert len({claim.id for claim in claims}) == len(TESTED) + len(OF_CALTECH)
    assert {claim.over for claim in claims} == {"pictures"}
    again = read("demo")
    assert len(epochs) == n + len(record.WIDTHS)
    assert again.equals(rows)


def test_photographs_run_through_the_same_functions_and_each_row_learns_from_all(load, monkeypatch):
    batches, train = [], sgd.train

    def spy(*given, **how):
        batches.append((given[1], how["validate"]))
        return train(*given, **how)

    monkeypatch.setattr(sgd, "train", spy)
    settings.use("real", quiet=True)
    rows = read("real")
    # two ratios of two losses, then each once, and from scratch
    assert [(n, validate is None) for n, validate in batches] == [(9, False)] * 4 + [(18, True)] * 3
    assert set(rows.experiment) == {"recipe", "table", "epochs"}
    about = rows[rows.metric == "mAP"][["n", "n_test", "n_classes"]]
    assert about.drop_duplicates().to_numpy().tolist() == [[18, 18, 3]]
    table = rows.query("metric == 'mAP'").groupby("method").size()
    assert table.to_dict() == dict.fromkeys((FROZEN, CLS, CLS + ON_PHI, RNK, RNK + ON_PHI, SCRATCH), 1)
    bounds = rows.groupby(["metric", "method"]).value.first()
    assert (bounds["mAP low"] <= bounds["mAP high"]).all()
    claims = results.claims_of("fine_tuning", "real")
    assert {claim.over for claim in claims} == {"pictures"}
    assert [claim.n for claim in claims] == [18] * 6


@pytest.mark.real
def test_a_few_photographs_of_voc_run_from_end_to_end(monkeypatch):
    settings.use("real", quiet=True)
    images = datasets.load("voc2007")
    rows = np.argsort(-(images.labels == 1).sum(1), kind="stable")[:24]  # those that show most
    parts = {"train": np.arange(6), "val": np.arange(6, 12)}
    few = replace(images[rows], splits=parts, protocol=lambda *_: (np.arange(12), np.arange(12, 24)))
    monkeypatch.setattr(datasets, "load", lambda name: few)
    found = read("real").query("experiment == 'table' and metric == 'mAP'")
    assert len(found) == 6
    assert found.value.between(0, 100).all()


def test_without_photographs_nothing_is_written(tmp_path):
    settings.use("real", data=tmp_path / "nothing", quiet=True)
    with pytest.raises(SystemExit, match="voc2007"):
        record.main()
    assert not (tmp_path / "data").exists()


def test_the_ratio_is_that_of_the_best_last_epoch_and_no_test_picture_chooses(task, net, monkeypatch):
    last = {(None, 0.001): 30, (None, 0.1): 60, ("conv4", 0.001): 90, ("conv4", 0.1): 10}

    def learn(part, net, loss, recipe, validation):
        assert (part.train.tolist(), validation.tolist()) == (list(range(9)), list(range(9, 18)))
        curve = [{"validation": 99 - recipe.ratio}, {"validation": last[recipe.frozen, recipe.ratio]}]
        return Tuned(net, curve)

    monkeypatch.setattr(Task, "learn", learn)
    found, part = Record(), replace(task, train=np.arange(9), test=np.arange(9, 18))
    assert record.search(found, part, net, CLS, 0, (None, "conv4")).ratio == 0.1
    assert [row["value"] for row in found.rows if "epoch" not in row] == [*last.values()]


# tasks


@pytest.fixture
def task(net):
    images = squares("voc2007", "twin")
    return Task(images, prepare(net, images), *images.split_indices())


def test_no_test_label_changes_a_score(task, net):
    other = task.images.labels.copy()
    other[18:, :3] = 1 - other[18:, :3]
    images = replace(task.images, labels=other)
    changed = replace(task, images=images, pictures=prepare(net, images))
    scores = []
    for of in (task, changed):
        tuned = of.learn(net, tune_cls, Recipe(epochs=2, batch=8, lr=0.1, ratio=0.01)).net
        scores.append((of.svm_scores(*of.both_parts(net)), to_scores(tuned, of.phi(tuned, of.test))))
    for one, two in zip(*scores, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_training_sees_the_rows_it_is_given_and_no_others(task, net, monkeypatch):
    seen = []
    monkeypatch.setattr(tasks, "fine_tune", lambda *given, **_: seen.append(given[1:3]))
    task.learn(net, tune_cls, Recipe())
    task.learn(net, tune_cls, Recipe(), task.train[3:9], task.train[9:])
    shown = {image.numpy().tobytes(): i for i, image in enumerate(task.pictures.images)}
    found = [[of and [shown[image.numpy().tobytes()] for image in of.images] for of in pair] for pair in seen]
    assert found == [[list(range(18)), None], [list(range(3, 9)), list(range(9, 18))]]


def test_svms_see_ten_crops_summed_to_length_one(task, net):
    train, test = task.both_parts(net)
    assert train.shape == (18, 10, 768)
    head = with_head(net, task.images.classes)
    crops = torch.stack([cut(task.pictures.images[0], view) for view in TEN_CROPS])
    with torch.inference_mode():
        fc7 = head.stages[:-1](standardise(head, crops))
    np.testing.assert_allclose(train[0], torch.nn.functional.normalize(fc7), atol=1e-5)
    np.testing.assert_allclose(task.svm_scores(3 * train, test), task.svm_scores(train, 5 * test), atol=5e-3)


def test_only_the_twin_starts_with_batchnorm_and_seeds_differ(net):
    settings.use("demo", quiet=True)
    one, two = (from_scratch(net, seed).stages.conv1 for seed in (0, 1))
    assert "bn" in dict(one.named_children())
    assert not torch.equal(one.conv.weight, two.conv.weight)
    other = from_scratch(replace(net, name="squeezenet1_1"), 3)
    assert other.weights == "random seed 3"


# claims


TRUTH = np.repeat(np.array([[1], [1], [0], [0], [0], [0]], np.int8), 20, axis=0)
PERFECT = np.repeat(np.arange(6, 0, -1.0)[:, None], 20, axis=0)


def judged(tested, **changed):
    """Claims on scores of one class in 120 pictures, perfect ones where not changed."""
    nothing = ArrayImages(np.zeros((240, 3, 1, 1), np.uint8))
    images = ImageCollection("few", "real", nothing, ("cat",), np.tile(TRUTH, (2, 1)))
    task = Task(images, None, np.arange(120), np.arange(120, 240))
    rows = {row for _, _, *pair, _ in tested for row in pair}
    claims = Record().over_pictures(task, dict.fromkeys(rows, PERFECT) | changed, tested, 0)
    return {claim.id.removeprefix("tune/few/"): claim for claim in claims}


@pytest.mark.parametrize(("id", "more", "less"), [(id, more, less) for id, _, more, less, _ in TESTED])
def test_each_statement_compares_what_it_names(id, more, less):
    claims = judged(TESTED, **{less: -PERFECT})
    assert all(claims[other].verdict == HELD for other, _, _, worse, _ in TESTED if worse == less)
    assert {claim.effect for other, claim in claims.items() if claims[other].effect > 0} == {
        claims[id].effect
    }
    claim = judged(TESTED, **{more: -PERFECT})[id]
    # by hand: a third of the pictures are positive; all at the end, precision is at most 1 / 3 at every recall
    assert (claim.verdict, claim.effect) == (DID_NOT_HOLD, pytest.approx(-100 * 2 / 3))


def test_a_statement_without_its_rows_is_left_out():
    assert [*judged([TESTED[0]], **{"else": PERFECT})] == ["cls"]
    assert len(judged(TESTED[:6])) == 6


def test_accuracy_is_compared_picture_by_picture():
    images = one_class_a_picture("few", 3)
    task = Task(images, None, np.arange(0), np.arange(30))
    right = np.eye(3)[images.labels]
    half = np.where(np.arange(30)[:, None] < 15, right, -right)
    scores = dict.fromkeys({row for _, _, *pair, _ in OF_CALTECH for row in pair}, right) | {FROZEN: half}
    claims = {claim.id.rpartition("/")[2]: claim for claim in claims_of_accuracy(task, scores, 0)}
    assert (claims["softmax"].verdict, claims["softmax"].effect, claims["softmax"].n) == (HELD, 50, 30)
    assert claims["quarter"].verdict == HELD


def test_the_measure_is_over_classes_that_count(task):
    scores = np.random.default_rng(0).normal(size=(18, 4))
    expected = 100 * average_precision(scores[:, :3], task.images.labels[18:, :3])
    np.testing.assert_allclose(task.by_class(scores), expected)
    assert task.classes == ["r", "g", "b"]
    perfect = task.images.labels[18:].astype(float)
    assert task.auc(perfect).tolist() == [100, 100, 100]
