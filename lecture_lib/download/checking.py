"""What a published file should be, and whether the one on disk is that."""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lecture_lib.download.place import DownloadError

if TYPE_CHECKING:
    from tqdm import tqdm


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    name    what it is called on disk
    urls    where it can be had, tried in this order
    sha256  its hash in hex; None: the hash at the first download is recorded and holds from then on
    size    its bytes, if known
    page    page for people from which it can be fetched by hand
    """

    name: str
    urls: tuple[str, ...]
    sha256: str | None = None
    size: int | None = None
    page: str = ""


class Wrong(Exception):
    """A file on disk is not what it should be."""


def fault_of(path: Path, file: RemoteFile) -> str:
    """Say what is wrong with a file on disk; "" if it is there and right."""
    if not path.is_file():
        return f"{file.name} is not in {path.parent}"
    try:
        record(path, verify(path, file))
    except Wrong as fault:
        return str(fault)
    except OSError as error:
        raise DownloadError(f"{path} cannot be read ({error.strerror or error}).") from None
    return ""


def verify(path: Path, file: RemoteFile) -> str:
    """Return the SHA-256 of a file, in hex; raises Wrong if it is not the published one."""
    stamp = _stamp(path.parent / file.name)
    recorded, seen = _read_stamp(stamp)
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        raise Wrong(f"{path} has {size:,} bytes, not {file.size:,}")
    with open(path, "rb") as content:
        if is_web_page(content.read(512), file.name):
            raise Wrong(f"{path} is a web page (HTML), not the file")
    digest = recorded if seen == _size_and_time(path) else _hash(path)
    expected = (file.sha256 or recorded or digest).lower()
    if digest != expected:
        source = (
            "as published" if file.sha256 else f"as at the first download (delete {stamp} if it may differ)"
        )
        raise Wrong(f"{path} has SHA-256 {digest[:16]}..., not {expected[:16]}... {source}")
    return digest


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as content, open_bar(f"checking {path.name}", path.stat().st_size) as bar:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
            bar.update(len(chunk))
    return digest.hexdigest()


def record(path: Path, digest: str) -> None:
    """Keep the hash with the size and time at which it was right; a file seen again is not hashed again."""
    size, modified = _size_and_time(path)
    text = f"{digest}  {path.name}\n# of {size} bytes modified at {modified} ns\n"
    with contextlib.suppress(OSError):  # in a read-only folder it is hashed each time
        if not _stamp(path).exists() or _stamp(path).read_text(encoding="utf-8") != text:
            _stamp(path).write_text(text, encoding="utf-8")


def _read_stamp(stamp: Path) -> tuple[str | None, tuple[int, int] | None]:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = stamp.read_text(encoding="utf-8")
        found = re.match(r"([0-9a-fA-F]{64})\b.*\n?(?:# of (\d+) bytes modified at (\d+) ns)?", text)
        if found:
            return found[1].lower(), (int(found[2]), int(found[3])) if found[3] else None
    return None, None


def _stamp(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _size_and_time(path: Path) -> tuple[int, int]:
    return path.stat().st_size, path.stat().st_mtime_ns


def is_web_page(head: bytes, name: str, content_type: str = "") -> bool:
    """Tell from its first bytes whether a file is HTML though its name does not say so."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    page = text.startswith((b"<!doctype html", b"<html", b"<head"))
    return (page or ("html" in content_type.lower() and text.startswith(b"<"))) and not name.endswith("html")


def open_bar(label: str, total: int | None, start: int = 0) -> tqdm:
    """Return a progress bar over bytes, shown when it takes more than a second."""
    from tqdm.auto import tqdm

    return tqdm(total=total, initial=start, desc=label, unit="B", unit_scale=True, leave=False, delay=1)
