"""What is learned from the local descriptors of many pictures: PCA, a mixture of Gaussians, k-means' words.

N descriptors are float32 [N, D0] before and [N, D] after the PCA; K is the number of Gaussians, or of words.
scikit-learn computes on the processor; what is returned lies where the descriptors lie. It is imported where it is
needed: it takes a second and a half, which notebooks without Fisher vectors need not wait.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 65536  # descriptors whose products are summed in float64 at once
FLOOR = 1e-4  # of a Gaussian's variances, as a part of the largest variance of the data
LEAST = 10  # descriptors a Gaussian or word that can be told apart at all; 1000 is usual
START = 100  # descriptors a Gaussian that k-means sees; EM then sees all
ITERATIONS = 20  # of EM, at most
TOL = 1e-3  # nats a descriptor that one iteration of EM has to gain


@dataclass(frozen=True, eq=False)
class PCA:
    """A projection onto principal axes: `pca(x)` is (x - mean) components^T, for x [.., D0] float32 [.., D].

    mean        float32 [D0]
    components  float32 [D, D0], rows orthogonal, of length 1, in falling order of variance
    """

    mean: Tensor
    components: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Project descriptors: [.., D0] to float32 [.., D]."""
        return F.linear(x.to(self.mean.dtype), self.components, -self.components @ self.mean)


@dataclass(frozen=True, eq=False)
class GMM:
    """A mixture of Gaussians with diagonal covariances: sum_k weights_k N(x; means_k, diag variances_k).

    weights         float32 [K], sum 1
    means           float32 [K, D]
    variances       float32 [K, D], sigma squared
    log_likelihood  float64 [iterations], mean ln p(x) of the descriptors before each iteration of EM
    """

    weights: Tensor
    means: Tensor
    variances: Tensor
    log_likelihood: Tensor


def fit_pca(x: Tensor, dim: int = 80) -> PCA:
    """Return the `dim` principal axes of descriptors [N, D0]; 80 in Chatfield et al. 2011.

    An axis's sign is such that its largest component is positive. Raises ValueError for a dim beyond D0, for fewer
    than dim + 1 descriptors, and for values that are not finite.
    """
    _check(x, dim + 1, f"{dim} principal axes need at least {dim + 1}")
    if not 1 <= dim <= x.shape[1]:
        raise ValueError(
            f"Descriptors of {x.shape[1]} dimensions have 1 to {x.shape[1]} principal axes, not {dim}."
        )
    mean = sum(part.cpu().double().sum(0) for part in x.split(CHUNK)) / len(x)
    scatter = sum((z := part.cpu().double() - mean).T @ z for part in x.split(CHUNK))
    axes = torch.linalg.eigh(scatter / (len(x) - 1)).eigenvectors.T.flip(0)[:dim]
    # of equally large components (mirrored pictures make such pairs) the first decides, not rounding
    large = (axes.abs() >= 0.99 * axes.abs().amax(1, keepdim=True)).to(torch.uint8).argmax(1, keepdim=True)
    axes = axes * axes.gather(1, large).sign()
    return PCA(*(a.float().to(x.device) for a in (mean, axes)))


def fit_gmm(x: Tensor, K: int, *, seed: int = 0) -> GMM:
    """Return a mixture of K diagonal Gaussians fitted to descriptors [N, D] by EM, from a start by k-means.

    EM ends after 20 iterations, or when one gains less than 0.001 nats a descriptor.

    To every variance, 1e-4 of the data's largest variance is added, so that none vanishes. Raises ValueError for
    fewer than 10 K descriptors, and for values that are not finite.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    _check(x, LEAST * K, f"{K} Gaussians need at least {LEAST * K} ({LEAST} each, 1000 each is usual)")
    data = x.float().cpu().numpy()
    floor = FLOOR * float(data.var(0, dtype=np.float64).max())
    weights, means, variances = _start(data, K, seed, floor)
    mixture = GaussianMixture(
        K,
        covariance_type="diag",
        tol=TOL,
        reg_covar=floor,
        max_iter=ITERATIONS,
        weights_init=weights,
        means_init=means,
        precisions_init=1 / variances,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # the curve tells what another iteration would gain
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            mixture.fit(data)
        except ValueError:
            # variances are differences, which float32 can make negative where descriptors repeat
            mixture.fit(data.astype(np.float64))
    arrays = (mixture.weights_, mixture.means_, mixture.covariances_)
    curve = torch.tensor(mixture.lower_bounds_, dtype=torch.float64)
    return GMM(*(torch.from_numpy(a).float().to(x.device) for a in arrays), curve)


def fit_kmeans(x: Tensor, K: int, *, seed: int = 0) -> Tensor:
    """Return K visual words, the centres that k-means finds for descriptors [N, D]: float32 [K, D].

    Raises ValueError for fewer than 10 K descriptors, and for values that are not finite.
    """
    from sklearn.cluster import KMeans

    _check(x, LEAST * K, f"{K} words need at least {LEAST * K} ({LEAST} each, 1000 each is usual)")
    means = KMeans(K, n_init=1, max_iter=30, random_state=seed).fit(x.float().cpu().numpy()).cluster_centers_
    return torch.from_numpy(means).float().to(x.device)


def _start(data: np.ndarray, K: int, seed: int, floor: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights, means and variances of the clusters that k-means finds in some of the descriptors."""
    from sklearn.cluster import KMeans

    few = np.random.default_rng(seed).permutation(len(data))[: START * K]
    data = data[few]
    clusters = KMeans(K, n_init=1, max_iter=10, random_state=seed).fit(data)
    member = np.eye(K, dtype=np.float32)[clusters.labels_]
    counts = member.sum(0)[:, None].clip(min=1)
    means = member.T @ data / counts
    variances = member.T @ (data - means[clusters.labels_]) ** 2 / counts + floor
    return (counts[:, 0] / counts.sum()).astype(np.float32), means, variances


def _check(x: Tensor, least: int, need: str) -> None:
    if x.ndim != 2 or not x.is_floating_point():
        raise ValueError(
            f"Descriptors are float [N, D], not {str(x.dtype).removeprefix('torch.')} {list(x.shape)}."
        )
    if len(x) < least:
        raise ValueError(
            f"{need} descriptors, but there are {len(x)}. Take descriptors of more pictures, or a smaller number."
        )
    if not torch.isfinite(x).all():
        row = int(torch.isfinite(x).all(1).logical_not().nonzero()[0, 0])
        raise ValueError(f"Descriptor {row} of {len(x)} is not finite. Leave out what was divided by 0.")
