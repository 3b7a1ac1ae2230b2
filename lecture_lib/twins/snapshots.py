"""Several snapshots of one place, and of one object on a table: the twins of Holidays and of UKBench.

A place is drawn once (as `places` has them, with the texture of its own), and a snapshot is a part of it: nearer by
1.25 to 2 times, aside, tilted by up to 6 degrees, slightly from the side, in light of its own, sometimes with
somebody in front. So two snapshots are related by a homography; parallax there is none.

An object has its individual's shape and paints, and the four pictures of it differ as those of Nister and Stewenius do:
in scale (by 1.6), tilt and light. In all of the 14 groups that were at hand the four are on one table or before one
wall, which moves with the object; in five of them the camera is turned by more than 45 degrees, in the others hardly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins import leaves, places
from lecture_lib.twins.backdrop import cast_shadow, column, expose, textured
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.compose import Placed, draw_sprites, lay
from lecture_lib.twins.frames import Pose, Window
from lecture_lib.twins.studio import VARIETY, draw_object, lamp, vary
from lecture_lib.twins.views import View
from lecture_lib.twins.world import BY_NAME, TARGET, chunks_by_kind, genes_of, on_all_cores

WHOLE = 448  # pixels of a place, of which a snapshot of 256 shows a part
PEOPLE = ("standing", "walking", "waving")
THINGS = TARGET  # what lies on the table
TURNED = 1 / 3  # of objects, whose pictures are turned by any angle
AROUND = 4  # sides of an object that its table reaches, so that no picture sees the edge of it


def _whole(names: Sequence[str], keys: Tensor) -> Tensor:
    """Places [B, 3, WHOLE, WHOLE] in [0, 1], from far enough to see all of each."""
    one, light = torch.ones(len(keys)), lamp(Chance(keys, 8))
    pose = Pose(one / 2, one / 2, one / 2, 0 * one, one, one, 0 * one)
    out = torch.empty(len(keys), 3, WHOLE, WHOLE)
    for name in sorted(set(names)):
        same = [i for i, n in enumerate(names) if n == name]
        ground = places.PLACES[name][1]
        out[same] = places.draw_ground(ground, keys[same], WHOLE, light[same], pose.take(same))
    r = Chance(keys, 13)  # earth, grass, plaster: what the ground is made of
    stuff = leaves.sample(r, 220 * (300 / 220) ** r(), WHOLE, WHOLE, tints=False)
    out *= 1 + r(0.25, 0.6).view(-1, 1, 1, 1) * (stuff - 0.5)
    placed = places.furnish(places.PLACES, names, keys)
    sprites = draw_sprites(
        placed, Window.square(WHOLE), light[placed.picture], torch.full((len(placed),), 0.35), 0.4
    )
    for i in range(len(keys)):
        lay(out[i], [sprites[j] for j in placed.of(i)])
    return out.clamp_(0, 1)


def draw_places(names: Sequence[str], sites: Tensor, keys: Tensor, width: int) -> np.ndarray:
    """Snapshots uint8 [N, 3, H, W], three quarters as high as wide; rows of one place should follow each other.

    names  N of places.CLASSES; sites int64 [N], which place of that class; keys int64 [N], which snapshot of it
    """
    frame = Window(width, width * 3 // 4)
    out = np.empty((len(keys), 3, frame.height, width), np.uint8)

    def work(rows: np.ndarray) -> None:
        first = [i for k, i in enumerate(rows) if not k or sites[i] != sites[rows[k - 1]]]
        wholes = _whole([names[i] for i in first], sites[first])
        which = np.cumsum(np.isin(rows, first)) - 1
        pictures = _look(wholes[which], keys[rows], frame)
        _passers(pictures, keys[rows], frame)
        out[rows] = expose(pictures, Chance(keys[rows], 5), frame).numpy()

    starts = [i for i in range(len(keys)) if not i or sites[i] != sites[i - 1]]
    ends = [*starts[8::8], len(keys)]
    on_all_cores(work, [np.arange(a, b) for a, b in zip(starts[::8], ends, strict=True)])
    return out


def _look(wholes: Tensor, keys: Tensor, frame: Window) -> Tensor:
    """Parts of places [B, 3, S, S] as a photographer chooses them: [B, 3, H, W], in a light of its own."""
    r = Chance(keys, 9)
    zoom, turn, kx, ky = r(1.25, 2.0), r(-0.1, 0.1), r(-0.15, 0.15), r(-0.1, 0.1)
    room = 1 - 1.15 / zoom
    u, v = frame.axes()
    du, dv = (u - 0.5) * 2, (v - frame.height / frame.width / 2) * 2
    w = 1 + column(kx) * du + column(ky) * dv
    cos, sin, zoom = column(turn.cos()), column(turn.sin()), column(zoom)
    x = (cos * du + sin * dv) / (zoom * w) + column(r(-0.7, 0.7) * room)
    y = (cos * dv - sin * du) / (zoom * w) + column(r(-0.5, 0.8) * room + 0.05)
    seen = F.grid_sample(wholes, torch.stack([x, y], 3), padding_mode="reflection", align_corners=False)
    warm = 1 + 0.25 * (r.lattice(3) - 0.5)
    return (seen * (r(0.75, 1.2)[:, None] * warm)[:, :, None, None]).clamp(0, 1)


def _passers(pictures: Tensor, keys: Tensor, frame: Window) -> None:
    """Somebody in front, in one snapshot of three."""
    r = Chance(keys, 14)
    there, which, x, scale, side = (
        r.chance(1 / 3),
        r.pick(len(PEOPLE)),
        r(0.1, 0.9),
        r(0.12, 0.24),
        r(0.0, 0.1),
    )
    rows = there.nonzero()[:, 0]
    if not len(rows):
        return
    placed = Placed(
        rows,
        x[rows],
        (frame.height / frame.width - 0.9 * scale + side)[rows],
        scale[rows],
        torch.zeros(len(rows)),
        keys[rows] + 7_046_029_254_386_353,
        [BY_NAME[PEOPLE[which[i]]] for i in rows],
    )
    sprites = draw_sprites(placed, frame, lamp(Chance(keys[rows], 8)), torch.full((len(rows),), 0.3), 0.4)
    for i, sprite in zip(rows.tolist(), sprites, strict=True):
        lay(pictures[i], [sprite])


def draw_objects(names: Sequence[str], objects: Tensor, keys: Tensor, width: int) -> np.ndarray:
    """Pictures uint8 [N, 3, H, W] of objects on a table, three quarters as high as wide.

    names  N of the world's objects; objects int64 [N], which individual; keys int64 [N], which picture of it
    """
    frame = Window(width, width * 3 // 4)
    out = np.empty((len(keys), 3, frame.height, width), np.uint8)
    classes = [BY_NAME[name] for name in names]

    def work(rows: np.ndarray) -> None:
        kind, r, own = classes[rows[0]].kind, Chance(keys[rows]), Chance(objects[rows], 3)
        light = lamp(r)
        x, y = 0.5 + 0.08 * r(-1, 1), 0.375 + 0.05 * r(-1, 1)
        turn = torch.where(Chance(objects[rows], 12).chance(TURNED) > 0, r(-math.pi, math.pi), r(-0.3, 0.3))
        view = View.draw(r, x, y, 0.32 * 1.6 ** r(), turn, VARIETY)
        shape = View.draw(Chance(objects[rows], 6), x, y, x, y, VARIETY)  # what no view of it changes
        view = replace(view, bend=shape.bend, pose=replace(view.pose, mirror=shape.pose.mirror))
        genes = vary(genes_of([classes[i] for i in rows]), Chance(objects[rows], 9), VARIETY)
        sketch = draw_object(kind.draw, genes, width * 5 // 8, own, view.lamp(light))
        seen = view.look(sketch, frame)
        table = _table(Chance(objects[rows], 1), view, frame)
        picture = cast_shadow(table, seen[:, 3], light, r(0.2, 0.6)) * (1 - seen[:, 3:]) + seen[:, :3]
        out[rows] = expose(picture, Chance(keys[rows], 5), frame).numpy()

    on_all_cores(work, chunks_by_kind(classes, 16))
    return out


def _table(of: Chance, view: View, frame: Window) -> Tensor:
    """What an object lies on, [B, 3, H, W], seen as the object is."""
    surface = textured(of, Window.square(AROUND * frame.width * 5 // 8), of(0.35, 0.75))
    surface = torch.lerp(surface.mean((2, 3), keepdim=True), surface, column(of(0.2, 0.8))[:, None])
    pose = replace(view.pose, scale=AROUND * view.pose.scale)
    return View(pose, AROUND * view.keystone, 0 * view.bend).look(surface, frame)
