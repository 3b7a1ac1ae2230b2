"""Draw your curve before you see ours: seven points to set, one a layer."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lecture_lib.chapters.how_transferable import figures
from lecture_lib.display.showing import Explorer, choice

LOST = (0, 1, 2, 5, 10, 15, 20, 30, 40)  # points that a guess may be below base B


def guess(real: pd.Series, base: float) -> Explorer:
    """Make a widget of `figures.prediction`: what is lost at each n, and a control that uncovers what came out.

    real  accuracy of AnB at n = 1 .. 7, in %; base is that of base B, where all points start
    """

    def draw(shown: bool, **lost: float) -> tuple[Figure, str]:
        given = base - np.array(list(lost.values()))
        numbers = ", ".join(f"{point:.0f}" for point in given)
        alt = f"Your guess of the accuracy of AnB, {numbers} %" + " and what came out" * shown
        return figures.prediction(given, real if shown else None, base=base), alt

    points = {f"n{n}": choice(f"lost at n = {n}", LOST) for n in range(1, 8)}
    shown = choice("what came out", [("hidden", False), ("shown", True)])
    return Explorer(draw, points, {"shown": shown})
