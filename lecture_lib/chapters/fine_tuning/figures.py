"""Plots of fine-tuning: by epoch, by the layers that were frozen, by the learning rate of those that were not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lecture_lib.display import style
from lecture_lib.display.labels import name_ends
from lecture_lib.display.style import two_panels

NONE = "none"  # of the layers is frozen
DEPTH = "frozen up to this layer"
RATIO = "learning rate of the pre-trained layers ÷ that of the head"
CHOSEN = "#c2281d"
SHADES = "YlGnBu"


def training_curves(
    curves: Mapping[str, Sequence[Mapping[str, float]]], *, unit: str = "mAP, %", title: str = ""
) -> Figure:
    """Plot how trainings went, epoch by epoch: the loss on the left, the validation on the right, its best dotted.

    curves  method -> one mapping an epoch with `loss` and `validation`, as `training.Tuned.curve`

    Losses of different kinds have no unit in common, so each is drawn relative to its own first epoch. A method
    without an epoch has no line but takes its colour: so those of other figures stay the same. Raises ValueError if
    there is no epoch at all, or a first loss is not positive.
    """
    looks = style.of(*curves)
    drawn = {method: curve for method, curve in curves.items() if len(curve)}
    if not drawn:
        raise ValueError("There is no epoch to plot: give at least one curve that is not empty.")
    with style.look():
        figure, (left, right) = two_panels(title)
        for method, curve in drawn.items():
            epochs = np.arange(1, len(curve) + 1)
            loss, validation = (
                np.array([line[key] for line in curve], float) for key in ("loss", "validation")
            )
            if not loss[0] > 0:
                raise ValueError(
                    f"{method}: the loss of the first epoch is {loss[0]:g}; nothing is relative to it."
                )
            for axes, values in ((left, loss / loss[0]), (right, validation)):
                axes.plot(epochs, values, color=looks[method].colour, lw=1.8, label=method)
            best = validation.argmax()
            right.plot(
                epochs[best],
                validation[best],
                ls="",
                marker=looks[method].marker,
                ms=9,
                color=looks[method].colour,
                mec="white",
            )
        left.set(ylabel="training loss ÷ that of the first epoch", ylim=(0, None))
        right.set_ylabel(f"validation {unit} (dot: the best epoch)")
        for axes in (left, right):
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            name_ends(axes)
    return figure


def freeze_curves(
    table: pd.DataFrame, baseline: float | None = None, *, unit: str = "mAP, %", title: str = ""
) -> Figure:
    """Plot what fine-tuning reached against the layers that were frozen: one line a learning rate, with its intervals.

    table     columns `frozen` (the last frozen tap, in the network's order; "none" or NaN: all layers learn),
              `ratio` (learning rate of the pre-trained layers ÷ that of the head; NaN where only the head learns),
              `value`, `low`, `high`
    baseline  what an SVM reached on the network as it was

    Raises ValueError if a column is missing, or a run has two rows.
    """
    table, depths, ratios = check_runs(table, ("low", "high"))
    place = {depth: i for i, depth in enumerate(depths)}
    colours = mpl.colormaps["plasma"](np.linspace(0.85, 0, len(ratios)))
    asides = 0.06 * (np.arange(len(ratios)) - (len(ratios) - 1) / 2)  # so that no interval hides another
    with style.look():
        figure = style.new_figure(8.5, 4.6, layout="constrained")
        axes = figure.add_subplot()
        for ratio, colour, aside in zip(ratios, map(to_hex, colours), asides, strict=True):
            rows = table[table["ratio"] == ratio]
            x = rows["frozen"].map(place).to_numpy(float) + aside
            axes.vlines(
                x, rows["low"].astype(float), rows["high"].astype(float), color=colour, lw=2, alpha=0.4
            )
            axes.plot(x, rows["value"], color=colour, marker="o", ms=6, lw=1.8, label=f"ratio {ratio:g}")
        for row in table[table["ratio"].isna()].itertuples():
            axes.vlines(place[row.frozen], row.low, row.high, color=style.INK, lw=2, alpha=0.4)
            look = {"color": style.INK, "marker": "D", "label": "only the head"}
            axes.plot(place[row.frozen], row.value, ls="", ms=7, **look)
        axes.set_xlim(-0.3, len(depths) - 0.7)
        if baseline is not None:
            axes.axhline(baseline, color=style.of("CNN")["CNN"].colour, ls="--", lw=1, label="SVM, not tuned")
        axes.set_xticks(range(len(depths)), depths)
        axes.set(xlabel=f"{DEPTH}\n(ratio: {RATIO})", ylabel=unit)
        axes.set_title(title, fontsize=14)
        axes.grid(axis="y", color="#eeeeee")
        axes.set_axisbelow(True)
        name_ends(axes)
    return figure


def tuning_map(
    runs: pd.DataFrame, chosen: tuple[str, float] | None = None, *, unit: str = "mAP, %", title: str = ""
) -> Figure:
    """Show trainings by what was frozen and how fast the rest learned: test results as a map, validation by epoch.

    runs    a row a training: columns `frozen` and `ratio` as in `freeze_curves`, `value` (of the test) and
            `validation` (a sequence: one number an epoch)
    chosen  frozen, ratio of the run that is outlined and drawn strongly (default: that with the best validation)

    A row whose ratio is NaN stands for all ratios: only the head learned. Cells without a run are grey. Raises
    ValueError if a column is missing, a run has two rows or no epoch, or the chosen one is not in the map.
    """
    runs, depths, ratios = check_trainings(runs)
    depth, ratio = chosen or best_of(runs, ratios)
    if depth not in depths or ratio not in ratios:
        raise ValueError(
            f"Runs are frozen up to {', '.join(depths)}, with ratios {', '.join(f'{r:g}' for r in ratios)}, "
            f"not {depth!r}, {ratio:g}."
        )
    here = find_run(runs, depth, ratio)
    with style.look():
        figure, (left, right) = two_panels(title)
        draw_map(left, runs, depths, ratios, unit)
        row, column = depths.index(depth), ratios.index(ratio)
        wide = here is not None and np.isnan(here["ratio"])
        outline = (-0.5, row - 0.5, len(ratios), 1) if wide else (column - 0.5, row - 0.5, 1, 1)
        left.add_patch(
            Rectangle(outline[:2], *outline[2:], fill=False, ec=CHOSEN, lw=3, clip_on=False, zorder=4)
        )
        for validation in runs["validation"]:
            right.plot(np.arange(1, len(validation) + 1), validation, color="#cccccc", lw=1)
        if here is None:
            right.text(0.5, 0.5, "no such run", transform=right.transAxes, ha="center", color=style.FAINT)
        else:
            values = np.asarray(here["validation"], float)
            right.plot(np.arange(1, len(values) + 1), values, color=CHOSEN, lw=2.4)
            right.plot(values.argmax() + 1, values.max(), ls="", marker="o", ms=9, color=CHOSEN, mec="white")
        right.set(xlabel="epoch", ylabel=f"validation {unit} (grey: the other runs)")
        right.xaxis.get_major_locator().set_params(integer=True)
    return figure


def draw_map(axes: Axes, runs: pd.DataFrame, depths: list[str], ratios: list[float], unit: str) -> None:
    """Draw the value of each run as a shade with its number: a row a depth, a column a ratio."""
    values = np.full((len(depths), len(ratios)), np.nan)
    for run in runs.itertuples():
        columns = slice(None) if np.isnan(run.ratio) else ratios.index(run.ratio)
        values[depths.index(run.frozen), columns] = run.value
    axes.set_facecolor("#dddddd")
    axes.grid(visible=False)
    shades = axes.imshow(values, cmap=SHADES, interpolation="none", aspect="auto")
    for run in runs.itertuples():
        x = (len(ratios) - 1) / 2 if np.isnan(run.ratio) else ratios.index(run.ratio)
        y = depths.index(run.frozen)
        dark = np.dot(shades.to_rgba(run.value)[:3], (0.3, 0.59, 0.11)) < 0.5
        text = f"{run.value:.1f}" + (": only the head learns" if np.isnan(run.ratio) else "")
        axes.text(x, y, text, ha="center", va="center", color="white" if dark else style.INK)
    axes.set_xticks(range(len(ratios)), [f"{ratio:g}" for ratio in ratios])
    axes.set_yticks(range(len(depths)), depths)
    axes.set(xlabel=RATIO, ylabel=DEPTH)
    axes.set_title(f"test {unit}", fontsize=11)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def check_trainings(runs: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[float]]:
    """`check_runs` of a table of trainings: each has at least one epoch."""
    runs, depths, ratios = check_runs(runs, ("validation",))
    for run in runs.itertuples():
        if not len(run.validation):
            raise ValueError(
                f"The run frozen up to {run.frozen}, ratio {run.ratio:g}, has no epoch of validation."
            )
    return runs, depths, ratios


def check_runs(table: pd.DataFrame, more: tuple[str, ...]) -> tuple[pd.DataFrame, list[str], list[float]]:
    """The table, its depths ("none" before the taps in its order), and its ratios, rising.

    Raises ValueError if a column is missing, a run has two rows, or there is none with a ratio.
    """
    if missing := [c for c in ("frozen", "ratio", "value", *more) if c not in table]:
        raise ValueError(
            f"The table has no column {missing[0]!r}; it has {', '.join(map(str, table.columns))}."
        )
    table = table.assign(frozen=table["frozen"].fillna(NONE), ratio=table["ratio"].astype(float))
    if twice := table[table.duplicated(["frozen", "ratio"])].to_dict("records"):
        raise ValueError(
            f"There are two rows frozen up to {twice[0]['frozen']}, ratio {twice[0]['ratio']:g}; average them first."
        )
    depths = sorted(dict.fromkeys(table["frozen"]), key=lambda depth: depth != NONE)
    ratios = sorted(table["ratio"].dropna().unique().tolist())
    if not ratios:
        raise ValueError("The table has no run with a ratio: there is nothing to compare.")
    order = table["frozen"].map(depths.index)
    return table.iloc[np.argsort(order, kind="stable")], depths, ratios


def find_run(runs: pd.DataFrame, depth: str, ratio: float) -> pd.Series | None:
    """The row of a run; where only the head learned, of any ratio; None where there is none."""
    found = runs[(runs["frozen"] == depth) & ((runs["ratio"] == ratio) | runs["ratio"].isna())]
    return found.iloc[0] if len(found) else None


def best_of(runs: pd.DataFrame, ratios: list[float]) -> tuple[str, float]:
    """Depth and ratio of the run whose best validation is highest: tests are not there to choose by."""
    best = runs.iloc[np.argmax([np.max(validation) for validation in runs["validation"]])]
    return best["frozen"], ratios[0] if np.isnan(best["ratio"]) else best["ratio"]
