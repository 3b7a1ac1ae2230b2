"""Two stages of filters, learned without labels or not learned at all (Jarrett et al., ICCV 2009).

A stage is F, 9 x 9 filters with tanh and a gain; R, the absolute value; N, local contrast normalisation over all maps;
P, a mean over squares. A grey picture of 143 pixels becomes 64 x 26 x 26 numbers and then 256 x 4 x 4. In place of the
paper's predictive sparse decomposition k-means learns filters from patches, as in Coates and Ng 2012. The second
stage's 256 filters come in 16 groups of 16, and each group sees 16 maps at random (the paper draws 16 for each filter).
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.v2.functional import center_crop, resize

from lecture_lib import store
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders.parallel import in_order
from lecture_lib.encoders.sift import grey

LONGEST, SIDE = 151, 143  # pixels of the picture, and of what is left without the borders of a 9 x 9 window
FILTER, SIGMA = 9, 2.0  # pixels of a filter and of N's window, and the deviation of its weights
MAPS, GROUPS, SEES = (64, 256), 16, 16
POOL = ((10, 5), (6, 4))  # side and step of P's squares
FLAT = 1e-3  # deviation, of grey from 0 to 1 or of answers up to 1: below it is rounding, which is not to be enlarged
# of responses before tanh, by the gain. Where tanh saturates it hurts: random filters have .565 right with 0.1, .561
# with 0.3 and .533 with 1 (threefold validation on 15 training photographs of every second class of Caltech-101)
DEVIATION = 0.3
SAMPLE = 200  # training pictures that gains, and k-means' patches, come from
PATCHES = 60  # of each of these, for each group
# of k-means (Coates and Ng 2012): variance of patches below which they are flat, that of whitened axes below which
# they are noise, where patches have 1, and rounds
FLAT_PATCH, NOISE, ROUNDS = 0.01, 0.1, 10
BATCH, BLOCK = 4, 64  # pictures at once, and pictures that an interrupt can lose

Filters = Literal["random", "k-means"]


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage: its filters, and which of its steps are done.

    filters    float32 [maps, s, 9, 9], gains included
    sees       int64 [groups, s], which maps of the stage before each group of filters sees
    pool       side and step of the squares
    rectify    R is done
    normalise  N is done
    """

    filters: Tensor
    sees: Tensor
    pool: tuple[int, int]
    rectify: bool = True
    normalise: bool = True

    def __call__(self, x: Tensor) -> Tensor:
        """Take maps [B, c, H, W] to [B, maps, h, w]."""
        x = self.respond(x).tanh_()
        x = x.abs_() if self.rectify else x
        x = contrast_normalise(x) if self.normalise else x
        return F.avg_pool2d(x, *self.pool)

    def respond(self, x: Tensor) -> Tensor:
        """Filter maps [B, c, H, W], without tanh: [B, maps, H - 8, W - 8]."""
        return F.conv2d(x[:, self.sees.flatten()], self.filters, groups=len(self.sees))


def contrast_normalise(x: Tensor) -> Tensor:
    """Subtract the local mean over all maps, and divide by the local deviation: [B, c, H, W] to the same.

    Means weigh the places of a 9 x 9 window by a Gaussian, and all maps the same; beyond the border there is nothing.
    The divisor is the deviation, or its mean over the picture where that is larger, so that flat places stay small.
    """
    near = torch.arange(FILTER) - FILTER // 2
    weight = torch.exp(-0.5 * (near / SIGMA) ** 2)
    rows = (weight / weight.sum())[None, None, :, None]

    def mean(of: Tensor) -> Tensor:
        down = F.conv2d(of.mean(1, keepdim=True), rows, padding=(FILTER // 2, 0))
        return F.conv2d(down, rows.mT, padding=(0, FILTER // 2))

    inside = mean(torch.ones_like(x[:1, :1]))
    v = x - mean(x) / inside
    deviation = (mean(v.square()) / inside).clamp_(min=0).sqrt_()
    return v / deviation.maximum(deviation.mean((2, 3), keepdim=True)).clamp_(min=FLAT)


def prepare(picture: Tensor) -> Tensor:
    """Make a picture, uint8 [3, H, W], grey, normalise it locally, and put it in the middle of zeros: [1, 143, 143]."""
    image = grey(picture)[None]
    height, width = (max(FILTER, round(LONGEST * side / max(image.shape))) for side in image.shape[1:])
    image = contrast_normalise(resize(image, [height, width], antialias=True)[None])[0]
    border = FILTER // 2
    return center_crop(image[:, border : height - border, border : width - border], [SIDE, SIDE])


@torch.inference_mode()
def make_stages(
    images: ImageCollection,
    filters: Filters,
    *,
    n: int = 2,
    rectify: bool = True,
    normalise: bool = True,
    seed: int = 0,
) -> list[Stage]:
    """Make n stages from training pictures, without their labels; random filters take only their gains from them.

    A stage's gain, one for all its filters, brings their responses to DEVIATION over these pictures.
    """
    rng = np.random.default_rng(seed)
    some = rng.permutation(len(images))[:SAMPLE]
    x = torch.stack([prepare(images.tensor(i)) for i in some])
    stages = []
    for maps, pool in zip(MAPS[:n], POOL, strict=False):
        groups, sees = (GROUPS, SEES) if stages else (1, 1)
        which = torch.from_numpy(np.stack([rng.permutation(x.shape[1])[:sees] for _ in range(groups)]))
        shape = groups, maps // groups, sees * FILTER**2
        if filters == "random":
            made = torch.from_numpy(rng.standard_normal(shape)).float()
        else:
            made = torch.stack([learn_filters(_patches(x[:, one], rng), shape[1], rng) for one in which])
        stage = Stage(made.view(maps, sees, FILTER, FILTER), which, pool, rectify, normalise)
        spread = torch.cat([stage.respond(part).flatten()[::7] for part in x.split(BATCH)]).std()
        stage = replace(stage, filters=stage.filters * (DEVIATION / spread))
        stages.append(stage)
        x = torch.cat([stage(part) for part in x.split(BATCH)])
    return stages


def learn_filters(patches: Tensor, K: int, rng: np.random.Generator) -> Tensor:
    """Learn K filters by k-means of whitened patches [n, d]: float32 [K, d], whose sum over d is 0.

    Each round gives every patch to the filter that it is most like or most unlike, and turns each filter towards the
    sum of its own (Coates and Ng 2012, section 3). Two steps matter, without which learned filters were 12 points
    behind random ones: whitening, or else nearly all centres are blurs, and that a filter and its negative are one,
    as R makes them. Returned filters are for patches as they are: whitening is a part of them.
    """
    x = patches - patches.mean(1, keepdim=True)
    x = x / (x.var(1, keepdim=True) + FLAT_PATCH).sqrt()
    x = x - x.mean(0)
    variance, axes = torch.linalg.eigh(x.T @ x / len(x))
    whiten = axes * (variance.clamp(min=0) + NOISE).rsqrt() @ axes.T
    x = x @ whiten
    filters = F.normalize(torch.from_numpy(rng.standard_normal((K, x.shape[1]))).float())
    for _ in range(ROUNDS):
        products = x @ filters.T
        own = F.one_hot(products.abs().argmax(1), K) * products
        filters = F.normalize(filters + own.T @ x)
    filters = filters @ whiten
    return filters - filters.mean(1, keepdim=True)


def _patches(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Cut PATCHES squares at random places of each of the maps [B, c, H, W]: [n, c 81]."""
    rows, columns = (rng.integers(0, side - FILTER + 1, (len(x), PATCHES)) for side in x.shape[2:])
    cut = [
        one[:, r : r + FILTER, c : c + FILTER].flatten()
        for one, of_rows, of_columns in zip(x, rows, columns, strict=True)
        for r, c in zip(of_rows, of_columns, strict=True)
    ]
    return torch.stack(cut)


def encode(images: ImageCollection, stages: Sequence[Stage]) -> np.ndarray:
    """Take pictures through the stages: float16 [N, d], a read-only memory map; d is 4,096, or 43,264 after the first.

    What was computed before is read, and an interrupted call goes on.
    """
    recipe = {
        "encoder": "two stages",
        "images": images.images.fingerprint,
        "stages": [vars(s) for s in stages],
    }
    recipe |= {"code": [prepare, Stage]}

    @torch.inference_mode()
    def take(batch: range) -> np.ndarray:
        x = torch.stack([prepare(images.tensor(i)) for i in batch])
        for stage in stages:
            x = stage(x)
        return x.flatten(1).half().numpy()

    def stream(spans: list[tuple[int, int]], _names: list[str]) -> Iterator[dict[str, np.ndarray]]:
        batches = [range(i, min(i + BATCH, stop)) for start, stop in spans for i in range(start, stop, BATCH)]
        with closing(in_order(take, batches, torch.get_num_threads(), 1)) as made:
            for start, stop in spans:
                yield {"x": np.concatenate([next(made) for _ in range(start, stop, BATCH)])}

    return store.fetch({"x": recipe}, len(images), stream, block=BLOCK, progress=f"filters on {images.name}")[
        "x"
    ]
