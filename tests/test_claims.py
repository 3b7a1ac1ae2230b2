"""Intervals and verdicts: against scipy, by simulation, and in cases worked by hand."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lecture_lib.metrics import average_precision
from lecture_lib.results import claims
from lecture_lib.results.claims import DID_NOT_HOLD, HELD, TOO_CLOSE, Claim, paired_claim
from lecture_lib.results.intervals import bootstrap, mean_interval, mean_over_classes

TRUTH = np.tile(np.array([[1, 0], [1, 0], [0, 1], [0, 0], [0, -1]], np.int8), (8, 1))
PERFECT = np.where(TRUTH == 1, 2.0, TRUTH)[None]
WORST = -PERFECT
LAST = 100 * np.array([16 / 40, 8 / 32])  # AP by hand of WORST; difficult pictures count on no side


def judge(differences, **changed):
    return paired_claim("id", "fc6 beats pool5", differences, **{"source": "twin", "seed": 0} | changed)


# intervals


@pytest.mark.parametrize("n", [3, 9])
def test_few_values_have_students_interval_and_p(n):
    values = np.random.default_rng(n).normal(0.5, 1, n)
    found, test = mean_interval(values, seed=0), stats.ttest_1samp(values, 0)
    assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval()))
    assert found.p == pytest.approx(test.pvalue)


def test_many_values_have_scipys_percentile_interval():
    values = np.random.default_rng(1).exponential(size=400)
    expected = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(2)
    ).confidence_interval
    width = expected.high - expected.low
    found = mean_interval(values, seed=0)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=width / 20)
    by_measure = bootstrap(lambda some: values[some].mean(), 400, seed=0)
    assert (by_measure.low, by_measure.high) == pytest.approx(tuple(expected), abs=width / 10)


@pytest.mark.parametrize("n", [12, 60])
def test_p_is_below_five_per_cent_exactly_where_the_margin_is_outside(n):
    values = np.random.default_rng(n).normal(0.3, 1, n)
    found = mean_interval(values, seed=0)
    for margin, inside in ((found.low + 0.02, True), (found.low - 0.02, False), (found.high + 0.02, False)):
        assert (mean_interval(values, seed=0, margin=margin).p > 0.05) == inside
    assert found.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.03)


def test_an_interval_of_twelve_classes_covers_the_truth():
    samples = np.random.default_rng(0).normal(size=(200, 12))
    intervals = [bootstrap(lambda some, x=x: x[some].mean(), 12, seed=0, n_boot=500) for x in samples]
    assert 0.91 < np.mean([found.low <= 0 <= found.high for found in intervals]) < 0.98


def test_an_interval_of_map_covers_that_of_other_test_sets_and_does_not_lean():
    """Plain percentiles of these draws miss on one side only: they lie above the truth."""
    rng = np.random.default_rng(0)

    def draw():
        truth = (rng.random((60, 6)) < np.linspace(0.06, 0.3, 6)).astype(np.int8)
        return truth, 1.5 * truth + rng.normal(size=truth.shape)

    def mean_ap(truth, scores):
        return 100 * np.nanmean(average_precision(scores, truth))

    truth_of_this_size = np.mean([mean_ap(*draw()) for _ in range(400)])
    below, above = 0, 0
    for _ in range(100):
        truth, scores = draw()
        found = bootstrap(lambda some, t=truth, s=scores: mean_ap(t[some], s[some]), 60, seed=0, n_boot=150)
        below += found.high < truth_of_this_size
        above += found.low > truth_of_this_size
        assert found.low < found.value < found.high
    assert below + above < 13
    assert max(below, above) < 9


def test_the_interval_over_classes_is_that_of_what_is_drawn():
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(20), 30)
    values = rng.normal(size=20)[classes] + rng.normal(size=600) * 0.1  # pictures of a class agree
    found = mean_over_classes(values, classes)
    of_class = mean_interval(values.reshape(20, 30).mean(1), seed=0)
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((of_class.low, of_class.high), abs=0.05)
    over_pictures = mean_over_classes(values, np.arange(600))
    assert found.high - found.low > 3 * (over_pictures.high - over_pictures.low)


def test_resamples_that_define_no_measure_are_left_out():
    rare = np.arange(10) == 0  # in 65 % of the resamples
    found = bootstrap(lambda rows: 50 + rows.mean() if rare[rows].any() else np.nan, 10, seed=0)
    assert 50 < found.low < found.value == 54.5 < found.high < 59
    with pytest.raises(ValueError, match=r"NaN for \d+ of 40 resamples of 10 pictures"):
        bootstrap(lambda rows: np.nan if rare[rows].any() else 1.0, 10, seed=0, n_boot=40)


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        ([1.0], r"Claim id needs two values or more, as \[n\]; these are \(1,\)"),
        (np.zeros((5, 2)), r"these are \(5, 2\)"),
        ([1.0, np.nan, 2.0], "1 of 3 values are not finite"),
    ],
)
def test_differences_that_cannot_be_judged_are_rejected(differences, words):
    with pytest.raises(ValueError, match=words):
        judge(differences)


# verdicts


@pytest.mark.parametrize("n", [2, 9, 10, 300])
def test_the_verdict_follows_from_the_interval(n):
    noise = np.linspace(-1, 1, n)
    up, down, near = judge(36 + noise), judge(-36 + noise), judge(noise + 0.01)
    assert (up.verdict, down.verdict, near.verdict) == (HELD, DID_NOT_HOLD, TOO_CLOSE)
    assert (up.n, up.effect) == (n, pytest.approx(36))


def test_the_margin_moves_the_line_and_not_the_effect():
    differences = np.array([-0.5, -0.4, -0.3, -0.6, -0.2, -0.4, -0.5])
    at = {margin: judge(differences, margin=margin) for margin in (0, -1, -0.41)}
    assert [claim.verdict for claim in at.values()] == [DID_NOT_HOLD, HELD, TOO_CLOSE]
    assert {claim.effect for claim in at.values()} == {differences.mean()}


@pytest.mark.parametrize("n", [3, 50])
def test_no_difference_at_all_is_too_close_to_call(n):
    claim = judge(np.zeros(n))
    assert (claim.verdict, claim.low, claim.high, claim.p) == (TOO_CLOSE, 0, 0, 1)
    assert judge(np.full(n, 2.0)).verdict == HELD


def with_p(p, effect=1.0):
    low, high = (0.1, 2.0) if p < 0.05 else (-1.0, 2.0)
    return Claim(
        "id", "it is so", effect, *sorted((low * effect, high * effect)), 0.0, p, "%", "classes", 9, "real"
    )


def test_holm_by_hand():
    # sorted: .01 x 4 = .04, .013 x 3 = .039 (at least .04), .03 x 2 = .06, then nothing below that is significant
    found = claims.after_holm([with_p(0.03), with_p(0.01), with_p(0.04), with_p(0.013, effect=-1.0)])
    assert found == [TOO_CLOSE, HELD, TOO_CLOSE, DID_NOT_HOLD]


@given(st.lists(st.floats(1e-4, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_plain_verdict_and_bonferronis(ps):
    for p, after in zip(ps, claims.after_holm([with_p(p) for p in ps]), strict=True):
        assert after == TOO_CLOSE or p < 0.05
        assert after == HELD or p >= 0.05 / len(ps)


def test_verdicts_are_printed_without_numbers_and_counted(capsys):
    few = [with_p(0.03), with_p(0.04)]
    claims.verdicts(few)
    printed = capsys.readouterr().out
    assert printed.count("held: it is so\n    (after Holm's correction: too close to call)") == 2
    assert "2 claims tested together" in printed
    claims.verdicts([dataclasses.replace(few[0], p=None, source="twin", over="pictures"), few[1]])
    printed = capsys.readouterr().out
    assert "held (twin): it is so\nheld: it is so\n2 claims" in printed
    assert "lean upwards" in printed
    assert claims.numbers(few).loc["id", ["effect", "p"]].to_numpy().tolist() == [["+1", 0.03], ["+1", 0.04]]


# mAP


def test_rows_are_the_ap_of_each_seed_and_class_with_an_interval():
    scores = {"row": np.concatenate([PERFECT, WORST])}
    rows = claims.ap_rows(scores, TRUTH, ["a", "b"], seed=7, n_boot=50, dataset="few")
    assert {(r["dataset"], r["method"]) for r in rows} == {("few", "row")}
    found = {(r.get("seed"), r.get("class"), r["metric"]): r["value"] for r in rows}
    low, high = found.pop((None, None, "mAP low")), found.pop((None, None, "mAP high"))
    assert found == {
        (7, None, "mAP"): 100,
        (7, "a", "AP"): 100,
        (7, "b", "AP"): 100,
        (8, None, "mAP"): pytest.approx(LAST.mean()),
        (8, "a", "AP"): pytest.approx(LAST[0]),
        (8, "b", "AP"): pytest.approx(LAST[1]),
    }
    assert low < (100 + LAST.mean()) / 2 < high


def test_methods_of_other_numbers_of_seeds_are_compared_by_their_means():
    given = {"one": PERFECT, "two": np.concatenate([PERFECT, WORST])}
    tested = [("a", "one is ahead", "one", "two", 0), ("b", "two is ahead", "two", "one", 0)]
    first, second = claims.ap_claims(given, TRUTH, tested, source="real", seed=0, n_boot=50)
    assert first.effect == pytest.approx(100 - (100 + LAST.mean()) / 2)
    assert (first.effect, first.low) == pytest.approx((-second.effect, -second.high))
    assert (first.verdict, second.verdict) == (HELD, DID_NOT_HOLD)
    assert (first.over, first.n, first.source) == ("pictures", 40, "real")


def test_a_resample_without_a_positive_of_a_class_goes_without_that_class():
    absent = np.flatnonzero(TRUTH[:, 1] != 1)
    scores = np.concatenate([PERFECT, WORST])
    by_hand = [100 * average_precision(s[absent, 0], TRUTH[absent, 0]) for s in scores]
    assert claims.mean_ap(scores[:, absent], TRUTH[absent]) == pytest.approx(np.mean(by_hand))


@pytest.mark.parametrize(("margin", "verdict"), [(-1, HELD), (0, TOO_CLOSE), (1, DID_NOT_HOLD)])
def test_the_same_ranking_is_told_apart_by_the_margin_alone(margin, verdict):
    given = {"a": PERFECT, "b": PERFECT + 5}
    tested = [("id", "a is ahead", "a", "b", margin)]
    (claim,) = claims.ap_claims(given, TRUTH, tested, source="twin", seed=0, n_boot=20)
    assert (claim.effect, claim.low, claim.high, claim.verdict) == (0, 0, 0, verdict)
