"""The exercises of 04: what wrong answers are told, other right answers, and what the solutions agree with."""

import numpy as np
import pytest
import torch
from answers import exercise_tests

from lecture_lib import backbones
from lecture_lib.chapters.fine_tuning import exercises, losses
from lecture_lib.chapters.fine_tuning.exercises import EXERCISES
from lecture_lib.training import Recipe, with_head
from lecture_lib.training.fine_tuning import groups as learning_rates

SOLUTIONS = {exercise.number: exercise.right for exercise in EXERCISES}

CLS = "(slack.sum(0) / counted.sum(0).clamp(min=1))"
OF_CLASS = "slack.sum() / max(slack.numel(), 1)"
STUB = EXERCISES[5].stub.strip()
WRONG = {
    "04.1": {
        "slack = -> slack = scores.clamp(max=0) ** 2 + 0 *": "it should be",
        "(1 - y * scores).clamp(min=0) -> (labels == 1) * (1 - scores).clamp(min=0)": "only positives count",
        "torch.where(labels == 1, 1, -1) -> 2 * labels - 1; * counted -> ; slack.mean(0).sum()": "y = -3",
        "slack[counted].mean()": "one mean over everything",
        f"{CLS}.sum().item()": "it gives a float",
        f"{CLS}.sum().double()": "torch.float64",
        "y * scores -> y * scores.detach()": "no gradient leads back",
        f"{CLS}.sum().detach() + 0 * scores.sum()": "gradient of the loss is 0 at [0, 0]",
        "(slack.sum(0) / (counted.sum(0) + 1e-3)).sum()": "it should be",
    },
    "04.2": {
        f"{OF_CLASS} -> slack[slack > 0].mean()": "divide by all pairs",
        f"{OF_CLASS} -> (1 - s[y == 1].mean() + s[y == 0].mean()).clamp(min=0)": "form all pairs",
        "slack.mean()": "it should be",
    },
    "04.3": {
        "{layer: rate for layer, rate in rates.items() if rate}": "no rate for conv1, with",
        "rates | {'input': 0}": "a rate for 'input'",
        "list(rates.values())": "it gives a list",
        "dict.fromkeys(layers)": "of type NoneType, not numbers",
        "{layer: str(rate) for layer, rate in rates.items()}": "of type str, not numbers",
        "rate = rate * decay -> rate = rate - decay": "it should be",
    },
    "04.4": {
        "2 * labels - 1, labels + 1": "2 of 10 pictures show the class, A has an AP of 1.000 and B of 1.000",
        "labels + 1, -1.0 - 0 * labels": "the two are exchanged",
        "0.0 * labels - 1, 0.0 * labels - 1": "A is right 8 times of 10 and B 8 times",
        "0.0 * labels - 1, labels + 1": "4 of 8 pictures show the class, A is right 4 times of 8 and B 4",
        "labels[:5], labels": "scores of A has shape [5]; it should be [10]",
        "labels, np.log(0.0 * labels)": "scores of B contains -inf",
        "labels": "2 things",
        "a, None": "of type NoneType, not numbers",
    },
    "04.5": {
        "** B -> ** (B - 1)": "it should be",
        "p": "is 0.9; it should be 0.656",
    },
    "04.6": {
        STUB.replace("axis=0", "axis=1"): "Choose the epoch by validation",
        STUB.replace("test[training].argmax", "validation[training].argmax"): "over the epochs it is axis 1",
        "test[training, epoch] + 1": "it should be",
        "test[[training], epoch]": "has shape",
    },
    "04.7": {"b a c b b": "1 of 5 letters are wrong", "a b a a c": "5 of 5 letters are wrong"},
}

RIGHT = {
    "04.1": [
        "torch.where(labels == 1, 1, -1) -> 2 * (labels > 0).float() - 1",
        "(slack.sum(0)[counted.any(0)] / counted.sum(0)[counted.any(0)]).sum()",
        "(1 - y * scores).clamp(min=0) -> (1 - y * scores) * (y * scores <= 1)",
        """def classification_hinge(scores, labels):
    total = 0
    for c in range(scores.shape[1]):
        slacks = [max(0, 1 - (1 if y == 1 else -1) * s) for s, y in zip(scores[:, c], labels[:, c]) if y != -1]
        total += sum(slacks) / max(1, len(slacks))
    return total
""",
    ],
    "04.2": [
        f"{OF_CLASS} -> slack.mean().nan_to_num()",
        """def ranking_hinge(scores, labels):
    pairs = (labels == 1)[:, None] & (labels == 0)
    slack = (1 - scores[:, None] + scores).relu() * pairs
    return (slack.sum((0, 1)) / pairs.sum((0, 1)).clamp(min=1)).sum()
""",
    ],
    "04.3": [
        """import numpy as np

def learning_rates(layers, lr, ratio, decay, frozen):
    depth = np.arange(len(layers), 0, -1) - 1
    values = np.append(lr * ratio * decay ** (depth[:-1] - 1.0), lr)
    values[: list(layers).index(frozen) + 1 if frozen else 0] = 0
    return dict(zip(layers, values))
""",
    ],
    "04.4": [
        "np.where(np.arange(len(labels)) == labels.argmin(), 9, labels - 0.5), labels - 9",
        "[1 if l else -1 for l in labels[:-1]] + [2], [l + 1 for l in labels]",
        "__import__('torch').tensor([2 * l - 1 for l in labels[:-1]] + [5]), labels + 0.5",
    ],
    "04.5": [
        "sum(q**B for q in (p, 1 - p))",
        "from scipy.stats import binom\ndef f(p, B): return binom(B, p).pmf(0) + binom(B, p).pmf(B)",
    ],
    "04.6": [
        "test.flat[validation.argmax()]",
        "test[np.unravel_index(validation.argmax(), validation.shape)]",
    ],
    "04.7": ["BACBA", "b, a, c, b, a"],
}


test_wrong_answers, test_right_answers = exercise_tests(EXERCISES, WRONG, RIGHT)


@pytest.mark.parametrize(("number", "loss"), [("04.1", losses.tune_cls), ("04.2", losses.tune_rnk)])
def test_the_solutions_are_the_losses_of_the_training(number, loss):
    torch.manual_seed(0)
    for n in range(1, 12):  # of a few pictures, many classes have no pair, and some no picture that counts
        labels = torch.randint(-1, 2, (n, 7), dtype=torch.int8)
        x = torch.randn(n, 7, requires_grad=True)
        y = x.detach().clone().requires_grad_()
        answer, expected = SOLUTIONS[number](x, labels), loss(y, labels)
        torch.testing.assert_close(answer, expected)
        answer.backward()
        expected.backward()
        torch.testing.assert_close(x.grad, y.grad)


def test_losses_are_checked_away_from_kinks():
    scores, labels = exercises._SCORES, exercises._LABELS
    assert (scores.abs() - 1).abs().min() > 0.05
    for s, y in zip(scores.T, labels.T, strict=True):
        assert (1 - s[y == 1][:, None] + s[y == 0]).abs().min() > 0.02


def test_the_rates_of_a_decay_of_1_are_those_of_the_training():
    net = with_head(backbones.load("twin-alexnet", weights="random"), ["a", "b"])
    layers = [layer for layer, stage in net.stages.named_children() if list(stage.parameters())]
    for frozen in (None, "conv3", "fc7"):
        rates = SOLUTIONS["04.3"](layers, 0.05, 0.1, 1, frozen)
        groups = learning_rates(net, Recipe(lr=0.05, ratio=0.1, frozen=frozen))
        rate_of = {id(weight): group["lr"] for group in groups for weight in group["params"]}
        for layer in layers:
            for weight in net.stages.get_submodule(layer).parameters():
                assert rate_of.get(id(weight), 0) == pytest.approx(rates[layer])


def test_batches_without_a_pair_are_as_frequent_as_the_solution_says():
    shown = np.random.default_rng(0).random((20_000, 6)) < 0.3
    none = (shown.all(1) | ~shown.any(1)).mean()
    assert SOLUTIONS["04.5"](0.3, 6) == pytest.approx(none, abs=0.01)
