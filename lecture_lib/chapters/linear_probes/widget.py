"""A linear classifier to play with: class, C and layer, and the pictures it is surest of."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping
from functools import cache

import ipywidgets
import numpy as np
from PIL import Image, ImageOps

from lecture_lib.datasets import ImageCollection
from lecture_lib.display import rankings, style

TOP, MISTAKES = 10, 5  # pictures shown
SIZE = 80  # pixels across one
GOOD = 7  # right ones of the top: enough to see what was learned, and what was not

Scores = Mapping[str, Mapping[float, np.ndarray]]  # layer -> C -> float32 [N, C classes]


def probe_explorer(images: ImageCollection, scores: Scores, *, title: str = "") -> ipywidgets.VBox:
    """Make a widget that shows, for a class, a C and a layer, the pictures with the highest scores of that class.

    images  N pictures with one label each, on which the classifiers were tested
    scores  layer -> C -> scores [N, n_classes]; each layer has the same Cs

    Below them stand the most confident mistakes: pictures of other classes whose highest score is that of this one.
    It starts at the layer and C that call most pictures by their name, with a class of some mistakes. Raises
    ValueError if the scores do not fit the pictures.
    """
    costs = check_scores(images, scores)
    labels, tiles = images.labels, {}

    @cache
    def draw(layer: str, cost: float, c: int) -> str:
        every = known(scores[layer][cost])
        s = every[:, c]
        order = np.argsort(-s, kind="stable")
        called, right = every.argmax(1) == c, labels == c
        top, mistakes = order[:TOP], order[(called & ~right)[order]][:MISTAKES]
        add_tiles(images, tiles, [*top, *mistakes])
        name = html.escape(images.classes[c].replace("_", " "))
        found, own = (called & right).sum(), right.sum()
        return (
            f'<div style="background:#fff;color:{style.INK};font:13px sans-serif;padding:8px">'
            f"{line(f'Highest scores of “{name}”', top, s, right, images, tiles)}"
            f"{line(f'Most confident mistakes: called “{name}”', mistakes, s, right, images, tiles)}"
            f"<div>{found} of the {own} pictures of “{name}” are called so.</div></div>"
        )

    layer, cost = max(
        ((layer, cost) for layer in scores for cost in costs),
        key=lambda at: (known(scores[at[0]][at[1]]).argmax(1) == labels).mean(),
    )
    layers = ipywidgets.ToggleButtons(options=list(scores), value=layer, description="layer")
    layers.style.button_width = "auto"
    slider = ipywidgets.SelectionSlider(
        options=[(f"{C:g}", C) for C in costs], value=cost, description="C", layout={"width": "360px"}
    )
    names = [(name.replace("_", " "), c) for c, name in enumerate(images.classes)]
    which = ipywidgets.Dropdown(
        options=names, value=first_class(known(scores[layer][cost]), labels), description="class"
    )
    view = ipywidgets.HTML(draw(layer, cost, which.value))

    def turn(_: dict) -> None:
        view.value = draw(layers.value, slider.value, which.value)

    for control in (which, slider, layers):
        control.observe(turn, "value")
    head = [ipywidgets.HTML(f"<b>{html.escape(title)}</b>")] if title else []
    return ipywidgets.VBox([*head, ipywidgets.HBox([which, slider]), layers, view])


def check_scores(images: ImageCollection, scores: Scores) -> list[float]:
    """The Cs, rising; ValueError if pictures have several labels or the scores are not those of these pictures."""
    if images.multi_label:
        raise ValueError(
            f"{images.name}: a picture shows several classes; the explorer wants one label each."
        )
    if not len(images):
        raise ValueError(f"{images.name}: there are no pictures to show.")
    if not scores or not all(scores.values()):
        raise ValueError("There are no scores to show: give at least one layer with one C.")
    costs = {layer: sorted(by_cost) for layer, by_cost in scores.items()}
    first, shape = next(iter(costs)), (len(images), len(images.classes))
    for layer, by_cost in scores.items():
        if costs[layer] != costs[first]:
            raise ValueError(f"{layer} has other Cs than {first}: {costs[layer]}, not {costs[first]}.")
        for cost, array in by_cost.items():
            if np.shape(array) != shape:
                raise ValueError(
                    f"Scores at {layer}, C = {cost:g}, are {list(np.shape(array))}, "
                    f"not {list(shape)} for the pictures and classes of {images.name}."
                )
    return costs[first]


def known(scores: np.ndarray) -> np.ndarray:
    """The scores with those that are NaN below all others."""
    scores = np.asarray(scores)
    return np.where(np.isnan(scores), -np.inf, scores)


def first_class(scores: np.ndarray, labels: np.ndarray) -> int:
    """The class with the most mistakes among those of which GOOD of the TOP are right, if there are any."""
    classes = np.arange(scores.shape[1])
    right = (labels[np.argsort(-scores, axis=0, kind="stable")[:TOP]] == classes).sum(0)
    called = scores.argmax(1)
    mistakes = np.bincount(called[called != labels], minlength=len(classes))
    return max(classes.tolist(), key=lambda c: (min(right[c], GOOD), mistakes[c]))


def add_tiles(images: ImageCollection, tiles: dict[int, str], indices: Iterable[int]) -> None:
    """Make those thumbnails that `tiles` does not have yet: index -> JPEG in base64.

    They are made of the pixels that are kept: to draw a twin anew takes longer than a hand wants to wait.
    """
    for i in {int(i) for i in indices} - set(tiles):
        buffer = io.BytesIO()
        tile = ImageOps.fit(images.pil(i), (SIZE, SIZE), Image.Resampling.LANCZOS)
        tile.save(buffer, "jpeg", quality=style.JPEG_QUALITY)
        tiles[i] = base64.b64encode(buffer.getvalue()).decode()


def line(
    heading: str,
    indices: np.ndarray,
    scores: np.ndarray,
    right: np.ndarray,
    images: ImageCollection,
    tiles: Mapping[int, str],
) -> str:
    """HTML of a heading and pictures in a row: framed, with the score and, below a wrong one, what it shows.

    indices  int [n] pictures; scores [N] and right bool [N] are of all
    """
    cells = []
    for i in indices.tolist():
        colour = rankings.RIGHT if right[i] else rankings.WRONG
        shown = html.escape(rankings.what_is(images, i))
        alt = f"{shown or 'picture'}, {'right' if right[i] else 'wrong'}, score {scores[i]:.2f}"
        cells.append(
            f'<div style="width:{SIZE + 8}px;text-align:center;line-height:1.25">'
            f'<div style="position:relative;border:4px solid {colour};height:{SIZE}px">'
            f'<img alt="{alt}" style="display:block;width:{SIZE}px;max-width:none;margin:0" '
            f'src="data:image/jpeg;base64,{tiles[i]}">'
            f'<span style="position:absolute;left:0;top:0;width:17px;background:{colour};color:#fff">'
            f"{rankings.MARKS[bool(right[i])]}</span></div>{scores[i]:.2f}"
            f'<div style="color:{colour};font-size:11px">{"" if right[i] else shown}</div></div>'
        )
    return (
        f'<div style="font-weight:bold;margin:2px 0 4px">{heading}</div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:8px;min-height:{SIZE + 42}px">{"".join(cells) or "none"}</div>'
    )
