"""How much fine-tuning has changed a network: its weights, and what its layers say of the same pictures."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from lecture_lib.backbones import Backbone


@torch.no_grad()
def relative_change(before: Backbone, after: Backbone) -> dict[str, float]:
    """Return how much the weights of each stage have changed: layer -> ||w' - w|| / ||w||, 0 if not at all.

    w are all weights and biases of a stage, as one vector. Layers are those that both networks have, in the order of
    `before`; stages without parameters are left out. Raises ValueError where the parameters of a layer differ in name
    or shape: these are two layers.
    """
    change = {}
    for layer, old in before.stages.named_children():
        if layer not in after.layers or not list(old.parameters()):
            continue
        old, new = (dict(stage.named_parameters()) for stage in (old, after.stages.get_submodule(layer)))
        shapes = [{name: list(w.shape) for name, w in weights.items()} for weights in (old, new)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"{layer} is another layer in {after.name}, with parameters {shapes[1]}, than in {before.name}, with "
                f"{shapes[0]}: compare a network with what was trained from it."
            )
        w_old, w_new = (
            torch.cat([weights[name].double().cpu().ravel() for name in old]) for weights in (old, new)
        )
        change[layer] = float((w_new - w_old).norm() / w_old.norm())
    return change


def linear_cka(x: ArrayLike, y: ArrayLike) -> float:
    """Return the linear centred kernel alignment of two sets of features of the same pictures, from 0 to 1.

    x, y  float [N, p] and [N, q], row i of both from picture i, any dtype

    ||Y^T X||^2 / (||X^T X|| ||Y^T Y||), Frobenius norms of features centred over pictures (Kornblith et al. 2019,
    section 3). 1 where one is the other turned, mirrored, scaled or shifted; of unrelated features it is near 0 only if
    pictures are many more than dimensions. Raises ValueError where they do not belong together, are not finite or do
    not vary over pictures: then there is nothing to compare.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise ValueError(
            f"Features {list(x.shape)} and {list(y.shape)}; give [N, p] and [N, q] of the same pictures."
        )
    x, y = _centred(x), _centred(y)
    # <X X^T, Y Y^T> = ||Y^T X||^2: of the same three numbers, the smaller form
    if len(x) < max(x.shape[1], y.shape[1]):
        x, y = x @ x.T, y @ y.T
        return float(np.vdot(x, y) / (np.linalg.norm(x) * np.linalg.norm(y)))
    return float(np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))


def _centred(x: np.ndarray) -> np.ndarray:
    """Subtract the mean over pictures, scale to a largest entry of 1; raise ValueError where nothing is left."""
    largest = np.abs(x).max(initial=0.0)
    x = x - x.mean(0)
    spread = np.abs(x).max(initial=0.0)
    # a mean of equal numbers may be off by a rounding or two
    if not spread > 1e-12 * largest:
        raise ValueError(
            f"Features {list(x.shape)} are the same for all pictures, or not finite: there is nothing to compare."
        )
    return x / spread
