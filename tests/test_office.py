"""Office-31 and Office-Caltech10 as published: trials point at the pictures that they mean, or say why not."""

import os

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from lecture_lib import datasets
from lecture_lib.datasets import DatasetNotFound, office, trials
from lecture_lib.datasets.protocols import ProtocolError

CLASSES = ("bike", "mug", "ruler")
N = {"amazon": 23, "dslr": 9, "webcam": 12}  # pictures a class

PHOTOGRAPHS = os.environ.get("LECTURE_DATA", "")  # before the fixture takes it away

pytestmark = pytest.mark.usefixtures("data")


def trial_file(folder, source, target, sizes, seed=0, shuffled=False, kind="allCategories"):
    """Hoffman's file of a shift: 20 trials, numbers from 1 in the order of class and name; sizes: of each domain."""
    rng = np.random.default_rng(seed)
    parts = {"train": {}, "test": {}}
    for part, domain, most in (("source", source, trials.HOFFMAN[source]), ("target", target, 3)):
        labels = np.repeat(np.arange(len(sizes[domain])), sizes[domain])
        if shuffled:
            labels = rng.permutation(labels)
        trains, tests = np.empty((1, 20), object), np.empty((1, 20), object)
        for k in range(20):
            order = [rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
            trains[0, k] = np.concatenate([rows[:most] for rows in order])[None] + 1
            tests[0, k] = np.concatenate([rows[most:] for rows in order])[None] + 1
        parts["train"][part], parts["test"][part] = trains, tests
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / f"SameCategory_{source}-{target}_20RandomTrials_{kind}.mat", parts)
    return parts


@pytest.fixture
def root(data):
    rng = np.random.default_rng(0)
    for domain, n in N.items():
        for name in CLASSES:
            folder = data / "office31" / domain / "images" / name
            folder.mkdir(parents=True)
            for i in range(1, n + 1):
                noise = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
                Image.fromarray(noise).save(folder / f"frame_{i:04d}.jpg")
    sizes = {domain: [n] * 3 for domain, n in N.items()}
    trial_file(data / "office31" / "splits", "amazon", "webcam", sizes)
    trial_file(data / "office31" / "splits", "webcam", "dslr", sizes)
    return data / "office31"


def test_a_trial_trains_on_the_pictures_that_its_numbers_mean(root):
    images = datasets.load("office31")
    assert (images.name, images.classes) == ("office31", CLASSES)
    assert trials.domains(images) == ["amazon", "dslr", "webcam"]
    sizes = {domain: [n] * 3 for domain, n in N.items()}
    meant = trial_file(root / "again", "amazon", "webcam", sizes)
    for k in (0, 19):
        train, test = images.split_indices(k, source="amazon", target="webcam")
        for part, domain in (("source", "amazon"), ("target", "webcam")):
            files = sorted(
                path.relative_to(root).as_posix() for path in (root / domain / "images").rglob("*.jpg")
            )
            numbers = meant["train"][part][0, k].ravel()
            here = np.intersect1d(train, images.splits[domain])
            assert sorted(images.names[i] for i in here) == sorted(files[number - 1] for number in numbers)
        assert sorted([*test, *np.intersect1d(train, images.splits["webcam"])]) == list(
            images.splits["webcam"]
        )
    with pytest.raises(ProtocolError, match=r"seeds 0 to 19. of amazon to webcam, webcam to dslr"):
        images.split_indices(0, source="dslr", target="webcam")


def test_trials_of_other_pictures_are_left_out_and_those_of_another_order_are_an_error(root, capsys):
    (root / "dslr" / "images" / "mug" / "frame_0002.jpg").unlink()
    images = datasets.load("office31")
    assert (
        "SameCategory_webcam-dslr_20RandomTrials_allCategories.mat is of more or fewer"
        in capsys.readouterr().out
    )
    assert not [key for key in images.splits if "dslr" in key and key.startswith("trial")]
    sizes = {domain: [n] * 3 for domain, n in N.items()}
    trial_file(root / "splits", "amazon", "webcam", sizes, shuffled=True)
    with pytest.raises(
        ValueError, match="does not have 20 pictures a class of amazon: the pictures are in another order"
    ):
        datasets.load("office31")


def test_copies_are_counted_and_the_four_rulers_that_trials_do_not_know_are_not_numbered(root, capsys):
    ruler = root / "amazon" / "images" / "ruler"
    for number in range(72, 76):
        (ruler / f"frame_{number:04d}.jpg").write_bytes((ruler / f"frame_{number - 71:04d}.jpg").read_bytes())
    images = datasets.load("office31")
    said = capsys.readouterr().out
    assert (
        "4 pictures are copies of another one of their class, the first is amazon/images/ruler/frame_0072"
        in said
    )
    train, _ = images.split_indices(0, source="amazon", target="webcam")  # 23 a class, as the trial knows
    assert not {images.names[i] for i in train} & office.UNNUMBERED
    assert len(images.splits["amazon"]) == 3 * 23 + 4


def test_what_is_missing_says_how_to_get_it(root, data, capsys):
    for file in (root / "splits").iterdir():
        file.unlink()
    assert len(datasets.load("office31").splits) == 3
    assert "no trials in" in capsys.readouterr().out
    (root / "dslr" / "images").rename(root / "dslr" / "pictures")
    with pytest.raises(DatasetNotFound, match=r"no dslr/images in .*jhoffman/domainadapt"):
        datasets.load("office31")
    with pytest.raises(DatasetNotFound, match=r"no amazon_SURF_L10\.mat in .*GFK_v1\.zip"):
        office.surf()


def write_surf(folder):
    rng = np.random.default_rng(0)
    sizes = {"amazon": [25, 22], "caltech": [11, 9], "dslr": [8, 7], "webcam": [12, 13]}
    (folder / "surf").mkdir(parents=True)
    for domain, file in office.SURF_FILES.items():
        labels = np.repeat([1, 2], sizes[domain]).astype(np.uint8)
        counts = rng.integers(0, 5, (len(labels), 800), dtype=np.uint8)
        names = [f"{domain}_{('bike', 'mug')[c - 1]}_frame_{i:04d}" for i, c in enumerate(labels, start=1)]
        savemat(folder / "surf" / f"{file}_SURF_L10.mat", {"fts": counts, "labels": labels[:, None]})
        listed = np.empty((len(names), 1), object)
        listed[:, 0] = names
        savemat(folder / "surf" / f"{file}_SURF_L10_imgs.mat", {"imgNames": listed})
    trial_file(folder / "splits", "dslr", "caltech", sizes, kind="10Categories")
    return sizes


def test_surf_histograms_come_with_names_domains_and_trials(data):
    sizes = write_surf(data / "office_caltech10")
    surf = office.surf()
    assert surf.x["SURF"].shape == (sum(map(sum, sizes.values())), 800)
    assert surf.classes == ("bike", "mug")
    assert {domain: len(surf.splits[domain]) for domain in sizes} == {d: sum(n) for d, n in sizes.items()}
    for domain, rows in surf.splits.items():
        if domain in sizes:
            assert all(surf.images.names[i].startswith(f"{domain}_") for i in rows)
    train, test = surf.split_indices(7, source="dslr", target="caltech")
    # one class of dslr has seven pictures
    assert np.bincount(surf.labels[np.intersect1d(train, surf.splits["dslr"])]).tolist() == [8, 7]
    assert len(test) == 20 - 6
    (data / "office_caltech10" / "surf" / "dslr_SURF_L10.mat").write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match="is no MATLAB file that can be read"):
        office.surf()


@pytest.mark.real
def test_the_published_trials_have_the_published_numbers(capsys):
    images = datasets.load("office31", root=PHOTOGRAPHS)
    if len(images) != 4110:
        pytest.skip("not the complete Office-31")
    assert {domain: len(images.splits[domain]) for domain in office.DOMAINS} == {
        "amazon": 2817,
        "dslr": 498,
        "webcam": 795,
    }
    assert "71 pictures are copies" in capsys.readouterr().out
    for source, n in (("amazon", 620), ("dslr", 247)):
        train, test = images.split_indices(4, source=source, target="webcam")
        assert (len(np.intersect1d(train, images.splits[source])), len(test)) == (n, 702)
