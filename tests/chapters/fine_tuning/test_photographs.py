"""Fine-tuning on photographs: the experiment's pieces on small pictures, and the numbers that were recorded."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from lecture_lib import backbones, settings
from lecture_lib.backbones import normalise
from lecture_lib.chapters.fine_tuning import photographs
from lecture_lib.chapters.fine_tuning.losses import tune_cls, tune_rnk
from lecture_lib.datasets import DatasetNotFound
from lecture_lib.datasets.collection import ArrayImages, ImageCollection
from lecture_lib.datasets.protocols import official_split
from lecture_lib.encoders.augment import TEN_CROPS, cut
from lecture_lib.linear import choose, svm
from lecture_lib.metrics import average_precision
from lecture_lib.results import average
from lecture_lib.results.claims import DID_NOT_HOLD, HELD, TOO_CLOSE
from lecture_lib.results.intervals import bootstrap
from lecture_lib.training import Recipe, Tuned, prepare, with_head

RECORDED = settings.PACKAGE_DATA / "results" / f"{photographs.NAME}.real.json"
FROZEN, SCRATCH, ON_PHI = photographs.FROZEN, photographs.SCRATCH, photographs.ON_PHI
TUNED = ["TUNE-CLS", "TUNE-RNK", "softmax", SCRATCH]
ROWS = [FROZEN, *(row + of for row in TUNED for of in ("", ON_PHI))]


@pytest.fixture(autouse=True)
def demo(monkeypatch, tmp_path):
    """The demo profile with a cache of its own, and one short recipe for all."""
    monkeypatch.setattr(settings, "_chosen", {"profile": "demo", "cache": tmp_path / "cache"})
    monkeypatch.setattr(settings, "_settings", None)
    recipe = Recipe(epochs=1, batch=8, lr=0.1, ratio=0.01)
    short = {row: (loss, recipe) for row, (loss, _) in photographs.RECIPES.items()}
    monkeypatch.setattr(photographs, "RECIPES", short)


@pytest.fixture(scope="module")
def net():
    return backbones.load("twin-alexnet")


def protocol(images, seed, *, train="trainval", test="test"):
    return official_split(images, seed, train=train, test=test)


@pytest.fixture(scope="module")
def squares():
    """64 x 64 pictures of bright squares, one class a colour: 15 of 30 to train. No test picture has the last class."""
    rng = np.random.default_rng(0)
    labels = (rng.random((30, 4)) < 0.4).astype(np.int8)
    labels[15:, 3] = 0
    labels[5, 2] = -1
    pixels = rng.integers(0, 60, (30, 3, 64, 64), dtype=np.uint8)
    for i, label in enumerate(labels):
        for c in np.flatnonzero(label[:3] == 1):
            y, x = rng.integers(0, 40, 2)
            pixels[i, c, y : y + 24, x : x + 24] = 250
    splits = {"train": np.arange(15), "val": np.arange(15, 30), "trainval": np.arange(30)}
    return ImageCollection(
        "squares", "twin", ArrayImages(pixels), tuple("rgbx"), labels, splits=splits, protocol=protocol
    )


def weights(net):
    return torch.cat([p.detach().ravel() for p in net.stages[:-1].parameters()])


# training


def test_training_shows_every_picture_once_an_epoch_and_keeps_the_last_weights(net, squares):
    pictures, seen = prepare(net, squares), []

    def counted(scores, labels):
        seen.append(len(labels))
        return tune_cls(scores, labels)

    head = with_head(net, squares.classes)
    before = weights(head)
    recipe = Recipe(epochs=3, batch=16, lr=0.1, ratio=0.01)
    tuned = photographs.train(head, pictures, counted, recipe)
    assert seen == [15, 15] * 3
    assert torch.equal(weights(head), before)  # a copy was trained
    assert not any(module.training for module in tuned.stages.modules())
    shorter = photographs.train(head, pictures, tune_cls, replace(recipe, epochs=1))
    assert not torch.allclose(weights(shorter), weights(tuned))
    other = photographs.train(head, pictures, tune_cls, replace(recipe, epochs=1, seed=1))
    assert not torch.allclose(weights(other), weights(shorter))


def test_the_recipe_sets_dropout(net, squares):
    head, pictures = with_head(net, squares.classes), prepare(net, squares)
    head.stages.head = torch.nn.Sequential(torch.nn.Dropout(0.0), *head.stages.head)
    recipe = Recipe(epochs=1, batch=8, lr=0.1, ratio=0.01)
    none, half, again = (
        weights(photographs.train(head, pictures, tune_cls, replace(recipe, dropout=rate)))
        for rate in (0.0, 0.5, 0.5)
    )
    assert torch.equal(half, again)
    assert not torch.allclose(none, half)


# testing


def test_both_scores_see_ten_crops_and_svms_learn_from_training_pictures(net, squares):
    head = with_head(net, squares.classes)
    pictures = prepare(net, squares)
    parts = pictures.take(np.arange(15)), pictures.take(np.arange(15, 30))
    of_head, of_svm = photographs.evaluate(head, *parts)
    crops = torch.stack([cut(image, view) for image in pictures.images for view in TEN_CROPS])
    with torch.inference_mode():
        fc7 = head.stages[:-1](normalise(head, crops))
        expected = head.stages[-1](fc7).unflatten(0, (30, 10)).mean(1)
    np.testing.assert_allclose(of_head, expected[15:], atol=1e-4)
    x = torch.nn.functional.normalize(fc7).unflatten(0, (30, 10)).sum(1).numpy()
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    probe = choose(svm, x[:15], squares.labels[:15], (0.1, 1.0, 10.0)).probe
    np.testing.assert_allclose(of_svm, probe.scores(x[15:]), atol=5e-3)


def test_a_network_whose_phi_is_zero_still_has_scores(net, squares):
    dead = with_head(net, squares.classes)
    with torch.no_grad():
        for p in dead.stages[:-1].parameters():
            p.zero_()
    pictures = prepare(net, squares)
    for found in photographs.evaluate(dead, pictures.take(np.arange(15)), pictures.take(np.arange(15, 30))):
        assert np.isfinite(found).all()
        assert np.ptp(found, axis=0).max() == 0


@pytest.fixture
def captured(monkeypatch):
    """What `compare` hands to `summarise`."""
    caught = []
    monkeypatch.setattr(photographs, "summarise", lambda *given: caught.append(given) or ([], []))
    return caught


def test_no_test_label_changes_a_score(net, squares, captured):
    others = squares.labels.copy()
    others[15:, :3] = 1 - others[15:, :3]
    for labels in (squares.labels, others):
        photographs.compare(net, replace(squares, labels=labels), 0, seeds=[0])
    (one, truth, *_), (two, other_truth, *_) = captured
    assert [*one] == ROWS
    for row in ROWS:
        np.testing.assert_array_equal(one[row], two[row])
    assert (truth != other_truth).all()


def test_each_row_is_trained_on_training_pictures_from_its_own_start(net, squares, captured, monkeypatch):
    trained = []

    def train(head, pictures, loss, recipe):
        trained.append((head, pictures, loss, recipe))
        return head

    def evaluate(head, training, testing):
        shown = [image.sum().item() for image in testing.images]
        marked = np.tile(shown, (4, 1)).T + len(trained)
        return marked, -marked

    monkeypatch.setattr(photographs, "train", train)
    monkeypatch.setattr(photographs, "evaluate", evaluate)
    photographs.compare(net, squares, 5, seeds=[0, 2], bfloat16=True)
    scores, truth, classes, about, seed = captured[0]
    np.testing.assert_array_equal(truth, squares.labels[15:, :3])
    assert classes == ["r", "g", "b"]
    assert about == {"dataset": "squares", "source": "twin", "n": 15, "n_test": 15, "n_classes": 3}
    assert seed == 5
    pictures = prepare(net, squares)
    for k, (head, shown, loss, recipe) in enumerate(trained):
        s, row = (5, 7)[k // 4], [*photographs.RECIPES][k % 4]
        assert all(torch.equal(a, b) for a, b in zip(shown.images, pictures.images[:15], strict=True))
        assert torch.equal(shown.labels, torch.tensor(squares.labels[:15]))
        expected = replace(photographs.RECIPES[row][1], seed=s, bfloat16=True)
        assert (loss, recipe) == (photographs.RECIPES[row][0], expected)
        random = f"random seed {s}"
        assert head.weights == f"{random if row == SCRATCH else net.weights}, new head of seed {s}"
        marked = np.array([[image.sum().item()] * 3 for image in pictures.images[15:]]) + k + 1
        np.testing.assert_array_equal(scores[row][k // 4], marked)
        np.testing.assert_array_equal(scores[row + ON_PHI][k // 4], -marked)
    assert len(trained) == 8
    # the frozen network has SVMs alone, and no seed
    assert scores[FROZEN].shape == (1, 15, 3)
    assert (scores[FROZEN] < 0).all()


def test_a_collection_with_a_test_part_is_trained_on_trainval(net, squares, captured, monkeypatch):
    monkeypatch.setattr(photographs, "train", lambda head, *_: head)
    monkeypatch.setattr(
        photographs, "evaluate", lambda _, training, testing: (np.zeros((len(testing), 4)),) * 2
    )
    splits = {
        "train": np.arange(6),
        "val": np.arange(6, 14),
        "trainval": np.arange(14),
        "test": np.arange(14, 30),
    }
    photographs.compare(net, replace(squares, splits=splits), 0, seeds=[0])
    assert (captured[0][3]["n"], captured[0][3]["n_test"]) == (14, 16)


# numbers


TRUTH = np.repeat(np.array([[1], [1], [0], [0], [0], [0]], np.int8), 20, axis=0)
PERFECT = np.repeat(np.arange(6, 0, -1.0)[:, None], 20, axis=0)
REVERSED = -PERFECT
COMPARED = {  # claim -> what it says is better, and than what
    "cls": ("TUNE-CLS", FROZEN),
    "rnk": ("TUNE-RNK", FROZEN),
    "phi of cls": ("TUNE-CLS" + ON_PHI, FROZEN),
    "phi of rnk": ("TUNE-RNK" + ON_PHI, FROZEN),
    "ranking": ("TUNE-RNK", "TUNE-CLS"),
    "scratch": ("TUNE-CLS", SCRATCH),
}


ABOUT = {"dataset": "few", "source": "twin"}


def judge(truth, scores):
    """Summarise the scores of one class, row -> [S, m, 1]."""
    given = {row: np.stack(scores[row]) for row in ROWS}
    results, found = photographs.summarise(given, truth, ["cat"], ABOUT, 0, 100)
    frame = average(pd.DataFrame(results))
    return {(r.method, r.metric): r for r in frame.itertuples()}, {
        c.id.split(": ")[1].split(",")[0]: c for c in found
    }


def every(scores):
    """The same scores in every row, of one seed."""
    return {row: [scores] for row in ROWS}


def test_ap_of_each_class_is_averaged_over_seeds_and_then_over_classes():
    results, _ = judge(TRUTH, every(PERFECT) | {"TUNE-RNK": [PERFECT, REVERSED]})
    ap = results["TUNE-RNK", "AP"]
    # by hand: a third of the pictures are positive; all at the end, precision is at most 1 / 3 at every recall
    assert ap.value == pytest.approx(100 * (1 + 1 / 3) / 2)
    assert (ap.n_splits, ap.spread) == (2, pytest.approx(100 * (2 / 3) / 2**0.5))
    in_all = results["TUNE-RNK", "mAP"]
    assert (in_all.value, in_all.spread) == (pytest.approx(ap.value), pytest.approx(ap.spread))
    alone = results[FROZEN, "mAP"]
    assert (alone.value, alone.n_splits, alone.dataset) == (100, 1, "few")


def test_classes_and_seeds_are_not_mixed_up():
    rng = np.random.default_rng(1)
    truth = (rng.random((40, 3)) < 0.3).astype(np.int8)
    truth[7, 1] = -1
    scores = rng.normal(size=(2, 40, 3)) + np.array([0.0, 1.0, 3.0]) * truth
    given = dict.fromkeys(ROWS, scores)
    results, _ = photographs.summarise(given, truth, ["a", "b", "c"], ABOUT, 0, 20)
    expected = 100 * np.mean([average_precision(of_seed, truth) for of_seed in scores], axis=0)
    frame = average(pd.DataFrame(results).query("method == 'TUNE-CLS'"))
    found = frame.set_index("metric").value
    assert frame[frame.metric == "AP"].set_index("class").value[[*"abc"]].tolist() == pytest.approx(
        list(expected)
    )
    assert found["mAP"] == pytest.approx(expected.mean())

    def mean_ap(rows):
        return 100 * np.mean([np.nanmean(average_precision(s[rows], truth[rows])) for s in scores])

    interval = bootstrap(mean_ap, 40, seed=0, n_boot=20)
    assert (found["mAP low"], found["mAP high"]) == pytest.approx((interval.low, interval.high))


def test_differences_are_paired_over_test_pictures():
    rng = np.random.default_rng(2)
    truth = (rng.random((60, 1)) < 0.4).astype(np.int8)
    noisy = rng.normal(size=(60, 1)) + truth
    results, found = judge(truth, every(noisy) | {"TUNE-CLS": [2 * noisy + 1]})
    for claim in found.values():  # the same ranking: no resample tells them apart
        assert (claim.effect, claim.low, claim.high, claim.n) == (0, 0, 0, 60)
    verdicts = {id: claim.verdict for id, claim in found.items()}
    assert verdicts == dict.fromkeys(COMPARED, TOO_CLOSE) | {"scratch": DID_NOT_HOLD}
    assert results["TUNE-RNK", "mAP high"].value - results["TUNE-RNK", "mAP low"].value > 5


def test_each_statement_compares_what_it_names():
    for id, (more, less) in COMPARED.items():
        _, found = judge(TRUTH, every(PERFECT) | {less: [REVERSED]})
        held = {key for key, claim in found.items() if claim.verdict == HELD}
        assert held == {key for key, (_, worse) in COMPARED.items() if worse == less}, id
        _, found = judge(TRUTH, every(PERFECT) | {more: [REVERSED]})
        assert found[id].verdict == DID_NOT_HOLD
        assert found[id].effect == pytest.approx(-100 * 2 / 3)
        assert found[id].statement.startswith("On few, ")
    assert {claim.source for claim in found.values()} == {"twin"}


def test_from_scratch_has_to_be_ten_points_worse():
    nearly = PERFECT.copy()
    nearly[:4] = -10  # 4 of 40 positives come last: recall 1 at a precision of a third, AP 10 / 11 + 1 / 33
    _, found = judge(TRUTH, every(PERFECT) | {SCRATCH: [nearly]})
    assert found["scratch"].effect == pytest.approx(100 * 2 / 33)
    assert found["scratch"].low > 0
    assert found["scratch"].verdict == TOO_CLOSE


# choosing


def test_validation_is_a_mean_over_three_folds_after_every_epoch(net, squares, monkeypatch):
    pictures, parts = prepare(net, squares).take(np.arange(15)), []

    def fine_tune(head, train, validation, loss, recipe):
        parts.append((train, validation))
        assert recipe.patience >= recipe.epochs == 2  # nothing stops early
        return Tuned(head, [{"validation": 10.0 * len(parts)}, {"validation": 1.0 * len(parts)}])

    monkeypatch.setattr(photographs, "fine_tune", fine_tune)
    recipe = Recipe(epochs=2, patience=1)
    curve = photographs.validate(net, pictures, squares.classes, tune_rnk, recipe)
    assert list(curve) == [20, 2]
    held = [tuple(image.sum().item() for image in validation.images) for _, validation in parts]
    assert sorted(sum(held, ())) == sorted(image.sum().item() for image in pictures.images)
    assert [len(train) for train, _ in parts] == [10] * 3
    for train, validation in parts:
        assert not {id(image) for image in train.images} & {id(image) for image in validation.images}


def test_recipes_are_chosen_within_training_pictures(squares, net, monkeypatch, capsys):
    monkeypatch.setattr(photographs.settings, "use", lambda profile: None)
    random = backbones.load("twin-alexnet", "random", 0)
    monkeypatch.setattr(photographs.backbones, "load", lambda *which: random if which else net)
    monkeypatch.setattr(photographs.datasets, "load", lambda name: squares)
    given = []

    def validate(start, pictures, classes, loss, recipe):
        given.append((start.weights, loss, recipe.ratio))
        assert torch.equal(pictures.labels, torch.tensor(squares.labels[:15]))
        return np.array([1.0, 42.0])

    monkeypatch.setattr(photographs, "validate", validate)
    photographs.choose_recipes()
    said = capsys.readouterr().out.splitlines()
    expected = [
        ("random seed 0" if row == SCRATCH else net.weights, photographs.RECIPES[row][0], ratio)
        for row, ratios in photographs.TRIED.items()
        for ratio in ratios
    ]
    assert given == expected
    assert len(said) == len(expected)
    assert all("mAP 42.0 after 2 epochs" in line for line in said)


def test_every_recipe_is_one_of_those_tried(monkeypatch):
    monkeypatch.undo()
    assert [*photographs.TRIED] == [*photographs.RECIPES] == TUNED
    for row, (_, recipe) in photographs.RECIPES.items():
        assert recipe.ratio in photographs.TRIED[row]


# the run


def test_missing_photographs_are_named_and_nothing_is_written(monkeypatch, tmp_path, net, capsys):
    monkeypatch.setattr(settings, "PACKAGE_DATA", tmp_path / "recorded")
    monkeypatch.setattr(settings, "_chosen", {"data": tmp_path / "nothing"})
    monkeypatch.setattr(photographs.backbones, "load", lambda: net)
    with pytest.raises(SystemExit, match="set LECTURE_DATA"):
        photographs.main()
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("left out")]
    for part in ("coco_as_voc", "voc2007", "voc2012"):
        assert any(part in line for line in said)
    assert not (tmp_path / "recorded").exists()


def test_what_is_there_is_run_and_written(monkeypatch, tmp_path, squares, net, capsys):
    monkeypatch.setattr(settings, "PACKAGE_DATA", tmp_path / "recorded")
    monkeypatch.setattr(photographs.backbones, "load", lambda: net)

    def load(name):
        if name != "voc2012":
            raise DatasetNotFound(name)
        return replace(squares, name=name, source="real")

    _, found = judge(TRUTH, every(PERFECT))
    row = {"dataset": "voc2012", "metric": "mAP", "value": 50.0}
    monkeypatch.setattr(photographs.datasets, "load", load)
    monkeypatch.setattr(photographs, "compare", lambda *_, **__: ([row], list(found.values())))
    photographs.main()
    document = json.loads((tmp_path / "recorded" / "results" / f"{photographs.NAME}.real.json").read_text())
    assert document["command"] == photographs.COMMAND
    assert len(document["claims"]) == len(found)
    assert "left out: coco_as_voc" in capsys.readouterr().out
