"""The grounds of shops, rooms and workplaces: the scenes without the things that stand in them.

As in `grounds`, each function draws B of them; x and y (up) go from -1 to 1 across the picture, and they reach
beyond, as they are also seen from aside.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lecture_lib.twins import grounds
from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.grounds import land, room
from lecture_lib.twins.kinds.parts import union
from lecture_lib.twins.repeats import block, fold, oval


def tiles(s: Sketch, r: Chance, edge: Tensor, paint: str = "light") -> None:
    """Draw the joints of a tiled floor below the height `edge`, running to a vanishing point above it."""
    below = (s.at(edge) + 0.35 - s.y).clamp(min=0.2)
    across, away = s.x / below, 1 / below
    joints = torch.minimum(
        fold(across, s.at(r(0.24, 0.32))).abs() * below, fold(away, 0.22).abs() * below * below
    )
    s.fill(torch.maximum(joints - 0.012, s.y - s.at(edge)), paint, tone=0.7, bevel=0.01)


def bakery(s: Sketch, r: Chance) -> None:
    """Loaves on shelves, a counter with buns behind glass, a scalloped awning."""
    land(s, r, -0.97, -0.87, "second")
    pitch = s.at(r(0.25, 0.33))
    for y in (0.10, 0.44):
        dx, high = fold(s.x + s.at(r(-0.2, 0.2)), pitch), s.at(r(0.07, 0.10))
        loaf = oval(dx, s.y - y - 0.5 * high, 0.43 * pitch, high)
        s.fill(torch.maximum(loaf, y - s.y), "accent", bevel=0.09)
        cuts = block(fold(dx + 0.4 * (s.y - y), 0.22 * pitch, -1, 1), s.y - y - high, 0.014, 0.3 * high)
        s.fill(cuts, "accent", tone=0.65, bevel=0.02)
        s.fill(s.box(0.0, y - 0.03, 1.3, 0.03), "dark", bevel=0.02)
    s.fill(s.box(0.0, -0.52, 1.3, 0.42), "body", bevel=0.02)
    s.fill(s.box(0.0, -0.36, 1.3, 0.22), "light", tone=0.95, bevel=0.02)
    for y, step in ((-0.38, 0.21), (-0.57, 0.26)):
        bun = oval(fold(s.x + s.at(r(-0.2, 0.2)), step), s.y - y - 0.02, 0.4 * step, 0.075)
        s.fill(torch.maximum(bun, y - s.y), "accent", tone=0.9, bevel=0.06)
        s.fill(s.box(0.0, y - 0.012, 1.3, 0.012), "dark", bevel=0.02)
    s.fill(block(fold(s.x, 0.7), s.y + 0.36, 0.02, 0.22), "body", tone=0.8, bevel=0.02)
    s.fill(s.box(0.0, -0.10, 1.3, 0.04), "dark", bevel=0.03)
    awning = torch.minimum(oval(fold(s.x, 0.2), s.y - 0.76, 0.1, 0.1), s.box(0.0, 1.06, 1.3, 0.3))
    s.fill(awning, "second", bevel=0.03)
    s.fill(torch.maximum(awning, fold(s.x, 0.4).abs() - 0.1), "body", bevel=0.03)


def clothing_store(s: Sketch, r: Chance) -> None:
    """A rail along the wall and a rack on the floor, both with hangers."""
    edge = land(s, r, -0.66, -0.56, "second")
    s.fill(s.box(0.0, edge, 1.3, 0.03), "body", bevel=0.02)
    s.fill(s.box(0.0, 0.68, 1.3, 0.035), "body", tone=0.9, bevel=0.03)
    s.fill(block(fold(s.x - 0.35, 0.7), s.y - 0.58, 0.025, 0.09), "dark", bevel=0.03)
    s.fill(s.capsule(-1.3, 0.5, 1.3, 0.5, 0.022), "dark", bevel=0.03)
    hooks = block(fold(s.x, s.at(r(0.09, 0.13))), s.y - 0.46, 0.008, 0.05)
    s.fill(hooks, "dark", tone=0.8, bevel=0.02)
    s.fill(s.ellipse(0.0, -0.88, 0.86, 0.07), "second", tone=0.6, bevel=0.03)
    post = block(s.x.abs() - 0.78, s.y + 0.5, 0.024, 0.38)
    foot = block(s.x.abs() - 0.78, s.y + 0.88, 0.12, 0.025)
    rail = s.capsule(-0.86, -0.12, 0.86, -0.12, 0.026)
    s.fill(union(post, foot, rail), "dark", bevel=0.03)
    hooks = block(fold(s.x, s.at(r(0.10, 0.14)), -5, 5), s.y + 0.16, 0.009, 0.05)
    s.fill(hooks, "dark", tone=0.8, bevel=0.02)


def grocery_store(s: Sketch, r: Chance) -> None:
    """An aisle between shelves of goods, signs hanging over it."""
    vx, vy = r(-0.08, 0.08), r(0.0, 0.1)
    s.fill(s.box(0.0, 0.0, 1.3, 1.3), "light", bevel=0.02)
    dx, dy = s.x - s.at(vx), s.y - s.at(vy)
    s.fill(s.box(0.0, vy - 1.4, 1.4, 1.4), "second", tone=0.9, bevel=0.01)
    side = dx.abs().clamp(min=0.1)  # along a wall, heights grow with it and steps with its square
    high, far = dy / side, 1 / side
    for tone, sign in ((0.8, -1.0), (1.0, 1.0)):
        shelf = torch.maximum(0.2 - sign * dx, (dy + 0.06 * side).abs() - 0.88 * side)
        s.fill(shelf, "dark", tone=tone, bevel=0.02)
    level, pitch = fold(high + 0.12, 0.42, -1, 1), s.at(r(0.30, 0.38))
    column = (high + 0.12).div(0.42).round()  # goods of one shelf are not above those of the next
    for k, (paint, hh) in enumerate((("body", 0.15), ("accent", 0.11), ("second", 0.13))):
        step = fold(far + 0.14 * column + pitch * k, 3 * pitch)
        wide, tall = (step.abs() - 0.44 * pitch) * side * side, ((level + 0.17 - hh).abs() - hh) * side
        s.fill(torch.maximum(torch.maximum(wide, tall), 0.21 - side), paint, bevel=0.04)
    boards = torch.maximum((fold(high + 0.33, 0.42, -1, 2).abs() - 0.03) * side, 0.2 - side)
    s.fill(boards, "light", tone=0.8, bevel=0.02)
    s.fill(s.box(vx, vy - 0.01, 0.2, 0.19), "body", tone=0.8, bevel=0.02)
    s.fill(s.box(vx, vy - 0.05, 0.11, 0.14), "accent", tone=0.8, bevel=0.02)
    for y, hw in ((0.38, 0.13), (0.64, 0.26)):
        rods = block(s.x.abs() - 0.7 * hw, s.y - y - 0.3, 0.008, 0.3)
        s.fill(rods, "dark", bevel=0.02)
        s.fill(s.box(0.0, y, hw, 0.3 * hw), "accent", bevel=0.03)
        s.fill(s.box(0.0, y, 0.7 * hw, 0.06 * hw), "light", bevel=0.01)


def laundromat(s: Sketch, r: Chance) -> None:
    """Washers below, dryers above, round doors from wall to wall."""
    edge = land(s, r, -0.72, -0.64, "second")
    tiles(s, r, edge)
    pitch, shift = s.at(r(0.40, 0.48)), s.at(r(-0.2, 0.2))
    dx = fold(s.x + shift, pitch)
    s.fill(s.box(0.0, 0.80, 1.3, 0.12), "accent", bevel=0.04)
    s.fill(block(fold(s.x, 0.8), s.y - 0.80, 0.26, 0.025), "light", bevel=0.02)
    for y, hh, paint in ((0.27, 0.29, "second"), (-0.40, 0.33, "body")):
        s.fill(block(dx, s.y - y, 0.48 * pitch, hh), paint, bevel=0.04)
        door = y - 0.06
        s.fill(oval(dx, s.y - door, 0.36 * pitch, 0.36 * pitch), "light", bevel=0.05)
        s.fill(oval(dx, s.y - door, 0.26 * pitch, 0.26 * pitch), "dark", bevel=0.04)
        top = s.y - y - hh + 0.07
        s.fill(block(dx + 0.12 * pitch, top, 0.2 * pitch, 0.035), "dark", bevel=0.02)
        s.fill(oval(dx - 0.28 * pitch, top, 0.035, 0.035), "accent", bevel=0.03)


def shoe_shop(s: Sketch, r: Chance) -> None:
    """Shelves along the wall, a mirror and a bench for trying on."""
    edge = land(s, r, -0.62, -0.52, "second")
    s.fill(s.box(0.0, edge, 1.3, 0.03), "body", bevel=0.02)
    for y in (0.56, 0.16, -0.24):
        s.fill(s.box(0.0, y - 0.03, 1.3, 0.03), "dark", bevel=0.03)
    s.fill(block(fold(s.x + s.at(r(-0.2, 0.2)), 0.9), s.y - 0.12, 0.028, 0.70), "dark", tone=0.8, bevel=0.03)
    x = r(-0.3, 0.3)
    s.fill(
        union(s.box(x - 0.34, -0.86, 0.035, 0.12), s.box(x + 0.34, -0.86, 0.035, 0.12)), "dark", bevel=0.03
    )
    s.fill(s.box(x, -0.70, 0.46, 0.07, corner=0.05), "accent", bevel=0.06)


def bathroom(s: Sketch, r: Chance) -> None:
    """A tub with a shower, a washbasin under a mirror and a water closet before tiles."""
    edge = land(s, r, -0.48, -0.40, "second")
    pitch = s.at(r(0.15, 0.20))
    joints = torch.minimum(fold(s.x, pitch).abs(), fold(s.y, pitch).abs()) - 0.007
    s.fill(torch.maximum(joints, s.at(edge) - s.y), "light", tone=0.75, bevel=0.01)
    s.fill(s.box(0.0, 0.62, 1.3, 0.03), "second", bevel=0.03)
    pipe = union(
        s.capsule(-0.95, -0.3, -0.95, 0.56, 0.018),
        s.capsule(-0.95, 0.56, -0.76, 0.6, 0.018),
        s.trapezoid(-0.74, 0.54, 0.09, 0.03, 0.05),
    )
    s.fill(pipe, "dark", bevel=0.03)
    s.fill(s.trapezoid(-0.56, -0.54, 0.36, 0.48, 0.22, corner=0.08), "body", bevel=0.15)
    feet = union(s.circle(-0.82, -0.77, 0.05), s.circle(-0.30, -0.77, 0.05))
    s.fill(feet, "dark", bevel=0.04)
    s.fill(s.box(-0.56, -0.31, 0.53, 0.045, corner=0.04), "light", bevel=0.05)
    drape = s.box(-0.15 + r(-0.08, 0.02), 0.14, 0.13, 0.56)
    s.fill(drape, "accent", bevel=0.03)
    s.fill(torch.maximum(drape, (s.x * 60).sin() * 0.02), "accent", tone=0.75, bevel=0.02)
    s.fill(s.capsule(-1.3, 0.72, 0.02, 0.72, 0.02), "dark", bevel=0.03)
    x = 0.36 + r(-0.04, 0.04)
    s.fill(s.ellipse(x, 0.28, 0.2, 0.27), "dark", bevel=0.04)
    s.fill(s.ellipse(x, 0.28, 0.165, 0.235), "light", bevel=0.01)
    s.fill(s.trapezoid(x, -0.44, 0.10, 0.06, 0.30), "body", tone=0.85, bevel=0.08)
    s.fill(s.trapezoid(x, -0.15, 0.12, 0.23, 0.09, corner=0.03), "body", bevel=0.08)
    tap = union(s.capsule(x, -0.06, x, 0.0, 0.018), s.capsule(x, 0.0, x + 0.06, -0.015, 0.018))
    s.fill(tap, "dark", bevel=0.03)
    s.fill(s.trapezoid(0.84, -0.62, 0.11, 0.15, 0.16), "body", tone=0.85, bevel=0.1)
    s.fill(s.box(0.84, -0.16, 0.17, 0.17, corner=0.03), "body", bevel=0.06)
    s.fill(s.ellipse(0.84, -0.46, 0.19, 0.085), "light", bevel=0.05)
    s.fill(s.ellipse(0.84, -0.46, 0.12, 0.045), "dark", bevel=0.03)
    s.fill(s.ellipse(0.1, -0.88, 0.42, 0.09), "accent", tone=0.8, bevel=0.03)


def staircase(s: Sketch, r: Chance) -> None:
    """A flight of stairs from the left up to the right, with banister and balusters."""
    land(s, r, -0.72, -0.62, "second")
    s.fill(s.box(-0.62, 0.34, 0.17, 0.21), "dark", bevel=0.03)
    s.fill(s.box(-0.62, 0.34, 0.13, 0.17), "accent", bevel=0.01)
    rise, run = r(0.16, 0.20), 0.22
    steps, treads = None, None
    for k in range(8):
        x, top = -0.62 + run * k, -0.82 + rise * (k + 1)
        step = s.box(x + 1.0, top - 0.9, 1.0, 0.9)
        tread = s.box(x + 0.5 * run - 0.01, top - 0.02, 0.5 * run + 0.02, 0.022)
        steps = step if steps is None else torch.minimum(steps, step)
        treads = tread if treads is None else torch.minimum(treads, tread)
    s.fill(torch.maximum(steps, -0.84 - s.y), "body", bevel=0.03)
    slope = s.at(rise / run)
    under = torch.maximum(s.y + 0.86 - slope * (s.x + 0.45), -0.76 - s.y)  # the panel below the stairs
    s.fill(torch.maximum(under, 0.012 - fold(s.x, 0.3).abs()), "second", tone=0.8, bevel=0.03)
    s.fill(treads, "light", bevel=0.03)
    rail = s.y + 0.26 - slope * (s.x + 0.62)  # height over the handrail, whose foot is at (-0.62, -0.26)
    bars = torch.maximum(fold(s.x + 0.57, 0.11).abs() - 0.016, torch.maximum(rail, -0.5 - rail))
    s.fill(torch.maximum(bars, -0.6 - s.x), "dark", bevel=0.03)
    s.fill(torch.maximum(rail.abs() / (1 + slope * slope) ** 0.5 - 0.035, -0.62 - s.x), "accent", bevel=0.04)
    s.fill(s.box(-0.64, -0.52, 0.05, 0.32), "accent", bevel=0.05)
    s.fill(s.circle(-0.64, -0.17, 0.07), "accent", bevel=0.07)


def office(s: Sketch, r: Chance) -> None:
    """A room with blinds and a desk with drawers."""
    grounds.office(s, r)
    s.fill(union(s.box(-0.50, -0.68, 0.035, 0.24), s.box(0.33, -0.66, 0.20, 0.24)), "body", bevel=0.04)
    for y in (-0.54, -0.68, -0.82):
        s.fill(s.box(0.33, y, 0.16, 0.055), "body", tone=0.8, bevel=0.03)
        s.fill(s.box(0.33, y, 0.04, 0.012), "light", bevel=0.02)
    s.fill(s.box(0.0, -0.42, 0.62, 0.04), "accent", bevel=0.04)


def computer_room(s: Sketch, r: Chance) -> None:
    """Two rows of desks before a board, strips of lamps on the ceiling."""
    room(s, r, 0.84)
    s.fill(s.box(0.0, 0.34, r(0.36, 0.48), 0.19), "dark", bevel=0.03)
    s.fill(s.box(0.0, 0.34, r(0.32, 0.34), 0.15), "accent", bevel=0.01)
    lamps = union(
        block(s.x.abs() - 0.42, s.y - 0.74, 0.20, 0.028), block(s.x.abs() - 0.52, s.y - 0.92, 0.28, 0.04)
    )
    s.fill(lamps, "dark", tone=1.2, bevel=0.02)
    for y, hw, drop in ((-0.20, 0.84, 0.22), (-0.60, 1.2, 0.32)):
        s.fill(s.box(0.0, y - 0.5 * drop, hw - 0.05, 0.5 * drop), "body", tone=0.75, bevel=0.03)
        gaps = block(fold(s.x, 0.5 * hw, -1, 1), s.y - y + 0.55 * drop, 0.17 * hw, 0.4 * drop)
        s.fill(gaps, "dark", bevel=0.03)
        s.fill(s.box(0.0, y, hw, 0.035), "body", bevel=0.03)


def greenhouse(s: Sketch, r: Chance) -> None:
    """A glass house: ribs and bars that run together, beds left and right of a path."""
    vx, vy = r(-0.08, 0.08), -0.05
    s.fill(s.box(0.0, 0.0, 1.3, 1.3), "light", bevel=0.02)
    s.fill(s.box(0.0, -1.25, 1.4, 1.0), "second", tone=0.8, bevel=0.01)
    dx, dy = s.x - s.at(vx), s.y - vy
    side = dx.abs()
    roof = (dy + 0.55 * side) / 1.14  # height over a pitched roof through the vanishing point
    house = torch.maximum(roof, 0.9 * side)  # how near a rib is
    end = torch.maximum(torch.maximum(roof - 0.42, side - 0.47), -0.2 - dy)
    ribs = fold(1 / house.clamp(min=0.3), 0.38).abs() * house * house - 0.018 * house
    s.fill(union(torch.maximum(ribs, -0.22 * house - dy)), "dark", bevel=0.03)
    for across in (0.0, 0.36, 0.72):
        bar = torch.maximum((side - across * house).abs() - 0.016 * house, 0.42 - house)
        s.fill(torch.maximum(bar, -dy), "dark", bevel=0.03)
    s.fill(end, "light", bevel=0.02)
    panes = torch.minimum(fold(dx, 0.157).abs(), fold(dy, 0.16).abs()) - 0.010
    s.fill(torch.maximum(torch.maximum(panes, end), -0.18 - dy), "dark", bevel=0.02)
    s.fill(end.abs() - 0.022, "dark", bevel=0.03)
    s.fill(
        s.polygon([(-0.5, -1.4), (0.5, -1.4), (vx + 0.09, vy - 0.2), (vx - 0.09, vy - 0.2)]),
        "accent",
        bevel=0.02,
    )
    for sign in (-1.0, 1.0):
        bed = [
            (sign * 0.46, -1.3),
            (sign * 1.6, -1.3),
            (vx + sign * 0.47, vy - 0.16),
            (vx + sign * 0.13, vy - 0.2),
        ]
        s.fill(s.polygon(bed), "body", tone=0.85, bevel=0.06)


def warehouse(s: Sketch, r: Chance) -> None:
    """Racks of crates left and right of a roll-up door, a roof on trusses."""
    edge = land(s, r, -0.55, -0.45, "second")
    s.fill(s.box(0.0, -0.08, 0.34, 0.46), "body", tone=0.8, bevel=0.04)
    ribs = torch.maximum(fold(s.y, 0.09).abs() - 0.012, s.box(0.0, -0.08, 0.31, 0.43))
    s.fill(ribs, "body", tone=0.6, bevel=0.02)
    s.fill(
        s.polygon([(-0.5, -1.3), (0.5, -1.3), (0.35, edge), (-0.35, edge)]), "second", tone=0.8, bevel=0.01
    )
    zigzag = (fold(s.x, 0.4).abs() - 0.1) * 1.4 - (s.y - 0.78)
    truss = union(
        torch.maximum(zigzag.abs() / 1.7 - 0.018, (s.y - 0.78).abs() - 0.14),
        s.box(0.0, 0.64, 1.4, 0.024),
        s.box(0.0, 0.92, 1.4, 0.024),
    )
    s.fill(truss, "dark", bevel=0.03)
    aside = s.x.abs() - 0.84
    for k, y in enumerate((-0.72, -0.28, 0.16)):
        hw, hh = r(0.11, 0.13), r(0.10, 0.14)
        dx, dy = fold(aside, s.at(2.15 * hw), -1, 1), s.y - y - s.at(hh)
        hw, hh = s.at(hw), s.at(hh)
        crate = block(dx, dy, hw, hh)
        s.fill(crate, ("accent", "light", "accent")[k], bevel=0.02)
        s.fill(crate + 0.025, ("accent", "light", "accent")[k], tone=0.7, bevel=0.02)
        brace = (dx * hh + dy * hw).abs() / torch.hypot(hw, hh) - 0.016
        s.fill(torch.maximum(brace, crate + 0.015), ("accent", "light", "accent")[k], bevel=0.02)
        s.fill(block(aside, s.y - y + 0.03, 0.42, 0.03), "dark", bevel=0.03)
    s.fill(block(aside.abs() - 0.42, s.y + 0.15, 0.028, 0.76), "dark", tone=0.8, bevel=0.03)
