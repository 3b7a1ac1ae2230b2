"""phi of every patch of a picture: its convolutions once a scale, shared by all patches that overlap.

Most pixels of a patch belong to several patches of its scale. Convolutions and poolings move with what they see: in the
picture resized for a scale, the activations of a patch are a window of the picture's (as in OverFeat and SPP-net). What
follows them (the last pooling and fc6, fc7; or in networks without those a mean) is computed for each window.

One thing differs from cutting patches out: at a patch's border a convolution sees the pixels beyond it, where a picture
of its own would be padded with zeros. So a patch here is a patch with what surrounds it; only at the border of the
picture are there zeros. Training and test patches are seen in the same way. `cut_patches` is the literal way.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain, groupby, islice

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lecture_lib import store
from lecture_lib.backbones import Backbone, standardise
from lecture_lib.chapters.patch_transfer.grid import Grid, Scale, grid
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

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides phi: the network, and the parts of it that are walked here."""
        return store.fingerprint([self.backbone.fingerprint, self.cell, self.shared, self.rest])

    def grid(self, height: int, width: int) -> Grid:
        """Lay the patches of a picture of this size; see `grid.grid`."""
        return grid(height, width, self.side, self.cell)

    def grids(self, images: ImageCollection) -> list[Grid]:
        """Lay the patches of each picture of a collection; pictures of one size share one grid."""
        of_size = functools.cache(self.grid)
        return [of_size(*images.tensor(i).shape[1:]) for i in range(len(images))]


def _shapes(stages: nn.Sequential, side: int) -> list[torch.Size]:
    """Return the shape after each stage for one picture of side x side, without computing anything."""
    shapes, x = [], torch.empty(1, 3, side, side, device="meta")
    for stage in copy.deepcopy(stages).to("meta"):
        x = stage(x)
        shapes.append(x.shape)
    return shapes


def encode_patches(net: PatchNet, images: ImageCollection, grids: Sequence[Grid]) -> np.ndarray:
    """Encode all patches of a collection: float16 [n, d], a read-only memory map of a file in the cache.

    grids    one a picture, of its size: `net.grids(images)`
    returns  row after row of the first picture's patches, then of the second's: n = sum of the len(grid)

    An interrupted call goes on from its last finished block. Raises RuntimeError, with the picture's name, where phi
    is not finite in float16.
    """
    ends = np.cumsum([0, *map(len, grids)])
    recipe = {
        "encoder": "patches",
        "version": VERSION,
        "images": images.images.fingerprint,
        "net": net.fingerprint,
        "patches": store.fingerprint([g.xyxy for g in grids]),
    }

    def tasks_of(start: int, stop: int) -> Iterator[list[int]]:
        # pictures that have rows start .. stop-1, a few of one grid together
        first, last = np.searchsorted(ends, start, "right") - 1, np.searchsorted(ends, stop, "left")
        for _, of_grid in groupby(range(first, last), key=lambda i: id(grids[i])):
            while task := list(islice(of_grid, PICTURES)):
                yield task

    def phi_of_task(task: list[int]) -> np.ndarray:
        pictures = torch.stack([images.tensor(i) for i in task])
        vectors = phi_shared(net, pictures, grids[task[0]]).half().cpu()
        if not torch.isfinite(vectors.sum(dtype=torch.float32)):
            names = ", ".join(images.names[i] for i in task)
            raise RuntimeError(
                f"{net.backbone.name}: phi of a patch is not finite in float16, in one of {names}."
            )
        return vectors.numpy()

    def stream(spans: list[tuple[int, int]], names: list[str]) -> Iterator[dict[str, np.ndarray]]:
        tasks = [list(tasks_of(*span)) for span in spans]
        threads = torch.get_num_threads()
        workers, cores = (threads, 1) if net.backbone.device.type == "cpu" else (1, threads)
        with closing(in_order(phi_of_task, [*chain(*tasks)], workers, cores)) as computed:
            for (start, stop), of_span in zip(spans, tasks, strict=True):
                vectors = np.concatenate([next(computed) for _ in of_span])
                before = start - ends[of_span[0][0]]  # rows of a picture that ended the last block
                yield dict.fromkeys(names, vectors[before : before + stop - start])

    label = f"patches of {images.name}"
    return store.fetch({"phi": recipe}, int(ends[-1]), stream, block=ROWS, progress=label)["phi"]


@torch.inference_mode()
def phi_shared(net: PatchNet, pictures: Tensor, grid: Grid) -> Tensor:
    """Encode all patches of a few pictures of one size: uint8 [b, 3, H, W] to float32 [b len(grid), d].

    The patches of the first picture come first. Raises ValueError if the network is in training mode, where dropout
    would make phi random.
    """
    if any(module.training for module in net.backbone.stages.modules()):
        raise ValueError(
            f"{net.backbone.name} is in training mode: call net.backbone.stages.eval() before encoding patches."
        )
    of_scales = [torch.cat([*_phi_of_scale(net, pictures, scale)]) for scale in grid.scales]
    return torch.cat([x.unflatten(0, (len(pictures), -1)) for x in of_scales], dim=1).flatten(0, 1)


def _phi_of_scale(net: PatchNet, pictures: Tensor, scale: Scale) -> Iterator[Tensor]:
    """Encode the windows of one scale, picture by picture, row by row: parts of [b len(scale), d]."""
    at_once = max(1, AT_ONCE * net.side**2 // (scale.resized[0] * scale.resized[1]))
    top, left = scale.corner
    for few in pictures.split(at_once):
        x = resized(few.to(net.backbone.device), scale)[..., top:, left:]
        maps = net.shared(standardise(net.backbone, x))
        # [b, h, w, c, window, window]: a view, of which indexing copies the windows that are asked for
        views = maps.unfold(2, net.window, 1).unfold(3, net.window, 1).permute(0, 2, 3, 1, 4, 5)
        axes = torch.arange(len(few)), torch.from_numpy(scale.rows), torch.from_numpy(scale.columns)
        for places in torch.cartesian_prod(*axes).to(maps.device).split(WINDOWS):
            yield net.rest(views[places.unbind(1)])


def resized(pictures: Tensor, scale: Scale) -> Tensor:
    """Resize pictures for a scale: uint8 [B, 3, H, W] to [B, 3, *scale.resized], bilinear with antialiasing.

    What is at x in the picture is then at factor * x exactly. A size rounded to whole pixels would stretch it a little,
    and every patch would lie a little beside its box.
    """
    pictures = pictures if pictures.device.type == "cpu" else pictures.float()  # accelerators resize no bytes
    how = {"mode": "bilinear", "antialias": True, "recompute_scale_factor": False}
    return F.interpolate(pictures, scale_factor=[scale.factor, scale.factor], **how)


def cut_patches(net: PatchNet, picture: Tensor, grid: Grid, chosen: np.ndarray) -> Tensor:
    """Cut patches of one picture, at the size that the network takes: uint8 [3, H, W] to [n, 3, S, S].

    chosen  int64 [n], which patches of the grid; the result is in their order
    """
    patches = torch.empty(len(chosen), 3, net.side, net.side, dtype=torch.uint8)
    begin = 0
    for number, scale in enumerate(grid.scales):
        here = np.flatnonzero(grid.scale[chosen] == number)
        row, column = np.divmod(chosen[here] - begin, len(scale.columns))
        begin += len(scale)
        large, (top, left) = resized(picture[None], scale)[0], scale.corner
        for i, y, x in zip(here, scale.rows[row], scale.columns[column], strict=True):
            y, x = top + net.cell * y, left + net.cell * x
            patches[i] = large[:, y : y + net.side, x : x + net.side]
    return patches


@torch.inference_mode()
def phi_one_by_one(net: PatchNet, patches: Tensor, batch: int = 1) -> Tensor:
    """Encode patches that are cut out, with zeros around each as around any picture: uint8 [n, 3, S, S] to [n, d]."""
    encoder = nn.Sequential(*net.shared, *net.rest)
    return torch.cat([encoder(standardise(net.backbone, part)) for part in patches.split(batch)])
