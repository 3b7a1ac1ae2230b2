"""ILSVRC-2012 (Russakovsky et al. 2015): the source task, 1000 classes, one folder a class."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.files import list_by_class, list_folders, read_lines
from lecture_lib.datasets.folders import collect
from lecture_lib.datasets.layout import DatasetNotFound

_WORDS = ("LOC_synset_mapping.txt", "synset_words.txt", "words.txt")

# torchvision.datasets.ImageNet wants the development kit's archive beside the pictures, which not every copy
# has; the folders say the same.


def load(name: str, folder: Path, split: str = "val", per_class: int | None = None) -> ImageCollection:
    """Load the photographs of `ILSVRC2012/{train,val}/<wnid>/*.JPEG`.

    split      "train" or "val"
    per_class  only the first so many pictures of each class; None: all
    Classes are in the order of their WordNet ids, as in every published network, and are named by the first
    word of LOC_synset_mapping.txt or words.txt where one of them is there, else by the id.
    """
    if split not in ("train", "val"):
        raise ValueError(f"{name}: no split {split!r}; take 'train' or 'val'.")
    if not (folder / split).is_dir():
        raise DatasetNotFound(f"{name}: no folder {split} under {folder}.")
    wnids = list_folders(folder / split)
    if not wnids:
        raise DatasetNotFound(
            f"{name}: {folder / split} has no class folders (n01440764, ...). Sort its pictures into one "
            "folder a class first; torchvision.datasets.ImageNet does it from the original archives."
        )
    files, labels = list_by_class(name, folder, [f"{split}/{wnid}" for wnid in wnids])
    number = np.arange(len(labels)) - np.searchsorted(labels, labels)  # of a picture in its class
    some = np.flatnonzero(number < (per_class or len(labels)))
    return collect(
        name,
        folder,
        [files[i] for i in some],
        labels[some],
        _name_classes(folder, wnids),
        splits={split: np.arange(len(some))},
    )


def _name_classes(folder: Path, wnids: list[str]) -> list[str]:
    file = next((folder / name for name in _WORDS if (folder / name).is_file()), None)
    if file is None:
        return wnids
    lines = (line.split(maxsplit=1) for line in read_lines(file))
    word_of = {line[0]: line[1].split(",")[0].strip() for line in lines if len(line) == 2}
    words = [word_of.get(wnid, wnid) for wnid in wnids]
    shared = {word for word, n in Counter(words).items() if n > 1}  # a crane is a bird and a machine
    return [f"{word} ({wnid})" if word in shared else word for word, wnid in zip(words, wnids, strict=True)]
