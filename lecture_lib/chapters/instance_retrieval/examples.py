"""Examples for figures, found by a rule in any collection, and not picked by hand."""

from typing import NamedTuple

import numpy as np

from lecture_lib.chapters.instance_retrieval.hamming import (
    Matches,
    fewer_by_picture,
    fewer_by_query,
    hamming_matches,
)
from lecture_lib.chapters.instance_retrieval.local_rows import Local
from lecture_lib.chapters.instance_retrieval.measures import ranking
from lecture_lib.chapters.instance_retrieval.words import assign
from lecture_lib.datasets.retrieval import Query

FIRST = 3  # places in which a wrong picture is worth an explanation


class Burst(NamedTuple):
    """A query that bursts mislead.

    query   its number
    same    row of the picture of its instance that is ranked highest; other: of the wrong one
    every   its matches; less: with bursts weighted down
    ranks   int64 [2, N], ranks of all pictures by either, from 0
    """

    query: int
    same: int
    other: int
    every: Matches
    less: Matches
    ranks: np.ndarray


def burst(local: Local) -> Burst:
    """The wrong picture within FIRST places of any query of whose votes burst weighting leaves least."""
    found = []
    for k, query in enumerate(local.task.queries):
        asked = local.asked(k)
        every = hamming_matches(asked.root, assign(asked.x, local.means), local.index, local.cells[64])
        less = fewer_by_query(fewer_by_picture(every))
        before, after = (of.scores(local.index) for of in (every, less))
        order = ranking(before)
        same = order[np.isin(order, right(query))][0]
        for other in np.intersect1d(order[:FIRST], wrong(query, order)):
            ranks = np.stack([ranks_of(before), ranks_of(after)])
            found.append((before[other] / after[other], Burst(k, int(same), int(other), every, less, ranks)))
    return max(found, key=lambda of: of[0])[1]


def gain(query: Query, before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """The picture whose place a second search divides by most, of those that it should, and the first's best wrong one.

    before, after  scores [N]
    """
    ranks = [ranks_of(scores) for scores in (before, after)]
    rows = right(query)
    return int(rows[((ranks[0] + 1) / (ranks[1] + 1))[rows].argmax()]), int(
        wrong(query, ranks[0].argsort())[0]
    )


def ranks_of(scores: np.ndarray) -> np.ndarray:
    """The rank of each picture, from 0: int64 [N]."""
    return np.argsort(ranking(scores))


def right(query: Query) -> np.ndarray:
    """Pictures that should be found, without the query's own."""
    return query.positives[query.positives != query.picture]


def wrong(query: Query, order: np.ndarray) -> np.ndarray:
    """Those of a ranking that should not."""
    return order[~np.isin(order, [query.picture, *query.positives, *query.junk])]
