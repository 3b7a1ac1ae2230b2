"""Aggregated selective match kernels (Tolias et al. 2013): ASMK, and ASMK* with binary codes.

    K(X, Y) = gamma(X) gamma(Y) sum over words c of both:  idf_c^2 sigma(V_c(X) . V_c(Y)),  sigma(u) = u^alpha if u > 0

V_c is the sum of a picture's residuals x - mu_c, to length 1: all features of a word speak with one voice, and a power
alpha lets only those that agree be heard. gamma(X) is such that K(X, X) = 1; that of the query changes no ranking.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lecture_lib.chapters.instance_retrieval.features import Features, root_sift
from lecture_lib.chapters.instance_retrieval.hamming import candidates, distance
from lecture_lib.chapters.instance_retrieval.words import Cells
from lecture_lib.encoders.normalise import l2_normalise

ALPHA = 3.0
PICTURES = 256  # aggregated at once: residuals of all features of a collection may not fit into memory
PAIRS = 1 << 16  # multiplied at once


@dataclass(frozen=True, eq=False)
class ASMKIndex:
    """One entry a word of a picture, n in all, in the order of words.

    start    int64 [K + 1], entries start[c] to start[c + 1] are those of word c
    picture  int32 [n]
    entry    V_c: float16 [n, D], or for ASMK* its bits, uint64 [n, B / 64]
    weight   float32 [K], idf_c^2, or 1
    gamma    float32 [N]
    """

    start: np.ndarray
    picture: np.ndarray
    entry: np.ndarray
    weight: np.ndarray
    gamma: np.ndarray

    @property
    def bytes_a_picture(self) -> float:
        """Memory of the index by the number of pictures."""
        return sum(a.nbytes for a in vars(self).values()) / len(self.gamma)


def aggregate(
    x: np.ndarray, words: np.ndarray, picture: np.ndarray, cells: Cells, *, binary: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One entry a word of a picture: words int64 [n'], pictures int64 [n'], entries as in ASMKIndex, float32 for ASMK.

    x        float32 [n, D]
    words    int64 [n, m]: with m > 1 a feature goes to each of its m words, as a query's does
    picture  int [n]

    A code has bit b where the mean of a word's features is beyond the cell's median.
    """
    m, K = words.shape[1], len(cells.means)
    key = np.repeat(picture.astype(np.int64) * K, m) + words.ravel()
    groups, of = np.unique(key, return_inverse=True)
    feature = np.repeat(np.arange(len(x)), m)
    member = sparse.coo_array((np.ones(len(of), np.float32), (of, feature)), (len(groups), len(x))).tocsr()
    means = (member @ x) / np.bincount(of, minlength=len(groups))[:, None].astype(np.float32)
    c = groups % K
    # the mean residual has the direction of their sum
    entries = cells.code(means, c) if binary else l2_normalise(means - cells.means[c])
    return c, groups // K, entries


def asmk_index(
    features: Features, words: np.ndarray, cells: Cells, *, binary: bool, idf: bool = False
) -> ASMKIndex:
    """Index a collection by its features' words, int64 [n, 1]; `binary`: ASMK*, with as many bits as the cells have.

    idf  weight words by idf^2, as the paper does; with few thousands of words that costs a little
    """
    K, N, parts = len(cells.means), len(features), []
    for first in range(0, N, PICTURES):
        last = min(first + PICTURES, N)
        rows = slice(features.offsets[first], features.offsets[last])
        of = np.repeat(np.arange(first, last), np.diff(features.offsets[first : last + 1]))
        c, picture, entry = aggregate(root_sift(features.x[rows]), words[rows], of, cells, binary=binary)
        parts.append((c, picture.astype(np.int32), entry if binary else entry.astype(np.float16)))
    c, picture, entry = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(c, kind="stable")
    c, picture, entry = c[order], picture[order], entry[order]
    having = np.bincount(c, minlength=K)
    weight = np.log(N / np.where(having > 0, having, N)) ** 2 if idf else np.ones(K)
    gamma = np.maximum(np.bincount(picture, weight[c], N), 1e-12) ** -0.5
    start = np.searchsorted(c, np.arange(K + 1))
    return ASMKIndex(start, picture, entry, weight.astype(np.float32), gamma.astype(np.float32))


def asmk_scores(
    x: np.ndarray, words: np.ndarray, index: ASMKIndex, cells: Cells, alpha: float = ALPHA
) -> np.ndarray:
    """K(query, picture) of all pictures, without the query's gamma: float64 [N].

    x      float32 [n, D], RootSIFT of the query
    words  int64 [n, m], m > 1: multiple assignment
    alpha  power of the similarity of two entries; 1 - 2h / B for codes of B bits, h of which differ
    """
    binary = index.entry.dtype == np.uint64
    c, _, entries = aggregate(x, words, np.zeros(len(x), np.int64), cells, binary=binary)
    owner, entry = candidates(index.start, c)
    if binary:
        bits = len(cells.P)
        power = np.maximum(1 - 2 * np.arange(bits + 1) / bits, 0) ** alpha  # of each distance
        similar = power[distance(entries[owner], index.entry[entry])]
    else:
        similar = np.empty(len(owner))
        for i in range(0, len(owner), PAIRS):
            theirs = index.entry[entry[i : i + PAIRS]].astype(np.float32)
            u = np.einsum("nd,nd->n", entries[owner[i : i + PAIRS]], theirs)
            similar[i : i + PAIRS] = np.maximum(u, 0) ** alpha
    similar *= index.weight[c][owner]
    return np.bincount(index.picture[entry], similar, len(index.gamma)) * index.gamma
