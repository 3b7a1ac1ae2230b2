"""Two disjoint halves of the source classes, A and B, and the pictures of one, as a net is trained on them and tested.

Each picture goes in whole, always the same way: frozen layers say the same of it in every epoch. A drawn world makes up
for that with more pictures, of which none has to be shown often.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2.functional import resize

from lecture_lib import datasets, store
from lecture_lib.chapters.how_transferable.nets import SIDE
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders.parallel import in_order
from lecture_lib.training.pretrain import standardise

PER_CLASS, TEST_PER_CLASS = 400, 50  # pictures of a class
# groups; others are man-made
NATURAL = {"invertebrate", "bird", "hunting dog", "mammal", "fish", "plant", "reptile"}


@dataclass(frozen=True, eq=False)
class Task:
    """A half of the classes, K of them: what a net learns and what it is tested on.

    classes          int64 [K], of the collection; labels are 0 .. K-1
    train, test      uint8 [N, 3, S, S] and [m, 3, S, S]
    y_train, y_test  int64 [N] and [m]
    see              maps uint8 [B, 3, S, S] to what the net takes, float32
    fingerprint      names all of it
    """

    classes: np.ndarray
    train: Tensor
    y_train: Tensor
    test: Tensor
    y_test: Tensor
    see: Callable[[Tensor], Tensor]
    fingerprint: str


def source() -> tuple[ImageCollection, ImageCollection]:
    """Load the source task's pictures, to train on and to test with: drawings, or ILSVRC-2012 in the profile real.

    Raises DatasetNotFound where ILSVRC-2012 is not on this machine.
    """
    train = datasets.load("ilsvrc2012", split="train", per_class=PER_CLASS)
    return train, datasets.load("ilsvrc2012", split="val", per_class=TEST_PER_CLASS)


def dissimilar(images: ImageCollection, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw as many natural classes as man-made ones, and as many of both as there are of the fewer: int64 [K] each."""
    natural = np.array([group in NATURAL for group in images.groups])
    kinds = np.flatnonzero(natural), np.flatnonzero(~natural)
    size, rng = min(map(len, kinds)), np.random.default_rng(seed)
    a, b = (np.sort(rng.permutation(kind)[:size]) for kind in kinds)
    return a, b


def split(images: ImageCollection, seed: int, size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Draw two disjoint sets of `size` classes (default: half of all), int64 [K] each."""
    size = size or len(images.classes) // 2
    order = np.random.default_rng(seed).permutation(len(images.classes))
    return np.sort(order[:size]), np.sort(order[size : 2 * size])


def squash(images: ImageCollection, i: int) -> Tensor:
    """Bring picture i to the square that a net of `nets.build` takes: uint8 [3, SIDE, SIDE]."""
    return resize(images.tensor(i), [SIDE, SIDE], antialias=True)


def task(
    train: ImageCollection,
    test: ImageCollection,
    classes: np.ndarray,
    prepare: Callable[[ImageCollection, int], Tensor] = squash,
    see: Callable[[Tensor], Tensor] = standardise,
) -> Task:
    """Take the pictures of some classes (int64 [K]); `prepare` brings each to the square that the net takes.

    Raises ValueError where a class has no picture to train on or none to test with.
    """
    found = []
    for images in (train, test):
        part = images[np.isin(images.labels, classes)]
        if missing := np.setdiff1d(classes, part.labels).tolist():
            raise ValueError(f"{images.name} has no picture of {images.classes[missing[0]]}.")
        read = in_order(lambda i, of=part: prepare(of, i), range(len(part)), torch.get_num_threads(), 1)
        labels = torch.from_numpy(np.searchsorted(classes, part.labels))
        found.append((torch.stack(list(read)), labels, part.images.fingerprint))
    (x, y, name), (x_test, y_test, name_test) = found
    made_from = [name, name_test, list(x.shape[1:]), y]
    return Task(classes, x, y, x_test, y_test, see, store.fingerprint(made_from))
