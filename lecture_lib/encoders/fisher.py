"""Fisher vectors of one picture's local descriptors, and how they are normalised.

phi_FV = [u_1; v_1; ...; u_K; v_K], of 2KD numbers: the gradient of the mean log-likelihood of N descriptors x_i with
respect to the Gaussians' means and standard deviations, each divided by its own standard deviation under the model
(Perronnin et al. 2010, section 2; the slides show the hard assignment):

    u_k = 1/(N sqrt(pi_k))   sum_i q_ik  (x_i - mu_k) / sigma_k
    v_k = 1/(N sqrt(2 pi_k)) sum_i q_ik ((x_i - mu_k)^2 / sigma_k^2 - 1)
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.encoders.codebook import GMM
from lecture_lib.encoders.pooling import weighted_sums

NEGLIGIBLE = 1e-6  # posteriors below it count as 0, as in VLFeat


def posteriors(x: Tensor, gmm: GMM, assignment: str = "soft") -> Tensor:
    """Return q_ik, how probable it is that Gaussian k has made x_i: float32 [N, K], rows of sum 1.

    x           [N, D]
    assignment  "soft", or "hard": 1 for the most probable Gaussian, 0 for all others

    Softmax of the log densities: a descriptor far from all Gaussians is no trouble.
    """
    check(x, gmm, assignment)
    origin, weight, bias = _log_density(gmm)
    return _assign(torch.addmm(bias, _powers(x.to(bias.dtype) - origin), weight), assignment)


def fisher(x: Tensor, gmm: GMM, regions: Tensor | None = None, assignment: str = "soft") -> Tensor:
    """Return the Fisher vector phi_FV of descriptors, not normalised: float32 [2KD], or [R, 2KD] of R regions.

    x           [N, D]
    regions     bool [R, N], which descriptors a region contains; each is divided by its own number of them
    assignment  "soft" or "hard", as in `posteriors`

    Without descriptors it is 0. Posteriors below 1e-6 count as 0. reshape(K, 2, D) tells u_k from v_k.
    """
    check(x, gmm, assignment)
    origin, weight, bias = _log_density(gmm)

    def weigh(part: Tensor) -> tuple[Tensor, Tensor]:
        powers = _powers(part.to(bias.dtype) - origin)
        q = _assign(torch.addmm(bias, powers, weight), assignment)
        return F.threshold(q, NEGLIGIBLE, 0.0), F.pad(powers, (0, 1), value=1.0)

    sums, count = weighted_sums(x, regions, weigh)
    D = x.shape[1]
    s1, s2, s0 = sums[..., :D], sums[..., D:-1], sums[..., -1:]
    mean, variance = gmm.means - origin, gmm.variances
    scale = 1 / (gmm.weights.clamp(min=1e-30).sqrt()[:, None] * count.clamp(min=1)[:, None, None])
    u = scale * (s1 - mean * s0) / variance.sqrt()
    v = scale * (s2 - 2 * mean * s1 + (mean.square() - variance) * s0) / (math.sqrt(2) * variance)
    phi = torch.stack([u, v], 2).flatten(1)
    return phi[0] if regions is None else phi


def improve(phi: Tensor) -> Tensor:
    """Return phi_IFV: the signed square root of each number, then length 1 (Perronnin et al. 2010, section 3).

    phi  [.., d]; a vector of zeros stays as it is. Raw VLAD is normalised in the same way.
    """
    return F.normalize(_signed_sqrt(phi), dim=-1)


def intra_normalise(phi: Tensor, K: int) -> Tensor:
    """Return phi with each Gaussian's part of length 1, then the whole: Chatfield et al. 2014's, for Fisher vectors.

    phi  [.., 2KD], or a raw VLAD [.., KD]

    First each number's signed square root, then each Gaussian's [u_k; v_k] to length 1 (Arandjelovic and Zisserman
    2013, section 3), so that no Gaussian outweighs the others, then the whole. A part of zeros stays as it is.
    """
    parts = F.normalize(_signed_sqrt(phi).unflatten(-1, (K, -1)), dim=-1)
    return F.normalize(parts.flatten(-2), dim=-1)


def check(x: Tensor, gmm: GMM, assignment: str) -> None:
    """Raise ValueError where descriptors do not fit the Gaussians, or the assignment has no such name."""
    if x.ndim != 2 or x.shape[1] != gmm.means.shape[1]:
        raise ValueError(
            f"The Gaussians have {gmm.means.shape[1]} dimensions: descriptors are [N, {gmm.means.shape[1]}], "
            f"not {list(x.shape)}. Project them with the same PCA first."
        )
    if assignment not in ("soft", "hard"):
        raise ValueError(f'assignment is "soft" or "hard", not {assignment!r}.')


def _log_density(gmm: GMM) -> tuple[Tensor, Tensor, Tensor]:
    """Return origin [D], weight [2D, K] and bias [K]: ln pi_k N(x; k) = [z, z^2] weight + bias for z = x - origin.

    The origin is the mixture's mean: products of what lies around 0 lose less to rounding.
    """
    origin = gmm.weights @ gmm.means
    mean, precision = gmm.means - origin, 1 / gmm.variances
    weight = torch.cat([mean * precision, -precision / 2], 1).T.contiguous()
    bias = (
        gmm.weights.log() - (mean.square() * precision - precision.log() + math.log(2 * math.pi)).sum(1) / 2
    )
    return origin, weight, bias


def _powers(z: Tensor) -> Tensor:
    return torch.cat([z, z.square()], 1)


def _assign(score: Tensor, assignment: str) -> Tensor:
    if assignment == "soft":
        return score.softmax(1)
    return torch.zeros_like(score).scatter_(1, score.argmax(1, keepdim=True), 1)


def _signed_sqrt(phi: Tensor) -> Tensor:
    return phi.sign() * phi.abs().sqrt()
