"""Context to play with: how much around a person the network sees, and whom it then finds for an attribute."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from lecture_lib.chapters.parts_and_attributes import dpd, figures
from lecture_lib.datasets import ImageCollection
from lecture_lib.display.showing import Explorer, choice
from lecture_lib.metrics import average_precision


def context_explorer(people: ImageCollection, scores: Mapping[float, np.ndarray]) -> Explorer:
    """Make a widget of the people with the highest and the lowest scores, cut as the network sees them.

    people  N test people, with a box each and labels int8 [N, A]
    scores  sides of the crop in sides of the box -> float [N, A], in the order of `people.classes`
    """
    crops = {context: dpd.box_crop(people, context) for context in scores}
    precision = {context: 100 * average_precision(of, people.labels) for context, of in scores.items()}

    def draw(attribute: str, context: float) -> tuple[Figure, str]:
        a = people.classes.index(attribute)
        others = ", ".join(f"x {c:g}: {ap[a]:.1f}" for c, ap in precision.items())
        title = f"{attribute}, box x {context:g}   (average precision in %: {others})"
        score, truth = scores[context][:, a], people.labels[:, a]
        figure = figures.scored_sheet(crops[context], score, truth, title=title)
        return figure, f"The people with the highest and the lowest scores; {title}"

    return Explorer(
        draw,
        {
            "attribute": choice("attribute", list(people.classes)),
            "context": choice("context", [(f"box x {context:g}", context) for context in scores]),
        },
    )
