"""Two more exercises of 03_ifv_vs_cnn: a bug to find, and questions to choose from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lecture_lib.exercises.choosing import choices
from lecture_lib.exercises.comparing import finite
from lecture_lib.exercises.judging import Exercise
from lecture_lib.exercises.running import Wrong


def _keeps_views_together(fold_of: Callable) -> None:
    for n, views, folds in ((30, 10, 3), (14, 2, 4)):
        case = f"for {n} pictures with {views} views each and {folds} folds"
        given = finite(fold_of(n, views, folds), f"what it gives {case}", [n * views])
        if not np.isin(given, range(folds)).all():
            raise Wrong(f"{case} it names other folds than 0 to {folds - 1}.")
        for i, of_picture in enumerate(given.reshape(n, views)):
            if (apart := np.unique(of_picture).astype(int)).size > 1:
                raise Wrong(
                    f"{case} the views of picture {i} lie in folds {apart[0]} and {apart[1]}: one is trained on, and "
                    "the other is to tell how well pictures are known that were never seen."
                )
        sizes = np.bincount(given.astype(int), minlength=folds) // views
        if np.ptp(sizes) > 1:
            raise Wrong(
                f"{case} the folds have {', '.join(map(str, sizes))} pictures; take equally many, or nearly."
            )


LEAK = Exercise(
    number="03.5",
    question="Folds for validation, where each picture has several views.",
    hints=(
        "Which other samples look almost like view 0 of picture 0? In which folds are they?",
        "Draw a fold for each picture, n of them, not for each sample.",
        "np.repeat([2, 0, 1], 4) gives four times 2, then four times 0, then four times 1.",
    ),
    solution="""
def fold_of_each(n, views, folds):
    of_picture = np.random.default_rng(0).permutation(n) % folds
    return np.repeat(of_picture, views)
""",
    check=_keeps_views_together,
    stub="""
def fold_of_each(n, views, folds):
    return np.random.default_rng(0).permutation(n * views) % folds
""",
)

QUESTIONS = choices(
    "03.6",
    "c d c b a",
    [
        {
            "a": "that is the number of Gaussians; each has two vectors, and a descriptor has 80 numbers.",
            "b": "that is K D, with u_k alone; there are v_k, too.",
            "c": "2 K D: for each Gaussian u_k and v_k, of 80 numbers each.",
            "d": "that is one descriptor after PCA.",
        },
        {
            "a": "PCA sees descriptors, and no label.",
            "b": "the mixture is fitted to descriptors by EM, and no label is used.",
            "c": "the square root has nothing to learn.",
            "d": "all before it is learned without labels, or not learned at all.",
        },
        {
            "a": "PCA turns descriptors; there are as many of the wall after it.",
            "b": "all bricks go to the same Gaussians, softly or not, and add up there.",
            "c": "a thousand times the same descriptor counts about 30 times as much as one, not 1000 times.",
            "d": "the place tells bricks apart, which share out among more Gaussians, and still add up.",
        },
        {
            "a": "from the same pixels the two are closer; the encoding is not all of the gap.",
            "b": "with less to see, the IFV loses ten of its twenty-two points; the rest is owed to the encoding.",
            "c": "nothing was measured on photographs here, and another network made their vectors.",
            "d": "the same SVM and the same choice of C serve both.",
        },
        {
            "a": "f, in training: every view is a sample of its own; s, at test: the views' vectors are summed.",
            "b": "the first letter is about training, the second about testing.",
            "c": "(F) is the picture and its mirror image; f, in small, says what becomes of views.",
            "d": "stacked views are t.",
        },
    ],
)
