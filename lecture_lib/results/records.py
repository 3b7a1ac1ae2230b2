"""Records: numbers as tidy tables, each beside what made it; the columns are told in `data/results/README.md`.

A record is `data/results/<chapter>.<profile>.csv`, one row a number, beside a JSON file of the same name.
"""

import json
import platform
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pandas as pd
import psutil

from lecture_lib import settings, store
from lecture_lib.results.claims import Claim
from lecture_lib.results.reach import reached

VERSIONS = ("lecture_lib", "torch", "torchvision", "numpy", "scipy", "scikit-learn")
LAST = ("metric", "value", "spread", "n_splits")
WHOLE = ("n", "n_test", "n_classes", "per_class", "K", "width", "epoch", "split", "seed", "n_splits")

# what stands in no name of a file, on some system
NO_FILE_NAME = re.compile(r'[\x00-\x1f/\\<>:"|?*\ud800-\udfff]')


def write(
    name: str,
    rows: Iterable[Mapping] | pd.DataFrame,
    claims: Sequence[Claim],
    *,
    command: str,
    network: str,
    remark: str = "",
) -> Path:
    """Write a record of the profile in use to ``data/results/``; return the path of its CSV.

    name     the chapter's: "fine_tuning"
    rows     one a number: the columns that vary, `metric` and `value`
    command  that makes the record again: "python -m lecture_lib.chapters.fine_tuning.record"; its module is where the
             fingerprint begins
    network  its name, of which the weights are fingerprinted, too, if they are this project's own; of several "a, b"
    remark   what else a reader should know ("trained in bfloat16")
    """
    made = provenance(command, network, remark)
    return _write(settings.PACKAGE_DATA / "results", name, rows, claims, made)


def provenance(command: str, network: str, remark: str = "") -> dict:
    """Say what makes a result now: the arguments as in `write`, seed, versions, date, machine and fingerprint."""
    chosen = settings.current()
    versions = {package: metadata.version(package) for package in VERSIONS}
    return {
        "command": command,
        "network": network,
        "remark": remark,
        "seed": chosen.seed,
        "versions": {"python": platform.python_version()} | versions,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {psutil.cpu_count(logical=False)} cores, {chosen.device.type}",
        "fingerprint": fingerprint(command.split()[-1], network),
    }


def save(notebook: str, rows: Iterable[Mapping] | pd.DataFrame, claims: Sequence[Claim] = ()) -> None:
    """Write what a notebook found to `store.results_folder`, as a record by its own name, and say so."""
    path = _write(store.results_folder(), notebook, rows, claims, {})
    print("wrote", path.name)


def read(name: str, profile: str | None = None) -> pd.DataFrame:
    """Read a record's numbers, by default of the profile in use; FileNotFoundError if there is no such record."""
    frame = pd.read_csv(_find(name, profile), keep_default_na=False, na_values=[""], encoding="utf-8")
    return _whole(frame)


def average(frame: pd.DataFrame) -> pd.DataFrame:
    """Average over splits and seeds: value, spread (standard deviation) and n_splits of all that agrees elsewhere.

    Where a record has such means already, they are taken.
    """
    by = [column for column in frame if column not in ("split", "seed", "value", "spread", "n_splits")]
    if "n_splits" in frame:
        whole = frame.n_splits.notna()
        frame = frame[whole | ~whole.groupby([frame[column] for column in by], dropna=False).transform("any")]
    groups = frame.groupby(by, sort=False, dropna=False)
    means = groups.value.agg(value="mean", spread="std", n_splits="count")
    if "n_splits" in frame:
        means = means.assign(
            spread=groups.spread.first().fillna(means.spread),
            n_splits=groups.n_splits.first().fillna(means.n_splits),
        )
    return means.reset_index()


def claims_of(name: str, profile: str | None = None) -> list[Claim]:
    """Read a record's claims."""
    return [Claim(**claim) for claim in _made(name, profile)["claims"]]


def made_by(name: str, profile: str | None = None) -> str:
    """Say what made a record, and when, in short lines; the last says whether code or weights have changed since."""
    made = _made(name, profile)
    packages = ", ".join(f"{package} {made['versions'][package]}" for package in ("torch", "scikit-learn"))
    about = ", ".join(filter(None, (made["network"], made["remark"])))
    line = (
        f"recorded {made['date']} by: {made['command']}\n"
        f"({about}, seed {made['seed']}, {packages}, {made['seconds']:.0f} s)"
    )
    if "commit" in made:
        return f"{line}\nmade by the code of commit {made['commit']}, before records had fingerprints"
    if made["fingerprint"] != fingerprint(made["command"].split()[-1], made["network"]):
        return f"{line}\nThe code or the weights have changed since: the same command records it anew."
    return line


def fingerprint(module: str, network: str) -> str:
    """Name the code that a module reaches within lecture_lib, see `reach`, and networks' weights under data/weights."""
    files = {name: settings.PACKAGE_DATA / "weights" / f"{name}.safetensors" for name in network.split(", ")}
    weights = [file.read_bytes() if file.exists() else name for name, file in files.items()]
    return store.fingerprint([reached(module), *weights])[:16]


def _write(
    folder: Path, name: str, rows: Iterable[Mapping] | pd.DataFrame, claims: Sequence[Claim], made: dict
) -> Path:
    frame = pd.DataFrame(rows)
    if bad := frame.reindex(columns=["value"]).isna().sum().item():
        raise ValueError(
            f"{name}: {bad} of {len(frame)} values are NaN, and nothing was written. Has a training diverged?"
        )
    # without rows it has its two columns all the same
    frame = (
        frame.dropna(axis="columns", how="all") if len(frame) else frame.reindex(columns=["metric", "value"])
    )
    others = [column for column in frame if column not in LAST]
    frame = _whole(frame[[*others, *frame.columns.intersection(LAST)]])
    document = {
        "profile": settings.current().profile,
        **made,
        "seconds": round(time.time() - psutil.Process().create_time(), 1),
        "peak_mb": round(peak_mb(), 1),
        "claims": [asdict(claim) for claim in claims],
    }
    path = folder / _file(name, document["profile"])
    folder.mkdir(parents=True, exist_ok=True)
    store.write_atomically(
        path, frame.to_csv(index=False, lineterminator="\n").encode(errors="backslashreplace")
    )
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    store.write_atomically(path.with_suffix(".json"), text.encode(errors="backslashreplace"))
    return path


def _file(name: str, profile: str) -> str:
    """The file of a record: what some file systems do not take stands in its name as "_", and it is not too long."""
    return NO_FILE_NAME.sub("_", name)[:60] + f".{profile}.csv"


def _whole(frame: pd.DataFrame) -> pd.DataFrame:
    """Take whole numbers as such, where some are missing, too."""
    return frame.astype({column: "Int64" for column in WHOLE if column in frame})


def _find(name: str, profile: str | None) -> Path:
    path = settings.PACKAGE_DATA / "results" / _file(name, profile or settings.current().profile)
    if path.is_file():
        return path
    there = ", ".join(sorted(file.stem for file in path.parent.glob("*.csv"))) or "none"
    raise FileNotFoundError(f"There is no record {path.stem}; there are: {there}.")


def _made(name: str, profile: str | None) -> dict:
    return json.loads(_find(name, profile).with_suffix(".json").read_text(encoding="utf-8"))


def peak_mb() -> float:
    """Return the most memory that this process has held at once, in MB (10^6 bytes)."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes of what getrusage counts
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
