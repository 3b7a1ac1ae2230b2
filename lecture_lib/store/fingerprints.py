"""One name for everything that made an array."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np


def fingerprint(obj: Any) -> str:
    """Return the SHA-256, in hex, of a value made of JSON's types, arrays, tensors and bytes.

    The same in every process and for every order of a dict's keys; arrays count with their dtype,
    shape and content. Raises TypeError for what has no such form (a set, a path, an object).
    """
    canonical = json.dumps(obj, sort_keys=True, separators=(",", ":"), default=to_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()


def to_plain(value: Any) -> Any:
    """Give what JSON does not know a JSON form: arrays, tensors and bytes their hash, dtype and shape."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": hashlib.sha256(value).hexdigest()}
    if isinstance(value, np.generic):
        return value.item()
    dtype, shape = str(getattr(value, "dtype", "object")), list(getattr(value, "shape", ()))
    if dtype.startswith("torch."):
        import torch

        value = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        content = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
        return {"array": [dtype, shape, hashlib.sha256(content).hexdigest()]}
    raise TypeError(
        f"A fingerprint takes JSON values, arrays, tensors and bytes, not {type(value).__name__}."
    )


def file_stamp(path: Path) -> tuple[int, int, int, int]:
    """Size, time of change in ns, inode and its time: while all are the same, so is the file; raises OSError.

    Who replaces a file can keep its size and set its time back; the inode's time nobody can set.
    """
    stat = os.stat(path)
    return stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns
