"""What a network makes of pictures: filters, activations, maps of features (t-SNE), what the layers hold and cost."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image
from torch import Tensor

from lecture_lib.datasets import ImageCollection
from lecture_lib.display import pictures, style
from lecture_lib.display.labels import name_ends
from lecture_lib.display.pictures import as_pixels, enlarge, filter_tiles
from lecture_lib.display.tiles import GAP, Block, Frame, Tile, blank, tiles

Groups = ImageCollection | Sequence[str]
KINDS = {"convolutional": "#1f77d0", "pooling": "#9a9a9a", "fully connected": "#ff7f0e"}
HIGHEST = "#c2281d"
WIDTH = 8.8  # inches of several maps beside each other
CHANNELS = 8  # of a layer's activations
THUMBNAIL = 36  # pixels of a picture of a map of pictures
LAYERS = 6  # of marks, each of some points of every group, so that no group lies wholly over another


def filters(weight: Tensor, *, title: str = "") -> Figure:
    """Show first-layer filters, float [C, 3, k, k], as colour pictures, each scaled by itself about grey."""
    w = weight.detach().float().cpu()
    w = w / w.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
    return tiles([[Block([Tile(one) for one in filter_tiles(w, 48)], columns=16)]], title=title).figure


def activations(
    picture: Tensor, maps: Mapping[str, Tensor], *, classes: Sequence[str], title: str = ""
) -> Figure:
    """Show one picture through the layers: its most active channels at each of them.

    picture  uint8 [3, H, W]
    maps     layer -> what the network makes of the picture there: [1, C, h, w] or [1, d]
    classes  names of the units of the last layer, if these are scores: the three highest are named

    The channels shown are those with the largest mean, each scaled by itself from dark (its least) to bright
    (its most). A vector is drawn as one line a unit.
    """
    size, rows, vectors = 80, [], {}
    for name, v in maps.items():
        v = v[0].float().cpu()
        if v.ndim == 1:
            vectors[name] = v.numpy()
            shown = [blank(CHANNELS * (size + GAP) - GAP, size)]
        else:
            shown = [colour_map(one, size) for one in v[v.mean((1, 2)).topk(min(CHANNELS, len(v))).indices]]
        label = f"{name}\n{' × '.join(map(str, v.shape))}"
        rows.append([Block([Tile(one) for one in shown], label=label)])
    left, photograph = 2 * size + 140, np.asarray(enlarge(as_pixels(picture), 2 * size))
    figure, _, corners = tiles(rows, title=title, left=left)
    width, height = figure.bbox.size
    figure.figimage(photograph, GAP, height - corners[0][1] - len(photograph))
    for name, y in zip(maps, sorted({y for _, y in corners}), strict=True):
        if name in vectors:
            wide = CHANNELS * (size + GAP) - GAP
            place = (left / width, 1 - (y + size) / height, wide / width, size / height)
            draw_units(figure.add_axes(place), vectors[name], classes if name == list(maps)[-1] else ())
    return figure


def colour_map(channel: Tensor, size: int) -> Image.Image:
    """A channel [h, w] as a picture of size x size pixels, from dark (its least) to bright (its most)."""
    levels = (channel - channel.min()) / (channel.max() - channel.min()).clamp(min=1e-12)
    colours = mpl.colormaps["magma"]((levels * 255).byte().numpy(), bytes=True)[..., :3]
    return Image.fromarray(np.ascontiguousarray(colours)).resize((size, size), Image.Resampling.BOX)


def draw_units(axes: Axes, v: np.ndarray, names: Sequence[str]) -> None:
    """Draw a vector [d] as one line a unit; if the units have names, mark and name the three highest."""
    units, lw = np.arange(len(v)), max(0.6, 250 / len(v))
    axes.vlines(units, 0, v, color="#51127c", lw=lw)
    axes.axhline(0, color=style.PALE, lw=0.6)
    axes.set_axis_off()
    low, high = min(v.min(), 0), max(v.max(), 1e-9)
    axes.set(xlim=(-1, len(v)), ylim=(low, low + (high - low) * (1.4 if len(names) else 1.02)))
    if len(names):
        best = np.argsort(-v)[:3]
        axes.vlines(units[best], 0, v[best], color=HIGHEST, lw=lw + 1)
        text = "highest: " + ", ".join(style.short(names[i]) for i in best)
        axes.text(0, 1, text, transform=axes.transAxes, va="top", fontsize=10, color=HIGHEST)


def scatter_new(
    xy: np.ndarray, groups: Groups, new_xy: np.ndarray, new_groups: Groups, *, title: str = ""
) -> Figure:
    """Draw new points [M, 2] into an old map [N, 2]: old ones small and pale, new ones large with a dark edge.

    groups  a collection of N pictures, or N names; `new_groups` of M
    """
    old, new = style.groups_of(groups), style.groups_of(new_groups)
    size = float(np.clip(12_000 / len(new), 20, 52))
    with style.look():
        figure, axes = new_map(np.concatenate([xy, new_xy]), np.concatenate([old, new]), title)
        mark(axes, xy, old, 12, alpha=0.3)
        mark(axes, new_xy, new, size, edgecolors=style.INK, linewidths=0.013 * size + 0.2)
    return figure


def scatter_grid(
    maps: Mapping[str, np.ndarray], groups: Groups, *, columns: int = 2, title: str = ""
) -> Figure:
    """Draw several maps of the same N pictures, `columns` beside each other: caption -> [N, 2], with one legend."""
    names, rows, side = style.groups_of(groups), -(-len(maps) // columns), WIDTH / columns
    with style.look():
        figure = style.new_figure(WIDTH + 2, (side + 0.25) * rows + 0.4, layout="constrained")
        for k, (caption, xy) in enumerate(maps.items()):
            axes = figure.add_subplot(rows, columns, k + 1)
            mark(axes, xy, names, side**2 * float(np.clip(1200 / len(names), 0.5, 1.5)))
            frame(axes, xy)
            axes.set_title(caption, fontsize=12)
        figure.suptitle(title, x=0.01, ha="left", fontsize=14)
        style.add_legend(figure, names)
    return figure


def new_map(xy: np.ndarray, names: np.ndarray, title: str = "") -> tuple[Figure, Axes]:
    """An empty map with room for points [N, 2], and a legend of the groups `names`."""
    figure = style.new_figure(9, 6.6, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=14)
    frame(axes, xy)
    style.add_legend(figure, names)
    return figure, axes


def mark(
    axes: Axes, xy: np.ndarray, names: np.ndarray, size: float, **options
) -> list[tuple[PathCollection, np.ndarray]]:
    """Mark points [N, 2] with the looks of their groups; returns the marks and whose they are, a bool mask [N]."""
    if np.shape(xy) != (len(names), 2):
        raise ValueError(f"A map of {len(names)} pictures is [{len(names)}, 2], not {list(np.shape(xy))}.")
    layer, marks = np.random.default_rng(0).integers(LAYERS, size=len(names)), []
    for k in range(LAYERS):
        for group, (colour, marker) in style.looks(names).items():
            here = (names == group) & (layer == k)
            look = {"s": size, "color": colour, "marker": marker, "linewidths": 0} | options
            marks.append((axes.scatter(*np.asarray(xy)[here].T, **look), here))
    return marks


def frame(axes: Axes, xy: np.ndarray) -> None:
    """Square axes without ticks around the points [N, 2]."""
    middle, half = (xy.max(0) + xy.min(0)) / 2, max(np.ptp(xy, axis=0).max(), 1e-9) * 0.53
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    for spine in axes.spines.values():
        spine.set(visible=True, color="#dddddd")


def picture_map(xy: np.ndarray, images: ImageCollection, *, n: int = 300, title: str = "") -> Figure:
    """Draw a map [N, 2] of its pictures: about `n` of them at their places, none over another.

    The map is laid out in cells; a cell shows the picture nearest to its centre, in a frame of its group's colour.
    """
    cells, names = choose_cells(xy, n), style.groups_of(images)
    looks, (columns, rows) = style.looks(names), np.array(list(cells.values())).max(0) + 1
    page = [Tile(blank(THUMBNAIL, THUMBNAIL)) for _ in range(columns * rows)]
    drawn = pictures.thumbnails(images, cells, THUMBNAIL, square=True)
    for (i, (column, row)), picture in zip(cells.items(), drawn, strict=True):
        page[row * columns + column] = Tile(picture, frame=Frame(looks[names[i]][0], 1.5))
    return tiles([[Block(page, columns)]], title=title).figure


def choose_cells(xy: np.ndarray, n: int) -> dict[int, tuple[int, int]]:
    """Choose about n points of a map [N, 2], one a cell of a square grid: index -> (column, row) from the top left.

    The grid is the coarsest of which n cells hold a point, or so fine that the map is as good as bare.
    """
    xy = np.asarray(xy, dtype=float)
    unit = (xy - xy.min(0)) / max(np.ptp(xy, axis=0).max(), 1e-9)
    unit[:, 1] = unit[:, 1].max() - unit[:, 1]  # row 0 is at the top, where y is largest
    wanted = min(n, len(xy))
    for side in range(1, 3 * int(np.sqrt(wanted)) + 2):
        place = np.minimum(unit * side, side - 1e-6)
        cell = place.astype(int)
        nearest = np.argsort(np.abs(place - cell - 0.5).max(1), kind="stable")
        _, first = np.unique(cell[nearest] @ [side, 1], return_index=True)
        if len(first) >= wanted:
            break
    return {int(i): (int(cell[i, 0]), int(cell[i, 1])) for i in nearest[first]}


def purity_plot(table: pd.DataFrame, *, ylabel: str, title: str = "", chance: float | None = None) -> Figure:
    """Plot a number with its interval at each layer, one line a set of pictures.

    table   columns `layer` (the layers, in the order of the network), `dataset`, `value`, `low`, `high`
    chance  what guessing gives
    """
    layers = list(dict.fromkeys(table["layer"]))
    looks = style.of(*table["dataset"].unique())
    with style.look():
        figure, axes = style.new_axes(9, 4.6, title, grid="y")
        for k, (name, (colour, marker, stroke)) in enumerate(looks.items()):
            rows = table[table["dataset"] == name]
            x = np.array([layers.index(layer) for layer in rows["layer"]]) + 0.12 * (k - (len(looks) - 1) / 2)
            axes.vlines(x, rows["low"], rows["high"], color=colour, lw=4, alpha=0.4)
            axes.plot(x, rows["value"], color=colour, marker=marker, ms=7, lw=1.5, ls=stroke, label=name)
        if chance is not None:
            axes.axhline(chance, color=style.FAINT, ls="--", lw=1, label="by chance")
        axes.set(xticks=range(len(layers)), xticklabels=layers, xlim=(-0.5, len(layers) - 0.5), ylabel=ylabel)
        axes.tick_params(axis="x", length=0, labelsize=9)
        axes.set_xlabel("shaded bars: 95 % intervals", fontsize=9, color=style.FAINT, loc="right")
        name_ends(axes)
    return figure


def time_plot(costs: pd.DataFrame, *, batch: int = 1, title: str = "") -> Figure:
    """Plot what each layer costs: measured milliseconds beside counted multiply-adds and parameters.

    costs  as of `backbones.cost.layer_costs`: columns `layer`, `kind`, `ms`, `mmac`, `parameters`
    batch  pictures a pass when they were measured; it is named above the bars
    """
    panels = {
        f"ms a picture, batches of {batch}": costs["ms"].to_numpy(),
        "million multiply-adds a picture": costs["mmac"].to_numpy(),
        "million parameters": costs["parameters"].to_numpy() / 1e6,
    }
    with style.look():
        figure = style.new_figure(9.5, 0.3 * len(costs) + 1.9, layout="constrained")
        every = figure.subplots(1, 3, sharey=True)
        for axes, (unit, values) in zip(every, panels.items(), strict=True):
            bars = axes.barh(costs["layer"], values, color=[KINDS[kind] for kind in costs["kind"]])
            names = [f"{v:,.3g}" if v else "" for v in values]
            axes.bar_label(bars, names, padding=3, fontsize=9, color=style.FAINT)
            axes.set(xlim=(0, 1.22 * max(values.max(), 1e-9)), xticks=[])
            axes.set_title(unit, fontsize=11)
            axes.spines["bottom"].set_visible(False)
            axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        kinds = [Patch(color=KINDS[kind], label=kind) for kind in KINDS if kind in set(costs["kind"])]
        figure.legend(handles=kinds, loc="outside lower left", ncols=3)
        figure.suptitle(title, x=0.01, ha="left", fontsize=14)
    return figure
