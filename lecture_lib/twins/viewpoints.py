"""Planes in space, where they are seen from and in what light: the geometry of `landmarks`.

Metres: X to the right, Y up, Z towards the photographer. Ranges are those of a tourist's photographs: from 60 degrees
left to 60 degrees right, from one to two and a half building sizes away, at eye level (one in six from higher up), in
sun, under clouds or at dusk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins import masonry

EYE = 1.7  # metres
UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Plane:
    """A rectangle in space, metres [3], with its sheet [6, h, w] at full, half, .. resolution."""

    origin: np.ndarray
    along: np.ndarray
    up: np.ndarray
    size: tuple[float, float]
    sheets: list[Tensor]

    @property
    def normal(self) -> np.ndarray:
        """Outwards."""
        n = np.cross(self.along, self.up)
        return n if n[2] > 0 else -n

    def covers(self, s: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Whether there is something at metres s along and t up, any shape."""
        cover = self.sheets[0][5].numpy()
        column = np.floor(s * masonry.PPM)
        row = np.floor((self.size[1] - t) * masonry.PPM)
        inside = (column >= 0) & (row >= 0) & (column < cover.shape[1]) & (row < cover.shape[0])
        return inside & (
            cover[np.where(inside, row, 0).astype(int), np.where(inside, column, 0).astype(int)] > 0.5
        )


def make_plane(origin: np.ndarray, along: np.ndarray, up: np.ndarray, sheet: Tensor) -> Plane:
    """A plane with its sheet [6, h, w], at all resolutions."""
    levels = [sheet]
    while len(levels) < 5:
        levels.append(F.avg_pool2d(levels[-1][None], 2, ceil_mode=True)[0])
    size = (sheet.shape[2] / masonry.PPM, sheet.shape[1] / masonry.PPM)
    return Plane(origin, along, up, size, levels)


@dataclass(frozen=True)
class View:
    """Where a picture is taken from: camera in metres [3], and the matrix [3, 3] from metres to the picture.

    A point p is seen at q = matrix @ (p - camera), in picture widths (q[0], q[1]) / q[2], y down; focal: of the lens,
    in picture widths.
    """

    camera: np.ndarray
    matrix: np.ndarray
    focal: float

    def see(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where points [..., 3] are: picture coordinates [..., 2] and distance [...]."""
        q = (points - self.camera) @ self.matrix.T
        return q[..., :2] / q[..., 2:], q[..., 2]

    def homography(self, plane: Plane) -> np.ndarray:
        """From metres on a plane (s, t, 1) to the picture, [3, 3]."""
        return self.matrix @ np.stack([plane.along, plane.up, plane.origin - self.camera], 1)

    def faces(self, plane: Plane) -> bool:
        """Whether the plane shows its outer side."""
        return float(plane.normal @ (self.camera - plane.origin)) > 0.05


def look_at(planes: tuple[Plane, ...], random: np.random.Generator, clear: bool) -> View:
    """Choose from where and how a picture is taken; clear: as one who wants all of the building in it."""
    u = random.uniform
    low = np.stack([p.origin for p in planes] + [p.origin + p.size[0] * p.along for p in planes])
    ends = np.concatenate([low, low + np.stack([p.size[1] * p.up for p in planes] * 2)])
    reach = np.ptp(ends, 0).max()
    turn = np.radians(u(-60, 60))
    eye = EYE if u() < 5 / 6 else u(4, 10)
    far = reach * u(0.9, 2.4)
    camera = np.array([np.sin(turn) * far, eye, np.cos(turn) * far])
    forward = ends.mean(0) * [1, u(0.75, 1.1), 1] - camera
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, UP)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    roll = 0.035 * random.normal()
    right, down = np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right
    axes = np.stack([right, down, forward])
    shown = np.concatenate(
        [ends[i :: len(planes)] for i, p in enumerate(planes) if View(camera, axes, 1).faces(p)]
    )
    at = (shown - camera) @ axes.T
    at = at[:, :2] / at[:, 2:].clip(0.3)
    low, high = at.min(0), at.max(0)
    kind = random.choice(3, p=(1.0, 0, 0) if clear else (0.5, 0.32, 0.18))
    zoom = (u(0.72, 0.98), u(0.9, 2.2), u(1.0, 3.2))[kind]
    focal = zoom / max(high[0] - low[0], (high[1] - low[1]) / 0.75)
    half = focal * (high - low) / 2
    room = np.abs(np.array([0.5, 0.375]) - half)  # how far its middle may be off, so that it fills or fits in
    if kind < 2:
        off = u(-1, 1, 2) * room * (1, 0.9)
    else:  # at the border, much of it outside
        off = (
            (half + np.array([0.5, 0.375])) * u(0.45, 0.95) * np.array([random.choice([-1, 1]), u(-0.3, 0.3)])
        )
    middle = np.array([0.5, 0.375]) + off - focal * (low + high) / 2
    return View(camera, np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]]) @ axes, focal)


@dataclass(frozen=True)
class Light:
    """Of a picture: direction of the sun [3], its colour and the sky's [3], and the sky's paints above and below."""

    sun: np.ndarray
    bright: np.ndarray
    ambient: np.ndarray
    sky: np.ndarray

    @classmethod
    def draw(cls, random: np.random.Generator) -> Light:
        """Draw a weather."""
        u = random.uniform
        kind = random.choice(3, p=(0.55, 0.25, 0.2))
        side, rise = np.radians(u(-110, 110)), np.radians((u(20, 60), u(40, 70), u(6, 18))[kind])
        sun = np.array([np.cos(rise) * np.sin(side), np.sin(rise), np.cos(rise) * np.cos(side)])
        if kind == 0:
            sky = np.array([[0.25, 0.45, 0.8], [0.7, 0.82, 0.95]]) * u(0.75, 1.05)
            return cls(
                sun,
                u(0.55, 0.9) * np.array([1.0, 0.93, 0.82]),
                u(0.35, 0.55) * np.array([0.92, 0.97, 1.08]),
                sky,
            )
        if kind == 1:
            sky = np.array([[0.6, 0.63, 0.68], [0.82, 0.84, 0.86]]) * u(0.75, 1.1)
            return cls(sun, 0.12 * np.ones(3), u(0.65, 0.95) * np.array([0.97, 1.0, 1.04]), sky)
        warm = u()
        sky = np.array([[0.16, 0.2, 0.42], [0.5 + 0.4 * warm, 0.4, 0.45 - 0.2 * warm]]) * u(0.6, 1.0)
        return cls(
            sun, u(0.3, 0.7) * np.array([1.1, 0.75, 0.45]), u(0.35, 0.55) * np.array([0.85, 0.9, 1.15]), sky
        )

    def on(self, normal: np.ndarray) -> np.ndarray:
        """Light [3] on a surface that faces `normal`."""
        return self.ambient * (0.85 + 0.15 * normal[1]) + self.bright * max(0.0, float(normal @ self.sun))


def apply(h: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A homography [3, 3] of points [n, 2]: x, y and the third coordinate, [n] each."""
    x, y, w = h[:, :2] @ at.T + h[:, 2:]
    return x / w, y / w, w
