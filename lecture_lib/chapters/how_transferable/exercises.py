"""The exercises of 06_how_transferable."""

from collections.abc import Callable, Iterator

import numpy as np

from lecture_lib.exercises.choosing import choices
from lecture_lib.exercises.comparing import finite, unpack
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong

_RNG = np.random.default_rng(0)
_W, _G, _V = _RNG.normal(size=(3, 8, 4))  # eight layers of four weights


def _step(step: Callable, *given: object) -> Iterator[tuple]:
    names = "the weights", "the velocities"
    yield from zip(names, unpack(step(*given), *names, shape=(8, 4)), strict=True)


FREEZE = Exercise(
    number="06.1",
    question="One step of SGD with momentum and weight decay that leaves the first n layers as they are.",
    hints=(
        "There are three things that can move a weight: its gradient, its velocity, and the decay.",
        "Compute the step for all layers, then keep the old rows of the first n, of w and of v.",
        "np.where(frozen[:, None], old, new) does that, with frozen = np.arange(len(w)) < n.",
    ),
    solution="""
# A gradient of 0 is not enough: decay x w still pulls, and an old velocity still pushes. torch's SGD skips what has no
# gradient at all (None), which is what requires_grad_(False) leads to.
def step(w, g, v, n, lr, momentum, decay):
    frozen = np.arange(len(w))[:, None] < n
    moved = momentum * v + g + decay * w
    new_v = np.where(frozen, v, moved)
    new_w = np.where(frozen, w, w - lr * moved)
    return new_w, new_v
""",
    mistakes={
        "frozen layers still decay: their gradient is 0, but decay x w is not.": (
            "new_w = np.where(frozen, w, -> new_w = np.where(frozen, w - lr * decay * w,"
            " | new_v = np.where(frozen, v, moved) -> new_v = np.where(frozen, decay * w, moved);"
            " np.where(frozen, w, -> np.where(frozen, w - lr * decay * w,"
        ),
        "the old velocity still moves frozen layers.": (
            "new_w = np.where(frozen, w, -> new_w = np.where(frozen, w - lr * momentum * v,"
            " | v, moved) -> momentum * v, moved); np.where(frozen, w, -> np.where(frozen, w - lr * momentum * v,"
        ),
        "a gradient of 0 does not freeze: momentum and decay still move the first n layers.": (
            "+ g + -> + np.where(frozen, 0, g) +; new_v = np.where(frozen, v, moved) -> new_v = moved;"
            " np.where(frozen, w, w - lr * moved) -> w - lr * moved"
        ),
        "a learning rate of 0 keeps the weights, but the velocity gathers on; thawed, the layers would jump.": (
            "np.where(frozen, v, moved) -> moved"
        ),
        "the first n layers are frozen, n of them: rows 0 to n - 1.": "< n -> <= n | < n -> < n - 1",
        "it freezes the layers above the cut, and trains those below.": "< n -> >= n",
        "nothing is frozen.": "< n -> < 0",
        "decay is missing in the layers that learn.": " + decay * w -> ",
        "momentum is missing in the layers that learn.": "momentum * v + g -> g",
        "a sign is wrong: a step goes against the gradient.": "w - lr * moved -> w + lr * moved",
    },
    tries=tuple((f" with n = {n}", _W, _G, _V, n, 0.1, 0.9, 0.05) for n in (3, 1, 7, 0)),
    parts=_step,
)

_X = _RNG.normal(3, 2, (6, 5))
_MEAN, _VAR = np.linspace(-1, 2, 5), np.linspace(0.5, 4, 5)
_STATS = "(x - mean) / np.sqrt(var + eps)"

BATCHNORM = Exercise(
    number="06.2",
    question="A bug to find: BatchNorm in a frozen layer.",
    stub="""
def frozen_batchnorm(x, mean, var, gamma, beta, eps):
    mean = 0.9 * mean + 0.1 * x.mean(axis=0)
    var = 0.9 * var + 0.1 * x.var(axis=0)
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta
""",
    hints=(
        "What does the function do with mean and var, and what does it normalise with?",
        "A frozen layer says the same of a picture whatever else is in its batch.",
        "So only the mean and the variance that it was given count; there is nothing to update.",
    ),
    solution="""
# In training mode BatchNorm normalises by the batch, and its averages drift to the new pictures without any gradient:
# requires_grad_(False) stops neither; eval() does.
def frozen_batchnorm(x, mean, var, gamma, beta, eps):
    return gamma * (x - mean) / np.sqrt(var + eps) + beta
""",
    mistakes={
        "it still normalises by the batch: what it says of a picture depends on the others.": (
            f"{_STATS} -> (x - x.mean(0)) / np.sqrt(x.var(0) + eps)"
        ),
        "the averages still move towards this batch.": (
            f"{_STATS} -> (x - (0.9 * mean + 0.1 * x.mean(0))) / np.sqrt(0.9 * var + 0.1 * x.var(0) + eps)"
        ),
        "the mean is that of the batch still.": "(x - mean) -> (x - x.mean(0))",
        "the variance is that of the batch still.": "np.sqrt(var -> np.sqrt(x.var(0)",
        "var is the variance; divide by its root.": "np.sqrt(var + eps) -> (var + eps)",
        "eps belongs into the root.": "np.sqrt(var + eps) -> np.sqrt(var)",
        "gamma and beta are weights of the layer: frozen, but still in use.": f"{_STATS} + beta -> {_STATS}"
        " | gamma * (x -> (x",
    },
    tries=(("the result", _X, _MEAN, _VAR, np.linspace(0.5, 1.5, 5), np.linspace(1, -1, 5), 0.1),),
)


def _losses(decompose: Callable, *given: object) -> Iterator[tuple]:
    names = "C", "S"
    yield from zip(names, unpack(decompose(*given), *names), strict=True)


_BASE = np.array([62.0, 55.0, 58.5])
_BNB = np.array([[62.5, 60, 61], [55.5, 52, 54], [58, 55, 58.5]])
_ANB = np.array([[62.0, 58, 50], [56, 50, 44], [57, 54, 46.5]])

DECOMPOSE = Exercise(
    number="06.3",
    question="Co-adaptation C(n) and specificity S(n) from a table of accuracies.",
    hints=(
        "C compares nets of one task, S nets of one cut.",
        "Each row of BnB has a base net of its own: base[:, None] stands beside all n.",
        "Differences first, then the mean over the splits, axis 0.",
    ),
    solution="""
# C: the task is the same, so what is lost, the cut has lost. S: the cut is the same, so the other task has. C + S is
# all that transfer costs.
def decompose(base, BnB, AnB):
    C = (BnB - base[:, None]).mean(axis=0)
    S = (AnB - BnB).mean(axis=0)
    return C, S
""",
    mistakes={
        "S is AnB against BnB; against base B it is the whole loss, C + S.": "(AnB - BnB) -> (AnB - base[:, None])",
        "a sign is turned: a loss is negative.": (
            "(BnB - base[:, None]) -> (base[:, None] - BnB); (AnB - BnB) -> (BnB - AnB)"
            " | (BnB - base[:, None]) -> (base[:, None] - BnB) | (AnB - BnB) -> (BnB - AnB)"
        ),
        "C and S are exchanged.": "return C, S -> return S, C",
        "the mean is over the cuts; it should be over the splits, and leave a number for each n.": "axis=0 -> axis=1",
        "every split has a base net of its own: base[:, None], not base along the cuts.": "base[:, None] -> base",
        "it gives a number for each split; their mean is still to be taken.": ".mean(axis=0) -> ",
    },
    tries=(
        ("(n) of three splits and three cuts", _BASE, _BNB, _ANB),
        ("(n) of two splits and three cuts", _BASE[:2], _ANB[:2], _BNB[:2]),
    ),
    parts=_losses,
)

_HALVES = {
    "the paper's": [0.13, 0, -0.11, -0.6, -1.69, -3.92, -8.24],
    "a sudden": [0, 0, -6, -6, -6, -6, -6],
    "an even": [-1, -2, -3, -4, -5, -6, -7],
    "an early": [-6, -7, -7, -7.5, -8, -8, -8],
    "a restless": [-1, -5, -2, -3, -6, -7, -8],
    "a recovering": [-1, -4, -9, -8, -7, -8, -6],
}

HALF_LAYER = Exercise(
    number="06.4",
    question="The half-layer: where half of the specificity is lost, interpolated between two cuts.",
    hints=(
        "S(0) = 0 comes first: np.concatenate([[0], S]). Which is the first n with S(n) <= S(7) / 2?",
        "Between n - 1 and n the line falls from S(n-1) to S(n); where does it cross S(7) / 2?",
        "n - 1 + (S(7)/2 - S(n-1)) / (S(n) - S(n-1)).",
    ),
    solution="""
def half_layer(S):
    S = np.concatenate([[0], S])
    half = S[-1] / 2
    n = np.argmax(S <= half)
    return n - 1 + (half - S[n - 1]) / (S[n] - S[n - 1])
""",
    mistakes={
        "it gives a whole n; interpolate between the cut before and this one.": "float(n)",
        "it gives the cut before; interpolate from there.": "float(n - 1)",
        "S[0] is S(1): the result is one layer too low.": "return n - 1 -> return n - 2",
        "the result is one layer too high.": "return n - 1 -> return n",
        "half of the loss is S(7) / 2; it takes half of the layers.": "float(len(S) - 1) / 2",
        "half of S(7), the loss at the last cut, counts; it takes half of the largest.": (
            "half = S[-1] / 2 -> half = S.min() / 2"
        ),
        "the first n counts where half is lost; a later one is taken.": (
            "np.argmax(S <= half) -> len(S) - np.argmax(S[::-1] > half)"
        ),
    },
    tries=tuple((f"the half-layer of {name} fall", np.array(S, float)) for name, S in _HALVES.items()),
)


def _check_halves(halves: Callable) -> None:
    seen = []
    for n, size in ((20, 10), (21, 10), (100, 30)):
        case = f"of {n} classes, {size} a half,"
        a, b = unpack(halves(n, size, np.random.default_rng(3)), "A", "B")
        a, b = (finite(one, f"half {name} {case}", (size,)) for one, name in ((a, "A"), (b, "B")))
        for one, name in ((a, "A"), (b, "B")):
            if not np.isin(one, np.arange(n)).all():
                raise Wrong(f"half {name} {case} has numbers that are no class, 0 to {n - 1}.")
            if len(np.unique(one)) < size:
                raise Wrong(f"half {name} {case} has a class twice.")
        if both := np.intersect1d(a, b).astype(int).tolist():
            raise Wrong(
                f"{case} {len(both)} are in both halves, the first is {both[0]}: A is to know nothing of B."
            )
        seen.append((a, b))
    again = unpack(halves(20, 10, np.random.default_rng(4)), "A", "B")
    if np.array_equal(np.sort(again[0]), np.sort(seen[0][0])):
        raise Wrong("another rng gives the same halves: draw them from rng.")
    in_a = np.zeros(20)
    for seed in range(200):
        in_a[np.asarray(halves(20, 10, np.random.default_rng(seed))[0], int)] += 1
    if in_a.min() < 60 or in_a.max() > 140:  # six standard deviations of a fair draw
        raise Wrong(
            f"class {in_a.argmax()} is in A {in_a.max():.0f} times of 200; each should be in half of all draws."
        )


HALVES = Exercise(
    number="06.5",
    question="A bug to find: classes of A leak into B.",
    stub="""
def halves(n_classes, size, rng):
    a = rng.choice(n_classes, size, replace=False)
    b = rng.choice(n_classes, size, replace=False)
    return np.sort(a), np.sort(b)
""",
    hints=(
        "Each half by itself has no class twice. Print np.intersect1d(a, b).",
        "The second draw does not know of the first one: draw once, and part what was drawn.",
        "order = rng.permutation(n_classes) has every class once.",
    ),
    solution="""
# With two independent draws, half of B's classes are A's, too: AnB has seen them, and S(n) looks far too small.
def halves(n_classes, size, rng):
    order = rng.permutation(n_classes)
    return np.sort(order[:size]), np.sort(order[size : 2 * size])
""",
    check=_check_halves,
)

QUESTIONS = choices(
    "06.6",
    "b c a b a",
    (
        {
            "a": "they are B's own layers: what is specific to B is all there.",
            "b": "the task is the same, so only the cut between layers that grew up together can cost anything.",
            "c": "both nets learn from the same pictures.",
        },
        {
            "a": "the frozen layers are what differs: they come from A in one net, from B in the other.",
            "b": "other first weights above the cut would put chance into the difference.",
            "c": "then what is lost can only come from whose classes the frozen layers were learned for.",
        },
        {
            "a": "BnB+ has had as many steps: what AnB+ has beyond it, only A can have given.",
            "b": "base A says nothing about the classes of B.",
            "c": "random layers tell what learned ones are worth, not what longer training is worth.",
        },
        {
            "a": "torch's SGD skips what has no gradient, weight decay included.",
            "b": "in training mode they follow the new pictures, with gradients or without.",
            "c": "no weight does, but BatchNorm has more than weights.",
        },
        {
            "a": "base nets that were never cut differ by as much; in a pair that cancels.",
            "b": "two base nets, neither of them cut, would show the same difference.",
            "c": "they would tell better how far the two nets are apart, not whether the cut is why.",
        },
    ),
)

EXERCISES = (FREEZE, BATCHNORM, DECOMPOSE, HALF_LAYER, HALVES, QUESTIONS)

check, hint, solution = commands(EXERCISES)
