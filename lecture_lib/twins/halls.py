"""The grounds of public and leisure halls: the scenes without the things that stand in them.

As in `grounds`, each function draws B of them; x and y (up) go from -1 to 1 across the picture, and they reach
beyond, as they are also seen from aside.
"""

from __future__ import annotations

import torch

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.grounds import land, room, window_pane
from lecture_lib.twins.kinds.parts import union
from lecture_lib.twins.repeats import block, fold, oval, pointed, rounded


def church(s: Sketch, r: Chance) -> None:
    """A nave: pews left and right of the aisle, pointed arches, coloured windows, an altar with a cross."""
    s.fill(s.box(0.0, 0.0, 1.3, 1.3), "light", bevel=0.02)
    s.fill(s.box(0.0, -1.3, 1.4, 1.0), "second", tone=0.85, bevel=0.01)
    hw = 0.42
    s.fill(pointed(s.x, s.y, -0.30, 0.12, hw + 0.07), "body", bevel=0.05)
    s.fill(pointed(s.x, s.y, -0.30, 0.12, hw), "second", bevel=0.02)
    lancets = fold(s.x, 0.24, -1, 1)
    s.fill(pointed(lancets, s.y, -0.02, 0.24, 0.10), "dark", bevel=0.02)
    s.fill(pointed(lancets, s.y, 0.01, 0.24, 0.07), "accent", bevel=0.01)
    s.fill(s.ring(0.0, 0.56, 0.10, 0.03), "dark", bevel=0.03)
    s.fill(s.circle(0.0, 0.56, 0.08), "accent", bevel=0.02)
    aisle = fold(s.x.abs() - 0.80, 0.44, 0, 2)
    s.fill(pointed(aisle, s.y, -0.35, 0.12, 0.16), "dark", bevel=0.03)
    s.fill(pointed(aisle, s.y, -0.10, 0.12, 0.09), "accent", bevel=0.02)
    column = fold(s.x.abs() - 0.58, 0.44, 0, 2)
    s.fill(block(column, s.y - 0.4, 0.055, 0.9), "body", bevel=0.08)
    s.fill(block(column, s.y - 0.14, 0.085, 0.035), "body", tone=0.8, bevel=0.03)
    carpet = [(-0.36, -1.3), (0.36, -1.3), (0.10, -0.30), (-0.10, -0.30)]
    s.fill(s.polygon(carpet), "accent", tone=0.85, bevel=0.01)
    s.fill(s.box(0.0, -0.26, 0.22, 0.09), "light", bevel=0.04)
    s.fill(s.box(0.0, -0.18, 0.25, 0.02), "dark", bevel=0.02)
    cross = union(s.box(0.0, -0.04, 0.018, 0.14), s.box(0.0, 0.02, 0.075, 0.018))
    s.fill(cross, "light", bevel=0.02)
    for y, hh, inner in ((-0.42, 0.05, 0.16), (-0.55, 0.07, 0.21), (-0.73, 0.095, 0.28), (-0.98, 0.13, 0.37)):
        bench = block(s.x.abs() - inner - 1.0, s.y - y, 1.0, hh)
        s.fill(bench, "dark", bevel=0.03)
        s.fill(block(s.x.abs() - inner - 1.0, s.y - y - hh, 1.02, 0.25 * hh), "body", bevel=0.03)
        s.fill(block(s.x.abs() - inner - 0.03, s.y - y - 0.1 * hh, 0.4 * hh, 1.3 * hh), "body", bevel=0.03)


def museum(s: Sketch, r: Chance) -> None:
    """Framed landscapes on the wall, a rope before them, pedestals."""
    edge = land(s, r, -0.58, -0.50, "second")
    s.fill(s.box(0.0, edge, 1.3, 0.035), "body", bevel=0.03)
    s.fill(s.box(0.0, 0.92, 1.3, 0.04), "body", bevel=0.03)
    for x in (-0.70, 0.0, 0.70):
        hw, hh, y = r(0.20, 0.27), r(0.18, 0.30), 0.32 + r(-0.05, 0.05)
        frame = s.box(x, y, hw, hh)
        s.fill(s.box(x, y, hw + 0.06, hh + 0.06), "dark", bevel=0.06)
        s.fill(frame, "body", tone=1.1, bevel=0.01)
        s.fill(
            torch.maximum(frame, s.circle(x + r(-0.1, 0.1), y + r(0.05, 0.12), 0.045)), "light", bevel=0.01
        )
        hill = union(
            s.ellipse(x + r(-0.2, 0.0), y - 0.22, 0.30, r(0.12, 0.22)),
            s.ellipse(x + r(0.0, 0.2), y - 0.26, 0.34, r(0.12, 0.22)),
        )
        s.fill(torch.maximum(frame, hill), "accent", bevel=0.03)
    for x in (-0.62, 0.62):
        s.fill(s.box(x, -0.54, 0.13, 0.24), "light", tone=0.95, bevel=0.04)
        s.fill(s.box(x, -0.29, 0.17, 0.035), "light", tone=0.8, bevel=0.03)
        s.fill(s.box(x, -0.79, 0.17, 0.04), "light", tone=0.8, bevel=0.03)
    post = fold(s.x, 0.37, -1, 1)
    s.fill(block(post, s.y + 0.62, 0.018, 0.2), "dark", bevel=0.03)
    s.fill(
        union(oval(post, s.y + 0.42, 0.035, 0.035), oval(post, s.y + 0.82, 0.07, 0.025)), "dark", bevel=0.03
    )
    sag = fold(s.x - 0.185, 0.37, -1, 0)
    rope = (s.y + 0.56 - 3.0 * sag * sag).abs() / (1 + 36 * sag * sag) ** 0.5 - 0.02
    s.fill(torch.maximum(rope, s.x.abs() - 0.37), "accent", bevel=0.03)


def subway(s: Sketch, r: Chance) -> None:
    """A train at the platform of a tiled station."""
    s.fill(s.box(0.0, 0.0, 1.3, 1.3), "light", bevel=0.02)
    joints = torch.minimum(fold(s.x, 0.16).abs(), fold(s.y, 0.10).abs()) - 0.006
    s.fill(torch.maximum(joints, 0.4 - s.y), "light", tone=0.75, bevel=0.01)
    sign = fold(s.x + s.at(r(-0.3, 0.3)), 1.1)
    s.fill(oval(sign, s.y - 0.68, 0.17, 0.17).abs() - 0.04, "accent", bevel=0.04)
    s.fill(block(sign, s.y - 0.68, 0.27, 0.05), "dark", bevel=0.03)
    s.fill(s.box(0.0, 1.1, 1.3, 0.14), "dark", bevel=0.03)
    s.fill(s.box(0.0, -0.3, 1.3, 0.3), "dark", tone=0.6, bevel=0.01)
    s.fill(s.box(0.0, 0.06, 1.4, 0.40, corner=0.08), "body", bevel=0.10)
    s.fill(s.box(0.0, -0.22, 1.4, 0.05), "accent", bevel=0.02)
    x = s.x + s.at(r(-0.5, 0.5))
    door = fold(x, 1.0)
    leaf = fold(door - 0.09, 0.18, -1, 0)
    s.fill(block(door, s.y - 0.03, 0.20, 0.34), "dark", bevel=0.02)
    s.fill(block(leaf, s.y - 0.03, 0.08, 0.32), "second", bevel=0.03)
    s.fill(block(leaf, s.y - 0.16, 0.05, 0.12), "light", bevel=0.02)
    pane = fold(fold(x - 0.5, 1.0) - 0.135, 0.27, -1, 0)
    s.fill(block(pane, s.y - 0.14, 0.12, 0.15), "dark", bevel=0.02)
    s.fill(block(pane, s.y - 0.14, 0.10, 0.13), "light", bevel=0.01)
    s.fill(s.box(0.0, -1.3, 1.4, 0.85), "second", bevel=0.02)
    s.fill(s.box(0.0, -0.47, 1.4, 0.025), "light", bevel=0.02)
    s.fill(block(fold(s.x, 0.07), s.y + 0.57, 0.025, 0.022), "accent", bevel=0.02)


POCKETS = [
    (-0.53, -0.25),
    (0.0, -0.24),
    (0.53, -0.25),
    (-0.70, -0.59),
    (0.0, -0.60),
    (0.70, -0.59),
]  # of a billiard table


def waiting_room(s: Sketch, r: Chance) -> None:
    """A room with a notice board and a clock."""
    room(s, r, 0.84)
    x = -0.28 + r(-0.06, 0.06)
    s.fill(s.box(x, 0.24, 0.30, 0.20), "dark", bevel=0.03)
    s.fill(s.box(x, 0.24, 0.26, 0.16), "body", bevel=0.01)
    for k in range(4):
        sheet = s.box(x - 0.17 + 0.115 * k, 0.24 + r(-0.06, 0.06), 0.042, 0.06)
        s.fill(sheet, ("light", "accent")[k % 2], bevel=0.01)
    x = 0.42 + r(-0.06, 0.06)
    s.fill(s.circle(x, 0.36, 0.15), "dark", bevel=0.03)
    s.fill(s.circle(x, 0.36, 0.12), "light", tone=1.2, bevel=0.01)
    hand = r(0, 6.3)
    hour = s.capsule(x, 0.36, x + 0.06 * (hand / 12).sin(), 0.36 + 0.06 * (hand / 12).cos(), 0.014)
    minute = s.capsule(x, 0.36, x + 0.09 * hand.sin(), 0.36 + 0.09 * hand.cos(), 0.010)
    s.fill(union(hour, minute), "dark", tone=0.6, bevel=0.01)


def bar(s: Sketch, r: Chance) -> None:
    """Bottles on shelves behind a long counter, lamps over it."""
    land(s, r, -0.94, -0.86, "second")
    s.fill(s.box(0.0, 0.28, 1.3, 0.42), "dark", bevel=0.03)
    for k, y in enumerate((-0.06, 0.30)):
        pitch, shift = s.at(r(0.11, 0.14)), s.at(r(-0.1, 0.1))
        for odd, paint in ((0, ("accent", "light")[k]), (1, ("second", "body")[k])):
            dx = fold(s.x + shift + pitch * odd, 2 * pitch)
            belly, neck = s.at(r(0.07, 0.09)), s.at(r(0.03, 0.05))
            bottle = union(
                block(dx, s.y - y - belly, 0.36 * pitch, belly),
                oval(dx, s.y - y - 2 * belly, 0.36 * pitch, 0.03),
                block(dx, s.y - y - 2 * belly - neck, 0.12 * pitch, neck),
            )
            s.fill(bottle, paint, bevel=0.04)
        s.fill(s.box(0.0, y - 0.02, 1.3, 0.022), "second", tone=0.9, bevel=0.02)
    s.fill(s.box(0.0, 0.68, 1.3, 0.035), "second", bevel=0.03)
    lamp = fold(s.x + s.at(r(-0.2, 0.2)), 0.55)
    s.fill(block(lamp, s.y - 1.0, 0.010, 0.22), "dark", bevel=0.02)
    shade = torch.maximum(lamp.abs() - (0.95 - s.y) * 0.5, (s.y - 0.79).abs() - 0.09)
    s.fill(shade, "accent", bevel=0.05)
    s.fill(s.box(0.0, -0.55, 1.3, 0.38), "body", bevel=0.02)
    s.fill(block(fold(s.x, 0.36), s.y + 0.54, 0.14, 0.26), "body", tone=0.8, bevel=0.04)
    s.fill(s.box(0.0, -0.19, 1.35, 0.05), "light", bevel=0.05)
    s.fill(s.capsule(-1.3, -0.84, 1.3, -0.84, 0.022), "dark", bevel=0.03)


def restaurant(s: Sketch, r: Chance) -> None:
    """Tables with cloths to the floor, lamps over them, windows with curtains."""
    room(s, r, 0.90)
    for x in (-0.45, 0.45):
        window_pane(s, r, x, 0.24)
        s.fill(block((s.x - x).abs() - 0.21, s.y - 0.22, 0.05, 0.27), "body", tone=0.9, bevel=0.04)
    s.fill(s.box(0.0, 0.50, 1.3, 0.03), "dark", bevel=0.03)
    lamp = fold(s.x, 0.45, -1, 1)
    s.fill(block(lamp, s.y - 0.90, 0.010, 0.25), "dark", bevel=0.02)
    s.fill(torch.maximum(lamp.abs() - (0.74 - s.y) * 0.6, (s.y - 0.62).abs() - 0.07), "accent", bevel=0.05)
    for x, y, size in ((-0.47, -0.32, 0.24), (0.47, -0.32, 0.24), (r(-0.12, 0.12), -0.64, 0.36)):
        s.fill(s.trapezoid(x, y - 0.6 * size, 0.94 * size, 0.86 * size, 0.6 * size), "second", bevel=0.08)
        s.fill(s.trapezoid(x, y - 0.28 * size, 1.12 * size, 0.99 * size, 0.28 * size), "light", bevel=0.06)
        s.fill(s.ellipse(x, y, size, 0.26 * size), "light", tone=1.1, bevel=0.03)


def bowling(s: Sketch, r: Chance) -> None:
    """Lanes that run together towards ten pins each, a ball on its way."""
    land(s, r, -0.06, -0.04, "dark")
    vx, horizon = r(-0.08, 0.08), 0.30
    below = (horizon - s.y).clamp(min=0.3)
    step = 0.74
    lane = fold((s.x - s.at(vx)) / below, step)
    floor = s.y + 0.05
    s.fill(torch.maximum((lane.abs() - 0.27) * below, floor), "body", bevel=0.02)
    boards = (fold(lane, 0.09, -2, 2).abs() - 0.006) * below
    s.fill(torch.maximum(boards, floor), "body", tone=0.8, bevel=0.01)
    marks = block(fold(lane, 0.12, -1, 1) * below, s.y + 0.42 - 0.5 * lane.abs() * below, 0.02, 0.04)
    s.fill(marks, "dark", bevel=0.02)
    s.fill(s.box(0.0, 0.10, 1.4, 0.15), "dark", tone=0.7, bevel=0.02)
    deck = fold(s.x - s.at(vx), step * 0.35)
    for y, count in ((0.036, 4), (0.022, 3), (0.008, 2), (-0.006, 1)):
        dx = fold(deck + 0.033 * (count - 1), 0.066, 0, count - 1)
        pin = union(oval(dx, s.y - y, 0.022, 0.05), oval(dx, s.y - y - 0.066, 0.015, 0.028))
        s.fill(pin, "light", bevel=0.03)
    s.fill(s.box(0.0, 0.42, 1.4, 0.20), "accent", bevel=0.03)
    s.fill(oval(fold(s.x, 0.5), s.y - 0.42, 0.12, 0.12), "second", bevel=0.03)
    s.fill(oval(fold(s.x, 0.5), s.y - 0.42, 0.06, 0.06), "light", bevel=0.03)
    s.fill(block(fold(s.x - 0.25, 0.5), s.y - 0.82, 0.18, 0.12), "dark", bevel=0.03)
    s.fill(block(fold(s.x - 0.25, 0.5), s.y - 0.82, 0.15, 0.09), "second", bevel=0.01)
    on, y = (1.5 * r() - 0.5).round() * step, r(-0.8, -0.45)
    x = vx + on * (horizon - y)
    size = 0.10 * (horizon - y)
    s.fill(s.circle(x, y + size, size), "accent", bevel=0.12)
    for dx, dy in ((-0.25, 0.3), (0.15, 0.4), (-0.02, 0.05)):
        s.fill(s.circle(x + dx * size, y + (1 + dy) * size, 0.14 * size), "dark", tone=0.5, bevel=0.02)


def game_room(s: Sketch, r: Chance) -> None:
    """A billiard table with balls under a lamp, a dartboard and a rack of cues on the wall."""
    room(s, r, 0.84)
    x, y = -0.45 + r(-0.06, 0.06), 0.24
    for radius, paint in (
        (0.19, "dark"),
        (0.15, "light"),
        (0.11, "accent"),
        (0.07, "light"),
        (0.03, "accent"),
    ):
        s.fill(s.circle(x, y, radius), paint, bevel=0.02)
    x = 0.48 + r(-0.06, 0.06)
    s.fill(s.box(x, 0.14, 0.20, 0.30), "dark", bevel=0.03)
    cues = fold(s.x - s.at(x), 0.10, -1, 1)
    s.fill(block(cues, s.y - 0.14, 0.016, 0.26), "light", bevel=0.03)
    legs = union(*(s.trapezoid(x, -0.84, 0.05, 0.08, 0.14) for x in (-0.62, 0.62)))
    s.fill(legs, "body", tone=0.7, bevel=0.05)
    s.fill(s.box(0.0, -0.68, 0.80, 0.09, corner=0.03), "body", tone=0.8, bevel=0.04)
    s.fill(s.trapezoid(0.0, -0.42, 0.82, 0.60, 0.22), "body", bevel=0.04)
    s.fill(s.trapezoid(0.0, -0.42, 0.70, 0.52, 0.165), "second", bevel=0.02)
    corner = union(*(s.ellipse(x, y, 0.055, 0.03) for x, y in POCKETS))
    s.fill(corner, "dark", tone=0.5, bevel=0.02)
    s.fill(s.capsule(r(-0.6, -0.2), -0.50, r(0.2, 0.45), r(-0.48, -0.30), 0.02, 0.008), "light", bevel=0.02)
    for k in range(6):
        ball = s.circle(-0.4 + 0.16 * k + r(-0.05, 0.05), r(-0.53, -0.30), 0.042)
        s.fill(ball, ("accent", "light", "dark")[k % 3], bevel=0.05)
    s.fill(block(s.x.abs() - 0.34, s.y - 0.9, 0.010, 0.32), "dark", bevel=0.02)
    s.fill(s.box(0.0, 0.60, 0.50, 0.02), "dark", bevel=0.02)
    shade = fold(s.x, 0.34, -1, 1)
    cone = torch.maximum(shade.abs() - (0.66 - s.y) * 0.75, (s.y - 0.51).abs() - 0.09)
    s.fill(cone, "accent", bevel=0.06)


def movie_theater(s: Sketch, r: Chance) -> None:
    """A screen between curtains, rows of seats before it."""
    s.fill(s.box(0.0, 0.0, 1.3, 1.3), "dark", bevel=0.02)
    s.fill(s.box(0.0, 0.36, 0.68, 0.40), "second", bevel=0.03)
    screen = s.box(0.0, 0.36, 0.62, 0.34)
    s.fill(screen, "light", tone=1.1, bevel=0.01)
    hill = s.ellipse(r(-0.5, 0.5), 0.0, 0.9, r(0.14, 0.28))
    s.fill(torch.maximum(screen, hill), "light", tone=0.7, bevel=0.02)
    folds = (s.x * 45).sin() * 0.02
    for sign in (-1.0, 1.0):
        drape = s.polygon([(sign * 0.70, 1.2), (sign * 1.4, 1.2), (sign * 1.4, -0.15), (sign * 0.76, -0.15)])
        s.fill(drape, "accent", bevel=0.03)
        s.fill(torch.maximum(drape, folds), "accent", tone=0.7, bevel=0.02)
    swag = torch.minimum(oval(fold(s.x, 0.36), s.y - 0.92, 0.18, 0.11), s.box(0.0, 1.2, 1.4, 0.28))
    s.fill(swag, "accent", tone=0.85, bevel=0.06)
    s.fill(s.box(0.0, -0.12, 1.4, 0.06), "second", bevel=0.03)
    shift = r(-0.1, 0.1)
    for k, (y, hw) in enumerate(((-0.26, 0.085), (-0.44, 0.115), (-0.68, 0.155), (-1.0, 0.21))):
        dx = fold(s.x + s.at(shift) + 1.1 * hw * k, 2.2 * hw)
        s.fill(s.box(0.0, y - 0.9 * hw, 1.4, 1.0 * hw), "dark", tone=0.6, bevel=0.02)
        s.fill(
            rounded(dx, s.y - y + 0.35 * hw, 0.92 * hw, 1.1 * hw, 0.4 * hw),
            "body",
            tone=0.7 + 0.1 * k,
            bevel=0.03,
        )
        s.fill(
            rounded(dx, s.y - y + 0.25 * hw, 0.62 * hw, 0.75 * hw, 0.3 * hw),
            "second",
            tone=0.7 + 0.1 * k,
            bevel=0.03,
        )
