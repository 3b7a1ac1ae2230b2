"""What a published file should be, and whether the one on disk is that."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from lecture_lib import store


class DownloadError(Exception):
    """A file cannot be had; the message says why, and how to get it by hand."""


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    name    what it is called on disk
    urls    where it can be had, tried in this order
    sha256  its hash in hex, or the start of it; None: the hash at the first download is recorded and holds from then on
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


def verify(path: Path, file: RemoteFile) -> str:
    """Return the SHA-256 of a file, in hex; raises Wrong if it is not the published one."""
    with open(path, "rb") as content:
        head = content.read(512)
    page = re.match(
        rb"(\xef\xbb\xbf)?\s*<(!--.*?)?(!doctype html|html|head)", head, re.IGNORECASE | re.DOTALL
    )
    if page and not file.name.endswith("html"):
        raise Wrong(f"{path} is a web page (HTML), not the file")
    size = path.stat().st_size
    if file.size not in (None, size):
        raise Wrong(f"{path} has {size:,} bytes, not {file.size:,}")
    final = path.parent / file.name  # where it will be, if it is still a part
    known = _recorded(final)
    recorded = known.get("sha256")
    digest = recorded if known.get("stamp") == list(store.file_stamp(path)) else _hash(path)
    expected = file.sha256 or recorded or digest
    if not digest.startswith(expected):
        source = "as published"
        if not file.sha256:
            source = f"as at the first download (delete {_ledger(final)} if it may differ)"
        raise Wrong(f"{path} has SHA-256 {digest[:16]}..., not {expected[:16]}... {source}")
    return digest


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as content, byte_bar(f"checking {path.name}", path.stat().st_size) as bar:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
            bar.update(len(chunk))
    return digest.hexdigest()


def record(path: Path, digest: str) -> None:
    """Keep the hash with the stamp that the file had when it was right; a file seen again is not hashed again."""
    known = {"file": str(path), "sha256": digest, "stamp": list(store.file_stamp(path))}
    with contextlib.suppress(store.StoreError):  # without a cache it is hashed each time
        if _recorded(path) != known:
            store.write_atomically(_ledger(path), json.dumps(known).encode())


def _recorded(path: Path) -> dict:
    with contextlib.suppress(OSError, ValueError):
        return json.loads(_ledger(path).read_bytes())
    return {}


def _ledger(path: Path) -> Path:
    return store.folder("downloads") / f"{store.fingerprint(str(path.absolute()))[:20]}.json"


def byte_bar(label: str, total: int | None, start: int = 0) -> tqdm:
    """Return a progress bar over bytes, shown when it takes more than a second."""
    return tqdm(total=total, initial=start, desc=label, unit="B", unit_scale=True, leave=False, delay=1)
