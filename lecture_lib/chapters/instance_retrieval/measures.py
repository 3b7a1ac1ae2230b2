"""How rankings are judged: average precision as Oxford's program computes it, and what counts in which set.

    order = ranking(scores)                              # all pictures, best first
    average_precision(order, query.positives, query.junk)

What goes wrong most often is another argument: [] for the junk counts it as wrong; order[:10] forgets what comes later;
in Holidays, a query that is not `without_itself` counts as found.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lecture_lib.datasets.retrieval import Query
from lecture_lib.results import mean_over_classes
from lecture_lib.results.intervals import Interval

GROUP = 4  # pictures of an object in UKBench


def ranking(scores: np.ndarray) -> np.ndarray:
    """Rows of scores [.., N], the highest first, equal ones in their order: int64 [.., N]."""
    return np.argsort(-np.asarray(scores, np.float64), axis=-1, kind="stable")


def average_precision(order: np.ndarray, positives: np.ndarray, junk: Sequence[int] | np.ndarray) -> float:
    """Area under precision over recall, by trapezoids, of a ranking without its junk (Philbin et al. 2007, program).

    order      int64, pictures from the best on; what is not in it is not found
    positives  int64, all P pictures that should be
    junk       pictures that are taken out of the ranking before

    With positives at 0-based ranks r_1 < r_2 < ..: AP = 1/P sum_j 1/2 [(j - 1) / r_j + j / (r_j + 1)], where the first
    term is 1 for r_j = 0. Raises ValueError without positives, or where a positive is junk.
    """
    if not len(positives) or np.isin(positives, junk).any():
        raise ValueError("Average precision needs positives, none of which is junk: see without_itself.")
    order = order[~np.isin(order, junk)]
    r = np.flatnonzero(np.isin(order, positives))
    j = np.arange(1, len(r) + 1)
    before = np.where(r > 0, (j - 1) / np.maximum(r, 1), 1.0)
    return float((before + j / (r + 1)).sum() / 2 / len(positives))


def without_itself(query: Query) -> Query:
    """The query with its own picture as junk, so that it neither counts as found nor as wrong: Holidays."""
    good, ok = (rows[rows != query.picture] for rows in (query.good, query.ok))
    return replace(query, good=good, ok=ok, junk=np.union1d(query.junk, [query.picture]))


def average_precisions(scores: np.ndarray, queries: Sequence[Query]) -> np.ndarray:
    """AP of each query, float64 [Q], of scores [Q, N] for all pictures."""
    return np.array(
        [average_precision(o, q.positives, q.junk) for o, q in zip(ranking(scores), queries, strict=True)]
    )


def found_of_four(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """UKBench: the share of each query's group of four that is among its first four, float64 [N]; N-S is 4 times that.

    scores  [N, N], row i those of the query i, which counts itself
    labels  int64 [N], the object that a picture shows

    The table prints N-S / 4 in %.
    """
    return (labels[ranking(scores)[:, :GROUP]] == labels[:, None]).sum(1) / GROUP


def over_instances(values: np.ndarray, queries: Sequence[Query], seed: int = 0) -> Interval:
    """The mean of values [Q] over queries, with an interval over instances: those of one rise and fall together."""
    _, instances = np.unique([query.instance for query in queries], return_inverse=True)
    return mean_over_classes(values, instances, seed=seed)
