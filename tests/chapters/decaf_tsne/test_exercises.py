from answers import exercise_tests

from lecture_lib.chapters.decaf_tsne.exercises import EXERCISES

MULTIPLIED = "c_in * c_out // groups * k * k * h"
AS_FOUND = "axis=1, keepdims=True -> axis=0; np.inf) -> 0.0)"
WRONG = {
    "01.1": {
        "(labels[nearest] == labels).mean(1)": "stops",
        "(nearest == labels[:, None]).mean(1)": "it should be",
        "(labels[nearest] - labels[:, None] == 0).mean(1)": "stops",  # words for labels
    },
    "01.2": {
        "c_in * c_out * k * k": "weights",
        f"{MULTIPLIED} * h": "h and w may differ",
        f"{MULTIPLIED} * w + 100": "is 105415300; it should be 105415200",
        f"round({MULTIPLIED} * w, -3)": "is 105415000",
        f"2 * {MULTIPLIED} * w": "it should be",
    },
    "01.3": {
        "abd": "gap between two islands",
        ("a", "c", "d"): "size of an island",
        ("d",): "neighbours is missing",
        ("a",): "given no labels",
        ("a", "d", "e"): "not in the training set",
        "xyz": "'x' is none of the letters",
    },
    "01.4": {
        AS_FOUND: "both bugs",
        "np.fill_diagonal(distances, np.inf) -> pass": "its own nearest neighbour",
        "axis=1, keepdims=True -> axis=0": "wrong axis",
        "norm(phi, axis=1, keepdims=True) -> norm(phi)": "it should be",  # all rows by one number
        ".mean(1) -> .mean()": "it should be",
        "[:, :k] -> [:, 1 : k + 1]": "it should be",  # leaves the nearest one out, as it is no longer itself
    },
    "01.5": {
        "a d a c c": "Weights are the same",
        "b b a c d": "2 of 5 letters are wrong",
    },
}

RIGHT = {
    "01.1": ["[sum(labels[j] == label for j in row) / len(row) for row, label in zip(nearest, labels)]"],
    "01.2": ["c_out * c_in / groups * k**2 * h * w"],
    "01.4": [
        "np.fill_diagonal(distances, np.inf) -> pass; [:, :k] -> [:, 1 : k + 1]",
        "np.linalg.norm(phi, axis=1, keepdims=True) -> np.sqrt((phi**2).sum(1))[:, None]",
    ],
    "01.5": ["b d a c c", "BDACC", ["b", "d", "a", "c", "c"]],
    "01.3": ["ad", "a, d", "(a) (d)", ["A", "D"], {"(a)", " d "}],
}

test_wrong_answers, test_right_answers = exercise_tests(EXERCISES, WRONG, RIGHT)
