"""Spatial verification: planted maps among matches at random."""

import numpy as np

from lecture_lib.chapters.instance_retrieval.features import Features
from lecture_lib.chapters.instance_retrieval.hamming import Matches
from lecture_lib.chapters.instance_retrieval.verification import inliers, reranked, verify

MAP = np.array([[1.2, 0.3], [-0.2, 0.9]]), np.array([10, -5])


def planted(right, wrong, seed=0):
    rng = np.random.default_rng(seed)
    query = rng.uniform(0, 200, (right + wrong, 2)).astype(np.float32)
    theirs = (query @ MAP[0].T + MAP[1]).astype(np.float32)
    theirs[right:] = rng.uniform(0, 200, (wrong, 2))
    return query, theirs


def test_matches_of_one_map_are_told_from_others():
    kept = inliers(*planted(15, 15))
    assert kept[:15].all()
    assert kept[15:].sum() <= 2


def test_few_matches_and_mirrored_ones_are_not_verified():
    assert not inliers(*planted(5, 0)).any()
    query, theirs = planted(15, 0)
    assert not inliers(query, theirs * [-1, 1]).any()
    assert not inliers(query, np.ones_like(theirs)).any()


def test_verified_pictures_come_first_and_a_repeated_match_counts_once():
    query, theirs = planted(12, 6)
    _, random = planted(0, 18, seed=1)
    x, one = np.zeros((36, 128), np.uint8), np.ones(36, np.float32)
    base = Features(x, np.concatenate([random, theirs]), one, one, np.array([0, 18, 36]))
    asked = Features(x[:18], query, one[:18], one[:18], np.array([0, 18]))
    q = np.tile(np.arange(18), 3)
    row = np.concatenate([np.arange(36), np.arange(35, 17, -1)])
    h = np.repeat([1, 1, 2], 18).astype(np.float32)  # the third time, further away
    matches = Matches(q, row, base.picture[row], h, h)
    verified = verify(asked, base, matches, np.array([0, 1]))
    assert len(verified[0]) < 8 < 12 <= len(verified[1]) <= 14
    assert set(matches.row[verified[1]]) >= set(range(18, 30))
    assert reranked(np.array([0, 1]), verified).tolist() == [1, 0]
    assert reranked(np.array([1, 0, 2]), {}).tolist() == [1, 0, 2]
