"""How transferable features are, in full: two halves of the classes, nets chopped at every layer.

    python -m lecture_lib.chapters.how_transferable.record

follows LECTURE_PROFILE and writes `data/results/how_transferable.<profile>.csv`, which notebook 06 shows, and the two
base nets that it chops, `data/weights/how-transferable-{a,b}.safetensors`. Each net has its checkpoint in the cache:
after an interrupt the same command goes on with the net at hand, inside its epoch.

What is trained, all nets with one recipe, one number of classes and, of one target task, one set of weights above the
cut, one order of pictures:

| halves | target tasks | nets | in units of a base net |
|---|---|---|---|
| random, split 0, target B | 1 | two base nets; BnB, AnB, random frozen layers, BnB+, AnB+, each at n = 1 .. 7 | 22 |
| random, split 0, target A, and splits 1 to 3 | 7 | six base nets; BnB, AnB at n = 5, 6, 7 | 8 |
| natural and man-made | 2 | two base nets; BnB, AnB at n = 1 .. 7 | 10 |

A net is the plan of twin-alexnet for 80 pixels with half its channels, BatchNorm in training; 60 classes a half, which
is all natural ones, 400 pictures of each, 12 epochs: 2,256 steps of 128 pictures. A processor's own milliseconds for
a step, one thread, medians of a few steps:

| frozen layers, n | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |
|---|---|---|---|---|---|---|---|---|
| AMD EPYC with AVX-512, bfloat16 | 87 | 54 | 33 | 25 | 12 | | | |
| the same, float32 | 135 | 85 | 51 | 38 | 18 | | | |
| Xeon with AMX, bfloat16 | 133 | 63 | 41 | 29 | 20 | 7 | 4 | 4 |
| the same, float32 | 255 | 150 | 89 | 63 | 29 | 8 | 4 | 4 |

What is frozen is computed once for all pictures, 5 to 9 s a net. The record was made on that EPYC in
113 minutes, of which three were a pause, by this command and a second process in the same checkpoints, a thread each:
about 150 minutes of a core.

C(n) tells co-adaptation only if base B is trained to the end, as the upper layers of BnB are trained twice. Base B of
the first halves was right on 84.1, 91.4 and 93.1 % of the test pictures after 6, 12 and 24 epochs. Twelve is what an
hour has room for; what a second training is worth, BnB+ tells.

Nothing is chosen by a test picture: the recipe is that of `training.pretrain`, and the last weights are kept.
Photographs of ILSVRC-2012 run through the same functions, where they are. Where they are not, Caltech-101 has too few
pictures to learn from nothing: there the donor is a published network; see `photographs`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd
from torch import nn

from lecture_lib import datasets, settings
from lecture_lib.backbones import twin_nets
from lecture_lib.backbones.cost import bfloat16_is_faster
from lecture_lib.chapters.how_transferable import halves, measure, photographs
from lecture_lib.chapters.how_transferable.experiment import BATCH, RECIPE, accuracy, learn, rounded
from lecture_lib.chapters.how_transferable.halves import Task
from lecture_lib.chapters.how_transferable.nets import SIDE, averaged, base_file, build, glue
from lecture_lib.datasets import DatasetNotFound, ImageCollection
from lecture_lib.results import records
from lecture_lib.results.claims import Claim, verdicts

NAME, COMMAND = "how_transferable", "python -m lecture_lib.chapters.how_transferable.record"
NETWORK = ", ".join(base_file(target).stem for target in "AB")
REMARK = f"the plan of twin-alexnet for {SIDE} pixels, half its channels"
SPLITS = 4  # random ones
CUTS, LATE = range(1, 8), range(5, 8)  # n; where nets are nearly free, as all below is computed once
KINDS = ("BnB", "AnB", "random layers", "BnB+", "AnB+")


@dataclass(frozen=True)
class Plan:
    """The nets of a pair of halves: target -> kind -> cuts."""

    halves: str
    split: int
    kinds: dict[str, dict[str, range]]


def plans() -> list[Plan]:
    """Return what is trained, pair by pair."""
    late, pair = dict.fromkeys(KINDS[:2], LATE), dict.fromkeys(KINDS[:2], CUTS)
    first = Plan("random", 0, {"B": dict.fromkeys(KINDS, CUTS), "A": late})
    others = [Plan("random", s, {"B": late, "A": late}) for s in range(1, SPLITS)]
    return [first, *others, Plan("dissimilar", 0, {"B": pair, "A": pair})]


def pair_of_tasks(plan: Plan, train: ImageCollection, test: ImageCollection, seed: int) -> dict[str, Task]:
    """Return the tasks A and B of a plan; random halves have as many classes as dissimilar ones."""
    unlike = halves.dissimilar(train, seed)
    if plan.halves == "dissimilar":
        a, b = unlike
    else:
        a, b = halves.split(train, seed + plan.split, len(unlike[0]) or None)
    return {"A": halves.task(train, test, a), "B": halves.task(train, test, b)}


def seeds_of(plan: Plan, seed: int) -> dict[str, int]:
    """Return the seeds of base A, base B and what is above a cut: base B's meet others than they grew up with."""
    first = 10 * (plan.split + SPLITS * (plan.halves == "dissimilar")) + 1000 * seed
    return {"A": first + 1, "B": first + 2, "above": first + 3}


def run(
    plan: Plan, tasks: dict[str, Task], seed: int, bfloat16: bool = False
) -> Iterator[tuple[dict, nn.Sequential]]:
    """Train the nets of a pair of halves; yield what each is and its accuracies, as `measure.table` wants, and itself.

    The base nets come first. bfloat16: trainings compute in it.
    """
    seeds, bases, device = seeds_of(plan, seed), {}, settings.current().device
    recipe = replace(RECIPE, seed=seeds["above"], bfloat16=bfloat16)

    def line(target: str, method: str, n: int, net: nn.Sequential) -> dict:
        about = {"halves": plan.halves, "split": plan.split, "target": target, "method": method, "cut": n}
        return about | {"classes": tasks[target].classes, "values": accuracy(net, tasks[target])}

    for target, task in tasks.items():
        bases[target] = build(len(task.classes), seeds[target])
        learn(bases[target], 0, task, recipe, f"base {target}")
        yield line(target, *measure.BASE, rounded(bases[target])), bases[target]
    for target, kinds in plan.kinds.items():
        task, (other,) = tasks[target], tasks.keys() - {target}
        fresh = build(len(task.classes), seeds["above"])
        some = task.see(task.train[:: max(1, len(task.train) // BATCH)]).to(device)
        random = averaged(fresh.to(device), some)
        donors = {"A": bases[other], "B": bases[target], "r": random}  # by a kind's first letter
        for kind, cuts in kinds.items():
            for n in cuts:
                net = glue(donors[kind[0]], n, fresh)
                learn(net, 0 if kind.endswith("+") else n, task, recipe, f"{kind} {n}, target {target}")
                yield line(target, kind, n, net), net


def groups_of(accuracies: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the target tasks whose losses are told together, each group with the cuts that all of its tasks have."""
    alike = accuracies.xs("random", level="halves", drop_level=False)
    late = [(method, n) for method, n in alike if n == 0 or (method in KINDS[:2] and n in LATE)]
    found = {
        "random halves, one target": alike[alike["AnB", min(CUTS)].notna()],
        "random halves, all targets": alike[late],
    }
    if "dissimilar" in accuracies.index.unique("halves"):
        found["dissimilar halves"] = accuracies.xs("dissimilar", level="halves", drop_level=False)
    return found


def rows_of(accuracies: pd.DataFrame, seed: int, **about: object) -> list[dict]:
    """Turn a `measure.table` into rows: each net's mean class accuracy, and C, S, T of each group of target tasks."""
    rows = net_rows(accuracies, **about)
    for group, of_group in groups_of(accuracies).items():
        found = measure.intervals(of_group, seed)
        if ("AnB", min(CUTS)) in of_group:
            found += measure.where(of_group, seed)
        rows += [about | {"experiment": group} | row for row in found]
    return rows


def net_rows(accuracies: pd.DataFrame, **about: object) -> list[dict]:
    """Return a row a net: its mean class accuracy."""
    means = accuracies.groupby(level=measure.OF_TASK, sort=False).mean()
    return [
        about
        | {"experiment": f"nets, {kind}", "split": split, "target": target, "method": method, "cut": n}
        | {"metric": "mean class accuracy", "value": value}
        for (kind, split, target), of_task in means.iterrows()
        for (method, n), value in of_task.dropna().items()
    ]


def whole_run(seed: int, bfloat16: bool) -> tuple[list[dict], list[Claim]]:
    """Train all nets of `plans` on the source task's pictures, keep the base nets of the first; DatasetNotFound."""
    train, test = halves.source()
    lines, wanted = [], [plan for plan in plans() if plan.halves == "random" or any(train.groups)]
    total = sum(len(cuts) for plan in wanted for kinds in plan.kinds.values() for cuts in kinds.values())
    total += 2 * len(wanted)
    for plan in wanted:
        tasks = pair_of_tasks(plan, train, test, seed)
        for line, net in run(plan, tasks, seed, bfloat16):
            lines.append(line)
            what = " ".join(str(line[key]) for key in ("halves", "split", "target", "method", "cut"))
            print(f"{len(lines)} of {total}: {what}  {line['values'].mean():.1f} %", flush=True)
            if train.source == "twin" and plan is wanted[0] and line["method"] == "base":
                classes = tuple(train.classes[c] for c in line["classes"])
                twin_nets.save_weights(NAME, net, classes, base_file(line["target"]))
    accuracies = measure.table(lines)
    about = {"dataset": train.name, "source": train.source, "n_classes": len(tasks["A"].classes)}
    rows = rows_of(accuracies, seed, **about)
    return rows, measure.claims(accuracies, seed, train.source)


def main() -> None:
    """Run what is described at the top of this file."""
    chosen = settings.use()
    network, remark = NETWORK, REMARK
    bfloat16 = bfloat16_is_faster(chosen.device)
    try:
        rows, claims = whole_run(chosen.seed, bfloat16)
    except DatasetNotFound as missing:
        print(f"left out: {missing}")
        available = datasets.load_available("caltech101")
        if not available:
            raise SystemExit(
                "No photographs, so nothing is written: set LECTURE_DATA to their folder."
            ) from None
        (images,), network, remark = available.values(), chosen.backbone, "too few pictures for a base net"
        accuracies = measure.table(photographs.run(images, chosen.seed, bfloat16))
        rows = net_rows(accuracies, dataset=images.name, source=images.source)
        claims = photographs.claims(accuracies, images.name, chosen.seed)
    remark += f", trained in {'bfloat16' if bfloat16 else 'float32'}"
    print(records.write(NAME, rows, claims, command=COMMAND, network=network, remark=remark).name)
    verdicts(claims)


if __name__ == "__main__":
    main()
