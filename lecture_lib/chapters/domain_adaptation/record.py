"""The lecture's table of domain adaptation, 20 trials a shift, and accuracy by the labels in the target.

    python -m lecture_lib.chapters.domain_adaptation.record

follows LECTURE_PROFILE and writes `data/results/domain_adaptation.<profile>.csv`, which notebook 07 shows. `demo`: the
twin, all six shifts. `real`: Office-31's photographs, the lecture's two shifts by Hoffman's trials, and the SURF
histograms of Office-Caltech10, all twelve, as Hoffman and Gong prepare them; what is not there is named. The values are
means over trials; the claims are over the single trials. What an interrupted run has finished is in the cache: the same
command goes on from there.
"""

import json
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from lecture_lib import backbones, datasets, settings, store
from lecture_lib.chapters.domain_adaptation import statements, tables
from lecture_lib.chapters.domain_adaptation.methods import (
    ALIKE,
    DAUME,
    MOVED,
    WEIGHTED,
    by_neighbour,
)
from lecture_lib.chapters.domain_adaptation.shifts import of_rows, standardised
from lecture_lib.datasets import DatasetNotFound, ImageCollection, Vectors, office, trials
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, verdicts

NAME, COMMAND = "domain_adaptation", "python -m lecture_lib.chapters.domain_adaptation.record"
TRIALS = range(20)
LABELS = (0, 1, 3, 5, 10)
LECTURE = (("amazon", "webcam"), ("dslr", "webcam"))
CURVES = ("SVM (S)", "SVM (T)", "SVM (ST)", WEIGHTED, DAUME, MOVED)


def encodings_of_twin() -> tuple[dict, str]:
    """The twin's vectors by layer, with their collection, and the name of the network."""
    images, net = datasets.load("office31"), backbones.load()
    x = {"BoW": tables.bag_of_words(images)} | tables.network_layers(net, images)
    return {layer: (of, images) for layer, of in x.items()}, net.name


def encodings_of_photographs() -> dict:
    """What is shipped, or made, of Office-31's photographs."""
    photos = datasets.vectors("office31")
    return {layer: (of, photos) for layer, of in photos.x.items() if not layer.startswith("random")}


def measure(encodings: dict, protocol: str, source: str) -> pd.DataFrame:
    """Every method on every trial of every shift; `source` is "twin" or "real"."""
    rows = []
    for layer, (x, images) in encodings.items():
        about = {"experiment": "table", "dataset": images.name, "source": source, "layer": layer}
        for way in LECTURE if images.name == "office31" and source == "real" else tables.shifts_of(images):
            start = time.perf_counter()
            of = kept(tables.table, x, images, *way, TRIALS, hoffman=layer == "SURF", deep=layer != "SURF")
            rows += [about | {"protocol": protocol} | row for row in of]
            print(f"{layer}, {' to '.join(way)}: {time.perf_counter() - start:.0f} s", flush=True)
    return pd.DataFrame(rows)


def kept(
    rows_of: Callable[..., Iterator[dict]],
    x: np.ndarray,
    images: ImageCollection | Vectors,
    *given,
    **options,
) -> list[dict]:
    """Rows as a function of `tables` makes them; those that an interrupted run has finished come from the cache."""
    code = records.fingerprint(tables.__name__, "")
    made_by = [code, rows_of.__name__, x, images.labels, dict(images.splits), *map(str, given), options]
    path = store.folder("results") / f"{store.fingerprint(made_by)}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        store.write_atomically(path, json.dumps([*rows_of(x, images, *given, **options)]).encode())
    return json.loads(path.read_bytes())


def by_labels(encodings: dict, layers: tuple[str, ...], source: str) -> pd.DataFrame:
    """Some methods by the labels a class in the target: amazon to webcam, trials that are drawn here."""
    rows = []
    for layer in layers:
        x, images = encodings[layer]
        about = {"experiment": "target labels", "dataset": images.name, "source": source, "layer": layer}
        of = kept(tables.label_rows, x, images, "amazon", "webcam", TRIALS, LABELS, CURVES)
        rows += [about | {"protocol": tables.DRAWN} | row for row in of]
    return pd.DataFrame(rows)


def by_protocol(photos: Vectors) -> pd.DataFrame:
    """The nearest neighbour from caltech to amazon by the two protocols that go by 20 trials, drawn here."""
    x, rows = standardised(photos.x["SURF"], photos, 1), []
    about = {"experiment": "protocols", "dataset": photos.name, "source": "real", "layer": "SURF"}
    nearest = {"1-NN (S)": lambda given: by_neighbour(given, "S")}
    for name, per_class in {"Hoffman et al.": trials.HOFFMAN, "Gong et al.": trials.GONG}.items():
        more = about | {"protocol": f"{name}, drawn here", "per_class": per_class["caltech"]}
        for seed in TRIALS:
            way = {"source": "caltech", "target": "amazon"}
            split = trials.drawn_trial(photos.images, seed, **way, labelled=0, per_class=per_class)
            given = of_rows(x, photos.images, *way.values(), *split)
            of = tables.rows(nearest, given, *way.values(), seed, ALIKE)
            rows += [row | more for row in of]
    return pd.DataFrame(rows)


def surf() -> Vectors | None:
    """The published SURF histograms, if they are there."""
    try:
        return office.surf()
    except DatasetNotFound as missing:
        print(f"left out: {missing}")
        return None


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use()
    if chosen.profile == "demo":
        encodings, network = encodings_of_twin()
        source, protocol, deep = "twin", tables.DRAWN, "DeCAF6"
    else:
        encodings, network = encodings_of_photographs(), "squeezenet1_1, mobilenet_v2"
        source, protocol, deep = "real", tables.HOFFMAN, "squeezenet1_1 DeCAF7"
    measured = measure(encodings, protocol, source)
    claims: list[Claim] = statements.claims(measured, "BoW", deep, source, chosen.seed)
    parts = [measured, by_labels(encodings, ("BoW", deep), source)]
    if source == "real" and (published := surf()):
        parts.append(measure({"SURF": (published.x["SURF"], published)}, protocol, source))
        parts.append(by_protocol(published))
    means = records.average(pd.concat(parts))
    print(records.write(NAME, means, claims, command=COMMAND, network=network).name)
    verdicts(claims)


if __name__ == "__main__":
    main()
