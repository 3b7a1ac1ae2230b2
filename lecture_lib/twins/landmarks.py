"""Buildings at a street corner, photographed from many sides: the twins of Oxford5k and Paris6k.

A building is made of planes in space (two fronts, roofs over them, often a tower with its own), each with a sheet of
`masonry`, and a picture is one true perspective of them: every plane is seen through a homography. So which point of
one picture is which of another is known exactly (`transfer`), and so is what share of a building can be seen.

Metres: X to the right, Y up, Z towards the photographer, the corner of the building at the origin. Trees, people and
cars are in the way as on a street. No range was chosen by what a retrieval method makes of it; the contrast of stones
and weathering was chosen by mean gradients (see `datasets.statistics`; photographs of Oxford 15.2, these 16.5), and
their spectra still fall less (slope -2.0 for -2.6). Pictures are three quarters as high as wide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins import masonry
from lecture_lib.twins.backdrop import expose, noise, textured
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.compose import Placed, Sprite, draw_sprites, lay
from lecture_lib.twins.frames import Window
from lecture_lib.twins.street import facades, surroundings
from lecture_lib.twins.styles import Look
from lecture_lib.twins.viewpoints import UP, Light, Plane, View, apply, look_at, make_plane
from lecture_lib.twins.world import BY_NAME, on_all_cores

WIDEST = 0.45  # picture widths, half of a thing's side: nobody photographs the side of a bus
GRID = 28  # points across a plane that its visible share is counted on
DIAGONAL = 0.5**0.5
ALONG = np.array([[-1, 0, -1], [1, 0, -1]]) * DIAGONAL  # of the left and the right front, from the corner
OUT = np.array([[-1, 0, 1], [1, 0, 1]]) * DIAGONAL
# what stands around: name, metres (the longer side), where its foot is below its middle, in half sides
BEHIND = (
    ("oak", 9, 0.9),
    ("fir", 11, 0.9),
    ("house", 9, 0.56),
    ("oak", 7, 0.9),
    ("barn", 9, 0.56),
    ("church", 16, 0.87),
)
PASSING = (("walking", 1.75, 0.9), ("standing", 1.7, 0.9), ("waving", 1.8, 0.9), ("bicycle", 1.8, 0.56),
           ("car", 4.2, 0.33), ("van", 4.8, 0.56))  # fmt: skip
LARGE = (("oak", 6, 0.9), ("fir", 6, 0.9), ("bus", 9, 0.52))


@lru_cache(maxsize=24)
def building(individual: int) -> tuple[Plane, ...]:
    """The planes of an individual, from behind to before."""
    random = np.random.default_rng(individual & (2**63 - 1))
    look = Look.draw(random)
    u = random.uniform
    wide = u(7.5, 15, 2)
    height = 0.8 + look.storey * int(random.integers(2, 5))
    slope = np.radians(u(45, 68))
    length = min(u(2.6, 4.6), 0.9 * (wide.min() / 2) / np.cos(slope))
    fronts = [masonry.front(random, look, w, height) for w in wide]
    roofs = [masonry.roof(random, look, w, length, length * np.cos(slope)) for w in wide]
    eaves = height * UP
    planes = [
        make_plane(eaves, ALONG[i], np.sin(slope) * UP - np.cos(slope) * OUT[i], roofs[i]) for i in (0, 1)
    ]
    planes += [make_plane(0 * UP, ALONG[i], UP, fronts[i]) for i in (0, 1)]
    if random.random() < 0.55:
        w, tall, corner = u(3.0, 4.6), height + u(2.5, 7), 0.3 * OUT.sum(0)
        if random.random() < 0.6:
            spire = u(3.0, 7.0)
            slant = np.hypot(spire, w / 2)
            caps = masonry.roof(random, look, w, slant, w / 2)
            for i in (0, 1):
                planes.append(
                    make_plane(corner + tall * UP, ALONG[i], (spire * UP - w / 2 * OUT[i]) / slant, caps)
                )
        faces = [masonry.front(random, look, w, tall) for _ in range(2)]
        planes += [make_plane(corner, ALONG[i], UP, faces[i]) for i in (0, 1)]
    return tuple(planes)


@dataclass(frozen=True)
class Scene:
    """All that a key decides of a picture, but for the pixels: things are (name, x, y, scale, whether in front)."""

    planes: tuple[Plane, ...]
    view: View
    light: Light
    things: tuple[tuple[str, float, float, float, bool], ...]

    @classmethod
    def draw(cls, individual: int, key: int, clear: bool) -> Scene:
        """Draw the scene of a picture."""
        planes, random = building(individual), np.random.default_rng(key & (2**63 - 1))
        view = look_at(planes, random, clear)
        light, u = Light.draw(random), random.uniform
        far = np.linalg.norm(view.camera)
        forward = -view.camera * [1, 0, 1] / np.hypot(view.camera[0], view.camera[2])
        side = np.cross(forward, UP)
        crowd = random.integers(0, 4 if clear else 6)
        large = random.choice(4, p=(0.75, 0.25, 0, 0) if clear else (0.4, 0.3, 0.2, 0.1))
        near = 0.7 if clear else 0.45
        spots = [(BEHIND, u(1.6, 3.5), False) for _ in range(random.integers(2, 8))]
        spots += [(PASSING, u(near, 0.92), True) for _ in range(crowd)]
        spots += [(LARGE[: 2 if clear else 3], u(near, 0.9), True) for _ in range(large)]
        things = []
        for table, depth, front in sorted(spots, key=lambda spot: -spot[1]):
            name, metres, low = table[random.integers(len(table))]
            foot = view.camera * [1, 0, 1] + depth * far * forward
            (x, _), away = view.see(foot)
            across = (u(-0.05, 1.05) - x) * away / view.focal
            (x, y), away = view.see(foot + across * side)
            scale = metres * u(0.85, 1.2) * view.focal / away / 2
            if scale < WIDEST:
                things.append((name, float(x), float(y - low * scale), float(scale), front))
        return cls(planes, view, light, tuple(things))

    def owner(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which plane is seen at picture coordinates [n, 2] (-1: none), and where on it: int [n], metres [n, 2]."""
        which, where = np.full(len(at), -1), np.full((len(at), 2), np.nan)
        for i, plane in enumerate(self.planes):
            if self.view.faces(plane):
                s, t, _ = apply(np.linalg.inv(self.view.homography(plane)), at)
                here = plane.covers(s, t)
                which[here], where[here] = i, np.stack([s, t], 1)[here]
        return which, where

    def surface(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points spread over what the building shows to the camera: picture coordinates [n, 2], the area that each
        stands for in the picture were it unbounded [n], and its plane [n].
        """
        points, areas, planes = [], [], []
        steps = (np.arange(GRID) + 0.5) / GRID
        for i, plane in enumerate(self.planes):
            if not self.view.faces(plane):
                continue
            s, t = (a.ravel() for a in np.meshgrid(steps * plane.size[0], steps * plane.size[1]))
            s, t = s[plane.covers(s, t)], t[plane.covers(s, t)]
            h = self.view.homography(plane)
            x, y, w = apply(h, np.stack([s, t], 1))
            points.append(np.stack([x, y], 1)[w > 0.1])
            areas.append((abs(np.linalg.det(h)) / w**3 * np.prod(plane.size) / GRID**2)[w > 0.1])
            planes.append(np.full((w > 0.1).sum(), i))
        points, areas, planes = (np.concatenate(a) for a in (points, areas, planes))
        own = self.owner(points)[0] == planes  # not behind the tower
        return points[own], areas[own], planes[own]


def window(width: int) -> Window:
    """The window of a picture of this width."""
    return Window(width, width * 3 // 4)


def draw(individuals: Tensor, keys: Tensor, clear: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures of buildings; whole chunks of an individual are quickest.

    individuals  int64 [N], which building; keys int64 [N], which picture of it
    clear        bool [N], whether all of it should be in the picture
    returns      uint8 [N, 3, H, W], and float32 [N, 5]: the box x0, y0, x1, y1 of what is visible of the building, in
                 pixels (0, 0, 0, 0: nothing), and which share of it is visible
    """
    frame = window(width)
    pictures = np.empty((len(keys), 3, frame.height, width), np.uint8)
    marks = np.zeros((len(keys), 5), np.float32)

    def work(rows: np.ndarray) -> None:
        scenes = [Scene.draw(int(individuals[i]), int(keys[i]), bool(clear[i])) for i in rows]
        layers, covers, hidden = render(scenes, keys[rows], width)
        pictures[rows] = expose(layers, Chance(keys[rows], 5), frame).numpy()
        for i, scene, cover, front in zip(rows, scenes, covers, hidden, strict=True):
            seen = (cover * (1 - front) > 0.5).numpy()
            if seen.any():
                y, x = seen.nonzero()
                marks[i, :4] = x.min(), y.min(), x.max() + 1, y.max() + 1
            marks[i, 4] = visible_share(scene, front.numpy())

    on_all_cores(work, [np.arange(i, min(i + 24, len(keys))) for i in range(0, len(keys), 24)])
    return pictures, marks


def visible_share(scene: Scene, hidden: np.ndarray) -> float:
    """The share of the building's image that is inside the picture and not hidden; hidden: [H, W] in [0, 1]."""
    points, areas, _ = scene.surface()
    return float(areas[_clear(points, hidden)].sum() / areas.sum())


def _clear(points: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Whether picture coordinates [n, 2] are inside the picture and nothing is before them."""
    height, width = hidden.shape
    at = np.floor(np.nan_to_num(points, nan=-9.0) * width).clip(-9, 9 * width).astype(int)
    inside = ((at >= 0) & (at < [width, height])).all(1)
    at = np.where(inside[:, None], at, 0)
    return inside & (hidden[at[:, 1], at[:, 0]] < 0.5)


def render(scenes: list[Scene], keys: Tensor, width: int) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Pictures before the camera [B, 3, H, W], and of each the building's cover and what is in front of it [H, W]."""
    frame = window(width)
    r = Chance(keys, 1)
    cloud = noise(r, frame, 3) * 0.5 + noise(r, frame, 8) * 0.3 + noise(r, frame, 19) * 0.2
    clouds, earth = r(0, 1), textured(r, Window.square(192), r(0.3, 0.6))
    earth = earth.lerp(earth.mean(1, keepdim=True), 0.6)  # streets have little colour
    things = [(i, k, *thing) for i, scene in enumerate(scenes) for k, thing in enumerate(scene.things)]
    picture = torch.tensor([t[0] for t in things], dtype=torch.int64)
    slot = torch.tensor([t[1] for t in things], dtype=torch.int64)
    placed = Placed(
        picture,
        *(torch.tensor([t[k] for t in things], dtype=torch.float32) for k in (3, 4, 5)),
        torch.zeros(len(things)),
        keys[picture] + (slot + 1) * 7_046_029_254_386_353,  # far from the keys of other pictures
        [BY_NAME[t[2]] for t in things],
    )
    suns = torch.tensor(np.stack([s.light.sun for s in scenes]), dtype=torch.float32)
    suns = F.normalize(suns * torch.tensor([1.0, 1.0, 0.5]) + torch.tensor([0, 0, 0.4]), dim=1)
    sprites = draw_sprites(placed, frame, suns[picture], torch.full((len(things),), 0.25), 0.35)
    layers, covers, hidden = torch.empty(len(scenes), 3, frame.height, width), [], []
    for i, scene in enumerate(scenes):
        lit = torch.tensor(scene.light.ambient + 0.5 * scene.light.bright, dtype=torch.float32).view(3, 1, 1)
        own = [replace(sprite, colour=sprite.colour * lit) for sprite in (sprites[j] for j in placed.of(i))]
        behind = [sprite for sprite, thing in zip(own, scene.things, strict=True) if not thing[4]]
        before = [sprite for sprite, thing in zip(own, scene.things, strict=True) if thing[4]]
        layer = surroundings(scene.view, scene.light, frame, cloud[i], float(clouds[i]), earth[i])
        lay(layer, behind)
        colour, cover = facades(scene.planes, scene.view, scene.light, frame)
        layer.mul_(1 - cover).add_(colour)
        lay(layer, before)
        front = torch.zeros(frame.height, width)
        for sprite in before:
            _hide(front, sprite)
        layers[i] = layer
        covers.append(cover)
        hidden.append(front)
    return layers, covers, hidden


def _hide(front: Tensor, sprite: Sprite) -> None:
    """Add what a sprite covers to [H, W]."""
    h, w = sprite.cover.shape
    top, left = max(sprite.top, 0), max(sprite.left, 0)
    bottom, right = min(sprite.top + h, front.shape[0]), min(sprite.left + w, front.shape[1])
    if bottom > top and right > left:
        part = front[top:bottom, left:right]
        here = sprite.cover[top - sprite.top : bottom - sprite.top, left - sprite.left : right - sprite.left]
        torch.maximum(part, here, out=part)


@lru_cache(maxsize=64)
def _seen(individual: int, key: int, clear: bool, width: int) -> tuple[Scene, np.ndarray]:
    """A scene and what is in front of its building, [H, W]."""
    scene = Scene.draw(individual, key, clear)
    return scene, render([scene], torch.tensor([key]), width)[2][0].numpy()


def transfer(
    individual: int, one: tuple[int, bool], other: tuple[int, bool], points: np.ndarray, width: int
) -> np.ndarray:
    """Where points of one picture of a building are in another.

    one, other   key of each picture, and whether it is a clear one
    points       float [n, 2], x and y in pixels of the first picture (the middle of the first pixel is 0.5, 0.5)
    returns      float64 [n, 2] in pixels of the second; NaN where the point is not on the building, hidden in either
                 picture by something in front, seen from behind, or outside of the second
    """
    (first, hidden), (second, hides) = (_seen(individual, *which, width) for which in (one, other))
    at = np.asarray(points, float) / width
    which, where = first.owner(at)
    which[~_clear(at, hidden)] = -1
    out = np.full((len(at), 2), np.nan)
    for i, plane in enumerate(second.planes):
        rows = np.flatnonzero(which == i)
        if len(rows) and second.view.faces(plane):
            x, y, w = apply(second.view.homography(plane), where[rows])
            there = np.stack([x, y], 1)
            good = (w > 0) & _clear(there, hides)
            good[good] = second.owner(there[good])[0] == i
            out[rows[good]] = there[good] * width
    return out
