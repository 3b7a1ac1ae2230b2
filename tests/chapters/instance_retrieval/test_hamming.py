"""Hamming embedding, bursts, asymmetric distances: against a loop over all pairs of features."""

import numpy as np
import pytest

from lecture_lib.chapters.instance_retrieval import hamming
from lecture_lib.chapters.instance_retrieval.vectors import count_words


def pairs(features, words, cells, x, asked, idf, cut=24, sigma=16.0, asymmetric=False):
    """(query feature, feature, vote) of all that match, from the definition."""
    for q in range(len(x)):
        for word in asked[q]:
            u = (cells.P @ x[q] - cells.tau[word]) / cells.spread[word]
            for j in range(len(features.x)):
                if words[j, 0] != word:
                    continue
                differ = (cells.P @ x[q] > cells.tau[word]) != (cells.P @ features.root[j] > cells.tau[word])
                h = 64 * np.abs(u)[differ].sum() / np.abs(u).sum() if asymmetric else differ.sum()
                if h <= cut:
                    yield q, j, idf[word] ** 2 * np.exp(-(h**2) / sigma**2)


@pytest.fixture(scope="module")
def index(features, words, cells):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hamming, "ROWS", 7)  # in several parts
        # so that many pairs match, and some do not
        return hamming.hamming_index(features, words, cells[64], cut=32, sigma=30.0)


def found(matches):
    return sorted(zip(matches.query.tolist(), matches.row.tolist(), matches.vote.tolist(), strict=True))


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("asymmetric", [False, True])
def test_matches_are_those_of_a_loop_over_all_pairs(
    features, words, cells, query, asked, index, m, asymmetric
):
    matches = hamming.hamming_matches(query.root, asked[m], index, cells[64], asymmetric=asymmetric)
    expected = sorted(
        pairs(features, words, cells[64], query.root, asked[m], index.idf, 32, 30.0, asymmetric)
    )
    assert 30 < len(expected) < (words[:, 0][:, None] == asked[m].ravel()).sum()
    np.testing.assert_allclose(found(matches), expected, rtol=1e-4)
    assert (features.picture[matches.row] == matches.picture).all()


def test_scores_are_sums_of_votes_by_the_root_of_self_similarity(features, words, cells, query, asked, index):
    matches = hamming.hamming_matches(query.root, asked[1], index, cells[64])
    expected = np.zeros(len(features))
    for _, j, vote in pairs(features, words, cells[64], query.root, asked[1], index.idf, 32, 30.0):
        expected[features.picture[j]] += vote
    for i in range(len(features)):
        own = features[[i]].root, words[features.offsets[i] : features.offsets[i + 1]]
        alike = sum(v for _, j, v in pairs(features, words, cells[64], *own, index.idf, 32, 30.0)
                    if features.picture[j] == i)  # fmt: skip
        expected[i] /= max(np.sqrt(alike), 1e-6)
    np.testing.assert_allclose(matches.scores(index), expected, rtol=1e-4)


def test_without_cut_and_weights_matches_are_those_of_a_bag_of_words(
    features, words, cells, query, asked, means
):
    index = hamming.hamming_index(features, words, cells[64], cut=64, sigma=np.inf)
    matches = hamming.hamming_matches(query.root, asked[1], index, cells[64])
    counts = count_words(words, features.picture, 6, len(means)).toarray()
    mine = np.bincount(asked[1][:, 0], minlength=len(means))
    by_picture = np.bincount(matches.picture, matches.vote, 6)
    np.testing.assert_allclose(by_picture, counts @ (mine * index.idf**2), rtol=1e-5)


def test_asymmetric_is_symmetric_where_all_bits_are_equally_sure(features, words, cells, asked, index):
    rng = np.random.default_rng(0)
    c = cells[64]
    sure = np.sign(rng.standard_normal((len(asked[1]), 64))) * c.spread[asked[1][:, 0]]
    x = (sure + c.tau[asked[1][:, 0]]) @ c.P  # P's rows are orthonormal
    h, a = (
        hamming.hamming_matches(x.astype(np.float32), asked[1], index, c, asymmetric=way)
        for way in (False, True)
    )
    assert len(h.h) > 5
    np.testing.assert_allclose(found(a), found(h), rtol=1e-3)


def given(query, picture, vote):
    n = len(query)
    return hamming.Matches(
        np.array(query), np.arange(n), np.array(picture, np.int32), np.zeros(n), np.array(vote)
    )


def test_bursts_count_less_within_a_picture_and_between_pictures():
    matches = given([0, 0, 0, 0, 1], [2, 2, 2, 5, 2], [1.0, 1, 2, 4, 3])
    root = np.sqrt(np.array([1 / 4, 1 / 4, 2 / 4, 1, 1]))
    np.testing.assert_allclose(hamming.fewer_by_picture(matches).vote, matches.vote * root)
    root = np.sqrt(np.array([1 / 8, 1 / 8, 2 / 8, 4 / 8, 1]))
    np.testing.assert_allclose(hamming.fewer_by_query(matches).vote, matches.vote * root)


def test_one_match_is_no_burst():
    matches = given([0, 1, 2], [4, 4, 1], [1.0, 0.5, 0])
    for fewer in (hamming.fewer_by_picture, hamming.fewer_by_query):
        np.testing.assert_allclose(fewer(matches).vote, matches.vote)


def test_memory_is_a_code_and_a_number_an_entry(features, means, index):
    n, K, N = len(features.x), len(means), len(features)
    assert index.bytes_a_picture == pytest.approx(((8 + 4) * n + 8 * (K + 1) + 4 * K + 4 * N) / N)
