"""The record's pieces on tiny collections: every row is there, and every claim is judged."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from lecture_lib import backbones, settings
from lecture_lib.chapters.parts_and_attributes import birds, dpd, record, statements
from lecture_lib.results.claims import Claim


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    for module, name, value in (
        (dpd, "WORDS", 16), (dpd, "STEP", 8), (dpd, "SIZES", (6,)), (birds, "POOFS", 24), (birds, "TRANSFER", 2),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    for module, name in ((record, "ap_rows"), (statements, "ap_claims")):
        monkeypatch.setattr(module, name, partial(getattr(module, name), n_boot=50))
    settings.use("demo", cache=tmp_path, quiet=True)
    yield backbones.load()
    settings.reset()


def test_every_row_of_birds_has_a_number_and_every_claim_a_verdict(tiny, small_twin):
    images = small_twin("cub200")
    few = np.flatnonzero((images.labels < 4) & (np.arange(len(images)) % 16 < 10))
    part = images[few]
    half = np.arange(len(few)) % 10 < 6
    part = replace(
        part, classes=images.classes[:4], groups=images.groups[:4], protocol=images.protocol,
        splits={"train": np.flatnonzero(half), "test": np.flatnonzero(~half)},
    )  # fmt: skip
    rows, claims = record.of_birds(tiny, part, 0)
    values = {
        (row["method"], row.get("parts", ""), row.get("region", "")): row["value"]
        for row in rows
        if not row["metric"].endswith((" low", " high"))
    }
    assert len(values) == 2 + 10 + 3 - 1  # both distances of points go by one name
    assert all(np.isfinite(value) and 0 <= value <= 100 for value in values.values())
    assert values["DPD + DeCAF6", "oracle", "box"] > values["DeCAF6", "", "whole picture"]
    assert len(claims) == 9
    assert all(isinstance(claim, Claim) for claim in claims)
    assert {claim.n for claim in claims[:7]} == {(~half).sum()}


def test_every_row_of_people_has_a_number_and_every_claim_a_verdict(tiny, small_twin):
    images = small_twin("h3d")
    few = np.r_[:24, 60:84]
    splits = {"train": np.arange(24), "test": np.arange(24, 48)}
    images = replace(images[few], splits=splits, protocol=images.protocol)
    rows, claims = record.of_people(tiny, images, 0)
    mean = {row["method"]: row["value"] for row in rows if row["metric"] == "mAP"}
    assert len(mean) == 10
    test = images.labels[images.split_indices()[1]]
    both = (test == 1).any(0) & (test == 0).any(0)
    shares = [(column == 1).sum() / (column >= 0).sum() for column in test.T[both]]
    assert mean["Freq"] == pytest.approx(100 * np.mean(shares))
    assert len(claims) == 8


def test_claims_are_judged_in_the_direction_of_their_sentence():
    truth = np.array([[1, 1], [0, 0]] * 20, np.int8)
    good, bad = truth[None].astype(float), -truth[None].astype(float)
    scores = {"CNN-SVM, upper half": bad, "CNN-SVM, lower half": good}
    claims = statements.of_people(scores, truth, ["shorts", "hat"], "twin", 0)
    assert {claim.id: claim.effect > 0 for claim in claims} == {
        "people/below, drawings": True, "people/above, drawings": False,
    }  # fmt: skip
