"""Pictures in the subspaces between two domains: what each can draw of them."""

from collections.abc import Sequence

import numpy as np
import torch
from torchvision.transforms.v2.functional import resize

from lecture_lib.chapters.domain_adaptation.alignment import flow
from lecture_lib.chapters.domain_adaptation.shifts import principal_axes
from lecture_lib.datasets import ImageCollection

SIDE = 28  # pixels: a picture is a vector of 3 SIDE^2 numbers


def pixels(images: ImageCollection) -> np.ndarray:
    """Small pictures as vectors in [0, 1]: float32 [N, 3 SIDE^2]."""
    small = [resize(images.tensor(i), [SIDE, SIDE], antialias=True) for i in range(len(images))]
    return torch.stack(small).flatten(1).float().numpy() / 255


def film(
    x: np.ndarray, source: np.ndarray, target: np.ndarray, ts: Sequence[float], d: int = 60
) -> np.ndarray:
    """What Phi(t), between the first d principal axes of two sets of pictures, keeps of some pictures at each t.

    x               [n, 3 SIDE^2], the pictures
    source, target  [m, 3 SIDE^2] each
    returns         uint8 [n, 1 + len(ts), SIDE, SIDE, 3]: x itself, then m + Phi Phi^T (x - m),
                    m going from mean to mean
    """
    P_s, P_t = principal_axes(source, d), principal_axes(target, d)
    shown = [x]
    for t in ts:
        mean, Phi = (1 - t) * source.mean(0) + t * target.mean(0), flow(P_s, P_t, t)
        shown.append(mean + (x - mean) @ Phi @ Phi.T)
    pictures = (255 * np.stack(shown, 1).clip(0, 1)).astype(np.uint8)
    return pictures.reshape(len(x), -1, 3, SIDE, SIDE).transpose(0, 1, 3, 4, 2)
