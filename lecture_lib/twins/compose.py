"""Several objects in one picture: sprites drawn kind by kind, then laid over a place, far ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lecture_lib.twins.backdrop import cast_shadow
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.frames import Window
from lecture_lib.twins.studio import draw_object, sketch_side, vary
from lecture_lib.twins.views import View
from lecture_lib.twins.world import CHUNK, ObjectClass, chunks_by_kind, genes_of

MARGIN = 1.35  # half a sprite's side over the object's scale: room for what a view does to it
SIDES = (24, 32, 44, 60, 80, 108, 144, 192, 256, 340, 456, 608, 812, 1084, 1448, 1932)
COARSE = 32  # pixels in which the whole of an object is measured


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
    """One drawn object in its window of h x w pixels, whose corner in the picture is at (left, top).

    colour [3, h, w], times its cover [h, w], both in [0, 1]; shade [h, w]: what light its shadow leaves to others;
    whole: the pixels that it covers, those outside of its window included.
    """

    colour: Tensor
    cover: Tensor
    shade: Tensor
    left: int
    top: int
    whole: float


def draw_sprites(
    placed: Placed, window: Window, light: Tensor, shadow: Tensor, variety: float
) -> list[Sprite]:
    """Draw each object in a square window of its own, or in the picture's if that is smaller.

    window: the pictures'; light [M, 3]; shadow [M]: how dark an object's is; variety: of individuals and views, 1 for
    VOC's coarse classes, less where a class is told from its like
    """
    width = window.width
    view = View.draw(Chance(placed.key, 6), placed.x, placed.y, placed.scale, placed.angle, variety)
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
            mine, own = view.take(at), Chance(placed.key[at], 9)
            sketch = draw_object(
                part[0].kind.draw,
                vary(genes_of(part), own, variety),
                sketch_side(side, width),
                own,
                mine.lamp(light[at]),
            )
            near = mine.moved(*(corner[chunk] / width).T, width / side)
            whole = near.look(sketch[:, 3:], Window.square(COARSE)).sum((1, 2, 3)) * (side / COARSE) ** 2
            if side**2 > window.width * window.height:
                here, seen = torch.zeros(len(at), 2), mine.look(sketch, window)
            else:
                here, seen = corner[chunk], near.look(sketch, Window.square(side))
            shade = cast_shadow(torch.ones(len(at), 1, *seen.shape[2:]), seen[:, 3], light[at], shadow[at])[
                :, 0
            ]
            for i, (left, top), size, *fields in zip(
                at, here.int().tolist(), whole.tolist(), seen[:, :3], seen[:, 3], shade, strict=True
            ):
                sprites[i] = Sprite(*fields, left, top, size)
    return sprites


def lay(picture: Tensor, sprites: Sequence[Sprite]) -> list[Tensor]:
    """Lay sprites over a picture [3, H, W], in place, first to last; return what is visible of each.

    Visible parts are [h, w] in [0, 1], of each sprite's own window (pixels outside the picture count as hidden).
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
    h, w = sprite.cover.shape
    top, bottom = max(sprite.top, 0), min(sprite.top + h, height)
    left, right = max(sprite.left, 0), min(sprite.left + w, width)
    bottom, right = max(bottom, top), max(right, left)
    inside = (slice(top, bottom), slice(left, right))
    here = (slice(top - sprite.top, bottom - sprite.top), slice(left - sprite.left, right - sprite.left))
    return inside, here
