"""Random numbers by counting, so that picture i is the same whichever pictures are drawn beside it.

A generator with hidden state would tie a picture to its batch and its device. Here the n-th draw of picture i
is a hash of (key_i, n): the SplitMix64 finaliser (Steele, Lea and Flood 2014) in wrapping uint64 arithmetic.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_GOLDEN, _M1, _M2 = (np.uint64(k) for k in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def hash64(z: np.ndarray) -> np.ndarray:
    """Mix uint64 values, any shape. In NumPy, whose steps cost a tenth of torch's where there are few values."""
    z = z + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _M1
    z = (z ^ (z >> np.uint64(27))) * _M2
    return z ^ (z >> np.uint64(31))


def unit(z: np.ndarray) -> Tensor:
    """Hash uint64 values to float32 in [0, 1) with 24 random bits."""
    return torch.from_numpy((hash64(z) >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24))


class Chance:
    """A stream of draws for each of B pictures.

    keys [B] int64: one a picture. Streams with the same keys and another `stream` number are independent.
    """

    def __init__(self, keys: Tensor, stream: int = 0) -> None:
        self.keys = hash64(keys.numpy().view(np.uint64) + hash64(np.array([stream], np.uint64)))
        self.count = 0

    def __len__(self) -> int:
        return len(self.keys)

    def __call__(self, low: float | Tensor = 0.0, high: float | Tensor = 1.0) -> Tensor:
        """Draw [B] float32, uniform between low and high."""
        self.count += 1
        return low + (high - low) * unit(self.keys + np.uint64(self.count))

    def chance(self, p: float | Tensor) -> Tensor:
        """Draw [B] float32, 1 with probability p, else 0."""
        return (self() < p).float()

    def pick(self, n: int) -> Tensor:
        """Draw [B] int64 from 0..n-1."""
        return (self() * n).long()

    def lattice(self, *shape: int) -> Tensor:
        """Draw [B, *shape] float32 in [0, 1): the knots of a noise field."""
        self.count += 1
        n = np.arange(1, 1 + np.prod(shape), dtype=np.uint64)
        base = hash64(self.keys + np.uint64(self.count))
        return unit(base[:, None] + n).view(len(self), *shape)
