"""The exercises of 06: what wrong answers are told, other right answers, and what the solutions agree with."""

import numpy as np
import pytest
import torch
from answers import exercise_tests

from lecture_lib.chapters.how_transferable import halves, measure
from lecture_lib.chapters.how_transferable.exercises import EXERCISES

SOLUTIONS = {exercise.number: exercise.right for exercise in EXERCISES}

WRONG = {
    "06.1": {
        "def step(w, g, v, n, lr, momentum, decay):\n    g = g.copy()\n    g[:n] = 0\n"
        "    v = momentum * v + g + decay * w\n    return w - lr * v, v": "a gradient of 0 does not freeze",
        "def step(w, g, v, n, lr, momentum, decay):\n    v = momentum * v + g + decay * w\n"
        "    rate = np.where(np.arange(len(w)) < n, 0, lr)[:, None]\n    return w - rate * v, v": "learning rate of 0",
        "w, w - lr * moved) -> w - lr * decay * w, w - lr * moved)": "still decay",
        "w, w - lr * moved) -> w - lr * momentum * v, w - lr * moved)": "old velocity",
        "< n -> <= n": "rows 0 to n - 1",
        "< n -> >= n": "above the cut",
        "+ decay * w -> ": "decay is missing",
        "w - lr * moved": "2 things",
        "new_w[n:], new_v[n:]": "has shape",
    },
    "06.2": {
        "(x - mean) / np.sqrt(var -> (x - x.mean(0)) / np.sqrt(x.var(0)": "still normalises by the batch",
        "np.sqrt(var -> np.sqrt(x.var(0)": "variance is that of the batch",
        "np.sqrt(var + eps) -> (var + eps)": "divide by its root",
        ") + beta -> )": "still in use",
        "x": "it should be",
    },
    "06.3": {
        "(AnB - BnB) -> (AnB - base[:, None])": "the whole loss",
        "return C, S -> return S, C": "exchanged",
        "(AnB - BnB) -> (BnB - AnB)": "a sign is turned",
        "axis=0 -> axis=1": "over the splits",
        "C": "2 things",
    },
    "06.4": {
        "float(n)": "whole n",
        "return n - 1 -> return n": "too high",
        "3.5": "half of the layers",
        "np.interp(half, S[::-1], np.arange(len(S))[::-1])": "a later one is taken",
        "6.05": "it should be",
    },
    "06.5": {
        "order[:size], order[:size]": "in both halves",
        "order[size : 2 * size] -> order[size - 1 : 2 * size - 1]": "1 are in both halves",
        "np.arange(size), np.arange(size, 2 * size)": "draw them from rng",
        "order[:size], order[2 * size : size : -1]": "has shape",
        "order[:size], order[size : 2 * size] + n_classes": "no class",
        "np.repeat(order[:1], size), order[size : 2 * size]": "a class twice",
        "rng.permutation(n_classes) -> np.concatenate([[0], 1 + rng.permutation(n_classes - 1)])": "class 0 is in A",
    },
    "06.6": {"b c a b b": "1 of 5 letters are wrong", "a a b a b": "5 of 5"},
}

RIGHT = {
    "06.1": [
        "def step(w, g, v, n, lr, momentum, decay):\n    new_w, new_v = w.copy(), v.copy()\n"
        "    new_v[n:] = momentum * v[n:] + g[n:] + decay * w[n:]\n    new_w[n:] -= lr * new_v[n:]\n"
        "    return new_w, new_v",
    ],
    "06.2": ["(x - mean) * (gamma / np.sqrt(var + eps)) + beta"],
    "06.3": ["BnB.mean(0) - base.mean(), AnB.mean(0) - BnB.mean(0)"],
    "06.4": [
        "def half_layer(S):\n    last, half = 0.0, S[-1] / 2\n    for n, s in enumerate(S):\n"
        "        if s <= half:\n            return n + (half - last) / (s - last)\n        last = s",
    ],
    "06.5": [
        "def halves(n, size, rng):\n    both = rng.choice(n, 2 * size, replace=False)\n"
        "    return both[:size], both[size:]",
        "def halves(n, size, rng):\n    a = rng.choice(n, size, replace=False)\n"
        "    return a, rng.choice(np.setdiff1d(np.arange(n), a), size, replace=False)",
    ],
    "06.6": ["BCABA"],
}

test_wrong_answers, test_right_answers = exercise_tests(EXERCISES, WRONG, RIGHT)


def test_a_frozen_step_is_torchs_without_a_gradient():
    rng = np.random.default_rng(1)
    w, g, v = rng.normal(size=(3, 8, 4))
    weights = [torch.nn.Parameter(torch.tensor(row)) for row in w]
    optimizer = torch.optim.SGD(weights, 0.1, momentum=0.9, weight_decay=0.05)
    for k, weight in enumerate(weights):
        weight.grad = torch.tensor(g[k]) if k >= 3 else None
        optimizer.state[weight]["momentum_buffer"] = torch.tensor(v[k])
    optimizer.step()
    new_w, new_v = SOLUTIONS["06.1"](w, g, v, 3, 0.1, 0.9, 0.05)
    np.testing.assert_allclose(new_w, torch.stack(weights).detach())
    np.testing.assert_allclose(new_v, torch.stack([optimizer.state[w]["momentum_buffer"] for w in weights]))


def test_frozen_batchnorm_is_torchs_in_eval_mode():
    torch.manual_seed(0)
    bn = torch.nn.BatchNorm1d(5, eps=0.1, dtype=torch.float64).eval()
    for tensor in (*bn.parameters(), bn.running_mean):
        torch.nn.init.normal_(tensor)
    x = torch.randn(6, 5, dtype=torch.float64)
    given = (bn.running_mean, bn.running_var, bn.weight, bn.bias)
    answer = SOLUTIONS["06.2"](x.numpy(), *(tensor.detach().numpy() for tensor in given), bn.eps)
    np.testing.assert_allclose(answer, bn(x).detach())


@pytest.mark.parametrize("seed", range(5))
def test_the_half_layer_is_the_libraries(seed):
    S = -np.random.default_rng(seed).random(7).cumsum()
    assert SOLUTIONS["06.4"](S) == pytest.approx(measure.half_layer(S))


def test_halves_are_the_libraries(made_up):
    a, b = halves.split(made_up, seed=5, size=3)
    own, other = SOLUTIONS["06.5"](len(made_up.classes), 3, np.random.default_rng(5))
    assert (a.tolist(), b.tolist()) == (own.tolist(), other.tolist())
