"""CaffeNet and CNN-F, -M, -S, and MatConvNet's files of them: written here as MatConvNet does, from known weights.

The outputs are compared with a forward pass in NumPy, in MatConvNet's own conventions, which knows nothing
of torch. Networks are thinned to a sixteenth of their channels; a `.mat` of 400 MB would prove no more.
"""

import hashlib

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from scipy.io import savemat

from lecture_lib import backbones
from lecture_lib.backbones import backbone, caffe_nets, cost
from lecture_lib.backbones.caffe_nets import Conv

# Layer by layer as in MatConvNet's model definitions (but CNN-S without a second normalisation), paddings
# [top bottom left right] with what Caffe's rounding adds: ("conv", side, outputs, stride, padding, groups),
# ("lrn", kappa, alpha), ("pool", side, stride, padding). A ReLU follows each convolution but the last.
LRN = ("lrn", 2, 1e-4)
LRN_CAFFENET = ("lrn", 1, 2e-5)
FC = [("conv", 6, 4096, 1, 0, 1), ("conv", 1, 4096, 1, 0, 1), ("conv", 1, 1000, 1, 0, 1)]
PUBLISHED = {
    "cnn-f": [
        *[("conv", 11, 64, 4, 0, 1), LRN, ("pool", 3, 2, [0, 1, 0, 1])],
        # nothing to pad, and no window reaches it
        *[("conv", 5, 256, 1, 2, 1), LRN, ("pool", 3, 2, [0, 1, 0, 1])],
        *[("conv", 3, 256, 1, 1, 1)] * 3,
        *[("pool", 3, 2, 0), *FC],
    ],
    "cnn-m": [
        *[("conv", 7, 96, 2, 0, 1), LRN, ("pool", 3, 2, 0)],
        *[("conv", 5, 256, 2, 1, 1), LRN, ("pool", 3, 2, [0, 1, 0, 1])],
        *[("conv", 3, 512, 1, 1, 1)] * 3,
        *[("pool", 3, 2, 0), *FC],
    ],
    "cnn-s": [
        *[("conv", 7, 96, 2, 0, 1), LRN, ("pool", 3, 3, [0, 2, 0, 2])],
        *[("conv", 5, 256, 1, 0, 1), ("pool", 2, 2, [0, 1, 0, 1])],
        *[("conv", 3, 512, 1, 1, 1)] * 3,
        *[("pool", 3, 3, [0, 1, 0, 1]), *FC],
    ],
    "caffenet": [
        *[("conv", 11, 96, 4, 0, 1), ("pool", 3, 2, 0), LRN_CAFFENET],
        *[("conv", 5, 256, 1, 2, 2), ("pool", 3, 2, 0), LRN_CAFFENET],
        *[("conv", 3, 384, 1, 1, 1), ("conv", 3, 384, 1, 1, 2), ("conv", 3, 256, 1, 1, 2)],
        *[("pool", 3, 2, 0), *FC],
    ],
}
THIN = {4096: 24, 1000: 7}  # of 1000 classes 7 are left; other channels are divided by 16
MEAN = np.array([123.0, 117.0, 104.0])  # red, green, blue
CLASSES = ["tench, Tinca tinca", "goldfish, Carassius auratus", "shark", "ray", "cock", "hen", "ostrich"]


def thinned(channels):
    return THIN.get(channels, channels // 16)


def side_of(name):
    return 227 if name == "caffenet" else 224


def draw_layers(name, seed=0):
    """A thin network as a list of dictionaries with MatConvNet's fields and random weights."""
    rng, layers, channels, number, place = np.random.default_rng(seed), [], 3, 0, 0
    for kind, *numbers in PUBLISHED[name]:
        if kind == "conv":
            side, outputs, stride, padding, groups = numbers
            place, number = number + 1, number + 1
            shape = (side, side, channels // groups, thinned(outputs))
            kernels = rng.normal(0, np.sqrt(2 / np.prod(shape[:3])), shape).astype(np.float32)
            biases = rng.normal(0, 5, shape[3]).astype(np.float32)
            what = {"weights": [kernels, biases], "pad": padding, "stride": stride}
            layers.append({"name": f"{'conv' if number < 6 else 'fc'}{number}", "type": "conv", **what})
            channels = shape[3]
            if number < 8:
                layers.append({"name": f"relu{number}", "type": "relu"})
        elif kind == "lrn":
            kappa, alpha = numbers
            layers.append({"name": f"norm{place}", "type": "normalize", "param": [5, kappa, alpha, 0.75]})
        else:
            side, stride, padding = numbers
            what = {"method": "max", "pool": [side, side], "pad": padding, "stride": stride}
            layers.append({"name": f"pool{place}", "type": "pool", **what})
    return [*layers, {"name": "prob", "type": "softmax"}]


# --- MatConvNet's forward pass -----------------------------------------------------------------------------


def windows(x, side, stride, padding, fill):
    top, bottom, left, right = np.broadcast_to(padding, 4)
    x = np.pad(x, ((top, bottom), (left, right), (0, 0)), constant_values=fill)
    return sliding_window_view(x, (side, side), axis=(0, 1))[::stride, ::stride]  # [h, w, C, side, side]


def forward(layers, x):
    """The output of each layer by its name, for x [H, W, 3], float64."""
    outputs = {}
    for layer in layers:
        if layer["type"] == "conv":
            kernels, biases = layer["weights"]
            groups = x.shape[2] // kernels.shape[2]
            parts = zip(np.split(x, groups, axis=2), np.split(kernels, groups, axis=3), strict=True)
            x = np.concatenate(
                [
                    np.tensordot(
                        windows(part, len(kernels), layer["stride"], layer["pad"], 0.0),
                        k,
                        ((3, 4, 2), (0, 1, 2)),
                    )
                    for part, k in parts
                ],
                axis=2,
            )
            x = x + biases
        elif layer["type"] == "relu":
            x = np.maximum(x, 0)
        elif layer["type"] == "pool":
            x = windows(x, layer["pool"][0], layer["stride"], layer["pad"], -np.inf).max(axis=(3, 4))
        elif layer["type"] == "normalize":
            size, kappa, alpha, beta = layer["param"]
            y = np.empty_like(x)
            for k in range(x.shape[2]):
                around = x[:, :, max(k - size // 2, 0) : k + size // 2 + 1]
                y[:, :, k] = x[:, :, k] * (kappa + alpha * (around**2).sum(axis=2)) ** -beta
            x = y
        outputs[layer["name"]] = x
    return outputs


def output_of_layer(outputs, layer):
    if layer.startswith("pool"):  # whichever of the two comes last
        return [x for name, x in outputs.items() if name in (layer, f"norm{layer[4:]}")][-1]
    return outputs[layer if layer == "fc8" else f"relu{layer[-1]}"]


# --- MatConvNet's files ------------------------------------------------------------------------------------


def cell(*values):
    """A MATLAB cell array, 1 x n."""
    out = np.empty((1, len(values)), object)
    for i, value in enumerate(values):
        out[0, i] = value
    return out


def row(value, length):
    return np.broadcast_to(np.asarray(value, float), length).reshape(1, length)


def matlab(array):
    """MATLAB keeps no axis of length 1 beyond the second."""
    array = np.asarray(array)
    while array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    return array


def meta(mean=MEAN, side=224, classes=CLASSES):
    image = np.asarray(mean, np.float32)
    image = image.reshape(1, 1, 3) if image.size == 3 else image
    normalization = {"averageImage": image, "imageSize": np.array([[side, side, 3.0]])}
    return {"normalization": normalization, "classes": {"description": cell(*classes)}}


def write(path, layers, meta):
    """The cell array of layers, as tidied by MatConvNet's later versions."""
    out = []
    for layer in layers:
        fields = dict(layer)
        if fields["type"] == "conv":
            kernels, biases = fields["weights"]
            fields["weights"] = cell(matlab(kernels), biases.reshape(1, -1))
        if fields["type"] in ("conv", "pool"):
            fields |= {"pad": row(fields["pad"], 4), "stride": row(fields["stride"], 2), "opts": cell()}
        if fields["type"] == "relu":
            fields = {"leak": 0.0, "weights": cell()} | fields
        for key in ("param", "pool"):
            if key in fields:
                fields[key] = row(fields[key], len(fields[key]))
        out.append(fields | {"precious": False})
    savemat(path, {"layers": cell(*out), "meta": meta})
    return path


# --- conversion --------------------------------------------------------------------------------------------


@pytest.fixture
def thin(monkeypatch):
    """Make all networks thin ones, computed in full precision on a GPU too."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)

    def thin_layer(layer):
        return layer._replace(channels=thinned(layer.channels)) if isinstance(layer, Conv) else layer

    for name, (plan, side, file) in list(caffe_nets.NETS.items()):
        small = {
            layer: THIN.get(parts, 5) if isinstance(parts, int) else thin_layer(parts)
            for layer, parts in plan.items()
        }
        monkeypatch.setitem(caffe_nets.NETS, name, (small, side, file))


def picture(side, seed=1):
    """Noise: the borders, where paddings tell, are as busy as the middle."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def layers_of(net, image):
    x = backbones.standardise(net, torch.from_numpy(image).permute(2, 0, 1)[None])
    return {layer: out[0].cpu().numpy() for layer, out in backbones.features(net, x, net.layers).items()}


def difference(a, b):
    """The largest difference, as a part of the largest number."""
    return np.abs(a - b).max() / np.abs(b).max()


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_layer_has_the_numbers_of_matconvnet(thin, tmp_path, name):
    layers, side = draw_layers(name), side_of(name)
    file = write(tmp_path / "net.mat", layers, meta(side=side))
    net = backbones.load(name, file)
    image = picture(side)
    found, expected = layers_of(net, image), forward(layers, image - MEAN)
    assert " ".join(found) == "conv1 pool1 conv2 pool2 conv3 conv4 conv5 pool5 fc6 fc7 fc8"
    for layer, ours in found.items():
        theirs = output_of_layer(expected, layer)
        theirs = theirs[0, 0] if ours.ndim == 1 else theirs.transpose(2, 0, 1)
        assert ours.shape == theirs.shape, layer
        assert difference(ours, theirs) < 1e-4, layer
    assert net.classes == ("tench", "goldfish", "shark", "ray", "cock", "hen", "ostrich")
    assert net.weights == f"net.mat sha256 {hashlib.sha256(file.read_bytes()).hexdigest()[:8]}"
    assert net.input_size == side
    assert all(p.requires_grad for p in net.stages.parameters())  # fine-tuning goes on from here


def test_of_a_mean_picture_the_average_colour_is_used(thin, tmp_path):
    layers, mean_picture = draw_layers("cnn-f"), picture(224, seed=2)
    net = backbones.load("cnn-f", write(tmp_path / "net.mat", layers, meta(mean_picture)))
    image = picture(224)
    expected = forward(layers, image - mean_picture.mean(axis=(0, 1)))["fc8"][0, 0]
    assert difference(layers_of(net, image)["fc8"], expected) < 1e-4


def edit(layers, name, **fields):
    next(layer for layer in layers if layer["name"] == name).update(fields)


def insert(layers, name, layer):
    at = next(i for i, layer in enumerate(layers) if layer["name"] == name)
    layers.insert(at + 1, layer)


WRONG = {
    "stride": (lambda n: edit(n, "conv1", stride=2), r"conv1\.conv: conv1 is .*conv', 2.* not .*conv', 4"),
    "pad": (lambda n: edit(n, "conv2", pad=[2, 2, 1, 3]), r"conv2\.conv: conv2 is .* 2.*, 1.*\] in the file"),
    "window": (lambda n: edit(n, "pool5", pool=[2, 2]), r"pool5\.pool: pool5 is .* not .*pool"),
    "alpha": (lambda n: edit(n, "norm2", param=[5, 2, 5e-4, 0.75]), r"norm2 is .*0\.0005, 0\.75"),
    "kernel": (
        lambda n: edit(n, "conv3", weights=[np.zeros((5, 5, 16, 16)), np.zeros(16)]),
        r"conv3\.conv: kernels of conv3 are \[5, 5, 16, 16\] in the file",
    ),
    "biases": (
        lambda n: edit(n, "fc8", weights=[np.zeros((1, 1, 24, 7)), np.zeros(6)]),
        "size mismatch|loading",
    ),
    "batch normalisation": (
        lambda n: insert(n, "conv1", {"name": "bn1", "type": "bnorm"}),
        r"conv1\.relu: bn1 is .*bnorm.* in the file, not .*relu",
    ),
    "no norm": (lambda n: n.pop(2), r"pool1\.norm: pool1 is .*pool.* not .*lrn"),
    "short": (lambda n: n.__delitem__(slice(-3, None)), r"fc7\.relu: it is .*at its end"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_layer_that_is_another_one_is_named(thin, tmp_path, fault):
    layers = draw_layers("cnn-f")
    change, message = WRONG[fault]
    change(layers)
    file = write(tmp_path / "net.mat", layers, meta())
    with pytest.raises(ValueError, match=message):
        backbones.load("cnn-f", file)


def test_files_that_are_something_else_are_named(tmp_path):
    path = tmp_path / "net.mat"
    whole = write(path, draw_layers("cnn-f"), meta()).read_bytes()
    for content in (b"<!DOCTYPE html>" * 99, whole[:100_000], b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"cnn-f: .*net\.mat does not hold the weights of this network"):
            backbones.load("cnn-f", path)
    savemat(path, {"x": np.zeros(3)})
    with pytest.raises(ValueError, match="no `layers` or no `meta` of MatConvNet"):
        backbones.load("cnn-f", path)


# --- the networks at full size -----------------------------------------------------------------------------


def on_meta(name):
    plan, side, _ = caffe_nets.NETS[name]
    stages = caffe_nets.build(plan, side).eval()
    return backbones.Backbone(name, stages, 256, side, (0, 0, 0), (1, 1, 1), (), "", caffe_nets.DECAF)


# by hand from Table 1, with the biases; that of CaffeNet is Caffe's own
TOTAL = {"cnn-f": 60_834_536, "cnn-m": 102_908_520, "cnn-s": 102_908_520, "caffenet": 60_965_224}
# from fc7 on, 4096 w + w + 1000 w + 1000 for 4096 * 4096 + 4096 + 1000 * 4096 + 1000
TOTAL |= {f"cnn-m-{w}": 102_908_520 - 5097 * (4096 - w) for w in (2048, 1024, 128)}


@pytest.mark.parametrize("name", caffe_nets.NETS)
def test_weights_are_as_many_as_by_hand(name):
    assert sum(p.numel() for p in on_meta(name).stages.parameters()) == TOTAL[name]


def test_multiply_adds_are_as_many_as_by_hand():
    costs = cost.layer_costs(on_meta("caffenet"), repeats=1).set_index("layer")
    assert costs.loc["conv2", "mmac"] == pytest.approx(27 * 27 * 256 * 5 * 5 * 48 / 1e6)  # of two groups, one
    assert costs.loc["fc6", "mmac"] == pytest.approx(4096 * 6 * 6 * 256 / 1e6)
    assert costs["mmac"].sum() == pytest.approx(724.4, abs=0.05)
    assert costs.loc["conv1", "parameters"] == 11 * 11 * 3 * 96 + 96
    assert set(costs.index[costs["kind"] == "pooling"]) == {"pool1", "pool2", "pool5"}


def test_random_networks_keep_the_size_of_activations_and_take_pictures_of_other_sizes(thin):
    net = backbones.load("cnn-m-128", "random")
    x = backbones.standardise(net, torch.from_numpy(picture(300)).permute(2, 0, 1)[None])
    found = backbones.features(net, x, net.decaf.values())
    assert [tuple(out.shape[1:]) for out in found.values()] == [(6, 73, 73), (32, 9, 9), (24,), (5,)]
    fc6 = net.stages.fc6.linear.weight  # He et al.: variance 2 / inputs
    assert fc6.var().item() * fc6.shape[1] == pytest.approx(2, rel=0.05)


# --- the published files -----------------------------------------------------------------------------------


def test_published_weights_come_from_the_authors_into_torchs_own_folder(thin, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = write(tmp_path / "imagenet-vgg-f.mat", draw_layers("cnn-f"), meta())
    asked = []
    monkeypatch.setattr(backbone, "fetch", lambda remote, folder: asked.append((remote, folder)) or file)
    assert backbones.load("cnn-f").weights.startswith("imagenet-vgg-f.mat sha256 ")
    (remote, folder) = asked[0]
    assert remote.urls == ("https://www.vlfeat.org/matconvnet/models/imagenet-vgg-f.mat",)
    assert folder == tmp_path / "hub" / "checkpoints"
