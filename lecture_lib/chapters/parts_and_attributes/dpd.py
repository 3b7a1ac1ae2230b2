"""Deformable part descriptors (Zhang, Farrell, Iandola and Darrell 2013): features of the box and of its parts.

Their detector is replaced: parts are where annotated points are ("oracle parts"), or where points are predicted.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from lecture_lib import encoders
from lecture_lib.backbones import Backbone
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.regions import enlarged, object_boxes, part_boxes, region_crops
from lecture_lib.encoders import View, ifv, l2_normalise
from lecture_lib.encoders.ifv import Dense

CONTEXT = 1.5  # of the box, as in DeCAF
SIDE = 96  # pixels to which a region is warped for words
WORDS = 256
STEP, SIZES = 4, (4, 6, 8)


def _grid(g: int) -> list[View]:
    """A g x g grid of regions."""
    at = [i / (g - 1) if g > 1 else 0.5 for i in range(g)]
    return [
        View(f"{g} x {g}: {i}, {j}", 1 / g, (at[j], at[i]), region=True) for i in range(g) for j in range(g)
    ]


PYRAMID = (*_grid(1), *_grid(2), *_grid(3))
"""1 + 4 + 9 regions, those of the kernel descriptors in DPD."""
SPM = (*_grid(1), *_grid(2), *_grid(4))
"""1 + 4 + 16 regions (Lazebnik et al. 2006)."""


def strong(box: np.ndarray, parts: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Join the features of the box [N, d] and of P parts [N, P, d], each to length 1: float32 [N, (1 + P) d].

    A part that is not visible (bool [N, P]) is 0.
    """
    whole = np.concatenate([np.asarray(box, np.float32)[:, None], _seen(parts, visible)], 1)
    return l2_normalise(whole).reshape(len(box), -1)


def weak(
    box: np.ndarray, parts: np.ndarray, visible: np.ndarray, W: np.ndarray, component: np.ndarray
) -> np.ndarray:
    """Pool parts into semantic regions, f_r = sum_p W(r, p, c) phi(part p), and join them: float32 [N, (1 + R) d].

    box, parts, visible   as in `strong`
    W                     [R, P, C], see `parts.pooling_weights`
    component             int [N], the c of each picture
    """
    pooled = np.einsum("nrp,npd->nrd", W.transpose(2, 0, 1)[component], l2_normalise(_seen(parts, visible)))
    return strong(box, pooled, np.ones(pooled.shape[:2], bool))


def _seen(parts: np.ndarray, visible: np.ndarray) -> np.ndarray:
    return np.asarray(parts, np.float32) * visible[..., None]


def crops(
    images: ImageCollection, points: np.ndarray, parts: Mapping[str, Sequence[str]], side: int | None = None
) -> tuple[ImageCollection, np.ndarray, np.ndarray]:
    """Cut parts out of each picture by points [N, K, 3]: the crops; boxes [N, P, 4] and visible bool [N, P]."""
    boxes, visible = part_boxes(points, images.part_names, list(parts.values()), object_boxes(images))
    return region_crops(images, boxes, list(parts), side), boxes, visible


def box_crop(images: ImageCollection, context: float = CONTEXT, side: int | None = None) -> ImageCollection:
    """Cut the box of each picture, enlarged about its centre."""
    return region_crops(images, enlarged(object_boxes(images), context)[:, None], ["box"], side)


def by_network(net: Backbone, images: ImageCollection, layer: str, pool: str | int, views: int) -> np.ndarray:
    """Encode crops, `views` of each picture, by a network: float32 [N, views, d], each of length 1."""
    x = encoders.encode(net, images, [layer], pool=pool, l2=True, progress=False)[layer]
    return x.astype(np.float32).reshape(len(images) // views, views, -1)


def by_words(images: ImageCollection, train: np.ndarray, views: int) -> np.ndarray:
    """Encode crops of SIDE pixels by the stand-in for kernel descriptors: float32 [N, views, 2 * 14 * WORDS].

    Words of dense SIFT and words of dense colour statistics, both counted in a pyramid of 1 + 4 + 9 regions; roots of
    the counts, and length 1. Zhang et al. have four kernel descriptors (gradients, local binary patterns, two of
    colour) in the same pyramid.
    train  pictures (not crops) whose descriptors the words are learned from
    """
    rows = (train[:, None] * views + np.arange(views)).ravel()
    kinds = []
    for colour in (False, True):
        dense = Dense(step=STEP, sizes=SIZES, colour=colour)
        words = ifv.learn(images[rows], dense, WORDS, kind="kmeans", n=60_000)
        counts = ifv.encode(images, words, PYRAMID, method="bow").astype(np.float32)
        kinds.append(l2_normalise(np.sqrt(counts).reshape(len(images), -1)))
    return l2_normalise(np.concatenate(kinds, 1)).reshape(len(images) // views, views, -1)
