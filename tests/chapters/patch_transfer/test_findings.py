"""What is concluded from scores of patches, and the recorded runs, on planted scores."""

import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lecture_lib import settings
from lecture_lib.chapters.patch_transfer import drawings as tables
from lecture_lib.chapters.patch_transfer import experiments, findings, photographs
from lecture_lib.chapters.patch_transfer.experiments import NO_BACKGROUND, NO_TRANSFER, PATCHES, Part
from lecture_lib.chapters.patch_transfer.findings import CENTRE, KS, judge, middles, of_k, of_maps
from lecture_lib.chapters.patch_transfer.grid import grid
from lecture_lib.chapters.patch_transfer.inference import pointing_game
from lecture_lib.datasets import ArrayImages, Boxes, DatasetNotFound, ImageCollection
from lecture_lib.datasets.protocols import official_split
from lecture_lib.results import average, read
from lecture_lib.results.claims import DID_NOT_HOLD, HELD, TOO_CLOSE

GRID = grid(60, 80, 64, 8)
CLASSES = ("bus", "cat", "sofa")
CORNERS = np.array([[2, 2, 26, 26], [54, 34, 78, 58], [54, 2, 78, 26]], np.float32)  # an object of each class
SHOWN = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 0]], np.int8)
SEED = 3
SUM = "patches, sum over patches"
# claim -> the row that is ahead, and of which
TWINS = {
    "transfer": ("patches", "patches, no transfer"),
    "wholes": ("patches", "whole pictures"),
    "background": ("patches", "patches, no background"),
}
SAME_PICTURES = {
    "svm": ("patches", "whole pictures, SVM"),
    "wholes": ("patches", "whole pictures"),
    "background": ("patches", "patches, no background"),
    "tested on patches": ("patches", "whole pictures, tested on patches"),
}
AHEAD = [
    (tables.TESTED, TWINS | SAME_PICTURES),
    (tables.TESTED[:3], TWINS),
    (
        tables.TESTED_READINGS,
        {
            "shared": ("patches", "patches, each cut out"),
            "ambiguous": ("patches", "patches, ambiguous as background"),
        },
    ),
    (
        tables.TESTED_BIAS,
        {
            "capture": ("patches", "centred pictures, tested on patches"),
            "labels": ("patches", "source labels, patches"),
        },
    ),
    (photographs.TESTED, SAME_PICTURES),
    (findings.TESTED_K, {"k/mean": ("k = 5", "k = 1"), "k/max": ("k = 5", "k = inf")}),
]


@pytest.fixture(autouse=True)
def demo(monkeypatch, tmp_path):
    """The demo profile, results in a folder of their own, and few resamples."""
    monkeypatch.setattr(settings, "_chosen", {"profile": "demo", "cache": tmp_path / "cache"})
    monkeypatch.setattr(settings, "_settings", None)
    monkeypatch.setattr(settings, "PACKAGE_DATA", tmp_path / "recorded")
    for name in ("ap_rows", "ap_claims"):
        monkeypatch.setattr(findings, name, partial(getattr(findings, name), n_boot=20))


def collect(shown, name="drawn", **about):
    """Pictures of nothing, with an object in the corner of each class that they show."""
    boxes = []
    for label in shown:
        present = np.flatnonzero(label)
        boxes.append(Boxes(CORNERS[present], present, label[present] < 0, np.zeros(len(present), bool)))
    pixels = ArrayImages(np.zeros((len(shown), 3, 60, 80), np.uint8))
    return ImageCollection(name, "twin", pixels, CLASSES, shown, boxes=tuple(boxes), **about)


def part(shown=SHOWN, name="drawn"):
    return Part(collect(shown, name), [GRID] * len(shown))


def perfect(shown=SHOWN, n_outputs=4):
    """y of all patches: high on small ones in the corners of the classes that a picture shows."""
    x, y = (GRID.xyxy[:, :2] + GRID.xyxy[:, 2:]).T / 2
    small = GRID.scale == 8
    inside = [(x > x0) & (x < x1) & (y > y0) & (y < y1) & small for x0, y0, x1, y1 in CORNERS]
    found = np.full((len(shown), len(GRID), n_outputs), 0.01, np.float32)
    for i, c in np.argwhere(shown == 1):
        found[i, inside[c], c] = 0.9
    return found.reshape(-1, n_outputs)


def reversed_y(shown=SHOWN, n_outputs=4):
    """As `perfect`, of the classes that a picture does not show."""
    return perfect(1 - np.abs(shown), n_outputs)


def by_key(results):
    """Means over seeds: (method, metric), or (method, k, metric), and a class's metric with its name -> value."""
    frame = average(pd.DataFrame(results))
    of_class = frame.get("class", pd.Series(index=frame.index, dtype=str))
    frame["metric"] += (", " + of_class).fillna("")
    keys = [key for key in ("method", "k", "metric") if key in frame]
    return frame.set_index(keys).value.to_dict()


# findings


def test_the_middle_of_a_picture_is_on_an_object_within_the_tolerance():
    # the middle is at 40, 30, the tolerance 0.03 * 80 = 2.4
    near, far = [42.3, 20, 60, 40], [42.5, 20, 60, 40]
    boxes = (
        Boxes([near, far], [0, 1], [False, False], [False, False]),
        Boxes(
            [far, [38, 28, 42, 32]], [0, 0], [False, True], [False, False]
        ),  # a difficult one does not count
        Boxes([far, [30, 0, 50, 27.7]], [2, 2], [False, False], [False, False]),
        Boxes([near], [1], [True], [False]),
    )
    labels = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, -1, 0]], np.int8)
    pixels = ArrayImages(np.zeros((4, 3, 60, 80), np.uint8))
    images = ImageCollection("drawn", "twin", pixels, CLASSES, labels, boxes=boxes)
    nan = np.nan
    expected = [[1, 0, nan], [0, nan, nan], [nan, nan, 1], [nan, nan, nan]]
    np.testing.assert_array_equal(middles(Part(images, [GRID] * 4)), expected)


EVERY = np.ones(3, bool)


def test_perfect_maps_point_at_their_objects_and_the_claim_holds():
    results, (claim,) = of_maps({PATCHES: [perfect(), reversed_y()]}, part(), SEED, EVERY)
    found = by_key(results)
    assert {row for row, _ in found} == {
        SUM,
        "patches, mean over patches",
        "patches, k = 1",
        "the picture's middle",
    }
    assert [metric for row, metric in found if row == SUM] == [
        "accuracy",
        *(f"accuracy, {c}" for c in CLASSES),
    ]
    assert {value for (row, _), value in found.items() if row == SUM} == {100}
    assert {value for (row, _), value in found.items() if row == CENTRE} == {0}
    assert {(r["experiment"], r["dataset"], r["source"]) for r in results} == {
        ("pointing game", "drawn", "twin")
    }
    assert (claim.id, claim.verdict, claim.effect, claim.n) == ("patches/drawn/pointing", HELD, 100, 6)
    assert claim.statement.startswith("On drawn, ")


def test_maps_in_the_wrong_corner_point_at_nothing():
    only = np.array([0, 1, 5])  # pictures of one class: each peak is in the other's corner
    y = {PATCHES: [perfect(SHOWN[only][:, [1, 0, 2]])[:, [1, 0, 2, 3]]]}
    some = np.array([True, True, False])
    results, (claim,) = of_maps(y, part(SHOWN[only]), SEED, some)
    assert set(by_key(results).values()) == {0}
    assert (claim.verdict, claim.effect, claim.n) == (DID_NOT_HOLD, 0, 3)


def test_each_row_of_the_pointing_game_is_played_as_it_says():
    # k = 1 misses small patches among noise; where a bus begins all patches are sure, but they are few
    noisy = np.maximum(perfect(), 0.8 * np.random.default_rng(0).random((6 * len(GRID), 4)))
    noisy[:, 0] = np.tile(np.where((GRID.xyxy[:, :2] < 3).all(1), 0.9, 0.75), 6)
    y = {PATCHES: [noisy], NO_BACKGROUND: [reversed_y(n_outputs=3)], NO_TRANSFER: [perfect()]}
    test = part()
    found = by_key(of_maps(y, test, SEED, EVERY)[0])
    assert (found[SUM, "accuracy, bus"], found["patches, mean over patches", "accuracy, bus"]) == (0, 100)
    assert found[SUM, "accuracy"] > found["patches, k = 1", "accuracy"]
    ways = {
        SUM: (PATCHES, {}),
        "patches, mean over patches": (PATCHES, {"mean": True}),
        "patches, k = 1": (PATCHES, {"k": 1}),
        NO_BACKGROUND: (NO_BACKGROUND, {}),
        NO_TRANSFER: (NO_TRANSFER, {}),
    }
    for row, (of_y, how) in ways.items():
        of_class = 100 * np.nanmean(pointing_game(y[of_y][0], test.grids, test.images, **how), axis=0)
        assert [found[row, f"accuracy, {c}"] for c in CLASSES] == pytest.approx(list(of_class)), row
        assert found[row, "accuracy"] == pytest.approx(of_class.mean())


def test_classes_that_are_left_out_are_so_everywhere():
    shown = SHOWN.copy()
    shown[:, 2] = 0  # the fourth picture shows nothing, the sofa has no positive
    test, some = part(shown), np.array([True, True, False])
    y = {PATCHES: [perfect(shown)], NO_BACKGROUND: [reversed_y(shown, 3)]}
    results, (claim,) = of_maps(y, test, SEED, some)
    assert claim.n == 5
    for found in (results, of_k(y[PATCHES], test, SEED, some)[0]):
        assert {r.get("class") for r in found} == {None, "bus", "cat"}
    found = by_key(results)
    assert (found[SUM, "accuracy"], found[NO_BACKGROUND, "accuracy"]) == (100, 0)
    # a class that has positives, too: pictures of it alone are no pair
    _, (claim,) = of_maps({PATCHES: [perfect()]}, part(), SEED, np.array([True, False, True]))
    assert claim.n == 4
    scores = {PATCHES: [test.score(y[PATCHES][0])]}
    results, _ = judge(scores, test, [], SEED, np.array([False, True, False]))
    assert [(r["class"], r["value"]) for r in results if r["metric"] == "AP"] == [("cat", 100)]


def test_perfect_patches_have_an_ap_of_100_for_every_k():
    results, found = of_k([perfect(), perfect()], part(), SEED, EVERY)
    values = by_key(results)
    assert [k for _, k, metric in values if metric == "mAP"] == [*range(1, 21), np.inf]
    assert set(values.values()) == {100}
    assert {(r["experiment"], r["dataset"]) for r in results} == {("k", "drawn")}
    assert [(c.id, c.verdict) for c in found] == [
        ("patches/drawn/k/mean", TOO_CLOSE),
        ("patches/drawn/k/max", TOO_CLOSE),
    ]


def test_k_is_ahead_where_one_patch_is_sure_or_where_one_errs():
    shown = np.tile(SHOWN[:2], (6, 1))
    patches = len(GRID)
    present = shown[:, None, :] == 1
    first = np.arange(patches)[:, None] < 1
    few = np.arange(patches)[:, None] < 20
    sure = np.where(present, np.where(first, 0.9, 0.0), 0.1).reshape(
        -1, 3
    )  # by the mean, what is absent wins
    errs = np.where(present, np.where(few, 0.8, 0.0), np.where(first, 0.9, 0.0)).reshape(-1, 3)
    some = np.array([True, True, False])
    for y, verdicts, ks in ((sure, [HELD, TOO_CLOSE], 1), (errs, [TOO_CLOSE, HELD], np.inf)):
        results, found = of_k([y], part(shown), SEED, some)
        assert [c.verdict for c in found] == verdicts
        values = by_key(results)
        assert (values[PATCHES, 5, "mAP"], values[PATCHES, ks, "mAP"]) == (100, 50)


@pytest.mark.parametrize(("tested", "ahead"), AHEAD)
def test_each_statement_compares_what_it_names(tested, ahead):
    assert {id for id, *_ in tested} == set(ahead)
    shown = np.tile(SHOWN, (5, 1))
    good = shown.astype(float)
    rows = {row for pair in ahead.values() for row in pair}
    for worse in rows:
        scores = {row: [-good if row == worse else good] for row in rows}
        _, found = judge(scores, part(shown, "voc"), tested, SEED, EVERY)
        for claim in found:
            more, less = ahead[claim.id.removeprefix("patches/voc/")]
            even = HELD if claim.id.endswith("shared") else TOO_CLOSE  # it may cost two points
            even = DID_NOT_HOLD if claim.id.endswith("transfer") else even  # it has to gain ten
            assert claim.verdict == (HELD if less == worse else DID_NOT_HOLD if more == worse else even)
            assert claim.statement.startswith("On voc, ")


# runs

TRAIN = np.tile(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.int8), (3, 1))
READ = np.concatenate([*[SHOWN[:3]] * 4, SHOWN])  # the first twelve pictures show no sofa


@pytest.fixture
def planted(monkeypatch):
    """Experiments without training: patches are right and all else wrong, or the other way round."""
    world, asked = SimpleNamespace(right=True, accuracy=iter([50, 60, 70])), []

    def score(test, right):
        shown = test.images.labels.astype(np.float32)
        return shown if right else -shown

    def y(test, right, n_outputs=4):
        return (perfect if right else reversed_y)(test.images.labels, n_outputs)

    def rest(*names):
        def make(net, *given):
            test = next(p for p in given[::-1] if isinstance(p, Part))
            asked.append((names, len(test.images), given[-1]))
            return {name: score(test, not world.right) for name in names}

        return make

    def score_patches(net, train, test, seeds):
        asked.append(("patches", len(test.images), seeds))
        return {
            PATCHES: [y(test, world.right)] * len(seeds),
            NO_BACKGROUND: [y(test, not world.right, 3)] * len(seeds),
        }

    def other_readings(net, train, test, seed):
        asked.append(("readings", len(test.images), seed))
        return {row: y(test, not world.right) for row in (experiments.CUT, experiments.TWO_OBJECTS)}

    def no_transfer(net, train, test, seed, bfloat16):
        asked.append(("no transfer", len(test.images), seed, bfloat16))
        return y(test, not world.right)

    centred = rest(experiments.CENTRED_WHOLE, experiments.CENTRED_ON_PATCHES)
    fakes = {
        "score_patches": score_patches,
        "other_readings": other_readings,
        "no_transfer": no_transfer,
        "whole_pictures": rest(experiments.WHOLE, experiments.WHOLE_ON_PATCHES),
        "whole_pictures_svm": lambda net, train, test: score(test, not world.right),
        "centred_pictures": lambda *given: (centred(*given), next(world.accuracy)),
        "source_labels": rest(experiments.SOURCE_WHOLE, experiments.SOURCE_PATCHES),
        "load_parts": lambda net, name: (part(TRAIN, name), part(READ, name)),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(experiments, name, fake)
    monkeypatch.setattr(tables, "FEW", 12)
    world.asked = asked
    return world


NET = SimpleNamespace(backbone=SimpleNamespace(name="toy", device="cpu", classes=("cat", "bus", "stone")))
ROWS = {"patches", "patches, no background", "patches, no transfer", "whole pictures, SVM", "whole pictures"}
ROWS |= {"whole pictures, tested on patches"}


@pytest.mark.parametrize("right", [True, False])
def test_all_of_a_collection_is_run_and_every_row_recorded(planted, right):
    planted.right = right
    results, found = tables.run(NET, "voc2007", SEED, True)
    ids = [claim.id.removeprefix("patches/voc2007/") for claim in found]
    names = ["transfer", "wholes", "background", "svm", "tested on patches", "shared", "ambiguous", "capture"]
    assert sorted(ids) == sorted([*names, "labels", "k/mean", "k/max", "pointing"])
    for id, claim in zip(ids, found, strict=True):
        if not id.startswith("k/"):
            assert claim.verdict == (HELD if right else DID_NOT_HOLD), id
    frame = pd.DataFrame(results)
    assert not frame.duplicated(frame.columns.difference(["value"]).tolist()).any()
    rows = {name: of_part.set_index("method") for name, of_part in frame.groupby("experiment")}
    assert set(rows) == {"table", "k", "pointing game", "readings", "bias"}
    full, few, bias = (rows[name] for name in ("table", "readings", "bias"))
    assert set(full.index) == ROWS
    assert set(few.index) == {"patches", "patches, each cut out", "patches, ambiguous as background"}
    assert set(bias.index) == {
        "patches",
        "centred pictures",
        "centred pictures, tested on wholes",
        "centred pictures, tested on patches",
        "source labels, wholes",
        "source labels, patches",
    }
    assert set(full.n) == {9}
    assert (set(full.n_test), set(few.n_test)) == ({18}, {12})
    assert set(rows["k"].k) == set(KS)
    assert set(rows["pointing game"].index) > {NO_BACKGROUND, NO_TRANSFER, SUM}
    assert [set(part["class"].dropna()) for part in (full, few, bias)] == [
        {*CLASSES},
        {"bus", "cat"},
        {"bus", "cat"},
    ]
    if right:
        for part_of in (full, few, bias):
            assert set(part_of[part_of.metric == "mAP"].loc[[PATCHES]].value) == {100}
    times = full[full.metric == "mAP"].index.value_counts()
    assert set(times[times == 1].index) == {"patches, no transfer", "whole pictures, SVM"}
    assert bias[bias.metric == "accuracy"].value.tolist() == [50, 60, 70]


def test_seeds_follow_that_of_the_run_and_readings_see_few_pictures(planted):
    tables.run(NET, "voc2007", SEED, True)
    asked = planted.asked
    assert ("patches", 18, [3, 4, 5]) in asked
    assert ("readings", 12, 3) in asked
    assert ("no transfer", 18, 3, True) in asked
    rows = "whole pictures", "whole pictures, tested on patches"
    assert [given for names, *given in asked if names == rows] == [[18, s] for s in (3, 4, 5)]


def test_the_action_task_has_no_readings_and_no_bias(planted):
    results, found = tables.run(NET, "voc2012_action", SEED, False)
    asked = ["transfer", "wholes", "background", "k/mean", "k/max", "pointing"]
    assert sorted(c.id for c in found) == sorted(f"patches/voc2012_action/{id}" for id in asked)
    assert {r["experiment"] for r in results} == {"table", "k", "pointing game"}


def recorded(name):
    return json.loads((settings.PACKAGE_DATA / "results" / f"{name}.json").read_text())


def test_the_twins_of_both_tasks_are_recorded(planted, monkeypatch, capsys):
    monkeypatch.setattr(tables.backbones, "load", lambda: NET.backbone)
    monkeypatch.setattr(tables, "PatchNet", lambda net: NET)
    monkeypatch.setattr(tables, "bfloat16_is_faster", lambda device: False)
    tables.main()
    document = recorded("patch_transfer.demo")
    assert len(document["claims"]) == 12 + 6
    assert set(read("patch_transfer", "demo").dataset) == {"voc2007", "voc2012_action", "ilsvrc2012"}
    assert (document["command"], document["seed"]) == (
        "python -m lecture_lib.chapters.patch_transfer.drawings",
        0,
    )
    assert document["network"] == "toy"
    said = capsys.readouterr().out
    assert all(claim["statement"] in said for claim in document["claims"])


@pytest.fixture
def of_photographs(monkeypatch):
    """Photographs of which none of a sofa is for training."""
    monkeypatch.setattr(photographs, "lay", lambda net, images: [GRID] * len(images))
    monkeypatch.setattr(photographs.backbones, "load", lambda: NET.backbone)
    monkeypatch.setattr(photographs, "PatchNet", lambda net: NET)
    shown = np.concatenate([TRAIN[[0, 1] * 4], SHOWN])
    splits = {"train": np.arange(6), "val": np.arange(6, 14), "trainval": np.arange(14)}

    def protocol(images, seed, train="trainval", test="test"):
        return official_split(images, seed, train=train, test=test)

    def make(name="few", **more):
        return collect(shown, name, splits=splits | more, protocol=protocol)

    return make


def test_a_class_without_training_pictures_is_left_out(planted, of_photographs):
    results, found = photographs.run(NET, of_photographs(), SEED, [0, 2])
    assert {r["experiment"] for r in results} == {"table", "k", "pointing game"}
    assert {r.get("class") for r in results} == {None, "bus", "cat"}
    assert ("patches", 8, [3, 5]) in planted.asked
    full = average(pd.DataFrame(results).query("experiment == 'table' and metric == 'mAP'")).set_index(
        "method"
    )
    assert {*zip(full.n, full.n_test, full.n_classes, strict=True)} == {(6, 8, 2)}
    assert set(full.index) == ROWS - {"patches, no transfer"}
    assert full.n_splits[full.n_splits != 2].to_dict() == {"whole pictures, SVM": 1}
    assert full.value[PATCHES] == 100
    verdicts = {c.id.removeprefix("patches/few/"): c.verdict for c in found}
    ids = ["svm", "wholes", "background", "tested on patches", "pointing"]
    assert verdicts == dict.fromkeys(ids, HELD) | dict.fromkeys(["k/mean", "k/max"], TOO_CLOSE)


def test_a_collection_with_a_test_part_is_trained_on_trainval(planted, of_photographs):
    images = of_photographs(trainval=np.arange(8), test=np.arange(8, 14))
    results, _ = photographs.run(NET, images, SEED, [0, 1])
    assert (results[0]["n"], results[0]["n_test"], results[0]["n_classes"]) == (8, 6, 2)


def test_missing_photographs_are_named_and_nothing_is_written(monkeypatch, tmp_path, of_photographs, capsys):
    monkeypatch.setattr(settings, "_chosen", {"data": tmp_path / "nothing"})
    with pytest.raises(SystemExit, match="set LECTURE_DATA"):
        photographs.main()
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("left out")]
    assert len(said) == 3
    assert all(n in line for n, line in zip(("coco_as_voc", "voc2007", "voc2012"), said, strict=True))
    assert not (tmp_path / "recorded").exists()


def test_what_is_there_is_run_and_written(monkeypatch, planted, of_photographs, capsys):
    def load(name):
        if name == "voc2007":
            raise DatasetNotFound(name)
        return of_photographs(name)

    monkeypatch.setattr(photographs.datasets, "load", load)
    photographs.main()
    document = recorded("patch_transfer.real")
    assert {c["id"].split("/")[1] for c in document["claims"]} == {"coco_as_voc", "voc2012"}
    assert len({c["id"] for c in document["claims"]}) == len(document["claims"]) == 14
    assert document["command"] == "python -m lecture_lib.chapters.patch_transfer.photographs"
    assert "left out: voc2007" in capsys.readouterr().out
