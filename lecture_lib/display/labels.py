"""Names beside marks, where they cover nothing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from scipy.optimize import isotonic_regression

from lecture_lib.display import style

REACHES = (9, 15, 23, 33, 45, 60)  # points from a mark to its name: the nearest that is free
ANGLES = (0, 180, 90, 270, 30, 330, 150, 210, 60, 300, 120, 240)  # degrees: beside it before above it
ROOM = 2  # pixels between two names
LINE = 16  # pixels from one name of a column to the next
ASIDE = 14  # pixels from the axes to a column of names


def place_name(text: Annotation, taken: np.ndarray, *, on: bool = False) -> tuple[np.ndarray, float]:
    """Move a name to the nearest place around its mark that is free; where none is, to the one least covered.

    text   an annotation with an offset in points, in axes that are laid out
    taken  float [n, 4] = (x0, y0, x1, y1) in pixels: boxes that it shall not cover; it shall not leave the axes either
    on     it may also lie upon its mark, which is then the first choice

    Returns the name's own box, float [4], and how many points it lies from its mark.
    """
    reach, angle = np.array([(0, 0)] * on + list(product(REACHES, ANGLES)), dtype=float).T
    offsets = reach[:, None] * np.stack([np.cos(np.radians(angle)), np.sin(np.radians(angle))], 1)
    sides = np.sign(offsets.round(1))  # -1: left of its mark or below it, 0: upon its line, 1: right or above
    bounds = text.get_window_extent()
    side = np.array([bounds.width, bounds.height]) + 2 * ROOM
    middles = text.axes.transData.transform(text.xy) + offsets * style.DPI / 72 + sides * side / 2
    boxes = np.concatenate([middles - side / 2, middles + side / 2], axis=1)
    outside = side.prod() - overlaps(boxes, text.axes.bbox.extents[None])[:, 0]
    covered = (outside + overlaps(boxes, taken).sum(1)).round(3)
    best = covered.argmin()  # the first of several
    horizontal, vertical = sides[best].astype(int)
    text.set_position(offsets[best])
    text.set(ha=("center", "left", "right")[horizontal], va=("center", "bottom", "top")[vertical])
    return boxes[best], reach[best]


def name_ends(figure: Figure, axes: Axes, ends: Mapping[str, tuple[float, float, str]]) -> None:
    """Name lines in a column at the right of their axes, each as near to its end as the others let it.

    ends  name -> (x, y, colour) of the line's end, in data; a thin line joins the two
    """
    if not ends:
        return
    figure.draw_without_rendering()  # lay the axes out: only then are places known in pixels
    x, y, colours = zip(*ends.values(), strict=True)
    heights = axes.transData.transform(np.stack([x, y], 1).astype(float))[:, 1]
    fractions = (spread(heights, LINE) - axes.bbox.y0) / axes.bbox.height
    for name, end, fraction, colour in zip(ends, zip(x, y, strict=True), fractions, colours, strict=True):
        axes.annotate(
            name, end, xytext=(1 + ASIDE / axes.bbox.width, fraction), textcoords="axes fraction", va="center",
            color=colour, fontsize=10, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.7, "alpha": 0.6, "shrinkA": 1, "shrinkB": 4},
        )  # fmt: skip


def spread(places: np.ndarray, gap: float) -> np.ndarray:
    """Move places [n] apart until neighbours have `gap` between them, in their order and as little as can be.

    Least squares under an order is isotonic regression, here of the places without the gaps.
    """
    order = np.argsort(places, kind="stable")
    gaps = gap * np.arange(len(places))
    moved = np.empty(len(places))
    moved[order] = isotonic_regression(np.asarray(places, float)[order] - gaps).x + gaps
    return moved


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The areas that boxes [m, 4] share with others [n, 4]: float [m, n]."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return (high - low).clip(min=0).prod(-1)
