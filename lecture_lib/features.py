"""Make the vectors of photographs that `datasets.vectors` gives.

    python -m lecture_lib.features              all of them: an hour and a quarter of a core, 9 GB of cache
    python -m lecture_lib.features caltech101   those of one dataset

writes data/features/<dataset>/ of the photographs under LECTURE_DATA, in the real profile. Long vectors are turned
into their first principal components, which are found on training pictures alone, those that train in every split
(Caltech-101's Fisher vectors: in a part of the first; Office: amazon, a domain that none of its trials tests); so are
the codebooks of Fisher vectors and words. Nothing sees a label. Of birds (cub200) there are also the part points, as
one more "encoding", and vectors of head and body, which they bound.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import NamedTuple

import numpy as np
import torch

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.backbones import Backbone, torchvision_nets
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.cub200 import REGIONS_OF_BIRDS
from lecture_lib.datasets.protocols import official_split
from lecture_lib.datasets.regions import enlarged, object_boxes, part_boxes, region_crops
from lecture_lib.datasets.vectors import SHIPPED, Vectors, write
from lecture_lib.encoders import FLIP, PYRAMID, TEN_CROPS, ifv, summed
from lecture_lib.encoders.bow import chi2_map
from lecture_lib.encoders.ifv import Dense, normalised
from lecture_lib.linear.kernels import products
from lecture_lib.results import records

SQUEEZENET, MOBILENET = "squeezenet1_1", "mobilenet_v2"
K, WORDS, OFFICE_WORDS, PHOW = 256, 1024, 800, Dense()
LOCAL = "dense SIFT (PHOW), 80 dimensions"
FISHER = f"Fisher vector, {K} Gaussians, {LOCAL}"
IN_REGIONS = f"{FISHER}, intra-normalised in each of {len(PYRAMID)} regions"
SPLITS = 5  # of Caltech-101
# Principal components that are kept of long vectors, by what their spectra allow: the means of maps lose half a point
# with so few, words none; Fisher vectors, which are nearly at right angles, keep all that their training pictures span.
OF_MAPS, OF_RANDOM, OF_WORDS, ALL = 192, 64, 384, 10**9
GRID = 3
BOX, BOX_OF_POINTS, CELLS = 1.5, 1.2, 4  # of birds: crops in sides of the box; cells across a map


class Encoding(NamedTuple):
    """Vectors [N, d] with a name and what they are.

    most  principal components that are kept of them, None for the numbers themselves
    few   for the first split with so many training pictures a class alone: no vectors (NaN) of pictures that neither
          train there nor test in the split with 30
    """

    name: str
    x: np.ndarray
    most: int | None
    made: str
    few: int = 0


def voc2007(images: ImageCollection, train: np.ndarray) -> Iterator[Encoding]:
    """Encode VOC 2007: two networks, random weights, ten crops, Fisher vectors and words."""
    yield from networks(images, (7,))
    net = backbones.load(SQUEEZENET)
    squares = replace(net, resize=net.input_size)  # it takes a crop whole
    [(_, crops, made)] = mean_pooled(squares, encoders.expand(images, TEN_CROPS), (7,))
    x = summed(crops.reshape(len(images), 10, -1))
    yield Encoding(f"{SQUEEZENET} DeCAF7, ten crops", x, None, f"{made}, summed over ten crops")
    phi = ifv.encode(images, ifv.learn(images[train], PHOW, K), PYRAMID)
    whole = phi[:, :1]  # the pyramid's first region
    yield Encoding("FK", normalised(whole, K)[:, 0], ALL, FISHER)
    yield Encoding("FK IN", normalised(whole, K, intra=True)[:, 0], ALL, f"{FISHER}, intra-normalised")
    yield Encoding("FK IN spm", normalised(phi, K, intra=True, pyramid=True), ALL, IN_REGIONS)
    phi = normalised(ifv.encode(images, ifv.learn(images[train], PHOW, K, xy=True), FLIP), K, intra=True)
    made = f"{FISHER}, with places, intra-normalised"
    yield Encoding("FK IN (x,y)", phi[:, 0], ALL, made)
    yield Encoding("FK IN (x,y), mirrored", summed(phi), ALL, f"{made}, summed with that of the mirror image")
    counts = ifv.encode(images, ifv.learn(images[train], PHOW, WORDS, kind="kmeans"), method="bow")[:, 0]
    bow = chi2_map(torch.from_numpy(counts.astype(np.float32))).numpy()
    yield Encoding("BoW", bow, OF_WORDS, f"{WORDS} words, {LOCAL}, chi2 map")


def caltech101(images: ImageCollection, train: np.ndarray) -> Iterator[Encoding]:
    """Encode Caltech-101: two networks, random weights, a grid of means, Fisher vectors for the first split."""
    yield from networks(images, (5, 6, 7))
    net = backbones.load(SQUEEZENET)
    grid = encoders.encode(net, images, [net.decaf[7]], pool=GRID, l2=True)[net.decaf[7]]
    made = f"{net.decaf[7]}, {GRID} x {GRID} means of each map, {net.weights}"
    yield Encoding(f"{SQUEEZENET} DeCAF7, {GRID} x {GRID}", grid, OF_MAPS, made)
    phi = ifv.encode(images, ifv.learn(images[train], PHOW, K), PYRAMID)
    phi = normalised(phi, K, intra=True, pyramid=True)
    yield Encoding("FK IN spm", phi, ALL, IN_REGIONS, few=10)


def office31(images: ImageCollection, train: np.ndarray) -> Iterator[Encoding]:
    """Encode Office-31: two layers of one network, one of another, and as many words as its SURF histograms have."""
    for name, most, numbers in ((SQUEEZENET, None, (6, 7)), (MOBILENET, OF_MAPS, (7,))):
        for n, x, made in mean_pooled(backbones.load(name), images, numbers):
            yield Encoding(f"{name} DeCAF{n}", x, most, made)
    words = ifv.learn(images[train], PHOW, OFFICE_WORDS, kind="kmeans")
    counts = encoders.l2_normalise(ifv.encode(images, words, method="bow")[:, 0])
    yield Encoding("BoW", counts, None, f"{OFFICE_WORDS} words of amazon, {LOCAL}, counts")


def cub200(images: ImageCollection, train: np.ndarray) -> Iterator[Encoding]:
    """Encode birds: whole pictures, boxes, heads and bodies; a map of the box that tells where parts are; the points.

    A part that is not visible has no vector (NaN).
    """
    net, boxes = backbones.load(SQUEEZENET), object_boxes(images)
    parts, visible = part_boxes(images.parts, images.part_names, list(REGIONS_OF_BIRDS.values()), boxes)
    regions = {"box": enlarged(boxes, BOX)} | dict(zip(REGIONS_OF_BIRDS, parts.swapaxes(0, 1), strict=True))
    seen = dict(zip(REGIONS_OF_BIRDS, visible.T, strict=True))
    [(_, x, made)] = mean_pooled(net, images, (7,))
    yield Encoding(f"{SQUEEZENET} DeCAF7", x, None, made)
    for name, region in regions.items():
        [(_, x, _)] = mean_pooled(net, region_crops(images, region[:, None], [name]), (7,))
        x = np.where(seen[name][:, None], x, np.nan) if name in seen else x
        yield Encoding(f"{SQUEEZENET} DeCAF7, {name}", x, None, f"{made}, {name}")
    tight = region_crops(images, enlarged(boxes, BOX_OF_POINTS)[:, None], ["box"])
    x = encoders.encode(net, tight, [net.decaf[7]], pool=CELLS, l2=True)[net.decaf[7]]
    made = f"{net.decaf[7]}, {CELLS} x {CELLS} means of each map, {net.weights}, box x {BOX_OF_POINTS}"
    yield Encoding(f"{SQUEEZENET} DeCAF7, {CELLS} x {CELLS}", x, OF_MAPS, made)
    points = images.parts.reshape(len(images), -1)
    yield Encoding(
        "points", points, None, f"x, y in pixels, and 1 if visible, of {', '.join(images.part_names)}"
    )


def clothing(images: ImageCollection, train: np.ndarray) -> Iterator[Encoding]:
    """Encode people in whole pictures; no components, since every picture tests in one of the folds."""
    [(_, x, made)] = mean_pooled(backbones.load(SQUEEZENET), images, (7,))
    yield Encoding(f"{SQUEEZENET} DeCAF7", x, None, made)


ENCODINGS: dict[str, Callable[[ImageCollection, np.ndarray], Iterator[Encoding]]] = {
    "voc2007": voc2007,
    "caltech101": caltech101,
    "office31": office31,
    "cub200": cub200,
    "clothing": clothing,
}


def networks(images: ImageCollection, numbers: tuple[int, ...]) -> Iterator[Encoding]:
    """Encode pictures by the mean of each map at DeCAF_n of both networks, and at DeCAF7 with random weights."""
    for name, most in ((SQUEEZENET, None), (MOBILENET, OF_MAPS)):
        for n, x, made in mean_pooled(backbones.load(name), images, numbers):
            yield Encoding(f"{name} DeCAF{n}", x, most, made)
    for n, x, made in mean_pooled(backbones.load(SQUEEZENET, "random"), images, (7,)):
        yield Encoding(f"random {SQUEEZENET} DeCAF{n}", x, OF_RANDOM, made)


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
    inner, others = np.empty((len(x), len(train))), np.setdiff1d(np.arange(len(x)), train)
    inner[train], inner[others] = products(x[train]), products(x[others], x[train])
    squares, axes = np.linalg.eigh(inner[train])  # in rising order
    first = np.flatnonzero(squares > 1e-6 * squares[-1])[: -most - 1 : -1]
    x = inner @ (axes[:, first] / np.sqrt(squares[first]))
    return x.astype(np.float32), float(squares[first].sum() / squares.sum())


def compute(name: str) -> Vectors:
    """Encode the photographs of a dataset; what was computed before is read from the cache."""
    images = datasets.load(name)
    if name == "cub200":  # by the names that `vectors.read` knows
        splits = {"trainval": images.splits["train"], "test": images.splits["test"]}
        images = replace(images, splits=splits, protocol=partial(official_split, train="trainval"))
    if name == "office31":
        splits = [(images.splits["amazon"], np.arange(0))]
    else:
        splits = [images.split_indices(seed) for seed in range(1 if images.splits else SPLITS)]
    train = reduce(np.intersect1d, (split[0] for split in splits))
    x, encodings = {}, {}
    for encoding, long, most, made, few in ENCODINGS[name](images, train):
        span, rows = train, np.arange(len(images))
        if few:
            span = images.split_indices(train_per_class=few)[0]
            rows = np.union1d(span, splits[0][1])
        kept, part = components(long[rows], np.searchsorted(rows, span), most)
        x[encoding] = np.full((len(images), kept.shape[1]), np.nan, np.float32)
        x[encoding][rows] = kept
        d, numbers = long.shape[1], kept.shape[1]
        about = {"made": made, "length": d, "numbers": numbers, "kept": round(part, 4)}
        encodings[encoding] = about | ({"training pictures a class": few} if few else {})
        print(f"{name}  {encoding:40} {d:7,} -> {numbers:4}, kept {part:.1%}", flush=True)
    files = {net: torchvision_nets.find_published(net) for net in (SQUEEZENET, MOBILENET)}
    about = records.provenance(f"python -m lecture_lib.features {name}", " and ".join(files))
    about["weights"] = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files.values()}
    return Vectors(images, x, about | {"learned from": f"{len(train)} pictures", "encodings": encodings})


def main(names: Sequence[str]) -> None:
    """Write the files of these datasets."""
    settings.use("real")
    for name in names:
        write(compute(name), SHIPPED / name)


if __name__ == "__main__":
    main(sys.argv[1:] or [*ENCODINGS])
