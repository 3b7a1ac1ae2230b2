"""Pictures as a training needs them: in memory, a little larger than the network's input, cropped anew each time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2.functional import resize

from lecture_lib import store
from lecture_lib.backbones import Backbone, standardise, to_square
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders.augment import WHOLE, View, cut
from lecture_lib.encoders.parallel import in_order

PIXELS = 2**20  # of crops encoded at once, 20 photographs: of 320 the maps leave the processor's cache


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures that a network can be trained on and tested with.

    images       N of uint8 [3, h, w], the shorter side 256/224 of the network's input
    labels       int64 [N], or int8 [N, C] with 1, 0, -1 as in `losses`
    """

    images: Sequence[Tensor]
    labels: Tensor

    @property
    def fingerprint(self) -> str:
        """SHA-256 of pictures and labels as they are now."""
        return store.fingerprint([list(self.images), self.labels])

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: np.ndarray) -> "Pictures":
        """Return the pictures with these indices, int64 [n]."""
        indices = np.array(indices)  # a copy: torch warns of arrays that it may not write to
        return Pictures([self.images[i] for i in indices], self.labels[indices])


def prepare(net: Backbone, images: ImageCollection) -> Pictures:
    """Read all pictures of a collection and resize them: their shorter side to 256/224 of the network's input.

    That is what scheme C of Chatfield et al. 2014 cuts its crops from. They stay in memory: 0.26 MB a photograph.
    """
    shorter = round(net.input_size * 256 / 224)

    def read(i: int) -> Tensor:
        return resize(images.tensor(i), [shorter], antialias=True)

    read_all = list(in_order(read, range(len(images)), torch.get_num_threads(), 1))
    return Pictures(read_all, torch.tensor(images.labels))


def random_crops(net: Backbone, pictures: Pictures, batch: Tensor) -> Tensor:
    """Cut a square at random from each picture of a batch, mirror half of them: float32 [B, 3, S, S], normalised."""
    side = net.input_size
    y, x, mirrored = torch.rand(3, len(batch)).tolist()
    crops = []
    for i, v, u, m in zip(batch.tolist(), y, x, mirrored, strict=True):
        _, height, width = pictures.images[i].shape
        top, left = int(v * (height - side + 1)), int(u * (width - side + 1))
        crop = pictures.images[i][:, top : top + side, left : left + side]
        crops.append(crop.flip(2) if m < 0.5 else crop)
    return standardise(net, torch.stack(crops))


def score(net: Backbone, pictures: Pictures, views: Sequence[View] = (WHOLE,)) -> np.ndarray:
    """Score pictures by the head of a network, a mean over views of each: float32 [N, C]."""
    return to_scores(net, phi(net, pictures, views))


@torch.inference_mode()
def phi(net: Backbone, pictures: Pictures, views: Sequence[View] = (WHOLE,)) -> np.ndarray:
    """Encode pictures by what the head's linear layer sees, vectors of length 1, one a view: float32 [N, V, d].

    views  such as TEN_CROPS, which are as large as the input; others are made so by `to_square`
    """
    net.stages.eval()
    encoder = torch.nn.Sequential(*net.stages[:-1], *net.stages[-1][:-1])
    side = net.input_size
    step = max(1, PIXELS // (side**2 * len(views)))
    vectors = []
    for start in range(0, len(pictures), step):
        seen = [cut(image, view) for image in pictures.images[start : start + step] for view in views]
        squares = torch.stack([x if x.shape[1:] == (side, side) else to_square(net, x) for x in seen])
        vectors.append(encoder(standardise(net, squares)).unflatten(0, (-1, len(views))).cpu())
    return torch.cat(vectors).numpy()


@torch.inference_mode()
def to_scores(net: Backbone, vectors: np.ndarray) -> np.ndarray:
    """Apply the head's linear layer to vectors [N, V, d] and take the mean over views: float32 [N, C]."""
    linear = net.stages[-1].linear
    return linear(torch.from_numpy(vectors.mean(1)).to(linear.weight)).cpu().numpy()
