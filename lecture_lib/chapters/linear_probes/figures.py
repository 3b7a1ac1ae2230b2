"""What linear classifiers get right and wrong: by their C, class by class, picture by picture."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from lecture_lib.datasets import ImageCollection
from lecture_lib.display import style
from lecture_lib.display.labels import name_ends
from lecture_lib.display.pictures import classes_of, thumbnails
from lecture_lib.display.tiles import FRAMED, Block, Frame, Tile, blank, tiles
from lecture_lib.metrics import confusion_matrix

NAMED = 25  # classes; the names of more do not fit beside a confusion matrix
NARROWEST = 0.018  # of the side of a confusion matrix: a group that is smaller has no room for its name
SIZE = 72  # pixels across a picture
PAIRS, SHOWN = 5, 5  # confusions, and pictures on each side of one
ARROW = 120  # pixels between the two sides of a confusion

# of a picture that a classifier called by its name, or by another
FRAMES = {True: Frame(style.RIGHT, 3, style.SIGNS[True]), False: Frame(style.WRONG, 3, style.SIGNS[False])}


class Ranking(NamedTuple):
    """Pictures from first to last: indices [n], scores [n], whether each is right, and as what class each was called.

    called  int [n], or None where the name of the ranking says it
    """

    indices: np.ndarray
    scores: np.ndarray
    right: np.ndarray
    called: np.ndarray | None = None


def penalty_curves(table: pd.DataFrame, *, ylabel: str, title: str = "") -> Figure:
    """Plot a number against C, the weight of the training errors in an SVM's objective: a row a C, a column a line."""
    with style.look():
        figure, axes = style.new_axes(8.5, 4.6, title, grid="y", xscale="log", ylabel=ylabel)
        for name, (colour, marker, _) in style.of(*table.columns).items():
            axes.plot(table.index, table[name], color=colour, marker=marker, ms=6, lw=1.8, label=name)
        axes.minorticks_off()
        axes.set_xticks(table.index, [f"{float(f'{C:.2g}'):g}" for C in table.index])
        axes.set_xlabel("C (logarithmic): to the left small weights, to the right few training errors")
        name_ends(axes)
    return figure


def confusion(
    matrix: np.ndarray, classes: Sequence[str], groups: Sequence[str] = (), *, title: str = ""
) -> Figure:
    """Show what was taken for what: one row a true class, in shades of the share of its pictures.

    matrix   [C, C] counts or shares: rows true, columns predicted, as of `metrics.confusion_matrix`; each row is
             divided by its sum, and left grey where that is zero
    classes  C names, written out if there are at most 25
    groups   C names: classes of a group are put together, in the order of their first class; their names stand on the
             sides where those of the classes do not. What is not named is counted below

    The shades rise with the square root of the share, so that a few per cent can still be seen.
    """
    matrix, n = np.asarray(matrix, dtype=float), len(classes)
    groups = groups or [""] * n
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
            names = [style.short(classes[i]) for i in order]
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
    """Part the groups of a confusion matrix by lines, with a strip of their colours.

    named  write the names of the groups, and how many names there was no room for
    """
    n, looks = len(groups), style.looks(groups)
    edges = [i for i in range(n + 1) if i in (0, n) or groups[i] != groups[i - 1]]
    for start, stop in pairwise(edges):
        if start:
            axes.axhline(start - 0.5, color=style.PALE, lw=0.6)
            axes.axvline(start - 0.5, color=style.PALE, lw=0.6)
        size, colour = stop - start, looks[groups[start]][0]
        strip = {"color": colour, "lw": 0, "clip_on": False}
        axes.add_patch(Rectangle((-0.5 - 0.012 * n, start - 0.5), 0.012 * n, size, **strip))
        axes.add_patch(Rectangle((start - 0.5, n - 0.5), size, 0.012 * n, **strip))
    if named:
        roomy = [(a, b) for a, b in pairwise(edges) if b - a >= NARROWEST * n]
        middles, names = [(a + b - 1) / 2 for a, b in roomy], [groups[a].partition(",")[0] for a, _ in roomy]
        axes.set_xticks(middles, names, rotation=90, fontsize=10)
        axes.set_yticks(middles, names, fontsize=10)
        small = len(edges) - 1 - len(roomy)
        axes.set_xlabel(
            f"taken for ({n} classes, too many to be named"
            + f"; {small} of the groups too small" * (small > 0)
            + ")"
        )


def ranked(images: ImageCollection, rows: Mapping[str, Ranking], *, title: str = "") -> Figure:
    """Show pictures in the order of their scores, one line a label: green and ✓ where right, red and ✗ where wrong.

    Each picture's score stands below it, and below a wrong one what it shows, and → what it was called.
    """
    drawn = iter(thumbnails(images, [i for row in rows.values() for i in row.indices], SIZE))
    page = []
    for label, row in rows.items():
        shown = []
        for n, (i, score, good) in enumerate(zip(row.indices, row.scores, row.right, strict=True)):
            names = [] if good else [what_is(images, i)]
            if not good and row.called is not None:
                names.append(f"→ {images.classes[row.called[n]]}")
            *above, note = names or [""]
            caption = "\n".join([f"{score:.2f}", *above])
            shown.append(Tile(next(drawn), caption, FRAMES[bool(good)], note))
        page.append([Block(shown, heading=label)])
    return tiles(page, title=title, gap=FRAMED, size=8.5).figure


def what_is(images: ImageCollection, i: int) -> str:
    """The name of picture i's class; several with commas; "" where it has none."""
    return ", ".join(images.classes[c] for c in classes_of(images, i))


def confusions(
    images: ImageCollection,
    train: np.ndarray,
    test: np.ndarray,
    predicted: np.ndarray,
    *,
    title: str = "",
) -> Figure:
    """Show the five most frequent confusions, a line each: the misclassified → pictures of what they were called.

    train, test  indices into `images`, of one label each: typical pictures of a class are training pictures
    predicted    int [len(test)]: what each test picture was called
    """
    labels, size = images.labels, len(images.classes)
    matrix = confusion_matrix(predicted, labels[test], size)
    np.fill_diagonal(matrix, 0)
    cells = np.argsort(-matrix, axis=None, kind="stable")[:PAIRS]
    pairs = [divmod(int(cell), size) for cell in cells if matrix.flat[cell]]
    rows = []
    for true, taken in pairs:
        wrong = test[(labels[test] == true) & (predicted == taken)]
        sides = {true: wrong[:SHOWN], taken: train[labels[train] == taken][:SHOWN]}
        rows.append([filled(images, of, images.classes[c]) for c, of in sides.items()])
    figure, axes, corners = tiles(rows, title=title, between=ARROW)
    for pair, (x, y) in zip(pairs, corners[SHOWN :: 2 * SHOWN], strict=True):
        ends = (x - ARROW + 14, y + SIZE / 2), (x - 18, y + SIZE / 2)
        axes.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=16, lw=1.8, color=style.WRONG))
        times = "once" if matrix[pair] == 1 else f"{matrix[pair]} times"
        axes.text(x - ARROW / 2 - 2, y + SIZE / 2 - 10, times, fontsize=10, ha="center", color=style.INK)
    return figure


def filled(images: ImageCollection, indices: np.ndarray, heading: str) -> Block:
    """One side of a confusion: at most SHOWN pictures, and white ones behind them, so that arrows are in a column."""
    shown = [Tile(picture) for picture in thumbnails(images, indices, SIZE, square=True)]
    return Block([*shown, *[Tile(blank(SIZE, SIZE))] * (SHOWN - len(shown))], heading=heading)
