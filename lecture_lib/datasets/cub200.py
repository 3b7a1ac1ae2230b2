"""CUB-200-2011 (Wah et al. 2011): 11,788 pictures of 200 bird species, each with a box and 15 part points."""

import re
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np

from lecture_lib.datasets import layout, protocols
from lecture_lib.datasets.collecting import collect
from lecture_lib.datasets.collection import Boxes, ImageCollection
from lecture_lib.datasets.files import read_lines
from lecture_lib.datasets.layout import DatasetNotFound

_FILES = (
    "images.txt",
    "classes.txt",
    "image_class_labels.txt",
    "train_test_split.txt",
    "bounding_boxes.txt",
)
_AGAIN = "Unpack CUB_200_2011.tgz again."
REGIONS_OF_BIRDS = {  # which of its part points lie in the two regions that DPD pools into
    "head": ("beak", "crown", "forehead", "left eye", "right eye", "nape", "throat"),
    "body": ("back", "belly", "breast", "left wing", "right wing", "tail", "left leg", "right leg"),
}


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
    return collect(
        name,
        folder,
        [f"images/{file}" for file in file_of.values()],
        labels,
        classes,
        [label.split()[-1].lower() for label in classes],
        boxes=[Boxes([box], [c], [False], [False]) for box, c in zip(boxes, labels, strict=True)],
        parts=parts,
        part_names=tuple(part_names),
        splits=splits,
        protocol=protocols.official_split,
    )


def _read_names(path: Path) -> dict[int, str]:
    """Names by id, in the order of the ids, from lines "<id> <name>"."""
    lines = [line.partition(" ") for line in read_lines(path)]
    names = {int(number): name.strip() for number, _, name in lines if number.isdecimal() and name}
    if not names or len(names) < len(lines):
        raise ValueError(f"cub200: {path} is not a line <id> <name> for each id. {_AGAIN}")
    return dict(sorted(names.items()))


def _read_rows(path: Path, columns: int, *ids: Iterable[int], marks: bool = False) -> np.ndarray:
    """The numbers behind the ids, float64 [n (p), columns], of a file with a line for each (combination of) `ids`.

    In the order of the ids; `marks`: the last number is 0 or 1.
    """
    expected = np.array(list(product(*ids)))
    try:
        rows = np.loadtxt(read_lines(path), ndmin=2)
    except ValueError:
        rows = expected  # which has no columns but the ids
    rows = rows[np.lexsort(rows[:, : len(ids)].T[::-1])]
    keys, numbers = np.split(rows, [len(ids)], axis=1)
    right = np.array_equal(keys, expected) and numbers.shape[1] == columns and np.isfinite(numbers).all()
    if not right or (marks and not np.isin(numbers[:, -1], (0, 1)).all()):
        what = f"{columns} numbers{', the last one 0 or 1,' if marks else ''} for each id"
        raise ValueError(f"cub200: {path} is not a line of {what}. {_AGAIN}")
    return numbers


def _read_parts(folder: Path, ids: Iterable[int]) -> tuple[np.ndarray | None, list[str]]:
    """Part points, float64 [n, P, 3], and their P names; None and [] without the files."""
    missing = [file for file in ("parts.txt", "part_locs.txt") if not (folder / file).is_file()]
    if missing:
        print(f"cub200: no {' and no '.join(missing)} in {folder}, so there are no part points.")
        return None, []
    names = _read_names(folder / "parts.txt")
    parts = _read_rows(folder / "part_locs.txt", 3, ids, names, marks=True).reshape(-1, len(names), 3)
    return parts * parts[..., 2:], list(names.values())
