"""A search to play with: which building, which part of its picture, which method, and what is found."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from lecture_lib.chapters.instance_retrieval import figures
from lecture_lib.chapters.instance_retrieval.measures import average_precision, ranking
from lecture_lib.datasets.retrieval import Query, RetrievalCollection
from lecture_lib.display.showing import Explorer, choice

PLACES = {
    "top left": (0, 0),
    "top right": (1, 0),
    "middle": (0.5, 0.5),
    "bottom left": (0, 1),
    "bottom right": (1, 1),
}
SIDES = {"its box": 1, "a half": 0.5, "a third": 1 / 3, "a quarter": 0.25}


def search_explorer(
    images: RetrievalCollection, methods: Mapping[str, Callable[[Query], np.ndarray]]
) -> Explorer:
    """Make a widget of a ranked list with a choice of building, part of its picture and method.

    methods  name -> function of a query that returns the scores [N] of all pictures
    """
    first: dict[str, Query] = {}
    for query in images.queries:
        first.setdefault(query.instance, query)

    def draw(instance: str, side: str, place: str, method: str) -> tuple[Figure, str]:
        query = part(first[instance], SIDES[side], PLACES[place])
        order = ranking(methods[method](query))
        ap = average_precision(order, query.positives, query.junk)
        text = (
            f"{instance}, {side}{', ' + place if SIDES[side] < 1 else ''}, by {method}: AP {100 * ap:.0f} %"
        )
        figure = figures.ranked_lists(images, query, {method: order}, title=text)
        return figure, f"The first pictures of a ranking; {text}"

    return Explorer(
        draw,
        {"instance": choice("query", list(first)), "method": choice("method", list(methods))},
        {
            "side": choice("ask with", list(SIDES), "a half"),
            "place": choice("at its", list(PLACES), "middle"),
        },
    )


def part(query: Query, side: float, place: tuple[float, float]) -> Query:
    """The query with a part of its box, `side` as wide and as high, at `place` in it: (0, 0) is the upper left."""
    corner, size = query.box[:2], query.box[2:] - query.box[:2]
    corner = corner + np.array(place) * (1 - side) * size
    return replace(query, box=np.concatenate([corner, corner + side * size]))
