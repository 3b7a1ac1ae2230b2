"""95 % intervals: of a mean of pairs, and of any measure of resampled pictures or classes, such as mAP.

Which is taken when, what is resampled, and why mAP's interval is moved, is told in `data/results/README.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

LEVEL = 0.95
FEW = 10  # below this many values a bootstrap has too few different resamples, and Student's t is taken


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval; p is two-sided, for "the true value is the margin"."""

    value: float
    low: float
    high: float
    p: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean_interval(
    values: ArrayLike, *, seed: int, margin: float = 0.0, n_boot: int = 10_000, what: str = "The interval"
) -> Interval:
    """Estimate the mean of independent values [n], n >= 2: by a bootstrap, or by Student's t for fewer than ten.

    Raises ValueError, beginning with `what`, for fewer than two values or NaN.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"{what} needs two values or more, as [n]; these are {values.shape}.")
    if bad := (~np.isfinite(values)).sum():
        raise ValueError(f"{what}: {bad} of {len(values)} values are not finite.")
    n, mean = len(values), float(values.mean())
    if n < FEW and np.ptp(values) > 0:
        error = values.std(ddof=1) / math.sqrt(n)
        half = float(stdtrit(n - 1, (1 + LEVEL) / 2) * error)
        return Interval(mean, mean - half, mean + half, float(2 * stdtr(n - 1, -abs(mean - margin) / error)))
    rng = np.random.default_rng(seed)
    block = max(1, 2**21 // n)  # resamples at once: a few MB, whatever n is
    draws = [
        values[rng.integers(0, n, (min(block, n_boot - start), n), dtype=np.int32)].mean(axis=1)
        for start in range(0, n_boot, block)
    ]
    return _expanded(mean, np.concatenate(draws), n, margin)


def bootstrap(
    measure: Callable[[np.ndarray], float], n: int, *, seed: int, margin: float = 0.0, n_boot: int = 2000
) -> Interval:
    """Estimate a measure of n pictures (or classes) that is no mean, such as mAP.

    measure  takes int64 [n], pictures drawn with replacement from 0 .. n-1; NaN where it is undefined for them

    Resamples whose measure is NaN are left out. Raises ValueError if they are more than half, or for n < 2.
    """
    if n < 2:
        raise ValueError(f"A bootstrap needs two pictures or more, not {n}.")
    rng = np.random.default_rng(seed)
    draws = np.array([measure(rng.integers(0, n, n)) for _ in range(n_boot)], dtype=np.float64)
    undefined = np.isnan(draws)
    if undefined.sum() > n_boot / 2:
        raise ValueError(
            f"The measure is NaN for {undefined.sum()} of {n_boot} resamples of {n} pictures: too few pictures "
            "define it. Take more, or a measure of what is there."
        )
    return _expanded(float(measure(np.arange(n))), draws[~undefined], n, margin)


def mean_over_classes(values: np.ndarray, labels: np.ndarray, *, seed: int = 0) -> Interval:
    """Estimate the mean of `values` [N] of pictures, with whole classes drawn: labels [N].

    Pictures of a class rise and fall together; an interval over pictures would be too narrow.
    """
    _, inverse = np.unique(labels, return_inverse=True)
    sums, counts = np.bincount(inverse, values), np.bincount(inverse)
    return bootstrap(lambda some: sums[some].sum() / counts[some].sum(), len(sums), seed=seed)


def _expanded(value: float, draws: np.ndarray, n: int, margin: float) -> Interval:
    """Take the percentiles of the draws, moved by their lean and outwards.

    The lean is their mean less the value; outwards, until they are as far apart as Student's t has them for normal
    data (Hesterberg 2015, "expanded percentile").
    """
    draws, wider = draws - (draws.mean() - value), math.sqrt(n / (n - 1))
    tail = float(ndtr(wider * stdtrit(n - 1, (1 - LEVEL) / 2)))
    low, high = np.quantile(draws, [tail, 1 - tail])
    # ties by half, and never 0 or 1: no finite number of draws shows that
    below = ((draws < margin).mean() + (draws <= margin).mean()) / 2
    below = np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws))
    return Interval(value, float(low), float(high), float(2 * stdtr(n - 1, -abs(ndtri(below)) / wider)))
