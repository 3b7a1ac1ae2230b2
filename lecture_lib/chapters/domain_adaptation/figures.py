"""What domains look like: the same classes side by side, maps, and what is gained by adapting."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lecture_lib.chapters.domain_adaptation.alignment import DISAGREE
from lecture_lib.chapters.domain_adaptation.mmdt import Transfer
from lecture_lib.chapters.domain_adaptation.shifts import Shift, principal_axes
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.trials import domains
from lecture_lib.display import style
from lecture_lib.display.labels import name_ends
from lecture_lib.display.pictures import EDGE, thumbnails
from lecture_lib.display.tiles import Block, Tile, tiles

SIZE = 72  # pixels across a picture
FRAME = 84  # and of one of a film


def domain_sheet(
    images: ImageCollection, classes: Sequence[str], *, each: int = 4, title: str = ""
) -> Figure:
    """Show the same classes in every domain: a row a class, `each` pictures a domain."""
    names, rows = domains(images), []
    for name in classes:
        c = images.classes.index(name)
        of = {domain: images.splits[domain] for domain in names}
        picks = {domain: here[images.labels[here] == c][:each] for domain, here in of.items()}
        shown = iter(thumbnails(images, np.concatenate([*picks.values()]), SIZE, square=True))
        blocks = [
            Block(
                [Tile(next(shown), frame=EDGE) for _ in picks[domain]],
                heading=domain if not rows else "",
                label=style.short(name) if k == 0 else "",
            )
            for k, domain in enumerate(names)
        ]
        rows.append(blocks)
    return tiles(rows, title=title, left=130).figure


def domain_maps(
    maps: Mapping[str, np.ndarray], labels: np.ndarray, domain: Sequence[str], *, title: str = ""
) -> Figure:
    """Draw maps [N, 2] of the same pictures twice each: in the colours of their classes, and of their domains.

    labels  int64 [N]; domain  N names
    """
    names, domain = list(dict.fromkeys(domain)), np.asarray(domain)
    shades = mpl.colormaps["turbo"](np.linspace(0.02, 0.98, labels.max() + 1))[
        np.random.default_rng(0).permutation(labels.max() + 1)  # neighbours in the list are not alike
    ]
    with style.look():
        figure = style.new_figure(10.5, 4.3 * len(maps) + 0.4, layout="constrained")
        panels = figure.subplots(len(maps), 2, squeeze=False)
        for (left, right), (caption, xy) in zip(panels, maps.items(), strict=True):
            for axes, by in ((left, "class"), (right, "domain")):
                axes.set(xticks=[], yticks=[], aspect="equal")
                axes.set_title(f"{caption}, by {by}", fontsize=12)
            for name, look in style.of(*names).items():
                here = domain == name
                left.scatter(*xy[here].T, s=9, c=shades[labels[here]], marker=look.marker, lw=0)
                right.scatter(*xy[here].T, s=9, color=look.colour, marker=look.marker, lw=0, label=name)
        panels[0, 1].legend(loc="upper right", markerscale=2.5)
        figure.suptitle(title, fontsize=14, x=0.01, ha="left")
    return figure


def gains(table: pd.DataFrame, base: str, *, title: str = "") -> Figure:
    """Show accuracies as numbers, shaded by what they are above (blue) or below (red) those of `base`.

    table  a row a shift, a column a method, in %
    """
    ahead = table.sub(table[base], axis=0)
    most = np.nanmax(np.abs(ahead.to_numpy()))
    with style.look():
        figure = style.new_figure(1.15 * table.shape[1] + 2.2, 0.34 * len(table) + 1.7, layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(ahead, cmap="RdBu", vmin=-most, vmax=most, aspect="auto", interpolation="none")
        for (i, j), value in np.ndenumerate(table.to_numpy()):
            if np.isfinite(value):
                dark = abs(ahead.iloc[i, j]) > 0.6 * most
                look = {
                    "ha": "center",
                    "va": "center",
                    "fontsize": 10,
                    "color": "white" if dark else style.INK,
                }
                axes.text(j, i, f"{value:.1f}", **look)
        axes.set_xticks(range(table.shape[1]), [name.replace(" (", "\n(", 1) for name in table], fontsize=10)
        axes.set_yticks(range(len(table)), table.index)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel(f"mean class accuracy, %; blue: above {base}, red: below")
        axes.set_title(title, fontsize=14)
    return figure


def film(frames: Mapping[str, Sequence[np.ndarray]], ts: Sequence[float], *, title: str = "") -> Figure:
    """Show pictures as every subspace on the way from source to target can draw them: a row a picture.

    frames  label -> pictures [h, w, 3] uint8, the first the picture itself, then one for each t
    """
    rows = []
    for label, pictures in frames.items():
        captions = ["the picture", *(f"t = {t:g}" for t in ts)]
        big = [np.kron(one, np.ones((FRAME // one.shape[0],) * 2 + (1,), np.uint8)) for one in pictures]
        shown = [Tile(one, text, EDGE) for one, text in zip(big, captions, strict=True)]
        rows.append([Block(shown, label=label)])
    return tiles(rows, title=title, left=150).figure


def disagreement_curve(D: Mapping[str, np.ndarray], *, title: str = "") -> Figure:
    """Plot the subspace disagreement measure against the dimension, a line a shift; mark where it reaches DISAGREE."""
    with style.look():
        figure, axes = style.new_axes(8.5, 4.2, title, grid="y", ylabel="disagreement D(d)")
        for name, look in style.of(*D).items():
            d = np.arange(1, len(D[name]) + 1)
            axes.plot(d, D[name], color=look.colour, ls=look.stroke, lw=1.8, label=name)
            there = np.flatnonzero(D[name] >= DISAGREE)[:1]
            axes.plot(
                d[there], D[name][there], color=look.colour, marker=look.marker, ms=8, mec="white", ls=""
            )
        axes.axhline(DISAGREE, color=style.FAINT, lw=1, ls="--")
        axes.set_xlabel("dimension d of the subspaces")
        name_ends(axes)
    return figure


def target_moves(given: Shift, learned: Transfer, classes: Sequence[int], *, title: str = "") -> Figure:
    """Show what MMDT's A does, in the plane of the source's first two principal axes: before, and after.

    classes  those that are drawn: source pictures pale, test pictures of the target strong, a colour a class
    """
    axes_of = principal_axes(given.xs, 2)
    shades = mpl.colormaps["tab10"](np.arange(len(classes)) % 10)
    with style.look():
        figure = style.new_figure(10.5, 4.6, layout="constrained")
        panels = figure.subplots(1, 2, sharex=True, sharey=True)
        both = (("the target as it is", given.test), ("the target after A", learned.moved(given.test)))
        for axes, (caption, test) in zip(panels, both, strict=True):
            draw_classes(axes, given, test, axes_of, classes, shades)
            axes.set_title(caption, fontsize=12)
            axes.set(xlabel="first axis of the source", ylabel="second axis")
            axes.label_outer()
        figure.suptitle(title, fontsize=14, x=0.01, ha="left")
    return figure


def draw_classes(
    axes: Axes, given: Shift, test: np.ndarray, plane: np.ndarray, classes: Sequence[int], shades: np.ndarray
) -> None:
    """Draw source and target pictures of some classes in a plane [d, 2], and join the means of each class."""
    for c, shade in zip(classes, shades, strict=True):
        source, target = given.xs[given.ys == c] @ plane, test[given.truth == c] @ plane
        axes.scatter(*source.T, s=16, color=shade, alpha=0.3, lw=0)
        axes.scatter(*target.T, s=16, color=shade, marker="^", edgecolors=style.INK, linewidths=0.4)
        axes.plot(*np.stack([source.mean(0), target.mean(0)], 1), color=shade, lw=2)
    axes.scatter([], [], s=16, color=style.PALE, label="source")
    axes.scatter(
        [], [], s=16, color=style.PALE, marker="^", edgecolors=style.INK, linewidths=0.4, label="target, test"
    )
    axes.legend(loc="upper right")


def right_and_wrong(xy: np.ndarray, right: np.ndarray, others: np.ndarray, *, title: str = "") -> Figure:
    """Draw the test pictures of a trial on a map: ✓ green where right, ✗ red where wrong, all others pale.

    xy      [k, 2] of the test pictures; right  bool [k]; others  [n, 2] of the source pictures
    """
    with style.look():
        figure, axes = style.new_axes(7.6, 6.2, title, grid="both")
        axes.grid(visible=False)
        axes.scatter(*others.T, s=12, color="#d9d9d9", lw=0, label="source pictures")
        for good, colour in ((False, style.WRONG), (True, style.RIGHT)):
            marker = f"${style.SIGNS[good]}$"
            label = f"{'right' if good else 'wrong'}: {int((right == good).sum())}"
            axes.scatter(*xy[right == good].T, s=34, color=colour, marker=marker, lw=0.4, label=label)
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure
