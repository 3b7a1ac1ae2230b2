"""Loaders of the published layouts, the check of their files, and the papers' splits."""

import json
import os
import re
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision import models

from lecture_lib import datasets, download, settings, store
from lecture_lib.datasets import ArrayImages, ImageCollection, files, layout, reading, voc
from lecture_lib.datasets.protocols import ProtocolError, few_shot_split
from lecture_lib.twins import world
from lecture_lib.twins.kinds import quadrupeds

PHOTOGRAPHS, BUILD_CACHE = os.environ.get("LECTURE_DATA", ""), os.environ.get("LECTURE_CACHE")


pytestmark = pytest.mark.usefixtures("data")


def photographs(part: str) -> Path:
    """A folder of the real photographs."""
    folder = Path(PHOTOGRAPHS).absolute() / part
    if not folder.is_dir():
        pytest.skip(f"no {part} under LECTURE_DATA")
    return folder


def draw(path: Path, colour: int = 0, size: tuple[int, int] = (6, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (colour % 256, colour // 256, 90)).save(path, "JPEG")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- protocols ---------------------------------------------------------------------------------------------


LABELS = np.repeat(np.arange(4), [40, 90, 31, 200])


@st.composite
def drawn(draw):
    """Labels in any order, some -1, and what few_shot_split can be asked of them."""
    counts = draw(st.lists(st.integers(2, 9), min_size=1, max_size=5))
    labels = np.repeat(np.arange(-1, len(counts)), [draw(st.integers(0, 4)), *counts])
    labels = np.random.default_rng(draw(st.integers(0, 99))).permutation(labels)
    n_train = draw(st.integers(1, min(counts) - 1))
    return labels, n_train, draw(st.none() | st.integers(1, 9)), draw(st.integers(0, 3))


@given(drawn())
def test_a_split_takes_what_is_asked_of_each_class_and_no_picture_twice(case):
    labels, n_train, n_test, seed = case
    train, test = few_shot_split(labels, n_train, n_test, seed)
    counts = np.bincount(labels[labels >= 0])
    assert np.bincount(labels[train]).tolist() == [n_train] * len(counts)
    rest = counts - n_train
    assert (
        np.bincount(labels[test]).tolist() == (rest if n_test is None else np.minimum(rest, n_test)).tolist()
    )
    assert len({*train, *test}) == len(train) + len(test)
    assert (np.diff(train) > 0).all()
    assert (np.diff(test) > 0).all()


@given(drawn())
def test_a_larger_training_set_contains_the_smaller_and_other_classes_change_no_draw(case):
    labels, n_train, n_test, seed = case
    train, test = few_shot_split(labels, n_train, n_test, seed)
    fewer, same = few_shot_split(labels, 1, n_test, seed)
    assert {*fewer} <= {*train}
    if (
        n_test is not None and np.bincount(labels[labels >= 0]).min() >= n_train + n_test
    ):  # while pictures last
        assert np.array_equal(same, test)
    without = np.where(labels == labels.max(), -1, labels)
    if without.max() >= 0:
        for part, all_classes in zip(
            few_shot_split(without, n_train, n_test, seed), (train, test), strict=True
        ):
            assert part.tolist() == all_classes[without[all_classes] >= 0].tolist()


def test_the_same_seed_is_the_same_split_and_another_seed_another():
    assert not np.array_equal(few_shot_split(LABELS, 30, 50, 0)[0], few_shot_split(LABELS, 30, 50, 1)[0])
    # written down: a change of the draw would make old and new results incomparable
    assert few_shot_split(np.repeat([0, 1], 6), 2, 2, seed=0)[0].tolist() == [2, 3, 7, 10]


def test_class_with_too_few_pictures_is_named_with_what_would_work():
    with pytest.raises(ProtocolError, match=r"Too few pictures for 31 .*: cat has 31\. Take fewer"):
        few_shot_split(LABELS, 31, classes=("ant", "bat", "cat", "dog"))
    for labels, sizes in ((np.zeros((5, 2)), (1,)), (LABELS, (0,)), (LABELS, (1, 0)), (np.full(4, -1), (1,))):
        with pytest.raises(ProtocolError):
            few_shot_split(labels, *sizes)


# --- the check of files ------------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path) -> Path:
    root = tmp_path / "mine"
    for i in range(8):
        draw(root / ("ant" if i < 4 else "bat") / f"{i}.jpg", i)
    return root


def break_picture(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def test_unreadable_files_shift_nothing_and_are_named_in_one_line(pictures, capsys):
    whole = datasets.folder(pictures)
    break_picture(pictures / "ant" / "1.jpg")
    write(pictures / "bat" / "page.jpg", "<html>")
    odd = ["ant/1.jpg", "bat/page.jpg"]
    if os.name != "nt":
        (pictures / "bat" / "link.jpg").symlink_to("link.jpg")
        os.mkfifo(pictures / "bat" / "pipe.jpg")
        odd[1:1] = ["bat/link.jpg"]
        odd += ["bat/pipe.jpg"]
    capsys.readouterr()
    rest = datasets.folder(pictures)
    assert rest.images.fingerprint == whole[[0, 2, 3, 4, 5, 6, 7]].images.fingerprint
    assert [file for file, _ in rest.skipped] == odd
    assert all(reason for _, reason in rest.skipped)
    assert re.fullmatch(
        rf"mine: {len(odd)} of {7 + len(odd)} files left out, .* ant/1\.jpg .*\n", capsys.readouterr().out
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lists_are_read_as_any_editor_saves_them(tmp_path, encoding, end):
    (tmp_path / "list.txt").write_bytes(f"{end}a/café.jpg {end}{end}b/2.jpg{end}  ".encode(encoding))
    assert files.read_lines(tmp_path / "list.txt") == ["a/café.jpg", "b/2.jpg"]


def test_a_second_load_decodes_nothing(pictures, monkeypatch):
    first = datasets.folder(pictures)
    monkeypatch.setattr(reading, "decode_picture", lambda *_: pytest.fail("decoded again"))
    assert datasets.folder(pictures).images.fingerprint == first.images.fingerprint


def test_a_changed_file_is_checked_again_and_changes_the_fingerprint(pictures):
    first = datasets.folder(pictures)
    draw(pictures / "ant" / "0.jpg", 200)
    second = datasets.folder(pictures)
    assert second.images.fingerprint != first.images.fingerprint
    assert second[1:].images.fingerprint == first[1:].images.fingerprint
    good = (pictures / "ant" / "0.jpg").read_bytes()
    break_picture(pictures / "ant" / "0.jpg")
    assert len(datasets.folder(pictures)) == 7
    (pictures / "ant" / "0.jpg").write_bytes(good)  # repaired, and elsewhere
    shutil.move(pictures, pictures.with_name("moved"))
    assert datasets.folder(pictures.with_name("moved")).images.fingerprint == second.images.fingerprint


def test_an_interrupted_check_is_not_done_again(pictures, monkeypatch):
    decode, done = reading.decode_picture, []

    def stop_at_the_last(data, name):
        if name.name == "7.jpg":
            raise KeyboardInterrupt
        done.append(name.name)
        return decode(data, name)

    monkeypatch.setattr(reading, "decode_picture", stop_at_the_last)
    with pytest.raises(KeyboardInterrupt):
        datasets.folder(pictures)
    assert len(done) == 7
    done.clear()
    monkeypatch.setattr(
        reading, "decode_picture", lambda data, name: done.append(name.name) or decode(data, name)
    )
    assert len(datasets.folder(pictures)) == 8
    assert done == ["7.jpg"]


@pytest.mark.parametrize("damage", ["{", "[]", '{"version": 0, "files": {}}', '{"version": 2, "files": [3]}'])
def test_a_damaged_ledger_is_begun_again(pictures, damage):
    first = datasets.folder(pictures)
    (ledger,) = (settings.current().cache / "pictures").iterdir()
    ledger.write_text(damage)
    assert datasets.folder(pictures).images.fingerprint == first.images.fingerprint
    assert json.loads(ledger.read_text())["files"]


def test_a_cache_that_cannot_be_written_costs_only_the_memory_of_the_check(pictures, monkeypatch):
    def refuse(path, content):
        raise store.StoreError("The disk is full.")

    monkeypatch.setattr(store, "write_atomically", refuse)
    with pytest.warns(UserWarning, match="checked again next time: The disk is full"):
        assert len(datasets.folder(pictures)) == 8


def test_a_picture_that_breaks_or_is_replaced_is_never_taken_for_the_one_that_was_loaded(pictures):
    first, file = datasets.folder(pictures), pictures / "bat" / "5.jpg"
    break_picture(pictures / "bat" / "6.jpg")
    before = file.stat()
    draw(file, size=(9, 9))
    file.write_bytes(file.read_bytes().ljust(before.st_size, b"\0")[: before.st_size])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # the same size and time
    assert first.tensor(4).shape == (3, 4, 6)
    for i, reason in ((5, "another picture"), (6, "Load the dataset again")):
        with pytest.raises(datasets.UnreadablePicture, match=rf"{i}\.jpg: .*{reason}"):
            first.tensor(i)
    assert datasets.folder(pictures)[:6].images.fingerprint != first[:6].images.fingerprint


# --- a folder of one's own ---------------------------------------------------------------------------------


def test_own_folder_gives_a_class_for_each_folder(pictures):
    for debris in (".DS_Store", "ant/.DS_Store", "ant/Thumbs.db", ".ipynb_checkpoints/0-checkpoint.jpg"):
        draw(pictures / debris)
    mine = datasets.folder(str(pictures))
    assert (mine.name, mine.source, mine.classes) == ("mine", "real", ("ant", "bat"))
    assert mine.labels.tolist() == [0] * 4 + [1] * 4
    assert mine.skipped == ()
    train, test = mine.split(seed=0, train_per_class=3)
    assert (len(train), len(test)) == (6, 2)


def test_flat_folder_is_unlabelled(pictures):
    flat = datasets.folder(pictures / "ant")
    assert flat.labels.tolist() == [-1] * 4
    assert flat.classes == ()
    assert flat.images.names == ("0.jpg", "1.jpg", "2.jpg", "3.jpg")


def test_empty_folders_and_pictures_beside_folders_are_named_and_change_nothing(pictures, capsys):
    whole = datasets.folder(pictures)
    (pictures / "aphid").mkdir()
    draw(pictures / "stray.jpg")
    draw(pictures / "bat" / "more" / "8.jpg")
    shutil.move(pictures / "bat" / "7.jpg", pictures / "bat" / "7.JPEG")
    mine = datasets.folder(pictures)
    assert (mine.classes, mine.images.fingerprint) == (("ant", "bat"), whole.images.fingerprint)
    said = capsys.readouterr().out
    assert all(name in said for name in ("the first is aphid", "stray.jpg", "bat/more"))


def test_no_folder_no_pictures_and_a_file_are_told_apart(tmp_path):
    (tmp_path / "empty" / "ant").mkdir(parents=True)
    write(tmp_path / "notes.txt", "x")
    for path, message in (
        ("gone", "is not there"),
        ("notes.txt", "is a file"),
        ("empty", "no readable picture"),
    ):
        with pytest.raises(datasets.DatasetNotFound, match=message):
            datasets.folder(tmp_path / path)


# --- Caltech-101 -------------------------------------------------------------------------------------------


@pytest.fixture
def caltech(data) -> Path:
    root = data / "caltech101" / "101_ObjectCategories"
    for c, name in enumerate(("BACKGROUND_Google", "Faces", "ant", "yin_yang")):
        for i in range(1, 6):
            draw(root / name / f"image_{i:04d}.jpg", 10 * c + i)
    draw(root / ".DS_Store" / "image_0001.jpg")
    write(root / "BACKGROUND_Google" / "tmp", "left in the original archive")
    return root


def test_background_is_out_by_default_and_last_when_asked_for(caltech):
    plain, more = datasets.load("caltech101"), datasets.load("caltech101", background=True)
    assert plain.classes == ("Faces", "ant", "yin_yang")
    assert plain.groups == ("person", "invertebrate", "other")
    assert more.classes == (*plain.classes, "BACKGROUND_Google")
    assert more[:15].images.fingerprint == plain.images.fingerprint
    assert more.labels[15:].tolist() == [3] * 5
    assert more.skipped == ()
    a, b = plain.split_indices(0, train_per_class=3), more.split_indices(0, train_per_class=3)
    assert [i[i < 15].tolist() for i in b] == [i.tolist() for i in a]


@pytest.mark.real
def test_caltech_is_what_torchvision_lists():
    from torchvision.datasets import Caltech101

    root = photographs("caltech101").parent
    if BUILD_CACHE:
        settings.use(cache=BUILD_CACHE, quiet=True)  # 4,000 pictures are checked once a clone
    theirs, ours = Caltech101(str(root)), datasets.load("caltech101", root=root)
    assert list(ours.classes) == theirs.categories
    assert ours.labels.tolist() == theirs.y
    home = root / "caltech101" / "101_ObjectCategories"
    there = [file.relative_to(home).as_posix() for file in home.glob("*/image_*.jpg")]
    assert list(ours.images.names) == sorted(name for name in there if "BACKGROUND" not in name)
    assert "" not in ours.groups


# --- SUN-397 -----------------------------------------------------------------------------------------------


@pytest.fixture
def sun(data) -> Path:
    root = data / "SUN397"
    names = [
        f"/{folder}/sun_{letter}.jpg"
        for folder in ("a/abbey", "a/apse/indoor", "b/beach")
        for letter in "zyxw"
    ]
    for i, name in enumerate(names):
        draw(root / name[1:], i)
    write(root / "Partitions" / "ClassName.txt", "/a/abbey\n/a/apse/indoor\n/b/beach\n")
    for k in (1, 2):
        write(root / "Partitions" / f"Training_0{k}.txt", "\r\n".join(names[k - 1 :: 4]) + "\r\n")
        write(root / "Partitions" / f"Testing_0{k}.txt", "\n".join(names[k + 1 :: 4]))
    return root


def test_sun_partitions_are_the_published_lists(sun):
    scenes = datasets.load("sun397")
    assert scenes.classes == ("abbey", "apse/indoor", "beach")
    for seed in (0, 1):
        for got, kind in zip(scenes.split(seed), ("Training", "Testing"), strict=True):
            listed = (sun / "Partitions" / f"{kind}_0{seed + 1}.txt").read_text().split()
            assert ["/" + name for name in got.images.names] == listed
    with pytest.raises(ProtocolError, match="no partition 03 for seed 2; there are 01, 02"):
        scenes.split(2)


def test_sun_without_partitions_loads_but_has_no_protocol(sun):
    shutil.rmtree(sun / "Partitions")
    scenes = datasets.load("sun397")
    assert len(scenes) == 12
    with pytest.raises(ProtocolError, match=r"Partitions\.zip"):
        scenes.split()


# --- ILSVRC-2012 -------------------------------------------------------------------------------------------


@pytest.fixture
def ilsvrc(data) -> Path:
    root = data / "ILSVRC2012"
    for c, wnid in enumerate(("n03126707", "n01440764", "n02012849")):
        for i in range(3):
            draw(root / "val" / wnid / f"ILSVRC2012_val_{10 * c + i:08d}.JPEG", 10 * c + i)
    return root


def test_ilsvrc_classes_are_in_the_networks_order(ilsvrc):
    val = datasets.load("ilsvrc2012")
    assert val.classes == ("n01440764", "n02012849", "n03126707")
    assert val.images.names[0].startswith("val/n01440764/")
    assert val.splits["val"].tolist() == list(range(9))


def test_ilsvrc_names_two_classes_of_one_word_apart(ilsvrc):
    lines = "n01440764 tench, Tinca tinca\nn02012849 crane\nn03126707 crane\n"
    for file, text in (("words.txt", lines.replace(" ", "\t", 1)), ("LOC_synset_mapping.txt", lines)):
        write(ilsvrc / file, text)
        assert datasets.load("ilsvrc2012").classes == ("tench", "crane (n02012849)", "crane (n03126707)")


def test_ilsvrc_reads_only_what_is_asked_for(ilsvrc):
    few = datasets.load("ilsvrc2012", per_class=2)
    assert np.bincount(few.labels).tolist() == [2, 2, 2]
    assert (
        datasets.load("ilsvrc2012", root=ilsvrc).images.fingerprint
        == datasets.load("ilsvrc2012").images.fingerprint
    )


def test_ilsvrc_faults_say_what_to_do(ilsvrc):
    with pytest.raises(ValueError, match="no split 'test'"):
        datasets.load("ilsvrc2012", split="test")
    draw(ilsvrc / "train" / "n01440764_10026.JPEG")
    with pytest.raises(datasets.DatasetNotFound, match="one folder a class"):
        datasets.load("ilsvrc2012", split="train")


# --- load and fetch ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["caltech101", "sun397", "mit67", "cub200", "voc2007", "voc2012", "voc2012_action", "ilsvrc2012"]
)
def test_missing_dataset_says_where_it_was_looked_for_and_how_to_get_it(name, data):
    with pytest.raises(datasets.DatasetNotFound) as caught:
        datasets.load(name)
    message = str(caught.value)
    assert message.startswith(f"{name}: no folder ")
    assert str(data) in message
    assert f'datasets.fetch("{name}")' in message or "https://image-net.org" in message


def test_the_profile_decides_between_twin_and_photographs(caltech, monkeypatch):
    asked = []
    twin = types.SimpleNamespace(caltech101=lambda **options: asked.append(options) or "the twin")
    monkeypatch.setitem(sys.modules, "lecture_lib.datasets.twin", twin)
    monkeypatch.setattr(datasets, "twin", twin, raising=False)
    assert datasets.load("caltech101").source == "real"
    settings.use("demo", quiet=True)
    assert datasets.load("caltech101", background=True) == "the twin"
    assert asked == [{"background": True}]
    assert datasets.load("caltech101", root=caltech).source == "real"


def test_unknown_dataset_lists_the_known_ones():
    for call in (datasets.load, datasets.fetch):
        with pytest.raises(ValueError, match=r"caltech256.*caltech101"):
            call("caltech256")


# archive -> a file in it, in the published arrangement
PUBLISHED = {
    "caltech-101.zip": "caltech-101/101_ObjectCategories.tar.gz",
    "101_ObjectCategories.tar.gz": "101_ObjectCategories/ant/image_0001.jpg",
    "VOCtrainval_06-Nov-2007.tar": "VOCdevkit/VOC2007/ImageSets/Main/trainval.txt",
    "VOCtest_06-Nov-2007.tar": "VOCdevkit/VOC2007/ImageSets/Main/test.txt",
    "SUN397.tar.gz": "SUN397/a/abbey/sun_a.jpg",
    "Partitions.zip": "Training_01.txt",
    "CUB_200_2011.tgz": "CUB_200_2011/images.txt",
    "indoorCVPR_09.tar": "Images/mall/a.jpg",
}


@pytest.fixture
def downloads(monkeypatch) -> list[str]:
    """The names of the files that were asked of the network, which has them all."""
    asked = []

    def fetch(file, folder):
        if not (Path(folder) / file.name).exists():
            asked.append(file.name)
            write(Path(folder) / file.name, "")
        return Path(folder) / file.name

    monkeypatch.setattr(download, "fetch", fetch)
    monkeypatch.setattr(download, "unpack", lambda path, into: write(into / PUBLISHED[path.name], ""))
    return asked


@pytest.mark.parametrize(
    ("name", "arrived"),
    [
        ("caltech101", ["caltech101/101_ObjectCategories/ant/image_0001.jpg"]),
        ("voc2007", [f"VOCdevkit/VOC2007/ImageSets/Main/{part}.txt" for part in ("trainval", "test")]),
        ("sun397", ["SUN397/a/abbey/sun_a.jpg", "SUN397/Partitions/Training_01.txt"]),
        ("cub200", ["CUB_200_2011/images.txt"]),
        (
            "mit67",
            [f"indoorCVPR_09/{file}" for file in ("Images/mall/a.jpg", "TestImages.txt", "TrainImages.txt")],
        ),
    ],
)
def test_fetched_archives_arrive_where_the_loaders_look(name, arrived, data, downloads, capsys):
    folder = datasets.fetch(name)
    assert layout.find(name) == folder
    assert sorted(arrived) == sorted(
        file.relative_to(data).as_posix() for file in data.rglob("*") if file.is_file()
    )  # and no archive takes room any more
    before = list(downloads)
    assert datasets.fetch(name) == folder
    assert downloads == before
    assert "already unpacked" in capsys.readouterr().out


def test_an_archive_put_there_by_hand_is_used_and_kept(data, downloads):
    by_hand = data / "caltech-101.zip"
    write(by_hand, "")
    datasets.fetch("caltech101")
    assert downloads == []
    assert by_hand.exists()


def test_ilsvrc_cannot_be_fetched_and_says_how_to_get_it(data):
    with pytest.raises(download.DownloadError, match=r"account at https://image-net\.org.*val/<wnid>"):
        datasets.fetch("ilsvrc2012")


@pytest.mark.parametrize("source", ["twin", "real"])
def test_each_class_of_voc_finds_its_source_classes(source):
    published = models.AlexNet_Weights.DEFAULT.meta["categories"]
    names = [c.name for c in world.SOURCE] if source == "twin" else published
    classes = ("dog", "sofa", "owl", "crane")
    images = ImageCollection("few", source, ArrayImages(np.empty((0, 3, 1, 1), np.uint8)), classes, [])
    dogs, sofas, *none = datasets.source_classes(images, names)
    assert none == [[], []]
    assert [names[i] for i in sofas] == (["sofa"] if source == "twin" else ["studio couch"])
    if source == "twin":
        assert {world.BY_NAME[names[i]].group for i in dogs} == {quadrupeds.GROUP_DOGS}
    else:
        assert dogs == list(range(151, 269))  # the breeds stand together


def test_the_source_classes_of_photographs_are_classes_of_imagenet():
    published = models.AlexNet_Weights.DEFAULT.meta["categories"]
    images = ImageCollection("few", "real", ArrayImages(np.empty((0, 3, 1, 1), np.uint8)), voc.CLASSES, [])
    members = datasets.source_classes(images, published)
    assert all(members)
    assert sum(map(len, members)) == len(layout.read_groups("ilsvrc2012")) - 1
    # as this project's folders and as Caffe's networks name them
    bird = voc.CLASSES.index("bird")
    assert datasets.source_classes(images, ["cock, rooster", "crane (n02012849)", "crane"])[bird] == [0, 1]
