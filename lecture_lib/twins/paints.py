"""Colours: drawn alike for all classes, so that they tell nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from lecture_lib.twins.chance import Chance

Value = float | Tensor
PAINTS = ("body", "second", "accent", "dark", "light")


def hsv(h: Tensor, s: Value, v: Value) -> Tensor:
    """Hue (any real, period 1), saturation and value in [0, 1], [B] each, to linear-ish RGB [B, 3]."""
    k = (h[:, None] * 6 + torch.tensor([5.0, 3.0, 1.0])) % 6
    s = torch.as_tensor(s).expand(len(h))[:, None]
    v = torch.as_tensor(v).expand(len(h))[:, None]
    return v - v * s * torch.minimum(k, 4 - k).clamp(0, 1)


def hue(r: Chance) -> Tensor:
    """Draw hues [B] as they are in the world, whatever has them: earth and skin, leaves, sky and sea, seldom others."""
    kind = r()
    warm = torch.where(kind < 0.5, r(0.01, 0.14), torch.where(kind < 0.68, r(0.18, 0.38), r(0.52, 0.66)))
    return torch.where(kind < 0.88, warm, r())


def palette(r: Chance) -> dict[str, Tensor]:
    """Draw an object's paints, each [B, 3] in [0, 1]; they are drawn alike for all classes: colour tells nothing."""
    grey = torch.where(r() < 0.35, 0.35, 1.0)  # much of the world has little colour
    return {
        "body": hsv(hue(r), grey * r(0.08, 0.65), r(0.25, 0.95)),
        "second": hsv(hue(r), grey * r(0.08, 0.75), r(0.25, 0.95)),
        "accent": hsv(hue(r), r(0.2, 0.9), r(0.4, 1.0)),
        "dark": hsv(hue(r), r(0.05, 0.5), r(0.06, 0.28)),
        "light": hsv(hue(r), r(0.02, 0.22), r(0.78, 1.0)),
    }
