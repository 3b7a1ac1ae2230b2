"""Gaussians to play with: how many, at which scale, and what they take of one picture."""

from __future__ import annotations

import html
from collections.abc import Mapping
from functools import cache

import ipywidgets
import numpy as np
from matplotlib.colors import to_hex
from PIL import Image
from torch import Tensor

from lecture_lib.chapters.ifv_vs_cnn import assignment_maps as painting
from lecture_lib.chapters.ifv_vs_cnn.local_descriptors import as_array, in_grey
from lecture_lib.display import style
from lecture_lib.display.pictures import embed
from lecture_lib.encoders.sift import Local

WIDE = 400  # pixels of the longer side of a picture
STRONGEST, PATCHES = 6, 9  # Gaussians that are shown, patches of each
SIZE = 48  # pixels across a patch

Mixtures = Mapping[int, tuple[Tensor, Tensor]]  # K -> posteriors [N, K], means [K, D]


def assignment_explorer(
    picture: Tensor, local: Local, mixtures: Mixtures, *, title: str = ""
) -> ipywidgets.VBox:
    """Make a widget that paints a picture with its soft assignments, for a number of Gaussians and a bin size.

    picture   uint8 [3, H, W]
    local     its N descriptors, of one or several bin sizes
    mixtures  K -> (posteriors [N, K] of all descriptors, means [K, D] of the Gaussians)

    Below stand the Gaussians that take most of the descriptors of this size, with their most typical patches. Colours
    are those of `assignments`. Raises ValueError if there is no mixture, or one does not fit the descriptors.
    """
    if not mixtures:
        raise ValueError("There are no mixtures to show: give at least one K with its posteriors and means.")
    for K, (_, means) in mixtures.items():
        if len(means) != K:
            raise ValueError(f"There are means of {len(means)} Gaussians under K = {K}.")
    checked = {K: painting.check_mixture(local, *mixtures[K]) for K in sorted(mixtures)}
    light, pixels = in_grey(picture, local), painting.as_pixels(picture)
    sizes = np.unique(as_array(local.size)).tolist()
    plain = embed(painting.enlarge(pixels, WIDE), "the picture")

    @cache
    def draw(K: int, size: float) -> str:
        here = as_array(local.size) == np.float32(size)
        q, colours = checked[K]
        shares = q[here].mean(0)
        painted = painting.paint(light, painting.nearest_centre(local, size), q, colours)
        strongest = np.argsort(-shares, kind="stable")[:STRONGEST].tolist()
        rows = [
            line(pixels, local, np.where(here, q[:, k], 0), k, shares[k], to_hex(colours[k]))
            for k in strongest
        ]
        alt = f"the picture painted with {K} Gaussians, bins of {size:.3g} pixels"
        return (
            f'<div style="background:#fff;color:{style.INK};font:13px sans-serif;padding:8px">'
            f'<div style="display:flex;flex-wrap:wrap;gap:8px">{plain}'
            f"{embed(painting.enlarge(painted, WIDE), alt)}</div>"
            f'<div style="font-weight:bold;margin:8px 0 4px">The Gaussians with most descriptors of this size, and '
            f"patches whose posterior is {painting.SURE} or more</div>{''.join(rows)}</div>"
        )

    counts = ipywidgets.ToggleButtons(
        options=list(checked), value=middle(list(checked)), description="Gaussians"
    )
    scales = ipywidgets.ToggleButtons(
        options=[(f"{size:.3g}", size) for size in sizes], value=middle(sizes), description="pixels a bin"
    )
    for control in (counts, scales):
        control.style.button_width = "auto"
        control.style.description_width = "90px"
    view = ipywidgets.HTML(draw(counts.value, scales.value))

    def turn(_: dict) -> None:
        view.value = draw(counts.value, scales.value)

    for control in (counts, scales):
        control.observe(turn, "value")
    head = [ipywidgets.HTML(f"<b>{html.escape(title)}</b>")] if title else []
    return ipywidgets.VBox([*head, counts, scales, view])


def middle(values: list) -> float:
    """The middle one of several values, of two the first: a start from which both ways are open."""
    return values[(len(values) - 1) // 2]


def line(pixels: np.ndarray, local: Local, posterior: np.ndarray, k: int, share: float, colour: str) -> str:
    """HTML of Gaussian k's colour, share and typical patches in a row.

    pixels     uint8 [H, W, 3]
    posterior  float [N] of this Gaussian; 0 where a descriptor shall not be shown
    """
    chosen = painting.typical(local, posterior, PATCHES)
    tiles = [
        Image.fromarray(painting.crop(pixels, local, i)).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        for i in chosen
    ]
    patches = "".join(embed(tile, f"patch of k = {k}") for tile in tiles)
    return (
        f'<div style="display:flex;gap:4px;align-items:center;min-height:{SIZE + 4}px">'
        f'<div style="width:14px;height:14px;background:{colour}"></div>'
        f'<div style="width:110px"><b>k = {k}</b>: {share:.1%}</div>{patches or "none"}</div>'
    )
