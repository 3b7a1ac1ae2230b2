"""Figures that answer to the hand: a map that goes through the layers, one that shows the picture under the mouse."""

import base64
import hashlib
import html
import io
from collections.abc import Mapping, Sequence

import ipywidgets
import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure
from PIL import Image
from scipy.linalg import orthogonal_procrustes

from lecture_lib.chapters.decaf_tsne import figures as maps
from lecture_lib.datasets import ImageCollection
from lecture_lib.display import pictures, style
from lecture_lib.display.showing import Explorer, choice, compress

BETWEEN = 8  # steps from one layer to the next, and from any layer to another
SIZE = 48  # pixels across a picture of the hover map's sheet
SHOWN = 96  # pixels across the picture under the mouse
ACROSS = 20  # pictures in a row of the hover map's sheet

# Each point of the map is an empty element with its place on the sheet of pictures (--at) and its name. The one under
# the mouse shows both beside it, towards the middle of the map; no script is needed.
CSS = """
#%(id)s { position: relative; max-width: %(width)dpx; background: #fff; }
#%(id)s img { width: 100%%; display: block; }
#%(id)s i { position: absolute; width: 12px; height: 12px; margin: -8px; border: 2px solid transparent;
  border-radius: 50%%; box-sizing: content-box; }
#%(id)s i:hover { border-color: #222; z-index: 9; }
#%(id)s i::before, #%(id)s i::after { position: absolute; display: none; left: 18px; min-width: %(shown)dpx;
  border: 4px solid #fff; background-color: #fff; box-sizing: content-box; pointer-events: none; }
#%(id)s i.right::before, #%(id)s i.right::after { left: auto; right: 18px; }
#%(id)s i:hover::before, #%(id)s i:hover::after { display: block; }
#%(id)s i::before { content: ""; top: -4px; height: %(shown)dpx; box-shadow: 0 2px 8px rgba(0, 0, 0, .35);
  background-image: url(data:image/jpeg;base64,%(sheet)s); background-size: %(across)dpx auto;
  background-position: var(--at); background-origin: content-box; background-clip: content-box; }
#%(id)s i::after { content: attr(data-name); top: %(shown)dpx; font: 12px sans-serif; color: #222;
  text-align: center; white-space: nowrap; unicode-bidi: plaintext; }
#%(id)s i.low::before { top: auto; bottom: 20px; }
#%(id)s i.low::after { top: auto; bottom: -4px; }
"""


def layer_explorer(layers: Mapping[str, np.ndarray], groups: maps.Groups) -> Explorer:
    """Make a map whose points move to their places in the layer that is chosen, through those of the layers between.

    layers  layer -> map [N, 2] of the same pictures; each is turned, mirrored and scaled onto the one before, which
            t-SNE leaves free
    """
    names, order, layouts = style.groups_of(groups), list(layers), align(list(layers.values()))
    with style.look():
        figure, axes = maps.new_map(np.concatenate(layouts), names, " ")
        marks = maps.mark(axes, layouts[0], names, 16)
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

    layer = choice("layer", [(name, BETWEEN * k) for k, name in enumerate(order)])
    step = ipywidgets.IntText(layout={"display": "none"})

    def move(change: Mapping) -> None:
        for between in np.linspace(change["old"], change["new"], BETWEEN + 1).round().astype(int).tolist():
            step.value = between

    layer.observe(move, "value")
    box = Explorer(draw, {"step": step})
    box.children = (layer, *box.children)
    return box


def align(layouts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Turn, mirror and scale each map [N, 2] onto the one before (Procrustes), so that none flips on the way."""
    aligned: list[np.ndarray] = []
    for xy in layouts:
        xy = np.asarray(xy, dtype=float) - np.mean(xy, axis=0)
        xy = xy / max(np.sqrt((xy**2).sum(1).mean()), 1e-12)
        if aligned:
            xy = xy @ orthogonal_procrustes(xy, aligned[-1])[0]
        aligned.append(xy)
    return aligned


def hover_map(xy: np.ndarray, images: ImageCollection, *, n: int = 300) -> HTML:
    """Make a map [N, 2] that shows the picture under the mouse, with its class and group.

    At most n of the pictures are drawn, chosen at random. It is one block of HTML that loads nothing and runs nothing,
    so it works in a saved notebook too; where styles are off, the map is still there.
    """
    total = len(images)
    chosen = np.sort(np.random.default_rng(0).permutation(total)[:n])
    xy, images = np.asarray(xy)[chosen], images[chosen]
    names = style.groups_of(images)
    with style.look():
        figure, axes = maps.new_map(xy, names)
        maps.mark(axes, xy, names, 36)
    drawn, kind = compress(figure)
    name = "hover" + hashlib.sha256(drawn).hexdigest()[:10]
    sheet = Image.new("RGB", (ACROSS * SIZE, -(-len(chosen) // ACROSS) * SIZE))
    places, points = figure.transFigure.inverted().transform(axes.transData.transform(xy)), []
    tiles = pictures.thumbnails(images, range(len(images)), SIZE, square=True)
    for k, ((x, y), tile, c) in enumerate(zip(places.tolist(), tiles, images.labels, strict=True)):
        row, column = divmod(k, ACROSS)
        sheet.paste(tile, (column * SIZE, row * SIZE))
        called, group = (images.classes[c], images.groups[c]) if c >= 0 else ("unlabelled", "")
        called = f"{called} ({group})" if group else called
        points.append(
            f'<i class="{"right" * (x > 0.5)} {"low" * (y < 0.5)}" data-name="{html.escape(called)}" style='
            f'"left:{x:.2%};top:{1 - y:.2%};--at:-{column * SHOWN}px -{row * SHOWN}px"></i>'
        )
    buffer = io.BytesIO()
    sheet.save(buffer, "jpeg", quality=70, optimize=True)
    css = CSS % {
        "id": name, "width": figure.bbox.width, "shown": SHOWN, "across": ACROSS * SHOWN,
        "sheet": base64.b64encode(buffer.getvalue()).decode(),
    }  # fmt: skip
    return HTML(
        f"<style>{css}</style><p>Hover over a point: its picture appears.</p>"
        f'<div id="{name}">'
        f'<img alt="A map of {len(chosen)} of {total} pictures as points, coloured by group" '
        f'src="data:image/{kind};base64,{base64.b64encode(drawn).decode()}">{"".join(points)}</div>'
    )
