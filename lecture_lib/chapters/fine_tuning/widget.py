"""Recorded trainings to play with: what is frozen, and how fast the rest learns."""

from __future__ import annotations

import ipywidgets
import pandas as pd
from matplotlib.figure import Figure

from lecture_lib.chapters.fine_tuning import figures
from lecture_lib.display.explorer import explorer


def freeze_explorer(runs: pd.DataFrame) -> ipywidgets.VBox:
    """Make a widget of `freeze_map` with two sliders: the last frozen layer, and the ratio of the learning rates.

    runs  as for `freeze_map`; it starts at the run with the best validation
    """
    depth, ratio = figures.best_of(runs)
    runs, depths, ratios = figures.in_order(runs)

    def draw(depth: str, ratio: float) -> tuple[Figure, str]:
        alt = f"Test results of all runs as a map; {figures.describe(runs, depth, ratio)}"
        return figures.freeze_map(runs, (depth, ratio)), alt

    wide = {"style": {"description_width": "130px"}, "layout": {"width": "420px"}}
    frozen = ipywidgets.SelectionSlider(options=depths, value=depth, description="frozen up to", **wide)
    rates = ipywidgets.SelectionSlider(
        options=[(f"{r:g}", r) for r in ratios], value=ratio, description="ratio of the rates", **wide
    )
    return explorer(draw, {"depth": frozen, "ratio": rates})
