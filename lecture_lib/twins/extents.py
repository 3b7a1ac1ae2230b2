"""Where in a sketch a shape is: most parts of an object are small, and are worked out there only."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import wraps

import numpy as np
import torch
from torch import Tensor

Value = float | Tensor
FAR = 9.0  # where no part is
AROUND = 0.3  # so far around a part its distance is right


def most(a: Value, b: Value) -> Value:
    """The larger of two numbers or tensors, entry by entry."""
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        return torch.maximum(torch.as_tensor(a), torch.as_tensor(b))
    return max(a, b)


def ends(values: Sequence[Value]) -> tuple[float, float]:
    """The smallest and the largest number in all of `values`."""
    numbers = np.concatenate([np.atleast_1d(np.asarray(value, np.float32)) for value in values])
    return float(numbers.min()), float(numbers.max())


def within(extent: Callable[..., tuple[Sequence[Value], Sequence[Value], Value]]) -> Callable:
    """Work a shape out only in the rows and columns that it reaches, and AROUND it; elsewhere it is FAR.

    extent(*arguments of the shape) -> x and y of some points, and how far the shape reaches from them
    """

    def wrap(shape: Callable[..., Tensor]) -> Callable[..., Tensor]:
        @wraps(shape)
        def clipped(self, *args, **kwargs) -> Tensor:
            if self.x.shape[1] > 1 or self.y.shape[2] > 1:  # posed or bent: no rows and columns of its own
                return shape(self, *args, **kwargs)
            *points, reach = extent(*args, **kwargs)
            far, spans = ends([reach])[1] + AROUND, []
            for field, values in zip((self.x, self.y), points, strict=True):
                (low, high), field = ends(values), field.numpy()
                hit = ((field > low - far) & (field < high + far)).any(0).ravel().nonzero()[0]
                spans.append(slice(int(hit[0]), int(hit[-1]) + 1) if len(hit) else None)
            out = torch.full((len(self.cover), self.y.shape[1], self.x.shape[2]), FAR)
            if None not in spans:
                columns, rows = spans
                part = copy.copy(self)
                part.x, part.y = self.x[:, :, columns], self.y[:, rows]
                out[:, rows, columns] = shape(part, *args, **kwargs)
            return out

        return clipped

    return wrap
