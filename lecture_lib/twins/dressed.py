"""Dressed people from the front and from behind, drawn part by part; what they wear is told by switches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.extents import Value
from lecture_lib.twins.kinds.parts import only, union

Point = tuple[Tensor, Tensor]
Limb = list[Point]  # three joints
Switches = dict[str, Tensor]  # each [B], 0 or 1
SIDED = ("shoulder", "elbow", "hand", "hip", "knee", "foot")
SIDES = (1.0, -1.0)  # right and left in the sketch


def both(shape: Callable[[float], Tensor]) -> Tensor:
    """A shape and its mirror image."""
    return union(*map(shape, SIDES))


def along(limb: Limb, bone: int, share: Value) -> Point:
    """The point at a share of a bone's length."""
    (x0, y0), (x1, y1) = limb[bone : bone + 2]
    return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share


def cloth(s: Sketch, limb: Limb, bone: int, share: Value, r0: Value, r1: Value) -> Tensor:
    """A tube of cloth along a bone, from its beginning."""
    return s.capsule(*limb[bone], *along(limb, bone, share), r0, r1)


def skeleton(on: Switches, r: Chance) -> tuple[dict[str, Tensor], list[Limb], list[Limb]]:
    """Draw a build (half-widths and the arms' thickness, each [B]) and joints: arms and legs, right ones first."""
    man, zero, wide = on["male"], torch.zeros(len(r)), r(0.92, 1.08)
    build = {"wide": wide, "shoulder": (0.20 + 0.055 * man) * wide, "waist": (0.125 + 0.06 * man) * wide,
             "hips": (0.185 - 0.02 * man) * wide, "thick": (0.052 + 0.012 * man) * wide}  # fmt: skip
    arms, legs = [], []
    for k in SIDES:
        raised = r.chance(0.12)
        out = r(0.10, 0.45) + 1.1 * raised
        inner = out - r(-0.35, 1.0) + 1.2 * raised
        x, y = k * build["shoulder"], zero + 0.44
        ex, ey = x + k * 0.29 * out.sin(), y - 0.29 * out.cos()
        arms.append([(x, y), (ex, ey), (ex + k * 0.27 * inner.sin(), ey - 0.27 * inner.cos())])
        turn = r(-0.02, 0.24)
        shin = turn + r(-0.22, 0.05)
        x, y = k * 0.5 * build["hips"], zero - 0.02
        kx, ky = x + k * 0.46 * turn.sin(), y - 0.46 * turn.cos()
        legs.append([(x, y), (kx, ky), (kx + k * 0.44 * shin.sin(), ky - 0.44 * shin.cos())])
    return build, arms, legs


def draw(s: Sketch, on: Switches, r: Chance) -> dict[str, Point]:
    """Draw people; return their points in object units, where "left" is what is on the right of the sketch.

    The pelvis is at (0, 0), the feet at about -1, the crown at .93.
    """
    build, arms, legs = skeleton(on, r)
    front, long_hair = 1 - on["back"], on["long hair"]
    s.fill(both(lambda k: strand(s, k, 0.50)), "hair", long_hair * front, tone=0.8, bevel=0.05)
    lower_half(s, on, build, legs, r)
    upper_half(s, on, build, arms)
    head(s, on, r(-0.05, 0.05))
    zero = torch.zeros(len(r))
    points = {name: (zero, zero + y) for name, y in (("crown", 0.93), ("head", 0.75), ("neck", 0.55))}
    for name, arm, leg in zip(("left", "right"), arms, legs, strict=True):
        points |= {f"{name} {joint}": at for joint, at in zip(SIDED, [*arm, *leg], strict=True)}
    return points


def strand(s: Sketch, k: float, length: float) -> Tensor:
    """Hair that falls at one side of the face, to the chest."""
    return s.capsule(k * 0.15, 0.78, k * 0.19, 0.78 - length, 0.06, 0.075)


def lower_half(s: Sketch, on: Switches, build: dict[str, Tensor], legs: list[Limb], r: Chance) -> None:
    """Legs and shoes; trousers, shorts or a skirt; of denim worn thighs, seams, pockets and turned-up ends."""
    wide, hips, waist, blue = build["wide"], build["hips"], build["waist"], on["jeans"]
    of = dict(zip(SIDES, legs, strict=True))
    s.fill(both(lambda k: s.limb(of[k], 0.10, 0.058)), "skin", 1 - on["long trousers"], bevel=0.08)
    feet = {k: leg[2] for k, leg in of.items()}
    shoes = both(lambda k: s.capsule(*feet[k], feet[k][0] + k * 0.07, feet[k][1] - 0.05, 0.06, 0.05))
    s.fill(shoes, "dark", bevel=0.04)
    for leg in reversed(legs):
        thigh = cloth(s, leg, 0, 1.0, 0.115 * wide, 0.095 * wide)
        shin = cloth(s, leg, 1, 0.92, 0.095 * wide, 0.085 * wide)
        s.fill(union(thigh, shin), "below", on["long trousers"], tone=0.92, bevel=0.07)
        short = cloth(s, leg, 0, 0.72, 0.125 * wide, 0.14 * wide)
        s.fill(short, "below", on["shorts"], tone=0.92, bevel=0.07)
    s.fill(s.trapezoid(0.0, 0.03, hips + 0.03, waist + 0.02, 0.12, 0.0, 0.03), "below", bevel=0.05)
    skirt = s.trapezoid(0.0, -0.16, hips + r(0.06, 0.16), waist + 0.03, 0.26, 0.0, 0.02)
    s.fill(skirt, "below", on["skirt"], bevel=0.10)
    s.fill(both(lambda k: s.ellipse(*along(of[k], 0, 0.6), 0.045, 0.15)), "below", blue, tone=1.5, bevel=0.05)
    seams = both(lambda k: s.limb([(x + k * 0.055 * wide, y) for x, y in of[k]], 0.009))
    pockets = both(lambda k: s.arc(k * 0.9 * hips, 0.10, 0.10, 0.009, -1.57 - k * 0.7, 0.8))
    s.fill(union(seams, pockets), "stitch", blue, bevel=0.02)
    ends = both(lambda k: s.capsule(*along(of[k], 1, 0.86), *along(of[k], 1, 0.93), 0.092 * wide))
    s.fill(ends, "below", blue, tone=1.8, bevel=0.03)


def upper_half(s: Sketch, on: Switches, build: dict[str, Tensor], arms: list[Limb]) -> None:
    """The trunk and, before it, the arms: bare, in short or in long sleeves; what is on the chest."""
    shoulder, waist, thick = build["shoulder"], build["waist"], build["thick"]
    man, front, sleeved, tee = on["male"], 1 - on["back"], 1 - on["tank"], on["t-shirt"]
    s.fill(s.capsule(0.0, 0.48, 0.0, 0.64, 0.055 + 0.02 * man), "skin", bevel=0.05)
    s.fill(union(*[s.limb(arm, thick, 0.8 * thick) for arm in arms]), "skin", bevel=0.06)
    trunk = union(
        s.trapezoid(0.0, 0.345, waist + 0.01, shoulder, 0.155, 0.0, 0.035),
        s.trapezoid(0.0, 0.14, build["hips"] + 0.015, waist + 0.01, 0.09, 0.0, 0.02),
    )
    s.fill(trunk, "skin", on["tank"], bevel=0.04)
    s.fill(trunk, "body", sleeved, bevel=0.04, pattern=True)
    straps = both(lambda k: s.capsule(k * 0.5 * shoulder, 0.42, k * 0.5 * shoulder, 0.485, 0.025))
    top = s.trapezoid(0.0, 0.25, waist + 0.01, 0.72 * shoulder, 0.20, 0.0, 0.02)
    s.fill(union(top, straps), "body", on["tank"], bevel=0.04, pattern=True)
    bust = both(lambda k: s.circle(k * 0.075, 0.30, 0.062))
    s.fill(bust, "body", (1 - man) * front, bevel=0.05, pattern=True)
    sleeve, long = thick + 0.022, on["long sleeves"]
    for arm in arms:
        upper = cloth(s, arm, 0, 0.62 + 0.38 * long, sleeve + 0.008, sleeve + 0.012 * tee)
        s.fill(upper, "body", sleeved, tone=0.93, bevel=0.06)
        s.fill(cloth(s, arm, 1, 0.72, sleeve, sleeve), "body", long, tone=0.93, bevel=0.06)
        s.fill(s.circle(*along(arm, 1, 1.06), 0.062 + 0.008 * man), "skin", bevel=0.05)
    neck = s.circle(0.0, 0.53, 0.105)
    s.fill(torch.maximum(neck, s.y - 0.50), "skin", tee * front, bevel=0.04)
    s.fill(torch.maximum(neck.abs() - 0.012, s.y - 0.50), "second", tee * front, bevel=0.02)
    sign = union(
        only(s.circle(0.0, 0.30, 0.085), on["cap"]), only(s.box(0.0, 0.29, 0.11, 0.045), 1 - on["cap"])
    )
    s.fill(sign, "accent", tee * on["print"] * front, bevel=0.02)
    s.fill(s.trapezoid(0.0, 0.27, 0.035, 0.075, 0.225), "light", on["jacket"] * front, bevel=0.03)
    lapels = both(lambda k: s.capsule(k * 0.04, 0.25, k * 0.11, 0.49, 0.03, 0.02))
    s.fill(lapels, "body", on["jacket"] * front, tone=0.7, bevel=0.02)
    collar = both(lambda k: s.capsule(k * 0.02, 0.44, k * 0.09, 0.53, 0.028))
    s.fill(collar, "light", on["collar"], bevel=0.02)
    buttons = union(
        s.capsule(0.0, 0.40, 0.0, 0.10, 0.010), *[s.circle(0.0, y, 0.018) for y in (0.36, 0.27, 0.18)]
    )
    s.fill(buttons, "dark", on["collar"] * (1 - on["jacket"]) * front, bevel=0.01)


def head(s: Sketch, on: Switches, t: Tensor) -> None:
    """Head, hair, face, glasses and hat; t: how far the face is turned to the side."""
    man, back, long_hair, front = on["male"], on["back"], on["long hair"], 1 - on["back"]
    s.fill(
        union(s.ellipse(0.0, 0.75, 0.155, 0.175), both(lambda k: s.circle(k * 0.155, 0.74, 0.03))),
        "skin",
        bevel=0.14,
    )
    s.fill(both(lambda k: strand(s, k, 0.46)), "hair", long_hair * front, bevel=0.05)
    face = s.ellipse(t, 0.71, 0.135, 0.155)
    scalp = s.ellipse(0.0, 0.775, 0.17 + 0.01 * long_hair, 0.175 + 0.015 * long_hair)
    ends = 0.76 - 0.06 * (1 - man) - 0.3 * torch.maximum(long_hair, back)  # short hair leaves the cheeks bare
    s.fill(torch.maximum(torch.maximum(scalp, -face - 9 * s.at(back)), s.at(ends) - s.y), "hair", bevel=0.06)
    s.fill(s.box(0.0, 0.56, 0.13, 0.22) - 0.03, "hair", long_hair * back, bevel=0.06)
    mouth = s.ellipse(t, 0.685, 0.05, 0.028)
    beard = torch.maximum(torch.maximum(s.ellipse(t, 0.70, 0.14, 0.17), s.y - 0.70), -mouth)
    s.fill(beard, "hair", on["beard"] * front, bevel=0.04)
    s.fill(both(lambda k: s.ellipse(t + k * 0.062, 0.765, 0.026, 0.019)), "light", front, bevel=0.02)
    pupils = both(lambda k: s.circle(t + k * 0.062, 0.765, 0.014))
    brows = both(lambda k: s.capsule(t + k * 0.035, 0.812, t + k * 0.092, 0.81, 0.006 + 0.005 * man))
    s.fill(union(pupils, brows), "dark", front, tone=0.5, bevel=0.01)
    s.fill(s.capsule(t, 0.75, t + 0.008, 0.715, 0.012, 0.02), "skin", front, tone=0.88, bevel=0.02)
    lips = s.capsule(t - 0.035, 0.66, t + 0.035, 0.66, 0.010 + 0.008 * (1 - man))
    s.fill(lips, "lip", front, tone=1 - 0.25 * man, bevel=0.02)
    lens = both(lambda k: s.ellipse(t + k * 0.066, 0.762, 0.055, 0.046))
    bows = both(lambda k: s.capsule(t + k * 0.116, 0.772, k * 0.155, 0.782, 0.011))
    bridge = s.capsule(t - 0.066, 0.762, t + 0.066, 0.762, 0.009)
    rims = union(lens.abs() - 0.013, torch.maximum(union(bows, bridge), -lens), only(lens, on["shades"]))
    s.fill(rims, "dark", on["glasses"] * front, tone=0.7, bevel=0.01)
    brim, cap = s.capsule(-0.27, 0.86, 0.27, 0.86, 0.028), on["cap"]
    shield = only(s.capsule(t - 0.10, 0.855, t + 0.10, 0.855, 0.04), cap * front)
    dome = torch.maximum(s.ellipse(0.0, 0.84, 0.185, 0.17), 0.845 - s.y)
    crown = union(only(s.trapezoid(0.0, 0.95, 0.17, 0.13, 0.10, 0.0, 0.04), 1 - cap), only(dome, cap))
    s.fill(crown, "accent", on["hat"], bevel=0.07)
    s.fill(union(only(brim, 1 - cap), shield), "accent", on["hat"], tone=0.75, bevel=0.03)
