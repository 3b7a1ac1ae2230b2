"""The exercises of 01_decaf_tsne."""

from typing import Any

import numpy as np

from lecture_lib.exercises.choosing import choices
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong

_NEAREST = np.array([[1, 2, 3], [0, 2, 4], [3, 0, 1], [2, 0, 4], [0, 1, 2]])
_LABELS, _WORDS = np.array([0, 0, 1, 1, 2]), np.array(["bird", "fish", "bird"])

PURITY = Exercise(
    number="01.1",
    question="The share of each picture's nearest neighbours that have its label.",
    hints=(
        "labels[nearest] has the labels of all neighbours at once, in the shape of nearest.",
        "Compare them with labels[:, None], which is one column: NumPy repeats it k times.",
        "The mean over the neighbours of a table of True and False is a share: .mean(1).",
    ),
    solution="""
def purity(nearest, labels):
    return (labels[nearest] == labels[:, None]).mean(1)
""",
    mistakes={
        "it counts the neighbours of the same class; their share is the count divided by k.": ".mean(1) -> .sum(1)",
        "purity gives one number; give one for each picture, the mean comes later.": ".mean(1) -> .mean()",
    },
    tries=(
        ("the purity of each picture", _NEAREST, _LABELS),
        ("the purity with words for labels", np.array([[2, 1], [0, 2], [0, 1]]), _WORDS),
    ),
)

MULTIPLY_ADDS = Exercise(
    number="01.2",
    question="The number of multiply-adds of a convolution for one picture.",
    hints=(
        "How many numbers does the output have? Each is one dot product.",
        "A dot product is as long as a kernel: k * k places times the input channels it sees.",
        "With groups, an output channel sees c_in / groups input channels.",
    ),
    solution="""
def multiply_adds(c_in, c_out, k, h, w, groups=1):
    return c_out * h * w * (c_in // groups) * k * k
""",
    mistakes={
        "a kernel is a square: it has k * k weights for each input channel, not k.": "* k * k -> * k",
        "this counts the weights; each of them is used at every place of the output.": "h * w * (c_in -> (c_in",
        "with groups=2 each output channel sees only half of the input channels.": "c_in // groups -> c_in",
        "the output has h * w places; h and w may differ.": "h * w -> h * h | h * w -> w * w",
    },
    tries=(  # the first two are AlexNet's (Krizhevsky et al. 2012), the last has an output that is no square
        ("AlexNet's conv1 (3 to 96 channels, 11x11, output 55x55)", 3, 96, 11, 55, 55),
        ("AlexNet's conv2 (96 to 256 channels, 5x5, output 27x27, groups=2)", 96, 256, 5, 27, 27, 2),
        ("a convolution from 16 to 32 channels, 3x3, with output 20x30", 16, 32, 3, 20, 30),
    ),
    tolerance=0,
)

_WHY_NOT = {
    "b": "the gap between two islands is kept in part: which of two is larger, a map gets wrong one time in four (b)",
    "c": "the size of an island is kept in part only, as t-SNE evens out densities (c)",
    "e": "the target's classes were not in the training set, and their islands lie apart all the same (e)",
}


def _check_supported(supported: Any) -> None:
    letters = {letter for part in supported for letter in str(part).lower() if letter.isalnum()}
    if unknown := letters - set("abcde"):
        raise Wrong(f"{min(unknown)!r} is none of the letters a to e.")
    for letter, reason in _WHY_NOT.items():
        if letter in letters:
            raise Wrong(f"{reason}.")
    if "a" not in letters:
        raise Wrong("one about neighbours is missing: being neighbours is what t-SNE tries to keep.")
    if "d" not in letters:
        raise Wrong("one is missing: t-SNE was given no labels, so what put the groups together?")


SUPPORTED = Exercise(
    number="01.3",
    question="What one t-SNE map supports.",
    hints=(
        "What does KL(P || Q) punish: losing a neighbour, or a wrong distance between far points?",
        "Look again at the four maps of one set of features: what did all of them agree on?",
        "Two letters are right; neither of them is about a size or a far distance.",
    ),
    solution="""
supported = {"a", "d"}
""",
    check=_check_supported,
)

_rng = np.random.default_rng(0)
_PHI = (_rng.normal(size=(12, 4)) + 2 * np.eye(4).repeat(3, 0)) * _rng.uniform(0.2, 5, (12, 1)) * [1, 1, 9, 9]

BUGS = Exercise(
    number="01.4",
    question="Two bugs in a purity.",
    stub="""
def purity_of(phi, labels, k=5):
    phi = phi / np.linalg.norm(phi, axis=0)
    distances = np.linalg.norm(phi[:, None] - phi[None], axis=2)
    nearest = distances.argsort(axis=1)[:, :k]
    return (labels[nearest] == labels[:, None]).mean(1)
""",
    hints=(
        "What does phi have the length 1 of afterwards: its rows, which are pictures, or its columns?",
        "Whose distance to a picture is always the smallest of its row, namely 0?",
        "np.linalg.norm(phi, axis=1, keepdims=True) is one column, with the length of each row.",
        "A picture is no neighbour of itself if its distance to itself is infinite: np.fill_diagonal.",
    ),
    solution="""
def purity_of(phi, labels, k=5):
    phi = phi / np.linalg.norm(phi, axis=1, keepdims=True)
    distances = np.linalg.norm(phi[:, None] - phi[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argsort(axis=1)[:, :k]
    return (labels[nearest] == labels[:, None]).mean(1)
""",
    mistakes={
        "both bugs are still there: the axis, and who is a picture's neighbour.": (
            "axis=1, keepdims=True -> axis=0; np.inf) -> 0.0)"
        ),
        "its rows, the pictures, do not get the length 1: the norm is taken along the wrong axis.": (
            "axis=1, keepdims=True -> axis=0"
        ),
        "every picture is still its own nearest neighbour, and has its own label.": "np.inf) -> 0.0)",
        "one neighbour is missing: without itself a picture has k others still.": "[:, :k] -> [:, : k - 1]",
    },
    tries=(
        ("the purity of the pictures of four classes", _PHI, np.arange(4).repeat(3), 2),
        ("the purity of the pictures of two classes", _PHI, np.arange(12) % 2, 5),
    ),
)

QUESTIONS = choices(
    "01.5",
    "b d a c c",
    (
        {
            "a": "Weights are the same for every picture; a feature is what comes out for one.",
            "b": "It is what comes out of fc6 after its ReLU: 768 numbers here, 4,096 in AlexNet.",
            "c": "Those come after fc8, two layers later, and know the source's classes only.",
            "d": "A place on the map has two numbers and depends on all the other pictures.",
        },
        {
            "a": "They are drawn once, and nothing is ever learned.",
            "b": "PCA and the network are given no labels.",
            "c": "An average of five is as often too high as too low where neighbours are drawn at random.",
            "d": "A random layer keeps much of the distances between its inputs.",
        },
        {
            "a": "The table has the share of neighbours that is the same on two maps of perplexity 30.",
            "b": "A map that is turned or mirrored costs exactly as much.",
            "c": "The axes have no unit, and gaps between far islands cost next to nothing.",
            "d": "Turned and mirrored maps cost the same, so not all of these.",
        },
        {
            "a": "They are not zeros; what counts is how often one is used.",
            "b": "ReLU works on what comes out; all multiply-adds are made before it.",
            "c": "A kernel's weight is used h times w times, a fully connected one once.",
            "d": "How a weight is stored changes neither number.",
        },
        {
            "a": "The interval reaches below zero, so less than no difference is possible, too.",
            "b": "The interval reaches above zero, so a difference is possible, too.",
            "c": "Zero is inside the interval.",
            "d": "That a difference is not seen does not make it zero; it may be as large as 0.032.",
        },
    ),
)

EXERCISES = (PURITY, MULTIPLY_ADDS, SUPPORTED, BUGS, QUESTIONS)

check, hint, solution = commands(EXERCISES)
