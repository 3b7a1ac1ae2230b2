"""Make the vectors of photographs that `datasets.vectors` gives.

    python -m lecture_lib.features

writes data/features/<dataset>/ of the photographs under LECTURE_DATA, in the real profile: an hour and
6 GB of cache. Long vectors are turned into their first principal components, which are found on training pictures
alone, those that train in every split; so are the codebooks of the Fisher vectors. Nothing sees a label.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce

import numpy as np
import torch

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.backbones import Backbone, torchvision_nets
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.vectors import SHIPPED, Vectors, write
from lecture_lib.encoders import FLIP, PYRAMID, TEN_CROPS, ifv, summed
from lecture_lib.encoders.bow import chi2_map
from lecture_lib.encoders.ifv import Dense, normalised
from lecture_lib.linear.kernels import products
from lecture_lib.results import records

COMMAND = "python -m lecture_lib.features"
SQUEEZENET, MOBILENET = "squeezenet1_1", "mobilenet_v2"
K, WORDS, PHOW = 256, 1024, Dense()
LOCAL = f"{K} Gaussians, dense SIFT (PHOW), 80 dimensions"
SPLITS = 5  # of Caltech-101
# Principal components that are kept of long vectors, by what their spectra allow: the means of maps lose half a point
# with so few, words none; Fisher vectors, which are nearly at right angles, keep all that their training pictures span.
OF_MAPS, OF_RANDOM, OF_WORDS, ALL = 192, 64, 384, 10**9
GRID = 3

Made = Iterator[tuple[str, np.ndarray, int | None, str]]  # name, vectors [N, d], components kept, what it is


def voc2007(images: ImageCollection, train: np.ndarray) -> Made:
    """Encode VOC 2007: two networks, random weights, ten crops, Fisher vectors and words."""
    yield from networks(images)
    net = backbones.load(SQUEEZENET)
    squares = replace(net, resize=net.input_size)  # it takes a crop whole
    [(_, crops, made)] = mean_pooled(squares, encoders.expand(images, TEN_CROPS), (7,))
    yield (
        f"{SQUEEZENET} DeCAF7, ten crops",
        summed(crops.reshape(len(images), 10, -1)),
        None,
        f"{made}, summed over ten crops",
    )
    phi = ifv.encode(images, ifv.learn(images[train], PHOW, K), PYRAMID)
    whole = phi[:, :1]  # the pyramid's first region
    yield "FK", normalised(whole, K)[:, 0], ALL, f"Fisher vector, {LOCAL}"
    yield "FK IN", normalised(whole, K, intra=True)[:, 0], ALL, f"Fisher vector, {LOCAL}, intra-normalised"
    yield (
        "FK IN spm",
        normalised(phi, K, intra=True, pyramid=True),
        ALL,
        f"the same in {len(PYRAMID)} regions",
    )
    phi = normalised(ifv.encode(images, ifv.learn(images[train], PHOW, K, xy=True), FLIP), K, intra=True)
    yield "FK IN (x,y)", phi[:, 0], ALL, f"Fisher vector, {LOCAL}, with places, intra-normalised"
    yield "FK IN (x,y), mirrored", summed(phi), ALL, "the same, summed with that of the mirror image"
    counts = ifv.encode(images, ifv.learn(images[train], PHOW, WORDS, kind="kmeans"), method="bow")[:, 0]
    bow = chi2_map(torch.from_numpy(counts.astype(np.float32))).numpy()
    yield "BoW", bow, OF_WORDS, f"{WORDS} words, dense SIFT (PHOW), 80 dimensions, chi2 map"


def caltech101(images: ImageCollection, train: np.ndarray) -> Made:
    """Encode Caltech-101: two networks, random weights, a grid of means."""
    yield from networks(images)
    net = backbones.load(SQUEEZENET)
    grid = encoders.encode(net, images, [net.decaf[7]], pool=GRID, l2=True)[net.decaf[7]]
    made = f"{net.decaf[7]}, {GRID} x {GRID} means of each map, {net.weights}"
    yield f"{SQUEEZENET} DeCAF7, {GRID} x {GRID}", grid, OF_MAPS, made


ENCODINGS: dict[str, Callable[[ImageCollection, np.ndarray], Made]] = {
    "voc2007": voc2007,
    "caltech101": caltech101,
}


def networks(images: ImageCollection) -> Made:
    """Encode pictures by the mean of each map at DeCAF5, 6 and 7 of both networks, and at 7 with random weights."""
    for name, most in ((SQUEEZENET, None), (MOBILENET, OF_MAPS)):
        for n, x, made in mean_pooled(backbones.load(name), images, (5, 6, 7)):
            yield f"{name} DeCAF{n}", x, most, made
    for n, x, made in mean_pooled(backbones.load(SQUEEZENET, "random"), images, (7,)):
        yield f"random {SQUEEZENET} DeCAF{n}", x, OF_RANDOM, made


def mean_pooled(
    net: Backbone, images: ImageCollection, numbers: tuple[int, ...]
) -> Iterator[tuple[int, np.ndarray, str]]:
    """Encode pictures at DeCAF_n for each n: n, float16 [N, d] of length 1, and what that is."""
    x = encoders.encode(net, images, [net.decaf[n] for n in numbers], pool="mean", l2=True)
    for n in numbers:
        yield n, x[net.decaf[n]], f"{net.decaf[n]}, mean of each map, {net.weights}"


def components(x: np.ndarray, train: np.ndarray, most: int | None) -> tuple[np.ndarray, float]:
    """Turn vectors [N, d] into the first principal components of the training vectors: float32 [N, at most `most`].

    Not centred, so that inner products are kept as well as so few numbers can keep them; with all components, those
    with any training vector are kept as they are, and a linear SVM needs no more. Also the part of the training
    vectors' squared length that is kept. Vectors that are short enough, or where `most` is None, stay as they are.
    """
    if most is None or x.shape[1] <= min(most, len(train)):
        return np.asarray(x, np.float32), 1.0
    squares, axes = np.linalg.eigh(products(x[train]).astype(np.float64))  # in rising order
    first = np.flatnonzero(squares > 1e-6 * squares[-1])[: -most - 1 : -1]
    x = products(x, x[train]) @ (axes[:, first] / np.sqrt(squares[first]))
    return x.astype(np.float32), float(squares[first].sum() / squares.sum())


def compute(name: str) -> Vectors:
    """Encode the photographs of a dataset; what was computed before is read from the cache."""
    images = datasets.load(name)
    seeds = range(1 if images.splits else SPLITS)
    train = reduce(np.intersect1d, (images.split_indices(seed)[0] for seed in seeds))
    x, encodings = {}, {}
    for encoding, long, most, made in ENCODINGS[name](images, train):
        x[encoding], kept = components(long, train, most)
        encodings[encoding] = {"made": made, "length": long.shape[1], "numbers": x[encoding].shape[1]}
        encodings[encoding]["kept"] = round(kept, 4)
        print(
            f"{name}  {encoding:40} {long.shape[1]:7,} -> {x[encoding].shape[1]:4}, kept {kept:.1%}",
            flush=True,
        )
    files = {net: torchvision_nets.find_published(net) for net in (SQUEEZENET, MOBILENET)}
    about = records.provenance(COMMAND, " and ".join(files))
    about["weights"] = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files.values()}
    return Vectors(images, x, about | {"learned from": f"{len(train)} pictures", "encodings": encodings})


def main() -> None:
    """Write the files of all datasets."""
    settings.use("real")
    for name in ENCODINGS:
        write(compute(name), SHIPPED / name)


if __name__ == "__main__":
    main()
