"""From local descriptors to normalised Fisher vectors: the dense grid, one descriptor, and what normalisations do."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from torch import Tensor

from lecture_lib.datasets import ImageCollection
from lecture_lib.display import pictures, style
from lecture_lib.encoders.sift import BINS, DIM, ORIENTATIONS, Local, grey

DOT = 4  # area of a dot of the grid, in square points
ROOM = 160  # pixels of a picture's width over which such dots stay apart; over a wider one they are smaller
AROUND = 1.3  # what is shown around the largest patch, in sides of it
EDGES = ("#ffd92f", "#12b5c9", "#f768a1", "#ff7f0e")  # of patches by bin size, in turn: bright upon grey
STEPS = {"before": ("#c2281d", "-"), "after": ("#1f5fb0", "--")}  # the signed square root: colour and stroke
VALUES = 121  # bins of a histogram of values: an odd number, so that 0 is in the middle of one
TOP = 0.01  # of the dimensions: how much of the energy do they hold?
THUMBNAIL = 128  # pixels
START = 250 / 360  # the hue of blue, so that two colours are blue and orange
CHROMA = 0.13  # about the most that every hue has within sRGB at these lightnesses
# From OKLab (Ottosson 2020, "A perceptual color space for image processing") to linear sRGB, in two steps.
TO_LMS = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def wheel(n: int, lightness: float | np.ndarray = 0.65) -> np.ndarray:
    """Return n colours at equal steps of hue, float [n, 3] in 0..1 (sRGB), equally light to the eye; first blue.

    lightness  of OKLab, 0..1: one for all, or one each
    """
    hue = 2 * np.pi * (START + np.arange(n) / n)
    lab = np.stack([np.broadcast_to(lightness, (n,)), CHROMA * np.cos(hue), CHROMA * np.sin(hue)], axis=1)
    linear = np.clip((lab @ TO_LMS.T) ** 3 @ TO_RGB.T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def titled(width: float, height: float, title: str) -> Figure:
    """An empty figure for several axes under one title."""
    figure = style.new_figure(width, height, layout="constrained")
    figure.suptitle(title, fontsize=14, x=0.01, ha="left")
    return figure


def frames(picture: Tensor, local: Local, at: tuple[float, float], *, title: str) -> Figure:
    """Draw the dense grid over a picture, and at one centre the patches of all bin sizes with their 4 x 4 cells.

    picture  uint8 [3, H, W]
    local    its N descriptors, of one or several bin sizes
    at       (x, y) in pixels: of each size the patch is drawn whose centre is nearest

    The picture is in grey, as SIFT sees it.
    """
    image, sizes = grey(picture).numpy(), local.size.unique().tolist()
    finest = local.xy[local.size == sizes[0]].numpy()
    ratio = np.clip(image.shape[1] / image.shape[0], 0.6, 2)
    with style.look():
        figure = titled(10, 8 / (ratio + 1) + 0.8, title)
        left, right = figure.subplots(1, 2, width_ratios=[ratio, 1])
        draw_grey(left, image, f"{len(finest):,} centres for each of {len(sizes)} bin sizes")
        draw_grey(right, image, "4 × 4 bins around one centre")
        for axes, area in ((left, DOT * min(1, ROOM / image.shape[1]) ** 2), (right, 9)):
            axes.scatter(*finest.T, s=area, color="#ff4040", linewidths=0)
        for bin_size, colour in reversed(list(zip(sizes, cycle(EDGES), strict=False))):
            centre, side = local.xy[nearest(local, at, bin_size)].numpy(), BINS * bin_size
            for axes, lw in ((left, 1.5), (right, 2.5)):
                box = Rectangle(centre - side / 2, side, side, fill=False, edgecolor=colour, lw=lw)
                axes.add_patch(box).set_label(f"{bin_size:g} pixels ({side:g} × {side:g})")
            right.add_collection(cell_lines(centre, bin_size, colors=colour, linewidths=0.7, alpha=0.8))
        right.plot(*centre, "+", color="white", ms=14, mew=2)
        (x, y), half = centre, BINS / 2 * sizes[-1] * AROUND
        right.set(xlim=(x - half, x + half), ylim=(y + half, y - half))
        where = {"loc": "outside right center", "reverse": True}
        figure.legend(*right.get_legend_handles_labels(), title="side of a bin (patch)", **where)
    return figure


def nearest(local: Local, at: tuple[float, float], size: float) -> int:
    """The descriptor with bins of `size` pixels whose centre is nearest to a place (x, y)."""
    away = (local.xy - torch.tensor(at)).norm(dim=1)
    return int(away.where(local.size == size, torch.inf).argmin())


def draw_grey(axes: Axes, image: np.ndarray, title: str) -> None:
    """Draw a picture [H, W] of greys in 0..1, each pixel as it is."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="none")
    axes.set_title(title, fontsize=11)
    axes.set_axis_off()


def cell_lines(centre: np.ndarray, size: float, **options) -> LineCollection:
    """The lines between the 4 x 4 cells of a patch, for bins of `size` pixels around `centre` (x, y)."""
    steps = size * np.arange(1 - BINS / 2, BINS / 2)
    half = BINS / 2 * size
    upright = [[(s, -half), (s, half)] for s in steps]
    level = [[(-half, s), (half, s)] for s in steps]
    return LineCollection(np.array(upright + level) + centre, **options)


def descriptor(picture: Tensor, local: Local, at: tuple[float, float], size: float, *, title: str) -> Figure:
    """Draw one patch with the histogram of each of its 4 x 4 cells as a star, and its 128 numbers as bars below.

    picture   uint8 [3, H, W]
    local     its SIFT descriptors, x [N, 128]: the 4 x 4 cells line by line, 8 directions each
    at, size  the descriptor is drawn that has bins of this size and its centre nearest to (x, y), all in pixels

    An arm points where the picture gets brighter, and is as long as the number; arm and bar of a direction have one
    colour.
    """
    i = nearest(local, at, size)
    image, d, centre, side = grey(picture).numpy(), local.x[i].numpy(), local.xy[i].numpy(), BINS * size
    colours = np.tile(wheel(ORIENTATIONS), (BINS * BINS, 1))
    with style.look():
        figure = titled(9.5, 6.9, title)
        axes = figure.subplot_mosaic([["picture", "patch"], ["bars", "bars"]], height_ratios=[2.1, 1])
        draw_grey(axes["picture"], image, "the picture in grey, one patch marked")
        draw_grey(axes["patch"], image, f"the patch: 4 × 4 bins of {size:g} pixels")
        box = Rectangle(centre - side / 2, side, side, fill=False, edgecolor=EDGES[0], lw=2)
        axes["picture"].add_patch(box)
        draw_stars(axes["patch"], d, centre, size, colours)
        draw_bars(axes["bars"], d, colours)
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
    tips = middles + arms * 0.48 * size / max(d.max(), 1e-12)  # all are 0 where the picture is flat
    lines = np.stack([np.broadcast_to(middles, tips.shape), tips], 2).reshape(-1, 2, 2)
    axes.add_collection(LineCollection(lines, colors="white", linewidths=5, capstyle="round"))
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=3, capstyle="round"))
    (x0, y0), (x1, y1) = centre - half, centre + half
    axes.set(xlim=(x0, x1), ylim=(y1, y0))


def draw_bars(axes: Axes, d: np.ndarray, colours: np.ndarray) -> None:
    """Draw the numbers of a descriptor [128] as bars, cell after cell."""
    axes.bar(np.arange(DIM), d, width=0.9, color=colours)
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


def burstiness(before: np.ndarray, after: np.ndarray, *, title: str) -> Figure:
    """Plot how values are spread before and after the signed square root, and how few of them hold most energy.

    before, after  Fisher vectors [N, d] of N pictures

    Each vector is divided by the root mean square of its values, so that both fit one axis. Kurtosis is the mean
    fourth power of these (3 for a normal distribution); energy is the sum of squares. Vectors that are zero are left
    out.
    """
    with style.look():
        figure = titled(10, 4.6, title)
        left, right = figure.subplots(1, 2, width_ratios=[1.4, 1])
        scaled = [in_units(before), in_units(after)]
        most = max(np.abs(v).max() for v in scaled)
        edges = np.linspace(-most, most, VALUES + 1)
        for v, (name, (colour, stroke)) in zip(scaled, STEPS.items(), strict=True):
            line = {"ls": stroke, "lw": 1.8}
            fill = {"histtype": "stepfilled", "facecolor": to_rgba(colour, 0.12), "edgecolor": colour}
            left.hist(v.ravel(), edges, label=f"{name}: kurtosis {np.mean(v**4):.3g}", **fill, **line)
            energy = np.sort(v**2, axis=1)[:, ::-1].cumsum(1)
            energy = (energy / energy[:, -1:]).mean(0)
            share = np.arange(1, len(energy) + 1) / len(energy)
            top = np.interp(TOP, share, energy)
            right.plot(share, energy, color=colour, label=f"{name}: top {TOP:.0%} hold {top:.0%}", **line)
            right.plot(TOP, top, "o", color=colour, ms=6)
        left.set(yscale="log", ylim=(0.7, None), ylabel="values (logarithmic)")
        style.number_decades(left.yaxis)
        left.set(xlim=(-most, most), xlabel="value, in units of the vector's root mean square")
        left.legend(loc="upper right")
        right.set(xlabel="share of the dimensions, largest values first", ylabel="share of the energy")
        right.set(xlim=(0, 1), ylim=(0, 1.01))
        for axis in (right.xaxis, right.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        right.grid(color="#eeeeee")
        right.set_axisbelow(True)
        right.legend(loc="lower right")
    return figure


def in_units(vectors: np.ndarray) -> np.ndarray:
    """The vectors that are not zero, float [n, d], each divided by the root mean square of its values."""
    rms = np.sqrt((vectors**2).mean(1, keepdims=True, dtype=float))
    known = rms[:, 0] > 0
    return vectors[known] / rms[known]


def lengths(
    values: np.ndarray, images: ImageCollection, chosen: Sequence[int], *, xlabel: str, title: str
) -> Figure:
    """Plot how long the vectors of N pictures are before L2 makes all alike, with some pictures above their lengths.

    values  [N] lengths
    images  the N pictures
    chosen  indices of the pictures that are shown, in a row
    """
    with style.look():
        figure, axes = style.new_axes(9, 4.6, title, grid="y")
        counts, *_ = axes.hist(values, 25, color="#9ec5e8", edgecolor="white", lw=0.5)
        order, top = sorted(chosen, key=lambda i: values[i]), counts.max()
        middles = np.linspace(*axes.get_xlim(), 2 * len(order) + 1)[1::2]
        tiles = pictures.thumbnails(images, order, THUMBNAIL)
        for i, middle, tile in zip(order, middles, tiles, strict=True):
            axes.plot([values[i]] * 2, [0, 1.05 * top], color=style.INK, lw=1)
            axes.plot(values[i], 0, "o", color=style.INK, ms=5, clip_on=False)
            box = OffsetImage(np.asarray(tile), zoom=72 / style.DPI, interpolation="none")
            look = {"pad": 0, "bboxprops": {"edgecolor": style.INK, "lw": 1}}
            line = {"arrowstyle": "-", "color": style.INK, "lw": 1}
            place = (middle, 1.15 * top)
            axes.add_artist(
                AnnotationBbox(
                    box, (values[i], 1.05 * top), place, box_alignment=(0.5, 0), arrowprops=line, **look
                )
            )
        axes.set(ylim=(0, 1.75 * top), xlabel=xlabel)
        axes.set_ylabel("pictures", y=0.5 / 1.75)
        axes.set_yticks([t for t in MaxNLocator(4, integer=True).tick_values(0, top) if t <= top])
    return figure


def gap(levels: Mapping[str, float], changes: Sequence[str], *, xlabel: str, title: str) -> Figure:
    """Take a difference apart: a bar for each level, and beside it what has changed from the level above.

    levels   name -> value, from the first to the last of what is compared; a name's head ("IFV, all pixels") chooses
             its colour
    changes  what is different from one level to the next: one fewer
    """
    names, values = list(levels), list(levels.values())
    with style.look():
        figure, axes = style.new_axes(9, 0.62 * len(names) + 1.2, title, grid="x")
        for y, (name, value) in enumerate(levels.items()):
            axes.barh(y, value, 0.62, color=style.of(name)[name].colour)
            axes.text(value - 0.6, y, f"{value:.1f}", ha="right", va="center", color="white", weight="bold")
        for y, (change, before, after) in enumerate(zip(changes, values, values[1:], strict=False), 1):
            look = {"facecolor": "none", "edgecolor": style.FAINT, "hatch": "///", "lw": 0.8}
            axes.barh(y, before - after, 0.62, left=after, **look)
            text = f"{change}: {after - before:+.1f}"
            axes.text(max(before, after) + 0.6, y, text, va="center")
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel=xlabel, xlim=(0, 1.25 * max(values)))
        axes.invert_yaxis()
    return figure
