"""A network with a new head, and the pictures that it is trained and tested with."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2.functional import resize

from lecture_lib import backbones
from lecture_lib.backbones import standardise
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.encoders import TEN_CROPS, WHOLE
from lecture_lib.encoders.augment import cut
from lecture_lib.training import Pictures, phi, prepare, score, to_scores, with_head
from lecture_lib.training.crops import random_crops
from lecture_lib.training.fine_tuning import L2Normalise

CLASSES = ("bird", "boat", "sofa")


@pytest.fixture(scope="module")
def twin():
    return backbones.load("twin-alexnet", weights="random")


@pytest.fixture(scope="module")
def squeezenet():
    return backbones.load("squeezenet1_1", weights="random")


def noise(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def state(net):
    return {name: tensor.clone() for name, tensor in net.stages.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# a new head


def test_the_new_head_stands_on_the_penultimate_layer(twin):
    net = with_head(twin, CLASSES)
    assert net.layers == (*twin.layers[:-1], "head")
    assert net.classes == CLASSES
    assert net.weights == "random seed 0, new head of seed 0"
    x = standardise(twin, noise(4, 3, 64, 64))
    linear = net.stages.head.linear
    with torch.no_grad():
        fc7 = backbones.features(twin, x, ["fc7"])["fc7"]
        assert torch.equal(backbones.features(net, x, ["fc7"])["fc7"], fc7)
        expected = fc7 / fc7.norm(dim=1, keepdim=True) @ linear.weight.T
        torch.testing.assert_close(net.stages(x), expected, rtol=1e-4, atol=1e-6)
    assert linear.weight.shape == (3, 768)
    assert not linear.bias.any()
    assert float(linear.weight.detach().std()) == pytest.approx(0.01, rel=0.1)
    assert not any(module.training for module in net.stages.modules())


def test_a_map_is_averaged_before_the_head(squeezenet):
    net = with_head(squeezenet, CLASSES)
    top = squeezenet.decaf[7]
    assert net.layers[-2:] == (top, "head")
    x = standardise(squeezenet, noise(2, 3, 224, 224))
    with torch.no_grad():
        means = backbones.features(squeezenet, x, [top])[top].mean((2, 3))
        expected = means / means.norm(dim=1, keepdim=True) @ net.stages.head.linear.weight.T
        torch.testing.assert_close(net.stages(x), expected, rtol=1e-4, atol=1e-6)
        net.stages.train()
        torch.manual_seed(0)
        assert not torch.equal(
            net.stages.head(means[..., None, None]), net.stages.head(means[..., None, None])
        )


def test_the_network_that_is_given_stays_as_it_is(twin):
    before, mark = state(twin), twin.fingerprint
    net = with_head(twin, CLASSES)
    with torch.no_grad():
        for w in net.stages.parameters():
            w += 1
    assert same(state(twin), before)
    assert twin.fingerprint == mark != net.fingerprint
    assert twin.layers[-1] == "fc8"


def test_heads_are_drawn_from_their_seed_alone(twin):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one = with_head(twin, CLASSES, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    assert same(state(with_head(twin, CLASSES, seed=1)), state(one))
    assert not torch.equal(
        with_head(twin, CLASSES, seed=2).stages.head.linear.weight, one.stages.head.linear.weight
    )


def test_a_vector_of_length_zero_stays_zero_and_teaches_nothing():
    before = torch.tensor([[3.0, 4.0, -1.0], [-1.0, -2.0, -3.0]], requires_grad=True)
    lengths = L2Normalise()(before.relu())
    torch.testing.assert_close(lengths, torch.tensor([[0.6, 0.8, 0], [0, 0, 0]]))
    lengths.sum().backward()
    assert not before.grad[1].any()
    assert torch.isfinite(before.grad).all()


# pictures


def collect(*sizes):
    class Sized(ArrayImages):
        def __getitem__(self, i):
            return noise(3, *sizes[i], seed=i)

    images = Sized(np.zeros((len(sizes), 3, 1, 1), np.uint8), content=str(sizes))
    return ImageCollection("toy", "twin", images, ("a", "b"), np.arange(len(sizes)) % 2)


@pytest.mark.parametrize(("net", "shorter"), [("twin", 128), ("squeezenet", 256)])
def test_the_shorter_side_is_made_what_ten_crops_need(net, shorter, request):
    net = request.getfixturevalue(net)
    images = collect((100, 50), (50, 100), (80, 80), (400, 300))
    pictures = prepare(net, images)
    assert len(pictures) == 4
    assert [min(picture.shape[1:]) for picture in pictures.images] == [shorter] * 4
    assert [tuple(p.shape[1:]) for p in pictures.images[:2]] == [
        (2 * shorter, shorter),
        (shorter, 2 * shorter),
    ]
    assert {picture.dtype for picture in pictures.images} == {torch.uint8}
    assert pictures.labels.tolist() == [0, 1, 0, 1]
    for view in TEN_CROPS:
        assert cut(pictures.images[0], view).shape == (3, net.input_size, net.input_size)


# crops


def coordinates(height, width):
    """A picture whose red is x and green y."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y, torch.full_like(x, 9)]).to(torch.uint8)


def cut_at_random(net, picture, n):
    """Crops of one picture: uint8 [n, 3, S, S], as they were before `standardise`."""
    torch.manual_seed(0)
    crops = random_crops(net, Pictures([picture], torch.zeros(1)), torch.zeros(n, dtype=torch.int64))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (net.mean, net.std))
    return ((crops * std + mean) * 255).round().to(torch.uint8)


def test_random_crops_lie_anywhere_in_the_picture_and_half_are_mirrored(twin):
    picture = coordinates(114, 116)
    crops = cut_at_random(twin, picture, 3000)
    assert crops.shape == (3000, 3, 112, 112)
    seen = {}
    for crop in crops:
        left, top = (int(crop[channel].min()) for channel in (0, 1))
        mirrored = bool(crop[0, 0, 0] > crop[0, 0, -1])
        expected = picture[:, top : top + 112, left : left + 112]
        assert torch.equal(crop, expected.flip(2) if mirrored else expected)
        seen[top, left, mirrored] = seen.get((top, left, mirrored), 0) + 1
    assert len(seen) == 3 * 5 * 2  # every place, the outermost included, both ways round
    assert min(seen.values()) > 60  # 100 expected
    assert 1350 < sum(n for (_, _, mirrored), n in seen.items() if mirrored) < 1650


def test_each_crop_is_of_its_own_picture(twin):
    colours = [torch.full((3, 120, 130), 10 * i, dtype=torch.uint8) for i in range(6)]
    pictures = Pictures(colours, torch.zeros(6))
    batch = torch.tensor([4, 0, 5])
    expected = standardise(twin, torch.stack([colours[i][:, :112, :112] for i in batch]))
    assert torch.equal(random_crops(twin, pictures, batch), expected)


# scores


@pytest.fixture(scope="module")
def scored(twin):
    """A network, and pictures of several sizes that are more than a batch has room for with ten crops."""
    sizes = [(128, 150 + i) if i % 2 else (130 + i, 128) for i in range(37)]
    images = [noise(3, *size, seed=i) // (1 + i % 3) for i, size in enumerate(sizes)]
    net = with_head(twin, CLASSES)
    torch.nn.init.normal_(net.stages.head.linear.bias)
    return net, Pictures(images, torch.arange(37) % 3)


@pytest.mark.parametrize(("views", "n"), [((WHOLE,), 1), (TEN_CROPS, 10)])
def test_a_score_is_the_mean_over_views(scored, views, n):
    net, pictures = scored
    found = score(net, pictures, views)
    assert found.shape == (37, 3)
    assert found.dtype == np.float32
    for i in (0, 1, 31, 32, 36):  # on both sides of a batch's end
        with torch.no_grad():
            seen = [resize(cut(pictures.images[i], view), [112, 112], antialias=True) for view in views]
            by_one = [net.stages(standardise(net, x[None])) for x in seen]
        assert len(by_one) == n
        np.testing.assert_allclose(found[i], torch.cat(by_one).mean(0), rtol=1e-3, atol=1e-5)


def test_phi_has_length_one_and_is_what_the_linear_layer_sees(scored):
    net, pictures = scored
    found = phi(net, pictures.take(range(5)), TEN_CROPS)
    assert found.shape == (5, 10, 768)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=2), 1, rtol=1e-5)
    linear = net.stages.head.linear
    expected = found @ linear.weight.detach().numpy().T + linear.bias.detach().numpy()
    np.testing.assert_allclose(to_scores(net, found), expected.mean(1), rtol=1e-4, atol=1e-7)
    crop = standardise(net, cut(pictures.images[3], TEN_CROPS[7])[None])
    fc7 = backbones.features(net, crop, ["fc7"])["fc7"][0]
    np.testing.assert_allclose(found[3, 7], fc7 / fc7.norm(), rtol=1e-3, atol=1e-5)


def test_a_photograph_whole_is_its_central_square_for_the_published_networks(squeezenet):
    net = with_head(squeezenet, CLASSES)
    pictures = Pictures([noise(3, 256, 300), noise(3, 291, 256)], torch.zeros(2))
    centre = [view for view in TEN_CROPS if view.name == "centre"]
    assert np.array_equal(score(net, pictures), score(net, pictures, centre))


def test_scores_are_those_of_the_network_at_rest(squeezenet):
    net = with_head(squeezenet, CLASSES)
    pictures = Pictures([noise(3, 256, 260, seed=i) for i in range(2)], torch.zeros(2))
    at_rest = score(net, pictures)
    net.stages.train()
    assert np.array_equal(score(net, pictures), at_rest)
