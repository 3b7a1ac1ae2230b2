"""Choosing C for linear SVMs by cross-validation: ours against scikit-learn's GridSearchCV of LinearSVC.

    python tests/benchmarks/bench_svm.py [--pictures 3000] [--features 4096] [--classes 101] [--threads 2]

The same features, folds and nine values of C from 0.01 to 100, squared hinge, penalised bias, one-vs-rest; then a
training on all pictures with the best C. Features are drawn: non-negative, half of them zero, of length 1, as
those of a layer behind a ReLU; classes overlap. LinearSVC computes on one core, so the baseline is run twice:
as it comes (n_jobs=1), and with one process a thread. It takes minutes, and its solver says for large C that it
has not converged; how many of its trainings do is printed. Timings of all are taken in one run, one after the other.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from functools import partial

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.svm import LinearSVC

from lecture_lib import linear, settings

CS = tuple(float(c) for c in np.logspace(-2, 2, 9))
HELD_OUT = 2000  # pictures that nobody trains on


def main() -> None:
    """Print seconds, their ratio, and how well both agree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=3000)
    parser.add_argument("--features", type=int, default=4096)
    parser.add_argument("--classes", type=int, default=101)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    settings.use(threads=arguments.threads, quiet=True)
    x, labels = draw(arguments.pictures + HELD_OUT, arguments.features, arguments.classes)
    new, new_labels = x[arguments.pictures :], labels[arguments.pictures :]
    x, labels = x[: arguments.pictures], labels[: arguments.pictures]
    parts = linear.folds(labels)
    print(f"{x.shape[0]} x {x.shape[1]} features, {(x == 0).mean():.0%} zeros; {arguments.classes} classes")
    print(f"{len(CS)} values of C, {len(parts)} folds; {torch.get_num_threads()} threads", flush=True)

    start = time.perf_counter()
    choice = linear.choose(partial(linear.svm, penalise_bias=True), x, labels, CS, parts)
    ours = time.perf_counter() - start
    report(
        "linear.choose", ours, choice.probe.C, choice.scores.mean(0), choice.probe.predict(new) == new_labels
    )

    for jobs in sorted({1, arguments.threads}):
        search = GridSearchCV(LinearSVC(), {"C": CS}, cv=parts, n_jobs=jobs, scoring="balanced_accuracy")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            start = time.perf_counter()
            search.fit(x, labels)
            seconds = time.perf_counter() - start
        best = search.best_estimator_
        scores = search.cv_results_["mean_test_score"]
        report(f"GridSearchCV, {jobs} jobs", seconds, best.C, scores, best.predict(new) == new_labels)
        if jobs == 1:  # other processes keep their warnings
            late = sum(issubclass(warning.category, ConvergenceWarning) for warning in caught)
            print(f"  {late} of {len(CS) * len(parts) + 1} trainings not converged")
        print(f"  {seconds / ours:.1f} times as long as ours", flush=True)

    mine = linear.svm(x, labels, [best.C], penalise_bias=True)[0]
    a, b = (
        objective(w, bias, x, labels, best.C)
        for w, bias in ((mine.weights, mine.bias), (best.coef_, best.intercept_))
    )
    print(
        f"at C = {best.C:g}: our objective is {a.sum() / b.sum() - 1:+.1e} of LinearSVC's, {(a / b - 1).max():+.1e} "
        f"at most for a class; {(mine.predict(new) == best.predict(new)).mean():.2%} of the held-out pictures "
        "are called the same"
    )


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


def report(name: str, seconds: float, c: float, scores: np.ndarray, right: np.ndarray) -> None:
    """Print what was chosen after how long, and how good it is."""
    print(
        f"{name}: {seconds:.1f} s; C = {c:g}, accuracy {right.mean():.3f} on {len(right)} held-out pictures"
    )
    print("  in validation " + " ".join(f"{score:.3f}" for score in scores), flush=True)


def objective(
    weights: np.ndarray, bias: np.ndarray, x: np.ndarray, labels: np.ndarray, c: float
) -> np.ndarray:
    """1/2 |w|^2 + 1/2 b^2 + C sum max(0, 1 - m)^2 of each class, float64."""
    weights, bias = weights.astype(float), bias.astype(float)
    y = np.where(labels[:, None] == np.arange(len(weights)), 1, -1)
    short = np.maximum(1 - y * (x @ weights.T + bias), 0)
    return ((weights**2).sum(1) + bias**2) / 2 + c * (short**2).sum(0)


if __name__ == "__main__":
    main()
