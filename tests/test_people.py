"""People and their attributes: labels keep their meaning on the way in, and damaged files say what to do."""

import os

import numpy as np
import pytest
from PIL import Image

from lecture_lib import datasets, settings
from lecture_lib.datasets import DatasetNotFound, people
from lecture_lib.datasets.protocols import ProtocolError
from lecture_lib.metrics import average_precision
from lecture_lib.twins import people as drawing
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.world import keys

PHOTOGRAPHS = os.environ.get("LECTURE_DATA", "")  # before the fixture takes it away
FREQ = (59.3, 30.0, 22.0, 16.6, 23.5, 49.0, 17.9, 33.8, 74.7)  # the lecture's row "Freq", in %


def picture(path, width=30, height=40):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)


@pytest.fixture
def berkeley(data):
    root = data / "attributes_dataset"
    for folder in people.FOLDERS:
        picture(root / folder / "a.jpg")
        (root / folder / "labels.txt").write_text("a.jpg 2 3 10 20 1 -1 0 0 0 0 -1 1 1\n")
    with open(root / "train" / "labels.txt", "a") as more:
        more.write("a.jpg 12 3 10 20 -1 1 0 0 0 0 -1 1 1\n")
    return root


def test_unspecified_and_no_are_not_confused(berkeley):
    images = datasets.load("h3d")
    assert images.classes == people.ATTRIBUTES == drawing.ATTRIBUTES
    assert images.labels[0].tolist() == [1, 0, -1, -1, -1, -1, 0, 1, 1]
    assert images.names[:2] == ("train/a.jpg", "train/a.jpg")  # two people of one picture
    assert [boxes.xyxy.tolist() for boxes in images.boxes[:2]] == [[[2, 3, 12, 23]], [[12, 3, 22, 23]]]
    train, test = images.split_indices()
    assert (train.tolist(), test.tolist()) == ([0, 1, 2], [3])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("a.jpg 2 3 10 20 1 -1 0", "line 2 of .*labels.txt is not a file, x, y"),
        ("a.jpg 2 3 10 20 1 -1 0 0 0 0 -1 1 2", "9 of 1, -1, 0. Unpack the archive again"),
        ("a.jpg two 3 10 20 1 -1 0 0 0 0 -1 1 1", "line 2"),
    ],
)
def test_a_damaged_list_is_named_with_its_line(berkeley, line, found):
    (berkeley / "val" / "labels.txt").write_text(f"a.jpg 2 3 10 20 1 -1 0 0 0 0 -1 1 1\n{line}\n")
    with pytest.raises(ValueError, match=found):
        datasets.load("h3d")


def test_a_list_that_is_missing_is_named(berkeley):
    (berkeley / "test" / "labels.txt").unlink()
    with pytest.raises(DatasetNotFound, match=r"no test/labels.txt in .*poselets"):
        datasets.load("h3d")


HEAD = "image,gender,category,sleevelength,neckline,scarf"


@pytest.fixture
def clothes(data):
    for i in range(6):
        picture(data / "clothing" / "images" / f"{i}.jpg")
    rows = ["0.jpg,1,3,2,1,1", "1.jpg,2,,3,,2", "2.jpg,,5,1,3,", *(f"{i}.jpg,1,1,3,2,1" for i in (3, 4, 5))]
    (data / "clothing" / "attributes.csv").write_text("\n".join([HEAD, *rows]))
    return data / "clothing"


def test_one_of_several_becomes_attributes_and_what_was_disputed_counts_neither_way(clothes):
    images = datasets.load("clothing")
    of = dict(zip(images.classes, images.labels[:3].T.tolist(), strict=True))
    assert of["male"] == [1, 0, -1]
    assert of["t-shirt"] == [1, -1, 0]
    assert of["long sleeves"] == [0, 1, 0]
    assert of["no sleeves"] == [0, 0, 1]
    assert of["scarf"] == [0, 1, -1]
    assert not {"long hair", "jeans"} & set(images.classes)


def test_folds_test_every_picture_once(clothes):
    images = datasets.load("clothing")
    parts = [images.split_indices(k) for k in range(people.FOLDS)]
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(6))
    assert all(sorted([*train, *test]) == list(range(6)) for train, test in parts)
    with pytest.raises(ProtocolError, match="seed is 0 to 4, not 5"):
        images.split_indices(5)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("1.jpg,2,", "1.jpg,3,", "gender of 1.jpg .* is '3', not a number from 1 to 2"),
        ("1.jpg,2,", "1.jpg,woman,", "is 'woman'"),
        ("gender", "sex", "has no column gender"),
    ],
)
def test_a_damaged_table_says_which_cell(clothes, old, new, found):
    table = clothes / "attributes.csv"
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(ValueError, match=found):
        datasets.load("clothing")


def test_without_the_table_it_says_how_to_get_it(clothes):
    (clothes / "attributes.csv").unlink()
    with pytest.raises(DatasetNotFound, match=r"no attributes.csv in .*26 label files"):
        datasets.load("clothing")
    settings.use("demo", quiet=True)
    with pytest.raises(DatasetNotFound, match="no twin"):
        datasets.load("clothing")


@pytest.mark.real
def test_the_part_of_the_clothing_set_has_the_counts_that_were_found_in_it():
    images = datasets.load("clothing", root=PHOTOGRAPHS)
    counts = dict(zip(images.classes, (images.labels == 1).sum(0).tolist(), strict=True))
    unknown = dict(zip(images.classes, (images.labels == -1).sum(0).tolist(), strict=True))
    assert len(images) == 420
    assert [counts[name] for name in ("male", "long sleeves", "t-shirt")] == [176, 285, 23]
    assert [unknown[name] for name in ("male", "long sleeves", "t-shirt")] == [14, 18, 162]


# --- the twin ----------------------------------------------------------------------------------------------


def test_attributes_are_about_as_frequent_as_in_the_lecture():
    on = drawing.wear(Chance(keys("test of h3d", 20_000)))
    shares = [100 * float(on[name].mean()) for name in drawing.ATTRIBUTES]
    assert np.abs(np.array(shares) - FREQ).max() < 1.5
    garments = on["long trousers"] + on["shorts"] + on["skirt"]
    assert (garments == 1).all()
    assert not (on["jeans"] * (1 - on["long trousers"])).any()
    assert not (on["t-shirt"] * on["long sleeves"]).any()


def test_the_twin_tells_what_is_to_be_seen(small_twin):
    images = small_twin("h3d")
    assert images.labels.shape == (120, 9)
    seen = dict(zip(images.part_names, images.parts[..., 2].T > 0, strict=True))
    known = dict(zip(images.classes, images.labels.T >= 0, strict=True))
    knees = seen["left knee"] | seen["right knee"]
    for name in ("shorts", "jeans", "long trousers"):
        assert not known[name][~knees].any()  # cut off, or behind a wall
    assert not known["hat"][~seen["crown"]].any()
    assert 0.05 < 1 - known["jeans"].mean() < 0.5
    for boxes, points in zip(images.boxes, images.parts, strict=True):
        x0, y0, x1, y1 = boxes.xyxy[0]
        x, y = points[points[:, 2] > 0, :2].T
        assert ((x >= x0 - 8) & (x <= x1 + 8) & (y >= y0 - 8) & (y <= y1 + 8)).all()


def test_left_is_the_persons_own_left():
    images = drawing.draw(keys("test of h3d", 40), 64)
    left, right = (drawing.POINTS.index(f"{side} shoulder") for side in ("left", "right"))
    both = (images[2][:, [left, right], 2] > 0).all(1)
    on = drawing.wear(Chance(keys("test of h3d", 40), 3))
    order = images[2][both, left, 0] > images[2][both, right, 0]
    assert (order == (on["back"].numpy()[both] == 0)).all()  # of a front, on the right of the picture


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("glasses", slice(0, 8)),
        ("hat", slice(0, 6)),
        ("long trousers", slice(18, 30)),
        ("long hair", slice(4, 16)),
    ],
)
def test_an_attribute_is_drawn_where_it_is_worn(monkeypatch, name, rows):
    whole = drawing.Pose(*(drawing.torch.full((6,), v) for v in (0.5, 0.53, 0.46, 0.0, 1.0, 1.0, 0.0)))
    monkeypatch.setattr(drawing, "place", lambda r: whole)
    monkeypatch.setattr(drawing, "screen", lambda *_: drawing.torch.zeros(6, 32, 32))
    wear, drawn = drawing.wear, []
    for value in (0.0, 1.0):
        none = dict.fromkeys(("back", "hat", "shorts", "skirt", "jeans", "long trousers"), 0.0)
        changed = {key: drawing.torch.full((6,), v) for key, v in (none | {name: value}).items()}
        monkeypatch.setattr(drawing, "wear", lambda r, changed=changed: wear(r) | changed)
        drawn.append(drawing.draw(keys("test of h3d", 6), 32)[0].astype(int))
    changed = np.abs(drawn[1] - drawn[0]).max(1) > 12
    assert changed[:, rows].sum() > 0.8 * changed.sum() > 12


def test_the_frequency_of_an_attribute_is_its_average_precision_by_chance(small_twin):
    labels = small_twin("h3d").labels
    ap = average_precision(np.zeros(labels.shape), labels)
    shares = [(column == 1).sum() / (column >= 0).sum() for column in labels.T]
    assert np.allclose(ap, shares)
