"""Boats and aircraft, seen from the side, heading right."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.extents import Value

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

    The ways to be a craft exclude one another. So they share shapes: `by` chooses the numbers of a shape, the
    mast of one is a skid of another and a rope of the third, and what a class lacks is 9 units away.
    """
    at = lambda t: t.view(-1, 1, 1)  # noqa: E731
    ways = ("sails", "liner", "crew", "wing", "rotor", "tower", "balloon")
    on = {k: g[k].round() for k in ways}
    sails, liner, crew, wing, rotor, tower, balloon = on.values()

    def by(other: float = 9.0, **values: Value) -> Tensor:
        """Each picture's own number [B]."""
        x = torch.full_like(sails, other)
        for way, value in values.items():
            x = torch.where(on[way] > 0, value, x)
        return x

    def corners(**points: tuple[tuple[Value, Value], ...]) -> Tensor:
        """Each picture's own convex polygon of four corners."""
        return s.polygon([
            tuple(by(9.0 + (i == k), **{w: p[k][i] for w, p in points.items()}) for i in range(2)) for k in range(4)
        ])  # fmt: skip

    def stick(**ends: tuple[Value, Value, Value, Value, Value, Value]) -> Tensor:
        """Each picture's own capsule: its ends and radii."""
        return s.capsule(
            *(by(9.0 if i < 4 else 0.01, **{w: e[i] for w, e in ends.items()}) for i in range(6))
        )

    # y0 is the middle of a boat's deck; mid is the middle line of a tube
    y0 = 0.02 - 0.64 * sails - 0.16 * liner - 0.12 * crew
    mid = 0.03 * wing - 0.02 * rotor - 0.26 * tower
    lean, bulge, stroke = r(-0.03, 0.03), r(0.02, 0.12), r(-0.12, 0.12)
    dip, spin = r(-0.04, 0.04), r(0, 3.14)

    # behind, dark: mast; skid, struts, rotor mast; periscope, screw; ropes
    d = stick(
        sails=(-0.05, y0, -0.05 + lean, 0.97, 0.028, 0.028),
        rotor=(0.05, mid - 0.52, 0.86, mid - 0.52, 0.033, 0.033),
        tower=(0.16, mid + 0.40, 0.16, mid + 0.78, 0.04, 0.04),
        balloon=(-0.13, -0.45, -0.10, -0.75, 0.02, 0.02),
    )
    d = torch.minimum(d, stick(
        rotor=(0.26, mid - 0.2, 0.22, mid - 0.5, 0.033, 0.033),
        tower=(0.16, mid + 0.78, 0.34, mid + 0.78, 0.04, 0.04),
        balloon=(0.13, -0.45, 0.10, -0.75, 0.02, 0.02),
    ))  # fmt: skip
    d = torch.minimum(d, stick(
        rotor=(0.60, mid - 0.2, 0.56, mid - 0.5, 0.033, 0.033),
        tower=(-0.91, mid - 0.20, -0.91, mid + 0.20, 0.035, 0.035),
    ))  # fmt: skip
    d = torch.minimum(d, s.capsule(0.36 + 9 * (1 - rotor), mid, 0.36 + 9 * (1 - rotor), mid + 0.54, 0.033))
    s.fill(d, "dark", when=sails + rotor + tower + balloon, bevel=0.035, tone=1.25)

    # behind: far wing; then pennant, fins, rudder, and the trunk of a paddler, tail boom, conning tower
    d = s.polygon([(0.16, mid + 0.06), (-0.16, mid + 0.06), (-0.34, mid + 0.40), (-0.20, mid + 0.40)])
    s.fill(d, "second", when=wing, tone=0.65, bevel=0.04)
    d = corners(
        sails=((-0.03 + lean, 0.98), (-0.03 + lean, 0.84), (-0.20, 0.89), (-0.26, 0.91)),
        wing=((-0.58, mid), (-0.92, mid), (-0.98, mid + 0.50), (-0.82, mid + 0.50)),
        rotor=((-0.70, mid + 0.12), (-0.88, mid + 0.12), (-0.95, mid + 0.40), (-0.84, mid + 0.40)),
        tower=((-0.46, mid), (-0.66, mid), (-0.90, mid + 0.32), (-0.74, mid + 0.32)),
    )
    d = torch.minimum(d, stick(
        crew=(-0.12, y0, -0.08, y0 + 0.34, 0.14, 0.12),
        rotor=(0.20, mid + 0.08, -0.84, mid + 0.16, 0.14, 0.06),
        tower=(-0.06, mid + 0.36, 0.14, mid + 0.36, 0.19, 0.19),
    ))  # fmt: skip
    s.fill(d, "second", when=1 - liner - balloon, bevel=0.07)

    # funnels of a liner: one, three times
    folded = copy.copy(s)
    folded.x = s.x + 0.08 - 0.30 * ((s.x + 0.08) / 0.30).round().clamp(-1, 1)
    funnels = folded.box(0.0, y0 + 0.48, 0.075, 0.22, 0.14)
    s.fill(funnels, "accent", when=liner, bevel=0.07)

    # light: sails; two storeys; a head. The corners serve the near wing, the tail plane and a balloon's cone too
    big = corners(
        sails=((-0.10, y0 + 0.16), (-0.10 + lean, 0.92), (-0.12 + lean, 0.92), (-0.80, y0 + 0.16)),
        wing=((0.30, mid - 0.05), (-0.14, mid - 0.05), (-0.50, mid - 0.56), (-0.30, mid - 0.56)),
        balloon=((-0.58, 0.10), (0.58, 0.10), (0.16, -0.50), (-0.16, -0.50)),
    )
    small = corners(
        sails=((0.01, y0 + 0.14), (lean, 0.80), (lean + 0.02, 0.80), (0.72 + bulge, y0 + 0.14)),
        wing=((-0.64, mid + 0.08), (-0.84, mid + 0.08), (-1.00, mid - 0.12), (-0.86, mid - 0.12)),
    )
    pair = torch.minimum(big, small)
    ball = s.circle(-0.05 * crew, by(crew=y0 + 0.57, balloon=0.32), 0.13 + 0.50 * balloon)
    lower = s.box(
        0.02 * wing - 0.06 * liner,
        by(liner=y0 + 0.11, wing=mid - 0.26, balloon=-0.83),
        by(0.1, liner=0.66, wing=0.15, balloon=0.15),
        by(0.1, liner=0.13, wing=0.075, balloon=0.12),
        0.0,
        0.04,
    )
    storeys = torch.minimum(lower, s.box(-0.08, y0 + 0.25, 0.48, 0.10, 0.0, 0.03))
    d = torch.where(at(sails) > 0, pair, torch.where(at(liner) > 0, storeys, ball))
    s.fill(d, "light", when=sails + liner + crew, bevel=0.08)
    column = ((s.x * 8).remainder(1.0) - 0.5).abs() / 8
    row = torch.minimum((s.y - at(y0 + 0.13)).abs(), (s.y - at(y0 + 0.27)).abs())
    panes = torch.maximum(torch.maximum(column, row) - 0.034, storeys + 0.05)
    soot = torch.maximum(funnels - 0.004, at(y0 + 0.60) - s.y)
    s.fill(torch.minimum(panes, soot), "dark", when=liner, bevel=0.03)

    # body: a hull between deck and keel, its ends raked; a tube; the bag of a balloon
    depth, curve = 0.10 + 0.40 * g["deep"], 0.06 + 0.36 * g["sheer"]
    deck = at(curve) * (s.x * s.x) + at(y0)
    keel = at(curve + 0.85 * depth * (0.25 + crew)) * (s.x * s.x * s.x.abs()) + at(y0 - depth)
    hull = torch.maximum(s.y - deck, keel - s.y) * 0.85
    hull = torch.maximum(hull, s.x.abs() - 0.94 + at(0.30 * liner + 0.24 * sails) * (deck - s.y))
    ry = 0.36 - 0.26 * g["slim"] + 0.05 * wing
    tube = s.ellipse(0.01 + 0.38 * rotor, mid, 0.92 - 0.41 * rotor, ry)
    tube = torch.where(at(wing) > 0, s.capsule(-0.90, mid + 0.08, 0.80, mid, 0.05, ry), tube)
    bag = torch.minimum(big, ball)
    body = torch.where(at(g["hull"]) > 0.5, hull, torch.where(at(balloon) > 0, bag, tube))
    s.fill(body, "body", bevel=0.22, pattern=True)

    # on it: band along the deck, near wing and tail plane, gores
    band = torch.maximum(hull + 0.012, (s.y - deck + 0.07).abs() - 0.03)
    span = 0.63 * (1 - ((s.y - 0.32) / 0.66).clamp(-1, 1) ** 2).sqrt_()
    gores = torch.maximum((s.x.abs() - 0.42 * span).abs() - 0.17 * span, bag + 0.01)
    d = torch.where(at(wing) > 0, pair, torch.where(at(balloon) > 0, gores, band))
    s.fill(d, "second", when=1 - rotor - tower, bevel=0.05)

    # port holes, wind screen
    port = ((s.x * 6.5).remainder(1.0) - 0.5) / 6.5
    ports = (port * port + (s.y - at(mid + 0.03)) ** 2).sqrt_() - at(0.032 + 0.025 * tower)
    ports = torch.maximum(ports, s.x.abs() - 0.62) + at(9 * rotor)
    screen = torch.maximum(at(0.74 - 0.32 * rotor + 9 * tower) - s.x, at(mid + 0.02 - 0.10 * rotor) - s.y)
    d = torch.minimum(ports, torch.maximum(screen, tube + 0.03))
    s.fill(d, "light", when=wing + rotor + tower, bevel=0.03, tone=0.95)

    # in front: stripe of the sails; paddle and arms; engine; rotors; basket
    cross_x, cross_y = 0.18 * spin.cos(), 0.18 * spin.sin()
    tail = mid + 0.18
    d = stick(
        crew=(0.10 + stroke, y0 + 0.54, 0.28 - stroke, y0 - 0.34, 0.026, 0.026),
        rotor=(-0.30, mid + 0.55 - dip, 0.99, mid + 0.55 + dip, 0.034, 0.034),
    )
    d = torch.minimum(d, stick(
        crew=(0.28 - stroke, y0 - 0.20, 0.28 - stroke, y0 - 0.40, 0.05, 0.085),
        rotor=(-0.83 - cross_x, tail - cross_y, -0.83 + cross_x, tail + cross_y, 0.03, 0.03),
    ))  # fmt: skip
    d = torch.minimum(d, stick(
        crew=(-0.08, y0 + 0.32, 0.12 + stroke, y0 + 0.36, 0.045, 0.045),
        rotor=(-0.83 + cross_y, tail - cross_x, -0.83 - cross_y, tail + cross_x, 0.03, 0.03),
    ))  # fmt: skip
    stripe = torch.maximum(pair + 0.02, (s.y - at(y0 + 0.42)).abs() - 0.05)
    d = torch.where(at(sails) > 0, stripe, torch.where(at(wing + balloon) > 0, lower, d))
    s.fill(d, "accent", when=1 - liner - tower, bevel=0.05)
