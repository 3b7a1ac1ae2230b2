"""Maps of where patches speak for a class, over their picture: scale by scale, beside its objects, for several k."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.transforms import Transform
from torch import Tensor

from lecture_lib.chapters.patch_transfer.figures import BOX, outline, panels, patch
from lecture_lib.chapters.patch_transfer.grid import LAMBDAS, Grid
from lecture_lib.chapters.patch_transfer.inference import TOLERANCE, K, localisation_map, peak, points_at
from lecture_lib.datasets import ImageCollection
from lecture_lib.display import style
from lecture_lib.display.pictures import as_pixels
from lecture_lib.display.tiles import GAP, Block, Tile

FRAME, BESIDE, WIDE = 172, 216, 360  # pixels of the longer side of a picture, five, four or two in a row
BEST = 9  # patches with the highest y that are shown
BAR = 20  # pixels from one colour bar to the next
LIGHT = 0.5  # how bright a map's colour is where the picture is black: 1 hides the picture
HEAT = LinearSegmentedColormap.from_list("heat", ["#ffffff", "#ffe08a", "#fb9a29", "#d7301f", "#6a0020"])
PEAK = "#00e0ff"


def film(picture: Tensor, maps: np.ndarray, *, title: str = "") -> Figure:
    """Show the map of a class at each scale, then of all scales: their sum.

    picture  uint8 [3, H, W]
    maps     float [S, H, W], one a lambda of LAMBDAS, 0 or more

    All scales have one range of colours, their sum has its own.
    """
    pixels, total, highest = as_pixels(picture), maps.sum(0), maps.max()
    pictures = [heat(pixels, one, highest) for one in maps] + [heat(pixels, total)]
    captions = [f"λ = {lam:g}" for lam in LAMBDAS] + ["all scales"]
    (figure, axes, _), places = panels(pictures, captions, FRAME, 5, title, foot=2 * BAR)
    mark_peak(axes, places[-1], total)
    y = figure.bbox.height - 2 * BAR
    colour_bar(axes, GAP, y, highest, "sum of yᵏ of the patches that cover a pixel, at one scale")
    colour_bar(axes, GAP, y + BAR, total.max(), "the same, of all scales (cross: the peak)")
    return figure


def maps_beside_boxes(
    images: ImageCollection, pairs: Sequence[tuple[int, int]], grids: Sequence[Grid], y: Sequence[np.ndarray],
    *, title: str = "",
) -> Figure:  # fmt: skip
    """Show pictures with the objects of a class, each beside its map, whose peak hits one of them or misses.

    images  with boxes
    pairs   what to show, at least one: picture i and class c
    grids   one a picture
    y       for each picture float [M, >= C], as of `adaptation.probabilities`

    A hit may lie TOLERANCE of the picture's width beside a box (dotted), as in `inference.pointing_game`. A map is
    coloured from 0 to its own highest value. Raises ValueError for no pair.
    """
    if not len(pairs):
        raise ValueError("There is no picture to show: give at least one.")
    maps = [localisation_map(y[i][:, c], grids[i]) for i, c in pairs]
    pictures, captions = [], []
    for (i, c), values in zip(pairs, maps, strict=True):
        pixels = as_pixels(images.tensor(i))
        pictures += [pixels, heat(pixels, values)]
        captions += [images.classes[c], outcome(values, images.boxes[i].of_class(c))]
    (figure, axes, _), places = panels(pictures, captions, BESIDE, 4, title)
    for (i, c), values, plain, hot in zip(pairs, maps, places[::2], places[1::2], strict=True):
        height, width = values.shape
        for xyxy in images.boxes[i].of_class(c):
            reach = np.array([-1, -1, 1, 1]) * TOLERANCE * width
            outline(axes, plain, xyxy, BOX)
            outline(axes, hot, xyxy, BOX, lw=1.2)
            outline(axes, hot, np.clip(xyxy + reach, 0, [width, height] * 2), BOX, lw=1.2, ls=":")
        mark_peak(axes, hot, values)
    return figure


def k_panels(
    picture: Tensor, maps: Mapping[float, np.ndarray], boxes: np.ndarray, *, title: str = ""
) -> Figure:
    """Show what k does to the map of a class.

    picture  uint8 [3, H, W]
    maps     k -> float [H, W], each coloured from 0 to its own highest value: sums of y^k shrink as k grows
    boxes    float [n, 4], the objects of this class
    """
    pixels = as_pixels(picture)
    captions = ["the picture"] + [f"k = {k:g}" + ", the paper's" * (k == K) for k in maps]
    pictures = [pixels, *(heat(pixels, one) for one in maps.values())]
    (figure, axes, _), places = panels(pictures, captions, FRAME, 5, title)
    for place in places:
        for xyxy in boxes:
            outline(axes, place, xyxy, BOX, lw=1.2)
    for place, values in zip(places[1:], maps.values(), strict=True):
        mark_peak(axes, place, values)
    return figure


def patch_view(
    picture: Tensor, name: str, boxes: np.ndarray, grid: Grid, y: np.ndarray,
    *, k: float = K, scale: int | None = None, title: str = "",
) -> Figure:  # fmt: skip
    """Show a picture with the objects of a class, the map of this class, and the patches that speak for it most.

    picture  uint8 [3, H, W]
    name     of the class
    boxes    float [n, 4], its objects
    grid     of a picture of that size
    y        float [M], the probability of the class on each patch
    k        of the map, y^k
    scale    index into LAMBDAS: its patches only; None: all
    """
    pixels, values = as_pixels(picture), localisation_map(y, grid, k, scale=scale)
    here = np.arange(len(grid)) if scale is None else np.flatnonzero(grid.scale == scale)
    what = "all scales" if scale is None else f"λ = {LAMBDAS[scale]:g}"
    many = f"{len(here)} patch{'es' * (len(here) > 1)}"
    captions = [name, f"k = {k:g}, {what}, {many}: {outcome(values, boxes)}"]
    best = here[np.argsort(-y[here], kind="stable")[:BEST]]
    shown = [Tile(patch(pixels, grid.xyxy[i]), f"{y[i]:.2f}") for i in best]
    below = [Block(shown, heading="Patches with the highest y")]
    pictures = [pixels, heat(pixels, values)]
    (figure, axes, corners), places = panels(pictures, captions, WIDE, 2, title, below=below)
    for place, lw in zip(places, (2, 1.2), strict=True):
        for xyxy in boxes:
            outline(axes, place, xyxy, BOX, lw=lw)
    mark_peak(axes, places[1], values)
    colour_bar(axes, corners[1][0], corners[2][1] - BAR, values.max(), "sum of yᵏ at a pixel")
    return figure


def outcome(values: np.ndarray, boxes: np.ndarray) -> str:
    """Say whether the peak of a map, float [H, W], hits one of the objects of its class, float [n, 4]."""
    if not len(boxes):
        return "not in the picture"
    hit = points_at(peak(values), boxes, TOLERANCE * values.shape[1])
    return f"{style.SIGNS[hit]} {'hit' if hit else 'miss'}"


def heat(pixels: np.ndarray, values: np.ndarray, highest: float | None = None) -> np.ndarray:
    """Colour a picture by a map, white for 0, dark red for the highest, as bright as the picture: uint8 [H, W, 3].

    pixels   uint8 [H, W, 3]
    values   float [H, W], 0 .. highest; where that is 0, the picture stays grey
    highest  of these maps or of several; None: of these
    """
    grey = pixels @ (np.array([0.299, 0.587, 0.114]) / 255)
    colours = HEAT(values / ((values.max() if highest is None else highest) or 1), bytes=True)[..., :3]
    return (colours * (LIGHT + (1 - LIGHT) * grey)[..., None]).round().astype(np.uint8)


def mark_peak(axes: Axes, place: Transform, values: np.ndarray) -> None:
    """Mark the highest place of a map [H, W] with a cross."""
    (cross,) = axes.plot(*peak(values), marker="x", ms=9, mew=2.4, mec=PEAK, ls="", transform=place)
    cross.set_path_effects([patheffects.withStroke(linewidth=4.6, foreground=style.INK)])


def colour_bar(axes: Axes, x: float, y: float, highest: float, text: str) -> None:
    """Draw the colours of a map from 0 to `highest` at a place (x, y) of a page, and say what they are."""
    axes.text(x, y + 10, "0", fontsize=10, color=style.INK)
    bar = HEAT(np.linspace(0, 1, 16), bytes=True)[None, :, :3]  # steps: a small file has few colours
    axes.imshow(bar, extent=(x + 14, x + 142, y + 11, y + 1), aspect="auto", interpolation="none")
    axes.text(x + 148, y + 10, f"{highest:.2g}", fontsize=10, color=style.INK)
    axes.text(x + 204, y + 10, text, fontsize=10, color=style.FAINT)
