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
    },
    "00.2": {
        "one // 2 + other // 2": "two odd values lose 1",
        "(one.int() + other) // 2": "is torch.int32",
        "(one.float() + other) / 2": "is torch.float32",
        "torch.stack([one, other]).float().mean(0).round().byte()": "to even numbers",
        "((one.int() + other.int()) // 2).clamp(max=127).byte()": "it should be",
    },
    "00.3": {"c a b a b": "nobody has tried the photographs", "b a b c a": "2 of 5"},
}

RIGHT = {
    "00.1": ["picture.float().div_(255)"],
    "00.2": [
        "((one.float() + other) / 2).byte()",
        "(one & other) + ((one ^ other) >> 1)",
        "one // 2 + other // 2 + (one % 2) * (other % 2)",
    ],
    "00.3": ["CABCB", ["c", "a", "b", "c", "b"]],
}

test_wrong_answers, test_right_answers = exercise_tests(EXERCISES, WRONG, RIGHT)
