"""The lecture's comparison of shallow and deep encodings, on the images of the profile in use.

    python -m lecture_lib.chapters.ifv_vs_cnn.record

writes `data/results/ifv_vs_cnn.<profile>.csv`, which notebook 03 shows. On the twin of VOC 2007 (demo) that is the
whole table: twenty minutes, 20 GB of memory, 10 GB of cache. On the photographs of Caltech-101 (real), 30 training
pictures a class, three splits, it is the rows on place and the CNN: ten minutes, 12 GB of memory, 5 GB of cache. An
interrupted run goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from lecture_lib import backbones, datasets, settings
from lecture_lib.chapters.ifv_vs_cnn import rows
from lecture_lib.chapters.ifv_vs_cnn.rows import Table
from lecture_lib.datasets import DatasetNotFound
from lecture_lib.encoders.ifv import Dense
from lecture_lib.linear import KERNEL_CS
from lecture_lib.results import records, verdicts
from lecture_lib.results.claims import Tested, paired_claim

NAME = "ifv_vs_cnn"


@dataclass(frozen=True)
class Run:
    """What is run on which images, by which splits of their protocol; for the rest see `rows.Table`."""

    dataset: str
    dense: Dense
    descriptors: int
    Cs: Sequence[float]
    parts: Sequence[Callable[[Table], None]]
    tested: Sequence[Tested]
    splits: Sequence[int] = (0,)
    options: dict = field(default_factory=dict)


PLAIN, WINDOWS = "CNN, no augmentation", "CNN, summed over 42 windows"
TABLE = (
    ("aug/ifv", "ten crops improve the IFV", "(i) FK IN 512", "(h) FK IN 512", 0),
    ("aug/cnn", "ten crops improve the CNN", "(m) CNN F", PLAIN, 0),
    ("xy", "(x,y) is at most 1 point below the spatial pyramid", "(d) FK IN", "(b) FK IN", -1),
    ("intra/spm", "intra-normalisation helps the pyramid", "(b) FK IN", "(a) FK", 0),
    ("intra/xy", "intra-normalisation helps (x,y)", "(d) FK IN", "(c) FK", 0),
    ("gaussians/64", "256 Gaussians beat 16", "IFV, K = 256", "IFV, K = 16", 0),
    ("gaussians/512", "512 Gaussians beat 256", "(h) FK IN 512", "(d) FK IN", 0),
    ("soft", "soft assignment beats hard assignment", "IFV, K = 256", "IFV, K = 256, hard assignment", 0),
    ("bow", "the IFV beats visual words", "IFV, K = 256", "BoW, K = 1024", 0),
    ("deep", "the CNN is over 5 points above the IFV", "(m) CNN F", "(i) FK IN 512", 5),
    ("deep/windows", "a CNN on 42 windows is above the IFV", WINDOWS, "(i) FK IN 512", 0),
    ("both", "IFV and CNN together are at most 2 points above the CNN", "(m) CNN F", "(α) FK+CNN F", -2),
)
WITHOUT_VIEWS = (
    ("deep", "the CNN is over 5 points above the best Fisher vector", PLAIN, "(b) FK IN", 5),
    ("xy", "(x,y) is at most 1 point below the spatial pyramid", "(d) FK IN", "(b) FK IN", -1),
    ("geometry", "(x,y) beats no geometry", "(c) FK", "FK, no geometry", 0),
    ("intra", "intra-normalisation helps the Fisher vector", "(d) FK IN", "(c) FK", 0),
    ("both", "Fisher vector and CNN together are at most 2 points above the CNN", PLAIN, "FK IN + CNN", -2),
)
RUNS = {
    "demo": Run(
        "voc2007",
        dense=Dense("resized", 4, (5.66, 11.3)),  # VLFeat's form; more sizes add little to the twin, 160 x 120 pixels
        descriptors=200_000,
        Cs=KERNEL_CS,
        parts=(
            rows.first_form, rows.places, rows.views, rows.colours, rows.network, rows.network_views, rows.sweep,
        ),
        tested=TABLE,
    ),
    "real": Run(
        "caltech101",
        dense=Dense(),  # PHOW, as in Chatfield et al. 2011; validation prefers it to resized pictures
        descriptors=500_000,
        Cs=(1.0, 10.0, 100.0),
        parts=(rows.places, rows.network),
        tested=WITHOUT_VIEWS,
        splits=(0, 1, 2),
        options={"train_per_class": 30, "test_per_class": None},
    ),
}  # fmt: skip


def rows_of(table: Table, splits: Sequence[int | None], **about) -> Iterator[dict]:
    """Turn what was measured into rows of the record; `about` is the same in all."""
    about |= {"dataset": table.images.name, "source": table.images.source}
    metric = "mAP" if table.images.multi_label else "mean class accuracy"
    for name, row in table.rows.items():
        of_row = about | describe(name)
        for split, value in zip(splits, row.scores.mean(1), strict=True):
            yield of_row | {"split": split, "metric": metric, "value": value}
        yield of_row | {"metric": "numbers in a vector", "value": row.length}
        if name in table.ms:
            yield of_row | {"metric": "ms a picture, one thread", "value": table.ms[name]}


def describe(name: str) -> dict:
    """Tell a row: its method, its letter in the lecture's table, its encoding's family, and how it knows place."""
    letter = name.partition(" ")[0] if name.startswith("(") else None
    kinds = {"IFV": ("FK", "IFV"), "CNN": ("CNN", "DECAF"), "words": ("VLAD", "BoW")}
    family = " + ".join(kind for kind, marks in kinds.items() if any(mark in name for mark in marks))
    geometry = {"(a)": "spm", "(b)": "spm", "(c)": "(x,y)", "(d)": "(x,y)"}.get(letter)
    return {"method": name, "letter": letter, "family": family, "geometry": geometry}


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.current()
    plan = RUNS[chosen.profile]
    try:
        images = datasets.load(plan.dataset)
    except DatasetNotFound as missing:
        raise SystemExit(f"Nothing is written: {missing}") from None
    splits = [images.split_indices(split, **plan.options) for split in plan.splits]
    table = Table(images, splits, plan.dense, plan.descriptors, plan.Cs, backbones.load(), chosen.seed)
    for part in plan.parts:
        part(table)
    claims = []
    for id, statement, *pair, margin in plan.tested:  # paired over classes: these are what is drawn at random
        more, less = (table.rows[name].scores.mean(0) for name in pair)
        about = {"margin": margin, "source": images.source, "seed": chosen.seed}
        claims += [paired_claim(f"devil/{id}", f"On {images.name}, {statement}", more - less, **about)]
    splits = plan.splits if len(plan.splits) > 1 else [None]  # one split has no number
    measured = rows_of(table, splits, per_class=plan.options.get("train_per_class"))
    command = f"python -m lecture_lib.chapters.{NAME}.record"
    records.write(NAME, measured, claims, command=command, network=table.net.name)
    verdicts(claims)


if __name__ == "__main__":
    main()
