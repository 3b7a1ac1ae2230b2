"""Patch transfer in full: the paper's table, its k, its maps and three biases, with intervals and claims.

    python -m lecture_lib.chapters.patch_transfer.record

follows LECTURE_PROFILE and writes `data/results/patch_transfer.<profile>.csv`, which notebook 05 shows beside the
paper; on the twins in three quarters of an hour of a core, with 2 GB of cache; on 2,000 photographs of VOC 2007, in our
own split, in 40 minutes of a core, with 2 GB. What is encoded is kept: a run goes on where it was stopped.

No test picture chose anything. The photographs' learning rate, epochs and kept background were compared on val (500),
after training on train (500), all with 512 units of FCa:

    background kept   epochs   learning rate   mAP of val
    0.1               15       .001            56.5
    0.1               15       .003            57.7
    0.1               15       .01             57.3
    0.1               15       .03             56.2
    0.1               5        .003            55.8
    0.1               5        .01             57.5
    0.03              15       .003            60.0
    0.03              15       .01             59.7
    0.01              15       .003            62.0   taken, with the paper's 2048 units (61.2)
    0.003             15       .003            61.7

A picture has few positive patches, as objects touch: a tenth of the background would be nine tenths of the patches.
The drawings' were compared on 40 pictures of trainval, after training on its first 80: with the rates .003, .01, .03
mAP is 42.0, 50.9, 50.3 where .01 of the background is kept, and 46.8, 50.2, 52.0 where .1 is; .01 and .01 are taken.
Intervals are over test pictures, for the mean over seeds (of FCa, FCb and the background that is kept).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lecture_lib import backbones, datasets, settings
from lecture_lib.chapters.patch_transfer import experiments
from lecture_lib.chapters.patch_transfer.adaptation import RECIPE
from lecture_lib.chapters.patch_transfer.encode import PatchNet
from lecture_lib.chapters.patch_transfer.experiments import NO_BACKGROUND, NO_TRANSFER, PATCHES, TESTED, Part
from lecture_lib.chapters.patch_transfer.inference import pointing_game
from lecture_lib.chapters.patch_transfer.labelling import name_labels
from lecture_lib.datasets import DatasetNotFound, ImageCollection
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, Tested, ap_claims, ap_rows, mean_ap, paired_claim, verdicts

# profile -> collection -> what is run besides the table, k and the maps. "no transfer", all layers trained on patches
# from nothing, takes hours for photographs
RUNS = {
    "demo": {
        "voc2007": ("whole pictures", "no transfer", "bias", "fewer"),
        "voc2012_action": ("whole pictures",),
    },
    "real": {"voc2007": ("whole pictures", "fewer")},
}
SEEDS = 3
LR = {"twin": 0.01, "real": 0.003}  # of FCa and FCb
KS = (1, 2, 3, 5, 8, 20, np.inf)
SUM, CENTRE = f"{PATCHES}, sum over patches", "the picture's middle"
Rows = tuple[list[dict], list[Claim]]


def about(images: ImageCollection) -> dict:
    """Return the columns of a row that tell which pictures it is about."""
    return {"dataset": images.name, "source": images.source}


def ap_of(
    scores: Mapping[str, Sequence[np.ndarray]], test: Part, counted: np.ndarray, seed: int, **more: object
) -> Rows:
    """Return AP and mAP of scores, row -> [m, C] a seed, over the classes counted (bool [C]), and what they claim."""
    images = test.images
    stacked = {row: np.stack(of_row)[..., counted] for row, of_row in scores.items()}
    truth, classes = images.labels[:, counted], np.array(images.classes)[counted]
    tested: list[Tested] = [
        (f"patches/{images.name}/{id}", f"On {images.name}, {statement}", *pair, margin)
        for id, statement, *pair, margin in TESTED
        if set(pair) <= stacked.keys()
    ]
    rows = ap_rows(stacked, truth, classes.tolist(), seed=seed, **about(images), **more)
    return rows, ap_claims(stacked, truth, tested, source=images.source, seed=seed)


def k_rows(y: Sequence[np.ndarray], test: Part, counted: np.ndarray, seed: int) -> Rows:
    """Score with k from 1 to 20, and by the maximum: y [n, >= C], one a seed."""
    scores = {f"k = {k:g}": [test.score(of_seed, k) for of_seed in y] for k in KS}
    rows, claims = ap_of(scores, test, counted, seed, experiment="k")
    return [row | {"method": PATCHES, "k": float(row["method"].removeprefix("k = "))} for row in rows], claims


def map_rows(y: Mapping[str, Sequence[np.ndarray]], test: Part, counted: np.ndarray, seed: int) -> Rows:
    """Play the pointing game with the peaks of the first seed's maps, and with the middle of the picture.

    y        method -> [n, >= C] of all patches, one a seed
    counted  bool [C], classes that count
    """
    images = test.images
    of = {
        SUM: (PATCHES, {}),
        f"{PATCHES}, mean over patches": (PATCHES, {"mean": True}),
        f"{PATCHES}, k = 1": (PATCHES, {"k": 1}),
        **{row: (row, {}) for row in (NO_BACKGROUND, NO_TRANSFER) if row in y},
    }
    hits = {row: pointing_game(y[which][0], test.grids, images, **how) for row, (which, how) in of.items()}
    hits[CENTRE] = pointing_game(None, test.grids, images)
    hits = {row: 100 * of_row[:, counted] for row, of_row in hits.items()}
    rows, names = [], np.array(images.classes)[counted].tolist()
    for method, of_method in hits.items():
        of_class = np.nanmean(of_method, axis=0)
        line = {"experiment": "pointing game", **about(images), "method": method, "metric": "accuracy"}
        rows.append(line | {"value": of_class.mean()})
        rows += [line | {"class": c, "value": value} for c, value in zip(names, of_class, strict=True)]
    gains = (hits[SUM] - hits[CENTRE])[~np.isnan(hits[CENTRE]).all(1)]
    statement = "a map's peak lies on its object over 20 points more often than the picture's middle does"
    claim = f"patches/{images.name}/pointing", f"On {images.name}, {statement}", np.nanmean(gains, axis=1)
    how = {"unit": "percentage points", "over": "pictures", "source": images.source, "seed": seed}
    return rows, [paired_claim(*claim, margin=20, **how)]


def bias_rows(y: Sequence[np.ndarray], test: Part, counted: np.ndarray, seed: int) -> Rows:
    """Learn from centred pictures, or take the source's own labels; over the classes that have such.

    Centred pictures are the source task's: without them, only its labels are tried.
    """
    members = datasets.source_classes(test.images, test.net.backbone.classes)
    counted = counted & np.array([len(of_class) > 0 for of_class in members])
    scores, rows = {PATCHES: [test.score(of_seed) for of_seed in y]}, []
    line = {"experiment": "bias", "dataset": "ilsvrc2012", "source": test.images.source}
    line |= {"method": "centred pictures", "metric": "accuracy"}
    try:
        centred, accuracies = experiments.centred_pictures(test, range(seed, seed + SEEDS))
        scores |= centred
        rows = [line | {"seed": s, "value": value} for s, value in enumerate(accuracies, start=seed)]
    except DatasetNotFound as missing:
        print(f"left out: {missing}")
    scores |= {row: [of_row] for row, of_row in experiments.source_labels(test).items()}
    tested = ap_of(scores, test, counted, seed, experiment="bias", n_classes=int(counted.sum()))
    return tested[0] + rows, tested[1]


def label_rows(train: Part, counted: np.ndarray) -> list[dict]:
    """Count the training patches of each kind, and the positives of each class."""
    labels = np.concatenate(train.labels)
    kinds = name_labels(labels, train.n_classes)
    line = {"experiment": "labels", **about(train.images), "metric": "patches"}
    rows = [line | {"method": kind, "value": (kinds == kind).sum()} for kind in np.unique(kinds)]
    line |= {"method": "positive"}
    of_class = [(train.images.classes[c], (labels == c).sum()) for c in np.flatnonzero(counted)]
    return rows + [line | {"class": name, "value": value} for name, value in of_class]


def fewer_rows(train: Part, test: Part, seed: int) -> list[dict]:
    """Learn from an eighth, a quarter and half of the training pictures; over the classes that the eighth shows."""
    truth, N, rows = test.images.labels, len(train.images), []
    shown = (train.images.labels[experiments.evenly(N, N // 8)] == 1).any(0) & (truth == 1).any(0)
    line = {"experiment": "training pictures", **about(train.images), "n_classes": int(shown.sum())}
    for n in (N // 8, N // 4, N // 2):
        for row, of_row in experiments.fewer_pictures(train, test, n, seed).items():
            value = mean_ap(of_row[None, :, shown], truth[:, shown])
            rows.append(line | {"method": row, "n": n, "metric": "mAP", "value": value})
    return rows


def run(net: PatchNet, images: ImageCollection, more: Sequence[str], seed: int) -> Rows:
    """Run the experiments on one collection, over the classes that have a positive in both parts."""
    name = images.name
    recipe = replace(RECIPE, lr=LR[images.source])
    train, test = (Part(net, images[rows], recipe) for rows in images.split_indices())
    counted = (train.images.labels == 1).any(0) & (test.images.labels == 1).any(0)
    seeds = range(seed, seed + SEEDS)
    scores = {row: [of_row] for row, of_row in experiments.svms(train, test).items()}
    if "whole pictures" in more:
        scores |= experiments.whole_pictures(train, test, seeds)
    y = experiments.score_patches(train, test, seeds)
    print(f"{name}: patches, whole pictures", flush=True)
    if "no transfer" in more:
        y[NO_TRANSFER] = [experiments.no_transfer(train, test, seed)]
        print(f"{name}: no transfer", flush=True)
    scores |= {row: [test.score(of_seed) for of_seed in of_row] for row, of_row in y.items()}
    sizes = {"n": len(train.images), "n_test": len(test.images), "n_classes": int(counted.sum())}
    parts = [
        ap_of(scores, test, counted, seed, experiment="table", **sizes),
        k_rows(y[PATCHES], test, counted, seed),
        map_rows(y, test, counted, seed),
        (label_rows(train, counted), []),
    ]
    if "fewer" in more:
        parts.append((fewer_rows(train, test, seed), []))
    if "bias" in more:
        parts.append(bias_rows(y[PATCHES], test, counted, seed))
    return [row for rows, _ in parts for row in rows], [claim for _, claims in parts for claim in claims]


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.current()
    net = PatchNet(backbones.load())
    rows, claims = [], []
    for name, more in RUNS[chosen.profile].items():
        try:
            new = run(net, datasets.load(name), more, chosen.seed)
        except DatasetNotFound as missing:
            print(f"left out: {missing}")
        else:
            rows, claims = rows + new[0], claims + new[1]
    if not rows:
        raise SystemExit("No photographs, so nothing is written: set LECTURE_DATA to their folder.")
    command = "python -m lecture_lib.chapters.patch_transfer.record"
    print(records.write("patch_transfer", rows, claims, command=command, network=net.backbone.name).name)
    verdicts(claims)


if __name__ == "__main__":
    main()
