"""Make what `datasets.search_vectors` reads of the photographs at hand, and search in it.

    python -m lecture_lib.chapters.instance_retrieval.shipped

writes data/features/oxford5k and data/features/ukbench, of the photographs under LECTURE_DATA, in the real profile.
Words and axes are those of the record: learned on photographs that are not judged.
"""

import numpy as np
import torch

from lecture_lib import backbones, settings
from lecture_lib.backbones import Backbone
from lecture_lib.chapters.instance_retrieval.asmk import ALPHA, aggregate, asmk_index
from lecture_lib.chapters.instance_retrieval.hamming import candidates, distance
from lecture_lib.chapters.instance_retrieval.local_rows import ASSIGNED, OF_VLAD, Local
from lecture_lib.chapters.instance_retrieval.network_rows import (
    ASKED,
    LEVELS,
    asked,
    by_maps_of,
    learned_from,
    patches,
)
from lecture_lib.chapters.instance_retrieval.tables import SHORT, Search, few_axes, projected, search
from lecture_lib.chapters.instance_retrieval.vectors import vlad_vectors
from lecture_lib.chapters.instance_retrieval.words import assign
from lecture_lib.datasets.search_vectors import SHIPPED, SearchVectors, write
from lecture_lib.encoders.codebook import fit_pca
from lecture_lib.results import records

COMMAND = "python -m lecture_lib.chapters.instance_retrieval.shipped"
NET = "squeezenet1_1"
BITS = 128


def code_scores(vectors: SearchVectors, words: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """`asmk.asmk_scores` float64 [N] of a query of which only words int64 [n] and codes uint64 [n, 2] are known."""
    of = vectors.arrays
    owner, entry = candidates(of["start"], words)
    power = np.maximum(1 - 2 * np.arange(BITS + 1) / BITS, 0) ** ALPHA
    similar = power[distance(codes[owner], of["entry"][entry])] * of["weight"][words][owner]
    return np.bincount(of["picture"][entry], similar, len(of["gamma"])) * of["gamma"]


def codes_of_query(vectors: SearchVectors, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Words and codes of query i, of what is in its box, each feature assigned to five words."""
    part = slice(*vectors.arrays["offsets"][i : i + 2])
    return vectors.arrays["words"][part], vectors.arrays["codes"][part]


def codes_of_picture(vectors: SearchVectors, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Words and codes of a whole picture, which asks with what the index has of it: each feature has one word."""
    of = vectors.arrays
    entries = np.flatnonzero(of["picture"] == row)
    return np.searchsorted(of["start"], entries, side="right") - 1, of["entry"][entries]


def make(task: Search, net: Backbone) -> SearchVectors:
    """Compute the vectors of a set; what the record has computed is read from the cache."""
    local = Local(task, "DoG")
    of_queries = [local.asked(i) for i in range(len(task.queries))]
    means = local.words(OF_VLAD)
    short = few_axes(vlad_vectors(local.training, means), SHORT)
    vlad = projected(vlad_vectors(local.features, means), short)
    asked_vlad = projected(np.concatenate([vlad_vectors(of, means) for of in of_queries]), short)
    phi, q = patches(net, task.images, LEVELS), asked(net, task, LEVELS[:ASKED])
    training = torch.from_numpy(patches(net, learned_from(task), LEVELS).astype(np.float32))
    pca = fit_pca(training.flatten(0, 1), SHORT)
    x, of = {"CNN": phi[:, 0], "VLAD": vlad}, {"CNN": q[:, 0], "VLAD": asked_vlad}
    for name, whole, boxes in by_maps_of(task, net):
        if name in ("MAC", "GeM"):
            x[name], of[name] = whole, boxes
    x["CNN-ss"], of["CNN-ss"] = projected(phi, pca), projected(q, pca)
    x, of = ({name: np.asarray(a, np.float32) for name, a in both.items()} for both in (x, of))
    about = records.provenance(COMMAND, net.name)
    about |= {"learned from": f"{len(task.unjudged)} photographs of {task.apart.name} that no query names"}
    return SearchVectors(task.images, x, of, codes(local, of_queries), about)


def codes(local: Local, of_queries: list) -> dict[str, np.ndarray]:
    """The inverted file of ASMK*, and the queries' words and codes."""
    cells = local.cells[BITS]
    index = asmk_index(local.features, local.assigned, cells, binary=True)
    found = []
    for of in of_queries:
        words = assign(of.x, local.means, ASSIGNED)
        c, _, entry = aggregate(of.root, words, np.zeros(len(words), np.int64), cells, binary=True)
        found.append((c, entry))
    return vars(index) | {
        "offsets": np.cumsum([0, *(len(c) for c, _ in found)]),
        "words": np.concatenate([c for c, _ in found]).astype(np.int64),
        "codes": np.concatenate([entry for _, entry in found]),
    }


def main() -> None:
    """Write the files of both sets."""
    settings.use("real")
    net = backbones.load(NET)
    for name in ("oxford5k", "ukbench"):
        write(make(search(name), net), SHIPPED / name)
        print(name, sum(file.stat().st_size for file in (SHIPPED / name).iterdir()), "bytes", flush=True)


if __name__ == "__main__":
    main()
