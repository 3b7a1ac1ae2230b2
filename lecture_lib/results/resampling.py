"""Several methods' scores of the same test pictures: mAP with intervals over pictures, and claims about differences.

All intervals are percentiles of the same resamples of test pictures, for the mean over seeds; a resample without a
positive of a class goes without that class. The interval of one mAP lies high, because a resample that repeats a
positive near the top repeats its precision; in differences of two methods this largely cancels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lecture_lib.metrics import average_precision
from lecture_lib.results import claims
from lecture_lib.results.claims import DID_NOT_HOLD, HELD, TOO_CLOSE, Claim, Result

Tested = tuple[str, str, str, str, float]
"""(id, statement, row, row, margin): the first row is more than margin points of mAP above the second."""


def by_seed(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the AP of each seed and class, in %: scores [S, m, C] and truth int8 [m, C] (1, 0, -1) to [S, C]."""
    side_by_side = np.concatenate(list(scores), axis=1)
    return 100 * average_precision(side_by_side, np.tile(truth, len(scores))).reshape(len(scores), -1)


def mean_ap(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean over seeds and classes, in %; classes without a positive are left out."""
    return float(np.nanmean(by_seed(scores, truth)))


def summarise(
    scores: Mapping[str, np.ndarray],
    truth: np.ndarray,
    classes: Sequence[str],
    column: str,
    source: str,
    seed: int,
    n_boot: int = 1000,
) -> list[Result]:
    """Put scores into results: mAP, its interval (two results), and the AP of each class.

    scores  row -> [S, m, C] of S seeds
    truth   int8 [m, C]: 1, 0, -1; every class has a positive
    """
    results = []
    for row, of_row in scores.items():
        found = by_seed(of_row, truth)
        n = len(found)
        spread = found.mean(1).std(ddof=1) if n > 1 else None
        low, high = claims.bootstrap(
            lambda some, s=of_row: mean_ap(s[:, some], truth[some]), len(truth), seed=seed, n_boot=n_boot
        )
        results.append(Result(None, row, column, "mAP", found.mean(), spread, n, seed, source))
        results.append(Result(None, row, column, "mAP, 95 % from", low, None, n, seed, source))
        results.append(Result(None, row, column, "mAP, 95 % to", high, None, n, seed, source))
        for name, of_class in zip(classes, found.T, strict=True):
            spread = of_class.std(ddof=1) if n > 1 else None
            results.append(Result(None, row, column, f"AP, {name}", of_class.mean(), spread, n, seed, source))
    return results


def compare(
    scores: Mapping[str, np.ndarray],
    truth: np.ndarray,
    tested: Sequence[Tested],
    source: str,
    seed: int,
    n_boot: int = 1000,
) -> list[Claim]:
    """Put statements about two rows' mAP to the test; arguments as in `summarise`."""
    found = []
    for id, statement, more, less, margin in tested:

        def gain(some: np.ndarray, more: str = more, less: str = less) -> float:
            return mean_ap(scores[more][:, some], truth[some]) - mean_ap(scores[less][:, some], truth[some])

        low, high = claims.bootstrap(gain, len(truth), seed=seed, n_boot=n_boot)
        verdict = HELD if low > margin else DID_NOT_HOLD if high < margin else TOO_CLOSE
        effect = gain(np.arange(len(truth)))
        found.append(Claim(id, statement, verdict, effect, low, high, "points of mAP", len(truth), source))
    return found
