"""What the fronts of one building share: its style, paints, stones and ornaments.

The four styles and their ranges follow what stands in old towns: storeys of 3 to 4.2 m, bays of 2.2 to 3.6 m, courses
of stones of 0.28 to 0.6 m. Distractors are of the same styles as landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins.paints import hsv

STYLES = ("college", "classical", "townhouse", "palace")
TOPS = {  # what may be above the eaves
    "college": ("battlements", "gables", "battlements"),
    "classical": ("balusters", "pediment", "balusters"),
    "townhouse": ("plain", "gables", "plain"),
    "palace": ("balusters", "plain", "plain"),
}
ARCHES = {
    "college": ("pointed", "pointed", "flat", "round"),
    "classical": ("flat", "round", "flat"),
    "townhouse": ("flat", "flat", "round"),
    "palace": ("round", "flat", "round"),
}
Random = np.random.Generator


@dataclass(frozen=True)
class Look:
    """What all fronts of one building share: style, colours [3] each, sizes of its stones in metres, and its trims."""

    style: str
    wall: Tensor
    trim: Tensor
    roof: Tensor
    wood: Tensor
    course: float
    stone: float
    uneven: float
    storey: float
    bay: float
    top: str
    ornaments: Tensor  # [4, 24, 24], heights
    quoins: bool
    pilasters: bool
    railing: bool

    @classmethod
    def draw(cls, random: Random) -> Look:
        """Draw a building's look."""
        style = STYLES[random.integers(len(STYLES))]
        paint = lambda h, s, v: hsv(*(torch.tensor([x], dtype=torch.float32) for x in (h, s, v)))[0]  # noqa: E731
        u = random.uniform
        brick = style == "townhouse"
        wall = paint(u(0.0, 0.05), u(0.35, 0.6), u(0.4, 0.65)) if brick and u() < 0.6 else None
        wall = paint(u(0.08, 0.14), u(0.08, 0.38), u(0.5, 0.85)) if wall is None else wall
        slate = u() < 0.6
        roof = paint(u(0.55, 0.65), 0.15, u(0.25, 0.42)) if slate else paint(u(0.02, 0.07), 0.55, u(0.4, 0.6))
        field = torch.from_numpy(random.normal(size=(4, 1, 7, 7)).astype(np.float32))
        field = F.interpolate(field, (24, 24), mode="bicubic", align_corners=True)[:, 0]
        field = field + field.flip(2)  # ornaments are mostly symmetric
        return cls(
            style,
            wall,
            paint(u(0.08, 0.14), u(0.03, 0.25), u(0.62, 0.95)),
            roof,
            paint(u(0, 1), u(0.2, 0.7), u(0.15, 0.75)),
            u(0.28, 0.6),
            u(0.55, 1.2),
            u(0.03, 0.11),
            u(3.0, 4.2),
            u(2.2, 3.6),
            TOPS[style][random.integers(3)],
            torch.sigmoid(4 * field),
            bool(u() < 0.5),
            bool(u() < {"college": 0.25, "classical": 0.9, "townhouse": 0.2, "palace": 0.6}[style]),
            bool(u() < 0.35),
        )
