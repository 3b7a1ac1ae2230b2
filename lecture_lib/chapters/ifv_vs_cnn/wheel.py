"""Colours around a wheel: equally light to the eye, for directions and for Gaussians."""

from __future__ import annotations

import numpy as np

START = 250 / 360  # the hue of blue, so that two colours are blue and orange
CHROMA = 0.13  # about the most that every hue has within sRGB at these lightnesses
LIGHTNESS = 0.65
DARK, LIGHT = 0.52, 0.76

# From OKLab (Ottosson 2020, "A perceptual color space for image processing") to linear sRGB, in two steps.
TO_LMS = np.array(
    [
        [1, 0.3963377774, 0.2158037573],
        [1, -0.1055613458, -0.0638541728],
        [1, -0.0894841775, -1.2914855480],
    ]
)
TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def wheel(n: int, lightness: float | np.ndarray = LIGHTNESS) -> np.ndarray:
    """Return n colours at equal steps of hue, float [n, 3] in 0..1 (sRGB); the first is blue.

    lightness  of OKLab, 0..1: one for all, or one each
    """
    hue = 2 * np.pi * (START + np.arange(n) / max(n, 1))
    lab = np.stack([np.broadcast_to(lightness, (n,)), CHROMA * np.cos(hue), CHROMA * np.sin(hue)], axis=1)
    linear = np.clip((lab @ TO_LMS.T) ** 3 @ TO_RGB.T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def gaussian_colours(means: np.ndarray) -> np.ndarray:
    """Return one colour a Gaussian, float [K, 3] in 0..1, by its place in the plane of the first two dimensions.

    means  [K, D], D at least 2

    Hues go around the wheel in the order of the means around their centre, so that neighbours in the plane have
    neighbouring hues; they alternate in lightness, so that neighbours are told apart without hue.
    """
    means = np.asarray(means)
    if means.ndim != 2 or means.shape[1] < 2:
        raise ValueError(
            f"Means of Gaussians in a plane are [K, D] with D at least 2, not {list(means.shape)}."
        )
    x, y = (means[:, :2] - means[:, :2].mean(0)).T
    order = np.argsort(np.arctan2(y, x), kind="stable")
    colours = np.empty((len(means), 3))
    colours[order] = wheel(len(means), np.where(np.arange(len(means)) % 2, LIGHT, DARK))
    return colours
