"""Linear probes: features stay fixed, only a linear classifier is trained."""

from lecture_lib.probes.linear import Linear, drop_features, logistic_regression, svm
from lecture_lib.probes.selection import CS, Choice, choose, folds, validate

__all__ = [
    "CS",
    "Choice",
    "Linear",
    "choose",
    "drop_features",
    "folds",
    "logistic_regression",
    "svm",
    "validate",
]
