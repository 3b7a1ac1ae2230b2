"""Records: what is written is read, averaged, shown beside the paper's numbers, and knows the code that made it."""

import json

import numpy as np
import pandas as pd
import psutil
import pytest

from lecture_lib import settings
from lecture_lib.display.tables import beside
from lecture_lib.results import papers, records
from lecture_lib.results.claims import paired_claim

RECORD = "from lecture_lib.chapters.toy import method\n\nmethod.run('loss')\n"
METHOD = "from lecture_lib import metrics\n\ndef run(name):\n    return getattr(metrics, name)()\n"
METRICS = "K = 1\n\ndef loss():\n    return K\n\ndef gain():\n    return 2\n"
COMMAND = "python -m lecture_lib.chapters.toy.record"


@pytest.fixture(autouse=True)
def demo(monkeypatch, tmp_path):
    """The demo profile in a repository of the test's own, with a chapter that reaches parts of two other modules."""
    (tmp_path / "data" / "weights").mkdir(parents=True)
    monkeypatch.setattr(settings, "REPOSITORY", tmp_path)
    monkeypatch.setattr(settings, "PACKAGE_DATA", tmp_path / "data")
    monkeypatch.setattr(settings, "_chosen", {"profile": "demo", "cache": tmp_path / "cache"})
    monkeypatch.setattr(settings, "_settings", None)
    for module, text in {
        "chapters/toy/record.py": "from lecture_lib import display\n" + RECORD,
        "chapters/toy/method.py": METHOD,
        "metrics.py": METRICS,
        "display.py": "COLOUR = 1\n",
    }.items():
        path = tmp_path / "lecture_lib" / module
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def row(**changed):
    return {
        "dataset": "caltech101",
        "source": "twin",
        "method": "SVM",
        "metric": "accuracy",
        "value": 81.25,
    } | changed


def write(rows, claims=(), **changed):
    return records.write("toy", rows, claims, **{"command": COMMAND, "network": "twin-alexnet"} | changed)


# files


def test_what_is_written_is_read_again(demo):
    rows = [
        row(split=np.int64(0), value=np.float32(80.5), k=np.inf, frozen="none"),
        row(value=1 / 3, method="(a) FK, β", k=2),
    ]
    claim = paired_claim("id", "it is so", [1.0, 2.0, 2.5], source="twin", seed=0)
    path = write(rows, [claim])
    assert path == demo / "data" / "results" / "toy.demo.csv"
    frame = records.read("toy")
    assert [*frame] == ["dataset", "source", "method", "split", "k", "frozen", "metric", "value"]
    assert frame.value.tolist() == [80.5, 1 / 3]
    assert frame.query("split == 0 and k == inf", local_dict={"inf": np.inf}).frozen.item() == "none"
    assert records.claims_of("toy") == [claim]
    made = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert made["versions"]["numpy"] == np.__version__
    assert 0 < made["seconds"] < 1e5
    for word in (made["date"], COMMAND, "twin-alexnet", "seed 0"):
        assert word in records.made_by("toy")


def test_a_record_that_is_not_there_names_those_that_are():
    write([row()])
    with pytest.raises(FileNotFoundError, match=r"no record probes\.real; there are: toy\.demo"):
        records.read("probes", "real")


def test_a_notebook_writes_what_it_found(demo, capsys):
    records.save("00_start", [])
    records.save("01_probes", [row()])
    assert capsys.readouterr().out == "wrote 00_start.demo.csv\nwrote 01_probes.demo.csv\n"
    folder = demo / "build" / "results"
    assert pd.read_csv(folder / "01_probes.demo.csv").value.tolist() == [81.25]
    assert json.loads((folder / "01_probes.demo.json").read_text())["peak_mb"] == pytest.approx(
        psutil.Process().memory_info().rss / 1e6, rel=0.9
    )


def test_a_record_without_rows_can_be_read():
    write([])
    frame = records.read("toy")
    assert ([*frame], len(frame)) == (["metric", "value"], 0)


def test_a_number_that_is_none_is_not_written(demo):
    with pytest.raises(ValueError, match="NaN"):
        write([row(value=np.nan)])
    assert not list(demo.rglob("toy.demo.*"))


# fingerprints


def edit(demo, module, text):
    (demo / "lecture_lib" / module).write_text(text)


@pytest.mark.parametrize(
    ("module", "text", "told"),
    [
        ("metrics.py", '"""What is measured."""\n' + METRICS.replace("K = 1", "K = 1  # of all"), False),
        ("metrics.py", METRICS.replace("K = 1", "K = 2"), True),  # used by what is used
        ("metrics.py", METRICS.replace("return 2", "return 3"), False),  # nobody's here
        ("metrics.py", "from lecture_lib.chapters.toy import other\n" + METRICS, False),
        ("metrics.py", METRICS + "loss = gain\n", True),
        ("metrics.py", METRICS + "print(K)\n", True),
        ("chapters/toy/method.py", METHOD.replace("metrics\n", "display, metrics\n"), False),
        ("chapters/toy/method.py", METHOD.replace("    return", "    'Run.'\n    return"), False),
        ("chapters/toy/method.py", METHOD.replace("return ", "return -"), True),
        ("display.py", "COLOUR = 2\n", False),
        ("chapters/toy/other.py", "K = 3\n", False),
    ],
)  # fmt: skip
def test_a_record_says_when_what_made_it_has_changed(demo, module, text, told):
    write([row()])
    assert "changed" not in records.made_by("toy")
    edit(demo, module, text)
    assert ("have changed since" in records.made_by("toy")) == told


@pytest.mark.parametrize("networks", ["twin-cnn-s", "twin-alexnet, twin-cnn-s"])
def test_other_weights_are_another_fingerprint(demo, networks):
    weights = demo / "data" / "weights" / "twin-cnn-s.safetensors"
    weights.write_bytes(b"one")
    write([row()], network=networks)
    weights.write_bytes(b"two")
    assert "have changed since" in records.made_by("toy")


# means


def test_splits_are_averaged_and_means_are_taken_as_they_are():
    frame = pd.DataFrame([row(split=0, value=1.0), row(split=1, value=3.0), row(method="kNN", value=5.0)])
    found = records.average(frame).set_index("method")
    assert found.loc["SVM", ["value", "spread", "n_splits"]].tolist() == pytest.approx([2, 2**0.5, 2])
    assert found.loc["kNN", ["value", "n_splits"]].tolist() == [5, 1]
    assert np.isnan(found.spread["kNN"])
    mean = pd.DataFrame([row(value=2.5, spread=0.5, n_splits=5)])
    found = records.average(pd.concat([frame, mean])).set_index("method")
    assert found.loc["SVM", ["value", "spread", "n_splits"]].tolist() == [2.5, 0.5, 5]
    assert found.loc["kNN", ["value", "n_splits"]].tolist() == [5, 1]


# beside the lecture's tables


def test_our_number_stands_behind_the_papers_with_network_and_dataset():
    ours = pd.DataFrame([row(layer="DeCAF6", value=v, split=s) for s, v in enumerate((80.0, 82.0))])
    shown = beside(ours, "decaf/caltech101", column="layer", network="twin-alexnet")
    title = "DeCAF6: twin-alexnet on Caltech-101 twin"
    assert [*shown] == ["DeCAF5", "DeCAF6", title, "DeCAF7", "own features"]
    assert shown.loc["SVM"].tolist()[:3] == [
        "77.12\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}1.1",
        "84.77\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}1.2",
        "81.00\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}1.4",
    ]
    assert shown.loc["LogReg", title] == shown.loc["LogReg with Dropout", "DeCAF5"] == ""
    assert shown.loc["Yang et al. (2009)", "own features"] == "84.3"
    assert shown.columns.name == "mean class accuracy, %"


@pytest.mark.parametrize("name", papers.names())
def test_no_number_of_drawings_stands_in_a_column_of_photographs(name):
    method = papers.table(name).index[1]
    ours = pd.DataFrame(
        [row(method=method, place=c, value=12.5) for c in papers.columns(name)]
    )  # in no table
    shown = beside(ours, name, column="place", network="ours")
    holding = [column for column in shown if shown[column].str.startswith("12.5").any()]
    assert holding == [f"{c}: ours on {papers.dataset_of(name, c)} twin" for c in papers.columns(name)]


def test_twin_and_photographs_stand_apart_and_methods_find_their_rows():
    ours = pd.DataFrame(
        [row(method="ours"), row(method="ours", source="real", value=85.5), row(method="another")]
    )
    shown = beside(ours, "decaf/caltech101", column="DeCAF6", rows={"ours": "SVM"})
    assert shown.filter(like="ours").loc["SVM"].to_dict() == {
        "DeCAF6: ours on Caltech-101": "85.50",
        "DeCAF6: ours on Caltech-101 twin": "81.25",
    }


def test_attributes_of_the_methods_stay():
    none = pd.DataFrame([row()]).iloc[:0]
    shown = beside(none, "offtheshelf/retrieval", column="Paris6k")
    assert shown.loc["CNN-ss"].tolist()[:3] == ["32,000", "120,000", "55.6"]
    assert shown.loc["BoB"].tolist() == ["", "", "", "", "45.4", "", ""]


def test_a_row_that_the_table_does_not_have_is_named_with_the_nearest():
    with pytest.raises(papers.UnknownEntry, match="no row 'Svm'; there is 'SVM'"):
        beside(pd.DataFrame([row(method="Svm")]), "decaf/caltech101", column="DeCAF6")
