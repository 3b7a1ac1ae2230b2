"""A picture as one vector: bags of words, VLAD, CVLAD, Fisher vectors; a query's scores are inner products.

    counts = count_words(assign(features.x, means), features.picture, len(features), K)
    idf = inverse_frequency(counts)
    bags = bag_of_words(counts, idf)
    scores = bag_scores(bag_of_words(counts_of_query, idf), bags)

All vectors have length 1, so that an inner product is a cosine.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lecture_lib import checks
from lecture_lib.chapters.instance_retrieval.features import Features, root_sift
from lecture_lib.encoders.bow import vlad
from lecture_lib.encoders.codebook import GMM, PCA
from lecture_lib.encoders.fisher import fisher_vector
from lecture_lib.encoders.normalise import improve, l2_normalise

BINS = 8  # of the dominant orientation in CVLAD
Norm = Literal["plain", "signed sqrt", "intra"]


def count_words(words: np.ndarray, picture: np.ndarray, N: int, K: int) -> sparse.csr_array:
    """How many features of each picture have each word: float32 [N, K].

    words    int64 [n, m], m words a feature (multiple assignment)
    picture  int [n], which picture a feature is of
    """
    # 32 bits, as numbers of columns are two thirds of an index's memory otherwise
    at = np.repeat(picture, words.shape[1]).astype(np.int32), words.ravel().astype(np.int32)
    return sparse.coo_array((np.ones(words.size, np.float32), at), (N, K)).tocsr()


def inverse_frequency(counts: sparse.csr_array) -> np.ndarray:
    """idf_c = ln(N / N_c), N_c pictures that have word c; 0 for a word that none has: float32 [K]."""
    having = (counts != 0).sum(0)
    return np.log(counts.shape[0] / np.where(having > 0, having, counts.shape[0])).astype(np.float32)


def bag_of_words(counts: sparse.csr_array, idf: np.ndarray, power: float = 1) -> sparse.csr_array:
    """tf-idf, counts^power times idf, of length 1: [N, K].

    counts  those of `count_words`; a query's may be spread to alternative words before: counts @ P(w' | w)
    power   1/2 takes the root of counts, so that a repeated pattern (a burst) outweighs the others less
    """
    h = counts.power(power).multiply(idf).tocsr()
    length = np.sqrt(h.power(2).sum(1))
    return (sparse.diags_array(1 / np.maximum(length, 1e-12)) @ h).tocsr()


def bag_scores(query: sparse.csr_array, bags: sparse.csr_array) -> np.ndarray:
    """Cosines of a query's bag [1, K] with those of all pictures [N, K]: float32 [N]."""
    return (bags @ query.T).toarray()[:, 0]


def vlad_vectors(features: Features, means: np.ndarray, norm: Norm = "intra") -> np.ndarray:
    """VLAD of each picture, to length 1: float32 [N, KD].

    norm  "plain"; "signed sqrt" of each number (Jegou et al. 2012); "intra": each word's sum to length 1 first
          (Arandjelovic and Zisserman 2013). The second and third keep bursts from outweighing the rest
    """
    mu = torch.from_numpy(means)
    return np.stack([_normalised(vlad(x, mu), len(mu), norm) for x in _pictures(features)])


def cvlad_vectors(features: Features, means: np.ndarray, norm: Norm = "intra") -> np.ndarray:
    """CVLAD (Zhao et al. 2013): a VLAD for each eighth of a turn of the features' angles, float32 [N, 8, KD].

    Together of length 1.
    """
    mu, out = torch.from_numpy(means), []
    eighths = np.floor(features.angle * (BINS / (2 * np.pi)) + 0.5).astype(np.int64) % BINS
    for i, x in enumerate(_pictures(features)):
        mine = torch.from_numpy(eighths[features.offsets[i] : features.offsets[i + 1]])
        V = vlad(x, mu, mine == torch.arange(BINS)[:, None])
        out.append(_normalised(V.flatten(), BINS * len(mu), norm).reshape(BINS, -1))
    return np.stack(out)


def cvlad_scores(query: np.ndarray, vectors: np.ndarray, *, upright: bool) -> np.ndarray:
    """Scores [N] of a query's CVLAD [8, d] for those of all pictures [N, 8, d].

    upright  pictures are taken upright, so that angles agree; if not, the best of eight turns counts, each of which
             moves all features on by one bin
    """
    flat = vectors.reshape(len(vectors), -1)
    turns = [np.roll(query, turn, axis=0).ravel() for turn in range(1 if upright else BINS)]
    return (flat @ np.stack(turns, 1)).max(1)


def fisher_vectors(features: Features, pca: PCA, gmm: GMM) -> np.ndarray:
    """Improved Fisher vectors: signed square root, length 1, float32 [N, 2KD]; with K = 16 and D = 64 2,048 numbers."""
    return np.stack([improve(fisher_vector(pca(x), gmm)).numpy() for x in _pictures(features)])


def bytes_a_picture(index: np.ndarray | sparse.csr_array) -> float:
    """Memory of an index [N, ..] by its N pictures; of a sparse one 4 bytes a number, 4 its column, offsets as well."""
    arrays = [index] if isinstance(index, np.ndarray) else [index.data, index.indices, index.indptr]
    return sum(a.nbytes for a in arrays) / index.shape[0]


def expanded(query: np.ndarray, vectors: np.ndarray, verified: np.ndarray) -> np.ndarray:
    """Average query expansion (Chum et al. 2007): the mean of a query [d] and verified answers' vectors, length 1.

    vectors   float32 [N, d]
    verified  int64, the rows to take
    """
    return l2_normalise(np.vstack([query[None], vectors[verified]]).mean(0))


def _pictures(features: Features) -> Iterator[Tensor]:
    """RootSIFT of one picture after the other: float32 [n_i, 128]."""
    for start, stop in pairwise(features.offsets):
        yield torch.from_numpy(root_sift(features.x[start:stop]))


def _normalised(V: Tensor, parts: int, norm: Norm) -> np.ndarray:
    checks.option(norm, Norm, "normalisation of VLAD")
    if norm == "intra":
        V = l2_normalise(V.unflatten(-1, (parts, -1))).flatten()
    return (improve(V) if norm == "signed sqrt" else l2_normalise(V)).numpy()
