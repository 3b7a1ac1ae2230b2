"""Unpack tar and zip archives: all of it or nothing, and never outside the folder."""

from __future__ import annotations

import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path

from lecture_lib import store
from lecture_lib.download.checking import DownloadError, is_web_page


class ArchiveError(DownloadError):
    """An archive is damaged, or would write outside its folder."""


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a tar (plain, gz, bz2, xz) or zip archive into a folder and return the folder.

    Everything is unpacked beside its place first and moved there when the archive was read to its end:
    a damaged archive or an interrupt leaves nothing that looks whole. Files that are there already
    are replaced. Raises ArchiveError if the archive is damaged or a member would leave the folder,
    DownloadError if the folder cannot be written.
    """
    archive, folder = Path(archive), Path(folder)
    if not archive.is_file():
        raise ArchiveError(f"There is no archive {archive} to unpack.")
    temporary = folder / f".unpacking-{archive.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with store.alone(temporary, archive.name):
            shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed
            temporary.mkdir()
            try:
                _extract(archive, temporary)
                _move(temporary, folder)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except tarfile.FilterError as error:
        advice = "No published dataset does that; delete it and fetch it from its own page"
        raise ArchiveError(f"{archive} is not unpacked: {error}. {advice}.") from None
    except _DAMAGED as error:
        raise ArchiveError(_damaged(archive, error)) from None
    except OSError as error:
        if error.errno is None:  # a decompressor's, not the system's
            raise ArchiveError(_damaged(archive, error)) from None
        raise DownloadError(f"{store.unwritable(folder, error)} {archive.name} is not unpacked.") from None
    return folder


_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)


def _damaged(archive: Path, error: Exception) -> str:
    reason = str(error).partition("\n")[0] or "it ends too early"
    return f"{archive} is no archive or a damaged one ({reason}). Delete it and fetch it again."


def _extract(archive: Path, folder: Path) -> None:
    from tqdm.auto import tqdm

    shown = {"unit": " files", "desc": f"unpacking {archive.name}", "leave": False, "delay": 1}
    with open(archive, "rb") as content:
        head = content.read(512)
    if is_web_page(head, archive.name):
        raise ArchiveError(f"{archive} is a web page (HTML), not an archive. Delete it and fetch it again.")
    if head.startswith(b"PK"):
        with zipfile.ZipFile(archive) as members:
            members.extractall(folder, tqdm(members.namelist(), **shown))  # leaves out "..", drives and "/"
    elif not hasattr(tarfile, "data_filter"):
        raise ArchiveError("Safe unpacking needs Python 3.11.4 or newer; update Python.")
    else:
        with tarfile.open(archive, tarinfo=_StrictTarInfo) as members:
            members.extractall(folder, tqdm(members, **shown), filter="data")  # refuses ways out, and devices


class _StrictTarInfo(tarfile.TarInfo):
    """Takes only the end mark of an archive for its end: tarfile also stops, silently, at damage."""

    @classmethod
    def fromtarfile(cls, members: tarfile.TarFile) -> tarfile.TarInfo:
        try:
            return super().fromtarfile(members)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.HeaderError as error:
            if members.offset == 0:  # no tar at all: let tarfile try the next compression
                raise
            raise tarfile.ReadError(f"it ends or breaks at byte {members.offset}: {error}") from None


def _move(source: Path, target: Path) -> None:
    """Move everything in a folder into another one that may have some of it already."""
    for entry in source.iterdir():
        place = target / entry.name
        if entry.is_dir() and not entry.is_symlink() and place.is_dir():
            _move(entry, place)
        else:
            os.replace(entry, place)
