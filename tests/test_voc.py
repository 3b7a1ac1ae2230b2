"""PASCAL VOC in its published layout, objects and actions: labels, boxes, splits, and what contradicts them."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lecture_lib import datasets, settings
from lecture_lib.datasets import layout, voc
from lecture_lib.datasets.collection import PUBLISHED
from lecture_lib.datasets.protocols import ProtocolError

PHOTOGRAPHS = os.environ.get("LECTURE_DATA", "")
pytestmark = pytest.mark.usefixtures("data")


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def annotate(root: Path, picture: str, *objects: tuple, size: tuple[int, int] = (12, 6)) -> None:
    """A picture of 12 x 6 and its annotation; objects are (name, actions, (x0, y0, x1, y1), difficult)."""
    items = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult><truncated>{int(x1 == 12)}</truncated><actions>"
        + "".join(f"<{a}>{int(a in does.split())}</{a}>" for a in (*voc.ACTIONS, "other"))
        + f"</actions><bndbox><xmax>{x1}</xmax><xmin>{x0}</xmin><ymax>{y1}</ymax><ymin>{y0}</ymin></bndbox></object>"
        for name, does, (x0, y0, x1, y1), difficult in objects
    )
    size = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    write(root / f"Annotations/{picture}.xml", f"<annotation>{size}{items}</annotation>")
    file = root / f"JPEGImages/{picture}.jpg"
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 6), (len(objects), int(picture[-1]), 90)).save(file, "JPEG")


def person(does: str, x: int, difficult: int = 0) -> tuple:
    return "person", does, (x, 2, x + 3, 6), difficult


@pytest.fixture
def root(data, monkeypatch) -> Path:
    """Four pictures in the lists of both tasks, as if no more had been published."""
    monkeypatch.setitem(PUBLISHED, "voc2012", {"train": 2, "val": 2})
    root = data / "VOCdevkit" / "VOC2012"
    annotate(root, "1", person("reading walking", 1), person("other", 5), ("dog", "", (1, 1, 12, 6), 0))
    annotate(root, "2", person("other", 5), person("running", 2), person("reading", 7, 1))
    annotate(root, "3", person("other", 1, 1), ("car", "", (2, 2, 3.5, 4), 1))
    annotate(root, "4", person("jumping", 9), person("jumping", 2, 1), ("car", "", (1, 1, 2, 2), 1))
    for task in ("Main", "Action"):
        for part, ids in {"train": "12", "val": "34", "trainval": "1234"}.items():
            write(root / f"ImageSets/{task}/{part}.txt", *ids)
    enlist(root, "reading_train", "1 1  1", "1 2 -1", "2 1 -1", "2 2 -1", "2 3  1")
    enlist(root, "jumping_train", "2 1 -1", "2 2 -1", "2 3 -1")  # nobody looked for it in the first
    enlist(root, "jumping_val", "3 1 -1", "4 1  1", "4 2 -1")
    return root


def enlist(root: Path, name: str, *lines: str, task: str = "Action") -> None:
    write(root / f"ImageSets/{task}/{name}.txt", *lines)


def labels_of(images, label: str) -> list[int]:
    return images.labels[:, images.classes.index(label)].tolist()


def splits_of(images) -> dict[str, list[int]]:
    return {part: rows.tolist() for part, rows in images.splits.items()}


def test_objects_only_difficult_are_neither_present_nor_absent(root, capsys):
    images = datasets.load("voc2012")
    assert capsys.readouterr().out == ""
    assert {c: labels_of(images, c) for c in ("dog", "car", "person")} == {
        "dog": [1, 0, 0, 0],
        "car": [0, 0, -1, -1],
        "person": [1, 1, -1, 1],
    }
    assert np.count_nonzero(images.labels) == 7
    assert list(images.classes) == sorted(images.classes)
    counts = dict(zip(*np.unique(images.groups, return_counts=True), strict=True))
    assert counts == {"person": 1, "animal": 6, "vehicle": 7, "indoor": 6}


def test_boxes_are_zero_based_with_an_exclusive_end(root):
    boxes = datasets.load("voc2012").boxes
    assert boxes[0].xyxy[2].tolist() == [0, 0, 12, 6]  # the whole picture
    assert boxes[0].truncated.tolist() == [False, False, True]
    assert boxes[2].xyxy[1].tolist() == [1, 1, 3.5, 4]  # VOC 2011 has fractions


def test_labels_say_who_does_what_and_where_nobody_looked(root, capsys):
    images = datasets.load("voc2012_action")
    assert capsys.readouterr().out == ""
    assert (images.name, images.source, images.labels.shape) == ("voc2012_action", "real", (4, 10))
    assert set(images.groups) == {"person"}
    assert {c: labels_of(images, c) for c in ("walking", "running", "reading", "jumping")} == {
        "walking": [1, 0, 0, 0],
        "running": [0, 1, 0, 0],
        "reading": [1, -1, 0, 0],  # the second reader is difficult
        "jumping": [-1, 0, 0, 1],  # the first picture is not in jumping_train.txt
    }
    assert np.count_nonzero(images.labels) == 6


def test_a_person_has_a_box_for_each_action(root):
    images = datasets.load("voc2012_action")
    names = [[images.classes[c] for c in boxes.labels] for boxes in images.boxes]
    assert names == [["reading", "walking"], ["running", "reading"], [], ["jumping", "jumping"]]
    assert images.boxes[0].xyxy.tolist() == [[0, 1, 4, 6]] * 2
    assert images.boxes[1].xyxy.tolist() == [[1, 1, 5, 6], [6, 1, 10, 6]]
    assert images.boxes[3].difficult.tolist() == [False, True]


def test_each_task_has_its_own_splits(root):
    enlist(root, "train", "3", task="Main")
    enlist(root, "train", "1 1", "1 2")  # as other years have it: a line a person
    assert splits_of(datasets.load("voc2012_action"))["train"] == [0]
    assert splits_of(datasets.load("voc2012"))["train"] == [2]


def test_the_protocol_trains_on_trainval_where_test_is_published(root):
    assert [part.names for part in datasets.load("voc2012").split()] == [
        tuple(f"JPEGImages/{i}.jpg" for i in ids) for ids in ("12", "34")
    ]
    shutil.move(root, root.with_name("VOC2007"))
    write(root.with_name("VOC2007") / "ImageSets/Main/test.txt", "4")
    write(root.with_name("VOC2007") / "ImageSets/Main/trainval.txt", "1", "2")
    images = datasets.load("voc2007")
    assert [len(part) for part in images.split()] == [2, 1]
    assert [len(part) for part in images.split(train="train", test="val")] == [2, 2]
    with pytest.raises(ProtocolError, match="one official split"):
        images.split(seed=1)
    with pytest.raises(ProtocolError, match="'minival' is not there; there are train, val, trainval, test"):
        images.split(test="minival")


@pytest.mark.parametrize("name", ["voc2012", "voc2012_action"])
def test_what_cannot_be_read_is_named_and_splits_follow(root, name, capsys):
    (root / "JPEGImages/2.jpg").write_bytes(b"no picture")
    (root / "Annotations/3.xml").unlink()
    annotate(root, "1", ("zebra" if name == "voc2012" else "person", "", ("one", 1, 2, 2), 0))
    images = datasets.load(name)
    assert images.names == ("JPEGImages/4.jpg",)
    assert splits_of(images) == {"train": [], "val": [0], "trainval": [0]}
    reasons = dict(images.skipped)
    assert reasons["Annotations/3.xml"] == "no such file"
    assert "not a VOC annotation" in reasons["Annotations/1.xml"]
    assert "3 of 4 files left out" in capsys.readouterr().out
    annotate(root, "1", ("zebra", "", (1, 1, 2, 2), 0))
    assert "zebra" in str(datasets.load("voc2012").skipped)


def test_a_picture_in_a_folder_of_its_own_is_found_under_its_id(root):
    annotate(root, "more/5", ("dog", "", (1, 1, 12, 6), 0))
    for part, ids in {"train": ("1", "2", "more/5"), "trainval": ("1", "2", "3", "4", "more/5")}.items():
        enlist(root, part, *ids, task="Main")
    images = datasets.load("voc2012")
    assert len(images) == 5
    assert sum(labels_of(images, "dog")) == 2


def test_a_picture_in_two_parts_and_annotations_for_another_size_are_reported(root, capsys):
    enlist(root, "val", "2", "3", "4", task="Main")
    annotate(root, "4", ("dog", "", (1, 1, 2, 2), 0), size=(500, 375))
    datasets.load("voc2012")
    said = capsys.readouterr().out
    assert "1 pictures are both in train and in val" in said
    assert "2.jpg" in said
    assert "1 pictures are not of the annotated size" in said


def test_without_the_action_lists_the_archive_is_what_is_missing(root):
    shutil.rmtree(root / "ImageSets/Action")
    with pytest.raises(datasets.DatasetNotFound) as caught:
        datasets.load("voc2012_action")
    assert "no folder VOC2012/ImageSets/Action" in str(caught.value)
    assert 'datasets.fetch("voc2012_action")' in str(caught.value)
    assert layout.find("voc2012") == root  # the object task may well be there


@pytest.mark.parametrize("name", ["voc2012", "voc2012_action"])
def test_a_root_may_be_any_of_the_folders(root, tmp_path, name):
    settings.use(data=tmp_path / "nothing", quiet=True)
    for folder in (root, root.parent, root.parent.parent):
        assert len(datasets.load(name, root=folder)) == 4


@pytest.mark.parametrize(
    ("lists", "title"),
    [
        ({"trainval": "123", "test": "4"}, "VOC 2007"),
        ({"train": "12", "val": "3", "trainval": "123", "test": "4"}, "VOC 2007"),
        ({"trainval": "12", "test": "4"}, "VOC 2007, own split of 3"),
        ({"trainval": "123", "test": "14"}, "VOC 2007, own split of 4"),
        ({"train": "12", "val": "3", "trainval": "123"}, "VOC 2007, own split of 3"),  # nothing to test on
    ],
)
def test_lists_that_are_not_the_published_ones_are_told_and_are_in_the_title(
    root, lists, title, capsys, monkeypatch
):
    monkeypatch.setitem(PUBLISHED, "voc2007", {"trainval": 3, "test": 1})
    shutil.rmtree(root / "ImageSets")
    for part, ids in lists.items():
        write(root / f"ImageSets/Main/{part}.txt", *ids)
    images = datasets.load("voc2007", root=root.rename(root.with_name("VOC2007")))
    assert (images.name, images.title) == ("voc2007", title)
    assert capsys.readouterr().out.count("trainval 3, test 1") == ("own split" in title)
    assert "own split" in images[:2].title  # a part has none of the lists
    assert replace(images, source="twin").title == "voc2007 twin"


def test_published_lists_with_a_picture_that_cannot_be_read_are_still_the_published_ones(root, capsys):
    (root / "JPEGImages/4.jpg").write_bytes(b"no picture")
    images = datasets.load("voc2012")
    assert (len(images), images.title) == (3, "VOC 2012")
    assert "own split" not in capsys.readouterr().out


@pytest.mark.real
@pytest.mark.parametrize("name", ["voc2007", "voc2012"])
def test_voc_is_what_torchvision_reads_and_its_extracts_say(name, capsys):
    from torchvision.datasets import VOCDetection

    root = Path(PHOTOGRAPHS).absolute() / layout.LAYOUT[name]["folder"]
    if not root.is_dir():
        pytest.skip(f"no {name} under LECTURE_DATA")
    ours = voc.load(name, root)
    assert capsys.readouterr().out.count("\n") == ("own split" in ours.title)
    assert ours.skipped == ()
    label_of = {1: 1, 0: -1, -1: 0}  # by the flag in <class>_<split>.txt
    for split in ("train", "val"):
        theirs = VOCDetection(str(root.parent.parent), year=root.name[-4:], image_set=split)
        rows = ours.splits[split]
        assert [Path(file).name for file in theirs.images] == [Path(ours.names[i]).name for i in rows]
        for k, i in list(enumerate(rows))[::7]:
            picture, target = theirs[k]
            objects = target["annotation"]["object"]
            boxes = [[int(o["bndbox"][key]) for key in ("xmin", "ymin", "xmax", "ymax")] for o in objects]
            assert (ours.boxes[i].xyxy + np.array([1, 1, 0, 0])).tolist() == boxes
            assert [ours.classes[c] for c in ours.boxes[i].labels] == [o["name"] for o in objects]
            assert ours.boxes[i].difficult.tolist() == [o["difficult"] == "1" for o in objects]
            assert picture.size == tuple(ours.images.sizes[i])
        for c, label in enumerate(ours.classes):
            file = root / f"ImageSets/Main/{label}_{split}.txt"
            flags = dict(line.split() for line in file.read_text().splitlines()) if file.is_file() else {}
            row_of = {Path(ours.names[i]).stem: i for i in rows}
            assert all(ours.labels[row_of[p], c] == label_of[int(flag)] for p, flag in flags.items())


BOX = "<object><name> dog</name><bndbox>{}</bndbox><difficult>{}</difficult></object>"
CORNERS = "<xmax>12.0</xmax><xmin> 1 </xmin><ymax>6</ymax><ymin>1</ymin>"
GOOD = BOX.format(CORNERS, 0)


@pytest.mark.parametrize(
    ("xml", "difficult"),
    [
        (f"<annotation>{GOOD}</annotation>", 0),
        (f"<annotation><size/>{BOX.format(CORNERS, 'Unspecified')}</annotation>", 0),
        (f"<annotation>{BOX.format(CORNERS, '1.0')}<source>caf\xe9</source></annotation>", 1),
        (f'<annotation xmlns="http://example.org/voc">\r\n{BOX.format(CORNERS, " 1 ")}</annotation>', 1),
        (f'<?xml version="1.0" encoding="iso-8859-1"?><annotation>{GOOD}\xe9</annotation>', 0),
        (f"<annotation>{GOOD}"[:-3], None),
        (f"<html>{GOOD}</html>", None),
        (f'<?xml version="1.0" encoding="ansi"?><annotation>{GOOD}</annotation>', None),
        (f"<annotation>{GOOD.replace('12.0', 'nan')}</annotation>", None),
        (f"<annotation>{GOOD.replace('12.0', 'one')}</annotation>", None),
        (f"<annotation>{GOOD.replace('12.0', '0')}</annotation>", None),
        (f"<annotation>{GOOD.replace('<ymin>1</ymin>', '')}</annotation>", None),
        (f"<annotation>{BOX.format(CORNERS.replace('1 ', '90').replace('12', '99'), 0)}</annotation>", None),
        ("404 Not Found", None),
        ("", None),
    ],
)
def test_an_annotation_is_read_in_any_xml_or_its_picture_is_named(root, xml, difficult):
    encoding = "iso-8859-1" if "iso-8859-1" in xml else "utf-8"
    (root / "Annotations/1.xml").write_bytes(xml.encode(encoding))
    images = datasets.load("voc2012")
    if difficult is None:
        ((file, reason),) = images.skipped
        assert Path(file).stem == "1"
        assert reason
    else:
        assert images.skipped == ()
        assert images.boxes[0].xyxy.tolist() == [[0, 0, 12, 6]]
        assert images.boxes[0].difficult.tolist() == [difficult]
        assert labels_of(images, "dog")[0] == (-1 if difficult else 1)
