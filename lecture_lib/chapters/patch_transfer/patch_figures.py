"""Patches on their picture: where they lie, which show an object, and what they look like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D, Transform
from PIL import Image
from torch import Tensor

from lecture_lib.chapters.patch_transfer.grid import LAMBDAS, Grid
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS
from lecture_lib.datasets import Boxes
from lecture_lib.display import pictures, style
from lecture_lib.display.pictures import GAP, HEAD, as_pixels, enlarge

SMALL, LARGE = 290, 440  # pixels of the longer side of a picture, three or two in a row
FOOT = 24  # pixels of a caption
FADED = 0.6  # how much of a picture is left below marks: 1 is all
BOX = "#ffe600"
NEIGHBOURS = ("#ffe600", "#00d5ff", "#ff4fd8")
# colour, marker and its size: different in form as well as in colour
KINDS = {
    "positive": ("#0a8f5c", "s", 6.5),
    "background": ("#777777", "o", 5),
    "ambiguous": ("#c2281d", "x", 6.5),
}


def patch_grid(picture: Tensor, grid: Grid, *, title: str = "") -> Figure:
    """Show the patches of a picture scale by scale: all centres, and three neighbours in full.

    picture  uint8 [3, H, W]
    grid     of a picture of that size

    The neighbours are one in the middle, that right of it and that below it, where there are such: what two of them
    share is seen through both. Raises ValueError if the grid is of another size.
    """
    pixels = as_pixels(picture)
    check_size(pixels, grid)
    captions = [
        f"λ = {lam:g}, s = {size_of(grid, number):.0f} px, {count(len(scale), 'patch', 'patches')}"
        for number, (lam, scale) in enumerate(zip(LAMBDAS, grid.scales, strict=True))
    ]
    figure, axes, places = panels([pixels] * len(captions), captions, SMALL, 3, title, wide=256)
    for number, (scale, place) in enumerate(zip(grid.scales, places, strict=True)):
        patches = grid.xyxy[grid.scale == number].reshape(len(scale.rows), len(scale.columns), 4)
        row, column = (len(scale.rows) - 1) // 2, (len(scale.columns) - 1) // 2
        shown = [patches[row, column], *patches[row, column + 1 :][:1], *patches[row + 1 :, column][:1]]
        for (x0, y0, x1, y1), colour in zip(shown, NEIGHBOURS, strict=False):
            inside = {"color": colour, "alpha": 0.18, "lw": 0}
            axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, transform=place, **inside))
        for xyxy, colour in zip(shown, NEIGHBOURS, strict=False):
            outline(axes, place, xyxy, colour)
        dots = {"marker": "o", "ms": 4.5, "mfc": "white", "mec": style.INK, "mew": 0.9}
        mark(axes, place, patches.reshape(-1, 4), **dots)
    return figure


def labelled_patches(
    picture: Tensor,
    boxes: Boxes,
    classes: Sequence[str],
    grid: Grid,
    labels: np.ndarray,
    *,
    scales: Sequence[int] = (0, 2, 4, 6),
    title: str = "",
) -> Figure:
    """Show which patches of a picture are positives, which background, which ambiguous, a panel a scale.

    picture  uint8 [3, H, W]
    boxes    its objects, drawn solid (difficult ones dotted) with their classes
    classes  K names
    grid     of a picture of that size
    labels   int64 [M], as of `patches.labelling.label_patches`
    scales   indices into LAMBDAS

    A patch is marked at its centre; one of each class and one that is ambiguous (dashed) are drawn in full. Raises
    ValueError if the grid is of another size, or there is not one label a patch.
    """
    kinds = kinds_of(labels, grid, classes)
    pixels = as_pixels(picture)
    check_size(pixels, grid)
    faded = (255 - FADED * (255 - pixels.astype(float))).round().astype(np.uint8)
    captions = [f"λ = {LAMBDAS[number]:g}, s = {size_of(grid, number):.0f} px" for number in scales]
    figure, axes, places = panels([faded] * len(scales), captions, LARGE, 2, title, wide=330, foot=FOOT)
    for number, place in zip(scales, places, strict=True):
        draw_boxes(axes, place, boxes, classes)
        here = grid.scale == number
        for label in np.unique(labels[here & (kinds != "background")]).tolist():
            same = np.flatnonzero(here & (labels == label))
            xyxy = grid.xyxy[same[len(same) // 2]]
            colour = KINDS[kinds[same[0]]][0]
            outline(axes, place, xyxy, colour, ls="--" if label == AMBIGUOUS else "-")
            if label != AMBIGUOUS:
                tag(axes, place, xyxy[[0, 3]], classes[label], colour, "bottom")
        x, y = axes.transData.inverted().transform(
            place.transform((0, grid.size[0]))
        )  # the panel's lower left
        for i, kind in enumerate(KINDS):
            some = grid.xyxy[here & (kinds == kind)]
            mark(axes, place, some, **looks_of(kind))
            axes.add_line(Line2D([x + 165 + 62 * i], [y + 11], **looks_of(kind)))
            axes.text(x + 175 + 62 * i, y + 15, str(len(some)), fontsize=10.5, color=style.INK)
    x, y = GAP + 8, figure.bbox.height - 12
    for kind, across in zip(KINDS, (110, 130, 0), strict=True):
        axes.add_line(Line2D([x], [y - 4], **looks_of(kind)))
        axes.text(x + 12, y, kind, fontsize=10.5, color=style.INK)
        x += across
    axes.text(x + 130, y, "(a patch's centre)", fontsize=10.5, color=style.FAINT)
    return figure


def patch_sheet(
    picture: Tensor,
    classes: Sequence[str],
    grid: Grid,
    labels: np.ndarray,
    *,
    columns: int = 11,
    size: int = 74,
    title: str = "",
) -> Figure:
    """Show patches as a network gets them: a row of positives, one of background, one of ambiguous ones.

    picture  uint8 [3, H, W]
    classes  K names
    grid     of a picture of that size
    labels   int64 [M], as of `patches.labelling.label_patches`
    columns  patches in a row, spread over all that are there, from the largest to the smallest
    size     pixels across a patch

    Raises ValueError if the grid is of another size, or there is not one label a patch.
    """
    kinds = kinds_of(labels, grid, classes)
    pixels = as_pixels(picture)
    check_size(pixels, grid)
    left, top, down = GAP + 112, HEAD if title else GAP, size + FOOT
    canvas = pictures.blank(left + columns * (size + GAP), top + len(KINDS) * down)
    texts = []
    for row, (kind, (colour, _, _)) in enumerate(KINDS.items()):
        of_kind, y = np.flatnonzero(kinds == kind), top + row * down
        texts.append((GAP, y + 18, kind, {"weight": "bold", "color": colour, "fontsize": 11}))
        texts.append((GAP, y + 36, f"{len(of_kind)} of {len(grid)}", {"color": style.FAINT, "fontsize": 10}))
        spread = np.linspace(0, len(of_kind) - 1, min(columns, len(of_kind))).round().astype(int)
        for column, i in enumerate(of_kind[spread]):
            x = left + column * (size + GAP)
            pictures.paste(canvas, cut(pixels, grid.xyxy[i], size), x, y)
            name = classes[labels[i]] if kind == "positive" else f"λ = {LAMBDAS[grid.scale[i]]:g}"
            caption = pictures.fit(name, size)
            texts.append((x + size / 2, y + size + 14, caption, {"ha": "center", "fontsize": 9}))
    figure, axes = pictures.page(canvas, title)
    for x, y, text, look in texts:
        axes.text(x, y, text, **{"color": style.INK} | look)
    return figure


def check_size(pixels: np.ndarray, grid: Grid) -> None:
    """ValueError if a picture, uint8 [H, W, 3], is of another size than the grid of its patches."""
    if pixels.shape[:2] != grid.size:
        raise ValueError(
            f"The grid is of {grid.size[1]} x {grid.size[0]} pixels, the picture has {pixels.shape[1]} x "
            f"{pixels.shape[0]}: lay the patches of this one."
        )


def kinds_of(labels: np.ndarray, grid: Grid, classes: Sequence[str]) -> np.ndarray:
    """The kind of each patch by its label, str [M]; ValueError if labels and patches are not as many."""
    labels = np.asarray(labels)
    if labels.shape != (len(grid),):
        raise ValueError(f"There are {len(grid)} patches and labels {list(labels.shape)}: give one a patch.")
    return np.where(
        labels == AMBIGUOUS, "ambiguous", np.where(labels == len(classes), "background", "positive")
    )


def size_of(grid: Grid, number: int) -> float:
    """Width in pixels of the patches of a scale."""
    x0, _, x1, _ = grid.xyxy[grid.scale == number][0]
    return float(x1 - x0)


def count(n: int, one: str, many: str) -> str:
    """ "1 patch" or "2 patches"."""
    return f"{n} {one if n == 1 else many}"


def panels(
    tiles: Sequence[np.ndarray],
    captions: Sequence[str],
    longer: int,
    columns: int,
    title: str = "",
    *,
    wide: int = 0,
    foot: int = 0,
) -> tuple[Figure, Axes, list[Transform]]:
    """Lay pictures out in rows with a caption each; also returns, for each, what maps its own pixels to the page.

    tiles   uint8 [H, W, 3]
    longer  pixels of the longer side of each on the page
    wide    pixels that a caption takes: a column is no narrower
    foot    pixels that stay free at the bottom
    """
    large = [enlarge(tile, longer) for tile in tiles]
    across = max(wide, *(tile.width for tile in large)) + GAP
    down, top = max(tile.height for tile in large) + FOOT, HEAD if title else GAP
    rows = -(-len(large) // columns)
    canvas = pictures.blank(GAP + min(columns, len(large)) * across, top + rows * down + foot)
    corners = [(GAP + i % columns * across, top + i // columns * down) for i in range(len(large))]
    for tile, (x, y) in zip(large, corners, strict=True):
        pictures.paste(canvas, tile, x, y)
    figure, axes = pictures.page(canvas, title)
    axes.autoscale(False)
    places = []
    for tile, shown, (x, y), caption in zip(tiles, large, corners, captions, strict=True):
        axes.text(x, y + shown.height + 15, caption, fontsize=10.5, color=style.INK)
        zoom = Affine2D().scale(shown.width / tile.shape[1], shown.height / tile.shape[0])
        places.append(zoom + Affine2D().translate(x, y) + axes.transData)
    return figure, axes, places


def outline(
    axes: Axes, place: Transform, xyxy: np.ndarray, colour: str, *, ls: str = "-", lw: float = 2
) -> None:
    """Draw a box of a picture with a dark edge, so that it is seen on any ground."""
    x0, y0, x1, y1 = map(float, xyxy)
    edge = Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec=colour, ls=ls, lw=lw, transform=place)
    edge.set_path_effects([patheffects.withStroke(linewidth=lw + 1.4, foreground="#000000aa")])
    axes.add_patch(edge)


def draw_boxes(axes: Axes, place: Transform, boxes: Boxes, classes: Sequence[str]) -> None:
    """Draw the objects of a picture with their classes; difficult ones dotted."""
    for xyxy, label, difficult in zip(boxes.xyxy, boxes.labels, boxes.difficult, strict=True):
        outline(axes, place, xyxy, BOX, ls=":" if difficult else "-")
        room = abs(place.transform(xyxy[:2])[1] - place.transform((0, 0))[1]) > 16  # pixels above the box
        tag(axes, place, xyxy[:2], classes[label], BOX, "bottom" if room else "top")


def tag(axes: Axes, place: Transform, xy: np.ndarray, text: str, colour: str, va: str) -> None:
    """Write a name on a ground of its colour, at a point of a picture."""
    ink = style.INK if colour == BOX else "white"
    ground = {"facecolor": colour, "edgecolor": "none", "pad": 1.5}
    axes.text(
        float(xy[0]),
        float(xy[1]),
        text.replace("_", " "),
        transform=place,
        fontsize=8.5,
        color=ink,
        va=va,
        bbox=ground,
    )


def mark(axes: Axes, place: Transform, patches: np.ndarray, **look) -> None:
    """Mark the centres of patches [n, 4]."""
    x, y = (patches[:, :2] + patches[:, 2:]).T / 2
    axes.add_line(Line2D(x, y, transform=place, **{"ls": ""} | look))


def looks_of(kind: str) -> dict[str, object]:
    """How the centre of a patch of this kind is marked."""
    colour, marker, size = KINDS[kind]
    edge = {"mec": colour, "mew": 2.2} if marker == "x" else {"mec": "white", "mew": 0.7}
    return {"marker": marker, "ms": size, "color": colour, "ls": ""} | edge


def cut(pixels: np.ndarray, xyxy: np.ndarray, size: int) -> Image.Image:
    """Cut a patch out of a picture, uint8 [H, W, 3], and bring it to size x size pixels."""
    box = tuple(float(v) for v in np.clip(xyxy, 0, [*pixels.shape[1::-1]] * 2))
    return Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC, box=box)
