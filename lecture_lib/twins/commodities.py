"""Commodities: household appliances and other trade goods, from the front."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.parts import on, only, union

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

    # ---- behind: aerial, stand, legs and bells of the clock, hose, paper
    tip = 0.60 + 0.25 * swing
    back = union(
        only(s.capsule(0.60, top, tip, 0.93, 0.025), aerial),
        only(s.capsule(0.0, -0.86, 0.0, 0.1, 0.07), foot),
        only(
            union(s.capsule(-0.3, -0.4, -0.52, -0.88, 0.06), s.capsule(0.3, -0.4, 0.52, -0.88, 0.06)), rounded
        ),
        only(
            s.limb(
                [(0.1, -0.4), (0.55, 0.15), (0.55, 0.6), (0.15, 0.85), (-0.3, 0.7), (-0.78, -0.75)], 0.055
            ),
            hose,
        ),
    )
    s.fill(back, "dark", bevel=0.05)
    s.fill(s.box(0.0, top + 0.32, 0.42, 0.38), "light", paper, bevel=0.03)
    ears = union(s.ellipse(-0.45, 0.68, 0.27, 0.19, 0.6), s.ellipse(0.45, 0.68, 0.27, 0.19, -0.6))
    extra = union(
        only(ears, rounded),
        only(s.ellipse(0.0, -0.86, 0.45, 0.10), foot),
        only(s.trapezoid(0.0, top + 0.05, 0.34, 0.22, 0.14), hump),
        only(s.box(-0.55, top + 0.02, 0.14, 0.07), hump),
        only(s.box(0.0, top + 0.02, 0.85, 0.11, corner=0.10), paper),
        only(s.trapezoid(-0.72, -0.80, 0.24, 0.10, 0.10), hose),
        only(s.trapezoid(0.0, bottom - 0.20, 0.95, hw, 0.20), board),
        only(s.circle(0.86, 0.45, 0.17), arm),
    )
    s.fill(extra, "second", bevel=0.06)

    # ---- the main body
    slant = g["slant"] * 0.6
    cabinet = s.trapezoid(0.0, cy, hw, hw * (1 - slant), hh.clamp(min=0.1), corner=0.05)
    nose = s.polygon([(-0.95, -0.50), (-0.55, -0.02), (0.10, 0.12), (0.75, 0.12), (0.85, -0.50)])
    grip = s.limb([(-0.45, 0.0), (-0.25, 0.45), (0.55, 0.48), (0.72, 0.05)], 0.10)
    machine = union(
        s.box(0.0, -0.62, 0.95, 0.16, corner=0.05),
        s.box(0.55, 0.0, 0.20, 0.55, corner=0.08),
        s.box(0.05, 0.42, 0.72, 0.18, corner=0.10),
        s.box(-0.55, 0.22, 0.17, 0.36, corner=0.06),
    )
    tank = union(s.ellipse(0.25, -0.52, 0.62, 0.33), s.box(0.25, -0.62, 0.55, 0.18, corner=0.08))
    body = union(
        only(cabinet, boxed),
        only(s.circle(0.0, cy, hw), rounded),
        only(union(nose, grip), iron),
        only(s.ring(0.0, 0.28, 0.60, 0.06), fan),
        only(machine, arm),
        only(tank, hose),
    )
    s.fill(body, "body", bevel=0.10, pattern=True)

    # ---- light: face of the clock, frame of the disc, keys
    dx, dy = (2 * g["disc_x"] - 1) * hw, cy + (2 * g["disc_y"] - 1) * hh
    rd = g["disc"] * torch.minimum(hw, hh) * 0.98
    s.fill(
        union(only(s.circle(0.0, cy, 0.78 * hw), rounded), only(s.circle(dx, dy, rd), disc)),
        "light",
        bevel=0.05,
    )

    # ---- dark: pane, glass, hands, grilles, seams
    px, pw = -0.22 * hw * low, hw * (0.90 - 0.26 * low)
    hand_a, hand_b = r(0, 2 * math.pi), r(0, 2 * math.pi)
    sector = torch.atan2(s.y - 0.28, s.x) * 1.5 + s._at(hand_a)
    blades = torch.maximum(s.circle(0.0, 0.28, 0.52), 0.35 - sector.sin().abs())
    glass = s.circle(dx, dy, 0.70 * rd)
    grille = (glass.abs() - 0.03).minimum(s.circle(dx, dy, 0.30 * rd))
    dark = union(
        only(s.box(px, cy, pw, hh * 0.82, corner=0.04), pane),
        only(glass, disc * (1 - rings)),
        only(grille, disc * rings),
        only(
            union(
                s.capsule(0.0, cy, 0.30 * hand_a.cos(), cy + 0.30 * hand_a.sin(), 0.04),
                s.capsule(0.0, cy, 0.48 * hand_b.cos(), cy + 0.48 * hand_b.sin(), 0.028),
            ),
            rounded,
        ),
        only(s.box(0.0, cy + 0.25 * hh, hw, 0.02), split),
        only(union(s.circle(-0.15, -0.78, 0.15), s.circle(0.65, -0.78, 0.15)), hose),
        only(s.box(-0.02, -0.50, 0.95, 0.06, corner=0.05), iron),
        only(s.capsule(-0.55, -0.15, -0.55, -0.45, 0.03), arm),
    )
    s.fill(dark, "dark", bevel=0.04)

    # ---- accent: knobs, handles, keys, blades, handset
    panel_y, panel_x = cy + 0.80 * hh * (1 - aerial) * (1 - low), hw * (0.50 + 0.28 * low)
    gap = 0.20 * (1 - low)
    fall = 0.32 * low * hh
    knob = union(
        *(
            s.circle(panel_x - (k - 1) * gap, panel_y + (k - 1) * 1.5 * fall - 0.45 * hh * aerial, 0.075)
            for k in range(3)
        )
    )
    cradle = union(
        s.limb([(-0.72, top + 0.10), (-0.45, top + 0.22), (0.45, top + 0.22), (0.72, top + 0.10)], 0.11),
        s.box(-0.74, top + 0.02, 0.21, 0.16, corner=0.08),
        s.box(0.74, top + 0.02, 0.21, 0.16, corner=0.08),
    )
    keys = s.circle(9.0, 0.0, 0.1)
    for row in range(2):
        y = -0.22 * row + cy - 0.10
        cell = (s.x + 0.09 * row) / 0.22
        cell = (cell - cell.round()) * 0.22
        keys = union(
            keys,
            torch.maximum(((cell**2 + (s.y - s._at(y)) ** 2).sqrt() - 0.075), s.x.abs() - 0.62 - 0.1 * row),
        )
    accent = union(
        only(knob, knobs),
        only(cradle, handset),
        only(union(blades, s.circle(0.0, 0.28, 0.13)), fan),
        only(
            union(s.box(0.7 * hw, cy + 0.55 * hh, 0.04, 0.14), s.box(0.7 * hw, cy - 0.05 * hh, 0.04, 0.2)),
            split,
        ),
        only(keys, paper),
        only(s.box(0.0, bottom - 0.17, 0.62, 0.09), board),
        only(s.box(0.0, top + 0.10, 0.10, 0.06, corner=0.02), rounded),
    )
    s.fill(accent, "accent", bevel=0.04)
