"""Fine-tuning, in full: a frozen network, fine-tuned with two losses, trained from scratch.

    python -m lecture_lib.chapters.fine_tuning.record

follows LECTURE_PROFILE and writes `data/results/fine_tuning.<profile>.csv`, which notebook 04 shows: of the drawn
CNN-S with 1,000 + 1,000 twins of VOC 2007, in an hour of a core that is fast in bfloat16, or of LECTURE_BACKBONE with
VOC 2007's photographs under LECTURE_DATA. Each training has its checkpoint: after an interrupt the same command goes
on with the one at hand.

Every row learns from all training pictures, the SVM too. Recipes are chosen within these: `search` trains on VOC's
train with each ratio and measures on its val; epochs, and all from scratch, were set beforehand, not searched for.
Test pictures are only ever scored; all claims are over them, of trainings with one seed.

The rates of the head were tried by hand. Twins and twin-alexnet, train and val again, mAP of val where only the head
learned: TUNE-CLS 35.7 with 1, 36.1 with 0.3 (36.4 in 16 epochs of batches of 64); TUNE-RNK 33.7 with 0.3, 34.4 with
0.1. twin-cnn-s takes the same.

Of photographs validation gave mAP 62.9, 62.9, 60.7, 12.2 for TUNE-CLS with the ratios 0.0001, 0.0003, 0.001, 0.003;
58.3, 58.6, 58.3, 55.9 for TUNE-RNK. TUNE-CLS has the lowest: it is ahead of the next by 0.02.

Of twins there is more: what to freeze, fewer pictures, a narrow fc7, and Caltech-101 (one split, softmax).
"""

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
    FEW,
    FROZEN,
    NARROW,
    ON_PHI,
    RNK,
    SCRATCH,
    SOFTMAX,
    TESTED,
    Record,
    claims_of_accuracy,
)
from lecture_lib.chapters.fine_tuning.tasks import Task, from_scratch
from lecture_lib.datasets import DatasetNotFound
from lecture_lib.encoders import TEN_CROPS, WHOLE
from lecture_lib.results import records
from lecture_lib.results.claims import verdicts
from lecture_lib.training import Recipe, prepare, to_scores

NAME, COMMAND = "fine_tuning", "python -m lecture_lib.chapters.fine_tuning.record"
PICTURES = 1_000  # of VOC 2007's twin, in each of trainval and test
# phi has length 1, so the head, at lr, needs far larger steps than the layers below, at ratio x lr;
# the dropout is that before SqueezeNet's own classifier
SHORT = Recipe(epochs=8, batch=16, dropout=0.5)
METHODS = {  # the first two with the rate of HEAD, and the ratio that `search` finds
    CLS: (tune_cls, SHORT),
    RNK: (tune_rnk, SHORT),
    SCRATCH: (tune_cls, replace(SHORT, lr=0.1, ratio=1.0)),  # for as many epochs as FROM_SCRATCH says
}
FROM_SCRATCH = {"twin": 100, "real": 40}  # epochs
HEAD = {"twin": {CLS: 0.3, RNK: 0.1}, "real": {CLS: 1.0, RNK: 0.3}}
CALTECH = {SOFTMAX: (softmax, replace(SHORT, lr=1.0, ratio=0.001))}
TRIED = (0.0001, 0.0003, 0.001, 0.003)  # ratios
FREEZE = (None, "pool5", "fc7")  # up to fc7: only the head learns
FEWER = 250  # training pictures, a quarter; what all give is in the table
WIDTHS = (768, 384, 192, 24)  # of fc7, the fractions 1, 1/2, 1/4 and 1/32 that 2048, 1024 and 128 are of 4096
PER_CLASS = 250  # source pictures, as in the network's own training
ON_VAL = "validation mAP of one view"
Parts = tuple[np.ndarray, np.ndarray]
MIDDLE = [[view.name for view in TEN_CROPS].index("centre")]


def svm_of_val(record: Record, part: Task, net: Backbone, seed: int) -> None:
    """Add what an SVM on one view of the frozen network learns from VOC's train, measured on its val."""
    scores = part.svm_scores(*part.both_parts(net, [WHOLE]))
    record.add(part.by_class(scores), **part.about("recipe", seed=seed), method=FROZEN, metric=ON_VAL)


def search(record: Record, part: Task, net: Backbone, method: str, seed: int, depths=(None,)) -> Recipe:
    """Train on VOC's train with each ratio and depth of freezing, and measure on its val.

    Returns the recipe with the best ratio: that of the highest mAP of one view after the last epoch, nothing frozen.
    """
    loss, recipe = METHODS[method]
    recipe = replace(recipe, lr=HEAD[part.images.source][method])
    found = {}
    for frozen in depths:
        for ratio in TRIED if frozen != "fc7" else (0.0,):
            line = part.about("recipe", seed=seed, method=method, frozen=frozen or "none", ratio=ratio)
            changed = replace(recipe, ratio=ratio, frozen=frozen, seed=seed)
            tuned = part.learn(net, loss, changed, validation=part.test)
            record.add_curve(tuned, **line)
            found[frozen, ratio] = tuned.curve[-1]["validation"]
            record.add(found[frozen, ratio], **line, metric=ON_VAL)
    return replace(recipe, ratio=max(TRIED, key=lambda ratio: found[None, ratio]), seed=seed)


def compare(
    record: Record, task: Task, net: Backbone, frozen: Parts, methods: dict[str, tuple], seed: int
) -> dict[str, np.ndarray]:
    """Fill the main table of a collection; return the scores of the test pictures by each row, float32 [m, C].

    frozen  phi of the training and of the test pictures by the network as it is
    """
    about = task.about("table", n=len(task.train), seed=seed)
    scores = {FROZEN: task.svm_scores(*frozen)}
    for method, (loss, recipe) in methods.items():
        start = from_scratch(net, seed) if method == SCRATCH else net
        tuned = task.learn(start, loss, replace(recipe, seed=seed))
        record.add_curve(tuned, **task.about("epochs", n=len(task.train), seed=seed, method=method))
        test = task.phi(tuned.net, task.test)
        scores[method] = to_scores(tuned.net, test)
        if task.images.multi_label:
            one_crop = to_scores(tuned.net, test[:, MIDDLE])
            record.add(task.by_class(one_crop), **about, method=method, metric="mAP of one crop")
            record.add(task.auc(scores[method]), **about, method=method, metric=AUC)
            if method != SCRATCH:
                scores[method + ON_PHI] = task.svm_scores(task.phi(tuned.net, task.train), test)
    return scores


def fewer_pictures(
    record: Record, task: Task, net: Backbone, frozen: Parts, methods: dict[str, tuple], seed: int
) -> dict[str, np.ndarray]:
    """Learn from a quarter of the pictures in as many steps, so in four times as many epochs.

    frozen  phi of the training and of the test pictures by the network as it is

    Returns the scores of the test pictures, by FEW and the row.
    """
    rows = np.sort(np.random.default_rng(seed).permutation(len(task.train))[:FEWER])
    train, test = frozen
    scores = {FROZEN: task.svm_scores(train[rows], test, task.train[rows])}
    for method in (CLS, SCRATCH):
        loss, recipe = methods[method]
        recipe = replace(recipe, epochs=recipe.epochs * len(task.train) // FEWER, seed=seed)
        start = from_scratch(net, seed) if method == SCRATCH else net
        tuned = task.learn(start, loss, recipe, task.train[rows]).net
        scores[method] = to_scores(tuned, task.phi(tuned, task.test))
    for method, of_method in scores.items():
        about = task.about("training pictures", seed=seed, n=FEWER, method=method)
        record.add(task.by_class(of_method), **about, metric=task.metric)
    return {FEW + method: of_method for method, of_method in scores.items()}


def dimensions(record: Record, tasks: list[Task], net: Backbone, seed: int) -> list[dict[str, np.ndarray]]:
    """Retrain fc7 with fewer units on the source task, test phi of one view on the target tasks by SVMs.

    Returns the scores of each task, by NARROW and the width.
    """
    train = datasets.load("ilsvrc2012", split="train", per_class=PER_CLASS)
    val = datasets.load("ilsvrc2012", split="val")
    fc6, fc6_val = (encoders.encode(net, images, ["fc6"])["fc6"] for images in (train, val))
    scores = [{} for _ in tasks]
    for width in WIDTHS:
        narrow = narrow_fc7.narrow_fc7(net, fc6, train.labels, width, replace(narrow_fc7.RECIPE, seed=seed))
        about = {"experiment": "narrow fc7", "source": train.source, "seed": seed, "width": width}
        with torch.inference_mode():
            x = torch.from_numpy(fc6_val.astype(np.float32)).to(net.device)
            predicted = narrow.stages.fc8(narrow.stages.fc7(x)).argmax(1).cpu().numpy()
        error = 100 * np.mean(predicted != val.labels)
        record.add(error, **about, dataset="ilsvrc2012", method="head", metric="top-1 error")
        for task, of_task in zip(tasks, scores, strict=True):
            of_task[NARROW + str(width)] = task.svm_scores(*task.both_parts(narrow, [WHOLE]))
            values = task.by_class(of_task[NARROW + str(width)])
            record.add(values, **about, dataset=task.images.name, method=FROZEN, metric=task.metric)
    return scores


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use()
    twins, seed = chosen.profile == "demo", chosen.seed
    try:
        images = datasets.load("voc2007", **{"pictures": PICTURES} if twins else {})
    except DatasetNotFound as missing:
        raise SystemExit(f"Nothing is written: {missing}") from None
    net, record = backbones.load("twin-cnn-s" if twins else None), Record()
    task = Task(images, prepare(net, images), *images.split_indices(), bfloat16_is_faster(chosen.device))
    part = replace(task, train=images.splits["train"], test=images.splits["val"])
    svm_of_val(record, part, net, seed)
    loss, recipe = METHODS[SCRATCH]
    methods = {SCRATCH: (loss, replace(recipe, epochs=FROM_SCRATCH[images.source]))} | {
        method: (METHODS[method][0], search(record, part, net, method, seed, depths))
        for method, depths in {CLS: FREEZE if twins else (None,), RNK: (None,)}.items()
    }
    frozen = task.both_parts(net)
    scores, claims = compare(record, task, net, frozen, methods, seed), []
    if twins:
        caltech = datasets.load("caltech101")
        caltech = Task(caltech, prepare(net, caltech), *caltech.split_indices(seed), task.bfloat16)
        of_caltech = compare(record, caltech, net, caltech.both_parts(net), CALTECH, seed)
        narrow, narrow_caltech = dimensions(record, [task, caltech], net, seed)
        scores |= fewer_pictures(record, task, net, frozen, methods, seed) | narrow
        for method, of_method in of_caltech.items():
            about = caltech.about("table", n=len(caltech.train), seed=seed, method=method)
            record.add(caltech.by_class(of_method), **about, metric=caltech.metric)
        claims = claims_of_accuracy(caltech, of_caltech | narrow_caltech, seed)
    claims = record.over_pictures(task, scores, TESTED, seed) + claims
    remark = f"trained in {'bfloat16' if task.bfloat16 else 'float32'}"
    path = records.write(NAME, record.rows, claims, command=COMMAND, network=net.name, remark=remark)
    verdicts(claims)
    print(path.name)


if __name__ == "__main__":
    main()
