"""Sums over the descriptors of a picture, or of several regions of it that may overlap."""

from __future__ import annotations

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
    spatial pyramid cost hardly more than one. Raises ValueError where regions do not fit the descriptors.
    """
    if regions is None:
        total = sum(values.T @ q for values, q in map(weigh, x.split(CHUNK)))
        return total[None], torch.tensor([len(x)], device=x.device)
    check_regions(x, regions)
    values, q = weigh(x[:0])
    sums = values.new_zeros(len(regions), values.shape[1], q.shape[1])
    code = _codes(regions)
    order = code.argsort()
    order = order[regions.any(0)[order]]
    for rows in order.split(CHUNK):
        values, q = weigh(x.index_select(0, rows))
        sizes = torch.unique_consecutive(code[rows], return_counts=True)[1].tolist()
        for same, v_same, q_same in zip(rows.split(sizes), values.split(sizes), q.split(sizes), strict=True):
            part = v_same.T @ q_same
            for region, inside in zip(sums, regions[:, same[:1]].flatten().tolist(), strict=True):
                if inside:
                    region += part
    return sums, regions.sum(1)


def check_regions(x: Tensor, regions: Tensor) -> None:
    """Raise ValueError where regions are not bool [R, N] for descriptors [N, D]."""
    if regions.dtype != torch.bool or regions.ndim != 2 or regions.shape[1] != len(x):
        raise ValueError(
            f"Regions of {len(x)} descriptors are bool [R, {len(x)}], which descriptors a region contains, "
            f"not {str(regions.dtype).removeprefix('torch.')} {list(regions.shape)}."
        )


def _codes(regions: Tensor) -> Tensor:
    """Return int64 [N], equal for descriptors that lie in the same regions; regions bool [R, N]."""
    code = torch.zeros(regions.shape[1], dtype=torch.int64, device=regions.device)
    for i, rows in enumerate(regions.split(31)):
        if i:
            code = torch.unique(code, return_inverse=True)[1]  # below N: 31 bits more fit beside it
        for row in rows:
            code = 2 * code + row
    return code
