"""Plots of what normalisations do to Fisher vectors: the signed square root to their values, L2 to their lengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.ticker import MaxNLocator

from lecture_lib.chapters.ifv_vs_cnn.local_descriptors import as_array
from lecture_lib.datasets import ImageCollection
from lecture_lib.display import pictures, style

BEFORE, AFTER = ("#c2281d", "-"), ("#1f5fb0", "--")
BINS = 121  # of values: an odd number, so that 0 is in the middle of one
TOP = 0.01  # of the dimensions: how much of the energy do they hold?
THUMBNAIL = 84  # pixels
LANES = (1.2, 1.62, 2.04)  # heights of thumbnails in units of the histogram's, in turn


def burstiness(before: np.ndarray, after: np.ndarray, *, title: str = "") -> Figure:
    """Plot how values are spread before and after the signed square root, and how few of them hold most energy.

    before, after  Fisher vectors, [d] or [N, d] of N pictures, both alike

    Each vector is divided by the root mean square of its values, so that both fit one axis. Kurtosis is the mean
    fourth power of these (3 for a normal distribution); energy is the sum of squares. Vectors that are zero are left
    out. Raises ValueError if all are, or if the shapes differ.
    """
    if np.shape(before) != np.shape(after):
        raise ValueError(
            f"The same vectors before and after have one shape, not {list(np.shape(before))} "
            f"and {list(np.shape(after))}."
        )
    with style.look():
        figure = style.new_figure(10, 4.3, layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1.4, 1])
        scaled = [in_units(before), in_units(after)]
        most = max(np.abs(v).max() for v in scaled)
        edges = np.linspace(-most, most, BINS + 1)
        for name, v, (colour, stroke) in zip(("before", "after"), scaled, (BEFORE, AFTER), strict=True):
            left.hist(v.ravel(), edges, histtype="stepfilled", color=colour, alpha=0.12)
            left.hist(
                v.ravel(), edges, histtype="step", color=colour, ls=stroke, lw=1.6,
                label=f"{name}: kurtosis {np.mean(v**4):.3g}",
            )  # fmt: skip
            share, energy = accumulated(v)
            top = np.interp(TOP, share, energy)
            right.plot(
                share, energy, color=colour, ls=stroke, lw=2, label=f"{name}: top {TOP:.0%} hold {top:.0%}"
            )
            right.plot(TOP, top, "o", color=colour, ms=6)
        left.set(yscale="log", ylim=(0.7, None), ylabel="values (logarithmic)")
        left.set(xlim=(-most, most), xlabel="value, in units of the vector's root mean square")
        left.legend(loc="upper right")
        right.set(xlabel="share of the dimensions, largest values first", ylabel="share of the energy")
        right.set(xlim=(0, 1), ylim=(0, 1.01))
        for axis in (right.xaxis, right.yaxis):
            axis.set_major_formatter("{x:.0%}")
        right.grid(color="#eeeeee")
        right.set_axisbelow(True)
        right.legend(loc="lower right")
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=14)
    return figure


def in_units(vectors: np.ndarray) -> np.ndarray:
    """The vectors that are not zero, float [n, d], each divided by the root mean square of its values."""
    rows = np.atleast_2d(as_array(vectors).astype(float))
    rms = np.sqrt((rows**2).mean(1, keepdims=True))
    if not rms.any():
        raise ValueError("All vectors are zero: there is nothing to plot.")
    here = rms[:, 0] > 0
    return rows[here] / rms[here]


def accumulated(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the dimensions, 0..1, and what the largest that many hold of the energy, mean over vectors [n, d]."""
    energy = np.cumsum(np.sort(vectors**2, axis=1)[:, ::-1], axis=1)
    energy = (energy / energy[:, -1:]).mean(0)
    return np.linspace(0, 1, len(energy) + 1), np.concatenate([[0], energy])


def lengths(
    values: np.ndarray, images: ImageCollection, chosen: Sequence[int], *, xlabel: str, title: str = ""
) -> Figure:
    """Plot how long the vectors of N pictures are before L2 makes all alike, with some pictures at their lengths.

    values  [N] lengths
    images  the N pictures
    chosen  indices of the pictures that are shown

    Raises ValueError if there is not one length a picture, or an index names no picture.
    """
    values = as_array(values).astype(float)
    if values.shape != (len(images),):
        raise ValueError(
            f"{images.name}: {len(images)} pictures have lengths [{len(images)}], not {list(values.shape)}."
        )
    if outside := [i for i in chosen if not 0 <= i < len(images)]:
        raise ValueError(f"{images.name} has pictures 0 .. {len(images) - 1}, none is {outside[0]}.")
    with style.look():
        figure = style.new_figure(9, 4.6, layout="constrained")
        axes = figure.add_subplot()
        counts, *_ = axes.hist(values, 40, color="#9ec5e8", edgecolor="white", lw=0.5)
        highest = counts.max()
        order = sorted(chosen, key=lambda i: values[i])
        tiles = pictures.thumbnails(images, order, THUMBNAIL)
        for j, (i, tile) in enumerate(zip(order, tiles, strict=True)):
            y = LANES[j % len(LANES)] * highest
            axes.plot([values[i]] * 2, [0, y], color=style.INK, lw=1)
            axes.plot(values[i], 0, "o", color=style.INK, ms=5, clip_on=False)
            box = OffsetImage(np.asarray(tile), zoom=72 / style.DPI, interpolation="none")
            frame = {"edgecolor": style.INK, "lw": 1}
            axes.add_artist(AnnotationBbox(box, (values[i], y), pad=0, bboxprops=frame))
        top = LANES[min(len(order), len(LANES)) - 1] + 0.3 if order else 1.05
        axes.set(ylim=(0, top * highest), xlabel=xlabel, ylabel="pictures")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_yticks([t for t in axes.get_yticks() if t <= highest])
        axes.margins(x=0.08)
        axes.set_title(title, fontsize=14)
    return figure
