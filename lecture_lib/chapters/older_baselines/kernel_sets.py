"""Several kernels at once: their mean, and weights for groups of pictures.

Xiao et al. 2010 add up kernels of many descriptors, the more accurate with more weight; Yang et al. 2009 weight them by
group ("group-sensitive multiple kernel learning"). What is here is not the learning of the latter: a group's weights
are how well each kernel agrees with the labels of its training pictures (centred kernel-target alignment, Cortes et al.
2012), and then one SVM is trained.

A description's kernel is exp(-distance / mean distance of training pictures), for histograms with the chi2 distance.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders.augment import PYRAMID
from lecture_lib.encoders.bow import chi2_map
from lecture_lib.encoders.colour_histogram import colour_histogram
from lecture_lib.encoders.gist import gist
from lecture_lib.encoders.hog import hog
from lecture_lib.encoders.ifv import Dense, encode, learn
from lecture_lib.encoders.whole import encode_whole
from lecture_lib.linear import KERNEL_CS, Kernel, choose, svm
from lecture_lib.linear.kernels import to_span

DENSE = Dense("resized", 4, (5.66, 11.3))  # as in ifv_vs_cnn: more sizes add little to small pictures
WORDS, DESCRIPTORS = 256, 100_000
GROUPS = 4


def descriptions(images: ImageCollection, train: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Describe pictures four ways: name -> float32 [N, d]. Words are learned from the pictures `train`."""
    codebook = learn(images[train], DENSE, WORDS, kind="kmeans", n=DESCRIPTORS, seed=seed)
    words = encode(images, codebook, PYRAMID, "bow")
    return {
        "GIST": encode_whole(images, gist),
        "dense SIFT pyramid": words.reshape(len(images), -1).astype(np.float32),
        "HOG": encode_whole(images, hog),
        "colour histogram": encode_whole(images, colour_histogram),
    }


def distances(x: np.ndarray, chi2: bool) -> np.ndarray:
    """Return the squared Euclidean distances of all pictures from each other: float32 [N, N].

    x     [N, d], of histograms no number is below 0
    chi2  distances of their `chi2_map`: nearly in proportion to the chi2 distance sum_j (a_j - b_j)^2 / (a_j + b_j),
          8 to 16 % below it, and by products of matrices much faster; `exponential` divides a common factor away
    """
    from sklearn.metrics.pairwise import euclidean_distances  # here, as it takes a second

    x = np.array(x, np.float32)
    return euclidean_distances(chi2_map(torch.from_numpy(x)).numpy() if chi2 else x, squared=True)


def exponential(d: np.ndarray, train: np.ndarray, test: np.ndarray) -> Kernel:
    """Turn distances of all pictures [N, N] into the kernel exp(-d / mean d), the mean over pairs of `train`."""
    own = d[np.ix_(train, train)]
    mean = own.mean()
    return Kernel(np.exp(-own / mean), np.exp(-d[np.ix_(test, train)] / mean))


def mean_kernel(kernels: Sequence[Kernel]) -> Kernel:
    """Return the mean of kernels of the same pictures."""
    n = len(kernels)
    return Kernel(sum(k.train for k in kernels) / n, sum(k.test for k in kernels) / n)


def validated(given: Kernel, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Do what `classify` does, and tell the accuracy in validation, from 0 to 1, with the C chosen by it.

    labels   int64 [n] of the training pictures
    returns  scores of the test pictures [m, classes], accuracy
    """
    train, test = to_span(given.train, given.test)
    choice = choose(svm, train, labels, KERNEL_CS)
    return choice.probe.scores(test), float(choice.scores.mean(0).max())


def by_accuracy(kernels: Sequence[Kernel], accuracies: Sequence[float]) -> Kernel:
    """Add up kernels, each with the fourth power of its accuracy as weight (Xiao et al. 2010, section 3; from memory).

    accuracies  on training pictures, by `validated`; weights are divided by their sum

    All kernels are brought to the same scale by `exponential` (.37 to .40 in the mean over pairs), and still a plain
    mean can be behind the best of them: colours of drawn scenes are chance, have 15 % right, and cost the mean two
    points (94.2 % of the first split, dense SIFT alone 96.3 %). Weighted by accuracy they cost nothing (96.3 %).
    """
    weights = np.array(accuracies) ** 4
    one = [np.zeros(n, np.int64) for n in kernels[0].test.shape[::-1]]  # all pictures are one group
    return weighted(kernels, weights[None] / weights.sum(), *one)


def alignment(train: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> float:
    """Return how well some rows of a kernel agree with the labels: a cosine, from -1 to 1.

    train   [n, n], a kernel of training pictures
    labels  int64 [n]
    rows    which pictures are compared, with all n

    The cosine of the centred kernel and of the centred matrix that is 1 for two pictures of one class, over the rows.
    Without centring a kernel that is near 1 everywhere would do well.
    """
    ideal = (labels[:, None] == labels).astype(np.float64)
    one, other = (_centred(np.asarray(k, np.float64))[rows] for k in (train, ideal))
    return float(np.vdot(one, other) / max(np.linalg.norm(one) * np.linalg.norm(other), 1e-12))


def _centred(k: np.ndarray) -> np.ndarray:
    """Return the kernel of the same vectors less their mean: [n, n]."""
    mean = k.mean(0)
    return k - mean - mean[:, None] + mean.mean()


def group_weights(kernels: Sequence[Kernel], labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the weight of each kernel for each group of training pictures [n]: float64 [groups, kernels].

    Weights of a group have the sum 1, and are in proportion to alignment; a kernel that goes against the labels gets 0,
    and all the same where each does.
    """
    rows = [np.flatnonzero(groups == g) for g in range(groups.max() + 1)]
    found = np.array([[max(alignment(k.train, labels, of), 0) for k in kernels] for of in rows])
    found = np.where(found.sum(1, keepdims=True) > 0, found, 1.0)
    return found / found.sum(1, keepdims=True)


def weighted(
    kernels: Sequence[Kernel], weights: np.ndarray, train_groups: np.ndarray, test_groups: np.ndarray
) -> Kernel:
    """Join kernels, each weighted by both pictures' groups: sum_m sqrt(w[g_i, m] w[g_j, m]) k_m(i, j).

    weights       [groups, kernels]
    train_groups  int64 [n] of the training pictures, test_groups int64 [m] of the test pictures

    It is the inner product of the joined encodings, of which a picture in group g has the m-th times sqrt(w[g, m]), so
    it stays a kernel; with equal weights it is the mean.
    """
    own, other = np.sqrt(weights[train_groups]), np.sqrt(weights[test_groups])
    train = sum(k.train * np.outer(own[:, m], own[:, m]) for m, k in enumerate(kernels))
    test = sum(k.test * np.outer(other[:, m], own[:, m]) for m, k in enumerate(kernels))
    return Kernel(train.astype(np.float32), test.astype(np.float32))


def group_aligned(kernels: Sequence[Kernel], labels: np.ndarray, seed: int) -> Kernel:
    """Part pictures into GROUPS by k-means in the space of the mean kernel, and weight each group's kernels.

    Yang et al. part the pictures of each class; a test picture has no class, so here the groups go across classes.
    """
    from sklearn.cluster import KMeans

    mean = mean_kernel(kernels)
    train, test = to_span(mean.train, mean.test)
    parted = KMeans(GROUPS, n_init=3, random_state=seed).fit(train)
    groups = parted.labels_.astype(np.int64)
    return weighted(kernels, group_weights(kernels, labels, groups), groups, parted.predict(test))


def kernel_set(x: Mapping[str, np.ndarray], train: np.ndarray, test: np.ndarray) -> dict[str, Kernel]:
    """Return the kernel of each description [N, d] for a split: GIST's is Gaussian, the others are of histograms."""
    return {name: exponential(distances(of, name != "GIST"), train, test) for name, of in x.items()}
