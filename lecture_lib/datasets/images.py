"""Pictures by index: what is asked of them, and those in one array; `files.py` has those in files.

All arrays are read-only.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor


class Images(Protocol):
    """Pictures by index: all that an encoder needs to know of them.

    `names` has one name a picture (a file, or "twin 17"); `fingerprint` changes when any pixel may have
    changed.
    """

    names: Sequence[str]
    fingerprint: str

    def __len__(self) -> int: ...

    def __getitem__(self, i: int) -> Tensor:
        """Picture i as uint8 [3, H, W]."""

    def take(self, indices: np.ndarray) -> "Images":
        """The pictures at `indices` (int64 [n]), in that order."""


@dataclass(frozen=True, eq=False)
class ArrayImages:
    """Pictures of one size in one array, which may be a read-only memory map.

    array        uint8 [N, 3, H, W]
    content      what made the array (any text), if known; otherwise the pixels are hashed for the fingerprint
    rows         int64 [n], the rows of `array` that are the pictures 0 .. n-1 (default: all)
    """

    array: np.ndarray
    content: str | None = None
    rows: np.ndarray | None = None

    def __post_init__(self):
        if self.array.dtype != np.uint8 or self.array.ndim != 4 or self.array.shape[1] != 3:
            raise ValueError(
                f"ArrayImages wants uint8 [N, 3, H, W], not {self.array.dtype} {list(self.array.shape)}."
            )
        rows = np.arange(len(self.array)) if self.rows is None else self.rows
        object.__setattr__(self, "rows", frozen_array(rows, np.int64))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Tensor:
        return torch.from_numpy(np.array(self.array[self.rows[i]]))  # a copy: the array may be read-only

    def take(self, indices: np.ndarray) -> "ArrayImages":
        """The pictures at `indices`, without copying any pixel."""
        return replace(self, content=self._content, rows=self.rows[indices])

    @cached_property
    def _content(self) -> str:
        if self.content is not None:
            return self.content
        digest = hashlib.sha256()
        for start in range(0, len(self.array), 256):  # blocks, so that a memory map is never wholly in memory
            digest.update(np.ascontiguousarray(self.array[start : start + 256]))
        return digest.hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what made the array and of the rows taken from it."""
        head = f"{self._content} {self.array.shape}".encode()
        return hashlib.sha256(head + self.rows.tobytes()).hexdigest()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """ "twin 17" is row 17 of the array, also in a part of the collection."""
        return tuple(f"twin {row}" for row in self.rows)


def frozen_array(values, dtype, shape: tuple[int, ...] | None = None, what: str = "") -> np.ndarray:
    """A read-only copy; collections share arrays with their parts, so nobody may write into them.

    Raises ValueError, which says `what` it is, if it is not of the `shape`; without one, any will do.
    """
    array = np.array(values, dtype=dtype)
    if shape is not None:
        array = array if array.size else array.reshape(shape)  # an empty list has lost its second axis
        if array.shape != shape:
            raise ValueError(f"{what} has shape {list(array.shape)}, expected {list(shape)}.")
    array.flags.writeable = False
    return array
