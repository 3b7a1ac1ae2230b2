"""Pictures in files: found in a folder, decoded once before anybody relies on them, read when asked for.

A picture that turns out to be broken an hour into an extraction would cost that hour. So `check` decodes
every file once, on all threads, and leaves out what cannot be read, by name; what it learnt of the readable
ones is kept in the cache folder, and the next time only new and changed files are decoded.
"""

import codecs
import contextlib
import hashlib
import io
import json
import os
import re
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import Tensor

from lecture_lib import progress, settings, store
from lecture_lib.datasets import reading
from lecture_lib.datasets.images import frozen_array
from lecture_lib.datasets.reading import UnreadablePicture

_SAVE_EVERY = 20_000  # pictures: what a killed kernel has to check again, at most
_DEBRIS = {"thumbs.db", "desktop.ini", "icon\r"}  # what Windows and macOS leave in folders of pictures


@dataclass(frozen=True, eq=False)
class FileImages:
    """Pictures in files below one folder, read at every access; made by `check`.

    names    file names relative to `root`, with forward slashes
    digests  uint8 [N, 16], hash of each file's bytes: the fingerprint stays when the folder is moved
    sizes    int32 [N, 2], width and height of each picture, upright
    """

    root: Path
    names: tuple[str, ...]
    digests: np.ndarray
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, i: int) -> Tensor:
        path = self.root / self.names[i]
        try:
            data = reading.read_bytes(path)
            if _digest(data) != self.digests[i].tobytes().hex():
                raise UnreadablePicture(path, "it is another picture than when it was loaded")
            return reading.decode_picture(data, path)
        except UnreadablePicture as error:
            reason = f"{error.reason}; the file has changed since. Load the dataset again"
            raise UnreadablePicture(path, reason) from None

    def take(self, indices: np.ndarray) -> "FileImages":
        """The pictures at `indices`."""
        return replace(
            self,
            names=tuple(self.names[i] for i in indices),
            digests=self.digests[indices],
            sizes=self.sizes[indices],
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the files' contents in their order."""
        return hashlib.sha256(f"files {reading.VERSION} ".encode() + self.digests.tobytes()).hexdigest()


def check(
    root: Path, names: Sequence[str], title: str
) -> tuple[FileImages, np.ndarray, list[tuple[str, str]]]:
    """Decode every file once, on all threads, and keep those that are pictures.

    names    files relative to `root`, with forward slashes
    title    the dataset, for the progress bar
    returns  the readable pictures; their places in `names`, int64 [n]; (file, reason) of all others

    What is known of the readable files goes into the cache folder, also when the check is interrupted. Others
    are tried again every time: they are few, and may have been repaired.
    """
    ledger = store.folder("pictures") / f"{store.fingerprint(os.path.abspath(root))[:20]}.json"
    known: dict[str, list] = {}  # file -> [*stamp, digest, width, height]
    # a ledger that is not there, damaged or of an older version is begun again
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        content = json.loads(ledger.read_bytes())
        if content["version"] == reading.VERSION:
            known = dict(content["files"])
    names = [_find_spelling(root, name) for name in names]
    new = [name for name in dict.fromkeys(names) if _stamp(root / name) != known.get(name, [])[:-3]]
    skipped = {}
    bar = progress.bar(total=len(new), desc=f"{reading.printable(title)}: checking pictures once", delay=1)
    pool = ThreadPoolExecutor(settings.current().threads)
    try:
        for start in range(0, len(new), _SAVE_EVERY):
            block = new[start : start + _SAVE_EVERY]
            try:
                for name, verdict in zip(
                    block, pool.map(lambda name: _examine(root / name), block), strict=True
                ):
                    (skipped if isinstance(verdict, str) else known)[name] = verdict
                    bar.update()
            finally:
                _save(ledger, {"version": reading.VERSION, "files": known})
    finally:
        pool.shutdown(cancel_futures=True)
        bar.close()
    kept = np.array([i for i, name in enumerate(names) if name not in skipped], np.int64)
    names = tuple(names[i] for i in kept)
    entries = [known[name][-3:] for name in names]
    digests = frozen_array([list(bytes.fromhex(digest)) for digest, _, _ in entries], np.uint8)
    sizes = frozen_array([size for _, *size in entries], np.int32)
    return FileImages(root, names, digests.reshape(-1, 16), sizes.reshape(-1, 2)), kept, [*skipped.items()]


def _stamp(path: Path) -> list[int] | None:
    """Size, time of change in ns, inode and its time: while all are the same, so is the file.

    Who replaces a file can keep its size and set its time back; the inode's time nobody can set.
    """
    with contextlib.suppress(OSError):  # reading will say what is wrong
        stat = os.stat(path)
        return [stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns]
    return None


def _examine(path: Path) -> list | str:
    """What the ledger keeps of a picture, or why it cannot be read."""
    stamp = _stamp(path) or []  # before: who replaces the file meanwhile changes the stamp
    try:
        data = reading.read_bytes(path)
        height, width = reading.decode_picture(data, path).shape[1:]
    except UnreadablePicture as error:
        return error.reason
    return [*stamp, _digest(data), width, height]


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _save(ledger: Path, content: dict) -> None:
    try:
        store.write_atomically(ledger, json.dumps(content, separators=(",", ":")).encode())
    except store.StoreError as error:
        warnings.warn(f"The pictures will be checked again next time: {error}")


def _find_spelling(root: Path, name: str) -> str:
    """The name of a listed JPEG file as it is on disk: some copies have .JPG or .jpeg."""
    stem, _, ending = name.rpartition(".")
    endings = (ending, "jpg", "JPG", "jpeg", "JPEG") if ending.lower() in ("jpg", "jpeg") else ()
    return next((f"{stem}.{e}" for e in endings if os.path.exists(root / f"{stem}.{e}")), name)


def list_folder(folder: Path, pattern: str = ".*") -> tuple[list[str], list[str]]:
    """Names of the files and of the folders in `folder`, without hidden ones and what file browsers leave behind.

    pattern  a regular expression that a file's whole name fits, in small or capital letters
    Sorted: the names alone decide the order, so that index 17 is the same picture on every machine.
    """
    files, folders = [], []
    for name in sorted(os.listdir(folder)):
        if name.startswith(".") or name.lower() in _DEBRIS:
            continue
        if os.path.isdir(folder / name):
            folders.append(name)
        elif re.fullmatch(pattern, name, re.IGNORECASE):
            files.append(name)
    return files, folders


def list_by_class(
    title: str, root: Path, folders: Sequence[str], pattern: str = ".*"
) -> tuple[list[str], np.ndarray]:
    """Files relative to `root` in each class folder, and int64 [n], the index of the folder of each.

    Says in a line, after the `title`, which folders cannot be listed, or are inside those and not looked into.
    """
    files, labels, odd = [], [], []
    for label, name in enumerate(folders):
        try:
            listed, inside = list_folder(root / name, pattern)
        except OSError as error:
            odd.append(f"{name} ({error.strerror})")
            continue
        odd += [f"{name}/{folder} (inside a class folder)" for folder in inside]
        files += [f"{name}/{file}" for file in listed]
        labels += [label] * len(listed)
    report(title, odd, "folders are left out")
    return files, np.array(labels, np.int64)


def report(title: str, odd: Sequence[str], what: str) -> None:
    """Say in a line, if anything is odd, how many and which is the first."""
    if len(odd):
        print(f"{reading.printable(title)}: {len(odd):,} {what}, the first is {reading.printable(odd[0])}.")


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without the blanks at their ends, and without blank lines.

    Any system's line ends, UTF-8 or UTF-16, with or without a byte order mark. Bytes that are neither stay in the text
    as Python has them in file names (surrogateescape), so that a file of that name is found.
    """
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
    else:
        text = data.decode("utf-8-sig", "surrogateescape")
    return [line.strip() for line in io.StringIO(text, newline=None) if line.strip()]
