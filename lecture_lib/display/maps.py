"""Maps of features (t-SNE), and plots of what the layers hold and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lecture_lib.datasets import ImageCollection
from lecture_lib.display import pictures, style

Groups = ImageCollection | Sequence[str]
KINDS = {"convolutional": "#1f77d0", "pooling": "#9a9a9a", "fully connected": "#ff7f0e"}


def scatter(xy: np.ndarray, groups: Groups, *, title: str = "") -> Figure:
    """Draw a map [N, 2], one marker a picture, coloured by group.

    groups  a collection of N pictures, or N names. The axes have no ticks: t-SNE's have no unit.
    """
    with style.look():
        figure = style.new_figure(9, 6.4, layout="constrained")
        axes = figure.add_subplot()
        names = style.groups_of(groups)
        dots(axes, xy, names, 16)
        axes.set_title(title)
        style.add_legend(figure, names)
    return figure


def scatter_new(
    xy: np.ndarray, groups: Groups, new_xy: np.ndarray, new_groups: Groups, *, title: str = ""
) -> Figure:
    """Draw new points [M, 2] into an old map [N, 2]: old ones pale and small, new ones large with a dark edge."""
    with style.look():
        figure = style.new_figure(9, 6.4, layout="constrained")
        axes = figure.add_subplot()
        old, new = style.groups_of(groups), style.groups_of(new_groups)
        dots(axes, xy, old, 12, alpha=0.25)
        dots(axes, new_xy, new, 46, edgecolors=style.INK, linewidths=0.7)
        frame(axes, np.concatenate([xy, new_xy]))
        axes.set_title(title)
        style.add_legend(figure, np.concatenate([old, new]))
    return figure


def scatter_grid(
    maps: Mapping[str, np.ndarray], groups: Groups, *, columns: int = 3, title: str = ""
) -> Figure:
    """Draw several maps of the same N pictures side by side: caption -> [N, 2], with one legend."""
    rows = -(-len(maps) // columns)
    names = style.groups_of(groups)
    with style.look():
        figure = style.new_figure(3.2 * columns + 1.8, 3.2 * rows + 0.4 * bool(title), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (caption, xy) in zip(grid, maps.items(), strict=False):
            dots(axes, xy, names, 5)
            axes.set_title(caption)
        for axes in grid[len(maps) :]:
            axes.set_axis_off()
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=14)
        style.add_legend(figure, names)
    return figure


def dots(axes: Axes, xy: np.ndarray, names: np.ndarray, size: float, **options) -> None:
    """Mark points [N, 2] in the colours of their groups, in an order that hides no group behind another."""
    xy = np.asarray(xy)
    if xy.shape != (len(names), 2):
        raise ValueError(f"A map of {len(names)} pictures is [{len(names)}, 2], not {list(xy.shape)}.")
    for group, (colour, marker) in style.looks(names).items():
        here = names == group
        axes.scatter(*xy[here].T, s=size, c=colour, marker=marker, **({"linewidths": 0} | options))
    frame(axes, xy)


def frame(axes: Axes, xy: np.ndarray) -> None:
    """Equal axes without ticks around the points."""
    axes.set(xticks=[], yticks=[], aspect="equal")
    middle, half = (xy.max(0) + xy.min(0)) / 2, max(np.ptp(xy, axis=0).max(), 1e-9) * 0.53
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    for spine in axes.spines.values():
        spine.set(visible=True, color="#dddddd")


def picture_map(
    xy: np.ndarray, images: ImageCollection, *, n: int = 400, size: int = 40, title: str = ""
) -> Figure:
    """Draw a map [N, 2] of its pictures: about `n` of them at their places, none over another.

    The map is laid out in cells of `size` pixels; each cell shows the picture nearest to its centre, in a frame
    of its group's colour.
    """
    cells, side = choose_cells(xy, n)
    names = style.groups_of(images)
    looks = style.looks(names)
    top = 34 if title else 4
    canvas = pictures.blank(side * size + 4, top + side * size)
    for i, (column, row) in cells.items():
        tile = np.full((size - 2, size - 2, 3), 255, np.uint8)
        rgb = [int(looks[names[i]][0][k : k + 2], 16) for k in (1, 3, 5)]
        tile[:] = rgb
        pictures.paste(tile, pictures.thumbnail(images, i, size - 6), 2, 2)
        pictures.paste(canvas, tile, 3 + column * size, top + row * size)
    return pictures.page(canvas, title)[0]


def choose_cells(xy: np.ndarray, n: int) -> tuple[dict[int, tuple[int, int]], int]:
    """Choose about n points of a map [N, 2], one a cell of a square grid: index -> (column, row), and the side.

    Row 0 is at the top, where y is largest. The grid is the coarsest that holds n points, or the finest useful.
    """
    xy = np.asarray(xy, float)
    low, span = xy.min(0), max(np.ptp(xy, axis=0).max(), 1e-9)
    unit = (xy - (xy.min(0) + xy.max(0)) / 2) / span * 0.999 + 0.5
    del low
    best: tuple[dict[int, tuple[int, int]], int] = ({}, 1)
    for side in range(2, 41):
        place = np.floor(unit * side).astype(int)
        off = np.abs(unit * side - place - 0.5).max(1)
        cells: dict[tuple[int, int], int] = {}
        for i in np.argsort(off, kind="stable"):
            cells.setdefault((int(place[i, 0]), side - 1 - int(place[i, 1])), int(i))
        best = ({i: cell for cell, i in cells.items()}, side)
        if len(cells) >= min(n, len(xy)):
            break
    return best


def purity_plot(
    table: pd.DataFrame,
    *,
    title: str = "",
    ylabel: str = "k-NN group purity",
    chance: float | None = None,
) -> Figure:
    """Plot a number with its interval at each tap.

    table   columns `tap`, `value`, `low`, `high` and, for several lines, `set`; taps in the order of the network
    chance  where to draw the line of guessing
    """
    taps = list(dict.fromkeys(table["tap"]))
    sets = list(dict.fromkeys(table["set"])) if "set" in table else [""]
    with style.look():
        figure = style.new_figure(8.5, 4.6, layout="constrained")
        axes = figure.add_subplot()
        for k, name in enumerate(sets):
            rows = table[table["set"] == name] if name else table
            x = np.array([taps.index(tap) for tap in rows["tap"]]) + 0.12 * (k - (len(sets) - 1) / 2)
            spread = np.abs(rows[["low", "high"]].to_numpy() - rows[["value"]].to_numpy()).T
            colour, marker = (
                style.SPARE[k % len(style.SPARE)],
                style.SPARE_MARKERS[k % len(style.SPARE_MARKERS)],
            )
            axes.errorbar(
                x, rows["value"], spread, color=colour, marker=marker, ms=7, lw=1.5, capsize=3, label=name
            )
        if chance is not None:
            axes.axhline(chance, color=style.PALE, ls="--", lw=1)
            axes.text(len(taps) - 0.6, chance, "chance", color=style.PALE, va="bottom", ha="right")
        axes.set(xticks=range(len(taps)), xticklabels=taps, ylabel=ylabel, title=title)
        if len(sets) > 1:
            axes.legend()
    return figure


def time_plot(costs: pd.DataFrame, *, batch: int = 1, title: str = "") -> Figure:
    """Plot what each layer costs, measured milliseconds beside counted multiply-adds.

    costs  as of `backbones.cost.layer_costs`: columns `tap`, `kind`, `ms`, `mmac`, `parameters`
    """
    with style.look():
        figure = style.new_figure(9.5, 0.36 * len(costs) + 1.4, layout="constrained")
        panels = figure.subplots(1, 3, sharey=True)
        units = {
            "ms": "milliseconds a picture",
            "mmac": "million multiply-adds",
            "parameters": "million parameters",
        }
        colours = [KINDS[kind] for kind in costs["kind"]]
        for axes, (column, unit) in zip(panels, units.items(), strict=True):
            values = costs[column] / (1e6 if column == "parameters" else 1)
            axes.barh(range(len(costs)), values, color=colours)
            axes.set(xlabel=unit, yticks=range(len(costs)), yticklabels=costs["tap"])
        panels[0].invert_yaxis()
        figure.suptitle(
            title or f"What each layer costs (batches of {batch})", x=0.01, ha="left", fontsize=14
        )
    return figure
