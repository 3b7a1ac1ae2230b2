"""Small creatures without bones, seen from above: insects, spiders, crabs and others."""

# ruff: noqa: E501 (the gene tables are wide)

from __future__ import annotations

import math

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.kinds.parts import fit, most, only, union

GROUP = "invertebrate"
TURN = math.pi
GENES = (
    "head", "thorax", "wide", "waist", "long", "plump", "pairs", "reach", "thick", "sweep", "feeler", "span",
    "broad", "hind", "claw", "fold", "bands", "seam", "sting", "fan", "chain", "star", "shell",
)  # fmt: skip
# fmt: off
CLASSES = {
    #             head  thorax  wide  waist  long  plump  pairs  reach  thick  sweep  feeler  span  broad  hind  claw  fold  bands  seam  sting   fan  chain  star  shell
    "beetle":    (0.35,   0.65, 0.50,  0.00, 0.75,  1.00,  0.75,  0.40,  0.20,  0.00,   0.30, 0.00,  0.00, 0.00, 0.00, 0.00,  0.00, 1.00,  0.00, 0.00,  0.00, 0.00,  0.00),
    "ant":       (0.60,   0.15, 0.00,  1.00, 0.35,  0.45,  0.75,  0.70,  0.10,  0.00,   0.60, 0.00,  0.00, 0.00, 0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00),
    "spider":    (0.05,   0.40, 0.00,  0.20, 0.40,  0.80,  1.00,  1.00,  0.15,  0.00,   0.00, 0.00,  0.00, 0.00, 0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00),
    "butterfly": (0.15,   0.05, 0.00,  0.00, 0.50,  0.05,  0.00,  0.10,  0.05,  0.00,   0.70, 0.70,  1.00, 1.00, 0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00),
    "dragonfly": (0.40,   0.20, 0.00,  0.00, 1.00,  0.00,  0.00,  0.10,  0.05,  0.00,   0.00, 1.00,  0.10, 0.90, 0.00, 0.00,  1.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00),
    "crab":      (0.00,   1.00, 1.00,  0.00, 0.00,  0.10,  1.00,  0.55,  0.35,  0.30,   0.00, 0.00,  0.00, 0.00, 1.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00),
    "scorpion":  (0.05,   0.45, 0.20,  0.00, 0.40,  0.45,  1.00,  0.40,  0.15,  0.30,   0.00, 0.00,  0.00, 0.00, 0.45, 0.00,  1.00, 0.00,  1.00, 0.00,  0.00, 0.00,  0.00),
    "centipede": (0.25,   0.10, 0.00,  0.00, 0.00,  0.00,  0.00,  0.10,  0.05,  0.00,   0.50, 0.00,  0.00, 0.00, 0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  1.00, 0.00,  0.00),
    "starfish":  (0.00,   0.40, 0.00,  0.00, 0.00,  0.00,  0.00,  0.10,  0.05,  0.00,   0.00, 0.00,  0.00, 0.00, 0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00, 1.00,  0.00),
    "snail":     (0.30,   0.10, 0.00,  0.00, 0.00,  0.00,  0.00,  0.10,  0.05,  0.00,   0.50, 0.00,  0.00, 0.00, 0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  1.00),
    "bee":       (0.50,   0.55, 0.10,  0.00, 0.50,  0.75,  0.75,  0.25,  0.10,  0.00,   0.25, 0.42,  0.50, 0.50, 0.00, 0.00,  1.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00),
    "lobster":   (0.20,   0.50, 0.00,  0.00, 0.80,  0.35,  0.75,  0.40,  0.15,  0.30,   1.00, 0.00,  0.00, 0.00, 1.00, 0.00,  1.00, 0.00,  0.00, 1.00,  0.00, 0.00,  0.00),
    "mantis":    (0.45,   0.05, 0.00,  0.00, 1.00,  0.40,  0.50,  0.85,  0.08,  0.50,   0.60, 0.00,  0.00, 0.00, 0.00, 1.00,  0.00, 1.00,  0.00, 0.00,  0.00, 0.00,  0.00),
    "octopus":   (1.00,   0.30, 0.00,  0.00, 0.00,  0.00,  1.00,  0.75,  1.00,  1.00,   0.00, 0.00,  0.00, 0.00, 0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00, 0.00,  0.00),
}
# fmt: on


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one creature a picture, its head upwards; every gene is [B] in [0, 1]. The thorax is at (0, 0)."""
    at = lambda t: t.view(-1, 1, 1)  # noqa: E731
    switches = ("claw", "fold", "bands", "seam", "sting", "fan", "chain", "star", "shell")
    on = {name: (g[name] > (0.3 if name == "claw" else 0.5)).float() for name in switches}
    plain = 1 - on["chain"] - on["star"] - on["shell"]
    winged = (g["span"] > 0.15).float()
    big = (g["head"] > 0.8).float()  # the octopus' bag

    # measures
    tx = (0.07 + 0.24 * g["thorax"]) * (1 + 0.45 * g["wide"])
    ty = (0.07 + 0.24 * g["thorax"]) * (1 - 0.10 * g["wide"]) + 0.28 * on["fold"]
    head = 0.05 + 0.14 * g["head"] + 0.12 * big
    hy = ty + 0.6 * head + 0.10 * big
    hy = torch.where(on["chain"] > 0, 0.82, torch.where(on["shell"] > 0, 0.70, hy))
    al, aw = 0.05 + 0.55 * g["long"], 0.05 + 0.30 * g["plump"]
    ay = -ty - 0.16 * g["waist"] - 0.88 * al
    reach = 0.10 + 0.75 * g["reach"]
    feeler = 0.60 * g["feeler"]
    span = 0.15 + 0.80 * g["span"]
    claw = 0.45 * g["claw"]

    # how far it all goes
    legs = (g["pairs"] > 0.2).float()
    right = most(
        (0.7 * tx + reach) * legs,
        0.97 * span * winged,
        tx + 1.3 * claw * on["claw"],
        aw,
        0.90 * on["star"],
        0.42 * on["chain"],
        0.82 * on["sting"],
    )
    top = most(
        hy + head + 0.8 * feeler,
        0.5 * ty + 1.9 * claw * on["claw"],
        span * (0.35 + 0.45 * g["broad"]) * winged,
        ((0.95 - 0.75 * g["sweep"]).sin() * reach + 0.55 * ty) * legs,
        0.90 * on["star"],
        0.3 * on["fold"] + hy,
    )
    low = most(
        -ay + al + 0.18 * on["fan"],
        ((0.95 + 0.75 * g["sweep"]).sin() * reach + 0.55 * ty) * legs,
        0.78 * on["star"],
        1.00 * on["chain"],
        0.95 * on["shell"],
        0.60 * on["sting"] - ay + al,
        0.6 * span * g["broad"] * winged,
    )
    fit(s, -right, right, -low, top)

    # bend the back, then fold left onto right: what is drawn on the right is also on the left
    bow, phase = r(-0.12, 0.12), r(0, 6.3)
    s.x = s.x - at(bow) * s.y * s.y - at(0.16 * on["chain"]) * (s.y * 4 + at(phase)).sin()
    free = s.x
    s.x = s.x.abs()

    # wings
    lift = 0.45 + r(-0.15, 0.25) - 0.35 * (1 - g["broad"]) - 0.6 * (g["span"] < 0.5)
    fat = 0.05 + 0.30 * g["broad"] * g["span"] + 0.08 * g["broad"]
    low_lift = lift - 0.55 - 0.75 * g["broad"]
    rear = 0.5 * span * (0.55 + 0.45 * g["hind"])
    wings = union(
        s.ellipse(0.52 * span * lift.cos(), 0.10 * ty + 0.52 * span * lift.sin(), 0.5 * span, fat, lift),
        s.ellipse(rear * low_lift.cos(), -0.3 * ty + rear * low_lift.sin(), rear, 0.85 * fat, low_lift),
    )
    s.fill(wings, "second", winged, bevel=0.05, pattern=True)
    inner = union(
        s.ellipse(
            0.60 * span * lift.cos(), 0.10 * ty + 0.60 * span * lift.sin(), 0.22 * span, 0.5 * fat, lift
        ),
        s.ellipse(
            1.1 * rear * low_lift.cos(),
            -0.3 * ty + 1.1 * rear * low_lift.sin(),
            0.4 * rear,
            0.4 * fat,
            low_lift,
        ),
    )
    s.fill(inner, "light", winged, bevel=0.04)

    # legs, four pairs at most, fanned out; feelers; grasping arms
    count = (4 * g["pairs"]).round().clamp(min=2)
    slim = 0.022 + 0.075 * g["thick"] * (0.4 + 0.6 * big)
    limbs = []
    for k in range(4):
        a = 0.85 - k * 1.7 / (count - 1) - 0.75 * g["sweep"] + r(-0.1, 0.1)
        y0 = ty * (0.55 - 1.1 * k / (count - 1)) * (1 - 0.5 * on["fold"])
        b = a + (0.42 - 0.9 * (k > 1)) * (1 - big) + 0.35 * big
        kx, ky = 0.7 * tx + 0.55 * reach * b.cos(), y0 + 0.55 * reach * b.sin()
        ex, ey = 0.7 * tx + reach * a.cos(), y0 + reach * a.sin()
        leg = s.limb([(0.5 * tx, y0), (kx, ky), (ex, ey)], slim, 0.4 * slim)
        limbs.append(only(leg, (4 * g["pairs"] > k + 0.5).float() * plain))
    limbs.append(
        only(
            s.limb(
                [
                    (0.3 * head, hy),
                    (0.5 * head + 0.5 * feeler, hy + head + 0.3 * feeler),
                    (0.4 * head + 0.6 * feeler, hy + head + 0.8 * feeler),
                ],
                0.022,
                0.014,
            ),
            (g["feeler"] > 0.15).float(),
        )
    )
    limbs.append(
        only(
            s.limb(
                [(0.0, 0.6 * ty), (0.34, 0.9 * ty + 0.25), (0.16, 0.9 * ty + 0.45), (0.30, 0.9 * ty + 0.12)],
                0.05,
                0.02,
            ),
            on["fold"],
        )
    )
    s.fill(union(*limbs[:4]), "body", tone=0.85, bevel=0.05)
    s.fill(union(*limbs[4:]), "dark", bevel=0.03)

    # claws, tail fan and sting; from the sting on, right and left differ
    cx, cy = tx + 0.75 * claw, 0.5 * ty + 0.9 * claw
    claws = union(
        s.limb(
            [(0.6 * tx, 0.5 * ty), (cx, 0.5 * ty + 0.25 * claw), (cx, cy)],
            0.04 + 0.05 * claw,
            0.04 + 0.06 * claw,
        ),
        s.capsule(
            cx + 0.18 * claw, cy + 0.1 * claw, cx + 0.10 * claw, cy + 0.95 * claw, 0.26 * claw, 0.05 * claw
        ),
        s.capsule(cx - 0.12 * claw, cy, cx - 0.38 * claw, cy + 0.80 * claw, 0.18 * claw, 0.05 * claw),
    )
    end = ay - al
    fan = union(s.ellipse(0.0, end - 0.05, 0.09, 0.15), s.ellipse(0.15, end - 0.02, 0.08, 0.16, 0.6))
    s.x = free
    side = 1 - 2 * r.chance(0.5)
    tail = [(0.0, end + 0.1), (0.06 * side, end - 0.25), (0.35 * side, end - 0.44), (0.62 * side, end - 0.26)]
    sting = union(
        s.limb(tail, 0.085, 0.05),
        s.capsule(*tail[-1], 0.52 * side, end - 0.06, 0.055, 0.005),
    )

    # the starfish: five arms by folding the angle
    turn = torch.atan2(s.x, s.y)
    fold = turn - (turn * (2.5 / math.pi)).round() * (0.4 * math.pi)
    far = (s.x * s.x + s.y * s.y).sqrt()
    keep = s.x, s.y
    s.x, s.y = far * fold.sin(), far * fold.cos()
    star = s.capsule(0.0, 0.0, 0.0, 0.84, 0.30, 0.07)
    s.y = s.y - (s.y / 0.21).clamp(0, 3).round() * 0.21
    dots = s.circle(0.0, 0.0, 0.045)
    # the centipede: one ring with two legs, again and again
    s.x, s.y = keep[0].abs(), keep[1] - ((keep[1] / 0.16).clamp(-5.5, 4.5).round() * 0.16)
    rings = s.ellipse(0.0, 0.0, 0.12, 0.10)
    many = s.capsule(0.05, 0.02, 0.36, -0.05, 0.035, 0.012)
    s.x, s.y = keep
    s.fill(
        union(only(many, on["chain"]), only(fan, on["fan"]), only(sting, on["sting"])),
        "second",
        (on["chain"] + on["fan"] + on["sting"]).clamp(max=1),
        bevel=0.05,
    )

    # the body of all of them
    belly = s.ellipse(0.0, ay, aw, al)
    foot = s.capsule(0.0, 0.68, 0.0, -0.92, 0.19, 0.03)
    body = union(
        only(belly, plain * (g["long"] > 0.15)),
        only(claws, on["claw"]),
        only(star, on["star"]),
        only(rings, on["chain"]),
        only(foot, on["shell"]),
    )
    s.fill(body, "body", bevel=0.16, pattern=True)
    s.fill(dots, "light", on["star"], bevel=0.04)

    # on the body: the snail's shell and its spiral, bands, the seam of the wing cases
    shell = s.circle(0.08, -0.22, 0.50)
    s.fill(shell, "second", on["shell"], bevel=0.3)
    dx, dy = s.x - 0.08, s.y + 0.22
    coil = ((dx * dx + dy * dy).sqrt() * (2 * math.pi / 0.17) - torch.atan2(dy, dx)).cos()
    marks = union(
        only(torch.maximum(shell, (0.72 - coil) * 0.03), on["shell"]),
        only(torch.maximum(belly + 0.012, (s.y * 26).sin() * 0.05), on["bands"]),
        only(s.capsule(0.0, ay + 0.9 * al, 0.0, end, 0.018), on["seam"]),
    )
    s.fill(marks, "dark", (on["shell"] + on["bands"] + on["seam"]).clamp(max=1), bevel=0.03)

    # thorax and head
    s.fill(s.ellipse(0.0, 0.0, tx, ty), "body", plain, bevel=0.16, tone=0.92, pattern=True)
    s.x = free.abs()
    s.fill(
        s.ellipse(0.0, hy, head * (1 - 0.1 * big), head * (1 + 0.25 * big)),
        "body",
        (g["head"] > 0.12).float(),
        bevel=0.14,
    )
    eye = (g["head"] > 0.12).float() + on["claw"] * (g["head"] < 0.12)
    s.eye(0.60 * head + 0.03, hy + (0.25 - 0.6 * big) * head, 0.035 + 0.17 * head, eye.clamp(max=1))
    s.x = free
