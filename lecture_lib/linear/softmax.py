"""Multinomial logistic regression for a whole path of C.

For each C, with W [P, d], b [P] and labels y_i, this finds

    min over W, b of   J(W, b) = 1/2 |W|^2 - C sum_i log softmax(W x_i + b)_{y_i}

by L-BFGS. In the principal axes of x, and with a constant number beside them for b, the Hessian is nearly diagonal:
the penalty's 1 plus C h lambda_j, with lambda_j the squared length of axis j and h the mean of p (1 - p) over pictures
and classes. In units of its root the same steps are worth much more: on 3,030 pictures of 101 classes with 384 numbers,
for C = 100, scikit-learn's LogisticRegression takes 20 times as much processor time (15 against 0.7 s) and ends at a
higher objective.
"""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

ITERATIONS = 1000  # at most
TOLERANCE = 3e-6  # of the largest slope of J / (C N) at the end, in the units above


@torch.no_grad()
def solve(x: Tensor, labels: Tensor, path: Sequence[float]) -> list[tuple[Tensor, Tensor]]:
    """Train on x, float32 [N, d], and labels, int64 [N] of 0 to P - 1: for each C of the path W [P, d] and b [P].

    Warns if some C was not solved after ITERATIONS.
    """
    mean, picture = x.mean(0), torch.arange(len(x), device=x.device)
    z = x - mean
    basis = torch.linalg.eigh(z.T @ z)[1]
    z = torch.cat([z @ basis, z.new_ones(len(z), 1)], 1)
    penalty = z.new_ones(z.shape[1])
    penalty[-1] = 0  # b is free
    w = z.new_zeros(int(labels.max()) + 1, z.shape[1])
    found = {}
    for C in sorted(path):  # each goes on from the next smaller one
        p = (z @ w.T).softmax(1)
        unit = (penalty + C * (p * (1 - p)).mean() * z.square().sum(0)).rsqrt()
        v, weight = w / unit, 1 / (C * len(z))

        def objective(v=v, unit=unit, weight=weight) -> Tensor:
            log_p = (z @ (v * unit).T).log_softmax(1)
            penalised = penalty * v * unit
            value = (
                weight / 2 * (penalised.double() * v * unit).sum() - log_p[picture, labels].double().mean()
            )
            error = log_p.exp_()
            error[picture, labels] -= 1
            v.grad = (error.T @ z / len(z) + weight * penalised) * unit
            return value

        search = torch.optim.LBFGS(
            [v],
            max_iter=ITERATIONS,
            tolerance_grad=TOLERANCE,
            tolerance_change=1e-12,
            history_size=10,
            line_search_fn="strong_wolfe",
        )
        search.step(objective)
        taken = search.state[v]
        if taken["n_iter"] >= ITERATIONS or taken["func_evals"] >= search.defaults["max_eval"]:
            warnings.warn(
                f"Logistic regression with C = {C:g} was stopped after {taken['n_iter']} iterations. Scale "
                "the features to length 1, or take a smaller C."
            )
        w = v * unit
        turned = w[:, :-1] @ basis.T
        found[C] = turned, w[:, -1] - turned @ mean
    return [found[C] for C in path]
