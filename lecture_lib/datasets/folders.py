"""Pictures with one folder a class: Caltech-101, SUN-397, MIT-67, ILSVRC-2012, and folders of one's own."""

import re
from collections import Counter
from os import PathLike
from pathlib import Path

import numpy as np

from lecture_lib.datasets import layout, protocols
from lecture_lib.datasets.collecting import collect, index
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.files import list_by_class, list_folder, read_lines, report
from lecture_lib.datasets.layout import DatasetNotFound

_BACKGROUND = "BACKGROUND_Google"
_WORDS = ("LOC_synset_mapping.txt", "synset_words.txt", "words.txt")

# torchvision's datasets do not serve: Caltech101 counts files and expects numbers without gaps, so a deleted picture
# or a .DS_Store breaks it; SUN397 knows no partitions, and its order is that of the file system; ImageNet wants the
# development kit beside the pictures, which not every copy has.


def folder(path: str | PathLike) -> ImageCollection:
    """Load pictures of one's own: one folder a class, or a flat folder of unlabelled pictures (labels -1).

    Any format that Pillow reads will do, and files that are no pictures are named and left out. `split` draws
    training and test pictures as for Caltech-101; give it train_per_class.
    """
    path = Path(path).expanduser().absolute()
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "is not there"
        raise DatasetNotFound(f"{path} {what}. Give a folder with one folder of pictures a class.")
    loose, classes = list_folder(path)
    files, labels = list_by_class(path.name, path, classes)
    if not files:
        return collect(path.name, path, loose, np.full(len(loose), -1), classes=())
    report(path.name, loose, "files beside the class folders are left out")
    return collect(path.name, path, files, labels, classes, protocol=protocols.few_shot)


def caltech101(name: str, root: Path, background: bool = False) -> ImageCollection:
    """Caltech-101 (Fei-Fei, Fergus and Perona 2004): 9,144 pictures of 101 object classes and of background.

    Reads `101_ObjectCategories/<class>/image_*.jpg`.

    background  with the background class, as the last one
    `split` draws the usual protocol: 30 training and up to 50 test pictures a class, seeds 0 to 4. The groups
    are this project's own (data/groups/caltech101.csv), after those of the lecture's t-SNE maps.
    """
    classes = [label for label in list_folder(root)[1] if label != _BACKGROUND]
    if background:
        classes.append(_BACKGROUND)
    files, labels = list_by_class(name, root, classes, r"image_.*\.jpe?g")
    return collect(name, root, files, labels, classes, _groups(name, classes), protocol=protocols.few_shot)


def _groups(name: str, classes: list[str]) -> list[str]:
    group_of = layout.read_groups(name)
    return [group_of.get(label, "") for label in classes]


def sun397(name: str, root: Path) -> ImageCollection:
    """SUN-397 (Xiao et al. 2010): 108,754 pictures of 397 scene classes, ten published partitions.

    Reads `SUN397/<letter>/<class>[/<sub-class>]/sun_*.jpg`.

    Splits are "train_01", "test_01", ... from the partition files (in `SUN397/Partitions`, `SUN397` or beside
    it), 50 training and 50 test pictures a class; `split(seed)` gives partition seed + 1.
    """
    found = (path for path in root.rglob("sun_*.*") if re.fullmatch(r"\.jpe?g", path.suffix.lower()))
    # as the lists spell them, so that sun_a.JPG is not there twice; the check finds them as they are on disk
    there = [path.relative_to(root).with_suffix(".jpg").as_posix() for path in found]
    files, splits = index(_read_partitions(root), there)
    class_of = ["/".join(file.split("/")[1:-1]) for file in files]
    classes, labels = np.unique(np.array(class_of, dtype=str), return_inverse=True)
    return collect(
        name, root, files, labels, classes.tolist(), splits=splits, protocol=protocols.published_partition
    )


def _read_partitions(root: Path) -> dict[str, list[str]]:
    """Split name -> files relative to `root`, for every partition file there is, in the order of their numbers."""
    homes = (root / "Partitions", root, root.parent / "Partitions")
    home = next((home for home in homes if any(home.glob("Training_*.txt"))), root)
    return {
        f"{part}_{file.stem[-2:]}": [line.lstrip("/") for line in read_lines(file)]
        for training in sorted(home.glob("Training_*.txt"))
        for part, file in (("train", training), ("test", home / f"Testing_{training.stem[-2:]}.txt"))
        if file.is_file()
    }


def mit67(name: str, root: Path) -> ImageCollection:
    """MIT-67 (Quattoni and Torralba 2009): indoor scenes, 6,700 of 15,620 pictures in 67 classes and five groups.

    Reads those of `indoorCVPR_09/Images/<class>/*` that the two official lists name. TrainImages.txt and
    TestImages.txt are in `indoorCVPR_09`, `indoorCVPR_09/Images` or beside it. They are the splits "train" and
    "test": 5,360 and 1,340 pictures, about 80 and 20 a class (77 to 83 and 17 to 23, so the mean over classes is
    not quite the accuracy). Groups follow those of the dataset's page: store, home, public spaces, leisure, working
    place (data/groups/mit67.csv).
    Raises DatasetNotFound without pictures or lists, ValueError if a list is something else.
    """
    if not (root / "Images").is_dir():
        raise DatasetNotFound(f"{name}: no folder Images in {root}. {layout.how_to_get(name, root.parent)}")
    files, splits = index({part: _read_list(root, f"{part.title()}Images.txt") for part in ("train", "test")})
    classes, labels = np.unique([file.partition("/")[0] for file in files], return_inverse=True)
    classes = classes.tolist()
    return collect(
        name,
        root / "Images",
        files,
        labels,
        classes,
        _groups(name, classes),
        splits=splits,
        protocol=protocols.official_split,
    )


def _read_list(root: Path, file: str) -> list[str]:
    """The lines <class>/<file> of a list, which is in one of its usual places."""
    homes = (root, root / "Images", root.parent)
    path = next((home / file for home in homes if (home / file).is_file()), None)
    if path is None:
        raise DatasetNotFound(
            f"mit67: no {file} in {', '.join(map(str, homes))}. The lists are published apart from the pictures: "
            f'datasets.fetch("mit67") brings them, or save https://web.mit.edu/torralba/www/{file} in {root}.'
        )
    names = read_lines(path)
    if not names or not all(re.fullmatch("[^/]+/[^/]+", name) for name in names):
        raise ValueError(f"mit67: {path} is not lines <class>/<file>. Delete it and fetch it again.")
    return names


def ilsvrc2012(name: str, root: Path, split: str = "val", per_class: int | None = None) -> ImageCollection:
    """ILSVRC-2012 (Russakovsky et al. 2015): the source task, 1000 classes.

    Reads `ILSVRC2012/{train,val}/<wnid>/*.JPEG`.

    split      "train" or "val"
    per_class  only the first so many pictures of each class; None: all
    Classes are in the order of their WordNet ids, as in every published network, and are named by the first
    word of LOC_synset_mapping.txt or words.txt where one of them is there, else by the id.
    """
    if split not in ("train", "val"):
        raise ValueError(f"{name}: no split {split!r}; take 'train' or 'val'.")
    wnids = list_folder(root / split)[1] if (root / split).is_dir() else []
    if not wnids:
        raise DatasetNotFound(
            f"{name}: {root / split} has no class folders (n01440764, ...). Sort the pictures into one "
            "folder a class first; torchvision.datasets.ImageNet does it from the original archives."
        )
    files, labels = list_by_class(name, root, [f"{split}/{wnid}" for wnid in wnids])
    number = np.arange(len(labels)) - np.searchsorted(labels, labels)  # of a picture in its class
    chosen = np.flatnonzero(number < (per_class or len(labels)))
    files, splits = [files[i] for i in chosen], {split: np.arange(len(chosen))}
    return collect(name, root, files, labels[chosen], _name_classes(root, wnids), splits=splits)


def _name_classes(root: Path, wnids: list[str]) -> list[str]:
    file = next((root / name for name in _WORDS if (root / name).is_file()), None)
    if file is None:
        return wnids
    lines = (line.split(maxsplit=1) for line in read_lines(file))
    word_of = {line[0]: line[1].split(",")[0].strip() for line in lines if len(line) == 2}
    words = [word_of.get(wnid, wnid) for wnid in wnids]
    shared = {word for word, n in Counter(words).items() if n > 1}  # a crane is a bird and a machine
    return [f"{word} ({wnid})" if word in shared else word for word, wnid in zip(words, wnids, strict=True)]
