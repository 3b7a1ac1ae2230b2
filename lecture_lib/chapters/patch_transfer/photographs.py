"""Patch transfer on photographs in VOC's layout, with an ImageNet network as the pre-trained part.

    python -m lecture_lib.chapters.patch_transfer.photographs

takes the real profile and writes `data/results/patch_transfer_photographs.real.json`. It looks for
`coco_as_voc/VOCdevkit/VOC2007`, `VOCdevkit/VOC2007` and `VOCdevkit/VOC2012` under LECTURE_DATA, says which it does not
find, and does the rest.

The recipe is the twins' (`adaptation.RECIPE`), nothing is chosen on photographs. Intervals are over test pictures, for
the mean over seeds (of FCa, FCb and the background that is kept); with a hundred test pictures they are wide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from lecture_lib import backbones, datasets, settings
from lecture_lib.chapters.patch_transfer import experiments
from lecture_lib.chapters.patch_transfer.encode import PatchNet, lay
from lecture_lib.chapters.patch_transfer.experiments import (
    NO_BACKGROUND,
    PATCHES,
    SVM,
    WHOLE,
    WHOLE_ON_PATCHES,
    Part,
)
from lecture_lib.chapters.patch_transfer.findings import Found, add, judge, of_k, of_maps
from lecture_lib.chapters.patch_transfer.labelling import label_all
from lecture_lib.datasets import DatasetNotFound, ImageCollection
from lecture_lib.results import records
from lecture_lib.results.claims import verdicts

NAME = "patch_transfer"
COMMAND = "python -m lecture_lib.chapters.patch_transfer.photographs"
SEEDS = range(3)
TESTED = [
    ("svm", "training on patches beats SVMs on whole pictures", PATCHES, SVM, 0),
    ("wholes", "training on patches beats training on whole pictures", PATCHES, WHOLE, 0),
    ("background", "a background class raises mAP", PATCHES, NO_BACKGROUND, 0),
    (
        "tested on patches",
        "training on patches beats training on whole pictures where both are tested on patches",
        PATCHES,
        WHOLE_ON_PATCHES,
        0,
    ),
]


def run(net: PatchNet, images: ImageCollection, seed: int, seeds: Sequence[int] = SEEDS) -> Found:
    """Train on a collection's trainval (or train), test on its test pictures (or val), and say what was found.

    mAP is over the classes that have a positive in both parts.
    """
    official = {} if "test" in images.splits else {"train": "train", "test": "val"}
    train, test = (
        Part(part, lay(net, part)) for part in (images[rows] for rows in images.split_indices(**official))
    )
    counts = [len(grid) for grid in test.grids]
    labels = label_all(train.images, train.grids)
    useful = sum(((of_picture >= 0) & (of_picture < train.n_classes)).any() for of_picture in labels)
    print(
        f"{images.name}: {min(counts)} to {max(counts)} patches a picture; {useful} of {len(labels)} training pictures "
        "have a positive",
        flush=True,
    )
    scores, y = defaultdict(list), defaultdict(list)
    scores[SVM].append(experiments.whole_pictures_svm(net, train, test))
    y |= experiments.score_patches(net, train, test, [seed + offset for offset in seeds])
    for s in (seed + offset for offset in seeds):
        add(scores, experiments.whole_pictures(net, train, test, s))
        print(f"{images.name}, seed {s}: trained and tested", flush=True)
    scores |= {row: [test.score(of_seed) for of_seed in found] for row, found in y.items()}
    shared = (train.images.labels == 1).any(0) & (test.images.labels == 1).any(0)
    about = {"experiment": "table", "n": len(train.images), "n_test": len(test.images)}
    about["n_classes"] = int(shared.sum())
    parts = [
        judge(scores, test, TESTED, seed, shared, **about),
        of_k(y[PATCHES], test, seed, shared),
        of_maps(y, test, seed, shared),
    ]
    return [r for results, _ in parts for r in results], [c for _, found in parts for c in found]


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use("real")
    net = PatchNet(backbones.load())
    results, found = [], []
    for name in ("coco_as_voc", "voc2007", "voc2012"):
        try:
            images = datasets.load(name)
        except DatasetNotFound as missing:
            print(f"left out: {missing}")
            continue
        new = run(net, images, chosen.seed)
        results, found = results + new[0], found + new[1]
    if not results:
        raise SystemExit("No photographs, so nothing is written: set LECTURE_DATA to their folder.")
    path = records.write(NAME, results, found, command=COMMAND, network=net.backbone.name)
    verdicts(found)
    print(path.name)


if __name__ == "__main__":
    main()
