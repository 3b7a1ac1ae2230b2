"""What retrieval looks like: who asks and what counts, matches between two pictures, patches that find each other."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from lecture_lib.chapters.instance_retrieval.truth import Pair
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.images import ArrayImages
from lecture_lib.datasets.retrieval import Query
from lecture_lib.datasets.vectors import NotHere
from lecture_lib.display import style
from lecture_lib.display.pictures import as_pixels, enlarge, thumbnails
from lecture_lib.display.tiles import FRAMED, KEY, Block, Frame, Tile, blank, draw_key, tiles
from lecture_lib.display.tradeoffs import tradeoff
from lecture_lib.encoders.augment import View
from lecture_lib.results import papers

EACH = 3  # pictures of a kind
SIZE, LARGE = 110, 256  # pixels across a picture of a list, and one that is drawn into
BOX = "#e69f00"  # what is asked with
# the kinds are not told apart by colour alone
FRAMES = {
    "good": Frame(style.RIGHT, 4, style.SIGNS[True]),
    "ok": Frame("#56b4e9", 3, "o"),
    "junk, taken out": Frame(style.PALE, 2, "–"),
    "wrong": Frame(style.WRONG, 1.5, style.SIGNS[False]),
}
FAMILIES = {
    "visual words": ("BoW", "Fine vocab"),
    "one vector": ("IFV", "VLAD", "CVLAD"),
    "Hamming codes": ("HE", "AHE"),
    "match kernels": ("ASMK",),
    "boundaries": ("BoB",),
    "CNN": ("CNN", "MAC", "SPoC", "R-MAC", "GeM"),
}


def what_counts(images: ImageCollection, query: Query, others: Sequence[int], *, title: str = "") -> Figure:
    """Show a query with its box, and some of what is good, ok and junk for it, and of other buildings, `others`."""
    kinds = (query.good[query.good != query.picture], query.ok, query.junk, np.array(others))
    blocks = [Block([_shown(images, query.picture, SIZE)], heading="the query")]
    for (name, frame), rows in zip(FRAMES.items(), kinds, strict=True):
        blocks.append(Block([_shown(images, row, SIZE, frame) for row in rows[:EACH]], heading=name))
    figure, axes, corners = tiles(
        [blocks[:3], [Block([Tile(blank(SIZE, 1))]), *blocks[3:]]], title=title, gap=FRAMED
    )
    draw_box(axes, corners[0], scale(images, query.picture, SIZE), query.box)
    return figure


def ranked_lists(
    images: ImageCollection,
    query: Query,
    rankings: Mapping[str, np.ndarray],
    *,
    most: int = 8,
    title: str = "",
) -> Figure:
    """Show what methods rank first, a row a method, in frames that say whether it counts.

    rankings  method -> int64 [N]; pictures that are not at hand are shown by name alone
    """
    rows = []
    for method, order in rankings.items():
        asked = Block([_shown(images, query.picture, SIZE)], label=method)
        shown = [_shown(images, row, SIZE, FRAMES[judged(query, row)]) for row in order[:most].tolist()]
        rows.append([asked, Block(shown)])
    figure, axes, corners = tiles(rows, title=title, left=150, gap=FRAMED, foot=KEY)
    if query.box is not None and not isinstance(images.images, NotHere):
        for corner in corners[:: most + 1]:
            draw_box(axes, corner, scale(images, query.picture, SIZE), query.box)
    draw_key(axes, FRAMES, corners[1][0], figure.bbox.height - KEY + 8)
    return figure


def judged(query: Query, row: int) -> str:
    """What a picture is to a query: a key of FRAMES."""
    kinds = zip(FRAMES, (query.good, query.ok, query.junk), strict=False)
    return next((name for name, rows in kinds if row in rows), "wrong")


def matches(
    images: ImageCollection, query: Query, pairs: Mapping[str, Sequence[Pair]], *, title: str = ""
) -> Figure:
    """Draw matches as lines from the query to pictures: a row of `pairs` by the name of how they were found.

    Green where both ends show the same spot, red where not; the stronger the vote, the stronger the line.
    """
    rows, drawn = [], []
    for name, of in pairs.items():
        row = []
        for k, pair in enumerate(of):
            two = [_shown(images, i, LARGE) for i in (query.picture, pair.picture)]
            known = "" if pair.true is None else f" {pair.true.sum():,} true,"
            text = f"{len(pair.vote):,} matches,{known} votes {pair.vote.sum():,.0f}"
            row.append(Block(two, heading=f"{name}: {text}" if not k else text))
            drawn.append(pair)
        rows.append(row)
    figure, axes, corners = tiles(rows, title=title, gap=0, foot=KEY)
    most = max(pair.vote.max(initial=1e-9) for pair in drawn)
    here = scale(images, query.picture, LARGE)
    for pair, start, end in zip(drawn, corners[::2], corners[1::2], strict=True):
        draw_box(axes, start, here, query.box)
        there = scale(images, pair.picture, LARGE)
        lines = np.stack([start + here * (pair.here + 0.5), end + there * (pair.there + 0.5)], 1)
        kinds = np.zeros(len(lines), int) if pair.true is None else 1 + pair.true
        for kind, colour in enumerate((BOX, style.WRONG, style.RIGHT)):  # true ones on top
            strong = pair.vote[kinds == kind] / most
            shades = mpl.colors.to_rgba_array(colour).repeat(len(strong), 0)
            shades[:, 3] = 0.25 + 0.7 * strong
            axes.add_collection(
                LineCollection(lines[kinds == kind], colors=shades, linewidths=0.4 + 1.2 * strong)
            )
    names = {"the same spot": style.RIGHT, "another": style.WRONG}
    if drawn[0].true is None:
        names = {"nobody knows which are true": BOX}
    handles = [Line2D([], [], color=colour, label=name) for name, colour in names.items()]
    axes.legend(handles=handles, loc="lower left", ncols=2, bbox_to_anchor=(0, 0), borderaxespad=0.2)
    return figure


def patches_that_meet(
    images: ImageCollection,
    query: Query,
    found: Mapping[int, Sequence[tuple[View, View]]],
    *,
    title: str = "",
) -> Figure:
    """Draw patches of the query beside those of pictures that are nearest to them, in one colour and with one number.

    found  row of a picture -> pairs of a patch of the query's box and one of the picture
    """
    blocks = [
        Block([_shown(images, query.picture, LARGE), _shown(images, row, LARGE)], heading=judged(query, row))
        for row in found
    ]
    figure, axes, corners = tiles([blocks], title=title, gap=FRAMED)
    here = scale(images, query.picture, LARGE)
    for (row, pairs), start, end in zip(found.items(), corners[::2], corners[1::2], strict=True):
        draw_box(axes, start, here, query.box)
        height, width = images.tensor(row).shape[1:]
        ends = (start, 0, query.box, here), (end, 1, (0, 0, width, height), scale(images, row, LARGE))
        for corner, side, within, times in ends:
            for view in dict.fromkeys(pair[side] for pair in pairs):
                numbers = [k for k, pair in enumerate(pairs) if pair[side] == view]
                draw_numbers(axes, corner, times, within_box(view, within), numbers)
    return figure


def draw_numbers(
    axes: Axes, corner: tuple[int, int], times: float, box: Sequence[float], numbers: Sequence[int]
) -> None:
    """Draw a box, as `draw_box` does, with numbers in its corner, in the colour of the first."""
    colour = mpl.colormaps["tab10"](numbers[0])
    draw_box(axes, corner, times, box, colour)
    at = corner[0] + times * box[0] + 5, corner[1] + times * box[1] + 15
    look = {"color": "white", "fontsize": 9, "weight": "bold"}
    text = " ".join(str(k + 1) for k in numbers)
    axes.text(*at, text, bbox={"facecolor": colour, "edgecolor": "none", "pad": 1.5}, **look)


def within_box(view: View, box: Sequence[float]) -> tuple[float, float, float, float]:
    """Where a view of a box x0, y0, x1, y1 lies: the same four numbers."""
    x0, y0, x1, y1 = box
    wide, high = view.side * (x1 - x0), view.side * (y1 - y0)
    across, down = view.at
    left, top = x0 + across * (x1 - x0 - wide), y0 + down * (y1 - y0 - high)
    return left, top, left + wide, top + high


def draw_box(axes: Axes, corner: tuple[int, int], times: float, box: Sequence[float], colour=BOX) -> None:
    """Draw a box, in pixels of a picture that is shown `times` as large with its upper left corner at `corner`."""
    x0, y0, x1, y1 = times * np.asarray(box)
    at = corner[0] + x0, corner[1] + y0
    axes.add_patch(Rectangle(at, x1 - x0, y1 - y0, fill=False, edgecolor=colour, linewidth=2))


def scale(images: ImageCollection, row: int, size: int) -> float:
    """How much larger a picture is shown than it is, if its longer side is shown at `size` pixels."""
    return size / max(images.tensor(row).shape[1:])


def _shown(images: ImageCollection, row: int, size: int, frame: Frame | None = None) -> Tile:
    if isinstance(images.images, NotHere):
        return Tile(blank(size, size // 3), images.names[row], frame)
    if isinstance(images.images, ArrayImages):
        return Tile(thumbnails(images, [row], size)[0], frame=frame)
    return Tile(enlarge(as_pixels(images.tensor(row)), size), frame=frame)


def costs(rows: pd.DataFrame, cost: str, *, paper: bool = False, title: str = "") -> Figure:
    """Plot mAP against what a method costs; those of the lecture's table are named.

    rows   of a record: method, value, and a column `cost`, "bytes" a picture or "seconds" a query
    paper  draws the lecture's numbers on Oxford5k, too, at four bytes a number
    """
    printed = papers.table("offtheshelf/retrieval")
    table = rows.assign(x=rows[cost], name=rows.method.where(rows.method.isin(printed.index), ""))
    theirs = pd.DataFrame(
        {"name": printed.index, "x": 4 * pd.to_numeric(printed["Dim"]), "value": printed["Oxford5k"]}
    )
    table, theirs = (of.assign(family=[family(name) for name in names]) for of, names in (
        (table, table.method), (theirs, theirs.name)))  # fmt: skip
    labels = {"bytes": "memory a picture, bytes", "seconds": "time of a core a query, seconds"}
    return tradeoff(table, theirs if paper else None, xlabel=labels[cost], ylabel="mAP, %", title=title)


def family(method: str) -> str:
    """What a method is akin to."""
    return next(name for name, starts in FAMILIES.items() if method.startswith(starts))
