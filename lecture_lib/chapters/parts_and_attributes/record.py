"""The lecture's tables of birds (CUB-200) and of people (H3D): with parts, without, and by POOFs.

    python -m lecture_lib.chapters.parts_and_attributes.record

follows LECTURE_PROFILE and writes `data/results/parts_and_attributes.<profile>.csv`, for notebook 09. `demo`: the
twins cub200 and h3d. `real`: those of CUB's photographs and of the Clothing Attributes set that are there; of the
second, which has no boxes, whole pictures in five folds. Everything is chosen within training pictures.
"""

from collections.abc import Mapping

import numpy as np

from lecture_lib import backbones, datasets, settings
from lecture_lib.backbones import Backbone
from lecture_lib.chapters.parts_and_attributes import attributes, birds, dpd, statements
from lecture_lib.chapters.parts_and_attributes.parts import point_error
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.people import FOLDS
from lecture_lib.datasets.regions import region_crops
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, ap_rows, verdicts
from lecture_lib.results.intervals import mean_interval

NAME, COMMAND = "parts_and_attributes", "python -m lecture_lib.chapters.parts_and_attributes.record"
LAYER = {"demo": 6, "real": 7}  # the first fully connected layer, or the last map where a network has none
MAPS = {"demo": 5, "real": 7}
POOL = "mean"


def of_birds(net: Backbone, images: ImageCollection, seed: int) -> tuple[list[dict], list[Claim]]:
    """The rows of the table of CUB-200, the transfer of POOFs, and the claims about them."""
    profile = settings.current().profile
    train, test = images.split_indices()
    about = {"experiment": "birds", "dataset": images.name, "source": images.source, "n": len(train)}
    about |= {"n_test": len(test), "n_classes": len(images.classes)}
    layer, maps = net.decaf[LAYER[profile]], net.decaf[MAPS[profile]]
    guessed = birds.with_predicted(net, images, maps)
    rows = [
        about | {"method": "predicted parts", "metric": f"distance of points, {part}, % of the box's longer side",
                 "value": 100 * point_error(guessed.parts, images, which)}
        for part, which in (("train", train), ("test", test))
    ]  # fmt: skip
    tasks, _, scores, shuffled = birds.poof_scores(images, birds.POOFS, seed)
    guessed_scores = birds.poof_scores(guessed, birds.POOFS, seed)[2]
    found = [
        *birds.network_rows(net, images, guessed, layer, POOL),
        *birds.word_rows(images, guessed),
        birds.poof_row(scores, images, birds.ORACLE),
        birds.poof_row(guessed_scores, images, birds.PREDICTED),
    ]
    right = {}
    for row in found:
        hits = right[row.method, row.parts, row.region] = birds.named(row, images) == images.labels[test]
        rows += accuracy_rows(hits, seed, **about, method=row.method, parts=row.parts, region=row.region)
        print(f"{row.method}, {row.parts or row.region}: {100 * hits.mean():.1f}", flush=True)
    moved = birds.transfer(images, tasks, {"POOFs": scores, "shuffled": shuffled}, seed)
    about |= {"experiment": "transfer of POOFs", "parts": birds.ORACLE, "region": "box"}
    for method, share in moved.items():
        rows += accuracy_rows(share, seed, **about, method=f"POOFs, {method}")
    return rows, statements.of_birds(right, moved, images.source, seed)


def accuracy_rows(hits: np.ndarray, seed: int, **about: object) -> list[dict]:
    """Accuracy of test pictures, hits [m] from 0 to 1, in %, and its interval over them."""
    found = mean_interval(100.0 * hits, seed=seed)
    values = {"accuracy": found.value, "accuracy low": found.low, "accuracy high": found.high}
    return [about | {"metric": metric, "value": value} for metric, value in values.items()]


def person_scores(net: Backbone, images: ImageCollection, fold: int, seed: int) -> dict[str, np.ndarray]:
    """Scores [m, A] of the test people of a fold, by row; with boxes also by context, halves and parts."""
    train, test = images.split_indices(fold)
    layer = net.decaf[LAYER[settings.current().profile]]
    labels = images.labels
    crops = {"whole picture": images}
    if images.boxes:
        crops |= {f"box x {context:g}": dpd.box_crop(images, context) for context in attributes.CONTEXTS}
        crops |= attributes.halves(images)
        main, small = crops["box x 1.5"], dpd.box_crop(images, 1.0, dpd.SIDE)
    else:
        sizes = np.array([images.tensor(i).shape[:0:-1] for i in range(len(images))])
        whole = np.concatenate([0 * sizes, sizes], 1)[:, None]
        main, small = images, region_crops(images, whole, ["picture"], dpd.SIDE)
    x = attributes.network_rows(net, crops, layer, POOL)
    scores = {"Freq": attributes.frequency(labels[test]), "SPM": attributes.spm(small, train, test, seed)}
    for name, of in x.items():
        scores[f"CNN-SVM, {name}"] = attributes.score(of, labels, train, test, seed)
    if images.parts is not None:
        x = attributes.with_parts(net, images, x["box x 1.5"], layer, POOL)
        scores["DPD + CNN, oracle parts"] = attributes.score(x, labels, train, test, seed)
    scores["CNNaug-SVM"] = attributes.score(
        attributes.augmented(net, main, layer, POOL), labels, train, test, seed
    )
    return scores


def of_people(net: Backbone, images: ImageCollection, seed: int) -> tuple[list[dict], list[Claim]]:
    """AP of each attribute and row, mAP with its interval, and the claims; folds are put together."""
    folds = range(FOLDS) if not images.splits else range(1)
    parts = [person_scores(net, images, fold, seed) for fold in folds]
    truth = np.concatenate([images.labels[images.split_indices(fold)[1]] for fold in folds])
    shared = (truth == 1).any(0) & (truth == 0).any(0)
    scores: Mapping[str, np.ndarray] = {
        row: np.concatenate([part[row] for part in parts])[None][..., shared] for row in parts[0]
    }
    classes = [name for name, both in zip(images.classes, shared, strict=True) if both]
    about = {"experiment": "people", "dataset": images.name, "source": images.source, "n_test": len(truth)}
    rows = ap_rows(scores, truth[:, shared], classes, seed=seed, **about)
    return rows, statements.of_people(scores, truth[:, shared], classes, images.source, seed)


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use()
    net = backbones.load()
    rows, claims = [], []
    tables = {"cub200": of_birds, "h3d" if chosen.profile == "demo" else "clothing": of_people}
    for name, images in datasets.load_available(*tables).items():
        new = tables[name](net, images, chosen.seed)
        rows, claims = rows + new[0], claims + new[1]
        print(name, flush=True)
    if not rows:
        raise SystemExit("No photographs, so nothing is written: set LECTURE_DATA to their folder.")
    print(records.write(NAME, rows, claims, command=COMMAND, network=net.name).name)
    verdicts(claims)


if __name__ == "__main__":
    main()
