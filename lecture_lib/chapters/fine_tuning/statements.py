"""What was measured of fine-tuning, and the lecture's statements about it put to the test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lecture_lib.chapters.fine_tuning.tasks import Task
from lecture_lib.results.claims import Claim, ap_claims, ap_rows, paired_claim
from lecture_lib.training import Tuned

CLS, RNK, FROZEN, SCRATCH = "TUNE-CLS", "TUNE-RNK", "frozen, SVM", "from scratch"
ON_PHI, AUC = ", SVM on phi", "area under the ROC curve"
TESTED = [  # on photographs, over pictures
    ("cls", "TUNE-CLS beats SVMs on the frozen network", CLS, FROZEN, 0),
    ("rnk", "TUNE-RNK beats SVMs on the frozen network", RNK, FROZEN, 0),
    ("phi of cls", "SVMs on phi after TUNE-CLS beat SVMs on phi before", CLS + ON_PHI, FROZEN, 0),
    ("phi of rnk", "SVMs on phi after TUNE-RNK beat SVMs on phi before", RNK + ON_PHI, FROZEN, 0),
    ("ranking", "TUNE-RNK beats TUNE-CLS", RNK, CLS, 0),
    ("scratch", "TUNE-CLS is over 10 points ahead of training from scratch", CLS, SCRATCH, 10),
]


@dataclass(frozen=True)
class Record:
    """What was measured: rows of the record, and behind each of them a number for each class, or one."""

    rows: list[dict] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)

    def add(self, values: np.ndarray | float, **about: object) -> None:
        """Add what one training gave."""
        self.values.append(np.atleast_1d(values))
        self.rows.append(about | {"value": np.mean(values)})
        if "class" not in about:
            print(*about.values(), f"{np.mean(values):.2f}", flush=True)

    def add_scores(self, task: Task, scores: np.ndarray, **about: object) -> None:
        """Add what scores of the test pictures give, with several labels a picture also AP of each class."""
        values = task.by_class(scores)
        self.add(values, **about, metric=task.metric)
        for name, ap in zip(task.classes, values, strict=True) if task.images.multi_label else ():
            self.add(ap, **about, metric="AP", **{"class": name})

    def add_curve(self, tuned: Tuned, **about: object) -> None:
        """Add what was measured after every epoch."""
        for epoch, line in enumerate(tuned.curve, start=1):
            for metric in ("loss", "validation"):
                if metric in line:
                    self.add(line[metric], **about, epoch=epoch, metric=metric)

    def mean(self, **about: object) -> np.ndarray:
        """Return the mean over seeds of what has these columns, for each class."""
        pairs = zip(self.rows, self.values, strict=True)
        return np.mean([values for row, values in pairs if about.items() <= row.items()], axis=0)


def over_pictures(
    record: Record, task: Task, scores: Mapping[str, Sequence[np.ndarray]], about: dict, seed: int
) -> list[Claim]:
    """Add mAP of photographs with its interval over test pictures, and put the lecture's statements to the test.

    scores  method -> for each seed [m, C] of the test pictures
    """
    images = task.images
    truth = images.labels[task.test][:, task.shared]
    shared = {method: np.stack(of_method)[..., task.shared] for method, of_method in scores.items()}
    for row in ap_rows(shared, truth, task.classes, seed=seed, **about):
        record.add(row.pop("value"), **row)
    tested = [
        (f"photographs: {id}, {images.name}", f"On photographs of {images.name}, {text}", *rest)
        for id, text, *rest in TESTED
    ]
    return ap_claims(shared, truth, tested, source=images.source, seed=seed)


def claims_over_classes(record: Record, widths: Sequence[int], n: int, seed: int) -> list[Claim]:
    """Put the lecture's statements to the test on twins, paired over the classes, each a mean over seeds.

    widths  of fc7, four, the widest first
    n       training pictures, the fewest
    """

    def ap(method: str, metric: str = "mAP", experiment: str = "table", **about: object) -> np.ndarray:
        about = {"dataset": "voc2007", "method": method, "metric": metric, "experiment": experiment} | about
        return record.mean(**about)

    def narrow(name: str, width: int) -> np.ndarray:
        return record.mean(experiment="narrow fc7", dataset=name, width=width)

    few = {"experiment": "training pictures", "n": n}
    share = {"metric": "mean class accuracy", "dataset": "caltech101"}
    tested = [
        ("scratch/few", f"voc2007, pre-training is over 20 points of mAP ahead on {n} pictures", 20,
         ap(CLS, **few) - ap(SCRATCH, **few)),
        ("scratch", "voc2007, pre-training is over 20 points of mAP ahead on 800 pictures", 20, ap(CLS) - ap(SCRATCH)),
        ("frozen/cls", "voc2007, TUNE-CLS beats the frozen network", 0, ap(CLS) - ap(FROZEN)),
        ("frozen/rnk", "voc2007, TUNE-RNK beats the frozen network", 0, ap(RNK) - ap(FROZEN)),
        ("frozen/phi", "voc2007, SVMs on the phi of TUNE-CLS beat SVMs on the frozen phi", 0,
         ap(CLS + ON_PHI) - ap(FROZEN)),
        ("rnk", "voc2007, TUNE-RNK beats TUNE-CLS in mAP", 0, ap(RNK) - ap(CLS)),
        ("rnk/phi", "voc2007, SVMs on the phi of TUNE-RNK beat those on the phi of TUNE-CLS", 0,
         ap(RNK + ON_PHI) - ap(CLS + ON_PHI)),
        ("rnk/auc", f"voc2007, TUNE-RNK beats TUNE-CLS in the {AUC}", 0, ap(RNK, AUC) - ap(CLS, AUC)),
        ("caltech/frozen", "caltech101, fine-tuning with softmax beats the frozen network", 0,
         ap("softmax", **share) - ap(FROZEN, **share)),
        ("caltech/scratch", "caltech101, pre-training is over 20 points ahead", 20,
         ap("softmax", **share) - ap(SCRATCH, **share)),
    ]  # fmt: skip
    for name in ("voc2007", "caltech101"):
        for id, part, width in (("quarter", "quarter", widths[2]), ("thirtieth", "thirty-second", widths[3])):
            text = f"{name}, a {part} of the dimensions costs at most 2 points"
            tested.append((f"dim/{id}/{name}", text, -2, narrow(name, width) - narrow(name, widths[0])))
    return [
        paired_claim(f"tune/{id}", f"On {text}", gain, margin=margin, source="twin", seed=seed)
        for id, text, margin, gain in tested
    ]
