"""Dense SIFT: 128 numbers for every patch of a regular grid, at one size or several.

A descriptor counts the gradients of 4 x 4 spatial bins in 8 orientations (Lowe 2004, section 6). Number 8 (4 y + x) + o
is that of bin (x, y), counted from the top left, and of orientation o, where atan2(gy, gx) is o eighths of a turn with
y downwards. The numbers are those of VLFeat's `vl_dsift` with its flat window (Vedaldi and Fulkerson 2010): a gradient
is shared between the two nearest orientations and the four nearest bins, then each bin is weighted by the mean of
the Gaussian window over it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.encoders.local import Local

BINS, ORIENTATIONS = 4, 8
DIM = BINS * BINS * ORIENTATIONS

MIRROR = (
    torch.arange(DIM)
    .reshape(BINS, BINS, ORIENTATIONS)
    .flip(1)[:, :, (ORIENTATIONS // 2 - torch.arange(ORIENTATIONS)) % ORIENTATIONS]
    .flatten()
)
"""int64 [128]: a patch with descriptor d has, left and right exchanged, the descriptor d[MIRROR]."""

ROWS = (
    24  # filtered at once: with more, most products are with zeros; with fewer, products of matrices are slow
)
PATCHES = (
    2048  # normalised at once: a megabyte, which stays in the processor's cache from one step to the next
)


def grey(picture: Tensor) -> Tensor:
    """Return luminance, float32 [H, W] in 0..1, of a picture [3, H, W] or [H, W], uint8 or float in 0..1.

    ITU-R 601 weights, those of Pillow's "L", not rounded. ValueError: another shape or dtype, numbers outside 0..1.
    """
    colour = picture.ndim == 3 and picture.shape[0] == 3
    if not (colour or picture.ndim == 2) or not picture.numel():
        raise ValueError(f"A picture is [3, H, W] or [H, W], not {list(picture.shape)}.")
    if picture.dtype != torch.uint8 and not picture.is_floating_point():
        raise ValueError(f"A picture is uint8 or float, not {_dtype(picture)}.")
    image = picture.float()
    if picture.dtype == torch.uint8:
        image = image / 255
    else:
        low, high = torch.aminmax(image)
        if not (low >= 0 and high <= 1):  # also where a number is NaN
            raise ValueError(f"A float picture has numbers from 0 to 1, not from {low:g} to {high:g}.")
    return 0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2] if colour else image


@torch.no_grad()
def dense_sift(
    image: Tensor, step: int, size: int, *, window: float = 1.5, margin: int = 0
) -> tuple[Local, Tensor]:
    """Describe patches of one size on a grid: N unit vectors, and their contrasts, float32 [N].

    image    float32 [H, W], taken as it is: smooth it before
    step     pixels from one patch to the next, across and down; patches come row by row, from the top left
    size     side of a spatial bin in pixels; the centres of a patch's outer bins are 3 size apart
    window   sigma of the Gaussian window, in bins
    margin   pixels from the image's first pixel to the centre of the first bin, across and down

    L2, numbers clipped at 0.2, L2 again; flat patches stay 0. Contrast is the sum of a descriptor before that, over
    its area (3 size + 1)^2: the `norm` of VLFeat's frames. Outer bins reach over the border, where the votes of the
    outermost pixels are continued; gradients there are one-sided differences. ValueError: wrong shape or dtype,
    numbers that are not finite, an image too small for one patch.
    """
    if image.ndim != 2 or image.dtype != torch.float32:
        raise ValueError(
            f"An image is float32 [H, W], not {_dtype(image)} {list(image.shape)}: `grey` makes one."
        )
    if not image.sum().isfinite():
        raise ValueError("The image has numbers that are not finite: find out where they come from.")
    return _describe([(image, size, margin)], image.shape, step, window=window)


@torch.no_grad()
def phow(
    picture: Tensor,
    step: int = 3,
    sizes: Sequence[int] = (4, 6, 8, 10),
    *,
    magnif: float = 6.0,
    contrast: float = 0.005,
    root: bool = False,
) -> Local:
    """Describe patches of several sizes with common centres: VLFeat's `vl_phow`, on the grey picture.

    For bins of `size` pixels the picture is smoothed, sigma = size / magnif. Descriptors of contrast below `contrast`
    are 0. root: RootSIFT, the square root of each number over their sum (Arandjelovic and Zisserman 2012, section 3).
    One size after the other. Sizes that do not fit into the picture are left out; ValueError where none does.
    """
    image = grey(picture)
    layers = [(_smooth(image, size / magnif), size, math.floor(1.5 * (max(sizes) - size))) for size in sizes]
    return _describe(layers, image.shape, step, least=contrast, root=root)[0]


@torch.no_grad()
def sift_pyramid(
    picture: Tensor,
    step: int = 4,
    size: int = 8,
    scales: Sequence[float] = tuple(2 ** (-i / 2) for i in range(7)),
    *,
    contrast: float = 0.005,
    root: bool = False,
) -> Local:
    """Describe patches of one size on the picture resized to several scales: `getDenseSIFT` of VLFeat's applications.

    Resizing is bicubic, antialiased; centres and sizes are in pixels of the picture as it came. `contrast` and `root`
    as in `phow`. One scale after the other. Scales at which no patch fits are left out; ValueError where none does.
    """
    image = grey(picture)
    sides = [[max(1, round(scale * side)) for side in image.shape] for scale in scales]
    images = [F.interpolate(image[None, None], side, mode="bicubic", antialias=True)[0, 0] for side in sides]
    return _describe(
        [(resized, size, 0) for resized in images], image.shape, step, least=contrast, root=root
    )[0]


def _describe(
    layers: Sequence[tuple[Tensor, int, int]],
    picture: Sequence[int],
    step: int,
    *,
    window: float = 1.5,
    least: float = 0.0,
    root: bool = False,
) -> tuple[Local, Tensor]:
    """Describe layers one after the other: images [h, w] of a picture (H, W), each with a size and a margin.

    Returns descriptors, 0 where their contrast is below `least`, and contrasts.
    """
    if step < 1 or min(size for _, size, _ in layers) < 1:
        raise ValueError("Steps and sizes are whole numbers of pixels, 1 at least.")
    grids = [[range(margin, side - 3 * size, step) for side in image.shape] for image, size, margin in layers]
    counts = [len(rows) * len(columns) for rows, columns in grids]
    if not sum(counts):
        raise ValueError(_too_small(layers, picture))
    # All layers write into one tensor: joining parts would move every number again, into memory not yet touched.
    x = layers[0][0].new_empty(sum(counts), DIM)
    contrast, xy, sizes = x.new_empty(len(x)), x.new_empty(len(x), 2), x.new_empty(len(x))
    parts = zip(layers, grids, *(tensor.split(counts) for tensor in (x, contrast, xy, sizes)), strict=True)
    for (image, size, _), (rows, columns), d, c, centres, side in parts:
        if not len(d):
            continue
        _normalise(_bins(image, rows, columns, size), size, window, least, root, d, c)
        down, across = (
            n / m for n, m in zip(picture, image.shape, strict=True)
        )  # pixels of the picture by one
        side.fill_(size * math.sqrt(down * across))
        centre = (
            1.5 * size + 0.5
        )  # from the first bin's centre to the patch's, then to the pixel's upper left corner
        y = (_tensor(rows, x) + centre) * down - 0.5
        centres.view(len(rows), len(columns), 2)[..., 1] = y[:, None]
        centres.view(len(rows), len(columns), 2)[..., 0] = (_tensor(columns, x) + centre) * across - 0.5
    return Local(x, xy, sizes, tuple(picture)), contrast


def _too_small(layers: Sequence[tuple[Tensor, int, int]], picture: Sequence[int]) -> str:
    """Say how long the picture's shorter side must be."""
    short = min(picture)
    least = min(
        math.ceil((margin + 3 * size + 1) * short / min(image.shape)) for image, size, margin in layers
    )
    return (
        f"A picture of {picture[0]} x {picture[1]} pixels is too small for a patch: its shorter side must have {least} "
        "pixels at least. Enlarge it, or take smaller bins."
    )


def _bins(image: Tensor, rows: range, columns: range, size: int) -> Tensor:
    """Return what each bin of each patch counts, [len(rows), len(columns), 4, 4, 8], a view of overlapping patches.

    rows and columns are those of the centres of the patches' first bins.
    """
    apart = math.gcd(rows.step, size)  # all bins of all patches have their centres at multiples of it
    triangle = 1 - torch.arange(1 - size, size, device=image.device).abs() / size
    down, across = (range(at[0], at[-1] + 3 * size + 1, apart) for at in (rows, columns))
    counts = _filter(_votes(image), triangle, down)
    counts = counts.view(len(down), -1, ORIENTATIONS).transpose(0, 1).flatten(1)
    counts = _filter(counts, triangle, across).view(len(across), len(down), ORIENTATIONS)
    x, y, o = counts.stride()
    patch, bin_ = rows.step // apart, size // apart
    return counts.as_strided(
        (len(rows), len(columns), BINS, BINS, ORIENTATIONS), (patch * y, patch * x, bin_ * y, bin_ * x, o)
    )


def _votes(image: Tensor) -> Tensor:
    """Share each gradient's length between the two orientations next to its own: [H, W 8]."""
    gy, gx = torch.gradient(image)  # one-sided at the border
    length = torch.hypot(gx, gy).flatten()
    turn = torch.atan2(gy, gx).flatten() * (ORIENTATIONS / (2 * math.pi))
    low = turn.floor()
    rest = (turn - low) * length
    low = low.long()  # -4 to 4, whose remainders are orientations
    pixel = torch.arange(0, ORIENTATIONS * image.numel(), ORIENTATIONS, device=image.device)
    votes = image.new_zeros(ORIENTATIONS * image.numel())
    votes.scatter_(0, pixel + low % ORIENTATIONS, length - rest)
    votes.scatter_(0, pixel + (low + 1) % ORIENTATIONS, rest)
    return votes.view(len(image), -1)


def _filter(x: Tensor, kernel: Tensor, at: range) -> Tensor:
    """Filter the columns of x [n, m] with a kernel [2 r + 1], the border continued: its rows `at`, [len(at), m].

    Blocks of a banded matrix times blocks of x: as many useful products as a convolution, and quicker.
    """
    n, reach = len(x), len(kernel) // 2
    tap = torch.arange(-reach, reach + 1, device=x.device)
    source = (_tensor(at, tap)[:, None] + tap).clamp_(0, n - 1)
    matrix = x.new_zeros(len(at), n).scatter_add_(1, source, kernel.expand(len(at), -1))
    out = x.new_empty(len(at), x.shape[1])
    for i in range(0, len(at), ROWS):
        block = at[i : i + ROWS]
        used = slice(max(0, block[0] - reach), block[-1] + reach + 1)
        torch.mm(matrix[i : i + ROWS, used], x[used], out=out[i : i + ROWS])
    return out


def _tensor(at: range, like: Tensor) -> Tensor:
    return torch.arange(at.start, at.stop, at.step, dtype=like.dtype, device=like.device)


def _normalise(
    bins: Tensor, size: int, window: float, least: float, root: bool, d: Tensor, contrast: Tensor
) -> None:
    """Weight bins, write descriptors into d [N, 128] and contrasts into contrast [N]."""
    tap = torch.arange(1 - size, size, device=bins.device) / size
    centre = torch.arange(BINS, device=bins.device) - (BINS - 1) / 2
    weight = torch.exp(-0.5 * ((tap - centre[:, None]) / window) ** 2).mean(1)
    weights = (weight[:, None] * weight)[..., None].expand(bins.shape[2:])
    grid = d.view(bins.shape)
    rows = max(1, PATCHES // bins.shape[1])
    parts = zip(bins.split(rows), grid.split(rows), contrast.split(rows * bins.shape[1]), strict=True)
    for part, out, c in parts:
        v = torch.mul(part, weights, out=out).view(-1, DIM)
        torch.sum(v, 1, out=c).div_((3 * size + 1) ** 2)
        v *= (c >= least)[:, None] / _norm(v)
        v.clamp_(max=0.2)
        if root:
            v /= _norm(v, 1)
            v.sqrt_()
        else:
            v /= _norm(v)


def _norm(v: Tensor, p: int = 2) -> Tensor:
    """Return lengths [N, 1] to divide by, never 0."""
    return torch.linalg.vector_norm(v, p, dim=1, keepdim=True).clamp_(min=1e-12)


def _smooth(image: Tensor, sigma: float) -> Tensor:
    """Smooth with a Gaussian cut at 4 sigma, the border continued (VLFeat's `vl_imsmooth`)."""
    reach = math.ceil(4 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=image.device) / sigma) ** 2)
    kernel /= kernel.sum()
    height, width = image.shape
    return _filter(_filter(image, kernel, range(height)).T, kernel, range(width)).T.contiguous()


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
