"""Maps that bring two domains together: Daume's features, subspaces (SA, GFK), covariances (CORAL).

All but Daume's need no label.
"""

import numpy as np

from lecture_lib.chapters.domain_adaptation.shifts import Shift, principal_axes

DISAGREE = 0.99  # of subspaces: "1" in Gong et al. 2012, which data never reach


def daume(x: np.ndarray, of_target: np.ndarray) -> np.ndarray:
    """Daume III 2007, "frustratingly easy": [x, x, 0] for the source, [x, 0, x] for the target; [N, d] to [N, 3d].

    of_target  bool [N]

    A linear classifier w = (shared, source's own, target's own) then has a shared part and a correction a domain.
    """
    own = of_target[:, None]
    return np.hstack([x, np.where(own, 0, x), np.where(own, x, 0)])


def angles(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, ...]:
    """Principal angles between two subspaces, given by orthonormal columns [D, d], smallest first.

    returns  theta [d]; P_S U [D, d], the source's axes turned so that each meets its own of the target; and Q [D, d],
             the directions, at right angles to them, in which the target's lie; 0 where an angle is 0
    """
    U, cos, Vt = np.linalg.svd(source.T @ target)
    start = source @ U
    beside = target @ Vt.T - start * cos  # of length sin theta
    sin = np.linalg.norm(beside, axis=0)
    return np.arctan2(sin, cos), start, np.divide(beside, sin, out=np.zeros_like(beside), where=sin > 1e-8)


def flow(source: np.ndarray, target: np.ndarray, t: float) -> np.ndarray:
    """Phi(t), the subspace [D, d] at t on the shortest way from source (0) to target (1)."""
    theta, start, beside = angles(source, target)
    return start * np.cos(t * theta) + beside * np.sin(t * theta)


def gfk(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The geodesic flow kernel (Gong et al. 2012) as a map M [D, 2d]: M M^T = G, the integral of Phi(t) Phi(t)^T.

    source, target  orthonormal columns [D, d]

    x G x' sums up what x and x' have in common in every subspace between the two. In closed form
    G = [P_S U, Q] [[B1, B2], [B2, B4]] [P_S U, Q]^T, with diagonal blocks; the root of each 2 x 2 matrix gives M, so
    that any classifier of vectors can take x M.
    """
    theta, start, beside = angles(source.astype(np.float64), target.astype(np.float64))
    part = np.sinc(2 * theta / np.pi)  # sin(2 theta) / (2 theta), 1 at 0
    b1, b4 = (1 + part) / 2, (1 - part) / 2
    b2 = np.sin(theta) ** 2 / np.where(theta > 0, 2 * theta, 1)
    s = np.sqrt((b1 * b4 - b2 * b2).clip(0))  # root of the determinant; the trace b1 + b4 is 1
    scale = 1 / np.sqrt(1 + 2 * s)
    r1, r2, r4 = (b1 + s) * scale, b2 * scale, (b4 + s) * scale
    return np.hstack([start * r1 + beside * r2, start * r2 + beside * r4])


def disagreement(given: Shift, most: int) -> np.ndarray:
    """The subspace disagreement measure D(d), d = 1 .. `most`, of the two domains: float64 [most].

    D(d) is the mean sine of the d-th principal angles of P_S and of P_T with the subspace of both domains' pictures
    together; near 1, one of the d axes of a domain is at right angles to all that both have in common.
    """
    both, *each = (
        principal_axes(x, most) for x in (np.concatenate([given.us, given.ut]), given.us, given.ut)
    )

    def sine(P: np.ndarray, d: int) -> float:
        cos = np.linalg.svd(P[:, :d].T @ both[:, :d], compute_uv=False)[-1]
        return float(np.sqrt(1 - min(1.0, cos) ** 2))

    return np.array([np.mean([sine(P, d) for P in each]) for d in range(1, most + 1)])


def subspace_dimension(given: Shift, most: int = 50) -> int:
    """The dimension that Gong et al. 2012 take: the first d whose disagreement is 1 (here DISAGREE), or `most`."""
    there = np.flatnonzero(disagreement(given, most) >= DISAGREE)
    return int(there[0]) + 1 if len(there) else most


def subspace_alignment(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Subspace alignment (Fernando et al. 2013): maps [D, d] of source and target, P_S P_S^T P_T and P_T.

    source, target  orthonormal columns [D, d]
    """
    return source @ (source.T @ target), target


def coral(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """CORAL (Sun et al. 2016): the map [D, D] that gives source vectors [N, D] the covariance of the target's.

    C_S^(-1/2) C_T^(1/2), with C = covariance + 1. It costs D^3: for long vectors take principal components first.
    """

    def power(x: np.ndarray, p: float) -> np.ndarray:
        squares, axes = np.linalg.eigh(np.cov(x.T.astype(np.float64)) + np.eye(x.shape[1]))
        return axes * squares**p @ axes.T

    return power(source, -0.5) @ power(target, 0.5)
