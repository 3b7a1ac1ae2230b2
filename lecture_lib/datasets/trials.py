"""Trials of domain adaptation: labelled pictures of a source domain, a few of the target, its others to test on.

The domains are splits of a collection, and so are the training pictures of published trials, by `trial_name`.
"""

from collections.abc import Mapping

import numpy as np

from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.protocols import ProtocolError, Split

# Source pictures a class in the two protocols that go by "20 random trials" of Office and Caltech10. Hoffman et al.
# 2013 follow Saenko et al. 2010 and label 3 pictures a class of the target; Gong et al. 2012 label none of it.
HOFFMAN = {"amazon": 20, "caltech": 8, "dslr": 8, "webcam": 8}
GONG = {"amazon": 20, "caltech": 20, "dslr": 8, "webcam": 20}


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
