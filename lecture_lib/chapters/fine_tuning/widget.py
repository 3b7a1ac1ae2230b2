"""Recorded trainings to play with: what is frozen, and how fast the rest learns."""

import ipywidgets
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lecture_lib.chapters.fine_tuning import figures
from lecture_lib.display.showing import explorer


def freeze_explorer(runs: pd.DataFrame) -> ipywidgets.VBox:
    """Make a widget of `freeze_map` with two sliders: the last frozen layer, and the ratio of the learning rates.

    runs  as `figures.trainings` gives them; it starts at the best run
    """
    depths, ratios = figures.sliders(runs)
    best = figures.best_of(runs)

    def draw(depth: str, ratio: float) -> tuple[Figure, str]:
        of_depth = runs[runs.frozen == depth]
        run = of_depth[of_depth.ratio.isna() | (of_depth.ratio == ratio)].iloc[0]
        alt = f"Validation of all runs as a map; {figures.describe(run)}"
        return figures.freeze_map(runs, run), alt

    wide = {"style": {"description_width": "130px"}, "layout": {"width": "420px"}}
    frozen = ipywidgets.SelectionSlider(options=depths, value=best.frozen, description="frozen up to", **wide)
    rates = ipywidgets.SelectionSlider(
        options=[(f"{r:g}", r) for r in ratios],
        value=ratios[0] if np.isnan(best.ratio) else best.ratio,
        description="ratio of the rates",
        **wide,
    )
    return explorer(draw, {"depth": frozen, "ratio": rates})
