"""Figures of parts and attributes: each is drawn from few pictures, and says what it should."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from lecture_lib.chapters.parts_and_attributes import dpd, figures, parts, poof, widget
from lecture_lib.display.pictures import as_pixels


@pytest.fixture(scope="module")
def birds(small_twin):
    images = small_twin("cub200")
    return images[np.flatnonzero(np.isin(images.labels, (16, 19)))]


@pytest.fixture(scope="module")
def people(small_twin):
    return small_twin("h3d")[np.arange(30)]


def words(figure):
    figure.draw_without_rendering()
    return {text.get_text() for text in figure.findobj(Text)}


def test_species_stand_below_each_other_and_the_film_has_its_steps(birds):
    pair = ("Capped Tern", "Masked Tern")
    assert {*pair, "the bird", "its head", "its body"} <= words(figures.species_sheet(birds, pair, each=2))
    seen = np.flatnonzero(birds.parts[:, [birds.part_names.index(n) for n in ("tail", "beak")], 2].all(1))[:2]
    assert {"facing one way", "head", "tail and beak in place"} <= words(
        figures.pose_film(birds, seen, "tail", "beak")
    )


def test_predicted_points_stand_beside_annotated_ones(birds):
    moved = birds.parts + np.array([4, 0, 0], np.float32)
    figure = figures.points_sheet(birds, moved, [0, 1, 2, 3])
    assert {"Capped Tern", "annotated"} <= words(figure)


def test_cells_outside_of_a_poofs_mask_are_grey(birds):
    mask = np.zeros((poof.ROWS, poof.COLUMNS), bool)
    mask[4, 4] = True
    one = poof.Poof(poof.Task(16, 19, 0, 1, "colour"), mask, np.zeros((8, 16, 32)), 0.0)
    red = np.zeros((2, 1, poof.HEIGHT, poof.WIDTH, 3), np.uint8)
    red[..., 0] = 255
    figure = figures.poof_masks([one], [red], birds, ("beak", "tail"))
    assert {"beak, with tail", "colour", "Capped Tern", "Masked Tern"} <= words(figure)
    shown = figure.images[0].get_array()[..., :3]
    coloured = (shown == [255, 0, 0]).all(2)
    assert coloured.sum() == (2 * poof.CELL) ** 2
    assert coloured[2 * 4 * poof.CELL, 2 * 4 * poof.CELL]


def test_confusions_are_shares_with_a_frame_around_each_family():
    figure = figures.confusions(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 2]]), "abc", ["x", "x", "y"])
    axes = figure.axes[0]
    assert axes.images[0].get_array()[0].tolist() == [75, 25, 0]
    assert sorted(patch.get_width() for patch in axes.patches) == [1, 2]


def test_people_are_ordered_by_their_scores_and_framed_by_their_labels(people):
    crops = dpd.box_crop(people, 1.0, 32)
    score = np.arange(30.0)
    truth = np.where(score < 15, 0, 1)
    truth[29] = -1
    figure = figures.best_and_worst(crops, {"hat": score}, {"hat": truth})
    assert {"highest scores", "lowest with it", "has it not", "unspecified", "hat"} <= words(figure)
    first = figure.images[0].get_array()[..., :3]
    assert np.array_equal(first, figures.square(as_pixels(crops.tensor(29)), figures.SIZE))
    assert {"highest", "lowest"} <= words(figures.scored_sheet(crops, score, truth))


def test_bars_have_one_colour_a_method_in_all_panels():
    table = pd.DataFrame({"Freq": [20, 30], "CNN-SVM": [50, 60]}, ["hat", "jeans"])
    figure = figures.precision_bars({"a": table, "b": table.rename(columns={"CNN-SVM": "DPD"})}, "Freq")
    assert {"hat", "Freq (chance)", "CNN-SVM", "DPD"} <= words(figure)
    one, other = (axes.patches[0].get_facecolor() for axes in figure.axes)
    assert one != other


def test_a_place_whose_hiding_costs_score_is_red():
    grey = np.full((40, 40, 3), 128, np.uint8)
    loss = np.zeros((8, 8))
    loss[1, 1], loss[6, 6] = 2, -1
    figure = figures.occlusion_sheet({"hat": grey}, {"hat": loss})
    over = figure.images[1].get_array()[..., :3].astype(int)
    cell = figures.OVERLAY / 8
    red, blue = (over[int(at * cell), int(at * cell)] for at in (1.5, 6.5))
    assert red[0] > red[2] + 40
    assert blue[2] > blue[0] + 10


def test_the_widget_tells_the_precision_of_every_context(people):
    columns = np.flatnonzero((people.labels == 1).any(0))
    some = replace(
        people, labels=people.labels[:, columns], classes=tuple(people.classes[c] for c in columns)
    )
    right = (some.labels == 1).astype(float)
    explorer = widget.context_explorer(some, {1.0: right, 2.0: -right})
    assert "box x 1 " in explorer.first["text/plain"]
    assert "x 1: 100.0, x 2: " in explorer.first["text/plain"]


def test_regions_of_birds_are_of_their_points(birds):
    assert {name for region in parts.BIRD.values() for name in region} == set(birds.part_names)
