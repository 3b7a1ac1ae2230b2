"""The image collection: parts stay aligned, nothing changes behind its back, fingerprints say what did."""

import pickle
import warnings

import numpy as np
import pytest
import torch

from lecture_lib.datasets import ArrayImages, Boxes, ImageCollection
from lecture_lib.datasets.protocols import few_shot

N = 12
PIXELS = np.random.default_rng(0).integers(0, 256, (N, 3, 4, 6), dtype=np.uint8)
PARTS = np.array([[[i, i + 0.5, 1], [0, 0, 0]] for i in range(N)])  # a visible beak and a hidden tail


def make(pixels=PIXELS, **changes) -> ImageCollection:
    marked = [Boxes([[i, 0, i + 2, 3]], [i % 3], [i % 2 == 0], [False]) for i in range(len(pixels))]
    fields = {
        "name": "toy",
        "source": "twin",
        "images": ArrayImages(pixels),
        "classes": ("ant", "bat", "cat"),
        "labels": np.arange(len(pixels)) % 3,
        "groups": ("insect", "mammal", "mammal"),
        "boxes": marked,
        "parts": PARTS[: len(pixels)],
        "part_names": ["beak", "tail"],
        "splits": {"train": np.arange(6), "test": np.arange(6, len(pixels))},
        "protocol": few_shot,
    }
    return ImageCollection(**fields | changes)


@pytest.mark.parametrize(
    "which", [[7, 2, 2], np.array([7, 2]), slice(3, 11, 2), np.arange(N) % 3 == 1, [], slice(-3, None)]
)
def test_a_part_keeps_picture_label_box_and_name_together(which):
    whole, part = make(), make()[which]
    indices = np.arange(N)[np.asarray(which, np.int64) if isinstance(which, list) else which]
    assert len(part) == len(indices)
    for place, i in enumerate(indices):
        assert torch.equal(part.tensor(place), whole.tensor(i))
        assert part.labels[place] == whole.labels[i] == i % 3
        assert part.boxes[place].xyxy[0, 0] == i
        assert part.parts[place].tolist() == [[i, i + 0.5, 1], [0, 0, 0]]
        assert part.images.names[place] == f"twin {i}"
    assert part.classes == whole.classes
    assert part.groups == whole.groups
    assert part.part_names == whole.part_names == ("beak", "tail")
    assert part.parts.dtype == whole.parts.dtype == np.float32


def test_a_part_has_no_splits_whose_indices_would_mean_other_pictures():
    part = make()[3:]
    assert part.splits == {}
    with pytest.raises(ValueError, match="Split the whole collection"):
        part.split()


def test_one_picture_is_not_a_collection():
    with pytest.raises(TypeError, match=r"\.tensor\(3\)"):
        make()[3]
    with pytest.raises(TypeError, match=r"\.pil"):
        make()[np.int64(3)]


def test_arrays_cannot_be_written_through_the_collection_or_behind_it():
    labels, train, parts = np.zeros(N, np.int64), np.arange(3), PARTS.astype(np.float32)
    collection = make(labels=labels, splits={"train": train}, parts=parts)
    labels[:], train[:], parts[:] = 2, 7, 1
    assert np.array_equal(collection.parts, PARTS)
    assert not collection.labels.any()
    assert collection.splits["train"].tolist() == [0, 1, 2]
    for array in (
        collection.labels,
        collection.splits["train"],
        collection.boxes[0].xyxy,
        collection[:3].labels,
        collection.parts,
        collection[[2, 1]].parts,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(AttributeError):
        collection.name = "other"


def test_writing_into_a_returned_tensor_leaves_the_picture_as_it_was():
    collection = make()
    collection.tensor(0).zero_()
    collection.stack().zero_()
    assert np.array_equal(collection.tensor(0).numpy(), PIXELS[0])


def test_tensor_pil_and_stack_show_the_same_pixels():
    collection = make()
    assert np.array_equal(np.asarray(collection.pil(4)), PIXELS[4].transpose(1, 2, 0))
    assert collection.pil(4).size == (6, 4)
    assert np.array_equal(collection.stack().numpy(), PIXELS)
    assert np.array_equal(collection[[5, 1]].stack().numpy(), PIXELS[[5, 1]])


def test_read_only_memory_map_gives_pictures_without_a_warning(tmp_path):
    np.save(tmp_path / "pixels.npy", PIXELS)
    collection = make(np.load(tmp_path / "pixels.npy", mmap_mode="r"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(collection.tensor(2).numpy(), PIXELS[2])
        assert np.array_equal(collection[4:].stack().numpy(), PIXELS[4:])
        collection.pil(0)


def test_fingerprint_follows_pixels_and_order_and_nothing_else():
    one = make().images.fingerprint
    assert make(name="renamed", labels=np.zeros(N, int), boxes=None).images.fingerprint == one
    assert make()[:].images.fingerprint == one
    changed = PIXELS.copy()
    changed[3, 1, 2, 2] ^= 1
    others = [make(changed), make()[::-1], make()[1:]]
    assert len({one, *(other.images.fingerprint for other in others)}) == 4
    assert make()[2:][[4, 1]].images.fingerprint == make()[[6, 3]].images.fingerprint


def test_collection_survives_pickling_for_worker_processes():
    collection = make()
    again = pickle.loads(pickle.dumps(collection))
    assert again.images.fingerprint == collection.images.fingerprint
    assert again.splits["test"].tolist() == collection.splits["test"].tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.arange(N - 1) % 3}, r"labels has shape \[11\]"),
        ({"labels": np.zeros((N, 2))}, r"expected \[12, 3\]"),
        ({"labels": np.full(N, 3)}, "3, not -1 to 2"),
        ({"labels": np.full(N, -2)}, "-2"),
        ({"labels": np.full((N, 3), 2)}, "2"),
        ({"groups": ("one",)}, "1 group names for 12 pictures of 3 classes"),
        ({"boxes": []}, "0 sets of boxes for 12"),
        ({"splits": {"train": [N]}}, "split 'train'"),
        ({"parts": PARTS[:-1]}, r"parts has shape \[11, 2, 3\], expected \[12, 2, 3\]"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_multi_label_keeps_three_states():
    labels = np.array([[1, 0, -1]] * N)
    collection = make(labels=labels)
    assert collection.multi_label
    assert not make().multi_label
    assert collection.labels.dtype == np.int8
    assert collection[2:4].labels.tolist() == [[1, 0, -1]] * 2


def test_a_picture_without_objects_has_boxes_of_the_right_shape():
    boxes = Boxes([], [], [], [])
    assert boxes.xyxy.shape == (0, 4)
    assert len(boxes) == 0
    assert boxes.labels.dtype == np.int64
    with pytest.raises(ValueError, match=r"Boxes\.xyxy"):
        Boxes([[0, 0, 1]], [0], [False], [False])
