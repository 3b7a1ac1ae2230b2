"""Figures: the same colour for the same thing, no picture over another, text for those who do not see them."""

import base64
import colorsys
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from lecture_lib import display
from lecture_lib.chapters.decaf_tsne import figures, widget
from lecture_lib.chapters.decaf_tsne import figures as maps
from lecture_lib.chapters.decaf_tsne import widget as widgets
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.datasets.twin import TwinImages
from lecture_lib.display import pictures, sheet, style

CLASSES = ("duck", "owl", "car", "oak tree with a name far too long for its place")
GROUPS = ("bird", "bird", "conveyance, transport", "plant")
N = 40


def colour_of(i):
    """A colour of picture i's own, far enough from the others to survive JPEG."""
    return tuple(round(255 * v) for v in colorsys.hsv_to_rgb(i / N, 1, 1 if i % 2 else 0.6))


def collection(n=N, size=16, images=ArrayImages, **options):
    array = np.empty((n, 3, size, size), np.uint8)
    array[:] = np.array([colour_of(i) for i in range(n)])[:, :, None, None]
    labels = np.arange(n) % len(CLASSES)
    return ImageCollection("made up", "twin", images(array, **options), CLASSES, labels, GROUPS)


@pytest.fixture
def images():
    return collection()


@pytest.fixture
def xy():
    return np.random.default_rng(0).normal(size=(N, 2))


def render(figure):
    """RGB pixels [H, W, 3] as shown in a notebook."""
    return np.asarray(Image.open(io.BytesIO(style.encode(figure)[0])).convert("RGB"))


def costs():
    taps = ["conv1", "pool1", "fc6"]
    kinds = ["convolutional", "pooling", "fully connected"]
    return pd.DataFrame(
        {"tap": taps, "kind": kinds, "mmac": [9.0, 0, 1], "parameters": [1000, 0, 9000], "ms": [6.0, 1, 3]}
    )


def purities():
    rows = [
        (tap, s, v, v - 0.1, v + 0.1) for s in ("seen", "unseen") for tap, v in (("pool1", 0.2), ("fc6", 0.8))
    ]
    return pd.DataFrame(rows, columns=["tap", "set", "value", "low", "high"])


def all_figures(images, xy):
    found = {"pool1": np.zeros((2, 3), int), "fc6": np.ones((2, 3), int)}
    through = {
        "conv1": torch.rand(1, 20, 9, 9),
        "pool5": torch.zeros(3, 4, 4),
        "fc8": torch.randn(1, len(CLASSES)),
    }
    yield display.contact_sheet(images, title="title")
    yield display.filters(torch.randn(5, 3, 7, 7))
    yield display.activations(torch.zeros(3, 30, 50, dtype=torch.uint8), through, classes=CLASSES)
    yield display.neighbours_grid(images, [0, 1], found)
    yield figures.scatter(xy, images, title="title")
    yield figures.scatter_new(xy, images, xy[:3], ["bird", "plant", "my own"])
    yield figures.scatter_grid({"pool1": xy, "fc6": xy, "fc7": xy, "fc8": xy}, images, title="title")
    yield figures.picture_map(xy, images, n=10)
    yield figures.purity_plot(purities(), chance={"seen": 0.1, "unseen": 0.15})
    yield figures.purity_plot(purities().query("set == 'seen'").drop(columns="set"), chance=0.1)
    yield figures.time_plot(costs(), batch=8)


def test_every_figure_is_drawn_and_its_ground_is_white_also_in_a_dark_theme(images, xy):
    for figure in all_figures(images, xy):
        assert isinstance(figure, Figure)
        pixels = render(figure)
        assert (pixels[-1, -1] > 250).all()
        assert (pixels > 250).all(2).mean() > 0.05
        assert (pixels < 250).any()


def test_drawing_leaves_the_users_own_style_alone(images, xy):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    list(all_figures(images, xy))
    widget.layer_slider({"pool1": xy, "fc6": xy}, images)
    assert dict(mpl.rcParams) == before


def shown(monkeypatch):
    """What `show` hands to the notebook: a list of (data, metadata)."""
    outputs = []
    monkeypatch.setattr(
        style.ipython, "display", lambda data, metadata, raw: outputs.append((data, metadata))
    )
    return outputs


def test_show_gives_one_image_with_its_text(monkeypatch):
    outputs = shown(monkeypatch)
    display.show(Figure(figsize=(2, 1)), "An empty page.")
    ((data, metadata),) = outputs
    assert data["text/plain"] == "An empty page."
    assert metadata["image/png"]["alt"] == "An empty page."
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).format == "PNG"


def test_a_figure_without_a_text_is_refused():
    with pytest.raises(ValueError, match="alternative text"):
        display.show(Figure(), " ")


def test_a_figure_of_pyplots_is_not_shown_twice(monkeypatch):
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(1, 1))
    shown(monkeypatch)
    display.show(figure, "An empty page.")
    assert not pyplot.fignum_exists(figure.number)


def test_a_page_of_photographs_is_a_small_file():
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(noise).resize((800, 600), Image.Resampling.BICUBIC))
    data, kind = style.encode(pictures.page(picture)[0])
    assert kind == "jpeg"
    assert len(data) < 150_000


def test_pixels_of_a_page_are_not_resampled():
    board = np.indices((61, 83)).sum(0)[..., None].repeat(3, 2).astype(np.uint8) % 2 * 255
    assert np.array_equal(render(pictures.page(board)[0]), board)


def test_a_group_has_the_same_colour_whatever_else_is_shown():
    alone = style.looks(["bird"])["bird"]
    assert style.looks(["my folder", "plant", "bird", "zebra"])["bird"] == alone
    assert (
        style.looks(["conveyance"])["conveyance"]
        == style.looks(["conveyance, transport"])["conveyance, transport"]
    )


def test_groups_of_the_lecture_differ_in_colour_and_come_in_its_order():
    from lecture_lib.twins import world

    groups = list(dict.fromkeys(c.group for c in world.OBJECTS))
    looks = style.looks(reversed(groups))
    assert list(looks) == groups
    rgb = np.array([to_rgb(colour) for colour, _ in looks.values()])
    apart = np.linalg.norm(rgb[:, None] - rgb[None], axis=2) + 9 * np.eye(len(rgb))
    assert apart.min() > 0.2


def test_every_group_of_the_twins_has_its_own_look():
    from lecture_lib.twins import places, voc

    for groups in (places.GROUPS, voc.GROUPS):
        looks = style.looks(groups)
        assert len({colour for colour, _ in looks.values()}) == len(looks)
        assert all(look in style.GROUPS.values() for look in looks.values())


def test_names_that_are_no_groups_differ_too():
    looks = style.looks(f"folder {i:02d}" for i in range(60))
    assert len(set(looks.values())) == 60


def test_classes_take_the_place_of_groups_where_there_are_none(images):
    bare = ImageCollection("bare", "real", images.images, CLASSES, images.labels)
    assert list(style.groups_of(bare)[:4]) == list(CLASSES)


def test_contact_sheet_shows_only_pictures_of_the_class_it_names(images):
    pixels = (
        render(display.contact_sheet(images, classes=["car"], per_class=3, size=32))
        .reshape(-1, 3)
        .astype(int)
    )
    seen = [i for i in range(N) if (np.abs(pixels - colour_of(i)).max(1) < 3).sum() > 500]
    assert len(seen) == 3
    assert all(CLASSES[images.labels[i]] == "car" for i in seen)


def test_contact_sheet_of_a_class_that_is_not_there_says_so(images):
    with pytest.raises(ValueError, match="no class 'cat'"):
        display.contact_sheet(images, classes=["cat"])


def test_contact_sheet_takes_pictures_with_several_labels(images):
    labels = np.eye(len(CLASSES), dtype=np.int8)[images.labels]
    many = ImageCollection("many", "twin", images.images, CLASSES, labels, GROUPS)
    assert display.contact_sheet(many).axes


def test_twins_are_drawn_anew_for_a_large_picture_and_not_for_a_small_one():
    asked = []

    def draw(rows, width):
        asked.append((list(rows), width))
        return np.stack([np.full((3, width, width), row, np.uint8) for row in rows])

    twins = collection(images=TwinImages, draw=draw)[[9, 3, 5]]
    small = pictures.thumbnails(twins, [0, 1], 12)
    assert asked == []
    assert small[0].getpixel((5, 5)) == colour_of(9)
    large = pictures.thumbnails(twins, [0, 1, 0], 64)
    assert asked == [([3, 9], 64)]
    assert [t.getpixel((5, 5))[0] for t in large] == [9, 3, 9]


def test_filters_show_the_sign_of_a_weight():
    weight = torch.zeros(2, 3, 2, 2)
    weight[0, 0, 0, 0], weight[1, :, 1, 1] = 2.0, -0.1
    pixels = render(display.filters(weight, zoom=10))
    assert tuple(pixels[10, 10]) == pytest.approx((255, 128, 128), abs=3)
    assert tuple(pixels[20, 20]) == pytest.approx((128, 128, 128), abs=3)
    assert tuple(pixels[20, 46]) == pytest.approx((0, 0, 0), abs=3)


def test_filters_of_a_later_layer_are_refused():
    with pytest.raises(ValueError, match=r"\[C, 3, k, k\]"):
        display.filters(torch.zeros(4, 64, 3, 3))


def test_activations_choose_the_channels_that_answer_most_and_name_the_highest_scores():
    maps_ = torch.zeros(30, 5, 5)
    maps_[17, 2, 2] = 3.0
    figure = display.activations(
        torch.zeros(3, 8, 8, dtype=torch.uint8), {"conv1": maps_, "fc8": torch.tensor([0.1, 3, 2, 1])},
        channels=1, classes=("a", "b", "c", "d"),
    )  # fmt: skip
    assert (
        render(figure).max(2) - render(figure).min(2)
    ).max() > 50  # magma's colours; other channels are black
    assert any(t.get_text() == "highest: b, c, d" for axes in figure.axes for t in axes.texts)


def test_frames_of_neighbours_tell_class_group_and_neither_apart(images):
    figure = display.neighbours_grid(images, [0], {"fc6": np.array([[4, 1, 2]])})
    boxes = [p for p in figure.axes[0].patches if p.get_width() > 40]
    assert [p.get_edgecolor()[:3] for p in boxes] == [to_rgb(c) for c in pictures.FRAMES.values()]
    assert len({p.get_linewidth() for p in boxes}) == 3  # not by colour alone


def test_neighbours_of_other_queries_are_refused(images):
    with pytest.raises(ValueError, match="at fc6"):
        display.neighbours_grid(images, [0, 1], {"fc6": np.zeros((3, 2), int)})


def test_map_shows_every_point_once_and_hides_no_group_behind_another(images, xy):
    axes = figures.scatter(xy, images).axes[0]
    points = np.concatenate([c.get_offsets() for c in axes.collections])
    assert np.array_equal(np.sort(points, 0), np.sort(xy, 0))
    names = style.groups_of(images)
    order = [c.get_facecolor()[0, :3] for c in axes.collections if len(c.get_offsets())]
    last = {group: max(i for i, c in enumerate(order) if np.allclose(c, to_rgb(style.looks([group])[group][0])))
            for group in set(names)}  # fmt: skip
    assert min(last.values()) > 2 * len(last)


def test_a_map_of_other_pictures_is_refused(images, xy):
    with pytest.raises(ValueError, match=r"\[40, 2\], not \[39, 2\]"):
        figures.scatter(xy[1:], images)


@pytest.mark.parametrize("spread", [1.0, 0.0], ids=["spread out", "all at one place"])
@pytest.mark.parametrize("n", [1, 10, 40, 100])
def test_thumbnails_do_not_overlap_and_stay_where_their_points_are(xy, n, spread):
    cells = maps.choose_cells(xy * spread, n)
    assert len(set(cells.values())) == len(cells) >= (1 if spread == 0 else min(n, N) * 0.8)
    if spread and n == 40:
        columns, rows = np.array(list(cells.values())).T
        chosen = np.array(list(cells))
        assert np.corrcoef(columns, xy[chosen, 0])[0, 1] > 0.99
        assert np.corrcoef(rows, xy[chosen, 1])[0, 1] < -0.99  # row 0 is at the top


def test_picture_map_shows_pictures_where_their_points_are(images, xy):
    size = 20
    pixels = render(figures.picture_map(xy, images, n=20, size=size)).astype(int)
    for i, (column, row) in maps.choose_cells(xy, 20).items():
        middle = pixels[pictures.GAP + row * size + size // 2, 4 + column * size + size // 2]
        assert np.abs(middle - colour_of(i)).max() < 9


def test_intervals_stand_where_the_table_says():
    axes = figures.purity_plot(purities()).axes[0]
    (x0, low), (x1, high) = axes.collections[1].get_segments()[1]
    assert (low, high) == pytest.approx((0.7, 0.9))
    assert x0 == x1 == pytest.approx(1, abs=0.2)


def test_where_the_time_goes_is_said_in_true_numbers():
    text = maps.summarise(costs())
    assert text == "Convolutions take 60% of the time, fully connected layers hold 90% of the parameters"
    assert maps.summarise(costs().iloc[:2]) == "Convolutions take 86% of the time"


def test_time_plot_names_the_batch():
    assert any("batches of 8" in axes.get_title("left") for axes in figures.time_plot(costs(), batch=8).axes)


def test_layers_that_differ_by_turning_and_mirroring_do_not_move(xy):
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    first, second, third = widgets.align([xy, 3 * xy @ turn + 5, xy * [1, -1]])
    assert np.allclose(first, second)
    assert np.allclose(first, third)


def test_moving_the_slider_moves_the_map_and_moving_it_back_restores_it(images, xy):
    box = widget.layer_slider({"pool1": xy, "pool5": xy**3, "fc6": xy[::-1]}, images)
    (_, slider, where), view = box.children[0].children, box.children[1]
    first = view.value
    seen = {first}
    for step in range(slider.max + 1):
        slider.value = step
        seen.add(view.value)
    assert len(seen) == slider.max + 1 == 2 * widgets.BETWEEN + 1
    assert where.value == "fc6"
    assert {Image.open(io.BytesIO(frame)).size for frame in seen} == {Image.open(io.BytesIO(first)).size}
    slider.value = 0
    assert view.value == first


def test_hover_map_holds_every_point_at_its_place_and_loads_nothing(images, xy):
    page = widget.hover_map(xy, images, title='Ducks & "drakes"').data
    assert "http" not in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    points = json.loads(re.search(r"points = (\[\[.*?\]\]),", page)[1])
    assert [label for _, _, label in points] == images.labels.tolist()
    drawn = Image.open(io.BytesIO(base64.b64decode(re.search(r'base64,([^"]+)"></div>', page)[1]))).convert(
        "RGB"
    )
    colours = np.array([to_rgb(colour) for colour, _ in style.looks(style.groups_of(images)).values()]) * 255
    for x, y, _ in points:  # in the drawing there is a mark of some group; another may lie over this one
        there = np.asarray(drawn, int)[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3].reshape(-1, 1, 3)
        assert np.abs(there - colours).max(2).min() < 12
    assert "Ducks &amp; &quot;drakes&quot;" in page


def test_hover_map_of_many_pictures_stays_small():
    n = 500
    noise = np.random.default_rng(0).integers(0, 256, (n, 3, 24, 24), dtype=np.uint8)
    many = ImageCollection("many", "real", ArrayImages(noise), CLASSES, np.arange(n) % 4, GROUPS)
    page = widget.hover_map(np.random.default_rng(1).normal(size=(n, 2)), many, size=24).data
    assert page.count("],[") == 299
    assert len(page) < 350_000


def test_a_class_called_like_a_tag_ends_no_script(images, xy):
    classes = ("</script><b>", *CLASSES[1:])
    odd = ImageCollection("odd", "real", images.images, classes, images.labels, GROUPS)
    page = widget.hover_map(xy, odd).data
    assert page.count("</script>") == 1


def test_the_sheet_command_writes_a_png(images, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sheet.datasets, "load", lambda name: images)
    sheet.main(["caltech101", str(tmp_path / "out.png"), "--per-class", "2", "--size", "20"])
    assert Image.open(tmp_path / "out.png").format == "PNG"
    assert "4 classes, drawn twins" in capsys.readouterr().out
