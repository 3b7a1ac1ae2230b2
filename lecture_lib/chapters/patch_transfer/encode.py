"""phi of every patch of a picture: its convolutions once a scale, shared by all patches that overlap.

Most pixels of a patch belong to several patches of its scale. Convolutions and poolings move with what they see: in the
picture resized for a scale, the activations of a patch are a window of the picture's (as in OverFeat and SPP-net). What
follows them (the last pooling and fc6, fc7; or in networks without those a mean) is computed for each window.

One thing differs from cutting patches out: at a patch's border a convolution sees the pixels beyond it, where a picture
of its own would be padded with zeros. So a patch here is a patch with what surrounds it; only at the border of the
picture are there zeros. Training and test patches are seen in the same way. `cut_patches` is the literal way.
"""

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
from lecture_lib.backbones import Backbone, standardise
from lecture_lib.chapters.patch_transfer.grid import Grid, Scale, grid
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders.parallel import in_order

VERSION = 1  # part of every recipe: raise it when the same pictures and network would give other vectors
WINDOWS = 256  # windows at once through what follows the convolutions
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

    def phi_of(i: int) -> np.ndarray:
        vectors = phi_shared(net, images.tensor(i), grids[i]).half().cpu()
        if not torch.isfinite(vectors.sum(dtype=torch.float32)):
            raise RuntimeError(
                f"{net.backbone.name}: phi of a patch of {images.names[i]} is not finite in float16."
            )
        return vectors.numpy()

    def stream(spans: list[tuple[int, int]], names: list[str]) -> Iterator[dict[str, np.ndarray]]:
        pictures = [  # that have rows of a span
            range(np.searchsorted(ends, start, "right") - 1, np.searchsorted(ends, stop))
            for start, stop in spans
        ]
        threads = torch.get_num_threads()
        workers, cores = (threads, 1) if net.backbone.device.type == "cpu" else (1, threads)
        with closing(in_order(phi_of, [*chain(*pictures)], workers, cores)) as computed:
            for (start, stop), of_span in zip(spans, pictures, strict=True):
                vectors = np.concatenate([next(computed) for _ in of_span])
                before = start - ends[of_span[0]]  # rows of a picture that ended the last block
                yield dict.fromkeys(names, vectors[before : before + stop - start])

    label = f"patches of {images.name}"
    return store.fetch({"phi": recipe}, int(ends[-1]), stream, block=ROWS, progress=label)["phi"]


@torch.inference_mode()
def phi_shared(net: PatchNet, picture: Tensor, grid: Grid) -> Tensor:
    """Encode all patches of a picture: uint8 [3, H, W] to float32 [len(grid), d].

    Raises ValueError if the network is in training mode, where dropout would make phi random.
    """
    if any(module.training for module in net.backbone.stages.modules()):
        raise ValueError(
            f"{net.backbone.name} is in training mode: call net.backbone.stages.eval() before encoding patches."
        )
    parts, picture = [], picture.to(net.backbone.device)
    for scale in grid.scales:
        top, left = scale.corner
        maps = net.shared(standardise(net.backbone, resized(picture, scale)[None, :, top:, left:]))[0]
        # [h, w, c, window, window]: a view, of which indexing copies the windows that are asked for
        views = maps.unfold(1, net.window, 1).unfold(2, net.window, 1).permute(1, 2, 0, 3, 4)
        places = torch.cartesian_prod(torch.from_numpy(scale.rows), torch.from_numpy(scale.columns))
        parts += [net.rest(views[some.unbind(1)]) for some in places.to(maps.device).split(WINDOWS)]
    return torch.cat(parts)


def resized(picture: Tensor, scale: Scale) -> Tensor:
    """Resize a picture for a scale: uint8 [3, H, W] to [3, *scale.resized], bilinear with antialiasing.

    What is at x in the picture is then at factor * x exactly. A size rounded to whole pixels would stretch it a little,
    and every patch would lie a little beside its box.
    """
    picture = picture if picture.device.type == "cpu" else picture.float()  # accelerators resize no bytes
    how = {"mode": "bilinear", "antialias": True, "recompute_scale_factor": False}
    return F.interpolate(picture[None], scale_factor=[scale.factor, scale.factor], **how)[0]


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
        large, (top, left) = resized(picture, scale), scale.corner
        for i, y, x in zip(here, scale.rows[row], scale.columns[column], strict=True):
            y, x = top + net.cell * y, left + net.cell * x
            patches[i] = large[:, y : y + net.side, x : x + net.side]
    return patches


@torch.inference_mode()
def phi_one_by_one(net: PatchNet, patches: Tensor, batch: int = 1) -> Tensor:
    """Encode patches that are cut out, with zeros around each as around any picture: uint8 [n, 3, S, S] to [n, d]."""
    encoder = nn.Sequential(*net.shared, *net.rest)
    return torch.cat([encoder(standardise(net.backbone, part)) for part in patches.split(batch)])
