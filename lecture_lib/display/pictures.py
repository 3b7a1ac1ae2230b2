"""Pictures on a page: contact sheets, filters, activations, nearest neighbours.

A page is one figure in units of pixels, so that no picture is resampled on its way to the screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image, ImageOps
from torch import Tensor

from lecture_lib.datasets import ImageCollection
from lecture_lib.display import style

GAP = 6  # pixels between pictures
SAME_CLASS, SAME_GROUP, OTHER_GROUP = "#0a8f5c", "#f0a500", "#c2281d"


def contact_sheet(
    images: ImageCollection,
    *,
    per_class: int = 1,
    classes: Sequence[str] | None = None,
    columns: int = 10,
    size: int = 96,
    title: str = "",
    seed: int = 0,
) -> Figure:
    """Show pictures of each class, the class's name below, one block a group.

    per_class  pictures a class, drawn by lot from `seed`
    classes    show only these (default: all)
    size       pixels of a picture; twins are drawn anew at this size, photographs are cut to a square
    """
    chosen = [c for c in range(len(images.classes)) if classes is None or images.classes[c] in classes]
    unknown = set(classes or ()) - set(images.classes)
    if unknown:
        raise ValueError(f"{images.name} has no class {sorted(unknown)[0]!r}; see its .classes.")
    groups = [images.groups[c] for c in range(len(images.classes))]
    rng = np.random.default_rng(seed)
    blocks: list[tuple[str, list[tuple[int, str]]]] = []  # group, its (picture, class name)
    for group in style.looks(groups[c] for c in chosen):
        shown = []
        for c in chosen:
            if groups[c] == group:
                of_class = np.flatnonzero(
                    images.labels[:, c] == 1 if images.multi_label else images.labels == c
                )
                picks = np.sort(rng.permutation(of_class)[:per_class])
                shown += [(int(i), images.classes[c]) for i in picks]
        blocks.append((group, shown))
    head, foot, top = 26 if any(groups) else 0, 18, 34 if title else 4
    rows = [-(-len(shown) // columns) for _, shown in blocks]
    width = columns * (size + GAP) + GAP
    height = top + sum(head + n * (size + foot + GAP) for n in rows)
    canvas = blank(width, height)
    texts = []
    y = top
    for (group, shown), n in zip(blocks, rows, strict=True):
        colour = style.looks([group])[group][0]
        texts.append((GAP, y + head - 7, group, {"fontsize": 12, "weight": "bold", "color": colour}))
        for k, (i, name) in enumerate(shown):
            x0, y0 = GAP + k % columns * (size + GAP), y + head + k // columns * (size + foot + GAP)
            paste(canvas, thumbnail(images, i, size), x0, y0)
            texts.append(
                (x0 + size / 2, y0 + size + foot - 5, shorten(name, size), {"fontsize": 8, "ha": "center"})
            )
        y += head + n * (size + foot + GAP)
    figure, axes = page(canvas, title)
    for x, y, text, how in texts:
        axes.text(x, y, text, **how)
    return figure


def filters(weight: Tensor, *, columns: int = 16, zoom: int | None = None, title: str = "") -> Figure:
    """Show first-layer filters, float [C, 3, k, k], as colour pictures, each scaled by itself about grey."""
    w = weight.detach().float().cpu()
    if w.ndim != 4 or w.shape[1] != 3:
        raise ValueError(f"Filters of colour pictures are [C, 3, k, k], not {list(w.shape)}.")
    w = 0.5 + 0.5 * w / w.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
    tiles = (w.permute(0, 2, 3, 1) * 255).round().byte().numpy()
    zoom = zoom or max(1, 48 // w.shape[-1])
    side = zoom * w.shape[-1]
    columns = min(columns, len(tiles))
    top = 34 if title else GAP
    canvas = blank(columns * (side + GAP) + GAP, top + -(-len(tiles) // columns) * (side + GAP))
    for k, tile in enumerate(tiles):
        tile = tile.repeat(zoom, 0).repeat(zoom, 1)
        paste(canvas, tile, GAP + k % columns * (side + GAP), top + k // columns * (side + GAP))
    return page(canvas, title)[0]


def activations(
    picture: Tensor, maps: Mapping[str, Tensor], *, channels: int = 8, title: str = "", size: int = 80
) -> Figure:
    """Show one picture through the layers: its most active channels at each tap.

    picture  uint8 [3, H, W]
    maps     tap -> what the network makes of the picture there: [C, h, w] or [d] (a leading 1 is dropped)

    A map is scaled by itself, dark to bright; the channels are those with the largest mean. A vector is one bar
    a unit.
    """
    maps = {tap: v.detach().float().cpu().squeeze(0) for tap, v in maps.items()}
    left = 200
    row = size + GAP + 4
    top = 34 if title else GAP
    width = left + 110 + channels * (size + GAP)
    height = top + max(len(maps) * row, left)
    canvas = blank(width, height)
    paste(canvas, fit(picture, left - 2 * GAP), GAP, top)
    colours = (mpl.colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.uint8)
    vectors = []
    for k, (tap, v) in enumerate(maps.items()):
        y = top + k * row
        if v.ndim == 1:
            vectors.append((y, v))
            continue
        best = v.mean((1, 2)).topk(min(channels, len(v))).indices
        for j, c in enumerate(best.tolist()):
            low, high = v[c].min(), v[c].max()
            levels = ((v[c] - low) / (high - low).clamp(min=1e-12) * 255).byte().numpy()
            tile = Image.fromarray(colours[levels]).resize((size, size), Image.Resampling.NEAREST)
            paste(canvas, tile, left + 110 + j * (size + GAP), y)
    figure, axes = page(canvas, title)
    for k, (tap, v) in enumerate(maps.items()):
        y = top + k * row + size / 2
        axes.text(left + 100, y - 2, tap, ha="right", fontsize=12, weight="bold")
        axes.text(left + 100, y + 16, "×".join(map(str, v.shape)), ha="right", fontsize=9, color=style.PALE)
    for y, v in vectors:
        bars = figure.add_axes(
            ((left + 110) / width, 1 - (y + size) / height, 1 - (left + 116) / width, size / height)
        )
        bars.vlines(np.arange(len(v)), 0, v.numpy(), color=style.INK, lw=0.6)
        bars.set(xlim=(0, len(v)), xticks=[], yticks=[])
    return figure


def neighbours_grid(
    images: ImageCollection,
    queries: Sequence[int],
    neighbours: Mapping[str, np.ndarray],
    *,
    size: int = 72,
    title: str = "",
) -> Figure:
    """Show pictures and their nearest neighbours at several taps: one row a query, one block of columns a tap.

    queries     indices [Q] into `images`
    neighbours  tap -> indices [Q, k] into `images`, nearest first

    The frame tells whether a neighbour is of the query's class (green), of its group (amber), or of another (red).
    """
    group = np.array(images.groups)[images.labels]
    top, head = 34 if title else 4, 24
    step, space, frame = size + GAP + 4, 22, 4
    starts, x = {}, 10 + step + space
    for tap, found in neighbours.items():
        starts[tap] = x
        x += np.shape(found)[1] * step + space
    width, height = x - space + GAP, top + head + len(queries) * step + 30
    canvas = blank(width, height)
    texts = [(10, top + head - 8, "picture")] + [(x0, top + head - 8, tap) for tap, x0 in starts.items()]
    frames = []
    for row, query in enumerate(queries):
        y = top + head + row * step + frame
        paste(canvas, thumbnail(images, int(query), size), 10, y)
        for tap, found in neighbours.items():
            for k, i in enumerate(np.asarray(found)[row]):
                x0 = starts[tap] + k * step
                paste(canvas, thumbnail(images, int(i), size), x0, y)
                same_class = images.labels[i] == images.labels[query]
                same_group = bool(group[i]) and group[i] == group[query]
                frames.append(
                    (x0, y, SAME_CLASS if same_class else SAME_GROUP if same_group else OTHER_GROUP)
                )
    figure, axes = page(canvas, title)
    for x0, y, text in texts:
        axes.text(x0, y, text, fontsize=12, weight="bold")
    for x0, y, colour in frames:
        axes.add_patch(Rectangle((x0 - 1.5, y - 1.5), size + 3, size + 3, fill=False, ec=colour, lw=3))
    x0 = 10 + step + space
    for colour, text in (
        (SAME_CLASS, "same class"),
        (SAME_GROUP, "same group"),
        (OTHER_GROUP, "another group"),
    ):
        axes.add_patch(Rectangle((x0, height - 20), 12, 12, fill=False, ec=colour, lw=3))
        axes.text(x0 + 20, height - 10, text, fontsize=10)
        x0 += 130
    return figure


def blank(width: int, height: int) -> np.ndarray:
    """White pixels, uint8 [height, width, 3]."""
    return np.full((int(height), int(width), 3), 255, np.uint8)


def paste(canvas: np.ndarray, picture: np.ndarray | Image.Image, x: int, y: int) -> None:
    """Put a picture, uint8 [h, w, 3], onto the canvas with its upper left corner at (x, y)."""
    picture = np.asarray(picture)
    canvas[y : y + len(picture), x : x + picture.shape[1]] = picture


def page(canvas: np.ndarray, title: str = "") -> tuple[Figure, Axes]:
    """A figure that shows the canvas pixel for pixel, and its axes in pixels, y pointing down."""
    h, w = canvas.shape[:2]
    figure = style.new_figure(w / style.DPI, h / style.DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(canvas, extent=(0, w, h, 0), interpolation="none", aspect="auto")
    axes.set_axis_off()
    if title:
        axes.text(GAP, 21, title, fontsize=14, color=style.INK)
    return figure, axes


def thumbnail(images: ImageCollection, i: int, size: int) -> Image.Image:
    """Picture i as RGB of size x size pixels: drawn anew where it can be, else cut to a square and resized."""
    slide = getattr(images.images, "slide", None)
    picture = slide(i, size) if slide else images.pil(i)
    return ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)


def fit(picture: Tensor, size: int) -> Image.Image:
    """A picture uint8 [3, H, W] at `size` pixels wide or high, whichever is more."""
    return ImageOps.contain(
        Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy()), (size, size), Image.Resampling.BICUBIC
    )


def shorten(name: str, width: int) -> str:
    """A class's name cut to what fits below a picture `width` pixels wide."""
    most = int(width / 5.3)
    name = name.replace("_", " ")
    return name if len(name) <= most else name[: most - 1] + "…"
