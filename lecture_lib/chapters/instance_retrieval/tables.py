"""What the lecture's retrieval table needs of one collection: who asks, what is learned from, how a method is judged.

    task = search("oxford5k")
    for row in local_rows.by_words(Local(task, "DoG")):
        print(row.method, over_instances(judge(task, row).values, task.queries))

Words, medians, axes and means come from pictures that are not judged; queries only ask.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from lecture_lib import datasets
from lecture_lib.chapters.instance_retrieval.measures import (
    average_precisions,
    found_of_four,
    over_instances,
)
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.retrieval import Query, RetrievalCollection
from lecture_lib.encoders.codebook import PCA
from lecture_lib.encoders.normalise import l2_normalise

BUILDINGS = "oxford5k", "paris6k"  # whose queries have boxes, and whose answers are worth verifying
ELSEWHERE = {"oxford5k": "paris6k", "paris6k": "oxford5k", "holidays": "paris6k", "ukbench": "paris6k"}
OF_FOUR = "recall among the first four"
SHORT = 128  # numbers of a vector that is made short


@dataclass(frozen=True, eq=False)
class Search:
    """Pictures to search in, what is asked, and what may be learned from.

    apart     the collection that words and the like are learned on
    unjudged  int64, its rows that no query names, nor finds
    """

    images: RetrievalCollection
    queries: tuple[Query, ...]
    apart: ImageCollection
    unjudged: np.ndarray

    @property
    def metric(self) -> str:
        """What it is judged by."""
        return OF_FOUR if self.images.name == "ukbench" else "mAP"

    @property
    def asking(self) -> list[int]:
        """The picture of each query."""
        return [query.picture for query in self.queries]


class Row(NamedTuple):
    """A method, ready to search.

    bytes    memory a picture
    scores   number of a query -> float [N], high is alike
    K        words, or Gaussians; 0: none
    numbers  of a picture's vectors; 0: it has none of a fixed length
    """

    method: str
    bytes: float
    scores: Callable[[int], np.ndarray]
    K: int = 0
    numbers: int = 0


class Judged(NamedTuple):
    """AP, or recall, of each query in %, float64 [Q], and the seconds of a core that a query takes."""

    values: np.ndarray
    seconds: float


def search(name: str) -> Search:
    """A collection, and what may be learned from.

    Twins learn on another twin, Oxford's on Paris's and the other way round. Of photographs those that no query names
    are learned from, Oxford's where a set has none. Sculptures have a training split.
    """
    images = datasets.load(name)
    if name == "sculptures6k":
        apart = datasets.load(name, split="train")
    elif images.source == "twin":
        apart = datasets.load(ELSEWHERE[name])
    else:
        apart = images if len(images.splits["others"]) else datasets.load("oxford5k")
    elsewhere = images.source == "twin" or name == "sculptures6k"
    rows = np.arange(len(apart)) if elsewhere else apart.splits["others"]
    return Search(images, images.queries, apart, rows)


def whole_pictures(queries: Sequence[Query]) -> tuple[Query, ...]:
    """Instead of boxes: each good picture asks, as a whole, for the others of its instance, and is itself junk.

    A part of Oxford5k has few boxes, and more of these.
    """
    asking = {}
    for query in queries:
        for row in map(int, query.good):
            good, ok = (rows[rows != row] for rows in (query.good, query.ok))
            if len(good) + len(ok):
                asking[row] = Query(row, None, good, ok, np.union1d(query.junk, [row]), query.instance)
    return tuple(asking.values())


def judge(task: Search, row: Row) -> Judged:
    """Ask all queries.

    Time is of a core, not of the clock, which other programs share; it is from a query's features, or a network's
    vectors of it, to the scores of all pictures.
    """
    start = time.process_time()
    # two threads of BLAS wait for each other at every product where a neighbour has one of two cores
    with threadpool_limits(1, "blas"):
        scores = np.stack([row.scores(i) for i in range(len(task.queries))])
    seconds = (time.process_time() - start) / len(task.queries)
    if task.metric == "mAP":
        return Judged(100 * average_precisions(scores, task.queries), seconds)
    values = np.empty(len(scores))
    rows = np.array(task.asking)
    values[np.argsort(rows)] = found_of_four(scores[np.argsort(rows)], task.images.labels)
    return Judged(100 * values, seconds)


def record_rows(task: Search, row: dict, **about: object) -> Iterator[dict]:
    """Yield what a record has of a method: its measure, and the 95 % interval over instances.

    row  its `values` of queries, and columns
    """
    interval = over_instances(np.array(row["values"]), task.queries)
    columns = {name: value for name, value in row.items() if name != "values"}
    shared = {"dataset": task.images.name, "source": task.images.source, **about, "method": row["method"]}
    yield shared | columns | {"metric": task.metric, "value": interval.value}
    for end in ("low", "high"):
        yield shared | {"metric": f"{task.metric} {end}", "value": getattr(interval, end)}


def few_axes(x: np.ndarray, dim: int) -> PCA:
    """Principal axes of fewer vectors [n, d] than they have numbers, as `codebook.fit_pca` has them: dim <= n - 1."""
    mean = x.mean(0, dtype=np.float64).astype(np.float32)
    z = x - mean
    with threadpool_limits(1, "blas"):
        axes = np.linalg.eigh(z.astype(np.float64) @ z.T.astype(np.float64))[1][:, ::-1][:, :dim]
        components = l2_normalise(axes.T.astype(np.float32) @ z)
    return PCA(torch.from_numpy(mean), torch.from_numpy(components))


def projected(x: np.ndarray, pca: PCA) -> np.ndarray:
    """Vectors [.., d] along some axes, to length 1: float32 [.., dim]."""
    return l2_normalise(pca(torch.from_numpy(np.asarray(x, np.float32))).numpy())
