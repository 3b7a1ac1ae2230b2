"""POOF, part-based one-vs-one features (Berg and Belhumeur 2013): what tells one class from another, at one part.

A POOF belongs to two classes, i and j, two parts, f and a, and a base feature. A similarity transform brings f and a of
every picture to the same two places; an SVM of i against j on the aligned crops shows which of their cells matter;
those connected with f are kept, and a second SVM on them is the feature: a number for any picture that shows f and a,
of whichever class. What the paper leaves open, or is recalled here from memory, is a constant below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import label
from torch import Tensor

from lecture_lib.encoders import l2_normalise
from lecture_lib.encoders.bow import nearest
from lecture_lib.encoders.codebook import fit_kmeans
from lecture_lib.linear.solver import solve

WIDTH, HEIGHT, CELL = 128, 64, 8  # of an aligned crop, in pixels
PLACES = ((32.0, 32.0), (96.0, 32.0))  # of f and of a in it
ROWS, COLUMNS = HEIGHT // CELL, WIDTH // CELL
BASES = ("gradient", "colour")
DIRECTIONS, COLOURS = 8, 32
SOFT = 0.5  # a cell's gradients, summed over its pixels in 0..1, count in full well above it
C = 10.0  # of crops of length 1
LEAST = 3  # pictures of each of the two classes that show both parts
CHUNK = 128


@dataclass(frozen=True)
class Task:
    """What a POOF is to tell apart, i from j, and where: at part f, aligned by f and a, in a base of BASES."""

    i: int
    j: int
    f: int
    a: int
    base: str


@dataclass(frozen=True, eq=False)
class Poof:
    """T(x) = sum of weights * cells + bias; mask bool [8, 16], weights float32 [8, 16, bins], 0 outside of the mask."""

    task: Task
    mask: np.ndarray
    weights: np.ndarray
    bias: float


def merge_sides(points: np.ndarray, part_names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Make one part of "left eye" and "right eye", that which is visible, or the left one: [N, K, 3] and names.

    For birds that all face the same way (`regions.facing_one_way`): a wing is not aligned with its mirror image.
    """
    plain = [name.removeprefix("left ").removeprefix("right ") for name in part_names]
    names, merged = tuple(dict.fromkeys(plain)), []
    for name in names:
        same = [p for p, other in enumerate(plain) if other == name]
        point = points[:, same[0]].copy()
        for p in same[1:]:
            point = np.where(point[:, 2:] > 0, point, points[:, p])
        merged.append(point)
    return np.stack(merged, 1), names


def random_tasks(points: np.ndarray, labels: np.ndarray, n: int, seed: int) -> list[Task]:
    """Draw n tasks for training pictures, points [m, K, 3], labels int64 [m]: those with LEAST pictures a class."""
    rng, seen = np.random.default_rng(seed), points[..., 2] > 0
    pairs, tasks = list(combinations(np.unique(labels), 2)), []
    for _ in range(50 * n):
        if len(tasks) == n:
            return tasks
        i, j = map(int, pairs[rng.integers(len(pairs))])
        f, a = map(int, rng.choice(points.shape[1], 2, replace=False))
        base, both = BASES[rng.integers(2)], seen[:, f] & seen[:, a]
        if min((both & (labels == c)).sum() for c in (i, j)) >= LEAST:
            tasks.append(Task(i, j, f, a, base))
    raise ValueError(
        f"Too few pictures show two parts: {len(tasks)} of {n} tasks were found. Take more pictures."
    )


def align(pictures: Tensor, f: np.ndarray, a: np.ndarray) -> Tensor:
    """Warp pictures so that points f and a [n, 2], in pixels, come to PLACES: uint8 [n, 3, S, S] to [n, 3, 64, 128].

    By a rotation and a scale, never a mirror; beyond the picture it is black. f and a must not coincide.
    """
    size = pictures.shape[2]
    f, a = (torch.from_numpy(np.asarray(p, np.float32)) for p in (f, a))
    dx, dy = ((a - f) / (PLACES[1][0] - PLACES[0][0])).T
    turn = torch.stack(
        [torch.stack([dx, -dy], 1), torch.stack([dy, dx], 1)], 1
    )  # picture's pixels for one of the crop
    centre = torch.tensor([WIDTH / 2 - PLACES[0][0], HEIGHT / 2 - PLACES[0][1]])
    middle = f + turn @ centre
    scale = turn @ torch.diag(torch.tensor([WIDTH / 2, HEIGHT / 2])) * (2 / size)
    theta = torch.cat([scale, (2 * middle / size - 1)[:, :, None]], 2)
    grid = F.affine_grid(theta, [len(f), 3, HEIGHT, WIDTH], align_corners=False)
    return F.grid_sample(pictures.float(), grid, align_corners=False) / 255


def gradients(crops: Tensor) -> Tensor:
    """Histograms of gradients, [n, 3, 64, 128] to [n, 8, 16, 8]: eight directions a cell, each cell to length < 1."""
    image = 0.299 * crops[:, 0] + 0.587 * crops[:, 1] + 0.114 * crops[:, 2]
    gy, gx = torch.gradient(image, dim=(1, 2))
    turn = torch.atan2(gy, gx) * (DIRECTIONS / (2 * np.pi))
    low = turn.floor()
    rest, length = turn - low, torch.hypot(gx, gy)
    votes = torch.zeros(*image.shape, DIRECTIONS)
    for step, share in ((0, 1 - rest), (1, rest)):
        votes.scatter_add_(3, ((low.long() + step) % DIRECTIONS)[..., None], (length * share)[..., None])
    cells = votes.reshape(len(crops), ROWS, CELL, COLUMNS, CELL, DIRECTIONS).sum((2, 4))
    return cells / (cells.norm(dim=3, keepdim=True) + SOFT)


def colours(crops: Tensor, centres: Tensor) -> Tensor:
    """Histograms of the nearest of 32 colours, [n, 3, 64, 128] to [n, 8, 16, 32]: shares of a cell's pixels."""
    words = nearest(crops.movedim(1, 3).reshape(-1, 3), centres).view(len(crops), ROWS, CELL, COLUMNS, CELL)
    words = words.movedim(3, 2).reshape(len(crops), ROWS, COLUMNS, CELL * CELL)
    counts = torch.zeros(len(crops), ROWS, COLUMNS, len(centres))
    return counts.scatter_add_(3, words, torch.ones(words.shape)) / CELL**2


def colour_centres(pictures: Tensor, seed: int = 0) -> Tensor:
    """Find 32 colours by k-means in pictures uint8 [n, 3, S, S]: float32 [32, 3] in 0..1."""
    pixels = pictures[:, :, ::8, ::8].movedim(1, 3).reshape(-1, 3).float() / 255
    few = np.random.default_rng(seed).permutation(len(pixels))[:20_000]
    return fit_kmeans(pixels[few], COLOURS, seed=seed)


def learn(cells: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Learn a POOF from aligned crops: the mask bool [8, 16], weights [8, 16, bins] and bias.

    cells     float [n, 8, 16, bins]
    positive  bool [n], whether a crop is of class i, not of j

    The mask: cells whose weights are longer than the mean cell's, and of these those that hang together with f's cell.
    """
    place = int(PLACES[0][1]) // CELL, int(PLACES[0][0]) // CELL
    w, _ = _svm(cells.reshape(len(cells), -1), positive)
    mass = np.linalg.norm(w.reshape(cells.shape[1:]), axis=2)
    heavy = mass > mass.mean()
    heavy[place] = True
    parts, _ = label(heavy)
    mask = parts == parts[place]
    w, bias = _svm(cells[:, mask].reshape(len(cells), -1), positive)
    weights = np.zeros(cells.shape[1:], np.float32)
    weights[mask] = w.reshape(mask.sum(), -1)
    return mask, weights, bias


def _svm(x: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights [d] and bias of a linear SVM, both classes of equal weight; the mean vector has length 1 in training."""
    scale = 1 / max(float(np.linalg.norm(x, axis=1).mean()), 1e-6)
    targets = torch.from_numpy(np.where(positive, 1, -1).astype(np.float32))[None]
    share = positive.mean()
    weights = torch.from_numpy(np.where(positive, 0.5 / share, 0.5 / (1 - share)).astype(np.float32))[None]
    solved = solve(torch.from_numpy(x * np.float32(scale)), targets, weights, [C])
    return solved.weights[0, 0].numpy() * scale, float(solved.bias[0, 0])


def poofs(
    pictures: Tensor, points: np.ndarray, labels: np.ndarray, train: np.ndarray, tasks: Sequence[Task],
    centres: Tensor, seed: int = 0,
) -> tuple[list[Poof | None], np.ndarray, np.ndarray]:  # fmt: skip
    """Learn the POOF of each task from training pictures, and score all: float32 [N, T], NaN where f or a is missing.

    pictures  uint8 [N, 3, S, S]; points [N, K, 3] in their pixels; labels int64 [N]; train: rows that are learned from
    returns   POOFs, None where the training pictures of i or of j lack a part; scores; and, for a control, those of
              POOFs learned with i and j dealt to the same pictures at random, by `seed`

    Pictures are warped once for each pair (f, a), all together.
    """
    order = sorted(range(len(tasks)), key=lambda t: (tasks[t].f, tasks[t].a))
    scores, control = np.full((2, len(labels), len(tasks)), np.nan, np.float32)
    made: list[Poof | None] = [None] * len(tasks)
    in_train = np.isin(np.arange(len(labels)), train)
    for (f, a), group in groupby(order, key=lambda t: (tasks[t].f, tasks[t].a)):
        group = list(group)
        apart = np.hypot(*(points[:, a, :2] - points[:, f, :2]).T) >= 1
        rows = np.flatnonzero((points[:, f, 2] > 0) & (points[:, a, 2] > 0) & apart)
        cells: dict[str, list] = {tasks[t].base: [] for t in group}
        for part in np.split(rows, range(CHUNK, len(rows), CHUNK)):
            crops = align(pictures[part], points[part, f, :2], points[part, a, :2])
            for base, found in cells.items():
                found.append((gradients(crops) if base == "gradient" else colours(crops, centres)).numpy())
        of = {base: np.concatenate(found) for base, found in cells.items()}
        for t in group:
            task, x = tasks[t], of[tasks[t].base]
            mine = in_train[rows] & np.isin(labels[rows], (task.i, task.j))
            positive = labels[rows][mine] == task.i
            if not 0 < positive.sum() < len(positive):  # both may coincide in all pictures of a class
                continue
            dealt = np.random.default_rng([seed, t]).permutation(positive)
            for out, of_class in ((control, dealt), (scores, positive)):
                mask, weights, bias = learn(x[mine], of_class)
                out[rows, t] = x.reshape(len(x), -1) @ weights.ravel() + bias
            made[t] = Poof(task, mask, weights, bias)
    return made, scores, control


def descriptor(scores: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Turn scores [N, T] into vectors of length 1: z-scores by training pictures, missing ones 0."""
    known = ~np.isnan(scores[train])
    count, filled = known.sum(0).clip(min=1), np.nan_to_num(scores[train])
    mean = filled.sum(0) / count
    spread = np.sqrt((known * (filled - mean) ** 2).sum(0) / count)
    z = (scores - mean) / np.maximum(spread, 1e-6)
    return l2_normalise(np.where(np.isnan(z) | (spread < 1e-6), 0, z))
