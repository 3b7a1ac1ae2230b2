import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lecture_lib import settings
from lecture_lib.results import papers

# Where the files differ from the lecture's text on purpose: (table, row, column there) -> column here.
# Each is told in the file itself, under `departure`.
MOVED = {
    ("decaf/caltech101", "Yang et al. (2009)", "DeCAF6"): "own features",
    ("decaf/caltech101", "Jarrett et al. (2009)", "DeCAF6"): "own features",
    ("decaf/office", "Chopra et al. (2013)", "Amazon->Webcam DeCAF6"): "Amazon->Webcam own features",
    ("decaf/office", "Chopra et al. (2013)", "Dslr->Webcam DeCAF6"): "Dslr->Webcam own features",
    ("decaf/sun397", "Xiao et al. (2010)", "DeCAF7"): "own features",
}
NOT_BOLD = {  # bold in the lecture's text, not here
    ("offtheshelf/retrieval", "CNN+BOW", "Holidays"),
    ("devil/datasets", "(k) Oquab et al.", "VOC-2012*"),
    *(("devil/voc2007", row, "mAP") for row in papers.table("devil/voc2007").index),
}
IN_ORDER = [
    "decaf/caltech101",
    "decaf/office",
    "decaf/cub200",
    "decaf/sun397",
    "offtheshelf/retrieval",
    "offtheshelf/voc2007",
    "offtheshelf/mit67",
    "offtheshelf/cub200",
    "offtheshelf/h3d",
    "devil/datasets",
    "devil/voc2007",
]


@pytest.mark.parametrize("name", IN_ORDER)
def test_every_table_is_numbers_with_its_source(name):
    about, frame = papers.about(name), papers.table(name)
    assert {"title", "paper", "table", "dataset", "metric", "protocol"} <= set(about)
    assert about["unit"] == "%"
    assert frame.index.is_unique
    assert frame.columns.is_unique
    assert papers.columns(name)
    for column in papers.columns(name):
        assert frame[column].dtype == "float64"
        assert frame[column].dropna().between(0, 100).all()
        assert frame[column].notna().any()
    for column in frame.columns[frame.columns.str.endswith(" spread")]:
        assert about["spread"]
        assert frame[column].dtype == "float64"
        assert frame[column.removesuffix(" spread")][frame[column].notna()].notna().all()
    assert set(papers.attributes(name)) <= set(frame.columns)


@pytest.mark.parametrize("name", ["offtheshelf/voc2007", "offtheshelf/h3d"])
def test_printed_mean_is_the_mean_of_the_printed_classes(name):
    frame = papers.table(name)[papers.columns(name)]
    off = (frame.drop(columns="mAP").mean(axis=1) - frame["mAP"]).abs()
    known = ["NUS"] if name == "offtheshelf/voc2007" else []  # a slip of the paper's, told in the file
    assert list(off.index[off > 0.06]) == known
    assert ("remark" in papers.about(name)) == bool(known)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("decaf/caltech", "SVM", "DeCAF6"), "no table 'decaf/caltech'; there is 'decaf/caltech101'"),
        (("decaf/caltech101", "SVM dropout", "DeCAF6"), "no row 'SVM dropout'; there is 'SVM with Dropout'"),
        (("decaf/caltech101", "SVM", "DeCAF6 spread"), "no column of results"),
        (("devil/voc2007", "(a) FK", "Dim"), "no column of results 'Dim'; there is 'mAP'"),
        (("../decaf/office", "SVM (S)", "Dslr->Webcam SURF"), "no table"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest_ones(asked, words):
    with pytest.raises(papers.UnknownEntry, match=re.escape(words)):
        papers.check(*asked)


def test_a_table_that_a_notebook_changes_stays_whole_for_the_next_one():
    frame = papers.table("decaf/sun397")
    frame.loc["SVM", "DeCAF6"] = 99
    assert papers.table("decaf/sun397").loc["SVM", "DeCAF6"] == 39.36


# against the lecture's text


def lecture_tables():
    """Cells of the lecture's tables: table -> {(row, column): text of the cell}; read without `papers`."""
    folder = Path(os.environ.get("LECTURE_REFERENCE", settings.REPOSITORY.parent / "shared" / "reference"))
    path = folder / "lecture.md"
    if not path.exists():
        pytest.skip(f"the lecture's text is not at {path}; set LECTURE_REFERENCE to its folder")
    blocks, block = [], []
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        if "\t" in line:
            block.append([cell.strip() for cell in line.rstrip("\n").split("\t")])
        elif block:
            blocks.append(block)
            block = []
    assert len(blocks) == 11  # 10 blocks, the last of two tables side by side, and the rows (x) to (γ)
    left, right = [row[:6] for row in blocks[9]], [row[6:] for row in blocks[9]]
    right[0][0] = ""
    left = [row for row in left if any(row)]
    blocks[9:] = [left, right + blocks[10]]
    office = blocks[1]
    pairs = [office[0][1]] * 3 + [office[0][4]] * 3
    blocks[1] = [["", *(f"{p} {c}" for p, c in zip(pairs, office[1][1:], strict=True))], *office[2:]]
    return {name: as_cells(block) for name, block in zip(IN_ORDER, blocks, strict=True)}


def as_cells(block):
    header = [column_name(cell) for cell in block[0]]
    cells = {}
    for row in block[1:]:
        cells |= {(row_name(row[0]), column): cell for column, cell in zip(header[1:], row[1:], strict=True)}
    return cells


def column_name(cell):
    cell = re.sub(r" (<sub>)(\d)(</sub>)", r"\2", cell).replace(" → ", "->")
    return re.sub(r" \((top-5 error|mAP|accuracy)\)$", "", cell)


def row_name(cell):
    cell = re.sub(r" ?<sub>(\d)</sub>|</?i>", r"\1", cell)
    cell = re.sub(r" \((Fast|Medium|Slow|Intra-normalisation)\)$", "", cell)
    return re.sub(r"( ?\[\d+\],?)+$", "", cell)


def row_reference(cell):
    return ", ".join(re.findall(r"\[\d+\]", cell))


def figures(cell):
    """Numbers of a cell: [(mean, spread or None, starred)]; its reference; whether it is bold."""
    text = re.sub(r"</?b>", "", cell)
    reference = "".join(re.findall(r"\[\d+\]", text))
    text = re.sub(r" ?\[\d+\]", "", text).strip()
    found = re.findall(r"(\d+\.?\d*)(?: ± (\d+\.?\d*))?(\*?)", text)
    rest = re.sub(r"(\d+\.?\d*)(?: ± (\d+\.?\d*))?(\*?)", "", text)
    assert rest.strip() in ("", "()", "-", "N/A"), cell
    return [(float(m), float(s) if s else None, bool(star)) for m, s, star in found], reference, "<b>" in cell


def dimension(text):
    """'327K' -> (327000, NaN), '4-15k' -> (4000, 15000)."""
    numbers = [float(n) for n in re.findall(r"\d+", text)]
    numbers = [n * (1000 if text.lower().endswith("k") else 1) for n in numbers]
    return [*numbers, np.nan, np.nan][:2]


@pytest.mark.parametrize("name", IN_ORDER)
def test_every_figure_of_the_lecture_is_here_in_its_place(name):
    frame, attributes = papers.table(name), papers.attributes(name)
    cells = lecture_tables()[name]
    assert list(dict.fromkeys(row for row, _ in cells)) == list(frame.index)
    wanted, marks, bolds = {}, {}, set()
    for (row, column), cell in cells.items():
        if column in attributes:
            here = frame.loc[row, column]
            if column == "Dim":
                given = [here, frame.loc[row, "Dim to"] if "Dim to" in frame else np.nan]
                np.testing.assert_array_equal(given, dimension(cell))
            else:
                assert here == {"✗": "no", "✓": "yes"}.get(cell, cell)
            continue
        found, reference, bold = figures(cell)
        for mean, spread, star in found:
            place = MOVED.get((name, row, column), column) + "*" * star
            wanted[row, place] = (mean, spread)
            if bold and (name, row, place) not in NOT_BOLD:
                bolds.add((row, place))
            if reference:
                marks[row, place] = reference
    # both directions at once: what stands there is here, and nothing else is
    here = {}
    for c in papers.columns(name):
        spreads = frame.get(c + papers.SPREAD, pd.Series(np.nan, frame.index))
        for r, mean in frame[c].dropna().items():
            here[r, c] = mean, None if np.isnan(spreads[r]) else spreads[r]
    assert here == wanted

    def listed(column):
        return {
            (r, e)
            for r, text in frame.get(column, pd.Series(dtype=str)).items()
            for e in text.split("; ")
            if e
        }

    assert listed("bold") == bolds
    assert listed("marks") == {(r, f"{c} {mark}") for (r, c), mark in marks.items()}


def test_references_behind_the_methods_are_the_lectures():
    lecture_tables()  # skips where there is no lecture
    text = Path(os.environ.get("LECTURE_REFERENCE", settings.REPOSITORY.parent / "shared" / "reference"))
    lines = (text / "lecture.md").read_text(encoding="utf-8").split("\n")
    for name in IN_ORDER:
        for row, reference in papers.table(name).get("reference", pd.Series(dtype=str)).items():
            heads = [line.split("\t")[0] for line in lines if "\t" in line]
            assert reference in {row_reference(head) for head in heads if row_name(head) == row}, (name, row)


def test_departures_from_the_lecture_are_told_in_the_file():
    departing = {name for name, *_ in [*MOVED, *NOT_BOLD]}
    assert {name for name in papers.names() if "departure" in papers.about(name)} == departing
