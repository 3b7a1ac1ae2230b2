"""Nearest neighbours between features, exactly."""

import numpy as np

from lecture_lib import checks
from lecture_lib.encoders.normalise import l2_normalise


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
