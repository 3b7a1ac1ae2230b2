"""Read a network that MatConvNet saved in a `.mat` file, and turn its weights into those of our stages.

The files of the authors (vlfeat.org/matconvnet/pretrained) hold a cell array of layers, at top level or in a variable
`net`: layers{i}.type, name, weights {kernels, biases}, pad, stride, pool, param; beside it
meta.normalization.averageImage, in 0..255, and meta.classes.description. Graphs (DagNN), in which MatConvNet keeps
later networks, and files from before 2015, with `filters` and without `meta`, are refused.

MatConvNet's conventions, and ours:

    kernels           height x width x channels (of a group) x outputs       outputs x channels x height x width
    fully connected   a convolution as large as its input, channels last     a matrix, channels first
    padding           [top bottom left right], or one number for all         top = left; pooling rounds up, which is
                                                                             what a padding at the end is for
    normalisation     alpha of [size kappa alpha beta] times the sum         alpha times the mean
    pictures          red, green, blue                                       the same
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

NOT_BUILT = ("dropout", "softmax", "softmaxloss")  # nothing at test time, or after the scores
Layer = dict[str, Any]  # with MatConvNet's fields


class Network(NamedTuple):
    """What a file holds: layers in order, mean colour (red, green, blue in 0..255), names of the classes."""

    layers: list[Layer]
    mean: tuple[float, float, float]
    classes: tuple[str, ...]


def read(file: Path) -> Network:
    """Read a file of MatConvNet; of a mean picture the average colour is kept, of a class its first name.

    Raises ValueError where a part is missing, and whatever scipy's loadmat says of a file that is not MATLAB's.
    """
    from scipy.io import loadmat

    with open(file, "rb") as opened:
        content = loadmat(opened, simplify_cells=True)
    net = content.get("net", content)
    if "layers" not in net or "meta" not in net:
        raise ValueError("it has no `layers` or no `meta` of MatConvNet")
    mean = np.asarray(net["meta"]["normalization"]["averageImage"], float)
    if mean.shape[-1:] != (3,):
        raise ValueError(f"it has no averageImage of 3 colours (it is {list(mean.shape)})")
    classes = tuple(str(name).split(",")[0].strip() for name in net["meta"]["classes"]["description"])
    return Network(list(net["layers"]), tuple(mean.reshape(-1, 3).mean(0).tolist()), classes)


def weights_for(stages: nn.Sequential, layers: list[Layer]) -> dict[str, Tensor]:
    """Turn the weights of a file into a state dict of `stages`, each layer checked against its place there.

    stages   a network, which says what each layer should be
    layers   from `read`
    returns  name -> float32, convolutions [K, C / groups, H, W], fully connected ones [K, C H W], biases [K]

    Raises ValueError that names the first layer which is another one than expected: its type, kernel, stride,
    padding, normalisation.
    """
    given = iter([layer for layer in layers if layer["type"] not in NOT_BUILT])
    weights: dict[str, Tensor] = {}
    grid = (1, 1)
    for place, module in stages.named_modules():
        if isinstance(module, nn.AdaptiveAvgPool2d):
            grid = tuple(module.output_size)  # of pool5: fc6 is stored as a convolution as large
        ours = _ours(module)
        if not ours:  # several layers, dropout, and what makes a vector of pool5
            continue
        layer = next(given, {"name": "it", "type": "at its end"})
        theirs = _theirs(layer)
        if len(ours) != len(theirs) or ours[0] != theirs[0] or not np.allclose(ours[1:], theirs[1:], 1e-3, 0):
            raise ValueError(f"{place}: {layer['name']} is {theirs} in the file, not {ours}")
        if ours[0] == "conv":
            kernels, biases = layer["weights"]
            if np.size(kernels) != module.weight.numel():
                sizes = (
                    f"{list(np.shape(kernels))} in the file, of another size than {list(module.weight.shape)}"
                )
                raise ValueError(f"{place}: kernels of {layer['name']} are {sizes}")
            # MATLAB drops axes of length 1 at the end, loadmat everywhere
            sides = module.kernel_size if isinstance(module, nn.Conv2d) else grid
            kernels = np.reshape(kernels, (*sides, -1, len(module.weight))).transpose(3, 2, 0, 1)
            kernels = torch.from_numpy(np.ascontiguousarray(kernels, np.float32))
            weights[f"{place}.weight"] = kernels.view(module.weight.shape)
            weights[f"{place}.bias"] = torch.from_numpy(np.ravel(biases).astype(np.float32))
            grid = (1, 1)
    return weights


def _ours(module: nn.Module) -> list:
    """What a module computes: its type in a file, stride, padding at the top and left, side of a pooling."""
    if isinstance(module, nn.Conv2d):
        return ["conv", *module.stride, *module.padding]
    if isinstance(module, nn.Linear):
        return ["conv", 1, 1, 0, 0]
    if isinstance(module, nn.MaxPool2d):
        return ["pool", module.stride, module.stride, 0, 0, module.kernel_size, module.kernel_size]
    if isinstance(module, nn.LocalResponseNorm):
        return ["lrn", module.size, module.k, module.alpha / module.size, module.beta]
    return ["relu"] if isinstance(module, nn.ReLU) else []


def _theirs(layer: Layer) -> list:
    """The same of a layer in the file."""
    if layer["type"] in ("lrn", "normalize"):  # the second until 2015
        return ["lrn", *np.asarray(layer["param"]).tolist()]
    if layer["type"] not in ("conv", "pool"):
        return [layer["type"]]
    top, _, left, _ = np.broadcast_to(layer["pad"], 4).tolist()
    window = np.broadcast_to(layer["pool"], 2).tolist() if layer["type"] == "pool" else []
    return [layer["type"], *np.broadcast_to(layer["stride"], 2).tolist(), top, left, *window]
