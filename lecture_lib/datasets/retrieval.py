"""Instance retrieval: pictures to search in, and queries with the pictures that an answer should rank first.

The sets differ in what is asked and in what counts. Oxford5k and Paris6k mark a building with a box, good and ok
pictures count, junk (less than a quarter of the building to be seen) is taken out of the ranking. In Holidays the
query itself is taken out; in UKBench it counts.
"""

from dataclasses import dataclass, replace

import numpy as np

from lecture_lib.datasets.collection import ImageCollection, Index
from lecture_lib.datasets.images import frozen_array


@dataclass(frozen=True, eq=False)
class Query:
    """What is asked, and what a ranking of all pictures is judged by; rows of the collection are int64.

    picture  the row of the picture that is asked with
    box      float32 [4], x0, y0, x1, y1 in its pixels, outside which nothing may be used; None: the whole picture
    good     rows that show it clearly
    ok       rows that show more than a quarter of it; they count as `good` does
    junk     rows that are taken out of the ranking, neither right nor wrong
    instance the building, sculpture, place or object that is looked for: queries for the same one are no independent
             cases, so intervals are over instances
    """

    picture: int
    box: np.ndarray | None
    good: np.ndarray
    ok: np.ndarray
    junk: np.ndarray
    instance: str

    def __post_init__(self):
        for part in ("good", "ok", "junk"):
            object.__setattr__(self, part, frozen_array(getattr(self, part), np.int64))
        if self.box is not None:
            object.__setattr__(self, "box", frozen_array(self.box, np.float32, (4,), "Query.box"))

    @property
    def positives(self) -> np.ndarray:
        """Rows that should be ranked first, good and ok: int64."""
        return np.concatenate([self.good, self.ok])


@dataclass(frozen=True, eq=False)
class RetrievalCollection(ImageCollection):
    """Pictures to search in. `labels` numbers instances, -1: a distractor. Split "others": rows that no query names.

    queries  in the order of the ground truth
    """

    queries: tuple[Query, ...] = ()

    def __getitem__(self, which: Index) -> ImageCollection:
        """A part of the pictures, without queries."""
        return replace(super().__getitem__(which), queries=())
