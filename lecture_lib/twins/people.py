"""The twin of H3D's people: one dressed figure a picture, nine attributes of it, its box and points on its body."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lecture_lib.twins import dressed, species
from lecture_lib.twins.backdrop import backdrop, cast_shadow, column, expose, scatter, textured
from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.frames import Pose, Window
from lecture_lib.twins.paints import hsv
from lecture_lib.twins.studio import lamp
from lecture_lib.twins.world import on_all_cores, runs

ATTRIBUTES = (
    "male", "long hair", "glasses", "hat", "t-shirt", "long sleeves", "shorts", "jeans", "long trousers",
)  # fmt: skip
POINTS = (
    "crown",
    "head",
    "neck",
    *(f"{side} {name}" for side in ("left", "right") for name in dressed.SIDED),
)
TOP = 1.06  # of the tallest hat, in object units; the pelvis is at 0, the feet at about -1
CHUNK = 16


def wear(r: Chance) -> dict[str, Tensor]:
    """Draw what people are and wear, each [B] 0 or 1, about as frequent as in H3D (the lecture's row "Freq").

    Beside the attributes: back (seen from behind), beard, collar, jacket, tank (no sleeves), skirt, cap, shades.
    """
    male, back, top, below = r.chance(0.593), r.chance(0.10), r(), r()
    trousers, shorts = 0.70 + 0.08 * male, 0.12 + 0.10 * male  # women wear skirts otherwise
    on = {
        "male": male,
        "long hair": r.chance(0.65 - 0.59 * male),
        "glasses": r.chance(0.22),
        "hat": r.chance(0.166),
        "t-shirt": (top < 0.235).float(),
        "long sleeves": ((top >= 0.235) & (top < 0.725)).float(),
        "long trousers": (below < trousers).float(),
        "shorts": ((below >= trousers) & (below < trousers + shorts)).float(),
        "skirt": (below >= trousers + shorts).float(),
        "back": back,
        "beard": male * r.chance(0.45),
        "cap": r.chance(0.5),
        "shades": r.chance(0.35),
        "print": r.chance(0.6),
    }
    kind = r()
    on["jeans"] = on["long trousers"] * r.chance(0.4525)
    on["jacket"] = on["long sleeves"] * (kind < 0.35)
    on["tank"] = (1 - on["t-shirt"] - on["long sleeves"]) * (kind < 0.4)
    on["collar"] = (1 - on["t-shirt"] - on["tank"]) * (kind < 0.75)
    return on


def paints(r: Chance, jeans: Tensor) -> dict[str, Tensor]:
    """Draw colours, each [B, 3] in [0, 1]: nothing but denim, and most skin and hair, has a colour of its own."""
    dull = torch.where(r() < 0.4, 0.25, 1.0)
    cloth = hsv(r(), dull * r(0.0, 0.8), r(0.12, 0.85))
    denim = hsv(r(0.575, 0.635), r(0.35, 0.65), r(0.3, 0.62))
    fair = r() < 0.7
    hair = hsv(r(0.04, 0.13), r(0.1, 0.65), torch.where(fair, r(0.06, 0.35), r(0.4, 0.85)))
    skin = hsv(r(0.045, 0.085), r(0.28, 0.6), torch.where(r() < 0.7, r(0.78, 1.0), r(0.32, 0.6)))
    return {
        "body": hsv(r(), r(0.05, 0.85), r(0.2, 0.98)),
        "second": hsv(r(), r(0.05, 0.85), r(0.2, 0.98)),
        "below": torch.where(jeans[:, None] > 0.5, denim, cloth),
        "accent": hsv(r(), r(0.3, 0.9), r(0.35, 1.0)),
        "skin": skin,
        "hair": hair,
        "lip": torch.lerp(skin, torch.tensor([0.75, 0.12, 0.18]), 0.6),
        "stitch": hsv(r(0.08, 0.13), r(0.3, 0.7), r(0.75, 1.0)),
        "dark": hsv(r(), r(0.0, 0.4), r(0.05, 0.22)),
        "light": hsv(r(), r(0.0, 0.1), r(0.88, 1.0)),
    }


def place(r: Chance) -> Pose:
    """Draw where people stand: most whole, some so near that the picture's border cuts their legs, or a side, off."""
    one = torch.ones(len(r))
    near, aside = r.chance(0.24), r.chance(0.08)
    scale = torch.where(near > 0, r(0.52, 0.80), r(0.37, 0.46))  # of an object unit, in picture widths
    room = (0.97 - scale * (TOP + 1.0)).clamp(min=0.02)
    y = 0.02 + room * torch.where(near > 0, one, r()) + TOP * scale
    x = torch.where(aside > 0, torch.where(r() < 0.5, r(0.02, 0.14), r(0.86, 0.98)), r(0.3, 0.7))
    return Pose(x, y, scale, r(-0.09, 0.09), 1 - 2 * r.chance(0.5), r(0.88, 1.12), r(-0.08, 0.08))


def screen(r: Chance, window: Window, pose: Pose) -> Tensor:
    """What stands before some people, [B, H, W] in [0, 1]: a wall below, or a post over one side."""
    u, v = window.axes()
    kind, soft = column(r()), 1.5 / window.width
    wall = v - column(pose.y + pose.scale * r(-0.35, 0.6))
    left = column(pose.x + pose.scale * pose.mirror * r(0.10, 0.3))
    post = torch.maximum(left - u, u - left - column(pose.scale * r(0.2, 0.5)))
    d = torch.where(kind < 0.12, -wall + 0 * u, torch.where(kind < 0.2, post + 0 * v, torch.ones_like(u + v)))
    return (0.5 - d / soft).clamp_(0, 1)


def draw(keys: Tensor, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw pictures of one person each; keys: int64 [N], decide everything; size: pixels.

    returns pictures uint8 [N, 3, size, size]; boxes float32 [N, 4] as in `Boxes`, of what is to be seen of a person;
    points float32 [N, 15, 3] in the order of POINTS: x, y in pixels and 1, or 0, 0, 0 where it is hidden or cut off;
    labels int8 [N, 9] in the order of ATTRIBUTES: 1 yes, 0 no, -1 not to be seen
    """
    n = len(keys)
    out = (np.empty((n, 3, size, size), np.uint8), np.empty((n, 4), np.float32),
           np.empty((n, len(POINTS), 3), np.float32), np.empty((n, len(ATTRIBUTES)), np.int8))  # fmt: skip

    def work(rows: np.ndarray) -> None:
        for array, part in zip(out, _draw_chunk(keys[rows], size), strict=True):
            array[rows] = part

    on_all_cores(work, runs(n, CHUNK))
    return out


def _draw_chunk(keys: Tensor, size: int) -> tuple[np.ndarray, ...]:
    r, window = Chance(keys, 3), Window.square(size)
    on, pose, light = wear(r), place(r), lamp(r)
    picture = scatter(backdrop(Chance(keys, 1), window), Chance(keys, 2), window, 4, (0.05, 0.2), 0.6)
    s = Sketch(window, paints(r, on["jeans"]), r, pose)
    points = dressed.draw(s, on, Chance(keys, 4))
    picture = cast_shadow(picture, s.cover, light, r(0.1, 0.5))
    picture = torch.lerp(picture, s.shade(light, 0.3 * r() ** 2), s.cover[:, None])
    front = Chance(keys, 6)
    hidden = screen(front, window, pose)
    picture = torch.lerp(picture, textured(front, window, front(0.2, 0.9)), hidden[:, None])
    found = locate(points, pose, on["back"], hidden)
    boxes = species.bounds(s.cover * (1 - hidden))
    return expose(picture, Chance(keys, 5), window).numpy(), boxes, found, labels(on, found)


def locate(points: dict[str, tuple[Tensor, Tensor]], pose: Pose, back: Tensor, hidden: Tensor) -> np.ndarray:
    """Points float32 [B, 15, 3] in pixels; a person's left is on the right of a picture of the front, not mirrored."""
    size = hidden.shape[2]
    x, y = (torch.stack(c, 1) for c in zip(*(points[name] for name in POINTS), strict=True))
    at = torch.stack(pose.to_picture(x, y), 2) * size
    column_, row = at.floor().long().unbind(2)
    inside = ((at >= 0) & (at < size)).all(2)
    shown = hidden[torch.arange(len(at))[:, None], row.clamp(0, size - 1), column_.clamp(0, size - 1)] < 0.5
    found = torch.cat([at, torch.ones_like(at[..., :1])], 2) * (inside & shown)[..., None]
    swap = (pose.mirror < 0) != (back > 0)
    other = [0, 1, 2, *range(9, 15), *range(3, 9)]
    return torch.where(swap[:, None, None], found[:, other], found).numpy()


def labels(on: dict[str, Tensor], points: np.ndarray) -> np.ndarray:
    """Labels int8 [B, 9]: an attribute whose part of the body is not to be seen is -1."""
    seen = dict(zip(POINTS, points[..., 2].T > 0, strict=True))
    either = {name: seen[f"left {name}"] | seen[f"right {name}"] for name in dressed.SIDED}
    face, leg = seen["head"] & (on["back"].numpy() == 0), either["hip"] & either["knee"]
    arm = either["shoulder"] & either["elbow"]
    known = {"male": seen["head"], "long hair": seen["head"], "glasses": face, "hat": seen["crown"],
             "t-shirt": arm & seen["neck"], "long sleeves": arm}  # fmt: skip
    columns = [np.where(known.get(name, leg), on[name].numpy(), -1) for name in ATTRIBUTES]
    return np.stack(columns, 1).astype(np.int8)
