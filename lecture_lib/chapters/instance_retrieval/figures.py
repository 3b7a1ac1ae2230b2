"""What retrieval looks like: who asks and what counts, matches between two pictures, patches that find each other."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from lecture_lib.chapters.instance_retrieval.truth import Pair
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.images import ArrayImages
from lecture_lib.datasets.retrieval import Query
from lecture_lib.display import style
from lecture_lib.display.pictures import thumbnails
from lecture_lib.display.tiles import FRAMED, KEY, Block, Frame, Tile, blank, draw_key, tiles
from lecture_lib.encoders.augment import View

SIZE, LARGE = 110, 256  # pixels across a picture of a list, and one that is drawn into
BOX = "#e69f00"  # what is asked with
# the kinds are not told apart by colour alone
FRAMES = {
    "good": Frame(style.RIGHT, 4, style.SIGNS[True]),
    "ok": Frame("#56b4e9", 3, "o"),
    "junk, taken out": Frame(style.PALE, 2, "–"),
    "wrong": Frame(style.WRONG, 1.5, style.SIGNS[False]),
}


def what_counts(
    images: ImageCollection, query: Query, others: Sequence[int], *, each: int = 3, title: str = ""
) -> Figure:
    """Show a query with its box, and some of what is good, ok and junk for it, and of other buildings, `others`."""
    kinds = (query.good[query.good != query.picture], query.ok, query.junk, np.array(others))
    blocks = [Block([_shown(images, query.picture, SIZE)], heading="the query")]
    for (name, frame), rows in zip(FRAMES.items(), kinds, strict=True):
        blocks.append(Block([_shown(images, row, SIZE, frame) for row in rows[:each]], heading=name))
    figure, axes, corners = tiles(
        [blocks[:3], [Block([Tile(blank(SIZE, 1))]), *blocks[3:]]], title=title, gap=FRAMED
    )
    draw_box(axes, corners[0], SIZE / images.tensor(query.picture).shape[2], query.box)
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
    if isinstance(images.images, ArrayImages) and query.box is not None:
        for corner in corners[:: most + 1]:
            draw_box(axes, corner, SIZE / images.tensor(query.picture).shape[2], query.box)
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
            text = f"{len(pair.true):,} matches, {pair.true.sum():,} of them true"
            row.append(Block(two, heading=f"{name}: {text}" if not k else text))
            drawn.append(pair)
        rows.append(row)
    figure, axes, corners = tiles(rows, title=title, gap=0, foot=KEY)
    times, most = (
        LARGE / images.tensor(query.picture).shape[2],
        max(pair.vote.max(initial=0) for pair in drawn),
    )
    for pair, start, end in zip(drawn, corners[::2], corners[1::2], strict=True):
        draw_box(axes, start, times, query.box)
        lines = np.stack([np.array(at) + times * of for at, of in ((start, pair.here), (end, pair.there))], 1)
        strong = pair.vote / max(most, 1e-9)
        for kind, colour in ((False, style.WRONG), (True, style.RIGHT)):
            of = pair.true == kind
            look = {"colors": colour, "linewidths": 0.4 + 1.2 * strong[of], "alpha": 0.25 + 0.6 * strong[of]}
            axes.add_collection(LineCollection(lines[of], **look))
    names = {"the same spot": style.RIGHT, "another": style.WRONG}
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
    height, width = np.array(images.tensor(query.picture).shape[1:])
    whole, times = np.array([0, 0, width, height]), LARGE / width
    for pairs, start, end in zip(found.values(), corners[::2], corners[1::2], strict=True):
        draw_box(axes, start, times, query.box)
        for k, (asked, nearest) in enumerate(pairs):
            colour = mpl.colormaps["tab10"](k)
            for corner, view, within in ((start, asked, query.box), (end, nearest, whole)):
                x0, y0, x1, y1 = within_box(view, within)
                draw_box(axes, corner, times, (x0, y0, x1, y1), colour)
                at = corner[0] + times * x0 + 4, corner[1] + times * y0 + 14
                axes.text(
                    *at,
                    str(k + 1),
                    color="white",
                    fontsize=9,
                    weight="bold",
                    bbox={"fc": colour, "ec": "none", "pad": 1},
                )
    return figure


def within_box(view: View, box: Sequence[float]) -> tuple[float, float, float, float]:
    """Where a view of a box x0, y0, x1, y1 lies: the same four numbers."""
    x0, y0, x1, y1 = box
    wide, high = view.side * (x1 - x0), view.side * (y1 - y0)
    left, top = x0 + view.at[0] * (x1 - x0 - wide), y0 + view.at[1] * (y1 - y0 - high)
    return left, top, left + wide, top + high


def draw_box(axes: Axes, corner: tuple[int, int], times: float, box: Sequence[float], colour=BOX) -> None:
    """Draw a box, in pixels of a picture that is shown `times` as large with its upper left corner at `corner`."""
    x0, y0, x1, y1 = times * np.asarray(box)
    at = corner[0] + x0, corner[1] + y0
    axes.add_patch(Rectangle(at, x1 - x0, y1 - y0, fill=False, edgecolor=colour, linewidth=2))


def _shown(images: ImageCollection, row: int, size: int, frame: Frame | None = None) -> Tile:
    if isinstance(images.images, ArrayImages):
        return Tile(thumbnails(images, [row], size)[0], frame=frame)
    return Tile(blank(size, size // 3), images.names[row], frame)
