"""The published SURF histograms by Hoffman's trials: our rows are those of an independent run (accuracy, 20 trials)."""

import os

import numpy as np
import pytest

from lecture_lib import settings
from lecture_lib.chapters.domain_adaptation import methods, tables
from lecture_lib.datasets import DatasetNotFound, office

# amazon to webcam; LIBLINEAR's SVMs on 20 principal components, subspaces of 10 dimensions
WANTED = {
    "SVM (S)": 37.5,
    "SVM (T)": 54.7,
    "SVM (ST)": 51.6,
    methods.WEIGHTED: 65.1,
    methods.DAUME: 59.9,
    methods.HOFFMAN: 65.1,
    "1-NN (S)": 25.0,
    "GFK, 1-NN (S)": 36.4,
    "GFK, 1-NN (ST)": 57.2,
    methods.GONG: 56.5,
    "SA, 1-NN (S)": 34.7,
}


@pytest.mark.real
def test_the_rows_of_amazon_to_webcam_are_those_of_an_independent_run():
    settings.use("demo", data=os.environ["LECTURE_DATA"], quiet=True)
    try:
        surf = office.surf()
    except DatasetNotFound as missing:
        pytest.skip(str(missing))
    finally:
        settings.reset()
    found = {name: [] for name in WANTED}
    for row in tables.table(surf.x["SURF"], surf, "amazon", "webcam", range(20), hoffman=True):
        if row["method"] in found:
            found[row["method"]].append(row["value"])
    means = {name: np.mean(values) for name, values in found.items()}
    assert means == pytest.approx(WANTED, abs=1.75), means
