"""The lecture's datasets: photographs in their original layouts, or their drawn twins.

caltech = datasets.load("caltech101")      # the twin in the demo profile, photographs in the real one
train, test = caltech.split(seed=0)
mine = datasets.folder("my-pictures")      # one folder a class
voc = datasets.vectors("voc2007")          # photographs as vectors, in either profile
datasets.fetch("caltech101")               # download the original archives, once

The names: "ilsvrc2012", "caltech101" (101 object classes), "sun397" and "mit67" (scenes), "cub200" (bird species
with boxes and part points), "voc2007" and "voc2012" (several objects a picture, with boxes), "voc2012_action"
(what people do, with a box a person), "office31" (the same classes in three domains), "h3d" (nine attributes of
people, with a box) and "clothing" (those of whole pictures; it has no twin). To search in: "oxford5k" and "paris6k"
(buildings), "sculptures6k", "holidays" (places), "ukbench" (objects in groups of four).

To add a dataset, touch three files: data/datasets.toml (a table: its folder, its loader, its archives), a loader
(name, folder, **options) that ends in `collect` (in folders.py, or a module of its own) and `twin.py` (a function of
the dataset's name that draws its twin; those to search in are drawn by twin_retrieval.py). What has the layout of a
dataset that is there needs the table alone.
"""

from collections.abc import Sequence
from importlib import import_module
from os import PathLike

from lecture_lib import settings
from lecture_lib.datasets import layout
from lecture_lib.datasets.collection import Boxes, ImageCollection
from lecture_lib.datasets.derived import box_crops
from lecture_lib.datasets.folders import folder
from lecture_lib.datasets.images import ArrayImages
from lecture_lib.datasets.layout import DatasetNotFound, fetch, read_groups
from lecture_lib.datasets.reading import UnreadablePicture
from lecture_lib.datasets.vectors import Vectors, vectors


def load(name: str, /, root: str | PathLike | None = None, **options) -> ImageCollection:
    """Load a dataset: its twin in the demo profile, its photographs in the real one.

    name      one of those above
    root      the folder to look in instead of LECTURE_DATA, or the dataset's own; asks for photographs in either
              profile
    options   those of the dataset's loader, for example background=True for Caltech-101
    """
    layout.check_name(name)
    if settings.current().profile == "demo" and root is None:
        from lecture_lib.datasets import twin  # here, because the renderer is not needed for photographs

        return getattr(twin, name)(**options)
    module, function = layout.LAYOUT[name]["loader"].split(".")
    read = getattr(import_module(f"{__name__}.{module}"), function)
    return read(name, layout.find(name, root), **options)


def load_available(*names: str) -> dict[str, ImageCollection]:
    """Load those of the datasets that are on this machine; the others are named, with how to get them."""
    found = {}
    for name in names:
        try:
            found[name] = load(name)
        except DatasetNotFound as missing:
            print(f"left out: {missing}")
    return found


def source_classes(images: ImageCollection, source: Sequence[str]) -> list[list[int]]:
    """Which classes of the source task belong to each class of a collection ("dog": 118 breeds); C lists.

    source   names of the source task's classes: `net.classes`, or those of load("ilsvrc2012")
    returns  for each of `images.classes` indices of `source`, none where the source has no such class

    The twin's objects say it themselves. For photographs in VOC's layout it is written down in
    data/groups/ilsvrc2012.csv, as Oquab et al. 2014 (section 3.3, "label bias") need it for VOC's 20 classes.
    """
    if images.source == "twin":
        from lecture_lib.twins.voc import MEMBERS  # here, because the renderer is not needed for photographs

        target = {member: name for name, members in MEMBERS.items() for member in members}
    else:
        target = read_groups("ilsvrc2012")
    names = [name.split(",")[0] for name in source]  # Caffe's networks name "cock, rooster"
    return [[i for i, name in enumerate(names) if target.get(name) == c] for c in images.classes]
