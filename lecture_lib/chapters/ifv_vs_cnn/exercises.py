"""The exercises of 03_ifv_vs_cnn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from lecture_lib.exercises.comparing import Reference, has_nan, numbers, refuse
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong

# 03.1. No row's length is 1, before the root or after it; no two rows or columns have the same.

_PHI = np.array([[0.09, -0.25, 0, 4, -0.01], [-1, 0.36, 2.25, -0.04, 0.49], [16, -9, 0.16, -0.64, 1.21]])
_IMPROVED = {
    "the sign is lost: sign(phi) sqrt(|phi|).": "np.sign(phi) * -> 1 *",
    "negative numbers become 0; they have a root, too: sign(phi) sqrt(|phi|).": (
        "root.clip(0) / length",
        "np.sign(phi) -> (phi > 0)",
    ),
    "it divides by the length before the root, which changes it: first the root, then the length.": (
        "norm(root -> norm(phi; root / np.sqrt(length)"
    ),
    "it divides the roots by the length of phi; they have a length of their own.": "norm(root -> norm(phi",
    "the roots are right, but rows still have to be divided by their length.": "root",
    "the sign is lost, and rows still have to be divided by their length.": "np.abs(root)",
    "rows have length 1, but the square root is missing.": "np.sign(phi) * np.sqrt(np.abs(phi)) -> phi",
    "it divides phi by the length of the roots; divide the roots.": "phi / length",
    "it divides by the length of the whole matrix; each row has its own.": "axis=1 -> axis=None",
    "it divides columns by their length; a picture's vector is a row (axis=1).": "axis=1 -> axis=0",
    "it divides by the sum of a row's absolute values (L1); the length is the root of the sum of squares.": (
        "axis=1 -> ord=1, axis=1"
    ),
    "it divides by a row's largest number.": "axis=1 -> ord=np.inf, axis=1",
    "it divides by the sum of squares; the length is the root of that.": "root / length**2",
    "it takes squares, not square roots.": "np.sqrt(np.abs(phi)) -> phi**2",
}


def _check_improve(improve: Callable, right: Reference) -> None:
    z = improve(_PHI)
    if has_nan(z):
        raise Wrong("the root of a negative number is NaN: take that of |phi|, and give the sign back.")
    right.compare(z, "the result", _PHI)
    small, zeros = 1e-6 * _PHI, _PHI * [[1], [0], [1]]
    what = "the result for numbers of about 1e-6, to whose length nothing may be added,"
    right.compare(improve(small), what, small)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        z = improve(zeros)
    if has_nan(z):
        raise Wrong("a row of zeros becomes 0 / 0 = NaN; it should stay zeros.")
    right.compare(z, "the result for a matrix with a row of zeros", zeros)
    if numpys := [warning.message for warning in caught if issubclass(warning.category, RuntimeWarning)]:
        raise Wrong(f"the numbers are right, but NumPy warns on the way: {numpys[0]}.")


# 03.2

_SLIDE = "this is the sum on the slide; it still has to be divided by sigma, N and sqrt(pi)."
_SCALE = "/ (len(x) * np.sqrt(pi))"
_FIRST_ORDERS = {
    "1 / (N sqrt(pi)) is missing.": "q @ ((x - mu) / sigma)",
    "1/N is missing: without it, more descriptors would make u longer.": "len(x) * np -> np",
    "1 / sqrt(pi) is missing.": "len(x) * np.sqrt(pi) -> len(x)",
    "it divides by the sum of q; N is the number of all descriptors, whichever Gaussian they belong to.": (
        "len(x) -> q.sum()",
        "len(x) * np.sqrt(pi) -> q.sum()",
        "len(x) * np.sqrt(pi) -> q.sum() * pi",
    ),
    "it divides by pi; the formula has its square root.": "np.sqrt(pi) -> pi",
    "it multiplies by sqrt(pi); divide by it.": "np.sqrt(pi) -> pi**-0.5",
    _SLIDE: "q @ (x - mu)",
    f"{_SLIDE} And q is soft here: no descriptor counts as a whole.": "(q > 0.5) @ (x - mu)",
    "sigma is missing: it is in units of x, not of the Gaussian's width.": (
        "q @ (x - mu) / len(x)",
        ") / sigma) -> ))",
    ),
    "it divides by sigma^2, the variance; the formula has sigma.": "/ sigma -> / sigma**2",
    "it divides by sqrt(sigma), but sigma is no variance.": "/ sigma -> / np.sqrt(sigma)",
    "it multiplies by sigma; divide by it.": "/ sigma -> * sigma",
    "the sign is wrong: u points from mu to the descriptors, x - mu.": "x - mu -> mu - x",
    "q is missing: every descriptor counts in full.": "q @ -> (0 * q + 1) @",
    "q is rounded to 0 or 1 (hard assignment); take it as it is.": "q @ -> (q > 0.5) @",
    "q is squared.": "q @ -> q**2 @",
    "mu is subtracted once; take it from each x_i before.": "q @ ((x - mu) / sigma) -> (q @ x - mu) / sigma",
    "it is one number; sum over descriptors (axis 0), not over dimensions.": "q @ -> np.sum(q @; sigma) -> sigma))",
    "it has one row for each descriptor; they are still to be summed (axis 0).": (
        "q @ -> q[:, None] *",
        "q[:, None] * ((x - mu) / sigma)",
    ),
    "it sums over dimensions (axis 1); sum over descriptors, axis 0.": (
        "q @ ((x - mu) / sigma) -> q * ((x - mu) / sigma).sum(1)",
        "q * ((x - mu) / sigma).sum(1)",
    ),
    "this is v, of second order; u has no square.": (
        f"q @ (((x - mu) / sigma) ** 2 - 1) {_SCALE}",
        f"q @ (((x - mu) / sigma) ** 2 - 1) {_SCALE} / np.sqrt(2)",
    ),
}


def _check_first_order(first_order: Callable, right: Reference) -> None:
    x = np.array([[1, 0.5, -2], [0, 1.5, 1], [2, -1, 0.5], [-1, 3, 0], [0.5, 0.25, 4]])
    q = np.array([0.9, 0.2, 0.6, 0.05, 0.35])
    gaussian = np.array([0.25, 1, -0.5]), np.array([0.5, 2, 1.5]), 0.16
    for rows, weights, what in (
        (x, q, "u"),
        (x[:1], q[:1], "u of a single descriptor"),
        (x, 0 * q, "u where no descriptor is given to the Gaussian (all q are 0)"),
    ):
        right.compare(first_order(rows, weights, *gaussian), what, rows, weights, *gaussian)


# 03.3

_FLAT = "a wide Gaussian is a flat one."
_WIDTH, _SHARE = "np.log(pi) - np.log(var).sum(1) / 2", "p / p.sum(1, keepdims=True)"
_JOINT, _CONSTANT = "np.exp(log_p)", "x.shape[1] * np.log(2 * np.pi) / 2"
_ASSIGNMENTS = {
    "q has shape [K, N]; it should be [N, K].": f"({_SHARE}).T",
    "the weights pi are forgotten.": "np.log(pi) -> 0",
    "pi is added to a logarithm; its own logarithm is wanted.": "np.log(pi) -> pi",
    f"-1/2 sum ln var is forgotten: {_FLAT}": (f"{_WIDTH} -> 0", f"{_WIDTH} -> np.log(pi)"),
    "ln var comes with a factor -1/2: the density is divided by sqrt(var).": ".sum(1) / 2 -> .sum(1)",
    f"the sign of ln var is wrong: {_FLAT}": "np.log(pi) - -> np.log(pi) +",
    "(x - mu)^2 / var comes with a factor 1/2.": "distance / 2 -> distance",
    "ln var and (x - mu)^2 / var come with a factor 1/2.": ".sum(1) / 2 -> .sum(1); distance / 2 -> distance",
    "it takes var for the standard deviation, and squares it; var is sigma^2 already.": (
        "** 2 / var -> ** 2 / var**2",
        "** 2 / var -> ** 2 / var**2; .sum(1) / 2 -> .sum(1)",
    ),
    "it divides (x - mu)^2 by the standard deviation, sqrt(var); divide by var.": (
        "** 2 / var -> ** 2 / np.sqrt(var)",
        "** 2 / var -> ** 2 / np.sqrt(var); .sum(1) / 2 -> .sum(1) / 4",
    ),
    "the sign of the exponent is wrong: far means improbable.": "- distance -> + distance",
    "var is missing: (x - mu)^2 is divided by it.": tuple(
        f"** 2 / var -> ** 2; {_WIDTH} - distance / 2 -> {rest} - distance / {factor}"
        for rest in (0, "np.log(pi)", _WIDTH)
        for factor in (1, 2)
    ),
    "columns sum to 1; a descriptor is shared out among the Gaussians (axis 1).": "max(1 -> max(0; p.sum(1 -> p.sum(0",
    "all of q together sums to 1; each row should.": (f"{_SHARE} / len(x)", f"{_JOINT} / {_JOINT}.sum()"),
    "these are pi N(x; mu, var); each row is still to be divided by its sum.": (
        _JOINT,
        f"np.exp(log_p - {_CONSTANT})",
    ),
    "these are densities, N(x; mu, var), not yet q.": (f"{_JOINT} / pi", f"np.exp(log_p - {_CONSTANT}) / pi"),
    "these are logarithms of pi N(x; mu, var), not yet q.": ("log_p", f"log_p - {_CONSTANT}"),
    "these are logarithms, not yet q.": "np.log(p)",
    "rows are still to be divided by their sum.": "p",
    "these are the logarithms of q.": f"np.log({_SHARE})",
    "only the most probable Gaussian counts (hard assignment).": "np.eye(len(pi))[p.argmax(1)]",
    "it names the most probable Gaussian; q has a probability for each.": "p.argmax(1)",
}


def _check_soft_assignment(soft_assignment: Callable, right: Reference) -> None:
    x = np.array([[0.5, 0, -1], [2, 1, 0.5], [-1, 0.25, 1], [0, 2, 0.75], [1, 1, 1]])
    pi, mu = np.array([0.5, 0.2, 0.2, 0.1]), np.array([[0, 0, 0], [1, 1, 0.5], [-1, 0.5, 1], [0.5, 1, -1.0]])
    var = np.array([[1, 0.5, 2], [0.6, 0.8, 0.4], [2, 1.5, 1], [1.2, 0.3, 0.7]])
    right.compare(soft_assignment(x, pi, mu, var), "q", x, pi, mu, var)

    # One near, three far away, along an axis in which two Gaussians do not differ, and the third is narrower: its q
    # is 0, and the other axes decide between the two.
    x = np.array([[0.5, 0, -1], [0.1, 60, 0], [-0.3, -60, 0.2], [0.2, 1000, 0]])
    pi, mu = np.array([0.5, 0.3, 0.2]), np.array([[0.5, 0, 0], [-0.5, 0, 0], [0, 0, 1]])
    var = np.array([[1, 1, 1], [1, 1, 1], [1, 0.25, 1]])
    q, expected, far = soft_assignment(x, pi, mu, var), right(x, pi, mu, var), abs(x[:, 1:2]) > 50
    underflow = (
        f"all of its densities are 0 in {_precision(q)}; subtract its own largest logarithm before np.exp."
    )
    if has_nan(q):
        raise Wrong(f"q contains NaN for a descriptor far from every Gaussian: {underflow}")
    flat = {
        f"a descriptor far from every Gaussian gets {what}: {underflow}": np.where(far, row, expected)
        for what, row in (("zeros", 0), ("1/K", 1 / len(pi)), ("the weights pi", pi))
    }
    refuse(q, flat, tolerance=1e-3)
    right.compare(q, "q of descriptors near and far", x, pi, mu, var, tolerance=1e-3)

    rng = np.random.default_rng(0)
    mu, var = 1e-4 * rng.normal(size=(3, 80)), 1e-6 * rng.uniform(0.9, 1.1, (3, 80))  # they overlap
    x = 1e-3 * rng.normal(size=(4, 80))
    q, case = soft_assignment(x, pi, mu, var), "for D = 80 and variances of 1e-6"
    if has_nan(q):
        raise Wrong(f"q contains NaN {case}: their product is 0 in {_precision(q)}; add their logarithms.")
    right.compare(q, f"q {case}", x, pi, mu, var, tolerance=1e-4)


def _precision(q: Any) -> str:
    dtype = str(getattr(q, "dtype", "float64")).removeprefix("torch.")
    return dtype if dtype == "float64" else f"{dtype} (float64 reaches further)"


# 03.4

_INSTEAD = "(x, y) comes instead of the spatial pyramid"
_DIMENSIONS = {
    "the spatial pyramid has a Fisher vector for each of its regions, 1 + 3 + 4 of them.": "regions * 2 -> 2",
    "8 K D is half of the spatial pyramid: it has 8 regions, and each both u and v.": "regions * 2 -> regions",
    "the spatial pyramid has 8 regions, not 7: the whole picture is one.": "regions * 2 -> 7 * 2",
    "the spatial pyramid has 8 regions, not 6: 2x2 are four.": "2 * 2 -> 2",
    "the three horizontal strips, 3x1, are missing in the spatial pyramid.": "1 + 3 + -> 1 +",
    "the spatial pyramid has 3 levels, but 8 regions.": "regions * 2 -> 3 * 2",
    "3x1 in the spatial pyramid are three strips, not nine cells: 1 + 3 + 4 regions.": "+ 3 + -> + 3 * 3 +",
    "1x1, 3x1 and 2x2 lie beside each other: 1 + 3 + 4 regions, not 1 x 3 x 4.": "1 + 3 + -> 1 * 3 *",
    f"{_INSTEAD}, not with it.": "* K * D, -> * K * (D + 2),",
    "x and y are appended to each descriptor, not to the Fisher vector: D becomes D + 2.": (
        "2 * K * (D + 2) -> 2 * K * D + 2",
        "2 * K * (D + 2) -> K * D + 2",
    ),
    "x and y lengthen the part of every Gaussian: the 2 belongs to D, not to K D.": "K * (D + 2) -> (K * D + 2)",
    "x and y are two numbers, in u as in v: D becomes D + 2.": "D + 2 -> D + 1",
    "the factor 2 is missing with (x, y): a Gaussian has u and v.": ", 2 * K -> , K",
    "x and y are missing: with them, a descriptor has D + 2 numbers.": "(D + 2) -> D",
    f"{_INSTEAD}: there is one region.": ", 2 * K -> , regions * 2 * K",
}


def _check_dimensions(dimensions: Callable, right: Reference) -> None:
    for K, D in ((256, 80), (3, 5)):
        both = dimensions(K, D)
        try:
            pyramid, positions = (float(numbers(part)) for part in both)
        except (TypeError, ValueError):
            raise Wrong("dimensions should give two numbers: with the pyramid, and with (x, y).") from None
        if (positions, pyramid) == right(K, D):
            raise Wrong("the two are exchanged: first the spatial pyramid, then (x, y).")
        for i, what in enumerate(("the spatial pyramid", "(x, y)")):
            case = f"the dimension with {what} for K = {K}, D = {D}"
            right.compare((pyramid, positions)[i], case, K, D, part=itemgetter(i), tolerance=0)


EXERCISES = (
    Exercise(
        number="03.1",
        question="From Fisher vectors to improved ones: the signed square root, then length 1.",
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
        mistakes=_IMPROVED,
    ),
    Exercise(
        number="03.2",
        question="The first order differences u_k to one Gaussian.",
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
        mistakes=_FIRST_ORDERS,
    ),
    Exercise(
        number="03.3",
        question="Posteriors of a mixture of Gaussians, also where every density is 0 in float64.",
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
        mistakes=_ASSIGNMENTS,
    ),
    Exercise(
        number="03.4",
        question="The dimension of an IFV with the spatial pyramid, and with (x, y) appended.",
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
        mistakes=_DIMENSIONS,
    ),
)

check, hint, solution = commands(EXERCISES)
