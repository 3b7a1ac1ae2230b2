"""A few pictures of a few features that lie near a few words, so that everything can be counted in loops."""

import numpy as np
import pytest

from lecture_lib.chapters.instance_retrieval.features import Features
from lecture_lib.chapters.instance_retrieval.words import assign, fit_cells

K, COUNTS = 5, (7, 12, 1, 9, 0, 11)


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    n = sum(COUNTS)
    around = rng.integers(0, 90, (K, 128))
    x = np.clip(around[rng.integers(0, K, n)] + rng.integers(-40, 40, (n, 128)), 0, 255).astype(np.uint8)
    xy = rng.uniform(0, 100, (n, 2)).astype(np.float32)
    angle = rng.uniform(-np.pi, np.pi, n).astype(np.float32)
    return Features(x, xy, np.ones(n, np.float32), angle, np.cumsum([0, *COUNTS]))


@pytest.fixture(scope="module")
def means(features):
    return features.root[[0, 8, 15, 22, 30]] * np.float32(0.9)


@pytest.fixture(scope="module")
def words(features, means):
    return assign(features.root, means)


@pytest.fixture(scope="module")
def training(features):
    """Others than those that are coded: none lies just on a median."""
    return features.root + np.random.default_rng(1).normal(0, 0.01, features.x.shape).astype(np.float32)


@pytest.fixture(scope="module")
def cells(training, means):
    return {bits: fit_cells(training, means, bits) for bits in (64, 128)}


@pytest.fixture(scope="module")
def query(features):
    return features[[3]]


@pytest.fixture(scope="module")
def asked(query, means):
    """Words of the query's features, by how many each has."""
    return {m: assign(query.root, means, m) for m in (1, 3)}
