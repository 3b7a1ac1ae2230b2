"""The rows of the table: each method takes a trial and gives the classes of its test pictures.

(S): learns from source labels alone. (T): from the few target labels alone. (ST): from both.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.spatial.distance import cdist

from lecture_lib.chapters.domain_adaptation.alignment import coral, daume, gfk, subspace_alignment
from lecture_lib.chapters.domain_adaptation.dann import dann
from lecture_lib.chapters.domain_adaptation.dlid import dlid
from lecture_lib.chapters.domain_adaptation.liblinear import svm
from lecture_lib.chapters.domain_adaptation.mmdt import MOVING, RELEASED, Constants, mmdt
from lecture_lib.chapters.domain_adaptation.shifts import Shift, principal_axes
from lecture_lib.linear import logistic_regression
from lecture_lib.metrics import mean_class_accuracy

Method = Callable[[Shift], np.ndarray]
MEAN, ALIKE = "mean class accuracy", "accuracy"
C = 1.0  # Hoffman et al.'s, for every method; with three labels a class there is little to choose it on


def part(given: Shift, which: str) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and labels of "S", "T" or "ST"."""
    return {"S": (given.xs, given.ys), "T": (given.xt, given.yt), "ST": (given.x, given.y)}[which]


def by_svm(given: Shift, which: str) -> np.ndarray:
    """A linear SVM."""
    return svm(*part(given, which)).predict(given.test)


def by_regression(given: Shift, which: str) -> np.ndarray:
    """Logistic regression."""
    return logistic_regression(*part(given, which), [C])[0].predict(given.test)


def by_weighted_svm(given: Shift, weights: Constants = RELEASED) -> np.ndarray:
    """A linear SVM on both domains, in which an error on a target picture weighs C_t / C_s times as much."""
    of_each = np.where(given.of_target, weights.C_t, weights.C_s)
    return svm(given.x, given.y, of_each).predict(given.test)


def by_daume(given: Shift) -> np.ndarray:
    """A linear SVM on Daume's features."""
    classifier = svm(daume(given.x, given.of_target), given.y)
    return classifier.predict(daume(given.test, np.ones(len(given.test), bool)))


def by_mmdt(given: Shift, constants: Constants) -> np.ndarray:
    """SVMs, and a map of the target into the space of the source."""
    return mmdt(given.xs, given.ys, given.xt, given.yt, constants).predict(given.test)


def by_neighbour(given: Shift, which: str) -> np.ndarray:
    """The class of the nearest labelled picture."""
    x, y = part(given, which)
    return y[cdist(given.test, x).argmin(1)]


def by_dlid(given: Shift) -> np.ndarray:
    """Logistic regression on DLID-like features of both domains' labelled pictures."""
    train, test = dlid(given)
    return logistic_regression(train, given.y, [C])[0].predict(test)


CORAL_AXES = (
    100  # principal components in which covariances are matched, as that costs their number to the third
)
WEIGHTED, MOVED = "SVM (ST), target x 20", "MMDT, A free"
DAUME, HOFFMAN, GONG = (
    "Daume III (2007)",
    "Hoffman et al. (2013)",
    "Gong et al. (2012)",
)  # as in DeCAF's table
SUPERVISED: Mapping[str, Method] = {
    "Logistic Reg. (S)": lambda given: by_regression(given, "S"),
    "SVM (S)": lambda given: by_svm(given, "S"),
    "Logistic Reg. (T)": lambda given: by_regression(given, "T"),
    "SVM (T)": lambda given: by_svm(given, "T"),
    "Logistic Reg. (ST)": lambda given: by_regression(given, "ST"),
    "SVM (ST)": lambda given: by_svm(given, "ST"),
    WEIGHTED: by_weighted_svm,
    DAUME: by_daume,
    HOFFMAN: lambda given: by_mmdt(given, RELEASED),
    MOVED: lambda given: by_mmdt(given, MOVING),
}


DEEP: Mapping[str, Method] = {"DLID-like (ST)": by_dlid, "DANN (ST)": lambda given: dann(given)[0]}


def aligned(given: Shift, d: int) -> dict[str, Method]:
    """The methods that align domains without labels, for all trials of a shift, with subspaces of d dimensions.

    "1-NN (S)" and "SVM (S), standardised" are what they are to be compared with: the same vectors, not aligned.
    """
    P_s, P_t = principal_axes(given.us, d), principal_axes(given.ut, d)
    M, both = gfk(P_s, P_t), principal_axes(np.concatenate([given.us, given.ut]), CORAL_AXES)
    C_map = both @ coral(given.us @ both, given.ut @ both)
    return {
        "1-NN (S)": lambda trial: by_neighbour(trial, "S"),
        "GFK, 1-NN (S)": lambda trial: by_neighbour(trial.mapped(M, M), "S"),
        "GFK, 1-NN (ST)": lambda trial: by_neighbour(trial.mapped(M, M), "ST"),
        GONG: lambda trial: by_svm(trial.mapped(M, M), "ST"),
        "SA, 1-NN (S)": lambda trial: by_neighbour(trial.mapped(*subspace_alignment(P_s, P_t)), "S"),
        "SVM (S), standardised": lambda trial: by_svm(trial.mapped(both, both), "S"),
        "CORAL, SVM (S)": lambda trial: by_svm(trial.mapped(C_map, both), "S"),
    }


def accuracy(given: Shift, method: Method, metric: str = MEAN) -> float:
    """Mean class accuracy in %, or ALIKE: the share of all test pictures, as Hoffman and Gong report theirs."""
    predicted = method(given)
    return 100 * (
        mean_class_accuracy(predicted, given.truth) if metric == MEAN else np.mean(predicted == given.truth)
    )
