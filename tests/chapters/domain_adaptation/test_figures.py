"""Figures of domains: each is drawn from small numbers, and says what it should."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from lecture_lib.chapters.domain_adaptation import figures, mmdt, shifts, widget
from lecture_lib.datasets import ArrayImages, ImageCollection
from lecture_lib.datasets.trials import drawn_trial

WAY = ("amazon", "webcam")
N, EACH = 240, 30  # pictures, and pictures of a class in a domain


@pytest.fixture(scope="module")
def images():
    pixels = np.random.default_rng(0).integers(0, 255, (N, 3, 64, 64), dtype=np.uint8)
    labels = np.tile(np.repeat(np.arange(4), EACH), 2)
    splits = dict(zip(WAY, np.split(np.arange(N), 2), strict=True))
    return ImageCollection(
        "few", "twin", ArrayImages(pixels), tuple("abcd"), labels, splits=splits, protocol=drawn_trial
    )


def words(figure):
    figure.draw_without_rendering()
    return {text.get_text() for text in figure.findobj(Text)}


def test_domains_stand_side_by_side_and_maps_name_them(images):
    assert {*WAY, "a", "b"} <= words(figures.domain_sheet(images, "ab"))
    maps = {"BoW": np.random.default_rng(1).normal(size=(N, 2))}
    said = words(figures.domain_maps(maps, images.labels, np.repeat(WAY, N // 2)))
    assert {*WAY, "BoW, by class", "BoW, by domain"} <= said


def test_gains_have_their_numbers_and_films_their_times():
    table = pd.DataFrame([[50, 61.25]], ["amazon to webcam"], ["SVM (T)", "GFK (ST)"])
    assert {"50.0", "61.2", "GFK\n(ST)"} <= words(figures.gains(table, "SVM (T)"))
    pictures = [np.zeros((28, 28, 3), np.uint8)] * 3
    assert {"the picture", "t = 0.5"} <= words(figures.film({"mug": pictures}, (0.5, 1)))


def test_disagreement_and_moves_are_drawn(images):
    words(figures.disagreement_curve({"a and b": np.linspace(0, 1, 20), "b and c": np.full(20, 0.5)}))
    x = np.eye(12)[images.labels] + np.random.default_rng(2).normal(size=(N, 12)) / 3
    given = shifts.shift(x, images, *WAY, 0)
    learned = mmdt.mmdt(given.xs, given.ys, given.xt, given.yt, mmdt.MOVING)
    assert "the target after A" in words(figures.target_moves(given, learned, range(4)))


def test_the_widget_begins_with_three_labels_and_says_how_many_are_right(images):
    explorer = widget.adaptation_explorer(
        images, np.eye(N), np.eye(N)[:, :2], {"all": lambda t: t.truth}, [WAY]
    )
    assert "all, 3 target labels a class: 100% right" in explorer.first["text/plain"]
