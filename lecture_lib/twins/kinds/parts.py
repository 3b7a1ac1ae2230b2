"""Small helpers for kinds whose classes have different parts: switches, shared fills, turned bodies."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch


def named(names: Sequence[str], **given: float) -> tuple[float, ...]:
    """Genes in the order of `names`; what a class does not name is 0: it has no such part."""
    if unknown := given.keys() - set(names):
        raise ValueError(f"There are no genes {', '.join(sorted(unknown))}; there are {', '.join(names)}.")
    return tuple(float(given.get(name, 0)) for name in names)


def on(gene: Tensor) -> Tensor:
    """A switch gene as 0 or 1."""
    return (gene > 0.5).float()


def only(d: Tensor, when: Tensor) -> Tensor:
    """The shape where `when` [B] is 1, nothing elsewhere: parts of different classes can share one fill."""
    return d + 9 * (1 - when.view(-1, 1, 1))


def each(s: Sketch, *parts: tuple) -> Tensor:
    """A shape that is another one in each class: each part is (when, shape, *values).

    shape(p, *values) is worked out for those pictures only whose `when` [B] is 1, p being the sketch and values
    the tensors [B] of just these; a mixed batch so costs one shape a picture rather than all of them.
    """
    d = torch.full_like(s.cover, 9.0)
    p = copy.copy(s)
    for when, shape, *values in parts:
        rows = when.nonzero().flatten()
        if len(rows):
            p.cover = s.cover[rows]
            if len(s.x) > 1:
                p.x, p.y = s.x[rows], s.y[rows]
            d[rows] = torch.minimum(d[rows], shape(p, *(v[rows] for v in values)))
    return d


def union(*shapes: Tensor) -> Tensor:
    """All points of any of the shapes."""
    d = shapes[0]
    for other in shapes[1:]:
        d = torch.minimum(d, other)
    return d


def turned(s: Sketch, cx: Tensor | float, y: list[Tensor], w: list[Tensor], soft: float = 0.10) -> Tensor:
    """A body of revolution: half-width w[k] at height y[k], straight in between, bends rounded by `soft`."""
    slopes = [(w[k + 1] - w[k]) / (y[k + 1] - y[k]) for k in range(len(w) - 1)]
    width = s.at(w[0]) + s.at(slopes[0]) * (s.y - s.at(y[0]))
    steep = s.at(slopes[0])
    for k in range(1, len(slopes)):
        u = s.y - s.at(y[k])
        root = (u * u + soft * soft).sqrt_()
        bend = s.at((slopes[k] - slopes[k - 1]) / 2)
        width = width + bend * (u + root)
        steep = steep + bend * (1 + u / root)
    side = ((s.x - s.at(cx)).abs() - width) * (1 + steep * steep).rsqrt()
    ends = (s.y - s.at((y[0] + y[-1]) / 2)).abs() - s.at((y[-1] - y[0]) / 2)
    return torch.maximum(side, 3 * ends)  # steeper ends: round to the sides, a narrow rim at foot and lip


def fit(s: Sketch, left: Tensor, right: Tensor, bottom: Tensor, top: Tensor) -> None:
    """From now on draw in units in which the box [left, right] x [bottom, top] fills the object box."""
    k = torch.maximum(right - left, top - bottom) / 1.88
    s.x = s.x * s.at(k) + s.at((left + right) / 2)
    s.y = s.y * s.at(k) + s.at((bottom + top) / 2)
    s.pixel = s.pixel * s.at(k)


def most(*values: Tensor) -> Tensor:
    """The largest of several [B]."""
    return torch.stack(torch.broadcast_tensors(*values)).amax(0)
