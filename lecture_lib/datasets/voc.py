"""PASCAL VOC 2007 and 2012 (Everingham et al. 2010): several objects a picture, with boxes, 20 classes."""

from __future__ import annotations

from functools import partial
from os import PathLike
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from lecture_lib.datasets import layout, protocols
from lecture_lib.datasets.collection import Boxes, ImageCollection
from lecture_lib.datasets.files import FileImages
from lecture_lib.datasets.folders import collect
from lecture_lib.datasets.layout import DatasetNotFound

GROUP_OF = {  # the four groups of the challenge's own description
    **dict.fromkeys(("aeroplane", "bicycle", "boat", "bus", "car", "motorbike", "train"), "vehicle"),
    **dict.fromkeys(("bird", "cat", "cow", "dog", "horse", "sheep"), "animal"),
    **dict.fromkeys(("bottle", "chair", "diningtable", "pottedplant", "sofa", "tvmonitor"), "indoor"),
    "person": "person",
}
CLASSES = tuple(sorted(GROUP_OF))  # alphabetical, the order of the challenge
_SPLITS = ("train", "val", "trainval", "test")
_NO_BOXES = Boxes([], [], [], [])

# torchvision.datasets.VOCDetection opens one split at a time and hands out the XML as nested dictionaries of
# text; the pictures of all splits are one collection here, so annotations are read directly.


def load(year: int, root: str | PathLike | None = None, name: str | None = None) -> ImageCollection:
    """Load `VOCdevkit/VOC<year>`: JPEGImages, Annotations and the split files in ImageSets/Main.

    root   where to look instead of LECTURE_DATA: the folder of VOCdevkit, or VOCdevkit itself
    name   the collection's name (default "voc<year>"): what only has VOC's layout should not be called VOC

    Labels are int8 [N, 20]: 1 where the picture shows an object of the class, -1 where all of them are marked
    difficult, else 0. They come from the annotations and are compared with the <class>_<split>.txt files, and
    what disagrees is reported. Boxes are 0-based with an exclusive end, VOC's own are 1-based and inclusive.
    `split` gives trainval and test (2012, whose test annotations are not public: train and val).
    """
    name = name or f"voc{year}"
    folder = layout.find(f"voc{year}", root)
    lists = folder / "ImageSets" / "Main"
    listed = {part: _read_ids(lists / f"{part}.txt") for part in _SPLITS if (lists / f"{part}.txt").is_file()}
    if not listed:
        raise DatasetNotFound(
            f"{name}: no split file (trainval.txt, ...) in {lists}. Unpack the archive again."
        )
    ids, boxes, sizes, skipped = [], [], [], []
    for picture in sorted(set().union(*listed.values())):
        try:
            marked, size = read_annotation(folder / "Annotations" / f"{picture}.xml")
        except (OSError, ValueError) as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else str(error)
            skipped.append((f"Annotations/{picture}.xml", reason))
            continue
        ids.append(picture)
        boxes.append(marked)
        sizes.append(size)
    place = {picture: i for i, picture in enumerate(ids)}
    splits = {
        part: np.array([place[p] for p in names if p in place], np.int64) for part, names in listed.items()
    }
    labels = np.array([_label(marked) for marked in boxes], np.int8).reshape(-1, len(CLASSES))
    _compare(name, lists, place, labels)
    collection = collect(
        name,
        folder,
        [f"JPEGImages/{picture}.jpg" for picture in ids],
        labels,
        classes=CLASSES,
        groups=[GROUP_OF[c] for c in CLASSES],
        boxes=boxes,
        splits=splits,
        protocol=partial(protocols.official_split, train="train", test="val")
        if year == 2012
        else partial(protocols.official_split, train="trainval", test="test"),
        skipped=tuple(skipped),
    )
    _compare_sizes(name, collection.images, dict(zip(ids, sizes, strict=True)))
    return collection


def read_annotation(path: Path) -> tuple[Boxes, tuple[int, int]]:
    """Read one annotation file: its objects, and the picture's width and height ((0, 0) if not given).

    Raises ValueError if it is not VOC's XML or names a class that VOC does not have.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())
        objects = root.findall("object")
        corners = [
            [float(item.findtext(f"bndbox/{key}")) for key in ("xmin", "ymin", "xmax", "ymax")]
            for item in objects
        ]
        flags = {
            key: [int(item.findtext(key) or 0) == 1 for item in objects] for key in ("difficult", "truncated")
        }
        size = tuple(int(root.findtext(f"size/{key}") or 0) for key in ("width", "height"))
    except (ElementTree.ParseError, TypeError, ValueError) as error:
        raise ValueError(f"not a VOC annotation: {error}") from None
    names = [(item.findtext("name") or "").strip() for item in objects]
    unknown = sorted(set(names) - set(CLASSES))
    if unknown:
        raise ValueError(f"not a class of VOC: {', '.join(unknown)}")
    if not objects:
        return _NO_BOXES, size
    # the first pixel is 1 and xmax is the last pixel inside: as 0-based [x0, x1) that is xmin - 1 and xmax
    xyxy = np.array(corners, np.float32) - np.array([1, 1, 0, 0], np.float32)
    return Boxes(xyxy, [CLASSES.index(c) for c in names], **flags), size


def _read_ids(file: Path) -> list[str]:
    return [line.split()[0] for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _label(boxes: Boxes) -> np.ndarray:
    label = np.zeros(len(CLASSES), np.int8)
    label[boxes.labels] = -1
    label[boxes.labels[~boxes.difficult]] = 1
    return label


def _compare(name: str, lists: Path, place: dict[str, int], labels: np.ndarray) -> None:
    """Report where the files <class>_<split>.txt (1 present, 0 difficult, -1 absent) say something else."""
    ours = {1: 1, 0: -1, -1: 0}
    differ = []
    for c, label in enumerate(CLASSES):
        for part in _SPLITS:
            file = lists / f"{label}_{part}.txt"
            for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
                picture, flag = line.split()
                i = place.get(picture)
                if i is not None and labels[i, c] != ours[int(flag)]:
                    differ.append(f"{picture} in {file.name}")
    if differ:
        print(
            f"{name}: {len(differ)} entries of the split files disagree with the annotations, the first "
            f"is {differ[0]}. The annotations are taken."
        )


def _compare_sizes(name: str, images: FileImages, sizes: dict[str, tuple[int, int]]) -> None:
    """Report pictures of another size than annotated: their boxes are somewhere else."""
    annotated = [sizes[Path(file).stem] for file in images.names]
    differ = [i for i, size in enumerate(annotated) if any(size) and size != tuple(images.sizes[i].tolist())]
    if differ:
        i = differ[0]
        print(
            f"{name}: {len(differ)} pictures are not of the annotated size, so their boxes are wrong, the first "
            f"is {images.names[i]}: {images.sizes[i].tolist()} instead of {list(annotated[i])}."
        )
