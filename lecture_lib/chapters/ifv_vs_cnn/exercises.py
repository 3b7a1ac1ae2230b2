"""The exercises of 03_ifv_vs_cnn."""

import warnings
from collections.abc import Callable, Iterator

import numpy as np

from lecture_lib.chapters.ifv_vs_cnn.questions import QUESTIONS
from lecture_lib.exercises.comparing import agree, finite, unpack
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong

# No row's length is 1, before the root or after it; no two rows or columns have the same.
_PHI = np.array([[0.09, -0.25, 0, 4, -0.01], [-1, 0.36, 2.25, -0.04, 0.49], [16, -9, 0.16, -0.64, 1.21]])


def _without_warning(improve: Callable, phi: np.ndarray) -> Iterator[tuple]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        z = improve(phi)
    yield "the result", z
    if numpys := [warning.message for warning in caught if issubclass(warning.category, RuntimeWarning)]:
        raise Wrong(f"the numbers are right, but NumPy warns on the way: {numpys[0]}.")


IMPROVE = Exercise(
    number="03.1",
    question="From Fisher vectors to improved ones: the signed square root, then length 1.",
    hints=(
        "np.sqrt(np.abs(phi)) has no trouble with negative numbers; np.sign(phi) knows what it lost.",
        "np.linalg.norm(root, axis=1, keepdims=True) has each row's length as [N, 1], ready to divide by.",
        "np.where(length > 0, length, 1) is the length, but 1 for a row of zeros: 0 / 1 is 0.",
    ),
    solution="""
def improve(phi):
    root = np.sign(phi) * np.sqrt(np.abs(phi))
    length = np.linalg.norm(root, axis=1, keepdims=True)
    return root / np.where(length > 0, length, 1)
""",
    mistakes={
        "a row of zeros becomes 0 / 0 = NaN; it should stay zeros.": "root / length",
        "the root of a negative number is NaN: take that of |phi|, and give the sign back.": "np.abs(phi) -> phi",
        "the sign is lost: sign(phi) sqrt(|phi|).": "np.sign(phi) * -> 1 *",
        "negative numbers become 0: sign(phi) sqrt(|phi|).": "root.clip(0) / length | np.sign(phi) -> (phi > 0)",
        "it takes the length before the root, which changes it.": "norm(root -> norm(phi; root / np.sqrt(length)",
        "it divides the roots by the length of phi; they have a length of their own.": "norm(root -> norm(phi",
        "the roots are right, but rows still have to be divided by their length.": "root",
        "rows have length 1, but the square root is missing.": "np.sign(phi) * np.sqrt(np.abs(phi)) -> phi",
        "it divides phi by the length of the roots; divide the roots.": "phi / length",
        "it divides by the length of the whole matrix; each row has its own.": "axis=1 -> axis=None",
        "it divides columns by their length; a picture's vector is a row (axis=1).": "axis=1 -> axis=0",
        "it divides by the sum of absolute values (L1); take the root of that of squares.": "axis -> ord=1, axis",
        "it divides by a row's largest number.": "axis -> ord=np.inf, axis",
        "it divides by the sum of squares; the length is the root of that.": "root / length**2",
        "it takes squares, not square roots.": "np.sqrt(np.abs(phi)) -> phi**2",
    },
    tries=(
        ("", _PHI),
        (" for numbers of about 1e-6, to whose length nothing may be added,", 1e-6 * _PHI),
        (" for a matrix with a row of zeros", _PHI * [[1], [0], [1]]),
    ),
    parts=_without_warning,
)

_X = np.array([[1, 0.5, -2], [0, 1.5, 1], [2, -1, 0.5], [-1, 3, 0], [0.5, 0.25, 4]])
_Q = np.array([0.9, 0.2, 0.6, 0.05, 0.35])
_GAUSSIAN = np.array([0.25, 1, -0.5]), np.array([0.5, 2, 1.5]), 0.16
_Z = "((x - mu) / sigma)"

FIRST_ORDER = Exercise(
    number="03.2",
    question="The first order differences u_k to one Gaussian.",
    hints=(
        "(x - mu) / sigma is [N, D]: how far each descriptor is from mu, in units of the Gaussian's width.",
        "q @ that is the sum over descriptors, each row weighed with its q_i.",
        "Divide by len(x) * np.sqrt(pi).",
    ),
    solution="""
def first_order(x, q, mu, sigma, pi):
    return q @ ((x - mu) / sigma) / (len(x) * np.sqrt(pi))
""",
    mistakes={
        "1 / (N sqrt(pi)) is missing.": "q @ ((x - mu) / sigma)",
        "1/N is missing: without it, more descriptors would make u longer.": "len(x) * np -> np",
        "1 / sqrt(pi) is missing.": "len(x) * np.sqrt(pi) -> len(x)",
        "it divides by the sum of q; N is the number of all descriptors, whichever Gaussian they belong to.": (
            "len(x) -> q.sum() | len(x) * np.sqrt(pi) -> q.sum()"
        ),
        "it divides by pi; the formula has its square root.": "np.sqrt(pi) -> pi",
        "it multiplies by sqrt(pi); divide by it.": "np.sqrt(pi) -> pi**-0.5",
        "this is the sum on the slide; it still has to be divided by sigma, N and sqrt(pi).": "q @ (x - mu)",
        "sigma is missing: u is in units of x, not of the width.": ") / sigma) -> ))",
        "it divides by sigma^2, the variance; the formula has sigma.": "/ sigma -> / sigma**2",
        "it divides by sqrt(sigma), but sigma is no variance.": "/ sigma -> / np.sqrt(sigma)",
        "it multiplies by sigma; divide by it.": "/ sigma -> * sigma",
        "the sign is wrong: u points from mu to the descriptors, x - mu.": "x - mu -> mu - x",
        "q is missing: every descriptor counts in full.": "q @ -> (0 * q + 1) @",
        "q is rounded to 0 or 1 (hard assignment); take it as it is.": "q @ -> (q > 0.5) @",
        "q is squared.": "q @ -> q**2 @",
        "mu is subtracted once; take it from each x_i before.": "q @ ((x - mu) / sigma) -> (q @ x - mu) / sigma",
        "it is one number; sum over descriptors (axis 0) only.": "q @ -> np.sum(q @; sigma) -> sigma))",
        "each descriptor has a row; sum them (axis 0).": "q @ -> q[:, None] *",
        "it sums over dimensions; sum over descriptors (axis 0).": f"q @ {_Z} -> q * {_Z}.sum(1)",
        "this is v, of second order; u has no square.": f"q @ ({_Z} ** 2 - 1) / (len(x) * np.sqrt(2 * pi))",
    },
    tries=(
        ("u", _X, _Q, *_GAUSSIAN),
        ("u of a single descriptor", _X[:1], _Q[:1], *_GAUSSIAN),
        ("u where no descriptor is given to the Gaussian (all q are 0)", _X, 0 * _Q, *_GAUSSIAN),
    ),
)

_NEAR = (
    np.array([[0.5, 0, -1], [2, 1, 0.5], [-1, 0.25, 1], [0, 2, 0.75], [1, 1, 1]]),
    np.array([0.5, 0.2, 0.2, 0.1]),
    np.array([[0, 0, 0], [1, 1, 0.5], [-1, 0.5, 1], [0.5, 1, -1.0]]),
    np.array([[1, 0.5, 2], [0.6, 0.8, 0.4], [2, 1.5, 1], [1.2, 0.3, 0.7]]),
)
# One near, three far away, along an axis in which two Gaussians do not differ, and the third is narrower: its q
# is 0, and the other axes decide between the two.
_FAR = (
    np.array([[0.5, 0, -1], [0.1, 60, 0], [-0.3, -60, 0.2], [0.2, 1000, 0]]),
    np.array([0.5, 0.3, 0.2]),
    np.array([[0.5, 0, 0], [-0.5, 0, 0], [0, 0, 1]]),
    np.array([[1, 1, 1], [1, 1, 1], [1, 0.25, 1]]),
)
_RNG = np.random.default_rng(0)
_MANY_MU, _MANY_VAR = 1e-4 * _RNG.normal(size=(3, 80)), 1e-6 * _RNG.uniform(0.9, 1.1, (3, 80))  # they overlap
_MANY = 1e-3 * _RNG.normal(size=(4, 80)), _FAR[1], _MANY_MU, _MANY_VAR
_FLAT = "a wide Gaussian is a flat one."
_UNDERFLOW = (
    "its densities are all 0 (float64 reaches further than float32); subtract its own largest logarithm."
)
_FAR_GETS = "a descriptor far from every Gaussian gets"
_SHARE, _JOINT = "p / p.sum(1, keepdims=True)", "np.exp(log_p)"
_CONSTANT = "x.shape[1] * np.log(2 * np.pi) / 2"

SOFT_ASSIGNMENT = Exercise(
    number="03.3",
    question="Posteriors of a mixture of Gaussians, also where every density is 0 in float64.",
    hints=(
        "Never leave the logarithms: ln pi_k - 1/2 sum ln var_k - 1/2 sum (x_i - mu_k)^2 / var_k is [N, K].",
        "x[:, None] - mu is [N, K, D]. Adding a number to a row of logarithms does not change its q.",
        "Subtract each row's largest, .max(1, keepdims=True), then np.exp, then divide by each row's sum.",
    ),
    solution="""
def soft_assignment(x, pi, mu, var):
    distance = ((x[:, None] - mu) ** 2 / var).sum(2)  # [N, K]
    log_p = np.log(pi) - np.log(var).sum(1) / 2 - distance / 2
    p = np.exp(log_p - log_p.max(1, keepdims=True))  # the largest of each row is exp(0) = 1
    return p / p.sum(1, keepdims=True)
""",
    mistakes={
        f"{_FAR_GETS} NaN: {_UNDERFLOW}": f"{_JOINT} / {_JOINT}.sum(1, keepdims=True)",
        f"{_FAR_GETS} zeros: {_UNDERFLOW}": f"np.where(log_p.max(1, keepdims=True) < -700, 0, {_SHARE})",
        f"{_FAR_GETS} 1/K: {_UNDERFLOW}": f"np.where(log_p.max(1, keepdims=True) < -700, 1 / len(pi), {_SHARE})",
        f"{_FAR_GETS} the weights pi: {_UNDERFLOW}": f"np.where(log_p.max(1, keepdims=True) < -700, pi, {_SHARE})",
        "q contains NaN for D = 80 and variances of 1e-6: their product is 0 in floating point; add their "
        "logarithms.": "np.log(var).sum(1) -> np.log(var.prod(1))",
        "q has shape [K, N]; it should be [N, K].": f"({_SHARE}).T",
        "the weights pi are forgotten.": "np.log(pi) -> 0",
        "pi is added to a logarithm; its own logarithm is wanted.": "np.log(pi) -> pi",
        f"-1/2 sum ln var is forgotten: {_FLAT}": " - np.log(var).sum(1) / 2 -> ",
        "ln var comes with a factor -1/2: the density is divided by sqrt(var).": ".sum(1) / 2 -> .sum(1)",
        f"the sign of ln var is wrong: {_FLAT}": "np.log(pi) - -> np.log(pi) +",
        "(x - mu)^2 / var comes with a factor 1/2.": "distance / 2 -> distance",
        "ln var and (x - mu)^2 / var come with a factor 1/2.": ".sum(1) / 2 -> .sum(1); distance / 2 -> distance",
        "it takes var for the standard deviation, and squares it; var is sigma^2 already.": (
            "** 2 / var -> ** 2 / var**2; .sum(1) / 2 -> .sum(1)"
        ),
        "it divides (x - mu)^2 by the standard deviation, sqrt(var); divide by var.": "/ var -> / np.sqrt(var)",
        "the sign of the exponent is wrong: far means improbable.": "- distance -> + distance",
        "var is missing: (x - mu)^2 is divided by it.": "** 2 / var -> ** 2",
        "columns sum to 1; share out a descriptor among Gaussians (axis 1).": "max(1 -> max(0; p.sum(1 -> p.sum(0",
        "all of q together sums to 1; each row should.": f"{_SHARE} / len(x) | {_JOINT} / {_JOINT}.sum()",
        "these are pi N(x; mu, var); divide each row by its sum.": f"{_JOINT} | np.exp(log_p - {_CONSTANT})",
        "these are densities, N(x; mu, var), not yet q.": f"{_JOINT} / pi | np.exp(log_p - {_CONSTANT}) / pi",
        "these are logarithms of pi N(x; mu, var), not yet q.": f"log_p | log_p - {_CONSTANT}",
        "these are logarithms, not yet q.": "np.log(p)",
        "rows are still to be divided by their sum.": "p",
        "these are the logarithms of q.": f"np.log({_SHARE})",
        "only the most probable Gaussian counts (hard assignment).": "np.eye(len(pi))[p.argmax(1)]",
        "it names the most probable Gaussian; q has a probability for each.": "p.argmax(1)",
    },
    tries=(
        ("q", *_NEAR),
        ("q of descriptors near and far", *_FAR),
        ("q for D = 80 and variances of 1e-6", *_MANY),
    ),
    tolerance=1e-4,
)


def _pyramid_and_positions(dimensions: Callable, K: int, D: int) -> Iterator[tuple]:
    names = "the dimension with the spatial pyramid", "the dimension with (x, y)"
    both = unpack(dimensions(K, D), *names)
    if agree(both, [2 * K * (D + 2), 16 * K * D], 0):
        raise Wrong("the two are exchanged: first the spatial pyramid, then (x, y).")
    yield from zip(names, both, strict=True)


_INSTEAD = "(x, y) comes instead of the spatial pyramid"

DIMENSIONS = Exercise(
    number="03.4",
    question="The dimension of an IFV with the spatial pyramid, and with (x, y) appended.",
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
    mistakes={
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
            "2 * K * (D + 2) -> 2 * K * D + 2"
        ),
        "x and y lengthen the part of every Gaussian: the 2 belongs to D, not to K D.": "K * (D + 2) -> (K * D + 2)",
        "x and y are two numbers, in u as in v: D becomes D + 2.": "D + 2 -> D + 1",
        "the factor 2 is missing with (x, y): a Gaussian has u and v.": ", 2 * K -> , K",
        "x and y are missing: with them, a descriptor has D + 2 numbers.": "(D + 2) -> D",
        f"{_INSTEAD}: there is one region.": ", 2 * K -> , regions * 2 * K",
    },
    tries=((" for K = 256, D = 80", 256, 80), (" for K = 3, D = 5", 3, 5)),
    parts=_pyramid_and_positions,
    tolerance=0,
)


def _keeps_views_together(fold_of: Callable) -> None:
    for n, views, folds in ((30, 10, 3), (14, 2, 4)):
        case = f"for {n} pictures with {views} views each and {folds} folds"
        given = finite(fold_of(n, views, folds), f"what it gives {case}", [n * views])
        if not np.isin(given, range(folds)).all():
            raise Wrong(f"{case} it names other folds than 0 to {folds - 1}.")
        for i, of_picture in enumerate(given.reshape(n, views)):
            if (apart := np.unique(of_picture).astype(int)).size > 1:
                raise Wrong(
                    f"{case} the views of picture {i} lie in folds {apart[0]} and {apart[1]}: one is trained on, and "
                    "the other is to tell how well pictures are known that were never seen."
                )
        sizes = np.bincount(given.astype(int), minlength=folds) // views
        if np.ptp(sizes) > 1:
            raise Wrong(
                f"{case} the folds have {', '.join(map(str, sizes))} pictures; take equally many, or nearly."
            )


LEAK = Exercise(
    number="03.5",
    question="Folds for validation, where each picture has several views.",
    hints=(
        "Which other samples look almost like view 0 of picture 0? In which folds are they?",
        "Draw a fold for each picture, n of them, not for each sample.",
        "np.repeat([2, 0, 1], 4) gives four times 2, then four times 0, then four times 1.",
    ),
    solution="""
def fold_of_each(n, views, folds):
    of_picture = np.random.default_rng(0).permutation(n) % folds
    return np.repeat(of_picture, views)
""",
    check=_keeps_views_together,
    stub="""
def fold_of_each(n, views, folds):
    return np.random.default_rng(0).permutation(n * views) % folds
""",
)

EXERCISES = (IMPROVE, FIRST_ORDER, SOFT_ASSIGNMENT, DIMENSIONS, LEAK, QUESTIONS)

check, hint, solution = commands(EXERCISES)
