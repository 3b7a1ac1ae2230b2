"""phi(I) from a convolutional network: its activations at a layer, as one vector a picture.

Vectors are computed once and kept by `store`, named by what made them.

A few threads work side by side, and each takes a batch all the way: read, decode, resize, network, vectors.
So the disk, the decoding and the network overlap, and on a processor, where the threads share its cores out
among them, a network never waits for a core that is busy decoding, as it does when all cores compute one batch
together: that costs 12 % on an idle machine with two cores, and half of the speed on a busy one.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from functools import partial
from threading import Lock
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib import store
from lecture_lib.backbones import Backbone, features, standardise, to_square
from lecture_lib.backbones.backbone import check_layers
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.encoders.normalise import l2_normalise
from lecture_lib.encoders.parallel import in_order

VERSION = 1  # part of every recipe: raise it when the same pictures and network would give other vectors
# With 64 pictures the activations outgrow what the allocator keeps, and fresh pages cost up to 30 % of the time.
BATCH = 32
BLOCK = 4 * BATCH  # pictures that an interrupt can lose
WORKERS = 4  # batches at once on a processor, at most: each has activations of its own in memory

Pool = Literal["mean", "max"] | int | None


def encode(
    net: Backbone,
    images: ImageCollection,
    layers: Sequence[str],
    *,
    pool: Pool = None,
    l2: bool = False,
    progress: bool = True,
) -> dict[str, np.ndarray]:
    """Encode pictures by the activations of a network at several layers, in one pass.

    pool     what becomes of a convolutional layer [c, h, w]: None flattens it (d = c h w, channel by channel),
             "mean" and "max" keep one number a channel (d = c), a whole number g averages over the cells
             of a g x g grid (d = c g g; a smaller map stays as it is). Layers that are vectors stay as they are
    l2       divide every vector by its Euclidean length, after pooling
    progress False: no bar, for a run whose output is kept
    returns  layer -> float16 [N, d], read-only memory maps of files in the cache folder

    What was computed before is read, and an interrupted call goes on from its last finished block. Raises
    KeyError for a layer that the network does not have; RuntimeError, with the picture's name, for one that
    cannot be prepared or whose activations are not finite in float16 (above 65,504: take l2=True).
    """
    check_layers(net, layers)
    if not (pool in (None, "mean", "max") or (type(pool) is int and pool > 0)):
        raise ValueError(f'pool is None, "mean", "max" or the side of a grid (1, 2, ...), not {pool!r}.')
    made_by = {"encoder": "cnn", "version": VERSION, "net": net.name, "weights": net.fingerprint}
    made_by |= {"images": images.images.fingerprint, "pool": pool, "l2": bool(l2), "dtype": "float16"}
    recipes = {layer: made_by | {"layer": layer} for layer in layers}

    cores, on_processor = torch.get_num_threads(), net.device.type == "cpu"
    workers = min(cores, WORKERS) if on_processor else cores
    turn = nullcontext() if on_processor else Lock()  # an accelerator takes one batch at a time

    def take(batch: range, names: list[str]) -> dict[str, np.ndarray]:
        pictures = torch.stack([_prepare(net, images, i).permute(1, 2, 0) for i in batch])
        with turn:
            encoded = _encode_batch(net, pictures.permute(0, 3, 1, 2), names, pool, l2)
        for layer, vectors in encoded.items():
            _check_finite(vectors, layer, net, images, batch)
        return {layer: vectors.numpy() for layer, vectors in encoded.items()}

    def stream(spans: list[tuple[int, int]], names: list[str]) -> Iterator[dict[str, np.ndarray]]:
        batches = [range(i, min(i + BATCH, stop)) for start, stop in spans for i in range(start, stop, BATCH)]
        threads = cores // workers if on_processor else 1
        with closing(in_order(partial(take, names=names), batches, workers, threads)) as computed:
            for start, stop in spans:
                parts = [next(computed) for _ in range(start, stop, BATCH)]
                yield {layer: np.concatenate([part[layer] for part in parts]) for layer in names}

    label = f"{net.name} on {images.name}" if progress else None
    return store.fetch(recipes, len(images), stream, block=BLOCK, progress=label)


def _prepare(net: Backbone, images: ImageCollection, i: int) -> Tensor:
    try:
        return to_square(net, images.tensor(i))
    except Exception as error:
        name = images.names[i]
        raise RuntimeError(f"{images.name}: {name} could not be prepared for {net.name}: {error}") from error


@torch.inference_mode()
def _encode_batch(
    net: Backbone, images: Tensor, layers: Sequence[str], pool: Pool, l2: bool
) -> dict[str, Tensor]:
    """Encode uint8 [B, 3, S, S]: layer -> float16 [B, d], off any accelerator."""
    encoded = {}
    for layer, x in features(net, standardise(net, images), layers).items():
        if x.ndim == 4 and pool is not None:
            reduce = F.adaptive_max_pool2d if pool == "max" else F.adaptive_avg_pool2d
            grid = [min(pool, side) for side in x.shape[2:]] if type(pool) is int else 1
            x = reduce(x, grid)
        x = x.flatten(1)
        encoded[layer] = (l2_normalise(x) if l2 else x).half().cpu()
    return encoded


def _check_finite(vectors: Tensor, layer: str, net: Backbone, images: ImageCollection, batch: range) -> None:
    # one sum tells: it is finite only if all are, in float32, which cannot overflow on sums of float16
    if torch.isfinite(vectors.sum(dtype=torch.float32)):
        return
    row = int(torch.isfinite(vectors).all(1).logical_not().nonzero()[0, 0])
    name = images.names[batch[row]]
    raise RuntimeError(
        f"{net.name}: {layer} is not finite in float16 for {name} of {images.name}. "
        "If the network is right, its activations are above 65,504: take l2=True."
    )
