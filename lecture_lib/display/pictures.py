"""Pictures of a collection: contact sheets, nearest neighbours, views, and their thumbnails."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageOps
from torch import Tensor

from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.display import style
from lecture_lib.display.tiles import FRAMED, GAP, KEY, Block, Frame, Tile, draw_key, fit, tiles

EDGE = Frame("#cccccc", 0.6)  # a white picture ends somewhere, too
# the kinds are not told apart by colour alone
FRAMES = {
    "same class": Frame(style.RIGHT, 4),
    "same group": Frame("#f0a500", 3),
    "another group": Frame(style.WRONG, 1.5),
}


def contact_sheet(
    images: ImageCollection,
    *,
    per_class: int = 1,
    classes: Sequence[str] | None = None,
    columns: int = 12,
    size: int = 88,
    title: str = "",
) -> Figure:
    """Show pictures of each class with the class's name below, group by group; classes without any are counted.

    per_class  pictures a class, drawn at random (always the same ones)
    classes    show only these (default: all)
    columns    pictures across the page; small groups stand side by side
    size       pixels across a picture; twins are drawn anew at this size, photographs are cut to a square

    Raises ValueError if a class is not in the collection.
    """
    if unknown := sorted(set(classes or ()) - set(images.classes)):
        raise ValueError(f"{images.name} has no class {unknown[0]!r}; see its .classes.")
    rng = np.random.default_rng(0)
    looks = style.looks(images.groups)
    groups: dict[str, list[tuple[int, str]]] = {group: [] for group in looks}
    empty: list[str] = []
    for c, name in enumerate(images.classes):
        if classes is None or name in classes:
            here = images.labels[:, c] == 1 if images.multi_label else images.labels == c
            picks = rng.permutation(np.flatnonzero(here))[:per_class]
            groups[images.groups[c]] += [(int(i), name) for i in picks]
            empty += [name] * (not len(picks))
    drawn = iter(thumbnails(images, [i for members in groups.values() for i, _ in members], size))
    rows, used = [], columns
    for group, members in groups.items():
        if not members:
            continue
        across = -(-len(members) // -(-len(members) // columns))  # rows of one length: 7 and 6, not 12 and 1
        if used + across > columns:
            rows, used = [*rows, []], 0
        used += across
        shown = [Tile(next(drawn), name) for _, name in members]
        rows[-1].append(Block(shown, across, heading=group, colour=looks[group][0]))
    figure, axes, _ = tiles(rows, title=title, foot=KEY * bool(empty))
    if empty:
        text = f"no picture of {len(empty)} classes, the first is {empty[0]}"
        axes.text(
            GAP, figure.bbox.height - 12, fit(text, figure.bbox.width, 10), fontsize=10, color=style.FAINT
        )
    return figure


def filter_tiles(weight: Tensor, side: int) -> np.ndarray:
    """Filters [C, 3, k, k] within -1..1 as pictures about grey, uint8 [C, s, s, 3], s about `side` pixels."""
    levels = (127.5 + 127.5 * weight.clamp(-1, 1)).round().byte().permute(0, 2, 3, 1).numpy()
    zoom = max(1, side // weight.shape[-1])
    return levels.repeat(zoom, 1).repeat(zoom, 2)


def neighbours_grid(
    images: ImageCollection, queries: Sequence[int], neighbours: Mapping[str, np.ndarray], *, title: str = ""
) -> Figure:
    """Show pictures and their nearest neighbours at several layers: one row a query, one block of columns a layer.

    queries     indices [Q] into `images`
    neighbours  layer -> indices [Q, k] into `images`, nearest first

    The frame tells whether a neighbour is of the query's class (green), of its group (amber, thinner), or of
    another group (red, thinnest). Of pictures that show several classes, one in common is enough, and they are
    not cut to a square, which might cut that off.
    """
    every = np.concatenate([np.ravel(queries), *(np.ravel(indices) for indices in neighbours.values())])
    drawn = iter(thumbnails(images, every, 72, square=not images.multi_label))
    blocks = [Block([Tile(next(drawn)) for _ in queries], 1, heading="picture")]
    for layer, indices in neighbours.items():
        pairs = [(query, near) for query, row in zip(queries, indices, strict=True) for near in row]
        shown = [Tile(next(drawn), frame=FRAMES[kinship(images, *pair)]) for pair in pairs]
        blocks.append(Block(shown, indices.shape[1], heading=layer))
    figure, axes, corners = tiles([blocks], title=title, gap=FRAMED, foot=KEY)
    draw_key(axes, FRAMES, corners[len(queries)][0], figure.bbox.height - KEY + 8)
    return figure


def kinship(images: ImageCollection, i: int, j: int) -> str:
    """How near two pictures are: the key of FRAMES for a class in common, a group, or neither."""
    one, other = (set(classes_of(images, k)) for k in (i, j))
    if one & other:
        return "same class"
    groups = [group or name for group, name in zip(images.groups, images.classes, strict=True)]
    return "same group" if {groups[c] for c in one} & {groups[c] for c in other} else "another group"


def classes_of(images: ImageCollection, i: int) -> list[int]:
    """The classes that picture i shows; none where it is unlabelled."""
    label = images.labels[i]
    return np.flatnonzero(label == 1).tolist() if images.multi_label else [int(label)] if label >= 0 else []


def views_grid(picture: Tensor, views: Sequence[Tensor], names: Sequence[str], *, title: str = "") -> Figure:
    """Show a picture and the views cut from it, in two rows: the second half of them below the first.

    picture  uint8 [3, H, W]
    views    uint8 [3, h, w] each, all shown equally large, as a network gets them
    names    their captions

    Of views that come with their mirror images behind them, each mirror stands below its partner.
    """
    small = [enlarge(as_pixels(view), 100) for view in views]
    captions = [
        "\n".join(textwrap.wrap(name, int(view.width / 5.4))) for name, view in zip(names, small, strict=True)
    ]
    shown = [Tile(view, text, EDGE) for view, text in zip(small, captions, strict=True)]
    large = Tile(enlarge(as_pixels(picture), 210), frame=EDGE)
    return tiles(
        [[Block([large]), Block(shown, columns=-(-len(shown) // 2))]], title=title, align="left"
    ).figure


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


def as_pixels(picture: Tensor) -> np.ndarray:
    """A picture [3, H, W] as uint8 [H, W, 3]."""
    return picture.permute(1, 2, 0).contiguous().cpu().numpy()


def enlarge(pixels: np.ndarray, longer: int) -> Image.Image:
    """The picture, uint8 [H, W, 3], with its longer side of that many pixels."""
    return ImageOps.contain(Image.fromarray(pixels), (longer, longer), Image.Resampling.BICUBIC)
