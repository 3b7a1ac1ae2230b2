"""Maps of patches to play with: of which picture and class, with which k, from which scale."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from lecture_lib.chapters.patch_transfer.grid import LAMBDAS, Grid
from lecture_lib.chapters.patch_transfer.inference import K, picture_score
from lecture_lib.chapters.patch_transfer.map_figures import patch_view
from lecture_lib.datasets import ImageCollection
from lecture_lib.display import style
from lecture_lib.display.pictures import classes_of
from lecture_lib.display.showing import Explorer, choice

KS = (1, 2, 3, 5, 8, 12, 20)
ALL = -1  # scales: a control takes no None
HIGHEST = 4  # scores in the title


def patch_explorer(images: ImageCollection, grids: Sequence[Grid], y: Sequence[np.ndarray]) -> Explorer:
    """Make a widget of `patch_view` with controls for the picture, the class, k and the scale.

    images  of C classes, with boxes
    grids   one a picture
    y       for each picture float [M, C], as of `adaptation.probabilities`

    It starts at the first picture. Each picture comes with the class it shows whose score is highest. The title has the
    highest scores of the picture, and which classes it shows.
    """
    names = [style.short(name) for name in images.classes]

    def draw(i: int, c: int, k: float, scale: int) -> tuple[Figure, str]:
        scale, shown = None if scale == ALL else scale, classes_of(images, i)
        scores = picture_score(y[i] if scale is None else y[i][grids[i].scale == scale], k)
        best = np.argsort(-scores, kind="stable")[:HIGHEST]
        title = ", ".join(f"{names[b]} {scores[b]:.2g}" + " (shown)" * (b in shown) for b in best)
        boxes, of_class = images.boxes[i].of_class(c), y[i][:, c]
        view = patch_view(
            images.tensor(i), names[c], boxes, grids[i], of_class, k=k, scale=scale, title=title
        )
        return view, f"A picture, its map of {names[c]} with k = {k:g}, and its best patches; scores: {title}"

    shown = [classes_of(images, i) for i in range(len(images))]
    pictures = [
        (f"{i}: {', '.join(names[c] for c in those) or 'nothing'}", i) for i, those in enumerate(shown)
    ]
    classes = [(name, c) for c, name in enumerate(names)]

    def best_of(i: int) -> int:
        return max(shown[i] or range(len(names)), key=lambda c: picture_score(y[i])[c])

    which = choice("picture", pictures)
    wanted = choice("class", classes, best_of(0))
    which.observe(lambda change: setattr(wanted, "value", best_of(change["new"])), "value")
    scales = [("all", ALL), *((f"λ = {lam:g}", s) for s, lam in enumerate(LAMBDAS))]
    return Explorer(
        draw, {"i": which, "c": wanted}, {"k": choice("k", KS, K)}, {"scale": choice("scale", scales)}
    )
