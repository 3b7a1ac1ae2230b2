"""Draw your curve before you see ours: seven points to drag, one a layer."""

import ipywidgets
import pandas as pd
from matplotlib.figure import Figure

from lecture_lib.chapters.how_transferable import figures
from lecture_lib.display.showing import explorer


def guess(real: pd.Series, base: float) -> ipywidgets.VBox:
    """Make a widget of `figures.prediction`: a slider for each n, and a switch that uncovers what came out.

    real  accuracy of AnB at n = 1 .. 7, in %; base is that of base B, where all points start
    """
    top = float(round(1.15 * base))

    def draw(shown: bool, **points: float) -> tuple[Figure, str]:
        given = list(points.values())
        numbers = ", ".join(f"{point:.0f}" for point in given)
        alt = f"Your guess of the accuracy of AnB, {numbers} %" + " and what came out" * shown
        return figures.prediction(given, real if shown else None, base=base), alt

    look = {"orientation": "vertical", "readout_format": ".0f", "continuous_update": False, "step": 1.0}
    points = {
        f"n{n}": ipywidgets.FloatSlider(base, min=0.0, max=top, description=f"n = {n}", **look)
        for n in range(1, 8)
    }
    shown = ipywidgets.ToggleButton(False, description="show what came out", layout={"width": "200px"})
    return explorer(draw, points, {"shown": shown})
