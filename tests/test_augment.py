"""Views of a picture: the windows the papers name, turned the right way, with nothing from outside."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from lecture_lib import backbones
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.encoders import CNNAUG, FLIP, TEN_CROPS, expand, views
from lecture_lib.encoders.augment import PYRAMID, cut, inside, rotate
from lecture_lib.encoders.sift import Local, describe, grey


def coordinates(height, width):
    """A picture, up to 256 x 256, whose red is x, green y and blue 77: bilinear sampling keeps all three."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y, torch.full_like(x, 77)]).to(torch.uint8)


def noise(height, width, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (3, height, width), np.uint8))


def collect(array):
    return ImageCollection("toy", "twin", ArrayImages(array), ("a",), np.zeros(len(array), np.int64))


def test_crops_are_the_slices_worked_out_by_hand():
    picture = noise(150, 300)
    found = views(picture)[:6]
    expected = [
        picture,
        picture[:, :100, :200],
        picture[:, :100, 100:],
        picture[:, 50:, :200],
        picture[:, 50:, 100:],
        picture[:, 25:125, 50:250],
    ]
    for view, slice_ in zip(found, expected, strict=True):
        assert torch.equal(view, slice_)


@pytest.mark.parametrize("which", [CNNAUG, TEN_CROPS, FLIP])
def test_the_second_half_is_the_mirror_image_of_the_first(which):
    found = views(noise(41, 60), which)
    half = len(found) // 2
    for plain, mirrored in zip(found[:half], found[half:], strict=True):
        assert torch.equal(mirrored, plain.flip(2))
        assert not torch.equal(mirrored, plain)


@pytest.mark.parametrize("size", [(256, 340), (400, 256), (256, 256)])
def test_ten_crops_of_a_picture_256_high_are_torchvisions(size):
    picture = noise(*size)
    theirs = reference.ten_crop(picture, 224)  # the second five are crops of the mirrored picture
    for ours, i in zip(views(picture, TEN_CROPS), [0, 1, 2, 3, 4, 6, 5, 8, 7, 9], strict=True):
        assert torch.equal(ours, theirs[i])


def test_a_network_that_resizes_to_its_input_takes_each_of_the_ten_whole():
    net = backbones.load("squeezenet1_1", "random")
    crop = views(noise(256, 300), TEN_CROPS)[0]
    seen = backbones.to_square(replace(net, resize=net.input_size), crop)
    assert torch.equal(seen, crop)


def pixels(height, width, size=1e-9):
    """A descriptor at every pixel, with bins of one size."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    xy = torch.stack([x, y], -1).reshape(-1, 2).float()
    return Local(torch.zeros(len(xy), 1), xy, torch.full((len(xy),), float(size)), (height, width))


@pytest.mark.parametrize("size", [2, 4, 6])
def test_a_crop_has_the_descriptors_that_the_cut_picture_has(size):
    picture = noise(64, 90)
    for view in TEN_CROPS[:5]:
        local, alone = (
            describe([(image, size, 0)], image.shape, 1)[0]
            for image in (grey(picture), grey(cut(picture, view)))
        )
        corner = cut(coordinates(64, 90), view)[:2, 0, 0]
        assert torch.equal(local.xy[inside(view, local)], alone.xy + corner)


@pytest.mark.parametrize(("height", "width"), [(120, 160), (121, 161), (99, 100), (3, 7), (200, 200), (1, 1)])
def test_a_level_of_the_pyramid_leaves_out_no_point_and_shares_none(height, width):
    points = pixels(height, width, size=5)  # a patch may reach over its region
    between = replace(points, xy=(points.xy + 0.5).minimum(torch.tensor([width - 1.0, height - 1.0])))
    for local in (points, between):
        member = torch.stack([inside(view, local) for view in PYRAMID])
        for level in (slice(0, 1), slice(1, 4), slice(4, 8)):
            assert (member[level].sum(0) == 1).all()


@pytest.mark.parametrize(
    ("x", "y", "names"), [(10, 5, ("top", "top left")), (30, 25, ("bottom", "bottom right"))]
)
def test_the_regions_of_the_pyramid_lie_where_they_are_named(x, y, names):
    point = Local(torch.zeros(1, 1), torch.tensor([[float(x), float(y)]]), torch.ones(1), (30, 40))
    found = [view.name for view in PYRAMID if inside(view, point)]
    assert found == ["whole", f"{names[0]} third", f"{names[1]} quarter"]


def test_a_turned_view_has_no_descriptors_of_the_picture():
    with pytest.raises(ValueError, match="turned"):
        inside(CNNAUG[6], pixels(10, 10))


@pytest.mark.parametrize("angle", [-15, 15])
def test_rotation_is_the_middle_of_torchvisions(angle):
    picture = torch.nn.functional.interpolate(noise(12, 16)[None].float(), (150, 200), mode="bilinear")[0]
    picture = picture.round().to(torch.uint8)
    ours = rotate(picture, angle)
    theirs = reference.rotate(picture, angle, InterpolationMode.BILINEAR)
    middle = reference.center_crop(theirs, list(ours.shape[1:]))  # as even, so about the same centre
    assert (ours.int() - middle.int()).abs().max() <= 1


@pytest.mark.parametrize("angle", [-15, 15, 45])
@pytest.mark.parametrize(("height", "width"), [(3, 3), (4, 5), (90, 120), (121, 90), (1, 100), (30, 211)])
def test_rotation_shows_nothing_from_outside_and_as_much_as_fits(height, width, angle):
    bright = torch.full((3, height, width), 255, dtype=torch.uint8)
    h, w = rotate(bright, angle).shape[1:]
    assert (rotate(bright, angle) == 255).all()

    def inside(scale):
        """Whether the corners of the rectangle, turned into the picture, lie within its edges."""
        a = math.radians(abs(angle))
        x = scale * (width * math.cos(a) + height * math.sin(a))
        y = scale * (width * math.sin(a) + height * math.cos(a))
        return x <= width + 1e-9 and y <= height + 1e-9

    largest = max(s for s in np.linspace(0, 1, 20_001) if inside(s))
    assert h == max(1, int(largest * height + 0.01))
    assert w == max(1, int(largest * width + 0.01))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (3, 3)])
def test_tiny_pictures_have_all_views(size):
    for which in (CNNAUG, TEN_CROPS):
        for view in views(noise(*size), which):
            assert view.shape[0] == 3
            assert min(view.shape[1:]) >= 1


def test_expanded_collection_has_the_views_of_each_picture_in_its_rows():
    base = collect(np.stack([noise(30, 40, seed) for seed in range(3)]))
    for which in (CNNAUG, TEN_CROPS, FLIP):
        derived = expand(base, which)
        assert len(derived) == 3 * len(which)
        for i in range(3):
            for v, expected in enumerate(views(base.tensor(i), which)):
                row = i * len(which) + v
                assert torch.equal(derived.tensor(row), expected)
                assert derived.images.names[row] == f"twin {i}, {which[v].name}"


def test_expanded_fingerprint_follows_the_views_and_their_order():
    base = collect(np.stack([noise(8, 8)]))
    lists = [CNNAUG, TEN_CROPS, FLIP, FLIP[::-1], FLIP[:1], [replace(FLIP[0], angle=1.0), FLIP[1]]]
    assert len({expand(base, which).images.fingerprint for which in lists}) == len(lists)
    assert expand(base).images.fingerprint == expand(base, list(CNNAUG)).images.fingerprint
