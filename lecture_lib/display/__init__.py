"""What several chapters show: style, pictures, curves, rankings, tables; nothing is computed here.

Every figure function returns a matplotlib Figure; `show(figure, "what it shows")` puts it into the notebook.
"""

from lecture_lib.display.curves import class_dumbbells, confusion, learning_curves, penalty_curves
from lecture_lib.display.pictures import activations, contact_sheet, filters, neighbours_grid
from lecture_lib.display.rankings import confusions, ranked, views_grid
from lecture_lib.display.style import show
from lecture_lib.display.tables import beside
from lecture_lib.display.tradeoffs import tradeoff

__all__ = [
    "activations",
    "beside",
    "class_dumbbells",
    "confusion",
    "confusions",
    "contact_sheet",
    "filters",
    "learning_curves",
    "neighbours_grid",
    "penalty_curves",
    "ranked",
    "show",
    "tradeoff",
    "views_grid",
]
