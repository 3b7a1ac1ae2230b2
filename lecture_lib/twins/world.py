"""What there is in the twin world: its object classes by group, and pictures of them.

In each group the first classes are *source* classes, which the twin of ILSVRC-2012 shows and the network is
trained on; the last are *target* classes, which it never saw (the twin of Caltech-101).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from lecture_lib.twins import studio
from lecture_lib.twins.kinds import (
    birds,
    commodities,
    coverings,
    craft,
    cycles,
    figures,
    fishes,
    furniture,
    instruments,
    invertebrates,
    plants,
    quadrupeds,
    structures,
    vehicles,
    vessels,
)

CHUNK = 64  # pictures drawn at once: their fields then stay in the processor's cache


@dataclass(frozen=True)
class ObjectClass:
    """A class of objects: its name, its group, who draws it, and whether the source task shows it."""

    name: str
    group: str
    kind: ModuleType
    genes: tuple[float, ...]
    source: bool


def _classes() -> tuple[ObjectClass, ...]:
    tables = (
        # who draws it, group, classes, how many of them are source classes
        (structures, structures.GROUP, structures.CLASSES, 10),
        (coverings, coverings.GROUP, coverings.CLASSES, 10),
        (commodities, commodities.GROUP, commodities.CLASSES, 10),
        (vehicles, vehicles.GROUP, vehicles.CLASSES, 7),
        (cycles, cycles.GROUP, cycles.CLASSES, 3),
        (craft, craft.GROUP, craft.CLASSES, 5),
        (invertebrates, invertebrates.GROUP, invertebrates.CLASSES, 10),
        (birds, birds.GROUP, birds.CLASSES, 10),
        (quadrupeds, quadrupeds.GROUP_DOGS, quadrupeds.DOGS, 10),
        (quadrupeds, quadrupeds.GROUP_MAMMALS, quadrupeds.MAMMALS, 10),
        (fishes, fishes.GROUP, fishes.CLASSES, 10),
        (plants, plants.GROUP, plants.CLASSES, 10),
        (furniture, furniture.GROUP, furniture.CLASSES, 10),
        (vessels, vessels.GROUP, vessels.CLASSES, 10),
        (instruments, instruments.GROUP, instruments.CLASSES, 10),
        (figures, figures.GROUP, figures.CLASSES, 6),
    )
    return tuple(
        ObjectClass(name, group, kind, genes, i < n_source)
        for kind, group, table, n_source in tables
        for i, (name, genes) in enumerate(table.items())
    )


OBJECTS = _classes()
BY_NAME = {c.name: c for c in OBJECTS}
THINGS = tuple(c for c in OBJECTS if c.kind is not figures)  # people are in VOC's twin and scenes only
SOURCE = tuple(c for c in THINGS if c.source)
TARGET = tuple(c for c in THINGS if not c.source)


@cache
def code_version() -> str:
    """SHA-256 of the drawing code: pictures drawn by other code are other pictures."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def keys(label: str, count: int) -> Tensor:
    """Keys int64 [count] of the pictures of `label`, say "caltech101/heron": the same whatever else there is."""
    start = int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "little", signed=True)
    return torch.arange(count, dtype=torch.int64) + start // 2


def genes_of(classes: Sequence[ObjectClass]) -> dict[str, Tensor]:
    """Genes of objects of one kind: name -> float32 [B]."""
    table = torch.tensor([c.genes for c in classes], dtype=torch.float32)
    return {name: table[:, i] for i, name in enumerate(classes[0].kind.GENES)}


def on_all_cores(work: Callable[[np.ndarray], None], chunks: Sequence[np.ndarray]) -> None:
    """Call work(rows) for each array of rows in `chunks`, on as many threads as torch may use."""
    threads = torch.get_num_threads()
    # One thread of torch's own in each worker: small fields gain nothing from being split further.
    with ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1)) as pool:
        list(pool.map(work, chunks))
    torch.set_num_threads(threads)


def runs(n: int, length: int = CHUNK) -> list[np.ndarray]:
    """The rows 0 .. n-1 in chunks of `length`."""
    return [np.arange(i, min(i + length, n)) for i in range(0, n, length)]


def chunks_by_kind(classes: Sequence[ObjectClass], length: int = CHUNK) -> list[np.ndarray]:
    """Rows in chunks of one kind each, so that a chunk is one batch of the same shapes."""
    kinds: dict[ModuleType, list[int]] = {}
    for i, c in enumerate(classes):
        kinds.setdefault(c.kind, []).append(i)
    chunks = []
    for rows in kinds.values():
        rows.sort(key=lambda i: classes[i].genes)  # like beside like: parts that none has are skipped
        chunks += [np.array(rows[i : i + length]) for i in range(0, len(rows), length)]
    return chunks


def portraits(classes: Sequence[ObjectClass], picture_keys: Tensor, size: int) -> np.ndarray:
    """Pictures uint8 [N, 3, size, size] of one object each: picture i shows an object of classes[i]."""
    out = np.empty((len(classes), 3, size, size), np.uint8)

    def work(rows: np.ndarray) -> None:
        part = [classes[i] for i in rows]
        turn = getattr(part[0].kind, "TURN", studio.TURN)
        out[rows] = studio.draw_portraits(part[0].kind.draw, genes_of(part), picture_keys[rows], size, turn)

    on_all_cores(work, chunks_by_kind(classes, max(16, 2 * CHUNK * 64 * 64 // size**2)))
    return out


def backgrounds(picture_keys: Tensor, size: int) -> np.ndarray:
    """Pictures uint8 [N, 3, size, size] of backdrops and clutter, without an object."""
    out = np.empty((len(picture_keys), 3, size, size), np.uint8)

    def work(rows: np.ndarray) -> None:
        out[rows] = studio.draw_backgrounds(picture_keys[rows], size)

    on_all_cores(work, runs(len(out), 16))
    return out
