"""Fisher vectors of one picture's local descriptors, as the formula has them; `normalise` has what follows.

phi_FV = [u_1; v_1; ...; u_K; v_K], of 2KD numbers: the gradient of the mean log-likelihood of N descriptors x_i with
respect to the Gaussians' means and standard deviations, each divided by its own standard deviation under the model
(Perronnin et al. 2010, section 2; the slides show the hard assignment):

    u_k = 1/(N sqrt(pi_k))   sum_i q_ik  (x_i - mu_k) / sigma_k
    v_k = 1/(N sqrt(2 pi_k)) sum_i q_ik ((x_i - mu_k)^2 / sigma_k^2 - 1)
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib import checks
from lecture_lib.encoders.bow import weighted_sums
from lecture_lib.encoders.codebook import GMM

NEGLIGIBLE = 1e-6  # posteriors and weights below it count as 0, as in VLFeat
Assignment = Literal["soft", "hard"]
RANGE = 30.0  # of log densities that are told apart: exp(-30) is negligible


def posteriors(x: Tensor, gmm: GMM) -> Tensor:
    """Return q_ik, how probable it is that Gaussian k has made x_i [N, D]: float32 [N, K], rows of sum 1.

    Softmax of the log densities: a descriptor far from all Gaussians is no trouble.
    """
    _check(x, gmm)
    origin, weight = _log_density(gmm)
    return (_powers(x.to(weight.dtype) - origin) @ weight).softmax(1)


def fisher_vector(
    x: Tensor, gmm: GMM, regions: Tensor | None = None, assignment: Assignment = "soft"
) -> Tensor:
    """Return the Fisher vector phi_FV of descriptors, not normalised: float32 [2KD], or [R, 2KD] of R regions.

    x           [N, D]
    regions     bool [R, N], which descriptors a region contains; each is divided by its own number of them
    assignment  "soft": q_ik are `posteriors`; "hard": 1 for the most probable Gaussian, 0 for all others

    Without descriptors it is 0. Posteriors and weights pi_k below 1e-6 count as 0. reshape(K, 2, D) tells u_k from
    v_k.
    """
    _check(x, gmm)
    checks.option(assignment, Assignment, "assignment")
    origin, weight = _log_density(gmm)

    def weigh(part: Tensor) -> tuple[Tensor, Tensor]:
        powers = _powers(part.to(weight.dtype) - origin)
        score = powers @ weight
        if assignment == "hard":
            return powers, torch.zeros_like(score).scatter_(1, score.argmax(1, keepdim=True), 1)
        # what counts as 0 anyway must not come near 1e-38, where numbers are slow
        score = torch.maximum(score, score.amax(1, keepdim=True) - RANGE)
        return powers, F.threshold_(score.softmax(1), NEGLIGIBLE, 0.0)

    sums, count = weighted_sums(x, regions, weigh)
    s0, s1, s2 = sums.split([1, x.shape[1], x.shape[1]], 1)
    mean, variance = (gmm.means - origin).T, gmm.variances.T
    root = torch.where(gmm.weights < NEGLIGIBLE, math.inf, gmm.weights.sqrt())
    first = s1 - mean * s0
    u = first / (root * variance.sqrt())
    v = (s2 - mean * (s1 + first) - variance * s0) / (root * variance * math.sqrt(2))
    phi = (torch.cat([u, v], 1) / count.clamp(min=1)[:, None, None]).mT.flatten(1)
    return phi[0] if regions is None else phi


def _check(x: Tensor, gmm: GMM) -> None:
    """Raise ValueError where descriptors do not fit the Gaussians."""
    if x.ndim != 2 or x.shape[1] != gmm.means.shape[1]:
        raise ValueError(
            f"The Gaussians have {gmm.means.shape[1]} dimensions: descriptors are [N, {gmm.means.shape[1]}], "
            f"not {list(x.shape)}. Project them with the same PCA first."
        )


def _log_density(gmm: GMM) -> tuple[Tensor, Tensor]:
    """Return origin [D] and weight [1 + 2D, K]: [1, z, z^2] weight = ln pi_k N(x; k) + D/2 ln 2 pi for z = x - origin.

    Around the origin, squares lose least to rounding: it makes sum_k pi_k (mu_k - origin)^2 / sigma_k^2 as small as
    possible, so that it lies near the narrow Gaussians, which it matters to.
    """
    precision = 1 / gmm.variances
    share = gmm.weights[:, None] * precision
    origin = (share * gmm.means).sum(0) / share.sum(0)
    mean = gmm.means - origin
    constant = (mean.square() * precision - precision.log()).sum(1, keepdim=True) / -2
    weight = torch.cat([constant + gmm.weights.log()[:, None], mean * precision, precision / -2], 1)
    return origin, weight.T.contiguous()


def _powers(z: Tensor) -> Tensor:
    return torch.cat([torch.ones_like(z[:, :1]), z, z.square()], 1)
