"""Figures of patches and the widget over their maps: marks, colours, numbers and words are those of what was given."""

import base64
import io
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from PIL import Image

from lecture_lib.chapters.patch_transfer import map_figures, patch_figures, score_figures, widget
from lecture_lib.chapters.patch_transfer import map_figures as patch_maps
from lecture_lib.chapters.patch_transfer import patch_figures as patches
from lecture_lib.chapters.patch_transfer.grid import LAMBDAS, grid
from lecture_lib.chapters.patch_transfer.inference import localisation_map, peak, picture_score
from lecture_lib.chapters.patch_transfer.labelling import AMBIGUOUS, label_patches
from lecture_lib.chapters.patch_transfer.widget import ALL, BEST, KS, SIZE, WIDE
from lecture_lib.datasets import ArrayImages, Boxes, ImageCollection
from lecture_lib.display.pictures import embed, enlarge

H, W = 60, 80
CLASSES = ("dog", "potted_plant", "bus")


@pytest.fixture(scope="module")
def picture():
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, H, W), dtype=np.uint8))


@pytest.fixture(scope="module")
def lattice():
    return grid(H, W, 64, 8)


def objects(*rows):
    """Boxes of (x0, y0, x1, y1, class, difficult)."""
    table = np.array(rows, float).reshape(-1, 6)
    return Boxes(table[:, :4], table[:, 4].astype(int), table[:, 5] == 1, np.zeros(len(table), bool))


def pixels_of(figure):
    """RGB pixels [H, W, 3] of a page, before any compression."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def on_page(figure, artist_or_transform, points):
    """Points of a picture, [n, 2], in pixels of the page from its upper left corner."""
    transform = getattr(artist_or_transform, "get_transform", lambda: artist_or_transform)()
    return np.array([0, figure.bbox.height]) + np.array([1, -1]) * transform.transform(points)


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts if t.get_text()]


def boxes_in(figure, colour=None):
    """(x0, y0, x1, y1), in pixels of their picture, of the outlines with this colour, and where on the page."""
    found = [
        p
        for p in figure.axes[0].patches
        if not p.get_fill() and (colour is None or to_hex(p.get_edgecolor()) == colour)
    ]
    return [p.get_bbox().extents.round(3).tolist() for p in found], found


def crosses(figure):
    return [m for m in figure.axes[0].lines if to_hex(m.get_markeredgecolor()) == patch_maps.PEAK]


def tile_of(figure, place, shape):
    """The pixels of the page under a picture of this shape (H, W) whose upper left corner `place` maps to the page."""
    (x0, y0), (x1, y1) = on_page(figure, place, [(0, 0), (shape[1], shape[0])]).round().astype(int)
    canvas = np.asarray(figure.axes[0].images[0].get_array())
    return canvas[y0:y1, x0:x1]


# ------------------------------------------------------------------------------------------------------------ pages


def test_what_is_drawn_at_a_place_of_a_picture_lies_there_on_the_page():
    tiles, rectangles = [], [(3, 10, 31, 22), (5, 2, 9, 40), (0, 0, 20, 50)]
    for (x0, y0, x1, y1), (height, width) in zip(rectangles, [(30, 40), (60, 20), (60, 30)], strict=True):
        tile = np.zeros((height, width, 3), np.uint8)
        tile[y0:y1, x0:x1] = 255, 0, 0
        tiles.append(tile)
    figure, _, places = patches.panels(tiles, ["one", "two", "three"], 240, 2, "a title", foot=30)
    page = pixels_of(figure)
    for (x0, y0, x1, y1), place in zip(rectangles, places, strict=True):
        (left, up), (right, down) = on_page(figure, place, [(x0, y0), (x1, y1)]).round().astype(int)
        inset = 4  # enlarged, an edge is blurred
        assert (page[up + inset : down - inset, left + inset : right - inset] == [255, 0, 0]).all()
        red = (page[..., 0] > 128) & (page[..., 1] < 100)
        for i, j in ((up - inset, left + 9), (down + inset, left + 9), (up + 9, right + inset)):
            assert not red[i, j]
    assert page.shape[0] == figure.bbox.height


def test_captions_of_narrow_pictures_do_not_touch():
    narrow = np.zeros((60, 20, 3), np.uint8)
    figure, axes, _ = patches.panels([narrow] * 3, ["as long as this is"] * 3, 120, 3, wide=150)
    figure.draw_without_rendering()
    spans = sorted((t.get_window_extent().x0, t.get_window_extent().x1) for t in axes.texts if t.get_text())
    assert all(one[1] < other[0] for one, other in pairwise(spans))
    assert spans[-1][1] <= figure.bbox.width


# ------------------------------------------------------------------------------------------------------------- grid


def test_every_scale_has_a_panel_with_all_its_centres_and_says_how_many(picture, lattice):
    figure = patch_figures.patch_grid(picture, lattice, title="a title")
    said = texts(figure)
    assert said[0] == "a title"
    lines = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert len(lines) == len(LAMBDAS) == len(said) - 1
    for number, (line, caption) in enumerate(zip(lines, said[1:], strict=True)):
        boxes = lattice.xyxy[lattice.scale == number]
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        assert np.allclose(sorted(line.get_xydata().tolist()), sorted(centres.tolist()))
        n = len(boxes)
        side = f"{H / LAMBDAS[number]:.0f}"
        assert caption == f"λ = {LAMBDAS[number]:g}, s = {side} px, {n} patch{'es' * (n > 1)}"
        tile = np.array(enlarge(patches.as_pixels(picture), patches.SMALL))
        assert (tile_of(figure, line, (H, W)) == tile).all()


def test_the_patches_in_full_are_neighbours_in_a_row_and_in_a_column(picture, lattice):
    figure = patch_figures.patch_grid(picture, lattice)
    _, outlines = boxes_in(figure)
    shown = 0
    for number, scale in enumerate(lattice.scales):
        n = 1 + (len(scale.columns) > 1) + (len(scale.rows) > 1)
        here = [o.get_bbox().extents for o in outlines[shown : shown + n]]
        shown += n
        some = lattice.xyxy[lattice.scale == number]
        assert all(np.isclose(some, box, atol=1e-4).all(1).any() for box in here)
        table = some.reshape(len(scale.rows), len(scale.columns), 4)
        first = np.argwhere(np.isclose(table, here[0], atol=1e-4).all(2))[0]
        if n == 3:
            assert np.allclose(here[1], table[first[0], first[1] + 1], atol=1e-4)
            assert np.allclose(here[2], table[first[0] + 1, first[1]], atol=1e-4)
    assert shown == len(outlines)


def test_a_grid_of_one_patch_a_scale_and_a_grid_of_another_size(picture, lattice):
    tiny = torch.zeros(3, 1, 1, dtype=torch.uint8)
    assert "λ = 1, s = 1 px, 1 patch" in texts(patch_figures.patch_grid(tiny, grid(1, 1, 64, 8)))
    labels = np.full(len(lattice), 3)
    turned = picture.transpose(1, 2)
    for draw in (
        lambda: patch_figures.patch_grid(turned, lattice),
        lambda: patch_figures.labelled_patches(turned, objects(), CLASSES, lattice, labels),
        lambda: patch_figures.patch_sheet(turned, CLASSES, lattice, labels),
        lambda: widget.patch_view(turned, "dog", np.empty((0, 4)), lattice, np.zeros(len(lattice))),
    ):
        with pytest.raises(ValueError, match="80 x 60 pixels, the picture has 60 x 80"):
            draw()


# ----------------------------------------------------------------------------------------------------------- labels


@pytest.fixture(scope="module")
def scene(lattice):
    """A dog and a bus, and a difficult plant in the dog; with the labels of all patches."""
    boxes = objects((8, 10, 26, 34, 0, 0), (45, 30, 75, 55, 2, 0), (60, 2, 70, 14, 1, 1))
    labels = label_patches(lattice.xyxy, boxes, 3, (H, W))
    assert {AMBIGUOUS, 0, 2, 3} <= set(labels.tolist())
    return boxes, labels


def test_each_label_is_a_mark_of_its_own_form_at_its_centre_and_counted(picture, lattice, scene):
    boxes, labels = scene
    scales = (2, 4, 6)
    figure = patch_figures.labelled_patches(picture, boxes, CLASSES, lattice, labels, scales=scales)
    axes = figure.axes[0]
    centres = (lattice.xyxy[:, :2] + lattice.xyxy[:, 2:]) / 2
    is_of = {
        "positive": (labels >= 0) & (labels < 3),
        "background": labels == 3,
        "ambiguous": labels == AMBIGUOUS,
    }
    assert (
        len({(m, c) for c, m, _ in patches.KINDS.values()})
        == len({m for _, m, _ in patches.KINDS.values()})
        == 3
    )
    in_picture = [line for line in axes.lines if line.get_transform() != axes.transData]
    for i, number in enumerate(scales):
        for j, (kind, (colour, marker, _)) in enumerate(patches.KINDS.items()):
            line = in_picture[3 * i + j]
            wanted = centres[is_of[kind] & (lattice.scale == number)]
            assert np.allclose(line.get_xydata(), wanted), (number, kind)
            assert (line.get_marker(), to_hex(line.get_color())) == (marker, colour)
    counts = [t.get_text() for t in axes.texts if t.get_text().isdigit()]
    wanted = [
        str((is_of[kind] & (lattice.scale == number)).sum()) for number in scales for kind in patches.KINDS
    ]
    assert counts == wanted
    assert {"positive", "background", "ambiguous"} <= set(texts(figure))


def test_objects_are_boxed_with_their_names_and_difficult_ones_dotted(picture, lattice, scene):
    boxes, labels = scene
    figure = patch_figures.labelled_patches(picture, boxes, CLASSES, lattice, labels, scales=(3,))
    extents, drawn = boxes_in(figure, patches.BOX)
    assert extents == boxes.xyxy.tolist()
    assert [d.get_linestyle() for d in drawn] == ["-", "-", ":"]
    names = texts(figure)
    assert names.count("potted plant") == 1  # its patches are no positives
    assert names.count("bus") == 1 + bool(((labels == 2) & (lattice.scale == 3)).any())


def test_one_patch_of_each_class_is_drawn_in_full_and_is_one_of_its_own(picture, lattice, scene):
    boxes, labels = scene
    for number in range(9):
        here = lattice.scale == number
        figure = patch_figures.labelled_patches(picture, boxes, CLASSES, lattice, labels, scales=(number,))
        colours = {kind: colour for kind, (colour, _, _) in patches.KINDS.items()}
        shown = set(labels[here].tolist())
        positive, ambiguous = (boxes_in(figure, colours[kind])[0] for kind in ("positive", "ambiguous"))
        assert len(positive) == len(shown & {0, 1, 2})
        assert len(ambiguous) == len(shown & {AMBIGUOUS})
        wanted = sorted(shown - {3}, key=lambda c: c)
        for box, label in zip([*ambiguous, *positive], wanted, strict=True):
            assert np.isclose(lattice.xyxy[here & (labels == label)], box, atol=1e-2).all(1).any()


def test_labels_that_are_not_one_a_patch_are_refused(picture, lattice, scene):
    for labels in (scene[1][:-1], np.stack([scene[1]] * 2)):
        with pytest.raises(ValueError, match=rf"There are {len(lattice)} patches and labels \["):
            patch_figures.labelled_patches(picture, scene[0], CLASSES, lattice, labels)
        with pytest.raises(ValueError, match="give one a patch"):
            patch_figures.patch_sheet(picture, CLASSES, lattice, labels)


def test_a_sheet_has_the_patches_of_each_label_from_the_largest_to_the_smallest(picture, lattice, scene):
    _, labels = scene
    columns, size = 6, 40
    figure = patch_figures.patch_sheet(picture, CLASSES, lattice, labels, columns=columns, size=size)
    page, pixels = np.asarray(figure.axes[0].images[0].get_array()), patches.as_pixels(picture)
    captions = [t for t in figure.axes[0].texts if t.get_ha() == "center"]
    rows = {y: sorted(t.get_position()[0] for t in captions if t.get_position()[1] == y) for y in
            sorted({t.get_position()[1] for t in captions})}  # fmt: skip
    order = [(labels >= 0) & (labels < 3), labels == 3, labels == AMBIGUOUS]
    assert len(rows) == 3
    for (y, xs), of_kind in zip(rows.items(), order, strict=True):
        assert len(xs) == min(columns, of_kind.sum())
        found = []
        for x in xs:
            left, top = round(x - size / 2), round(y - size - 14)
            tile = page[top : top + size, left : left + size]
            same = [i for i in np.flatnonzero(of_kind)
                    if (np.asarray(patches.cut(pixels, lattice.xyxy[i], size)) == tile).all()]  # fmt: skip
            (text,) = (t.get_text() for t in captions if t.get_position() == (x, y))
            names = {CLASSES[labels[i]].replace("_", " ") for i in same if 0 <= labels[i] < 3}
            assert text in names or text in {f"λ = {LAMBDAS[lattice.scale[i]]:g}" for i in same if not names}
            found.append(same[0])
        assert found == sorted(found)
        assert found[0] == np.flatnonzero(of_kind)[0]
        assert found[-1] == np.flatnonzero(of_kind)[-1]
    assert [t for t in texts(figure) if t.endswith(f"of {len(lattice)}")] == [
        f"{of_kind.sum()} of {len(lattice)}" for of_kind in order
    ]


def test_a_patch_is_cut_where_it_lies():
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[4:10, 12:18] = 200
    whole = np.asarray(patches.cut(pixels, np.array([12.0, 4, 18, 10]), 60))
    assert (whole[20:-20, 20:-20] == 200).all()
    assert (whole > 50).all()  # in a corner a quarter of what lies beyond, along an edge half
    half = np.asarray(patches.cut(pixels, np.array([9.0, 4, 15, 10]), 60))[20:-20]
    assert (half[:, :10] == 0).all()
    assert (half[:, -10:] == 200).all()
    edge = np.flatnonzero(half[0, :, 0] > 100)[0]
    assert abs(edge - 30) <= 1


# ------------------------------------------------------------------------------------------------------------- maps


def test_a_map_is_white_at_0_dark_at_its_highest_and_as_bright_as_the_picture():
    grey = np.tile(np.array([0, 255], np.uint8)[None, :, None], (3, 1, 3))
    values = np.array([[0, 0], [1, 1], [2, 2]], float)
    hot = patch_maps.heat(grey, values, 2).astype(float)
    assert np.allclose(hot[0, 1], 255)
    assert np.allclose(hot[0, 0], 255 * patch_maps.LIGHT, atol=1)
    assert np.allclose(hot[2, 1], 255 * np.array(to_rgb(patch_maps.HEAT(1.0))), atol=1.5)
    assert np.allclose(hot[1, 1], 255 * np.array(to_rgb(patch_maps.HEAT(0.5))), atol=2.5)
    assert np.allclose(hot[:, 0], hot[:, 1] * patch_maps.LIGHT, atol=1)
    light = np.asarray(patch_maps.HEAT(np.linspace(0, 1, 50)))[:, :3] @ (0.299, 0.587, 0.114)
    assert (np.diff(light) < 0).all()  # read by lightness alone, too
    nothing = patch_maps.heat(grey, np.zeros((3, 2)), 0.0)
    assert np.allclose(nothing[:, 1], 255)


def test_maps_of_another_size_are_refused(picture):
    with pytest.raises(ValueError, match=r"map of this picture is \[60, 80\], not \[80, 60\]"):
        map_figures.k_panels(picture, {5: np.zeros((W, H))})
    for wrong in (np.zeros((8, H, W)), np.zeros((9, W, H))):
        with pytest.raises(ValueError, match=r"are \[9, 60, 80\], not \["):
            map_figures.film(picture, wrong)


def scale_maps(lattice, y, k=5):
    of = [lattice.scale == number for number in range(len(LAMBDAS))]
    return np.stack([localisation_map(y[here], lattice.xyxy[here], (H, W), k) for here in of])


@pytest.fixture(scope="module")
def y(lattice):
    """Probabilities of three classes and background on each patch."""
    drawn = np.random.default_rng(1).gamma(0.3, size=(len(lattice), 4))
    return drawn / drawn.sum(1, keepdims=True)


def test_a_film_has_one_range_for_all_scales_and_one_for_their_sum(picture, lattice, y):
    maps = scale_maps(lattice, y[:, 0])
    figure = map_figures.film(picture, maps, title="a title")
    said = texts(figure)
    assert said[1:11] == [*(f"λ = {lam:g}" for lam in LAMBDAS), "all scales"]
    assert said.count(f"{maps.max():.2g}") == said.count(f"{maps.sum(0).max():.2g}") == 1
    (cross,) = crosses(figure)
    assert cross.get_xydata().tolist() == [[*peak(maps.sum(0))]]
    pixels = patches.as_pixels(picture)
    page = np.asarray(figure.axes[0].images[0].get_array()).astype(int)
    wanted = [patch_maps.heat(pixels, one, maps.max()) for one in maps]
    wanted.append(patch_maps.heat(pixels, maps.sum(0), maps.sum(0).max()))
    tiles = [np.array(enlarge(one, patch_maps.FRAME)) for one in wanted]
    h, w, _ = tiles[0].shape
    captions = figure.axes[0].texts[1:11]
    for tile, caption in zip(tiles, captions, strict=True):
        x, y0 = (round(v) for v in caption.get_position())
        assert (page[y0 - 15 - h : y0 - 15, x : x + w] == tile).all()
    assert (tile_of(figure, cross, (H, W)) == tiles[-1]).all()


def spot(x, y):
    values = np.zeros((H, W))
    values[y, x] = 1
    return values


def test_a_peak_on_an_object_or_near_it_is_a_hit_and_farther_away_a_miss(picture):
    box = np.array([[20, 10, 39.5, 30]])
    near = 0.03 * W  # 2.4 pixels
    cases = [
        ("dog", box, spot(30, 20), "✓ hit"),
        ("bus", box, spot(41, 20), "✓ hit"),  # its middle lies 2 pixels beside the box
        ("bus", box, spot(42, 20), "✗ miss"),
        ("bus", box, spot(20, 30), "✓ hit"),
        ("potted_plant", np.empty((0, 4)), spot(5, 5), "not in the picture"),
        ("dog", np.array([[0, 0, 4, 4], [50, 40, 60, 50]]), spot(55, 45), "✓ hit"),
    ]
    items = [map_figures.Pointing(picture, name, boxes, values) for name, boxes, values, _ in cases]
    figure = map_figures.maps_beside_boxes(items)
    assert texts(figure) == [text for name, _, _, said in cases for text in (name.replace("_", " "), said)]
    assert [c.get_xydata()[0].tolist() for c in crosses(figure)] == [[*peak(m)] for _, _, m, _ in cases]
    extents, drawn = boxes_in(figure, patches.BOX)
    first = [e for e, d in zip(extents, drawn, strict=True) if d.get_linestyle() == "-"][:2]
    assert first == box.tolist() * 2  # on the picture, and on the map
    reach = extents[[d.get_linestyle() for d in drawn].index(":")]
    assert reach == pytest.approx([20 - near, 10 - near, 39.5 + near, 30 + near])
    for cross, (_, _, values, _) in zip(crosses(figure), cases, strict=True):
        tile = np.array(enlarge(patch_maps.heat(patches.as_pixels(picture), values, 1), patch_maps.BESIDE))
        assert (tile_of(figure, cross, (H, W)) == tile).all()


def test_pictures_of_several_sizes_stand_side_by_side(picture):
    wide = torch.zeros(3, 30, 90, dtype=torch.uint8)
    items = [
        map_figures.Pointing(picture, "dog", np.array([[1, 1, 9, 9]]), spot(3, 3)),
        map_figures.Pointing(wide, "bus", np.array([[70, 5, 89, 25]]), np.eye(30, 90)),
    ]
    figure = map_figures.maps_beside_boxes(items)
    (x0, y0), (x1, y1) = on_page(figure, crosses(figure)[1], [(0, 0), (90, 30)])
    assert (x1 - x0, y1 - y0) == (patch_maps.BESIDE, patch_maps.BESIDE / 3)
    with pytest.raises(ValueError, match="at least one"):
        map_figures.maps_beside_boxes([])


def test_each_k_has_its_own_range_its_peak_and_the_objects(picture, lattice, y):
    box = np.array([[20.0, 10, 40, 30]])
    maps = {k: localisation_map(y[:, 1], lattice.xyxy, (H, W), k) for k in (1, 5, 20)}
    figure = map_figures.k_panels(picture, maps, box)
    assert texts(figure) == ["the picture", "k = 1", "k = 5, the paper's", "k = 20"]
    assert boxes_in(figure)[0] == box.tolist() * 4
    for cross, values in zip(crosses(figure), maps.values(), strict=True):
        assert tuple(cross.get_xydata()[0]) == peak(values)
        hot = patch_maps.heat(patches.as_pixels(picture), values, values.max())
        assert (tile_of(figure, cross, (H, W)) == np.array(enlarge(hot, patch_maps.FRAME))).all()
    assert boxes_in(map_figures.k_panels(picture, maps))[0] == []


# ------------------------------------------------------------------------------------------------------------ plots


def scores_by_k():
    rows = [(name, k, 50 + 3 * i + j, 49 + j, 58 + j)
            for i, name in enumerate(("ours", "without"))
            for j, k in enumerate((1, 2, 5, 20, np.inf))]  # fmt: skip
    return pd.DataFrame(rows, columns=["name", "k", "value", "low", "high"])


def test_the_curve_goes_through_the_finite_k_and_the_maximum_stands_apart_at_the_right():
    table = scores_by_k()
    axes = score_figures.k_curve(table.sample(frac=1, random_state=2)).axes[0]
    ticks = dict(zip((t.get_text() for t in axes.get_xticklabels()), axes.get_xticks().tolist(), strict=True))
    assert list(ticks) == ["1", "2", "5", "20", "max"]
    assert [ticks[k] for k in ("1", "2", "5", "20")] == [1, 2, 5, 20]
    assert ticks["max"] > 25
    drawn = [line for line in axes.lines if line.get_linestyle() in ("-", ":")]
    curves = {tail.get_label(): (c, tail) for c, tail in zip(drawn[::2], drawn[1::2], strict=True)}
    for name, rows in table.groupby("name"):
        curve, tail = curves[name]
        finite = rows[np.isfinite(rows.k)]
        assert curve.get_xydata().tolist() == finite[["k", "value"]].to_numpy().tolist()
        assert tail.get_linestyle() == ":"
        assert tail.get_color() == curve.get_color()
        assert tail.get_xydata().tolist() == [
            [20, finite.value.iloc[-1]],
            [ticks["max"], rows.value.iloc[-1]],
        ]


def test_bands_and_the_interval_of_the_maximum_reach_from_low_to_high():
    table = scores_by_k().query("name == 'ours'")
    axes = score_figures.k_curve(table).axes[0]
    band, interval = axes.collections
    assert band.get_datalim(axes.transData).intervalx.tolist() == [1, 20]
    assert band.get_datalim(axes.transData).intervaly.tolist() == [49, 61]
    assert interval.get_segments()[0][:, 1].tolist() == [53, 62]
    (level,) = (line for line in axes.lines if line.get_linestyle() == "--")
    assert set(level.get_xdata()) == {5}
    assert "ours" in [t.get_text() for t in axes.texts]


def test_a_curve_without_the_maximum_ends_at_its_last_k():
    table = scores_by_k().query("name == 'ours' and k < 6")
    axes = score_figures.k_curve(table).axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["1", "2", "5"]
    assert ":" not in [line.get_linestyle() for line in axes.lines]


def test_a_table_that_is_no_curve_is_refused():
    table = scores_by_k()
    with pytest.raises(ValueError, match="no column 'high'"):
        score_figures.k_curve(table.drop(columns="high"))
    with pytest.raises(ValueError, match="no finite k"):
        score_figures.k_curve(table[np.isinf(table.k)])
    with pytest.raises(ValueError, match="two rows for k = 2"):
        score_figures.k_curve(pd.concat([table, table[table.k == 2]]))


def test_classes_fall_in_the_order_of_the_first_method_above_their_mean():
    table = pd.DataFrame(
        {"peak": [40.0, 90, 70], "middle": [50.0, np.nan, 10]}, index=["potted_plant", "dog", "bus"]
    )
    axes = score_figures.pointing_bars(table, {"dog": 14, "bus": 3, "potted_plant": 9}).axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        "dog (14)", "bus (3)", "potted plant (9)", "mean of the classes",
    ]  # fmt: skip
    peaks, middles = axes.lines
    assert peaks.get_xdata().tolist() == [90, 70, 40, pytest.approx(200 / 3)]
    assert np.isnan(middles.get_xdata()[0])
    assert middles.get_xdata()[1:].tolist() == [10, 50, 30]
    rows = axes.get_yticks()
    assert axes.yaxis_inverted()
    assert (np.abs(peaks.get_ydata() - rows) < 0.4).all()
    assert (peaks.get_ydata() != middles.get_ydata()).all()  # equal values do not hide each other
    assert peaks.get_marker() != middles.get_marker()
    with pytest.raises(ValueError, match="nothing to plot"):
        score_figures.pointing_bars(table[:0], {})


# --------------------------------------------------------------------------------------------------------- explorer


def test_a_view_shows_the_patches_with_the_highest_y_and_the_map_of_the_chosen_scale(picture, lattice, y):
    box = np.array([[20.0, 10, 40, 30]])
    for scale, k in ((None, 5), (4, 2)):
        here = np.arange(len(lattice)) if scale is None else np.flatnonzero(lattice.scale == scale)
        values = localisation_map(y[here, 2], lattice.xyxy[here], (H, W), k)
        figure = widget.patch_view(picture, "bus", box, lattice, y[:, 2], k=k, scale=scale)
        said = texts(figure)
        what = "all scales" if scale is None else "λ = 2.4"
        assert said[0] == "bus"
        assert said[1].startswith(f"k = {k}, {what}, {len(here)} patches: ")
        assert f"{values.max():.2g}" in said
        (cross,) = crosses(figure)
        assert tuple(cross.get_xydata()[0]) == peak(values)
        hot = patch_maps.heat(patches.as_pixels(picture), values, values.max())
        assert (tile_of(figure, cross, (H, W)) == np.array(enlarge(hot, WIDE))).all()
        best = here[np.argsort(-y[here, 2])][:BEST]
        assert said[-len(best) :] == [f"{v:.2f}" for v in y[best, 2]]
        strip = np.asarray(figure.axes[0].images[-1].get_array())
        step = SIZE + 6
        for i, patch in enumerate(best):
            tile = strip[:, i * step : i * step + SIZE]
            wanted = patches.cut(patches.as_pixels(picture), lattice.xyxy[patch], SIZE)
            assert (tile == np.asarray(wanted)).all()
        assert boxes_in(figure)[0] == box.tolist() * 2


@pytest.fixture(scope="module")
def explored(lattice, y):
    """Three pictures of three classes, one of them with a name that is HTML."""
    array = np.random.default_rng(2).integers(0, 256, (3, 3, H, W), dtype=np.uint8)
    boxes = [
        objects((8, 10, 26, 34, 0, 0), (45, 30, 75, 55, 2, 0)),
        objects(),
        objects((8, 10, 26, 34, 1, 0), (2, 2, 9, 9, 1, 1)),
    ]
    labels = [[1, 0, 1], [0, 0, 0], [0, 1, -1]]
    images = ImageCollection(
        "few", "twin", ArrayImages(array), ("dog", "<b>plant", "bus"), labels, boxes=boxes
    )
    scores = [np.roll(y, i, axis=1) for i in range(3)]
    return images, [lattice] * 3, scores


def parts(box):
    first, second, view = box.children[-3:]
    return (*first.children, *second.children, view)


def shown(view):
    """The text of the explorer and its picture, as pixels."""
    (data,) = re.findall(r'base64,([^"]+)"', view.value)
    said = re.search(r">([^<]+)<img", view.value)[1]
    return said, np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)


def told(scores, names, classes):
    best = np.argsort(-scores)
    return ", ".join(f"{names[c]} {scores[c]:.3g}" + " (shown)" * (c in classes) for c in best)


def test_the_controls_name_pictures_classes_k_and_scales_and_start_at_the_best_class(explored):
    images, _, scores = explored
    which, wanted, k, scale, view = parts(widget.patch_explorer(*explored))
    assert [name for name, _ in which.options] == ["0: dog, bus", "1: nothing", "2: <b>plant"]
    assert [name for name, _ in wanted.options] == list(images.classes)
    assert list(k.options) == list(KS)
    assert [name for name, _ in scale.options] == ["all", *(f"λ = {lam:g}" for lam in LAMBDAS)]
    first = picture_score(scores[0])
    assert wanted.value == max((0, 2), key=lambda c: first[c])
    assert (which.value, k.value, scale.value) == (0, 5, ALL)
    names = ["dog", "&lt;b&gt;plant", "bus"]
    assert shown(view)[0] == f"The highest scores: {told(first[:3], names, {0, 2})}"


def test_every_control_changes_the_view_to_what_it_says(explored):
    images, grids, scores = explored
    controls = parts(widget.patch_explorer(*explored))
    *controls, view = controls
    start = [control.value for control in controls]
    boxes = {
        (0, 0): [[8, 10, 26, 34]],
        (0, 2): [[45, 30, 75, 55]],
        (2, 1): [[8, 10, 26, 34]],
    }  # not the difficult
    names, seen = ["dog", "&lt;b&gt;plant", "bus"], [shown(view)[1]]
    for which, value in ((0, 2), (1, 1), (2, 1), (3, 3), (0, 1)):
        controls[which].value = value
        i, c, k, scale = (control.value for control in controls)
        scale = None if scale == ALL else scale
        here = slice(None) if scale is None else grids[i].scale == scale
        said, pixels = shown(view)
        told_here = told(picture_score(scores[i][here, :3], k), names, ({0, 2}, set(), {1})[i])
        assert said == f"The highest scores: {told_here}"
        objects_here = np.array(boxes.get((i, c), [])).reshape(-1, 4)
        alone = widget.patch_view(
            images.tensor(i), images.classes[c], objects_here, grids[i], scores[i][:, c], k=k, scale=scale
        )
        assert embed(Image.fromarray(pixels_of(alone).astype(np.uint8)), "") in re.sub(
            'alt="[^"]*"', 'alt=""', view.value
        )
        (bar,) = (im for im in alone.axes[0].images if im.get_array().shape[0] == 1)
        x0, x1, y0, y1 = (round(v) for v in bar.get_extent())
        colours = bar.get_array()[0].astype(int)  # the smallest thing of the page, and still in its colours
        middles = x0 + (np.arange(len(colours)) + 0.5) * (x1 - x0) / len(colours)
        assert np.abs(pixels[(y0 + y1) // 2, middles.astype(int)] - colours).max() < 40
        assert all(p.shape != pixels.shape or (p != pixels).any() for p in seen)
        seen.append(pixels)
    for control, value in zip(controls, start, strict=True):
        control.value = value
    assert (shown(view)[1] == seen[0]).all()


def test_a_title_is_text_and_pictures_need_no_boxes(explored):
    images, grids, scores = explored
    plain = ImageCollection("few", "twin", images.images, images.classes, images.labels)
    box = widget.patch_explorer(plain, grids, scores, title="a < b")
    assert box.children[0].value == "<b>a &lt; b</b>"
    assert "<b>plant" not in box.children[-1].value


def test_an_explorer_without_pictures_or_with_others_scores_is_refused(explored):
    images, grids, scores = explored
    for wrong in ((images[:0], [], []), (images, grids[:2], scores), (images, grids, scores[:1])):
        with pytest.raises(ValueError, match="at least one picture, and a grid and a y for each"):
            widget.patch_explorer(*wrong)
    for y in (scores[1][:-1], scores[1][:, :2], scores[1][:, 0]):
        with pytest.raises(ValueError, match=r"y of twin 1 is \[\d+, 3 or more\], not \["):
            widget.patch_explorer(images, grids, [scores[0], y, scores[2]])


def test_every_figure_is_drawn_on_white_ground(picture, lattice, scene, y):
    boxes, labels = scene
    maps = scale_maps(lattice, y[:, 0])
    for figure in (
        patch_figures.patch_grid(picture, lattice),
        patch_figures.labelled_patches(picture, boxes, CLASSES, lattice, labels),
        patch_figures.patch_sheet(picture, CLASSES, lattice, labels),
        map_figures.film(picture, maps),
        score_figures.k_curve(scores_by_k()),
    ):
        page = pixels_of(figure)
        assert (page[-2, -2] == 255).all()
        assert figure.bbox.width <= 1050
