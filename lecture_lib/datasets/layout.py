"""Where each dataset lies below LECTURE_DATA in its published layout, who reads it, and where its files come from.

All of that is in data/datasets.toml, a table for each dataset.
"""

from __future__ import annotations

import csv
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from lecture_lib import download, settings
from lecture_lib.download import RemoteFile


class DatasetNotFound(FileNotFoundError):
    """A dataset is not where it is looked for; the message says where and how to get it."""


@dataclass(frozen=True)
class Archive(RemoteFile):
    """One published file, most often an archive, and its place below LECTURE_DATA.

    into   folder that it is unpacked into
    holds  what is there once it is unpacked; the file itself, if it is no archive
    inner  archive inside the archive, unpacked into the same folder
    """

    into: str = "."
    holds: str = ""
    inner: str = ""


@dataclass(frozen=True)
class Place:
    """Where a dataset lies, and all else that is to be known before its files are read.

    folder    its folder below LECTURE_DATA
    loader    "module.function" beside this module: (name, folder, **options) -> the collection
    archives  the published files, in the order in which they are fetched
    size      of all of them, for people
    by_hand   how it gets into {folder}, if it cannot be fetched
    inside    folders of which at least one is in `folder`, where its name alone does not tell the dataset
    """

    folder: str
    loader: str
    archives: tuple[Archive, ...] = ()
    size: str = ""
    by_hand: str = ""
    inside: Sequence[str] = (".",)


def _read(archives: Sequence[dict] = (), **fields: Any) -> Place:
    return Place(archives=tuple(Archive(**archive) for archive in archives), **fields)


TABLE = settings.PACKAGE_DATA / "datasets.toml"
LAYOUT = {name: _read(**fields) for name, fields in tomllib.loads(TABLE.read_text("utf-8")).items()}


def place_of(name: str) -> Place:
    """What is known of a dataset; ValueError with the known ones for another name."""
    if name not in LAYOUT:
        raise ValueError(f"There is no dataset {name!r}; there are {', '.join(LAYOUT)}, and folder(path).")
    return LAYOUT[name]


def find(name: str, root: str | PathLike | None = None) -> Path:
    """The folder of a dataset below `root` (default: LECTURE_DATA), which may also be that folder itself.

    Raises DatasetNotFound with the way to get it.
    """
    place = LAYOUT[name]
    base = settings.current().data if root is None else Path(root).expanduser().absolute()
    folder = base / place.folder
    for candidate in (folder, base / folder.name, base):
        named = candidate.name == folder.name or place.inside != (".",)
        if named and any((candidate / part).is_dir() for part in place.inside):
            return candidate
    missing = Path(folder.name, place.inside[0]).as_posix()
    raise DatasetNotFound(f"{name}: no folder {missing} under {folder.parent}. {how_to_get(name, base)}")


def how_to_get(name: str, base: Path) -> str:
    """Say how a dataset gets into the folder `base`, by itself or by hand."""
    place = LAYOUT[name]
    if place.by_hand:
        return place.by_hand.format(folder=base / place.folder)
    files = [f"{Path(part.inner or part.name).name} into {base / part.into}" for part in place.archives]
    return f'Download it with datasets.fetch("{name}") ({place.size}), or unpack {" and ".join(files)}.'


def fetch(name: str) -> Path:
    """Download a dataset's published files into LECTURE_DATA, check and unpack them; return its folder.

    What is finished is not done again: an interrupted call goes on where it stopped, and an archive that was
    put into LECTURE_DATA by hand is taken from there. Raises DownloadError with what to do by hand, where it
    cannot be done.
    """
    data, place = settings.current().data, place_of(name)
    if not place.archives:
        raise download.DownloadError(f"{name} cannot be downloaded. {how_to_get(name, data)}")
    for archive in place.archives:
        _fetch_archive(archive, data)
    return data / place.folder


def _fetch_archive(archive: Archive, data: Path) -> None:
    into = data / archive.into
    if Path(archive.into, archive.name) == Path(archive.holds):  # no archive
        download.fetch(archive, into)
        return
    if (data / archive.holds).exists():
        print(f"{archive.name}: already unpacked in {into}.")
        return
    ours = not (data / archive.name).exists()
    path = download.fetch(archive, data)
    into.mkdir(parents=True, exist_ok=True)
    download.unpack(path, into)
    if archive.inner:
        download.unpack(into / archive.inner, into)
        shutil.rmtree(into / Path(archive.inner).parts[0])
    if ours:  # an archive that somebody put there is not ours to delete
        path.unlink(missing_ok=True)


def read_groups(name: str) -> dict[str, str]:
    """Class -> group, as data/groups/<name>.csv has it."""
    with open(settings.PACKAGE_DATA / "groups" / f"{name}.csv", encoding="utf-8", newline="") as table:
        return {row["class"]: row["group"] for row in csv.DictReader(table)}
