"""Adaptation to play with: which shift, which method, how many target labels, and what becomes of each picture."""

import warnings
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from matplotlib.figure import Figure

from lecture_lib.chapters.domain_adaptation import figures
from lecture_lib.chapters.domain_adaptation.methods import Method
from lecture_lib.chapters.domain_adaptation.shifts import shift
from lecture_lib.datasets import ImageCollection
from lecture_lib.datasets.trials import drawn_trial
from lecture_lib.display.showing import Explorer, choice

LABELS = (1, 3, 5, 10)  # a class, in the target


def adaptation_explorer(
    images: ImageCollection,
    x: np.ndarray,
    xy: np.ndarray,
    methods: Mapping[str, Method],
    shifts: Sequence[tuple[str, str]],
) -> Explorer:
    """Make a widget of a map with a choice of shift, method and target labels a class.

    x, xy    vectors [N, d] of all pictures, and their places on a map [N, 2]
    methods  name -> method that takes a trial
    """

    @cache
    def predicted(way: tuple[str, str], method: str, labelled: int) -> np.ndarray:
        with warnings.catch_warnings():
            # scikit-learn's, for one label a class
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            return methods[method](shift(x, images, *way, 0, labelled))

    def draw(way: tuple[str, str], method: str, labelled: int) -> tuple[Figure, str]:
        source, target = way
        train, test = drawn_trial(images, 0, source=source, target=target, labelled=labelled)
        right = predicted(way, method, labelled) == images.labels[test]
        text = f"{source} to {target}, {method}, {labelled} target labels a class: {right.mean():.0%} right"
        others = xy[np.intersect1d(train, images.splits[source])]
        figure = figures.right_and_wrong(xy[test], right, others, title=text)
        return figure, f"A map of the test pictures; {text}"

    ways = [(f"{source} to {target}", (source, target)) for source, target in shifts]
    return Explorer(
        draw,
        {
            "way": choice("shift", ways),
            "method": choice("method", list(methods)),
            "labelled": choice("target labels a class", LABELS, 3),
        },
    )
