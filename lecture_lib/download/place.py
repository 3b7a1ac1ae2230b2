"""The folder that files come into: who works in it, and what goes wrong there, in sentences."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path


class DownloadError(Exception):
    """A file cannot be had; the message says why, and how to get it by hand."""


class ArchiveError(DownloadError):
    """An archive is damaged, or would write outside its folder."""


def unwritable(folder: Path, error: OSError) -> str:
    """Say why a folder takes no more, and what to do."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return f"The disk is full ({error.strerror}): free some space under {folder} and run this again."
    reason = error.strerror or str(error)
    return f"The folder {folder} cannot be written ({reason}): make it writable, or set LECTURE_DATA to another one."


def megabytes(size: int) -> str:
    """Say a number of bytes."""
    return f"{size / 1e6:.1f} MB"


@contextlib.contextmanager
def alone(folder: Path, name: str) -> Iterator[None]:
    """Make the folder, and let one process at a time work on `name` in it."""
    import filelock

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}.lock"
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        print(f"Another process is busy with {name}; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # still locked: those who wait notice and make a new one
        lock.release()
