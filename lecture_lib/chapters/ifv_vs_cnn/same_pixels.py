"""Pictures with no more in them than a network sees, so that another encoding can be given the same."""

from collections.abc import Callable

from torch import Tensor
from torchvision.transforms.v2.functional import resize

from lecture_lib.backbones import Backbone, to_square
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.derived import derive

VERSION = 1  # part of the recipe: raise it when the same picture would give other pixels


def shrunk(images: ImageCollection, net: Backbone) -> ImageCollection:
    """Return the pictures whole, their shorter side brought to what the network's preprocessing brings it to."""
    shorter = net.resize or net.input_size
    return _made(images, net, "shrunk", lambda picture: resize(picture, [shorter], antialias=True))


def as_seen(images: ImageCollection, net: Backbone) -> ImageCollection:
    """Return the very pixels that the network takes: squares, of the pictures' centres or squashed (`to_square`)."""
    return _made(images, net, "as seen", lambda picture: to_square(net, picture))


def _made(
    images: ImageCollection, net: Backbone, name: str, make: Callable[[Tensor], Tensor]
) -> ImageCollection:
    recipe = {"made": name, "version": VERSION, "resize": net.resize, "input": net.input_size}
    return derive(images, lambda picture, *_: make(picture), [name], recipe)
