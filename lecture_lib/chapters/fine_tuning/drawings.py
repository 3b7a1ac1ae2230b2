"""Fine-tuning on the twins of VOC 2007 and Caltech-101, in full.

    python -m lecture_lib.chapters.fine_tuning.drawings

takes the demo profile and writes `data/results/fine_tuning.demo.json`, which notebook 04 shows beside the paper. It
takes most of an hour and 2 GB of cache; after an interrupt the same command goes on with the training at hand.

All trainings use random crops (scheme C of Chatfield et al. 2014) and four fifths of the training pictures; the other
fifth says when to stop. Tests use ten crops of VOC 2007, and the central one of Caltech-101. RECIPES were chosen among
some twenty by validation within the trainval pictures of the twin of VOC 2007; Caltech-101 takes the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from lecture_lib import backbones, datasets, settings
from lecture_lib.backbones import Backbone, twin_alexnet
from lecture_lib.backbones.cost import bfloat16_is_faster
from lecture_lib.chapters.fine_tuning.losses import softmax, tune_cls, tune_rnk
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders import TEN_CROPS, summed
from lecture_lib.linear import classify, folds, kernel
from lecture_lib.metrics import by_class
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, paired_claim, verdicts
from lecture_lib.training.crops import CENTRE, Pictures, phi, prepare, to_scores
from lecture_lib.training.fine_tuning import Tuned, fine_tune
from lecture_lib.training.head import with_head
from lecture_lib.training.sgd import Loss, Recipe

NAME = "fine_tuning"
SEEDS = range(3)
FROZEN, SCRATCH, ON_PHI = "frozen, SVM", "from scratch", ", SVM on phi"
# phi has length 1, so the head, at lr, needs far larger steps than the layers below, at ratio x lr
RECIPES = {
    "softmax": (softmax, Recipe(lr=1.0, ratio=0.001)),
    "TUNE-CLS": (tune_cls, Recipe(lr=1.0, ratio=0.0003)),
    "TUNE-RNK": (tune_rnk, Recipe(lr=0.3, ratio=0.001)),
}
FROM_SCRATCH = {
    "voc2007": (tune_cls, Recipe(lr=0.1, ratio=1.0)),
    "caltech101": (softmax, Recipe(lr=1.0, ratio=0.1)),
}
MEASURE = {"voc2007": "mAP", "caltech101": "mean class accuracy"}
EPOCHS = {"voc2007": 30, "caltech101": 8}
SIZES = (100, 200, 400)  # training pictures of the learning curve; all 800 are in the table
FREEZE = (None, "pool1", "pool2", "conv4", "pool5", "fc6")
RATIOS = (0.0001, 0.001, 0.01)
GRID_EPOCHS = 15
MIDDLE = [TEN_CROPS.index(CENTRE[0])]
VIEWS = {
    "voc2007": TEN_CROPS,
    "caltech101": CENTRE,
}  # at test; a twin of Caltech-101 has its object in the middle


@dataclass(frozen=True, eq=False)
class Task:
    """A split of a collection, its pictures as a network is trained on them."""

    images: ImageCollection
    pictures: Pictures
    train: np.ndarray
    test: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """The labels of all pictures."""
        return self.images.labels

    def both_parts(self, net: Backbone) -> tuple[np.ndarray, np.ndarray]:
        """Encode the training and the test pictures: float32 [n, V, d] each."""
        return self.phi(net, self.train), self.phi(net, self.test)

    def phi(self, net: Backbone, some: np.ndarray) -> np.ndarray:
        """Encode some of the pictures in the views of a test: float32 [n, V, d]."""
        return phi(net, self.pictures.take(some), VIEWS[self.images.name])

    def learn(self, start: Backbone, loss: Loss, recipe: Recipe, some: np.ndarray | None = None) -> Tuned:
        """Train a network with a new head on four fifths of the training pictures, or of some of them."""
        some = self.train if some is None else some
        kept, held = folds(self.labels[some], 5, recipe.seed)[0]
        parts = (self.pictures.take(some[part]) for part in (kept, held))
        return fine_tune(
            with_head(start, self.images.classes, recipe.seed), *parts, loss, recipe, progress=False
        )

    def test_head(self, net: Backbone, vectors: np.ndarray) -> dict[str, np.ndarray]:
        """Score a network's vectors of the test pictures by its head: metric -> AP or accuracy of each class, %."""
        truth, metric = self.labels[self.test], MEASURE[self.images.name]
        scores = to_scores(net, vectors)
        found = {metric: by_class(scores, truth)}
        if self.images.multi_label:
            found[f"{metric} of one crop"] = by_class(to_scores(net, vectors[:, MIDDLE]), truth)
            auc = [roc_auc_score(y[y >= 0], s[y >= 0]) for y, s in zip(truth.T, scores.T, strict=True)]
            found["area under the ROC curve"] = 100 * np.array(auc)
        return found

    def test_svm(self, train: np.ndarray, test: np.ndarray, some: np.ndarray | None = None) -> np.ndarray:
        """Train SVMs on vectors of training pictures, summed over views; as `test_head`, in %, [C]."""
        some = self.train if some is None else some
        found = kernel(summed(train), summed(test))
        return by_class(classify(found, self.labels[some])[0], self.labels[self.test])


def load_tasks(net: Backbone) -> dict[str, list[Task]]:
    """Read both collections, and split them: VOC 2007 has one split, Caltech-101 one a seed."""
    tasks = {}
    for name in MEASURE:
        images = datasets.load(name)
        pictures = prepare(net, images)
        splits = [0] if name == "voc2007" else SEEDS
        found = [Task(images, pictures, *images.split_indices(split)) for split in splits]
        tasks[name] = found * (len(SEEDS) // len(found))
    return tasks


@dataclass(frozen=True)
class Record:
    """What was measured: one dict a training with the columns of the record, and a number for each class, or one."""

    found: list[tuple[dict, np.ndarray]] = field(default_factory=list)

    def add(self, values: np.ndarray | float, **about: object) -> None:
        """Add what one training gave."""
        self.found.append((about, np.atleast_1d(values)))
        print(*about.values(), f"{np.mean(values):.2f}", flush=True)

    def mean(self, **about: object) -> np.ndarray:
        """Return the mean over seeds of what has these columns, for each class."""
        return np.mean([values for made, values in self.found if about.items() <= made.items()], axis=0)

    def rows(self, classes: Sequence[str], source: str) -> list[dict]:
        """Return the rows of the record: means over classes, and of the table of VOC 2007 each class's AP."""
        rows = []
        for about, values in self.found:
            about = about | {"source": source}
            rows.append(about | {"value": values.mean()})
            if about["metric"] == "mAP" and about["experiment"] == "table" and len(values) == len(classes):
                for name, ap in zip(classes, values, strict=True):
                    rows.append(about | {"metric": "AP", "class": name, "value": ap})
        return rows


def from_scratch(net: Backbone, seed: int) -> Backbone:
    """Return the network with random weights, and with the BatchNorm that its pre-training had, too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stages = twin_alexnet.build(1, batchnorm=True).eval().to(net.device)
    return replace(net, stages=stages, weights=f"random seed {seed}")


def compare(record: Record, name: str, tasks: Sequence[Task], net: Backbone, low: bool) -> None:
    """Fill the main table of a collection: frozen, fine-tuned with three losses, from scratch; a task a seed."""
    metric = MEASURE[name]
    for seed, task in zip(SEEDS, tasks, strict=True):
        about = {"experiment": "table", "dataset": name, "seed": seed}
        if seed == 0 or task is not tasks[0]:
            found = task.test_svm(*task.both_parts(with_head(net, task.images.classes)))
            record.add(found, **about, method=FROZEN, metric=metric)
        methods = {row: (net, loss, recipe) for row, (loss, recipe) in RECIPES.items()}
        methods[SCRATCH] = (from_scratch(net, seed), *FROM_SCRATCH[name])
        for row, (start, loss, recipe) in methods.items():
            recipe = replace(recipe, epochs=EPOCHS[name], seed=seed, bfloat16=low)
            tuned = task.learn(start, loss, recipe)
            test = task.phi(tuned.net, task.test)
            for measured, values in task.test_head(tuned.net, test).items():
                record.add(values, **about, method=row, metric=measured)
            if seed == 0:
                again = task.test_svm(task.phi(tuned.net, task.train), test)
                record.add(again, **about, method=row + ON_PHI, metric=metric)
                add_curve(
                    record, tuned, about | {"experiment": "epochs", "method": row}, ("loss", "validation")
                )


def add_curve(record: Record, tuned: Tuned, about: dict, metrics: Sequence[str]) -> None:
    """Add what was measured after every epoch."""
    for epoch, line in enumerate(tuned.curve, start=1):
        for metric in metrics:
            record.add(line[metric], **about, epoch=epoch, metric=metric)


def learning_curve(record: Record, task: Task, net: Backbone, low: bool) -> None:
    """Train on fewer pictures of VOC 2007, the fewer the more epochs up to 40; the larger sets hold the smaller."""
    train, test = task.both_parts(with_head(net, task.images.classes))
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(task.train))
        for n in SIZES:
            rows = np.sort(order[:n])
            some = task.train[rows]
            about = {
                "experiment": "training pictures",
                "dataset": "voc2007",
                "seed": seed,
                "n": n,
                "metric": "mAP",
            }
            record.add(task.test_svm(train[rows], test, some), **about, method=FROZEN)
            epochs = min(40, EPOCHS["voc2007"] * len(task.train) // n)
            for row, start, (loss, recipe) in (
                ("TUNE-CLS", net, RECIPES["TUNE-CLS"]),
                (SCRATCH, from_scratch(net, seed), FROM_SCRATCH["voc2007"]),
            ):
                recipe = replace(recipe, epochs=epochs, patience=epochs // 3, seed=seed, bfloat16=low)
                tuned = task.learn(start, loss, recipe, some).net
                found = task.test_head(tuned, task.phi(tuned, task.test))["mAP"]
                record.add(found, **about, method=row)


def freeze_grid(record: Record, task: Task, net: Backbone, low: bool) -> None:
    """Freeze more and more of the network, and let the rest learn at several rates, all with TUNE-CLS and seed 0."""
    loss, recipe = RECIPES["TUNE-CLS"]
    grid = [(frozen, ratio) for frozen in FREEZE for ratio in RATIOS]
    for frozen, ratio in [*grid, ("fc7", 0.0)]:  # up to fc7: only the head learns, and there is no ratio
        some = replace(recipe, frozen=frozen, ratio=ratio, epochs=GRID_EPOCHS, bfloat16=low)
        tuned = task.learn(net, loss, some)
        about = {"experiment": "freezing", "dataset": "voc2007", "seed": 0, "method": "TUNE-CLS"}
        about |= {"frozen": frozen or "none", "ratio": ratio}
        record.add(task.test_head(tuned.net, task.phi(tuned.net, task.test))["mAP"], **about, metric="mAP")
        add_curve(record, tuned, about, ("validation",))


def judge(record: Record, source: str, seed: int) -> list[Claim]:
    """Put the lecture's statements to the test, paired over the classes, each a mean over seeds."""

    def ap(method: str, metric: str = "mAP", **about: object) -> np.ndarray:
        about = {"experiment": "table", "dataset": "voc2007"} | about
        return record.mean(method=method, metric=metric, **about)

    def share(method: str) -> np.ndarray:
        return ap(method, MEASURE["caltech101"], dataset="caltech101")

    few = {"experiment": "training pictures", "n": SIZES[0]}
    said = [
        ("scratch/few", f"On voc2007, pre-training is over 20 points of mAP ahead on {SIZES[0]} pictures", 20,
         ap("TUNE-CLS", **few) - ap(SCRATCH, **few)),
        ("scratch", "On voc2007, pre-training is over 20 points of mAP ahead on 800 pictures", 20,
         ap("TUNE-CLS") - ap(SCRATCH)),
        ("frozen/cls", "On voc2007, TUNE-CLS beats the frozen network", 0, ap("TUNE-CLS") - ap(FROZEN)),
        ("frozen/rnk", "On voc2007, TUNE-RNK beats the frozen network", 0, ap("TUNE-RNK") - ap(FROZEN)),
        ("frozen/phi", "On voc2007, SVMs on the phi of TUNE-CLS beat SVMs on the frozen phi", 0,
         ap("TUNE-CLS" + ON_PHI) - ap(FROZEN)),
        ("rnk", "On voc2007, TUNE-RNK beats TUNE-CLS in mAP", 0, ap("TUNE-RNK") - ap("TUNE-CLS")),
        ("rnk/phi", "On voc2007, SVMs on the phi of TUNE-RNK beat those on the phi of TUNE-CLS", 0,
         ap("TUNE-RNK" + ON_PHI) - ap("TUNE-CLS" + ON_PHI)),
        ("rnk/auc", "On voc2007, TUNE-RNK beats TUNE-CLS in the area under the ROC curve", 0,
         ap("TUNE-RNK", metric="area under the ROC curve") - ap("TUNE-CLS", metric="area under the ROC curve")),
        ("caltech/frozen", "On caltech101, fine-tuning with softmax beats the frozen network", 0,
         share("softmax") - share(FROZEN)),
        ("caltech/scratch", "On caltech101, pre-training is over 20 points ahead", 20,
         share("softmax") - share(SCRATCH)),
    ]  # fmt: skip
    about = {"source": source, "seed": seed}
    return [paired_claim(f"tune/{id}", text, gain, margin=margin, **about) for id, text, margin, gain in said]


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use("demo")
    seed, net, record = chosen.seed, backbones.load(), Record()
    low = bfloat16_is_faster(chosen.device)
    tasks = load_tasks(net)
    compare(record, "voc2007", tasks["voc2007"], net, low)
    freeze_grid(record, tasks["voc2007"][0], net, low)
    learning_curve(record, tasks["voc2007"][0], net, low)
    compare(record, "caltech101", tasks["caltech101"], net, low)
    images = tasks["voc2007"][0].images
    found = judge(record, images.source, seed)
    path = records.write(
        NAME,
        record.rows(images.classes, images.source),
        found,
        command="python -m lecture_lib.chapters.fine_tuning.drawings",
        network=net.name,
        remark=f"trained in {'bfloat16' if low else 'float32'}",
    )
    verdicts(found)
    print(path.name)


if __name__ == "__main__":
    main()
