"""Pictures made from the pictures of another collection when they are asked for: views, crops of boxes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2.functional import resize

from lecture_lib import settings, store
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.images import Images, frozen_array

VERSION = 1  # part of the recipe of box crops: raise it when the same boxes would give other pixels

Cut = Callable[[Tensor, int, int], Tensor]


@dataclass(frozen=True, eq=False)
class DerivedImages:
    """Pictures cut from those of `base`, V of each; made by `derive`.

    cut     (picture uint8 [3, H, W], its index in `base`, v) -> uint8 [3, h, w]
    views   V names, of what `cut` makes for v = 0 .. V-1
    recipe  all that decides the pixels besides `base`, in a form that `store.fingerprint` takes
    rows    int64 [n], i V + v for view v of picture i
    """

    base: Images
    cut: Cut
    views: tuple[str, ...]
    recipe: Mapping[str, Any]
    rows: np.ndarray
    _read: Callable[[int], Tensor] = field(init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "rows", frozen_array(self.rows, np.int64))
        object.__setattr__(self, "_read", _remember(self.base))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> Tensor:
        i, v = divmod(int(self.rows[i]), len(self.views))
        return self.cut(self._read(i), i, v).clone()  # the next view is cut from the same pixels

    def take(self, indices: np.ndarray) -> "DerivedImages":
        """The pictures at `indices`."""
        return replace(self, rows=self.rows[indices])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """ "image_0001.jpg, top left": the name in `base` and the view's."""
        pairs = (divmod(row, len(self.views)) for row in self.rows.tolist())
        return tuple(f"{self.base.names[i]}, {self.views[v]}" for i, v in pairs)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the pictures they are cut from, of the recipe and of the rows."""
        made_by = {"base": self.base.fingerprint, "recipe": dict(self.recipe), "views": len(self.views)}
        return store.fingerprint(made_by | {"rows": self.rows})


def derive(
    images: ImageCollection, cut: Cut, views: Sequence[str], recipe: Mapping[str, Any]
) -> ImageCollection:
    """Return the collection of the pictures that `cut` makes from each picture; arguments as in `DerivedImages`.

    Picture i gives rows i V .. i V + V-1, all with its label, so features [N V, d] of the derived collection are
    `features.reshape(len(images), V, d)`. Splits and protocol are those of `images`: views of one picture are
    never on both sides. Boxes and parts are dropped, because they would lie elsewhere.

    Pictures are cut at every access; one that is read for its first view is kept until its others are cut.
    """
    count = len(views)

    def rows(indices: np.ndarray) -> np.ndarray:
        return (np.asarray(indices)[:, None] * count + np.arange(count)).ravel()

    def protocol(_, seed: int, **options) -> tuple[np.ndarray, np.ndarray]:
        train, test = images.split_indices(seed, **options)
        return rows(train), rows(test)

    return replace(
        images,
        images=DerivedImages(images.images, cut, tuple(views), recipe, np.arange(len(images) * count)),
        labels=np.repeat(images.labels, count, axis=0),
        boxes=None,
        parts=None,
        part_names=(),
        splits={name: rows(indices) for name, indices in images.splits.items()},
        protocol=protocol if images.protocol else None,
    )


def box_crops(images: ImageCollection, context: float = 1.5) -> ImageCollection:
    """Return the collection of the marked objects: each box enlarged about its centre, warped to a square.

    context  side of the enlarged box in sides of the box: 1.5 for CUB-200 in DeCAF (Donahue et al. 2014, section
             4.3), which warps to the network's input. Networks that cut the centre of a picture (224 of 256
             pixels) see the whole box from context 8/7 on
    returns  one square picture each, as large as the longer side of the enlarged box

    Where the enlarged box leaves the picture, the picture's border is repeated: clipping it instead would bring
    the object to the edge of the square, which networks cut off. Raises ValueError, with the picture's name, for
    one without a box or with several.
    """
    for i, boxes in enumerate(images.boxes or [()] * len(images)):
        if len(boxes) != 1:
            raise ValueError(
                f"{images.name}: {images.names[i]} has {len(boxes) or 'no'} boxes, and one is needed to crop it. "
                "Take the part of the collection whose pictures show one object."
            )
    xyxy = np.array([boxes.xyxy[0] for boxes in images.boxes or ()], np.float64)

    def cut(picture: Tensor, i: int, _) -> Tensor:
        height, width = picture.shape[1:]
        centre, half = (xyxy[i, :2] + xyxy[i, 2:]) / 2, (xyxy[i, 2:] - xyxy[i, :2]) / 2 * context
        (x0, y0), (x1, y1) = np.floor(centre - half), np.ceil(centre + half)  # whole pixels
        rows = torch.arange(int(y0), int(y1)).clamp(0, height - 1)
        columns = torch.arange(int(x0), int(x1)).clamp(0, width - 1)
        return resize(picture[:, rows[:, None], columns], [max(len(rows), len(columns))] * 2, antialias=True)

    return derive(
        images, cut, ["box"], {"made": "box crops", "version": VERSION, "context": context, "boxes": xyxy}
    )


def _remember(images: Images) -> Callable[[int], Tensor]:
    """Make a function that reads picture i, and keeps the latest few.

    Threads that ask for one picture at a time wait for the first of them, others do not wait.
    """
    # The last picture of an encoder's batch is also the first of the next, which another thread is at: it must
    # still be there when all batches under way have passed over it, a few pictures each.
    few = 4 * (settings.current().threads + 1)
    read = lru_cache(few)(images.__getitem__)
    locks = [Lock() for _ in range(few)]

    def remember(i: int) -> Tensor:
        with locks[i % few]:
            return read(i)

    return remember
