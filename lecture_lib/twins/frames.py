"""The frame of a picture and where an object stands in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Window:
    """A picture's size in pixels.

    Pixel centres have picture coordinates in picture widths, y DOWN: ((column + .5) / width, (row + .5) / width).
    """

    width: int
    height: int

    @classmethod
    def square(cls, side: int) -> Window:
        """The window of a square picture."""
        return cls(side, side)

    def axes(self) -> tuple[Tensor, Tensor]:
        """Picture coordinates: u [1, 1, W] to the right and v [1, H, 1] downwards."""
        u = (torch.arange(self.width) + 0.5) / self.width
        v = (torch.arange(self.height) + 0.5) / self.width
        return u.view(1, 1, -1), v.view(1, -1, 1)


@dataclass(frozen=True)
class Pose:
    """Where an object stands in its picture; every field is a tensor [B].

    x, y: its centre in picture coordinates; scale: half its side, in picture widths; angle: radians,
    anticlockwise; mirror: +1 or -1; stretch: width over height; shear.
    """

    x: Tensor
    y: Tensor
    scale: Tensor
    angle: Tensor
    mirror: Tensor
    stretch: Tensor
    shear: Tensor

    def to_picture(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Picture coordinates of points x, y [B, K] in object units: the way back of a sketch's fields."""
        x0, y0, scale, angle, mirror, stretch, shear = (getattr(self, f.name)[:, None] for f in fields(self))
        across, up = (x - shear * y) * stretch * mirror * scale, y * scale
        return x0 + angle.cos() * across - angle.sin() * up, y0 - angle.sin() * across - angle.cos() * up

    def take(self, rows: Sequence[int]) -> Pose:
        """The poses of the pictures at `rows`."""
        return Pose(*(getattr(self, f.name)[rows] for f in fields(self)))
