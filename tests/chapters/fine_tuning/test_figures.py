"""Figures of fine-tuning and the widget over its runs: lines, shades, ranks and boxes are those that were given."""

import base64
import io
import re
from itertools import combinations, pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image, ImageOps

from lecture_lib import display
from lecture_lib.chapters.fine_tuning import change_figures, figures, widget
from lecture_lib.chapters.fine_tuning import change_figures as moved
from lecture_lib.chapters.fine_tuning import figures as tuning
from lecture_lib.datasets import ArrayImages, Boxes, ImageCollection
from lecture_lib.display import labels, pictures, style

DEPTHS = ["none", "conv1", "pool5"]
RATIOS = [0.01, 0.1, 1.0]


def epochs(validation, loss=2.0):
    return [{"lr": 0.1, "loss": loss / (i + 1), "validation": v} for i, v in enumerate(validation)]


def table():
    """Nine runs, no two alike, and one of which only the head learned; in no order of the ratios."""
    rows = [
        (None if depth == "none" else depth, ratio, 50 + 3 * i + k, [40.0 + i, 45 + 5 * i + k, 42 + k])
        for k, ratio in enumerate(RATIOS)
        for i, depth in enumerate(DEPTHS)
    ]
    rows.append(("fc7", np.nan, 47.0, [30.0, 31, 44, 43]))
    runs = pd.DataFrame(rows, columns=["frozen", "ratio", "value", "validation"])
    return runs.assign(low=runs.value - 1, high=runs.value + 0.5)


def render(figure):
    """RGB pixels [H, W, 3] as shown in a notebook."""
    return np.asarray(Image.open(io.BytesIO(style.encode(figure)[0])).convert("RGB")).astype(int)


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts if t.get_text()]


def written(axes):
    """Every text of some axes: name -> the text itself; an annotation's own window would hold its line, too."""
    return {t.get_text(): t for t in axes.texts}


def of(kind, axes):
    return [artist for artist in axes.get_children() if isinstance(artist, kind) and artist is not axes.patch]


def lines(axes):
    """Lines of more than one point: colour -> points [n, 2]."""
    found = {
        to_hex(line.get_color()): line.get_xydata() for line in axes.lines if line.get_linestyle() != "None"
    }
    return {colour: points for colour, points in found.items() if len(points) > 1}


def marks(axes):
    return [line for line in axes.lines if line.get_linestyle() == "None"]


# ----------------------------------------------------------------------------------------------- names at the ends


@pytest.mark.parametrize("places", [[5, 5, 5], [0, 1, 40, 41, 42, 90], [30, 10, 20, 12], [7]])
def test_names_move_apart_in_their_order_and_no_farther_than_they_must(places):
    apart = labels.spread(np.array(places, float), 10)
    order = np.argsort(places, kind="stable")
    assert (np.diff(apart[order]) >= 10 - 1e-9).all()
    assert np.mean(apart) == pytest.approx(np.mean(places))
    alone = [
        i for i in range(len(places)) if all(abs(places[i] - p) > 30 for j, p in enumerate(places) if j != i)
    ]
    assert np.allclose(apart[alone], np.array(places, float)[alone])


def test_three_on_one_place_lie_one_gap_above_and_below_it():
    assert labels.spread(np.array([5.0, 5, 5]), 10).tolist() == [-5, 5, 15]
    assert labels.spread(np.array([0.0, 10, 25]), 10).tolist() == [0, 10, 25]


def test_names_at_the_ends_of_lines_do_not_touch_and_stand_right_of_the_axes_in_their_order():
    ends = [60, 60.2, 59.9, 60.1, 44]
    figure = figures.training_curves({f"method {i}": epochs([30, end]) for i, end in enumerate(ends)})
    render(figure)
    right = figure.axes[1]
    boxes = {name: Text.get_window_extent(text) for name, text in written(right).items()}
    assert len(boxes) == 5
    assert not any(one.overlaps(other) for one, other in combinations(boxes.values(), 2))
    assert all(box.x0 > right.bbox.x1 for box in boxes.values())
    assert max(box.x1 for box in boxes.values()) <= figure.bbox.width
    heights = [boxes[f"method {i}"].y0 for i in np.argsort(ends)]
    assert all(one < other for one, other in pairwise(heights))


# ------------------------------------------------------------------------------------------------- training curves


def test_losses_are_relative_to_their_first_epoch_and_validation_is_as_given():
    curves = {"softmax": epochs([40, 50, 45], loss=2), "TUNE-RNK": epochs([41, 42, 60, 59], loss=0.3)}
    left, right = figures.training_curves(curves).axes
    for i, curve in enumerate(curves.values()):
        colour, n = style.spare(i)[0], len(curve)
        assert np.allclose(lines(left)[colour], np.stack([np.arange(1, n + 1), 1 / np.arange(1, n + 1)], 1))
        assert lines(right)[colour].tolist() == [[e + 1, line["validation"]] for e, line in enumerate(curve)]
    assert left.get_ylim()[0] == 0
    assert {"softmax", "TUNE-RNK"} == set(written(left)) == set(written(right))


def test_the_dot_is_at_the_best_epoch_and_of_several_at_the_first():
    right = figures.training_curves({"a": epochs([40, 50, 45]), "b": epochs([30, 44, 44])}).axes[1]
    assert [(m.get_xdata()[0], m.get_ydata()[0]) for m in marks(right)] == [(2, 50), (2, 44)]


def test_a_method_that_is_not_trained_has_no_line_but_its_colour():
    figure = figures.training_curves({"frozen": [], "softmax": epochs([40, 50])})
    assert list(lines(figure.axes[1])) == [style.spare(1)[0]]
    assert texts(figure) == ["softmax", "softmax"]


def test_curves_without_an_epoch_or_without_a_first_loss_are_refused():
    for nothing in ({}, {"frozen": []}):
        with pytest.raises(ValueError, match="no epoch to plot"):
            figures.training_curves(nothing)
    for loss in (0.0, np.nan):
        with pytest.raises(ValueError, match=r"softmax: the loss of the first epoch is"):
            figures.training_curves({"softmax": epochs([40], loss=loss)})


# --------------------------------------------------------------------------------------------------- frozen layers


def test_each_ratio_has_its_line_over_the_layers_in_their_order_also_from_a_shuffled_table():
    runs = table()
    apart = pd.concat([runs[runs.frozen.notna()], runs[runs.frozen.isna()]])  # "none" comes last in it
    for given in (runs, apart):
        axes = figures.freeze_curves(given).axes[0]
        assert [t.get_text() for t in axes.get_xticklabels()] == [*DEPTHS, "fc7"]
        drawn = [
            line.get_xydata()
            for line in axes.lines
            if line.get_linestyle() == "-" and len(line.get_xdata()) > 1
        ]
        assert [points[:, 1].tolist() for points in drawn] == [[50 + k, 53 + k, 56 + k] for k in range(3)]
        assert [points[:, 0].round().tolist() for points in drawn] == [[0, 1, 2]] * 3
        assert len({points[0, 0] for points in drawn}) == 3  # aside, so that no interval hides another
        assert set(written(axes)) == {"ratio 0.01", "ratio 0.1", "ratio 1", "only the head"}


def test_intervals_reach_from_low_to_high():
    runs = table()
    axes = figures.freeze_curves(runs).axes[0]
    drawn = {tuple(ends[:, 1]) for c in axes.collections for ends in c.get_segments()}
    assert drawn == set(zip(runs.low, runs.high, strict=True))


def test_the_ratios_get_darker_as_they_rise_and_names_have_the_colours_of_their_lines():
    axes = figures.freeze_curves(table()).axes[0]
    names = written(axes)
    colours = [names[f"ratio {ratio:g}"].get_color() for ratio in RATIOS]
    light = [np.dot(to_rgb(colour), (0.3, 0.59, 0.11)) for colour in colours]
    assert light == sorted(light, reverse=True)
    assert colours == [to_hex(line.get_color()) for line in axes.lines[:3]]


def test_the_head_alone_is_one_mark_and_the_untuned_svm_a_level():
    axes = figures.freeze_curves(table(), 45.5).axes[0]
    (diamond,) = (m for m in marks(axes) if m.get_marker() == "D")
    assert diamond.get_xydata().tolist() == [[3, 47]]
    (level,) = (line for line in axes.lines if line.get_linestyle() == "--")
    assert set(level.get_ydata()) == {45.5}
    assert "SVM, not tuned" in written(axes)
    assert "SVM, not tuned" not in written(figures.freeze_curves(table()).axes[0])


@pytest.mark.parametrize("draw", [figures.freeze_curves, figures.tuning_map, widget.tuning_explorer])
def test_runs_that_are_not_a_table_of_runs_are_refused(draw):
    runs = table()
    missing = "validation" if draw is not figures.freeze_curves else "high"
    for column in ("ratio", missing):
        with pytest.raises(ValueError, match=f"no column '{column}'"):
            draw(runs.drop(columns=column))
    with pytest.raises(ValueError, match=r"two rows frozen up to conv1, ratio 0\.1; average"):
        draw(pd.concat([runs, runs[runs.frozen.eq("conv1") & runs.ratio.eq(0.1)]]))
    with pytest.raises(ValueError, match="two rows frozen up to none, ratio 1;"):  # written in two ways
        draw(pd.concat([runs, runs[runs.frozen.isna() & runs.ratio.eq(1)].assign(frozen="none")]))
    with pytest.raises(ValueError, match="no run with a ratio"):
        draw(runs[runs.ratio.isna()])


# ------------------------------------------------------------------------------------------------------------- map


def test_each_cell_of_the_map_is_its_run_and_has_its_number():
    runs = table()
    left = figures.tuning_map(runs.sample(frac=1, random_state=3), ("conv1", 0.1)).axes[0]
    rows = [t.get_text() for t in left.get_yticklabels()]
    columns = [t.get_text() for t in left.get_xticklabels()]
    assert columns == ["0.01", "0.1", "1"]
    assert rows[0] == "none"
    values = of(AxesImage, left)[0].get_array()
    numbers = {(round(t.get_position()[0]), round(t.get_position()[1])): t.get_text() for t in left.texts}
    for run in runs.itertuples():
        row = rows.index(run.frozen if isinstance(run.frozen, str) else "none")
        if np.isnan(run.ratio):
            assert (values[row] == run.value).all()
            assert numbers[1, row] == "47.0: only the head learns"
        else:
            column = RATIOS.index(run.ratio)
            assert values[row, column] == run.value
            assert numbers[column, row] == f"{run.value:.1f}"


def test_the_chosen_run_is_outlined_and_drawn_strongly_with_a_dot_at_its_best():
    runs = table()
    left, right = figures.tuning_map(runs, ("pool5", 0.01)).axes
    (outline,) = of(Rectangle, left)
    assert outline.get_bbox().extents.tolist() == [-0.5, 1.5, 0.5, 2.5]
    strong = [line for line in right.lines if to_hex(line.get_color()) == tuning.CHOSEN]
    assert strong[0].get_xydata().tolist() == [[1, 42], [2, 55], [3, 42]]
    assert strong[1].get_xydata().tolist() == [[2, 55]]
    faint = [line for line in right.lines if to_hex(line.get_color()) != tuning.CHOSEN]
    assert len(faint) == len(runs)
    head = figures.tuning_map(runs, ("fc7", 0.1)).axes
    assert of(Rectangle, head[0])[0].get_bbox().extents.tolist() == [-0.5, 2.5, 2.5, 3.5]
    assert head[1].lines[-1].get_xydata().tolist() == [[3, 44]]


def test_without_a_choice_it_is_the_best_in_validation_and_not_in_the_test():
    runs = table()
    runs.loc[runs.frozen.eq("conv1") & runs.ratio.eq(0.01), "value"] = 99.0
    left, right = figures.tuning_map(runs).axes
    assert of(Rectangle, left)[0].get_bbox().extents.tolist() == [1.5, 1.5, 2.5, 2.5]  # pool5, 1
    assert right.lines[-1].get_ydata()[0] == 57
    runs["validation"] = [*runs.validation[:9], [80.0]]
    assert of(Rectangle, figures.tuning_map(runs).axes[0])[0].get_width() == 3  # of the head alone


def test_a_cell_without_a_run_is_grey_and_says_so_when_it_is_chosen():
    runs = table()
    without = runs[~(runs.frozen.eq("conv1") & runs.ratio.eq(1))]
    left, right = figures.tuning_map(without, ("conv1", 1.0)).axes
    values = np.ma.filled(of(AxesImage, left)[0].get_array().astype(float), np.nan)
    assert np.argwhere(np.isnan(values)).tolist() == [[1, 2]]
    assert to_hex(left.get_facecolor()) == "#dddddd"
    assert list(written(right)) == ["no such run"]
    assert all(to_hex(line.get_color()) != tuning.CHOSEN for line in right.lines)
    pixels = render(left.figure)
    x, y = left.transData.transform((2, 1))
    assert pixels[round(left.figure.bbox.height - y), round(x)] == pytest.approx([221] * 3, abs=4)


def test_numbers_can_be_read_on_their_shades():
    left = figures.tuning_map(table()).axes[0]
    image = of(AxesImage, left)[0]
    values = image.get_array()
    for text in left.texts:
        column, row = (round(v) for v in text.get_position())
        ground = np.dot(image.to_rgba(values[row, column])[:3], (0.3, 0.59, 0.11))
        assert abs(ground - np.dot(to_rgb(text.get_color()), (0.3, 0.59, 0.11))) > 0.3


def test_a_choice_or_a_run_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"frozen up to none, conv1, pool5, fc7, .* not 'conv9', 0\.1"):
        figures.tuning_map(table(), ("conv9", 0.1))
    with pytest.raises(ValueError, match=r"ratios 0\.01, 0\.1, 1, not 'conv1', 0\.5"):
        figures.tuning_map(table(), ("conv1", 0.5))
    runs = table()
    runs["validation"] = [runs.validation[0], [], *runs.validation[2:]]
    with pytest.raises(ValueError, match=r"frozen up to conv1, ratio 0\.01, has no epoch"):
        figures.tuning_map(runs)


# -------------------------------------------------------------------------------------------------------- explorer


def parts(box):
    sliders, view = box.children[-2:]
    return *sliders.children, view


def shown(view):
    """The text of the explorer and its picture, as pixels."""
    (data,) = re.findall(r'base64,([^"]+)"', view.value)
    said = re.search(r">([^<]+)<img", view.value)[1]
    return said, np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)


def test_the_sliders_go_through_layers_and_ratios_in_their_order_and_start_at_the_best_validation():
    frozen, rates, view = parts(widget.tuning_explorer(table().sample(frac=1, random_state=1)))
    assert frozen.options[0] == "none"
    assert set(frozen.options) == {*DEPTHS, "fc7"}
    assert list(rates.options) == [("0.01", 0.01), ("0.1", 0.1), ("1", 1.0)]
    assert (frozen.value, rates.value) == ("pool5", 1.0)
    assert shown(view)[0].startswith(
        "frozen up to pool5, ratio 1: test mAP, %: 58.0; best validation 57.0 in epoch 2 of 3"
    )


def test_the_explorer_shows_the_map_of_the_chosen_run_and_tells_its_numbers():
    runs = table()
    runs = runs[~(runs.frozen.eq("conv1") & runs.ratio.eq(0.1))]
    frozen, rates, view = parts(widget.tuning_explorer(runs))
    for depth, ratio, said in (
        ("none", 0.01, "nothing frozen, ratio 0.01: test mAP, %: 50.0; best validation 45.0 in epoch 2 of 3."),
        ("conv1", 0.1, "frozen up to conv1, ratio 0.1: no such run was recorded."),
        ("fc7", 0.1, "frozen up to fc7, only the head learns, at any ratio: test mAP, %: 47.0; best validation 44.0 in "
                     "epoch 3 of 4."),
    ):  # fmt: skip
        frozen.value, rates.value = depth, ratio
        text, pixels = shown(view)
        assert text == said
        assert (pixels == render(figures.tuning_map(runs, (depth, ratio)))).all()
        assert f'alt="Test results of all runs as a map, and validation by epoch. {said}"' in view.value


def test_turning_back_needs_no_new_drawing(monkeypatch):
    frozen, rates, view = parts(widget.tuning_explorer(table()))
    seen = {}
    for depth, ratio in (("none", 0.1), ("conv1", 0.1), ("conv1", 1.0)):
        frozen.value, rates.value = depth, ratio
        seen[depth, ratio] = view.value
    assert len(set(seen.values())) == 3
    monkeypatch.setattr(tuning, "tuning_map", None)
    for depth, ratio in (("conv1", 0.1), ("none", 0.1), ("conv1", 0.1), ("conv1", 1.0)):
        frozen.value, rates.value = depth, ratio
        assert view.value == seen[depth, ratio]


def test_names_like_tags_are_only_text():
    runs = table().replace({"frozen": {"pool5": "<script>"}})
    box = widget.tuning_explorer(runs, title="<b>", unit='"<i>"')
    assert box.children[0].value == "<b>&lt;b&gt;</b>"
    view = box.children[-1].value
    assert "<script>" not in view
    assert "<i>" not in view
    assert len(re.findall(r'<img alt="[^"]+" style', view)) == 1
    assert "http" not in view


# ------------------------------------------------------------------------------------------------ what layers moved


def movement():
    change = pd.DataFrame(
        {"softmax": [0.02, 0.05, 0.3], "TUNE-RNK": [0.0, 0.0, 0.1]}, index=["conv1", "conv2", "fc6"]
    )
    layers = ["conv1", "pool1", "conv2", "fc6"]
    return change, pd.DataFrame({"softmax": [0.99, 0.98, 0.9, 0.5], "TUNE-RNK": [1, 1, 1, 0.8]}, index=layers)


def test_layers_stand_at_their_change_in_percent_and_at_their_cka():
    change, cka = movement()
    left, right = change_figures.layer_movement(change, cka).axes
    assert [t.get_text() for t in left.get_xticklabels()] == list(change.index)
    assert [t.get_text() for t in right.get_xticklabels()] == list(cka.index)
    blue = style.spare(0)[0]
    assert lines(left)[blue].tolist() == [
        [0, pytest.approx(2)],
        [1, pytest.approx(5)],
        [2, pytest.approx(30)],
    ]
    assert lines(right)[blue][:, 1].tolist() == [0.99, 0.98, 0.9, 0.5]
    assert left.get_yscale() == "log"
    low, high = right.get_ylim()
    assert low == 0
    assert high >= 1
    assert set(written(left)) == set(written(right)) == {"softmax", "TUNE-RNK"}


def test_a_layer_that_stays_is_a_hollow_mark_on_the_line_of_0_below_all_others():
    change, cka = movement()
    left = change_figures.layer_movement(change, cka).axes[0]
    hollow = np.concatenate([m.get_xydata() for m in marks(left) if m.get_markerfacecolor() == "white"])
    assert hollow[:, 0].tolist() == [0, 1]
    height = hollow[0, 1]
    ticks = dict(zip(left.get_yticks().tolist(), (t.get_text() for t in left.get_yticklabels()), strict=True))
    assert ticks == pytest.approx({1: "0", 10: "10", 100: "100"})
    assert height == pytest.approx(1) == hollow[1, 1]
    change.loc["conv1", "softmax"] = 0.0105  # a little above a decade: 0 goes to the one below
    left = change_figures.layer_movement(change, cka).axes[0]
    heights = np.concatenate([m.get_ydata() for m in marks(left)])
    assert sorted(set(heights))[:2] == pytest.approx([0.1, 1.05])


@pytest.mark.parametrize("numbers", [[0.02, 0.05], [0.011, 0.9], [0.1, 0.1], [1e-5, 1e-4]])
def test_where_every_layer_moved_the_axis_has_no_0_and_two_numbers_to_read_by(numbers):
    change = pd.DataFrame({"a": numbers}, index=["conv1", "conv2"])
    left = change_figures.layer_movement(change, change).axes[0]
    ticks = {t: text.get_text() for t, text in zip(left.get_yticks(), left.get_yticklabels(), strict=True)}
    assert "0" not in ticks.values()
    assert all(float(text) == pytest.approx(t) for t, text in ticks.items())
    low, high = left.get_ylim()
    assert sum(low <= t <= high for t in ticks) >= 2
    assert low <= 100 * min(numbers) <= 100 * max(numbers) <= high


def test_names_of_lines_stand_at_the_heights_of_their_ends():
    figure = change_figures.layer_movement(*movement())
    render(figure)
    for axes in figure.axes:
        for name, text in written(axes).items():
            box = Text.get_window_extent(text)
            end = axes.transData.transform(lines(axes)[to_hex(text.get_color())][-1])
            assert abs((box.y0 + box.y1) / 2 - end[1]) < 4, name


def test_a_method_of_nan_only_takes_its_colour_and_a_layer_of_nan_leaves_a_gap():
    change, cka = movement()
    figure = change_figures.layer_movement(change.assign(softmax=np.nan), cka.assign(softmax=np.nan))
    assert texts(figure) == ["TUNE-RNK", "TUNE-RNK"]
    assert style.spare(1)[0] in lines(figure.axes[0])
    cka.loc["fc6", "softmax"] = np.nan
    right = change_figures.layer_movement(change, cka).axes[1]
    assert written(right)["softmax"].xy == (2, 0.9)


def test_movements_that_do_not_fit_are_refused():
    change, cka = movement()
    with pytest.raises(ValueError, match=r"other methods: \['softmax', 'TUNE-RNK'\] and \['softmax'\]"):
        change_figures.layer_movement(change, cka[["softmax"]])
    for wrong in ((-change, cka), (change, cka + 0.5), (change, cka - 0.9)):
        with pytest.raises(ValueError, match=r"0 or more, and CKA lies in 0\.\.1"):
            change_figures.layer_movement(*wrong)
    with pytest.raises(ValueError, match="No layer has moved"):
        change_figures.layer_movement(0 * change, cka)


# --------------------------------------------------------------------------------------------------------- filters


def bank(n=4, k=7):
    """Filters whose i-th has weight i in its one corner, and a copy in which filter i has moved by steps[i]."""
    before = torch.zeros(n, 3, k, k)
    before[:, 0, 0, 0] = 1.0
    return before


def canvas_of(figure):
    return of(AxesImage, figure.axes[0])[0].get_array()


def tile_of(figure, row, column, band=0):
    """The pixels of a filter on the page without a title: 7 × 7 weights of 8 × 8 pixels, 6 pixels between."""
    y = pictures.GAP + band * (3 * 62 + 26) + row * 62
    x = moved.LEFT + column * 62
    return canvas_of(figure)[y : y + 56 : 8, x : x + 56 : 8].astype(int)


def test_the_filters_that_moved_most_come_first_with_their_change_below():
    before = bank() * torch.tensor([1.0, 10, 1, 1])[:, None, None, None]
    after = before.clone()
    after[0, 1, 3, 3] = 0.2
    after[1, 1, 3, 3] = 1.0  # more, but a tenth of its length
    after[2, 1, 3, 3] = -0.4
    figure = change_figures.filters_before_after(before, after, n=3)
    assert [t for t in texts(figure) if "%" in t] == ["40.0%", "20.0%", "10.0%"]
    assert tile_of(figure, 1, 0)[3, 3].tolist() == [128, 76, 128]  # 0.5 - 0.5 * 0.4
    assert tile_of(figure, 0, 0)[3, 3].tolist() == [128] * 3
    assert tile_of(figure, 0, 0)[0, 0].tolist() == [255, 128, 128]


def test_the_difference_is_enlarged_by_one_factor_for_all_that_is_said():
    before = bank()
    after = before.clone()
    after[0, 1, 3, 3], after[1, 1, 3, 3] = 0.08, -0.04
    figure = change_figures.filters_before_after(before, after)
    assert "difference\n× 10" in texts(figure)  # 1 / 0.08 is 12.5
    assert tile_of(figure, 2, 0)[3, 3].tolist() == [128, round(127.5 + 127.5 * 0.8), 128]
    assert tile_of(figure, 2, 1)[3, 3].tolist() == [128, round(127.5 - 127.5 * 0.4), 128]
    assert tile_of(figure, 2, 0)[0, 0].tolist() == [128] * 3


@pytest.mark.parametrize(
    ("largest", "factor"), [(0.08, 10), (0.05, 20), (0.3, 3), (1, 1), (2, 0.5), (0.0021, 400), (0, 1)]
)
def test_the_factor_has_one_digit_and_brings_no_difference_above_1(largest, factor):
    assert moved.enlargement(largest) == pytest.approx(factor)
    assert moved.enlargement(largest) * largest <= 1 + 1e-6


def test_a_filter_has_the_same_scale_before_and_after():
    before = bank(1)
    figure = change_figures.filters_before_after(before, 0.5 * before)
    assert tile_of(figure, 0, 0)[0, 0, 0] == 255
    assert tile_of(figure, 1, 0)[0, 0, 0] == round(127.5 + 63.75)
    grown = change_figures.filters_before_after(before, 2 * before)
    assert tile_of(grown, 0, 0)[0, 0, 0] == round(127.5 + 63.75)


def test_more_filters_than_fit_in_a_row_go_on_below_each_in_all_three_rows():
    before = bank(20)
    steps = torch.linspace(0.5, 0.1, 20)
    after = before.clone()
    after[:, 2, 5, 5] = steps
    figure = change_figures.filters_before_after(before, after, n=15)
    assert [t for t in texts(figure) if "%" in t] == [f"{100 * s:.1f}%" for s in steps[:15].tolist()]
    assert texts(figure).count("before") == 2
    assert tile_of(figure, 1, 2, band=1)[5, 5, 2] == round(127.5 + 127.5 * steps[14].item())
    assert (tile_of(figure, 1, 3, band=1) == 255).all()  # nothing is there


def test_filters_that_are_none_or_of_another_network_are_refused():
    for after in (torch.zeros(4, 3, 5, 5), torch.zeros(5, 3, 7, 7)):
        with pytest.raises(ValueError, match=r"not \[4, 3, 7, 7\] and"):
            change_figures.filters_before_after(bank(), after)
    with pytest.raises(ValueError, match=r"both \[C, 3, k, k\]"):
        change_figures.filters_before_after(torch.zeros(4, 8, 5, 5), torch.zeros(4, 8, 5, 5))
    render(
        change_figures.filters_before_after(
            torch.zeros(3, 3, 5, 5), torch.zeros(3, 3, 5, 5), title="nothing moved"
        )
    )


# ----------------------------------------------------------------------------------------------------------- ranks

N = 12


def objects(multi_label=True, boxes=True, shape=(30, 40)):
    """Pictures that tell their number by colour; class "cow" in some, in one only as difficult."""
    array = np.zeros((N, 3, *shape), np.uint8)
    array[:] = (20 * np.arange(N))[:, None, None, None]
    present = np.zeros((N, 3), np.int8)
    present[:, 0] = 1
    present[[1, 4, 7], 1] = 1
    present[5, 1] = -1
    marked = (
        [Boxes([[8, 6, 24, 18], [0, 0, 40, 30]], [1, 0], [False] * 2, [False] * 2)] * N if boxes else None
    )
    labels_ = present if multi_label else np.where(present[:, 1] == 1, 1, 0)
    return ImageCollection(
        "made up", "twin", ArrayImages(array), ("person", "cow", "dining_table"), labels_,
        ("person", "animal", "furniture"), boxes=marked,
    )  # fmt: skip


def ranks(*first):
    """Ranks of N pictures: those given come first, in that order, the others after them by number."""
    order = [*first, *(i for i in range(N) if i not in first)]
    found = np.empty(N, int)
    found[order] = np.arange(1, N + 1)
    return found


def placed(figure, size=112):
    """The pictures on the page by the text below them: text -> picture's number; and in their order."""
    canvas, found = canvas_of(figure), {}
    for name, text in written(figure.axes[0]).items():
        if name.startswith("rank"):
            x, y = text.get_position()
            found[name] = round(canvas[int(y) - 30, int(x), 0] / 20)
    return found


def test_pictures_rise_and_fall_by_the_ratio_of_their_ranks():
    before, after = ranks(), ranks(11, 3)  # 11: 12 → 1; 3: 4 → 2; 0: 1 → 3; 1: 2 → 4; ...
    figure = change_figures.rank_changes(objects(), 1, before, after, columns=3)
    assert list(placed(figure).items()) == [
        ("rank 12 → 1", 11), ("rank 4 → 2", 3),
        ("rank 1 → 3", 0), ("rank 2 → 4", 1), ("rank 3 → 5", 2),
    ]  # fmt: skip
    assert {"rose most for “cow”", "fell most for “cow”"} <= set(texts(figure))
    assert any(t.startswith("12 pictures were ranked") for t in texts(figure))


def frames_at(figure):
    """Frames and outlines by what they are: colour -> boxes [n, 4], without the key's."""
    found = {}
    for box in of(Rectangle, figure.axes[0]):
        if box.get_y() < figure.axes[0].get_ylim()[0] - 40:
            found.setdefault(to_hex(box.get_edgecolor()), []).append(box.get_bbox().extents)
    return found


def test_frames_tell_whether_the_class_is_there_not_or_difficult():
    figure = change_figures.rank_changes(objects(), 1, ranks(), ranks(11, 7, 5), columns=2)
    shown_ = placed(figure)
    assert list(shown_.values()) == [11, 7, 0, 1]
    found = frames_at(figure)
    present, difficult, absent = (moved.PRESENCE[kind][1] for kind in (1, -1, 0))
    assert len(found[present]) == 2  # 7 and 1
    assert len(found[absent]) == 2
    assert difficult not in found
    assert {"present", "difficult", "absent"} <= set(texts(figure))
    more = change_figures.rank_changes(objects(), 1, ranks(), ranks(11, 7, 5), columns=3)
    assert len(frames_at(more)[difficult]) == 1
    where = written(more.axes[0])["rank 6 → 3"].get_position()
    x0, _, x1, _ = frames_at(more)[difficult][0]
    assert (x0 + x1) / 2 == pytest.approx(where[0])


def test_of_pictures_with_one_label_the_number_of_the_class_tells():
    figure = change_figures.rank_changes(objects(multi_label=False), 1, ranks(), ranks(7), columns=2)
    found = frames_at(figure)
    assert len(found[moved.PRESENCE[1][1]]) == 2  # 7 rose, 1 fell
    assert len(found[moved.PRESENCE[0][1]]) == 1
    assert "difficult" not in texts(figure)


def test_only_objects_of_the_class_are_outlined_where_they_are():
    figure = change_figures.rank_changes(objects(), 1, ranks(), ranks(11), columns=1, size=80)
    outlines = frames_at(figure)[moved.OUTLINE]
    frames = [f for colour, fs in frames_at(figure).items() if colour != moved.OUTLINE for f in fs]
    assert len(outlines) == len(frames) == 2
    lefts = sorted((x0 + x1 - 80) / 2 for x0, _, x1, _ in frames)
    tops = sorted((y0 + y1 - 60) / 2 for _, y0, _, y1 in frames)
    for (x0, y0, x1, y1), left, top in zip(sorted(outlines, key=lambda o: o[1]), lefts, tops, strict=True):
        assert [x0 - left, y0 - top, x1 - left, y1 - top] == pytest.approx([16, 12, 48, 36])
    assert any("objects of the class are outlined" in t for t in texts(figure))
    without = change_figures.rank_changes(objects(boxes=False), 1, ranks(), ranks(11), columns=1)
    assert moved.OUTLINE not in frames_at(without)
    assert not any("outlined" in t for t in texts(without))


@pytest.mark.parametrize("shape", [(30, 40), (40, 30), (25, 90)])
def test_boxes_lie_on_their_objects_in_pictures_cut_to_a_square(shape):
    height, width = shape
    x0, y0, x1, y1 = width // 2 - 4, height // 2 - 6, width // 2 + 8, height // 2 + 4
    array = np.zeros((1, 3, height, width), np.uint8)
    array[..., y0:y1, x0:x1] = 255
    corner = [0, 0, 3, 2]  # the square cuts it off, or part of it
    marked = Boxes([[x0, y0, x1, y1], corner, [0, 0, width, height]], [0, 0, 1], [False] * 3, [False] * 3)
    images = ImageCollection("one", "twin", ArrayImages(array), ("a", "b"), [0], boxes=[marked])
    tile = np.asarray(ImageOps.fit(images.pil(0), (90, 90), Image.Resampling.LANCZOS))[..., 0]
    box, cut = moved.boxes_in_tile(images, 0, 0, (90, 90))
    rows, columns = np.flatnonzero((tile > 127).any(1)), np.flatnonzero((tile > 127).any(0))
    assert box == pytest.approx([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], abs=1.5)
    assert (cut >= 0).all()
    assert (cut <= 90).all()


def test_rankings_that_are_none_are_refused_and_one_that_did_not_change_is_a_page():
    images = objects()
    for wrong in (ranks()[:5], ranks() - 1, np.ones(N, int), np.arange(2, N + 2)):
        with pytest.raises(ValueError, match=r"Ranks before of 12 pictures are 1 \.\. 12"):
            change_figures.rank_changes(images, 1, wrong, ranks())
        with pytest.raises(ValueError, match="Ranks after of 12 pictures"):
            change_figures.rank_changes(images, 1, ranks(), wrong)
    assert placed(change_figures.rank_changes(images, 2, ranks(), ranks())) == {}
    assert "rose most for “dining table”" in texts(change_figures.rank_changes(images, 2, ranks(), ranks()))


# --------------------------------------------------------------------------------------- what was generalised for it


def test_neighbours_that_share_one_of_several_classes_are_alike():
    array = np.zeros((6, 3, 30, 40), np.uint8)
    present = [[1, 1, 0], [0, 1, 1], [0, 0, 1], [1, -1, 0], [0, 0, 0], [-1, 0, 0]]
    groups = ("vehicle", "animal", "animal")
    images = ImageCollection(
        "made up", "twin", ArrayImages(array), ("a", "b", "c"), np.array(present, np.int8), groups
    )
    figure = display.neighbours_grid(
        images, [0], {"before": np.array([[1, 2, 3]]), "after": np.array([[4, 5, 2]])}
    )
    boxes = [p for p in figure.axes[0].patches if p.get_width() > 40]
    kinds = [list(pictures.FRAMES.values()).index(to_hex(p.get_edgecolor())) for p in boxes]
    assert kinds == [0, 1, 0, 2, 2, 1]
    assert all(p.get_width() > 1.25 * p.get_height() for p in boxes)  # whole pictures, not squares
    assert {"before", "after"} <= set(texts(figure))


def test_a_curve_may_be_by_something_else_than_training_images_and_crowded_numbers_are_tilted():
    rows = [("VOC", n, 60.0, 60, 60) for n in (24, 192, 384, 768)] + [
        ("VOC, the paper", n, 80.0, 80, 80) for n in (1024, 4096)
    ]
    points = pd.DataFrame(rows, columns=["name", "n", "value", "low", "high"])
    for given, angle in ((points, 45), (points[:4], 0), (points[:1], 0), (points[2:4], 0)):
        axes = display.learning_curves(given, ylabel="%", xlabel="numbers in φ").axes[0]
        assert axes.get_xlabel() == "numbers in φ (logarithmic)"
        assert {t.get_rotation() for t in axes.get_xticklabels()} == {angle}


# ------------------------------------------------------------------------------------------------------- all alike


def all_figures():
    yield figures.training_curves({"a": epochs([1, 2]), "b": epochs([2, 3])}, title="title")
    yield figures.freeze_curves(table(), 40, title="title")
    yield figures.tuning_map(table(), title="title")
    yield change_figures.layer_movement(*movement(), title="title")
    yield change_figures.filters_before_after(bank(), 2 * bank(), title="title")
    yield change_figures.rank_changes(objects(), 1, ranks(), ranks(11, 3), title="title")


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
