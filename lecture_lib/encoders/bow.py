"""Bag of visual words and VLAD: what counting, and summing residuals, keeps of a picture's descriptors.

`weighted_sums` sums over the descriptors of regions that may overlap, also for Fisher vectors.
"""

from collections.abc import Callable

import torch
from torch import Tensor

CHUNK = 1024  # descriptors at once: what is computed of them then stays in a processor core's own cache
SPACING = 0.65  # of the chi2 map's frequencies: a histogram's length comes within 2 % of 1; 10 % with 0.5, the default


def nearest(x: Tensor, means: Tensor) -> Tensor:
    """Return the number of the nearest word of each descriptor: x [N, D], means [K, D] to int64 [N].

    Of words equally near, the first.
    """
    origin = means.mean(0)
    x, means = x.to(means.dtype) - origin, means - origin
    return torch.addmm(means.square().sum(1), x, means.T, alpha=-2).argmin(1)


def bow(x: Tensor, means: Tensor, regions: Tensor | None = None) -> Tensor:
    """Return how often each word is the nearest, as a part of all: float32 [K], or [R, K] of R regions, of sum 1.

    x        [N, D]
    means    [K, D], the visual words
    regions  bool [R, N], which descriptors a region contains

    Without descriptors it is 0. For a linear SVM take its `chi2_map`, whose length is near 1 as it is.
    """
    if regions is None:
        return bow(x, means, x.new_ones(1, len(x), dtype=torch.bool))[0]
    words = nearest(x, means)
    inside = regions.to(means.dtype)
    counts = means.new_zeros(len(regions), len(means)).scatter_add_(1, words.expand(len(regions), -1), inside)
    return counts / inside.sum(1, keepdim=True).clamp(min=1)


def vlad(x: Tensor, means: Tensor, regions: Tensor | None = None) -> Tensor:
    """Return the sums of x_i - mu_k over the descriptors nearest to each word: float32 [KD], or [R, KD] of R regions.

    x        [N, D]
    means    [K, D], the visual words
    regions  bool [R, N], which descriptors a region contains

    Raw (Jegou et al. 2010, section 3). Usual is signed square root, then length 1, `improve`; or each word's
    residual to length 1 first, `intra_normalise`.
    """
    origin = means.mean(0)
    x, centres = x.to(means.dtype) - origin, means - origin

    def weigh(part: Tensor) -> tuple[Tensor, Tensor]:
        words = nearest(part, centres)
        one_hot = part.new_zeros(len(part), len(centres)).scatter_(1, words[:, None], 1)
        return torch.cat([torch.ones_like(part[:, :1]), part], 1), one_hot

    sums, _ = weighted_sums(x, regions, weigh)
    residuals = (sums[:, 1:] - sums[:, :1] * centres.T).mT.flatten(1)
    return residuals[0] if regions is None else residuals


def chi2_map(histograms: Tensor) -> Tensor:
    """Return a map of histograms [.., d], values >= 0, whose inner products are near the chi2 kernel: float32 [.., 3d].

    <chi2_map(a), chi2_map(b)> is about sum_j 2 a_j b_j / (a_j + b_j) (Vedaldi and Zisserman 2012).
    """
    from sklearn.kernel_approximation import AdditiveChi2Sampler  # here, as it takes a second and a half

    flat = histograms.float().cpu().reshape(-1, histograms.shape[-1]).numpy()
    mapped = torch.from_numpy(
        AdditiveChi2Sampler(sample_steps=2, sample_interval=SPACING).fit_transform(flat)
    )
    return mapped.float().reshape(*histograms.shape[:-1], -1).to(histograms.device)


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
