"""Compute an array in blocks, keep each, join them, and map the array from disk from then on."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lecture_lib import settings
from lecture_lib.store.files import StoreError, make_folder, replace, unwritable
from lecture_lib.store.fingerprints import fingerprint, to_plain

Span = tuple[int, int]  # rows start (included) to stop (excluded)
Stream = Callable[[list[Span], list[str]], Iterable[Mapping[str, np.ndarray]]]


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
            array = open_npy(self.npy, self.n)
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
            part = open_npy(self._part(span), span[1] - span[0])
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
        text = json.dumps(told, indent=1, ensure_ascii=False, default=to_plain) + "\n"
        try:
            make_folder(self.parts)
            replace(self.json, self.folder, [text.encode()])
        except OSError as error:
            # not found: cleared by another process at this moment, and `fetch` looks again
            if not isinstance(error, FileNotFoundError) or not self.folder.is_dir():
                raise unwritable(self.folder, error) from None

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
                replace(self._part(span), self.parts, [_header(rows.dtype, rows.shape), rows.data])
        except FileNotFoundError:
            pass  # the folder went: another process has finished the array, or cleared it
        except OSError as error:
            raise unwritable(self.folder, error) from None

    def assemble(self, spans: list[Span]) -> None:
        """Join the blocks into the array, with one block in memory at a time; `open` removes them."""
        try:
            if not self.npy.exists():
                replace(self.npy, self.parts, self._joined(spans))
        except FileNotFoundError:
            return  # as in `write`
        except OSError as error:
            if not self.npy.exists():  # Windows cannot replace the file that a faster process reads
                raise unwritable(self.folder, error) from None
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


def open_npy(path: Path, rows: int) -> np.ndarray | None:
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
