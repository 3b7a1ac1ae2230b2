"""Filters, activations, maps and costs: every point and number is where it belongs; and the widgets over them."""

import html
import re

import numpy as np
import pandas as pd
import pytest
import torch
from looking import N, check_figures, colour_of, coloured, picture_in, render
from matplotlib.colors import to_rgb

from lecture_lib.chapters.decaf_tsne import figures, widget
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.display import style
from lecture_lib.display.tiles import GAP

CLASSES = ("duck", "owl", "car", "oak tree")
GROUPS = ("bird", "bird", "conveyance, transport", "plant")


@pytest.fixture
def images():
    return coloured(CLASSES, GROUPS)


@pytest.fixture
def xy():
    return np.random.default_rng(0).normal(size=(N, 2))


def costs():
    kinds = ["convolutional", "pooling", "fully connected"]
    return pd.DataFrame(
        {"layer": ["conv1", "pool1", "fc6"], "kind": kinds, "mmac": [9.0, 0, 1], "parameters": [1000, 0, 9000],
         "ms": [6.0, 1, 3]}
    )  # fmt: skip


def purities():
    rows = [
        (layer, s, v, v - 0.1, v + 0.1)
        for s in ("seen", "unseen")
        for layer, v in (("pool1", 0.2), ("fc6", 0.8))
    ]
    return pd.DataFrame(rows, columns=["layer", "dataset", "value", "low", "high"])


def test_every_figure_has_its_title_and_a_white_ground_and_leaves_the_users_style_alone(images, xy):
    through = {"conv1": torch.rand(1, 20, 9, 9), "pool5": torch.zeros(1, 3, 4, 4), "fc8": torch.randn(1, 4)}
    picture = torch.zeros(3, 30, 50, dtype=torch.uint8)
    check_figures(
        [
            figures.filters(torch.randn(5, 3, 7, 7), title="title"),
            figures.activations(picture, through, classes=CLASSES, title="title"),
            figures.scatter_new(xy, images, xy[:3], ["bird", "plant", "my own"], title="title"),
            figures.scatter_grid({"pool1": xy, "fc6": xy, "fc7": xy, "fc8": xy}, images, title="title"),
            figures.picture_map(xy, images, n=10, title="title"),
            figures.purity_plot(purities(), ylabel="purity", chance=0.1, title="title"),
        ]
    )


def test_filters_show_the_sign_of_a_weight():
    weight = torch.zeros(2, 3, 2, 2)
    weight[0, 0, 0, 0], weight[1, :, 1, 1] = 2.0, -0.1
    pixels = render(figures.filters(weight))  # each weight is 24 pixels wide
    assert tuple(pixels[GAP + 12, GAP + 12]) == pytest.approx((255, 128, 128), abs=3)
    assert tuple(pixels[GAP + 36, GAP + 12]) == pytest.approx((128, 128, 128), abs=3)
    assert tuple(pixels[GAP + 36, 2 * GAP + 48 + 36]) == pytest.approx((0, 0, 0), abs=3)


def test_activations_choose_the_channels_that_answer_most_and_name_the_highest_scores():
    maps = torch.zeros(1, 30, 5, 5)
    maps[0, 17, 2, 2] = 3.0
    through = {"conv1": maps, "fc8": torch.tensor([[0.1, 3, 2, 1]])}
    figure = figures.activations(torch.zeros(3, 8, 8, dtype=torch.uint8), through, classes=list("abcd"))
    first = render(figure)[:80, 300:382]  # magma's colours; other channels are black
    assert (first.max(2) - first.min(2)).max() > 50
    assert any(t.get_text() == "highest: b, c, d" for axes in figure.axes for t in axes.texts)


def test_map_shows_every_point_once_and_hides_no_group_behind_another(images, xy):
    axes = figures.scatter_grid({"fc6": xy}, images).axes[0]
    points = np.concatenate([c.get_offsets() for c in axes.collections])
    assert np.array_equal(np.sort(points, 0), np.sort(xy, 0))
    looks = style.looks(style.groups_of(images))
    order = [c.get_facecolor()[0, :3] for c in axes.collections if len(c.get_offsets())]
    last = [
        max(i for i, c in enumerate(order) if np.allclose(c, to_rgb(colour))) for colour, _ in looks.values()
    ]
    assert min(last) > 2 * len(last)


def test_a_map_of_other_pictures_is_refused(images, xy):
    with pytest.raises(ValueError, match=r"\[40, 2\], not \[39, 2\]"):
        figures.scatter_grid({"fc6": xy[1:]}, images)


def test_maps_stand_in_as_many_columns_as_asked(images, xy):
    maps = dict.fromkeys("abcde", xy)
    across = {round(axes.get_position().x0, 2) for axes in figures.scatter_grid(maps, images, columns=3).axes}
    assert len(across) == 3


@pytest.mark.parametrize("spread", [1.0, 0.0], ids=["spread out", "all at one place"])
@pytest.mark.parametrize("n", [1, 10, 40, 100])
def test_thumbnails_do_not_overlap_and_stay_where_their_points_are(xy, n, spread):
    cells = figures.choose_cells(xy * spread, n)
    assert len(set(cells.values())) == len(cells) >= (1 if spread == 0 else min(n, N) * 0.8)
    if spread and n == 40:
        columns, rows = np.array(list(cells.values())).T
        chosen = np.array(list(cells))
        assert np.corrcoef(columns, xy[chosen, 0])[0, 1] > 0.99
        assert np.corrcoef(rows, xy[chosen, 1])[0, 1] < -0.99  # row 0 is at the top


def test_picture_map_shows_pictures_where_their_points_are(images, xy):
    pixels, cell = render(figures.picture_map(xy, images, n=20)), figures.THUMBNAIL + GAP
    for i, place in figures.choose_cells(xy, 20).items():
        column, row = GAP + np.array(place) * cell + cell // 2
        assert np.abs(pixels[row, column] - colour_of(i)).max() < 9


def test_intervals_stand_where_the_table_says():
    axes = figures.purity_plot(purities(), ylabel="purity").axes[0]
    (x0, low), (x1, high) = axes.collections[1].get_segments()[1]
    assert (low, high) == pytest.approx((0.7, 0.9))
    assert x0 == x1 == pytest.approx(1, abs=0.2)


def test_bars_of_cost_are_those_of_the_table_under_the_name_of_the_batch():
    panels = figures.time_plot(costs(), batch=8).axes
    assert [bar.get_width() for bar in panels[0].patches] == [6, 1, 3]
    assert any("batches of 8" in axes.get_title("left") for axes in panels)
    bottom, top = panels[0].get_ylim()
    assert bottom > top  # the first layer is at the top


def test_layers_that_differ_by_turning_and_mirroring_do_not_move(xy):
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    first, second, third = widget.align([xy, 3 * xy @ turn + 5, xy * [1, -1]])
    assert np.allclose(first, second)
    assert np.allclose(first, third)


def test_the_map_moves_to_the_chosen_layer_in_steps_and_back_to_where_it_was(images, xy, displayed):
    layer, *_ = widget.layer_explorer({"pool1": xy, "pool5": xy**3, "fc6": xy[::-1]}, images).children
    seen = [displayed[0]]
    for name in ("pool5", "fc6"):
        layer.label = name
        seen += displayed[-widget.BETWEEN :]
        assert f"The map of {name}," in seen[-1]["text/plain"]
    assert len({data["text/html"] for data in seen}) == len(seen) == 2 * widget.BETWEEN + 1
    assert {picture_in(data).size for data in seen} == {(900, 660)}
    assert "pool5 → fc6" in seen[-2]["text/plain"]
    layer.label = "pool1"  # two layers back, in no more steps than one
    assert len(displayed) == 3 * widget.BETWEEN + 1
    assert displayed[-1] == displayed[0]


def hover_page(*arguments, **options):
    """A page, and its points: name, and place in per cent from the left and the top."""
    page = widget.hover_map(*arguments, **options).data
    points = re.findall(r'<i class="[^"]*" data-name="([^"]*)" style="left:([\d.]+)%;top:([\d.]+)%', page)
    return page, [(html.unescape(name), float(x), float(y)) for name, x, y in points]


def test_hover_map_holds_every_point_at_its_place_and_loads_and_runs_nothing(images, xy):
    page, points = hover_page(xy, images)
    assert not re.search(r'http|<script|(?:src|href)="(?!data:)|url\((?!data:)', page)
    assert [name.partition(" (")[0] for name, _, _ in points] == [CLASSES[c] for c in images.labels]
    drawn = picture_in({"text/html": page})
    pixels = np.asarray(drawn.convert("RGB"), int)
    colours = np.array([to_rgb(colour) for colour, _ in style.looks(style.groups_of(images)).values()]) * 255
    for _, x, y in points:  # in the drawing there is a mark of some group; another may lie over this one
        row, column = int(y / 100 * drawn.height), int(x / 100 * drawn.width)
        there = pixels[row - 2 : row + 3, column - 2 : column + 3].reshape(-1, 1, 3)
        assert np.abs(there - colours).max(2).min() < 12


def test_hover_map_of_many_pictures_stays_small_and_a_class_called_like_a_tag_is_none():
    n = 500
    noise = np.random.default_rng(0).integers(0, 256, (n, 3, 24, 24), dtype=np.uint8)
    classes = ('</i><b class="x">', *CLASSES[1:])
    many = ImageCollection("many", "real", ArrayImages(noise), classes, np.arange(n) % 4, GROUPS)
    page, points = hover_page(np.random.default_rng(1).normal(size=(n, 2)), many)
    assert len(points) == 300
    assert len(page) < 1_000_000
    assert "<b" not in page
    assert f"{classes[0]} (bird)" in {name for name, _, _ in points}
