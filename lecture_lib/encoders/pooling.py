"""Sums over the descriptors of a picture, or of several regions of it that may overlap."""

from collections.abc import Callable

import torch
from torch import Tensor

CHUNK = 1024  # descriptors at once: what is computed of them then stays in a processor core's own cache


def weighted_sums(
    x: Tensor, regions: Tensor | None, weigh: Callable[[Tensor], tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    """Return sum_i values_i q_ik over the descriptors i of each region, [R, P, K], and how many they are, [R].

    x        [N, D]
    regions  bool [R, N], which descriptors a region contains; None: one region of all
    weigh    gives values [n, P] and q [n, K] of some descriptors [n, D]

    Descriptors that lie in the same regions are summed once for all of them, so that the eight regions of a
    spatial pyramid cost hardly more than one. There may be 62 regions at most.
    """
    if regions is None:
        regions = x.new_ones(1, len(x), dtype=torch.bool)
    values, q = weigh(x[:0])
    sums = values.new_zeros(len(regions), values.shape[1], q.shape[1])
    # equal for descriptors in the same regions
    code = (regions * 2 ** torch.arange(len(regions), device=x.device)[:, None]).sum(0)
    for cell in code.unique():
        here = code == cell
        around = regions[:, here][:, 0]
        if around.any():
            sums[around] += sum(values.T @ q for values, q in map(weigh, x[here].split(CHUNK)))
    return sums, regions.sum(1)
