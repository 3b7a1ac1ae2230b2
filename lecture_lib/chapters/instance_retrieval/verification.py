"""Spatial verification: do a query's matches with a picture agree on where things lie?"""

import warnings

import numpy as np

from lecture_lib.chapters.instance_retrieval.features import Features
from lecture_lib.chapters.instance_retrieval.hamming import Matches
from lecture_lib.chapters.instance_retrieval.measures import ranking

TOP = 50  # pictures that are looked at
# between where a feature is and where the map takes the query's, in sides of where matches are
TOLERANCE = 0.03
TRIALS = 100  # maps that are tried, at most
SURE = 0.99  # no more are tried when it is so probable that the best was among them
LEAST = 6  # matches that agree, of which 3 determine the map: fewer agree by chance


def inliers(query: np.ndarray, theirs: np.ndarray, seed: int = 0) -> np.ndarray:
    """Which of n matched places, float32 [n, 2] in either picture, one affine map agrees with: bool [n]; by RANSAC.

    None for fewer than LEAST places, and for maps that mirror, or shrink or enlarge more than fivefold.
    """
    from skimage.measure import ransac  # here, as it takes a second
    from skimage.transform import AffineTransform

    none = np.zeros(len(query), bool)
    if len(query) < LEAST:
        return none

    def plausible(model: AffineTransform, *_) -> bool:
        return bool(1 / 25 < np.linalg.det(model.params[:2, :2]) < 25)

    tolerance = TOLERANCE * np.ptp(theirs, axis=0).max()
    how = {"is_model_valid": plausible, "max_trials": TRIALS, "stop_probability": SURE, "rng": seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # no map that is plausible was found
        _, kept = ransac((query, theirs), AffineTransform, 3, tolerance, **how)
    return none if kept is None or kept.sum() < LEAST else kept


def verify(query: Features, features: Features, matches: Matches, order: np.ndarray) -> dict[int, np.ndarray]:
    """Verify the first TOP pictures of a ranking, int64 [N]: picture -> which rows of `matches` agree, int64.

    Of a query feature's matches with a picture only the nearest is looked at: a fence would agree with anything.
    """
    found, nearest_first = {}, np.argsort(matches.h, kind="stable")
    for picture in order[:TOP].tolist():
        rows = nearest_first[matches.picture[nearest_first] == picture]
        rows = rows[np.unique(matches.query[rows], return_index=True)[1]]
        places = query.xy[matches.query[rows]], features.xy[matches.row[rows]]
        found[picture] = rows[inliers(*places)]
    return found


def reranked(order: np.ndarray, verified: dict[int, np.ndarray]) -> np.ndarray:
    """A ranking, int64 [N], in which verified pictures come first, those with most inliers before others."""
    counts = np.array([len(verified.get(picture, ())) for picture in order.tolist()])
    return order[ranking(counts)]
