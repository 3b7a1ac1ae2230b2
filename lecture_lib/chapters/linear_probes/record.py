"""The lecture's tables of linear probes that take too long for a notebook: five splits of drawings, all views.

    python -m lecture_lib.chapters.linear_probes.record

follows LECTURE_PROFILE and writes `data/results/linear_probes.<profile>.csv`, which notebook 02 shows beside the
papers; on the twins in a quarter of an hour of a core. Of photographs it takes those collections that are there, and
says which are not. Everything is chosen within training pictures; a test picture is only ever scored.
"""

from collections.abc import Mapping

import numpy as np

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.backbones import Backbone
from lecture_lib.chapters.linear_probes.tables import CS, few_shot
from lecture_lib.datasets import ImageCollection
from lecture_lib.linear import Linear, choose, svm
from lecture_lib.metrics import measure
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, ap_claims, ap_rows, verdicts

FEW_SHOT = {"caltech101": 5, "sun397": 8}  # of a class's training pictures, those that validate
OFFICIAL = ("mit67", "cub200", "voc2007", "voc2012")  # one split, for the sixteen views
SPLITS = range(5)
# the first fully connected layer, or the last map, where a network has none
VIEWS_LAYER = {"demo": 6, "real": 7}
# of a convolutional layer's map: the twin's is small enough to be taken whole, as DeCAF takes pool5
POOL = {"demo": 4, "real": 2}


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
    and a claim over test pictures.
    """
    train, test = images.split_indices()
    about = {"dataset": images.name, "source": images.source, "n": len(train)}
    about |= {"layer": f"DeCAF{VIEWS_LAYER[settings.current().profile]}"} | more
    labels = images.labels
    if labels.ndim == 1:
        about |= {"metric": "mean class accuracy"}
        values = {method: 100 * measure(of, labels[test]) for method, of in scores.items()}
        return [about | {"method": method, "value": value} for method, value in values.items()], []
    shared = (labels[train] == 1).any(0) & (labels[test] == 1).any(0)
    about |= {"n_test": len(test), "n_classes": int(shared.sum())}
    classes = [name for name, both in zip(images.classes, shared, strict=True) if both]
    scores = {method: of[None][..., shared] for method, of in scores.items()}
    rows = ap_rows(scores, labels[test][:, shared], classes, seed=seed, **about)
    statement = f"On {images.name}, sixteen views of each picture raise the mAP"
    tested = [(f"views, {images.name}", statement, "CNNaug-SVM", "CNN-SVM", 0.0)]
    return rows, ap_claims(scores, labels[test][:, shared], tested, source=images.source, seed=seed)


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.current()
    net, pool = backbones.load(), POOL[chosen.profile]
    rows, claims = [], []
    for images in datasets.load_available(*FEW_SHOT).values():
        layers = [net.decaf[n] for n in (5, 6, 7)]
        phi = encoders.encode(net, images, layers, pool=pool, l2=True, progress=False)
        x = {f"DeCAF{n}": {f"{pool} x {pool} means": phi[net.decaf[n]].astype(np.float32)} for n in (5, 6, 7)}
        rows += few_shot(images, x, SPLITS, FEW_SHOT[images.name])
        print(images.name, flush=True)
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
