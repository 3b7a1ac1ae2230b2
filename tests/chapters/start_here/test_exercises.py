from answers import exercise_tests

from lecture_lib.chapters.start_here.exercises import EXERCISES

WRONG = {
    "00.1": {
        "picture": "float32",
        "picture.double() / 255": "float64",
        "picture.half() / 255": "float16",
        "(picture // 255).float()": "is 0 at [0, 0, 1]",
        "picture.float() / max(picture.max(), 250)": "from 30 to 248 is 0.12",
        "picture.float().permute(1, 2, 0) / 255": "shape [4, 5, 3]",
        "picture.numpy() / 255": "ndarray",
        "picture.mean()": "floating point",
        "picture.fill_(0).float() / 255": "changes its input `picture`",
        "import numpy as np\nto_unit = 255": "of type int cannot be used",
    }
}

test_wrong_answers, test_right_answers = exercise_tests(
    EXERCISES, WRONG, {"00.1": ["picture.float().div_(255)"]}
)
