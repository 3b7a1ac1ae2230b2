"""The lecture's whole table of shallow and deep encodings, on drawings.

    python -m lecture_lib.chapters.ifv_vs_cnn.record

writes `data/results/ifv_vs_cnn.demo.csv`, which notebook 03 shows. On 1,000 + 1,000 pictures of the twin of VOC 2007
that takes twenty minutes of two cores, 20 GB of memory, 12 GB of cache (a row on single views trains on ten of each).
An interrupted run goes on where it was. On photographs the notebook itself trains, on vectors of `datasets.vectors`.
"""

from collections.abc import Iterator

from lecture_lib import backbones, datasets, settings
from lecture_lib.chapters.ifv_vs_cnn import rows
from lecture_lib.chapters.ifv_vs_cnn.rows import Table
from lecture_lib.encoders.ifv import Dense
from lecture_lib.linear import KERNEL_CS
from lecture_lib.results import records, verdicts
from lecture_lib.results.claims import paired_claim

NAME = "ifv_vs_cnn"
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
    ("deep", "the CNN is over 10 points above the IFV", "(m) CNN F", "(i) FK IN 512", 10),
    ("deep/windows", "a CNN on 42 windows is above the IFV", WINDOWS, "(i) FK IN 512", 0),
    ("larger", "the larger CNN is better", "(n) CNN S", "(m) CNN F", 0),
    ("both", "IFV and CNN together are at most 2 points above the CNN", "(m) CNN F", "(α) FK+CNN F", -2),
)
NETS = {"(m) CNN F": "twin-alexnet", "(n) CNN S": "twin-cnn-s"}
PARTS = (rows.first_form, rows.places, rows.views, rows.colours, rows.network, rows.sweep)
DENSE = Dense("resized", 4, (5.66, 11.3))  # VLFeat's form; more sizes add little to the twin's small pictures
DESCRIPTORS = 200_000
PICTURES = 1_000  # of the twin, in each of trainval and test


def rows_of(table: Table) -> Iterator[dict]:
    """Turn what was measured into rows of the record."""
    about = {"dataset": table.images.name, "source": table.images.source}
    for name, row in table.rows.items():
        of_row = about | describe(name)
        yield of_row | {"metric": "mAP", "value": row.scores.mean()}
        yield of_row | {"metric": "numbers in a vector", "value": row.length}
        if name in table.ms:
            yield of_row | {"metric": "ms a picture, one thread", "value": table.ms[name]}


def describe(name: str) -> dict:
    """Tell a row: its method, its letter in the lecture's table, and its encoding's family."""
    letter = name.partition(" ")[0] if name.startswith("(") else None
    kinds = {"IFV": ("FK", "IFV"), "CNN": ("CNN", "DECAF"), "words": ("VLAD", "BoW")}
    family = " + ".join(kind for kind, marks in kinds.items() if any(mark in name for mark in marks))
    return {"method": name, "letter": letter, "family": family}


def main() -> None:
    """Run what is described at the top of this file."""
    seed = settings.use("demo").seed
    images = datasets.load("voc2007", pictures=PICTURES)
    nets = {row: backbones.load(name) for row, name in NETS.items()}
    table = Table(images, images.split_indices(), DENSE, DESCRIPTORS, KERNEL_CS, nets, seed)
    for part in PARTS:
        part(table)
    claims = []
    for id, statement, *pair, margin in TABLE:  # paired over classes: these are what is drawn at random
        more, less = (table.rows[name].scores for name in pair)
        about = {"margin": margin, "source": images.source, "seed": seed}
        claims += [paired_claim(f"devil/{id}", f"On {images.name}, {statement}", more - less, **about)]
    command = f"python -m lecture_lib.chapters.{NAME}.record"
    records.write(NAME, rows_of(table), claims, command=command, network=", ".join(NETS.values()))
    verdicts(claims)


if __name__ == "__main__":
    main()
