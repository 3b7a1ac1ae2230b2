"""Compute an array in blocks, keep each, and map the array from disk from then on."""

import contextlib
import io
import json
import math
import os
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from lecture_lib.progress import bar
from lecture_lib.store import contents
from lecture_lib.store.files import StoreError, alone, write_atomically, writing
from lecture_lib.store.fingerprints import fingerprint, to_plain

Span = tuple[int, int]  # rows start (included) to stop (excluded)
Stream = Callable[[list[Span], list[str]], Generator[Mapping[str, np.ndarray]]]


# (only, missing) of `apart`, of this thread alone
_apart: ContextVar[tuple[Span | None, list[Span]] | None] = ContextVar("apart", default=None)


@contextlib.contextmanager
def apart(only: Span | None = None) -> Iterator[list[Span]]:
    """Let `fetch` list the blocks that are missing, or compute one of them, for processes that share out an array.

    only    the block to compute, if it is missing: it is left beside the array, and the next ordinary `fetch` takes
            it in. None: nothing is computed, and the recipe is written down for the processes that will
    yields  the missing blocks, of all or of `only`, once `fetch` was called; of it returns nothing, an empty dict

    Nobody waits for anybody: a block that two processes leave is there once. With `only`, raises StoreError where
    no recipe was written down, before anything is computed.
    """
    missing: list[Span] = []
    token = _apart.set((only, missing))
    try:
        yield missing
    finally:
        _apart.reset(token)


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
    stream    stream(spans, names) generates, for each span (start, stop) in order, a dict that gives
              each of the names its rows [stop - start, ...]; it is called only if rows are missing
    block     rows of a span: what an interrupt can lose
    progress  label of a progress bar, shown if computing takes more than a second; None: no bar
    returns   name -> read-only memory map [n, ...], in the dtype that the stream gave

    Blocks finished by an earlier, interrupted call, or left by others (`apart`), are not computed again; what another
    process is computing is waited for. Raises StoreError if the cache folder cannot be written or is full, ValueError
    if the stream does not keep its promise.
    """
    if n < 1:
        raise ValueError("There is nothing to compute: the collection has no images (n = 0).")
    slots = {name: _Slot(name, recipe, n) for name, recipe in recipes.items()}
    arrays = {name: slot.open() for name, slot in slots.items()}
    if all(array is not None for array in arrays.values()):
        return arrays
    missing = {slot.npy: slot for name, slot in slots.items() if arrays[name] is None}
    if sharing := _apart.get():
        only, found = sharing
        found[:] = _leave([*missing.values()], n, stream, block, only)
        return {}
    with contextlib.ExitStack() as locks:
        for path in sorted(missing):  # in one order: nobody waits for somebody who waits for him
            with writing(path.parent):
                locks.enter_context(alone(path, missing[path].name))
        _compute([slot for slot in missing.values() if slot.open() is None], n, stream, block, progress)
        return {name: slot.open() for name, slot in slots.items()}


class _Slot:
    """The place of one array on disk: its file, its recipe and, while it is made, its first rows.

    done    rows that are there
    layout  dtype and shape of one row, known when the first are there
    left    blocks that others have left: start -> stop and file
    """

    def __init__(self, name: str, recipe: Mapping[str, Any], n: int):
        self.name, self.n, self.recipe = name, n, dict(recipe)
        folder, key = contents.folder("arrays"), fingerprint({"n": n, "recipe": self.recipe})[:20]
        self.npy, self.json, self.part = (folder / f"{key}.{end}" for end in ("npy", "json", "part"))
        self.done, self.layout, self.left = 0, None, {}

    def open(self) -> np.ndarray | None:
        """Return the array as a memory map, None if it is not there or damaged."""
        try:
            array = npy.open_memmap(self.npy, mode="r")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"{self.npy} cannot be read ({error.strerror or error}).") from None
        except Exception as error:  # a damaged file fails in many ways
            reason = str(error).partition("\n")[0] or "no header"
            warnings.warn(f"{self.npy} is damaged ({reason}) and is computed again.")
            with contextlib.suppress(OSError):
                self.npy.unlink()
            return None
        with contextlib.suppress(OSError):  # a read-only cache may be read
            os.utime(self.npy)  # `report` and `clear` go by the last use
        return array

    def describe(self) -> None:
        """Write down the recipe."""
        about = {"name": self.name, "n": self.n, "recipe": self.recipe}
        text = json.dumps(about, indent=1, ensure_ascii=False, default=to_plain) + "\n"
        write_atomically(self.json, text.encode())

    def look(self, block: int) -> int:
        """Learn which rows are there, in whole blocks; return how many bytes the first ones are with their header."""
        size, spans = 0, dict(_spans(self.n, block))
        with contextlib.suppress(FileNotFoundError, ValueError), open(self.part, "rb") as file:
            npy.read_magic(file)
            (_, *row), _, dtype = npy.read_array_header_1_0(file)
            start, width = file.tell(), math.prod(row) * dtype.itemsize
            done = (os.fstat(file.fileno()).st_size - start) // max(width, 1)
            self.done = done if done == self.n else done // block * block
            self.layout = dtype, tuple(row)
            size = start + self.done * width
        for path in self._blocks():
            start, stop = map(int, path.name.split(".")[1].split("-"))
            if spans.get(start) == stop:
                self.left[start] = stop, path
        return size

    def resume(self, block: int) -> None:
        """Write down the recipe, and go on from what an earlier call has left."""
        self.describe()
        size = self.look(block)
        if self.layout:
            os.truncate(self.part, size)
        self.take_in()

    def take_in(self) -> None:
        """Append the blocks left by others that follow the rows that are there."""
        while self.done in self.left:
            start, (stop, path) = self.done, self.left.pop(self.done)
            try:
                rows = np.load(path)
            except (ValueError, EOFError):
                path.unlink()
                raise StoreError(
                    f"{path} was damaged and is deleted; the next call computes it again."
                ) from None
            self.append(start, stop, rows)
            with contextlib.suppress(OSError):
                path.unlink()

    def leave(self, start: int, stop: int, rows: np.ndarray) -> None:
        """Keep the rows `start` to `stop` beside the array, for the process that will put it together."""
        content = io.BytesIO()
        np.save(content, rows, allow_pickle=False)
        write_atomically(self.part.with_suffix(f".{start}-{stop}.block"), content.getvalue())

    def _blocks(self) -> Iterator[Path]:
        return self.part.parent.glob(f"{self.part.stem}.*-*.block")

    def lacks(self, start: int, stop: int) -> bool:
        """Are these rows nowhere, neither among the first ones nor in a block that was left?"""
        return self.done < stop and start not in self.left

    def append(self, start: int, stop: int, rows: np.ndarray) -> None:
        """Keep the rows `start` to `stop`, if they are not there already."""
        rows = np.ascontiguousarray(rows)
        layout = rows.dtype, rows.shape[1:]
        if rows.dtype.hasobject or len(rows) != stop - start or self.layout not in (None, layout):
            due = "" if self.layout is None else f", each {self.layout[1]} of {self.layout[0]}"
            raise ValueError(
                f"{self.name}: the stream gave {rows.shape} of {rows.dtype} where rows {start} to {stop} were due"
                f"{due}. If the encoder has changed, its recipe must change, too; store.clear() removes what the "
                "old one left."
            )
        if self.done > start:
            return
        # Plain writes, not a memory map of the whole: on a full disk writing to a map kills the process.
        with writing(self.part.parent), open(self.part, "ab" if self.layout else "wb") as file:
            if self.layout is None:
                described = {"descr": npy.dtype_to_descr(rows.dtype), "fortran_order": False}
                npy.write_array_header_1_0(file, described | {"shape": (self.n, *rows.shape[1:])})
            file.write(rows.data)
        self.layout, self.done = layout, stop

    def finish(self) -> None:
        """Give the array its name."""
        with writing(self.npy.parent):
            os.replace(self.part, self.npy)
        for path in self._blocks():  # of another size, or of rows that were there
            with contextlib.suppress(OSError):
                path.unlink()


def _spans(n: int, block: int) -> list[Span]:
    return [(start, min(start + block, n)) for start in range(0, n, block)]


def _missing(slots: list[_Slot], spans: list[Span]) -> list[Span]:
    return [span for span in spans if any(slot.lacks(*span) for slot in slots)]


def _leave(slots: list[_Slot], n: int, stream: Stream, block: int, only: Span | None) -> list[Span]:
    """List what is missing, for `apart`; compute `only`, and leave it beside the arrays."""
    for slot in slots:
        slot.look(block)
        if only is None:
            slot.describe()
        elif not slot.json.exists():
            raise StoreError(
                f"{slot.name}: this process would make another array than the one that is shared out. All need the "
                f"same LECTURE_CACHE (here {slot.json.parent.parent}), pictures, weights and version of lecture_lib."
            )
    missing = _missing(slots, [only] if only else _spans(n, block))
    if only in missing:
        slots = [slot for slot in slots if slot.lacks(*only)]
        with contextlib.closing(stream([only], [slot.name for slot in slots])) as blocks:
            rows = next(blocks)
        for slot in slots:
            slot.leave(*only, rows[slot.name])
    return missing


def _compute(slots: list[_Slot], n: int, stream: Stream, block: int, progress: str | None) -> None:
    """Run the stream over all rows that any of the slots lacks, and keep each block at once."""
    for slot in slots:
        slot.resume(block)
    spans = _missing(slots, _spans(n, block))
    there = n - sum(stop - start for start, stop in spans)
    shown = {"total": n, "initial": there, "desc": progress, "disable": progress is None, "unit": " images"}
    if spans:
        names = [slot.name for slot in slots]
        # closing stops a loader that reads ahead, also after an error
        with bar(**shown, delay=1) as under_way, contextlib.closing(stream(spans, names)) as blocks:
            for (start, stop), rows in zip(spans, blocks, strict=True):
                for slot in slots:
                    slot.append(start, stop, np.asarray(rows[slot.name]))
                    slot.take_in()
                under_way.update(stop - start)
    for slot in slots:
        slot.finish()
