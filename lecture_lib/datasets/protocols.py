"""Which pictures train and which test: the evaluation protocols of the papers.

A protocol is a function (collection, seed, **options) -> (train, test), two int64 index arrays in rising
order; `ImageCollection.split` calls the one that its loader gave it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lecture_lib.datasets.collection import ImageCollection

Split = tuple[np.ndarray, np.ndarray]

# Source pictures a class in the two protocols that go by "20 random trials" of Office and Caltech10. Hoffman et al.
# 2013 follow Saenko et al. 2010 and label 3 pictures a class of the target; Gong et al. 2012 label none of it.
HOFFMAN = {"amazon": 20, "caltech": 8, "dslr": 8, "webcam": 8}
GONG = {"amazon": 20, "caltech": 20, "dslr": 8, "webcam": 20}


class ProtocolError(ValueError):
    """A split that the pictures at hand do not allow; the message says which and what to do."""


def few_shot_split(
    labels: np.ndarray,
    train_per_class: int,
    test_per_class: int | None = None,
    seed: int = 0,
    classes: Sequence[str] | None = None,
) -> Split:
    """Draw `train_per_class` training pictures a class, and from the rest up to `test_per_class` test ones.

    labels          int64 [N], one class a picture; pictures labelled -1 are in neither part
    test_per_class  None: all the rest
    classes         class names, for the error message

    Each class is shuffled by a generator of its own, (seed, class), so leaving out a class changes no other
    draw. Training pictures come from the front of that order and test pictures from its end, so a larger
    training set contains the smaller one of the same seed and, while pictures last, the test set stays.
    Raises ProtocolError if a class does not leave at least one test picture.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ProtocolError("A number of pictures a class needs one class a picture, not several.")
    if train_per_class < 1 or (test_per_class is not None and test_per_class < 1):
        raise ProtocolError("A split needs at least one training and one test picture a class.")
    present, counts = np.unique(labels[labels >= 0], return_counts=True)
    if not len(present):
        raise ProtocolError("There are no labelled pictures to split.")
    n, c = min(zip(counts.tolist(), present.tolist(), strict=True))
    if n <= train_per_class:
        raise ProtocolError(
            f"Too few pictures for {train_per_class} training and at least one test picture a class: "
            f"{classes[c] if classes else f'class {c}'} has {n}. Take fewer, or leave such classes out."
        )
    train, test = [], []
    for c in present.tolist():
        order = np.random.default_rng([seed, c]).permutation(np.flatnonzero(labels == c))
        rest = order[train_per_class:]
        train.append(order[:train_per_class])
        test.append(rest if test_per_class is None else rest[-test_per_class:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(test))


def few_shot(
    collection: ImageCollection, seed: int = 0, *, train_per_class: int = 30, test_per_class: int | None = 50
) -> Split:
    """Caltech-101's protocol: 30 training and up to 50 test pictures a class, drawn anew for each seed.

    The papers report the mean over five such splits, here seeds 0 to 4.
    """
    return few_shot_split(collection.labels, train_per_class, test_per_class, seed, collection.classes)


def published_partition(collection: ImageCollection, seed: int = 0) -> Split:
    """SUN-397's protocol: ten published partitions, seeds 0 to 9, with 50 + 50 pictures a class."""
    train, test = (collection.splits.get(f"{part}_{seed + 1:02d}") for part in ("train", "test"))
    if train is None or test is None:
        there = [key.removeprefix("train_") for key in collection.splits if key.startswith("train_")]
        raise ProtocolError(
            f"{collection.name}: there is no partition {seed + 1:02d} for seed {seed}; "
            f"there are {', '.join(there) or 'none'}. They come with Partitions.zip, which "
            'datasets.fetch("sun397") unpacks.'
        )
    return train, test


def official_split(
    collection: ImageCollection, seed: int = 0, *, train: str = "train", test: str = "test"
) -> Split:
    """The dataset's own split, given by the names of its two parts."""
    if seed != 0:
        raise ProtocolError(
            f"{collection.name} has one official split, so there is no split {seed}; seed is 0."
        )
    for name in (train, test):
        if name not in collection.splits:
            raise ProtocolError(
                f"{collection.name}: the split {name!r} is not there; there are "
                f"{', '.join(collection.splits) or 'none'}. "
                'Choose two of them, for example split(train="train", test="val").'
            )
    return collection.splits[train], collection.splits[test]


def published_trial(collection: ImageCollection, seed: int = 0, *, source: str, target: str) -> Split:
    """One of Hoffman et al.'s 20 trials from one domain to another: seeds 0 to 19.

    Training pictures are of both domains, 20 a class of amazon or 8 of another source (see HOFFMAN), and 3 of the
    target; all others of the target test. The domains are splits of the collection: np.intersect1d parts the two.
    """
    _check_domains(collection, source, target)
    name = trial_name(source, target, seed)
    if name not in collection.splits:
        of = [key.removeprefix("trial_01 ") for key in collection.splits if key.startswith("trial_01 ")]
        raise ProtocolError(
            f"{collection.name}: there is no {name}; there are twenty trials each (seeds 0 to 19) of "
            f"{', '.join(of) or 'nothing'}. protocols.drawn_trial draws others."
        )
    train = collection.splits[name]
    return train, np.setdiff1d(collection.splits[target], train)


def trial_name(source: str, target: str, seed: int) -> str:
    """The split that has the training pictures of a published trial."""
    return f"trial_{seed + 1:02d} {source} to {target}"


def drawn_trial(
    collection: ImageCollection,
    seed: int = 0,
    *,
    source: str,
    target: str,
    labelled: int = 3,
    per_class: Mapping[str, int] = HOFFMAN,
) -> Split:
    """Draw a trial as `published_trial` has them, with as many labels in the target as asked for.

    labelled   training pictures a class of the target, may be 0
    per_class  domain -> training pictures a class where it is the source; all that there are, if fewer

    More labels contain fewer of the same seed. Raises ProtocolError for a class without a test picture.
    """
    _check_domains(collection, source, target)
    parts = []
    for domain, most in ((source, per_class[source]), (target, labelled)):
        rows = collection.splits[domain]
        for c in range(len(collection.classes)):
            order = np.random.default_rng([seed, c]).permutation(rows[collection.labels[rows] == c])
            if domain == target and len(order) <= labelled:
                raise ProtocolError(
                    f"{collection.name}: {len(order)} pictures of {collection.classes[c]} in {target}, too few for "
                    f"{labelled} with labels and at least one test picture."
                )
            parts.append(order[:most])
    train = np.sort(np.concatenate(parts))
    return train, np.setdiff1d(collection.splits[target], train)


def domains(collection: ImageCollection) -> list[str]:
    """Names of the domains of a collection: the splits that are no trial."""
    return [key for key in collection.splits if not key.startswith("trial_")]


def _check_domains(collection: ImageCollection, source: str, target: str) -> None:
    there = domains(collection)
    if source == target or not {source, target} <= set(there):
        raise ProtocolError(
            f"{collection.name}: from {source!r} to {target!r}; take two of the domains {', '.join(there)}."
        )
