"""Files that appear whole or not at all, and what is said when they cannot be written."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from lecture_lib import settings


class StoreError(Exception):
    """A folder cannot hold what should be kept in it; the message says which and what to do."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that every reader sees the old content or the new, never a part of it."""
    path = Path(path)
    try:
        replace(path, path.parent, [content])
    except OSError as error:
        raise unwritable(path.parent, error) from None


def replace(path: Path, temporary: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write chunks into a new file in the folder `temporary`, then give it the name `path`."""
    make_folder(temporary)
    new = temporary / f"{path.name.split('.')[0]}.{secrets.token_hex(8)}.tmp"
    try:
        with open(new, "xb") as file:
            for chunk in chunks:
                file.write(chunk)
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, also while another process removes them."""
    for attempt in range(5):
        try:
            return folder.mkdir(parents=True, exist_ok=True)
        except (FileNotFoundError, FileExistsError):  # another process removed it while we looked at it
            if attempt == 4 or folder.is_file():
                raise
    return None


def unwritable(folder: Path, error: OSError) -> StoreError:
    """Say why a folder takes no more, and what to do."""
    cache = settings.current().cache
    inside = folder == cache or cache in folder.parents
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        what = f"The disk is full: nothing more fits into {folder}. What was finished is kept."
        todo = "Free some space (store.clear(older_than_days=7) deletes old arrays)"
    else:
        what = f"The folder {folder} cannot be written ({error.strerror or error})."
        todo = "Make it writable"
    return StoreError(f"{what} {todo}{', or set LECTURE_CACHE to another folder' if inside else ''}.")
