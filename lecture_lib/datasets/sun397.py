"""SUN-397 (Xiao et al. 2010): 108,754 pictures of 397 scene classes, ten published partitions."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from lecture_lib.datasets import layout, protocols
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.folders import collect

# torchvision.datasets.SUN397 knows no partitions, and its order of pictures is that of the file system.


def load(partitions: list[int] | None = None, root: str | PathLike | None = None) -> ImageCollection:
    """Load the photographs of `SUN397/<letter>/<class>[/<sub-class>]/sun_*.jpg`.

    partitions  numbers from 1 to 10: only the pictures that these name; None: all pictures there are
    root        where to look instead of LECTURE_DATA
    Splits are "train_01", "test_01", ... from the partition files (in `SUN397/Partitions`, `SUN397` or beside
    it), 50 training and 50 test pictures a class; `split(seed)` gives partition seed + 1.
    """
    folder = layout.find("sun397", root)
    listed = _read_partitions(folder)
    if partitions is not None:
        listed = {key: names for key, names in listed.items() if int(key[-2:]) in partitions}
        files = sorted(set().union(*listed.values()))
    else:
        there = (path.relative_to(folder).as_posix() for path in folder.rglob("sun_*.jpg"))
        files = sorted({*there, *(name for names in listed.values() for name in names)})
    place = {name: i for i, name in enumerate(files)}
    class_of = ["/".join(name.split("/")[1:-1]) for name in files]
    classes, labels = np.unique(np.array(class_of, dtype=str), return_inverse=True)
    return collect(
        "sun397",
        folder,
        files,
        labels,
        classes=classes.tolist(),
        splits={key: np.array([place[name] for name in names], np.int64) for key, names in listed.items()},
        protocol=protocols.published_partition,
    )


def _read_partitions(folder: Path) -> dict[str, list[str]]:
    """Split name -> files relative to `folder`, for every partition file there is."""
    home = next(
        (
            home
            for home in (folder / "Partitions", folder, folder.parent / "Partitions")
            if any(home.glob("Training_*.txt"))
        ),
        None,
    )
    listed = {}
    for part, prefix in (("train", "Training"), ("test", "Testing")):
        for file in sorted(home.glob(f"{prefix}_*.txt")) if home else ():
            lines = file.read_text(encoding="utf-8").split("\n")
            names = [line.strip().lstrip("/") for line in lines if line.strip()]
            listed[f"{part}_{file.stem[-2:]}"] = names
    return dict(sorted(listed.items(), key=lambda item: (item[0][-2:], item[0][:2] != "tr")))
