"""Boats and aircraft, seen from the side, heading right."""

from __future__ import annotations

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance

GROUP = "conveyance, transport"
GENES = ("hull", "deep", "sheer", "sails", "liner", "crew", "slim", "wing", "rotor", "tower", "balloon")
# fmt: off
CLASSES = {
    #                   hull  deep  sheer  sails  liner  crew  slim  wing  rotor  tower  balloon
    "sailing boat":    (   1,  .40,   .30,     1,     0,    0,    0,    0,     0,     0,       0),
    "ocean liner":     (   1,  .60,   .15,     0,     1,    0,    0,    0,     0,     0,       0),
    "canoe":           (   1,  .30,     1,     0,     0,    1,    0,    0,     0,     0,       0),
    "airliner":        (   0,    0,     0,     0,     0,    0,  .70,    1,     0,     0,       0),
    "helicopter":      (   0,    0,     0,     0,     0,    0,  .05,    0,     1,     0,       0),
    # target classes
    "submarine":       (   0,    0,     0,     0,     0,    0,  .35,    0,     0,     1,       0),
    "hot-air balloon": (   0,    0,     0,     0,     0,    0,    0,    0,     0,     0,       1),
}
# fmt: on


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one craft a picture; every gene is [B] in [0, 1].

    Six ways to be a craft exclude one another, so their parts of one paint and one depth share a fill: first
    come the shapes of each way, then the fills, back to front.
    """
    at = lambda t: t.view(-1, 1, 1)  # noqa: E731
    names = ("sails", "liner", "crew", "wing", "rotor", "tower", "balloon")
    on = {k: g[k].round() for k in names}
    sails, liner, crew, wing, rotor, tower, balloon = on.values()
    nothing = torch.full_like(s.x, 9.0)

    def choose(**shapes: Tensor) -> Tensor:
        d = nothing
        for name, shape in shapes.items():
            d = torch.where(at(on[name]) > 0, shape, d)
        return d

    # ---- boats: y0 is the middle of the deck; the hull is cut raked at the ends
    y0 = 0.02 - 0.64 * sails - 0.16 * liner - 0.12 * crew
    depth, curve = 0.10 + 0.40 * g["deep"], 0.06 + 0.36 * g["sheer"]
    deck = at(y0) + at(curve) * s.x * s.x
    keel = at(y0 - depth) + at(curve + 0.85 * depth * (0.25 + crew)) * s.x.abs() ** 3
    ends = s.x.abs() - 0.94 + 0.30 * at(liner + 0.8 * sails) * (deck - s.y)
    hull = torch.maximum(torch.maximum(s.y - deck, keel - s.y) * 0.85, ends)
    band = torch.maximum(hull + 0.012, (s.y - deck + 0.07).abs() - 0.03)

    # sailing boat: mast, pennant, mainsail and foresail with a stripe
    lean, bulge = r(-0.03, 0.03), r(0.02, 0.12)
    mast = s.capsule(-0.05, y0, -0.05 + lean, 0.97, 0.028)
    pennant = s.polygon([(-0.03 + lean, 0.98), (-0.03 + lean, 0.84), (-0.26, 0.91)])
    sheet = torch.minimum(
        s.polygon([(-0.10, y0 + 0.16), (-0.10 + lean, 0.92), (-0.80, y0 + 0.16)]),
        s.polygon([(0.01, y0 + 0.14), (lean, 0.80), (0.72 + bulge, y0 + 0.14)]),
    )
    stripe = torch.maximum(sheet + 0.02, (s.y - at(y0 + 0.42)).abs() - 0.05)

    # liner: three funnels, two storeys with windows
    funnels = s.box(-0.38, y0 + 0.48, 0.075, 0.22, 0.14)
    for x in (-0.08, 0.22):
        funnels = torch.minimum(funnels, s.box(x, y0 + 0.48, 0.075, 0.22, 0.14))
    storeys = torch.minimum(
        s.box(-0.06, y0 + 0.11, 0.66, 0.13, 0.0, 0.03), s.box(-0.08, y0 + 0.25, 0.48, 0.10, 0.0, 0.03)
    )
    column = ((s.x * 8).remainder(1.0) - 0.5).abs() / 8
    row = torch.minimum((s.y - at(y0 + 0.13)).abs(), (s.y - at(y0 + 0.27)).abs())
    panes = torch.maximum(torch.maximum(column, row) - 0.034, storeys + 0.05)
    soot = torch.maximum(funnels - 0.004, at(y0 + 0.60) - s.y)

    # canoe: a paddler
    stroke = r(-0.12, 0.12)
    trunk = s.capsule(-0.12, y0, -0.08, y0 + 0.34, 0.14, 0.12)
    head = s.circle(-0.05, y0 + 0.57, 0.13)
    paddle = s.capsule(0.10 + stroke, y0 + 0.54, 0.28 - stroke, y0 - 0.34, 0.026)
    paddle = torch.minimum(paddle, s.ellipse(0.28 - stroke, y0 - 0.32, 0.08, 0.15, 0.2))
    paddle = torch.minimum(paddle, s.capsule(-0.08, y0 + 0.32, 0.12 + stroke, y0 + 0.36, 0.045))

    # ---- airliner, helicopter, submarine: a tube round a middle line
    mid = 0.03 * wing - 0.02 * rotor - 0.26 * tower
    ry = 0.36 - 0.26 * g["slim"] + 0.05 * wing
    tube = s.ellipse(0.01 + 0.38 * rotor, mid, 0.92 - 0.41 * rotor, ry)
    tube = torch.where(at(wing) > 0, s.capsule(-0.90, mid + 0.08, 0.80, mid, 0.05, ry), tube)
    port = ((s.x * 6.5).remainder(1.0) - 0.5) / 6.5
    ports = (port * port + (s.y - at(mid + 0.03)) ** 2).sqrt() - at(0.032 + 0.025 * tower)
    ports = torch.maximum(ports, s.x.abs() - 0.62)
    screen = torch.maximum(tube + 0.03, at(0.74 - 0.32 * rotor) - s.x)
    screen = torch.maximum(screen, at(mid + 0.02 - 0.10 * rotor) - s.y)

    # airliner: wings, fin, tail plane, engine
    far = s.polygon([(0.16, mid + 0.06), (-0.16, mid + 0.06), (-0.34, mid + 0.40), (-0.20, mid + 0.40)])
    fin = s.polygon([(-0.58, mid), (-0.92, mid), (-0.98, mid + 0.50), (-0.82, mid + 0.50)])
    near = torch.minimum(
        s.polygon([(0.30, mid - 0.05), (-0.14, mid - 0.05), (-0.50, mid - 0.56), (-0.30, mid - 0.56)]),
        s.polygon([(-0.64, mid + 0.08), (-0.84, mid + 0.08), (-1.00, mid - 0.12), (-0.86, mid - 0.12)]),
    )
    engine = s.box(0.10, mid - 0.26, 0.15, 0.075, 0.0, 0.06)

    # helicopter: boom with fin, skids and rotor mast, two rotors
    boom = torch.minimum(
        s.capsule(0.20, mid + 0.08, -0.84, mid + 0.16, 0.14, 0.06),
        s.polygon([(-0.70, mid + 0.12), (-0.88, mid + 0.12), (-0.95, mid + 0.40), (-0.84, mid + 0.40)]),
    )
    skids = s.capsule(0.05, mid - 0.52, 0.86, mid - 0.52, 0.033)
    for x0, y, x1, y1 in ((0.26, -0.2, 0.22, -0.5), (0.60, -0.2, 0.56, -0.5), (0.36, 0.2, 0.36, 0.54)):
        skids = torch.minimum(skids, s.capsule(x0, mid + y, x1, mid + y1, 0.033))
    dip, spin = r(-0.04, 0.04), r(0, 3.14)
    rotors = s.capsule(-0.30, mid + 0.55 - dip, 0.99, mid + 0.55 + dip, 0.034)
    cross = torch.minimum(
        s.box(-0.83, mid + 0.18, 0.03, 0.18, spin), s.box(-0.83, mid + 0.18, 0.18, 0.03, spin)
    )
    rotors = torch.minimum(rotors, cross)

    # submarine: tower and rudder, periscope and screw
    sail = s.trapezoid(0.04, mid + 0.36, 0.30, 0.22, 0.20, 0.0, 0.06)
    sail = torch.minimum(
        sail, s.polygon([(-0.66, mid), (-0.90, mid + 0.32), (-0.74, mid + 0.32), (-0.46, mid)])
    )
    scope = s.limb([(0.16, mid + 0.4), (0.16, mid + 0.78), (0.34, mid + 0.78)], 0.04)
    scope = torch.minimum(scope, s.box(-0.91, mid, 0.035, 0.20, 0.0, 0.02))

    # ---- balloon: envelope with gores, ropes, basket
    bag = s.polygon([(-0.58, 0.10), (0.58, 0.10), (0.16, -0.50), (-0.16, -0.50)])
    bag = torch.minimum(bag, s.circle(0.0, 0.32, 0.63))
    span = 0.63 * (1 - ((s.y - 0.32) / 0.66).clamp(-1, 1) ** 2).sqrt()
    gores = torch.maximum((s.x.abs() - 0.42 * span).abs() - 0.17 * span, bag + 0.01)
    ropes = torch.minimum(
        s.capsule(-0.13, -0.45, -0.10, -0.75, 0.02), s.capsule(0.13, -0.45, 0.10, -0.75, 0.02)
    )
    basket = s.trapezoid(0.0, -0.83, 0.13, 0.16, 0.12, 0.0, 0.03)

    # ---- fills
    s.fill(choose(sails=mast, rotor=skids, tower=scope, balloon=ropes), "dark", bevel=0.035, tone=1.25)
    s.fill(far, "second", when=wing, tone=0.65, bevel=0.04)
    behind = choose(sails=pennant, crew=trunk, wing=fin, rotor=boom, tower=sail)
    s.fill(behind, "second", when=1 - liner - balloon, bevel=0.07)
    s.fill(funnels, "accent", when=liner, bevel=0.07)
    s.fill(choose(sails=sheet, liner=storeys, crew=head), "light", when=sails + liner + crew, bevel=0.08)
    s.fill(torch.minimum(panes, soot), "dark", when=liner, bevel=0.03)
    s.fill(
        torch.where(at(g["hull"]) > 0.5, hull, choose(wing=tube, rotor=tube, tower=tube, balloon=bag)),
        "body",
        bevel=0.22,
        pattern=True,
    )
    front = choose(sails=band, liner=band, crew=band, wing=near, balloon=gores)
    s.fill(front, "second", when=1 - rotor - tower, bevel=0.05)
    glass = choose(wing=torch.minimum(ports, screen), rotor=screen, tower=ports)
    s.fill(glass, "light", when=wing + rotor + tower, bevel=0.03, tone=0.95)
    front = choose(sails=stripe, crew=paddle, wing=engine, rotor=rotors, balloon=basket)
    s.fill(front, "accent", when=1 - liner - tower, bevel=0.05)
