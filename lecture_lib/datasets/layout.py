"""Where the published datasets lie below LECTURE_DATA, in their original layouts, and how they get there."""

from __future__ import annotations

import csv
from os import PathLike
from pathlib import Path

from lecture_lib import settings

# dataset -> its folder below LECTURE_DATA
LAYOUT = {
    "ilsvrc2012": "ILSVRC2012",
    "caltech101": "caltech101/101_ObjectCategories",
    "sun397": "SUN397",
    "mit67": "indoorCVPR_09",
    "cub200": "CUB_200_2011",
    "voc2007": "VOCdevkit/VOC2007",
    "voc2012": "VOCdevkit/VOC2012",
    "voc2012_action": "VOCdevkit/VOC2012",
}
_INSIDE = {"voc2012_action": "ImageSets/Action"}  # without it, the folder is that of another dataset

_FETCH = 'Download it with datasets.fetch("{name}") ({size}), or put {files}, unpacked, into {into}.'
_WAYS = {
    "caltech101": ("137 MB", "101_ObjectCategories.tar.gz", "caltech101"),
    "sun397": ("39 GB", "SUN397.tar.gz", "."),
    "mit67": ("2.4 GB", "indoorCVPR_09.tar, TrainImages.txt and TestImages.txt", "indoorCVPR_09"),
    "cub200": ("1.2 GB", "CUB_200_2011.tgz", "."),
    "voc2007": ("0.9 GB", "VOCtrainval_06-Nov-2007.tar and VOCtest_06-Nov-2007.tar", "."),
    "voc2012": ("2 GB", "VOCtrainval_11-May-2012.tar", "."),
    "voc2012_action": ("2 GB", "VOCtrainval_11-May-2012.tar", "."),
}
BY_HAND = (
    "It needs an account at https://image-net.org. Unpack ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar "
    "as {folder}/train/<wnid>/*.JPEG and {folder}/val/<wnid>/*.JPEG, with LOC_synset_mapping.txt beside them "
    "for the class names."
)


class DatasetNotFound(FileNotFoundError):
    """A dataset is not where it is looked for; the message says where and how to get it."""


def find(name: str, root: str | PathLike | None = None) -> Path:
    """The folder of a dataset below `root` (default: LECTURE_DATA), which may also be that folder itself.

    Raises DatasetNotFound with the way to get it.
    """
    base = settings.current().data if root is None else Path(root).expanduser().absolute()
    folder = base / LAYOUT[name]
    inside = _INSIDE.get(name, "")
    for candidate in (folder, base / folder.name, base):
        if candidate.name == folder.name and (candidate / inside).is_dir():
            return candidate
    missing = Path(folder.name, inside).as_posix()
    raise DatasetNotFound(f"{name}: no folder {missing} under {folder.parent}. {how_to_get(name, base)}")


def read_groups(name: str) -> dict[str, str]:
    """Class -> group, as data/groups/<name>.csv has it."""
    with open(settings.PACKAGE_DATA / "groups" / f"{name}.csv", encoding="utf-8", newline="") as table:
        return {row["class"]: row["group"] for row in csv.DictReader(table)}


def how_to_get(name: str, base: Path) -> str:
    """Say how a dataset gets into the folder `base`, by itself or by hand."""
    if name == "ilsvrc2012":
        return BY_HAND.format(folder=base / LAYOUT[name])
    size, files, into = _WAYS[name]
    return _FETCH.format(name=name, size=size, files=files, into=base / into)
