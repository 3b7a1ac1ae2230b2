"""One object before a backdrop: the pictures of the object-recognition twins."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lecture_lib.twins.backdrop import backdrop, cast_shadow, expose, scatter
from lecture_lib.twins.canvas import Pose, Sketch, Window, palette
from lecture_lib.twins.chance import Chance

TURN = 0.35  # radians, the largest tilt of what has an up and a down
Draw = Callable[[Sketch, dict[str, Tensor], Chance], None]


def lamp(r: Chance) -> Tensor:
    """Draw where the light comes from: unit vectors [B, 3], from above more often than not."""
    theta, rise = r(0.15 * math.pi, 0.85 * math.pi), r(0.55, 1.0)
    return torch.stack([rise.cos() * theta.cos(), rise.cos() * theta.sin(), rise.sin()], 1)


def draw_object(
    draw: Draw, genes: dict[str, Tensor], pose: Pose, size: int, r: Chance, light: Tensor
) -> tuple[Tensor, Tensor]:
    """Draw B objects of one kind: colour [B, 3, size, size] in [0, 1] and coverage [B, size, size] in [0, 1]."""
    sketch = Sketch(Window.square(size), pose, palette(r), r)
    draw(sketch, genes, r)
    return sketch.shade(light, r() ** 2), sketch.cover


def vary(genes: dict[str, Tensor], r: Chance, amount: float = 0.05) -> dict[str, Tensor]:
    """Make individuals of a class: every gene wanders a little."""
    return {name: (g + r(-amount, amount)).clamp(0, 1) for name, g in genes.items()}


def draw_portraits(
    draw: Draw, genes: dict[str, Tensor], keys: Tensor, size: int, turn: float = TURN
) -> Tensor:
    """Pictures uint8 [B, 3, size, size] of one object each.

    genes: each [B]; keys [B] int64 decide everything else; turn: the largest tilt in radians.
    """
    window = Window.square(size)
    r = Chance(keys)
    # Small and large, near the middle and far from it, tilted, sheared: no pixel and no edge detector at a
    # fixed place can tell a class; what can must have learned shape.
    scale = r(0.20, 0.44)
    room = 0.48 - 0.9 * scale
    pose = Pose(
        x=0.5 + r(-1, 1) * room, y=0.5 + r(-1, 1) * room, scale=scale, angle=r(-turn, turn),
        mirror=1 - 2 * r.chance(0.5), stretch=r(0.82, 1.2), shear=r(-0.18, 0.18),
    )  # fmt: skip
    light = lamp(r)
    picture = backdrop(Chance(keys, 1), window)
    picture = scatter(picture, Chance(keys, 2), window, 6, (0.04, 0.24), 0.6)
    colour, cover = draw_object(draw, vary(genes, r), pose, size, Chance(keys, 3), light)
    picture = cast_shadow(picture, cover, light, r(0.1, 0.6))
    picture = torch.lerp(picture, colour, cover[:, None])
    picture = scatter(picture, Chance(keys, 4), window, 1, (0.04, 0.14), 0.4)
    return expose(picture, Chance(keys, 5), window)


def draw_backgrounds(keys: Tensor, size: int) -> Tensor:
    """Pictures uint8 [B, 3, size, size] with clutter and no object: the background class."""
    window = Window.square(size)
    picture = backdrop(Chance(keys, 1), window)
    picture = scatter(picture, Chance(keys, 2), window, 6, (0.04, 0.3), 0.7)
    return expose(picture, Chance(keys, 5), window)
