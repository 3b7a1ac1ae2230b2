"""People and what they wear: Berkeley's Attributes of People (Bourdev et al. 2011) and Clothing Attributes (2012).

Both are read into the project's labels: 1 yes, 0 no, -1 unspecified, which counts neither as right nor as wrong. The
files of the first write 1, -1 and 0 for these.
"""

import csv
from functools import partial
from pathlib import Path

import numpy as np

from lecture_lib.datasets import layout, protocols
from lecture_lib.datasets.collecting import collect
from lecture_lib.datasets.collection import Boxes, ImageCollection
from lecture_lib.datasets.files import read_lines
from lecture_lib.datasets.layout import DatasetNotFound
from lecture_lib.datasets.protocols import ProtocolError, Split

ATTRIBUTES = (
    "male", "long hair", "glasses", "hat", "t-shirt", "long sleeves", "shorts", "jeans", "long trousers",
)  # fmt: skip
FOLDERS = ("train", "val", "test")
FOLDS = 5
# column of attributes.csv -> (value, what it is called). The first three mean what the lecture's names mean.
OF_SEVERAL = {
    "male": ("gender", 1), "t-shirt": ("category", 3), "long sleeves": ("sleevelength", 3),
    "no sleeves": ("sleevelength", 1), "short sleeves": ("sleevelength", 2),
    "shirt": ("category", 1), "sweater": ("category", 2), "outerwear": ("category", 4), "suit": ("category", 5),
    "tank top": ("category", 6), "dress": ("category", 7),
    "v-shaped neckline": ("neckline", 1), "round neckline": ("neckline", 2),
}  # fmt: skip
_SEVERAL = {"gender": 2, "category": 7, "sleevelength": 3, "neckline": 3}
_AGAIN = "Unpack the archive again."


def h3d(name: str, root: Path) -> ImageCollection:
    """Berkeley's Attributes of People: 8,035 people in pictures of H3D and VOC 2010, nine attributes, a box each.

    Reads `attributes_dataset/{train,val,test}/labels.txt`, a line a person: file x y width height and nine of 1 (yes),
    -1 (no), 0 (unspecified), in the order of ATTRIBUTES; and the files beside it. A picture with several people is
    there once for each; x and y are taken as 0-based. A box has no class (-1). `split` trains on train and val
    together, "trainval". There are no part points. Raises DatasetNotFound for a missing list, ValueError for a
    damaged one.
    """
    missing = [folder for folder in FOLDERS if not (root / folder / "labels.txt").is_file()]
    if missing:
        lists = ", ".join(f"{folder}/labels.txt" for folder in missing)
        raise DatasetNotFound(f"{name}: no {lists} in {root}. {layout.how_to_get(name, root.parent)}")
    files, boxes, labels, splits = [], [], [], {}
    for folder in FOLDERS:
        path, start = root / folder / "labels.txt", len(files)
        for number, line in enumerate(read_lines(path), start=1):
            file, box, marks = _person(line, f"{name}: line {number} of {path}")
            files.append(f"{folder}/{file}")
            boxes.append(Boxes([box], [-1], [False], [False]))
            labels.append(marks)
        splits[folder] = np.arange(start, len(files))
    splits["trainval"] = np.concatenate([splits["train"], splits["val"]])
    protocol = partial(protocols.official_split, train="trainval")
    return collect(
        name, root, files, np.array(labels, np.int8).reshape(-1, len(ATTRIBUTES)), ATTRIBUTES, boxes=boxes,
        splits=splits, protocol=protocol,
    )  # fmt: skip


def clothing(name: str, root: Path) -> ImageCollection:
    """Clothing Attributes (Chen, Gallagher and Girod 2012): people in whole pictures, without boxes.

    Reads `clothing/attributes.csv`, whose column "image" names files in `clothing/images`, and 26 more: 1 no, 2 yes;
    or one of several (gender, category, sleevelength, neckline), each of which becomes an attribute of its own
    (OF_SEVERAL). "male", "t-shirt" and "long sleeves" mean what the lecture's names mean, the others keep their own.
    Where the annotators disagreed, and the file is empty, all that belongs to the question is -1.
    `split(k)` gives fold k of five, drawn at random but always alike: four train, one tests.
    Raises DatasetNotFound without the table, ValueError for a damaged one.
    """
    path = root / "attributes.csv"
    if not path.is_file():
        raise DatasetNotFound(f"{name}: no attributes.csv in {root}. {layout.how_to_get(name, root.parent)}")
    with open(path, encoding="utf-8-sig", newline="") as table:
        rows = list(csv.DictReader(table))
    columns = list(rows[0]) if rows else []
    needed = {"image", *_SEVERAL}
    if not needed <= set(columns):
        lacking = ", ".join(sorted(needed - set(columns)))
        raise ValueError(f"{name}: {path} has no column {lacking}. Take the table with all 26 attributes.")
    yes_no = [column for column in columns if column not in needed]
    classes = (*OF_SEVERAL, *(column.replace("_", " ") for column in yes_no))
    labels = np.full((len(rows), len(classes)), -1, np.int8)
    for i, row in enumerate(rows):
        told = {
            column: _choice(
                row[column], _SEVERAL.get(column, 2), f"{name}: {column} of {row['image']} in {path}"
            )
            for column in columns
            if column != "image"
        }
        asked = [*OF_SEVERAL.values(), *((column, 2) for column in yes_no)]
        labels[i] = [-1 if told[column] is None else told[column] == value for column, value in asked]
    return collect(
        name, root, [f"images/{row['image']}" for row in rows], labels, classes, protocol=fold
    )  # fmt: skip


def fold(collection: ImageCollection, seed: int = 0, *, n: int = FOLDS) -> Split:
    """Fold `seed` of n: every n-th picture of a shuffled order tests, the others train."""
    if not 0 <= seed < n:
        raise ProtocolError(f"{collection.name} is parted into {n} folds: seed is 0 to {n - 1}, not {seed}.")
    order = np.random.default_rng(0).permutation(len(collection))
    return np.sort(order[np.arange(len(order)) % n != seed]), np.sort(order[seed::n])


def _person(line: str, where: str) -> tuple[str, list[float], np.ndarray]:
    """File, box x0 y0 x1 y1, and labels int8 [9] of a line; `where` begins the message if it is no such line."""
    file, *words = line.split()
    try:
        x, y, width, height, *marks = map(float, words)
        marks = np.array(marks)
        if marks.shape != (len(ATTRIBUTES),) or not np.isin(marks, (-1, 0, 1)).all():
            raise ValueError
    except ValueError:
        raise ValueError(
            f"{where} is not a file, x, y, width, height and {len(ATTRIBUTES)} of 1, -1, 0. {_AGAIN}"
        ) from None
    ours = np.select([marks == 1, marks == -1], [1, 0], -1)  # they write the last two the other way round
    return file, [x, y, x + width, y + height], ours.astype(np.int8)


def _choice(cell: str | None, most: int, where: str) -> int | None:
    """A cell's number from 1 to `most`, None for an empty one."""
    cell = (cell or "").strip()
    if cell in ("", "NaN", "nan"):
        return None
    try:
        number = float(cell)
    except ValueError:
        number = 0
    if number not in range(1, most + 1):
        raise ValueError(f"{where} is {cell!r}, not a number from 1 to {most} or empty. {_AGAIN}")
    return int(number)
