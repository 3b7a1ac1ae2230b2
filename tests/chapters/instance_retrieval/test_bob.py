"""Bags of boundaries: of shapes, wherever they are and however large."""

import numpy as np
import pytest

from lecture_lib.chapters.instance_retrieval.bob import boundary, describe_boundary


def disc(radius, centre, side=200):
    y, x = np.mgrid[:side, :side]
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2


def bar(a, b, side=200):
    mask = np.zeros((side, side), bool)
    mask[100 - a : 100 + a, 100 - b : 100 + b] = True
    return mask


def test_points_lie_on_the_boundary_in_even_steps():
    points = boundary(disc(50, (100, 80)))
    assert points.shape == (48, 2)
    np.testing.assert_allclose(np.linalg.norm(points - [100, 80], axis=1), 50, atol=1)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert np.ptp(steps) < 0.2 * steps.mean()


def test_an_object_at_the_edge_has_a_boundary_and_an_empty_mask_has_none():
    assert np.isfinite(describe_boundary(np.ones((20, 30), bool))).all()
    with pytest.raises(ValueError, match="empty"):
        boundary(np.zeros((20, 20), bool))


def test_descriptors_follow_the_object_and_know_shapes_apart():
    def apart(a, b):
        return np.linalg.norm(a[:, None] - b, axis=2).min(1).mean()

    small, large, moved = (
        describe_boundary(disc(*of)) for of in ((30, (60, 60)), (60, (100, 100)), (30, (120, 90)))
    )
    other = describe_boundary(bar(15, 60))
    assert small.shape == (144, 128)
    np.testing.assert_allclose(np.linalg.norm(other, axis=1), 1, rtol=1e-5)
    assert apart(small, moved) < 0.1
    assert apart(small, large) < apart(small, other) / 2


def test_an_upright_edge_votes_for_one_orientation():
    x = describe_boundary(bar(80, 20)).reshape(3, 48, 4, 4, 8)
    points = boundary(bar(80, 20))
    middle = (np.abs(points[:, 1] - 100) < 40) & (points[:, 0] < 100)  # left edges: brighter to the right
    votes = x[0, middle].sum((1, 2))
    assert middle.sum() > 3
    assert (votes.argmax(1) == 0).all()
    assert (votes[:, 0] > 0.9 * votes.sum(1)).all()
