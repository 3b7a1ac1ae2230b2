"""Help for kinds whose members differ much in size: draw them in units of their own and fill the picture anyway."""

from __future__ import annotations

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch

NOWHERE = 9.0  # add it to a distance where an object lacks that part


def fit(s: Sketch, left: Tensor, right: Tensor, bottom: Tensor, top: Tensor) -> None:
    """From now on draw in units in which the box [left, right] x [bottom, top] fills the object box."""
    k = torch.maximum(right - left, top - bottom) / 1.88
    s.x = s.x * _at(k) + _at((left + right) / 2)
    s.y = s.y * _at(k) + _at((bottom + top) / 2)
    s.pixel = s.pixel * _at(k)


def only(d: Tensor, switch: Tensor) -> Tensor:
    """The shape d [B, H, W] where `switch` [B] is 1; where it is 0, a shape that is nowhere."""
    return d + _at((1 - switch) * NOWHERE)


def union(*shapes: Tensor) -> Tensor:
    """All shapes as one."""
    d = shapes[0]
    for other in shapes[1:]:
        d = torch.minimum(d, other)
    return d


def most(*values: Tensor) -> Tensor:
    """The largest of several [B]."""
    return torch.stack(torch.broadcast_tensors(*values)).amax(0)


def _at(t: Tensor) -> Tensor:
    return t.view(-1, 1, 1)
