"""Where the patches of a picture lie: squares at nine scales, each overlapping its neighbours (Oquab et al. 2014, 3.3).

A patch is as wide as s = min(w, h) / lambda pixels and is brought to the network's input of S pixels. All patches of a
scale are therefore windows of one picture, resized by S / s. In that picture they lie on a lattice: `cell` pixels, the
stride of the network's last convolution, are its unit, so that all patches can share what the convolutions make of the
picture (`encode`).
"""

import math
from dataclasses import dataclass

import numpy as np

LAMBDAS = (1.0, 1.3, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6, 4.0)
"""The paper's list. Lecture and paper speak of eight scales, and list these nine."""

OVERLAP = 0.65
"""The part of its width that a patch shares with its neighbour: the paper asks for 0.5, and for 500 patches, which take
more."""

LONGEST = 16  # sides of a picture: one that is longer than 16 times its width would need thousands of patches


@dataclass(frozen=True)
class Scale:
    """One scale: the picture as the network sees it, and the lattice of patches in it.

    resized  height and width in pixels that the picture is brought to, `factor` times its own
    corner   y and x of the lattice in those pixels
    rows     int64 [r], in cells from the corner; the patches are rows x columns, row by row
    columns  int64 [c]
    """

    factor: float
    resized: tuple[int, int]
    corner: tuple[int, int]
    rows: np.ndarray
    columns: np.ndarray

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)


@dataclass(frozen=True)
class Grid:
    """All patches of a picture of one size, scale by scale.

    size    height and width of the picture
    xyxy    float32 [M, 4], x0, y0, x1, y1 in pixels of the picture, as in `Boxes`; inside the picture
    scale   int64 [M], index into LAMBDAS
    scales  what lies behind them, one a lambda
    """

    size: tuple[int, int]
    xyxy: np.ndarray
    scale: np.ndarray
    scales: tuple[Scale, ...]

    def __len__(self) -> int:
        return len(self.xyxy)


def grid(height: int, width: int, side: int = 224, cell: int = 16, overlap: float = OVERLAP) -> Grid:
    """Lay the patches of a picture of height x width pixels.

    side     pixels of the network's input, to which a patch is brought
    cell     the unit of the lattice in those pixels
    overlap  neighbours share this part of their width or more, 0.5 <= overlap <= 1 - cell / side; as patches lie on
             cells it may be a cell less, never below a half

    Patches are spread evenly from border to border; a strip of half a cell, and of the pixel that rounding takes away,
    can stay uncovered on each side. The same sizes give the same grid. Raises ValueError for a picture without pixels
    or of extreme proportions, and for an overlap out of range or finer than the cells.
    """
    if min(height, width) < 1 or max(height, width) > LONGEST * min(height, width):
        raise ValueError(
            f"A picture of {width} x {height} pixels has no grid of patches: its sides are at least 1 pixel, and the "
            f"longer is at most {LONGEST} times the shorter. Crop it first."
        )
    if not 0.5 <= overlap <= 1 - cell / side:
        raise ValueError(
            f"Patches overlap by 0.5 to {1 - cell / side:.3g} of their width on a lattice of {cell} in {side} pixels, "
            f"not by {overlap}."
        )
    step = (1 - overlap) * side / cell  # in cells
    scales = tuple(_scale(height, width, lam, side, cell, step) for lam in LAMBDAS)
    boxes = []
    for scale in scales:
        y, x = (
            (corner + cell * places) / scale.factor
            for corner, places in zip(scale.corner, (scale.rows, scale.columns), strict=True)
        )
        y, x = (a.ravel() for a in np.meshgrid(y, x, indexing="ij"))
        s = side / scale.factor
        boxes.append(np.stack([x, y, x + s, y + s], axis=1))
    numbers = np.repeat(np.arange(len(scales)), [len(scale) for scale in scales])
    return Grid((height, width), np.concatenate(boxes).astype(np.float32), numbers, scales)


def _scale(height: int, width: int, lam: float, side: int, cell: int, step: float) -> Scale:
    factor = lam * side / min(height, width) * (1 + 1e-9)  # a trifle more: rounding takes no pixel away
    resized = tuple(int(length * factor) for length in (height, width))
    corners, places = [], []
    for length in resized:
        cells = (length - side) // cell  # that a patch can move by
        # rounded to cells a step can be one longer, but not longer than half a patch
        n = max(math.ceil(cells / step - 1e-9), math.ceil(cells / (side // (2 * cell)))) + 1
        places.append(np.linspace(0, cells, n).round().astype(np.int64))
        corners.append((length - side - cells * cell) // 2)
    return Scale(factor, resized, tuple(corners), *places)
