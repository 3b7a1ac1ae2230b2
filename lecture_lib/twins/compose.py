"""Several objects in one picture: sprites drawn kind by kind, then laid over a place, far ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lecture_lib.twins.backdrop import cast_shadow
from lecture_lib.twins.canvas import Pose
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.studio import draw_object, vary
from lecture_lib.twins.world import CHUNK, ObjectClass, chunks_by_kind, genes_of

MARGIN = 1.24  # half a sprite's side over the object's scale: room for stretch, shear and tilt
SIDES = (*range(16, 192, 16), *range(192, 512, 64), 512, 1024, 2048)


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
    """One drawn object: colour [3, S, S] and cover [S, S] in [0, 1], its corner in the picture in pixels."""

    colour: Tensor
    cover: Tensor
    left: int
    top: int


def draw_sprites(placed: Placed, width: int, light: Tensor) -> list[Sprite]:
    """Draw each object in a square window of its own; width: the pictures', in pixels; light [M, 3]."""
    need = (2 * MARGIN * placed.scale * width).tolist()
    sides = [min((s for s in SIDES if s >= n), default=SIDES[-1]) for n in need]
    sprites: list[Sprite | None] = [None] * len(placed)
    for side in sorted(set(sides)):
        rows = np.flatnonzero(np.array(sides) == side)
        left = (placed.x[rows] * width - side / 2).round()
        top = (placed.y[rows] * width - side / 2).round()
        for chunk in chunks_by_kind([placed.classes[i] for i in rows], max(4, CHUNK * 64 * 64 // side**2)):
            at = rows[chunk]
            r = Chance(placed.key[at], 6)
            pose = Pose(
                x=(placed.x[at] * width - left[chunk]) / side,
                y=(placed.y[at] * width - top[chunk]) / side,
                scale=placed.scale[at] * width / side,
                angle=placed.angle[at],
                mirror=1 - 2 * r.chance(0.5),
                stretch=r(0.92, 1.1),
                shear=r(-0.06, 0.06),
            )
            part = [placed.classes[i] for i in at]
            colour, cover = draw_object(part[0].kind.draw, vary(genes_of(part), r), pose, side, r, light[at])
            for j, i in enumerate(at):
                sprites[i] = Sprite(colour[j], cover[j], int(left[chunk[j]]), int(top[chunk[j]]))
    return sprites


def lay(picture: Tensor, sprites: Sequence[Sprite], light: Tensor, shadow: float) -> list[Tensor]:
    """Lay sprites over a picture [3, H, W], in place, first to last; return what is visible of each.

    Visible parts are [S, S] in [0, 1], of each sprite's own window (pixels outside the picture count as hidden).
    """
    _, height, width = picture.shape
    owner = torch.zeros(height, width)  # cover that later sprites take from earlier ones
    visible = []
    for sprite in sprites:
        inside, here = _overlap(sprite, height, width)
        ground = picture[(slice(None), *inside)]
        shade = cast_shadow(
            torch.ones(1, 1, *sprite.cover.shape), sprite.cover[None], light[None], torch.tensor([shadow])
        )[0, 0]
        ground = ground * shade[here]
        picture[(slice(None), *inside)] = torch.lerp(
            ground, sprite.colour[(slice(None), *here)], sprite.cover[here]
        )
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
