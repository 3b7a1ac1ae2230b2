"""GIST, HOG and colour histograms: against loops, another library, and pictures whose answer is known."""

import math

import numpy as np
import pytest
import torch
from skimage import color, feature

from lecture_lib.encoders import gist as g
from lecture_lib.encoders.colour_histogram import DIM, colour_histogram, lab
from lecture_lib.encoders.hog import SIDE, hog


def noise(height, width, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (3, height, width), np.uint8))


def grating(frequency, degrees, side=g.SIDE):
    """Grey waves: cycles a pixel, and the direction that they run along, with y downwards."""
    y, x = np.mgrid[:side, :side]
    along = x * math.cos(math.radians(degrees)) + y * math.sin(math.radians(degrees))
    wave = 127.5 + 100 * np.sin(2 * np.pi * frequency * along)
    return torch.from_numpy(wave.astype(np.uint8)).expand(3, -1, -1)


def literal_gist(picture):
    """The definition filter by filter, pixel by pixel of the Fourier plane, on the whole grid, in float64."""
    rgb = picture.numpy() / 255
    image = g.even_out(torch.from_numpy(255 * np.tensordot([0.299, 0.587, 0.114], rgb, 1))).numpy()
    padded = np.pad(image, g.BORDER, mode="symmetric")
    n = len(padded)
    f = np.fft.fftfreq(n)
    spectrum, found = np.fft.fft2(padded), []
    radius, angle = np.hypot(f[:, None], f), np.arctan2(f[:, None] + 0 * f, 0 * f[:, None] + f)
    for scale in range(4):
        for o in range(8):
            turn = angle - np.pi * o / 8
            turn = turn - 2 * np.pi * (turn > np.pi) + 2 * np.pi * (turn < -np.pi)
            centre = 0.3 / 1.85**scale
            shape = np.exp(-10 * 0.35 * (radius / centre - 1) ** 2 - 2 * np.pi * turn**2)
            response = abs(np.fft.ifft2(spectrum * shape))[32:-32, 32:-32]
            for row in range(4):
                for column in range(4):
                    found.append(response[64 * row : 64 * row + 64, 64 * column : 64 * column + 64].mean())
    return np.array(found)


def test_gist_on_coarser_grids_is_that_of_the_definition():
    picture = noise(256, 256).float()
    picture = (picture + picture.roll(3, 2) + picture.roll((5, 9), (1, 2))).div(3).to(torch.uint8)
    expected = literal_gist(picture)
    fine, coarse = g.gist(picture).numpy().reshape(2, 256), expected.reshape(2, 256)
    np.testing.assert_allclose(fine[0], coarse[0], rtol=1e-3)
    np.testing.assert_allclose(fine[1], coarse[1], rtol=0.06)  # means over fewer places
    assert abs(fine[1] / coarse[1] - 1).mean() < 0.01


@pytest.mark.parametrize(("scale", "o"), [(0, 0), (1, 3), (2, 4), (3, 7)])
def test_a_grating_answers_in_its_own_filter(scale, o):
    picture = grating(g.FREQUENCIES[scale], 180 * o / 8)
    answers = g.gist(picture).view(4, 8, 16).mean(2)
    assert divmod(int(answers.argmax()), 8) == (scale, o)


def test_gist_knows_no_brightness_and_tells_top_from_bottom():
    picture = grating(0.1, 45)
    darker = (picture.float() * 0.8).to(torch.uint8)
    torch.testing.assert_close(g.gist(darker), g.gist(picture), rtol=0.1, atol=0.01)
    half = picture.clone()
    half[:, 128:] = 127
    cells = g.gist(half).view(32, 4, 4).sum(0)
    assert cells[0].min() > 5 * cells[3].max()
    assert not g.gist(torch.full((3, 90, 70), 99, dtype=torch.uint8)).abs().max() > 1e-3


def test_hog_is_that_of_scikit_image():
    picture = noise(SIDE, SIDE, seed=3)
    expected = feature.hog(
        picture.permute(1, 2, 0).numpy() / 255, 9, (16, 16), (2, 2), "L2-Hys", channel_axis=2
    )
    # a gradient on the border of two bins may vote for either
    assert np.isclose(hog(picture).numpy(), expected, rtol=1e-3, atol=1e-5).mean() > 0.99
    np.testing.assert_allclose(hog(picture).numpy(), expected, atol=5e-3)


def test_lab_is_that_of_scikit_image_and_every_pixel_counts_once():
    picture = noise(20, 30)
    expected = color.rgb2lab(picture.permute(1, 2, 0).numpy()).transpose(2, 0, 1)
    np.testing.assert_allclose(lab(picture), expected, atol=2e-2)
    counts = colour_histogram(picture)
    assert counts.shape == (DIM,)
    assert counts.sum().item() == pytest.approx(1)
    parts = zip(expected.reshape(3, -1), (0, 100, 100), (100, 200, 200), (4, 14, 14), strict=True)
    place = [np.clip((x + low) / span * n, 0, n - 1).astype(int) for x, low, span, n in parts]
    one_by_one = np.bincount(np.ravel_multi_index(place, (4, 14, 14)), minlength=784) / 600
    assert abs(counts.numpy() - one_by_one).sum() < 0.02
