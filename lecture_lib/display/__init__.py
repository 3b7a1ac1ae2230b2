"""What people see: tables, figures, widgets; nothing is computed here.

Every figure function returns a matplotlib Figure; `show(figure, "what it shows")` puts it into the notebook.
"""

from lecture_lib.display.curves import class_dumbbells, confusion, learning_curves, penalty_curves
from lecture_lib.display.explorer import probe_explorer
from lecture_lib.display.gaussians import fisher_blocks, gaussian_plane
from lecture_lib.display.local import descriptor, frames
from lecture_lib.display.maps import picture_map, purity_plot, scatter, scatter_grid, scatter_new, time_plot
from lecture_lib.display.moved import filters_before_after, layer_movement, rank_changes
from lecture_lib.display.normalisations import burstiness, lengths
from lecture_lib.display.paint_explorer import assignment_explorer
from lecture_lib.display.painting import assignments, posterior_maps
from lecture_lib.display.patch_explorer import patch_explorer, patch_view
from lecture_lib.display.patch_maps import Pointing, film, k_panels, maps_beside_boxes
from lecture_lib.display.patch_scores import k_curve, pointing_bars
from lecture_lib.display.patches import labelled_patches, patch_grid, patch_sheet
from lecture_lib.display.pictures import activations, contact_sheet, filters, neighbours_grid
from lecture_lib.display.rankings import confusions, ranked, views_grid
from lecture_lib.display.style import show
from lecture_lib.display.tables import beside
from lecture_lib.display.tradeoffs import tradeoff
from lecture_lib.display.tuning import freeze_curves, training_curves, tuning_map
from lecture_lib.display.tuning_explorer import tuning_explorer
from lecture_lib.display.widgets import hover_map, layer_slider

__all__ = [
    "Pointing",
    "activations",
    "assignment_explorer",
    "assignments",
    "beside",
    "burstiness",
    "class_dumbbells",
    "confusion",
    "confusions",
    "contact_sheet",
    "descriptor",
    "film",
    "filters",
    "filters_before_after",
    "fisher_blocks",
    "frames",
    "freeze_curves",
    "gaussian_plane",
    "hover_map",
    "k_curve",
    "k_panels",
    "labelled_patches",
    "layer_movement",
    "layer_slider",
    "learning_curves",
    "lengths",
    "maps_beside_boxes",
    "neighbours_grid",
    "patch_explorer",
    "patch_grid",
    "patch_sheet",
    "patch_view",
    "penalty_curves",
    "picture_map",
    "pointing_bars",
    "posterior_maps",
    "probe_explorer",
    "purity_plot",
    "rank_changes",
    "ranked",
    "scatter",
    "scatter_grid",
    "scatter_new",
    "show",
    "time_plot",
    "tradeoff",
    "training_curves",
    "tuning_explorer",
    "tuning_map",
    "views_grid",
]
