"""Linear SVMs of all classes and of a whole path of C, trained together.

For each class and each C, with targets y_i = +1 (the class is there) or -1, this finds

    min over w, b of   J(w, b) = 1/2 |w|^2 + sum_i c_i max(0, 1 - y_i (w . x_i + b))^2,     c_i = C times a weight

One such problem is small; all of them share the pictures x_i, so that an iteration of all is two matrix products.

Each problem goes down in directions of its own, those of L-BFGS (Nocedal and Wright 2006, algorithm 7.4). The length of
a step and b are found together, by Newton's method in two variables on the scores: no product. b is then optimal, so
alpha_i = 2 c_i max(0, 1 - m_i), with the margins m_i = y_i (w . x_i + b), meets the constraints of the dual problem,
whose value D(alpha) <= min J is J - 1/2 |dJ/dw|^2: a problem is done when J - D <= 2e-4 J, proved, not guessed.

What that buys, choosing C among five with three folds on one core (tests/benchmarks/bench_svm.py), for 40 classes
of 1,500 pictures with 1,024 numbers: scikit-learn's LinearSVC takes 6 times as long; on inner products
SVC(kernel="precomputed"), brought to the same objective, 2.7 times.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

HISTORY = 8  # steps that L-BFGS remembers
TRIES = 3  # of Newton's method along a direction, some passes over the scores each; one of three goes down
ITERATIONS = 1000  # at most
TOLERANCE = 2e-4  # largest gap at the end, as a part of the objective
FRESH = 50  # iterations until scores are computed anew: the rounding of many small steps adds up


@dataclass(frozen=True)
class Solved:
    """Minimisers for K values of C and P classes: weights float32 [K, P, d]; bias, objective, gap float32 [K, P].

    The true minimum of J lies between objective - gap and objective.
    """

    weights: Tensor
    bias: Tensor
    objective: Tensor
    gap: Tensor


def solve(x: Tensor, targets: Tensor, weights: Tensor, path: Sequence[float]) -> Solved:
    """Train P linear SVMs on the same examples, for each C of the path.

    x        float32 [N, d]
    targets  float32 [P, N], +1 or -1
    weights  float32 [P, N], c_i / C >= 0; 0 leaves an example out of a problem
    path     values of C > 0, in any order

    About ten arrays [P, N] are in memory at once. Warns if some problem is not solved to TOLERANCE after ITERATIONS.
    """
    mean = x.mean(0)
    z = x - mean  # b is free to make up for it
    w, b = x.new_zeros(len(targets), x.shape[1]), x.new_zeros(len(targets))
    found = {}
    for c in sorted(path):  # each C goes on from the next smaller one
        w, b, *_ = found[c] = _solve(z, targets, c * weights, w, b)
    w, b, objective, gap = map(torch.stack, zip(*(found[c] for c in path), strict=True))
    late = gap > TOLERANCE * objective
    if late.any():
        worst = float((gap / objective)[late].max())
        warnings.warn(
            f"{int(late.sum())} of {late.numel()} SVMs were stopped after {ITERATIONS} iterations, up to {worst:.1e} "
            "of the objective above the minimum. Scale the features to length 1, or take a smaller C."
        )
    return Solved(w, b - w @ mean, objective, gap)


def _solve(z: Tensor, y: Tensor, cost: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    """Go from w [P, d], b [P] to the minima of problems with costs c_i [P, N]; return w, b, objective, gap."""
    results = [torch.empty_like(a) for a in (w, b, b, b)]
    row, score, radius = torch.arange(len(y), device=y.device), w @ z.T, z.norm(dim=1).max()
    _, b = _search(y, cost, w, b, score, torch.zeros_like(w), torch.zeros_like(y))
    memory: list[tuple[Tensor, Tensor, Tensor]] = []
    step, before = torch.zeros_like(w), torch.zeros_like(w)
    for iteration in range(ITERATIONS + 1):
        short = (1 - y * (score + b[:, None])).clamp(min=0)
        pull = 2 * cost * short * y  # alpha_i y_i, whose sum is 0 where b is optimal
        gradient = w - pull @ z
        objective = w.square().sum(1) / 2 + (cost * short.square()).sum(1)
        slope = gradient.norm(dim=1)
        # neither b nor the optimal one is further from 0 than the longest score and 1
        far = 1 + radius * (w.norm(dim=1) + slope)
        gap = slope.square() / 2 + 2 * far * pull.sum(1).abs()
        change = gradient - before
        product = (step * change).sum(1, keepdim=True)
        rho = torch.where(product > 0, 1 / product, 0)  # 0: a step that is not remembered
        memory = [*memory[1 - HISTORY :], (step, change, rho)]
        done = (gap <= TOLERANCE * objective) | (iteration == ITERATIONS)
        for result, value in zip(results, (w, b, objective, gap), strict=True):
            result[row[done]] = value[done]
        if done.all():
            break
        if done.any():
            state = (row, y, cost, w, b, score, gradient)
            row, y, cost, w, b, score, gradient = (a[~done] for a in state)
            memory = [tuple(a[~done] for a in item) for item in memory]
        direction = _direction(gradient, memory)
        ahead = direction @ z.T
        t, b = _search(y, cost, w, b, score, direction, ahead)
        step, before = t[:, None] * direction, gradient
        w, score = w + step, score + t[:, None] * ahead
        if iteration % FRESH == FRESH - 1:
            score = w @ z.T
    return tuple(results)


def _direction(gradient: Tensor, memory: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """L-BFGS's two loops, each problem with its own numbers."""
    q, factors = -gradient, []
    for step, change, rho in reversed(memory):
        factors.append(rho * (step * q).sum(1, keepdim=True))
        q = q - factors[-1] * change
    _, change, rho = memory[-1]
    q = q / torch.where(rho > 0, rho * change.square().sum(1, keepdim=True), 1)
    for (step, change, rho), factor in zip(memory, reversed(factors), strict=True):
        q = q + (factor - rho * (change * q).sum(1, keepdim=True)) * step
    return q


def _search(
    y: Tensor, cost: Tensor, w: Tensor, b: Tensor, score: Tensor, direction: Tensor, ahead: Tensor
) -> tuple[Tensor, Tensor]:
    """Minimise J(w + t direction, b) over t and b of each problem, both [P]; score = w z^T, ahead = direction z^T.

    Newton's method in two variables from t = 0 and the present b. A step that does not go down is taken again
    from the best point so far, with more of the largest curvature that there can be added: with all of it, it does.
    """
    q, most = y * ahead, 2 * cost
    linear, square = (w * direction).sum(1), direction.square().sum(1)
    most_t, most_b = (most * q * q).sum(1), most.sum(1)
    t, damping = torch.zeros_like(b), torch.full_like(b, 1e-6)
    best = b.new_full((8, len(b)), math.inf)
    for _ in range(TRIES + 1):
        short = (1 - y * (score + b[:, None]) - t[:, None] * q).clamp(min=0)
        slope, curvature = most * short, most * (short > 0)
        curved = curvature * q
        here = [
            (cost * short.square()).sum(1) + t * (linear + t * square / 2),  # J, but for |w|^2 / 2
            *(t, b),
            linear + t * square - (slope * q).sum(1),  # dJ/dt
            -(slope * y).sum(1),  # dJ/db
            square + (curved * q).sum(1),  # d2J/dt2
            (curved * y).sum(1),  # d2J/dtdb
            curvature.sum(1),  # d2J/db2
        ]
        lower = here[0] - best[0] <= 1e-6 * best[0].abs()  # or the same, but for rounding
        best = torch.where(lower, torch.stack(here), best)
        damping = torch.where(lower, damping / 10, (damping * 100).clamp(1e-2, 1)).clamp(min=1e-6)
        _, t, b, dt, db, tt, tb, bb = best
        tt, bb = tt + damping * most_t + 1e-12, bb + damping * most_b + 1e-12
        determinant = tt * bb - tb * tb
        t, b = t - (bb * dt - tb * db) / determinant, b - (tt * db - tb * dt) / determinant
    return best[1], best[2]
