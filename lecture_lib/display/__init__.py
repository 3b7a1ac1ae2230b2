"""What several chapters show: style, pictures, curves, tables, and widgets of figures; nothing is computed here.

Every figure function returns a matplotlib Figure; `show(figure, "what it shows")` puts it into the notebook.
"""

from lecture_lib.display.curves import class_dumbbells, learning_curves
from lecture_lib.display.pictures import contact_sheet, neighbours_grid, views_grid
from lecture_lib.display.showing import show
from lecture_lib.display.tables import beside, with_spread
from lecture_lib.display.tradeoffs import tradeoff
