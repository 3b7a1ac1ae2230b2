"""What two nets that never saw the same class have in common: the kernels of layer 1, and what all layers say."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from lecture_lib.chapters.how_transferable.experiment import say
from lecture_lib.chapters.how_transferable.nets import layers
from lecture_lib.linear.alignment import linear_cka


def match_kernels(a: Tensor, b: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Pair the first-layer kernels of two nets, one to one, so that their correlations have the largest sum.

    a, b     float [C, 3, k, k]
    returns  int64 [C], the kernel of b for each of a, and float64 [C], their correlations, -1 to 1

    The order of kernels in a net is chance, so they are paired first. Even unrelated ones then correlate, as the best
    of C are taken: compare with kernels of random numbers. A kernel that is constant correlates with none (0).
    """
    rows = []
    for kernels in (a, b):
        flat = kernels.detach().double().cpu().flatten(1).numpy()
        flat = flat - flat.mean(1, keepdims=True)
        rows.append(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12))
    correlation = rows[0] @ rows[1].T
    own, other = linear_sum_assignment(correlation, maximize=True)
    return other, correlation[own, other]


def alignment(one: nn.Sequential, other: nn.Sequential, seen: Tensor) -> list[float]:
    """Return the linear CKA of what two nets say of the same pictures, layer by layer, the last left out: 7 numbers.

    seen  float32 [N, 3, S, S], as the nets take it

    Maps are compared place by place. Nets are to be in eval mode.
    """
    outputs = []
    for net in (one, other):
        x, of_net = seen, []
        for layer in layers(net)[:-1]:
            x = say(layer, x)
            of_net.append(x.flatten(1).cpu().numpy())
        outputs.append(of_net)
    return [linear_cka(x, y) for x, y in zip(*outputs, strict=True)]
