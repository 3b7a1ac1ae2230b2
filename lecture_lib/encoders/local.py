"""Local descriptors of one picture: what they say, where they lie, how large they are."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Local:
    """Local descriptors of one picture; len() is their number N.

    x        float32 [N, D]   the descriptors
    xy       float32 [N, 2]   centres in pixels, x then y; (0, 0) is the centre of the top left pixel
    size     float32 [N]      side of a spatial bin in pixels of the picture: a descriptor covers 4 x 4 bins
    picture  (H, W)           height and width of the picture in pixels
    """

    x: Tensor
    xy: Tensor
    size: Tensor
    picture: tuple[int, int]

    def __len__(self) -> int:
        return len(self.x)
