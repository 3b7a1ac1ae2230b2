"""Files that appear whole or not at all, one process at a time, and what is said when they cannot be written."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import filelock

from lecture_lib import settings


class StoreError(Exception):
    """A folder cannot hold what should be kept in it; the message says which and what to do."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that every reader sees the old content or the new, never a part of it.

    Raises StoreError if the folder cannot be written or is full.
    """
    path = Path(path)
    new = path.with_name(f"{path.name.split('.')[0]}.{secrets.token_hex(8)}.tmp")
    with writing(path.parent):
        try:
            new.write_bytes(content)
            os.replace(new, path)
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Make the folder; what goes wrong in it becomes a StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise StoreError(unwritable(folder, error)) from None


def unwritable(folder: Path, error: OSError) -> str:
    """Say why a folder takes no more, and what to do."""
    chosen, setting = settings.current(), ""
    for variable, top in (("LECTURE_CACHE", chosen.cache), ("LECTURE_DATA", chosen.data)):
        if folder.is_relative_to(top):
            setting = f", or set {variable} to another folder"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        what = f"The disk is full: nothing more fits into {folder}. What was finished is kept."
        return f"{what} Free some space (store.clear(older_than_days=7) deletes old arrays){setting}."
    return f"The folder {folder} cannot be written ({error.strerror or error}). Make it writable{setting}."


@contextlib.contextmanager
def alone(path: Path, what: str = "", *, wait: bool = True) -> Iterator[None]:
    """Let one process, or thread, at a time work on a file. Without `wait`: filelock.Timeout if somebody does."""
    guard = path.with_name(f".{path.name}.lock")
    lock = filelock.FileLock(guard)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if not wait:
            raise
        print(f"Another process is busy with {what or path.name}; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            guard.unlink()  # still locked: those who wait notice and make a new one
        lock.release()
