"""CUB-200-2011 in its published layout: boxes and points stay with their pictures, contradictions are named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lecture_lib import datasets
from lecture_lib.datasets.protocols import ProtocolError

PARTS = ("back", "beak", "left eye", "right wing")
CLASSES = ("001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Chuck_will_Widow")
SIZE = (40, 30)  # width and height of every picture
CLASS_OF = {1: 1, 2: 1, 3: 2, 4: 3, 5: 2}
TRAIN = {1, 4, 5}


pytestmark = pytest.mark.usefixtures("data")


def write(path: Path, lines) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def draw(path: Path, seed: int, grey: bool = False, size=SIZE) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise[..., 0] if grey else noise).save(path, "JPEG")


def file_of(i: int) -> str:
    folder = CLASSES[CLASS_OF[i] - 1]
    return f"{folder}/{folder[4:]}_{i:04d}.jpg"


def part_of(i: int, p: int) -> tuple[float, float, int]:
    """Point p (from 1) of image i as the file has it; every third is hidden, and some of these keep a place."""
    hidden = (i + p) % 3 == 0
    return (i + 0.5, p + 0.25, 0) if hidden and p == 2 else (0, 0, 0) if hidden else (i + 0.5, p + 0.25, 1)


def write_cub(root: Path) -> None:
    """Five pictures of three species, in the published files; the lines of one file are in another order."""
    for i in CLASS_OF:
        draw(root / "images" / file_of(i), i, grey=i == 3)
    write(root / "images.txt", [f"{i} {file_of(i)}" for i in CLASS_OF])
    write(root / "classes.txt", [f"{c} {name}" for c, name in enumerate(CLASSES, start=1)])
    write(root / "image_class_labels.txt", [f"{i} {c}" for i, c in CLASS_OF.items()])
    write(root / "train_test_split.txt", [f"{i} {int(i in TRAIN)}" for i in reversed(CLASS_OF)])
    write(root / "bounding_boxes.txt", [f"{i} {i}.0 2.0 {10 + i}.0 20.5" for i in CLASS_OF])
    write(
        root / "parts" / "parts.txt",
        [f"{p} {name}" for p, name in enumerate(PARTS, start=1)],
    )
    write(
        root / "parts" / "part_locs.txt",
        [" ".join(map(str, (i, p, *part_of(i, p)))) for i in CLASS_OF for p in range(1, 5)],
    )


@pytest.fixture
def cub(data) -> Path:
    write_cub(data / "CUB_200_2011")
    return data / "CUB_200_2011"


def edit(path: Path, old: str | None, new: str) -> None:
    """Put `new` in the place of `old`, or of everything."""
    text = path.read_text(encoding="utf-8")
    assert (old or "") in text
    path.write_text(text.replace(old or text, new, 1), encoding="utf-8")


def expect(birds, ids) -> None:
    """Everything that belongs to the pictures `ids` is at their places."""
    assert birds.images.names == tuple(f"images/{file_of(i)}" for i in ids)
    for k, i in enumerate(ids):
        name = CLASSES[CLASS_OF[i] - 1][4:].replace("_", " ")
        assert birds.classes[birds.labels[k]] == name
        assert [birds.classes[c] for c in birds.boxes[k].labels] == [name]
        assert birds.boxes[k].xyxy.tolist() == [[i, 2, 10 + 2 * i, 22.5]]
        points = [part_of(i, p) for p in range(1, 5)]
        assert birds.parts[k].tolist() == [[x, y, 1] if seen else [0, 0, 0] for x, y, seen in points]
    assert [ids[k] for k in birds.splits["train"]] == [i for i in ids if i in TRAIN]
    assert [ids[k] for k in birds.splits["test"]] == [i for i in ids if i not in TRAIN]


def test_pictures_labels_boxes_parts_and_splits_belong_together(cub, capsys):
    birds = datasets.load("cub200")
    expect(birds, [1, 2, 3, 4, 5])
    assert (birds.name, birds.source, birds.skipped) == ("cub200", "real", ())
    assert birds.classes == ("Black footed Albatross", "Laysan Albatross", "Chuck will Widow")
    assert birds.groups == ("albatross", "albatross", "widow")
    assert birds.part_names == PARTS
    assert birds.parts.dtype == np.float32
    assert not birds.boxes[0].truncated.any()
    assert not birds.boxes[0].difficult.any()
    train, test = birds.split()
    assert [len(train), len(test)] == [3, 2]
    assert test.parts[1].tolist() == birds.parts[2].tolist()
    with pytest.raises(ProtocolError, match="one official split"):
        birds.split(seed=1)
    said = capsys.readouterr().out
    assert (
        "not the published ones (train 5,994, test 5,794), so tables call it cub200, own split of 5" in said
    )
    assert said.count("\n") == 1


def test_labels_of_boxes_follow_when_a_class_has_no_picture(cub, capsys):
    for i in (1, 2):
        (cub / "images" / file_of(i)).unlink()
    birds = datasets.load("cub200")
    assert birds.classes == ("Laysan Albatross", "Chuck will Widow")
    expect(birds, [3, 4, 5])
    assert "classes without a picture are left out, the first is Black footed" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["parts/parts.txt", "parts/part_locs.txt"])
def test_without_part_files_there_are_no_parts_and_it_says_so(cub, file, capsys):
    (cub / file).unlink()
    birds = datasets.load("cub200")
    assert birds.parts is None
    assert birds.part_names == ()
    assert len(birds) == 5
    assert f"no {Path(file).name} in {cub / 'parts'}" in capsys.readouterr().out


def test_a_box_and_a_point_over_the_edge_are_clipped_and_reported(cub, capsys):
    edit(cub / "bounding_boxes.txt", "1 1.0 2.0 11.0 20.5", "1 -3.0 2.0 50.0 20.5")
    edit(cub / "bounding_boxes.txt", "2 2.0 2.0 12.0 20.5", "2 2.0 2.0 38.5 20.5")  # half a pixel: rounding
    edit(cub / "parts" / "part_locs.txt", "4 1 4.5 1.25 1", "4 1 4.5 33.0 1")
    birds = datasets.load("cub200")
    assert birds.boxes[0].xyxy.tolist() == [[0, 2, 40, 22.5]]
    assert birds.boxes[1].xyxy.tolist() == [[2, 2, 40, 22.5]]
    assert birds.parts[3, 0].tolist() == [4.5, 30, 1]
    said = capsys.readouterr().out
    assert f"1 pictures have a box that reaches out and is clipped, the first is images/{file_of(1)}" in said
    assert f"1 pictures have a part point outside, which is clipped, the first is images/{file_of(4)}" in said


@pytest.mark.parametrize(
    "box", ["41.0 2.0 10.0 20.5", "1.0 30.0 5.0 5.0", "1.0 2.0 0.0 20.5", "9.0 2.0 -3.0 20.5"]
)
def test_a_picture_whose_box_has_no_pixel_of_it_is_named_and_left_out(cub, box, capsys):
    edit(cub / "bounding_boxes.txt", "1 1.0 2.0 11.0 20.5", f"1 {box}")
    birds = datasets.load("cub200")
    expect(birds, [2, 3, 4, 5])
    ((file, reason),) = birds.skipped
    assert file == f"images/{file_of(1)}"
    assert "the box x" in reason
    assert f"1 of 5 files left out, the first {file}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("images.txt", None, ""),
        ("images.txt", "2 001", "1 001"),
        ("images.txt", "1 001.Black_footed", "1 002.Laysan"),
        ("bounding_boxes.txt", None, "<!DOCTYPE html>\n<html></html>"),
        ("classes.txt", "2 002", "7 002"),
        ("image_class_labels.txt", "3 2\n", ""),
        ("image_class_labels.txt", "3 2\n", "3 2\n3 2\n"),
        ("image_class_labels.txt", "3 2\n", "3 2\n9 2\n"),
        ("image_class_labels.txt", "3 2\n", "3 5\n"),
        ("image_class_labels.txt", "3 2\n", "3 two\n"),
        ("train_test_split.txt", "4 1\n", "4 2\n"),
        ("bounding_boxes.txt", "1.0 2.0 11.0 20.5\n", "1.0 2.0 11.0\n"),
        ("bounding_boxes.txt", "1 1.0 2.0", "1 nan 2.0"),
        ("parts/parts.txt", "2 beak\n", ""),
        ("parts/part_locs.txt", "4 1 4.5 1.25 1\n", "4 1 4.5 1.25 3\n"),
    ],
)
def test_a_damaged_or_contradicting_text_file_is_one_clear_error(cub, file, old, new):
    edit(cub / file, old, new)
    with pytest.raises(ValueError, match=r"(?s)^cub200: .*Unpack CUB_200_2011\.tgz again") as error:
        datasets.load("cub200")
    assert str(cub) in str(error.value)


@pytest.mark.parametrize("file", ["images.txt", "classes.txt", "bounding_boxes.txt"])
def test_a_missing_text_file_says_how_to_get_the_dataset(cub, file):
    (cub / file).unlink()
    with pytest.raises(
        datasets.DatasetNotFound, match=rf"no {file} in .*fetch\(.cub200.\).*CUB_200_2011\.tgz"
    ):
        datasets.load("cub200")
