"""Shapes that repeat: tiles, bottles, seats, pins.

A folded coordinate has the same values around every repetition, so that one distance field draws all of them.
Offsets and fields are [B, H, W], in the units of `canvas`; distances are negative inside.
"""

from __future__ import annotations

import torch
from torch import Tensor


def fold(x: Tensor, pitch: Tensor | float, low: float = -99, high: float = 99) -> Tensor:
    """Return the offset of x from the nearest multiple of `pitch`, of the multiples `low` to `high`."""
    return x - pitch * (x / pitch).round().clamp(low, high)


def block(dx: Tensor, dy: Tensor, hw: Tensor | float, hh: Tensor | float) -> Tensor:
    """Return a rectangle's distance field from offsets to its centre (folded ones draw many)."""
    return torch.maximum(dx.abs() - hw, dy.abs() - hh)


def rounded(dx: Tensor, dy: Tensor, hw: float, hh: float, corner: float) -> Tensor:
    """Return the field of a rectangle with round corners."""
    qx, qy = dx.abs() - hw + corner, dy.abs() - hh + corner
    return torch.hypot(qx.clamp(min=0), qy.clamp(min=0)) + torch.maximum(qx, qy).clamp(max=0) - corner


def oval(dx: Tensor, dy: Tensor, rx: Tensor | float, ry: Tensor | float) -> Tensor:
    """Return an ellipse's distance field, good near its rim, from offsets to its centre."""
    small = torch.minimum(torch.as_tensor(rx), torch.as_tensor(ry))
    return (((dx / rx) ** 2 + (dy / ry) ** 2).sqrt() - 1) * small


def pointed(dx: Tensor, y: Tensor, foot: float, spring: float, hw: float) -> Tensor:
    """Return the field of a pointed arch, its sides straight from `foot` to `spring`."""
    dx, up = dx.abs(), (y - spring).clamp(min=0)
    return torch.maximum(((dx + hw) ** 2 + up * up).sqrt() - 2 * hw, foot - y)
