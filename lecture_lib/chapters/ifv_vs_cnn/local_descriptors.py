"""Local descriptors over their picture: the dense grid, and one patch with the histograms that describe it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from lecture_lib.chapters.ifv_vs_cnn.wheel import wheel
from lecture_lib.display import style
from lecture_lib.encoders.sift import BINS, DIM, ORIENTATIONS, Local, grey

ACROSS = 75  # dots of the grid across a picture, at most
AROUND = 1.3  # what is shown around the largest patch, in sides of it
EDGES = ("#ffd92f", "#12b5c9", "#f768a1", "#ff7f0e")  # of patches by bin size, in turn: bright upon grey


def frames(picture: Tensor, local: Local, i: int, *, title: str = "") -> Figure:
    """Draw the dense grid over a picture, and at one centre the patches of all bin sizes with their 4 x 4 cells.

    picture  uint8 [3, H, W]
    local    its N descriptors, of one or several bin sizes
    i        the descriptor at whose centre the patches are drawn

    Over a large picture not every dot of the grid is drawn; the part on the right has them all. The picture is in
    grey, as SIFT sees it. Raises ValueError if the descriptors are those of a picture of another shape.
    """
    image = in_grey(picture, local)
    xy, size = as_array(local.xy), as_array(local.size)
    at = xy[check_index(local, i)]
    sizes = np.unique(size)
    nearest = [int(np.where(size == s, np.abs(xy - at).max(1), np.inf).argmin()) for s in sizes]
    finest = xy[size == sizes[0]]
    half = BINS / 2 * sizes[-1] * AROUND
    with style.look():
        ratio = np.clip(image.shape[1] / image.shape[0], 0.6, 2)
        figure = style.new_figure(10, 8 / (ratio + 1) + (0.9 if title else 0.5), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[ratio, 1])
        for axes, dots in ((left, thinned(finest)), (right, finest)):
            axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="none")
            axes.set_axis_off()
            axes.scatter(*dots.T, s=4 if axes is left else 9, color="#ff4040", linewidths=0)
        for n, k in reversed(list(enumerate(nearest))):
            colour = EDGES[n % len(EDGES)]
            side = BINS * size[k]
            label = f"{size[k]:g} pixels ({side:g} × {side:g})"
            left.add_patch(Rectangle(xy[k] - side / 2, side, side, fill=False, edgecolor=colour, lw=1.5))
            right.add_collection(cell_lines(xy[k], size[k], colors=colour, linewidths=0.7, alpha=0.8))
            right.add_patch(
                Rectangle(xy[k] - side / 2, side, side, fill=False, edgecolor=colour, lw=2.5, label=label)
            )
        right.plot(*at, "+", color="white", ms=14, mew=2)
        right.set(xlim=(at[0] - half, at[0] + half), ylim=(at[1] + half, at[1] - half))
        left.set_title(f"{len(finest):,} centres for each of {len(sizes)} bin sizes", fontsize=11)
        right.set_title("4 × 4 bins around one centre", fontsize=11)
        figure.legend(title="side of a bin (patch)", loc="outside right center", reverse=True)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=14)
    return figure


def as_array(values: Tensor | np.ndarray) -> np.ndarray:
    """Numbers as NumPy has them, on whatever device they lie."""
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def in_grey(picture: Tensor, local: Local) -> np.ndarray:
    """The picture in grey, float [H, W] in 0..1; ValueError if the descriptors are those of another shape."""
    if picture.ndim != 3 or tuple(picture.shape[1:]) != tuple(local.picture):
        raise ValueError(
            f"The descriptors are of a picture of {' × '.join(map(str, local.picture))} pixels, "
            f"the picture is {list(picture.shape)}; it should be [3, H, W]."
        )
    return as_array(grey(picture))


def check_index(local: Local, i: int) -> int:
    """The index; ValueError if it names no descriptor."""
    if not 0 <= i < len(local.x):
        raise ValueError(f"There are descriptors 0 .. {len(local.x) - 1}, none is {i}.")
    return i


def thinned(xy: np.ndarray) -> np.ndarray:
    """Those points of a grid [N, 2] that lie in every n-th row and column, so that at most ACROSS lie in a row."""
    places = [np.unique(np.round(c, 2), return_inverse=True) for c in xy.T]
    every = -(-max(len(values) for values, _ in places) // ACROSS)
    return xy[np.all([where % every == 0 for _, where in places], axis=0)]


def cell_lines(centre: np.ndarray, size: float, **options) -> LineCollection:
    """The lines between the 4 x 4 cells of a patch, for bins of `size` pixels around `centre` (x, y)."""
    steps = size * np.arange(1 - BINS / 2, BINS / 2)
    half = BINS / 2 * size
    upright = [[(s, -half), (s, half)] for s in steps]
    level = [[(-half, s), (half, s)] for s in steps]
    return LineCollection(np.array(upright + level) + centre, **options)


def descriptor(picture: Tensor, local: Local, i: int, *, title: str = "") -> Figure:
    """Draw one patch with the histogram of each of its 4 x 4 cells as a star, and its 128 numbers as bars below.

    picture  uint8 [3, H, W]
    local    its SIFT descriptors, x [N, 128]: the 4 x 4 cells line by line, 8 directions each
    i        the descriptor that is drawn

    An arm points where the picture gets brighter, and is as long as the number; arm and bar of a direction have one
    colour. Raises ValueError if the descriptors are no SIFT, or of a picture of another shape.
    """
    image = in_grey(picture, local)
    d, (x, y), size = as_array(local.x[check_index(local, i)]), local.xy[i].tolist(), float(local.size[i])
    if d.shape != (DIM,):
        raise ValueError(f"A SIFT descriptor has {DIM} numbers, these have {len(d)}: draw it before PCA.")
    half = BINS / 2 * size
    colours = wheel(ORIENTATIONS)
    with style.look():
        figure = style.new_figure(9.5, 6.6, layout="constrained")
        grid = figure.subplot_mosaic([["picture", "patch"], ["bars", "bars"]], height_ratios=[2.1, 1])
        for axes in (grid["picture"], grid["patch"]):
            axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="none")
            axes.set_axis_off()
        edge = Rectangle((x - half, y - half), 2 * half, 2 * half, fill=False, edgecolor=EDGES[0], lw=2)
        grid["picture"].add_patch(edge)
        grid["picture"].set_title("the picture in grey, one patch marked", fontsize=11)
        draw_stars(grid["patch"], d, np.array([x, y]), size, colours)
        grid["patch"].set_title(f"the patch: 4 × 4 bins of {size:g} pixels", fontsize=11)
        draw_bars(grid["bars"], d, colours)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=14)
    return figure


def draw_stars(axes: Axes, d: np.ndarray, centre: np.ndarray, size: float, colours: np.ndarray) -> None:
    """Draw the histograms of a descriptor [128] as stars in the cells of its patch; the longest arm fills its cell."""
    half = BINS / 2 * size
    axes.add_patch(Rectangle(centre - half, 2 * half, 2 * half, color="white", alpha=0.35, lw=0))
    axes.add_collection(cell_lines(centre, size, colors="white", linewidths=1.5))
    steps = (np.arange(BINS) - (BINS - 1) / 2) * size
    middles = centre + np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 1, 2)
    turn = 2 * np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS
    arms = np.stack([np.cos(turn), np.sin(turn)], -1) * d.reshape(-1, ORIENTATIONS, 1)
    tips = middles + arms * 0.48 * size / max(d.max(), 1e-12)
    lines = np.stack([np.broadcast_to(middles, tips.shape), tips], 2).reshape(-1, 2, 2)
    axes.add_collection(LineCollection(lines, colors="white", linewidths=5, capstyle="round"))
    colours = np.tile(colours, (BINS * BINS, 1))
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=3, capstyle="round"))
    (x0, y0), (x1, y1) = centre - half, centre + half
    axes.set(xlim=(x0, x1), ylim=(y1, y0))


def draw_bars(axes: Axes, d: np.ndarray, colours: np.ndarray) -> None:
    """Draw the numbers of a descriptor [128] as bars, cell after cell."""
    axes.bar(np.arange(DIM), d, width=0.9, color=np.tile(colours, (BINS * BINS, 1)))
    starts = np.arange(0, DIM, ORIENTATIONS)
    widths = [1.8 if k % BINS == 0 else 0.7 for k in range(1, len(starts))]  # a line of cells ends
    up = axes.get_xaxis_transform()
    axes.vlines(starts[1:] - 0.5, 0, 1, color="#dddddd", lw=widths, transform=up, zorder=0)
    cells = [f"{k // BINS + 1}, {k % BINS + 1}" for k in range(len(starts))]
    axes.set_xticks(starts + (ORIENTATIONS - 1) / 2, cells)
    axes.tick_params(axis="x", length=0, labelsize=9)
    axes.set(
        xlim=(-1, DIM), xlabel="bin (row, column) and its 8 directions, from → clockwise", ylabel="number"
    )
