"""The older baselines of the lecture's tables: filters, joined kernels, GIST, Fisher vectors, words of SIFT and colour.

    python -m lecture_lib.chapters.older_baselines.record

follows LECTURE_PROFILE and writes `data/results/older_baselines.<profile>.csv`. `demo`: the twins of Caltech-101,
SUN-397, MIT-67 and CUB-200. `real`: Caltech-101's photographs and those of CUB-200 that are there; what is not is
named. Vectors are kept in the cache: a run that was stopped goes on from there.
"""

import time
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from lecture_lib import backbones, datasets, settings
from lecture_lib.chapters.older_baselines import tables
from lecture_lib.chapters.older_baselines.tables import (
    ALIGNED,
    BY_ACCURACY,
    LEARNED,
    MEAN,
    NEITHER,
    RANDOM,
    Accuracies,
)
from lecture_lib.datasets import ImageCollection
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, paired_claim, verdicts

NAME, COMMAND = "older_baselines", "python -m lecture_lib.chapters.older_baselines.record"
SPLITS = {"demo": range(2), "real": range(2)}
FEW = {"caltech101": {"test_per_class": 10}}  # of photographs: of 40 a class that many are left
WITHIN = 3.0  # points that random filters may be behind learned ones, and still "within"
FILTERS, KERNELS = "filters", "kernels"  # experiments

Found = dict[str, list[np.ndarray]]
"""method -> accuracies of each class in % for each split, float64 [classes]."""


def rows_of(images: ImageCollection, experiment: str, found: Found) -> list[dict]:
    """Turn accuracies into rows of the record, a row a method and split."""
    about = {"experiment": experiment, "dataset": images.name, "source": images.source}
    about |= {"n_classes": len(images.classes), "metric": "mean class accuracy"}
    return [
        about | {"method": method, "split": split, "value": float(np.nanmean(of))}
        for method, splits in found.items()
        for split, of in enumerate(splits)
    ]


def claim(
    images: ImageCollection, id: str, statement: str, found: Found, more: str, less: str, margin: float = 0.0
) -> Claim:
    """Put "`more` is over `margin` points above `less`" to the test, over classes: of each the mean over splits."""
    gain = np.mean(found[more], 0) - np.mean(found[less], 0)
    about = {"margin": margin, "source": images.source, "seed": settings.current().seed}
    statement = f"On {images.name}, {statement}"
    return paired_claim(f"baselines/{images.name}/{id}", statement, gain[np.isfinite(gain)], **about)


def of_filters(images: ImageCollection, found: Found) -> list[Claim]:
    """Say what the paper found: random filters do nearly as well as learned ones, but not without R and N."""
    within = "random filters, rectified and normalised, are at most 3 points behind learned ones"
    collapse = "random filters lose over 10 points without rectification and contrast normalisation"
    second = "a second stage of random filters raises the accuracy"
    return [
        claim(images, "random", within, found, RANDOM, LEARNED, -WITHIN),
        claim(images, "collapse", collapse, found, RANDOM, NEITHER, 10.0),
        claim(images, "second stage", second, found, RANDOM, "random filters, one stage"),
    ]


def of_kernels(images: ImageCollection, found: Found) -> list[Claim]:
    """Say that together kernels are ahead of the one that is best on the test pictures, which favours that one."""
    single = [method for method in found if method not in (MEAN, BY_ACCURACY, ALIGNED)]
    best = max(single, key=lambda method: np.nanmean(found[method]))
    mean = "the mean of kernels is more accurate than the best of them"
    by_accuracy = "kernels weighted by their accuracy are more accurate than the best of them"
    return [
        claim(images, "kernel mean", mean, found, MEAN, best),
        claim(images, "by accuracy", by_accuracy, found, BY_ACCURACY, best),
        claim(images, "groups", "weights by group beat the mean of kernels", found, ALIGNED, MEAN),
    ]


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use()
    rows, claims, net = [], [], backbones.load()
    start = time.perf_counter()

    def keep(images: ImageCollection, experiment: str, found: Found, said: Iterable[Claim] = ()) -> None:
        rows.extend(rows_of(images, experiment, found))
        claims.extend(said)
        means = ", ".join(f"{method} {np.nanmean(of):.1f}" for method, of in found.items())
        print(f"{images.name}, {experiment}, {time.perf_counter() - start:.0f} s: {means}", flush=True)

    for images in datasets.load_available("caltech101", "sun397").values():
        few = FEW.get(images.name, {}) if chosen.profile == "real" else {}
        if images.name == "caltech101":
            found = {
                method: [tables.filters(images, split, method, **few) for split in SPLITS[chosen.profile]]
                for method in tables.VARIANTS
            }
            keep(images, FILTERS, found, of_filters(images, found))
        found = together(tables.kernels(images, split, **few) for split in SPLITS[chosen.profile])
        keep(images, KERNELS, found, of_kernels(images, found))
    for images in datasets.load_available("mit67").values():
        keep(images, "scenes", together([tables.scenes(images, net)]))
    for images in datasets.load_available("cub200").values():
        found = together([tables.birds(images)])
        colour = "colour beside SIFT raises the accuracy in the box"
        keep(images, "birds", found, [claim(images, "colour", colour, found, tables.SIFT_COLOUR, "SIFT")])
    if not rows:
        raise SystemExit("No photographs, so nothing is written: set LECTURE_DATA to their folder.")
    print(records.write(NAME, rows, claims, command=COMMAND, network=net.name).name)
    verdicts(claims)


def together(of_splits: Iterable[Accuracies]) -> Found:
    """Gather what the splits gave, method by method."""
    found: Found = defaultdict(list)
    for of in of_splits:
        for method, accuracies in of.items():
            found[method].append(accuracies)
    return dict(found)


if __name__ == "__main__":
    main()
