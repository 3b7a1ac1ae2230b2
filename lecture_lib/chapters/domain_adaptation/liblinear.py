"""Linear SVMs as LIBLINEAR trains them, which these papers use: what separates them from `linear.svm` is the bias.

It is penalised like a weight, as though each vector had a 1 appended. With three pictures a class against eighty others
that is worth points: for (T) on SURF vectors about seven, the penalised bias being the lower.
"""

import numpy as np
from sklearn.svm import LinearSVC

from lecture_lib.linear import Linear


def svm(x: np.ndarray, y: np.ndarray, weights: np.ndarray | float = 1.0, *, bias: bool = True) -> Linear:
    """Train one-vs-rest: 1/2 (|w_c|^2 + b_c^2) + sum_i C_i max(0, 1 - y_ic (w_c . x_i + b_c))^2 for each class c.

    x        [N, d]
    y        int64 [N], three classes or more, each with a picture
    weights  C_i >= 0, [N] or one for all
    bias     False: there is no b
    """
    # "auto": the dual problem where there are more numbers than pictures, which is then ten times as fast
    model = LinearSVC(dual="auto", tol=1e-3, fit_intercept=bias, random_state=0)
    model.fit(x.astype(np.float64), y, sample_weight=np.broadcast_to(np.asarray(weights, np.float64), len(x)))
    return Linear(model.coef_, model.intercept_ if bias else np.zeros(len(model.coef_)), 1.0)
