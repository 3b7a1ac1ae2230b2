"""What the cache holds, how much that is, and how to be rid of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from lecture_lib import settings
from lecture_lib.store.files import alone

if TYPE_CHECKING:
    import pandas as pd

# Everything that the workbook keeps lies in one of these folders of the cache; others may be somebody else's.
FOLDERS = {
    "arrays": "computed in blocks",
    "training": "training",
    "pictures": "what is known of a folder of pictures",
    "results": "results of a notebook",
}


def folder(kind: str) -> Path:
    """Return the folder of the cache for one kind of thing; `report` and `clear` know them all."""
    if kind not in FOLDERS:
        raise KeyError(f"Give {kind!r} a line in FOLDERS, so that clear() finds it.")
    return settings.current().cache / kind


def results_folder() -> Path:
    """Return build/results of the project or, where the project is read-only, the cache's, with a line that says so."""
    chosen = settings.REPOSITORY / "build" / "results"
    with contextlib.suppress(OSError):
        chosen.mkdir(parents=True, exist_ok=True)
        if os.access(chosen, os.W_OK):
            return chosen
    print(f"This project is read-only: results go to {settings.shown(folder('results'))}.")
    return folder("results")


def report() -> pd.DataFrame:
    """List what is kept: name, recipe, MB, days since last use, finished or not."""
    import pandas as pd

    rows = []
    for (kind, key), pieces in _kept().items():
        name, recipe = FOLDERS[kind], key
        with contextlib.suppress(OSError, ValueError, KeyError):  # cleared in the meantime, or damaged
            about = json.loads(folder(kind).joinpath(f"{key}.json").read_bytes())
            name, recipe = (
                about["name"],
                ", ".join(f"{key}={value}" for key, value in about["recipe"].items()),
            )
        finished = kind != "arrays" or any(piece.suffix == ".npy" for piece in pieces)
        rows.append((name, recipe, _bytes(pieces) / 1e6, _days_unused(pieces), finished))
    return pd.DataFrame(rows, columns=["name", "recipe", "MB", "days", "finished"])


def clear(older_than_days: float | None = None) -> int:
    """Delete all that is kept, or what was not used for so many days; return the number of bytes freed.

    An array that a process is computing at this moment stays.
    """
    freed = 0
    for (kind, key), pieces in _kept().items():
        if older_than_days is not None and _days_unused(pieces) < older_than_days:
            continue
        before = _bytes(pieces)
        with contextlib.suppress(filelock.Timeout, OSError), alone(folder(kind) / f"{key}.npy", wait=False):
            for piece in pieces:
                with contextlib.suppress(OSError):  # on Windows a file in use cannot be deleted
                    shutil.rmtree(piece) if piece.is_dir() else piece.unlink()
        freed += before - _bytes(pieces)
    return freed


def _kept() -> dict[tuple[str, str], list[Path]]:
    """(kind, key) -> its files: they share the name before the first dot."""
    kept = defaultdict(list)
    for kind in FOLDERS:
        for path in sorted(folder(kind).glob("[!.]*")):
            kept[kind, path.name.split(".")[0]].append(path)
    return kept


def _bytes(pieces: list[Path]) -> int:
    total = 0
    for file in (file for piece in pieces for file in (piece, *piece.rglob("*"))):
        with contextlib.suppress(OSError):  # gone in the meantime
            total += file.stat().st_size if file.is_file() else 0
    return total


def _days_unused(pieces: list[Path]) -> float:
    newest = max((piece.stat().st_mtime for piece in pieces if piece.exists()), default=0.0)
    return (time.time() - newest) / 86400
