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
from lecture_lib.chapters.fine_tuning.drawings import MEASURE, Record, Task, load_tasks
from lecture_lib.chapters.fine_tuning.narrow_fc7 import RECIPE, narrow_fc7
from lecture_lib.results import claims
from lecture_lib.results.claims import Claim, paired_claim
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
        row = f"fc7 of {width}"
        with torch.inference_mode():
            x = torch.from_numpy(fc6["val"].astype(np.float32)).to(net.device)
            said = narrow.stages.fc8(narrow.stages.fc7(x)).argmax(1).cpu().numpy()
        record.add("ilsvrc2012", row, "top-1 error", 100 * np.mean(said != source["val"].labels))
        for name, (task, *_) in tasks.items():
            found = task.test_svm(*task.both_parts(with_head(narrow, task.images.classes)))
            record.add(name, row, MEASURE[name], found)


def judge(record: Record, source: str, seed: int) -> list[Claim]:
    """Put to the test that low-dimensional features lose little, paired over the classes."""
    whole, quarter, least = (f"fc7 of {WIDTHS[i]}" for i in (0, 2, 3))
    found = []
    for name, measure in MEASURE.items():
        for id, text, row in (
            ("quarter", "a quarter of the dimensions costs at most 2 points", quarter),
            ("thirtieth", "a thirty-second of the dimensions costs at most 2 points", least),
        ):
            loss = record.mean(name, row, measure) - record.mean(name, whole, measure)
            about = {"margin": -2, "unit": "points", "source": source, "seed": seed}
            found.append(paired_claim(f"tune/dim/{id}/{name}", f"{name}: {text}", loss, **about))
    return found


def main() -> None:
    """Run what is described at the top of this file."""
    clock = claims.Stopwatch()
    seed = settings.use("demo").seed
    net, record = backbones.load(), Record()
    tasks = load_tasks(net)
    dimensions(record, tasks, net, seed)
    source = tasks["voc2007"][0].images.source
    results, found = record.results(source, seed), judge(record, source, seed)
    command = "python -m lecture_lib.chapters.fine_tuning.dimensions"
    spent = clock.seconds, claims.peak_mb()
    path = claims.write_run(NAME, *spent, results, found, command=command, seed=seed, network=net.name)
    for claim in found:
        print(f"{claim}\n    {claim.numbers}")
    print(f"{path.name}, {clock.seconds:.0f} s")


if __name__ == "__main__":
    main()
