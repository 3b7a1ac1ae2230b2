"""Pictures with captions on a page: one layout for contact sheets, neighbours, rankings, views, patches and filters.

A page is one figure in units of pixels, so that no picture is resampled on its way to the screen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from lecture_lib.display import style

GAP = 6  # pixels between pictures
FRAMED = 14  # pixels between framed pictures
BETWEEN = 22  # pixels between blocks of them
HEAD = 36  # pixels of the title
HEADING = 27  # pixels of the name of a block
NARROWEST, WIDEST = 320, 1100  # pixels of a page: at least, so that headings fit; at most, for a long title
KEY = 30  # pixels of a key below the pictures
LETTER = 0.72  # pixels of a letter, for each point of its size
SMALLEST = 7.5  # points of a caption that needs room
LINE = 1.6  # pixels of a line of text, likewise


class Frame(NamedTuple):
    """A frame around a picture: its colour, its width in points, and a sign in its corner."""

    colour: str
    points: float
    sign: str = ""


@dataclass
class Tile:
    """A picture, uint8 [h, w, 3], with what stands below it.

    caption  lines parted by a line break
    note     one more line, in the colour of the frame
    """

    picture: np.ndarray | Image.Image
    caption: str = ""
    frame: Frame | None = None
    note: str = ""

    def __post_init__(self):
        self.picture = np.asarray(self.picture)

    @property
    def lines(self) -> list[str]:
        """What stands below the picture, line by line."""
        return [*(self.caption.split("\n") if self.caption else []), *([self.note] if self.note else [])]


@dataclass
class Block:
    """Pictures in rows of `columns` (default: all in one row).

    heading  stands above them
    label    stands left of their first row: its first line in bold, further ones faint
    colour   of a square beside heading or label
    """

    tiles: Sequence[Tile]
    columns: int = 0
    heading: str = ""
    label: str = ""
    colour: str = ""


class Page(NamedTuple):
    """A page of pictures: figure, axes in pixels with y pointing down, and the upper left corner of each picture."""

    figure: Figure
    axes: Axes
    corners: list[tuple[int, int]]


def tiles(
    rows: Sequence[Sequence[Block]],
    *,
    title: str = "",
    left: int = GAP,
    foot: int = 0,
    gap: int = GAP,
    between: int = BETWEEN,
    cell: int = 0,
    size: float = 7.5,
    align: str = "center",
) -> Page:
    """Lay pictures out: rows of blocks that stand side by side, each a grid of pictures.

    left     pixels left of the pictures, for labels
    foot     pixels that stay free at the bottom
    gap      pixels between pictures, `between` those between blocks
    cell     pixels that a column is wide at least, for captions wider than their pictures
    size     points of the captions, which are made smaller, then cut, to fit their column; `align` "center" or "left"
    """
    places = []  # block, x, y of its upper left corner, width and height of a cell
    y, right = HEAD if title else GAP, max(NARROWEST, min(10 * len(title), WIDEST))
    for row in rows:
        head, x, below = HEADING * any(block.heading for block in row), left, y
        for block in row:
            shapes = [tile.picture.shape[:2] for tile in block.tiles] or [(0, 0)]
            h, w = np.max(shapes, axis=0).tolist()
            lines = max((len(tile.lines) for tile in block.tiles), default=0)
            w, down = max(w, cell), h + gap + (round(lines * LINE * size) + 4 if lines else 0)
            columns = block.columns or max(len(block.tiles), 1)
            places.append((block, x, y + head, w + gap, down, columns))
            below = max(below, y + head + -(-len(block.tiles) // columns) * down)
            right, x = max(right, x + columns * (w + gap)), x + columns * (w + gap) - gap + between
        y = below
    figure, axes = page(right, y + foot, title)
    write_names(axes, places, right)
    corners = []
    for block, left, top, across, down, columns in places:
        for k, tile in enumerate(block.tiles):
            x, y = left + k % columns * across, top + k // columns * down
            corners.append((x, y))
            draw_tile(axes, tile, x, y, across, size, align)
    return Page(figure, axes, corners)


def draw_tile(axes: Axes, tile: Tile, x: int, y: int, across: int, size: float, align: str) -> None:
    """Draw a picture pixel for pixel, its upper left corner at (x, y), its frame, and what stands below it."""
    h, w = tile.picture.shape[:2]
    axes.figure.figimage(tile.picture, x, axes.bbox.height - y - h, zorder=-1)  # below all that is drawn
    if tile.frame:
        draw_frame(axes, x, y, w, h, tile.frame)
    centred = align == "center"
    room = min(across, w + 2 * GAP) if centred else across
    for k, line in enumerate(tile.lines):
        noted = tile.frame and tile.note and k == len(tile.lines) - 1
        small = min(size, max(SMALLEST, room / (LETTER * max(len(line), 1))))
        axes.text(
            x + w / 2 * centred, y + h + 5 + LINE * size * (k + 0.7), fit(line, room, small), ha=align,
            fontsize=small, color=tile.frame.colour if noted else style.INK,
        )  # fmt: skip


def write_names(axes: Axes, places: Sequence[tuple], right: int) -> None:
    """Write headings, cut to where the next block starts, and labels of blocks at their places in pixels."""
    for (block, x, y, *_), after in zip(places, [*places[1:], None], strict=False):
        if block.heading:
            end = after[1] if after and after[1] > x else right
            if block.colour:
                axes.add_patch(Rectangle((x, y - 19), 12, 12, color=block.colour, lw=0))
            start = x + 18 * bool(block.colour)
            text = fit(block.heading, end - start, 13)  # bold letters are wider
            axes.text(start, y - 8, text, fontsize=11, weight="bold", color=style.INK)
        if block.label:
            first, *more = block.label.split("\n")
            middle = y + (block.tiles[0].picture.shape[0] if block.tiles else 0) / 2 - 8 * len(more)
            look = {"ha": "right", "va": "center"}
            axes.text(x - 10, middle, first, fontsize=11, weight="bold", color=style.INK, **look)
            for k, line in enumerate(more):
                axes.text(x - 10, middle + 17 * (k + 1), line, fontsize=9, color=style.FAINT, **look)
            if block.colour:
                axes.add_patch(Rectangle((GAP, middle - 6), 12, 12, color=block.colour, lw=0))


def draw_frame(axes: Axes, x: float, y: float, w: float, h: float, frame: Frame) -> None:
    """Frame the w x h pixels whose upper left corner is (x, y), from outside, and put the sign into the corner."""
    edge = frame.points * style.DPI / 72 / 2
    box = Rectangle((x - edge, y - edge), w + 2 * edge, h + 2 * edge, fill=False)
    box.set(edgecolor=frame.colour, linewidth=frame.points, joinstyle="miter")
    axes.add_patch(box)
    if frame.sign:
        axes.add_patch(Rectangle((x, y), 15, 15, facecolor=frame.colour, lw=0))
        axes.text(x + 7, y + 11.5, frame.sign, fontsize=9, ha="center", color="white")


def draw_key(axes: Axes, frames: Mapping[str, Frame], x: float, y: float) -> float:
    """Say what frames mean, in a line from (x, y) to the right; returns where it ends."""
    for name, frame in frames.items():
        draw_frame(axes, x + 4, y, 12, 12, frame)
        axes.text(x + 24, y + 11, name, fontsize=10, color=style.INK)
        x += 44 + 8 * len(name)
    return x


def fit(text: str, width: float, size: float = 7.5) -> str:
    """A name cut to `width` pixels in letters of `size` points."""
    return style.short(text, max(int(width / (LETTER * size)), 1))


def blank(width: int, height: int) -> np.ndarray:
    """White pixels, uint8 [height, width, 3]."""
    return np.full((height, width, 3), 255, np.uint8)


def page(width: int, height: int, title: str = "") -> tuple[Figure, Axes]:
    """An empty figure of that many pixels, and its axes in pixels, y pointing down."""
    figure = style.new_figure(width / style.DPI, height / style.DPI)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    axes.text(GAP, 22, style.short(title, max(width, WIDEST) // 10), fontsize=14, color=style.INK)
    return figure, axes
