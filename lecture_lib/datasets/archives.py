"""Where the published datasets come from: their original files, downloaded, checked and unpacked."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from lecture_lib import download, settings
from lecture_lib.datasets.layout import BY_HAND, LAYOUT
from lecture_lib.download import DownloadError, RemoteFile


@dataclass(frozen=True)
class Archive:
    """One published file, most often an archive, and its place below LECTURE_DATA.

    into   folder that it is unpacked into
    holds  what is there once it is unpacked; the file itself, if it is no archive
    inner  archive inside the archive, unpacked into the same folder
    """

    file: RemoteFile
    into: str
    holds: str
    inner: str = ""


_CALTECH = "https://data.caltech.edu/records/mzrjq-6wc02"
_VOC = "http://host.robots.ox.ac.uk/pascal/VOC"
_SUN = "https://vision.princeton.edu/projects/2010/SUN"
_INDOOR = "https://web.mit.edu/torralba/www"
_BIRDS = "https://data.caltech.edu/records/65de6-vp158"


def _voc(year: int, file: str, size: int, sha256: str, holds: str) -> Archive:
    urls = (
        f"{_VOC}/voc{year}/{file}",
        f"https://thor.robots.ox.ac.uk/pascal/VOC/voc{year}/{file}",
        f"https://pjreddie.com/media/files/{file}",
    )
    return Archive(RemoteFile(file, urls, sha256, size, f"{_VOC}/voc{year}/"), ".", holds)


def _voc2012(task: str) -> Archive:
    return _voc(
        2012,
        "VOCtrainval_11-May-2012.tar",
        1_999_639_040,
        "e14f763270cf193d0b5f74b169f44157a4b0c6efa708f4dd0ff78ee691763bcb",
        f"VOCdevkit/VOC2012/ImageSets/{task}/trainval.txt",
    )


def _indoor_list(file: str, sha256: str) -> Archive:
    """One of the two lists of MIT-67, published beside the archive; SHA-256 as recorded by stable-datasets."""
    published = RemoteFile(file, (f"{_INDOOR}/{file}",), sha256, page=f"{_INDOOR}/indoor.html")
    return Archive(published, "indoorCVPR_09", f"indoorCVPR_09/{file}")


# sizes and SHA-256, where given, as recorded for the same files by TensorFlow Datasets
ARCHIVES = {
    "caltech101": (
        Archive(
            RemoteFile(
                "caltech-101.zip",
                (f"{_CALTECH}/files/caltech-101.zip?download=1",),
                "331234750fc7f77520e50d9565e8b6907b03565e30320da1401130db08c61f91",
                137_414_764,
                _CALTECH,
            ),
            "caltech101",
            "caltech101/101_ObjectCategories",
            "caltech-101/101_ObjectCategories.tar.gz",
        ),
    ),
    "voc2007": (
        _voc(
            2007,
            "VOCtrainval_06-Nov-2007.tar",
            460_032_000,
            "7d8cd951101b0957ddfd7a530bdc8a94f06121cfc1e511bb5937e973020c7508",
            "VOCdevkit/VOC2007/ImageSets/Main/trainval.txt",
        ),
        _voc(
            2007,
            "VOCtest_06-Nov-2007.tar",
            451_020_800,
            "6836888e2e01dca84577a849d339fa4f73e1e4f135d312430c4856b5609b4892",
            "VOCdevkit/VOC2007/ImageSets/Main/test.txt",
        ),
    ),
    "voc2012": (_voc2012("Main"),),
    "voc2012_action": (_voc2012("Action"),),
    "sun397": (
        Archive(
            RemoteFile(
                "SUN397.tar.gz",
                (f"{_SUN}/SUN397.tar.gz",),
                "f404130965a7ad77bed5ececc71e720ab50f3cc1e1bb257257610d38f3b928ec",
                39_077_296_924,
                f"{_SUN}/",
            ),
            ".",
            "SUN397/a",
        ),
        Archive(
            RemoteFile(
                "Partitions.zip",
                (f"{_SUN}/download/Partitions.zip",),
                "e3311ea5f812d4cc6faef194688343d1111f6cd6f70f2c62f393c2b8d6ba1ec9",
                18_293_705,
                f"{_SUN}/",
            ),
            "SUN397/Partitions",
            "SUN397/Partitions",
        ),
    ),
    "mit67": (
        _indoor_list("TrainImages.txt", "7ec85f88735739d8159061e4bcf6a9765aab8606ab444605b3f8e0641be0260e"),
        _indoor_list("TestImages.txt", "906c529a5a0918feec371de5b07a465ddb1f15ebaebc90a33cc321c371133bf1"),
        Archive(
            RemoteFile(
                "indoorCVPR_09.tar",
                ("http://groups.csail.mit.edu/vision/LabelMe/NewImages/indoorCVPR_09.tar",),
                page=f"{_INDOOR}/indoor.html",
            ),
            "indoorCVPR_09",
            "indoorCVPR_09/Images",
        ),
    ),
    "cub200": (
        Archive(
            RemoteFile(
                "CUB_200_2011.tgz",
                (
                    f"{_BIRDS}/files/CUB_200_2011.tgz?download=1",
                    "https://s3.amazonaws.com/fast-ai-imageclas/CUB_200_2011.tgz",
                ),
                "0c685df5597a8b24909f6a7c9db6d11e008733779a671760afef78feb49bf081",
                1_150_585_339,
                _BIRDS,
            ),
            ".",
            "CUB_200_2011/images.txt",
        ),
    ),
}


def fetch(name: str) -> Path:
    """Download the original files of a dataset, check them, and unpack them below LECTURE_DATA.

    What is finished is not done again: an interrupted call goes on where it stopped, and an archive that was
    put into LECTURE_DATA by hand is taken from there. Returns the dataset's folder. Raises DownloadError.
    """
    if name not in LAYOUT:
        raise ValueError(f"There is no dataset {name!r} to fetch; there are {', '.join(ARCHIVES)}.")
    data = settings.current().data
    if name not in ARCHIVES:
        raise DownloadError(f"{name} cannot be downloaded. {BY_HAND.format(folder=data / LAYOUT[name])}")
    for archive in ARCHIVES[name]:
        _fetch_archive(archive, data)
    return data / LAYOUT[name]


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
