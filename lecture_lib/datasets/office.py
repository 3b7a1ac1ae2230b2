"""Office-31 (Saenko et al. 2010) and Office-Caltech10 (Gong et al. 2012): the same classes, taken in several ways.

A collection has its domains as splits, and beside them the training pictures of Hoffman et al.'s 20 random trials, by
`trials.trial_name`.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from lecture_lib import settings, store
from lecture_lib.datasets import layout, trials
from lecture_lib.datasets.collecting import collect
from lecture_lib.datasets.collection import ImageCollection
from lecture_lib.datasets.files import list_by_class, list_folder, report
from lecture_lib.datasets.layout import DatasetNotFound
from lecture_lib.datasets.vectors import NotHere, Vectors

DOMAINS = ("amazon", "dslr", "webcam")
SURF_FILES = {"amazon": "amazon", "caltech": "Caltech10", "dslr": "dslr", "webcam": "webcam"}
TRIALS = 20
GET_SURF = """\
Put *_SURF_L10.mat and *_SURF_L10_imgs.mat of http://www-scf.usc.edu/~boqinggo/domain_adaptation/GFK_v1.zip into \
{root}/surf, and SameCategory_*_10Categories.mat from DataSplits of \
https://github.com/jhoffman/MaxMarginDomainTransforms into {root}/splits."""
# The trials know of 71 rulers in amazon. These four are copies of 0068 to 0071, byte for byte; without them every
# number is of a picture of the class that its trial says.
UNNUMBERED = {f"amazon/images/ruler/frame_{number:04d}.jpg" for number in range(72, 76)}


def load(name: str, root: Path) -> ImageCollection:
    """Office-31: 4,110 pictures of 31 classes in three domains, amazon 2,817, dslr 498 and webcam 795.

    Reads `office31/<domain>/images/<class>/*.jpg`, and Hoffman's trials from `office31/splits/SameCategory_*.mat`.
    These number the pictures of a domain from 1, class by class, each in the order of its file names, without the
    UNNUMBERED; that this is the order, the labels show. Those of a domain with more or fewer pictures than they know of
    are left out, and it says so. It also says how many pictures are another one's copy, byte for byte.
    `split(seed, source="amazon", target="webcam")` gives a trial.
    Raises DatasetNotFound for a missing domain, ValueError for trials that contradict the labels.
    """
    missing = [domain for domain in DOMAINS if not (root / domain / "images").is_dir()]
    if missing:
        raise DatasetNotFound(
            f"{name}: no {', '.join(f'{domain}/images' for domain in missing)} in {root}. "
            f"{layout.how_to_get(name, root.parent)}"
        )
    classes = sorted({label for domain in DOMAINS for label in list_folder(root / domain / "images")[1]})
    files, labels, domains = [], [], {}
    for domain in DOMAINS:
        folders = [f"{domain}/images/{label}" for label in classes]
        there = [(c, folder) for c, folder in enumerate(folders) if (root / folder).is_dir()]
        of_domain, which = list_by_class(name, root, [folder for _, folder in there], r".*\.(jpe?g|png|bmp)")
        domains[domain] = np.arange(len(of_domain)) + len(files)
        files, labels = files + of_domain, [*labels, *(there[i][0] for i in which)]
    labels = np.array(labels)
    numbered = {
        domain: np.array([i for i in rows if files[i] not in UNNUMBERED], np.int64)
        for domain, rows in domains.items()
    }
    splits = domains | _read_trials(name, root / "splits", labels, numbered)
    images = collect(name, root, files, labels, classes, splits=splits, protocol=trials.published_trial)
    twice = copies(images)
    report(name, [images.names[i] for i in twice], "pictures are copies of another one of their class")
    return images


def copies(images: ImageCollection) -> list[int]:
    """Pictures that are, byte for byte, an earlier one of the collection."""
    digests = [digest.tobytes() for digest in images.images.digests]
    first = {digest: i for i, digest in reversed([*enumerate(digests)])}
    return [i for i, digest in enumerate(digests) if first[digest] < i]


def surf() -> Vectors:
    """Office-Caltech10 as it was published: 2,533 pictures of 10 classes in four domains, as histograms of 800 words.

    The words are of SURF descriptors, found by k-means in a part of amazon (Saenko et al. 2010). x["SURF"] has the
    counts, float32 [2533, 800]. Reads, below `office_caltech10` in LECTURE_DATA, `surf/*_SURF_L10.mat`,
    `surf/*_SURF_L10_imgs.mat`, and of all 12 shifts `splits/SameCategory_*.mat`; in either profile, as none of it is
    shipped. Raises DatasetNotFound for a missing file, ValueError for a damaged one.
    """
    name = "office_caltech10"
    root = settings.current().data / name
    counts, labels, names, domains = [], [], [], {}
    for domain, file in SURF_FILES.items():
        of, listed = (_read(name, root / "surf" / f"{file}_SURF_L10{end}.mat") for end in ("", "_imgs"))
        domains[domain] = np.arange(len(of["labels"])) + len(names)
        counts.append(of["fts"].astype(np.float32))
        labels.append(of["labels"].astype(np.int64) - 1)
        names += [str(one) for one in listed["imgNames"]]
    counts, labels = np.concatenate(counts), np.concatenate(labels)
    amazon = domains["amazon"]
    first = [names[amazon[labels[amazon] == c][0]] for c in range(labels.max() + 1)]
    images = ImageCollection(
        name,
        "real",
        NotHere(names, store.fingerprint(counts)),
        tuple(one.removeprefix("amazon_").partition("_frame")[0] for one in first),
        labels,
        splits=domains | _read_trials(name, root / "splits", labels, domains),
        protocol=trials.published_trial,
    )
    return Vectors(images, {"SURF": counts}, {"made": "SURF, 800 words, as published with Gong et al. 2012"})


def _read_trials(
    name: str, folder: Path, labels: np.ndarray, domains: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Training rows of every trial whose file is there, by `trials.trial_name`."""
    found = {}
    for source in domains:
        for target in domains:
            files = sorted(folder.glob(f"SameCategory_{source}-{target}_{TRIALS}RandomTrials_*.mat"))
            if not files:
                continue
            of = _read(name, files[0])
            for k in range(TRIALS):
                shift = ((source, trials.HOFFMAN[source]), (target, 3))
                parts = [
                    _rows(of["train"][part][k], of["test"][part][k], domains[domain])
                    for part, (domain, _) in zip(("source", "target"), shift, strict=True)
                ]
                if any(rows is None for rows in parts):
                    print(
                        f"{name}: {files[0].name} is of more or fewer pictures than are here, and is left out."
                    )
                    break
                for rows, (domain, most) in zip(parts, shift, strict=True):
                    there = Counter(labels[domains[domain]].tolist())
                    if Counter(labels[rows].tolist()) != {c: min(most, n) for c, n in there.items()}:
                        raise ValueError(
                            f"{name}: trial {k + 1} of {files[0]} does not have {most} pictures a class of {domain}: "
                            "the pictures are in another order than it knows of, or are others."
                        )
                found[trials.trial_name(source, target, k)] = np.sort(np.concatenate(parts))
    if not found:
        print(f"{name}: no trials in {folder}; trials.drawn_trial draws some.")
    return found


def _rows(train: np.ndarray, test: np.ndarray, rows: np.ndarray) -> np.ndarray | None:
    """Rows of the training pictures; None unless both parts together number the pictures of the domain from 1."""
    numbers = np.sort(np.concatenate([np.ravel(train), np.ravel(test)]).astype(np.int64))
    if not np.array_equal(numbers, np.arange(1, len(rows) + 1)):
        return None
    return rows[np.ravel(train).astype(np.int64) - 1]


def _read(name: str, path: Path) -> dict:
    """Variables of a MATLAB file, structs as dicts."""
    if not path.is_file():
        raise DatasetNotFound(
            f"{name}: no {path.name} in {path.parent}. {GET_SURF.format(root=path.parent.parent)}"
        )
    try:
        return loadmat(path, simplify_cells=True)
    except Exception as error:  # a damaged file fails in many ways
        raise ValueError(
            f"{name}: {path} is no MATLAB file that can be read ({error}). Get it again."
        ) from None
