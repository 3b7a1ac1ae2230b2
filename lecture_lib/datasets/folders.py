"""Collections of pictures in files: the common last step of every loader, and folders of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from lecture_lib.datasets import protocols
from lecture_lib.datasets.collection import Boxes, ImageCollection
from lecture_lib.datasets.files import Skipped, check, list_folders, list_pictures
from lecture_lib.datasets.layout import DatasetNotFound


def folder(path: str | PathLike) -> ImageCollection:
    """Load pictures of one's own: one folder a class, or a flat folder of unlabelled pictures (labels -1).

    Any format that Pillow reads will do, and files that are no pictures are named and left out. `split` draws
    training and test pictures as for Caltech-101; give it train_per_class.
    """
    path = Path(path).expanduser().absolute()
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "is not there"
        raise DatasetNotFound(f"{path} {what}. Give a folder with one folder of pictures a class.")
    loose = list_pictures(path)
    classes = list_folders(path)
    files, labels = list_by_class(path, classes)
    if not files:
        return collect(path.name, path, loose, np.full(len(loose), -1), classes=())
    if loose:
        print(
            f"{path.name}: {len(loose)} files beside the class folders are left out, the first {loose[0]!r}."
        )
    return collect(path.name, path, files, labels, classes=classes, protocol=protocols.few_shot)


def list_by_class(root: Path, folders: Sequence[str], pattern: str = "*") -> tuple[list[str], np.ndarray]:
    """Files relative to `root` in each class folder, and int64 [n], the index of the folder of each."""
    files = [[f"{name}/{file}" for file in list_pictures(root / name, pattern)] for name in folders]
    labels = np.repeat(np.arange(len(folders)), [len(part) for part in files])
    return [file for part in files for file in part], labels


def collect(
    name: str,
    root: Path,
    files: Sequence[str],
    labels: np.ndarray,
    *,
    classes: Sequence[str],
    groups: Sequence[str] = (),
    boxes: Sequence[Boxes] | None = None,
    parts: np.ndarray | None = None,
    part_names: Sequence[str] = (),
    splits: Mapping[str, np.ndarray] | None = None,
    protocol: Callable | None = None,
    skipped: Skipped = (),
) -> ImageCollection:
    """Check `files` and make a collection of the readable ones.

    labels, boxes, parts and splits are for all files and follow when some are left out; `skipped` are those
    that the loader itself had to leave out. Says in one line what was left out and why: unreadable files, and
    classes that have no picture. Raises DatasetNotFound if nothing is left.
    """
    images, kept, broken = check(root, files, name)
    skipped = (*skipped, *broken)
    if skipped:
        count = f"{len(skipped):,} of {len(kept) + len(skipped):,} files"
        file, reason = skipped[0]
        first = f"{file} ({reason})"
        print(f"{name}: {count} left out, the first {first}. All are in .skipped.")
    if not len(images):
        raise DatasetNotFound(f"{name}: no readable picture under {root}.")
    place = np.full(len(files), -1)
    place[kept] = np.arange(len(kept))
    moved = {key: place[indices] for key, indices in (splits or {}).items()}
    labels = np.asarray(labels)[kept]
    groups = tuple(groups) or ("",) * len(classes)
    if labels.ndim == 1 and len(classes):
        present = np.unique(labels)
        empty = [c for i, c in enumerate(classes) if i not in set(present.tolist())]
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
        boxes=None if boxes is None else tuple(boxes[i] for i in kept),
        parts=None if parts is None else parts[kept],
        part_names=tuple(part_names),
        splits={key: indices[indices >= 0] for key, indices in moved.items()},
        protocol=protocol,
        skipped=skipped,
    )
