"""Several objects in one picture: sprites drawn kind by kind, then laid over a place, far ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lecture_lib.twins.backdrop import cast_shadow
from lecture_lib.twins.canvas import Window
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.studio import draw_object, sketch_side, vary
from lecture_lib.twins.views import View
from lecture_lib.twins.world import CHUNK, ObjectClass, chunks_by_kind, genes_of

MARGIN = 1.35  # half a sprite's side over the object's scale: room for what a view does to it
SIDES = (32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048)


@dataclass(frozen=True)
class Placed:
    """M objects in their pictures, each picture's objects together and in the order they are laid.

    picture int64 [M]; x, y (centre), scale (half the side), all in picture widths, and angle: float32 [M];
    key int64 [M] decides individual, paints and mirror; classes: M object classes.
    """

    picture: Tensor
    x: Tensor
    y: Tensor
    scale: Tensor
    angle: Tensor
    key: Tensor
    classes: Sequence[ObjectClass]

    def __len__(self) -> int:
        return len(self.picture)

    def of(self, picture: int) -> list[int]:
        """The objects of one picture, in the order they are laid."""
        return (self.picture == picture).nonzero()[:, 0].tolist()


@dataclass(frozen=True)
class Sprite:
    """One drawn object in its window of S x S pixels, whose corner in the picture is at (left, top).

    colour [3, S, S], times its cover [S, S], both in [0, 1]; shade [S, S]: what light its shadow leaves to others.
    """

    colour: Tensor
    cover: Tensor
    shade: Tensor
    left: int
    top: int


def draw_sprites(
    placed: Placed, width: int, light: Tensor, shadow: Tensor, much: float = 1.0
) -> list[Sprite]:
    """Draw each object in a square window of its own.

    width: the pictures', in pixels; light [M, 3]; shadow [M]: how dark an object's is; much: see `View.draw`
    """
    r = Chance(placed.key, 6)
    view = View.draw(r, placed.x, placed.y, placed.scale, placed.angle, much)
    need = (2 * MARGIN * placed.scale * width).tolist()
    sides = np.array([min((s for s in SIDES if s >= n), default=SIDES[-1]) for n in need])
    sprites: list[Sprite | None] = [None] * len(placed)
    for side in sorted(set(sides.tolist())):
        rows = np.flatnonzero(sides == side)
        corner = (torch.stack([placed.x[rows], placed.y[rows]], 1) * width - side / 2).round()
        for chunk in chunks_by_kind(
            [placed.classes[i] for i in rows], max(4, 4 * CHUNK * 64 * 64 // side**2)
        ):
            at, part = rows[chunk], [placed.classes[i] for i in rows[chunk]]
            mine, own = (
                view.take(at).moved(*(corner[chunk] / width).T, width / side),
                Chance(placed.key[at], 9),
            )
            sketch = draw_object(
                part[0].kind.draw, vary(genes_of(part), own), sketch_side(side), own, mine.lamp(light[at])
            )
            seen = mine.look(sketch, Window.square(side))
            shade = cast_shadow(torch.ones(len(at), 1, side, side), seen[:, 3], light[at], shadow[at])[:, 0]
            for j, i in enumerate(at):
                left, top = corner[chunk[j]].int().tolist()
                sprites[i] = Sprite(seen[j, :3], seen[j, 3], shade[j], left, top)
    return sprites


def lay(picture: Tensor, sprites: Sequence[Sprite]) -> list[Tensor]:
    """Lay sprites over a picture [3, H, W], in place, first to last; return what is visible of each.

    Visible parts are [S, S] in [0, 1], of each sprite's own window (pixels outside the picture count as hidden).
    """
    _, height, width = picture.shape
    owner = torch.zeros(height, width)  # cover that later sprites take from earlier ones
    visible = []
    for sprite in sprites:
        inside, here = _overlap(sprite, height, width)
        ground = picture[(slice(None), *inside)]
        ground *= sprite.shade[here] * (1 - sprite.cover[here])
        ground += sprite.colour[(slice(None), *here)]
    for sprite in reversed(sprites):
        inside, here = _overlap(sprite, height, width)
        seen = torch.zeros_like(sprite.cover)
        seen[here] = sprite.cover[here] * (1 - owner[inside])
        owner[inside] = torch.maximum(owner[inside], sprite.cover[here])
        visible.append(seen)
    return visible[::-1]


def _overlap(sprite: Sprite, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a sprite's window and the picture meet: as slices of the picture and of the sprite."""
    side = len(sprite.cover)
    top, bottom = max(sprite.top, 0), min(sprite.top + side, height)
    left, right = max(sprite.left, 0), min(sprite.left + side, width)
    bottom, right = max(bottom, top), max(right, left)
    inside = (slice(top, bottom), slice(left, right))
    here = (slice(top - sprite.top, bottom - sprite.top), slice(left - sprite.left, right - sprite.left))
    return inside, here
