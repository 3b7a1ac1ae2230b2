"""Which patches show an object, which none: the labels that a network of patches learns (Oquab et al. 2014, 3.3)."""

from collections.abc import Sequence

import numpy as np

from lecture_lib.chapters.patch_transfer.grid import Grid
from lecture_lib.datasets import Boxes, ImageCollection
from lecture_lib.datasets.collection import overlaps

AMBIGUOUS = -1
LEAST_OF_PATCH, LEAST_OF_OBJECT = 0.2, 0.6


def label_patches(patches: np.ndarray, boxes: Boxes, n_classes: int, size: tuple[int, int]) -> np.ndarray:
    """Label the patches of one picture by the objects in them.

    patches  float [M, 4], x0, y0, x1, y1
    size     height and width of the picture in pixels: boxes end at its border, and one that has no area left is none
    returns  int64 [M]: the class of the object that a patch shows; n_classes for background; AMBIGUOUS (-1)

    A patch P contains an object with box B_o if |P n B_o| >= 0.2 |P| and |P n B_o| >= 0.6 |B_o|. It is a positive for
    the class of that object if it overlaps no other object. It is background if it contains none, even where it lies
    wholly within a large one. The paper does not say what becomes of patches that contain an object and overlap
    another, or that contain a difficult one: they are AMBIGUOUS, and left out of training. Difficult objects count as
    objects that a patch overlaps, truncated ones are objects like others.
    """
    height, width = size
    objects = np.clip(boxes.xyxy.astype(np.float64), 0, [width, height, width, height])
    if not len(objects):
        return np.full(len(patches), n_classes)
    patches = np.asarray(patches, np.float64)
    shared = overlaps(patches, objects)
    enough_of_patch = shared >= LEAST_OF_PATCH * areas(patches)[:, None]
    enough_of_object = shared >= LEAST_OF_OBJECT * areas(objects)
    contains = enough_of_patch & enough_of_object
    first = contains.argmax(1)
    alone = ((shared > 0).sum(1) == 1) & ~boxes.difficult[first]
    return np.where(contains.any(1), np.where(alone, boxes.labels[first], AMBIGUOUS), n_classes)


def label_all(images: ImageCollection, grids: Sequence[Grid]) -> list[np.ndarray]:
    """Label the patches of all pictures of a collection: for each int64 [M], as `label_patches`.

    Raises ValueError for a collection without boxes.
    """
    if images.boxes is None:
        raise ValueError(f"{images.name} has no boxes, so nothing says which patch shows what.")
    K = len(images.classes)
    return [label_patches(g.xyxy, boxes, K, g.size) for g, boxes in zip(grids, images.boxes, strict=True)]


def name_labels(labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Turn labels of patches, int64 [M], into "positive", "background" and "ambiguous": str [M]."""
    return np.select([labels == AMBIGUOUS, labels == n_classes], ["ambiguous", "background"], "positive")


def areas(boxes: np.ndarray) -> np.ndarray:
    """Areas of boxes [n, 4]: [n]."""
    return (boxes[:, 2:] - boxes[:, :2]).prod(-1)
