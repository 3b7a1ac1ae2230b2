"""DANN: features that a domain classifier cannot tell apart (Ganin et al. 2016), on vectors that were computed once.

An encoder, a head for classes and one for domains. Between the encoder and the second head the gradient is turned
round: that head learns to tell source from target, the encoder to make it fail.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lecture_lib import settings
from lecture_lib.chapters.domain_adaptation.shifts import Shift
from lecture_lib.training import Recipe
from lecture_lib.training.sgd import train

UNITS = 256
RECIPE = Recipe(epochs=60)


class Reversal(torch.autograd.Function):
    """The identity, whose gradient is multiplied by -strength."""

    @staticmethod
    def forward(ctx, x: Tensor, strength: float) -> Tensor:
        """Return x."""
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient, turned round."""
        return -ctx.strength * gradient, None


class Adversarial(nn.Module):
    """Encoder and two heads; scores [B, classes + 1], the last one for "of the target". `strength` turns gradients."""

    def __init__(self, d: int, classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(d, UNITS), nn.ReLU())
        self.classes = nn.Linear(UNITS, classes)
        self.domain = nn.Sequential(nn.Linear(UNITS, UNITS), nn.ReLU(), nn.Linear(UNITS, 1))
        self.strength = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Score vectors [B, d]."""
        z = self.encoder(x)
        return torch.cat([self.classes(z), self.domain(Reversal.apply(z, self.strength))], 1)


def loss(scores: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy of the classes, where there is a label, and of the domains; truth int64 [B, 2], label -1: none."""
    label, domain = truth.T
    of_class = F.cross_entropy(scores[:, :-1], label, ignore_index=-1)
    return of_class + F.binary_cross_entropy_with_logits(scores[:, -1], domain.float())


def dann(given: Shift, seed: int = 0, recipe: Recipe = RECIPE) -> tuple[np.ndarray, np.ndarray]:
    """Train on the source's labels, the few of the target, and all target pictures without labels.

    returns  the classes of the test pictures, int64 [k], and what the encoder makes of `us` and `ut` together

    Half of each batch has labels, half is of the target without. Strength 2 / (1 + exp(-10 p)) - 1 at progress p, as
    in the paper; the learning rate falls as the project's other trainings' does.
    """
    device = settings.current().device
    mean, deviation = given.x.mean(0), given.x.std(0).mean()
    x, ut, test, us = (
        torch.from_numpy((a - mean) / deviation).float().to(device)
        for a in (given.x, given.ut, given.test, given.us)
    )
    truth = torch.from_numpy(np.stack([given.y, given.of_target], 1)).to(device)
    none = torch.tensor([[-1, 1]], device=device)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = Adversarial(x.shape[1], int(given.y.max()) + 1).to(device)

    def samples(batch: Tensor) -> tuple[Tensor, Tensor]:
        others = torch.randint(len(ut), (len(batch),))
        return torch.cat([x[batch], ut[others]]), torch.cat([truth[batch], none.expand(len(batch), 2)])

    def begin(epoch: int) -> None:
        net.strength = 2 / (1 + math.exp(-10 * epoch / recipe.epochs)) - 1

    train(net, len(x), samples, loss, recipe, begin=begin)
    with torch.inference_mode():
        predicted = net(test)[:, :-1].argmax(1).cpu().numpy()
        encoded = net.encoder(torch.cat([us, ut])).cpu().numpy()
    return predicted, encoded
