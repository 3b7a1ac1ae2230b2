"""95 % intervals: of a mean of pairs, and of any measure of resampled pictures or classes, such as mAP.

Which is taken when, what is resampled, and why mAP's interval is moved, is told in `data/results/README.md`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

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
    values: ArrayLike, *, seed: int, margin: float = 0.0, what: str = "The interval"
) -> Interval:
    """Estimate the mean of independent values [n], n >= 2: by a bootstrap, or by Student's t for fewer than ten.

    Raises ValueError, beginning with `what`, for fewer than two values or NaN.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"{what} needs two values or more, as [n]; these are {values.shape}.")
    if bad := (~np.isfinite(values)).sum():
        raise ValueError(f"{what}: {bad} of {len(values)} values are not finite.")
    if len(values) >= FEW or np.ptp(values) == 0:
        return bootstrap(
            lambda drawn: values[drawn].mean(), len(values), seed=seed, margin=margin, n_boot=10_000
        )
    test = stats.ttest_1samp(values, margin)
    return Interval(float(values.mean()), *map(float, test.confidence_interval(LEVEL)), float(test.pvalue))


def bootstrap(
    measure: Callable[[np.ndarray], float], n: int, *, seed: int, margin: float = 0.0, n_boot: int = 2000
) -> Interval:
    """Estimate a measure of n pictures, classes or pairs, such as mAP or a mean, from resamples.

    measure  takes int64 [n], what is drawn with replacement from 0 .. n-1; NaN where it is undefined for them

    The interval is that of the percentiles, moved by the lean of the resamples (their mean less the value), and
    outwards until it is as wide as Student's t interval for normal data (Hesterberg 2015, "expanded percentile").
    Resamples whose measure is NaN are left out. Raises ValueError if they are more than half.
    """
    rng = np.random.default_rng(seed)
    draws = np.array([measure(rng.integers(0, n, n)) for _ in range(n_boot)], dtype=np.float64)
    undefined = np.isnan(draws)
    if undefined.sum() > n_boot / 2:
        raise ValueError(
            f"The measure is NaN for {undefined.sum()} of {n_boot} resamples of {n} pictures: too few pictures "
            "define it. Take more, or a measure of what is there."
        )
    value, draws, wider = float(measure(np.arange(n))), draws[~undefined], math.sqrt(n / (n - 1))
    draws -= draws.mean() - value
    tail = stats.norm.cdf(wider * stats.t.ppf((1 - LEVEL) / 2, n - 1))
    low, high = map(float, np.quantile(draws, [tail, 1 - tail]))
    # ties by half, and never 0 or 1: no finite number of draws shows that
    below = ((draws < margin).mean() + (draws <= margin).mean()) / 2
    z = stats.norm.ppf(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws)))
    return Interval(value, low, high, float(2 * stats.t.cdf(-abs(z) / wider, n - 1)))


def mean_over_classes(values: np.ndarray, labels: np.ndarray, *, seed: int = 0) -> Interval:
    """Estimate the mean of `values` [N] of pictures, with whole classes drawn: labels [N].

    Pictures of a class rise and fall together; an interval over pictures would be too narrow.
    """
    _, inverse = np.unique(labels, return_inverse=True)
    sums, counts = np.bincount(inverse, values), np.bincount(inverse)
    return bootstrap(lambda drawn: sums[drawn].sum() / counts[drawn].sum(), len(sums), seed=seed)
