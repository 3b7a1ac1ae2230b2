"""Read a network that MatConvNet saved in a `.mat` file, and turn its weights into those of our stages.

Such a file is one of two things, at top level or in a variable `net`:

* SimpleNN, a cell array of layers: layers{i}.type, name, weights {kernels, biases} (older: filters, biases),
  pad, stride, pool, method, param;
* DagNN, a graph: layers(i).type ("dagnn.Conv"), inputs, outputs, params (names), block (pad, stride, ...),
  with the numbers in params(i).name, value.

Both have meta.normalization.averageImage, in 0..255, and meta.classes.description (older: without `meta`).

MatConvNet's conventions, and ours:

    kernels           height x width x channels (of a group) x outputs       outputs x channels x height x width
    fully connected   a convolution as large as its input, channels last     a matrix, channels first
    padding           [top bottom left right], or one number for all         top = left; pooling rounds up
    normalisation     alpha of [size kappa alpha beta] times the sum         alpha times the mean
    pictures          red, green, blue                                       the same

Files that others made from Caffe's may keep its order blue, green, red. Nothing in them says so but the
average colour: ImageNet's has more red than green than blue, so a mean that grows from the first channel to the
third is taken for one in Caffe's order, and conv1's channels are turned round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

KINDS = {
    nn.Conv2d: "conv",
    nn.Linear: "conv",
    nn.ReLU: "relu",
    nn.LocalResponseNorm: "lrn",
    nn.MaxPool2d: "pool",
}
OTHER_NAMES = {"normalize": "lrn", "pooling": "pool", "batchnorm": "bnorm"}
Maps = tuple[int, int, int]  # channels, height, width
NOT_BUILT = ("dropout", "softmax", "softmaxloss", "loss")  # nothing at test time, or after the scores


class Layer(NamedTuple):
    """A layer as the file has it; `weights` are kernels [H, W, C / groups, K] and biases [K], or empty."""

    name: str
    kind: str
    fields: dict[str, Any]
    weights: list[np.ndarray]


class Network(NamedTuple):
    """What a file holds: layers in order, mean colour (red, green, blue in 0..255), names of the classes."""

    layers: list[Layer]
    mean: tuple[float, float, float]
    classes: tuple[str, ...]


def read(file: Path) -> Network:
    """Read a file of MatConvNet; of a mean picture the average colour is kept, of a class its first name.

    Raises FileNotFoundError, and ValueError for a file that is something else or lacks a part.
    """
    from scipy.io import loadmat

    try:
        with open(file, "rb") as opened:
            content = loadmat(opened, simplify_cells=True)
    except FileNotFoundError:
        raise
    except NotImplementedError:
        raise ValueError(
            f"{file} is in MATLAB's format 7.3 (HDF5): in MATLAB, net = load(file), then "
            "save(file, '-struct', 'net', '-v7')."
        ) from None
    except Exception as error:  # loadmat fails in many ways on what is not MATLAB's
        raise ValueError(f"{file} is not a file of MATLAB, or is cut off ({error}).") from None
    net = content.get("net", content)
    if not isinstance(net, dict) or "layers" not in net:
        found = ", ".join(name for name in content if not name.startswith("__"))
        raise ValueError(f"{file} holds no network of MatConvNet: no `layers`, but {found or 'nothing'}.")
    layers = list(_graph(net) if "params" in net else _cells_of_layers(net))
    meta = net.get("meta", net)
    mean = _mean_colour(meta, file)
    if mean[0] < mean[2]:
        mean, layers = mean[::-1], _turn_colours(layers)
    classes = meta.get("classes", {})
    names = _cell(classes.get("description", [])) if isinstance(classes, dict) else []
    return Network(layers, mean, tuple(str(name).split(",")[0].strip() for name in names))


def _cell(value: Any) -> list:
    """Return a cell array as a list: loadmat gives one cell as its content, several as an array or a list."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        return list(value.ravel())
    return value if isinstance(value, list) else [value]


def _cells_of_layers(net: dict) -> Iterator[Layer]:
    for i, fields in enumerate(_cell(net["layers"]), 1):
        kind = fields["type"]
        weights = _cell(fields.get("weights", []))
        if "filters" in fields:
            weights = [fields["filters"], fields["biases"]]
        yield Layer(fields.get("name", f"layer {i}"), OTHER_NAMES.get(kind, kind), fields, weights)


def _graph(net: dict) -> Iterator[Layer]:
    values = {param["name"]: param["value"] for param in _cell(net["params"])}
    layers = [layer for layer in _cell(net["layers"]) if layer["type"] != "dagnn.Loss"]
    takers: dict[str, list[dict]] = {}
    for layer in layers:
        for source in _cell(layer["inputs"]):
            takers.setdefault(source, []).append(layer)
    outputs = {output for layer in layers for output in _cell(layer["outputs"])}
    value = next((source for source in takers if source not in outputs), None)
    reached = 0
    while value in takers:
        layer, *others = takers.pop(value)
        if others:
            raise ValueError(
                f"The graph is not a chain: {value!r} goes to {layer['name']}, {others[0]['name']}."
            )
        kind = layer["type"].removeprefix("dagnn.").lower()
        block = layer["block"] if isinstance(layer["block"], dict) else {}  # a block without properties
        weights = [values[name] for name in _cell(layer["params"])]
        fields = block | {"pool": block.get("poolSize")}
        yield Layer(layer["name"], OTHER_NAMES.get(kind, kind), fields, weights)
        value, reached = _cell(layer["outputs"])[0], reached + 1
    if reached < len(layers):
        raise ValueError(
            f"The graph is not a chain: it has {len(layers)} layers, {reached} of them in a row."
        )


def _mean_colour(meta: dict, file: Path) -> tuple[float, float, float]:
    normalization = meta.get("normalization", {})
    mean = np.asarray(normalization.get("averageImage", []), dtype=float)
    if mean.ndim == 3 and mean.shape[2] == 3:
        mean = mean.mean(axis=(0, 1))
    if mean.size != 3:
        raise ValueError(f"{file} has no averageImage of 3 colours (it is {list(mean.shape)}).")
    return tuple(mean.ravel().tolist())


def _turn_colours(layers: list[Layer]) -> list[Layer]:
    first = next(i for i, layer in enumerate(layers) if layer.kind == "conv")
    kernels, *biases = layers[first].weights
    turned = layers[first]._replace(weights=[kernels[:, :, ::-1], *biases])
    return [*layers[:first], turned, *layers[first + 1 :]]


def weights_for(stages: nn.Sequential, layers: Sequence[Layer], input_size: int) -> dict[str, Tensor]:
    """Turn the weights of a file into a state dict of `stages`, each layer checked against its place there.

    stages   a network on device "meta", which says what each layer should be
    layers   from `read`
    returns  name -> float32, convolutions [K, C / groups, H, W], fully connected ones [K, C H W], biases [K]

    Raises ValueError that names the first layer which is another one than expected: its kind, kernel, stride,
    padding, normalisation.
    """
    given = iter([layer for layer in layers if layer.kind not in NOT_BUILT])
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
        kind = next((kind for base, kind in KINDS.items() if isinstance(module, base)), None)
        if kind is None:  # dropout, and what makes a vector of pool5
            continue
        layer = next(given, None)
        if layer is None:
            raise ValueError(f"The file ends before {place}.")
        if layer.kind != kind:
            hint = " (networks with batch normalisation are others)" if layer.kind == "bnorm" else ""
            raise ValueError(
                f"{place}: layer {layer.name} of the file is {layer.kind!r}, not {kind!r}{hint}."
            )
        _check(place, layer, module, before, after)
        if kind == "conv":
            weights[f"{place}.weight"], weights[f"{place}.bias"] = _convert(layer, module, before)
    rest = next(given, None)
    if rest is not None:
        raise ValueError(f"The file goes on after {place}, with layer {rest.name} ({rest.kind!r}).")
    return weights


def _check(place: str, layer: Layer, module: nn.Module, before: Maps, after: Maps) -> None:
    """Raise ValueError if a layer of the file computes something else than the module in its place."""
    if layer.kind == "relu":
        pairs = {"leak": (0, layer.fields.get("leak", 0))}
    elif layer.kind == "lrn":
        ours = (module.size, module.k, module.alpha / module.size, module.beta)
        pairs = {"[size kappa alpha beta]": (ours, layer.fields.get("param", ()))}
    else:
        pairs = _compare_windows(layer, module, before, after)
    for what, (expected, found) in pairs.items():
        if np.shape(expected) != np.shape(found) or not np.allclose(expected, found, rtol=1e-3, atol=0):
            raise ValueError(
                f"{place}: {what} of layer {layer.name} in the file is {_say(found)}, expected {_say(expected)}."
            )
    if layer.fields.get("method", "max") != "max":
        raise ValueError(
            f"{place}: layer {layer.name} of the file pools by {layer.fields['method']!r}, not 'max'."
        )


def _compare_windows(
    layer: Layer, module: nn.Module, before: Maps, after: Maps
) -> dict[str, tuple[Any, Any]]:
    """Return, of a convolution or a pooling, what is expected and what the file has."""
    fields = layer.fields
    if layer.kind == "conv":
        kernel, kernel_found = _kernel_shape(module, before), np.shape(layer.weights[0])
    else:
        kernel, kernel_found = (module.kernel_size,) * 2, np.broadcast_to(fields["pool"], 2)
    stride = np.broadcast_to(fields.get("stride", 1), 2)
    top, bottom, left, right = np.broadcast_to(fields.get("pad", 0), 4)
    height = (before[1] + top + bottom - kernel[0]) // stride[0] + 1
    width = (before[2] + left + right - kernel[1]) // stride[1] + 1
    # Windows that begin at the same places and are as many see the same, so the padding at the bottom and the
    # right is compared by the size of the output only: a part of it may lie where no window ends.
    return {
        "kernel": (_without_ones(kernel), _without_ones(kernel_found)),
        "stride": (np.broadcast_to(getattr(module, "stride", 1), 2), stride),
        "dilation": (1, np.max(fields.get("dilate", 1))),
        "padding at the top and left": (np.broadcast_to(getattr(module, "padding", 0), 2), (top, left)),
        "height and width of the output": (after[1:], (height, width)),
    }


def _kernel_shape(module: nn.Conv2d | nn.Linear, before: Maps) -> tuple[int, int, int, int]:
    """Return the shape of a layer's kernels in MatConvNet: height, width, channels of a group, outputs."""
    if isinstance(module, nn.Linear):
        return before[1], before[2], before[0], module.out_features
    return *module.kernel_size, module.in_channels // module.groups, module.out_channels


def _convert(layer: Layer, module: nn.Conv2d | nn.Linear, before: Maps) -> tuple[Tensor, Tensor]:
    shape = _kernel_shape(module, before)
    kernels = np.reshape(layer.weights[0], shape).transpose(3, 2, 0, 1)  # axes of length 1 come back here
    biases = layer.weights[1] if len(layer.weights) > 1 else ()
    biases = np.ravel(biases) if np.size(biases) else np.zeros(shape[3])
    if biases.size != shape[3]:
        raise ValueError(f"Layer {layer.name} of the file has {biases.size} biases for {shape[3]} outputs.")
    weight = torch.from_numpy(np.ascontiguousarray(kernels, np.float32))
    return weight.view(module.weight.shape), torch.from_numpy(biases.astype(np.float32))


def _without_ones(shape: Sequence[int]) -> tuple[int, ...]:
    """Leave out axes of length 1: MATLAB drops them at the end, loadmat everywhere."""
    return tuple(int(side) for side in shape if side != 1)


def _say(numbers: Any) -> str:
    return " x ".join(f"{number:g}" for number in np.ravel(numbers)) if np.size(numbers) else "nothing"
