"""Dense SIFT: VLFeat's numbers, its definition taken literally, and what mirrors, turns and light do to it."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_sample_image

from lecture_lib.encoders import sift
from lecture_lib.encoders.sift import MIRROR, describe, filter_columns, grey, phow, sift_pyramid

GOLDEN = np.load(Path(__file__).parent / "golden" / "vlfeat_dsift.npz")


@pytest.fixture(scope="module")
def china():
    """The picture of the golden descriptors, uint8 [3, 360, 480], without colour."""
    photograph = Image.fromarray(load_sample_image("china.jpg")).convert("L")
    return torch.from_numpy(np.array(photograph)[:360, :480]).expand(3, -1, -1)


def noise(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random(shape, np.float32))


def coloured(height, width):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, height, width), np.uint8))


def dense_sift(image, step, size, margin=0):
    """Patches of one size, those without contrast, too, and their contrasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sift, "CONTRAST", 0)
        return describe([(image, size, margin)], image.shape, step)


# --- VLFeat ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [4, 6, 8, 10])
def test_numbers_are_those_of_vlfeat(china, size):
    local, contrast = dense_sift(grey(china), 3, size)
    assert len(local) == len(contrast) == GOLDEN[f"n_{size}"]
    found = np.column_stack([local.xy.flip(1), contrast])
    first_last, frames = GOLDEN[f"first_last_{size}"], GOLDEN[f"frames_{size}"]
    np.testing.assert_allclose(found[[0, -1]], first_last, rtol=1e-4)
    columns = len(range(0, 480 - 3 * size, 3))
    down, across = ((frames[:, :2] - 1.5 * size) / 3).astype(int).T
    rows = down * columns + across
    np.testing.assert_allclose(found[rows], frames, rtol=1e-4)
    theirs = GOLDEN[f"descr_{size}"].astype(np.float64) / 512
    cosine = (local.x[rows].numpy() * theirs).sum(1) / np.linalg.norm(theirs, axis=1)
    clear = frames[:, 2] > 0.005
    assert clear.sum() > 150
    assert cosine[clear].min() > 0.9999  # VLFeat's arctangent is a polynomial


def test_sizes_of_phow_share_centres_as_in_matlab(china):
    local = phow(china)
    for size in (4, 6, 8, 10):
        one_based = math.floor(1 + 3 / 2 * (10 - size))  # `off` in vl_phow.m
        x, y = (np.arange(one_based - 1, side - 3 * size, 3) + 1.5 * size for side in (480, 360))
        grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
        np.testing.assert_array_equal(local.xy[local.size == size], grid)
    centres = [set(map(tuple, local.xy[local.size == size].tolist())) for size in (4, 6, 8, 10)]
    assert (
        centres[0]
        > centres[1]
        > centres[2]
        > centres[3]
        == {(x, y) for x in range(15, 465, 3) for y in range(15, 345, 3)}
    )
    assert (local.size.diff() >= 0).all(), "one size after the other"


def test_phow_describes_the_smoothed_picture_and_nothing_of_low_contrast(china):
    picture = china[:, 120:240, 300:420]
    local = phow(picture, sizes=(5, 8))
    for size, margin in ((5, 4), (8, 0)):
        image = ndimage.gaussian_filter(
            grey(picture).numpy(), size / 6, mode="nearest", radius=math.ceil(4 * size / 6)
        )
        plain, contrast = dense_sift(torch.from_numpy(image), 3, size, margin)
        low = contrast < 0.005
        assert 100 < low.sum() < len(plain) - 100
        found = local.x[local.size == size]
        assert not found[low].any()
        torch.testing.assert_close(found[~low], plain.x[~low], atol=1e-5, rtol=0)


# --- the definition, literally -----------------------------------------------------------------------------


def literal_votes(image):
    """[H, W, 8] in float64, pixel by pixel."""
    height, width = image.shape
    votes = np.zeros((height, width, 8))
    for y in range(height):
        for x in range(width):
            up, down = max(y - 1, 0), min(y + 1, height - 1)
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            gy = (image[down, x] - image[up, x]) / (down - up)
            gx = (image[y, right] - image[y, left]) / (right - left)
            turn = math.atan2(gy, gx) % (2 * math.pi) / (math.pi / 4)
            below = math.floor(turn)
            votes[y, x, below % 8] += math.hypot(gx, gy) * (1 - (turn - below))
            votes[y, x, (below + 1) % 8] += math.hypot(gx, gy) * (turn - below)
    return votes


def literal_descriptor(votes, x0, y0, size):
    """One patch whose first bin has its centre at x0, y0: the descriptor and its contrast."""
    height, width, _ = votes.shape
    d = np.zeros((4, 4, 8))
    near = range(-size + 1, size)
    for j in range(4):
        for i in range(4):
            gauss = []
            for dy in near:
                for dx in near:
                    x, y = x0 + i * size + dx, y0 + j * size + dy
                    share = (1 - abs(dx) / size) * (1 - abs(dy) / size)
                    d[j, i] += share * votes[min(max(y, 0), height - 1), min(max(x, 0), width - 1)]
                    away = math.hypot(x - x0 - 1.5 * size, y - y0 - 1.5 * size)
                    gauss.append(math.exp(-((away / (1.5 * size)) ** 2) / 2))
            d[j, i] *= np.mean(gauss)
    contrast = d.sum() / (3 * size + 1) ** 2
    d = np.minimum(d / np.linalg.norm(d), 0.2)
    return d.flatten() / np.linalg.norm(d), contrast


@pytest.mark.parametrize(
    ("height", "width", "step", "size", "margin"),
    [
        (14, 13, 2, 3, 0),  # step and size without a common divisor
        (21, 18, 4, 4, 1),  # every fourth pixel is enough
        (19, 23, 4, 6, 0),
        (8, 9, 1, 1, 3),
        (14, 19, 5, 2, 2),
    ],
)
def test_every_descriptor_follows_from_the_definition(height, width, step, size, margin):
    image = noise(height, width)
    local, contrast = dense_sift(image, step, size, margin)
    votes = literal_votes(image.numpy().astype(np.float64))
    corners = [
        (x, y) for y in range(margin, height - 3 * size, step) for x in range(margin, width - 3 * size, step)
    ]
    expected = [literal_descriptor(votes, x, y, size) for x, y in corners]
    assert len(local) == len(corners) >= 2
    np.testing.assert_allclose(local.x, np.array([d for d, _ in expected]), atol=2e-6)
    np.testing.assert_allclose(contrast, [c for _, c in expected], rtol=1e-5)
    np.testing.assert_array_equal(local.xy, np.array(corners) + 1.5 * size)
    assert local.picture == (height, width)
    assert (local.size == size).all()


# --- mirrors, turns, light ---------------------------------------------------------------------------------


def test_mirrored_pictures_have_mirrored_descriptors():
    assert MIRROR.dtype == torch.int64
    assert (MIRROR[MIRROR] == torch.arange(128)).all()
    picture = coloured(47, 52)  # 52 = 1 + 30 + 3 * 7: the grids of the largest size end at the border
    local, mirrored = (phow(p, sizes=(10, 6, 4)) for p in (picture, picture.flip(2)))
    for size in (4, 6, 10):
        a, b = (t.x[(t.size == size) & (t.xy[:, 0] <= 36)].view(-1, 8, 128) for t in (local, mirrored))
        torch.testing.assert_close(b, a.flip(1)[..., MIRROR], atol=1e-5, rtol=0)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_flat_pictures_have_no_descriptor(value):
    flat = torch.full((3, 64, 70), value, dtype=torch.uint8)
    assert not phow(flat).x.any()
    assert not sift_pyramid(flat, 4, 8, [1.0, 0.7]).x.any()


# --- the pyramid of resized pictures -----------------------------------------------------------------------


def test_the_pyramid_describes_resized_pictures_in_pixels_of_the_original():
    picture = coloured(60, 90)
    local = sift_pyramid(picture, 4, 5, scales=(1, 0.5, 2))
    assert local.picture == (60, 90)
    start = 0
    for scale, sides in ((1, (60, 90)), (0.5, (30, 45)), (2, (120, 180))):
        resized = Image.fromarray(grey(picture).numpy(), "F").resize(sides[::-1], Image.Resampling.BICUBIC)
        plain, _ = dense_sift(torch.from_numpy(np.array(resized)), 4, 5)
        part = slice(start, start + len(plain))
        torch.testing.assert_close(local.x[part], plain.x, atol=1e-4, rtol=0)
        # the picture's edges are half a pixel outside its outermost pixels, at every scale
        torch.testing.assert_close((local.xy[part] + 0.5) * scale, plain.xy + 0.5)
        assert (local.size[part] == 5 / scale).all()
        start += len(plain)
    assert start == len(local)


def test_centres_in_the_pyramid_stay_in_the_middle_where_sides_are_rounded():
    local = sift_pyramid(coloured(37, 91), 1, 4, (0.37,))  # 13.7 x 33.7 pixels: 14 x 34
    torch.testing.assert_close(local.xy.mean(0), torch.tensor([45.0, 18.0]))
    torch.testing.assert_close(local.size[0].item(), 4 * math.sqrt(37 / 14 * 91 / 34))


# --- grey pictures and filters -----------------------------------------------------------------------------


def test_grey_is_pillows_luminance_before_it_is_rounded():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    pixels[0, :4] = [[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]
    picture = torch.from_numpy(pixels).permute(2, 0, 1)
    image = grey(picture)
    assert image.dtype == torch.float32
    np.testing.assert_allclose(image[0, :4], [1, 0.299, 0.587, 0.114], atol=1e-6)
    assert np.abs(255 * image.numpy() - np.asarray(Image.fromarray(pixels).convert("L"))).max() < 0.51


@pytest.mark.parametrize("shape", [(4, 30, 30), (30, 30, 3), (30, 30), (1, 3, 30, 30), (3, 0, 30)])
def test_what_is_not_a_picture_is_refused(shape):
    for taken_by in (grey, phow):
        with pytest.raises(ValueError, match=re.escape(f"not uint8 {list(shape)}")):
            taken_by(torch.zeros(shape, dtype=torch.uint8))
    with pytest.raises(ValueError, match="not float32"):
        grey(torch.zeros(3, 30, 30))


@pytest.mark.parametrize("n", [1, 16, 17, 70])
@pytest.mark.parametrize("reach", [0, 9])
def test_filters_of_columns_are_numpys(n, reach):
    x = noise(n, 5).double()
    kernel = noise(2 * reach + 1, seed=1).double()  # not symmetric
    padded = np.pad(x, ((reach, reach), (0, 0)), "edge")
    expected = np.stack([np.correlate(column, kernel.numpy(), "valid") for column in padded.T], 1)
    np.testing.assert_allclose(filter_columns(x, kernel, range(n)), expected)
    np.testing.assert_allclose(filter_columns(x.T.contiguous().T, kernel, range(n)), expected)
    np.testing.assert_allclose(filter_columns(x, kernel, range(n // 3, n, 3)), expected[n // 3 :: 3])


# --- what does not fit -------------------------------------------------------------------------------------


def test_sizes_and_scales_that_do_not_fit_are_left_out():
    with pytest.raises(ValueError, match="1 x 300 pixels is too small"):
        sift_pyramid(coloured(1, 300), 4, 8, (1, 0.5))
    assert len(sift_pyramid(coloured(25, 25), 4, 8, (1, 0.5))) == 1
    assert phow(coloured(22, 40), sizes=(10, 4)).size.unique().tolist() == [4]
    with pytest.raises(ValueError, match="too small"):
        phow(coloured(21, 40))  # size 4 begins 9 pixels from the border
    assert len(sift_pyramid(coloured(50, 60), 4, 8, (0.1, 0.5))) == 2
    with pytest.raises(ValueError, match="too small"):
        sift_pyramid(coloured(48, 60), 4, 8, (0.1, 0.5))


@pytest.mark.parametrize(("step", "sizes"), [(0, [4]), (3, [4, 0])])
def test_a_grid_that_is_none_is_refused(step, sizes):
    with pytest.raises(ValueError, match="whole numbers"):
        describe([(noise(50, 50), size, 0) for size in sizes], (50, 50), step)
