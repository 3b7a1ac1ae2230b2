"""How a bird is drawn, and the marks on its plumage; `skeleton` says where its parts are."""

from __future__ import annotations

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.extents import Value
from lecture_lib.twins.paints import hsv
from lecture_lib.twins.skeleton import EYE, PLUMES, TIP, TOE, Bird, plume, toes

MARKS = (
    "hood", "cap", "mask", "stripe", "bib", "collar", "band", "spots", "streaks", "ladder", "bars", "patch", "tips",
    "barred", "ended",
)  # fmt: skip


def plumage(r: Chance) -> dict[str, Tensor]:
    """Draw a bird's paints [B, 3]: whatever the hues, the marks are far darker or far lighter than their ground."""
    hue = r()
    dark_marks = r.chance(0.6)

    def value(low: float, high: float) -> Tensor:
        """Where marks are dark the ground is light, and the other way round."""
        v = r(low, high)
        return torch.where(dark_marks > 0, v, 1.12 - v)

    wing = hsv(hue + r(-0.12, 0.12), r(0.15, 0.7), value(0.55, 0.80))
    return {
        "body": hsv(hue + r(-0.03, 0.03), r(0.2, 0.75), value(0.62, 0.92)),
        "wing": wing,
        "edge": 0.72 * wing,
        "under": hsv(hue + r(-0.1, 0.1), r(0.05, 0.45), value(0.80, 1.0)),
        "mark": hsv(r(), r(0.05, 0.4), torch.where(dark_marks > 0, r(0.05, 0.16), r(0.92, 1.0))),
        "horn": hsv(r(), r(0.2, 0.9), r(0.35, 0.9)),
        "dark": hsv(r(), r(0.1, 0.4), r(0.05, 0.12)),
        "light": hsv(r(), r(0.02, 0.2), r(0.88, 1.0)),
    }


def draw(s: Sketch, b: Bird, marks: dict[str, Tensor]) -> None:
    """Draw birds back to front; marks: each of MARKS, [B], 1 where the bird wears it."""
    _draw_legs(s, b)
    _draw_tail(s, b, marks)
    _draw_beak(s, b)
    _draw_body(s, b, marks)
    _draw_wing(s, b, marks)
    _draw_eye(s, b)


def inside(s: Sketch, d: Tensor, soft: Value | None = None) -> Tensor:
    """How much of each pixel a shape covers, [B, H, W]; soft: width of its edge in object units (a pixel)."""
    return (0.5 - d / (s.pixel if soft is None else soft)).clamp_(0, 1)


def tint(s: Sketch, share: Tensor, paint: str) -> None:
    """Paint that share [B, H, W] of each pixel, without relief."""
    s.colour = torch.lerp(s.colour, s.paints[paint].expand_as(s.colour), share[:, None])


def mark(s: Sketch, part: Tensor, shapes: dict[str, Tensor], marks: dict[str, Tensor]) -> None:
    """Paint marks on those who wear them; part: what `inside` says of the part of the body that bears them."""
    for name, d in shapes.items():
        if bool(marks[name].any()):
            tint(s, inside(s, d) * part * s.at(marks[name]), "mark")


def _draw_legs(s: Sketch, b: Bird) -> None:
    for leg, tone in zip(b.legs, (0.7, 1.0), strict=True):
        foot = leg[-1]
        d = s.limb(leg, 0.045, TOE)
        for x, y in toes(foot):
            d = torch.minimum(d, s.capsule(*foot, x, y, TOE))
        s.fill(d, "horn", tone=tone, bevel=0.03)


def _draw_tail(s: Sketch, b: Bird, marks: dict[str, Tensor]) -> None:
    p, q = b.tail.fields(s)
    q = q.abs()
    long, wide = s.at(b.tail.along.abs()), s.at(b.tail.across)
    end = (p - 1 + s.at(b.fork) * (1 - q)) * long
    d = torch.maximum(torch.maximum((q - 0.5 - 0.5 * p) * wide, end), (-0.2 - p) * long)
    s.fill(d, "wing", tone=0.85, bevel=0.05)
    mark(s, inside(s, d), {"barred": 0.01 - 0.05 * (30 * p * long).sin(), "ended": -0.13 - end}, marks)


def _draw_beak(s: Sketch, b: Bird) -> None:
    root, middle, tip = (b.beak.point(p, -p * p * b.curve) for p in (0, 0.5, 1))
    d = torch.minimum(
        s.capsule(*root, *middle, b.depth, 0.6 * b.depth), s.capsule(*middle, *tip, 0.6 * b.depth, TIP)
    )
    s.fill(d, "horn", bevel=0.05)
    tint(s, inside(s, s.limb([root, middle, tip], 0.004)), "dark")


def _draw_body(s: Sketch, b: Bird, marks: dict[str, Tensor]) -> None:
    trunk = s.ellipse(b.trunk.x, b.trunk.y, b.trunk.along, b.trunk.across, b.trunk.angle)
    throat = b.trunk.point(0.45, 0.1)
    neck = s.capsule(*throat, b.head.x, b.head.y, 0.75 * b.trunk.across, 0.75 * b.head.along)
    rump = s.capsule(*b.trunk.point(-0.3, 0.05), *b.tail.point(0.1, 0), 0.7 * b.trunk.across, 0.05)
    head = s.circle(b.head.x, b.head.y, b.head.along)
    plumes = (
        s.capsule(*b.head.point(*start), *b.head.point(*plume(b, k)), 0.5 * b.head.along, TIP)
        for k, (start, _) in enumerate(PLUMES)
    )
    crest = torch.minimum(*plumes)
    d = _blend(_blend(_blend(trunk, rump, 0.12), neck, 0.16), torch.minimum(head, crest), 0.08)
    s.fill(d, "body", bevel=0.24)
    body = inside(s, d)

    p, q = b.trunk.fields(s)
    tint(s, inside(s, q * s.at(b.trunk.across) + 0.06, 0.12) * body, "under")
    below = 0.3 * (q - 0.3)
    spots = 0.03 - 0.06 * (19 * p).sin() * (9 * q + 0.5).sin()
    streaks = 0.02 - 0.06 * (10 * p + 4 * q).sin() * (17 * q).sin()
    on_trunk = {
        "band": 0.5 * (p - 0.72 + 0.3 * q).abs() - 0.075,
        "spots": torch.maximum(below, spots),
        "streaks": torch.maximum(below, streaks),
    }
    mark(s, body, on_trunk, marks)

    x, y = b.head.fields(s)
    radius = s.at(b.head.along)
    far = (x * x + y * y).sqrt()
    near = (far - 1.25) * radius  # the head and a little of the neck
    ring = torch.maximum((far - 1.42).abs() - 0.17, torch.maximum(x - 0.9, y - 0.6))
    on_head = {
        "hood": torch.minimum(near, crest),
        "cap": torch.maximum(far - 2.4, 0.38 - 0.1 * x - y) * radius,
        "mask": torch.maximum(near, ((y - 0.12).abs() - 0.34 + 0.12 * x) * radius),
        "stripe": torch.maximum(near, ((y - 0.2 - 0.05 * x).abs() - 0.13) * radius),
        "bib": (((x - 0.55) ** 2 + (y + 0.95) ** 2).sqrt() - 0.78) * radius,
        "collar": ring * radius,
    }
    mark(s, body, on_head, marks)


def _draw_wing(s: Sketch, b: Bird, marks: dict[str, Tensor]) -> None:
    long, wide = b.wing.along.abs(), b.wing.across
    quills = s.capsule(*b.wing.point(0.12, 0.05), *b.wing.point(1, -0.12), 0.56 * wide, TIP)
    coverts = s.ellipse(*b.wing.point(0.33, -0.08), 0.37 * long, 0.58 * wide, b.wing.angle)
    d = _blend(quills, coverts, 0.05)
    wing = inside(s, d)
    tint(s, wing, "wing")
    rim = 0.05
    t = 1 - (1 + d / rim).clamp_(0, 1)
    s.height = s.height + (t * (2 - t)).sqrt_() * rim * wing  # folded flat, it follows the body's relief
    s.cover = torch.maximum(s.cover, wing)

    p, q = b.wing.fields(s)
    long = s.at(long)
    past = (p - 0.52 + 0.35 * q * q) * long  # the coverts' end
    lines = 0.05 - 0.06 * (13 * q + 1.3 * p).sin().abs()  # between the quills
    tint(s, inside(s, torch.minimum(past.abs() - 0.008, torch.maximum(-past, lines)), 0.04) * wing, "edge")
    bar = torch.minimum((p - 0.30 + 0.1 * q).abs(), (p - 0.52 + 0.1 * q).abs()) - 0.05
    on_wing = {
        "tips": (0.70 - p) * long,
        "bars": bar * long,
        "patch": ((p - 0.17) ** 2 + 0.08 * q * q).sqrt() * long - 0.12,
        "ladder": 0.02 - 0.05 * (27 * p * long).sin(),
    }
    mark(s, wing, on_wing, marks)


def _draw_eye(s: Sketch, b: Bird) -> None:
    x, y = b.head.point(*EYE)
    radius = 0.02 + 0.13 * b.head.along
    s.fill(s.circle(x, y, radius), "light", tone=0.9, bevel=0.05)
    s.fill(s.circle(x, y, 0.74 * radius), "dark", tone=0.5, bevel=0.03)
    tint(s, inside(s, s.circle(x + 0.25 * radius, y + 0.28 * radius, 0.2 * radius)), "light")


def _blend(a: Tensor, b: Tensor, k: float) -> Tensor:
    """Union of two shapes with a fillet about k wide (the quadratic smooth minimum of Quilez)."""
    h = (k - (a - b).abs()).clamp_(min=0)
    return torch.minimum(a, b) - h * h / (4 * k)
