"""The exercises of 03: what wrong answers are told, other right answers, and what the solutions agree with."""

import numpy as np
import pytest
import torch

from lecture_lib.chapters.ifv_vs_cnn import exercises
from lecture_lib.chapters.ifv_vs_cnn.exercises import EXERCISES
from lecture_lib.encoders import fisher, normalise
from lecture_lib.encoders.codebook import GMM

SOLUTIONS = {exercise.number: exercise.reference.right for exercise in EXERCISES}

NORM = "np.linalg.norm(phi, axis=1, keepdims=True)"
PER = "(len(x) * np.sqrt(pi))"
SCIPY = "from scipy.special import logsumexp, softmax\nfrom scipy.stats import norm\nimport numpy as np\n"
DENSITY = "norm.pdf(x[:, None], mu, np.sqrt(var)).prod(2)"
ASSIGN = f"{SCIPY}def f(x, pi, mu, var): return "
EXP = "np.exp(log_p - log_p.max(1, keepdims=True))"
LOG_DENSITY = "norm.logpdf(x[:, None], mu, np.sqrt(var)).sum(2)"

WRONG = [
    ("03.1", f"np.sqrt(phi) / {NORM}", "root of a negative number is NaN"),
    ("03.1", "np.abs(root) / length", "the sign is lost: sign"),
    ("03.1", "np.nan_to_num(np.sqrt(phi)) / length", "negative numbers become 0"),
    ("03.1", f"np.sign(phi) * np.sqrt(np.abs(phi) / {NORM})", "length before the root"),
    ("03.1", f"root / {NORM}", "a length of their own"),
    ("03.1", "np.sqrt(np.abs(phi))", "sign is lost, and rows still"),
    ("03.1", f"phi / {NORM}", "the square root is missing"),
    ("03.1", "root / np.linalg.norm(root)", "length of the whole matrix"),
    ("03.1", "root / np.linalg.norm(root, axis=0)", "it divides columns"),
    ("03.1", "root / np.abs(root).sum(1, keepdims=True)", "L1"),
    ("03.1", "root / np.abs(root).max(1, keepdims=True)", "largest number"),
    ("03.1", "root / (root**2).sum(1, keepdims=True)", "sum of squares; the length"),
    ("03.1", "phi * abs(phi) / np.linalg.norm(phi**2, axis=1, keepdims=True)", "squares, not square roots"),
    ("03.1", "root / length[:, 0]", "stops at line"),
    ("03.1", "root / (length + 1e-5)", "1e-6, to whose length nothing may be added, is"),
    ("03.1", "root / np.maximum(length, 1e-2)", "1e-6, to whose length nothing may be added, is"),
    ("03.1", "root / length", "a row of zeros becomes 0 / 0 = NaN"),
    ("03.1", "np.where(length > 0, root / length, 1)", "with a row of zeros is 1"),
    ("03.1", "np.where(length > 0, root / length, 0)", "warns on the way: invalid value"),
    ("03.1", "(root / length.clip(1e-300))[length[:, 0] > 0]", "shape [2, 5]; it should be [3, 5]"),
    ("03.1", "np.matrix(root) / length", "np.matrix"),
    ("03.1", "(root / np.where(length > 0, length, 1)).astype(np.float16)", "float16, of 3 digits"),
    ("03.1", "root = np -> phi[phi == 0] = 1e-9\n    root = np", "its input `phi`"),
    ("03.1", "phi.sort() or root / length", "its input `phi`"),
    ("03.2", "q @ ((x - mu) / sigma)", "1 / (N sqrt(pi)) is missing"),
    ("03.2", "np.average((x - mu) / sigma, 0, q)", "divides by the sum of q"),
    ("03.2", "(x - mu)[q > 0.5].sum(0)", "no descriptor counts as a whole"),
    ("03.2", "(q[:, None] * (x - mu)).mean(0)", "sigma is missing"),
    ("03.2", f"q @ ((x - mu) / sigma**2) / {PER}", "sigma^2, the variance"),
    ("03.2", f"q @ ((x - mu) / np.sqrt(sigma)) / {PER}", "sigma is no variance"),
    ("03.2", f"q @ ((mu - x) / sigma) / {PER}", "sign is wrong"),
    ("03.2", "((x - mu) / sigma).mean(0) / np.sqrt(pi)", "q is missing"),
    ("03.2", f"((x - mu) / sigma)[q > 0.5].sum(0) / {PER}", "rounded to 0 or 1"),
    ("03.2", f"(q @ x - mu) / sigma / {PER}", "mu is subtracted once"),
    ("03.2", f"(q[:, None] * (x - mu) / sigma).sum() / {PER}", "it is one number"),
    ("03.2", f"q[:, None] * (x - mu) / sigma / {PER}", "still to be summed"),
    ("03.2", f"(q[:, None] * (x - mu) / sigma).sum(1) / {PER}", "sums over dimensions"),
    ("03.2", "q @ (((x - mu) / sigma)**2 - 1) / (len(x) * np.sqrt(2 * pi))", "this is v"),
    ("03.2", "q * (x - mu) / sigma", "stops at line"),
    ("03.2", "len(x) -> (len(x) - 1)", "it should be"),
    ("03.2", "len(x) -> 5", "u of a single descriptor"),
    ("03.2", "q @ -> q.sum() * (q / q.sum()) @", "contains nan"),
    ("03.2", "x.__isub__(mu) is x and q @ (x / sigma) / len(x)", "its input `x`"),
    ("03.3", f"{ASSIGN}softmax({LOG_DENSITY}, 1)", "weights pi are forgotten"),
    (
        "03.3",
        f"{ASSIGN}softmax(np.log(pi) + norm.logpdf(x[:, None], mu, var).sum(2), 1)",
        "var is sigma^2 already",
    ),
    ("03.3", f"{ASSIGN}softmax(-((x[:, None] - mu) ** 2).sum(2), 1)", "var is missing"),
    ("03.3", f"{ASSIGN}softmax(np.log(pi) + {LOG_DENSITY}, 0)", "columns sum to 1"),
    ("03.3", f"{ASSIGN}pi * {DENSITY} / (pi * {DENSITY}).sum()", "all of q together"),
    ("03.3", f"{ASSIGN}pi * {DENSITY}", "each row is still to be divided by its sum"),
    ("03.3", f"{ASSIGN}{DENSITY}", "these are densities"),
    ("03.3", f"{ASSIGN}np.log(pi) + {LOG_DENSITY}", "these are logarithms of pi N"),
    ("03.3", "log_p - log_p.max(1, keepdims=True)", "these are logarithms, not yet q"),
    ("03.3", f"{EXP} -> np.exp(log_p)", "NaN for a descriptor far"),
    ("03.3", f"{EXP} -> np.exp(log_p - log_p.max())", "subtract its own largest"),
    (
        "03.3",
        f"{EXP} -> np.exp(log_p); p / (p.sum(1, keepdims=True) + 1e-300)",
        "gets zeros: all of its densities",
    ),
    ("03.3", f"{EXP} -> np.exp(log_p); np.nan_to_num(p / p.sum(1, keepdims=True))", "gets zeros"),
    ("03.3", f"{EXP} -> np.maximum(np.exp(log_p), 1e-300)", "gets 1/K"),
    ("03.3", f"{EXP} -> np.exp(np.maximum(log_p, -700))", "gets 1/K"),
    ("03.3", f"{EXP} -> pi * np.maximum(np.exp(log_p - np.log(pi)), 1e-300)", "gets the weights pi"),
    ("03.3", "np.log(var).sum(1) -> np.log(var.prod(1))", "product is 0 in float64; add their logarithms"),
    ("03.3", "** 2 / var -> ** 2 / (var + 1e-7)", "for D = 80"),
    (
        "03.3",
        "distance = ( -> x, pi, mu, var = (a.astype(np.float32) for a in (x, pi, mu, var))\n    distance = (",
        "float32",
    ),
    ("03.3", f"{EXP} -> np.exp(log_p.astype(np.float32))", "float32"),
    ("03.3", "x.__isub__(1) is x and p", "its input `x`"),
    ("03.4", "2 * K * (D + 2), 16 * K * D", "exchanged"),
    ("03.4", "8 * K * D, K * (D + 2)", "8 regions, and each both u and v"),
    ("03.4", "14 * K * D, 2 * K * (D + 2)", "not 7"),
    ("03.4", "12 * K * D, 2 * K * (D + 2)", "not 6: 2x2 are four"),
    ("03.4", "10 * K * D, 2 * K * (D + 2)", "horizontal strips"),
    ("03.4", "28 * K * D, 2 * K * (D + 2)", "three strips, not nine cells"),
    ("03.4", "24 * K * D, 2 * K * (D + 2)", "beside each other"),
    ("03.4", "16 * K * (D + 2), 2 * K * (D + 2)", "instead of the spatial pyramid, not with it"),
    ("03.4", "16 * K * D, 2 * K * D + 2", "not to the Fisher vector"),
    ("03.4", "16 * K * D, K * (2 * D + 2)", "two numbers, in u as in v"),
    ("03.4", "16 * K * D, 16 * K * (D + 2)", "there is one region"),
    ("03.4", "327680, 41984", "K = 3, D = 5 is 327680; it should be 240"),
    ("03.4", "16 * K * D", "two numbers"),
    ("03.4", "(16 * K * D, 2 * K * (D + 2), 0)", "two numbers"),
    ("03.4", "str(16 * K * D), str(2 * K * (D + 2))", "two numbers"),
    ("03.4", "16 * K * D, None", "two numbers"),
    ("03.4", "16 * K * D, ...", "still a ..."),
]

RIGHT = [
    ("03.1", "root / np.maximum(length, 1e-12)"),
    ("03.1", "np.divide(root, length, out=np.zeros_like(root), where=length > 0)"),
    ("03.1", "[r / l if l else r for r, l in zip(root, length)]"),
    ("03.1", "__import__('torch').nn.functional.normalize(__import__('torch').from_numpy(root))"),
    ("03.1", "__import__('sklearn.preprocessing').preprocessing.normalize(root)"),
    (
        "03.1",
        """import numpy as np

def improve(phi):
    root = phi.astype(np.float32) / np.sqrt(np.maximum(abs(phi), 1e-20), dtype=np.float32)
    return root / np.maximum(np.sqrt(np.einsum("nd,nd->n", root, root))[:, None], 1e-12)
""",
    ),
    ("03.2", "(q[:, None] * (x - mu) / sigma).mean(0) / pi**0.5"),
    ("03.2", "(q @ x - q.sum() * mu) / (len(x) * np.sqrt(pi) * sigma)"),
    ("03.2", "[sum(q * (x[:, d] - mu[d])) / sigma[d] / len(x) / pi**0.5 for d in range(len(mu))]"),
    ("03.3", f"{ASSIGN}softmax(np.log(pi) + {LOG_DENSITY}, axis=1)"),
    ("03.3", "1 / np.exp(log_p[:, None] - log_p[:, :, None]).sum(2)"),
    (
        "03.3",
        """import numpy as np
from sklearn.mixture import GaussianMixture

def soft_assignment(x, pi, mu, var):
    gmm = GaussianMixture(len(pi), covariance_type="diag")
    gmm.weights_, gmm.means_, gmm.precisions_cholesky_ = pi, mu, 1 / np.sqrt(var)
    return gmm.predict_proba(x)
""",
    ),
    ("03.4", "[2 * K * D * sum([1, 3, 4]), 2 * (K * D + K * 2)]"),
    ("03.4", "import numpy as np\ndef dimensions(K, D): return np.array([16.0 * K * D, 2 * K * (D + 2)])"),
]


@pytest.mark.filterwarnings("ignore")  # it is the answers that warn
@pytest.mark.parametrize(("number", "answer", "reason"), WRONG)
def test_wrong_answers_are_told_why(judged, number, answer, reason):
    assert reason in judged(number, answer).reason


@pytest.mark.parametrize(("number", "answer"), RIGHT)
def test_other_right_answers_are_right(judged, number, answer):
    assert str(judged(number, answer)).endswith("right.")


def test_the_solutions_are_the_parts_of_the_fisher_vector():
    rng = np.random.default_rng(0)
    x, K, D = rng.normal(size=(50, 6)).astype(np.float32), 4, 6
    pi, mu, var = rng.dirichlet([2] * K), rng.normal(size=(K, D)), rng.uniform(0.3, 2, (K, D))
    gmm = GMM(*(torch.tensor(a, dtype=torch.float32) for a in (pi, mu, var)), log_likelihood=torch.zeros(0))
    q = SOLUTIONS["03.3"](x, pi, mu, var)
    np.testing.assert_allclose(q, fisher.posteriors(torch.from_numpy(x), gmm), atol=1e-5)
    phi = fisher.fisher(torch.from_numpy(x), gmm)
    u = [SOLUTIONS["03.2"](x, q[:, k], mu[k], np.sqrt(var[k]), pi[k]) for k in range(K)]
    np.testing.assert_allclose(u, phi.reshape(K, 2, D)[:, 0], atol=1e-5)
    rows = phi.numpy()[None] * [[1], [-3], [0]]
    np.testing.assert_allclose(SOLUTIONS["03.1"](rows), normalise.improve(torch.from_numpy(rows)), atol=1e-6)


def test_the_solution_has_the_dimensions_of_the_papers_table():
    assert SOLUTIONS["03.4"](256, 80) == (327_680, 41_984)  # "327K" and "42K"
    assert SOLUTIONS["03.4"](512, 80)[1] == 83_968  # "84K"


def test_improving_is_tried_on_rows_and_columns_of_different_lengths():
    for phi in (exercises._PHI, np.sqrt(np.abs(exercises._PHI))):
        lengths = [1, *np.linalg.norm(phi, axis=1), *np.linalg.norm(phi, axis=0)]
        assert np.diff(np.sort(lengths)).min() > 0.01
