"""What people see: tables, figures, widgets; nothing is computed here.

Every figure function returns a matplotlib Figure; `show(figure, "what it shows")` puts it into the notebook.
"""

from lecture_lib.display.maps import picture_map, purity_plot, scatter, scatter_grid, scatter_new, time_plot
from lecture_lib.display.pictures import activations, contact_sheet, filters, neighbours_grid
from lecture_lib.display.style import show
from lecture_lib.display.tables import beside
from lecture_lib.display.widgets import hover_map, layer_slider

__all__ = [
    "activations",
    "beside",
    "contact_sheet",
    "filters",
    "hover_map",
    "layer_slider",
    "neighbours_grid",
    "picture_map",
    "purity_plot",
    "scatter",
    "scatter_grid",
    "scatter_new",
    "show",
    "time_plot",
]
