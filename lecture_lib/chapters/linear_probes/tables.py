"""DeCAF's few-shot table: classifiers on layers, everything chosen within the training pictures of a split."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import torch

from lecture_lib.datasets import ImageCollection, Vectors
from lecture_lib.datasets.protocols import few_shot_split
from lecture_lib.encoders.parallel import in_order
from lecture_lib.linear import Linear, choose, logistic_regression, svm
from lecture_lib.metrics import measure

CS = {"SVM": (1.0, 10.0), "LogReg": (1.0, 10.0, 100.0)}  # for vectors of length 1
LEARNERS = {"SVM": svm, "LogReg": logistic_regression}
METHODS = ("LogReg", "LogReg with Dropout", "SVM", "SVM with Dropout")
DROPOUT = 0.5


def few_shot(
    images: ImageCollection | Vectors,
    vectors: Mapping[str, Mapping[str, np.ndarray]],
    splits: Sequence[int],
    validate: int = 5,
    methods: Sequence[str] = METHODS,
) -> list[dict]:
    """Run `on_split` for each split, side by side: one of these classifiers alone does not keep two cores busy."""
    one = partial(on_split, images, vectors, validate=validate, methods=methods)
    made = in_order(lambda split: [*one(split)], splits, torch.get_num_threads(), 1)
    return [row for rows in made for row in rows]


def on_split(
    images: ImageCollection | Vectors,
    vectors: Mapping[str, Mapping[str, np.ndarray]],
    split: int,
    validate: int = 5,
    methods: Sequence[str] = METHODS,
) -> Iterator[dict]:
    """Train on one split of a few-shot protocol, and yield rows of a record: mean class accuracies in %.

    vectors   layer -> pooling -> [N, d] of all pictures; the SVM's validation chooses one pooling a layer
    validate  of each class's training pictures, those that validate C and pooling (25 + 5 in DeCAF)

    Dropout has the C that is best without: only the masks differ. As in DeCAF, the first layer is tried without.
    """
    labels = images.labels
    train, test = images.split_indices(split)
    per_class = int(np.bincount(labels[train]).min())
    fold = few_shot_split(labels[train], per_class - validate, validate, split)
    about = {"dataset": images.name, "source": images.source, "split": split, "per_class": per_class}

    def row(method: str, layer: str, pooling: str, classifier: Linear) -> dict:
        share = measure(classifier.scores(vectors[layer][pooling][test]), labels[test])
        line = about | {"method": method, "layer": layer, "pooling": pooling}
        return line | {"metric": "mean class accuracy", "value": 100 * share}

    for layer, pooled in vectors.items():
        tried = {
            pooling: choose(svm, x[train], labels[train], CS["SVM"], [fold]) for pooling, x in pooled.items()
        }
        best = max(tried, key=lambda pooling: tried[pooling].scores.max())
        x = pooled[best][train]
        chosen = {"SVM": tried[best]}
        for method in methods:
            name, dropout, _ = method.partition(" with Dropout")
            if dropout and layer == next(iter(vectors)):
                continue
            if name not in chosen:
                chosen[name] = choose(LEARNERS[name], x, labels[train], CS[name], [fold])
            classifier = chosen[name].probe
            if dropout:
                (classifier,) = LEARNERS[name](x, labels[train], [classifier.C], dropout=DROPOUT, seed=split)
            yield row(method, layer, best, classifier)
