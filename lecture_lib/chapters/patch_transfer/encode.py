"""phi of every patch of a picture: its convolutions once a scale, shared by all patches that overlap.

Most pixels of a patch belong to several patches of its scale. Convolutions and poolings move with what they see: in the
picture resized for a scale, the activations of a patch are a window of the picture's (as in OverFeat and SPP-net). What
follows them (the last pooling and fc6, fc7; or in networks without those a mean) is computed for each window.

One thing differs from cutting patches out: at a patch's border a convolution sees the pixels beyond it, where a picture
of its own would be padded with zeros. So a patch here is a patch with what surrounds it; only at the border of the
picture are there zeros. Training and test patches are seen in the same way. `encode_each` is the literal way.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lecture_lib import store
from lecture_lib.backbones import Backbone, normalise
from lecture_lib.chapters.patch_transfer.grid import OVERLAP, Grid, Scale, grid
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders.parallel import in_order

VERSION = 1  # part of every recipe: raise it when the same pictures and network would give other vectors
AT_ONCE = 16  # inputs' worth of pixels in one pass of the convolutions: more outgrow a processor's caches
WINDOWS = 256  # windows at once through what follows
PICTURES = 8  # of one size, side by side
ROWS = 16_384  # patches that an interrupt can lose


class PatchNet:
    """A network taken apart for patches: the convolutions that they share, and the rest up to phi.

    shared  [B, 3, H, W] to maps [B, c, h, w]: a patch of `side` pixels is a window of `window` x `window` cells
    rest    windows [M, c, window, window] to phi [M, d], the output of layer decaf[7], averaged where it is a map
    cell    pixels between neighbouring cells

    Shared are all stages before the last pooling that a vector follows: up to conv5 in AlexNet and its like, fire9 in
    SqueezeNet, layer4 in ResNet.
    """

    def __init__(self, net: Backbone):
        stages = net.stages[: net.layers.index(net.decaf[7]) + 1]
        self.backbone, self.side = net, net.input_size
        shapes = _shapes(stages, self.side)
        last = max(
            i
            for i, layer in enumerate(net.layers[: len(stages)])
            if len(shapes[i]) == 4 and not layer.startswith("pool")
        )
        self.shared, rest = stages[: last + 1], stages[last + 1 :]
        if len(shapes[-1]) == 4:
            rest = nn.Sequential(*rest, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.rest = rest
        self.window = shapes[last][-1]
        # over so many pixels a cell more or less, from rounding at the border, does not count
        far = 100 * self.side
        self.cell = round(far / (_shapes(self.shared, self.side + far)[-1][-1] - self.window))

    def grid(self, height: int, width: int, overlap: float = OVERLAP) -> Grid:
        """Lay the patches of a picture of this size; see `grid.grid`."""
        return grid(height, width, self.side, self.cell, overlap)


def _shapes(stages: nn.Sequential, side: int) -> list[torch.Size]:
    """Return the shape after each stage for one picture of side x side, without computing anything."""
    shapes, x = [], torch.empty(1, 3, side, side, device="meta")
    for stage in copy.deepcopy(stages).to("meta"):
        x = stage(x)
        shapes.append(x.shape)
    return shapes


def encode(
    net: PatchNet,
    images: ImageCollection,
    grids: Sequence[Grid],
    chosen: Sequence[np.ndarray] | None = None,
    *,
    progress: bool = True,
) -> np.ndarray:
    """Encode patches of all pictures of a collection: float16 [n, d], a read-only memory map of a file in the cache.

    grids   one a picture, of its size: `lay(net, images)`
    chosen  for each picture int64 [n_i], which of its patches, in this order; None: all of them
    returns row after row of the first picture's patches, then of the second's: n = sum of the n_i

    An interrupted call goes on from its last finished block. Raises RuntimeError, with the picture's name, where phi
    is not finite in float16.
    """
    chosen = [np.arange(len(g)) for g in grids] if chosen is None else chosen
    ends = np.cumsum([0, *map(len, chosen)])
    recipe = {
        "encoder": "patches",
        "version": VERSION,
        "images": images.images.fingerprint,
        "net": net.backbone.fingerprint,
        "patches": store.fingerprint([[g.xyxy, c] for g, c in zip(grids, chosen, strict=True)]),
    }

    def stream(spans: list[tuple[int, int]], names: list[str]) -> Iterator[dict[str, np.ndarray]]:
        tasks = [list(_tasks(start, stop, ends, chosen, grids)) for start, stop in spans]
        with closing(_compute(net, images, grids, [*chain(*tasks)])) as computed:
            for of_span in tasks:
                vectors = np.concatenate([next(computed) for _ in of_span])
                yield dict.fromkeys(names, vectors)

    label = f"patches of {images.name}" if progress else None
    return store.fetch({"phi": recipe}, int(ends[-1]), stream, block=ROWS, progress=label)["phi"]


def lay(net: PatchNet, images: ImageCollection, overlap: float = OVERLAP) -> list[Grid]:
    """Lay the patches of each picture of a collection; pictures of one size share one grid."""
    of_size = functools.cache(lambda height, width: grid(height, width, net.side, net.cell, overlap))
    return [of_size(*images.tensor(i).shape[1:]) for i in range(len(images))]


def _tasks(
    start: int, stop: int, ends: np.ndarray, chosen: Sequence[np.ndarray], grids: Sequence[Grid]
) -> Iterator[list[tuple[int, np.ndarray]]]:
    """Part the rows start .. stop-1 into (picture, patches) pairs, a few pictures of one grid together."""
    task: list[tuple[int, np.ndarray]] = []
    first, last = np.searchsorted(ends, start, "right") - 1, np.searchsorted(ends, stop, "left")
    for i in range(first, last):
        some = chosen[i][max(start - ends[i], 0) : stop - ends[i]]
        if not len(some):
            continue
        if task and (len(task) == PICTURES or grids[i] is not grids[task[0][0]]):
            yield task
            task = []
        task.append((i, some))
    yield task


def _compute(
    net: PatchNet, images: ImageCollection, grids: Sequence[Grid], tasks: Sequence[list]
) -> Iterator[np.ndarray]:
    """Make an iterator of float16 [n, d] for each task, in order."""

    def take(task: list[tuple[int, np.ndarray]]) -> np.ndarray:
        pictures = torch.stack([images.tensor(i) for i, _ in task])
        vectors = phi(net, pictures, grids[task[0][0]], [some for _, some in task]).half().cpu()
        if not torch.isfinite(vectors.sum(dtype=torch.float32)):
            names = ", ".join(images.names[i] for i, _ in task)
            raise RuntimeError(
                f"{net.backbone.name}: phi of a patch is not finite in float16, in one of {names}."
            )
        return vectors.numpy()

    on_processor = net.backbone.device.type == "cpu"
    workers = torch.get_num_threads() if on_processor else 1
    return in_order(take, tasks, workers, 1 if on_processor else torch.get_num_threads())


@torch.inference_mode()
def phi(net: PatchNet, pictures: Tensor, grid: Grid, chosen: Sequence[np.ndarray] | None = None) -> Tensor:
    """Encode patches of a few pictures of one size: uint8 [b, 3, H, W] to float32 [n, d].

    chosen  for each picture int64 [n_i], which of the grid's patches; None: all
    returns the patches of the first picture, then those of the second; n = sum of the n_i

    Raises ValueError if no patch is chosen, or the network is in training mode, where dropout would make phi random.
    """
    if any(module.training for module in net.backbone.stages.modules()):
        raise ValueError(
            f"{net.backbone.name} is in training mode: call net.backbone.stages.eval() before encoding patches."
        )
    chosen = [np.arange(len(grid))] * len(pictures) if chosen is None else chosen
    picture = np.repeat(np.arange(len(chosen)), [len(some) for some in chosen])
    patch = np.concatenate(chosen)
    found = None
    begin = 0
    for number, scale in enumerate(grid.scales):
        here = np.flatnonzero(grid.scale[patch] == number)
        row, column = np.divmod(patch[here] - begin, len(scale.columns))
        places = np.stack([picture[here], scale.rows[row], scale.columns[column]])
        begin += len(scale)
        if not len(here):
            continue
        vectors = _phi_of_scale(net, pictures, scale, places)
        found = vectors.new_empty(len(patch), vectors.shape[1]) if found is None else found
        found[torch.from_numpy(here)] = vectors
    if found is None:
        raise ValueError("No patch was chosen.")
    return found


def _phi_of_scale(net: PatchNet, pictures: Tensor, scale: Scale, places: np.ndarray) -> Tensor:
    """Encode windows of one scale: places int64 [3, n], picture (in order), row and column in cells; [n, d]."""
    at_once = max(1, AT_ONCE * net.side**2 // (scale.resized[0] * scale.resized[1]))
    top, left = scale.corner
    found = []
    for start in range(0, len(pictures), at_once):
        some = pictures[start : start + at_once].to(net.backbone.device)
        maps = net.shared(normalise(net.backbone, resized(some, scale)[..., top:, left:]))
        # [b, h, w, c, window, window]: a view, of which indexing copies the windows that are asked for
        views = maps.unfold(2, net.window, 1).unfold(3, net.window, 1).permute(0, 2, 3, 1, 4, 5)
        low, high = np.searchsorted(places[0], (start, start + len(some)))
        b, row, column = torch.from_numpy(places[:, low:high]).to(maps.device)
        for part in range(0, high - low, WINDOWS):
            span = slice(part, part + WINDOWS)
            found.append(net.rest(views[b[span] - start, row[span], column[span]]))
    return torch.cat(found)


def resized(pictures: Tensor, scale: Scale) -> Tensor:
    """Resize pictures for a scale: uint8 [B, 3, H, W] to [B, 3, *scale.resized], bilinear with antialiasing.

    What is at x in the picture is then at factor * x exactly. A size rounded to whole pixels would stretch it a little,
    and every patch would lie a little beside its box.
    """
    on_processor = pictures.device.type == "cpu"
    factors = [scale.factor, scale.factor]
    return F.interpolate(
        pictures if on_processor else pictures.float(),  # accelerators resize no bytes
        scale_factor=factors,
        mode="bilinear",
        antialias=True,
        recompute_scale_factor=False,
    )


@torch.inference_mode()
def encode_each(net: PatchNet, picture: Tensor, patches: np.ndarray) -> Tensor:
    """Encode patches one by one, each cut out and resized alone: uint8 [3, H, W] and [M, 4] to float32 [M, d].

    Boxes are rounded to whole pixels, one at least. Zeros surround a patch, as they do any picture.
    """
    encoder = nn.Sequential(*net.shared, *net.rest)
    found = []
    boxes = np.asarray(patches).round().astype(int)
    height, width = picture.shape[1:]
    starts = np.minimum(boxes[:, :2], [width - 1, height - 1])
    ends = np.maximum(boxes[:, 2:], starts + 1)
    for (x0, y0), (x1, y1) in zip(starts.tolist(), ends.tolist(), strict=True):
        cut = picture[:, y0:y1, x0:x1]
        square = F.interpolate(cut[None], size=[net.side, net.side], mode="bilinear", antialias=True)
        found.append(encoder(normalise(net.backbone, square)))
    return torch.cat(found)
