"""Plots of what scores and maps of patches reach: mAP against k, pointing accuracy class by class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lecture_lib.chapters.patch_transfer.inference import K
from lecture_lib.display import style
from lecture_lib.display.curves import new_plot, series
from lecture_lib.display.labels import name_ends

BEYOND = 1.9  # the maximum stands at so many times the largest k


def k_curve(table: pd.DataFrame, *, unit: str = "mAP, %", title: str = "") -> Figure:
    """Plot mAP against k, one line with its band a name; the maximum over patches, to which k leads, stands apart.

    table  columns `name`, `k` (1 or more; inf for the maximum), `value`, `low`, `high`

    The paper's k is marked. Raises ValueError if a column is missing, a k is not positive or twice there, or none is
    finite.
    """
    lines = series(table, "k")
    ks = np.unique(table["k"].astype(float))
    if not np.isfinite(ks[0]):
        raise ValueError("There is no finite k in the table: there is no curve to plot.")
    end = BEYOND * ks[np.isfinite(ks)][-1]
    with style.look():
        figure, axes = new_plot(unit, title)
        for name, (colour, marker, stroke) in style.of(*lines).items():
            k, value, low, high = lines[name][["k", "value", "low", "high"]].to_numpy(float).T
            at, apart = np.where(np.isfinite(k), k, end), np.isinf(k)
            look = {"color": colour, "marker": marker, "ms": 6, "mfc": colour if stroke == "-" else "white"}
            axes.fill_between(at[~apart], low[~apart], high[~apart], color=colour, alpha=0.15, lw=0)
            axes.vlines(at[apart], low[apart], high[apart], color=colour, lw=4, alpha=0.25)
            axes.plot(at[~apart], value[~apart], lw=1.8, ls=stroke, **look)
            axes.plot(at[-2:], value[-2:], lw=1, ls=":" if apart[-1] else "", label=name, **look)
        told = [k for k in ks if np.isinf(k) or k <= 10 or k % 5 == 0]  # more would lie on each other
        axes.set_xticks(
            [end if np.isinf(k) else k for k in told], ["max" if np.isinf(k) else f"{k:g}" for k in told]
        )
        axes.axvline(K, color=style.FAINT, ls="--", lw=1, zorder=0)
        axes.annotate(
            "the paper's k", (K, 0), xytext=(4, 5), xycoords=axes.get_xaxis_transform(),
            textcoords="offset points", fontsize=9, color=style.FAINT,
        )  # fmt: skip
        axes.set_xlabel("k (logarithmic): to the left all patches count, to the right the best ones")
        name_ends(axes)
    return figure


def pointing_bars(table: pd.DataFrame, counts: Mapping[str, int], *, title: str = "") -> Figure:
    """Plot class by class how often methods point at an object: one row a class, one dot a method.

    table   a row a class, a column a method: per cent of the pictures with this class
    counts  class -> pictures with it

    The rows fall in the order of the first method; the mean of all classes stands below them. NaN has no dot. Raises
    ValueError if there is nothing to plot.
    """
    if table.empty:
        raise ValueError("The table has no rows or no columns: there is nothing to plot.")
    ranked = table.sort_values(table.columns[0], ascending=False, kind="stable")
    names = [f"{name.replace('_', ' ')} ({counts[name]})" for name in ranked.index] + ["mean of the classes"]
    values = np.vstack([ranked.to_numpy(float), table.mean()])
    rows = np.arange(len(values)) + 0.5 * (np.arange(len(values)) == len(table))
    asides = 0.24 * (np.arange(table.shape[1]) - (table.shape[1] - 1) / 2)  # so that no dot hides another
    with style.look():
        figure = style.new_figure(8.5, 0.29 * len(values) + 1.5, layout="constrained")
        axes = figure.add_subplot()
        axes.hlines(rows, 0, 100, color="#f0f0f0", lw=15, zorder=0)
        axes.grid(axis="x", color="white", lw=1.5)
        axes.set_axisbelow(True)
        for i, (method, (colour, marker, _)) in enumerate(style.of(*table.columns).items()):
            axes.plot(
                values[:, i], rows + asides[i], ls="", marker=marker, ms=6.5, color=colour, label=str(method)
            )
        axes.set_yticks(rows, names)
        axes.get_yticklabels()[-1].set_weight("bold")
        axes.set(xlim=(-2, 102), ylim=(rows[-1] + 0.7, -0.7))
        axes.set_xlabel("pictures of the class whose peak lies on it, % (in brackets: how many there are)")
        axes.tick_params(axis="y", length=0)
        axes.set_title(title, fontsize=14)
        figure.legend(loc="outside lower left", ncols=min(3, table.shape[1]))
    return figure
