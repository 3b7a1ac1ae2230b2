"""Caltech-101 (Fei-Fei, Fergus and Perona 2004): 9,144 pictures of 101 object classes and of background."""

from __future__ import annotations

from os import PathLike

from lecture_lib.datasets import layout, protocols
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.files import list_folders
from lecture_lib.datasets.folders import collect, list_by_class

_BACKGROUND = "BACKGROUND_Google"

# torchvision.datasets.Caltech101 counts the files in a class folder and expects pictures numbered without gaps;
# a deleted picture or a .DS_Store breaks it, so folders are listed here.


def load(background: bool = False, root: str | PathLike | None = None) -> ImageCollection:
    """Load the photographs of `caltech101/101_ObjectCategories/<class>/image_*.jpg`.

    background  with the background class, as the last one
    root        where to look instead of LECTURE_DATA
    `split` draws the usual protocol: 30 training and up to 50 test pictures a class, seeds 0 to 4. The groups
    are this project's own (data/groups/caltech101.csv), after those of the lecture's t-SNE maps.
    """
    folder = layout.find("caltech101", root)
    classes = [name for name in list_folders(folder) if name != _BACKGROUND]
    if background:
        classes.append(_BACKGROUND)
    group_of = layout.read_groups("caltech101")
    files, labels = list_by_class(folder, classes, "image_*.jpg")
    return collect(
        "caltech101",
        folder,
        files,
        labels,
        classes=classes,
        groups=[group_of.get(name, "") for name in classes],
        protocol=protocols.few_shot,
    )
