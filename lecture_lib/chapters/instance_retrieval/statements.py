"""The lecture's statements about retrieval, put to the test over instances: landmarks, places, sculptures.

Queries for one instance rise and fall together, so its value is the mean over them. Margins were written down before
any of the numbers was seen.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lecture_lib.chapters.instance_retrieval.tables import BUILDINGS, SHORT
from lecture_lib.results.claims import Claim, paired_claim

FAR = 10  # points that "by far" is more than
LITTLE = 2  # points that "little" is at most
LEVEL_WITH = 5  # points that a competitive method may be behind, at most
SCULPTURES = "sculptures6k"


def claims(values: pd.DataFrame, source: str, seed: int) -> list[Claim]:
    """Judge the statements from values of queries: a row for each dataset, method, instance and query, in %.

    What is not measured is not judged: sculptures and places only where they are there.
    """
    of_instances = values.pivot_table("value", ["dataset", "instance"], "method")
    there = set(values.dataset)

    def gain(more: str, less: str, datasets: Sequence[str] = BUILDINGS) -> np.ndarray:
        part = of_instances[of_instances.index.get_level_values("dataset").isin(datasets)]
        return (part[more] - part[less]).dropna().to_numpy()

    tested = [
        ("bow-vlad", "VLAD finds buildings better than BoW", 0, gain("VLAD", "BoW")),
        ("vlad-asmk", "ASMK finds buildings better than VLAD", 0, gain("ASMK", "VLAD")),
        ("ma", "multiple assignment helps ASMK find buildings", 0, gain("ASMK+MA", "ASMK")),
        ("ma-binary", "multiple assignment helps ASMK* find buildings", 0, gain("ASMK*+MA", "ASMK*")),
        ("ss", f"CNN-ss is over {FAR} points above CNN on buildings", FAR, gain("CNN-ss", "CNN")),
        ("competitive", f"CNNaug-ss is at most {LEVEL_WITH} points below ASMK+MA on buildings", -LEVEL_WITH,
         gain("CNNaug-ss", "ASMK+MA")),
        ("short", f"CNN-ss with {SHORT} numbers a patch is at most {LITTLE} points below CNN-ss on buildings", -LITTLE,
         gain(f"CNN-ss, {SHORT} numbers", "CNN-ss")),
        ("short-vlad", f"VLAD in {SHORT} numbers is at most {LITTLE} points below VLAD on buildings", -LITTLE,
         gain(f"VLAD, {SHORT} numbers", "VLAD")),
    ]  # fmt: skip
    if "holidays" in there:
        places = gain("CNNaug-ss", "ASMK+MA", ["holidays"])
        text = f"CNNaug-ss is at most {LEVEL_WITH} points below ASMK+MA on places"
        tested.append(("competitive-places", text, -LEVEL_WITH, places))
    if SCULPTURES in there and "BoB" in of_instances:
        means = of_instances.loc[SCULPTURES].mean().drop("BoB").dropna()
        behind, best = (
            gain("BoB", "CNNaug-ss", [SCULPTURES]),
            gain("BoB", str(means.idxmax()), [SCULPTURES]),
        )
        tested += [
            ("behind", "CNNaug-ss is behind BoB on sculptures", 0, behind),
            ("bob", "BoB is above every other row on sculptures", 0, best),
        ]
    on = {"twin": "drawings", "real": "photographs"}[source]
    return [
        paired_claim(
            f"retrieval/{id}, {on}",
            f"On {on}, {text}",
            of,
            margin=margin,
            over="instances",
            source=source,
            seed=seed,
        )
        for id, text, margin, of in tested
    ]
