"""Cycles, seen from the side, facing right."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.extents import Value

GROUP = "conveyance, transport"
GENES = ("front", "rear", "tyre", "bars", "saddle", "back", "engine", "diamond", "trike", "pedals")
# fmt: off
CLASSES = {
    #                  front  rear  tyre  bars  saddle  back  engine  diamond  trike  pedals
    "bicycle":        (  .50,  .50,  .10,  .60,    .65,  .15,      0,       1,     0,      0),
    "motorbike":      (  .42,  .42,  .95,  .45,    .35,  .25,      1,       0,     0,      0),
    "tricycle":       (  .40,  .22,  .70,  .95,    .25,  .70,      0,       0,     1,      1),
    # target classes
    "penny-farthing": (    1,  .05,  .05,  .90,    .95,  .80,      0,       0,     0,      1),
}
# fmt: on


def spokes(s: Sketch, cx: Value, cy: Value, radius: Tensor, turn: Tensor, half: float) -> Tensor:
    """Distance to the eight spokes of a wheel: fold it eightfold, then the nearest spoke is one of two."""
    dx, dy = s.local(cx, cy, turn)
    dx, dy = dx.abs_(), dy.abs_()
    low, high = torch.minimum(dx, dy), torch.maximum(dx, dy)
    far = (low * low + high * high).sqrt_()
    return torch.maximum(torch.minimum(low, (high - low) * math.sqrt(0.5)) - half, far - s.at(radius))


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one cycle a picture; every gene is [B] in [0, 1]."""
    engine, diamond, trike = (g[k].round() for k in ("engine", "diamond", "trike"))
    pedals = g["pedals"].round()  # on the front wheel's hub rather than on the frame

    # wheels: both stand on the ground; the far rear wheel of a tricycle peeps out behind the near one
    rf, rr = 0.26 + 0.42 * g["front"], 0.12 + 0.65 * g["rear"]
    tyre = 0.025 + 0.065 * g["tyre"]
    peak = rf * (1.05 + 0.30 * g["bars"]) + 0.08 + 0.20 * g["bars"] * (1 - pedals) + 0.30 * trike
    ground = -(rf + peak) / 2
    xf, yf, yr = 0.95 - rf, ground + rf, ground + rr
    xr = -0.95 + rr
    turn = r(0, 3)
    far = (xr + 0.17, yr + 0.07)
    s.fill(s.ring(*far, rr - tyre, tyre), "dark", when=trike, tone=0.7, bevel=0.05)
    s.fill(s.circle(*far, 0.75 * rr), "light", when=trike, tone=0.6, bevel=0.05)

    # spokes, tyres, and hubs
    d = torch.minimum(
        spokes(s, xf, yf, rf - tyre, turn, 0.012), spokes(s, xr, yr, rr - tyre, turn + r(), 0.012)
    )
    d = torch.minimum(d, s.ring(xf, yf, rf - 2.2 * tyre, 0.5 * tyre))
    d = torch.minimum(d, s.ring(xr, yr, rr - 2.2 * tyre, 0.5 * tyre))
    s.fill(d, "light", bevel=0.02, tone=0.9)
    d = torch.minimum(s.ring(xf, yf, rf - tyre, tyre), s.ring(xr, yr, rr - tyre, tyre))
    s.fill(d, "dark", bevel=0.05)

    # key points of the frame: head (steering), seat, pedal bracket
    hx, hy = xf - 0.24 * rf - 0.08 * diamond, yf + rf * (1.12 + 0.1 * trike) + 0.04
    hx = torch.where(pedals * (1 - trike) > 0, xf - 0.05, hx)
    top_y = hy + 0.16 * g["bars"] + 0.10 * trike
    bx, by = (xr + xf) / 2 - 0.08, ground + 0.62 * rr
    sx = torch.where(pedals > 0, hx - 0.22 - 0.06 * trike, (xr + xf) / 2 - 0.22)
    sy = torch.where(pedals > 0, hy + 0.02 - 0.46 * trike, hy + 0.10 * g["saddle"] - 0.10 * engine)

    # motorbike: exhaust, engine block, far fork
    s.fill(s.capsule(bx, yr - 0.10, xr - 0.25, yr - 0.04, 0.045, 0.06), "light", when=engine, bevel=0.05)
    d = s.box(bx + 0.06, yr + 0.02, 0.20, 0.17, 0.0, 0.05)
    s.fill(
        torch.minimum(d, s.box(bx + 0.12, yr + 0.20, 0.10, 0.14, 0.35, 0.03)),
        "second",
        when=engine,
        bevel=0.06,
    )

    # frame: fork, then either a diamond or a spine down to the rear wheel
    pipe = 0.030 + 0.018 * engine + 0.025 * trike
    d = torch.minimum(
        s.capsule(xf, yf, hx, top_y, pipe), s.limb([(hx, hy - 0.05), (sx, sy - 0.10), (xr, yr)], pipe)
    )
    away = 9 * (1 - diamond)
    for x0, y0, x1, y1 in ((bx, by, hx, hy - 0.12), (bx, by, sx - 0.03, sy), (bx, by, xr, yr)):
        d = torch.minimum(d, s.capsule(x0 + away, y0, x1 + away, y1, pipe))
    s.fill(d, "body", bevel=0.04)

    # tank, fenders
    d = s.ellipse((hx + sx) / 2 + 0.06, (hy + sy) / 2 - 0.02, 0.26, 0.13, 0.12)
    d = torch.minimum(d, s.arc(xf, yf, rf + 0.01, 0.03, 1.75, 0.55))
    d = torch.minimum(d, s.arc(xr, yr, rr + 0.01, 0.035, 1.75, 0.75))
    s.fill(d, "body", when=engine, bevel=0.12, pattern=True)

    # pedals and crank
    px, py = torch.where(pedals > 0, xf, bx), torch.where(pedals > 0, yf, by)
    a, crank = r(0, 6.28), 0.14
    cx, cy = crank * a.cos(), crank * a.sin()
    d = s.capsule(px - cx, py - cy, px + cx, py + cy, 0.02)
    d = torch.minimum(d, s.box(px + cx, py + cy, 0.07, 0.025))
    d = torch.minimum(d, s.box(px - cx, py - cy, 0.07, 0.025))
    s.fill(torch.minimum(d, s.circle(px, py, 0.065)), "accent", when=1 - engine, bevel=0.03)
    hub = torch.minimum(s.circle(xf, yf, 0.05 + 0.05 * engine), s.circle(xr, yr, 0.045 + 0.05 * engine))
    s.fill(hub, "second", bevel=0.05)

    rest = 9 * (1 - trike)
    # saddle (with the back rest of a tricycle) and handlebars
    d = s.limb(
        [(sx - 0.16 - 0.18 * engine, sy + 0.05 + 0.05 * engine), (sx, sy + 0.02), (sx + 0.15, sy + 0.03)],
        0.055 + 0.01 * engine + 0.02 * trike,
        0.032 + 0.03 * trike,
    )
    d = torch.minimum(d, s.capsule(sx - 0.17 + rest, sy, sx - 0.26 + rest, sy + 0.30, 0.06))
    s.fill(d, "second", bevel=0.06)
    sweep = 0.10 + 0.16 * g["back"]
    d = s.limb(
        [
            (hx + 0.10 * diamond, top_y + 0.02 * diamond),
            (hx - 0.02, top_y + 0.04),
            (hx - sweep, top_y + 0.07 - 0.1 * pedals * (1 - trike)),
        ],
        0.034,
    )
    s.fill(d, "dark", bevel=0.04)
    s.fill(s.circle(hx + 0.14, hy - 0.02, 0.10), "accent", when=engine, bevel=0.08)
