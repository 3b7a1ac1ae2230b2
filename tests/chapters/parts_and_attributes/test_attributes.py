"""The rows of the nine attributes: unspecified labels, imbalance, the pyramid's kernel, where a score rests."""

import numpy as np
import pytest
import torch

from lecture_lib import backbones
from lecture_lib.chapters.parts_and_attributes import attributes, dpd
from lecture_lib.metrics import average_precision
from lecture_lib.results import papers
from lecture_lib.twins import people

RNG = np.random.default_rng(0)


def separable(n=120, d=6):
    """Two attributes that two numbers of x decide, the second of them rare."""
    x = RNG.normal(size=(n, d)).astype(np.float32)
    return x, np.stack([x[:, 0] > 0, x[:, 1] > 1.3], 1).astype(np.int8)


def test_unspecified_people_decide_nothing():
    x, labels = separable()
    unknown = labels.copy()
    unknown[:40, 0] = -1
    train, test = np.arange(90), np.arange(90, 120)
    spoilt = x.copy()
    spoilt[:40] = 50 * RNG.normal(size=(40, 6))
    ap = average_precision(attributes.score(x, unknown, train, test), labels[test])
    assert ap.min() > 0.9
    one = unknown[:, :1]
    assert np.allclose(
        attributes.attribute_svm(x, one, train).weights,
        attributes.attribute_svm(spoilt, one, train).weights,
        atol=1,
    )


def test_a_rare_attribute_weighs_as_much_as_its_absence():
    """Where nothing tells an attribute, its bias is that of equally many positives and negatives: near 0."""
    labels = (np.arange(300)[:, None] % 10 == 0).astype(np.int8)
    x = np.zeros((300, 4), np.float32)
    x[:, 0] = 1
    probe = attributes.attribute_svm(x, labels, np.arange(300))
    assert abs(float(probe.scores(x[:1])[0, 0])) < 0.05


def test_an_attribute_without_a_positive_scores_nobody():
    x, labels = separable()
    labels[:, 1] = 0
    scores = attributes.score(x, labels, np.arange(90), np.arange(90, 120))
    assert not scores[:, 1].any()
    assert average_precision(scores[:, 0], labels[90:, 0]) > 0.9


def test_views_that_are_all_alike_are_as_good_as_one():
    x, labels = separable()
    train, test = np.arange(90), np.arange(90, 120)
    one, many = (attributes.score(of, labels, train, test) for of in (x, np.repeat(x[:, None], 16, 1)))
    assert np.allclose(one, many, atol=0.02)


def test_the_intersection_kernel_is_that_of_its_formula():
    x, y = RNG.random((7, 130)), RNG.random((5, 130))
    formula = np.minimum(x[:, None], y[None]).sum(2)
    assert np.allclose(attributes.intersections(x, y), formula, rtol=1e-5)


def test_a_pyramid_has_its_cells_side_by_side_and_meets_itself_in_1(small_twin):
    assert [len(of) for of in (dpd.PYRAMID, dpd.SPM)] == [14, 21]
    picture = torch.arange(96 * 96).reshape(1, 96, 96).expand(3, -1, -1).to(torch.uint8)
    local = attributes.Dense(step=8)(picture)
    for grid, first in ((2, 1), (4, 5)):
        cells = torch.stack([attributes.ifv.inside(view, local) for view in dpd.SPM[first : first + grid**2]])
        assert (cells.sum(0) == 1).all()  # every descriptor in one of them
        row = cells.float() @ local.xy / cells.sum(1, keepdim=True)
        assert row[0, 0] < row[1, 0]
        assert row[0, 1] < row[grid, 1]
    few = dpd.box_crop(small_twin("h3d")[np.arange(8)], 1.0, dpd.SIDE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dpd, "WORDS", 16)
        x = attributes.spm_histograms(few, np.arange(8))
    assert np.allclose(np.diag(attributes.intersections(x, x)), 1, atol=2e-3)


def test_the_lectures_columns_are_the_twins_attributes():
    assert list(attributes.COLUMNS) == list(people.ATTRIBUTES)
    assert set(attributes.COLUMNS.values()) <= set(papers.columns("offtheshelf/h3d"))


def test_an_occlusion_map_shows_where_a_score_rests(monkeypatch):
    """A "network" that counts light in the lower left quarter."""
    net = backbones.load("twin-alexnet", weights="random")
    quarter = lambda x: x[:, :1, 56:, :56].mean((1, 2, 3))  # noqa: E731
    monkeypatch.setattr(
        attributes,
        "features",
        lambda net, x, layers: {"light": torch.stack([quarter(x), quarter(x) * 0 + 1], 1)},
    )
    picture = torch.full((3, 112, 112), 250, dtype=torch.uint8)
    found, other = attributes.occlusion_map(net, picture, "light", lambda f: f, "mean")
    assert found.shape == (8, 8)
    assert other[6, 1] < 0  # of length 1: what the first number loses the second gains
    assert found.max() > 0
    assert found[6, 1] == pytest.approx(found.max(), rel=1e-4)
    assert np.abs(found[:3]).max() < 1e-6
    assert attributes.lower_share([found]) > 0.9


def test_halves_part_the_box(small_twin):
    images = small_twin("h3d")[np.arange(3)]
    crops = attributes.halves(images)
    assert list(crops) == list(attributes.HALVES)
    box = images.boxes[0].xyxy[0].astype(int)
    picture = images.tensor(0)[:, box[1] : box[3], box[0] : box[2]].float()
    half = picture.shape[1] // 2
    for crop, part in ((crops["upper half"], picture[:, :half]), (crops["lower half"], picture[:, half:])):
        assert torch.allclose(crop.tensor(0).float().mean((1, 2)), part.mean((1, 2)), atol=4)
