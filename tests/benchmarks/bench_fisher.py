"""Fisher vectors of one picture: ours against scikit-image's, and what regions cost.

    python tests/benchmarks/bench_fisher.py [--gaussians 256] [--threads 1] [--runs 7]

Descriptors are dense SIFT at four scales of a photograph of 480 x 360 pixels that scikit-learn brings along, all of
them and some 20,000, projected to 80 dimensions, with Gaussians fitted to them. scikit-image computes in the
precision of the mixture that it is given: float64 where it was fitted to float64, as in its documentation, or
float32. It returns the derivatives by the weights, too; ours encodes any regions. All are run in turns, several
times; what is printed is the median of processor seconds.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from skimage import feature
from sklearn.datasets import load_sample_image
from sklearn.mixture import GaussianMixture
from table import row
from torch import Tensor

from lecture_lib import settings
from lecture_lib.encoders.codebook import GMM, fit_gmm, fit_pca
from lecture_lib.encoders.fisher import fisher_vector
from lecture_lib.encoders.sift import phow

WIDTH, HEIGHT = 480, 360
FEW = 20_000


def main() -> None:
    """Print seconds and their ratios, and how far the two encodings are apart."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gaussians", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    settings.use(threads=arguments.threads, quiet=True)
    x, xy = descriptors()
    some = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    gmm = fit_gmm(x[some[: 100 * arguments.gaussians]], arguments.gaussians)
    print(f"D = {x.shape[1]}, K = {arguments.gaussians}, {torch.get_num_threads()} threads")
    for rows in (some[:FEW], slice(None)):
        compare(x[rows], xy[rows], gmm, arguments.runs)


def compare(x: Tensor, xy: Tensor, gmm: GMM, runs: int) -> None:
    """Time all ways to encode descriptors x [N, D] at xy [N, 2], and print a line for each."""
    exact, single = (scikit_learn(gmm, dtype) for dtype in (np.float64, np.float32))
    ways = {
        "fisher": partial(fisher_vector, x, gmm),
        "8 regions of a pyramid": partial(fisher_vector, x, gmm, pyramid(xy)),
        "5 windows of crops": partial(fisher_vector, x, gmm, windows(xy)),
        "scikit-image, float64": partial(feature.fisher_vector, x.double().numpy(), exact),
        "scikit-image, float32": partial(feature.fisher_vector, x.numpy(), single),
    }
    seconds = time_in_turns(ways, runs)
    ours = seconds["fisher"]
    print(f"{len(x)} descriptors")
    for name, spent in seconds.items():
        print(f"  {name:24} {1000 * spent:5.0f} ms, {spent / ours:.2f} of ours")
    for name in ("scikit-image, float64", "scikit-image, float32"):
        row(f"Fisher vector of {len(x)} descriptors (s)", name, ours, seconds[name])
    K, D = gmm.means.shape
    u, v = ways["scikit-image, float64"]()[K:].reshape(2, K, D)
    apart = np.abs(fisher_vector(x, gmm).numpy() - np.stack([u, -v], 1).ravel()).max()
    print(f"  largest difference to scikit-image {apart:.1e}", flush=True)


def time_in_turns(ways: dict[str, Callable], runs: int) -> dict[str, float]:
    """Return the median of processor seconds of each way."""
    spent = {name: [] for name in ways}
    for _ in range(runs):
        for name, run in ways.items():
            start = time.process_time()
            run()
            spent[name].append(time.process_time() - start)
    return {name: float(np.median(values)) for name, values in spent.items()}


def descriptors() -> tuple[Tensor, Tensor]:
    """Return descriptors float32 [N, 80] of a photograph and their centres [N, 2], as parts of its sides."""
    photograph = load_sample_image("china.jpg")[:HEIGHT, :WIDTH].copy()
    local = phow(torch.from_numpy(photograph).permute(2, 0, 1))
    return fit_pca(local.x)(local.x), (local.xy + 0.5) / torch.tensor([WIDTH, HEIGHT])


def pyramid(xy: Tensor) -> Tensor:
    """Return the whole, three bands and four quarters: bool [8, N]."""
    x, y = xy.T
    bands = [(3 * y).long() == i for i in range(3)]
    quarters = [((2 * x).long() == i) & ((2 * y).long() == j) for j in range(2) for i in range(2)]
    return torch.stack([torch.ones_like(x, dtype=torch.bool), *bands, *quarters])


def windows(xy: Tensor, side: float = 224 / 256) -> Tensor:
    """Return four corners and the centre: bool [5, N]."""
    starts = torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1], [0.5, 0.5]])[:, None] * (1 - side)
    return ((xy >= starts) & (xy < starts + side)).all(2)


def scikit_learn(gmm: GMM, dtype: type) -> GaussianMixture:
    """Return the same mixture as scikit-learn holds it."""
    mixture = GaussianMixture(len(gmm.weights), covariance_type="diag")
    mixture.weights_, mixture.means_, mixture.covariances_ = (
        a.numpy().astype(dtype) for a in (gmm.weights, gmm.means, gmm.variances)
    )
    mixture.precisions_cholesky_ = 1 / np.sqrt(mixture.covariances_)
    return mixture


if __name__ == "__main__":
    main()
