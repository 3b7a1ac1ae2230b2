"""The record's claims point the right way, and its methods are the names that places.csv looks for."""

import inspect
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lecture_lib.chapters.older_baselines import record, tables
from lecture_lib.results import papers

IMAGES = SimpleNamespace(name="caltech101", source="twin", classes=("a",) * 20)


def found(**means):
    """Accuracies of 20 classes on two splits about each method's mean."""
    rng = np.random.default_rng(0)
    return {method: [mean + rng.normal(0, 1, 20) for _ in range(2)] for method, mean in means.items()}


def test_claims_of_filters_hold_where_random_ones_are_close_and_need_their_steps():
    far = dict.fromkeys(tables.VARIANTS, 40.0)
    verdicts = [
        c.verdict for c in record.of_filters(IMAGES, found(**far | {tables.RANDOM: 62, tables.LEARNED: 63}))
    ]
    assert verdicts == ["held", "held", "held"]
    verdicts = [
        c.verdict for c in record.of_filters(IMAGES, found(**far | {tables.RANDOM: 45, tables.LEARNED: 63}))
    ]
    assert verdicts == ["did not hold", "did not hold", "held"]


def test_the_mean_is_compared_with_the_best_kernel_and_not_with_the_first():
    of = found(**{"GIST": 50, "HOG": 70, tables.MEAN: 65, tables.BY_ACCURACY: 72, tables.ALIGNED: 75})
    mean, by_accuracy, groups = record.of_kernels(IMAGES, of)
    assert [c.verdict for c in (mean, by_accuracy, groups)] == ["did not hold", "held", "held"]
    assert mean.effect == pytest.approx(-5, abs=1)


def test_classes_without_a_test_picture_do_not_count():
    of = found(**{"SIFT": 50, "both": 60})
    of["both"][0][3] = np.nan
    assert record.claim(IMAGES, "x", "both is better", of, "both", "SIFT").n == 19
    rows = record.rows_of(IMAGES, "birds", of)
    assert [(row["method"], row["split"]) for row in rows] == [
        ("SIFT", 0),
        ("SIFT", 1),
        ("both", 0),
        ("both", 1),
    ]
    assert rows[2]["value"] == pytest.approx(60, abs=1)


def test_places_look_for_methods_that_are_recorded():
    names = {value for _, value in inspect.getmembers(tables) if isinstance(value, str)} | set(
        tables.VARIANTS
    )
    places = pd.read_csv(papers.FOLDER / "places.csv", comment="#").query("record == 'older_baselines'")
    assert len(places) == 5
    assert {place.ours.split("'")[1] for place in places.itertuples()} <= names
    assert {tables.IFV, tables.SIFT_COLOUR} <= {
        *papers.table("offtheshelf/mit67").index,
        *papers.table("offtheshelf/cub200").index,
    }


def test_cells_cover_the_picture_once_at_each_level():
    assert [cell.side for cell in tables.CELLS] == [1.0] + 4 * [0.5] + 16 * [0.25]
    fine = [asdict(cell) for cell in tables.CELLS[5:]]
    corners = {tuple(x * (1 - cell["side"]) for x in cell["at"]) for cell in fine}
    assert {(round(4 * x, 6), round(4 * y, 6)) for x, y in corners} == {
        (x, y) for x in range(4) for y in range(4)
    }
