"""Fetch a published file: several sources, retries, resumed from what has arrived."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import re
import shutil
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lecture_lib import settings
from lecture_lib.download.checking import RemoteFile, Wrong, fault_of, is_web_page, open_bar, record, verify
from lecture_lib.download.place import DownloadError, alone, megabytes, unwritable

if TYPE_CHECKING:
    import requests

TIMEOUT = (10, 30)  # seconds: to connect, of silence
RETRIES = 4  # times in a row without a new byte
PAUSE = 0.5  # seconds before the second retry, doubled at each one after it


class _Refused(Exception):
    """A source does not give the file."""


class _Broken(Exception):
    """A source stopped in the middle; another try can go on."""


def fetch(file: RemoteFile, folder: Path) -> Path:
    """Return the path of a file in a folder, downloaded if it is not there or not what it should be.

    A file that somebody put there by hand is taken if its hash is right. Several processes may ask for
    one file at once: one downloads, the others wait. Raises DownloadError.
    """
    folder = Path(folder)
    path = folder / file.name
    fault = fault_of(path, file)
    if not fault:
        return path
    if settings.current().offline:
        raise DownloadError(f"{fault}, and LECTURE_OFFLINE forbids downloads. {_by_hand(file, folder)}")
    try:
        with alone(folder, file.name):
            if path.exists():  # whole, if another process brought it while this one waited
                fault = fault_of(path, file)
                if not fault:
                    return path
                warnings.warn(f"{fault}: it is downloaded again.")
            part = folder / f"{file.name}.part"
            digest = _download(file, part)
            os.replace(part, path)
            _notes(part).unlink(missing_ok=True)
            record(path, digest)
    except OSError as error:
        raise DownloadError(f"{unwritable(folder, error)} {_by_hand(file, folder)}") from None
    return path


def _download(file: RemoteFile, part: Path) -> str:
    """Bring the whole, right file to `part`, from the first source that has it; return its SHA-256."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    if part.exists() and part.stat().st_size == _read_notes(part).get("total"):
        try:  # all was there when an earlier run was killed
            return verify(part, file)
        except Wrong:
            _forget(part)
    # The adapter retries what fails before the first byte; `_receive` goes on with what breaks after it.
    retry = Retry(
        total=RETRIES,
        connect=2,
        read=False,
        status_forcelist=(429, 500, 502, 503, 504),
        backoff_factor=PAUSE,
        raise_on_status=False,
        respect_retry_after_header=False,  # a server may ask for hours
    )
    reasons = []
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retry))
        session.mount("https://", HTTPAdapter(max_retries=retry))
        for url in file.urls:
            try:
                return _receive(session, url, file, part)
            except _Refused as reason:
                reasons.append(f"{urlsplit(url).netloc} {reason}")
    why = "; ".join(reasons) or "no address is known"
    kept = ""
    if part.exists():
        kept = f" The {megabytes(part.stat().st_size)} that arrived are kept, and the next try goes on from there."
    raise DownloadError(f"{file.name} cannot be downloaded: {why}.{kept} {_by_hand(file, part.parent)}")


def _receive(session: requests.Session, url: str, file: RemoteFile, part: Path) -> str:
    """Bring the right file from one source to `part`; return its SHA-256."""
    failures, most = 0, 0
    while True:
        try:
            resumed = _transfer(session, url, file, part)
            return verify(part, file)
        except _Broken as reason:
            size = part.stat().st_size if part.exists() else 0
            failures, most = (1 if size > most else failures + 1), max(size, most)
            if failures > RETRIES:
                raise _Refused(str(reason)) from None
            time.sleep(PAUSE * 2**failures)
        except Wrong as fault:
            _forget(part)
            if not resumed:
                raise _Refused(f"sent what {str(fault).removeprefix(str(part)).strip()}") from None
            # an earlier run or another source had begun another version: once more, from the first byte


def _transfer(session: requests.Session, url: str, file: RemoteFile, part: Path) -> bool:
    """Append to `part` what it lacks; return whether it had been begun before."""
    import requests
    import urllib3

    start, headers = _resume_point(url, file, part)
    try:
        with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if start and (response.status_code == 416 or not _continues(response, url, part, start)):
                _forget(part)
                raise _Broken("does not go on with the version that it began")
            if response.status_code not in (200, 206):
                raise _Refused(f"answers {response.status_code} {response.reason}")
            if response.status_code == 200:  # the server knows no ranges, or has a new version
                start = 0
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdigit() else file.size
            _write(response, url, file, part, start, total)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _network_fault(error) from None
    if total is not None and part.stat().st_size < total:
        raise _Broken("broke the connection")
    return start > 0


def _resume_point(url: str, file: RemoteFile, part: Path) -> tuple[int, dict[str, str]]:
    """Return the first byte to ask for, and the headers that ask for it."""
    headers = {"Accept-Encoding": "identity"}
    notes = _read_notes(part)
    start = part.stat().st_size if part.exists() else 0
    validator = notes.get("Last-Modified")
    if (notes.get("ETag") or "W/").startswith('"'):  # a weak tag, W/"...", must not be asked for
        validator = notes["ETag"]
    if start and notes.get("url") == url and validator:
        return start, headers | {"Range": f"bytes={start}-", "If-Range": validator}
    if start and file.sha256:  # from another source, or without a version: the hash will tell
        return start, headers | {"Range": f"bytes={start}-"}
    return 0, headers


def _continues(response: requests.Response, url: str, part: Path, start: int) -> bool:
    """Tell whether an answer to a range request is what comes after `part`, of the same version."""
    if response.status_code != 206:
        return True  # the whole file, or an error
    notes = _read_notes(part)
    sent = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if not sent or int(sent[1]) != start or str(notes.get("total") or sent[2]) not in (sent[2], "*"):
        return False
    # some servers heed Range, and not If-Range
    return notes.get("url") != url or all(
        notes.get(name) in (None, response.headers.get(name)) for name in ("ETag", "Last-Modified")
    )


def _write(
    response: requests.Response, url: str, file: RemoteFile, part: Path, start: int, total: int | None
) -> None:
    # The raw stream: some servers declare a .tar.gz as a compressed .tar, and requests would unpack it.
    chunks = response.raw.stream(1 << 16, decode_content=False)
    first = next(chunks, b"")
    if start == 0 and is_web_page(first, file.name, response.headers.get("Content-Type", "")):
        raise _Refused("sent a web page (HTML) in place of the file")
    if None not in (total, file.size) and total != file.size:
        raise _Refused(f"offers {megabytes(total)} where {megabytes(file.size)} were published")
    if total is not None and shutil.disk_usage(part.parent).free < total - start:
        raise OSError(errno.ENOSPC, f"No room for {megabytes(total - start)}")
    if start == 0:
        _forget(part)
        version = {name: response.headers.get(name) for name in ("ETag", "Last-Modified")}
        _notes(part).write_text(json.dumps({"url": url, "total": total, **version}), encoding="utf-8")
    with open(part, "ab") as out, open_bar(file.name, total, start) as bar:
        for chunk in itertools.chain([first], chunks):
            out.write(chunk)
            bar.update(len(chunk))


def _network_fault(error: Exception) -> _Refused | _Broken:
    """Say in a few words what the network did; _Broken where another try may go on."""
    import requests
    import urllib3

    given_up = error.args and isinstance(error.args[0], urllib3.exceptions.MaxRetryError)
    if isinstance(error, requests.exceptions.SSLError):
        return _Refused("has a certificate that is not accepted")
    if isinstance(error, requests.ConnectTimeout) or (
        isinstance(error, requests.ConnectionError) and given_up
    ):
        return _Refused("cannot be reached")
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return _Broken(f"was silent for {TIMEOUT[1]} s")
    broken = (
        requests.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        urllib3.exceptions.HTTPError,
    )
    if isinstance(error, broken):
        return _Broken("broke the connection")
    return _Refused(f"cannot be asked ({type(error).__name__})")


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_notes(part: Path) -> dict:
    with contextlib.suppress(OSError, ValueError):
        notes = json.loads(_notes(part).read_text(encoding="utf-8"))
        return notes if isinstance(notes, dict) else {}
    return {}


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)


def _by_hand(file: RemoteFile, folder: Path) -> str:
    page = file.page or (file.urls[0] if file.urls else "its publisher's page")
    return f"By hand: get {file.name} from {page}, put it into {folder}, and run this again."
