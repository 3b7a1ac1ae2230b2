"""A bird from the side: where its parts are.

Everything is placed in *frames* on the body, so that a shape, a mark and a part point that belong together come
out of the same numbers. Object units as in `canvas`; a bird looks to the right, its trunk is about 1 long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.extents import Value

Point = tuple[Tensor, Tensor]

BUILD = (  # proportions, each in [0, 1]
    "plump", "lean", "head", "bill", "depth", "curve", "crest", "legs", "wing", "tail", "fan", "fork", "cock",
)  # fmt: skip
PARTS = (  # those of CUB-200-2011, in its order
    "back", "beak", "belly", "breast", "crown", "forehead", "left eye", "left leg", "left wing", "nape",
    "right eye", "right leg", "right wing", "tail", "throat",
)  # fmt: skip
EYE = (0.34, 0.24)  # in the head's frame
PLUMES = (
    ((-0.05, 0.32), (-1.0, 1.5)),
    ((-0.25, 0.25), (-1.35, 0.85)),
)  # of a crest: from, to, in the head's frame
TIP = 0.02  # radius of what ends in a point, in object units
TOE = 0.018


@dataclass(frozen=True)
class Frame:
    """Coordinates on the bird: origin (x, y), turned by `angle`, with the units `along` and `across`; each [B].

    A negative unit reverses its axis: a tail's p runs backwards from its root, p = 1 being its end.
    """

    x: Tensor
    y: Tensor
    angle: Tensor
    along: Tensor
    across: Tensor

    def point(self, p: Value, q: Value) -> Point:
        """Object coordinates of (p, q)."""
        cos, sin = self.angle.cos(), self.angle.sin()
        p, q = p * self.along, q * self.across
        return self.x + p * cos - q * sin, self.y + p * sin + q * cos

    def fields(self, s: Sketch) -> Point:
        """p and q [B, H, W] of every pixel."""
        p, q = s.local(self.x, self.y, self.angle)
        return p / s.at(self.along), q / s.at(self.across)


@dataclass(frozen=True)
class Bird:
    """B birds: the frames of their parts, and a few sizes in object units, each [B].

    legs: hip, ankle, foot of the far leg and of the near one.
    """

    trunk: Frame
    head: Frame
    beak: Frame
    wing: Frame
    tail: Frame
    legs: tuple[tuple[Point, Point, Point], ...]
    depth: Tensor  # of the beak at its root
    curve: Tensor  # how far the beak's tip hangs, in lengths of it
    crest: Tensor  # its length in radii of the head
    fork: Tensor  # how deep the tail is cut, in lengths of it; negative: its middle is longest


def grow(g: dict[str, Tensor], r: Chance) -> Bird:
    """Lay out birds of the build `g` (BUILD, each [B] in [0, 1]) in postures of their own."""
    lean = -0.05 + 1.1 * g["lean"] + r(-0.1, 0.1)
    zero = torch.zeros_like(lean)
    trunk = Frame(zero, zero, lean, zero + 0.5, 0.21 + 0.14 * g["plump"])
    radius = 0.15 + 0.13 * g["head"]
    x, y = trunk.point(0.72, 0.45)
    head = Frame(x + 0.35 * radius, y + 0.65 * radius, r(-0.18, 0.18), radius, radius)
    length = 0.09 + 0.42 * g["bill"]
    beak = Frame(*head.point(0.78, -0.08), head.angle - 0.04, length, length)
    fold = lean + r(-0.06, 0.10) - 0.06
    wing = Frame(*trunk.point(0.42, 0.16), fold, -(0.62 + 0.5 * g["wing"]), trunk.across)
    lift = lean + r(-0.12, 0.12) - 1.25 * g["cock"]
    tail = Frame(*trunk.point(-0.78, 0.14), lift, -(0.26 + 0.62 * g["tail"]), 0.06 + 0.14 * g["fan"])
    return Bird(
        trunk, head, beak, wing, tail, _legs(trunk, g["legs"], r),
        depth=0.028 + 0.11 * g["depth"],
        curve=0.45 * g["curve"],
        crest=1.3 * g["crest"],
        fork=1.1 * g["fork"] - 0.25,
    )  # fmt: skip


def _legs(trunk: Frame, long: Tensor, r: Chance) -> tuple[tuple[Point, Point, Point], ...]:
    """Hip, ankle and foot of the far and the near leg; both feet on one level."""
    shank = 0.13 + 0.36 * long
    step = r(0.05, 0.13)
    down = trunk.angle / 2 - math.pi / 2  # an upright bird sets its feet before it
    legs = []
    for side in (1, -1):  # the far foot ahead of the near one
        hip = trunk.point(-0.10 + 0.1 * side, -0.62)
        ankle = hip[0] - 0.10 * shank, hip[1] - 0.30 * trunk.across - 0.35 * shank
        foot = ankle[0] + shank * down.cos() + side * step, ankle[1] + 0.65 * shank * down.sin()
        legs.append((hip, ankle, foot))
    level = torch.minimum(legs[0][2][1], legs[1][2][1])
    return tuple((hip, ankle, (foot[0], level)) for hip, ankle, foot in legs)


def outline(b: Bird) -> tuple[Tensor, Tensor, Tensor]:
    """Discs whose hull is the bird's: x, y and radius [B, K] in object units."""
    none = torch.zeros_like(b.depth)
    turn = [k * math.pi / 8 for k in range(16)]
    discs = [(*b.trunk.point(math.cos(t), math.sin(t)), none) for t in turn]
    discs += [(b.head.x, b.head.y, b.head.along), (*b.beak.point(1, -b.curve), none + TIP)]
    discs += [(*b.head.point(*plume(b, k)), none + TIP) for k in range(len(PLUMES))]
    discs += [(*b.wing.point(1, -0.12), none + TIP)]
    discs += [(*b.tail.point(p, q), none) for p, q in ((1, 1), (1, -1), (1 - b.fork, 0))]
    discs += [(x, y, none + TOE) for _, _, foot in b.legs for x, y in toes(foot)]
    return tuple(torch.stack(torch.broadcast_tensors(*t), 1) for t in zip(*discs, strict=True))


def toes(foot: Point) -> tuple[Point, Point]:
    """Ends of the hind and the front toe."""
    return (foot[0] - 0.07, foot[1]), (foot[0] + 0.11, foot[1])


def plume(b: Bird, k: int) -> tuple[Tensor, Tensor]:
    """End of the k-th feather of the crest, in the head's frame."""
    start, end = PLUMES[k]
    return tuple(a + (z - a) * b.crest for a, z in zip(start, end, strict=True))


def parts(b: Bird) -> dict[str, Point]:
    """Object coordinates of the visible ones of PARTS; a bird that looks to the right shows its right side."""
    left_leg, right_leg = (
        tuple((a + z) / 2 for a, z in zip(ankle, foot, strict=True)) for _, ankle, foot in b.legs
    )
    return {
        "back": b.trunk.point(0.10, 0.82),
        "beak": b.beak.point(0.9, -0.81 * b.curve),
        "belly": b.trunk.point(-0.15, -0.80),
        "breast": b.trunk.point(0.78, -0.30),
        "crown": b.head.point(0.05, 0.85),
        "forehead": b.head.point(0.68, 0.50),
        "left leg": left_leg,
        "nape": b.head.point(-0.82, 0.05),
        "right eye": b.head.point(*EYE),
        "right leg": right_leg,
        "right wing": b.wing.point(0.35, 0.0),
        "tail": b.tail.point(0.92 - 0.25 * b.fork, 0.75),
        "throat": b.head.point(0.40, -0.72),
    }
