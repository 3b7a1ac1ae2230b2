"""Another encoding is given what a network sees: no more, no less."""

import numpy as np
import torch

from lecture_lib import backbones
from lecture_lib.chapters.ifv_vs_cnn import same_pixels
from lecture_lib.datasets import ArrayImages, ImageCollection


def test_as_seen_the_network_computes_the_same_and_shrunk_pictures_have_their_sides_left():
    net = backbones.load("twin-alexnet", "random")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 120, 160), dtype=np.uint8)
    images = ImageCollection("noise", "twin", ArrayImages(pixels), ("a", "b"), np.arange(2))
    small, seen = same_pixels.shrunk(images, net), same_pixels.as_seen(images, net)
    side = net.input_size
    assert small.tensor(1).shape[1:] == (side, round(side * 160 / 120))
    assert seen.tensor(1).shape == (3, side, side)
    assert torch.equal(backbones.preprocess(net, seen.tensor(1)), backbones.preprocess(net, images.tensor(1)))
    assert len({images.images.fingerprint, small.images.fingerprint, seen.images.fingerprint}) == 3
