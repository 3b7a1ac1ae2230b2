"""Recorded trainings to play with: what is frozen, and how fast the rest learns."""

from __future__ import annotations

import base64
import html
from functools import cache

import ipywidgets
import numpy as np
import pandas as pd

from lecture_lib.chapters.fine_tuning import figures as tuning
from lecture_lib.display import style


def tuning_explorer(runs: pd.DataFrame, *, unit: str = "mAP, %", title: str = "") -> ipywidgets.VBox:
    """Make a widget of `tuning_map` with two sliders: the last frozen layer, and the ratio of the learning rates.

    runs  as for `tuning_map`

    It starts at the run with the best validation. Raises ValueError as `tuning_map`.
    """
    runs, depths, ratios = tuning.check_trainings(runs)

    @cache
    def draw(depth: str, ratio: float) -> str:
        said = tell(runs, depth, ratio, unit)
        data, kind = style.encode(tuning.tuning_map(runs, (depth, ratio), unit=unit))
        picture = base64.b64encode(data).decode()
        return (
            f'<div style="background:#fff;color:{style.INK};font:14px sans-serif;padding:8px">{said}'
            f'<img alt="Test results of all runs as a map, and validation by epoch. {said}" '
            f'style="display:block;max-width:100%" src="data:image/{kind};base64,{picture}"></div>'
        )

    depth, ratio = tuning.best_of(runs, ratios)
    wide = {"style": {"description_width": "130px"}, "layout": {"width": "420px"}}
    frozen = ipywidgets.SelectionSlider(options=depths, value=depth, description="frozen up to", **wide)
    rates = ipywidgets.SelectionSlider(
        options=[(f"{r:g}", r) for r in ratios], value=ratio, description="ratio of the rates", **wide
    )
    view = ipywidgets.HTML(draw(depth, ratio))

    def turn(_: dict) -> None:
        view.value = draw(frozen.value, rates.value)

    for control in (frozen, rates):
        control.observe(turn, "value")
    head = [ipywidgets.HTML(f"<b>{html.escape(title)}</b>")] if title else []
    return ipywidgets.VBox([*head, ipywidgets.HBox([frozen, rates]), view])


def tell(runs: pd.DataFrame, depth: str, ratio: float, unit: str) -> str:
    """One line of HTML about a run: what it was, what it reached."""
    what = "nothing frozen" if depth == tuning.NONE else f"frozen up to {depth}"
    run = tuning.find_run(runs, depth, ratio)
    if run is None:
        return html.escape(f"{what}, ratio {ratio:g}: no such run was recorded.")
    rates = "only the head learns, at any ratio" if np.isnan(run["ratio"]) else f"ratio {ratio:g}"
    validation = np.asarray(run["validation"], float)
    return html.escape(
        f"{what}, {rates}: test {unit}: {run['value']:.1f}; best validation {validation.max():.1f} in epoch "
        f"{validation.argmax() + 1} of {len(validation)}."
    )
