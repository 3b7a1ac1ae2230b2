"""Plots of what accuracy costs: numbers a picture, or seconds a picture."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from lecture_lib.display import style
from lecture_lib.display.labels import place_name

# joins a name to its mark
LEADER = {"arrowstyle": "-", "lw": 0.7, "alpha": 0.6, "shrinkA": 1, "shrinkB": 5}
MARK = 7  # pixels from the middle of a mark to its edge


def tradeoff(
    table: pd.DataFrame, paper: pd.DataFrame | None = None, *, xlabel: str, ylabel: str, title: str = ""
) -> Figure:
    """Plot what each method reaches against what it costs: one colour and mark a family.

    table  columns `name`, `family` (such as IFV or CNN), `x` (the cost, above 0; its axis is logarithmic), `value`
    paper  columns `name`, `family`, `x`, `value`: the paper's values, hollow and faint

    Each mark has its name beside it, moved aside where it would cover another. Rows whose x or value is NaN are left
    out.
    """
    rows = [table.assign(ours=True), *([] if paper is None else [paper.assign(ours=False)])]
    rows = pd.concat(rows).dropna(subset=["x", "value"])
    looks = style.of(*rows["family"].unique())
    with style.look():
        figure, axes = style.new_axes(9, 5.4, title, xscale="log")
        for row in rows.itertuples():
            colour, marker, _ = looks[row.family]
            axes.plot(
                row.x, row.value, ls="", color=colour, marker=marker, ms=8, mew=1.3,
                mfc=colour if row.ours else "white", zorder=3 if row.ours else 2.5,
            )  # fmt: skip
        axes.set(xlabel=f"{xlabel} (logarithmic)", ylabel=ylabel)
        low, high = rows["x"].min(), rows["x"].max()
        margin = max((high / low) ** 0.12, 1.5)
        axes.set_xlim(low / margin, high * margin)
        if high / low < 100:  # decades alone would be too few ticks
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
            axes.xaxis.set_minor_locator(NullLocator())
        axes.margins(y=0.12)
        named = {look[:2]: family for family, look in reversed(looks.items())}  # two names of one: the first
        marks = {name: {"color": look[0], "marker": look[1]} for look, name in reversed(named.items())}
        if paper is not None:
            marks["the paper"] = {"marker": "o", "mfc": "white", "mec": style.FAINT}
        handles = [Line2D([], [], ls="", ms=8, label=name, **look) for name, look in marks.items()]
        figure.legend(handles=handles, loc="outside right upper")
        name_marks(axes, rows, looks)
    return figure


def name_marks(axes: Axes, rows: pd.DataFrame, looks: Mapping[str, style.Look]) -> None:
    """Write each row's name beside its mark, where it covers no mark and no other name, if it can."""
    axes.figure.draw_without_rendering()  # lay the axes out: only then are places known in pixels
    axes.figure.set_layout_engine("none")  # names lie within the axes; they shall not move them
    marks = axes.transData.transform(rows[["x", "value"]].to_numpy(float))
    taken = np.hstack([marks - MARK, marks + MARK])
    for row in rows[rows["name"].ne("")].itertuples():
        colour = looks[row.family].colour if row.ours else style.FAINT
        text = axes.annotate(
            row.name, (row.x, row.value), xytext=(0, 0), textcoords="offset points", color=colour, zorder=4,
            fontsize=10 if row.ours else 9, style="normal" if row.ours else "italic",
            arrowprops=LEADER | {"color": colour},
        )  # fmt: skip
        taken = np.concatenate([taken, [place_name(text, taken)]])
