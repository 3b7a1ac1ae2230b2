"""The twins' pictures are like photographs in what no method of the lecture has a part in."""

import numpy as np
import pytest
import torch

from lecture_lib.datasets import statistics
from lecture_lib.datasets.collection import Boxes, ImageCollection
from lecture_lib.datasets.images import ArrayImages

# of the photographs in LECTURE_DATA, by `python -m lecture_lib.datasets.statistics` in the real profile
PHOTOGRAPHS = {
    "voc2007": {
        **{
            "inside": 18.6,
            "outside": 13.1,
            "in/out": 1.42,
            "gradient": 15.8,
            "strong": 0.245,
            "slope": -2.71,
        },
        **{"cover": 0.456, "objects": 2.99, "side": 0.337},
    },
    "caltech101": {"gradient": 16.6, "strong": 0.254, "slope": -2.64},
}
MARGIN = 0.25  # 15 %, and what a sample of 220 pictures may be off


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_twins_have_the_statistics_of_photographs(small_twin, name):
    row = statistics.statistics(small_twin(name))
    for column, want in PHOTOGRAPHS[name].items():
        assert row[column] == pytest.approx(want, rel=MARGIN), column
    # variety: of photographs .93 and .37 (VOC), .88 and .30 (Caltech-101); more objects a class find more of their own
    assert row["within/between"] > 0.86
    assert row["1-NN"] < 0.45


def boxed(pictures, boxes, labels):
    marked = [Boxes([box], [c], [False], [False]) for box, c in zip(boxes, labels, strict=True)]
    rows = np.eye(2, dtype=np.int8)[labels]
    return ImageCollection("few", "twin", ArrayImages(pictures), ("a", "b"), rows, boxes=marked)


def test_a_class_of_one_template_has_no_variety_and_noise_has_all():
    random = np.random.default_rng(0)
    templates = random.integers(0, 256, (2, 3, 120, 160), np.uint8)
    labels = np.arange(20) % 2
    box = (40, 30, 104, 94)
    rigid = statistics.variety(boxed(templates[labels], [box] * 20, labels))
    assert rigid == (0.0, 1.0)
    noise = random.integers(0, 256, (20, 3, 120, 160), np.uint8)
    within, found = statistics.variety(boxed(noise, [box] * 20, labels))
    assert within == pytest.approx(1, abs=0.02)
    assert 0.1 < found < 0.9


def test_a_ramp_in_a_box_is_measured_in_grey_levels_a_pixel():
    pictures = np.full((4, 3, 120, 160), 100, np.uint8)
    pictures[:, :, 30:90, 40:120] = 100 + np.arange(80, dtype=np.uint8)  # one grey level a pixel
    row = statistics.statistics(boxed(pictures, [(40, 30, 119, 90)] * 4, np.arange(4) % 2))
    assert row["cover"] == pytest.approx(79 * 60 / (120 * 160))
    assert row["side"] == pytest.approx((79 * 60 / (120 * 160)) ** 0.5)
    assert row["objects"] == 1
    assert 1 < row["inside"] < 2.5  # its lower edge is steeper
    assert row["strong"] < 0.02


def test_the_slope_of_noise_is_that_of_its_filter():
    random, side = np.random.default_rng(0), 96
    f = np.fft.fftfreq(side) * side
    radius = np.maximum(np.hypot(f[:, None], f), 1)
    power = np.mean(
        [np.abs(np.fft.fft2(random.normal(size=(side, side))) / radius) ** 2 for _ in range(30)], 0
    )
    assert statistics.slope(power) == pytest.approx(-2, abs=0.05)


def test_histograms_of_gradients_do_not_see_light_and_contrast():
    picture = torch.rand(3, 64, 64) * 100
    assert torch.allclose(statistics.hog(picture), statistics.hog(picture * 2 + 30), atol=1e-5)
    assert statistics.hog(picture).shape == (3, 7 * 7 * 4 * 9)
