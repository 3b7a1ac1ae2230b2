"""A network for another task: its layers up to phi, and a new linear layer w_c above them."""

import copy
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from lecture_lib.backbones import Backbone
from lecture_lib.encoders import l2_normalise


class L2Normalise(nn.Module):
    """Divide each vector of a batch [B, d] by its Euclidean length."""

    def forward(self, x: Tensor) -> Tensor:
        """Return float [B, d]; a vector of length 0 stays 0."""
        return l2_normalise(x)


def with_head(net: Backbone, classes: Sequence[str], seed: int = 0) -> Backbone:
    """Return a copy of a network with a new last stage, `head`, that scores other classes: s_c = w_c . phi(I) + b_c.

    phi(I) is the output of the penultimate layer, layer net.decaf[7], divided by its length, as it is for the SVMs of
    Chatfield et al. 2014: |w_c| is then one over the margin, whatever the network. Where that output is a map (as in
    SqueezeNet) it is averaged first, with a dropout of 0.5 in training, as before SqueezeNet's own classifier.
    Weights are drawn from `seed`, normal with deviation 0.01, biases are 0.
    """
    layers = net.layers[: net.layers.index(net.decaf[7]) + 1]
    kept = copy.deepcopy(net.stages[: len(layers)]).eval()
    with torch.inference_mode():
        shape = kept(torch.zeros(1, 3, net.input_size, net.input_size, device=net.device)).shape[1:]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        linear = nn.Linear(shape[0], len(classes))
        nn.init.normal_(linear.weight, std=0.01)
        nn.init.zeros_(linear.bias)
    to_vector = {"mean": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "dropout": nn.Dropout(0.5)}
    to_scores = {"l2": L2Normalise(), "linear": linear}
    head = nn.Sequential(OrderedDict((to_vector if len(shape) == 3 else {}) | to_scores))
    stages = nn.Sequential(
        OrderedDict([*zip(layers, kept, strict=True), ("head", head.to(net.device))])
    ).eval()
    weights = f"{net.weights}, new head of seed {seed}"
    return replace(net, stages=stages, classes=tuple(classes), weights=weights)
