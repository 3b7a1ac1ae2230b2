"""A linear classifier to play with: class, C and layer, and the pictures it is most confident of."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from lecture_lib.chapters.linear_probes import figures
from lecture_lib.datasets import ImageCollection
from lecture_lib.display import style
from lecture_lib.display.showing import Explorer, choice

TOP, MISTAKES = 10, 5  # pictures shown
GOOD = 7  # right ones of the top: enough to see what was learned, and what was not

Scores = Mapping[str, Mapping[float, np.ndarray]]  # layer -> C -> float32 [N, C classes]


def class_view(images: ImageCollection, scores: np.ndarray, c: int) -> Figure:
    """Show the pictures with the highest scores of class c, and below them the most confident mistakes.

    images  N pictures with one label each
    scores  [N, n_classes]

    Mistakes are pictures of other classes whose highest score is that of this one.
    """
    name, right, called = images.classes[c], images.labels == c, scores.argmax(1) == c
    order = np.argsort(-scores[:, c], kind="stable")
    rows = {
        f"Highest scores of “{name}”": order[:TOP],
        f"Most confident mistakes: called “{name}”": order[(called & ~right)[order]][:MISTAKES],
    }
    title = f"{(called & right).sum()} of the {right.sum()} pictures of “{style.short(name)}” are called so"
    ranking = {row: figures.Ranking(i, scores[i, c], right[i]) for row, i in rows.items()}
    return figures.ranked(images, ranking, title=title)


def probe_explorer(images: ImageCollection, scores: Scores) -> Explorer:
    """Make a widget of `class_view` with controls for the class, C and the layer.

    images  N pictures with one label each, on which the classifiers were tested
    scores  layer -> C -> scores [N, n_classes]; each layer has the same Cs

    It starts at the layer and C that call most pictures by their name, with a class of some mistakes.
    """

    def draw(layer: str, C: float, c: int) -> tuple[Figure, str]:
        alt = f"Pictures with the highest scores of {images.classes[c]}, and mistakes, at {layer} with C = {C:g}"
        return class_view(images, scores[layer][C], c), alt

    best = max(
        ((layer, C) for layer in scores for C in sorted(scores[layer])),
        key=lambda at: (scores[at[0]][at[1]].argmax(1) == images.labels).mean(),
    )
    names = [(name, c) for c, name in enumerate(images.classes)]
    which = choice("class", names, first_class(scores[best[0]][best[1]], images.labels))
    Cs = choice("C", [(f"{C:g}", C) for C in sorted(scores[best[0]])], best[1])
    return Explorer(draw, {"c": which, "C": Cs, "layer": choice("layer", list(scores), best[0])})


def first_class(scores: np.ndarray, labels: np.ndarray) -> int:
    """The class with the most mistakes among those of which GOOD of the TOP are right, if there are any.

    scores [N, C], labels int64 [N].
    """
    classes = np.arange(scores.shape[1])
    right = (labels[np.argsort(-scores, axis=0, kind="stable")[:TOP]] == classes).sum(0)
    called = scores.argmax(1)
    mistakes = np.bincount(called[called != labels], minlength=len(classes))
    return max(classes.tolist(), key=lambda c: (min(right[c], GOOD), mistakes[c]))
