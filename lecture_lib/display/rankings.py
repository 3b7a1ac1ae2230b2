"""Pictures as a classifier ranks them: the surest, the mistaken, what was taken for what, views of one picture."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from PIL import Image, ImageOps
from torch import Tensor

from lecture_lib.datasets import ImageCollection
from lecture_lib.display import pictures, style
from lecture_lib.display.pictures import GAP, HEAD

RIGHT, WRONG = "#0a8f5c", "#c2281d"
MARKS = {True: "✓", False: "✗"}  # right and wrong are not told apart by colour alone
STEP = 14  # pixels between framed pictures
ARROW = 120  # pixels between the two sides of a confusion
LARGE, SMALL = 210, 100  # pixels of the longer side: the picture, its views

Ranking = tuple[np.ndarray, np.ndarray, np.ndarray]  # int [n] pictures, float [n] scores, bool [n] right
# true class, the class it was taken for, how often, int [n] such pictures, int [n] pictures of the latter class
Confusion = tuple[str, str, int, np.ndarray, np.ndarray]


def ranked(
    images: ImageCollection,
    rows: Mapping[str, Ranking],
    *,
    size: int = 72,
    columns: int = 12,
    title: str = "",
) -> Figure:
    """Show pictures in the order of their scores, one line a label: green and ✓ where right, red and ✗ where wrong.

    rows     label -> (indices [n] into `images`, scores [n], right [n] bool), first to last
    columns  pictures of a line that are shown

    Each picture's score stands below it, and below a wrong one what it shows. Raises ValueError if a line's three
    arrays differ in length or name a picture that is not there.
    """
    lines = {label: check_ranking(images, label, ranking, columns) for label, ranking in rows.items()}
    h, _ = pictures.tile_shape(images, size)
    step, head, foot = size + STEP, 26, 34
    across = max([len(indices) for indices, _, _ in lines.values()] + [4])
    top = HEAD if title else GAP
    canvas = pictures.blank(across * step + GAP, top + max(len(lines), 1) * (head + h + foot))
    tiles = iter(pictures.thumbnails(images, [i for indices, _, _ in lines.values() for i in indices], size))
    texts, marks = [], []
    for k, (label, (indices, scores, right)) in enumerate(lines.items()):
        y = top + k * (head + h + foot) + head
        texts.append((label, GAP, y - 10))
        for j, i in enumerate(indices):
            x = GAP + j * step
            pictures.paste(canvas, next(tiles), x, y)
            marks.append((x, y, bool(right[j]), f"{scores[j]:.2f}", "" if right[j] else what_is(images, i)))
    figure, axes = pictures.page(canvas, title)
    for label, x, y in texts:
        write_name(axes, label, x, y, canvas.shape[1])
    for x, y, right, score, shown in marks:
        mark(axes, x, y, size, h, right)
        axes.text(x + size / 2, y + h + 14, score, fontsize=9, ha="center", color=style.INK)
        name = pictures.shorten(shown, size + STEP)
        axes.text(x + size / 2, y + h + 25, name, fontsize=7.5, ha="center", color=WRONG)
    return figure


def check_ranking(images: ImageCollection, label: str, ranking: Ranking, columns: int) -> Ranking:
    """The first `columns` of a ranking; ValueError if it does not fit itself or the collection."""
    indices, scores, right = (np.asarray(array) for array in ranking)
    if not indices.shape == scores.shape == right.shape == (indices.size,):
        raise ValueError(
            f"{label}: pictures, scores and right must be of one length, "
            f"not {list(indices.shape)}, {list(scores.shape)} and {list(right.shape)}."
        )
    return check_rows(images, label, indices)[:columns], scores[:columns], right[:columns].astype(bool)


def check_rows(images: ImageCollection, where: str, indices: np.ndarray) -> np.ndarray:
    """Indices of pictures as int64 [n]; ValueError if one is outside of the collection."""
    indices = np.asarray(indices).astype(np.int64)  # an empty list is float64 to NumPy
    if outside := indices[(indices < 0) | (indices >= len(images))].tolist():
        raise ValueError(f"{where}: {images.name} has pictures 0 .. {len(images) - 1}, none is {outside[0]}.")
    return indices


def what_is(images: ImageCollection, i: int) -> str:
    """The name of picture i's class; several with commas; "" where it has none."""
    return ", ".join(images.classes[c].replace("_", " ") for c in pictures.classes_of(images, i))


def write_name(axes: Axes, name: str, x: float, y: float, width: int) -> None:
    """Write the name of a row of pictures above it, cut to `width` pixels."""
    text = pictures.shorten(name, int(width / 1.7))  # which counts in the small letters below a picture
    axes.text(x, y, text, fontsize=11, weight="bold", color=style.INK)


def mark(axes: Axes, x: float, y: float, w: int, h: int, right: bool) -> None:
    """Frame the picture of w x h pixels whose upper left corner is (x, y), and put its mark into the corner."""
    colour = RIGHT if right else WRONG
    lw = 3
    edge = lw * style.DPI / 72 / 2  # half the line, so that the frame lies outside the picture
    frame = {"fill": False, "edgecolor": colour, "linewidth": lw, "joinstyle": "miter"}
    axes.add_patch(Rectangle((x - edge, y - edge), w + 2 * edge, h + 2 * edge, **frame))
    axes.add_patch(Rectangle((x, y), 15, 15, facecolor=colour, lw=0))
    axes.text(x + 7, y + 11.5, MARKS[right], fontsize=9, ha="center", color="white")


def confusions(
    images: ImageCollection, pairs: Sequence[Confusion], *, size: int = 72, title: str = ""
) -> Figure:
    """Show what was taken for what, one line a pair: the mistaken pictures → pictures of what they were called.

    pairs  (true class, the class it was taken for, how often, indices of such pictures, indices of typical pictures
           of the class it was taken for)

    Raises ValueError if an index names no picture. Without a pair the page says so.
    """
    checked = [
        (true, taken, count, *(check_rows(images, f"{true} → {taken}", rows) for rows in (mistaken, typical)))
        for true, taken, count, mistaken, typical in pairs
    ]
    step, head = size + GAP, 24
    left = max([len(mistaken) for *_, mistaken, _ in checked] + [2]) * step
    across = max([len(typical) for *_, typical in checked] + [2]) * step
    top, height = HEAD if title else GAP, head + size + 12
    canvas = pictures.blank(left + ARROW + across + GAP, top + max(len(checked), 1) * height)
    start = left + ARROW
    places = {
        (x0 + j * step, top + k * height + head): i
        for k, (*_, mistaken, typical) in enumerate(checked)
        for x0, rows in ((GAP, mistaken), (start, typical))
        for j, i in enumerate(rows)
    }
    for (x, y), tile in zip(
        places, pictures.thumbnails(images, places.values(), size, square=True), strict=True
    ):
        pictures.paste(canvas, tile, x, y)
    figure, axes = pictures.page(canvas, title)
    for k, (true, taken, count, *_) in enumerate(checked):
        y = top + k * height + head
        for x, width, name in ((GAP, left + ARROW - 12, true), (start, across, taken)):
            write_name(axes, name, x, y - 8, width)
        ends = (left + 14, y + size / 2), (start - 18, y + size / 2)
        axes.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=16, lw=1.8, color=WRONG))
        times = "once" if count == 1 else f"{count} times"
        middle = (left + start) / 2 - 2
        axes.text(middle, y + size / 2 - 10, times, fontsize=10, ha="center", color=style.INK)
    if not checked:
        axes.text(GAP, top + 40, "No class was taken for another.", fontsize=11, color=style.FAINT)
    return figure


def views_grid(picture: Tensor, views: Sequence[Tensor], names: Sequence[str], *, title: str = "") -> Figure:
    """Show a picture and the views cut from it, in two rows: the second half of them below the first.

    picture  uint8 [3, H, W]
    views    uint8 [3, h, w] each, all shown equally large, as a network gets them
    names    their captions

    Of views that come with their mirror images behind them, each mirror stands below its partner.
    Raises ValueError if there are not as many names as views, or if one is no picture.
    """
    if len(views) != len(names):
        raise ValueError(f"{len(views)} views have {len(names)} names; give one to each.")
    columns = max(-(-len(views) // 2), 1)
    tiles = [as_pil(view, SMALL) for view in views]
    large = as_pil(picture, LARGE)
    top, step = HEAD if title else GAP, max([tile.width for tile in tiles] + [SMALL]) + GAP
    captions = [textwrap.wrap(name, int(step / 5.8)) for name in names]
    heights = [tile.height + 12 * len(lines) for tile, lines in zip(tiles, captions, strict=True)]
    row = max([*heights, 1]) + 2 * GAP
    start = GAP + large.width + pictures.BETWEEN
    canvas = pictures.blank(start + columns * step, top + max(2 * row, large.height + GAP))
    pictures.paste(canvas, large, GAP, top)
    edges, texts = [(GAP, top, large)], []
    for k, (tile, lines) in enumerate(zip(tiles, captions, strict=True)):
        x, y = start + k % columns * step, top + k // columns * row
        pictures.paste(canvas, tile, x, y)
        edges.append((x, y, tile))
        texts.append((x, y + tile.height + 4, "\n".join(lines)))
    figure, axes = pictures.page(canvas, title)
    for x, y, tile in edges:  # a white picture ends somewhere, too
        axes.add_patch(Rectangle((x, y), tile.width, tile.height, fill=False, edgecolor="#cccccc", lw=0.6))
    for x, y, text in texts:
        axes.text(x, y, text, fontsize=7.5, va="top", linespacing=1.1, color=style.INK)
    return figure


def as_pil(picture: Tensor, size: int) -> Image.Image:
    """A picture, uint8 [3, h, w], with its longer side of `size` pixels."""
    if picture.dtype != torch.uint8 or picture.ndim != 3 or len(picture) != 3:
        raise ValueError(f"A picture is uint8 [3, H, W], not {picture.dtype} {list(picture.shape)}.")
    one = Image.fromarray(picture.permute(1, 2, 0).contiguous().cpu().numpy())
    return ImageOps.contain(one, (size, size), Image.Resampling.LANCZOS)
