"""The twin of Office-31: domains that a linear classifier tells apart, and classes that are as hard in each of them."""

import numpy as np
import pytest
from skimage.feature import hog
from sklearn.linear_model import RidgeClassifier
from torch.nn.functional import adaptive_avg_pool2d

from lecture_lib.datasets import trials
from lecture_lib.twins import office, world

SIDE, CELL = 64, 8


@pytest.fixture(scope="module")
def drawn(small_twin):
    return small_twin("office31")


@pytest.fixture(scope="module")
def domain(drawn):
    of = np.empty(len(drawn), dtype="<U6")
    for name in trials.domains(drawn):
        of[drawn.splits[name]] = name
    return of


@pytest.fixture(scope="module")
def edges(drawn):
    """Histograms of edge directions in 8 x 8 cells: float [N, d]."""
    grey = adaptive_avg_pool2d(drawn.stack().float().mean(1), SIDE)
    return np.stack([hog(one, 8, (CELL, CELL), (2, 2)) for one in grey.numpy()])


def right(x, labels, train):
    """The share of the other pictures that a linear classifier gets right."""
    return RidgeClassifier(alpha=10).fit(x[train], labels[train]).score(x[~train], labels[~train])


def test_classes_are_none_of_the_source_task_and_all_are_in_every_domain(drawn):
    assert len(drawn.classes) >= 20
    assert not set(drawn.classes) & {c.name for c in world.SOURCE}
    assert trials.domains(drawn) == ["amazon", "dslr", "webcam"]
    for rows in drawn.splits.values():
        assert set(np.bincount(drawn.labels[rows])) == {12}
    assert not set(office.CLASSES) & {c.name for c in office.CLUTTER}


def test_a_linear_classifier_tells_the_domains_apart(drawn, domain):
    x = drawn.stack().float()
    means, deviations = x.mean((2, 3)).numpy(), x.std((2, 3)).numpy()
    sharp = (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().mean((1, 2, 3)).numpy()[:, None]
    simple = np.hstack([means, deviations, sharp])
    simple = (simple - simple.mean(0)) / simple.std(0)
    assert right(simple, domain, np.arange(len(domain)) % 2 == 0) > 0.85


def test_classes_are_as_hard_in_each_domain(drawn, edges):
    found = {}
    for name in trials.domains(drawn):
        rows = drawn.splits[name]
        found[name] = right(edges[rows], drawn.labels[rows], np.arange(len(rows)) % 3 > 0)
    assert min(found.values()) > 5 / len(drawn.classes), found
    assert max(found.values()) < 1.5 * min(found.values()), found


def test_what_is_learned_in_one_domain_is_worth_less_in_another(drawn, edges):
    of = {name: drawn.splits[name] for name in trials.domains(drawn)}
    fit = {name: RidgeClassifier(alpha=10).fit(edges[rows], drawn.labels[rows]) for name, rows in of.items()}
    across = {(s, t): fit[s].score(edges[of[t]], drawn.labels[of[t]]) for s in of for t in of if s != t}
    assert across["dslr", "webcam"] > across["amazon", "webcam"], across
    assert min(across.values()) > 1 / len(drawn.classes), across


@pytest.mark.parametrize("name", ["amazon", "dslr", "webcam"])
def test_colour_tells_no_class(drawn, name):
    rows = drawn.splits[name]
    colours = drawn[rows].stack().float()[:, :, 30:-30, 30:-30].mean((2, 3)).numpy()
    colours = (colours - colours.mean(0)) / colours.std(0)
    chance, train = 1 / len(drawn.classes), np.arange(len(rows)) % 2 == 0
    assert right(colours, drawn.labels[rows], train) < chance + 4 * (chance / (~train).sum()) ** 0.5
