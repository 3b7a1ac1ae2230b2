"""The lecture's statements about parts and attributes, put to the test over test pictures."""

from collections.abc import Mapping, Sequence

import numpy as np

from lecture_lib.chapters.parts_and_attributes.birds import ORACLE, PREDICTED
from lecture_lib.results.claims import Claim, ap_claims, paired_claim

ON = {"twin": "drawings", "real": "photographs"}
BELOW, ABOVE = ("shorts", "jeans", "long trousers"), ("male", "long hair", "glasses", "hat")
LOSS = -10  # points that POOFs of other classes may be below those of the classes themselves


def of_birds(
    right: Mapping[tuple[str, str, str], np.ndarray], moved: Mapping[str, np.ndarray], source: str, seed: int
) -> list[Claim]:
    """Judge rows of birds; right: (method, parts, region) -> bool [m] of test pictures; moved: see `birds.transfer`."""

    def of(method: str, parts: str = "", region: str = "box") -> np.ndarray:
        return 100.0 * right[method, parts, region]

    deep, words = "DPD + DeCAF6", "DPD (SIFT + colour words)"
    tested = [
        ("box", "The box is named better than the whole picture, DeCAF6", 0,
         of("DeCAF6") - of("DeCAF6", region="whole picture")),
        ("parts", "Parts help: DPD + DeCAF6 with oracle parts is better than DeCAF6 of the box", 0,
         of(deep, ORACLE) - of("DeCAF6")),
        ("predicted", "Predicted parts help, too: DPD + DeCAF6 with them is better than DeCAF6 of the box", 0,
         of(deep, PREDICTED) - of("DeCAF6")),
        ("price", "Predicted parts help less than oracle parts, DPD + DeCAF6", 0,
         of(deep, ORACLE) - of(deep, PREDICTED)),
        ("words", "Parts help words of SIFT and colour, too", 0, of(words, ORACLE) - of("SIFT + colour words")),
        ("deep", "DPD + DeCAF6 is better than DPD with words, oracle parts", 0, of(deep, ORACLE) - of(words, ORACLE)),
        ("poof", "DPD + DeCAF6 is better than POOF, oracle parts", 0, of(deep, ORACLE) - of("POOF", ORACLE)),
        ("transfer", "POOFs tell apart classes that they never saw, better than POOFs of shuffled labels", 0,
         100 * (moved["classes left out"] - moved["shuffled"])),
        ("own", f"POOFs of other classes are at most {-LOSS} points below POOFs of the classes themselves", LOSS,
         100 * (moved["classes left out"] - moved["own classes"])),
    ]  # fmt: skip
    return [
        paired_claim(
            f"parts/{id}, {ON[source]}",
            f"On {ON[source]}: {text}",
            gain,
            margin=margin,
            over="pictures",
            source=source,
            seed=seed,
        )
        for id, text, margin, gain in tested
    ]


def of_people(
    scores: Mapping[str, np.ndarray], truth: np.ndarray, classes: Sequence[str], source: str, seed: int
) -> list[Claim]:
    """Judge rows of people, over test people; scores: row -> [1, m, A], truth int8 [m, A]."""
    best = "CNN-SVM, box x 1.5" if "CNN-SVM, box x 1.5" in scores else "CNN-SVM, whole picture"
    upper, lower = "CNN-SVM, upper half", "CNN-SVM, lower half"
    tested = [
        ("chance", "the pyramid of words is better than chance", "SPM", "Freq", classes),
        ("cnn", "CNN-SVM is better than the pyramid of words", best, "SPM", classes),
        ("views", "sixteen views raise CNN-SVM", "CNNaug-SVM", best, classes),
        ("box", "the box is better than the whole picture, CNN-SVM", best, "CNN-SVM, whole picture", classes),
        ("parts", "parts help: head, torso and legs raise CNN-SVM", "DPD + CNN, oracle parts", best, classes),
        ("context", "the box is better than one of twice its sides", "CNN-SVM, box x 1", "CNN-SVM, box x 2", classes),
        ("below", "shorts, jeans and trousers are read from the lower half", lower, upper, BELOW),
        ("above", "sex, hair, glasses and hat are read from the upper half", upper, lower, ABOVE),
    ]  # fmt: skip
    claims = []
    for id, text, more, less, of in tested:
        columns = [i for i, name in enumerate(classes) if name in of]
        if more in scores and less in scores and more != less and columns:
            part = {row: scores[row][..., columns] for row in (more, less)}
            one = (f"people/{id}, {ON[source]}", f"On {ON[source]}, {text} (mAP)", more, less, 0.0)
            claims += ap_claims(part, truth[:, columns], [one], source=source, seed=seed)
    return claims
