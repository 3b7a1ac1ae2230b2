"""The exercises of 03_ifv_vs_cnn."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lecture_lib.exercises.judging import Exercise, NotTried, Wrong, call, compare, numbers

# 03.1. No row's length is 1, before the root or after it; no two rows or columns have the same.

_PHI = np.array([[0.09, -0.25, 0, 4, -0.01], [-1, 0.36, 2.25, -0.04, 0.49], [16, -9, 0.16, -0.64, 1.21]])


def _check_improve(improve: Callable) -> None:
    right = _improved(_PHI)
    found = call(improve, _PHI)
    if _has_nan(found):
        raise Wrong("the root of a negative number is NaN: take that of |phi|, and give the sign back.")
    compare(found, right, "the result", typical=_typical_improved(_PHI))

    small = "the result for numbers of about 1e-6, to whose length nothing may be added,"
    compare(call(improve, 1e-6 * _PHI), right, small)

    phi = _PHI * [[1], [0], [1]]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = call(improve, phi)
    if _has_nan(found):
        raise Wrong("a row of zeros becomes 0 / 0 = NaN; it should stay zeros.")
    compare(found, right * [[1], [0], [1]], "the result for a matrix with a row of zeros")
    if told := [warning.message for warning in said if issubclass(warning.category, RuntimeWarning)]:
        raise Wrong(f"the numbers are right, but NumPy warns on the way: {told[0]}.")


def _improved(phi: np.ndarray) -> np.ndarray:
    root = np.sign(phi) * np.sqrt(np.abs(phi))
    return root / np.linalg.norm(root, axis=1, keepdims=True)


def _typical_improved(phi: np.ndarray) -> Iterator:
    size = np.abs(phi)
    sign, root = np.sign(phi), np.sign(phi) * np.sqrt(size)
    length, length_before = (np.linalg.norm(x, axis=1, keepdims=True) for x in (root, phi))
    yield np.abs(root) / length, "the sign is lost: sign(phi) sqrt(|phi|)."
    positive = np.maximum(root, 0)
    for below in (length, np.linalg.norm(positive, axis=1, keepdims=True)):
        yield positive / below, "negative numbers become 0; they have a root, too: sign(phi) sqrt(|phi|)."
    order = "it divides by the length before the root, which changes it: first the root, then the length."
    yield sign * np.sqrt(size / length_before), order
    yield root / length_before, "it divides the roots by the length of phi; they have a length of their own."
    yield root, "the roots are right, but rows still have to be divided by their length."
    yield np.abs(root), "the sign is lost, and rows still have to be divided by their length."
    yield phi / length_before, "rows have length 1, but the square root is missing."
    yield phi / length, "it divides phi by the length of the roots; divide the roots."
    yield root / np.linalg.norm(root), "it divides by the length of the whole matrix; each row has its own."
    columns = "it divides columns by their length; a picture's vector is a row (axis=1)."
    yield root / np.linalg.norm(root, axis=0), columns
    sums = (
        "it divides by the sum of a row's absolute values (L1); the length is the root of the sum of squares."
    )
    yield root / np.abs(root).sum(1, keepdims=True), sums
    yield root / np.abs(root).max(1, keepdims=True), "it divides by a row's largest number."
    yield root / length**2, "it divides by the sum of squares; the length is the root of that."
    squares = sign * phi**2
    yield squares / np.linalg.norm(squares, axis=1, keepdims=True), "it takes squares, not square roots."


# 03.2


def _check_first_order(first_order: Callable) -> None:
    x = np.array([[1, 0.5, -2], [0, 1.5, 1], [2, -1, 0.5], [-1, 3, 0], [0.5, 0.25, 4]])
    q = np.array([0.9, 0.2, 0.6, 0.05, 0.35])
    given = q, np.array([0.25, 1, -0.5]), np.array([0.5, 2, 1.5]), 0.16
    expected = _first_order(x, *given)
    compare(call(first_order, x, *given), expected, "u", typical=_typical_first_orders(x, *given))
    one = call(first_order, x[:1], q[:1], *given[1:])
    compare(one, _first_order(x[:1], q[:1], *given[1:]), "u of a single descriptor")
    none = call(first_order, x, 0 * q, *given[1:])
    compare(none, np.zeros(3), "u where no descriptor is given to the Gaussian (all q are 0)")


def _first_order(x: np.ndarray, q: np.ndarray, mu: np.ndarray, sigma: np.ndarray, pi: float) -> np.ndarray:
    return q @ ((x - mu) / sigma) / (len(x) * np.sqrt(pi))


def _typical_first_orders(
    x: np.ndarray, q: np.ndarray, mu: np.ndarray, sigma: np.ndarray, pi: float
) -> Iterator:
    N, whitened = len(x), (x - mu) / sigma
    total, scale = q @ whitened, 1 / (N * np.sqrt(pi))
    yield total, "1 / (N sqrt(pi)) is missing."
    yield total / np.sqrt(pi), "1/N is missing: without it, more descriptors would make u longer."
    yield total / N, "1 / sqrt(pi) is missing."
    by_q = (
        "it divides by the sum of q; N is the number of all descriptors, whichever Gaussian they belong to."
    )
    for weight in (1, pi, np.sqrt(pi)):
        yield total / (q.sum() * weight), by_q
    yield total / (N * pi), "it divides by pi; the formula has its square root."
    yield total / N * np.sqrt(pi), "it multiplies by sqrt(pi); divide by it."
    slide = "this is the sum on the slide; it still has to be divided by sigma, N and sqrt(pi)."
    yield q @ (x - mu), slide
    yield (q > 0.5) @ (x - mu), slide + " And q is soft here: no descriptor counts as a whole."
    for factor in (1 / N, scale):
        yield factor * q @ (x - mu), "sigma is missing: it is in units of x, not of the Gaussian's width."
    yield scale * q @ ((x - mu) / sigma**2), "it divides by sigma^2, the variance; the formula has sigma."
    yield scale * q @ ((x - mu) / np.sqrt(sigma)), "it divides by sqrt(sigma), but sigma is no variance."
    yield scale * q @ ((x - mu) * sigma), "it multiplies by sigma; divide by it."
    yield -scale * total, "the sign is wrong: u points from mu to the descriptors, x - mu."
    yield scale * whitened.sum(0), "q is missing: every descriptor counts in full."
    yield scale * (q > 0.5) @ whitened, "q is rounded to 0 or 1 (hard assignment); take it as it is."
    yield scale * q**2 @ whitened, "q is squared."
    yield scale * (q @ x - mu) / sigma, "mu is subtracted once; take it from each x_i before."
    yield scale * total.sum(), "it is one number; sum over descriptors (axis 0), not over dimensions."
    rows = q[:, None] * whitened
    for factor in (1, scale):
        yield factor * rows, "it has one row for each descriptor; they are still to be summed (axis 0)."
        yield factor * rows.sum(1), "it sums over dimensions (axis 1); sum over descriptors, axis 0."
    for factor in (1, np.sqrt(0.5)):
        yield factor * scale * q @ (whitened**2 - 1), "this is v, of second order; u has no square."


# 03.3


def _check_soft_assignment(soft_assignment: Callable) -> None:
    x = np.array([[0.5, 0, -1], [2, 1, 0.5], [-1, 0.25, 1], [0, 2, 0.75], [1, 1, 1]])
    pi, mu = np.array([0.5, 0.2, 0.2, 0.1]), np.array([[0, 0, 0], [1, 1, 0.5], [-1, 0.5, 1], [0.5, 1, -1.0]])
    var = np.array([[1, 0.5, 2], [0.6, 0.8, 0.4], [2, 1.5, 1], [1.2, 0.3, 0.7]])
    typical = list(_typical_assignments(x, pi, mu, var))
    compare(call(soft_assignment, x, pi, mu, var), _posteriors(x, pi, mu, var), "q", typical=typical)

    # One near, three far away, along an axis in which two Gaussians do not differ, and the third is narrower: its q
    # is 0, and the other axes decide between the two.
    x = np.array([[0.5, 0, -1], [0.1, 60, 0], [-0.3, -60, 0.2], [0.2, 1000, 0]])
    pi, mu = np.array([0.5, 0.3, 0.2]), np.array([[0.5, 0, 0], [-0.5, 0, 0], [0, 0, 1]])
    var = np.array([[1, 1, 1], [1, 1, 1], [1, 0.25, 1]])
    _check_far(call(soft_assignment, x, pi, mu, var), x, pi, mu, var)

    rng = np.random.default_rng(0)
    mu, var = 1e-4 * rng.normal(size=(3, 80)), 1e-6 * rng.uniform(0.9, 1.1, (3, 80))  # they overlap
    x = 1e-3 * rng.normal(size=(4, 80))
    found, case = call(soft_assignment, x, pi, mu, var), "for D = 80 and variances of 1e-6"
    if _has_nan(found):
        raise Wrong(f"q contains NaN {case}: their product is 0 in float64; add their logarithms.")
    compare(found, _posteriors(x, pi, mu, var), f"q {case}", tolerance=1e-4)


def _check_far(found: Any, x: np.ndarray, pi: np.ndarray, mu: np.ndarray, var: np.ndarray) -> None:
    underflow = "all of its densities are 0 in float64; subtract its own largest logarithm before np.exp"
    if _has_nan(found):
        raise Wrong(f"q contains NaN for a descriptor far from every Gaussian: {underflow}.")
    right, distant = _posteriors(x, pi, mu, var), np.abs(x[:, 1:2]) > 50
    typical = [
        (np.where(distant, row, right), f"a descriptor far from every Gaussian gets {what}: {underflow}.")
        for row, what in ((0, "zeros"), (1 / len(pi), "1/K"), (pi, "the weights pi"))
    ]
    compare(found, right, "q of descriptors near and far", tolerance=1e-3, typical=typical)


def _logarithms(x: np.ndarray, pi: np.ndarray, mu: np.ndarray, var: np.ndarray) -> tuple:
    """Return three parts of ln pi_k N(x; mu_k, var_k), but for a constant: of pi [K], of var [K], of x [N, K]."""
    return np.log(pi), -np.log(var).sum(1) / 2, -((x[:, None] - mu) ** 2 / var).sum(2) / 2


def _softmax(logarithm: np.ndarray, axis: int = 1) -> np.ndarray:
    p = np.exp(logarithm - logarithm.max(axis, keepdims=True))
    return p / p.sum(axis, keepdims=True)


def _posteriors(x: np.ndarray, pi: np.ndarray, mu: np.ndarray, var: np.ndarray) -> np.ndarray:
    return _softmax(sum(_logarithms(x, pi, mu, var)))


def _typical_assignments(x: np.ndarray, pi: np.ndarray, mu: np.ndarray, var: np.ndarray) -> Iterator:
    weight, width, distance = _logarithms(x, pi, mu, var)
    logarithm = weight + width + distance
    constant = x.shape[1] * np.log(2 * np.pi) / 2
    right = _softmax(logarithm)
    yield right.T, "q has shape [K, N]; it should be [N, K]."
    yield _softmax(width + distance), "the weights pi are forgotten."
    yield _softmax(pi + width + distance), "pi is added to a logarithm; its own logarithm is wanted."
    for lost in (distance, weight + distance):
        yield _softmax(lost), "-1/2 sum ln var is forgotten: a wide Gaussian is a flat one."
    halves = "ln var comes with a factor -1/2: the density is divided by sqrt(var)."
    yield _softmax(weight + 2 * width + distance), halves
    yield _softmax(weight - width + distance), "the sign of ln var is wrong: a wide Gaussian is a flat one."
    yield _softmax(weight + width + 2 * distance), "(x - mu)^2 / var comes with a factor 1/2."
    yield _softmax(weight + 2 * width + 2 * distance), "ln var and (x - mu)^2 / var come with a factor 1/2."
    deviation = "it takes var for the standard deviation, and squares it; var is sigma^2 already."
    for power, factor in ((2, 1), (2, 2)):
        yield _softmax(weight + factor * width + _logarithms(x, pi, mu, var**power)[2]), deviation
    root = "it divides (x - mu)^2 by the standard deviation, sqrt(var); divide by var."
    for factor in (1, 1 / 2):
        yield _softmax(weight + factor * width + _logarithms(x, pi, mu, np.sqrt(var))[2]), root
    yield _softmax(weight + width - distance), "the sign of the exponent is wrong: far means improbable."
    squared = -((x[:, None] - mu) ** 2).sum(2)
    for factor in (1 / 2, 1):
        for rest in (0, weight, weight + width):
            yield _softmax(factor * squared + rest), "var is missing: (x - mu)^2 is divided by it."
    yield _softmax(logarithm, 0), "columns sum to 1; a descriptor is shared out among the Gaussians (axis 1)."
    yield right / len(x), "all of q together sums to 1; each row should."
    joint = np.exp(logarithm - constant)
    yield joint / joint.sum(), "all of q together sums to 1; each row should."
    for c in (0, constant):
        yield np.exp(logarithm - c), "these are pi N(x; mu, var); each row is still to be divided by its sum."
        yield np.exp(logarithm - weight - c), "these are densities, N(x; mu, var), not yet q."
        yield logarithm - c, "these are logarithms of pi N(x; mu, var), not yet q."
    yield logarithm - logarithm.max(1, keepdims=True), "these are logarithms, not yet q."
    yield np.exp(logarithm - logarithm.max(1, keepdims=True)), "rows are still to be divided by their sum."
    yield np.log(right), "these are the logarithms of q."
    hard = np.eye(len(pi))[right.argmax(1)]
    yield hard, "only the most probable Gaussian counts (hard assignment)."
    yield right.argmax(1), "it names the most probable Gaussian; q has a probability for each."


# 03.4


def _check_dimensions(dimensions: Callable) -> None:
    for K, D in ((256, 80), (3, 5)):
        pyramid, positions = _pair(call(dimensions, K, D))
        right = 8 * 2 * K * D, 2 * K * (D + 2)
        if (pyramid, positions) == right[::-1]:
            raise Wrong("the two are exchanged: first the spatial pyramid, then (x, y).")
        for got, expected, what, typical in (
            (pyramid, right[0], "with the spatial pyramid", _typical_pyramids(K, D)),
            (positions, right[1], "with (x, y)", _typical_positions(K, D)),
        ):
            compare(got, expected, f"the dimension {what} for K = {K}, D = {D}", 0, typical)


def _pair(result: Any) -> tuple[float, float]:
    try:
        both = tuple(result)
    except TypeError:
        both = ()
    if any(part is ... for part in both):
        raise NotTried(": there is still a ... to replace")
    try:
        pyramid, positions = (float(numbers(part)) for part in both)
    except (TypeError, ValueError):
        raise Wrong("dimensions should give two numbers: with the pyramid, and with (x, y).") from None
    return pyramid, positions


def _typical_pyramids(K: int, D: int) -> Iterator:
    fisher = 2 * K * D
    yield fisher, "the spatial pyramid has a Fisher vector for each of its regions, 1 + 3 + 4 of them."
    yield 8 * K * D, "8 K D is half of the spatial pyramid: it has 8 regions, and each both u and v."
    yield 7 * fisher, "the spatial pyramid has 8 regions, not 7: the whole picture is one."
    yield 6 * fisher, "the spatial pyramid has 8 regions, not 6: 2x2 are four."
    yield 5 * fisher, "the three horizontal strips, 3x1, are missing in the spatial pyramid."
    yield 3 * fisher, "the spatial pyramid has 3 levels, but 8 regions."
    yield 14 * fisher, "3x1 in the spatial pyramid are three strips, not nine cells: 1 + 3 + 4 regions."
    yield 12 * fisher, "1x1, 3x1 and 2x2 lie beside each other: 1 + 3 + 4 regions, not 1 x 3 x 4."
    yield 8 * 2 * K * (D + 2), "(x, y) comes instead of the spatial pyramid, not with it."


def _typical_positions(K: int, D: int) -> Iterator:
    yield 2 * K * D + 2, "x and y are appended to each descriptor, not to the Fisher vector: D becomes D + 2."
    yield K * D + 2, "x and y are appended to each descriptor, not to the Fisher vector: D becomes D + 2."
    yield 2 * (K * D + 2), "x and y lengthen the part of every Gaussian: the 2 belongs to D, not to K D."
    yield 2 * K * (D + 1), "x and y are two numbers, in u as in v: D becomes D + 2."
    yield K * (D + 2), "the factor 2 is missing with (x, y): a Gaussian has u and v."
    yield 2 * K * D, "x and y are missing: with them, a descriptor has D + 2 numbers."
    yield 8 * 2 * K * (D + 2), "(x, y) comes instead of the spatial pyramid: there is one region."


def _has_nan(found: Any) -> bool:
    try:
        return bool(np.isnan(numbers(found)).any())
    except (TypeError, ValueError):
        return False


EXERCISES = (
    Exercise(
        number="03.1",
        question="From Fisher vectors to improved ones: the signed square root, then length 1.",
        answer="improve",
        check=_check_improve,
        hints=(
            "np.sqrt(np.abs(phi)) has no trouble with negative numbers; np.sign(phi) knows what it lost.",
            "np.linalg.norm(root, axis=1, keepdims=True) has each row's length as [N, 1], ready to divide by.",
            "np.where(length > 0, length, 1) is the length, but 1 for a row of zeros: 0 / 1 is 0.",
        ),
        solution="""
import numpy as np


def improve(phi):
    root = np.sign(phi) * np.sqrt(np.abs(phi))
    length = np.linalg.norm(root, axis=1, keepdims=True)
    return root / np.where(length > 0, length, 1)
""",
    ),
    Exercise(
        number="03.2",
        question="The first order differences u_k to one Gaussian.",
        answer="first_order",
        check=_check_first_order,
        hints=(
            "(x - mu) / sigma is [N, D]: how far each descriptor is from mu, in units of the Gaussian's width.",
            "q @ that is the sum over descriptors, each row weighed with its q_i.",
            "Divide by len(x) * np.sqrt(pi).",
        ),
        solution="""
import numpy as np


def first_order(x, q, mu, sigma, pi):
    return q @ ((x - mu) / sigma) / (len(x) * np.sqrt(pi))
""",
    ),
    Exercise(
        number="03.3",
        question="Posteriors of a mixture of Gaussians, also where every density is 0 in float64.",
        answer="soft_assignment",
        check=_check_soft_assignment,
        hints=(
            "Never leave the logarithms: ln pi_k - 1/2 sum ln var_k - 1/2 sum (x_i - mu_k)^2 / var_k is [N, K].",
            "x[:, None] - mu is [N, K, D]. Adding a number to a row of logarithms does not change its q.",
            "Subtract each row's largest, .max(1, keepdims=True), then np.exp, then divide by each row's sum.",
        ),
        solution="""
import numpy as np


def soft_assignment(x, pi, mu, var):
    distance = ((x[:, None] - mu) ** 2 / var).sum(2)  # [N, K]
    log_p = np.log(pi) - np.log(var).sum(1) / 2 - distance / 2
    p = np.exp(log_p - log_p.max(1, keepdims=True))  # the largest of each row is exp(0) = 1
    return p / p.sum(1, keepdims=True)
""",
    ),
    Exercise(
        number="03.4",
        question="The dimension of an IFV with the spatial pyramid, and with (x, y) appended.",
        answer="dimensions",
        check=_check_dimensions,
        hints=(
            "A Fisher vector has u_k and v_k, of D numbers each, for K Gaussians. What becomes longer?",
            "The pyramid has a Fisher vector for each region: 1x1 is one, 3x1 are three, 2x2 are four.",
            "(x, y) makes two more numbers of each descriptor, D + 2, and there is one Fisher vector.",
        ),
        solution="""
def dimensions(K, D):
    regions = 1 + 3 + 2 * 2
    return regions * 2 * K * D, 2 * K * (D + 2)
""",
    ),
)
