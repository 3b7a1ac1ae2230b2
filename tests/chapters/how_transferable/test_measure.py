"""C, S and T: against the authors' numbers, and against tables whose losses are known."""

import numpy as np
import pandas as pd
import pytest

from lecture_lib.chapters.how_transferable import measure
from lecture_lib.results import papers
from lecture_lib.results.claims import DID_NOT_HOLD, HELD

CUTS = range(1, 8)
THEIRS = papers.table("yosinski/decomposition")[[str(n) for n in CUTS]]


def lines(halves="random", split=0, target="B", classes=range(10), **of_kind):
    """One net a kind and cut: kind -> its loss at each cut, below a base that differs from class to class."""
    classes = np.array(classes)
    base = 60.0 + classes
    about = {"halves": halves, "split": split, "target": target, "classes": classes}
    yield about | {"method": "base", "cut": 0, "values": base}
    for kind, losses in of_kind.items():
        for n, loss in zip(CUTS, losses, strict=True):
            if not np.isnan(loss):
                yield about | {
                    "method": kind.replace("_plus", "+").replace("_", " "),
                    "cut": n,
                    "values": base + loss,
                }


def everything(**changed):
    """The authors' curves as ours, and dissimilar halves of the same classes."""
    C, S = (THEIRS.loc[row].to_numpy() for row in "CS")
    kinds = {
        "BnB": C,
        "AnB": C + S,
        "random_layers": np.full(7, -40.0),
        "BnB_plus": np.ones(7),
        "AnB_plus": np.ones(7),
    }
    kinds |= changed
    late = {kind: np.where(np.arange(7) < 4, np.nan, kinds[kind]) for kind in ("BnB", "AnB")}
    unlike = {"BnB": C, "AnB": THEIRS.loc["natural->man-made"].to_numpy()}
    return measure.table(
        [
            *lines(**kinds),
            *lines(target="A", classes=range(10, 20), **late),
            *lines(halves="dissimilar", **unlike),
            *lines(halves="dissimilar", target="A", classes=range(10, 20), **unlike),
        ]
    )


def test_the_two_losses_add_up_to_the_whole_one():
    of = measure.losses(everything())
    np.testing.assert_allclose(of["T"], of["C"] + of["S"], atol=1e-12)
    first = of.xs(("random", 0, "B"), level=measure.OF_TASK)
    np.testing.assert_allclose(first["C"].iloc[0], THEIRS.loc["C"], atol=1e-9)
    np.testing.assert_allclose(first["S"].iloc[0], THEIRS.loc["S"], atol=1e-9)


def test_where_the_authors_nets_become_specific():
    S = THEIRS.loc["S"]
    np.testing.assert_allclose(measure.increments(S), [-0.02, 0.02, 0.01, 0.06, 0.13, 0.27, 0.52], atol=0.006)
    assert measure.half_layer(S) == pytest.approx(6.05, abs=0.01)
    g = measure.increments(S).clip(min=0)
    assert measure.effective_number(S) == pytest.approx(np.prod([p**-p for p in g[g > 0] / g.sum()]))
    spread = papers.table("yosinski/decomposition")[[f"{n} spread" for n in CUTS]].loc["S"].to_numpy()
    assert measure.general_up_to(S + 3.18 * spread / 2) == 3  # Student's t of four pairs


@pytest.mark.parametrize(
    ("S", "half", "number"),
    [
        ([0, 0, 0, 0, 0, 0, -8], 6.5, 1),  # sudden
        ([0, 0, -8, -8, -8, -8, -8], 2.5, 1),
        ([-1, -2, -3, -4, -5, -6, -7], 3.5, 7),  # even
        ([1, 0, 0, -4, -4, -4, -4], 3.5, None),  # a rise is noise
    ],
)
def test_sudden_and_even_transitions(S, half, number):
    assert measure.half_layer(S) == pytest.approx(half)
    if number:
        assert measure.effective_number(S) == pytest.approx(number)


def test_without_a_loss_there_is_no_half_of_it():
    with pytest.raises(ValueError, match=r"at the last cut S is \+0.5"):
        measure.half_layer([0, 0, 0, 0, 0, 0, 0.5])


def test_general_is_what_no_interval_denies():
    assert measure.general_up_to([1, 0.5, -0.1, 2, -1, -1, -1]) == 2
    assert measure.general_up_to([1] * 7) == 7
    assert measure.general_up_to([-1] * 7) == 0


def test_a_class_of_two_tasks_counts_once_and_tasks_have_their_spread():
    table = measure.table([*lines(BnB=[-2] * 7, AnB=[-3] * 7), *lines(split=1, BnB=[-4] * 7, AnB=[-9] * 7)])
    rows = pd.DataFrame(measure.intervals(table, seed=0)).set_index(["method", "cut", "metric"])
    assert len(measure.by_class(measure.losses(table)["C", 1])) == 10
    assert rows.value["C", 1, "points"] == pytest.approx(-3)
    assert rows.value["S", 7, "points"] == pytest.approx(-3)
    assert rows.loc[("S", 7, "points"), ["spread", "n_splits"]].tolist() == [
        pytest.approx(np.std([1, 5], ddof=1)),
        2,
    ]
    assert (
        rows.value["T", 7, "points low"] <= rows.value["T", 7, "points"] <= rows.value["T", 7, "points high"]
    )


def test_a_table_without_pairs_says_so():
    with pytest.raises(ValueError, match="BnB and AnB"):
        measure.losses(measure.table(lines(AnB=[-1] * 7)))


def test_where_is_told_with_an_interval_that_contains_it():
    noise = np.random.default_rng(0).normal(0, 0.5, (10, 7))
    table = everything().loc[["random"]].dropna(subset=[("AnB", 1)])
    table["AnB"] = table["AnB"] + noise
    rows = {row["metric"]: row["value"] for row in measure.where(table, seed=0)}
    assert rows["half-layer low"] < rows["half-layer"] < rows["half-layer high"]
    assert rows["half-layer"] == pytest.approx(6.05, abs=0.3)
    table["AnB"] = table["BnB"] + 1
    assert measure.where(table, seed=0) == []


def verdicts(**changed):
    return {
        claim.id.removeprefix("transfer/"): claim
        for claim in measure.claims(everything(**changed), 0, "twin")
    }


CLAIMS = {  # claim -> a change that turns it, and no other but those named
    "general/1": ({"AnB": [-3, 0, -0.35, -2.46, -4.63, -4.34, -8.24]}, set()),
    "general/2": ({"AnB": [0.48, -3, -0.35, -2.46, -4.63, -4.34, -8.24]}, set()),
    "last": ({"AnB": [0.48, 0, -0.35, -2.46, -4.63, -9, -8.24]}, set()),
    "middle": ({"BnB": [0.35, 0, -0.24, 1, 1, -0.42, 0]}, set()),
    "plus": ({"AnB_plus": [1, 1, -2, -2, -2, -2, -2]}, set()),
    "random": ({"random_layers": [-10] * 7}, set()),
    "dissimilar": ({"AnB": [0.48, 0, -0.35, -2.46, -4.63, -8, -30]}, set()),
}


def test_on_the_authors_curves_every_claim_holds():
    assert {id: claim.verdict for id, claim in verdicts().items()} == dict.fromkeys(CLAIMS, HELD)


@pytest.mark.parametrize("id", CLAIMS)
def test_each_claim_is_about_what_it_names(id):
    changed, others = CLAIMS[id]
    turned = {id for id, claim in verdicts(**changed).items() if claim.verdict == DID_NOT_HOLD}
    assert turned == {id} | others


def test_without_groups_nothing_is_said_of_dissimilar_halves():
    table = everything().loc[["random"]]
    assert "transfer/dissimilar" not in {claim.id for claim in measure.claims(table, 0, "real")}


@pytest.mark.parametrize("name", ["yosinski/accuracy", "yosinski/decomposition"])
def test_the_authors_tables_are_numbers_with_their_source(name):
    about, frame = papers.about(name), papers.table(name)
    assert {"title", "paper", "table", "dataset", "metric", "unit", "protocol"} <= set(about)
    assert papers.columns(name)[-7:] == [str(n) for n in CUTS]
    assert (frame.dtypes == "float64").all()


def test_the_authors_differences_are_those_of_their_accuracies():
    accuracy = papers.table("yosinski/accuracy")
    cuts = [str(n) for n in CUTS]
    for row, less, more, off in (("C", "base", "BnB", 0.25), ("T", "base", "AnB", 0.2)):
        base = accuracy.loc[more, less]
        np.testing.assert_allclose(accuracy.loc[more, cuts] - base, THEIRS.loc[row], atol=off)
    for row in ("natural->man-made", "man-made->natural"):
        np.testing.assert_allclose(
            accuracy.loc[row, cuts] - accuracy.loc[row, "base"], THEIRS.loc[row], atol=0.11
        )
    np.testing.assert_allclose(THEIRS.loc["C"] + THEIRS.loc["S"], THEIRS.loc["T"], atol=0.32)


def test_losses_are_read_from_a_record_as_they_were_written():
    rows = [
        {"experiment": group, "method": "S", "cut": n, "metric": metric, "value": value + by + n}
        for group, value in (("a", 0.0), ("b", 50.0))
        for n in (1, 2)
        for metric, by in (("points", 0), ("points low", -3), ("points high", 4))
    ]
    found = measure.recorded_losses(
        pd.DataFrame([*rows, {**rows[0], "metric": "half-layer", "value": 9.0}]), "a"
    )
    assert found["S"].to_dict("index") == {
        1: {"high": 5.0, "low": -2.0, "value": 1.0},
        2: {"high": 6.0, "low": -1.0, "value": 2.0},
    }
