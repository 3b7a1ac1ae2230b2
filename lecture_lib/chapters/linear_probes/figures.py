"""What linear classifiers get right and wrong: by their C, class by class, picture by picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from lecture_lib.datasets import ImageCollection
from lecture_lib.display import style
from lecture_lib.display.curves import draw_lines, new_plot, series
from lecture_lib.display.labels import name_ends
from lecture_lib.display.pictures import classes_of, thumbnails
from lecture_lib.display.tiles import FRAMED, Block, Frame, Tile, blank, tiles

NAMED = 25  # classes; the names of more do not fit beside a confusion matrix
NARROWEST = 0.018  # of the side of a confusion matrix: a group that is smaller has no room for its name
SIZE = 72  # pixels across a picture
ARROW = 120  # pixels between the two sides of a confusion

Ranking = tuple[np.ndarray, np.ndarray, np.ndarray]  # int [n] pictures, float [n] scores, bool [n] right
# true class, the class it was taken for, how often, int [n] such pictures, int [n] pictures of the latter class
Confusion = tuple[str, str, int, np.ndarray, np.ndarray]


def penalty_curves(table: pd.DataFrame, *, ylabel: str, title: str = "") -> Figure:
    """Plot a number against C, the weight of the training errors in an SVM's objective, one line a name.

    table   columns `name`, `C`, `value`, `low`, `high`

    NaN leaves a gap. Raises ValueError as `learning_curves`.
    """
    lines = series(table, "C")
    with style.look():
        figure, axes = new_plot(ylabel, title)
        draw_lines(axes, lines, "C")
        Cs = np.unique(table["C"].astype(float))
        axes.set_xticks(Cs, [f"{float(f'{C:.2g}'):g}" for C in Cs])
        axes.set_xlabel("C (logarithmic): to the left small weights, to the right few training errors")
        name_ends(axes)
    return figure


def confusion(
    matrix: np.ndarray, classes: Sequence[str], groups: Sequence[str], *, title: str = ""
) -> Figure:
    """Show what was taken for what: one row a true class, in shades of the share of its pictures.

    matrix   [C, C] counts or shares: rows true, columns predicted, as of `metrics.confusion_matrix`; each row is
             divided by its sum, and left grey where that is zero
    classes  C names, written out if there are at most 25
    groups   C names: classes of a group are put together, in the order of their first class, and named on the sides

    The shades rise with the square root of the share, so that a few per cent can still be seen.
    """
    matrix, n = np.asarray(matrix, dtype=float), len(classes)
    order = sorted(range(n), key=lambda i: groups.index(groups[i]))
    total = matrix.sum(1, keepdims=True)
    shares = np.divide(matrix, total, out=np.full_like(matrix, np.nan), where=total > 0)[np.ix_(order, order)]
    with style.look():
        figure = style.new_figure(8.6, 7.4, layout="constrained")
        axes = figure.add_subplot(facecolor="#dddddd")
        shade = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), interpolation="none")
        axes.set(xticks=[], yticks=[], xlabel="taken for", ylabel="true class")
        axes.set_title(title, fontsize=14)
        mark_groups(axes, [groups[i] for i in order], named=n > NAMED)
        if n <= NAMED:
            names = [classes[i].replace("_", " ") for i in order]
            axes.set_xticks(range(n), names, rotation=90, fontsize=10)
            axes.set_yticks(range(n), names, fontsize=10)
        axes.tick_params(length=0, pad=8)
        ticks = [0, 0.02, 0.1, 0.25, 0.5, 1]
        bar = figure.colorbar(shade, ax=axes, shrink=0.6, aspect=30, ticks=ticks)
        bar.ax.set_yticklabels([f"{t:.0%}" for t in ticks])
        bar.set_label("of the true class's pictures")
        bar.outline.set_visible(False)
    return figure


def mark_groups(axes: Axes, groups: Sequence[str], *, named: bool) -> None:
    """Part the groups of a confusion matrix by lines, with a strip of their colours and, if `named`, their names."""
    n, looks = len(groups), style.looks(groups)
    starts = [i for i in range(n) if i == 0 or groups[i] != groups[i - 1]]
    stops = [*starts[1:], n]
    for start, stop in zip(starts, stops, strict=True):
        if start:
            axes.axhline(start - 0.5, color=style.PALE, lw=0.6)
            axes.axvline(start - 0.5, color=style.PALE, lw=0.6)
        size, colour = stop - start, looks[groups[start]][0]
        strip = {"color": colour, "lw": 0, "clip_on": False}
        axes.add_patch(Rectangle((-0.5 - 0.012 * n, start - 0.5), 0.012 * n, size, **strip))
        axes.add_patch(Rectangle((start - 0.5, n - 0.5), size, 0.012 * n, **strip))
    if named:
        roomy = [(a, b) for a, b in zip(starts, stops, strict=True) if b - a >= NARROWEST * n]
        middles, names = [(a + b - 1) / 2 for a, b in roomy], [groups[a].partition(",")[0] for a, _ in roomy]
        axes.set_xticks(middles, names, rotation=90, fontsize=10)
        axes.set_yticks(middles, names, fontsize=10)


def ranked(images: ImageCollection, rows: Mapping[str, Ranking], *, title: str = "") -> Figure:
    """Show pictures in the order of their scores, one line a label: green and ✓ where right, red and ✗ where wrong.

    rows  label -> (indices [n] into `images`, scores [n], right [n] bool), first to last

    Each picture's score stands below it, and below a wrong one what it shows. Raises ValueError if a line's three
    arrays differ in length.
    """
    for label, arrays in rows.items():
        if len({np.shape(array) for array in arrays}) != 1:
            shapes = ", ".join(str(list(np.shape(array))) for array in arrays)
            raise ValueError(f"{label}: pictures, scores and right must be of one length, not {shapes}.")
    drawn = iter(thumbnails(images, [i for indices, _, _ in rows.values() for i in indices], SIZE))
    page = []
    for label, (indices, scores, right) in rows.items():
        shown = [
            Tile(next(drawn), f"{score:.2f}", frame_of(good), "" if good else what_is(images, i))
            for i, score, good in zip(indices, scores, right, strict=True)
        ]
        page.append([Block(shown, heading=label)])
    return tiles(page, title=title, gap=FRAMED, size=8.5).figure


def frame_of(right: bool) -> Frame:
    """The frame of a picture that a classifier called by its name, or by another."""
    return Frame(style.RIGHT if right else style.WRONG, 3, style.SIGNS[bool(right)])


def what_is(images: ImageCollection, i: int) -> str:
    """The name of picture i's class; several with commas; "" where it has none."""
    return ", ".join(images.classes[c].replace("_", " ") for c in classes_of(images, i))


def confusions(images: ImageCollection, pairs: Sequence[Confusion], *, title: str = "") -> Figure:
    """Show what was taken for what, one line a pair: the misclassified pictures → pictures of what they were called.

    pairs  (true class, the class it was taken for, how often, indices of such pictures, indices of typical pictures
           of the class it was taken for)
    """
    every = [i for *_, wrong, typical in pairs for i in (*wrong, *typical)]
    drawn = iter(thumbnails(images, every, SIZE, square=True))
    left, right = (max((len(pair[side]) for pair in pairs), default=1) for side in (3, 4))
    nothing = Tile(blank(SIZE, SIZE))  # fills a line, so that the arrows stand below one another
    rows = []
    for true, taken, _, wrong, typical in pairs:
        sides = ([Tile(next(drawn)) for _ in indices] for indices in (wrong, typical))
        rows.append(
            [
                Block([*shown, *[nothing] * (n - len(shown))], heading=name)
                for shown, n, name in zip(sides, (left, right), (true, taken), strict=True)
            ]
        )
    figure, axes, corners = tiles(rows, title=title, between=ARROW)
    for (_, _, count, *_), (x, y) in zip(pairs, corners[left :: left + right], strict=True):
        ends = (x - ARROW + 14, y + SIZE / 2), (x - 18, y + SIZE / 2)
        axes.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=16, lw=1.8, color=style.WRONG))
        times = "once" if count == 1 else f"{count} times"
        axes.text(x - ARROW / 2 - 2, y + SIZE / 2 - 10, times, fontsize=10, ha="center", color=style.INK)
    return figure
