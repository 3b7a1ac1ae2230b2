"""The twin of Office-31: the same classes as a catalogue shows them, and on a desk through two cameras.

What differs is what differs in Saenko et al.'s domains: ground, light, size, clutter, how many individuals there are
(a catalogue has many makes, a desk few) and the camera. Classes, their paints and from where they are seen do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins.backdrop import column, expose, textured
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.compose import Placed, draw_sprites, lay
from lecture_lib.twins.frames import Window
from lecture_lib.twins.studio import lamp
from lecture_lib.twins.world import BY_NAME, TARGET, on_all_cores, runs

SOLD = ("covering", "commodity, trade good", "plant", "furniture", "vessel", "musical instrument")
CLASSES = tuple(c.name for c in TARGET if c.group in SOLD)
GROUPS = tuple(BY_NAME[name].group for name in CLASSES)
CLUTTER = tuple(
    BY_NAME[name] for name in ("bottle", "teacup", "clock", "telephone", "radio", "camera", "jug", "vase")
)
PIXELS = (
    64  # across what the webcam sees, whatever the size of its pictures: half of what others have by default
)


def paper(r: Chance, window: Window) -> Tensor:
    """The ground of a catalogue [B, 3, H, W]: white, a little darker below."""
    _, v = window.axes()
    return (
        ((1 - column(r(0.0, 0.06))) - column(r(0.0, 0.10)) * v)[:, None]
        .expand(-1, 3, -1, window.width)
        .clone()
    )


def desk(r: Chance, window: Window) -> Tensor:
    """A desk before a wall [B, 3, H, W], each a surface with a pattern of its own."""
    u, v = window.axes()
    wall, top = textured(r, window, r(0.45, 0.85)), textured(r, window, r(0.3, 0.7))
    wall, top = (
        torch.lerp(t.mean((2, 3), keepdim=True), t, column(r(0.1, 0.5))[:, None]) for t in (wall, top)
    )
    edge = v - column(r(0.35, 0.6)) + (u - 0.5) * column(r(-0.15, 0.15))
    return torch.lerp(wall, top, (edge * 60 + 0.5).clamp_(0, 1)[:, None])


def studio_camera(picture: Tensor, r: Chance, window: Window) -> Tensor:
    """Print it as it is: uint8 [B, 3, H, W]."""
    return picture.clamp(0, 1).mul_(255).add_(0.5).to(torch.uint8)


def webcam(picture: Tensor, r: Chance, window: Window) -> Tensor:
    """See a picture with few pixels, little contrast, a colour cast and noise: uint8 [B, 3, H, W]."""
    size = (PIXELS * window.height // window.width, PIXELS)
    few = F.adaptive_avg_pool2d(picture, size)
    few = (
        0.45 + (few - 0.45) * r(0.45, 0.70).view(-1, 1, 1, 1) + 0.12 * (r.lattice(3) - 0.5)[:, :, None, None]
    )
    few = few + r(0.02, 0.06).view(-1, 1, 1, 1) * (r.lattice(3, *size) + r.lattice(3, *size) - 1)
    seen = F.interpolate(few, (window.height, window.width), mode="bicubic", align_corners=False)
    return studio_camera(seen, r, window)


@dataclass(frozen=True)
class Domain:
    """How objects are shown: ground, camera, and ranges in picture widths.

    scales   of the object: half its side
    wander   how far its centre is from the middle, at most
    clutter  the most things that stand around it
    variety  of individuals and views, see `draw_sprites`
    """

    ground: Callable[[Chance, Window], Tensor]
    camera: Callable[[Tensor, Chance, Window], Tensor]
    scales: tuple[float, float]
    wander: float
    clutter: int
    variety: float


DOMAINS = {
    "amazon": Domain(paper, studio_camera, (0.46, 0.58), 0.02, 0, 0.8),
    "dslr": Domain(desk, expose, (0.44, 0.58), 0.08, 4, 0.4),
    "webcam": Domain(desk, webcam, (0.34, 0.46), 0.10, 2, 0.3),
}


def arrange(names: Sequence[str], keys: Tensor, domain: Domain) -> Placed:
    """Decide what stands where: clutter on both sides first, then the object that each picture is about."""
    r = Chance(keys, 7)
    count = (r() * (domain.clutter + 1)).long()
    columns = []
    for slot in range(domain.clutter):
        side, which = 1 - 2 * r.chance(0.5), r.pick(len(CLUTTER))
        columns.append(
            (slot < count, which, 0.5 + side * r(0.28, 0.5), r(0.35, 0.8), r(0.09, 0.2), r(-0.1, 0.1))
        )
    x, y = 0.5 + domain.wander * r(-1, 1), 0.5 + domain.wander * r(-1, 1)
    columns.append(
        (torch.ones(len(keys)) > 0, torch.full_like(count, -1), x, y, r(*domain.scales), r(-0.1, 0.1))
    )
    there, which, *where = (torch.stack(c, 1) for c in zip(*columns, strict=True))
    picture, slot = there.nonzero(as_tuple=True)
    classes = [
        CLUTTER[w] if w >= 0 else BY_NAME[names[i]]
        for w, i in zip(which[picture, slot].tolist(), picture.tolist(), strict=True)
    ]
    key = keys[picture] + (slot + 1) * 7_046_029_254_386_353  # far from the keys of other pictures
    return Placed(picture, *(t[picture, slot] for t in where), key, classes)


def draw(names: Sequence[str], keys: Tensor, width: int) -> np.ndarray:
    """Draw pictures uint8 [N, 3, width, width] of what is named by domain and class, "webcam/piano"."""
    ways, things = zip(*(name.split("/") for name in names), strict=True)
    out = np.empty((len(keys), 3, width, width), np.uint8)
    window = Window.square(width)

    def work(rows: np.ndarray) -> None:
        domain, r = DOMAINS[ways[rows[0]]], Chance(keys[rows], 8)
        light, shadow = lamp(r), r(0.1, 0.5)
        placed = arrange([things[i] for i in rows], keys[rows], domain)
        sprites = draw_sprites(placed, window, light[placed.picture], shadow[placed.picture], domain.variety)
        for few in runs(len(rows), 16):
            layers = domain.ground(Chance(keys[rows[few]], 1), window)
            for layer, i in zip(layers, few, strict=True):
                lay(layer, [sprites[j] for j in placed.of(i)])
            out[rows[few]] = domain.camera(layers, Chance(keys[rows[few]], 5), window).numpy()

    chunks = [np.flatnonzero(np.array(ways) == name) for name in DOMAINS]
    on_all_cores(work, [part[few] for part in chunks for few in runs(len(part), 200)])
    return out
