"""Linear SVMs of all classes and of a whole path of C, trained together.

For each class and each C, with targets y_i = +1 (the class is there) or -1, this finds

    min over w, b of   J(w, b) = 1/2 |w|^2 + sum_i c_i max(0, 1 - y_i (w . x_i + b))^2,     c_i = C times a weight

One such problem is small; all of them share the pictures x_i, so that an iteration of all is two matrix products.

The method goes down in directions that each problem has for itself:

- L-BFGS (Nocedal and Wright 2006, algorithm 7.4). In the principal axes of x the Hessian is nearly diagonal,
  1 + mean(c loss'') lambda_j; the inverse of that is where it starts from.
- Once few examples are active (with a margin m_i = y_i (w . x_i + b) < 1), their alpha_i are the solution of as many
  linear equations: Newton's direction, as in Chapelle (2007), "Training a support vector machine in the primal".
- The length of a step and b are found together, by Newton's method in two variables on the scores: no product.
- b is then optimal, so alpha_i = 2 c_i max(0, 1 - m_i) meets the constraints of the dual problem, whose value
  D(alpha) <= min J comes at no cost. A problem is done when J - D <= tol J: proved, not guessed.

What that buys, choosing C among five with three folds on one core (tests/benchmarks/bench_svm.py): for 40 classes of
1,500 pictures with 1,024 numbers scikit-learn's LinearSVC takes 3.5 to 4.5 times as long, for 101 classes of 3,000
with 4,096 numbers 16.6 times; on inner products SVC(kernel="precomputed"), brought to the same objective, takes 3.6
and 4.5 times as long.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

HISTORY = 8  # steps that L-BFGS remembers
NEWTON_STEPS = 4  # of the search along a direction, some passes over the scores each
AT_ONCE = 2**24  # scores of a block of problems, 64 MB; about ten such arrays are in memory at once
PRODUCTS = 8192  # pictures whose products with each other fit well into memory (268 MB)
CHEAP = 1000  # dimensions up to which finding the principal axes takes no time to speak of
ITERATIONS = 1000  # at most
FRESH = 50  # iterations until scores are computed anew: the rounding of many small steps adds up
FEW = 0.5  # part of the pictures up to which solving for the active ones is cheaper than many small steps


@dataclass(frozen=True)
class Solved:
    """Minimisers for K values of C and P classes: weights float32 [K, P, d]; bias, objective, gap float32 [K, P].

    The true minimum of J lies between objective - gap and objective.
    """

    weights: Tensor
    bias: Tensor
    objective: Tensor
    gap: Tensor
    iterations: int


def solve(
    x: Tensor,
    targets: Tensor,
    weights: Tensor,
    path: Sequence[float],
    *,
    tol: float = 1e-3,
) -> Solved:
    """Train P linear SVMs on the same examples, for each C of the path.

    x        float32 [N, d]
    targets  float32 [P, N], +1 or -1
    weights  float32 [P, N], c_i / C >= 0; 0 leaves an example out of a problem
    path     values of C > 0, in any order
    tol      largest gap at the end, as a part of the objective

    Warns if some problem is not solved to `tol` after ITERATIONS.
    """
    features = Features(x)
    block = max(1, AT_ONCE // len(x))
    parts = []
    for y, weight in zip(targets.split(block), weights.split(block), strict=True):
        w, b = y.new_zeros(len(y), x.shape[1]), y.new_zeros(len(y))
        by_c = {}
        for c in sorted(path):  # each C goes on from the next smaller one
            by_c[c] = _solve(features, y, c * weight, w, b, tol)
            w, b = by_c[c][:2]
        parts.append([by_c[c] for c in path])
    w, b, objective, gap = (
        torch.stack([torch.cat([part[k][i] for part in parts]) for k in range(len(path))]) for i in range(4)
    )
    late = gap > tol * objective
    if late.any():
        worst = float((gap / objective)[late].max())
        warnings.warn(
            f"{int(late.sum())} of {late.numel()} SVMs were stopped after {ITERATIONS} iterations, up to {worst:.1e} "
            "of the objective above the minimum. Scale the features to length 1, or take a smaller C."
        )
    w = features.turn_back(w)
    return Solved(w, b - w @ features.mean, objective, gap, sum(one[4] for part in parts for one in part))


class Features:
    """x [N, d], less its mean, as b is free to make up for it, and what does not change while w does.

    z          float32 [N, d]; in their principal axes, where that is cheap: z = (x - mean) basis
    products   z z^T, [N, N], unless there are too many pictures
    radius     length of the longest z
    stiffness  the eigenvalues of z^T z, [d], or a typical one, []: their mean, weighted by themselves
    """

    def __init__(self, x: Tensor):
        self.mean = x.mean(0)
        self.z, self.basis = x - self.mean, None
        self.products = self.z @ self.z.T if len(x) <= PRODUCTS else None
        self.radius = self.z.norm(dim=1).max()
        if self.products is None or x.shape[1] <= CHEAP:
            scatter = self.z.T @ self.z
            try:
                self.basis = torch.linalg.eigh(scatter)[1]
            except torch.linalg.LinAlgError:  # in float32, with far fewer pictures than dimensions
                self.basis = torch.linalg.eigh(scatter.double())[1].float()
            self.z = self.z @ self.basis
            self.stiffness = self.z.square().sum(0)
        else:
            self.stiffness = self.products.square().sum() / self.products.diagonal().sum().clamp(min=1e-30)

    def turn_back(self, w: Tensor) -> Tensor:
        """Weights [..., d] for x of those for z."""
        return w if self.basis is None else w @ self.basis.T


@dataclass(frozen=True)
class _Problems:
    """P problems on their way: their rows in the result, targets and costs c_i [P, N], and where they are.

    w [P, d] and b [P]; score = z w without b, [P, N]
    """

    row: Tensor
    y: Tensor
    cost: Tensor
    w: Tensor
    b: Tensor
    score: Tensor

    def only(self, kept: Tensor) -> _Problems:
        return _Problems(*(getattr(self, field.name)[kept] for field in fields(self)))


def _solve(
    features: Features, y: Tensor, cost: Tensor, w: Tensor, b: Tensor, tol: float
) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
    """Go from w, b to the minima of P problems: w, b, objective, gap, iterations."""
    results = torch.empty_like(w), torch.empty_like(b), torch.empty_like(b), torch.empty_like(b)
    row = torch.arange(len(y), device=y.device)
    now = _Problems(row, y, cost, w, b, w @ features.z.T)
    now = replace(now, b=_search(now, torch.zeros_like(w), torch.zeros_like(y))[1])
    step = before = None
    trusted = torch.ones_like(b, dtype=torch.bool)
    memory: list[tuple[Tensor, Tensor, Tensor]] = []
    for iteration in range(ITERATIONS + 1):
        objective, gap, gradient, active = _measure(features, now)
        if step is not None:
            change = gradient - before
            product = (step * change).sum(1)
            rho = torch.where(product > 0, 1 / product, 0)  # 0: a step that is not remembered
            memory = [*memory[1 - HISTORY :], (step, change, rho)]
        done = gap <= tol * objective
        if iteration == ITERATIONS:
            done = torch.ones_like(done)
        if done.any():
            for result, value in zip(results, (now.w, now.b, objective, gap), strict=True):
                result[now.row[done]] = value[done]
            if done.all():
                break
            now, kept = now.only(~done), ~done
            gradient, active, trusted = gradient[kept], active[kept], trusted[kept]
            memory = [tuple(a[kept] for a in item) for item in memory]
        scale = 1 / (1 + (2 * now.cost * active).mean(1, keepdim=True) * features.stiffness)
        direction = _direction(gradient, memory, scale)
        if features.products is not None:
            _take_newton(direction, features, now, active, trusted)
        ahead = direction @ features.z.T
        t, b = _search(now, direction, ahead)
        trusted = (t > 0.01) | ~trusted  # active sets can go in a circle: after no step, another direction
        step, before = t[:, None] * direction, gradient
        w, score = now.w + step, now.score + t[:, None] * ahead
        if iteration % FRESH == FRESH - 1:
            score = w @ features.z.T
        now = replace(now, w=w, b=b, score=score)
    return *results, iteration


def _measure(features: Features, now: _Problems) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Objective, its gap to the dual, its gradient in w, and which examples are active."""
    short = 1 - now.y * (now.score + now.b[:, None])
    slope = 2 * short.clamp(min=0)
    alpha = now.cost * slope
    pulled = (alpha * now.y) @ features.z  # sum_i alpha_i y_i z_i, which is w at the minimum
    tilt = (alpha * now.y).sum(1)
    dual = alpha.sum(1) - pulled.square().sum(1) / 2
    # alpha is to satisfy tilt = 0; what shrinking the heavier side until it does takes from the dual
    off, lack, lack_y = tilt.abs(), (alpha * short).sum(1), (alpha * now.y * short).sum(1)
    mean_lack = (lack + tilt.sign() * lack_y) / (alpha.sum(1) + off).clamp(min=1e-30)
    change = off * features.radius
    dual = dual - now.b * tilt - off * mean_lack.abs() - change * (now.w - pulled).norm(dim=1)
    dual = dual - change.square() / 2
    objective = now.w.square().sum(1) / 2 + (now.cost * short.clamp(min=0).square()).sum(1)
    gap = objective - dual + (now.cost * slope.square()).sum(1) / 4
    return objective, gap, now.w - pulled, short > 0


def _direction(gradient: Tensor, memory: list[tuple[Tensor, Tensor, Tensor]], scale: Tensor) -> Tensor:
    """L-BFGS's two loops, each problem with its own numbers; scale is the inverse Hessian to start from."""
    q = gradient
    factors = []
    for step, change, rho in reversed(memory):
        a = rho * (step * q).sum(1)
        q = q - a[:, None] * change
        factors.append(a)
    q = scale * q
    for (step, change, rho), a in zip(memory, reversed(factors), strict=True):
        q = q + (a - rho * (change * q).sum(1))[:, None] * step
    return -q


def _take_newton(
    direction: Tensor, features: Features, now: _Problems, active: Tensor, trusted: Tensor
) -> None:
    """Put the way to the minimum of the local quadratic into the rows of problems that it is cheap for.

    With w = sum_i alpha_i y_i z_i, only the alpha_i of the active examples are not 0. Their slopes
    2 (1 - m_i) = alpha_i / c_i are linear equations (Chapelle 2007, section 4).
    """
    count = active.sum(1)
    few = trusted & (count > 0) & (count <= FEW * len(features.z))

    def solve_one(p: int) -> None:
        rows = active[p].nonzero()[:, 0]
        y = now.y[p, rows]
        system = features.products[rows][:, rows]
        system.diagonal().add_(0.5 / now.cost[p, rows])
        factor, failed = torch.linalg.cholesky_ex(system)
        if failed:  # singular in float32, with long features or a huge C: L-BFGS's direction stays
            return
        s, s1 = torch.cholesky_solve(torch.stack([y, torch.ones_like(y)], 1), factor).T
        direction[p] = (s - s.sum() / s1.sum() * s1) @ features.z[rows] - now.w[p]

    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        list(pool.map(solve_one, few.nonzero()[:, 0].tolist()))
    torch.set_num_threads(threads)


def _search(now: _Problems, direction: Tensor, ahead: Tensor) -> tuple[Tensor, Tensor]:
    """Minimise J(w + t direction, b) over t and b of each problem, both [P].

    Newton's method in two variables from t = 0 and the present b. A step that does not go down is taken again
    from the best point so far, with more of the largest curvature that there can be added: with all of it, it does.
    """
    q = now.y * ahead
    linear, square = (now.w * direction).sum(1), direction.square().sum(1)
    highest = 2 * now.cost
    highest_t, highest_b = (highest * q * q).sum(1), highest.sum(1)
    t, b, damping, best = torch.zeros_like(now.b), now.b, torch.full_like(now.b, 1e-6), None
    for _ in range(NEWTON_STEPS + 1):
        if best is not None:
            _, t, b, dt, db, tt, tb, bb = best
            tt, bb = tt + damping * highest_t + 1e-12, bb + damping * highest_b + 1e-12
            determinant = tt * bb - tb * tb
            t, b = t - (bb * dt - tb * db) / determinant, b - (tt * db - tb * dt) / determinant
        short = (1 - now.y * now.score - b[:, None] * now.y - t[:, None] * q).clamp(min=0)
        value = (now.cost * short.square()).sum(1) + t * (linear + t * square / 2)
        slope, curvature = highest * short, highest * (short > 0)
        curved = curvature * q
        here = torch.stack(
            [
                *(value, t, b),
                linear + t * square - (slope * q).sum(1),  # dJ/dt
                -(slope * now.y).sum(1),  # dJ/db
                square + (curved * q).sum(1),  # d2J/dt2
                (curved * now.y).sum(1),  # d2J/dtdb
                curvature.sum(1),  # d2J/db2
            ]
        )
        if best is None:
            best = here
            continue
        # where values agree in all their digits, the gradient still tells which is lower
        same = (here[0] - best[0]).abs() <= 1e-6 * best[0].abs()
        lower = torch.where(same, _slant(here) < _slant(best), here[0] < best[0])
        best = torch.where(lower, here, best)
        damping = torch.where(lower, damping / 10, (damping * 100).clamp(1e-2, 1)).clamp(min=1e-6)
    return best[1], best[2]


def _slant(point: Tensor) -> Tensor:
    """How much lower the minimum may be, by gradient and curvature."""
    _, _, _, dt, db, tt, _, bb = point
    return dt.square() / (tt + 1e-12) + db.square() / (bb + 1e-12)
