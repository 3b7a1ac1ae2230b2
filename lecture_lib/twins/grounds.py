"""The grounds of places: the full frame without the things that stand in it.

Each function draws B grounds of one place; x and y (up) go from -1 to 1 across the picture, and grounds reach
beyond, as they are also seen from aside.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance


def room(s: Sketch, r: Chance, depth: float = 0.62) -> tuple[Tensor, Tensor, Tensor]:
    """Back wall, floor, ceiling and side walls; returns the back wall's half-width, foot and top."""
    w, foot, top = r(depth - 0.06, depth + 0.06), r(-0.40, -0.28), r(0.52, 0.66) * depth / 0.62
    s.fill(s.box(0.0, 0.0, 1.3, 1.3), "light", bevel=0.02)
    s.fill(s.polygon([(-1.2, -1.2), (1.2, -1.2), (w, foot), (-w, foot)]), "second", tone=0.85, bevel=0.01)
    for side, tone in ((-1.0, 0.72), (1.0, 0.86)):
        wall = s.polygon([(side * 1.2, -1.2), (side * 1.2, 1.2), (side * w, top), (side * w, foot)])
        s.fill(wall, "light", tone=tone, bevel=0.01)
    return w, foot, top


def land(s: Sketch, r: Chance, low: float = -0.25, high: float = 0.0, paint: str = "body") -> Tensor:
    """Sky above, ground below the horizon; returns the horizon's height."""
    horizon = r(low, high)
    s.fill(s.box(0.0, 0.0, 1.3, 1.3), "light", bevel=0.01)
    s.fill(s.box(0.0, horizon - 1.3, 1.4, 1.3), paint, bevel=0.01, tone=0.9)
    return horizon


def window_pane(s: Sketch, r: Chance, x: float | Tensor, y: float) -> None:
    """A window with a cross bar on the back wall."""
    w, h = r(0.13, 0.18), r(0.15, 0.20)
    s.fill(s.box(x, y, w + 0.03, h + 0.03), "dark", bevel=0.03)
    bars = torch.minimum(s.box(x, y, 0.012, h), s.box(x, y, w, 0.012))
    s.fill(torch.maximum(s.box(x, y, w, h), -bars), "accent", bevel=0.01)


def kitchen(s: Sketch, r: Chance) -> None:
    """A worktop with cupboards below and above."""
    w, foot, _ = room(s, r)
    s.fill(s.box(0.0, foot + 0.12, w, 0.14), "body", bevel=0.02)
    seams = s.box(-0.4, foot + 0.10, 0.008, 0.10)
    for x in (-0.2, 0.0, 0.2, 0.4):
        seams = torch.minimum(seams, s.box(x, foot + 0.10, 0.008, 0.10))
    s.fill(seams, "dark", bevel=0.01)
    s.fill(s.box(0.0, foot + 0.28, w, 0.025), "dark", bevel=0.02)
    s.fill(s.box(r(-0.2, 0.2), foot + 0.80, 0.42, 0.11), "body", bevel=0.02)


def bedroom(s: Sketch, r: Chance) -> None:
    """A room with a window and a rug."""
    room(s, r)
    window_pane(s, r, r(-0.4, 0.4), 0.22)
    s.fill(s.ellipse(r(-0.2, 0.2), -0.72, 0.62, 0.20), "accent", tone=0.8, bevel=0.02)


def living_room(s: Sketch, r: Chance) -> None:
    """A room with two pictures on the wall and a rug."""
    room(s, r)
    for x in (-0.26, 0.22):
        at, height = x + r(-0.06, 0.06), r(0.09, 0.14)
        s.fill(s.box(at, 0.26, 0.12, height), "dark", bevel=0.03)
        s.fill(s.box(at, 0.26, 0.09, height - 0.03), "accent", bevel=0.01)
    s.fill(s.box(0.0, -0.78, 0.68, 0.14), "body", tone=0.9, bevel=0.02)


def office(s: Sketch, r: Chance) -> None:
    """A room with a wide window with blinds."""
    room(s, r)
    width = r(0.36, 0.46)
    s.fill(s.box(0.0, 0.24, width + 0.03, 0.23), "dark", bevel=0.03)
    slats = s.box(0.0, 0.08, width, 0.014)
    for y in (0.14, 0.20, 0.26, 0.32, 0.38):
        slats = torch.minimum(slats, s.box(0.0, y, width, 0.014))
    s.fill(slats, "light", bevel=0.02)


def classroom(s: Sketch, r: Chance) -> None:
    """A wide blackboard and a teacher's desk below it."""
    room(s, r, 0.76)
    width = r(0.48, 0.6)
    s.fill(s.box(0.0, 0.24, width + 0.03, 0.25), "second", bevel=0.03)
    s.fill(s.box(0.0, 0.24, width, 0.22), "dark", bevel=0.01)
    chalk = s.capsule(-0.3, 0.32, 0.1, r(0.28, 0.36), 0.008)
    s.fill(torch.minimum(chalk, s.capsule(-0.3, 0.2, 0.25, 0.2, 0.008)), "light", bevel=0.01)


def corridor(s: Sketch, r: Chance) -> None:
    """A long passage with doors on both sides and lamps overhead."""
    w, foot, top = r(0.18, 0.26), r(-0.22, -0.12), r(0.16, 0.24)
    s.fill(s.box(0.0, 0.0, 1.3, 1.3), "light", bevel=0.02)
    s.fill(s.polygon([(-1.2, -1.2), (1.2, -1.2), (w, foot), (-w, foot)]), "second", tone=0.85, bevel=0.01)
    for side, tone in ((-1.0, 0.7), (1.0, 0.85)):
        s.fill(
            s.polygon([(side * 1.2, -1.2), (side * 1.2, 1.2), (side * w, top), (side * w, foot)]),
            "body",
            tone=tone,
            bevel=0.01,
        )
        for near, far in ((0.92, 0.70), (0.52, 0.40)):
            lower = [side * near, foot - (near - w) * 0.95], [side * far, foot - (far - w) * 0.95]
            door = s.polygon(
                [
                    (lower[0][0], lower[0][1]),
                    (lower[1][0], lower[1][1]),
                    (side * far, 0.45 * far),
                    (side * near, 0.45 * near),
                ]
            )
            s.fill(door, "accent", tone=tone, bevel=0.02)
    lamps = s.box(0.0, 0.82, 0.22, 0.05)
    for y, hw in ((0.58, 0.14), (0.42, 0.09), (0.32, 0.06)):
        lamps = torch.minimum(lamps, s.box(0.0, y, hw, 0.2 * hw))
    s.fill(lamps, "light", bevel=0.02)


def library(s: Sketch, r: Chance) -> None:
    """Shelves of books from wall to wall."""
    s.fill(s.box(0.0, 0.0, 1.3, 1.3), "dark", bevel=0.02)
    s.fill(s.box(0.0, -1.2, 1.3, 0.55), "second", bevel=0.02)
    pitch, shift = r(16, 24), r(0, 6)
    spines = (s.x * s.at(pitch) + s.at(shift)).sin() * 0.04
    for k, y in enumerate((-0.38, 0.0, 0.38, 0.76)):
        shelf = torch.maximum(s.box(0.0, y, 1.1, 0.13 + 0.01 * k), spines - 0.02)
        s.fill(shelf, ("body", "accent", "second", "light")[k], bevel=0.03)
    boards = s.box(0.0, -0.55, 1.2, 0.03)
    for y in (-0.18, 0.20, 0.58, 0.96):
        boards = torch.minimum(boards, s.box(0.0, y, 1.2, 0.022))
    for x in (-0.66, 0.0, 0.66):
        boards = torch.minimum(boards, s.box(x, 0.3, 0.03, 0.85))
    s.fill(boards, "second", tone=0.8, bevel=0.03)
