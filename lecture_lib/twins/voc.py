"""The twin of PASCAL VOC: several objects in a picture, with boxes, truncated and difficult flags.

Two tasks, whose labels differ from the source task's in two ways ("label bias" in the lecture). Those of OBJECTS
are coarser: a VOC "dog" is any of the breeds. Those of ACTIONS are of another sort: what a person does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lecture_lib.twins.backdrop import backdrop, expose
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.compose import Placed, Sprite, draw_sprites, lay
from lecture_lib.twins.frames import Window
from lecture_lib.twins.kinds import birds, figures, quadrupeds
from lecture_lib.twins.studio import lamp
from lecture_lib.twins.world import BY_NAME, THINGS, on_all_cores, runs

MEMBERS = {
    "aeroplane": ("airliner",),
    "bicycle": ("bicycle",),
    "bird": tuple(birds.CLASSES),
    "boat": ("sailing boat", "ocean liner", "canoe"),
    "bottle": ("bottle",),
    "bus": ("bus",),
    "car": ("car", "convertible", "van", "pickup"),
    "cat": ("cat",),
    "chair": ("chair", "armchair", "rocking chair"),
    "cow": ("cow",),
    "diningtable": ("dining table",),
    "dog": tuple(quadrupeds.DOGS),
    "horse": ("horse",),
    "motorbike": ("motorbike",),
    "person": tuple(figures.CLASSES),
    "pottedplant": ("potted plant", "bonsai"),
    "sheep": ("sheep",),
    "sofa": ("sofa",),
    "train": ("locomotive", "tram"),
    "tvmonitor": ("television",),
}
CLASSES = tuple(MEMBERS)
GROUPS = {  # the four of VOC's own
    "person": ("person",),
    "animal": ("bird", "cat", "cow", "dog", "horse", "sheep"),
    "vehicle": ("aeroplane", "bicycle", "boat", "bus", "car", "motorbike", "train"),
    "indoor": ("bottle", "chair", "diningtable", "pottedplant", "sofa", "tvmonitor"),
}
PEOPLE = 4.0  # a person is so many times as frequent as any other class; in VOC 2007, about six times
_NAMED = {name for names in MEMBERS.values() for name in names}
_AROUND = ("structure, construction", "plant", "covering", "vessel")
OTHERS = tuple(c.name for c in THINGS if c.group in _AROUND and c.name not in _NAMED)  # drawn, never marked

DIFFICULT_SEEN = 0.5  # an object of which less is visible is difficult
DIFFICULT_SIDE = 0.10  # and one whose box is smaller than this, in picture widths
TRUNCATED_SEEN = 0.95  # an object of which less lies inside the picture is truncated


@dataclass(frozen=True)
class Task:
    """What the pictures of a task show, and what of it is labelled.

    members  label -> the object classes (names in `world`) that carry it
    weights  how frequent each label is, relative to the others
    others   object classes that are drawn but never marked
    upto     [a, b, ..]: shares of pictures with up to 1, 2, .. labelled objects; the rest has one more
    around   the same for unlabelled objects, with up to 0, 1, ..
    scales   smallest and largest main object, which every picture has: half its side, in picture widths
    beside   the same for the other labelled ones
    x, y     range of an object's centre, in picture widths
    variety  of individuals and views, see `draw_sprites`
    """

    members: Mapping[str, Sequence[str]]
    weights: Sequence[float]
    others: Sequence[str]
    upto: Sequence[float]
    around: Sequence[float]
    scales: tuple[float, float]
    beside: tuple[float, float]
    x: tuple[float, float]
    y: tuple[float, float]
    variety: float

    @property
    def labelled(self) -> int:
        """The most labelled objects that a picture can have."""
        return len(self.upto) + 1


OBJECTS = Task(
    members=MEMBERS,
    weights=[PEOPLE if c == "person" else 1.0 for c in CLASSES],
    others=OTHERS,
    upto=(0.32, 0.53, 0.67, 0.77, 0.84, 0.90, 0.94),
    around=(0.60, 0.90),
    scales=(0.24, 0.74),
    beside=(0.065, 0.34),
    x=(0.06, 0.94),
    y=(0.10, 0.65),
    variety=1.0,
)
ACTIONS = Task(
    members={pose: (pose,) for pose in figures.CLASSES},
    weights=[1.0] * len(figures.CLASSES),
    others=(*OTHERS, *(name for c, names in MEMBERS.items() if c != "person" for name in names)),
    upto=(0.45, 0.85),
    around=(0.10, 0.40, 0.75),
    scales=(0.20, 0.42),
    beside=(0.20, 0.42),  # the larger half, on a logarithmic scale: a pose can be seen
    x=(0.08, 0.92),  # and seldom lacks its legs or its head
    y=(0.18, 0.57),
    variety=0.4,  # more would make another pose of one
)


def arrange(keys: Tensor, task: Task = OBJECTS) -> tuple[Placed, Tensor]:
    """Decide what stands where in each picture; returns the objects and their labels (-1: none of the task's)."""
    r = Chance(keys, 7)
    weights, members = torch.tensor(task.weights), list(task.members.values())
    ends = (weights / weights.sum()).cumsum(0)
    count = torch.searchsorted(torch.tensor(task.upto), r()) + 1
    others = torch.searchsorted(torch.tensor(task.around), r())
    columns = []
    for slot in range(task.labelled + len(task.around)):
        label = torch.searchsorted(ends, r()).clamp(max=len(members) - 1)
        there = slot < count if slot < task.labelled else slot - task.labelled < others
        smallest, largest = task.beside if slot else task.scales
        scale = smallest * (largest / smallest) ** r()  # log-uniform: small objects are frequent
        if slot >= task.labelled:
            label, scale = torch.full_like(label, -1), scale * 0.7
        columns.append((there, label, r(), r(*task.x), r(*task.y), scale, r(-0.14, 0.14)))
    there, label, which, x, y, scale, angle = (torch.stack(c, 1) for c in zip(*columns, strict=True))
    # What is small is far, and laid first; what has no label never hides what has one.
    order = (scale + (label >= 0)).argsort(1)
    there, label, which, x, y, scale, angle = (
        t.gather(1, order) for t in (there, label, which, x, y, scale, angle)
    )
    picture, slot = there.nonzero(as_tuple=True)
    label, which = label[picture, slot], which[picture, slot]
    classes = []
    for c, w in zip(label.tolist(), which.tolist(), strict=True):
        names = members[c] if c >= 0 else task.others
        classes.append(BY_NAME[names[int(w * len(names))]])
    key = keys[picture] + (slot + 1) * 7_046_029_254_386_353  # far from the keys of other pictures
    return Placed(
        picture, x[picture, slot], y[picture, slot], scale[picture, slot], angle[picture, slot], key, classes
    ), label


def draw(keys: Tensor, width: int = 160, task: Task = OBJECTS) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures and mark their objects.

    returns pictures uint8 [N, 3, H, W] with H = 3/4 W, and marks float32 [N, task.labelled, 7]: x0, y0, x1, y1
    as in `Boxes`, label, difficult, truncated; unused rows are NaN. A box bounds what is visible of its object, so an
    object that others hide wholly has none.
    """
    height = width * 3 // 4
    pictures = np.empty((len(keys), 3, height, width), np.uint8)
    marks = np.full((len(keys), task.labelled, 7), np.nan, np.float32)
    window = Window(width, height)

    def work(rows: np.ndarray) -> None:
        r = Chance(keys[rows], 8)
        light, shadow = lamp(r), r(0.1, 0.6)
        placed, label = arrange(keys[rows], task)
        sprites = draw_sprites(placed, window, light[placed.picture], shadow[placed.picture], task.variety)
        for few in runs(len(rows), 16):  # so many whole pictures stay in the processor's cache
            layers = backdrop(Chance(keys[rows[few]], 1), window)
            for layer, i in zip(layers, few, strict=True):
                mine = placed.of(i)
                own = [sprites[j] for j in mine]
                found = [
                    mark(sprite, seen, height, width, int(label[j]))
                    for sprite, seen, j in zip(own, lay(layer, own), mine, strict=True)
                    if label[j] >= 0 and bool((seen > 0.5).any())
                ]
                marks[rows[i], : len(found)] = np.array(found, np.float32).reshape(-1, 7)
            pictures[rows[few]] = expose(layers, Chance(keys[rows[few]], 5), window).numpy()

    on_all_cores(work, runs(len(keys), 400))  # a run holds enough objects of each kind for a batch
    return pictures, marks


def mark(sprite: Sprite, seen: Tensor, height: int, width: int, label: int) -> tuple[float, ...]:
    """Mark one object: its box, label, difficult, truncated; `seen` [h, w] is what is visible of it."""
    rows = (seen > 0.5).any(1).nonzero()[:, 0] + sprite.top
    columns = (seen > 0.5).any(0).nonzero()[:, 0] + sprite.left
    x0, y0, x1, y1 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    top, left = max(-sprite.top, 0), max(-sprite.left, 0)
    framed = sprite.cover[top : height - sprite.top, left : width - sprite.left].sum()
    difficult = (
        bool(seen.sum() < DIFFICULT_SEEN * sprite.whole) or max(x1 - x0, y1 - y0) < DIFFICULT_SIDE * width
    )
    return x0, y0, x1, y1, label, difficult, bool(framed < TRUNCATED_SEEN * sprite.whole)
