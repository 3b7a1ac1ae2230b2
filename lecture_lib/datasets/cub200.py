"""CUB-200-2011 (Wah et al. 2011): 11,788 pictures of 200 bird species, each with a box and 15 part points."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np

from lecture_lib.datasets import layout, protocols
from lecture_lib.datasets.collection import Boxes, ImageCollection
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


def load(root: str | PathLike | None = None) -> ImageCollection:
    """Load `CUB_200_2011`: the photographs in images/<class>/, and the text files that describe them.

    root   where to look instead of LECTURE_DATA
    Each picture has one box, labelled with its class, and the points of parts/part_locs.txt (parts None, and said
    so, where these files are missing). The dataset does not say whether its first pixel is 0 or 1: coordinates
    are taken as 0-based, the box as [x, x + width), and both are clipped to the picture.
    "001.Black_footed_Albatross" is the class "Black footed Albatross" of the group "albatross": the last word of
    a species' English name, a family or genus more often than not. `split` gives the official "train" and "test".
    Raises DatasetNotFound if a text file is missing, ValueError if one is damaged or contradicts another.
    """
    folder = layout.find("cub200", root)
    missing = [file for file in _FILES if not (folder / file).is_file()]
    if missing:
        way = layout.how_to_get("cub200", folder.parent)
        raise DatasetNotFound(f"cub200: no {', '.join(missing)} in {folder}. {way}")
    ids, files = _read_names(folder / "images.txt")
    class_ids, class_names = _read_names(folder / "classes.txt")
    labels = _read_labels(folder, ids, files, class_ids, class_names)
    in_train = _read_rows(folder / "train_test_split.txt", 2, ids)[:, 0]
    if not np.isin(in_train, (0, 1)).all():
        raise ValueError(f"cub200: {folder / 'train_test_split.txt'} has other marks than 0 and 1. {_AGAIN}")
    boxes = _read_rows(folder / "bounding_boxes.txt", 5, ids)
    boxes[:, 2:] += boxes[:, :2]
    parts, part_names = _read_parts(folder / "parts", ids)
    splits = {"train": np.flatnonzero(in_train == 1), "test": np.flatnonzero(in_train == 0)}
    train, test = map(len, splits.values())
    found = (
        f"{len(ids):,} pictures of {len(class_ids)} classes, {train:,} for training and {test:,} for testing"
    )
    if found != _PUBLISHED:
        print(f"cub200: the text files name {found}; published were {_PUBLISHED}.")
    classes = [re.sub(r"^\d+\.", "", name).replace("_", " ") for name in class_names]
    collection = collect(
        "cub200",
        folder,
        [f"images/{file}" for file in files],
        labels,
        classes=classes,
        groups=[name.split()[-1].lower() for name in classes],
        boxes=[Boxes([box], [c], [False], [False]) for box, c in zip(boxes, labels, strict=True)],
        parts=parts,
        part_names=part_names,
        splits=splits,
        protocol=partial(protocols.official_split, train="train", test="test"),
    )
    return _clip(collection)


def _read_names(path: Path) -> tuple[np.ndarray, list[str]]:
    """Ids (int64, rising) and names of a file with lines "<id> <name>"."""
    named: dict[int, str] = {}
    lines = path.read_text(encoding="utf-8-sig", errors="surrogateescape").split("\n")
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line:
            continue
        key, _, name = line.partition(" ")
        well_formed = key.isdecimal() and name
        if not well_formed or int(key) in named:
            fault = "has this id for the second time" if well_formed else "is not <id> <name>"
            raise ValueError(f"cub200: line {number} of {path}, {line[:60]!r}, {fault}. {_AGAIN}")
        named[int(key)] = name.strip()
    if not named:
        raise ValueError(f"cub200: {path} is empty. {_AGAIN}")
    ids = sorted(named)
    return np.array(ids, np.int64), [named[i] for i in ids]


def _read_rows(path: Path, columns: int, *ids: np.ndarray) -> np.ndarray:
    """Numbers behind the ids in a file that has one line for each (combination of) `ids`, in the order of these.

    path     lines of `columns` numbers, the first of them the ids
    ids      rising int64 [n], and int64 [p] for a line an image and part
    returns  float64 [n (p), columns - len(ids)]
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what NumPy thinks of an empty file
            table = np.loadtxt(path, ndmin=2, comments=None, encoding="utf-8-sig")
        if table.shape[1] != columns:
            raise ValueError(f"there are {table.shape[1]}")
        if not np.isfinite(table).all():
            raise ValueError("there is a nan or inf")
    except (ValueError, UserWarning) as error:  # NumPy's own name the line
        raise ValueError(f"cub200: {path} is not {columns} numbers a line ({error}). {_AGAIN}") from None
    shape = [len(known) for known in ids]
    row = np.zeros(len(table), np.int64)
    for k, known in enumerate(ids):
        column = table[:, k]
        place = np.searchsorted(known, column).clip(max=len(known) - 1)
        strange = np.flatnonzero(known[place] != column)
        if len(strange):
            raise ValueError(f"cub200: {path} has the unknown id {column[strange[0]]:g}. {_AGAIN}")
        row = row * len(known) + place
    lines = np.bincount(row, minlength=int(np.prod(shape)))
    if (lines != 1).any():
        first = np.unravel_index(np.argmax(lines != 1), shape)
        of = " ".join(str(known[i]) for known, i in zip(ids, first, strict=True))
        raise ValueError(
            f"cub200: {path} has {lines[lines != 1][0]} lines instead of one for {of}, and for "
            f"{(lines != 1).sum() - 1} others. {_AGAIN}"
        )
    return table[np.argsort(row), len(ids) :]


def _read_labels(
    folder: Path, ids: np.ndarray, files: list[str], class_ids: np.ndarray, class_names: list[str]
) -> np.ndarray:
    """Class indices, int64 [n]; each must be the class of the picture's folder."""
    path = folder / "image_class_labels.txt"
    given = _read_rows(path, 2, ids)[:, 0]
    labels = np.searchsorted(class_ids, given).clip(max=len(class_ids) - 1)
    for file, label, number in zip(files, labels, given, strict=True):
        if class_ids[label] != number or file.partition("/")[0] != class_names[label]:
            raise ValueError(f"cub200: {path} says class {number:g} for images/{file}. {_AGAIN}")
    return labels


def _read_parts(folder: Path, ids: np.ndarray) -> tuple[np.ndarray | None, list[str]]:
    """Part points, float64 [n, P, 3], and their P names; None and [] without the files."""
    missing = [file for file in ("parts.txt", "part_locs.txt") if not (folder / file).is_file()]
    if missing:
        print(f"cub200: no {' and no '.join(missing)} in {folder}, so there are no part points.")
        return None, []
    part_ids, names = _read_names(folder / "parts.txt")
    parts = _read_rows(folder / "part_locs.txt", 5, ids, part_ids).reshape(len(ids), len(names), 3)
    if not np.isin(parts[..., 2], (0, 1)).all():
        raise ValueError(f"cub200: {folder / 'part_locs.txt'} has other marks than 0 and 1. {_AGAIN}")
    return parts * parts[..., 2:], names


def _clip(collection: ImageCollection) -> ImageCollection:
    """Clip boxes and parts to their pictures, and report those that reach out by more than a pixel.

    Raises ValueError if a box has nothing in its picture.
    """
    sizes = collection.images.sizes.astype(np.float32)
    xyxy = np.concatenate([marked.xyxy for marked in collection.boxes])
    clipped = np.clip(xyxy, 0, np.tile(sizes, 2))
    empty = np.flatnonzero((clipped[:, 2:] <= clipped[:, :2]).any(axis=1))
    if len(empty):
        i = empty[0]
        raise ValueError(
            f"cub200: the box {xyxy[i].tolist()} is outside its picture {collection.images.names[i]} of "
            f"{collection.images.sizes[i].tolist()} pixels, {len(empty)} boxes in all. {_AGAIN}"
        )
    excess = np.abs(clipped - xyxy).max(axis=1)
    parts = collection.parts
    if parts is not None:
        parts = parts.copy()
        parts[..., :2] = np.clip(parts[..., :2], 0, sizes[:, None])
        excess = np.maximum(excess, np.abs(parts - collection.parts).max(axis=(1, 2)))
    far = np.flatnonzero(excess > 1)
    if len(far):
        print(
            f"cub200: {len(far)} pictures have a box or a part point outside, the first is "
            f"{collection.images.names[far[0]]}. They are clipped."
        )
    boxes = [replace(marked, xyxy=box[None]) for marked, box in zip(collection.boxes, clipped, strict=True)]
    return replace(collection, boxes=tuple(boxes), parts=parts)
