"""Visual words, and what else is learned from features of pictures that are not judged: cells, fine words.

K words mu_k; the cell of a word is what is nearer to it than to others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy import sparse
from threadpoolctl import threadpool_limits
from torch import Tensor

from lecture_lib import store
from lecture_lib.chapters.instance_retrieval.features import Features, root_sift
from lecture_lib.encoders.bow import nearest
from lecture_lib.encoders.codebook import LEAST

VERSION = 1  # part of the recipe: raise it when the same features would give other words
ROWS = 1024  # features whose distances to all words are computed at once
ROUNDS = 10  # of k-means; with 30 words fit .1 % better
LEVELS = 64, 256  # words of the two levels of fine words; 4,096 each in Mikulik et al. 2010


def sample(features: Features, n: int, seed: int = 0) -> np.ndarray:
    """RootSIFT of n features drawn from those of all pictures (all, if there are fewer): float32 [n, 128]."""
    rows = np.random.default_rng(seed).permutation(len(features.x))[:n]
    return root_sift(features.x[np.sort(rows)])


def learn_words(x: np.ndarray, K: int, seed: int = 0) -> np.ndarray:
    """K words of features [n, D] by k-means, float32 [K, D]; from the cache if they were learned before.

    The features are those of pictures that are not judged. It starts from features drawn at random: with thousands of
    words k-means++ takes five times as long, for a fit that is 2 % better. Raises ValueError for fewer than 10 K.
    """
    if len(x) < LEAST * K:
        raise ValueError(
            f"{K} words need at least {LEAST * K} features, but there are {len(x)}: take fewer words."
        )

    def stream(_spans, _names) -> Iterator[dict[str, np.ndarray]]:
        from sklearn.cluster import KMeans  # here, as it takes a second

        # by one thread: several add up in another order, and k-means turns a last digit into other words
        with threadpool_limits(1):
            fitted = KMeans(K, init="random", n_init=1, max_iter=ROUNDS, random_state=seed).fit(x)
        yield {"words": fitted.cluster_centers_[None]}

    recipe = {"words": "k-means from random features", "version": VERSION, "x": x, "K": K, "seed": seed}
    recipe |= {"rounds": ROUNDS}
    return np.array(store.fetch({"words": recipe}, 1, stream)["words"][0])


def assign(x: np.ndarray, means: np.ndarray, m: int = 1) -> np.ndarray:
    """The m nearest words of features, nearest first: int64 [n, m]. m > 1: multiple assignment, of queries.

    x      float32 [n, D], or uint8: SIFT, of which RootSIFT is taken, a part at a time
    means  float32 [K, D]
    """
    mu, out = torch.from_numpy(means), np.empty((len(x), m), np.int64)
    # results that are kept apart would lie between the large arrays of distances, and no memory be free twice
    for i in range(0, len(x), ROWS):
        part = x[i : i + ROWS]
        part = torch.from_numpy(root_sift(part) if x.dtype == np.uint8 else part)
        out[i : i + ROWS] = _near(part, mu, m)
    return out


def _near(x: Tensor, means: Tensor, m: int) -> np.ndarray:
    if m == 1:
        return nearest(x, means)[:, None].numpy()
    distances = torch.addmm(means.square().sum(1), x, means.T, alpha=-2)
    return distances.topk(m, largest=False).indices.numpy()


@dataclass(frozen=True, eq=False)
class Cells:
    """Words, and a binary code for where in a word's cell a feature lies (Jegou et al. 2008, section 3).

    means   float32 [K, D], the words
    P       float32 [B, D], orthonormal rows: a random projection
    tau     float32 [K, B], medians of P x over training features x of a cell
    spread  float32 [K, B], standard deviations of P x, for asymmetric distances
    """

    means: np.ndarray
    P: np.ndarray
    tau: np.ndarray
    spread: np.ndarray

    def code(self, x: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Bits [(P x)_b > tau_kb] of features [n, D] in cells int64 [n], packed: uint64 [n, B / 64]."""
        return np.packbits(x @ self.P.T > self.tau[words], axis=1).view(np.uint64)

    def place(self, x: np.ndarray, words: np.ndarray) -> np.ndarray:
        """How far from each median, in deviations: (P x - tau) / spread, float32 [n, B]."""
        return (x @ self.P.T - self.tau[words]) / self.spread[words]


def fit_cells(x: np.ndarray, means: np.ndarray, bits: int, seed: int = 0) -> Cells:
    """Learn medians and deviations of the cells of words [K, D] from features [n, D]; `bits` a multiple of 64.

    A cell without features has its word's own projection as median; one of fewer than two, the deviations of all.
    Raises ValueError for more bits than dimensions.
    """
    if bits > means.shape[1] or bits % 64:
        raise ValueError(f"Features of {means.shape[1]} numbers have codes of 64 or 128 bits, not {bits}.")
    gaussian = np.random.default_rng(seed).standard_normal((means.shape[1], bits))
    P = np.linalg.qr(gaussian)[0].T.astype(np.float32)
    words = assign(x, means)[:, 0]
    by_cell = np.argsort(words, kind="stable")
    z = x[by_cell] @ P.T
    cells = np.split(z, np.searchsorted(words[by_cell], np.arange(1, len(means))))
    tau = np.stack([np.median(z, 0) if len(z) else P @ mu for z, mu in zip(cells, means, strict=True)])
    spread = np.stack([z.std(0) if len(z) else np.zeros(bits) for z in cells])
    spread = np.where(spread > 1e-6, spread, np.maximum(z.std(0), 1e-6))
    return Cells(means, P, tau.astype(np.float32), spread.astype(np.float32))


@dataclass(frozen=True, eq=False)
class FineWords:
    """Words of two levels: a feature goes to the nearest of `top`, then to the nearest of that one's own words.

    top    float32 [64, D]
    lower  each one's own words, float32 [k, D], k <= 256
    """

    top: np.ndarray
    lower: tuple[np.ndarray, ...]

    @cached_property
    def offsets(self) -> np.ndarray:
        """int64 [65]: words offsets[t] to offsets[t + 1] are those of top word t; the last is their number."""
        return np.cumsum([0, *map(len, self.lower)])

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The words of features [n, D]: int64 [n]."""
        above = assign(x, self.top)[:, 0]
        words = np.empty(len(x), np.int64)
        for t in np.unique(above):
            words[above == t] = self.offsets[t] + assign(x[above == t], self.lower[t])[:, 0]
        return words


def learn_fine_words(x: np.ndarray, seed: int = 0) -> FineWords:
    """64 x 256 words of features [n, D]; a top word has fewer, a tenth of its features, if it has few features."""
    top = learn_words(x, LEVELS[0], seed)
    above = assign(x, top)[:, 0]
    cells = [x[above == t] for t in range(len(top))]
    lower = [
        learn_words(z, min(LEVELS[1], len(z) // LEAST), seed) if len(z) >= LEAST else mu[None]
        for z, mu in zip(cells, top, strict=True)
    ]
    return FineWords(top, tuple(lower))


def alternatives(pairs: np.ndarray, W: int) -> sparse.csr_array:
    """P(w' | w), how probable it is that the next picture of what has word w gives it word w': [W, W], rows of sum 1.

    pairs  int64 [n, 2], the words of two features that show the same spot: steps of feature tracks

    Counted in both directions (Mikulik et al. 2010, section 3). A word without a track stands for itself.
    """
    w = np.concatenate([pairs, pairs[:, ::-1]])
    unseen = np.setdiff1d(np.arange(W), w)
    w = np.concatenate([w, np.stack([unseen, unseen], 1)])
    counts = sparse.coo_array((np.ones(len(w), np.float32), w.T), (W, W)).tocsr()
    return sparse.diags_array(1 / counts.sum(1)) @ counts
