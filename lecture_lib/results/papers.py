"""The lecture's tables: every figure of the papers, as numbers.

One CSV a table under ``data/papers``; its README says how they are written.
"""

import contextlib
import difflib
import functools

import pandas as pd

from lecture_lib import settings

FOLDER = settings.PACKAGE_DATA / "papers"
MARKS = ("reference", "marks", "bold")  # columns about how a row is printed
SPREAD = " spread"  # "DeCAF6 spread" is what stands after the ± of "DeCAF6"


class UnknownEntry(LookupError):
    """No such table, row or column in the papers; the message names the nearest ones."""


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


def about(name: str) -> dict[str, str]:
    """Return what a table's file says of it: title, paper, table, dataset, metric, unit, protocol and more.

    Several lines of one kind (footnote, remark, departure) are lines of its text. Raises UnknownEntry.
    """
    return dict(_read(name)[0])


def attributes(name: str) -> list[str]:
    """Return the columns of a table that describe its methods."""
    return [part for part in _read(name)[0].get("attributes", "").split("; ") if part]


def columns(name: str) -> list[str]:
    """Return the columns of a table that hold results: no spreads, no marks, no attributes."""
    others = {*MARKS, *attributes(name)}
    return [column for column in _read(name)[1] if column not in others and not column.endswith(SPREAD)]


def dataset_of(name: str, column: str) -> str:
    """Return the dataset that the figures of one column were measured on."""
    dataset = _read(name)[0]["dataset"]
    return column.rstrip("*") if dataset == "columns" else dataset  # "columns": each is named after its own


def check(name: str, row: str, column: str) -> None:
    """Raise UnknownEntry if the table has no such row or no such column of results."""
    _require(row, list(_read(name)[1].index), f"{name} has no row")
    _require(column, columns(name), f"{name} has no column of results")


@functools.cache
def _read(name: str) -> tuple[dict[str, str], pd.DataFrame]:
    _require(name, names(), "The lecture has no table")
    path = FOLDER / f"{name}.csv"
    about: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            key, text = (part.strip() for part in line[1:].split(":", 1))
            about[key] = f"{about[key]}\n{text}" if key in about else text
    # all as text first: "-" is a missing figure in one column, and the word for "none" in another
    frame = pd.read_csv(
        path, comment="#", index_col="method", dtype=str, keep_default_na=False, encoding="utf-8"
    )
    for column in frame.columns.difference(MARKS):
        with contextlib.suppress(ValueError):  # a column of words stays one
            frame[column] = frame[column].replace(["-", "N/A", ""], "nan").astype("float64")
    return about, frame


def _require(wanted: str, known: list[str], what: str) -> None:
    if wanted not in known:
        lower = {name.lower(): name for name in known}
        near = [lower[n] for n in difflib.get_close_matches(str(wanted).lower(), lower, n=3, cutoff=0.4)]
        raise UnknownEntry(f"{what} {wanted!r}; there is {', '.join(map(repr, near or known))}.")
