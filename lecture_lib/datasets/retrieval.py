"""Instance retrieval: pictures to search in, and queries with the pictures that an answer should rank first.

The sets differ in what is asked and in what counts. Oxford5k and Paris6k mark a building with a box, good and ok
pictures count, junk (less than a quarter of the building to be seen) is taken out of the ranking. In Holidays the
query itself is taken out; in UKBench it counts.
"""

from dataclasses import dataclass, replace

import numpy as np

from lecture_lib.datasets.collection import ImageCollection, Index
from lecture_lib.datasets.images import frozen_array

PUBLISHED = {  # pictures (of one split), queries
    "oxford5k": (5_062, 55),
    "paris6k": (6_392, 55),  # 6,412, of which twenty are damaged
    "sculptures6k": (3_170, 70),
    "holidays": (1_491, 500),
    "ukbench": (10_200, 10_200),
}


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


@dataclass(frozen=True, eq=False, repr=False)
class RetrievalCollection(ImageCollection):
    """Pictures to search in. `labels` numbers instances, -1: a distractor. Split "others": rows that no query names.

    queries  in the order of the ground truth; each has an answer, and no picture is two of good, ok and junk
    """

    queries: tuple[Query, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        for query in self.queries:
            rows = np.concatenate([query.positives, query.junk])
            if not len(query.positives) or len(np.unique(rows)) < len(rows):
                what = (
                    "has no answer"
                    if not len(query.positives)
                    else "names a picture twice in good, ok and junk"
                )
                raise ValueError(f"{self.name}: the query of {self.names[query.picture]} {what}.")
            if not 0 <= min(query.picture, rows.min()) <= max(query.picture, rows.max()) < len(self):
                raise ValueError(
                    f"{self.name}: a query names pictures that are not among these {len(self):,}."
                )

    def __repr__(self) -> str:
        of, asked = len(self.classes), len(self.queries)
        return f"<{self.name} ({self.source}): {len(self):,} pictures, {asked:,} queries for {of} instances>"

    def __getitem__(self, which: Index) -> ImageCollection:
        """A part of the pictures, without queries."""
        return super(RetrievalCollection, replace(self, queries=())).__getitem__(which)

    @property
    def title(self) -> str:
        """What tables call it: "oxford5k", or "oxford5k, a part: 275 pictures, 5 queries"; twins go by their name."""
        pictures, queries = PUBLISHED.get(self.name, (0, 0))
        if self.source == "twin" or (len(self) >= pictures and len(self.queries) == queries):
            return super().title
        return f"{self.name}, a part: {len(self):,} pictures, {len(self.queries):,} queries"
