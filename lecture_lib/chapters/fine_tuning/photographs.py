"""Fine-tuning on photographs in VOC's layout: phi stays, or moves under TUNE-CLS, TUNE-RNK and softmax.

    python -m lecture_lib.chapters.fine_tuning.photographs

takes the real profile and writes `data/results/fine_tuning_photographs.real.json`. It looks for
`coco_as_voc/VOCdevkit/VOC2007`, `VOCdevkit/VOC2007` and `VOCdevkit/VOC2012` under LECTURE_DATA, says which it does not
find, and does the rest.

A hundred training pictures of twenty classes are few: a fifth of them held back for early stopping would show some
classes once and others never. So nothing is held back: each training takes all training pictures and all its epochs,
and keeps the last weights. Recipes are compared by threefold validation within the training pictures of `coco_as_voc`
alone, by

    python -m lecture_lib.chapters.fine_tuning.photographs choose

It gave mAP 46.9, 46.5, 25.5 for TUNE-CLS with the ratios 0.001, 0.003, 0.01; 53.7, 52.2, 44.4, 27.8 for TUNE-RNK with
0.001, 0.003, 0.01, 0.03; 55.4, 55.7 for softmax with 0.001, 0.003; 20.8, 26.2 from scratch with 0.1, 1. RECIPES has the
best of each. For both hinge losses that is the lowest ratio tried, which is nearly a frozen network.
None is chosen by a test picture: those are only ever scored.

Intervals are over test pictures, for the mean over seeds (of the head, the crops and the order): they say nothing of
other training pictures. With a hundred test pictures, and classes that have two or three positives among them, they are
wide, and only large differences can be told from none.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lecture_lib import backbones, datasets, settings
from lecture_lib.backbones import Backbone
from lecture_lib.backbones.cost import bfloat16_is_faster
from lecture_lib.chapters.fine_tuning.losses import softmax, tune_cls, tune_rnk
from lecture_lib.datasets import DatasetNotFound, ImageCollection
from lecture_lib.encoders import TEN_CROPS, summed
from lecture_lib.linear import KERNEL_CS, choose, folds, svm
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, ap_claims, ap_rows, verdicts
from lecture_lib.training.crops import Pictures, phi, prepare, to_scores
from lecture_lib.training.fine_tuning import fine_tune
from lecture_lib.training.head import with_head
from lecture_lib.training.sgd import Loss, Recipe

NAME = "fine_tuning"
COMMAND = "python -m lecture_lib.chapters.fine_tuning.photographs"
SEEDS = range(3)
FROZEN, SCRATCH, ON_PHI = "frozen, SVM", "from scratch", ", SVM on phi"
SHORT = Recipe(epochs=12, batch=16, dropout=0.5)  # the rate before SqueezeNet's own classifier
RECIPES = {
    "TUNE-CLS": (tune_cls, replace(SHORT, lr=1.0, ratio=0.001)),
    "TUNE-RNK": (tune_rnk, replace(SHORT, lr=0.3, ratio=0.001)),
    "softmax": (softmax, replace(SHORT, lr=1.0, ratio=0.003)),
    SCRATCH: (tune_cls, replace(SHORT, lr=0.1, ratio=1.0)),
}
TRIED = {
    "TUNE-CLS": (0.001, 0.003, 0.01),
    "TUNE-RNK": (0.001, 0.003, 0.01, 0.03),
    "softmax": (0.001, 0.003),
    SCRATCH: (0.1, 1.0),
}  # ratios
CLS, RNK = "TUNE-CLS", "TUNE-RNK"
TESTED = [
    ("cls", "TUNE-CLS beats SVMs on the frozen network", CLS, FROZEN, 0),
    ("rnk", "TUNE-RNK beats SVMs on the frozen network", RNK, FROZEN, 0),
    ("phi of cls", "SVMs on phi after TUNE-CLS beat SVMs on phi before", CLS + ON_PHI, FROZEN, 0),
    ("phi of rnk", "SVMs on phi after TUNE-RNK beat SVMs on phi before", RNK + ON_PHI, FROZEN, 0),
    ("ranking", "TUNE-RNK beats TUNE-CLS", RNK, CLS, 0),
    ("scratch", "TUNE-CLS is over 10 points ahead of training from scratch", CLS, SCRATCH, 10),
]


def evaluate(net: Backbone, training: Pictures, testing: Pictures) -> tuple[np.ndarray, np.ndarray]:
    """Score test pictures by the network's head, and by SVMs on its phi: float32 [m, C] each.

    Both see ten crops (scheme C of Chatfield et al. 2014): the head's scores are averaged over them, phi is summed over
    them and brought to length 1. The SVMs learn from all training pictures, C by threefold validation among them.
    """
    x, y = (phi(net, part, TEN_CROPS) for part in (training, testing))
    probe = choose(svm, summed(x), training.labels.numpy(), KERNEL_CS).probe
    return to_scores(net, y), probe.scores(summed(y))


def compare(
    net: Backbone, images: ImageCollection, seed: int, seeds: Sequence[int] = SEEDS, bfloat16: bool = False
) -> tuple[list[dict], list[Claim]]:
    """Train on a collection's trainval (or train), test on its test pictures (or val), and say what was found.

    mAP has 11 points, over the classes that have a positive in both parts; it is a mean over `seeds`.
    """
    official = {} if "test" in images.splits else {"train": "train", "test": "val"}
    train_part, test_part = images.split_indices(**official)
    pictures = prepare(net, images)
    parts = pictures.take(train_part), pictures.take(test_part)
    scores = {FROZEN: [evaluate(with_head(net, images.classes), *parts)[1]]}
    for offset in seeds:
        s = seed + offset
        for row, (loss, recipe) in RECIPES.items():
            start = backbones.load(net.name, "random", s) if row == SCRATCH else net
            recipe = replace(recipe, seed=s, bfloat16=bfloat16)
            head = with_head(start, images.classes, s)
            tuned = fine_tune(head, parts[0], None, loss, recipe, progress=False).net
            for of, found in zip(("", ON_PHI), evaluate(tuned, *parts), strict=True):
                scores.setdefault(row + of, []).append(found)
            print(f"{images.name}, seed {s}, {row}: trained and tested", flush=True)
    labels = images.labels
    shared = (labels[train_part] == 1).any(0) & (labels[test_part] == 1).any(0)
    return summarise(
        {row: np.stack(found)[:, :, shared] for row, found in scores.items()},
        labels[test_part][:, shared],
        [name for name, both in zip(images.classes, shared, strict=True) if both],
        {
            "dataset": images.name,
            "source": images.source,
            "n": len(train_part),
            "n_test": len(test_part),
            "n_classes": int(shared.sum()),
        },
        seed,
    )


def summarise(
    scores: Mapping[str, np.ndarray],
    truth: np.ndarray,
    classes: Sequence[str],
    about: Mapping[str, object],
    seed: int,
    n_boot: int = 2000,
) -> tuple[list[dict], list[Claim]]:
    """Put scores into numbers with intervals, and the lecture's statements to the test.

    scores  row -> [S, m, C] of S seeds (the frozen network has one)
    truth   int8 [m, C]: 1, 0, -1; every class has a positive
    about   columns that all rows share
    """
    name, source = about["dataset"], about["source"]
    tested = [
        (f"photographs: {id}, {name}", f"On {name}, {statement}", *rest) for id, statement, *rest in TESTED
    ]
    rows = ap_rows(scores, truth, classes, seed=seed, n_boot=n_boot, experiment="table", **about)
    return rows, ap_claims(scores, truth, tested, source=source, seed=seed, n_boot=n_boot)


def validate(
    net: Backbone, pictures: Pictures, classes: Sequence[str], loss: Loss, recipe: Recipe
) -> np.ndarray:
    """Return the mAP of the held part's centres after every epoch, a mean over three folds: float64 [epochs], in %."""
    recipe = replace(recipe, patience=recipe.epochs)
    head = with_head(net, classes, recipe.seed)
    curves = [
        fine_tune(head, pictures.take(kept), pictures.take(held), loss, recipe).curve
        for kept, held in folds(pictures.labels.numpy())
    ]
    return np.mean([[line["validation"] for line in curve] for curve in curves], axis=0)


def choose_recipes() -> None:
    """Print what threefold validation says of all that is TRIED, within the training pictures of coco_as_voc."""
    settings.use("real")
    net = backbones.load()
    images = datasets.load("coco_as_voc")
    pictures = prepare(net, images[images.split_indices(train="train", test="val")[0]])
    for row, ratios in TRIED.items():
        loss, recipe = RECIPES[row]
        start = backbones.load(net.name, "random", recipe.seed) if row == SCRATCH else net
        for ratio in ratios:
            curve = validate(
                start, pictures, images.classes, loss, replace(recipe, ratio=ratio, bfloat16=True)
            )
            print(f"{row}, ratio {ratio:g}: mAP {curve[-1]:.1f} after {len(curve)} epochs", flush=True)


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use("real")
    net = backbones.load()
    bfloat16 = bfloat16_is_faster(net.device)
    results, found = [], []
    for name in ("coco_as_voc", "voc2007", "voc2012"):
        try:
            images = datasets.load(name)
        except DatasetNotFound as missing:
            print(f"left out: {missing}")
            continue
        print(f"{images.name}: {len(images):,} pictures, {net.name}", flush=True)
        new = compare(net, images, chosen.seed, bfloat16=bfloat16)
        results, found = results + new[0], found + new[1]
    if not results:
        raise SystemExit("No photographs, so nothing is written: set LECTURE_DATA to their folder.")
    remark = f"trained in {'bfloat16' if bfloat16 else 'float32'}"
    path = records.write(NAME, results, found, command=COMMAND, network=net.name, remark=remark)
    verdicts(found)
    print(path.name)


if __name__ == "__main__":
    choose_recipes() if sys.argv[1:] == ["choose"] else main()
