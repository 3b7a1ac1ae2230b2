"""Rows (x), (y), (z) of the lecture's table: how small may phi be? On the twins, in five minutes.

    python -m lecture_lib.chapters.fine_tuning.dimensions

takes the demo profile and writes `data/results/fine_tuning_dimensions.demo.json`, which notebook 04 shows. fc7 of
twin-alexnet is retrained with fewer units on all its source pictures (`narrow_fc7`); phi is then tested by SVMs on the
twins of VOC 2007 and Caltech-101 (split 0), as the frozen network is in `tables`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from lecture_lib import backbones, datasets, encoders, settings
from lecture_lib.backbones import Backbone
from lecture_lib.chapters.fine_tuning.drawings import FROZEN, MEASURE, Record, Task, load_tasks
from lecture_lib.chapters.fine_tuning.narrow_fc7 import RECIPE, narrow_fc7
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, paired_claim, verdicts
from lecture_lib.training.head import with_head

NAME = "fine_tuning_dimensions"
WIDTHS = (768, 384, 192, 24)  # of fc7, the fractions 1, 1/2, 1/4 and 1/32 that 2048, 1024 and 128 are of 4096
PER_CLASS = 250  # source pictures, as in the network's own training


def dimensions(record: Record, tasks: dict[str, list[Task]], net: Backbone, seed: int) -> None:
    """Retrain fc7 with fewer units on the source task, and test phi on the target tasks by SVMs."""
    source = {
        "train": datasets.load("ilsvrc2012", split="train", per_class=PER_CLASS),
        "val": datasets.load("ilsvrc2012", split="val"),
    }
    fc6 = {part: encoders.encode(net, images, ["fc6"])["fc6"] for part, images in source.items()}
    for width in WIDTHS:
        narrow = narrow_fc7(net, fc6["train"], source["train"].labels, width, replace(RECIPE, seed=seed))
        about = {"experiment": "narrow fc7", "seed": seed, "width": width}
        with torch.inference_mode():
            x = torch.from_numpy(fc6["val"].astype(np.float32)).to(net.device)
            said = narrow.stages.fc8(narrow.stages.fc7(x)).argmax(1).cpu().numpy()
        error = 100 * np.mean(said != source["val"].labels)
        record.add(error, **about, dataset="ilsvrc2012", method="head", metric="top-1 error")
        for name, (task, *_) in tasks.items():
            found = task.test_svm(*task.both_parts(with_head(narrow, task.images.classes)))
            record.add(found, **about, dataset=name, method=FROZEN, metric=MEASURE[name])


def judge(record: Record, source: str, seed: int) -> list[Claim]:
    """Put to the test that low-dimensional features lose little, paired over the classes."""
    whole, _, quarter, least = WIDTHS
    found = []
    for name, measure in MEASURE.items():
        for id, text, width in (
            ("quarter", "a quarter of the dimensions costs at most 2 points", quarter),
            ("thirtieth", "a thirty-second of the dimensions costs at most 2 points", least),
        ):
            of_name = {"dataset": name, "metric": measure}
            loss = record.mean(width=width, **of_name) - record.mean(width=whole, **of_name)
            about = {"margin": -2, "source": source, "seed": seed}
            found.append(paired_claim(f"tune/dim/{id}/{name}", f"On {name}, {text}", loss, **about))
    return found


def main() -> None:
    """Run what is described at the top of this file."""
    seed = settings.use("demo").seed
    net, record = backbones.load(), Record()
    tasks = load_tasks(net)
    dimensions(record, tasks, net, seed)
    images = tasks["voc2007"][0].images
    found = judge(record, images.source, seed)
    command = "python -m lecture_lib.chapters.fine_tuning.dimensions"
    rows = record.rows(images.classes, images.source)
    path = records.write(NAME, rows, found, command=command, network=net.name)
    verdicts(found)
    print(path.name)


if __name__ == "__main__":
    main()
