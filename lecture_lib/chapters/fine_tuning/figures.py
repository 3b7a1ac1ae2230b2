"""Plots of fine-tuning: by epoch, by the layers that were frozen, by the learning rate of those that were not."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lecture_lib.display import style
from lecture_lib.display.labels import name_ends

DEPTH = "frozen up to this layer"
RATIO = "learning rate of the pre-trained layers ÷ that of the head"
CHOSEN = "#c2281d"
CLOSE = 8  # points below the best that are drawn enlarged


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


def training_curves(loss: pd.DataFrame, *, title: str = "") -> Figure:
    """Plot the loss of trainings, epoch by epoch.

    loss  a row an epoch, a column a method, NaN after its training has ended

    Losses of different kinds have no unit in common, so each is drawn relative to its own first epoch.
    """
    with style.look():
        figure = style.new_figure(7.5, 4.2, layout="constrained")
        axes = figure.subplots()
        for method, look in style.of(*loss).items():
            curve = loss[method].dropna()
            axes.plot(curve / curve.iloc[0], color=look.colour, lw=1.8, label=method)
        axes.set(
            xlabel="epoch", ylabel="training loss ÷ that of the first epoch", ylim=(0, None), title=title
        )
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y", color="#eeeeee")
        name_ends(axes)
    return figure


def trainings(rows: pd.DataFrame) -> pd.DataFrame:
    """Gather what was recorded of each training of the grid: one row with `frozen`, `ratio`, `value`, `validation`.

    rows     of the record's experiment "recipe", of one method, the less frozen first
    returns  `frozen`, the last frozen layer ("none": all learn); `ratio`, the learning rate of the pre-trained layers
             ÷ that of the head, NaN where only the head learns; `validation`, a list of mAPs, one an epoch; `value`,
             the last of them
    """
    by = ["frozen", "ratio"]
    curves = rows[rows.metric == "validation"].sort_values("epoch").groupby(by, sort=False).value
    runs = pd.DataFrame({"validation": curves.apply(list), "value": curves.last()}).reset_index()
    return runs.assign(ratio=runs.ratio.where(runs.ratio > 0))


def freeze_curves(runs: pd.DataFrame, baseline: float, *, title: str = "") -> Figure:
    """Plot what fine-tuning reached against the layers that were frozen, one line a learning rate: all, and the top.

    runs      as `trainings` gives them
    baseline  what an SVM reached with the same pictures, on the network as it was
    """
    depths, ratios = sliders(runs)
    colours = mpl.colormaps["plasma"](np.linspace(0.85, 0, len(ratios)))
    asides = 0.06 * (np.arange(len(ratios)) - (len(ratios) - 1) / 2)  # so that no mark hides another
    lines = [
        (f"ratio {ratio:g}", runs[runs["ratio"] == ratio], aside, {"color": to_hex(colour), "marker": "o"})
        for ratio, colour, aside in zip(ratios, colours, asides, strict=True)
    ]
    lines.append(("only the head", runs[runs["ratio"].isna()], 0, {"color": style.INK, "marker": "D"}))
    untuned = {"color": style.of("frozen, SVM")["frozen, SVM"].colour, "ls": "--", "lw": 1}
    best = max(runs["value"].max(), baseline)
    with style.look():
        figure, (left, right) = two_panels(title)
        for axes in (left, right):
            for name, rows, aside, look in lines:
                x = np.array([depths.index(depth) for depth in rows["frozen"]]) + aside
                axes.plot(x, rows["value"], ms=6, lw=1.8, label=name, **look)
            axes.axhline(baseline, label="SVM, not tuned", **untuned)
            axes.set_xlim(-0.3, len(depths) - 0.7)
            axes.set_xticks(range(len(depths)), depths)
            axes.set_xlabel(DEPTH)
        left.set_ylabel("validation mAP, %")
        right.set_ylim(best - CLOSE, best + 0.1 * CLOSE)
        right.set_title(f"the best {CLOSE} points, enlarged", fontsize=11)
        handles = left.get_lines()
        figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), title=f"ratio: {RATIO}")
    return figure


def freeze_map(runs: pd.DataFrame, chosen: pd.Series | None = None, *, title: str = "") -> Figure:
    """Show trainings by what was frozen and how fast the rest learned: the last epoch as a map, all epochs of one.

    runs    as `trainings` gives them
    chosen  the row that is outlined and drawn strongly (default: the best)

    A row whose ratio is NaN stands for all ratios: only the head learned.
    """
    depths, ratios = sliders(runs)
    chosen = best_of(runs) if chosen is None else chosen
    with style.look():
        figure, (left, right) = two_panels(title)
        draw_map(left, runs, depths, ratios)
        left.set_title("validation mAP after the last epoch, %", fontsize=11)
        x, width = (-0.5, len(ratios)) if np.isnan(chosen.ratio) else (ratios.index(chosen.ratio) - 0.5, 1)
        corner = x, depths.index(chosen.frozen) - 0.5
        left.add_patch(Rectangle(corner, width, 1, fill=False, ec=CHOSEN, lw=3, clip_on=False, zorder=4))
        for validation in runs["validation"]:
            right.plot(np.arange(1, len(validation) + 1), validation, color="#cccccc", lw=1)
        values = np.array(chosen.validation)
        right.plot(np.arange(1, len(values) + 1), values, color=CHOSEN, lw=2.4)
        right.plot(len(values), values[-1], ls="", marker="o", ms=9, color=CHOSEN, mec="white")
        right.set_title(describe(chosen), fontsize=11)
        right.set(xlabel="epoch", ylabel="validation mAP, % (grey: the other runs)")
        right.xaxis.get_major_locator().set_params(integer=True)
    return figure


def draw_map(axes: Axes, runs: pd.DataFrame, depths: list[str], ratios: list[float]) -> None:
    """Draw the value of each run as a shade with its number: a row a depth, a column a ratio."""
    values = pd.DataFrame(np.nan, depths, ratios)
    for run in runs.itertuples():
        values.loc[run.frozen, ratios if np.isnan(run.ratio) else run.ratio] = run.value
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


def sliders(runs: pd.DataFrame) -> tuple[list[str], list[float]]:
    """What there is to choose: the depths in the order of the runs, and the ratios, rising."""
    return list(runs["frozen"].unique()), sorted(runs["ratio"].dropna().unique())


def best_of(runs: pd.DataFrame) -> pd.Series:
    """The run that ended with the highest mAP in validation: tests are not there to choose by."""
    return runs.iloc[runs["value"].argmax()]


def describe(run: pd.Series) -> str:
    """What a run was and what it reached."""
    what = "nothing frozen" if run.frozen == "none" else f"frozen up to {run.frozen}"
    rates = "any ratio" if np.isnan(run.ratio) else f"ratio {run.ratio:g}"
    return f"{what}, {rates}: {run.value:.1f} after {len(run.validation)} epochs"
