"""Local colour statistics: the right pixels in the right cell, exact, and mirrored with the picture."""

import numpy as np
import pytest
import torch

from lecture_lib.encoders.colour import MIRROR_COLOUR, colour_statistics
from lecture_lib.encoders.sift import Local


def noise(height, width, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (3, height, width), np.uint8))


def frames(xy, size, picture):
    xy = torch.tensor(xy, dtype=torch.float32).view(-1, 2)
    size = torch.as_tensor(size, dtype=torch.float32).expand(len(xy))
    return Local(torch.zeros(len(xy), 0), xy, size, tuple(picture.shape[1:]))


def scattered(n, picture, sizes, seed=1):
    """Frames on multiples of an eighth of a pixel, some of them partly or entirely outside the picture."""
    rng = np.random.default_rng(seed)
    height, width = picture.shape[1:]
    xy = np.round(8 * rng.uniform((-6, -6), (width + 5, height + 5), (n, 2))) / 8
    return frames(xy, rng.choice(sizes, n), picture)


def overlaps(low, high, n):
    """How much of each of n pixels lies between two borders: at least the last or first half pixel."""
    low, high = min(max(low, 0), n - 0.5), max(min(high, n), 0.5)
    return np.array([max(0, min(high, i + 1) - max(low, i)) for i in range(n)])


def literally(picture, x, y, size):
    """The statistics of one frame from its definition, by weighted means over the whole picture in float64."""
    pixels = picture.numpy() / 255
    _, height, width = pixels.shape
    x, y, size = np.round(2 * x + 1) / 2, np.round(2 * y + 1) / 2, np.round(2 * size) / 2
    found = []
    for row in range(4):
        for column in range(4):
            top, left = y + (row - 2) * size, x + (column - 2) * size
            weights = overlaps(top, top + size, height)[:, None] * overlaps(left, left + size, width)
            mean = [np.average(channel, weights=weights) for channel in pixels]
            found += mean
            pairs = zip(pixels, mean, strict=True)
            found += [np.average((channel - m) ** 2, weights=weights) for channel, m in pairs]
    return found


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (17, 3), (23, 31)])
def test_cells_are_those_of_the_definition(height, width):
    picture = noise(height, width)
    where = scattered(40, picture, [0.5, 1, 2.4, 3, 4.5, 8])
    found = colour_statistics(picture, where)
    assert found.x.dtype == torch.float32
    assert found.x.shape == (40, 96)
    for x, (at_x, at_y), size in zip(found.x.numpy(), where.xy.tolist(), where.size.tolist(), strict=True):
        np.testing.assert_allclose(x, literally(picture, at_x, at_y, size), rtol=0, atol=1e-6)


def test_a_picture_of_one_colour_has_no_variance_at_all():
    picture = torch.tensor([0, 173, 255], dtype=torch.uint8)[:, None, None].expand(3, 300, 400)
    x = colour_statistics(picture, scattered(60, picture, [0.5, 3.3, 10, 80])).x.view(-1, 16, 2, 3)
    assert torch.equal(x[:, :, 0], (picture[:, 0, 0] / 255).expand(60, 16, 3))
    assert not x[:, :, 1].any()


def test_a_large_frame_of_a_large_picture_is_exact():
    picture = 255 - noise(300, 400) // 64  # sums of squares far above 2^31, variances far below the squares
    x = colour_statistics(picture, frames([199.5, 149.5], 100.0, picture)).x.view(4, 4, 2, 3)
    pixels = picture.double() / 255
    cell = pixels[:, 50:150, 200:300]  # rows -50 ... 350 in four, columns 0 ... 400
    torch.testing.assert_close(x[1, 2, 0], cell.mean((1, 2)).float(), rtol=1e-6, atol=0)
    torch.testing.assert_close(x[1, 2, 1], cell.var((1, 2), unbiased=False).float(), rtol=1e-6, atol=0)


@pytest.mark.parametrize(("height", "width"), [(24, 30), (25, 31)])
def test_the_mirrored_picture_has_mirrored_statistics(height, width):
    picture = noise(height, width)
    # eighths of a pixel: many borders halfway between two halves
    where = scattered(200, picture, [1, 2.75, 4, 6])
    mirrored_xy = where.xy * torch.tensor([-1, 1]) + torch.tensor([width - 1, 0])
    mirrored = frames(mirrored_xy.tolist(), where.size, picture)
    found = colour_statistics(picture.flip(2), mirrored).x
    assert torch.equal(found, colour_statistics(picture, where).x[:, MIRROR_COLOUR])
    assert torch.equal(MIRROR_COLOUR[MIRROR_COLOUR], torch.arange(96))


def test_no_frames_have_no_statistics():
    picture = noise(5, 5)
    assert colour_statistics(picture, frames([], 4.0, picture)).x.shape == (0, 96)
