"""Names beside marks, where they cover nothing."""

import re
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from scipy.optimize import isotonic_regression

from lecture_lib.datasets.collection import overlaps
from lecture_lib.display import style

REACHES = (9, 15, 23, 33, 45, 60)  # points from a mark to its name: the nearest that is free
ANGLES = (0, 180, 90, 270, 30, 330, 150, 210, 60, 300, 120, 240)  # degrees: beside it before above it
ROOM = 2  # pixels between two names
LINE = 16  # pixels from one name of a column to the next
ASIDE = 14  # pixels from the axes to a column of names
UNNAMED = re.compile(r"_child\d+$")  # what matplotlib calls a line without a label


def place_name(text: Annotation, taken: np.ndarray) -> np.ndarray:
    """Move a name to the nearest place around its mark that is free; where none is, to the one least covered.

    text   an annotation with an offset in points, in axes that are laid out
    taken  float [n, 4] = (x0, y0, x1, y1) in pixels: boxes that it shall not cover; it shall not leave the axes either

    Returns the name's own box, float [4].
    """
    reach, angle = np.array(list(product(REACHES, ANGLES)), dtype=float).T
    offsets = reach[:, None] * np.stack([np.cos(np.radians(angle)), np.sin(np.radians(angle))], 1)
    sides = np.sign(offsets.round(1))  # -1: left of its mark or below it, 0: upon its line, 1: right or above
    bounds = Text.get_window_extent(text)  # without its arrow
    side = np.array([bounds.width, bounds.height]) + 2 * ROOM
    middles = text.axes.transData.transform(text.xy) + offsets * style.DPI / 72 + sides * side / 2
    boxes = np.concatenate([middles - side / 2, middles + side / 2], axis=1)
    outside = side.prod() - overlaps(boxes, text.axes.bbox.extents[None])[:, 0]
    covered = (outside + overlaps(boxes, taken).sum(1)).round(3)
    best = covered.argmin()  # the first of several
    horizontal, vertical = sides[best].astype(int)
    text.set_position(offsets[best])
    text.set(ha=("center", "left", "right")[horizontal], va=("center", "bottom", "top")[vertical])
    return boxes[best]


def name_ends(axes: Axes) -> None:
    """Name the lines of axes that have a label in a column at their right, each as near to its line's end as can be.

    A name has the colour of its line, and a thin line joins the two. Lines without a number are left out.
    """
    axes.figure.draw_without_rendering()  # lay the axes out: only then are places known in pixels
    lines = [line for line in axes.lines if not UNNAMED.match(line.get_label())]
    ends = {
        line: points[-1] for line in lines if len(points := line.get_xydata()[np.isfinite(line.get_ydata())])
    }
    if not ends:
        return
    places = np.array([line.get_transform().transform(end) for line, end in ends.items()])
    fractions = (spread(places[:, 1], LINE) - axes.bbox.y0) / axes.bbox.height
    thin = {"arrowstyle": "-", "lw": 0.7, "alpha": 0.6, "shrinkA": 1, "shrinkB": 4}
    for line, place, fraction in zip(ends, places, fractions, strict=True):
        axes.annotate(
            style.short(line.get_label()), axes.transData.inverted().transform(place), va="center", fontsize=10,
            xytext=(1 + ASIDE / axes.bbox.width, fraction), textcoords="axes fraction",
            color=line.get_color(), annotation_clip=False,
            arrowprops=thin | {"color": line.get_color()},
        )  # fmt: skip


def spread(places: np.ndarray, gap: float) -> np.ndarray:
    """Move places [n] apart until neighbours have `gap` between them, in their order and as little as can be.

    Least squares under an order is isotonic regression, here of the places without the gaps.
    """
    order = np.argsort(places, kind="stable")
    gaps = gap * np.arange(len(places))
    apart = np.empty(len(places))
    apart[order] = isotonic_regression(np.asarray(places, float)[order] - gaps).x + gaps
    return apart
