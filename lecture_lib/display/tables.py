"""The lecture's tables with our numbers beside them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lecture_lib.results import average, papers

pd.set_option("display.html.use_mathjax", False)  # "$5" in a table is a name, not a formula


def beside(
    ours: pd.DataFrame,
    name: str,
    *,
    column: str,
    rows: Mapping[str, str] | None = None,
    network: str = "ours",
) -> pd.DataFrame:
    """Return a table of the lecture as text, each of our numbers next to the paper's.

    ours     rows of a record: method, source, value, and spread where values are means; several rows of one method
             (splits, seeds) become their mean ± standard deviation
    name     table of `papers`, for example "decaf/caltech101"
    column   the column of the table that our numbers stand beside, or the column of `ours` that names it
    rows     our methods -> rows of the table; left out where they have the same names
    network  what made our numbers, for the column names

    Behind a column "DeCAF6" stands "DeCAF6: <network> on Caltech-101" for photographs and "DeCAF6: <network> on
    Caltech-101 twin" for twins, so that no number from drawn images is mistaken for one from a dataset. Cells read
    "86.9 ± 0.7". Raises UnknownEntry for a row or column that the table does not have.
    """
    about, paper, attributes = papers.about(name), papers.table(name), papers.attributes(name)
    ours = ours.assign(
        column=ours.get(column, column), row=ours["method"].map(rows) if rows else ours["method"]
    )
    ours = ours[ours.row.notna() & ours.column.notna()]
    for row, place in set(zip(ours.row, ours.column, strict=True)):
        papers.check(name, row, place)
    shown = pd.DataFrame(index=paper.index)
    for column in [*attributes, *papers.columns(name)]:
        if column in attributes:
            shown[column] = [f"{cell:,.0f}" if isinstance(cell, float) else cell for cell in paper[column]]
            continue
        spreads = paper.get(column + papers.SPREAD, pd.Series(np.nan, index=paper.index))
        digits = _decimals(paper[column]), _decimals(spreads)
        shown[column] = with_spread(paper[column], spreads, *digits)
        for source, rows_of in ours[ours.column == column].groupby("source"):
            numbers = rows_of[["row", *rows_of.columns.intersection(["value", "spread", "n_splits"])]]
            means = average(numbers).set_index("row")
            twin = " twin" if source == "twin" else ""
            title = f"{column}: {network} on {papers.dataset_of(name, column)}{twin}"
            shown[title] = with_spread(means.value, means.spread, *digits).reindex(paper.index).fillna("")
    shown.columns.name = f"{about['metric']}, {about['unit']}"
    return shown.replace("nan", "")


def with_spread(means: pd.Series, spreads: pd.Series, digits: int = 1, spread_digits: int = 1) -> pd.Series:
    """Write each mean, and its spread where there is one: "86.9 ± 0.7", which no browser breaks into two lines."""
    text = means.map(lambda mean: "" if np.isnan(mean) else f"{mean:.{digits}f}")
    return text + spreads.map(
        lambda spread: (
            "" if np.isnan(spread) else f"\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{spread:.{spread_digits}f}"
        )
    )


def _decimals(figures: pd.Series) -> int:
    # as many as the paper prints in this column, at least one
    return 1 if np.allclose(figures, figures.round(1), atol=1e-6, equal_nan=True) else 2
