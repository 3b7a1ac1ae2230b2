"""Furniture, seen from the front and a little from the right and above."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch, Value
from lecture_lib.twins.chance import Chance

GROUP = "furniture"
GENES = (
    "base", "wide", "seat", "thick", "depth", "skirt", "side", "splay", "back", "arms", "head", "foot", "posts",
    "rows", "cols", "slats", "round", "pillow", "rockers", "books", "doors", "basket", "ladder", "lamp",
)  # fmt: skip


def genes(**given: float) -> tuple[float, ...]:
    """Genes in the order of GENES; what a class does not name is 0: it has no such part."""
    return tuple(float(given.get(name, 0)) for name in GENES)


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
    w = 0.08 + 0.72 * g["wide"]
    ox, oy = (
        (0.55 + r(-0.06, 0.06)) * g["depth"].clamp(min=0.05),
        (0.34 + r(-0.04, 0.04)) * g["depth"].clamp(min=0.05),
    )
    xl, xr, xm = -w - ox / 2, w - ox / 2, -ox / 2
    ground = -0.93 + 0.85 * g["base"]
    ys = ground + 1.75 * g["seat"]
    t = 0.03 + 0.22 * g["thick"]
    lean = 0.12 * on["slats"] + 0.12 * on["rockers"]
    splay = 0.5 * g["splay"]

    def plate(x0: Value, y0: Value, x1: Value, y1: Value) -> Tensor:
        return s.polygon([(x0, y0), (x1, y1), (x1 + ox, y1 + oy), (x0 + ox, y0 + oy)])

    # legs, or posts that go on above the seat: the far pair, then the near one
    inset = 0.05 + 0.20 * w * on["round"] + 0.10 * on["rockers"]
    leg = 0.042 + 0.012 * on["round"]
    post = torch.where(on["posts"] > 0, ground + 1.75 * g["posts"], ys - 0.05)
    some = 9 * (1 - on["seat"])
    near = torch.minimum(
        s.capsule(xl + inset - splay * 0.5 + some, ground + 0.04, xl + inset + some, post, leg),
        s.capsule(xr - inset + splay * 0.5 + some, ground + 0.04, xr - inset + some, post, leg),
    )
    rung = s.capsule(
        xl + inset + away["round"],
        ground + 0.4 * (ys - ground),
        xr - inset + away["round"],
        ground + 0.4 * (ys - ground),
        0.035,
    )
    shift = copy.copy(s)  # the same canvas seen by things that stand at the far side
    shift.x, shift.y = s.x - at(ox) * 0.92, s.y - at(oy) * 0.92
    far = torch.minimum(
        shift.capsule(
            xl + inset + some + 9 * on["basket"],
            ground + 0.04,
            xl + inset + some + 9 * on["basket"],
            post,
            leg,
        ),
        shift.capsule(
            xr - inset + some + 9 * on["basket"],
            ground + 0.04,
            xr - inset + some + 9 * on["basket"],
            post,
            leg,
        ),
    )
    s.fill(far, "body", when=on["seat"], tone=0.6, bevel=0.04)

    # back of a sofa; head panel at the left end, with gaps between slats for a chair
    hb, hh = 1.25 * g["back"], 1.35 * g["head"]
    d = s.box(xm + ox * 0.8 + away["back"], ys + oy * 0.6 + hb / 2 - 0.1, w - 0.02, hb / 2 + 0.1, 0.0, 0.10)
    s.fill(d, "body", when=on["back"], tone=0.85, bevel=0.13, pattern=True)
    low = ys - 0.08
    head = s.polygon(
        [
            (xl, low),
            (xl + ox, low + oy),
            (xl + ox - lean, low + oy + hh),
            (xl - lean, low + hh),
        ]
    )
    share = (s.x - at(xl) + at(lean / hh.clamp(min=0.1)) * (s.y - at(low))) / at(ox)
    rise = (s.y - at(low) - at(oy) * share) / at(hh.clamp(min=0.1))
    gap = torch.maximum(
        (((rise - 0.10) * 3).remainder(1.0) - 0.5).abs() * at(hh) / 3 - 0.075,
        ((share - 0.5).abs() - 0.5) * at(ox) + 0.06,
    )
    gap = torch.maximum(gap, 0.1 - rise)
    head = torch.maximum(head, -(gap + at(away["slats"])))
    s.fill(head, "body", when=on["head"], tone=0.85, bevel=0.05)

    # lamp: foot, pole, shade
    d = torch.minimum(s.capsule(0.0, -0.88, 0.0, 0.5, 0.04), s.ellipse(0.0, -0.87, 0.30, 0.07))
    s.fill(d, "dark", when=on["lamp"], bevel=0.04, tone=1.3)
    d = s.trapezoid(0.0, 0.62, w + 0.04, 0.55 * w, 0.32)
    s.fill(d, "body", when=on["lamp"], bevel=0.20, pattern=True)
    s.fill(torch.maximum(d + 0.004, (s.y - 0.62).abs() * -1 + 0.26), "second", when=on["lamp"], bevel=0.05)

    # near legs under the seat; the top of the slab; the right side; the front
    s.fill(torch.minimum(near, rung), "body", when=on["seat"], bevel=0.05)
    top = torch.where(at(on["round"]) > 0, s.ellipse(0.0, ys, w + 0.05, 0.13), plate(xl, ys, xr, ys))
    s.fill(top, "second", when=on["seat"], bevel=0.05, pattern=True)
    below = ys - t - (ys - t - ground) * g["skirt"] * on["skirt"]
    hf = 1.2 * g["foot"] * on["foot"]
    right = s.polygon([(xr, below), (xr + ox, below + oy), (xr + ox, ys + oy + hf), (xr, ys + hf)])
    s.fill(right, "body", when=on["seat"] * (1 - on["round"]) * (1 - on["basket"]), tone=0.68, bevel=0.04)
    xs = xl + 2 * w * g["side"] * on["side"]
    block = s.box((xs + xr) / 2, (below + ys) / 2, (xr - xs) / 2, (ys - below) / 2)
    block = torch.where(
        at(on["basket"]) > 0, s.trapezoid(xm, (below + ys) / 2, 0.72 * w, w + 0.03, (ys - below) / 2), block
    )
    slab = s.box(xm + 0.5 * ox * on["round"], ys - t / 2 - 0.02 * on["round"], w + 0.03, t / 2, 0.0, 0.02)
    front = torch.minimum(block, slab)
    front = torch.where(at(on["round"]) > 0, torch.maximum(front, -top), front)
    s.fill(front, "body", when=on["seat"], bevel=0.06, pattern=True)

    # fields of the front: shelves (dark, with books), drawers and doors (with knobs), bars of a cradle
    rows, cols = (
        (8 * g["rows"]).round(),
        (1 + 6 * g["cols"] * (on["rows"] + on["basket"]).clamp(max=1)).round(),
    )
    high = ((ys - t - below) / rows.clamp(min=1)).clamp(min=0.05)  # nothing would divide by zero
    wide = (xr - xs) / cols
    lx = ((s.x - at(xs)) / at(wide)).remainder(1.0) - 0.5
    ly = ((s.y - at(below)) / at(high)).remainder(1.0) - 0.5
    field = torch.maximum((lx.abs() - 0.5) * at(wide), (ly.abs() - 0.5) * at(high)) + 0.035
    field = torch.maximum(field, block + 0.03)
    field = torch.maximum(field, s.y - at(ys - t))
    s.fill(field, "dark", when=(on["books"] + on["basket"]).clamp(max=1), bevel=0.03)
    s.fill(field, "second", when=on["rows"] * (1 - on["books"]), bevel=0.05)
    column = (s.x - at(xs)) * 9
    size = 0.5 + 0.35 * (column.floor() * 2.4 + ((s.y - at(below)) / at(high)).floor() * 1.7).sin()
    book = torch.maximum(
        (column.remainder(1.0) - 0.5).abs() / 9 - 0.045,
        (ly + 0.5) * at(high) - (0.05 + 0.75 * at(high) * size),
    )
    s.fill(torch.maximum(book, field), "light", when=on["books"], bevel=0.03)
    toward = at(0.36 * on["doors"]) * (1 - 2 * (s.x > at(xm)).float())
    knob = ((lx - toward) ** 2 * at(wide * wide) + ly**2 * at(high * high)).sqrt() - 0.045
    s.fill(knob.maximum(field), "accent", when=on["rows"] * (1 - on["books"]), bevel=0.05)

    # upper berth with its ladder
    yb = ground + 1.18
    berth = s.box(xm, yb, w + 0.03, 0.09, 0.0, 0.02)
    s.fill(plate(xl, yb + 0.08, xr, yb + 0.08), "second", when=on["ladder"], bevel=0.05, pattern=True)
    s.fill(berth, "body", when=on["ladder"], bevel=0.06, pattern=True)

    # pillows: at the left end of a bed, one each side on a sofa
    turn = r(-0.15, 0.15)
    px, py = xl + 0.30 * ox + 0.19, ys + 0.45 * oy + 0.05
    sofa = on["back"]
    d = s.box(
        torch.where(sofa > 0, xl + 0.36, px),
        torch.where(sofa > 0, ys + 0.22, py),
        0.17,
        0.09 + 0.08 * sofa,
        0.35 * sofa + turn,
        0.08,
    )
    d = torch.minimum(d, s.box(xr - 0.20 + 9 * (1 - sofa), ys + 0.22, 0.17, 0.17, turn - 0.3, 0.08))
    d = torch.minimum(d, s.box(px + away["ladder"], yb + 0.14, 0.17, 0.08, turn, 0.07))
    s.fill(d, "light", when=on["pillow"], bevel=0.09)

    # arms of a sofa; rockers and arm rest; ladder
    ha = 0.9 * g["arms"]
    d = torch.minimum(
        s.box(
            xl + 0.04 + away["arms"], (ground + ys + ha) / 2 + 0.02, 0.11, (ys + ha - ground) / 2, 0.0, 0.09
        ),
        s.box(
            xr + 0.02 + away["arms"], (ground + ys + ha) / 2 + 0.02, 0.11, (ys + ha - ground) / 2, 0.0, 0.09
        ),
    )
    s.fill(d, "body", when=on["arms"], bevel=0.12, pattern=True)
    d = s.arc(xm + 0.05 + away["rockers"], ground + 1.45, 1.43, 0.042, -1.5708, 0.38 + 0.16 * on["basket"])
    rest = away["rockers"] + 9 * on["basket"]
    d = torch.minimum(
        d,
        s.limb([(xl - 0.06 + rest, ys + 0.32), (xr - 0.06 + rest, ys + 0.30), (xr - 0.1 + rest, ys)], 0.035),
    )
    rung = torch.maximum(
        (((s.y - at(ground)) * 5).remainder(1.0) - 0.5).abs() / 5 - 0.022, (s.x - at(xr - 0.26)).abs() - 0.12
    )
    ladder = torch.minimum(rung, ((s.x - at(xr - 0.26)).abs() - 0.12).abs() - 0.025)
    ladder = torch.maximum(ladder, (s.y - at(ground + 0.68)).abs() - 0.66) + at(away["ladder"])
    s.fill(torch.minimum(d, ladder), "accent", when=(on["rockers"] + on["ladder"]).clamp(max=1), bevel=0.04)

    # hood of a cradle
    d = torch.maximum(s.circle(xl + 0.28, ys, 0.42), torch.maximum(at(ys) - s.y, s.x - at(xl + 0.42)))
    s.fill(d, "second", when=on["basket"], bevel=0.16)
