"""The lecture's tables: every figure of the papers, as numbers.

One CSV a table under ``data/papers``; its README says how they are written.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
from dataclasses import dataclass, field

import pandas as pd

from lecture_lib import settings

FOLDER = settings.PACKAGE_DATA / "papers"
MARKS = ("reference", "marks", "bold")  # columns about how a row is printed
SPREAD = " spread"  # "DeCAF6 spread" is what stands after the ± of "DeCAF6"


class UnknownEntry(LookupError):
    """No such table, row or column in the papers; the message names the nearest ones."""


@dataclass(frozen=True)
class About:
    """What a table's figures are, and where they come from."""

    name: str
    title: str
    paper: str
    table: str
    dataset: str  # "columns" where every column is named after its own dataset
    metric: str
    unit: str
    protocol: str
    spread: str = ""
    bold: str = ""
    attributes: tuple[str, ...] = ()
    footnotes: tuple[str, ...] = field(default=(), repr=False)
    remarks: tuple[str, ...] = field(default=(), repr=False)
    departures: tuple[str, ...] = field(default=(), repr=False)

    def dataset_of(self, column: str) -> str:
        """Return the dataset that the figures of one column were measured on."""
        return column.rstrip("*") if self.dataset == "columns" else self.dataset


def names() -> list[str]:
    """Return the names of all tables, for example "decaf/caltech101"."""
    return sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("*/*.csv"))


def table(name: str) -> pd.DataFrame:
    """Return one table, a row a method, in the paper's order.

    Figures are float64, NaN where the paper has none; "X spread" follows "X" where spreads are given.
    Columns that describe a method (SPool, Part info) and how it is printed (reference, marks, bold)
    are text. Raises UnknownEntry.
    """
    return _read(name)[1].copy()


def about(name: str) -> About:
    """Return paper, table number, dataset, metric, unit, protocol, footnotes and remarks of a table."""
    return _read(name)[0]


def columns(name: str) -> list[str]:
    """Return the columns of a table that hold results: no spreads, no marks, no attributes."""
    told, frame = _read(name)
    others = {*MARKS, *told.attributes}
    return [column for column in frame if column not in others and not column.endswith(SPREAD)]


def check(name: str, row: str, column: str) -> None:
    """Raise UnknownEntry if the table has no such row or no such column of results."""
    _require(row, list(_read(name)[1].index), f"{name} has no row")
    _require(column, columns(name), f"{name} has no column of results")


@functools.cache
def _read(name: str) -> tuple[About, pd.DataFrame]:
    _require(name, names(), "The lecture has no table")
    path = FOLDER / f"{name}.csv"
    told: dict[str, list[str]] = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                break
            key, text = line[1:].split(":", 1)
            told.setdefault(key.strip(), []).append(text.strip())
    attributes = tuple(part.strip() for text in told.pop("attributes", []) for part in text.split(";"))
    several = {f"{key}s": tuple(told.pop(key, ())) for key in ("footnote", "remark", "departure")}
    # all as text first: "-" is a missing figure in one column, and the word for "none" in another
    frame = pd.read_csv(
        path, comment="#", index_col="method", dtype=str, keep_default_na=False, encoding="utf-8"
    )
    for column in frame.columns.difference(MARKS):
        figures = frame[column].replace(["-", "N/A", ""], "nan")
        with contextlib.suppress(ValueError):  # a column of words stays one
            frame[column] = figures.astype("float64")
    return About(
        name, attributes=attributes, **several, **{key: text for key, (text,) in told.items()}
    ), frame


def _require(wanted: str, known: list[str], what: str) -> None:
    if wanted not in known:
        lower = {name.lower(): name for name in known}
        near = [lower[n] for n in difflib.get_close_matches(str(wanted).lower(), lower, n=3, cutoff=0.4)]
        raise UnknownEntry(f"{what} {wanted!r}; there is {', '.join(map(repr, near or known))}.")
