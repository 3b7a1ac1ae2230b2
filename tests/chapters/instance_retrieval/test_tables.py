"""Who asks, what is learned from, how methods are judged: on planted collections."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lecture_lib import datasets
from lecture_lib.chapters.instance_retrieval import tables
from lecture_lib.chapters.instance_retrieval.tables import (
    OF_FOUR,
    Row,
    Search,
    few_axes,
    judge,
    projected,
    record_rows,
    search,
    whole_pictures,
)
from lecture_lib.datasets.retrieval import Query
from lecture_lib.encoders.codebook import fit_pca

QUERIES = (
    Query(1, np.array([0, 0, 5, 5]), [1, 2], [3], [4], "a church"),
    Query(2, np.array([1, 0, 5, 5]), [1, 2], [3], [4], "a church"),
    Query(6, None, [6], [], [], "a lonely tower"),
)


def test_whole_pictures_ask_once_each_for_the_others_and_are_themselves_junk():
    asked = whole_pictures(QUERIES)
    assert [(q.picture, q.good.tolist(), q.ok.tolist(), q.junk.tolist()) for q in asked] == [
        (1, [2], [3], [1, 4]),
        (2, [1], [3], [2, 4]),
    ]
    assert all(q.box is None and q.instance == "a church" for q in asked)


@pytest.mark.parametrize("source", ["twin", "real"])
@pytest.mark.parametrize("name", ["oxford5k", "holidays", "sculptures6k"])
def test_nothing_is_learned_from_what_a_query_names(name, source, monkeypatch):
    class Stub(SimpleNamespace):
        def __len__(self):
            return 6

    def load(name, split="test"):
        others = {"others": np.array([] if name == "holidays" else [4, 5])}
        return Stub(name=f"{name} {split}", source=source, splits=others, queries=())

    monkeypatch.setattr(datasets, "load", load)
    task = search(name)
    if task.apart.name == task.images.name or (source == "real" and name == "holidays"):
        assert task.unjudged.tolist() == [4, 5]
    else:
        assert len(task.unjudged) == 6
    wanted = {"oxford5k": "paris6k test", "holidays": "paris6k test", "sculptures6k": "sculptures6k train"}
    real = {"oxford5k": "oxford5k test", "holidays": "oxford5k test", "sculptures6k": "sculptures6k train"}
    assert task.apart.name == (wanted if source == "twin" else real)[name]


def task_of(name, queries, labels=()):
    return Search(SimpleNamespace(name=name, source="twin", labels=np.array(labels)), queries, None, None)


def test_a_method_that_ranks_all_answers_first_has_100_and_time_is_counted():
    task = task_of("oxford5k", QUERIES)
    right = np.array([[0, 5, 4, 3, 9, 0, 0], [0, 5, 4, 3, 9, 0, 0], [0, 0, 0, 0, 0, 0, 1]])
    values, seconds = judge(task, Row("right", 1, lambda i: right[i]))
    np.testing.assert_allclose(values, 100)
    assert seconds >= 0
    assert judge(task, Row("wrong", 1, lambda i: -right[i])).values[0] < 60


def test_recall_among_four_belongs_to_the_query_in_whatever_order_they_ask():
    labels = [0, 0, 0, 0, 1, 1, 1, 1]
    order = [5, 0, 7, 2, 1, 4, 3, 6]
    group = [np.arange(4) + 4 * (picture // 4) for picture in order]
    queries = tuple(Query(p, None, rows, [], [], str(p // 4)) for p, rows in zip(order, group, strict=True))
    same = np.equal.outer(labels, labels).astype(float)
    same[5] = [3, 2, 0, 0, 1, 4, 0, 0]  # finds 5, 0, 1, 4: two of its four
    task = task_of("ukbench", queries, labels)
    assert task.metric == OF_FOUR
    values = judge(task, Row("m", 1, lambda i: same[order[i]])).values
    assert values.tolist() == [50, *[100] * 7]


def test_rows_of_a_record_have_the_interval_over_instances():
    row = {"method": "m", "bytes": 3.0, "values": [0.0, 100.0, 50.0]}
    rows = list(record_rows(task_of("oxford5k", QUERIES), row, experiment="table"))
    assert [r["metric"] for r in rows] == ["mAP", "mAP low", "mAP high"]
    assert rows[0]["value"] == 50
    assert rows[0]["bytes"] == 3
    assert "values" not in rows[0]
    assert rows[1]["value"] <= rows[2]["value"]


def test_axes_of_few_vectors_are_those_of_pca():
    x = np.random.default_rng(0).normal(size=(30, 12)).astype(np.float32) * np.arange(1, 13)
    x = x.astype(np.float32)
    few, all_of = few_axes(x, 4), fit_pca(torch.from_numpy(x), 4)
    np.testing.assert_allclose(few.mean, all_of.mean, atol=1e-5)
    np.testing.assert_allclose((few.components @ all_of.components.T).abs().numpy(), np.eye(4), atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(projected(x, few), axis=1), 1, rtol=1e-5)


def test_collections_learn_elsewhere_than_they_are_judged():
    assert all(name != other for name, other in tables.ELSEWHERE.items())
