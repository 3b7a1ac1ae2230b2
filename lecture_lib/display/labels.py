"""Names beside marks, where they cover nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

REACHES = (9, 15, 23, 33, 45, 60)  # points from a mark to its name: the nearest that is free
ANGLES = (0, 180, 90, 270, 30, 330, 150, 210, 60, 300, 120, 240)  # degrees: beside it before above it
ROOM = 2  # pixels between two names


def place_name(
    text: Annotation, inside: Bbox, taken: Sequence[Bbox], *, on: bool = False
) -> tuple[Bbox, float]:
    """Move a name to the nearest place around its mark that is free; where none is, to the one least covered.

    text    an annotation whose offset is in points
    inside  the pixels in which it shall lie
    taken   what it shall not cover, in pixels
    on      it may also lie upon its mark, which is then the first choice

    Returns its box in pixels, and how many points it lies from its mark.
    """
    best, least = (0.0, 0.0), np.inf
    for reach, angle in [(0, 90)] * on + list(product(REACHES, ANGLES)):
        box = move_name(text, reach, angle)
        covered = box.width * box.height - overlap(box, inside) + sum(overlap(box, other) for other in taken)
        if covered < least:
            best, least = (reach, angle), covered
        if covered <= 0:
            break
    return move_name(text, *best).padded(ROOM), best[0]


def move_name(text: Annotation, reach: float, angle: float) -> Bbox:
    """Put a name `reach` points from its mark in the direction of `angle` degrees; returns its box in pixels."""
    across, up = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    text.set(
        position=(reach * across, reach * up),
        ha="left" if reach * across > 1 else "right" if reach * across < -1 else "center",
        va="bottom" if reach * up > 1 else "top" if reach * up < -1 else "center",
    )
    return text.get_window_extent()


def overlap(one: Bbox, other: Bbox) -> float:
    """The area that two boxes share."""
    both = Bbox.intersection(one, other)
    return both.width * both.height if both else 0.0
