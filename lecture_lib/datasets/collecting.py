"""The common last step of every loader: files are checked, and what belongs to them follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from lecture_lib.datasets.collection import Boxes, ImageCollection, box_fault
from lecture_lib.datasets.files import FileImages, check, report
from lecture_lib.datasets.layout import DatasetNotFound
from lecture_lib.datasets.reading import printable


def index(
    listed: Mapping[str, Sequence[str]], others: Iterable[str] = ()
) -> tuple[list[str], dict[str, np.ndarray]]:
    """Turn lists of names into all names, once and sorted, and each list's places among them (int64, each once)."""
    names = sorted({*others, *(name for part in listed.values() for name in part)})
    place = {name: i for i, name in enumerate(names)}
    return names, {
        key: np.array([place[name] for name in dict.fromkeys(part)], np.int64) for key, part in listed.items()
    }


def collect(
    name: str,
    root: Path,
    files: Sequence[str],
    labels: np.ndarray,
    classes: Sequence[str],
    groups: Sequence[str] = (),
    *,
    boxes: Sequence[Boxes] | None = None,
    parts: np.ndarray | None = None,
    part_names: Sequence[str] = (),
    splits: Mapping[str, np.ndarray] | None = None,
    protocol: Callable | None = None,
    broken: Mapping[int, tuple[str, str]] | None = None,
    sizes: np.ndarray | None = None,
    published: str = "",
) -> ImageCollection:
    """Check `files` and make a collection of the readable ones.

    labels, boxes, parts and splits are for all files and follow when some are left out. `broken` are those that
    the loader itself could not take: place in `files` -> what is wrong, (file, reason). `sizes` are the widths and
    heights for which the boxes were marked, [N, 2], 0 where they are not known. `published` is how many pictures,
    classes and pictures of each split there should be, in words.
    Says in one line each what was left out and why: files that cannot be read or have a box without a pixel in the
    picture, and classes that have no picture; and which boxes were clipped, which pictures have another size, which
    are in two splits, and what differs from what was published.
    Raises DatasetNotFound if nothing is left.
    """
    splits, broken = splits or {}, broken or {}
    there = " and ".join(f"{len(rows):,} in {key}" for key, rows in splits.items())
    there = f"{len(files):,} pictures of {len(classes)} classes, {there}"
    if published and there != published:
        print(f"{name}: its text files name {there}; published were {published}.")
    tried = np.array([i for i in range(len(files)) if i not in broken], np.int64)
    images, kept, unreadable = check(root, [files[i] for i in tried], name)
    kept, skipped = tried[kept], [*broken.values(), *unreadable]
    if boxes is not None:
        images, kept, boxes, misplaced = _check_boxes(name, images, kept, boxes)
        skipped += misplaced
    if sizes is not None:
        differ = np.flatnonzero(sizes[kept].any(1) & (sizes[kept] != images.sizes).any(1))
        wrong = [
            f"{images.names[k]}: {images.sizes[k].tolist()} instead of {sizes[kept[k]].tolist()}"
            for k in differ
        ]
        report(name, wrong, "pictures are not of the annotated size, so their boxes are wrong")
    skipped = [(printable(file), printable(reason)) for file, reason in skipped]
    if skipped:
        count = f"{len(skipped):,} of {len(files):,} files"
        file, reason = skipped[0]
        print(f"{name}: {count} left out, the first {file} ({reason}). All are in .skipped.")
    if not len(images):
        raise DatasetNotFound(f"{name}: no readable picture under {root}.")
    place = np.full(len(files), -1)
    place[kept] = np.arange(len(kept))
    splits = {key: place[rows][place[rows] >= 0] for key, rows in splits.items()}
    _report_overlap(name, images, splits)
    labels, groups = np.asarray(labels)[kept], tuple(groups) or ("",) * len(classes)
    if labels.ndim == 1 and len(classes):
        present = np.unique(labels)
        empty = [label for c, label in enumerate(classes) if c not in present]
        if empty:
            more = f" and {len(empty) - 5} more" if len(empty) > 5 else ""
            named = ", ".join(empty[:5]) + more
            print(f"{name}: no picture of {named}, left out as a class. Fill or delete the folder.")
            labels = np.searchsorted(present, labels)
            if boxes is not None:  # the one object of a picture is of the picture's class
                boxes = [replace(marked, labels=np.searchsorted(present, marked.labels)) for marked in boxes]
            classes, groups = [classes[i] for i in present], [groups[i] for i in present]
    return ImageCollection(
        name,
        "real",
        images,
        tuple(classes),
        labels,
        tuple(groups),
        boxes=boxes,
        parts=None if parts is None else parts[kept],
        part_names=tuple(part_names),
        splits=splits,
        protocol=protocol,
        skipped=tuple(skipped),
    )


def _check_boxes(
    name: str, images: FileImages, kept: np.ndarray, boxes: Sequence[Boxes]
) -> tuple[FileImages, np.ndarray, tuple[Boxes, ...], list[tuple[str, str]]]:
    """Leave out pictures with a box that has no pixel in them, and clip the other boxes; `boxes` is of all files."""
    good, clipped, misplaced, far = [], [], [], []
    for k, (i, size) in enumerate(zip(kept, images.sizes, strict=True)):
        xyxy = boxes[i].xyxy
        fault = next(filter(None, (box_fault(box, *size) for box in xyxy)), "")
        if fault:
            misplaced.append((images.names[k], fault))
            continue
        inside = np.clip(xyxy, 0, np.tile(size, 2)).astype(np.float32)
        if (np.abs(inside - xyxy) > 1).any():  # less is rounding
            far.append(images.names[k])
        good.append(k)
        clipped.append(replace(boxes[i], xyxy=inside))
    report(name, far, "pictures have a box that reaches out and is clipped")
    good = np.array(good, np.int64)
    return images.take(good), kept[good], tuple(clipped), misplaced


def _report_overlap(name: str, images: FileImages, splits: Mapping[str, np.ndarray]) -> None:
    """Say which pictures are in two splits that should share none (train_01 may share some with test_02)."""
    for one, other in combinations(splits, 2):
        within = "trainval" in (one, other) and "test" not in (one, other)  # trainval is train and val
        if within or one.partition("_")[2] != other.partition("_")[2]:
            continue
        both = [images.names[i] for i in np.intersect1d(splits[one], splits[other])]
        report(name, both, f"pictures are both in {one} and in {other}, so they are trained on and tested")
