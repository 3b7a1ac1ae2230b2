"""Places: what the twin of SUN-397 shows. A place is a ground drawn full frame and the things that stand on it.

Paints, light and every position within its range are drawn by chance; what tells one place from another is the
ground's layout and which things stand where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from lecture_lib.twins import grounds, outdoors
from lecture_lib.twins.backdrop import column, expose, noise
from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.compose import Placed, draw_sprites, lay
from lecture_lib.twins.frames import Pose, Window
from lecture_lib.twins.paints import PAINTS, hsv
from lecture_lib.twins.studio import lamp
from lecture_lib.twins.world import BY_NAME, on_all_cores, runs

Range = tuple[float, float]


@dataclass(frozen=True)
class Prop:
    """Things that stand in a place: any of `names`, `count` of them (low, high included).

    x and base (the foot of the thing, 0 is the top of the picture) and scale (half its side) are ranges in
    picture widths. With `spread`, the things are spaced evenly along x instead of anywhere in the range.
    """

    names: tuple[str, ...]
    count: tuple[int, int]
    x: Range
    base: Range
    scale: Range
    spread: bool = False


INDOOR, NATURAL, MAN_MADE = "indoor", "outdoor, natural", "outdoor, man-made"
Ground = Callable[[Sketch, Chance], None]
Table = dict[str, tuple[str, Ground, tuple[Prop, ...]]]  # place -> its group, its ground, what stands there
# fmt: off
PLACES: Table = {
    "kitchen": (INDOOR, grounds.kitchen, (
        Prop(("refrigerator",), (1, 1), (0.12, 0.22), (0.74, 0.80), (0.20, 0.25)),
        Prop(("teapot", "jug", "bowl"), (1, 3), (0.35, 0.80), (0.555, 0.57), (0.05, 0.07), True),
        Prop(("dining table",), (1, 1), (0.50, 0.75), (0.92, 1.0), (0.18, 0.24)))),
    "bedroom": (INDOOR, grounds.bedroom, (
        Prop(("wardrobe",), (0, 1), (0.12, 0.22), (0.72, 0.78), (0.18, 0.22)),
        Prop(("bed",), (1, 1), (0.40, 0.62), (0.90, 1.02), (0.28, 0.34)),
        Prop(("floor lamp",), (1, 1), (0.82, 0.90), (0.78, 0.88), (0.15, 0.20)))),
    "living room": (INDOOR, grounds.living_room, (
        Prop(("sofa",), (1, 1), (0.35, 0.60), (0.82, 0.90), (0.24, 0.30)),
        Prop(("television",), (1, 1), (0.80, 0.90), (0.80, 0.88), (0.11, 0.15)),
        Prop(("potted plant",), (1, 1), (0.08, 0.16), (0.78, 0.88), (0.12, 0.17)))),
    "office": (INDOOR, grounds.office, (
        Prop(("desk",), (1, 1), (0.40, 0.60), (0.88, 0.95), (0.24, 0.28)),
        Prop(("laptop", "telephone"), (1, 1), (0.42, 0.58), (0.60, 0.65), (0.07, 0.10)),
        Prop(("chair",), (1, 1), (0.70, 0.85), (0.95, 1.02), (0.14, 0.18)))),
    "classroom": (INDOOR, grounds.classroom, (
        Prop(("stool", "chair"), (4, 4), (0.12, 0.88), (0.76, 0.80), (0.08, 0.10), True),
        Prop(("stool", "chair"), (3, 3), (0.15, 0.85), (0.97, 1.02), (0.12, 0.15), True))),
    "corridor": (INDOOR, grounds.corridor, (
        Prop(("standing", "walking"), (0, 1), (0.45, 0.55), (0.66, 0.80), (0.09, 0.16)),)),
    "library": (INDOOR, grounds.library, (
        Prop(("chair",), (1, 2), (0.20, 0.80), (0.92, 1.0), (0.13, 0.17), True),
        Prop(("reading",), (0, 1), (0.40, 0.60), (0.95, 1.0), (0.20, 0.24)))),
    "mountain": (NATURAL, outdoors.mountain, (
        Prop(("fir",), (3, 6), (0.05, 0.95), (0.85, 1.0), (0.08, 0.14), True),)),
    "forest": (NATURAL, outdoors.forest, (
        Prop(("fir", "oak"), (3, 5), (0.05, 0.95), (0.75, 0.92), (0.16, 0.26), True),
        Prop(("fern", "mushroom"), (1, 3), (0.10, 0.90), (0.95, 1.02), (0.06, 0.10), True))),
    "beach": (NATURAL, outdoors.beach, (
        Prop(("sailing boat",), (0, 2), (0.20, 0.80), (0.46, 0.52), (0.05, 0.08)),
        Prop(("umbrella",), (1, 3), (0.12, 0.88), (0.85, 0.97), (0.11, 0.15), True),
        Prop(("palm",), (0, 1), (0.85, 0.95), (0.80, 0.90), (0.22, 0.28)))),
    "desert": (NATURAL, outdoors.desert, (
        Prop(("cactus",), (2, 4), (0.10, 0.90), (0.75, 0.98), (0.08, 0.16), True),
        Prop(("camel",), (0, 1), (0.30, 0.70), (0.80, 0.90), (0.13, 0.18)))),
    "pasture": (NATURAL, outdoors.pasture, (
        Prop(("cow", "sheep", "horse"), (3, 5), (0.10, 0.90), (0.74, 0.98), (0.09, 0.15), True),)),
    "canyon": (NATURAL, outdoors.canyon, ()),
    "pond": (NATURAL, outdoors.pond, (
        Prop(("oak",), (1, 2), (0.10, 0.90), (0.44, 0.48), (0.12, 0.17), True),
        Prop(("duck", "swan"), (1, 3), (0.28, 0.72), (0.70, 0.84), (0.06, 0.10), True))),
    "street": (MAN_MADE, outdoors.street, (
        Prop(("car", "bus", "van"), (1, 2), (0.36, 0.64), (0.78, 0.96), (0.10, 0.17), True),
        Prop(("standing", "walking"), (1, 2), (0.14, 0.86), (0.84, 0.94), (0.09, 0.13), True))),
    "downtown": (MAN_MADE, outdoors.downtown, (
        Prop(("bus", "car"), (0, 2), (0.15, 0.85), (0.95, 1.0), (0.07, 0.10), True),)),
    "village": (MAN_MADE, outdoors.village, (
        Prop(("church",), (1, 1), (0.35, 0.65), (0.56, 0.62), (0.15, 0.19)),
        Prop(("house",), (3, 4), (0.12, 0.88), (0.68, 0.92), (0.10, 0.15), True))),
    "harbour": (MAN_MADE, outdoors.harbour, (
        Prop(("lighthouse",), (0, 1), (0.10, 0.90), (0.48, 0.52), (0.12, 0.17)),
        Prop(("sailing boat", "ocean liner", "canoe"), (2, 4), (0.12, 0.88), (0.62, 0.92), (0.10, 0.16), True))),
    "farm": (MAN_MADE, outdoors.farm, (
        Prop(("barn",), (1, 1), (0.15, 0.85), (0.58, 0.64), (0.14, 0.18)),
        Prop(("windmill",), (0, 1), (0.10, 0.90), (0.54, 0.58), (0.11, 0.14)),
        Prop(("tractor",), (1, 1), (0.25, 0.75), (0.80, 0.94), (0.12, 0.17)))),
    "park": (MAN_MADE, outdoors.park, (
        Prop(("oak",), (2, 3), (0.08, 0.92), (0.50, 0.58), (0.14, 0.19), True),
        Prop(("bicycle",), (1, 1), (0.15, 0.85), (0.82, 0.90), (0.09, 0.12)),
        Prop(("standing", "walking"), (1, 2), (0.30, 0.90), (0.84, 0.96), (0.11, 0.15), True))),
    "railway": (MAN_MADE, outdoors.railway, (
        Prop(("locomotive",), (1, 1), (0.35, 0.65), (0.60, 0.72), (0.16, 0.22)),
        Prop(("standing", "waving"), (0, 2), (0.10, 0.90), (0.82, 0.92), (0.10, 0.13), True))),
}
# fmt: on
CLASSES = tuple(PLACES)
GROUPS = tuple(group for group, _, _ in PLACES.values())


def paints(r: Chance) -> dict[str, Tensor]:
    """A place's paints, each [B, 3]: paler than things' are, of five levels of brightness dealt out at random.

    So "dark" is only a name here: a blackboard may be the brightest thing of its classroom.
    """
    hue, order = r(), torch.stack([r() for _ in PAINTS], 1).argsort(1)
    value = torch.tensor([0.28, 0.44, 0.60, 0.76, 0.92])[order]
    return {
        name: hsv(hue + r(-0.3, 0.3), r(0.08, 0.5), value[:, i] + r(-0.06, 0.06))
        for i, name in enumerate(PAINTS)
    }


def furnish(table: Table, names: Sequence[str], keys: Tensor) -> Placed:
    """Decide what stands where in each picture; names: the place of each picture, of those in `table`."""
    rows = []
    for i, name in enumerate(names):
        random = np.random.default_rng(int(keys[i]) & (2**63 - 1))
        things = []
        for prop in table[name][2]:
            count = int(random.integers(prop.count[0], prop.count[1] + 1))
            for k in range(count):
                x0, x1 = prop.x
                if prop.spread:
                    step = (x1 - x0) / count
                    x0, x1 = x0 + step * (k + 0.2), x0 + step * (k + 0.8)
                scale, base = random.uniform(*prop.scale), random.uniform(*prop.base)
                key = int(random.integers(2**62))
                thing = prop.names[int(random.integers(len(prop.names)))]
                things.append((base, i, random.uniform(x0, x1), base - scale, scale, key, thing))
        rows += sorted(things)  # by their base: what stands higher in the picture is farther, and laid first
    _, picture, x, y, scale, key, thing = zip(*rows, strict=True) if rows else ((),) * 7
    real = lambda values: torch.tensor(values, dtype=torch.float32)  # noqa: E731
    whole = lambda values: torch.tensor(values, dtype=torch.int64)  # noqa: E731
    classes = [BY_NAME[t] for t in thing]
    return Placed(whole(picture), real(x), real(y), real(scale), torch.zeros(len(x)), whole(key), classes)


@dataclass(frozen=True)
class Camera:
    """Where the photographer stands, each [B]: nearer (zoom > 1) or aside, the place mirrored (-1) or not.

    Without it a layer that only knows what is at which pixel would know the place.
    """

    zoom: Tensor
    right: Tensor
    down: Tensor
    mirror: Tensor

    @classmethod
    def draw(cls, r: Chance) -> Camera:
        """Draw a view that keeps at least the middle of the place in the picture."""
        zoom = r(1.0, 1.9)
        return cls(zoom, r(-0.5, 0.5) * (zoom - 0.9), r(-0.4, 0.4) * (zoom - 0.9), 1 - 2 * r.chance(0.5))

    def pose(self, tilt: Tensor) -> Pose:
        """The pose of a ground drawn full frame."""
        one = torch.ones_like(self.zoom)
        return Pose(0.5 + self.right, 0.5 + self.down, self.zoom / 2, tilt, self.mirror, one, one * 0)

    def move(self, placed: Placed) -> Placed:
        """The things of the place, seen from here."""
        i = placed.picture
        return replace(
            placed,
            x=0.5 + self.right[i] + self.mirror[i] * (placed.x - 0.5) * self.zoom[i],
            y=0.5 + self.down[i] + (placed.y - 0.5) * self.zoom[i],
            scale=placed.scale * self.zoom[i],
        )


def draw(names: Sequence[str], keys: Tensor, size: int, table: Table = PLACES) -> np.ndarray:
    """Pictures uint8 [N, 3, size, size]; picture i is of the place names[i] of `table`."""
    out = np.empty((len(names), 3, size, size), np.uint8)

    def work(rows: np.ndarray) -> None:
        part, part_keys = [names[i] for i in rows], keys[rows]
        light, camera = lamp(Chance(part_keys, 8)), Camera.draw(Chance(part_keys, 9))
        pose = camera.pose(Chance(part_keys, 12)(-0.06, 0.06))
        pictures = torch.empty(len(part), 3, size, size)
        for name in sorted(set(part)):
            same = [i for i, n in enumerate(part) if n == name]
            pictures[same] = draw_ground(table[name][1], part_keys[same], size, light[same], pose.take(same))
        placed = camera.move(furnish(table, part, part_keys))
        shadow = torch.full((len(placed),), 0.35)
        sprites = draw_sprites(placed, Window.square(size), light[placed.picture], shadow, 0.4)
        for i in range(len(part)):
            lay(pictures[i], [sprites[j] for j in placed.of(i)])
        out[rows] = expose(pictures, Chance(part_keys, 5), Window.square(size)).numpy()

    on_all_cores(work, runs(len(names), 200))
    return out


def draw_ground(ground: Ground, keys: Tensor, size: int, light: Tensor, pose: Pose) -> Tensor:
    """The empty place, [B, 3, size, size] in [0, 1]."""
    r = Chance(keys, 10)
    sketch = Sketch(Window.square(size), paints(r), r, pose)
    ground(sketch, r)
    colour = sketch.shade(light, torch.zeros(len(keys)))
    texture = noise(Chance(keys, 11), Window.square(size), 12) - 0.5
    return (colour * (1 + column(r(0.05, 0.25)) * texture)[:, None]).clamp(0, 1)
