"""The checkers are checked: untouched stub, typical wrong answers, solution, and oddities."""

import importlib
import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.stats import binom
from sklearn.svm import SVC

from lecture_lib import backbones, datasets, exercises, metrics
from lecture_lib.chapters.fine_tuning import judge_losses as hinge_losses
from lecture_lib.chapters.fine_tuning import losses
from lecture_lib.chapters.ifv_vs_cnn import exercises as ifv_vs_cnn
from lecture_lib.chapters.linear_probes import exercises as linear_probes
from lecture_lib.chapters.patch_transfer import exercises as patch_transfer
from lecture_lib.chapters.patch_transfer import judge_geometry as patch_geometry
from lecture_lib.chapters.patch_transfer.grid import grid
from lecture_lib.chapters.patch_transfer.inference import picture_score
from lecture_lib.chapters.patch_transfer.labelling import label_patches
from lecture_lib.encoders import fisher, normalise
from lecture_lib.encoders.codebook import GMM
from lecture_lib.exercises import judging
from lecture_lib.exercises.judging import Exercise, Wrong, compare, judge
from lecture_lib.settings import REPOSITORY
from lecture_lib.training import Recipe, with_head
from lecture_lib.training.fine_tuning import groups as learning_rates

RIGHT_CLS = "(kept.sum(0) / n.clamp(min=1)).sum()"
RIGHT_HINGE = "w @ w / 2 + C * loss.sum(), w - C * pull @ x, -C * pull.sum()"


def hinge(result, reason="", loss="np.maximum(0, 1 - y * (x @ w + b))", pull="y * (loss > 0)"):
    source = f"def hinge(w, b, x, y, C):\n    loss = {loss}\n    pull = {pull}\n    return {result}"
    return f"import numpy as np\n{source}", reason


def mean_class(result, reason=""):
    imports = "import numpy as np\nimport sklearn.metrics as skm\n"
    return f"{imports}def mean_class_accuracy(p, labels): return {result}", reason


def eleven_point(
    point, reason="", recalls="range(11)", order="-scores", difficult="labels = labels[labels >= 0]"
):
    source = f"""
import numpy as np

def eleven_point_ap(scores, given):
    labels = given[np.argsort({order})]
    {difficult}
    true = np.cumsum(labels)
    precision, recall = true / np.arange(1, len(labels) + 1), true / (labels == 1).sum()
    at_least = lambda r: precision[recall >= r]
    return np.mean([{point} for t in {recalls}])
"""
    return source, reason


def dropout(result, reason=""):
    return f"import numpy as np, torch\ndef dropout(x, rate, rng): return {result}", reason


def improve(result, reason=""):
    source = f"""
import numpy as np
import torch

def improve(phi):
    norm = lambda x, axis=1, order=None: np.linalg.norm(x, order, axis, keepdims=True)
    root = np.sign(phi) * np.sqrt(np.abs(phi))
    length = norm(root)
    return {result}
"""
    return source, reason


def first_order(result, reason=""):
    return f"import numpy as np\ndef first_order(x, q, mu, sigma, pi): return {result}", reason


def assign(result, reason="", log_p="np.log(pi) - np.log(var).sum(1) / 2 - distance / 2", power="** 2 / var"):
    source = f"""
import numpy as np
from scipy.special import logsumexp, softmax
from scipy.stats import norm

def soft_assignment(x, pi, mu, var):
    distance = ((x[:, None] - mu) {power}).sum(2)
    log_p = {log_p}
    largest = log_p.max(1, keepdims=True)
    p = np.exp(log_p)
    share = lambda p, axis=1: p / p.sum(axis, keepdims=True)
    hard = np.eye(len(pi))[log_p.argmax(1)]
    return {result}
"""
    return source, reason


def dimensions(result, reason=""):
    return f"def dimensions(K, D): return {result}", reason


def cls(result, reason="", y="torch.where(labels == 1, 1, -1)", slack="(1 - y * scores).relu()"):
    source = f"""
import torch

def classification_hinge(scores, labels):
    counted = labels >= 0
    n = counted.sum(0)
    y = {y}
    slack = {slack}
    kept = slack * counted
    return {result}
"""
    return source, reason


def rnk(result, reason="", slack="(1 - s[y == 1][:, None] + s[y == 0]).relu()"):
    source = f"""
import torch

def ranking_hinge(scores, labels):
    columns = list(zip(scores.T, labels.T))
    slacks = [{slack} for s, y in columns]
    mean = lambda slack: slack.sum() / max(slack.numel(), 1)
    everything = torch.cat([slack.flatten() for slack in slacks])
    means = torch.stack([mean(slack) for slack in slacks])
    return {result}
"""
    return source, reason


def rates(
    result, reason="", rate="lr if k == 0 else lr * ratio * decay ** (k - 1)", frozen="i <= last", first="-1"
):
    source = f"""
def learning_rates(taps, lr, ratio, decay, frozen=None):
    last = {first} if frozen is None else taps.index(frozen)
    rates = {{}}
    for i, tap in enumerate(taps):
        k = len(taps) - 1 - i
        rates[tap] = 0 if {frozen} else {rate}
    return {result}
"""
    return source, reason


def classifiers(result, reason=""):
    return f"import numpy as np\ndef two_classifiers(labels): return {result}", reason


def without_pair(result, reason=""):
    return f"def without_pair(p, B): return {result}", reason


def label(result, reason="", shared="max(w, 0) * max(h, 0)", more="0", box="box"):
    source = f"""
def label(patch, box):
    (a, b, c, d), (e, f, g, i) = patch, {box}
    w, h = min(c, g) - max(a, e) + {more}, min(d, i) - max(b, f) + {more}
    S, P, B = {shared}, (c - a + {more}) * (d - b + {more}), (g - e + {more}) * (i - f + {more})
    return {result}
"""
    return source, reason


RIGHT_LABEL = "S >= 0.2 * P and S >= 0.6 * B"


def score(result, reason="", p="y[:, :-1]"):
    return f"import numpy as np\ndef score(y, k):\n    p = {p}\n    return {result}", reason


def n_patches(
    steps,
    reason="",
    s="min(width, height) / lam",
    count="math.ceil({} - 1e-9) + 1",
    a_scale="columns * rows",
    result="sum(found)",
    lambdas="LAMBDAS",
):
    source = f"""
import math
from lecture_lib.chapters.patch_transfer.grid import LAMBDAS

def n_patches(width, height, overlap):
    found = []
    for lam in {lambdas}:
        s = {s}
        step = s * (1 - overlap)
        columns, rows = ({count.format(steps)} for n in (width, height))
        found.append({a_scale})
    return {result}
"""
    return source, reason


def two_pictures(result, reason="", dog="[10, 0, 0, 0]", rest="[0, 4, 0, 10]", empty="[4, 0, 0, 10]"):
    source = f"""
import numpy as np

def two_pictures(M):
    dog = np.array([{dog}] + [{rest}] * (M - 1))
    empty = np.array([{empty}] * M)
    return {result}
"""
    return source, reason


# For every exercise: wrong answers as source, each with a piece of the reason that the student must read.
WRONG_ANSWERS = {
    "00.1": [
        ("def to_unit(picture): return picture", "float32"),
        ("def to_unit(picture): return picture.double() / 255", "float64"),
        ("def to_unit(picture): return (picture // 255).float()", r"is 0 at \[0, 0, 1\]"),
        ("def to_unit(picture): return picture.float() / 256", "255, became 0.9961"),
        ("def to_unit(picture): return picture.float().permute(1, 2, 0) / 255", r"shape \[4, 5, 3\]"),
        ("def to_unit(picture): return picture.numpy() / 255", "ndarray"),
        ("def to_unit(picture):\n    x = picture.float() / 255", "is a `return` missing"),
        ("def to_unit(picture): return picture.mean()", "floating point"),
        (
            "def to_unit(picture):\n    x = picture.float() / 255\n    picture[:] = 0\n    return x",
            "changes the picture",
        ),
        ("def to_unit(): return 1", "TypeError"),
        ("to_unit = 255", "of type int cannot be used"),
    ],
    "01.1": [
        ("def purity(nearest, labels): return (labels[nearest] == labels[:, None]).mean()", "one number"),
        ("def purity(nearest, labels): return (labels[nearest] == labels[:, None]).sum(1)", "divided by k"),
        ("def purity(nearest, labels): return (labels[nearest] == labels).mean(1)", "stops"),
        ("def purity(nearest, labels): return (nearest == labels[:, None]).mean(1)", "it should be"),
    ],
    "01.2": [
        ("def multiply_adds(c_in, c_out, k, h, w, groups=1): return c_in * c_out * k * h * w", "square"),
        ("def multiply_adds(c_in, c_out, k, h, w, groups=1): return c_in * c_out * k * k", "weights"),
        ("def multiply_adds(c_in, c_out, k, h, w, groups=1): return c_in*c_out*k*k*h*w", "groups=2"),
        ("def multiply_adds(c_in, c_out, k, h, w, groups=1): return 2*c_in*c_out*k*k*h*w", "it should be"),
    ],
    "01.3": [
        ("supported = 'abd'", "gap between two islands"),
        ("supported = {'a', 'c', 'd'}", "size of an island"),
        ("supported = ['d']", "neighbours is missing"),
        ("supported = {'a'}", "given no labels"),
        ("supported = {'a', 'd', 'e'}", "not in the training set"),
        ("supported = 'xyz'", "none of the letters"),
        ("supported = 5", "of type int cannot be used"),
    ],
    "02.1": [
        hinge("w @ w / 2 + loss.sum(), w - pull @ x, -pull.sum()", "C is missing"),
        hinge(
            "w @ w / 2 + C * loss.mean(), w - C * pull @ x / len(x), -C * pull.mean()", "mean of the losses"
        ),
        hinge("(w @ w + b * b) / 2 + C * loss.sum(), w - C * pull @ x, b - C * pull.sum()", "b is penalised"),
        hinge("C * loss.sum(), -C * pull @ x, -C * pull.sum()", r"1/2 \|w\|\^2 is missing"),
        hinge("w @ w + C * loss.sum(), 2 * w - C * pull @ x, -C * pull.sum()", "factor 1/2"),
        hinge("w @ w / 2 + C * (loss**2).sum(), w - 2 * C * (loss * y) @ x, 0.0", "squared"),
        hinge("w @ w / 2 + C * loss, w - C * pull @ x, -C * pull.sum()", "still to be summed"),
        hinge(RIGHT_HINGE, "a sign is wrong: the loss", loss="np.maximum(0, 1 + y * (x @ w + b))"),
        hinge(RIGHT_HINGE, "losses below 0", loss="1 - y * (x @ w + b)"),
        hinge(RIGHT_HINGE, "b is missing", loss="np.maximum(0, 1 - y * (x @ w))"),
        hinge(RIGHT_HINGE, "labels to be 0 and 1", loss="np.maximum(0, 1 - (2 * y - 1) * (x @ w + b))"),
        hinge(
            RIGHT_HINGE,
            "labels to be 0 and 1",
            loss="np.maximum(0, 1 - np.where(y == 0, -1, 1) * (x @ w + b))",
        ),
        hinge(RIGHT_HINGE, "margin, 1 in the formula", loss="np.maximum(0, -y * (x @ w + b))"),
        hinge("w @ w / 2 + C * loss.sum(), -C * pull @ x, -C * pull.sum()", "which is w, is missing"),
        hinge("w @ w / 2 + C * loss.sum(), 2 * w - C * pull @ x, -C * pull.sum()", "is w, not 2 w"),
        hinge("w @ w / 2 + C * loss.sum(), w - C * pull @ x, b - C * pull.sum()", "b is not penalised"),
        hinge("w @ w / 2 + C * loss.sum(), w - pull @ x, -pull.sum()", "missing in the gradient"),
        hinge("w @ w / 2 + C * loss.sum(), w - C * pull @ x, -pull.sum()", "missing in the gradient"),
        hinge("w @ w / 2 + C * loss.sum(), w - C * pull @ x / len(x), 0.0", "the gradient their mean"),
        hinge("w @ w / 2 + C * loss.sum(), w + C * pull @ x, C * pull.sum()", "by -y_i x_i"),
        hinge("w @ w / 2 + C * loss.sum(), w - C * pull @ x, C * pull.sum()", "by -y_i x_i"),
        hinge(RIGHT_HINGE, "beyond the margin", pull="y"),
        hinge(RIGHT_HINGE, "y_i is missing", pull="1 * (loss > 0)"),
        hinge(RIGHT_HINGE, "those inside the margin", pull="y * (loss > 1)"),
        hinge("w @ w / 2 + C * loss.sum(), w, -C * pull.sum()", "finite differences of your value, is 0.5"),
        hinge("w @ w / 2 + C * loss.sum(), w[None] - C * pull @ x, 0.0", r"shape \[1, 3\]"),
        hinge("w @ w / 2 + C * loss.sum()", "three things"),
        hinge("w @ w / 2 + C * loss.sum(), w.__isub__(C * pull @ x), -C * pull.sum()", "make a new one"),
    ],
    "02.2": [
        ("def mean_class_accuracy(p, labels): return (p == labels).mean()", "every picture counts the same"),
        mean_class("np.mean([(labels[p == c] == c).mean() for c in np.unique(p)])", "precision"),
        mean_class("[(p[labels == c] == c).mean() for c in np.unique(labels)]", "mean is still to be taken"),
        mean_class("100 * np.mean([(p[labels == c] == c).mean() for c in set(labels)])", "per cent"),
        mean_class("np.mean([(p[labels == c] != c).mean() for c in set(labels)])", "share of mistakes"),
        mean_class("skm.recall_score(labels, p, average='macro', zero_division=0)", "with accuracy 0"),
        mean_class("skm.recall_score(labels, p, average='macro', zero_division=1)", "with accuracy 1"),
        mean_class("skm.precision_score(labels, p, average='macro')", "precision"),
        mean_class("np.mean([(p[labels == c] == c).mean() for c in range(max(p) + 1)])", "NaN"),
        mean_class(
            "np.mean([(p[labels == c] == c).sum() / max(1, (labels == c).sum()) for c in range(max(labels) + 1)])",
            "with accuracy 0",
        ),
        mean_class(
            "np.mean([(p[(labels == c) & np.isin(p, labels)] == c).mean() for c in set(labels)])",
            "they are mistakes",
        ),
        mean_class(
            "np.mean([(p[labels == c] == c).mean() for c in range(102) if c in labels])", "labels tell"
        ),
        mean_class("np.mean([(p[labels == c] == c).mean() for c in range(3) if c in labels])", "labels tell"),
        mean_class("np.mean([(p[labels == c] == c).mean() for c in range(3)])", "NaN"),
        mean_class("p.sort() or 1.0", "make a new one"),
    ],
    "02.3": [
        eleven_point("at_least(t / 10).max()", "eleven", recalls="range(1, 11)"),
        eleven_point("at_least(t / 10).max()", "eleven", recalls="range(10)"),
        eleven_point("at_least(t).max()", "is above 3/10", recalls="np.linspace(0, 1, 11)"),
        eleven_point("at_least(t).max()", "is above 3/10", recalls="np.arange(0, 1.1, 0.1)"),
        eleven_point("at_least(t / 10)[0]", "where a recall is reached"),
        eleven_point("precision[recall == t / 10].max(initial=0)", "at exactly that recall"),
        eleven_point("precision[recall == t / 10].max()", "stops at line"),
        eleven_point("precision[recall == t / 10].mean()", "contains nan"),
        eleven_point("100 * at_least(t / 10).max()", "per cent"),
        eleven_point("at_least(t / 10).max()", "lowest score comes first", order="scores"),
        eleven_point("at_least(t / 10).max()", "not put in the order", order="np.arange(len(scores))"),
        eleven_point("at_least(t / 10).max()", "counted as negative", difficult="labels = labels.clip(0)"),
        eleven_point("at_least(t / 10).max()", "counted as positive", difficult="labels = abs(labels)"),
        eleven_point("at_least(t / 10).max(initial=0)", "where the -1 do not count", difficult="pass"),
        eleven_point("at_least(t / 10).max()", "make a new one", difficult="given.sort()"),
        (
            "from lecture_lib.metrics import average_precision\n"
            "def eleven_point_ap(scores, labels): return average_precision(scores, labels, 'voc2010')",
            "area under the curve",
        ),
        (
            "from sklearn.metrics import average_precision_score\n"
            "def eleven_point_ap(scores, labels):\n"
            "    kept = labels >= 0\n"
            "    return average_precision_score(labels[kept], scores[kept])",
            "area under the curve",
        ),
    ],
    "02.4": [
        dropout("x * (rng.random(x.shape) < rate) / rate", "keeps a number with probability rate"),
        dropout("x * (rng.random(x.shape) < rate) / (1 - rate)", "keeps a number with probability rate"),
        dropout("x * (rng.random(x.shape) < 0.5) / (1 - rate)", "at rate 0.3 a share of 0.499"),
        dropout("x * (rng.random(x.shape) >= rate)", "not divided by 1 - rate"),
        dropout("x * (rng.random(x.shape) >= rate) * rate", "multiplied by the rate"),
        dropout("x * (rng.random(x.shape) >= rate) * (1 - rate)", "multiplied by 1 - rate"),
        dropout("x * (rng.random(x.shape) >= rate) / rate", "divided by the rate"),
        dropout("x * (rng.random(x.shape) >= rate) * 2", "x from -2 to 2 is -4"),
        dropout("np.where(rng.random(x.shape) < rate, np.nan, x)", "nothing is dropped"),
        dropout("x * (rng.random(x.shape[1]) >= rate) / (1 - rate)", "one mask serves all rows"),
        dropout("x * (rng.random((len(x), 1)) >= rate) / (1 - rate)", "a whole row"),
        dropout("x * (rng.random() >= rate) / (1 - rate)", "nothing is dropped|one mask"),
        dropout("x * (1 - rate)", "nothing is dropped"),
        dropout("x * ((rng.random(x.shape) >= rate) / (1 - rate))", "the result float64"),
        dropout("(x * (rng.random(x.shape) >= rate) / (1 - rate)).astype(np.float32)", "became float32"),
        dropout("x.__imul__(rng.random(x.shape) >= rate) / np.float32(1 - rate)", "make a new one"),
        dropout("x * (np.random.random(x.shape) >= rate) / (1 - rate)", "not from np.random"),
        dropout("x * (np.random.default_rng(0).random(x.shape) >= rate) / (1 - rate)", "drops the same"),
        dropout("x * (rng.random(x.shape) >= max(rate, 0.3)) / (1 - max(rate, 0.3))", "the result at rate 0"),
        dropout("(x * (rng.random(x.shape) >= rate) / (1 - rate))[rng.random(len(x)) > 0.5]", "shape"),
        dropout("torch.from_numpy(x)", "Tensor"),
    ],
    "03.1": [
        improve("np.sqrt(phi) / norm(np.sqrt(phi))", "root of a negative number is NaN"),
        improve("np.abs(root) / length", "the sign is lost: sign"),
        improve("np.sqrt(phi.clip(0)) / norm(np.sqrt(phi.clip(0)))", "negative numbers become 0"),
        improve("np.nan_to_num(np.sqrt(phi)) / length", "negative numbers become 0"),
        improve("np.sign(phi) * np.sqrt(np.abs(phi) / norm(phi))", "length before the root"),
        improve("root / norm(phi)", "a length of their own"),
        improve("root", "still have to be divided"),
        improve("np.sqrt(np.abs(phi))", "sign is lost, and rows still"),
        improve("phi / norm(phi)", "the square root is missing"),
        improve("phi / length", "divide the roots"),
        improve("root / np.linalg.norm(root)", "length of the whole matrix"),
        improve("root / norm(root, 0)", "it divides columns"),
        improve("root / norm(root, 1, 1)", "L1"),
        improve("root / norm(root, 1, np.inf)", "largest number"),
        improve("root / length**2", "sum of squares; the length"),
        improve("phi * abs(phi) / norm(phi**2)", "squares, not square roots"),
        improve("root / length[:, 0]", "stops at line"),
        improve("root / (length + 1e-5)", "1e-6, to whose length nothing may be added, is"),
        improve("root / np.maximum(length, 1e-2)", "1e-6, to whose length nothing may be added, is"),
        improve("root / length", "a row of zeros becomes 0 / 0 = NaN"),
        improve("torch.from_numpy(root) / torch.from_numpy(length)", "a row of zeros becomes"),
        improve("np.where(length > 0, root / length, 1)", "with a row of zeros is 1"),
        improve("np.where(length > 0, root / length, 0)", "warns on the way: invalid value"),
        improve("np.nan_to_num(root / length)", "warns on the way: invalid value"),
        improve("np.where(length > 0, root, 0)[length[:, 0] > 0]", "still to be|still have to be"),
        improve("(root / length.clip(1e-300))[length[:, 0] > 0]", r"shape \[2, 5\]; it should be \[3, 5\]"),
        improve("phi.__imul__(2) and root", "stops|make a new one"),
        improve("phi.sort() or root / length", "make a new one"),
    ],
    "03.2": [
        first_order("q @ ((x - mu) / sigma)", r"1 / \(N sqrt\(pi\)\) is missing"),
        first_order("q @ ((x - mu) / sigma) / np.sqrt(pi)", "1/N is missing"),
        first_order("q @ ((x - mu) / sigma) / len(x)", r"1 / sqrt\(pi\) is missing"),
        first_order("q @ ((x - mu) / sigma) / (q.sum() * np.sqrt(pi))", "divides by the sum of q"),
        first_order("np.average((x - mu) / sigma, 0, q)", "divides by the sum of q"),
        first_order("q @ ((x - mu) / sigma) / (len(x) * pi)", "it divides by pi"),
        first_order("q @ ((x - mu) / sigma) / len(x) * np.sqrt(pi)", r"multiplies by sqrt\(pi\)"),
        first_order("q @ (x - mu)", "the sum on the slide"),
        first_order("(x - mu)[q > 0.5].sum(0)", "the sum on the slide.* no descriptor counts as a whole"),
        first_order("q @ (x - mu) / len(x)", "sigma is missing"),
        first_order("q @ (x - mu) / (len(x) * np.sqrt(pi))", "sigma is missing"),
        first_order("q @ ((x - mu) / sigma**2) / (len(x) * np.sqrt(pi))", r"sigma\^2, the variance"),
        first_order("q @ ((x - mu) / np.sqrt(sigma)) / (len(x) * np.sqrt(pi))", "sigma is no variance"),
        first_order("q @ ((x - mu) * sigma) / (len(x) * np.sqrt(pi))", "multiplies by sigma"),
        first_order("q @ ((mu - x) / sigma) / (len(x) * np.sqrt(pi))", "sign is wrong"),
        first_order("((x - mu) / sigma).mean(0) / np.sqrt(pi)", "q is missing"),
        first_order("((x - mu) / sigma)[q > 0.5].sum(0) / (len(x) * np.sqrt(pi))", "rounded to 0 or 1"),
        first_order("q**2 @ ((x - mu) / sigma) / (len(x) * np.sqrt(pi))", "q is squared"),
        first_order("(q @ x - mu) / sigma / (len(x) * np.sqrt(pi))", "mu is subtracted once"),
        first_order("(q @ ((x - mu) / sigma)).sum() / (len(x) * np.sqrt(pi))", "it is one number"),
        first_order("q[:, None] * (x - mu) / sigma / (len(x) * np.sqrt(pi))", "still to be summed"),
        first_order(
            "(q[:, None] * (x - mu) / sigma).sum(1) / (len(x) * np.sqrt(pi))", "sums over dimensions"
        ),
        first_order("q @ (((x - mu) / sigma)**2 - 1) / (len(x) * np.sqrt(2 * pi))", "this is v"),
        first_order("q * (x - mu) / sigma", "stops at line 2"),
        first_order("q @ ((x - mu) / sigma) / ((len(x) - 1) * np.sqrt(pi))", "it should be"),
        first_order("q @ ((x - mu) / sigma) / (5 * np.sqrt(pi))", "u of a single descriptor"),
        first_order(
            "((q / q.sum()) @ ((x - mu) / sigma)) * q.sum() / (len(x) * np.sqrt(pi))", "contains nan"
        ),
        first_order("x.__isub__(mu) is x and q @ (x / sigma) / (len(x) * np.sqrt(pi))", "make a new one"),
    ],
    "03.3": [
        assign("share(p).T", r"shape \[K, N\]"),
        assign("share(p)", "weights pi are forgotten", log_p="-np.log(var).sum(1) / 2 - distance / 2"),
        assign("softmax(log_p, 1)", "pi is added", log_p="pi - np.log(var).sum(1) / 2 - distance / 2"),
        assign("softmax(log_p, 1)", "wide Gaussian is a flat one", log_p="np.log(pi) - distance / 2"),
        assign("softmax(log_p, 1)", "wide Gaussian is a flat one", log_p="-distance / 2"),
        assign("softmax(log_p, 1)", "factor -1/2", log_p="np.log(pi) - np.log(var).sum(1) - distance / 2"),
        assign(
            "softmax(log_p, 1)",
            "sign of ln var",
            log_p="np.log(pi) + np.log(var).sum(1) / 2 - distance / 2",
        ),
        assign(
            "softmax(log_p, 1)",
            r"var comes with a factor 1/2",
            log_p="np.log(pi) - np.log(var).sum(1) / 2 - distance",
        ),
        assign(
            "softmax(log_p, 1)",
            r"ln var and \(x - mu\)\^2 / var",
            log_p="np.log(pi) - np.log(var).sum(1) - distance",
        ),
        assign("softmax(log_p, 1)", r"var is sigma\^2 already", power="** 2 / var ** 2"),
        assign(
            "softmax(np.log(pi) + norm.logpdf(x[:, None], mu, var).sum(2), 1)", r"var is sigma\^2 already"
        ),
        assign("softmax(log_p, 1)", r"standard deviation, sqrt\(var\)", power="** 2 / np.sqrt(var)"),
        assign(
            "softmax(log_p, 1)",
            "sign of the exponent",
            log_p="np.log(pi) - np.log(var).sum(1) / 2 + distance / 2",
        ),
        assign("softmax(log_p, 1)", "var is missing", power="** 2"),
        assign("softmax(-distance, 1)", "var is missing", power="** 2"),
        assign("share(p, 0)", "columns sum to 1"),
        assign("softmax(log_p, 0)", "columns sum to 1"),
        assign("p / p.sum()", "all of q together"),
        assign("share(p) / len(x)", "all of q together"),
        assign("p", r"each row is still to be divided by its sum"),
        assign("p * (2 * np.pi) ** -1.5", r"each row is still to be divided by its sum"),
        assign("norm.pdf(x[:, None], mu, np.sqrt(var)).prod(2)", "these are densities"),
        assign("log_p", "these are logarithms of pi N"),
        assign("log_p - largest", "these are logarithms, not yet q"),
        assign("np.exp(log_p - largest)", "rows are still to be divided by their sum"),
        assign("log_p - logsumexp(log_p, 1, keepdims=True)", "the logarithms of q"),
        assign("hard", "hard assignment"),
        assign("log_p.argmax(1)", "names the most probable"),
        assign("share(p)", "NaN for a descriptor far .* subtract its own largest"),
        assign("share(np.exp(log_p - log_p.max()))", "NaN for a descriptor far"),
        assign(
            "share(np.exp(log_p - log_p.min(1, keepdims=True)))",
            "NaN for a descriptor far .* subtract its own largest",
        ),
        assign("p / (p.sum(1, keepdims=True) + 1e-300)", "gets zeros: all of its densities are 0"),
        assign("np.nan_to_num(share(p))", "gets zeros: all of its densities are 0"),
        assign("share(np.maximum(p, 1e-300))", "gets 1/K: all of its densities are 0"),
        assign("share(np.exp(np.maximum(log_p, -700)))", "gets 1/K: all of its densities are 0"),
        assign(
            "share(pi * np.maximum(np.exp(log_p - np.log(pi)), 1e-300))",
            "gets the weights pi: all of its densities are 0",
        ),
        assign("share(np.exp(log_p.astype(np.longdouble)))", "NaN for a descriptor far"),
        assign(
            "softmax(log_p, 1)",
            "product is 0 in float64; add their logarithms",
            log_p="np.log(pi) - np.log(var.prod(1)) / 2 - distance / 2",
        ),
        assign("softmax(log_p, 1)", "q for D = 80 .* it should be", power="** 2 / (var + 1e-7)"),
        assign("x.__isub__(1) is x and share(p)", "make a new one"),
    ],
    "03.4": [
        dimensions("2 * K * (D + 2), 16 * K * D", "exchanged"),
        dimensions("2 * K * D, 2 * K * (D + 2)", "a Fisher vector for each of its regions"),
        dimensions("8 * K * D, K * (D + 2)", "8 regions, and each both u and v"),
        dimensions("7 * 2 * K * D, 2 * K * (D + 2)", "not 7"),
        dimensions("6 * 2 * K * D, 2 * K * (D + 2)", "not 6: 2x2 are four"),
        dimensions("4 * 2 * K * D, 2 * K * (D + 2)", "8 regions, and each both u and v"),
        dimensions("5 * 2 * K * D, 2 * K * (D + 2)", "horizontal strips"),
        dimensions("3 * 2 * K * D, 2 * K * (D + 2)", "3 levels, but 8 regions"),
        dimensions("14 * 2 * K * D, 2 * K * (D + 2)", "three strips, not nine cells"),
        dimensions("12 * 2 * K * D, 2 * K * (D + 2)", "beside each other"),
        dimensions("16 * K * (D + 2), 2 * K * (D + 2)", "instead of the spatial pyramid, not with it"),
        dimensions("16 * K * D, 2 * K * D + 2", "not to the Fisher vector"),
        dimensions("16 * K * D, K * D + 2", "not to the Fisher vector"),
        dimensions("16 * K * D, 2 * (K * D + 2)", "the 2 belongs to D"),
        dimensions("16 * K * D, 2 * K * (D + 1)", "x and y are two numbers"),
        dimensions("16 * K * D, K * (D + 2)", r"factor 2 is missing with \(x, y\)"),
        dimensions("16 * K * D, 2 * K * D", "x and y are missing"),
        dimensions("16 * K * D, 16 * K * (D + 2)", "there is one region"),
        dimensions("16 * K * D, K * (2 * D + 2)", "two numbers, in u as in v"),
        dimensions("327680, 41984", "K = 3, D = 5 is 327680; it should be 240"),
        dimensions("16 * K * D", "two numbers"),
        dimensions("(16 * K * D, 2 * K * (D + 2), 0)", "two numbers"),
        dimensions("'327K', '42K'", "two numbers"),
    ],
    "04.1": [
        cls(RIGHT_CLS, "a sign is wrong", slack="(1 + y * scores).relu()"),
        cls("kept[counted].mean()", "a sign is wrong", slack="(1 + y * scores).relu()"),
        cls(RIGHT_CLS, "margin, the 1 in the formula", slack="(-y * scores).relu()"),
        cls(RIGHT_CLS, "below 0 have to become 0", slack="1 - y * scores"),
        cls("kept.mean()", "below 0 have to become 0", slack="1 - y * scores"),
        cls("slack[counted].sum()", "below 0 have to become 0", slack="1 - y * scores"),
        cls(RIGHT_CLS, "slack is squared", slack="(1 - y * scores).relu() ** 2"),
        cls(RIGHT_CLS, "takes the labels for y", y="labels"),
        cls("slack.mean()", "takes the labels for y", y="labels"),
        cls(RIGHT_CLS, "only positives count", slack="(1 - scores).relu() * (labels == 1)"),
        cls(RIGHT_CLS, "only negatives count", slack="(1 + scores).relu() * (labels == 0)"),
        cls("slack.mean()", r"difficult pictures \(-1\) count as negatives"),
        cls(
            "slack.mean(0).mean()", r"difficult pictures \(-1\) count as positives", y="2 * labels.abs() - 1"
        ),
        cls("slack.mean()", "y = -3", y="2 * labels - 1"),
        cls("kept.mean()", "the number to divide by"),
        cls("slack[counted].mean()", "one mean over everything"),
        cls("(kept.sum(0) / n).mean()", "it is a mean over classes"),
        cls("kept.sum()", "sums over pictures"),
        cls("kept.sum(0).mean()", "sums over pictures"),
        cls("kept.sum() / len(scores)", "the number to divide by"),
        cls("kept.sum(0) / n.clamp(min=1)", "a number for each class"),
        cls("kept", "a number for each picture and class"),
        cls("(kept.sum(0) / n).sum()", "it is NaN in a batch where a class has no picture that counts"),
        cls(
            "torch.where(n > 0, kept.sum(0) / n, 0).sum()",
            "its gradient is NaN in a batch where a class has no picture",
        ),
        cls(
            "(kept.sum(0) / n.clamp(min=1) * (labels == 1).any(0)).sum()",
            "that no picture shows has negatives",
        ),
        cls("(kept.sum(0) / n)[n > 0].sum()", "its gradient is NaN in a batch where a class has no picture"),
        cls(
            "(kept.sum(0) / n.clamp(min=1) * (labels == 1).any(0) * (labels == 0).any(0)).sum()",
            "no pair is needed here",
        ),
        cls(f"({RIGHT_CLS}).item()", "it gives a float"),
        cls(RIGHT_CLS, "no gradient leads back", slack="(1 - y * scores.detach()).relu()"),
        cls(f"({RIGHT_CLS}).detach() + 0 * scores.sum()", r"gradient of the loss is 0 at \[0, 0\]"),
        cls(RIGHT_CLS, "stops at line", slack="np.maximum(0, 1 - y * scores.numpy())"),
        cls(RIGHT_CLS, "make a new one", y="labels.mul_(2).sub_(1)"),
        cls("(kept.sum(0) / (n + 1e-3)).sum()", "it should be"),
    ],
    "04.2": [
        rnk("means.mean()", "a sign is wrong", slack="(1 + s[y == 1][:, None] - s[y == 0]).relu()"),
        rnk("everything.mean()", "a sign is wrong", slack="(1 + s[y == 1][:, None] - s[y == 0]).relu()"),
        rnk("means.mean()", "the margin, the 1", slack="(s[y == 0] - s[y == 1][:, None]).relu()"),
        rnk("means.mean()", "below 0 have to become 0", slack="1 + s[y == 0] - s[y == 1][:, None]"),
        rnk("means.mean()", "slack is squared", slack="(1 - s[y == 1][:, None] + s[y == 0]).relu().square()"),
        rnk(
            "means.mean()",
            r"difficult pictures \(-1\) count as negatives",
            slack="(1 - s[y == 1][:, None] + s[y != 1]).relu()",
        ),
        rnk(
            "everything.mean()",
            r"difficult pictures \(-1\) count as positives",
            slack="(1 - s[y != 0][:, None] + s[y == 0]).relu()",
        ),
        rnk("torch.stack([slack.max() for slack in slacks]).mean()", "only the worst pair"),
        rnk("sum(slack[slack > 0].mean() for slack in slacks) / len(slacks)", "divide by all pairs"),
        rnk("means.mean()", "form all pairs", slack="(1 - s[y == 1].mean() + s[y == 0].mean()).relu()"),
        rnk(
            "sum(mean((1 - s[y == 1][:, None] + s[y == 0]).relu()) for s, y in zip(scores, labels)) / len(scores)",
            "ranks the classes of a picture",
        ),
        rnk(
            "(1 - scores[labels == 1][:, None] + scores[labels == 0]).relu().mean()",
            "positives of one class with negatives of another",
        ),
        rnk("everything.mean()", "one mean over the pairs of all classes"),
        rnk("means.mean()", "a mean over classes"),
        rnk("everything.sum()", "number of its pairs"),
        rnk("everything.sum() / scores.shape[1]", "number of its pairs"),
        rnk("everything.sum() / scores.numel()", "number of its pairs"),
        rnk("everything.sum() / len(scores) ** 2 / scores.shape[1]", "number of its pairs"),
        rnk("means", "a number for each class"),
        rnk("sum(slack.mean() for slack in slacks)", "it is NaN .* no pair: 0 / 0"),
        rnk("means.sum().item()", "it gives a float"),
        rnk("means.sum().detach()", "no gradient leads back"),
        rnk("means[0]", "it should be"),
        rnk("labels.clamp_(min=0) is labels and means.sum()", "make a new one"),
    ],
    "04.3": [
        rates("rates", "the head is new", rate="lr * ratio if k == 0 else lr * ratio**2 * decay ** (k - 1)"),
        rates("rates", "decay is missing", rate="lr if k == 0 else lr * ratio"),
        rates("rates", "ratio is missing", rate="lr if k == 0 else lr * decay ** (k - 1)"),
        rates("rates", "ratio is missing", rate="lr * decay**k"),
        rates("rates", "one layer too high", rate="lr if k == 0 else lr * ratio * decay**k"),
        rates("rates", "divides by ratio", rate="lr if k == 0 else lr / ratio * decay ** (k - 1)"),
        rates("rates", "divides by decay", rate="lr if k == 0 else lr * ratio / decay ** (k - 1)"),
        rates("rates", "first layer learns fastest", rate="lr if k == 0 else lr * ratio * decay**i"),
        rates("rates", "upside down", rate="lr if i == 0 else lr * ratio * decay ** (i - 1)"),
        rates("rates", "conv2 itself is frozen, too", frozen="i < last"),
        rates("rates", "all layers before conv2 are frozen", frozen="i == last"),
        rates("rates", "those after it learn", frozen="i > last and k and last >= 0"),
        rates("rates", "those after it learn", frozen="i >= last and last >= 0"),
        rates("rates", "frozen layers have rate 0", frozen="False"),
        rates("rates", "0 at .*frozen=None, is 0 at|is 0 at", first="0"),
        rates("rates", "stops at line .*ValueError", frozen="i <= taps.index(frozen)"),
        rates("{t: r for t, r in rates.items() if r}", "no rate for conv1, .*frozen='conv2'"),
        rates("rates | {'input': 0}", "a rate for 'input'"),
        rates("list(rates.values())", "it gives a list"),
        rates(
            "rates",
            "is 0.02 at .* it should be 0",
            rate="{'conv1': 0.00125, 'conv2': 0.0025, 'conv3': 0.005, 'fc6': 0.01, 'fc7': 0.02}.get(tap, 0.1)"
            " if len(taps) > 3 else (lr if k == 0 else 0.02)",
            frozen="i <= last and len(taps) > 3",
        ),
        rates("rates", "it should be", rate="lr if k == 0 else lr * ratio - decay * k"),
    ],
    "04.4": [
        classifiers(
            "2 * labels - 1, labels + 1", "2 of 10 .* AP of 1.000 and B of 1.000; that of A should be"
        ),
        classifiers("labels + 1, -1.0 - 0 * labels", "the two are exchanged"),
        classifiers("0.0 * labels - 1, 0.0 * labels - 1", "A is right 8 times of 10 and B 8 times"),
        classifiers(
            "0.0 * labels - 1, labels + 1", "4 of 8 pictures .* A is right 4 times of 8 and B 4 times"
        ),
        classifiers("-labels, 1 - 2 * labels", "A is right 8 times|A has an AP"),
        classifiers("labels[:5], labels", r"scores of A have shape \[5\]; there are 10"),
        classifiers("labels, np.log(0.0 * labels)", "scores of B contain -inf"),
        classifiers("labels", "two lists of numbers"),
        classifiers("'A', 'B'", "two lists of numbers"),
        classifiers("labels.sort() or labels, labels", "make a new one"),
    ],
    "04.5": [
        without_pair("(1 - p) ** B", "every picture shows the class has no pair"),
        without_pair("p ** B", "one without any has no pair"),
        without_pair("1 - (1 - p) ** B - p ** B", "the probability of a pair"),
        without_pair("1 - (1 - p) ** B", "the probability of a positive"),
        without_pair("(1 - p) ** B * p ** B", "add the two"),
        without_pair("(1 - p) * B", "multiplied, not added"),
        without_pair("1 - p * B", "multiplied, not added"),
        without_pair("(1 - p) ** (B - 1) + p ** (B - 1)", "it should be"),
        without_pair("0", "is 0; it should be 0.656"),
        without_pair("p", "is 0.9; it should be 0.656"),
    ],
    "05.1": [
        label(RIGHT_LABEL, "product is positive", "w * h"),
        label(RIGHT_LABEL, "product is positive", "max(w * h, 0)"),
        label(RIGHT_LABEL, "means apart; it becomes 0", "abs(w * h)"),
        label(RIGHT_LABEL, "in x as in y", "abs(w) * max(h, 0)"),
        label(RIGHT_LABEL, "in x as in y", "max(w, 0) * abs(h)"),
        label("S >= 0.2 * P or S >= 0.6 * B", "both must hold"),
        label("S >= 0.2 * P", "second condition is missing"),
        label("S >= 0.6 * B", "first condition is missing"),
        label("S >= 0.6 * P and S >= 0.2 * B", "are exchanged: 0.2 of the patch"),
        label("S > 0.2 * P and S > 0.6 * B", ">=, not >"),
        label("S > 0.2 * P and S >= 0.6 * B", ">=, not >"),
        label("S >= 0.2 * P and S > 0.6 * B", ">=, not >"),
        label("S / (P + B - S) >= 0.5", "area of the union"),
        label("S / (P + B - S) >= 0.2", "area of the union"),
        label("S > 0", "every overlap is enough"),
        label(RIGHT_LABEL, "x1 and y1 are exclusive", more="1"),
        label(RIGHT_LABEL, "for its width and height", box="(*box[:2], box[0] + box[2], box[1] + box[3])"),
        label("not (S >= 0.2 * P and S >= 0.6 * B)", "True and False are exchanged"),
        label("S", "is 100; it should be True or False"),
        label("'positive'", "is 'positive'; it should be True or False"),
        label("[True]", r"is \[True\]; it should be"),
        label("float('nan')", "is nan; it should be"),
        label("False", "100 pixels, the object 100, and they share 100"),
        label("S >= 0.3 * P and S >= 0.6 * B", "is False; it should be True: .* they share 20"),
        label("S.shared", "stops at line 6"),
    ],
    "05.2": [
        score("(y**k).mean(0)", "background is no class"),
        score("(p**k).mean(0)", "background is the last", p="y[:, 1:]"),
        score("((p / p.sum(1, keepdims=True)) ** k).mean(0)", "divides by the sum over classes"),
        score("p.mean(0) ** k", "takes the power of the mean"),
        score("y.mean(0) ** k", "takes the power of the mean.* And background is no class"),
        score("(p**k).sum(0)", "1/M is missing"),
        score("(y**k).sum(0)", "1/M is missing.* And background"),
        score("(p**k).sum(0) / p.shape[1]", "M is the number of patches"),
        score("(p**k).sum(0) / y.shape[1]", "M is the number of patches"),
        score("(p**k).mean(0) ** (1 / k)", "a root at the end"),
        score("np.linalg.norm(p, k, axis=0)", r"is 0.8\d+ at \[0\]"),
        score("p.max(0)", "only the best patch"),
        score("p.max(0) ** k", "only the best patch"),
        score("p.mean(0)", "k is missing"),
        score("(k * p).mean(0)", "multiplies by k"),
        score("p**k", "a number for each patch"),
        score("(p**k).mean(1)", r"over classes; take that over patches"),
        score("(p**k).mean()", "it is one number"),
        score("(y**k).mean()", "it is one number.* And background"),
        score("(p**5).mean(0)", "not always 5"),
        score("(p**k).mean(0) / (p**k).mean(0).sum()", "divides scores by their sum"),
        score("(p**k).sum(0) / 5", "of a single patch, with k = 3"),
        score("p.sort(0) or (p**k).mean(0)", "make a new one"),
        score("y.shape", r"shape \[2\]; it should be \[3\]"),
        score("(p**k).mean(2)", "stops at line 4"),
    ],
    "05.3": [
        n_patches("(n - s) / step", "it rounds down", count="math.floor({} + 1e-9) + 1"),
        n_patches("(n - s) / step", "it rounds down", count="int({} + 1e-9) + 1"),
        n_patches("(n - s) / step", "to the nearest", count="round({}) + 1"),
        n_patches("(n - s) / step", "there are n - 1", count="math.ceil({} - 1e-9)"),
        n_patches("(n - s) / step", "there are n - 1", count="math.floor({} + 1e-9)"),
        n_patches("(n - s) / step", "it takes one more", count="math.floor({} + 1e-9) + 2"),
        n_patches("(n - s) / s", "side by side"),
        n_patches("(n - s) / (overlap * s)", "steps by overlap x s"),
        n_patches("n / step", "divides the whole length", count="math.ceil({} - 1e-9)"),
        n_patches("n / step", "divides the whole length", count="int({} + 1e-9)"),
        n_patches("(n - s) / step", "of the longer side", s="max(width, height) / lam"),
        n_patches("(min(width, height) - s) / step", "no square"),
        n_patches("(max(width, height) - s) / step", "no square"),
        n_patches("(n - s) / step", "multiply them", a_scale="columns + rows"),
        n_patches("(n - s) / step", "one scale is missing", lambdas="LAMBDAS[1:]"),
        n_patches("(n - s) / step", "one scale is missing", lambdas="LAMBDAS[:8]"),
        n_patches("(n - s) / step", "first scale", result="found[0]"),
        n_patches("(n - s) / step", "still to be summed", result="found"),
        n_patches("(n - s) / step", "of rounding", count="math.ceil({}) + 1"),
        n_patches("(n - s) / s / (1 - overlap)", "of rounding", count="math.ceil({}) + 1"),
        n_patches("(n / s - 1) / (1 - overlap)", "of rounding", count="math.ceil({}) + 1"),
        n_patches("(n - s) / (s - overlap * s)", "of rounding", count="math.ceil({}) + 1"),
        n_patches("(n - s) / step", "for 500 x 375 at 65% is 275; it should be 488", result="275"),
        n_patches("(n - s) / (s / 2)", "at 65% is 275"),
        n_patches("(n - s) / step", "stops at line", s="lambdas"),
    ],
    "05.4": [
        two_pictures(
            "empty, dog", r"patch 0 of `empty` has the logits \[10.0, 0.0, 0.0, 0.0\] for M = 10; background"
        ),
        two_pictures("dog", "`dog` has shape|should give two arrays"),
        two_pictures("dog[:5], empty", r"`dog` has shape \[5, 4\] for M = 10; it should be \[10, 4\]"),
        two_pictures("dog, empty[:, :3]", r"`empty` has shape \[10, 3\]"),
        two_pictures("dog, np.log(np.eye(4)[[3] * M])", "`empty` contains -inf"),
        two_pictures("dog, 0 * empty", "patch 0 .* background, the last, should be the highest"),
        two_pictures("dog, np.where(np.arange(M)[:, None] == 2, dog[:1], empty)", "patch 2 of `empty`"),
        two_pictures("dog, empty", "no patch of `dog` shows it", dog="[4, 0, 0, 10]"),
        two_pictures("dog, empty", "no patch of `dog` shows it", dog="[4, 4, 0, 0]"),
        two_pictures("dog, empty", "without background, .* `empty` should score", empty="[0, 0, 0, 10]"),
        two_pictures("dog, empty", "without background", empty="[0, 4, 0, 10]"),
        two_pictures("dog, empty", "without background", empty="[.04, .03, .03, .9]"),
        two_pictures("dog, empty", "without background", rest="[9, 0, 0, 0]"),
        two_pictures("dog, empty", "without background", rest="[4, 0, 0, 10]"),
        two_pictures(
            "dog, empty",
            r"with background, .* for M = 300; `dog` should score higher",
            empty="[9.8, 0, 0, 10]",
        ),
    ],
}

# Right answers that look unlike the solution: a checker that turned one away would be worse than none.
RIGHT_ANSWERS = {
    "02.1": [
        hinge(RIGHT_HINGE, pull="y * (y * (x @ w + b) <= 1)")[0],
        """
import torch

def hinge(w, b, x, y, C):
    w, b, x, y = (torch.tensor(a, dtype=torch.float32) for a in (w, b, x, y))
    value = w.requires_grad_() @ w / 2 + C * (1 - y * (x @ w + b.requires_grad_())).clamp(min=0).sum()
    return value, *torch.autograd.grad(value, (w, b))
""",
        """
def hinge(w, b, x, y, C):
    value, gradient_w, gradient_b = sum(w**2) / 2, w.tolist(), 0
    for xi, yi in zip(x, y):
        if yi * (sum(w * xi) + b) < 1:
            value += C * (1 - yi * (sum(w * xi) + b))
            gradient_w = [g - C * yi * a for g, a in zip(gradient_w, xi)]
            gradient_b -= C * yi
    return [value, gradient_w, gradient_b]
""",
    ],
    "02.2": [
        mean_class("skm.balanced_accuracy_score(labels, p)")[0],
        mean_class("np.nanmean([(p[labels == c] == c).mean() for c in set(labels.tolist())])")[0],
        """
import numpy as np

def mean_class_accuracy(predicted, labels):
    n = max(predicted.max(), labels.max()) + 1
    table = np.zeros((n, n))
    np.add.at(table, (labels, predicted), 1)
    there = table.sum(1) > 0
    return (np.diag(table)[there] / table.sum(1)[there]).mean()
""",
    ],
    "02.3": [
        eleven_point("at_least(t / 10).max()")[0],
        eleven_point("at_least(t - 1e-9).max()", recalls="np.linspace(0, 1, 11)")[0],
        "from lecture_lib.metrics import average_precision as eleven_point_ap",
        """
def eleven_point_ap(scores, labels):
    pairs = sorted(((s, l) for s, l in zip(scores, labels) if l != -1), reverse=True)
    points, true, positives = [0] * 11, 0, sum(l for _, l in pairs)
    for rank, (_, label) in enumerate(pairs, 1):
        true += label
        for t in range(true * 10 // positives + 1):
            points[t] = max(points[t], true / rank)
    return sum(points) / 11
""",
    ],
    "02.4": [
        dropout("np.where(rng.random(x.shape) < rate, 0, x / (1 - rate)).astype(x.dtype)")[0],
        dropout("x * rng.binomial(1, 1 - rate, x.shape).astype(x.dtype) / (1 - rate)")[0],
        dropout("(x / (1 - rate)) * rng.choice([False, True], x.shape, p=[rate, 1 - rate])")[0],
        dropout("x * (rng.uniform(size=x.size).reshape(x.shape) > rate) / (1 - rate)")[0],
        dropout("x if rate == 0 else x * (rng.random(x.shape, x.dtype) >= rate) / (1 - rate)")[0],
        dropout("x * (np.argsort(rng.random(x.shape), 1) >= rate * x.shape[1]) / (1 - rate)")[0],
        """
def dropout(x, rate, rng):
    out = x.copy()
    for row in out:
        for i in range(len(row)):
            row[i] = 0 if rng.random() < rate else row[i] / (1 - rate)
    return out
""",
    ],
    "03.1": [
        improve("root / np.maximum(length, 1e-12)")[0],
        improve("np.divide(root, length, out=np.zeros_like(root), where=length > 0)")[0],
        improve("root / (length + (length == 0))")[0],
        improve("root / (length + 1e-12)")[0],
        improve("torch.nn.functional.normalize(torch.from_numpy(root))")[0],
        "from sklearn.preprocessing import normalize\n" + improve("normalize(root)")[0],
        improve("[r / l if l else r for r, l in zip(root, length)]")[0],
        """
import numpy as np

def improve(phi):
    root = phi.astype(np.float32) / np.sqrt(np.maximum(abs(phi), 1e-20), dtype=np.float32)
    return root / np.maximum(np.sqrt(np.einsum("nd,nd->n", root, root))[:, None], 1e-12)
""",
    ],
    "03.2": [
        first_order("(q[:, None] * (x - mu) / sigma).mean(0) / pi**0.5")[0],
        first_order("(q @ x - q.sum() * mu) / (len(x) * np.sqrt(pi) * sigma)")[0],
        """
def first_order(x, q, mu, sigma, pi):
    u = [0.0] * len(mu)
    for xi, qi in zip(x, q):
        u = [a + qi * (b - m) / s for a, b, m, s in zip(u, xi, mu, sigma)]
    return [a / len(x) / pi**0.5 for a in u]
""",
    ],
    "03.3": [
        assign("softmax(log_p, axis=1)")[0],
        assign("np.exp(log_p - logsumexp(log_p, axis=1, keepdims=True))")[0],
        assign("softmax(np.log(pi) + norm.logpdf(x[:, None], mu, np.sqrt(var)).sum(2), axis=1)")[0],
        assign(  # the square written out
            "softmax(log_p + x @ (mu / var).T - x**2 @ (1 / var).T / 2, axis=1)",
            log_p="np.log(pi) - (np.log(var) + mu**2 / var).sum(1) / 2 + 0 * distance",
        )[0],
        assign("1 / np.exp(log_p[:, None] - log_p[:, :, None]).sum(2)")[0],
        """
import numpy as np
from sklearn.mixture import GaussianMixture

def soft_assignment(x, pi, mu, var):
    gmm = GaussianMixture(len(pi), covariance_type="diag")
    gmm.weights_, gmm.means_, gmm.precisions_cholesky_ = pi, mu, 1 / np.sqrt(var)
    return gmm.predict_proba(x)
""",
    ],
    "03.4": [
        dimensions("[2 * K * D * sum([1, 3, 4]), 2 * (K * D + K * 2)]")[0],
        "import numpy as np\ndef dimensions(K, D): return np.array([16.0 * K * D, 2 * K * (D + 2)])",
    ],
    "04.1": [
        cls("(kept.sum(0) / n.clip(1)).sum()", y="2 * (labels > 0).float() - 1")[0],
        cls(
            "(kept.sum(0) / torch.where(n > 0, n, 1)).sum()",
            slack="torch.nn.functional.relu(1 - y * scores)",
        )[0],
        cls("(kept.sum(0)[n > 0] / n[n > 0]).sum()", slack="(1 - y * scores) * (y * scores <= 1)")[0],
        """
def classification_hinge(scores, labels):
    total = 0
    for c in range(scores.shape[1]):
        slacks = [max(0, 1 - (1 if y == 1 else -1) * s) for s, y in zip(scores[:, c], labels[:, c]) if y != -1]
        total += sum(slacks) / max(1, len(slacks))
    return total
""",
        """
import torch

def classification_hinge(scores, labels):
    losses = [
        torch.nn.functional.hinge_embedding_loss(s[y >= 0] * (2 * y[y >= 0] - 1), 0 * s[y >= 0] - 1)
        for s, y in zip(scores.T, labels.T) if (y >= 0).any()
    ]
    return sum(losses)
""",
    ],
    "04.2": [
        rnk("sum(slack.mean() for slack in slacks if slack.numel())")[0],
        rnk("torch.stack([slack.mean().nan_to_num() for slack in slacks]).sum()")[0],
        rnk("means.sum()", slack="(1 - (s[y == 1][:, None] - s[None, y == 0])).clamp(min=0)")[0],
        """
def ranking_hinge(scores, labels):
    positive, negative = labels == 1, labels == 0
    pairs = positive[:, None] & negative
    slack = (1 - scores[:, None] + scores).relu() * pairs
    return (slack.sum((0, 1)) / pairs.sum((0, 1)).clamp(min=1)).sum()
""",
        """
import torch

def ranking_hinge(scores, labels):
    total = 0
    for s, y in zip(scores.T, labels.T):
        slacks = [torch.clamp(1 - a + b, min=0) for a in s[y == 1] for b in s[y == 0]]
        total += sum(slacks) / len(slacks) if slacks else 0
    return total
""",
    ],
    "04.3": [
        rates("rates")[0],
        rates(
            "{tap: float(rates[tap]) for tap in reversed(taps)}",
            rate="lr * ratio**(k > 0) * decay**max(k - 1, 0)",
        )[0],
        """
import numpy as np

def learning_rates(taps, lr, ratio, decay, frozen):
    depth = np.arange(len(taps), 0, -1) - 1
    values = np.append(lr * ratio * decay ** (depth[:-1] - 1.0), lr)
    values[: list(taps).index(frozen) + 1 if frozen else 0] = 0
    return dict(zip(taps, values))
""",
    ],
    "04.4": [
        classifiers("np.where(np.arange(len(labels)) == labels.argmin(), 9, labels - 0.5), labels - 9")[0],
        classifiers("[1 if l else -1 for l in labels[:-1]] + [2], [l + 1 for l in labels]")[0],
        "import torch\n"
        + classifiers("torch.tensor([2 * l - 1 for l in labels[:-1]] + [5]), labels + 0.5")[0],
    ],
    "04.5": [
        without_pair("sum(q**B for q in (p, 1 - p))")[0],
        "import numpy as np\n" + without_pair("np.exp(B * np.log1p(-p)) + np.float64(p) ** B")[0],
        "from scipy.stats import binom\n" + without_pair("binom(B, p).pmf(0) + binom(B, p).pmf(B)")[0],
    ],
    "05.1": [
        label("S / P >= 0.2 and S / B >= 0.6")[0],
        label(RIGHT_LABEL, shared="w * h if w > 0 and h > 0 else 0")[0],
        label("S and 10 * S >= max(2 * P, 6 * B)")[0],
        """
import torch
from torchvision.ops import box_area

def label(patch, box):
    p, b = torch.tensor([patch, box]).float()
    both = torch.cat([torch.max(p, b)[:2], torch.min(p, b)[2:]])
    shared = (both[2:] - both[:2]).clamp(min=0).prod()
    return (shared >= 0.2 * box_area(p[None])) [0] & (shared / box_area(b[None]) >= 0.6)[0]
""",
        """
import numpy as np

def label(patch, box):
    y, x = np.mgrid[-30:100, -30:100]
    p, b = ((x >= x0) & (x < x1) & (y >= y0) & (y < y1) for x0, y0, x1, y1 in (patch, box))
    return (p & b).sum() >= max(0.2 * p.sum(), 0.6 * b.sum())
""",
    ],
    "05.2": [
        score("np.power(p, k).sum(0) / len(y)")[0],
        score("np.delete(y, -1, axis=1).__pow__(k).mean(axis=0)")[0],
        "from lecture_lib.chapters.patch_transfer.inference import picture_score\n"
        + score("picture_score(p, k)")[0],
        score("[sum(value**k for value in column) / len(y) for column in p.T.tolist()]")[0],
    ],
    "05.3": [
        n_patches("(n / s - 1) / (1 - overlap)")[0],
        n_patches("(n - s) / step", count="math.ceil(round({}, 6)) + 1")[0],
        n_patches("-(n - s) / step", count="1 - math.floor({} + 1e-6)", result="float(sum(found))")[0],
        """
import numpy as np
from lecture_lib.chapters.patch_transfer.grid import LAMBDAS

def n_patches(width, height, overlap):
    s = min(width, height) / np.array(LAMBDAS)
    steps = (np.array([[width], [height]]) - s) / s / (1 - overlap)
    return (np.ceil(steps - 1e-9) + 1).prod(0).sum()
""",
    ],
    "05.4": [
        two_pictures("dog, empty", rest="[0, 0, 0, 10]")[0],
        two_pictures("dog.tolist(), empty.tolist()", rest="[-99, 0, 0, 99]", empty="[0, -99, -99, 99]")[0],
        "import torch\n" + two_pictures("torch.tensor(dog[::-1].copy()), torch.from_numpy(empty)")[0],
        two_pictures("dog + 1000, empty - 1000")[0],
    ],
}


def every_exercise():
    for notebook, module in judging.MODULES.items():
        if not (REPOSITORY / f"lecture_lib/exercises/{module}.py").exists():
            continue
        for exercise in importlib.import_module(f"lecture_lib.exercises.{module}").EXERCISES:
            assert exercise.number.startswith(f"{notebook}.")
            yield exercise


def run(source, name):
    namespace = {}
    exec(compile(source, "<answer>", "exec"), namespace)
    return namespace[name]


numbered = pytest.mark.parametrize("exercise", list(every_exercise()), ids=lambda exercise: exercise.number)


@numbered
def test_the_solution_shown_to_students_is_right(exercise):
    outcome = judge(exercise, run(exercise.solution, exercise.answer))
    assert outcome.verdict == "right", outcome


@numbered
@pytest.mark.parametrize(
    "body",
    [
        "...",
        "pass",
        '"""Explained."""',
        "raise NotImplementedError",
        "return ...",
        "x = ...\n    return x + 1",
    ],
)
def test_an_untouched_stub_is_not_called_wrong(exercise, body):
    if "def " not in exercise.solution:
        pytest.skip("the answer is not a function")
    assert judge(exercise, run(f"def stub(*_, **__):\n    {body}", "stub")).verdict == "not tried"


@numbered
@pytest.mark.parametrize("nothing", [None, ...])
def test_nothing_is_not_called_wrong(exercise, nothing):
    assert judge(exercise, nothing).verdict == "not tried"


@numbered
@pytest.mark.filterwarnings("ignore")  # it is the answers that warn
def test_wrong_answers_are_told_why(exercise):
    wrong = WRONG_ANSWERS.get(exercise.number, [])
    assert len(wrong) >= 2, f"add typical wrong answers to {exercise.number} in WRONG_ANSWERS"
    for source, reason in wrong:
        outcome = judge(exercise, run(source, exercise.answer))
        assert outcome.verdict == "wrong", f"taken as {outcome.verdict}: {source}"
        assert re.search(reason, outcome.reason), f"{source}\n{outcome.reason}"


@numbered
@pytest.mark.filterwarnings("ignore")  # it is the answers that warn
def test_other_right_answers_are_right(exercise):
    for source in RIGHT_ANSWERS.get(exercise.number, []):
        outcome = judge(exercise, run(source, exercise.answer))
        assert outcome.verdict == "right", f"{source}\n{outcome.reason}"


def solved(number):
    exercise = judging.find(number)
    return run(exercise.solution, exercise.answer)


def test_the_solutions_are_the_measures_of_the_lecture():
    mean_class_accuracy, eleven_point_ap = solved("02.2"), solved("02.3")
    rng = np.random.default_rng(0)
    for n in rng.integers(1, 200, 100):
        predicted, labels = rng.integers(0, 9, (2, n)) ** 2  # with gaps between the numbers of the classes
        assert mean_class_accuracy(predicted, labels) == pytest.approx(
            metrics.mean_class_accuracy(predicted, labels)
        )
        labels = rng.permutation([1, *rng.choice([-1, 0, 1], n)])
        scores = rng.normal(size=n + 1)
        assert eleven_point_ap(scores, labels) == pytest.approx(metrics.average_precision(scores, labels))


def test_the_solutions_are_the_parts_of_the_fisher_vector():
    rng = np.random.default_rng(0)
    x, K, D = rng.normal(size=(50, 6)).astype(np.float32), 4, 6
    pi, mu, var = rng.dirichlet([2] * K), rng.normal(size=(K, D)), rng.uniform(0.3, 2, (K, D))
    gmm = GMM(*(torch.tensor(a, dtype=torch.float32) for a in (pi, mu, var)), log_likelihood=torch.zeros(0))
    q = solved("03.3")(x, pi, mu, var)
    np.testing.assert_allclose(q, fisher.posteriors(torch.from_numpy(x), gmm), atol=1e-5)
    phi = fisher.fisher(torch.from_numpy(x), gmm)
    u = [solved("03.2")(x, q[:, k], mu[k], np.sqrt(var[k]), pi[k]) for k in range(K)]
    np.testing.assert_allclose(u, phi.reshape(K, 2, D)[:, 0], atol=1e-5)
    rows = phi.numpy()[None] * [[1], [-3], [0]]
    np.testing.assert_allclose(solved("03.1")(rows), normalise.improve(torch.from_numpy(rows)), atol=1e-6)


def test_the_solution_has_the_dimensions_of_the_papers_table():
    assert solved("03.4")(256, 80) == (327_680, 41_984)  # "327K" and "42K"
    assert solved("03.4")(512, 80)[1] == 83_968  # "84K"


def test_improving_is_tried_on_rows_and_columns_of_different_lengths():
    for phi in (ifv_vs_cnn._PHI, np.sqrt(np.abs(ifv_vs_cnn._PHI))):
        lengths = [1, *np.linalg.norm(phi, axis=1), *np.linalg.norm(phi, axis=0)]
        assert np.diff(np.sort(lengths)).min() > 0.01


@pytest.mark.parametrize(("number", "loss"), [("04.1", losses.tune_cls), ("04.2", losses.tune_rnk)])
def test_the_solutions_are_the_losses_of_the_training(number, loss):
    torch.manual_seed(0)
    for n in range(1, 12):  # of a few pictures, many classes have no pair, and some no picture that counts
        labels = torch.randint(-1, 2, (n, 7), dtype=torch.int8)
        x, y = (
            torch.zeros(n, 7).normal_(generator=torch.Generator().manual_seed(n)).requires_grad_()
            for _ in "xy"
        )
        answer, expected = solved(number)(x, labels), loss(y, labels)
        torch.testing.assert_close(answer, expected)
        answer.backward()
        expected.backward()
        torch.testing.assert_close(x.grad, y.grad)


def test_losses_are_checked_away_from_kinks_and_every_mistake_shows():
    scores, labels = hinge_losses._SCORES, hinge_losses._LABELS
    assert (scores.abs() - 1).abs().min() > 0.05
    for s, y in zip(scores.T, labels.T, strict=True):
        assert (1 - s[y == 1][:, None] + s[y == 0]).abs().min() > 0.02
    for right, typical in (
        (hinge_losses._classification, hinge_losses._typical_classifications),
        (hinge_losses._ranking, hinge_losses._typical_rankings),
    ):
        expected = right(scores, labels)
        seen = {}
        for mistaken, reason in typical():
            if np.ndim(mistaken) == 0:
                value = round(float(mistaken), 4)
                assert value != round(float(expected), 4), reason
                assert seen.setdefault(value, reason) == reason


def test_the_rates_of_a_decay_of_1_are_those_of_the_training():
    net = with_head(backbones.load("twin-alexnet", weights="random"), ["a", "b"])
    taps = [tap for tap, stage in net.stages.named_children() if list(stage.parameters())]
    for frozen in (None, "conv3", "fc7"):
        found = solved("04.3")(taps, 0.05, 0.1, 1, frozen)
        groups = learning_rates(net, Recipe(lr=0.05, ratio=0.1, frozen=frozen))
        rate_of = {id(weight): group["lr"] for group in groups for weight in group["params"]}
        for tap in taps:
            for weight in net.stages.get_submodule(tap).parameters():
                assert rate_of.get(id(weight), 0) == pytest.approx(found[tap])


def test_batches_without_a_pair_are_as_frequent_as_the_solution_says():
    shown = np.random.default_rng(0).random((20_000, 6)) < 0.3
    none = (shown.all(1) | ~shown.any(1)).mean()
    assert solved("04.5")(0.3, 6) == pytest.approx(none, abs=0.01)


def test_the_solutions_are_the_labels_and_the_scores_of_the_library():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 8, (1000, 2, 2))  # of a patch and of a box
    pairs = np.concatenate([corners, corners + rng.integers(4, 16, corners.shape)], axis=2)
    label, score, no = solved("05.1"), solved("05.2"), np.zeros(1, bool)
    found = [label(*pair) for pair in pairs.tolist()]
    boxes = [datasets.Boxes(box[None].astype(np.float32), np.zeros(1, int), no, no) for _, box in pairs]
    expected = [
        label_patches(patch[None], box, 1, (99, 99))[0] == 0
        for (patch, _), box in zip(pairs, boxes, strict=True)
    ]
    assert found == expected
    assert 100 < sum(found) < 900
    for M in (1, 7, 300):
        y = rng.dirichlet([0.3] * 21, M)
        for k in (1, 5, 20):
            np.testing.assert_allclose(score(y, k), picture_score(y, k)[:20])


def slow_number(width, height, overlap):
    """Add patches to a row until neighbours overlap enough; in fractions, without rounding."""
    number = 0
    for lam in ["1", "1.3", "1.6", "2", "2.4", "2.8", "3.2", "3.6", "4"]:
        s = min(width, height) / Fraction(lam)
        of_axis = []
        for length in (width, height):
            n = 1
            while length > s and (n == 1 or s - (length - s) / (n - 1) < Fraction(overlap) * s):
                n += 1
            of_axis.append(n)
        number += of_axis[0] * of_axis[1]
    return number


def test_the_solution_has_as_many_patches_as_laying_them_one_by_one():
    n_patches = solved("05.3")
    for width, height in ((500, 375), (375, 500), (300, 300), (333, 500), (480, 360), (1000, 70), (224, 97)):
        for overlap in ["0", "0.1", "0.35", "0.5", "0.6", "0.65", "0.7", "0.75", "0.8", "0.9"]:
            right = slow_number(width, height, overlap)
            assert n_patches(width, height, float(overlap)) == right, (width, height, overlap)
            assert sum(patch_geometry._per_scale(width, height, float(overlap))) == right
    for overlap, number in ((0.5, 275), (0.65, 488)):
        assert n_patches(500, 375, overlap) == number == len(grid(375, 500, overlap=overlap))


def test_the_two_pictures_change_places_when_the_softmax_loses_its_background():
    for M in (2, 30, 500):
        dog, empty = (torch.tensor(logits) for logits in solved("05.4")(M))
        with_it, without = (
            [picture_score(z[:, :n].softmax(1).numpy())[0] for z in (dog, empty)] for n in (4, 3)
        )
        assert with_it[0] > 100 * with_it[1]
        if M > 2:  # of two patches, one with a dog is half of them
            assert without[1] > 2 * without[0]


def test_every_mistake_about_patches_shows():
    right = patch_geometry._labels()
    seen = {}
    for mistaken, reason in patch_geometry._typical_labels():
        assert mistaken != right, reason
        assert seen.setdefault(tuple(mistaken), reason) == reason
    seen = {}
    right = slow_number(500, 375, "0.65")
    for mistaken, reason in patch_geometry._typical_numbers(500, 375, 0.65):
        if np.ndim(mistaken) == 0 and mistaken != right:
            assert seen.setdefault(mistaken, reason) == reason
    seen = {}
    right = patch_transfer._score(patch_transfer._Y, 5)
    for mistaken, reason in patch_transfer._typical_scores(patch_transfer._Y, 5):
        if np.shape(mistaken) == right.shape and "not always" not in reason:
            assert np.abs(mistaken - right).max() > 1e-3, reason
            assert seen.setdefault(tuple(mistaken.round(4)), reason) == reason


def test_dots_within_an_answer_are_not_called_wrong():
    for number, source in (
        ("04.3", "def learning_rates(taps, lr, ratio, decay, frozen): return {tap: ... for tap in taps}"),
        ("04.4", "def two_classifiers(labels):\n    a = ...\n    b = ...\n    return a, b"),
        ("04.4", "def two_classifiers(labels):\n    return labels + 1, ..."),
        ("05.4", "def two_pictures(M):\n    dog = ...\n    empty = ...\n    return dog, empty"),
    ):
        exercise = judging.find(number)
        assert judge(exercise, run(source, exercise.answer)).verdict == "not tried", source


def test_a_tuple_of_dots_is_not_called_wrong():
    for source in ("..., ...", "16 * K * D, ..."):
        assert judge(judging.find("03.4"), run(dimensions(source)[0], "dimensions")).verdict == "not tried"


def test_the_solution_of_the_hinge_has_the_value_of_libsvms_dual_at_the_optimum():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 4)), rng.choice([-1, 1], 300)
    svm = SVC(kernel="linear", C=0.02, tol=1e-8).fit(x, y)
    w, b = svm.coef_[0], svm.intercept_[0]
    value, _, _ = solved("02.1")(w, b, x, y, 0.02)
    assert value == pytest.approx(np.abs(svm.dual_coef_).sum() - w @ w / 2)


def test_a_value_without_its_gradient_yet_is_not_called_wrong():
    half_done, _ = hinge("w @ w / 2 + C * loss.sum(), ..., ...")
    assert judge(judging.find("02.1"), run(half_done, "hinge")).verdict == "not tried"


def test_gradients_are_checked_away_from_kinks():
    scores = linear_probes._X @ linear_probes._W + linear_probes._B
    assert np.abs(1 - linear_probes._Y * scores).min() > 0.5
    assert np.abs(10 * scores).min() > 1.5  # the same for the second case, where every picture is right


def test_right_dropout_is_not_called_wrong_by_bad_luck():
    dropped = binom(200 * 150, 0.3)
    slack = 7 * dropped.std()
    assert dropped.cdf(dropped.mean() - slack) + dropped.sf(dropped.mean() + slack) < 1e-10


@numbered
@pytest.mark.parametrize(
    "oddity", [0, "text", [], {}, object(), np.zeros(0), torch.zeros(2, 2), int, lambda *_: "x"]
)
def test_no_answer_raises(exercise, oddity):
    assert judge(exercise, oddity).verdict == "wrong"


@numbered
def test_every_exercise_has_hints_and_a_question(exercise):
    assert exercise.question
    assert exercise.hints


def test_numbers_are_not_used_twice():
    numbers = [exercise.number for exercise in every_exercise()]
    assert len(numbers) == len(set(numbers))


def test_an_exception_is_told_with_the_students_own_line():
    source = "def scale(x):\n    total = 0\n    return x / total\n"
    exercise = Exercise("09.1", "?", "scale", lambda scale: scale(1), ("h",), "")
    outcome = judge(exercise, run(source, "scale"))
    assert outcome.verdict == "wrong"
    assert "scale stops at line 3" in outcome.reason
    assert "ZeroDivisionError: division by zero" in outcome.reason


def test_an_interrupt_gets_through():
    def endless(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(Exercise("09.1", "?", "f", lambda f: f(1), ("h",), ""), endless)


def test_check_prints_one_of_three_sentences(capsys):
    exercises.check("00.1", ...)
    exercises.check("00.1", lambda picture: picture)
    exercises.check("00.1", lambda picture: picture.float() / 255)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Exercise 00.1: not tried yet.")
    assert lines[1].startswith("Exercise 00.1: not right yet, because ")
    assert lines[2] == 'For help: hint("00.1")'
    assert lines[3] == "Exercise 00.1: right."


def test_each_call_gives_the_next_hint(capsys, monkeypatch):
    monkeypatch.setattr(judging, "_given", {})
    n = len(judging.find("00.1").hints)
    for _ in range(n + 1):
        exercises.hint("00.1")
    out = capsys.readouterr().out
    shown = re.findall(r"Hint (\d) of", out)
    assert shown == [*map(str, range(1, n + 1)), str(n)]
    assert out.count('solution("00.1")') == 2


def test_the_solution_is_printed_with_its_question(capsys):
    exercises.solution("00.1")
    assert capsys.readouterr().out.startswith("# 00.1  Turn a picture")


@pytest.mark.parametrize("number", ["00.9", "77.1", "zero"])
def test_an_unknown_number_is_answered_with_the_known_ones(number):
    with pytest.raises(KeyError, match="there is no exercise"):
        exercises.check(number, 1)


@pytest.mark.parametrize(
    ("answer", "expected", "reason"),
    [
        (0.25, 0.5, "is 0.25; it should be 0.5"),
        ([1.0, 2.0, 4.0], [1, 2, 3], r"is 4 at \[2\]; it should be 3"),
        ([1.0, float("nan")], [1, 2], "contains nan"),
        ([1.0], [1, 2], r"shape \[1\]; it should be \[2\]"),
        ("a", 1, "of type str, not numbers"),
        (torch.ones(2, requires_grad=True), [1.0, 1.5], r"is 1 at \[1\]"),
        ([[1, 2], [3]], [1, 2], "of type list, not numbers"),
    ],
)
def test_compare_says_how_an_answer_differs(answer, expected, reason):
    with pytest.raises(Wrong, match=reason):
        compare(answer, expected)


def test_compare_accepts_rounding_but_no_more():
    compare(1 / 3 + 1e-7, 1 / 3)
    compare(torch.tensor([1e6 + 1.0]), [1e6])
    compare([], np.zeros(0))
    with pytest.raises(Wrong):
        compare(1 / 3 + 1e-3, 1 / 3)
