"""Maps of where patches speak for a class, over their picture: scale by scale, beside its objects, for several k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Transform
from torch import Tensor

from lecture_lib.chapters.patch_transfer.grid import LAMBDAS
from lecture_lib.chapters.patch_transfer.inference import TOLERANCE, K, peak, points_at
from lecture_lib.chapters.patch_transfer.patch_figures import BOX, outline, panels
from lecture_lib.display import style
from lecture_lib.display.pictures import GAP, as_pixels

FRAME, BESIDE = 172, 216  # pixels of the longer side of a picture, five or four in a row
BAR = 20  # pixels from one colour bar to the next
LIGHT = 0.5  # how bright a map's colour is where the picture is black: 1 hides the picture
HEAT = LinearSegmentedColormap.from_list("heat", ["#ffffff", "#ffe08a", "#fb9a29", "#d7301f", "#6a0020"])
PEAK = "#00e0ff"


@dataclass(frozen=True)
class Pointing:
    """A class in a picture, and the map that shall point at it.

    picture  uint8 [3, H, W]
    name     of the class
    boxes    float [n, 4], the objects of this class; none where the picture has none
    map      float [H, W], as of `patches.inference.localisation_map`
    """

    picture: Tensor
    name: str
    boxes: np.ndarray
    map: np.ndarray


def film(picture: Tensor, maps: np.ndarray, *, title: str = "") -> Figure:
    """Show the map of a class at each scale, then of all scales: their sum.

    picture  uint8 [3, H, W]
    maps     float [S, H, W], one a lambda of LAMBDAS, 0 or more

    All scales have one range of colours, their sum has its own. Raises ValueError if the maps do not fit.
    """
    pixels, maps = as_pixels(picture), np.asarray(maps, float)
    if maps.shape != (len(LAMBDAS), *pixels.shape[:2]):
        raise ValueError(
            f"The maps of {len(LAMBDAS)} scales of this picture are [{len(LAMBDAS)}, {pixels.shape[0]}, "
            f"{pixels.shape[1]}], not {list(maps.shape)}."
        )
    total, highest = maps.sum(0), maps.max()
    tiles = [heat(pixels, one, highest) for one in maps] + [heat(pixels, total, total.max())]
    captions = [f"λ = {lam:g}" for lam in LAMBDAS] + ["all scales"]
    figure, axes, places = panels(tiles, captions, FRAME, 5, title, foot=2 * BAR + GAP)
    mark_peak(axes, places[-1], total)
    y = figure.bbox.height - 2 * BAR
    colour_bar(axes, y, highest, "sum of yᵏ of the patches that cover a pixel, at one scale")
    colour_bar(axes, y + BAR, total.max(), "the same, of all scales (cross: the peak)")
    return figure


def maps_beside_boxes(items: Sequence[Pointing], *, title: str = "") -> Figure:
    """Show pictures with the objects of a class, each beside its map, whose peak hits one of them or misses.

    A hit may lie TOLERANCE of the picture's width beside a box (dotted), as in `patches.inference.pointing_game`. A
    map is coloured from 0 to its own highest value. Raises ValueError for no item, and for a map of another size.
    """
    if not items:
        raise ValueError("There is no picture to show: give at least one.")
    tiles, captions = [], []
    for item in items:
        pixels = as_pixels(item.picture)
        tiles += [pixels, heat(pixels, item.map, np.max(item.map))]
        captions += [item.name.replace("_", " "), judge(item)]
    figure, axes, places = panels(tiles, captions, BESIDE, 4 if len(items) > 1 else 2, title)
    for item, plain, hot in zip(items, places[::2], places[1::2], strict=True):
        height, width = np.shape(item.map)
        for xyxy in np.reshape(item.boxes, (-1, 4)):
            reach = np.array([-1, -1, 1, 1]) * TOLERANCE * width
            outline(axes, plain, xyxy, BOX)
            outline(axes, hot, xyxy, BOX, lw=1.2)
            outline(axes, hot, np.clip(xyxy + reach, 0, [width, height] * 2), BOX, lw=1.2, ls=":")
        mark_peak(axes, hot, item.map)
    return figure


def k_panels(
    picture: Tensor, maps: Mapping[float, np.ndarray], boxes: np.ndarray = (), *, title: str = ""
) -> Figure:
    """Show what k does to the map of a class.

    picture  uint8 [3, H, W]
    maps     k -> float [H, W], each coloured from 0 to its own highest value: sums of y^k shrink as k grows
    boxes    float [n, 4], the objects of this class

    Raises ValueError for a map of another size.
    """
    pixels = as_pixels(picture)
    tiles = [pixels] + [heat(pixels, one, np.max(one)) for one in maps.values()]
    captions = ["the picture"] + [f"k = {k:g}" + ", the paper's" * (k == K) for k in maps]
    figure, axes, places = panels(tiles, captions, FRAME, 5, title)
    for xyxy in np.reshape(boxes, (-1, 4)):
        for place in places:
            outline(axes, place, xyxy, BOX, lw=1.2)
    for one, place in zip(maps.values(), places[1:], strict=True):
        mark_peak(axes, place, one)
    return figure


def judge(item: Pointing) -> str:
    """Whether the peak of its map hits an object of the class, in words."""
    if not len(item.boxes):
        return "not in the picture"
    hit = points_at(peak(item.map), item.boxes, TOLERANCE * np.shape(item.map)[1])
    return f"{style.SIGNS[hit]} {'hit' if hit else 'miss'}"


def heat(pixels: np.ndarray, values: np.ndarray, highest: float) -> np.ndarray:
    """Colour a picture by a map, white for 0, dark red for `highest`, as bright as the picture: uint8 [H, W, 3].

    pixels  uint8 [H, W, 3]
    values  float [H, W], 0 .. highest; where `highest` is 0, the picture stays grey
    """
    if np.shape(values) != pixels.shape[:2]:
        raise ValueError(
            f"The map of this picture is {list(pixels.shape[:2])}, not {list(np.shape(values))}."
        )
    grey = pixels @ (np.array([0.299, 0.587, 0.114]) / 255)
    shares = np.asarray(values) / highest if highest else np.zeros_like(grey)
    colours = HEAT(shares, bytes=True)[..., :3]
    return (colours * (LIGHT + (1 - LIGHT) * grey)[..., None]).round().astype(np.uint8)


def mark_peak(axes: Axes, place: Transform, values: np.ndarray) -> None:
    """Mark the highest place of a map with a cross."""
    x, y = peak(np.asarray(values))
    cross = Line2D([x], [y], marker="x", ms=9, mew=2.4, mec=PEAK, ls="", transform=place)
    cross.set_path_effects([patheffects.withStroke(linewidth=4.6, foreground=style.INK)])
    axes.add_line(cross)


def colour_bar(axes: Axes, y: float, highest: float, text: str) -> None:
    """Draw the colours of a map from 0 to `highest` across a page at y, and say what they are."""
    axes.text(GAP, y + 10, "0", fontsize=10, color=style.INK)
    bar = HEAT(np.linspace(0, 1, 16), bytes=True)[None, :, :3]  # steps: a small file has few colours
    axes.imshow(bar, extent=(GAP + 14, GAP + 142, y + 11, y + 1), aspect="auto", interpolation="none")
    axes.text(GAP + 148, y + 10, f"{highest:.2g}", fontsize=10, color=style.INK)
    axes.text(GAP + 210, y + 10, text, fontsize=10, color=style.FAINT)
