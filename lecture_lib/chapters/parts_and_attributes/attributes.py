"""Nine attributes of people: the rows of the lecture's table of H3D, scores of every picture for each attribute."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from lecture_lib import checks, encoders
from lecture_lib.backbones import Backbone, features, standardise, to_square
from lecture_lib.chapters.parts_and_attributes import dpd
from lecture_lib.chapters.parts_and_attributes.parts import PERSON
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.regions import object_boxes, region_crops
from lecture_lib.encoders import CNNAUG, ifv, l2_normalise
from lecture_lib.encoders.ifv import Dense
from lecture_lib.linear import Linear
from lecture_lib.linear.kernels import Kernel, to_span
from lecture_lib.linear.solver import solve
from lecture_lib.metrics import average_precision

COLUMNS = {  # the lecture's columns, by the project's names
    "male": "male", "long hair": "lg hair", "glasses": "glasses", "hat": "hat", "t-shirt": "tshirt",
    "long sleeves": "lg slvs", "shorts": "shorts", "jeans": "jeans", "long trousers": "lg pants",
}  # fmt: skip
CONTEXTS = (1.0, 1.5, 2.0)
HALVES = ("upper half", "lower half")
CS = (0.01, 0.1, 1.0, 10.0)
VALIDATION = 3  # a third of the training people validates
GREY = 128
COLUMNS_AT_ONCE = 64


def attribute_svm(x: np.ndarray, labels: np.ndarray, train: np.ndarray, seed: int = 0) -> Linear:
    """Train a linear SVM for each attribute, whose C is chosen by AP on a third of the training people.

    x        [N, d], or [N, V, d] of V views, each a sample with 1/V of a person's weight
    labels   int8 [N, A]: 1, 0, and -1, which is left out of that attribute
    returns  Linear of A classes; its C is the largest chosen

    Positives and negatives of an attribute weigh the same in all, however rare it is. An attribute without a positive
    or a negative scores everybody 0; one that cannot be validated takes the C that was best for the others.
    """
    views = np.asarray(x, np.float32).reshape(len(x), -1, x.shape[-1])
    order = np.random.default_rng(seed).permutation(train)
    held, kept = order[: len(train) // VALIDATION], order[len(train) // VALIDATION :]
    tried = _svms(views[kept], labels[kept])
    ap = np.array([average_precision(_scores(views[held], *of), labels[held]) for of in tried])
    usual = int(np.nan_to_num(ap).mean(1).argmax())
    best = [usual if np.isnan(column).all() else int(column.round(9).argmax()) for column in ap.T]
    weights, bias = map(np.stack, zip(*_svms(views[train], labels[train]), strict=True))
    each = np.arange(labels.shape[1])
    return Linear(weights[best, each], bias[best, each], max(CS[k] for k in best))


def _svms(views: np.ndarray, labels: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights [A, d] and biases [A] for each of CS; views [n, V, d]."""
    yes, no = labels.T == 1, labels.T == 0
    count = [side.sum(1, keepdims=True) for side in (yes, no)]
    able = (count[0] > 0) & (count[1] > 0)
    half = [labels.shape[0] / 2 / np.maximum(n, 1) for n in count]
    weights = np.where(yes, half[0], np.where(no, half[1], 0)) * able
    v = views.shape[1]
    solved = solve(
        torch.from_numpy(np.ascontiguousarray(views.reshape(-1, views.shape[2]))),
        torch.from_numpy(np.repeat(np.where(yes, 1, -1).astype(np.float32), v, axis=1)),
        torch.from_numpy(np.repeat((weights / v).astype(np.float32), v, axis=1)),
        CS,
    )
    return [
        (w.numpy() * able, b.numpy() * able[:, 0]) for w, b in zip(solved.weights, solved.bias, strict=True)
    ]


def _scores(views: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return (views @ weights.T + bias).mean(1)


def score(
    x: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int = 0
) -> np.ndarray:
    """Train as `attribute_svm` and score test people, the mean over their views: float32 [m, A]."""
    probe = attribute_svm(x, labels, train, seed)
    views = np.asarray(x, np.float32).reshape(len(x), -1, x.shape[-1])
    return _scores(views[test], probe.weights, probe.bias)


def frequency(labels: np.ndarray) -> np.ndarray:
    """The row "Freq": the same score for everybody, [m, A]; AP is then the share of positives."""
    return np.zeros(labels.shape, np.float32)


def intersections(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Histogram intersection kernel: sum_d min(x_nd, y_md), float32 [n, m]."""
    checks.features(x, "histograms")
    x, y = (torch.from_numpy(np.ascontiguousarray(h, np.float32)) for h in (x, y))
    total = torch.zeros(len(x), len(y))
    for start in range(0, x.shape[1], COLUMNS_AT_ONCE):
        part = slice(start, start + COLUMNS_AT_ONCE)
        for i in range(0, len(x), COLUMNS_AT_ONCE):
            rows = slice(i, i + COLUMNS_AT_ONCE)
            total[rows] += torch.minimum(x[rows, None, part], y[None, :, part]).sum(2)
    return total.numpy()


def spm_histograms(images: ImageCollection, train: np.ndarray) -> np.ndarray:
    """Spatial pyramid (Lazebnik et al. 2006) of dense SIFT words over 1 + 4 + 16 regions: float32 [N, 21 * WORDS].

    Weighted so that the intersection of a picture's histogram with its own is 1: levels 1/4, 1/4, 1/2.
    """
    words = ifv.learn(
        images[train], Dense(step=dpd.STEP, sizes=dpd.SIZES), dpd.WORDS, kind="kmeans", n=60_000
    )
    counts = ifv.encode(images, words, dpd.SPM, method="bow").astype(np.float32)
    weights = np.repeat(np.float32([1 / 4, 1 / 16, 1 / 32]), [1, 4, 16])
    return (counts * weights[:, None]).reshape(len(images), -1)


def spm(images: ImageCollection, train: np.ndarray, test: np.ndarray, seed: int = 0) -> np.ndarray:
    """The row "SPM": an SVM with the intersection kernel, [m, A]; images are crops of people, of dpd.SIDE pixels."""
    x = spm_histograms(images, train)
    given = Kernel(intersections(x[train], x[train]), intersections(x[test], x[train]))
    turned = np.concatenate(to_span(given.train, given.test))
    rows = np.concatenate([train, test])
    here = np.arange(len(rows))
    return score(turned, images.labels[rows], here[: len(train)], here[len(train) :], seed)


def network_rows(
    net: Backbone, crops: Mapping[str, ImageCollection], layer: str, pool: str | int
) -> dict[str, np.ndarray]:
    """Encode crops of people, one a picture, by name: float32 [N, d] of length 1."""
    return {name: dpd.by_network(net, of, layer, pool, 1)[:, 0] for name, of in crops.items()}


def halves(images: ImageCollection) -> dict[str, ImageCollection]:
    """The upper and the lower half of each person's box, as crops."""
    box = object_boxes(images)
    middle = (box[:, 1:2] + box[:, 3:]) / 2
    upper = np.concatenate([box[:, :3], middle], 1)
    lower = np.concatenate([box[:, :1], middle, box[:, 2:]], 1)
    return {
        name: region_crops(images, of[:, None], [name])
        for name, of in zip(HALVES, (upper, lower), strict=True)
    }


def with_parts(
    net: Backbone, images: ImageCollection, box: np.ndarray, layer: str, pool: str | int
) -> np.ndarray:
    """The row "DPD": the box [N, d], with head, torso and legs by the points of `images`: float32 [N, 4 d]."""
    crops, _, visible = dpd.crops(images, images.parts, PERSON)
    return dpd.strong(box, dpd.by_network(net, crops, layer, pool, len(PERSON)), visible)


def augmented(net: Backbone, images: ImageCollection, layer: str, pool: str | int) -> np.ndarray:
    """Sixteen views of each picture (CNNaug): float32 [N, 16, d], each of length 1."""
    return dpd.by_network(net, encoders.expand(images), layer, pool, len(CNNAUG))


def occlusion_map(
    net: Backbone, picture: Tensor, layer: str, score_of: Callable[[np.ndarray], np.ndarray], pool: str | int,
    cells: int = 8, side: int = 3,
) -> np.ndarray:  # fmt: skip
    """How much of each score is lost where a grey square hides the picture: float32 [A, cells, cells].

    picture   uint8 [3, H, W], as the network takes it
    score_of  features [n, d] of length 1 to scores [n, A]
    cells     places of the square's centre, across and down; side: of the square in these cells
    returns   scores of the whole picture less those with the square over the cell: > 0 where a score rests on it
    """
    square = to_square(net, picture)
    edge = torch.linspace(0, square.shape[1], cells + 1).round().long().tolist()
    reach, hidden = side // 2, [square]
    for row in range(cells):
        for column in range(cells):
            part = square.clone()
            top, left = edge[max(row - reach, 0)], edge[max(column - reach, 0)]
            bottom, right = edge[min(row + reach, cells - 1) + 1], edge[min(column + reach, cells - 1) + 1]
            part[:, top:bottom, left:right] = GREY
            hidden.append(part)
    with torch.inference_mode():
        x = features(net, standardise(net, torch.stack(hidden)), [layer])[layer]
        if x.ndim == 4:
            grid = pool if isinstance(pool, int) else 1
            x = torch.nn.functional.adaptive_avg_pool2d(x, grid)
    found = score_of(l2_normalise(x.flatten(1)).cpu().numpy())
    return (found[0] - found[1:]).T.reshape(-1, cells, cells).astype(np.float32)


def lower_share(losses: Sequence[np.ndarray]) -> np.ndarray:
    """The part of each map's positive losses that is in its lower half, float [n]."""
    positive = np.clip(np.stack(losses), 0, None)
    half = positive.shape[1] // 2
    return positive[:, half:].sum((1, 2)) / np.maximum(positive.sum((1, 2)), 1e-12)
