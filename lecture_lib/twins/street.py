"""What pictures of `landmarks` are painted with: sky, ground, and planes under their light."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins import masonry
from lecture_lib.twins.frames import Window
from lecture_lib.twins.viewpoints import UP, Light, Plane, View, apply

FINE = 2  # samples a pixel in each direction, so that far walls do not flicker


def _rays(view: View, window: Window) -> Tensor:
    """Directions in space [H, W, 3] of the pixels."""
    u, v = window.axes()
    u, v = torch.broadcast_tensors(u[0], v[0])
    back = torch.tensor(np.linalg.inv(view.matrix), dtype=torch.float32)
    return torch.stack([u, v, torch.ones_like(u)], 2) @ back.T


def surroundings(
    view: View, light: Light, window: Window, cloud: Tensor, clouds: float, earth: Tensor
) -> Tensor:
    """Sky and ground [3, H, W]; cloud [H, W] and earth [3, S, S] are the picture's own."""
    ray = F.normalize(_rays(view, window), dim=2)
    top, low = torch.tensor(light.sky, dtype=torch.float32)[:, :, None, None]
    rise = ray[..., 1].clamp(0, 1).sqrt()
    sky = low + (top - low) * rise
    white = ((cloud - 0.75 + 0.5 * clouds) * 4).clamp(0, 1) * 0.7
    sky = torch.lerp(sky, (low.mean() + 0.15).expand_as(sky), white)
    x, y, z = (float(c) for c in view.camera)
    far = (y / (-ray[..., 1]).clamp(min=1e-3)).clamp(max=400)
    at = torch.stack([x + far * ray[..., 0], z + far * ray[..., 2]], 2) / 6
    ground = F.grid_sample(earth[None], at[None], padding_mode="reflection", align_corners=False)[0]
    ground = torch.lerp(ground, earth.mean((1, 2), keepdim=True), (far / 60).clamp(0, 1))
    lit = torch.tensor(light.on(UP), dtype=torch.float32).view(3, 1, 1)
    return torch.lerp(sky, ground * lit, (-ray[..., 1] * 200 + 0.5).clamp(0, 1))


def facades(planes: tuple[Plane, ...], view: View, light: Light, window: Window) -> tuple[Tensor, Tensor]:
    """The building in its light: colour [3, H, W] times its cover, and its cover [H, W]."""
    width, height = window.width * FINE, window.height * FINE
    out = torch.zeros(4, height, width)
    for plane in planes:
        if not view.faces(plane):
            continue
        h = view.homography(plane)
        ends = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * plane.size
        x, y, w = apply(h, ends)
        if (w < 0.1).any():  # reaches behind the camera
            low, high = np.zeros(2, int), np.array([width, height])
        else:
            low = np.floor([x.min() * width, y.min() * width]).astype(int).clip(0, [width, height])
            high = np.ceil([x.max() * width, y.max() * width]).astype(int).clip(0, [width, height])
        if (high <= low).any():
            continue
        back = torch.tensor(np.linalg.inv(h), dtype=torch.float32)
        u = (torch.arange(low[0], high[0]) + 0.5)[None] / width
        v = (torch.arange(low[1], high[1]) + 0.5)[:, None] / width
        s, t, one = (back[k, 0] * u + back[k, 1] * v + back[k, 2] for k in range(3))
        grid = torch.stack([s / one * (2 / plane.size[0]) - 1, 1 - t / one * (2 / plane.size[1])], 2)
        # pixels of the sheet for a pixel of the picture, at the middle of what is seen
        middle = apply(h, np.array(plane.size)[None] / 2)[2]
        fine = np.sqrt(abs(np.linalg.det(h)) / middle[0].clip(0.5) ** 3) * width / masonry.PPM
        sheet = plane.sheets[int(np.clip(np.round(-np.log2(fine)), 0, len(plane.sheets) - 1))]
        seen = F.grid_sample(sheet[None], grid[None], align_corners=False)[0]
        cover = seen[5] * (one > 0) if (w < 0.1).any() else seen[5]
        ambient, bright, sun = light.ambient, light.bright, light.sun
        n, a, b = (float(axis @ sun) for axis in (plane.normal, plane.along, plane.up))
        toward = (n - a * seen[3] - b * seen[4]) * (1 + seen[3] ** 2 + seen[4] ** 2).rsqrt()
        soft = 1 - 0.18 * seen[4].clamp(-1.5, 1.5)  # the sky lights ledges from above
        column = lambda c: torch.tensor(c, dtype=torch.float32).view(3, 1, 1)  # noqa: E731
        lit = column(ambient) * soft + column(bright) * toward.clamp(min=0) * (1.0 if n > 0 else 0.3)
        part = out[:, low[1] : high[1], low[0] : high[0]]
        part.mul_(1 - cover)
        part[:3] += seen[:3] * lit * cover
        part[3] += cover
    out = F.avg_pool2d(out[None], FINE)[0]
    return out[:3], out[3]
