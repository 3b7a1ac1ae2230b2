"""What parts and attributes look like: birds brought into one pose, what POOFs look at, people by their scores."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from lecture_lib.chapters.parts_and_attributes import dpd, parts, poof
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.regions import facing_one_way, object_boxes
from lecture_lib.display import style
from lecture_lib.display.pictures import EDGE, as_pixels
from lecture_lib.display.tiles import FRAMED, KEY, Block, Frame, Tile, draw_key, tiles

SIZE = 92  # pixels across a picture
BIRD = 150  # and across a bird whose points are drawn
REGIONS = {"head": "#d55e00", "body": "#0072b2"}
POINT = "#ffd92f"
ANSWERS = {1: Frame(style.RIGHT, 3, style.SIGNS[True]), 0: Frame(style.WRONG, 1.5, style.SIGNS[False]),
           -1: Frame(style.PALE, 1.5, "?")}  # fmt: skip
OVERLAY, LOST, GAINED = 130, (194, 40, 29), (0, 114, 178)  # pixels across a map, and its colours
SHOWN, MISTAKES = 4, 2  # people of each kind in a row


def square(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture uint8 [h, w, 3] warped to side x side pixels."""
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))


def species_sheet(
    images: ImageCollection, classes: Sequence[str], *, each: int = 4, title: str = ""
) -> Figure:
    """Show `each` birds of some classes, a row a class, and the heads and bodies of the same birds beside them."""
    chosen = [np.flatnonzero(images.labels == images.classes.index(name))[:each] for name in classes]
    some = images[np.concatenate(chosen)]
    birds = dpd.box_crop(some, 1.0)
    crops, _, visible = dpd.crops(some, some.parts, parts.BIRD)
    rows = []
    for k, name in enumerate(classes):
        mine = range(k * each, (k + 1) * each)
        views = {"the bird": [as_pixels(birds.tensor(i)) for i in mine]}
        for p, part in enumerate(parts.BIRD):
            views[f"its {part}"] = [as_pixels(crops.tensor(2 * i + p)) for i in mine if visible[i, p]]
        rows.append(
            [
                Block(
                    [Tile(square(one, SIZE), frame=EDGE) for one in shown],
                    heading=heading if not rows else "",
                    label=style.short(name) if heading == "the bird" else "",
                )
                for heading, shown in views.items()
            ]
        )
    return tiles(rows, title=title, left=170).figure


def pose_film(images: ImageCollection, rows: Sequence[int], f: str, a: str, *, title: str = "") -> Figure:
    """Show how birds are brought into one pose: points and boxes, all facing one way, head and body, then f and a.

    f, a  part names without "left" and "right", which the last picture brings to the same two places
    """
    some = images[np.asarray(rows)]
    boxes = object_boxes(some)
    crops, regions, visible = dpd.crops(some, some.parts, parts.BIRD)
    turned, points = facing_one_way(some, parts.faces_left(some.parts, some.part_names), 1.2, BIRD)
    merged, names = poof.merge_sides(points, some.part_names)
    at = [merged[:, names.index(part), :2] for part in (f, a)]
    aligned = poof.align(turned, *at)
    last, blocks = f"{f} and {a} in place", []
    for i in range(len(some)):
        shown = {
            "points and boxes": Tile(square(as_pixels(some.tensor(i)), BIRD), frame=EDGE),
            "facing one way": Tile(as_pixels(turned[i]), frame=EDGE),
        }
        for p, (region, colour) in enumerate(REGIONS.items()):
            picture = square(as_pixels(crops.tensor(2 * i + p)), BIRD)
            shown[region] = Tile(picture, frame=Frame(colour, 3))
        pixels = as_pixels((255 * aligned[i]).round().byte())
        shown[last] = Tile(pixels.repeat(2, 0).repeat(2, 1), frame=EDGE)
        labels = [style.short(some.classes[some.labels[i]]), *[""] * (len(shown) - 1)]
        blocks.append(
            [
                Block([tile], heading=name if not i else "", label=label)
                for (name, tile), label in zip(shown.items(), labels, strict=True)
            ]
        )
    figure, axes, corners = tiles(blocks, title=title, left=200, gap=FRAMED)
    for i in range(len(some)):
        scale = BIRD / np.array(some.tensor(i).shape[:0:-1])
        x0, y0 = corners[5 * i]
        mark(axes, some.parts[i], scale, (x0, y0))
        draw_box(axes, boxes[i] * [*scale, *scale] + [x0, y0, x0, y0], "white")
        for region, box, seen in zip(REGIONS, regions[i], visible[i], strict=True):
            if seen:
                inside = np.clip(box * [*scale, *scale], 0, BIRD)
                draw_box(axes, inside + np.array([x0, y0, x0, y0]), REGIONS[region])
        mark(axes, points[i], np.ones(2), corners[5 * i + 1])
        places = np.column_stack([poof.PLACES, [1, 1]])
        mark(axes, places, np.full(2, 2.0), corners[5 * i + 4])
    return figure


def points_sheet(
    images: ImageCollection, predicted: np.ndarray, rows: Sequence[int], *, title: str = ""
) -> Figure:
    """Show birds with their annotated points, and joined to each where it is predicted to be.

    predicted  [N, P, 3], as `images.parts`
    """
    some = images[np.asarray(rows)]
    as_they_are = np.zeros(len(some), bool)
    pictures, true = facing_one_way(some, as_they_are, 1.2, BIRD)
    _, found = facing_one_way(replace(some, parts=predicted[rows]), as_they_are, 1.2, BIRD)
    shown = [
        Tile(as_pixels(picture), style.short(some.classes[c]), EDGE)
        for picture, c in zip(pictures, some.labels, strict=True)
    ]
    figure, axes, corners = tiles(
        [[Block(shown, columns=-(-len(shown) // 2))]], title=title, size=9, foot=KEY
    )
    for corner, one, other in zip(corners, true, found, strict=True):
        both = (one[:, 2] > 0) & (other[:, 2] > 0)
        ends = np.stack([one[both, :2], other[both, :2]]) + corner
        axes.plot(*ends.transpose(2, 0, 1), color="white", lw=1)
        axes.scatter(*ends[1].T, s=20, facecolors="none", edgecolors="white", linewidths=1.3)
        mark(axes, one * both[:, None], np.ones(2), corner)
    y = figure.bbox.height - KEY / 2
    axes.scatter([14], [y], s=26, color=POINT, edgecolors=style.INK, linewidths=0.6)
    axes.scatter([140], [y], s=26, facecolors="none", edgecolors=style.PALE, linewidths=1.3)
    axes.text(26, y + 4, "annotated", fontsize=10)
    axes.text(152, y + 4, "predicted (white on the birds)", fontsize=10)
    return figure


def mark(axes: Axes, points: np.ndarray, scale: np.ndarray, corner: tuple[int, int]) -> None:
    """Draw the visible points [P, 3] of a picture whose upper left corner is there; scale: page's pixels for one."""
    xy = points[points[:, 2] > 0, :2] * scale + corner
    axes.scatter(*xy.T, s=13, color=POINT, edgecolors=style.INK, linewidths=0.6)


def draw_box(axes: Axes, box: Sequence[float], colour: str) -> None:
    """Draw a box x0, y0, x1, y1 in pixels of the page."""
    x0, y0, x1, y1 = box
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=colour, lw=1.8))


def poof_masks(
    made: Sequence[poof.Poof], crops: Sequence[np.ndarray], images: ImageCollection, names: Sequence[str], *,
    title: str = "",
) -> Figure:  # fmt: skip
    """Show what POOFs look at: a row each, aligned birds of its two classes, grey where the mask is not.

    crops  a POOF each, uint8 [2, k, 64, 128, 3]: k birds of class i and k of j; names  of the parts
    """
    rows = []
    for one, of_both in zip(made, crops, strict=True):
        task = one.task
        lit = one.mask.repeat(poof.CELL, 0).repeat(poof.CELL, 1)[..., None]
        faded = (0.35 * of_both.mean(-1, keepdims=True) + 150).astype(np.uint8)
        label = f"{names[task.f]}, with {names[task.a]}\n{task.base}"
        blocks = [
            Block(
                [Tile(bird.repeat(2, 0).repeat(2, 1), frame=EDGE) for bird in of_class],
                heading=style.short(images.classes[c]),
                label=label if c == task.i else "",
            )
            for c, of_class in zip((task.i, task.j), np.where(lit, of_both, faded), strict=True)
        ]
        rows.append(blocks)
    return tiles(rows, title=title, left=180).figure


def confusions(
    counts: np.ndarray, classes: Sequence[str], groups: Sequence[str], *, title: str = ""
) -> Figure:
    """Show what species are taken for, counts [C, C] with a row a true class, and a frame around each family.

    classes  ordered by family; groups  the family of each
    """
    share = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    families = list(dict.fromkeys(groups))
    ends = np.cumsum([list(groups).count(name) for name in families])
    with style.look():
        figure = style.new_figure(8.6, 7.0, layout="constrained")
        axes = figure.add_subplot()
        shown = axes.imshow(share, cmap="Blues", vmin=0, vmax=100, interpolation="none")
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            axes.add_patch(
                Rectangle(
                    (start - 0.5,) * 2, end - start, end - start, fill=False, edgecolor=style.WRONG, lw=1.5
                )
            )
        middles = ends - np.diff([0, *ends]) / 2 - 0.5
        axes.set_xticks(middles, families, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(classes)), [style.short(name) for name in classes], fontsize=8)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="is taken for", ylabel="species")
        figure.colorbar(shown, label="% of a species' test pictures", shrink=0.7)
        axes.set_title(title, fontsize=14)
    return figure


def best_and_worst(
    people: ImageCollection,
    scores: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    *,
    title: str = "",
) -> Figure:
    """Show for each attribute who has it most and least by the scores, and the worst mistakes of both kinds.

    people  crops, one a person; scores, truth  attribute -> float and int8 [N]: 1, 0, -1 for unspecified
    """
    rows = []
    for name, score in scores.items():
        order, label = np.argsort(-score, kind="stable"), truth[name]
        no, yes = (order[label[order] == value] for value in (0, 1))
        picks = {"highest scores": order[:SHOWN], "lowest scores": order[-SHOWN:]}
        picks |= {"highest without it": no[:MISTAKES], "lowest with it": yes[-MISTAKES:]}
        rows.append(
            [
                Block(
                    [
                        Tile(square(as_pixels(people.tensor(int(i))), SIZE), frame=ANSWERS[int(label[i])])
                        for i in which
                    ],
                    heading="" if rows else heading,
                    label=name if heading == "highest scores" else "",
                )
                for heading, which in picks.items()
            ]
        )
    figure, axes, corners = tiles(rows, title=title, left=130, gap=FRAMED, foot=KEY)
    key = {"has it": ANSWERS[1], "has it not": ANSWERS[0], "unspecified": ANSWERS[-1]}
    draw_key(axes, key, corners[0][0], figure.bbox.height - KEY + 8)
    return figure


def precision_bars(tables: Mapping[str, pd.DataFrame], chance: str, *, title: str = "") -> Figure:
    """Show AP in %, a panel a table, a bar a method (a column) for each attribute (a row).

    chance  the column that is drawn as a line across the bars
    """
    with style.look():
        height = 0.62 * max(map(len, tables.values())) + 1.6
        figure = style.new_figure(5.4 * len(tables), height, layout="constrained")
        panels = figure.subplots(1, len(tables), squeeze=False)[0]
        looks = style.of(
            *dict.fromkeys(name for table in tables.values() for name in table if name != chance)
        )
        for axes, (caption, table) in zip(panels, tables.items(), strict=True):
            methods = [name for name in table if name != chance]
            thick = 0.8 / len(methods)
            y = np.arange(len(table))
            for k, name in enumerate(methods):
                place = y + (k + 0.5) * thick - 0.4
                axes.barh(place, table[name], thick * 0.92, color=looks[name].colour, label=name)
            axes.vlines(table[chance], y - 0.45, y + 0.45, color=style.INK, lw=2, label=f"{chance} (chance)")
            axes.set_yticks(y, table.index)
            axes.set(xlim=(0, 100), ylim=(len(table) - 0.5, -0.5), xlabel="average precision, %")
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="x", color="#e8e8e8")
            axes.set_axisbelow(True)
            axes.set_title(caption, fontsize=12)
        handles = {
            text: one for axes in panels for one, text in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc="outside lower left", ncols=len(handles))
        figure.suptitle(title, fontsize=14, x=0.01, ha="left")
    return figure


def occlusion_sheet(
    pictures: Mapping[str, np.ndarray], losses: Mapping[str, np.ndarray], *, columns: int = 3, title: str = ""
) -> Figure:
    """Show a person for each attribute, and over the same person what the score loses if a place is hidden.

    pictures  attribute -> uint8 [h, w, 3]; losses  attribute -> [cells, cells]. Red: the score falls; blue: it rises
    """
    blocks = []
    for name, loss in losses.items():
        picture = square(pictures[name], OVERLAY)
        strength = np.float32(loss / max(np.abs(loss).max(), 1e-12))
        smooth = Image.fromarray(strength).resize((OVERLAY, OVERLAY), Image.Resampling.BILINEAR)
        strength = np.asarray(smooth)[..., None]
        colour = np.where(strength > 0, LOST, GAINED)
        faint = 0.45 * picture.mean(2, keepdims=True) + 140
        over = faint + 0.85 * np.abs(strength) * (colour - faint)
        shown = [Tile(picture, name, EDGE), Tile(over.clip(0, 255).round().astype(np.uint8), frame=EDGE)]
        blocks.append(Block(shown))
    rows = [blocks[i : i + columns] for i in range(0, len(blocks), columns)]
    return tiles(rows, title=title, size=11).figure


def scored_sheet(
    people: ImageCollection, score: np.ndarray, truth: np.ndarray, *, each: int = 6, title: str = ""
) -> Figure:
    """Show the people with the highest and the lowest scores [N] of one attribute; truth int8 [N] as labels are."""
    order = np.argsort(-score, kind="stable")
    rows = []
    for label, which in (("highest", order[:each]), ("lowest", order[-each:])):
        shown = [
            Tile(square(as_pixels(people.tensor(int(i))), 120), frame=ANSWERS[int(truth[i])]) for i in which
        ]
        rows.append([Block(shown, label=label)])
    figure, axes, corners = tiles(rows, title=title, left=90, gap=FRAMED, foot=KEY)
    key = {"has it": ANSWERS[1], "has it not": ANSWERS[0], "unspecified": ANSWERS[-1]}
    draw_key(axes, key, corners[0][0], figure.bbox.height - KEY + 8)
    return figure
