"""MIT-67 in its published layout: the lists decide, whatever the pictures and the lists look like on disk."""

import io

import numpy as np
import pytest
from PIL import Image

from lecture_lib import datasets
from lecture_lib.datasets import folders, layout
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
@pytest.mark.parametrize(
    "spelling",
    ["{}Images.txt", "{}images.TXT", "{}_Images.txt", "{} images (1).txt", "._{0}Images.txt/{0}Images.txt"],
)
def test_lists_are_found_in_their_usual_places_and_spellings(indoor, place, spelling):
    if place != "..":  # lists beside the pictures come first
        write_lists(indoor.parent, LISTED["test"], LISTED["train"])
    for part in ("Train", "Test"):
        text = (indoor / f"{part}Images.txt").read_bytes()
        (indoor / f"{part}Images.txt").unlink()
        debris, _, name = spelling.format(part).rpartition("/")  # what macOS leaves beside a file
        if debris:
            write(indoor / place / debris, b"\0\5\26\7")
        write(indoor / place / name, text)
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


def test_a_class_without_pictures_goes_and_the_others_keep_their_groups(indoor, capsys):
    for name in ("a.jpg", "b.jpg"):
        (indoor / "Images" / "airport_inside" / name).unlink()
    scenes = datasets.load("mit67")
    assert names_of(scenes) == {
        part: [name for name in names if "airport" not in name] for part, names in LISTED.items()
    }
    assert (scenes.classes, scenes.groups) == (("mall", "winecellar"), ("store", "home"))
    assert "no picture of airport_inside" in capsys.readouterr().out


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
    ("content", "message"),
    [
        (b"<!DOCTYPE html>\n<html></html>", "line '<!DOCTYPE html>'"),
        (b"mall/a.jpg\nmall\n", "line 'mall'"),
        (b"mall/a.jpg\nImages/mall/c.jpg\n", "line 'Images/mall/c.jpg'"),
        (b"mall/a.jpg\n/c.jpg\n", "line '/c.jpg'"),
        (b"\n \n", "is empty"),
    ],
)
def test_a_list_that_is_something_else_is_refused(indoor, content, message):
    (indoor / "TrainImages.txt").write_bytes(content)
    with pytest.raises(ValueError, match=rf"TrainImages\.txt (has the )?{message}.*fetch it again"):
        datasets.load("mit67")


def test_lists_of_other_sizes_than_the_published_ones_are_reported(indoor, capsys, monkeypatch):
    datasets.load("mit67")
    said = capsys.readouterr().out
    assert "name 7 pictures of 3 classes, 4 in train and 3 in test; published were 6,700 pictures" in said
    monkeypatch.setattr(folders, "_MIT_PUBLISHED", "7 pictures of 3 classes, 4 in train and 3 in test")
    datasets.load("mit67")
    assert capsys.readouterr().out == ""


def test_pictures_in_both_lists_are_reported(indoor, capsys):
    write_lists(indoor, test=[*LISTED["test"], LISTED["train"][1]])
    datasets.load("mit67")
    assert "1 pictures are both in train and in test" in (said := capsys.readouterr().out)
    assert LISTED["train"][1] in said


def test_every_class_has_one_of_the_five_groups():
    groups = layout.read_groups("mit67")
    assert len(groups) == 67
    assert set(groups.values()) == {"store", "home", "public spaces", "leisure", "working place"}
    # spellings of the published folders that one would "correct"
    assert {"stairscase", "kindergarden", "jewelleryshop", "movietheater"} <= set(groups)
    known = {"bakery": "store", "bedroom": "home", "library": "public spaces", "casino": "leisure"}
    assert {name: groups[name] for name in known} == known
    assert groups["office"] == "working place"
