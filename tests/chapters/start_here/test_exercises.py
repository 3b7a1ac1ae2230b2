import pytest

from lecture_lib.chapters.start_here.exercises import EXERCISES  # noqa: F401, those that `judged` judges


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("picture", "float32"),
        ("picture.double() / 255", "float64"),
        ("picture.half() / 255", "float16"),
        ("(picture // 255).float()", "is 0 at [0, 0, 1]"),
        ("picture.float() / 256", "255, became 0.9961"),
        ("picture.float() / picture.max()", "where a picture has none"),
        ("(picture.float() - picture.min()) / (picture.max() - picture.min())", "has neither"),
        ("picture.float() / max(picture.max(), 250)", "from 30 to 248 is 0.12"),
        ("picture.float().permute(1, 2, 0) / 255", "shape [4, 5, 3]"),
        ("picture.numpy() / 255", "ndarray"),
        ("picture.mean()", "floating point"),
        ("picture.fill_(0).float() / 255", "changes its input `picture`"),
        ("import numpy as np\nto_unit = 255", "of type int cannot be used"),
    ],
)
def test_wrong_answers_are_told_why(judged, answer, reason):
    assert reason in judged("00.1", answer).reason


def test_another_right_answer_is_right(judged):
    assert judged("00.1", "picture.float().div_(255)").verdict == "right"
