"""Photographs as vectors, without the photographs: what the project's encoders make of them, shipped in data/features.

    voc = datasets.vectors("voc2007")
    train, test = voc.split_indices()
    phi = voc.x["squeezenet1_1 DeCAF7"]            # float32 [2000, 512]
    probe = choose(svm, phi[train], voc.labels[train]).probe

So classifiers train on photographs in the default profile, too. In the real profile the same call computes the vectors
from the photographs at hand. `python -m lecture_lib.features` makes the files: a folder a dataset, in it safetensors
with a byte a number, one an encoding, and a JSON of names and of what made them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from safetensors.numpy import load_file, save_file
from torch import Tensor

from lecture_lib import settings
from lecture_lib.datasets import protocols
from lecture_lib.datasets.collection import Boxes, ImageCollection
from lecture_lib.datasets.layout import DatasetNotFound

SHIPPED = settings.PACKAGE_DATA / "features"
BOXES = ("xyxy", "labels", "difficult", "truncated")


@dataclass(frozen=True, eq=False)
class Vectors:
    """What encoders make of the photographs of one dataset.

    images  the collection: names, labels, splits and boxes; its pictures only where they are at hand
    x       encoding, such as "squeezenet1_1 DeCAF7" -> float32 [N, d], most of length 1 or a little less; NaN where
            an encoding is of some pictures only
    about   what made them: for the files, command, date, versions, and of each encoding weights, layer and the rest
    """

    images: ImageCollection
    x: Mapping[str, np.ndarray]
    about: Mapping[str, Any]
    source: ClassVar[str] = "photographs"

    def __repr__(self) -> str:
        return f"<{self.name} (vectors of photographs): {len(self.labels):,} pictures, {', '.join(self.x)}>"

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.images.name

    @property
    def labels(self) -> np.ndarray:
        """int64 [N], or int8 [N, C], as in ImageCollection."""
        return self.images.labels

    @property
    def classes(self) -> tuple[str, ...]:
        """C class names."""
        return self.images.classes

    @property
    def groups(self) -> tuple[str, ...]:
        """C group names."""
        return self.images.groups

    @property
    def splits(self) -> Mapping[str, np.ndarray]:
        """The dataset's own splits: name -> int64 indices."""
        return self.images.splits

    def split_indices(self, seed: int = 0, **options) -> tuple[np.ndarray, np.ndarray]:
        """Train and test indices of the dataset's evaluation protocol, as in ImageCollection."""
        return self.images.split_indices(seed, **options)


@dataclass(frozen=True)
class NotHere:
    """Pictures of which only the names are here."""

    names: Sequence[str]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, i: int) -> Tensor:
        raise DatasetNotFound(
            f"{self.names[i]}: the photographs themselves are not part of the project. Where you have them, "
            'lecture_lib.use("real") shows them.'
        )

    def take(self, indices: np.ndarray) -> "NotHere":
        """The pictures at `indices`."""
        return NotHere([self.names[i] for i in indices], f"{self.fingerprint} {list(indices)}")


def vectors(name: str) -> Vectors:
    """Return the vectors of a dataset's photographs: "voc2007", "caltech101", "office31", "cub200", "clothing".

    As shipped in the demo profile; in the real one computed from the photographs at hand and kept in the cache. Raises
    ValueError for a dataset that has none, DatasetNotFound in the real profile where the photographs are missing.
    """
    there = sorted(folder.name for folder in SHIPPED.iterdir())
    if name not in there:
        raise ValueError(f"There are no vectors of {name!r}; there are some of {', '.join(there)}.")
    if settings.current().profile == "demo":
        return read(SHIPPED / name)
    return import_module("lecture_lib.features").compute(name)  # which stands above, with the encoders


def read(folder: Path) -> Vectors:
    """Read what `write` has written."""
    text = json.loads((folder / "about.json").read_text("utf-8"))
    arrays = load_file(folder / "pictures.safetensors")
    boxes = None
    if "picture" in arrays:
        cuts = np.searchsorted(arrays["picture"], np.arange(1, len(text["names"])))
        columns = (np.split(arrays[f"boxes/{part}"], cuts) for part in BOXES)
        boxes = tuple(Boxes(*of_picture) for of_picture in zip(*columns, strict=True))
    splits = {key.removeprefix("splits/"): a for key, a in arrays.items() if key.startswith("splits/")}
    protocol = protocols.few_shot
    if splits:
        protocol = partial(protocols.official_split, train="trainval", test="test")
    images = ImageCollection(
        text["dataset"],
        "real",
        NotHere(text["names"], text["fingerprint"]),
        tuple(text["classes"]),
        arrays["labels"],
        tuple(text["groups"]),
        boxes=boxes,
        splits=splits,
        protocol=protocol,
    )
    x = {}
    for name in text["about"]["encodings"]:
        of = load_file(folder / f"{name}.safetensors")
        x[name] = np.full((len(images), len(of["step"])), np.nan, np.float32)
        x[name][of.get("rows", slice(None))] = of["x"] * of["step"] + of["least"]
    return Vectors(images, x, text["about"])


def write(vectors: Vectors, folder: Path) -> None:
    """Write vectors, a file an encoding, a byte a number: each column from least to largest in 255 equal steps.

    Rows of NaN are left out.
    """
    images = vectors.images
    arrays = {"labels": images.labels} | {f"splits/{key}": rows for key, rows in images.splits.items()}
    if images.boxes is not None:
        arrays["picture"] = np.repeat(np.arange(len(images)), [len(of) for of in images.boxes])
        for part in BOXES:
            arrays[f"boxes/{part}"] = np.concatenate([getattr(of, part) for of in images.boxes])
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {key: np.ascontiguousarray(array) for key, array in arrays.items()}, folder / "pictures.safetensors"
    )
    for name, x in vectors.x.items():
        rows = np.flatnonzero(np.isfinite(x[:, 0]))
        least, step = x[rows].min(0), np.ptp(x[rows], axis=0) / 255
        packed = ((x[rows] - least) / np.where(step > 0, step, 1)).round().astype(np.uint8)
        some = {"rows": rows.astype(np.int32)} if len(rows) < len(x) else {}
        save_file({"x": packed, "least": least, "step": step} | some, folder / f"{name}.safetensors")
    text = {
        "dataset": images.name,
        "about": vectors.about,
        "classes": images.classes,
        "groups": images.groups,
    }
    text |= {"fingerprint": images.images.fingerprint, "names": list(images.names)}
    (folder / "about.json").write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n", "utf-8")
