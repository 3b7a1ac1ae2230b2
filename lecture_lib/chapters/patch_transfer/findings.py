"""What scores of test pictures say: mAP with intervals, k, the pointing game, and the claims about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lecture_lib.chapters.patch_transfer.experiments import NO_BACKGROUND, NO_TRANSFER, PATCHES, Part
from lecture_lib.chapters.patch_transfer.inference import TOLERANCE, pointing_game, points_at
from lecture_lib.results import resampling
from lecture_lib.results.claims import Claim, Result, paired_claim

KS = (*range(1, 21), np.inf)
CENTRE = "the picture's middle"
TESTED_K = [
    ("k/mean", "k = 5 is ahead of the mean, k = 1", "k = 5", "k = 1", 0),
    ("k/max", "k = 5 is ahead of the maximum", "k = 5", "k = inf", 0),
]

Found = tuple[list[Result], list[Claim]]


def add(rows: dict[str, list], found: dict[str, np.ndarray]) -> None:
    """Add one seed's finds to those of others."""
    for row, of_row in found.items():
        rows[row].append(of_row)


def judge(
    scores: Mapping[str, Sequence[np.ndarray]],
    test: Part,
    column: str,
    tested: Sequence[resampling.Tested],
    seed: int,
    some: np.ndarray,
) -> Found:
    """Summarise scores, row -> [m, C] a seed, over some classes (bool [C]), and put statements about them to the test.

    The collection's name goes before the id and the statement of each.
    """
    images = test.images
    given = {row: np.stack(found)[..., some] for row, found in scores.items()}
    truth, classes = images.labels[:, some], np.array(images.classes)[some]
    name = images.name
    tested = [(f"patches/{name}/{id}", f"{name}: {statement}", *rest) for id, statement, *rest in tested]
    results = resampling.summarise(given, truth, classes.tolist(), column, images.source, seed)
    return results, resampling.compare(given, truth, tested, images.source, seed)


def of_k(y: Sequence[np.ndarray], test: Part, seed: int, some: np.ndarray) -> Found:
    """Score with k from 1 to 20, and by the maximum: y [n, >= C], one a seed."""
    scores = {f"k = {k:g}": [test.score(of_seed, k) for of_seed in y] for k in KS}
    return judge(scores, test, f"{test.images.name}, k", TESTED_K, seed, some)


def of_maps(y: Mapping[str, Sequence[np.ndarray]], test: Part, seed: int, some: np.ndarray) -> Found:
    """Play the pointing game with the peaks of the first seed's maps, and with the middle of the picture."""
    images, grids = test.images, test.grids
    summed = f"{PATCHES}, sum over patches"
    rows = {
        summed: (y[PATCHES][0], {}),
        f"{PATCHES}, mean over patches": (y[PATCHES][0], {"mean": True}),
        f"{PATCHES}, k = 1": (y[PATCHES][0], {"k": 1}),
        **{row: (y[row][0], {}) for row in (NO_BACKGROUND, NO_TRANSFER) if row in y},
    }
    hits = {row: pointing_game(of_row, grids, images, **how) for row, (of_row, how) in rows.items()}
    hits[CENTRE] = middles(test)
    hits = {row: 100 * found[:, some] for row, found in hits.items()}
    source, column = images.source, f"{images.name}, pointing game"
    results = []
    for row, found in hits.items():
        of_class = np.nanmean(found, axis=0)
        results.append(Result(None, row, column, "accuracy", of_class.mean(), None, 1, seed, source))
        for c, value in zip(np.array(images.classes)[some].tolist(), of_class, strict=True):
            results.append(Result(None, row, column, f"accuracy, {c}", value, None, 1, seed, source))
    shown = ~np.isnan(hits[CENTRE]).all(1)
    ahead = np.nanmean((hits[summed] - hits[CENTRE])[shown], axis=1)
    statement = f"{images.name}: a map's peak is on its object over 20 % more often than the picture's middle"
    about = {"margin": 20, "unit": "% of the classes in a picture", "source": source, "seed": seed}
    return results, [paired_claim(f"patches/{images.name}/pointing", statement, ahead, **about)]


def middles(test: Part) -> np.ndarray:
    """Play the pointing game with the middle of each picture: as `pointing_game`."""
    hits = np.full((len(test.images), test.n_classes), np.nan)
    for i, (boxes, grid) in enumerate(zip(test.images.boxes, test.grids, strict=True)):
        height, width = grid.size
        for c in np.flatnonzero(test.images.labels[i] == 1):
            hits[i, c] = points_at((width / 2, height / 2), boxes.of_class(c), TOLERANCE * width)
    return hits
