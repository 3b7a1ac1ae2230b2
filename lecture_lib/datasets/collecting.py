"""The common last step of every loader: files are checked, and what belongs to them follows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from lecture_lib.datasets.collection import PUBLISHED, Boxes, ImageCollection, box_fault
from lecture_lib.datasets.files import check, report
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
    splits: Mapping[str, np.ndarray] | None = None,
    broken: Mapping[int, tuple[str, str]] | None = None,
    sizes: np.ndarray | None = None,
    **fields,
) -> ImageCollection:
    """Check `files` and make a collection of the readable ones.

    labels, boxes, parts and splits are for all files and follow when some are left out. `broken` are those that
    the loader itself could not take: place in `files` -> what is wrong, (file, reason). `sizes` are the widths and
    heights for which the boxes were marked, [N, 2], 0 where they are not known. `fields` are of the collection.
    Says in one line each what was left out and why: files that cannot be read or have a box without a pixel in the
    picture, and classes that have no picture; and which boxes and points were clipped, which pictures have another
    size, which are in two splits, and what differs from what was published.
    Raises DatasetNotFound if nothing is left.
    """
    splits, broken, groups = splits or {}, broken or {}, tuple(groups) or ("",) * len(classes)
    tried = [i for i in range(len(files)) if i not in broken]
    images, kept, unreadable = check(root, [files[i] for i in tried], name)
    kept, skipped = np.array(tried, np.int64)[kept], [*broken.values(), *unreadable]
    if boxes is not None:
        faults = [
            next(filter(None, (box_fault(box, *size) for box in boxes[i].xyxy)), "")
            for i, size in zip(kept, images.sizes, strict=True)
        ]
        skipped += [(file, fault) for file, fault in zip(images.names, faults, strict=True) if fault]
        good = np.array([k for k, fault in enumerate(faults) if not fault], np.int64)
        images, kept = images.take(good), kept[good]
        boxes = [boxes[i] for i in kept]
        inside = [np.clip(of.xyxy, 0, np.tile(s, 2)) for of, s in zip(boxes, images.sizes, strict=True)]
        far = [np.abs(xyxy - of.xyxy).max(initial=0) > 1 for xyxy, of in zip(inside, boxes, strict=True)]
        boxes = [replace(of, xyxy=xyxy) for of, xyxy in zip(boxes, inside, strict=True)]
        report(name, np.compress(far, images.names), "pictures have a box that reaches out and is clipped")
    if parts is not None:
        parts = np.array(parts[kept], np.float32)
        inside = np.clip(parts[..., :2], 0, images.sizes[:, None])
        far = np.abs(inside - parts[..., :2]).max(axis=(1, 2), initial=0) > 1  # less is rounding
        parts[..., :2] = inside
        report(name, np.compress(far, images.names), "pictures have a part point outside, which is clipped")
    if sizes is not None:
        differ = sizes[kept].any(1) & (sizes[kept] != images.sizes).any(1)
        what = "pictures are not of the annotated size, so their boxes are wrong"
        report(name, np.compress(differ, images.names), what)
    if skipped:
        skipped = [(printable(file), printable(reason)) for file, reason in skipped]
        file, reason = skipped[0]
        count = f"{len(skipped):,} of {len(files):,} files"
        print(f"{name}: {count} left out, the first {file} ({reason}). All are in .skipped.")
    if not len(images):
        raise DatasetNotFound(f"{name}: no readable picture under {root}.")
    place = np.full(len(files), -1)
    place[kept] = np.arange(len(kept))
    splits = {key: place[rows][place[rows] >= 0] for key, rows in splits.items()}
    for one, other in combinations(splits, 2):
        within = "trainval" in (one, other) and "test" not in (one, other)  # trainval is train and val
        if not within and one.partition("_")[2] == other.partition("_")[2]:  # train_01 may share with test_02
            both = [images.names[i] for i in np.intersect1d(splits[one], splits[other])]
            report(
                name, both, f"pictures are both in {one} and in {other}, so they are trained on and tested"
            )
    labels = np.asarray(labels)[kept]
    present = np.unique(labels)
    if labels.ndim == 1 and len(present) < len(classes):
        empty = [label for c, label in enumerate(classes) if c not in present]
        report(name, empty, "classes without a picture are left out")
        labels = np.searchsorted(present, labels)
        if boxes is not None:  # the one object of a picture is of the picture's class
            boxes = [replace(of, labels=np.searchsorted(present, of.labels)) for of in boxes]
        classes, groups = [classes[i] for i in present], [groups[i] for i in present]
    images = ImageCollection(
        name,
        "real",
        images,
        tuple(classes),
        labels,
        tuple(groups),
        boxes=boxes,
        parts=parts,
        splits=splits,
        skipped=tuple(skipped),
        **fields,
    )
    if "own split" in images.title:
        counts = ", ".join(f"{key} {n:,}" for key, n in PUBLISHED[name].items())
        print(f"{name}: its lists are not the published ones ({counts}), so tables call it {images.title}.")
    return images
