"""Statements about retrieval: from planted values to verdicts."""

import itertools

import pandas as pd
import pytest

from lecture_lib.chapters.instance_retrieval.statements import claims
from lecture_lib.results.claims import DID_NOT_HOLD, HELD

MEANS = {
    "BoW": 30, "VLAD": 40, "ASMK*": 45, "ASMK*+MA": 50, "ASMK": 46, "ASMK+MA": 52, "CNN": 20, "CNN-ss": 35,
    "CNNaug-ss": 48, "CNN-ss, 128 numbers": 34.5, "VLAD, 128 numbers": 20,
}  # fmt: skip


def planted(datasets, **more):
    return pd.DataFrame(
        {"dataset": dataset, "instance": f"{dataset} {i}", "method": method, "value": mean + i + 0.1 * query}
        for dataset, i, query in itertools.product(datasets, range(11), range(3))
        for method, mean in {**MEANS, **more}.items()
    )


def verdicts_of(values):
    return {claim.id.split("/")[1].split(",")[0]: claim.verdict for claim in claims(values, "twin", 0)}


def test_statements_hold_or_not_as_planted():
    verdicts = verdicts_of(planted(["oxford5k", "paris6k"]))
    assert verdicts.pop("short-vlad") == DID_NOT_HOLD
    assert set(verdicts.values()) == {HELD}
    assert not {"bob", "behind", "competitive-places"} & set(verdicts)


def test_instances_count_and_not_queries():
    assert {claim.n for claim in claims(planted(["oxford5k", "paris6k"]), "twin", 0)} == {22}


@pytest.mark.parametrize(("bob", "best"), [(60, HELD), (50, DID_NOT_HOLD)])
def test_bob_has_to_beat_the_best_of_all_other_rows_on_sculptures(bob, best):
    values = pd.concat([planted(["oxford5k", "holidays"]), planted(["sculptures6k"], BoB=bob)])
    verdicts = verdicts_of(values)
    assert verdicts["bob"] == best
    assert verdicts["behind"] == HELD
    assert verdicts["competitive-places"] == HELD
