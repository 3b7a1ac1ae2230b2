"""What pictures are like, in numbers that no method has a part in: the twins are held to photographs by them.

    python -m lecture_lib.datasets.statistics voc2007 caltech101                          # twins
    LECTURE_PROFILE=real python -m lecture_lib.datasets.statistics voc2007 caltech101     # photographs

One row a collection. Of every collection, of pictures WIDTH pixels wide and in grey levels 0 to 255:

    gradient   mean magnitude of the gradient, grey levels a pixel
    strong     share of pixels whose gradient is above STRONG
    slope      slope of the power spectrum, log power over log frequency, radial mean over a square from the middle

Of collections with boxes also:

    within/between, 1-NN   histograms of gradients (Dalal and Triggs 2005) of PER_CLASS whole objects a class, 64 x 64
               pixels: mean squared distance within a class over that between classes, and the share of objects whose
               nearest neighbour is of their class; of one-label collections without boxes, of whole pictures
    inside, outside, in/out   the gradient inside and outside of all boxes, and the ratio of the two
    cover      share of the pictures that boxes cover
    objects    boxes a picture
    side       median side of an object that is not difficult, the square root of its share of the picture
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib import datasets, settings
from lecture_lib.datasets.collection import ImageCollection

WIDTH = 160  # pixels: photographs are brought to it, twins are drawn at it
STRONG = 20.0  # grey levels a pixel
PER_CLASS = 25
PICTURES = 400  # of a collection, spread over it, for all but the histograms
CELL, DIRECTIONS = 8, 9
COLUMNS = (
    *("within/between", "1-NN", "inside", "outside", "in/out", "gradient", "strong", "slope"),
    *("cover", "objects", "side"),
)


def at_width(images: ImageCollection, rows: np.ndarray) -> Iterator[tuple[Tensor, float]]:
    """Grey pictures float32 [H, WIDTH] in 0 .. 255, and by how much each was made smaller or larger."""
    draw = getattr(images.images, "draw", None)
    other_size = draw and images.tensor(0).shape[2] != WIDTH
    drawn = draw(images.images.rows[rows], WIDTH) if other_size else None
    for k, i in enumerate(rows):
        picture = images.tensor(int(i))
        zoom = WIDTH / picture.shape[2]
        if drawn is not None:
            picture = torch.from_numpy(drawn[k])
        yield resized(grey(picture), round(picture.shape[1] * WIDTH / picture.shape[2]), WIDTH), zoom


def grey(picture: Tensor) -> Tensor:
    """Luma float32 [H, W] of uint8 [3, H, W]."""
    return (picture.float() * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0)


def resized(picture: Tensor, height: int, width: int) -> Tensor:
    """A grey picture [H, W] at another size, antialiased."""
    if picture.shape == (height, width):
        return picture
    size = (height, width)
    return F.interpolate(picture[None, None], size, mode="bicubic", antialias=True)[0, 0]


def gradient(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Differences [..., H, W] to the right and downwards; 0 at the far border."""
    return F.pad(picture.diff(dim=-1), (0, 1)), F.pad(picture.diff(dim=-2), (0, 0, 0, 1))


def hog(pictures: Tensor) -> Tensor:
    """Histograms of gradients float32 [N, D] of grey pictures [N, 64, 64]: cells of 8 x 8, blocks of 2 x 2, L2-Hys."""
    dy, dx = torch.gradient(pictures, dim=(1, 2))
    strength, n = torch.hypot(dx, dy), len(pictures)
    direction = (torch.atan2(dy, dx) / torch.pi * DIRECTIONS).floor().long() % DIRECTIONS
    votes = F.one_hot(direction, DIRECTIONS).float().mul_(strength[..., None]).movedim(3, 1)
    cells = F.avg_pool2d(votes, CELL)
    blocks = F.unfold(cells, 2).movedim(1, 2)  # [N, blocks, 4 * DIRECTIONS]
    blocks = F.normalize(F.normalize(blocks, dim=2).clamp(max=0.2), dim=2)
    return blocks.reshape(n, -1)


def variety(images: ImageCollection) -> tuple[float, float]:
    """Within / between and 1-NN of histograms of gradients, see above."""
    found: dict[int, list[Tensor]] = {c: [] for c in range(len(images.classes))}
    order = np.random.default_rng(0).permutation(len(images))
    for i in order:
        if images.boxes is None:
            wanted = [(int(images.labels[i]), None)]
        else:
            b = images.boxes[i]
            whole = ~b.difficult & ~b.truncated
            wanted = list(zip(b.labels[whole].tolist(), b.xyxy[whole].round().astype(int), strict=True))
        for c, box in wanted:
            if len(found[c]) < PER_CLASS:
                picture = grey(images.tensor(int(i)))
                if box is not None:
                    x0, y0, x1, y1 = np.maximum(box, 0)
                    picture = picture[y0:y1, x0:x1]
                found[c].append(resized(picture, 64, 64))
    x = hog(torch.stack([picture for pictures in found.values() for picture in pictures]))
    labels = torch.repeat_interleave(torch.tensor([len(p) for p in found.values()]))
    distance = torch.cdist(x, x) ** 2
    same = labels[:, None] == labels
    within = distance[same & ~torch.eye(len(x), dtype=torch.bool)].mean() / distance[~same].mean()
    nearest = distance.fill_diagonal_(torch.inf).argmin(1)
    return float(within), float((labels[nearest] == labels).float().mean())


def slope(power: np.ndarray) -> float:
    """Slope of a power spectrum [S, S] (of `fft2`): least squares of log power over log frequency."""
    side = len(power)
    f = np.fft.fftfreq(side) * side
    radius = np.hypot(f[:, None], f).round().astype(int)
    mean = np.bincount(radius.ravel(), power.ravel()) / np.bincount(radius.ravel())
    k = np.arange(2, side // 2)
    return float(np.polyfit(np.log(k), np.log(mean[k]), 1)[0])


def statistics(images: ImageCollection) -> dict[str, float]:
    """The columns of a collection's row; those it has not are NaN."""
    rows = np.unique(np.linspace(0, len(images) - 1, PICTURES).astype(int))
    row = dict.fromkeys(COLUMNS, np.nan)
    side = 96
    window = np.hanning(side)[:, None] * np.hanning(side)
    power, means, strong, inside, outside, cover = np.zeros((side, side)), [], [], [], [], []
    for i, (picture, zoom) in zip(rows, at_width(images, rows), strict=True):
        strength = torch.hypot(*gradient(picture)).numpy()
        means.append(strength.mean())
        strong.append((strength > STRONG).mean())
        height = len(strength)
        if height >= side:
            middle = picture.numpy()[(height - side) // 2 :, (WIDTH - side) // 2 :][:side, :side]
            power += np.abs(np.fft.fft2((middle - middle.mean()) * window)) ** 2
        if images.boxes is not None:
            mask = np.zeros(strength.shape, bool)
            for x0, y0, x1, y1 in (images.boxes[i].xyxy * zoom).round().astype(int):
                mask[max(y0, 0) : y1, max(x0, 0) : x1] = True
            cover.append(mask.mean())
            inside.append(strength[mask])
            outside.append(strength[~mask])
    row |= {"gradient": np.mean(means), "strong": np.mean(strong), "slope": slope(power)}
    if images.boxes is not None:
        a, b = np.concatenate(inside).mean(), np.concatenate(outside).mean()
        row |= {"inside": a, "outside": b, "in/out": a / b, "cover": np.mean(cover)}
        row["objects"] = np.mean([len(b) for b in images.boxes])
        shares = []
        for i in rows:
            size = images.tensor(int(i)).shape[1:]
            xyxy = images.boxes[i].xyxy[~images.boxes[i].difficult]
            shares.append((xyxy[:, 2:] - xyxy[:, :2]).prod(1) / (size[0] * size[1]))
        row["side"] = np.median(np.sqrt(np.concatenate(shares)))
    if images.boxes is not None or not images.multi_label:
        row["within/between"], row["1-NN"] = variety(images)
    return row


def main(names: list[str]) -> None:
    """Print one line a collection."""
    kind = "twin" if settings.current().profile == "demo" else "photographs"
    print(f"{'':28}" + "".join(f"{c:>10}" if len(c) < 10 else f"{c:>16}" for c in COLUMNS))
    for name in names:
        row = statistics(datasets.load(name))
        cells = (f"{row[c]:.3f}" if abs(row[c]) < 10 else f"{row[c]:.1f}" for c in COLUMNS)
        widths = (10 if len(c) < 10 else 16 for c in COLUMNS)
        print(f"{f'{name} ({kind})':28}" + "".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True)))


if __name__ == "__main__":
    main(sys.argv[1:])
