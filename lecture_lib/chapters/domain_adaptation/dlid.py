"""DLID-like features: encoders of data sets on the way from the source to the target, side by side.

Chopra et al. 2013 learn a deep encoder of pictures at each of these steps. Here each is one layer on vectors, whitening
and a soft threshold, which is why the rows are called DLID-like; the paper's own numbers are quoted.
"""

from collections.abc import Callable

import numpy as np

from lecture_lib.chapters.domain_adaptation.shifts import Shift, principal_axes

STEPS = 5  # sets between source and target, and the two ends
UNITS = 64  # of each encoder
THRESHOLD = 0.5  # in standard deviations of a unit


def dlid(given: Shift, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Encode the labelled and the test pictures of a trial: [n + m, d'], [k, d'].

    Set i of STEPS has a share 1 - i / STEPS of the source's pictures and i / STEPS of the target's, all without labels.
    """
    rng = np.random.default_rng(seed)
    encoded = []
    for i in range(STEPS + 1):
        share = i / STEPS
        parts = [
            x[rng.permutation(len(x))[: round(part * len(x))]]
            for x, part in ((given.us, 1 - share), (given.ut, share))
        ]
        encode = whitened(np.concatenate(parts))
        encoded.append((encode(given.x), encode(given.test)))
    train, test = (np.hstack(of) for of in zip(*encoded, strict=True))
    return train, test


def whitened(x: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Learn an encoder of vectors [n, d]: their UNITS first principal components at deviation 1, less THRESHOLD."""
    mean, axes = x.mean(0), principal_axes(x, UNITS)
    deviation = ((x - mean) @ axes).std(0)
    some = deviation > 1e-4 * deviation[0]
    scale = axes[:, some] / deviation[some]

    def encode(x: np.ndarray) -> np.ndarray:
        z = (x - mean) @ scale
        return np.sign(z) * (np.abs(z) - THRESHOLD).clip(0)

    return encode
