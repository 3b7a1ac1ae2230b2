"""The twins: drawn pictures with the labels, boxes, groups and protocols of the lecture's datasets.

Each picture is decided by its name (dataset, split, class, number), so a dataset may grow without any picture
changing. Pictures are drawn once, kept in the cache, and can be drawn again at any size for a slide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lecture_lib import store
from lecture_lib.datasets.collection import ArrayImages, Boxes, ImageCollection
from lecture_lib.datasets.protocols import few_shot, few_shot_split, official_split, published_partition
from lecture_lib.twins import anatomy, indoor, places, species, voc, world

SIZE = 64  # pixels, what twin-alexnet sees
CALTECH_PER_CLASS = 60  # 30 to train on and 30 to test on
SUN_PER_CLASS = 100  # 50 and 50, as in SUN-397's partitions
MIT_TRAIN, MIT_TEST = 80, 20  # pictures a class, as in MIT-67
CUB_PER_CLASS = 60  # 30 and 30, as in CUB-200-2011
CUB_SIZE = 128  # pixels: a crop of the bird shows what the whole picture at SIZE does not
VOC_SPLIT = 800  # pictures in each of trainval and test; VOC 2007 has about 5,000
ACTION_SPLIT = 400  # and in each of train and val of its action task
VOC_WIDTH = 160  # pixels; the height is three quarters of it
BACKGROUND = "BACKGROUND_Google"

DrawRows = Callable[[np.ndarray, int], np.ndarray]  # rows int64 [n], width -> uint8 [n, 3, H, W]


@dataclass(frozen=True, eq=False)
class TwinImages(ArrayImages):
    """Drawn pictures, which can be drawn again at another size."""

    draw: DrawRows | None = field(default=None, repr=False)

    def slide(self, i: int, width: int = 256) -> Image.Image:
        """Picture i, drawn anew at `width` pixels: the same picture, only finer."""
        row = self.rows[i : i + 1].copy()  # torch takes no read-only array as an index
        return Image.fromarray(self.draw(row, width)[0].transpose(1, 2, 0).copy())


def drawn(name: str, recipe: dict, n: int, draw: DrawRows) -> TwinImages:
    """Draw n pictures of SIZE x SIZE, or take them from the cache."""
    recipe = {"width": SIZE, **recipe}
    arrays, content = cached(name, recipe, n, lambda rows: {"pictures": draw(rows, SIZE)}, ("pictures",))
    return TwinImages(arrays["pictures"], content=content, draw=draw)


def cached(
    name: str,
    recipe: dict,
    n: int,
    draw: Callable[[np.ndarray], dict[str, np.ndarray]],
    names: tuple[str, ...],
) -> tuple[dict[str, np.ndarray], str]:
    """Arrays that `draw` makes from the rows 0 .. n-1, kept in the cache, and the fingerprint of the pictures."""
    recipe = {"twin": name, "code": world.code_version(), **recipe}

    def stream(spans, _names):
        for start, stop in spans:
            yield draw(np.arange(start, stop))

    recipes = {part: {"part": part, **recipe} for part in names}
    return store.fetch(recipes, n, stream, block=2048, progress=f"drawing {name}"), store.fingerprint(recipe)


def labelled(label: str, classes: Sequence[str], per_class: int) -> tuple[np.ndarray, Tensor]:
    """Labels int64 [N] and keys int64 [N] of `per_class` pictures a class; class by class."""
    labels = np.repeat(np.arange(len(classes)), per_class)
    return labels, torch.cat([world.keys(f"{label}/{name}", per_class) for name in classes])


def ilsvrc2012(split: str = "val", per_class: int = 20) -> ImageCollection:
    """The source task: world.SOURCE, 135 classes in 13 groups. `train` is what twin-alexnet was trained on."""
    if split not in ("train", "val"):
        raise ValueError(f"ilsvrc2012: no split {split!r}; take 'train' or 'val'.")
    classes = world.SOURCE
    names = tuple(c.name for c in classes)
    labels, keys = labelled(f"ilsvrc2012/{split}", names, per_class)

    def draw(rows: np.ndarray, width: int) -> np.ndarray:
        return world.portraits([classes[labels[i]] for i in rows], keys[rows], width)

    images = drawn(f"ilsvrc2012 {split}", {"per_class": per_class}, len(labels), draw)
    return ImageCollection(
        name="ilsvrc2012",
        source="twin",
        images=images,
        classes=names,
        groups=tuple(c.group for c in classes),
        labels=labels,
        splits={split: np.arange(len(labels))},
    )


def caltech101(background: bool = False) -> ImageCollection:
    """Object recognition: world.TARGET, classes of the source's groups that the source never showed."""
    classes = world.TARGET
    names, groups = tuple(c.name for c in classes), tuple(c.group for c in classes)
    labels, keys = labelled("caltech101", names, CALTECH_PER_CLASS)
    n_things = len(labels)
    if background:
        names, groups = (*names, BACKGROUND), (*groups, "background")
        labels = np.append(labels, np.full(CALTECH_PER_CLASS, len(classes)))
        keys = torch.cat([keys, world.keys(f"caltech101/{BACKGROUND}", CALTECH_PER_CLASS)])

    def draw(rows: np.ndarray, width: int) -> np.ndarray:
        things, empty = rows[rows < n_things], rows[rows >= n_things]
        parts = []
        if len(things):
            parts.append(world.portraits([classes[labels[i]] for i in things], keys[things], width))
        if len(empty):
            parts.append(world.backgrounds(keys[empty], width))
        return np.concatenate(parts)  # rows come in order: things first

    recipe = {"per_class": CALTECH_PER_CLASS, "background": background}
    images = drawn("caltech101", recipe, len(labels), draw)
    return ImageCollection("caltech101", "twin", images, names, labels, groups, protocol=few_shot)


def sun397() -> ImageCollection:
    """Scenes: indoor, outdoor natural and outdoor man-made places, told apart by what stands where."""
    labels, keys = labelled("sun397", places.CLASSES, SUN_PER_CLASS)

    def draw(rows: np.ndarray, width: int) -> np.ndarray:
        return places.draw([places.CLASSES[labels[i]] for i in rows], keys[rows], width)

    images = drawn("sun397", {"per_class": SUN_PER_CLASS}, len(labels), draw)
    splits = {}
    for k in range(10):  # ten partitions of 50 and 50, as published for the photographs
        splits[f"train_{k + 1:02d}"], splits[f"test_{k + 1:02d}"] = few_shot_split(
            labels, SUN_PER_CLASS // 2, seed=k
        )
    return ImageCollection(
        "sun397",
        "twin",
        images,
        places.CLASSES,
        labels,
        places.GROUPS,
        splits=splits,
        protocol=published_partition,
    )


def mit67() -> ImageCollection:
    """Indoor scenes: 25 of MIT-67's classes in its five groups; splits `train` and `test`."""
    per_class = MIT_TRAIN + MIT_TEST
    labels, keys = labelled("mit67", indoor.CLASSES, per_class)

    def draw(rows: np.ndarray, width: int) -> np.ndarray:
        return places.draw([indoor.CLASSES[labels[i]] for i in rows], keys[rows], width, indoor.SCENES)

    images = drawn("mit67", {"per_class": per_class}, len(labels), draw)
    first = np.arange(len(labels)) % per_class < MIT_TRAIN  # of its class
    return ImageCollection(
        "mit67",
        "twin",
        images,
        indoor.CLASSES,
        labels,
        indoor.GROUPS,
        splits={"train": np.flatnonzero(first), "test": np.flatnonzero(~first)},
        protocol=partial(official_split, train="train", test="test"),
    )


def cub200() -> ImageCollection:
    """Bird species, 4 in each of 9 families, with a box and part points; splits `train` and `test`.

    Pictures are CUB_SIZE pixels wide: at SIZE, which the network sees, a whole picture no longer shows the marks
    that tell the species of a family apart.
    """
    labels, keys = labelled("cub200", species.CLASSES, CUB_PER_CLASS)
    names = [species.CLASSES[c] for c in labels]

    def draw(rows: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return species.draw([names[i] for i in rows], keys[rows], width)

    parts = ("pictures", "boxes", "points")
    arrays, content = cached(
        "cub200",
        {"width": CUB_SIZE, "per_class": CUB_PER_CLASS},
        len(labels),
        lambda rows: dict(zip(parts, draw(rows, CUB_SIZE), strict=True)),
        parts,
    )
    number = np.arange(len(labels)) % CUB_PER_CLASS  # of a picture in its class
    half = CUB_PER_CLASS // 2
    return ImageCollection(
        name="cub200",
        source="twin",
        images=TwinImages(arrays["pictures"], content=content, draw=lambda rows, width: draw(rows, width)[0]),
        classes=species.CLASSES,
        groups=species.GROUPS,
        labels=labels,
        boxes=tuple(
            Boxes([box], [c], [False], [False]) for box, c in zip(arrays["boxes"], labels, strict=True)
        ),
        parts=arrays["points"],
        part_names=anatomy.PARTS,
        splits={"train": np.flatnonzero(number < half), "test": np.flatnonzero(number >= half)},
        protocol=partial(official_split, train="train", test="test"),
    )


def voc2007() -> ImageCollection:
    """Several objects a picture, with boxes; splits `trainval` and `test`."""
    return _voc("voc2007", ("trainval", "test"), VOC_SPLIT, voc.OBJECTS, voc.GROUPS)


def voc2012() -> ImageCollection:
    """As VOC 2007, with other pictures; splits `train` and `val`, as its test labels are not published."""
    return _voc("voc2012", ("train", "val"), VOC_SPLIT, voc.OBJECTS, voc.GROUPS)


def voc2012_action() -> ImageCollection:
    """What people do: 8 poses, 1 to 3 people a picture among other things; a box a person. `train` and `val`."""
    groups = {"person": tuple(voc.ACTIONS.members)}
    return _voc("voc2012_action", ("train", "val"), ACTION_SPLIT, voc.ACTIONS, groups)


def _voc(
    name: str, splits: tuple[str, str], size: int, task: voc.Task, groups: dict[str, tuple[str, ...]]
) -> ImageCollection:
    keys = torch.cat([world.keys(f"{name}/{split}", size) for split in splits])
    classes = tuple(task.members)

    def draw(rows: np.ndarray) -> dict[str, np.ndarray]:
        pictures, marks = voc.draw(keys[rows], VOC_WIDTH, task)
        return {"pictures": pictures, "marks": marks}

    arrays, content = cached(name, {"width": VOC_WIDTH}, len(keys), draw, ("pictures", "marks"))
    images = TwinImages(
        arrays["pictures"],
        content=content,
        draw=lambda rows, width: voc.draw(keys[rows], width, task)[0],
    )
    boxes, labels = [], np.zeros((len(keys), len(classes)), np.int8)
    for i, marks in enumerate(arrays["marks"]):
        marks = marks[~np.isnan(marks[:, 0])]
        marked = Boxes(marks[:, :4], marks[:, 4], marks[:, 5], marks[:, 6])
        boxes.append(marked)
        labels[i, marked.labels[marked.difficult]] = -1
        labels[i, marked.labels[~marked.difficult]] = 1
    group_of = {c: group for group, members in groups.items() for c in members}
    return ImageCollection(
        name=name,
        source="twin",
        images=images,
        classes=classes,
        groups=tuple(group_of[c] for c in classes),
        labels=labels,
        boxes=tuple(boxes),
        splits={split: np.arange(size) + k * size for k, split in enumerate(splits)},
        protocol=partial(official_split, train=splits[0], test=splits[1]),
    )
