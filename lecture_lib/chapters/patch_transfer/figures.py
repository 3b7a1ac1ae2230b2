"""Patches on their picture, which of them show an object, and what their scores reach: mAP by k, pointing by class."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D, Transform
from PIL import Image
from torch import Tensor

from lecture_lib.chapters.patch_transfer.grid import LAMBDAS, Grid
from lecture_lib.chapters.patch_transfer.inference import K
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS, name_labels
from lecture_lib.datasets import Boxes
from lecture_lib.display import style
from lecture_lib.display.labels import name_ends
from lecture_lib.display.pictures import as_pixels, enlarge
from lecture_lib.display.tiles import Block, Page, Tile, blank, tiles

SMALL, LARGE = 290, 440  # pixels of the longer side of a picture, three or two in a row
COLUMNS, SIDE = 11, 74  # patches in a row of a sheet, pixels across each
SCALES = (0, 2, 4, 6)  # indices into LAMBDAS: the labels of all would be too many
FADED = 0.6  # how much of a picture is left below marks: 1 is all
BOX = "#ffe600"
NEIGHBOURS = ("#ffe600", "#00d5ff", "#ff4fd8")
# what marks the centre of a patch: different in form as well as in colour
KINDS = {
    "positive": {"color": "#0a8f5c", "marker": "s", "ms": 6.5, "mec": "white", "mew": 0.7},
    "background": {"color": "#777777", "marker": "o", "ms": 5, "mec": "white", "mew": 0.7},
    "ambiguous": {"color": "#c2281d", "marker": "x", "ms": 6.5, "mew": 2.2},
}
BEYOND = 1.9  # the maximum stands at so many times the largest k


def patch_grid(picture: Tensor, grid: Grid, *, title: str = "") -> Figure:
    """Show the patches of a picture scale by scale: all centres, and three neighbours in full.

    picture  uint8 [3, H, W]
    grid     of a picture of that size

    The neighbours are one in the middle, that right of it and that below it, where there are such: what two of them
    share is seen through both.
    """
    pixels = as_pixels(picture)
    captions = [
        f"{scale_of(grid, number)}, {len(scale)} patch{'es' * (len(scale) > 1)}"
        for number, scale in enumerate(grid.scales)
    ]
    (figure, axes, _), places = panels([pixels] * len(captions), captions, SMALL, 3, title)
    for number, (scale, place) in enumerate(zip(grid.scales, places, strict=True)):
        patches = grid.xyxy[grid.scale == number].reshape(len(scale.rows), len(scale.columns), 4)
        row, column = (len(scale.rows) - 1) // 2, (len(scale.columns) - 1) // 2
        shown = [patches[row, column], *patches[row, column + 1 :][:1], *patches[row + 1 :, column][:1]]
        for xyxy, colour in zip(shown, NEIGHBOURS, strict=False):
            outline(axes, place, xyxy, colour, inside=0.18)
        mark(axes, place, patches.reshape(-1, 4), marker="o", ms=4.5, mfc="white", mec=style.INK, mew=0.9)
    return figure


def labelled_patches(
    picture: Tensor, boxes: Boxes, classes: Sequence[str], grid: Grid, labels: np.ndarray
) -> Figure:
    """Show which patches of a picture are positives, which background, which ambiguous, at four scales.

    picture  uint8 [3, H, W]
    boxes    its objects, drawn solid (difficult ones dotted) with their classes
    classes  K names
    grid     of a picture of that size
    labels   int64 [M], as of `labelling.label_patches`

    A patch is marked at its centre; one of each class and one that is ambiguous (dashed) are drawn in full.
    """
    pixels, kinds = as_pixels(picture), name_labels(labels, len(classes))
    faded = (255 - FADED * (255 - pixels.astype(float))).round().astype(np.uint8)
    captions = [
        f"{scale_of(grid, number)}: "
        + ", ".join(f"{(kinds[grid.scale == number] == kind).sum()} {kind}" for kind in KINDS)
        for number in SCALES
    ]
    (figure, axes, _), places = panels([faded] * len(SCALES), captions, LARGE, 2, foot=28)
    for number, place in zip(SCALES, places, strict=True):
        draw_boxes(axes, place, boxes, classes)
        here = grid.scale == number
        for label in np.unique(labels[here & (kinds != "background")]).tolist():
            same = np.flatnonzero(here & (labels == label))
            xyxy, colour = grid.xyxy[same[len(same) // 2]], KINDS[kinds[same[0]]]["color"]
            outline(axes, place, xyxy, colour, ls="--" if label == AMBIGUOUS else "-")
            if label != AMBIGUOUS:
                tag(axes, place, xyxy[[0, 3]], classes[label], colour, "bottom")
        for kind, look in KINDS.items():
            mark(axes, place, grid.xyxy[here & (kinds == kind)], **look)
    handles = [Line2D([], [], ls="", label=kind, **look) for kind, look in KINDS.items()]
    figure.legend(handles=handles, loc="lower left", ncols=3, frameon=False, handletextpad=0)
    return figure


def patch_sheet(picture: Tensor, classes: Sequence[str], grid: Grid, labels: np.ndarray) -> Figure:
    """Show patches as a network gets them: a row of positives, one of background, one of ambiguous ones.

    picture  uint8 [3, H, W]
    classes  K names
    grid     of a picture of that size
    labels   int64 [M], as of `labelling.label_patches`

    Those of a row are spread over all that are there, from the largest to the smallest.
    """
    pixels, kinds = as_pixels(picture), name_labels(labels, len(classes))
    rows = []
    for kind, look in KINDS.items():
        of_kind = np.flatnonzero(kinds == kind)
        spread = np.linspace(0, len(of_kind) - 1, min(COLUMNS, len(of_kind))).round().astype(int)
        shown = []
        for i in of_kind[spread]:
            name = classes[labels[i]] if kind == "positive" else f"λ = {LAMBDAS[grid.scale[i]]:g}"
            shown.append(Tile(patch(pixels, grid.xyxy[i]), name))
        shown = shown or [Tile(blank(SIDE, SIDE))]
        rows.append([Block(shown, label=f"{kind}\n{len(of_kind)} of {len(grid)}", colour=look["color"])])
    return tiles(rows, left=150, size=9).figure


def scale_of(grid: Grid, number: int) -> str:
    """The name of a scale, and how wide its patches are."""
    x0, _, x1, _ = grid.xyxy[grid.scale == number][0]
    return f"λ = {LAMBDAS[number]:g}, s = {x1 - x0:.0f} px"


def panels(
    pictures: Sequence[np.ndarray], captions: Sequence[str], longer: int, columns: int, title: str = "",
    *, foot: int = 0, below: Sequence[Block] = (),
) -> tuple[Page, list[Transform]]:  # fmt: skip
    """Lay pictures out in rows with a caption each; also returns, for each, what maps its own pixels to the page.

    pictures  uint8 [H, W, 3]
    longer    pixels of the longer side of each on the page
    foot      pixels that stay free at the bottom
    below     blocks below the pictures
    """
    large = [enlarge(picture, longer) for picture in pictures]
    block = Block([Tile(*pair) for pair in zip(large, captions, strict=True)], columns)
    cell = 0 if below else longer  # captions of narrow pictures are wider than these
    page = tiles([[block], [*below]], title=title, foot=foot, cell=cell, size=9.5, align="left")
    page.axes.autoscale(False)
    places = []
    for (x, y), picture, shown in zip(page.corners, pictures, large, strict=False):
        zoom = Affine2D().scale(shown.width / picture.shape[1], shown.height / picture.shape[0])
        places.append(zoom.translate(x, y) + page.axes.transData)
    return page, places


def outline(axes: Axes, place: Transform, xyxy: np.ndarray, colour: str, inside: float = 0, **look) -> None:
    """Draw a box of a picture with a dark edge, so that it is seen on any ground; `inside` is how opaque it is."""
    x0, y0, x1, y1 = map(float, xyxy)
    look = {"ec": colour, "fc": (colour, inside), "lw": 2, "transform": place} | look
    edge = axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=inside > 0, **look))
    edge.set_path_effects([patheffects.withStroke(linewidth=look["lw"] + 1.4, foreground="#000000aa")])


def draw_boxes(axes: Axes, place: Transform, boxes: Boxes, classes: Sequence[str]) -> None:
    """Draw the objects of a picture with their classes; difficult ones dotted."""
    for xyxy, label, difficult in zip(boxes.xyxy, boxes.labels, boxes.difficult, strict=True):
        outline(axes, place, xyxy, BOX, ls=":" if difficult else "-")
        room = abs(place.transform(xyxy[:2])[1] - place.transform((0, 0))[1]) > 16  # pixels above the box
        tag(axes, place, xyxy[:2], classes[label], BOX, "bottom" if room else "top")


def tag(axes: Axes, place: Transform, xy: np.ndarray, name: str, colour: str, va: str) -> None:
    """Write a name on a ground of its colour, at a point of a picture."""
    look = {"fontsize": 8.5, "color": style.INK if colour == BOX else "white", "va": va}
    ground = {"facecolor": colour, "edgecolor": "none", "pad": 1.5}
    axes.text(*map(float, xy), style.short(name), transform=place, bbox=ground, **look)


def mark(axes: Axes, place: Transform, patches: np.ndarray, **look) -> None:
    """Mark the centres of patches [n, 4]."""
    axes.plot(*(patches[:, :2] + patches[:, 2:]).T / 2, ls="", transform=place, **look)


def patch(pixels: np.ndarray, xyxy: np.ndarray) -> Image.Image:
    """Cut a patch out of a picture, uint8 [H, W, 3], and bring it to the size of a sheet's."""
    box = tuple(float(v) for v in np.clip(xyxy, 0, [*pixels.shape[1::-1]] * 2))
    return Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)


def k_curve(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Plot mAP against k, one line with its band a name; the maximum over patches, to which k leads, stands apart.

    table  columns `name`, `k` (1 or more; inf for the maximum), `value`, `low`, `high`

    The paper's k is marked.
    """
    lines = {name: rows.sort_values("k") for name, rows in table.groupby("name", sort=False)}
    ks = np.unique(table["k"][np.isfinite(table["k"])])
    end = BEYOND * ks[-1]
    with style.look():
        figure, axes = style.new_axes(8.5, 4.6, title, grid="y", xscale="log", ylabel="mAP, %")
        axes.minorticks_off()
        for name, (colour, marker, stroke) in style.of(*lines).items():
            k, value, low, high = lines[name][["k", "value", "low", "high"]].to_numpy(float).T
            at, apart = np.where(np.isfinite(k), k, end), np.isinf(k)
            look = {"color": colour, "marker": marker, "ms": 6, "mfc": colour if stroke == "-" else "white"}
            axes.fill_between(at[~apart], low[~apart], high[~apart], color=colour, alpha=0.15, lw=0)
            axes.vlines(at[apart], low[apart], high[apart], color=colour, lw=4, alpha=0.25)
            axes.plot(at[~apart], value[~apart], lw=1.8, ls=stroke, **look)
            axes.plot(at[-2:], value[-2:], lw=1, ls=":" if apart[-1] else "", label=name, **look)
        ticks = [k for k in ks if k <= 10 or k % 5 == 0]  # more would lie on each other
        axes.set_xticks([*ticks, end], [*(f"{k:g}" for k in ticks), "max"])
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

    The rows fall in the order of the first method; the mean of all classes stands below them. NaN has no dot.
    """
    ranked = table.sort_values(table.columns[0], ascending=False, kind="stable")
    names = [f"{style.short(name)} ({counts[name]})" for name in ranked.index] + ["mean of the classes"]
    values = np.vstack([ranked.to_numpy(float), table.mean()])
    rows = np.array([*range(len(table)), len(table) + 0.5])
    asides = 0.24 * (np.arange(table.shape[1]) - (table.shape[1] - 1) / 2)  # so that no dot hides another
    with style.look():
        figure, axes = style.new_axes(8.5, 0.29 * len(values) + 1.5, title, grid="x")
        axes.hlines(rows, 0, 100, color="#f0f0f0", lw=15, zorder=0)
        for x, aside, (method, look) in zip(values.T, asides, style.of(*table.columns).items(), strict=True):
            axes.plot(x, rows + aside, ls="", marker=look.marker, ms=6.5, color=look.colour, label=method)
        axes.set_yticks(rows, names)
        axes.get_yticklabels()[-1].set_weight("bold")
        xlabel = "pictures of the class whose peak lies on it, % (in brackets: how many there are)"
        axes.set(xlim=(-2, 102), ylim=(rows[-1] + 0.7, -0.7), xlabel=xlabel)
        axes.tick_params(axis="y", length=0)
        figure.legend(handles=list(axes.lines), loc="outside lower left", ncols=min(3, table.shape[1]))
    return figure
