"""The lecture's tables of linear probes in full: all splits, all views.

    python -m lecture_lib.chapters.linear_probes.record

follows LECTURE_PROFILE and writes `data/results/linear_probes.<profile>.csv`, which notebook 02 shows beside the
papers; on the twins in ten minutes. Of photographs it takes those collections that are there, and says which are not.
Everything is chosen within training pictures; a test picture is only ever scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.backbones import Backbone
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.protocols import few_shot_split
from lecture_lib.linear import Linear, choose, logistic_regression, svm
from lecture_lib.metrics import measure
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, ap_rows, paired_claim, verdicts

CURVE = (1, 3, 5, 10, 15, 20)  # training pictures a class
# few-shot protocols: of a class's training pictures, those that validate, and the smaller numbers that are tried
FEW_SHOT = {"caltech101": (5, CURVE), "sun397": (8, ())}
OFFICIAL = ("mit67", "cub200", "coco_as_voc", "voc2007", "voc2012")  # one split, for the sixteen views
SPLITS = range(5)
CS = {"SVM": (1.0, 10.0), "LogReg": (1.0, 10.0, 100.0)}  # for vectors of length 1
LEARNERS = {"SVM": svm, "LogReg": logistic_regression}
DROPOUT = 0.5
# the first fully connected layer, or the last map, where a network has none
VIEWS_LAYER = {"demo": 6, "real": 7}
# of a convolutional layer's map: the twin's is small enough to be taken whole, as DeCAF takes pool5
POOLINGS = {"demo": {4: "4 x 4 means"}, "real": {"mean": "mean of the map", 2: "2 x 2 means"}}

Vectors = Mapping[str, np.ndarray]  # pooling -> float32 [N, d]


def decaf_vectors(net: Backbone, images: ImageCollection) -> dict[str, Vectors]:
    """Encode pictures at the layers of DeCAF5, 6 and 7, pooled in each way and of length 1: "DeCAF5" -> Vectors."""
    layers = {f"DeCAF{n}": net.decaf[n] for n in (5, 6, 7)}
    pooled = {
        name: encoders.encode(net, images, list(layers.values()), pool=pool, l2=True, progress=False)
        for pool, name in POOLINGS[settings.current().profile].items()
    }
    return {
        decaf: {name: of[layer].astype(np.float32) for name, of in pooled.items()}
        for decaf, layer in layers.items()
    }


def few_shot(
    images: ImageCollection,
    vectors: Mapping[str, Vectors],
    split: int,
    validate: int,
    curve: Sequence[int] = (),
    learners: Mapping = LEARNERS,
) -> Iterator[dict]:
    """Train on one split of a few-shot protocol, and yield rows of the record: mean class accuracies in %.

    vectors   layer -> pooling -> [N, d] of all pictures; the SVM's validation chooses one pooling a layer
    validate  of each class's training pictures, those that validate C and pooling (25 + 5 in DeCAF)
    curve     numbers of training pictures a class, for the SVM with the C and the pooling that all of them chose:
              training pictures contain each other, test pictures are the same

    Dropout has the C that is best without: only the masks differ. As in DeCAF, the first layer is tried without. Rows
    of a `pooling` are the SVM's on each; the others are of the pooling that was chosen.
    """
    labels = images.labels
    train, test = images.split_indices(split)
    per_class = int(np.bincount(labels[train]).min())
    fold = few_shot_split(labels[train], per_class - validate, validate, split)
    about = {"dataset": images.name, "source": images.source, "split": split, "per_class": per_class}

    def row(method: str, layer: str, classifier: Linear, x: np.ndarray, **more: object) -> dict:
        share = measure(classifier.scores(x[test]), labels[test])
        line = about | {"method": method, "layer": layer} | more
        return line | {"metric": "mean class accuracy", "value": 100 * share}

    for layer, pooled in vectors.items():
        tried = {
            pooling: choose(svm, x[train], labels[train], CS["SVM"], [fold]) for pooling, x in pooled.items()
        }
        best = max(tried, key=lambda pooling: tried[pooling].scores.max())
        x = pooled[best]
        for pooling, choice in tried.items():
            if len(tried) > 1:
                line = row("SVM", layer, choice.probe, pooled[pooling], pooling=pooling)
                yield from (line, line | {"metric": "validation", "value": 100 * choice.scores.max()})
        for method, learner in learners.items():
            choice = tried[best]
            if method != "SVM":
                choice = choose(learner, x[train], labels[train], CS[method], [fold])
            yield row(method, layer, choice.probe, x)
            if layer != next(iter(vectors)):
                dropped = learner(x[train], labels[train], [choice.probe.C], dropout=DROPOUT, seed=split)[0]
                yield row(f"{method} with Dropout", layer, dropped, x)
        for n in curve:
            few = images.split_indices(split, train_per_class=n)[0]
            yield row("SVM", layer, svm(x[few], labels[few], [tried[best].probe.C])[0], x, per_class=n)


def few_shot_claims(frame: pd.DataFrame, source: str, seed: int) -> list[Claim]:
    """Put three statements about one collection's layers to the test, paired over the splits of `few_shot`'s rows."""
    frame = frame[(frame.per_class == frame.per_class.max()) & frame.get("pooling", frame.weights).isna()]
    frame = frame.fillna({"weights": "trained"})
    of = frame.pivot_table("value", "split", ["weights", "layer", "method"])
    plain, dropout = (of["trained", "DeCAF7", method] for method in ("SVM", "SVM with Dropout"))
    lower, random = of["trained", "DeCAF5", "SVM"], of["random", "DeCAF7", "SVM"]
    tested = {
        "deeper": ("an SVM does better on DeCAF7 than on DeCAF5", plain - lower),
        "trained": (
            "an SVM on DeCAF7 does better with trained weights than with random ones",
            plain - random,
        ),
        "dropout": ("dropout makes the SVM on DeCAF7 better", dropout - plain),
    }
    name, about = frame.dataset.iloc[0], {"over": "splits", "source": source, "seed": seed}
    return [
        paired_claim(f"{id}, {name}", f"On {name}, {statement}", gain, **about)
        for id, (statement, gain) in tested.items()
    ]


def train_on_views(x: np.ndarray, labels: np.ndarray, C: float) -> Linear:
    """Train an SVM on views [N, V, d], each a sample with the labels of its picture and 1/V of its weight."""
    n_views = x.shape[1]
    return svm(x.reshape(-1, x.shape[2]), np.repeat(labels, n_views, axis=0), [C / n_views])[0]


def sixteen_views(net: Backbone, images: ImageCollection, pool: str | int) -> dict[str, np.ndarray]:
    """Score the test pictures of the official split by CNN-SVM and by CNNaug-SVM: method -> [m, C].

    CNNaug (Razavian et al. 2014) trains on sixteen views of each picture, each of length 1, and sums a test picture's
    scores over them. C is chosen for whole pictures by threefold validation in the training part.
    """
    layer = net.decaf[VIEWS_LAYER[settings.current().profile]]
    views = encoders.encode(net, encoders.expand(images), [layer], pool=pool, l2=True, progress=False)
    # view 0 is the whole picture
    x = views[layer].astype(np.float32).reshape(len(images), len(encoders.CNNAUG), -1)
    train, test = images.split_indices()
    whole = choose(svm, x[train, 0], images.labels[train], CS["SVM"]).probe
    of_views = train_on_views(x[train], images.labels[train], whole.C)
    return {"CNN-SVM": whole.scores(x[test, 0]), "CNNaug-SVM": of_views.scores(x[test]).sum(1)}


def rows_of_views(
    images: ImageCollection, scores: Mapping[str, np.ndarray], seed: int, **more: object
) -> tuple[list[dict], list[Claim]]:
    """Turn scores [m, C] of `sixteen_views` into rows; with several classes a picture, mAP of those with positives,
    and a claim.
    """
    train, test = images.split_indices()
    about = {"dataset": images.name, "source": images.source, "n": len(train)}
    about |= {"layer": f"DeCAF{VIEWS_LAYER[settings.current().profile]}"} | more
    labels = images.labels
    if labels.ndim == 1:
        about |= {"metric": "mean class accuracy"}
        return [
            about | {"method": method, "value": 100 * measure(of, labels[test])}
            for method, of in scores.items()
        ], []
    shared = (labels[train] == 1).any(0) & (labels[test] == 1).any(0)
    about |= {"n_test": len(test), "n_classes": int(shared.sum())}
    classes = [name for name, both in zip(images.classes, shared, strict=True) if both]
    scores = {method: of[None][..., shared] for method, of in scores.items()}
    rows = ap_rows(scores, labels[test][:, shared], classes, seed=seed, **about)
    ap = {m: [row["value"] for row in rows if row["metric"] == "AP" and row["method"] == m] for m in scores}
    claim = paired_claim(
        f"views, {images.name}",
        f"On {images.name}, sixteen views of each picture raise the AP of a class",
        np.subtract(ap["CNNaug-SVM"], ap["CNN-SVM"]),
        source=images.source,
        seed=seed,
    )
    return rows, [claim]


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.current()
    net, random = backbones.load(), backbones.load(weights="random", seed=chosen.seed)
    rows, claims = [], []
    for images in datasets.load_available(*FEW_SHOT).values():
        of_images = []
        trained, untrained = decaf_vectors(net, images), decaf_vectors(random, images)
        for split in SPLITS:
            validate, curve = FEW_SHOT[images.name]
            of_images += few_shot(images, trained, split, validate, curve)
            plain = few_shot(images, untrained, split, validate, learners={"SVM": svm})
            of_images += (row | {"weights": "random"} for row in plain)
            print(f"{images.name}, split {split}", flush=True)
        claims += few_shot_claims(pd.DataFrame(of_images), images.source, chosen.seed)
        rows += of_images
    pool = list(POOLINGS[chosen.profile])[-1]
    for images in datasets.load_available(*OFFICIAL).values():
        regions = {"": images}
        if images.name == "cub200":
            regions = {"whole picture": images, "box": datasets.box_crops(images, context=1.5)}
        for region, pictures in regions.items():
            more = {"region": region, "dataset": images.name} if region else {}
            new = rows_of_views(pictures, sixteen_views(net, pictures, pool), chosen.seed, **more)
            rows, claims = rows + new[0], claims + new[1]
        print(images.name, flush=True)
    if not rows:
        raise SystemExit("No photographs, so nothing is written: set LECTURE_DATA to their folder.")
    command = "python -m lecture_lib.chapters.linear_probes.record"
    print(records.write("linear_probes", rows, claims, command=command, network=net.name).name)
    verdicts(claims)


if __name__ == "__main__":
    main()
