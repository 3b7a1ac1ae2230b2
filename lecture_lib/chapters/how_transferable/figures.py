"""Accuracy against the layer of the cut, what is lost there and why, ours and the authors'; kernels of two nets."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lecture_lib.chapters.how_transferable.kinship import match_kernels
from lecture_lib.display import pictures, style
from lecture_lib.display.labels import name_ends
from lecture_lib.display.tiles import Block, Tile, tiles
from lecture_lib.results import papers

CUT = "n, layers of the donor"
PARTS = {
    "C": ("co-adaptation, C", "BnB"),
    "S": ("specificity, S", "AnB"),
}  # drawn in the colour of the nets that show it
SIDE, SHOWN = 62, 12  # pixels of a kernel, pairs of them
LEFT = 64  # pixels of the names of rows


def theirs(name: str = "accuracy") -> pd.DataFrame:
    """Return a table of the authors' figures with n as a number, and 0 for a base net: rows methods, columns n.

    BnB+ and AnB+ have base nets of their own there; of accuracies theirs are the base of all, plus the difference.
    """
    table = papers.table(f"yosinski/{name}")[papers.columns(f"yosinski/{name}")]
    table.columns = [0 if column == "base" else int(column) for column in table]
    if name == "accuracy":
        gain = theirs("decomposition")
        for plus in ("BnB+", "AnB+"):
            table.loc[plus] = table.loc["BnB", 0] + gain.loc[plus]
    return table


def two_panels(title: str, **options: object) -> tuple[Figure, list[Axes]]:
    """An empty figure of two plots against n, ours and the paper's."""
    figure = style.new_figure(10.5, 4.4, layout="constrained")
    panels = figure.subplots(1, 2, **options)
    figure.get_layout_engine().set(wspace=0.06)
    figure.suptitle(title, fontsize=14, x=0.01, ha="left")
    for axes, name in zip(panels, ("drawings", "photographs, the paper"), strict=True):
        axes.grid(axis="y", color="#eeeeee")
        axes.set_axisbelow(True)
        axes.set_title(name, fontsize=11)
        axes.set_xlabel(CUT)
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure, list(panels)


def curves(
    ours: pd.DataFrame,
    spreads: tuple[float, float],
    chances: tuple[float, float],
    *,
    title: str = "",
) -> Figure:
    """Plot accuracy against n, one line a kind of net, ours on the left and the paper's on the right.

    ours     rows methods, columns n = 1 .. 7, and 0 for the base net (in any row); in %
    spreads  standard deviations of base nets, ours and theirs: a difference of two nets below it is noise
    chances  what guessing gives, in %
    """
    paper = theirs().drop(["natural->man-made", "man-made->natural"])
    with style.look():
        figure, panels = two_panels(title)
        for axes, table, spread, chance in zip(panels, (ours, paper), spreads, chances, strict=True):
            base = table[0].dropna().iloc[0]
            axes.axhspan(
                base - spread, base + spread, color=style.of("base")["base"].colour, alpha=0.15, lw=0
            )
            axes.axhline(base, color=style.of("base")["base"].colour, lw=1, label="base B")
            draw_lines(axes, table.drop(columns=0).drop(index="base", errors="ignore"))
            axes.axhline(chance, color=style.FAINT, ls="--", lw=1, label="by chance")
            axes.set(ylim=(0, None), xlim=(0.7, 7.3))
            name_ends(axes)
        panels[0].set_ylabel("top-1 accuracy, % (band: spread of base nets)")
    return figure


def draw_lines(axes: Axes, table: pd.DataFrame) -> None:
    """Draw a line a row against the columns, in the row's look."""
    for method, look in style.of(*table.index).items():
        line = table.loc[method].dropna()
        axes.plot(
            line.index,
            line,
            color=look.colour,
            marker=look.marker,
            ms=6,
            lw=1.8,
            ls=look.stroke,
            label=method,
        )


def decomposition(ours: pd.DataFrame, *, title: str = "") -> Figure:
    """Plot what is lost at each n as stacked bars, C and S, and their sum as a dot; the paper's on the right.

    ours  rows n; columns C, S, T, "T low", "T high", in points, losses negative
    """
    paper = theirs("decomposition").loc[["C", "S"]].T
    paper["T"] = paper.sum(axis=1)
    with style.look():
        figure, panels = two_panels(title)
        for axes, table in zip(panels, (ours, paper), strict=True):
            draw_stacks(axes, table)
            if "T low" in table:
                ends = [table["T"] - table["T low"], table["T high"] - table["T"]]
                axes.errorbar(table.index, table["T"], ends, fmt="none", ecolor=style.INK, capsize=3, lw=1.2)
            axes.plot(
                table.index,
                table["T"],
                ls="",
                marker="D",
                ms=6,
                color=style.INK,
                mec="white",
                label="both, T",
            )
            axes.axhline(0, color=style.INK, lw=0.8)
        panels[0].set_ylabel("accuracy less that of base B, points")
        figure.legend(handles=panels[0].get_legend_handles_labels()[0], loc="outside lower left", ncols=3)
    return figure


def draw_stacks(axes: Axes, table: pd.DataFrame) -> None:
    """Draw C and S of each row n as bars upon each other: gains up from 0, losses down from it."""
    tops = {True: pd.Series(0.0, table.index), False: pd.Series(0.0, table.index)}
    for part, (name, method) in PARTS.items():
        for gain, values in ((True, table[part].clip(lower=0)), (False, table[part].clip(upper=0))):
            colour = style.of(method)[method].colour
            axes.bar(table.index, values, 0.6, bottom=tops[gain], color=colour, label=None if gain else name)
            tops[gain] = tops[gain] + values


def similarity(
    ours: dict[str, pd.DataFrame],
    *,
    title: str = "",
) -> Figure:
    """Plot the whole loss T(n) of random halves, and of natural against man-made classes, each with its band.

    ours  "random halves", "dissimilar halves" -> rows n; columns T, "T low", "T high"
    """
    paper = theirs("decomposition")
    unlike = paper.loc[["natural->man-made", "man-made->natural"]].mean()
    with style.look():
        figure, panels = two_panels(title)
        for kind, look in style.of(*ours).items():
            table = ours[kind]
            how = {"color": look.colour, "marker": look.marker, "ms": 6, "lw": 1.8, "label": kind}
            panels[0].plot(table.index, table["T"], **how)
            panels[0].fill_between(
                table.index, table["T low"], table["T high"], color=look.colour, alpha=0.15, lw=0
            )
            panels[1].plot(paper.columns, paper.loc["T"] if kind == "random halves" else unlike, **how)
        for axes in panels:
            axes.axhline(0, color=style.INK, lw=0.8)
            name_ends(axes)
        panels[0].set_ylabel("T: AnB less base B, points")
    return figure


def prediction(
    guess: Sequence[float], real: pd.Series | None = None, *, base: float, title: str = ""
) -> Figure:
    """Plot a reader's guess of AnB at n = 1 .. 7, and, once it may be seen, what came out.

    guess, real  accuracy in % at n = 1 .. 7; base is that of base B
    """
    with style.look():
        figure, axes = style.new_axes(
            8.5, 4.2, title, grid="y", xlabel=CUT, ylabel="top-1 accuracy of AnB, %"
        )
        axes.axhline(base, color=style.of("base")["base"].colour, lw=1, label="base B")
        axes.plot(range(1, 8), guess, color=style.FAINT, ls="--", marker="o", label="your guess")
        if real is not None:
            draw_lines(axes, pd.DataFrame({"AnB": real}).T)
        axes.set(ylim=(0, 1.15 * max(base, *guess)), xlim=(0.7, 7.3))
        name_ends(axes)
    return figure


def alignments(cka: pd.DataFrame, *, title: str = "") -> Figure:
    """Plot how alike two nets' layers are in what they say: rows layers, a column a pair of nets, linear CKA 0 to 1."""
    with style.look():
        figure, axes = style.new_axes(
            8.5, 4.2, title, grid="y", xlabel="layer", ylabel="linear CKA, same pictures"
        )
        draw_lines(axes, cka.T)
        axes.set(ylim=(0, 1.03))
        name_ends(axes)
    return figure


def kernels(a: Tensor, b: Tensor, *, title: str = "") -> Figure:
    """Show the first-layer kernels of two nets that are most alike, one above the other, with their correlation.

    a, b  float [C, 3, k, k]; each kernel is scaled by itself about grey
    """
    other, correlation = match_kernels(a, b)
    chosen = np.argsort(-correlation, kind="stable")[:SHOWN]
    drawn = []
    for w in (a[chosen], b[other[chosen]]):
        w = w.detach().float().cpu()
        scaled = w / w.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
        drawn.append(pictures.filter_tiles(scaled, SIDE))
    captions = [""] * len(chosen), [f"{correlation[i]:.2f}" for i in chosen]
    rows = [
        [Block([Tile(*one) for one in zip(kernel, text, strict=True)], label=name)]
        for name, kernel, text in zip("AB", drawn, captions, strict=True)
    ]
    return tiles(rows, title=title, left=LEFT, size=10).figure
