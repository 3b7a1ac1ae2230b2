"""Fetch a published file: several sources, retries, resumed from what has arrived."""

import errno
import hashlib
import os
import re
import shutil
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from tqdm import tqdm

from lecture_lib import settings, store
from lecture_lib.progress import bar

TIMEOUT = (10, 30)  # seconds: to connect, of silence
RETRIES = 4  # times in a row without a new byte
PAUSE = 0.25  # seconds; doubled before each retry
AGAIN = (416, 429, 500, 502, 503, 504)  # answers after which another try may succeed


class DownloadError(Exception):
    """A file cannot be had; the message says why, and how to get it by hand."""


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    name    what it is called on disk
    urls    where it can be had, tried in this order
    sha256  its hash in hex, or the start of it; None if none was published
    size    its bytes, if known
    page    page for people from which it can be fetched by hand
    """

    name: str
    urls: tuple[str, ...]
    sha256: str | None = None
    size: int | None = None
    page: str = ""


class _Refused(Exception):
    """A source does not give the file."""


class _Broken(Exception):
    """A source stopped; another try may go on."""


def fetch(file: RemoteFile, folder: Path) -> Path:
    """Return the path of a file in a folder, downloaded if it is not there or not what it should be.

    A file that somebody put there by hand is taken if its hash is right. Several processes may ask for
    one file at once: one downloads, the others wait. Raises DownloadError.
    """
    folder = Path(folder)
    path = folder / file.name
    if path.is_file() and not _fault(path, file):
        return path
    if settings.current().offline:
        fault = _fault(path, file) if path.is_file() else "is not there"
        raise DownloadError(
            f"{path} {fault}, and LECTURE_OFFLINE forbids downloads. {_by_hand(file, folder)}"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with store.alone(path):
            if path.is_file():
                fault = _fault(path, file)
                if not fault:  # another process brought it while this one waited
                    return path
                warnings.warn(f"{path} {fault}: it is downloaded again.")
            part = folder / f"{file.name}.part"
            _download(file, part)
            os.replace(part, path)
    except OSError as error:
        raise DownloadError(f"{store.unwritable(folder, error)} {_by_hand(file, folder)}") from None
    return path


def _fault(path: Path, file: RemoteFile) -> str:
    """Say what is wrong with a file on disk; "" if it is as published."""
    size = path.stat().st_size
    with open(path, "rb") as content, _byte_bar(f"checking {path.name}", size) as checked:
        digest = hashlib.sha256(head := content.read(1 << 20))
        page = rb"(\xef\xbb\xbf)?\s*<(!--.*?)?(!doctype html|html|head)"
        if re.match(page, head[:512], re.IGNORECASE | re.DOTALL) and not file.name.endswith("html"):
            return "is a web page (HTML), not the file"
        if file.size not in (None, size):
            return f"has {size:,} bytes, not {file.size:,}"
        while file.sha256 and (chunk := content.read(1 << 20)):
            digest.update(chunk)
            checked.update(len(chunk))
    right = not file.sha256 or digest.hexdigest().startswith(file.sha256)
    return (
        "" if right else f"has SHA-256 {digest.hexdigest()[:16]}..., not {file.sha256[:16]}... as published"
    )


def _download(file: RemoteFile, part: Path) -> None:
    """Bring the whole, right file to `part`, from the first source that has it."""
    reasons = []
    for url in file.urls:
        try:
            return _receive(url, file, part)
        except _Refused as reason:
            reasons.append(f"{urlsplit(url).netloc} {reason}")
    why, kept = "; ".join(reasons) or "no address is known", ""
    if file.sha256 and _size(part):
        kept = f" The {_megabytes(_size(part))} that arrived are kept, and the next try goes on from there."
    raise DownloadError(f"{file.name} cannot be downloaded: {why}.{kept} {_by_hand(file, part.parent)}")


def _receive(url: str, file: RemoteFile, part: Path) -> None:
    """Bring the right file from one source to `part`."""
    failures, most = 0, 0
    while True:
        if not file.sha256:  # nothing would tell whether the rest fits to what is there
            part.unlink(missing_ok=True)
        begun = _size(part) > 0
        try:
            if not begun or _size(part) != file.size:  # all was there when an earlier run was killed
                _transfer(url, file, part)
        except (_Broken, requests.RequestException, urllib3.exceptions.HTTPError) as error:
            failures, most = (1 if _size(part) > most else failures + 1), max(_size(part), most)
            if failures > RETRIES:
                raise _Refused(_reason(error)) from None
            time.sleep(PAUSE * 2**failures)
            continue
        fault = _fault(part, file)
        if not fault:
            return
        part.unlink()
        if not begun:
            raise _Refused(f"sent what {fault}")
        # an earlier run or another source had begun another version: once more, from the first byte


def _transfer(url: str, file: RemoteFile, part: Path) -> None:
    """Append to `part` what it lacks, or write it anew where the source knows no ranges."""
    start = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        code = response.status_code
        if code in AGAIN:
            if code == 416:  # its file ends before what is there
                part.unlink()
            raise _Broken(f"answers {code} {response.reason}")
        if code == 200:
            start = 0
        elif code != 206:
            raise _Refused(f"answers {code} {response.reason}")
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        if total is not None:
            if total > (file.size or total):  # a smaller one comes quickly, and may be a page that says why
                raise _Refused(f"offers {_megabytes(total)} where {_megabytes(file.size)} were published")
            if shutil.disk_usage(part.parent).free < total - start:
                raise OSError(errno.ENOSPC, f"No room for {_megabytes(total - start)}")
        with open(part, "ab" if start else "wb") as out, _byte_bar(file.name, total, start) as loaded:
            # The raw stream: some servers declare a .tar.gz as a compressed .tar, and requests would unpack it.
            for chunk in response.raw.stream(1 << 16, decode_content=False):
                out.write(chunk)
                loaded.update(len(chunk))


def _reason(error: Exception) -> str:
    """Say in a few words what the network did."""
    if isinstance(error, _Broken):
        return str(error)
    if isinstance(error, requests.exceptions.SSLError):
        return "has a certificate that is not accepted"
    if error.args and isinstance(error.args[0], urllib3.exceptions.MaxRetryError):
        return "cannot be reached"
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return f"was silent for {TIMEOUT[1]} s"
    return "broke the connection"


def _byte_bar(label: str, total: int | None, start: int = 0) -> tqdm:
    """A progress bar over bytes, shown when it takes more than a second."""
    return bar(total=total, initial=start, desc=label, unit="B", unit_scale=True, delay=1)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _by_hand(file: RemoteFile, folder: Path) -> str:
    page = file.page or (file.urls[0] if file.urls else "its publisher's page")
    return f"By hand: get {file.name} from {page}, put it into {folder}, and run this again."
