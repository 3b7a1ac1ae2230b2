"""Furniture, seen from the front and a little from the right and above."""

from __future__ import annotations

import copy
from functools import partial

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.kinds.parts import named

GROUP = "furniture"
GENES = (
    "base", "wide", "seat", "thick", "depth", "skirt", "side", "splay", "back", "arms", "head", "foot", "posts",
    "rows", "cols", "slats", "round", "pillow", "rockers", "books", "doors", "basket", "ladder", "lamp",
)  # fmt: skip


genes = partial(named, GENES)

# fmt: off
CLASSES = {
    "chair":         genes(base=.00, wide=.42, seat=.40, thick=.20, depth=.65, head=.70, slats=1),
    "dining table":  genes(base=.38, wide=.88, seat=.50, thick=.25, depth=.70),
    "sofa":          genes(base=.42, wide=.98, seat=.25, thick=.30, depth=.35, skirt=.80, back=.46, arms=.38, pillow=1),
    "bed":           genes(base=.36, wide=.84, seat=.25, thick=.55, depth=.85, head=.38, foot=.12, skirt=.15, pillow=1),
    "floor lamp":    genes(base=.00, wide=.45, depth=.30, lamp=1),
    "bookcase":      genes(base=.00, wide=.55, seat=.95, thick=.10, depth=.30, skirt=1, rows=.50, books=1),
    "wardrobe":      genes(base=.00, wide=.68, seat=.97, thick=.25, depth=.25, skirt=.92, rows=.12, cols=.17, doors=1),
    "stool":         genes(base=.10, wide=.52, seat=.88, thick=.30, splay=.50, depth=.30, round=1),
    "rocking chair": genes(base=.06, wide=.42, seat=.42, thick=.15, depth=.50, head=.66, slats=1, rockers=1),
    "cradle":        genes(base=.35, wide=.92, seat=.46, thick=.15, depth=.25, skirt=.72, rockers=1, basket=1, cols=.8),
    # target classes
    "armchair":      genes(base=.14, wide=.62, seat=.36, thick=.30, depth=.35, skirt=.80, back=.62, arms=.45),
    "desk":          genes(base=.42, wide=.90, seat=.52, thick=.12, depth=.45, skirt=1, side=.60, rows=.38),
    "chest of drawers": genes(base=.30, wide=.86, seat=.66, thick=.15, depth=.30, skirt=.92, rows=.50, cols=.17),
    "bunk bed":      genes(base=.00, wide=.90, seat=.28, thick=.45, depth=.40, posts=.92, ladder=1, pillow=1),
}
# fmt: on


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one piece a picture; every gene is [B] in [0, 1].

    A part that a class lacks but that shares its fill with others is moved `away`, out of the picture.
    """
    at = lambda t: t.view(-1, 1, 1)  # noqa: E731
    switches = ("slats", "round", "pillow", "rockers", "books", "doors", "basket", "ladder", "lamp")
    on = {k: (g[k] > 0.5).float() for k in switches}
    for k in ("seat", "skirt", "back", "arms", "head", "foot", "posts", "rows", "side"):
        on[k] = (g[k] > 0.06).float()
    away = {k: 9 * (1 - v) for k, v in on.items()}

    # front plane from xl to xr; what is behind is shifted by (ox, oy); the slab's top is at ys
    w, deep = 0.08 + 0.72 * g["wide"], g["depth"].clamp(min=0.05)
    ox, oy = r(0.49, 0.61) * deep, r(0.30, 0.38) * deep
    xm = 0.05 * (on["slats"] + on["arms"]) + 0.07 * on["rockers"] - ox / 2 * (1 - 0.6 * on["round"])
    xl, xr = xm - w, xm + w
    ground = -0.93 + 0.85 * g["base"]
    ys = ground + 1.75 * g["seat"]
    t = 0.03 + 0.22 * g["thick"]
    yb = ground + 1.18  # the upper berth of a bunk bed
    # the same canvas folded at the middle of the front, and at the middle of the far side: one leg draws two
    near, far = copy.copy(s), copy.copy(s)
    near.x = (s.x - at(xm)).abs()
    far.x, far.y = (s.x - at(xm + 0.92 * ox)).abs(), s.y - at(0.92 * oy)

    def plate(y: Tensor) -> Tensor:
        return s.polygon([(xl, y), (xr, y), (xr + ox, y + oy), (xl + ox, y + oy)])

    # far legs, or posts that go on above the seat
    foot = w - 0.05 - 0.20 * w * on["round"] - 0.10 * on["rockers"]
    splayed = foot + 0.25 * g["splay"]
    leg = 0.042 + 0.012 * on["round"]
    post = torch.where(on["posts"] > 0, ground + 1.75 * g["posts"], ys - 0.05)
    d = far.capsule(
        splayed - 0.12 * on["round"], ground + 0.04, foot - 0.16 * on["round"], post - 0.1 * on["round"], leg
    )
    s.fill(d, "body", when=on["seat"] * (1 - on["basket"]), tone=0.6, bevel=0.04)

    # back of a sofa; head panel at the left end, with gaps between slats for a chair
    hb, hh = 1.25 * g["back"], (1.35 * g["head"]).clamp(min=0.1)
    low, lean = ys - 0.08, 0.12 * on["slats"] + 0.12 * on["rockers"]
    back = s.box(
        xm + ox * 0.8 + away["back"], ys + oy * 0.6 + hb / 2 - 0.1, w - 0.02, hb / 2 + 0.1, 0.0, 0.10
    )
    share = (s.x - at(xl) + at(lean / hh) * (s.y - at(low))) / at(ox)  # 0 at the near post, 1 at the far one
    rise = (s.y - at(low) - at(oy) * share) / at(hh)  # 0 at the foot, 1 at the top
    across, upward = ((share - 0.5).abs() - 0.5) * at(ox), ((rise - 0.5).abs() - 0.5) * at(hh)
    gap = (((rise - 0.10) * 3).remainder(1.0) - 0.5).abs() * at(hh) / 3 - 0.075
    gap = torch.maximum(torch.maximum(gap, across + 0.06), 0.1 - rise) + at(away["slats"])
    head = torch.maximum(torch.maximum(across, upward), -gap) + at(away["head"])
    s.fill(torch.minimum(back, head), "body", when=on["back"] + on["head"], tone=0.85, bevel=0.07)

    # near legs with the rung of a stool; tops of slab and upper berth
    d = near.capsule(splayed, ground + 0.04, foot, post, leg)
    height = ground + 0.4 * (ys - ground)
    d = torch.minimum(d, near.capsule(away["round"], height, foot + away["round"], height, 0.035))
    s.fill(d, "body", when=on["seat"], bevel=0.05)
    top = torch.where(at(on["round"]) > 0, s.ellipse(xm, ys, w + 0.05, 0.13), plate(ys))
    tops = torch.minimum(top, plate(yb + 0.08) + at(away["ladder"]))
    s.fill(tops, "second", when=on["seat"], bevel=0.05, pattern=True)

    # right side (with the foot panel of a bed); front: slab, block below it, upper berth
    below = ys - t - (ys - t - ground) * g["skirt"] * on["skirt"]
    hf = 1.2 * g["foot"] * on["foot"]
    d = s.polygon([(xr, below), (xr + ox, below + oy), (xr + ox, ys + oy + hf), (xr, ys + hf)])
    s.fill(d, "body", when=on["seat"] * (1 - on["round"]) * (1 - on["basket"]), tone=0.68, bevel=0.04)
    xs = xl + 2 * w * g["side"] * on["side"]
    narrow = 0.28 * w * on["basket"] / (ys - below).clamp(min=0.05)  # a cradle tapers downwards
    sides = (s.x - at((xs + xr) / 2)).abs() - at((xr - xs) / 2) + at(narrow) * (at(ys) - s.y)
    block = torch.maximum(sides, (s.y - at((below + ys) / 2)).abs() - at((ys - below) / 2))
    slab = near.box(0.0, ys - t / 2 - 0.02 * on["round"], w + 0.03, t / 2, 0.0, 0.02)
    front = torch.minimum(block, slab)
    front = torch.where(at(on["round"]) > 0, torch.maximum(front, -top), front)
    front = torch.minimum(front, near.box(away["ladder"], yb, w + 0.03, 0.09, 0.0, 0.02))
    s.fill(front, "body", when=on["seat"], bevel=0.06, pattern=True)

    # fields of the front: shelves and bars of a cradle (dark), drawers, doors; pole and foot of a lamp
    rows = (8 * g["rows"]).round()
    cols = (1 + 6 * g["cols"] * (on["rows"] + on["basket"])).round()
    high = ((ys - t - below) / rows.clamp(min=1)).clamp(min=0.05)  # nothing would divide by zero
    wide = (xr - xs) / cols
    column, row = (s.x - at(xs)) / at(wide), (s.y - at(below)) / at(high)
    lx, ly = (column.remainder(1.0) - 0.5) * at(wide), (row.remainder(1.0) - 0.5) * at(high)
    field = torch.maximum(lx.abs() - at(wide / 2), ly.abs() - at(high / 2)) + 0.035
    field = torch.maximum(torch.maximum(field, block + 0.03), s.y - at(ys - t))
    pole = torch.minimum(s.capsule(0.0, -0.88, 0.0, 0.5, 0.04), s.ellipse(0.0, -0.87, 0.30, 0.07))
    dark = torch.where(at(on["lamp"]) > 0, pole, field)
    s.fill(dark, "dark", when=on["books"] + on["basket"] + on["lamp"], bevel=0.03, tone=1.2)
    s.fill(field, "second", when=on["rows"] * (1 - on["books"]), bevel=0.05)

    # books of many heights; knobs, those of a pair of doors near to each other
    spine = (s.x - at(xs)) * 9
    size = 0.50 + 0.32 * (spine.floor() * 2.4 + row.floor() * 1.7).sin()
    book = torch.maximum((spine.remainder(1.0) - 0.5).abs() / 9 - 0.045, ly + at(high) * (0.45 - 0.8 * size))
    toward = at(0.36 * wide * on["doors"]) * (1 - 2 * (s.x > at(xm)).float())
    knob = ((lx - toward) ** 2 + ly * ly).sqrt_() - 0.045
    d = torch.maximum(torch.where(at(on["books"]) > 0, book, knob), field)
    s.fill(d, "accent", when=on["rows"], bevel=0.04)

    # pillows: at the left end of a bed, one each side on a sofa
    sofa, turn = on["back"], r(-0.15, 0.15)
    px, py = xl + 0.30 * ox + 0.19, ys + 0.45 * oy + 0.05
    px, py = torch.where(sofa > 0, xl + 0.36, px), torch.where(sofa > 0, ys + 0.22, py)
    d = s.box(px, py, 0.17, 0.09 + 0.08 * sofa, 0.35 * sofa + turn, 0.08)
    # the other one: to the right on a sofa, in the upper berth of a bunk bed
    px, py = torch.where(sofa > 0, xr - 0.20, px + away["ladder"]), torch.where(sofa > 0, py, yb + 0.14)
    d = torch.minimum(d, s.box(px, py, 0.17, 0.08 + 0.09 * sofa, turn - 0.3 * sofa, 0.08))
    s.fill(d, "light", when=on["pillow"], bevel=0.09)

    # arms of a sofa, or the shade of a lamp
    ha = 0.9 * g["arms"]
    arms = near.box(w - 0.01, (ground + ys + ha) / 2 + 0.02, 0.11, (ys + ha - ground) / 2, 0.0, 0.09)
    shade = s.trapezoid(0.0, 0.62, w + 0.04, 0.55 * w, 0.32)
    d = torch.where(at(on["lamp"]) > 0, shade, arms)
    s.fill(d, "body", when=on["arms"] + on["lamp"], bevel=0.15, pattern=True)

    # rockers with the arm rest of a chair; ladder of a bunk bed
    curve = s.circle(xm + 0.05, ground + 1.45, 1.43).abs_() - 0.042
    curve = torch.maximum(curve, (s.x - at(xm + 0.05)).abs() - at(0.52 + 0.22 * on["basket"]))
    curve = torch.maximum(curve, s.y - at(ground + 0.5)) + at(away["rockers"])
    rest = away["rockers"] + 9 * on["basket"]
    elbow = (xr - 0.06 + rest, ys + 0.30)
    d = torch.minimum(curve, s.limb([(xl - 0.06 + rest, ys + 0.32), elbow, (xr - 0.1 + rest, ys)], 0.035))
    off = (s.x - at(xr - 0.26)).abs() - 0.12
    step = (((s.y - at(ground)) * 5).remainder(1.0) - 0.5).abs() / 5 - 0.022
    ladder = torch.minimum(torch.maximum(step, off), off.abs() - 0.025)
    ladder = torch.maximum(ladder, (s.y - at(ground + 0.68)).abs() - 0.66) + at(away["ladder"])
    s.fill(torch.minimum(d, ladder), "accent", when=on["rockers"] + on["ladder"], bevel=0.04)

    # hood of a cradle, rims of a lamp shade
    hood = torch.maximum(s.circle(xl + 0.28, ys, 0.42), torch.maximum(at(ys) - s.y, s.x - at(xl + 0.42)))
    rims = torch.maximum(shade - 0.004, 0.26 - (s.y - 0.62).abs())
    d = torch.where(at(on["lamp"]) > 0, rims, hood)
    s.fill(d, "second", when=on["basket"] + on["lamp"], bevel=0.10)
