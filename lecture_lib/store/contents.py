"""What the cache holds, how much that is, and how to be rid of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lecture_lib import settings
from lecture_lib.store.arrays import open_npy

if TYPE_CHECKING:
    import pandas as pd


def report() -> pd.DataFrame:
    """List what is kept: name, recipe, shape, dtype, MB, days since last use, finished or not."""
    import pandas as pd

    rows = []
    for path in sorted(_folder().glob("*.json")):
        with contextlib.suppress(OSError, ValueError):  # cleared by another process, or no array of ours
            told = json.loads(path.read_text(encoding="utf-8"))
            npy = path.with_suffix(".npy")
            array = open_npy(npy, told["n"]) if npy.exists() else None
            recipe = ", ".join(f"{key}={value}" for key, value in told["recipe"].items())
            layout = (None, None) if array is None else (array.shape, str(array.dtype))
            megabytes = sum(map(_bytes, _pieces(path.stem))) / 1e6
            days = _days_unused(path.stem)
            rows.append((told["name"], recipe, *layout, megabytes, days, array is not None))
    return pd.DataFrame(rows, columns=["name", "recipe", "shape", "dtype", "MB", "days", "finished"])


def size() -> int:
    """Return the number of bytes that all arrays take on disk, unfinished ones included."""
    return _bytes(_folder())


def clear(older_than_days: float | None = None) -> int:
    """Delete all arrays, or those not used for so many days; return the number of bytes freed."""
    freed = 0
    for key in sorted({path.name.split(".")[0] for path in _folder().glob("*")}):
        if older_than_days is not None and _days_unused(key) < older_than_days:
            continue
        for piece in _pieces(key):
            before = _bytes(piece)
            if piece.is_dir():
                shutil.rmtree(piece, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):  # on Windows a file in use cannot be deleted
                    piece.unlink()
            freed += before - _bytes(piece)
    return freed


def _folder() -> Path:
    return settings.current().cache / "arrays"


def _pieces(key: str) -> list[Path]:
    return sorted(_folder().glob(f"{key}.*"))


def _bytes(path: Path) -> int:
    inside = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    total = 0
    for file in inside or [path]:
        with contextlib.suppress(OSError):  # gone in the meantime
            total += os.path.getsize(file) if os.path.isfile(file) else 0
    return total


def _days_unused(key: str) -> float:
    newest = 0.0
    for piece in _pieces(key):
        with contextlib.suppress(OSError):
            newest = max(newest, piece.stat().st_mtime)
    return (time.time() - newest) / 86400
