"""What was measured of fine-tuning, and the lecture's statements about it put to the test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lecture_lib.chapters.fine_tuning.tasks import Task
from lecture_lib.results.claims import Claim, Tested, ap_claims, ap_rows, paired_claim
from lecture_lib.training import Tuned

CLS, RNK, FROZEN, SCRATCH, SOFTMAX = "TUNE-CLS", "TUNE-RNK", "frozen, SVM", "from scratch", "softmax"
ON_PHI, AUC = ", SVM on phi", "area under the ROC curve"
FEW, NARROW = "few pictures: ", "fc7 of "  # what rows of the further experiments begin with
TESTED: list[Tested] = [  # those of whose rows there are scores
    ("cls", "TUNE-CLS beats SVMs on the frozen network", CLS, FROZEN, 0),
    ("rnk", "TUNE-RNK beats SVMs on the frozen network", RNK, FROZEN, 0),
    ("phi of cls", "SVMs on phi after TUNE-CLS beat SVMs on phi before", CLS + ON_PHI, FROZEN, 0),
    ("phi of rnk", "SVMs on phi after TUNE-RNK beat SVMs on phi before", RNK + ON_PHI, FROZEN, 0),
    ("ranking", "TUNE-RNK beats TUNE-CLS", RNK, CLS, 0),
    ("scratch", "TUNE-CLS is over 10 points ahead of training from scratch", CLS, SCRATCH, 10),
    ("scratch, few", "with a quarter of the pictures, too", FEW + CLS, FEW + SCRATCH, 10),
    ("quarter", "a quarter of fc7's units costs at most 2 points", NARROW + "192", NARROW + "768", -2),
    ("thirtieth", "a thirty-second of fc7's units costs at most 2 points", NARROW + "24", NARROW + "768", -2),
]
OF_CALTECH: list[Tested] = [
    ("softmax", "fine-tuning with softmax beats SVMs on the frozen network", SOFTMAX, FROZEN, 0),
    *(claim for claim in TESTED if claim[2].startswith(NARROW)),
]


@dataclass(frozen=True)
class Record:
    """What was measured: rows of the record."""

    rows: list[dict] = field(default_factory=list)

    def add(self, values: np.ndarray | float, **about: object) -> None:
        """Add the mean of what one training gave, a number for each class, or one."""
        self.rows.append(about | {"value": np.mean(values)})
        print(*about.values(), f"{np.mean(values):.2f}", flush=True)

    def add_curve(self, tuned: Tuned, **about: object) -> None:
        """Add what was measured after every epoch."""
        for epoch, line in enumerate(tuned.curve, start=1):
            for metric in {"loss", "validation"} & line.keys():
                self.rows.append(about | {"epoch": epoch, "metric": metric, "value": line[metric]})

    def over_pictures(
        self, task: Task, scores: Mapping[str, np.ndarray], tested: Sequence[Tested], seed: int
    ) -> list[Claim]:
        """Add AP of each row and class, mAP with its interval over test pictures; put statements to the test.

        scores  row -> [m, C] of the test pictures
        """
        images, truth = task.images, task.images.labels[task.test][:, task.shared]
        shared = {row: of_row[None][..., task.shared] for row, of_row in scores.items()}
        table = {row: of_row for row, of_row in shared.items() if not row.startswith((FEW, NARROW))}
        about = task.about("table", n=len(task.train), n_test=len(task.test), n_classes=len(task.classes))
        self.rows.extend(ap_rows(table, truth, task.classes, seed=seed, **about))
        tested = [
            (f"tune/{images.name}/{id}", f"On {images.name}, {text}", *pair, margin)
            for id, text, *pair, margin in tested
            if set(pair) <= scores.keys()
        ]
        return ap_claims(shared, truth, tested, source=images.source, seed=seed)


def claims_of_accuracy(task: Task, scores: Mapping[str, np.ndarray], seed: int) -> list[Claim]:
    """Put the statements about Caltech-101 to the test, over its test pictures: each is named rightly or not.

    scores  row -> [m, C] of the test pictures
    """
    images, truth = task.images, task.images.labels[task.test]
    right = {row: 100.0 * (of_row.argmax(1) == truth) for row, of_row in scores.items()}
    about = {"over": "pictures", "source": images.source, "seed": seed}
    return [
        paired_claim(
            f"tune/{images.name}/{id}",
            f"On {images.name}, {text}",
            right[more] - right[less],
            margin=margin,
            **about,
        )
        for id, text, more, less, margin in OF_CALTECH
    ]
