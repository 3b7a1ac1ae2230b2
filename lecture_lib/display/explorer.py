"""Figures that answer to the hand: controls above a figure, which is drawn anew for their values."""

from collections.abc import Callable, Mapping
from functools import cache

import ipywidgets
from IPython import display as ipython
from matplotlib.figure import Figure

from lecture_lib.display.showing import bundle


def explorer(
    draw: Callable[..., tuple[Figure, str]], *rows: Mapping[str, ipywidgets.Widget]
) -> ipywidgets.VBox:
    """Make a widget of a figure function: rows of controls, and below them the figure they ask for.

    draw  takes the values of all controls by name; returns a figure and its alternative text
    rows  name of an argument of `draw` -> its control; those of a row stand side by side

    A figure is kept: to go back to it takes no time.
    """

    @cache
    def drawn(**values) -> tuple[dict, dict]:
        return bundle(*draw(**values))

    def turn(**values) -> None:
        data, metadata = drawn(**values)
        ipython.display(data, metadata=metadata, raw=True)

    controls = {name: control for row in rows for name, control in row.items()}
    view = ipywidgets.interactive_output(turn, controls)
    return ipywidgets.VBox([*(ipywidgets.HBox(list(row.values())) for row in rows), view])
