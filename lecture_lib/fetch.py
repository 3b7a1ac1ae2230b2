"""Photographs and published weights for a room without network: fetched beforehand, into one folder.

    python -m lecture_lib.fetch caltech101 alexnet --to FOLDER

Says first what it would download and how large that is, and asks. What is there is not fetched again; what broke off
goes on where it stopped; every file with a published hash is checked.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import requests

from lecture_lib import backbones, datasets, settings
from lecture_lib.backbones.backbone import weights_folder
from lecture_lib.datasets import layout
from lecture_lib.download import DownloadError, RemoteFile
from lecture_lib.download.fetching import TIMEOUT

WEIGHTS = "torch_home"  # folder in FOLDER, the TORCH_HOME of a room's computers


def missing(name: str) -> list[tuple[RemoteFile, Path]]:
    """Return the published files of a dataset or network that are not there yet, each with its folder."""
    if name in backbones.PUBLISHED:
        file, folder = backbones.PUBLISHED[name].published(name), weights_folder()
        return [] if (folder / file.name).exists() else [(file, folder)]
    return [(file, settings.current().data) for file in layout.missing(name)]


def to_come(file: RemoteFile, folder: Path) -> int | None:
    """Return how many bytes of a file are still to come, by its table or else its server; None if neither says."""
    if (folder / file.name).exists():  # put there by hand, to be unpacked
        return 0
    size = file.size or _asked(file)
    part = folder / f"{file.name}.part"
    return size and size - (part.stat().st_size if part.exists() else 0)


def _asked(file: RemoteFile) -> int | None:
    for url in file.urls:
        try:
            answer = requests.head(url, allow_redirects=True, timeout=TIMEOUT)
        except requests.RequestException:
            continue
        if answer.ok and "Content-Length" in answer.headers:
            return int(answer.headers["Content-Length"])
    return None


def announce(names: list[str]) -> int:
    """Print what is missing and its size; return the bytes that are known to come."""
    known = {}  # by file, as two datasets may share one
    for name in names:
        files = missing(name)
        print(f"{name}: " + ("" if files else "is there."))
        for file, folder in files:
            size = to_come(file, folder)
            known[file.name] = size or 0
            print(f"  {'size unknown' if size is None else f'{size / 1e6:,.1f} MB':>12}  {file.name}")
    return sum(known.values())


def agreed(total: int, folder: Path) -> bool:
    """Ask whether to download; without somebody who answers it is no."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    print(f"{total / 1e6:,.1f} MB to download into {folder}, where {free / 1e6:,.0f} MB are free;")
    print("pictures are unpacked there, and take as much again.")
    try:
        return input("Download? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print("\nNobody answers: say --yes to download without a question.")
        return False


def fetch(name: str) -> bool:
    """Fetch a dataset or the weights of a network; print how to get it where that fails, and return False."""
    try:
        get = backbones.PUBLISHED[name].find_published if name in backbones.PUBLISHED else datasets.fetch
        print(f"{name}: {get(name)}")
    except (DownloadError, backbones.WeightsNotFound) as error:
        print(f"{name}: {error}")
        return False
    return True


def main(arguments: list[str] | None = None) -> int:
    """Fetch what the command line asks for; return 1 if something is missing afterwards."""
    known = [*layout.LAYOUT, *backbones.PUBLISHED]
    parser = argparse.ArgumentParser(
        prog="python -m lecture_lib.fetch", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("names", nargs="+", metavar="NAME", choices=known, help=", ".join(known))
    parser.add_argument(
        "--to", metavar="FOLDER", required=True, type=Path, help="where it goes; made if needed"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    asked = parser.parse_args(arguments)
    folder = asked.to.expanduser().absolute()
    os.environ["TORCH_HOME"] = str(folder / WEIGHTS)
    settings.use(data=folder, quiet=True)
    names = [
        name for name in dict.fromkeys(asked.names) if name in backbones.PUBLISHED or _published(name, folder)
    ]
    total = announce(names)
    if any(missing(name) for name in names) and not (asked.yes or agreed(total, folder)):
        return 1
    done = [fetch(name) for name in names]
    print(f"In the room: LECTURE_DATA={folder} TORCH_HOME={folder / WEIGHTS} LECTURE_OFFLINE=1")
    return int(not all(done) or len(done) < len(set(asked.names)))


def _published(name: str, folder: Path) -> bool:
    """Whether a dataset can be fetched; prints how to get it otherwise."""
    if "archives" not in layout.LAYOUT[name]:
        print(f"{name} cannot be downloaded. {layout.how_to_get(name, folder)}")
    return "archives" in layout.LAYOUT[name]


if __name__ == "__main__":
    sys.exit(main())
