"""CaffeNet and CNN-F, -M, -S, and MatConvNet's files of them: written here as MATLAB would, from known weights.

The outputs are compared with a forward pass in NumPy, in MatConvNet's own conventions, which knows nothing
of torch. Networks are thinned to a sixteenth of their channels; a `.mat` of 400 MB would prove no more.
"""

import copy
import hashlib
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view
from scipy.io import savemat

from lecture_lib import backbones, settings
from lecture_lib.backbones import caffe_nets, cost, matconvnet
from lecture_lib.backbones.caffe_nets import Conv
from lecture_lib.download import RemoteFile, fetching

# Layer by layer as in MatConvNet's model definitions (but CNN-S without a second normalisation), paddings
# [top bottom left right] with what Caffe's rounding adds: ("conv", side, outputs, stride, padding, groups),
# ("lrn", kappa, alpha), ("pool", side, stride, padding). A ReLU follows each convolution but the last.
LRN = ("lrn", 2, 1e-4)
LRN_CAFFENET = ("lrn", 1, 2e-5)
FC = [("conv", 6, 4096, 1, 0, 1), ("conv", 1, 4096, 1, 0, 1), ("conv", 1, 1000, 1, 0, 1)]
PUBLISHED = {
    "cnn-f": [
        *[("conv", 11, 64, 4, 0, 1), LRN, ("pool", 3, 2, [0, 1, 0, 1])],
        *[("conv", 5, 256, 1, 2, 1), LRN, ("pool", 3, 2, 0)],
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


def output_of_tap(outputs, tap):
    if tap.startswith("pool"):  # whichever of the two comes last
        return [x for name, x in outputs.items() if name in (tap, f"norm{tap[4:]}")][-1]
    return outputs[tap if tap == "fc8" else f"relu{tap[-1]}"]


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
    normalization = {"averageImage": image, "imageSize": np.array([[side, side, 3.0]]), "border": row(32, 2)}
    return {"normalization": normalization, "classes": {"description": cell(*classes)}}


def write_simple(path, layers, meta):
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


def write_old(path, layers, meta):
    """The cell array as at first: filters and biases, no `meta`, plain numbers, dropout still there."""
    out = []
    for layer in layers:
        fields = dict(layer)
        if fields["type"] == "conv":
            kernels, biases = fields.pop("weights")
            fields |= {"filters": matlab(kernels), "biases": biases.reshape(1, -1)}
        out.append(fields)
        if layer["name"] in ("relu6", "relu7"):
            out.append({"name": "dropout", "type": "dropout", "rate": 0.5})
    savemat(path, {"net": {"layers": cell(*out), **meta}})
    return path


DAG = {"conv": "Conv", "relu": "ReLU", "pool": "Pooling", "normalize": "LRN", "softmax": "SoftMax"}


def struct_array(records):
    fields = list(records[0])
    out = np.empty((1, len(records)), [(field, object) for field in fields])
    for i, record in enumerate(records):
        out[0, i] = tuple(record[field] for field in fields)
    return out


def write_dag(path, layers, meta, reverse=False, **more):
    """The graph: layers in any order, numbers in `params` by name, biases as columns."""
    records, params, source = [], [], "input"
    for i, layer in enumerate(layers, 1):
        block = {"opts": cell("cuDNN")}
        names = []
        if layer["type"] in ("conv", "pool"):
            block |= {"pad": row(layer["pad"], 4), "stride": row(layer["stride"], 2)}
        if layer["type"] == "conv":
            kernels, biases = layer["weights"]
            block |= {"size": row(kernels.shape, 4), "hasBias": True, "dilate": row(1, 2)}
            names = [f"{layer['name']}f", f"{layer['name']}b"]
            params += [{"name": names[0], "value": matlab(kernels)}]
            params += [{"name": names[1], "value": biases.reshape(-1, 1)}]
        if layer["type"] == "pool":
            block |= {"poolSize": row(layer["pool"], 2), "method": layer["method"]}
        if layer["type"] == "normalize":
            block |= {"param": row(layer["param"], 4)}
        kind = f"dagnn.{DAG.get(layer['type'], layer['type'])}"
        output = "prediction" if layer is layers[-1] else f"x{i}"
        wiring = {"inputs": cell(source), "outputs": cell(output), "params": cell(*names)}
        records.append({"name": layer["name"], "type": kind, **wiring, "block": block})
        source = output
    loss = {"inputs": cell(source, "label"), "outputs": cell("objective"), "params": cell()}
    records.append({"name": "loss", "type": "dagnn.Loss", **loss, "block": {"loss": "softmaxlog"}})
    records = records[::-1] if reverse else records
    variables = [{"name": name, "precious": False} for name in ("input", "label", "prediction")]
    net = {"vars": struct_array(variables), "params": struct_array(params), "layers": struct_array(records)}
    savemat(path, net | {"meta": meta, "conserveMemory": True})
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
            tap: THIN.get(layers, 5) if isinstance(layers, int) else tuple(map(thin_layer, layers))
            for tap, layers in plan.items()
        }
        monkeypatch.setitem(caffe_nets.NETS, name, (small, side, file))


def picture(side, seed=1):
    """Noise: the borders, where paddings tell, are as busy as the middle."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def scores_of(net, image):
    return taps_of(net, image)["fc8"]


def taps_of(net, image):
    x = backbones.normalise(net, torch.from_numpy(image).permute(2, 0, 1)[None])
    return {tap: out[0].cpu().numpy() for tap, out in backbones.features(net, x, net.taps).items()}


def difference(a, b):
    """The largest difference, as a part of the largest number."""
    return np.abs(a - b).max() / np.abs(b).max()


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("cnn-f", write_simple),
        ("cnn-m", write_dag),
        ("cnn-s", write_old),
        ("caffenet", write_simple),
        ("caffenet", partial(write_dag, reverse=True)),
    ],
)
def test_every_tap_has_the_numbers_of_matconvnet(thin, tmp_path, name, write):
    layers, side = draw_layers(name), side_of(name)
    file = write(tmp_path / "net.mat", layers, meta(side=side))
    net = backbones.load(name, file)
    image = picture(side)
    found, expected = taps_of(net, image), forward(layers, image - MEAN)
    assert list(found) == [
        "conv1",
        "pool1",
        "conv2",
        "pool2",
        "conv3",
        "conv4",
        "conv5",
        "pool5",
        "fc6",
        "fc7",
        "fc8",
    ]
    for tap, ours in found.items():
        theirs = output_of_tap(expected, tap)
        theirs = theirs[0, 0] if ours.ndim == 1 else theirs.transpose(2, 0, 1)
        assert ours.shape == theirs.shape, tap
        assert difference(ours, theirs) < 1e-4, tap
    assert net.classes == ("tench", "goldfish", "shark", "ray", "cock", "hen", "ostrich")
    assert net.weights == f"net.mat sha256 {hashlib.sha256(file.read_bytes()).hexdigest()[:8]}"
    assert net.input_size == side
    assert all(p.requires_grad for p in net.stages.parameters())  # fine-tuning goes on from here


@pytest.mark.parametrize("name", ["cnn-f", "cnn-m", "cnn-s"])
def test_the_paddings_of_these_files_are_no_matter_of_taste(name):
    # the comparison above means little if a symmetric padding, or none, would give the same scores
    layers = draw_layers(name)
    x = picture(224) - MEAN
    expected = forward(layers, x)["fc8"]
    one_sided = next(i for i, layer in enumerate(layers) if np.ndim(layer.get("pad", 0)))
    other = copy.deepcopy(layers)
    other[one_sided]["pad"] = other[one_sided]["pad"][::-1]
    assert difference(forward(other, x)["fc8"], expected) > 0.05


def test_a_file_in_caffes_order_of_colours_is_turned_round(thin, tmp_path):
    layers = draw_layers("cnn-f")
    image = picture(224)
    expected = scores_of(backbones.load("cnn-f", write_simple(tmp_path / "rgb.mat", layers, meta())), image)
    kernels, biases = layers[0]["weights"]
    layers[0]["weights"] = [kernels[:, :, ::-1], biases]
    for write in (write_simple, write_dag):
        net = backbones.load("cnn-f", write(tmp_path / "bgr.mat", layers, meta(MEAN[::-1])))
        np.testing.assert_allclose(np.array(net.mean) * 255, MEAN, rtol=1e-6)
        assert difference(scores_of(net, image), expected) < 1e-6


def test_of_a_mean_picture_the_average_colour_is_used_and_the_scores_hardly_change(thin, tmp_path):
    # 20 grey levels brighter in the middle than in the corners, about as ImageNet's mean picture (from memory)
    layers = draw_layers("cnn-f")
    down, across = np.meshgrid(*[np.linspace(-1, 1, 224)] * 2, indexing="ij")
    mean_picture = MEAN + 10 * (0.6 - down**2 - across**2)[..., None]
    net = backbones.load("cnn-f", write_simple(tmp_path / "net.mat", layers, meta(mean_picture)))
    colour = mean_picture.mean(axis=(0, 1))
    image = picture(224)
    found = scores_of(net, image)
    assert difference(found, forward(layers, image - colour)["fc8"][0, 0]) < 1e-4
    exact = forward(layers, image - mean_picture)["fc8"][0, 0]
    assert 0.002 < difference(found, exact) < 0.1
    assert difference(found, exact) < difference(found, forward(layers, image)["fc8"][0, 0]) / 3


def test_a_kernel_with_one_output_has_lost_its_last_axis_and_a_layer_may_have_no_bias(
    thin, tmp_path, monkeypatch
):
    plan, side, file = caffe_nets.NETS["cnn-f"]
    monkeypatch.setitem(caffe_nets.NETS, "cnn-f", (plan | {"fc8": 1}, side, file))
    layers = draw_layers("cnn-f")
    kernels, _ = layers[-2]["weights"]
    layers[-2]["weights"] = [kernels[..., :1], np.zeros(0, np.float32)]
    file = write_simple(tmp_path / "net.mat", layers, meta(classes=["person"]))
    net = backbones.load("cnn-f", file)
    image = picture(224)
    layers[-2]["weights"][1] = np.zeros(1)
    assert difference(scores_of(net, image), forward(layers, image - MEAN)["fc8"][0, 0]) < 1e-4
    assert net.classes == ("person",)


def test_paddings_that_no_window_reaches_are_accepted(thin, tmp_path):
    layers = draw_layers("cnn-f")
    expected = scores_of(
        backbones.load("cnn-f", write_simple(tmp_path / "a.mat", layers, meta())), picture(224)
    )
    for layer in layers:
        if layer["type"] == "pool":
            layer["pad"] = [0, 1, 0, 1]  # for pool2, 27 pixels wide, and pool5, 13, nothing
    found = scores_of(backbones.load("cnn-f", write_simple(tmp_path / "b.mat", layers, meta())), picture(224))
    np.testing.assert_array_equal(found, expected)


def edit(layers, name, **fields):
    next(layer for layer in layers if layer["name"] == name).update(fields)


def insert(layers, name, layer):
    at = next(i for i, layer in enumerate(layers) if layer["name"] == name)
    layers.insert(at + 1, layer)


WRONG = {
    "stride": (
        lambda n: edit(n, "conv1", stride=2),
        r"conv1\.conv: stride of layer conv1 .* 2 x 2, expected 4 x 4",
    ),
    "pad": (
        lambda n: edit(n, "pool1", pad=[1, 0, 1, 0]),
        r"pool1\.pool: padding at the top and left .* is 1 x 1",
    ),
    "left": (
        lambda n: edit(n, "conv2", pad=[2, 2, 1, 3]),
        r"conv2\.conv: padding at the top and left .* is 2 x 1",
    ),
    "no pad": (
        lambda n: edit(n, "pool1", pad=0),
        r"height and width .* pool1 .* is 26 x 26, expected 27 x 27",
    ),
    "window": (lambda n: edit(n, "pool5", pool=[2, 2]), r"pool5\.pool: kernel .* is 2 x 2, expected 3 x 3"),
    "average": (lambda n: edit(n, "pool2", method="avg"), r"pool2\.pool: .* pools by 'avg', not 'max'"),
    "alpha": (
        lambda n: edit(n, "norm2", param=[5, 2, 5e-4, 0.75]),
        r"norm2 .* 5 x 2 x 0\.0005 x 0\.75, expected",
    ),
    "leak": (lambda n: edit(n, "relu3", leak=0.1), r"conv3\.relu: leak .* is 0\.1, expected 0"),
    "dilate": (lambda n: edit(n, "conv4", dilate=2), r"conv4\.conv: dilation .* is 2, expected 1"),
    "kernel": (
        lambda n: edit(n, "conv3", weights=[np.zeros((5, 5, 16, 16)), np.zeros(16)]),
        r"conv3\.conv: kernel of layer conv3 in the file is 5 x 5 x 16 x 16, expected 3 x 3 x 16 x 16",
    ),
    "units": (
        lambda n: edit(n, "fc7", weights=[np.zeros((1, 1, 24, 20)), np.zeros(20)]),
        r"fc7\.linear: kernel .* is 24 x 20, expected 24 x 24",
    ),
    "biases": (
        lambda n: edit(n, "fc8", weights=[np.zeros((1, 1, 24, 7)), np.zeros(6)]),
        r"Layer fc8 .* has 6 biases for 7 outputs",
    ),
    "batch normalisation": (
        lambda n: insert(n, "conv1", {"name": "bn1", "type": "bnorm"}),
        r"conv1\.relu: layer bn1 of the file is 'bnorm', not 'relu' \(networks with batch normalisation",
    ),
    "no norm": (lambda n: n.pop(2), r"pool1\.norm: layer pool1 of the file is 'pool', not 'lrn'"),
    "short": (lambda n: n.__delitem__(slice(-3, None)), r"The file ends before fc7\.relu"),
    "long": (
        lambda n: insert(n, "fc8", {"name": "relu8", "type": "relu"}),
        r"goes on after fc8\.linear.* relu8",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_layer_that_is_another_one_is_named(thin, tmp_path, fault):
    layers = draw_layers("cnn-f")
    change, message = WRONG[fault]
    change(layers)
    file = write_simple(tmp_path / "net.mat", layers, meta())
    with pytest.raises(ValueError, match=message):
        backbones.load("cnn-f", file)


def test_another_network_of_the_family_is_refused(thin, tmp_path):
    file = write_simple(tmp_path / "net.mat", draw_layers("cnn-s"), meta())
    with pytest.raises(
        ValueError, match=r"cnn-m: .*net\.mat does not hold .*stride of layer pool1 in the file is 3"
    ):
        backbones.load("cnn-m", file)
    with pytest.raises(ValueError, match="names 6 classes, and the network has 7 scores"):
        backbones.load(
            "cnn-s", write_simple(tmp_path / "six.mat", draw_layers("cnn-s"), meta(classes=CLASSES[:6]))
        )


def test_a_graph_that_is_no_chain_is_refused(tmp_path):
    layers = draw_layers("cnn-f")
    path = write_dag(tmp_path / "net.mat", layers, meta())
    assert [layer.name for layer in matconvnet.read(path).layers] == [layer["name"] for layer in layers]

    from scipy.io import loadmat

    net = {name: value for name, value in loadmat(path).items() if not name.startswith("__")}
    net["layers"][0, 3]["inputs"][0, 0][:] = "x2"  # a branch: pool1 and norm1 both take relu1
    savemat(path, net)
    with pytest.raises(ValueError, match="not a chain: 'x2' goes to norm1, pool1"):
        matconvnet.read(path)
    net["layers"][0, 3]["inputs"][0, 0][:] = "y9"
    savemat(path, net)
    with pytest.raises(ValueError, match=r"not a chain: it has 21 layers, [0-9]+ of them in a row"):
        matconvnet.read(path)


def test_files_that_are_something_else_are_named(tmp_path):
    path = tmp_path / "net.mat"
    with pytest.raises(FileNotFoundError):
        matconvnet.read(path)
    path.write_bytes(b"<!DOCTYPE html><html>404</html>" * 99)
    with pytest.raises(ValueError, match="not a file of MATLAB"):
        matconvnet.read(path)
    write_simple(path, draw_layers("cnn-f"), meta())
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(ValueError, match="not a file of MATLAB, or is cut off"):
        matconvnet.read(path)
    path.write_bytes(
        b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n"
    )
    with pytest.raises(ValueError, match=r"format 7\.3 \(HDF5\).*-v7"):
        matconvnet.read(path)
    savemat(path, {"x": np.zeros(3)})
    with pytest.raises(ValueError, match="no network of MatConvNet: no `layers`, but x"):
        matconvnet.read(path)
    for mean in (np.zeros((0, 0)), np.zeros((8, 8))):
        write_simple(path, draw_layers("cnn-f"), {"normalization": {"averageImage": mean}})
        with pytest.raises(ValueError, match="no averageImage of 3 colours"):
            matconvnet.read(path)


# --- the networks at full size -----------------------------------------------------------------------------

# kernel x kernel x channels of a group x outputs + biases, by hand from Table 1
WEIGHTS = {
    "cnn-f": [
        *[11 * 11 * 3 * 64 + 64, 5 * 5 * 64 * 256 + 256, *[3 * 3 * 256 * 256 + 256] * 3],
        *[6 * 6 * 256 * 4096 + 4096, 4096 * 4096 + 4096, 4096 * 1000 + 1000],
    ],
    "cnn-m": [
        *[
            7 * 7 * 3 * 96 + 96,
            5 * 5 * 96 * 256 + 256,
            3 * 3 * 256 * 512 + 512,
            *[3 * 3 * 512 * 512 + 512] * 2,
        ],
        *[6 * 6 * 512 * 4096 + 4096, 4096 * 4096 + 4096, 4096 * 1000 + 1000],
    ],
    "caffenet": [
        *[11 * 11 * 3 * 96 + 96, 5 * 5 * 48 * 256 + 256, 3 * 3 * 256 * 384 + 384],
        *[3 * 3 * 192 * 384 + 384, 3 * 3 * 192 * 256 + 256],
        *[6 * 6 * 256 * 4096 + 4096, 4096 * 4096 + 4096, 4096 * 1000 + 1000],
    ],
}
WEIGHTS["cnn-s"] = WEIGHTS["cnn-m"]
for width in (2048, 1024, 128):
    WEIGHTS[f"cnn-m-{width}"] = [*WEIGHTS["cnn-m"][:6], 4096 * width + width, width * 1000 + 1000]
# sums; that of CaffeNet is Caffe's own, 60,965,224
TOTAL = {"cnn-f": 60_834_536, "cnn-m": 102_908_520, "cnn-s": 102_908_520, "caffenet": 60_965_224}


def on_meta(name):
    plan, side, _ = caffe_nets.NETS[name]
    stages = caffe_nets.build(plan, side).eval()
    return backbones.Backbone(name, stages, 256, side, (0, 0, 0), (1, 1, 1), (), "", caffe_nets.DECAF)


@pytest.mark.parametrize("name", caffe_nets.NETS)
def test_weights_are_as_many_as_by_hand(name):
    costs = cost.layer_costs(on_meta(name), repeats=1)
    of_layers = costs.loc[costs["kind"] != "pooling", "parameters"]
    assert list(of_layers) == WEIGHTS[name]
    if name in TOTAL:
        assert costs["parameters"].sum() == TOTAL[name]


def test_multiply_adds_are_as_many_as_by_hand():
    costs = cost.layer_costs(on_meta("cnn-s"), repeats=1).set_index("tap")["mmac"]
    by_hand = {  # outputs of a layer times the products that each is a sum of
        "conv1": 109 * 109 * 96 * 7 * 7 * 3,
        "pool1": 0,
        "conv2": 33 * 33 * 256 * 5 * 5 * 96,
        "conv3": 17 * 17 * 512 * 3 * 3 * 256,
        "conv5": 17 * 17 * 512 * 3 * 3 * 512,
        "fc6": 4096 * 6 * 6 * 512,
        "fc8": 1000 * 4096,
    }
    assert {tap: costs[tap] for tap in by_hand} == pytest.approx({tap: n / 1e6 for tap, n in by_hand.items()})
    caffenet = cost.layer_costs(on_meta("caffenet"), repeats=1).set_index("tap")["mmac"]
    assert caffenet["conv2"] == pytest.approx(27 * 27 * 256 * 5 * 5 * 48 / 1e6)  # of two groups, one is seen
    assert caffenet.sum() == pytest.approx(724.4, abs=0.05)


@pytest.mark.parametrize("shape", [(2, 96, 9, 7), (1, 3, 5, 5), (2, 1, 4, 4)])
@pytest.mark.parametrize(("size", "alpha", "beta", "k"), [(5, 5e-4, 0.75, 2.0), (3, 0.1, 0.5, 1.0)])
def test_local_response_normalisation_is_torchs(shape, size, alpha, beta, k):
    torch.manual_seed(0)
    x = (30 * torch.randn(shape)).requires_grad_()
    layer = caffe_nets.LocalResponseNorm(size, alpha, beta, k)
    ours, theirs = layer(x), F.local_response_norm(x, size, alpha, beta, k)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    back = torch.randn(shape)
    gradients = [torch.autograd.grad(y, x, back)[0] for y in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)
    assert layer.state_dict() == {}


def test_random_networks_follow_the_seed_and_take_pictures_of_other_sizes(thin):
    one, same, other = (backbones.load("cnn-m-128", "random", seed=seed) for seed in (3, 3, 4))
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert len(one.classes) == 7
    x = backbones.normalise(one, torch.from_numpy(picture(300)).permute(2, 0, 1)[None])
    found = backbones.features(one, x, [*one.decaf.values(), "fc8"])
    assert {tap: tuple(out.shape[1:]) for tap, out in found.items()} == {
        "pool1": (6, 73, 73),
        "pool5": (32, 9, 9),
        "fc6": (24,),
        "fc7": (5,),
        "fc8": (7,),
    }
    fc6 = one.stages.fc6.linear.weight  # He et al.: variance 2 / inputs, which keeps that of the activations
    assert fc6.var().item() * fc6.shape[1] == pytest.approx(2, rel=0.05)


# --- downloads ---------------------------------------------------------------------------------------------

PAGE = b"<!DOCTYPE html>\n<html>Please log in</html>"


@pytest.fixture
def site(thin, tmp_path, monkeypatch):
    """A server with a thin imagenet-vgg-f.mat: what it answers, how long it says that is, how often it is asked."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(fetching, "PAUSE", 0.001)
    settings.use(offline=False, quiet=True)
    file = write_simple(tmp_path / "written.mat", draw_layers("cnn-f"), meta())
    state = {"content": file.read_bytes(), "length": file.stat().st_size, "asked": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state["asked"] += 1
            self.send_response(200)
            self.send_header("Content-Length", str(state["length"]))
            self.end_headers()
            self.wfile.write(state["content"])
            self.close_connection = True

        log_message = staticmethod(lambda *_: None)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=partial(server.serve_forever, 0.01))
    thread.start()
    published = caffe_nets.FILES["cnn-f"]
    url = f"http://127.0.0.1:{server.server_port}/models/{published.name}"
    monkeypatch.setitem(caffe_nets.FILES, "cnn-f", RemoteFile(published.name, (url,), page=published.page))
    state["path"] = tmp_path / "torch" / "hub" / "checkpoints" / "imagenet-vgg-f.mat"
    yield state
    settings.use(offline=False, quiet=True)
    server.shutdown()
    thread.join()
    server.server_close()


def test_published_weights_are_fetched_once_and_serve_without_network(site):
    net = backbones.load("cnn-f")
    assert net.weights == f"imagenet-vgg-f.mat sha256 {hashlib.sha256(site['content']).hexdigest()[:8]}"
    settings.use(offline=True, quiet=True)
    assert backbones.load("cnn-f").fingerprint == net.fingerprint
    assert site["asked"] == 1


@pytest.mark.parametrize("fault", ["page", "cut off", "offline"])
def test_weights_that_do_not_arrive_say_what_to_get_and_where_to_put_it(site, fault):
    if fault == "page":
        site.update(content=PAGE, length=len(PAGE))
    elif fault == "cut off":
        site["content"] = site["content"][:-5]
    else:
        settings.use(offline=True, quiet=True)
    said = {"page": "web page", "cut off": "broke the connection", "offline": "LECTURE_OFFLINE"}[fault]
    with pytest.raises(backbones.WeightsNotFound, match=said) as caught:
        backbones.load("cnn-f")
    for part in (
        "cnn-f: ",
        "imagenet-vgg-f.mat",
        "vlfeat.org/matconvnet/pretrained",
        str(site["path"].parent),
    ):
        assert part in str(caught.value)
    assert not site["path"].exists()


def test_weights_that_changed_since_they_were_recorded_are_fetched_again(site):
    fingerprint = backbones.load("cnn-f").fingerprint
    damaged = bytearray(site["content"])
    damaged[len(damaged) // 2] ^= 1
    site["path"].write_bytes(damaged)
    settings.use(offline=True, quiet=True)
    with pytest.raises(backbones.WeightsNotFound, match=r"SHA-256 .* not .* as at the first download"):
        backbones.load("cnn-f")
    settings.use(offline=False, quiet=True)
    with pytest.warns(UserWarning, match="downloaded again"):
        assert backbones.load("cnn-f").fingerprint == fingerprint


def test_each_network_has_its_published_file():
    assert {name: file.urls[0].rpartition("/")[2] for name, file in caffe_nets.FILES.items()} == {
        "caffenet": "imagenet-caffe-ref.mat",
        "cnn-f": "imagenet-vgg-f.mat",
        "cnn-m": "imagenet-vgg-m.mat",
        "cnn-s": "imagenet-vgg-s.mat",
        "cnn-m-2048": "imagenet-vgg-m-2048.mat",
        "cnn-m-1024": "imagenet-vgg-m-1024.mat",
        "cnn-m-128": "imagenet-vgg-m-128.mat",
    }
    assert set(caffe_nets.NETS) <= set(backbones.NAMES)
