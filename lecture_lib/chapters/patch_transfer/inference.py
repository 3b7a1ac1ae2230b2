"""From scores of patches to a score of the picture and a map of where its object is (Oquab et al. 2014, 3.4).

y(C_n | P_i) is the probability that the network gives class C_n on patch P_i, one of the picture's M patches.
"""

from collections.abc import Sequence

import numpy as np

from lecture_lib.chapters.patch_transfer.grid import Grid
from lecture_lib.datasets import ImageCollection

K = 5
TOLERANCE = 0.03  # of a picture's width: 15 pixels of 500, as the pointing game allows


def picture_score(y: np.ndarray, k: float = K) -> np.ndarray:
    """Return score(C_n) = 1/M sum_i y(C_n | P_i)^k: [..., M, C] in [0, 1] to [..., C].

    k = 1 is the mean of all patches. The larger k is, the more the best patches count; as k grows, score^(1/k) goes to
    the maximum, which k = inf returns. Raises ValueError for k < 1.
    """
    if not k >= 1:
        raise ValueError(f"k is at least 1, not {k}.")
    return y.max(-2) if np.isinf(k) else (y**k).mean(-2)


def picture_scores(y: np.ndarray, grids: Sequence[Grid], k: float = K) -> np.ndarray:
    """Score all pictures: y [n, C], patch after patch of picture after picture, to [N, C]."""
    return np.stack([picture_score(of_picture, k) for of_picture in by_picture(y, grids)])


def by_picture(values: np.ndarray, grids: Sequence[Grid]) -> list[np.ndarray]:
    """Part what is known of all patches [n, ...] into that of each picture [M, ...]."""
    return np.split(values, np.cumsum([len(of_picture) for of_picture in grids])[:-1])


def localisation_map(
    y: np.ndarray, grid: Grid, k: float = K, *, scale: int | None = None, mean: bool = False
) -> np.ndarray:
    """Draw, for each pixel, the sum of y^k over the patches that cover it: float64 [H, W] or [H, W, C].

    y      [M] or [M, C], in [0, 1]
    grid   of the picture; a patch covers the pixels whose centres lie in it
    scale  index into LAMBDAS: the patches of this scale only
    mean   divide by the number of patches that cover a pixel, 0 where there are none: the sum is higher in the
           middle of a picture, because more patches lie there

    Maps add up: that of all scales is the sum of those of each. A patch costs four additions at its corners, whatever
    its size, and the picture two cumulative sums.
    """
    y = np.asarray(y, np.float64)
    if len(y) != len(grid):
        raise ValueError(f"There are {len(y)} scores for {len(grid)} patches.")
    here, (height, width) = slice(None) if scale is None else grid.scale == scale, grid.size
    values = y.reshape(len(y), -1)[here] ** k
    # pixel i has its centre at i + 0.5
    corners = np.ceil(grid.xyxy[here].astype(np.float64) - 0.5).astype(np.int64)
    x0, y0, x1, y1 = np.clip(corners, 0, [width, height, width, height]).T
    if mean:
        values = np.concatenate([values, np.ones((len(values), 1))], axis=1)
    steps = np.zeros((height + 1, width + 1, values.shape[1]))
    for rows, columns, sign in ((y0, x0, 1), (y0, x1, -1), (y1, x0, -1), (y1, x1, 1)):
        np.add.at(steps, (rows, columns), sign * values)
    total = steps.cumsum(0).cumsum(1)[:height, :width]
    if mean:
        count = total[..., -1:].round()  # whole numbers, but for rounding
        total = np.divide(total[..., :-1], count, out=np.zeros_like(total[..., :-1]), where=count > 0)
    return total.reshape(height, width, *y.shape[1:])


def peak(localisation: np.ndarray) -> tuple[float, float]:
    """Return x, y in pixels of the highest value of a map [H, W]; of several, that nearest to their middle."""
    rows, columns = np.nonzero(localisation >= localisation.max() * (1 - 1e-9))
    middle = np.array([rows.mean(), columns.mean()])
    nearest = ((np.stack([rows, columns], 1) - middle) ** 2).sum(1).argmin()
    return float(columns[nearest] + 0.5), float(rows[nearest] + 0.5)


def points_at(xy: tuple[float, float], boxes: np.ndarray, tolerance: float) -> bool:
    """Say whether a point lies in one of some boxes [n, 4], or within `tolerance` pixels of it (the pointing game)."""
    x, y = xy
    x0, y0, x1, y1 = np.asarray(boxes, np.float64).reshape(-1, 4).T
    return bool(
        ((x >= x0 - tolerance) & (x <= x1 + tolerance) & (y >= y0 - tolerance) & (y <= y1 + tolerance)).any()
    )


def pointing_game(
    y: np.ndarray | None, grids: Sequence[Grid], images: ImageCollection, k: float = K, mean: bool = False
) -> np.ndarray:
    """Say where the peak of a class's map lies on one of its objects: float64 [N, C], 1 or 0, NaN where it has none.

    y  [n, >= C], scores of all patches of all pictures; the map is `localisation_map`'s, with its k and mean.
       None: the middle of the picture is played instead of a peak, which is what a map has to beat

    Zhang et al. 2016 ("Top-down neural attention by excitation backprop") play it with a tolerance of 15 pixels, here
    TOLERANCE x width. Classes that only difficult objects stand for are left out.
    """
    hits = np.full((len(images), len(images.classes)), np.nan)
    of_pictures = [None] * len(images) if y is None else by_picture(y, grids)
    for i, (of_picture, grid, boxes) in enumerate(zip(of_pictures, grids, images.boxes, strict=True)):
        (height, width), present = grid.size, np.flatnonzero(images.labels[i] == 1)
        points = [(width / 2, height / 2)] * len(present)
        if of_picture is not None:
            maps = localisation_map(of_picture[:, present], grid, k, mean=mean)
            points = [peak(values) for values in np.moveaxis(maps, -1, 0)]
        for c, point in zip(present, points, strict=True):
            hits[i, c] = points_at(point, boxes.of_class(c), TOLERANCE * width)
    return hits
