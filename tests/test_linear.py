import warnings
from functools import cache

import numpy as np
import pytest
import torch
from scipy.special import softmax

from lecture_lib import linear, settings
from lecture_lib.linear import learners, solver
from lecture_lib.linear import softmax as multinomial
from lecture_lib.metrics import average_precision

# An SVM that is not solved to tol, or a baseline that is not, fails the test unless it expects so.
pytestmark = pytest.mark.filterwarnings("error::UserWarning")

CS = (1e-6, 1e-3, 0.1, 1.0, 10.0, 1e3)


@pytest.fixture(autouse=True)
def one_thread():
    """Problems as small as these wait for a second thread longer than it helps them."""
    settings.current()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pictures(n=240, d=30, classes=6, noise=2.0, seed=0, shift=0):
    """Non-negative features of length 1, half of them zero, in classes that noise 2 mixes and noise 0.3 parts."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = np.random.default_rng(99).normal(size=(classes, d))
    x = np.maximum(centres[labels] + noise * rng.normal(size=(n, d)), 0)
    return (x / np.linalg.norm(x, axis=1, keepdims=True) + shift).astype(np.float32), labels


def signs(labels):
    return np.where(labels == np.arange(labels.max() + 1)[:, None], 1.0, -1.0)


def objective(w, b, x, y, c):
    """J in float64 for weights [..., d], targets and costs [..., N]."""
    w, b = np.asarray(w, float), np.asarray(b, float)
    short = np.maximum(1 - y * (w @ np.asarray(x, float).T + b[..., None]), 0)
    return (w**2).sum(-1) / 2 + (c * short**2).sum(-1)


def reference(x, y, c):
    """The minimiser w, b of one problem, by Newton's method in float64: y and c are [N]."""
    x = np.c_[np.asarray(x, float), np.ones(len(x))]
    v, ridge = np.zeros(x.shape[1]), np.diag(np.append(np.ones(x.shape[1] - 1), 0))

    def value(v):
        return v @ ridge @ v / 2 + (c * np.maximum(1 - y * (x @ v), 0) ** 2).sum()

    for _ in range(100):
        short = np.maximum(1 - y * (x @ v), 0)
        gradient = ridge @ v - 2 * (c * y * short) @ x
        step = np.linalg.solve(ridge + 2 * (x.T * c * (short > 0)) @ x + 1e-12 * np.eye(len(v)), -gradient)
        t = next((t for t in 0.5 ** np.arange(40) if value(v + t * step) < value(v)), 0)
        if t == 0:
            return v[:-1], v[-1]
        v = v + t * step
    raise AssertionError("Newton's method did not end.")


def references(x, y, c):
    """As `reference` for P problems with targets and costs [P, N]: w [P, d], b [P]."""
    found = [reference(x, *problem) for problem in zip(y, c, strict=True)]
    return np.array([w for w, _ in found]), np.array([b for _, b in found])


def solve(x, y, weights=None, path=CS, **options):
    weights = np.ones_like(y) if weights is None else weights
    return solver.solve(*(torch.tensor(a, dtype=torch.float32) for a in (x, y, weights)), path, **options)


def rounding(c):
    """What J loses if every margin is off by a unit of float32 or two."""
    return 2 * 2.0**-23 * c.sum(-1)


def quietly(function, *arguments, **options):
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        return function(*arguments, **options)


# the minimum


DATA = {
    "mixed": {"noise": 2.0},
    "parted": {"noise": 0.3},
    "wide": {"n": 60, "d": 100, "noise": 1.0},
    "far from 0": {"shift": 3},
    "eight classes": {"n": 240, "d": 50, "classes": 8, "noise": 3.0},
}


@cache
def minima(data):
    """Pictures of DATA, targets, and for each of CS the w, b and least J of the baseline."""
    x, labels = pictures(**DATA[data])
    y = signs(labels)
    found = {}
    for c in CS:
        w, b = references(x, y, np.full_like(y, c))
        found[c] = w, b, objective(w, b, x, y, np.full_like(y, c))
    return x, labels, y, found


@pytest.mark.parametrize("data", DATA)
def test_the_objective_is_the_minimum_to_two_in_ten_thousand(data):
    x, labels, y, known = minima(data)
    new = pictures(**DATA[data] | {"n": 600}, seed=1)[0]
    agreed = []
    for probe in linear.svm(x, labels, CS):
        w, b, least = known[probe.C]
        c = np.full_like(y, probe.C)
        found = objective(probe.weights, probe.bias, x, y, c)
        assert (found >= least * (1 - 1e-4)).all()  # else the baseline is wrong
        assert (found <= least * (1 + 2e-4) + rounding(c)).all()
        agreed.append(np.sign(probe.scores(new)) == np.sign(new @ w.T + b))
    assert np.mean(agreed) > 0.998


def test_two_pictures_by_hand():
    # x = 0 without, x = 2 with the class. Where both have m < 1, with C = 1, dJ/dw = dJ/db = 0 read
    # w - 4 (1 - 2w - b) = 0 and 2 (1 + b) - 2 (1 - 2w - b) = 0
    w, b = np.linalg.solve([[9, 4], [4, 4]], [4, 0])
    x, labels = np.array([[0.0], [2.0]]), np.array([[0], [1]], np.int8)
    probe = linear.svm(x, labels, [1])[0]
    assert probe.weights.ravel() == pytest.approx([w], rel=0.01)
    assert probe.bias == pytest.approx([b], rel=0.01)
    assert probe.C == 1


# the gap


@pytest.mark.parametrize("data", ["mixed", "wide"])
def test_wherever_it_stops_the_true_minimum_lies_between_objective_and_objective_less_gap(data, monkeypatch):
    x, labels = pictures(**DATA[data])
    y = signs(labels)
    y[1, ::3] *= -1  # a class that cannot be learned
    weights = np.random.default_rng(0).uniform(0.2, 3, y.shape)
    path = (0.01, 1.0, 100.0)
    costs = [c * weights for c in path]
    least = [objective(*references(x, y, c), x, y, c) for c in costs]
    for stop in (0, 1, 2, 6):
        monkeypatch.setattr(solver, "ITERATIONS", stop)
        stopped = quietly(solve, x, y, weights, path)
        found = (getattr(stopped, a).double().numpy() for a in ("weights", "bias", "objective", "gap"))
        for w, b, reached, gap, c, minimum in zip(*found, costs, least, strict=True):
            slack = 1e-5 * reached + rounding(c)
            assert (np.abs(objective(w, b, x, y, c) - reached) <= slack).all()
            assert (reached - gap <= minimum + slack).all()
            assert (minimum <= reached + slack).all()


def test_unsolved_problems_are_counted_and_the_warning_says_what_to_do(monkeypatch):
    monkeypatch.setattr(solver, "ITERATIONS", 4)
    x, labels = pictures()
    with pytest.warns(UserWarning, match="Scale the features to length 1, or take a smaller C") as caught:
        path = solve(x, signs(labels), path=[0.1, 10])
    late = path.gap > 2e-4 * path.objective
    worst = (path.gap / path.objective).max()
    assert 0 < late.sum() < 12
    assert f"{late.sum()} of 12 SVMs" in str(caught[0].message)
    assert f"up to {worst:.1e} of the objective" in str(caught[0].message)


# paths, blocks, threads


def same(found, expected, x, y, c):
    """Whether two solutions (weights, bias) of one problem are equally good."""
    one, other = (objective(np.asarray(w), np.asarray(b), x, y, c) for w, b in (found, expected))
    assert one == pytest.approx(other, rel=4e-4)


def test_a_path_gives_for_each_C_what_that_C_gives_alone_in_the_order_asked():
    x, labels = pictures(classes=5)
    y = signs(labels)
    asked = (1.0, 0.01, 30.0, 0.01)
    path = linear.svm(x, labels, asked)
    assert tuple(probe.C for probe in path) == asked
    for probe in path[:3]:
        alone = linear.svm(x, labels, [probe.C])[0]
        c = np.full_like(y, probe.C)
        same((probe.weights, probe.bias), (alone.weights, alone.bias), x, y, c)
    assert (path[1].weights == path[3].weights).all()


# weights, difficult pictures


def test_an_example_of_weight_0_counts_for_nothing_and_one_of_weight_2_twice():
    x, labels = pictures()
    y = signs(labels)
    form = {"path": [3]}
    weights = np.ones_like(y)
    weights[:, ::3], weights[:, 1::3] = 0, 2
    x[::3] *= 20  # would be seen
    weighted = solve(x, y, weights, **form)
    times = np.tile([0, 2, 1], len(x) // 3)
    x, y = np.repeat(x, times, 0), np.repeat(y, times, 1)
    repeated = solve(x, y, **form)
    one, other = ((found.weights[0], found.bias[0]) for found in (weighted, repeated))
    same(one, other, x, y, np.full_like(y, 3))
    assert weighted.objective.numpy() == pytest.approx(repeated.objective.numpy(), rel=4e-4)


def test_a_difficult_picture_is_left_out_of_that_class_only():
    x, labels = pictures(classes=3)
    present = (signs(labels).T > 0).astype(np.int8)
    present[5:90:7, 1] = 1  # some show two classes
    difficult = present.copy()
    difficult[::4, 0] = -1
    difficult[1::9, 2] = -1
    probe = linear.svm(x, difficult, [1])[0]
    for k in range(3):
        kept = difficult[:, k] >= 0
        y = np.where(present[kept, k] == 1, 1.0, -1.0)
        alone = linear.svm(x[kept], present[kept, k : k + 1], [1])[0]
        one, other = (probe.weights[k], probe.bias[k]), (alone.weights[0], alone.bias[0])
        same(one, other, x[kept], y, np.ones_like(y))
        assert (np.sign(x @ one[0] + one[1]) == np.sign(x @ other[0] + other[1])).mean() > 0.98


def test_labels_as_indices_and_as_a_table_are_the_same():
    x, labels = pictures()
    table = (signs(labels).T > 0).astype(np.int8)
    for one, other in zip(linear.svm(x, labels, CS), linear.svm(x, table, CS), strict=True):
        assert (one.weights == other.weights).all()


# hard cases


def hard_cases():
    x, labels = pictures(72, 20)
    one_hot, mixed = (signs(labels).T > 0).astype(np.int8), np.random.default_rng(0).integers(0, 3, 96)
    return {
        "a row of zeros": (np.concatenate([x, np.zeros((1, 20))]), np.append(labels, 0)),
        "only rows of zeros": (np.zeros((72, 20)), labels),
        "equal rows": (np.ones((72, 20)), labels),
        "a constant feature": (np.c_[x, np.full(72, 3)], labels),
        "repeated rows": (np.repeat(x[:24], 4, 0), np.repeat(labels[:24], 4)),
        "repeated rows in different classes": (np.repeat(x[:24], 4, 0), mixed),
        "one feature": (x[:, :1], labels),
        "one picture a class": (x[:6], labels[:6]),
        "one picture": (x[:1], labels[:1]),
        "one class": (x, np.zeros(72, int)),
        "a class without pictures": (x, labels + (labels > 2)),
        "a class that nobody knows": (x, np.where(np.arange(6) == 1, np.int8(-1), one_hot)),
        "a class without negatives": (x, np.c_[np.ones(72, np.int8), one_hot]),
    }


@pytest.mark.parametrize("case", hard_cases())
def test_hard_cases_are_solved(case):
    x, labels = hard_cases()[case]
    table = labels if labels.ndim == 2 else (signs(labels).T > 0).astype(np.int8)
    y, known = np.where(table.T == 1, 1.0, -1.0), (table.T >= 0).astype(float)
    decided = [len(set(target[weight > 0])) < 2 for target, weight in zip(y, known, strict=True)]
    for probe in linear.svm(x, labels, (0.01, 10)):  # what is not solved to tol would warn, and fail
        assert np.isfinite(probe.weights).all()
        assert (objective(probe.weights, probe.bias, x, y, probe.C * known)[decided] == 0).all()
        assert (probe.weights[decided] == 0).all()  # where all pictures say the same, the bias alone does


def test_what_float32_cannot_solve_is_finite_and_said(monkeypatch):
    monkeypatch.setattr(solver, "ITERATIONS", 15)
    x, labels = pictures(200, 10)
    x, labels = np.concatenate([x, x]), np.append(labels, labels)
    with pytest.warns(UserWarning, match="stopped after 15 iterations"):
        path = solve(1000 * x, signs(labels), path=(1, 1e3, 1e7))
    for value in (path.weights, path.bias, path.objective, path.gap):
        assert value.isfinite().all()


# dropout


def test_dropped_features_are_x_on_average_under_masks_of_their_own():
    x = np.random.default_rng(0).uniform(1, 2, (20, 50)).astype(np.float32)
    before = x.copy()
    dropped = linear.drop_features(x, 0.3, 400, seed=1).reshape(400, 20, 50)
    assert (x == before).all()
    assert (linear.drop_features(x, 0, 2, 1) == np.tile(x, (2, 1))).all()
    assert dropped.dtype == np.float32
    kept = dropped != 0
    assert kept.mean() == pytest.approx(0.7, abs=0.005)
    assert np.allclose(dropped, kept * x / 0.7, rtol=1e-6, atol=0)
    assert np.abs(dropped.mean(0) / x - 1).max() < 5 * np.sqrt(0.3 / 0.7 / 400)
    for axis in range(3):  # copies, pictures and features are dropped independently
        one, other = kept.take(range(kept.shape[axis] - 1), axis), kept.take(range(1, kept.shape[axis]), axis)
        assert (one == other).mean() == pytest.approx(0.7**2 + 0.3**2, abs=0.01)


@pytest.mark.parametrize("learner", [linear.svm, linear.logistic_regression])
def test_dropout_trains_on_copies_that_weigh_as_one_picture(learner):
    x, labels = pictures()
    (found,) = learner(x, labels, [2], dropout=0.4, seed=3)
    masked, repeated = linear.drop_features(x, 0.4, learners.COPIES, 3), np.tile(labels, learners.COPIES)
    (expected,) = learner(masked, repeated, [2 / learners.COPIES])
    assert found.C == 2
    largest = np.abs(expected.weights).max()
    assert np.abs(found.weights - expected.weights).max() < 0.03 * largest
    assert np.abs(found.weights - learner(x, labels, [2])[0].weights).max() > 0.1 * largest


# logistic regression


def test_logistic_regression_that_is_stopped_says_so(monkeypatch):
    x, labels = pictures(classes=3)
    with warnings.catch_warnings(action="error"):
        linear.logistic_regression(x, labels, (1.0, 10.0))
    monkeypatch.setattr(multinomial, "ITERATIONS", 4)
    with pytest.warns(UserWarning, match="C = 10 was stopped after"):
        linear.logistic_regression(x, labels, (10.0,))


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_logistic_regression_is_where_its_objective_has_no_slope(classes):
    x, labels = pictures(classes=classes)
    kept = (labels != 1) | (np.arange(len(x)) % 5 == 0)  # fewer of one class
    x, labels = x[kept], labels[kept]
    asked = (10.0, 0.01, 1.0)
    found = linear.logistic_regression(x, labels, asked)
    assert tuple(probe.C for probe in found) == asked
    for probe in found:
        assert probe.weights.shape == (classes, 30)
        assert probe.weights.dtype == probe.bias.dtype == probe.scores(x).dtype == np.float32
        slack = 3e-4 * probe.C * len(x)  # scikit-learn's tol is on the mean over the pictures
        error = softmax(probe.scores(x), axis=1) - np.eye(classes)[labels]
        assert np.abs(probe.weights + probe.C * error.T @ x).max() < slack
        assert np.abs(probe.C * error.sum(0)).max() < slack
        assert (probe.predict(x) == probe.scores(x).argmax(1)).all()


# what is rejected


ROW_7 = np.arange(240)[:, None] == 7
BAD = {
    "multi-label": (linear.logistic_regression, lambda x, y: (x, np.eye(6, dtype=int)[y]), "take svm"),
    "missing class": (linear.logistic_regression, lambda x, y: (x, y + (y > 2)), "picture of class 3:"),
    "float labels": (None, lambda x, y: (x, y.astype(float)), "labels: float64 .* give class indices"),
    "negative label": (None, lambda x, y: (x, y - 1), "labels: .* are negative"),
    "other table": (None, lambda x, y: (x, np.eye(6, dtype=int)[y] * 2), r"1 \(present\), 0 \(absent\) and"),
    "NaN": (None, lambda x, y: (np.where(ROW_7, np.nan, x), y), "picture 7 contain NaN"),
    "too few labels": (None, lambda x, y: (x, y[:-1]), "labels: 239 for 240 pictures"),
    "no picture": (None, lambda x, y: (x[:0], y[:0]), r"features: float\d+ \(0, 30\)"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("learner", [linear.svm, linear.logistic_regression])
def test_what_no_probe_can_learn_from_is_rejected(case, learner):
    only, spoil, words = BAD[case]
    with pytest.raises(ValueError, match=words):
        (only or learner)(*spoil(*pictures()), [1.0])


@pytest.mark.parametrize("learner", [linear.svm, linear.logistic_regression])
def test_C_and_dropout_are_in_their_range(learner):
    for cs in ([0.0], [1.0, -1.0], []):
        with pytest.raises(ValueError, match=r"Cs are \[.*\]; give one or more values above 0"):
            learner(*pictures(), cs)
    for rate in (1.0, -0.1):
        with pytest.raises(ValueError, match=f"dropout is {rate}; it is the part that is dropped"):
            learner(*pictures(), [1.0], dropout=rate)


# choosing C


def test_folds_part_all_pictures_at_random_and_reproducibly():
    for labels in (np.repeat([0, 1, 2, 4], [30, 9, 4, 17]), np.zeros((60, 4), np.int8)):
        first, again, other = (linear.folds(labels, 3, seed=seed) for seed in (5, 5, 6))
        assert labels.ndim == 2 or all(set(labels[held]) == {0, 1, 2, 4} for _, held in first)
        assert all((a[1] == b[1]).all() for a, b in zip(first, again, strict=True))
        assert any((a[1] != b[1]).any() for a, b in zip(first, other, strict=True))
        assert sorted(np.concatenate([held for _, held in first])) == list(range(60))


def test_a_class_with_too_few_pictures_is_named():
    labels = np.repeat([0, 1, 3, 4], [5, 5, 3, 2])
    with pytest.raises(
        ValueError, match=r"Class 3 has 3 training pictures, too few for 4 folds\. Take at most 2"
    ):
        linear.folds(labels, 4)
    assert len(linear.folds(labels, 2)) == 2


class Spy:
    """A learner that notes what it is given; `right` says which C call the classes right."""

    def __init__(self, right=()):
        self.calls, self.right = [], right

    def __call__(self, x, labels, Cs):
        self.calls.append((x, labels, list(Cs)))
        sign = [1 if c in self.right else -1 for c in Cs]
        return [
            linear.Linear(s * np.eye(4, 5, dtype=np.float32), np.zeros(4), c)
            for s, c in zip(sign, Cs, strict=True)
        ]


def easy(n=24):
    """Features that are the class as a unit vector, and the number of the picture."""
    labels = np.arange(n) % 4
    return np.c_[np.eye(4)[labels], np.arange(n) * 1e-3], labels


def test_choose_takes_the_best_C_trains_on_all_and_holds_pictures_back_for_validation_only():
    x, labels = easy()
    spy = Spy(right=[3.0])
    choice = linear.choose(spy, x, labels, (10.0, 3.0, 1.0))
    assert choice.Cs == (1.0, 3.0, 10.0)
    assert choice.scores == pytest.approx(np.tile([0, 1, 0], (3, 1)))
    *validation, (last_x, last_labels, last_cs) = spy.calls
    assert (last_x == x).all()
    assert (last_labels == labels).all()
    assert last_cs == [3.0]
    assert choice.probe.C == 3.0
    for (given_x, given_labels, _), (kept, _) in zip(validation, linear.folds(labels), strict=True):
        assert (given_x == x[kept]).all()
        assert (given_labels == labels[kept]).all()


def test_of_equally_good_Cs_the_smallest_is_taken():
    x, labels = easy()
    assert linear.choose(Spy(right=[100.0, 3.0, 10.0]), x, labels, (100.0, 10.0, 3.0, 1.0)).probe.C == 3.0
    assert linear.choose(Spy(), x, labels, (5.0, 2.0)).probe.C == 2.0
    assert linear.choose(Spy(), x, labels).Cs == linear.CS


def test_scores_that_are_equal_but_for_rounding_are_equal(monkeypatch):
    scores = [[0.3, 0.1], [0.2, 0.2], [0.1, 0.3]]
    assert np.mean(scores, 0)[0] < np.mean(scores, 0)[1]  # in floating point
    found = iter(np.ravel(scores))
    monkeypatch.setattr("lecture_lib.linear.selection.measure", lambda *_: next(found))
    assert linear.choose(Spy(), *easy(), (1.0, 2.0)).probe.C == 1.0


def test_given_parts_are_used_and_several_labels_are_measured_by_mAP():
    x, labels = pictures(classes=4, noise=3)
    present = (signs(labels).T > 0).astype(np.int8)
    present[3::11, 1] = 1
    rows = np.random.default_rng(0).permutation(len(x))
    parts = [(rows[:160], rows[160:]), (rows[80:], rows[:80])]
    choice = linear.choose(linear.svm, x, present, (0.1, 10.0), parts)
    for (kept, held), scores in zip(parts, choice.scores, strict=True):
        each = [probe.scores(x[held]) for probe in linear.svm(x[kept], present[kept], choice.Cs)]
        expected = [average_precision(s, present[held]).mean() for s in each]
        assert scores == pytest.approx(expected, abs=0.01)
    assert choice.Cs[choice.scores.mean(0).argmax()] == choice.probe.C
