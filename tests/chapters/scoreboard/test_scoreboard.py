"""The board shows what the files have: no table, claim or exercise is lost, doubled, or leads to no cell."""

import html
import json
import re
from collections import Counter

import nbformat
import numpy as np
import pandas as pd
import pytest

from lecture_lib import settings
from lecture_lib.chapters.scoreboard import claims, done, figures, tables
from lecture_lib.exercises import progress
from lecture_lib.results import claims_of, papers
from lecture_lib.settings import REPOSITORY

RECORDS = sorted((REPOSITORY / "data" / "results").glob("*.json"))
NOTEBOOK = nbformat.read(REPOSITORY / "notebooks" / "99_scoreboard.ipynb", as_version=4)


@pytest.fixture(scope="module")
def every():
    return claims.table()


def fresh(monkeypatch, folder):
    """Let the board read another folder of data, and nothing that it remembers."""
    monkeypatch.setattr(settings, "PACKAGE_DATA", folder)
    for remembered in (tables.numbers, tables.ours):
        remembered.cache_clear()


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder of data without records."""
    (tmp_path / "results").mkdir()
    fresh(monkeypatch, tmp_path)
    yield tmp_path
    for remembered in (tables.numbers, tables.ours):
        remembered.cache_clear()


def record(folder, name, rows, tested=(), profile="demo"):
    pd.DataFrame(rows).to_csv(folder / "results" / f"{name}.{profile}.csv", index=False)
    about = {"network": "a net", "claims": [vars(claim) for claim in tested]}
    (folder / "results" / f"{name}.{profile}.json").write_text(json.dumps(about))


def cell_text(shown):
    return html.unescape(re.sub(r"<[^>]*>", " ", shown._repr_html_()))


def outputs(cell):
    (found,) = [c for c in NOTEBOOK.cells if c.id == cell]
    return [output["data"]["text/html"] for output in found.outputs if "text/html" in output.get("data", {})]


# Tables


def test_every_table_of_the_lecture_is_saved_on_the_board_with_every_row_and_figure():
    saved = outputs("tables")
    assert len(saved) == len(papers.names())
    for name, of in zip(papers.names(), saved, strict=True):
        assert html.escape(papers.about(name)["title"]) in of
        text = html.unescape(re.sub(r"<[^>]*>", " ", of))
        frame = papers.table(name)
        assert [row for row in frame.index if row not in text] == []
        printed = Counter(float(n) for n in re.findall(r"(?<![\w.])-?\d+\.\d+", text))
        wanted = Counter(frame[papers.columns(name)].melt().value.dropna().round(2))
        assert not {n: k for n, k in wanted.items() if n % 1 and printed[n] < k}


@pytest.mark.parametrize("name", papers.names())
def test_a_row_is_quoted_exactly_if_no_record_has_a_number_for_it(name):
    shown = tables.table(name).frame
    ours = set(map(html.escape, tables.ours(name).dropna(subset="column").row))
    for row in papers.table(name).index:
        kinds = re.findall(r">([a-z]+)</b>", "".join(shown.loc[html.escape(row)].index))
        assert (kinds == ["quoted"]) == (html.escape(row) not in ours)
        assert kinds[0] in ("paper", "quoted")


def test_numbers_of_several_experiments_are_not_averaged_into_one_place():
    for name in papers.names():
        left_out = tables.ours(name)[tables.ours(name).column.isna()]
        assert left_out.empty, (
            f"{name}: places.csv has to tell which is meant: {left_out.iloc[0].dropna().to_dict()}"
        )


def test_what_stands_below_the_paper_is_what_the_records_have():
    # each by its own way from the files: not by the rules of the board
    demo = pd.read_csv(REPOSITORY / "data/results/fine_tuning.demo.csv")
    narrow = demo.query("experiment == 'narrow fc7' and dataset == 'voc2007' and width == 24").value.item()
    frame = tables.table("devil/voc2007").frame
    assert frame.loc["(z) CNN M 128", "mAP"].tolist() == ["78.60", f"{narrow:.2f}"]
    birds = pd.read_csv(REPOSITORY / "data/results/linear_probes.real.csv").query(
        "dataset == 'cub200' and region == 'box'"
    )
    aug = birds.query("method == 'CNNaug-SVM'").value.item()
    assert (
        tables.table("offtheshelf/cub200").frame.loc["CNNaug-SVM", "mean Accuracy"].tolist()[-1]
        == f"{aug:.1f}"
    )
    voc = pd.read_csv(REPOSITORY / "data/results/linear_probes.demo.csv").query("dataset == 'voc2007'")
    bike = voc.query("method == 'CNN-SVM' and metric == 'AP' and `class` == 'bicycle'").value.item()
    assert tables.table("offtheshelf/voc2007").frame.loc["CNN-SVM", "bike"].tolist()[1] == f"{bike:.1f}"
    svm = pd.read_csv(REPOSITORY / "data/results/linear_probes.real.csv").query("dataset == 'caltech101'")
    five = svm.query("method == 'SVM' and layer == 'DeCAF6'").value
    shown = tables.table("decaf/caltech101").frame.loc["SVM", "DeCAF6"].tolist()
    assert shown[0].startswith("84.77")
    assert shown[2] == f"{five.mean():.2f}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{five.std():.1f}"


def test_figures_of_networks_with_more_source_classes_get_no_number_of_ours():
    assert not tables.ours("devil/datasets").column.str.endswith("*").any()


def test_actions_are_not_taken_for_the_classification_task_of_the_same_year():
    assert "voc2012_action" not in set(tables.ours("devil/datasets").dataset)


def test_a_new_record_is_on_the_board_without_a_line_of_code(data):
    about = {"dataset": "sun397", "source": "real", "layer": "DeCAF6", "metric": "mean class accuracy"}
    record(
        data,
        "new",
        [about | {"method": "SVM", "split": s, "value": 50.0 + s} for s in (0, 1)],
        profile="real",
    )
    shown = tables.table("decaf/sun397")
    assert "50.50\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.7" in shown.frame.loc["SVM", "DeCAF6"].tolist()
    assert "photographs" in cell_text(shown)
    assert "drawings" not in cell_text(shown)
    assert tables.coverage().loc["decaf/sun397"].tolist() == [5, 0, 1, 4]


def test_domains_and_cuts_find_their_columns(data):
    about = {"dataset": "office31", "source": "real", "metric": "mean class accuracy", "value": 51.0}
    rows = [
        about | {"method": "SVM (S)", "shift": f"{a} to webcam", "layer": "DeCAF6"}
        for a in ("amazon", "dslr")
    ]
    record(data, "new", rows)
    shown = tables.table("decaf/office").frame.loc["SVM (S)"]
    assert shown.iloc[1][shown.iloc[1] != ""].to_dict() == {
        "Amazon-&gt;Webcam DeCAF6": "51.00", "Dslr-&gt;Webcam DeCAF6": "51.00",
    }  # fmt: skip


def test_two_experiments_in_one_place_are_left_out_and_said_to_be(data):
    about = {"dataset": "mit67", "source": "twin", "method": "CNN-SVM", "metric": "mean class accuracy"}
    record(data, "new", [about | {"region": r, "value": v} for r, v in (("box", 70.0), ("whole", 10.0))])
    text = cell_text(tables.table("offtheshelf/mit67"))
    assert "40.0" not in text
    assert "new has several numbers for one place" in text


def test_names_of_records_are_shown_as_they_are(data):
    row = {
        "dataset": "mit67",
        "source": "twin",
        "method": "CNN-SVM",
        "metric": "mean class accuracy",
        "value": 1.0,
    }
    record(data, "a&b", [row])
    assert "a&amp;b: a net" in tables.table("offtheshelf/mit67").note


def test_places_name_rows_of_tables_and_find_something():
    places = pd.read_csv(papers.FOLDER / "places.csv", comment="#")
    for place in places.itertuples():
        papers.check(place.table, place.row, papers.columns(place.table)[0])
        assert (REPOSITORY / "lecture_lib" / "chapters" / place.record / "record.py").is_file()
        found = tables.ours(place.table).query("row == @place.row and record == @place.record")
        recorded = place.record in dict(tables.records())
        assert len(found) or not recorded, f"{place.row} of {place.table} has no number of {place.record}"


def test_every_row_has_a_number_of_ours_or_the_reason_why_it_is_quoted():
    told = pd.read_csv(papers.FOLDER / "quoted.csv", comment="#")
    told = set(told[["table", "row"]].itertuples(index=False, name=None))
    without = tables.quoted()
    assert set(without[without == ""].index) == set(), "neither a number of ours nor a reason in quoted.csv"
    assert told - set(without.index) == set(), (
        "there is a number now, or no such row: take it out of quoted.csv"
    )
    shown = cell_text(tables.table("offtheshelf/mit67"))
    assert "quoted DPM: needs the training of deformable part models" in re.sub(r"\s+", " ", shown)


def test_a_row_that_gets_a_number_no_longer_has_a_reason(data):
    about = {"dataset": "mit67", "source": "twin", "metric": "mean class accuracy", "value": 1.0}
    record(data, "older_baselines", [about | {"method": "GIST, Gaussian kernel"}])
    without = tables.quoted()
    assert ("offtheshelf/mit67", "ROI + Gist") not in without.index
    assert ("offtheshelf/mit67", "DPM") in without.index


# Claims


def test_every_claim_of_every_record_is_listed_exactly_once_with_its_own_numbers(every):
    listed = [of for source in tables.KINDS for of in every[source] if of is not None]
    counted = Counter((of.record, of.claim) for of in listed if of.record)
    wanted = [
        (path.name.split(".")[0], claim) for path in RECORDS for claim in claims_of(*path.stem.rsplit(".", 1))
    ]
    assert counted == Counter(wanted)
    assert len(wanted) > 60
    assert all(of.claim.source == source for source in tables.KINDS for of in every[source] if of is not None)


def test_effects_and_verdicts_are_legible_on_the_saved_board(every):
    text = html.unescape(re.sub(r"<[^>]*>", "|", "".join(outputs("boards"))))
    for of in (of for source in tables.KINDS for of in every[source] if of is not None):
        claim = of.claim
        wanted = f"{claim.verdict}|||{claim.effect:+.3g} [{claim.low:+.3g}, {claim.high:+.3g}]"
        assert wanted in text.replace("||||", "|||"), wanted


def test_only_what_says_the_same_stands_in_one_line(every):
    both = every.dropna(subset=["twin", "real"])
    assert len(both) > 20
    for line in both.itertuples():
        assert line.twin.parts[1] == line.real.parts[1] == line.claim
        assert line.twin.claim.margin == line.real.claim.margin
        assert line.twin.notebook == line.real.notebook


def test_a_claim_leads_to_a_cell_of_its_notebook_that_shows_it(every):
    notebooks = {}
    for of in (of for source in tables.KINDS for of in every[source] if of is not None):
        href = re.search(r'href="([^"#]+)#cell-id=([^"]+)"', of.cell.link("here"))
        path = REPOSITORY / "notebooks" / href[1]
        notebooks.setdefault(path, nbformat.read(path, as_version=4))
        (cell,) = [cell for cell in notebooks[path].cells if cell.id == href[2]]
        printed = "".join(output.get("text", "") for output in cell.outputs)
        assert of.claim.statement in printed or f'claims_of("{of.record}"' in cell.source


def test_photographs_are_not_led_to_the_cell_of_the_drawings(every):
    # the same sentence in both, in 05
    line = every[(every.notebook == "05_patch_transfer") & every.twin.notna() & every.real.notna()].iloc[0]
    assert line.twin.claim.statement == line.real.claim.statement
    assert line.twin.cell.id != line.real.cell.id


def test_claims_that_a_notebook_tested_itself_are_those_that_it_shows(every):
    own = [of for source in tables.KINDS for of in every[source] if of is not None and not of.record]
    assert len({of.notebook for of in own}) == 3
    for of in own:
        kind = " (twin)" * (of.claim.source == "twin")
        assert f"{of.claim.verdict}{kind}: {of.claim.statement}\n" in of.cell.printed
        texts = "".join(map(str, nbformat.read(REPOSITORY / f"notebooks/{of.notebook}.ipynb", 4).cells))
        assert f"{of.claim.effect:+.3g}" in texts


# The papers


def test_each_claim_of_the_papers_is_two_figures_of_their_tables_or_words_of_the_lecture():
    listed = pd.read_csv(papers.FOLDER / "claims.csv", comment="#", keep_default_na=False)
    assert listed.id.is_unique
    for line in listed.itertuples():
        assert bool(line.says) != bool(line.more and line.less)
        for place in filter(None, (line.more, line.less)):
            table, column, row = place.split(" | ")
            papers.check(table, row, column)
            assert np.isfinite(papers.table(table).loc[row, column])


def test_the_papers_differences_have_the_sign_that_its_statement_asks_for(every):
    # by hand, from the lecture's pages
    of = {line.twin.claim.id: line for line in every.dropna(subset="twin").itertuples() if line.twin.record}
    for id, printed, side in (
        ("devil/deep", 77.38 - 68.02, "not above"),
        ("devil/larger", 79.74 - 77.38, "above"),
        ("devil/both", 77.38 - 77.95, "above"),
        ("tune/voc2007/rnk", 82.4 - 79.7, "above"),
        ("tune/voc2007/thirtieth", 78.60 - 79.9, "above"),
        ("views, voc2007", 77.2 - 73.9, "above"),
    ):
        assert of[id].printed == pytest.approx(printed)
        assert claims.side(of[id]) == side
    assert claims.side(of["devil/bow"]) == ""


def test_every_id_of_the_papers_claims_is_that_of_a_claim(every):
    ids = {of.claim.id for source in tables.KINDS for of in every[source] if of is not None}
    ids |= {id.partition(": ")[2] for id in ids}
    assert set(pd.read_csv(papers.FOLDER / "claims.csv", comment="#").id) <= ids


def test_the_figure_has_a_row_a_claim_and_says_what_is_what(every):
    figure = figures.effects(every[every.printed.notna()], title="Effects")
    assert len(figure.axes[0].get_yticklabels()) == every.printed.notna().sum()
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {
        "the paper",
        *tables.KINDS.values(),
    }


# Exercises


def test_every_exercise_has_its_mark_and_leads_to_the_cell_that_asks_it(tmp_path):
    settings.use(cache=tmp_path, quiet=True)
    try:
        progress.note("01.2", "right")
        progress.note("02.1", "wrong")
        exercises = done.exercises()
        shown = done.board(exercises)
    finally:
        settings.reset()
    asked = {
        number: (path.name, cell.id)
        for path in (REPOSITORY / "notebooks").glob("[0-8]*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        for number in re.findall(r'(?m)^\s*check\("([\d.]+)"', cell.source)
    }
    assert set(exercises.number) >= asked.keys()
    assert exercises.set_index("number").verdict[["01.2", "02.1", "03.1"]].tolist() == [
        "right",
        "wrong",
        "not tried",
    ]
    links = dict(
        re.findall(r'href="([^"]+)"><[^>]*>.</span> ([\d.]+)<', shown._repr_html_().replace("&amp;", "&"))
    )
    assert {number: href for href, number in links.items()} == {
        n: f"{a}#cell-id={b}" for n, (a, b) in asked.items()
    }


def test_an_unsolved_board_is_what_is_saved():
    (shown,) = outputs("progress")
    assert re.findall(r">(\d+) of \d+<", shown)
    assert set(re.findall(r">(\d+) of \d+<", shown)) == {"0"}
