"""Photographs to search in, in their published layouts: Oxford5k, Paris6k, Sculptures6k, Holidays, UKBench.

What is not on disk is left out of pictures, queries and answers, and a line says so: a part of a set can be worked
with, but a figure made on it is none of the set's.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from itertools import chain
from pathlib import Path

import numpy as np

from lecture_lib.datasets import layout
from lecture_lib.datasets.collecting import collect
from lecture_lib.datasets.collection import ImageCollection, box_fault
from lecture_lib.datasets.files import list_folder, read_lines, report
from lecture_lib.datasets.layout import DatasetNotFound
from lecture_lib.datasets.retrieval import Query, RetrievalCollection

_LISTS = ("good", "ok", "junk")
_PICTURE = r".*\.jpe?g"


def buildings(name: str, root: Path) -> RetrievalCollection:
    """Oxford5k or Paris6k (Philbin et al. 2007, 2008): 5,062 or 6,412 pictures, 55 queries for 11 landmarks.

    Reads `images/*.jpg`, or folders of them as Paris6k has, and of each query `gt_files/<landmark>_<i>_query.txt` (the
    picture, "oxc1_" before it in Oxford5k, and its box x0 y0 x1 y1) and the pictures named in `_good.txt`, `_ok.txt`
    and `_junk.txt` beside it.
    Raises DatasetNotFound without pictures, queries, or answers to any of these, ValueError for a ground truth that is
    something else or is of other pictures.
    """
    return _marked(name, root, root)


def sculptures6k(name: str, root: Path, split: str = "test") -> RetrievalCollection:
    """Sculptures6k (Arandjelovic and Zisserman 2011): 3,170 pictures in each of two splits, 70 queries in each.

    Reads `<split>/images/*.jpg` and `<split>/gt_files/*`, as in Oxford5k. Sculptors are in one of the splits only.

    split  "train", which vocabularies are learned on, or "test"
    """
    if split not in ("train", "test"):
        raise ValueError(f"{name}: no split {split!r}; take 'train' or 'test'.")
    return _marked(name, root / split, root)


def _marked(name: str, root: Path, home: Path) -> RetrievalCollection:
    """Pictures and a ground truth in Oxford's format below `root`; home: where the dataset lies."""
    for part in ("images", "gt_files"):
        if not (root / part).is_dir():
            raise DatasetNotFound(
                f"{name}: no folder {part} in {root}. {layout.how_to_get(name, home.parent)}"
            )
    images, folders = root / "images", list_folder(root / "images")[1]
    files = list_folder(images, _PICTURE)[0]
    files += [f"{folder}/{file}" for folder in folders for file in list_folder(images / folder, _PICTURE)[0]]
    found = _collect(name, images, files)
    row = {Path(file).stem: i for i, file in enumerate(found.names)}
    queries, absent, unanswered = [], set(), []
    for path in _query_files(name, root / "gt_files"):
        landmark, number = re.fullmatch(r"(.+)_(\d+)_query\.txt", path.name).groups()
        picture, box = _read_query(name, path)
        lists = [_read_list(name, path.with_name(f"{landmark}_{number}_{which}.txt")) for which in _LISTS]
        absent |= {one for one in chain([picture], *lists) if one not in row}
        good, ok, junk = ([row[one] for one in dict.fromkeys(part) if one in row] for part in lists)
        if picture not in row or not good + ok:
            unanswered.append(f"{landmark}_{number}")
            continue
        width, height = found.images.sizes[row[picture]]
        if fault := box_fault(box, width, height):
            raise ValueError(
                f"{name}: {path}: {fault} {picture} of {width} x {height} pixels. Was it made smaller after its box "
                "was marked? Take pictures and ground truth from one place, or scale the boxes by as much."
            )
        box = np.clip(box, 0, [width, height] * 2)
        queries.append(Query(row[picture], box, good, ok, junk, landmark))
    report(name, sorted(absent), "pictures of the ground truth are not here and left out of it")
    report(name, unanswered, "queries are left out, as their picture or all that answers them is not here")
    if not queries:
        raise DatasetNotFound(
            f"{name}: no query of {root / 'gt_files'} has its picture and an answer in {images}. "
            f"{layout.how_to_get(name, home.parent)}"
        )
    return _with_queries(found, queries)


def _query_files(name: str, folder: Path) -> list[Path]:
    """The files of the queries, by landmark and number."""
    names = list_folder(folder, r".+_\d+_query\.txt")[0]
    if not names:
        raise DatasetNotFound(
            f"{name}: no <landmark>_<number>_query.txt in {folder}. Unpack the published ground truth there."
        )
    order = sorted(names, key=lambda file: (file.rsplit("_", 2)[0], int(file.rsplit("_", 2)[1])))
    return [folder / file for file in order]


def _read_query(name: str, path: Path) -> tuple[str, np.ndarray]:
    """The picture and the box of a query file."""
    lines = read_lines(path)
    parts = lines[0].rsplit(maxsplit=4) if len(lines) == 1 else []
    try:
        picture, box = parts[0], np.array([float(number) for number in parts[1:]])
        if len(box) != 4 or not np.isfinite(box).all():
            raise ValueError
    except (IndexError, ValueError):
        raise ValueError(
            f"{name}: {path} is not one line of a picture's name and x0 y0 x1 y1 ({' / '.join(lines)[:80]!r}). "
            "Get the ground truth again."
        ) from None
    return picture.removeprefix("oxc1_"), box


def _read_list(name: str, path: Path) -> list[str]:
    """Names of pictures, one a line, without ending."""
    if not path.is_file():
        raise ValueError(
            f"{name}: no {path.name} beside the query in {path.parent}. Get the ground truth again."
        )
    names = read_lines(path)
    for line in names:
        if len(line.split()) > 1 or "<" in line:
            raise ValueError(
                f"{name}: {path}: {line[:80]!r} is not a picture's name, one a line. Get the ground truth again."
            )
    return [re.sub(r"\.jpe?g$", "", line, flags=re.IGNORECASE) for line in names]


def holidays(name: str, root: Path) -> RetrievalCollection:
    """INRIA Holidays (Jegou et al. 2008): 1,491 pictures of 500 places; a query is taken out of its own ranking.

    Reads `jpg/<six digits>.jpg`. The first four digits are the place; 00 at the end is the query, which is junk to
    itself, and the others are the answers. As published, some pictures lie on their side; copies in which people have
    turned them give one to three points more, so say which yours are.
    """
    return _numbered(name, root, "jpg", r"(\d{6})\.jpe?g", 100, _first_asks)


def ukbench(name: str, root: Path) -> RetrievalCollection:
    """UKBench (Nister and Stewenius 2006): 10,200 pictures of 2,550 objects, four each; all are queries.

    Reads `full/ukbench<five digits>.jpg`; the number divided by four is the object. A query counts as an answer to
    itself, as in the published measure, the mean number of the four among the first four.
    """
    return _numbered(name, root, "full", r"ukbench(\d{5})\.jpe?g", 4, _all_ask)


def _numbered(
    name: str,
    root: Path,
    folder: str,
    pattern: str,
    each: int,
    ask: Callable[..., tuple[list[Query], list[str]]],
) -> RetrievalCollection:
    """Pictures whose numbers divided by `each` are their instances."""
    if not (root / folder).is_dir():
        raise DatasetNotFound(f"{name}: no folder {folder} in {root}. {layout.how_to_get(name, root.parent)}")
    files = list_folder(root / folder, pattern)[0]
    others = [file for file in list_folder(root / folder, _PICTURE)[0] if file not in set(files)]
    report(name, others, "pictures are left out, as their names are not numbers as published")
    found = _collect(name, root / folder, files)
    groups = defaultdict(dict)
    for i, file in enumerate(found.names):
        number = int(re.fullmatch(pattern, file, re.IGNORECASE)[1])
        groups[number // each][number % each] = i
    queries, incomplete = ask(groups)
    report(name, incomplete, "groups are not complete here")
    if not queries:
        raise DatasetNotFound(
            f"{name}: no query with an answer in {root / folder}. {layout.how_to_get(name, root.parent)}"
        )
    return _with_queries(found, queries)


def _first_asks(groups: Mapping[int, Mapping[int, int]]) -> tuple[list[Query], list[str]]:
    queries, incomplete = [], []
    for group, rows in groups.items():
        others = [row for number, row in rows.items() if number]
        if 0 in rows and others:
            queries.append(Query(rows[0], None, others, [], [rows[0]], f"{group:04d}"))
        else:
            incomplete.append(f"{group:04d}")
    return queries, incomplete


def _all_ask(groups: Mapping[int, Mapping[int, int]]) -> tuple[list[Query], list[str]]:
    queries = [
        Query(row, None, list(rows.values()), [], [], f"{group:04d}")
        for group, rows in groups.items()
        for row in rows.values()
    ]
    return queries, [f"{group:04d}" for group, rows in groups.items() if len(rows) < 4]


def _collect(name: str, folder: Path, files: Sequence[str]) -> ImageCollection:
    if not files:
        raise DatasetNotFound(
            f"{name}: no picture of the published names in {folder}. {layout.how_to_get(name, folder.parents[1])}"
        )
    return collect(name, folder, files, np.full(len(files), -1), ())


def _with_queries(found: ImageCollection, queries: Sequence[Query]) -> RetrievalCollection:
    """Label pictures by the first query that names them."""
    classes = tuple(dict.fromkeys(query.instance for query in queries))
    labels = np.full(len(found), -1)
    for query in reversed(queries):
        for rows in (query.junk, query.positives, [query.picture]):
            labels[rows] = classes.index(query.instance)
    given = {f.name: getattr(found, f.name) for f in fields(ImageCollection)}
    given |= {
        "classes": classes,
        "labels": labels,
        "groups": (),
        "splits": {"others": np.flatnonzero(labels < 0)},
    }
    return RetrievalCollection(**given, queries=tuple(queries))
