"""The rows of the table by a network, and BoB, which has a row in the column of sculptures alone."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lecture_lib import encoders
from lecture_lib.backbones import Backbone
from lecture_lib.chapters.instance_retrieval.bob import describe_boundary
from lecture_lib.chapters.instance_retrieval.patches import (
    MOP,
    augmented,
    fit_whitening,
    gem,
    grid,
    learn_level,
    mac,
    orderless,
    query_boxes,
    rmac,
    spatial_distances,
    spoc,
)
from lecture_lib.chapters.instance_retrieval.tables import SHORT, Row, Search, few_axes, projected
from lecture_lib.chapters.instance_retrieval.vectors import (
    bag_of_words,
    bag_scores,
    bytes_a_picture,
    count_words,
    inverse_frequency,
)
from lecture_lib.chapters.instance_retrieval.words import assign, learn_words
from lecture_lib.datasets import ImageCollection, twin_retrieval
from lecture_lib.encoders.augment import WHOLE, View
from lecture_lib.encoders.codebook import fit_pca
from lecture_lib.encoders.normalise import l2_normalise

LEVELS = grid(1) + grid(2) + grid(3) + grid(4)  # of CNN-ss: 30 patches of a picture
ASKED = 14  # of them a query's, the first three levels
LEARNED = 200  # pictures that axes and the words of MOP-CNN are learned from, at most
# numbers of a patch in CNNaug-ss: the paper's 500 are an eighth of fc6's; the last of so few are noise, whitened or not
WHITENED = 256
BOUNDARIES = 1000  # words of BoB, of 10,000 in the paper
MAPS = ("conv5", "fire9")  # the last layer of maps, of the twin's network and of SqueezeNet


def patches(net: Backbone, images: ImageCollection, which: tuple[View, ...], layer: int = 6) -> np.ndarray:
    """DeCAF6 of some patches of each picture, to length 1: float16 [N, p, d]."""
    name = net.decaf[layer]
    phi = encoders.encode(net, encoders.expand(images, which), [name], pool="mean", l2=True, progress=False)
    return phi[name].reshape(len(images), len(which), -1)


def asked(net: Backbone, task: Search, which: tuple[View, ...], layer: int = 6) -> np.ndarray:
    """The same of each query: of what is in its box, if it has one."""
    if task.queries[0].box is None:
        return patches(net, task.images, which, layer)[task.asking]
    return patches(net, query_boxes(task.images, task.queries), which, layer)


def learned_from(task: Search) -> ImageCollection:
    """Some of the pictures that are not judged, evenly spread."""
    few = np.linspace(0, len(task.unjudged) - 1, min(LEARNED, len(task.unjudged))).round().astype(int)
    return task.apart[task.unjudged[few]]


def by_patches(task: Search, net: Backbone) -> Iterator[Row]:
    """CNN, CNN-ss, CNNaug-ss; the first two also in 128 numbers a patch."""
    x, q = patches(net, task.images, LEVELS), asked(net, task, LEVELS[:ASKED])
    training = torch.from_numpy(patches(net, learned_from(task), LEVELS).astype(np.float32)).flatten(0, 1)
    yield spatial_row("CNN", q[:, :1], x[:, :1].copy())
    yield spatial_row("CNN-ss", q, x)
    short = fit_pca(training, SHORT)
    q_short, x_short = (projected(of, short).astype(np.float16) for of in (q, x))
    yield spatial_row(f"CNN, {SHORT} numbers", q_short[:, :1], x_short[:, :1].copy())
    yield spatial_row(f"CNN-ss, {SHORT} numbers", q_short, x_short)
    white = fit_whitening(l2_normalise(training), WHITENED)
    q_aug, x_aug = (
        augmented(torch.from_numpy(np.array(of)), white).numpy().astype(np.float16) for of in (q, x)
    )
    yield spatial_row("CNNaug-ss", q_aug, x_aug)


def spatial_row(name: str, q: np.ndarray, x: np.ndarray) -> Row:
    """Rank by the distances of queries' patches [Q, p, d] to the nearest of each picture's, float16 [N, P, d]."""
    return Row(name, x[0].nbytes, lambda i: -spatial_distances(q[i], x), 0, x[0].size)


def by_maps(task: Search, net: Backbone) -> Iterator[Row]:
    """MAC, SPoC, R-MAC and GeM of the last maps, without the whitening that is learned from matching pairs."""
    for name, x, q in by_maps_of(task, net):
        yield Row(name, bytes_a_picture(x), lambda i, q=q, x=x: x @ q[i], 0, x.shape[1])


def by_maps_of(task: Search, net: Backbone) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Their names, and vectors of pictures [N, c] and of what is asked with [Q, c]."""
    [layer] = [name for name in MAPS if name in net.layers]
    maps = _maps(net, task.images, layer)
    if task.queries[0].box is None:
        asking = maps[task.asking]
    else:
        asking = _maps(net, query_boxes(task.images, task.queries), layer)
    for name, pooled in (("MAC", mac), ("SPoC", spoc), ("R-MAC", rmac), ("GeM", gem)):
        yield name, pooled(maps).numpy(), pooled(asking).numpy()


def _maps(net: Backbone, images: ImageCollection, layer: str) -> Tensor:
    """float32 [N, c, h, h]."""
    channels = encoders.encode(net, images, [layer], pool="max", progress=False)[layer].shape[1]
    flat = torch.from_numpy(encoders.encode(net, images, [layer], progress=False)[layer].astype(np.float32))
    side = round((flat.shape[1] / channels) ** 0.5)
    return flat.reshape(len(images), channels, side, side)


def mop(task: Search, net: Backbone) -> Iterator[Row]:
    """MOP-CNN, the lecture's CNN+BOW: DeCAF7 of the whole beside the orderless patches of two levels."""
    training = learned_from(task)
    dim = min(SHORT, len(training) // 2)
    parts = [tuple(of[:, 0].astype(np.float32) for of in (
        patches(net, task.images, (WHOLE,), 7), asked(net, task, (WHOLE,), 7)))]  # fmt: skip
    for views in MOP.values():
        learned = _float(patches(net, training, views, 7))
        level = learn_level(learned.flatten(0, 1), axes=min(500, learned.shape[2]))
        pca = few_axes(_orderless(learned, level), dim)
        of = (_float(patches(net, task.images, views, 7)), _float(asked(net, task, views, 7)))
        parts.append(tuple(projected(_orderless(x, level), pca) for x in of))
    x, q = (l2_normalise(np.concatenate([part[k] for part in parts], 1)) for k in (0, 1))
    yield Row("CNN+BOW", bytes_a_picture(x), lambda i: x @ q[i], 0, x.shape[1])


def _float(phi: np.ndarray) -> Tensor:
    return torch.from_numpy(phi.astype(np.float32))


def _orderless(phi: Tensor, level) -> np.ndarray:
    return np.stack([orderless(of_picture, level).numpy() for of_picture in phi])


def by_boundaries(task: Search) -> Iterator[Row]:
    """BoB, of sculptures whose pixels are known."""
    described, training = (
        np.stack([describe_boundary(mask) for mask in twin_retrieval.masks(of)])
        for of in (task.images, task.apart)
    )
    means = learn_words(training.reshape(-1, training.shape[2]), BOUNDARIES)
    words = assign(described.reshape(-1, described.shape[2]), means)
    picture = np.repeat(np.arange(len(described)), described.shape[1])
    counts = count_words(words, picture, len(described), len(means))
    bags = bag_of_words(counts, inverse_frequency(counts))
    yield Row("BoB", bytes_a_picture(bags), lambda i: bag_scores(bags[[task.asking[i]]], bags), len(means))
