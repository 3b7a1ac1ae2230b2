"""Get a dataset: its published files, downloaded, checked and unpacked."""

from __future__ import annotations

import shutil
from pathlib import Path

from lecture_lib import download, settings
from lecture_lib.datasets.layout import LAYOUT, Archive, how_to_get
from lecture_lib.download import DownloadError


def fetch(name: str) -> Path:
    """Download a dataset's published files into LECTURE_DATA, check and unpack them; return its folder.

    What is finished is not done again: an interrupted call goes on where it stopped, and an archive that was
    put into LECTURE_DATA by hand is taken from there. Raises DownloadError with what to do by hand, where it
    cannot be done.
    """
    if name not in LAYOUT:
        raise ValueError(f"There is no dataset {name!r} to fetch; there are {', '.join(LAYOUT)}.")
    data, place = settings.current().data, LAYOUT[name]
    if not place.archives:
        raise DownloadError(f"{name} cannot be downloaded. {how_to_get(name, data)}")
    for archive in place.archives:
        _fetch_archive(archive, data)
    return data / place.folder


def _fetch_archive(archive: Archive, data: Path) -> None:
    if Path(archive.into, archive.file.name) == Path(archive.holds):  # no archive
        download.fetch(archive.file, data / archive.into)
        return
    if (data / archive.holds).exists():
        print(f"{archive.file.name}: already unpacked in {data / archive.into}.")
        return
    ours = not (data / archive.file.name).exists()
    path = download.fetch(archive.file, data)
    into = data / archive.into
    into.mkdir(parents=True, exist_ok=True)
    download.unpack(path, into)
    if archive.inner:
        download.unpack(into / archive.inner, into)
        shutil.rmtree(into / Path(archive.inner).parts[0])
    if ours:  # an archive that somebody put there is not ours to delete
        path.unlink(missing_ok=True)
