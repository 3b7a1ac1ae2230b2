import json
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from scipy import stats

from lecture_lib import settings
from lecture_lib.display.tables import beside
from lecture_lib.results import claims, papers
from lecture_lib.results.claims import Claim, Result, paired_claim


@pytest.fixture(autouse=True)
def demo(monkeypatch, tmp_path):
    """The demo profile, writing under a folder of the test's own."""
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(settings, "REPOSITORY", tmp_path)
    monkeypatch.setattr(settings, "PACKAGE_DATA", tmp_path / "data")
    monkeypatch.setattr(settings, "_chosen", {"profile": "demo"})
    monkeypatch.setattr(settings, "_settings", None)
    return tmp_path


def result(**changed):
    fields = {
        "table": "decaf/caltech101",
        "row": "SVM",
        "column": "DeCAF6",
        "metric": "mean class accuracy",
        "mean": 81.25,
        "spread": 1.04,
        "n_splits": 5,
        "seed": 0,
        "source": "twin",
    }
    return Result(**fields | changed)


def judge(differences, **changed):
    options = {"unit": "points", "source": "twin", "seed": 0, "n_boot": 2000}
    return paired_claim("id", "fc6 is better than pool5", differences, **options | changed)


# verdicts


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 300])
def test_verdict_follows_from_the_interval_alone(n):
    noise = np.linspace(-1, 1, n)
    up, down, near = judge(9 * 4 + noise), judge(-9 * 4 + noise), judge(noise + 0.01)
    assert (up.verdict, down.verdict, near.verdict) == ("held", "did not hold", "too close to call")
    assert up.low > 0
    assert down.high < 0
    assert near.low < 0 < near.high
    assert up.n == n
    assert up.effect == pytest.approx(36)


def test_margin_moves_the_line_not_the_effect():
    differences = np.array([-0.5, -0.4, -0.3, -0.6, -0.2, -0.4, -0.5])
    assert judge(differences).verdict == "did not hold"
    assert judge(differences, margin=-1).verdict == "held"  # "at most one point worse"
    assert judge(differences, margin=-0.41).verdict == "too close to call"
    assert (
        judge(differences, margin=-1).effect == judge(differences).effect == pytest.approx(differences.mean())
    )


def test_no_difference_at_all_is_too_close_to_call():
    for n in (3, 5, 50):
        claim = judge(np.zeros(n))
        assert (claim.verdict, claim.low, claim.high) == ("too close to call", 0, 0)
    assert judge(np.full(5, 2.0)).verdict == "held"


def test_same_seed_same_interval_and_the_seed_matters_little():
    differences = np.random.default_rng(0).normal(0.3, 1, 40)
    one, again, other = (judge(differences, seed=s, n_boot=10_000) for s in (1, 1, 2))
    assert one == again
    assert one != other
    assert other.low == pytest.approx(one.low, abs=0.03)
    assert other.high == pytest.approx(one.high, abs=0.03)


def test_resampling_in_blocks_covers_all_resamples(monkeypatch):
    # 7,000 values leave room for 299 resamples a block, 2,000 need seven blocks
    values = np.random.default_rng(3).exponential(size=7000)
    low, high = claims.mean_interval(values, seed=0, n_boot=2000)
    half = 1.96 * values.std(ddof=1) / np.sqrt(7000)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=half / 8)


def test_fewer_than_five_pairs_get_a_t_interval_and_say_so():
    differences = np.array([1.0, 2.0, 4.0])
    claim = judge(differences)
    expected = stats.t.interval(0.95, 2, differences.mean(), stats.sem(differences))
    assert (claim.low, claim.high) == pytest.approx(expected)
    assert claim.verdict == "too close to call"
    assert "from only 3 pairs" in claim.numbers
    assert "only" not in judge([1, 2, 4, 3, 2]).numbers


def test_interval_of_five_splits_is_not_as_short_as_plain_percentiles():
    # Plain percentiles of five values cover the truth in 86 % of the cases.
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(400, 5))
    intervals = [claims.mean_interval(sample, seed=0, n_boot=1500) for sample in samples]
    covered = np.mean([low <= 0 <= high for low, high in intervals])
    assert covered > 0.895
    assert all(
        sample.min() <= low <= high <= sample.max()
        for sample, (low, high) in zip(samples, intervals, strict=True)
    )


def test_interval_of_many_images_is_the_plain_percentile_interval():
    values = np.random.default_rng(1).exponential(size=400)
    resampled = stats.bootstrap(
        (values,),
        np.mean,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(2),
        vectorized=True,
    ).confidence_interval
    width = resampled.high - resampled.low
    assert claims.mean_interval(values, seed=0) == pytest.approx(tuple(resampled), abs=width / 20)


def test_bootstrap_of_a_measure_that_is_no_mean_covers_the_truth():
    rng = np.random.default_rng(0)
    samples = rng.exponential(size=(300, 60))
    intervals = [
        claims.bootstrap(lambda rows, x=x: x[rows].mean(), 60, seed=i, n_boot=300)
        for i, x in enumerate(samples)
    ]
    covered = np.mean([low <= 1 <= high for low, high in intervals])
    assert 0.9 < covered < 0.975
    narrower = claims.bootstrap(lambda rows: samples[0, rows].mean(), 60, seed=0, n_boot=300, level=0.5)
    assert intervals[0][0] < narrower[0] < samples[0].mean() < narrower[1] < intervals[0][1]


def test_bootstrap_draws_pictures_with_replacement_and_repeats_with_its_seed():
    seen = []
    x = np.random.default_rng(1).normal(size=20)

    def measure(rows):
        seen.append(rows)
        return np.median(x[rows])

    first = claims.bootstrap(measure, 20, seed=3, n_boot=50)
    rows = np.array(seen)
    assert rows.shape == (50, 20)
    assert rows.dtype == np.int64
    assert (rows.min(), rows.max()) == (0, 19)
    assert len({tuple(r) for r in rows.tolist()}) == 50
    assert np.mean([len(set(r)) / 20 for r in rows.tolist()]) == pytest.approx(
        1 - (1 - 1 / 20) ** 20, abs=0.03
    )
    assert claims.bootstrap(measure, 20, seed=3, n_boot=50) == first
    assert claims.bootstrap(measure, 20, seed=4, n_boot=50) != first


def test_bootstrap_leaves_out_resamples_that_define_no_measure():
    rare = np.arange(10) == 0  # in 65 % of the resamples

    def mean_with_the_rare_one(rows):
        return 50 + rows.mean() if rare[rows].any() else np.nan

    low, high = claims.bootstrap(mean_with_the_rare_one, 10, seed=0)
    assert 50 <= low < high <= 59
    with pytest.raises(ValueError, match=r"NaN for \d+ of 40 resamples of 10 pictures"):
        claims.bootstrap(lambda rows: np.nan if rare[rows].any() else 1.0, 10, seed=0, n_boot=40)
    with pytest.raises(ValueError, match="two pictures or more, not 1"):
        claims.bootstrap(np.mean, 1, seed=0)


def test_ten_thousand_resamples_of_a_thousand_images_take_no_second():
    values = np.random.default_rng(0).normal(size=1000)
    start = time.process_time()
    claims.mean_interval(values, seed=0)
    assert time.process_time() - start < 1.5


def test_differences_that_cannot_be_judged_are_rejected():
    for differences, words in [
        ([1.0], r"Claim id needs two values or more, as \[n\]; these are \(1,\)"),
        ([], r"these are \(0,\)"),
        (np.zeros((5, 2)), r"these are \(5, 2\)"),
        ([1.0, np.nan, 2.0], r"1 of 3 values are not finite \(first: 1\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            judge(differences)


def test_printed_verdict_has_no_number_that_another_machine_may_round_otherwise():
    claim = judge([7.1, 7.9, 8.4, 7.7, 8.0])
    assert str(claim) == "held (twin): fc6 is better than pool5"
    assert str(judge([7.1, 7.9, 8.4], source="real")) == "held: fc6 is better than pool5"
    assert re.fullmatch(r"\+7\.82 points, interval \+\S+ to \+\S+ \(n = 5\)", claim.numbers)


def test_claims_written_by_hand_keep_the_three_verdicts():
    fields = {"id": "a", "statement": "s", "effect": 1.0, "low": 0.5, "high": 2.0, "unit": "%", "n": 9}
    with pytest.raises(ValueError, match="no verdict 'yes'"):
        Claim(verdict="yes", source="twin", **fields)
    with pytest.raises(ValueError, match="no source 'demo'"):
        Claim(verdict="held", source="demo", **fields)
    with pytest.raises(ValueError, match="no interval from nan to 2"):
        Claim(verdict="held", source="twin", **fields | {"low": float("nan")})


# results


def test_result_beside_an_unknown_cell_is_rejected_at_once():
    for changed, words in [
        ({"table": "decaf/caltech"}, "no table 'decaf/caltech'; there is 'decaf/caltech101'"),
        ({"row": "Svm"}, "no row 'Svm'; there is 'SVM'"),
        ({"column": "fc6"}, "no column of results 'fc6'"),
    ]:
        with pytest.raises(papers.UnknownEntry, match=words):
            result(**changed)
    assert result(table=None, row="kNN purity", column="fire9").table is None


def test_result_with_impossible_numbers_is_rejected():
    for changed, words in [
        ({"mean": float("nan")}, "the mean is nan"),
        ({"mean": 101.0}, "from 0 to 100"),
        ({"spread": -0.1}, "the spread is -0.1"),
        ({"spread": float("nan")}, "the spread is nan"),
        ({"n_splits": 0}, "n_splits is 0"),
        ({"source": "demo"}, 'no source \'demo\'; take "twin" or "real"'),
    ]:
        with pytest.raises(ValueError, match=words):
            result(**changed)


def test_fraction_in_a_table_of_per_cent_is_noticed():
    with pytest.warns(UserWarning, match=r"0\.8125 % looks like a fraction"):
        result(mean=0.8125)


# files


def test_file_has_exactly_the_promised_form(demo):
    claim = judge(np.array([1.0, 2.0, 2.5, 1.5, 2.0]))
    path = claims.write_results(
        "01_decaf_tsne", 12.3456, np.float64(800), [result(), result(table=None)], [claim]
    )
    assert path == demo / "build" / "results" / "01_decaf_tsne.demo.json"
    read = json.loads(path.read_text(encoding="utf-8"))
    assert list(read) == ["notebook", "profile", "seconds", "peak_mb", "results", "claims"]
    assert (read["notebook"], read["profile"]) == ("01_decaf_tsne", "demo")
    assert (read["seconds"], read["peak_mb"]) == (12.3, 800.0)
    assert read["results"][0] == {
        "table": "decaf/caltech101",
        "row": "SVM",
        "column": "DeCAF6",
        "metric": "mean class accuracy",
        "mean": 81.25,
        "spread": 1.04,
        "n_splits": 5,
        "seed": 0,
        "source": "twin",
    }
    assert read["results"][1]["table"] is None
    assert list(read["claims"][0]) == [
        *("id", "statement", "verdict", "effect", "low", "high", "unit", "n", "source")
    ]
    assert read["claims"][0]["verdict"] == "held"


def test_numpy_numbers_can_be_written():
    numbers = {
        "mean": np.float32(80.5),
        "spread": np.float64(1),
        "n_splits": np.int64(5),
        "seed": np.int32(3),
    }
    path = claims.write_results("a", 1, 1, [result(**numbers), result(spread=None)], [])
    first, second = json.loads(path.read_text(encoding="utf-8"))["results"]
    assert (first["mean"], first["n_splits"], first["seed"], second["spread"]) == (80.5, 5, 3, None)


def test_photograph_results_cannot_come_from_the_demo_profile(demo, monkeypatch):
    with pytest.raises(ValueError, match="demo profile has twins only"):
        claims.write_results("a", 1, 1, [result(source="real")], [])
    assert not (demo / "build").exists()
    own_pictures = result(table=None, source="real")
    claims.write_results("a", 1, 1, [own_pictures], [])
    monkeypatch.setattr(settings, "_chosen", {"profile": "real"})
    monkeypatch.setattr(settings, "_settings", None)
    assert claims.write_results("a", 1, 1, [result(source="real")], []).name == "a.real.json"


def test_bad_name_or_repeated_claim_writes_nothing(demo):
    claim = judge([1, 2, 3])
    for notebook, given, words in [
        ("../01", [], "named without folder"),
        ("01.ipynb", [], "named without folder"),
        ("01", [claim, claim], "Two claims have the id 'id'"),
    ]:
        with pytest.raises(ValueError, match=words):
            claims.write_results(notebook, 1, 1, [], given)
    assert not (demo / "build").exists()


def test_file_is_valid_json_or_not_written(demo):
    with pytest.raises(ValueError, match="JSON"):
        claims.write_results("a", float("nan"), 1, [], [])
    assert not list(demo.rglob("a.*"))


def test_interrupted_write_leaves_the_old_file(demo, monkeypatch):
    path = claims.write_results("a", 1, 1, [result()], [])
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        claims.write_results("a", 2, 2, [], [])
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_long_run_says_how_to_repeat_it(demo):
    claim = judge([1.0, 2.0, 2.5, 1.5, 2.0])
    told = {"command": "python -m lecture_lib.training.pretrain", "seed": 4, "network": "twin-alexnet"}
    path = claims.write_run("pretrain", 900, 2000, [result()], [claim], **told)
    assert path == demo / "data" / "results" / "pretrain.demo.json"
    read = json.loads(path.read_text(encoding="utf-8"))
    assert read["command"] == "python -m lecture_lib.training.pretrain"
    assert read["seed"] == 4
    assert read["versions"]["numpy"] == np.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", read["date"])
    assert read["results"][0]["mean"] == 81.25
    back = claims.read_run("pretrain")
    assert (back.results, back.claims) == ((result(),), (claim,))
    for word in (read["date"], told["command"], "twin-alexnet", "seed 4", "900 s"):
        assert word in back.provenance


def test_run_that_was_not_recorded_names_those_that_were(demo):
    claims.write_run("pretrain", 1, 1, [], [], command="c", seed=0, network="n")
    with pytest.raises(FileNotFoundError, match=r"no recorded run probes\.real; there are: pretrain\.demo"):
        claims.read_run("probes", "real")


def test_peak_memory_is_this_process_own_and_in_megabytes():
    code = (
        "from lecture_lib.results.claims import peak_mb; a = peak_mb(); x = bytearray(200_000_000); b = peak_mb();"
        "del x; print(a, b, peak_mb())"
    )
    held = bytearray(500_000_000)  # a parent's memory must not be counted as the child's
    held[::4096] = b"x" * len(held[::4096])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, during, after = map(float, done.stdout.split())
    assert 20 < before < 450
    assert 190 < during - before < 230
    assert after == pytest.approx(during, abs=1)


def test_stopwatch_runs():
    clock = claims.Stopwatch()
    time.sleep(0.02)
    assert 0.02 <= clock.seconds < 2


# beside the lecture's tables


def test_our_number_stands_behind_the_papers_with_network_and_dataset():
    shown = beside([result(mean=81.254, spread=1.049)], "decaf/caltech101", "twin-alexnet")
    assert list(shown.columns) == [
        "DeCAF5",
        "DeCAF6",
        "DeCAF6: twin-alexnet on Caltech-101 twin",
        "DeCAF7",
        "own features",
    ]
    assert list(shown.loc["SVM"])[:3] == ["77.12 ± 1.1", "84.77 ± 1.2", "81.25 ± 1.0"]
    assert shown.loc["LogReg", "DeCAF6: twin-alexnet on Caltech-101 twin"] == ""
    assert shown.loc["LogReg with Dropout", "DeCAF5"] == ""
    assert shown.loc["Yang et al. (2009)", "own features"] == "84.3"
    assert shown.columns.name == "mean class accuracy, %"


@pytest.mark.parametrize("name", papers.names())
def test_no_demo_number_stands_in_a_column_of_photographs(name):
    row = papers.table(name).index[1]
    mine = 12.5  # in no table of the lecture
    results = [result(table=name, row=row, column=c, mean=mine, spread=None) for c in papers.columns(name)]
    shown = beside(results, name, "squeezenet1_1")
    holding = [column for column in shown if shown[column].str.startswith("12.5").any()]
    assert len(holding) == len(papers.columns(name))
    assert all(column.endswith(" twin") for column in holding)
    about = papers.about(name)
    for column in papers.columns(name):
        assert f"{column}: squeezenet1_1 on {about.dataset_of(column)} twin" in holding
        assert mine not in papers.table(name)[column].to_numpy()


def test_twin_and_photographs_stand_apart():
    both = [result(mean=80), result(mean=85.5, source="real", spread=None), result(row="LogReg", mean=79.5)]
    shown = beside(both, "decaf/caltech101", "squeezenet1_1")
    real, twin = "DeCAF6: squeezenet1_1 on Caltech-101", "DeCAF6: squeezenet1_1 on Caltech-101 twin"
    assert (shown.loc["SVM", real], shown.loc["SVM", twin]) == ("85.50", "80.00 ± 1.0")
    assert (shown.loc["LogReg", real], shown.loc["LogReg", twin]) == ("", "79.50 ± 1.0")


def test_attributes_of_the_methods_stay_and_results_of_other_tables_do_not():
    shown = beside([result()], "offtheshelf/retrieval")
    assert list(shown.columns) == ["Dim", "Dim to", "Oxford5k", "Paris6k", "Sculp6k", "Holidays", "UKBench"]
    assert list(shown.loc["CNN-ss"])[:3] == ["32,000", "120,000", "55.6"]
    assert shown.loc["BoB"].tolist() == ["", "", "", "", "45.4", "", ""]
    assert beside([], "devil/voc2007").loc["(f) FK IN"].tolist() == ["(x,y)", "(C) f s", "42,000", "67.17"]


def test_two_results_for_one_cell_are_not_silently_one():
    with pytest.raises(ValueError, match="Two twin results for decaf/caltech101, SVM, DeCAF6; average them"):
        beside([result(seed=0), result(seed=1)], "decaf/caltech101")
