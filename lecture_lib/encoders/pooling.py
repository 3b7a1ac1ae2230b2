"""Sums over the descriptors of a picture, or of several regions of it that may overlap."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

CHUNK = 4096  # descriptors at once: what is computed of them stays in the processor's cache


def weighted_sums(
    x: Tensor, regions: Tensor | None, weigh: Callable[[Tensor], tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    """Return sum_i q_ik values_i over the descriptors i of each region: [R, K, P], and their numbers, [R].

    x        [N, D]
    regions  bool [R, N], which descriptors a region contains; None: one region of all
    weigh    gives q [n, K] and values [n, P] of some descriptors [n, D]

    Descriptors that lie in the same regions form a cell. Each cell is summed once, and its sum added to all of its
    regions, so that the eight regions of a spatial pyramid cost hardly more than one.
    """
    if x.ndim != 2:
        raise ValueError(f"Descriptors of one picture are [N, D], not {list(x.shape)}.")
    if regions is None:
        regions = x.new_ones(1, len(x), dtype=torch.bool)
    elif regions.dtype != torch.bool or regions.ndim != 2 or regions.shape[1] != len(x):
        raise ValueError(
            f"Regions of {len(x)} descriptors are bool [R, {len(x)}], not {regions.dtype} {list(regions.shape)}."
        )
    order, sizes, members = cells(regions)
    q, values = weigh(x[:0])
    sums = values.new_zeros(len(regions), q.shape[1], values.shape[1])
    ends = sizes.cumsum(0).tolist()
    cell = 0
    for start in range(0, len(order), CHUNK):
        stop = min(start + CHUNK, len(order))
        q, values = weigh(x[order[start:stop]])
        at = start
        while at < stop:
            end = min(ends[cell], stop)
            part = slice(at - start, end - start)
            sums[members[cell]] += q[part].T @ values[part]
            at = end
            cell += at == ends[cell]
    return sums, regions.sum(1)


def cells(regions: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Group descriptors by the regions that contain them.

    regions  bool [R, N]
    returns  the numbers of the descriptors, those of each cell together (int64 [M]; who lies in no region is left
             out); the cells' sizes; and for each cell its regions
    """
    code = torch.zeros(regions.shape[1], dtype=torch.int64, device=regions.device)
    for rows in regions.split(31):  # bits that fit beside the number of a cell
        code = torch.unique(code, return_inverse=True)[1]
        for row in rows:
            code = 2 * code + row
    order = code.argsort(stable=True)
    order = order[regions.any(0)[order]]
    sizes = torch.unique_consecutive(code[order], return_counts=True)[1]
    firsts = order[sizes.cumsum(0) - sizes]
    return order, sizes, [member.nonzero()[:, 0] for member in regions[:, firsts].T]
