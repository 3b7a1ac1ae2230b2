"""Birds, seen from the side."""

from __future__ import annotations

import math

from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance

GROUP = "bird"
GENES = ("size", "slim", "neck", "legs", "beak", "hook", "head", "tail", "crest", "wing", "upright")
CLASSES = {
    #               size slim neck legs beak hook head tail crest wing upright
    "heron": (0.45, 0.60, 0.95, 0.95, 0.90, 0.0, 0.25, 0.20, 1.0, 0.5, 0.45),
    "duck": (0.65, 0.45, 0.30, 0.05, 0.45, 0.0, 0.45, 0.20, 0.0, 0.5, 0.05),
    "owl": (0.75, 0.10, 0.00, 0.10, 0.12, 1.0, 0.95, 0.25, 1.0, 0.8, 1.00),
    "penguin": (0.80, 0.40, 0.10, 0.05, 0.30, 0.0, 0.40, 0.05, 0.0, 0.7, 1.00),
    "flamingo": (0.40, 0.30, 1.00, 1.00, 0.40, 1.0, 0.22, 0.10, 0.0, 0.6, 0.25),
    "sparrow": (0.55, 0.25, 0.00, 0.25, 0.18, 0.0, 0.60, 0.45, 0.0, 0.5, 0.25),
    "toucan": (0.55, 0.45, 0.05, 0.15, 1.00, 1.0, 0.55, 0.60, 0.0, 0.5, 0.55),
    "magpie": (0.50, 0.45, 0.05, 0.30, 0.30, 0.0, 0.45, 1.00, 0.0, 0.5, 0.15),
    "ostrich": (0.62, 0.15, 0.90, 0.90, 0.20, 0.0, 0.20, 0.35, 0.0, 0.9, 0.10),
    "cockatoo": (0.60, 0.45, 0.05, 0.10, 0.25, 1.0, 0.60, 0.65, 1.0, 0.5, 0.75),
    "swan": (0.70, 0.45, 0.95, 0.00, 0.35, 0.0, 0.30, 0.25, 0.0, 0.9, 0.05),
    "partridge": (0.75, 0.05, 0.05, 0.25, 0.15, 0.0, 0.40, 0.10, 0.0, 0.4, 0.10),
    "stork": (0.50, 0.40, 0.60, 0.90, 0.80, 0.0, 0.30, 0.20, 0.0, 0.7, 0.30),
    "hoopoe": (0.50, 0.50, 0.10, 0.20, 0.75, 0.0, 0.42, 0.70, 1.0, 0.5, 0.30),
}


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one bird a picture, facing right; every gene is [B] in [0, 1]."""
    rx = 0.30 + 0.18 * g["size"]
    ry = rx * (0.78 - 0.36 * g["slim"])
    lean = 0.15 + 1.15 * g["upright"] + r(-0.08, 0.08)
    legs = 0.06 + 0.50 * g["legs"]
    neck = 0.62 * g["neck"]
    cx = -0.08 + 0 * rx
    cy = 0.30 * g["legs"] - 0.32 * g["neck"] - 0.10
    cos, sin = lean.cos(), lean.sin()

    # tail, behind everything
    tx, ty = cx - 0.85 * rx * cos, cy - 0.85 * rx * sin
    reach = 0.14 + 0.52 * g["tail"]
    droop = lean - 0.25 + r(-0.12, 0.12)
    s.fill(
        s.capsule(tx, ty, tx - reach * droop.cos(), ty - reach * droop.sin(), 0.10, 0.05 + 0.03 * g["tail"]),
        "second",
        bevel=0.05,
    )

    # legs and feet
    step = r(-0.10, 0.10)
    for side, tone in ((-1.0, 0.7), (1.0, 1.0)):
        hip = cx + side * 0.10 * rx
        foot = hip + side * (0.04 + step)
        bottom = cy - ry - legs
        s.fill(
            s.limb([(hip, cy - 0.5 * ry), (hip - 0.03, bottom + 0.5 * legs), (foot, bottom)], 0.035, 0.025),
            "accent",
            tone=tone,
            bevel=0.03,
        )
        s.fill(
            s.capsule(foot - 0.04, bottom, foot + 0.11, bottom - 0.015, 0.028, 0.015),
            "accent",
            tone=tone,
            bevel=0.03,
        )

    # neck and head
    sx, sy = cx + 0.72 * rx * cos, cy + 0.72 * rx * sin
    bend = 0.35 * g["neck"]
    hx, hy = sx + 0.16 + 0.10 * g["neck"], sy + 0.16 + neck
    head = 0.11 + 0.15 * g["head"]
    s.fill(
        s.limb(
            [(sx, sy), (sx + 0.45 * bend, sy + 0.40 * neck), (sx + 0.10 * bend, sy + 0.75 * neck), (hx, hy)],
            ry * 0.55 - 0.08 * g["neck"],
            head * 0.62,
        ),
        "body",
        bevel=0.12,
    )
    s.fill(s.ellipse(cx, cy, rx, ry, lean), "body", bevel=0.25, pattern=True)
    s.fill(
        s.ellipse(
            cx + 0.35 * rx * cos + 0.10 * sin * ry,
            cy + 0.35 * rx * sin - 0.45 * cos * ry,
            0.55 * rx,
            0.45 * ry,
            lean,
        ),
        "light",
        bevel=0.2,
        tone=0.95,
    )

    # wing
    w = 0.45 + 0.40 * g["wing"]
    s.fill(
        s.ellipse(
            cx - 0.15 * rx * cos - 0.05,
            cy - 0.15 * rx * sin + 0.12 * ry,
            w * rx,
            0.55 * w * ry + 0.04,
            lean - 0.18,
        ),
        "second",
        bevel=0.07,
        pattern=True,
    )

    # crest, beak, head
    for k in range(3):
        a = 2.1 + 0.35 * k
        s.fill(
            s.capsule(hx, hy, hx + 2.0 * head * math.cos(a), hy + 2.0 * head * math.sin(a), 0.045, 0.012),
            "accent",
            when=g["crest"].round(),
            bevel=0.03,
        )
    beak = 0.08 + 0.42 * g["beak"]
    tip = hy - 0.02 - 0.10 * g["hook"] * (0.4 + g["beak"])
    s.fill(
        s.limb(
            [(hx + 0.6 * head, hy), (hx + head + 0.6 * beak, hy + 0.02 * g["hook"]), (hx + head + beak, tip)],
            0.05 + 0.05 * g["hook"] * g["beak"] + 0.25 * head,
            0.008,
        ),
        "accent",
        bevel=0.05,
    )
    s.fill(s.circle(hx, hy, head), "body", bevel=0.2)
    s.eye(hx + 0.35 * head, hy + 0.25 * head, 0.03 + 0.16 * head)
