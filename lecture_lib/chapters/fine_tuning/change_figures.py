"""What fine-tuning moved: layers, filters, and the ranks of pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from lecture_lib.datasets import ImageCollection
from lecture_lib.display import pictures, style
from lecture_lib.display.labels import name_ends
from lecture_lib.display.pictures import GAP, HEAD
from lecture_lib.display.style import two_panels

LEFT = 104  # pixels of the names of rows
ACROSS = 12  # filters in a row
STEP = 16  # pixels between framed pictures
PRESENCE = {1: ("present", "#0a8f5c", 4), -1: ("difficult", "#f0a500", 3), 0: ("absent", style.PALE, 2)}
OUTLINE = "#ffe600"


def layer_movement(change: pd.DataFrame, cka: pd.DataFrame, *, title: str = "") -> Figure:
    """Plot how far fine-tuning moved each layer: its weights on the left, what it says of pictures on the right.

    change  a row a layer with weights, in the network's order, a column a method: |w' - w| / |w|, 0 or more
    cka     a row a layer, the same columns: linear CKA of its output before and after (0..1)

    The left axis is logarithmic; a layer that did not move lies on its own line at 0. NaN has no mark, and a method
    of NaN only takes its colour. Raises ValueError if the two have other methods, or a number is out of its range.
    """
    if list(change.columns) != list(cka.columns):
        raise ValueError(f"The tables have other methods: {list(change.columns)} and {list(cka.columns)}.")
    if (change < 0).any(axis=None) or (cka < 0).any(axis=None) or (cka > 1 + 1e-6).any(axis=None):
        raise ValueError("A relative change is 0 or more, and CKA lies in 0..1.")
    percent = 100 * change.astype(float)
    moved = percent.to_numpy()[percent.to_numpy() > 0]
    if not moved.size:
        raise ValueError("No layer has moved: there is nothing to plot.")
    some_still = (percent == 0).any(axis=None)
    # 0 has no logarithm: it is drawn in place of the decade below, which shall not touch the lowest mark
    lowest = 10.0 ** np.floor(np.log10(moved.min()) - (0.3 if some_still else 0))
    with style.look():
        figure, (left, right) = two_panels(title)
        left.set_yscale("log")
        draw_layers(left, percent.where(percent != 0, lowest), hollow=percent == 0)
        decades = lowest * 10.0 ** np.arange(max(np.ceil(np.log10(moved.max() / lowest)), 1) + 1)
        left.set_yticks(decades, ["0" if some_still and d == lowest else f"{d:g}" for d in decades])
        if some_still:
            left.axhline(lowest, color=style.PALE, lw=0.8, ls=":")
        left.set(ylabel="change of the weights, % of their length", xlabel="layer")
        left.minorticks_off()
        right.set(ylabel="linear CKA, before and after", xlabel="layer", ylim=(0, 1.04))
        right.axhline(1, color=style.PALE, lw=0.8, ls=":")
        draw_layers(right, cka, hollow=cka.isna())
        name_ends(left)
        name_ends(right)
    return figure


def draw_layers(axes: Axes, table: pd.DataFrame, hollow: pd.DataFrame) -> None:
    """Draw one line a column of the table over its rows."""
    x = np.arange(len(table))
    for method, (colour, marker, _) in style.of(*table.columns).items():
        values, empty = table[method].to_numpy(float), hollow[method].to_numpy()
        axes.plot(x, values, color=colour, lw=1.5, alpha=0.7, label=method)
        for here, face in ((~empty, colour), (empty, "white")):
            axes.plot(x[here], values[here], ls="", marker=marker, ms=7, color=colour, mfc=face)
    axes.set_xticks(x, [str(layer) for layer in table.index], rotation=45 if len(table) > 6 else 0)
    axes.set_xlim(-0.4, len(table) - 0.6)


def filters_before_after(before: Tensor, after: Tensor, *, n: int = 24, title: str = "") -> Figure:
    """Show the n first-layer filters that moved most: before, after, and what lies between, many times enlarged.

    before, after  float [C, 3, k, k]

    A filter is scaled by itself about grey, the same way before and after; the difference is multiplied by one factor
    for all, which stands beside it. Below stands |w' - w| / |w|, by which they are ordered. Raises ValueError if the
    two are not filters of colour pictures, or differ in shape.
    """
    w, v = (tensor.detach().float().cpu() for tensor in (before, after))
    if w.ndim != 4 or w.shape[1] != 3 or w.shape != v.shape:
        raise ValueError(
            f"Filters before and after are both [C, 3, k, k], not {list(w.shape)} and {list(v.shape)}."
        )
    change = ((v - w).flatten(1).norm(dim=1) / w.flatten(1).norm(dim=1).clamp(min=1e-12)).numpy()
    chosen = np.argsort(-change, kind="stable")[:n]
    w, v = w[chosen], v[chosen]
    scale = w.abs().maximum(v.abs()).amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
    w, v = w / scale, v / scale
    factor = enlargement(float((v - w).abs().max()))
    rows = {"before": w, "after": v, f"difference\n× {factor:g}": factor * (v - w)}
    zoom = max(1, 56 // w.shape[-1])
    side, foot = zoom * w.shape[-1] + GAP, 26
    columns, top = min(ACROSS, len(chosen)), HEAD if title else GAP
    band = len(rows) * side + foot
    canvas = pictures.blank(LEFT + columns * side + GAP, top + -(-len(chosen) // columns) * band)
    for r, numbers in enumerate(rows.values()):
        tiles = ((0.5 + 0.5 * numbers).clamp(0, 1).permute(0, 2, 3, 1) * 255).round().byte().numpy()
        for k, tile in enumerate(tiles.repeat(zoom, 1).repeat(zoom, 2)):
            x, y = LEFT + k % columns * side, top + k // columns * band + r * side
            pictures.paste(canvas, tile, x, y)
    figure, axes = pictures.page(canvas, title)
    for start in range(0, len(chosen), columns):
        y = top + start // columns * band
        for r, name in enumerate(rows):
            axes.text(
                LEFT - 10, y + (r + 0.45) * side, name, fontsize=11, ha="right", va="center", color=style.INK
            )
        for k, one in enumerate(change[chosen[start : start + columns]]):
            x = LEFT + k * side + (side - GAP) / 2
            axes.text(x, y + len(rows) * side + 9, f"{one:.1%}", fontsize=9, ha="center", color=style.FAINT)
    return figure


def enlargement(largest: float) -> float:
    """The factor of one leading digit that brings the largest difference near to 1; 1 where nothing differs."""
    if largest == 0:
        return 1.0
    decade = 10.0 ** np.floor(-np.log10(largest))
    return float(decade * np.floor(1 / largest / decade + 1e-9))


def rank_changes(
    images: ImageCollection,
    label: int,
    before: Sequence[int],
    after: Sequence[int],
    *,
    columns: int = 8,
    size: int = 112,
    title: str = "",
) -> Figure:
    """Show the pictures that rose and those that fell most between two rankings of the same pictures for a class.

    images         N pictures
    label          column of the class in `images.labels`, or its number where a picture has one class
    before, after  int [N], the rank of each picture: 1 comes first
    columns        pictures of a row that are shown; none that kept its rank or moved the other way is among them

    What counts is the ratio of the ranks, as average precision weighs the top: 90 → 9 is as much as 900 → 90.

    The frame tells whether a picture shows the class, only as `difficult`, or not; its objects of the class are
    outlined where `images.boxes` are known. Raises ValueError if the ranks are not 1..N.
    """
    n, name = len(images), images.classes[label].replace("_", " ")
    ranks = [np.asarray(rank) for rank in (before, after)]
    for when, rank in zip(("before", "after"), ranks, strict=True):
        if not np.array_equal(np.sort(rank), np.arange(1, n + 1)):
            raise ValueError(f"Ranks {when} of {n} pictures are 1 .. {n}, each once; these are not.")
    rise = np.log(ranks[0] / ranks[1])
    order = np.argsort(-rise, kind="stable")
    rows = {
        f"rose most for “{name}”": order[rise[order] > 0][:columns],
        f"fell most for “{name}”": order[rise[order] < 0][::-1][:columns],
    }
    present = images.labels[:, label] if images.multi_label else (images.labels == label).astype(int)
    h, w = pictures.tile_shape(images, size)
    top, head, foot, key = HEAD if title else GAP, 30, 26, 30
    band = head + h + foot
    canvas = pictures.blank(columns * (w + STEP) + GAP, top + len(rows) * band + key)
    tiles = iter(pictures.thumbnails(images, np.concatenate(list(rows.values())), size))
    places = [
        (STEP // 2 + j * (w + STEP), top + r * band + head, int(i))
        for r, indices in enumerate(rows.values())
        for j, i in enumerate(indices)
    ]
    for x, y, _ in places:
        pictures.paste(canvas, next(tiles), x, y)
    figure, axes = pictures.page(canvas, title)
    for r, row in enumerate(rows):
        axes.text(GAP, top + r * band + 18, row, fontsize=12, weight="bold", color=style.INK)
    for x, y, i in places:
        draw_frame(axes, x, y, w, h, int(present[i]))
        for x0, y0, x1, y1 in boxes_in_tile(images, i, label, (w, h)):
            axes.add_patch(
                Rectangle((x + x0, y + y0), x1 - x0, y1 - y0, fill=False, edgecolor=OUTLINE, lw=1.5)
            )
        text = f"rank {ranks[0][i]:,} → {ranks[1][i]:,}"
        axes.text(x + w / 2, y + h + 18, text, fontsize=10, ha="center", color=style.INK)
    y, x = top + len(rows) * band + 6, GAP
    for kind in [kind for kind in PRESENCE if kind >= 0 or (present == kind).any()]:
        draw_frame(axes, x + 4, y, 12, 12, kind)
        axes.text(x + 24, y + 11, PRESENCE[kind][0], fontsize=10, color=style.INK)
        x += 44 + 8 * len(PRESENCE[kind][0])
    boxed = "; objects of the class are outlined" if images.boxes is not None else ""
    text = f"{n:,} pictures were ranked; most: by the ratio of the ranks{boxed}"
    axes.text(x, y + 11, text, fontsize=10, color=style.FAINT)
    return figure


def draw_frame(axes: Axes, x: float, y: float, w: float, h: float, kind: int) -> None:
    """Frame w x h pixels whose upper left corner is (x, y), by whether the class is there."""
    _, colour, lw = PRESENCE[kind]
    edge = lw * style.DPI / 72 / 2  # half the line, so that the frame lies outside the picture
    frame = Rectangle((x - edge, y - edge), w + 2 * edge, h + 2 * edge, fill=False)
    frame.set(edgecolor=colour, linewidth=lw, joinstyle="miter")
    axes.add_patch(frame)


def boxes_in_tile(images: ImageCollection, i: int, label: int, tile: tuple[int, int]) -> np.ndarray:
    """The boxes of a class in picture i, float [n, 4], in pixels of its thumbnail of (width, height) `tile`.

    A thumbnail is the picture made so small that it just covers the tile, and cut equally on both sides.
    """
    if images.boxes is None:
        return np.empty((0, 4))
    marked = images.boxes[i]
    picture = np.array(images.tensor(i).shape[:0:-1])  # width, height
    scale = (np.array(tile) / picture).max()
    cut = (scale * picture - tile) / 2
    boxes = scale * marked.xyxy[marked.labels == label] - np.tile(cut, 2)
    return boxes.clip(0, np.tile(tile, 2))
