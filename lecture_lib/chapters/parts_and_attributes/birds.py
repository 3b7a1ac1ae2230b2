"""The lecture's table of CUB-200, row by row: what test pictures are named, with parts and without."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from lecture_lib import encoders
from lecture_lib.backbones import Backbone
from lecture_lib.chapters.parts_and_attributes import dpd, parts, poof
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.regions import facing_one_way
from lecture_lib.linear import choose, logistic_regression, svm

CS = (0.1, 1.0, 10.0, 100.0)
GRID = 4  # cells of the map, across and down, from which points are predicted
POINT_CONTEXT = 1.2  # of the box that points are predicted from
POOFS, POOF_SIDE, POOF_CONTEXT = 1000, 192, 1.2
FEW, TRANSFER, DRAWN = (
    8,
    20,
    5,
)  # fewer than FEW classes are halved in all ways, up to TRANSFER; more in DRAWN
ORACLE, PREDICTED = "oracle", "predicted"


@dataclass(frozen=True)
class Row:
    """One row: method as in the lecture, parts ("oracle", "predicted", "" for none), region, and x [N, d]."""

    method: str
    parts: str
    region: str
    x: np.ndarray


def with_predicted(net: Backbone, images: ImageCollection, maps: str) -> ImageCollection:
    """The same pictures with part points predicted from `maps`, a convolutional layer of the box."""
    x = dpd.by_network(net, dpd.box_crop(images, POINT_CONTEXT), maps, GRID, 1)[:, 0]
    return replace(images, parts=parts.predict_points(x, images, images.split_indices()[0]))


def network_rows(
    net: Backbone, images: ImageCollection, guessed: ImageCollection, layer: str, pool: str | int
) -> Iterator[Row]:
    """DeCAF6 of the whole picture and of the box, and with head and body; weak DPD by the smaller parts.

    guessed  the same pictures with predicted points
    """
    train = images.split_indices()[0]
    whole = encoders.encode(net, images, [layer], pool=pool, l2=True, progress=False)[layer]
    yield Row("DeCAF6", "", "whole picture", whole.astype(np.float32))
    box = dpd.by_network(net, dpd.box_crop(images), layer, pool, 1)[:, 0]
    yield Row("DeCAF6", "", "box", box)
    for kind, of in ((ORACLE, images), (PREDICTED, guessed)):
        crops, _, visible = dpd.crops(images, of.parts, parts.BIRD)
        x = dpd.by_network(net, crops, layer, pool, len(parts.BIRD))
        yield Row("DPD + DeCAF6", kind, "box", dpd.strong(box, x, visible))
    crops, boxes, visible = dpd.crops(images, images.parts, parts.DETECTED)
    x = dpd.by_network(net, crops, layer, pool, len(parts.DETECTED))
    component = parts.faces_left(images.parts, images.part_names).astype(int)
    W = parts.pooling_weights(
        images.parts[train], images.part_names, parts.BIRD, boxes[train], visible[train], component[train]
    )
    yield Row("DPD + DeCAF6, weak", ORACLE, "box", dpd.weak(box, x, visible, W, component))


def word_rows(images: ImageCollection, guessed: ImageCollection) -> Iterator[Row]:
    """The box, and with head and body, by words of SIFT and colour in place of kernel descriptors."""
    train = images.split_indices()[0]
    box = dpd.by_words(dpd.box_crop(images, 1.0, dpd.SIDE), train, 1)[:, 0]
    yield Row("SIFT + colour words", "", "box", box)
    for kind, of in ((ORACLE, images), (PREDICTED, guessed)):
        crops, _, visible = dpd.crops(images, of.parts, parts.BIRD, dpd.SIDE)
        x = dpd.by_words(crops, train, len(parts.BIRD))
        yield Row("DPD (SIFT + colour words)", kind, "box", dpd.strong(box, x, visible))


def named(row: Row, images: ImageCollection) -> np.ndarray:
    """Name the test pictures, int64 [m]: by logistic regression of networks' vectors, by an SVM of others."""
    train, test = images.split_indices()
    learner = logistic_regression if "DeCAF" in row.method else svm
    return choose(learner, row.x[train], images.labels[train], CS).probe.predict(row.x[test])


def poof_scores(
    images: ImageCollection, n: int = POOFS, seed: int = 0
) -> tuple[list[poof.Task], list[poof.Poof | None], np.ndarray, np.ndarray]:
    """Draw n tasks, learn their POOFs and score all pictures: tasks, and as `poof.poofs`, with scores [N, n]."""
    train = images.split_indices()[0]
    flip = parts.faces_left(images.parts, images.part_names)
    pictures, points = facing_one_way(images, flip, POOF_CONTEXT, POOF_SIDE)
    points, _ = poof.merge_sides(points, images.part_names)
    tasks = poof.random_tasks(points[train], images.labels[train], n, seed)
    centres = poof.colour_centres(pictures[train.tolist()], seed)
    return tasks, *poof.poofs(pictures, points, images.labels, train, tasks, centres, seed)


def poof_row(scores: np.ndarray, images: ImageCollection, kind: str) -> Row:
    """POOF as in the paper: the scores of all POOFs as a picture's vector."""
    return Row("POOF", kind, "box", poof.descriptor(scores, images.split_indices()[0]))


def transfer(
    images: ImageCollection, tasks: list[poof.Task], scores: Mapping[str, np.ndarray], seed: int = 0
) -> dict[str, np.ndarray]:
    """Name the birds of half of the classes by POOFs of the other half: shares of right answers, float [m], by method.

    scores   "POOFs" -> [N, T] of `tasks`, and "shuffled" -> the same with i and j dealt at random
    returns  "classes left out": POOFs that saw none of the classes that are to be told apart; "own classes": POOFs of
             just these; "shuffled": those of the first with nothing learned. Equally many POOFs each. A test picture's
             share is over the ways to part the classes in which its class is to be named; without one it is left out
    """
    train, test = images.split_indices()
    classes, rng = np.arange(len(images.classes)), np.random.default_rng(seed)
    if len(classes) < FEW:
        ways = [set(map(int, way)) for way in combinations(classes, len(classes) // 2)]
    else:
        ways = [set(rng.permutation(classes)[: len(classes) // 2].tolist()) for _ in range(DRAWN)]
    hits = {name: np.zeros(len(test)) for name in ("classes left out", "own classes", "shuffled")}
    times = np.zeros(len(test))
    for way in ways[:TRANSFER]:
        named = np.array([c not in way for c in classes])[images.labels]
        own_train, own_test = train[named[train]], test[named[test]]
        of = [
            np.array([t for t, task in enumerate(tasks) if {task.i, task.j} <= side])
            for side in (way, {*classes} - way)
        ]
        n = min(map(len, of))
        if not n:
            continue
        other, own = of[0][:n], of[1][:n]
        chosen = (("POOFs", other), ("POOFs", own), ("shuffled", other))
        for name, (which, columns) in zip(hits, chosen, strict=True):
            x = poof.descriptor(scores[which][:, columns], own_train)
            probe = choose(svm, x[own_train], images.labels[own_train], CS).probe
            hits[name][named[test]] += probe.predict(x[own_test]) == images.labels[own_test]
        times += named[test]
    asked = times > 0
    return {name: hit[asked] / times[asked] for name, hit in hits.items()}
