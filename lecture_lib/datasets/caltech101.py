"""Caltech-101 (Fei-Fei, Fergus and Perona 2004): 9,144 pictures of 101 object classes and of background."""

from __future__ import annotations

from pathlib import Path

from lecture_lib.datasets import layout, protocols
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.files import list_by_class, list_folders
from lecture_lib.datasets.folders import collect

_BACKGROUND = "BACKGROUND_Google"

# torchvision.datasets.Caltech101 counts the files in a class folder and expects pictures numbered without gaps;
# a deleted picture or a .DS_Store breaks it, so folders are listed here.


def load(name: str, folder: Path, background: bool = False) -> ImageCollection:
    """Load the photographs of `101_ObjectCategories/<class>/image_*.jpg`.

    background  with the background class, as the last one
    `split` draws the usual protocol: 30 training and up to 50 test pictures a class, seeds 0 to 4. The groups
    are this project's own (data/groups/caltech101.csv), after those of the lecture's t-SNE maps.
    """
    classes = [label for label in list_folders(folder) if label != _BACKGROUND]
    if background:
        classes.append(_BACKGROUND)
    group_of = layout.read_groups("caltech101")
    groups = [group_of.get(label, "") for label in classes]
    files, labels = list_by_class(name, folder, classes, r"image_.*\.jpe?g")
    return collect(name, folder, files, labels, classes, groups, protocol=protocols.few_shot)
