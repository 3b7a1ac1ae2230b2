"""Linear probes on vectors that are much longer than there are pictures.

The span of n training vectors has n dimensions. Turned into it, they have n numbers each, and the same inner
products: a linear probe with |w|^2 in its objective finds the same classifier there (the representer theorem), and
its scores are the same. So 3,000 Fisher vectors of 327,680 numbers are trained on as 3,000 of 3,000.
"""

from __future__ import annotations

import numpy as np
import torch

COLUMNS = 2**14  # dimensions multiplied at once: what is read as float16 is float32 only so long
ROWS = 1024  # vectors whose products are computed at once
RIDGES = (1e-6, 1e-5, 1e-4)  # parts of a vector's squared length, above the rounding of float32 products


def products(x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
    """Return the inner products of vectors [n, d] with each other, or with others [m, d]: float32 [n, n] or [n, m].

    Any real dtype; products are taken in float32, and summed in float64 over blocks of dimensions.
    """
    total = np.zeros((len(x), len(x if y is None else y)))
    for start in range(0, x.shape[1], COLUMNS):
        block = torch.from_numpy(x[:, start : start + COLUMNS].astype(np.float32))
        if y is not None:
            total += (block @ torch.from_numpy(y[:, start : start + COLUMNS].astype(np.float32)).T).numpy()
            continue
        for row in range(0, len(x), ROWS):  # up to the diagonal: the rest is the same
            total[row : row + ROWS, : row + ROWS] += (block[row : row + ROWS] @ block[: row + ROWS].T).numpy()
    if y is None:
        total = np.tril(total) + np.tril(total, -1).T
    return total.astype(np.float32)


def to_span(train: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Turn vectors into the span of the training vectors, given all their inner products with these.

    train    [n, n], of the training vectors with each other
    others   [m, n] each, of other vectors with the training vectors
    returns  [n, n] and [m, n] each, float32: the same inner products with any of the training vectors

    By Cholesky's decomposition L L^T of `train`: its rows are the training vectors. To the diagonal a millionth is
    added, as though each training vector had a tiny number of its own, so that repeated vectors are no trouble; ten or
    a hundred times as much where the rounding of many products asks for it. Raises ValueError for what are no inner
    products.
    """
    square = torch.from_numpy(np.array(train, np.float64))
    level = square.diagonal().mean()
    for ridge in RIDGES:
        lower, failed = torch.linalg.cholesky_ex(
            square + ridge * level * torch.eye(len(square), dtype=torch.float64)
        )
        if not failed:
            break
    else:
        raise ValueError(
            "These are no inner products of vectors with each other: the matrix has an eigenvalue well below 0."
        )
    turned = [
        torch.linalg.solve_triangular(lower, torch.from_numpy(np.asarray(other, np.float64)).T, upper=False).T
        for other in others
    ]
    return [x.float().contiguous().numpy() for x in (lower, *turned)]
