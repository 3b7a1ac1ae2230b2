"""Smooth sculptures before clutter: the twin of Sculptures6k.

A sculpture is a body of rounded limbs in space that melt into each other, some with holes. It is seen from a direction
(turned about its upright axis, so that its outline changes as that of a solid does), in any size, tilted a little, in
any light. It has no texture: what tells it from others is its outline and its shading, while local features find
corners in the clutter behind. Ranges: up to 25 degrees to either side and 12 degrees of tilt, as when one walks past a
statue; the height of a sculpture is 0.45 to 0.85 of the picture's.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins.backdrop import backdrop, cast_shadow, column, expose, scatter
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.frames import Window
from lecture_lib.twins.paints import hsv
from lecture_lib.twins.studio import lamp
from lecture_lib.twins.world import on_all_cores

LIMBS = 9  # at most; a body, what hangs on it, and holes
MELT = 0.045  # how far parts run into each other; the body is about 2 units high
TURN, TILT = np.radians(25), np.radians(12)


def body(individual: int) -> tuple[np.ndarray, float, float]:
    """A sculpture: limbs float64 [LIMBS, 9] (two ends in space, two radii, 1: a hole), hue and brightness."""
    random = np.random.default_rng(individual & (2**63 - 1))
    u, limbs = random.uniform, np.zeros((LIMBS, 9))
    limbs[:, :3], limbs[:, 6:8] = 9.0, 0.05  # those that are not there are far away
    limbs[:, 3:6] = limbs[:, :3]
    lean = u(-0.25, 0.25)
    if random.random() < 0.4:  # reclining
        ends = [np.array([-0.8, u(-0.75, -0.45), 0]), np.array([u(0.1, 0.7), u(-0.7, -0.1), u(-0.2, 0.2)])]
    else:
        ends = [np.array([-lean, -0.85, 0]), np.array([lean, u(0.1, 0.5), u(-0.15, 0.15)])]
    limbs[0] = [*ends[0], *ends[1], u(0.2, 0.34), u(0.16, 0.34), 0]
    n = int(random.integers(4, 8))
    for k in range(1, n):
        root = limbs[random.integers(0, k)]
        start = root[:3] + u(0, 1) * (root[3:6] - root[:3]) if random.random() < 0.4 else root[3:6]
        reach = u(0.35, 0.85) * np.array([random.choice([-1, 1]) * u(0.2, 1), u(-0.6, 1), u(-0.6, 0.6)])
        thick = u(0.08, 0.2)
        limbs[k] = [*start, *(start + reach), thick * u(0.9, 1.5), thick * u(0.5, 1.4), 0]
    for k in range(n, n + int(random.choice(3, p=(0.35, 0.4, 0.25)))):
        root = limbs[random.integers(0, 2)]
        at = root[:3] + u(0.2, 0.8) * (root[3:6] - root[:3]) + np.array([u(-0.12, 0.12), u(-0.1, 0.1), 0])
        limbs[k] = [*at, *(at + np.array([u(-0.15, 0.15), u(-0.2, 0.2), 0])), u(0.06, 0.12), u(0.06, 0.12), 1]
    solid = (limbs[:, 8] == 0) & (limbs[:, 0] < 5)
    low = np.minimum(limbs[solid, :3], limbs[solid, 3:6]).min(0)
    high = np.maximum(limbs[solid, :3], limbs[solid, 3:6]).max(0)
    here = limbs[:, 0] < 5
    size = max(high[1] - low[1] + 0.4, 0.8 * (high[0] - low[0] + 0.4)) / 2
    for part in (slice(0, 3), slice(3, 6)):
        limbs[here, part] = (limbs[here, part] - (low + high) / 2) / size
    limbs[:, 6:8] /= size
    if random.random() < 0.55:  # bronze, else stone
        return limbs, float(u(0.06, 0.42)), float(u(0.22, 0.5))
    return limbs, -float(u(0.06, 0.14)), float(u(0.55, 0.95))


def _field(limbs: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Distance [B, H, W] to the outline of limbs [B, LIMBS, 7] in the plane, negative inside; x, y [B, H, W]."""
    solid, holes = torch.zeros_like(x), torch.full_like(x, 9.0)
    for k in range(limbs.shape[1]):
        x0, y0, x1, y1, r0, r1, hole = (column(limbs[:, k, i]) for i in range(7))
        ex, ey = x1 - x0, y1 - y0
        t = (((x - x0) * ex + (y - y0) * ey) / (ex * ex + ey * ey + 1e-9)).clamp(0, 1)
        d = torch.hypot(x - x0 - ex * t, y - y0 - ey * t) - torch.lerp(r0, r1, t)
        solid += torch.where(hole > 0, 0.0, (-d.clamp(-1, 3) / MELT).exp())
        holes = torch.where(hole > 0, torch.minimum(holes, d), holes)
    d = -MELT * (solid + 1e-30).log()
    return torch.maximum(d, -holes)


def draw(individuals: Tensor, keys: Tensor, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw pictures of sculptures.

    individuals  int64 [N], which sculpture; keys int64 [N], which picture of it
    returns      uint8 [N, 3, H, W]; masks of the sculptures bool [N, H, W]; and their boxes in pixels, float32 [N, 4]
    """
    frame = Window(width, width * 3 // 4)
    pictures = np.empty((len(keys), 3, frame.height, width), np.uint8)
    masks, boxes = np.empty((len(keys), frame.height, width), bool), np.empty((len(keys), 4), np.float32)

    def work(rows: np.ndarray) -> None:
        colour, cover = _draw(individuals[rows], keys[rows], frame)
        pictures[rows], masks[rows] = (
            expose(colour, Chance(keys[rows], 5), frame).numpy(),
            cover.numpy() > 0.5,
        )
        for i in rows:
            y, x = masks[i].nonzero()
            boxes[i] = x.min(), y.min(), x.max() + 1, y.max() + 1

    on_all_cores(work, [np.arange(i, min(i + 16, len(keys))) for i in range(0, len(keys), 16)])
    return pictures, masks, boxes


def _draw(individuals: Tensor, keys: Tensor, frame: Window) -> tuple[Tensor, Tensor]:
    """Pictures before the camera [B, 3, H, W] and covers [B, H, W]."""
    bodies = [body(int(i)) for i in individuals]
    limbs = torch.tensor(np.stack([b[0] for b in bodies]), dtype=torch.float32)
    hue, value = (torch.tensor([b[k] for b in bodies], dtype=torch.float32) for k in (1, 2))
    r = Chance(keys, 2)
    turn, tilt, light = r(-TURN, TURN), r(-TILT, TILT), lamp(r)
    scale = r(0.45, 0.85) * frame.height / frame.width / 2
    cx = 0.5 + r(-1, 1) * (0.5 - scale).clamp(min=0) * 0.7
    cy = frame.height / frame.width / 2 + r(-1, 1) * (frame.height / frame.width / 2 - scale) * 0.8
    flat = []
    for x, y, z in (limbs[:, :, 0:3].unbind(2), limbs[:, :, 3:6].unbind(2)):  # turned about the upright axis
        far = (x > 5).float() * 99
        flat += [x * turn.cos()[:, None] + z * turn.sin()[:, None] + far, y]
    flat = torch.stack([*flat, limbs[:, :, 6], limbs[:, :, 7], limbs[:, :, 8]], 2)
    u, v = frame.axes()
    du, dv = (u - column(cx)) / column(scale), (column(cy) - v) / column(scale)
    cos, sin = column(tilt.cos()), column(tilt.sin())
    x, y = cos * du + sin * dv, cos * dv - sin * du
    d = _field(flat, x, y)
    pixel = 1 / (frame.width * column(scale))
    cover = (0.5 - d / pixel).clamp(0, 1)
    # round: the height above the picture's plane swells from the outline inwards
    swell = ((-d).clamp(min=0) / 0.22).clamp(max=1)
    height = 0.22 * (1 - (1 - swell) ** 2).clamp(min=0).sqrt()
    height = F.avg_pool2d(F.pad(height[:, None], (1, 1, 1, 1), mode="replicate"), 3, 1)[:, 0]
    gx, gy = torch.zeros_like(height), torch.zeros_like(height)
    gx[:, :, 1:-1] = height[:, :, 2:] - height[:, :, :-2]
    gy[:, 1:-1] = height[:, :-2] - height[:, 2:]
    gx, gy = (g.div(2 * pixel).clamp(-2, 2) for g in (gx, gy))
    length = (1 + gx * gx + gy * gy).rsqrt()
    lx, ly, lz = (column(light[:, i]) for i in range(3))
    lambert = ((lz - gx * lx - gy * ly) * length).clamp(0, 1)
    bronze = hue > 0
    paint = hsv(hue.abs(), torch.where(bronze, 0.38, 0.1), value)
    shine = column(torch.where(bronze, 0.5, 0.08)) * lambert**16
    clay = paint[:, :, None, None] * (0.25 + 0.85 * lambert + 0.1 * gy * length)[:, None] + shine[:, None]
    picture = scatter(backdrop(Chance(keys, 1), frame), Chance(keys, 4), frame, 4, (0.04, 0.2), 0.7)
    solid = flat[:, :, 6] == 0
    foot = torch.minimum(flat[:, :, 1] - flat[:, :, 4], flat[:, :, 3] - flat[:, :, 5])
    foot = torch.where(solid & (flat[:, :, 1] < 5), foot, 9.0).amin(1)  # where it stands
    picture, clay = _plinth(picture, r, frame, cx, cy - foot * scale, scale), clay.clamp(0, 1)
    picture = cast_shadow(picture, cover, light, r(0.1, 0.5))
    return torch.lerp(picture, clay, cover[:, None]), cover


def _plinth(picture: Tensor, r: Chance, frame: Window, cx: Tensor, top: Tensor, scale: Tensor) -> Tensor:
    """A block of stone under most of the sculptures."""
    u, v = frame.axes()
    there = r.chance(0.7)
    d = torch.maximum((u - column(cx)).abs() - column(r(0.5, 1.0) * scale), column(top - 0.04 * scale) - v)
    a = (0.5 - d * frame.width).clamp(0, 1) * column(there)
    return torch.lerp(
        picture, hsv(r(0.06, 0.14), 0.1, r(0.4, 0.8))[:, :, None, None].expand_as(picture), a[:, None]
    )
