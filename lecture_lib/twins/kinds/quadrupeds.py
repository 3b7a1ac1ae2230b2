"""Four-legged animals, seen from the side: dogs (a fine-grained group of breeds) and other mammals."""

# ruff: noqa: E501 (the gene tables are wide)

from __future__ import annotations

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.kinds.parts import fit, most, only, union

GROUP_DOGS, GROUP_MAMMALS = "hunting dog", "mammal"

# The first 21 genes tell dogs apart; the other mammals use all of them. hoof to hump are what no dog has.
GENES = (
    "leg", "thick", "long", "deep", "tuck", "neck", "rise", "head", "snout", "blunt", "nod", "ear", "broad",
    "prick", "tail", "bush", "lift", "curl", "coat", "ruff", "fringe",
    "hoof", "tuft", "mane", "horn", "antler", "trunk", "tusk", "hump",
)  # fmt: skip
_NO = (0.0,) * 8

# The first ten of each table are source classes, the last four target classes.
# fmt: off
DOGS = {
    #               leg  thick  long  deep  tuck  neck  rise  head  snout  blunt   nod   ear  broad  prick  tail  bush  lift  curl  coat  ruff  fringe
    "greyhound":  (1.00,  0.05, 0.55, 0.40, 1.00, 0.60, 0.60, 0.20,  0.75,  0.10, 0.35, 0.25,  0.10,  0.25, 0.75, 0.00, 0.05, 0.10, 0.00, 0.00,   0.00, *_NO),
    "dachshund":  (0.05,  0.30, 1.00, 0.20, 0.40, 0.25, 0.65, 0.35,  0.70,  0.20, 0.30, 0.45,  0.50,  0.00, 0.50, 0.05, 0.45, 0.00, 0.00, 0.00,   0.00, *_NO),
    "basset":     (0.10,  0.85, 0.65, 0.50, 0.30, 0.15, 0.65, 0.75,  0.65,  0.80, 0.60, 1.00,  0.70,  0.00, 0.50, 0.10, 0.85, 0.20, 0.00, 0.00,   0.00, *_NO),
    "pointer":    (0.65,  0.30, 0.60, 0.40, 0.70, 0.40, 0.25, 0.35,  0.70,  0.70, 0.15, 0.35,  0.45,  0.00, 0.75, 0.00, 0.50, 0.00, 0.00, 0.00,   0.00, *_NO),
    "poodle":     (0.75,  0.20, 0.25, 0.35, 0.60, 0.50, 0.95, 0.45,  0.65,  0.15, 0.25, 0.55,  0.75,  0.00, 0.35, 0.05, 0.95, 0.00, 0.70, 0.50,   0.00, 0.00, 1.00, 0.00, 0.00,   0.00,  0.00, 0.00, 0.00),
    "bulldog":    (0.15,  1.00, 0.25, 0.75, 0.80, 0.10, 0.40, 1.00,  0.15,  1.00, 0.40, 0.15,  0.30,  0.30, 0.05, 0.10, 0.40, 0.00, 0.00, 0.00,   0.00, *_NO),
    "beagle":     (0.40,  0.40, 0.40, 0.40, 0.40, 0.20, 0.80, 0.65,  0.50,  0.65, 0.35, 0.75,  0.55,  0.00, 0.55, 0.10, 1.00, 0.00, 0.00, 0.00,   0.00, *_NO),
    "terrier":    (0.50,  0.50, 0.15, 0.40, 0.30, 0.25, 0.95, 0.45,  0.65,  1.00, 0.20, 0.40,  0.50,  0.70, 0.20, 0.20, 0.95, 0.00, 0.40, 0.00,   0.00, *_NO),
    "setter":     (0.65,  0.25, 0.55, 0.40, 0.50, 0.40, 0.55, 0.35,  0.65,  0.45, 0.20, 0.60,  0.60,  0.00, 0.75, 0.75, 0.35, 0.00, 0.00, 0.00,   1.00, *_NO),
    "spitz":      (0.35,  0.25, 0.20, 0.50, 0.40, 0.15, 0.85, 0.55,  0.40,  0.15, 0.25, 0.35,  0.40,  1.00, 0.70, 0.90, 1.00, 1.00, 0.50, 0.60,   0.00, *_NO),
    "corgi":      (0.05,  0.50, 0.65, 0.45, 0.30, 0.25, 0.85, 0.55,  0.55,  0.15, 0.25, 0.60,  0.65,  1.00, 0.05, 0.30, 0.50, 0.00, 0.00, 0.40,   0.00, *_NO),
    "shepherd":   (0.60,  0.40, 0.60, 0.50, 0.60, 0.30, 0.60, 0.45,  0.70,  0.40, 0.20, 0.50,  0.40,  1.00, 0.75, 0.80, 0.00, 0.15, 0.20, 0.40,   0.00, *_NO),
    "chihuahua":  (0.40,  0.05, 0.10, 0.25, 0.60, 0.25, 0.80, 1.00,  0.30,  0.05, 0.30, 0.65,  0.75,  1.00, 0.45, 0.00, 0.80, 0.55, 0.00, 0.00,   0.00, *_NO),
    "sheepdog":   (0.40,  1.00, 0.35, 0.80, 0.10, 0.10, 0.70, 0.90,  0.30,  1.00, 0.35, 0.45,  0.90,  0.00, 0.05, 0.50, 0.30, 0.00, 1.00, 0.40,   1.00, *_NO),
}
MAMMALS = {
    #               leg  thick  long  deep  tuck  neck  rise  head  snout  blunt   nod   ear  broad  prick  tail  bush  lift  curl  coat  ruff  fringe  hoof  tuft  mane  horn  antler  trunk  tusk  hump
    "cow":        (0.55,  0.40, 0.65, 0.75, 0.30, 0.25, 0.35, 0.65,  0.70,  0.80, 0.75, 0.40,  0.45,  0.45, 0.90, 0.00, 0.00, 0.00, 0.00, 0.00,   0.00, 1.00, 1.00, 0.00, 0.50,   0.00,  0.00, 0.00, 0.00),
    "horse":      (0.85,  0.25, 0.65, 0.55, 0.40, 0.60, 0.65, 0.45,  0.95,  0.60, 0.85, 0.30,  0.20,  1.00, 0.80, 0.85, 0.05, 0.00, 0.00, 0.00,   0.00, 1.00, 0.00, 1.00, 0.00,   0.00,  0.00, 0.00, 0.00),
    "sheep":      (0.30,  0.10, 0.45, 0.90, 0.20, 0.10, 0.50, 0.55,  0.55,  0.50, 0.65, 0.45,  0.30,  0.35, 0.10, 0.50, 0.10, 0.00, 1.00, 0.00,   0.00, 1.00, 0.00, 0.00, 0.00,   0.00,  0.00, 0.00, 0.00),
    "cat":        (0.35,  0.20, 0.45, 0.30, 0.30, 0.15, 0.70, 0.90,  0.05,  0.30, 0.30, 0.40,  0.50,  1.00, 1.00, 0.15, 0.75, 0.40, 0.00, 0.00,   0.00, 0.00, 0.00, 0.00, 0.00,   0.00,  0.00, 0.00, 0.00),
    "pig":        (0.12,  0.45, 0.35, 1.00, 0.30, 0.00, 0.20, 0.80,  0.55,  1.00, 0.35, 0.40,  0.60,  0.80, 0.80, 0.05, 0.90, 1.00, 0.00, 0.00,   0.00, 1.00, 0.00, 0.00, 0.00,   0.00,  0.00, 0.00, 0.00),
    "elephant":   (0.50,  0.80, 0.50, 1.00, 0.20, 0.00, 0.50, 0.90,  0.05,  0.80, 0.60, 0.60,  1.00,  0.30, 0.50, 0.00, 0.00, 0.00, 0.00, 0.00,   0.00, 0.00, 1.00, 0.00, 0.00,   0.00,  1.00, 0.55, 0.00),
    "giraffe":    (1.00,  0.20, 0.35, 0.45, 0.70, 1.00, 0.95, 0.25,  0.65,  0.45, 0.60, 0.25,  0.20,  0.55, 0.55, 0.00, 0.00, 0.00, 0.00, 0.00,   0.00, 1.00, 1.00, 1.00, 0.25,   0.00,  0.00, 0.00, 0.00),
    "camel":      (0.85,  0.30, 0.55, 0.55, 0.50, 0.75, 0.45, 0.30,  0.65,  0.80, 0.25, 0.15,  0.20,  0.80, 0.45, 0.00, 0.00, 0.00, 0.00, 0.00,   0.00, 0.00, 1.00, 0.00, 0.00,   0.00,  0.00, 0.00, 1.00),
    "rhinoceros": (0.30,  0.90, 0.90, 0.85, 0.20, 0.10, 0.15, 0.75,  0.85,  0.90, 0.70, 0.25,  0.25,  0.90, 0.30, 0.00, 0.00, 0.00, 0.00, 0.00,   0.00, 0.00, 0.00, 0.00, 0.00,   0.00,  0.00, 1.00, 0.00),
    "fox":        (0.40,  0.10, 0.55, 0.30, 0.50, 0.20, 0.55, 0.45,  0.60,  0.00, 0.30, 0.50,  0.60,  1.00, 0.95, 1.00, 0.25, 0.00, 0.00, 0.50,   0.00, 0.00, 0.00, 0.00, 0.00,   0.00,  0.00, 0.00, 0.00),
    "deer":       (0.95,  0.10, 0.45, 0.40, 0.60, 0.55, 0.80, 0.40,  0.65,  0.30, 0.45, 0.40,  0.30,  0.60, 0.10, 0.40, 0.60, 0.00, 0.00, 0.00,   0.00, 1.00, 0.00, 0.00, 0.00,   1.00,  0.00, 0.00, 0.00),
    "bear":       (0.55,  1.00, 0.50, 0.85, 0.20, 0.15, 0.15, 0.80,  0.45,  0.60, 0.40, 0.10,  0.45,  0.80, 0.00, 0.30, 0.30, 0.00, 0.30, 0.00,   0.00, 0.00, 0.00, 0.00, 0.00,   0.00,  0.00, 0.00, 0.00),
    "rabbit":     (0.00,  0.40, 0.20, 0.60, 0.00, 0.05, 0.70, 0.80,  0.15,  0.60, 0.35, 1.00,  0.35,  1.00, 0.05, 1.00, 0.60, 0.00, 0.00, 0.00,   0.00, 0.00, 0.00, 0.00, 0.00,   0.00,  0.00, 0.00, 0.00),
    "lion":       (0.50,  0.60, 0.65, 0.50, 0.60, 0.15, 0.55, 0.70,  0.40,  0.90, 0.35, 0.10,  0.45,  0.80, 0.85, 0.00, 0.20, 0.30, 0.00, 1.00,   0.00, 0.00, 1.00, 0.00, 0.00,   0.00,  0.00, 0.00, 0.00),
}
# fmt: on
CLASSES = {**DOGS, **MAMMALS}
GROUPS = dict.fromkeys(DOGS, GROUP_DOGS) | dict.fromkeys(MAMMALS, GROUP_MAMMALS)


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one animal a picture, facing right; every gene is [B] in [0, 1]. The chest is at (half, 0)."""
    on = {
        name: (g[name] > 0.5).float()
        for name in ("hoof", "tuft", "mane", "antler", "trunk", "hump", "fringe")
    }

    # measures of the trunk, the legs, the neck and the head
    half = 0.14 + 0.30 * g["long"]
    chest = 0.13 + 0.18 * g["deep"]
    rump = chest * (1.2 - 0.55 * g["tuck"])
    back = chest - rump  # lifts the hips, so that the back is level
    leg = 0.10 + 0.62 * g["leg"]
    floor = -0.75 * chest - leg
    thick = 0.035 + 0.07 * g["thick"]
    skull = 0.095 + 0.11 * g["head"]
    neck = 0.08 + 0.25 * g["neck"] + 0.65 * (g["neck"] - 0.6).clamp(min=0) * 2.5 * on["hoof"]
    rise = 0.15 + 1.15 * g["rise"] + r(-0.12, 0.12)
    nx, ny = half + 0.35 * chest, 0.40 * chest
    hx = nx + (neck + skull + 0.3 * chest) * rise.cos()
    hy = ny + (neck + skull + 0.3 * chest) * rise.sin()
    nod = 0.15 - 1.1 * g["nod"] + r(-0.1, 0.1)
    snout = skull * (0.60 + 1.15 * g["snout"]) + 0.12 * g["snout"]
    muzzle = skull * (0.22 + 0.42 * g["blunt"])
    mx, my = hx + snout * nod.cos(), hy + snout * nod.sin() - 0.15 * skull

    # the tail: five points that start at the rump and bend
    tail = 0.05 + 0.50 * g["tail"]
    way = 4.25 - 2.3 * g["lift"] + r(-0.15, 0.15)
    tx, ty = -half - 0.75 * rump, back + 0.45 * rump
    bend = (0.35 - 1.75 * g["curl"]) * (0.3 + 0.7 * g["curl"])
    line = [(tx, ty)]
    for _ in range(4):
        tx, ty = tx + 0.25 * tail * way.cos(), ty + 0.25 * tail * way.sin()
        way = way + bend
        line.append((tx, ty))
    fluff = 0.026 + 0.095 * g["bush"]

    # the ear
    ear = skull * (0.35 + 1.55 * g["ear"]) * (1.35 - 0.35 * g["prick"])
    up = -1.75 - 2.50 * (1.1 * g["prick"]).clamp(max=1) + r(-0.12, 0.12)
    ex, ey = hx - 0.30 * skull, hy + (0.25 + 0.45 * g["prick"]) * skull
    wide = skull * (0.16 + 0.55 * g["broad"] + 0.6 * (g["broad"] - 0.9).clamp(min=0) * 10 * on["trunk"])
    etx, ety = ex + ear * up.cos(), ey + ear * up.sin()

    tail_x = torch.stack([x for x, _ in line]).amin(0) - fluff
    tail_y = torch.stack([y for _, y in line]).amax(0) + fluff
    ruff = skull * (0.80 + 0.85 * g["ruff"])
    top = torch.stack(
        [
            tail_y,
            ety + 0.4 * wide,
            hy + skull,
            hy + skull * (0.8 + 3.1 * on["antler"]),
            hy + skull * 2.2 * g["horn"],
            chest * (1 + 0.8 * on["hump"]),
        ]
    ).amax(0)
    right = most(
        mx + muzzle, hx + skull, (hx + 1.6 * skull) * on["trunk"], (mx + 0.9 * skull) * (g["tusk"] > 0.3)
    )
    fit(s, torch.minimum(tail_x, -half - rump), right, floor - 0.02, top)

    # far legs and far ear, in shade; hind legs bend at the hock
    swing = r(-0.16, 0.16) * (0.3 + 0.7 * g["leg"])
    legs, feet = [], []
    for side in (-1.0, 1.0):
        fore, hind = half + 0.05 + side * (swing + 0.02), -half + 0.02 - side * (swing + 0.02)
        knee = floor + 0.45 * leg
        shoulder, hip = half - 0.02, -half - 0.02
        legs.append(
            union(
                s.limb(
                    [(shoulder, -0.2 * chest), (0.5 * (fore + shoulder) + 0.02, knee), (fore, floor + thick)],
                    0.55 * chest * (0.6 + 0.3 * g["thick"]),
                    0.8 * thick,
                ),
                s.limb(
                    [
                        (hip, back - 0.1 * rump),
                        (hip + 0.5 * (hind - hip) - 0.16 * leg, knee),
                        (hind, floor + thick),
                    ],
                    0.85 * rump * (0.7 + 0.2 * g["thick"]),
                    0.8 * thick,
                ),
                s.capsule(
                    fore,
                    floor + 0.8 * thick,
                    fore + 0.9 * thick,
                    floor + 0.7 * thick,
                    0.85 * thick,
                    0.6 * thick,
                ),
                s.capsule(
                    hind,
                    floor + 0.8 * thick,
                    hind + 0.9 * thick,
                    floor + 0.7 * thick,
                    0.85 * thick,
                    0.6 * thick,
                ),
            )
        )
        feet += [
            s.box(fore + 0.2 * thick, floor + 0.6 * thick, 1.25 * thick, 0.75 * thick, 0.0, 0.3 * thick),
            s.box(hind + 0.2 * thick, floor + 0.6 * thick, 1.25 * thick, 0.75 * thick, 0.0, 0.3 * thick),
        ]
    base, tip = wide * (0.45 + 0.55 * g["prick"]), wide * (1.0 - 0.85 * g["prick"])
    far_ear = s.capsule(ex + 0.45 * skull, ey, etx + 0.5 * skull, ety, base, tip)
    s.fill(union(legs[0], far_ear), "body", tone=0.68, bevel=0.08)

    # tail, and the long hair below the belly
    fringe = s.polygon(
        [
            (-half - 0.3 * rump, back - 0.5 * rump),
            (half + 0.7 * chest, -0.2 * chest),
            (half, -chest - 0.42 * leg),
            (-0.4 * half, -chest - 0.28 * leg),
        ]
    )
    d = union(
        s.limb(line, fluff * (0.5 + 0.5 * on["hoof"]), fluff),
        s.circle(*line[3], 1.1 * fluff),
        only(s.circle(*line[-1], 0.055 + 0.04 * g["coat"]), on["tuft"]),
        only(fringe + 0.03 * (s.x * 45 + s.y * 12).sin(), on["fringe"]),
    )
    s.fill(d, "second", bevel=0.06)

    # trunk and neck, rough where there is wool
    wool = (g["coat"] * 0.022).view(-1, 1, 1)
    rough = wool * ((s.x * 34).sin() * (s.y * 34).sin() - 1)
    d = union(
        s.capsule(-half, back, half, 0.0, rump, chest),
        s.capsule(nx - 0.2 * chest, ny - 0.25 * chest, hx - 0.2 * skull, hy, 0.72 * chest, 0.62 * skull),
        only(s.capsule(-0.05, chest * 0.75, -0.05 + 0.1 * half, chest * 1.45, 0.75 * half, 0.10), on["hump"]),
    )
    s.fill(d + rough, "body", bevel=0.22, pattern=True)

    # hair: ruff around the neck, mane
    rx, ry = 0.55 * hx + 0.45 * nx, 0.55 * hy + 0.45 * ny
    d = union(
        only(s.circle(rx, ry, ruff), (g["ruff"] > 0.3).float()),
        only(
            s.capsule(half - 0.1 * chest, 1.0 * chest, hx - 0.75 * skull, hy + 0.75 * skull, 0.07, 0.05),
            on["mane"],
        ),
    )
    hairy = ((g["ruff"] > 0.3) | (on["mane"] > 0)).float()
    s.fill(d + 0.02 * ((s.x * 40).sin() * (s.y * 40).sin() - 1), "second", hairy, bevel=0.08)

    # near legs
    s.fill(legs[1] + 0.6 * rough, "body", bevel=0.09, pattern=True)
    s.fill(union(*feet), "dark", on["hoof"], bevel=0.04)

    # antlers, horns and tusks
    peak = hy + skull * (0.7 + 2.2 * g["horn"])
    d = union(
        s.limb(
            [(hx - 0.2 * skull, hy + 0.6 * skull), (hx - 0.75 * skull, hy + skull), (hx - 0.6 * skull, peak)],
            0.045,
            0.015,
        ),
        s.limb(
            [
                (hx + 0.2 * skull, hy + 0.6 * skull),
                (hx + 0.55 * skull, hy + skull),
                (hx + 0.35 * skull, peak),
            ],
            0.045,
            0.015,
        ),
    )
    d = only(d, (g["horn"] > 0.15).float())
    root, fork = (hx, hy + 0.8 * skull), (hx - 1.3 * skull, hy + 2.2 * skull)
    antlers = union(
        s.limb([root, fork, (hx - 0.8 * skull, hy + 3.8 * skull)], 0.040, 0.02),
        s.capsule(*fork, hx + 0.5 * skull, hy + 3.5 * skull, 0.03, 0.018),
        s.capsule(*root, hx + 0.9 * skull, hy + 2.2 * skull, 0.03, 0.018),
    )
    d = union(d, only(antlers, on["antler"]))
    s.fill(d, "light", ((g["horn"] > 0.15) | (on["antler"] > 0)).float(), bevel=0.03)

    # head with snout, or with a trunk that hangs to the floor
    sway = r(-0.05, 0.15)
    hose = [
        (hx + 0.5 * skull, hy - 0.2 * skull),
        (hx + 1.05 * skull, hy - 1.2 * skull),
        (hx + 0.95 * skull, 0.45 * hy + 0.55 * floor),
        (hx + 1.3 * skull + sway, floor + 0.12),
    ]
    d = union(
        s.circle(hx, hy, skull),
        s.capsule(hx, hy - 0.1 * skull, mx, my, 0.85 * skull, muzzle),
        only(s.limb(hose, 0.55 * skull, 0.05), on["trunk"]),
    )
    s.fill(d + 0.6 * rough, "body", bevel=0.14)
    nose = 0.03 + 0.30 * muzzle
    disc = 1 + 1.2 * on["hoof"] * (g["blunt"] > 0.93)  # a pig's
    s.fill(
        s.ellipse(
            mx + 0.75 * muzzle * nod.cos(), my + 0.55 * muzzle * (2 - disc), nose, nose * disc, 0.6 * nod
        ),
        "dark",
        1 - on["trunk"],
        bevel=0.04,
    )
    point = g["tusk"].clamp(min=0.1)
    s.fill(
        s.capsule(mx, my + 0.3 * muzzle, mx + 0.9 * skull, my + 2.0 * skull * point, 0.5 * muzzle, 0.01),
        "light",
        (g["tusk"] > 0.3).float(),
        bevel=0.05,
    )

    # near ear, eye
    s.fill(s.capsule(ex, ey, etx, ety, base, tip), "second", bevel=0.05)
    s.eye(hx + 0.35 * skull, hy + 0.28 * skull, 0.025 + 0.14 * skull)
