"""MIT-67 (Quattoni and Torralba 2009): indoor scenes, 6,700 of 15,620 pictures in 67 classes and five groups."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np

from lecture_lib.datasets import layout, protocols
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.files import list_pictures, read_lines
from lecture_lib.datasets.folders import collect, index
from lecture_lib.datasets.layout import DatasetNotFound

_LISTS = {"train": "TrainImages.txt", "test": "TestImages.txt"}
# fewest and most pictures of a class in the published lists
_PER_CLASS = {"train": (77, 83), "test": (17, 23)}


def load(name: str, folder: Path) -> ImageCollection:
    """Load the photographs of `indoorCVPR_09/Images/<class>/*` that the two official lists name.

    The lists TrainImages.txt and TestImages.txt are in `indoorCVPR_09`, `indoorCVPR_09/Images` or beside it. They
    are the splits "train" and "test": 5,360 and 1,340 pictures, about 80 and 20 a class (77 to 83 and 17 to 23,
    so the mean over classes is not quite the accuracy). Groups follow those of the dataset's page: store, home,
    public spaces, leisure, working place (data/groups/mit67.csv).
    Raises DatasetNotFound without pictures or lists, ValueError if a list is something else.
    """
    if not (folder / "Images").is_dir():
        raise DatasetNotFound(
            f"{name}: no folder Images in {folder}. {layout.how_to_get(name, folder.parent)}"
        )
    files, splits = index({split: _read_list(_find_list(folder, file)) for split, file in _LISTS.items()})
    classes, labels = np.unique([file.partition("/")[0] for file in files], return_inverse=True)
    _compare(splits, labels, len(classes))
    group_of = layout.read_groups("mit67")
    return collect(
        name,
        folder / "Images",
        files,
        labels,
        classes.tolist(),
        [group_of.get(label, "") for label in classes.tolist()],
        splits=splits,
        protocol=partial(protocols.official_split, train="train", test="test"),
    )


def _find_list(folder: Path, file: str) -> Path:
    """A list in one of its usual places, also as "train_images.txt" or "TrainImages (1).txt"."""
    homes = (folder, folder / "Images", folder.parent)
    for home in homes:
        for name in list_pictures(home):
            if re.sub("[^a-z.]", "", name.lower()) == file.lower():
                return home / name
    raise DatasetNotFound(
        f"mit67: no {file} in {', '.join(map(str, homes))}. The lists are published apart from the pictures: "
        f'datasets.fetch("mit67") brings them, or save https://web.mit.edu/torralba/www/{file} in {folder}.'
    )


def _read_list(path: Path) -> list[str]:
    """The lines <class>/<file> of a list."""
    names = read_lines(path)
    strange = [name for name in names if len([part for part in name.split("/") if part]) != 2]
    if strange or not names:
        what = f"has the line {strange[0][:60]!r} instead of <class>/<file>" if strange else "is empty"
        raise ValueError(f"mit67: {path} {what}. Delete it and fetch it again.")
    return names


def _compare(splits: dict[str, np.ndarray], labels: np.ndarray, classes: int) -> None:
    """Report lists of other sizes than the published ones."""
    counts = {split: np.bincount(labels[rows], minlength=classes) for split, rows in splits.items()}
    if classes != 67 or any(
        n.min() < _PER_CLASS[split][0] or n.max() > _PER_CLASS[split][1] for split, n in counts.items()
    ):
        found = " and ".join(f"{n.min()} to {n.max()} {split}" for split, n in counts.items())
        print(
            f"mit67: the lists name {found} pictures a class in {classes} classes; the published ones about "
            "80 and 20 in 67."
        )
