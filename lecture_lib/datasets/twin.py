"""The twins: drawn pictures with the labels, boxes, groups and protocols of the lecture's datasets.

Each picture is decided by its name (dataset, split, class, number), so a dataset may grow without any picture
changing. Pictures are drawn once, kept in the cache, and can be drawn again at any size (`TwinImages.draw`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from lecture_lib import store
from lecture_lib.datasets import twin_retrieval
from lecture_lib.datasets.collection import Boxes, ImageCollection, labels_of
from lecture_lib.datasets.images import ArrayImages
from lecture_lib.datasets.protocols import few_shot, few_shot_split, official_split, published_partition
from lecture_lib.datasets.retrieval import RetrievalCollection
from lecture_lib.datasets.trials import drawn_trial
from lecture_lib.twins import indoor, people, places, skeleton, species, voc, world
from lecture_lib.twins import office as desks

SIZE = 128  # pixels, 256/224 of what the twin networks see, as photographs are prepared for AlexNet
CALTECH_PER_CLASS = 60  # 30 to train on and 30 to test on
SUN_PER_CLASS = 100  # 50 and 50, as in SUN-397's partitions
MIT_TRAIN, MIT_TEST = 80, 20  # pictures a class, as in MIT-67
CUB_PER_CLASS = 60  # 30 and 30, as in CUB-200-2011
CUB_SIZE = 224  # pixels: a crop of the bird shows what the whole picture at SIZE does not
VOC_SPLIT = 500  # pictures in each of trainval and test that a notebook takes; VOC 2007 has about 5,000
OFFICE_PER_CLASS = 30  # in each domain: at most 20 to train on, or 10 and 20 to test on
ACTION_SPLIT = 400  # and in each of train and val of its action task
H3D_SPLIT = 600  # people in each of train and test; the photographs show about 4,000
H3D_SIZE = 192  # pixels: at SIZE glasses would be a pixel or two
VOC_WIDTH = 160  # pixels; the height is three quarters of it
BACKGROUND = "BACKGROUND_Google"

Draw = Callable[..., tuple[np.ndarray, ...]]  # (..., width) -> uint8 [n, 3, H, W] and what belongs to it


@dataclass(frozen=True, eq=False)
class TwinImages(ArrayImages):
    """Drawn pictures, which can be drawn again at another size.

    draw   (rows int64 [n], width) -> uint8 [n, 3, H, W]
    """

    draw: Callable[[np.ndarray, int], np.ndarray] | None = field(default=None, repr=False)


def drawn(
    name: str, recipe: dict, n: int, draw: Draw, parts: Sequence[str] = (), width: int = SIZE
) -> tuple[TwinImages | np.ndarray, ...]:
    """Draw n pictures, or take them from the cache.

    recipe   what decides the pictures, besides their number, width and the drawing code
    draw     (rows int64 [n], width) -> pictures uint8 [n, 3, H, W] and an array [n, ...] for each of the `parts`
    returns  the pictures, and the array of each part
    """
    recipe = {"twin": name, "code": world.code_version(), "width": width, **recipe}
    names = ("pictures", *parts)

    def stream(spans, _names):
        for start, stop in spans:
            yield dict(zip(names, draw(np.arange(start, stop), width), strict=True))

    recipes = {part: {"part": part, **recipe} for part in names}
    pictures, *others = store.fetch(recipes, n, stream, block=2048, progress=f"drawing {name}").values()
    images = TwinImages(
        pictures, content=store.fingerprint(recipe), draw=lambda rows, width: draw(rows, width)[0]
    )
    return images, *others


def labelled(
    title: str,
    classes: Sequence[str],
    per_class: int,
    draw: Draw,
    parts: Sequence[str] = (),
    width: int = SIZE,
    **recipe,
) -> tuple:
    """Draw `per_class` pictures of each class, class by class: labels int64 [N], pictures, and each of the `parts`.

    title   "caltech101", "ilsvrc2012/train": what the pictures' names begin with
    draw    (n class names, keys int64 [n], width) -> pictures and parts, as for `drawn`
    """
    labels = np.repeat(np.arange(len(classes)), per_class)
    keys = torch.cat([world.keys(f"{title}/{name}", per_class) for name in classes])

    def draw_rows(rows: np.ndarray, width: int) -> tuple[np.ndarray, ...]:
        return draw([classes[labels[i]] for i in rows], keys[rows], width)

    recipe = {"per_class": per_class, **recipe}
    return labels, *drawn(title.replace("/", " "), recipe, len(labels), draw_rows, parts, width)


def _draw_objects(names: list[str], keys: Tensor, width: int) -> tuple[np.ndarray]:
    things = len(names) - names.count(BACKGROUND)  # rows come in order: things first
    parts = []
    if things:
        parts.append(world.portraits([world.BY_NAME[name] for name in names[:things]], keys[:things], width))
    if things < len(names):
        parts.append(world.backgrounds(keys[things:], width))
    return (np.concatenate(parts),)


def _train_and_test(n: int, per_class: int, n_train: int) -> dict[str, np.ndarray]:
    """Splits of n pictures that come class by class: the first `n_train` of each class train."""
    first = np.arange(n) % per_class < n_train
    return {"train": np.flatnonzero(first), "test": np.flatnonzero(~first)}


def ilsvrc2012(split: str = "val", per_class: int = 20) -> ImageCollection:
    """The source task: world.SOURCE, 135 classes in 13 groups. `train` is what the twin networks were trained on."""
    if split not in ("train", "val"):
        raise ValueError(f"ilsvrc2012: no split {split!r}; take 'train' or 'val'.")
    names, groups = zip(*((c.name, c.group) for c in world.SOURCE), strict=True)
    labels, images = labelled(f"ilsvrc2012/{split}", names, per_class, _draw_objects)
    splits = {split: np.arange(len(labels))}
    return ImageCollection("ilsvrc2012", "twin", images, names, labels, groups, splits=splits)


def caltech101(background: bool = False) -> ImageCollection:
    """Object recognition: world.TARGET, classes of the source's groups that the source never showed."""
    names, groups = zip(*((c.name, c.group) for c in world.TARGET), strict=True)
    if background:
        names, groups = (*names, BACKGROUND), (*groups, "background")
    labels, images = labelled("caltech101", names, CALTECH_PER_CLASS, _draw_objects, background=background)
    return ImageCollection("caltech101", "twin", images, names, labels, groups, protocol=few_shot)


def sun397() -> ImageCollection:
    """Scenes: indoor, outdoor natural and outdoor man-made places, told apart by what stands where."""
    labels, images = labelled("sun397", places.CLASSES, SUN_PER_CLASS, lambda *what: (places.draw(*what),))
    splits = {}
    for k in range(10):  # ten partitions of 50 and 50, as published for the photographs
        parts = few_shot_split(labels, SUN_PER_CLASS // 2, seed=k)
        splits |= {f"{part}_{k + 1:02d}": rows for part, rows in zip(("train", "test"), parts, strict=True)}
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
    labels, images = labelled(
        "mit67", indoor.CLASSES, per_class, lambda *what: (places.draw(*what, indoor.SCENES),)
    )
    return ImageCollection(
        "mit67",
        "twin",
        images,
        indoor.CLASSES,
        labels,
        indoor.GROUPS,
        splits=_train_and_test(len(labels), per_class, MIT_TRAIN),
        protocol=official_split,
    )


def cub200() -> ImageCollection:
    """Bird species, 4 in each of 9 families, with a box and part points; splits `train` and `test`.

    Pictures are CUB_SIZE pixels wide: at SIZE, which the network sees, a whole picture no longer shows the marks
    that tell the species of a family apart.
    """
    labels, images, boxes, points = labelled(
        "cub200", species.CLASSES, CUB_PER_CLASS, species.draw, ("boxes", "points"), CUB_SIZE
    )
    return ImageCollection(
        "cub200",
        "twin",
        images,
        species.CLASSES,
        labels,
        species.GROUPS,
        boxes=[Boxes([box], [c], [False], [False]) for box, c in zip(boxes, labels, strict=True)],
        parts=points,
        part_names=skeleton.PARTS,
        splits=_train_and_test(len(labels), CUB_PER_CLASS, CUB_PER_CLASS // 2),
        protocol=official_split,
    )


def some_birds(per_class: int = 1) -> ImageCollection:
    """The first pictures of each species of `cub200` with their boxes, to look at: the others are not drawn."""
    labels, images, corners, _ = labelled(
        "cub200", species.CLASSES, per_class, species.draw, ("boxes", "points"), CUB_SIZE
    )
    boxes = [Boxes([box], [c], [False], [False]) for box, c in zip(corners, labels, strict=True)]
    return ImageCollection("cub200", "twin", images, species.CLASSES, labels, species.GROUPS, boxes=boxes)


def h3d() -> ImageCollection:
    """Nine attributes of people, with a box and part points; splits `train` and `test`.

    Labels int8 [N, 9]: 1 yes, 0 no, -1 where it is not to be seen (0 in the published files); such people count
    neither as right nor as wrong. A box has no class (-1).
    """
    keys = torch.cat([world.keys(f"h3d/{split}", H3D_SPLIT) for split in ("train", "test")])
    images, boxes, points, labels = drawn(
        "h3d",
        {"split": H3D_SPLIT},
        len(keys),
        lambda rows, width: people.draw(keys[rows], width),
        ("boxes", "points", "labels"),
        H3D_SIZE,
    )
    return ImageCollection(
        "h3d",
        "twin",
        images,
        people.ATTRIBUTES,
        labels,
        boxes=[Boxes([box], [-1], [False], [False]) for box in boxes],
        parts=points,
        part_names=people.POINTS,
        splits={"train": np.arange(H3D_SPLIT), "test": np.arange(H3D_SPLIT) + H3D_SPLIT},
        protocol=official_split,
    )


def clothing() -> ImageCollection:
    """There is none: `h3d` draws people with attributes. Raises DatasetNotFound, which says so."""
    from lecture_lib.datasets.layout import (
        DatasetNotFound,
    )  # here: recorded numbers of other chapters reach this file

    raise DatasetNotFound(
        'clothing has no twin: load("h3d") draws dressed people; the photographs are read in the real profile.'
    )


def voc2007(pictures: int = VOC_SPLIT) -> ImageCollection:
    """Several objects a picture, with boxes; splits `trainval` (`train` and `val`) and `test`.

    pictures  in each of trainval and test; the first hundred of a split are the same in one of any size
    """
    images = _voc("voc2007", ("trainval", "test"), pictures, voc.OBJECTS, voc.GROUPS)
    half = pictures // 2
    parts = {"train": np.arange(half), "val": np.arange(half, pictures)}
    return replace(images, splits=images.splits | parts)


def voc2012() -> ImageCollection:
    """As VOC 2007, with other pictures; splits `train` and `val`, as its test labels are not published."""
    return _voc("voc2012", ("train", "val"), VOC_SPLIT, voc.OBJECTS, voc.GROUPS)


def voc2012_action() -> ImageCollection:
    """What people do: 8 poses, 1 to 3 people a picture among other things; a box a person. `train` and `val`."""
    groups = {"person": tuple(voc.ACTIONS.members)}
    return _voc("voc2012_action", ("train", "val"), ACTION_SPLIT, voc.ACTIONS, groups)


def office31() -> ImageCollection:
    """Domain adaptation: classes that the source task lacks, in three domains, which are the splits."""
    pairs = [f"{domain}/{name}" for domain in desks.DOMAINS for name in desks.CLASSES]
    which, images = labelled("office31", pairs, OFFICE_PER_CLASS, lambda *what: (desks.draw(*what),))
    domain, labels = np.divmod(which, len(desks.CLASSES))
    return ImageCollection(
        "office31",
        "twin",
        images,
        desks.CLASSES,
        labels,
        desks.GROUPS,
        splits={name: np.flatnonzero(domain == i) for i, name in enumerate(desks.DOMAINS)},
        protocol=drawn_trial,
    )


def _voc(
    name: str, splits: tuple[str, str], size: int, task: voc.Task, groups: dict[str, tuple[str, ...]]
) -> ImageCollection:
    keys = torch.cat([world.keys(f"{name}/{split}", size) for split in splits])

    def draw(rows: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
        return voc.draw(keys[rows], width, task)

    images, marks = drawn(name, {"split": size}, len(keys), draw, ("marks",), VOC_WIDTH)
    marked = [rows[~np.isnan(rows[:, 0])] for rows in marks]
    boxes = [Boxes(rows[:, :4], rows[:, 4], rows[:, 5], rows[:, 6]) for rows in marked]
    group_of = {c: group for group, members in groups.items() for c in members}
    return ImageCollection(
        name,
        "twin",
        images,
        tuple(task.members),
        labels_of(boxes, len(task.members)),
        tuple(group_of[c] for c in task.members),
        boxes=boxes,
        splits={split: np.arange(size) + k * size for k, split in enumerate(splits)},
        protocol=partial(official_split, train=splits[0], test=splits[1]),
    )


def oxford5k(**options) -> RetrievalCollection:
    """Buildings of eleven landmarks, see `twin_retrieval.oxford5k`."""
    return _retrieval("oxford5k", **options)


def paris6k(**options) -> RetrievalCollection:
    """Buildings of eleven other landmarks, see `twin_retrieval.paris6k`."""
    return _retrieval("paris6k", **options)


def sculptures6k(**options) -> RetrievalCollection:
    """Smooth sculptures before clutter, see `twin_retrieval.sculptures6k`."""
    return _retrieval("sculptures6k", **options)


def holidays() -> RetrievalCollection:
    """Places, two to four snapshots each, see `twin_retrieval.holidays`."""
    return _retrieval("holidays")


def ukbench() -> RetrievalCollection:
    """Objects on a table in groups of four, see `twin_retrieval.ukbench`."""
    return _retrieval("ukbench")


def _retrieval(name: str, **options) -> RetrievalCollection:
    return getattr(twin_retrieval, name)(drawn, **options)
