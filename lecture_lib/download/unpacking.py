"""Unpack tar and zip archives: all of it or nothing, and never outside the folder."""

import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path

from lecture_lib import store
from lecture_lib.download.fetching import DownloadError
from lecture_lib.progress import bar

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a tar (plain, gz, bz2, xz) or zip archive into a folder and return the folder.

    Everything is unpacked beside its place first and moved there when the archive was read to its end:
    a damaged archive or an interrupt leaves nothing that looks whole. Files that are there already
    are replaced. Raises DownloadError if the archive is damaged, a member would leave the folder, or that cannot be
    written.
    """
    archive, folder = Path(archive), Path(folder)
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
        raise DownloadError(f"{archive} is not unpacked: {error}. {advice}.") from None
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's, not a decompressor's
            what = store.unwritable(folder, error)
            raise DownloadError(f"{what} {archive.name} is not unpacked.") from None
        reason = str(error).partition("\n")[0].rstrip(":") or "it ends too early"
        raise DownloadError(
            f"{archive} is no archive or a damaged one ({reason}). Delete it and fetch it again."
        ) from None
    return folder


def _extract(archive: Path, folder: Path) -> None:
    shown = {"unit": " files", "desc": f"unpacking {archive.name}", "delay": 1}
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as members:
            members.extractall(folder, bar(members.namelist(), **shown))  # leaves out "..", drives and "/"
    else:
        with tarfile.open(archive) as members:
            members.extractall(folder, bar(members, **shown), filter="data")  # refuses ways out, and devices
            # tarfile takes damage, and the end of the file, for the end of the archive; that is two blocks of zeros,
            # of which it has read the first
            members.fileobj.seek(members.offset + tarfile.BLOCKSIZE)
            if members.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise tarfile.ReadError(f"it ends or breaks at byte {members.offset}")


def _move(source: Path, target: Path) -> None:
    """Move everything in a folder into another one that may have some of it already."""
    for entry in source.iterdir():
        place = target / entry.name
        if entry.is_dir() and not entry.is_symlink() and place.is_dir():
            _move(entry, place)
        else:
            os.replace(entry, place)
