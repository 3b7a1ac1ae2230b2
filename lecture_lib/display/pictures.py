"""Pictures on a page: contact sheets, filters, activations, nearest neighbours.

A page is one figure in units of pixels, so that no picture is resampled on its way to the screen.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image, ImageOps
from torch import Tensor

from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.display import style

GAP = 6  # pixels between pictures
BETWEEN = 22  # pixels between blocks of them
HEAD = 36  # pixels of the title
HIGHEST = "#c2281d"
FRAMES = {"same class": "#0a8f5c", "same group": "#f0a500", "another group": "#c2281d"}


def contact_sheet(
    images: ImageCollection,
    *,
    per_class: int = 1,
    classes: Sequence[str] | None = None,
    columns: int = 12,
    size: int = 88,
    title: str = "",
    seed: int = 0,
) -> Figure:
    """Show pictures of each class with the class's name below, group by group.

    per_class  pictures a class, drawn by lot from `seed`
    classes    show only these (default: all)
    columns    pictures across the page; small groups stand side by side
    size       pixels across a picture; twins are drawn anew at this size, photographs are cut to a square
    """
    if unknown := sorted(set(classes or ()) - set(images.classes)):
        raise ValueError(f"{images.name} has no class {unknown[0]!r}; see its .classes.")
    rng = np.random.default_rng(seed)
    looks = style.looks(images.groups)
    blocks: dict[str, list[tuple[int, int]]] = {group: [] for group in looks}
    for c, name in enumerate(images.classes):
        if classes is None or name in classes:
            here = images.labels[:, c] == 1 if images.multi_label else images.labels == c
            picks = rng.permutation(np.flatnonzero(here))[:per_class]
            blocks[images.groups[c]] += [(int(i), c) for i in picks]
    blocks = {group: members for group, members in blocks.items() if members}
    h, w = tile_shape(images, size)
    head, foot = 28 if any(blocks) else 0, 20
    # each block goes beside the last one where there is room, else below
    corners, used, x, y, tall, wide = [], 0, GAP, HEAD if title else GAP, 0, 0
    for members in blocks.values():
        rows = -(-len(members) // columns)
        across = -(-len(members) // rows)  # rows of one length: 7 and 6, not 12 and 1
        if used + across > columns:
            used, x, y, tall = 0, GAP, y + tall, 0
        corners.append((x, y, across))
        wide = max(wide, x + across * (w + GAP))
        used, x = used + across, x + across * (w + GAP) + BETWEEN
        tall = max(tall, head + rows * (h + foot + GAP))
    canvas = blank(wide, y + tall)
    tiles = iter(thumbnails(images, [i for members in blocks.values() for i, _ in members], size))
    texts = []
    for (left, y0, across), (group, members) in zip(corners, blocks.items(), strict=True):
        texts.append((left, y0 + head - 8, group))
        for k, (_, c) in enumerate(members):
            x = left + k % across * (w + GAP)
            y = y0 + head + k // across * (h + foot + GAP)
            paste(canvas, next(tiles), x, y)
            texts.append((x + w / 2, y + h + 14, c))
    figure, axes = page(canvas, title)
    for x, y, what in texts:
        if isinstance(what, str):
            if what:
                axes.add_patch(Rectangle((x, y - 11), 12, 12, color=looks[what][0], lw=0))
                axes.text(x + 18, y, what, fontsize=11, weight="bold", color=style.INK)
        else:
            axes.text(x, y, shorten(images.classes[what], w), fontsize=7.5, ha="center", color=style.INK)
    return figure


def filters(weight: Tensor, *, columns: int = 16, zoom: int | None = None, title: str = "") -> Figure:
    """Show first-layer filters, float [C, 3, k, k], as colour pictures, each scaled by itself about grey.

    zoom  screen pixels across a weight (default: so many that a filter is about 48 pixels wide)
    """
    w = weight.detach().float().cpu()
    if w.ndim != 4 or w.shape[1] != 3:
        raise ValueError(f"Filters of colour pictures are [C, 3, k, k], not {list(w.shape)}.")
    w = 0.5 + 0.5 * w / w.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
    tiles = (w.permute(0, 2, 3, 1) * 255).round().byte().numpy()
    zoom = zoom or max(1, 48 // w.shape[-1])
    side = zoom * w.shape[-1] + GAP
    columns, top = min(columns, len(tiles)), HEAD if title else GAP
    canvas = blank(columns * side + GAP, top + -(-len(tiles) // columns) * side)
    for k, tile in enumerate(tiles):
        tile = tile.repeat(zoom, 0).repeat(zoom, 1)
        paste(canvas, tile, GAP + k % columns * side, top + k // columns * side)
    return page(canvas, title)[0]


def activations(
    picture: Tensor,
    maps: Mapping[str, Tensor],
    *,
    channels: int = 8,
    classes: Sequence[str] = (),
    size: int = 80,
    title: str = "",
) -> Figure:
    """Show one picture through the layers: its most active channels at each tap.

    picture  uint8 [3, H, W]
    maps     tap -> what the network makes of the picture there: [C, h, w] or [d] (a leading 1 is dropped)
    classes  names of the units of the last tap, if these are scores: the three highest are named

    The channels shown are those with the largest mean, each scaled by itself from dark (its least) to bright
    (its most). A vector is drawn as one line a unit.
    """
    maps = {tap: v.detach().float().cpu() for tap, v in maps.items()}
    maps = {tap: v[0] if v.ndim in (2, 4) else v for tap, v in maps.items()}
    side, left, row, top = 2 * size + GAP, 2 * size + 140, size + GAP, HEAD if title else GAP
    width = left + channels * (size + GAP)
    height = top + max(len(maps) * row, side + GAP)
    canvas = blank(width, height)
    photograph = Image.fromarray(picture.permute(1, 2, 0).contiguous().cpu().numpy())
    paste(canvas, ImageOps.contain(photograph, (side, side), Image.Resampling.BICUBIC), GAP, top)
    colours = (mpl.colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.uint8)
    for y, v in zip(range(top, height, row), maps.values(), strict=False):
        if v.ndim == 3:
            best = v.mean((1, 2)).topk(min(channels, len(v))).indices
            for j, one in enumerate(v[best]):
                levels = (one - one.min()) / (one.max() - one.min()).clamp(min=1e-12)
                tile = Image.fromarray(colours[(levels * 255).byte().numpy()])
                tile = tile.resize((size, size), Image.Resampling.BOX)
                paste(canvas, tile, left + j * (size + GAP), y)
    figure, axes = page(canvas, title)
    for y, (tap, v) in zip(range(top, height, row), maps.items(), strict=False):
        axes.text(left - 12, y + size / 2 - 1, tap, ha="right", fontsize=12, weight="bold", color=style.INK)
        shape = " × ".join(map(str, v.shape))
        axes.text(left - 12, y + size / 2 + 16, shape, ha="right", fontsize=9, color=style.FAINT)
        if v.ndim == 1:
            place = (left / width, 1 - (y + size) / height, 1 - (left + GAP) / width, size / height)
            names = classes if tap == list(maps)[-1] else ()
            draw_units(figure.add_axes(place), v.numpy(), names)
    return figure


def draw_units(axes: Axes, v: np.ndarray, names: Sequence[str]) -> None:
    """Draw a vector [d] as one line a unit; if the units have names, mark and name the three highest."""
    units, lw = np.arange(len(v)), max(0.6, 250 / len(v))
    axes.vlines(units, 0, v, color="#51127c", lw=lw)
    axes.axhline(0, color=style.PALE, lw=0.6)
    axes.set_axis_off()
    low, high = min(v.min(), 0), max(v.max(), 1e-9)
    axes.set(xlim=(-1, len(v)), ylim=(low, low + (high - low) * (1.4 if len(names) else 1.02)))
    if len(names):
        best = np.argsort(-v)[:3]
        axes.vlines(units[best], 0, v[best], color=HIGHEST, lw=lw + 1)
        text = "highest: " + ", ".join(names[i] for i in best)
        axes.text(0, 1, text, transform=axes.transAxes, va="top", fontsize=10, color=HIGHEST)


def neighbours_grid(
    images: ImageCollection,
    queries: Sequence[int],
    neighbours: Mapping[str, np.ndarray],
    *,
    size: int = 72,
    title: str = "",
) -> Figure:
    """Show pictures and their nearest neighbours at several taps: one row a query, one block of columns a tap.

    queries     indices [Q] into `images`
    neighbours  tap -> indices [Q, k] into `images`, nearest first

    The frame tells whether a neighbour is of the query's class (green), of its group (amber, thinner), or of
    another group (red, thinnest). Of pictures that show several classes, one in common is enough, and they are
    not cut to a square, which might cut that off.
    """
    square = not images.multi_label
    h, w = (size, size) if square else tile_shape(images, size)
    top, head, step, space, foot = HEAD if title else GAP, 26, w + 14, BETWEEN, 34
    found = {tap: np.asarray(indices) for tap, indices in neighbours.items()}
    for tap, indices in found.items():
        if indices.ndim != 2 or len(indices) != len(queries):
            raise ValueError(
                f"Neighbours at {tap} of {len(queries)} pictures are {list(indices.shape)}, not [Q, k]."
            )
    starts = np.cumsum([GAP + step + space] + [indices.shape[1] * step + space for indices in found.values()])
    width, height = int(starts[-1]) - space, top + head + len(queries) * (h + 14) + foot
    canvas, frames = blank(width, height), []
    for row, query in enumerate(queries):
        y = top + head + row * (h + 14)
        paste(canvas, thumbnails(images, [query], size, square=square)[0], GAP, y)
        for x0, indices in zip(starts, found.values(), strict=False):
            for k, tile in enumerate(thumbnails(images, indices[row], size, square=square)):
                x = int(x0) + k * step
                paste(canvas, tile, x, y)
                frames.append((x, y, kinship(images, query, indices[row, k])))
    figure, axes = page(canvas, title)
    for x, text in zip([GAP, *starts], ["picture", *found], strict=False):
        axes.text(x, top + head - 9, text, fontsize=12, weight="bold", color=style.INK)
    kinds, widths = list(FRAMES.items()), (4, 3, 1.5)
    key = [(int(starts[0]) + 130 * k, height - 20, k) for k in range(3)]
    for x, y, kind in frames + key:
        (wide, high), lw = (w, h) if (x, y, kind) in frames else (12, 12), widths[kind]
        edge = lw * style.DPI / 72 / 2  # half the line, so that the frame lies outside the picture
        box = Rectangle((x - edge, y - edge), wide + 2 * edge, high + 2 * edge, fill=False)
        box.set(edgecolor=kinds[kind][1], linewidth=lw, joinstyle="miter")
        axes.add_patch(box)
    for x, y, kind in key:
        axes.text(x + 22, y + 11, kinds[kind][0], fontsize=10, color=style.INK)
    return figure


def kinship(images: ImageCollection, i: int, j: int) -> int:
    """How near two pictures are: 0 where they have a class in common, 1 where a group, 2 where neither."""
    one, other = (set(classes_of(images, k)) for k in (i, j))
    groups = [group or name for group, name in zip(images.groups, images.classes, strict=True)]
    return 0 if one & other else 1 if {groups[c] for c in one} & {groups[c] for c in other} else 2


def classes_of(images: ImageCollection, i: int) -> list[int]:
    """The classes that picture i shows; none where it is unlabelled."""
    label = images.labels[i]
    return np.flatnonzero(label == 1).tolist() if images.multi_label else [int(label)] if label >= 0 else []


def blank(width: int, height: int) -> np.ndarray:
    """White pixels, uint8 [height, width, 3]."""
    return np.full((height, width, 3), 255, np.uint8)


def paste(canvas: np.ndarray, picture: np.ndarray | Image.Image, x: int, y: int) -> None:
    """Put a picture, uint8 [h, w, 3], onto the canvas with its upper left corner at (x, y)."""
    picture = np.asarray(picture)
    canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture


def page(canvas: np.ndarray, title: str = "") -> tuple[Figure, Axes]:
    """A figure that shows the canvas pixel for pixel, and its axes in pixels, y pointing down."""
    h, w = canvas.shape[:2]
    figure = style.new_figure(w / style.DPI, h / style.DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(canvas, extent=(0, w, h, 0), interpolation="none", aspect="auto")
    axes.set_axis_off()
    axes.text(GAP, 22, title, fontsize=14, color=style.INK)
    return figure, axes


def tile_shape(images: ImageCollection, size: int) -> tuple[int, int]:
    """Height and width of a thumbnail: as wide as `size`, square unless all pictures have one other shape."""
    if isinstance(images.images, ArrayImages):
        h, w = images.images.array.shape[2:]
        return round(size * h / w), size
    return size, size


def thumbnails(
    images: ImageCollection, indices: Iterable[int], size: int, *, square: bool = False
) -> list[Image.Image]:
    """The pictures at `indices` as RGB, of `tile_shape`, or cut to a square.

    Twins are drawn anew if they are kept smaller than that.
    """
    indices = np.asarray(list(indices), dtype=np.int64)
    h, w = (size, size) if square else tile_shape(images, size)
    kept = images.images
    if hasattr(kept, "draw") and min(kept.array.shape[2:]) < min(h, w):
        width = -(-max(h, w) * kept.array.shape[3] // kept.array.shape[2]) if square else w
        rows, back = np.unique(kept.rows[indices], return_inverse=True)  # they are drawn in ascending order
        drawn = kept.draw(rows, width)[back].transpose(0, 2, 3, 1)
        pictures = [Image.fromarray(np.ascontiguousarray(one)) for one in drawn]
    else:
        pictures = [images.pil(int(i)) for i in indices]
    return [ImageOps.fit(one, (w, h), Image.Resampling.LANCZOS) for one in pictures]


def shorten(name: str, width: int) -> str:
    """A class's name cut to what fits below a picture `width` pixels wide."""
    most, name = int(width / 5.4), name.replace("_", " ")
    return name if len(name) <= most else name[: most - 1] + "…"


def as_pixels(picture: Tensor) -> np.ndarray:
    """A picture [3, H, W] as uint8 [H, W, 3]."""
    return picture.permute(1, 2, 0).contiguous().cpu().numpy()


def enlarge(pixels: np.ndarray, longer: int) -> Image.Image:
    """The picture, uint8 [H, W, 3], with its longer side of that many pixels."""
    return ImageOps.contain(Image.fromarray(pixels), (longer, longer), Image.Resampling.BICUBIC)


def embed(picture: Image.Image, alt: str) -> str:
    """HTML of a picture, as a JPEG within it."""
    buffer = io.BytesIO()
    picture.save(
        buffer, "jpeg", quality=style.JPEG_QUALITY, subsampling=0
    )  # edges between colours stay sharp
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<img alt="{alt}" style="display:block;width:{picture.width}px;max-width:none;margin:0" '
        f'src="data:image/jpeg;base64,{data}">'
    )
