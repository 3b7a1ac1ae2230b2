"""PASCAL VOC 2007 and 2012 (Everingham et al. 2010): several objects a picture, with boxes, 20 classes.

And the action task of 2012: what people do, 10 classes, with a box a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
ACTIONS = (
    *("jumping", "phoning", "playinginstrument", "reading", "ridingbike", "ridinghorse", "running"),
    *("takingphoto", "usingcomputer", "walking"),
)
_SPLITS = ("train", "val", "trainval", "test")
# flag in <class>_<split>.txt -> the labels that agree with it; 0 is difficult, which actions are not flagged for
_AGREE = {"Main": {1: (1,), 0: (-1,), -1: (0,)}, "Action": {1: (1, -1), -1: (0, -1)}}
Annotation = tuple[Boxes, tuple[int, int]]  # the objects marked, and the picture's width and height

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
    groups = [GROUP_OF[c] for c in CLASSES]
    parts = ("train", "val") if year == 2012 else ("trainval", "test")
    return _load(name, folder, "Main", CLASSES, groups, read_annotation, parts)


def load_actions(root: str | PathLike | None = None) -> ImageCollection:
    """Load the action task of `VOCdevkit/VOC2012`, whose split files are in ImageSets/Action.

    root   as for `load`

    Labels are int8 [N, 10]: 1 where somebody in the picture does the action, -1 where all who do it are marked
    difficult, or where <action>_<split>.txt leaves the picture out, as nobody looked for that action there; else
    0. They come from the annotations and are compared with those files. A person has a box for each action: one
    who reads while walking has two equal boxes, and one who does something else ("other") has none.
    `split` gives train and val.
    """
    folder = layout.find("voc2012_action", root)
    groups = ["person"] * len(ACTIONS)
    return _load("voc2012_action", folder, "Action", ACTIONS, groups, read_actions, ("train", "val"))


def _load(
    name: str,
    folder: Path,
    task: str,
    classes: Sequence[str],
    groups: Sequence[str],
    read: Callable[[Path], Annotation],
    parts: tuple[str, str],
) -> ImageCollection:
    """Load the pictures that the split files of a task list; `parts` are the splits to train and to test on."""
    lists = folder / "ImageSets" / task
    listed = {part: _read_ids(lists / f"{part}.txt") for part in _SPLITS if (lists / f"{part}.txt").is_file()}
    if not listed:
        raise DatasetNotFound(
            f"{name}: no split file (trainval.txt, ...) in {lists}. Unpack the archive again."
        )
    ids, boxes, sizes, skipped = [], [], [], []
    for picture in sorted(set().union(*listed.values())):
        try:
            marked, size = read(folder / "Annotations" / f"{picture}.xml")
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
    labels = np.array([_label(marked, len(classes)) for marked in boxes], np.int8).reshape(-1, len(classes))
    flags = _read_flags(lists, classes)
    if task == "Action":
        for (c, part), told in flags.items():
            unseen = [place[p] for p in listed.get(part, ()) if p in place and p not in told]
            labels[unseen, c] = np.where(labels[unseen, c] == 1, 1, -1)
    _compare(name, flags, _AGREE[task], classes, place, labels)
    collection = collect(
        name,
        folder,
        [f"JPEGImages/{picture}.jpg" for picture in ids],
        labels,
        classes=classes,
        groups=groups,
        boxes=boxes,
        splits=splits,
        protocol=partial(protocols.official_split, train=parts[0], test=parts[1]),
        skipped=tuple(skipped),
    )
    _compare_sizes(name, collection.images, dict(zip(ids, sizes, strict=True)))
    return collection


def read_annotation(path: Path) -> Annotation:
    """Read one annotation file: its objects, and the picture's width and height ((0, 0) if not given).

    Raises ValueError if it is not VOC's XML or names a class that VOC does not have.
    """
    items, boxes, size = _read_objects(path)
    names = [(item.findtext("name") or "").strip() for item in items]
    unknown = sorted(set(names) - set(CLASSES))
    if unknown:
        raise ValueError(f"not a class of VOC: {', '.join(unknown)}")
    return replace(boxes, labels=[CLASSES.index(c) for c in names]), size


def read_actions(path: Path) -> Annotation:
    """Read one annotation file as `read_annotation` does, but one box for each action that a person does.

    Raises ValueError if it is not VOC's XML.
    """
    items, boxes, size = _read_objects(path)
    does = [
        (i, c)
        for i, item in enumerate(items)
        for c, action in enumerate(ACTIONS)
        if (item.findtext(f"actions/{action}") or "").strip() == "1"
    ]
    who, labels = np.array(does, np.int64).reshape(-1, 2).T
    return Boxes(boxes.xyxy[who], labels, boxes.difficult[who], boxes.truncated[who]), size


def _read_objects(path: Path) -> tuple[list[ElementTree.Element], Boxes, tuple[int, int]]:
    """Objects of an annotation file as XML and as boxes that are not yet labelled (-1), and the picture's size."""
    try:
        root = ElementTree.fromstring(path.read_bytes())
        items = root.findall("object")
        corners = [
            [float(item.findtext(f"bndbox/{key}")) for key in ("xmin", "ymin", "xmax", "ymax")]
            for item in items
        ]
        flags = {
            key: [int(item.findtext(key) or 0) == 1 for item in items] for key in ("difficult", "truncated")
        }
        size = tuple(int(root.findtext(f"size/{key}") or 0) for key in ("width", "height"))
    except (ElementTree.ParseError, TypeError, ValueError) as error:
        raise ValueError(f"not a VOC annotation: {error}") from None
    # the first pixel is 1 and xmax is the last pixel inside: as 0-based [x0, x1) that is xmin - 1 and xmax
    xyxy = np.array(corners, np.float32).reshape(-1, 4) - np.array([1, 1, 0, 0], np.float32)
    return items, Boxes(xyxy, [-1] * len(items), **flags), size


def _read_ids(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(line.split()[0] for line in lines if line.strip()))


def _read_flags(lists: Path, classes: Sequence[str]) -> dict[tuple[int, str], dict[str, int]]:
    """What <class>_<split>.txt says: (class index, split) -> picture -> its flag, or the highest of its people's.

    A line is "picture flag", in the action task "picture person flag"; splits without a file are left out.
    """
    flags = {}
    for c, label in enumerate(classes):
        for part in _SPLITS:
            file = lists / f"{label}_{part}.txt"
            if file.is_file():
                told = flags[c, part] = {}
                for line in file.read_text(encoding="utf-8").splitlines():
                    picture, *_, flag = line.split()
                    told[picture] = max(int(flag), told.get(picture, -1))
    return flags


def _label(boxes: Boxes, count: int) -> np.ndarray:
    label = np.zeros(count, np.int8)
    label[boxes.labels] = -1
    label[boxes.labels[~boxes.difficult]] = 1
    return label


def _compare(
    name: str,
    flags: Mapping[tuple[int, str], Mapping[str, int]],
    agree: Mapping[int, Sequence[int]],
    classes: Sequence[str],
    place: Mapping[str, int],
    labels: np.ndarray,
) -> None:
    """Report where the flags of the split files do not `agree` with the labels."""
    differ = [
        f"{picture} in {classes[c]}_{part}.txt"
        for (c, part), told in flags.items()
        for picture, flag in told.items()
        if picture in place and labels[place[picture], c] not in agree.get(flag, ())
    ]
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
