"""What is behind and in front of the objects: backdrops, clutter, shadow, the camera.

Everything here is drawn by chance alone: no class, group or position decides it.
"""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins import leaves
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.frames import Window
from lecture_lib.twins.paints import hsv, hue

CONTRAST = (0.3, 3.3)  # of surfaces: a wall, foliage


def column(t: Tensor) -> Tensor:
    """[B] to [B, 1, 1]."""
    return t.view(-1, 1, 1)


def noise(r: Chance, window: Window, cells: int) -> Tensor:
    """Smooth noise [B, H, W] in about [0, 1] with `cells` bumps across the picture, the same at any size."""
    u, v = window.axes()
    down, along = (_cubic(t.flatten() * cells + 0.5, cells + 3) for t in (v, u))
    return down @ r.lattice(cells + 3, cells + 3) @ along.T


def _cubic(at: Tensor, count: int) -> Tensor:
    """Weights [T, count] of knots 0, 1, .. for bicubic interpolation at [T] (Keys 1981, a = -3/4)."""
    d = (at[:, None] - torch.arange(count)).abs()
    near, far = 1.25 * d**3 - 2.25 * d**2 + 1, -0.75 * d**3 + 3.75 * d**2 - 6 * d + 3
    return torch.where(d < 1, near, torch.where(d < 2, far, 0.0))


def textured(r: Chance, window: Window, value: Tensor) -> Tensor:
    """A surface [B, 3, H, W] of about brightness `value` [B]: a piece of dead leaves, strong or faint, in two tints."""
    extent = 130 * (300 / 130) ** r()
    piece = leaves.sample(r, extent, window.width, window.height)
    tint = hue(r)
    first = hsv(tint, r(0.0, 0.5), value)
    second = hsv(tint + r(-0.15, 0.15), r(0.0, 0.55), (value + r(-0.3, 0.3)).clamp(0.1, 1))
    colour = torch.lerp(first[:, :, None, None], second[:, :, None, None], piece[:, 1:])
    return colour.mul_(
        1 + column(CONTRAST[0] + (CONTRAST[1] - CONTRAST[0]) * r() ** 0.7)[:, None] * (piece[:, :1] - 0.5)
    )


def backdrop(r: Chance, window: Window) -> Tensor:
    """Backdrops [B, 3, H, W] in [0, 1]: two surfaces that meet at a horizon, at a corner or along a ragged line."""
    u, v = window.axes()
    value = r(0.25, 0.9)
    far, near = textured(r, window, value), textured(r, window, (value + r(-0.4, 0.4)).clamp(0.15, 0.95))
    kind = column(r.pick(4))
    cloud = noise(r, window, 3) * 0.65 + noise(r, window, 7) * 0.35
    edge = torch.where(
        kind == 0, u - column(r(0.1, 0.9)), v - column(r(0.3, 0.75)) + u * column(r(-0.1, 0.1))
    )
    edge = torch.where(kind == 1, cloud - 0.5, edge)
    picture = torch.lerp(far, near, (edge * 60 + 0.5).clamp_(0, 1)[:, None])
    return picture.mul_(1 + (cloud - 0.5)[:, None] * column(r(0.0, 0.8))[:, None])


def scatter(
    picture: Tensor, r: Chance, window: Window, count: int, size: tuple[float, float], chance: float
) -> Tensor:
    """Lay `count` plain distractors (discs, boxes, wedges, sharp or out of focus) over the picture."""
    u, v = window.axes()
    for _ in range(count):
        there = r.chance(chance)
        radius, theta = r(0.28, 0.75), r(0, 2 * math.pi)  # off the centre, all around it
        cx, cy = 0.5 + radius * theta.cos(), 0.5 + radius * theta.sin()
        angle, long = r(0, math.pi), r(*size)
        wide = long * r(0.25, 1.0)
        dx, dy = u - column(cx), v - column(cy)
        cos, sin = column(angle.cos()), column(angle.sin())
        dx, dy = (cos * dx + sin * dy).abs_() / column(long), (cos * dy - sin * dx) / column(wide)
        square, taper = column(r.chance(0.5)), column(r.chance(0.3) * 0.5)
        dy = dy.abs() + taper * dy
        d = torch.lerp((dx * dx + dy * dy).sqrt() - 1, torch.maximum(dx, dy) - 0.8, square)
        soft = column((r(0, 0.5) - 0.25).clamp(min=0) + 1.0 / (window.width * wide))
        a = (0.5 - d / soft).clamp_(0, 1) * column(there * r(0.6, 1.0))
        colour = hsv(hue(r), r(0.1, 0.7), r(0.2, 0.95))[:, :, None, None]
        lit = colour * (0.85 - 0.25 * dy.clamp(-1, 1))[:, None]
        picture = torch.lerp(picture, lit, a[:, None])
    return picture


def cast_shadow(picture: Tensor, cover: Tensor, light: Tensor, strength: Tensor) -> Tensor:
    """Darken the picture where an object stands between it and the lamp; soft, the same at any size."""
    coarse = F.adaptive_avg_pool2d(cover[:, None], 24)
    coarse = F.avg_pool2d(F.pad(coarse, (1, 1, 1, 1), mode="replicate"), 3, 1)
    theta = torch.zeros(len(cover), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    theta[:, 0, 2], theta[:, 1, 2] = 0.16 * light[:, 0], -0.16 * light[:, 1]
    shadow = F.grid_sample(
        coarse, F.affine_grid(theta, coarse.shape, align_corners=False), align_corners=False
    )
    shadow = F.interpolate(shadow, cover.shape[1:], mode="bilinear")
    return picture * (1 - column(strength)[:, None] * shadow)


@cache
def _grain() -> Tensor:
    """Noise in [-.5, .5) of which every picture takes a piece."""
    return torch.rand(512, 512, generator=torch.Generator().manual_seed(0)) - 0.5


def expose(picture: Tensor, r: Chance, window: Window) -> Tensor:
    """Take the photograph: exposure, colour cast, contrast, vignette, sensor noise; to uint8 [B, 3, H, W]."""
    u, v = window.axes()
    gain = r(0.8, 1.12)[:, None] * (1 + 0.10 * (r.lattice(3) - 0.5))
    contrast = r(0.8, 1.1)[:, None, None, None]
    vignette = 1 - column(r(0, 0.45)) * ((u - 0.5) ** 2 + (v - 0.5) ** 2)
    picture = ((picture - 0.5) * contrast + 0.5) * gain[:, :, None, None] * vignette[:, None]
    soft = F.avg_pool2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
    picture = torch.lerp(
        picture, soft, r(-1.4, 0.25).view(-1, 1, 1, 1)
    )  # the lens blurs, the camera sharpens
    left, top, much = r.pick(512), r.pick(512), 0.10 * r() ** 2
    rows, columns = torch.arange(window.height), torch.arange(window.width)
    grain = _grain()[((top[:, None] + rows) % 512)[:, :, None], ((left[:, None] + columns) % 512)[:, None]]
    picture += grain[:, None] * much.view(-1, 1, 1, 1)
    return picture.clamp_(0, 1).mul_(255).add_(0.5).to(torch.uint8)
