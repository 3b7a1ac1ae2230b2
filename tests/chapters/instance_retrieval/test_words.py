"""Words, cells and fine words."""

import numpy as np
import pytest

from lecture_lib.chapters.instance_retrieval.words import (
    LEVELS,
    FineWords,
    alternatives,
    assign,
    fit_cells,
    learn_fine_words,
    learn_words,
    sample,
)


def test_assignment_is_to_the_nearest_words_nearest_first(features, means):
    distances = np.linalg.norm(features.root[:, None] - means, axis=2)
    assert assign(features.root, means, 3).tolist() == distances.argsort(1)[:, :3].tolist()
    assert assign(features.root, means)[:, 0].tolist() == distances.argmin(1).tolist()
    assert assign(features.root[:0], means, 2).shape == (0, 2)


def test_half_of_a_cells_features_are_beyond_each_median(training, means, cells):
    P = cells[64].P
    np.testing.assert_allclose(P @ P.T, np.eye(64), atol=1e-5)
    words = np.linalg.norm(training[:, None] - means, axis=2).argmin(1)
    for k in range(len(means)):
        mine = training[words == k] @ P.T
        np.testing.assert_allclose(cells[64].tau[k], np.median(mine, 0), atol=1e-6)
        np.testing.assert_allclose(cells[64].spread[k], mine.std(0), rtol=1e-4)


def test_a_cell_without_features_gives_codes_all_the_same(means):
    few = fit_cells(means[:2], means, 64)
    assert np.isfinite(few.tau).all()
    assert (few.spread > 0).all()
    np.testing.assert_allclose(few.tau[3], few.P @ means[3], rtol=1e-5)
    with pytest.raises(ValueError, match="64 or 128"):
        fit_cells(means, means, 192)


def test_codes_hold_the_bits_in_order(features, words, cells):
    x, w = features.root, words[:, 0]
    code = cells[128].code(x, w)
    assert code.shape == (len(x), 2)
    bits = np.unpackbits(code.view(np.uint8), axis=1)
    assert (bits == (cells[128].place(x, w) > 0)).all()


def test_words_are_learned_once(features, monkeypatch):
    x = sample(features, 1000)
    assert x.shape == features.root.shape
    first = learn_words(x, 3)
    monkeypatch.setattr("sklearn.cluster.KMeans", None)
    np.testing.assert_array_equal(learn_words(x, 3), first)


def test_fine_words_are_nearest_among_those_of_the_nearest_top_word():
    rng = np.random.default_rng(0)
    fine = FineWords(
        rng.random((2, 4), np.float32), (rng.random((3, 4), np.float32), rng.random((2, 4), np.float32))
    )
    x = rng.random((50, 4), np.float32)
    for x_i, w in zip(x, fine(x), strict=True):
        t = np.linalg.norm(fine.top - x_i, axis=1).argmin()
        assert w == (0, 3)[t] + np.linalg.norm(fine.lower[t] - x_i, axis=1).argmin()


def test_a_top_word_with_few_features_has_few_words():
    rng = np.random.default_rng(0)
    fine = learn_fine_words(rng.random((64 * 25, 8), np.float32))
    assert len(fine.lower) == LEVELS[0]
    assert 1 <= min(map(len, fine.lower)) <= max(map(len, fine.lower)) < 10


def test_alternatives_are_counted_in_both_directions():
    p = alternatives(np.array([[0, 1], [0, 1], [2, 0], [0, 0]]), 4).toarray()
    np.testing.assert_allclose(p, [[2 / 5, 2 / 5, 1 / 5, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
