"""Nearest neighbours between features, exactly."""

from __future__ import annotations

import numpy as np
import torch

from lecture_lib.encoders.normalise import l2_normalise

BLOCK = 1024  # rows of distances held at once


def neighbours(features: np.ndarray, k: int, queries: np.ndarray | None = None) -> np.ndarray:
    """The k nearest rows of `features` [N, d] to each query, nearest first: int64 [M, k].

    Without `queries` each row is asked for its neighbours other than itself. Exact, by one matrix product.
    """
    base = torch.from_numpy(l2_normalise(features))
    ask = base if queries is None else torch.from_numpy(l2_normalise(queries))
    wanted = k + (queries is None)
    if wanted > len(base):
        raise ValueError(
            f"{k} neighbours of {len(base)} pictures: take k <= {len(base) - (queries is None)}."
        )
    found = []
    for start in range(0, len(ask), BLOCK):
        similarity = ask[start : start + BLOCK] @ base.T
        if queries is None:  # nobody is a neighbour of itself
            here = torch.arange(len(similarity))
            similarity[here, here + start] = -torch.inf
        found.append(similarity.topk(k, dim=1).indices)
    return torch.cat(found).numpy()
