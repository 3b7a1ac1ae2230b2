"""A network as an ordered walk of named stages, and the preprocessing that its weights expect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.transforms.v2.functional import center_crop, resize

from lecture_lib import store
from lecture_lib.download import DownloadError, RemoteFile, fetch


class WeightsNotFound(FileNotFoundError):
    """Weights are neither on this machine nor to be had from here; the message says how to get them."""


@dataclass(frozen=True, eq=False)
class Backbone:
    """A network whose stages carry the papers' names, with the preprocessing that its weights expect.

    stages       layer -> module, in order; walking all of them is the whole network: [B, 3, H, W] to scores [B, C]
    resize       length that a picture's shorter side is brought to (bilinear, antialiased)
    input_size   side of the square then cut from its centre
    mean, std    of each colour, subtracted and divided by after pixels are brought to 0..1
    classes      C names, in the order of the scores
    weights      where the weights come from: a file and the start of its SHA-256, or "random seed 0"
    decaf        DeCAF_k is the output of layer decaf[k] (k = 1, 5, 6, 7)

    A layer convN or fcN is taken after its ReLU; the last layer gives raw scores.
    """

    name: str
    stages: nn.Sequential
    resize: int
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    classes: tuple[str, ...]
    weights: str
    decaf: Mapping[int, str]

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all stages, in order."""
        return tuple(name for name, _ in self.stages.named_children())

    @property
    def device(self) -> torch.device:
        """Where the weights are, and so where the network computes."""
        return next(self.stages.parameters()).device

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides the features: weights, preprocessing, architecture, hooks.

        Taken anew each time, as a weight can be written to without a trace: of the 61 million of AlexNet in half a
        second, a twentieth of what its features of 300 pictures take. Raises TypeError for what cannot be named.
        """
        return store.fingerprint(
            [self.name, self.layers, self.resize, self.input_size, self.mean, self.std, self.stages]
        )


def features(net: Backbone, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Compute the outputs of several layers in one pass, no further than the last of them.

    x        float32 [B, 3, H, W], from `preprocess` or `standardise`
    returns  layer -> float32 [B, c, h, w], or [B, d] for fully connected layers; without gradients

    Raises KeyError for a layer that the network does not have, ValueError if the network is in training mode
    (dropout would make features random, BatchNorm would change the weights).
    """
    check_layers(net, layers)
    if any(module.training for module in net.stages.modules()):
        raise ValueError(f"{net.name} is in training mode: call net.stages.eval() before taking features.")
    if x.ndim != 4 or x.shape[1] != 3 or not x.is_floating_point():
        raise ValueError(
            f"{net.name} takes float32 [B, 3, H, W], not {str(x.dtype).removeprefix('torch.')} {list(x.shape)}: "
            "pass a picture through preprocess, a batch of uint8 through standardise."
        )
    found: dict[str, Tensor] = {}
    x = x.to(net.device)
    with torch.no_grad():
        for layer, stage in net.stages.named_children():
            if len(found) == len(set(layers)):
                break
            # Every stage writes into memory of its own (its in-place ReLU follows a layer of the same stage),
            # so what was kept is not overwritten later; a test compares with copies taken by hooks.
            x = stage(x)
            if layer in layers:
                found[layer] = x
    return {layer: found[layer] for layer in layers}


def check_layers(net: Backbone, layers: Sequence[str]) -> None:
    """Raise KeyError for the first layer that the network does not have."""
    for layer in layers:
        if layer not in net.layers:
            raise KeyError(f"{net.name} has no layer {layer!r}; it has {', '.join(net.layers)}.")


def preprocess(net: Backbone, image: Tensor) -> Tensor:
    """Bring one picture, uint8 [3, H, W], to what the network takes: float32 [3, S, S], S = net.input_size.

    This is `crop` followed by `standardise`, the two halves that an encoder runs apart.
    """
    return standardise(net, crop(net, image)[None])[0]


def crop(net: Backbone, image: Tensor) -> Tensor:
    """Resize a picture's shorter side to net.resize, cut the central square: uint8 [3, S, S].

    Bilinear with antialiasing. Pixels differ from those of the weights' own torchvision transforms by one
    grey level at most: on x86 processors, where torch resizes in integers as Pillow does, in one pixel of a
    thousand for a PIL image (and, as Pillow's, in one of five for a tensor, which torchvision makes float).
    """
    if image.dtype != torch.uint8 or image.ndim != 3 or image.shape[0] != 3:
        raise ValueError(
            f"A picture is uint8 [3, H, W], not {str(image.dtype).removeprefix('torch.')} {list(image.shape)}."
        )
    return center_crop(resize(image, [net.resize], antialias=True), [net.input_size])


def standardise(net: Backbone, images: Tensor) -> Tensor:
    """Map uint8 [B, 3, H, W] to (pixels / 255 - mean) / std, float32 channels-last on the network's device."""
    n, c, height, width = images.shape
    mean, std = (torch.tensor(values, device=net.device).repeat(width) for values in (net.mean, net.std))
    # Rows of 3 W numbers instead of a last axis of 3 colours: several times faster on a processor.
    rows = images.to(net.device).permute(0, 2, 3, 1).reshape(n * height, width * c).float()
    rows = rows.mul_(1 / (255 * std)).sub_(mean / std)
    return rows.view(n, height, width, c).permute(0, 3, 1, 2)


def weights_folder() -> Path:
    """Return where published weights are kept: torch's own cache folder, hub/checkpoints under TORCH_HOME."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def fetch_weights(name: str, file: RemoteFile) -> Path:
    """Return the published weights of a network, downloaded on first use into `weights_folder`.

    Raises WeightsNotFound where the file is not there and cannot be downloaded.
    """
    try:
        return fetch(file, weights_folder())
    except DownloadError as error:
        raise WeightsNotFound(f"{name}: {error}") from None
