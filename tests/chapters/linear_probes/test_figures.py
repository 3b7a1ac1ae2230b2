"""Figures of linear probes and the widget over them: what is displayed is what was given."""

import numpy as np
import pandas as pd
import pytest
from looking import N, at_places, coloured, controls, picture_in, render, texts
from matplotlib.colors import to_hex

from lecture_lib.chapters.linear_probes import figures, widget
from lecture_lib.datasets import ImageCollection
from lecture_lib.display import showing, style

CLASSES = ("duck", "owl", "oak_tree", "a class with a name far too long for the place below a picture")


@pytest.fixture
def images():
    return coloured(CLASSES)


@pytest.fixture
def scores(images):
    """Two layers, three Cs; scores of the right class are high at fc6, and no two scores are alike."""
    rng = np.random.default_rng(0)
    right = np.eye(len(CLASSES))[images.labels]
    return {
        layer: {C: (gain * right + rng.normal(size=right.shape)).astype(np.float32) for C in (10.0, 0.1, 1.0)}
        for layer, gain in (("pool1", 0.2), ("fc6", 2.5))
    }


# ----------------------------------------------------------------------------------------------- curves over C


def test_a_penalty_curve_has_its_values_at_their_cs_which_are_written_out():
    table = pd.DataFrame({"test pictures": [1.0, 2, 3]}, index=[0.001, 0.3125, 1000])
    axes = figures.penalty_curves(table, ylabel="%").axes[0]
    assert axes.lines[0].get_xydata().tolist() == [[0.001, 1], [0.3125, 2], [1000, 3]]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["0.001", "0.31", "1000"]
    assert axes.get_xscale() == "log"


# ----------------------------------------------------------------------------------------------------- confusion


def heat(figure):
    return np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)


def test_shades_are_shares_of_the_true_class():
    shares = heat(figures.confusion(np.array([[6, 2], [1, 3]]), ["duck", "owl"], ["bird", "bird"]))
    assert shares.tolist() == [[0.75, 0.25], [0.25, 0.75]]
    assert np.allclose(heat(figures.confusion(shares, ["duck", "owl"], ["bird", "bird"])), shares)


def test_a_class_without_pictures_is_grey_and_not_white():
    figure = figures.confusion(np.array([[4, 0], [0, 0]]), ["duck", "owl"], ["bird", "bird"])
    assert np.isnan(heat(figure)[1]).all()
    x, y = figure.axes[0].transData.transform((0, 1))
    pixels = render(figure)
    assert np.ptp(pixels[len(pixels) - int(y), int(x)]) < 3
    assert pixels[len(pixels) - int(y), int(x)].max() < 235


def test_groups_are_put_together_without_mixing_up_the_classes():
    matrix = np.arange(16.0).reshape(4, 4) + 1
    figure = figures.confusion(matrix, list("abcd"), ["bird", "fish", "bird", "fish"])
    order = [0, 2, 1, 3]
    assert np.allclose(heat(figure), (matrix / matrix.sum(1, keepdims=True))[np.ix_(order, order)])
    axes = figure.axes[0]
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [t.get_text() for t in ticks] == list("acbd")


def test_boundaries_lie_between_groups_and_strips_of_their_colours_beside_them():
    axes = figures.confusion(np.eye(4), list("abcd"), ["bird", "fish", "fish", "fish"]).axes[0]
    for data in ("get_xdata", "get_ydata"):
        ends = [getattr(one, data)() for one in axes.lines]
        assert {end[0] for end in ends if end[0] == end[1]} == {0.5}
    strips = [
        (p.get_y(), p.get_height(), to_hex(p.get_facecolor())) for p in axes.patches if p.get_x() < -0.5
    ]
    looks = style.looks(["bird", "fish"])
    assert strips == [(-0.5, 1, looks["bird"][0]), (0.5, 3, looks["fish"][0])]


def test_of_many_classes_only_groups_with_room_are_named():
    groups = ["bird"] * 40 + ["fish"] + ["mammal"] * 29
    axes = figures.confusion(np.eye(70), [str(i) for i in range(70)], groups).axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["bird", "mammal"]
    assert axes.get_yticks().tolist() == [19.5, 55]


# -------------------------------------------------------------------------------------------------------- pages


def ranking(indices, right):
    return figures.Ranking(np.asarray(indices), np.linspace(1, -1, len(indices)), np.asarray(right, bool))


def test_ranked_pictures_stand_in_their_order_a_line_each_framed_by_whether_they_are_right(images):
    rows = {"duck": ranking([4, 9, 0], [True, False, True]), "owl": ranking([1, 2], [True, False])}
    figure = figures.ranked(images, rows)
    at = at_places(figure)
    assert at[4][0] < at[9][0] < at[0][0]
    assert at[1][0] < at[2][0]
    assert at[4][1] == pytest.approx(at[0][1], abs=2) != pytest.approx(at[1][1], abs=50)
    frames = [to_hex(p.get_edgecolor()) for p in figure.axes[0].patches if p.get_width() > 40]
    assert frames == [style.RIGHT if right else style.WRONG for row in rows.values() for right in row.right]
    assert [t for t in texts(figure) if t in style.SIGNS.values()] == list("✓✗✓✓✗")  # not by colour alone
    assert texts(figure).count("owl") == 2  # the heading, and what picture 9 shows
    assert {"1.00", "0.00", "-1.00", "oak_tree"} <= set(texts(figure))


def test_below_a_mistake_stands_what_it_is_and_what_it_was_called(images):
    mistakes = ranking([4, 1], [True, False])._replace(called=np.array([0, 2]))
    written = texts(figures.ranked(images, {"mistakes": mistakes}))
    assert written.count("owl") == written.count("→ oak_tree") == 1  # picture 1 is an owl
    assert "→ duck" not in written  # picture 4 is one


def test_a_picture_says_all_it_shows_but_not_what_is_difficult_or_unknown(images):
    labels = np.eye(len(CLASSES), dtype=np.int8)[images.labels]
    labels[1], labels[2] = [1, 1, 0, 0], [-1, 0, 0, 0]
    several = ImageCollection("several", "twin", images.images, CLASSES, labels)
    assert [figures.what_is(several, i) for i in (0, 1, 2)] == ["duck", "duck, owl", ""]
    unknown = ImageCollection("some", "twin", images.images, CLASSES, np.full(N, -1))
    assert figures.what_is(unknown, 0) == ""


def test_misclassified_pictures_stand_left_of_the_arrow_and_the_class_they_were_called_right_of_it(images):
    train, test = np.arange(20), np.arange(20, 40)
    predicted = images.labels[test].copy()
    predicted[[0, 4, 18]] = [1, 1, 0]  # pictures 20 and 24 are ducks, 38 is an oak tree
    figure = figures.confusions(images, train, test, predicted)
    at = at_places(figure)
    ends = [arrow.get_path().vertices[[0, 2]] for arrow in figure.axes[0].patches]
    pairs = ([20, 24], [1, 5, 9, 13, 17]), ([38], [0, 4, 8, 12, 16])
    assert sorted(at) == sorted(i for pair in pairs for side in pair for i in side)
    for ((x0, y0), (x1, _)), (wrong, typical) in zip(ends, pairs, strict=True):
        assert max(at[i][0] for i in wrong) < x0 < x1 < min(at[i][0] for i in typical)
        assert all(at[i][1] == pytest.approx(y0, abs=4) for i in [*wrong, *typical])
    assert {"2 times", "once", "oak_tree"} <= set(texts(figure))


def test_no_confusion_is_still_a_page(images):
    render(
        figures.confusions(images, np.arange(20), np.arange(20, 40), images.labels[20:], title="no mistakes")
    )


# ------------------------------------------------------------------------------------------------------- explorer


def test_a_view_shows_the_top_of_a_class_and_what_was_called_so_wrongly(images, scores):
    for table, c in ((scores["pool1"][0.1], 2), (scores["fc6"][10.0], 0)):
        figure = widget.class_view(images, table, c)
        top = np.argsort(-table[:, c])[:10]
        wrong = [i for i in np.argsort(-table[:, c]) if table[i].argmax() == c != images.labels[i]][:5]
        assert set(at_places(figure)) == {*top.tolist(), *wrong}
        own = images.labels == c
        assert f"{(table[own].argmax(1) == c).sum()} of the {own.sum()} pictures" in texts(figure)[0]


def test_the_explorer_shows_what_is_chosen_and_keeps_what_it_has_drawn(
    images, scores, displayed, monkeypatch
):
    which, Cs, layers = controls(widget.probe_explorer(images, scores))
    start = which.value
    which.value = 3 - start
    Cs.value, layers.value = 0.1, "pool1"
    alt = displayed[-1]["text/plain"]
    assert CLASSES[3 - start] in alt
    assert "pool1" in alt
    assert "C = 0.1" in alt
    want = showing.bundle(widget.class_view(images, scores["pool1"][0.1], 3 - start), "the same")
    assert picture_in(displayed[-1]) == picture_in(want)
    monkeypatch.setattr(ImageCollection, "pil", None)  # nothing is displayed again
    layers.value, Cs.value = "fc6", 0.1
    layers.value = "pool1"
    assert picture_in(displayed[-1]) == picture_in(want)


def test_the_explorer_starts_where_most_is_right(images, scores, displayed):
    _, Cs, layers = controls(widget.probe_explorer(images, scores))
    right = {
        (layer, C): (s.argmax(1) == images.labels).mean()
        for layer, by in scores.items()
        for C, s in by.items()
    }
    assert right[layers.value, Cs.value] == max(right.values())
    assert [C for _, C in Cs.options] == [0.1, 1, 10]
    assert len(displayed) == 1


def test_a_class_with_mistakes_is_preferred_to_one_without_and_a_bad_one_comes_last():
    labels = np.repeat(np.arange(3), 20)
    table = np.eye(3)[labels] * 2.0
    table[0, 1] = 3  # one of class 0 is called 1
    table[20:60, 0] += 0.5
    assert widget.first_class(table, labels) == 1
    table[:, 1] = -labels  # class 1 is scored by nonsense, and has no right one among its ten
    assert widget.first_class(table, labels) in (0, 2)
