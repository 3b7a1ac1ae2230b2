"""The record of patch transfer, on planted scores."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lecture_lib import settings
from lecture_lib.chapters.patch_transfer import experiments, record
from lecture_lib.chapters.patch_transfer.experiments import NO_BACKGROUND, NO_TRANSFER, PATCHES, Part
from lecture_lib.chapters.patch_transfer.grid import grid
from lecture_lib.chapters.patch_transfer.inference import pointing_game
from lecture_lib.chapters.patch_transfer.record import CENTRE, KS, SUM, TESTED, ap_of, k_rows, map_rows
from lecture_lib.datasets import ArrayImages, Boxes, ImageCollection
from lecture_lib.results import average, made_by, read
from lecture_lib.results.claims import DID_NOT_HOLD, HELD, TOO_CLOSE

GRID = grid(60, 80, 64, 8)
CLASSES = ("bus", "cat", "sofa")
NET = SimpleNamespace(
    backbone=SimpleNamespace(name="toy", device="cpu", classes=("cat", "bus", "stone")),
    grids=lambda images: [GRID] * len(images),
)
CORNERS = np.array([[2, 2, 26, 26], [54, 34, 78, 58], [54, 2, 78, 26]], np.float32)  # an object of each class
SHOWN = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 0]], np.int8)
SEED = 3


@pytest.fixture(autouse=True)
def demo(monkeypatch, tmp_path):
    """The demo profile, results in a folder of their own, and few resamples."""
    monkeypatch.setattr(settings, "_chosen", {"profile": "demo", "cache": tmp_path / "cache"})
    monkeypatch.setattr(settings, "_settings", None)
    monkeypatch.setattr(settings, "PACKAGE_DATA", tmp_path / "recorded")
    for name in ("ap_rows", "ap_claims"):
        monkeypatch.setattr(record, name, partial(getattr(record, name), n_boot=20))


def collect(shown, name="drawn", **about):
    """Pictures of nothing, with an object in the corner of each class that they show."""
    boxes = []
    for label in shown:
        present = np.flatnonzero(label)
        boxes.append(Boxes(CORNERS[present], present, label[present] < 0, np.zeros(len(present), bool)))
    pixels = ArrayImages(np.zeros((len(shown), 3, 60, 80), np.uint8))
    return ImageCollection(name, "twin", pixels, CLASSES, shown, boxes=tuple(boxes), **about)


def part(shown=SHOWN, name="drawn"):
    return Part(NET, collect(shown, name))


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
    near, far, hard = (42.3, 20, 60, 40), (42.5, 20, 60, 40), (38, 28, 42, 32)
    boxes = (
        Boxes([near, far], [0, 1], [False, False], [False, False]),
        Boxes([far, hard], [0, 0], [False, True], [False, False]),  # a difficult one does not count
    )
    labels = np.array([[1, 1, 0], [1, 0, -1]], np.int8)
    nothing = ArrayImages(np.zeros((2, 3, 60, 80), np.uint8))
    images = ImageCollection("drawn", "twin", nothing, CLASSES, labels, boxes=boxes)
    hits = pointing_game(None, [GRID] * 2, images)
    np.testing.assert_array_equal(hits, [[1, 0, np.nan], [0, np.nan, np.nan]])


EVERY = np.ones(3, bool)


def test_perfect_maps_point_at_their_objects_and_the_claim_holds():
    results, (claim,) = map_rows({PATCHES: [perfect(), reversed_y()]}, part(), EVERY, SEED)
    found = by_key(results)
    for metric in ("accuracy", *(f"accuracy, {c}" for c in CLASSES)):
        assert (found[SUM, metric], found[CENTRE, metric]) == (100, 0)
    assert (claim.id, claim.verdict, claim.effect, claim.n) == ("patches/drawn/pointing", HELD, 100, 6)


def test_maps_in_the_wrong_corner_point_at_nothing():
    only = np.array([0, 1, 5])  # pictures of one class: each peak is in the other's corner
    y = {PATCHES: [perfect(SHOWN[only][:, [1, 0, 2]])[:, [1, 0, 2, 3]]]}
    results, (claim,) = map_rows(y, part(SHOWN[only]), np.array([True, True, False]), SEED)
    assert set(by_key(results).values()) == {0}
    assert (claim.verdict, claim.effect, claim.n) == (DID_NOT_HOLD, 0, 3)


def test_each_row_of_the_pointing_game_is_played_as_it_says():
    # k = 1 misses small patches among noise; where a bus begins all patches are sure, but they are few
    noisy = np.maximum(perfect(), 0.8 * np.random.default_rng(0).random((6 * len(GRID), 4)))
    noisy[:, 0] = np.tile(np.where((GRID.xyxy[:, :2] < 3).all(1), 0.9, 0.75), 6)
    y = {PATCHES: [noisy], NO_BACKGROUND: [reversed_y(n_outputs=3)], NO_TRANSFER: [perfect()]}
    found = by_key(map_rows(y, part(), EVERY, SEED)[0])
    assert (found[SUM, "accuracy, bus"], found["patches, mean over patches", "accuracy, bus"]) == (0, 100)
    assert found[SUM, "accuracy"] > found["patches, k = 1", "accuracy"]
    assert found[NO_BACKGROUND, "accuracy"] < found[NO_TRANSFER, "accuracy"] == 100


def test_classes_that_are_left_out_are_so_everywhere():
    shown = SHOWN.copy()
    shown[:, 2] = 0  # the fourth picture shows nothing, the sofa has no positive
    test, some = part(shown), np.array([True, True, False])
    y = {PATCHES: [perfect(shown)], NO_BACKGROUND: [reversed_y(shown, 3)]}
    results, (claim,) = map_rows(y, test, some, SEED)
    assert claim.n == 5
    for found in (results, k_rows(y[PATCHES], test, some, SEED)[0]):
        assert {r.get("class") for r in found} == {None, "bus", "cat"}
    found = by_key(results)
    assert (found[SUM, "accuracy"], found[NO_BACKGROUND, "accuracy"]) == (100, 0)
    # a class that has positives, too: pictures of it alone are no pair
    _, (claim,) = map_rows({PATCHES: [perfect()]}, part(), np.array([True, False, True]), SEED)
    assert claim.n == 4


def test_k_is_ahead_where_one_patch_is_sure_or_where_one_errs():
    shown, some = np.tile(SHOWN[:2], (6, 1)), np.array([True, True, False])
    present, number = shown[:, None, :] == 1, np.arange(len(GRID))[:, None]
    first, few = np.where(number < 1, 0.9, 0), np.where(number < 20, 0.8, 0)
    sure, errs = (
        np.where(present, first, 0.1),
        np.where(present, few, first),
    )  # by the mean, what is absent wins
    for y, verdicts, ks in ((sure, [HELD, TOO_CLOSE], 1), (errs, [TOO_CLOSE, HELD], np.inf)):
        results, found = k_rows([y.reshape(-1, 3)], part(shown), some, SEED)
        assert [c.verdict for c in found] == verdicts
        values = by_key(results)
        assert (values[PATCHES, 5, "mAP"], values[PATCHES, ks, "mAP"]) == (100, 50)


@pytest.mark.parametrize(("id", "more", "less", "margin"), [(id, *rows) for id, _, *rows in TESTED])
def test_each_statement_compares_what_it_names(id, more, less, margin):
    shown = np.tile(SHOWN, (5, 1))
    good = shown.astype(float)
    even = {0: TOO_CLOSE, -2: HELD, 10: DID_NOT_HOLD}[margin]  # may cost two points; has to gain ten
    for worse, expected in ((less, HELD), (more, DID_NOT_HOLD), (None, even)):
        scores = {row: [-good if row == worse else good] for row in (more, less)}
        _, (claim,) = ap_of(scores, part(shown, "voc"), EVERY, SEED)
        assert (claim.id, claim.verdict) == (f"patches/voc/{id}", expected)


# runs

TRAIN = np.tile(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.int8), (3, 1))
TEST = np.concatenate([*[SHOWN[:3]] * 4, SHOWN])


@pytest.fixture
def planted(monkeypatch):
    """Experiments without training: patches are right and all else is wrong."""
    world = SimpleNamespace(seeds=[], train=TRAIN)

    def wrong(*names):
        return lambda *given: {name: [-given[-2].images.labels.astype(np.float32)] * 3 for name in names}

    def score_patches(train, test, seeds):
        world.seeds = list(seeds)
        shown = test.images.labels
        return {PATCHES: [perfect(shown)] * 3, NO_BACKGROUND: [reversed_y(shown, 3)] * 3}

    centred = wrong(experiments.CENTRED_WHOLE, experiments.CENTRED_ON_PATCHES)
    fakes = {
        "score_patches": score_patches,
        "no_transfer": lambda train, test, seed: reversed_y(test.images.labels),
        "whole_pictures": wrong(experiments.WHOLE, experiments.WHOLE_ON_PATCHES),
        # on windows neither right nor wrong
        "svms": lambda train, test: {
            experiments.SVM: -test.images.labels,
            experiments.WINDOWS: 0.0 * test.images.labels,
        },
        "fewer_pictures": lambda train, test, n, seed: {PATCHES: n * test.images.labels},
        "centred_pictures": lambda test, seeds: (centred(test, seeds), [10.0 * s for s in seeds]),
        "source_labels": lambda test: dict.fromkeys(
            (experiments.SOURCE_WHOLE, experiments.SOURCE_PATCHES), -test.images.labels
        ),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(experiments, name, fake)

    def load(name):
        n = len(world.train)
        split = np.arange(n), np.arange(n, n + len(TEST))
        return collect(np.concatenate([world.train, TEST]), name, protocol=lambda images, seed: split)

    monkeypatch.setattr(record.datasets, "load", load)
    return world


def test_all_of_a_collection_is_run_and_every_row_recorded(planted):
    rows, claims = record.run(NET, record.datasets.load("voc2007"), record.RUNS["demo"]["voc2007"], SEED)
    assert planted.seeds == [3, 4, 5]
    ids = {claim.id.removeprefix("patches/voc2007/"): claim for claim in claims}
    assert set(ids) == {*(id for id, *_ in TESTED), "pointing"}
    for id, claim in ids.items():
        assert id.startswith(("k/", "windows/")) or claim.verdict == HELD, id
    frame = pd.DataFrame(rows)
    assert not frame.duplicated(frame.columns.difference(["value"]).tolist()).any()
    of = {name: of_part.set_index("method") for name, of_part in frame.groupby("experiment")}
    assert set(of) == {"table", "k", "pointing game", "bias", "labels", "training pictures"}
    kinds = of["labels"]
    assert kinds[kinds["class"].isna()].value.sum() == 9 * len(GRID)
    assert kinds.value["positive"].iloc[0] == kinds.value["positive"].iloc[1:].sum() > 0
    assert set(of["training pictures"].n) == {1, 2, 4}
    assert set(of["training pictures"].value) == {100}  # planted, over the class that the one picture shows
    table, bias = of["table"], of["bias"]
    assert (set(table.n), set(table.n_test)) == ({9}, {18})
    assert set(of["k"].k) == set(KS)
    assert set(of["pointing game"].index) > {NO_BACKGROUND, NO_TRANSFER, SUM}
    classes = [set(some["class"].dropna()) for some in (table, bias)]
    assert classes == [{*CLASSES}, {"bus", "cat"}]
    assert bias[bias.metric == "accuracy"].value.tolist() == [30, 40, 50]


def test_a_class_without_training_pictures_is_left_out(planted):
    planted.train = TRAIN[[0, 1] * 4]
    rows, _ = record.run(NET, record.datasets.load("few"), (), SEED)
    frame = pd.DataFrame(rows)
    assert set(frame.experiment) == {"table", "k", "pointing game", "labels"}
    assert set(frame["class"].dropna()) == {"bus", "cat"}
    assert set(frame.n_classes.dropna()) == {2}
    assert NO_TRANSFER not in set(frame.method)


@pytest.mark.parametrize("profile", ["demo", "real"])
def test_the_run_follows_the_profile(planted, monkeypatch, profile):
    monkeypatch.setattr(settings, "_chosen", {"profile": profile})
    monkeypatch.setattr(settings, "_settings", None)
    monkeypatch.setattr(record.backbones, "load", lambda: NET.backbone)
    monkeypatch.setattr(record, "PatchNet", lambda net: NET)
    runs = dict.fromkeys(record.RUNS[profile], ())
    monkeypatch.setattr(record, "RUNS", {profile: runs})
    record.main()
    found = read("patch_transfer", profile)
    assert set(found[found.experiment == "table"].dataset) == {*runs}
    assert "lecture_lib.chapters.patch_transfer.record\n(toy, " in made_by("patch_transfer", profile)


def test_without_photographs_what_is_missing_is_named_and_nothing_is_written(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(settings, "_chosen", {"profile": "real", "data": tmp_path / "nothing"})
    monkeypatch.setattr(record.backbones, "load", lambda: NET.backbone)
    monkeypatch.setattr(record, "PatchNet", lambda net: NET)
    with pytest.raises(SystemExit, match="LECTURE_DATA"):
        record.main()
    assert capsys.readouterr().out.count("left out") == len(record.RUNS["real"])
    assert not (tmp_path / "recorded").exists()
