"""Hundreds of odd files through every loader: each is read as what it is or named, and the others keep their places."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lecture_lib import datasets
from lecture_lib.datasets.voc import ACTIONS, CLASSES

pytestmark = pytest.mark.usefixtures("data")

SIDE = 24  # pixels of a picture that annotations belong to
N = 40  # files a loader
CORNERS = ("xmin", "ymin", "xmax", "ymax")


# --- files -------------------------------------------------------------------------------------------------

MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "L", "P", "1", "RGBA", "LA", "I;16"),
    "TIFF": ("RGB", "I;16"),
}
MODES |= {"GIF": ("P",), "BMP": ("RGB", "1"), "WEBP": ("RGB", "RGBA")}


def noise(rng, mode: str = "RGB", size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65_536, size[::-1], dtype=np.uint16))
    return Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)).convert(mode)


def encoded(picture: Image.Image, kind: str = "JPEG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def odd_exif(orientation: int) -> bytes:
    """EXIF with an orientation, and a resolution of -1 / 0 that begins outside when read as another type."""
    tags = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack("<HHII", 0x011A, 10, 1, 38)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + tags + bytes(4) + struct.pack("<ii", -1, 0)


def readable(rng) -> bytes:
    """A whole picture of SIDE x SIDE in any form; most are turned."""
    kind = str(rng.choice(list(MODES)))
    options = {"exif": odd_exif(int(rng.integers(0, 12)))} if kind == "JPEG" else {}
    return encoded(noise(rng, str(rng.choice(MODES[kind]))), kind, **options)


def unreadable(rng) -> bytes | str:
    """The bytes of something that is no picture, or "link", "pipe" or "absent" for a file without any."""
    whole = encoded(noise(rng), str(rng.choice(["JPEG", "PNG", "GIF", "BMP", "WEBP"])))
    damaged = (
        whole[: int(rng.uniform(0.02, 0.9) * len(whole))],
        rng.bytes(rng.integers(1, 3000)),
        encoded(Image.fromarray(rng.random((4, 4), np.float32)), "TIFF"),
        b"\n<!DOCTYPE html><html>404 Not Found</html>",
        b"",
    )
    choice = rng.integers(0, len(damaged) + 2)
    return damaged[choice] if choice < len(damaged) else ("link", "pipe")[choice - len(damaged)]


def put(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if content == "link":
        path.symlink_to(path.name)
    elif content == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(content)


def put_list(path: Path, lines: list[str], rng) -> None:
    """A text list as some editor on some system saves it."""
    encoding, end = rng.choice(["utf-8", "utf-8-sig", "utf-16"]), rng.choice(["\n", "\r\n", "\r"])
    text = "".join(line + " " * int(rng.integers(0, 2)) + end * int(rng.integers(1, 3)) for line in lines)
    put(path, (end + text + "  ").encode(encoding))


# --- the published layouts ---------------------------------------------------------------------------------

PARTS = {"train": range(0, N, 2), "test": range(1, N, 2)}


# where class folders are, three classes in the order of their labels, and what a file's name begins with
LAYOUTS = {
    "folder": ("mine/", ("ant", "bat", "cat"), "x"),
    "caltech101": ("caltech101/101_ObjectCategories/", ("Faces", "ant", "yin_yang"), "image"),
    "sun397": ("SUN397/a/", ("abbey", "apse/indoor", "beach"), "sun"),
    "mit67": ("indoorCVPR_09/Images/", ("bakery", "mall", "office"), "x"),
    "ilsvrc2012": ("ILSVRC2012/val/", ("n01", "n02", "n03"), "ILSVRC2012_val"),
    "cub200": ("CUB_200_2011/images/", ("001.Red_Crow", "002.Blue_Crow", "003.Finch"), "x"),
}


def lists(name: str, files: list[str], classes: tuple[str, ...]) -> dict[str, list[str]]:
    """The text files of a dataset, in which picture i is of class i % 3 and every second one trains."""
    part = {key: [files[i] for i in rows] for key, rows in PARTS.items()}
    if name == "sun397":
        names = {"train": "Training", "test": "Testing"}
        return {f"SUN397/{names[key]}_01.txt": [f"/a/{file}" for file in part[key]] for key in PARTS}
    if name == "mit67":  # with a line that is there twice
        return {f"indoorCVPR_09/{key.title()}Images.txt": part[key] + part[key][:1] for key in PARTS}
    if name == "cub200":
        tables = {
            "classes": [f"{c + 1} {label}" for c, label in enumerate(classes)],
            "images": [f"{i + 1} {file}" for i, file in enumerate(files)],
            "image_class_labels": [f"{i + 1} {i % 3 + 1}" for i in range(N)],
            "train_test_split": [f"{i + 1} {1 - i % 2}" for i in range(N)],
            "bounding_boxes": [f"{i + 1} 1.0 2.0 {1 + i % 30}.0 3.5" for i in range(N)],
            "parts/parts": ["1 beak"],
            "parts/part_locs": [f"{i + 1} 1 {i % 20}.5 3.0 1" for i in range(N)],
        }
        return {f"CUB_200_2011/{file}.txt": rows for file, rows in tables.items()}
    return {}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_each_odd_file_is_named_and_all_others_keep_their_places(name, seed, data, capsys):
    rng = np.random.default_rng([seed, len(name)])
    base, classes, begin = LAYOUTS[name]
    files = [f"{classes[i % 3]}/{begin}_{i:04d}.jpg" for i in range(N)]
    for file, lines in lists(name, files, classes).items():
        put_list(data / file, list(rng.permutation(lines)), rng)
    good = rng.random(N) < 0.6
    for file, is_good in zip(files, good, strict=True):
        place = (data / base / file).with_suffix(rng.choice([".jpg", ".JPG", ".jpeg", ".JPEG"]))
        put(place, readable(rng) if is_good else unreadable(rng))
    images = datasets.folder(data / "mine") if name == "folder" else datasets.load(name)
    number = {Path(file).stem: i for i, file in enumerate(files)}
    found = [number[Path(file).stem] for file in images.names]
    assert sorted(found) == np.flatnonzero(good).tolist()
    assert {number[Path(file).stem] for file, _ in images.skipped} == {*np.flatnonzero(~good)}
    assert all(reason for _, reason in images.skipped)
    assert f"{(~good).sum()} of {N} files left out" in capsys.readouterr().out
    assert images.images.sizes.tolist() == [[SIDE, SIDE]] * len(images)
    assert images.labels.tolist() == [i % 3 for i in found]
    for part, rows in PARTS.items() if len(images.splits) == 2 else ():
        key = part if part in images.splits else f"{part}_01"
        assert {found[k] for k in images.splits[key]} == set(rows) & set(found)
    for k, i in enumerate(found):
        assert images.tensor(k).shape == (3, SIDE, SIDE)
        if name == "cub200":
            assert images.boxes[k].xyxy.tolist() == [[1, 2, min(2 + i % 30, SIDE), 5.5]]
            assert images.parts[k].tolist() == [[i % 20 + 0.5, 3, 1]]


# --- annotations -------------------------------------------------------------------------------------------


def annotate(rng, task: str) -> tuple[str, list]:
    """A right annotation in some program's XML, and the objects in it: class, box, difficult, truncated."""
    items, objects = [], []
    for _ in range(rng.integers(0, 4)):
        x0, y0 = rng.integers(1, SIDE - 4, 2)
        x1, y1 = rng.integers(x0 + 1, SIDE + 1), rng.integers(y0 + 1, SIDE + 1)
        flags = [str(rng.choice(["0", "1", " 1 ", "1.0", "Unspecified", "", "0.0"])) for _ in range(2)]
        difficult, truncated = (flag.strip() in ("1", "1.0") for flag in flags)
        spell = (lambda v: f" {v}.0\n") if rng.random() < 0.3 else str
        corners = [f"<{k}>{spell(v)}</{k}>" for k, v in zip(CORNERS, (x0, y0, x1, y1), strict=True)]
        box = [x0 - 1, y0 - 1, x1, y1]
        does = list(rng.permutation(ACTIONS)[: rng.integers(0, 3)])
        label = "person" if task == "Action" else str(rng.choice(CLASSES))
        fields = [
            f"<name> {label}</name>" if rng.random() < 0.5 else f"<name>{label}</name>",
            f"<bndbox>{''.join(rng.permutation(corners))}</bndbox>",
            f"<difficult>{flags[0]}</difficult><truncated>{flags[1]}</truncated>",
            "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part><pose>Left</pose>",
            f"<actions>{''.join(f'<{a}>{int(a in does)}</{a}>' for a in (*ACTIONS, 'other'))}</actions>",
        ]
        items.append(f"<object>{''.join(rng.permutation(fields))}</object>")
        labels = sorted(ACTIONS.index(a) for a in does) if task == "Action" else [CLASSES.index(label)]
        objects += [(c, box, difficult, truncated) for c in labels]
    size = rng.choice([f"<size><width>{SIDE}.0</width><height>{SIDE}</height></size>", "<size/>", ""])
    body = rng.choice(["", "\r\n  "]).join([str(size), *items, "<source>caf\xe9</source>"])
    space = rng.choice(["", ' xmlns="http://example.org/voc"'])
    return f"<annotation{space}>{body}</annotation>", objects


def spoil(xml: str, rng) -> str:
    """The annotation with a fault that costs the picture."""
    box = "<object><name>person</name><actions><reading>1</reading></actions><bndbox>{}</bndbox></object></annotation>"
    wrong = ["9 9 3 3", "nan 1 5 5", "one 1 5 5", "90 90 99 99", "1 1 5"]
    corners = zip(CORNERS, str(rng.choice(wrong)).split(), strict=False)
    with_box = xml.replace("</annotation>", box.format("".join(f"<{key}>{v}</{key}>" for key, v in corners)))
    spoilt = [
        with_box,
        with_box,
        xml[: int(rng.uniform(0.1, 0.9) * len(xml))],
        xml.replace("annotation", "html"),
        '<?xml version="1.0" encoding="ansi"?>' + xml,
        "404 Not Found",
        "",
    ]
    return str(rng.choice(spoilt))


@pytest.mark.parametrize("name", ["voc2007", "voc2012_action"])
def test_an_annotation_is_read_in_any_xml_or_its_picture_is_named(name, data):
    rng, task = np.random.default_rng(len(name)), "Action" if name == "voc2012_action" else "Main"
    root = data / "VOCdevkit" / ("VOC2012" if task == "Action" else "VOC2007")
    ids = [f"{'day 1/' * (i % 3 == 0)}{i:03d}".replace(" ", "") for i in range(100)]
    expected, odd = {}, set()
    for picture in ids:
        xml, objects = annotate(rng, task)
        put(root / f"JPEGImages/{picture}{rng.choice(['.jpg', '.JPG', '.jpeg'])}", encoded(noise(rng)))
        encoding = str(rng.choice(["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"]))
        head = f'<?xml version="1.0" encoding="{encoding}"?>' if encoding == "iso-8859-1" else ""
        if rng.random() < 0.3:
            xml, head = spoil(xml, rng), ""
            encoding = "utf-8"
            odd.add(Path(picture).name)
        else:
            expected[Path(picture).name] = objects
        put(root / f"Annotations/{picture}.xml", (head + xml).encode(encoding))
    for part, rows in (("train", ids[:50]), ("val", ids[50:])):
        put_list(root / f"ImageSets/{task}/{part}.txt", rows, rng)
    images = datasets.load(name)
    assert {Path(file).stem for file, _ in images.skipped} == odd
    assert {Path(file).stem for file in images.names} == set(expected)
    for k, file in enumerate(images.names):
        marked = images.boxes[k]
        found = zip(marked.labels, marked.xyxy, marked.difficult, marked.truncated, strict=True)
        assert [(int(c), box.tolist(), *map(bool, flags)) for c, box, *flags in found] == expected[
            Path(file).stem
        ]
    halves = [{Path(images.names[i]).stem < "050" for i in images.splits[part]} for part in ("train", "val")]
    assert halves == [{True}, {False}]
