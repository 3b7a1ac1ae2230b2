"""Plots of a Gaussian mixture and of the Fisher vector that comes of it: ellipses, u_k and v_k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from lecture_lib.chapters.ifv_vs_cnn.local_descriptors import as_array
from lecture_lib.chapters.ifv_vs_cnn.wheel import gaussian_colours
from lecture_lib.display import style
from lecture_lib.display.labels import place_name

MOST_POINTS = 4000  # of a plane that are drawn; more are one black spot
NAMED = 12  # Gaussians; the numbers of more cover each other
POSITIVE, NEGATIVE = "#c2281d", "#1f5fb0"  # the ends of the colour map "RdBu_r", dark enough for bars


def gaussian_plane(
    z: np.ndarray,
    means: np.ndarray,
    variances: np.ndarray,
    weights: np.ndarray,
    *,
    chosen: int | None = None,
    title: str = "",
) -> Figure:
    """Draw descriptors in a plane, and each Gaussian as its ellipse of one standard deviation, thick if heavy.

    z          [N, D] descriptors; the first two dimensions are drawn, of 4,000 descriptors at most
    means      [K, D], variances [K, D], weights [K] of a diagonal Gaussian mixture in the same space
    chosen     a Gaussian to stand out, also with its ellipse of two standard deviations

    Colours are those of `assignments`. Raises ValueError if the shapes do not fit each other.
    """
    z, means, variances, weights = (as_array(a).astype(float) for a in (z, means, variances, weights))
    K = len(weights)
    if means.ndim != 2 or means.shape != variances.shape or len(means) != K or means.shape[1] < 2:
        raise ValueError(
            f"A mixture of {K} weights has means and variances [{K}, D] with D at least 2, "
            f"not {list(means.shape)} and {list(variances.shape)}."
        )
    if z.ndim != 2 or z.shape[1] < 2:
        raise ValueError(f"Descriptors in a plane are [N, D] with D at least 2, not {list(z.shape)}.")
    if chosen is not None:
        check_gaussians([chosen], K)
    colours = gaussian_colours(means)
    points = z[np.random.default_rng(0).permutation(len(z))[:MOST_POINTS], :2]
    sides = 2 * np.sqrt(variances[:, :2])  # of the ellipse of one standard deviation
    with style.look():
        figure = style.new_figure(8.5, 6.2, layout="constrained")
        axes = figure.add_subplot()
        axes.scatter(*points.T, s=5, color="#b4b4b4", linewidths=0, zorder=1)
        others = [k for k in range(K) if k != chosen]
        widths = 0.8 + 2.4 * np.sqrt(weights / weights.max())
        axes.add_collection(
            EllipseCollection(
                *sides[others].T,
                0,
                units="xy",
                offsets=means[others, :2],
                offset_transform=axes.transData,
                facecolors="none",
                edgecolors=colours[others],
                linewidths=widths[others],
                alpha=1 if chosen is None else 0.75,
                zorder=2,
            )
        )
        if chosen is not None:
            mark_chosen(axes, means[chosen, :2], sides[chosen], colours[chosen])
        low, high = np.percentile(points, [0.5, 99.5], axis=0)
        around = np.concatenate([[low, high], means[:, :2] - sides / 2, means[:, :2] + sides / 2])
        low, high = around.min(0), around.max(0)
        margin = 0.03 * (high - low)
        (x0, y0), (x1, y1) = low - margin, high + margin
        axes.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal")
        axes.set(xlabel="first principal component", ylabel="second principal component")
        axes.set_title(title, fontsize=14)
        names = {k: f"k = {k}" for k in range(K) if K <= NAMED and k != chosen}
        if chosen is not None:
            names = {chosen: f"k = {chosen}, weight {weights[chosen]:.1%}"} | names
        name_gaussians(figure, axes, names, means, colours)
    return figure


def mark_chosen(axes: Axes, mean: np.ndarray, sides: np.ndarray, colour: np.ndarray) -> None:
    """Fill the ellipse of one standard deviation, with `sides` [2] around `mean` [2], and draw that of two."""
    axes.add_patch(Ellipse(mean, *sides, facecolor=colour, alpha=0.35, lw=0, zorder=3))
    for sigmas, colour_of_line, lw in ((1, style.INK, 5), (1, colour, 3), (2, colour, 2)):
        stroke = {
            "facecolor": "none",
            "edgecolor": colour_of_line,
            "lw": lw,
            "ls": "-" if sigmas == 1 else "--",
        }
        axes.add_patch(Ellipse(mean, *(sigmas * sides), zorder=4, **stroke))


def name_gaussians(
    figure: Figure, axes: Axes, names: Mapping[int, str], means: np.ndarray, colours: np.ndarray
) -> None:
    """Write the names of Gaussians, k -> name, on their means or beside them where they would touch."""
    figure.draw_without_rendering()  # lay the axes out: only then are places known in pixels
    figure.set_layout_engine("none")
    taken = np.empty((0, 4))
    for k, name in names.items():
        frame = {"facecolor": "white", "edgecolor": colours[k], "alpha": 0.9, "boxstyle": "round,pad=0.2"}
        text = axes.annotate(
            name, means[k, :2], xytext=(0, 0), textcoords="offset points", fontsize=10, bbox=frame, zorder=5
        )
        box, _ = place_name(text, taken, on=True)
        taken = np.concatenate([taken, [box]])


def check_gaussians(ks: Sequence[int], K: int) -> None:
    """Raise ValueError if a number in `ks` names none of K Gaussians."""
    if outside := [k for k in ks if not 0 <= k < K]:
        raise ValueError(f"There are Gaussians k = 0 .. {K - 1}, none is {outside[0]}.")


def fisher_blocks(phi: np.ndarray, K: int, ks: Sequence[int], *, title: str = "") -> Figure:
    """Draw a whole Fisher vector as an image, one row a Gaussian, and u_k and v_k of a few Gaussians as bars.

    phi  [2 K D] = [u_1; v_1; ...; u_K; v_K], as of `encoders.fisher.fisher`
    ks   the Gaussians whose bars are drawn: 0 .. K-1

    Blue is below 0, red above; colours end at the 99.5th percentile of the absolute values.
    Raises ValueError if phi is not [2 K D].
    """
    phi = as_array(phi).astype(float)
    if phi.ndim != 1 or not phi.size or phi.size % (2 * K):
        raise ValueError(
            f"A Fisher vector of {K} Gaussians is [2 K D], a multiple of {2 * K}, not {list(phi.shape)}."
        )
    check_gaussians(ks, K)
    blocks = phi.reshape(K, 2, -1)
    D = blocks.shape[2]
    most = max(np.percentile(np.abs(phi), 99.5), np.finfo(np.float32).tiny)
    with style.look():
        figure = style.new_figure(10, max(4.6, 1.5 * len(ks) + 1), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.35])
        draw_overview(left, blocks, ks, most)
        highest = max(np.abs(blocks[list(ks)]).max() * 1.05, most) if len(ks) else most
        grid = right.subplots(2 * len(ks), 1, sharex=True, squeeze=False)[:, 0] if len(ks) else []
        for j, axes in enumerate(grid):
            k, order = ks[j // 2], j % 2
            values = blocks[k, order]
            axes.bar(range(D), values, width=0.85, color=np.where(values < 0, NEGATIVE, POSITIVE))
            axes.axhline(0, color=style.PALE, lw=0.6)
            axes.set_ylabel(f"${'uv'[order]}_{{{k}}}$", rotation=0, fontsize=14, ha="right", va="center")
            axes.set(xlim=(-1, D), ylim=(-highest, highest))
            axes.tick_params(labelsize=9)
        if len(ks):
            grid[-1].set_xlabel("dimension of the descriptor")
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=14)
    return figure


def draw_overview(figure: Figure, blocks: np.ndarray, ks: Sequence[int], most: float) -> None:
    """Draw all values [K, 2, D] as two images, of the u_k and of the v_k, blue below 0 and red above."""
    K = len(blocks)
    for axes, order in zip(figure.subplots(1, 2, sharey=True), (0, 1), strict=True):
        image = axes.imshow(
            blocks[:, order], cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto", interpolation="none"
        )
        axes.set_title(f"all ${'uv'[order]}_k$", fontsize=12)
        axes.set(xlabel="dimension", ylabel="" if order else "Gaussian k")
        axes.tick_params(labelsize=9)
        for k in ks:  # an arrow beside the row, for a frame would hide it
            axes.annotate(
                "", (1, k), xytext=(1.09, k), xycoords=axes.get_yaxis_transform(),
                arrowprops={"arrowstyle": "-|>", "color": style.INK, "lw": 1},
            )  # fmt: skip
    bar = figure.colorbar(image, ax=figure.axes, location="bottom", shrink=0.7, aspect=30, extend="both")
    bar.outline.set_visible(False)
    bar.ax.locator_params(nbins=5)
    bar.ax.tick_params(labelsize=9)
    axes.set_ylim(K - 0.5, -0.5)
