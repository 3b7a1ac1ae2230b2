"""Arrays computed once and kept on disk, named by a fingerprint of what made them.

An array [n, ...] is computed in blocks of rows. Every finished block is a file of its own in
``<cache>/arrays/<key>.parts/``; when all are there they are joined into ``<key>.npy``, beside
``<key>.json``, which tells people what the array is. Each file appears whole or not at all (written
under a temporary name, then renamed), so a killed process loses at most the block in hand. There are
no locks: processes that compute the same array at once write the same blocks, and the first to finish
wins. `clear` may be called at any time, too.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import secrets
import shutil
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lecture_lib import settings

if TYPE_CHECKING:
    import pandas as pd

Span = tuple[int, int]  # rows start (included) to stop (excluded)
Stream = Callable[[list[Span], list[str]], Iterable[Mapping[str, np.ndarray]]]


class StoreError(Exception):
    """A folder cannot hold what should be kept in it; the message says which and what to do."""


def fetch(
    recipes: Mapping[str, Mapping[str, Any]],
    n: int,
    stream: Stream,
    *,
    block: int = 256,
    progress: str | None = None,
) -> dict[str, np.ndarray]:
    """Return the arrays that `recipes` describe, from disk or, what is missing, from `stream`.

    recipes   name -> everything that made the array: data, encoder, weights, code version, dtype.
              What `fingerprint` takes; two arrays that differ must differ here
    n         number of rows of each array, at least 1
    stream    stream(spans, names) yields, for each span (start, stop) in order, a dict that gives
              each of the names its rows [stop - start, ...]; it is called only if rows are missing
    block     rows of a span: what an interrupt can lose
    progress  label of a progress bar, shown if computing takes more than a second; None: no bar
    returns   name -> read-only memory map [n, ...], in the dtype that the stream gave

    Blocks finished by an earlier, interrupted call are not computed again. Raises StoreError if the
    cache folder cannot be written or is full, ValueError if the stream does not keep its promise.
    """
    if n < 1:
        raise ValueError("There is nothing to compute: the collection has no images (n = 0).")
    folder = settings.current().cache / "arrays"
    slots = [_Slot(folder, name, recipe, n) for name, recipe in recipes.items()]
    spans = [(start, min(start + block, n)) for start in range(0, n, block)]
    for _ in range(10):  # again only if someone cleared the cache in the meantime
        arrays = {slot.name: slot.open() for slot in slots}
        missing = [slot for slot in slots if arrays[slot.name] is None]
        if not missing:
            return arrays
        _compute(missing, spans, stream, progress)
        for slot in missing:
            slot.assemble(spans)
    raise StoreError(f"The cache folder {folder} is emptied by someone faster than it is filled.")


def report() -> pd.DataFrame:
    """List what is kept: name, recipe, shape, dtype, MB, days since last use, finished or not."""
    import pandas as pd

    rows = []
    for path in sorted(_folder().glob("*.json")):
        with contextlib.suppress(OSError, ValueError):  # cleared by another process, or no array of ours
            told = json.loads(path.read_text(encoding="utf-8"))
            npy = path.with_suffix(".npy")
            array = _open_npy(npy, told["n"]) if npy.exists() else None
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


def fingerprint(obj: Any) -> str:
    """Return the SHA-256, in hex, of a value made of JSON's types, arrays, tensors and bytes.

    The same in every process and for every order of a dict's keys; arrays count with their dtype,
    shape and content. Raises TypeError for what has no such form (a set, a path, an object).
    """
    canonical = json.dumps(obj, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that every reader sees the old content or the new, never a part of it."""
    path = Path(path)
    try:
        _replace(path, path.parent, [content])
    except OSError as error:
        raise _unwritable(path.parent, error) from None


class _Slot:
    """The place of one array on disk: its file, its recipe and, while it is made, its blocks."""

    def __init__(self, folder: Path, name: str, recipe: Mapping[str, Any], n: int):
        self.folder, self.name, self.n, self.recipe = folder, name, n, dict(recipe)
        key = fingerprint({"n": n, "recipe": self.recipe})[:20]
        self.npy, self.json, self.parts = (folder / f"{key}.{end}" for end in ("npy", "json", "parts"))
        self.layout: tuple[np.dtype, tuple[int, ...]] | None = None  # dtype and shape of one row

    def open(self) -> np.ndarray | None:
        """Return the array as a memory map, None if it is not there or damaged."""
        try:
            array = _open_npy(self.npy, self.n)
        except ValueError as error:
            warnings.warn(f"{self.npy} is damaged ({error}) and is computed again.")
            with contextlib.suppress(OSError):
                self.npy.unlink()
            return None
        except OSError as error:
            raise StoreError(f"{self.npy} cannot be read ({error.strerror or error}).") from None
        if array is not None:
            with contextlib.suppress(OSError):  # a read-only cache may be read
                os.utime(self.npy)  # `report` and `clear` go by the last use
            shutil.rmtree(self.parts, ignore_errors=True)  # here, whoever made the array, killed or not
        return array

    def missing(self, spans: list[Span]) -> set[Span]:
        """Return the spans that nobody has finished yet, and learn the layout of a row."""
        self.layout = None
        lacking = {span for span in spans if not self._has(span)}
        # A process that was faster names the array first and removes its blocks then: look in reverse.
        return set() if self.npy.exists() else lacking

    def _has(self, span: Span) -> bool:
        try:
            part = _open_npy(self._part(span), span[1] - span[0])
        except (OSError, ValueError):
            return False
        return part is not None and self._fits(part)

    def _fits(self, rows: np.ndarray) -> bool:
        self.layout = self.layout or (rows.dtype, rows.shape[1:])
        return self.layout == (rows.dtype, rows.shape[1:])

    def _part(self, span: Span) -> Path:
        return self.parts / f"{span[0]}-{span[1]}.npy"

    def prepare(self) -> None:
        """Make the folders and write down the recipe: a folder that cannot be written is found here."""
        told = {"name": self.name, "n": self.n, "recipe": self.recipe}
        text = json.dumps(told, indent=1, ensure_ascii=False, default=_plain) + "\n"
        try:
            _make_folder(self.parts)
            _replace(self.json, self.folder, [text.encode()])
        except OSError as error:
            # not found: cleared by another process at this moment, and `fetch` looks again
            if not isinstance(error, FileNotFoundError) or not self.folder.is_dir():
                raise _unwritable(self.folder, error) from None

    def write(self, span: Span, rows: np.ndarray) -> None:
        """Keep the rows of one span."""
        rows = np.ascontiguousarray(rows)
        if rows.dtype.hasobject or rows.shape[:1] != (span[1] - span[0],) or not self._fits(rows):
            row = "" if self.layout is None else f", each {self.layout[1]} of {self.layout[0]}"
            raise ValueError(
                f"{self.name}: the stream gave {rows.shape} of {rows.dtype} where rows {span[0]} to {span[1]}"
                f" were due{row}. If the encoder has changed, its recipe must change, too; store.clear()"
                " removes what the old one left."
            )
        try:
            if not self.npy.exists():
                _replace(self._part(span), self.parts, [_header(rows.dtype, rows.shape), rows.data])
        except FileNotFoundError:
            pass  # the folder went: another process has finished the array, or cleared it
        except OSError as error:
            raise _unwritable(self.folder, error) from None

    def assemble(self, spans: list[Span]) -> None:
        """Join the blocks into the array, with one block in memory at a time; `open` removes them."""
        try:
            if not self.npy.exists():
                _replace(self.npy, self.parts, self._joined(spans))
        except FileNotFoundError:
            return  # as in `write`
        except OSError as error:
            if not self.npy.exists():  # Windows cannot replace the file that a faster process reads
                raise _unwritable(self.folder, error) from None
        if not self.json.exists():  # cleared while the array was made
            self.prepare()

    def _joined(self, spans: list[Span]) -> Iterator[bytes | memoryview]:
        # Plain writes, not a memory map of the whole: on a full disk writing to a map kills the process.
        for span in spans:
            rows = np.load(self._part(span))
            if span[0] == 0:
                yield _header(rows.dtype, (self.n, *rows.shape[1:]))
            yield rows.data


def _compute(slots: list[_Slot], spans: list[Span], stream: Stream, progress: str | None) -> None:
    """Run the stream over all spans that any of the slots lacks, and keep each block at once."""
    from tqdm.auto import tqdm

    todo = {slot: slot.missing(spans) for slot in slots}
    todo = {slot: lacking for slot, lacking in todo.items() if lacking}
    wanted = [span for span in spans if any(span in lacking for lacking in todo.values())]
    if not wanted:
        return
    for slot in todo:
        slot.prepare()
    n = spans[-1][1]
    finished = n - sum(stop - start for start, stop in wanted)
    hidden = progress is None
    bar = tqdm(total=n, initial=finished, desc=progress, unit=" images", disable=hidden, leave=False, delay=1)
    blocks = stream(wanted, [slot.name for slot in todo])
    done = 0
    try:
        for rows in blocks:
            if done == len(wanted):
                raise ValueError(f"The stream gave more than the {len(wanted)} blocks asked for.")
            span = wanted[done]
            for slot, lacking in todo.items():
                if slot.name not in rows:
                    raise ValueError(f"The stream gave no {slot.name!r} for rows {span[0]} to {span[1]}.")
                if span in lacking:
                    slot.write(span, np.asarray(rows[slot.name]))
            bar.update(span[1] - span[0])
            done += 1
        if done < len(wanted):
            raise ValueError(f"The stream ended after {done} of {len(wanted)} blocks.")
    finally:
        bar.close()
        if hasattr(blocks, "close"):
            blocks.close()  # stops a loader that reads ahead, also after an error


def _open_npy(path: Path, rows: int) -> np.ndarray | None:
    """Map a file [rows, ...] read-only; None if there is none, ValueError if it is not whole."""
    try:
        size = path.stat().st_size
        array = np.lib.format.open_memmap(path, mode="r")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        raise
    except Exception as error:  # a damaged header fails in many ways
        raise ValueError(str(error).splitlines()[0] if str(error) else "no header") from None
    if array.shape[:1] != (rows,) or size != array.offset + array.nbytes:
        raise ValueError(f"it has not the {rows} rows that it should have")
    return array


def _header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


def _replace(path: Path, temporary: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write chunks into a new file in the folder `temporary`, then give it the name `path`."""
    _make_folder(temporary)
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


def _make_folder(folder: Path) -> None:
    for attempt in range(5):
        try:
            return folder.mkdir(parents=True, exist_ok=True)
        except (FileNotFoundError, FileExistsError):  # another process removed it while we looked at it
            if attempt == 4 or folder.is_file():
                raise
    return None


def _unwritable(folder: Path, error: OSError) -> StoreError:
    cache = settings.current().cache
    inside = folder == cache or cache in folder.parents
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        what = f"The disk is full: nothing more fits into {folder}. What was finished is kept."
        todo = "Free some space (store.clear(older_than_days=7) deletes old arrays)"
    else:
        what = f"The folder {folder} cannot be written ({error.strerror or error})."
        todo = "Make it writable"
    return StoreError(f"{what} {todo}{', or set LECTURE_CACHE to another folder' if inside else ''}.")


def _plain(value: Any) -> Any:
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
