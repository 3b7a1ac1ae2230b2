"""How much fine-tuning has changed the weights of a network."""

import torch
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
