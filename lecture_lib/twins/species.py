"""The twin of CUB-200-2011: one bird a picture, of a species, with its box and part points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lecture_lib.twins import anatomy, skeleton
from lecture_lib.twins.backdrop import cast_shadow, column, expose, noise
from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.frames import Pose, Window
from lecture_lib.twins.paints import hsv
from lecture_lib.twins.studio import lamp, vary
from lecture_lib.twins.world import CHUNK, on_all_cores, runs

# family -> its build, in the order of skeleton.BUILD
FAMILIES = {
    #              plump  lean  head  bill depth curve crest  legs  wing  tail   fan  fork  cock
    "gull":        (0.35, 0.05, 0.40, 0.40, 0.40, 0.20, 0.00, 0.40, 0.85, 0.15, 0.45, 0.25, 0.00),
    "jay":         (0.40, 0.35, 0.50, 0.30, 0.40, 0.00, 0.75, 0.35, 0.15, 0.75, 0.55, 0.10, 0.00),
    "kingfisher":  (0.60, 0.55, 1.00, 0.85, 0.65, 0.00, 0.35, 0.00, 0.20, 0.15, 0.35, 0.25, 0.00),
    "finch":       (0.75, 0.40, 0.70, 0.20, 0.90, 0.00, 0.00, 0.20, 0.15, 0.35, 0.40, 0.50, 0.00),
    "tern":        (0.05, 0.00, 0.25, 0.55, 0.18, 0.00, 0.00, 0.00, 1.00, 0.70, 0.55, 0.90, 0.00),
    "thrasher":    (0.25, 0.25, 0.35, 0.60, 0.20, 0.80, 0.00, 0.60, 0.05, 1.00, 0.60, 0.00, 0.00),
    "warbler":     (0.50, 0.20, 0.50, 0.15, 0.12, 0.00, 0.00, 0.35, 0.25, 0.40, 0.25, 0.35, 0.00),
    "woodpecker":  (0.35, 0.90, 0.50, 0.55, 0.40, 0.00, 0.00, 0.05, 0.35, 0.40, 0.30, 0.00, 0.00),
    "wren":        (0.95, 0.15, 0.55, 0.35, 0.08, 0.50, 0.00, 0.45, 0.00, 0.20, 0.30, 0.10, 1.00),
}  # fmt: skip
# species -> its marks, and where its build departs from its family's
SPECIES = {
    "Band tailed Gull": ("ended tips", {}),
    "Hooded Gull": ("hood tips", {}),
    "Ringed Gull": ("collar tips", {}),
    "Slender billed Gull": ("tips", {"bill": 0.85, "depth": 0.10}),
    "Bar tailed Jay": ("barred collar", {}),
    "Bearded Jay": ("bib bars", {}),
    "Crested Jay": ("hood", {"crest": 1.00}),
    "Scrub Jay": ("mask", {"crest": 0.00}),
    "Belted Kingfisher": ("band", {}),
    "Pied Kingfisher": ("mask ladder", {}),
    "Ringed Kingfisher": ("cap collar", {}),
    "Tufted Kingfisher": ("spots", {"crest": 1.00}),
    "Bibbed Finch": ("bib ended", {}),
    "Capped Finch": ("cap bars", {}),
    "Masked Finch": ("mask patch", {}),
    "Streaked Finch": ("streaks", {}),
    "Capped Tern": ("cap", {}),
    "Crested Tern": ("cap", {"crest": 0.80}),
    "Least Tern": ("stripe", {"tail": 0.30, "fork": 0.50, "bill": 0.30}),
    "Masked Tern": ("mask tips", {}),
    "Crescent billed Thrasher": ("bib", {"curve": 1.00, "bill": 0.90}),
    "Spotted Thrasher": ("spots bars", {}),
    "Straight billed Thrasher": ("stripe barred", {"curve": 0.00, "bill": 0.35}),
    "Streaked Thrasher": ("streaks ended", {}),
    "Barred Warbler": ("stripe bars", {}),
    "Hooded Warbler": ("hood patch", {}),
    "Masked Warbler": ("mask", {}),
    "Necklaced Warbler": ("band", {}),
    "Crested Woodpecker": ("mask", {"crest": 1.00}),
    "Ladder backed Woodpecker": ("cap ladder", {}),
    "Long billed Woodpecker": ("hood", {"bill": 0.95}),
    "Spotted Woodpecker": ("spots patch", {}),
    "Barred Wren": ("ladder barred", {}),
    "Long billed Wren": ("bib", {"bill": 0.80}),
    "Long tailed Wren": ("stripe", {"tail": 0.80}),
    "Spotted Wren": ("spots", {}),
}
CLASSES = tuple(SPECIES)
GROUPS = tuple(name.split()[-1].lower() for name in CLASSES)  # the family, which CUB's names end in, too
SIDE = (0.35, 0.75)  # the longer side of the bird's box, in picture widths
MARGIN = 0.015  # the least room between the box and the border, in picture widths
TILT = 0.22  # radians
_SIDES = {"left": "right", "right": "left"}
OTHER_SIDE = [  # where in skeleton.PARTS the same part of the bird's other side is
    skeleton.PARTS.index(" ".join(_SIDES.get(word, word) for word in name.split())) for name in skeleton.PARTS
]


def draw(names: Sequence[str], keys: Tensor, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw pictures of one bird each, picture i of the species names[i].

    keys: int64 [N], decide all but the species; size: pixels
    returns pictures uint8 [N, 3, size, size]; boxes float32 [N, 4] as in `Boxes`; part points float32 [N, 15, 3] in
    the order of skeleton.PARTS: x, y in pixels and 1, or 0, 0, 0 where the bird turns that part away
    """
    pictures = np.empty((len(names), 3, size, size), np.uint8)
    boxes = np.empty((len(names), 4), np.float32)
    points = np.empty((len(names), len(skeleton.PARTS), 3), np.float32)

    def work(rows: np.ndarray) -> None:
        part = [names[i] for i in rows]
        pictures[rows], boxes[rows], points[rows] = _draw_chunk(part, keys[rows], size)

    # Like beside like: marks that none wears are skipped, and birds of a size share a window of that size.
    order = np.lexsort((_longer_side(keys).numpy(), np.asarray(names)))
    chunks = runs(len(names), max(1, CHUNK * 64 * 64 // size**2))
    on_all_cores(work, [order[chunk] for chunk in chunks])
    return pictures, boxes, points


def genes(names: Sequence[str]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Builds (each of skeleton.BUILD in [0, 1]) and marks (each of anatomy.MARKS, 0 or 1), float32 [B]."""
    family = [dict(zip(skeleton.BUILD, FAMILIES[name.split()[-1].lower()], strict=True)) for name in names]
    builds = [build | SPECIES[name][1] for build, name in zip(family, names, strict=True)]
    marks = [SPECIES[name][0].split() for name in names]
    return (
        {gene: torch.tensor([build[gene] for build in builds]) for gene in skeleton.BUILD},
        {mark: torch.tensor([float(mark in worn) for worn in marks]) for mark in anatomy.MARKS},
    )


def _longer_side(keys: Tensor) -> Tensor:
    """The longer side of each bird's box [N], in picture widths."""
    return Chance(keys, 4)(*SIDE)


def _draw_chunk(names: Sequence[str], keys: Tensor, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    build, marks = genes(names)
    r = Chance(keys, 3)
    bird = skeleton.grow(vary(build, r, 0.25), r)
    pose, corner, side = place(bird, _longer_side(keys), r, size)
    picture = scene(keys, Window.square(size), *perch_point(bird, pose))
    light, shadow = lamp(r), r(0.05, 0.35)

    near = replace(
        pose,
        x=(pose.x * size - corner[:, 0]) / side,
        y=(pose.y * size - corner[:, 1]) / side,
        scale=pose.scale * (size / side),
    )
    sketch = Sketch(Window.square(side), anatomy.plumage(r), r, near)
    anatomy.draw(sketch, bird, marks)
    line = torch.arange(side)
    at = (
        torch.arange(len(keys))[:, None, None],
        (corner[:, 1:] + line)[:, :, None],
        (corner[:, :1] + line)[:, None],
    )
    cover = torch.zeros(len(keys), size, size)
    cover[at] = sketch.cover
    picture = cast_shadow(picture, cover, light, shadow).movedim(1, 3).contiguous()
    colour = sketch.shade(light, 0.4 * r() ** 2).movedim(1, 3)
    picture[at] = torch.lerp(picture[at], colour, sketch.cover[..., None])
    picture = expose(picture.movedim(3, 1), Chance(keys, 5), Window.square(size))
    return picture.numpy(), bounds(cover), locate(bird, pose, size)


def place(bird: skeleton.Bird, longer: Tensor, r: Chance, size: int) -> tuple[Pose, Tensor, int]:
    """Draw where birds stand: the side and the place of their boxes are drawn at random, the same for all species.

    longer: the longer side of each box, in picture widths
    returns poses, and a square window on each bird: its corner int64 [B, 2] and its side in pixels, one for all
    """
    one = torch.ones(len(r))
    pose = Pose(
        x=0 * one, y=0 * one, scale=one, angle=r(-TILT, TILT), mirror=1 - 2 * r.chance(0.5), stretch=one,
        shear=0 * one,
    )  # fmt: skip
    x, y, radius = skeleton.outline(bird)
    discs, radius = torch.stack(pose.to_picture(x, y), 2), radius[:, :, None]
    low, high = (discs - radius).amin(1), (discs + radius).amax(1)
    scale = longer / (high - low).amax(1)
    extent = scale[:, None] * (high - low)
    start = MARGIN + torch.stack([r(), r()], 1) * (1 - 2 * MARGIN - extent)
    origin = start - scale[:, None] * low
    side = min(size, math.ceil(float(longer.max() + MARGIN) * size))
    corner = ((start + extent / 2) * size - side / 2).round().long().clamp(0, size - side)
    return replace(pose, scale=scale, x=origin[:, 0], y=origin[:, 1]), corner, side


def locate(bird: skeleton.Bird, pose: Pose, size: int) -> np.ndarray:
    """Part points float32 [B, 15, 3] in pixels, in the order of skeleton.PARTS."""
    points = skeleton.parts(bird)
    unseen = (torch.zeros(len(pose.x)),) * 2
    x, y = (torch.stack(c, 1) for c in zip(*(points.get(p, unseen) for p in skeleton.PARTS), strict=True))
    u, v = pose.to_picture(x, y)
    seen = torch.tensor([float(name in points) for name in skeleton.PARTS])
    looks_right = torch.stack([u * size, v * size, torch.ones_like(u)], 2) * seen[:, None]
    return torch.where(pose.mirror.view(-1, 1, 1) > 0, looks_right, looks_right[:, OTHER_SIDE]).numpy()


def bounds(cover: Tensor) -> np.ndarray:
    """Tight boxes float32 [B, 4] of the pixels of which the bird covers more than a quarter."""
    seen = cover > 0.25
    ends = []
    for axis in (1, 2):  # columns, then rows
        hit = seen.any(axis).to(torch.uint8)
        ends += [hit.argmax(1), hit.shape[1] - hit.flip(1).argmax(1)]
    x0, x1, y0, y1 = ends
    return torch.stack([x0, y0, x1, y1], 1).float().numpy()


def perch_point(bird: skeleton.Bird, pose: Pose) -> tuple[Tensor, Tensor, Tensor]:
    """Where the twig under the feet passes, in picture coordinates, and half its thickness; each [B]."""
    (far_x, level), (near_x, _) = bird.legs[0][2], bird.legs[1][2]
    half = 0.055
    u, v = pose.to_picture(((far_x + near_x) / 2)[:, None], (level - half)[:, None])
    return u[:, 0], v[:, 0], half * pose.scale


def scene(keys: Tensor, window: Window, x: Tensor, y: Tensor, half: Tensor) -> Tensor:
    """Foliage out of focus, twigs and leaves, and the twig to perch on: [B, 3, H, W] in [0, 1]."""
    r = Chance(keys, 1)
    hue, value = r(), r(0.25, 0.9)
    far = hsv(hue, r(0.05, 0.6), value)[:, :, None, None]
    near = hsv(hue + r(-0.2, 0.2), r(0.05, 0.6), (value + r(-0.4, 0.4)).clamp(0.1, 1))[:, :, None, None]
    mix = 0.6 * noise(r, window, 3) + 0.4 * noise(r, window, 9)
    picture = torch.lerp(far, near, (0.5 + (mix - 0.5) * column(r(0.8, 2.2))).clamp(0, 1)[:, None])
    r = Chance(keys, 2)
    for _ in range(2):
        picture = branch(picture, r, window, r(), r(), r(0.006, 0.02), r(0, math.pi), r(0.008, 0.04))
    return branch(picture, r, window, x, y, half, r(-0.3, 0.3), 0.2 * half)


def branch(
    picture: Tensor,
    r: Chance,
    window: Window,
    x: Tensor,
    y: Tensor,
    half: Tensor,
    angle: Tensor,
    blur: Tensor,
) -> Tensor:
    """Lay a twig with pairs of leaves over the picture, through (x, y); half: its half thickness, blur: of edges."""
    u, v = window.axes()
    dx, dy = u - column(x), column(y) - v
    cos, sin = column(angle.cos()), column(angle.sin())
    along, across = cos * dx + sin * dy, cos * dy - sin * dx
    soft, half = column(blur + 1.0 / window.width), column(half)
    bark = hsv(r(0.03, 0.12), r(0.2, 0.6), r(0.2, 0.65))[:, :, None, None]
    gap = across.abs() - half
    lit = (across * (0.3 / half)).clamp_(-0.3, 0.3).add_(0.85)
    picture = torch.lerp(picture, bark * lit[:, None], (0.5 - gap / soft).clamp_(0, 1)[:, None])

    long, turn = column(r(0.05, 0.11)), column(r(0.6, 1.1))
    wide, cos, sin = 0.4 * long, turn.cos(), turn.sin()
    step = 2 * (long * cos + wide * sin) + 2 * soft  # as much as a leaf needs
    number = (along / step).floor_()
    there = (number * 12.9898 + column(r(0, 6.3))).sin_() > -0.2
    t, w = along.sub_((number + 0.5) * step), gap.sub_(long * sin)
    a, b = t * (cos / long) + w * (sin / long), w * (cos / wide) - t * (sin / wide)
    leaf = (a * a + b.abs()).sqrt_() - 1  # pointed at both ends
    green = hsv(r(0.12, 0.42), r(0.25, 0.75), r(0.25, 0.75))[:, :, None, None]
    lit = (b * (0.44 * wide / soft)).clamp_(-0.22, 0.22).add_(1)  # a fold along the middle
    return torch.lerp(
        picture, green * lit[:, None], ((0.5 - leaf * (wide / soft)).clamp_(0, 1) * there)[:, None]
    )
