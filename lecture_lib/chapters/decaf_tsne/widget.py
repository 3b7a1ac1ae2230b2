"""Figures that answer to the hand: a slider over layers, a map that shows the picture under the mouse."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence

import ipywidgets
import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure
from PIL import Image

from lecture_lib.chapters.decaf_tsne import figures as maps
from lecture_lib.datasets import ImageCollection
from lecture_lib.display import pictures, style
from lecture_lib.display.explorer import explorer

BETWEEN = 8  # steps of the slider from one layer to the next
SIZE = 48  # pixels across a picture of the hover map's sheet
ACROSS = 20  # pictures in a row of the hover map's sheet

# Finds the point nearest to the mouse, rings it, and shows its picture from the sheet. All sizes are in pixels of
# the map as it was drawn; `scale` turns them into those of the screen.
SCRIPT = """
(function () {
  const sheet = "data:image/jpeg;base64,%(sheet)s", points = %(points)s, names = %(names)s;
  const size = %(size)d, across = %(across)d, rows = Math.ceil(points.length / across), shown = 2 * size;
  for (const box of document.querySelectorAll("#%(id)s")) {
    if (box.dataset.ready) continue;
    box.dataset.ready = "1";
    const map = box.querySelector("img"), ring = document.createElement("div"), card = document.createElement("div");
    const picture = document.createElement("div"), text = document.createElement("div");
    ring.style.cssText = "position:absolute;display:none;pointer-events:none;width:14px;height:14px;" +
      "margin:-9px 0 0 -9px;border:2px solid #222;border-radius:50%%;box-sizing:content-box";
    card.style.cssText = "position:absolute;display:none;pointer-events:none;padding:4px;background:#fff;" +
      "border:1px solid #888;border-radius:4px;box-shadow:0 2px 8px rgba(0,0,0,.35);z-index:9";
    picture.style.cssText = "width:" + shown + "px;height:" + shown + "px;background-image:url(" + sheet + ");" +
      "background-size:" + shown * across + "px " + shown * rows + "px";
    text.style.cssText = "width:" + shown + "px;font:12px sans-serif;color:#222;text-align:center;padding-top:3px";
    card.append(picture, text);
    box.append(ring, card);
    const hide = () => { ring.style.display = card.style.display = "none"; };
    map.addEventListener("pointerleave", hide);
    map.addEventListener("pointermove", (event) => {
      const frame = map.getBoundingClientRect(), scale = frame.width / %(width)d;
      const x = (event.clientX - frame.left) / scale, y = (event.clientY - frame.top) / scale;
      let best = -1, nearest = 20 * 20;
      points.forEach(([px, py], i) => {
        const far = (px - x) ** 2 + (py - y) ** 2;
        if (far < nearest) { nearest = far; best = i; }
      });
      if (best < 0) return hide();
      const [px, py, name] = points[best];
      ring.style.left = px * scale + "px";
      ring.style.top = py * scale + "px";
      picture.style.backgroundPosition = -(best %% across) * shown + "px " + -Math.floor(best / across) * shown + "px";
      text.textContent = names[name];
      ring.style.display = card.style.display = "block";
      const right = px * scale + 16 + card.offsetWidth > frame.width;
      card.style.left = px * scale + (right ? -16 - card.offsetWidth : 16) + "px";
      card.style.top = Math.max(0, Math.min(py * scale - 40, frame.height - card.offsetHeight)) + "px";
    });
  }
})();
"""


def layer_slider(layers: Mapping[str, np.ndarray], groups: maps.Groups) -> ipywidgets.VBox:
    """Make a slider over layers that moves the points of one map to their places in the next.

    layers  layer -> map [N, 2] of the same pictures; each is turned, mirrored and scaled onto the one before, which
            t-SNE leaves free
    """
    names, order, layouts = style.groups_of(groups), list(layers), align(list(layers.values()))
    with style.look():
        figure, axes = maps.new_map(" ")
        marks = maps.mark(axes, layouts[0], names, 16)
        maps.frame(axes, np.concatenate(layouts))
        style.add_legend(figure, names)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once: nothing jumps, and a step takes less time

    def draw(step: int) -> tuple[Figure, str]:
        k, t = divmod(step, BETWEEN)
        t = t / BETWEEN
        t = t * t * (3 - 2 * t)  # set off and arrive gently
        ahead = min(k + 1, len(order) - 1)
        where = f"{order[k]} → {order[ahead]}" if t else order[k]
        axes.set_title(where, fontsize=14, loc="left")
        for points, here in marks:
            points.set_offsets(((1 - t) * layouts[k] + t * layouts[ahead])[here])
        return figure, f"The map of {where}, coloured by group"

    last = BETWEEN * (len(order) - 1)
    slider = ipywidgets.IntSlider(0, 0, last, description="layer", readout=False, layout={"width": "560px"})
    play = ipywidgets.Play(min=0, max=last, interval=150)
    ipywidgets.jslink((play, "value"), (slider, "value"))
    return ipywidgets.VBox([play, explorer(draw, {"step": slider})])


def align(layouts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Turn, mirror and scale each map [N, 2] onto the one before (Procrustes), so that none flips on the way."""
    aligned: list[np.ndarray] = []
    for xy in layouts:
        xy = np.asarray(xy, dtype=float) - np.mean(xy, axis=0)
        xy = xy / max(np.sqrt((xy**2).sum(1).mean()), 1e-12)
        if aligned:
            u, _, vt = np.linalg.svd(xy.T @ aligned[-1])
            xy = xy @ (u @ vt)
        aligned.append(xy)
    return aligned


def hover_map(xy: np.ndarray, images: ImageCollection, *, n: int = 300) -> HTML:
    """Make a map [N, 2] that shows the picture under the mouse, with its class and group.

    At most n of the pictures are drawn, chosen at random. It is one block of HTML that loads nothing, so it works in
    a saved notebook too; where scripts are off, the map is still there.
    """
    chosen = np.sort(np.random.default_rng(0).permutation(len(images))[:n])
    xy, images = np.asarray(xy)[chosen], images[chosen]
    figure = maps.scatter(xy, images)
    drawn, kind = style.encode(figure)
    width, height = figure.canvas.get_width_height()
    at = figure.axes[0].transData.transform(xy)
    names = [f"{c} ({g})" if g else c for c, g in zip(images.classes, images.groups, strict=True)]
    points = [
        [round(x, 1), round(height - y, 1), label]
        for (x, y), label in zip(at.tolist(), images.labels.tolist(), strict=True)
    ]
    sheet = Image.new("RGB", (ACROSS * SIZE, -(-len(chosen) // ACROSS) * SIZE))
    for k, tile in enumerate(pictures.thumbnails(images, range(len(images)), SIZE, square=True)):
        sheet.paste(tile, (k % ACROSS * SIZE, k // ACROSS * SIZE))
    buffer = io.BytesIO()
    sheet.save(buffer, "jpeg", quality=70, optimize=True)
    name = "hover" + hashlib.sha256(drawn).hexdigest()[:10]
    script = SCRIPT % {
        "id": name, "width": width, "size": SIZE, "across": ACROSS,
        "sheet": base64.b64encode(buffer.getvalue()).decode(),
        "points": json.dumps(points, separators=(",", ":")),
        "names": json.dumps(names).replace("</", "<\\/"),  # a class called "</script>" ends no script
    }  # fmt: skip
    return HTML(
        f'<div id="{name}" style="position:relative;max-width:{width}px;background:#fff">'
        f'<img alt="A map of {len(chosen)} pictures as points, coloured by group" style="width:100%;display:block" '
        f'src="data:image/{kind};base64,{base64.b64encode(drawn).decode()}"></div>'
        f"<script>{script}</script>"
    )
