"""Plots of what methods reach: by training images, and class by class."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lecture_lib.display import style
from lecture_lib.display.labels import name_ends

MEAN = "mAP"  # the row of a table that is no class


def learning_curves(
    table: pd.DataFrame,
    *,
    ylabel: str,
    xlabel: str = "training images a class",
    title: str = "",
    chance: float | None = None,
) -> Figure:
    """Plot a number against the training images a class, or what `xlabel` says, one line with its band a method.

    table   columns `method`, `n` (training images a class), `value`, `spread` (the band, to both sides; NaN: none),
            say as of `results.average`
    chance  what guessing gives

    A method such as "fc6, random weights" is drawn as a broken line in the colour of "fc6". A value of NaN leaves a
    gap. Raises ValueError if a method has two rows for one n.
    """
    if twice := table[table.duplicated(["method", "n"])].to_dict("records"):
        raise ValueError(
            f"{twice[0]['method']!r} has two rows for n = {twice[0]['n']:g}; average them first."
        )
    ticks = np.unique(table["n"])
    with style.look():
        figure, axes = style.new_axes(8.5, 4.6, title, grid="y", xscale="log", ylabel=ylabel)
        for method, (colour, marker, stroke) in style.of(*table["method"].unique()).items():
            rows = table[table["method"] == method].sort_values("n")
            n, value, spread = rows[["n", "value", "spread"]].to_numpy(float).T
            axes.fill_between(n, value - spread, value + spread, color=colour, alpha=0.15, lw=0)
            inside = colour if stroke == "-" else "white"
            axes.plot(
                n, value, color=colour, marker=marker, mfc=inside, ms=6, lw=1.8, ls=stroke, label=method
            )
        if chance is not None:
            axes.axhline(chance, color=style.FAINT, ls="--", lw=1, label="by chance")
        axes.minorticks_off()
        axes.set_xticks(ticks, [f"{n:g}" for n in ticks])
        axes.set_xlabel(f"{xlabel} (logarithmic)")
        name_ends(axes)
    return figure


def class_dumbbells(
    table: pd.DataFrame, paper: pd.DataFrame | None = None, *, xlabel: str, title: str = ""
) -> Figure:
    """Plot two or three methods class by class: one row a class, one dot a method, joined by a line.

    table  a row a class, a column a method; a row "mAP" is set apart
    paper  the paper's values, of the same rows and columns: hollow dots below ours

    Rows come in the order of the table. NaN has no dot. Raises ValueError if `paper` has other rows or columns.
    """
    if paper is not None and not (table.index.equals(paper.index) and table.columns.equals(paper.columns)):
        raise ValueError("The paper's table must have the rows and columns of ours; see .reindex_like().")
    mean = table.index == MEAN
    rows = np.arange(len(table)) + 0.6 * np.cumsum(mean + np.roll(mean, 1).astype(int))
    tables = [(table, 0.0, True)] if paper is None else [(table, -0.14, True), (paper, 0.2, False)]
    with style.look():
        figure, axes = style.new_axes(8.5, 0.27 * len(table) + 1.5, title)
        dots = []
        for values, shift, ours in tables:
            axes.hlines(
                rows + shift, values.min(axis=1), values.max(axis=1), color="#cccccc", lw=1 + ours, zorder=1
            )
            for name, (colour, marker, _) in style.of(*table.columns).items():
                dots += [axes.scatter(
                    values[name], rows + shift, s=46 if ours else 26, marker=marker, edgecolors=colour,
                    facecolors=colour if ours else "white", linewidths=1.2,
                    label=name if ours else f"{name}, the paper",
                )]  # fmt: skip
        axes.set(ylim=(rows[-1] + 0.7, rows[0] - 0.7), xlabel=xlabel)
        axes.set_yticks(rows, [style.short(name) for name in table.index])
        for text, apart in zip(axes.get_yticklabels(), mean, strict=True):
            text.set_weight("bold" if apart else "normal")
        axes.tick_params(axis="y", length=0)
        marks = len(tables) * len(table.columns)
        figure.legend(handles=dots, loc="outside lower left", ncols=marks if marks <= 4 else len(tables))
    return figure
