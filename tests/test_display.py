"""Figures of several chapters: one look for one thing, no picture over another, text for those who cannot see."""

import html
import re
from itertools import combinations

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from looking import N, check_figures, colour_of, coloured, controls, picture_in, render, texts
from matplotlib import pyplot
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from nbconvert import HTMLExporter
from PIL import Image

from lecture_lib import display
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.datasets.twin import TwinImages
from lecture_lib.display import labels, pictures, showing, style
from lecture_lib.display.tiles import GAP, LETTER, Block, Frame, Tile, fit, tiles

CLASSES = ("duck", "owl", "car", "oak tree with a name far too long for its place")
GROUPS = ("bird", "bird", "conveyance, transport", "plant")


@pytest.fixture
def images():
    return coloured(CLASSES, GROUPS)


def rows(methods=("fc6", "pool1"), ns=(1, 3, 10, 30), first=60):
    """A table of lines that rise by one a step, 20 apart."""
    table = [(m, n, first - 20 * j + k, 0.25) for j, m in enumerate(methods) for k, n in enumerate(ns)]
    return pd.DataFrame(table, columns=["method", "n", "value", "spread"])


def aps(*methods, classes=("aeroplane", "boat", "cow", "mAP")):
    values = 10.0 * np.arange(len(classes) * len(methods)).reshape(-1, len(methods)) % 97
    return pd.DataFrame(values, index=list(classes), columns=list(methods))


def trades():
    table = {"name": ["a", "b", "c"], "family": ["IFV", "CNN", "CNN"], "x": [10.0, 100, 110]}
    return pd.DataFrame(table).assign(value=[40.0, 60, 60.5])


def test_every_figure_has_its_title_and_a_white_ground_and_leaves_the_users_style_alone(images):
    check_figures(all_figures(images))


def all_figures(images):
    yield display.contact_sheet(images, title="title")
    yield display.neighbours_grid(images, [0, 1], {"fc6": np.ones((2, 3), int)}, title="title")
    yield display.views_grid(images.tensor(0), [images.tensor(0)] * 4, list("abcd"), title="title")
    yield display.learning_curves(rows(), ylabel="%", title="title", chance=2)
    yield display.class_dumbbells(aps("CNN", "IFV"), aps("CNN", "IFV") + 1, xlabel="%", title="title")
    yield display.tradeoff(trades(), xlabel="ms", ylabel="%", title="title")


# ---------------------------------------------------------------------------------------------------------- showing


def test_show_gives_one_image_with_its_text_once_also_of_a_figure_of_pyplots(displayed):
    figure = pyplot.figure(figsize=(2, 1))
    display.show(figure, "An empty page.")
    (data,) = displayed
    assert data["text/plain"] == "An empty page."
    assert picture_in(data).format == "PNG"
    assert not pyplot.fignum_exists(figure.number)


def test_the_text_of_a_figure_reaches_an_exported_page(displayed):
    display.show(Figure((2, 1)), 'A page, "empty" & <white>')
    (data,) = displayed
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", data)])
    page, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    alts = re.findall(r"""<img alt=(["'])(.*?)\1""", page)
    assert [html.unescape(alt) for _, alt in alts] == [data["text/plain"]]


def test_an_explorer_leaves_its_picture_for_when_no_kernel_runs(displayed):
    drawn = []

    def draw(x):
        drawn.append(x)
        return Figure((x, 1)), f"A page {x} wide"

    box = showing.Explorer(draw, {"x": showing.choice("x", [1, 2], 2)})
    displayed.clear()
    box._ipython_display_()
    still, moving = displayed
    assert picture_in(still).width == 2 * picture_in(showing.bundle(Figure((1, 1)), "as wide as one")).width
    assert 'alt="A page 2 wide"' in still["text/html"]
    assert moving["application/vnd.jupyter.widget-view+json"]["model_id"] == box.model_id
    for x in (1, 2, 1):
        controls(box)[0].value = x
    assert [output["text/plain"] for output in displayed[2:]] == [
        "A page 1 wide",
        "A page 2 wide",
        "A page 1 wide",
    ]
    assert drawn == [2, 1]  # what was drawn is kept


def test_a_figure_without_a_text_is_refused():
    with pytest.raises(ValueError, match="alternative text"):
        display.show(Figure(), " ")


def test_a_page_of_photographs_is_a_small_file():
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(noise).resize((800, 600), Image.Resampling.BICUBIC))
    data, kind = showing.compress(tiles([[Block([Tile(picture)])]]).figure)
    assert kind == "jpeg"
    assert len(data) < 150_000


# ------------------------------------------------------------------------------------------------ colours and marks

# what notebooks 01 to 05 draw in one figure
COMPARED = [
    ("ilsvrc2012", "caltech101", "sun397", "caltech101, random weights"),
    ("training pictures", "test pictures"),
    ("DeCAF7", "DeCAF6", "DeCAF5", "DeCAF1", "DeCAF6, random weights", "pixels, 16 x 16"),
    ("CNN-SVM", "CNNaug-SVM"),
    ("FK IN", "CNN", "CNN, (C) s s"),
    ("IFV", "CNN", "IFV + CNN", "words"),
    ("softmax", "TUNE-CLS", "TUNE-RNK", "from scratch", "frozen, SVM"),
    ("caltech101 twin", "voc2007 twin"),
    ("VOC 2007", "actions"),
    ("patches, sum over patches", "patches, no background", "patches, no transfer", "the picture's middle"),
    ("base", "BnB", "AnB", "BnB+", "AnB+", "random layers"),
    ("random halves", "dissimilar halves"),
]
# Machado, Oliveira and Fernandes (2009): what a reader without the middle (long) cones sees of linear RGB
DEUTAN = [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
PROTAN = [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]


@pytest.mark.parametrize("methods", COMPARED)
def test_what_is_compared_differs_in_mark_and_colour_also_to_colour_blind_readers(methods):
    looks = style.of(*methods)
    for one, other in combinations(looks.values(), 2):
        if one.colour == other.colour:
            assert one.stroke != other.stroke
            continue
        assert one.marker != other.marker
        seen = np.array([to_rgb(one.colour), to_rgb(other.colour)]) ** 2.2
        for sight in (np.eye(3), DEUTAN, PROTAN):
            lightness = (np.clip(seen @ np.transpose(sight), 0, 1) ** (1 / 2.2)).T
            assert np.linalg.norm(np.ptp(lightness, axis=1)) > 0.12


def test_a_method_has_one_look_whatever_else_is_shown_and_whatever_a_notebook_calls_it():
    everything = [name for methods in COMPARED for name in methods if ", " not in name]
    for name in everything:
        alone = style.of(name)[name]
        for others in COMPARED:
            assert style.of(*others, name)[name][:2] == alone[:2]
            assert style.of(name, "zebra", *others)[name][:2] == alone[:2]
    assert style.of("frozen, SVM")["frozen, SVM"] == style.of("CNN")["CNN"] == style.of("CNN-SVM")["CNN-SVM"]


def test_every_figure_draws_a_method_in_its_look():
    look = style.of("CNN")["CNN"]
    curve = display.learning_curves(rows(("other", "CNN")), ylabel="%").axes[0].lines[1]
    assert (curve.get_color(), curve.get_marker()) == look[:2]
    dots = display.class_dumbbells(aps("other", "CNN"), xlabel="%").axes[0].collections[2]
    assert to_hex(dots.get_facecolor()[0]) == look.colour
    marks = display.tradeoff(trades(), xlabel="ms", ylabel="%").axes[0].lines
    assert look[:2] in {(mark.get_color(), mark.get_marker()) for mark in marks}


def test_unknown_names_take_colours_that_the_methods_beside_them_do_not_have():
    looks = style.of("CNN", "one", "two", "TUNE-CLS", "three", "two, random")
    assert len({look.colour for look in looks.values()}) == 5
    assert looks["two"][:2] == looks["two, random"][:2]
    assert len(set(looks.values())) == 6


def test_groups_of_the_twins_have_their_own_looks_in_the_order_of_the_lecture():
    from lecture_lib.twins import places, voc, world

    objects = list(dict.fromkeys(c.group for c in world.OBJECTS))
    assert list(style.looks(["my folder", *reversed(objects)])) == [*objects, "my folder"]
    for groups in (objects, places.GROUPS, voc.GROUPS):
        rgb = np.array([to_rgb(colour) for colour, _ in style.looks(groups).values()])
        apart = np.linalg.norm(rgb[:, None] - rgb[None], axis=2) + 9 * np.eye(len(rgb))
        assert apart.min() > 0.2


def test_classes_take_the_place_of_groups_where_there_are_none(images):
    bare = ImageCollection("bare", "real", images.images, CLASSES, images.labels)
    assert list(style.groups_of(bare)[:4]) == list(CLASSES)


# ------------------------------------------------------------------------------------------------------------ tiles


def test_pixels_of_a_page_are_not_resampled():
    board = np.indices((61, 83)).sum(0)[..., None].repeat(3, 2).astype(np.uint8) % 2 * 255
    assert np.array_equal(
        render(tiles([[Block([Tile(board)])]]).figure)[GAP : GAP + 61, GAP : GAP + 83], board
    )


blocks = st.builds(
    lambda sizes, columns, heading, caption: Block(
        [Tile(np.zeros((h, w, 3), np.uint8), caption) for h, w in sizes], columns, heading
    ),
    st.lists(st.tuples(st.integers(5, 60), st.integers(5, 60)), min_size=1, max_size=7),
    st.integers(0, 4),
    st.sampled_from(["", "a heading"]),
    st.sampled_from(["", "one line", "two\nlines"]),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(blocks, min_size=1, max_size=3), min_size=1, max_size=3))
def test_no_picture_lies_over_another_or_beyond_the_page(page_of):
    figure, _, corners = tiles(page_of, title="title")
    every = [tile.picture.shape for row in page_of for block in row for tile in block.tiles]
    width, height = figure.bbox.size
    boxes = [(x, y, x + w, y + h) for (x, y), (h, w, _) in zip(corners, every, strict=True)]
    assert all(x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height for x0, y0, x1, y1 in boxes)
    for one, other in combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_captions_headings_and_labels_touch_no_picture_and_stay_on_the_page():
    picture = np.zeros((50, 70, 3), np.uint8)
    tile = Tile(
        picture, "turned 15°\nanticlockwise", Frame("#0a8f5c", 3, "✓"), "a note far too long for this"
    )
    block = Block(
        [tile] * 6,
        3,
        heading="a heading longer than the whole page " * 3,
        label="label\nof two lines",
    )
    figure, axes, corners = tiles([[block, Block([tile])], [block]], left=120, title="title")
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    boxes = [t.get_window_extent() for t in axes.texts if t.get_text() not in ("", "✓")]
    for box in boxes:
        assert box.x0 >= 0
        assert box.x1 <= width + 1
        assert box.y0 >= 0
        for x, y in corners:
            beside = box.x1 <= x or box.x0 >= x + 70
            assert beside or box.y0 >= height - y or box.y1 <= height - y - 50
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    x, y = corners[0]
    assert render(figure)[y : y + 15, x : x + 15, 1].max() > 100  # the sign lies on the black picture


@given(st.text(min_size=1), st.floats(1, 300), st.floats(5, 14))
def test_a_cut_name_fits_and_an_uncut_one_is_whole(name, width, size):
    cut = fit(name, width, size)
    assert cut == style.short(name, 1000) or (
        cut.endswith("…") and len(cut) == max(int(width / (LETTER * size)), 1)
    )


# --------------------------------------------------------------------------------------------------------- pictures


def test_contact_sheet_shows_only_pictures_of_the_class_it_names(images):
    pixels = render(display.contact_sheet(images, classes=["car"], per_class=3, size=32)).reshape(-1, 3)
    seen = [i for i in range(N) if (np.abs(pixels - colour_of(i)).max(1) < 3).sum() > 500]
    assert len(seen) == 3
    assert all(CLASSES[images.labels[i]] == "car" for i in seen)


def test_contact_sheet_of_a_class_that_is_not_there_says_so(images):
    with pytest.raises(ValueError, match="no class 'cat'"):
        display.contact_sheet(images, classes=["cat"])


def test_twins_are_drawn_anew_for_large_pictures_in_one_go_and_not_for_small_ones():
    asked = []

    def draw(rows, width):
        asked.append((list(rows), width))
        return np.stack([np.full((3, width, width), row, np.uint8) for row in rows])

    twins = coloured(CLASSES, GROUPS, TwinImages, draw=draw)[[9, 3, 5]]
    small = pictures.thumbnails(twins, [0, 1], 12)
    assert asked == []
    assert small[0].getpixel((5, 5)) == colour_of(9)
    large = pictures.thumbnails(twins, [0, 1, 0], 64)
    assert asked == [([3, 9], 64)]
    assert [t.getpixel((5, 5))[0] for t in large] == [9, 3, 9]
    display.neighbours_grid(twins, [0, 1], {"fc6": np.array([[1], [0]])})
    assert len(asked) == 2


def test_frames_of_neighbours_tell_class_group_and_neither_apart_and_one_of_several_classes_is_enough():
    present = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1], [1, -1, 0], [0, 0, 0], [-1, 0, 0]], np.int8)
    array = np.zeros((6, 3, 30, 40), np.uint8)
    groups = ("vehicle", "animal", "animal")
    several = ImageCollection("several", "twin", ArrayImages(array), ("a", "b", "c"), present, groups)
    near = {"before": np.array([[1, 2, 3]]), "after": np.array([[4, 5, 2]])}
    page = display.neighbours_grid(several, [0], near).axes[0]
    boxes = [box for box in page.patches if box.get_width() > 40]  # those of the key are smaller
    kinds = [frame.colour for frame in pictures.FRAMES.values()]
    assert [kinds.index(to_hex(box.get_edgecolor())) for box in boxes] == [0, 1, 0, 2, 2, 1]
    assert len({box.get_linewidth() for box in boxes}) == 3  # not by colour alone
    assert all(box.get_width() > 1.25 * box.get_height() for box in boxes)  # whole pictures, not squares


def test_mirrors_stand_below_their_partners_and_all_views_are_equally_large():
    sizes = [(60, 90), (40, 60), (20, 30), (8, 12)] * 4
    views = [
        torch.tensor(colour_of(2 * i + 1), dtype=torch.uint8)[:, None, None].expand(3, *size)
        for i, size in enumerate(sizes)
    ]
    figure = display.views_grid(torch.zeros(3, 60, 90, dtype=torch.uint8), views, list("abcdefghijklmnop"))
    at, pixels = [], render(figure)
    for i in range(16):
        y, x = np.nonzero(np.abs(pixels - colour_of(2 * i + 1)).max(2) < 9)
        assert len(x) == pytest.approx(100 * 67, rel=0.1)
        at.append((x.mean(), y.mean()))
    upper, lower = np.array(at[:8]), np.array(at[8:])
    assert np.allclose(upper[:, 0], lower[:, 0], atol=3)
    assert (lower[:, 1] > upper[:, 1] + 40).all()
    assert (np.diff(upper[:, 0]) > 50).all()


# ----------------------------------------------------------------------------------------------------------- curves


def line(figure, name):
    return next(one for one in figure.axes[0].lines if one.get_label() == name)


def test_a_learning_curve_goes_through_the_values_of_its_method_by_rising_n_with_its_band():
    figure = display.learning_curves(rows().sample(frac=1, random_state=0), ylabel="accuracy, %", chance=2)
    for name, first in (("fc6", 60), ("pool1", 40)):
        assert line(figure, name).get_xdata().tolist() == [1, 3, 10, 30]
        assert line(figure, name).get_ydata().tolist() == [first + k for k in range(4)]
    bands = [band.get_paths()[0].vertices for band in figure.axes[0].collections]
    ranges = sorted((v[v[:, 0] == 10, 1].min(), v[v[:, 0] == 10, 1].max()) for v in bands)
    assert ranges == [(41.75, 42.25), (61.75, 62.25)]
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert [t.get_text() for t in axes.get_xticklabels()] == ["1", "3", "10", "30"]
    assert set(line(figure, "by chance").get_ydata()) == {2}


def test_two_values_of_one_method_at_one_place_are_refused():
    with pytest.raises(ValueError, match="'fc6' has two rows for n = 10; average them first"):
        display.learning_curves(pd.concat([rows(), rows()[2:3]]), ylabel="%")


def test_every_class_has_its_dots_at_its_values_joined_by_a_line_and_the_mean_apart():
    table = aps("CNN", "IFV", "both")
    axes = display.class_dumbbells(table, xlabel="AP, %").axes[0]
    joined, *dots = axes.collections
    places = axes.get_yticks()
    for method, marks in zip(table, dots, strict=True):
        assert marks.get_label() == method
        assert np.allclose(marks.get_offsets(), np.stack([table[method], places], 1))
    ends = [[[min(row), y], [max(row), y]] for row, y in zip(table.to_numpy(), places, strict=True)]
    assert np.allclose(joined.get_segments(), ends)
    assert [t.get_text() for t in axes.get_yticklabels()] == ["aeroplane", "boat", "cow", "mAP"]
    steps = np.diff(places)
    assert steps[-1] > 1.4 * steps[0] == 1.4 * steps[1]
    assert axes.yaxis_inverted()


def test_the_papers_values_are_hollow_marks_in_the_colours_of_ours():
    ours, paper = aps("CNN", "IFV"), aps("CNN", "IFV") + 3
    figure = display.class_dumbbells(ours, paper, xlabel="%")
    dots = [c for c in figure.axes[0].collections if c.get_label() in texts(figure)]
    for solid, hollow, method in zip(dots[:2], dots[2:], ours, strict=True):
        assert hollow.get_offsets()[:, 0].tolist() == paper[method].tolist()
        assert to_hex(hollow.get_facecolor()[0]) == "#ffffff" != to_hex(solid.get_facecolor()[0])
        assert to_hex(hollow.get_edgecolor()[0]) == to_hex(solid.get_facecolor()[0])
    with pytest.raises(ValueError, match="rows and columns of ours"):
        display.class_dumbbells(ours, paper[::-1], xlabel="%")


# ----------------------------------------------------------------------------------------------- names at the ends


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=9))
def test_names_move_apart_in_their_order_and_no_farther_than_they_must(places):
    places = np.array(places)
    apart = labels.spread(places, 10)
    order = np.argsort(places, kind="stable")
    assert (np.diff(apart[order]) >= 10 - 1e-6).all()
    assert np.mean(apart) == pytest.approx(
        np.mean(places), abs=1e-6
    )  # three on one place: above, on and below it
    far = np.abs(places[:, None] - places) + 1e9 * np.eye(len(places))
    alone = far.min(1) > 10 * len(places)
    assert np.allclose(apart[alone], places[alone])


def test_names_of_lines_do_not_touch_and_stand_right_of_the_axes_in_their_order_and_colour():
    table = rows([f"layer {i}" for i in range(5)])
    table["value"] = table["value"].where(table.n < 30, [60 + 0.1 * i for i in range(5) for _ in range(4)])
    table = table[(table.method != "layer 3") | (table.n < 10)]  # one ends early
    figure = display.learning_curves(table, ylabel="%", chance=1)
    render(figure)
    axes = figure.axes[0]
    named = {t.get_text(): t for t in axes.texts}
    boxes = {name: Text.get_window_extent(text) for name, text in named.items()}
    assert set(boxes) == {*(f"layer {i}" for i in range(5)), "by chance"}
    assert not any(one.overlaps(other) for one, other in combinations(boxes.values(), 2))
    assert all(axes.bbox.x1 < box.x0 and box.x1 <= figure.bbox.width for box in boxes.values())
    assert boxes["layer 4"].y0 > boxes["layer 0"].y0 > boxes["by chance"].y0
    assert all(text.get_color() == line(figure, name).get_color() for name, text in named.items())


# ---------------------------------------------------------------------------------------------------------- tradeoffs


def costs(n=14, spread=1.0):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "name": [f"method {i}, K = {2**i}" for i in range(n)],
            "family": [("IFV", "CNN", "visual words")[i % 3] for i in range(n)],
            "x": 10 ** (4 + spread * rng.random(n)),
            "value": 50 + 20 * spread * rng.random(n),
        }
    )


def plot(table, paper=None):
    figure = display.tradeoff(table, paper, xlabel="numbers a picture", ylabel="mAP, %")
    showing.compress(figure)
    return figure, [line for line in figure.axes[0].lines if line.get_marker() != "None"]


def test_marks_lie_where_the_table_says_and_a_row_without_a_number_is_left_out():
    table = costs()
    table.loc[1, "value"] = np.nan
    _, marks = plot(table)
    table = table.drop(index=1)
    assert [(*m.get_xdata(), *m.get_ydata()) for m in marks] == [*zip(table.x, table.value, strict=True)]
    looks = {family: (m.get_color(), m.get_marker()) for family, m in zip(table.family, marks, strict=True)}
    assert len(set(looks.values())) == 3


@pytest.mark.parametrize("spread", [1.0, 0.4])
def test_names_cover_no_mark_and_no_other_name_and_stay_near_their_own(spread):
    table = costs(spread=spread)
    figure, _ = plot(table)
    axes = figure.axes[0]
    names = {t.get_text(): Text.get_window_extent(t) for t in axes.texts}
    assert set(names) == set(table.name)
    assert not any(one.overlaps(other) for one, other in combinations(names.values(), 2))
    for row in table.itertuples():
        x, y = axes.transData.transform((row.x, row.value))
        assert not any(box.x0 < x < box.x1 and box.y0 < y < box.y1 for box in names.values())
        own = names[row.name]
        assert np.hypot(max(own.x0 - x, x - own.x1, 0), max(own.y0 - y, y - own.y1, 0)) < 90
        assert axes.bbox.x0 <= own.x0 <= own.x1 <= axes.bbox.x1


def test_values_of_the_paper_are_hollow_in_the_colours_of_their_families():
    paper = pd.DataFrame(
        {"name": ["FK", "CNN M"], "family": ["IFV", "CNN"], "x": [83968, 4096], "value": [66, 79.9]}
    )
    _, marks = plot(costs(3), paper)
    ifv, cnn, _, *theirs = marks
    assert [m.get_mfc() for m in theirs] == ["white"] * 2
    assert [m.get_mec() for m in theirs] == [ifv.get_mec(), cnn.get_mec()]
