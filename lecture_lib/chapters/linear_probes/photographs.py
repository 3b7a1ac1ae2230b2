"""Linear probes on photographs: Caltech-101, and augmentation on two small collections in VOC's layout.

    python -m lecture_lib.chapters.linear_probes.photographs

takes the real profile and writes `data/results/linear_probes_photographs.real.json`. It wants `caltech101`,
`coco_as_voc/VOCdevkit/VOC2007` and `VOCdevkit/VOC2012` under LECTURE_DATA, says which it does not find, and does
the rest. Everything is chosen within training pictures; a test picture is only ever scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.datasets import DatasetNotFound, ImageCollection
from lecture_lib.datasets.protocols import few_shot_split
from lecture_lib.linear.learners import Linear, logistic_regression, svm
from lecture_lib.linear.selection import choose
from lecture_lib.metrics import mean_class_accuracy
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, ap_rows, paired_claim, verdicts

NAME = "linear_probes"
SEEDS = range(5)  # one split each
PER_CLASS, HELD = 30, 5  # training pictures of a class, and those of them that validate
CURVE = (1, 3, 5, 10, 15, 20)
POOLS = {"mean": "mean of the map", 2: "2 x 2 means"}  # of a convolutional layer
SVM_CS, LOGISTIC_CS = (1.0, 10.0), (10.0, 100.0)  # for vectors of length 1; validation has its best there
DROPOUT = 0.5

Vectors = Mapping[str | int, np.ndarray]  # pooling -> float32 [N, d]


def encode(
    net: backbones.Backbone, images: ImageCollection, layers: Sequence[str], pools: Iterable = POOLS
) -> dict[str, Vectors]:
    """Encode pictures at convolutional layers, pooled in each way, of length 1: layer -> pooling -> float32 [N, d]."""
    found = {pool: encoders.encode(net, images, layers, pool=pool, l2=True) for pool in pools}
    return {layer: {pool: found[pool][layer].astype(np.float32) for pool in pools} for layer in layers}


def recognise(
    images: ImageCollection,
    vectors: Mapping[str, Vectors],
    seed: int,
    *,
    per_class: int = PER_CLASS,
    held: int = HELD,
    logistic: Sequence[str] = (),
    dropout: Sequence[str] = (),
    curve: Sequence[int] = (),
) -> Iterator[dict]:
    """Train probes on one split and yield a dict for each: layer, pool, method, per_class, seed, C, validation, test.

    vectors   layer -> pooling -> [N, d], for all of `images`; the SVM's validation chooses one pooling a layer
    held      of the `per_class` training pictures, those that validate C and pooling (25 + 5 in DeCAF)
    logistic  layers on which logistic regression is tried, too
    dropout   layers on which dropout is tried, with the C that is best without: only the masks differ
    curve     numbers of training pictures a class, below `per_class`, for learning curves of the SVM with the
              pooling and the C that all chose. Training pictures contain each other, test pictures are the same

    validation and test are mean class accuracies in per cent; `chosen` is False for SVMs on the other poolings,
    and validation NaN where nothing was validated.
    """
    labels = images.labels
    train, test = images.split_indices(seed, train_per_class=per_class, test_per_class=None)
    fold = few_shot_split(labels[train], per_class - held, held, seed)

    def accuracy(probe: Linear, x: np.ndarray) -> float:
        return 100 * mean_class_accuracy(probe.predict(x[test]), labels[test])

    for layer, pooled in vectors.items():
        found = {pool: choose(svm, x[train], labels[train], SVM_CS, [fold]) for pool, x in pooled.items()}
        best = max(found, key=lambda pool: found[pool].scores.max())
        x = pooled[best]
        tried = [("SVM", pool, choice, svm) for pool, choice in found.items()]
        if layer in logistic:
            choice = choose(logistic_regression, x[train], labels[train], LOGISTIC_CS, [fold])
            tried.append(("LogReg", best, choice, logistic_regression))
        for method, pool, choice, learner in tried:
            c = choice.probe.C
            line = {"layer": layer, "pool": pool, "chosen": pool == best, "method": method}
            line |= {"per_class": per_class, "seed": seed, "C": c, "validation": 100 * choice.scores.max()}
            yield line | {"test": accuracy(choice.probe, pooled[pool])}
            if pool != best:
                continue
            line["validation"] = np.nan
            if layer in dropout:
                probe = learner(x[train], labels[train], [c], dropout=DROPOUT, seed=seed)[0]
                yield line | {"method": f"{method} with Dropout", "test": accuracy(probe, x)}
            for n in curve if method == "SVM" else ():
                few = images.split_indices(seed, train_per_class=n, test_per_class=None)[0]
                probe = svm(x[few], labels[few], [c])[0]
                yield line | {"per_class": n, "test": accuracy(probe, x)}


def rows_of(lines: pd.DataFrame, decaf: Mapping[str, str], source: str) -> pd.DataFrame:
    """Turn the lines of `recognise` (with `weights` beside) into rows of a record; decaf: layer -> "DeCAF5" and so on.

    Only SVMs on all poolings say their `pooling`; the other rows are of the pooling that validation chose.
    """
    lines = lines.assign(
        dataset="caltech101", source=source, node=lines.layer, layer=lines.layer.replace(decaf)
    )
    lines = lines.rename(columns={"seed": "split"})
    lines["weights"] = lines.weights.where(lines.weights == "random")
    keys = ["dataset", "source", "method", "layer", "node", "weights", "per_class", "split"]
    tried = lines.validation.notna() & (lines.method == "SVM") & lines.weights.isna()
    tried = (
        lines[tried]
        .assign(pooling=lines.pool.map(POOLS))
        .melt([*keys, "pooling"], ["validation", "test"], "metric")
    )
    chosen = lines[lines.chosen & lines.node.isin(list(decaf))].melt(keys, ["test"], "metric")
    return pd.concat([chosen, tried]).replace({"metric": {"test": "mean class accuracy"}})


def compare_layers(lines: pd.DataFrame, first: str, last: str, source: str, seed: int) -> list[Claim]:
    """Put three statements about the first and the last of the layers to the test, paired over the splits."""
    chosen = lines[lines.chosen & (lines.per_class == lines.per_class.max())]
    of = {key: some.set_index("seed").test for key, some in chosen.groupby(["weights", "layer", "method"])}
    plain = of["pretrained", last, "SVM"]
    judge = partial(paired_claim, over="splits", source=source, seed=seed)
    return [
        judge(
            "photographs: deeper",
            f"On caltech101, an SVM does better on {last} than on {first}",
            plain - of["pretrained", first, "SVM"],
        ),
        judge(
            "photographs: trained",
            f"On caltech101, an SVM on {last} does better with trained weights than with random ones",
            plain - of["random", last, "SVM"],
        ),
        judge(
            "photographs: dropout",
            f"On caltech101, dropout makes the SVM on {last} better",
            of["pretrained", last, "SVM with Dropout"] - plain,
        ),
    ]


def augment(
    net: backbones.Backbone,
    images: ImageCollection,
    layer: str,
    pool: str | int,
    seed: int,
    n_boot: int = 2000,
) -> tuple[pd.DataFrame, list[Claim]]:
    """Compare CNN-SVM with CNNaug-SVM, from the part `train` of a collection in VOC's layout to its part `val`.

    CNNaug trains on the sixteen views of each picture, each of length 1, and sums a test picture's scores over
    them. C is chosen for whole pictures by threefold validation; a view has C / 16, so that a picture's errors
    weigh the same. mAP has 11 points, over the classes that have a positive in both parts; its interval is
    over test pictures, and a resample without a positive of a class goes without that class.
    """
    n = len(encoders.CNNAUG)
    x = encoders.encode(net, encoders.expand(images), [layer], pool=pool, l2=True)[layer].astype(np.float32)
    x = x.reshape(len(images), n, -1)  # view 0 is the whole picture
    train, test = images.split_indices(train="train", test="val")
    labels = images.labels
    whole = choose(svm, x[train, 0], labels[train]).probe
    views = svm(x[train].reshape(len(train) * n, -1), np.repeat(labels[train], n, 0), [whole.C / n])[0]
    shared = (labels[train] == 1).any(0) & (labels[test] == 1).any(0)
    truth = labels[test][:, shared]
    scores = {"CNN-SVM": whole.scores(x[test, 0]), "CNNaug-SVM": views.scores(x[test]).sum(1)}
    scores = {method: score[None][..., shared] for method, score in scores.items()}
    about = {"dataset": images.name, "source": images.source, "layer": "DeCAF7", "node": layer}
    about |= {"n": len(train), "n_test": len(test), "n_classes": int(shared.sum())}
    classes = [name for name, both in zip(images.classes, shared, strict=True) if both]
    rows = pd.DataFrame(ap_rows(scores, truth, classes, seed=seed, n_boot=n_boot, **about))
    ap = rows[rows.metric == "AP"].pivot_table(index="class", columns="method", values="value")
    statement = f"On {images.name}, sixteen views of each picture raise the AP of a class"
    gain = ap["CNNaug-SVM"] - ap["CNN-SVM"]
    claim = paired_claim(
        f"photographs: views, {images.name}", statement, gain, source=images.source, seed=seed
    )
    return rows, [claim]


def probe_caltech(
    images: ImageCollection, net: backbones.Backbone, seed: int
) -> tuple[pd.DataFrame, list[Claim]]:
    """Run all of Caltech-101: layers, learners, learning curves, and the network with random weights."""
    decaf = {net.decaf[k]: f"DeCAF{k}" for k in (5, 6, 7)}
    first, *_, last = decaf
    logits = [layer for layer in net.layers if layer == "conv10"]  # SqueezeNet's classifier, one map a class
    trained = encode(net, images, [*decaf, *logits])
    random = encode(backbones.load(net.name, "random", seed), images, list(decaf), [2])
    for layer in logits:
        # 4 x 1,000 numbers would take longer than all the rest
        trained[layer] = {"mean": trained[layer]["mean"]}
    tried = {"logistic": list(decaf), "dropout": list(decaf)[1:]}  # DeCAF did not try dropout on DeCAF5
    lines = []
    for split in SEEDS:
        runs = (
            ("pretrained", {layer: trained[layer] for layer in decaf}, tried | {"curve": CURVE}),
            ("pretrained", {layer: trained[layer] for layer in logits}, {}),
            ("random", random, {}),
        )
        for weights, vectors, options in runs:
            for line in recognise(images, vectors, split, **options):
                lines.append({"weights": weights} | line)
                told = ("layer", "pool", "method", "per_class", "C")
                print(
                    f"split {split}",
                    weights,
                    *(line[key] for key in told),
                    f"{line['test']:.1f} %",
                    flush=True,
                )
    frame = pd.DataFrame(lines)
    return rows_of(frame, decaf, images.source), compare_layers(frame, first, last, images.source, seed)


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use("real")
    net = backbones.load()
    results, found = [], []
    for name in ("caltech101", "coco_as_voc", "voc2012"):
        try:
            images = datasets.load(name)
        except DatasetNotFound as missing:
            print(f"left out: {missing}")
            continue
        print(f"{images.name}: {len(images):,} pictures, {net.name}", flush=True)
        if name == "caltech101":
            new = probe_caltech(images, net, chosen.seed)
        else:
            new = augment(net, images, net.decaf[7], 2, chosen.seed)
        results, found = [*results, new[0]], found + new[1]
    if not results:
        raise SystemExit("No photographs, so nothing is written: set LECTURE_DATA to their folder.")
    command = "python -m lecture_lib.chapters.linear_probes.photographs"
    path = records.write(NAME, pd.concat(results), found, command=command, network=net.name)
    verdicts(found)
    print(path.name)


if __name__ == "__main__":
    main()
