"""Look at features from afar: neighbours, class purity, silhouettes, and t-SNE maps (openTSNE).

Distances are Euclidean between rows that are L2-normalised first, so that they compare directions, as the
linear classifiers of the lecture do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import torch
from scipy import stats
from scipy.spatial.distance import pdist

from lecture_lib import checks, settings
from lecture_lib.backbones import Backbone
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders import neighbours
from lecture_lib.encoders.normalise import l2_normalise
from lecture_lib.results.claims import Claim, paired_claim
from lecture_lib.results.intervals import mean_over_classes

if TYPE_CHECKING:
    from openTSNE import TSNEEmbedding

Start = Literal["pca", "random"]


def layer_names(net: Backbone) -> dict[str, str]:
    """Name the layers of a network up to DeCAF7, in order, as the lecture does: "DeCAF1" -> "pool1", ..."""
    called = {}
    for layer in net.layers[: net.layers.index(net.decaf[7]) + 1]:
        called |= {f"DeCAF{k}": layer for k, node in net.decaf.items() if node == layer} or {layer: layer}
    return called


def halves(labels: np.ndarray, n: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Deal pictures into two halves: two int64 index arrays, with as many pictures of each class in either.

    labels [N]; each half has about n pictures, of all classes or of `n_classes` spread evenly over them. Every other
    picture of a class goes to the second half. ValueError if a class has a single picture.
    """
    labels = checks.labels(labels)
    if not 0 < n_classes <= n:
        raise ValueError(
            f"{n} pictures of {n_classes} classes: take one class or more, a picture of each at least."
        )
    present = np.unique(labels)
    classes = present[np.unique(np.linspace(0, len(present) - 1, n_classes).astype(int))]
    rows = [np.flatnonzero(labels == c) for c in classes]
    each = min(n // len(classes), *(len(row) // 2 for row in rows))
    if each == 0:
        raise ValueError("A class has a single picture, and cannot be in both halves.")
    return tuple(np.concatenate([row[start::2][:each] for row in rows]) for start in (0, 1))


def measure(features: Mapping[str, np.ndarray], images: ImageCollection) -> pd.DataFrame:
    """Measure the purity of classes and groups and the silhouettes of groups at each layer, with 95 % intervals.

    features  layer -> [N, d] of N pictures; whole classes are resampled
    returns   columns `layer`, `metric`, `value`, `low`, `high`
    """
    groups = np.array(images.groups)[checks.labels(images.labels)]
    rows = []
    for layer, x in features.items():
        metrics = {
            "class purity": purity(x, images.labels),
            "group purity": purity(x, groups),
            "group silhouette": silhouettes(x, groups),
        }
        for metric, values in metrics.items():
            mean = mean_over_classes(values, images.labels)
            rows.append((layer, metric, mean.value, mean.low, mean.high))
    return pd.DataFrame(rows, columns=["layer", "metric", "value", "low", "high"])


def claim(
    id: str, statement: str, differences: np.ndarray, images: ImageCollection, unit: str = "purity"
) -> Claim:
    """Put a statement to the test by differences [N], one a picture, averaged over the pictures of a class first."""
    labels = checks.labels(images.labels, n=len(differences))
    pairs = [differences[labels == c].mean() for c in np.unique(labels)]
    return paired_claim(id, statement, pairs, unit=unit, source=images.source, seed=settings.current().seed)


def purity(features: np.ndarray, labels: np.ndarray, k: int = 5) -> np.ndarray:
    """Share of each picture's k nearest neighbours that have its label: float64 [N] in [0, 1].

    features [N, d]; labels [N], classes or groups. The mean over pictures is the k-NN purity of the set; its
    value by chance is about the mean of (n_c - 1) / (N - 1) over pictures, see `chance_purity`.
    """
    labels = checks.kinds(labels, n=len(features))
    return (labels[neighbours(features, k)] == labels[:, None]).mean(1)


def chance_purity(labels: np.ndarray) -> float:
    """Expected `purity` of labels [N], at least 2, where neighbours are drawn at random, 0 .. 1."""
    labels = checks.kinds(labels)
    if len(labels) < 2:
        raise ValueError(f"labels: {len(labels)}; purity needs two pictures or more.")
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return float(((counts[inverse] - 1) / (len(inverse) - 1)).mean())


def silhouettes(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Silhouette of each picture in [-1, 1], float64 [N] (Rousseeuw 1987), in the L2-normalised features.

    (b - a) / max(a, b): a is the mean distance to the picture's own class, b to the nearest other class.
    """
    from sklearn.metrics import silhouette_samples

    features = checks.features(features)
    labels = checks.kinds(labels, n=len(features))
    return silhouette_samples(reduce(features, min(features.shape)), labels)  # a rotation keeps all distances


def keeps(features: np.ndarray, xy: np.ndarray, labels: np.ndarray, k: int = 5) -> dict[str, float]:
    """Measure what a map [N, 2] keeps of features [N, d], in Euclidean distances; labels [N] are classes or groups.

    "neighbours kept"         of a picture's k nearest, the share that is among its k nearest on the map
    "distances, Spearman"     rank correlation of the distances between the centres of the labels' pictures
    "distances, same answer"  to "which of two pairs of centres is closer?", as a share; 0.5 by chance
    "sizes, Spearman"         rank correlation of the mean distances of the labels' pictures to their centre
    """
    from sklearn.neighbors import NearestNeighbors  # here, as it takes a second

    labels = checks.kinds(labels, n=len(features))
    nearest, distances, sizes = [], [], []
    for x in (checks.features(features), checks.features(xy)):
        x = x.astype(np.float32)
        members = [x[labels == label] for label in np.unique(labels)]
        centres = [rows.mean(0) for rows in members]
        distances.append(pdist(centres))
        pairs = zip(members, centres, strict=True)
        sizes.append([np.linalg.norm(rows - centre, axis=1).mean() for rows, centre in pairs])
        nearest.append(NearestNeighbors(n_neighbors=k).fit(x).kneighbors(return_distance=False))
    return {
        "neighbours kept": float((nearest[0][:, :, None] == nearest[1][:, None]).any(2).mean()),
        "distances, Spearman": float(stats.spearmanr(*distances).statistic),
        "distances, same answer": float((1 + stats.kendalltau(*distances).statistic) / 2),
        "sizes, Spearman": float(stats.spearmanr(*sizes).statistic),
    }


def reduce(features: np.ndarray, d: int = 50) -> np.ndarray:
    """PCA of the L2-normalised rows to d dimensions, float32 [N, d]: what t-SNE is given, to save time.

    By the smaller of the two symmetric eigenproblems, of x x^T [N, N] or x^T x [D, D]. The sign of each
    component is fixed: its largest entry is positive.
    """
    x = torch.from_numpy(l2_normalise(checks.features(features)))
    x = x - x.mean(0)
    d = min(d, *x.shape)
    n, width = x.shape
    values, vectors = torch.linalg.eigh((x @ x.T if n < width else x.T @ x).double())
    values, vectors = values[-d:].flip(0).clamp(min=0), vectors[:, -d:].flip(1)
    scores = vectors * values.sqrt() if n < width else x.double() @ vectors
    signs = scores.gather(0, scores.abs().argmax(0, keepdim=True)).sign()
    return (scores * signs).float().numpy()


def fit_tsne(
    features: np.ndarray,
    *,
    perplexity: float = 30,
    seed: int = 0,
    start: Start = "pca",
    iterations: int = 500,
) -> TSNEEmbedding:
    """Fit a t-SNE map of `features` [N, d] (van der Maaten and Hinton 2008): an array [N, 2] that can `transform`.

    start        "pca", or "random" to see how much of a map is its start
    iterations   after 250 with exaggerated attraction

    Exact neighbours; Barnes-Hut repulsion below 10,000 rows, interpolation (FFT) above. The map's axes have no
    unit; distances between far groups, group sizes and densities mean little.
    """
    from openTSNE import TSNE

    features = checks.features(features)
    checks.option(start, Start, "start")
    checks.above_zero([perplexity, iterations], "perplexity and iterations")
    n = len(features)
    if (features == features[0]).all():
        raise ValueError(
            f"features: all {n} pictures have the same, so there is no map of them. Is a layer dead?"
        )
    if perplexity * 3 >= n:
        raise ValueError(f"Perplexity {perplexity} needs more than {3 * perplexity:.0f} pictures, not {n}.")
    tsne = TSNE(
        perplexity=perplexity,
        n_iter=iterations,
        initialization=start,
        neighbors="exact",
        negative_gradient_method="bh" if n < 10_000 else "fft",
        # Below some thousand rows threads gain little, and on a busy machine they wait for one another for
        # minutes; one thread also gives the same map whatever the number of cores.
        n_jobs=1 if n < 4000 else torch.get_num_threads(),
        random_state=seed,
    )
    fitted = tsne.fit(np.ascontiguousarray(features, dtype=np.float32))
    if not np.isfinite(fitted).all():
        raise ValueError(
            "features: they differ too little, or are too large, for a map: scale them to length 1."
        )
    return fitted
