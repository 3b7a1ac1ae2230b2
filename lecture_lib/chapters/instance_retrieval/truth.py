"""Which matches are true: what the renderer knows of two drawn pictures of one building."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lecture_lib.chapters.instance_retrieval.features import Features
from lecture_lib.chapters.instance_retrieval.hamming import Matches
from lecture_lib.datasets import twin_retrieval
from lecture_lib.datasets.retrieval import RetrievalCollection

WITHIN = 2  # bins of the feature: half the side of what it describes


class Pair(NamedTuple):
    """Matches of a query with one picture.

    picture  its row
    here     float32 [m, 2], places in the query's picture, x then y in its pixels; there: in the other
    true     bool [m], whether both show the same spot; None of photographs, of which nobody knows
    vote     float32 [m]
    """

    picture: int
    here: np.ndarray
    there: np.ndarray
    true: np.ndarray | None
    vote: np.ndarray


def pair(
    images: RetrievalCollection, row: int, asked: Features, features: Features, found: Matches, picture: int
) -> Pair:
    """What a query has found in a picture of a building, and which of it is true.

    row       of the query's picture
    asked     features of the query; features: those of all pictures
    found     what the query has found in all of them
    picture   the row of one
    """
    here = found.picture == picture
    start, end = asked.xy[found.query[here]], features.xy[found.row[here]]
    if images.source == "real":
        return Pair(picture, start, end, None, found.vote[here])
    spot = twin_retrieval.transfer(images, row, picture, start + 0.5) - 0.5
    far = np.linalg.norm(spot - end, axis=1)  # NaN where the spot is not to be seen there
    return Pair(picture, start, end, far < WITHIN * features.scale[found.row[here]], found.vote[here])


def part(found: Matches, rows: np.ndarray) -> Matches:
    """Some of the matches, rows int64 [m']."""
    return replace(found, **{name: array[rows] for name, array in vars(found).items()})
