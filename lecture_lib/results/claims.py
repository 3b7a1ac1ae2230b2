"""Results and claims: numbers with what made them, and the lecture's statements put to the test.

A claim is tested on paired differences (the same splits or images, two methods) with an interval for
their mean; its verdict follows from the interval alone.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from lecture_lib import settings, store
from lecture_lib.results import papers

HELD, DID_NOT_HOLD, TOO_CLOSE = "held", "did not hold", "too close to call"
FEW = 5  # below this many pairs there are too few different resamples for a bootstrap
VERSIONS = ("lecture_lib", "torch", "torchvision", "numpy", "scipy", "scikit-learn")


@dataclass(frozen=True)
class Result:
    """A number with what made it, for the place in the lecture's table that it stands beside.

    table     a name of `papers`, or None where the lecture has no counterpart (then row, column and
              metric are free)
    mean      over the splits, in the table's own unit (per cent)
    spread    standard deviation over the splits, in the same unit; None for a single split
    source    "twin" or "real": which images
    """

    table: str | None
    row: str
    column: str
    metric: str
    mean: float
    spread: float | None
    n_splits: int
    seed: int
    source: str

    def __post_init__(self):
        where = f"Result {self.table}, {self.row}, {self.column}"
        _set(self, "mean", float(self.mean))
        _set(self, "spread", None if self.spread is None else float(self.spread))
        _set(self, "n_splits", int(self.n_splits))
        _set(self, "seed", int(self.seed))
        _check_source(self.source, where)
        if not math.isfinite(self.mean):
            raise ValueError(f"{where}: the mean is {self.mean}; a result is a finite number.")
        if self.spread is not None and not (math.isfinite(self.spread) and self.spread >= 0):
            raise ValueError(f"{where}: the spread is {self.spread}; give a number from 0, or None.")
        if self.n_splits < 1:
            raise ValueError(f"{where}: n_splits is {self.n_splits}; it is at least 1.")
        if self.table is not None:
            papers.check(self.table, self.row, self.column)
            if papers.about(self.table).unit == "%":
                if not 0 <= self.mean <= 100:
                    raise ValueError(f"{where}: the mean is {self.mean}; the table is in %, from 0 to 100.")
                if 0 < self.mean <= 1:
                    warnings.warn(f"{where}: {self.mean:g} % looks like a fraction; the table is in %.")


@dataclass(frozen=True)
class Claim:
    """A statement of the lecture, what became of it, and the numbers behind the verdict.

    effect, low, high   mean of the paired differences and its interval, in `unit`
    n                   number of pairs
    """

    id: str
    statement: str
    verdict: str
    effect: float
    low: float
    high: float
    unit: str
    n: int
    source: str

    def __post_init__(self):
        _check_source(self.source, f"Claim {self.id}")
        if self.verdict not in (HELD, DID_NOT_HOLD, TOO_CLOSE):
            raise ValueError(f"Claim {self.id}: there is no verdict {self.verdict!r}.")
        if not all(map(math.isfinite, (self.effect, self.low, self.high))) or self.low > self.high:
            raise ValueError(f"Claim {self.id}: no interval from {self.low} to {self.high}.")

    def __str__(self) -> str:
        # no numbers: this line is compared between machines
        return f"{self.verdict}{' (twin)' if self.source == 'twin' else ''}: {self.statement}"

    @property
    def numbers(self) -> str:
        """The effect and its interval in one line."""
        few = f"; a t interval, from only {self.n} pairs" if self.n < FEW else ""
        effect = round(self.effect, 12) + 0.0  # a sum of zeros with rounding is 0, and not -0
        return f"{effect:+.3g} {self.unit}, interval {self.low:+.3g} to {self.high:+.3g} (n = {self.n}{few})"


def paired_claim(
    id: str,
    statement: str,
    differences: ArrayLike,
    *,
    margin: float = 0.0,
    unit: str,
    source: str,
    seed: int,
    n_boot: int = 10_000,
    level: float = 0.95,
) -> Claim:
    """Judge "the mean difference is more than `margin`" from paired differences.

    differences  [n], n >= 2: what the statement says is larger minus the other, pair by pair (a pair
                 is a split or an image that both methods have seen), in `unit`
    margin       0 for "better"; 5 for "better by more than 5"; -1 for "at most 1 worse"
    returns      Claim, "held" if the whole interval is above the margin, "did not hold" if it is
                 below, else "too close to call"

    The interval is `mean_interval`'s. Raises ValueError for fewer than two pairs or NaN.
    """
    low, high = mean_interval(differences, seed=seed, n_boot=n_boot, level=level, what=f"Claim {id}")
    verdict = HELD if low > margin else DID_NOT_HOLD if high < margin else TOO_CLOSE
    values = np.asarray(differences, dtype=np.float64)
    return Claim(id, statement, verdict, float(values.mean()), low, high, unit, len(values), source)


def mean_interval(
    values: ArrayLike, *, seed: int, n_boot: int = 10_000, level: float = 0.95, what: str = "The interval"
) -> tuple[float, float]:
    """Return a confidence interval for the mean of independent values [n], n >= 2.

    From five values on it is the percentile bootstrap with its quantiles moved outwards so that it is
    as wide as the t interval would be for normal data (Hesterberg 2015, "expanded percentile"). For
    five splits the plain percentiles cover the truth in 86 of 100 cases instead of 95, this in 92; the
    two agree for hundreds of images. Fewer than five values have at most 35 different resamples,
    so there it is Student's t interval.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"{what} needs two values or more, as [n]; these are {values.shape}.")
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(
            f"{what}: {bad.sum()} of {len(values)} values are not finite (first: {bad.argmax()})."
        )
    n, mean = len(values), values.mean()
    if np.ptp(values) == 0:
        return float(mean), float(mean)
    t = special.stdtrit(n - 1, (1 + level) / 2)
    if n < FEW:
        half = t * values.std(ddof=1) / math.sqrt(n)
        return float(mean - half), float(mean + half)
    tail = special.ndtr(-t * math.sqrt(n / (n - 1)))
    rng = np.random.default_rng(seed)
    block = max(1, 2**21 // n)  # resamples at once: a few MB, whatever n is
    means = [
        values[rng.integers(0, n, (min(block, n_boot - start), n), dtype=np.int32)].mean(axis=1)
        for start in range(0, n_boot, block)
    ]
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(low), float(high)


def bootstrap(
    measure: Callable[[np.ndarray], float], n: int, *, seed: int, n_boot: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """Return a percentile bootstrap interval for a measure of n pictures that is no mean, such as mAP.

    measure  takes int64 [n], pictures drawn with replacement from 0 .. n-1; NaN where it is undefined for them

    Resamples whose measure is NaN are left out. Raises ValueError if they are more than half, or for n < 2.
    """
    if n < 2:
        raise ValueError(f"A bootstrap needs two pictures or more, not {n}.")
    rng = np.random.default_rng(seed)
    values = np.array([measure(rng.integers(0, n, n)) for _ in range(n_boot)], dtype=np.float64)
    undefined = np.isnan(values)
    if undefined.sum() > n_boot / 2:
        raise ValueError(
            f"The measure is NaN for {undefined.sum()} of {n_boot} resamples of {n} pictures: too few pictures "
            "define it. Take more, or a measure of what is there."
        )
    low, high = np.quantile(values[~undefined], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self):
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since this stopwatch was made."""
        return time.perf_counter() - self._start


def peak_mb() -> float:
    """Return the most memory that this process has held at once, in MB (10^6 bytes)."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    status = Path("/proc/self/status")
    if status.exists():  # Linux: getrusage would also count what the parent process held at our start
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS gives bytes


def write_results(
    notebook: str, seconds: float, peak_mb: float, results: Sequence[Result], claims: Sequence[Claim]
) -> Path:
    """Write what a notebook found to ``<notebook>.<profile>.json`` in `store.results_folder`; return the path."""
    document = _document(notebook, seconds, peak_mb, results, claims)
    return _write(store.results_folder(), document)


def write_run(
    name: str,
    seconds: float,
    peak_mb: float,
    results: Sequence[Result],
    claims: Sequence[Claim],
    *,
    command: str,
    seed: int,
    network: str,
) -> Path:
    """Write what a run too long for a notebook found to ``data/results/``, with how to repeat it."""
    document = _document(name, seconds, peak_mb, results, claims)
    document |= {
        "command": command,
        "seed": seed,
        "network": network,
        "versions": {"python": sys.version.split()[0], **{name: metadata.version(name) for name in VERSIONS}},
        "date": datetime.now(UTC).date().isoformat(),
    }
    return _write(settings.PACKAGE_DATA / "results", document)


@dataclass(frozen=True)
class Run:
    """A run that was recorded by `write_run`: what it found, and a line that says what made it, and when."""

    results: tuple[Result, ...]
    claims: tuple[Claim, ...]
    network: str
    provenance: str


def read_run(name: str, profile: str | None = None) -> Run:
    """Read a recorded run of a profile, by default the one in use; FileNotFoundError if there is none."""
    path = settings.PACKAGE_DATA / "results" / f"{name}.{profile or settings.current().profile}.json"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in path.parent.glob("*.json"))) or "none"
        raise FileNotFoundError(f"There is no recorded run {path.stem}; there are: {there}.")
    document = json.loads(path.read_text(encoding="utf-8"))
    packages = ", ".join(
        f"{package} {document['versions'][package]}" for package in ("torch", "scikit-learn")
    )
    provenance = (
        f"recorded {document['date']} by: {document['command']} "
        f"({document['network']}, seed {document['seed']}, {packages}, {document['seconds']:.0f} s)"
    )
    results = tuple(Result(**result) for result in document["results"])
    found = tuple(Claim(**claim) for claim in document["claims"])
    return Run(results, found, document["network"], provenance)


def _document(
    notebook: str, seconds: float, peak_mb: float, results: Sequence[Result], claims: Sequence[Claim]
) -> dict:
    if not re.fullmatch(r"[\w-]+", notebook):
        raise ValueError(f"A notebook is named without folder and ending, like 01_decaf_tsne: {notebook!r}.")
    twice = _first_repeated(claim.id for claim in claims)
    if twice is not None:
        raise ValueError(f"Two claims have the id {twice!r}.")
    profile = settings.current().profile
    for result in results:
        if profile == "demo" and result.table is not None and result.source != "twin":
            raise ValueError(
                f"Result {result.table}, {result.row}, {result.column} says source {result.source!r}, but the "
                "demo profile has twins only; take the source from the collection: images.source."
            )
    return {
        "notebook": notebook,
        "profile": profile,
        "seconds": round(float(seconds), 1),
        "peak_mb": round(float(peak_mb), 1),
        "results": [asdict(result) for result in results],
        "claims": [asdict(claim) for claim in claims],
    }


def _write(folder: Path, document: dict) -> Path:
    path = folder / f"{document['notebook']}.{document['profile']}.json"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    store.write_atomically(path, text.encode())
    return path


def _check_source(source: str, where: str) -> None:
    if source not in ("twin", "real"):
        raise ValueError(f'{where}: there is no source {source!r}; take "twin" or "real".')


def _first_repeated(items: Iterable[str]) -> str | None:
    seen: set[str] = set()
    return next((item for item in items if item in seen or seen.add(item)), None)


def _set(frozen: object, name: str, value: object) -> None:
    # numpy scalars become Python's, so that they can be written as JSON
    object.__setattr__(frozen, name, value)
