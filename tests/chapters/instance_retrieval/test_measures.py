"""Measures: worked by hand, and against the steps of Oxford's program."""

import numpy as np
import pytest

from lecture_lib.chapters.instance_retrieval import measures
from lecture_lib.datasets.retrieval import Query


def oxford(order, positives, junk):
    """compute_ap.cpp, line by line."""
    old_recall, old_precision, ap, found, j = 0.0, 1.0, 0.0, 0, 0
    for picture in order:
        if picture in junk:
            continue
        found += picture in positives
        recall, precision = found / len(positives), found / (j + 1)
        ap += (recall - old_recall) * (old_precision + precision) / 2
        old_recall, old_precision, j = recall, precision, j + 1
    return ap


def query(picture=0, good=(0, 1), ok=(2,), junk=(3,), instance="a"):
    return Query(picture, None, np.array(good), np.array(ok), np.array(junk), instance)


def test_average_precision_is_oxfords():
    assert measures.average_precision(np.arange(3), [0, 2], []) == pytest.approx(
        (1 + (1 / 2 + 2 / 3) / 2) / 2
    )
    rng = np.random.default_rng(0)
    for _ in range(20):
        order, rows = rng.permutation(30), rng.permutation(30)
        positives, junk = rows[:6], rows[6:11]
        expected = oxford(order.tolist(), set(positives.tolist()), set(junk.tolist()))
        assert measures.average_precision(order, positives, junk) == pytest.approx(expected)


def test_junk_is_neither_right_nor_wrong_and_what_is_not_ranked_is_not_found():
    order = np.array([3, 0, 4, 1, 2])
    assert measures.average_precision(order[:2], [0], [3]) == 1
    assert measures.average_precision(order[:2], [0], []) == 1 / 4
    assert measures.average_precision(order[:2], [0, 1], [3]) == 1 / 2
    with pytest.raises(ValueError, match="junk"):
        measures.average_precision(order, [0], [0])


def test_equal_scores_keep_the_order_of_the_pictures():
    scores = np.tile([1, 2], (2, 50))
    assert measures.ranking(scores).tolist() == [[*range(1, 100, 2), *range(0, 100, 2)]] * 2


def test_a_query_without_itself_is_neither_found_nor_wrong():
    own = measures.without_itself(query())
    assert (own.positives.tolist(), own.junk.tolist()) == ([1, 2], [0, 3])
    scores = np.array([[9.0, 8, 7, 6, 1]])
    assert measures.average_precisions(scores, [own]).tolist() == [1.0]
    assert measures.average_precisions(-scores, [own])[0] < 0.5


def test_ukbench_counts_the_query_and_no_more_than_four():
    labels = np.repeat([0, 1], 4)
    scores = np.where(labels[:, None] == labels, 1.0, 0.0) + np.eye(8)
    assert measures.found_of_four(scores, labels).tolist() == [1.0] * 8
    scores[0, 1:] = [0, 0, 0, 5, 5, 5, 0]
    assert measures.found_of_four(scores, labels)[0] == 1 / 4


def test_intervals_are_over_instances():
    queries = [query(instance=name) for name in "aaabbbcc"]
    wide = measures.over_instances(np.array([1, 1, 1, 0, 0, 0, 0.5, 0.5]), queries)
    narrow = measures.over_instances(np.array([1, 0, 0.5, 1, 0, 0.5, 0.5, 0.5]), queries)
    assert wide.value == narrow.value == 0.5
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
