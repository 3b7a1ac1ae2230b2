"""The rows of the lecture's table of shallow and deep encodings, each trained and tested on the same pictures.

Image augmentation has two letters, for training and for test pictures, which are read here as
    -   the picture as it is
    f   each of its views is a sample of its own
    s   the vectors of its views are summed, to length 1
    t   the vectors of its views are stacked (of a CNN's)
with the views FLIP for (F) and TEN_CROPS for (C). All SVMs have their C from threefold validation within the training
pictures; the training on single views takes that of the same row without augmentation. Codebooks learn from training
pictures, so that a test picture is only ever scored.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from timeit import repeat

import numpy as np
import torch

from lecture_lib import encoders
from lecture_lib.backbones import Backbone, features, preprocess
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.protocols import Split
from lecture_lib.encoders import summed
from lecture_lib.encoders.augment import FLIP, PYRAMID, TEN_CROPS, WHOLE, View
from lecture_lib.encoders.bow import chi2_map
from lecture_lib.encoders.ifv import Codebook, Dense, encode, encode_one, learn, normalised
from lecture_lib.linear import Kernel, classify, kernel
from lecture_lib.metrics import by_class

PHOW = Dense()  # the form of 2011, for row (I)
COLOUR = replace(PHOW, colour=True)
VIEWS = (*FLIP, *TEN_CROPS)  # of one encoding: rows 0 and 1 are the picture and its mirror image
NO_VIEWS = {
    "(m) CNN F": "CNN, no augmentation",
    "(n) CNN S": "CNN S, no augmentation",
}  # the same, of one view
SAME = {256: "(d) FK IN", 512: "(h) FK IN 512"}  # K -> the row of the table that has so many Gaussians


@dataclass(frozen=True, eq=False)
class Row:
    """What came of an encoding.

    scores  AP of each class in %: float64 [classes]
    length  numbers in a vector
    """

    scores: np.ndarray
    length: int
    C: float
    kernel: Kernel


@dataclass
class Table:
    """What is run on a dataset, and what came of it.

    split        the pictures that train and those that test
    dense        local descriptors of all rows but (I) and colour
    descriptors  that a codebook learns from
    Cs           values of C to choose from
    nets         the CNNs of rows (m) and (n); of each the penultimate layer is taken, as on the slides
    rows         what came of each, by its name
    ms           name of a row -> milliseconds a picture
    """

    images: ImageCollection
    split: Split
    dense: Dense
    descriptors: int
    Cs: Sequence[float]
    nets: dict[str, Backbone]
    seed: int
    rows: dict[str, Row] = field(default_factory=dict)
    ms: dict[str, float] = field(default_factory=dict)

    def codebook(self, K: int, dense: Dense | None = None, **options) -> Codebook:
        """Learn a codebook from the training pictures."""
        options |= {"n": self.descriptors, "seed": self.seed}
        return learn(self.images[self.split[0]], dense or self.dense, K, **options)

    def vectors(self, net: Backbone, views: Sequence[View] = (WHOLE,)) -> np.ndarray:
        """Encode the views of all pictures by a CNN: float16 [N, V, d], each of length 1."""
        images = self.images if len(views) == 1 else encoders.expand(self.images, views)
        x = encoders.encode(net, images, [net.decaf[7]], pool="mean", l2=True)[net.decaf[7]]
        return x.reshape(len(self.images), len(views), -1)

    def train(self, name: str, x: np.ndarray, tested: np.ndarray | None = None, like: str = "") -> None:
        """Train a row on vectors [N, d], or [N, V, d] of views; test it on the same, or others; `like` as in `add`."""
        train, test = self.split
        self.add(name, kernel(x[train], (x if tested is None else tested)[test]), x.shape[-1], like)

    def join(self, name: str, one: str, other: str, like: str = "") -> None:
        """Train and test two encodings together, each of which is a row."""
        one, other = self.rows[one], self.rows[other]
        self.add(name, one.kernel + other.kernel, one.length + other.length, like)

    def add(self, name: str, given: Kernel, length: int, like: str) -> None:
        """Train and test a row; `like` names the row whose C it takes."""
        labels, (train, test) = self.images.labels, self.split
        of_test, C = classify(given, labels[train], self.rows[like].C if like else None, self.Cs)
        scores = by_class(of_test, labels[test])
        self.rows[name] = Row(scores, length, C, given)
        print(f"{name:40} {length:8,}  C {C:5g}  {scores.mean():.1f}", flush=True)


def first_form(table: Table) -> None:
    """Add row (I): the form of 2011."""
    phi = encode(table.images, table.codebook(256, PHOW), PYRAMID)
    table.train("(I) FK BL", normalised(phi, 256, pyramid=True))


def places(table: Table) -> None:
    """Add rows (a) to (d): the spatial pyramid or (x, y), with and without intra-normalisation."""
    phi = encode(table.images, table.codebook(256), PYRAMID)
    table.train("(a) FK", normalised(phi, 256, pyramid=True))
    table.train("(b) FK IN", normalised(phi, 256, intra=True, pyramid=True))
    phi = encode(table.images, table.codebook(256, xy=True))
    table.train("(c) FK", normalised(phi, 256)[:, 0])
    table.train("(d) FK IN", normalised(phi, 256, intra=True)[:, 0])


def views(table: Table) -> None:
    """Add rows (e) to (i): mirror images and ten crops, for 256 and 512 Gaussians."""
    phi = normalised(encode(table.images, table.codebook(256, xy=True), VIEWS), 256, intra=True)
    table.train("(e) FK IN", phi[:, :2], phi[:, 0], "(d) FK IN")
    table.train("(f) FK IN", phi[:, 2:], summed(phi[:, 2:]), "(d) FK IN")
    table.train("(g) FK IN", summed(phi[:, 2:]))
    phi = normalised(encode(table.images, table.codebook(512, xy=True), VIEWS), 512, intra=True)
    table.train("(h) FK IN 512", phi[:, 0])
    table.train("(i) FK IN 512", phi[:, 2:], summed(phi[:, 2:]), "(h) FK IN 512")


def colours(table: Table) -> None:
    """Add rows (j) to (l): colour statistics, alone and joined with rows (h) and (i)."""
    phi = normalised(encode(table.images, table.codebook(512, COLOUR), VIEWS), 512, intra=True)
    table.train("(j) FK IN COL 512", phi[:, 0])
    table.join("(k) FK IN 512 COL+", "(h) FK IN 512", "(j) FK IN COL 512")
    table.train("FK IN COL 512, ten crops", phi[:, 2:], summed(phi[:, 2:]), "(j) FK IN COL 512")
    table.join("(l) FK IN 512 COL+", "(i) FK IN 512", "FK IN COL 512, ten crops", "(k) FK IN 512 COL+")


def network(table: Table) -> None:
    """Add the CNNs on whole pictures; rows (m), (n), (II), (α): on ten crops, stacked, summed, joined; on windows."""
    for row, net in table.nets.items():
        whole = NO_VIEWS[row]
        table.train(whole, table.vectors(net)[:, 0])
        squares = replace(net, resize=net.input_size)  # it takes a crop whole
        crops = table.vectors(squares, TEN_CROPS)
        table.train(row, crops, summed(crops), whole)
        if row == "(m) CNN F":
            table.train("(II) DECAF", crops.reshape(len(crops), -1) / np.float16(10**0.5))
            table.train("CNN, summed over 42 windows", summed(table.vectors(squares, windows())))
    both = "FK IN 512 + CNN, no augmentation"
    table.join(both, "(h) FK IN 512", "CNN, no augmentation")
    table.join("(α) FK+CNN F", "(i) FK IN 512", "(m) CNN F", both)


def windows() -> list[View]:
    """Squares of three sizes over a picture, 21 of them, and their mirror images."""
    places = [
        *product([1], [0.5], [0, 0.5, 1]),
        *product([2 / 3], [0, 1], [0, 0.5, 1]),
        *product([1 / 2], [0, 0.5, 1], [0, 1 / 3, 2 / 3, 1]),
    ]
    once = [View(f"window {i}", side, (x, y), True) for i, (side, y, x) in enumerate(places)]
    return [*once, *(replace(view, name=f"{view.name}, mirrored", mirrored=True) for view in once)]


def sweep(table: Table) -> None:
    """Add rows outside of the lecture's table: numbers of Gaussians, hard assignment, VLAD, words; time a picture."""
    images, net = table.images, table.nets["(m) CNN F"]
    for K in (4, 16, 64, 256, 512):
        row, book = f"IFV, K = {K}", table.codebook(K, xy=True)
        if K in SAME:
            table.rows[row] = table.rows[SAME[K]]
        else:
            table.train(row, normalised(encode(images, book), K, intra=True)[:, 0])
        fisher = partial(encode_one, images, codebook=book, which=(WHOLE,), method="fisher")
        table.ms[row] = milliseconds(fisher)
    phi = encode(images, table.codebook(256, xy=True), method="hard fisher")
    table.train("IFV, K = 256, hard assignment", normalised(phi, 256, intra=True)[:, 0])
    phi = encode(images, table.codebook(256, kind="kmeans"), method="vlad")
    table.train("VLAD, K = 256", normalised(phi, 256, intra=True)[:, 0])
    counts = encode(images, table.codebook(1024, kind="kmeans"), method="bow")[:, 0].astype(np.float32)
    table.train("BoW, K = 1024", chi2_map(torch.from_numpy(counts)).numpy())
    table.ms["CNN, no augmentation"] = milliseconds(
        lambda i: features(net, preprocess(net, images.tensor(i))[None], [net.decaf[7]])
    )


def milliseconds(encode_picture: Callable[[int], object]) -> float:
    """Time what a picture takes on one thread: processor time, the best of three, and of that the median of twenty."""
    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    once = {"timer": time.thread_time, "number": 1, "repeat": 3}
    took = [min(repeat(partial(encode_picture, i), **once)) for i in range(20)]
    torch.set_num_threads(cores)
    return 1000 * float(np.median(took))
