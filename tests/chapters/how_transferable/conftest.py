"""What the tests of this chapter share: nets that train in a moment, and pictures that they can tell apart."""

import numpy as np
import pytest
import torch

from lecture_lib import settings
from lecture_lib.chapters.how_transferable import halves, nets
from lecture_lib.datasets import ArrayImages, ImageCollection

SIDE, CLASSES = 64, 8
GROUPS = ("bird", "vessel") * (CLASSES // 2)


@pytest.fixture(autouse=True)
def narrow(monkeypatch, tmp_path):
    """Nets of a few channels, one thread, a cache and a data folder of the test's own."""
    monkeypatch.setattr(nets, "CHANNELS", (4, 4, 6, 6, 4))
    monkeypatch.setattr(nets, "UNITS", 8)
    for module in (nets, halves):
        monkeypatch.setattr(module, "SIDE", SIDE)
    monkeypatch.setattr(settings, "_chosen", {"cache": tmp_path / "cache", "device": "cpu"})
    monkeypatch.setattr(settings, "_settings", None)


def patterns(per_class, seed):
    """Smooth patterns, one a class, under noise: a collection with natural and man-made classes in turn."""
    drawn = torch.rand(CLASSES, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    drawn = torch.nn.functional.interpolate(drawn, size=SIDE, mode="bilinear")
    labels = np.repeat(np.arange(CLASSES), per_class)
    noise = torch.randn(len(labels), 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    pixels = ((drawn[labels] + 0.1 * noise).clamp(0, 1) * 255).byte().numpy()
    names = tuple(f"class {c}" for c in range(CLASSES))
    return ImageCollection("ilsvrc2012", "twin", ArrayImages(pixels), names, labels, GROUPS)


@pytest.fixture(scope="session")
def made_up():
    return patterns(12, 1)


@pytest.fixture(scope="session")
def made_up_test():
    return patterns(6, 2)
