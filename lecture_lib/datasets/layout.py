"""Where each dataset lies below LECTURE_DATA in its published layout, who reads it, and where its files come from.

All of that is in data/datasets.toml, a table for each dataset, which says itself what its fields mean.
"""

import csv
import shutil
import tomllib
from collections.abc import Callable
from importlib import import_module
from os import PathLike
from pathlib import Path

from lecture_lib import download, settings
from lecture_lib.download import RemoteFile

LAYOUT = tomllib.loads((settings.PACKAGE_DATA / "datasets.toml").read_text("utf-8"))  # name -> its table


class DatasetNotFound(FileNotFoundError):
    """A dataset is not where it is looked for; the message says where and how to get it."""


def check_name(name: str) -> None:
    """Raise ValueError with the known datasets for another name."""
    if name not in LAYOUT:
        raise ValueError(f"There is no dataset {name!r}; there are {', '.join(LAYOUT)}, and folder(path).")


def reader(name: str) -> Callable:
    """The function that reads a dataset, as its table names it."""
    module, function = LAYOUT[name].get("loader", LAYOUT[name].get("vectors")).split(".")
    return getattr(import_module(f"lecture_lib.datasets.{module}"), function)


def find(name: str, root: str | PathLike | None = None) -> Path:
    """The folder of a dataset below `root` (default: LECTURE_DATA), which may also be that folder itself.

    Raises DatasetNotFound with the way to get it.
    """
    base = settings.current().data if root is None else Path(root).expanduser().absolute()
    folder = base / LAYOUT[name]["folder"]
    inside = LAYOUT[name].get("inside", ["."])
    for candidate in (folder, base / folder.name, base):
        named = candidate.name == folder.name or "inside" in LAYOUT[name]
        if named and any((candidate / part).is_dir() for part in inside):
            return candidate
    missing = Path(folder.name, inside[0]).as_posix()
    raise DatasetNotFound(f"{name}: no folder {missing} under {folder.parent}. {how_to_get(name, base)}")


def how_to_get(name: str, base: Path) -> str:
    """Say how a dataset gets into the folder `base`, by itself or by hand."""
    place = LAYOUT[name]
    if "by_hand" in place:
        return place["by_hand"].format(folder=base / place["folder"])
    files = [f"{Path(a.get('inner', a['name'])).name} into {base / a['into']}" for a in place["archives"]]
    return f'Download it with datasets.fetch("{name}") ({place["size"]}), or unpack {" and ".join(files)}.'


def fetch(name: str) -> Path:
    """Download a dataset's published files into LECTURE_DATA, check and unpack them; return its folder.

    What is finished is not done again: an interrupted call goes on where it stopped, and an archive that was
    put into LECTURE_DATA by hand is taken from there. Raises DownloadError with what to do by hand, where it
    cannot be done.
    """
    check_name(name)
    data, place = settings.current().data, LAYOUT[name]
    if "archives" not in place:
        raise download.DownloadError(f"{name} cannot be downloaded. {how_to_get(name, data)}")
    for archive in place["archives"]:
        _fetch_archive(archive, data)
    return data / place["folder"]


def _fetch_archive(archive: dict, data: Path) -> None:
    name, into, inner = archive["name"], data / archive["into"], archive.get("inner")
    file = RemoteFile(
        name, tuple(archive["urls"]), archive.get("sha256"), archive.get("size"), archive["page"]
    )
    if into / name == data / archive["holds"]:  # no archive
        download.fetch(file, into)
        return
    if (data / archive["holds"]).exists():
        print(f"{name}: already unpacked in {into}.")
        return
    ours = not (data / name).exists()
    path = download.fetch(file, data)
    download.unpack(path, into)
    if inner:
        download.unpack(into / inner, into)
        shutil.rmtree(into / Path(inner).parts[0])
    if ours:  # an archive that somebody put there is not ours to delete
        path.unlink(missing_ok=True)


def read_groups(name: str) -> dict[str, str]:
    """Class -> group, as data/groups/<name>.csv has it."""
    with open(settings.PACKAGE_DATA / "groups" / f"{name}.csv", encoding="utf-8", newline="") as table:
        return {row["class"]: row["group"] for row in csv.DictReader(table)}
