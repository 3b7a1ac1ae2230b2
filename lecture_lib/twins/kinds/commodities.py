"""Commodities: household appliances and other trade goods, from the front."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.kinds.parts import each, on, union

GROUP = "commodity, trade good"
# cabinet: wide, tall, slant, up (its centre's height); pane: a flat window; disc: lens, door, dial or
# loudspeaker; the others are single parts that are there (1) or not (0)
GENES = (
    "wide", "tall", "slant", "up", "pane", "disc", "disc_x", "disc_y", "rings",
    "round", "foot", "handset", "aerial", "split", "knobs", "hump", "board",
    "iron", "fan", "arm", "hose", "paper",
)  # fmt: skip
# fmt: off
CLASSES = {
    #                   wide      slant     pane      disc_x    rings    handset  knobs    iron  arm   paper
    #                        tall      up        disc      disc_y  round    aerial   hump     fan   hose
    #                                                                 foot     split    board
    "television":      (1  , .55, 0  , .85, 1  , 0  , .50, .50, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "telephone":       (.90, .52, .70, .36, 0  , .62, .50, .48, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "camera":          (1  , .50, 0  , .45, 0  , .75, .50, .50, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
    "radio":           (.95, .52, 0  , .20, 0  , .75, .28, .50, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0),
    "washing machine": (.70, .95, 0  , .50, 0  , .80, .50, .40, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
    "refrigerator":    (.45, 1  , 0  , .50, 0  , 0  , .50, .50, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    "clock":           (.70, .70, 0  , .48, 0  , 0  , .50, .50, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "laptop":          (.80, .55, 0  , .72, 1  , 0  , .50, .50, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0),
    "flatiron":        (0  , 0  , 0  , .50, 0  , 0  , .50, .50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0),
    "electric fan":    (0  , 0  , 0  , .50, 0  , 0  , .50, .50, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0),
    # targets
    "microwave":       (1  , .55, 0  , .50, .60, 0  , .50, .50, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
    "sewing machine":  (0  , 0  , 0  , .50, 0  , 0  , .50, .50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0),
    "vacuum cleaner":  (0  , 0  , 0  , .50, 0  , 0  , .50, .50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0),
    "typewriter":      (.90, .42, .40, .20, 0  , 0  , .50, .50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
}
# fmt: on


def tube(p: Sketch) -> Tensor:
    """Hose of the vacuum cleaner, up and over to the nozzle."""
    return p.limb([(0.1, -0.4), (0.55, 0.15), (0.55, 0.6), (0.15, 0.85), (-0.3, 0.7), (-0.78, -0.75)], 0.055)


def finder(p: Sketch, top: Tensor) -> Tensor:
    """View finder and release of the camera."""
    return union(p.trapezoid(0.0, top + 0.05, 0.34, 0.22, 0.14), p.box(-0.55, top + 0.02, 0.14, 0.07))


def flatiron(p: Sketch) -> Tensor:
    """Body and handle of the flatiron."""
    nose = p.polygon([(-0.95, -0.50), (-0.55, -0.02), (0.10, 0.12), (0.75, 0.12), (0.85, -0.50)])
    return union(nose, p.limb([(-0.45, 0.0), (-0.25, 0.45), (0.55, 0.48), (0.72, 0.05)], 0.10))


def sewing(p: Sketch) -> Tensor:
    """Sewing machine: bed, pillar, arm, head."""
    return union(
        p.box(0.0, -0.62, 0.95, 0.16, corner=0.05),
        p.box(0.55, 0.0, 0.20, 0.55, corner=0.08),
        p.box(0.05, 0.42, 0.72, 0.18, corner=0.10),
        p.box(-0.55, 0.22, 0.17, 0.36, corner=0.06),
    )


def grille(p: Sketch, x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
    """A ring and a dot on the disc: dial or loudspeaker."""
    return union(p.ring(x, y, 0.70 * radius, 0.035), p.circle(x, y, 0.30 * radius))


def hands(p: Sketch, y: Tensor, hour: Tensor, minute: Tensor) -> Tensor:
    """Hands of the clock."""
    return union(
        p.capsule(0.0, y, 0.30 * hour.cos(), y + 0.30 * hour.sin(), 0.045),
        p.capsule(0.0, y, 0.48 * minute.cos(), y + 0.48 * minute.sin(), 0.03),
    )


def dials(p: Sketch, x: Tensor, y: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Three knobs in line."""
    return union(*(p.circle(x + k * across, y + k * down, 0.075) for k in (-1, 0, 1)))


def receiver(p: Sketch, top: Tensor) -> Tensor:
    """Handset of the telephone, on its cradle."""
    low, high = top + 0.10, top + 0.22
    return union(
        p.limb([(-0.72, low), (-0.45, high), (0.45, high), (0.72, low)], 0.11),
        p.box(-0.74, top + 0.02, 0.21, 0.16, corner=0.08),
        p.box(0.74, top + 0.02, 0.21, 0.16, corner=0.08),
    )


def blades(p: Sketch, swing: Tensor) -> Tensor:
    """Three blades of the fan and their hub."""
    angle = torch.atan2(p.y - 0.28, p.x) * 1.5 + p.at(swing * math.pi / 2)
    wings = torch.maximum(p.circle(0.0, 0.28, 0.52), 0.35 - angle.sin().abs())
    return union(wings, p.circle(0.0, 0.28, 0.13))


def handles(p: Sketch, x: Tensor, y: Tensor, hh: Tensor) -> Tensor:
    """Handles of the refrigerator's two doors."""
    return union(p.box(x, y + 0.55 * hh, 0.04, 0.14), p.box(x, y - 0.05 * hh, 0.04, 0.2))


def keys(p: Sketch, y: Tensor) -> Tensor:
    """Two rows of round keys."""
    rows = []
    for k in range(2):
        x = p.x + 0.09 * k
        x = x - (x / 0.22).round() * 0.22
        dots = (x * x + (p.y - p.at(y) + 0.10 + 0.22 * k) ** 2).sqrt() - 0.075
        rows.append(torch.maximum(dots, p.x.abs() - 0.62 - 0.1 * k))
    return union(*rows)


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one appliance a picture; every gene is [B] in [0, 1]."""
    rounded, foot, handset, aerial, split, knobs, hump, board, iron, fan, arm, hose, paper = (
        on(g[k])
        for k in (
            "round", "foot", "handset", "aerial", "split", "knobs", "hump", "board",
            "iron", "fan", "arm", "hose", "paper",
        )
    )  # fmt: skip
    boxed = (g["tall"] > 0.2).float() * (1 - rounded)
    pane, disc, rings = (g["pane"] > 0.3).float(), (g["disc"] > 0.2).float(), on(g["rings"])
    low = pane * knobs  # the microwave: its pane leaves room for knobs at the side
    hw, hh = 0.95 * g["wide"], 0.95 * g["tall"]
    cy = 0.80 * (g["up"] - 0.5)
    top, bottom = cy + hh, cy - hh
    swing = r(-1, 1)

    # ---- behind: aerial, stand, legs of the clock, hose; paper
    back = each(
        s,
        (aerial, lambda p, y, w: p.capsule(0.60, y, 0.60 + 0.25 * w, 0.93, 0.025), top, swing),
        (foot, lambda p: p.capsule(0.0, -0.86, 0.0, 0.1, 0.07)),
        (rounded, lambda p: union(*(p.capsule(k * 0.3, -0.4, k * 0.52, -0.88, 0.06) for k in (-1, 1)))),
        (hose, tube),
    )
    s.fill(back, "dark", aerial + foot + rounded + hose, bevel=0.05)
    s.fill(s.box(0.0, top + 0.32, 0.42, 0.38), "light", paper, bevel=0.03)

    # ---- second: bells, base of the stand, view finder, roller, nozzle, keyboard, hand wheel
    second = each(
        s,
        (rounded, lambda p: union(*(p.ellipse(k * 0.45, 0.68, 0.27, 0.19, -0.6 * k) for k in (-1, 1)))),
        (foot, lambda p: p.ellipse(0.0, -0.86, 0.45, 0.10)),
        (hump, finder, top),
        (paper, lambda p, y: p.box(0.0, y + 0.02, 0.85, 0.11, corner=0.10), top),
        (hose, lambda p: p.trapezoid(-0.72, -0.80, 0.24, 0.10, 0.10)),
        (board, lambda p, y, w: p.trapezoid(0.0, y - 0.20, 0.95, w, 0.20), bottom, hw),
        (arm, lambda p: p.circle(0.86, 0.45, 0.17)),
    )
    s.fill(second, "second", rounded + foot + hump + paper + hose + board + arm, bevel=0.06)

    # ---- body
    narrow = hw * (1 - 0.6 * g["slant"])
    body = each(
        s,
        (boxed, lambda p, y, w, v, h: p.trapezoid(0.0, y, w, v, h, corner=0.05), cy, hw, narrow, hh),
        (rounded, lambda p, y, radius: p.circle(0.0, y, radius), cy, hw),
        (iron, flatiron),
        (fan, lambda p: p.ring(0.0, 0.28, 0.60, 0.06)),
        (arm, sewing),
        (
            hose,
            lambda p: union(p.ellipse(0.25, -0.52, 0.62, 0.33), p.box(0.25, -0.62, 0.55, 0.18, corner=0.08)),
        ),
    )
    s.fill(body, "body", bevel=0.10, pattern=True)

    # ---- light: face of the clock, frame of the disc
    dx, dy = (2 * g["disc_x"] - 1) * hw, cy + (2 * g["disc_y"] - 1) * hh
    rd = 0.98 * g["disc"] * torch.minimum(hw, hh)
    light = each(
        s,
        (rounded, lambda p, y, radius: p.circle(0.0, y, radius), cy, 0.78 * hw),
        (disc, lambda p, x, y, radius: p.circle(x, y, radius), dx, dy, rd),
    )
    s.fill(light, "light", rounded + disc, bevel=0.05)

    # ---- dark: pane, glass of the disc or its rings, hands, seam, wheels, soles, needle
    px, pw = -0.22 * hw * low, hw * (0.90 - 0.26 * low)
    dark = each(
        s,
        (pane, lambda p, x, y, w, h: p.box(x, y, w, h, corner=0.04), px, cy, pw, 0.82 * hh),
        (disc * (1 - rings), lambda p, x, y, radius: p.circle(x, y, radius), dx, dy, 0.70 * rd),
        (disc * rings, grille, dx, dy, rd),
        (rounded, hands, cy, r(0, 2 * math.pi), r(0, 2 * math.pi)),
        (split, lambda p, y, w: p.box(0.0, y, w, 0.02), cy + 0.25 * hh, hw),
        (hose, lambda p: union(p.circle(-0.15, -0.78, 0.15), p.circle(0.65, -0.78, 0.15))),
        (iron, lambda p: p.box(-0.02, -0.50, 0.95, 0.06, corner=0.05)),
        (arm, lambda p: p.capsule(-0.55, -0.15, -0.55, -0.45, 0.03)),
    )
    s.fill(dark, "dark", pane + disc + rounded + split + hose + iron + arm, bevel=0.04)

    # ---- accent: knobs in a row (in a column on the microwave), handset, blades, handles, keys
    panel_x, panel_y = hw * (0.50 + 0.28 * low), cy + hh * (0.80 * (1 - aerial) * (1 - low) - 0.45 * aerial)
    accent = each(
        s,
        (knobs, dials, panel_x, panel_y, 0.20 * (1 - low), 0.48 * low * hh),
        (handset, receiver, top),
        (fan, blades, swing),
        (split, handles, 0.7 * hw, cy, hh),
        (paper, keys, cy),
        (board, lambda p, y: p.box(0.0, y - 0.17, 0.62, 0.09), bottom),
        (rounded, lambda p, y: p.box(0.0, y + 0.10, 0.10, 0.06, corner=0.02), top),
    )
    s.fill(accent, "accent", knobs + handset + fan + split + paper + board + rounded, bevel=0.04)
