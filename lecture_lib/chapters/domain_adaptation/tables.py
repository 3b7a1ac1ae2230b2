"""The table of the lecture: every method on every trial of a shift, for one encoding of the pictures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from lecture_lib import encoders
from lecture_lib.backbones import Backbone
from lecture_lib.chapters.domain_adaptation.alignment import subspace_dimension
from lecture_lib.chapters.domain_adaptation.methods import (
    ALIKE,
    DEEP,
    MEAN,
    SUPERVISED,
    Method,
    accuracy,
    aligned,
)
from lecture_lib.chapters.domain_adaptation.shifts import Shift, reduced, shift, standardised
from lecture_lib.datasets import ImageCollection, Vectors
from lecture_lib.datasets.trials import domains
from lecture_lib.encoders import ifv

WORDS = 800  # as many as of SURF
HOFFMAN, DRAWN = "Hoffman's 20 trials", "drawn as Hoffman's trials"
# of the subspaces for SURF, as in the script that Gong et al. released
RELEASED = {
    frozenset(("amazon", "caltech")): 20,
    frozenset(("amazon", "dslr")): 20,
    frozenset(("amazon", "webcam")): 10,
    frozenset(("caltech", "dslr")): 10,
    frozenset(("caltech", "webcam")): 20,
    frozenset(("dslr", "webcam")): 10,
}


def bag_of_words(images: ImageCollection) -> np.ndarray:
    """Histograms of WORDS words of dense SIFT, to length 1: float32 [N, WORDS]; the words are of amazon's pictures."""
    words = ifv.learn(images[images.splits["amazon"]], ifv.Dense(), WORDS, kind="kmeans", n=100_000)
    return encoders.l2_normalise(ifv.encode(images, words, method="bow")[:, 0])


def network_layers(net: Backbone, images: ImageCollection) -> dict[str, np.ndarray]:
    """Vectors of length 1 at DeCAF6 and DeCAF7."""
    layers = {f"DeCAF{n}": net.decaf[n] for n in (6, 7)}
    phi = encoders.encode(net, images, [*layers.values()], pool="mean", l2=True)
    return {name: phi[layer].astype(np.float32) for name, layer in layers.items()}


def shifts_of(images: ImageCollection | Vectors) -> list[tuple[str, str]]:
    """All ordered pairs of the domains; of photographs those for which there are published trials."""
    collection = images.images if isinstance(images, Vectors) else images
    pairs = [(s, t) for s in domains(collection) for t in domains(collection) if s != t]
    trials = {name.partition(" ")[2] for name in collection.splits if name.startswith("trial_")}
    return [(s, t) for s, t in pairs if not trials or f"{s} to {t}" in trials]


def table(
    x: np.ndarray,
    images: ImageCollection | Vectors,
    source: str,
    target: str,
    seeds: Iterable[int],
    *,
    hoffman: bool = False,
    deep: bool = False,
) -> Iterator[dict]:
    """Try every method on trials of one shift, and yield rows of a record: accuracies in %.

    x        vectors [N, d] of all pictures, of length 1
    hoffman  all test pictures count alike, instead of all classes, and supervised methods see Hoffman et al.'s vectors
             (standardised, 20 principal components) instead of x as it is. GFK, SA, CORAL and neighbours always see
             standardised ones, in as many dimensions as were released for SURF, or as the disagreement measure says
    deep     with the DLID-like row and DANN, which take longer
    """
    by_length = standardised(x, images, 2) if hoffman else x
    by_sum = standardised(x, images, 1)
    example = shift(by_sum, images, source, target, 0)
    d = RELEASED[frozenset((source, target))] if hoffman else subspace_dimension(example)
    of_domains = aligned(example, d)
    for seed in seeds:
        given = shift(by_length, images, source, target, seed)
        given = reduced(given) if hoffman else given
        groups = [(SUPERVISED, given), (of_domains, shift(by_sum, images, source, target, seed))]
        for methods, trial in [*groups, (DEEP, given)] if deep else groups:
            yield from rows(methods, trial, source, target, seed, ALIKE if hoffman else MEAN)


def rows(
    methods: Mapping[str, Method],
    given: Shift,
    source: str,
    target: str,
    seed: int,
    metric: str = MEAN,
    **about: object,
) -> Iterator[dict]:
    """Yield a row of a record for each method."""
    for method, predict in methods.items():
        line = {"shift": f"{source} to {target}", "method": method, "split": seed} | about
        yield line | {"metric": metric, "value": accuracy(given, predict, metric)}


def label_rows(
    x: np.ndarray, images: ImageCollection | Vectors, source: str, target: str, seeds: Iterable[int],
    labels: Sequence[int], methods: Sequence[str],
) -> Iterator[dict]:  # fmt: skip
    """As `table`, for some SUPERVISED methods, with more and fewer labels a class in the target; with 0 only (S)."""
    for seed in seeds:
        for n in labels:
            given = shift(x, images, source, target, seed, n)
            able = {name: SUPERVISED[name] for name in methods if n or name.endswith("(S)")}
            yield from rows(able, given, source, target, seed, per_class=n)
