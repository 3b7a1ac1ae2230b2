"""Photographs to search in, as published: queries and answers are what the ground truth means, or it says why."""

import os

import numpy as np
import pytest
from PIL import Image

from lecture_lib import datasets
from lecture_lib.datasets import DatasetNotFound
from lecture_lib.datasets.retrieval import Query, RetrievalCollection

PHOTOGRAPHS = os.environ.get("LECTURE_DATA", "")  # before the fixture takes it away

pytestmark = pytest.mark.usefixtures("data")
OXFORD = ("keble_000001", "keble_000002", "oxford_000003", "oriel_000001", "oriel_000002", "oxford_000009")


def save(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        noise = np.random.default_rng(len(name)).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / name)


def truth(folder, name, query, good=(), ok=(), junk=()):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}_query.txt").write_text(f"{query}\n")
    for part, names in (("good", good), ("ok", ok), ("junk", junk)):
        (folder / f"{name}_{part}.txt").write_text("".join(f"{one}\n" for one in names))


@pytest.fixture
def oxford(data):
    root = data / "oxford5k"
    save(root / "images", *(f"{name}.jpg" for name in OXFORD))
    answers = ["keble_000001", "keble_000002"], ["oxford_000003"], ["oriel_000002"]
    truth(root / "gt_files", "keble_10", "oxc1_keble_000002 0 0 10 10", *answers)
    truth(root / "gt_files", "keble_2", "oxc1_keble_000001 1.5 2 30.25 29", *answers)
    truth(root / "gt_files", "oriel_1", "oxc1_oriel_000001 5 5 44 20", ["oriel_000001"])
    return root


def names(images, rows):
    return [images.names[i].removesuffix(".jpg") for i in rows]


def test_queries_point_at_the_pictures_that_the_ground_truth_names(oxford, capsys):
    images = datasets.load("oxford5k")
    assert (len(images), images.classes) == (6, ("keble", "oriel"))
    assert names(images, [q.picture for q in images.queries]) == [
        "keble_000001",
        "keble_000002",
        "oriel_000001",
    ]
    first, _, last = images.queries
    assert first.box.tolist() == [1.5, 2, 30.25, 29]
    assert names(images, first.good) == ["keble_000001", "keble_000002"]
    assert names(images, first.positives)[2:] == ["oxford_000003"]
    assert names(images, first.junk) == ["oriel_000002"]
    assert last.box.tolist() == [5, 5, 40, 20]  # clipped to the picture
    assert names(images, images.splits["others"]) == ["oxford_000009"]
    assert images.labels.tolist() == [0, 0, 1, 0, 0, -1]
    assert images.title == "oxford5k, a part: 6 pictures, 3 queries"
    assert capsys.readouterr().out == ""
    assert images[[3, 1]].queries == ()


def test_what_is_not_here_or_damaged_is_left_out_and_said_once(oxford, capsys):
    (oxford / "images" / "keble_000002.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    (oxford / "images" / "oriel_000001.jpg").unlink()
    images = datasets.load("oxford5k")
    said = capsys.readouterr().out
    assert "1 of 5 files left out, the first keble_000002.jpg" in said
    assert "2 pictures of the ground truth are not here and left out of it, the first is keble_000002" in said
    assert (
        "2 queries are left out, as their picture or all that answers them is not here, the first is keble_10"
        in said
    )
    (query,) = images.queries
    assert names(images, query.positives) == ["keble_000001", "oxford_000003"]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "keble_2_query.txt",
            "oxc1_keble_000001 1 2 30",
            "is not one line of a picture's name and x0 y0 x1 y1",
        ),
        ("keble_2_query.txt", "oxc1_keble_000001 1 2 30 nan", "Get the ground truth again"),
        ("keble_2_query.txt", "", "is not one line"),
        (
            "keble_2_query.txt",
            "oxc1_keble_000001 300 200 600 400",
            "is not inside the picture.*Was it made smaller",
        ),
        ("keble_2_query.txt", "oxc1_keble_000001 20 20 10 10", "has no area"),
        ("keble_2_good.txt", "<html>\n", "is not a picture's name, one a line"),
        ("keble_2_good.txt", None, "no keble_2_good.txt beside the query"),
    ],
)
def test_a_damaged_ground_truth_says_what_to_do(oxford, file, text, message):
    path = oxford / "gt_files" / file
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    with pytest.raises(ValueError, match=message):
        datasets.load("oxford5k")


def test_missing_folders_and_answers_say_how_to_get_them(oxford, data):
    for file in (oxford / "images").iterdir():
        file.rename(file.with_name(f"other_{file.name}"))
    with pytest.raises(
        DatasetNotFound, match=r"no query of .*gt_files has its picture .*oxbuild_images\.tgz"
    ):
        datasets.load("oxford5k")
    for file in (oxford / "gt_files").iterdir():
        file.unlink()
    with pytest.raises(DatasetNotFound, match="Unpack the published ground truth there"):
        datasets.load("oxford5k")
    (oxford / "gt_files").rmdir()
    with pytest.raises(DatasetNotFound, match=r"no folder gt_files in .*gt_files_170407\.tgz"):
        datasets.load("oxford5k")
    for name, folder in (("paris6k", "images"), ("holidays", "jpg"), ("ukbench", "full")):
        with pytest.raises(DatasetNotFound, match=f"no folder {name}"):
            datasets.load(name)
        (data / name).mkdir()
        with pytest.raises(DatasetNotFound, match=f"no folder {folder} in .*unpack"):
            datasets.load(name)
        (data / name / folder).mkdir()
        with pytest.raises(DatasetNotFound):
            datasets.load(name)


def test_paris_has_its_pictures_in_folders_and_sculptures_in_two_parts(data):
    save(data / "paris6k" / "images" / "eiffel", "paris_eiffel_000001.jpg", "paris_eiffel_000002.jpg")
    both = ["paris_eiffel_000001", "paris_eiffel_000002"]
    truth(data / "paris6k" / "gt_files", "eiffel_1", "paris_eiffel_000002 0 0 10 10", both)
    (query,) = datasets.load("paris6k").queries
    assert query.positives.tolist() == [0, 1]
    for part in ("train", "test"):
        save(data / "sculptures6k" / part / "images", f"{part}_1.jpg", f"{part}_2.jpg")
        truth(data / "sculptures6k" / part / "gt_files", "arch_1", f"{part}_1 0 0 10 10", [f"{part}_2"])
    assert datasets.load("sculptures6k").names == ("test_1.jpg", "test_2.jpg")
    assert datasets.load("sculptures6k", split="train").names == ("train_1.jpg", "train_2.jpg")
    with pytest.raises(ValueError, match="take 'train' or 'test'"):
        datasets.load("sculptures6k", split="val")


def test_holidays_takes_the_query_out_and_ukbench_counts_it(data, capsys):
    numbers = (100000, 100001, 100002, 100100, 100101, 100200, 100301)
    save(data / "holidays" / "jpg", *(f"{n}.jpg" for n in numbers), "copy.jpg")
    images = datasets.load("holidays")
    said = capsys.readouterr().out
    assert (
        "1 pictures are left out, as their names are not numbers as published, the first is copy.jpg" in said
    )
    assert "2 groups are not complete here, the first is 1002" in said
    assert [(q.picture, q.positives.tolist(), q.junk.tolist()) for q in images.queries] == [
        (0, [1, 2], [0]),
        (3, [4], [3]),
    ]
    save(data / "ukbench" / "full", *(f"ukbench{n:05d}.jpg" for n in range(7)))
    images = datasets.load("ukbench")
    assert "1 groups are not complete here, the first is 0001" in capsys.readouterr().out
    assert [q.positives.tolist() for q in images.queries] == [[0, 1, 2, 3]] * 4 + [[4, 5, 6]] * 3


def test_a_query_without_answers_or_with_one_picture_twice_is_refused(oxford):
    images = datasets.load("oxford5k")
    given = {"name": "mine", "source": "real", "images": images.images, "classes": (), "labels": [-1] * 6}
    for query, message in (
        (Query(0, None, [], [], [1], "a"), "has no answer"),
        (Query(0, None, [1], [], [1], "a"), "twice in good, ok and junk"),
        (Query(0, None, [6], [], [], "a"), "not among these 6"),
    ):
        with pytest.raises(ValueError, match=message):
            RetrievalCollection(**given, queries=(query,))


@pytest.mark.real
def test_the_part_of_oxford_has_its_queries():
    images = datasets.load("oxford5k", root=PHOTOGRAPHS)
    if len(images) != 275:
        pytest.skip("another part of Oxford5k")
    found = {(q.instance, len(q.good), len(q.ok), len(q.junk)) for q in images.queries}
    assert found == {("all_souls", 5, 9, 7), ("balliol", 2, 2, 3), ("christ_church", 11, 7, 9)}
    assert len(images.queries) == 5
    assert len(images.splits["others"]) == 220
    assert all(q.picture in q.positives for q in images.queries)


@pytest.mark.real
def test_the_part_of_ukbench_has_groups_of_four():
    images = datasets.load("ukbench", root=PHOTOGRAPHS)
    if len(images) != 56:
        pytest.skip("another part of UKBench")
    assert len(images.queries) == 56
    assert set(np.bincount(images.labels)) == {4}
