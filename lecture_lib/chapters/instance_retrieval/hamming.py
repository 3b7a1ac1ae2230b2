"""Hamming embedding and its kin: features vote for pictures, by word, by code, less where they are many.

An index is an inverted file: its entries lie sorted by word, so that a query feature reads those of its word alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lecture_lib.chapters.instance_retrieval.features import Features, root_sift
from lecture_lib.chapters.instance_retrieval.vectors import count_words, inverse_frequency
from lecture_lib.chapters.instance_retrieval.words import Cells

CUT, SIGMA = 24, 16.0  # bits: votes are exp(-h^2 / sigma^2), and none beyond 1.5 sigma
ROWS = 1 << 16  # features whose codes are computed at once: those of a collection may not fit into memory
# and that are compared with all of their word and picture at once: on dense patches hundreds each
FEW = 1 << 11


def candidates(start: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair each of some words, int64 [m], with all entries of its list: (number of the word in `words`, entry).

    start  int64 [K + 1], entries start[c] to start[c + 1] are those of word c
    """
    lengths = start[words + 1] - start[words]
    owner = np.repeat(np.arange(len(words)), lengths)
    first = np.cumsum(lengths) - lengths
    return owner, np.arange(len(owner)) + (start[words] - first)[owner]


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamming distance of codes uint64 [.., B / 64]: uint8 [..]; 64 and 128 bits fit."""
    # a sum over a last axis of one or two numbers takes ten times as long
    return sum(np.bitwise_count(a[..., i] ^ b[..., i]) for i in range(a.shape[-1]))


@dataclass(frozen=True, eq=False)
class HammingIndex:
    """The features of N pictures, n entries in the order of words.

    start    int64 [K + 1]
    picture  int32 [n]
    code     uint64 [n, 1]
    idf      float32 [K]
    length   float32 [N], root of a picture's similarity to itself; scores are divided by it
    row      int64 [n], which of the collection's features it is: to draw and to verify matches, not to search
    """

    start: np.ndarray
    picture: np.ndarray
    code: np.ndarray
    idf: np.ndarray
    length: np.ndarray
    row: np.ndarray
    cut: int
    sigma: float

    @property
    def bytes_a_picture(self) -> float:
        """Memory of what a search reads, by the number of pictures."""
        arrays = (self.start, self.picture, self.code, self.idf, self.length)
        return sum(a.nbytes for a in arrays) / len(self.length)


@dataclass(frozen=True, eq=False)
class Matches:
    """Pairs of a query's feature and an entry that vote for the entry's picture, m of them.

    query    int64 [m], the query's feature
    row      int64 [m], the collection's feature
    picture  int32 [m]
    h        float32 [m], their distance in bits
    vote     float32 [m]
    """

    query: np.ndarray
    row: np.ndarray
    picture: np.ndarray
    h: np.ndarray
    vote: np.ndarray

    def scores(self, index: HammingIndex) -> np.ndarray:
        """The sum of votes for each picture, divided by its length: float64 [N]."""
        return np.bincount(self.picture, self.vote, len(index.length)) / index.length


def hamming_index(
    features: Features, words: np.ndarray, cells: Cells, cut: int = CUT, sigma: float = SIGMA
) -> HammingIndex:
    """Index the features of a collection, by their words int64 [n, 1] and codes of 64 bits (Jegou et al. 2008)."""
    K, N, w = len(cells.means), len(features), words[:, 0]
    row = np.argsort(w, kind="stable")
    picture = features.picture[row]
    parts = np.array_split(row, 1 + len(row) // ROWS)
    code = np.concatenate([cells.code(root_sift(features.x[part]), w[part]) for part in parts])
    start = np.searchsorted(w[row], np.arange(K + 1))
    idf = inverse_frequency(count_words(words, features.picture, N, K))
    # entries of a word lie in the order of pictures, so those of one picture and word are together
    groups, of = np.unique(w[row] * N + picture, return_inverse=True)
    bounds, alike = np.searchsorted(of, np.arange(len(groups) + 1)), np.zeros(N)
    for first in range(0, len(of), FEW):
        owner, b = candidates(bounds, of[first : first + FEW])
        a = owner + first
        h = distance(code[a], code[b]).astype(np.float32)
        near = np.where(h <= cut, np.exp(-(h**2) / sigma**2), 0) * idf[w[row][a]] ** 2
        alike += np.bincount(picture[a], near, N)
    length = np.maximum(np.sqrt(alike), 1e-6).astype(np.float32)
    return HammingIndex(start, picture, code, idf, length, row, cut, sigma)


def hamming_matches(
    x: np.ndarray, words: np.ndarray, index: HammingIndex, cells: Cells, *, asymmetric: bool = False
) -> Matches:
    """Match a query's features RootSIFT [n, 128] with entries of their words int64 [n, m].

    asymmetric  AHE (Jain et al. 2011): the query is not binarised. A bit that differs counts |u_b|, the query's
                distance from its threshold in deviations, by the mean of all its |u|: near it, a bit hardly counts

    A match within `cut` bits votes idf^2 exp(-h^2 / sigma^2).
    """
    flat, x = words.ravel(), np.repeat(x, words.shape[1], axis=0)
    owner, entry = candidates(index.start, flat)
    differing = cells.code(x, flat)[owner] ^ index.code[entry]
    if asymmetric:
        u = np.abs(cells.place(x, flat))
        h = _weighted(differing, u / np.maximum(u.mean(1, keepdims=True), 1e-6), owner)
    else:
        h = np.bitwise_count(differing[:, 0]).astype(np.float32)
    near = h <= index.cut
    owner, entry, h = owner[near], entry[near], h[near]
    vote = index.idf[flat[owner]] ** 2 * np.exp(-(h**2) / index.sigma**2)
    return Matches(owner // words.shape[1], index.row[entry], index.picture[entry], h, vote)


def _weighted(differing: np.ndarray, u: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Sums of u [q, 64] over the bits that are set in uint64 [m, 1], row owner[m] of u: float32 [m].

    By eight tables of 256 sums a query feature, one for each byte.
    """
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32)
    tables = u.astype(np.float32).reshape(len(u), -1, 8) @ bits.T
    some = differing.view(np.uint8)
    return sum(tables[owner, byte, some[:, byte]] for byte in range(some.shape[1]))


def fewer_by_picture(matches: Matches) -> Matches:
    """Burst weighting within a picture (Jegou et al. 2009): v_j becomes v_j (v_j / sum_l v_l)^1/2.

    The sum is over the votes of one query feature for one picture: k equal ones count as k^1/2, and not k times.
    """
    return _less(matches, (matches.query, matches.picture))


def fewer_by_query(matches: Matches) -> Matches:
    """Burst weighting between pictures: the same, with the sum over all pictures: what is everywhere says little."""
    return _less(matches, (matches.query,))


def _less(matches: Matches, by: Sequence[np.ndarray]) -> Matches:
    key = by[0] if len(by) == 1 else by[0] * (int(by[1].max(initial=0)) + 1) + by[1]
    _, group = np.unique(key, return_inverse=True)
    together = np.bincount(group, matches.vote)[group]
    return replace(matches, vote=matches.vote * np.sqrt(matches.vote / np.maximum(together, 1e-30)))
