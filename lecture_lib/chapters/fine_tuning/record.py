"""Fine-tuning, in full: a frozen network, fine-tuned with three losses, trained from scratch.

    python -m lecture_lib.chapters.fine_tuning.record

follows LECTURE_PROFILE and writes `data/results/fine_tuning.<profile>.csv`, which notebook 04 shows: with twins in most
of an hour and 2 GB of cache, or with VOC 2007's photographs under LECTURE_DATA. Each training has its checkpoint: after
an interrupt the same command goes on with the one at hand. What differs:

|                   | twins (demo)                              | photographs (real)                                  |
|-------------------|-------------------------------------------|-----------------------------------------------------|
| collections       | VOC 2007, Caltech-101 (three splits)      | VOC 2007                                            |
| seeds             | three                                     | one                                                 |
| when to stop      | a fifth of the training pictures says it  | after so many epochs: each row learns from all      |
| claims are over   | classes, each a mean over seeds           | test pictures, for the mean over seeds              |
| recipes chosen by | validation in trainval of VOC 2007's twin | trained on train, tested on val: `choose_ratio`     |
| further           | what to freeze, fewer pictures, narrow fc7 |                                                     |

Of photographs validation gave mAP 62.9, 62.9, 60.7, 12.2 for TUNE-CLS with the ratios 0.0001, 0.0003, 0.001, 0.003;
58.3, 58.6, 58.3, 55.9 for TUNE-RNK. TUNE-CLS has the lowest: it is ahead of the next by 0.02. The rates of the head,
and all from scratch, were set beforehand, not searched for.
Nothing is chosen by a test picture: those are only ever scored.
"""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import torch

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.backbones import Backbone
from lecture_lib.backbones.cost import bfloat16_is_faster
from lecture_lib.chapters.fine_tuning import narrow_fc7
from lecture_lib.chapters.fine_tuning.losses import softmax, tune_cls, tune_rnk
from lecture_lib.chapters.fine_tuning.statements import (
    AUC,
    CLS,
    FROZEN,
    ON_PHI,
    RNK,
    SCRATCH,
    Record,
    claims_over_classes,
    over_pictures,
)
from lecture_lib.chapters.fine_tuning.tasks import Task, from_scratch
from lecture_lib.datasets import ImageCollection
from lecture_lib.encoders import TEN_CROPS, WHOLE
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, verdicts
from lecture_lib.training import Recipe, prepare, to_scores

NAME, COMMAND = "fine_tuning", "python -m lecture_lib.chapters.fine_tuning.record"
SEEDS = {"twin": 3, "real": 1}
# phi has length 1, so the head, at lr, needs far larger steps than the layers below, at ratio x lr
TWINS = {
    "softmax": (softmax, Recipe(lr=1.0, ratio=0.001)),
    CLS: (tune_cls, Recipe(lr=1.0, ratio=0.0003)),
    RNK: (tune_rnk, Recipe(lr=0.3, ratio=0.001)),
    SCRATCH: (tune_cls, Recipe(lr=0.1, ratio=1.0)),
}
SHORT = Recipe(epochs=8, batch=16, dropout=0.5)  # the rate before SqueezeNet's own classifier
PHOTOGRAPHS = {  # the first two with the ratio that `choose_ratio` finds
    CLS: (tune_cls, replace(SHORT, lr=1.0)),
    RNK: (tune_rnk, replace(SHORT, lr=0.3)),
    SCRATCH: (tune_cls, replace(SHORT, lr=0.1, ratio=1.0, epochs=40)),
}
TRIED = (0.0001, 0.0003, 0.001, 0.003)  # ratios, of photographs
FEW_EPOCHS = {name: (loss, replace(recipe, epochs=8)) for name, (loss, recipe) in TWINS.items()}
METHODS = {  # profile -> collection -> method -> loss and recipe
    "demo": {
        "voc2007": TWINS,
        "caltech101": FEW_EPOCHS | {SCRATCH: (softmax, Recipe(epochs=8, lr=1.0, ratio=0.1))},
    },
    "real": {"voc2007": PHOTOGRAPHS},
}
SIZES = (100, 200, 400)  # training pictures of the learning curve; all 800 are in the table
FREEZE = (None, "pool1", "pool2", "conv4", "pool5", "fc6")
RATIOS = (0.0001, 0.001, 0.01)
GRID_EPOCHS = 15
WIDTHS = (768, 384, 192, 24)  # of fc7, the fractions 1, 1/2, 1/4 and 1/32 that 2048, 1024 and 128 are of 4096
PER_CLASS = 250  # source pictures, as in the network's own training
MIDDLE = [[view.name for view in TEN_CROPS].index("centre")]


def split(net: Backbone, images: ImageCollection) -> list[Task]:
    """Return a task a seed: all of the one split that VOC has, or each of a split of its own."""
    pictures, n_seeds = prepare(net, images), SEEDS[images.source]
    how = {"held_back": images.source == "twin", "bfloat16": bfloat16_is_faster(net.device)}
    if images.multi_label:
        return [Task(images, pictures, *images.split_indices(), **how)] * n_seeds
    return [Task(images, pictures, *images.split_indices(seed), **how) for seed in range(n_seeds)]


def choose_ratio(record: Record, task: Task, net: Backbone, method: str, seed: int) -> Recipe:
    """Train on VOC's train with each ratio, measure on its val; return the recipe with the best."""
    loss, recipe = PHOTOGRAPHS[method]
    part = replace(task, train=task.images.splits["train"], test=task.images.splits["val"])
    about = task.about("recipe", seed=seed, n=len(part.train), n_test=len(part.test), method=method)
    found = {}
    for ratio in TRIED:
        tuned = part.learn(net, loss, replace(recipe, ratio=ratio, seed=seed)).net
        found[ratio] = part.by_class(to_scores(tuned, part.phi(tuned, part.test, [WHOLE])))
        record.add(found[ratio], **about, ratio=ratio, metric="validation mAP of one crop")
    return replace(recipe, ratio=max(found, key=lambda ratio: found[ratio].mean()))


def compare(record: Record, tasks: list[Task], net: Backbone, seed: int) -> list[Claim]:
    """Fill the main table of a collection, a task a seed; return the claims about it that are over pictures."""
    task, images = tasks[0], tasks[0].images
    photographs, methods = images.source == "real", METHODS[settings.current().profile][images.name]
    if photographs:
        chosen = {method: choose_ratio(record, task, net, method, seed) for method in (CLS, RNK)}
        methods = {method: (loss, chosen.get(method, recipe)) for method, (loss, recipe) in methods.items()}
    shared = {"n": len(task.train), "n_test": len(task.test), "n_classes": len(task.classes)}
    shared = task.about("table", **shared)
    scores = defaultdict(list)
    for s, task in enumerate(tasks, start=seed):
        if s == seed or task is not tasks[0]:
            scores[FROZEN].append(task.svm_scores(*task.both_parts(net)))
        for method, (loss, recipe) in methods.items():
            about = shared | {"seed": s, "method": method}
            start = from_scratch(net, s) if method == SCRATCH else net
            tuned = task.learn(start, loss, replace(recipe, seed=s))
            test = task.phi(tuned.net, task.test)
            scores[method].append(to_scores(tuned.net, test))
            if images.multi_label:
                one_crop = to_scores(tuned.net, test[:, MIDDLE])
                record.add(task.by_class(one_crop), **about, metric="mAP of one crop")
                record.add(task.auc(scores[method][-1]), **about, metric=AUC)
            if s == seed and method != SCRATCH:
                train = task.phi(tuned.net, task.train)
                scores[method + ON_PHI].append(task.svm_scores(train, test))
            if s == seed:
                record.add_curve(tuned, **about | {"experiment": "epochs"})
    if photographs:
        return over_pictures(record, tasks[0], scores, shared, seed)
    for method, of_method in scores.items():
        for s, (task, of_seed) in enumerate(zip(tasks, of_method, strict=False), start=seed):
            record.add_scores(task, of_seed, **shared, method=method, seed=s)
    return []


def freeze_grid(record: Record, task: Task, net: Backbone, seed: int) -> None:
    """Freeze more and more of the network, and let the rest learn at several rates, all with TUNE-CLS."""
    loss, recipe = TWINS[CLS]
    grid = [(frozen, ratio) for frozen in FREEZE for ratio in RATIOS]
    for frozen, ratio in [*grid, ("fc7", 0.0)]:  # up to fc7: only the head learns, and there is no ratio
        changed = {"frozen": frozen, "ratio": ratio, "epochs": GRID_EPOCHS, "seed": seed}
        tuned = task.learn(net, loss, replace(recipe, **changed))
        about = task.about("freezing", seed=seed, method=CLS, frozen=frozen or "none", ratio=ratio)
        scores = to_scores(tuned.net, task.phi(tuned.net, task.test))
        record.add(task.by_class(scores), **about, metric=task.metric)
        record.add_curve(tuned, **about)


def learning_curve(record: Record, task: Task, net: Backbone, seed: int) -> None:
    """Train on fewer pictures, the fewer the more epochs up to 40; the larger sets hold the smaller."""
    train, test = task.both_parts(net)
    for s in range(seed, seed + SEEDS["twin"]):
        order = np.random.default_rng(s).permutation(len(task.train))
        for n in SIZES:
            rows = np.sort(order[:n])
            about = task.about("training pictures", seed=s, n=n, metric=task.metric)
            scores = task.svm_scores(train[rows], test, task.train[rows])
            record.add(task.by_class(scores), **about, method=FROZEN)
            for method in (CLS, SCRATCH):
                loss, recipe = TWINS[method]
                epochs = min(40, recipe.epochs * len(task.train) // n)
                recipe = replace(recipe, epochs=epochs, patience=epochs // 3, seed=s)
                start = from_scratch(net, s) if method == SCRATCH else net
                tuned = task.learn(start, loss, recipe, task.train[rows]).net
                scores = to_scores(tuned, task.phi(tuned, task.test))
                record.add(task.by_class(scores), **about, method=method)


def dimensions(record: Record, tasks: list[Task], net: Backbone, seed: int) -> None:
    """Retrain fc7 with fewer units on the source task, and test phi on the target tasks by SVMs."""
    train = datasets.load("ilsvrc2012", split="train", per_class=PER_CLASS)
    val = datasets.load("ilsvrc2012", split="val")
    fc6, fc6_val = (encoders.encode(net, images, ["fc6"])["fc6"] for images in (train, val))
    for width in WIDTHS:
        narrow = narrow_fc7.narrow_fc7(net, fc6, train.labels, width, replace(narrow_fc7.RECIPE, seed=seed))
        about = {"experiment": "narrow fc7", "source": train.source, "seed": seed, "width": width}
        with torch.inference_mode():
            x = torch.from_numpy(fc6_val.astype(np.float32)).to(net.device)
            predicted = narrow.stages.fc8(narrow.stages.fc7(x)).argmax(1).cpu().numpy()
        error = 100 * np.mean(predicted != val.labels)
        record.add(error, **about, dataset="ilsvrc2012", method="head", metric="top-1 error")
        for task in tasks:
            values = task.by_class(task.svm_scores(*task.both_parts(narrow)))
            record.add(values, **about, dataset=task.images.name, method=FROZEN, metric=task.metric)


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use()
    net, record, claims = backbones.load(), Record(), []
    available = datasets.load_available(*METHODS[chosen.profile])
    if not available:
        raise SystemExit("No photographs, so nothing is written: set LECTURE_DATA to their folder.")
    tasks = {name: split(net, images) for name, images in available.items()}
    task = tasks["voc2007"][0]
    for of_collection in tasks.values():
        claims += compare(record, of_collection, net, chosen.seed)
    if chosen.profile == "demo":
        freeze_grid(record, task, net, chosen.seed)
        learning_curve(record, task, net, chosen.seed)
        dimensions(record, [of_collection[0] for of_collection in tasks.values()], net, chosen.seed)
        claims = claims_over_classes(record, WIDTHS, SIZES[0], chosen.seed)
    remark = f"trained in {'bfloat16' if task.bfloat16 else 'float32'}"
    path = records.write(NAME, record.rows, claims, command=COMMAND, network=net.name, remark=remark)
    verdicts(claims)
    print(path.name)


if __name__ == "__main__":
    main()
