import threading
import time

import numpy as np
import pytest
import torch

from lecture_lib import backbones, encoders, settings, store
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.encoders import cnn
from lecture_lib.encoders.cnn import WORKERS

BATCH, BLOCK = 8, 32  # a quarter of what they are, for a quarter of the time


class DrawnImages:
    """Noise of a different size each, which counts how it is read; `broken` cannot be read."""

    def __init__(self, n, broken=None):
        self.n, self.broken, self.read = n, broken, []
        self.names = [f"picture_{i}.jpg" for i in range(n)]
        self.fingerprint = f"{n} drawn"

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.read.append(i)
        if i == self.broken:
            raise ValueError("cut off")
        rng = np.random.default_rng(i)
        height, width = rng.integers(64, 100, 2)
        coarse = torch.from_numpy(rng.integers(0, 256, (1, 3, 6, 6)).astype(np.float32))
        return torch.nn.functional.interpolate(coarse, (height, width))[0].to(torch.uint8)

    def take(self, indices):
        raise NotImplementedError


def collect(images):
    return ImageCollection("drawn", "real", images, ("a",), np.zeros(len(images), np.int64))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(cnn, "BATCH", BATCH)
    monkeypatch.setattr(cnn, "BLOCK", BLOCK)
    settings.use("demo", cache=tmp_path / "cache", quiet=True)
    yield tmp_path / "cache"
    settings.reset()


@pytest.fixture(scope="module")
def net():
    return backbones.load("twin-alexnet", "random")


def plainly(net, images, layer):
    """One picture after the other, each through the whole of the library's documented steps."""
    rows = [
        backbones.features(net, backbones.preprocess(net, image)[None], [layer])[layer][0] for image in images
    ]
    return torch.stack(rows).cpu().numpy()


def test_rows_are_the_pictures_in_order_whatever_their_size_and_the_batch(net):
    images = DrawnImages(2 * BATCH + 3)
    found = encoders.encode(net, collect(images), ["fc6", "pool5"])
    for layer, rows in found.items():
        expected = plainly(net, [images[i] for i in range(len(images))], layer).reshape(len(images), -1)
        assert rows.dtype == np.float16
        np.testing.assert_allclose(rows.astype(np.float32), expected, rtol=2e-3, atol=1e-3)


def test_second_run_reads_the_same_values_and_no_picture(net):
    images = DrawnImages(10)
    first = encoders.encode(net, collect(images), ["conv5", "fc7"])
    images.read.clear()
    second = encoders.encode(net, collect(images), ["fc7", "conv5"])
    assert images.read == []
    for layer in first:
        np.testing.assert_array_equal(first[layer], second[layer])


def test_several_layers_take_one_pass_and_one_reading(net):
    images = DrawnImages(BATCH + 1)
    passes = []
    hook = net.stages.conv1.register_forward_hook(lambda *_: passes.append(1))
    try:
        encoders.encode(net, collect(images), ["pool1", "pool5", "fc6", "fc7"], pool="mean")
    finally:
        hook.remove()
    assert len(passes) == 2
    assert sorted(images.read) == list(range(BATCH + 1))


def test_pooling_is_over_space_and_leaves_vectors_alone(net):
    images = collect(DrawnImages(4))
    maps = encoders.encode(net, images, ["pool1"])["pool1"].astype(np.float32).reshape(4, 64, 27, 27)
    for pool, expected in {
        "mean": maps.mean((2, 3)),
        "max": maps.max((2, 3)),
        3: maps.reshape(4, 64, 3, 9, 3, 9).mean((3, 5)).reshape(4, -1),
        99: maps.reshape(4, -1),
    }.items():
        rows = encoders.encode(net, images, ["pool1"], pool=pool)["pool1"]
        np.testing.assert_allclose(rows.astype(np.float32), expected, rtol=2e-3, atol=1e-3)
    plain, pooled = (encoders.encode(net, images, ["fc6"], pool=p)["fc6"] for p in (None, "max"))
    np.testing.assert_array_equal(plain, pooled)


def test_l2_gives_unit_vectors_and_leaves_a_zero_vector_zero():
    net = backbones.load("twin-alexnet", "random")
    images = collect(DrawnImages(4))
    unit = encoders.encode(net, images, ["pool5"], l2=True)["pool5"].astype(np.float64)
    plain = encoders.encode(net, images, ["pool5"])["pool5"].astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, rtol=1e-3)
    np.testing.assert_allclose(unit, plain / np.linalg.norm(plain, axis=1, keepdims=True), atol=1e-3)
    with torch.no_grad():
        net.stages.fc6.linear.bias.fill_(-1e4)  # every unit of fc6 is silent
    assert (encoders.encode(net, images, ["fc6"], l2=True)["fc6"] == 0).all()


def test_interrupted_extraction_goes_on_from_its_last_finished_block(net, cache, monkeypatch):
    images = DrawnImages(2 * BLOCK + 5)
    uninterrupted = np.array(encoders.encode(net, collect(images), ["fc7"])["fc7"])
    settings.use(cache=cache / "other", quiet=True)
    batches = []

    def interrupt(*given):
        batches.append(1)
        if len(batches) == BLOCK // BATCH + 2:
            raise KeyboardInterrupt
        return backbones.features(*given)

    with monkeypatch.context() as patch:
        patch.setattr(cnn, "features", interrupt)  # a hook would make another network of it
        with pytest.raises(KeyboardInterrupt):
            encoders.encode(net, collect(images), ["fc7"])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("encode")]
    images.read.clear()
    resumed = encoders.encode(net, collect(images), ["fc7"])["fc7"]
    # the second block may have been finished by a faster thread
    assert min(images.read) in (BLOCK, 2 * BLOCK)
    np.testing.assert_array_equal(resumed, uninterrupted)


def test_a_picture_that_cannot_be_read_is_named_and_stops_the_threads(net):
    images = DrawnImages(BLOCK + 40, broken=BLOCK + 7)
    with pytest.raises(RuntimeError, match=rf"drawn: picture_{BLOCK + 7}\.jpg .* twin-alexnet: cut off"):
        encoders.encode(net, collect(images), ["pool1"], pool="mean")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("encode")]
    images.broken = None  # repaired: what was finished before the fault is kept
    images.read.clear()
    encoders.encode(net, collect(images), ["pool1"], pool="mean")
    assert min(images.read) == BLOCK


@pytest.mark.parametrize("value", [1e6, float("nan")])
def test_activations_beyond_float16_name_the_picture_instead_of_becoming_infinite(value):
    net = backbones.load("twin-alexnet", "random")
    array = np.zeros((3, 3, 64, 64), np.uint8) + 128  # so grey that only the biases speak
    array[2] = 255
    with torch.no_grad():
        for parameter in net.stages.fc6.linear.parameters():
            parameter.fill_(value)
    with pytest.raises(RuntimeError, match=r"fc6 is not finite in float16 for twin \d of drawn.*l2=True"):
        encoders.encode(net, collect(ArrayImages(array)), ["fc6"])


def test_work_begun_is_bounded_where_the_caller_is_slow(net, monkeypatch):
    images = DrawnImages(8 * BLOCK)
    ahead = []

    def write_slowly(recipes, n, stream, **_):
        spans = [(i, i + BLOCK) for i in range(0, n, BLOCK)]
        for (_, stop), _ in zip(spans, stream(spans, list(recipes)), strict=True):
            time.sleep(0.3)
            ahead.append(len(images.read) - stop)

    monkeypatch.setattr(store, "fetch", write_slowly)
    encoders.encode(net, collect(images), ["conv1"], pool="mean")
    assert 0 < max(ahead) <= (WORKERS + 1) * BATCH


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_work_side_by_side_and_leave_torchs_number_as_it_was(net, cache, threads):
    settings.use(threads=threads, cache=cache / str(threads), quiet=True)
    inside, seen = [], []

    def look(*_):
        inside.append(1)
        seen.append((len(inside), torch.get_num_threads()))
        time.sleep(0.05)
        inside.pop()

    hook = net.stages.conv1.register_forward_hook(look)
    try:
        encoders.encode(net, collect(DrawnImages(6 * BATCH)), ["pool1"], pool="mean")
    finally:
        hook.remove()
    assert max(n for n, _ in seen) == threads
    assert {n for _, n in seen} == {1}
    assert torch.get_num_threads() == threads


def test_other_options_are_other_vectors_in_the_cache(net):
    images, found = collect(DrawnImages(3)), {}
    for dim, layer, options in [
        (768, "fc6", {}),
        (768, "fc7", {}),
        (768, "fc6", {"l2": True}),
        (4608, "pool5", {}),
        (128, "pool5", {"pool": "mean"}),
        (128, "pool5", {"pool": "max"}),
        (576, "conv1", {"pool": 3}),
    ]:
        found[layer, *options.items()] = encoders.encode(net, images, [layer], **options)[layer]
        assert found[layer, *options.items()].shape == (3, dim)
    assert len({x.tobytes() for x in found.values()}) == len(found)


def test_wrong_options_are_refused_before_any_picture_is_read(net):
    images = DrawnImages(3)
    with pytest.raises(KeyError, match="no layer 'fc9'"):
        encoders.encode(net, collect(images), ["fc6", "fc9"])
    for pool in ("median", 0, True, 1.5):
        with pytest.raises(ValueError, match="pool is None"):
            encoders.encode(net, collect(images), ["pool5"], pool=pool)
    assert images.read == []
