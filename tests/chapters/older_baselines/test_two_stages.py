"""Two stages of filters: sizes of the paper, normalisation against loops, steps that are left out alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lecture_lib.chapters.older_baselines import two_stages as t


def noise(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).float()


def a_stage(maps=6, sees=2, groups=3, **steps):
    which = torch.tensor([[0, 3], [2, 1], [3, 3]])[:groups, :sees]
    return t.Stage(noise(maps, sees, 9, 9) / 9, which, (6, 4), **steps)


@pytest.fixture(scope="module")
def made(small_twin):
    images = small_twin("caltech101")[:30]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(t, "SAMPLE", 12)
        return images, {kind: t.make_stages(images, kind) for kind in ("random", "k-means")}


def test_sizes_are_those_of_the_paper(made):
    images, stages = made
    x = torch.stack([t.prepare(images.tensor(i)) for i in range(2)])
    assert x.shape == (2, 1, 143, 143)
    first = stages["k-means"][0](x)
    assert first.shape == (2, 64, 26, 26)
    assert stages["k-means"][1](first).shape == (2, 256, 4, 4)


def test_both_kinds_of_filters_answer_as_loudly(made):
    images, stages = made
    x = torch.stack([t.prepare(images.tensor(i)) for i in range(12)])
    for of in stages.values():
        assert of[0].respond(x).std().item() == pytest.approx(t.DEVIATION, rel=0.1)
    assert not torch.equal(stages["random"][0].filters, stages["k-means"][0].filters)


def test_learned_filters_find_what_patches_are_made_of_under_a_blur_that_all_share():
    rng = np.random.default_rng(1)
    # at right angles, of sum 0: a blur, and six parts of which each patch has one, as often dark as bright
    blur, *parts = np.linalg.qr(np.c_[np.ones(30), rng.standard_normal((30, 7))])[0].T[1:]
    own = np.eye(6)[rng.integers(0, 6, 5000)] * rng.choice([-1, 1], (5000, 1))
    patches = 5 + 3 * rng.standard_normal((5000, 1)) * blur + own @ parts
    filters = t.learn_filters(torch.from_numpy(patches).float(), 6, rng).numpy()
    np.testing.assert_allclose(filters.sum(1), 0, atol=1e-4)
    cosine = abs(filters @ np.transpose(parts)) / np.linalg.norm(filters, axis=1, keepdims=True)
    assert cosine.max(0).min() > 0.9, "each part has a filter of its own"


def test_contrast_normalisation_is_that_of_the_definition():
    x = noise(1, 3, 13, 15)
    weight = np.exp(-0.5 * ((np.arange(9) - 4) / 2.0) ** 2)
    weight = np.outer(weight, weight)

    def mean(of, i, j):
        total = inside = 0.0
        for a in range(13):
            for b in range(15):
                if abs(a - i) <= 4 and abs(b - j) <= 4:
                    w = weight[a - i + 4, b - j + 4]
                    total, inside = total + w * of[:, a, b].mean(), inside + w
        return total / inside

    of = x[0].double().numpy()
    places = [(i, j) for i in range(13) for j in range(15)]
    v = of - np.array([mean(of, i, j) for i, j in places]).reshape(13, 15)
    deviation = np.sqrt([mean(v**2, i, j) for i, j in places]).reshape(13, 15)
    expected = v / np.maximum(deviation, deviation.mean())
    np.testing.assert_allclose(t.contrast_normalise(x)[0], expected, atol=1e-4)


def test_a_constant_picture_is_nothing_and_contrast_does_not_matter():
    assert t.contrast_normalise(torch.full((1, 4, 20, 20), 3.0)).abs().max() < 1e-3  # rounding over FLAT
    flat = torch.full((3, 80, 120), 200, dtype=torch.uint8)
    assert t.prepare(flat).abs().max() < 1e-3
    x = noise(1, 2, 30, 30)
    torch.testing.assert_close(t.contrast_normalise(5 * x + 2), t.contrast_normalise(x), atol=1e-4, rtol=1e-4)


def test_a_group_of_filters_sees_its_own_maps_only():
    stage, x = a_stage(), noise(1, 4, 20, 20)
    by_hand = torch.nn.functional.conv2d(x[:, [2, 1]], stage.filters[2:4])  # the second of three groups
    torch.testing.assert_close(stage.respond(x)[:, 2:4], by_hand, atol=1e-5, rtol=1e-4)
    other = x.clone()
    other[:, 0] += 1
    changed = (stage.respond(other) - stage.respond(x)).abs().amax((0, 2, 3)) > 1e-6
    assert changed.tolist() == [True, True, False, False, False, False]


def test_without_rectification_and_normalisation_only_these_are_missing():
    x = noise(2, 4, 30, 30)
    plain = a_stage(rectify=False, normalise=False)
    answers = torch.nn.functional.avg_pool2d(plain.respond(x).tanh(), 6, 4)
    torch.testing.assert_close(plain(x), answers)
    rectified = torch.nn.functional.avg_pool2d(plain.respond(x).tanh().abs(), 6, 4)
    torch.testing.assert_close(replace(plain, rectify=True)(x), rectified)


def test_encoded_pictures_are_the_same_in_blocks_and_alone(made, data):
    images, stages = made
    x = t.encode(images, stages["random"])
    assert x.shape == (30, 4096)
    with torch.inference_mode():
        alone = stages["random"][1](stages["random"][0](t.prepare(images.tensor(17))[None]))
    np.testing.assert_allclose(x[17], alone.flatten(), atol=2e-3)
