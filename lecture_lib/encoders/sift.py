"""Dense SIFT: 128 numbers for every patch of a regular grid, at one size or several.

A descriptor counts the gradients of 4 x 4 spatial bins in 8 orientations (Lowe 2004). Index (4 y + x) 8 + o: bins from
the top left, x fastest; orientation o is atan2(gy, gx) = o eighths of a turn, y downwards. Numbers are those of
VLFeat's `vl_dsift` with its flat window (Vedaldi and Fulkerson 2010): gradients vote linearly into orientations
and bilinearly into spatial bins, each bin is weighted by the mean of the Gaussian window over it.
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


def grey(picture: Tensor) -> Tensor:
    """Return luminance, float32 [H, W] in 0..1, of a picture [3, H, W] or [H, W], uint8 or float in 0..1.

    ITU-R 601 weights, those of Pillow's "L", not rounded. ValueError: another shape or dtype, numbers outside 0..1.
    """
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[0] != 3) or not picture.numel():
        raise ValueError(f"A picture is [3, H, W] or [H, W], not {list(picture.shape)}.")
    if picture.dtype == torch.uint8:
        image = picture.float() / 255
    elif picture.is_floating_point():
        image = picture.float()
        low, high = torch.aminmax(image)
        if not (low >= 0 and high <= 1):  # also where one is NaN
            raise ValueError(f"A float picture has numbers from 0 to 1, not from {low:g} to {high:g}.")
    else:
        raise ValueError(f"A picture is uint8 or float, not {str(picture.dtype).removeprefix('torch.')}.")
    if image.ndim == 2:
        return image
    red, green, blue = image
    return 0.299 * red + 0.587 * green + 0.114 * blue


def dense_sift(
    image: Tensor, step: int, size: int, *, window: float = 1.5, margin: int = 0
) -> tuple[Local, Tensor]:
    """Describe patches of one size on a grid: descriptors of unit length, and their contrasts float32 [N].

    image    float32 [H, W], finite
    step     pixels from one patch to the next, across and down; the rows of the grid come one after the other
    size     side of a spatial bin in pixels; centres of the outermost bins are 3 size apart
    window   sigma of the Gaussian window in bins
    margin   the first patch's first bin has its centre `margin` pixels from the left and from the top

    Descriptors: L2, numbers clipped at 0.2, L2 again; those of flat patches are 0. Contrast is what all votes sum to,
    before that, over the area (3 size + 1)^2: `norm` of VLFeat's frames. Bins reach over the border, where the
    outermost pixels are continued; gradients there are one-sided. ValueError: a picture too small for one patch.
    """
    _check(image)
    height, width = image.shape
    if min(height, width) < margin + 3 * size + 1:
        raise ValueError(
            f"A descriptor with bins of {size} pixels needs a picture of {margin + 3 * size + 1} x "
            f"{margin + 3 * size + 1} pixels at least, this one has {height} x {width}: enlarge it, or take smaller bins."
        )
    y, x = (torch.arange(margin, n - 3 * size, step, device=image.device) for n in (height, width))
    j = torch.arange(BINS, device=image.device) * size
    f = _triangle(height, size, image.device) @ _votes(image).reshape(height, -1)
    f = f.reshape(height, width, ORIENTATIONS).transpose(0, 1).reshape(width, -1)
    f = (_triangle(width, size, image.device) @ f).reshape(width, height, ORIENTATIONS)
    d = f[(x[:, None] + j)[None, :, None], (y[:, None] + j)[:, None, :, None]]  # [ny, nx, 4 y, 4 x, 8]
    w = _window(size, window).to(image.device)
    d *= w[:, None, None] * w[:, None]
    d = d.reshape(-1, DIM)
    contrast = d.sum(1) / (3 * size + 1) ** 2
    F.normalize(d, dim=1, out=d)
    d.clamp_(max=0.2)
    F.normalize(d, dim=1, out=d)
    centres = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2) + 1.5 * size
    return Local(
        d, centres, torch.full((len(d),), float(size), device=image.device), (height, width)
    ), contrast


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

    For bins of `size` pixels the picture is smoothed with sigma = size / magnif. Descriptors of contrast below
    `contrast` are 0. root: RootSIFT (Arandjelovic and Zisserman 2012), square roots of the numbers over their sum.
    One size after the other; sizes that do not fit into the picture are left out. ValueError: none does.
    """
    image = grey(picture)
    least = 1 + min(math.floor(1.5 * (max(sizes) - size)) + 3 * size for size in sizes)
    if min(image.shape) < least:
        raise ValueError(_too_small(image, sizes, least))
    parts = []
    for size in sizes:
        margin = math.floor(1.5 * (max(sizes) - size))
        if min(image.shape) >= margin + 3 * size + 1:
            parts.append(
                _masked(*dense_sift(_smooth(image, size / magnif), step, size, margin=margin), contrast, root)
            )
    return _join(parts, tuple(image.shape))


def sift_pyramid(
    picture: Tensor,
    step: int = 4,
    size: int = 8,
    scales: Sequence[float] = tuple(2 ** (-i / 2) for i in range(7)),
    *,
    contrast: float = 0.005,
    root: bool = False,
) -> Local:
    """Describe patches of one size on the picture resized by several scales (`getDenseSIFT` of VLFeat's applications).

    Centres and sizes are in pixels of the picture as it came. Resizing is bicubic, with antialiasing. `contrast` and
    `root` as in `phow`. Scales at which no patch fits any more are left out. ValueError: none is left.
    """
    image = grey(picture)
    height, width = image.shape
    parts = []
    for scale in scales:
        h, w = max(1, round(scale * height)), max(1, round(scale * width))
        if min(h, w) < 3 * size + 1:
            continue
        resized = image
        if scale != 1:
            resized = F.interpolate(image[None, None], (h, w), mode="bicubic", antialias=True)[0, 0]
        local = _masked(*dense_sift(resized, step, size), contrast, root)
        pixel = torch.tensor([width / w, height / h], device=image.device)
        parts.append(Local(local.x, (local.xy + 0.5) * pixel - 0.5, local.size / scale, (height, width)))
    if not parts:
        raise ValueError(_too_small(image, [size], math.ceil((3 * size + 1) / max(scales))))
    return _join(parts, (height, width))


def _check(image: Tensor) -> None:
    if image.ndim != 2 or image.dtype != torch.float32:
        raise ValueError(
            f"An image is float32 [H, W], not {str(image.dtype).removeprefix('torch.')} {list(image.shape)}: see `grey`."
        )
    if not image.sum().isfinite():
        raise ValueError("The image has numbers that are not finite.")


def _too_small(image: Tensor, sizes: Sequence[int], least: int) -> str:
    return (
        f"A picture of {image.shape[0]} x {image.shape[1]} pixels is too small for bins of {min(sizes)} pixels: "
        f"its shorter side must have {least} at least. Enlarge it, or take smaller bins."
    )


def _votes(image: Tensor) -> Tensor:
    """Share the gradient's length at each pixel between the two orientations next to it: [H, W, 8]."""
    gy, gx = (_gradient(image, dim) for dim in (0, 1))
    turn = (torch.atan2(gy, gx) * (ORIENTATIONS / (2 * math.pi))).remainder(ORIENTATIONS)
    o = torch.arange(ORIENTATIONS, device=image.device)
    away = (turn[..., None] - o).abs()
    return torch.hypot(gx, gy)[..., None] * (1 - torch.minimum(away, ORIENTATIONS - away)).clamp(min=0)


def _gradient(image: Tensor, dim: int) -> Tensor:
    """Return central differences, one-sided at the border; 0 where the image is one pixel wide."""
    if image.shape[dim] == 1:
        return torch.zeros_like(image)
    return torch.gradient(image, dim=dim)[0]


def _triangle(n: int, size: int, device: torch.device) -> Tensor:
    """Return the matrix [n, n] that weights what lies d pixels away with 1 - |d| / size, the border continued."""
    i = torch.arange(n)
    tap = torch.arange(1 - size, size)
    matrix = torch.zeros(n, n)
    weight = (1 - tap.abs() / size).expand(n, -1)
    matrix.scatter_add_(1, (i[:, None] + tap).clamp(0, n - 1), weight)
    return matrix.to(device)


def _window(size: int, window: float) -> Tensor:
    """Return the mean of the Gaussian window over each of the four bins of an axis."""
    tap = torch.arange(1 - size, size)
    centre = size * (torch.arange(BINS) - (BINS - 1) / 2)
    return torch.exp(-0.5 * ((tap - centre[:, None]) / (window * size)) ** 2).mean(1)


def _smooth(image: Tensor, sigma: float) -> Tensor:
    """Smooth with a Gaussian cut at 4 sigma, the border continued (VLFeat's `vl_imsmooth`)."""
    reach = math.ceil(4 * sigma)
    tap = torch.arange(-reach, reach + 1, device=image.device)
    kernel = torch.exp(-0.5 * (tap / sigma) ** 2)
    kernel /= kernel.sum()
    padded = F.pad(image[None, None], (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[None, None, None]), kernel[None, None, :, None])[0, 0]


def _masked(local: Local, norms: Tensor, contrast: float, root: bool) -> Local:
    x = local.x * (norms >= contrast)[:, None]
    if root:
        x = F.normalize(x, p=1, dim=1).sqrt_()
    return Local(x, local.xy, local.size, local.picture)


def _join(parts: Sequence[Local], picture: tuple[int, int]) -> Local:
    return Local(
        *(torch.cat([getattr(part, name) for part in parts]) for name in ("x", "xy", "size")), picture
    )
