"""Fisher vectors against a CNN on the photographs of Caltech-101, by the full recipe: K = 256, 30 training pictures.

    python -m lecture_lib.chapters.ifv_vs_cnn.photographs

takes the real profile and writes `data/results/ifv_vs_cnn_photographs.real.json`. It wants `caltech101` under
LECTURE_DATA, 10 GB of memory, and 5 GB of disk for what it keeps in the cache: an interrupted run goes on where it was.

Everything is learned and chosen within training pictures; a test picture is only ever scored. One codebook serves all
splits: it learns from the pictures that train in every one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

import numpy as np

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.datasets import DatasetNotFound, ImageCollection
from lecture_lib.datasets.protocols import few_shot_split
from lecture_lib.encoders.augment import PYRAMID, WHOLE
from lecture_lib.encoders.ifv import Dense, encode, learn, normalised
from lecture_lib.linear import choose, svm
from lecture_lib.linear.kernels import products, to_span
from lecture_lib.metrics import by_class
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, paired_claim, verdicts

NAME = "ifv_vs_cnn"
DENSE = Dense()  # PHOW, as in Chatfield et al. 2011; validation prefers it to resized pictures
K, DESCRIPTORS = 256, 500_000
SPLITS = range(3)
PER_CLASS, HELD = 30, 5  # training pictures of a class, and those of them that validate C
CS = (1.0, 10.0, 100.0)
CNN_POOL = 2  # 2 x 2 means of the last map before the classifier, as for the linear probes on photographs


def fisher_products(images: ImageCollection, codebook_from: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Encode pictures by four kinds of Fisher vectors: row -> their inner products with each other, [N, N]."""
    found = {}
    for xy, views, place in ((False, PYRAMID, "spm"), (True, (WHOLE,), "(x,y)")):
        codebook = learn(images[codebook_from], DENSE, K, xy=xy, n=DESCRIPTORS, seed=seed)
        phi = encode(images, codebook, views)
        print(f"{place}: {phi.shape}", flush=True)
        for intra, name in ((False, "FK"), (True, "FK IN")):
            vectors = normalised(phi, K, intra=intra, pyramid=len(views) > 1)
            found[f"{name}, {place}"] = products(vectors.reshape(len(images), -1))
        if place == "spm":  # the pyramid's first region is the whole picture
            found["FK, no geometry"] = products(normalised(phi[:, :1], K)[:, 0])
    return found


def shared_training(images: ImageCollection, splits: Iterable[int], **options) -> np.ndarray:
    """Return the pictures that train in every one of some splits, int64: a codebook may learn from them for all."""
    return reduce(np.intersect1d, (images.split_indices(seed, **options)[0] for seed in splits))


def accuracies(images: ImageCollection, gram: np.ndarray, seed: int) -> np.ndarray:
    """Train SVMs on one split, given all inner products [N, N]; each class's share of right answers, in %."""
    labels = images.labels
    train, test = images.split_indices(seed, train_per_class=PER_CLASS, test_per_class=None)
    x, y = to_span(gram[np.ix_(train, train)], gram[np.ix_(test, train)])
    fold = few_shot_split(labels[train], PER_CLASS - HELD, HELD, seed)
    probe = choose(svm, x, labels[train], CS, [fold]).probe
    return by_class(probe.scores(y), labels[test])


def summarise(shares: Mapping[str, np.ndarray], source: str, seed: int) -> tuple[list[dict], list[Claim]]:
    """Return rows of the record, and statements put to the test over classes: shares [splits, classes]."""
    about = {"dataset": "caltech101", "source": source, "per_class": PER_CLASS}
    results = []
    for row, share in shares.items():
        method, _, rest = row.partition(", ")
        geometry, _, with_cnn = rest.partition(", + ")
        what = {"method": f"{method} + CNN" if with_cnn else method, "geometry": geometry or None}
        for split, value in enumerate(share.mean(1)):
            results.append(about | what | {"split": split, "metric": "mean class accuracy", "value": value})
    cnn, both = "CNN", "FK IN, (x,y), + CNN"
    tested = [
        ("deep", "the CNN is over 5 points above the best Fisher vector", cnn, "FK IN, spm", 5),
        ("xy", "(x,y) is at most 1 point below the spatial pyramid", "FK IN, (x,y)", "FK IN, spm", -1),
        ("geometry", "(x,y) beats no geometry", "FK, (x,y)", "FK, no geometry", 0),
        ("intra", "intra-normalisation helps the Fisher vector", "FK IN, (x,y)", "FK, (x,y)", 0),
        ("both", "Fisher vector and CNN together are at most 2 points above the CNN", cnn, both, -2),
    ]
    found = [
        paired_claim(
            f"photographs: {id}",
            f"On caltech101, {statement}",
            (shares[more] - shares[less]).mean(0),  # one number a class: classes are what is drawn at random
            margin=margin,
            source=source,
            seed=seed,
        )
        for id, statement, more, less, margin in tested
    ]
    return results, found


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use("real")
    try:
        images = datasets.load("caltech101")
    except DatasetNotFound as missing:
        raise SystemExit(f"Nothing is written: {missing}") from None
    options = {"train_per_class": PER_CLASS, "test_per_class": None}
    grams = fisher_products(images, shared_training(images, SPLITS, **options), chosen.seed)
    net = backbones.load()
    x = encoders.encode(net, images, [net.decaf[7]], pool=CNN_POOL, l2=True)[net.decaf[7]]
    grams["CNN"] = products(x)
    grams["FK IN, (x,y), + CNN"] = (grams["FK IN, (x,y)"] + grams["CNN"]) / 2
    shares = {}
    for row, gram in grams.items():
        shares[row] = np.array([accuracies(images, gram, split) for split in SPLITS])
        print(f"{row:25} {' '.join(f'{share:.1f}' for share in shares[row].mean(1))}", flush=True)
    results, found = summarise(shares, images.source, chosen.seed)
    command = "python -m lecture_lib.chapters.ifv_vs_cnn.photographs"
    path = records.write(NAME, results, found, command=command, network=net.name)
    verdicts(found)
    print(path.name)


if __name__ == "__main__":
    main()
