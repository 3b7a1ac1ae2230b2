"""Figures from local descriptors to Fisher vectors: places, colours and lengths are those that were given."""

from itertools import combinations

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
from lecture_lib.display.pictures import as_pixels
from lecture_lib.display.tiles import tiles
from lecture_lib.encoders.sift import Local, phow, sift_pyramid

H, W = 48, 64
COLOURS = np.array([[0.8, 0.2, 0.1], [0.1, 0.5, 0.9], [0.2, 0.7, 0.3]])


def grid(sizes=(4.0,), step=3, start=(15, 12), shape=(10, 8)):
    """Descriptors on a grid of shape (columns, rows), the same centres for every bin size, and random numbers."""
    x, y = (s + step * torch.arange(n, dtype=torch.float32) for s, n in zip(start, shape, strict=True))
    xy = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2).repeat(len(sizes), 1)
    size = torch.tensor(sizes).repeat_interleave(len(x) * len(y))
    numbers = torch.rand(len(xy), 128, generator=torch.Generator().manual_seed(0))
    return Local(numbers, xy, size, (H, W))


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


def legends(figure):
    boxes = [*figure.legends, *filter(None, (axes.get_legend() for axes in figure.axes))]
    return [[t.get_text() for t in box.get_texts()] for box in boxes]


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


def test_colours_of_the_wheel_are_equally_light_and_all_different():
    colours = figures.wheel(8)
    lightness, a, b = rgb2lab(colours).T
    assert np.ptp(lightness) < 6  # OKLab's lightness is not quite CIELAB's
    assert (np.hypot(a, b) > 25).all()
    assert min(np.abs(one - other).max() for one, other in combinations(colours, 2)) > 0.1
    assert 0 <= colours.min() <= colours.max() <= 1
    assert colours[0].argmax() == 2  # blue


def test_the_gaussians_that_fill_a_picture_have_colours_far_apart_and_the_rest_is_grey():
    shares = np.random.default_rng(0).dirichlet(np.ones(64))
    colours = gaussian_colours(shares)
    lightness, a, b = rgb2lab(colours).T
    order = np.argsort(-shares)
    hue = np.degrees(np.arctan2(b, a))[order[:12]]
    assert (np.abs(np.diff(lightness[order[:12]])) > 15).all()
    assert (np.abs((np.diff(hue[:4]) + 180) % 360 - 180) > 90).all()
    assert min(np.abs(one - other).max() for one, other in combinations(colours[order[:12]], 2)) > 0.1
    assert np.ptp(colours[order[12:]]) == 0


@pytest.mark.parametrize("local", [grid((4.0, 6.0, 8.0, 10.0)), sift_pyramid(noise(H, W), 4, 4, (1, 0.5))])
def test_of_each_size_the_patch_nearest_to_the_place_is_drawn_with_four_by_four_cells(local):
    figure = figures.frames(plain(), local, (33, 21), title="")
    for axes in figure.axes:
        boxes = {b.get_width() / 4: b.get_bbox().extents for b in of(Rectangle, axes)}
        assert sorted(boxes) == local.size.unique().tolist()
        for size, extents in boxes.items():
            own = local.xy[local.size == size].numpy()
            x, y = own[np.hypot(*(own - [33, 21]).T).argmin()]
            assert extents == pytest.approx([x - 2 * size, y - 2 * size, x + 2 * size, y + 2 * size])
    cells = of(LineCollection, axes)[-1].get_segments()  # of the last drawn, the finest
    assert sorted(a[0] - x for a, b in cells if a[0] == b[0]) == pytest.approx([-size, 0, size])
    assert sorted(a[1] - y for a, b in cells if a[1] == b[1]) == pytest.approx([-size, 0, size])
    assert f"{size:g} pixels ({4 * size:g} × {4 * size:g})" in legends(figure)[0]


def test_an_arm_points_to_where_the_picture_gets_brighter():
    picture = plain(0)
    picture[:, H // 2 :] = 200  # bright below
    figure = figures.descriptor(picture, phow(picture, sizes=(4,)), (W / 2, H / 2), 4, title="")
    arms = of(LineCollection, figure.axes[1])[-1]
    vectors = np.array([tip - root for root, tip in arms.get_segments()])
    long = vectors[np.hypot(*vectors.T) > 1]
    assert len(long) == 8  # the two lines of cells at the edge
    assert (long @ [0, 1] > 1).all()  # down, as y points down


def test_an_arm_is_as_long_as_its_number_in_its_own_cell_and_has_the_colour_of_its_bar():
    local = grid()
    local.x[5, (4 * 1 + 3) * 8 + 2] = 2  # second line, fourth column, straight down
    x, y = local.xy[5].tolist()
    _, patch, bars = figures.descriptor(plain(), local, (x, y), 4, title="").axes
    arms = of(LineCollection, patch)[-1]
    roots, tips = np.array(arms.get_segments()).swapaxes(0, 1)
    assert np.hypot(*(tips - roots).T) == pytest.approx(local.x[5].numpy() / 2 * 0.48 * 4, abs=1e-4)
    assert roots[(4 * 1 + 3) * 8 + 2] == pytest.approx([x + 1.5 * 4, y - 0.5 * 4])
    assert tips[(4 * 1 + 3) * 8 + 2] == pytest.approx([x + 1.5 * 4, y - 0.5 * 4 + 0.48 * 4])
    boxes = of(Rectangle, bars)
    assert [b.get_height() for b in boxes] == local.x[5].tolist()
    assert np.allclose([b.get_facecolor()[:3] for b in boxes], arms.get_colors()[:, :3])


@pytest.mark.parametrize("step", [3, 2.828427, 5.656854])
@pytest.mark.parametrize("shape", [(7, 5), (6, 1), (1, 1)])
def test_each_pixel_takes_the_descriptor_of_the_nearest_centre_unless_that_was_left_out(step, shape):
    local = grid((4.0, 6.0), step=step, start=(12.3, 10.7), shape=shape)
    centres = local.xy[local.size == 6].numpy()
    left = np.ones(len(local), bool)
    left[[len(local) - 3, len(local) // 2][: len(centres) // 6]] = False  # one size has a hole, or two
    nearest = nearest_centre(Local(local.x[left], local.xy[left], local.size[left], local.picture), 6.0)
    number = np.where(left, np.cumsum(left) - 1, -1)[len(centres) :]
    y, x = np.indices((H, W))
    away = np.abs(np.stack([x, y], -1)[:, :, None] - centres).max(-1)
    half = (step if len(centres) > 1 else 6) / 2
    expected = np.where(away.min(-1) < half, number[away.argmin(-1)], -1)
    border = np.abs(np.sort(away)[..., 0] - half) < 0.02  # half way to another
    assert (nearest == expected)[~border].all()


def test_maps_of_resized_pictures_have_no_gaps_between_centres():
    scales = [2 ** (-i / 2) for i in range(7)]  # centres are no whole number of pixels apart
    local = sift_pyramid(noise(97, 131), 4, 4, scales)
    for size in local.size.unique().tolist():
        own = local.xy[local.size == size].numpy()
        (x0, y0), (x1, y1) = own.min(0).round().astype(int), own.max(0).round().astype(int)
        assert (nearest_centre(local, size)[y0 : y1 + 1, x0 : x1 + 1] >= 0).all()


def test_colours_are_mixed_by_posterior_and_as_bright_as_the_picture():
    nearest, q = np.array([[0, 1, 2, -1]]), np.array([[1, 0], [0.5, 0.5], [0.25, 0]])
    colours = np.eye(3)[[0, 2]]  # red, blue
    white = gaussian_figures.mixed(np.ones((1, 4)), nearest, q, colours)[0]
    assert white.tolist() == [[255, 0, 0], [128, 0, 128], [255, 191, 191], [255, 255, 255]]
    black = gaussian_figures.mixed(np.zeros((1, 4)), nearest, q, colours)[0]
    dark, pale = 255 * gaussian_figures.SHADE * colours[0], np.full(3, 255 * (1 - gaussian_figures.PAPER))
    expected = [dark, (dark + dark[::-1]) / 2, 0.25 * dark + 0.75 * pale, pale]
    assert black == pytest.approx(np.array(expected), abs=1)


def at_gaussians(tile):
    """The colours of a map in the left and the right half of `grid`, below a row of pixels."""
    pixels = np.asarray(tile.picture) / 255
    return pixels[len(pixels) // 2, [x * pixels.shape[1] // W for x in (24, 37)]]


def test_each_bin_size_has_its_map_with_each_gaussian_where_its_descriptors_are(laid):
    local, colours = grid((4.0, 8.0)), COLOURS
    swapped = (local.xy[:, 0] > 30) ^ (local.size > 4)  # at the other scale they change sides
    gaussian_figures.assignment_maps(plain(), local, one_hot(swapped.long(), 3), colours, [1, 2])
    (whole, *maps), one, none = laid[0].tiles, laid[2].tiles[0], laid[4].tiles[0]
    assert whole.caption == "the picture"
    assert [tile.caption for tile in maps] == ["bins of 4 pixels", "bins of 8 pixels"]
    assert at_gaussians(maps[0]) == pytest.approx(colours[:2], abs=0.02)
    assert at_gaussians(maps[1]) == pytest.approx(colours[1::-1], abs=0.02)
    assert [block.heading for block in laid[1::2]] == ["k = 1: 50.0%", "k = 2: 0.0%"]
    assert at_gaussians(one) == pytest.approx(np.array([[1, 1, 1], colours[1]]), abs=0.02)
    assert (at_gaussians(none) == 1).all()


def test_the_legend_has_the_strongest_gaussians_with_their_shares_and_colours():
    local = grid()
    figure = gaussian_figures.assignment_maps(plain(), local, one_hot([2] * 60 + [0] * 20, 3), COLOURS)
    assert legends(figure) == [["k = 2: 75.0%", "k = 0: 25.0%", "k = 1: 0.0%"]]
    strongest = figure.axes[0].get_legend().get_patches()[0]
    assert to_rgb(strongest.get_facecolor()) == pytest.approx(COLOURS[2], abs=0.01)
    many = gaussian_figures.assignment_maps(plain(), local, one_hot(range(80), 80), np.zeros((80, 3)))
    title = many.axes[0].get_legend().get_title().get_text()
    assert title == "share of the descriptors (68 other Gaussians, grey: 85.0%)"


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
    local, n = grid((size,), start=(x, y), shape=(1, 1)), gaussian_figures.PATCH
    patch = np.asarray(gaussian_figures.patch(as_pixels(picture), local, 0))
    steps = ((np.arange(n) + 0.5) / n - 0.5) * 4 * size
    assert patch.shape == (n, n, 3)
    assert np.allclose(patch[n // 2, :, 0] / 3, np.clip(x + steps, 0, W - 1), atol=0.8)
    assert np.allclose(patch[:, n // 2, 1] / 3, np.clip(y + steps, 0, H - 1), atol=0.8)


def test_ellipses_are_one_standard_deviation_around_the_means_thicker_for_heavy_gaussians_and_named_if_coloured():
    rng = np.random.default_rng(0)
    means, variances, weights = 3 * ring(6, 4), rng.uniform(0.1, 2, (6, 4)), rng.dirichlet(np.ones(6))
    colours = np.full((6, 3), gaussian_figures.GREY)
    colours[:3] = np.eye(3)
    mixture, q = (means, variances, weights), one_hot(rng.integers(0, 3, 9000), 6)
    x = rng.normal(size=(9000, 4))
    panels = gaussian_figures.planes(
        x, {"a": (*mixture, q), "b": (*mixture, q)}, colours, axes=("x", "y")
    ).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["a", "b"]
    (ellipses,) = of(EllipseCollection, panels[1])
    assert np.allclose(ellipses.get_offsets(), means[:, :2])
    assert np.allclose(2 * ellipses._widths, 2 * np.sqrt(variances[:, 0]))  # it keeps half axes
    assert np.allclose(2 * ellipses._heights, 2 * np.sqrt(variances[:, 1]))
    assert (np.argsort(ellipses.get_linewidths()[:3]) == np.argsort(weights[:3])).all()
    assert np.allclose(ellipses.get_edgecolors()[:, :3], colours)
    assert {int(t.get_text()): t.get_position() for t in panels[1].texts} == {
        k: tuple(means[k, :2]) for k in range(3)
    }
    (points,) = of(PathCollection, panels[1])
    assert len(points.get_offsets()) == gaussian_figures.MOST_POINTS
    row = {tuple(point): i for i, point in enumerate(x[:, :2].tolist())}
    shown = [row[tuple(point)] for point in points.get_offsets().tolist()]
    assert np.allclose(points.get_facecolors()[:, :3], q[shown].numpy() @ colours)


def test_a_fisher_vector_is_u_and_v_of_each_gaussian_as_images_and_as_bars():
    K, D = 5, 3
    phi = np.arange(2.0 * K * D) - 14.5
    axes = gaussian_figures.fisher_blocks(phi, K, [1, 4], title="").axes
    u, v = (of(AxesImage, a)[0] for a in axes[:2])
    assert np.hstack([u.get_array(), v.get_array()]).tolist() == phi.reshape(K, 2 * D).tolist()
    assert u.norm.vmin == v.norm.vmin == -u.norm.vmax == -v.norm.vmax
    bars = {a.get_ylabel(): of(Rectangle, a)[:D] for a in axes if a.get_ylabel()[:1] in ("u", "v")}
    assert list(bars) == ["u₁", "v₁", "u₄", "v₄"]
    drawn = np.ravel(list(bars.values()))
    assert [b.get_height() for b in drawn] == [*phi[6:12], *phi[24:]]
    for b in drawn:
        assert (to_hex(b.get_facecolor()) == gaussian_figures.NEGATIVE) == (b.get_height() < 0)


def test_burstiness_tells_kurtosis_and_the_share_of_the_top_dimensions_whatever_the_lengths():
    single = np.diag([7.0, 1, 0]) @ np.eye(
        3, 200
    )  # mean squares 49/200, 1/200: fourth moments 200 times as much
    flat = np.tile([3.0, -3.0], 100)[None]
    values, energy = legends(figures.burstiness(single, flat, title=""))
    assert values == ["before: kurtosis 200", "after: kurtosis 1"]
    assert energy == ["before: top 1% hold 100%", "after: top 1% hold 1%"]


def coloured(n=6):
    array = np.zeros((n, 3, 12, 16), np.uint8)
    array[:, 0] = (40 * np.arange(n))[:, None, None]
    return ImageCollection("made up", "twin", ArrayImages(array), ("a",), np.zeros(n, int))


def test_pictures_stand_at_their_lengths():
    values = np.array([5.0, 1, 3, 2, 9, 4])
    axes = figures.lengths(values, coloured(), [4, 1, 2], xlabel="length", title="").axes[0]
    at = {box.offsetbox.get_data()[5, 5, 0] // 40: box.xy[0] for box in of(AnnotationBbox, axes)}
    assert at == {4: 9, 1: 1, 2: 3}
    assert sum(b.get_height() for b in of(Rectangle, axes)) == 6


def test_the_explorer_shows_the_chosen_mixture_at_the_chosen_scale(monkeypatch):
    local = grid((4.0, 8.0))
    q = torch.rand(len(local), 9, generator=torch.Generator().manual_seed(1)) ** 8
    given = {9: q / q.sum(1, keepdim=True), 2: halves(local)}
    monkeypatch.setattr(widget, "Explorer", lambda draw, row: (draw, *row.values()))
    draw, counts, sizes = widget.assignment_explorer(plain(), local, given)
    assert list(counts.options) == [2, 9]
    assert [size for _, size in sizes.options] == [4, 8]
    for K, size in ((2, 8.0), (9, 4.0)):
        share = 100 * given[K][local.size == size].mean(0).numpy()
        strongest = [f"k = {k}: {share[k]:.1f}%" for k in np.argsort(-share, kind="stable")]
        figure, _ = draw(K, size)
        shown = [text.get_text() for text in figure.axes[0].texts]
        assert [text for text in shown if text[:3] == "k ="] == strongest[:6]
        assert {text for text in shown if text[:4] == "bins"} == {f"bins of {size:g} pixels"}
        assert legends(figure) == [strongest]


def test_a_gap_is_taken_apart_into_what_each_level_has_lost_or_won():
    levels = {"IFV, all pixels": 70, "IFV, few pixels": 61, "CNN, few pixels": 64.5}
    axes = figures.gap(levels, ["pixels", "encoding"], xlabel="", title="").axes[0]
    bars = [
        (b.get_y() + b.get_height() / 2, *sorted([b.get_x(), b.get_x() + b.get_width()]))
        for b in of(Rectangle, axes)
    ]
    assert bars == [
        pytest.approx(b) for b in [(0, 0, 70), (1, 0, 61), (2, 0, 64.5), (1, 61, 70), (2, 61, 64.5)]
    ]
    assert [text.get_text() for text in axes.texts][3:] == ["pixels: -9.0", "encoding: +3.5"]
