"""Length 1 for vectors, as linear classifiers and neighbours want them."""

from __future__ import annotations

import numpy as np


def l2_normalise(features: np.ndarray) -> np.ndarray:
    """L2-normalise rows: float [N, d] to float32 [N, d]; a row of zeros stays zeros."""
    x = np.asarray(features, dtype=np.float32)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def summed(phi: np.ndarray) -> np.ndarray:
    """Sum-pool the views of each picture, to length 1: [N, V, d] to float16 [N, d]."""
    total = phi.sum(1, dtype=np.float32)
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)).astype(np.float16)
