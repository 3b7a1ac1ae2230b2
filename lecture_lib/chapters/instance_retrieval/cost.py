"""How memory and time of a search grow with the pictures: measured on the twin of Oxford5k with more distractors.

Two searches are of what stands in memory, without a network or a detector. The line through the numbers is followed to
a million pictures, where one would take what is made for it: inverted files on disk, product quantisation, graphs of
neighbours (FAISS, or a vector database).
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

import numpy as np

from lecture_lib import datasets
from lecture_lib.backbones import Backbone
from lecture_lib.chapters.instance_retrieval.features import extract
from lecture_lib.chapters.instance_retrieval.local_rows import OF_VLAD, Local, by_kernels, by_words, vlad_row
from lecture_lib.chapters.instance_retrieval.network_rows import ASKED, LEVELS, patches, spatial_row
from lecture_lib.chapters.instance_retrieval.tables import Row, judge, search

SIZES = 500, 1000, 2000, 4000, 5000
# pictures in inverted files besides, the same ones over and over: in fewer, what any call takes hides what grows
REPEATED = 20_000, 50_000
MANY = 1_000_000
QUERIES = 22  # two of each landmark
MOST = 500  # features a picture that there is room for in the cache: drawings have fewer


def growth(net: Backbone) -> Iterator[dict]:
    """Yield rows of a record: bytes a picture and seconds of a core a query, for each number of pictures n."""
    task = search("oxford5k")
    marked = len(task.images) - len(task.images.splits["others"])
    images = datasets.load("oxford5k", distractors=max(SIZES) - marked)
    some = replace(task, queries=task.queries[:: max(1, len(task.queries) // QUERIES)])
    local, every = Local(task, "DoG"), extract(images, "DoG", most=MOST)
    phi = patches(net, task.images, LEVELS)
    for n in (*SIZES, *REPEATED):
        here = local.of(every[np.resize(np.arange(max(SIZES)), n)], some)
        methods = [inverted(here)]
        if n in SIZES:
            methods.append(compared(here, np.resize(phi, (n, *phi.shape[1:]))))
        for row in chain(*methods):
            about = {
                "dataset": "oxford5k",
                "source": "twin",
                "experiment": "cost",
                "method": row.method,
                "n": n,
            }
            yield about | {"metric": "bytes a picture", "value": row.bytes}
            yield about | {"metric": "seconds a query", "value": judge(some, row).seconds}


def inverted(here: Local) -> Iterator[Row]:
    """Inverted files: BoW, ASMK* and ASMK*+MA."""
    yield from islice(by_words(here), 1)
    yield from islice(by_kernels(here), 2)


def compared(here: Local, phi: np.ndarray) -> Iterator[Row]:
    """Vectors, each of which is compared: VLAD, CNN and CNN-ss.

    phi  of patches, float16 [n, 30, d]; what they hold does not change the time, so they may be repeated
    """
    yield vlad_row(here, here.words(OF_VLAD))
    asked = phi[here.task.asking]
    yield spatial_row("CNN", asked[:, :1], phi[:, :1].copy())
    yield spatial_row("CNN-ss", asked[:, :ASKED], phi)


def extrapolated(rows: list[dict]) -> Iterator[dict]:
    """Yield rows for a million pictures, where straight lines through total bytes and seconds lead."""
    for method in dict.fromkeys(row["method"] for row in rows):
        for metric in ("bytes a picture", "seconds a query"):
            of = [row for row in rows if row["method"] == method and row["metric"] == metric]
            n, value = (np.array([row[key] for row in of], float) for key in ("n", "value"))
            total = value * n if metric.startswith("bytes") else value
            there = np.polyval(np.polyfit(n, total, 1), MANY)
            there = there / MANY if metric.startswith("bytes") else there
            yield of[0] | {"experiment": "cost, extrapolated", "n": MANY, "value": float(there)}
