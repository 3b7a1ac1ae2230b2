"""mAP of several methods on the same test pictures: cases by hand, and resamples that lack a class."""

import numpy as np
import pytest

from lecture_lib.metrics import average_precision
from lecture_lib.results import claims, resampling
from lecture_lib.results.claims import DID_NOT_HOLD, HELD, TOO_CLOSE

TRUTH = np.tile(np.array([[1, 0], [1, 0], [0, 1], [0, 0], [0, -1]], np.int8), (8, 1))
PERFECT = np.where(TRUTH == 1, 2.0, TRUTH)[None]
WORST = -PERFECT


def test_ap_is_that_of_each_seed_and_class():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(3, 40, 2))
    expected = [[100 * average_precision(s[:, c], TRUTH[:, c]) for c in range(2)] for s in scores]
    np.testing.assert_allclose(resampling.by_seed(scores, TRUTH), expected)
    assert resampling.mean_ap(scores, TRUTH) == pytest.approx(np.mean(expected))
    assert resampling.mean_ap(PERFECT, TRUTH) == 100


def test_a_resample_without_a_positive_of_a_class_goes_without_that_class():
    absent = np.flatnonzero(TRUTH[:, 1] != 1)
    scores = np.concatenate([PERFECT, WORST])
    by_hand = [100 * average_precision(s[absent, 0], TRUTH[absent, 0]) for s in scores]
    assert np.isnan(resampling.by_seed(scores[:, absent], TRUTH[absent])[:, 1]).all()
    assert resampling.mean_ap(scores[:, absent], TRUTH[absent]) == pytest.approx(np.mean(by_hand))


def test_a_class_with_one_positive_still_has_an_interval():
    truth = TRUTH.copy()
    truth[:, 1] = 0
    truth[2, 1] = 1  # a resample goes without it in one case of three
    given = {"good": np.where(truth == 1, 2.0, 0)[None], "bad": np.where(truth == 1, -2.0, 0)[None]}
    results = resampling.summarise(given, truth, ["a", "b"], "few", "twin", 0, 100)
    assert [r.mean for r in results if r.row == "good"] == [100] * 5
    (claim,) = resampling.compare(given, truth, [("id", "good is good", "good", "bad", 0)], "twin", 0, 100)
    # by hand: 16 of 40 and 1 of 40 positives, all at the end
    assert claim.effect == pytest.approx(100 - 50 * (16 / 40 + 1 / 40))
    assert claim.verdict == HELD


def test_results_are_the_mean_its_interval_and_each_class():
    scores = np.concatenate([PERFECT, WORST])
    results = resampling.summarise({"row": scores}, TRUTH, ["a", "b"], "few", "twin", 7, 50)
    assert [r.metric for r in results] == ["mAP", "mAP, 95 % from", "mAP, 95 % to", "AP, a", "AP, b"]
    last = 100 * np.array(
        [16 / 40, 8 / 32]
    )  # the positives after all others; difficult ones count on no side
    in_all, low, high, *of_class = results
    assert in_all.mean == pytest.approx((100 + last.mean()) / 2)
    assert in_all.spread == pytest.approx((100 - last.mean()) / 2**0.5)
    assert [r.mean for r in of_class] == pytest.approx(list((100 + last) / 2))
    assert [r.spread for r in of_class] == pytest.approx(list((100 - last) / 2**0.5))
    assert (low.spread, high.spread) == (None, None)
    assert {(r.n_splits, r.seed, r.source, r.column) for r in results} == {(2, 7, "twin", "few")}
    interval = claims.bootstrap(
        lambda some: resampling.mean_ap(scores[:, some], TRUTH[some]), 40, seed=7, n_boot=50
    )
    assert (low.mean, high.mean) == interval


def test_rows_of_other_numbers_of_seeds_are_compared_by_their_means():
    given = {"one": PERFECT, "two": np.concatenate([PERFECT, WORST])}
    tested = [("a", "one is ahead", "one", "two", 0), ("b", "two is ahead", "two", "one", 0)]
    first, second = resampling.compare(given, TRUTH, tested, "real", 0, 50)
    assert first.effect == pytest.approx(100 - (100 + (40 + 25) / 2) / 2)
    assert (first.effect, first.low, first.high) == (-second.effect, -second.high, -second.low)
    assert (first.verdict, second.verdict) == (HELD, DID_NOT_HOLD)
    assert (first.id, first.statement, first.unit, first.n) == ("a", "one is ahead", "points of mAP", 40)
    assert {first.source, second.source} == {"real"}


@pytest.mark.parametrize(
    ("margin", "verdict"), [(-1, HELD), (0, TOO_CLOSE), (1, DID_NOT_HOLD), (100, DID_NOT_HOLD)]
)
def test_the_margin_decides(margin, verdict):
    given = {"a": PERFECT, "b": PERFECT + 5}
    (claim,) = resampling.compare(given, TRUTH, [("id", "a is ahead", "a", "b", margin)], "twin", 0, 20)
    assert (claim.effect, claim.low, claim.high, claim.verdict) == (0, 0, 0, verdict)
