"""Figures of linear probes: what is drawn is what was given, and what does not fit is refused in plain words."""

import base64
import colorsys
import io
import os
import re
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from lecture_lib import datasets, display
from lecture_lib.chapters.linear_probes import widget
from lecture_lib.chapters.linear_probes import widget as explorer
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.datasets.twin import TwinImages
from lecture_lib.display import rankings, style

NS = [1, 3, 5, 10, 15, 20, 30]
CLASSES = ("duck", "owl", "oak_tree", "a class with a name far too long for the place below a picture")
N = 40


def colour_of(i):
    """A colour of picture i's own, far enough from the others to survive JPEG."""
    return tuple(round(255 * v) for v in colorsys.hsv_to_rgb(i / N, 1, 1 if i % 2 else 0.6))


def collection(multi_label=False, images=ArrayImages, size=16, **options):
    array = np.empty((N, 3, size, size), np.uint8)
    array[:] = np.array([colour_of(i) for i in range(N)])[:, :, None, None]
    labels = np.arange(N) % len(CLASSES)
    if multi_label:
        labels = np.eye(len(CLASSES), dtype=np.int8)[labels]
    return ImageCollection("made up", "twin", images(array, **options), CLASSES, labels)


@pytest.fixture
def images():
    return collection()


@pytest.fixture
def scores(images):
    """Two layers, three Cs; scores of the right class are high at fc6, and no two scores are alike."""
    rng = np.random.default_rng(0)
    right = np.eye(len(CLASSES))[images.labels]
    return {
        layer: {C: (gain * right + rng.normal(size=right.shape)).astype(np.float32) for C in (10.0, 0.1, 1.0)}
        for layer, gain in (("pool1", 0.2), ("fc6", 2.5))
    }


def curve(x="n", places=NS, **heights):
    """A table of lines that rise by one a step from the height given: name -> height of the first point."""
    rows = [
        (name, at, h + k, h + k - 0.5, h + k + 0.25)
        for name, h in heights.items()
        for k, at in enumerate(places)
    ]
    return pd.DataFrame(rows, columns=["name", x, "value", "low", "high"])


def render(figure):
    """RGB pixels [H, W, 3] as shown in a notebook."""
    return np.asarray(Image.open(io.BytesIO(style.encode(figure)[0])).convert("RGB")).astype(int)


def texts(figure):
    """All that is written in a figure, in axes, legends and beside them."""
    found = [t.get_text() for axes in figure.axes for t in axes.texts]
    return found + [t.get_text() for legend in figure.legends for t in legend.get_texts()]


def line(figure, name):
    return next(one for one in figure.axes[0].lines if one.get_label() == name)


def aps(*methods, classes=("aeroplane", "boat", "cow", "mAP")):
    values = 10.0 * np.arange(len(classes) * len(methods)).reshape(-1, len(methods)) % 97
    return pd.DataFrame(values, index=list(classes), columns=list(methods))


# ---------------------------------------------------------------------------------------------- learning curves


def test_a_learning_curve_goes_through_the_values_of_its_name_by_rising_n():
    table = curve(fc6=60, pool1=10)
    figure = display.learning_curves(table.sample(frac=1, random_state=0), ylabel="accuracy, %")
    for name, first in (("fc6", 60), ("pool1", 10)):
        assert line(figure, name).get_xdata().tolist() == NS
        assert line(figure, name).get_ydata().tolist() == [first + k for k in range(len(NS))]
    assert figure.axes[0].get_ylabel() == "accuracy, %"


def test_the_band_reaches_from_low_to_high():
    (band,) = display.learning_curves(curve(fc6=60), ylabel="%").axes[0].collections
    x, y = band.get_paths()[0].vertices.T
    assert y[x == 5].min() == 61.5
    assert y[x == 5].max() == 62.25


def test_the_axis_of_n_is_logarithmic_and_names_just_the_ns():
    axes = display.learning_curves(curve(fc6=60), ylabel="%").axes[0]
    assert axes.get_xscale() == "log"
    assert [t.get_text() for t in axes.get_xticklabels()] == [str(n) for n in NS]
    assert axes.get_xticks().tolist() == NS
    assert len(axes.get_xticks(minor=True)) == 0


def test_lines_far_apart_are_named_at_their_ends_and_close_ones_in_a_legend_in_their_order():
    apart = display.learning_curves(curve(pool1=10, fc6=60), ylabel="%", chance=2)
    assert not apart.legends
    ends = {t.get_text(): t.xy for t in apart.axes[0].texts}
    assert ends == {"fc6": (30, 66), "pool1": (30, 16), "by chance": (30, 2)}
    colours = {t.get_text(): t.get_color() for t in apart.axes[0].texts}
    assert all(colours[name] == line(apart, name).get_color() for name in ("fc6", "pool1"))
    close = display.learning_curves(curve(pool1=10, fc7=60, fc6=60.5), ylabel="%", chance=2)
    assert texts(close) == ["fc6", "fc7", "pool1", "by chance"]
    assert not close.axes[0].texts


def test_names_at_the_ends_do_not_touch():
    for gap in (0.5, 2, 8):
        figure = display.learning_curves(curve(a=10, b=10 + gap, c=40), ylabel="%")
        render(figure)
        boxes = sorted(t.get_window_extent().extents.tolist()[1::2] for t in figure.axes[0].texts)
        assert all(top <= bottom for (_, top), (bottom, _) in pairwise(boxes))
    assert not figure.legends  # eight apart of forty is far enough


def test_a_line_that_ends_early_is_not_named_in_the_middle_of_the_plot():
    table = curve(pool1=10, fc6=60)
    figure = display.learning_curves(table[(table.name == "fc6") | (table.n < 15)], ylabel="%")
    assert not figure.axes[0].texts
    assert set(texts(figure)) == {"fc6", "pool1"}


def test_chance_is_a_dashed_level():
    figure = display.learning_curves(curve(fc6=60), ylabel="%", chance=1.85)
    (level,) = [one for one in figure.axes[0].lines if set(one.get_ydata()) == {1.85}]
    assert level.get_linestyle() == "--"
    assert min(level.get_xdata()) == figure.axes[0].get_xlim()[0]


def test_variants_share_the_colour_of_their_layer_but_no_two_lines_look_alike():
    names = ["fc6, random weights", "fc6", "pool1", "raw pixels, grey", "fc6, dropout", "DeCAF6, aug"]
    figure = display.learning_curves(curve(**dict.fromkeys(names, 5)), ylabel="%")
    lines = {name: line(figure, name) for name in names}
    assert (
        lines["fc6"].get_color()
        == lines["fc6, random weights"].get_color()
        == lines["fc6, dropout"].get_color()
    )
    assert len({one.get_color() for one in lines.values()}) == 4
    assert len({(one.get_color(), one.get_linestyle()) for one in lines.values()}) == 6
    assert all(
        lines[name].get_linestyle() == "-" for name in ("fc6", "pool1", "raw pixels, grey", "DeCAF6, aug")
    )


def test_nan_leaves_a_gap_in_line_and_band():
    table = curve(fc6=60, pool1=10)
    table.loc[2, ["value", "low", "high"]] = np.nan
    table.loc[table.name == "pool1", ["value", "low", "high"]] = np.nan
    figure = display.learning_curves(table, ylabel="%")
    assert np.isnan(line(figure, "fc6").get_ydata()).tolist() == [k == 2 for k in range(7)]
    assert len(figure.axes[0].collections[0].get_paths()) == 2
    assert texts(figure) == ["fc6"]
    render(figure)


@pytest.mark.parametrize("places", [[5], [1, 30]])
def test_few_points_still_make_a_plot_that_shows_them(places):
    axes = display.learning_curves(curve(places=places, fc6=60), ylabel="%").axes[0]
    low, high = axes.get_xlim()
    assert low < places[0] <= places[-1] < high


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="low"), "no column 'low'; it has name, n, value, high"),
        (lambda t: t[:0], "no rows"),
        (lambda t: t.assign(n=t.n - 1), "n = 0 has no place on a logarithmic axis"),
        (lambda t: pd.concat([t, t[2:3]]), "'fc6' has two rows for n = 5; average them first"),
    ],
)
def test_a_table_that_is_no_curve_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        display.learning_curves(change(curve(fc6=60)), ylabel="%")


# ----------------------------------------------------------------------------------------------- curves over C


def rings(figure):
    return {tuple(np.ravel(one.get_xydata())) for one in figure.axes[0].lines if one.get_markersize() > 10}


def test_the_chosen_c_of_each_name_is_ringed_on_its_line():
    table = curve("C", [1e-10, 1e-9, 0.1, 1.0], fc6=60, pool1=10, test=30)
    figure = display.penalty_curves(table, {"fc6": 0.1, "pool1": 1e-9}, ylabel="%")
    assert rings(figure) == {(0.1, 62), (1e-9, 11)}
    assert texts(figure) == ["fc6", "pool1", "test", "chosen C"]


def test_without_a_choice_there_is_no_ring_and_one_line_needs_no_legend():
    figure = display.penalty_curves(curve("C", [0.1, 1], fc6=60), ylabel="%")
    assert rings(figure) == set()
    assert texts(figure) == []


def test_few_cs_are_written_out_and_many_are_not():
    few = display.penalty_curves(curve("C", [0.001, 0.3125, 1000], fc6=60), ylabel="%").axes[0]
    assert [t.get_text() for t in few.get_xticklabels()] == ["0.001", "0.31", "1000"]
    many = display.penalty_curves(curve("C", 2.0 ** np.arange(-10, 11), fc6=60), ylabel="%").axes[0]
    assert len(many.get_xticks()) < 14


@pytest.mark.parametrize("chosen", [{"fc6": 0.2}, {"fc7": 0.1}])
def test_a_choice_that_is_not_in_the_table_is_refused(chosen):
    with pytest.raises(ValueError, match="is not in the table"):
        display.penalty_curves(curve("C", [0.1, 1], fc6=60), chosen, ylabel="%")


# ------------------------------------------------------------------------------------------------------- classes


def test_every_class_has_its_dots_at_its_values_joined_by_a_line():
    table = aps("CNN-SVM", "CNNaug-SVM", "both")
    axes = display.class_dumbbells(table, xlabel="AP, %").axes[0]
    joined, *dots = axes.collections
    rows = axes.get_yticks()
    for method, marks in zip(table, dots, strict=True):
        assert marks.get_offsets().tolist() == [[v, y] for v, y in zip(table[method], rows, strict=True)]
        assert marks.get_label() == method
    for (start, stop), (_, values), y in zip(joined.get_segments(), table.iterrows(), rows, strict=True):
        assert start.tolist() == [values.min(), y]
        assert stop.tolist() == [values.max(), y]
    assert len({to_hex(marks.get_facecolor()[0]) for marks in dots}) == 3


def test_classes_stand_in_the_order_given_and_the_mean_apart():
    axes = display.class_dumbbells(aps("SVM", "aug"), xlabel="%").axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["aeroplane", "boat", "cow", "mAP"]
    steps = np.diff(axes.get_yticks())
    assert steps[-1] > 1.4 * steps[0] == 1.4 * steps[1]
    bottom, top = axes.get_ylim()
    assert bottom > top  # the first class is at the top
    assert [t.get_weight() for t in axes.get_yticklabels()] == ["normal"] * 3 + ["bold"]
    first = display.class_dumbbells(aps("SVM", classes=("mAP", "cow", "boat")), xlabel="%").axes[0]
    assert np.diff(first.get_yticks())[0] > 1.4 * np.diff(first.get_yticks())[1]


def test_the_papers_values_are_hollow_marks_in_the_colours_of_ours():
    ours, paper = aps("SVM", "aug"), aps("SVM", "aug") + 3
    figure = display.class_dumbbells(ours, paper, xlabel="%")
    dots = [c for c in figure.axes[0].collections if c.get_label() in texts(figure)]
    assert texts(figure) == ["SVM", "aug", "SVM, the paper", "aug, the paper"]
    for solid, hollow, method in zip(dots[:2], dots[2:], ours, strict=True):
        assert hollow.get_offsets()[:, 0].tolist() == paper[method].tolist()
        assert to_hex(hollow.get_facecolor()[0]) == "#ffffff" != to_hex(solid.get_facecolor()[0])
        assert to_hex(hollow.get_edgecolor()[0]) == to_hex(solid.get_facecolor()[0])
        assert (np.abs(hollow.get_offsets()[:, 1] - solid.get_offsets()[:, 1]) < 0.5).all()


def test_a_class_without_a_number_has_no_dot_and_no_line():
    table = aps("SVM", "aug")
    table.iloc[0, 0] = np.nan
    table.iloc[1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = display.class_dumbbells(table, xlabel="%")
    joined, svm, _ = figure.axes[0].collections
    assert len(joined.get_segments()) == 3
    assert np.isfinite(np.ma.filled(svm.get_offsets(), np.nan)).all(1).sum() == 2
    render(figure)


def test_the_papers_table_of_other_classes_is_refused_and_so_is_an_empty_one():
    with pytest.raises(ValueError, match="rows and columns of ours"):
        display.class_dumbbells(aps("SVM"), aps("SVM")[::-1], xlabel="%")
    with pytest.raises(ValueError, match="nothing to plot"):
        display.class_dumbbells(aps("SVM")[:0], xlabel="%")


def test_twenty_one_rows_of_text_do_not_touch():
    figure = display.class_dumbbells(
        aps("SVM", classes=[*map("class {}".format, range(20)), "mAP"]), xlabel="%"
    )
    render(figure)
    boxes = [t.get_window_extent() for t in figure.axes[0].get_yticklabels()]
    assert all(one.y0 >= below.y1 for one, below in pairwise(boxes))
    assert boxes[0].height >= 10  # pixels: readable


# ----------------------------------------------------------------------------------------------------- confusion


def heat(figure):
    return np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)


def test_shades_are_shares_of_the_true_class():
    shares = heat(display.confusion(np.array([[6, 2], [1, 3]]), ["duck", "owl"]))
    assert shares.tolist() == [[0.75, 0.25], [0.25, 0.75]]
    assert np.allclose(heat(display.confusion(shares, ["duck", "owl"])), shares)


def test_a_class_without_pictures_is_grey_and_not_white():
    figure = display.confusion(np.array([[4, 0], [0, 0]]), ["duck", "owl"])
    assert np.isnan(heat(figure)[1]).all()
    x, y = figure.axes[0].transData.transform((0, 1))
    pixels = render(figure)
    assert np.ptp(pixels[len(pixels) - int(y), int(x)]) < 3
    assert pixels[len(pixels) - int(y), int(x)].max() < 235


def test_groups_are_put_together_without_mixing_up_the_classes():
    matrix = np.arange(16.0).reshape(4, 4) + 1
    figure = display.confusion(matrix, list("abcd"), ["bird", "fish", "bird", "fish"])
    order = [0, 2, 1, 3]
    assert np.allclose(heat(figure), (matrix / matrix.sum(1, keepdims=True))[np.ix_(order, order)])
    axes = figure.axes[0]
    assert (
        [t.get_text() for t in axes.get_xticklabels()]
        == [t.get_text() for t in axes.get_yticklabels()]
        == list("acbd")
    )


def test_boundaries_lie_between_groups_and_strips_beside_them():
    axes = display.confusion(np.eye(4), list("abcd"), ["bird", "fish", "fish", "fish"]).axes[0]
    assert {tuple(one.get_ydata()) for one in axes.lines if one.get_ydata()[0] == one.get_ydata()[1]} == {
        (0.5, 0.5)
    }
    assert {tuple(one.get_xdata()) for one in axes.lines if one.get_xdata()[0] == one.get_xdata()[1]} == {
        (0.5, 0.5)
    }
    strips = [
        (p.get_y(), p.get_height(), to_hex(p.get_facecolor())) for p in axes.patches if p.get_x() < -0.5
    ]
    assert strips == [(-0.5, 1, style.GROUPS["bird"][0]), (0.5, 3, style.GROUPS["fish"][0])]


def test_of_many_classes_the_groups_are_named_and_of_few_the_classes():
    groups = [*["conveyance, transport"] * 6, *["bird"] * 10, *["fish"] * 10, "plant"]
    many = display.confusion(np.eye(27), [f"class {i}" for i in range(27)], groups).axes[0]
    assert [t.get_text() for t in many.get_yticklabels()] == ["conveyance", "bird", "fish", "plant"]
    assert many.get_yticks().tolist() == [2.5, 10.5, 20.5, 26]
    few = display.confusion(np.eye(25), [f"class_{i}" for i in range(25)]).axes[0]
    assert [t.get_text() for t in few.get_xticklabels()] == [f"class {i}" for i in range(25)]


def test_group_names_do_not_lie_over_each_other():
    figure = display.confusion(np.eye(70), [str(i) for i in range(70)], [f"family {i}" for i in range(70)])
    render(figure)
    assert figure.axes[0].get_yticklabels() == []
    bare = display.confusion(np.eye(30), [str(i) for i in range(30)]).axes[0]
    assert len(bare.get_yticks()) == 0


@pytest.mark.parametrize(
    ("shape", "n", "groups"), [((3, 2), 3, 0), ((2, 2), 3, 0), ((3, 3), 3, 2), ((0, 0), 0, 0)]
)
def test_a_matrix_of_other_classes_is_refused(shape, n, groups):
    with pytest.raises(ValueError, match=rf"of {n} classes is \[{n}, {n}\]"):
        display.confusion(np.ones(shape), ["a"] * n, ["g"] * groups)


def test_one_class_is_a_matrix_too():
    assert heat(display.confusion(np.array([[3]]), ["duck"], ["bird"])).tolist() == [[1]]


# ---------------------------------------------------------------------------------------------- ranked pictures


def seen(pixels, n=N):
    """Pictures that can be seen: index -> (x, y) of the middle of their colour."""
    close = {i: np.argwhere(np.abs(pixels - colour_of(i)).max(2) < 12) for i in range(n)}
    return {i: tuple(np.median(at, 0)[::-1]) for i, at in close.items() if len(at) > 300}


def ranking(indices, right):
    return np.array(indices), -np.arange(float(len(indices))), np.array(right)


def frames(figure, size):
    """Colour of the frames by line and column, from the upper left."""
    boxes = [p for p in figure.axes[0].patches if p.get_width() > size]
    return [to_hex(p.get_edgecolor()) for p in sorted(boxes, key=lambda p: (round(p.get_y()), p.get_x()))]


def test_ranked_pictures_stand_in_their_order_a_line_each(images):
    figure = display.ranked(
        images, {"duck": ranking([9, 3, 20], [1, 1, 1]), "owl": ranking([30, 2], [1, 1])}, size=40
    )
    at = seen(render(figure))
    assert sorted(at) == [2, 3, 9, 20, 30]
    assert at[9][0] < at[3][0] < at[20][0]
    assert at[30][0] == pytest.approx(at[9][0], abs=4)
    assert at[30][0] < at[2][0]
    assert at[9][1] == pytest.approx(at[20][1], abs=4)
    assert at[30][1] > at[9][1] + 40
    names = {t.get_text(): t.get_position()[1] for t in figure.axes[0].texts}
    assert names["duck"] < at[9][1] < names["owl"] < at[30][1]


def test_frames_and_marks_tell_right_from_wrong_and_scores_are_those_given(images):
    figure = display.ranked(
        images, {"duck": (np.array([4, 1, 2]), np.array([1.234, -0.5, -2]), np.array([True, False, False]))}
    )
    assert frames(figure, 72) == [rankings.RIGHT, rankings.WRONG, rankings.WRONG]
    written = texts(figure)
    assert [t for t in written if t in "✓✗" and t] == ["✓", "✗", "✗"]
    assert [t for t in written if re.fullmatch(r"-?\d\.\d\d", t)] == ["1.23", "-0.50", "-2.00"]
    assert "owl" in written  # what picture 1 shows
    assert "oak tree" in written


def test_no_more_than_the_columns_are_shown(images):
    figure = display.ranked(images, {"duck": ranking(range(20), [1] * 20)}, columns=7, size=40)
    assert sorted(seen(render(figure))) == list(range(7))


def test_pictures_with_several_labels_say_all_they_show():
    images = collection(multi_label=True)
    labels = images.labels.copy()
    labels[1], labels[2] = [1, 1, 0, 0], [-1, 0, 0, 0]  # difficult is not shown
    many = ImageCollection("many", "twin", images.images, CLASSES, labels)
    assert [rankings.what_is(many, i) for i in (0, 1, 2)] == ["duck", "duck, owl", ""]
    assert "duck, owl" in texts(display.ranked(many, {"oak": ranking([1], [False])}))


def test_a_picture_without_a_class_is_called_none(images):
    labels = images.labels.copy()
    labels[0] = -1
    assert rankings.what_is(ImageCollection("some", "twin", images.images, CLASSES, labels), 0) == ""


def test_long_names_stay_on_the_page(images):
    figure = display.ranked(images, {CLASSES[3] * 3: ranking([3, 7], [True, False])}, size=40)
    render(figure)
    width = figure.canvas.get_width_height()[0]
    assert all(t.get_window_extent().x1 <= width + 1 for t in figure.axes[0].texts)


def test_nothing_ranked_is_still_a_page(images):
    for rows in ({}, {"duck": ranking([], [])}):
        assert isinstance(display.ranked(images, rows, title="none"), Figure)
        render(display.ranked(images, rows))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((np.arange(3), np.arange(2), np.ones(3, bool)), r"duck: .* one length, not \[3\], \[2\] and \[3\]"),
        ((np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2))), "one length"),
        (([3, N], [1, 0], [True, True]), f"duck: made up has pictures 0 .. {N - 1}, none is {N}"),
        (([-1], [1], [True]), "none is -1"),
    ],
)
def test_a_ranking_that_does_not_fit_is_refused(images, row, message):
    with pytest.raises(ValueError, match=message):
        display.ranked(images, {"duck": row})


def test_twins_of_all_lines_are_drawn_in_one_go():
    asked = []

    def draw(rows, width):
        asked.append(list(rows))
        return np.stack([np.full((3, width, width), row, np.uint8) for row in rows])

    twins = collection(images=TwinImages, draw=draw)
    display.ranked(twins, {"duck": ranking([9, 3], [1, 1]), "owl": ranking([5, 3], [1, 0])}, size=40)
    display.confusions(twins, [("duck", "owl", 2, [4, 8], [1]), ("owl", "duck", 1, [5], [0])], size=40)
    assert asked == [[3, 5, 9], [0, 1, 4, 5, 8]]


# ---------------------------------------------------------------------------------------------------- confusions


def test_mistaken_pictures_stand_left_of_the_arrow_and_the_class_they_were_called_right_of_it(images):
    pairs = [
        ("duck", "owl", 17, np.array([4, 8]), np.array([1, 5, 9])),
        ("oak_tree", "duck", np.int64(1), [2], [0]),
    ]
    figure = display.confusions(images, pairs, size=40)
    at = seen(render(figure))
    assert sorted(at) == [0, 1, 2, 4, 5, 8, 9]
    arrows = figure.axes[0].patches
    (x0, y0), (x1, y1) = arrows[0].get_path().vertices[0], arrows[0].get_path().vertices[2]
    assert at[4][0] < at[8][0] < x0 < x1 < at[1][0] < at[5][0] < at[9][0]
    assert at[2][0] < x0 < x1 < at[0][0]
    assert at[4][1] == pytest.approx(y0, abs=4) == pytest.approx(y1, abs=4)
    names = {t.get_text(): t.get_position() for t in figure.axes[0].texts if t.get_position()[1] < at[4][1]}
    assert names["duck"][0] < x0 < names["17 times"][0] < x1 < names["owl"][0]
    assert "once" in texts(figure)
    assert "oak tree" in texts(figure)


def test_no_confusion_is_said_in_words(images):
    figure = display.confusions(images, [])
    assert "No class was taken for another." in texts(figure)
    render(figure)


def test_a_confusion_of_other_pictures_is_refused(images):
    with pytest.raises(ValueError, match=r"duck → owl: .* none is 40"):
        display.confusions(images, [("duck", "owl", 1, [0], [40])])


def test_a_pair_without_pictures_still_has_its_names(images):
    assert {"duck", "owl", "3 times"} <= set(texts(display.confusions(images, [("duck", "owl", 3, [], [])])))


# --------------------------------------------------------------------------------------------------------- views


def plain(colour, height, width):
    return torch.tensor(colour, dtype=torch.uint8)[:, None, None].expand(3, height, width)


def test_mirrors_stand_below_their_partners_and_all_views_are_equally_large():
    views = [
        plain(colour_of(2 * i + 1), *size)
        for i, size in enumerate([(60, 90), (40, 60), (20, 30), (8, 12)] * 4)
    ]
    figure = display.views_grid(plain((255, 255, 255), 60, 90), views, [f"view {i}" for i in range(16)])
    pixels = render(figure)
    at = {i // 2: where for i, where in seen(pixels).items()}
    assert sorted(at) == list(range(16))
    for i in range(8):
        assert at[i][0] == pytest.approx(at[i + 8][0], abs=3)
        assert at[i][1] < at[i + 8][1] - 40
        assert i == 0 or at[i][0] > at[i - 1][0] + 50
    boxes = [(p.get_width(), p.get_height()) for p in figure.axes[0].patches]
    assert boxes[0] == (210, 140)
    assert set(boxes[1:]) == {(100, 67)}


def test_captions_of_views_stay_in_their_column_and_above_the_next_row():
    names = ["turned 15° anticlockwise, mirrored"] * 16
    figure = display.views_grid(plain((9, 99, 9), 50, 50), [plain((9, 99, 9), 50, 50)] * 16, names)
    render(figure)
    height = figure.canvas.get_width_height()[1]
    boxes = [t.get_window_extent() for t in figure.axes[0].texts if t.get_text()]
    assert all(one.x1 <= other.x0 for one, other in pairwise(boxes[:8]))
    second = min(p.get_y() for p in figure.axes[0].patches if p.get_y() > 60)
    assert all(height - box.y0 < second for box in boxes[:8])
    assert all(box.y0 >= 0 for box in boxes)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10])
def test_any_number_of_views_has_its_place(n):
    figure = display.views_grid(plain((9, 99, 9), 5, 9), [plain((9, 99, 9), 9, 5)] * n, ["x"] * n)
    assert len(figure.axes[0].patches) == n + 1
    render(figure)


def test_views_without_names_and_things_that_are_no_pictures_are_refused():
    picture = plain((9, 99, 9), 5, 5)
    with pytest.raises(ValueError, match="2 views have 1 names"):
        display.views_grid(picture, [picture] * 2, ["whole"])
    with pytest.raises(ValueError, match=r"uint8 \[3, H, W\], not torch.float32"):
        display.views_grid(picture.float(), [], [])
    with pytest.raises(ValueError, match=r"not torch.uint8 \[5, 5, 3\]"):
        display.views_grid(picture, [picture.permute(1, 2, 0)], ["whole"])


# ------------------------------------------------------------------------------------------------------- explorer


def parts(box):
    *_, row, layers, view = box.children
    which, slider = row.children
    return which, slider, layers, view


def shown(view):
    """Pictures of the two lines, as indices, and whether each is framed as right."""
    lines = view.value.split("Most confident mistakes")
    found = []
    for text in lines:
        tiles = [
            Image.open(io.BytesIO(base64.b64decode(data))) for data in re.findall(r'base64,([^"]+)"', text)
        ]
        middles = [np.array(tile.convert("RGB").getpixel((40, 40))) for tile in tiles]
        indices = [int(np.argmin([np.abs(m - colour_of(i)).max() for i in range(N)])) for m in middles]
        right = [colour == rankings.RIGHT for colour in re.findall(r"border:4px solid (#\w+)", text)]
        found.append((indices, right))
    return found


def test_the_explorer_shows_the_top_of_the_chosen_class_layer_and_c(images, scores):
    which, slider, layers, view = parts(widget.probe_explorer(images, scores))
    for layer, cost, c in [("pool1", 0.1, 2), ("fc6", 10.0, 0), ("fc6", 0.1, 3)]:
        which.value, slider.value, layers.value = c, cost, layer
        table = scores[layer][cost]
        (top, right), (mistakes, wrong) = shown(view)
        assert top == np.argsort(-table[:, c])[:10].tolist()
        assert right == (images.labels[top] == c).tolist()
        called = [i for i in np.argsort(-table[:, c]) if table[i].argmax() == c and images.labels[i] != c]
        assert mistakes == called[:5]
        assert not any(wrong)
        assert f"{table[top[0], c]:.2f}" in view.value
        own = images.labels == c
        count = (table[own].argmax(1) == c).sum()
        assert f"{count} of the {own.sum()} pictures" in view.value


def test_turning_back_brings_the_same_picture_without_looking_at_the_photographs_again(
    images, scores, monkeypatch
):
    which, slider, layers, view = parts(widget.probe_explorer(images, scores))
    start = [(control, control.value) for control in (which, slider, layers)]
    for control, value in (
        (which, 2),
        (which, 3),
        (slider, 0.1),
        (slider, 1.0),
        (slider, 10.0),
        (layers, "pool1"),
    ):
        control.value = value
    places = {control: control.value for control in (which, slider, layers)}
    passed = [view.value]
    for control, value in start:
        control.value = value
        passed.append(view.value)
    assert len(set(passed)) > 2
    monkeypatch.setattr(ImageCollection, "pil", None)
    back = [view.value]
    for control, _ in reversed(start):
        control.value = places[control]
        back.append(view.value)
    assert back == passed[::-1]


def test_each_photograph_is_read_once(images, scores, monkeypatch):
    read = []
    pil = ImageCollection.pil
    monkeypatch.setattr(ImageCollection, "pil", lambda self, i: read.append(i) or pil(self, i))
    which, slider, layers, _ = parts(widget.probe_explorer(images, scores))
    assert len(read) <= 15
    for layer in scores:
        for cost in scores[layer]:
            for c in range(4):
                which.value, slider.value, layers.value = c, cost, layer
    assert len(read) == len(set(read)) <= N


def test_the_explorer_does_not_draw_twins_anew(scores):
    def draw(rows, width):
        raise AssertionError("too slow for a hand on a slider")

    widget.probe_explorer(collection(images=TwinImages, draw=draw), scores)


def test_the_explorer_starts_where_most_is_right_and_something_is_wrong(images, scores):
    _, slider, layers, view = parts(widget.probe_explorer(images, scores, title="a & b"))
    right = {
        (layer, C): (s.argmax(1) == images.labels).mean()
        for layer, by in scores.items()
        for C, s in by.items()
    }
    assert right[layers.value, slider.value] == max(right.values())
    (_, top), (mistakes, _) = shown(view)
    assert sum(top) >= 7
    assert mistakes
    assert [label for label, _ in slider.options] == ["0.1", "1", "10"]
    assert layers.options == ("pool1", "fc6")


def test_a_class_with_mistakes_is_preferred_to_one_without_and_a_bad_one_comes_last():
    labels = np.repeat(np.arange(3), 20)
    table = np.eye(3)[labels] * 2.0
    table[0, 1] = 3  # one of class 0 is called 1
    table[20:60, 0] += 0.5
    assert explorer.first_class(table, labels) == 1
    table[:, 1] = -labels  # class 1 is scored by nonsense, and has no right one among its ten
    assert explorer.first_class(table, labels) in (0, 2)


def test_scores_that_are_nan_come_last(images, scores):
    table = scores["fc6"][1.0].copy()
    table[:25] = np.nan
    which, _, _, view = parts(widget.probe_explorer(images, {"fc6": {1.0: table}}))
    for c in range(4):
        which.value = c
        assert min(shown(view)[0][0]) >= 25
    table = np.full((N, 4), -1.0)
    table[:, 1], table[::4, 0] = 0, 1
    table[1::4, 0] = np.nan  # owls without a score of "duck" are no ducks
    which, _, _, view = parts(widget.probe_explorer(images, {"fc6": {1.0: table}}))
    which.value = 0
    assert shown(view)[1][0] == []


def test_names_like_tags_are_only_text(images, scores):
    odd = ImageCollection("odd", "twin", images.images, ("<b>&'\"", *CLASSES[1:]), images.labels)
    which, _, _, view = parts(widget.probe_explorer(odd, scores, title="<script>"))
    which.value = 0
    assert "<b>" not in view.value
    assert "&lt;b&gt;&amp;&#x27;&quot;" in view.value
    assert "http" not in view.value  # and nothing is loaded


def test_every_picture_of_the_explorer_has_a_text(images, scores):
    *_, view = parts(widget.probe_explorer(images, scores))
    alts = re.findall(r'<img alt="([^"]+)"', view.value)
    assert len(alts) == view.value.count("<img")
    assert all(re.fullmatch(r".+, (right|wrong), score -?\d+\.\d\d", alt) for alt in alts)


def test_scores_of_other_pictures_are_refused(images, scores):
    with pytest.raises(ValueError, match=r"fc6, C = 1, are \[39, 4\], not \[40, 4\]"):
        widget.probe_explorer(images, {"fc6": {1.0: scores["fc6"][1.0][1:]}})
    with pytest.raises(ValueError, match="fc6 has other Cs than pool1"):
        widget.probe_explorer(images, {"pool1": scores["pool1"], "fc6": {1.0: scores["fc6"][1.0]}})
    for nothing in ({}, {"fc6": {}}):
        with pytest.raises(ValueError, match="no scores"):
            widget.probe_explorer(images, nothing)
    with pytest.raises(ValueError, match="one label each"):
        widget.probe_explorer(collection(multi_label=True), scores)
    with pytest.raises(ValueError, match="no pictures"):
        widget.probe_explorer(images[[]], scores)


# ------------------------------------------------------------------------------------------------------ all alike


def all_figures(images):
    table = aps("SVM", "aug")
    picture = images.tensor(0)
    yield display.learning_curves(curve(fc6=60, pool1=10), ylabel="%", title="title", chance=2)
    yield display.penalty_curves(curve("C", [0.1, 1], test=60), {"test": 1}, ylabel="%", title="title")
    yield display.class_dumbbells(table, table + 1, xlabel="%", title="title")
    yield display.confusion(np.eye(4), CLASSES, ["bird", "bird", "plant", "my own"], title="title")
    yield display.confusions(images, [("duck", "owl", 2, [0, 4], [1, 5])], title="title")
    yield display.ranked(images, {"duck": ranking([0, 1], [True, False])}, title="title")
    yield display.views_grid(picture, [picture] * 4, list("abcd"), title="title")


def test_every_figure_has_its_title_and_a_white_ground_and_leaves_the_users_style_alone(images):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    for figure in all_figures(images):
        pixels = render(figure)
        assert (pixels[-1, -1] > 250).all()
        assert (pixels < 250).any()
        titles = [axes.get_title(loc="left") for axes in figure.axes]
        assert "title" in texts(figure) + titles
        assert max(figure.get_size_inches()) <= 11
    assert dict(mpl.rcParams) == before


@pytest.mark.real
def test_pages_of_photographs_are_small_files():
    root = Path(os.environ["LECTURE_DATA"])
    if not (root / "caltech101").is_dir():
        pytest.skip("no photographs of Caltech-101 under LECTURE_DATA")
    images = datasets.load("caltech101", root=root)
    lines = {f"line {k}": ranking(range(12 * k, 12 * k + 12), [True] * 12) for k in range(5)}
    data, kind = style.encode(display.ranked(images, lines))
    assert kind == "jpeg"
    assert len(data) < 200_000
