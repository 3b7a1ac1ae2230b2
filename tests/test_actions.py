"""VOC's action task in its published layout."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lecture_lib import datasets
from lecture_lib.datasets import layout
from lecture_lib.datasets.voc import ACTIONS

# --- the published layout ----------------------------------------------------------------------------------


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def annotate(root: Path, picture: str, *people: tuple[str, int, int]) -> None:
    """One object for each (actions, first column, difficult), four pixels wide; the picture is 12 x 6."""
    items = "".join(
        "<object><name>person</name><actions>"
        + "".join(f"<{a}>{int(a in does.split())}</{a}>" for a in (*ACTIONS, "other"))
        + f"</actions><bndbox><xmax>{x + 3}</xmax><xmin>{x}</xmin><ymax>6</ymax><ymin>2</ymin></bndbox>"
        f"<difficult>{difficult}</difficult><point><x>2</x><y>3</y></point></object>"
        for does, x, difficult in people
    )
    size = "<size><depth>3</depth><height>6</height><width>12</width></size>"
    write(root / "Annotations" / f"{picture}.xml", f"<annotation>{items}{size}</annotation>")
    path = root / "JPEGImages" / f"{picture}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 6), (len(people), int(picture[-1]), 90)).save(path, "JPEG")


def enlist(root: Path, name: str, *lines: str) -> None:
    write(root / "ImageSets" / "Action" / f"{name}.txt", "\n".join(lines) + "\n")


@pytest.fixture
def root(data):
    root = data / "VOCdevkit" / "VOC2012"
    annotate(root, "2010_000001", ("reading walking", 1, 0), ("other", 5, 0))
    annotate(root, "2011_000002", ("other", 5, 0), ("running", 2, 0), ("reading", 7, 1))
    annotate(root, "2011_000003", ("other", 1, 0))
    annotate(root, "2011_000004", ("jumping", 9, 0), ("jumping", 2, 1))
    enlist(root, "train", "2010_000001", "2011_000002")
    enlist(root, "val", "2011_000003", "2011_000004")
    enlist(root, "trainval", "2010_000001", "2011_000002", "2011_000003", "2011_000004")
    enlist(
        root,
        "reading_train",
        *("2010_000001 1  1", "2010_000001 2 -1", "2011_000002 1 -1", "2011_000002 2 -1", "2011_000002 3  1"),
    )
    enlist(root, "jumping_train", *(f"2011_000002 {k} -1" for k in (1, 2, 3)))  # nobody looked for it in 2010
    enlist(root, "jumping_val", "2011_000003 1 -1", "2011_000004 1  1", "2011_000004 2 -1")
    return root


def label_of(images, action: str) -> list[int]:
    return images.labels[:, images.classes.index(action)].tolist()


def test_labels_say_who_does_what_and_where_nobody_looked(root, capsys):
    images = datasets.load("voc2012_action")
    assert capsys.readouterr().out == ""  # the split files agree, and nothing is left out
    assert (images.name, images.source, images.labels.shape) == ("voc2012_action", "real", (4, 10))
    assert list(images.classes) == sorted(images.classes)
    assert set(images.groups) == {"person"}
    assert label_of(images, "walking") == [1, 0, 0, 0]
    assert label_of(images, "running") == [0, 1, 0, 0]
    assert label_of(images, "reading") == [1, -1, 0, 0]  # the second reader is difficult
    assert label_of(images, "jumping") == [-1, 0, 0, 1]  # the first picture is not in jumping_train.txt
    assert np.count_nonzero(images.labels) == 6


def test_a_person_has_a_box_for_each_action(root):
    images = datasets.load("voc2012_action")
    names = [[images.classes[c] for c in boxes.labels] for boxes in images.boxes]
    assert names == [["reading", "walking"], ["running", "reading"], [], ["jumping", "jumping"]]
    assert images.boxes[0].xyxy.tolist() == [[0, 1, 4, 6]] * 2
    assert images.boxes[1].xyxy.tolist() == [[1, 1, 5, 6], [6, 1, 10, 6]]
    assert images.boxes[1].difficult.tolist() == [False, True]
    assert images.boxes[3].difficult.tolist() == [False, True]
    assert not images.boxes[3].truncated.any()  # these files do not say


def test_splits_are_those_of_the_action_task(root):
    write(root / "ImageSets" / "Main" / "train.txt", "2011_000003\n")
    write(root / "ImageSets" / "Main" / "dog_train.txt", "2010_000001 -1\n")
    images = datasets.load("voc2012_action")
    splits = {part: indices.tolist() for part, indices in images.splits.items()}
    assert splits == {"train": [0, 1], "val": [2, 3], "trainval": [0, 1, 2, 3]}
    train, test = images.split()
    assert train.images.names == ("JPEGImages/2010_000001.jpg", "JPEGImages/2011_000002.jpg")
    assert len(test) == 2
    objects = datasets.load("voc2012")  # the object task has its own
    assert objects.splits["train"].tolist() == [0]
    assert label_of(objects, "dog") == [0]  # and its annotations are of all classes, whatever is listed
    enlist(root, "train", "2010_000001 1", "2010_000001 2")  # as other years have it: a line a person
    assert datasets.load("voc2012_action").splits["train"].tolist() == [0]


def test_split_files_that_disagree_with_the_annotations_are_reported(root, capsys):
    enlist(
        root, "walking_train", *(f"2011_000002 {k} -1" for k in (1, 2, 3))
    )  # but somebody walks in the first
    enlist(root, "walking_val", "2011_000003 1  1", "2011_000004 1 -1", "2011_000004 2 -1")
    enlist(root, "jumping_val", "2011_000003 1 -1", "2011_000004 1 -1", "2011_000004 2 -1")
    images = datasets.load("voc2012_action")
    said = capsys.readouterr().out
    assert "2 entries of the split files disagree" in said
    assert "2011_000004 in jumping_val.txt" in said
    assert label_of(images, "walking") == [1, 0, 0, 0]
    assert label_of(images, "jumping")[3] == 1


def test_without_the_action_lists_the_archive_is_what_is_missing(root):
    for file in (root / "ImageSets" / "Action").iterdir():
        file.rename(root / f"{file.stem}.kept")
    with pytest.raises(datasets.DatasetNotFound, match="voc2012_action: no split file"):
        datasets.load("voc2012_action")
    (root / "ImageSets" / "Action").rmdir()
    with pytest.raises(datasets.DatasetNotFound) as caught:
        datasets.load("voc2012_action")
    message = str(caught.value)
    assert "no folder VOC2012/ImageSets/Action" in message
    assert 'datasets.fetch("voc2012_action")' in message
    assert layout.find("voc2012") == root  # the object task may well be there


def test_the_archive_is_that_of_the_object_task_and_unpacked_only_without_the_action_lists():
    (one,), (other,) = (layout.LAYOUT[name].archives for name in ("voc2012_action", "voc2012"))
    assert (one.name, one.sha256) == (other.name, other.sha256)
    assert one.holds == "VOCdevkit/VOC2012/ImageSets/Action/trainval.txt"
    assert other.holds == "VOCdevkit/VOC2012/ImageSets/Main/trainval.txt"
