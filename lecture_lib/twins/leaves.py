"""Dead leaves: textures with the statistics of nature, drawn once a process and sampled ever after.

Leaves that hide one another and whose radii follow a power law have the spectra and the edges of photographs (Lee,
Mumford and Huang 2001). A sheet is covered with them; pictures take a piece of a sheet, turned, at any scale and
in tints of their own.
"""

from __future__ import annotations

from functools import cache
from threading import Lock

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins.chance import Chance

SIDE = 384  # pixels of a sheet
ACROSS = 6  # sheets, in each direction of the atlas
SMALLEST, LARGEST = 1.3, 90.0  # radii in pixels
ROUNDS = 6
_lock = Lock()


def _sheet(random: np.random.Generator) -> np.ndarray:
    """One sheet float32 [2, SIDE, SIDE] in [0, 1]: brightness, and which of two tints."""
    smallest = SMALLEST * 2 ** random.uniform(0, 1.5)
    power = random.uniform(1.6, 2.4)  # of the radii's distribution; nature's is 2
    n = int(1.6 * SIDE**2 / (np.pi * smallest**2 * 3) / ROUNDS)
    boxes, long = random.random() < 0.4, random.uniform(1, 2.5)
    lean = random.uniform(0, np.pi) if random.random() < 0.5 else None  # all alike, or each its own way
    base, spread = random.uniform(0.35, 0.65), random.uniform(0.2, 0.5)
    out = np.full((2, SIDE, SIDE), base, np.float32)
    for _ in range(ROUNDS):
        radius = np.minimum(smallest * (1 - random.random(n)) ** (-1 / power), LARGEST)
        for low, high in ((0, 3), (3, 6), (6, 12), (12, 25), (25, 50), (50, 99)):
            r = radius[(radius >= low) & (radius < high)]
            if not len(r):
                continue
            reach = int(np.ceil(min(high, r.max()) * np.sqrt(long) * (1.42 if boxes else 1)))
            step = np.arange(-reach, reach + 1)
            for part in np.array_split(np.arange(len(r)), max(1, len(r) * len(step) ** 2 // 2_000_000)):
                m, size = len(part), r[part, None, None]
                cx, cy = random.integers(0, SIDE, (2, m, 1, 1))
                turn = random.uniform(0, np.pi, (m, 1, 1)) if lean is None else lean
                dx = (step * np.cos(turn) + step[:, None] * np.sin(turn)) / (size * np.sqrt(long))
                dy = (step[:, None] * np.cos(turn) - step * np.sin(turn)) / size * np.sqrt(long)
                inside = (np.maximum(np.abs(dx), np.abs(dy)) if boxes else dx * dx + dy * dy) < 1
                value = base + spread * random.normal(0, 0.6, (m, 1, 1))
                slope = random.normal(0, 0.10, (m, 1, 1))
                which, row, column = inside.nonzero()
                at = ((row + cy[which, 0, 0] - reach) % SIDE, (column + cx[which, 0, 0] - reach) % SIDE)
                out[(0, *at)] = (value + slope * dy)[inside]  # of leaves at one place, the last one stays
                out[(1, *at)] = np.broadcast_to(random.random((m, 1, 1)), inside.shape)[inside]
    return out.clip(0.02, 1)


@cache
def _atlases() -> list[Tensor]:
    """All sheets side by side at falling resolutions: float32 [1, 2, S, S]."""
    sheets = np.stack([_sheet(np.random.default_rng(seed)) for seed in range(ACROSS**2)])
    rows = torch.from_numpy(sheets).view(ACROSS, ACROSS, 2, SIDE, SIDE)
    levels = [rows.permute(2, 0, 3, 1, 4).reshape(1, 2, ACROSS * SIDE, ACROSS * SIDE)]
    soft = torch.tensor([0.25, 0.5, 0.25])  # leaves have no stairs where a sheet is seen from near
    levels[0] = F.conv2d(levels[0].movedim(1, 0), soft.view(1, 1, 1, 3), padding=(0, 1))
    levels[0] = F.conv2d(levels[0], soft.view(1, 1, 3, 1), padding=(1, 0)).movedim(0, 1)
    while len(levels) < 5:
        levels.append(F.avg_pool2d(levels[-1], 2))
    return levels


def sample(r: Chance, extent: Tensor, width: int, height: int, tints: bool = True) -> Tensor:
    """Pieces of sheets [B, 2, height, width], of a sheet and a place drawn from r: brightness and tint, in [0, 1].

    extent   [B], how many pixels of a sheet are to be seen across the width, at most SIDE / 1.28
    tints    without them [B, 1, height, width]
    """
    angle, sheet = r(0, 2 * np.pi), r.pick(ACROSS**2)
    middle = torch.stack([r(), r()], 1) * (SIDE - 1.2 * extent[:, None]) + 0.6 * extent[:, None]
    corner = torch.stack([sheet % ACROSS, sheet // ACROSS], 1) * SIDE
    scale = 2 / (ACROSS * SIDE)
    u = ((torch.arange(width) + 0.5) / width - 0.5).view(1, 1, -1)
    v = ((torch.arange(height) + 0.5 - height / 2) / width).view(1, -1, 1)
    cos, sin = (f(angle).mul(extent * scale).view(-1, 1, 1) for f in (torch.cos, torch.sin))
    at = ((middle + corner) * scale - 1).view(-1, 2, 1, 1)
    grid = torch.stack([at[:, 0] + cos * u - sin * v, at[:, 1] + sin * u + cos * v], 3)
    with _lock:  # the first thread draws the sheets, the others wait for them
        atlases = _atlases()
    level = (extent / width).log2().floor().clamp(0, len(atlases) - 1).long()
    channels = 1 + tints
    out = torch.empty(len(extent), channels, height, width)
    for k in level.unique().tolist():
        rows = (level == k).nonzero()[:, 0]
        tall = grid[rows].reshape(
            1, len(rows) * height, width, 2
        )  # all pictures as one: one atlas serves all
        piece = F.grid_sample(atlases[k][:, :channels], tall, mode="bilinear", align_corners=False)
        out[rows] = piece.view(channels, len(rows), height, width).movedim(0, 1)
    return out
