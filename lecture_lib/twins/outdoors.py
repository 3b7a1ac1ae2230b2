"""The grounds of places out of doors; see `grounds` for those indoors."""

from __future__ import annotations

import torch

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.grounds import land


def sun(s: Sketch, r: Chance) -> None:
    """Sun or moon, somewhere in the sky, not always."""
    s.fill(s.circle(r(-0.8, 0.8), r(0.5, 0.85), r(0.07, 0.13)), "light", r.chance(0.6), bevel=0.02)


def mountain(s: Sketch, r: Chance) -> None:
    """Three peaks with snow."""
    land(s, r, -0.5, -0.35)
    sun(s, r)
    for x, w, paint in ((-0.55, 0.75, "second"), (0.6, 0.7, "second"), (0.05, 0.85, "body")):
        at, peak = x + r(-0.12, 0.12), r(0.35, 0.72)
        cone = s.polygon([(at - w, -0.55), (at + w, -0.55), (at, peak)])
        s.fill(cone, paint, tone=0.85, bevel=0.3)
        s.fill(torch.maximum(cone, s.box(at, peak, 0.5, 0.26, 0.12)), "light", bevel=0.1)
    s.fill(s.box(0.0, -1.1, 1.4, 0.55), "accent", tone=0.6, bevel=0.02)


def forest(s: Sketch, r: Chance) -> None:
    """Trunks from the ground to out of the picture."""
    land(s, r, -0.35, -0.2)
    s.fill(s.ellipse(0.0, 0.7, 1.4, 0.55), "second", tone=0.6, bevel=0.1)
    for k in range(6):
        x, thick = -0.85 + 0.34 * k + r(-0.1, 0.1), r(0.035, 0.08)
        s.fill(
            s.capsule(x, r(-0.6, -0.3), x + r(-0.05, 0.05), 1.2, thick * 1.3, thick),
            "dark",
            tone=1.3 + 0.1 * k,
            bevel=0.08,
        )
    s.fill(s.ellipse(r(-0.4, 0.4), 0.98, 1.3, 0.36), "second", tone=0.8, bevel=0.2)


def beach(s: Sketch, r: Chance) -> None:
    """Sea to the horizon, a slanting shore."""
    horizon = land(s, r, 0.05, 0.25, "second")
    sun(s, r)
    waves = s.box(r(-0.5, 0.5), horizon - 0.12, 0.35, 0.01)
    waves = torch.minimum(waves, s.box(r(-0.5, 0.5), horizon - 0.24, 0.4, 0.012))
    s.fill(waves, "light", bevel=0.01)
    tilt = r(-0.25, 0.25)
    s.fill(
        s.polygon([(-1.4, -1.4), (1.4, -1.4), (1.4, -0.32 + tilt), (-1.4, -0.32 - tilt)]),
        "light",
        tone=0.85,
        bevel=0.06,
    )


def desert(s: Sketch, r: Chance) -> None:
    """Dunes behind dunes."""
    land(s, r, -0.2, -0.05)
    sun(s, r)
    for y, tone in ((-0.25, 0.8), (-0.5, 0.9), (-0.85, 1.0)):
        x = r(-0.7, 0.7)
        s.fill(s.ellipse(x, y, r(0.8, 1.2), r(0.2, 0.3), r(-0.15, 0.15)), "body", tone=tone, bevel=0.3)
        s.fill(
            s.ellipse(-x, y - 0.12, r(0.8, 1.2), r(0.2, 0.28), r(-0.15, 0.15)),
            "body",
            tone=tone * 1.05,
            bevel=0.3,
        )


def pasture(s: Sketch, r: Chance) -> None:
    """A meadow with a fence."""
    horizon = land(s, r, 0.0, 0.15)
    sun(s, r)
    s.fill(s.ellipse(r(-0.6, 0.6), horizon - 0.1, 0.9, 0.25), "body", tone=0.75, bevel=0.2)
    s.fill(s.box(0.0, -1.1, 1.4, 1.1), "body", tone=0.95, bevel=0.01)
    rails = torch.minimum(s.box(0.0, -0.10, 1.3, 0.016), s.box(0.0, -0.20, 1.3, 0.016))
    for k in range(7):
        rails = torch.minimum(rails, s.box(-0.9 + 0.3 * k, -0.16, 0.022, 0.13))
    s.fill(rails, "dark", bevel=0.03)


def canyon(s: Sketch, r: Chance) -> None:
    """Layered cliffs left and right, a river between."""
    land(s, r, -0.1, 0.1)
    for side in (-1.0, 1.0):
        rim, foot = side * r(0.35, 0.5), side * r(0.16, 0.28)
        cliff = s.polygon([(side * 1.4, -1.3), (side * 1.4, 0.75), (rim, r(0.5, 0.75)), (foot, -1.3)])
        s.fill(cliff, "second", tone=0.8 + 0.1 * side, bevel=0.15)
        bands = s.box(0.0, 0.42, 1.4, 0.04)
        for y in (0.12, -0.18, -0.5):
            bands = torch.minimum(bands, s.box(0.0, y, 1.4, 0.045))
        s.fill(torch.maximum(cliff, bands), "accent", tone=0.7, bevel=0.05)
    s.fill(
        s.limb([(r(-0.1, 0.1), 0.0), (r(-0.15, 0.15), -0.5), (0.0, -1.2)], 0.03, 0.22), "light", bevel=0.03
    )


def pond(s: Sketch, r: Chance) -> None:
    """A round water in the grass, with reeds."""
    land(s, r, 0.1, 0.25)
    s.fill(s.ellipse(r(-0.1, 0.1), -0.42, r(0.75, 0.9), r(0.36, 0.45)), "dark", bevel=0.05)
    s.fill(s.ellipse(0.0, -0.44, 0.72, 0.34), "accent", tone=0.75, bevel=0.02)
    reeds = s.capsule(-0.8, -0.5, -0.85, 0.0, 0.02, 0.004)
    for x in (-0.72, -0.9, 0.75, 0.84, 0.93):
        reeds = torch.minimum(reeds, s.capsule(x, -0.55, x + r(-0.1, 0.1), r(-0.1, 0.1), 0.02, 0.004))
    s.fill(reeds, "second", tone=0.7, bevel=0.02)


def street(s: Sketch, r: Chance) -> None:
    """A road in perspective between rows of house fronts."""
    land(s, r, -0.15, -0.05)
    far = r(-0.08, 0.08)
    for side, tone in ((-1.0, 0.75), (1.0, 0.95)):
        front = s.polygon(
            [(side * 1.3, -0.75), (side * 1.3, 1.2), (far + side * 0.16, 0.18), (far + side * 0.16, -0.12)]
        )
        s.fill(front, "second", tone=tone, bevel=0.03)
        panes = s.box(side * 0.92, 0.35, 0.10, 0.12)
        for x, y, w in ((0.62, 0.22, 0.065), (0.92, -0.05, 0.10), (0.62, -0.03, 0.065), (0.42, 0.13, 0.04)):
            panes = torch.minimum(panes, s.box(side * x, y, w, 1.1 * w))
        s.fill(panes, "dark", bevel=0.03)
    s.fill(
        s.polygon([(-0.95, -1.2), (0.95, -1.2), (far + 0.1, -0.12), (far - 0.1, -0.12)]),
        "dark",
        tone=1.6,
        bevel=0.01,
    )
    dashes = s.capsule(0.0, -1.0, far * 0.3, -0.75, 0.03, 0.02)
    s.fill(
        torch.minimum(dashes, s.capsule(far * 0.5, -0.6, far * 0.8, -0.4, 0.016, 0.01)), "light", bevel=0.02
    )


def downtown(s: Sketch, r: Chance) -> None:
    """Towers side by side, far ones behind near ones."""
    land(s, r, -0.6, -0.5)
    for row, tone in ((0, 0.65), (1, 0.95)):
        towers, panes = None, None
        for k in range(5):
            x, w, top = (
                -0.85 + 0.42 * k + 0.2 * row + r(-0.06, 0.06),
                r(0.10, 0.17),
                r(0.1, 0.85 - 0.35 * row),
            )
            tower = s.box(x, (top - 0.8) / 2, w, (top + 0.8) / 2)
            towers = tower if towers is None else torch.minimum(towers, tower)
        s.fill(towers, ("second", "body")[row], tone=tone, bevel=0.03)
        grid = torch.maximum((s.x * 42).sin(), (s.y * 34).sin()) * 0.02 + 0.006
        panes = torch.maximum(towers + 0.035, -grid)
        s.fill(panes, ("dark", "light")[row], tone=tone, bevel=0.01)
    s.fill(s.box(0.0, -1.1, 1.4, 0.45), "dark", bevel=0.02)


def village(s: Sketch, r: Chance) -> None:
    """A hill with a path."""
    land(s, r, -0.1, 0.05)
    s.fill(s.ellipse(r(-0.4, 0.4), -0.45, 1.3, r(0.5, 0.6)), "body", tone=0.9, bevel=0.2)
    s.fill(
        s.limb([(r(-0.3, 0.3), -1.1), (r(-0.3, 0.3), -0.5), (r(-0.2, 0.2), 0.0)], 0.16, 0.03),
        "light",
        tone=0.9,
        bevel=0.03,
    )


def harbour(s: Sketch, r: Chance) -> None:
    """Water with a pier on posts."""
    horizon = land(s, r, 0.0, 0.15, "second")
    sun(s, r)
    ripples = s.box(-0.5, horizon - 0.2, 0.2, 0.01)
    for y in (0.35, 0.55, 0.8):
        ripples = torch.minimum(ripples, s.box(r(-0.8, 0.8), horizon - y, 0.25, 0.012))
    s.fill(ripples, "light", bevel=0.01)
    side = 1 - 2 * r.chance(0.5)
    posts = s.box(side * 0.45, -0.72, 0.03, 0.2)
    for x in (0.7, 0.95):
        posts = torch.minimum(posts, s.box(side * x, -0.72, 0.03, 0.2))
    s.fill(posts, "dark", bevel=0.05)
    s.fill(s.box(side * 0.85, -0.55, 0.55, 0.05), "body", tone=0.8, bevel=0.03)


def farm(s: Sketch, r: Chance) -> None:
    """Furrows that run together at the horizon."""
    horizon = land(s, r, -0.05, 0.1)
    sun(s, r)
    far = r(-0.3, 0.3)
    furrows = None
    for k in range(-5, 6):
        line = s.capsule(far + 0.07 * k, horizon - 0.05, far + 0.42 * k, -1.1, 0.006, 0.05)
        furrows = line if furrows is None else torch.minimum(furrows, line)
    s.fill(torch.maximum(furrows, s.box(0.0, horizon - 1.32, 1.4, 1.3)), "dark", bevel=0.05)


def park(s: Sketch, r: Chance) -> None:
    """A lawn with a winding path and a fountain."""
    land(s, r, 0.05, 0.2)
    s.fill(
        s.limb([(r(-0.9, -0.3), -1.1), (r(-0.1, 0.5), -0.6), (r(-0.4, 0.1), -0.2), (0.1, 0.1)], 0.2, 0.04),
        "light",
        tone=0.9,
        bevel=0.03,
    )
    x = r(-0.5, 0.5)
    s.fill(s.ellipse(x, -0.22, 0.26, 0.07), "second", bevel=0.05)
    s.fill(s.trapezoid(x, -0.08, 0.04, 0.025, 0.12), "second", tone=0.8, bevel=0.04)
    s.fill(
        torch.minimum(
            s.arc(x - 0.09, 0.03, 0.09, 0.012, 1.57, 1.5), s.arc(x + 0.09, 0.03, 0.09, 0.012, 1.57, 1.5)
        ),
        "accent",
        bevel=0.02,
    )


def railway(s: Sketch, r: Chance) -> None:
    """Two rails on sleepers, a platform."""
    land(s, r, -0.1, 0.05)
    far = r(-0.25, 0.25)
    sleepers = None
    for y, w, t in (
        (-0.25, 0.14, 0.012),
        (-0.37, 0.22, 0.016),
        (-0.52, 0.31, 0.022),
        (-0.72, 0.44, 0.03),
        (-0.96, 0.6, 0.04),
    ):
        x = far * (y + 1.0)
        bar = s.box(x, y, w, t)
        sleepers = bar if sleepers is None else torch.minimum(sleepers, bar)
    s.fill(sleepers, "dark", bevel=0.03)
    rails = s.capsule(far - 0.04, -0.08, -0.38, -1.1, 0.008, 0.035)
    s.fill(
        torch.minimum(rails, s.capsule(far + 0.04, -0.08, 0.38, -1.1, 0.008, 0.035)),
        "light",
        tone=0.8,
        bevel=0.03,
    )
    side = 1 - 2 * r.chance(0.5)
    s.fill(
        s.polygon([(side * 0.62, -1.2), (side * 1.4, -1.2), (side * 1.4, -0.3), (far + side * 0.12, -0.12)]),
        "second",
        tone=0.9,
        bevel=0.03,
    )
