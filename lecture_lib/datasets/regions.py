"""Pictures cut together with what is marked in them: boxes, part points, and which of these are still to be seen.

Coordinates are those of `Boxes`: pixel i of a row covers i .. i + 1, so that a mirror image has W - x where the
picture has x.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor
from torchvision.transforms.v2.functional import resize

from lecture_lib.datasets.collection import Boxes, ImageCollection, box_fault
from lecture_lib.datasets.derived import derive

VERSION = 1  # part of the recipe of region crops: raise it when the same boxes would give other pixels


def cut_marked(
    picture: Tensor,
    window: ArrayLike,
    boxes: Boxes,
    points: np.ndarray,
    part_names: Sequence[str],
    *,
    angle: float = 0.0,
    mirrored: bool = False,
    side: int | None = None,
) -> tuple[Tensor, Boxes, np.ndarray]:
    """Cut a window out of a picture with its marks: turned about the window's centre, then mirrored, then resized.

    picture     uint8 [3, H, W]
    window      x0, y0, x1, y1 in pixels, grown to whole ones; beyond the picture its border is repeated
    boxes       n objects
    points      float [P, 3]: x, y, and 1 where visible; of `part_names`, in which a mirror swaps "left" and "right"
    angle       degrees by which what is seen turns anticlockwise
    side        pixels of the square that the window is warped to; None: as it is
    returns     uint8 [3, h, w]; the boxes of which a pixel is left, each bounding its turned corners, and `truncated`
                if clipped; points float32 [P, 3], those outside of the window (0, 0, 0)

    Raises ValueError for a window without a pixel of the picture and for other shapes.
    """
    height, width = picture.shape[1:]
    window, points = np.asarray(window, np.float64), np.asarray(points, np.float64)
    if window.shape != (4,) or points.shape != (len(part_names), 3):
        raise ValueError(
            f"window {window.shape}, points {points.shape}; give x0, y0, x1, y1, and x, y, visible for each of "
            f"{len(part_names)} names."
        )
    if fault := box_fault(window, width, height):
        raise ValueError(f"Nothing can be cut out: {fault}, which is {width} x {height} pixels.")
    x0, y0, x1, y1 = *np.floor(window[:2]), *np.ceil(window[2:])
    w, h = x1 - x0, y1 - y0
    if angle:
        cut = _turn(picture, (x0, y0, x1, y1), angle)
    else:
        cut = _slice(picture, (x0, y0, x1, y1))
    # x, y of the window from those of the picture: turn, then move
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turn = np.array([[cos, sin], [-sin, cos]])  # y is down, so that this is anticlockwise to the eye
    move = np.array([w, h]) / 2 - turn @ np.array([x0 + x1, y0 + y1]) / 2
    if mirrored:
        cut = cut.flip(2)
        turn, move = np.diag([-1, 1]) @ turn, np.array([w - move[0], move[1]])
    if side is not None:
        cut = resize(cut, [side, side], antialias=True)
        scale = np.diag([side / w, side / h])
        turn, move, w, h = scale @ turn, scale @ move, side, side
    seen = points[:, 2] > 0
    xy = points[:, :2] @ turn.T + move
    seen &= (xy >= 0).all(1) & (xy < [w, h]).all(1)
    found = np.where(seen[:, None], np.column_stack([xy, seen]), 0).astype(np.float32)
    if mirrored:
        found = found[mirror_order(part_names)]
    corners = boxes.xyxy[:, [[0, 1], [2, 1], [2, 3], [0, 3]]] @ turn.T + move
    whole = np.concatenate([corners.min(1), corners.max(1)], 1).reshape(-1, 4)
    inside = np.clip(whole, 0, [w, h, w, h])
    kept = (inside[:, 2] - inside[:, 0] > 0) & (inside[:, 3] - inside[:, 1] > 0)
    clipped = np.abs(inside - whole).max(1, initial=0) > 1e-3
    left = Boxes(inside[kept], boxes.labels[kept], boxes.difficult[kept], (boxes.truncated | clipped)[kept])
    return cut, left, found


def mirror_order(part_names: Sequence[str]) -> list[int]:
    """Where the point is that a mirror makes of each part: of "left eye" that of "right eye", if there is one."""
    sides = {"left": "right", "right": "left"}
    other = [" ".join(sides.get(word, word) for word in name.split(" ")) for name in part_names]
    return [part_names.index(o) if o in part_names else i for i, o in enumerate(other)]


def part_boxes(
    points: np.ndarray, part_names: Sequence[str], parts: Sequence[Sequence[str]], boxes: np.ndarray,
    pad: float = 0.2, least: float = 0.25,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Bound the visible points of each of R parts.

    points      [N, P, 3] as in ImageCollection, of `part_names`
    parts       R lists of those names
    boxes       [N, 4], the object's own
    pad         of a side, added to it; least: the shortest side, in sides of the object's box
    returns     float32 [N, R, 4], and visible bool [N, R]: whether a part has a point that is visible. The box of one
                that has none is the object's, so that it can be cut; its features are to be set to 0
    """
    unknown = sorted({name for part in parts for name in part} - set(part_names))
    if unknown:
        raise ValueError(f"There is no part point {', '.join(unknown)}; there are {', '.join(part_names)}.")
    found, visible = [], []
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    for part in parts:
        own = points[:, [part_names.index(name) for name in part]]
        seen = own[..., 2:] > 0
        low = np.where(seen, own[..., :2], np.inf).min(1)
        high = np.where(seen, own[..., :2], -np.inf).max(1)
        some = seen.any((1, 2))
        low, high = np.where(some[:, None], [low, high], 0)
        centre = (low + high) / 2
        half = np.maximum((high - low) * (1 + pad), least * sides) / 2
        box = np.concatenate([centre - half, centre + half], 1)
        found.append(np.where(some[:, None], box, boxes))
        visible.append(some)
    return np.stack(found, 1).astype(np.float32), np.stack(visible, 1)


def enlarged(boxes: np.ndarray, context: float) -> np.ndarray:
    """Boxes [.., 4] with sides `context` times as long about the same centres."""
    centre, half = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2 * context
    return np.concatenate([centre - half, centre + half], -1)


def region_crops(
    images: ImageCollection, regions: np.ndarray, names: Sequence[str], side: int | None = None
) -> ImageCollection:
    """Return the collection of R regions of each picture, rows i R .. i R + R-1: each warped to a square.

    regions  [N, R, 4] in pixels, as in `Boxes`, grown to whole ones; beyond the picture its border is repeated
    side     of the squares in pixels; None: the longer side of each region
    returns  square pictures; see `derive`. Raises ValueError, with the picture's name, for a region without area
    """
    regions = np.asarray(regions, np.float64)
    if regions.shape != (len(images), len(names), 4):
        raise ValueError(f"regions {regions.shape}; give [{len(images)}, {len(names)}, 4].")
    empty = ~(regions[..., 2:] > regions[..., :2]).all((1, 2))
    if empty.any():
        raise ValueError(f"{images.name}: {images.names[int(empty.argmax())]} has a region without area.")

    def cut(picture: Tensor, i: int, v: int) -> Tensor:
        x0, y0, x1, y1 = regions[i, v]
        part = _slice(picture, (np.floor(x0), np.floor(y0), np.ceil(x1), np.ceil(y1)))
        return resize(part, [side or max(part.shape[1:])] * 2, antialias=True)

    recipe = {"made": "region crops", "version": VERSION, "regions": regions, "side": side}
    return derive(images, cut, names, recipe)


def object_boxes(images: ImageCollection) -> np.ndarray:
    """The box of the one object of each picture, float32 [N, 4]; ValueError, with its name, for none or several."""
    for i, boxes in enumerate(images.boxes or [()] * len(images)):
        if len(boxes) != 1:
            raise ValueError(
                f"{images.name}: {images.names[i]} has {len(boxes) or 'no'} boxes, and its parts need one: take the "
                "pictures that show one object."
            )
    return np.array([boxes.xyxy[0] for boxes in images.boxes], np.float32).reshape(-1, 4)


def facing_one_way(
    images: ImageCollection, flip: np.ndarray, context: float, side: int
) -> tuple[Tensor, np.ndarray]:
    """Cut a square about the box of each picture with its points, and mirror those of `flip` (bool [N]).

    context  sides of the square in longer sides of the box
    returns  pictures uint8 [N, 3, side, side], points float32 [N, P, 3]
    """
    made = [
        cut_marked(
            images.tensor(i), _square(box, context), images.boxes[i], images.parts[i], images.part_names,
            mirrored=bool(flip[i]), side=side,
        )
        for i, box in enumerate(object_boxes(images))
    ]  # fmt: skip
    return torch.stack([picture for picture, _, _ in made]), np.stack([points for _, _, points in made])


def _square(box: np.ndarray, context: float) -> np.ndarray:
    """The square about a box's centre whose side is `context` longer sides of the box."""
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]).max() / 2 * context
    return np.concatenate([centre - half, centre + half])


def _slice(picture: Tensor, window: tuple[float, float, float, float]) -> Tensor:
    height, width = picture.shape[1:]
    x0, y0, x1, y1 = map(int, window)
    rows, columns = (
        torch.arange(y0, y1).clamp(0, height - 1),
        torch.arange(x0, x1).clamp(0, width - 1),
    )
    return picture[:, rows[:, None], columns]


def _turn(picture: Tensor, window: tuple[float, float, float, float], angle: float) -> Tensor:
    height, width = picture.shape[1:]
    x0, y0, x1, y1 = window
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    u = torch.arange(int(x1 - x0), dtype=torch.float64) + 0.5 - (x1 - x0) / 2
    v = (torch.arange(int(y1 - y0), dtype=torch.float64) + 0.5 - (y1 - y0) / 2)[:, None]
    x, y = (x0 + x1) / 2 + cos * u - sin * v, (y0 + y1) / 2 + sin * u + cos * v
    grid = torch.stack([2 * x / width - 1, 2 * y / height - 1], 2).float()
    turned = F.grid_sample(picture[None].float(), grid[None], "bilinear", "border", align_corners=False)
    return turned[0].round_().to(torch.uint8)
