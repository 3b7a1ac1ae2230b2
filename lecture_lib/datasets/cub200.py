"""CUB-200-2011 (Wah et al. 2011): 11,788 pictures of 200 bird species, each with a box and 15 part points."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from lecture_lib.datasets import layout, protocols
from lecture_lib.datasets.collecting import collect
from lecture_lib.datasets.collection import Boxes, ImageCollection
from lecture_lib.datasets.files import read_lines, report
from lecture_lib.datasets.layout import DatasetNotFound

_FILES = (
    "images.txt",
    "classes.txt",
    "image_class_labels.txt",
    "train_test_split.txt",
    "bounding_boxes.txt",
)
_PUBLISHED = "11,788 pictures of 200 classes, 5,994 in train and 5,794 in test"
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
        protocol=protocols.official_split,
        published=_PUBLISHED,
    )
    return collection if parts is None else _clip_parts(collection)


def _read_names(path: Path) -> dict[int, str]:
    """Names by id, in the order of the ids, from lines "<id> <name>"."""
    names = {}
    for line in read_lines(path):
        number, _, name = line.partition(" ")
        if not number.isdecimal() or not name:
            raise ValueError(f"cub200: {path} has the line {line[:60]!r} instead of <id> <name>. {_AGAIN}")
        if int(number) in names:
            raise ValueError(f"cub200: {path} has two lines for {number}. {_AGAIN}")
        names[int(number)] = name.strip()
    if not names:
        raise ValueError(f"cub200: {path} is empty. {_AGAIN}")
    return dict(sorted(names.items()))


def _read_rows(path: Path, columns: int, *ids: Iterable[int], marks: bool = False) -> np.ndarray:
    """Numbers behind the ids in a file that has one line for each (combination of) `ids`, in the order of these.

    marks    whether the last number is a mark, 0 or 1
    returns  float64 [n (p), columns]
    """
    width = len(ids) + columns
    try:
        rows = np.array([line.split() for line in read_lines(path)], np.float64).reshape(-1, width)
    except ValueError:  # some other number of columns, or no numbers
        raise ValueError(f"cub200: {path} is not {width} numbers a line. {_AGAIN}") from None
    keys, expected = [tuple(row) for row in rows[:, : len(ids)].tolist()], list(product(*ids))
    if sorted(keys) != expected:
        lines, wanted = Counter(keys), set(expected)
        odd = min(key for key in {*keys, *wanted} if lines[key] != (key in wanted))
        key = " ".join(f"{number:g}" for number in odd)
        raise ValueError(
            f"cub200: {path} has {lines[odd]} lines for {key} instead of {int(odd in wanted)}. {_AGAIN}"
        )
    rows = rows[np.lexsort(rows[:, : len(ids)].T[::-1]), len(ids) :]
    if not np.isfinite(rows).all():
        raise ValueError(f"cub200: {path} has a number that is none. {_AGAIN}")
    if marks and not np.isin(rows[:, -1], (0, 1)).all():
        raise ValueError(f"cub200: {path} has other marks than 0 and 1. {_AGAIN}")
    return rows


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
    report(
        "cub200", [collection.names[i] for i in far], "pictures have a part point outside, which is clipped"
    )
    return replace(collection, parts=parts)
