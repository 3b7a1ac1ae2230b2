"""Coverings: garments that hang, footwear from the side, hats, an umbrella, a glove."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.parts import on, only

GROUP = "covering"
# The first four genes say what the thing is made of; the others shape these parts.
GENES = (
    "torso", "foot", "hat", "hand",
    "length", "top", "waist", "hem", "sleeve", "legs", "front", "hood",
    "shaft", "sole", "crown", "wide", "round", "peak", "stick",
)  # fmt: skip
# fmt: off
CLASSES = {
    #            torso    hand    top  waist     sleeve  front      sole    wide    peak
    #               foot     length         hem       legs  hood       crown     round
    #                  hat                                     shaft                   stick
    "t-shirt":  (1, 0, 0, 0, .30, .60, .55, .40, .18, 0, 0, 0, .50, 0, .50, .50, 0, 0, 0),
    "coat":     (1, 0, 0, 0, 1  , .45, .45, .50, .88, 0, 1, 0, .50, 0, .50, .50, 0, 0, 0),
    "trousers": (1, 0, 0, 0, 1  , .40, .50, .48, 0  , 1, 0, 0, .50, 0, .50, .50, 0, 0, 0),
    "skirt":    (1, 0, 0, 0, .30, .30, .75, .95, 0  , 0, 0, 0, .50, 0, .50, .50, 0, 0, 0),
    "dress":    (1, 0, 0, 0, 1  , .32, .15, .85, .05, 0, 0, 0, .50, 0, .50, .50, 0, 0, 0),
    "boot":     (0, 1, 0, 0, .50, .50, .50, .50, 0  , 0, 0, 0, 1  , 1, .50, .50, 0, 0, 0),
    "shoe":     (0, 1, 0, 0, .50, .50, .50, .50, 0  , 0, 0, 0, 0  , 1, .50, .50, 0, 0, 0),
    "top hat":  (0, 0, 1, 0, .50, .50, .50, .50, 0  , 0, 0, 0, .50, 0, .95, .35, 0, 0, 0),
    "cap":      (0, 0, 1, 0, .50, .50, .50, .50, 0  , 0, 0, 0, .50, 0, .50, .55, 1, 1, 0),
    "umbrella": (0, 0, 1, 0, .50, .50, .50, .50, 0  , 0, 0, 0, .50, 0, .60, 1  , 1, 0, 1),
    # targets
    "glove":    (0, 0, 0, 1, .50, .50, .50, .50, 0  , 0, 0, 0, .50, 0, .50, .50, 0, 0, 0),
    "hoodie":   (1, 0, 0, 0, .30, .50, .50, .38, .66, 0, 0, 1, .50, 0, .50, .50, 0, 0, 0),
    "sock":     (0, 1, 0, 0, .50, .50, .50, .50, 0  , 0, 0, 0, .85, 0, .50, .50, 0, 0, 0),
    "sombrero": (0, 0, 1, 0, .50, .50, .50, .50, 0  , 0, 0, 0, .50, 0, .62, .10, 1, 0, 0),
}
# fmt: on


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one covering a picture; every gene is [B] in [0, 1]."""
    torso, foot, hat, hand = (on(g[k]) for k in ("torso", "foot", "hat", "hand"))
    stick, peak, dome = hat * on(g["stick"]), hat * on(g["peak"]), hat * on(g["round"])
    legs, front, hood, sole = (
        torso * on(g["legs"]),
        torso * on(g["front"]),
        torso * on(g["hood"]),
        on(g["sole"]),
    )
    sleeved = torso * (g["sleeve"] > 0.12).float()

    # ---- measures of a hanging garment: three widths from top to hem
    half = 0.52 + 0.40 * g["length"]
    lift = -0.20 * hood
    top, bottom = half + lift, -half + lift
    w_top, w_mid, w_hem = 0.12 + 0.62 * g["top"], 0.14 + 0.62 * g["waist"], 0.22 + 0.72 * g["hem"]
    mid = 0.30 * half + lift

    # ---- measures of footwear: a shaft over a foot that points to the right
    sh = g["shaft"]
    heel, toe = -0.92 + 0.34 * sh, 0.92 - 0.22 * sh
    ground, rim = -0.38 - 0.50 * sh, 0.36 + 0.56 * sh
    instep = torch.minimum(rim, ground + 0.66)

    # ---- measures of a hat: crown on a brim
    base = -0.05 - 0.62 * g["crown"] + 0.15 * dome * (1 - stick) * g["crown"] + 0.50 * stick
    rise = 0.30 + 1.20 * g["crown"] - dome * (0.12 + 0.30 * stick)
    w_hat = 0.34 + 0.40 * g["wide"] + 0.22 * stick + 0.12 * peak
    shift = -0.14 * peak

    # umbrella stick, hook and tip, behind the canopy
    hook = torch.minimum(
        s.capsule(0.0, -0.72, 0.0, base + rise + 0.06, 0.035),
        s.arc(0.13, -0.72, 0.13, 0.04, -math.pi / 2, math.pi / 2),
    )
    s.fill(hook, "dark", stick, bevel=0.04)

    # hood, sleeves: behind the garment
    s.fill(s.ellipse(0.0, top + 0.08, 0.36, 0.40), "body", hood, tone=0.9, bevel=0.15)
    long = 0.36 + 0.86 * g["sleeve"]
    swing = -0.50 - 0.60 * g["sleeve"] + r(-0.12, 0.12)
    arms = cuffs = None
    for side in (-1.0, 1.0):
        x0, y0 = side * (w_top - 0.16), top - 0.17
        ex, ey, turn = side * swing.cos(), swing.sin(), side * swing
        arm = s.box(x0 + ex * long / 2, y0 + ey * long / 2, long / 2, 0.17, turn, 0.05)
        cuff = s.box(x0 + ex * long, y0 + ey * long, 0.07, 0.17, turn, 0.03)
        arms = arm if arms is None else torch.minimum(arms, arm)
        cuffs = cuff if cuffs is None else torch.minimum(cuffs, cuff)
    s.fill(arms, "body", sleeved, tone=0.86, bevel=0.12, pattern=True)
    s.fill(cuffs, "second", sleeved, bevel=0.06)

    # brim: an ellipse all around, or a peak to the front; a sombrero's is thick and swings up
    flat = hat * (1 - stick) * (1 - peak)
    brim = only(s.ellipse(0.0, base, 0.95, 0.13 + 0.12 * dome), flat)
    visor = s.capsule(0.05, base + 0.05, 0.84, base - 0.08, 0.16, 0.06)
    s.fill(torch.minimum(brim, only(visor, peak)), "second", hat * (1 - stick), bevel=0.06)

    # ---- the main part: all bodies share one fill
    above = ((s.y - s._at(mid)) / s._at(top - mid)).clamp(0, 1)
    below = ((s._at(mid) - s.y) / s._at(mid - bottom)).clamp(0, 1)
    width = s._at(w_mid) + s._at(w_top - w_mid) * above + s._at(w_hem - w_mid) * below
    cloth = torch.maximum((s.x.abs() - width) * 0.92, (s.y - s._at(lift)).abs() - s._at(half))
    gap = s.trapezoid(0.0, -0.34, 0.17 + r(-0.03, 0.04), 0.0, 0.72)
    cloth = torch.maximum(cloth, -only(gap, legs))

    shank = s.box(heel + 0.30, (rim + ground) / 2, 0.30, (rim - ground) / 2, corner=0.08)
    vamp = s.polygon(
        [
            (heel, ground + 0.04),
            (heel, instep - 0.05),
            (heel + 0.58, instep),
            (toe - 0.22, ground + 0.36),
            (toe - 0.10, ground + 0.04),
        ]
    )
    cap = s.capsule(heel + 0.3, ground + 0.19, toe - 0.20, ground + 0.19, 0.20)
    sock = torch.minimum(torch.minimum(shank, vamp), cap)

    block = s.trapezoid(shift, base + rise / 2, w_hat * 0.88, w_hat, rise / 2)
    bowl = torch.maximum(s.ellipse(shift, base, w_hat, rise), s._at(base) - s.y)
    bowl = bowl + (block - bowl) * (1 - dome).view(-1, 1, 1)
    for k in (-2, 0, 2):
        bowl = torch.maximum(bowl, -only(s.ellipse(0.32 * k, base - 0.03, 0.31, 0.17), stick))

    palm = s.box(0.0, -0.22, 0.36, 0.40, corner=0.18)
    spread = 1 + r(-0.25, 0.25)
    for k, reach in enumerate((0.50, 0.64, 0.62, 0.44)):
        lean = (k - 1.5) * 0.13 * spread
        x0 = (k - 1.5) * 0.19
        palm = torch.minimum(
            palm, s.capsule(x0, 0.05, x0 + reach * lean.sin(), 0.10 + reach * lean.cos(), 0.105, 0.095)
        )
    palm = torch.minimum(palm, s.capsule(0.25, -0.35, 0.60, 0.06 + r(-0.08, 0.08), 0.14, 0.10))

    main = torch.minimum(
        torch.minimum(only(cloth, torso), only(sock, foot)), torch.minimum(only(bowl, hat), only(palm, hand))
    )
    s.fill(main, "body", bevel=0.16, pattern=True)

    # ---- trimmings, each fill shared by those that can have it
    # second: toe, heel and rim of the sock, waistband, hat band, glove's cuff, hoodie's pocket
    bare = torso * (1 - sleeved)
    belt_y = top - 0.07
    trim = only(s.box(0.0, belt_y, 2.0, 0.075), bare * (g["waist"] > 0.35).float())
    trim = torch.minimum(trim, only(s.box(0.0, mid, 2.0, 0.06), bare * (g["waist"] < 0.35).float()))
    trim = torch.minimum(trim, only(s.box(0.0, base + 0.18, 2.0, 0.10), flat))
    trim = torch.minimum(trim, only(s.box(0.0, rim - 0.10, 2.0, 0.12), foot))
    trim = torch.minimum(trim, only(s.trapezoid(0.0, bottom + 0.32, 0.30, 0.20, 0.14), hood))
    patches = torch.minimum(s.circle(toe, ground + 0.12, 0.36), s.circle(heel, ground, 0.36))
    trim = torch.minimum(trim, only(patches, foot * (1 - sole)))
    trim = torch.maximum(trim, main)
    trim = torch.minimum(trim, only(s.box(0.0, -0.74, 0.33, 0.18, corner=0.06), hand))
    s.fill(trim, "second", bevel=0.05)

    # dark: neck opening, sole and heel, umbrella ribs
    neck = torch.maximum(s.ellipse(0.0, top + 0.02, 0.19, 0.15 + 0.18 * front), cloth)
    collar = torso * (1 - legs) * (g["waist"] < 0.65).float()
    dark = only(neck, collar * (1 - hood))
    dark = torch.minimum(dark, only(s.ellipse(0.0, top + 0.10, 0.21, 0.25), hood))
    tread = torch.minimum(
        s.box((heel + toe) / 2, ground, (toe - heel) / 2 + 0.01, 0.06, corner=0.05),
        s.box(heel + 0.22, ground - 0.05, 0.22, 0.09),
    )
    dark = torch.minimum(dark, only(tread, foot * sole))
    ribs = torch.maximum(s.ellipse(0.0, base, 0.34 * w_hat, rise).abs() - 0.014, bowl + 0.02)
    dark = torch.minimum(dark, only(ribs, stick))
    slit = torch.maximum(s.box(0.0, bottom / 2 + 0.1, 0.012, half * 0.75), cloth)
    dark = torch.minimum(dark, only(slit, front))
    s.fill(dark, "dark", bevel=0.03)

    # light: coat buttons, shoe laces, the cap's knob, sombrero's pompons
    light = only(s.circle(shift, base + rise, 0.07), peak)
    for k in range(3):
        light = torch.minimum(light, only(s.circle(0.10, mid + 0.12 - 0.30 * k, 0.045), front))
        x0, y0 = heel + 0.66 + 0.17 * k, instep - 0.09 - 0.06 * k
        light = torch.minimum(
            light,
            only(
                s.capsule(x0 - 0.06, y0 - 0.10, x0 + 0.05, y0 + 0.02, 0.028), foot * sole * (sh < 0.5).float()
            ),
        )
    s.fill(light, "light", bevel=0.03)
