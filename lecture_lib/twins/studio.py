"""One object before a backdrop: the pictures of the object-recognition twins."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lecture_lib.twins import leaves
from lecture_lib.twins.backdrop import backdrop, cast_shadow, expose, scatter
from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.frames import Window
from lecture_lib.twins.paints import palette
from lecture_lib.twins.views import View

TURN = 0.15  # radians, the largest tilt of what has an up and a down
GENE = 0.22  # how far a gene of an individual may be from its class's, at variety 1
VARIETY = 0.45  # of portraits, whose classes are finer than VOC's
STUFF = 1.4  # the strongest texture of an object
Draw = Callable[[Sketch, dict[str, Tensor], Chance], None]


def lamp(r: Chance) -> Tensor:
    """Draw where the light comes from: unit vectors [B, 3], from above more often than not."""
    theta, rise = r(0.15 * math.pi, 0.85 * math.pi), r(0.55, 1.0)
    return torch.stack([rise.cos() * theta.cos(), rise.cos() * theta.sin(), rise.sin()], 1)


def draw_object(draw: Draw, genes: dict[str, Tensor], size: int, r: Chance, light: Tensor) -> Tensor:
    """Sketch B objects of one kind: [B, 4, size, size] in [0, 1], colour times coverage, and coverage."""
    sketch = Sketch(Window.square(size), palette(r), r)
    draw(sketch, genes, r)
    colour = sketch.shade(light, r() ** 2)
    # What it is made of: fur, cloth, wood, rust, seen through its own colours.
    extent = 80 * (300 / 80) ** r()
    stuff = leaves.sample(r, extent, size, size, tints=False)
    much = torch.where(r() < 0.25, 0, r(0.2, STUFF)).view(-1, 1, 1, 1)
    colour = (colour * (1 + much * (stuff - 0.5))).clamp_(0, 1)
    return torch.cat([colour * sketch.cover[:, None], sketch.cover[:, None]], 1)


def vary(genes: dict[str, Tensor], r: Chance, variety: float) -> dict[str, Tensor]:
    """Make individuals of a class: every gene wanders, but most parts that a class lacks stay away."""
    varied = {}
    for name, g in genes.items():
        step = r(-GENE, GENE) * variety * ((g > 0) | (r() < 0.25))
        varied[name] = (g + step).clamp(0, 1)
    return varied


def draw_portraits(
    draw: Draw, genes: dict[str, Tensor], keys: Tensor, size: int, turn: float = TURN
) -> Tensor:
    """Pictures uint8 [B, 3, size, size] of one object each.

    genes: each [B]; keys [B] int64 decide everything else; turn: the largest tilt in radians.
    """
    window = Window.square(size)
    r = Chance(keys)
    # Small and large, near the middle and far from it: no pixel and no edge detector at a fixed place can tell a
    # class; what can must have learned shape.
    scale = r(0.42, 0.64)
    room = (0.55 - 0.9 * scale).clamp(min=0.04)
    view = View.draw(r, 0.5 + r(-1, 1) * room, 0.5 + r(-1, 1) * room, scale, r(-turn, turn), VARIETY)
    light = lamp(r)
    picture = backdrop(Chance(keys, 1), window)
    sketch = draw_object(draw, vary(genes, r, VARIETY), size * 7 // 8, Chance(keys, 3), view.lamp(light))
    seen = view.look(sketch, window)
    picture = cast_shadow(picture, seen[:, 3], light, r(0.1, 0.6))
    picture = picture * (1 - seen[:, 3:]) + seen[:, :3]
    picture = scatter(picture, Chance(keys, 4), window, 1, (0.04, 0.14), 0.4)
    return expose(picture, Chance(keys, 5), window)


def sketch_side(side: int, width: int) -> int:
    """Pixels of a sketch that is seen in a window of `side` pixels: as fine as the window; coarser if that is wide."""
    return max(16, side * 5 // 8 if side < 0.8 * width else side // 2)


def draw_backgrounds(keys: Tensor, size: int) -> Tensor:
    """Pictures uint8 [B, 3, size, size] with clutter and no object: the background class."""
    window = Window.square(size)
    picture = backdrop(Chance(keys, 1), window)
    picture = scatter(picture, Chance(keys, 4), window, 1, (0.04, 0.14), 0.4)
    return expose(picture, Chance(keys, 5), window)
