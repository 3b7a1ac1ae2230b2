"""Photographs to search in without the photographs: their vectors, patches and ASMK codes, and who asks for what.

    oxford = search_vectors.read("oxford5k")
    scores = oxford.x["CNN"] @ oxford.asked["CNN"][0]
    ranking = [oxford.images.names[i] for i in np.argsort(-scores)]

So ranked lists of photographs are made in the default profile, too. `python -m
lecture_lib.chapters.instance_retrieval.shipped` makes the files in data/features: vectors in a byte a number.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from lecture_lib.datasets.layout import DatasetNotFound
from lecture_lib.datasets.retrieval import Query, RetrievalCollection
from lecture_lib.datasets.vectors import SHIPPED, NotHere

LISTS = ("good", "ok", "junk")


@dataclass(frozen=True, eq=False)
class SearchVectors:
    """What is known of the N photographs of a set to search in, and of its Q queries.

    images  names, labels and queries; its pictures are not here
    x       encoding, such as "CNN" or "CNN-ss" -> float32 [N, d], or of P patches [N, P, d]; of length 1 or nearly
    asked   the same of what each query asks with, the inside of its box: [Q, d] or [Q, p, d]
    arrays  inverted file of ASMK*: start, picture, entry, weight, gamma as in `asmk.ASMKIndex`; and of the queries
            offsets int64 [Q + 1], words int64 and codes uint64 [.., 2], with multiple assignment
    about   what made them
    """

    images: RetrievalCollection
    x: Mapping[str, np.ndarray]
    asked: Mapping[str, np.ndarray]
    arrays: Mapping[str, np.ndarray]
    about: Mapping[str, Any]

    def __repr__(self) -> str:
        pictures = f"{len(self.images.labels):,} pictures"
        return f"<{self.images.name} (vectors of photographs): {pictures}, {', '.join(self.x)}>"


def read(name: str, folder: Path | None = None) -> SearchVectors:
    """Read the vectors of a set, "oxford5k" or "ukbench"; DatasetNotFound if there are none."""
    folder = folder or SHIPPED / name
    if not (folder / "arrays.safetensors").exists():
        there = ", ".join(sorted(of.parent.name for of in SHIPPED.glob("*/arrays.safetensors")))
        raise DatasetNotFound(f"There are no vectors to search in of {name!r}; there are some of {there}.")
    text = json.loads((folder / "about.json").read_text("utf-8"))
    queries = tuple(Query(**{**of, "box": of["box"] and np.array(of["box"])}) for of in text["queries"])
    saved = load_file(folder / "arrays.safetensors")
    images = RetrievalCollection(
        text["dataset"],
        "real",
        NotHere(text["names"], text["fingerprint"]),
        tuple(text["classes"]),
        saved.pop("labels"),
        splits={"others": saved.pop("others")},
        queries=queries,
    )
    x, asked = {}, {}
    for encoding in text["encodings"]:
        of = load_file(folder / f"{encoding}.safetensors")
        x[encoding], asked[encoding] = (of[part] * of["step"] + of["least"] for part in ("x", "asked"))
    return SearchVectors(images, x, asked, saved, text["about"])


def write(vectors: SearchVectors, folder: Path) -> None:
    """Write them: each number of a vector in 255 equal steps from its least to its largest value."""
    images = vectors.images
    folder.mkdir(parents=True, exist_ok=True)
    for encoding, x in vectors.x.items():
        both = np.concatenate([of.reshape(-1, of.shape[-1]) for of in (x, vectors.asked[encoding])])
        least, step = both.min(0), np.ptp(both, axis=0) / 255
        packed = {
            part: ((of - least) / np.where(step > 0, step, 1)).round().astype(np.uint8)
            for part, of in (("x", x), ("asked", vectors.asked[encoding]))
        }
        save_file(packed | {"least": least, "step": step}, folder / f"{encoding}.safetensors")
    arrays = {"labels": images.labels, "others": images.splits["others"], **vectors.arrays}
    save_file(
        {key: np.ascontiguousarray(array) for key, array in arrays.items()}, folder / "arrays.safetensors"
    )
    queries = [
        {"picture": int(of.picture), "box": None if of.box is None else of.box.tolist(), "instance": of.instance}
        | {part: getattr(of, part).tolist() for part in LISTS}
        for of in images.queries
    ]  # fmt: skip
    text = {"dataset": images.name, "about": vectors.about, "encodings": list(vectors.x)}
    text |= {"classes": images.classes, "fingerprint": images.images.fingerprint}
    text |= {"names": list(images.names), "queries": queries}
    (folder / "about.json").write_text(json.dumps(text, ensure_ascii=False) + "\n", "utf-8")
