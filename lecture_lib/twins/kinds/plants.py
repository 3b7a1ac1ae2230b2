"""Plants: trunks and stems, fans of leaves, crowns and flowers; and a mushroom."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.kinds.parts import on, only, union

GROUP = "plant"
# pot: 0.5 is tall, 1 is a dish; trunk: its thickness (0 is none), `stem` its height, `bend` its curve.
# The fan of leaves starts at height `fan`; its other genes: spread, period, reach, width, droop, comb, pair.
# The others are kinds of crowns and flowers that are there (1) or not (0).
GENES = (
    "pot", "trunk", "stem", "bend",
    "fan", "spread", "period", "reach", "width", "droop", "comb", "pair",
    "cloud", "tiers", "column", "cap", "cup", "head", "rose", "lotus", "culms", "pads",
)  # fmt: skip
# fmt: off
CLASSES = {
    #                pot  trunk     bend      spread    reach     droop   pair  tiers    cup   rose  culms
    #                          stem      fan       period    width     comb  cloud    cap   head  lotus
    #                                                                              column               pads
    "potted plant": (.50, 0  , .50, .50, .38, .52, .42, .68, .62, .35, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "oak":          (0  , .70, .50, .50, .50, .50, .50, 0  , .50, 0  , 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "fir":          (0  , .45, .30, .50, .50, .50, .50, 0  , .50, 0  , 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    "palm":         (0  , .40, .66, .90, .66, .62, .44, .44, .46, 1  , 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "cactus":       (0  , 0  , .50, .50, .50, .50, .50, 0  , .50, 0  , 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
    "sunflower":    (0  , .15, .75, .55, .22, .70, .95, .50, .50, .20, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0),
    "tulip":        (0  , .12, .70, .50, .04, .27, .30, .62, .32, .05, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0),
    "mushroom":     (0  , .95, .55, .50, .50, .50, .50, 0  , .50, 0  , 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0),
    "fern":         (0  , 0  , .50, .50, .22, .46, .40, .80, .66, .40, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "rose":         (0  , .15, .75, .60, .32, .62, .75, .40, .55, .10, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0),
    # targets
    "lotus":        (0  , 0  , .50, .50, .31, .52, .36, .62, .62, 0  , 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0),
    "bonsai":       (1  , .50, .75, .95, .50, .50, .50, 0  , .50, 0  , 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    "agave":        (0  , 0  , .50, .50, .24, .46, .32, .74, .55, 0  , 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "bamboo":       (0  , 0  , .50, .50, .60, .85, .55, .50, .32, .50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0),
}
# fmt: on


def fan(
    s: Sketch,
    oy: Tensor,
    spread: Tensor,
    period: Tensor,
    reach: Tensor,
    width: Tensor,
    droop: Tensor,
    comb: Tensor,
    pair: Tensor,
    tilt: Tensor,
) -> tuple[Tensor, Tensor]:
    """Leaves or petals around (0, oy), one every `period` radians up to `spread` to each side of straight up.

    reach: their length; width: half of theirs; droop bends the outer ones down; comb cuts leaflets; pair leaves
    out the middle one; tilt turns all. Returns the leaves and their midribs.
    """
    x, y = s.x, s.y - s.at(oy)
    y = y + s.at(droop) * x * x
    theta = torch.atan2(x, y) - s.at(tilt)  # from straight up
    period = s.at(period)
    last = s.at((spread / period.view(-1)).floor())
    k = (theta / period).round().clamp(-last, last)
    theta = theta - k * period
    rho = (x * x + y * y).sqrt()
    u, v = rho * theta.cos(), (rho * theta.sin()).abs()
    t = u / (s.at(reach) * (1 - 0.06 * k.abs()))  # the outer ones are shorter
    bulge = 4 * t * (1 - t) * s.at(width)
    cuts = 0.46 * s.at(comb) * (1 + ((u - 0.8 * v) * 38).sin())  # aslant: leaflets point outwards
    leaf = v - bulge * torch.where(bulge > 0, 1 - cuts, 1.0)
    leaf = torch.minimum(leaf, v - torch.where(bulge > 0, 0.02, bulge))  # the midrib holds the leaflets
    leaf = leaf + 9 * s.at(pair) * (k == 0)
    return leaf, torch.maximum(v - 0.012, leaf + 0.025)


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one plant a picture; every gene is [B] in [0, 1]."""
    comb, pair, cloud, tiers, column, cap, cup, head, rose, lotus, culms, pads = (
        on(g[k])
        for k in (
            "comb", "pair", "cloud", "tiers", "column", "cap", "cup", "head", "rose", "lotus", "culms", "pads",
        )
    )  # fmt: skip
    pot, dish = (g["pot"] > 0.25).float(), (g["pot"] > 0.75).float()
    trunk, leafy = (g["trunk"] > 0.07).float(), (g["reach"] > 0.2).float()
    sway = r(-0.08, 0.08)

    # ---- pot
    high = 0.32 - 0.18 * dish
    s.fill(
        union(
            s.trapezoid(0.0, -0.92 + high, 0.26 + 0.20 * dish, 0.36 + 0.20 * dish, high),
            s.box(0.0, -0.92 + 2 * high - 0.04, 0.41 + 0.22 * dish, 0.07, corner=0.03),
        ),
        "accent",
        pot,
        bevel=0.10,
    )

    # ---- trunk or stem, thicker at the ground
    thick = 0.02 + 0.20 * g["trunk"]
    foot, top = -0.92 + 0.25 * dish + thick, -0.92 + 1.75 * g["stem"]
    curve = 0.7 * (g["bend"] - 0.5) + sway * 0.5
    third = (top - foot) / 3
    s.fill(
        s.limb(
            [(curve, foot), (0.1 * curve, foot + third), (-0.5 * curve, foot + 2 * third), (0.0, top)],
            thick,
            0.8 * thick,
        ),
        "second",
        trunk,
        bevel=0.10,
    )

    # ---- fan of leaves
    origin = -0.92 + 1.75 * g["fan"]
    leaf, rib = fan(
        s, origin, math.pi * g["spread"], 1.4 * g["period"], 1.5 * g["reach"].clamp(min=0.2), 0.3 * g["width"],
        1.3 * g["droop"], comb, pair, sway,
    )  # fmt: skip
    s.fill(leaf, "body", leafy, bevel=0.09, pattern=True)
    s.fill(rib, "body", leafy * (1 - comb), tone=0.6, bevel=0.03)

    # ---- crowns: cloud, tiers, column with arms, cap, culms, pads
    puffs = union(
        s.circle(-0.20, 0.56, 0.36),
        s.circle(0.26, 0.54, 0.34),
        s.circle(-0.55, 0.24, 0.36),
        s.circle(0.58, 0.22, 0.34),
        s.circle(0.0, 0.12, 0.42),
    )
    firs = union(
        *(s.trapezoid(0.0, y, w, 0.03, 0.36) for y, w in ((-0.26, 0.66), (0.16, 0.52), (0.58, 0.36)))
    )
    up = r(-0.15, 0.15)
    stems = union(
        s.capsule(0.0, -0.70, 0.0, 0.68, 0.25),
        s.limb([(0.0, -0.25), (-0.58, -0.22), (-0.58, 0.20 + up)], 0.14),
        s.limb([(0.0, 0.02), (0.58, 0.05), (0.58, 0.45 + up)], 0.14),
    )
    bell = torch.maximum(s.ellipse(0.0, 0.02, 0.92, 0.85), 0.02 - s.y - 0.12 * (1 - s.x * s.x))
    poles = union(*(s.box(x, y, 0.10, 0.93 - abs(y)) for x, y in ((-0.42, -0.08), (0.0, 0.0), (0.38, -0.14))))
    clouds = union(
        s.ellipse(0.0, 0.62, 0.46, 0.26),
        s.ellipse(-0.52, 0.18, 0.40, 0.21),
        s.ellipse(0.54, 0.06, 0.38, 0.20),
    )
    crown = union(
        only(puffs, cloud),
        only(firs, tiers),
        only(stems, column),
        only(bell, cap),
        only(poles, culms),
        only(clouds, pads),
    )
    s.fill(crown, "body", torch.maximum(cloud + tiers + column, cap + culms + pads), bevel=0.2, pattern=True)

    # ---- flowers: ring of petals, cup, the front petals of the lotus, rose
    bloom = head + cup + lotus
    y0 = 0.42 * head + 0.08 * cup - 0.42 * lotus
    petal, _ = fan(
        s, y0,
        4.0 * head + 0.5 * cup + 1.1 * lotus,
        0.45 - 0.03 * head - 0.07 * cup + 0.07 * lotus,
        0.1 + 0.46 * head + 0.72 * cup + 0.55 * lotus,
        0.01 + 0.09 * head + 0.20 * cup + 0.14 * lotus,
        0 * y0, 0 * y0, 0 * y0, 0.5 * sway,
    )  # fmt: skip
    bud = s.circle(0.0, 0.42, 0.25)
    x, y = s.x, s.y - 0.42
    theta, rho = torch.atan2(y, x) + s.at(sway * 9), (x * x + y * y).sqrt()
    rosette = rho - 0.36 - 0.09 * (2.5 * theta).cos().abs()
    s.fill(union(only(petal, bloom), only(rosette, rose)), "accent", bloom + rose, bevel=0.14)
    s.fill(bud, "accent", rose, tone=0.85, bevel=0.14)

    # ---- dark: heart of the sunflower, folds of the rose, ribs of the cactus, nodes of the bamboo
    turn = rho / 0.11 - theta / (2 * math.pi)
    folds = torch.maximum((turn - turn.round()).abs() * 0.11 - 0.018, bud + 0.01)
    ribs = torch.maximum((s.x.abs() - 0.10).abs() - 0.018, stems + 0.06)
    nodes = s.y / 0.36 + s.at(r()) + s.x.round()
    nodes = torch.maximum((nodes - nodes.round()).abs() * 0.36 - 0.025, poles)
    dark = union(only(bud, head), only(folds, rose), only(ribs, column), only(nodes, culms))
    s.fill(dark, "dark", head + rose + column + culms, bevel=0.06)

    # ---- light: spots of the mushroom; second: the pad below the lotus
    spots = union(s.circle(-0.42, 0.28, 0.14), s.circle(0.12, 0.55, 0.16), s.circle(0.50, 0.20, 0.11))
    s.fill(spots, "light", cap, bevel=0.05)
    s.fill(s.ellipse(0.0, -0.47, 0.90, 0.14), "second", lotus, bevel=0.06)
