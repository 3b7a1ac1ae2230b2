"""The exercises of 03: what wrong answers are told, other right answers, and what the solutions agree with."""

import numpy as np
import torch
from answers import exercise_tests

from lecture_lib.chapters.ifv_vs_cnn import exercises
from lecture_lib.chapters.ifv_vs_cnn.exercises import EXERCISES
from lecture_lib.encoders import fisher, normalise
from lecture_lib.encoders.codebook import GMM

SOLUTIONS = {exercise.number: exercise.right for exercise in EXERCISES}

NORM = "np.linalg.norm(phi, axis=1, keepdims=True)"
SCIPY = "from scipy.special import logsumexp, softmax\nfrom scipy.stats import norm\nimport numpy as np\n"
DENSITY = "norm.pdf(x[:, None], mu, np.sqrt(var)).prod(2)"
ASSIGN = f"{SCIPY}def f(x, pi, mu, var): return "
EXP = "np.exp(log_p - log_p.max(1, keepdims=True))"
FOLD = "import numpy as np\ndef f(n, views, folds): return "
LOG_DENSITY = "norm.logpdf(x[:, None], mu, np.sqrt(var)).sum(2)"

WRONG = {
    "03.1": {
        f"np.sqrt(phi) / {NORM}": "root of a negative number is NaN",
        "np.nan_to_num(np.sqrt(phi)) / length": "negative numbers become 0",
        "root / length[:, 0]": "stops at line",
        "root / (length + 1e-5)": "1e-6, to whose length nothing may be added, is",
        "np.where(length > 0, root / length, 1)": "with a row of zeros is 1",
        "np.where(length > 0, root / length, 0)": "warns on the way: invalid value",
        "(root / length.clip(1e-300))[length[:, 0] > 0]": "shape [2, 5]; it should be [3, 5]",
        "np.matrix(root) / length": "np.matrix",
        "(root / np.where(length > 0, length, 1)).astype(np.float16)": "float16, of 3 digits",
        "root = np -> phi[phi == 0] = 1e-9\n    root = np": "its input `phi`",
    },
    "03.2": {
        "np.average((x - mu) / sigma, 0, q)": "divides by the sum of q",
        "q @ (((x - mu) / sigma)**2 - 1) / (len(x) * np.sqrt(2 * pi))": "this is v",
        "q * (x - mu) / sigma": "stops at line",
        "len(x) -> (len(x) - 1)": "it should be",
        "len(x) -> 5": "u of a single descriptor",
        "q @ -> q.sum() * (q / q.sum()) @": "divides by the sum of q",
        "x.__isub__(mu) is x and q @ (x / sigma) / len(x)": "its input `x`",
    },
    "03.3": {
        f"{ASSIGN}softmax({LOG_DENSITY}, 1)": "weights pi are forgotten",
        f"{ASSIGN}softmax(np.log(pi) + norm.logpdf(x[:, None], mu, var).sum(2), 1)": "var is sigma^2 already",
        f"{ASSIGN}pi * {DENSITY}": "divide each row by its sum",
        f"{ASSIGN}np.log(pi) + {LOG_DENSITY}": "these are logarithms of pi N",
        f"{EXP} -> np.exp(log_p - log_p.max())": "subtract its own largest",
        f"{EXP} -> np.exp(log_p); p / (p.sum(1, keepdims=True) + 1e-300)": "gets zeros: its densities",
        f"{EXP} -> np.maximum(np.exp(log_p), 1e-300)": "gets 1/K",
        f"{EXP} -> pi * np.maximum(np.exp(log_p - np.log(pi)), 1e-300)": "gets the weights pi",
        "** 2 / var -> ** 2 / (var + 1e-7)": "for D = 80",
        "distance = ( -> x, pi, mu, var = map(np.float32, (x, pi, mu, var))\n    distance = (": "float32",
        f"{EXP} -> np.exp(log_p.astype(np.float32))": "float32",
        "x.__isub__(1) is x and p": "its input `x`",
    },
    "03.4": {
        "2 * K * (D + 2), 16 * K * D": "exchanged",
        "327680, 41984": "K = 3, D = 5 is 327680; it should be 240",
        "16 * K * D": "2 things",
        "(16 * K * D, 2 * K * (D + 2), 0)": "2 things",
        "str(16 * K * D), str(2 * K * (D + 2))": "of type str, not numbers",
    },
    "03.5": {
        f"{FOLD}np.random.default_rng(0).permutation(n * views) % folds": "not tried yet",
        f"{FOLD}np.arange(n * views) % folds": "the views of picture 0 lie in folds 0 and 1",
        f"{FOLD}np.tile(np.arange(n) % folds, views)": "the views of picture 0 lie in folds",
        f"{FOLD}np.arange(n) % folds": "shape [30]; it should be [300]",
        f"{FOLD}np.zeros(n * views)": "have 30, 0, 0 pictures",
        f"{FOLD}1 + np.repeat(np.arange(n) % folds, views)": "other folds than 0 to 2",
        f"{FOLD}np.repeat(np.random.default_rng(0).integers(0, folds, n), views)": "equally many",
    },
    "03.6": {
        "": "not tried yet",
        "c d c b": "it has 4 letters; there are 5 questions",
        "c d c b b": "1 of 5 letters are wrong:\n5 b: the first letter",
    },
}

RIGHT = {
    "03.1": [
        "root / np.maximum(length, 1e-12)",
        "np.divide(root, length, out=np.zeros_like(root), where=length > 0)",
        "[r / l if l else r for r, l in zip(root, length)]",
        "__import__('torch').nn.functional.normalize(__import__('torch').from_numpy(root))",
        "__import__('sklearn.preprocessing').preprocessing.normalize(root)",
        """import numpy as np

def improve(phi):
    root = phi.astype(np.float32) / np.sqrt(np.maximum(abs(phi), 1e-20), dtype=np.float32)
    return root / np.maximum(np.sqrt(np.einsum("nd,nd->n", root, root))[:, None], 1e-12)
""",
    ],
    "03.2": [
        "(q[:, None] * (x - mu) / sigma).mean(0) / pi**0.5",
        "(q @ x - q.sum() * mu) / (len(x) * np.sqrt(pi) * sigma)",
        "[sum(q * (x[:, d] - mu[d])) / sigma[d] / len(x) / pi**0.5 for d in range(len(mu))]",
    ],
    "03.3": [
        f"{ASSIGN}softmax(np.log(pi) + {LOG_DENSITY}, axis=1)",
        "1 / np.exp(log_p[:, None] - log_p[:, :, None]).sum(2)",
        """import numpy as np
from sklearn.mixture import GaussianMixture

def soft_assignment(x, pi, mu, var):
    gmm = GaussianMixture(len(pi), covariance_type="diag")
    gmm.weights_, gmm.means_, gmm.precisions_cholesky_ = pi, mu, 1 / np.sqrt(var)
    return gmm.predict_proba(x)
""",
    ],
    "03.4": [
        "[2 * K * D * sum([1, 3, 4]), 2 * (K * D + K * 2)]",
        "import numpy as np\ndef dimensions(K, D): return np.array([16.0 * K * D, 2 * K * (D + 2)])",
    ],
    "03.5": [
        f"{FOLD}np.repeat(np.arange(n) % folds, views)",
        f"{FOLD}[i // views * folds // n for i in range(n * views)]",
    ],
    "03.6": ["CDCBA", "c, d, c, b, a"],
}


test_wrong_answers, test_right_answers = exercise_tests(EXERCISES, WRONG, RIGHT)


def test_the_solutions_are_the_parts_of_the_fisher_vector():
    rng = np.random.default_rng(0)
    x, K, D = rng.normal(size=(50, 6)).astype(np.float32), 4, 6
    pi, mu, var = rng.dirichlet([2] * K), rng.normal(size=(K, D)), rng.uniform(0.3, 2, (K, D))
    gmm = GMM(*(torch.tensor(a, dtype=torch.float32) for a in (pi, mu, var)), log_likelihood=torch.zeros(0))
    q = SOLUTIONS["03.3"](x, pi, mu, var)
    np.testing.assert_allclose(q, fisher.posteriors(torch.from_numpy(x), gmm), atol=1e-5)
    phi = fisher.fisher_vector(torch.from_numpy(x), gmm)
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
