"""PASCAL VOC 2007 and 2012 (Everingham et al. 2010): several objects a picture, with boxes, 20 classes.

And the action task of 2012: what people do, 10 classes, with a box a person.
"""

from functools import partial
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from lecture_lib.datasets import protocols
from lecture_lib.datasets.collecting import collect, index
from lecture_lib.datasets.collection import Boxes, ImageCollection, labels_of
from lecture_lib.datasets.files import read_lines
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

# torchvision.datasets.VOCDetection opens one split at a time and hands out the XML as nested dictionaries of
# text; the pictures of all splits are one collection here, so annotations are read directly.


def load(name: str, folder: Path) -> ImageCollection:
    """Load `VOCdevkit/VOC<year>`: JPEGImages, Annotations and the split files in ImageSets/Main.

    Labels are int8 [N, 20]: 1 where the picture shows an object of the class, -1 where all of them are marked
    difficult, else 0. They come from the annotations, of which the <class>_<split>.txt files are an extract (a test
    compares them). Boxes are 0-based with an exclusive end, VOC's own are 1-based and inclusive.
    `split` gives trainval and test (2012, whose test annotations are not public: train and val). Lists of other lengths
    than the published ones are an own split, and the collection's title says so.

    "voc2012_action" is the action task, whose split files are in ImageSets/Action. Its labels are int8 [N, 10], -1
    also where <action>_<split>.txt leaves the picture out, as nobody looked for that action there. A person has a
    box for each action: one who reads while walking has two equal boxes, and one who does something else ("other")
    has none.
    """
    task = "Action" if name == "voc2012_action" else "Main"
    classes = ACTIONS if task == "Action" else CLASSES
    lists = folder / "ImageSets" / task
    listed = {
        part: [line.split()[0] for line in read_lines(lists / f"{part}.txt")]
        for part in _SPLITS
        if (lists / f"{part}.txt").is_file()
    }
    if not listed:
        raise DatasetNotFound(
            f"{name}: no split file (trainval.txt, ...) in {lists}. Unpack the archive again."
        )
    ids, splits = index(listed)
    boxes, sizes, broken = [Boxes([], [], [], [])] * len(ids), np.zeros((len(ids), 2)), {}
    for i, picture in enumerate(ids):
        try:
            boxes[i], sizes[i] = read_annotation(folder / "Annotations" / f"{picture}.xml", task)
        except (OSError, ValueError) as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else str(error)
            broken[i] = f"Annotations/{picture}.xml", reason
    labels = labels_of(boxes, len(classes))
    if task == "Action":
        for (c, label), part in product(enumerate(classes), splits):
            file = lists / f"{label}_{part}.txt"
            if file.is_file():  # in a picture that it leaves out, nobody looked for that action
                seen = {line.split()[0] for line in read_lines(file)}
                unseen = [i for i in splits[part] if ids[i] not in seen]
                labels[unseen, c] = np.where(labels[unseen, c] == 1, 1, -1)
    # the test labels of 2012 were never published; and some lists are without a test part
    with_test = "test" in splits and folder.name != "VOC2012"
    train, test = ("trainval", "test") if with_test else ("train", "val")
    return collect(
        name,
        folder,
        [f"JPEGImages/{picture}.jpg" for picture in ids],
        labels,
        classes,
        [GROUP_OF.get(label, "person") for label in classes],
        boxes=boxes,
        splits=splits,
        protocol=partial(protocols.official_split, train=train, test=test),
        broken=broken,
        sizes=sizes,
    )


def read_annotation(path: Path, task: str = "Main") -> tuple[Boxes, list[float]]:
    """Read one annotation file: its objects, and the picture's width and height (0 if not given).

    task   "Main": a box for each object; "Action": one for each action that a person does
    Raises ValueError if it is not VOC's XML or names a class that VOC does not have.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())
        for item in root.iter():
            item.tag = item.tag.rpartition("}")[2]  # some programs write a namespace
        if root.tag != "annotation":
            raise ValueError(f"it begins with <{root.tag}>")
        items = root.findall("object")
        corners = [
            [float(item.findtext(f"bndbox/{key}")) for key in ("xmin", "ymin", "xmax", "ymax")]
            for item in items
        ]
    # LookupError: an encoding that nobody knows; TypeError: no corner
    except (ElementTree.ParseError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"not a VOC annotation: {error}") from None
    # the first pixel is 1 and xmax is the last pixel inside: as 0-based [x0, x1) that is xmin - 1 and xmax
    xyxy = np.array(corners, np.float32).reshape(-1, 4) - np.array([1, 1, 0, 0], np.float32)
    if task == "Action":
        does = [[c for c, a in enumerate(ACTIONS) if _number(item, f"actions/{a}") == 1] for item in items]
    else:
        names = [(item.findtext("name") or "").strip() for item in items]
        unknown = sorted(set(names) - set(CLASSES))
        if unknown:
            raise ValueError(f"not a class of VOC: {', '.join(unknown)}")
        does = [[CLASSES.index(label)] for label in names]
    pairs = [(i, c) for i, labels in enumerate(does) for c in labels]
    rows, labels = np.array(pairs, np.int64).reshape(-1, 2).T
    difficult, truncated = (
        np.array([_number(item, key) == 1 for item in items], bool)[rows]
        for key in ("difficult", "truncated")
    )
    size = [_number(root, f"size/{key}") for key in ("width", "height")]
    return Boxes(xyxy[rows], labels, difficult, truncated), size


def _number(item: ElementTree.Element, key: str) -> float:
    """A number that need not be there; 0 also for "Unspecified" and other words."""
    try:
        return float(item.findtext(key))
    except (TypeError, ValueError):
        return 0.0
