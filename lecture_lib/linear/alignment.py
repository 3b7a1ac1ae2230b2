"""How alike two layers are in what they say of the same pictures."""

import numpy as np
from numpy.typing import ArrayLike


def linear_cka(x: ArrayLike, y: ArrayLike) -> float:
    """Return the linear centred kernel alignment of two sets of features of the same pictures, from 0 to 1.

    x, y  float [N, p] and [N, q], row i of both from picture i, any dtype

    <X X^T, Y Y^T> / (||X X^T|| ||Y Y^T||), Frobenius norms of features centred over pictures (Kornblith et al. 2019,
    section 3). 1 where one is the other turned, mirrored, scaled or shifted; of unrelated features it is near 0 only if
    pictures are many more than dimensions. Raises ValueError where features are not finite or do not vary over
    pictures: then there is nothing to compare.
    """
    grams = []
    for features in (x, y):
        features = np.asarray(features, np.float64)
        if not np.ptp(features, axis=0).max(initial=0) > 0:
            raise ValueError(
                f"Features {list(features.shape)} are the same for all pictures, or not finite: there is nothing to "
                "compare."
            )
        centred = features - features.mean(0)
        grams.append(centred @ centred.T)
    return float(np.vdot(*grams) / np.prod([np.linalg.norm(gram) for gram in grams]))
