"""ILSVRC-2012 (Russakovsky et al. 2015): the source task, 1000 classes, one folder a class."""

from __future__ import annotations

from collections import Counter
from os import PathLike
from pathlib import Path

import numpy as np

from lecture_lib.datasets import layout
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.files import list_folders, list_pictures
from lecture_lib.datasets.folders import collect
from lecture_lib.datasets.layout import DatasetNotFound

_WORDS = ("LOC_synset_mapping.txt", "synset_words.txt", "words.txt")

# torchvision.datasets.ImageNet wants the development kit's archive beside the pictures, which not every copy
# has; the folders say the same.


def load(
    split: str = "val", per_class: int | None = None, root: str | PathLike | None = None
) -> ImageCollection:
    """Load the photographs of `ILSVRC2012/{train,val}/<wnid>/*.JPEG`.

    split      "train" or "val"
    per_class  only the first so many pictures of each class; None: all
    root       where to look instead of LECTURE_DATA; also the folder of train and val itself
    Classes are in the order of their WordNet ids, as in every published network, and are named by the first
    word of LOC_synset_mapping.txt or words.txt where one of them is there, else by the id.
    """
    if split not in ("train", "val"):
        raise ValueError(f"ilsvrc2012: no split {split!r}; take 'train' or 'val'.")
    itself = root is not None and (Path(root) / split).is_dir()
    folder = Path(root).absolute() if itself else layout.find("ilsvrc2012", root)
    if not (folder / split).is_dir():
        raise DatasetNotFound(f"ilsvrc2012: no folder {split} under {folder}.")
    wnids = list_folders(folder / split)
    if not wnids:
        raise DatasetNotFound(
            f"ilsvrc2012: {folder / split} has no class folders (n01440764, ...). Sort its pictures into one "
            "folder a class first; torchvision.datasets.ImageNet does it from the original archives."
        )
    pictures = [list_pictures(folder / split / wnid)[:per_class] for wnid in wnids]
    files = [f"{split}/{wnid}/{name}" for wnid, names in zip(wnids, pictures, strict=True) for name in names]
    return collect(
        "ilsvrc2012",
        folder,
        files,
        np.repeat(np.arange(len(wnids)), [len(names) for names in pictures]),
        classes=_name_classes(folder, wnids),
        splits={split: np.arange(len(files))},
    )


def _name_classes(folder: Path, wnids: list[str]) -> list[str]:
    file = next((folder / name for name in _WORDS if (folder / name).is_file()), None)
    if file is None:
        return wnids
    lines = (line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines())
    word_of = {line[0]: line[1].split(",")[0].strip() for line in lines if len(line) == 2}
    words = [word_of.get(wnid, wnid) for wnid in wnids]
    shared = {word for word, n in Counter(words).items() if n > 1}  # a crane is a bird and a machine
    return [f"{word} ({wnid})" if word in shared else word for word, wnid in zip(words, wnids, strict=True)]
