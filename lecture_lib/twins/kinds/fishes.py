"""Fishes (and what the sea makes look like one), seen from the side."""

# ruff: noqa: E501 (the gene tables are wide)

from __future__ import annotations

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.kinds.parts import fit, most, only, union

GROUP = "fish"
GENES = (
    "deep", "snout", "blunt", "bill", "tail", "fork", "odd", "dorsal", "base", "back", "anal", "breast", "wing",
    "spine", "puff", "barbel", "eel", "jaw", "lift",
)  # fmt: skip
# fmt: off
CLASSES = {
    #               deep  snout  blunt  bill  tail  fork   odd  dorsal  base  back  anal  breast  wing  spine  puff  barbel   eel   jaw  lift
    "shark":       (0.22,  0.55,  0.10, 0.00, 0.65, 0.70, 1.00,   0.65, 0.20, 0.45, 0.15,   0.65, 0.00,  0.00, 0.00,   0.00, 0.00, 1.00, 0.00),
    "eel":         (0.07,  0.30,  0.80, 0.00, 0.00, 0.00, 0.00,   0.06, 0.90, 0.60, 0.00,   0.15, 0.00,  0.00, 0.00,   0.00, 1.00, 0.00, 0.00),
    "tuna":        (0.32,  0.45,  0.20, 0.00, 0.70, 1.00, 0.00,   0.30, 0.10, 0.55, 0.45,   0.30, 0.00,  0.00, 0.00,   0.00, 0.00, 0.00, 0.00),
    "pufferfish":  (0.85,  0.25,  0.30, 0.00, 0.25, 0.00, 0.00,   0.10, 0.10, 0.80, 0.10,   0.30, 0.00,  0.00, 1.00,   0.00, 0.00, 0.00, 0.00),
    "swordfish":   (0.24,  0.60,  0.10, 1.00, 0.65, 0.90, 0.00,   0.60, 0.15, 0.20, 0.20,   0.40, 0.00,  0.00, 0.00,   0.00, 0.00, 0.00, 0.00),
    "angelfish":   (0.62,  0.30,  0.10, 0.00, 0.40, 0.10, 0.00,   0.95, 0.70, 0.55, 1.00,   0.20, 0.00,  0.00, 0.00,   0.00, 0.00, 0.00, 0.00),
    "pike":        (0.14,  1.00,  0.45, 0.00, 0.35, 0.50, 0.00,   0.25, 0.15, 1.00, 0.60,   0.15, 0.00,  0.00, 0.00,   0.00, 0.00, 1.00, 0.00),
    "goldfish":    (0.72,  0.25,  0.45, 0.00, 1.00, 0.30, 0.00,   0.35, 0.55, 0.40, 0.35,   0.40, 0.00,  0.00, 0.00,   0.00, 0.00, 0.00, 0.00),
    "sunfish":     (0.85,  0.25,  0.25, 0.00, 0.05, 0.00, 0.00,   0.80, 0.05, 1.00, 0.85,   0.20, 0.00,  0.00, 0.00,   0.00, 0.00, 0.00, 0.00),
    "catfish":     (0.32,  0.40,  0.95, 0.00, 0.35, 0.00, 0.00,   0.25, 0.10, 0.25, 0.30,   0.30, 0.00,  0.00, 0.00,   1.00, 0.00, 0.00, 0.00),
    "whale":       (0.55,  0.45,  1.00, 0.00, 0.55, 0.60, 0.00,   0.00, 0.10, 0.70, 0.00,   0.55, 0.00,  0.00, 0.00,   0.00, 0.00, 0.00, 1.00),
    "anglerfish":  (0.75,  0.35,  0.80, 0.00, 0.35, 0.00, 0.00,   0.10, 0.20, 0.90, 0.20,   0.30, 0.00,  0.00, 0.00,   0.00, 0.00, 1.00, 0.40),
    "flying fish": (0.18,  0.35,  0.30, 0.00, 0.55, 0.80, 0.00,   0.15, 0.15, 0.90, 0.15,   1.00, 1.00,  0.00, 0.00,   0.00, 0.00, 0.00, 0.00),
    "lionfish":    (0.42,  0.40,  0.35, 0.00, 0.45, 0.00, 0.00,   0.75, 0.80, 0.50, 0.60,   0.75, 0.00,  1.00, 0.00,   0.00, 0.00, 0.00, 0.00),
}
# fmt: on


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one fish a picture, swimming to the right; every gene is [B] in [0, 1].

    The trunk reaches from x = -0.9 to about +0.9 and is 2 * `deep` high.
    """
    at = lambda t: t.view(-1, 1, 1)  # noqa: E731
    on = {name: (g[name] > 0.5).float() for name in ("bill", "wing", "spine", "puff", "barbel", "eel", "jaw")}
    whale = (g["lift"] > 0.7).float()
    lure = ((g["lift"] > 0.2) & (g["lift"] < 0.7)).float()

    # measures
    deep = 0.08 + 0.68 * g["deep"]
    nose = 0.42 + 0.50 * g["snout"] + 0.45 * g["blunt"] * (0.3 - 0.3 * g["deep"])
    blunt = deep * (0.10 + 0.65 * g["blunt"])
    front = torch.maximum(nose + blunt, 0.12 + 0.66 + 0 * nose)
    bill = 0.70 * on["bill"]
    high = 0.75 * g["dorsal"] + r(-0.04, 0.04)
    low = 0.70 * g["anal"]
    root = -0.92 + 0.25 * g["deep"] * (g["tail"] < 0.3)
    tail = 0.12 + 0.52 * g["tail"] + 0.25 * (g["tail"] - 0.8).clamp(min=0) * 5
    spread = 0.75 - 0.1 * g["fork"]
    upper, lower = tail * (1 + 0.45 * g["odd"]), tail * (1 - 0.30 * g["odd"])
    end_x = root - tail * (0.85 - 0.25 * g["tail"])

    # the curve of the body: eels wind, all others beat the tail a little, a whale lifts it
    beat, phase = r(-0.10, 0.10), r(0, 6.3)
    wind = 0.17 * on["eel"]
    up = most(
        deep + high, spread * upper, 0.62 * whale + 0.30, (deep + 0.55) * lure, 1.1 * deep + 0.12 * on["puff"]
    )
    up = torch.maximum(up, 0.85 * on["wing"])
    down = most(deep + low, spread * lower * (1 - whale), deep + 0.25 * g["breast"] * (1 - on["wing"]) - 0.02)
    down = torch.maximum(down, deep + 0.16 * on["puff"])
    fit(s, end_x - 0.12 * g["odd"], front + bill + 0.12 * on["puff"], -down - wind, up + wind)
    back = (-0.25 - s.x).clamp(min=0)
    s.y = s.y - at(beat) * back * 1.2 - at(0.75 * whale) * back * back
    s.y = s.y + at(wind) * (s.x * 4.6 + at(phase)).sin() * (1.1 - 0.45 * s.x)

    # the trunk: its shape is needed for the belly too
    body = union(
        s.ellipse(0.02, 0.0, 0.74, deep),
        s.capsule(0.25, 0.0, nose, -0.12 * deep * g["blunt"], 0.84 * deep, blunt),
        s.capsule(-0.25, 0.0, root, 0.0, 0.80 * deep, 0.03 + 0.09 * deep + 0.02 * on["eel"]),
    )
    angle = torch.atan2(s.y, s.x - 0.05)
    spikes = ((angle * 11).cos() - 0.55).clamp(min=0) * 0.30
    body = body - at(on["puff"]) * spikes

    # tail fin: a triangle with a notch
    tri = s.polygon(
        [(root + 0.06, 0.0 * tail), (end_x - 0.12 * g["odd"], spread * upper), (end_x, -spread * lower)]
    )
    notch = s.polygon(
        [
            (end_x - 0.2, 1.1 * upper),
            (end_x - 0.2, -1.1 * lower),
            (end_x + g["fork"] * (root - end_x) * 0.8, 0 * tail),
        ]
    )
    fin_tail = only(torch.maximum(tri, -notch), (g["tail"] > 0.02).float())
    # fins on back and belly lean backwards
    mid = 0.35 - 0.85 * g["back"]
    wide = 0.12 + 0.55 * g["base"]
    lean = 0.10 + 0.35 * g["dorsal"] * (1 - on["spine"])
    cut = at(on["spine"]) * 0.07 * ((s.x * 30 + s.y * 4).sin() + 0.3)
    hold = 0.45 * deep * (1 - on["eel"])
    top = s.polygon(
        [
            (mid + wide, hold),
            (mid - wide, hold),
            (mid - wide - lean, deep + high),
            (mid - (1 - 1.2 * g["base"]) * wide - 0.4 * lean, deep + high),
        ]
    )
    under = s.polygon(
        [
            (mid + 0.7 * wide - 0.1, -0.45 * deep),
            (mid - wide - 0.05, -0.45 * deep),
            (mid - wide - lean - 0.05, -deep - low),
        ]
    )
    fins = union(
        fin_tail - 0.015, torch.maximum(top, s.x * 0 - 9) + cut, only(under + cut, (g["anal"] > 0.05).float())
    )
    s.fill(fins, "second", bevel=0.05, pattern=True)

    # far wing, sword, barbels, lure: in front of the trunk or behind it
    s.fill(
        s.capsule(nose, 0.0 * nose, front + bill, 0.05 + 0 * nose, 0.5 * blunt + 0.03, 0.008),
        "body",
        on["bill"],
        bevel=0.05,
    )
    s.fill(body, "body", bevel=0.25, pattern=True)
    # pale belly
    s.fill(torch.maximum(body + 0.02, s.y + at(0.42 * deep) + 0.10 * s.x), "light", tone=0.95, bevel=0.10)

    # breast fin or wing
    flap = r(-0.2, 0.2)
    reach = 0.10 + 0.45 * g["breast"] + 0.40 * on["wing"]
    way = 3.9 + flap - 1.75 * on["wing"]
    px, py = 0.30 + 0 * reach, -0.30 * deep * (1 - on["wing"])
    fin = s.capsule(
        px,
        py,
        px + reach * way.cos(),
        py + reach * way.sin(),
        0.035,
        0.05 + 0.13 * g["breast"] + 0.05 * on["wing"],
    )
    fin = fin + at(on["spine"] + 0.25) * 0.06 * ((s.x - s.y) * 38).sin()
    s.fill(fin, "second", bevel=0.05)

    # gill, mouth with teeth, whiskers, lamp
    gill = s.arc(0.14 + 0.15 * g["snout"], 0.0, 0.24 + 0 * deep, 0.014, 0.0, 0.25 + 0.55 * deep)
    s.fill(gill, "dark", 1 - on["puff"] - whale * (1 - on["puff"]), bevel=0.02)
    mouth_y = -0.12 * deep * g["blunt"] - 0.30 * blunt - 0.02
    gape = 0.03 + 0.10 * lure
    mouth = union(
        s.capsule(
            front - 0.01,
            mouth_y,
            front - 0.14 - 0.14 * on["jaw"] - 0.2 * lure,
            mouth_y - 0.04 - 0.1 * lure,
            gape,
            0.012,
        ),
        only(
            s.limb(
                [(nose, mouth_y), (nose + 0.05, mouth_y - 0.3), (nose - 0.15, mouth_y - 0.50)], 0.03, 0.012
            ),
            on["barbel"],
        ),
        only(
            s.limb(
                [(nose, mouth_y), (nose + 0.25, mouth_y - 0.12), (nose + 0.18, mouth_y - 0.35)], 0.03, 0.012
            ),
            on["barbel"],
        ),
    )
    s.fill(mouth, "dark", bevel=0.03)
    rod = union(
        s.limb(
            [(0.30, 0.9 * deep), (0.38, deep + 0.40), (0.72, deep + 0.46), (0.86, deep + 0.25)], 0.022, 0.016
        ),
        s.circle(0.88, deep + 0.18, 0.085),
    )
    s.fill(rod, "accent", lure, bevel=0.06)

    # eye
    ex = 0.42 + 0.32 * g["snout"] * (1 - 0.5 * g["deep"])
    s.eye(ex, 0.10 * deep + 0.18 * deep * (g["blunt"] < 0.9), 0.035 + 0.10 * deep * (1 - 0.45 * whale))
