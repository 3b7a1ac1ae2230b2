"""Vectors of whole pictures by any function of one picture, computed once and kept by `store`."""

from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
import torch
from torch import Tensor

from lecture_lib import store
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.encoders.parallel import in_order

BLOCK = 64  # pictures that an interrupt can lose


def encode_whole(images: ImageCollection, describe: Callable[[Tensor], Tensor]) -> np.ndarray:
    """Describe each picture, uint8 [3, H, W], by `describe`, which returns [d]: float32 [N, d], a read-only memory map.

    `describe` is a function with a name, such as `gist`; a change of its code, or of what it calls, computes anew.
    """
    recipe = {"encoder": describe.__name__, "code": describe, "images": images.images.fingerprint}

    def stream(spans: list[tuple[int, int]], _names: list[str]) -> Iterator[dict[str, np.ndarray]]:
        numbers = [i for start, stop in spans for i in range(start, stop)]
        one = lambda i: describe(images.tensor(i)).float().numpy()  # noqa: E731
        with closing(in_order(one, numbers, torch.get_num_threads(), 1)) as made:
            for start, stop in spans:
                yield {"x": np.stack([next(made) for _ in range(start, stop)])}

    label = f"{describe.__name__} of {images.name}"
    return store.fetch({"x": recipe}, len(images), stream, block=BLOCK, progress=label)["x"]
