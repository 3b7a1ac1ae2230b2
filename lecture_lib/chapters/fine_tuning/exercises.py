"""The exercises of 04_fine_tuning; the first two are in `loss_exercises`."""

from collections.abc import Callable, Iterator

import numpy as np

from lecture_lib.chapters.fine_tuning.loss_exercises import CLASSIFICATION_HINGE, RANKING_HINGE
from lecture_lib.exercises.choosing import choices
from lecture_lib.exercises.comparing import finite, unpack
from lecture_lib.exercises.judging import Exercise, commands
from lecture_lib.exercises.running import Wrong
from lecture_lib.metrics import average_precision

_LAYERS = ("conv1", "conv2", "conv3", "fc6", "fc7", "head")
_FEW = ("conv1", "fc2", "head")
_FROZEN = "layers[: layers.index(frozen) + 1]"


def _rates(learning_rates: Callable, layers: tuple[str, ...], frozen: str | None) -> Iterator[tuple]:
    rates = learning_rates(layers, 0.1, 0.2, 0.5, frozen)
    case = f"with layers={layers}, lr=0.1, ratio=0.2, decay=0.5, frozen={frozen!r}"
    if not isinstance(rates, dict):
        raise Wrong(f"it gives a {type(rates).__name__}; it should give a dict, layer -> learning rate.")
    if missing := [layer for layer in layers if layer not in rates]:
        raise Wrong(f"there is no rate for {missing[0]}, {case}; frozen layers have rate 0.")
    if more := [layer for layer in rates if layer not in layers]:
        raise Wrong(f"there is a rate for {more[0]!r}, which is none of the layers, {case}.")
    what = {layer: f"the rate of {layer}, {case}," for layer in layers}
    yield "", {what[layer]: float(finite(rates[layer], what[layer], ())) for layer in layers}


LEARNING_RATES = Exercise(
    number="04.3",
    question="Learning rates that fall from the new head down to the pictures, and frozen layers.",
    hints=(
        "Count layers down from the head: layers[::-1] has the head first, enumerate numbers it 0.",
        "Layer k = 1, 2, ... below the head has lr * ratio * decay ** (k - 1).",
        "layers.index(frozen) is where the last frozen layer is; at and before it, the rate is 0.",
    ),
    solution="""
# The head is random and has to go a long way: lr. Below it a large step would destroy what was learned before: ratio.
# The lower a layer, the more general it is (edges and colours serve every task), and the less it has to move: decay.
def learning_rates(layers, lr, ratio, decay, frozen=None):
    rates = {layers[-1]: lr}
    rate = lr * ratio
    for layer in layers[-2::-1]:
        rates[layer] = rate
        rate = rate * decay
    if frozen is not None:
        for layer in layers[: layers.index(frozen) + 1]:
            rates[layer] = 0
    return rates
""",
    mistakes={
        "the head is new: it learns at lr itself, not at ratio x lr.": (
            "layers[-1]: lr -> layers[-1]: lr * ratio; rate = lr * ratio -> rate = lr * ratio**2"
        ),
        "decay is missing: each layer learns at decay times the rate above it.": "rate * decay -> rate",
        "ratio is missing: the layer before the head learns at ratio x lr.": "* ratio -> * 1 | * ratio -> * decay",
        "decay begins one layer too high: that before the head learns at ratio x lr.": "* ratio -> * ratio * decay",
        "it divides by ratio; multiply with it.": "lr * ratio -> lr / ratio",
        "it divides by decay; multiply with it.": "rate * decay -> rate / decay",
        "the first layer learns fastest; rates fall from the head down to the pictures.": "[-2::-1] -> [:-1]",
        "the order is upside down: the last layer is the head.": "{layers[-1] -> {layers[0]; [-2::-1] -> [1:]",
        "frozen names the last layer that is frozen: it is frozen itself, too.": "(frozen) + 1 -> (frozen)",
        "all layers before the one that frozen names are frozen, too.": f"{_FROZEN} -> [frozen]",
        "the layers up to the one that frozen names are frozen, those after it learn.": (
            f"{_FROZEN} -> layers[layers.index(frozen) + 1 : -1] | {_FROZEN} -> layers[layers.index(frozen) :]"
        ),
        "frozen layers have rate 0.": "rates[layer] = 0 -> pass",
    },
    tries=(("", _LAYERS, None), ("", _LAYERS, "conv2"), ("", _LAYERS, "fc7"), ("", _FEW, "conv1")),
    parts=_rates,
)


def _check_disagreement(two_classifiers: Callable) -> None:
    for n, positives in ((10, 2), (8, 4)):
        labels = np.repeat([1, 0], [positives, n - positives])
        case = f"where {positives} of {n} pictures show the class"
        a, b = unpack(two_classifiers(labels), "the scores of A", "the scores of B", shape=(n,))
        right_a, right_b = (int(((scores > 0) == labels).sum()) for scores in (a, b))
        ap_a, ap_b = (average_precision(scores, labels) for scores in (a, b))
        if right_a < right_b and ap_a > ap_b:
            raise Wrong(f"the two are exchanged {case}: A should be the one of higher accuracy and lower AP.")
        if right_a <= right_b:
            times = f"A is right {right_a} times of {n} and B {right_b} times"
            raise Wrong(f"{case}, {times}; A should be more often.")
        if ap_a >= ap_b:
            aps = f"A has an AP of {ap_a:.3f} and B of {ap_b:.3f}; that of A should be lower."
            raise Wrong(f"{case}, {aps} Only the order of the scores counts for it.")


TWO_CLASSIFIERS = Exercise(
    number="04.4",
    question="Two classifiers: A is more often right, B has the higher average precision.",
    hints=(
        "Adding 100 to all scores does not change their order, and so not the AP. What does it do to accuracy?",
        "B: a perfect order, with every score above 0. A: every sign right but one.",
        "Which single mistake harms the order most? A negative with the highest score of all.",
    ),
    solution="""
# Accuracy asks on which side of 0 a score is, AP only which of two scores is higher. TUNE-CLS moves scores to the
# right side of 0, TUNE-RNK positives above negatives: the second is what AP measures.
def two_classifiers(labels):
    a = 2.0 * labels - 1  # every sign is right ...
    a[labels.argmin()] = 10  # ... but that of one negative, which comes first
    b = labels + 1.0  # a perfect order, and "yes" to every picture
    return a, b
""",
    check=_check_disagreement,
)

_CURVES = np.random.default_rng(1)
_LEAK = "the test only scores: what is chosen by it comes out too high. Choose"
_AXIS = "`max(axis=0)` goes over the trainings and leaves a number an epoch; over the epochs it is axis 1."

WITHOUT_PAIR = Exercise(
    number="04.5",
    question="How often a batch has no pair of a class, and TUNE-RNK learns nothing about it.",
    hints=(
        "A pair needs a positive and a negative. What are the two ways of having none?",
        "All B pictures are negatives with probability (1 - p)^B; what is it for all positives?",
    ),
    solution="""
# For p = 0.05 and B = 32: 19 %. Such a class adds 0 to the loss, and its w_c gets no gradient. TUNE-CLS still learns
# from its negatives.
def without_pair(p, B):
    return (1 - p) ** B + p**B
""",
    mistakes={
        "a batch in which every picture shows the class has no pair either.": "(1 - p) ** B",
        "that is a batch full of positives; one without any has no pair either.": "p**B",
        "that is the probability of a pair.": "1 - (1 - p) ** B - p**B",
        "that is the probability of a positive.": "1 - (1 - p) ** B",
        "no batch is without positives and without negatives at once; add the two probabilities.": "+ p -> * p",
        "probabilities of independent pictures are multiplied, not added.": "(1 - p) * B | 1 - p * B",
    },
    tries=tuple((f"the probability for p = {p}, B = {B}", p, B) for p, B in ((0.9, 4), (0.05, 32), (0.3, 1))),
)

REPORTED = Exercise(
    number="04.6",
    question="A bug to find: the test mAP to report of several trainings, of which one is chosen.",
    stub="""
def reported(validation, test):
    training = validation.max(axis=0).argmax()
    epoch = test[training].argmax()
    return test[training, epoch]
""",
    hints=(
        "There are two mistakes. One is a wrong axis: print the shape of validation.max(axis=0).",
        "The other one makes the number too high: which line reads what it should not know yet?",
    ),
    solution="""
# Training and epoch are chosen by validation; the test is read once, at the end.
def reported(validation, test):
    training = validation.max(axis=1).argmax()
    epoch = validation[training].argmax()
    return test[training, epoch]
""",
    mistakes={
        _AXIS: "axis=1 -> axis=0",
        f"{_LEAK} the epoch by validation.": "validation[training].argmax -> test[training].argmax",
        f"{_LEAK} the training by validation.": "validation.max -> test.max",
        f"{_LEAK} training and epoch by validation.": "test.max()",
        "that is the validation, which has chosen, and so is too high itself; report the test.": (
            "validation[training, epoch] | validation.max()"
        ),
        "it keeps the last epoch; keep that of the best validation.": "test[training, -1]",
        "the mean of the epochs does not choose: the best epoch of each training counts.": (
            "validation.max(axis=1) -> validation.mean(axis=1)"
        ),
    },
    tries=tuple(
        (f"the mAP of {r} trainings with {e} epochs", *_CURVES.uniform(40, 60, (2, r, e)).round(1))
        for r, e in ((6, 4), (3, 3), (9, 5))
    ),
)

QUESTIONS = choices(
    "04.7",
    "b a c b a",
    [
        {
            "a": "the pre-trained layers are the slow ones: what they know shall not be lost.",
            "b": "the rates are lr for the head, and ratio x lr below it.",
            "c": "all weights learn unless `frozen` says otherwise; only their rates differ.",
        },
        {
            "a": "a pair's slack has the difference of two scores, and what is added to both goes out.",
            "b": "doubled, a difference of 0.8 becomes one of 1.6, and its slack goes from 0.2 to 0.",
            "c": "a pair of a positive and a negative has another slack with the two exchanged.",
        },
        {
            "a": "ten crops are the same for both rows.",
            "b": "both rows are tested on the same pictures.",
            "c": "the SVM learns from a quarter more pictures, so a gap may come from them.",
        },
        {
            "a": "the highest of 19 numbers is above their mean by chance alone.",
            "b": "what was chosen by the test has to be tested on pictures that did not choose it.",
            "c": "a second look at the same test pictures gives the same number.",
        },
        {
            "a": "each layer gets input that has changed already, and adds its own change.",
            "b": "CKA is 1 for outputs that are turned or scaled, not for ones that differ otherwise.",
            "c": "the head lies above fc7, and changes nothing of what fc7 says.",
        },
    ],
)

EXERCISES = (
    *(CLASSIFICATION_HINGE, RANKING_HINGE, LEARNING_RATES, TWO_CLASSIFIERS),
    *(WITHOUT_PAIR, REPORTED, QUESTIONS),
)

check, hint, solution = commands(EXERCISES)
