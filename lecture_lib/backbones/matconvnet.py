"""Read a network that MatConvNet saved in a `.mat` file, and turn its weights into those of our stages.

The files of the authors (vlfeat.org/matconvnet/pretrained) hold a cell array of layers, at top level or in a variable
`net`: layers{i}.type, name, weights {kernels, biases}, pad, stride, pool, param; beside it
meta.normalization.averageImage, in 0..255, and meta.classes.description. Graphs (DagNN), in which MatConvNet keeps
later networks, and files from before 2015, with `filters` and without `meta`, are refused.

MatConvNet's conventions, and ours:

    kernels           height x width x channels (of a group) x outputs       outputs x channels x height x width
    fully connected   a convolution as large as its input, channels last     a matrix, channels first
    padding           [top bottom left right], or one number for all         top = left; pooling rounds up
    normalisation     alpha of [size kappa alpha beta] times the sum         alpha times the mean
    pictures          red, green, blue                                       the same
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

# what a layer is called in a file; "normalize" until 2015
TYPES = {
    nn.Conv2d: ("conv",),
    nn.Linear: ("conv",),
    nn.ReLU: ("relu",),
    nn.LocalResponseNorm: ("lrn", "normalize"),
    nn.MaxPool2d: ("pool",),
}
NOT_BUILT = ("dropout", "softmax", "softmaxloss")  # nothing at test time, or after the scores
Maps = tuple[int, int, int]  # channels, height, width
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
    if mean.ndim == 3:
        mean = mean.mean(axis=(0, 1))
    if mean.shape != (3,):
        raise ValueError(f"it has no averageImage of 3 colours (it is {list(mean.shape)})")
    classes = tuple(str(name).split(",")[0].strip() for name in net["meta"]["classes"]["description"])
    return Network(list(net["layers"]), tuple(mean.tolist()), classes)


def weights_for(stages: nn.Sequential, layers: list[Layer], input_size: int) -> dict[str, Tensor]:
    """Turn the weights of a file into a state dict of `stages`, each layer checked against its place there.

    stages   a network on device "meta", which says what each layer should be
    layers   from `read`
    returns  name -> float32, convolutions [K, C / groups, H, W], fully connected ones [K, C H W], biases [K]

    Raises ValueError that names the first layer which is another one than expected: its type, kernel, stride,
    padding, normalisation.
    """
    given = iter([layer for layer in layers if layer["type"] not in NOT_BUILT])
    x = torch.empty(1, 3, input_size, input_size, device="meta")
    after = tuple(x.shape[1:])
    weights: dict[str, Tensor] = {}
    for place, module in stages.named_modules():
        if any(module.children()):
            continue
        before, x = after, module(x)
        if x.ndim == 4:
            after = tuple(x.shape[1:])
        elif isinstance(module, nn.Linear):
            after = (x.shape[1], 1, 1)  # and nn.Flatten leaves it as it is: fc6 is stored as a convolution
        types = next((names for base, names in TYPES.items() if isinstance(module, base)), None)
        if types is None:  # dropout, and what makes a vector of pool5
            continue
        layer = next(given, {"name": "none", "type": "its end"})
        if layer["type"] not in types:
            raise ValueError(f"{place}: the file has {layer['type']!r} ({layer['name']}), not {types[0]!r}")
        _check(place, layer, module, before, after)
        if types == ("conv",):
            kernels = np.reshape(layer["weights"][0], _kernel_shape(module, before)).transpose(3, 2, 0, 1)
            kernels = torch.from_numpy(np.ascontiguousarray(kernels, np.float32))
            weights[f"{place}.weight"] = kernels.view(module.weight.shape)
            weights[f"{place}.bias"] = torch.from_numpy(np.ravel(layer["weights"][1]).astype(np.float32))
    return weights


def _check(place: str, layer: Layer, module: nn.Module, before: Maps, after: Maps) -> None:
    """Raise ValueError if a layer of the file computes something else than the module in its place."""
    if isinstance(module, nn.ReLU):
        return
    if isinstance(module, nn.LocalResponseNorm):
        ours = (module.size, module.k, module.alpha / module.size, module.beta)
        pairs = {"[size kappa alpha beta]": (ours, layer["param"])}
    else:
        pairs = _compare_windows(layer, module, before, after)
    for what, (expected, in_file) in pairs.items():
        if np.shape(expected) != np.shape(in_file) or not np.allclose(expected, in_file, rtol=1e-3, atol=0):
            there, here = (" x ".join(f"{n:g}" for n in np.ravel(side)) for side in (in_file, expected))
            raise ValueError(f"{place}: {what} of {layer['name']} is {there} in the file, not {here}")


def _compare_windows(
    layer: Layer, module: nn.Module, before: Maps, after: Maps
) -> dict[str, tuple[Any, Any]]:
    """Return, of a convolution or a pooling, what is expected and what the file has."""
    if isinstance(module, nn.MaxPool2d):
        kernel, in_file = (module.kernel_size,) * 2, tuple(np.broadcast_to(layer["pool"], 2))
    else:
        kernel, in_file = _kernel_shape(module, before), np.shape(layer["weights"][0])
    stride = np.broadcast_to(layer["stride"], 2)
    top, bottom, left, right = np.broadcast_to(layer["pad"], 4)
    height = (before[1] + top + bottom - kernel[0]) // stride[0] + 1
    width = (before[2] + left + right - kernel[1]) // stride[1] + 1
    # Windows that begin at the same places and are as many see the same, so the padding at the bottom and the
    # right is compared by the size of the output only: a part of it may lie where no window ends.
    return {
        # without axes of length 1: MATLAB drops them at the end, loadmat everywhere
        "kernel": tuple([side for side in shape if side != 1] for shape in (kernel, in_file)),
        "stride": (np.broadcast_to(getattr(module, "stride", 1), 2), stride),
        "padding at the top and left": (np.broadcast_to(getattr(module, "padding", 0), 2), (top, left)),
        "height and width of the output": (after[1:], (height, width)),
    }


def _kernel_shape(module: nn.Conv2d | nn.Linear, before: Maps) -> tuple[int, int, int, int]:
    """Return the shape of a layer's kernels in MatConvNet: height, width, channels of a group, outputs."""
    if isinstance(module, nn.Linear):
        return before[1], before[2], before[0], module.out_features
    return *module.kernel_size, module.in_channels // module.groups, module.out_channels
