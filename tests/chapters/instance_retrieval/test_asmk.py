"""ASMK: against loops over words, over pairs of features, and over bits."""

import numpy as np
import pytest

from lecture_lib.chapters.instance_retrieval.asmk import asmk_index, asmk_scores


def unit(v):
    return v / max(np.linalg.norm(v), 1e-12)


def entries(x, words, cells, binary):
    """V_c of one picture, or the signs of its bits by their root: word -> vector."""
    found = {}
    for c in np.unique(words):
        mine = x[(words == c).any(1)]
        signs = np.where(cells.P @ mine.mean(0) > cells.tau[c], 1, -1) / np.sqrt(len(cells.P))
        found[c] = signs if binary else unit((mine - cells.means[c]).sum(0))
    return found


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("idf", [False, True])
@pytest.mark.parametrize("m", [1, 3])
def test_scores_are_those_of_a_loop_over_words(
    features, words, cells, query, asked, binary, idf, m, monkeypatch
):
    monkeypatch.setattr("lecture_lib.chapters.instance_retrieval.asmk.PICTURES", 2)
    monkeypatch.setattr("lecture_lib.chapters.instance_retrieval.asmk.PAIRS", 3)
    cells, N = cells[128], len(features)
    index = asmk_index(features, words, cells, binary=binary, idf=idf)
    found = asmk_scores(query.root, asked[m], index, cells)
    of = [slice(features.offsets[i], features.offsets[i + 1]) for i in range(N)]
    weight = [np.log(N / len({features.picture[j] for j in np.flatnonzero(words[:, 0] == c)})) ** 2 if idf else 1
              for c in range(len(cells.means))]  # fmt: skip
    mine = entries(query.root, asked[m], cells, binary)
    for i in range(N):
        theirs = entries(features.root[of[i]], words[of[i]], cells, binary)
        both = sum(weight[c] * max(mine[c] @ theirs[c], 0) ** 3 for c in mine if c in theirs)
        gamma = max(sum(weight[c] for c in theirs), 1e-12) ** -0.5
        assert found[i] == pytest.approx(gamma * both, rel=2e-3, abs=1e-6)


def test_a_picture_is_most_like_itself(features, words, cells, query, asked):
    for binary in (False, True):
        index = asmk_index(features, words, cells[128], binary=binary)
        own = asmk_scores(query.root, asked[1], index, cells[128])
        assert own.argmax() == 3
        assert own[3] * index.gamma[3] == pytest.approx(1, rel=2e-3)


def test_with_one_feature_a_word_asmk_is_smk(features, words, cells):
    rows = [np.unique(words[features.offsets[i] : features.offsets[i + 1]], return_index=True)[1] + features.offsets[i]
            for i in range(len(features))]  # fmt: skip
    few = features._take(np.concatenate(rows), np.cumsum([0, *map(len, rows)]))
    w = words[np.concatenate(rows)]
    index = asmk_index(few, w, cells[128], binary=False)
    found = asmk_scores(few[[3]].root, w[few.picture == 3], index, cells[128])
    smk, r = np.zeros(len(few)), [unit(v) for v in few.root - cells[128].means[w[:, 0]]]
    for a in np.flatnonzero(few.picture == 3):
        for b in range(len(w)):
            if w[a] == w[b]:
                smk[few.picture[b]] += max(r[a] @ r[b], 0) ** 3
    np.testing.assert_allclose(found, smk * index.gamma, rtol=2e-3, atol=1e-6)


def test_memory_is_sixteen_bytes_a_word_or_two_a_number(features, words, cells):
    n, K, N = len(np.unique(features.picture * 100 + words[:, 0])), 5, len(features)
    rest = 4 * n + 8 * (K + 1) + 4 * K + 4 * N
    for binary, entry in ((True, 16), (False, 2 * 128)):
        index = asmk_index(features, words, cells[128], binary=binary)
        assert index.bytes_a_picture == pytest.approx((entry * n + rest) / N)
