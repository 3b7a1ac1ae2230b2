"""Figures from local descriptors to Fisher vectors: places, colours and lengths are those that were given."""

import re
from itertools import combinations, product

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.collections import EllipseCollection, LineCollection, PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import AxesImage
from matplotlib.offsetbox import AnnotationBbox
from matplotlib.patches import Rectangle
from skimage.color import rgb2lab

from lecture_lib.chapters.ifv_vs_cnn import figures, gaussian_figures, widget
from lecture_lib.chapters.ifv_vs_cnn.gaussian_figures import gaussian_colours, nearest_centre
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.display import style
from lecture_lib.display.pictures import as_pixels
from lecture_lib.display.tiles import tiles
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


def noise(height, width):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator)


def ring(K, D=2):
    """Means on a circle, anticlockwise."""
    turn = 2 * np.pi * (np.arange(K) + 0.25) / K - np.pi
    return np.pad(np.stack([np.cos(turn), np.sin(turn)], 1), ((0, 0), (0, D - 2)))


def one_hot(labels, K):
    return torch.nn.functional.one_hot(torch.as_tensor(labels), K).float()


def halves(local, K=2):
    """Left descriptors belong to Gaussian 0, right ones to Gaussian 1."""
    return one_hot((local.xy[:, 0] > local.xy[:, 0].mean()).long(), K)


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts]


def of(kind, axes):
    return [artist for artist in axes.get_children() if isinstance(artist, kind) and artist is not axes.patch]


@pytest.fixture
def laid(monkeypatch):
    """The blocks of pictures that are put onto pages, in their order."""
    blocks = []

    def record(rows, **options):
        blocks.extend(block for row in rows for block in row)
        return tiles(rows, **options)

    monkeypatch.setattr(gaussian_figures, "tiles", record)
    return blocks


def share_of(pixels, colour, tolerance=12):
    """The share of the pixels that have about this colour (0..1)."""
    return (np.abs(pixels - 255 * np.asarray(colour)).max(-1) < tolerance).mean()


# ----------------------------------------------------------------------------------------------------------- wheel


def test_colours_of_the_wheel_are_equally_light_and_all_different():
    colours = figures.wheel(8)
    lightness, a, b = rgb2lab(colours).T
    assert np.ptp(lightness) < 6  # OKLab's lightness is not quite CIELAB's
    assert (np.hypot(a, b) > 25).all()
    assert min(np.abs(one - other).max() for one, other in combinations(colours, 2)) > 0.1
    assert 0 <= colours.min() <= colours.max() <= 1
    assert colours[0].argmax() == 2  # blue


@pytest.mark.parametrize("K", [4, 64])
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


# ---------------------------------------------------------------------------------------------- the grid, one patch


def test_patches_of_all_sizes_lie_around_the_chosen_centre_and_have_four_by_four_cells():
    local = grid((4.0, 6.0, 8.0, 10.0))
    i = 93  # of the second size
    figure = figures.frames(plain(), local, i)
    left, right = figure.axes
    x, y = local.xy[i].tolist()
    for axes in (left, right):
        boxes = {b.get_width(): b.get_bbox().extents.tolist() for b in of(Rectangle, axes)}
        assert sorted(boxes) == [16, 24, 32, 40]
        for side, extents in boxes.items():
            assert extents == [x - side / 2, y - side / 2, x + side / 2, y + side / 2]
    cells = of(LineCollection, right)[-1].get_segments()
    assert sorted(float(s[0][0]) - x for s in cells if s[0][0] == s[1][0]) == [-4, 0, 4]
    assert sorted(float(s[0][1]) - y for s in cells if s[0][1] == s[1][1]) == [-4, 0, 4]
    legend = [t.get_text() for t in figure.legends[0].get_texts()]
    assert legend[:2] == ["4 pixels (16 × 16)", "6 pixels (24 × 24)"]


def test_where_sizes_have_grids_of_their_own_each_patch_is_the_nearest_of_its_size():
    picture, i = noise(60, 80), 100
    local = sift_pyramid(picture, size=4, scales=(1, 0.5))
    for box in of(Rectangle, figures.frames(picture, local, i).axes[1]):
        x0, y0, x1, y1 = box.get_bbox().extents
        centre = torch.tensor([(x0 + x1) / 2, (y0 + y1) / 2])
        own = local.xy[local.size == box.get_width() / 4]
        best = (own - local.xy[i]).abs().amax(1).min()
        assert (centre - local.xy[i]).abs().max() == pytest.approx(float(best), abs=1e-4)


def test_of_a_fine_grid_every_nth_row_and_column_is_drawn_over_the_picture():
    local = grid(shape=(200, 150), step=1)
    kept = figures.thinned(local.xy.numpy())
    assert sorted(set(kept[:, 0] - 15)) == list(range(0, 200, 3))
    assert sorted(set(kept[:, 1] - 12)) == list(range(0, 150, 3))
    assert len(kept) == 67 * 50


def test_descriptors_of_another_picture_are_refused():
    for draw in (figures.frames, figures.descriptor):
        with pytest.raises(ValueError, match=r"of 48 × 64 pixels, the picture is \[3, 64, 48\]"):
            draw(plain(255, W, H), grid(), 0)
    local = grid()
    with pytest.raises(ValueError, match="80 descriptors and posteriors of 79"):
        gaussian_figures.assignment_maps(plain(), local, torch.zeros(79, 2), ring(2))


def test_an_arm_points_to_where_the_picture_gets_brighter_and_is_as_long_as_its_number():
    picture = plain(0)
    picture[:, H // 2 :] = 200  # bright below
    local = phow(picture, sizes=(4,))
    i = int((local.xy - torch.tensor([W / 2, H / 2])).abs().amax(1).argmin())
    *_, arms = of(LineCollection, figures.descriptor(picture, local, i).axes[1])
    vectors = np.array([tip - root for root, tip in arms.get_segments()])
    d = local.x[i].numpy()
    lengths = np.hypot(*vectors.T)
    assert np.allclose(lengths, d / d.max() * 0.48 * 4, atol=1e-5)
    assert (vectors[lengths > 1] @ [0, 1] > 1).all()  # down, as y points down
    assert (lengths > 1).sum() == 8  # the two lines of cells at the edge


def test_stars_stand_in_the_cells_whose_histograms_they_are_and_bars_have_the_colours_of_their_arms():
    local = grid()
    local.x[5] = 0
    local.x[5, (4 * 1 + 3) * 8 + 2] = 1  # second line, fourth column, straight down
    _, patch, bars = figures.descriptor(plain(), local, 5).axes
    arms = of(LineCollection, patch)[-1]
    root, tip = max(arms.get_segments(), key=lambda ends: np.hypot(*(ends[1] - ends[0])))
    x, y = local.xy[5].tolist()
    assert root.tolist() == [x + 1.5 * 4, y - 0.5 * 4]
    assert np.allclose(tip - root, [0, 0.48 * 4])
    boxes = of(Rectangle, bars)
    assert [b.get_height() for b in boxes] == local.x[5].tolist()
    assert np.allclose([b.get_facecolor()[:3] for b in boxes], arms.get_colors()[:, :3])


def test_descriptors_of_colour_are_no_sift():
    with pytest.raises(ValueError, match="128 numbers, these have 96"):
        figures.descriptor(plain(), grid(d=96), 0)


# -------------------------------------------------------------------------------------------------- assignment maps


@pytest.mark.parametrize("step", [3, 2.828427, 5.656854])
def test_each_pixel_takes_the_descriptor_of_the_nearest_centre_unless_that_was_left_out(step):
    local = grid((4.0, 6.0), step=step, start=(12.3, 10.7), shape=(7, 5))
    left = torch.ones(70, dtype=torch.bool)
    left[[35, 40, 41, 55]] = False
    nearest = nearest_centre(Local(local.x[left], local.xy[left], local.size[left], local.picture), 6.0)
    second = np.arange(35, 70)
    number = np.cumsum(left.numpy()) - 1
    for y, x in product(range(H), range(W)):
        away = np.abs(local.xy[second].numpy() - [x, y]).max(1)
        best = second[away.argmin()]
        if abs(away.min() - step / 2) < 1e-3:
            continue  # between two
        inside = away.min() < step / 2 and left[best]
        assert nearest[y, x] == (number[best] if inside else -1), (y, x)


def test_one_row_and_one_descriptor_are_maps_too():
    row = nearest_centre(grid(shape=(6, 1), start=(10, 20)), 4.0)
    assert set(row[row >= 0]) == set(range(6))
    one = nearest_centre(grid(shape=(1, 1), start=(10, 20)), 4.0)
    assert np.argwhere(one == 0).mean(0).tolist() == [19.5, 9.5]


def test_centres_of_resized_pictures_are_a_grid_as_well():
    local = sift_pyramid(noise(97, 131), size=4)
    for size in local.size.unique().tolist():
        nearest = nearest_centre(local, size)
        own = torch.nonzero(local.size == size)[:, 0]
        x, y = local.xy[own].round().long().T
        assert (nearest[y, x] == own.numpy()).all()


def test_colours_are_mixed_by_posterior_and_as_bright_as_the_picture():
    nearest = np.array([[0, 1, 2, -1]])
    q = np.array([[1, 0], [0.5, 0.5], [0.25, 0]])
    colours = np.array([[1, 0, 0], [0, 0, 1.0]])
    white = gaussian_figures.mixed(np.ones((1, 4)), nearest, q, colours)[0]
    assert white.tolist() == [[255, 0, 0], [128, 0, 128], [255, 191, 191], [255, 255, 255]]
    black = gaussian_figures.mixed(np.zeros((1, 4)), nearest, q, colours)[0]
    dark, pale = 255 * gaussian_figures.SHADE, 255 * (1 - gaussian_figures.PAPER)
    expected = [
        [dark, 0, 0],
        [dark / 2, 0, dark / 2],
        [0.25 * dark + 0.75 * pale, 0.75 * pale, 0.75 * pale],
        [pale] * 3,
    ]
    assert np.allclose(black, expected, atol=1)


def test_each_bin_size_has_its_map_with_each_gaussian_where_its_descriptors_are(laid):
    local = grid((4.0, 8.0))
    swapped = (local.xy[:, 0] > 30) ^ (local.size > 4)  # at the other scale they change sides
    gaussian_figures.assignment_maps(plain(), local, one_hot(swapped.long(), 2), ring(2))
    picture, *maps = laid[0].tiles
    assert picture.caption == "the picture"
    assert [tile.caption for tile in maps] == ["bins of 4 pixels", "bins of 8 pixels"]
    for tile, colours in zip(maps, (gaussian_colours(ring(2)), gaussian_colours(ring(2))[::-1]), strict=True):
        for x, colour in ((24, colours[0]), (37, colours[1])):
            assert np.allclose(np.asarray(tile.picture)[100, x * 300 // W] / 255, colour, atol=0.02)


def test_the_legend_has_the_strongest_gaussians_with_their_shares_and_colours():
    local = grid()
    figure = gaussian_figures.assignment_maps(plain(), local, one_hot([2] * 60 + [0] * 20, 3), ring(3))
    assert [t for t in texts(figure) if t[:3] == "k ="] == ["k = 2: 75.0%", "k = 0: 25.0%", "k = 1: 0.0%"]
    boxes = of(Rectangle, figure.axes[0])
    assert to_rgb(boxes[0].get_facecolor()) == pytest.approx(gaussian_colours(ring(3))[2], abs=0.01)
    many = gaussian_figures.assignment_maps(plain(), local, one_hot(range(80), 80), ring(80))
    assert "share of the descriptors (68 other Gaussians: 85.0%)" in texts(many)
    assert max(b.get_y() for b in of(Rectangle, many.axes[0])) + 14 < many.bbox.height


def test_a_map_of_one_gaussian_is_coloured_where_it_fires_and_pale_elsewhere(laid):
    local = grid()
    gaussian_figures.posterior_maps(plain(), local, halves(local, 3), ring(3), [1, 0, 2])
    headings = [block.heading for block in laid[::2]]
    assert headings == ["k = 1: 50.0%", "k = 0: 50.0%", "k = 2: 0.0%"]
    colours = gaussian_colours(ring(3))
    left, right, none = (
        np.asarray(block.tiles[0].picture)[70] / 255 for block in (laid[3], laid[1], laid[5])
    )
    assert np.allclose(left[24 * 190 // W], colours[0], atol=0.02)
    assert np.allclose(right[37 * 190 // W], colours[1], atol=0.02)
    assert np.allclose([left[37 * 190 // W], right[24 * 190 // W], *none[::9]], 1)


def test_typical_patches_are_the_most_confident_and_lie_apart():
    local = grid((4.0, 6.0))
    posterior = np.random.default_rng(0).random(160)
    chosen = gaussian_figures.typical(local, posterior)
    assert len(chosen) > 1
    assert chosen[0] == posterior.argmax()
    assert (np.diff(posterior[chosen]) < 0.001).all()
    assert (posterior[chosen] >= 0.5).all()
    for one, other in combinations(chosen, 2):
        assert (local.xy[one] - local.xy[other]).abs().max() > 2 * local.size[one]
    assert gaussian_figures.typical(local, posterior * 0.49) == []


@pytest.mark.parametrize("size", [4.0, 5.656854])
@pytest.mark.parametrize(("x", "y"), [(30.5, 20.5), (30, 21), (1, 46)])
def test_a_patch_is_the_square_of_four_bins_around_its_centre_and_continues_the_border(size, x, y):
    picture = plain(0)
    picture[0], picture[1] = 3 * torch.arange(W), 3 * torch.arange(H)[:, None]  # the pixel tells its place
    patch = np.asarray(
        gaussian_figures.patch(as_pixels(picture), grid((size,), start=(x, y), shape=(1, 1)), 0)
    )
    n = gaussian_figures.PATCH
    steps = ((np.arange(n) + 0.5) / n - 0.5) * 4 * size
    assert patch.shape == (n, n, 3)
    assert np.allclose(patch[n // 2, :, 0] / 3, np.clip(x + steps, 0, W - 1), atol=0.8)
    assert np.allclose(patch[:, n // 2, 1] / 3, np.clip(y + steps, 0, H - 1), atol=0.8)


# ------------------------------------------------------------------------------------------- Gaussians in the plane


def test_ellipses_are_one_standard_deviation_around_the_means_and_thicker_for_heavy_gaussians():
    rng = np.random.default_rng(0)
    means, variances, weights = 3 * ring(6, 4), rng.uniform(0.1, 2, (6, 4)), rng.dirichlet(np.ones(6))
    axes = gaussian_figures.plane(rng.normal(size=(9000, 4)), means, variances, weights).axes[0]
    (ellipses,) = of(EllipseCollection, axes)
    assert np.allclose(ellipses.get_offsets(), means[:, :2])
    assert np.allclose(2 * ellipses._widths, 2 * np.sqrt(variances[:, 0]))  # it keeps half axes
    assert np.allclose(2 * ellipses._heights, 2 * np.sqrt(variances[:, 1]))
    assert (np.argsort(ellipses.get_linewidths()) == np.argsort(weights)).all()
    assert np.allclose(ellipses.get_edgecolors()[:, :3], gaussian_colours(means))
    assert {t.get_text(): t.get_position() for t in axes.texts} == {
        f"k = {k}": pytest.approx(tuple(means[k, :2])) for k in range(6)
    }
    assert len(of(PathCollection, axes)[0].get_offsets()) == gaussian_figures.MOST_POINTS
    (x0, y0), (x1, y1) = axes.viewLim.get_points()
    low, high = (means - np.sqrt(variances)).min(0), (means + np.sqrt(variances)).max(0)
    assert x0 < low[0] < high[0] < x1
    assert y0 < low[1] < high[1] < y1


def test_bars_of_a_fisher_vector_are_u_and_v_of_the_gaussian_they_are_named_after():
    K, D = 5, 3
    phi = np.arange(2 * K * D) - 14.5
    figure, blocks = gaussian_figures.fisher_blocks(phi, K, [1, 4]), {}
    for axes in figure.axes:
        if named := re.fullmatch(r"\$([uv])_\{(\d)\}\$", axes.get_ylabel()):
            bars = of(Rectangle, axes)[:D]
            blocks[named.groups()] = [b.get_height() for b in bars]
            signs = [to_hex(b.get_facecolor()) == gaussian_figures.NEGATIVE for b in bars]
            assert signs == [b.get_height() < 0 for b in bars]
            assert axes.get_ylim()[0] < -14 < 14 < axes.get_ylim()[1]
    assert blocks["u", "1"] == phi[2 * D : 3 * D].tolist()  # [u_0; v_0; u_1; ...]
    assert blocks["v", "4"] == phi[9 * D :].tolist()
    assert len(blocks) == 4


def test_the_image_of_a_fisher_vector_has_a_row_a_gaussian_and_white_at_zero():
    K, D = 5, 3
    phi = np.arange(2.0 * K * D)
    u, v = (of(AxesImage, axes)[0] for axes in gaussian_figures.fisher_blocks(phi, K, [0]).axes[:2])
    assert u.get_array().tolist() == phi.reshape(K, 2, D)[:, 0].tolist()
    assert v.get_array().tolist() == phi.reshape(K, 2, D)[:, 1].tolist()
    assert u.norm.vmin == v.norm.vmin == -u.norm.vmax == -v.norm.vmax
    assert u.cmap(u.norm(0.0))[:3] == pytest.approx((1, 1, 1), abs=0.05)
    assert u.axes.get_ylim() == v.axes.get_ylim() == (K - 0.5, -0.5)  # the first on top


# -------------------------------------------------------------------------------------------------- normalisations


def legends(figure):
    return [[t.get_text() for t in axes.get_legend().get_texts()] for axes in figure.axes]


def test_burstiness_tells_kurtosis_and_the_share_of_the_top_dimensions():
    single = np.eye(200)[:1] * 7  # mean square 49/200: the fourth moment is 200 of it
    flat = np.tile([3.0, -3.0], 100)[None]
    values, energy = legends(figures.burstiness(single, flat))
    assert values == ["before: kurtosis 200", "after: kurtosis 1"]
    assert energy == ["before: top 1% hold 100%", "after: top 1% hold 1%"]


def test_the_energy_rises_from_0_to_1_and_is_the_mean_over_pictures():
    share, energy = figures.accumulated(np.array([[3.0, -4.0], [0, 1]]))
    assert share.tolist() == [0, 0.5, 1]
    assert energy == pytest.approx([0, (16 / 25 + 1) / 2, 1])


def test_the_length_of_a_vector_does_not_matter_to_its_burstiness_and_empty_pictures_do_not_count():
    rng = np.random.default_rng(0)
    before = rng.standard_t(3, (4, 300)).astype(np.float32)
    alone = figures.in_units(before)
    scaled = np.pad(before * np.array([[1], [50], [0.01], [3]]), ((0, 2), (0, 0)))
    assert figures.in_units(scaled) == pytest.approx(alone, rel=1e-5)
    assert (alone**2).mean(1) == pytest.approx(1)


def coloured(n=6):
    array = np.zeros((n, 3, 12, 16), np.uint8)
    array[:, 0] = (40 * np.arange(n))[:, None, None]
    return ImageCollection("made up", "twin", ArrayImages(array), ("a",), np.zeros(n, int))


def test_pictures_stand_at_their_lengths():
    values = np.array([5.0, 1, 3, 2, 9, 4])
    axes = figures.lengths(values, coloured(), [4, 1, 2], xlabel="length").axes[0]
    at = {box.offsetbox.get_data()[5, 5, 0] // 40: box.xy[0] for box in of(AnnotationBbox, axes)}
    assert at == {4: 9, 1: 1, 2: 3}
    assert sum(b.get_height() for b in of(Rectangle, axes)) == 6


# -------------------------------------------------------------------------------------------------------- explorer


def test_the_explorer_shows_the_chosen_mixture_at_the_chosen_scale(monkeypatch):
    local = grid((4.0, 8.0))
    q = torch.rand(len(local), 9, generator=torch.Generator().manual_seed(1)) ** 8
    given = {9: (q / q.sum(1, keepdim=True), ring(9)), 2: (halves(local), ring(2))}
    monkeypatch.setattr(widget, "explorer", lambda draw, *rows: (draw, *rows))
    draw, counts, sizes = widget.assignment_explorer(plain(), local, given)
    assert list(counts["K"].options) == [2, 9]
    assert [size for _, size in sizes["size"].options] == [4, 8]
    for K, size in product((2, 9), (8.0, 4.0)):
        figure, alt = draw(K, size)
        assert f"{K} Gaussians, bins of {size:g} pixels" in alt
        share = 100 * given[K][0][local.size == size].mean(0).numpy()
        strongest = [f"k = {k}: {share[k]:.1f}%" for k in np.argsort(-share, kind="stable")]
        shown = [t.get_text() for t in figure.axes[0].texts]
        assert [t for t in shown if t[:3] == "k ="] == strongest[:6] + strongest
        assert {t for t in shown if t[:4] == "bins"} == {f"bins of {size:g} pixels"}


# ------------------------------------------------------------------------------------------------------- all alike


def test_every_figure_is_drawn_on_a_white_ground_and_leaves_the_users_style_alone():
    local = grid((4.0, 6.0, 8.0, 10.0))
    q, means, before = halves(local), ring(2), dict(mpl.rcParams)
    for figure in (
        figures.frames(plain(), local, 9),
        figures.descriptor(plain(), local, 9),
        figures.burstiness(np.eye(9), np.eye(9)),
        figures.lengths(np.arange(6), coloured(), [1, 4], xlabel="length"),
        gaussian_figures.assignment_maps(plain(), local, q, means),
        gaussian_figures.posterior_maps(plain(), local, q, means, [0, 1]),
        gaussian_figures.plane(means, means, means**2 + 0.1, np.array([0.5, 0.5])),
        gaussian_figures.fisher_blocks(np.arange(24.0), 4, [0, 1, 2]),
    ):
        style.encode(figure)
        assert to_hex(figure.get_facecolor()) == "#ffffff"
        assert max(figure.get_size_inches()) <= 11
    assert dict(mpl.rcParams) == before
