"""Figures from local descriptors to Fisher vectors: places, colours and lengths are those that were given."""

import base64
import io
import re
import warnings
from itertools import combinations, product

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.collections import EllipseCollection, LineCollection, PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import AxesImage
from matplotlib.offsetbox import AnnotationBbox
from matplotlib.patches import Ellipse, Rectangle
from PIL import Image
from skimage.color import rgb2lab

from lecture_lib import display
from lecture_lib.chapters.ifv_vs_cnn import (
    assignment_maps,
    gaussians,
    local_descriptors,
    normalisations,
    widget,
)
from lecture_lib.chapters.ifv_vs_cnn import assignment_maps as painting
from lecture_lib.chapters.ifv_vs_cnn import widget as paint_explorer
from lecture_lib.chapters.ifv_vs_cnn.local_descriptors import thinned
from lecture_lib.chapters.ifv_vs_cnn.wheel import gaussian_colours, wheel
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.display import style
from lecture_lib.encoders.sift import Local, phow, sift_pyramid

H, W = 48, 64


def grid(sizes=(4.0,), step=3, start=(15, 12), shape=(10, 8), picture=(H, W), d=128):
    """Descriptors on a grid of shape (columns, rows), the same centres for every bin size, and random numbers."""
    x, y = (s + step * torch.arange(n, dtype=torch.float32) for s, n in zip(start, shape, strict=True))
    xy = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2).repeat(len(sizes), 1)
    size = torch.tensor(sizes).repeat_interleave(len(x) * len(y))
    numbers = torch.rand(len(xy), d, generator=torch.Generator().manual_seed(0))
    return Local(numbers, xy, size, picture)


def plain(value=255, height=H, width=W):
    return torch.full((3, height, width), value, dtype=torch.uint8)


def places():
    """A picture whose red is the column and whose green is the row."""
    picture = plain(0)
    picture[0], picture[1] = torch.arange(W), torch.arange(H)[:, None]
    return picture


def ring(K, D=2):
    """Means on a circle, anticlockwise."""
    turn = 2 * np.pi * (np.arange(K) + 0.25) / K - np.pi
    return np.pad(np.stack([np.cos(turn), np.sin(turn)], 1), ((0, 0), (0, D - 2)))


def one_hot(labels, K):
    return torch.nn.functional.one_hot(torch.as_tensor(labels), K).float()


def halves(local, K=2):
    """Left descriptors belong to Gaussian 0, right ones to Gaussian 1."""
    return one_hot((local.xy[:, 0] > local.xy[:, 0].mean()).long(), K)


def render(figure):
    """RGB pixels [H, W, 3] as shown in a notebook."""
    return np.asarray(Image.open(io.BytesIO(style.encode(figure)[0])).convert("RGB")).astype(int)


def texts(figure):
    found = [t.get_text() for axes in figure.axes for t in axes.texts]
    return found + [t.get_text() for legend in figure.legends for t in legend.get_texts()]


def of(kind, axes):
    return [artist for artist in axes.get_children() if isinstance(artist, kind) and artist is not axes.patch]


def share_of(pixels, colour, tolerance=12):
    """The share of the pixels that have about this colour (0..1)."""
    return (np.abs(pixels - 255 * np.asarray(colour)).max(-1) < tolerance).mean()


# ----------------------------------------------------------------------------------------------------------- wheel


def test_colours_of_the_wheel_are_equally_light_and_all_different():
    colours = wheel(8)
    lightness, a, b = rgb2lab(colours).T
    assert np.ptp(lightness) < 6  # OKLab's lightness is not quite CIELAB's
    assert (np.hypot(a, b) > 25).all()
    assert min(np.abs(one - other).max() for one, other in combinations(colours, 2)) > 0.1
    assert colours.min() >= 0
    assert colours.max() <= 1
    assert colours[0].argmax() == 2  # blue


@pytest.mark.parametrize("K", [4, 8, 64])
def test_gaussians_side_by_side_have_neighbouring_hues_and_differ_in_lightness(K):
    lab = rgb2lab(gaussian_colours(ring(K, 5)))
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))
    for alike in (hue[::2], hue[1::2]):  # of one lightness
        steps = (np.roll(alike, -1) - alike) % 360
        assert steps.sum() == pytest.approx(360)  # once around, in the order of the ring
    assert (np.abs(np.diff(lab[:, 0])) > 15).all()


def test_the_colour_of_a_gaussian_does_not_depend_on_its_number_or_on_where_the_origin_is():
    means = np.random.default_rng(0).normal(size=(9, 3))
    order = np.random.default_rng(1).permutation(9)
    assert np.allclose(gaussian_colours(means)[order], gaussian_colours(means[order] + 100))


def test_means_without_a_plane_are_refused():
    with pytest.raises(ValueError, match=r"not \[5, 1\]"):
        gaussian_colours(np.zeros((5, 1)))


# ---------------------------------------------------------------------------------------------- the grid, one patch


def test_patches_of_all_sizes_lie_around_the_chosen_centre_and_have_four_by_four_cells():
    local = grid((4.0, 6.0, 8.0, 10.0))
    i = 93  # of the second size
    left, right = local_descriptors.frames(plain(), local, i).axes
    x, y = local.xy[i].tolist()
    for axes in (left, right):
        boxes = {b.get_width(): b.get_bbox().extents.tolist() for b in of(Rectangle, axes)}
        assert sorted(boxes) == [16, 24, 32, 40]
        for side, extents in boxes.items():
            assert extents == [x - side / 2, y - side / 2, x + side / 2, y + side / 2]
    cells = [c.get_segments() for c in of(LineCollection, right)]
    upright = sorted(float(s[0][0]) - x for s in cells[-1] if s[0][0] == s[1][0])
    assert upright == [-4, 0, 4]
    assert sorted(float(s[0][1]) - y for s in cells[-1] if s[0][1] == s[1][1]) == [-4, 0, 4]
    assert all(len(lines) == 6 for lines in cells)


def test_the_legend_tells_bins_and_patches():
    figure = local_descriptors.frames(plain(), grid((4.0, 6.0)), 0)
    assert texts(figure) == ["4 pixels (16 × 16)", "6 pixels (24 × 24)"]


def test_all_centres_of_one_size_are_on_the_right_and_the_picture_is_as_sift_sees_it():
    local = grid((4.0, 6.0))
    left, right = local_descriptors.frames(places(), local, 0).axes
    (dots,) = of(PathCollection, right)
    assert np.array_equal(dots.get_offsets(), local.xy[:80])
    shown = of(AxesImage, left)[0].get_array()
    assert shown[10, 20] == pytest.approx((0.299 * 20 + 0.587 * 10) / 255)
    assert len(of(PathCollection, left)[0].get_offsets()) == 80


def test_of_a_fine_grid_every_nth_row_and_column_is_drawn():
    local = grid(shape=(200, 150), step=1)
    kept = thinned(local.xy.numpy())
    assert sorted(set(kept[:, 0] - 15)) == list(range(0, 200, 3))
    assert sorted(set(kept[:, 1] - 12)) == list(range(0, 150, 3))
    assert len(kept) == 67 * 50


def test_where_sizes_have_grids_of_their_own_each_patch_is_the_nearest_of_its_size():
    picture = torch.randint(
        0, 256, (3, 60, 80), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    local = sift_pyramid(picture, size=4, scales=(1, 0.5))
    i = 100
    right = local_descriptors.frames(picture, local, i).axes[1]
    for box in of(Rectangle, right):
        x0, y0, x1, y1 = box.get_bbox().extents
        centre = torch.tensor([(x0 + x1) / 2, (y0 + y1) / 2])
        own = local.xy[local.size == box.get_width() / 4]
        best = (own - local.xy[i]).abs().amax(1).min()
        assert (centre - local.xy[i]).abs().max() == pytest.approx(float(best), abs=1e-4)


@pytest.mark.parametrize("draw", [local_descriptors.frames, local_descriptors.descriptor])
def test_descriptors_of_another_picture_and_numbers_of_none_are_refused(draw):
    with pytest.raises(ValueError, match=r"of 48 × 64 pixels, the picture is \[3, 64, 48\]"):
        draw(plain(255, W, H), grid(), 0)
    for i in (-1, 80):
        with pytest.raises(ValueError, match=f"descriptors 0 .. 79, none is {i}"):
            draw(plain(), grid(), i)


def test_an_arm_points_to_where_the_picture_gets_brighter_and_is_as_long_as_its_number():
    picture = plain(0)
    picture[:, H // 2 :] = 200  # bright below
    local = phow(picture, sizes=(4,))
    i = int((local.xy - torch.tensor([W / 2, H / 2])).abs().amax(1).argmin())
    axes = local_descriptors.descriptor(picture, local, i).axes[1]
    *_, arms = of(LineCollection, axes)
    vectors = np.array([tip - root for root, tip in arms.get_segments()])
    d = local.x[i].numpy()
    lengths = np.hypot(*vectors.T)
    assert np.allclose(lengths, d / d.max() * 0.48 * 4, atol=1e-5)
    assert (vectors[lengths > 1] @ [0, 1] > 1).all()  # down, as y points down
    assert (lengths > 1).sum() == 8  # the two lines of cells at the edge


def test_stars_stand_in_the_cells_whose_histograms_they_are():
    local = grid()
    local.x[5] = 0
    local.x[5, (4 * 1 + 3) * 8 + 2] = 1  # second line, fourth column, straight down
    *_, arms = of(LineCollection, local_descriptors.descriptor(plain(), local, 5).axes[1])
    root, tip = max(arms.get_segments(), key=lambda ends: np.hypot(*(ends[1] - ends[0])))
    x, y = local.xy[5].tolist()
    assert root.tolist() == [x + 1.5 * 4, y - 0.5 * 4]
    assert np.allclose(tip - root, [0, 0.48 * 4])


def test_bars_are_the_numbers_and_have_the_colours_of_their_arms():
    local = grid()
    _, patch, bars = local_descriptors.descriptor(plain(), local, 7).axes
    boxes = of(Rectangle, bars)
    assert [b.get_height() for b in boxes] == pytest.approx(local.x[7].tolist())
    arms = of(LineCollection, patch)[-1].get_colors()
    assert np.allclose([b.get_facecolor()[:3] for b in boxes], arms[:, :3])
    assert [t.get_text() for t in bars.get_xticklabels()][:5] == ["1, 1", "1, 2", "1, 3", "1, 4", "2, 1"]


def test_descriptors_after_pca_are_no_sift():
    with pytest.raises(ValueError, match="128 numbers, these have 80: draw it before PCA"):
        local_descriptors.descriptor(plain(), grid(d=80), 0)


# -------------------------------------------------------------------------------------------------------- painting


@pytest.mark.parametrize("step", [3, 2.828427, 5.656854])
def test_each_pixel_takes_the_descriptor_of_the_nearest_centre_unless_that_was_left_out(step):
    local = grid((4.0, 6.0), step=step, start=(12.3, 10.7), shape=(7, 5))
    left = torch.ones(70, dtype=torch.bool)
    left[[35, 40, 41, 55]] = False
    kept = Local(local.x[left], local.xy[left], local.size[left], local.picture)
    nearest = painting.nearest_centre(kept, 6.0)
    second = np.arange(35, 70)
    number = np.cumsum(left.numpy()) - 1
    for y, x in product(range(H), range(W)):
        away = np.abs(local.xy[second].numpy() - [x, y]).max(1)
        best = second[away.argmin()]
        if abs(away.min() - step / 2) < 1e-3:
            continue  # between two
        inside = away.min() < step / 2 and left[best]
        assert nearest[y, x] == (number[best] if inside else -1), (y, x)


def test_one_row_and_one_descriptor_are_painted_too():
    row = painting.nearest_centre(grid(shape=(6, 1), start=(10, 20)), 4.0)
    assert set(row[row >= 0]) == set(range(6))
    one = painting.nearest_centre(grid(shape=(1, 1), start=(10, 20)), 4.0)
    assert np.argwhere(one == 0).mean(0).tolist() == [19.5, 9.5]


def test_centres_of_resized_pictures_are_a_grid_as_well():
    picture = torch.randint(
        0, 256, (3, 97, 131), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    local = sift_pyramid(picture, size=4)
    for size in local.size.unique().tolist():
        nearest = painting.nearest_centre(local, size)
        own = torch.nonzero(local.size == size)[:, 0]
        x, y = local.xy[own].round().long().T
        assert set(nearest[nearest >= 0].tolist()) == set(own.tolist())
        assert (nearest[y, x] == own.numpy()).all()


def test_paint_mixes_colours_by_posterior_and_is_as_bright_as_the_picture():
    nearest = np.array([[0, 1, 2, -1]])
    q = np.array([[1, 0], [0.5, 0.5], [0.25, 0]])
    colours = np.array([[1, 0, 0], [0, 0, 1.0]])
    white = painting.paint(np.ones((1, 4)), nearest, q, colours)[0]
    assert white.tolist() == [[255, 0, 0], [128, 0, 128], [255, 191, 191], [255, 255, 255]]
    black = painting.paint(np.zeros((1, 4)), nearest, q, colours)[0]
    dark, pale = 255 * painting.SHADE, 255 * (1 - painting.PAPER)
    assert np.allclose(black[0], [dark, 0, 0], atol=1)
    assert np.allclose(black[2], [0.25 * dark + 0.75 * pale, 0.75 * pale, 0.75 * pale], atol=1)
    assert np.allclose(black[3], pale, atol=1)


def test_a_page_of_assignments_has_each_gaussian_where_its_descriptors_are():
    local = grid((4.0, 8.0))
    means = np.array([[-1.0, 0], [1, 0]])
    left, right = gaussian_colours(means)
    figure = assignment_maps.assignments(plain(), local, halves(local), means, title="title")
    canvas = of(AxesImage, figure.axes[0])[0].get_array()
    q = halves(local)
    for panel, first in (
        (318, 0),
        (630, 80),
    ):  # left edges of the panels, and the first descriptor of their size
        for i in range(first + 11, first + 69):
            x, y = ((local.xy[i] + 0.5) * 300 / W).long().tolist()
            near = local.xy[i, 0] in (27, 30)  # where two colours meet
            assert near or np.allclose(
                canvas[36 + y, panel + x] / 255, (left, right)[int(q[i, 1])], atol=0.03
            )
    assert {"the picture", "bins of 4 pixels", "bins of 8 pixels", "title"} <= set(texts(figure))


def test_only_descriptors_of_one_size_are_painted_on_a_panel():
    local = grid((4.0, 8.0))
    q = one_hot((local.size > 4).long(), 2)
    canvas = of(AxesImage, assignment_maps.assignments(plain(), local, q, ring(2)).axes[0])[0].get_array()
    first, second = gaussian_colours(ring(2))
    small, large = canvas[:231, 318:618], canvas[:231, 630:]
    assert share_of(small, first) > 0.1 < share_of(large, second)
    assert share_of(small, second) == 0 == share_of(large, first)


def test_the_legend_has_the_strongest_gaussians_with_their_shares():
    local = grid()
    figure = assignment_maps.assignments(plain(), local, one_hot([2] * 60 + [0] * 20, 3), ring(3))
    legend = [t for t in texts(figure) if t.startswith("k =")]
    assert legend == ["k = 2: 75.0%", "k = 0: 25.0%", "k = 1: 0.0%"]
    boxes = of(Rectangle, figure.axes[0])
    assert to_rgb(boxes[0].get_facecolor()) == pytest.approx(gaussian_colours(ring(3))[2], abs=0.01)
    many = assignment_maps.assignments(plain(), local, one_hot(range(80), 80), ring(80))
    assert "68 others: 85.0%" in texts(many)


def test_any_number_of_bin_sizes_has_its_place_on_the_page():
    for n in (1, 2, 3, 7):
        local = grid(tuple(4.0 + k for k in range(n)))
        figure = assignment_maps.assignments(plain(), local, halves(local), ring(2))
        height = len(of(AxesImage, figure.axes[0])[0].get_array())
        assert all(t.get_position()[1] < height for t in figure.axes[0].texts)
        assert all(b.get_y() + 14 < height for b in of(Rectangle, figure.axes[0]))


def test_posteriors_that_do_not_fit_are_refused():
    local = grid()
    for q, K in ((torch.zeros(79, 2), 2), (torch.zeros(80, 3), 2), (torch.zeros(80), 1)):
        with pytest.raises(ValueError, match=rf"are \[80, {K}\], .* not \[{', '.join(map(str, q.shape))}\]"):
            assignment_maps.assignments(plain(), local, q, ring(K))
    with pytest.raises(ValueError, match="of 48 × 64 pixels"):
        assignment_maps.assignments(plain(255, W, H), local, halves(local), ring(2))
    with pytest.raises(ValueError, match=r"k = 0 .. 1, none is 2"):
        assignment_maps.posterior_maps(plain(), local, halves(local), ring(2), [2])


def test_a_map_of_one_gaussian_is_coloured_where_it_fires_and_pale_elsewhere():
    local = grid()
    q = halves(local, 3)
    figure = assignment_maps.posterior_maps(plain(), local, q, ring(3), [1, 0])
    canvas = of(AxesImage, figure.axes[0])[0].get_array()
    colours = gaussian_colours(ring(3))
    start = canvas.shape[1] - 196
    rows = [canvas[: canvas.shape[0] // 2 + 6, start:], canvas[canvas.shape[0] // 2 + 6 :, start:]]
    for row, k in zip(rows, (1, 0), strict=True):
        assert share_of(row, colours[k]) > 0.05
        assert share_of(row, colours[1 - k]) == 0
    first, second = (np.flatnonzero((row < 240).any((0, 2))) for row in rows)
    assert first.min() > second.max() - 4  # of Gaussian 1 on the right, of Gaussian 0 on the left
    assert [t for t in texts(figure) if t[:3] == "k ="] == ["k = 1", "k = 0"]
    assert texts(figure).count("50.0%") == 2


def test_typical_patches_are_the_surest_and_lie_apart():
    local = grid((4.0, 6.0))
    posterior = np.random.default_rng(0).random(160)
    chosen = painting.typical(local, posterior, 5)
    assert chosen[0] == posterior.argmax()
    assert (np.diff(posterior[chosen]) < 0.001).all()
    assert (posterior[chosen] >= 0.5).all()
    for one, other in combinations(chosen, 2):
        assert (local.xy[one] - local.xy[other]).abs().max() > 2 * local.size[one]
    assert painting.typical(local, posterior * 0.49, 5) == []
    assert painting.typical(local, np.where(np.arange(160) == 3, 1.0, 0), 5) == [3]


@pytest.mark.parametrize("size", [4.0, 5.0, 5.656854])
def test_a_patch_is_the_square_of_four_bins_around_its_centre(size):
    local = grid((size,), start=(30.5, 20.5), shape=(1, 1))
    patch = painting.crop(painting.as_pixels(places()), local, 0)
    side = round(4 * size)
    assert patch.shape == (side, side, 3)
    assert patch[0, 0, 0] == pytest.approx(30.5 - 2 * size + 0.5, abs=0.51)
    assert patch[-1, -1, 0] == pytest.approx(30.5 + 2 * size - 0.5, abs=0.51)
    assert patch[0, 0, 1] == pytest.approx(20.5 - 2 * size + 0.5, abs=0.51)


def test_a_patch_around_the_centre_of_a_pixel_has_each_column_once():
    patch = painting.crop(painting.as_pixels(places()), grid((4.0,), start=(30, 21), shape=(1, 1)), 0)
    assert (
        np.diff(patch[0, :, 0].astype(int)).tolist()
        == np.diff(patch[:, 0, 1].astype(int)).tolist()
        == [1] * 15
    )


def test_a_patch_over_the_border_continues_it():
    local = grid((4.0,), start=(1, 46), shape=(1, 1))
    patch = painting.crop(painting.as_pixels(places()), local, 0)
    assert patch[:, :6, 0].max() == 0
    assert patch[-5:, :, 1].min() == H - 1


# ------------------------------------------------------------------------------------------- Gaussians in the plane


def mixture(K, D=2):
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(K))
    return 3 * ring(K, D), rng.uniform(0.1, 2, (K, D)), weights


def test_ellipses_are_one_standard_deviation_around_the_means_and_thicker_for_heavy_gaussians():
    means, variances, weights = mixture(6, 4)
    z = np.random.default_rng(1).normal(size=(500, 4))
    axes = gaussians.gaussian_plane(z, means, variances, weights).axes[0]
    (ellipses,) = of(EllipseCollection, axes)
    assert np.allclose(ellipses.get_offsets(), means[:, :2])
    assert np.allclose(2 * ellipses._widths, 2 * np.sqrt(variances[:, 0]))  # it keeps half axes
    assert np.allclose(2 * ellipses._heights, 2 * np.sqrt(variances[:, 1]))
    assert (np.argsort(ellipses.get_linewidths()) == np.argsort(weights)).all()
    assert np.allclose(ellipses.get_edgecolors()[:, :3], gaussian_colours(means))
    assert {f"k = {k}" for k in range(6)} == set(texts(axes.figure))


def test_the_chosen_gaussian_has_also_the_ellipse_of_two_standard_deviations_and_tells_its_weight():
    means, variances, weights = mixture(20)
    axes = gaussians.gaussian_plane(np.zeros((5, 2)), means, variances, weights, chosen=3).axes[0]
    sides = {round(e.width / np.sqrt(variances[3, 0]), 6) for e in of(Ellipse, axes)}
    assert sides == {2, 4}
    assert all(tuple(e.center) == tuple(means[3]) for e in of(Ellipse, axes))
    assert texts(axes.figure) == [
        f"k = 3, weight {weights[3]:.1%}"
    ]  # of 20 the others have no room for names
    assert len(of(EllipseCollection, axes)[0].get_offsets()) == 19


def test_names_of_gaussians_on_one_place_do_not_touch_and_nothing_lies_outside():
    means = np.concatenate([np.zeros((5, 2)), ring(5)]) + 1e-3 * np.random.default_rng(0).normal(size=(10, 2))
    figure = gaussians.gaussian_plane(means, means, np.full((10, 2), 0.3), np.full(10, 0.1), chosen=2)
    render(figure)
    axes = figure.axes[0]
    boxes = [t.get_window_extent() for t in axes.texts]
    assert len(boxes) == 10
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    (x0, y0), (x1, y1) = axes.viewLim.get_points()
    half = np.sqrt(0.3)
    assert x0 < means[:, 0].min() - half < means[:, 0].max() + half < x1
    assert y0 < means[:, 1].min() - half < means[:, 1].max() + half < y1


def test_of_many_descriptors_some_are_drawn():
    z = np.random.default_rng(0).normal(size=(9000, 3))
    means, variances, weights = mixture(2, 3)
    (dots,) = of(PathCollection, gaussians.gaussian_plane(z, means, variances, weights).axes[0])
    assert len(dots.get_offsets()) == gaussians.MOST_POINTS


def test_a_mixture_that_does_not_fit_itself_or_the_plane_is_refused():
    means, variances, weights = mixture(4, 3)
    z = np.zeros((9, 3))
    for parts in (
        (means[:3], variances, weights),
        (means, variances[:, :2], weights),
        (means, variances, weights[1:]),
    ):
        with pytest.raises(ValueError, match="means and variances"):
            gaussians.gaussian_plane(z, *parts)
    with pytest.raises(ValueError, match=r"not \[9, 1\]"):
        gaussians.gaussian_plane(z[:, :1], means, variances, weights)
    with pytest.raises(ValueError, match=r"k = 0 .. 3, none is 4"):
        gaussians.gaussian_plane(z, means, variances, weights, chosen=4)


def test_bars_of_a_fisher_vector_are_u_and_v_of_the_gaussian_they_are_named_after():
    K, D = 5, 3
    phi = np.arange(2 * K * D) - 14.5
    figure = gaussians.fisher_blocks(torch.tensor(phi), K, [1, 4])
    blocks = {}
    for axes in figure.axes:
        if named := re.fullmatch(r"\$([uv])_\{(\d)\}\$", axes.get_ylabel()):
            bars = of(Rectangle, axes)[:D]
            blocks[named.groups()] = [b.get_height() for b in bars]
            signs = [to_hex(b.get_facecolor()) == gaussians.NEGATIVE for b in bars]
            assert signs == [b.get_height() < 0 for b in bars]
            assert axes.get_ylim()[0] < -14 < 14 < axes.get_ylim()[1]
    u1, v4 = phi[2 * D : 3 * D], phi[9 * D :]  # [u_0; v_0; u_1; ...]
    assert blocks["u", "1"] == u1.tolist()
    assert blocks["v", "4"] == v4.tolist()
    assert len(blocks) == 4


def test_the_image_of_a_fisher_vector_has_a_row_a_gaussian_and_white_at_zero():
    K, D = 5, 3
    phi = np.arange(2.0 * K * D)
    u, v = (of(AxesImage, axes)[0] for axes in gaussians.fisher_blocks(phi, K, []).axes[:2])
    assert u.get_array().tolist() == phi.reshape(K, 2, D)[:, 0].tolist()
    assert v.get_array().tolist() == phi.reshape(K, 2, D)[:, 1].tolist()
    assert u.norm.vmin == v.norm.vmin == -u.norm.vmax == -v.norm.vmax
    assert u.cmap(u.norm(0.0))[:3] == pytest.approx((1, 1, 1), abs=0.05)
    assert u.axes.get_ylim() == v.axes.get_ylim() == (K - 0.5, -0.5)  # the first on top


def test_a_fisher_vector_of_an_empty_picture_is_drawn_and_one_of_another_length_is_refused():
    render(gaussians.fisher_blocks(np.zeros(24), 4, [0, 3]))
    with pytest.raises(ValueError, match=r"a multiple of 8, not \[20\]"):
        gaussians.fisher_blocks(np.zeros(20), 4, [0])
    with pytest.raises(ValueError, match=r"not \[2, 12\]"):
        gaussians.fisher_blocks(np.zeros((2, 12)), 3, [0])
    with pytest.raises(ValueError, match=r"k = 0 .. 3, none is -1"):
        gaussians.fisher_blocks(np.zeros(24), 4, [-1])


# -------------------------------------------------------------------------------------------------- normalisations


def legends(figure):
    return [[t.get_text() for t in axes.get_legend().get_texts()] for axes in figure.axes]


def test_burstiness_tells_kurtosis_and_the_share_of_the_top_dimensions():
    single = np.eye(200)[:1] * 7  # mean square 49/200: the fourth moment is 200 of it
    flat = np.tile([3.0, -3.0], 100)[None]
    values, energy = legends(normalisations.burstiness(single, flat))
    assert values == ["before: kurtosis 200", "after: kurtosis 1"]
    assert energy == ["before: top 1% hold 100%", "after: top 1% hold 1%"]


def test_the_energy_rises_from_0_to_1_and_is_the_mean_over_pictures():
    share, energy = normalisations.accumulated(np.array([[3.0, -4.0], [0, 1]]))
    assert share.tolist() == [0, 0.5, 1]
    assert energy == pytest.approx([0, (16 / 25 + 1) / 2, 1])


def test_the_length_of_a_vector_does_not_matter_to_its_burstiness_and_empty_pictures_do_not_count():
    rng = np.random.default_rng(0)
    before, after = rng.standard_t(3, (4, 300)), rng.normal(size=(4, 300))
    alone = normalisations.burstiness(before, after)
    scale = np.array([[1], [50], [0.01], [3]])
    with_zeros = normalisations.burstiness(
        np.pad(before * scale, ((0, 2), (0, 0))), np.pad(after, ((0, 2), (0, 0)))
    )
    assert legends(alone) == legends(with_zeros)
    assert np.allclose(alone.axes[1].lines[0].get_ydata(), with_zeros.axes[1].lines[0].get_ydata())
    one = normalisations.burstiness(torch.tensor(before[0]), torch.tensor(after[0]))
    assert legends(one)[0][0] != legends(alone)[0][0]


def test_vectors_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match=r"not \[4\] and \[2, 4\]"):
        normalisations.burstiness(np.ones(4), np.ones((2, 4)))
    with pytest.raises(ValueError, match="All vectors are zero"):
        normalisations.burstiness(np.zeros(4), np.ones(4))


def coloured(n=6):
    array = np.zeros((n, 3, 12, 16), np.uint8)
    array[:, 0] = (40 * np.arange(n))[:, None, None]
    return ImageCollection("made up", "twin", ArrayImages(array), ("a",), np.zeros(n, int))


def test_pictures_stand_at_their_lengths():
    values = np.array([5.0, 1, 3, 2, 9, 4])
    axes = normalisations.lengths(values, coloured(), [4, 1, 2], xlabel="length").axes[0]
    at = {box.offsetbox.get_data()[5, 5, 0] // 40: box.xy[0] for box in of(AnnotationBbox, axes)}
    assert at == {4: 9, 1: 1, 2: 3}
    assert sum(b.get_height() for b in of(Rectangle, axes)) == 6
    low, high = axes.get_xlim()
    assert low < 1 < 9 < high


def test_lengths_of_other_pictures_are_refused():
    with pytest.raises(ValueError, match=r"6 pictures have lengths \[6\], not \[5\]"):
        normalisations.lengths(np.ones(5), coloured(), [0], xlabel="length")
    with pytest.raises(ValueError, match=r"pictures 0 .. 5, none is 6"):
        normalisations.lengths(np.ones(6), coloured(), [6], xlabel="length")


# ----------------------------------------------------------------------------------------------------------- costs


def costs(n=14, spread=1.0):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "name": [f"method {i}, K = {2**i}" for i in range(n)],
            "family": ["IFV", "CNN", "BoW"] * (n // 3) + ["IFV"] * (n % 3),
            "x": 10 ** (4 + spread * rng.random(n)),
            "value": 50 + 20 * spread * rng.random(n),
        }
    )
    return table.assign(low=table.value - 1.5, high=table.value + 2)


def trade(table, paper=None):
    return display.tradeoff(table, paper, xlabel="numbers a picture", ylabel="mAP, %", title="title")


def test_marks_and_intervals_lie_where_the_table_says():
    table = costs()
    figure = trade(table)
    axes = figure.axes[0]
    marks = [line for line in axes.lines if line.get_marker() != "None"]
    assert [(m.get_xdata()[0], m.get_ydata()[0]) for m in marks] == list(
        zip(table.x, table.value, strict=True)
    )
    ends = [c.get_segments()[0] for c in of(LineCollection, axes)]
    assert [(e[0][1], e[1][1]) for e in ends] == list(zip(table.low, table.high, strict=True))
    looks = {
        (f, m.get_color(), m.get_marker(), to_hex(m.get_mec()))
        for f, m in zip(table.family, marks, strict=True)
    }
    assert len(looks) == 3
    assert texts(figure)[-3:] == ["IFV", "CNN", "BoW"]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "numbers a picture (logarithmic)"


@pytest.mark.parametrize("spread", [1.0, 0.4])
def test_names_cover_no_mark_and_no_other_name_and_where_there_is_room_no_interval(spread):
    table = costs(spread=spread)
    figure = trade(table)
    render(figure)
    axes = figure.axes[0]
    names = {t.get_text(): t.get_window_extent() for t in axes.texts}
    assert set(names) == set(table.name)
    assert not any(one.overlaps(other) for one, other in combinations(names.values(), 2))
    height = figure.canvas.get_width_height()[1]
    for row in table.itertuples():
        x, y = axes.transData.transform((row.x, row.value))
        low, high = (axes.transData.transform((row.x, v))[1] for v in (row.low, row.high))
        for box in names.values():
            assert not (box.x0 < x < box.x1 and box.y0 < y < box.y1)
            assert spread < 1 or not (box.x0 < x < box.x1 and box.y0 < high and low < box.y1)
        own = names[row.name]
        assert np.hypot(max(own.x0 - x, x - own.x1, 0), max(own.y0 - y, y - own.y1, 0)) < 90
    assert all(
        axes.bbox.x0 <= b.x0 and b.x1 <= axes.bbox.x1 and b.y0 >= 0 and b.y1 <= height for b in names.values()
    )


def test_a_name_far_from_its_mark_is_joined_to_it():
    table = costs(12, spread=0.05)
    axes = trade(table).axes[0]
    joined = [line for line in axes.lines if len(line.get_xdata()) == 2]
    starts = {round(float(line.get_xdata()[0]), 3) for line in joined}
    assert starts
    assert starts <= {round(x, 3) for x in table.x}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        single = trade(costs(1)).axes[0]
    assert all(len(line.get_xdata()) == 1 for line in single.lines)


def test_values_of_the_paper_are_hollow_and_have_the_colours_of_their_families():
    paper = pd.DataFrame(
        {"name": ["FK", "CNN M"], "family": ["IFV", "CNN"], "x": [83968, 4096], "value": [66, 79.9]}
    )
    figure = trade(costs(3), paper)
    marks = {
        (m.get_xdata()[0], m.get_ydata()[0]): m for m in figure.axes[0].lines if m.get_marker() != "None"
    }
    assert marks[83968, 66].get_mfc() == "white"
    assert marks[83968, 66].get_mec() == style.of("IFV")["IFV"].colour
    assert marks[4096, 79.9].get_mec() == style.of("CNN")["CNN"].colour
    assert texts(figure)[-1] == "the paper"
    assert {"FK", "CNN M"} <= set(texts(figure))
    assert len(of(LineCollection, figure.axes[0])) == 3


def test_a_method_without_a_number_is_left_out_and_a_table_without_any_is_refused():
    table = costs(3)
    table.loc[1, "value"] = np.nan
    assert table.name[1] not in texts(trade(table))
    with pytest.raises(ValueError, match="no row with x and value"):
        trade(table[1:2])
    with pytest.raises(ValueError, match="no column 'family'"):
        trade(table.drop(columns="family"))
    with pytest.raises(ValueError, match="no column 'low'"):
        trade(table.drop(columns="low"))
    with pytest.raises(ValueError, match="x = 0 has no place"):
        trade(table.assign(x=0))


# -------------------------------------------------------------------------------------------------------- explorer


def mixtures(local):
    q = torch.rand(len(local), 9, generator=torch.Generator().manual_seed(1)) ** 8
    return {9: (q / q.sum(1, keepdim=True), ring(9)), 2: (halves(local), ring(2))}


def parts(box):
    *_, counts, scales, view = box.children
    return counts, scales, view


def embedded(view):
    data = re.findall(r'base64,([^"]+)"', view.value)
    return [np.array(Image.open(io.BytesIO(base64.b64decode(d))).convert("RGB")).astype(int) for d in data]


def test_the_explorer_paints_the_chosen_mixture_at_the_chosen_scale():
    local = grid((4.0, 8.0))
    given = mixtures(local)
    counts, scales, view = parts(widget.assignment_explorer(plain(), local, given))
    assert counts.options == (2, 9)
    assert [label for label, _ in scales.options] == ["4", "8"]
    for K, size in product((9, 2), (8.0, 4.0)):
        counts.value, scales.value = K, size
        picture, painted, *_ = embedded(view)
        q, colours = given[K][0].numpy(), gaussian_colours(given[K][1])
        expected = painting.paint(np.ones((H, W)), painting.nearest_centre(local, size), q, colours)
        at = [(int(400 * (x + 0.5) / W), int(400 * (y + 0.5) / W)) for x, y in ((16, 13), (42, 31), (30, 22))]
        for (px, py), (x, y) in zip(at, ((16, 13), (42, 31), (30, 22)), strict=True):
            assert np.abs(painted[py, px] - expected[y, x]).max() < 25
        assert (picture > 250).all()
        own = q[local.size.numpy() == size].mean(0)
        shown = [(int(k), float(s)) for k, s in re.findall(r"k = (\d+)</b>: ([\d.]+)%", view.value)]
        assert [k for k, _ in shown] == np.argsort(-own, kind="stable")[:6].tolist()
        assert [s for _, s in shown] == pytest.approx([100 * own[k] for k, _ in shown], abs=0.06)
        assert re.findall(r"background:(#\w+)\"></div>", view.value)[0] == to_hex(colours[shown[0][0]])


def test_patches_in_the_explorer_are_of_the_chosen_scale_and_of_their_gaussian():
    picture = plain(0)
    picture[0, :, : W // 2] = 200
    local = grid((2.0, 4.0), start=(9, 12), shape=(16, 8))
    swapped = (local.xy[:, 0] > W / 2) ^ (local.size > 3)  # at the other scale they change sides
    q = one_hot(swapped.long(), 2)
    _, scales, view = parts(widget.assignment_explorer(picture, local, {2: (q, ring(2))}))
    for size, red in ((2.0, "0"), (4.0, "1")):
        scales.value = size
        for block in view.value.split("<b>k = ")[1:]:
            tiles = [
                Image.open(io.BytesIO(base64.b64decode(d))) for d in re.findall(r'base64,([^"]+)"', block)
            ]
            assert len(tiles) > 2
            assert all((tile.getpixel((24, 24))[0] > 100) == (block[0] == red) for tile in tiles)
    assert "<img" not in paint_explorer.line(
        np.zeros((H, W, 3), np.uint8), local, np.zeros(len(local)), 0, 0.0, "#000"
    )


def test_turning_back_needs_no_new_painting(monkeypatch):
    local = grid((4.0, 8.0))
    counts, scales, view = parts(widget.assignment_explorer(plain(), local, mixtures(local)))
    seen = {}
    for K, size in product((2, 9), (4.0, 8.0)):
        counts.value, scales.value = K, size
        seen[K, size] = view.value
    assert len(set(seen.values())) == 4
    monkeypatch.setattr(painting, "paint", None)
    for K, size in product((9, 2), (8.0, 4.0)):
        counts.value, scales.value = K, size
        assert view.value == seen[K, size]


def test_the_explorer_has_text_for_its_pictures_loads_nothing_and_takes_a_title_as_text():
    local = grid()
    box = widget.assignment_explorer(plain(), local, mixtures(local), title="<script>")
    view = box.children[-1]
    assert view.value.count("<img") == len(re.findall(r'<img alt="[^"]+"', view.value)) > 2
    assert "http" not in view.value
    assert box.children[0].value == "<b>&lt;script&gt;</b>"


def test_an_explorer_of_nothing_or_of_other_descriptors_is_refused():
    local = grid()
    with pytest.raises(ValueError, match="no mixtures"):
        widget.assignment_explorer(plain(), local, {})
    with pytest.raises(ValueError, match=r"are \[80, 2\], .* not \[79, 2\]"):
        widget.assignment_explorer(plain(), local, {2: (torch.zeros(79, 2), ring(2))})
    with pytest.raises(ValueError, match=r"2 Gaussians under K = 3"):
        widget.assignment_explorer(plain(), local, {3: (halves(local), ring(2))})


# ------------------------------------------------------------------------------------------------------- all alike


def all_figures():
    local = grid((4.0, 6.0, 8.0, 10.0))
    q, means = halves(local), ring(2)
    yield local_descriptors.frames(plain(), local, 9, title="title")
    yield local_descriptors.descriptor(plain(), local, 9, title="title")
    yield assignment_maps.assignments(plain(), local, q, means, title="title")
    yield assignment_maps.posterior_maps(plain(), local, q, means, [0, 1], title="title")
    yield gaussians.gaussian_plane(means, means, means**2 + 0.1, np.array([0.5, 0.5]), title="title")
    yield gaussians.fisher_blocks(np.arange(24.0), 4, [0, 1, 2], title="title")
    yield normalisations.burstiness(np.arange(9.0), np.arange(9.0), title="title")
    yield normalisations.lengths(np.arange(6), coloured(), [1, 4], xlabel="length", title="title")
    yield trade(costs(6))


def test_every_figure_has_its_title_and_a_white_ground_and_leaves_the_users_style_alone():
    before = dict(mpl.rcParams)
    for figure in all_figures():
        pixels = render(figure)
        assert (pixels[-1, -1] > 250).all()
        assert (pixels < 250).any()
        titles = [axes.get_title(loc="left") for axes in figure.axes] + [figure.get_suptitle()]
        assert "title" in texts(figure) + titles
        assert max(figure.get_size_inches()) <= 11
    assert dict(mpl.rcParams) == before
