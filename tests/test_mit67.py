"""MIT-67 in its published layout: the lists decide, whatever the pictures and the lists look like on disk."""

import io

import numpy as np
import pytest
from PIL import Image

from lecture_lib import datasets
from lecture_lib.datasets.protocols import ProtocolError

CLASSES = ("airport_inside", "mall", "winecellar")
LISTED = {
    "train": ["mall/a.jpg", "airport_inside/b.jpg", "winecellar/a.jpg", "mall/shopping mall.jpg"],
    "test": ["winecellar/b_.jpg", "mall/c.jpg", "airport_inside/a.jpg"],
}


pytestmark = pytest.mark.usefixtures("data")


def encode(seed: int, kind: str = "JPEG") -> bytes:
    """A picture of noise as a file."""
    noise = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, kind)
    return out.getvalue()


def write(path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_lists(folder, train=LISTED["train"], test=LISTED["test"], end="\n"):
    for file, names in (("TrainImages.txt", train), ("TestImages.txt", test)):
        write(folder / file, "".join(name + end for name in names).encode())


@pytest.fixture
def indoor(data):
    """Seven listed pictures, and two that no list names; the lists where they are fetched to."""
    root = data / "indoorCVPR_09"
    for i, name in enumerate([*LISTED["train"], *LISTED["test"], "mall/unlisted.jpg", "zoo/unlisted.jpg"]):
        write(root / "Images" / name, encode(i))
    write_lists(root)
    return root


def names_of(collection) -> dict[str, list[str]]:
    """The files of each split, and, first, what their labels say about their folders."""
    folders = [name.split("/")[0] for name in collection.images.names]
    assert [collection.classes[label] for label in collection.labels] == folders
    return {key: [collection.images.names[i] for i in rows] for key, rows in collection.splits.items()}


def test_splits_are_the_lists_and_nothing_else_is_loaded(indoor):
    scenes = datasets.load("mit67")
    assert (scenes.name, scenes.source, scenes.classes) == ("mit67", "real", CLASSES)
    assert names_of(scenes) == LISTED
    assert len(scenes) == 7
    assert list(scenes.images.names) == sorted(scenes.images.names)
    assert scenes.groups == ("public spaces", "store", "home")
    train, test = scenes.split()
    assert [len(train), len(test)] == [4, 3]
    with pytest.raises(ProtocolError, match="one official split"):
        scenes.split(seed=1)


@pytest.mark.parametrize("place", [".", "Images", ".."])
def test_lists_are_found_in_their_usual_places(indoor, place):
    if place != "..":  # lists beside the pictures come first
        write_lists(indoor.parent, LISTED["test"], LISTED["train"])
    for file in ("TrainImages.txt", "TestImages.txt"):
        (indoor / file).rename(indoor / place / file)
    assert names_of(datasets.load("mit67")) == LISTED


def test_a_file_name_that_is_not_utf8_is_found_under_its_bytes(indoor):
    name = b"mall/caf\xe9.jpg".decode("utf-8", "surrogateescape")
    try:
        write(indoor / "Images" / name, encode(20))
    except OSError:
        pytest.skip("this file system wants UTF-8")
    (indoor / "TestImages.txt").write_bytes(b"mall/caf\xe9.jpg\n")
    scenes = datasets.load("mit67")
    assert scenes.skipped == ()
    assert names_of(scenes)["test"] == [name]


def test_missing_lists_and_pictures_say_what_to_do(indoor, data):
    (indoor / "TestImages.txt").unlink()
    with pytest.raises(
        datasets.DatasetNotFound, match=r"no TestImages\.txt in .*fetch\(.mit67.\).*torralba"
    ) as error:
        datasets.load("mit67")
    assert str(indoor) in str(error.value)
    (indoor / "Images").rename(indoor / "Pictures")
    with pytest.raises(datasets.DatasetNotFound, match=r"no folder Images in .*indoorCVPR_09\.tar"):
        datasets.load("mit67")


@pytest.mark.parametrize(
    "content",
    [b"<!DOCTYPE html>\n<html></html>", b"mall/a.jpg\nmall\n", b"Images/mall/c.jpg\n", b"/c.jpg\n", b"\n \n"],
)
def test_a_list_that_is_something_else_is_refused(indoor, content):
    (indoor / "TrainImages.txt").write_bytes(content)
    with pytest.raises(ValueError, match=r"TrainImages\.txt is not lines <class>/<file>.*fetch it again"):
        datasets.load("mit67")
