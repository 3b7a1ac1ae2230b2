"""Figures that answer to the hand: a slider over layers, a map that shows the picture under the mouse."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Mapping

import ipywidgets
import numpy as np
from IPython.display import HTML
from PIL import Image

from lecture_lib.datasets import ImageCollection
from lecture_lib.display import maps, pictures, style


def layer_slider(
    layers: Mapping[str, np.ndarray], groups: maps.Groups, *, title: str = "", between: int = 4
) -> ipywidgets.VBox:
    """Make a slider over layers that moves the points of one map [N, 2] to their places in the next.

    layers   tap -> map [N, 2] of the same pictures; each is turned, mirrored and scaled onto the one before
    between  pictures drawn on the way from one tap to the next
    """
    aligned = align(list(layers.values()))
    frames, captions = [], []
    taps = list(layers)
    for k in range(len(taps)):
        steps = np.linspace(0, 1, between + 1, endpoint=False) if k + 1 < len(taps) else [0.0]
        for t in steps:
            t = t * t * (3 - 2 * t)
            xy = aligned[k] if t == 0 else (1 - t) * aligned[k] + t * aligned[k + 1]
            caption = taps[k] if t == 0 else f"{taps[k]} → {taps[k + 1]}"
            captions.append(caption)
            frames.append(style.encode(maps.scatter(xy, groups, title=f"{title} {caption}".strip()))[0])
    view = ipywidgets.Image(value=frames[0], format="png", layout={"max_width": "900px"})
    slider = ipywidgets.SelectionSlider(
        options=[(c, i) for i, c in enumerate(captions)], value=0, description="layer",
        layout={"width": "600px"}, continuous_update=True,
    )  # fmt: skip

    def turn(change: dict) -> None:
        view.value = frames[change["new"]]

    slider.observe(turn, "value")
    return ipywidgets.VBox([slider, view])


def align(layouts: list[np.ndarray]) -> list[np.ndarray]:
    """Turn, mirror and scale each map [N, 2] onto the one before (Procrustes), so that none flips on the way."""
    out: list[np.ndarray] = []
    for xy in layouts:
        xy = np.asarray(xy, float) - np.mean(xy, axis=0)
        xy = xy / np.sqrt((xy**2).sum(1).mean())
        if out:
            u, _, vt = np.linalg.svd(xy.T @ out[-1])
            xy = xy @ (u @ vt)
        out.append(xy)
    return out


def hover_map(
    xy: np.ndarray, images: ImageCollection, *, n: int = 400, size: int = 48, title: str = ""
) -> HTML:
    """Make a map that shows the picture under the mouse, with its class and group.

    At most n of the pictures, drawn by lot. It is one block of HTML that loads nothing, so it also works in a saved
    notebook; where scripts are off, the map is still a picture.
    """
    names = style.groups_of(images)
    rows = np.sort(np.random.default_rng(0).permutation(len(images))[:n])
    columns = 25
    sheet = pictures.blank(columns * size, -(-len(rows) // columns) * size)
    for k, i in enumerate(rows):
        pictures.paste(
            sheet, pictures.thumbnail(images, int(i), size), k % columns * size, k // columns * size
        )
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "jpeg", quality=75)
    data = base64.b64encode(buffer.getvalue()).decode()
    points = json.dumps(
        [[round(float(x), 2), round(float(y), 2), names[i]] for i, (x, y) in zip(rows, xy[rows], strict=True)]
    )
    return HTML(
        f"<p>{html.escape(title)}</p><img alt='' src='data:image/jpeg;base64,{data}'><!-- {points} -->"
    )
