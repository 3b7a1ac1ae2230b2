"""Figures of fine-tuning and the widget over its runs: lines, shades, ranks and boxes are those that were given."""

import numpy as np
import pandas as pd
import pytest
import torch
from looking import check_figures, controls, picture_in, pixels_of, texts
from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from PIL import Image, ImageOps

from lecture_lib.chapters.fine_tuning import figures, widget
from lecture_lib.chapters.fine_tuning import weight_change_figures as changes
from lecture_lib.datasets import ArrayImages, Boxes, ImageCollection
from lecture_lib.display import showing

DEPTHS = ["none", "conv1", "pool5"]
RATIOS = [0.01, 0.1, 1.0]


def record():
    """Nine runs, no two alike, and one of which only the head learned, as they are recorded."""
    runs = [
        (depth, ratio, [40.0 + i, 45 + 5 * i + k, 50 + 3 * i + k])
        for i, depth in enumerate(DEPTHS)
        for k, ratio in enumerate(RATIOS)
    ]
    runs.append(("fc7", 0.0, [30.0, 31, 44, 47]))
    rows = [
        (depth, ratio, "validation", epoch, value)
        for depth, ratio, values in runs
        for epoch, value in enumerate(values, start=1)
    ]
    rows += [("none", 0.01, "loss", 1, 7.0), ("none", 0.01, "validation mAP of one view", np.nan, 7.0)]
    return pd.DataFrame(rows, columns=["frozen", "ratio", "metric", "epoch", "value"])


RUNS = figures.trainings(record())


def run(depth, ratio):
    return RUNS[RUNS.frozen.eq(depth) & (RUNS.ratio.isna() | RUNS.ratio.eq(ratio))].iloc[0]


def written(axes):
    return {t.get_text(): t for t in axes.texts}


def of(kind, axes):
    return [artist for artist in axes.get_children() if isinstance(artist, kind) and artist is not axes.patch]


def lines(axes):
    """Lines that have a name: name -> points [n, 2]."""
    named = [line for line in axes.lines if not line.get_label().startswith("_")]
    return {line.get_label(): line.get_xydata() for line in named}


def test_every_figure_has_its_title_and_a_white_ground_and_leaves_the_users_style_alone():
    curves = pd.DataFrame({"a": [1, 2], "b": [2, 3]}, index=[1, 2])
    check_figures(
        [
            figures.training_curves(curves, title="title"),
            figures.freeze_curves(RUNS, 40, title="title"),
            figures.freeze_map(RUNS, title="title"),
            changes.layer_changes(*changed(0.1, 0.2), title="title"),
            changes.filters_before_after(bank(), 2 * bank(), title="title"),
            changes.filters_before_after(bank(), bank(), title="title"),  # nothing changed
        ]
    )


def test_losses_are_relative_to_their_first_epoch():
    loss = pd.DataFrame(
        {"softmax": [2, 1, 0.5, np.nan], "TUNE-RNK": [0.3, 0.3, 0.15, 0.1]}, index=range(1, 5)
    )
    (axes,) = figures.training_curves(loss).axes
    np.testing.assert_allclose(lines(axes)["softmax"], [[1, 1], [2, 0.5], [3, 0.25]])
    np.testing.assert_allclose(lines(axes)["TUNE-RNK"][:, 1], [1, 1, 1 / 2, 1 / 3])
    assert axes.get_ylim()[0] == 0
    assert {"softmax", "TUNE-RNK"} == set(written(axes))


def test_a_training_is_gathered_from_its_rows_of_the_record():
    assert len(RUNS) == 10
    assert run("conv1", 0.1)[["value", "validation"]].tolist() == [54, [41, 51, 54]]
    assert RUNS.ratio.isna().tolist() == [False] * 9 + [True]


def test_each_ratio_has_its_line_over_the_layers_in_their_order_in_both_panels():
    left, right = figures.freeze_curves(RUNS, 45.5).axes
    for axes in (left, right):
        assert [t.get_text() for t in axes.get_xticklabels()] == [*DEPTHS, "fc7"]
        drawn = lines(axes)
        for k, ratio in enumerate(RATIOS):
            points = drawn[f"ratio {ratio:g}"]
            assert points[:, 1].tolist() == [50 + k, 53 + k, 56 + k]
            assert points[:, 0].round().tolist() == [0, 1, 2]
        assert len({drawn[f"ratio {ratio:g}"][0, 0] for ratio in RATIOS}) == 3  # no mark hides another
        assert drawn["only the head"].tolist() == [[3, 47]]
        assert set(drawn["SVM, not tuned"][:, 1]) == {45.5}
    assert right.get_ylim()[0] == 58 - figures.CLOSE


def test_each_cell_of_the_map_is_its_run_and_has_its_number():
    left = figures.freeze_map(RUNS, run("conv1", 0.1)).axes[0]
    rows = [t.get_text() for t in left.get_yticklabels()]
    assert rows == [*DEPTHS, "fc7"]
    assert [t.get_text() for t in left.get_xticklabels()] == ["0.01", "0.1", "1"]
    image = of(AxesImage, left)[0]
    numbers = {(round(t.get_position()[0]), round(t.get_position()[1])): t for t in left.texts}
    for one in RUNS.itertuples():
        row = rows.index(one.frozen)
        column = 1 if np.isnan(one.ratio) else RATIOS.index(one.ratio)
        cells = image.get_array()[row] if np.isnan(one.ratio) else image.get_array()[row, [column]]
        assert (cells == one.value).all()
        text = numbers[column, row]
        assert text.get_text().startswith(f"{one.value:.1f}")
        ground = np.dot(image.to_rgba(one.value)[:3], (0.3, 0.59, 0.11))
        assert abs(ground - np.dot(to_rgb(text.get_color()), (0.3, 0.59, 0.11))) > 0.3  # it can be read


def test_the_chosen_run_is_outlined_and_drawn_strongly_with_a_dot_at_its_end():
    left, right = figures.freeze_map(RUNS, run("pool5", 0.01)).axes
    (outline,) = of(Rectangle, left)
    assert outline.get_bbox().extents.tolist() == [-0.5, 1.5, 0.5, 2.5]
    strong = [line for line in right.lines if to_hex(line.get_color()) == figures.CHOSEN]
    assert [line.get_xydata().tolist() for line in strong] == [[[1, 42], [2, 55], [3, 56]], [[3, 56]]]
    assert len(right.lines) == len(RUNS) + 2
    head = figures.freeze_map(RUNS, run("fc7", 0.1)).axes
    assert of(Rectangle, head[0])[0].get_bbox().extents.tolist() == [-0.5, 2.5, 2.5, 3.5]
    assert head[1].lines[-1].get_xydata().tolist() == [[4, 47]]


def test_without_a_choice_it_is_the_best_after_the_last_epoch():
    left, right = figures.freeze_map(RUNS).axes
    assert of(Rectangle, left)[0].get_bbox().extents.tolist() == [1.5, 1.5, 2.5, 2.5]  # pool5, 1
    assert right.lines[-1].get_ydata()[0] == 58


def test_the_explorer_starts_at_the_best_and_shows_the_map_of_what_is_chosen(displayed):
    frozen, rates = controls(widget.freeze_explorer(RUNS))
    assert frozen.options == (*DEPTHS, "fc7")
    assert [ratio for _, ratio in rates.options] == RATIOS
    assert (frozen.value, rates.value) == ("pool5", 1.0)
    for depth, ratio, said in (
        ("none", 0.01, "nothing frozen, ratio 0.01: 50.0 after 3 epochs"),
        ("fc7", 0.1, "frozen up to fc7, any ratio: 47.0 after 4 epochs"),
    ):
        frozen.value, rates.value = depth, ratio
        assert said in displayed[-1]["text/plain"]
        want = showing.bundle(figures.freeze_map(RUNS, run(depth, ratio)), "the same")
        assert picture_in(displayed[-1]) == picture_in(want)


def changed(*numbers):
    layers = [f"conv{i}" for i in range(1, len(numbers) + 1)]
    return pd.Series(numbers, index=layers), 1 - pd.Series(numbers, index=layers)


def spans(axes):
    """Where the bars end, those of no height included: (left to right, bottom and top)."""
    return [bar.get_bbox().intervaly.tolist() for bar in of(Rectangle, axes)]


@pytest.mark.parametrize("numbers", [[0.02, 0.05, 0.3], [0.1, 0.1], [1e-5, 1e-4], [0, 0.03], [0.0, 0.0]])
def test_bars_rise_to_the_change_in_percent_and_hang_from_1_to_the_cka_within_their_axes(numbers):
    left, right = changes.layer_changes(*changed(*numbers)).axes
    np.testing.assert_allclose(spans(left), [[0, 100 * value] for value in numbers])
    np.testing.assert_allclose(np.sort(spans(right)), [[1 - value, 1] for value in numbers])
    assert left.get_ylim()[1] > 100 * max(numbers)
    assert right.get_ylim()[0] < 1 - max(numbers)
    assert list(written(left)) == list(dict.fromkeys(f"{100 * value:.1f}" for value in numbers))


def bank(n=4, k=7):
    """Filters that have weight 1 in their one corner."""
    before = torch.zeros(n, 3, k, k)
    before[:, 0, 0, 0] = 1.0
    return before


def drawn_tiles(figure):
    """The filters before, and those after, each reduced to its 7 x 7 weights: two lists of [7, 7, 3]."""
    canvas = pixels_of(figure)
    side = changes.SIDE
    top = round(written(figure.axes[0])["before"].get_position()[1]) - side // 2
    step, lefts = side // 7, range(changes.LEFT, canvas.shape[1] - side, side + 6)
    return [[canvas[y : y + side : step, x : x + side : step] for x in lefts] for y in (top, top + side + 6)]


def test_the_filters_that_changed_most_come_first_with_their_change_below_and_the_factor_beside(monkeypatch):
    monkeypatch.setattr(changes, "SHOWN", 3)
    before = bank() * torch.tensor([1.0, 10, 1, 1])[:, None, None, None]
    after = before.clone()
    after[0, 1, 3, 3] = 0.2
    after[1, 1, 3, 3] = 1.0  # more, but a tenth of its length
    after[2, 1, 3, 3] = -0.4
    figure = changes.filters_before_after(before, after)
    assert [t for t in texts(figure) if "%" in t] == ["40.0%", "20.0%", "10.0%"]
    assert "× 2" in texts(figure)  # 0.4 twice enlarged is still within the range
    old, new = drawn_tiles(figure)
    assert [tile[0, 0, 0] for tile in old] == [255] * 3
    assert [tile[3, 3, 1] for tile in new] == pytest.approx([127.5 * f for f in (0.6, 1.2, 1.1)], abs=1)


@pytest.mark.parametrize(
    ("largest", "factor"), [(0.4, 2), (0.034, 20), (0.03, 30), (1, 1), (2, 0.5), (0.0, 1), (1e-4, 1e4)]
)
def test_a_difference_is_enlarged_by_one_leading_digit_and_not_beyond_the_range(largest, factor):
    assert changes.enlargement(largest) == pytest.approx(factor)
    assert changes.enlargement(largest) * largest <= 1 + 1e-9


def test_a_filter_has_one_scale_before_and_after():
    for other, shade in ((0.5, 255), (2.0, 127.5 + 63.75)):
        old, new = drawn_tiles(changes.filters_before_after(bank(), other * bank()))
        assert old[0][0, 0, 0] == round(shade)
        assert new[0][0, 0, 0] == round(127.5 + 127.5 * min(other, 1))


N = 12


def objects(multi_label=True, boxes=True):
    """Pictures that tell their number by colour; class "cow" in some, in one only as difficult."""
    array = np.zeros((N, 3, 30, 40), np.uint8)
    array[:] = (20 * np.arange(N))[:, None, None, None]
    present = np.zeros((N, 3), np.int8)
    present[:, 0] = 1
    present[[1, 4, 7], 1] = 1
    present[5, 1] = -1
    marked = [Boxes([[8, 6, 24, 18], [0, 0, 40, 30]], [1, 0], [False] * 2, [False] * 2)] * N
    labels = present if multi_label else np.where(present[:, 1] == 1, 1, 0)
    return ImageCollection(
        "made up", "twin", ArrayImages(array), ("person", "cow", "dining_table"), labels,
        ("person", "animal", "furniture"), boxes=marked if boxes else None,
    )  # fmt: skip


def scores(*first):
    """Scores of N pictures by which those given come first, in that order, the others after them by number."""
    order = [*first, *(i for i in range(N) if i not in first)]
    found = np.zeros((N, 3))
    found[order, 1] = -np.arange(N) / 7
    return found


def placed(figure):
    """The pictures on the page by the text below them, in their order: text -> picture's number."""
    canvas, found = pixels_of(figure), {}
    for name, text in written(figure.axes[0]).items():
        if name.startswith("rank"):
            x, y = map(int, text.get_position())
            found[name] = round(canvas[y - 30, x, 0] / 20)
    return found


def boxes_by_colour(figure):
    """Frames and outlines by what they are: colour -> boxes [n, 4], without the key's."""
    found = {}
    for box in of(Rectangle, figure.axes[0]):
        if box.get_y() < figure.bbox.height - 40:
            found.setdefault(to_hex(box.get_edgecolor()), []).append(box.get_bbox().extents)
    return found


def test_pictures_rise_and_fall_by_the_ratio_of_their_scores(monkeypatch):
    monkeypatch.setattr(changes, "SHOWN", 3)
    after = scores(11, 3)  # 11: 12 → 1; 3: 4 → 2; 0: 1 → 3; 1: 2 → 4; ...
    figure = changes.rank_changes(objects(), 1, scores(), after)
    assert list(placed(figure).items()) == [
        ("rank 12 → 1", 11), ("rank 4 → 2", 3),
        ("rank 1 → 3", 0), ("rank 2 → 4", 1), ("rank 3 → 5", 2),
    ]  # fmt: skip
    assert {"rose most for “cow”", "fell most for “cow”"} <= set(texts(figure))


@pytest.mark.parametrize(("shown", "kinds"), [(2, {1: 2, 0: 2, -1: 0}), (3, {1: 2, 0: 3, -1: 1})])
def test_frames_tell_whether_the_class_is_there_not_or_difficult(monkeypatch, shown, kinds):
    monkeypatch.setattr(changes, "SHOWN", shown)
    found = boxes_by_colour(changes.rank_changes(objects(), 1, scores(), scores(11, 7, 5)))
    assert {kind: len(found.get(frame.colour, [])) for kind, frame in changes.PRESENCE.items()} == kinds
    assert len({frame.points for frame in changes.PRESENCE.values()}) == 3  # not by colour alone
    single = boxes_by_colour(changes.rank_changes(objects(multi_label=False), 1, scores(), scores(7)))
    assert len(single[changes.PRESENCE[1].colour]) == 2  # 7 rose, 1 fell
    assert changes.PRESENCE[-1].colour not in single


def test_only_objects_of_the_class_are_outlined_where_they_are(monkeypatch):
    monkeypatch.setattr(changes, "SHOWN", 1)
    found = boxes_by_colour(changes.rank_changes(objects(), 1, scores(), scores(11)))
    outlines = found.pop(changes.OUTLINE)
    frames = sorted(np.concatenate(list(found.values())).tolist(), key=lambda frame: frame[1])
    assert len(outlines) == len(frames) == 2
    for (x0, y0, x1, y1), frame in zip(sorted(outlines, key=lambda o: o[1]), frames, strict=True):
        left, top = (frame[0] + frame[2] - 112) / 2, (frame[1] + frame[3] - 84) / 2
        assert [x0 - left, y0 - top, x1 - left, y1 - top] == pytest.approx([2.8 * v for v in (8, 6, 24, 18)])
    without = changes.rank_changes(objects(boxes=False), 1, scores(), scores(11))
    assert changes.OUTLINE not in boxes_by_colour(without)
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
    box, cut = changes.boxes_in_tile(images, 0, 0, (90, 90))
    rows, columns = np.flatnonzero((tile > 127).any(1)), np.flatnonzero((tile > 127).any(0))
    assert box == pytest.approx([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], abs=1.5)
    assert (cut >= 0).all()
    assert (cut <= 90).all()


def test_a_ranking_that_did_not_change_is_a_page():
    figure = changes.rank_changes(objects(), 2, scores(), scores())
    assert placed(figure) == {}
    assert "rose most for “dining_table”" in texts(figure)
