"""What fine-tuning changed: the weights of layers, filters, and the ranks of pictures."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.stats import rankdata
from torch import Tensor

from lecture_lib.chapters.fine_tuning.figures import two_panels
from lecture_lib.datasets import ImageCollection
from lecture_lib.display import pictures, style
from lecture_lib.display.tiles import FRAMED, GAP, KEY, Block, Frame, Tile, draw_key, tiles

LEFT = 104  # pixels of the names of rows
SIDE, THUMBNAIL = 84, 112  # pixels of a filter, of a picture
SHOWN = 8  # filters, or pictures, of a row
PRESENCE = {1: Frame(style.RIGHT, 4), -1: Frame("#f0a500", 3), 0: Frame(style.PALE, 2)}
NAMES = {1: "present", -1: "difficult", 0: "absent"}
OUTLINE = "#ffe600"


def layer_changes(change: pd.Series, cka: pd.Series, *, title: str = "") -> Figure:
    """Plot how far fine-tuning changed each layer: its weights on the left, what it says of pictures on the right.

    change  of each layer with weights, in the network's order: |w' - w| / |w|, 0 or more
    cka     of each layer: linear CKA of its output before and after (0..1)

    Bars have their numbers. On the right they hang from 1, nothing changed, down to the CKA.
    """
    percent = 100 * change
    with style.look():
        figure, (left, right) = two_panels(title)
        colour = style.of("TUNE-CLS")["TUNE-CLS"].colour
        bars = left.bar(percent.index, percent, 0.6, color=colour)
        left.bar_label(bars, [f"{value:.1f}" for value in percent], padding=2, fontsize=10)
        left.set(ylabel="change of the weights, % of their length", ylim=(0, 1.1 * percent.max() or 1))
        hanging = right.bar(cka.index, cka - 1, 0.6, bottom=1, color=colour)
        right.bar_label(hanging, [f"{value:.2f}" for value in cka], padding=2, fontsize=10)
        right.set(ylabel="linear CKA, before and after", ylim=(1 - 1.15 * max(1 - cka.min(), 0.05), 1))
        right.xaxis.tick_top()
        right.tick_params(axis="x", rotation=45)
    return figure


def filters_before_after(before: Tensor, after: Tensor, *, title: str = "") -> Figure:
    """Show the first-layer filters that changed most: before, after, and the difference, many times enlarged.

    before, after  float [C, 3, k, k]

    A filter is scaled by itself about grey, the same way before and after; the difference is multiplied by one factor
    for all, which stands beside it. Below stands |w' - w| / |w|, by which they are ordered.
    """
    w, v = (tensor.detach().float().cpu() for tensor in (before, after))
    change = ((v - w).flatten(1).norm(dim=1) / w.flatten(1).norm(dim=1).clamp(min=1e-12)).numpy()
    chosen = np.argsort(-change, kind="stable")[:SHOWN]
    w, v = w[chosen], v[chosen]
    scale = w.abs().maximum(v.abs()).amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
    w, v = w / scale, v / scale
    factor = enlargement(float((v - w).abs().max()))
    none, percent = [""] * len(chosen), [f"{one:.1%}" for one in change[chosen]]
    rows = []
    for name, numbers, below in (
        ("before", w, none), ("after", v, none), (f"difference\n× {factor:g}", factor * (v - w), percent),
    ):  # fmt: skip
        drawn = pictures.filter_tiles(numbers, SIDE)
        rows.append([Block([Tile(*one) for one in zip(drawn, below, strict=True)], label=name)])
    return tiles(rows, title=title, left=LEFT, size=10).figure


def enlargement(largest: float) -> float:
    """The factor of one leading digit that brings the largest difference near to 1; 1 where nothing differs."""
    if largest == 0:
        return 1.0
    decade = 10.0 ** np.floor(-np.log10(largest))
    return float(decade * np.floor(1 / largest / decade + 1e-9))


def rank_changes(images: ImageCollection, label: int, before: np.ndarray, after: np.ndarray) -> Figure:
    """Show the pictures that rose and those that fell most from one ranking for a class to another.

    images         N pictures
    label          column of the class in `images.labels`, or its number where a picture has one class
    before, after  float [N, C], scores of the pictures

    None that kept its rank or went the other way is shown. What counts is the ratio of the ranks, as average precision
    weighs the top: 90 → 9 is as much as 900 → 90.

    The frame tells whether a picture shows the class, only as `difficult`, or not; its objects of the class are
    outlined where `images.boxes` are known.
    """
    n, name = len(images), style.short(images.classes[label])
    ranks = rankdata([-before[:, label], -after[:, label]], "ordinal", axis=1)
    rise = np.log(ranks[0] / ranks[1])
    order = np.argsort(-rise, kind="stable")
    rows = {
        f"rose most for “{name}”": order[rise[order] > 0][:SHOWN],
        f"fell most for “{name}”": order[rise[order] < 0][::-1][:SHOWN],
    }
    present = images.labels[:, label] if images.multi_label else (images.labels == label).astype(int)
    shown = np.concatenate(list(rows.values()))
    drawn = iter(pictures.thumbnails(images, shown, THUMBNAIL))
    page = []
    for heading, line in rows.items():
        shown_as = [(f"rank {ranks[0, i]:,} → {ranks[1, i]:,}", PRESENCE[int(present[i])]) for i in line]
        page.append([Block([Tile(next(drawn), *look) for look in shown_as], heading=heading)])
    figure, axes, corners = tiles(page, gap=FRAMED, foot=KEY, size=10)
    for i, (x, y) in zip(shown, corners, strict=True):
        for x0, y0, x1, y1 in boxes_in_tile(images, i, label, pictures.tile_shape(images, THUMBNAIL)[::-1]):
            outline = Rectangle((x + x0, y + y0), x1 - x0, y1 - y0, fill=False, edgecolor=OUTLINE, lw=1.5)
            axes.add_patch(outline)
    frames = {NAMES[kind]: frame for kind, frame in PRESENCE.items() if kind >= 0 or (present == kind).any()}
    y = figure.bbox.height - KEY + 8
    x = draw_key(axes, frames, GAP, y)
    boxed = "; objects of the class are outlined" if images.boxes is not None else ""
    text = f"{n:,} pictures were ranked; most: by the ratio of the ranks{boxed}"
    axes.text(x, y + 11, text, fontsize=10, color=style.FAINT)
    return figure


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
