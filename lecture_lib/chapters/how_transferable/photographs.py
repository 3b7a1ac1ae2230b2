"""Caltech-101's photographs: too few to learn a network from, so a published one is chopped, and gives its layers.

A is ILSVRC-2012 here, on which the donor was trained; the target is a half of Caltech-101's classes, 30 pictures of
each. There are AnB and random frozen layers only: of 1,500 pictures neither base B nor BnB can be trained, so the loss
T(n) has no two parts. Pictures are as small as the drawn ones: four times as fast, and the donor's layers less good.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pandas as pd
from torch import Tensor

from lecture_lib import backbones
from lecture_lib.backbones import Backbone, standardise, to_square
from lecture_lib.chapters.how_transferable import halves
from lecture_lib.chapters.how_transferable.experiment import RECIPE, accuracy, learn
from lecture_lib.chapters.how_transferable.nets import glue, layers
from lecture_lib.datasets import ImageCollection
from lecture_lib.results.claims import Claim, paired_claim

SIDE = 112  # pixels; a published network takes 224
# Networks without BatchNorm do not bear pretrain's rate. Of .03, .01 and .003 the last had the lowest loss on training
# pictures, with six and with eight frozen layers: 3.9, 2.6, 1.0 and 4.7, 4.9, 3.3.
PHOTOGRAPHS = replace(RECIPE, epochs=10, batch=32, lr=0.003)
KINDS = ("AnB", "random layers")


def small(net: Backbone) -> Backbone:
    """Return a network that takes squares of SIDE pixels, cut out of as much of the picture as its own are."""
    return replace(net, resize=net.resize and round(net.resize * SIDE / net.input_size), input_size=SIDE)


def tasks(images: ImageCollection, net: Backbone, seed: int) -> dict[str, halves.Task]:
    """Return a task for each half of the classes, "A" and "B", with the pictures of the collection's protocol."""
    train, test = images.split(seed)

    def prepare(of: ImageCollection, i: int) -> Tensor:
        return to_square(net, of.tensor(i))

    pair = zip("AB", halves.split(images, seed), strict=True)
    how = {"prepare": prepare, "see": partial(standardise, net)}
    return {target: halves.task(train, test, classes, **how) for target, classes in pair}


def run(images: ImageCollection, seed: int, bfloat16: bool = False) -> Iterator[dict]:
    """Cut the network of the settings after each of its layers; yield lines as `measure.table` wants them.

    images    with one label a picture and a protocol: Caltech-101, or a `datasets.folder` with 31 pictures a class
    bfloat16  trainings compute in it

    Its scores stay as many as they were; the task's classes are the first of them.
    """
    donor = small(backbones.load())
    fresh = backbones.load(donor.name, "random", seed + 1).stages
    recipe = replace(PHOTOGRAPHS, seed=seed, bfloat16=bfloat16)
    for target, task in tasks(images, donor, seed).items():
        for kind in KINDS:
            for n in range(1, len(layers(fresh))):
                net = glue(donor.stages if kind == "AnB" else fresh, n, fresh)
                learn(net, n, task, recipe, f"{kind} {n}, target {target}")
                about = {"halves": "photographs", "split": 0, "target": target, "method": kind, "cut": n}
                yield about | {"classes": task.classes, "values": accuracy(net, task)}


def claims(accuracies: pd.DataFrame, name: str, seed: int) -> list[Claim]:
    """Put to the test, over classes, what AnB and random layers alone can show: a `measure.table` of photographs."""
    last = accuracies["AnB"].columns.max()
    gain = (accuracies["AnB"] - accuracies["random layers"])[last].to_numpy()
    text = (
        f"On photographs of {name}, all layers but the last, frozen, are over 20 points ahead of random ones"
    )
    return [paired_claim("transfer/photographs", text, gain, margin=20, source="real", seed=seed)]
