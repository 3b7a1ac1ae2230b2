"""What is behind and in front of the objects: backdrops, clutter, shadow, the camera.

Everything here is drawn by chance alone: no class, group or position decides it.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins.canvas import Window, hsv
from lecture_lib.twins.chance import Chance


def column(t: Tensor) -> Tensor:
    """[B] to [B, 1, 1]."""
    return t.view(-1, 1, 1)


def noise(r: Chance, window: Window, cells: int) -> Tensor:
    """Smooth noise [B, H, W] in about [0, 1] with `cells` bumps across the picture, the same at any size."""
    knots = r.lattice(cells + 3, cells + 3)[:, None]
    u, v = window.axes(knots.device)
    step = 2 / (cells + 2)
    grid = torch.stack(
        torch.broadcast_tensors(u * cells * step + step / 2 - 1, v * cells * step + step / 2 - 1), -1
    )
    field = F.grid_sample(knots, grid.expand(len(r), -1, -1, -1), mode="bicubic", align_corners=True)
    return field[:, 0]


def backdrop(r: Chance, window: Window) -> Tensor:
    """Backdrops [B, 3, H, W] in [0, 1]: studio gradients, walls and floors, clouds, stripes, tiles."""
    u, v = window.axes(r.keys.device)
    kind = column(r.pick(6))
    hue, value = r(), r(0.30, 0.95)
    first = hsv(hue, r(0.05, 0.50), value)
    second = hsv(hue + r(-0.15, 0.15), r(0.05, 0.55), (value + r(-0.4, 0.4)).clamp(0.12, 1))
    angle, pitch, phase = r(0, math.pi), r(12, 36), r(0, 6.3)
    along = u * column(angle.cos()) + v * column(angle.sin())
    across = v * column(angle.cos()) - u * column(angle.sin())

    gradient = along * 0.8 + 0.1
    horizon = ((v - column(r(0.5, 0.85)) + u * column(r(-0.06, 0.06))) * 60).clamp(0, 1)
    cloud = noise(r, window, 3) * 0.65 + noise(r, window, 7) * 0.35
    stripes = ((along * column(pitch) + column(phase)).sin() * 2.5 + 0.5).clamp(0, 1)
    seam = (along * column(pitch) * 0.5).sin().abs().minimum((across * column(pitch) * 0.5).sin().abs())
    tiles = (seam * 8).clamp(0, 1)
    mix = torch.where(kind == 0, gradient, cloud)
    for k, field in ((1, horizon), (2, stripes), (3, tiles)):
        mix = torch.where(kind == k, field, mix)
    mix = mix * column(r(0.35, 1.0)) + (cloud - 0.5) * column(r(0.0, 0.35))
    return torch.lerp(first[:, :, None, None], second[:, :, None, None], mix.clamp(0, 1)[:, None])


def scatter(
    picture: Tensor, r: Chance, window: Window, count: int, size: tuple[float, float], chance: float
) -> Tensor:
    """Lay `count` plain distractors (discs, boxes, wedges, sharp or out of focus) over the picture."""
    u, v = window.axes(picture.device)
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
        colour = hsv(r(), r(0.1, 0.8), r(0.25, 0.95))[:, :, None, None]
        lit = colour * (0.85 - 0.25 * dy.clamp(-1, 1))[:, None]
        picture = torch.lerp(picture, lit, a[:, None])
    return picture


def cast_shadow(picture: Tensor, cover: Tensor, light: Tensor, strength: Tensor) -> Tensor:
    """Darken the picture where an object stands between it and the lamp; soft, the same at any size."""
    coarse = F.adaptive_avg_pool2d(cover[:, None], 24)
    coarse = F.avg_pool2d(F.pad(coarse, (1, 1, 1, 1), mode="replicate"), 3, 1)
    theta = torch.zeros(len(cover), 2, 3, device=cover.device)
    theta[:, 0, 0] = theta[:, 1, 1] = 1
    theta[:, 0, 2], theta[:, 1, 2] = 0.16 * light[:, 0], -0.16 * light[:, 1]
    grid = F.affine_grid(theta, [len(cover), 1, *cover.shape[1:]], align_corners=False)
    shadow = F.grid_sample(coarse, grid, mode="bilinear", align_corners=False)
    return picture * (1 - column(strength)[:, None] * shadow)


def expose(picture: Tensor, r: Chance, window: Window) -> Tensor:
    """Take the photograph: exposure, colour cast, contrast, vignette, sensor noise; to uint8 [B, 3, H, W]."""
    u, v = window.axes(picture.device)
    gain = r(0.8, 1.12)[:, None] * (1 + 0.10 * (r.lattice(3) - 0.5))
    contrast = r(0.8, 1.1)[:, None, None, None]
    vignette = 1 - column(r(0, 0.45)) * ((u - 0.5) ** 2 + (v - 0.5) ** 2)
    picture = ((picture - 0.5) * contrast + 0.5) * gain[:, :, None, None] * vignette[:, None]
    grain = r.lattice(*picture.shape[2:]) - 0.5
    picture = picture + grain[:, None] * (0.10 * r() ** 2)[:, None, None, None]
    return (picture.clamp(0, 1) * 255 + 0.5).to(torch.uint8)
