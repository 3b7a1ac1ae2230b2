"""The lecture's statements put to the test: one rule for every verdict, told in `data/results/README.md`.

A claim says that a difference is more than a margin. It held if the whole 95 % interval of the difference is above the
margin, did not hold if it is below, and is too close to call otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from lecture_lib.metrics import average_precision, resampled
from lecture_lib.results.intervals import LEVEL, bootstrap, mean_interval

HELD, DID_NOT_HOLD, TOO_CLOSE = "held", "did not hold", "too close to call"

Tested = tuple[str, str, str, str, float]
"""(id, statement, row, row, margin): the first row is more than margin points of mAP above the second."""


@dataclass(frozen=True)
class Claim:
    """A statement of the lecture and the numbers behind its verdict.

    effect, low, high, margin   the difference, its interval, and what it must be more than, in `unit`
    p                           two-sided, for "the difference is the margin"; None where it was not recorded
    over, n                     what is resampled ("classes", "pictures", "splits"), and how many there are
    source                      "twin" or "real": which images
    """

    id: str
    statement: str
    effect: float
    low: float
    high: float
    margin: float
    p: float | None
    unit: str
    over: str
    n: int
    source: str

    @property
    def verdict(self) -> str:
        """What became of the claim: HELD, DID_NOT_HOLD or TOO_CLOSE."""
        return HELD if self.low > self.margin else DID_NOT_HOLD if self.high < self.margin else TOO_CLOSE

    def __str__(self) -> str:
        # no numbers: this line is compared between machines
        return f"{self.verdict}{' (twin)' if self.source == 'twin' else ''}: {self.statement}"


def paired_claim(
    id: str,
    statement: str,
    differences: ArrayLike,
    *,
    margin: float = 0.0,
    unit: str = "points",
    over: str = "classes",
    source: str,
    seed: int,
) -> Claim:
    """Judge "the mean difference is more than `margin`" from paired differences.

    differences  [n], n >= 2: what the statement says is larger minus the other, pair by pair (a pair is a class, a
                 picture or a split that both methods have seen, as `over` says), in `unit`
    margin       0 for "better"; 5 for "better by more than 5"; -1 for "at most 1 worse"

    Raises ValueError for fewer than two pairs or NaN.
    """
    mean = mean_interval(differences, seed=seed, margin=margin, what=f"Claim {id}")
    n = len(np.asarray(differences))
    return Claim(id, statement, mean.value, mean.low, mean.high, margin, mean.p, unit, over, n, source)


def by_seed(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the AP of each seed and class, in %: scores [S, m, C] and truth int8 [m, C] (1, 0, -1) to [S, C]."""
    side_by_side = np.concatenate(list(scores), axis=1)
    return 100 * average_precision(side_by_side, np.tile(truth, len(scores))).reshape(len(scores), -1)


def mean_ap(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return mAP of scores [S, m, C], a mean over seeds and classes, in %; a class without a positive is left out."""
    return float(np.nanmean(by_seed(scores, truth)))


def resampled_mean_ap(scores: np.ndarray, truth: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return a function that gives `mean_ap` of resamples, int64 [n] rows of the pictures, sorting them only once."""
    ap = resampled(np.concatenate(list(scores), axis=1), np.tile(truth, len(scores)))
    return lambda drawn: float(100 * np.nanmean(ap(drawn)))


def ap_rows(
    scores: Mapping[str, np.ndarray],
    truth: np.ndarray,
    classes: Sequence[str],
    *,
    seed: int,
    n_boot: int = 2000,
    **about: object,
) -> list[dict]:
    """Return rows of a record: AP of each class and mAP for each seed, and the interval of mAP over pictures.

    scores  method -> [S, m, C], of the seeds `seed`, `seed` + 1, ...
    truth   int8 [m, C]: 1, 0, -1; every class has a positive
    about   columns that all rows share: dataset, source, ...
    """
    rows = []
    for method, of_method in scores.items():
        shared = about | {"method": method}
        for s, of_seed in enumerate(by_seed(of_method, truth), start=seed):
            rows.append(shared | {"seed": s, "metric": "mAP", "value": of_seed.mean()})
            for name, ap in zip(classes, of_seed, strict=True):
                rows.append(shared | {"seed": s, "class": name, "metric": "AP", "value": ap})
        interval = bootstrap(resampled_mean_ap(of_method, truth), len(truth), seed=seed, n_boot=n_boot)
        rows.append(shared | {"metric": "mAP low", "value": interval.low})
        rows.append(shared | {"metric": "mAP high", "value": interval.high})
    return rows


def ap_claims(
    scores: Mapping[str, np.ndarray],
    truth: np.ndarray,
    tested: Sequence[Tested],
    *,
    source: str,
    seed: int,
    n_boot: int = 2000,
) -> list[Claim]:
    """Put statements about two methods' mAP to the test, over pictures; scores and truth as in `ap_rows`."""
    claims = []
    of = {method: resampled_mean_ap(of_method, truth) for method, of_method in scores.items()}
    for id, statement, more, less, margin in tested:

        def gain(drawn: np.ndarray, more: str = more, less: str = less) -> float:
            return of[more](drawn) - of[less](drawn)

        interval = bootstrap(gain, len(truth), seed=seed, margin=margin, n_boot=n_boot)
        about = {"unit": "points of mAP", "over": "pictures", "n": len(truth), "source": source}
        claims.append(
            Claim(id, statement, interval.value, interval.low, interval.high, margin, interval.p, **about)
        )
    return claims


def verdicts(claims: Sequence[Claim]) -> None:
    """Print each claim's verdict, beside it the one after Holm's correction where it differs, and how many were tested.

    No numbers of a claim are printed: the lines are compared between machines. `numbers` has them.
    """
    for claim, after in zip(claims, after_holm(claims), strict=True):
        print(claim if after in (None, claim.verdict) else f"{claim}\n    (after Holm's correction: {after})")
    known = all(claim.p is not None for claim in claims)
    lean = not known and any(claim.over == "pictures" for claim in claims)
    print(
        f"{len(claims)} claims tested together;",
        "where Holm's correction for that changes a verdict, it says so."
        if known
        else "recorded without p-values, so without Holm's correction for that.",
        *["Their intervals are percentiles, which for mAP lean upwards."] * lean,
    )


def after_holm(claims: Sequence[Claim]) -> list[str | None]:
    """Return the verdicts after Holm's correction for all claims together (1979); None if any p is unknown."""
    if any(claim.p is None for claim in claims):
        return [None] * len(claims)
    order = sorted(range(len(claims)), key=lambda i: claims[i].p)
    corrected, worst = [TOO_CLOSE] * len(claims), 0.0
    for rank, i in enumerate(order):
        worst = max(worst, (len(claims) - rank) * claims[i].p)
        if worst < 1 - LEVEL:
            corrected[i] = HELD if claims[i].effect > claims[i].margin else DID_NOT_HOLD
    return corrected


def numbers(claims: Sequence[Claim]) -> pd.DataFrame:
    """Return the numbers behind the verdicts, a line a claim, to three digits."""
    frame = pd.DataFrame([vars(claim) for claim in claims]).set_index("id")
    limits = frame[["effect", "low", "high"]].round(12) + 0.0  # a sum of zeros with rounding is 0, and not -0
    frame[["effect", "low", "high"]] = limits.map("{:+.3g}".format)
    frame["p"] = frame.p.astype("float64").round(4)
    columns = ["effect", "low", "high", "margin", "unit", "over", "n", "p"]
    return frame[columns].dropna(axis="columns", how="all")
