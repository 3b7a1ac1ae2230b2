"""Patch transfer on the twins of VOC 2007 and of VOC 2012's action task, in full.

    python -m lecture_lib.chapters.patch_transfer.drawings

takes the demo profile and writes `data/results/patch_transfer.demo.json`, which notebook 05 shows beside the paper. It
takes most of an hour on two cores, and 3 GB of cache.

The learning rate and the number of epochs were compared on 150 pictures of trainval, after training on 200 others; no
test picture chose anything.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from lecture_lib import backbones, datasets, settings
from lecture_lib.backbones.cost import bfloat16_is_faster
from lecture_lib.chapters.patch_transfer import experiments
from lecture_lib.chapters.patch_transfer.encode import PatchNet
from lecture_lib.chapters.patch_transfer.experiments import (
    CENTRED_ON_PATCHES,
    CUT,
    NO_BACKGROUND,
    NO_TRANSFER,
    PATCHES,
    SOURCE_PATCHES,
    SVM,
    TWO_OBJECTS,
    WHOLE,
    WHOLE_ON_PATCHES,
    Part,
)
from lecture_lib.chapters.patch_transfer.findings import Found, add, judge, of_k, of_maps
from lecture_lib.results import records
from lecture_lib.results.claims import verdicts

NAME = "patch_transfer"
COMMAND = "python -m lecture_lib.chapters.patch_transfer.drawings"
SEEDS = range(3)
FEW = 200
TESTED = [  # (id, statement, row, row, margin), the first three for both collections
    ("transfer", "transfer is over 10 points of mAP ahead of no transfer", PATCHES, NO_TRANSFER, 10),
    ("wholes", "training on patches beats training on whole pictures", PATCHES, WHOLE, 0),
    ("background", "a background class raises mAP", PATCHES, NO_BACKGROUND, 0),
    ("svm", "training on patches beats SVMs on whole pictures", PATCHES, SVM, 0),
    (
        "tested on patches",
        "training on patches beats training on whole pictures where both are tested on patches",
        PATCHES,
        WHOLE_ON_PATCHES,
        0,
    ),
]
TESTED_READINGS = [
    ("shared", "shared convolutions cost at most 2 points of mAP against patches cut out", PATCHES, CUT, -2),
    ("ambiguous", "leaving ambiguous patches out beats calling them background", PATCHES, TWO_OBJECTS, 0),
]
TESTED_BIAS = [
    ("capture", "training on patches beats training on centred pictures", PATCHES, CENTRED_ON_PATCHES, 0),
    ("labels", "new layers beat the source task's own labels", PATCHES, SOURCE_PATCHES, 0),
]


def run(net: PatchNet, name: str, seed: int, bfloat16: bool) -> Found:
    """Run the experiments on one collection, and say what was found: mAP, its interval, AP of each class, claims."""
    train, test = experiments.load_parts(net, name)
    scores, y = defaultdict(list), defaultdict(list)
    scores[SVM].append(experiments.whole_pictures_svm(net, train, test))
    y |= experiments.score_patches(net, train, test, [seed + offset for offset in SEEDS])
    for s in (seed + offset for offset in SEEDS):
        add(scores, experiments.whole_pictures(net, train, test, s))
        print(f"{name}, seed {s}: patches, whole pictures", flush=True)
    y[NO_TRANSFER].append(experiments.no_transfer(net, train, test, seed, bfloat16))
    print(f"{name}: no transfer", flush=True)
    every = np.ones(test.n_classes, bool)
    parts = [of_k(y[PATCHES], test, seed, every), of_maps(y, test, seed, every)]
    if name == "voc2007":
        parts += [of_bias(net, y[PATCHES], test, seed), of_readings(net, y[PATCHES], train, test, seed)]
    scores |= {row: [test.score(of_seed) for of_seed in found] for row, found in y.items()}
    tested = TESTED if name == "voc2007" else TESTED[:3]
    about = {"experiment": "table", "n": len(train.images), "n_test": len(test.images)}
    parts.append(judge(scores, test, tested, seed, every, **about))
    return [r for results, _ in parts for r in results], [c for _, found in parts for c in found]


def of_readings(net: PatchNet, y: list[np.ndarray], train: Part, test: Part, seed: int) -> Found:
    """Cut each patch out, or take ambiguous ones as background: slow, so on the first of the test pictures only."""
    some = test.first(FEW)
    rows = {PATCHES: y[0][: sum(map(len, some.grids))]} | experiments.other_readings(net, train, some, seed)
    print(f"{test.images.name}: other readings", flush=True)
    scores = {row: [some.score(of_row)] for row, of_row in rows.items()}
    shown = (some.images.labels == 1).any(0)
    return judge(scores, some, TESTED_READINGS, seed, shown, experiment="readings", n_test=FEW)


def of_bias(net: PatchNet, y: list[np.ndarray], test: Part, seed: int) -> Found:
    """Learn from centred pictures, or take the source's own labels; over the classes that have such."""
    scores, accuracy = defaultdict(list, {PATCHES: [test.score(of_seed) for of_seed in y]}), []
    for s in (seed + offset for offset in SEEDS):
        rows, on_centred = experiments.centred_pictures(net, test, s)
        add(scores, rows)
        accuracy.append(on_centred)
    add(scores, experiments.source_labels(net, test))
    has_source = np.array([len(m) > 0 for m in datasets.source_classes(test.images, net.backbone.classes)])
    about = {"experiment": "bias", "n_classes": int(has_source.sum())}
    results, found = judge(scores, test, TESTED_BIAS, seed, has_source, **about)
    about = {"experiment": "bias", "dataset": "ilsvrc2012", "source": test.images.source}
    about |= {"method": "centred pictures", "metric": "accuracy"}
    return results + [about | {"seed": seed + i, "value": value} for i, value in enumerate(accuracy)], found


def main() -> None:
    """Run what is described at the top of this file."""
    seed = settings.use("demo").seed
    net = PatchNet(backbones.load())
    bfloat16 = bfloat16_is_faster(net.backbone.device)
    results, found = [], []
    for name in ("voc2007", "voc2012_action"):
        new = run(net, name, seed, bfloat16)
        results, found = results + new[0], found + new[1]
    path = records.write(NAME, results, found, command=COMMAND, network=net.backbone.name)
    verdicts(found)
    print(path.name)


if __name__ == "__main__":
    main()
