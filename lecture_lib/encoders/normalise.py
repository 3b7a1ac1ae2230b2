"""How vectors are normalised: to length 1, as linear classifiers and neighbours want them, and before that by roots.

And which are neighbours, exactly.
"""

from typing import TypeVar

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from lecture_lib import checks

Vectors = TypeVar("Vectors", np.ndarray, Tensor)


def l2_normalise(x: Vectors) -> Vectors:
    """Divide vectors [.., d] by their Euclidean length; a vector of zeros stays zeros.

    Of an array, of any dtype, float32 is returned; of a tensor the dtype that it has, with gradients.
    """
    if isinstance(x, Tensor):
        return F.normalize(x, dim=-1)
    x = np.asarray(x, dtype=np.float32)
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def summed(phi: np.ndarray) -> np.ndarray:
    """Sum-pool the views of each picture, to length 1: [N, V, d] to float16 [N, d]."""
    return l2_normalise(phi.sum(1, dtype=np.float32)).astype(np.float16)


def improve(phi: Tensor) -> Tensor:
    """Return phi_IFV: the signed square root of each number, then length 1 (Perronnin et al. 2010, section 3).

    phi  [.., d]; a vector of zeros stays as it is. Raw VLAD is normalised in the same way.
    """
    return l2_normalise(_signed_sqrt(phi))


def intra_normalise(phi: Tensor, K: int) -> Tensor:
    """Return phi with each Gaussian's part of length 1, then the whole: Chatfield et al. 2014's, for Fisher vectors.

    phi  [.., 2KD], or a raw VLAD [.., KD]

    First each number's signed square root, then each Gaussian's [u_k; v_k] to length 1 (Arandjelovic and Zisserman
    2013, section 3), so that no Gaussian outweighs the others, then the whole. A part of zeros stays as it is.
    """
    parts = l2_normalise(_signed_sqrt(phi).unflatten(-1, (K, -1)))
    return l2_normalise(parts.flatten(-2))


def _signed_sqrt(phi: Tensor) -> Tensor:
    return phi.sign() * phi.abs().sqrt()


def neighbours(features: np.ndarray, k: int) -> np.ndarray:
    """The k rows of `features` [N, d] nearest to each row by their cosine, nearest first: int64 [N, k].

    No row is a neighbour of itself. Exact; ValueError for k of N or more, and for features that are not finite.
    """
    from sklearn.neighbors import NearestNeighbors  # here, as it takes a second

    features = checks.features(features)
    if not 1 <= k < len(features):
        raise ValueError(
            f"{k} neighbours of {len(features)} pictures: take k <= {len(features) - 1}, at least 1."
        )
    index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(l2_normalise(features))
    return index.kneighbors(return_distance=False)
