"""What is shipped to search in: written and read, and ASMK* by codes alone."""

import numpy as np
import pytest

from lecture_lib.chapters.instance_retrieval.asmk import aggregate, asmk_index, asmk_scores
from lecture_lib.chapters.instance_retrieval.shipped import code_scores, codes_of_picture, codes_of_query
from lecture_lib.datasets import ArrayImages, DatasetNotFound
from lecture_lib.datasets.retrieval import Query, RetrievalCollection
from lecture_lib.datasets.search_vectors import SearchVectors, read, write

BOX = np.array([1, 2, 30, 20.5], np.float32)


@pytest.fixture
def vectors(features, words, cells, query, asked):
    index = asmk_index(features, words, cells[128], binary=True)
    c, _, entry = aggregate(query.root, asked[3], np.zeros(len(query.x), np.int64), cells[128], binary=True)
    arrays = vars(index) | {"offsets": np.array([0, 0, len(c)]), "words": c, "codes": entry}
    pictures = ArrayImages(np.zeros((6, 3, 8, 8), np.uint8))
    queries = (Query(0, BOX, [0, 1], [2], [4], "a"), Query(3, None, [3], [], [], "b"))
    images = RetrievalCollection(
        "oxford5k", "real", pictures, ("a", "b"), np.array([0, 0, 0, 1, 0, -1]),
        splits={"others": np.array([5])}, queries=queries,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    x = {
        "CNN": rng.normal(size=(6, 9)).astype(np.float32),
        "ss": rng.normal(size=(6, 4, 5)).astype(np.float32),
    }
    of = {"CNN": x["CNN"][[0, 3]] * 1.5, "ss": x["ss"][[0, 3], :2]}
    return SearchVectors(images, x, of, arrays, {"command": "a test"})


def test_what_is_written_is_read_to_half_a_step_with_queries_and_answers(vectors, tmp_path):
    write(vectors, tmp_path / "v")
    again = read("oxford5k", tmp_path / "v")
    for name in vectors.x:
        for part in ("x", "asked"):
            ours, theirs = getattr(again, part)[name], getattr(vectors, part)[name]
            step = max(np.ptp(of[name]) for of in (vectors.x, vectors.asked)) / 255
            assert ours.shape == theirs.shape
            assert np.abs(ours - theirs).max() <= 0.51 * step
    for ours, theirs in zip(again.images.queries, vectors.images.queries, strict=True):
        assert (ours.picture, ours.instance) == (theirs.picture, theirs.instance)
        assert all((getattr(ours, p) == getattr(theirs, p)).all() for p in ("good", "ok", "junk"))
        assert (ours.box is None and theirs.box is None) or (ours.box == theirs.box).all()
    assert all((again.arrays[key] == vectors.arrays[key]).all() for key in vectors.arrays)
    assert (again.images.labels == vectors.images.labels).all()
    with pytest.raises(DatasetNotFound, match="photographs themselves"):
        again.images.tensor(0)


def test_codes_alone_score_as_the_features_do(vectors, features, words, cells, query, asked):
    index = asmk_index(features, words, cells[128], binary=True)
    np.testing.assert_allclose(
        code_scores(vectors, *codes_of_query(vectors, 1)),
        asmk_scores(query.root, asked[3], index, cells[128]),
    )
    whole = asmk_scores(query.root, asked[1], index, cells[128])
    np.testing.assert_allclose(code_scores(vectors, *codes_of_picture(vectors, 3)), whole)


def test_a_set_without_vectors_is_named_with_those_that_have_some():
    with pytest.raises(DatasetNotFound, match="of 'holidays'"):
        read("holidays")
