"""Dense SIFT: VLFeat's numbers, and what grids, sizes and mirrors do to them."""

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


@pytest.mark.parametrize(("step", "size", "margin"), [(4, 6, 0), (4, 4, 1), (6, 4, 2), (3, 9, 0)])
def test_a_coarse_grid_is_part_of_the_finest(step, size, margin):
    # bins are shared between patches where step and size have a common divisor
    image = noise(37, 45)
    (local, contrast), (every, of_every) = (dense_sift(image, n, size, margin) for n in (step, 1))
    x, y = (local.xy - every.xy[0]).int().T
    part = y * len(every.xy[:, 0].unique()) + x
    assert local.picture == (37, 45)
    assert len(part) > 10
    assert torch.equal(local.xy, every.xy[part])
    torch.testing.assert_close(local.x, every.x[part], atol=2e-6, rtol=0)
    torch.testing.assert_close(contrast, of_every[part])


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
