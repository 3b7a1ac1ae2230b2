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

NONE = "none"  # of the layers is frozen
DEPTH = "frozen up to this layer"
RATIO = "learning rate of the pre-trained layers ÷ that of the head"
CHOSEN = "#c2281d"


def two_panels(title: str) -> tuple[Figure, np.ndarray]:
    """An empty figure of two plots beside each other, with lines to read heights by."""
    figure = style.new_figure(10.5, 4.4, layout="constrained")
    panels = figure.subplots(1, 2)
    for axes in panels:
        axes.grid(axis="y", color="#eeeeee")
        axes.set_axisbelow(True)
    figure.get_layout_engine().set(wspace=0.06)
    figure.suptitle(title, fontsize=14, x=0.01, ha="left")
    return figure, panels


def training_curves(
    curves: Mapping[str, Sequence[Mapping[str, float]]], *, unit: str = "mAP, %", title: str = ""
) -> Figure:
    """Plot how trainings went, epoch by epoch: the loss on the left, the validation on the right, its best marked.

    curves  method -> one mapping an epoch with `loss` and `validation`, as `training.Tuned.curve`

    Losses of different kinds have no unit in common, so each is drawn relative to its own first epoch.
    """
    with style.look():
        figure, (left, right) = two_panels(title)
        for method, look in style.of(*curves).items():
            curve = pd.DataFrame(list(curves[method]), index=range(1, len(curves[method]) + 1))
            for axes, values in ((left, curve["loss"] / curve["loss"].iloc[0]), (right, curve["validation"])):
                axes.plot(values, color=look.colour, lw=1.8, label=method)
            best = curve["validation"].idxmax()
            mark = {"marker": look.marker, "color": look.colour, "mec": "white"}
            right.plot(best, curve["validation"][best], ls="", ms=9, **mark)
        left.set(ylabel="training loss ÷ that of the first epoch", ylim=(0, None))
        right.set_ylabel(f"validation {unit} (marked: the best epoch)")
        for axes in (left, right):
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            name_ends(axes)
    return figure


def freeze_curves(runs: pd.DataFrame, baseline: float, *, unit: str = "mAP, %", title: str = "") -> Figure:
    """Plot what fine-tuning reached against the layers that were frozen: one line a learning rate, with its intervals.

    runs      columns `frozen` (the last frozen layer, in the network's order; "none" or NaN: all layers learn),
              `ratio` (learning rate of the pre-trained layers ÷ that of the head; NaN where only the head learns),
              `value`, `low`, `high`
    baseline  what an SVM reached on the network as it was
    """
    runs, depths, ratios = in_order(runs)
    colours = mpl.colormaps["plasma"](np.linspace(0.85, 0, len(ratios)))
    asides = 0.06 * (np.arange(len(ratios)) - (len(ratios) - 1) / 2)  # so that no interval hides another
    lines = [
        (f"ratio {ratio:g}", runs[runs["ratio"] == ratio], aside, {"color": to_hex(colour), "marker": "o"})
        for ratio, colour, aside in zip(ratios, colours, asides, strict=True)
    ]
    lines.append(("only the head", runs[runs["ratio"].isna()], 0, {"color": style.INK, "marker": "D"}))
    with style.look():
        figure, axes = style.new_axes(8.5, 4.6, title, grid="y")
        for name, rows, aside, look in lines:
            x = np.array([depths.index(depth) for depth in rows["frozen"]]) + aside
            axes.vlines(x, rows["low"], rows["high"], color=look["color"], lw=2, alpha=0.4)
            axes.plot(x, rows["value"], ms=6, lw=1.8, label=name, **look)
        axes.set_xlim(-0.3, len(depths) - 0.7)
        untuned = style.of("frozen, SVM")["frozen, SVM"].colour
        axes.axhline(baseline, color=untuned, ls="--", lw=1, label="SVM, not tuned")
        axes.set_xticks(range(len(depths)), depths)
        axes.set(xlabel=f"{DEPTH}\n(ratio: {RATIO})", ylabel=unit)
        name_ends(axes)
    return figure


def freeze_map(
    runs: pd.DataFrame, chosen: tuple[str, float] | None = None, *, unit: str = "mAP, %", title: str = ""
) -> Figure:
    """Show trainings by what was frozen and how fast the rest learned: test results as a map, validation by epoch.

    runs    a row a training: columns `frozen` and `ratio` as in `freeze_curves`, `value` (of the test) and
            `validation` (a sequence: one number an epoch)
    chosen  frozen, ratio of the run that is outlined and drawn strongly (default: that with the best validation)

    A row whose ratio is NaN stands for all ratios: only the head learned. Cells without a run are grey.
    """
    depth, ratio = chosen or best_of(runs)
    runs, depths, ratios = in_order(runs)
    here = find_run(runs, depth, ratio)
    with style.look():
        figure, (left, right) = two_panels(title)
        draw_map(left, runs, depths, ratios)
        left.set_title(f"test {unit}", fontsize=11)
        row, column = depths.index(depth), ratios.index(ratio)
        wide = here is not None and np.isnan(here["ratio"])
        x, width = (-0.5, len(ratios)) if wide else (column - 0.5, 1)
        left.add_patch(
            Rectangle((x, row - 0.5), width, 1, fill=False, ec=CHOSEN, lw=3, clip_on=False, zorder=4)
        )
        for validation in runs["validation"]:
            right.plot(np.arange(1, len(validation) + 1), validation, color="#cccccc", lw=1)
        if here is not None:
            values = np.asarray(here["validation"], float)
            right.plot(np.arange(1, len(values) + 1), values, color=CHOSEN, lw=2.4)
            right.plot(values.argmax() + 1, values.max(), ls="", marker="o", ms=9, color=CHOSEN, mec="white")
        right.set_title(describe(runs, depth, ratio), fontsize=11)
        right.set(xlabel="epoch", ylabel=f"validation {unit} (grey: the other runs)")
        right.xaxis.get_major_locator().set_params(integer=True)
    return figure


def draw_map(axes: Axes, runs: pd.DataFrame, depths: list[str], ratios: list[float]) -> None:
    """Draw the value of each run as a shade with its number: a row a depth, a column a ratio."""
    values = pd.DataFrame(np.nan, depths, ratios)
    for run in runs.itertuples():
        values.loc[run.frozen, ratios if np.isnan(run.ratio) else run.ratio] = run.value
    axes.set_facecolor("#dddddd")
    axes.grid(visible=False)
    shades = axes.imshow(values, cmap="YlGnBu", interpolation="none", aspect="auto")
    for run in runs.itertuples():
        wide = bool(np.isnan(run.ratio))
        x = (len(ratios) - 1) / 2 if wide else ratios.index(run.ratio)
        dark = np.dot(shades.to_rgba(run.value)[:3], (0.3, 0.59, 0.11)) < 0.5
        text = f"{run.value:.1f}" + ": only the head learns" * wide
        look = {"ha": "center", "va": "center", "color": "white" if dark else style.INK}
        axes.text(x, depths.index(run.frozen), text, **look)
    axes.set_xticks(range(len(ratios)), [f"{ratio:g}" for ratio in ratios])
    axes.set_yticks(range(len(depths)), depths)
    axes.set(xlabel=RATIO, ylabel=DEPTH)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def in_order(runs: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[float]]:
    """The runs by depth, the depths ("none", then layers in the order of the table), and the ratios, rising."""
    runs = runs.assign(frozen=runs["frozen"].fillna(NONE), ratio=runs["ratio"].astype(float))
    depths = sorted(dict.fromkeys(runs["frozen"]), key=lambda depth: depth != NONE)
    order = runs["frozen"].map(depths.index)
    return runs.iloc[np.argsort(order, kind="stable")], depths, sorted(runs["ratio"].dropna().unique())


def find_run(runs: pd.DataFrame, depth: str, ratio: float) -> pd.Series | None:
    """The row of a run; where only the head learned, of any ratio; None where there is none."""
    match = runs[(runs["frozen"] == depth) & ((runs["ratio"] == ratio) | runs["ratio"].isna())]
    return match.iloc[0] if len(match) else None


def best_of(runs: pd.DataFrame) -> tuple[str, float]:
    """Depth and ratio of the run whose best validation is highest: tests are not there to choose by."""
    runs, _, ratios = in_order(runs)
    best = runs.iloc[np.argmax([np.max(validation) for validation in runs["validation"]])]
    return best["frozen"], ratios[0] if np.isnan(best["ratio"]) else best["ratio"]


def describe(runs: pd.DataFrame, depth: str, ratio: float) -> str:
    """What a run was and what it reached."""
    what = "nothing frozen" if depth == NONE else f"frozen up to {depth}"
    run = find_run(runs, depth, ratio)
    if run is None:
        return f"{what}, ratio {ratio:g}: no such run"
    validation = np.asarray(run["validation"], float)
    rates = "any ratio" if np.isnan(run["ratio"]) else f"ratio {ratio:g}"
    return f"{what}, {rates}: best {validation.max():.1f} in epoch {validation.argmax() + 1} of {len(validation)}"
