"""The lecture's table of shallow and deep encodings on the twin of VOC 2007, in full. Twenty minutes, 10 GB of cache.

    python -m lecture_lib.chapters.ifv_vs_cnn.drawings

takes the demo profile and writes `data/results/ifv_vs_cnn.demo.json`, which notebook 03 shows beside the paper.

Image augmentation has two letters, for training and for test pictures, which are read here as
    -   the picture as it is
    f   each of its views is a sample of its own
    s   the vectors of its views are summed, to length 1
    t   the vectors of its views are stacked (of a CNN's)
with the views FLIP for (F) and TEN_CROPS for (C). All SVMs have their C from threefold validation in trainval; the
training on single views takes that of the same row without augmentation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.backbones import Backbone, features, preprocess
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders import summed
from lecture_lib.encoders.augment import FLIP, PYRAMID, TEN_CROPS, WHOLE, View
from lecture_lib.encoders.bow import chi2_map
from lecture_lib.encoders.ifv import Dense, encode, encode_one, learn, normalised
from lecture_lib.linear import Kernel, classify, kernel
from lecture_lib.metrics import by_class
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, paired_claim, verdicts

NAME = "ifv_vs_cnn"
SIFT = Dense("resized", 4, (5.66, 11.3))  # VLFeat's form; more sizes add little to the twin, 160 x 120 pixels
PHOW = Dense()  # the form of 2011, for row (I)
COLOUR = replace(PHOW, colour=True)
VIEWS = (*FLIP, *TEN_CROPS)  # of one encoding: rows 0 and 1 are the picture and its mirror image
SWEEP = {
    4: None,
    16: None,
    64: None,
    256: "(d) FK IN",
    512: "(h) FK IN 512",
}  # K -> the row that has it already


@dataclass
class Table:
    """What was run.

    ap        row -> AP of each class in %, float64 [20]
    length    row -> numbers in a vector
    C         row -> the C that it was trained with
    """

    images: ImageCollection
    ap: dict[str, np.ndarray] = field(default_factory=dict)
    length: dict[str, int] = field(default_factory=dict)
    C: dict[str, float] = field(default_factory=dict)

    def add(self, row: str, found: Kernel, length: int, like: str | None = None) -> None:
        """Train and test a row; `like` names the row whose C it takes."""
        train, test = self.images.split_indices()
        scores, c = classify(found, self.images.labels[train], self.C[like] if like else None)
        truth = self.images.labels[test]
        self.ap[row], self.length[row], self.C[row] = by_class(scores, truth), length, c
        print(f"{row:40} {length:8,}  C {c:5g}  mAP {self.ap[row].mean():5.1f}", flush=True)

    def kernel(self, train: np.ndarray, test: np.ndarray | None = None) -> Kernel:
        """Inner products of all pictures' vectors [N, d] (`train` may be views, [N, V, d])."""
        inside, outside = self.images.split_indices()
        return kernel(train[inside], (train if test is None else test)[outside])


def shallow(table: Table, seed: int) -> dict[str, Kernel]:
    """Fill the rows of Fisher vectors; returns the kernels that rows with a CNN join."""
    images = table.images
    train = images[images.split_indices()[0]]
    codebook = partial(learn, train, n=200_000, seed=seed)
    for row, intra, dense in (("(I) FK BL", False, PHOW), ("(a) FK", False, SIFT), ("(b) FK IN", True, SIFT)):
        book = codebook(dense, 256)
        phi = normalised(encode(images, book, PYRAMID), 256, intra=intra, pyramid=True)
        table.add(row, table.kernel(phi), phi.shape[1])
    whole = {}  # of K Gaussians, with (x, y), intra-normalised: VIEWS of each picture
    for K in (256, 512):
        phi = encode(images, codebook(SIFT, K, xy=True), VIEWS)
        if K == 256:
            table.add("(c) FK", table.kernel(normalised(phi[:, :1], K)[:, 0]), phi.shape[2])
        whole[K] = normalised(phi, K, intra=True)
    d = whole[256].shape[2]
    table.add("(d) FK IN", table.kernel(whole[256][:, 0]), d)
    table.add("(e) FK IN", table.kernel(whole[256][:, :2], whole[256][:, 0]), d, "(d) FK IN")
    crops = whole[256][:, 2:]
    table.add("(f) FK IN", table.kernel(crops, summed(crops)), d, "(d) FK IN")
    table.add("(g) FK IN", table.kernel(summed(crops)), d)
    plain, crops = table.kernel(whole[512][:, 0]), whole[512][:, 2:]
    table.add("(h) FK IN 512", plain, 2 * d)
    augmented = table.kernel(crops, summed(crops))
    table.add("(i) FK IN 512", augmented, 2 * d, "(h) FK IN 512")
    phi = normalised(encode(images, codebook(COLOUR, 512), VIEWS), 512, intra=True)
    length = phi.shape[2]
    colour, crops = table.kernel(phi[:, 0]), phi[:, 2:]
    table.add("(j) FK IN COL 512", colour, length)
    table.add("(k) FK IN 512 COL+", plain + colour, 2 * d + length)
    both = augmented + table.kernel(crops, summed(crops))
    table.add("(l) FK IN 512 COL+", both, 2 * d + length, "(k) FK IN 512 COL+")
    return {"plain": plain, "(C) f s": augmented}


def deep(table: Table, net: Backbone, layer: str, join: Mapping[str, Kernel]) -> None:
    """Fill the rows of a CNN, of its vectors at a layer, and of both."""
    images = table.images
    x = encoders.encode(net, images, [layer], l2=True)[layer]
    d = x.shape[1]
    plain = table.kernel(x)
    table.add("CNN, no augmentation", plain, d)
    squares = replace(net, resize=net.input_size)  # the network takes a crop whole
    crops = encoders.encode(squares, encoders.expand(images, TEN_CROPS), [layer], l2=True)[layer]
    crops = crops.reshape(len(images), len(TEN_CROPS), d)
    table.add("(II) DECAF", table.kernel(crops.reshape(len(images), -1) / np.float16(10**0.5)), 10 * d)
    augmented = table.kernel(crops, summed(crops))
    table.add("(m) CNN F", augmented, d, "CNN, no augmentation")
    windows = summed(scan(squares, images, layer))
    table.add("CNN, summed over 42 windows", table.kernel(windows), d)
    length = table.length["(i) FK IN 512"] + d
    table.add("FK IN 512 + CNN, no augmentation", join["plain"] + plain, length)
    table.add("(α) FK+CNN F", join["(C) f s"] + augmented, length, "FK IN 512 + CNN, no augmentation")


def windows() -> tuple[View, ...]:
    """Squares of three sizes over a picture, 21 of them, and their mirror images."""
    grid = {1: (3, 1), 2 / 3: (3, 2), 1 / 2: (4, 3)}  # side -> columns, rows
    places = [
        (side, (x, y))
        for side, (columns, rows) in grid.items()
        for y in (np.linspace(0, 1, rows) if rows > 1 else [0.5])
        for x in np.linspace(0, 1, columns)
    ]
    once = [View(f"window {i}", side, (float(x), float(y)), True) for i, (side, (x, y)) in enumerate(places)]
    return (*once, *(replace(view, name=f"{view.name}, mirrored", mirrored=True) for view in once))


def scan(net: Backbone, images: ImageCollection, layer: str) -> np.ndarray:
    """Encode the 42 windows of each picture, each of length 1: float16 [N, 42, d]."""
    x = encoders.encode(net, encoders.expand(images, windows()), [layer], l2=True)[layer]
    return x.reshape(len(images), len(windows()), -1)


def sweep(table: Table, seed: int) -> dict[str, float]:
    """Add rows outside of the lecture's table: numbers of Gaussians, hard assignment, VLAD, words; ms a picture."""
    images = table.images
    train = images[images.split_indices()[0]]
    took = {}
    for K, same in SWEEP.items():
        book = learn(train, SIFT, K, xy=True, n=200_000, seed=seed)
        if same:
            for found in (table.ap, table.length, table.C):
                found[f"IFV, K = {K}"] = found[same]
        else:
            phi = normalised(encode(images, book), K, intra=True)[:, 0]
            table.add(f"IFV, K = {K}", table.kernel(phi), phi.shape[1])
        took[f"IFV, K = {K}"] = milliseconds(
            lambda i, book=book: encode_one(images, i, book, (WHOLE,), "fisher")
        )
        if K == 256:
            hard = normalised(encode(images, book, method="hard fisher"), K, intra=True)[:, 0]
            table.add("IFV, K = 256, hard assignment", table.kernel(hard), hard.shape[1])
    words = learn(train, SIFT, 256, kind="kmeans", n=200_000, seed=seed)
    vlad = normalised(encode(images, words, method="vlad"), 256, intra=True)[:, 0]
    table.add("VLAD, K = 256", table.kernel(vlad), vlad.shape[1])
    words = learn(train, SIFT, 1024, kind="kmeans", n=200_000, seed=seed)
    counts = torch.from_numpy(encode(images, words, method="bow")[:, 0].astype(np.float32))
    mapped = chi2_map(counts).numpy()
    table.add("BoW, K = 1024", table.kernel(mapped), mapped.shape[1])
    return took


def milliseconds(encode_picture: Callable[[int], object], pictures: int = 20) -> float:
    """Time what a picture takes on one thread: processor time, the median of some pictures."""
    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    took = []
    for i in range(pictures):
        start = time.thread_time()
        encode_picture(i)
        took.append(time.thread_time() - start)
    torch.set_num_threads(cores)
    return 1000 * float(np.median(took))


def judge(table: Table, seed: int) -> list[Claim]:
    """Put the lecture's statements to the test, paired over the classes."""
    said = [
        ("aug/ifv", "ten crops improve the IFV", "(i) FK IN 512", "(h) FK IN 512", 0),
        ("aug/cnn", "ten crops improve the CNN", "(m) CNN F", "CNN, no augmentation", 0),
        ("xy", "(x,y) is at most 1 point below the spatial pyramid", "(d) FK IN", "(b) FK IN", -1),
        ("intra/spm", "intra-normalisation helps the pyramid", "(b) FK IN", "(a) FK", 0),
        ("intra/xy", "intra-normalisation helps (x,y)", "(d) FK IN", "(c) FK", 0),
        ("gaussians/64", "256 Gaussians beat 16", "IFV, K = 256", "IFV, K = 16", 0),
        ("gaussians/512", "512 Gaussians beat 256", "(h) FK IN 512", "(d) FK IN", 0),
        ("soft", "soft assignment beats hard assignment", "IFV, K = 256", "IFV, K = 256, hard assignment", 0),
        ("bow", "the IFV beats visual words", "IFV, K = 256", "BoW, K = 1024", 0),
        ("deep", "the CNN is over 5 points above the IFV", "(m) CNN F", "(i) FK IN 512", 5),
        ("deep/windows", "a CNN on 42 windows is above the IFV", "CNN, summed over 42 windows", "(i) FK IN 512", 0),
        ("both", "IFV and CNN together are at most 2 points above the CNN", "(m) CNN F", "(α) FK+CNN F", -2),
    ]  # fmt: skip
    return [
        paired_claim(
            f"devil/{id}",
            f"On voc2007, {statement}",
            table.ap[more] - table.ap[less],
            margin=margin,
            source=table.images.source,
            seed=seed,
        )
        for id, statement, more, less, margin in said
    ]


def main() -> None:
    """Run what is described at the top of this file."""
    seed = settings.use("demo").seed
    net = backbones.load()
    table = Table(datasets.load("voc2007"))
    join = shallow(table, seed)
    deep(table, net, net.decaf[7], join)  # the penultimate layer, as on the slides
    took = sweep(table, seed)
    took["CNN, no augmentation"] = milliseconds(
        lambda i: features(net, preprocess(net, table.images.tensor(i))[None], [net.decaf[7]])
    )
    measured = {"mAP": {row: ap.mean() for row, ap in table.ap.items()}, "numbers in a vector": table.length}
    measured["ms a picture, one thread"] = took
    shared = {"dataset": table.images.name, "source": table.images.source}
    rows = [
        shared | describe(row) | {"metric": metric, "value": value}
        for metric, of_row in measured.items()
        for row, value in of_row.items()
    ]
    command = "python -m lecture_lib.chapters.ifv_vs_cnn.drawings"
    found = judge(table, seed)
    path = records.write(NAME, rows, found, command=command, network=net.name)
    verdicts(found)
    print(path.name)


def describe(row: str) -> dict:
    """Return what a row is: its method, its letter in the lecture's table, and the family of its encoding."""
    family = "CNN" if "CNN" in row or "DECAF" in row else "words" if "VLAD" in row or "BoW" in row else "IFV"
    return {
        "method": row,
        "letter": row.partition(" ")[0] if row.startswith("(") else None,
        "family": "IFV + CNN" if "+ CNN" in row or "+CNN" in row else family,
    }


if __name__ == "__main__":
    main()
