"""Soft assignments painted over a picture: which Gaussian takes which descriptor, and what it looks like there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from torch import Tensor

from lecture_lib.chapters.ifv_vs_cnn.gaussians import check_gaussians
from lecture_lib.chapters.ifv_vs_cnn.local_descriptors import as_array, in_grey
from lecture_lib.chapters.ifv_vs_cnn.wheel import gaussian_colours
from lecture_lib.display import pictures, style
from lecture_lib.display.pictures import GAP, HEAD, as_pixels, enlarge
from lecture_lib.encoders.sift import BINS, Local

WIDE = 300  # pixels of the longer side of a painted picture
COLUMNS = 3  # of painted pictures
FOOT = 24  # pixels of a caption
NAMED = 12  # Gaussians in a legend, the strongest
PAPER = 0.45  # how far an unpainted picture is from white: 1 is not at all
SHADE = 0.5  # how bright paint is where the picture is black
SMALL = 190  # pixels of the longer side of a picture in a row of several
PATCH = 42  # pixels across a typical patch
SURE = 0.5  # posterior of a typical patch, at least


def assignments(picture: Tensor, local: Local, q: Tensor, means: Tensor, *, title: str = "") -> Figure:
    """Paint over a picture to which Gaussians its descriptors are assigned, once for each bin size.

    picture  uint8 [3, H, W]
    local    its N descriptors
    q        [N, K] posteriors, as of `encoders.fisher.posteriors`
    means    [K, D] of the Gaussians, which choose their colours: those of `gaussian_plane`

    Where several Gaussians share a descriptor, their colours are mixed; paint is as bright as the picture below it.
    The legend has the strongest Gaussians with their mean posteriors. Raises ValueError if q or the picture does not
    fit the descriptors.
    """
    q, colours = check_mixture(local, q, means)
    sizes = np.unique(as_array(local.size)).tolist()
    light = in_grey(picture, local)
    tiles = [enlarge(as_pixels(picture), WIDE)]
    tiles += [enlarge(paint(light, nearest_centre(local, size), q, colours), WIDE) for size in sizes]
    captions = ["the picture", *(f"bins of {size:.3g} pixels" for size in sizes)]
    w, h = tiles[0].size
    top, across, down = HEAD if title else GAP, w + 2 * GAP, h + FOOT
    rows = -(-(len(tiles) + 1) // COLUMNS)  # the legend takes the place of one
    canvas = pictures.blank(GAP + COLUMNS * across, top + rows * max(down, NAMED // 2 * 22 + 60))
    places = [(GAP + j % COLUMNS * across, top + j // COLUMNS * down) for j in range(len(tiles) + 1)]
    for tile, (x, y) in zip(tiles, places, strict=False):
        pictures.paste(canvas, tile, x, y)
    figure, axes = pictures.page(canvas, title)
    for caption, (x, y) in zip(captions, places, strict=False):
        axes.text(x, y + h + 15, caption, fontsize=11, color=style.INK)
    write_legend(axes, *places[-1], q.mean(0), colours)
    return figure


def posterior_maps(
    picture: Tensor, local: Local, q: Tensor, means: Tensor, ks: Sequence[int], *, title: str = ""
) -> Figure:
    """Show where single Gaussians fire: typical patches, then the posterior over the picture for each bin size.

    picture  uint8 [3, H, W]
    local    its N descriptors
    q        [N, K] posteriors
    means    [K, D], for the colours
    ks       the Gaussians that are shown, one a row: 0 .. K-1

    A place is white-grey at a posterior of 0, and has the Gaussian's full colour at 1. Raises ValueError as
    `assignments`, or if a k names no Gaussian.
    """
    q, colours = check_mixture(local, q, means)
    check_gaussians(ks, q.shape[1])
    sizes = np.unique(as_array(local.size)).tolist()
    light, pixels = in_grey(picture, local), as_pixels(picture)
    where = [nearest_centre(local, size) for size in sizes]
    w, h = enlarge(pixels, SMALL).size
    shown = 9
    montage = 3 * (PATCH + 2)
    left, top, head = GAP + 96, HEAD if title else GAP, 26
    start, down = left + montage + 2 * GAP, max(h, montage) + 2 * GAP
    canvas = pictures.blank(start + len(sizes) * (w + GAP), top + head + max(len(ks), 1) * down)
    for row, k in enumerate(ks):
        y = top + head + row * down
        for j, i in enumerate(typical(local, q[:, k], shown)):
            tile = Image.fromarray(crop(pixels, local, i)).resize((PATCH, PATCH), Image.Resampling.BICUBIC)
            pictures.paste(canvas, tile, left + j % 3 * (PATCH + 2), y + j // 3 * (PATCH + 2))
        for j, index in enumerate(where):
            tile = enlarge(paint(light, index, q[:, [k]], colours[[k]]), SMALL)
            pictures.paste(canvas, tile, start + j * (w + GAP), y)
    figure, axes = pictures.page(canvas, title)
    for x, text in [(left, "typical patches")] + [
        (start + j * (w + GAP), f"bins of {size:.3g} pixels") for j, size in enumerate(sizes)
    ]:
        axes.text(x, top + head - 8, text, fontsize=11, color=style.INK)
    for row, k in enumerate(ks):
        y = top + head + row * down
        axes.add_patch(Rectangle((GAP, y), 14, 14, color=colours[k], lw=0))
        axes.text(GAP + 20, y + 12, f"k = {k}", fontsize=11, weight="bold", color=style.INK)
        axes.text(GAP + 20, y + 29, f"{q[:, k].mean():.1%}", fontsize=10, color=style.FAINT)
        axes.text(GAP + 20, y + 44, "of all", fontsize=10, color=style.FAINT)
    return figure


def check_mixture(local: Local, q: Tensor, means: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors as float [N, K] and colours as float [K, 3]; ValueError unless they fit the N descriptors."""
    q, colours = as_array(q), gaussian_colours(as_array(means))
    if q.shape != (len(local), len(colours)) or not q.size:
        raise ValueError(
            f"Posteriors of {len(local)} descriptors and {len(colours)} Gaussians are [{len(local)}, {len(colours)}], "
            f"at least one of each, not {list(q.shape)}."
        )
    return q, colours


def nearest_centre(local: Local, size: float) -> np.ndarray:
    """For each pixel the descriptor whose centre is nearest, int64 [H, W]; -1 where none is within half a step.

    size  side of a bin in pixels: only descriptors of this size count; they lie on a grid, which may have gaps
    """
    here = np.flatnonzero(as_array(local.size) == np.float32(size))
    columns, rows = as_array(local.xy)[here].T.astype(float)
    height, width = local.picture
    (column, across), (row, down) = grid_lines(columns, width, size), grid_lines(rows, height, size)
    index = np.full((row.max() + 1, column.max() + 1), -1)
    index[row, column] = here
    inside = (down >= 0) & (down < index.shape[0])
    within = (across >= 0) & (across < index.shape[1])
    nearest = np.full((height, width), -1)
    nearest[np.ix_(inside, within)] = index[np.ix_(down[inside], across[within])]
    return nearest


def grid_lines(places: np.ndarray, n: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Number the lines of a grid along one axis: the line of each place [N], and the nearest to each of n pixels."""
    values = np.unique(np.round(places, 2))
    span = np.ptp(values)
    step = span / round(span / np.diff(values).min()) if span else size
    line = np.round((places - places.min()) / step).astype(int)
    return line, np.floor((np.arange(n) - places.min()) / step + 0.5).astype(int)


def paint(light: np.ndarray, nearest: np.ndarray, q: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Paint a picture in the Gaussians' colours, as bright as it is; where no descriptor is, it stays in pale grey.

    light    float [H, W] in 0..1, the picture in grey
    nearest  int64 [H, W] descriptor of each pixel, or -1
    q        float [N, k] posteriors; what is missing to 1 is left pale
    colours  float [k, 3] in 0..1

    returns uint8 [H, W, 3]
    """
    light = light[..., None]
    covered = np.where(nearest >= 0, q.sum(1)[nearest], 0)[..., None]
    mixed = np.where(nearest[..., None] >= 0, (q @ colours)[nearest], 0)
    pale = 1 - PAPER * (1 - light)
    pixels = (1 - covered) * pale + mixed * (SHADE + (1 - SHADE) * light)
    return (255 * np.clip(pixels, 0, 1)).round().astype(np.uint8)


def typical(local: Local, posterior: np.ndarray, n: int) -> list[int]:
    """Choose at most n descriptors that are surely of one Gaussian, far from each other: the surest first.

    posterior  float [N] of this Gaussian

    No centre lies within half the side of a patch chosen before. Among equals, chance decides (always in the same way).
    """
    order = np.random.default_rng(0).permutation(len(posterior))
    order = order[np.argsort(-np.round(posterior[order], 3), kind="stable")]
    order = order[posterior[order] >= SURE]
    xy, size = as_array(local.xy), as_array(local.size)
    chosen: list[int] = []
    while len(order) and len(chosen) < n:
        first = int(order[0])
        chosen.append(first)
        far = np.abs(xy[order] - xy[first]).max(1) > BINS / 2 * size[first]
        order = order[far]
    return chosen


def crop(pixels: np.ndarray, local: Local, i: int) -> np.ndarray:
    """Cut the patch of descriptor i out of a picture, uint8 [H, W, 3] to [n, n, 3]; border pixels are continued."""
    side = BINS * float(local.size[i])
    steps = (np.arange(round(side)) + 0.5) * side / round(side) - side / 2
    x, y = local.xy[i].tolist()
    height, width = pixels.shape[:2]
    rows, columns = (
        np.clip(np.floor(at + steps + 0.5), 0, n - 1).astype(int) for at, n in ((y, height), (x, width))
    )
    return pixels[np.ix_(rows, columns)]


def write_legend(axes: Axes, x: float, y: float, weights: np.ndarray, colours: np.ndarray) -> None:
    """Name the strongest Gaussians with their colours and shares, in two columns from (x, y) down."""
    strongest = np.argsort(-weights, kind="stable")[:NAMED]
    rows = -(-len(strongest) // 2)
    axes.text(x, y + 20, "share of all descriptors", fontsize=11, color=style.INK)
    for j, k in enumerate(strongest):
        left, down = x + j // rows * 140, y + 34 + j % rows * 22
        axes.add_patch(Rectangle((left, down), 14, 14, color=to_hex(colours[k]), lw=0))
        axes.text(left + 20, down + 12, f"k = {k}: {weights[k]:.1%}", fontsize=10, color=style.INK)
    if rest := len(weights) - len(strongest):
        text = f"{rest} others: {1 - weights[strongest].sum():.1%}"
        axes.text(x, y + 34 + rows * 22 + 12, text, fontsize=10, color=style.FAINT)
