"""Musical instruments: strings and pipes upright, brass, a drum, and instruments with keys or bars."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.parts import on, only, union

GROUP = "musical instrument"
# string: a body of height `length` under a neck, a disc of radius `low` and one of radius `high` joined by a
# trapezoid with half-widths `bottom` and `top`; pipe: the same without a neck.
# hole: 0.5 is round, 1 is a pair of slits; skin: a drum skin on the body; the others are whole instruments.
GENES = (
    "string", "pipe", "length", "low", "high", "bottom", "top", "hole", "skin", "bow",
    "harp", "drum", "trumpet", "saxophone", "piano", "bellows", "bars", "tuba",
)  # fmt: skip
# fmt: off
CLASSES = {
    #             string     low  high      top  hole    bow   drum  saxophone   tuba
    #                pipe              bottom         skin  harp  trumpet  bellows
    #                   length                                          piano
    #                                                                         bars
    "guitar":    (1, 0, .64, .38, .28, .22, .20, .50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "violin":    (1, 0, .66, .32, .25, .16, .16, 1  , 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    "banjo":     (1, 0, .50, .48, .10, .20, .10, 0  , 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "harp":      (0, 0, .50, .30, .30, .30, .30, 0  , 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
    "drum":      (0, 0, .50, .30, .30, .30, .30, 0  , 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
    "trumpet":   (0, 0, .50, .30, .30, .30, .30, 0  , 0, 0, 0, 0, 1, 0, 0, 0, 0, 0),
    "saxophone": (0, 0, .50, .30, .30, .30, .30, 0  , 0, 0, 0, 0, 0, 1, 0, 0, 0, 0),
    "piano":     (0, 0, .50, .30, .30, .30, .30, 0  , 0, 0, 0, 0, 0, 0, 1, 0, 0, 0),
    "accordion": (0, 0, .50, .30, .30, .30, .30, 0  , 0, 0, 0, 0, 0, 0, 0, 1, 0, 0),
    "clarinet":  (0, 1, 1  , .12, .10, .14, .09, 0  , 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    # targets
    "mandolin":  (1, 0, .74, .46, .08, .43, .08, .50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "balalaika": (1, 0, .62, .04, .06, .84, .10, .50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "xylophone": (0, 0, .50, .30, .30, .30, .30, 0  , 0, 0, 0, 0, 0, 0, 0, 0, 1, 0),
    "euphonium": (0, 0, .50, .30, .30, .30, .30, 0  , 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
}
# fmt: on


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one instrument a picture; every gene is [B] in [0, 1]."""
    string, pipe, skin, bow, harp, drum, trumpet, sax, piano, bellows, bars, tuba = (
        on(g[k])
        for k in (
            "string", "pipe", "skin", "bow", "harp", "drum", "trumpet", "saxophone", "piano",
            "bellows", "bars", "tuba",
        )
    )  # fmt: skip
    hole, slits = (g["hole"] > 0.25).float(), (g["hole"] > 0.75).float()
    swing = r(-1, 1)

    # ---- measures of strings and pipes
    low = -0.92
    high = low + 1.85 * g["length"]
    mid = (low + high) / 2

    # ---- behind: piano lid, legs; drum sticks; bow
    legs = union(*(s.trapezoid(x, -0.70, 0.035, 0.075, 0.25) for x in (-0.72, 0.10, 0.72)))
    sticks = union(
        s.capsule(-0.75, 0.90, -0.05, 0.50 + 0.06 * swing, 0.04),
        s.capsule(0.75, 0.90, 0.10, 0.48 - 0.06 * swing, 0.04),
    )
    rod = s.capsule(0.45 + 0.1 * swing, -0.85, 0.62 - 0.1 * swing, 0.85, 0.03)
    post = s.capsule(0.55, -0.1, 0.40, 0.60, 0.03)
    s.fill(
        union(only(union(legs, post), piano), only(sticks, drum), only(rod, bow)),
        "dark",
        piano + drum + bow,
        bevel=0.04,
    )

    # ---- second: neck and head, tubes of the brass, soundboard and lid, frames
    neck = union(s.capsule(0.0, mid, 0.0, 0.75, 0.065), s.trapezoid(0.0, 0.80, 0.09, 0.14, 0.15, corner=0.03))
    loop = s.box(-0.05, -0.14, 0.52, 0.28, corner=0.26).abs() - 0.065
    lid = s.polygon([(-0.78, -0.05), (-0.60, 0.72), (0.05, 0.88), (0.85, 0.35), (0.80, -0.05)])
    coil = union(
        s.box(0.02, -0.28, 0.52, 0.52, corner=0.30).abs() - 0.08, s.capsule(-0.50, 0.0, -0.82, 0.30, 0.045)
    )
    crook = s.limb([(0.52, 0.50), (0.52, 0.80), (0.28, 0.90), (-0.08, 0.74)], 0.085, 0.05)
    rails = union(s.capsule(-0.92, 0.32, 0.92, 0.18, 0.05), s.capsule(-0.92, -0.32, 0.92, -0.18, 0.05))
    s.fill(
        union(
            only(neck, string),
            only(loop, trumpet),
            only(lid, piano),
            only(coil, tuba),
            only(crook, sax),
            only(rails, bars),
        ),
        "second",
        string + trumpet + piano + tuba + sax + bars,
        bevel=0.06,
    )

    # ---- strings of the harp, behind its frame
    cell = (s.x / 0.17 - (s.x / 0.17).round()).abs() * 0.17 - 0.012
    wires = torch.maximum(cell, s.polygon([(-0.58, 0.75), (0.62, 0.50), (0.55, 0.30), (-0.50, -0.75)]))
    s.fill(wires, "light", harp, bevel=0.03)

    # ---- body
    first, last = low + g["low"], high - g["high"]
    waist = s.trapezoid(0.0, (first + last) / 2, g["bottom"], g["top"], ((last - first) / 2).clamp(min=0.05))
    bouts = union(s.circle(0.0, first, g["low"]), s.circle(0.0, last, g["high"]))
    bout = (
        torch.minimum(bouts, waist) - (0.16 - (bouts - waist).abs()).clamp(min=0) ** 2 / 0.64
    )  # a smooth joint
    flare = s.trapezoid(0.0, low + 0.06, 0.28, 0.12, 0.16)
    frame = union(
        s.capsule(-0.62, -0.80, -0.62, 0.80, 0.075),
        s.limb([(-0.62, 0.80), (-0.30, 0.82), (0.05, 0.55), (0.40, 0.50), (0.68, 0.62)], 0.09),
        s.capsule(0.66, 0.55, -0.50, -0.80, 0.08, 0.16),
        s.box(-0.50, -0.88, 0.28, 0.07),
    )
    shell = union(s.box(0.0, -0.10, 0.80, 0.48), s.ellipse(0.0, -0.58, 0.80, 0.26))
    bell = union(
        s.capsule(-0.88, 0.12, 0.60, 0.12, 0.07),
        s.polygon([(0.15, 0.19), (0.15, 0.05), (0.90, -0.32), (0.90, 0.56)]),
        s.box(-0.90, 0.12, 0.05, 0.12),
    )
    horn = union(
        s.capsule(0.52, 0.60, 0.45, -0.45, 0.09, 0.17),
        s.arc(0.14, -0.45, 0.31, 0.18, -math.pi / 2, math.pi / 2),
        s.capsule(-0.18, -0.45, -0.32, 0.05, 0.19, 0.36),
    )
    case = s.box(0.0, -0.25, 0.92, 0.20, corner=0.04)
    ends = union(s.box(-0.68, 0.0, 0.24, 0.62, corner=0.05), s.box(0.68, 0.0, 0.24, 0.62, corner=0.05))
    slot = s.x / 0.23
    column = slot.round().clamp(-3, 3)
    tall = 0.62 - 0.075 * column
    qx, qy = (s.x - column * 0.23).abs() - 0.085, s.y.abs() - tall
    plates = torch.maximum(qx, qy)
    cone = union(
        s.capsule(0.42, -0.40, 0.42, 0.30, 0.10, 0.15),
        s.trapezoid(0.42, 0.58, 0.14, 0.42, 0.32),
        s.ellipse(0.42, 0.90, 0.43, 0.07),
    )
    body = union(
        only(bout, string + pipe),
        only(flare, pipe),
        only(frame, harp),
        only(shell, drum),
        only(bell, trumpet),
        only(horn, sax),
        only(case, piano),
        only(ends, bellows),
        only(plates, bars),
        only(cone, tuba),
    )
    s.fill(body, "body", bevel=0.12, pattern=True)

    # ---- accent: folds of the bellows, hoops of the drum, valves, keys of the winds, pegs, mallets
    wave = (s.x / 0.14 - (s.x / 0.14).round()).abs() * 0.14
    folds = torch.maximum(s.box(0.0, 0.0, 0.45, 0.55), wave - 0.055)
    hoops = union(
        torch.maximum(s.ellipse(0.0, -0.56, 0.84, 0.30).abs() - 0.06, s.y + 0.56),
        s.ellipse(0.0, 0.38, 0.86, 0.27),
    )
    valves = union(*(s.box(x, 0.14, 0.07, 0.32, corner=0.03) for x in (-0.30, -0.09, 0.12)))
    pistons = union(*(s.box(x, -0.15, 0.065, 0.36, corner=0.03) for x in (-0.24, -0.04, 0.16)))
    lean = 0.06 * sax
    pads = union(*(s.circle(lean * (8.1 + y), y, 0.07 + 0.03 * sax) for y in (-0.38, -0.10, 0.18, 0.46)))
    pegs = union(*(s.box(0.0, y, 0.20, 0.03) for y in (0.74, 0.88)))
    mallet = union(
        s.capsule(-0.35, -0.85, 0.20 + 0.1 * swing, 0.0, 0.03), s.circle(0.20 + 0.1 * swing, 0.0, 0.10)
    )
    s.fill(
        union(
            only(folds, bellows),
            only(hoops, drum),
            only(valves, trumpet),
            only(pistons, tuba),
            only(pads, sax + pipe),
            only(pegs, string),
            only(mallet, bars),
        ),
        "accent",
        bellows + drum + trumpet + tuba + sax + pipe + string + bars,
        bevel=0.06,
    )

    # ---- light: skins, keyboards
    head = s.circle(0.0, first, 0.80 * g["low"])
    keys = torch.maximum(
        s.box(-0.72, 0.0, 0.12, 0.54), ((s.y / 0.18 - (s.y / 0.18).round()).abs() * 0.18 - 0.07)
    )
    ivory = torch.maximum(
        s.box(-0.02, -0.22, 0.84, 0.09), ((s.x / 0.14 - (s.x / 0.14).round()).abs() * 0.14 - 0.055)
    )
    s.fill(
        union(
            only(head, skin),
            only(s.ellipse(0.0, 0.40, 0.76, 0.20), drum),
            only(keys, bellows),
            only(ivory, piano),
        ),
        "light",
        skin + drum + bellows + piano,
        bevel=0.03,
    )

    # ---- dark: sound holes, fingerboard, bridge, the mouths of the bells
    y_hole = low + 0.62 * (high - low)
    round_hole = s.circle(0.0, y_hole, 0.13)
    slit = union(
        s.capsule(-0.16, mid - 0.12, -0.22, mid + 0.12, 0.025),
        s.capsule(0.16, mid - 0.12, 0.22, mid + 0.12, 0.025),
    )
    bridge = s.box(0.0, low + 0.24 * (high - low), 0.14, 0.035)
    board = s.capsule(0.0, high - 0.12, 0.0, 0.68, 0.035)
    s.fill(
        union(
            only(union(bridge, board), string),
            only(round_hole, hole * (1 - slits)),
            only(slit, slits),
            only(s.ellipse(0.90, 0.12, 0.08, 0.42), trumpet),
            only(s.ellipse(-0.34, 0.17, 0.31, 0.14, 0.15), sax),
            only(s.ellipse(0.42, 0.90, 0.35, 0.04), tuba),
        ),
        "dark",
        string + trumpet + sax + tuba,
        bevel=0.03,
    )
