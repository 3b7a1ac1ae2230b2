"""Derived collections: rows, labels and splits stay with their pictures, and each picture is read once."""

import time
from functools import partial

import numpy as np
import pytest
import torch

from lecture_lib import backbones, encoders, settings
from lecture_lib.datasets import ArrayImages, Boxes, ImageCollection
from lecture_lib.datasets.derived import box_crops, derive
from lecture_lib.datasets.protocols import few_shot, official_split

N = 12
PIXELS = np.random.default_rng(0).integers(0, 256, (N, 3, 8, 10), dtype=np.uint8)


class CountedImages:
    """Flat pictures in files, so to speak: slow to read, and every reading is counted."""

    def __init__(self, n):
        self.n, self.read, self.broken = n, [], set()
        self.names = [f"picture_{i}.jpg" for i in range(n)]
        self.fingerprint = f"{n} counted"

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.read.append(i)
        time.sleep(0.002)
        if i in self.broken:
            raise ValueError("cut off")
        return torch.full((3, 66, 70), i % 256, dtype=torch.uint8)

    def take(self, indices):
        raise NotImplementedError


def collect(images=None, **changes) -> ImageCollection:
    images = ArrayImages(PIXELS) if images is None else images
    fields = {
        "name": "toy",
        "source": "twin",
        "images": images,
        "classes": ("ant", "bat", "cat"),
        "labels": np.arange(len(images)) % 3,
        "groups": ("insect", "mammal", "mammal"),
        "splits": {"train": np.arange(4, 8), "test": np.arange(4)},
        "protocol": partial(official_split, train="train", test="test"),
    }
    return ImageCollection(**fields | changes)


def shifted(picture, i, v):
    """Three views that tell the picture, its index and the view."""
    return picture + torch.tensor(16 * v + i, dtype=torch.uint8)


def three(images, recipe="shifted") -> ImageCollection:
    return derive(images, shifted, ["a", "b", "c"], {"made": recipe})


def boxed(xyxy, pixels=PIXELS, **changes) -> ImageCollection:
    marked = [Boxes([box], [0], [False], [False]) for box in xyxy]
    array = pixels[: len(marked)]
    return collect(ArrayImages(array), boxes=marked, splits={}, protocol=None, **changes)


@pytest.fixture(autouse=True)
def cache(tmp_path):
    settings.use("demo", cache=tmp_path / "cache", quiet=True)
    yield
    settings.reset()


@pytest.mark.parametrize("labels", [np.arange(N) % 3, np.random.default_rng(1).integers(-1, 2, (N, 3))])
def test_rows_labels_names_and_pictures_stay_together_and_what_would_lie_elsewhere_goes(labels):
    marked = [Boxes([[0, 0, 2, 2]], [0], [False], [False])] * N
    base = collect(labels=labels, boxes=marked, parts=np.ones((N, 1, 3)), part_names=("beak",))
    derived = three(base)
    assert len(derived) == 3 * N
    for field in ("name", "source", "classes", "groups"):
        assert getattr(derived, field) == getattr(base, field)
    for i in range(N):
        for v, view in enumerate("abc"):
            row = 3 * i + v
            assert torch.equal(derived.tensor(row), shifted(base.tensor(i), i, v))
            assert derived.labels[row].tolist() == base.labels[i].tolist()
            assert derived.images.names[row] == f"twin {i}, {view}"
    assert (derived.boxes, derived.parts, derived.part_names) == (None, None, ())
    twice = three(three(base[[9, 2]]))
    assert torch.equal(twice.tensor(9 + 3 + 2), shifted(shifted(base.tensor(2), 1, 1), 4, 2))


@pytest.mark.parametrize("which", [[7, 30, 7], slice(5, None, 4), np.arange(3 * N) % 5 == 0, []])
def test_a_part_of_a_derived_collection_shows_the_same_rows(which):
    whole = three(collect())
    part = whole[which]
    for place, row in enumerate(
        np.arange(3 * N)[np.asarray(which, np.int64) if isinstance(which, list) else which]
    ):
        assert torch.equal(part.tensor(place), whole.tensor(row))
        assert part.images.names[place] == whole.images.names[row]
        assert part.labels[place] == whole.labels[row]
    assert part.splits == {}


def test_fingerprint_follows_base_recipe_views_and_rows():
    base = collect()
    one = three(base)
    marks = [
        one,
        three(base, recipe="other"),
        three(base[::-1]),
        derive(base, shifted, ["a", "b"], {"made": "shifted"}),
        one[:-1],
        one[::-1],
        derive(collect(ArrayImages(PIXELS ^ 1)), shifted, ["a", "b", "c"], {"made": "shifted"}),
    ]
    assert len({derived.images.fingerprint for derived in marks}) == len(marks)
    assert three(collect()).images.fingerprint == one.images.fingerprint == one[:].images.fingerprint


def test_splits_and_protocol_never_put_views_of_one_picture_on_both_sides():
    derived = three(collect())
    assert derived.splits["train"].tolist() == list(range(12, 24))
    train, test = derived.split_indices()
    assert (train.tolist(), test.tolist()) == (list(range(12, 24)), list(range(12)))
    drawn = three(collect(protocol=few_shot))
    for seed in range(3):
        train, test = drawn.split_indices(seed, train_per_class=2, test_per_class=1)
        rows, others = collect(protocol=few_shot).split_indices(seed, train_per_class=2, test_per_class=1)
        assert train.tolist() == [3 * i + v for i in rows for v in range(3)]
        assert test.tolist() == [3 * i + v for i in others for v in range(3)]
    with pytest.raises(ValueError, match="no evaluation protocol"):
        three(collect()[:6]).split()


def test_writing_into_a_returned_view_leaves_the_others_as_they_were():
    base = collect()
    derived = derive(base, lambda picture, _, v: picture[:, v:], ["whole", "from row 1"], {})
    derived.tensor(0).zero_()
    assert torch.equal(derived.tensor(0), base.tensor(0))
    assert torch.equal(derived.tensor(1), base.tensor(0)[:, 1:])


def test_a_picture_that_could_not_be_read_is_tried_again():
    images = CountedImages(2)
    derived = three(collect(images, splits={}))
    images.broken.add(1)
    for _ in range(2):
        with pytest.raises(ValueError, match="cut off"):
            derived.tensor(4)
    images.broken.clear()
    assert int(derived.tensor(3)[0, 0, 0]) == 1 + 1


@pytest.mark.parametrize("which", [encoders.FLIP, encoders.TEN_CROPS, encoders.CNNAUG], ids=len)
@pytest.mark.parametrize("threads", [1, 4])
def test_encoding_all_views_reads_each_picture_once(which, threads):
    settings.use(threads=threads, quiet=True)
    images = CountedImages(30)
    net = backbones.load("twin-alexnet", "random")
    derived = encoders.expand(collect(images, splits={}), which)
    found = encoders.encode(net, derived, ["pool1"], pool="mean")["pool1"]
    assert len(found) == 30 * len(which)
    assert sorted(images.read) == list(range(30))
    # flat pictures: all views of one have the same vector, which differs from its neighbours'
    grouped = found.astype(np.float32).reshape(30, len(which), -1)
    assert np.abs(grouped - grouped[:, :1]).max() < 1e-2
    assert (np.abs(np.diff(grouped[:, 0], axis=0)).max(1) > 0).all()


def test_box_crop_is_the_enlarged_box_worked_out_by_hand():
    pixels = np.random.default_rng(5).integers(0, 256, (2, 3, 40, 50), dtype=np.uint8)
    collection = boxed([[20, 10, 28, 18], [10, 12, 30, 28]], pixels)
    square, wide = (box_crops(collection).tensor(i).numpy() for i in range(2))
    assert np.array_equal(square, pixels[0, :, 8:20, 18:30])  # 8 pixels and 2 on each side, not resized
    assert wide.shape == (3, 30, 30)  # 20 x 16 pixels become 30 x 24, and those a square
    assert np.array_equal(box_crops(collection, 1).tensor(0).numpy(), pixels[0, :, 10:18, 20:28])
    assert np.array_equal(box_crops(collection[[1, 0]]).tensor(1).numpy(), square)
    assert np.array_equal(box_crops(collection)[[1, 0]].tensor(1).numpy(), square)


def test_box_crop_is_warped_as_a_whole_and_not_cut():
    y, x = np.mgrid[:60, :80]
    ramp = np.stack([3 * x, 4 * y, 0 * x]).astype(np.uint8)
    found = box_crops(boxed([[20, 20, 60, 40]], ramp[None])).tensor(0).float()  # x 10 .. 70, y 15 .. 45
    assert found.shape == (3, 60, 60)
    np.testing.assert_allclose(found[0, 30].numpy(), 3 * (np.arange(60) + 10), atol=1)
    # rows are half a pixel high, the outermost half row repeats the first and last
    expected = 4 * np.clip(15 + (np.arange(60) + 0.5) / 2 - 0.5, 15, 44)
    np.testing.assert_allclose(found[1, :, 30].numpy(), expected, atol=1)


def test_the_picture_repeats_its_border_where_the_enlarged_box_leaves_it():
    pixels = np.random.default_rng(6).integers(0, 256, (1, 3, 12, 12), dtype=np.uint8)
    found = box_crops(boxed([[0, 4, 8, 12]], pixels)).tensor(0).numpy()
    expected = np.pad(pixels[0, :, 2:, :10], ((0, 0), (0, 2), (2, 0)), mode="edge")
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("count", [0, 2])
def test_a_picture_without_a_box_or_with_two_is_named(count):
    one, other = (Boxes([[1, 1, 5, 5]] * n, [0] * n, [False] * n, [False] * n) for n in (1, count))
    with pytest.raises(ValueError, match=f"twin 1 has {count or 'no'} boxes"):
        box_crops(collect(boxes=[one, other] + [one] * (N - 2)))
