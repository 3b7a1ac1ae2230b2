"""Unpack tar and zip archives: all of it or nothing, and never outside the folder."""

from __future__ import annotations

import lzma
import os
import re
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from lecture_lib.download.checking import is_web_page
from lecture_lib.download.place import ArchiveError, DownloadError, alone, unwritable


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
    try:
        with alone(folder, archive.name):
            temporary = folder / f".unpacking-{archive.name}"
            shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed
            temporary.mkdir()
            try:
                _extract(archive, temporary)
                _move(temporary, folder)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        RuntimeError,
    ) as error:
        raise ArchiveError(_damaged(archive, error)) from None
    except OSError as error:
        if error.errno is None:  # a decompressor's, not the system's
            raise ArchiveError(_damaged(archive, error)) from None
        raise DownloadError(f"{unwritable(folder, error)} {archive.name} is not unpacked.") from None
    return folder


def _extract(archive: Path, folder: Path) -> None:
    from tqdm.auto import tqdm

    shown = {"unit": " files", "desc": f"unpacking {archive.name}", "leave": False, "delay": 1}
    with open(archive, "rb") as content:
        head = content.read(512)
    if is_web_page(head, archive.name):
        raise ArchiveError(f"{archive} is a web page (HTML), not an archive. Delete it and fetch it again.")
    if head.startswith(b"PK"):
        with zipfile.ZipFile(archive) as members:
            for member in tqdm(members.infolist(), **shown):
                _check_inside(archive, member.filename)
                members.extract(member, folder)
        return
    if not hasattr(tarfile, "data_filter"):
        raise ArchiveError("Safe unpacking needs Python 3.11.4 or newer; update Python.")

    def checked(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        _check_inside(archive, member.name)
        return tarfile.data_filter(member, path)  # refuses links that lead out, and devices

    with tarfile.open(archive, tarinfo=_StrictTarInfo) as members:
        members.extractall(folder, tqdm(members, **shown), filter=checked)


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


def _check_inside(archive: Path, name: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in parts or name.startswith(("/", "\\")) or re.match("[A-Za-z]:", name):
        raise ArchiveError(
            f"{archive} is not unpacked: its member {name!r} would be written outside the folder. "
            "No published dataset does that; delete the archive and fetch it from its own page."
        )


def _move(source: Path, target: Path) -> None:
    """Move everything in a folder into another one that may have some of it already."""
    for entry in sorted(source.iterdir()):
        place = target / entry.name
        if entry.is_dir() and not entry.is_symlink() and place.is_dir():
            _move(entry, place)
        else:
            os.replace(entry, place)


def _damaged(archive: Path, error: Exception) -> str:
    if isinstance(error, tarfile.FilterError):
        return f"{archive} is not unpacked: {error}. Delete it and fetch it from its own page."
    reason = str(error).splitlines()[0] if str(error) else "it ends too early"
    return f"{archive} is no archive or a damaged one ({reason}). Delete it and fetch it again."
