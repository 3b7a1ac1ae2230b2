"""What scores of test pictures say: mAP with intervals, k, the pointing game, and the claims about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lecture_lib.chapters.patch_transfer.experiments import NO_BACKGROUND, NO_TRANSFER, PATCHES, Part
from lecture_lib.chapters.patch_transfer.inference import TOLERANCE, pointing_game, points_at
from lecture_lib.results.claims import Claim, Tested, ap_claims, ap_rows, paired_claim

KS = (*range(1, 21), np.inf)
CENTRE = "the picture's middle"
TESTED_K = [
    ("k/mean", "k = 5 beats the mean over patches, k = 1", "k = 5", "k = 1", 0),
    ("k/max", "k = 5 beats the best patch alone", "k = 5", "k = inf", 0),
]

Found = tuple[list[dict], list[Claim]]


def add(rows: dict[str, list], found: dict[str, np.ndarray]) -> None:
    """Add one seed's finds to those of others."""
    for row, of_row in found.items():
        rows[row].append(of_row)


def judge(
    scores: Mapping[str, Sequence[np.ndarray]],
    test: Part,
    tested: Sequence[Tested],
    seed: int,
    some: np.ndarray,
    **about: object,
) -> Found:
    """Summarise scores, row -> [m, C] a seed, over some classes (bool [C]), and put statements about them to the test.

    The collection's name goes before the id and the statement of each; `about` are columns of the record.
    """
    images = test.images
    given = {row: np.stack(found)[..., some] for row, found in scores.items()}
    truth, classes = images.labels[:, some], np.array(images.classes)[some]
    name = images.name
    tested = [(f"patches/{name}/{id}", f"On {name}, {statement}", *rest) for id, statement, *rest in tested]
    about = {"dataset": name, "source": images.source} | about
    rows = ap_rows(given, truth, classes.tolist(), seed=seed, **about)
    return rows, ap_claims(given, truth, tested, source=images.source, seed=seed)


def of_k(y: Sequence[np.ndarray], test: Part, seed: int, some: np.ndarray) -> Found:
    """Score with k from 1 to 20, and by the maximum: y [n, >= C], one a seed."""
    scores = {f"k = {k:g}": [test.score(of_seed, k) for of_seed in y] for k in KS}
    rows, found = judge(scores, test, TESTED_K, seed, some, experiment="k")
    ks = {f"k = {k:g}": float(k) for k in KS}
    return [row | {"method": PATCHES, "k": ks[row["method"]]} for row in rows], found


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
    about = {"experiment": "pointing game", "dataset": images.name, "source": images.source}
    results = []
    for method, found in hits.items():
        of_class = np.nanmean(found, axis=0)
        shared = about | {"method": method, "metric": "accuracy"}
        results.append(shared | {"value": of_class.mean()})
        for c, value in zip(np.array(images.classes)[some].tolist(), of_class, strict=True):
            results.append(shared | {"class": c, "value": value})
    shown = ~np.isnan(hits[CENTRE]).all(1)
    ahead = np.nanmean((hits[summed] - hits[CENTRE])[shown], axis=1)
    statement = "a map's peak lies on its object over 20 points more often than the picture's middle does"
    about = {"margin": 20, "unit": "% of the classes in a picture", "over": "pictures"}
    about |= {"source": images.source, "seed": seed}
    return results, [
        paired_claim(f"patches/{images.name}/pointing", f"On {images.name}, {statement}", ahead, **about)
    ]


def middles(test: Part) -> np.ndarray:
    """Play the pointing game with the middle of each picture: as `pointing_game`."""
    hits = np.full((len(test.images), test.n_classes), np.nan)
    for i, (boxes, grid) in enumerate(zip(test.images.boxes, test.grids, strict=True)):
        height, width = grid.size
        for c in np.flatnonzero(test.images.labels[i] == 1):
            hits[i, c] = points_at((width / 2, height / 2), boxes.of_class(c), TOLERANCE * width)
    return hits
