"""Dense SIFT: 128 numbers for every patch of a regular grid, at one size or several.

A descriptor counts the gradients of 4 x 4 spatial bins in 8 orientations (Lowe 2004, section 6). Number 8 (4 y + x) + o
is that of bin (x, y), counted from the top left, and of orientation o, where atan2(gy, gx) is o eighths of a turn with
y downwards. The numbers are those of VLFeat's `vl_dsift` with its flat window (Vedaldi and Fulkerson 2010): a gradient
is shared between the two nearest orientations and the four nearest bins, then each bin is weighted by the mean of
the Gaussian window over it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

BINS, ORIENTATIONS = 4, 8
MAGNIF = 6.0  # pixels of a bin to one of sigma in which PHOW smooths, as in VLFeat
WINDOW = 1.5  # sigma of the Gaussian window in bins, as in VLFeat
CONTRAST = 0.005  # descriptors of less are 0, as in VLFeat
DIM = BINS * BINS * ORIENTATIONS

MIRROR = (
    torch.arange(DIM)
    .reshape(BINS, BINS, ORIENTATIONS)
    .flip(1)[:, :, (ORIENTATIONS // 2 - torch.arange(ORIENTATIONS)) % ORIENTATIONS]
    .flatten()
)
"""int64 [128]: a patch with descriptor d has, left and right exchanged, the descriptor d[MIRROR]."""

PATCHES = 2048  # normalised at once: a megabyte, which stays in the processor's cache from step to step
# filtered at once: with more, most products are with zeros; with fewer, products of matrices are slow
ROWS = 16


@dataclass(frozen=True, eq=False)
class Local:
    """Local descriptors of one picture: what they say, where they lie, how large they are; len() is their number N.

    x        float32 [N, D]   the descriptors
    xy       float32 [N, 2]   centres in pixels, x then y; (0, 0) is the centre of the top left pixel
    size     float32 [N]      side of a spatial bin in pixels of the picture: a descriptor covers 4 x 4 bins
    picture  (H, W)           height and width of the picture in pixels
    """

    x: Tensor
    xy: Tensor
    size: Tensor
    picture: tuple[int, int]

    def __len__(self) -> int:
        return len(self.x)


def phow(picture: Tensor, step: int = 3, sizes: Sequence[int] = (4, 6, 8, 10)) -> Local:
    """Describe patches of several sizes with common centres: VLFeat's `vl_phow`, on the grey picture.

    picture  uint8 [3, H, W]
    step     pixels between centres; sizes in pixels, too

    For bins of `size` pixels the picture is smoothed, sigma = size / 6. Descriptors of contrast below 0.005 are 0.
    One size after the other. Sizes that do not fit into the picture are left out; ValueError where none does.
    """
    image = grey(picture)
    layers = [(smooth(image, size / MAGNIF), size, math.floor(1.5 * (max(sizes) - size))) for size in sizes]
    return describe(layers, image.shape, step)[0]


def sift_pyramid(picture: Tensor, step: int, size: int, scales: Sequence[float]) -> Local:
    """Describe patches of one size on the picture resized to several scales: `getDenseSIFT` of VLFeat's applications.

    picture  uint8 [3, H, W]
    step     pixels between centres of the resized picture; size in its pixels, too

    Resizing is bicubic, antialiased; centres and sizes are in pixels of the picture as it came. Contrast as in `phow`.
    One scale after the other. Scales at which no patch fits are left out; ValueError where none does.
    """
    image = grey(picture)
    sides = [[max(1, round(scale * side)) for side in image.shape] for scale in scales]
    images = [F.interpolate(image[None, None], side, mode="bicubic", antialias=True)[0, 0] for side in sides]
    layers = [(resized, size, 0) for resized in images]
    return describe(layers, image.shape, step)[0]


def describe(
    layers: Sequence[tuple[Tensor, int, int]], picture: Sequence[int], step: int
) -> tuple[Local, Tensor]:
    """Describe patches of a picture (H, W) on the grids of several layers: N vectors, their contrasts float32 [N].

    layers  (image, size, margin), described one after the other:
            image   float32 [h, w], the picture smoothed or resized
            size    side of a spatial bin in pixels; the centres of a patch's outer bins are 3 size apart
            margin  pixels from the image's first pixel to the centre of the first bin, across and down
    step    pixels from one patch to the next, across and down; patches come row by row, from the top left

    L2, numbers clipped at 0.2, L2 again; patches whose contrast is below CONTRAST become 0. Contrast is the sum of a
    descriptor before that, over its area (3 size + 1)^2: the `norm` of VLFeat's frames. Outer bins reach over the
    border, where the votes of the outermost pixels are continued; gradients there are one-sided differences.
    ValueError: no patch fits.
    """
    if step < 1 or any(size < 1 for _, size, _ in layers):
        raise ValueError("Steps and sizes are whole numbers of pixels from 1.")
    grids = [[range(margin, side - 3 * size, step) for side in image.shape] for image, size, margin in layers]
    counts = [len(rows) * len(columns) for rows, columns in grids]
    if not sum(counts):
        raise ValueError(
            f"A picture of {picture[0]} x {picture[1]} pixels is too small for a patch: enlarge it, or take smaller "
            "bins."
        )
    # All layers write into one tensor: joining parts would move every number again, into memory not yet touched.
    x = layers[0][0].new_empty(sum(counts), DIM)
    contrast = x.new_empty(len(x))
    xy, sizes = [], []
    parts = zip(layers, grids, x.split(counts), contrast.split(counts), strict=True)
    for (image, size, _), grid, d, c in parts:
        if len(d):
            _normalise(_bins(image, *grid, size), size, d, c)
        pixels = [
            n / m for n, m in zip(picture, image.shape, strict=True)
        ]  # of the picture, for one of the image
        # the picture's corners stay where they are, half a pixel outside
        y_x = [
            (torch.tensor(at) + 1.5 * size + 0.5) * pixel - 0.5
            for at, pixel in zip(grid, pixels, strict=True)
        ]
        xy.append(torch.cartesian_prod(*y_x).flip(1))
        sizes.append(torch.full((len(d),), size * math.sqrt(math.prod(pixels))))
    return Local(x, torch.cat(xy), torch.cat(sizes), tuple(picture)), contrast


def _bins(image: Tensor, rows: range, columns: range, size: int) -> Tensor:
    """Return what the bins of each patch count, [len(rows), len(columns), 4, 4, 8]: a view, as patches overlap.

    rows and columns are the centres of the patches' first bins.
    """
    apart = math.gcd(rows.step, size)  # bins have their centres at multiples of it, counted from the first
    triangle = 1 - torch.arange(1 - size, size, device=image.device).abs() / size
    down, across = (range(at[0], at[-1] + 3 * size + 1, apart) for at in (rows, columns))
    counts = filter_columns(_votes(image), triangle, down)
    counts = counts.view(len(down), -1, ORIENTATIONS).transpose(0, 1).flatten(1)
    counts = filter_columns(counts, triangle, across).view(len(across), len(down), ORIENTATIONS)
    x, y, o = counts.stride()
    patch, bin_ = rows.step // apart, size // apart
    shape = len(rows), len(columns), BINS, BINS, ORIENTATIONS
    return counts.as_strided(shape, (patch * y, patch * x, bin_ * y, bin_ * x, o))


def _votes(image: Tensor) -> Tensor:
    """Share each gradient's length between the two orientations next to its own: [H, W 8]."""
    gy, gx = torch.gradient(image)  # one-sided at the border
    length = torch.hypot(gx, gy).flatten()
    turn = torch.atan2(gy, gx).flatten() * (ORIENTATIONS / (2 * math.pi))
    low = turn.floor()
    rest = (turn - low) * length
    low = low.long()
    first = torch.arange(0, ORIENTATIONS * image.numel(), ORIENTATIONS, device=image.device)
    votes = image.new_zeros(ORIENTATIONS * image.numel())
    # "& 7" is the remainder by 8, also of negative numbers, and twenty times as fast
    votes.scatter_(0, first + (low & (ORIENTATIONS - 1)), length - rest)
    votes.scatter_(0, first + ((low + 1) & (ORIENTATIONS - 1)), rest)
    return votes.view(len(image), -1)


def _normalise(bins: Tensor, size: int, d: Tensor, contrast: Tensor) -> None:
    """Weight the bins and normalise, into d, [N, 128], and the descriptors' contrasts into contrast, [N]."""
    weight = _window(size, d.device)
    weights = (weight[:, None] * weight)[..., None].repeat(1, 1, ORIENTATIONS)
    columns = bins.shape[1]
    rows = max(1, PATCHES // columns)
    parts = zip(bins.split(rows), d.view(bins.shape).split(rows), contrast.split(rows * columns), strict=True)
    for part, out, c in parts:
        v = torch.mul(part, weights, out=out).view(-1, DIM)
        torch.sum(v, 1, out=c).div_((3 * size + 1) ** 2)
        v *= (c >= CONTRAST)[:, None] / _norm(v)
        v.clamp_(max=0.2)
        v /= _norm(v)


def _window(size: int, device: torch.device) -> Tensor:
    """Return the mean of the Gaussian window over each of the four bins of an axis."""
    pixel = torch.arange(1 - size, size, device=device) / size
    centre = torch.arange(BINS, device=device)[:, None] - (BINS - 1) / 2
    return torch.exp(-0.5 * ((pixel - centre) / WINDOW) ** 2).mean(1)


def _norm(v: Tensor) -> Tensor:
    """Return lengths [N, 1] to divide by: never 0."""
    return torch.linalg.vector_norm(v, dim=1, keepdim=True).clamp_(min=1e-12)


def grey(picture: Tensor) -> Tensor:
    """Return luminance, float32 [H, W] in 0..1, of a picture uint8 [3, H, W]; ValueError: another shape or dtype.

    ITU-R 601 weights, those of Pillow's "L", not rounded.
    """
    if picture.ndim != 3 or len(picture) != 3 or not picture.numel() or picture.dtype != torch.uint8:
        dtype = str(picture.dtype).removeprefix("torch.")
        raise ValueError(f"A picture is uint8 [3, H, W], not {dtype} {list(picture.shape)}.")
    red, green, blue = picture.float() / 255
    return 0.299 * red + 0.587 * green + 0.114 * blue


def smooth(image: Tensor, sigma: float) -> Tensor:
    """Smooth an image [H, W] with a Gaussian, sigma in pixels, cut at 4 sigma, the border continued.

    As VLFeat's `vl_imsmooth`.
    """
    reach = math.ceil(4 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=image.device) / sigma) ** 2)
    kernel /= kernel.sum()
    height, width = image.shape
    down = filter_columns(image, kernel, range(height))
    return filter_columns(down.T, kernel, range(width)).T.contiguous()


def filter_columns(x: Tensor, kernel: Tensor, at: range) -> Tensor:
    """Filter the columns of x [n, m] with a kernel [2 r + 1], the border continued: [len(at), m], only its rows `at`.

    No gradients. Blocks of a banded matrix are multiplied with blocks of x, which is quicker than a convolution of
    narrow columns and needs no padded copy.
    """
    n, reach = len(x), len(kernel) // 2
    near = torch.arange(-reach, reach + 1, device=x.device)
    row = torch.arange(at.start, at.stop, at.step, device=x.device)
    matrix = x.new_zeros(len(at), n)
    matrix.scatter_add_(1, (row[:, None] + near).clamp_(0, n - 1), kernel.expand(len(at), -1))
    out = x.new_empty(len(at), x.shape[1])
    for i in range(0, len(at), ROWS):
        rows = at[i : i + ROWS]
        used = slice(max(0, rows[0] - reach), rows[-1] + reach + 1)
        torch.mm(matrix[i : i + ROWS, used], x[used], out=out[i : i + ROWS])
    return out
