"""Figures of patches and the widget over their maps: marks, colours, numbers and words are those of what was given."""

import numpy as np
import pandas as pd
import pytest
import torch
from looking import pixels_of, texts
from matplotlib.colors import to_hex

from lecture_lib.chapters.patch_transfer import figures, map_figures, widget
from lecture_lib.chapters.patch_transfer.grid import LAMBDAS, grid
from lecture_lib.chapters.patch_transfer.inference import localisation_map, peak, picture_score
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS, label_patches
from lecture_lib.datasets import ArrayImages, Boxes, ImageCollection
from lecture_lib.display.pictures import as_pixels, enlarge

H, W = 60, 80
CLASSES = ("dog", "potted_plant", "bus")


@pytest.fixture(scope="module")
def picture():
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, H, W), dtype=np.uint8))


@pytest.fixture(scope="module")
def lattice():
    return grid(H, W, 64, 8)


@pytest.fixture
def laid(monkeypatch):
    """The blocks of pictures that are put onto pages, in their order."""
    blocks, put = [], figures.tiles

    def record(rows, **options):
        blocks.extend(block for row in rows for block in row)
        return put(rows, **options)

    monkeypatch.setattr(figures, "tiles", record)
    return blocks


def objects(*rows):
    """Boxes of (x0, y0, x1, y1, class, difficult)."""
    table = np.array(rows, float).reshape(-1, 6)
    return Boxes(table[:, :4], table[:, 4].astype(int), table[:, 5] == 1, np.zeros(len(table), bool))


def boxes_in(figure, colour):
    """(x0, y0, x1, y1), in pixels of their picture, of the outlines with this colour, and the outlines."""
    found = [p for p in figure.axes[0].patches if not p.get_fill() and to_hex(p.get_edgecolor()) == colour]
    return [p.get_bbox().extents.round(3).tolist() for p in found], found


def peaks_in(figure):
    crosses = [m for m in figure.axes[0].lines if to_hex(m.get_markeredgecolor()) == map_figures.PEAK]
    return [tuple(c.get_xydata()[0]) for c in crosses]


def centres_in(figure, marker):
    """The marks of this form that lie in a picture, one array [n, 2] a panel."""
    axes = figure.axes[0]
    return [
        m.get_xydata() for m in axes.lines if m.get_marker() == marker and m.get_transform() != axes.transData
    ]


def same(tile, picture, longer=None):
    """Whether a tile shows this picture, uint8 [H, W, 3], with its longer side enlarged so far."""
    picture = enlarge(picture, longer) if longer else picture
    return (np.asarray(tile.picture) == np.asarray(picture)).all()


def test_what_is_drawn_at_a_place_of_a_picture_lies_there_on_the_page():
    rectangles, pictures = [(3, 10, 31, 22), (5, 2, 9, 40), (0, 0, 20, 50)], []
    for (x0, y0, x1, y1), (height, width) in zip(rectangles, [(30, 40), (60, 20), (60, 30)], strict=True):
        pictures.append(np.zeros((height, width, 3), np.uint8))
        pictures[-1][y0:y1, x0:x1] = 255, 0, 0
    (figure, _, _), places = figures.panels(pictures, ["one", "two", "three"], 240, 2, "a title", foot=30)
    page = pixels_of(figure)
    red = (page[..., 0] > 128) & (page[..., 1] < 100)
    for (x0, y0, x1, y1), place in zip(rectangles, places, strict=True):
        corners = place.transform([(x0, y0), (x1, y1)])
        (left, up), (right, down) = np.abs([0, figure.bbox.height] - corners).round().astype(int)
        assert red[up + 4 : down - 4, left + 4 : right - 4].all()  # enlarged, an edge is blurred
        assert not red[[up - 4, down + 4, up + 9], [left + 9, left + 9, right + 4]].any()


def test_every_scale_has_a_panel_with_all_its_centres_and_neighbours_in_full(picture, lattice, laid):
    figure = figures.patch_grid(picture, lattice, title="a title")
    outlines = [p.get_bbox().extents for p in figure.axes[0].patches]
    for number, (tile, centres) in enumerate(zip(laid[0].tiles, centres_in(figure, "o"), strict=True)):
        patches, scale = lattice.xyxy[lattice.scale == number], lattice.scales[number]
        assert np.allclose(centres, (patches[:, :2] + patches[:, 2:]) / 2)
        assert tile.caption.startswith(f"λ = {LAMBDAS[number]:g}, s = {H / LAMBDAS[number]:.0f} px")
        assert f", {len(patches)} patch" in tile.caption
        n = 1 + (len(scale.columns) > 1) + (len(scale.rows) > 1)
        shown, outlines = outlines[:n], outlines[n:]
        table = patches.reshape(len(scale.rows), len(scale.columns), 4)
        ((row, column),) = np.argwhere(np.isclose(table, shown[0], atol=1e-4).all(2))
        if n == 3:
            assert np.allclose(shown[1:], [table[row, column + 1], table[row + 1, column]], atol=1e-4)
    assert not outlines


@pytest.fixture(scope="module")
def scene(lattice):
    """A dog and a bus, and a difficult plant in the dog; with the labels of all patches, and which are of a kind."""
    boxes = objects((8, 10, 26, 34, 0, 0), (45, 30, 75, 55, 2, 0), (60, 2, 70, 14, 1, 1))
    labels = label_patches(lattice.xyxy, boxes, 3, (H, W))
    assert {AMBIGUOUS, 0, 2, 3} <= set(labels.tolist())
    kinds = {
        "positive": (labels >= 0) & (labels < 3),
        "background": labels == 3,
        "ambiguous": labels == AMBIGUOUS,
    }
    return boxes, labels, kinds


def test_each_label_is_a_mark_of_its_own_form_at_its_centre_and_counted(picture, lattice, scene, laid):
    boxes, labels, kinds = scene
    figure = figures.labelled_patches(picture, boxes, CLASSES, lattice, labels)
    centres = (lattice.xyxy[:, :2] + lattice.xyxy[:, 2:]) / 2
    assert len({look["marker"] for look in figures.KINDS.values()}) == 3
    for kind, of_kind in kinds.items():
        drawn = centres_in(figure, figures.KINDS[kind]["marker"])
        for tile, number, found in zip(laid[0].tiles, figures.SCALES, drawn, strict=True):
            wanted = centres[of_kind & (lattice.scale == number)]
            assert np.allclose(found, wanted), (number, kind)
            assert f" {len(wanted)} {kind}" in tile.caption


def test_objects_are_boxed_and_one_patch_of_each_class_is_drawn_in_full_with_its_name(
    picture, lattice, scene
):
    boxes, labels, _ = scene
    figure = figures.labelled_patches(picture, boxes, CLASSES, lattice, labels)
    extents, drawn = boxes_in(figure, figures.BOX)
    assert extents == boxes.xyxy.tolist() * 4
    assert [d.get_linestyle() for d in drawn] == ["-", "-", ":"] * 4
    positive, ambiguous = (
        boxes_in(figure, figures.KINDS[kind]["color"])[0] for kind in ("positive", "ambiguous")
    )
    for number in figures.SCALES:
        for label in sorted(set(labels[lattice.scale == number].tolist()) - {3}):
            box = (ambiguous if label == AMBIGUOUS else positive).pop(0)
            same = lattice.xyxy[(lattice.scale == number) & (labels == label)]
            assert np.isclose(same, box, atol=1e-2).all(1).any()
    assert not positive
    assert not ambiguous
    assert {"dog", "potted_plant", "bus"} <= set(texts(figure))


def test_a_sheet_has_the_patches_of_each_label_from_the_largest_to_the_smallest(
    picture, lattice, scene, laid
):
    _, labels, kinds = scene
    figures.patch_sheet(picture, CLASSES, lattice, labels)
    for block, (kind, of_kind) in zip(laid, kinds.items(), strict=True):
        assert block.label == f"{kind}\n{of_kind.sum()} of {len(lattice)}"
        pixels = {i: figures.patch(as_pixels(picture), lattice.xyxy[i]) for i in np.flatnonzero(of_kind)}
        found = [next(i for i in pixels if same(tile, pixels[i])) for tile in block.tiles]
        assert len(found) == min(figures.COLUMNS, of_kind.sum())
        assert found == sorted(found)
        assert (found[0], found[-1]) == (min(pixels), max(pixels))
        names = CLASSES if kind == "positive" else [f"λ = {lam:g}" for lam in LAMBDAS]
        numbers = labels if kind == "positive" else lattice.scale
        assert [tile.caption for tile in block.tiles] == [names[numbers[i]] for i in found]


def test_a_sheet_without_ambiguous_patches_has_its_rows_all_the_same(picture, lattice):
    figure = figures.patch_sheet(picture, CLASSES, lattice, np.full(len(lattice), 3))
    assert f"0 of {len(lattice)}" in texts(figure)


def test_a_patch_is_cut_where_it_lies():
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[4:10, 12:18] = 200
    side = figures.SIDE
    whole = np.asarray(figures.patch(pixels, np.array([12.0, 4, 18, 10])))
    assert whole.shape == (side, side, 3)
    assert (whole[25:-25, 25:-25] == 200).all()
    assert (whole > 50).all()  # in a corner a quarter of what lies beyond, along an edge half
    half = np.asarray(figures.patch(pixels, np.array([9.0, 4, 15, 10])))[side // 2, :, 0]
    assert abs(np.flatnonzero(half > 100)[0] - side / 2) <= 1


def test_a_map_is_white_at_0_darker_where_it_is_higher_and_as_bright_as_the_picture():
    grey = np.tile(np.array([0, 255], np.uint8)[None, :, None], (3, 1, 3))
    hot = map_figures.heat(grey, np.array([[0, 0], [1, 1], [2, 2]], float), 2).astype(float)
    assert np.allclose(hot[0, 1], 255, atol=1)
    assert np.allclose(hot[:, 0], hot[:, 1] * map_figures.LIGHT, atol=1)
    light = np.asarray(map_figures.HEAT(np.linspace(0, 1, 50)))[:, :3] @ (0.299, 0.587, 0.114)
    assert (np.diff(light) < 0).all()  # read by lightness alone, too
    assert np.allclose(map_figures.heat(grey, np.zeros((3, 2)), 0.0)[:, 1], 255)


@pytest.fixture(scope="module")
def y(lattice):
    """Probabilities of three classes on each patch."""
    drawn = np.random.default_rng(1).gamma(0.3, size=(len(lattice), 4))
    return (drawn / drawn.sum(1, keepdims=True))[:, :3]


@pytest.fixture
def few(y):
    """Three pictures of three classes with their scores."""
    array = np.random.default_rng(2).integers(0, 256, (3, 3, H, W), dtype=np.uint8)
    boxes = [
        objects((8, 10, 26, 34, 0, 0), (45, 30, 75, 55, 2, 0)),
        objects(),
        objects((8, 10, 26, 34, 1, 0), (2, 2, 9, 9, 1, 1)),
    ]
    labels = [[1, 0, 1], [0, 0, 0], [0, 1, -1]]
    images = ImageCollection("few", "twin", ArrayImages(array), CLASSES, labels, boxes=boxes)
    return images, [np.roll(y, i, axis=1) for i in range(3)]


def test_a_film_has_one_range_for_all_scales_and_one_for_their_sum(picture, lattice, y, laid):
    maps = np.stack([localisation_map(y[:, 0], lattice, scale=number) for number in range(len(LAMBDAS))])
    figure = map_figures.film(picture, maps, title="a title")
    tiles, total = laid[0].tiles, maps.sum(0)
    assert [tile.caption for tile in tiles] == [*(f"λ = {lam:g}" for lam in LAMBDAS), "all scales"]
    for tile, one, highest in zip(tiles, [*maps, total], [maps.max()] * 9 + [total.max()], strict=True):
        assert same(tile, map_figures.heat(as_pixels(picture), one, highest), map_figures.FRAME)
    assert {f"{maps.max():.2g}", f"{total.max():.2g}"} <= set(texts(figure))
    assert peaks_in(figure) == [peak(total)]


def test_a_peak_on_an_object_or_near_it_is_a_hit_and_farther_away_a_miss():
    def spot(x, y):
        values = np.zeros((H, W))
        values[y, x] = 1
        return values

    box, two = np.array([[20, 10, 39.5, 30]]), np.array([[0, 0, 4, 4], [50, 40, 60, 50]])
    assert map_figures.outcome(spot(30, 20), box) == "✓ hit"
    assert (
        map_figures.outcome(spot(41, 20), box) == "✓ hit"
    )  # 2 pixels beside the box, 3 % of the width are 2.4
    assert map_figures.outcome(spot(42, 20), box) == "✗ miss"
    assert map_figures.outcome(spot(55, 45), two) == "✓ hit"
    assert map_figures.outcome(spot(5, 5), np.empty((0, 4))) == "not in the picture"


def test_maps_stand_beside_the_objects_of_their_class(few, lattice, y, laid):
    images, scores = few
    pairs = [(0, 2), (2, 1), (1, 0)]
    figure = map_figures.maps_beside_boxes(images, pairs, [lattice] * 3, scores)
    maps = [localisation_map(scores[i][:, c], lattice) for i, c in pairs]
    plain, hot = laid[0].tiles[::2], laid[0].tiles[1::2]
    assert [tile.caption for tile in plain] == ["bus", "potted_plant", "dog"]
    assert hot[2].caption == "not in the picture"
    assert peaks_in(figure) == [peak(values) for values in maps]
    for tile, (i, _), values in zip(hot, pairs, maps, strict=True):
        pixels = as_pixels(images.tensor(i))
        assert same(tile, map_figures.heat(pixels, values, values.max()), map_figures.BESIDE)
    extents, drawn = boxes_in(figure, figures.BOX)
    assert extents[:2] == [[45, 30, 75, 55]] * 2  # on the picture, and on the map
    assert drawn[2].get_linestyle() == ":"
    assert extents[2] == pytest.approx([45 - 2.4, 30 - 2.4, 75 + 2.4, 55 + 2.4])
    assert len(extents) == 6


def test_no_map_is_refused_in_words(few, lattice):
    with pytest.raises(ValueError, match="give at least one"):
        map_figures.maps_beside_boxes(few[0], [], [lattice] * 3, few[1])


def test_each_k_has_its_own_range_its_peak_and_the_objects(picture, lattice, y, laid):
    box = np.array([[20.0, 10, 40, 30]])
    maps = {k: localisation_map(y[:, 1], lattice, k) for k in (1, 5, 20)}
    figure = map_figures.k_panels(picture, maps, box)
    assert [tile.caption[:5] for tile in laid[0].tiles[1:]] == ["k = 1", "k = 5", "k = 2"]
    assert boxes_in(figure, figures.BOX)[0] == box.tolist() * 4
    assert peaks_in(figure) == [peak(values) for values in maps.values()]
    for tile, values in zip(laid[0].tiles[1:], maps.values(), strict=True):
        assert same(tile, map_figures.heat(as_pixels(picture), values, values.max()), map_figures.FRAME)


@pytest.mark.parametrize(("scale", "k", "what"), [(None, 5, "all scales"), (4, 2, "λ = 2.4")])
def test_a_view_shows_the_patches_with_the_highest_y_and_the_map_of_the_chosen_scale(
    picture, lattice, y, laid, scale, k, what
):
    box = np.array([[20.0, 10, 40, 30]])
    here = np.arange(len(lattice)) if scale is None else np.flatnonzero(lattice.scale == scale)
    values = localisation_map(y[:, 2], lattice, k, scale=scale)
    figure = map_figures.patch_view(picture, "bus", box, lattice, y[:, 2], k=k, scale=scale)
    (plain, hot), best = laid[0].tiles, laid[1].tiles
    assert plain.caption == "bus"
    assert hot.caption.startswith(f"k = {k}, {what}, {len(here)} patches: ")
    assert same(hot, map_figures.heat(as_pixels(picture), values, values.max()), map_figures.WIDE)
    assert f"{values.max():.2g}" in texts(figure)
    assert peaks_in(figure) == [peak(values)]
    assert boxes_in(figure, figures.BOX)[0] == box.tolist() * 2
    for tile, i in zip(best, here[np.argsort(-y[here, 2])][: map_figures.BEST], strict=True):
        assert tile.caption == f"{y[i, 2]:.2f}"
        assert same(tile, figures.patch(as_pixels(picture), lattice.xyxy[i]))


def test_the_curve_goes_through_the_finite_k_and_the_maximum_stands_apart_at_the_right():
    ks = np.array([1, 2, 5, 20, np.inf])
    values = 50.0 + np.arange(5)
    table = pd.concat(
        pd.DataFrame({"name": name, "k": ks, "value": values + up, "low": 49.0, "high": values + up + 8})
        for up, name in enumerate(("ours", "without"))
    )
    axes = figures.k_curve(table.sample(frac=1, random_state=2)).axes[0]
    ticks = dict(zip((t.get_text() for t in axes.get_xticklabels()), axes.get_xticks().tolist(), strict=True))
    end = ticks.pop("max")
    assert ticks == {"1": 1, "2": 2, "5": 5, "20": 20}
    assert end > 25
    drawn = [line.get_xydata().tolist() for line in axes.lines]
    for up in (0, 1):
        assert np.stack([ks, values + up], 1)[:4].tolist() in drawn
        assert [[20, values[3] + up], [end, values[4] + up]] in drawn
    bands, intervals = axes.collections[::2], axes.collections[1::2]
    assert [band.get_datalim(axes.transData).y1 for band in bands] == [61, 62]
    assert [interval.get_segments()[0][:, 1].tolist() for interval in intervals] == [[49, 62], [49, 63]]


def test_classes_fall_in_the_order_of_the_first_method_above_their_mean():
    table = pd.DataFrame(
        {"peak": [40.0, 90, 70], "middle": [50.0, np.nan, 10]}, index=["potted_plant", "dog", "bus"]
    )
    axes = figures.pointing_bars(table, {"dog": 14, "bus": 3, "potted_plant": 9}).axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        "dog (14)", "bus (3)", "potted_plant (9)", "mean of the classes",
    ]  # fmt: skip
    peaks, middles = axes.lines
    assert peaks.get_xdata().tolist() == [90, 70, 40, pytest.approx(200 / 3)]
    assert np.isnan(middles.get_xdata()[0])
    assert middles.get_xdata()[1:].tolist() == [10, 50, 30]
    assert axes.yaxis_inverted()
    assert (np.abs(peaks.get_ydata() - axes.get_yticks()) < 0.4).all()
    assert (peaks.get_ydata() != middles.get_ydata()).all()  # equal values do not hide each other
    assert peaks.get_marker() != middles.get_marker()


@pytest.fixture
def explored(few, lattice, monkeypatch):
    """The scores of the pictures, and the explorer's drawing function and controls."""
    monkeypatch.setattr(
        widget, "Explorer", lambda draw, *rows: (draw, {n: c for row in rows for n, c in row.items()})
    )
    images, scores = few
    return scores, *widget.patch_explorer(images, [lattice] * 3, scores)


def test_the_controls_name_pictures_classes_k_and_scales_and_start_at_the_best_class(explored):
    scores, _, controls = explored
    names = {key: [str(option[0]) for option in controls[key].options] for key in ("i", "c", "scale")}
    assert names["i"] == ["0: dog, bus", "1: nothing", "2: potted_plant"]
    assert names["c"] == ["dog", "potted_plant", "bus"]
    assert names["scale"] == ["all", *(f"λ = {lam:g}" for lam in LAMBDAS)]
    first = picture_score(scores[0])
    assert controls["c"].value == max((0, 2), key=lambda c: first[c])
    assert [controls[key].value for key in ("i", "k", "scale")] == [0, 5, widget.ALL]


def test_a_picture_comes_with_the_best_class_that_it_shows(explored):
    scores, _, controls = explored
    for i, shown in ((2, {1}), (1, {0, 1, 2}), (0, {0, 2})):
        controls["i"].value = i
        assert controls["c"].value == max(shown, key=lambda c: picture_score(scores[i])[c])


def test_the_view_is_of_the_chosen_picture_class_k_and_scale(explored, lattice, laid):
    scores, draw, _ = explored
    for i, c, k, scale in ((0, 0, 5, None), (2, 1, 2, None), (1, 2, 5, 3)):
        figure, alt = draw(i, c, k, widget.ALL if scale is None else scale)
        assert peaks_in(figure) == [peak(localisation_map(scores[i][:, c], lattice, k, scale=scale))]
        assert len(boxes_in(figure, figures.BOX)[0]) == (0 if i == 1 else 2)  # not the difficult one
        score = picture_score(scores[i] if scale is None else scores[i][lattice.scale == scale], k)
        best = score.argmax()
        shown = " (shown)" * (best in ({0, 2}, set(), {1})[i])
        assert f"{('dog', 'potted_plant', 'bus')[best]} {score[best]:.2g}{shown}," in alt
        assert f"k = {k}" in alt
