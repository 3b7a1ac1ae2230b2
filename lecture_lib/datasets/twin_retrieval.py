"""The twins of the retrieval sets: buildings, sculptures, places, objects on a table, with queries and their answers.

Every picture is decided by its name ("oxford5k/landmark 3", number 7), so distractors may be added without any picture
changing. Good, ok and junk are what the renderer knows is visible, by the published rules. See `twins.landmarks`,
`twins.sculptures` and `twins.snapshots` for what is drawn; no range there was chosen by a retrieval method's score.

    images = datasets.load("oxford5k", distractors=1000)
    there = twin_retrieval.transfer(images, 0, 1, points)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from lecture_lib.datasets.images import ArrayImages
from lecture_lib.datasets.retrieval import Query, RetrievalCollection
from lecture_lib.twins import landmarks, places, sculptures, snapshots, world

WIDTH = 256  # pixels; the height is three quarters of it. Enough for SIFT, which finds little at SIZE
LANDMARKS = 11  # as many as in Oxford5k and in Paris6k
QUERIES = 5  # of a landmark, taken as one who wants all of it in the picture
OTHERS = 20  # pictures of a landmark besides
DISTRACTORS = 300
CLEAR, SOME = 0.75, 0.25  # visible shares: good is above the first, ok above the second, junk below
SCULPTURES = 10  # in each of train and test, as in Sculptures6k
SCULPTURE_QUERIES = 7  # pictures of each that are queries, as there
SCULPTURE_OTHERS = 8
SCULPTURE_DISTRACTORS = 150
PLACES = 150  # groups of 2 to 4 pictures
OBJECTS = 150  # groups of four

Points = np.ndarray
Drawn = Callable[..., tuple]  # `twin.drawn`: draws pictures, or takes them from the cache


@dataclass(frozen=True, eq=False)
class SceneImages(ArrayImages):
    """Drawn pictures of which more is known than their pixels.

    draw      (rows int64 [n], width) -> uint8 [n, 3, H, W], as twins have it
    transfer  (row, other row, points [n, 2]) -> where they are in the other, see `transfer`
    masks     bool [rows of the array, H, W], the pixels of the sculpture
    """

    draw: Callable[[np.ndarray, int], np.ndarray] | None = field(default=None, repr=False)
    transfer: Callable[[int, int, Points], Points] | None = field(default=None, repr=False)
    masks: np.ndarray | None = field(default=None, repr=False)


def transfer(images: RetrievalCollection, i: int, j: int, points: Points) -> Points:
    """Where points of picture i of a building are in picture j, exactly, from its geometry.

    images   load("oxford5k") or load("paris6k"), or a part of it
    points   [n, 2], x and y in pixels of picture i; the middle of its first pixel is (0.5, 0.5)
    returns  float64 [n, 2] in pixels of picture j; NaN where a point is not on the building, hidden in one of the two
             or outside of picture j; all NaN if the two show different buildings
    """
    known = getattr(images.images, "transfer", None)
    if known is None:
        raise ValueError(
            f"{images.title}: points are known in twins of buildings only: oxford5k and paris6k."
        )
    return known(int(images.images.rows[i]), int(images.images.rows[j]), points)


def masks(images: RetrievalCollection) -> np.ndarray:
    """The sculpture's pixels in each picture of load("sculptures6k"), or of a part of it: bool [N, H, W]."""
    known = getattr(images.images, "masks", None)
    if known is None:
        raise ValueError(f"{images.title}: masks are known in the twin of sculptures6k only.")
    return known[images.images.rows]


def oxford5k(drawn: Drawn, distractors: int = DISTRACTORS) -> RetrievalCollection:
    """Buildings: 11 landmarks, 5 queries each with a box; good, ok and junk by the share that is visible.

    distractors  pictures of other buildings, one each; they come last, and more of them change no other picture
    """
    return _buildings(drawn, "oxford5k", distractors)


def paris6k(drawn: Drawn, distractors: int = DISTRACTORS) -> RetrievalCollection:
    """As `oxford5k`, of eleven other buildings and with other distractors."""
    return _buildings(drawn, "paris6k", distractors)


def _buildings(drawn: Drawn, name: str, distractors: int) -> RetrievalCollection:
    each = QUERIES + OTHERS
    titles = [f"landmark {k + 1}" for k in range(LANDMARKS)]
    # no key of a picture depends on how many there are
    individuals = world.keys(f"{name}/individual", LANDMARKS).repeat_interleave(each)
    keys = torch.cat([world.keys(f"{name}/{title}", each) for title in titles])
    clear = np.tile(np.arange(each) < QUERIES, LANDMARKS)
    individuals = torch.cat([individuals, world.keys(f"{name}/other", distractors)])
    keys = torch.cat([keys, world.keys(f"{name}/distractor", distractors)])
    clear = np.concatenate([clear, np.zeros(distractors, bool)])

    def draw(rows: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
        return landmarks.draw(individuals[rows], keys[rows], clear[rows], width)

    def known(i: int, j: int, points: Points) -> Points:
        if individuals[i] != individuals[j]:
            return np.full((len(points), 2), np.nan)
        pair = [(int(keys[row]), bool(clear[row])) for row in (i, j)]
        return landmarks.transfer(int(individuals[i]), *pair, points, WIDTH)

    recipe = {"each": each, "queries": QUERIES}
    images, marks = drawn(name, recipe, len(keys), draw, ("marks",), WIDTH)
    labels = np.full(len(keys), -1)
    labels[: LANDMARKS * each] = np.repeat(np.arange(LANDMARKS), each)
    queries = []
    for c, title in enumerate(titles):
        rows = np.arange(c * each, (c + 1) * each)
        share = marks[rows, 4]
        good, ok, junk = rows[share > CLEAR], rows[(share > SOME) & (share <= CLEAR)], rows[share <= SOME]
        queries += [Query(q, marks[q, :4], good, ok, junk, title) for q in rows[:QUERIES]]
    return _collection(name, _known(images, transfer=known), titles, labels, queries)


def sculptures6k(drawn: Drawn, split: str = "test") -> RetrievalCollection:
    """Smooth sculptures before clutter: ten in each of `train` and `test`, 7 queries each with a box, distractors.

    Both have sculptures of their own. `masks` has their pixels.
    """
    if split not in ("train", "test"):
        raise ValueError(f"sculptures6k: no split {split!r}; take 'train' or 'test'.")
    each, name = SCULPTURE_QUERIES + SCULPTURE_OTHERS, f"sculptures6k/{split}"
    titles = [f"sculpture {k + 1}" for k in range(SCULPTURES)]
    individuals = world.keys(f"{name}/individual", SCULPTURES).repeat_interleave(each)
    individuals = torch.cat([individuals, world.keys(f"{name}/other", SCULPTURE_DISTRACTORS)])
    keys = [world.keys(f"{name}/{title}", each) for title in titles]
    keys = torch.cat([*keys, world.keys(f"{name}/distractor", SCULPTURE_DISTRACTORS)])

    def draw(rows: np.ndarray, width: int) -> tuple[np.ndarray, ...]:
        return sculptures.draw(individuals[rows], keys[rows], width)

    recipe = {"split": split, "each": each}
    images, covers, boxes = drawn("sculptures6k", recipe, len(keys), draw, ("masks", "boxes"), WIDTH)
    labels = np.full(len(keys), -1)
    labels[: SCULPTURES * each] = np.repeat(np.arange(SCULPTURES), each)
    queries = [
        Query(q, boxes[q], np.flatnonzero(labels == c), [], [], title)
        for c, title in enumerate(titles)
        for q in np.flatnonzero(labels == c)[:SCULPTURE_QUERIES]
    ]
    return _collection("sculptures6k", _known(images, masks=covers), titles, labels, queries)


def holidays(drawn: Drawn) -> RetrievalCollection:
    """Places, two to four snapshots each; the first of each is a query, and is itself taken out of the ranking."""
    titles = [f"place {k + 1}" for k in range(PLACES)]
    sites = world.keys("holidays/place", PLACES)
    counts = 2 + np.array([int(s) % 3 for s in sites])
    which = np.repeat(np.arange(PLACES), counts)
    names = [places.CLASSES[c % len(places.CLASSES)] for c in which]
    keys = torch.cat([world.keys(f"holidays/{title}", n) for title, n in zip(titles, counts, strict=True)])

    def draw(rows: np.ndarray, width: int) -> tuple[np.ndarray]:
        return (snapshots.draw_places([names[i] for i in rows], sites[which[rows]], keys[rows], width),)

    (images,) = drawn("holidays", {"places": PLACES}, len(keys), draw, (), WIDTH)
    groups = [np.flatnonzero(which == c) for c in range(PLACES)]
    queries = [Query(rows[0], None, rows[1:], [], rows[:1], titles[c]) for c, rows in enumerate(groups)]
    return _collection("holidays", _known(images), titles, which, queries)


def ukbench(drawn: Drawn) -> RetrievalCollection:
    """Objects on a table in groups of four; every picture is a query and counts as an answer itself."""
    which = np.repeat(np.arange(OBJECTS), 4)
    things = [thing.name for thing in snapshots.THINGS]
    names = [things[c % len(things)] for c in which]
    titles = [f"{things[c % len(things)]} {c // len(things) + 1}" for c in range(OBJECTS)]
    objects = world.keys("ukbench/object", OBJECTS)[which]
    keys = torch.cat([world.keys(f"ukbench/{title}", 4) for title in titles])

    def draw(rows: np.ndarray, width: int) -> tuple[np.ndarray]:
        return (snapshots.draw_objects([names[i] for i in rows], objects[rows], keys[rows], width),)

    (images,) = drawn("ukbench", {"objects": OBJECTS}, len(keys), draw, (), WIDTH)
    queries = [Query(q, None, np.arange(4) + q // 4 * 4, [], [], titles[q // 4]) for q in range(len(keys))]
    return _collection("ukbench", _known(images), titles, which, queries)


def _known(images: ArrayImages, **known) -> SceneImages:
    return SceneImages(images.array, images.content, draw=images.draw, **known)


def _collection(
    name: str, images: SceneImages, titles: list[str], labels: np.ndarray, queries: list[Query]
) -> RetrievalCollection:
    """`others`: the rows that no query names."""
    named = [np.concatenate([[q.picture], q.good, q.ok, q.junk]) for q in queries]
    others = np.setdiff1d(np.arange(len(labels)), np.concatenate(named))
    return RetrievalCollection(
        name, "twin", images, tuple(titles), labels, splits={"others": others}, queries=tuple(queries)
    )
