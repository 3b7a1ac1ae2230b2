"""POOF: the oracles of its recipe, on pictures whose only difference is known."""

import numpy as np
import pytest
import torch

from lecture_lib.chapters.parts_and_attributes import poof

SIZE = 160


def scene(n, seed=0):
    """Smooth random pictures, and two points of each, 64 pixels apart on a level line."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, 12, 12, generator=generator)
    pictures = torch.nn.functional.interpolate(coarse, SIZE, mode="bicubic").clamp(0, 1)
    points = np.tile(np.array([[48, 80, 1], [112, 80, 1]], np.float32), (n, 1, 1))
    return (pictures * 255).to(torch.uint8), points


def test_parts_come_to_their_places():
    pictures = torch.zeros(1, 3, SIZE, SIZE, dtype=torch.uint8)
    f, a = np.array([[100.0, 30.0]]), np.array([[60.0, 110.0]])
    pictures[0, 0, 28:33, 98:103], pictures[0, 1, 108:113, 58:63] = 255, 255
    crop = poof.align(pictures, f, a)[0]
    for channel, (x, y) in enumerate(poof.PLACES):
        row, column = divmod(int(crop[channel].argmax()), poof.WIDTH)
        assert abs(row + 0.5 - y) < 3
        assert abs(column + 0.5 - x) < 3


def test_a_similarity_transform_of_the_picture_changes_nothing():
    """Twice the size and a quarter turn: the same crop, up to how pixels are sampled."""
    pictures, points = scene(4)
    f, a = points[:, 0, :2], points[:, 1, :2]
    plain = poof.align(pictures, f, a)
    large = (
        torch.nn.functional.interpolate(pictures.float(), 2 * SIZE, mode="bilinear")
        .to(torch.uint8)
        .rot90(1, (2, 3))
    )
    turned = [np.stack([2 * p[:, 1], 2 * SIZE - 2 * p[:, 0]], 1) for p in (f, a)]  # anticlockwise
    again = poof.align(large, *turned)
    assert (again - plain).abs().mean() < 0.01
    for cells in (poof.gradients, lambda crops: poof.colours(crops, torch.rand(32, 3))):
        x, y = cells(plain).flatten(1), cells(again).flatten(1)
        if x.shape[1] == 16 * 8 * 8:
            assert (torch.nn.functional.cosine_similarity(x, y) > 0.97).all()


def test_the_mask_is_the_cell_that_differs_and_the_sign_tells_the_classes():
    """One cell of 8 x 8 pixels at f has stripes in class 1, and lies the other way in class 0."""
    rng = np.random.default_rng(0)
    cells = 0.02 * rng.random((40, 8, 16, 8)).astype(np.float32)
    positive = np.arange(40) % 2 == 0
    cells[positive, 4, 4, 0] += 0.8
    cells[~positive, 4, 4, 2] += 0.8
    mask, weights, bias = poof.learn(cells, positive)
    assert mask[4, 4]
    assert mask.sum() <= 12
    mass = np.linalg.norm(weights, axis=2)
    assert np.unravel_index(mass.argmax(), mass.shape) == (4, 4)
    assert not weights[~mask].any()
    scores = cells.reshape(40, -1) @ weights.ravel() + bias
    assert ((scores > 0) == positive).all()


def test_what_differs_elsewhere_is_no_part_of_the_mask():
    cells = 0.001 * np.random.default_rng(0).random((40, 8, 16, 8)).astype(np.float32)
    positive = np.arange(40) % 2 == 0
    for row, column in ((4, 4), (4, 5), (0, 15)):
        cells[positive, row, column, 0] += 0.8
    mask, _, _ = poof.learn(cells, positive)
    assert mask[4, 4]
    assert mask[4, 5]
    assert not mask[0, 15]  # as telling, but not connected with f


def test_cells_hold_what_lies_in_them():
    crops = torch.zeros(1, 3, poof.HEIGHT, poof.WIDTH)
    crops[:, :, 8:16, 16:24] = 1
    centres = torch.tensor([[0.0, 0, 0], [1, 1, 1]])
    counts = poof.colours(crops, centres)
    assert counts[0, 1, 2].tolist() == [0, 1]
    assert counts[..., 1].sum() == 1
    assert poof.gradients(crops)[0].norm(dim=2).nonzero()[:, 0].max() <= 2


def test_scores_are_for_all_that_show_both_parts_and_learned_from_training_pictures_alone():
    pictures, points = scene(24)
    labels, train = np.arange(24) % 3, np.arange(18)
    points[5, 0] = points[20, 1] = 0
    tasks = poof.random_tasks(points[train], labels[train], 6, seed=0)
    assert len({(task.i, task.j) for task in tasks}) > 1
    centres = poof.colour_centres(torch.cat([pictures] * 2))
    made, scores, shuffled = poof.poofs(pictures, points, labels, train, tasks, centres)
    assert np.isnan(scores[[5, 20]]).all()
    assert not np.isnan(np.delete(scores, [5, 20], 0)).any()
    other = labels.copy()
    other[18:] = (labels[18:] + 1) % 3
    assert np.array_equal(
        poof.poofs(pictures, points, other, train, tasks, centres)[1], scores, equal_nan=True
    )
    x = poof.descriptor(scores, train)
    assert not x[[5, 20]].any()  # missing is the mean
    assert np.allclose(np.delete(np.linalg.norm(x, axis=1), [5, 20]), 1, atol=1e-5)
    assert not np.allclose(np.nan_to_num(shuffled), np.nan_to_num(scores))
    assert made[0].mask.shape == (8, 16)


def test_one_part_is_made_of_left_and_right():
    points = np.array([[[0, 0, 0], [5, 6, 1], [7, 8, 1]], [[1, 2, 1], [5, 6, 1], [7, 8, 1]]], np.float32)
    merged, names = poof.merge_sides(points, ("left eye", "right eye", "tail"))
    assert names == ("eye", "tail")
    assert merged[:, 0].tolist() == [[5, 6, 1], [1, 2, 1]]


def test_too_few_pictures_say_so():
    points = np.zeros((6, 2, 3))
    with pytest.raises(ValueError, match=r"0 of 3 tasks were found\. Take more pictures"):
        poof.random_tasks(points, np.array([0, 0, 0, 1, 1, 1]), 3, seed=0)
