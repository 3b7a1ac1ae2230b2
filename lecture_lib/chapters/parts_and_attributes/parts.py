"""Where the parts of birds and of people are: by their annotated points, or by points that are predicted."""

from collections.abc import Mapping, Sequence

import numpy as np

from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.cub200 import REGIONS_OF_BIRDS as BIRD
from lecture_lib.datasets.regions import object_boxes
from lecture_lib.linear import folds

DETECTED = {  # smaller parts, in place of those of a deformable parts model, which weak DPD pools into regions
    "bill": ("beak", "forehead", "crown"),
    "cheek": ("left eye", "right eye", "nape"),
    "breast": ("throat", "breast"),
    "back": ("back", "left wing", "right wing"),
    "belly": ("belly", "left leg", "right leg"),
    "tail": ("tail",),
}
_ARMS = ("shoulder", "elbow", "hip")
PERSON = {
    "head": ("crown", "head", "neck"),
    "torso": ("neck", *(f"{side} {name}" for side in ("left", "right") for name in _ARMS)),
    "legs": tuple(f"{side} {name}" for side in ("left", "right") for name in ("hip", "knee", "foot")),
}
LAMBDAS = (0.01, 0.1, 1.0, 10.0)  # for features of length 1
FOLDS = 5


def faces_left(points: np.ndarray, part_names: Sequence[str]) -> np.ndarray:
    """Whether the head of each bird is to the left of its body, bool [N]; points [N, P, 3].

    These are the two components of the stand-in for the parts model: a bird's parts lie elsewhere in each.
    """
    x = [_mean_x(points[:, [part_names.index(name) for name in group]]) for group in BIRD.values()]
    return x[0] < x[1]  # False where one of them is not visible


def _mean_x(points: np.ndarray) -> np.ndarray:
    seen = points[..., 2] > 0
    return np.where(seen.any(1), (points[..., 0] * seen).sum(1) / seen.sum(1).clip(min=1), np.nan)


def predict_points(x: np.ndarray, images: ImageCollection, train: np.ndarray, seed: int = 0) -> np.ndarray:
    """Predict part points from features of the box by ridge regression: float32 [N, P, 3], as `images.parts`.

    x      [N, d], features of each picture's box that still tell where what is, of length about 1
    train  rows whose points are looked at: the regression learns, for each point, from those that have it visible,
           where it lies in the box and, from all, whether it is visible (then above one half)

    Points of training pictures are predicted by a regression on the other four fifths of them: what is learned from
    predicted parts must meet the same errors in training as in testing. The ridge is chosen among LAMBDAS on the first
    fifth.
    """
    boxes = object_boxes(images)
    origin, sides = boxes[:, None, :2], (boxes[:, None, 2:] - boxes[:, None, :2])
    where = (images.parts[..., :2] - origin) / sides
    seen = images.parts[..., 2] > 0
    x = np.asarray(x, np.float64)
    parts = [(train[kept], train[held]) for kept, held in folds(np.zeros(len(train), np.int64), FOLDS, seed)]

    def error(ridge: float) -> float:
        kept, held = parts[0]
        found = _ridge(x, kept, held, where, seen, ridge)[0]
        return float((((found - where[held]) ** 2).sum(2) * seen[held]).sum())

    ridge = min(LAMBDAS, key=error)
    rest = np.setdiff1d(np.arange(len(x)), train)
    out = np.zeros((len(x), *images.parts.shape[1:]), np.float32)
    for kept, held in [*parts, *([(train, rest)] if len(rest) else [])]:
        found, visible = _ridge(x, kept, held, where, seen, ridge)
        at = found * sides[held] + origin[held]
        out[held] = np.concatenate([at, np.ones_like(at[..., :1])], 2) * visible[..., None]
    return out


def _ridge(
    x: np.ndarray, kept: np.ndarray, held: np.ndarray, where: np.ndarray, seen: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Places [m, P, 2] in the box and visibility bool [m, P] for the rows `held`, learned from `kept`."""
    found = np.zeros((len(held), *where.shape[1:]))

    def regress(rows: np.ndarray, y: np.ndarray) -> np.ndarray:
        mean, centre = x[rows].mean(0), y.mean(0)
        z = x[rows] - mean
        alpha = np.linalg.solve(z @ z.T + ridge * np.eye(len(rows)), y - centre)
        return (x[held] - mean) @ (z.T @ alpha) + centre

    for p in range(where.shape[1]):
        rows = kept[seen[kept, p]]
        if len(rows):
            found[:, p] = regress(rows, where[rows, p])
    return found, regress(kept, seen[kept].astype(np.float64)) > 0.5


def point_error(predicted: np.ndarray, images: ImageCollection, rows: np.ndarray) -> float:
    """Return the mean distance of predicted from annotated points that both show, in longer sides of the box."""
    true, given = images.parts[rows], predicted[rows]
    boxes = object_boxes(images)[rows]
    longer = (boxes[:, 2:] - boxes[:, :2]).max(1)
    distance = np.hypot(*np.moveaxis(true[..., :2] - given[..., :2], 2, 0)) / longer[:, None]
    return float(distance[(true[..., 2] > 0) & (given[..., 2] > 0)].mean())


def pooling_weights(
    points: np.ndarray, part_names: Sequence[str], regions: Mapping[str, Sequence[str]], boxes: np.ndarray,
    visible: np.ndarray, component: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Learn W of weak DPD from training pictures: float32 [R, P, C], how much of region r part p shows in component c.

    points     [n, K, 3], annotated, of `part_names`
    regions    R lists of part names
    boxes      [n, P, 4], of the detector's parts, and visible bool [n, P]
    component  int [n], 0 .. C-1

    W(r, p, c) is the share of the visible points of region r that lie in part p, in pictures of component c, over the
    sum of it over p (Zhang et al. 2013, section 3.2, have the formula; that shares are counted so is ours).
    """
    W = np.zeros((len(regions), boxes.shape[1], component.max() + 1), np.float32)
    for r, names in enumerate(regions.values()):
        own = points[:, [part_names.index(name) for name in names]]
        xy, seen = own[:, None, :, :2], own[:, None, :, 2] > 0
        inside = (xy >= boxes[:, :, None, :2]).all(3) & (xy < boxes[:, :, None, 2:]).all(3)
        hits = (inside & seen & visible[:, :, None]).sum(2)
        for c in range(W.shape[2]):
            W[r, :, c] = hits[component == c].sum(0)
    return W / np.maximum(W.sum(1, keepdims=True), 1e-12)
