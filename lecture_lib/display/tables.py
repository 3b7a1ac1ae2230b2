"""The lecture's tables with our numbers beside them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from lecture_lib.results import papers
from lecture_lib.results.claims import Result


def beside(results: Iterable[Result], name: str, network: str = "ours") -> pd.DataFrame:
    """Return a table of the lecture as text, each of our numbers next to the paper's.

    results  those of other tables are passed over
    name     table of `papers`, for example "decaf/caltech101"
    network  what made the results, for the column names

    Behind a column "DeCAF6" stands, where we have results for it, "DeCAF6: <network> on Caltech-101"
    for photographs and "DeCAF6: <network> on Caltech-101 twin" for twins, so that no number from drawn
    images is mistaken for one from a dataset. Cells read "86.9 ± 0.7". Raises ValueError if two results
    claim the same cell.
    """
    about, paper = papers.about(name), papers.table(name)
    ours: dict[tuple[str, str], dict[str, Result]] = {}
    for result in results:
        if result.table == name:
            cells = ours.setdefault((result.column, result.source), {})
            if result.row in cells:
                raise ValueError(
                    f"Two {result.source} results for {name}, {result.row}, {result.column}; average them first."
                )
            cells[result.row] = result
    shown = pd.DataFrame(index=paper.index)
    for column in [*about.attributes, *papers.columns(name)]:
        if column in about.attributes:
            shown[column] = [f"{cell:,.0f}" if isinstance(cell, float) else cell for cell in paper[column]]
            continue
        spreads = paper.get(column + papers.SPREAD, pd.Series(np.nan, index=paper.index))
        digits, spread_digits = _decimals(paper[column]), _decimals(spreads)
        shown[column] = [
            _cell(mean, spread, digits, spread_digits)
            for mean, spread in zip(paper[column], spreads, strict=True)
        ]
        for source in ("real", "twin"):
            if cells := ours.get((column, source)):
                twin = " twin" if source == "twin" else ""
                shown[f"{column}: {network} on {about.dataset_of(column)}{twin}"] = [
                    _cell(cells[row].mean, cells[row].spread, digits, spread_digits) if row in cells else ""
                    for row in paper.index
                ]
    shown.columns.name = f"{about.metric}, {about.unit}"
    return shown.replace("nan", "")


def _cell(mean: float, spread: float | None, digits: int, spread_digits: int) -> str:
    if np.isnan(mean):
        return ""
    text = f"{mean:.{digits}f}"
    return text if spread is None or np.isnan(spread) else f"{text} ± {spread:.{spread_digits}f}"


def _decimals(figures: pd.Series) -> int:
    # as many as the paper prints in this column, at least one
    return 1 if np.allclose(figures, figures.round(1), atol=1e-6, equal_nan=True) else 2
