"""How much fine-tuning has changed a network: its weights, and what its layers say of the same pictures."""

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from lecture_lib.backbones import Backbone


@torch.no_grad()
def relative_change(before: Backbone, after: Backbone) -> dict[str, float]:
    """Return how much the weights of each stage have changed: layer -> ||w' - w|| / ||w||, 0 if not at all.

    w are all weights and biases of a stage, as one vector. Layers are those that both networks have, in the order of
    `before`; stages without parameters are left out.
    """
    change = {}
    for layer, stage in before.stages.named_children():
        if layer in after.layers and list(stage.parameters()):
            trained = after.stages.get_submodule(layer)
            w, w_after = (_as_vector(part) for part in (stage, trained))
            change[layer] = ((w_after - w).norm() / w.norm()).item()
    return change


def _as_vector(stage: nn.Module) -> Tensor:
    # torch's parameters_to_vector refuses weights that lie channels last in memory
    return torch.cat([weight.reshape(-1) for weight in stage.parameters()]).double()


def linear_cka(x: ArrayLike, y: ArrayLike) -> float:
    """Return the linear centred kernel alignment of two sets of features of the same pictures, from 0 to 1.

    x, y  float [N, p] and [N, q], row i of both from picture i, any dtype

    <X X^T, Y Y^T> / (||X X^T|| ||Y Y^T||), Frobenius norms of features centred over pictures (Kornblith et al. 2019,
    section 3). 1 where one is the other turned, mirrored, scaled or shifted; of unrelated features it is near 0 only if
    pictures are many more than dimensions. Raises ValueError where features are not finite or do not vary over
    pictures: then there is nothing to compare.
    """
    grams = []
    for features in (x, y):
        features = np.asarray(features, np.float64)
        if not np.ptp(features, axis=0).max(initial=0) > 0:
            raise ValueError(
                f"Features {list(features.shape)} are the same for all pictures, or not finite: there is nothing to "
                "compare."
            )
        centred = features - features.mean(0)
        grams.append(centred @ centred.T)
    return float(np.vdot(*grams) / np.prod([np.linalg.norm(gram) for gram in grams]))
