"""One small immutable type for a set of labelled pictures, and for the objects marked in one of them.

`ImageCollection` is what every loader returns, photographs and twins alike. Its `images` answer to the protocol
`Images` of `images.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lecture_lib.datasets.images import Images, frozen_array
from lecture_lib.datasets.reading import printable

TITLES = {"voc2007": "VOC 2007", "voc2012": "VOC 2012"}
PUBLISHED = {  # the lists that the protocol trains and tests on, of so many pictures
    "cub200": {"train": 5_994, "test": 5_794},
    "mit67": {"train": 5_360, "test": 1_340},
    "voc2007": {"trainval": 5_011, "test": 4_952},
    "voc2012": {"train": 5_717, "val": 5_823},
}
Index = np.ndarray | slice | Sequence[int] | Sequence[bool]


@dataclass(frozen=True, eq=False)
class Boxes:
    """The objects marked in one picture.

    xyxy       float32 [n, 4]   x0, y0, x1, y1 in pixels: 0-based, x1 and y1 exclusive, so width = x1 - x0
    labels     int64 [n]        class index
    difficult  bool [n]         VOC's mark for objects that neither count as found nor as missed
    truncated  bool [n]         the object goes on outside its box
    """

    xyxy: np.ndarray
    labels: np.ndarray
    difficult: np.ndarray
    truncated: np.ndarray

    def __post_init__(self):
        n = len(self.labels)
        types = {"xyxy": np.float32, "labels": np.int64, "difficult": bool, "truncated": bool}
        for name, dtype in types.items():
            shape = (n, 4) if name == "xyxy" else (n,)
            object.__setattr__(self, name, frozen_array(getattr(self, name), dtype, shape, f"Boxes.{name}"))

    def __len__(self) -> int:
        return len(self.labels)

    def of_class(self, c: int) -> np.ndarray:
        """The boxes of one class, without difficult ones: float32 [n, 4]."""
        return self.xyxy[(self.labels == c) & ~self.difficult]


def labels_of(boxes: Sequence[Boxes], n_classes: int) -> np.ndarray:
    """What the objects of each picture make of it, int8 [N, C]: 1 present, -1 all of them difficult, 0 absent."""
    labels = np.zeros((len(boxes), n_classes), np.int8)
    for row, marked in zip(labels, boxes, strict=True):
        row[marked.labels] = -1
        row[marked.labels[~marked.difficult]] = 1
    return labels


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The areas that boxes [m, 4] share with others [n, 4]: float [m, n]."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return (high - low).clip(min=0).prod(-1)


def box_fault(box: np.ndarray, width: float, height: float) -> str:
    """Say what is wrong with a box [4] = x0, y0, x1, y1 that has no pixel in a picture of this size; "" if it has."""
    x0, y0, x1, y1 = box.tolist()
    if not (x0 < x1 and y0 < y1):  # also if one is not a number
        what = "has no area"
    elif min(x1, y1, width - x0, height - y0) <= 0:
        what = "is not inside the picture"
    else:
        return ""
    return f"the box x {x0:g} .. {x1:g}, y {y0:g} .. {y1:g} {what}"


@dataclass(frozen=True, eq=False)
class ImageCollection:
    """Labelled pictures of one dataset, or a part of them.

    name      "caltech101", ...
    source    "twin" for drawn pictures, "real" for photographs: a number made from one must not be shown as
              one made from the other
    images    the pictures
    classes   C class names
    labels    int64 [N], the class of each picture (-1: unlabelled); or, where a picture can show several,
              int8 [N, C]: 1 present, 0 absent, -1 present only as `difficult` (neither right nor wrong)
    groups    C group names ("bird", "vehicle", ...), "" where the dataset has none
    boxes     one `Boxes` a picture, or None
    parts     float32 [N, P, 3], points on the object: x and y in pixels of the picture (0-based), and 1 where
              the point is visible; a hidden point is (0, 0, 0). Or None
    part_names  P names ("beak", "left wing", ...)
    splits    the dataset's official splits: name -> int64 indices; a part of a collection has none
    protocol  draws the evaluation protocol's split: (collection, seed, **options) -> train and test indices
    skipped   (file, reason) of each picture that could not be read, which is why it is not in `images`

    All arrays are read-only, and all names are one line of text that can be printed and drawn.
    """

    name: str
    source: Literal["twin", "real"]
    images: Images
    classes: tuple[str, ...]
    labels: np.ndarray
    groups: tuple[str, ...] = ()
    boxes: tuple[Boxes, ...] | None = None
    parts: np.ndarray | None = None
    part_names: tuple[str, ...] = ()
    splits: Mapping[str, np.ndarray] = field(default_factory=dict)
    protocol: Callable[..., tuple[np.ndarray, np.ndarray]] | None = None
    skipped: tuple[tuple[str, str], ...] = ()

    def __post_init__(self):
        n, c = len(self.images), len(self.classes)
        several = np.ndim(self.labels) == 2
        shape, dtype, most = ((n, c), np.int8, 1) if several else ((n,), np.int64, c - 1)
        labels = frozen_array(self.labels, dtype, shape, f"{self.name}: labels")
        groups = tuple(self.groups) or ("",) * c
        boxes = None if self.boxes is None else tuple(self.boxes)
        parts = self.parts
        if parts is not None:
            parts = frozen_array(parts, np.float32, (n, len(self.part_names), 3), f"{self.name}: parts")
        splits = {key: frozen_array(indices, np.int64) for key, indices in self.splits.items()}
        for what, there, expected in (("group names", groups, c), ("sets of boxes", boxes, n)):
            if there is not None and len(there) != expected:
                raise ValueError(f"{self.name}: {len(there)} {what} for {n} pictures of {c} classes.")
        ranges = {"labels": (labels, -1, most)} | {
            f"split {key!r}": (a, 0, n - 1) for key, a in splits.items()
        }
        for what, (array, low, high) in ranges.items():
            if array.size and not low <= array.min() <= array.max() <= high:
                raise ValueError(f"{self.name}: {what}: {array.min()} to {array.max()}, not {low} to {high}.")
        checked = {"labels": labels, "boxes": boxes, "parts": parts, "splits": splits}
        checked |= {"name": printable(self.name), "groups": tuple(map(printable, groups))}
        checked |= {key: tuple(map(printable, getattr(self, key))) for key in ("classes", "part_names")}
        for key, value in checked.items():
            object.__setattr__(self, key, value)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        splits = "".join(f", {key} {len(indices):,}" for key, indices in self.splits.items())
        if len(self.splits) > 4:  # SUN-397 has twenty
            splits = f", {len(self.splits)} splits"
        return f"<{self.name} ({self.source}): {len(self):,} pictures of {len(self.classes)} classes{splits}>"

    def __getitem__(self, which: Index) -> "ImageCollection":
        """The part at an index array, a slice or a boolean mask. It has all classes and no splits."""
        if isinstance(which, (int, np.integer)):
            raise TypeError(f"One picture is .tensor({which}) or .pil({which}); [...] takes a part of them.")
        if not isinstance(which, slice) and not len(which):
            which = slice(0)  # an empty list is float64 to NumPy
        indices = np.arange(len(self))[which if isinstance(which, slice) else np.asarray(which)]
        return replace(
            self,
            images=self.images.take(indices),
            labels=self.labels[indices],
            boxes=None if self.boxes is None else tuple(self.boxes[i] for i in indices),
            parts=None if self.parts is None else self.parts[indices],
            splits={},
            protocol=None,
            skipped=(),
        )

    @property
    def names(self) -> Sequence[str]:
        """One name a picture: a file, or "twin 17"."""
        return self.images.names

    @property
    def title(self) -> str:
        """What tables call it: "VOC 2007", or "VOC 2007, own split of 2,000" if its lists are not the published ones.

        Those of a part are not. Twins go by their name.
        """
        if self.source == "twin":
            return f"{self.name} twin"
        title, published = TITLES.get(self.name, self.name), PUBLISHED.get(self.name, {})
        unread = len(self.skipped)
        own = any(not n - unread <= len(self.splits.get(key, ())) <= n for key, n in published.items())
        return f"{title}, own split of {len(self):,}" if own else title

    @property
    def multi_label(self) -> bool:
        """Whether a picture can show several classes (labels [N, C])."""
        return self.labels.ndim == 2

    def tensor(self, i: int) -> Tensor:
        """Picture i as uint8 [3, H, W], RGB."""
        return self.images[i]

    def pil(self, i: int) -> Image.Image:
        """Picture i as a PIL image, RGB."""
        return Image.fromarray(self.images[i].permute(1, 2, 0).contiguous().numpy())

    def stack(self) -> Tensor:
        """All pictures in one tensor, uint8 [N, 3, H, W]; they must be of one size."""
        return torch.stack([self.tensor(i) for i in range(len(self))])

    def split_indices(self, seed: int = 0, **options) -> tuple[np.ndarray, np.ndarray]:
        """Train and test indices (int64) of the dataset's evaluation protocol; `seed` numbers the splits.

        Encode the whole collection once, then index its features with these: no feature is computed twice.
        The options are those of the dataset's protocol (see protocols.py).
        """
        if self.protocol is None:
            raise ValueError(
                f"{self.name}: no evaluation protocol. Split the whole collection, not a part of it, or take "
                "protocols.few_shot_split(labels, train_per_class, seed=...)."
            )
        return self.protocol(self, seed, **options)

    def split(self, seed: int = 0, **options) -> tuple["ImageCollection", "ImageCollection"]:
        """Train and test part of the dataset's evaluation protocol; see `split_indices`."""
        train, test = self.split_indices(seed, **options)
        return self[train], self[test]
