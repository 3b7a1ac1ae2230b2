"""Buildings at a street corner, photographed from many sides: the twins of Oxford5k and Paris6k.

A building is made of planes in space (two fronts, roofs over them, often a tower with its own), each with a sheet of
`masonry`, and a picture is one true perspective of them: every plane is seen through a homography. So which point of
one picture is which of another is known exactly (`transfer`), and so is what share of a building can be seen.

Metres: X to the right, Y up, Z towards the photographer, the corner of the building at the origin. Ranges are those of
a tourist's photographs: from 60 degrees left to 60 degrees right, from one to two and a half building sizes away, at
eye level (one in six from higher up), in sun, under clouds or at dusk, with trees, people and cars in the way. No
range was chosen by what a retrieval method makes of it. Pictures are three quarters as high as wide.
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
from lecture_lib.twins.world import BY_NAME, on_all_cores

EYE = 1.7  # metres
FINE = 2  # samples a pixel in each direction, so that far walls do not flicker
WIDEST = 0.45  # picture widths, half of a thing's side: nobody photographs the side of a bus
GRID = 28  # points across a plane that its visible share is counted on
DIAGONAL = 0.5**0.5
ALONG = np.array([[-1, 0, -1], [1, 0, -1]]) * DIAGONAL  # of the left and the right front, from the corner
OUT = np.array([[-1, 0, 1], [1, 0, 1]]) * DIAGONAL
UP = np.array([0.0, 1.0, 0.0])
BEHIND = (
    ("oak", 9.0),
    ("fir", 11.0),
    ("house", 9.0),
    ("oak", 7.0),
    ("barn", 9.0),
    ("church", 16.0),
)  # metres
BEFORE = (("walking", 1.75), ("standing", 1.7), ("car", 4.2), ("van", 4.8), ("oak", 6.0), ("fir", 6.0), ("bus", 9.0),
          ("bicycle", 1.8), ("waving", 1.8))  # fmt: skip


@dataclass(frozen=True)
class Plane:
    """A rectangle in space, metres [3], with its sheet [6, h, w] at full, half, .. resolution."""

    origin: np.ndarray
    along: np.ndarray
    up: np.ndarray
    size: tuple[float, float]
    sheets: list[Tensor]

    @property
    def normal(self) -> np.ndarray:
        """Outwards."""
        n = np.cross(self.along, self.up)
        return n if n[2] > 0 else -n

    def covers(self, s: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Whether there is something at metres s along and t up, any shape."""
        cover = self.sheets[0][5].numpy()
        column = np.floor(s * masonry.PPM)
        row = np.floor((self.size[1] - t) * masonry.PPM)
        inside = (column >= 0) & (row >= 0) & (column < cover.shape[1]) & (row < cover.shape[0])
        return inside & (
            cover[np.where(inside, row, 0).astype(int), np.where(inside, column, 0).astype(int)] > 0.5
        )


def _plane(origin: np.ndarray, along: np.ndarray, up: np.ndarray, sheet: Tensor) -> Plane:
    levels = [sheet]
    while len(levels) < 5:
        levels.append(F.avg_pool2d(levels[-1][None], 2, ceil_mode=True)[0])
    size = (sheet.shape[2] / masonry.PPM, sheet.shape[1] / masonry.PPM)
    return Plane(origin, along, up, size, levels)


@lru_cache(maxsize=24)
def building(individual: int) -> tuple[Plane, ...]:
    """The planes of an individual, from behind to before."""
    random = np.random.default_rng(individual & (2**63 - 1))
    look = masonry.Look.draw(random)
    u = random.uniform
    wide = u(7.5, 15, 2)
    height = 0.8 + look.storey * int(random.integers(2, 5))
    slope = np.radians(u(45, 68))
    length = min(u(2.6, 4.6), 0.9 * (wide.min() / 2) / np.cos(slope))
    fronts = [masonry.front(random, look, w, height) for w in wide]
    roofs = [masonry.roof(random, look, w, length, length * np.cos(slope)) for w in wide]
    eaves = height * UP
    planes = [_plane(eaves, ALONG[i], np.sin(slope) * UP - np.cos(slope) * OUT[i], roofs[i]) for i in (0, 1)]
    planes += [_plane(0 * UP, ALONG[i], UP, fronts[i]) for i in (0, 1)]
    if random.random() < 0.55:
        w, tall, corner = u(3.0, 4.6), height + u(2.5, 7), 0.3 * OUT.sum(0)
        if random.random() < 0.6:
            spire = u(3.0, 7.0)
            slant = np.hypot(spire, w / 2)
            caps = masonry.roof(random, look, w, slant, w / 2)
            for i in (0, 1):
                planes.append(
                    _plane(corner + tall * UP, ALONG[i], (spire * UP - w / 2 * OUT[i]) / slant, caps)
                )
        faces = [masonry.front(random, look, w, tall) for _ in range(2)]
        planes += [_plane(corner, ALONG[i], UP, faces[i]) for i in (0, 1)]
    return tuple(planes)


@dataclass(frozen=True)
class View:
    """Where a picture is taken from: camera in metres [3], and the matrix [3, 3] from metres to the picture.

    A point p is seen at q = matrix @ (p - camera), in picture widths (q[0], q[1]) / q[2], y down; focal: of the lens,
    in picture widths.
    """

    camera: np.ndarray
    matrix: np.ndarray
    focal: float

    def see(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where points [..., 3] are: picture coordinates [..., 2] and distance [...]."""
        q = (points - self.camera) @ self.matrix.T
        return q[..., :2] / q[..., 2:], q[..., 2]

    def homography(self, plane: Plane) -> np.ndarray:
        """From metres on a plane (s, t, 1) to the picture, [3, 3]."""
        return self.matrix @ np.stack([plane.along, plane.up, plane.origin - self.camera], 1)

    def faces(self, plane: Plane) -> bool:
        """Whether the plane shows its outer side."""
        return float(plane.normal @ (self.camera - plane.origin)) > 0.05


def look_at(planes: tuple[Plane, ...], random: np.random.Generator, clear: bool) -> View:
    """Choose from where and how a picture is taken; clear: as one who wants all of the building in it."""
    u = random.uniform
    low = np.stack([p.origin for p in planes] + [p.origin + p.size[0] * p.along for p in planes])
    ends = np.concatenate([low, low + np.stack([p.size[1] * p.up for p in planes] * 2)])
    reach = np.ptp(ends, 0).max()
    turn = np.radians(u(-60, 60))
    eye = EYE if u() < 5 / 6 else u(4, 10)
    far = reach * u(0.9, 2.4)
    camera = np.array([np.sin(turn) * far, eye, np.cos(turn) * far])
    forward = ends.mean(0) * [1, u(0.75, 1.1), 1] - camera
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, UP)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    roll = 0.035 * random.normal()
    right, down = np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right
    axes = np.stack([right, down, forward])
    shown = np.concatenate(
        [ends[i :: len(planes)] for i, p in enumerate(planes) if View(camera, axes, 1).faces(p)]
    )
    at = (shown - camera) @ axes.T
    at = at[:, :2] / at[:, 2:].clip(0.3)
    low, high = at.min(0), at.max(0)
    kind = random.choice(3, p=(1.0, 0, 0) if clear else (0.5, 0.32, 0.18))
    zoom = (u(0.72, 0.98), u(0.9, 2.2), u(1.0, 3.2))[kind]
    focal = zoom / max(high[0] - low[0], (high[1] - low[1]) / 0.75)
    half = focal * (high - low) / 2
    room = np.abs(np.array([0.5, 0.375]) - half)  # how far its middle may be off, so that it fills or fits in
    if kind < 2:
        off = u(-1, 1, 2) * room * (1, 0.9)
    else:  # at the border, much of it outside
        off = (
            (half + np.array([0.5, 0.375])) * u(0.45, 0.95) * np.array([random.choice([-1, 1]), u(-0.3, 0.3)])
        )
    middle = np.array([0.5, 0.375]) + off - focal * (low + high) / 2
    return View(camera, np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]]) @ axes, focal)


@dataclass(frozen=True)
class Light:
    """Of a picture: direction of the sun [3], its colour and the sky's [3], and the sky's paints above and below."""

    sun: np.ndarray
    bright: np.ndarray
    ambient: np.ndarray
    sky: np.ndarray

    @classmethod
    def draw(cls, random: np.random.Generator) -> Light:
        """Draw a weather."""
        u = random.uniform
        kind = random.choice(3, p=(0.55, 0.25, 0.2))
        side, rise = np.radians(u(-110, 110)), np.radians((u(20, 60), u(40, 70), u(6, 18))[kind])
        sun = np.array([np.cos(rise) * np.sin(side), np.sin(rise), np.cos(rise) * np.cos(side)])
        if kind == 0:
            sky = np.array([[0.25, 0.45, 0.8], [0.7, 0.82, 0.95]]) * u(0.75, 1.05)
            return cls(
                sun,
                u(0.55, 0.9) * np.array([1.0, 0.93, 0.82]),
                u(0.35, 0.55) * np.array([0.92, 0.97, 1.08]),
                sky,
            )
        if kind == 1:
            sky = np.array([[0.6, 0.63, 0.68], [0.82, 0.84, 0.86]]) * u(0.75, 1.1)
            return cls(sun, 0.12 * np.ones(3), u(0.65, 0.95) * np.array([0.97, 1.0, 1.04]), sky)
        warm = u()
        sky = np.array([[0.16, 0.2, 0.42], [0.5 + 0.4 * warm, 0.4, 0.45 - 0.2 * warm]]) * u(0.6, 1.0)
        return cls(
            sun, u(0.3, 0.7) * np.array([1.1, 0.75, 0.45]), u(0.35, 0.55) * np.array([0.85, 0.9, 1.15]), sky
        )

    def on(self, normal: np.ndarray) -> np.ndarray:
        """Light [3] on a surface that faces `normal`."""
        return self.ambient * (0.85 + 0.15 * normal[1]) + self.bright * max(0.0, float(normal @ self.sun))


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
        spots += [(BEFORE[:4] + BEFORE[7:], u(near, 0.92), True) for _ in range(crowd)]
        spots += [(BEFORE[4 : 6 if clear else 7], u(near, 0.9), True) for _ in range(large)]
        things = []
        for table, depth, front in sorted(spots, key=lambda spot: -spot[1]):
            name, metres = table[random.integers(len(table))]
            foot = view.camera * [1, 0, 1] + depth * far * forward
            (x, _), away = view.see(foot)
            across = (u(-0.05, 1.05) - x) * away / view.focal
            (x, y), away = view.see(foot + across * side)
            scale = metres * u(0.85, 1.2) * view.focal / away / 2
            if scale < WIDEST:
                things.append((name, float(x), float(y - 0.95 * scale), float(scale), front))
        return cls(planes, view, light, tuple(things))

    def owner(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which plane is seen at picture coordinates [n, 2] (-1: none), and where on it: int [n], metres [n, 2]."""
        which, where = np.full(len(at), -1), np.full((len(at), 2), np.nan)
        for i, plane in enumerate(self.planes):
            if self.view.faces(plane):
                s, t, _ = _apply(np.linalg.inv(self.view.homography(plane)), at)
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
            x, y, w = _apply(h, np.stack([s, t], 1))
            points.append(np.stack([x, y], 1)[w > 0.1])
            areas.append((abs(np.linalg.det(h)) / w**3 * np.prod(plane.size) / GRID**2)[w > 0.1])
            planes.append(np.full((w > 0.1).sum(), i))
        points, areas, planes = (np.concatenate(a) for a in (points, areas, planes))
        own = self.owner(points)[0] == planes  # not behind the tower
        return points[own], areas[own], planes[own]


def _apply(h: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A homography [3, 3] of points [n, 2]: x, y and the third coordinate, [n] each."""
    x, y, w = h[:, :2] @ at.T + h[:, 2:]
    return x / w, y / w, w


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
        layer = _surroundings(scene, frame, cloud[i], float(clouds[i]), earth[i])
        lay(layer, behind)
        colour, cover = _building(scene, frame)
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


def _rays(view: View, window: Window) -> Tensor:
    """Directions in space [H, W, 3] of the pixels."""
    u, v = window.axes()
    u, v = torch.broadcast_tensors(u[0], v[0])
    back = torch.tensor(np.linalg.inv(view.matrix), dtype=torch.float32)
    return torch.stack([u, v, torch.ones_like(u)], 2) @ back.T


def _surroundings(scene: Scene, window: Window, cloud: Tensor, clouds: float, earth: Tensor) -> Tensor:
    """Sky and ground [3, H, W]; cloud [H, W] and earth [3, S, S] are the picture's own."""
    ray = F.normalize(_rays(scene.view, window), dim=2)
    top, low = torch.tensor(scene.light.sky, dtype=torch.float32)[:, :, None, None]
    rise = ray[..., 1].clamp(0, 1).sqrt()
    sky = low + (top - low) * rise
    white = ((cloud - 0.75 + 0.5 * clouds) * 4).clamp(0, 1) * 0.7
    sky = torch.lerp(sky, (low.mean() + 0.15).expand_as(sky), white)
    x, y, z = (float(c) for c in scene.view.camera)
    far = (y / (-ray[..., 1]).clamp(min=1e-3)).clamp(max=400)
    at = torch.stack([x + far * ray[..., 0], z + far * ray[..., 2]], 2) / 6
    ground = F.grid_sample(earth[None], at[None], padding_mode="reflection", align_corners=False)[0]
    ground = torch.lerp(ground, earth.mean((1, 2), keepdim=True), (far / 60).clamp(0, 1))
    lit = torch.tensor(scene.light.on(UP), dtype=torch.float32).view(3, 1, 1)
    return torch.lerp(sky, ground * lit, (-ray[..., 1] * 200 + 0.5).clamp(0, 1))


def _building(scene: Scene, window: Window) -> tuple[Tensor, Tensor]:
    """The building in its light: colour [3, H, W] times its cover, and its cover [H, W]."""
    width, height = window.width * FINE, window.height * FINE
    out = torch.zeros(4, height, width)
    for plane in scene.planes:
        if not scene.view.faces(plane):
            continue
        h = scene.view.homography(plane)
        ends = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * plane.size
        x, y, w = _apply(h, ends)
        if (w < 0.1).any():  # reaches behind the camera
            low, high = np.zeros(2, int), np.array([width, height])
        else:
            low = np.floor([x.min() * width, y.min() * width]).astype(int).clip(0, [width, height])
            high = np.ceil([x.max() * width, y.max() * width]).astype(int).clip(0, [width, height])
        if (high <= low).any():
            continue
        back = torch.tensor(np.linalg.inv(h), dtype=torch.float32)
        u = (torch.arange(low[0], high[0]) + 0.5)[None] / width
        v = (torch.arange(low[1], high[1]) + 0.5)[:, None] / width
        s, t, one = (back[k, 0] * u + back[k, 1] * v + back[k, 2] for k in range(3))
        grid = torch.stack([s / one * (2 / plane.size[0]) - 1, 1 - t / one * (2 / plane.size[1])], 2)
        # pixels of the sheet for a pixel of the picture, at the middle of what is seen
        middle = _apply(h, np.array(plane.size)[None] / 2)[2]
        fine = np.sqrt(abs(np.linalg.det(h)) / middle[0].clip(0.5) ** 3) * width / masonry.PPM
        sheet = plane.sheets[int(np.clip(np.round(-np.log2(fine)), 0, len(plane.sheets) - 1))]
        seen = F.grid_sample(sheet[None], grid[None], align_corners=False)[0]
        cover = seen[5] * (one > 0) if (w < 0.1).any() else seen[5]
        ambient, bright, sun = scene.light.ambient, scene.light.bright, scene.light.sun
        n, a, b = (float(axis @ sun) for axis in (plane.normal, plane.along, plane.up))
        toward = (n - a * seen[3] - b * seen[4]) * (1 + seen[3] ** 2 + seen[4] ** 2).rsqrt()
        soft = 1 - 0.18 * seen[4].clamp(-1.5, 1.5)  # the sky lights ledges from above
        column = lambda c: torch.tensor(c, dtype=torch.float32).view(3, 1, 1)  # noqa: E731
        light = column(ambient) * soft + column(bright) * toward.clamp(min=0) * (1.0 if n > 0 else 0.3)
        part = out[:, low[1] : high[1], low[0] : high[0]]
        part.mul_(1 - cover)
        part[:3] += seen[:3] * light * cover
        part[3] += cover
    out = F.avg_pool2d(out[None], FINE)[0]
    return out[:3], out[3]


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
            x, y, w = _apply(second.view.homography(plane), where[rows])
            there = np.stack([x, y], 1)
            good = (w > 0) & _clear(there, hides)
            good[good] = second.owner(there[good])[0] == i
            out[rows[good]] = there[good] * width
    return out
