"""The lecture's retrieval table: every method on every collection, and how its cost grows.

    python -m lecture_lib.chapters.instance_retrieval.record

follows LECTURE_PROFILE and writes `data/results/instance_retrieval.<profile>.csv`, which notebook 08 shows. `demo`: the
five twins, and the cost of a search in 500 to 5,000 pictures. `real`: photographs, those sets of the five that are
there; of Oxford5k also with whole pictures as queries, as a part of it has few boxes. What an interrupted run has
finished is in the cache: the same command goes on from there.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial

import pandas as pd

from lecture_lib import backbones, settings, store
from lecture_lib.backbones import Backbone
from lecture_lib.chapters.instance_retrieval import cost, local_rows, network_rows, statements
from lecture_lib.chapters.instance_retrieval.tables import (
    BUILDINGS,
    Row,
    Search,
    judge,
    record_rows,
    search,
    whole_pictures,
)
from lecture_lib.datasets import DatasetNotFound
from lecture_lib.results import records
from lecture_lib.results.claims import verdicts

NAME, COMMAND = "instance_retrieval", "python -m lecture_lib.chapters.instance_retrieval.record"
SETS = "oxford5k", "paris6k", "sculptures6k", "holidays", "ukbench"
PLACES = *BUILDINGS, "holidays"
TABLE, WHOLE = "table", "whole pictures"  # experiments
LOCAL = (
    local_rows.by_words, local_rows.by_vectors, local_rows.by_codes, local_rows.by_kernels, local_rows.by_fine_words,
    local_rows.verified,
)  # fmt: skip


def searches() -> Iterator[tuple[str, Search]]:
    """Yield experiments: boxes, or what a set asks with, and of photographs of buildings whole pictures, too."""
    for name in SETS:
        try:
            task = search(name)
        except DatasetNotFound as missing:
            print(f"left out: {missing}")
            continue
        yield TABLE, task
        if task.images.source == "real" and name in BUILDINGS:
            yield WHOLE, replace(task, queries=whole_pictures(task.queries))


def families(task: Search, net: Backbone) -> Iterator[tuple[str, str, Callable[[], Iterator[Row]]]]:
    """Yield what is measured together: its name, the detector, and how its rows are made.

    Fine words and MOP-CNN are of what the lecture's table has, and of buildings; verification, the slowest, is of
    buildings at DoG's keypoints; BoB of sculptures whose pixels are known.
    """
    name = task.images.name
    for kind in ("DoG", "dense"):
        local = cache(partial(local_rows.Local, task, kind))
        for rows_of in LOCAL:
            if rows_of is local_rows.by_fine_words and name not in PLACES:
                continue
            if rows_of is local_rows.verified and (name not in BUILDINGS or kind == "dense"):
                continue
            yield f"{rows_of.__name__}, {kind}", kind, lambda rows_of=rows_of, local=local: rows_of(local())
    for rows_of in (network_rows.by_patches, network_rows.by_maps, network_rows.mop):
        if rows_of is not network_rows.mop or name in PLACES:
            yield rows_of.__name__, "", partial(rows_of, task, net)
    if name == "sculptures6k" and task.images.source == "twin":
        yield "by_boundaries", "", partial(network_rows.by_boundaries, task)


def kept(module: str, made_by: list, rows_of: Callable[[], list[dict]]) -> list[dict]:
    """What a function returns that calls a module's code; from the cache, if an interrupted run has finished it."""
    code = records.fingerprint(module, "")
    path = store.folder("results") / f"{store.fingerprint([code, *made_by])}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        store.write_atomically(path, json.dumps(rows_of()).encode())
    return json.loads(path.read_bytes())


def judged(task: Search, rows: Iterator[Row]) -> list[dict]:
    """Judge methods: their columns of a record, and the values of all queries."""
    out = []
    for row in rows:
        values, seconds = judge(task, row)
        sizes = {"K": row.K or None, "numbers": row.numbers or None}
        out.append(
            {"method": row.method, **sizes, "bytes": row.bytes, "seconds": seconds, "values": values.tolist()}
        )
    return out


def measure(net: Backbone) -> tuple[list[dict], pd.DataFrame]:
    """Every method on every collection: rows of a record, and the values of queries for `statements`."""
    rows, values = [], []
    for experiment, task in searches():
        dataset, asked = task.images.name, [[q.picture, str(q.box)] for q in task.queries]
        for name, kind, make in families(task, net):
            start = time.perf_counter()
            made_by = [
                name,
                task.images.images.fingerprint,
                asked,
                task.apart.images.fingerprint,
                net.fingerprint,
            ]
            module = (local_rows if kind else network_rows).__name__
            for row in kept(module, made_by, lambda task=task, make=make: judged(task, make())):
                about = {"experiment": experiment + ", dense patches" * (kind == "dense")}
                rows += record_rows(task, row, **about, **({"detector": kind} if kind else {}))
                if kind != "dense":
                    values += [
                        {
                            "experiment": experiment,
                            "dataset": dataset,
                            "method": row["method"],
                            "value": value,
                        }
                        | {"instance": query.instance}
                        for query, value in zip(task.queries, row["values"], strict=True)
                    ]
            print(f"{dataset}, {experiment}: {name}: {time.perf_counter() - start:.0f} s", flush=True)
    return rows, pd.DataFrame(values)


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use()
    twin = chosen.profile == "demo"
    net = backbones.load(None if twin else "squeezenet1_1")
    rows, values = measure(net)
    asked = values[values.experiment == (TABLE if twin else WHOLE)]
    claims = statements.claims(asked, "twin" if twin else "real", chosen.seed)
    if twin:
        growth = kept(cost.__name__, [net.fingerprint], lambda: list(cost.growth(net)))
        rows += [*growth, *cost.extrapolated(growth)]
    print(records.write(NAME, rows, claims, command=COMMAND, network=net.name).name)
    verdicts(claims)


if __name__ == "__main__":
    main()
