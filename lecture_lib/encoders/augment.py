"""Several views of one picture: Razavian's sixteen (CNNaug), ten crops, picture and mirror image, a pyramid.

The views of a training picture are as many training samples. A test picture's scores are summed, or averaged,
over its V views: `scores.reshape(len(images), V, -1).mean(1)`, and features pooled in the same way.

A network takes a view as a picture like any other (`cut`, `expand`, `backbones.to_square`). For local
descriptors, which are computed once for the whole picture, a view is those of them that lie in it (`inside`).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.derived import derive
from lecture_lib.encoders.sift import Local

VERSION = 1  # part of every recipe: raise it when the same view would give other pixels


@dataclass(frozen=True)
class View:
    """A window of a picture, then turned, then mirrored.

    side      of the window in sides of the picture, across and down where these differ, or, where it is `square`,
              in shorter sides; at most 1
    at        where the window lies: (0, 0) top left, (1, 0) top right, (0.5, 0.5) centre
    angle     degrees, what is seen turns anticlockwise
    mirrored  left and right exchanged
    region    a part of a vector (of a pyramid): descriptors belong to it by their centres, not by all of their patch
    """

    name: str
    side: float | tuple[float, float] = 1.0
    at: tuple[float, float] = (0.5, 0.5)
    square: bool = False
    angle: float = 0.0
    mirrored: bool = False
    region: bool = False


def _with_mirrors(views: Sequence[View]) -> tuple[View, ...]:
    """Return the views, then their mirror images in the same order."""
    return (*views, *(replace(view, name=f"{view.name}, mirrored", mirrored=True) for view in views))


WHOLE = View("whole")
PLACES = {
    "top left": (0, 0),
    "top right": (1, 0),
    "bottom left": (0, 1),
    "bottom right": (1, 1),
    "centre": (0.5, 0.5),
}

FLIP = _with_mirrors([WHOLE])
"""The picture and its mirror image: scheme F of Chatfield et al. 2014 (section 2.4)."""

CNNAUG = _with_mirrors(
    [
        WHOLE,
        *(View(name, side=2 / 3, at=at) for name, at in PLACES.items()),
        View("turned 15° clockwise", angle=-15),
        View("turned 15° anticlockwise", angle=15),
    ]
)
"""Razavian et al. 2014 (section 3.1): the whole, five crops of 4/9 of its area, two rotations, and all mirrored."""

TEN_CROPS = _with_mirrors(
    [View(name, side=224 / 256, at=at, square=True) for name, at in PLACES.items()],
)
"""Squares of 224 pixels in a picture whose shorter side is 256, and their mirror images: scheme C of Chatfield et al.

A network takes them whole with `dataclasses.replace(net, resize=net.input_size)`; otherwise most cut their centre.
"""

PYRAMID = tuple(
    View(name, side, at, region=True)
    for name, side, at in (
        ("whole", 1.0, (0.5, 0.5)),
        *(
            (f"{name} third", (1, 1 / 3), (0.5, y))
            for name, y in (("top", 0), ("middle", 0.5), ("bottom", 1))
        ),
        *((f"{name} quarter", 1 / 2, at) for name, at in PLACES.items() if name != "centre"),
    )
)
"""A spatial pyramid of 1 x 1, 3 x 1 and 2 x 2 regions, eight in all (Chatfield et al. 2011, section 2.4)."""


def cut(picture: Tensor, view: View) -> Tensor:
    """Cut one view: uint8 [3, H, W] to uint8 [3, h, w], which may share memory with the picture.

    A window is a slice, its sides and its place rounded to whole pixels (sides to one at least). A turned one is
    `rotate`d, a mirrored one reversed.
    """
    height, width = picture.shape[1:]
    w, h = (max(1, round(side)) for side in _sides(view, height, width))
    x, y = round(view.at[0] * (width - w)), round(view.at[1] * (height - h))
    seen = picture[:, y : y + h, x : x + w]
    if view.angle:
        seen = rotate(seen, view.angle)
    return seen.flip(2) if view.mirrored else seen


def inside(view: View, local: Local) -> Tensor:
    """Say which of a picture's local descriptors belong to a view: bool [N]; a mirrored view has the same.

    Those that would be found in the picture that the view is: with the centres of all their bins inside. In a region,
    those with their own centre inside; as windows are not rounded to whole pixels, and own their left and upper edges,
    the regions of a pyramid's level share no descriptor and leave none out. Raises ValueError for a turned view.
    """
    if view.angle:
        raise ValueError(f"The view {view.name!r} is turned: its descriptors are not those of the picture.")
    height, width = local.picture
    sides = torch.tensor(_sides(view, height, width), dtype=torch.float64)
    start = torch.tensor(view.at, dtype=torch.float64) * (torch.tensor([width, height]) - sides)
    start, sides = start.to(local.xy.device), sides.to(local.xy.device)
    reach = 0 if view.region else 1.5 * local.size.double()[:, None]
    # a centre lies half a pixel from its pixel's edge, and a little more: the rounding of a third is not to decide
    centre = local.xy.double() + 0.50025
    return ((centre - reach >= start) & (centre + reach < start + sides)).all(1)


def _sides(view: View, height: int, width: int) -> tuple[float, float]:
    """Width and height of a view's window in pixels."""
    across, down = (min(height, width),) * 2 if view.square else (width, height)
    w, h = view.side if isinstance(view.side, tuple) else (view.side, view.side)
    return w * across, h * down


def rotate(picture: Tensor, angle: float) -> Tensor:
    """Turn a picture about its centre, anticlockwise by `angle` degrees: uint8 [3, h, w], no corner empty.

    What is returned is the largest rectangle about the centre, with the picture's own proportions, that lies inside
    the turned picture: h / H = w / W = 1 / (|cos a| + r |sin a|), where r is the picture's longer side by its shorter
    one, rounded down to whole pixels (one at least). Bilinear, at the picture's own scale.
    """
    height, width = picture.shape[1:]
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    scale = 1 / (abs(cos) + abs(sin) * max(height / width, width / height))
    h, w = max(1, int(scale * height)), max(1, int(scale * width))
    # Pixel centres of the result, from its own centre, turned back to where they lie in the picture.
    v, u = (torch.arange(n) - (n - 1) / 2 for n in (h, w))
    x = cos * u - sin * v[:, None]
    y = sin * u + cos * v[:, None]
    grid = torch.stack([x / (width / 2), y / (height / 2)], dim=-1)  # -1 and 1 are the picture's edges
    # "border" only guards against rounding: no sample lies beyond the outermost half pixel
    turned = F.grid_sample(picture[None].float(), grid[None], "bilinear", "border", align_corners=False)
    return turned[0].round_().to(torch.uint8)


def views(picture: Tensor, which: Sequence[View] = CNNAUG) -> list[Tensor]:
    """Cut several views of one picture: each uint8 [3, h, w], in sizes of their own."""
    return [cut(picture, view) for view in which]


def expand(images: ImageCollection, which: Sequence[View] = CNNAUG) -> ImageCollection:
    """Return the collection of all V views of each picture: rows i V .. i V + V-1 are the views of picture i.

    Features of picture i are `features.reshape(len(images), V, -1)[i]`; for the rest see `derive`.
    """
    which = tuple(which)
    recipe = {"made": "views", "version": VERSION, "views": [asdict(view) for view in which]}
    return derive(images, lambda picture, _, v: cut(picture, which[v]), [view.name for view in which], recipe)
