"""Random numbers by counting, so that picture i is the same whichever pictures are drawn beside it.

A generator with hidden state would tie a picture to its batch and its device. Here the n-th draw of picture i
is a hash of (key_i, n): the SplitMix64 finaliser (Steele, Lea and Flood 2014) in wrapping int64 arithmetic.
"""

from __future__ import annotations

import torch
from torch import Tensor

_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed 64-bit integer
_M1 = -4658895280553007687  # 0xBF58476D1CE4E5B9
_M2 = -7723592293110705685  # 0x94D049BB133111EB


def hash64(z: Tensor) -> Tensor:
    """Mix int64 values, any shape; the masks turn torch's arithmetic shift into a logical one."""
    z = z + _GOLDEN
    z = (z ^ ((z >> 30) & 0x3FFFFFFFF)) * _M1
    z = (z ^ ((z >> 27) & 0x1FFFFFFFFF)) * _M2
    return z ^ ((z >> 31) & 0x1FFFFFFFF)


def unit(z: Tensor) -> Tensor:
    """Hash int64 values to float32 in [0, 1) with 24 random bits."""
    return ((hash64(z) >> 40) & 0xFFFFFF).float() * 2.0**-24


class Chance:
    """A stream of draws for each of B pictures.

    keys [B] int64: one a picture. Streams with the same keys and another `stream` number are independent.
    """

    def __init__(self, keys: Tensor, stream: int = 0) -> None:
        self.keys = hash64(keys + hash64(torch.tensor(stream, device=keys.device)))
        self.count = 0

    def __len__(self) -> int:
        return len(self.keys)

    def __call__(self, low: float | Tensor = 0.0, high: float | Tensor = 1.0) -> Tensor:
        """Draw [B] float32, uniform between low and high."""
        self.count += 1
        return low + (high - low) * unit(self.keys + self.count)

    def chance(self, p: float | Tensor) -> Tensor:
        """Draw [B] float32, 1 with probability p, else 0."""
        return (self() < p).float()

    def pick(self, n: int) -> Tensor:
        """Draw [B] int64 from 0..n-1."""
        return (self() * n).long()

    def lattice(self, *shape: int) -> Tensor:
        """Draw [B, *shape] float32 in [0, 1): the knots of a noise field."""
        self.count += 1
        n = torch.arange(1, 1 + torch.Size(shape).numel(), device=self.keys.device)
        base = hash64(self.keys + self.count)
        return unit(base[:, None] + n).view(len(self), *shape)
