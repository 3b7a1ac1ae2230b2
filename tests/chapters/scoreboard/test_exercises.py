from answers import exercise_tests

from lecture_lib.chapters.scoreboard.exercises import EXERCISES

WRONG = {
    "99.1": {
        "def v(low, high, margin):\n    return (low > 0).astype(int) - (high < 0).astype(int)": "0 is not always",
        "high < margin -> low < margin": "may still reach above it",
        "low > margin -> high > margin": "all of it has to be above",
        "def v(low, high, margin):\n    return low > margin": "",
    },
    "99.2": {"b c a c": "4 c:", "b c a": "3 letters"},
}
RIGHT = {
    "99.1": [
        "def v(low, high, margin):\n    return np.where(low > margin, 1, np.where(high < margin, -1, 0))",
        "def v(low, high, margin):\n    return np.sign(low - margin).clip(0) + np.sign(high - margin).clip(max=0)",
    ],
    "99.2": ["b c a b", "BCAB"],
}

test_wrong_answers_are_told_why, test_other_right_answers_are_right = exercise_tests(EXERCISES, WRONG, RIGHT)
