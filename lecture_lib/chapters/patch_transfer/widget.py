"""Maps of patches to play with: of which picture and class, with which k, from which scale."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import cache

import ipywidgets
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from lecture_lib.chapters.patch_transfer.grid import LAMBDAS, Grid
from lecture_lib.chapters.patch_transfer.inference import K, localisation_map, picture_score
from lecture_lib.chapters.patch_transfer.map_figures import BAR, Pointing, colour_bar, heat, judge, mark_peak
from lecture_lib.chapters.patch_transfer.patch_figures import (
    BOX,
    FOOT,
    check_size,
    count,
    cut,
    outline,
    panels,
)
from lecture_lib.datasets import ImageCollection
from lecture_lib.display import pictures, style
from lecture_lib.display.pictures import GAP, as_pixels, classes_of, embed

KS = (1, 2, 3, 5, 8, 12, 20)
WIDE = 360  # pixels of the longer side of a picture
BEST, SIZE = 9, 74  # patches with the highest y that are shown, pixels across each
HIGHEST = 5  # scores that are told
ALL = -1  # scales: a slider has no value None


def patch_view(
    picture: Tensor,
    name: str,
    boxes: np.ndarray,
    grid: Grid,
    y: np.ndarray,
    *,
    k: float = K,
    scale: int | None = None,
    title: str = "",
) -> Figure:
    """Show a picture with the objects of a class, the map of this class, and the patches that speak for it most.

    picture  uint8 [3, H, W]
    name     of the class
    boxes    float [n, 4], its objects; none where the picture has none
    grid     of a picture of that size
    y        float [M], the probability of the class on each patch
    k        of the map, y^k
    scale    index into LAMBDAS: its patches only (default: those of all scales)

    Raises ValueError if the grid is of another size, or there is not one y a patch.
    """
    pixels, y = as_pixels(picture), np.asarray(y)
    check_size(pixels, grid)
    here = np.arange(len(grid)) if scale is None else np.flatnonzero(grid.scale == scale)
    values = localisation_map(y[here], grid.xyxy[here], grid.size, k)
    item = Pointing(picture, name, boxes, values)
    what = "all scales" if scale is None else f"λ = {LAMBDAS[scale]:g}"
    captions = [
        name.replace("_", " "),
        f"k = {k:g}, {what}, {count(len(here), 'patch', 'patches')}: {judge(item)}",
    ]
    foot = 2 * FOOT + SIZE + BAR + 4
    tiles = [pixels, heat(pixels, values, values.max())]
    figure, axes, places = panels(tiles, captions, WIDE, 2, title, wide=WIDE, foot=foot)
    for place, lw in zip(places, (2, 1.2), strict=True):
        for xyxy in np.reshape(boxes, (-1, 4)):
            outline(axes, place, xyxy, BOX, lw=lw)
    mark_peak(axes, places[1], values)
    top = figure.bbox.height - foot + 4
    colour_bar(axes, top, values.max(), "sum of yᵏ of the patches that cover a pixel")
    axes.text(GAP, top + BAR + 16, "Patches with the highest y", fontsize=10.5, color=style.INK)
    best, y0 = here[np.argsort(-y[here], kind="stable")[:BEST]], top + BAR + FOOT
    strip = pictures.blank(len(best) * (SIZE + GAP), SIZE)  # one picture: each takes its time to be drawn
    for i, patch in enumerate(best):
        x = i * (SIZE + GAP)
        pictures.paste(strip, cut(pixels, grid.xyxy[patch], SIZE), x, 0)
        axes.text(
            GAP + x + SIZE / 2, y0 + SIZE + 14, f"{y[patch]:.2f}", ha="center", fontsize=9, color=style.INK
        )
    axes.imshow(strip, extent=(GAP, GAP + strip.shape[1], y0 + SIZE, y0), aspect="auto", interpolation="none")
    return figure


def patch_explorer(
    images: ImageCollection, grids: Sequence[Grid], y: Sequence[np.ndarray], *, title: str = ""
) -> ipywidgets.VBox:
    """Make a widget of `patch_view` with controls for the picture, the class, k and the scale.

    images  of C classes
    grids   one a picture
    y       for each picture float [M, C or more], as of `patches.adaptation.probabilities`; the first C count

    It starts at the first picture, with the class it shows whose score is highest. Raises ValueError if there is no
    picture, or grids or y do not fit.
    """
    check_explored(images, grids, y)
    names = [name.replace("_", " ") for name in images.classes]

    @cache
    def draw(i: int, c: int, k: float, scale: int) -> str:
        scale = None if scale == ALL else scale
        said = html.escape(tell(images, i, grids[i], y[i], k, scale))
        objects = boxes_of(images, i, c)
        view = patch_view(images.tensor(i), names[c], objects, grids[i], y[i][:, c], k=k, scale=scale)
        canvas = FigureCanvasAgg(view)
        canvas.draw()
        # no palette, which would take from the few pixels of the colour bar, and time
        drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        alt = html.escape(f"The picture, its map of {names[c]} with k = {k:g}, and its best patches.")
        return (
            f'<div style="background:#fff;color:{style.INK};font:14px sans-serif;padding:8px">{said}'
            f"{embed(drawn, f'{alt} {said}')}</div>"
        )

    wide = {"style": {"description_width": "60px"}, "layout": {"width": "400px"}}
    shown = [
        (f"{i}: {', '.join(names[c] for c in classes_of(images, i)) or 'nothing'}", i)
        for i in range(len(images))
    ]
    which = ipywidgets.Dropdown(options=shown, value=0, description="picture", **wide)
    wanted = ipywidgets.Dropdown(
        options=[(name, c) for c, name in enumerate(names)],
        value=first_class(images, y[0]),
        description="class",
        **wide,
    )
    exponent = ipywidgets.SelectionSlider(options=KS, value=K, description="k", **wide)
    scales = [("all", ALL), *((f"λ = {lam:g}", s) for s, lam in enumerate(LAMBDAS))]
    scale = ipywidgets.SelectionSlider(options=scales, value=ALL, description="scale", **wide)
    controls = (which, wanted, exponent, scale)
    view = ipywidgets.HTML(draw(*(control.value for control in controls)))

    def turn(_: dict) -> None:
        view.value = draw(*(control.value for control in controls))

    for control in controls:
        control.observe(turn, "value")
    head = [ipywidgets.HTML(f"<b>{html.escape(title)}</b>")] if title else []
    return ipywidgets.VBox(
        [*head, ipywidgets.HBox([which, wanted]), ipywidgets.HBox([exponent, scale]), view]
    )


def check_explored(images: ImageCollection, grids: Sequence[Grid], y: Sequence[np.ndarray]) -> None:
    """ValueError unless there are pictures, and grids and y are theirs."""
    if not len(images) or len(grids) != len(images) or len(y) != len(images):
        raise ValueError(
            f"Give at least one picture, and a grid and a y for each: there are {len(images)} pictures, {len(grids)} "
            f"grids and {len(y)} y."
        )
    for i, (grid, of_picture) in enumerate(zip(grids, y, strict=True)):
        shape = np.shape(of_picture)
        if len(shape) != 2 or shape[0] != len(grid) or shape[1] < len(images.classes):
            raise ValueError(
                f"y of {images.images.names[i]} is [{len(grid)}, {len(images.classes)} or more], not {list(shape)}."
            )


def boxes_of(images: ImageCollection, i: int, c: int) -> np.ndarray:
    """The objects of class c in picture i that are not difficult: float32 [n, 4]."""
    if images.boxes is None:
        return np.empty((0, 4), np.float32)
    return images.boxes[i].of_class(c)


def first_class(images: ImageCollection, y: np.ndarray) -> int:
    """Of the classes that the first picture shows (of all, if it shows none) that with the highest score."""
    shown = classes_of(images, 0) or range(len(images.classes))
    scores = picture_score(y)
    return max(shown, key=lambda c: scores[c])


def tell(images: ImageCollection, i: int, grid: Grid, y: np.ndarray, k: float, scale: int | None) -> str:
    """One line about a picture: the classes with the highest scores, and whether it shows them."""
    here = slice(None) if scale is None else grid.scale == scale
    scores, shown = picture_score(y[here, : len(images.classes)], k), classes_of(images, i)
    best = [
        f"{images.classes[c].replace('_', ' ')} {scores[c]:.3g}" + " (shown)" * (c in shown)
        for c in np.argsort(-scores, kind="stable")[:HIGHEST].tolist()
    ]
    return f"The highest scores: {', '.join(best)}"
