"""Plots of what accuracy costs: numbers a picture, or seconds a picture."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lecture_lib.display import style
from lecture_lib.display.labels import place_name

LEADER = 16  # points: names farther away are joined to their mark by a line
MARK = 7  # pixels from the middle of a mark to its edge
WIDTH = np.array([2, 0])  # pixels from the middle of an interval to its sides


def tradeoff(
    table: pd.DataFrame,
    paper: pd.DataFrame | None = None,
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
) -> Figure:
    """Plot what each method reaches against what it costs, with its interval: one colour and marker a family.

    table  columns `name`, `family` (such as IFV or CNN), `x` (the cost, above 0; its axis is logarithmic), `value`,
           `low`, `high`
    paper  columns `name`, `family`, `x`, `value`: the paper's values, hollow and faint

    Each mark has its name beside it, moved aside where it would cover another. Rows whose x or value is NaN are left
    out. Raises ValueError if a column is missing, no row is left, or an x is not positive.
    """
    tables = [check_costs(table, ("low", "high"))]
    if paper is not None:
        tables.append(check_costs(paper))
    families = list(dict.fromkeys(name for rows in tables for name in rows["family"]))
    looks = style.of(*families)
    with style.look():
        figure = style.new_figure(9, 5.4, layout="constrained")
        axes = figure.add_subplot(xscale="log")
        for rows, ours in zip(tables, (True, False), strict=False):
            for row in rows.itertuples():
                colour, marker, _ = looks[row.family]
                if ours:
                    axes.vlines(row.x, row.low, row.high, color=colour, lw=2, alpha=0.5)
                axes.plot(
                    row.x, row.value, ls="", color=colour, marker=marker, ms=8, mew=1.3, mec=colour,
                    mfc=colour if ours else "white", zorder=3 if ours else 2.5,
                )  # fmt: skip
        axes.set(xlabel=f"{xlabel} (logarithmic)", ylabel=ylabel)
        axes.set_title(title, fontsize=14)
        axes.grid(color="#e2e2e2")
        axes.set_axisbelow(True)
        everywhere = np.concatenate([rows["x"].to_numpy(float) for rows in tables])
        margin = max((everywhere.max() / everywhere.min()) ** 0.12, 1.5)
        axes.set_xlim(everywhere.min() / margin, everywhere.max() * margin)
        axes.margins(y=0.12)
        handles = [
            Line2D([], [], ls="", marker=marker, color=colour, ms=8, label=family)
            for family, (colour, marker, _) in looks.items()
        ]
        if paper is not None:
            handles.append(
                Line2D([], [], ls="", marker="o", mfc="white", mec=style.FAINT, ms=8, label="the paper")
            )
        figure.legend(handles=handles, loc="outside right upper")
        name_marks(figure, axes, tables, {family: look.colour for family, look in looks.items()})
    return figure


def check_costs(table: pd.DataFrame, more: tuple[str, ...] = ()) -> pd.DataFrame:
    """The rows that can be drawn; ValueError if a column is missing, there are none, or an x is not positive."""
    if missing := [c for c in ("name", "family", "x", "value", *more) if c not in table]:
        raise ValueError(
            f"The table has no column {missing[0]!r}; it has {', '.join(map(str, table.columns))}."
        )
    rows = table.dropna(subset=["x", "value"])
    if rows.empty:
        raise ValueError("The table has no row with x and value: there is nothing to plot.")
    if not (rows["x"] > 0).all():
        raise ValueError(f"x = {rows['x'].min():g} has no place on a logarithmic axis.")
    return rows


def name_marks(figure: Figure, axes: Axes, tables: list[pd.DataFrame], colours: dict[str, str]) -> None:
    """Write each row's name beside its mark, where it covers no mark, no interval and no other name, if it can."""
    figure.draw_without_rendering()  # lay the axes out: only then are places known in pixels
    figure.set_layout_engine("none")  # names lie within the axes; they shall not move them
    everything = pd.concat([rows.reindex(columns=["x", "value", "low", "high"]) for rows in tables])
    x, value, low, high = everything.to_numpy(float).T
    marks, lows, highs = (
        axes.transData.transform(np.stack([x, np.where(np.isnan(y), value, y)], 1))
        for y in (value, low, high)
    )
    taken = np.concatenate(
        [np.hstack([marks - MARK, marks + MARK]), np.hstack([lows - WIDTH, highs + WIDTH])]
    )
    for rows, ours in zip(tables, (True, False), strict=False):
        for row in rows.itertuples():
            at, colour = (row.x, row.value), colours[row.family] if ours else style.FAINT
            text = axes.annotate(
                row.name, at, xytext=(0, 0), textcoords="offset points", fontsize=10 if ours else 9,
                color=colour, style="normal" if ours else "italic", zorder=4,
            )  # fmt: skip
            box, reach = place_name(text, taken)
            taken = np.concatenate([taken, [box]])
            if reach >= LEADER:
                near = np.clip(axes.transData.transform(at), box[:2], box[2:])
                ends = np.array([at, axes.transData.inverted().transform(near)])
                axes.plot(*ends.T, color=colour, lw=0.7, alpha=0.6, zorder=1)
