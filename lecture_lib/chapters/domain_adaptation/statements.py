"""The lecture's statements about adaptation, put to the test over trials."""

import numpy as np
import pandas as pd

from lecture_lib.chapters.domain_adaptation.methods import DAUME, HOFFMAN
from lecture_lib.results.claims import Claim, paired_claim

# the rows that are in the lecture's table for SURF, DeCAF6 and DeCAF7
ROWS = [
    *(f"{learner} ({which})" for which in ("S", "T", "ST") for learner in ("Logistic Reg.", "SVM")),
    *(DAUME, HOFFMAN, "Gong et al. (2012)"),
]
FAR = "amazon to webcam"
NEAR = "dslr to webcam"


def claims(measured: pd.DataFrame, words: str, deep: str, source: str, seed: int) -> list[Claim]:
    """Judge the statements from rows of `tables.table` with a column `layer`, one a trial.

    words, deep  the layers that stand for SURF and for DeCAF; statements call them "BoW" and "the network", so that
                 those of drawings and of photographs can stand side by side
    """
    values = measured.pivot_table("value", ["layer", "shift", "method"], "split")

    def of(method: str, layer: str = deep, way: str = FAR) -> np.ndarray:
        return values.loc[layer, way, method].to_numpy()

    ahead = [
        of(row, deep, way) - of(row, words, way)
        for way in (FAR, NEAR)
        for row in ROWS
        if (words, way, row) in values.index
    ]
    adapted = max((of(row) for row in (DAUME, HOFFMAN)), key=np.mean)
    others = max((of(row) for row in ROWS if row not in (DAUME, HOFFMAN)), key=np.mean)
    tested = [
        ("far", "the network is over 10 points above BoW in every row", 10, min(ahead, key=np.mean)),
        ("st/t", f"{FAR}: with the network, both domains' labels are better than the target's alone", 0,
         of("SVM (ST)") - of("SVM (T)")),
        ("t/s", f"{FAR}: with the network, three target labels a class are better than all of the source's", 0,
         of("SVM (T)") - of("SVM (S)")),
        ("adapted",
         f"{FAR}: with the network, the better of Daume III and MMDT is at most 1 point below any other row", -1,
         adapted - others),
        ("more", f"{FAR}: Daume III gains more over SVM (ST) with BoW than with the network", 0,
         of(DAUME, words) - of("SVM (ST)", words) - of(DAUME) + of("SVM (ST)")),
        ("near", f"{NEAR} is easier than {FAR}, SVM (ST) with the network", 0,
         of("SVM (ST)", way=NEAR) - of("SVM (ST)")),
    ]  # fmt: skip
    on = {"twin": "drawings", "real": "photographs"}[source]
    return [
        paired_claim(
            f"office/{id}, {on}",
            f"On {on}, {text}",
            gain,
            margin=margin,
            over="splits",
            source=source,
            seed=seed,
        )
        for id, text, margin, gain in tested
    ]
