"""Local features of a whole collection, computed once and kept by `store`; those of one picture, or of a box in it."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib import checks, store
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders import ifv
from lecture_lib.encoders.dog_sift import UNIT, dog_sift
from lecture_lib.encoders.parallel import in_order
from lecture_lib.encoders.sift import DIM, Local

VERSION = 1  # part of the recipe: raise it when the same pictures would give other features
BLOCK = 32  # pictures that an interrupt can lose
ORIENTATIONS = 8
# the smallest patches, 4 x 4 bins of 4 pixels, tile a picture: none of it is left out, and none of it counts twice
DENSE = ifv.Dense(step=16, sizes=(4, 6, 8))

Kind = Literal["DoG", "dense"]
ONE = np.dtype([("x", "u1", DIM), ("xy", "f4", 2), ("scale", "f4"), ("angle", "f4")])
"""One feature in the cache: 144 bytes. Rows of a picture with fewer than the most are 0 to the end, with scale 0."""


@dataclass(frozen=True, eq=False)
class Features:
    """Local features of N pictures, n in all, one picture after the other; len() is N. A query is one of N = 1.

    x        uint8 [n, 128]    SIFT, 512 times its numbers
    xy       float32 [n, 2]    centres in pixels of the picture as it was before it was reduced, x then y
    scale    float32 [n]       side of a spatial bin in the same pixels: a feature covers 4 x 4 bins
    angle    float32 [n]       dominant orientation in radians
    offsets  int64 [N + 1]     picture i has the features offsets[i] to offsets[i + 1]
    """

    x: np.ndarray
    xy: np.ndarray
    scale: np.ndarray
    angle: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, pictures: Sequence[int] | np.ndarray) -> "Features":
        """The features of some pictures, int64 [N'], in their order."""
        spans = [np.arange(self.offsets[i], self.offsets[i + 1]) for i in pictures]
        rows = np.concatenate([np.zeros(0, np.int64), *spans])
        return self._take(rows, np.cumsum([0, *map(len, spans)]))

    def inside(self, box: np.ndarray | None) -> "Features":
        """Those with their centre in a box, x0, y0, x1, y1 in pixels; None: all. Of one picture."""
        if box is None:
            return self
        within = ((self.xy >= box[:2]) & (self.xy < box[2:])).all(1)
        return self._take(np.flatnonzero(within), np.array([0, within.sum()]))

    def _take(self, rows: np.ndarray, offsets: np.ndarray) -> "Features":
        return Features(self.x[rows], self.xy[rows], self.scale[rows], self.angle[rows], offsets)

    @property
    def picture(self) -> np.ndarray:
        """Which picture each feature is of: int32 [n]."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.offsets))

    @property
    def root(self) -> np.ndarray:
        """RootSIFT of all, float32 [n, 128]."""
        return root_sift(self.x)


def root_sift(x: np.ndarray) -> np.ndarray:
    """SIFT [n, 128] to sum 1, then square roots, so of length 1 (Arandjelovic and Zisserman 2012): float32."""
    x = x.astype(np.float32)
    return np.sqrt(x / np.maximum(x.sum(1, keepdims=True), 1e-12))


def extract(images: ImageCollection, kind: Kind, side: int = 480, most: int = 2000) -> Features:
    """Return the local features of all pictures, from the cache if they were computed before.

    kind  "DoG": keypoints with an orientation, `encoders.dog_sift`. "dense": patches of a grid (DENSE), upright, flat
          ones left out; their angle is the orientation that most of their gradients have
    side  pixels that a picture's longer side is reduced to, if it is longer
    most  features a picture; of more, the largest are kept, in the order in which they came

    An interrupted call goes on where it was. The file has room for `most` features of every picture. Raises
    RuntimeError, with the picture's name, for one that cannot be read.
    """
    checks.option(kind, Kind, "kind of features")
    recipe = {"features": kind, "version": VERSION, "images": images.images.fingerprint, "side": side}
    recipe |= {"most": most} | ({"dense": asdict(DENSE)} if kind == "dense" else {})

    def stream(spans: list[tuple[int, int]], _names: list[str]) -> Iterator[dict[str, np.ndarray]]:
        numbers = [i for start, stop in spans for i in range(start, stop)]
        with closing(
            in_order(lambda i: _one(images, i, kind, side, most), numbers, torch.get_num_threads(), 1)
        ) as made:
            for start, stop in spans:
                yield {"features": np.stack([next(made) for _ in range(start, stop)])}

    label = f"{kind} SIFT of {images.name}"
    table = store.fetch({"features": recipe}, len(images), stream, block=BLOCK, progress=label)["features"]
    counts = [int((one["scale"] > 0).sum()) for one in table]
    rows = np.concatenate([one[:count] for one, count in zip(table, counts, strict=True)])
    return Features(
        *(np.ascontiguousarray(rows[part]) for part in ("x", "xy", "scale", "angle")), np.cumsum([0, *counts])
    )


def _one(images: ImageCollection, i: int, kind: Kind, side: int, most: int) -> np.ndarray:
    """The features of picture i as a row of the cache: [most] of ONE."""
    try:
        picture = images.tensor(i)
        small = reduced(picture, side)
        local, angle = dog_sift(small) if kind == "DoG" else dense(small)
    except Exception as error:
        raise RuntimeError(f"{images.name}: {images.names[i]} has no local features: {error}") from error
    rows = local.size.argsort(descending=True, stable=True)[:most].sort().values
    times = max(picture.shape[1:]) / max(small.shape[1:])
    out = np.zeros(most, ONE)
    part = out[: len(rows)]
    part["x"] = (UNIT * local.x[rows]).round().clamp(max=255).numpy()
    part["xy"] = (local.xy[rows] + 0.5) * times - 0.5
    part["scale"], part["angle"] = local.size[rows] * times, angle[rows]
    return out


def dense(picture: Tensor) -> tuple[Local, Tensor]:
    """Patches of a grid, uint8 [3, H, W], and their dominant orientations float32 [N], without flat ones."""
    local = DENSE(picture)
    textured = (local.x != 0).any(1)
    local = Local(local.x[textured], local.xy[textured], local.size[textured], local.picture)
    most = local.x.view(len(local), DIM // ORIENTATIONS, ORIENTATIONS).sum(1).argmax(1)
    return local, most * (2 * np.pi / ORIENTATIONS)


def reduced(picture: Tensor, side: int) -> Tensor:
    """A picture, uint8 [3, H, W], whose longer side is `side` pixels at most."""
    times = side / max(picture.shape[1:])
    if times >= 1:
        return picture
    size = [max(1, round(times * n)) for n in picture.shape[1:]]
    small = F.interpolate(picture[None].float(), size, mode="bicubic", antialias=True)[0]
    return small.round_().clamp_(0, 255).to(torch.uint8)
