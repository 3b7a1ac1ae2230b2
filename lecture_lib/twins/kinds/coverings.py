"""Coverings: garments that hang, footwear from the side, hats, an umbrella, a glove."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.kinds.parts import each, on, union

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


def cloth(
    p: Sketch,
    top: Tensor,
    mid: Tensor,
    bottom: Tensor,
    w_top: Tensor,
    w_mid: Tensor,
    w_hem: Tensor,
    gap: Tensor,
) -> Tensor:
    """A hanging garment: half-widths at three heights, straight in between; `gap` parts the legs."""
    above = ((p.y - p.at(mid)) / p.at(top - mid)).clamp(0, 1)
    below = ((p.at(mid) - p.y) / p.at(mid - bottom)).clamp(0, 1)
    width = p.at(w_mid) + p.at(w_top - w_mid) * above + p.at(w_hem - w_mid) * below
    half = (top - bottom) / 2
    d = torch.maximum((p.x.abs() - width) * 0.92, (p.y - p.at(bottom + half)).abs() - p.at(half))
    between = p.trapezoid(0.0, -0.34, gap, 0.0, 0.72) + 9 * p.at((gap == 0).float())
    return torch.maximum(d, -between)


def sleeves(p: Sketch, x: Tensor, y: Tensor, angle: Tensor, middle: Tensor, half: Tensor) -> Tensor:
    """A piece of both sleeves: `half` long to each side of `middle`, as measured from the shoulders (x, y)."""
    dx, dy = middle * angle.cos(), middle * angle.sin()
    return union(*(p.box(k * (x + dx), y + dy, half, 0.17, k * angle, 0.04) for k in (-1, 1)))


def shoe(p: Sketch, heel: Tensor, toe: Tensor, ground: Tensor, instep: Tensor, rim: Tensor) -> Tensor:
    """Shaft, instep and toe cap."""
    shaft = p.box(heel + 0.30, (rim + ground) / 2, 0.30, (rim - ground) / 2, corner=0.08)
    back, front = heel + 0.58, ground + 0.36
    corners = [(heel, instep - 0.05), (back, instep), (toe - 0.22, front), (toe - 0.10, ground + 0.04)]
    vamp = p.polygon([(heel, ground + 0.04), *corners])
    return union(shaft, vamp, p.capsule(heel + 0.3, ground + 0.19, toe - 0.20, ground + 0.19, 0.20))


def patches(p: Sketch, heel: Tensor, toe: Tensor, ground: Tensor) -> Tensor:
    """Toe and heel of a sock."""
    return union(p.circle(toe, ground + 0.12, 0.36), p.circle(heel, ground, 0.36))


def tread(p: Sketch, heel: Tensor, toe: Tensor, ground: Tensor) -> Tensor:
    """Sole and heel of a shoe."""
    sole = p.box((heel + toe) / 2, ground, (toe - heel) / 2 + 0.01, 0.06, corner=0.05)
    return union(sole, p.box(heel + 0.22, ground - 0.05, 0.22, 0.09))


def laces(p: Sketch, x: Tensor, y: Tensor) -> Tensor:
    """Three laces down the instep."""
    return union(
        *(
            p.capsule(
                x + 0.17 * k - 0.06, y - 0.06 * k - 0.10, x + 0.17 * k + 0.05, y - 0.06 * k + 0.02, 0.028
            )
            for k in range(3)
        )
    )


def bowl(p: Sketch, x: Tensor, y: Tensor, width: Tensor, rise: Tensor) -> Tensor:
    """A dome that stands on height y."""
    return torch.maximum(p.ellipse(x, y, width, rise), p.at(y) - p.y)


def canopy(p: Sketch, y: Tensor, width: Tensor, rise: Tensor) -> Tensor:
    """A dome with three bites along its lower edge: the umbrella."""
    d = bowl(p, 0 * y, y, width, rise)
    for k in (-1, 0, 1):
        d = torch.maximum(d, -p.ellipse(0.64 * k, y - 0.03, 0.31, 0.17))
    return d


def ribs(p: Sketch, y: Tensor, width: Tensor, rise: Tensor) -> Tensor:
    """Ribs of the umbrella."""
    return p.ellipse(0.0, y, 0.34 * width, rise).abs() - 0.014


def handle(p: Sketch, tip: Tensor) -> Tensor:
    """Stick of the umbrella with its crook."""
    crook = p.arc(0.13, -0.72, 0.13, 0.04, -math.pi / 2, math.pi / 2)
    return union(crook, p.capsule(0.0, -0.72, 0.0, tip, 0.035))


def glove(p: Sketch, spread: Tensor, thumb: Tensor) -> Tensor:
    """Palm, four fingers and a thumb."""
    d = union(
        p.box(0.0, -0.22, 0.36, 0.40, corner=0.18), p.capsule(0.25, -0.35, 0.60, 0.06 + thumb, 0.14, 0.10)
    )
    for k, reach in enumerate((0.50, 0.64, 0.62, 0.44)):
        x, lean = (k - 1.5) * 0.19, (k - 1.5) * 0.13 * spread
        d = union(d, p.capsule(x, 0.05, x + reach * lean.sin(), 0.10 + reach * lean.cos(), 0.105, 0.095))
    return d


def band(p: Sketch, y: Tensor, half: Tensor) -> Tensor:
    """A strip across everything at height y."""
    return (p.y - p.at(y)).abs() - p.at(half)


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
    s.fill(each(s, (stick, handle, base + rise + 0.06)), "dark", stick, bevel=0.04)

    # hood, sleeves: behind the garment
    s.fill(s.ellipse(0.0, top + 0.08, 0.36, 0.40), "body", hood, tone=0.9, bevel=0.15)
    long = 0.36 + 0.86 * g["sleeve"]
    swing = -0.50 - 0.60 * g["sleeve"] + r(-0.12, 0.12)
    arms = each(s, (sleeved, sleeves, w_top - 0.16, top - 0.17, swing, long / 2, long / 2))
    cuffs = each(s, (sleeved, sleeves, w_top - 0.16, top - 0.17, swing, long, 0.07 + 0 * long))
    s.fill(arms, "body", sleeved, tone=0.86, bevel=0.12, pattern=True)
    s.fill(cuffs, "second", sleeved, bevel=0.06)

    # brim: an ellipse all around, or a peak to the front; a sombrero's is thick and swings up
    flat = hat * (1 - stick) * (1 - peak)
    brim = each(
        s,
        (flat, lambda p, y, thick: p.ellipse(0.0, y, 0.95, thick), base, 0.13 + 0.12 * dome),
        (peak, lambda p, y: p.capsule(0.05, y + 0.05, 0.84, y - 0.08, 0.16, 0.06), base),
    )
    s.fill(brim, "second", hat * (1 - stick), bevel=0.06)

    # ---- the main part: all bodies share one fill
    gap, lean, thumb = r(0.14, 0.21), r(0.75, 1.25), r(-0.08, 0.08)
    main = each(
        s,
        (torso, cloth, top, mid, bottom, w_top, w_mid, w_hem, gap * legs),
        (foot, shoe, heel, toe, ground, instep, rim),
        (hat * (1 - dome), lambda p, y, h, w: p.trapezoid(0.0, y + h, w * 0.88, w, h), base, rise / 2, w_hat),
        (dome * (1 - stick), bowl, shift, base, w_hat, rise),
        (stick, canopy, base, w_hat, rise),
        (hand, glove, lean, thumb),
    )
    s.fill(main, "body", bevel=0.16, pattern=True)

    # ---- trimmings, each fill shared by those that can have it
    # second: toe, heel and rim of the sock, waistband, hat band, glove's cuff, hoodie's pocket
    bare, gathered = torso * (1 - sleeved), (g["waist"] < 0.35).float()
    belt = top - 0.07 + (mid - top + 0.07) * gathered
    trim = each(
        s,
        (bare, band, belt, 0.07 + 0 * top),
        (flat, band, base + 0.18, 0.10 + 0 * top),
        (foot, band, rim - 0.10, 0.12 + 0 * top),
        (hood, lambda p, y: p.trapezoid(0.0, y + 0.32, 0.30, 0.20, 0.14), bottom),
        (foot * (1 - sole), patches, heel, toe, ground),
    )
    wrist = each(s, (hand, lambda p: p.box(0.0, -0.74, 0.33, 0.18, corner=0.06)))
    trim = torch.minimum(torch.maximum(trim, main), wrist)
    s.fill(trim, "second", bevel=0.05)

    # dark: neck opening, sole and heel, umbrella ribs
    neck = torso * (1 - legs) * (1 - hood) * (g["waist"] < 0.65).float()
    inside = each(
        s,
        (neck, lambda p, y, h: p.ellipse(0.0, y + 0.02, 0.19, h), top, 0.15 + 0.18 * front),
        (stick, ribs, base, w_hat, rise),
        (front, lambda p, y, h: p.box(0.0, y, 0.012, h), bottom / 2 + 0.1, half * 0.75),
    )
    outside = each(
        s,
        (hood, lambda p, y: p.ellipse(0.0, y + 0.10, 0.21, 0.25), top),
        (foot * sole, tread, heel, toe, ground),
    )
    s.fill(torch.minimum(torch.maximum(inside, main), outside), "dark", bevel=0.03)

    # light: coat buttons, shoe laces, the cap's knob
    light = each(
        s,
        (peak, lambda p, x, y: p.circle(x, y, 0.07), shift, base + rise),
        (front, lambda p, y: union(*(p.circle(0.10, y - 0.30 * k, 0.045) for k in range(3))), mid + 0.12),
        (foot * sole * (sh < 0.5).float(), laces, heel + 0.66, instep - 0.09),
    )
    s.fill(light, "light", bevel=0.03)
