"""The lecture's tables with a line for ours below each line of the paper's: where numbers belong, the files tell.

A row of a record belongs to a table if its dataset is the table's, its metric too, and its method is a row there;
`data/papers/places.csv` has what goes by other names.
"""

import functools
import html
import json
import re

import pandas as pd

from lecture_lib import display, settings
from lecture_lib.chapters.scoreboard.cells import Shown, badge, cells_with
from lecture_lib.results import papers, read

KINDS = {"twin": "drawings", "real": "photographs"}
LONG = {
    "mAP": "average precision",
    "AP": "average precision",
    "points": "difference",
}  # our metrics, as the tables have them
SIZES = {"per_class": "training pictures a class", "n": "training pictures", "n_test": "test pictures"}
SIZES |= {"n_classes": "classes"}
SHORTER = {"sculptures6k": "sculp6k"}  # datasets, as the tables' columns have them
MEASURED = {
    "split",
    "seed",
    "value",
    "spread",
    "n_splits",
    "row",
    "column",
}  # what may differ within one mean


def plain(name: object) -> str:
    """Return a name's letters and digits, by which "VOC-2007" is "voc2007", and "amazon to webcam" "Amazon->Webcam"."""
    text = f"{name:g}" if isinstance(name, float) else str(name)
    return re.sub(r" to (?=\w)|\W|_", "", text).lower()


def records() -> list[tuple[str, str]]:
    """Return the name and the profile of every record."""
    paths = sorted((settings.PACKAGE_DATA / "results").glob("*.*.csv"))
    return [tuple(path.stem.rsplit(".", 1)) for path in paths]


@functools.cache
def numbers() -> pd.DataFrame:
    """Read all records as one; `record` and `profile` say which a row is of."""
    return pd.concat([read(*of).assign(record=of[0], profile=of[1]) for of in records()], ignore_index=True)


@functools.cache
def ours(name: str) -> pd.DataFrame:
    """Return the rows of all records that belong into a table, with their `row` and `column` there.

    Where several experiments meet in one place, only places.csv can tell which is meant: such rows have no column.
    """
    every, metric = numbers(), papers.about(name)["metric"]
    every = every[[LONG.get(ours, ours) in metric for ours in every.metric]]
    said = pd.read_csv(papers.FOLDER / "places.csv", comment="#", encoding="utf-8").query("table == @name")
    said = said[said.record.isin(every.record)]
    told = [
        every[every.record == line.record].query(line.ours).assign(row=line.row) for line in said.itertuples()
    ]
    taken = pd.MultiIndex.from_frame(said[["record", "row"]])
    named = every.method.isin(papers.table(name).index)
    named &= ~pd.MultiIndex.from_frame(every[["record", "method"]]).isin(taken)
    found = pd.concat([*told, every[named].assign(row=every.method)], ignore_index=True)
    found["column"] = pd.Series(
        [_column(name, line) for line in found.to_dict("records")], found.index, dtype=object
    )
    found = found.dropna(subset="column")
    for _, place in found.groupby(["row", "column", "source"]):
        if len(place.drop(columns=MEASURED, errors="ignore").drop_duplicates()) > 1:
            found.loc[place.index, "column"] = None
    return found


def _column(name: str, line: dict) -> str | None:
    """Return the column of a table that a row of a record belongs into; those with * had other source classes."""
    columns = [
        column
        for column in papers.columns(name)
        if plain(papers.dataset_of(name, column)).startswith(
            SHORTER.get(line["dataset"], plain(line["dataset"]))
        )
        and not column.endswith("*")
    ]
    named = {plain(column): column for column in columns}
    spelled = papers.about(name).get("columns", "")
    named |= dict(zip(map(plain, spelled.split("; ")), columns, strict=True)) if spelled and columns else {}
    if pd.notna(line.get("class")):
        return named.get(plain(line["class"]))
    parts = [f"{line.get('shift')} {line.get('layer')}", line.get("layer"), line.get("cut"), line["metric"]]
    told = next((named[plain(part)] for part in parts if plain(part) in named), None)
    return told or (columns[0] if len(columns) == 1 else None)


def table(name: str) -> Shown:
    """Return a table of the lecture: below each line of the paper's one of drawings and one of photographs, if any.

    The mean of classes stands before them, where it is seen without scrolling.
    """
    about, rows = papers.about(name), ours(name)
    beside = display.beside(rows.assign(method=rows.row), name, column="column")
    columns = sorted(papers.columns(name), key=lambda column: column != "mAP")
    places = {column: f"{column}: ours on {papers.dataset_of(name, column)}" for column in columns}
    lines = {}
    for row, texts in beside.iterrows():
        measured = {
            kind: {column: texts.get(f"{place}{end}", "") for column, place in places.items()}
            for kind, end in (("drawings", " twin"), ("photographs", ""))
        }
        measured = {kind: of for kind, of in measured.items() if any(of.values())}
        paper = {column: texts[column] for column in [*papers.attributes(name), *columns]}
        for kind, of in {"paper" if measured else "quoted": paper, **measured}.items():
            lines[html.escape(row), badge(kind)] = {c: html.escape(text) for c, text in of.items()}
    frame = pd.DataFrame.from_dict(lines, orient="index").fillna("").rename(columns=html.escape)
    cells = dict.fromkeys(cell.link(f"{cell.notebook[:2]} {cell.id}") for cell in cells_with(f'"{name}"'))
    source = f"{about['paper'].split(',')[0]}, {about['table'].split(';')[0]}"
    title = f"{about['title']} · {source} · {about['metric']}, {about['unit']}"
    named = [f"In ours, {html.escape(about['ours'])}."] if "ours" in about else []
    shown = [f"Shown in: {', '.join(cells)}."] if cells else []
    note = "<br>".join([*_made(rows), *named, *shown, *_quoted(name)])
    return Shown(frame, html.escape(title), note or "All of it is quoted.")


def _made(rows: pd.DataFrame) -> list[str]:
    """Say of each record in a table whose pictures it is about, which network made it, and how many pictures."""
    said = []
    for (source, record, profile), part in rows.groupby(["source", "record", "profile"]):
        if part.column.isna().all():
            said.append(
                f"{KINDS[source]}: {html.escape(record)} has several numbers for one place; none is shown."
            )
            continue
        about = settings.PACKAGE_DATA / "results" / f"{record}.{profile}.json"
        sizes = [
            f"{' or '.join(f'{n:,}' for n in sorted(part[column].dropna().unique()))} {what}"
            for column, what in SIZES.items()
            if column in part and part[column].notna().any()
        ]
        network = json.loads(about.read_text(encoding="utf-8"))["network"]
        text = html.escape("; ".join(filter(None, (f"{record}: {network}", ", ".join(sizes)))))
        said.append(f"{badge(KINDS[source])} {text}")
    return said


def _quoted(name: str) -> list[str]:
    """Say why rows of a table are only quoted, those with the same reason together."""
    reasons = quoted()[lambda told: told.index.get_level_values("table") == name]
    return [
        f"{badge('quoted')} {html.escape(', '.join(rows.index.get_level_values('row')))}: {html.escape(reason)}"
        for reason, rows in reasons.groupby(reasons, sort=False)
        if reason
    ]


def quoted() -> pd.Series:
    """Tell why each row without a number of ours is only quoted: (table, row) to a line, "" where none is told."""
    told = pd.read_csv(papers.FOLDER / "quoted.csv", comment="#", encoding="utf-8")
    told = told.set_index(["table", "row"]).reason
    without = [
        (name, row)
        for name in papers.names()
        for row in papers.table(name).index.difference(ours(name).dropna(subset="column").row, sort=False)
    ]
    return told.reindex(pd.MultiIndex.from_tuples(without, names=["table", "row"]), fill_value="")


def coverage() -> pd.DataFrame:
    """Count, for each table, the figures that the lecture has, those with ours beside them, and those only quoted."""
    found = {}
    for name in papers.names():
        columns = papers.table(name)[papers.columns(name)].notna()
        printed = {(row, column) for column in columns for row in columns.index[columns[column]]}
        beside = {kind: set() for kind in KINDS.values()}
        for line in ours(name).dropna(subset="column").itertuples():
            beside[KINDS[line.source]].add((line.row, line.column))
        both = {kind: len(cells & printed) for kind, cells in beside.items()}
        quoted = len(printed - set().union(*beside.values()))
        found[name] = {"figures": len(printed), **both, "quoted": quoted}
    return pd.DataFrame.from_dict(found, orient="index")
