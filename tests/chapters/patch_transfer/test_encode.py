"""phi of patches from shared convolutions, against patches cut out with what surrounds them, one by one."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lecture_lib import backbones, settings
from lecture_lib.backbones import caffe_nets, torchvision_nets, twin_nets
from lecture_lib.chapters.patch_transfer import encode as module
from lecture_lib.chapters.patch_transfer.encode import PatchNet, encode_patches, phi_shared, resized
from lecture_lib.chapters.patch_transfer.grid import grid
from lecture_lib.datasets import ImageCollection

# side, product of all strides up to the last convolution, cells along a patch: from the papers' plans
GEOMETRY = {
    "twin-alexnet": (112, 2 * 2 * 2, 13),
    "twin-cnn-s": (112, 3 * 2, 17),
    "alexnet": (224, 4 * 2 * 2, 13),
    "vgg16": (224, 2**4, 14),
    **dict.fromkeys(["squeezenet1_0", "squeezenet1_1"], (224, 2**4, 13)),
    "mobilenet_v2": (224, 2**5, 7),
    **dict.fromkeys(["resnet18", "resnet50"], (224, 2**5, 7)),
    "caffenet": (227, 4 * 2 * 2, 13),
    "cnn-f": (224, 4 * 2 * 2, 13),
    **dict.fromkeys(["cnn-m", "cnn-m-2048", "cnn-m-1024", "cnn-m-128"], (224, 2**4, 13)),
    "cnn-s": (224, 2 * 3 * 2, 17),
}
# the last shared layer, the layers that follow, and half a receptive field in pixels, rounded up
WALKS = {
    "twin-alexnet": ("conv5", ("pool5", "fc6", "fc7"), 48),
    "alexnet": ("conv5", ("pool5", "fc6", "fc7"), 96),
    "cnn-f": ("conv5", ("pool5", "fc6", "fc7"), 96),
    "squeezenet1_1": ("fire9", (), 192),
}


class Pictures:
    """Coarse noise of given sizes, which counts how it is read."""

    def __init__(self, sizes):
        self.sizes, self.read = sizes, []
        self.names = [f"picture_{i}.jpg" for i in range(len(sizes))]
        self.fingerprint = f"{sizes} drawn"

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, i):
        self.read.append(i)
        return noise(*self.sizes[i], seed=i)


def noise(height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, 256, (1, 3, 9, 9), generator=generator).float()
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0].to(torch.uint8)


def collect(sizes):
    return ImageCollection("drawn", "twin", Pictures(sizes), ("a",), np.zeros(len(sizes), np.int64))


@pytest.fixture(autouse=True)
def cache(tmp_path):
    settings.use("demo", cache=tmp_path / "cache", quiet=True)
    yield
    settings.reset()


@pytest.fixture(scope="module")
def twin():
    return PatchNet(backbones.load("twin-alexnet", "random"))


@pytest.mark.parametrize("name", backbones.NAMES)
def test_geometry_is_that_of_the_papers(name, monkeypatch):
    monkeypatch.setattr(caffe_nets, "draw_weights", lambda stages: None)  # shapes are enough
    maker = dict.fromkeys(twin_nets.NETS, twin_nets) | dict.fromkeys(torchvision_nets.NETS, torchvision_nets)
    with torch.device("meta"):
        net = PatchNet(maker.get(name, caffe_nets).backbone(name, None, ""))
    assert (net.side, net.cell, net.window) == GEOMETRY[name]
    found = net.grid(375, 500)
    assert found.xyxy.tobytes() == grid(375, 500, net.side, net.cell).xyxy.tobytes()


def with_surroundings(net, name, picture, scale, row, column):
    """phi of one patch, cut out with more around it than a cell of it sees, through the network layer by layer."""
    layer, after, half = WALKS[name]
    side, cell, window = GEOMETRY[name]
    margin = cell * math.ceil(half / cell)
    inside = resized(picture, scale)[None, :, scale.corner[0] :, scale.corner[1] :]
    y, x = cell * row, cell * column
    top, left = max(0, y - margin), max(0, x - margin)
    piece = inside[..., top : y + side + margin, left : x + side + margin]
    x_in, y_in = (x - left) // cell, (y - top) // cell
    maps = backbones.features(net, backbones.standardise(net, piece), [layer])[layer]
    of_patch = maps[..., y_in : y_in + window, x_in : x_in + window]
    assert of_patch.shape[2:] == (window, window)
    with torch.no_grad():
        for name in after:
            of_patch = net.stages.get_submodule(name)(of_patch)
    return of_patch if after else of_patch.mean((2, 3))


@pytest.mark.parametrize("name", WALKS)
def test_a_window_is_the_patch_cut_out_with_its_surroundings(name):
    net = PatchNet(backbones.load(name, "random"))
    picture = noise(66, 90)
    found = net.grid(66, 90)
    for scale in found.scales if name == "twin-alexnet" else (found.scales[2], found.scales[5]):
        r, c = len(scale.rows), len(scale.columns)
        # three corners, the middle of two borders, and one inside
        places = {(0, 0), (r - 1, c - 1), (0, c - 1), (r // 2, 0), (r - 1, c // 2), (r // 2, c // 2)}
        rows, columns = np.array(sorted(places)).T
        want = torch.cat(
            [
                with_surroundings(net.backbone, name, picture, scale, scale.rows[i], scale.columns[j])
                for i, j in zip(rows, columns, strict=True)
            ]
        )
        got = phi_shared(net, picture, replace(found, scales=(scale,)))[rows * c + columns]
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4 * float(want.abs().max()))
        assert (want[0] - want[-1]).abs().max() > 0.01 * want.abs().max()  # patches do differ


def test_the_whole_of_a_square_picture_is_what_the_network_sees(twin):
    picture = noise(90, 90)
    found = twin.grid(90, 90)
    assert found.xyxy[0].tolist() == [0, 0, 90, 90]
    x = backbones.preprocess(twin.backbone, picture)[None]
    want = backbones.features(twin.backbone, x, ["fc7"])["fc7"]
    torch.testing.assert_close(phi_shared(twin, picture, found)[:1], want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(66, 90), (1, 4), (187, 101)])
def test_a_resized_picture_is_not_stretched(size):
    height, width = size
    picture = torch.zeros(3, height, width, dtype=torch.uint8)
    x, y = max(width - 4, width // 2), max(height - 6, height // 2)
    picture[0, :, x:] = 255
    picture[1, y:] = 255
    for scale in grid(height, width, 64, 8).scales:
        large = resized(picture, scale)
        assert large.shape == (3, *scale.resized)
        # an edge lies where black ends, up to how the pixels fall on it; stretched, it would be half a pixel away
        black = 1 - large.double() / 255
        assert float(black[0].sum(1).mean()) == pytest.approx(scale.factor * x, abs=0.12)
        assert float(black[1].sum(0).mean()) == pytest.approx(scale.factor * y, abs=0.12)


def test_windows_in_small_parts_change_nothing(twin, monkeypatch):
    picture, found = noise(66, 90), twin.grid(66, 90)
    at_once = phi_shared(twin, picture, found)
    assert at_once.shape == (len(found), 768)
    assert at_once.dtype == torch.float32
    monkeypatch.setattr(module, "WINDOWS", 7)
    torch.testing.assert_close(phi_shared(twin, picture, found), at_once, rtol=1e-4, atol=1e-4)


SIZES = [(64, 80), (64, 80), (70, 64), (3, 3), (64, 80)]


@pytest.mark.parametrize("rows", [301, 10_000])  # a block ends within a picture, and holds several, or all
def test_rows_of_a_collection_are_phi_of_its_patches_in_order_and_read_the_second_time(
    twin, rows, monkeypatch
):
    monkeypatch.setattr(module, "ROWS", rows)
    images = collect(SIZES)
    grids = twin.grids(images)
    assert [g.size for g in grids] == SIZES
    assert grids[0] is grids[4]  # those of one size share it
    got = encode_patches(twin, images, grids)
    assert got.dtype == np.float16
    assert not got.flags.writeable
    plainly = [phi_shared(twin, images.tensor(i), grid) for i, grid in enumerate(grids)]
    np.testing.assert_allclose(got, torch.cat(plainly), rtol=2e-3, atol=2e-3)
    images.images.read.clear()
    encode_patches(twin, images, grids)
    assert images.images.read == []


def test_what_is_not_finite_is_named():
    net = PatchNet(backbones.load("twin-alexnet", "random"))
    images = collect([(64, 64), (70, 64)])
    with torch.no_grad():
        net.backbone.stages.fc7.linear.bias[5] = 1e5  # finite in float32
    with pytest.raises(RuntimeError, match=r"twin-alexnet.*picture_0\.jpg is not finite in float16"):
        encode_patches(net, images, net.grids(images))


def test_a_network_in_training_mode_is_refused():
    net = PatchNet(backbones.load("twin-alexnet"))
    net.backbone.stages.fc6.train()
    with pytest.raises(ValueError, match="training mode"):
        phi_shared(net, torch.zeros(3, 64, 64, dtype=torch.uint8), net.grid(64, 64))
