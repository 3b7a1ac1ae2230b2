"""Plots of what a classifier reached: by training images, by its C, class by class, and what it took for what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from lecture_lib.display import style

LINE = 15  # pixels from one label to the next that do not touch
NAMED = 25  # classes; the names of more do not fit beside a confusion matrix
MEAN = "mAP"  # the row of a table that is no class
BY_CHANCE = "by chance"
STROKES = ("-", "--", ":", "-.")
NARROWEST = 0.018  # of the side of a confusion matrix: a group that is smaller has no room for its name
CROWDED = 0.07  # of the axis: numbers nearer to each other touch, unless they are tilted
TICKS = 10  # values of C that are all written out


def learning_curves(
    table: pd.DataFrame,
    *,
    ylabel: str,
    xlabel: str = "training images a class",
    title: str = "",
    chance: float | None = None,
) -> Figure:
    """Plot a number against the training images a class, or what `xlabel` says, one line with its band a name.

    table   columns `name`, `n` (training images a class), `value`, `low`, `high` (the band, say over splits)
    chance  what guessing gives

    A name such as "fc6, random weights" is drawn as a broken line in the colour of "fc6". NaN leaves a gap.
    Raises ValueError if a column is missing, an n is not positive, or a name has two rows for one n.
    """
    lines = series(table, "n")
    with style.look():
        figure, axes = new_plot(ylabel, title)
        handles = draw_lines(axes, lines, "n")
        ticks = np.unique(table["n"])
        if chance is not None:
            span = [axes.get_xlim()[0], ticks[-1]]
            (handles[BY_CHANCE],) = axes.plot(span, [chance] * 2, color=style.FAINT, ls="--", lw=1)
        steps = np.diff(np.log(ticks.astype(float)))
        crowded = len(steps) > 1 and steps.min() < CROWDED * steps.sum()
        axes.set_xticks(ticks, [f"{n:g}" for n in ticks], rotation=45 if crowded else 0)
        axes.set_xlabel(f"{xlabel} (logarithmic)")
        ends = {name: rows[["n", "value"]].dropna().tail(1).to_numpy() for name, rows in lines.items()}
        ends = {name: tuple(end[0]) for name, end in ends.items() if len(end)}
        if chance is not None:
            ends[BY_CHANCE] = (ticks[-1], chance)
        name_lines(figure, axes, handles, ends)
    return figure


def penalty_curves(
    table: pd.DataFrame, chosen: Mapping[str, float] | None = None, *, ylabel: str, title: str = ""
) -> Figure:
    """Plot a number against C, the weight of the training errors in an SVM's objective, one line a name.

    table   columns `name`, `C`, `value`, `low`, `high`
    chosen  name -> the C that was chosen for it, which is ringed

    NaN leaves a gap. Raises ValueError as `learning_curves`, and if a chosen C is not in the table.
    """
    lines = series(table, "C")
    with style.look():
        figure, axes = new_plot(ylabel, title)
        handles = draw_lines(axes, lines, "C")
        for name, C in (chosen or {}).items():
            rows = lines.get(name, table[:0])
            here = rows[np.isclose(rows["C"].astype(float), C, atol=0)]
            if here.empty:
                raise ValueError(f"The chosen C = {C:g} of {name!r} is not in the table.")
            handles["chosen C"] = axes.plot(
                here["C"], here["value"], ls="", marker="o", ms=15, mfc="none", mec=style.INK, mew=1.5
            )[0]
        if len(ticks := np.unique(table["C"].astype(float))) <= TICKS:
            axes.set_xticks(ticks, [f"{float(f'{C:.2g}'):g}" for C in ticks])
        axes.set_xlabel("C (logarithmic): to the left small weights, to the right few training errors")
        if len(handles) > 1:
            figure.legend(handles.values(), handles.keys(), loc="outside right center")
    return figure


def new_plot(ylabel: str, title: str) -> tuple[Figure, Axes]:
    """An empty plot with a logarithmic x axis and lines to read heights by."""
    figure = style.new_figure(8.5, 4.6, layout="constrained")
    axes = figure.add_subplot(xscale="log")
    axes.set_ylabel(ylabel)
    axes.set_title(title, fontsize=14)
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.minorticks_off()
    return figure, axes


def series(table: pd.DataFrame, x: str) -> dict[str, pd.DataFrame]:
    """The rows of each name, in the table's order of names, by rising x."""
    if missing := [c for c in ("name", x, "value", "low", "high") if c not in table]:
        raise ValueError(
            f"The table has no column {missing[0]!r}; it has {', '.join(map(str, table.columns))}."
        )
    if table.empty:
        raise ValueError("The table has no rows: there is nothing to plot.")
    if not (table[x] > 0).all():
        raise ValueError(f"{x} = {table[x].min():g} has no place on a logarithmic axis.")
    if twice := table[table.duplicated(["name", x])].to_dict("records"):
        name, place = twice[0]["name"], twice[0][x]
        raise ValueError(f"{name!r} has two rows for {x} = {place:g}; average them first.")
    return {name: rows.sort_values(x) for name, rows in table.groupby("name", sort=False)}


def line_looks(names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Colour, marker and stroke of each line: "fc6, random weights" has colour and marker of "fc6", if there is one."""
    base = {name: head if (head := name.partition(", ")[0]) in names else name for name in names}
    own = list(dict.fromkeys(base.values()))
    for name in names:
        variants = [other for other in names if base[other] == base[name] != other]
        stroke = STROKES[(1 + variants.index(name)) % len(STROKES) if name in variants else 0]
        yield *style.spare(own.index(base[name])), stroke


def draw_lines(axes: Axes, lines: Mapping[str, pd.DataFrame], x: str) -> dict[str, Line2D]:
    """Draw each name's line and band; returns what stands for it in a legend."""
    handles = {}
    for (name, rows), (colour, marker, stroke) in zip(lines.items(), line_looks(list(lines)), strict=True):
        at, value, low, high = (rows[c].to_numpy(float) for c in (x, "value", "low", "high"))
        axes.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)
        inside = colour if stroke == "-" else "white"
        (handles[name],) = axes.plot(
            at, value, color=colour, marker=marker, mfc=inside, ms=6, lw=1.8, ls=stroke, label=name
        )
    everywhere = np.concatenate([rows[x].to_numpy(float) for rows in lines.values()])
    low, high = everywhere.min(), everywhere.max()
    margin = max((high / low) ** 0.04, 1.1)
    axes.set_xlim(low / margin, high * margin)
    return handles


def name_lines(
    figure: Figure, axes: Axes, handles: Mapping[str, Line2D], ends: Mapping[str, tuple[float, float]]
) -> None:
    """Name each line at its right end; where the names would touch, in a legend in the order of the ends."""
    order = sorted(ends, key=lambda name: -ends[name][1])
    last = max((x for x, _ in ends.values()), default=0)
    figure.draw_without_rendering()  # lay the axes out: how many pixels are between two ends?
    heights = [axes.transData.transform(ends[name])[1] for name in order]
    if all(ends[name][0] == last for name in order) and (-np.diff(heights) >= LINE).all():
        for name in order:
            axes.annotate(
                name, ends[name], xytext=(9, 0), textcoords="offset points", va="center",
                color=handles[name].get_color(), annotation_clip=False,
            )  # fmt: skip
    else:
        figure.legend([handles[name] for name in order], order, loc="outside right center")


def class_dumbbells(
    table: pd.DataFrame, paper: pd.DataFrame | None = None, *, xlabel: str, title: str = ""
) -> Figure:
    """Plot two or three methods class by class: one row a class, one dot a method, joined by a line.

    table  a row a class, a column a method; a row "mAP" is set apart
    paper  the paper's values, of the same rows and columns: hollow dots below ours

    Rows come in the order of the table. NaN has no dot. Raises ValueError if `paper` has other rows or columns.
    """
    if table.empty:
        raise ValueError("The table has no rows or no columns: there is nothing to plot.")
    if paper is not None and not (table.index.equals(paper.index) and table.columns.equals(paper.columns)):
        raise ValueError("The paper's table must have the rows and columns of ours; see .reindex_like().")
    mean = np.array([name == MEAN for name in table.index])
    rows = np.arange(len(table)) + 0.6 * np.cumsum(mean + np.roll(mean, 1).astype(int))
    tables = [(table, 0.0, True)] if paper is None else [(table, -0.14, True), (paper, 0.2, False)]
    with style.look():
        figure = style.new_figure(8.5, 0.27 * len(table) + 1.5, layout="constrained")
        axes = figure.add_subplot()
        for values, shift, ours in tables:
            values = values.to_numpy(float)
            known = np.isfinite(values).any(1)
            y, some = rows[known] + shift, values[known]
            spans = np.stack([np.nanmin(some, axis=1), y, np.nanmax(some, axis=1), y], axis=1)
            axes.add_collection(
                LineCollection(spans.reshape(-1, 2, 2), colors="#cccccc", lw=2 if ours else 1, zorder=1)
            )
            for k, name in enumerate(table.columns):
                colour, marker = style.spare(k)
                axes.scatter(
                    values[:, k], rows + shift, s=46 if ours else 26, marker=marker, edgecolors=colour,
                    facecolors=colour if ours else "white", linewidths=1.2,
                    label=str(name) if ours else f"{name}, the paper",
                )  # fmt: skip
        axes.set(yticks=rows, ylim=(rows[-1] + 0.7, rows[0] - 0.7), xlabel=xlabel)
        axes.set_yticklabels([str(name).replace("_", " ") for name in table.index])
        for text, apart in zip(axes.get_yticklabels(), mean, strict=True):
            text.set_weight("bold" if apart else "normal")
        axes.grid(color="#eeeeee")
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        axes.set_title(title, fontsize=14)
        marks = len(tables) * len(table.columns)
        figure.legend(loc="outside lower left", ncols=marks if marks <= 4 else len(tables))
    return figure


def confusion(
    matrix: np.ndarray, classes: Sequence[str], groups: Sequence[str] = (), *, title: str = ""
) -> Figure:
    """Show what was taken for what: one row a true class, in shades of the share of its pictures.

    matrix   [C, C] counts or shares: rows true, columns predicted, as of `metrics.confusion_matrix`; each row is
             divided by its sum, and left grey where that is zero
    classes  C names, written out if there are at most 25
    groups   C names: classes of a group are put together, in the order of their first class, and named on the sides

    The shades rise with the square root of the share, so that a few per cent can still be seen.
    """
    matrix = np.asarray(matrix, dtype=float)
    n = len(classes)
    if matrix.shape != (n, n) or n == 0 or len(groups) not in (0, n):
        raise ValueError(
            f"A confusion matrix of {n} classes is [{n}, {n}] with {n} groups or none; "
            f"here it is {list(matrix.shape)} with {len(groups)} groups."
        )
    first = {group: i for i, group in reversed(list(enumerate(groups)))}
    order = sorted(range(n), key=lambda i: first[groups[i]]) if first else list(range(n))
    total = matrix.sum(1, keepdims=True)
    shares = np.divide(matrix, total, out=np.full_like(matrix, np.nan), where=total > 0)[np.ix_(order, order)]
    with style.look():
        figure = style.new_figure(8.6, 7.4, layout="constrained")
        axes = figure.add_subplot(facecolor="#dddddd")
        shade = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), interpolation="none")
        axes.set(xticks=[], yticks=[], xlabel="taken for", ylabel="true class")
        axes.set_title(title, fontsize=14)
        if groups:
            mark_groups(axes, [groups[i] for i in order], named=n > NAMED)
        if n <= NAMED:
            names = [classes[i].replace("_", " ") for i in order]
            axes.set_xticks(range(n), names, rotation=90, fontsize=10)
            axes.set_yticks(range(n), names, fontsize=10)
        axes.tick_params(length=0, pad=8 if groups else 3)
        ticks = [0, 0.02, 0.1, 0.25, 0.5, 1]
        bar = figure.colorbar(shade, ax=axes, shrink=0.6, aspect=30, ticks=ticks)
        bar.ax.set_yticklabels([f"{t:.0%}" for t in ticks])
        bar.set_label("of the true class's pictures")
        bar.outline.set_visible(False)
    return figure


def mark_groups(axes: Axes, groups: Sequence[str], *, named: bool) -> None:
    """Part the groups of a confusion matrix by lines, with a strip of their colours and, if `named`, their names."""
    n, looks = len(groups), style.looks(groups)
    starts = [i for i in range(n) if i == 0 or groups[i] != groups[i - 1]]
    stops = [*starts[1:], n]
    for start, stop in zip(starts, stops, strict=True):
        if start:
            axes.axhline(start - 0.5, color=style.PALE, lw=0.6)
            axes.axvline(start - 0.5, color=style.PALE, lw=0.6)
        size, colour = stop - start, looks[groups[start]][0]
        strip = {"color": colour, "lw": 0, "clip_on": False}
        axes.add_patch(Rectangle((-0.5 - 0.012 * n, start - 0.5), 0.012 * n, size, **strip))
        axes.add_patch(Rectangle((start - 0.5, n - 0.5), size, 0.012 * n, **strip))
    if named:
        roomy = [(a, b) for a, b in zip(starts, stops, strict=True) if b - a >= NARROWEST * n]
        middles, names = [(a + b - 1) / 2 for a, b in roomy], [groups[a].partition(",")[0] for a, _ in roomy]
        axes.set_xticks(middles, names, rotation=90, fontsize=10)
        axes.set_yticks(middles, names, fontsize=10)
