"""Musical instruments: strings and pipes upright, brass, a drum, and instruments with keys or bars."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.kinds.parts import each, on, union

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
    "violin":    (1, 0, .66, .35, .28, .20, .19, 1  , 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
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


def comb(x: Tensor, pitch: float) -> Tensor:
    """Distance to the nearest multiple of `pitch`: slices a row of keys, folds or strings."""
    return (x - (x / pitch).round() * pitch).abs()


def legs(p: Sketch) -> list[Tensor]:
    """Legs of the piano."""
    return [p.trapezoid(x, -0.70, 0.035, 0.075, 0.25) for x in (-0.72, 0.10, 0.72)]


def drumsticks(p: Sketch, swing: Tensor) -> Tensor:
    """Two sticks above the drum."""
    lift = 0.06 * swing
    return union(
        p.capsule(-0.75, 0.90, -0.05, 0.50 + lift, 0.04), p.capsule(0.75, 0.90, 0.10, 0.48 - lift, 0.04)
    )


def neck(p: Sketch, mid: Tensor) -> Tensor:
    """Neck and head of a stringed instrument."""
    return union(p.capsule(0.0, mid, 0.0, 0.75, 0.065), p.trapezoid(0.0, 0.80, 0.09, 0.14, 0.15, corner=0.03))


def bouts(
    p: Sketch, first: Tensor, last: Tensor, low: Tensor, high: Tensor, bottom: Tensor, top: Tensor
) -> Tensor:
    """Body of a stringed instrument: two discs and the trapezoid between, with a smooth joint."""
    waist = p.trapezoid(0.0, (first + last) / 2, bottom, top, ((last - first) / 2).clamp(min=0.05))
    discs = union(p.circle(0.0, first, low), p.circle(0.0, last, high))
    return torch.minimum(discs, waist) - (0.16 - (discs - waist).abs()).clamp(min=0) ** 2 / 0.64


def bridge(p: Sketch, y: Tensor, high: Tensor) -> Tensor:
    """Bridge and fingerboard."""
    return union(p.box(0.0, y, 0.14, 0.035), p.capsule(0.0, high - 0.12, 0.0, 0.68, 0.035))


def frame(p: Sketch) -> Tensor:
    """Harp: pillar, curved neck, sound box, foot."""
    return union(
        p.capsule(-0.62, -0.80, -0.62, 0.80, 0.075),
        p.limb([(-0.62, 0.80), (-0.30, 0.82), (0.05, 0.55), (0.40, 0.50), (0.68, 0.62)], 0.09),
        p.capsule(0.66, 0.55, -0.50, -0.80, 0.08, 0.16),
        p.box(-0.50, -0.88, 0.28, 0.07),
    )


def wires(p: Sketch) -> Tensor:
    """Strings of the harp."""
    inside = p.polygon([(-0.58, 0.75), (0.62, 0.50), (0.55, 0.30), (-0.50, -0.75)])
    return torch.maximum(comb(p.x, 0.17) - 0.014, inside)


def hoops(p: Sketch) -> Tensor:
    """Upper and lower hoop of the drum."""
    lower = torch.maximum(p.ellipse(0.0, -0.56, 0.84, 0.30).abs() - 0.06, p.y + 0.56)
    return union(lower, p.ellipse(0.0, 0.38, 0.86, 0.27))


def bell(p: Sketch) -> Tensor:
    """Trumpet: pipe, bell, mouthpiece."""
    return union(
        p.capsule(-0.88, 0.12, 0.60, 0.12, 0.07),
        p.polygon([(0.15, 0.19), (0.15, 0.05), (0.90, -0.32), (0.90, 0.56)]),
        p.box(-0.90, 0.12, 0.05, 0.12),
    )


def horn(p: Sketch) -> Tensor:
    """Saxophone: pipe down, bow, bell up."""
    return union(
        p.capsule(0.52, 0.60, 0.45, -0.45, 0.09, 0.17),
        p.arc(0.14, -0.45, 0.31, 0.18, -math.pi / 2, math.pi / 2),
        p.capsule(-0.18, -0.45, -0.32, 0.05, 0.19, 0.36),
    )


def keypads(p: Sketch, sax: Tensor) -> Tensor:
    """Keys in a row along the pipe."""
    lean, radius = 0.06 * sax, 0.07 + 0.03 * sax
    return union(*(p.circle(lean * (8.1 + y), y, radius) for y in (-0.38, -0.10, 0.18, 0.46)))


def coil(p: Sketch) -> Tensor:
    """Euphonium: the large loop and the mouthpipe."""
    loop = p.box(0.02, -0.28, 0.52, 0.52, corner=0.30).abs() - 0.08
    return union(loop, p.capsule(-0.50, 0.0, -0.82, 0.30, 0.045))


def cone(p: Sketch) -> Tensor:
    """Euphonium: the bell."""
    return union(
        p.capsule(0.42, -0.40, 0.42, 0.30, 0.10, 0.15),
        p.trapezoid(0.42, 0.58, 0.14, 0.42, 0.32),
        p.ellipse(0.42, 0.90, 0.43, 0.07),
    )


def plates(p: Sketch) -> Tensor:
    """Bars of the xylophone, ever shorter."""
    k = (p.x / 0.23).round().clamp(-3, 3)
    return torch.maximum((p.x - k * 0.23).abs() - 0.085, p.y.abs() - (0.62 - 0.075 * k))


def mallet(p: Sketch, swing: Tensor) -> Tensor:
    """Mallet of the xylophone."""
    x = 0.20 + 0.1 * swing
    return union(p.capsule(-0.35, -0.85, x, 0.0, 0.03), p.circle(x, 0.0, 0.10))


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
    ground = -0.92
    high = ground + 1.85 * g["length"]
    mid = (ground + high) / 2
    first, last = ground + g["low"], high - g["high"]  # centres of the two discs of the body

    # ---- behind: piano legs and prop, drum sticks, bow
    dark = each(
        s,
        (piano, lambda p: union(p.capsule(0.55, -0.1, 0.40, 0.60, 0.03), *legs(p))),
        (drum, drumsticks, swing),
        (bow, lambda p, w: p.capsule(0.43 + 0.06 * w, -0.85, 0.52 - 0.06 * w, 0.85, 0.03), swing),
    )
    s.fill(dark, "dark", piano + drum + bow, bevel=0.04)

    # ---- second: neck and head, tubes of the brass, piano lid, rails
    second = each(
        s,
        (string, neck, mid),
        (trumpet, lambda p: p.box(-0.05, -0.14, 0.52, 0.28, corner=0.26).abs() - 0.065),
        (
            piano,
            lambda p: p.polygon([(-0.78, -0.05), (-0.60, 0.72), (0.05, 0.88), (0.85, 0.35), (0.80, -0.05)]),
        ),
        (tuba, coil),
        (sax, lambda p: p.limb([(0.52, 0.50), (0.52, 0.80), (0.28, 0.90), (-0.08, 0.74)], 0.085, 0.05)),
        (
            bars,
            lambda p: union(
                p.capsule(-0.92, 0.32, 0.92, 0.18, 0.05), p.capsule(-0.92, -0.32, 0.92, -0.18, 0.05)
            ),
        ),
    )
    s.fill(second, "second", string + trumpet + piano + tuba + sax + bars, bevel=0.06)
    s.fill(each(s, (harp, wires)), "light", harp, bevel=0.03)

    # ---- body
    body = each(
        s,
        (string + pipe, bouts, first, last, g["low"], g["high"], g["bottom"], g["top"]),
        (pipe, lambda p: p.trapezoid(0.0, ground + 0.06, 0.28, 0.12, 0.16)),
        (harp, frame),
        (drum, lambda p: union(p.box(0.0, -0.10, 0.80, 0.48), p.ellipse(0.0, -0.58, 0.80, 0.26))),
        (trumpet, bell),
        (sax, horn),
        (piano, lambda p: p.box(0.0, -0.25, 0.92, 0.20, corner=0.04)),
        (bellows, lambda p: union(*(p.box(x, 0.0, 0.24, 0.62, corner=0.05) for x in (-0.68, 0.68)))),
        (bars, plates),
        (tuba, cone),
    )
    s.fill(body, "body", bevel=0.12, pattern=True)

    # ---- accent: folds of the bellows, hoops of the drum, valves, keys of the winds, pegs, mallet
    accent = each(
        s,
        (bellows, lambda p: torch.maximum(p.box(0.0, 0.0, 0.45, 0.55), comb(p.x, 0.14) - 0.055)),
        (drum, hoops),
        (trumpet, lambda p: union(*(p.box(x, 0.14, 0.07, 0.32, corner=0.03) for x in (-0.30, -0.09, 0.12)))),
        (tuba, lambda p: union(*(p.box(x, -0.15, 0.065, 0.36, corner=0.03) for x in (-0.24, -0.04, 0.16)))),
        (sax + pipe, keypads, sax),
        (string, lambda p: union(p.box(0.0, 0.74, 0.20, 0.03), p.box(0.0, 0.88, 0.20, 0.03))),
        (bars, mallet, swing),
    )
    s.fill(accent, "accent", bellows + drum + trumpet + tuba + sax + pipe + string + bars, bevel=0.06)

    # ---- light: skins, keyboards
    light = each(
        s,
        (skin, lambda p, y, radius: p.circle(0.0, y, radius), first, 0.80 * g["low"]),
        (drum, lambda p: p.ellipse(0.0, 0.40, 0.76, 0.20)),
        (bellows, lambda p: torch.maximum(p.box(-0.72, 0.0, 0.12, 0.54), comb(p.y, 0.18) - 0.07)),
        (piano, lambda p: torch.maximum(p.box(-0.02, -0.22, 0.84, 0.09), comb(p.x, 0.14) - 0.055)),
    )
    s.fill(light, "light", skin + drum + bellows + piano, bevel=0.03)

    # ---- dark: bridge and fingerboard, sound holes, the mouths of the bells
    dark = each(
        s,
        (string, bridge, ground + 0.24 * (high - ground), high),
        (hole * (1 - slits), lambda p, y: p.circle(0.0, y, 0.13), ground + 0.62 * (high - ground)),
        (
            slits,
            lambda p, y: union(*(p.capsule(k * 0.15, y - 0.2, k * 0.19, y + 0.04, 0.028) for k in (-1, 1))),
            mid,
        ),
        (trumpet, lambda p: p.ellipse(0.90, 0.12, 0.08, 0.42)),
        (sax, lambda p: p.ellipse(-0.34, 0.17, 0.31, 0.14, 0.15)),
        (tuba, lambda p: p.ellipse(0.42, 0.90, 0.35, 0.04)),
    )
    s.fill(dark, "dark", string + trumpet + sax + tuba, bevel=0.03)
