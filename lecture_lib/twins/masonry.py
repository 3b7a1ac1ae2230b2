"""Fronts of buildings: walls of stones, windows, ornaments and roofs, every individual with details of its own.

A front is a plane with metres as coordinates, x along the wall from the building's corner and y up. It is drawn once
an individual, as a sheet [6, h, w] at PPM pixels a metre: colour (3, in [0, 1]), slope of its relief to the right and
up (2) and cover (1). What repeats within a front (windows, balusters, tiles, ornaments of a frieze) repeats exactly,
but for the tone of single stones and panes; that is what makes bursts of equal features. What no other individual has
are its stones' tones, its weathering, its ornaments and which bays are blind: those repeat in all its pictures.

Windows are a fifth to a third of their bay to each side; see `styles` for what a building's fronts share.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins import leaves
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.repeats import block, fold, pointed
from lecture_lib.twins.styles import ARCHES, Look, Random

PPM = 22  # pixels a metre of a sheet
OVER = 2.6  # metres of a front above its eaves: gables, battlements, balusters


class Sheet:
    """One front in the making: colour [3, h, w], relief [h, w] in metres, cover [h, w]; x [1, w] and y [h, 1]."""

    def __init__(self, width: float, height: float, colour: Tensor):
        w, h = round(width * PPM), round(height * PPM)
        self.x = (torch.arange(w) + 0.5)[None] / PPM
        self.y = height - (torch.arange(h) + 0.5)[:, None] / PPM
        self.colour = colour[:, None, None].repeat(1, h, w)
        self.relief, self.cover = torch.zeros(h, w), torch.ones(h, w)

    def fill(self, d: Tensor, colour: Tensor | None, relief: float, add: bool = False) -> None:
        """Lay a part with distance field d [h, w], negative inside; without a colour it only stands out."""
        a = (0.5 - d * PPM).clamp_(0, 1)
        if colour is not None:
            colour = colour if colour.ndim == 3 else colour[:, None, None]
            self.colour.lerp_(colour.expand_as(self.colour), a)
        if add:
            self.relief += relief * a
        else:
            self.relief.lerp_(torch.full_like(a, relief), a)

    def band(self, low: float, high: float) -> Sheet:
        """The rows between two heights in metres, which share their pixels with the sheet."""
        rows = slice(*((self.y[:, 0] > edge).sum().item() for edge in (high, low)))
        part = copy.copy(self)
        part.y, part.relief, part.cover = self.y[rows], self.relief[rows], self.cover[rows]
        part.colour = self.colour[:, rows]
        return part

    def cut(self, d: Tensor) -> None:
        """Take away what is outside of d."""
        self.cover *= (0.5 - d * PPM).clamp_(0, 1)

    def blocks(self, random: Random, course: float, stone: float, uneven: float) -> None:
        """Stones in courses, each of its own tone, with mortar between them."""
        rows = (self.y / course).floor().long()
        tones = random.uniform(-1, 1, (int(rows.max()) + 2, int(self.x.max() / stone) + 3))
        shift = torch.from_numpy(random.uniform(0, 0.4, len(tones)) + 0.5 * (np.arange(len(tones)) % 2))
        along = self.x / stone + shift.float()[rows[:, 0], None]
        tone = torch.from_numpy(tones.astype(np.float32))[rows.expand_as(along), along.long()]
        self.colour *= 1 + uneven * tone
        edge = torch.minimum(fold(self.y, course).abs(), fold(along, 1.0).abs() * stone)
        joint = (1 - edge / 0.05).clamp_(0, 1)
        self.colour *= 1 - 0.15 * joint
        self.relief -= 0.03 * joint

    def weather(self, random: Random, strength: float) -> None:
        """A piece of dead leaves over all of it, and dirt from below or above."""
        r = Chance(torch.tensor([int(random.integers(2**62))]))
        h, w = self.cover.shape
        piece = leaves.sample(r, r(50, 110), w, h, tints=False)[0, 0]
        self.colour *= 1 + strength * (piece - 0.5)
        self.colour *= 1 + random.uniform(-0.35, 0.35) * (self.y / self.y.max() - 0.5)

    def finish(self) -> Tensor:
        """The sheet [6, h, w]."""
        slope = torch.zeros(2, *self.cover.shape)
        slope[0, :, 1:-1] = (self.relief[:, 2:] - self.relief[:, :-2]) * (PPM / 2)
        slope[1, 1:-1] = (self.relief[:-2] - self.relief[2:]) * (PPM / 2)
        return torch.cat([self.colour.clamp(0.02, 1), slope.clamp_(-2, 2), self.cover[None]])


def opening(dx: Tensor, dy: Tensor, hw: float, hh: float, arch: str) -> Tensor:
    """The field of a window from offsets to its middle; its half sizes without the arch."""
    if arch == "pointed":
        return pointed(dx, dy, -hh, hh - hw, hw)
    box = block(dx, dy, hw, hh)
    if arch == "round":
        head = (dx * dx + (dy - hh + hw) ** 2).sqrt() - hw
        return torch.where(dy > hh - hw, head, box)
    return box


def front(random: Random, look: Look, width: float, height: float, over: float = OVER) -> Tensor:
    """A front [6, h, w] of a wall `width` x `height` metres, with `over` metres above it for what tops it."""
    s = Sheet(width, height + over, look.wall)
    s.blocks(random, look.course, look.stone, look.uneven)
    s.weather(random, random.uniform(0.5, 1.1))
    bays, storeys = max(1, round(width / look.bay)), max(1, round((height - 0.8) / look.storey))
    pitch, rise = width / bays, (height - 0.8) / storeys
    which = (s.x / pitch).long().clamp(max=bays - 1)
    dx = s.x - (which + 0.5) * pitch
    door = int(random.integers(bays))
    if look.pilasters and bays > 1:
        at = fold(s.x, pitch, 0, bays)
        shaft = block(at, s.y - (height + rise) / 2, 0.2, (height - rise) / 2)
        s.fill(shaft, look.trim * 0.95, 0.18)
        flute = block(fold(at, 0.1, -1, 1), s.y - (height + rise) / 2, 0.02, (height - rise) / 2 - 0.5)
        s.fill(flute, None, -0.05, True)
        s.fill(block(at, s.y - height + 0.35, 0.3, 0.22), look.trim, 0.28)
    for k in range(storeys):
        _storey(s.band(k * rise - 0.3, (k + 1) * rise + 0.3), random, look, k, rise, pitch, which, dx, door)
    s.fill(block(s.x - width / 2, s.y - 0.35, width, 0.35), look.trim * 0.7, 0.12)  # plinth
    if look.quoins:
        odd = fold(s.y, 2 * look.course).abs() < look.course / 2
        for at in (0.0, width):
            s.fill(block(s.x - at, s.y - height / 2, 0.45, height / 2) + 0.18 * odd, look.trim, 0.08)
    _frieze(s.band(height - 1.2, height + 0.5), random, look, height, width)
    _crown(s, random, look, height, width, over)
    if look.railing:
        bars = block(fold(s.x, 0.3), s.y - 0.7, 0.035, 0.65)
        bars = torch.minimum(bars, block(s.x - width / 2, fold(s.y - 0.3, 0.9, 0, 1), width, 0.04))
        s.fill(bars, torch.tensor([0.07, 0.08, 0.08]), 0.2)
    return s.finish()


def _storey(
    s: Sheet,
    random: Random,
    look: Look,
    k: int,
    rise: float,
    pitch: float,
    which: Tensor,
    dx: Tensor,
    door: int,
) -> None:
    """The windows of storey k, `rise` metres high; dx: offsets from the middles of bays, `which` are those."""
    y0 = k * rise
    arch = ARCHES[look.style][random.integers(len(ARCHES[look.style]))]
    hw, hh = pitch * random.uniform(0.19, 0.32), rise * random.uniform(0.27, 0.36)
    middle = y0 + rise * 0.52
    dy = s.y - middle
    kinds = torch.from_numpy(random.choice(3, int(which.max()) + 1, p=(0.78, 0.12, 0.10)))[
        which
    ]  # blind, ornament
    tone = torch.from_numpy(random.uniform(0.4, 1.8, (2, int(which.max()) + 1)).astype(np.float32))
    hole = opening(dx, dy, hw, hh, arch)
    frame, sill = random.uniform(0.08, 0.22), random.uniform(0.06, 0.14)
    s.fill(hole - frame, look.trim * random.uniform(0.8, 1.05), 0.08)
    s.fill(block(dx, dy + hh + frame, hw + 0.25, sill), look.trim, 0.2)
    if random.random() < 0.45:  # a lintel or a small pediment over the window
        up = dy - hh - frame - 0.12
        head = block(dx, up, hw + 0.3, 0.09)
        if random.random() < 0.5:
            head = torch.maximum(up - 0.5 * (hw + 0.35 - dx.abs()), -0.05 - up)
        s.fill(head, look.trim, 0.22)
    pane = (0.10 + 0.12 * tone[0][which]) * (1 + 0.5 * dy / rise)  # glass mirrors some of the sky
    s.fill(hole, torch.stack([pane * 0.85, pane * 0.95, pane * 1.1]), -0.2)
    nx, ny = int(random.integers(1, 4)), int(random.integers(1, 5))
    bar = torch.minimum(fold(dx + hw, 2 * hw / nx).abs() - 0.035, fold(dy + hh, 2 * hh / ny).abs() - 0.035)
    bars = look.trim if random.random() < 0.6 else look.wood
    s.fill(torch.maximum(bar, hole), bars, -0.12)
    blind = torch.where(kinds == 1, hole, torch.tensor(1.0))
    s.fill(blind, look.wall * random.uniform(0.75, 1.1), -0.08)
    sheet = torch.from_numpy(random.integers(0, 4, int(which.max()) + 1))[which]
    side = min(hw, hh) * 1.05
    panel = torch.where(kinds == 2, block(dx, dy, side * 1.15, side * 1.15), torch.tensor(1.0))
    _ornament(
        s, look, torch.where(kinds == 2, block(dx, dy, hw + frame, hh + frame), torch.tensor(1.0)), None
    )
    _ornament(s, look, panel, (dx / side, dy / side, sheet))
    if random.random() < 0.3 and look.style in ("townhouse", "palace"):  # shutters
        leaf = block(dx.abs() - hw - 0.32, dy, 0.26, hh)
        s.fill(torch.where(kinds == 0, leaf, torch.tensor(1.0)), look.wood, 0.06)
        slats = torch.maximum(leaf + 0.05, fold(dy, 0.16).abs() - 0.04)
        s.fill(torch.where(kinds == 0, slats, torch.tensor(1.0)), look.wood * 0.6, 0.03)
    if k and random.random() < 0.3:  # balcony rails
        rail = torch.minimum(
            block(fold(dx, 0.2), dy + hh - 0.35, 0.03, 0.4), block(dx, dy + hh - 0.78, 9, 0.04)
        )
        s.fill(torch.maximum(rail, block(dx, dy, hw + 0.2, hh + 0.3)), torch.tensor([0.08, 0.08, 0.09]), 0.15)
    if k == 0:
        tall = min(rise * 0.82, 3.4)
        gate = opening(dx, s.y - tall / 2, pitch * 0.3, tall / 2, arch) + 9 * (which != door)
        s.fill(gate - 0.3, look.trim, 0.15)
        s.fill(gate, look.wood, -0.25)
        boards = torch.maximum(fold(dx, 0.5).abs() - 0.2, fold(s.y, 0.8).abs() - 0.33)
        s.fill(torch.maximum(gate + 0.1, -boards), look.wood * 0.55, -0.2)
    if k and random.random() < 0.75:
        s.fill(block(s.x, s.y - y0, 99, random.uniform(0.08, 0.2)), look.trim, 0.15)


def _ornament(s: Sheet, look: Look, where: Tensor, at: tuple[Tensor, Tensor, Tensor] | None) -> None:
    """Lay a panel of relief where `where` is negative; at: x, y in [-1, 1] and which of the building's ornaments."""
    if at is None:
        s.fill(where, look.wall * 0.9, 0.0)
        return
    x, y, sheet = torch.broadcast_tensors(*at)
    depth = (sheet.float() + 0.5) / 2 - 1
    grid = torch.stack([x.clamp(-1, 1), y.clamp(-1, 1), depth], 2)[None, None]
    bank = look.ornaments[None, None]
    height = F.grid_sample(bank, grid, align_corners=False, padding_mode="border")[0, 0, 0]
    tone = 0.55 + 0.5 * height
    s.fill(where, look.trim[:, None, None] * tone, 0.0)
    s.relief += 0.12 * height * (0.5 - where * PPM).clamp(0, 1)


def _frieze(s: Sheet, random: Random, look: Look, height: float, width: float) -> None:
    """The band below the eaves: one ornament over and over, or dentils; then the cornice."""
    tall = random.uniform(0.45, 0.8)
    band = block(s.x - width / 2, s.y - height + 0.2 + tall / 2, width, tall / 2)
    if random.random() < 0.6:
        which = torch.full_like(s.x, float(random.integers(4))).long()
        _ornament(
            s, look, band, (fold(s.x, tall) * 2 / tall, (s.y - height + 0.2 + tall / 2) * 2 / tall, which)
        )
    elif random.random() < 0.6:
        s.fill(torch.maximum(band, fold(s.x, tall * 0.7).abs() - tall * 0.2), look.trim, 0.2)
    s.fill(block(s.x - width / 2, s.y - height, width, 0.2), look.trim, 0.35)


def _crown(s: Sheet, random: Random, look: Look, height: float, width: float, over: float) -> None:
    """What is above the eaves, cut out of the sheet."""
    up = s.y - height
    if look.top == "battlements":
        pitch, tall = random.uniform(1.0, 1.6), random.uniform(0.9, 1.3)
        teeth = torch.maximum(fold(s.x, pitch).abs() - pitch * 0.28, up - tall)
        s.cut(torch.minimum(up - tall / 2, teeth))
        s.fill(block(s.x, up - tall / 2, 99, 0.07), look.trim, 0.1)
    elif look.top == "balusters":
        post = torch.minimum(
            fold(s.x, 0.45).abs() - 0.08 - 0.06 * (1 - (up * 2 - 1) ** 2), fold(s.x, 3.6).abs() - 0.3
        )
        rail = torch.minimum(up - 0.2, (up - 1.1).abs() - 0.1)
        s.fill(0.2 - up, look.trim, 0.0)
        s.cut(torch.maximum(torch.minimum(rail, post), up - 1.2))
    elif look.top in ("gables", "pediment"):
        n = 1 if look.top == "pediment" else max(1, round(width / random.uniform(3.5, 6)))
        pitch = width / n
        at = (s.x - (s.x / pitch).floor() * pitch - pitch / 2).abs()
        tall = min(over - 0.15, pitch * 0.5)
        slant = up - tall * (1 - at / (pitch / 2))
        s.cut(slant)
        s.fill((slant + 0.12).abs() - 0.13, look.trim, 0.15)
        round_ = (at * at + (up - tall * 0.4) ** 2).sqrt() - tall * 0.2
        s.fill(round_.abs() - 0.1, look.trim, 0.1)
        s.fill(round_ + 0.05, torch.tensor([0.12, 0.13, 0.16]), -0.1)
    else:
        s.cut(up - 0.2)


def roof(random: Random, look: Look, width: float, length: float, narrow: float) -> Tensor:
    """A slope [6, h, w] of tiles, `length` metres up, `narrow` metres narrower at the top on either side; dormers."""
    s = Sheet(width, length, look.roof)
    s.blocks(random, 0.35, 0.4, 0.18)
    s.weather(random, random.uniform(0.3, 0.7))
    n = int(random.integers(1, 5))
    if length > 2.6 and width - 2 * narrow > 3 and random.random() < 0.7:
        room = width - 2 * narrow
        dx = fold(s.x - narrow - room / n / 2, room / n, 0, n - 1)
        s.fill(block(dx, s.y - 1.3, 0.75, 0.85), look.trim, 0.3)
        s.fill(torch.maximum(s.y - 2.15 - 0.7 * (0.95 - dx.abs()), 2.1 - s.y), look.roof * 0.7, 0.3)
        s.fill(block(dx, s.y - 1.3, 0.5, 0.65), torch.tensor([0.15, 0.17, 0.2]), 0.1)
        s.fill(torch.maximum(block(dx, s.y - 1.3, 0.5, 0.65), -(dx.abs() - 0.04)), look.trim, 0.1)
    lean = narrow / length
    s.cut(torch.maximum(lean * s.y - s.x, s.x - width + lean * s.y))
    return s.finish()
