"""Choosing C for linear SVMs: ours against scikit-learn's LinearSVC, and its SVC on inner products.

    python tests/benchmarks/bench_svm.py [--pictures 1500] [--features 1024] [--classes 40]

The same features, three folds and five values of C from 0.01 to 100, one-vs-rest, then a training on all pictures with
the best C; once from vectors, once from their inner products. Features are drawn: non-negative, half of them zero, of
length 1, as those of a layer behind a ReLU; classes overlap. Each has one core, whose seconds are counted: a busy
neighbour does not change them.

LinearSVC penalises the bias, which is easier than to leave it free, and says for large C that it has not converged; how
many of its trainings do is printed. SVC has the hinge without its square; with 1 / 2C on the diagonal of the inner
products and no limit to alpha, its minimum is that of the squared hinge: the same objective as ours.
"""

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import linear_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC, LinearSVC
from table import row

from lecture_lib import linear, settings

HELD_OUT = 2000  # pictures that nobody trains on


def main() -> None:
    """Print seconds, their ratio, and how well all agree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=1500)
    parser.add_argument("--features", type=int, default=1024)
    parser.add_argument("--classes", type=int, default=40)
    arguments = parser.parse_args()
    settings.use(threads=1, quiet=True)
    x, labels = draw(arguments.pictures + HELD_OUT, arguments.features, arguments.classes)
    new, new_labels = x[arguments.pictures :], labels[arguments.pictures :]
    x, labels = x[: arguments.pictures], labels[: arguments.pictures]
    parts = linear.folds(labels)
    print(f"{x.shape[0]} x {x.shape[1]} features, {(x == 0).mean():.0%} zeros; {arguments.classes} classes")
    print(f"{len(linear.CS)} values of C, {len(parts)} folds", flush=True)

    def search(learner: LinearSVC | OneVsRestClassifier, name: str, given: np.ndarray, asked: np.ndarray):
        found = GridSearchCV(learner, {name: linear.CS}, cv=parts, scoring="balanced_accuracy")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            found.fit(given, labels)
        if caught:
            print(f"  {len(caught)} of {len(linear.CS) * len(parts) + 1} trainings not converged")
        return found.predict(asked), found.best_params_[name]

    def choose():
        probe = linear.choose(linear.svm, x, labels, linear.CS, parts).probe
        return probe.predict(new), probe.C

    def score():
        scores, c = linear.classify(linear.kernel(x, new), labels, Cs=linear.CS)
        return scores.argmax(1), c

    def precomputed():
        one = OneVsRestClassifier(SquaredHinge())
        return search(one, "estimator__c", linear_kernel(x), linear_kernel(new, x))

    ours = report("linear.choose", choose, new_labels)
    report("LinearSVC", lambda: search(LinearSVC(), "C", x, new), new_labels, ours)
    ours = report("linear.classify", score, new_labels)
    report('SVC(kernel="precomputed")', precomputed, new_labels, ours)


class SquaredHinge(SVC):
    """SVC on inner products, with the square of the hinge."""

    def __init__(self, c: float = 1.0):
        super().__init__(kernel="precomputed", C=1e9)
        self.c = c

    def fit(self, products: np.ndarray, labels: np.ndarray) -> "SquaredHinge":
        """Train with 1 / 2c added to each picture's product with itself."""
        return super().fit(products + np.eye(len(products)) / (2 * self.c), labels)


def draw(n: int, d: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw float32 [n, d] features of length 1 and int64 [n] labels, as many of each class."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(n) % classes
    common = rng.standard_normal((64, d), np.float32)  # what pictures of all classes vary in
    own = rng.standard_normal((classes, d), np.float32)
    x = 0.3 * own[labels] + rng.standard_normal((n, 64), np.float32) @ common / 8
    x += rng.standard_normal((n, d), np.float32)
    np.maximum(x, 0, out=x)
    return x / np.linalg.norm(x, axis=1, keepdims=True), labels


def report(name: str, run: Callable, labels: np.ndarray, ours: float | None = None) -> float:
    """Run, print seconds, C and accuracy on new pictures; return the seconds."""
    start = time.process_time()
    called, c = run()
    seconds = time.process_time() - start
    if ours:
        row("choosing C for linear SVMs (s)", name, ours, seconds)
    ratio = f", {seconds / ours:.1f} times as long" if ours else ""
    print(f"{name}: {seconds:.1f} s{ratio}; C = {c:g}, accuracy {(called == labels).mean():.3f}", flush=True)
    return seconds


if __name__ == "__main__":
    main()
