"""Buildings and bridges, seen from the front."""

from __future__ import annotations

import copy
from functools import partial

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.kinds.parts import named

GROUP = "structure, construction"
GENES = (
    "base", "wide", "tall", "lift", "taper", "roof", "eaves", "ridge", "dome", "towers", "apart", "thick", "spire",
    "steeple", "door", "rows", "cols", "stack", "gambrel", "crenel", "columns", "lamp", "tiers", "sails", "cable",
    "saw", "hole", "mast",
)  # fmt: skip


genes = partial(named, GENES)

# fmt: off
CLASSES = {
    "house":      genes(base=.36, wide=.74, tall=.37, roof=.60, eaves=.30, door=.38, rows=.12, cols=.50, stack=.55),
    "church":     genes(base=.00, wide=.62, tall=.34, roof=.40, eaves=.10, door=.42, steeple=.54, spire=.76, rows=.12,
                        cols=.50, mast=1),
    "castle":     genes(base=.32, wide=.80, tall=.38, door=.55, towers=.62, apart=.80, thick=.70, crenel=1, rows=.25,
                        cols=.65),
    "skyscraper": genes(base=.00, wide=.32, tall=.80, roof=.18, ridge=.55, rows=.9, cols=.5, mast=1),
    "lighthouse": genes(base=.00, wide=.30, tall=.82, taper=.55, dome=.22, lamp=1, door=.25, steeple=1),
    "windmill":   genes(base=.01, wide=.38, tall=.61, taper=.55, dome=.40, door=.32, sails=1),
    "barn":       genes(base=.36, wide=.86, tall=.34, roof=.46, eaves=.10, ridge=.60, gambrel=1, door=.50),
    "temple":     genes(base=.45, wide=.88, tall=.42, roof=.36, eaves=.15, columns=1),
    "pagoda":     genes(base=.02, wide=.64, tall=.10, tiers=1, mast=1),
    "bridge":     genes(base=.38, wide=1, tall=.03, lift=.25, towers=.60, apart=.55, thick=.12, cable=1),
    # target classes
    "mosque":     genes(base=.08, wide=.60, tall=.34, dome=.75, towers=.72, apart=.93, thick=.10, spire=.45, door=.42,
                        rows=.12, cols=.5, mast=1),
    "water tower":    genes(base=.00, wide=.54, tall=.34, lift=.68, roof=.38, eaves=.20),
    "triumphal arch": genes(base=.12, wide=.86, tall=.96, door=1, hole=1),
    "factory":    genes(base=.17, wide=1, tall=.36, saw=1, stack=1, rows=.12, cols=.9),
}
# fmt: on


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one structure a picture; every gene is [B] in [0, 1].

    A part that a class lacks but that shares its fill with others is moved `away`, out of the picture.
    """
    at = lambda t: t.view(-1, 1, 1)  # noqa: E731
    switches = ("gambrel", "crenel", "columns", "lamp", "tiers", "sails", "cable", "saw", "hole", "mast")
    on = {k: (g[k] > 0.5).float() for k in switches}
    for k in ("lift", "roof", "dome", "towers", "steeple", "door", "rows", "stack"):
        on[k] = (g[k] > 0.06).float()
    away = {k: 9 * (1 - v) for k, v in on.items()}
    twice = copy.copy(
        s
    )  # the same canvas folded at its middle line: a shape drawn right is drawn left as well
    twice.x = s.x.abs()

    # main block from y0 to y1, half as wide as w below and w1 above
    ground = -0.93 + 0.85 * g["base"]
    y0 = ground + 1.2 * g["lift"] * on["lift"]
    w, h = 0.10 + 0.84 * g["wide"], 0.04 + 1.72 * g["tall"]
    w1, y1 = w * (1 - 0.8 * g["taper"]), y0 + h

    # behind: chimney stacks, legs with braces
    tall = 0.52 + 0.40 * on["saw"]
    d = s.trapezoid(-0.40 * w + away["stack"], y1 + tall / 2, 0.10, 0.08, tall / 2)
    d = torch.minimum(d, s.trapezoid(-0.05 + 9 * (1 - on["saw"]), y1 + 0.36, 0.11, 0.08, 0.38))
    foot, middle = 0.85 * w + 0.04 + away["lift"] + 9 * on["cable"], (ground + y0) / 2
    d = torch.minimum(d, twice.capsule(foot, ground, foot - 0.10, y0, 0.045))
    d = torch.minimum(d, twice.capsule(foot - 0.05, middle, away["lift"] + 9 * on["cable"], middle, 0.03))
    for y in (ground + 0.05, y0 - 0.05):
        d = torch.minimum(d, twice.capsule(foot - 0.05, y, away["lift"] + 9 * on["cable"], middle, 0.03))
    s.fill(d, "second", when=(on["stack"] + on["lift"]).clamp(max=1), tone=0.85, bevel=0.05)

    # side towers and main block, with battlements and archway
    th, tw, tx = 1.85 * g["towers"], 0.03 + 0.22 * g["thick"], (0.95 * g["apart"] - 0.05).clamp(min=0.05)
    teeth = ((s.x * 5.5).remainder(1.0) - 0.5).abs() / 5.5 - 0.052
    tower = twice.box(tx + away["towers"], ground + th / 2, tw, th / 2)
    crown = twice.box(tx + away["crenel"], ground + th, tw + 0.035, 0.08)
    comb = s.box(away["crenel"], y1 + 0.02, w, 0.09)
    notch = torch.maximum(teeth, at(ground + th) - s.y)
    crown = torch.maximum(crown, -notch)
    comb = torch.maximum(comb, -torch.maximum(teeth, at(y1) - s.y))
    body = torch.minimum(s.trapezoid(0.0, (y0 + y1) / 2, w, w1, h / 2), comb)
    dh = 0.95 * g["door"]
    dw = (0.44 - 0.10 * on["hole"]) * dh + 0.06 * on["gambrel"]
    arch = torch.minimum(
        s.box(away["door"], ground + dh / 2 - 0.10, dw, dh / 2 + 0.10),
        s.circle(away["door"] + 9 * on["gambrel"], ground + dh, dw),
    )
    body = torch.maximum(body, -(arch + 9 * at(1 - on["hole"])))

    # storeys of a pagoda: each a wall with a flared roof, narrower storey by storey
    storey = 0.43
    level = ((s.y - at(ground)) / storey).floor().clamp(0, 3)
    up = (s.y - at(ground)) - level * storey
    half = at(w) * (1 - 0.17 * level)
    wall = torch.maximum(s.x.abs() - 0.60 * half, (up - 0.215).abs() - 0.225)
    curl = (up - 0.20) / 0.24
    eave = torch.maximum(
        s.x.abs() - half * (1.28 - 1.05 * curl.clamp(0, 1).sqrt()), (curl - 0.5).abs() * 0.24 - 0.12
    )
    off = at(away["tiers"])
    body = torch.minimum(body, wall + off)
    s.fill(torch.minimum(tower, crown), "body", when=on["towers"], tone=0.88, bevel=0.06)
    s.fill(body, "body", bevel=0.07, pattern=True)

    # roofs: gable, gambrel, saw teeth, dome, caps of the towers, eaves of the storeys; cornice and plinth
    rh = (0.95 * g["roof"]).clamp(min=0.02)  # no roof at all would divide by zero
    rw = w1 * (1 + 0.5 * g["eaves"])
    ridge = rw * g["ridge"]
    upper = 0.55 * rh
    roof = s.trapezoid(away["roof"], y1 + rh / 2, rw, ridge, rh / 2 + 0.005)
    roof = torch.minimum(
        roof, s.trapezoid(away["gambrel"], y1 + rh + upper / 2, ridge, 0.0, upper / 2 + 0.01)
    )
    slope = (s.x * 2.1).remainder(1.0) / 2.1
    saw = torch.maximum(torch.maximum(s.y - at(y1) - 0.75 * slope, at(y1) - 0.02 - s.y), s.x.abs() - at(w))
    roof = torch.minimum(roof, saw + at(away["saw"]))
    rd = 0.55 * g["dome"].clamp(min=0.05) * (1 - 0.25 * on["sails"])
    top = y1 + 0.22 * on["lamp"]
    bulb = torch.maximum(
        s.ellipse(away["dome"], top + 0.2 * rd * (1 - on["lamp"]), rd, 1.05 * rd), at(top - 0.02) - s.y
    )
    roof = torch.minimum(roof, bulb)
    cap = (0.75 * g["spire"]).clamp(min=0.02)
    flat = 9 * ((1 - on["towers"]) + (g["spire"] < 0.07).float())
    roof = torch.minimum(roof, twice.trapezoid(tx + flat, ground + th + cap / 2, tw * 1.5, 0.0, cap / 2))
    roof = torch.minimum(roof, eave + off)
    steps = 9 * (1 - on["columns"]) * (1 - on["hole"])
    roof = torch.minimum(roof, s.box(steps, ground + 0.03, w + 0.06, 0.06))
    roof = torch.minimum(roof, s.box(9 * (1 - on["hole"]), y1 - 0.22, w + 0.06, 0.04))
    roof = torch.minimum(roof, s.box(9 * (1 - on["hole"]), y1, w + 0.06, 0.045))
    band = (((s.y - at(y0)) * 2.2).remainder(1.0) - 0.5).abs() / 2.2 - 0.115
    band = torch.maximum(torch.maximum(band, body + 0.004) + at(away["lamp"]), s.y - at(y1))
    gallery = s.box(away["lamp"], y1, w1 + 0.07, 0.035)
    s.fill(torch.minimum(roof, torch.minimum(band, gallery)), "second", bevel=0.09)

    # steeple (or the lantern of a lighthouse) with its spire, and what tops it all
    sh = torch.where(on["lamp"] > 0, y1 + 0.11, ground + 0.95 * g["steeple"])
    sw = torch.where(on["lamp"] > 0, 0.75 * w1, 0.21)
    hh = torch.where(on["lamp"] > 0, 0.11, 0.95 * g["steeple"])
    s.fill(s.box(0.0, sh, sw, hh), "body", when=on["steeple"] * (1 - on["lamp"]), bevel=0.06)
    s.fill(s.box(0.0, sh, sw, hh), "light", when=on["steeple"] * on["lamp"], bevel=0.06)
    peak = ground + 1.9 * g["steeple"]
    s.fill(
        s.trapezoid(0.0, peak + cap / 2, 0.27, 0.0, cap / 2),
        "second",
        when=on["steeple"] * (1 - on["lamp"]),
        bevel=0.08,
    )
    peak = torch.where(on["steeple"] > 0, peak + cap, torch.where(on["dome"] > 0, y1 + 1.2 * rd, y1 + rh))
    peak = torch.where(on["tiers"] > 0, ground + 4 * storey, peak)
    stick = s.capsule(away["mast"], peak - 0.05, away["mast"], peak + 0.17, 0.022)
    bar = 9 * (1 - on["steeple"]) + away["mast"]
    stick = torch.minimum(stick, s.capsule(bar - 0.07, peak + 0.09, bar + 0.07, peak + 0.09, 0.022))

    # cable of a bridge between its towers, with hangers
    high, deck = at(ground + th - 0.03), at(y1 + 0.06)
    inside = deck + (high - deck) * (s.x / at(tx)) ** 2
    outside = high - (high - deck) * (s.x.abs() - at(tx)) / at((w - tx).clamp(min=0.05))
    line = torch.minimum(inside, outside)
    hanger = torch.maximum(
        ((s.x * 8).remainder(1.0) - 0.5).abs() / 8 - 0.012, torch.maximum(s.y - line, deck - 0.08 - s.y)
    )
    cable = torch.minimum((s.y - line).abs() * 0.6 - 0.022, hanger)
    cable = torch.maximum(cable, s.x.abs() - at(w))
    s.fill(
        torch.minimum(stick, cable + at(away["cable"])),
        "dark",
        when=(on["mast"] + on["cable"]).clamp(max=1),
        bevel=0.03,
    )

    # door and windows; between columns it is dark as well
    cols, rows = (1 + 8 * g["cols"]).round(), (8 * g["rows"]).round()
    px, py = 2 * w / cols, h / rows.clamp(min=1)
    lx = (((s.x + at(w)) / at(px)).remainder(1.0) - 0.5).abs() * at(px)
    ly = (((s.y - at(y0)) / at(py)).remainder(1.0) - 0.5).abs() * at(py)
    pane = torch.maximum(lx - at((0.28 * px).clamp(max=0.10)), ly - at((0.28 * py).clamp(max=0.12)))
    pane = torch.maximum(torch.maximum(pane, body + 0.05), 0.07 - arch) + at(away["rows"])
    inner = s.box(away["columns"], (y0 + y1) / 2, w - 0.06, h / 2)
    dark = torch.minimum(
        torch.minimum(pane, inner), torch.maximum(arch + 9 * at(on["hole"]), at(ground) - s.y)
    )
    s.fill(dark, "dark", bevel=0.04)

    # frame of the door, columns
    shaft = ((s.x / at(w) * 3).remainder(1.0) - 0.5).abs() * at(w) / 3 - 0.065
    shaft = torch.maximum(shaft, inner - 0.04)
    frame = torch.maximum((arch.abs() - 0.022), at(ground) - s.y)
    cross = torch.maximum(
        (s.x.abs() - (s.y - at(ground)) * at(dw / dh.clamp(min=0.1))).abs() * 0.7 - 0.022, arch
    )
    cross = torch.maximum(cross, at(ground) - s.y) + at(away["gambrel"])
    s.fill(torch.minimum(torch.minimum(shaft, frame), cross), "light", bevel=0.05)

    # sails of a windmill: spars and lattices
    turn = r(0, 1.57)
    lx, ly = s.local(0.0, y1 + 0.05, turn)
    reach, side = torch.maximum(lx.abs(), ly.abs()), torch.minimum(lx.abs(), ly.abs())
    sail = torch.maximum((reach - 0.44).abs() - 0.27, side - 0.10)
    s.fill(sail, "light", when=on["sails"], bevel=0.03)
    spar = torch.maximum(side - 0.026, reach - 0.74)
    s.fill(torch.minimum(spar, s.circle(0.0, y1 + 0.05, 0.08)), "accent", when=on["sails"], bevel=0.04)
