"""Three more exercises of 04: a probability, a function to repair, and five questions."""

from __future__ import annotations

import numpy as np

from lecture_lib.exercises.choosing import choices
from lecture_lib.exercises.judging import Exercise

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
