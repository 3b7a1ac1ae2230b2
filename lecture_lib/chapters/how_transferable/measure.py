"""What transfer costs, and why: co-adaptation C(n), specificity S(n), their sum T(n); where, and how suddenly.

With a(.) the accuracy of a net, and all nets of one target task:

    C(n) = a(BnB) - a(base B)    the task is the same: what is lost, the cut between neighbours has lost
    S(n) = a(AnB) - a(BnB)       the cut is the same: what is lost, layers that serve A only have lost
    T(n) = C(n) + S(n) = a(AnB) - a(base B)

Tables here have a row a class of a target task, columns (method, n), and accuracies in %: see `table`. Differences are
of the same class, so of the same test pictures; a class that was in several target tasks counts as their mean.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from lecture_lib.results.claims import Claim, paired_claim
from lecture_lib.results.intervals import bootstrap, mean_interval

BASE = ("base", 0)
OF_TASK = ["halves", "split", "target"]  # what tells one target task from another


def table(lines: Iterable[Mapping]) -> pd.DataFrame:
    """Turn results into a table: rows (halves, split, target, class), columns (method, n), accuracies in %.

    lines  one a net: halves, split, target, method, cut (its n), and `classes` [K] with `values` [K]
    """
    parts = [pd.DataFrame(line).rename(columns={"classes": "class", "values": "value"}) for line in lines]
    return pd.concat(parts).pivot_table("value", [*OF_TASK, "class"], ["method", "cut"])


def losses(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Return C, S and T in points: the rows of a `table`, columns (measure, n); NaN where a net is missing."""
    base, own, other = accuracies[BASE], accuracies.get("BnB"), accuracies.get("AnB")
    if own is None or other is None:
        raise ValueError("C and S need nets BnB and AnB of the same cuts.")
    parts = {"C": own.sub(base, axis=0), "S": other - own, "T": other.sub(base, axis=0)}
    return pd.concat(parts, axis=1, names=["measure", "cut"]).dropna(axis=1, how="all")


def by_class(differences: pd.Series) -> np.ndarray:
    """Return a mean a class of differences with the index of a `table`, without those that are missing: float [K]."""
    return differences.dropna().groupby("class").mean().to_numpy()


def intervals(accuracies: pd.DataFrame, seed: int) -> list[dict]:
    """Return rows for each measure and n: the mean over classes, its 95 % interval, how far the tasks spread.

    The interval is over classes, so about other classes of this kind, and the same nets. What other trainings would
    give, the spread tells: the standard deviation of the means of `n_splits` target tasks.
    """
    rows = []
    for (measure, n), column in losses(accuracies).items():
        interval = mean_interval(by_class(column), seed=seed, what=f"{measure}({n})")
        tasks = column.dropna().groupby(OF_TASK).mean()
        about = {"method": measure, "cut": n}
        spread = {"spread": tasks.std(), "n_splits": len(tasks)} if len(tasks) > 1 else {}
        rows.append(about | {"metric": "points", "value": interval.value} | spread)
        rows += [
            about | {"metric": f"points {end}", "value": getattr(interval, end)} for end in ("low", "high")
        ]
    return rows


def where(accuracies: pd.DataFrame, seed: int) -> list[dict]:
    """Return rows for the half-layer and the effective number of layers, with 95 % intervals over classes.

    accuracies  of target tasks with nets at every n; there are no rows where the interval of S at the last has 0 in it
    """
    S = losses(accuracies)["S"].groupby("class").mean().to_numpy()
    if mean_interval(S[:, -1], seed=seed).high >= 0:
        return []
    rows = []
    for name, of in {"half-layer": half_layer, "effective layers": effective_number}.items():

        def of_drawn(drawn: np.ndarray, of: Callable[[ArrayLike], float] = of) -> float:
            mean = S[drawn].mean(0)
            return of(mean) if mean[-1] < 0 else np.nan

        interval = bootstrap(of_drawn, len(S), seed=seed)
        ends = {name: interval.value, f"{name} low": interval.low, f"{name} high": interval.high}
        rows += [{"method": "S", "metric": metric, "value": value} for metric, value in ends.items()]
    return rows


def recorded_losses(record: pd.DataFrame, group: str) -> pd.DataFrame:
    """Read C, S and T of a group of target tasks from a record: rows n, columns (measure, "value", "low" or "high")."""
    points = record[(record.experiment == group) & record.metric.str.startswith("points")]
    ends = points.metric.str.removeprefix("points").str.strip().replace("", "value")
    return points.assign(end=ends).pivot_table("value", "cut", ["method", "end"])


def increments(S: ArrayLike) -> np.ndarray:
    """Return the share of each layer in the specificity of the last cut, float64 [N]: g(n) = (S(n-1) - S(n)) / sum.

    S  [N], S(1) to S(N) in any unit, where S(0) = 0. Raises ValueError unless S(N) is below 0: then nothing is lost.
    """
    S = np.asarray(S, dtype=np.float64)
    if not S[-1] < 0:
        raise ValueError(f"Nothing is specific: at the last cut S is {S[-1]:+g}.")
    return -np.diff(S, prepend=0) / -S[-1]


def effective_number(S: ArrayLike) -> float:
    """Return over how many layers specificity is spread: exp of the entropy of its increments, from 1 to N.

    1 is a sudden transition, N an even one. Layers at which S rises (by noise) count as 0.
    """
    g = increments(S).clip(min=0)
    g = g[g > 0] / g.sum()
    return float(np.exp(-(g * np.log(g)).sum()))


def half_layer(S: ArrayLike) -> float:
    """Return where half of the specificity is lost: the first n, interpolated from S(0) = 0, with S(n) = S(N) / 2."""
    lost = np.concatenate([[0.0], increments(S).cumsum()])  # shares, from 0 to 1
    n = int((lost >= 0.5).argmax())
    return float(n - 1 + (0.5 - lost[n - 1]) / (lost[n] - lost[n - 1]))


def general_up_to(high: Sequence[float]) -> int:
    """Return the last n before specificity shows: high [N] are the upper ends of the intervals of S(1) to S(N)."""
    below = np.asarray(high) < 0
    return int(below.argmax()) if below.any() else len(below)


def claims(accuracies: pd.DataFrame, seed: int, source: str) -> list[Claim]:
    """Put the paper's findings to the test, over classes, each a mean over the target tasks that have it."""
    alike = accuracies.xs("random", level="halves", drop_level=False)
    full = alike[alike["AnB", 1].notna()]  # of the target tasks with all cuts
    of, of_alike, base = losses(full), losses(alike), full[BASE]
    tested = [
        ("general/1", "the first layer is general: it costs at most a point more from A than from B", -1, of["S", 1]),
        ("general/2", "two layers are general: they cost at most a point more from A than from B", -1, of["S", 2]),
        ("last", "specificity is larger at the last cut than at the one before", 0,
         of_alike["S", 6] - of_alike["S", 7]),
        ("middle", "layers are co-adapted in the middle: BnB is behind base B at n = 4 and 5", 0,
         -of["C"][[4, 5]].mean(axis=1)),
        ("plus", "AnB+ is at most a point behind base B, in the mean over n = 3 to 7", -1,
         full["AnB+"].loc[:, 3:].sub(base, axis=0).mean(axis=1)),
        ("random", "five random layers are over 20 points behind five of A", 20,
         full["AnB", 5] - full["random layers", 5]),
    ]  # fmt: skip
    if "dissimilar" in accuracies.index.unique("halves"):
        of_unlike = losses(accuracies.xs("dissimilar", level="halves", drop_level=False))
        # other target tasks, so other nets; a class is in some of both
        gains = [of["T", 7].dropna().groupby("class").mean() for of in (of_alike, of_unlike)]
        text = "seven layers cost more where A is of another kind than B, natural or man-made"
        tested.append(("dissimilar", text, 0, gains[0].sub(gains[1])))
    pictures = "drawings" if source == "twin" else "photographs"
    how = {"source": source, "seed": seed}
    return [
        paired_claim(f"transfer/{id}", f"On {pictures}, {text}", by_class(gains), margin=margin, **how)
        for id, text, margin, gains in tested
    ]
