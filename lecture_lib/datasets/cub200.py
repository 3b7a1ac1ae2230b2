"""CUB-200-2011 (Wah et al. 2011): 11,788 pictures of 200 bird species, each with a box and 15 part points."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from lecture_lib.datasets import layout, protocols
from lecture_lib.datasets.collection import Boxes, ImageCollection
from lecture_lib.datasets.files import read_lines
from lecture_lib.datasets.folders import collect
from lecture_lib.datasets.layout import DatasetNotFound

_FILES = (
    "images.txt",
    "classes.txt",
    "image_class_labels.txt",
    "train_test_split.txt",
    "bounding_boxes.txt",
)
_PUBLISHED = "11,788 pictures of 200 classes, 5,994 for training and 5,794 for testing"
_AGAIN = "Unpack CUB_200_2011.tgz again."


def load(name: str, folder: Path) -> ImageCollection:
    """Load `CUB_200_2011`: the photographs in images/<class>/, and the text files that describe them.

    Each picture has one box, labelled with its class, and the points of parts/part_locs.txt (parts None, and said
    so, where these files are missing). The dataset does not say whether its first pixel is 0 or 1: coordinates
    are taken as 0-based, the box as [x, x + width), and both are clipped to the picture.
    "001.Black_footed_Albatross" is the class "Black footed Albatross" of the group "albatross": the last word of
    a species' English name, a family or genus more often than not. `split` gives the official "train" and "test".
    Raises DatasetNotFound if a text file is missing, ValueError if one is damaged or contradicts another.
    """
    missing = [file for file in _FILES if not (folder / file).is_file()]
    if missing:
        way = layout.how_to_get(name, folder.parent)
        raise DatasetNotFound(f"{name}: no {', '.join(missing)} in {folder}. {way}")
    file_of, name_of = _read_names(folder / "images.txt"), _read_names(folder / "classes.txt")
    place = {number: c for c, number in enumerate(name_of)}
    (given,) = _read_rows(folder / "image_class_labels.txt", 1, file_of).T
    for file, number in zip(file_of.values(), given, strict=True):
        if name_of.get(number) != file.partition("/")[0]:
            path = folder / "image_class_labels.txt"
            raise ValueError(f"cub200: {path} says class {number:g} for images/{file}. {_AGAIN}")
    labels = np.array([place[number] for number in given])
    (in_train,) = _read_rows(folder / "train_test_split.txt", 1, file_of, marks=True).T
    boxes = _read_rows(folder / "bounding_boxes.txt", 4, file_of)
    boxes[:, 2:] += boxes[:, :2]
    parts, part_names = _read_parts(folder / "parts", file_of)
    splits = {"train": np.flatnonzero(in_train == 1), "test": np.flatnonzero(in_train == 0)}
    train, test = map(len, splits.values())
    found = (
        f"{len(labels):,} pictures of {len(place)} classes, {train:,} for training and {test:,} for testing"
    )
    if found != _PUBLISHED:
        print(f"{name}: the text files name {found}; published were {_PUBLISHED}.")
    classes = [re.sub(r"^\d+\.", "", label).replace("_", " ") for label in name_of.values()]
    collection = collect(
        name,
        folder,
        [f"images/{file}" for file in file_of.values()],
        labels,
        classes,
        [label.split()[-1].lower() for label in classes],
        boxes=[Boxes([box], [c], [False], [False]) for box, c in zip(boxes, labels, strict=True)],
        parts=parts,
        part_names=part_names,
        splits=splits,
        protocol=partial(protocols.official_split, train="train", test="test"),
    )
    return collection if parts is None else _clip_parts(collection)


def _read_table(path: Path, ids: int) -> dict[tuple[int, ...], str]:
    """What stands behind the first `ids` numbers of each line, by these numbers."""
    table = {}
    for line in read_lines(path):
        *key, rest = line.split(maxsplit=ids)
        if len(key) != ids or not all(part.isdecimal() for part in key):
            raise ValueError(f"cub200: {path} has the line {line[:60]!r} without its id. {_AGAIN}")
        if (key := tuple(map(int, key))) in table:
            raise ValueError(f"cub200: {path} has two lines for {_spell(key)}. {_AGAIN}")
        table[key] = rest
    if not table:
        raise ValueError(f"cub200: {path} is empty. {_AGAIN}")
    return table


def _read_names(path: Path) -> dict[int, str]:
    """Names by id, in the order of the ids, from lines "<id> <name>"."""
    return {number: name for (number,), name in sorted(_read_table(path, 1).items())}


def _read_rows(path: Path, columns: int, *ids: Iterable[int], marks: bool = False) -> np.ndarray:
    """Numbers behind the ids in a file that has one line for each (combination of) `ids`, in the order of these.

    marks    whether the last number is a mark, 0 or 1
    returns  float64 [n (p), columns]
    """
    table, expected = _read_table(path, len(ids)), list(product(*ids))
    odd = table.keys() ^ set(expected)
    if odd:
        what = "no line for" if min(odd) in expected else "the unknown id"
        raise ValueError(
            f"cub200: {path} has {what} {_spell(min(odd))}, and {len(odd) - 1} such faults more. {_AGAIN}"
        )
    try:
        rows = np.array([table[key].split() for key in expected], np.float64)
    except ValueError:  # some other number of columns, or no numbers
        rows = np.empty((0, 0))
    if rows.shape[1] != columns or not np.isfinite(rows).all():
        raise ValueError(f"cub200: {path} is not {columns} numbers for each id. {_AGAIN}")
    if marks and not np.isin(rows[:, -1], (0, 1)).all():
        raise ValueError(f"cub200: {path} has other marks than 0 and 1. {_AGAIN}")
    return rows


def _spell(key: Sequence[int]) -> str:
    return " ".join(map(str, key))


def _read_parts(folder: Path, ids: Iterable[int]) -> tuple[np.ndarray | None, list[str]]:
    """Part points, float64 [n, P, 3], and their P names; None and [] without the files."""
    missing = [file for file in ("parts.txt", "part_locs.txt") if not (folder / file).is_file()]
    if missing:
        print(f"cub200: no {' and no '.join(missing)} in {folder}, so there are no part points.")
        return None, []
    names = _read_names(folder / "parts.txt")
    parts = _read_rows(folder / "part_locs.txt", 3, ids, names, marks=True).reshape(-1, len(names), 3)
    return parts * parts[..., 2:], list(names.values())


def _clip_parts(collection: ImageCollection) -> ImageCollection:
    """Clip part points to their pictures, and report those that lie outside by more than a pixel."""
    parts = collection.parts.copy()
    parts[..., :2] = np.clip(parts[..., :2], 0, collection.images.sizes[:, None])
    far = np.flatnonzero(np.abs(parts - collection.parts).max(axis=(1, 2)) > 1)
    if len(far):
        print(
            f"cub200: {len(far)} pictures have a part point outside, the first is {collection.names[far[0]]}. "
            "They are clipped."
        )
    return replace(collection, parts=parts)
