"""SUN-397 (Xiao et al. 2010): 108,754 pictures of 397 scene classes, ten published partitions."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from lecture_lib.datasets import protocols
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.files import read_lines
from lecture_lib.datasets.folders import collect, index

# torchvision.datasets.SUN397 knows no partitions, and its order of pictures is that of the file system.


def load(name: str, folder: Path, partitions: list[int] | None = None) -> ImageCollection:
    """Load the photographs of `SUN397/<letter>/<class>[/<sub-class>]/sun_*.jpg`.

    partitions  numbers from 1 to 10: only the pictures that these name; None: all pictures there are
    Splits are "train_01", "test_01", ... from the partition files (in `SUN397/Partitions`, `SUN397` or beside
    it), 50 training and 50 test pictures a class; `split(seed)` gives partition seed + 1.
    """
    listed, there = _read_partitions(folder), ()
    if partitions is not None:
        listed = {key: names for key, names in listed.items() if int(key[-2:]) in partitions}
    else:
        found = (path for path in folder.rglob("sun_*.*") if re.fullmatch(r"\.jpe?g", path.suffix.lower()))
        there = [path.relative_to(folder).as_posix() for path in found]
    files, splits = index(listed, there)
    class_of = ["/".join(file.split("/")[1:-1]) for file in files]
    classes, labels = np.unique(np.array(class_of, dtype=str), return_inverse=True)
    return collect(
        name, folder, files, labels, classes.tolist(), splits=splits, protocol=protocols.published_partition
    )


def _read_partitions(folder: Path) -> dict[str, list[str]]:
    """Split name -> files relative to `folder`, for every partition file there is, in the order of their numbers."""
    homes = (folder / "Partitions", folder, folder.parent / "Partitions")
    home = next((home for home in homes if any(home.glob("Training_*.txt"))), folder)
    return {
        f"{part}_{file.stem[-2:]}": [line.lstrip("/") for line in read_lines(file)]
        for training in sorted(home.glob("Training_*.txt"))
        for part, file in (("train", training), ("test", home / f"Testing_{training.stem[-2:]}.txt"))
        if file.is_file()
    }
