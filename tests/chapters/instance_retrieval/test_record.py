"""The record: which methods run on which collection, what an interrupted run keeps, how cost is followed."""

from types import SimpleNamespace

import numpy as np
import pytest

from lecture_lib import store
from lecture_lib.chapters.instance_retrieval import cost, network_rows
from lecture_lib.chapters.instance_retrieval.record import families, kept
from lecture_lib.chapters.instance_retrieval.tables import Search


@pytest.mark.parametrize(
    ("name", "source", "with_", "without"),
    [
        ("oxford5k", "real", {"by_fine_words, dense", "verified, DoG", "mop"}, {"by_boundaries", "verified, dense"}),
        ("sculptures6k", "twin", {"by_boundaries"}, {"by_fine_words, DoG", "mop"}),
        ("sculptures6k", "real", {"by_words, DoG"}, {"by_boundaries"}),
        ("ukbench", "twin", {"by_codes, dense", "by_patches"}, {"verified, DoG", "mop"}),
    ],
)  # fmt: skip
def test_methods_run_where_they_can_and_nothing_is_computed_before_it_is_asked_for(
    name, source, with_, without
):
    task = Search(SimpleNamespace(name=name, source=source), (), None, None)
    names = [family for family, _, _ in families(task, None)]
    assert len(set(names)) == len(names)
    assert with_ <= {*names}
    assert not without & {*names}


def test_what_a_run_has_finished_is_not_computed_again(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "folder", lambda _: tmp_path / "results")
    calls = []

    def rows():
        calls.append(1)
        return [{"value": 0.5}]

    for _ in range(2):
        assert kept(cost.__name__, ["a"], rows) == [{"value": 0.5}]
    assert len(calls) == 1
    kept(cost.__name__, ["b"], rows)
    kept(network_rows.__name__, ["a"], rows)
    assert len(calls) == 3


def test_straight_lines_are_followed_to_a_million_pictures():
    shared = {"method": "m"}
    rows = [
        shared | {"metric": metric, "n": n, "value": value}
        for n in (500, 1000, 2000)
        for metric, value in (("bytes a picture", 50 + 1e4 / n), ("seconds a query", 1e-3 + 1e-6 * n))
    ]
    found = {row["metric"]: row for row in cost.extrapolated(rows)}
    np.testing.assert_allclose(found["bytes a picture"]["value"], 50.01)
    np.testing.assert_allclose(found["seconds a query"]["value"], 1.001)
    assert {row["n"] for row in found.values()} == {1_000_000}
