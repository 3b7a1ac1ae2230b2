"""People in clothes. The class is what they do; what they wear is a matter of chance or of the caller."""

from __future__ import annotations

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.kinds.parts import fit, most, only, union

GROUP = "person"
# Of the two arms and legs, 1 is on the right and in front, 2 on the left and behind. An angle is .5 when the part
# hangs straight; more turns it to the right, the way the face looks.
POSE = ("hip1", "knee1", "hip2", "knee2", "arm1", "elbow1", "arm2", "elbow2", "lean", "book", "seat")
# Switches: 0 is without, 1 is with, .5 leaves it to chance.
ATTRIBUTES = ("long hair", "glasses", "hat", "long sleeves", "shorts", "long trousers", "skirt")
GENES = POSE + ATTRIBUTES
_BY_CHANCE = (0.5,) * len(ATTRIBUTES)
# fmt: off
CLASSES = {
    #            hip1  knee1  hip2  knee2  arm1  elbow1  arm2  elbow2  lean  book  seat
    "standing": (0.54,  0.50, 0.46,  0.50, 0.55,   0.50, 0.45,   0.50, 0.50, 0.00, 0.00, *_BY_CHANCE),
    "walking":  (0.65,  0.48, 0.39,  0.38, 0.41,   0.58, 0.60,   0.62, 0.55, 0.00, 0.00, *_BY_CHANCE),
    "running":  (0.82,  0.12, 0.34,  0.22, 0.36,   0.88, 0.62,   0.92, 0.70, 0.00, 0.00, *_BY_CHANCE),
    "sitting":  (0.92,  0.12, 0.90,  0.14, 0.60,   0.62, 0.56,   0.62, 0.48, 0.00, 1.00, *_BY_CHANCE),
    "reading":  (0.54,  0.50, 0.46,  0.50, 0.56,   0.88, 0.53,   0.86, 0.54, 1.00, 0.00, *_BY_CHANCE),
    "waving":   (0.55,  0.50, 0.46,  0.50, 0.86,   0.68, 0.42,   0.35, 0.48, 0.00, 0.00, *_BY_CHANCE),
    "jumping":  (0.76,  0.40, 0.24,  0.60, 0.88,   0.52, 0.12,   0.48, 0.50, 0.00, 0.00, *_BY_CHANCE),
    "kneeling": (0.52,  0.08, 0.47,  0.10, 0.66,   0.62, 0.58,   0.60, 0.52, 0.00, 0.00, *_BY_CHANCE),
}
# fmt: on


def dress(g: dict[str, Tensor], r: Chance) -> dict[str, Tensor]:
    """Settle what is left to chance: every attribute [B] becomes 0 or 1, with one garment for the legs.

    Of shorts, trousers and skirt, chance adds one of those at .5 unless another is already 1.
    """
    worn = {}
    for name in ATTRIBUTES[:4]:
        worn[name] = torch.where((g[name] - 0.5).abs() < 0.2, r.chance(0.5), (g[name] > 0.5).float())
    below = torch.stack([g[name] for name in ATTRIBUTES[4:]])
    sure = (below > 0.7).float()
    open_ = ((below - 0.5).abs() < 0.2) & (sure.sum(0) == 0)
    score = torch.stack([r(), r(), r()]) * open_
    pick = (score == score.amax(0)) & open_
    worn.update(zip(ATTRIBUTES[4:], torch.maximum(sure, pick.float()), strict=True))
    return worn


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one person a picture, facing right; every gene is [B] in [0, 1]. The pelvis is at (0, 0)."""
    on = dress(g, r)
    book, seat = g["book"].round(), g["seat"].round()
    low_cut = torch.maximum(on["shorts"], on["long trousers"])

    def chain(x: Tensor, y: Tensor, first: Tensor, second: Tensor, a: float, b: float) -> list:
        """Joints of a limb: two bones of lengths a and b, at angles from straight down."""
        jx, jy = x + a * first.sin(), y - a * first.cos()
        return [(x, y), (jx, jy), (jx + b * second.sin(), jy - b * second.cos())]

    # the bones
    zero = 0 * g["lean"]
    lean = (g["lean"] - 0.5) * 2
    sx, sy = 0.56 * lean.sin(), 0.56 * lean.cos()
    hx, hy = sx + 0.30 * lean.sin() + 0.02, sy + 0.30 * (0.3 + 0.7 * lean.cos())
    legs, arms = [], []
    for n, side in (("1", 1.0), ("2", -1.0)):
        hip, arm = (g["hip" + n] - 0.5) * 3.6, (g["arm" + n] - 0.5) * 6
        legs.append(chain(zero + 0.085 * side, zero - 0.02, hip, hip + (g["knee" + n] - 0.5) * 4, 0.42, 0.44))
        elbow = arm + (g["elbow" + n] - 0.5) * 4
        arms.append(chain(sx + 0.19 * side, sy - 0.06, arm, elbow, 0.28, 0.28))
    joints = legs[0] + legs[1] + arms[0] + arms[1]
    xs, ys = [x for x, _ in joints], [y for _, y in joints]
    fit(
        s,
        -most(*[-x for x in xs], 0.20 - hx) - 0.08,
        most(*xs, hx + 0.20, 0.28 * book + arms[0][2][0]) + 0.12,
        -most(*[-y for y in ys]) - 0.10,
        most(*ys, hy + 0.22 + 0.14 * on["hat"]) + 0.03,
    )

    # stool
    ground = legs[0][2][1]
    stool = union(
        s.capsule(zero - 0.16, zero - 0.19, zero + 0.22, zero - 0.19, 0.05),
        s.capsule(zero - 0.12, zero - 0.2, zero - 0.18, ground - 0.02, 0.035),
        s.capsule(zero + 0.14, zero - 0.2, zero + 0.20, ground - 0.02, 0.035),
    )
    s.fill(stool, "accent", seat, bevel=0.04)

    # what is far: arm, leg, trouser leg, sleeve
    bare = union(
        s.limb(arms[1], 0.062, 0.05), s.circle(*arms[1][2], 0.068), *[s.limb(p, 0.105, 0.058) for p in legs]
    )
    s.fill(bare, "light", bevel=0.08)
    feet = [s.capsule(x + 0.0, y - 0.02, x + 0.12, y - 0.04, 0.065, 0.05) for _, _, (x, y) in legs]
    s.fill(union(*feet), "dark", bevel=0.05)
    sleeves, trousers = [], []
    for arm, leg in zip(arms, legs, strict=True):
        (x0, y0), (x1, y1), (x2, y2) = arm
        long = on["long sleeves"]
        upper = 0.55 + 0.45 * long
        sleeve = s.capsule(x0, y0, x0 + (x1 - x0) * upper, y0 + (y1 - y0) * upper, 0.085, 0.08)
        sleeves.append(
            union(
                sleeve,
                only(s.capsule(x1, y1, x1 + 0.85 * (x2 - x1), y1 + 0.85 * (y2 - y1), 0.08, 0.07), long),
            )
        )
        (x0, y0), (x1, y1), (x2, y2) = leg
        long = on["long trousers"]
        thigh = 0.80 + 0.20 * long
        cloth = s.capsule(x0, y0, x0 + (x1 - x0) * thigh, y0 + (y1 - y0) * thigh, 0.125, 0.115 - 0.02 * long)
        cloth = only(cloth, low_cut)
        trousers.append(
            union(
                cloth, only(s.capsule(x1, y1, x1 + 0.9 * (x2 - x1), y1 + 0.9 * (y2 - y1), 0.095, 0.085), long)
            )
        )
    s.fill(sleeves[1], "body", tone=0.75, bevel=0.07)
    s.fill(trousers[1], "second", low_cut, tone=0.78, bevel=0.07)

    # pelvis, near trouser leg, skirt
    (ax, ay), (bx, by) = legs[0][1], legs[1][1]
    # a skirt is one flared sheet over both thighs, wider than they are
    hem_l, hem_r = torch.minimum(ax, bx), torch.maximum(ax, bx)
    skirt = union(
        s.capsule(zero, zero, 0.80 * ax, 0.80 * ay, 0.15, 0.16),
        s.polygon(
            [
                (zero - 0.12, zero + 0.06),
                (0.95 * hem_l - 0.17, 0.9 * by),
                (0.95 * hem_r + 0.17, 0.9 * ay),
                (zero + 0.12, zero + 0.06),
            ]
        ),
    )
    below = union(
        s.capsule(zero - 0.06, zero, zero + 0.06, zero, 0.14), trousers[0], only(skirt, on["skirt"])
    )
    s.fill(below, "second", bevel=0.08)

    # the rest of the clothes and the head; long hair falls behind it
    torso = (
        s.polygon(
            [
                (zero - 0.10, zero),
                (zero + 0.10, zero),
                (sx + 0.15, sy - 0.06),
                (sx + 0.05, sy + 0.02),
                (sx - 0.05, sy + 0.02),
                (sx - 0.15, sy - 0.06),
            ]
        )
        - 0.06
    )
    s.fill(torso, "body", bevel=0.14, pattern=True)
    long_hair = s.limb([(hx - 0.06, hy + 0.02), (hx - 0.15, hy - 0.20), (sx - 0.20, sy - 0.20)], 0.19, 0.11)
    s.fill(long_hair, "dark", on["long hair"], bevel=0.08)
    s.fill(union(s.circle(hx, hy, 0.19), s.capsule(sx, sy, hx, hy, 0.075)), "light", bevel=0.15)
    face = s.ellipse(hx + 0.07, hy - 0.05, 0.16, 0.17)
    s.fill(torch.maximum(s.circle(hx - 0.01, hy + 0.02, 0.21), -face), "dark", bevel=0.06)
    nod = -0.05 * book
    eyes = union(s.circle(hx + 0.035, hy + nod, 0.022), s.circle(hx + 0.145, hy + nod, 0.022))
    s.fill(eyes, "dark", tone=0.5, bevel=0.02)
    mouth = s.arc(hx + 0.09, hy - 0.05 + nod, 0.05, 0.014, -1.57, 0.7)
    rims = union(
        s.ring(hx + 0.02, hy + nod, 0.062, 0.02),
        s.ring(hx + 0.16, hy + nod, 0.062, 0.02),
        s.capsule(hx - 0.04, hy + nod, hx - 0.18, hy + 0.02 + nod, 0.018),
    )
    s.fill(union(mouth, only(rims, on["glasses"])), "accent", tone=0.75, bevel=0.02)
    hat = union(
        s.capsule(hx - 0.22, hy + 0.10, hx + 0.27, hy + 0.10, 0.035),
        s.trapezoid(hx, hy + 0.20, 0.18, 0.14, 0.11, 0.0, 0.05),
    )
    s.fill(hat, "accent", on["hat"], bevel=0.06)

    # book, near arm
    (x, y) = arms[0][2]
    s.fill(
        union(s.box(x + 0.13, y + 0.14, 0.05, 0.24, -0.45), s.box(x - 0.07, y + 0.14, 0.05, 0.24, 0.45)),
        "accent",
        book,
        bevel=0.03,
    )
    s.fill(union(s.limb(arms[0], 0.062, 0.05), s.circle(x, y, 0.068)), "light", bevel=0.06)
    s.fill(sleeves[0], "body", bevel=0.07)
