"""A network's vectors of many patches of a picture: spatial search (CNN-ss), MOP-CNN; and of its maps: MAC to GeM.

patches = encoders.expand(images, grid(1) + grid(2) + grid(3) + grid(4))
phi = encoders.encode(net, patches, ["fc6"])["fc6"].reshape(len(images), 30, -1)
near = spatial_distances(phi[query, :5], phi)      # the query's first two levels
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.derived import derive
from lecture_lib.datasets.retrieval import Query
from lecture_lib.encoders.augment import WHOLE, View
from lecture_lib.encoders.codebook import PCA, fit_kmeans, fit_pca
from lecture_lib.encoders.normalise import improve, l2_normalise

PICTURES = 64  # whose patches are compared at once
NEAREST = 5  # words a patch is shared out to in MOP-CNN
WORDS, AXES = 100, 500  # of MOP-CNN's levels


def grid(n: int, side: float | None = None) -> tuple[View, ...]:
    """n^2 patches of one size in even steps from edge to edge: level n of Razavian et al. 2014, section 3.4.

    side  in sides of the picture; None: 2 / (n + 1), so that neighbours share half. Level 1 is the whole picture.

    Patches have the picture's proportions: squares of a long picture would not cover it.
    """
    if n == 1:
        return (WHOLE,)
    side, steps = side or 2 / (n + 1), [i / (n - 1) for i in range(n)]
    return tuple(View(f"{n} x {n}: {x:.2f}, {y:.2f}", side, (x, y)) for y in steps for x in steps)


MOP = {2: grid(5, 1 / 2), 3: grid(7, 1 / 4)}
"""MOP-CNN's levels 2 and 3: of a picture of 256 pixels, patches of 128 and 64 in steps of 32 (Gong et al. 2014)."""


def query_boxes(images: ImageCollection, queries: Sequence[Query]) -> ImageCollection:
    """The part of each query's picture that is asked for, in the order of the queries; without a box all of it.

    Sides are rounded outwards to whole pixels.
    """
    boxes = [None if query.box is None else query.box.tolist() for query in queries]
    base = images[np.array([query.picture for query in queries])]

    def cut(picture: Tensor, i: int, _) -> Tensor:
        if boxes[i] is None:
            return picture
        (x0, y0), (x1, y1) = (
            np.maximum(np.floor(boxes[i][:2]), 0).astype(int),
            np.ceil(boxes[i][2:]).astype(int),
        )
        return picture[:, y0:y1, x0:x1]

    return derive(base, cut, ["query"], {"made": "query boxes", "boxes": boxes})


def spatial_distances(query: np.ndarray, references: np.ndarray) -> np.ndarray:
    """The mean over a query's patches [p, d] of the distance to the nearest patch of a picture [N, P, d]: float32 [N].

    With one patch each it is the distance of the CNN row. Small is alike: rank by its negative.
    """
    query, out = query.astype(np.float32), []
    for i in range(0, len(references), PICTURES):
        some = references[i : i + PICTURES].astype(np.float32)
        squares = np.square(some).sum(2)[:, :, None] - 2 * some @ query.T + np.square(query).sum(1)
        out.append(np.sqrt(squares.min(1).clip(0)).mean(1))
    return np.concatenate(out)


def fit_whitening(x: Tensor, dim: int) -> PCA:
    """PCA of vectors [n, d] after which each of the `dim` numbers has variance 1; the last of many are noise."""
    pca = fit_pca(x, dim)
    return PCA(pca.mean, pca.components / pca(x).std(0).clamp(min=1e-8)[:, None])


def augmented(x: Tensor, whitening: PCA) -> Tensor:
    """CNNaug-ss's normalisation of patches' vectors [.., d]: L2, PCA, whitening, L2, and each number sign(z) |z|^2."""
    z = l2_normalise(whitening(l2_normalise(x.float())))
    return z.sign() * z.square()


@dataclass(frozen=True, eq=False)
class Level:
    """What a level of MOP-CNN learns from patches of pictures that are not judged.

    pca     to AXES numbers
    means   float32 [WORDS, AXES]
    width   mean squared distance of a patch to its nearest word, in which distances are weighed
    """

    pca: PCA
    means: Tensor
    width: float


def learn_level(x: Tensor, words: int = WORDS, axes: int = AXES, seed: int = 0) -> Level:
    """Learn from patches' vectors [n, d]; smaller where there are few: ten patches a word are needed."""
    pca = fit_pca(x, axes)
    means = fit_kmeans(pca(x), words, seed=seed)
    return Level(pca, means, float(torch.cdist(pca(x), means).min(1).values.square().mean()))


def orderless(x: Tensor, level: Level) -> Tensor:
    """VLAD of a picture's patches [P, d], each shared out to its 5 nearest words: float32 [WORDS AXES].

    Weights exp(-d^2 / (2 width)), to sum 1; then the signed root, and length 1. MOP-CNN is the vector of the whole
    picture beside those of both levels, each after a PCA of its own, to length 1.
    """
    z = level.pca(x)
    squares, words = torch.cdist(z, level.means).square().topk(min(NEAREST, len(level.means)), largest=False)
    weights = (-squares / (2 * level.width)).softmax(1)
    q = torch.zeros(len(z), len(level.means)).scatter_(1, words, weights)
    return improve((q.T @ z - q.sum(0)[:, None] * level.means).flatten())


def mac(x: Tensor) -> Tensor:
    """Maximum of each channel over a map [.., c, h, w]: [.., c] (Razavian et al. 2014b, Tolias et al. 2016)."""
    return l2_normalise(x.amax((-2, -1)))


def spoc(x: Tensor) -> Tensor:
    """Sum of each channel (Babenko and Lempitsky 2015)."""
    return l2_normalise(x.sum((-2, -1)))


def gem(x: Tensor, p: float = 3) -> Tensor:
    """Generalised mean, between spoc (p = 1) and mac (p to infinity) (Radenovic et al. 2018)."""
    return l2_normalise(x.clamp(min=1e-6).pow(p).mean((-2, -1)).pow(1 / p))


def rmac(x: Tensor, levels: int = 3) -> Tensor:
    """Sum of the mac of overlapping squares, level l with sides of 2 min(h, w) / (l + 1) (Tolias et al. 2016)."""

    def starts(n: int, side: int) -> list[int]:
        # as many as overlap by two fifths or more, and reach both edges
        return torch.linspace(0, n - side, math.ceil((n - side) / (0.6 * side)) + 1).round().int().tolist()

    sides = [max(1, 2 * min(x.shape[-2:]) // (level + 1)) for level in range(1, levels + 1)]
    at = [(y, c, s) for s in sides for y in starts(x.shape[-2], s) for c in starts(x.shape[-1], s)]
    return l2_normalise(sum(mac(x[..., y : y + s, c : c + s]) for y, c, s in at))
