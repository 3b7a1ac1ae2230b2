"""What people see: tables, figures, widgets; nothing is computed here.

Every figure function returns a matplotlib Figure; `show(figure, "what it shows")` puts it into the notebook.
"""

from lecture_lib.display.curves import class_dumbbells, confusion, learning_curves, penalty_curves
from lecture_lib.display.explorer import probe_explorer
from lecture_lib.display.maps import picture_map, purity_plot, scatter, scatter_grid, scatter_new, time_plot
from lecture_lib.display.pictures import activations, contact_sheet, filters, neighbours_grid
from lecture_lib.display.rankings import confusions, ranked, views_grid
from lecture_lib.display.style import show
from lecture_lib.display.tables import beside
from lecture_lib.display.widgets import hover_map, layer_slider

__all__ = [
    "activations",
    "beside",
    "class_dumbbells",
    "confusion",
    "confusions",
    "contact_sheet",
    "filters",
    "hover_map",
    "layer_slider",
    "learning_curves",
    "neighbours_grid",
    "penalty_curves",
    "picture_map",
    "probe_explorer",
    "purity_plot",
    "ranked",
    "scatter",
    "scatter_grid",
    "scatter_new",
    "show",
    "time_plot",
    "views_grid",
]
